(** Penalties that are made of the past batches, in expectation: N steps leave the first gap and what was collected (N4).

    [P] is a finite probability space; the run, its penalties and its operators are given outcome by outcome. *)

From PISA Require Export AdaGradStep Probability.

Section Adaptive.
Variables (P : probability) (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Variables (m : nat) (weight : nat -> R) (ridge Lam growth s0 bound least : R).
Variables (sigma : nat -> nat -> P -> R) (bend : nat -> nat -> P -> V -> V) (grad : nat -> nat -> P -> V).
Variables (w : nat -> P -> V) (local dual : nat -> nat -> P -> V) (F : V -> R) (slope : V -> V).
Variable same : nat -> P -> P -> Prop.

(** |Ghat_j|^2 + sum alpha_i |ghat_ij + pi_ij|^2 of step k in block j *)
Definition square_of k j (o : P) :=
  block_square V part m weight ridge (fun l i => grad l i o) (fun l => w l o) (fun l i => dual l i o) k j.

(** The method in every outcome; what step k knows ([same k]: outcomes that look alike before its batch is drawn); its
    batch is unbiased for the gradient at w_(k+1). *)
Record adaptive : Prop := {
  adapts_run : forall o, metric_rounds V n part m weight ridge (fun l j => sigma l j o) (fun l i => bend l i o)
    (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o) (fun l i => dual l i o);
  adapts_weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1;
  adapts_floor : forall k j o, (j < n)%nat -> s0 <= sigma (S k) j o;
  adapts_slowly : forall k j o, (j < n)%nat -> sigma (S (S k)) j o ^ 2 <= growth * sigma (S k) j o ^ 2;
  adapts_operators : forall k i o, (i < m)%nat -> blockwise n part (fun _ => bound) (bend (S k) i o);
  adapts_smooth : smooth Lam F slope;
  adapts_constants : 0 < Lam /\ 0 < s0 /\ 0 <= bound /\ 0 <= ridge;
  adapts_least : forall x, least <= F x;
  adapts_known : forall k o o', same k o o' -> w (S k) o = w (S k) o' /\
    (forall i, (i < m)%nat -> dual k i o = dual k i o') /\ forall j, (j < n)%nat -> sigma (S k) j o = sigma (S k) j o';
  adapts_unbiased : forall k (x : P -> V), (forall o o', same k o o' -> x o = x o') -> expect (fun o =>
    ⟨x o, mean V m weight (fun i => grad (S k) i o) + ridge * w (S k) o - slope (w (S k) o)⟩) = 0
}.
Hypothesis setting : adaptive.

Notation weighing := (weighing V n part).
Notation centre_of k o := (centre V n part m weight ridge (fun l j => sigma l j o) (fun l => w l o)
  (fun l i => dual l i o) k).
Notation potential_of k o := (ada_potential V n part m weight ridge (fun l j => sigma l j o) (fun l => w l o)
  (fun l i => dual l i o) F slope k).
Notation collected k o := (sum n (fun j => square_of k j o / sigma (S (S k)) j o ^ 2)).
Notation gradients k o := (/ 2 * weighing (fun j => / sigma (S k) j o) (slope (w (S k) o))).
Notation C := (cost ridge Lam growth s0 bound).

Lemma step_of k o : potential_of (S k) o <= potential_of k o - gradients k o + C * collected k o
  - ⟨diagonal V n part (fun j => / sigma (S k) j o) (slope (centre_of k o)),
     mean V m weight (fun i => grad (S k) i o) + ridge * w (S k) o - slope (w (S k) o)⟩.
Proof.
  destruct setting. exact (ada_step V n part split m weight ridge Lam growth s0 bound (fun l j => sigma l j o)
    (fun l i => bend l i o) (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o) (fun l i => dual l i o)
    F slope (adapts_run0 o) adapts_weights0 (fun k j => adapts_floor0 k j o) (fun k j => adapts_slowly0 k j o)
    (fun k i => adapts_operators0 k i o) adapts_smooth0 adapts_constants0 k).
Qed.

Lemma centre_known k o o' : same k o o' -> centre_of k o = centre_of k o' /\
  diagonal V n part (fun j => / sigma (S k) j o) (slope (centre_of k o))
  = diagonal V n part (fun j => / sigma (S k) j o') (slope (centre_of k o')).
Proof.
  intros Same. destruct (adapts_known setting k o o' Same) as [W [D Sg]].
  assert (Inv : forall x, diagonal V n part (fun j => / sigma (S k) j o) x = diagonal V n part (fun j => / sigma (S k) j o') x)
    by (intros; apply (diagonal_ext V n part); intros j J; now rewrite Sg).
  assert (E : centre_of k o = centre_of k o').
  { unfold centre, memory. rewrite Inv, W. do 2 f_equal. f_equal. f_equal. apply mean_ext. exact D. }
  split; [exact E|]. now rewrite Inv, E.
Qed.

Theorem expected_step k : expect (fun o => potential_of (S k) o) <= expect (fun o => potential_of k o)
  - expect (fun o => gradients k o) + C * expect (fun o => collected k o).
Proof.
  assert (E := expect_le P _ _ (fun o => step_of k o)).
  rewrite !expect_minus, expect_add, expect_minus, (expect_scale P C) in E.
  rewrite (adapts_unbiased setting k) in E; [lra|]. intros o o' Same. apply (centre_known k o o' Same).
Qed.

Lemma floor_positive k j o : (j < n)%nat -> 0 < sigma (S k) j o.
Proof. intros J. assert (B := adapts_floor setting k j o J). destruct (adapts_constants setting) as [_ [Z _]]. lra. Qed.

Notation begin o := (centre_of 0 o).

(** The first potential costs the first point's distance only. *)
Lemma potential_first o : potential_of 0 o <= F (begin o) + Lam ^ 2 / (2 * s0) * ‖begin o - w 1%nat o‖².
Proof.
  unfold ada_potential. apply Rplus_le_compat_l. destruct (adapts_constants setting) as [PL [Z _]].
  assert (T := lipschitz _ _ _ _ (adapts_smooth setting) (begin o) (w 1%nat o)).
  set (t := (slope _ - slope _)%V) in *. set (d := (begin o - w 1%nat o)%V) in *.
  apply Rle_trans with (/ 2 * (/ s0 * ‖t‖²)).
  - apply Rmult_le_compat_l; [lra|]. rewrite <- (weighing_const V n part split). apply weighing_le. intros j J.
    apply Rinv_le_contravar; [lra|now apply (adapts_floor setting)].
  - replace (Lam ^ 2 / (2 * s0) * ‖d‖²) with (/ 2 * (/ s0 * (Lam * Lam * ‖d‖²))) by (field; lra).
    apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; [apply Rlt_le; now apply Rinv_0_lt_compat|exact T].
Qed.

(** What N steps leave of the first gap, and of what was collected. *)
Theorem adaptive_sum N : sum N (fun k => expect (fun o => gradients k o))
  <= expect (fun o => F (begin o) + Lam ^ 2 / (2 * s0) * ‖begin o - w 1%nat o‖²) - least
    + C * expect (fun o => sum N (fun k => collected k o)).
Proof.
  assert (T := telescope (fun k => expect (fun o => potential_of k o))
    (fun k => expect (fun o => gradients k o) + - C * expect (fun o => collected k o))
    (fun k => ltac:(assert (St := expected_step k); cbv beta; lra)) N).
  cbv beta in T. rewrite sum_add, sum_scale in T.
  assert (E : sum N (fun k => expect (fun o => collected k o)) = expect (fun o => sum N (fun k => collected k o))).
  { clear. induction N as [|N IH]; cbn [sum]; [now rewrite expect_const|]. now rewrite IH, expect_add. }
  rewrite E in T. assert (Low : least <= expect (fun o => potential_of N o)).
  { rewrite <- (expect_const P least). apply expect_le. intros o. unfold ada_potential.
    assert (B := adapts_least setting (centre_of N o)).
    set (t := (slope _ - slope _)%V). assert (0 <= weighing (fun j => / sigma (S N) j o) t); [|lra].
    unfold Diagonal.weighing. rewrite <- (Rmult_0_r (INR n)), <- sum_const. apply sum_le. intros j J.
    apply Rmult_le_pos; [apply Rlt_le, Rinv_0_lt_compat, (floor_positive N j o J)|apply inner_nonneg]. }
  assert (Start := expect_le P _ _ (fun o => potential_first o)). cbv beta in Start. lra.
Qed.
End Adaptive.
