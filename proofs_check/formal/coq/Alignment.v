(** How far the result of Newton-Schulz leans towards its argument, at every width (claim N6-newton-schulz-every-width):
    <X, O> >= theta(r) |X|_nuclear with theta(r) > 0 that falls like 1/sqrt r, and no faster or slower. *)

From PISA Require Export Quintic.

Notation five := (repeat 5 quintic).
Notation least_part := (6818 / 10000).
Notation most := (12024 / 10000).
Notation slope_at_0 := 452.

(** ** Five steps on one singular value in [0, 1] *)
Lemma five_range s : 0 <= s <= 1 -> 0 <= five s <= most.
Proof.
  intros S. assert (One : forall x, 0 <= x <= most -> 0 <= quintic x <= most)
    by (intros; split; [now apply quintic_positive|now apply not_above]).
  simpl. do 5 apply One. lra.
Qed.

(** What one step multiplies a small number by. *)
Lemma one_step x low high factor : 0 <= low -> low <= x <= high -> high <= 1 / 4 ->
  factor <= 34445 / 10000 - 47750 / 10000 * high ^ 2 + 20315 / 10000 * high ^ 4 ->
  0 <= factor -> factor * low <= quintic x <= 34445 / 10000 * high.
Proof.
  intros P X H K Q. set (h := high) in *. assert (Z : 0 <= x ^ 2 <= h ^ 2) by (split; [apply pow2_ge_0|nra]).
  assert (Small : h ^ 2 <= / 16) by nra.
  assert (E : quintic x = (34445 / 10000 - 47750 / 10000 * x ^ 2 + 20315 / 10000 * (x ^ 2) ^ 2) * x)
    by (unfold quintic; ring).
  replace (h ^ 4) with ((h ^ 2) ^ 2) in K by ring.
  set (z := x ^ 2) in *. set (y := h ^ 2) in *. clearbody z y.
  assert (F : factor <= 34445 / 10000 - 47750 / 10000 * z + 20315 / 10000 * z ^ 2 <= 34445 / 10000) by nra.
  rewrite E. set (f := _ + _ * z ^ 2) in *. clearbody f. split; [apply Rmult_le_compat; lra|].
  apply Rmult_le_compat; lra.
Qed.

Lemma five_small s : 0 <= s <= 1506 / 1000000 -> slope_at_0 * s <= five s.
Proof.
  intros S. change (slope_at_0 * s <= quintic (quintic (quintic (quintic (quintic s))))).
  assert (A1 := one_step s s (1506 / 1000000) (34444 / 10000) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)).
  set (x1 := quintic s) in *.
  assert (A2 := one_step x1 (34444 / 10000 * s) (5188 / 1000000) (34443 / 10000) ltac:(lra) ltac:(lra) ltac:(lra)
    ltac:(lra) ltac:(lra)).
  set (x2 := quintic x1) in *.
  assert (A3 := one_step x2 (34443 / 10000 * (34444 / 10000 * s)) (17871 / 1000000) (34429 / 10000) ltac:(lra)
    ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)).
  set (x3 := quintic x2) in *.
  assert (A4 := one_step x3 (34429 / 10000 * (34443 / 10000 * (34444 / 10000 * s))) (61557 / 1000000) (34264 / 10000)
    ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)).
  set (x4 := quintic x3) in *.
  assert (A5 := one_step x4 (34264 / 10000 * (34429 / 10000 * (34443 / 10000 * (34444 / 10000 * s))))
    (212034 / 1000000) (32339 / 10000) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)).
  lra.
Qed.

(** The slope at 0 is 3.4445^5 < 485. *)
Lemma five_below s : 0 <= s <= 1 -> five s <= 485 * s.
Proof.
  intros S. assert (One : forall x, 0 <= x <= most -> 0 <= quintic x <= most /\ quintic x <= 34445 / 10000 * x).
  { intros x X. split; [split; [now apply quintic_positive|now apply not_above]|].
    assert (E : quintic x = 34445 / 10000 * x - x * (x ^ 2 * (47750 / 10000 - 20315 / 10000 * x ^ 2)))
      by (unfold quintic; ring).
    assert (Z : 0 <= x ^ 2 <= 145 / 100) by nra. assert (0 <= x * (x ^ 2 * (47750 / 10000 - 20315 / 10000 * x ^ 2)));
      [|lra]. apply Rmult_le_pos; [lra|]. apply Rmult_le_pos; lra. }
  change (quintic (quintic (quintic (quintic (quintic s)))) <= 485 * s).
  destruct (One s ltac:(lra)) as [R1 B1]. destruct (One _ R1) as [R2 B2]. destruct (One _ R2) as [R3 B3].
  destruct (One _ R3) as [R4 B4]. destruct (One _ R4) as [_ B5]. lra.
Qed.

(** The quintic has no zero on (0, 1.2024]: no positive singular value is lost. *)
Lemma quintic_no_zero x : 0 < x <= most -> 0 < quintic x.
Proof.
  intros X. replace (quintic x) with (x * (34445 / 10000 - 47750 / 10000 * x ^ 2 + 20315 / 10000 * x ^ 4))
    by (unfold quintic; ring). apply Rmult_lt_0_compat; [lra|].
  assert (S := pow2_ge_0 (x ^ 2 - 47750 / 40630)).
  replace (34445 / 10000 - 47750 / 10000 * x ^ 2 + 20315 / 10000 * x ^ 4) with
    (20315 / 10000 * (x ^ 2 - 47750 / 40630) ^ 2 + (34445 / 10000 - 20315 / 10000 * (47750 / 40630) ^ 2)) by field. lra.
Qed.

Lemma five_positive s : 0 < s <= 1 -> 0 < five s.
Proof.
  intros S. assert (One : forall x, 0 < x <= most -> 0 < quintic x <= most)
    by (intros; split; [now apply quintic_no_zero|apply not_above; lra]).
  simpl. do 5 apply One. lra.
Qed.

(** ** One term of the sum: large values keep .6818 of themselves, small ones 452 times their square *)
Lemma one_value r theta s : 0 < r -> 0 <= theta <= least_part ->
  theta ^ 2 * r <= 4 * (least_part - theta) * (slope_at_0 - least_part) -> 0 <= s <= 1 ->
  theta * s + (least_part - theta) * (s ^ 2 - / r) <= s * five s.
Proof.
  intros R T D S. set (A := least_part - theta) in *. assert (P : 0 < / r) by now apply Rinv_0_lt_compat.
  assert (PA : 0 <= A) by (unfold A; lra). assert (PAr : 0 <= A * / r) by (apply Rmult_le_pos; lra).
  destruct (Rle_lt_dec s (1506 / 1000000)) as [Small|Large].
  - assert (F := five_small s ltac:(lra)). assert (F' := Rmult_le_compat_l s _ _ ltac:(lra) F).
    set (c := slope_at_0 - least_part) in *. assert (Pc : 0 < c) by (unfold c; lra).
    assert (Q : 0 <= c * s ^ 2 - theta * s + A * / r).
    { apply Rmult_le_reg_l with (4 * c); [lra|]. rewrite Rmult_0_r.
      replace (4 * c * (c * s ^ 2 - theta * s + A * / r)) with ((2 * c * s - theta) ^ 2 + (4 * A * c * / r - theta ^ 2))
        by ring.
      assert (Sq := pow2_ge_0 (2 * c * s - theta)).
      assert (D' := Rmult_le_compat_r (/ r) _ _ ltac:(lra) D). rewrite Rmult_assoc, Rinv_r, Rmult_1_r in D' by lra. lra. }
    assert (A * s ^ 2 <= least_part * s ^ 2) by (apply Rmult_le_compat_r; [apply pow2_ge_0|unfold A; lra]).
    unfold c in Q. lra.
  - assert (F := proj1 (newton_schulz_landing_interval s ltac:(lra))).
    assert (F' := Rmult_le_compat_l s _ _ ltac:(lra) F). assert (A * s ^ 2 <= A * s) by (apply Rmult_le_compat_l; nra).
    unfold A in *. lra.
Qed.

(** One square is at most the sum of all. *)
Lemma one_of_squares r (s : nat -> R) k : (k < r)%nat -> s k ^ 2 <= sum r (fun k => s k ^ 2).
Proof.
  induction r as [|r IH]; intros K; [lia|]. cbn [sum]. destruct (Nat.eq_dec k r) as [E|D].
  - rewrite E. assert (N : 0 <= sum r (fun k => s k ^ 2)); [|lra].
    rewrite <- (sum_zero r). apply sum_le; intros; apply pow2_ge_0.
  - assert (I := IH ltac:(lia)). assert (M := pow2_ge_0 (s r)). lra.
Qed.

(** theta_-(r) *)
Definition alignment (r : R) := 902 / r * (sqrt (1 + 151 / 100000 * r) - 1).

Lemma alignment_is_enough r : 0 < r -> 0 < alignment r <= least_part /\
  alignment r ^ 2 * r <= 4 * (least_part - alignment r) * (slope_at_0 - least_part).
Proof.
  intros R. unfold alignment. assert (E := sqrt_sqrt (1 + 151 / 100000 * r) ltac:(lra)).
  assert (P := sqrt_pos (1 + 151 / 100000 * r)). set (q := sqrt _) in *. clearbody q. assert (Q : 1 < q) by nra.
  set (t := 902 / r * (q - 1)). assert (Tr : t * r = 902 * (q - 1)) by (unfold t; field; lra).
  assert (Pt : 0 < t) by (unfold t; apply Rmult_lt_0_compat; [apply Rdiv_lt_0_compat; lra|lra]).
  assert (Root : t * (t * r + 1804) = 902 * 902 * (151 / 100000)).
  { rewrite Tr. apply Rmult_eq_reg_r with r; [|lra].
    replace (t * (902 * (q - 1) + 1804) * r) with (t * r * (902 * (q - 1) + 1804)) by ring. rewrite Tr.
    replace (902 * (q - 1) * (902 * (q - 1) + 1804)) with (902 * 902 * (q * q - 1)) by ring. rewrite E. ring. }
  clearbody t. assert (0 < t * r) by (apply Rmult_lt_0_compat; lra). assert (U : t <= least_part) by nra.
  split; [lra|]. nra.
Qed.

(** At every width r >= 1, for all singular values: the claim. *)
Theorem aligned_values r s : (1 <= r)%nat -> (forall k, (k < r)%nat -> 0 <= s k) ->
  let f := sqrt (sum r (fun k => s k ^ 2)) in 0 < f ->
  alignment (INR r) * sum r s <= sum r (fun k => s k * five (s k / f)) /\ 0 < sum r (fun k => s k * five (s k / f)).
Proof.
  intros Pr S f Pf. assert (R := lt_0_INR r ltac:(lia)). destruct (alignment_is_enough (INR r) R) as [T D].
  set (theta := alignment (INR r)) in *. clearbody theta.
  assert (Sq : 0 <= sum r (fun k => s k ^ 2)).
  { rewrite <- (sum_zero r). apply sum_le; intros; apply pow2_ge_0. }
  assert (F2 : f * f = sum r (fun k => s k ^ 2)) by now apply sqrt_sqrt.
  assert (Most : forall k, (k < r)%nat -> s k <= f).
  { intros k K. assert (One : s k ^ 2 <= f * f).
    { rewrite F2. exact (one_of_squares r s k K). }
    assert (B := S k K). nra. }
  assert (Unit : forall k, (k < r)%nat -> 0 <= s k / f <= 1).
  { intros k K. split; [apply quotient; auto|]. apply Rmult_le_reg_r with f; [easy|]. unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l by lra. rewrite Rmult_1_r, Rmult_1_l. auto. }
  assert (Sum : theta * sum r s <= sum r (fun k => s k * five (s k / f))).
  { assert (Z : sum r (fun k => theta * s k + (least_part - theta) * (/ f * s k ^ 2 + - (f / INR r)))
      = theta * sum r s).
    { rewrite sum_add, !sum_scale, sum_add, sum_scale, sum_const, <- F2. field. split; lra. }
    rewrite <- Z. apply sum_le. intros k K.
    assert (V := one_value (INR r) theta (s k / f) R ltac:(lra) D (Unit k K)).
    assert (V' := Rmult_le_compat_l f _ _ ltac:(lra) V).
    replace (f * (s k / f * five (s k / f))) with (s k * five (s k / f)) in V' by (field; lra).
    replace (f * (theta * (s k / f) + (least_part - theta) * ((s k / f) ^ 2 - / INR r))) with
      (theta * s k + (least_part - theta) * (/ f * s k ^ 2 + - (f / INR r))) in V' by (field; lra). exact V'. }
  split; [exact Sum|]. apply Rlt_le_trans with (theta * sum r s); [|exact Sum].
  apply Rmult_lt_0_compat; [lra|].
  apply Rlt_le_trans with (sum r (fun k => / f * s k ^ 2)).
  - rewrite sum_scale, <- F2, <- Rmult_assoc, Rinv_l by lra. lra.
  - apply sum_le. intros k K. assert (M := Most k K). assert (N := S k K). apply Rmult_le_reg_l with f; [easy|].
    rewrite <- Rmult_assoc, Rinv_r by lra. nra.
Qed.

(** ** Matrices: X = U diag(s) V^T with r = min(n, m) or fewer values *)
Definition pairing n m (X Y : matrix) := sum n (fun i => sum m (fun j => X i j * Y i j)).

Lemma pairing_values n m r X Y U s t V : orthonormal n r U -> orthonormal m r V -> same n m X (compose r U s V) ->
  same n m Y (compose r U t V) -> pairing n m X Y = sum r (fun k => s k * t k).
Proof.
  intros OU OV EX EY. unfold pairing.
  transitivity (sum n (fun i => sum r (fun k => s k * t k * (U i k * U i k)))).
  - apply sum_ext. intros i I. transitivity (compose r U (fun k => s k * t k) U i i); [|apply sum_ext; intros; ring].
    rewrite <- (compose_product r m U s V t U i i OV). unfold product. apply sum_ext. intros j J.
    rewrite EX, EY by easy. f_equal. apply compose_transpose.
  - rewrite sum_swap. apply sum_ext. intros k K. rewrite sum_scale, (OU k k K K). unfold delta.
    destruct (Nat.eq_dec k k); [ring|easy].
Qed.

(** N6-newton-schulz-every-width. The sum of s is the nuclear norm, and the result's singular values are five (s/f). *)
Theorem newton_schulz_every_width n m r X U s V : (1 <= r)%nat -> orthonormal n r U -> orthonormal m r V ->
  (forall k, (k < r)%nat -> 0 <= s k) -> same n m X (compose r U s V) -> 0 < frobenius n m X ->
  0 < alignment (INR r) /\
  alignment (INR r) * sum r s <= pairing n m X (newton_schulz n m X) /\ 0 < pairing n m X (newton_schulz n m X) /\
  exists t, same n m (newton_schulz n m X) (compose r U t V) /\ forall k, (k < r)%nat -> 0 <= t k <= most.
Proof.
  intros Pr OU OV S E Pf. rewrite (frobenius_values n m r X U s V OU OV E) in Pf.
  assert (N := newton_schulz_values n m r X U s V OU OV E). set (f := sqrt _) in *.
  rewrite (pairing_values n m r X _ U s (fun k => five (s k / f)) V OU OV E N).
  destruct (aligned_values r s Pr S Pf) as [A P]. fold f in A, P.
  split; [apply alignment_is_enough, lt_0_INR; lia|]. split; [exact A|split; [exact P|]].
  exists (fun k => five (s k / f)). split; [exact N|]. intros k K. apply five_range.
  assert (F2 : f * f = sum r (fun k => s k ^ 2)).
  { apply sqrt_sqrt. rewrite <- (sum_zero r). apply sum_le; intros; apply pow2_ge_0. }
  assert (One : s k ^ 2 <= f * f).
  { rewrite F2. exact (one_of_squares r s k K). }
  assert (B := S k K). split; [apply quotient; lra|]. apply Rmult_le_reg_r with f; [easy|]. unfold Rdiv.
  rewrite Rmult_assoc, Rinv_l by lra. nra.
Qed.

(** The decay is real: one large value and r small equal ones lean by less than 49/sqrt r. *)
Theorem no_better_alignment r : (1 <= r)%nat -> exists s, (forall k, 0 < s k) /\
  sum (S r) (fun k => s k ^ 2) = 1 /\ sum (S r) (fun k => s k * five (s k)) < 49 / sqrt (INR r) * sum (S r) s.
Proof.
  intros Pr. assert (R := lt_0_INR r ltac:(lia)). set (n := INR r) in *.
  assert (Sn := sqrt_sqrt n ltac:(lra)). assert (Pn := sqrt_lt_R0 n R). set (h := sqrt n) in *.
  set (small := / 20 / h). set (large := sqrt (399 / 400)).
  assert (L2 : large * large = 399 / 400) by (apply sqrt_sqrt; lra).
  assert (Pl : 0 < large) by (apply sqrt_lt_R0; lra). assert (Hi : 1 <= h).
  { assert (1 <= n) by (unfold n; replace 1 with (INR 1) by reflexivity; now apply le_INR). nra. }
  assert (Ps : 0 < small <= / 20).
  { unfold small. split; [positive|]. unfold Rdiv. rewrite <- (Rmult_1_r (/ 20)) at 2. apply Rmult_le_compat_l; [lra|].
    rewrite <- Rinv_1. apply Rinv_le_contravar; lra. }
  exists (fun k => match k with O => large | _ => small end). split; [intros [|k]; lra|].
  rewrite !sum_first, !sum_const. fold n. assert (N2 : n * small ^ 2 = / 400).
  { unfold small. rewrite <- Sn. field. lra. }
  split; [replace (large ^ 2) with (large * large) by ring; rewrite N2, L2; field|].
  assert (B0 := proj2 (five_range large ltac:(nra))). assert (B1 := five_below small ltac:(lra)).
  assert (C0 : large * five large <= 1 * most) by (apply Rmult_le_compat; try lra; [apply five_range|]; nra).
  assert (C1 : n * (small * five small) <= n * (small * (485 * small)))
    by (apply Rmult_le_compat_l; [lra|]; apply Rmult_le_compat_l; lra).
  assert (Z : 49 / h * (n * small) = 49 / 20) by (unfold small; rewrite <- Sn; field; lra).
  assert (0 < 49 / h * large) by positive. rewrite Rmult_plus_distr_l, Z. nra.
Qed.
Print Assumptions newton_schulz_every_width.
Print Assumptions no_better_alignment.
