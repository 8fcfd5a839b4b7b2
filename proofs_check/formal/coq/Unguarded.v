(** N2: the loop of PISA-auto without restarts. Every round of Algorithm 1 passes the test once the penalty is large
    enough for T6-linear-rate's constants; so sigma stays below a bound and a rejected trial raises it. *)

From PISA Require Export Metric Restart Backtracking.

Section Unguarded.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L least : R) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (a c eps delta beta X : R).
Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).
Notation error := (error V m weight G).
Notation passes := (passes V m weight ridge F G a c eps delta).
Notation mean := (mean V m weight).
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis ranges_of_constants : 0 < a /\ 0 < c <= / 2 /\ 0 <= eps /\ 0 <= delta < 1.
Hypothesis beta_nonneg : 0 <= beta.
(** (1 + eps) a and X are the constants of a metric that falls by (1 - delta)/(1 + eps): Metric.v. *)
Hypothesis matched : constants beta ((1 - delta) / (1 + eps)) ((1 + eps) * a) X.

Lemma test_constants : 0 < a /\ 0 < c < 1 /\ 0 <= eps /\ 0 <= delta < 1.
Proof. lra. Qed.

(** One round of Algorithm 1 from x with multipliers -q_i, clients first, with penalties sigma_i. *)
Record trial (sigma : nat -> R) (x : V) (q : nat -> V) (y : V) (q' : nat -> V) : Prop := {
  operators : exists (bend : nat -> V -> V) (d : nat -> V), forall i, (i < m)%nat ->
    (forall z z', ⟨bend i z, z'⟩ = ⟨z, bend i z'⟩) /\ (forall z, 0 <= ⟨bend i z, z⟩ <= beta * sigma i * ‖z‖²) /\
    (sigma i * d i + bend i (d i) = q i - G i x)%V /\ q' i = (q i - sigma i * d i)%V;
  server_trial : ((sum m (fun i => weight i * sigma i) + ridge) * (y - x)
    = mean (fun i => q i - 2 * q' i) - ridge * x)%V
}.

Theorem N2_passes sigma x q y q' : trial sigma x q y q' -> (forall i, (i < m)%nat -> 0 < sigma i) ->
  let s := sum m (fun i => weight i * sigma i) + ridge in
  0 < s -> X * L ^ 2 <= (s - ridge - L) * s -> passes s (error x q) x y q'.
Proof.
  intros [[bend [d Ops]] Server] Pos s Ps Large. destruct ranges_of_constants as [A [C [E D]]]. unfold Restart.passes.
  fold s in Server. set (step := (y - x)%V) in *. set (g := slope x).
  set (u := fun i => (- sigma i * d i)%V). set (v := fun i => (- bend i (d i))%V).
  assert (Theta : (1 - delta) / (1 + eps) * ((1 + eps) * a) = (1 - delta) * a) by fraction.
  assert (Cp := constants_positive _ _ _ _ beta_nonneg matched).
  assert (M : mean (fun i => u i - v i)%V = (- (s * step) - g)%V).
  { rewrite Server. apply separated; intros z. unfold g, Preconditioned.slope. autorewrite with inner. rewrite
    !inner_mean.
    rewrite (sum_ext m (fun i => weight i * ⟨u i - v i, z⟩) (fun i => -1 * (weight i * ⟨q i - 2 * q' i, z⟩) +
      -1 * (weight i * ⟨G i x, z⟩))); [rewrite sum_add, !sum_scale; ring|].
    intros i I. destruct (Ops i I) as [_ [_ [Line Next]]]. rewrite Next. unfold u, v.
    apply (f_equal (fun w => ⟨w, z⟩)) in Line. autorewrite with inner in *. nra. }
  assert (J : ‖- (s * step) - g‖² <= sum m (fun i => weight i * ‖u i - v i‖²))
    by (rewrite <- M; exact (jensen _ _ _ _ (proj1 weights) (proj2 weights))).
  assert (Cl : (1 + eps) * a * error y q' + / 2 * sum m (fun i => weight i * ‖u i - v i‖²)
    <= (1 - delta) * a * error x q + X / 2 * (L ^ 2 * ‖step‖²)).
  { replace (X / 2 * (L ^ 2 * ‖step‖²)) with (X / 2 * (L ^ 2 * ‖step‖²) * sum m weight) by (rewrite (proj2 weights);
    ring).
    unfold Restart.error. rewrite <- !sum_scale, <- !sum_add. apply sum_le. intros i I.
    destruct (Ops i I) as [Sym [Bound [Line Next]]]. assert (Pi := Pos i I).
    assert (Sec : ‖v i‖² <= beta * ⟨u i, v i⟩).
    { assert (K := sector V (bend i) (beta * sigma i) (d i) Sym Bound ltac:(nra)). unfold u, v. autorewrite with inner.
      rewrite (inner_sym _ (d i)). lra. }
    assert (K := constants_client V (u i) (v i) (G i y - G i x)%V _ _ _ _ beta_nonneg matched Sec). rewrite Theta in K.
    assert (Lip := lipschitz _ _ _ _ (F_smooth i I) y x). fold step in Lip. replace (L * L) with (L ^ 2) in Lip by ring.
    assert (Lip' := Rmult_le_compat_l (X / 2) _ _ ltac:(lra) Lip).
    replace (G i x - q i)%V with (u i + v i)%V.
    2: { unfold u, v. apply separated; intros z. apply (f_equal (fun w => ⟨w, z⟩)) in Line. autorewrite with inner in
      *. lra. }
    replace (G i y - q' i)%V with (v i + (G i y - G i x))%V.
    2: { rewrite Next. unfold v. apply separated; intros z. apply (f_equal (fun w => ⟨w, z⟩)) in Line.
      autorewrite with inner in *. lra. }
    assert (W := Rmult_le_compat_l _ _ _ (proj1 weights i I) (Rle_trans _ _ _ K (Rplus_le_compat_l _ _ _ Lip'))). lra. }
  assert (Dn := descent V m weight ridge L F G weights L_positive F_smooth x step).
  replace (x + step)%V with y in Dn by (unfold step; vector). fold g in Dn.
  set (e := error x q) in *. set (e' := error y q') in *. set (B := sum m (fun i => weight i * ‖u i - v i‖²)) in *.
  set (f := objective x) in *. set (f' := objective y) in *. clearbody step g e e' B f f' s.
  assert (W : 0 <= / s) by (apply Rlt_le, Rinv_0_lt_compat; lra). assert (W1 : 0 <= 1 / (2 * s)) by (apply quotient;
    lra).
  assert (W2 : 0 <= ((s - ridge - L) * s - X * L ^ 2) / (2 * s)) by (apply quotient; lra).
  assert (W3 : 0 <= (/ 2 - c) / s) by (apply quotient; lra).
  refine (conclude _ _ _ (plus (plus (row 1 _ _ Dn Rle_0_1) (row _ _ _ Cl W)) (plus (row _ _ _ J W1)
    (plus (square _ step W2) (square _ g W3)))) _). expand_goal. field. lra.
Qed.

(** The penalty that is enough: the root of (sigma - L)(sigma + lambda) = X L^2. *)
Definition root := ((L - ridge) + sqrt ((L + ridge) ^ 2 + 4 * X * L ^ 2)) / 2.

Lemma root_enough sigma : 0 < sigma -> root <= sigma -> X * L ^ 2 <= (sigma - L) * (sigma + ridge).
Proof.
  intros S H. assert (Cp := constants_positive _ _ _ _ beta_nonneg matched). unfold root in H.
  assert (Q : 0 <= (L + ridge) ^ 2 + 4 * X * L ^ 2).
  { assert (T := pow2_ge_0 (L + ridge)). assert (0 <= 4 * X * L ^ 2) by (apply Rmult_le_pos; [lra|apply pow2_ge_0]).
    lra. }
  assert (R1 := sqrt_sqrt _ Q). assert (R0 := sqrt_pos ((L + ridge) ^ 2 + 4 * X * L ^ 2)). set (r := sqrt _) in *.
  assert (Y : r <= 2 * sigma - (L - ridge)) by lra.
  assert (Y2 : r * r <= (2 * sigma - (L - ridge)) * (2 * sigma - (L - ridge))) by (apply Rmult_le_compat; lra).
  rewrite R1 in Y2. nra.
Qed.

(** The loop: in round k trials at begun k, t begun k, ... until one passes; the penalties of the clients are multiples
    [share i] of sigma with mean 1. *)
Variables (t floor : R) (share : nat -> R).
Hypothesis shares : (forall i, (i < m)%nat -> 0 < share i) /\ sum m (fun i => weight i * share i) = 1.
Hypothesis t_above_1 : 1 < t.

Record unguarded (w : nat -> V) (p : nat -> nat -> V) (begun sigma : nat -> R) (rises : nat -> nat) : Prop := {
  its_penalties : backtracks t eps floor begun sigma rises;
  accepted_trial : forall k, trial (fun i => share i * sigma k) (w k) (p k) (w (S k)) (p (S k)) /\
    passes (sigma k + ridge) (error (w k) (p k)) (w k) (w (S k)) (p (S k));
  rejected_trials : forall k j, (j < rises k)%nat -> exists y q,
    trial (fun i => share i * (t ^ j * begun k)) (w k) (p k) y q /\
    ~ passes (t ^ j * begun k + ridge) (error (w k) (p k)) (w k) y q
}.

Lemma total sigma : sum m (fun i => weight i * (share i * sigma)) = sigma.
Proof.
  rewrite (sum_ext m _ (fun i => sigma * (weight i * share i))) by (intros; ring). rewrite sum_scale, (proj2 shares).
    ring.
Qed.

Lemma trial_passes sigma x q y q' : trial (fun i => share i * sigma) x q y q' -> 0 < sigma -> root <= sigma ->
  passes (sigma + ridge) (error x q) x y q'.
Proof.
  intros T S R. assert (K := N2_passes _ _ _ _ _ T). cbv beta zeta in K. rewrite total in K.
  apply K; [intros i I; apply Rmult_lt_0_compat; [now apply shares|exact S]|lra|].
  replace (sigma + ridge - ridge - L) with (sigma - L) by ring. now apply root_enough.
Qed.

Section Run.
Variables (w : nat -> V) (p : nat -> nat -> V) (begun sigma : nat -> R) (rises : nat -> nat).
Hypothesis loop : unguarded w p begun sigma rises.

Lemma t_and_eps : 1 < t /\ 0 <= eps.
Proof. lra. Qed.

Lemma rejected_below k j : (j < rises k)%nat -> t ^ j * begun k < root.
Proof.
  intros J. destruct (rejected_trials _ _ _ _ _ loop k j J) as [y [q [T No]]].
  assert (P : 0 < t ^ j * begun k) by (apply Rmult_lt_0_compat; [apply pow_lt; lra|
    exact (started_positive _ _ _ _ _ _ t_and_eps (its_penalties _ _ _ _ _ loop) k)]).
  destruct (Rlt_le_dec (t ^ j * begun k) root) as [Lt|Le]; [exact Lt|]. destruct (No (trial_passes _ _ _ _ _ T P Le)).
Qed.

Theorem N2_sigma_bounded k : sigma k <= Rmax (Rmax (begun O) floor) (t * root).
Proof. exact (penalty_bounded _ _ _ _ _ _ _ t_and_eps (its_penalties _ _ _ _ _ loop) rejected_below k). Qed.

(** One evaluation for each trial, and that of the start. *)
Theorem N2_evaluations N : floor <= begun O -> INR (1 + count N (fun k => rises k + 1)%nat)
  <= 1 + INR N + (ln (Rmax 1 (t * root / begun O)) + INR N * ln (1 + eps)) / ln t.
Proof.
  intros Fl. assert (K := increases_bounded_log _ _ _ _ _ _ _ t_and_eps (its_penalties _ _ _ _ _ loop) rejected_below
    Fl N).
  rewrite count_shift, Nat.mul_1_l, !plus_INR. simpl INR. lra.
Qed.

Hypothesis bounded : forall x, least <= objective x.

Theorem N2_sum N : sum N (fun k => c / (sigma k + ridge) * ‖slope (w k)‖²)
  <= objective (w O) + a / (sigma O + ridge) * error (w O) (p O) - least.
Proof.
  assert (P : forall k, 0 < sigma k + ridge).
  { intros k. assert (P := accepted_positive _ _ _ _ _ _ t_and_eps (its_penalties _ _ _ _ _ loop) k). lra. }
  exact (N1_sum V m weight ridge least F G a c eps delta weights test_constants w p (fun k => sigma k + ridge) P
    (fun k => ltac:(assert (K := falls_slowly _ _ _ _ _ _ t_and_eps (its_penalties _ _ _ _ _ loop) k); nra))
    (fun k => ex_intro _ (error (w k) (p k)) (conj (Rle_refl _) (proj2 (accepted_trial _ _ _ _ _ loop k)))) bounded N).
Qed.
End Run.
End Unguarded.

(** The table's words: a round of Algorithm 1 is such a trial. *)
Theorem N2_round (V : space) m weight ridge beta penalty bend (G : nat -> V -> V) w local dual l :
  pisa V m weight ridge penalty bend (fun l i => G i (w l)) w local dual ->
  (forall i x y, (i < m)%nat -> ⟨bend (S l) i x, y⟩ = ⟨x, bend (S l) i y⟩) ->
  (forall i x, (i < m)%nat -> 0 <= ⟨bend (S l) i x, x⟩ <= beta * penalty (S l) i * ‖x‖²) ->
  trial V m weight ridge G beta (penalty (S l)) (w (S l)) (fun i => - dual l i)%V (w (S (S l))) (fun i => - dual (S l)
    i)%V.
Proof.
  intros Run Sym Bound. split.
  - exists (bend (S l)), (deviation V w local (S l)). intros i I. split; [now intros; apply Sym|split; [now intros;
      apply Bound|split]].
    + rewrite (client _ _ _ _ _ _ _ _ _ _ Run l i I). cbv beta. vector.
    + rewrite (multiplier _ _ _ _ _ _ _ _ _ _ Run). vector.
  - assert (M := move _ _ _ _ _ _ _ _ _ _ (S l) Run). unfold rate in M. rewrite M. f_equal. apply mean_ext. intros i I.
    rewrite (multiplier _ _ _ _ _ _ _ _ _ _ Run l i). vector.
Qed.
