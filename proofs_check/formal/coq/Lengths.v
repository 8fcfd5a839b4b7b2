(** The lengths c_k of y_k = w_k + c_k R_k in Algorithm 1's own order with a ridge (claims T7; no probability here). *)

From PISA Require Export Series.

(** ** c_k (sigma_k + lambda) = 1 + lambda c_{k+1}: the lengths of Algorithm 1's own order *)
Definition lengths sigma ridge (c : nat -> R) :=
  forall k, c k * (sigma k + ridge) = 1 + ridge * c (S k) /\ / (sigma k + ridge) <= c k <= / sigma k.

Section Lengths.
Variables (sigma : nat -> R) (ridge : R).
Hypothesis nondecreasing : forall k, 0 < sigma k <= sigma (S k).
Hypothesis ridge_nonneg : 0 <= ridge.

(** Backwards from 1/sigma_{k+j}. *)
Fixpoint backward j k := match j with O => / sigma k | S j => (1 + ridge * backward j (S k)) / (sigma k + ridge) end.

Lemma backward_bounds j : forall k, 0 < backward j k /\ backward (S j) k <= backward j k.
Proof.
  induction j as [|j IH]; intros k; assert (A := nondecreasing k); assert (B := nondecreasing (S k)).
  - split; [simpl; apply Rinv_0_lt_compat; lra|]. simpl. apply Rmult_le_reg_r with (sigma k + ridge); [lra|].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. rewrite Rmult_1_r, Rmult_plus_distr_l, Rinv_l by lra.
    rewrite (Rmult_comm (/ sigma k)). apply Rplus_le_compat_l, Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra.
  - destruct (IH (S k)) as [P D].
    change (backward (S (S j)) k) with ((1 + ridge * backward (S j) (S k)) / (sigma k + ridge)).
    change (backward (S j) k) with ((1 + ridge * backward j (S k)) / (sigma k + ridge)). split.
    + apply Rdiv_lt_0_compat; [|lra]. assert (0 <= ridge * backward j (S k)) by (apply Rmult_le_pos; lra). lra.
    + apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; lra|]. apply Rplus_le_compat_l, Rmult_le_compat_l; lra.
Qed.

Theorem lengths_exist : exists c, lengths sigma ridge c.
Proof.
  assert (Lim : forall k, { x | Un_cv (fun j => backward j k) x }).
  { intros k. apply decreasing_cv; [intros j; apply backward_bounds|]. exists 0. intros x [j ->]. unfold opp_seq.
    destruct (backward_bounds j k). lra. }
  exists (fun k => proj1_sig (Lim k)). intros k. assert (A := nondecreasing k).
  destruct (Lim k) as [x X], (Lim (S k)) as [y Y]. cbn [proj1_sig].
  assert (X' : Un_cv (fun j => backward (S j) k) x).
  { intros e E. destruct (X e E) as [N H]. exists N. intros j J. apply H. lia. }
  assert (Y' : Un_cv (fun j => backward (S j) k) ((1 + ridge * y) * / (sigma k + ridge))).
  { simpl. unfold Rdiv. apply CV_mult; [apply CV_plus; [|apply CV_mult; [|exact Y]]|];
      intros e E; exists 0%nat; intros; unfold R_dist; rewrite Rminus_diag_eq, Rabs_R0; auto. }
  assert (E := UL_sequence _ _ _ X' Y'). assert (Py : 0 <= y).
  { apply (@Rle_cv_lim (fun _ => 0) (fun j => backward j (S k))); [intros j; apply Rlt_le, backward_bounds| |exact Y].
    intros e Pe; exists 0%nat; intros; unfold R_dist; rewrite Rminus_diag_eq, Rabs_R0; auto. }
  repeat split.
  - rewrite E, Rmult_assoc, Rinv_l by lra. ring.
  - rewrite E, <- (Rmult_1_l (/ (sigma k + ridge))) at 1. apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat;
      lra|].
    assert (0 <= ridge * y) by (apply Rmult_le_pos; lra). lra.
  - apply (decreasing_ineq (fun j => backward j k) x) with (n := 0%nat) in X; [exact X|].
    intros j; apply backward_bounds.
Qed.

Lemma lengths_fall c : lengths sigma ridge c -> forall k, 0 < c (S k) <= c k.
Proof.
  intros C k. destruct (C k) as [E [Lo _]]. destruct (C (S k)) as [_ [Lo' Hi]]. assert (A := nondecreasing k).
  assert (B := nondecreasing (S k)).
  assert (I := Rinv_0_lt_compat (sigma (S k) + ridge) ltac:(lra)). split; [lra|].
  assert (S1 : c (S k) * sigma k <= 1).
  { apply Rle_trans with (/ sigma (S k) * sigma (S k)); [apply Rmult_le_compat; lra|]. rewrite Rinv_l; lra. }
  apply Rmult_le_reg_r with (sigma k + ridge); lra.
Qed.
End Lengths.

