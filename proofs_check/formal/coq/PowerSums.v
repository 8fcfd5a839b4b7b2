(** Sums along x_(k+1) = x_k + c a_k with sigma = x^theta: what is collected is bounded for theta > 1/2, and the steps
    1/sigma add up to no bound for theta <= 1 and bounded a (N4, c). *)

From PISA Require Export Series.

Lemma ln_below x : 0 < x -> ln x <= x - 1.
Proof.
  intros X. assert (E := exp_ineq1_le (x - 1)). rewrite <- (ln_exp (x - 1)).
  destruct (Rle_lt_or_eq_dec _ _ E) as [L|Q]; [left; apply ln_increasing; lra|right; f_equal; lra].
Qed.

(** The integral of t^(-1-e) from u to v is at least (v - u) v^(-1-e). *)
Lemma power_fall u v e : 0 < u <= v -> 0 < e -> (v - u) / Rpower v (1 + e) <= (Rpower u (- e) - Rpower v (- e)) / e.
Proof.
  intros U E. set (r := u / v). assert (R : 0 < r) by (unfold r; positive). assert (Uv : u = r * v) by (unfold r; field; lra).
  assert (Down : 1 + e * (1 - r) <= Rpower r (- e)).
  { unfold Rpower. assert (X := exp_ineq1_le (- e * ln r)). assert (L := ln_below r R). nra. }
  assert (Pv := power_positive v (- e)).
  rewrite Uv at 2. rewrite <- Rpower_mult_distr by lra.
  replace ((v - u) / Rpower v (1 + e)) with ((1 - r) * Rpower v (- e)).
  - apply below_quotient; [exact E|]. assert (D := Rmult_le_compat_r _ _ _ (Rlt_le _ _ Pv) Down). lra.
  - rewrite Rpower_plus, Rpower_1, Rpower_Ropp by lra. assert (Q := power_positive v e). rewrite Uv. field. lra.
Qed.

Lemma power_sum (x a : nat -> R) c theta N : 0 < c -> / 2 < theta -> 0 < x 0%nat -> (forall k, 0 <= a k) ->
  (forall k, x (S k) = x k + c * a k) ->
  sum N (fun k => a k / Rpower (x (S k)) theta ^ 2) <= Rpower (x 0%nat) (1 - 2 * theta) / (c * (2 * theta - 1)).
Proof.
  intros C T X A Rule. assert (Pos : forall k, 0 < x k).
  { intros k. induction k as [|k IH]; [exact X|]. rewrite Rule. assert (0 <= c * a k) by (apply Rmult_le_pos; [lra|auto]).
    lra. }
  set (e := 2 * theta - 1). assert (E : 0 < e) by (unfold e; lra). replace (1 - 2 * theta) with (- e) by (unfold e; ring).
  assert (Tele : c * sum N (fun k => a k / Rpower (x (S k)) theta ^ 2) <= (Rpower (x 0%nat) (- e) - Rpower (x N) (- e)) / e).
  { induction N as [|N IH]; [cbn [sum]; right; field; lra|]. cbn [sum].
    assert (Ax := A N). assert (Fall := power_fall (x N) (x (S N)) e
      ltac:(split; [auto|rewrite Rule; assert (0 <= c * a N) by (apply Rmult_le_pos; lra); lra]) E).
    replace (Rpower (x (S N)) (1 + e)) with (Rpower (x (S N)) theta ^ 2) in Fall
      by (replace (1 + e) with (theta + theta) by (unfold e; ring); rewrite Rpower_plus; ring).
    replace ((x (S N) - x N) / Rpower (x (S N)) theta ^ 2) with (c * (a N / Rpower (x (S N)) theta ^ 2)) in Fall
      by (rewrite (Rule N); unfold Rdiv; ring).
    unfold Rdiv in *. lra. }
  assert (Last := power_positive (x N) (- e)).
  apply Rmult_le_reg_l with c; [exact C|]. eapply Rle_trans; [exact Tele|].
  replace (c * (Rpower (x 0%nat) (- e) / (c * e))) with (Rpower (x 0%nat) (- e) / e) by (field; lra).
  apply Rmult_le_compat_r; [apply Rlt_le; now apply Rinv_0_lt_compat|lra].
Qed.

Lemma power_most x theta : 0 < x -> 0 < theta <= 1 -> Rpower x theta <= 1 + x.
Proof.
  intros X T. destruct (Rle_lt_dec 1 x) as [L|S].
  - assert (H := Rle_Rpower x theta 1 L ltac:(lra)). rewrite Rpower_1 in H by lra. lra.
  - assert (H := Rle_Rpower_l x 1 theta ltac:(lra) ltac:(lra)).
    replace (Rpower 1 theta) with 1 in H by (unfold Rpower; now rewrite ln_1, Rmult_0_r, exp_0). lra.
Qed.

(** 1/(u + v k) has no bounded sums. *)
Lemma harmonic_endless u v : 0 < u -> 0 <= v -> diverges (fun k => / (u + v * INR k)).
Proof.
  intros U W. apply (diverges_above (fun k => / INR (S k)) _ (/ (u + v))); [positive| |exact harmonic].
  intros k. assert (I := pos_INR k). rewrite S_INR, <- Rinv_mult. assert (0 <= v * INR k) by (apply Rmult_le_pos; lra).
  assert (0 <= u * INR k) by (apply Rmult_le_pos; lra). apply Rinv_le_contravar; lra.
Qed.
