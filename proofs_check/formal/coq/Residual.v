(** Geometric penalties and full gradients (V2): the step scaled by the penalty tends to minus the gradient at the
    limit, and nothing makes that gradient 0. *)

From PISA Require Export Summable.

Section Residual.
Variable V : space.
Variables (m : nat) (weight sigma eta : nat -> R) (ridge gamma : R) (bend : nat -> nat -> V -> V).
Variables (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : pisa V m weight ridge (fun l i => sigma i / gamma ^ l) bend grad w local dual.
Hypothesis gamma_small : 0 < gamma < 1.
Hypothesis weights : forall i, (i < m)%nat -> 0 <= weight i.
Hypothesis sigma_positive : forall i, (i < m)%nat -> 0 < sigma i.
Hypothesis ridge_nonneg : 0 <= ridge.
(** 0 <= rho_i Q_i <= eta_i: any operators, new at every round *)
Hypothesis eta_nonneg : forall i, (i < m)%nat -> 0 <= eta i.
Hypothesis symmetric : forall l i x y, (i < m)%nat -> ⟨bend l i x, y⟩ = ⟨x, bend l i y⟩.
Hypothesis bounded : forall l i x, (i < m)%nat -> 0 <= ⟨bend l i x, x⟩ <= eta i * ‖x‖².
Notation s := (sum m (fun i => weight i * sigma i)).
Hypothesis s_positive : 0 < s.
Notation mean := (mean V m weight).
Notation rate l := (rate m weight ridge (fun l i => sigma i / gamma ^ l) l).

Variables (G : nat -> V -> V) (limit : V).
Hypothesis full : forall l i, grad l i = G i (w l).
Hypothesis continuous : forall i eps, (i < m)%nat -> 0 < eps ->
  exists delta, 0 < delta /\ forall x, ‖x - limit‖₂ < delta -> ‖G i x - G i limit‖₂ < eps.
Hypothesis converges : tends w limit.

Lemma gradients_tend i : (i < m)%nat -> tends (fun l => G i (w l)) (G i limit).
Proof.
  intros I eps E. destruct (continuous i eps I E) as [delta [D C]]. destruct (converges delta D) as [n N]. exists n.
  intros l L. specialize (N l L). unfold R_dist in *. rewrite Rminus_0_r in *.
  rewrite Rabs_right in * by (apply Rle_ge, norm_nonneg). auto.
Qed.

Lemma gradients_have_bounds : exists bound, forall l i, (i < m)%nat -> ‖grad (S l) i‖₂ <= bound i.
Proof.
  assert (Each : forall i, exists b, (i < m)%nat -> forall l, ‖G i (w l)‖₂ <= b).
  { intros i. destruct (le_lt_dec m i) as [M|I]; [exists 0; lia|].
    destruct (maj_by_pos _ (exist (Un_cv (fun l => ‖G i (w l) - G i limit‖₂)) 0 (gradients_tend i I)))
      as [b [P B]]. exists (b + ‖G i limit‖₂). intros _ l.
    specialize (B l). cbv beta in B. rewrite Rabs_right in B by (apply Rle_ge, norm_nonneg).
    replace (G i (w l)) with ((G i (w l) - G i limit) + G i limit)%V by vector.
    eapply Rle_trans; [apply norm_add|lra]. }
  assert (Choice : forall k, exists bound, forall i, (i < k)%nat -> (i < m)%nat -> forall l, ‖G i (w l)‖₂ <= bound i).
  { induction k as [|k [bound B]]; [exists (fun _ => 0); lia|]. destruct (Each k) as [b Bk].
    exists (fun i => if Nat.eq_dec i k then b else bound i). intros i I I' l.
    destruct (Nat.eq_dec i k) as [->|D]; [now apply Bk|]. apply B; [lia|easy]. }
  destruct (Choice m) as [bound B]. exists bound. intros l i I. rewrite full. now apply B.
Qed.

Notation error l i := (dual l i + grad l i)%V.

Lemma errors_vanish i : (i < m)%nat -> Un_cv (fun l => ‖error (S l) i‖₂) 0.
Proof.
  intros I. destruct gradients_have_bounds as [bound B].
  assert (Sg := sigma_positive i I). assert (E := eta_nonneg i I).
  set (ceiling := fun (l i : nat) => Rmax ‖dual 0 i‖₂ (bound i * ((sigma i + eta i) / sigma i))).
  assert (D : forall l, ‖dual l i‖₂ <= ceiling 0%nat i).
  { intros l. refine (duals_bounded V m weight sigma eta ridge gamma bend grad w local dual run gamma_small
      sigma_positive eta_nonneg symmetric bounded ceiling (fun i _ => Rmax_l _ _) (fun _ _ _ => Rle_refl _) _ l i I).
    intros k j J. eapply Rle_trans; [|apply Rmax_r]. apply Rmult_le_compat_r; [|now apply B].
    assert (Sj := sigma_positive j J). assert (Ej := eta_nonneg j J). apply quotient; lra. }
  set (top := ceiling 0%nat i) in *. clearbody top ceiling.
  apply (squeeze _ (fun l => eta i * (top + bound i) / sigma i * gamma ^ l)).
  - intros l. split; [apply norm_nonneg|].
    assert (L := larger m sigma gamma gamma_small sigma_positive (S l) i I).
    assert (Pw := power gamma gamma_small (S l)).
    replace (error (S l) i) with (- bend (S l) i (deviation V w local (S l) i))%V
      by (rewrite (I1_multiplier _ _ _ _ _ _ _ _ _ _ run l i I); vector).
    rewrite norm_opp. eapply Rle_trans.
    + apply (kept V (sigma i / gamma ^ S l) (eta i) (bend (S l) i) _ (dual l i + grad (S l) i)%V).
      * lra.
      * exact E.
      * intros; now apply symmetric.
      * intros; now apply bounded.
      * exact (client _ _ _ _ _ _ _ _ _ _ run l i I).
    + assert (A := norm_add V (dual l i) (grad (S l) i)). specialize (D l). assert (Bl := B l i I).
      assert (N := norm_nonneg V (dual l i + grad (S l) i)%V).
      apply Rle_trans with (eta i / (sigma i / gamma ^ S l) * (top + bound i)).
      * apply Rmult_le_compat; [apply quotient; lra|easy| |lra]. apply Rmult_le_compat_l; [easy|].
        apply Rinv_le_contravar; lra.
      * replace (eta i / (sigma i / gamma ^ S l) * (top + bound i)) with
          (eta i * (top + bound i) / sigma i * gamma ^ S l) by (field; lra).
        assert (N0 := norm_nonneg V (dual l i)). assert (N1 := norm_nonneg V (grad (S l) i)).
        assert (K : 0 <= eta i * (top + bound i) / sigma i) by (apply quotient; nra). simpl.
        assert (Pl := power gamma gamma_small l). apply Rmult_le_compat_l; [exact K|]. nra.
  - apply limit_scale, limit_power. lra.
Qed.

Lemma tends_mean (x : nat -> nat -> V) (y : nat -> V) : (forall i, (i < m)%nat -> tends (fun l => x l i) (y i)) ->
  tends (fun l => mean (x l)) (mean y).
Proof.
  intros C. apply (squeeze _ (fun l => sum m (fun i => weight i * ‖x l i - y i‖₂))).
  - intros l. split; [apply norm_nonneg|].
    replace (mean (x l) - mean y)%V with (mean (fun i => x l i - y i)%V); [now apply norm_mean|].
    rewrite (mean_add V m weight (x l) (fun i => -1 * y i)%V), mean_scale. reflexivity.
  - apply limit_sum. intros i I. apply limit_scale. exact (C i I).
Qed.

(** V2: (sum_i alpha_i sigma_i^l + ridge)(w^(l+1) - w^l) -> -(mean gradient + ridge w) at the limit. *)
Theorem V2_steps_carry_the_residual :
  tends (fun l => rate l * (w (S l) - w l))%V (- (mean (fun i => G i limit) + ridge * limit))%V.
Proof.
  apply limit_shift, limit_shift.
  assert (E : forall i, (i < m)%nat -> tends (fun l => 2 * error (S (S l)) i - error (S l) i)%V 0%V).
  { intros i I. apply (squeeze _ (fun l => 2 * ‖error (S (S l)) i‖₂ + ‖error (S l) i‖₂)).
    - intros l. split; [apply norm_nonneg|]. replace (_ - 0)%V with (2 * error (S (S l)) i - error (S l) i)%V by vector.
      eapply Rle_trans; [apply norm_sub|]. rewrite norm_scale, Rabs_right by lra. lra.
    - replace 0 with (2 * 0 + 0) by ring. assert (C := errors_vanish i I).
      apply (CV_plus (fun l => 2 * ‖error (S (S l)) i‖₂) (fun l => ‖error (S l) i‖₂)); [|exact C].
      replace (2 * 0) with 0 by ring. apply limit_scale. intros e H. destruct (C e H) as [n N]. exists n.
      intros l L. apply N. lia. }
  assert (M := tends_mean _ (fun _ => 0%V) E). rewrite (mean_zero V m weight (fun _ => 0%V)) in M by easy.
  assert (Next : forall (x : nat -> V) y, tends x y -> tends (fun l => x (S l)) y).
  { intros x y C e H. destruct (C e H) as [n N]. exists n. intros l L. apply N. lia. }
  assert (Gr := Next _ _ (tends_mean (fun l i => G i (w l)) (fun i => G i limit) gradients_tend)).
  assert (Gr' := Next _ _ Gr). assert (W := Next _ _ (Next _ _ converges)). cbv beta in *.
  apply (squeeze _ (fun l => ‖mean (fun i => 2 * error (S (S l)) i - error (S l) i) - 0‖₂ +
    (2 * ‖mean (fun i => G i (w (S (S l)))) - mean (fun i => G i limit)‖₂ +
    (‖mean (fun i => G i (w (S l))) - mean (fun i => G i limit)‖₂ + ridge * ‖w (S (S l)) - limit‖₂)))).
  - intros l. split; [apply norm_nonneg|].
    match goal with |- ‖?x‖₂ <= _ => replace x with
      ((mean (fun i => 2 * error (S (S l)) i - error (S l) i) - 0)
      + (-2 * (mean (fun i => G i (w (S (S l)))) - mean (fun i => G i limit))
      + ((mean (fun i => G i (w (S l))) - mean (fun i => G i limit)) - ridge * (w (S (S l)) - limit))))%V end.
    + do 2 (eapply Rle_trans; [apply norm_add|]; try apply Rplus_le_compat; try apply Rle_refl).
      * rewrite norm_scale, Rabs_left by lra. lra.
      * eapply Rle_trans; [apply norm_sub|]. rewrite norm_scale, Rabs_right by lra. lra.
    + rewrite (move _ _ _ _ _ _ _ _ _ _ (S (S l)) run).
      rewrite (mean_ext _ _ _ (fun i => _ * deviation V w local (S (S l)) i + dual (S (S l)) i)%V
        (fun i => (2 * error (S (S l)) i - error (S l) i) + (-2 * G i (w (S (S l))) + G i (w (S l))))%V).
      * rewrite (mean_add V m weight (fun i => 2 * error (S (S l)) i - error (S l) i)%V),
          (mean_add V m weight (fun i => -2 * G i (w (S (S l))))%V), (mean_scale V m weight (-2)). vector.
      * intros i I. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run (S l) i), !full. set (u := sigma i / _). vector.
  - replace 0 with (0 + (2 * 0 + (0 + ridge * 0))) by ring.
    apply (CV_plus (fun l => ‖mean (fun i => 2 * error (S (S l)) i - error (S l) i) - 0‖₂)); [exact M|].
    apply (CV_plus (fun l => 2 * ‖mean (fun i => G i (w (S (S l)))) - mean (fun i => G i limit)‖₂)).
    { rewrite Rmult_0_r. now apply limit_scale. }
    apply (CV_plus (fun l => ‖mean (fun i => G i (w (S l))) - mean (fun i => G i limit)‖₂)); [exact Gr|].
    rewrite Rmult_0_r. now apply limit_scale.
Qed.
End Residual.
Print Assumptions V2_steps_carry_the_residual.
