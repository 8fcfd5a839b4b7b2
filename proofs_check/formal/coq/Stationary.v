(** The floor from below: F = c x^2/2 with exact noise (claims T5-floor-lower-bound, T5-floor-exact-at-2).

    The second moments of a run obey a linear recursion in any space of random vectors (first section); coins give
    finite probability spaces, one for each number of steps, where such runs of Algorithm 1 exist (second section). *)

From PISA Require Export Floors Probability.

(** E|F'(w)|^2 / v of the stationary law *)
Definition stationary c kappa := c * (3 * c + kappa) / ((c + kappa) * (2 * kappa - 3 * c)).

Section Moments.
Variable V : space.
Variables (c kappa v : R) (w before noise : nat -> V).
Hypothesis c_positive : 0 < c.
Hypothesis stable : 3 / 2 * c < kappa.
Hypothesis run : constant_run (fun x => c * x)%V v kappa w before noise.
Notation a k := ‖w k‖².
Notation b k := ⟨w k, before k⟩.
Notation d k := ‖before k‖².
Notation h := (/ kappa).

Lemma next_moments k : ‖noise k‖² = v ->
  a (S k) = (1 - 2 * h * c) ^ 2 * a k + 2 * (1 - 2 * h * c) * h * b k + h ^ 2 * d k + 4 * h ^ 2 * v /\
  b (S k) = (1 - 2 * h * c) * c * a k + h * c * b k - 2 * h * v /\ d (S k) = c ^ 2 * a k + v.
Proof.
  intros Exact. rewrite (next_place _ _ _ _ _ _ run), (next_before _ _ _ _ _ _ run).
  assert (P := clean_before _ _ _ _ _ _ run k). assert (G := clean_gradient _ _ _ _ _ _ run k). cbv beta in G.
  rewrite inner_scale in G. assert (W : ⟨w k, noise k⟩ = 0) by (apply Rmult_eq_reg_l with c; lra).
  set (x := w k) in *. set (p := before k) in *. set (e := noise k) in *. clearbody x p e. clear run G.
  cbv beta. autorewrite with inner. rewrite !(inner_sym _ p x), !(inner_sym _ e x), !(inner_sym _ e p), P, W, Exact.
  repeat split; ring.
Qed.

Notation scale_ := ((c + kappa) * (2 * kappa - 3 * c)).
Definition balance k := (c * kappa ^ 2 * (kappa - c) * a k + 2 * c * kappa * (kappa - 2 * c) * b k + c *
  (kappa - c) * d k) / scale_.
Definition energy k := c ^ 2 * a k + d k.
Definition size k := (2 * c * kappa ^ 2 * (kappa - c) * a k + 4 * c * kappa * (kappa - 2 * c) * b k
  + (2 * kappa ^ 2 + c * kappa - 5 * c ^ 2) * d k) / scale_.

Lemma scale_positive : 0 < scale_.
Proof. apply Rmult_lt_0_compat; lra. Qed.

(** Summing it, the gradients average to the stationary value up to what [balance] changes. *)
Lemma balance_step k : ‖noise k‖² = v -> balance (S k) = balance k - c ^ 2 * a k + stationary c kappa * v.
Proof.
  intros Exact. destruct (next_moments k Exact) as [A [B D]]. unfold balance, stationary. rewrite A, B, D.
  field. lra.
Qed.

Lemma size_step k : ‖noise k‖² = v ->
  size (S k) = size k - energy k + (3 * c ^ 2 + c * kappa + 2 * kappa ^ 2) / scale_ * v.
Proof.
  intros Exact. destruct (next_moments k Exact) as [A [B D]]. unfold size, energy. rewrite A, B, D. field. lra.
Qed.

Lemma moments_bound k : 2 * c * Rabs (b k) <= energy k.
Proof.
  unfold energy. assert (P := square 1 (c * w k + before k)%V ltac:(lra)).
  assert (Q := square 1 (c * w k - before k)%V ltac:(lra)).
  autorewrite with inner in P, Q. rewrite !(inner_sym _ (before k) (w k)) in P, Q.
  unfold Rabs. destruct (Rcase_abs _); lra.
Qed.

Lemma size_nonneg k : 0 <= size k.
Proof.
  assert (P := scale_positive).
  replace (size k) with ((2 * c * kappa ^ 2 * (kappa - c) / scale_) * ‖w k + ((kappa - 2 * c) /
    (kappa * (kappa - c))) * before k‖²
    + ((kappa ^ 2 + c ^ 2) / ((kappa - c) * (c + kappa))) * d k).
  - apply Rplus_le_le_0_compat; apply Rmult_le_pos; try apply inner_nonneg; apply quotient; try positive.
  - unfold size. autorewrite with inner. rewrite !(inner_sym _ (before k) (w k)). field. lra.
Qed.

(** [size] is at most this many energies, and so is [balance]. *)
Definition ratio := (2 * kappa ^ 2 * (kappa - c) / c + 2 * kappa * Rabs (kappa - 2 * c) + 2 * kappa ^ 2 + c * kappa
  + 5 * c ^ 2) / scale_ + 1.

Lemma cross k : Rabs (2 * c * kappa * (kappa - 2 * c) * b k) <= kappa * Rabs (kappa - 2 * c) * energy k.
Proof.
  rewrite !Rabs_mult, (Rabs_right 2), (Rabs_right c), (Rabs_right kappa) by lra. assert (M := moments_bound k).
  assert (Q : 0 <= kappa * Rabs (kappa - 2 * c)) by (apply Rmult_le_pos; [lra|apply Rabs_pos]).
  assert (E := Rmult_le_compat_l _ _ _ Q M). lra.
Qed.

Lemma within k : 1 <= ratio /\ 0 <= energy k /\ size k <= ratio * energy k /\ Rabs (balance k) <= ratio * energy k.
Proof.
  assert (P := scale_positive). assert (X := cross k). assert (A := inner_nonneg _ (w k)).
  assert (D := inner_nonneg _ (before k)).
  assert (R := Rabs_pos (kappa - 2 * c)). assert (Q : 0 <= 2 * kappa ^ 2 * (kappa - c) / c) by (apply quotient;
    [|lra]; apply Rmult_le_pos; nra).
  assert (E0 : 0 <= energy k) by (unfold energy; nra).
  assert (S : 0 <= kappa * Rabs (kappa - 2 * c)) by (apply Rmult_le_pos; lra).
  assert (Top : (2 * kappa ^ 2 * (kappa - c) / c + 2 * kappa * Rabs (kappa - 2 * c) + 2 * kappa ^ 2 + c * kappa + 5 *
    c ^ 2) * energy k
    <= ratio * energy k * scale_).
  { unfold ratio. match goal with |- ?t * _ <= _ => replace ((t / scale_ + 1) * energy k * scale_)
      with (t * energy k + energy k * scale_) by (field; lra) end.
    assert (0 <= energy k * scale_) by (apply Rmult_le_pos; lra). lra. }
  assert (Ea : 2 * kappa ^ 2 * (kappa - c) / c * (c ^ 2 * a k) <= 2 * kappa ^ 2 * (kappa - c) / c * energy k)
    by (apply Rmult_le_compat_l; [easy|unfold energy; lra]).
  replace (2 * kappa ^ 2 * (kappa - c) / c * (c ^ 2 * a k)) with (2 * c * kappa ^ 2 * (kappa - c) * a k) in Ea
    by (field; lra).
  assert (Ed : (2 * kappa ^ 2 + c * kappa + 5 * c ^ 2) * d k <= (2 * kappa ^ 2 + c * kappa + 5 * c ^ 2) * energy k)
    by (apply Rmult_le_compat_l; [nra|unfold energy; nra]).
  assert (Da : 0 <= c * kappa ^ 2 * (kappa - c) * a k) by (repeat apply Rmult_le_pos; try lra; nra).
  assert (Dd : 0 <= (kappa ^ 2 + c * kappa) * d k) by (apply Rmult_le_pos; nra).
  assert (Dc : 0 <= c ^ 2 * d k) by (apply Rmult_le_pos; nra). assert (Dk : 0 <= kappa ^ 2 * d k)
    by (apply Rmult_le_pos; nra).
  assert (Dm : 0 <= c * kappa * d k) by (apply Rmult_le_pos; nra).
  assert (Sx : 0 <= kappa * Rabs (kappa - 2 * c) * energy k) by (apply Rmult_le_pos; lra).
  assert (X1 := Rle_abs (2 * c * kappa * (kappa - 2 * c) * b k)).
  assert (X2 := Rle_abs (- (2 * c * kappa * (kappa - 2 * c) * b k))).
  rewrite Rabs_Ropp in X2. split; [|split; [exact E0|split]].
  - unfold ratio. assert (0 <= (2 * kappa ^ 2 * (kappa - c) / c + 2 * kappa * Rabs (kappa - 2 * c) + 2 * kappa ^ 2 +
      c * kappa + 5 * c ^ 2) / scale_);
      [apply quotient; [|lra]; assert (0 <= kappa ^ 2) by nra; assert (0 <= c * kappa) by nra; assert (0 <= c ^ 2)
        by nra; lra|lra].
  - apply Rmult_le_reg_r with scale_; [easy|]. unfold size, Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
  - apply Rabs_le. split; apply Rmult_le_reg_r with scale_; try easy; unfold balance, Rdiv;
      rewrite Rmult_assoc, Rinv_l by lra; lra.
Qed.

(** Noise of variance exactly v for n + 1 steps: the first N <= n gradients average to the stationary value
    up to a constant over N. *)
Notation growth := ((3 * c ^ 2 + c * kappa + 2 * kappa ^ 2) / scale_ * v).
Definition slack := 2 * ratio * (size 0 + (ratio + 1) * growth).

Theorem stationary_average n : 0 <= v -> (forall k, (k <= n)%nat -> ‖noise k‖² = v) -> forall N, (N <= n)%nat ->
  Rabs (sum N (fun k => ‖c * w k‖²) - INR N * (stationary c kappa * v)) <= slack.
Proof.
  intros Pv Exact. assert (P := scale_positive). destruct (within 0) as [M _].
  assert (Gr : 0 <= growth) by (apply Rmult_le_pos; [apply quotient; nra|lra]).
  assert (Top : forall k, (k <= S n)%nat -> size k <= size 0 + ratio * growth).
  { induction k as [|k IH]; intros K;
      [nra|]. rewrite (size_step k (Exact k ltac:(lia))). destruct (within k) as [_ [_ [B _]]].
    specialize (IH ltac:(lia)). assert (S0 := size_nonneg 0). apply Rmult_le_reg_l with ratio; [lra|]. nra. }
  assert (En : forall k, (k <= n)%nat -> energy k <= size 0 + (ratio + 1) * growth).
  { intros k K. assert (Sk := size_step k (Exact k K)). assert (S1 := size_nonneg (S k)). specialize
      (Top k ltac:(lia)). lra. }
  assert (Sum : forall N, (N <= n)%nat ->
    sum N (fun k => ‖c * w k‖²) - INR N * (stationary c kappa * v) = balance 0 - balance N).
  { induction N as [|N IH]; intros I; [simpl; ring|]. simpl sum. rewrite S_INR, (balance_step N (Exact N ltac:(lia))).
    specialize (IH ltac:(lia)). autorewrite with inner. lra. }
  intros N I. rewrite (Sum N I). destruct (within 0) as [_ [_ [_ B0]]]. destruct (within N) as [_ [_ [_ BN]]].
  assert (E0 := En 0%nat ltac:(lia)). assert (E1 := En N I). eapply Rle_trans; [apply Rabs_triang|].
  rewrite Rabs_Ropp. unfold slack.
  assert (R0 := Rmult_le_compat_l ratio _ _ ltac:(lra) E0). assert (R1 := Rmult_le_compat_l ratio _ _ ltac:(lra) E1).
  lra.
Qed.

(** The stationary second moments stay, and make every E|F'(w_k)|^2 the stationary value. *)
Definition at_rest k := a k = (3 * c + kappa) * v / (c * scale_) /\ b k = - 3 * kappa * v / scale_
  /\ d k = 2 * kappa ^ 2 * v / scale_.

Theorem rest_stays k : ‖noise k‖² = v -> at_rest k -> at_rest (S k).
Proof.
  intros Exact [A [B D]]. destruct (next_moments k Exact) as [A' [B' D']]. unfold at_rest.
  rewrite A', B', D', A, B, D. repeat split; field; lra.
Qed.

Theorem rest_gradient k : at_rest k -> ‖c * w k‖² = stationary c kappa * v.
Proof. intros [A _]. autorewrite with inner. rewrite A. unfold stationary. field. lra. Qed.
End Moments.
