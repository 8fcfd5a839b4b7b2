(** N6 in the limit: with an oracle that leans towards its argument, <y, O(y)> >= low |y|_* with low > 0, the gradient and
    every client's error vanish, for every F that is bounded below. *)

From PISA Require Export AnyNorm Sign Threshold.
From PISA Require Ridge.
Notation threshold := Preconditioned.threshold.

(** ** Sequences *)
Lemma squeeze (a b : nat -> R) : (forall l, 0 <= a l <= b l) -> Un_cv b 0 -> Un_cv a 0.
Proof.
  intros B C eps E. destruct (C eps E) as [N H]. exists N. intros l L. specialize (H l L). specialize (B l).
  unfold R_dist in *. rewrite Rminus_0_r in *. rewrite Rabs_right in * by lra. lra.
Qed.

Lemma scaled_limit a c : Un_cv a 0 -> Un_cv (fun l => c * a l) 0.
Proof.
  intros A. assert (C := CV_mult (fun _ => c) a c 0 (fun eps E => ex_intro _ 0%nat (fun l _ =>
    eq_ind_r (fun r => r < eps) E (R_dist_eq c))) A). now rewrite Rmult_0_r in C.
Qed.

Lemma sum_limit m (a : nat -> nat -> R) : (forall i, (i < m)%nat -> Un_cv (fun l => a l i) 0) ->
  Un_cv (fun l => sum m (a l)) 0.
Proof.
  induction m as [|m IH]; intros A; cbn [sum].
  - intros eps E. exists 0%nat. intros l _. now rewrite R_dist_eq.
  - assert (C := CV_plus _ _ _ _ (IH (fun i I => A i ltac:(lia))) (A m ltac:(lia))). now rewrite Rplus_0_r in C.
Qed.

(** What shrinks by r < 1 but for something that vanishes, vanishes. *)
Lemma shrinks_away (a h : nat -> R) r : 0 <= r < 1 -> (forall l, 0 <= a l) -> (forall l, a (S l) <= r * a l + h l) ->
  Un_cv h 0 -> Un_cv a 0.
Proof.
  intros R A Step H eps E. destruct (H ((1 - r) * (eps / 2)) ltac:(apply Rmult_lt_0_compat; lra)) as [N Small].
  assert (Later : forall j, a (N + j)%nat <= r ^ j * a N + eps / 2).
  { induction j as [|j IH]; [rewrite Nat.add_0_r; simpl; lra|]. rewrite Nat.add_succ_r.
    assert (S := Step (N + j)%nat). assert (Sm := Small (N + j)%nat ltac:(lia)). unfold R_dist in Sm.
    rewrite Rminus_0_r in Sm. apply Rabs_def2 in Sm. assert (Rj := Rmult_le_compat_l r _ _ (proj1 R) IH). simpl pow. lra. }
  assert (AN := A N). destruct (pow_lt_1_zero r ltac:(rewrite Rabs_right; lra) (eps / 2 / (a N + 1)) ltac:(positive))
    as [K Power].
  exists (N + K)%nat. intros l L. replace l with (N + (l - N))%nat by lia. assert (B := Later (l - N)%nat).
  assert (P := Power (l - N)%nat ltac:(lia)). rewrite Rabs_right in P by (apply Rle_ge, pow_le; lra).
  assert (Q : 0 <= r ^ (l - N)) by (apply pow_le; lra). unfold R_dist. rewrite Rminus_0_r, Rabs_right by (apply Rle_ge, A).
  assert (T : r ^ (l - N) * a N <= r ^ (l - N) * (a N + 1)) by (apply Rmult_le_compat_l; lra).
  assert (U : r ^ (l - N) * (a N + 1) < eps / 2 / (a N + 1) * (a N + 1)) by (apply Rmult_lt_compat_r; lra).
  replace (eps / 2 / (a N + 1) * (a N + 1)) with (eps / 2) in U by (field; lra). lra.
Qed.

(** ** The limit *)
Section Limit.
Variables (V : space) (N : norms V).
Notation "⌊ x ⌋" := (norm N x%V) (at level 0, x at level 99).
Notation "⌈ x ⌉" := (conorm N x%V) (at level 0, x at level 99).
Variables (m : nat) (weight : nat -> R) (beta L sigma theta low tau least : R) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (oracle : nat -> V -> V) (mu : nat -> nat -> R) (clip : nat -> R) (w : nat -> V) (p : nat -> nat -> V).
Notation mean := (mean V m weight).
Notation error := (error V G w p).
Notation sent := (sent V m weight p).
Notation aligned := (aligned V m weight theta oracle p).
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis positive : 0 < L /\ 0 < sigma /\ 0 < theta /\ 0 <= beta.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth_in V N L (F i) (G i).
(** The oracle: bounded by theta, and it leans towards its argument. *)
Hypothesis oracle_bounds : forall l y, ⌊oracle l y⌋ <= theta /\ low * ⌈y⌉ <= ⟨y, oracle l y⟩.
Hypothesis leans : 0 < low.
Hypothesis mu_range : forall l i, (i < m)%nat -> / (1 + beta) <= mu l i <= 1.
(** The steps: full ones (clip = 1), clipped at tau (clip = min(1, tau/aligned)), or anything between. *)
Hypothesis clip_range : forall l, 0 <= clip l <= 1.
Hypothesis clip_far : 0 < tau /\ forall l, Rmin (aligned l) tau <= clip l * aligned l.
Hypothesis client : forall l i, (i < m)%nat -> p (S l) i = (p l i + mu l i * error l i)%V.
Hypothesis server : forall l, w (S l) = (w l - (clip l * aligned l / (sigma * theta)) * oracle l (sent l))%V.
Hypothesis large : threshold beta * L ^ 2 < (sigma - L) * sigma.
Hypothesis bounded : forall x, least <= objective V m weight F x.

Lemma nonneg_oracle l y : ⌊oracle l y⌋ <= theta /\ 0 <= ⟨y, oracle l y⟩.
Proof.
  destruct (oracle_bounds l y) as [A B]. split; [exact A|]. assert (C := conorm_nonneg V N y).
  assert (0 <= low * ⌈y⌉) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma aligned_nonneg l : 0 <= aligned l.
Proof. unfold AnyNorm.aligned. apply quotient; [apply nonneg_oracle|apply positive]. Qed.

Lemma aligned_vanishes : Un_cv aligned 0.
Proof.
  destruct positive as [PL [Ps [Pt Pb]]]. destruct clip_far as [T Far].
  set (D := 1 - L / sigma - threshold beta * L ^ 2 / sigma ^ 2).
  assert (PD : 0 < D).
  { unfold D. replace (1 - L / sigma - threshold beta * L ^ 2 / sigma ^ 2) with
      (((sigma - L) * sigma - threshold beta * L ^ 2) / sigma ^ 2) by (field; lra).
    apply Rdiv_lt_0_compat; [lra|apply pow_lt; lra]. }
  assert (Sum : forall n, sum n (fun l => clip l * aligned l ^ 2) <= 2 * sigma / D
    * (potential V N m weight beta sigma F G w p 0 - least)).
  { intros n. assert (S := N6_sum V N m weight beta L sigma theta F G oracle mu clip w p weights positive F_smooth
      nonneg_oracle mu_range clip_range client server least n bounded). fold D in S.
    rewrite (sum_ext n _ (fun l => D / (2 * sigma) * (clip l * aligned l ^ 2))), sum_scale in S by (intros; field; lra).
    apply Rmult_le_reg_l with (D / (2 * sigma)); [apply Rdiv_lt_0_compat; lra|].
    eapply Rle_trans; [exact S|]. right. field. lra. }
  assert (Van := Ridge.vanish _ _ (fun l => Rmult_le_pos _ _ (proj1 (clip_range l)) (pow2_ge_0 _)) Sum).
  intros eps E. set (e := Rmin eps tau). assert (Pe : 0 < e <= eps /\ e <= tau).
  { unfold e. split; [split; [now apply Rmin_glb_lt|apply Rmin_l]|apply Rmin_r]. }
  destruct (Van (e * e) ltac:(nra)) as [K Small]. exists K. intros l Kl. specialize (Small l Kl). unfold R_dist in *.
  rewrite Rminus_0_r in *. assert (A := aligned_nonneg l). assert (Fl := Far l). assert (Cr := clip_range l).
  rewrite Rabs_right by lra. apply Rabs_def2 in Small. destruct (Rle_lt_dec e (aligned l)) as [Bad|]; [exfalso|lra].
  assert (M : e <= clip l * aligned l).
  { eapply Rle_trans; [|exact Fl]. apply Rmin_glb; lra. }
  assert (e * e <= clip l * aligned l * aligned l) by (apply Rmult_le_compat; lra). nra.
Qed.

Lemma step_small l : ⌊w (S l) - w l⌋ <= / sigma * aligned l.
Proof.
  destruct positive as [PL [Ps [Pt Pb]]]. assert (A := aligned_nonneg l). assert (C := clip_range l).
  replace (w (S l) - w l)%V with (- (clip l * aligned l / (sigma * theta)) * oracle l (sent l))%V
    by (rewrite server; vector).
  assert (F0 : 0 <= clip l * aligned l / (sigma * theta)) by (apply quotient; [apply Rmult_le_pos|apply Rmult_lt_0_compat]; lra).
  rewrite norm_scale, Rabs_Ropp, Rabs_right by lra.
  apply Rle_trans with (clip l * aligned l / (sigma * theta) * theta);
    [apply Rmult_le_compat_l; [lra|apply nonneg_oracle]|].
  replace (clip l * aligned l / (sigma * theta) * theta) with (/ sigma * (clip l * aligned l)) by (field; lra).
  apply Rmult_le_compat_l; [apply Rlt_le; now apply Rinv_0_lt_compat|]. nra.
Qed.

Theorem N6_errors_vanish i : (i < m)%nat -> Un_cv (fun l => ⌈error l i⌉) 0.
Proof.
  intros I. destruct positive as [PL [Ps [Pt Pb]]].
  apply (shrinks_away _ (fun l => L * / sigma * aligned l) (beta / (1 + beta))).
  - split; [apply quotient; lra|]. apply Rmult_lt_reg_r with (1 + beta); [lra|]. unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l; lra.
  - intros l. apply conorm_nonneg.
  - intros l. assert (Mu := mu_range l i I). assert (E0 := conorm_nonneg V N (error l i)).
    replace (error (S l) i) with ((1 - mu l i) * error l i + (G i (w (S l)) - G i (w l)))%V
      by (unfold AnyNorm.error at 2; rewrite (client l i I); unfold AnyNorm.error; vector).
    eapply Rle_trans; [apply conorm_add|]. rewrite conorm_scale, Rabs_right by lra.
    assert (Lip := lipschitz_in _ _ _ _ _ (F_smooth i I) (w (S l)) (w l)). assert (St := step_small l).
    assert (LS := Rmult_le_compat_l L _ _ ltac:(lra) St).
    assert (K : (1 - mu l i) * ⌈error l i⌉ <= beta / (1 + beta) * ⌈error l i⌉).
    { apply Rmult_le_compat_r; [exact E0|]. replace (beta / (1 + beta)) with (1 - / (1 + beta)) by (field; lra). lra. }
    lra.
  - apply scaled_limit, aligned_vanishes.
Qed.

Theorem N6_gradients_vanish : Un_cv (fun l => ⌈mean (fun i => G i (w l))⌉) 0.
Proof.
  destruct positive as [PL [Ps [Pt Pb]]].
  apply (squeeze _ (fun l => theta / low * aligned l + sum m (fun i => weight i * ⌈error l i⌉))).
  - intros l. split; [apply conorm_nonneg|].
    assert (Sent := sent_is V m weight G mu w p client l). set (r := rest V m weight G mu w p l) in *.
    replace (mean (fun i => G i (w l))) with (sent l + -1 * r)%V by (rewrite Sent; vector).
    eapply Rle_trans; [apply conorm_add|]. rewrite conorm_scale, Rabs_left by lra. apply Rplus_le_compat.
    + destruct (oracle_bounds l (sent l)) as [_ Lean]. apply Rmult_le_reg_l with low; [exact leans|].
      replace (low * (theta / low * aligned l)) with ⟨sent l, oracle l (sent l)⟩ by (unfold AnyNorm.aligned; field; lra).
      exact Lean.
    + replace (- -1 * ⌈r⌉) with ⌈r⌉ by ring. unfold r, rest. eapply Rle_trans; [apply conorm_total|]. apply sum_le.
      intros i I. rewrite !conorm_scale, (Rabs_right (weight i)) by (apply Rle_ge; now apply weights).
      apply Rmult_le_compat_l; [now apply weights|]. assert (Mu := mu_range l i I).
      assert (0 < / (1 + beta)) by (apply Rinv_0_lt_compat; lra). assert (E0 := conorm_nonneg V N (error l i)).
      rewrite <- (Rmult_1_l ⌈error l i⌉) at 2. apply Rmult_le_compat_r; [exact E0|]. apply Rabs_le. lra.
  - assert (C := CV_plus _ _ _ _ (scaled_limit _ (theta / low) aligned_vanishes)
      (sum_limit m (fun l i => weight i * ⌈error l i⌉) (fun i I => scaled_limit _ (weight i) (N6_errors_vanish i I)))).
    now rewrite Rplus_0_r in C.
Qed.
End Limit.

(** Such runs exist: one client, mu = 1/2, beta = 1, L = 1, sigma = 3, the sign as oracle, full steps. *)
Theorem N6_limit_inhabited : exists (w : nat -> line) (p : nat -> nat -> line),
  w 0%nat = 1 /\ smooth_in line (euclid line) 1 half (fun x => x) /\
  (forall y : line, norm (euclid line) (sgn y : line) <= 1 /\ 1 * conorm (euclid line) y <= ⟨y, (sgn y : line)⟩) /\
  threshold 1 * 1 ^ 2 < (3 - 1) * 3 /\ (forall l, Rmin (aligned line 1 (fun _ => 1) 1 (fun _ => sgn : line -> line) p l) 1
    <= 1 * aligned line 1 (fun _ => 1) 1 (fun _ => sgn : line -> line) p l) /\
  (forall l i, (i < 1)%nat -> p (S l) i = (p l i + / 2 * error line (fun _ x => x) w p l i)%V) /\
  forall l, w (S l) = (w l - (1 * aligned line 1 (fun _ => 1) 1 (fun _ => sgn : line -> line) p l / (3 * 1))
    * (sgn (sent line 1 (fun _ => 1) p l) : line))%V.
Proof.
  assert (Run := N6_run_exists line 1 (fun _ => 1) 3 1 (fun _ x => x) (fun _ => sgn : line -> line) (fun _ _ => / 2)
    (fun _ => 1) 1 (fun _ => 0)).
  do 2 eexists. split; [|split; [|split; [|split; [|split; [|exact Run]]]]].
  - reflexivity.
  - split; [exact (gradient _ _ _ _ half_smooth)|]. intros x y. cbn. lra.
  - intros y. destruct (sgn_abs y) as [A B]. cbn. replace (sqrt (sgn y * sgn y)) with (Rabs (sgn y))
      by (symmetry; apply sqrt_Rsqr_abs). replace (sqrt (y * y)) with (Rabs y) by (symmetry; apply sqrt_Rsqr_abs). lra.
  - unfold Preconditioned.threshold. destruct (Rle_dec 1 3); lra.
  - intros l. rewrite Rmult_1_l. apply Rmin_l.
Qed.
Print Assumptions N6_errors_vanish.
Print Assumptions N6_gradients_vanish.
Print Assumptions N6_limit_inhabited.
