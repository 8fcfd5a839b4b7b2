(** Growing penalties without preconditioner (claim T5-repaired-schedule): which schedules drive E|grad F(w_k)|^2 to 0.

    Probability: as in Stochastic.v, [V] is any space of random vectors with E<X, Y> as inner product. *)

From PISA Require Export Stochastic Series.

Section Repaired.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (penalty : nat -> nat -> R).
Variables (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Variables (F : V -> R) (G : V -> V) (v least : R) (past : nat -> V -> Prop).
Notation k_ := (kappa m weight penalty).
Hypothesis F_smooth : smooth 1 F G.
Hypothesis bounded : forall x, least <= F x.
Hypothesis samples : sampled G v past (fun k => w (S k)) (memory m weight dual) (fun k => mean V m weight (grad (S k))).
Hypothesis nondecreasing : forall k, 0 < k_ k <= k_ (S k).
Hypothesis large : 3 / 2 < k_ 0.
Hypothesis common : common_growth m penalty.
Hypothesis run : mixed m weight 0 penalty (fun _ _ _ => 0%V) grad w local dual.
Notation drop k := ((2 * k_ k - 3) / (2 * k_ k ^ 2)).
Notation square k := ‖G (w (S k))‖².

Lemma kappa_0_least k : k_ 0 <= k_ k.
Proof. induction k; [lra|]. assert (N := nondecreasing k). lra. Qed.

(** (1 - 3/(2 kappa_0)) / kappa_k <= c_k <= 1 / kappa_k *)
Lemma drop_bounds k : (1 - 3 / (2 * k_ 0)) * / k_ k <= drop k <= / k_ k.
Proof.
  assert (A := kappa_0_least k). set (K := k_ k) in *. set (K0 := k_ 0) in *. clearbody K K0.
  assert (I : / K <= / K0) by (apply Rinv_le_contravar; lra). assert (P : 0 < / K) by (apply Rinv_0_lt_compat; lra).
  replace ((2 * K - 3) / (2 * K ^ 2)) with (/ K - 3 / 2 * / K * / K) by fraction.
  replace (3 / (2 * K0)) with (3 / 2 * / K0) by fraction. nra.
Qed.

(** T5-repaired-schedule: averages with weights 1/kappa_k and with c_k, and the minimum, tend to 0.
    Over any space of random vectors with E<X, Y>, finite ones among them. *)
Theorem T5_repaired_schedule : diverges (fun k => / k_ k) -> summable (fun k => / k_ k ^ 2) ->
  vanishes (fun k => / k_ k) (fun k => square k) /\ vanishes (fun k => drop k) (fun k => square k).
Proof.
  intros D [T B]. assert (Pv := variance_nonneg _ _ _ _ _ _ _ _ _ samples).
  assert (P : forall k, 0 < / k_ k) by (intros k; apply Rinv_0_lt_compat, nondecreasing).
  assert (R : 0 < 1 - 3 / (2 * k_ 0)).
  { replace (1 - 3 / (2 * k_ 0)) with ((2 * k_ 0 - 3) / (2 * k_ 0)) by fraction. positive. }
  set (r := 1 - 3 / (2 * k_ 0)) in *.
  set (c := F (w 1%nat + / k_ 0 * memory m weight dual 0)%V + ‖memory m weight dual 0‖² / (2 * k_ 0 ^ 2) - least +
    v * T).
  assert (Sum : forall N, sum N (fun k => drop k * square k) <= c).
  { intros N. assert (S5 := T5_sum V m weight penalty grad w local dual F G v past F_smooth samples nondecreasing
      large N least
      bounded common run).
    rewrite (sum_ext N (fun k => v / k_ k ^ 2) (fun k => v * / k_ k ^ 2)), sum_scale in S5 by easy.
    assert (E := Rmult_le_compat_l _ _ _ Pv (B N)). unfold c. lra. }
  assert (Low : forall k, r * / k_ k <= drop k) by apply drop_bounds.
  split.
  - apply repaired with (/ r * c); auto using Rlt_le, inner_nonneg. intros N.
    apply Rle_trans with (/ r * sum N (fun k => drop k * square k)).
    + rewrite <- sum_scale. apply sum_le; intros k _. rewrite <- Rmult_assoc. apply Rmult_le_compat_r;
        [apply inner_nonneg|].
      apply Rmult_le_reg_l with r; [exact R|]. rewrite <- Rmult_assoc, Rinv_r by lra. specialize (Low k). lra.
    + apply Rmult_le_compat_l; [apply Rlt_le; positive|easy].
  - apply repaired with c; auto using inner_nonneg.
    + intros k. specialize (Low k). specialize (P k). nra.
    + apply (diverges_above (fun k => / k_ k) _ r R Low D).
Qed.
End Repaired.

(** kappa_k = kappa_0 (1 + k)^a with 1/2 < a <= 1 is such a schedule. *)
Theorem T5_powers kappa_0 a : 0 < kappa_0 -> / 2 < a <= 1 ->
  let kappa k := kappa_0 * Rpower (INR (S k)) a in
  diverges (fun k => / kappa k) /\ summable (fun k => / kappa k ^ 2) /\ forall k, 0 < kappa k <= kappa (S k).
Proof.
  intros P A kappa. assert (Q : forall k, 0 < Rpower (INR (S k)) a) by (intros; apply power_positive). split; [|split].
  - apply (diverges_above (fun k => / Rpower (INR (S k)) a) _ (/ kappa_0)); [positive| |apply power_diverges; lra].
    intros k. specialize (Q k). unfold kappa. rewrite Rinv_mult. lra.
  - apply (summable_below (fun k => / Rpower (INR (S k)) a ^ 2) _ (/ kappa_0 ^ 2)); [apply Rlt_le;
      positive| |apply power_summable; lra].
    intros k. specialize (Q k). unfold kappa. rewrite Rpow_mult_distr, Rinv_mult. lra.
  - intros k. split; [unfold kappa; specialize (Q k); positive|]. apply Rmult_le_compat_l; [lra|].
    apply Rle_Rpower_l; [lra|]. split; [apply lt_0_INR; lia|apply le_INR; lia].
Qed.

(** For kappa_k = kappa_0 / gamma^k the bound on the weighted average never falls below delta kappa_0 (1 - gamma),
    delta = V_0 - F*: it is empty, whatever the noise. *)
Theorem T5_geometric_empty kappa_0 gamma delta v N : 3 / 2 < kappa_0 -> 0 < gamma < 1 -> 0 <= delta -> 0
  <= v -> (0 < N)%nat ->
  let kappa k := kappa_0 / gamma ^ k in let drop k := (2 * kappa k - 3) / (2 * kappa k ^ 2) in
  0 < sum N drop /\ delta * kappa_0 * (1 - gamma) <= (delta + sum N (fun k => v / kappa k ^ 2)) / sum N drop.
Proof.
  intros P Gm D Pv Pn kappa drop.
  assert (G : forall k, 0 < gamma ^ k <= 1).
  { intros k. split; [apply pow_lt; lra|]. rewrite <- (pow1 k). apply pow_incr. lra. }
  assert (K : forall k, drop k = / kappa_0 * gamma ^ k - 3 / 2 * (/ kappa_0 * gamma ^ k) ^ 2).
  { intros k. unfold drop, kappa. specialize (G k). field. lra. }
  assert (I : 0 < / kappa_0 < 2 / 3).
  { split; [positive|]. replace (2 / 3) with (/ (3 / 2)) by lra. apply Rinv_lt_contravar; lra. }
  assert (B : forall k, 0 < drop k <= / kappa_0 * gamma ^ k).
  { intros k. rewrite K. specialize (G k). assert (0 < / kappa_0 * gamma ^ k < 2 / 3) by nra.
    set (x := / kappa_0 * gamma ^ k) in *. nra. }
  assert (Pos : 0 < sum N drop).
  { destruct N as [|N]; [lia|]. rewrite sum_first. assert (A := sum_nonneg N (fun k => drop (S k))
      (fun k _ => ltac:(apply Rlt_le, B))).
    specialize (B 0%nat). lra. }
  split; [exact Pos|]. apply below_quotient; [exact Pos|].
  assert (Top : sum N drop <= / kappa_0 * / (1 - gamma)).
  { apply Rle_trans with (sum N (fun k => / kappa_0 * gamma ^ k)); [apply sum_le; intros; apply B|].
    rewrite sum_scale. apply Rmult_le_compat_l; [lra|now apply geometric]. }
  assert (Noise : 0 <= sum N (fun k => v / kappa k ^ 2)).
  { apply sum_nonneg; intros k _. specialize (G k). unfold kappa. apply quotient; [easy|]. positive. }
  assert (E : / kappa_0 * / (1 - gamma) * (delta * kappa_0 * (1 - gamma)) = delta) by (field; lra).
  assert (F : 0 <= delta * kappa_0 * (1 - gamma)) by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra).
  assert (T := Rmult_le_compat_r _ _ _ F Top). lra.
Qed.
