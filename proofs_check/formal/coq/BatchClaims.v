(** Mini-batches with any preconditioners: the versions of the theorem, for both orders (claims T7-minibatch-constant,
    T7-minibatch-growing).

    Probability: any space of random vectors, the operators rho_i Q_i one symmetric matrix for each outcome; see
    Batches.v. kappa_k = sigma_k / (L + lambda), sigma_k = sum_i alpha_i sigma_i of client step k + 1,
      q = beta/(1+beta). *)

From PISA Require Export BatchRuns Stochastic Lengths.

Definition constant := Version 20 (3 / 5) (3 / 5) 10 (13 / 2) 1 (2 / 5) (1 / 10) (5 / 2) (1 / 5) (3 / 5) (2 / 5)
  (11 / 10).
Definition wide := Version 12 (9 / 20) (2 / 3) 13 (15 / 2) 1 (9 / 20) (11 / 100) (5 / 3) (3 / 10) (7 / 10) (9 / 20)
  (13 / 10).
Definition growing := Version 20 (11 / 20) (6 / 5) 20 12 2 (2 / 5) (1 / 10) (5 / 2) (1 / 5) (3 / 5) (2 / 5) (11 / 10).

Ltac numbers := repeat split; unfold moved, biased, curvature_share, damped_share, moved, biased;
  cbv [reach gain mean_part spread_part damped_part longest turn shift young1 young2 young3 young4 stretch
    constant wide growing]; first [lra | apply Rminus_le; field_simplify; lra].
Lemma constant_suits : suits constant. Proof. numbers. Qed.
Lemma wide_suits : suits wide. Proof. numbers. Qed.
Lemma growing_suits : suits growing. Proof. numbers. Qed.

(** ** The claims *)
Section Claims.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L : R) (penalty : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (F : nat -> V -> R) (G : nat -> V -> V) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat ->
  V).
Variables (beta : nat -> R) (past : nat -> V -> Prop) (variances : nat -> R) (v : R).
Notation sigma := (kappa m weight penalty).
Notation Lam := (L + ridge).
Notation v_bar := (sum m (fun i => weight i * variances i)).
Notation q k := (beta k / (1 + beta k)).
Notation slope := (slope m weight ridge G).
(** kappa_k >= K sqrt ((1 + beta_k)(1 + 2 beta_k)) *)
Definition far_enough K k := K * sqrt ((1 + beta k) * (1 + 2 * beta k)) <= sigma k / Lam.

Lemma far_c K c k : 0 < K -> 0 < Lam -> 0 < sigma k -> 0 <= beta k -> 0 < c <= / sigma k -> far_enough K k ->
  K ^ 2 * ((1 + beta k) * (1 + 2 * beta k)) * (Lam * c) ^ 2 <= 1.
Proof.
  unfold far_enough. intros Pk Pl Ps Pb C Far. set (b := (1 + beta k) * (1 + 2 * beta k)) in *.
  assert (B : 0 <= b) by (apply Rmult_le_pos; lra). assert (Root := sqrt_sqrt b B). assert (R0 := sqrt_pos b).
  set (r := sqrt b) in *.
  replace (K ^ 2 * b * (Lam * c) ^ 2) with ((K * r * (Lam * c)) * (K * r * (Lam * c))) by (rewrite <- Root; ring).
  assert (K0 : 0 <= K * r) by (apply Rmult_le_pos; lra). assert (C0 : 0 < Lam * c) by (apply Rmult_lt_0_compat; lra).
  assert (T : K * r * (Lam * c) <= 1).
  { apply Rle_trans with (sigma k / Lam * (Lam * / sigma k)).
    - apply Rmult_le_compat; [easy|lra|easy|apply Rmult_le_compat_l; lra].
    - apply Req_le. field. lra. }
  assert (T0 : 0 <= K * r * (Lam * c)) by (apply Rmult_le_pos; lra). rewrite <- (Rmult_1_l 1).
  now apply Rmult_le_compat.
Qed.

(** *** Algorithm 1's own order, nondecreasing penalties *)
Section Own.
Hypothesis setting : batches V m weight ridge L penalty penalty bend F G grad w local dual beta past variances v.
Hypothesis nondecreasing : forall k, 0 < sigma k <= sigma (S k).
Variable c : nat -> R.
Hypothesis its_lengths : lengths sigma ridge c.

Lemma own_ordered : ordered V m weight ridge w dual growing c (fun k => 2 * c k - c (S k)).
Proof.
  assert (Pr : 0 <= ridge) by apply setting. assert (run := its_run _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting).
  assert (Fall := lengths_fall sigma ridge nondecreasing Pr c its_lengths). split.
  - exact Fall.
  - intros k. specialize (Fall k). cbn [longest growing]. lra.
  - intros k. destruct (its_lengths k) as [E _]. assert (A := nondecreasing k).
    assert (M := next_w _ _ _ _ _ _ _ _ _ _ _ k 1 run ltac:(intros; ring)). fold (sigma k) in M.
    unfold before, after. apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in M.
    autorewrite with inner in *.
    assert (E' := f_equal (fun x => x * (⟨w (S (S k)), z⟩ - ⟨w (S k), z⟩)) E). cbv beta in E'.
    apply (f_equal (fun x => c k * x)) in M. lra.
  - intros k. assert (A := nondecreasing k). destruct (its_lengths k) as [_ [Lo _]]. assert (Ck := Fall k).
    assert (P : 0 < c k * (sigma k + ridge)) by (apply Rmult_lt_0_compat; lra).
    assert (Le : / (c k * (sigma k + ridge)) <= 1).
    { rewrite <- Rinv_1. apply Rinv_le_contravar; [lra|]. rewrite <- (Rinv_l (sigma k + ridge))
        by lra. apply Rmult_le_compat_r; lra. }
    exists (/ (c k * (sigma k + ridge))), (/ (c k * (sigma k + ridge))). assert (I := Rinv_0_lt_compat _ P).
    split; [lra|split; [lra|]].
    assert (M := next_w _ _ _ _ _ _ _ _ _ _ _ k 1 run ltac:(intros; ring)). fold (sigma k) in M.
    rewrite Rmult_1_l in M. apply solve_for in M; [|lra]. rewrite M. unfold before, after. vector.
Qed.

(** T7-minibatch-growing, with kappa_k = sigma_k / (L + lambda) >= 20 sqrt ((1 + beta)(1 + 2 beta)). [height] is V.
    Over any space of random vectors with E<X, Y>, finite ones among them (FiniteSpaces.v). *)
Theorem T7_minibatch_growing k : far_enough 20 k ->
  let tau k := 2 * c k - c (S k) in let potential := height V m weight ridge L F G w dual beta growing c in
  / (sigma k + ridge) <= tau k <= 2 / sigma k /\
  potential (S k) <= potential k - 0.55 * tau k * ‖slope (w (S k))‖²
    + tau k * (1.2 * v / (sigma k / Lam) + (1 + 2 * beta k) * (20 / (sigma k / Lam) ^ 2 + 12 * q k ^ 2) * v_bar).
Proof.
  intros Far tau potential. assert (Pr : 0 <= ridge) by apply setting. assert (Pl : 0 < L) by apply setting.
  assert (A := nondecreasing k). assert (Fall := lengths_fall sigma ridge nondecreasing Pr c its_lengths k).
  assert (Pb := beta_positive _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k).
  destruct (its_lengths k) as [_ [Lo Hi]]. unfold tau. split; [unfold Rdiv; lra|].
  assert (St := round_falls V m weight ridge L penalty penalty bend F G grad w local dual beta past variances v
    growing c _
    setting growing_suits own_ordered k (far_c 20 (c k) k ltac:(lra) ltac:(lra) ltac:(lra) Pb ltac:(lra) Far)).
  cbn [gain growing] in St. replace 0.55 with (11 / 20) by lra. eapply Rle_trans; [exact St|].
  apply Rplus_le_compat_l, Rmult_le_compat_l; [lra|].
  unfold noise_of. cbn [mean_part spread_part damped_part growing].
  assert (Pv : 0 <= v) by (eapply Rle_trans;
    [apply inner_nonneg|exact (mean_variance _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting 0%nat)]).
  assert (Pvb : 0 <= v_bar).
  { eapply Rle_trans; [|exact (noise_within V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting 0%nat)]. apply sum_nonneg;
      intros i I.
    apply Rmult_le_pos; [now apply setting|apply inner_nonneg]. }
  assert (Kc : 0 <= Lam * c k <= Lam / sigma k) by (split; [apply Rmult_le_pos; lra|unfold Rdiv;
    apply Rmult_le_compat_l; lra]).
  replace (1.2 * v / (sigma k / Lam)) with (6 / 5 * v * (Lam / sigma k)) by (replace 1.2 with (6 / 5) by lra; field;
    lra).
  replace (20 / (sigma k / Lam) ^ 2) with (20 * (Lam / sigma k) ^ 2) by (field; lra).
  apply Rplus_le_compat; [apply Rmult_le_compat_l; lra|]. apply Rmult_le_compat_r; [easy|]. apply Rmult_le_compat_l;
    [lra|].
  apply Rplus_le_compat_r, Rmult_le_compat_l; [lra|]. apply pow_incr; lra.
Qed.
End Own.

(** *** The mixed order, common growth; constant penalties are the case where nothing grows *)
Section Mixed.
Hypothesis setting : batches V m weight ridge L (fun l => penalty (S l)) penalty bend F G grad w local dual beta past
  variances v.
Hypothesis nondecreasing : forall k, 0 < sigma k <= sigma (S k).
Hypothesis common : common_growth m penalty.
Notation c := (fun k => / sigma k).

Lemma mixed_ordered n : suits n -> ordered V m weight ridge w dual n c c.
Proof.
  intros good. assert (Pr : 0 <= ridge) by apply setting.
  assert (run := its_run _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting).
  assert (Move : forall k, exists f, 1 <= f /\ sigma (S k) = f * sigma k /\
    ((f * sigma k + ridge) * (w (S (S k)) - w (S k))
      = - (f * (after V m weight ridge w dual k - before V m weight ridge w dual k)
      + after V m weight ridge w dual k))%V).
  { intros k. destruct (common (S k)) as [f Cf]. exists f. assert (A := nondecreasing k).
    assert (K : sigma (S k) = f * sigma k).
    { unfold kappa at 1. rewrite (sum_ext m _ (fun i => f * (weight i * penalty (S k) i))), sum_scale; [easy|].
      intros i I. rewrite (Cf i I). ring. }
    split; [nra|split; [exact K|]]. assert (M := next_w _ _ _ _ _ _ _ _ _ _ _ k f run Cf). fold (sigma k) in M.
    rewrite M. unfold before, after. vector. }
  split.
  - intros k. assert (A := nondecreasing k). assert (B := nondecreasing (S k)).
    split; [apply Rinv_0_lt_compat; lra|apply Rinv_le_contravar; lra].
  - intros k. assert (A := nondecreasing k). assert (I := Rinv_0_lt_compat (sigma k) ltac:(lra)).
    destruct (positive_numbers _ good) as [_ [O _]]. split; [lra|]. rewrite <- (Rmult_1_l (/ sigma k)) at 1.
    apply Rmult_le_compat_r; lra.
  - intros k. assert (A := nondecreasing k). destruct (Move k) as [f [Pf [K M]]]. cbv beta. rewrite K.
    assert (Step : ((f * sigma k) * (w (S (S k)) - w (S k)) + before V m weight ridge w dual (S k)
      = f * before V m weight ridge w dual k - f * after V m weight ridge w dual k)%V).
    { unfold before, after in *. apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in M. autorewrite
        with inner in *. lra. }
    apply separated; intros z. apply (f_equal (fun u => / (f * sigma k) * ⟨u, z⟩)) in Step. autorewrite with inner in *.
    replace (/ (f * sigma k) * (f * sigma k * (⟨w (S (S k)), z⟩ + -1 * ⟨w (S k),
      z⟩) + ⟨before V m weight ridge w dual (S k), z⟩))
      with (⟨w (S (S k)), z⟩ - ⟨w (S k), z⟩ + / (f * sigma k) * ⟨before V m weight ridge w dual (S k), z⟩) in Step
        by (field; nra).
    replace (/ (f * sigma k) * (f * ⟨before V m weight ridge w dual k,
      z⟩ + -1 * (f * ⟨after V m weight ridge w dual k, z⟩)))
      with (/ sigma k * ⟨before V m weight ridge w dual k, z⟩ - / sigma k * ⟨after V m weight ridge w dual k,
        z⟩) in Step by (field; nra).
    lra.
  - intros k. assert (A := nondecreasing k). destruct (Move k) as [f [Pf [K M]]].
    assert (D : 0 < f * sigma k + ridge) by nra.
    exists (sigma k / (f * sigma k + ridge)), (f * sigma k / (f * sigma k + ridge)).
    split; [|split].
    + split; [apply quotient; lra|]. apply Rmult_le_reg_r with (f * sigma k + ridge); [easy|]. unfold Rdiv.
      rewrite Rmult_assoc, Rinv_l by lra. nra.
    + split; [apply quotient; nra|]. apply Rmult_le_reg_r with (f * sigma k + ridge); [easy|]. unfold Rdiv.
      rewrite Rmult_assoc, Rinv_l by lra. lra.
    + apply solve_for in M; [|easy]. rewrite M. vector.
Qed.

Lemma mixed_step n k : suits n -> longest n = 1 -> far_enough (reach n) k ->
  let potential := height V m weight ridge L F G w dual beta n c in
  potential (S k) <= potential k - gain n / sigma k * ‖slope (w (S k))‖²
    + / sigma k * (mean_part n * v / (sigma k / Lam)
      + (1 + 2 * beta k) * (spread_part n / (sigma k / Lam) ^ 2 + damped_part n * q k ^ 2) * v_bar).
Proof.
  intros good One Far potential. assert (Pr : 0 <= ridge) by apply setting. assert (Pl : 0 < L) by apply setting.
  assert (A := nondecreasing k). assert (I := Rinv_0_lt_compat (sigma k) ltac:(lra)).
  assert (Pb := beta_positive _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k).
  destruct (positive_numbers _ good) as [Pk _].
  assert (St := round_falls V m weight ridge L _ penalty bend F G grad w local dual beta past variances v n c c
    setting good (mixed_ordered n good) k (far_c (reach n) (/ sigma k) k Pk ltac:(lra) ltac:(lra) Pb ltac:(lra) Far)).
  eapply Rle_trans; [exact St|]. apply Req_le. unfold potential, noise_of. field. split; [|split]; lra.
Qed.

(** T7-minibatch-constant in the mixed order, K = 20. Over any space of random vectors with E<X, Y>,
  finite ones among them. *)
Theorem T7_minibatch_mixed k : far_enough 20 k -> let potential := height V m weight ridge L F G w dual beta constant
  c in
  potential (S k) <= potential k - 0.6 / sigma k * ‖slope (w (S k))‖² + / sigma k * (0.6 * v / (sigma k / Lam)
    + (1 + 2 * beta k) * (10 / (sigma k / Lam) ^ 2 + 6.5 * q k ^ 2) * v_bar).
Proof.
  intros Far. replace 0.6 with (3 / 5) by lra. replace 6.5 with (13 / 2) by lra.
  exact (mixed_step constant k constant_suits eq_refl Far).
Qed.

(** The same with K = 12 and its constants. *)
Theorem T7_minibatch_mixed_wide k : far_enough 12 k -> let potential := height V m weight ridge L F G w dual beta
  wide c in
  potential (S k) <= potential k - 0.45 / sigma k * ‖slope (w (S k))‖² + / sigma k * (2 / 3 * v / (sigma k / Lam)
    + (1 + 2 * beta k) * (13 / (sigma k / Lam) ^ 2 + 7.5 * q k ^ 2) * v_bar).
Proof.
  intros Far. replace 0.45 with (9 / 20) by lra. replace 7.5 with (15 / 2) by lra.
  exact (mixed_step wide k wide_suits eq_refl Far).
Qed.
End Mixed.
End Claims.

(** T7-minibatch-constant, constant penalties: both orders are Algorithm 1. Over any space of random vectors
  with E<X, Y>, finite ones among them. *)
Theorem T7_minibatch_constant V m weight ridge L (penalty : nat -> R) bend F G grad w local dual beta past variances
  v k :
  batches V m weight ridge L (fun _ => penalty) (fun _ => penalty) bend F G grad w local dual beta past variances v ->
  let sigma := sum m (fun i => weight i * penalty i) in let kappa := sigma / (L + ridge) in let q := beta k /
    (1 + beta k) in
  let v_bar := sum m (fun i => weight i * variances i) in let g := slope m weight ridge G (w (S k)) in 0 < sigma ->
  let potential n := height V m weight ridge L F G w dual beta n (fun _ => / sigma) in
  (20 * sqrt ((1 + beta k) * (1 + 2 * beta k)) <= kappa -> potential constant (S k)
    <= potential constant k - 0.6 / sigma * ‖g‖²
    + / sigma * (0.6 * v / kappa + (1 + 2 * beta k) * (10 / kappa ^ 2 + 6.5 * q ^ 2) * v_bar)) /\
  (12 * sqrt ((1 + beta k) * (1 + 2 * beta k)) <= kappa -> potential wide (S k) <= potential wide k - 0.45 / sigma *
    ‖g‖²
    + / sigma * (2 / 3 * v / kappa + (1 + 2 * beta k) * (13 / kappa ^ 2 + 7.5 * q ^ 2) * v_bar)).
Proof.
  intros setting sigma kappa q v_bar g P potential.
  assert (Nd : forall j : nat, 0 < sigma <= sigma) by (intros; lra).
  assert (Same : common_growth m (fun _ => penalty)) by (intros l; exists 1; intros; ring).
  split; intros Far.
  - exact (T7_minibatch_mixed V m weight ridge L (fun _ => penalty) bend F G grad w local dual beta past variances v
      setting Nd Same k Far).
  - exact (T7_minibatch_mixed_wide V m weight ridge L (fun _ => penalty) bend F G grad w local dual beta past
      variances v setting Nd Same k Far).
Qed.
