(** Sums whose weights diverge, and the schedules for which they do (no probability in this file). *)

From PISA Require Export Space.

(** The partial sums pass every bound; they stay below one. *)
Definition diverges (a : nat -> R) := forall M, exists N, M < sum N a.
Definition summable (a : nat -> R) := exists S, forall N, sum N a <= S.

Lemma sum_nonneg n f : (forall k, (k < n)%nat -> 0 <= f k) -> 0 <= sum n f.
Proof. intros E. rewrite <- (Rmult_0_r (INR n)), <- sum_const. now apply sum_le. Qed.

Lemma sum_split n j f : sum (n + j) f = sum n f + sum j (fun i => f (n + i)%nat).
Proof. induction j; simpl; [rewrite Nat.add_0_r; ring|]. rewrite Nat.add_succ_r. simpl. rewrite IHj. ring. Qed.

Lemma sum_grows n N f : (forall k, 0 <= f k) -> (n <= N)%nat -> sum n f <= sum N f.
Proof.
  intros P I. replace N with (n + (N - n))%nat by lia. rewrite sum_split.
  assert (A := sum_nonneg (N - n) (fun i => f (n + i)%nat) (fun i _ => P _)). lra.
Qed.

Lemma diverges_above (a b : nat -> R) c : 0 < c -> (forall k, c * a k <= b k) -> diverges a -> diverges b.
Proof.
  intros P E D M. destruct (D (M / c)) as [N H]. exists N. apply Rlt_le_trans with (c * sum N a).
  - apply Rmult_lt_reg_l with (/ c); [positive|]. rewrite <- Rmult_assoc, Rinv_l by lra. unfold Rdiv in H. lra.
  - rewrite <- sum_scale. apply sum_le; auto.
Qed.

Lemma summable_below (a b : nat -> R) c : 0 <= c -> (forall k, b k <= c * a k) -> summable a -> summable b.
Proof.
  intros P E [S B]. exists (c * S). intros N. apply Rle_trans with (c * sum N a).
  - rewrite <- sum_scale. apply sum_le; auto.
  - apply Rmult_le_compat_l; auto.
Qed.

(** x >= 0 tends to 0 in weighted average, and so does its minimum. *)
Definition vanishes (a x : nat -> R) := forall eps, 0 < eps -> exists N0, forall N, (N0 <= N)%nat ->
  0 < sum N a /\ sum N (fun k => a k * x k) / sum N a <= eps /\ exists k, (k < N)%nat /\ x k <= eps.

Theorem repaired a x C : (forall k, 0 <= a k) -> (forall k, 0 <= x k) -> diverges a ->
  (forall N, sum N (fun k => a k * x k) <= C) -> vanishes a x.
Proof.
  intros A X D B eps E. assert (C0 : 0 <= C) by exact (B 0%nat).
  destruct (D (C / eps)) as [N0 H]. exists N0. intros N I. assert (G := sum_grows N0 N a A I).
  assert (Q : 0 <= C / eps) by sign. assert (Pa : 0 < sum N a) by lra.
  assert (Less : C < eps * sum N a).
  { apply Rmult_lt_reg_l with (/ eps); [positive|]. rewrite <- Rmult_assoc, Rinv_l by lra. unfold Rdiv in H. lra. }
  split; [exact Pa|]. split.
  - apply Rmult_le_reg_r with (sum N a); [exact Pa|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra.
    specialize (B N). lra.
  - destruct N as [|N]; [simpl in Pa; lra|]. destruct (smallest N x) as [k [K Min]]. exists k. split; [lia|].
    destruct (Rle_lt_dec (x k) eps) as [|L]; [easy|exfalso].
    assert (Sm : sum (S N) (fun k => eps * a k) <= sum (S N) (fun k => a k * x k)).
    { apply sum_le; intros j J. specialize (Min j ltac:(lia)). rewrite Rmult_comm. apply Rmult_le_compat_l;
        [auto|lra]. }
    rewrite sum_scale in Sm. specialize (B (S N)). lra.
Qed.

(** From some step on only. *)
Lemma diverges_later a n : (forall k, 0 <= a k) -> diverges a -> diverges (fun k => a (n + k)%nat).
Proof.
  intros A D M. destruct (D (M + sum n a)) as [N H]. destruct (Nat.le_gt_cases n N) as [I|I].
  - exists (N - n)%nat. replace N with (n + (N - n))%nat in H by lia. rewrite sum_split in H. lra.
  - exists 0%nat. simpl. assert (B := sum_grows N n a A ltac:(lia)). lra.
Qed.

Lemma summable_later a n : (forall k, 0 <= a k) -> summable a -> summable (fun k => a (n + k)%nat).
Proof.
  intros A [S B]. exists S. intros N. specialize (B (n + N)%nat). rewrite sum_split in B.
  assert (P := sum_nonneg n a (fun k _ => A k)). lra.
Qed.

(** ** Schedules *)
Lemma beyond M : exists n, M < INR n.
Proof.
  exists (Z.abs_nat (up M)). destruct (archimed M) as [A _]. rewrite INR_IZR_INZ, Zabs2Nat.id_abs, abs_IZR.
  assert (B := Rle_abs (IZR (up M))). lra.
Qed.

Lemma harmonic : diverges (fun k => / INR (S k)).
Proof.
  assert (D : forall n, INR n / 2 <= sum (2 ^ n) (fun k => / INR (S k))).
  { induction n as [|n IH]; [simpl; lra|]. replace (2 ^ S n)%nat with (2 ^ n + 2 ^ n)%nat by (simpl; lia).
    rewrite sum_split, S_INR. set (p := (2 ^ n)%nat) in *.
    assert (P : 0 < INR p) by (apply lt_0_INR; unfold p; apply Nat.neq_0_lt_0, Nat.pow_nonzero; lia).
    assert (H : sum p (fun _ => / (2 * INR p)) <= sum p (fun i => / INR (S (p + i)))).
    { apply sum_le; intros i I. apply Rinv_le_contravar; [apply lt_0_INR; lia|].
      replace (2 * INR p) with (INR (p + p)) by (rewrite plus_INR; ring). apply le_INR; lia. }
    rewrite sum_const in H. replace (INR p * / (2 * INR p)) with (/ 2) in H by (field; lra). lra. }
  intros M. destruct (beyond (2 * M)) as [n H]. exists (2 ^ n)%nat. specialize (D n). lra.
Qed.

(** (1 + k)^a with 1/2 < a <= 1 *)
Lemma power_positive x a : 0 < Rpower x a.
Proof. apply exp_pos. Qed.

Lemma power_diverges a : a <= 1 -> diverges (fun k => / Rpower (INR (S k)) a).
Proof.
  intros A. apply (diverges_above (fun k => / INR (S k)) _ 1 Rlt_0_1); [|exact harmonic]. intros k. rewrite Rmult_1_l.
  apply Rinv_le_contravar; [apply power_positive|]. assert (P : 1 <= INR (S k)) by (rewrite S_INR;
    assert (Q := pos_INR k); lra).
  destruct (Req_dec (INR (S k)) 1) as [E|N].
  - rewrite E. unfold Rpower. rewrite ln_1, Rmult_0_r, exp_0. lra.
  - rewrite <- (Rpower_1 (INR (S k))) at 2 by lra. apply Rle_Rpower; lra.
Qed.

Lemma power_step s x : 1 < s -> 0 < x ->
  / Rpower (x + 1) s <= / (s - 1) * (/ Rpower x (s - 1) - / Rpower (x + 1) (s - 1)).
Proof.
  intros S X. rewrite <- !Rpower_Ropp.
  destruct (MVT_cor2 (fun y => Rpower y (- (s - 1))) (fun y => - (s - 1) * Rpower y (- (s - 1) - 1)) x (x + 1)) as
    [c [E C]]; [lra| |].
  { intros c C. apply derivable_pt_lim_power. lra. }
  replace (Rpower x (- (s - 1)) - Rpower (x + 1) (- (s - 1))) with ((s - 1) * Rpower c (- s)).
  2: { replace (- (s - 1) - 1) with (- s) in E by ring. lra. }
  rewrite <- Rmult_assoc, Rinv_l, Rmult_1_l by lra. rewrite !Rpower_Ropp.
  apply Rinv_le_contravar; [apply power_positive|]. apply Rle_Rpower_l; lra.
Qed.

Lemma power_summable a : / 2 < a -> summable (fun k => / Rpower (INR (S k)) a ^ 2).
Proof.
  intros A. exists (1 + / (2 * a - 1)). intros N.
  assert (Sq : forall k, / Rpower (INR (S k)) a ^ 2 = / Rpower (INR (S k)) (2 * a)).
  { intros k. f_equal. replace (2 * a) with (a + a) by ring. rewrite Rpower_plus. ring. }
  rewrite (sum_ext N _ _ (fun k _ => Sq k)).
  assert (I : 0 < / (2 * a - 1)) by (apply Rinv_0_lt_compat; lra).
  destruct N as [|N]; [simpl; lra|]. rewrite sum_first.
  assert (One : Rpower (INR 1) (2 * a) = 1) by (unfold Rpower; simpl; rewrite ln_1, Rmult_0_r; apply exp_0).
  rewrite One, Rinv_1. apply Rplus_le_compat_l.
  assert (T := telescope (fun k => - (/ (2 * a - 1)) * (1 - / Rpower (INR (S k)) (2 * a - 1)))
    (fun k => / Rpower (INR (S (S k))) (2 * a))).
  assert (T' : forall n, sum n (fun k => / Rpower (INR (S (S k))) (2 * a)) <=
    - / (2 * a - 1) * (1 - / Rpower (INR 1) (2 * a - 1)) - - / (2 * a - 1) * (1 - / Rpower (INR (S n)) (2 * a - 1))).
  { apply T. intros k. assert (St := power_step (2 * a) (INR (S k)) ltac:(lra) ltac:(apply lt_0_INR; lia)).
    rewrite <- S_INR in St. lra. }
  specialize (T' N). assert (One' : Rpower (INR 1) (2 * a - 1) = 1) by (unfold Rpower; simpl;
    rewrite ln_1, Rmult_0_r; apply exp_0).
  rewrite One', Rinv_1 in T'. assert (Q : 0 < / Rpower (INR (S N)) (2 * a - 1))
    by (apply Rinv_0_lt_compat, power_positive).
  assert (0 < / (2 * a - 1) * / Rpower (INR (S N)) (2 * a - 1)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

(** gamma^k: its sums stay below 1 / (1 - gamma). *)
Lemma geometric gamma N : 0 < gamma < 1 -> sum N (fun k => gamma ^ k) <= / (1 - gamma).
Proof.
  intros G. assert (E : (1 - gamma) * sum N (fun k => gamma ^ k) = 1 - gamma ^ N) by (induction N; simpl; lra).
  assert (P := pow_lt gamma N ltac:(lra)). apply Rmult_le_reg_l with (1 - gamma); [lra|]. rewrite Rinv_r by lra. lra.
Qed.

(** ** Averages: limsup of (1/N) sum x_k is at most [level] *)
Definition average_at_most (x : nat -> R) level := forall eps, 0 < eps ->
  exists N0, forall N, (N0 <= N)%nat -> (0 < N)%nat -> sum N x / INR N <= level + eps.

Theorem floor_of (potential x : nat -> R) least c d : 0 < c ->
  (forall k, potential (S k) <= potential k - c * x k + d) -> (forall k, least <= potential k) -> average_at_most x
    (d / c).
Proof.
  intros P St B eps E. set (gap := potential 0%nat - least). destruct (beyond (gap / (c * eps))) as [N0 H].
  exists N0. intros N I N1. assert (Pn : 0 < INR N) by (apply lt_0_INR; lia).
  assert (T := telescope potential (fun k => c * x k + -1 * d) (fun k => ltac:(specialize (St k); lra)) N).
  rewrite sum_add, sum_scale, sum_const in T. specialize (B N). assert (Ge : INR N0 <= INR N) by now apply le_INR.
  assert (Gap : gap <= INR N * (c * eps)).
  { apply Rmult_le_reg_r with (/ (c * eps)); [positive|]. rewrite Rmult_assoc, Rinv_r by (apply Rgt_not_eq; positive).
    unfold Rdiv in H. lra. }
  apply Rmult_le_reg_r with (INR N); [exact Pn|]. unfold Rdiv at 1. rewrite Rmult_assoc, Rinv_l by lra.
  apply Rmult_le_reg_l with c; [exact P|].
  replace (c * ((d / c + eps) * INR N)) with (INR N * d + INR N * (c * eps)) by fraction. unfold gap in Gap. lra.
Qed.
