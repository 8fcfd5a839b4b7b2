(** The repaired schedule with any preconditioners (claim T7-repaired-schedule, hypothesis corrected: every sigma_i is
    at least a fixed share of their mean sigma_k).

    Probability: any space of random vectors, the operators rho_i Q_i one symmetric matrix for each outcome, so that
    they may depend on the current batch; see Batches.v. *)

From PISA Require Export BatchClaims.

(** rho_i Q_i <= H and sigma_i >= share sigma_k: the bound beta_k = H / (share sigma_k) serves. *)
Section Clipped.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L : R) (serve penalty : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (F : nat -> V -> R) (G : nat -> V -> V) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat ->
  V).
Variables (beta : nat -> R) (past : nat -> V -> Prop) (variances : nat -> R) (v : R).
Notation sigma := (kappa m weight penalty).
Variables (H share : R).
Hypothesis H_nonneg : 0 <= H.
Hypothesis share_positive : 0 < share.
Hypothesis clip : forall k i x, (i < m)%nat -> ⟨bend (S k) i x, x⟩ <= H * ‖x‖².
Hypothesis comparable : forall k i, (i < m)%nat -> share * sigma k <= penalty (S k) i.
Hypothesis nondecreasing : forall k, 0 < sigma k <= sigma (S k).
Definition clipped_beta k := H / (share * sigma k).

Lemma clipped_nonneg k : 0 <= clipped_beta (S k) <= clipped_beta k.
Proof.
  assert (A := nondecreasing k). assert (B := nondecreasing (S k)). unfold clipped_beta. split.
  - apply quotient; [easy|]. apply Rmult_lt_0_compat; lra.
  - apply Rmult_le_compat_l; [easy|]. apply Rinv_le_contravar; [apply Rmult_lt_0_compat; lra|].
    apply Rmult_le_compat_l; lra.
Qed.

Lemma clipped : batches V m weight ridge L serve penalty bend F G grad w local dual beta past variances v ->
  batches V m weight ridge L serve penalty bend F G grad w local dual clipped_beta past variances v.
Proof.
  intros S. destruct S. split; try assumption; [exact clipped_nonneg|]. intros k i x I.
  split; [now apply bend_bounded|].
  eapply Rle_trans; [now apply clip|]. apply Rmult_le_compat_r; [apply inner_nonneg|]. unfold clipped_beta.
  assert (A := nondecreasing k). assert (P : 0 < share * sigma k) by (apply Rmult_lt_0_compat; lra).
  apply Rle_trans with (H / (share * sigma k) * (share * sigma k)); [apply Req_le; field; lra|].
  apply Rmult_le_compat_l; [now apply quotient|now apply comparable].
Qed.

(** ** For any version and order *)
Section Schedule.
Hypothesis setting : batches V m weight ridge L serve penalty bend F G grad w local dual beta past variances v.
Variables (n : version) (c tau : nat -> R) (least : R).
Hypothesis good : suits n.
Hypothesis gain_positive : 0 < gain n.
Hypothesis order : ordered V m weight ridge w dual n c tau.
Hypothesis c_bounds : forall k, / (sigma k + ridge) <= c k <= / sigma k.
Hypothesis bounded : forall x, least <= objective m weight ridge F x.
Notation Lam := (L + ridge).
Notation v_bar := (sum m (fun i => weight i * variances i)).
Notation square k := ‖slope m weight ridge G (w (S k))‖².
Notation noise k := (noise_of n (Lam * c k) (clipped_beta k) v v_bar).
Notation beta0 := (clipped_beta 0).
Definition noise_bound := longest n * (mean_part n * v * Lam
  + (1 + 2 * beta0) * (spread_part n * Lam ^ 2 + damped_part n * (H / share) ^ 2) * v_bar / sigma 0).

Lemma sigma_monotone j k : (j <= k)%nat -> sigma j <= sigma k.
Proof. induction 1 as [|k J IH]; [lra|]. assert (A := nondecreasing k). lra. Qed.

Lemma sigma_grows k : sigma 0 <= sigma k.
Proof. apply sigma_monotone. lia. Qed.

Lemma beta_at_most k : 0 <= clipped_beta k <= beta0.
Proof.
  induction k as [|k IH]; [assert (B := clipped_nonneg 0); lra|]. assert (B := clipped_nonneg k). lra.
Qed.

Lemma version_parts : 0 <= mean_part n /\ 0 <= spread_part n /\ 0 <= damped_part n /\ 1 <= longest n.
Proof.
  destruct (positive_numbers _ good) as [K [O [_ [_ [_ [Y2 [Y3 [_ X]]]]]]]].
  destruct (shares n good) as [_ [_ [Z1 Z2]]].
  assert (I3 := inverse_positive _ Y3). assert (M := mean_noise _ good). assert (Sp := spread_noise _ good).
  assert (Da := damped_noise _ good).
  assert (Pf : 0 <= 2 + 8 * (2 + young3 n + 1 / young3 n) / reach n ^ 2).
  { assert (0 < 8 * (2 + young3 n + 1 / young3 n) / reach n ^ 2); [|lra]. apply Rdiv_lt_0_compat; [lra|apply pow_lt;
      lra]. }
  assert (0 < longest n * stretch n) by (apply Rmult_lt_0_compat; lra).
  assert (0 <= longest n / 2 * (1 + young2 n)) by (apply Rmult_le_pos; lra).
  assert (0 <= (2 + 8 * (2 + young3 n + 1 / young3 n) / reach n ^ 2) * (longest n * stretch n * curvature_share n))
    by (apply Rmult_le_pos; [easy|apply Rmult_le_pos; lra]).
  assert (0 <= (2 + 8 * (2 + young3 n + 1 / young3 n) / reach n ^ 2) * (longest n * stretch n * damped_share n))
    by (apply Rmult_le_pos; [easy|apply Rmult_le_pos; lra]). lra.
Qed.

Lemma variances_nonneg : 0 <= v /\ 0 <= v_bar /\ 0 < L /\ 0 <= ridge.
Proof.
  repeat split.
  - eapply Rle_trans; [apply inner_nonneg|exact (mean_variance _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting 0%nat)].
  - eapply Rle_trans; [|exact (noise_within V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting 0%nat)]. apply sum_nonneg;
      intros i I.
    apply Rmult_le_pos; [now apply setting|apply inner_nonneg].
  - apply setting.
  - apply setting.
Qed.

(** The noise of step k is at most a constant over sigma_k^2. *)
Theorem noise_falls k : 0 <= tau k * noise k <= noise_bound / sigma k ^ 2.
Proof.
  destruct version_parts as [P1 [P2 [P3 P4]]]. destruct variances_nonneg as [Pv [Pb [Pl Pr]]].
  assert (A := nondecreasing k). assert (A0 := nondecreasing 0). assert (Gk := sigma_grows k).
  assert (B := beta_at_most k).
  assert (T := tau_between_c _ _ _ _ _ _ _ _ _ order k). assert (C := c_bounds k).
  assert (Cf := c_falls _ _ _ _ _ _ _ _ _ order k).
  assert (I := Rinv_0_lt_compat (sigma k) ltac:(lra)). assert (I0 : / sigma k <= / sigma 0)
    by (apply Rinv_le_contravar; lra).
  set (h := H / share). assert (Ph : 0 <= h) by now apply quotient.
  assert (Bh : clipped_beta k = h * / sigma k) by (unfold clipped_beta, h; field; lra).
  assert (Q := q_bounds (clipped_beta k) ltac:(lra)).
  assert (Qb : clipped_beta k / (1 + clipped_beta k) <= h * / sigma k).
  { rewrite <- Bh. apply Rmult_le_reg_r with (1 + clipped_beta k); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l
      by lra. nra. }
  set (q := clipped_beta k / (1 + clipped_beta k)) in *. set (s := / sigma k) in *. set (b := clipped_beta k) in *.
  assert (K : 0 <= Lam * c k <= Lam * s) by (split; [apply Rmult_le_pos; lra|apply Rmult_le_compat_l; lra]).
  assert (K2 : (Lam * c k) ^ 2 <= (Lam * s) ^ 2) by (apply pow_incr; lra).
  assert (Q2 : q ^ 2 <= (h * s) ^ 2) by (apply pow_incr; lra).
  assert (S1 : mean_part n * v * (Lam * c k) <= mean_part n * v * (Lam * s)) by (apply Rmult_le_compat_l;
    [apply Rmult_le_pos|]; lra).
  set (w2 := spread_part n * Lam ^ 2 + damped_part n * h ^ 2).
  assert (Pw : 0 <= w2) by (unfold w2; assert (X := pow2_ge_0 Lam); assert (Y := pow2_ge_0 h);
    apply Rplus_le_le_0_compat; apply Rmult_le_pos; lra).
  assert (S2 : spread_part n * (Lam * c k) ^ 2 + damped_part n * q ^ 2 <= w2 * s ^ 2).
  { replace (w2 * s ^ 2) with (spread_part n * (Lam * s) ^ 2 + damped_part n * (h * s) ^ 2) by (unfold w2; ring).
    apply Rplus_le_compat; apply Rmult_le_compat_l; lra. }
  assert (N0 : 0 <= spread_part n * (Lam * c k) ^ 2 + damped_part n * q ^ 2)
    by (apply Rplus_le_le_0_compat; apply Rmult_le_pos; try lra; apply pow2_ge_0).
  assert (S3 : (1 + 2 * b) * (spread_part n * (Lam * c k) ^ 2 + damped_part n * q ^ 2) * v_bar
    <= (1 + 2 * beta0) * (w2 * s ^ 2) * v_bar) by (apply Rmult_le_compat_r; [easy|]; apply Rmult_le_compat; lra).
  assert (S4 : (1 + 2 * beta0) * (w2 * s ^ 2) * v_bar <= (1 + 2 * beta0) * w2 * v_bar / sigma 0 * s).
  { replace ((1 + 2 * beta0) * (w2 * s ^ 2) * v_bar) with ((1 + 2 * beta0) * w2 * v_bar * s * s) by ring.
    unfold Rdiv. apply Rmult_le_compat_r; [lra|]. apply Rmult_le_compat_l; [|lra]. repeat apply Rmult_le_pos; lra. }
  assert (Nn : 0 <= noise_of n (Lam * c k) b v v_bar).
  { unfold noise_of. fold b q. apply Rplus_le_le_0_compat.
    - apply Rmult_le_pos; [apply Rmult_le_pos|]; lra.
    - apply Rmult_le_pos; [apply Rmult_le_pos|]; lra. }
  split; [apply Rmult_le_pos; lra|].
  assert (Nu : noise_of n (Lam * c k) b v v_bar <= noise_bound / longest n * s).
  { unfold noise_of, noise_bound. fold b q h w2. replace (longest n * (mean_part n * v * Lam + (1 + 2 * beta0) * w2 *
      v_bar / sigma 0) / longest n * s)
      with (mean_part n * v * (Lam * s) + (1 + 2 * beta0) * w2 * v_bar / sigma 0 * s) by (field; lra). lra. }
  replace (noise_bound / sigma k ^ 2) with (longest n * s * (noise_bound / longest n * s)) by (unfold s; field; lra).
  apply Rmult_le_compat; try lra. apply Rle_trans with (longest n * c k); [lra|]. apply Rmult_le_compat_l; lra.
Qed.

Theorem schedule_vanishes : diverges (fun k => / sigma k) -> summable (fun k => / sigma k ^ 2) ->
  vanishes tau (fun k => square k) /\ vanishes (fun k => / sigma k) (fun k => square k).
Proof.
  intros D [S B]. destruct version_parts as [P1 [P2 [P3 P4]]]. destruct variances_nonneg as [Pv [Pb [Pl Pr]]].
  assert (A0 := nondecreasing 0). destruct (positive_numbers _ good) as [K _].
  assert (Tc : forall k, 0 < c k <= tau k).
  { intros k. assert (T := tau_between_c _ _ _ _ _ _ _ _ _ order k). assert (C := c_falls _ _ _ _ _ _ _ _ _ order k).
      lra. }
  assert (S0 : 0 <= S) by (exact (B 0%nat)).
  (* from k0 on kappa_k is large enough *)
  set (limit := reach n ^ 2 * ((1 + beta0) * (1 + 2 * beta0)) * Lam ^ 2).
  assert (B00 := beta_at_most 0).
  assert (Pm : 0 < limit) by (unfold limit; repeat apply Rmult_lt_0_compat; lra).
  destruct (beyond (S * limit)) as [k0 Far0].
  assert (Near : forall k, (k0 <= k)%nat -> limit * / sigma k ^ 2 <= 1).
  { intros k Kk. assert (A := nondecreasing k). set (i := / sigma k ^ 2). assert (Pi : 0 < i)
      by (apply Rinv_0_lt_compat, pow_lt; lra).
    assert (Sum : INR k * i <= S).
    { rewrite <- sum_const. eapply Rle_trans; [|apply (B k)]. apply sum_le; intros j J. assert (Aj := nondecreasing j).
      apply Rinv_le_contravar; [apply pow_lt; lra|]. apply pow_incr. split; [lra|]. apply sigma_monotone. lia. }
    assert (Ik : S * limit <= INR k) by (assert (X := le_INR _ _ Kk); lra).
    destruct (Rle_lt_dec (limit * i) 1) as [|Big]; [easy|exfalso].
    assert (X := Rmult_le_compat_r i _ _ ltac:(lra) Ik).
    assert (S1 : S * (limit * i) <= S) by lra. assert (S * 1 <= S * (limit * i)) by (apply Rmult_le_compat_l; lra).
    assert (S = 0) by nra. assert (INR k * i <= 0) by lra. assert (Pk0 : 0 < INR k0) by (assert (0 <= S * limit)
      by (apply Rmult_le_pos; lra); lra).
    assert (X' := le_INR _ _ Kk). assert (0 < INR k * i) by (apply Rmult_lt_0_compat; lra). lra. }
  assert (Far : forall k, (k0 <= k)%nat -> reach n ^ 2 * ((1 + clipped_beta k) * (1 + 2 * clipped_beta k)) *
    (Lam * c k) ^ 2 <= 1).
  { intros k Kk. eapply Rle_trans; [|exact (Near k Kk)]. assert (A := nondecreasing k). assert (Bk := beta_at_most k).
    assert (C := c_bounds k). assert (T := Tc k). unfold limit.
    replace (reach n ^ 2 * ((1 + beta0) * (1 + 2 * beta0)) * Lam ^ 2 * / sigma k ^ 2)
      with (reach n ^ 2 * ((1 + beta0) * (1 + 2 * beta0)) * (Lam * / sigma k) ^ 2) by (field; lra).
    assert (Pr2 : 0 < reach n ^ 2) by (apply pow_lt; lra).
    apply Rmult_le_compat; [apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]|apply pow2_ge_0| |].
    - apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat; lra.
    - apply pow_incr. split; [apply Rmult_le_pos; lra|]. apply Rmult_le_compat_l; lra. }
  assert (Step := fun k Kk => round_falls V m weight ridge L serve penalty bend F G grad w local dual clipped_beta
    past variances v n c tau
    (clipped setting) good order k (Far k Kk)).
  set (potential := height V m weight ridge L F G w dual clipped_beta n c) in *.
  assert (Low : forall k, least <= potential k).
  { intros k. unfold potential, height. assert (X := bounded (center V m weight ridge w dual c k)).
    assert (R := residuals_nonneg V m weight ridge L serve penalty bend F G grad w local dual clipped_beta past
      variances v (clipped setting) k).
    assert (Z := weight_falls n (c k) 0 (Lam * c k) 0 (clipped_beta k) 0 good). unfold weight_of in Z at 1.
    rewrite Rmult_0_r, !Rmult_0_l in Z.
    assert (T := Tc k). assert (Bk := beta_at_most k). assert (0 <= Lam * c k) by (apply Rmult_le_pos; lra).
    assert (W := Z ltac:(lra) ltac:(lra) ltac:(lra)). assert (Pr2 := Rmult_le_pos _ _ W R). lra. }
  set (x := fun k => square k). assert (X0 : forall k, 0 <= x k) by (intros; apply inner_nonneg).
  assert (Tx : forall k, 0 <= tau k * x k) by (intros k; apply Rmult_le_pos; [assert (T := Tc k); lra|apply X0]).
  assert (Pn : 0 <= noise_bound).
  { assert (Nf := noise_falls 0). destruct (Rle_lt_dec 0 noise_bound) as [|Neg]; [easy|exfalso].
    assert (P : 0 < / sigma 0 ^ 2) by (apply Rinv_0_lt_compat, pow_lt; lra). unfold Rdiv in Nf. nra. }
  set (rest := / gain n * (potential k0 - least + noise_bound * S)).
  assert (Later : forall N, sum N (fun j => tau (k0 + j)%nat * x (k0 + j)%nat) <= rest).
  { intros N. assert (T := telescope (fun j => potential (k0 + j)%nat)
      (fun j => gain n * (tau (k0 + j)%nat * x (k0 + j)%nat) + -1 * (noise_bound * / sigma (k0 + j)%nat ^ 2))).
    assert (T' : forall j, potential (k0 + Datatypes.S j)%nat <= potential (k0 + j)%nat
      - (gain n * (tau (k0 + j)%nat * x (k0 + j)%nat) + -1 * (noise_bound * / sigma (k0 + j)%nat ^ 2))).
    { intros j. rewrite Nat.add_succ_r. assert (St := Step (k0 + j)%nat ltac:(lia)). assert (Nf := noise_falls
        (k0 + j)%nat).
      unfold Rdiv in Nf. fold (x (k0 + j)%nat) in St. lra. }
    specialize (T T' N). cbv beta in T. rewrite sum_add, !sum_scale, Nat.add_0_r in T.
    assert (Sl := summable_later (fun k => / sigma k ^ 2) k0).
    assert (Bn : sum N (fun j => / sigma (k0 + j)%nat ^ 2) <= S).
    { assert (Bk := B (k0 + N)%nat). rewrite sum_split in Bk. assert (Q := sum_nonneg k0 (fun k => / sigma k ^ 2)
        (fun k _ => ltac:(assert (A := nondecreasing k); apply Rlt_le, Rinv_0_lt_compat, pow_lt; lra))). lra. }
    assert (Nb := Rmult_le_compat_l _ _ _ Pn Bn). assert (Lo := Low (k0 + N)%nat).
    unfold rest. apply Rmult_le_reg_l with (gain n); [easy|]. rewrite <- Rmult_assoc, Rinv_r by lra. lra. }
  assert (All : forall N, sum N (fun k => tau k * x k) <= sum k0 (fun k => tau k * x k) + rest).
  { intros N. assert (R0 := Later 0%nat). simpl in R0. destruct (Nat.le_gt_cases N k0) as [I|I].
    - assert (Gr := sum_grows N k0 (fun k => tau k * x k) Tx I). lra.
    - replace N with (k0 + (N - k0))%nat by lia. rewrite sum_split. specialize (Later (N - k0)%nat). lra. }
  set (a := 1 + ridge / sigma 0). assert (Pa : 1 <= a) by (unfold a; assert (0 <= ridge / sigma 0)
    by (apply quotient; lra); lra).
  assert (Inv : forall k, / sigma k <= a * tau k).
  { intros k. assert (A := nondecreasing k). assert (Gk := sigma_grows k). assert (C := c_bounds k). assert (T := Tc k).
    apply Rle_trans with (a * / (sigma k + ridge)); [|apply Rmult_le_compat_l; lra].
    apply Rmult_le_reg_r with (sigma k + ridge); [lra|]. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
    rewrite Rmult_plus_distr_l, Rinv_l by lra. unfold a, Rdiv. rewrite (Rmult_comm (/ sigma k)).
    apply Rplus_le_compat_l, Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra. }
  split.
  - apply (repaired tau x (sum k0 (fun k => tau k * x k) + rest) (fun k => ltac:(assert (T := Tc k); lra)) X0);
      [|exact All].
    apply (diverges_above (fun k => / sigma k) _ (/ a)); [apply Rinv_0_lt_compat; lra| |exact D]. intros k.
    apply Rmult_le_reg_l with a; [lra|]. rewrite <- Rmult_assoc, Rinv_r by lra. specialize (Inv k). lra.
  - apply (repaired (fun k => / sigma k) x (a * (sum k0 (fun k => tau k * x k) + rest))); [|exact X0|exact D|].
    + intros k. assert (A := nondecreasing k). apply Rlt_le, Rinv_0_lt_compat. lra.
    + intros N. apply Rle_trans with (a * sum N (fun k => tau k * x k)).
      * rewrite <- sum_scale. apply sum_le; intros k _. rewrite <- Rmult_assoc. apply Rmult_le_compat_r;
          [apply X0|apply Inv].
      * apply Rmult_le_compat_l; [lra|apply All].
Qed.
End Schedule.
End Clipped.

(** ** The claim, in Algorithm 1's own order: any ridge, any penalties that stay comparable to their mean.
    Over any space of random vectors with E<X, Y>, finite ones among them (FiniteSpaces.v). *)
Theorem T7_repaired_schedule V m weight ridge L penalty bend F G grad w local dual beta past variances v H share least :
  batches V m weight ridge L penalty penalty bend F G grad w local dual beta past variances v ->
  let sigma := kappa m weight penalty in let square k := ‖slope m weight ridge G (w (S k))‖² in
  0 <= H -> 0 < share -> (forall k i x, (i < m)%nat -> ⟨bend (S k) i x, x⟩ <= H * ‖x‖²) ->
  (forall k i, (i < m)%nat -> share * sigma k <= penalty (S k) i) -> (forall k, 0 < sigma k <= sigma (S k)) ->
  (forall x, least <= objective m weight ridge F x) ->
  diverges (fun k => / sigma k) -> summable (fun k => / sigma k ^ 2) ->
  vanishes (fun k => / sigma k) square /\
  exists c, lengths sigma ridge c /\ vanishes (fun k => 2 * c k - c (S k)) square /\ exists bound, forall k,
    (2 * c k - c (S k)) * noise_of growing ((L + ridge) * c k) (clipped_beta m weight penalty H share k) v
      (sum m (fun i => weight i * variances i)) <= bound / sigma k ^ 2.
Proof.
  intros setting sigma square Ph Ps clip comparable Nd bounded D Su.
  destruct (lengths_exist sigma ridge Nd ltac:(apply setting)) as [c C].
  assert (set' := clipped V m weight ridge L penalty penalty bend F G grad w local dual beta past variances v H share
    Ph Ps clip comparable Nd setting).
  assert (Or := own_ordered V m weight ridge L penalty bend F G grad w local dual beta past variances v setting Nd c C).
  assert (Va := schedule_vanishes V m weight ridge L penalty penalty bend F G grad w local dual beta past variances v
    H share Ph Ps
    clip comparable Nd setting growing c _ least growing_suits ltac:(cbn; lra) Or (fun k => proj2 (C k)) bounded D Su).
  split; [apply Va|]. exists c. split; [exact C|]. split; [apply Va|].
  exists (noise_bound m weight ridge L penalty variances v H share growing). intros k.
  apply (noise_falls V m weight ridge L penalty penalty bend F G grad w local dual beta past variances v H share Ph Ps
    Nd setting growing c (fun k => 2 * c k - c (S k)) growing_suits Or (fun k => proj2 (C k))).
Qed.

(** The same in the mixed order with common growth: c_k = tau_k = 1/sigma_k. *)
Theorem T7_repaired_schedule_mixed V m weight ridge L penalty bend F G grad w local dual beta past variances v H
  share least :
  batches V m weight ridge L (fun l => penalty (S l)) penalty bend F G grad w local dual beta past variances v ->
  let sigma := kappa m weight penalty in let square k := ‖slope m weight ridge G (w (S k))‖² in
  common_growth m penalty -> 0 <= H -> 0 < share -> (forall k i x, (i < m)%nat -> ⟨bend (S k) i x, x⟩ <= H * ‖x‖²) ->
  (forall k i, (i < m)%nat -> share * sigma k <= penalty (S k) i) -> (forall k, 0 < sigma k <= sigma (S k)) ->
  (forall x, least <= objective m weight ridge F x) ->
  diverges (fun k => / sigma k) -> summable (fun k => / sigma k ^ 2) -> vanishes (fun k => / sigma k) square.
Proof.
  intros setting sigma square common Ph Ps clip comparable Nd bounded D Su.
  assert (Or := mixed_ordered V m weight ridge L penalty bend F G grad w local dual beta past variances v setting Nd
    common
    constant constant_suits).
  assert (Cb : forall k, / (sigma k + ridge) <= / sigma k <= / sigma k).
  { intros k. assert (A := Nd k). assert (Pr : 0 <= ridge) by apply setting. split; [apply Rinv_le_contravar;
      lra|lra]. }
  apply (schedule_vanishes V m weight ridge L (fun l => penalty (S l)) penalty bend F G grad w local dual beta past
    variances v
    H share Ph Ps clip comparable Nd setting constant (fun k => / sigma k) (fun k => / sigma k) least constant_suits
    ltac:(cbn; lra) Or Cb bounded D Su).
Qed.
