(** N4: penalties made of the batches themselves, sigma_(k+1)^2 = sigma_k^2 + c_0 a_k by blocks, a_k the squares of what
    was drawn (AdaGrad-norm for one block). No constant of the problem is known to the method. *)

From PISA Require Export AdaptivePenalty PowerSums.

(** ** What the logarithm collects *)
(** c a_k/sigma_(k+1)^2 summed is at most the logarithm of how far sigma^2 came. *)
Lemma log_sum (sigma a : nat -> R) c N : (forall k, 0 < sigma k) -> 0 < c ->
  (forall k, sigma (S k) ^ 2 = sigma k ^ 2 + c * a k) ->
  c * sum N (fun k => a k / sigma (S k) ^ 2) <= ln (sigma N ^ 2 / sigma 0%nat ^ 2).
Proof.
  intros P C Rule. assert (Sq : forall k, 0 < sigma k ^ 2) by (intros; now apply pow_lt).
  induction N as [|N IH].
  - cbn [sum]. unfold Rdiv. rewrite Rinv_r by (specialize (Sq 0%nat); lra). rewrite ln_1. lra.
  - cbn [sum]. set (x := sigma N ^ 2) in *. set (y := sigma (S N) ^ 2) in *. assert (X := Sq N). assert (Y := Sq (S N)).
    fold x in X. fold y in Y. assert (Z := Sq 0%nat). set (z := sigma 0%nat ^ 2) in *.
    replace (y / z) with (x / z * / (x / y)) by (field; lra).
    rewrite ln_mult, ln_Rinv by positive. assert (B := ln_below (x / y) ltac:(positive)).
    assert (E : c * (a N / y) = 1 - x / y) by (unfold x, y in *; rewrite Rule in *; field; lra). lra.
Qed.

(** ** The rule *)
Section AdaGrad.
Variables (P : probability) (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Variables (m : nat) (weight : nat -> R) (ridge Lam c0 A s0 bound least : R) (first : nat -> R).
Variables (sigma : nat -> nat -> P -> R) (bend : nat -> nat -> P -> V -> V) (grad : nat -> nat -> P -> V).
Variables (w : nat -> P -> V) (local dual : nat -> nat -> P -> V) (F : V -> R) (slope : V -> V).
Variable same : nat -> P -> P -> Prop.

Notation square_of k j o := (square_of P V part m weight ridge grad w dual k j o).
(** The method of AdaptivePenalty.v with this rule, where the squares are bounded by A^2. *)
Record adagrad : Prop := {
  ada_run : forall o, metric_rounds V n part m weight ridge (fun l j => sigma l j o) (fun l i => bend l i o)
    (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o) (fun l i => dual l i o);
  ada_weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1;
  ada_positive : forall k j o, (j < n)%nat -> 0 < sigma (S k) j o;
  ada_first : forall j o, (j < n)%nat -> sigma 1 j o = first j /\ s0 <= first j;
  ada_rule : forall k j o, (j < n)%nat -> sigma (S (S k)) j o ^ 2 = sigma (S k) j o ^ 2 + c0 * square_of k j o;
  ada_operators : forall k i o, (i < m)%nat -> blockwise n part (fun _ => bound) (bend (S k) i o);
  ada_bounded : forall k j o, (j < n)%nat -> square_of k j o <= A ^ 2;
  ada_smooth : smooth Lam F slope;
  ada_constants : 0 < Lam /\ 0 < c0 /\ 0 < s0 /\ 0 <= bound /\ 0 <= ridge;
  ada_least : forall x, least <= F x;
  ada_known : forall k o o', same k o o' -> w (S k) o = w (S k) o' /\
    (forall i, (i < m)%nat -> dual k i o = dual k i o') /\ forall j, (j < n)%nat -> sigma (S k) j o = sigma (S k) j o';
  ada_unbiased : forall k (x : P -> V), (forall o o', same k o o' -> x o = x o') -> expect (fun o =>
    ⟨x o, mean V m weight (fun i => grad (S k) i o) + ridge * w (S k) o - slope (w (S k) o)⟩) = 0
}.
Hypothesis setting : adagrad.

Notation weighing := (weighing V n part).
Notation begin o := (centre V n part m weight ridge (fun l j => sigma l j o) (fun l => w l o) (fun l i => dual l i o) 0).
Notation collected k o := (sum n (fun j => square_of k j o / sigma (S (S k)) j o ^ 2)).
Notation gradients k o := (/ 2 * weighing (fun j => / sigma (S k) j o) (slope (w (S k) o))).
Notation logs N o := (sum n (fun j => ln (sigma (S N) j o ^ 2 / first j ^ 2))).
Definition growth := 1 + c0 * A ^ 2 / s0 ^ 2.
Notation C := (cost ridge Lam growth s0 bound).

Lemma square_nonneg k j o : 0 <= square_of k j o.
Proof. apply AdaGradStep.square_nonneg, (ada_weights setting). Qed.

Lemma at_least_s0 k j o : (j < n)%nat -> s0 <= sigma (S k) j o.
Proof.
  intros J. induction k as [|k IH]; [destruct (ada_first setting j o J) as [-> B]; exact B|].
  assert (R := ada_rule setting k j o J). assert (N := square_nonneg k j o).
  assert (Pn := ada_positive setting (S k) j o J). destruct (ada_constants setting) as [_ [PC [Z _]]].
  assert (0 <= c0 * square_of k j o) by (apply Rmult_le_pos; lra). nra.
Qed.

Lemma slow_growth k j o : (j < n)%nat -> sigma (S (S k)) j o ^ 2 <= growth * sigma (S k) j o ^ 2.
Proof.
  intros J. rewrite (ada_rule setting k j o J). assert (B := ada_bounded setting k j o J).
  assert (S0 := at_least_s0 k j o J). destruct (ada_constants setting) as [_ [PC [Z _]]].
  unfold growth. set (s := sigma (S k) j o) in *. rewrite Rmult_plus_distr_r, Rmult_1_l. apply Rplus_le_compat_l.
  apply Rle_trans with (c0 * A ^ 2); [apply Rmult_le_compat_l; lra|].
  replace (c0 * A ^ 2 / s0 ^ 2 * s ^ 2) with (c0 * A ^ 2 * (s ^ 2 / s0 ^ 2)) by (field; lra).
  rewrite <- (Rmult_1_r (c0 * A ^ 2)) at 1. apply Rmult_le_compat_l; [assert (Q := pow2_ge_0 A); nra|].
  apply below_quotient; [apply pow_lt; lra|]. rewrite Rmult_1_r. apply pow_incr. lra.
Qed.

Lemma adagrad_adapts : adaptive P V n part m weight ridge Lam growth s0 bound least sigma bend grad w local dual F slope
  same.
Proof.
  destruct (ada_constants setting) as [PL [PC [Z [Hb Pr]]]].
  split; try apply setting; [exact at_least_s0|exact slow_growth|auto].
Qed.

Lemma cost_nonneg : 0 <= C.
Proof.
  destruct (ada_constants setting) as [PL [PC [Z [Hb Pr]]]]. unfold cost, growth. assert (Y := pow2_ge_0 A).
  assert (0 < s0 ^ 2) by (apply pow_lt; lra). assert (0 <= c0 * A ^ 2 / s0 ^ 2) by (apply quotient; [apply Rmult_le_pos|]; lra).
  assert (0 <= ridge ^ 2 / s0 ^ 2) by (apply quotient; [apply pow2_ge_0|assumption]).
  assert (0 <= Lam ^ 2 / s0) by (apply quotient; [apply pow2_ge_0|lra]).
  assert (0 <= (1 + c0 * A ^ 2 / s0 ^ 2) * bound ^ 2 / (2 * s0))
    by (apply quotient; [apply Rmult_le_pos; [lra|apply pow2_ge_0]|lra]).
  assert (0 <= Lam ^ 2 / s0 * (2 + ridge ^ 2 / s0 ^ 2)) by (apply Rmult_le_pos; lra).
  assert (0 <= (1 + c0 * A ^ 2 / s0 ^ 2) * Lam) by (apply Rmult_le_pos; lra). lra.
Qed.

(** c_0 times all that was collected is the logarithm of the growth of sigma^2, summed over the blocks. *)
Lemma collected_log N o : c0 * sum N (fun k => collected k o)
  <= sum n (fun j => ln (sigma (S N) j o ^ 2 / first j ^ 2)).
Proof.
  assert (Swap : sum N (fun k => collected k o) = sum n (fun j => sum N (fun k => square_of k j o / sigma (S (S k)) j o ^ 2))).
  { clear. induction N as [|N IH]; cbn [sum].
    - rewrite sum_const. ring.
    - now rewrite IH, <- sum_add. }
  rewrite Swap, <- sum_scale. apply sum_le. intros j J. destruct (ada_first setting j o J) as [E _]. rewrite <- E.
  assert (Pos : forall k, 0 < sigma (S k) j o) by (intros; now apply (ada_positive setting)).
  (* all penalties of block j, for the lemma on sequences *)
  exact (log_sum (fun k => sigma (S k) j o) (fun k => square_of k j o) c0 N Pos
    (proj1 (proj2 (ada_constants setting))) (fun k => ada_rule setting k j o J)).
Qed.

(** N4 (a): what N steps leave of the first gap, and a logarithm. *)
Theorem N4_gradients N : sum N (fun k => expect (fun o => gradients k o))
  <= expect (fun o => F (begin o) + Lam ^ 2 / (2 * s0) * ‖begin o - w 1%nat o‖²) - least
    + C / c0 * expect (fun o => logs N o).
Proof.
  assert (T := adaptive_sum P V n part split m weight ridge Lam growth s0 bound least sigma bend grad w local dual F slope
    same adagrad_adapts N).
  destruct (ada_constants setting) as [_ [PC _]].
  assert (Log : expect (fun o => sum N (fun k => collected k o)) <= / c0 * expect (fun o => logs N o)).
  { rewrite <- expect_scale. apply expect_le. intros o. assert (L := collected_log N o).
    apply Rmult_le_reg_l with c0; [exact PC|]. rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra. exact L. }
  assert (CL := Rmult_le_compat_l _ _ _ cost_nonneg Log). unfold Rdiv at 2. rewrite (Rmult_assoc C). lra.
Qed.

(** sigma_N^2 <= s^2 + c_0 N A^2 *)
Lemma growth_most N j o : (j < n)%nat -> sigma (S N) j o ^ 2 <= first j ^ 2 + c0 * INR N * A ^ 2.
Proof.
  intros J. destruct (ada_constants setting) as [_ [PC _]].
  induction N as [|N IH]; [destruct (ada_first setting j o J) as [-> _]; simpl INR; lra|].
  rewrite (ada_rule setting N j o J), S_INR. assert (B := ada_bounded setting N j o J).
  assert (c0 * square_of N j o <= c0 * A ^ 2) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Notation most_logs N := (sum n (fun j => ln (1 + c0 * INR N * A ^ 2 / first j ^ 2))).
Definition gap_of N := 2 * (expect (fun o => F (begin o) + Lam ^ 2 / (2 * s0) * ‖begin o - w 1%nat o‖²) - least
  + C / c0 * most_logs N).

Lemma logs_most N o : logs N o <= most_logs N.
Proof.
  destruct (ada_constants setting) as [PL [PC [Z _]]]. apply sum_le. intros j J.
  destruct (ada_first setting j o J) as [_ B]. assert (Pf : 0 < first j ^ 2) by (apply pow_lt; lra).
  assert (Ps := pow_lt _ 2 (ada_positive setting N j o J)). assert (G := growth_most N j o J).
  assert (X : sigma (S N) j o ^ 2 / first j ^ 2 <= 1 + c0 * INR N * A ^ 2 / first j ^ 2).
  { apply Rmult_le_reg_r with (first j ^ 2); [lra|].
    replace ((1 + c0 * INR N * A ^ 2 / first j ^ 2) * first j ^ 2) with (first j ^ 2 + c0 * INR N * A ^ 2) by (field; lra).
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra. }
  destruct (Rle_lt_or_eq_dec _ _ X) as [L|E]; [left; apply ln_increasing; [positive|exact L]|rewrite E; lra].
Qed.

Lemma gap_bounds N : 2 * sum N (fun k => expect (fun o => gradients k o)) <= gap_of N.
Proof.
  destruct (ada_constants setting) as [PL [PC [Z _]]]. assert (Sum := N4_gradients N).
  assert (Logs : expect (fun o => logs N o) <= most_logs N)
    by (rewrite <- (expect_const P (most_logs N)); apply expect_le; intros; apply logs_most).
  assert (CL := Rmult_le_compat_l (C / c0) _ _ ltac:(apply quotient; [exact cost_nonneg|exact PC]) Logs).
  unfold gap_of. lra.
Qed.

(** N4 (a): the mean of E|G_k|^2 over N steps is of the order log N/sqrt N. *)
Theorem N4_rate N largest : (1 <= N)%nat -> (forall j, (j < n)%nat -> first j <= largest) ->
  / INR N * sum N (fun k => expect (fun o => ‖slope (w (S k) o)‖²))
    <= gap_of N * (sqrt (largest ^ 2 + c0 * INR N * A ^ 2) / INR N).
Proof.
  intros PN Most. assert (Pn := lt_0_INR N ltac:(lia)). destruct (ada_constants setting) as [PL [PC [Z _]]].
  set (M := sqrt (largest ^ 2 + c0 * INR N * A ^ 2)). assert (Q := pow2_ge_0 A).
  assert (PcN : 0 <= c0 * INR N * A ^ 2) by (apply Rmult_le_pos; [apply Rmult_le_pos; lra|lra]).
  assert (Sum := gap_bounds N).
  assert (Each : forall k, (k < N)%nat -> expect (fun o => ‖slope (w (S k) o)‖²) <= 2 * M * expect (fun o => gradients k o)).
  { intros k K. rewrite <- expect_scale. apply expect_le. intros o. set (g := slope (w (S k) o)).
    replace (2 * M * (/ 2 * weighing (fun j => / sigma (S k) j o) g)) with (M * weighing (fun j => / sigma (S k) j o) g)
      by field.
    rewrite <- weighing_scale, <- (weighing_one V n part split). apply weighing_le. intros j J.
    assert (Ps := ada_positive setting k j o J). apply Rmult_le_reg_r with (sigma (S k) j o); [exact Ps|].
    rewrite Rmult_assoc, Rinv_l, Rmult_1_r, Rmult_1_l by lra.
    rewrite <- (sqrt_pow2 (sigma (S k) j o)) by lra. apply sqrt_le_1_alt.
    assert (G := growth_most k j o J). destruct (ada_first setting j o J) as [_ B]. assert (L := Most j J).
    assert (first j ^ 2 <= largest ^ 2) by (apply pow_incr; lra).
    assert (I : INR k <= INR N) by (apply le_INR; lia).
    assert (c0 * INR k * A ^ 2 <= c0 * INR N * A ^ 2) by (apply Rmult_le_compat_r; [lra|apply Rmult_le_compat_l; lra]).
    lra. }
  assert (PM := sqrt_pos (largest ^ 2 + c0 * INR N * A ^ 2)). fold M in PM.
  assert (All : sum N (fun k => expect (fun o => ‖slope (w (S k) o)‖²)) <= 2 * M * sum N (fun k => expect (fun o => gradients k o))).
  { rewrite <- sum_scale. now apply sum_le. }
  replace (gap_of N * (M / INR N)) with (/ INR N * (gap_of N * M)) by (field; lra).
  apply Rmult_le_compat_l; [apply Rlt_le; now apply Rinv_0_lt_compat|]. eapply Rle_trans; [exact All|].
  assert (B := Rmult_le_compat_l M _ _ PM Sum). lra.
Qed.
End AdaGrad.
Print Assumptions N4_gradients.
Print Assumptions N4_rate.
