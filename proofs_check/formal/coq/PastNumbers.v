(** The numbers behind N5: the weight of the residuals in the potential, and that 4.7, 3.4 and 2.2 are enough. *)

From PISA Require Export Space.

(** The numbers: k = 1/kappa = L/low, g = E|G|^2 in the inverse metric, x = E|G|^2, S = E S_k. *)
Section Numbers.
Variables low beta k chi : R.
Hypothesis positive : 0 < low /\ 0 <= beta /\ 0 < k /\ 1 <= chi.
Hypothesis far : 400 * (chi * ((1 + beta) * (1 + 2 * beta))) * k ^ 2 <= 1.
Notation q := (beta / (1 + beta)).
Definition past_weight := 22 / 10 / low * (1 + 2 * beta) * (k ^ 2 + 6 / 10 * q ^ 2).
Definition past_noise v v_bar := / low * (k * v + (1 + 2 * beta) * (47 / 10 * k ^ 2 + 34 / 10 * q ^ 2) * v_bar).

Lemma numbers : 0 <= q <= 1 /\ 0 < k <= / 20 /\ chi * (1 + beta) * (1 + 2 * beta) * k ^ 2 <= / 400 /\
  (1 + beta) * (1 + 2 * beta) * k ^ 2 <= / 400 /\ k ^ 2 <= / 400.
Proof.
  destruct positive as [Pl [Pb [Pk Pc]]]. assert (K := pow2_ge_0 k). assert (One : 1 <= (1 + beta) * (1 + 2 * beta)) by nra.
  assert (A : (1 + beta) * (1 + 2 * beta) * k ^ 2 <= chi * ((1 + beta) * (1 + 2 * beta) * k ^ 2)).
  { rewrite <- (Rmult_1_l (_ * _ * k ^ 2)) at 1. apply Rmult_le_compat_r; [apply Rmult_le_pos; lra|lra]. }
  assert (B : 1 * k ^ 2 <= (1 + beta) * (1 + 2 * beta) * k ^ 2) by (apply Rmult_le_compat_r; lra).
  assert (Q : 0 <= q <= 1).
  { split; [apply quotient; lra|]. apply Rmult_le_reg_r with (1 + beta); [lra|]. unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l; lra. }
  repeat split; try lra; nra.
Qed.

Lemma past_together f f' g x S S' E N v v_bar M : 0 <= g -> 0 <= S -> 0 <= x -> x <= chi * low * g ->
  v <= v_bar -> 0 <= v -> M <= v -> N <= v_bar -> E = S + N -> 0 <= N ->
  f' <= f - (/ 2 - k - k ^ 2) * g + / low * (k ^ 2 * S + (/ 2 + k) * q ^ 2 * E + k * M) ->
  S' <= 2 * (1 + beta) / (1 + 2 * beta) * (q * S + N) + 2 * (1 + beta) * k ^ 2 * (18 * x + 6 * S + 12 * q ^ 2 * E + 12 * M) ->
  f' + past_weight * S' <= f + past_weight * S - / 4 * g + past_noise v v_bar.
Proof.
  intros Pg PS Px Xg Vv Pv MV NV EE PN Hf HS. destruct positive as [Pl [Pb [Pk Pc]]].
  destruct numbers as [Q [K [C1 [C2 K2]]]]. assert (Pk2 := pow2_ge_0 k). set (kk := k ^ 2) in *.
  assert (Q2 : 0 <= q ^ 2 <= 1) by (set (y := q) in *; nra).
  assert (Fr : 2 * (1 + beta) / (1 + 2 * beta) * q = 1 - / (1 + 2 * beta)) by (field; lra).
  assert (Fn : 2 * (1 + beta) / (1 + 2 * beta) <= 2).
  { apply Rmult_le_reg_r with (1 + 2 * beta); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
  set (qq := q ^ 2) in *. set (b := kk + 6 / 10 * qq). assert (Pbb : 0 <= b <= 6025 / 10000) by (unfold b; lra).
  assert (Il : 0 < / low) by (now apply Rinv_0_lt_compat).
  set (W := (1 + 2 * beta) * (22 / 10 * b)). assert (PW : 0 <= W) by (unfold W; apply Rmult_le_pos; lra).
  assert (Wt : past_weight = / low * W) by (unfold past_weight, W, b; fold qq kk; unfold Rdiv; ring).
  rewrite Wt. unfold past_noise. fold qq kk.
  (* the residuals' inequality times low * weight *)
  assert (HW := Rmult_le_compat_l W _ _ PW HS). fold kk qq in HW.
  set (n2 := 2 * (1 + beta) / (1 + 2 * beta)) in *.
  replace (W * (n2 * (q * S + N) + 2 * (1 + beta) * kk * (18 * x + 6 * S + 12 * qq * E + 12 * M))) with
    (W * (n2 * q) * S + W * n2 * N + (1 + beta) * (1 + 2 * beta) * kk * (44 / 10 * b) * (18 * x + 6 * S + 12 * qq * E + 12 * M))
    in HW by (unfold W; field; lra).
  rewrite Fr in HW. replace (W * (1 - / (1 + 2 * beta)) * S) with (W * S - 22 / 10 * b * S) in HW by (unfold W; field; lra).
  assert (Wn : W * n2 * N <= 2 * W * v_bar).
  { apply Rle_trans with (W * 2 * v_bar); [|lra]. apply Rmult_le_compat; [|exact PN| |exact NV].
    - apply Rmult_le_pos; [exact PW|]. unfold n2. apply quotient; lra.
    - apply Rmult_le_compat_l; lra. }
  set (z := (1 + beta) * (1 + 2 * beta) * kk) in *. assert (Pz : 0 <= z) by (unfold z; apply Rmult_le_pos; nra).
  assert (Zx : z * (44 / 10 * b) * (18 * x) <= 12 / 100 * (low * g)).
  { apply Rle_trans with (44 / 10 * b * 18 * (z * (chi * low * g))).
    - replace (z * (44 / 10 * b) * (18 * x)) with (44 / 10 * b * 18 * (z * x)) by ring.
      apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; lra.
    - replace (z * (chi * low * g)) with (chi * (1 + beta) * (1 + 2 * beta) * kk * (low * g)) by (unfold z; ring).
      assert (Plg : 0 <= low * g) by (apply Rmult_le_pos; lra).
      assert (Y := Rmult_le_compat_r _ _ _ Plg C1). set (y := chi * (1 + beta) * (1 + 2 * beta) * kk * (low * g)) in *.
      assert (44 / 10 * b * 18 * y <= 44 / 10 * (6025 / 10000) * 18 * (/ 400 * (low * g))).
      { apply Rmult_le_compat; try lra. unfold y. apply Rmult_le_pos; [|exact Plg].
        apply Rmult_le_pos; [apply Rmult_le_pos; [apply Rmult_le_pos|]|]; lra. } lra. }
  assert (Zb : 0 <= z * (44 / 10 * b) <= / 400 * (44 / 10 * b)).
  { split; [apply Rmult_le_pos; lra|apply Rmult_le_compat_r; lra]. }
  assert (PE : 0 <= E) by lra. assert (QE : qq * E <= E) by nra.
  assert (ZS : z * (44 / 10 * b) * (6 * S + 12 * qq * E + 12 * M) <= / 400 * (44 / 10 * b) * (18 * S + 24 * v_bar)).
  { apply Rle_trans with (z * (44 / 10 * b) * (18 * S + 24 * v_bar)).
    - apply Rmult_le_compat_l; lra.
    - apply Rmult_le_compat_r; lra. }
  assert (HF := Rmult_le_compat_l low _ _ ltac:(lra) Hf).
  replace (low * (f - (/ 2 - k - kk) * g + / low * (kk * S + (/ 2 + k) * qq * E + k * M))) with
    (low * f - (/ 2 - k - kk) * (low * g) + (kk * S + (/ 2 + k) * qq * E + k * M)) in HF by (field; lra).
  assert (KM : k * M <= k * v) by (apply Rmult_le_compat_l; lra).
  assert (Qe : (/ 2 + k) * qq * E <= 55 / 100 * (qq * S + qq * v_bar)).
  { apply Rle_trans with (55 / 100 * (qq * E)).
    - rewrite Rmult_assoc. apply Rmult_le_compat_r; [apply Rmult_le_pos|]; lra.
    - apply Rmult_le_compat_l; [lra|]. rewrite EE, Rmult_plus_distr_l. apply Rplus_le_compat_l, Rmult_le_compat_l; lra. }
  assert (KG : (k + kk) * (low * g) <= 525 / 10000 * (low * g))
    by (apply Rmult_le_compat_r; [apply Rmult_le_pos|]; lra).
  assert (Pvb : 0 <= v_bar) by lra.
  assert (WV : W * v_bar = (1 + 2 * beta) * (22 / 10 * (kk * v_bar + 6 / 10 * (qq * v_bar)))) by (unfold W, b; ring).
  assert (Bv : b * v_bar = kk * v_bar + 6 / 10 * (qq * v_bar)) by (unfold b; ring).
  assert (Bs : b * S = kk * S + 6 / 10 * (qq * S)) by (unfold b; ring).
  assert (P1 : 0 <= kk * v_bar) by (apply Rmult_le_pos; lra). assert (P2 : 0 <= qq * v_bar) by (apply Rmult_le_pos; lra).
  assert (P3 : 0 <= kk * S) by (apply Rmult_le_pos; lra). assert (P4 : 0 <= qq * S) by (apply Rmult_le_pos; lra).
  assert (P5 : 0 <= beta * (kk * v_bar)) by (apply Rmult_le_pos; lra).
  assert (P6 : 0 <= beta * (qq * v_bar)) by (apply Rmult_le_pos; lra).
  assert (P7 : 0 <= low * g) by (apply Rmult_le_pos; lra).
  apply Rmult_le_reg_l with low; [lra|].
  replace (low * (f' + / low * W * S')) with (low * f' + W * S') by (field; lra).
  replace (low * (f + / low * W * S - / 4 * g + / low * (k * v + (1 + 2 * beta) * (47 / 10 * kk + 34 / 10 * qq) * v_bar)))
    with (low * f + W * S - / 4 * (low * g) + (k * v + (1 + 2 * beta) * (47 / 10 * kk + 34 / 10 * qq) * v_bar))
    by (field; lra).
  clearbody W b z n2 qq kk. lra.
Qed.
End Numbers.
