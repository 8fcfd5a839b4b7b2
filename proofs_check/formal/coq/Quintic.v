(** The quintic of Newton-Schulz on singular values: its fixed points, all repelling, and where five steps land. *)

From PISA Require Export NewtonSchulz.

Definition quintic' (x : R) := 34445 / 10000 - 3 * (47750 / 10000) * x ^ 2 + 5 * (20315 / 10000) * x ^ 4.

Lemma quintic_derivative x : derivable_pt_lim quintic x (quintic' x).
Proof.
  unfold quintic, quintic'.
  replace (34445 / 10000 - 3 * (47750 / 10000) * x ^ 2 + 5 * (20315 / 10000) * x ^ 4) with
    (34445 / 10000 * 1 - 47750 / 10000 * (INR 3 * x ^ pred 3) + 20315 / 10000 * (INR 5 * x ^ pred 5))
    by (simpl; field).
  apply (derivable_pt_lim_plus (fun x => 34445 / 10000 * x - 47750 / 10000 * x ^ 3) (fun x => 20315 / 10000 * x ^ 5)).
  - apply (derivable_pt_lim_minus (fun x => 34445 / 10000 * x) (fun x => 47750 / 10000 * x ^ 3)).
    + apply (derivable_pt_lim_scal (fun x => x)), derivable_pt_lim_id.
    + apply (derivable_pt_lim_scal (fun x => x ^ 3)), derivable_pt_lim_pow.
  - apply (derivable_pt_lim_scal (fun x => x ^ 5)), derivable_pt_lim_pow.
Qed.

(** ** Fixed points *)
Theorem newton_schulz_fixed_points x : 0 < x ->
  (quintic x = x <-> x ^ 2 = (4775 - sqrt 2936618) / 4063 \/ x ^ 2 = (4775 + sqrt 2936618) / 4063) /\
  (quintic x = x -> derivable_pt_lim quintic x (quintic' x) /\ 1 < Rabs (quintic' x)) /\
  quintic 0 = 0 /\ 1 < quintic' 0 /\ quintic 1 <> 1.
Proof.
  intros P. assert (E := sqrt_sqrt 2936618 ltac:(lra)). assert (S := sqrt_pos 2936618). set (q := sqrt 2936618) in *.
  assert (Q : 1713 < q < 1714) by (split; nra). clearbody q.
  assert (F : quintic x = x <-> x ^ 2 = (4775 - q) / 4063 \/ x ^ 2 = (4775 + q) / 4063).
  { assert (Factor : quintic x - x = 20315 / 10000 * x * ((x ^ 2 - (4775 - q) / 4063) * (x ^ 2 - (4775 + q) / 4063))).
    { unfold quintic. replace (20315 / 10000 * x * _) with
        (20315 / 10000 * x * (x ^ 4 - 2 * 4775 / 4063 * x ^ 2 + (4775 * 4775 - q * q) / (4063 * 4063))) by field.
      rewrite E. field. }
    split.
    - intros H. rewrite H, Rminus_diag_eq in Factor by easy. symmetry in Factor.
      apply Rmult_integral in Factor. destruct Factor as [Z|Z]; [lra|].
      apply Rmult_integral in Z. destruct Z; [left|right]; lra.
    - intros [H|H]; rewrite H in Factor; lra. }
  split; [exact F|]. split; [|unfold quintic, quintic'; repeat split; lra].
  intros H. split; [apply quintic_derivative|]. unfold quintic'. replace (x ^ 4) with (x ^ 2 * x ^ 2) by ring.
  set (y := x ^ 2) in *. destruct (proj1 F H) as [Y|Y].
  - assert (B : 753 / 1000 <= y <= 754 / 1000) by lra. clearbody y.
    assert (M : 0 <= (y - 753 / 1000) * (754 / 1000 - y)) by (apply Rmult_le_pos; lra). rewrite Rabs_left; lra.
  - assert (B : 159 / 100 <= y <= 16 / 10) by lra. clearbody y.
    assert (M : 0 <= (y - 159 / 100) * (y - 159 / 100)) by (apply Rmult_le_pos; lra). rewrite Rabs_right; lra.
Qed.

(** ** Five steps take [.001506, 1] into [.6818, 1.2024] *)
Lemma around x y : quintic x = quintic y + quintic' y * (x - y) + (x - y) ^ 2 *
  (20315 / 10000 * (x ^ 3 + 2 * y * x ^ 2 + 3 * y ^ 2 * x + 4 * y ^ 3) - 47750 / 10000 * (x + 2 * y)).
Proof. unfold quintic, quintic'. field. Qed.

Notation low := (6818 / 10000).
Notation high := (12024 / 10000).

Lemma not_above x : 0 <= x <= high -> quintic x <= high.
Proof.
  intros X. rewrite (around x (554529 / 1000000)). set (t := _ - _ * (x + _)).
  assert (T : t <= 0) by (unfold t; nra). clearbody t. assert (S := pow2_ge_0 (x - 554529 / 1000000)).
  assert (M : (x - 554529 / 1000000) ^ 2 * t <= 0) by nra. unfold quintic, quintic'. lra.
Qed.

Lemma not_below x : 3 / 10 <= x <= high -> low <= quintic x.
Proof.
  intros X. rewrite (around x (1050136 / 1000000)). set (t := _ - _ * (x + _)).
  assert (T : 0 <= t) by (unfold t; nra). clearbody t. assert (S := pow2_ge_0 (x - 1050136 / 1000000)).
  assert (M : 0 <= (x - 1050136 / 1000000) ^ 2 * t) by nra. unfold quintic, quintic'. lra.
Qed.

Lemma rises t x : 0 <= t <= x -> x <= 3 / 10 -> quintic t <= quintic x.
Proof.
  intros T X. assert (E : quintic x - quintic t = (x - t) * (34445 / 10000 - 47750 / 10000 * (x * x + x * t + t * t)
    + 20315 / 10000 * (x * x * (x * x) + x * x * (x * t) + x * x * (t * t) + x * t * (t * t) + t * t * (t * t))))
    by (unfold quintic; field).
  assert (A : 0 <= x * x <= 9 / 100) by nra. assert (B : 0 <= x * t <= 9 / 100) by nra.
  assert (C : 0 <= t * t <= 9 / 100) by nra. assert (D : forall u v, 0 <= u -> 0 <= v -> 0 <= u * v) by (intros; nra).
  assert (D1 := D _ _ (proj1 A) (proj1 A)). assert (D2 := D _ _ (proj1 A) (proj1 B)).
  assert (D3 := D _ _ (proj1 A) (proj1 C)). assert (D4 := D _ _ (proj1 B) (proj1 C)).
  assert (D5 := D _ _ (proj1 C) (proj1 C)).
  enough (0 <= quintic x - quintic t) by lra. rewrite E. apply Rmult_le_pos; lra.
Qed.

Lemma stage t t' x : 0 <= t <= 3 / 10 -> t' <= low -> t' <= quintic t -> t <= x <= high -> t' <= quintic x <= high.
Proof.
  intros T T' Q X. split; [|apply not_above; lra]. destruct (Rle_lt_dec x (3 / 10)).
  - eapply Rle_trans; [exact Q|]. apply rises; lra.
  - eapply Rle_trans; [exact T'|]. apply not_below; lra.
Qed.

Theorem newton_schulz_landing_interval s : 1506 / 1000000 <= s <= 1 -> low <= repeat 5 quintic s <= high.
Proof.
  intros S.
  assert (S1 := stage (1506 / 1000000) (5184104 / 1000000000) s ltac:(lra) ltac:(lra) ltac:(unfold quintic; lra)
    ltac:(lra)).
  assert (S2 := stage (5184104 / 1000000000) (17855979 / 1000000000) _ ltac:(lra) ltac:(lra)
    ltac:(unfold quintic; lra) S1).
  assert (S3 := stage (17855979 / 1000000000) (61477737 / 1000000000) _ ltac:(lra) ltac:(lra)
    ltac:(unfold quintic; lra) S2).
  assert (S4 := stage (61477737 / 1000000000) (210652349 / 1000000000) _ ltac:(lra) ltac:(lra)
    ltac:(unfold quintic; lra) S3).
  exact (stage (210652349 / 1000000000) low _ ltac:(lra) ltac:(lra) ltac:(unfold quintic; lra) S4).
Qed.

(** Both ends are come to within 1e-3, from starts in [.001506, 1]. *)
Lemma quintic_positive x : 0 <= x <= high -> 0 <= quintic x.
Proof.
  intros X. destruct (Rle_lt_dec x (3 / 10)) as [S|L].
  - assert (R := rises 0 x ltac:(lra) S). unfold quintic in *. lra.
  - assert (B := not_below x ltac:(lra)). lra.
Qed.

Lemma near x y d : 0 <= x <= high -> 0 <= y <= high -> Rabs (x - y) <= d -> Rabs (quintic x - quintic y) <= 4 * d.
Proof.
  assert (Slope : forall c, 0 <= c <= high -> Rabs (quintic' c) <= 4).
  { intros c C. assert (Z : 0 <= c ^ 2 <= 14458 / 10000) by nra. unfold quintic'.
    replace (c ^ 4) with (c ^ 2 * c ^ 2) by ring. set (z := c ^ 2) in *. clearbody z. apply Rabs_le. nra. }
  assert (Ordered : forall x y, 0 <= x -> x < y -> y <= high -> Rabs (quintic y - quintic x) <= 4 * (y - x)).
  { intros a b A L B. destruct (MVT_cor2 quintic quintic' a b L (fun c _ => quintic_derivative c)) as [c [E C]].
    rewrite E, Rabs_mult, (Rabs_right (b - a)) by lra. apply Rmult_le_compat_r; [lra|]. apply Slope. lra. }
  intros X Y D. destruct (Rtotal_order x y) as [L|[->|L]].
  - assert (O := Ordered x y ltac:(lra) L ltac:(lra)). rewrite Rabs_minus_sym. rewrite Rabs_left in D; lra.
  - rewrite Rminus_diag_eq, Rabs_R0 in * by easy. lra.
  - assert (O := Ordered y x ltac:(lra) L ltac:(lra)). rewrite Rabs_right in D; lra.
Qed.

Lemma chase x y y' d : 0 <= x <= high -> 0 <= y <= high -> Rabs (x - y) <= d -> Rabs (quintic y - y') <= / 10 ^ 7 ->
  0 <= quintic x <= high /\ Rabs (quintic x - y') <= 4 * d + / 10 ^ 7.
Proof.
  intros X Y D E. split; [split; [now apply quintic_positive|now apply not_above]|].
  replace (quintic x - y') with ((quintic x - quintic y) + (quintic y - y')) by ring.
  eapply Rle_trans; [apply Rabs_triang|]. assert (N := near x y d X Y D). lra.
Qed.

Lemma close x y z d e : Rabs (x - y) <= d -> - e + d < y - z < e - d -> Rabs (x - z) < e.
Proof.
  intros D Z. assert (A := Rle_abs (x - y)). assert (A' := Rle_abs (- (x - y))). rewrite Rabs_Ropp in A'.
  apply Rabs_def1; lra.
Qed.

Ltac decimal := unfold quintic; apply Rabs_le; simpl; lra.

Theorem ends_attained : (exists s, 1506 / 1000000 <= s <= 1 /\ Rabs (repeat 5 quintic s - high) < 1 / 1000) /\
  exists s, 1506 / 1000000 <= s <= 1 /\ Rabs (repeat 5 quintic s - low) < 1 / 1000.
Proof.
  split.
  - exists (4111352 / 10 ^ 9). split; [simpl; lra|].
    destruct (chase (4111352 / 10 ^ 9) (4111352 / 10 ^ 9) (14161219 / 10 ^ 9) 0) as [X1 D1];
      [simpl; lra|simpl; lra|rewrite Rminus_diag_eq, Rabs_R0; lra|decimal|].
    destruct (chase _ (14161219 / 10 ^ 9) (48764759 / 10 ^ 9) _ X1 ltac:(simpl; lra) D1 ltac:(decimal)) as [X2 D2].
    destruct (chase _ (48764759 / 10 ^ 9) (167417048 / 10 ^ 9) _ X2 ltac:(simpl; lra) D2 ltac:(decimal)) as [X3 D3].
    destruct (chase _ (167417048 / 10 ^ 9) (554528791 / 10 ^ 9) _ X3 ltac:(simpl; lra) D3 ltac:(decimal)) as [X4 D4].
    destruct (chase _ (554528791 / 10 ^ 9) (12023686 / 10 ^ 7) _ X4 ltac:(simpl; lra) D4 ltac:(decimal)) as [X5 D5].
    refine (close _ _ _ _ _ D5 _). simpl. lra.
  - exists (9272655 / 10 ^ 9). split; [simpl; lra|].
    destruct (chase (9272655 / 10 ^ 9) (9272655 / 10 ^ 9) (31935853 / 10 ^ 9) 0) as [X1 D1];
      [simpl; lra|simpl; lra|rewrite Rminus_diag_eq, Rabs_R0; lra|decimal|].
    destruct (chase _ (31935853 / 10 ^ 9) (109847582 / 10 ^ 9) _ X1 ltac:(simpl; lra) D1 ltac:(decimal)) as [X2 D2].
    destruct (chase _ (109847582 / 10 ^ 9) (372073342 / 10 ^ 9) _ X2 ltac:(simpl; lra) D2 ltac:(decimal)) as [X3 D3].
    destruct (chase _ (372073342 / 10 ^ 9) (1050136079 / 10 ^ 9) _ X3 ltac:(simpl; lra) D3 ltac:(decimal)) as [X4 D4].
    destruct (chase _ (1050136079 / 10 ^ 9) (6818315 / 10 ^ 7) _ X4 ltac:(simpl; lra) D4 ltac:(decimal)) as [X5 D5].
    refine (close _ _ _ _ _ D5 _). simpl. lra.
Qed.
Print Assumptions newton_schulz_fixed_points.
Print Assumptions newton_schulz_landing_interval.
Print Assumptions ends_attained.
