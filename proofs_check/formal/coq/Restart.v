(** N1: the test of PISA-auto. After a restart it passes as soon as s = sigma + lambda reaches s_R, whatever the
  operators
    are; where it passes in every round, from whatever trial, the gradients are summable and under PL the rate is
      linear. *)

From PISA Require Export Preconditioned.

Section Auto.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L least : R) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (a c eps delta : R).
Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis constants : 0 < a /\ 0 < c < 1 /\ 0 <= eps /\ 0 <= delta < 1.

(** The mean squared residual of multipliers -p_i at w. *)
Definition error w (p : nat -> V) := sum m (fun i => weight i * ‖G i w - p i‖²).
(** (T): from (w, p) to (w', p') with s; the residual of the start counts with [kept], 0 after a restart. *)
Definition passes s kept w w' (p' : nat -> V) :=
  objective w' + (1 + eps) * (a / s) * error w' p' <= objective w + (1 - delta) * (a / s) * kept - c / s * ‖slope w‖².

Lemma error_nonneg w p : 0 <= error w p.
Proof.
  unfold error. rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le; intros.
  apply Rmult_le_pos; [now apply weights|apply inner_nonneg].
Qed.

Section Step.
Hypothesis L_positive : 0 < L.
Hypothesis ridge_nonneg : 0 <= ridge.

(** s_R, the larger root of (1 - c) s^2 - (L + lambda) s/2 - (1 + eps) a L^2. *)
Definition enough := ((L + ridge) / 2 + sqrt ((L + ridge) ^ 2 / 4 + 4 * (1 - c) * (1 + eps) * a * L ^ 2)) / (2 * (1 -
  c)).

Lemma enough_is_enough s : enough <= s -> 0 < s /\ 0 <= (1 - c) * s ^ 2 - (L + ridge) / 2 * s - (1 + eps) * a * L ^ 2.
Proof.
  intros H. destruct constants as [A [C [E D]]]. unfold enough in H.
  assert (P : 0 < (1 + eps) * a * L ^ 2) by (repeat apply Rmult_lt_0_compat; try lra; apply pow_lt; lra).
  set (q := (L + ridge) ^ 2 / 4 + 4 * (1 - c) * (1 + eps) * a * L ^ 2) in *.
  assert (Q : 0 <= q) by (unfold q; assert (T := pow2_ge_0 (L + ridge)); assert (0 < 4 * (1 - c) * ((1 + eps) * a * L
    ^ 2))
    by (apply Rmult_lt_0_compat; lra); lra).
  assert (S1 := sqrt_sqrt q Q). assert (S2 := sqrt_pos q). set (r := sqrt q) in *. unfold q in S1.
  apply (Rmult_le_compat_r (2 * (1 - c))) in H; [|lra]. unfold Rdiv at 1 in H. rewrite Rmult_assoc, Rinv_l in H by lra.
  assert (Y : r <= 2 * (1 - c) * s - (L + ridge) / 2) by lra.
  assert (Yp : r * r <= (2 * (1 - c) * s - (L + ridge) / 2) * (2 * (1 - c) * s - (L + ridge) / 2)) by (apply
    Rmult_le_compat; lra).
  rewrite S1 in Yp. split.
  - apply Rmult_lt_reg_r with (2 * (1 - c)); lra.
  - apply Rmult_le_reg_l with (4 * (1 - c)); [lra|]. nra.
Qed.

(** The trial of a restart is the gradient step with p_i = grad F_i(w): what it needs of the point w. *)
Lemma restart_passes_where s w w' : enough <= s -> w' = (w - / s * slope w)%V ->
  objective w' <= objective w + ⟨slope w, w' - w⟩ + (L + ridge) / 2 * ‖w' - w‖² ->
  (forall i, (i < m)%nat -> ‖G i w' - G i w‖² <= L * L * ‖w' - w‖²) -> passes s 0 w w' (fun i => G i w).
Proof.
  intros H -> Down Turn. destruct (enough_is_enough s H) as [Ps Gap]. destruct constants as [A [C [E D]]].
  unfold passes. set (g := slope w) in *. set (w' := (w - / s * g)%V) in *.
  assert (Lip : error w' (fun i => G i w) <= L * L * ‖w' - w‖²).
  { replace (L * L * ‖w' - w‖²) with (L * L * ‖w' - w‖² * sum m weight) by (rewrite (proj2 weights); ring).
    unfold error. rewrite <- sum_scale. apply sum_le. intros i I. rewrite (Rmult_comm _ (weight i)).
    apply Rmult_le_compat_l; [now apply weights|now apply Turn]. }
  replace (w' - w)%V with (- / s * g)%V in * by (unfold w'; vector).
  set (f := objective w') in *. set (e := error _ _) in *. clearbody f e.
  assert (W : 0 <= (1 + eps) * (a / s)) by (apply Rmult_le_pos; [lra|apply quotient; lra]).
  assert (Z : 0 <= ((1 - c) * s ^ 2 - (L + ridge) / 2 * s - (1 + eps) * a * L ^ 2) / s ^ 3) by (apply quotient;
    [lra|apply pow_lt; lra]).
  refine (conclude _ _ _ (plus (plus (row 1 _ _ Down _) (row _ _ _ Lip W)) (square _ g Z)) _); [lra|expand_goal;
    field; lra].
Qed.

Theorem N1_restart_passes s w w' : (forall i, (i < m)%nat -> smooth L (F i) (G i)) ->
  enough <= s -> w' = (w - / s * slope w)%V -> passes s 0 w w' (fun i => G i w).
Proof.
  intros F_smooth H E. apply restart_passes_where; [exact H|exact E| |].
  - assert (Down := descent V m weight ridge L F G weights L_positive F_smooth w (w' - w)%V).
    replace (w + (w' - w))%V with w' in Down by vector. exact Down.
  - intros i I. apply (lipschitz _ _ _ _ (F_smooth i I)).
Qed.
End Step.

(** ** Any sequence of accepted rounds: w_k, p_k and s_k; s falls by at most the factor 1 + eps *)
Section Rounds.
Variables (w : nat -> V) (p : nat -> nat -> V) (s : nat -> R).
Hypothesis s_positive : forall k, 0 < s k.
Hypothesis slow_fall : forall k, s k <= (1 + eps) * s (S k).
(** A restart in round k may have replaced the residual by 0. *)
Hypothesis accepted : forall k, exists kept, kept <= error (w k) (p k) /\ passes (s k) kept (w k) (w (S k)) (p (S k)).
Hypothesis bounded : forall x, least <= objective x.
Definition merit k := objective (w k) + a / s k * error (w k) (p k).

Theorem N1_merit_falls k : merit (S k)
  <= merit k - c / s k * ‖slope (w k)‖² - delta * (a / s k) * error (w k) (p k).
Proof.
  destruct (accepted k) as [kept [Le T]]. destruct constants as [A [C [E D]]]. unfold passes in T. unfold merit.
  assert (P := s_positive k). assert (P' := s_positive (S k)). assert (N := error_nonneg (w (S k)) (p (S k))).
  assert (Up : a / s (S k) <= (1 + eps) * (a / s k)).
  { apply Rmult_le_reg_r with (s (S k) * s k); [nra|]. replace (a / s (S k) * (s (S k) * s k)) with (a * s k) by
    (field; lra).
    replace ((1 + eps) * (a / s k) * (s (S k) * s k)) with (a * ((1 + eps) * s (S k))) by (field; lra).
    apply Rmult_le_compat_l; [lra|apply slow_fall]. }
  assert (U := Rmult_le_compat_r _ _ _ N Up). assert (W : 0 <= (1 - delta) * (a / s k)) by (apply Rmult_le_pos;
    [lra|apply quotient; lra]).
  assert (K := Rmult_le_compat_l _ _ _ W Le). lra.
Qed.

Theorem N1_sum N : sum N (fun k => c / s k * ‖slope (w k)‖²) <= merit 0 - least.
Proof.
  destruct constants as [A [C [E D]]].
  assert (T := telescope merit (fun k => c / s k * ‖slope (w k)‖²) (fun k => ltac:(assert (S := N1_merit_falls k);
    assert (Q := error_nonneg (w k) (p k)); assert (P := s_positive k);
    assert (Z : 0 <= delta * (a / s k) * error (w k) (p k)) by (apply Rmult_le_pos; [apply Rmult_le_pos; [lra|apply
      quotient; lra]|exact Q]);
    lra)) N).
  assert (B := bounded (w N)). assert (Q := error_nonneg (w N) (p N)). assert (P := s_positive N).
  assert (0 <= a / s N * error (w N) (p N)) by (apply Rmult_le_pos; [apply quotient; lra|exact Q]). unfold merit in *.
    lra.
Qed.

(** PL with mu, F* = [least]. *)
Variable mu : R.
Hypothesis mu_nonneg : 0 <= mu.
Hypothesis polyak : forall x, 2 * mu * (objective x - least) <= ‖slope x‖².
Theorem N1_linear_rate k : merit (S k) - least <= (1 - Rmin (2 * c * mu / s k) delta) * (merit k - least).
Proof.
  assert (K := N1_merit_falls k). assert (Pl := polyak (w k)). assert (B := bounded (w k)). destruct constants as [A
    [C [E D]]].
  assert (P := s_positive k). assert (Q := error_nonneg (w k) (p k)). unfold merit in *. set (chi := Rmin _ _).
  assert (C1 : chi <= 2 * c * mu / s k) by apply Rmin_l. assert (C2 : chi <= delta) by apply Rmin_r.
  set (y := objective (w k)) in *. set (e := error (w k) (p k)) in *.
  assert (H : 2 * c * mu / s k * (y - least) <= c / s k * ‖slope (w k)‖²).
  { replace (2 * c * mu / s k * (y - least)) with (c / s k * (2 * mu * (y - least))) by (field; lra).
    apply Rmult_le_compat_l; [apply quotient; lra|exact Pl]. }
  assert (Z : 0 <= a / s k * e) by (apply Rmult_le_pos; [apply quotient; lra|exact Q]).
  assert (chi * (y - least) <= 2 * c * mu / s k * (y - least)) by (apply Rmult_le_compat_r; lra).
  assert (chi * (a / s k * e) <= delta * (a / s k * e)) by (apply Rmult_le_compat_r; lra). lra.
Qed.
End Rounds.

(** Accepted rounds exist: restarts alone, at any s >= s_R, are such a sequence. *)
Theorem N1_inhabited s w p : 0 < L -> 0 <= ridge -> (forall i, (i < m)%nat -> smooth L (F i) (G i)) -> enough <= s ->
  (forall k, w (S k) = (w k - / s * slope (w k))%V) -> (forall k i, p (S k) i = G i (w k)) ->
  0 < s /\ s <= (1 + eps) * s /\ forall k, exists kept, kept <= error (w k) (p k) /\ passes s kept (w k) (w (S k)) (p
    (S k)).
Proof.
  intros LP T FS H Step Mem. destruct (enough_is_enough LP T s H) as [P _]. destruct constants as [A [C [E D]]].
  split; [exact P|split; [nra|]]. intros k. exists 0. split; [apply error_nonneg|].
  assert (K := N1_restart_passes LP T s (w k) (w (S k)) FS H (Step k)). unfold passes, error in *.
  rewrite (sum_ext m (fun i => weight i * ‖G i (w (S k)) - p (S k) i‖²) (fun i => weight i * ‖G i (w (S k)) - G i (w
    k)‖²))
    by (intros i _; now rewrite Mem). exact K.
Qed.
End Auto.
Print Assumptions N1_restart_passes.
Print Assumptions N1_sum.
Print Assumptions N1_linear_rate.

(** What a restart at w does to a round of Algorithm 1, whatever the operators: the clients stay, and the server makes
    the gradient step. *)
Theorem N1_restart_trial (V : space) m weight ridge penalty bend G (w : nat -> V) local dual l :
  pisa V m weight ridge penalty bend (fun l i => G i (w l)) w local dual -> 0 < rate m weight ridge penalty (S l) ->
  (forall i, (i < m)%nat -> 0 < penalty (S l) i) -> (forall i x, (i < m)%nat -> 0 <= ⟨bend (S l) i x, x⟩) ->
  (forall i, (i < m)%nat -> dual l i = (- G i (w (S l)))%V) ->
  w (S (S l)) = (w (S l) - / rate m weight ridge penalty (S l) * slope V m weight ridge G (w (S l)))%V /\
  forall i, (i < m)%nat -> dual (S l) i = (- G i (w (S l)))%V.
Proof.
  intros run Pr Pp Pb D.
  assert (Still : forall i, (i < m)%nat -> deviation V w local (S l) i = 0%V).
  { intros i I. assert (C := client _ _ _ _ _ _ _ _ _ _ run l i I). rewrite (D i I) in C. cbv beta in C.
    set (d := deviation _ _ _ _ _) in *. clearbody d. apply norm_zero.
    apply (f_equal (fun u => ⟨u, d⟩)) in C. autorewrite with inner in C. assert (B := Pb i d I). assert (P := Pp i I).
    apply Rmult_le_reg_l with (penalty (S l) i); [easy|]. lra. }
  assert (Same : forall i, (i < m)%nat -> dual (S l) i = (- G i (w (S l)))%V).
  { intros i I. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run), (Still i I), (D i I). vector. }
  split; [|exact Same]. assert (M := move _ _ _ _ _ _ _ _ _ _ (S l) run). apply solve_for in M; [|exact Pr].
  rewrite M, (mean_ext V m weight _ (fun i => -1 * G i (w (S l)))%V).
  - rewrite mean_scale. unfold slope. vector.
  - intros i I. rewrite (Still i I), (Same i I). vector.
Qed.
