(** T1, T2 and T4 as the table words them: for runs of Algorithm 1 itself, any clients, any split, any constant
    penalties (Rates.v and LastIterate.v have them for the optimistic recursion, and T2's minimum).

    g_j is the gradient at w_(j+1), where the j-th client step takes it; [memory 0] = g_(-1) is minus the mean of the
    first multipliers, any vector in T1 and T4-gradient-monotone. *)

From PISA Require Export LastIterate.

Section Runs.
Variable V : space.
Variables (m : nat) (weight sigma : nat -> R) (G : nat -> V -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Variables (F : V -> R) (L k : R).
Hypothesis run :
  pisa V m weight 0 (fun _ => sigma) (fun _ _ _ => 0%V) (fun l i => G i (w l)) w local dual.
Notation gradient := (fun x => mean V m weight (fun i => G i x)).
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : smooth L F gradient.
Hypothesis kappa : sum m (fun i => weight i * sigma i) = k * L.

Definition memory l : V := (- mean V m weight (dual l))%V.
Notation place := (fun j => w (S j)).
Notation g j := (mean V m weight (fun i => G i (w (S j)))).

Lemma memory_next j : memory (S j) = g j.
Proof. unfold memory. rewrite (mean_dual _ _ _ _ _ _ _ _ run). vector. Qed.

Lemma optimistic j : 0 < k -> w (S (S j)) = (w (S j) - / (k * L) * (2 * g j - memory j))%V.
Proof.
  intros K. assert (0 < k * L) by nra. rewrite (optimistic_gradient _ _ _ _ _ _ _ _ run) by lra. rewrite kappa.
  unfold memory. vector.
Qed.

(** ** T1-nonconvex-potential: its rho, omega and c *)
Definition rho_of := if Rle_dec 2 k then 1 else k / (k ^ 2 - 2).
Definition omega_of := if Rle_dec 2 k then 0 else (4 - k ^ 2) / (4 * k * (k ^ 2 - 2)).
Definition fall_of := if Rle_dec 2 k then (4 * k - 1) / (4 * k ^ 2) else (4 * k ^ 2 - 9) / (4 * k * (k ^ 2 - 2)).
Definition plain_potential j := F (w (S j)) + / (4 * k * L) * ‖g j‖²
  + (2 * k - rho_of) / (4 * k ^ 2 * L) * ‖memory j‖² + omega_of / L * ‖g j - memory j‖².

Lemma plain_falls j : 3 / 2 < k -> plain_potential (S j) <= plain_potential j - fall_of / L * ‖g j‖².
Proof.
  intros K. assert (Mem := memory_next j). assert (Opt := optimistic j ltac:(lra)).
  unfold plain_potential, rho_of, omega_of, fall_of. destruct (Rle_dec 2 k) as [H|H].
  - rewrite Mem. assert (I := interpolation _ _ _ _ (w (S j)) (w (S (S j))) L_positive F_smooth). cbv beta in I.
    replace (w (S j) - w (S (S j)))%V with (/ (k * L) * (2 * g j - memory j))%V in I by (rewrite Opt; vector).
    certify (plus (row 1 _ _ I _) (plus (square (1 / (4 * k * L)) (g (S j) - memory j)%V _)
      (plus (square ((k - 2) / (4 * k ^ 2 * L)) (memory j - g j)%V _)
        (square ((k - 2) / (4 * k * L)) (g (S j) - g j)%V _)))).
  - apply Rnot_le_lt in H. assert (P : 0 < k ^ 2 - 2) by nra.
    assert (D := proj1 (T1_nonconvex V F gradient L k place memory L_positive F_smooth memory_next
      (fun i => optimistic i ltac:(lra)) j K)).
    unfold potential, multiplier_of in D. destruct (Rle_dec 2 k); [lra|].
    replace ((4 - k ^ 2) / (4 * k * (k ^ 2 - 2)) / L) with ((k / (k ^ 2 - 2) * k - 2) / (4 * k * L)) by fraction.
    replace ((4 * k ^ 2 - 9) / (4 * k * (k ^ 2 - 2)) / L) with ((4 * k - k / (k ^ 2 - 2)) / (4 * k ^ 2 * L)) by fraction.
    exact D.
Qed.

Lemma plain_above least j : 3 / 2 < k -> (forall x, least <= F x) -> least <= plain_potential j.
Proof.
  intros K B. assert (E := end_value _ _ _ _ (w (S j)) least L_positive F_smooth B). cbv beta in E.
  assert (I := Rinv_0_lt_compat L L_positive). assert (Qg := inner_nonneg _ (g j)).
  unfold plain_potential, rho_of, omega_of. destruct (Rle_dec 2 k) as [H|H].
  - assert (Qm := inner_nonneg _ (memory j)).
    assert (0 <= / (2 * L) * ‖g j‖²) by (apply Rmult_le_pos; [sign|easy]).
    assert (0 <= / (4 * k * L) * ‖g j‖²) by (apply Rmult_le_pos; [sign|easy]).
    assert (0 <= (2 * k - 1) / (4 * k ^ 2 * L) * ‖memory j‖²) by (apply Rmult_le_pos; [sign|easy]).
    unfold Rdiv at 2. rewrite Rmult_0_l, Rmult_0_l. lra.
  - apply Rnot_le_lt in H. assert (P : 0 < k ^ 2 - 2) by nra. set (q := k / (k ^ 2 - 2)).
    assert (Q : q * (k ^ 2 - 2) = k) by (unfold q; fraction). assert (Q0 : 0 < q) by (unfold q; positive).
    assert (Q4 : q <= 4 * k) by (apply Rmult_le_reg_r with (k ^ 2 - 2); [easy|]; rewrite Q; nra).
    replace ((4 - k ^ 2) / (4 * k * (k ^ 2 - 2)) / L) with ((2 * q - k) / (4 * k ^ 2 * L)) by (unfold q; fraction).
    clearbody q.
    assert (R : 0 <= 2 * k ^ 3 + 2 * k ^ 2 * q + 6 * q * k - 2 * q ^ 2 - k ^ 2).
    { assert (0 <= q * (4 * k - q)) by (apply Rmult_le_pos; lra). assert (0 <= q * k * (2 * k - 2)) by
        (apply Rmult_le_pos; [nra|lra]). assert (0 <= k ^ 2 * (2 * k - 1)) by (apply Rmult_le_pos; nra). nra. }
    certify (plus (row 1 _ _ E _)
      (plus (square ((k + q) / (4 * k ^ 2 * L)) (memory j - ((2 * q - k) / (k + q)) * g j)%V _)
      (square ((2 * k ^ 3 + 2 * k ^ 2 * q + 6 * q * k - 2 * q ^ 2 - k ^ 2) / ((k + q) * (4 * k ^ 2 * L))) (g j) _))).
Qed.

(** T1-nonconvex-potential, for the runs. *)
Theorem T1_nonconvex_potential least : 3 / 2 < k -> (forall x, least <= F x) -> 0 < fall_of /\
  forall j, plain_potential (S j) <= plain_potential j - fall_of / L * ‖g j‖² /\ least <= plain_potential j.
Proof.
  intros K B. split; [|intros j; split; [now apply plain_falls|now apply plain_above]].
  unfold fall_of. destruct (Rle_dec 2 k); [positive|]. assert (0 < k ^ 2 - 2) by nra.
  apply Rdiv_lt_0_compat; [nra|positive].
Qed.

(** ** T1-convex-potential *)
Definition r_of := if Rle_dec 2 k then 0 else (2 - k) / (2 * k - 3).
Definition convex_potential j := F (w (S j))
  + ((1 + r_of) * ‖g j‖² + ‖memory j‖² + r_of * ‖g j - memory j‖²) / (2 * k * L).

Theorem T1_convex_potential j : convex F -> 3 / 2 < k ->
  convex_potential (S j) <= convex_potential j - / (k * L) * ‖g j‖².
Proof.
  intros C K. assert (D := T1_convex V F gradient L k place memory L_positive F_smooth memory_next
    (fun i => optimistic i ltac:(lra)) j C K). cbv zeta in D.
  assert (E : Rmax 0 ((2 - k) / (2 * k - 3)) = r_of).
  { unfold r_of. destruct (Rle_dec 2 k) as [H|H].
    - apply Rmax_left. assert (0 <= (k - 2) / (2 * k - 3)) by sign.
      replace ((2 - k) / (2 * k - 3)) with (- ((k - 2) / (2 * k - 3))) by fraction. lra.
    - apply Rnot_le_lt in H. apply Rmax_right. sign. }
  rewrite E in D. unfold carried, convex_potential in *. set (r := r_of) in *. clearbody r.
  match type of D with ?a <= ?b - _ => match goal with |- ?a' <= ?b' - _ =>
    replace a' with a by fraction; replace b' with b by fraction end end. exact D.
Qed.

(** ** T4 *)
Theorem T4_run_monotone j : convex F -> 3 / 2 <= k ->
  ‖g (S j)‖² + ‖g (S j) - g j‖² <= ‖g j‖² + ‖g j - memory j‖².
Proof.
  intros C K. assert (D := T4_gradient_monotone V F gradient L k place memory L_positive F_smooth C memory_next
    (fun i => optimistic i ltac:(lra)) j K). now rewrite memory_next in D.
Qed.

(** ** From the cold start *)
Hypothesis cold : forall i, dual 0 i = 0%V.
Variable least : R.
Hypothesis F_bounded : forall x, least <= F x.

Lemma cold_memory : memory 0 = 0%V.
Proof. unfold memory. rewrite mean_zero by auto. vector. Qed.

Definition a_of := if Rle_dec k 2 then 5 * / (2 * k - 3) - 2 else if Rle_dec k (7 / 2) then 4 * / (2 * k - 3) - 1 else 0.
Theorem T4_run_last_iterate N : convex F -> 3 / 2 < k -> (1 <= N)%nat ->
  ‖g N‖² <= (k + a_of) * L * (F (w 0%nat) - least) / (INR N + k / 2 - / 6 + / (2 * k - 3)).
Proof.
  intros C K One. assert (D := T4_last_iterate V F gradient L k least place memory L_positive F_smooth C F_bounded
    memory_next (fun i => optimistic i ltac:(lra)) K cold_memory N One). cbv beta in D.
  rewrite (start_stays _ _ _ _ _ _ _ _ run) in D by (try rewrite kappa; auto; nra).
  assert (P : 0 < 2 * k - 3) by lra. assert (Nu := Rinv_0_lt_compat _ P). assert (Q := Rinv_l (2 * k - 3) ltac:(lra)).
  set (nu := / (2 * k - 3)) in *. replace a_of with (Rmax 0 (4 * nu - 1 + 2 * Rmax 0 ((2 - k) * nu))); [exact D|].
  unfold a_of. fold nu. destruct (Rle_dec k 2) as [H|H].
  - rewrite (Rmax_right 0 ((2 - k) * nu)) by nra. replace (4 * nu - 1 + 2 * ((2 - k) * nu)) with (5 * nu - 2) by lra.
    apply Rmax_right. nra.
  - apply Rnot_le_lt in H. rewrite (Rmax_left 0 ((2 - k) * nu)) by nra. rewrite Rmult_0_r, Rplus_0_r.
    destruct (Rle_dec k (7 / 2)) as [H'|H']; [apply Rmax_right; nra|]. apply Rnot_le_lt in H'. apply Rmax_left. nra.
Qed.

(** T2-nonconvex-rate and T2-nonconvex-rate-below-2 with its end kappa = 2. *)
Theorem T2_run_rate_below_2 N : sqrt 11 / 2 <= k <= 2 -> (1 <= N)%nat -> exists j, (j <= N)%nat /\
  ‖g j‖² <= L * (F (w 0%nat) - least) / (1 / 2 + (INR N + 1) / k - k / (k ^ 2 - 2) * (INR N + 3) / (4 * k ^ 2)).
Proof.
  intros [K1 K2] One. destruct (Rle_lt_or_eq_dec k 2 K2) as [H|H].
  - exact (T2_nonconvex_rate_below_2 V m weight sigma G w local dual F L k least run cold L_positive F_smooth F_bounded
      kappa N (conj K1 H) One).
  - destruct (T2_nonconvex_rate V m weight sigma G w local dual F L k least run cold L_positive F_smooth F_bounded
      kappa N ltac:(lra) One) as [j [J E]]. exists j. split; [exact J|]. assert (P := pos_INR N). subst k.
    eapply Rle_trans; [exact E|]. right. field. lra.
Qed.

(** g_0, g_1, ..., g_(M+1), that is N = M + 1. *)
Lemma weighted_sum M : 2 <= k ->
  (4 * k - 3) * ‖g 0%nat‖² + k * ‖g 1%nat‖² + sum M (fun j => (4 * k - 1) * ‖g (S j)‖²) + (2 * k - 1) * ‖g M‖²
  + (2 * k ^ 2 + k) * ‖g (S M)‖² <= 4 * k ^ 2 * L * (F (w 0%nat) - least).
Proof.
  intros K. assert (Signs : 1 <= 1 /\ 2 <= 1 * k /\ 0 <= k * (1 * k - 2) + (k - 2 * 1)) by (repeat split; nra).
  assert (First := nonconvex_first V F gradient L k place memory L_positive F_smooth cold_memory
    (fun i => optimistic i ltac:(lra)) 1 ltac:(lra) Signs).
  assert (Later := telescope (fun j => potential V F gradient L k place memory 1 (S j)) _
    (fun j => nonconvex_descent V F gradient L k place memory L_positive F_smooth memory_next
      (fun i => optimistic i ltac:(lra)) 1 ltac:(lra) Signs (S j)) M). cbv beta in First, Later.
  assert (End := end_value _ _ _ _ (w (S (S M))) least L_positive F_smooth F_bounded). cbv beta in End.
  rewrite (start_stays _ _ _ _ _ _ _ _ run) in First by (try rewrite kappa; auto; nra).
  unfold potential in Later. rewrite !memory_next in Later.
  rewrite (sum_ext M (fun j => (4 * k - 1) * _) (fun j => 4 * k ^ 2 * L * ((4 * k - 1) / (4 * k ^ 2 * L) * ‖g (S j)‖²)))
    by (intros; fraction). rewrite sum_scale. set (later := sum M _) in *. clearbody later.
  rewrite (start_stays _ _ _ _ _ _ _ _ run) in * by (try rewrite kappa; auto; nra).
  certify (plus (plus (plus (row (4 * k ^ 2 * L) _ _ First _) (row (4 * k ^ 2 * L) _ _ Later _))
      (row (4 * k ^ 2 * L) _ _ End _)) (square (k * (k - 2)) (g (S M) - g M)%V _)).
Qed.

Notation at_ i j := (if Nat.eqb j i then 1 else 0).
Lemma sum_at n i (x : nat -> R) a : (i < n)%nat -> sum n (fun j => a * at_ i j * x j) = a * x i.
Proof.
  induction n as [|n IH]; intros I; [lia|]. cbn [sum]. destruct (Nat.eq_dec i n) as [->|N].
  - rewrite Nat.eqb_refl, (sum_ext n _ (fun _ => 0)); [rewrite sum_const; ring|].
    intros j J. replace (Nat.eqb j n) with false by (symmetry; apply Nat.eqb_neq; lia). ring.
  - rewrite IH by lia. replace (Nat.eqb n i) with false by (symmetry; apply Nat.eqb_neq; lia). ring.
Qed.

Definition weight_of M j := ((4 * k - 3) * at_ 0%nat j + k * at_ 1%nat j
  + (4 * k - 1) * (if andb (Nat.leb 1 j) (Nat.leb j M) then 1 else 0) + (2 * k - 1) * at_ M j
  + (2 * k ^ 2 + k) * at_ (S M) j) / (4 * k ^ 2 * L).

Lemma weights_add M (x : nat -> R) : 0 < k -> 4 * k ^ 2 * L * sum (S (S M)) (fun j => weight_of M j * x j) =
  (4 * k - 3) * x 0%nat + k * x 1%nat + sum M (fun j => (4 * k - 1) * x (S j)) + (2 * k - 1) * x M
  + (2 * k ^ 2 + k) * x (S M).
Proof.
  intros K. rewrite <- sum_scale. rewrite (sum_ext _ _ (fun j => (4 * k - 3) * at_ 0%nat j * x j + (k * at_ 1%nat j * x j
    + ((4 * k - 1) * (if andb (Nat.leb 1 j) (Nat.leb j M) then 1 else 0) * x j + ((2 * k - 1) * at_ M j * x j
    + (2 * k ^ 2 + k) * at_ (S M) j * x j))))) by (intros j _; unfold weight_of; field; lra).
  rewrite !sum_add, !sum_at by lia.
  assert (E : sum (S (S M)) (fun j => (4 * k - 1) * (if andb (Nat.leb 1 j) (Nat.leb j M) then 1 else 0) * x j)
    = sum M (fun j => (4 * k - 1) * x (S j))); [|rewrite E; ring].
  rewrite sum_first. cbn [sum]. replace (andb (Nat.leb 1 (S M)) (Nat.leb (S M) M)) with false
    by (symmetry; apply Bool.andb_false_iff; right; apply Nat.leb_gt; lia).
  rewrite (sum_ext M _ (fun j => (4 * k - 1) * x (S j))); [cbn; ring|]. intros j J.
  replace (andb (Nat.leb 1 (S j)) (Nat.leb (S j) M)) with true by (symmetry; apply Bool.andb_true_iff; split;
    apply Nat.leb_le; lia). ring.
Qed.

(** T2-nonconvex-rate: the weights c_k >= 0 of the sum, and what they add up to. *)
Theorem T2_weighted_sum N : 2 <= k -> (1 <= N)%nat -> exists c : nat -> R, (forall j, 0 <= c j) /\
  sum (S N) c = ((4 * k - 1) * INR N + 2 * k ^ 2 + 4 * k - 3) / (4 * k ^ 2 * L) /\
  sum (S N) (fun j => c j * ‖g j‖²) <= F (w 0%nat) - least.
Proof.
  intros K One. destruct N as [|M]; [lia|]. exists (weight_of M). assert (P : 0 < 4 * k ^ 2 * L) by positive. repeat split.
  - intros j. unfold weight_of. apply quotient; [|exact P].
    repeat match goal with |- context [if ?b then 1 else 0] => destruct b end; nra.
  - apply Rmult_eq_reg_l with (4 * k ^ 2 * L); [|lra].
    assert (E := weights_add M (fun _ => 1) ltac:(lra)). cbv beta in E. rewrite sum_const in E.
    rewrite (sum_ext _ (fun j => weight_of M j * 1) (weight_of M)) in E by (intros; ring). rewrite E, S_INR.
    field. lra.
  - apply Rmult_le_reg_l with (4 * k ^ 2 * L); [exact P|]. rewrite weights_add by lra. now apply weighted_sum.
Qed.
End Runs.
Print Assumptions T1_nonconvex_potential.
Print Assumptions T2_weighted_sum.
Print Assumptions T4_run_last_iterate.
