(** Sequences that cannot fall from 2 eta to eta for less than a fixed price: Alber, Iusem and Solodov's lemma (N4, c).

    What is paid is counted on the way down, step by step, so that neither gamma_k -> 0 nor the first step of a crossing
    needs a word. *)

From PISA Require Export Series.
From Coq Require Import Classical.
Open Scope R_scope.

Section Crossing.
Variables (gamma z : nat -> R) (C : R).
Hypothesis gamma_nonneg : forall k, 0 <= gamma k.
Hypothesis z_nonneg : forall k, 0 <= z k.
Hypothesis endless : diverges gamma.
Hypothesis spent : summable (fun k => gamma k * z k).
Hypothesis C_nonneg : 0 <= C.
Hypothesis no_jump : forall k, z k - z (S k) <= C * gamma k.
Notation paid N := (sum N (fun k => gamma k * z k)).

(** max(z, eta) falls by at most C/eta times what is paid. *)
Lemma fall_is_paid eta a b : 0 < eta -> (a <= b)%nat -> Rmax (z a) eta - Rmax (z b) eta <= C / eta * (paid b - paid a).
Proof.
  intros E A. induction A as [|b A IH]; [lra|]. cbn [sum]. assert (J := no_jump b). assert (G := gamma_nonneg b).
  assert (Step : Rmax (z b) eta - Rmax (z (S b)) eta <= C / eta * (gamma b * z b)).
  { assert (Pz := z_nonneg b). assert (P : 0 <= C / eta * (gamma b * z b))
      by (apply Rmult_le_pos; [apply quotient; lra|now apply Rmult_le_pos]).
    destruct (Rle_lt_dec (z b) eta) as [Low|High].
    - rewrite (Rmax_right (z b)) by lra. assert (M := Rmax_r (z (S b)) eta). lra.
    - rewrite (Rmax_left (z b)) by lra. assert (M := Rmax_l (z (S b)) eta).
      assert (C * gamma b <= C / eta * (gamma b * z b)); [|lra].
      replace (C / eta * (gamma b * z b)) with (C * gamma b * (z b / eta)) by (field; lra).
      rewrite <- (Rmult_1_r (C * gamma b)) at 1. apply Rmult_le_compat_l; [now apply Rmult_le_pos|].
      apply below_quotient; lra. }
  lra.
Qed.

Lemma low_again eta a : 0 < eta -> exists b, (a <= b)%nat /\ z b < eta.
Proof.
  intros E. destruct spent as [most Spent]. apply NNPP. intros None. assert (High : forall b, (a <= b)%nat -> eta <= z b).
  { intros b B. apply Rnot_lt_le. intros L. apply None. now exists b. }
  destruct (endless (sum a gamma + (most - paid a) / eta)) as [N Large].
  assert (Later : forall b, (a <= b)%nat -> eta * (sum b gamma - sum a gamma) <= paid b - paid a).
  { intros b B. induction B as [|b B IH]; [lra|]. cbn [sum]. assert (H := High b B).
    assert (eta * gamma b <= gamma b * z b) by (rewrite Rmult_comm; apply Rmult_le_compat_l; auto). lra. }
  assert (B := Later (max a N) ltac:(lia)). assert (G := sum_grows N (max a N) gamma gamma_nonneg ltac:(lia)).
  assert (S := Spent (max a N)).
  assert (X : eta * ((most - paid a) / eta) = most - paid a) by (field; lra). nra.
Qed.

Lemma paid_converges : { l | Un_cv (fun N => paid N) l }.
Proof.
  apply growing_cv.
  - intros N. cbn [sum]. assert (G := gamma_nonneg N). assert (Z := z_nonneg N).
    assert (0 <= gamma N * z N) by now apply Rmult_le_pos. lra.
  - destruct spent as [most Spent]. exists most. intros x [N ->]. apply Spent.
Qed.

Theorem crossing_lemma : Un_cv z 0.
Proof.
  intros eps E. set (eta := eps / 3). assert (H : 0 < eta) by (unfold eta; lra).
  destruct paid_converges as [l Conv].
  destruct (CV_Cauchy _ (exist _ l Conv) (eta * eta / (C + 1)) ltac:(positive)) as [N Tail].
  exists N. intros a A. destruct (low_again eta a H) as [b [B Low]].
  assert (F := fall_is_paid eta a b H B). assert (T := Tail b a ltac:(lia) A). unfold R_dist in T.
  apply Rabs_def2 in T. assert (M := Rmax_l (z a) eta). rewrite (Rmax_right (z b)) in F by lra.
  assert (D : C / eta * (paid b - paid a) <= eta).
  { destruct (Rle_lt_dec (paid b - paid a) 0) as [Neg|Pos].
    - assert (0 <= C / eta) by now apply quotient. nra.
    - apply Rle_trans with ((C + 1) / eta * (eta * eta / (C + 1))).
      + apply Rmult_le_compat; [now apply quotient|lra| |lra]. apply Rmult_le_compat_r; [|lra].
        apply Rlt_le, Rinv_0_lt_compat, H.
      + right. field. lra. }
  unfold R_dist. assert (P := z_nonneg a). rewrite Rminus_0_r, Rabs_right by lra. unfold eta in *. lra.
Qed.
End Crossing.
Print Assumptions crossing_lemma.
