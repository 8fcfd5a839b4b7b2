(** W-fixed-ratio-vanishes: with gamma = 3/4 and sigma^0 = 2L the worst case of the smallest squared gradient does not
    fall below .19, in the mixed order below .18, however many moves: F = (4/15) x^2/2 from sqrt(15/2), where F(w^0) -
      F* = 1. *)

From PISA Require Export Runs.

Definition shallow (x : line) : R := (2/15 * (x * x))%R.
Definition shallow_slope (x : line) : line := (4/15 * x)%R.

Lemma shallow_smooth : smooth 1 shallow shallow_slope.
Proof.
  split; [|intros x y; unfold shallow_slope; cbn; assert (Q := pow2_ge_0 (x - y)); lra].
  apply (gradient_of_remainder line (/ 2)); [lra|]. intros x v. unfold shallow, shallow_slope. cbn in *.
  replace (_ - _ - _) with (2/15 * (v * v)) by field. rewrite Rabs_right; nra.
Qed.

Lemma shallow_convex : convex shallow.
Proof.
  intros x y t T. unfold shallow. cbn in *. assert (0 <= t * (1 - t) * (x - y) ^ 2) by (apply Rmult_le_pos; [nra|apply
    pow2_ge_0]).
  lra.
Qed.

Notation penalty := (fun (l _ : nat) => 2 / (3/4) ^ l).
Section Run.
Variables (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis run : pisa line 1 (fun _ => 1) 0 penalty (fun _ _ _ => 0%V) (fun l _ => shallow_slope (w l)) w local dual.
Hypothesis cold : dual 0%nat 0%nat = 0.
Hypothesis positive_start : 0 < w 0%nat.
Notation r l := (2/15 * (3/4) ^ l).

Lemma power l : 0 < (3/4) ^ l <= 1.
Proof. split; [apply pow_lt; lra|]. assert (P := pow_incr (3/4) 1 l ltac:(lra)). now rewrite pow1 in P. Qed.

Lemma moves : w 1%nat = w 0%nat /\ w 2%nat = 4/5 * w 0%nat /\
  forall l, w (S (S (S l))) = w (S (S l)) - r (S (S l)) * (2 * w (S (S l)) - w (S l)).
Proof.
  assert (D : forall l, dual (S l) 0%nat = - (4/15 * w (S l)) /\
    w (S (S l)) = w (S l) - (8/15 * w (S l) + dual l 0%nat) * (3/4) ^ S l / 2).
  { intros l. assert (C := client _ _ _ _ _ _ _ _ _ _ run l 0%nat Nat.lt_0_1). assert (M := multiplier _ _ _ _ _ _ _ _
    _ _ run l 0%nat).
    assert (Sv := server _ _ _ _ _ _ _ _ _ _ run (S l)). unfold rate, mean, deviation, shallow_slope in *.
    cbn -[pow] in C, M, Sv. assert (P := power (S l)). set (q := (3/4) ^ S l) in *.
    set (y := local (S l) 0%nat) in *. set (e := dual (S l) 0%nat) in *. set (x := w (S l)) in *. set (z := w (S (S
      l))) in *.
    set (p := dual l 0%nat) in *. clearbody q y e x z p. cbn in *.
    assert (E : e = - (4/15 * x)) by lra. split; [exact E|].
    assert (Y : 2 / q * (y + -1 * x) = - (p + 4/15 * x)) by lra.
    apply Rmult_eq_reg_l with (2 / q); [|apply Rgt_not_eq, Rdiv_lt_0_compat; lra].
    replace (2 / q * (x - (8/15 * x + p) * q / 2)) with (2 / q * x - (8/15 * x + p)) by (field; lra).
    rewrite E in Sv. lra. }
  assert (W1 : w 1%nat = w 0%nat).
  { assert (Sv := server _ _ _ _ _ _ _ _ _ _ run 0%nat). unfold rate, mean in Sv. cbn in Sv.
    rewrite !(start _ _ _ _ _ _ _ _ _ _ run), cold in Sv. cbn in *. lra. }
  split; [exact W1|split].
  - rewrite (proj2 (D 0%nat)), cold, W1. cbn. lra.
  - intros l. rewrite (proj2 (D (S l))), (proj1 (D l)). apply Rminus_diag_uniq. field.
Qed.

(** They fall, to half at most, and never below .597 of the start. *)
Lemma falls l : 0 < w (S (S l)) /\ / 2 * w (S l) <= w (S (S l)) <= w (S l).
Proof.
  destruct moves as [W1 [W2 Next]]. induction l as [|l [P [Half Down]]]; [rewrite W2, W1; lra|].
  rewrite Next. assert (Q := power (S (S l))). set (x := w (S (S l))) in *. set (y := w (S l)) in *. set (q := (3/4) ^
    S (S l)) in *.
  clearbody x y q. assert (0 <= q * (2 * x - y)) by (apply Rmult_le_pos; lra).
  assert (q * (2 * x - y) <= 1 * (2 * x - y)) by (apply Rmult_le_compat_r; lra). repeat split; lra.
Qed.

Lemma stays j : 597/1000 * w 0%nat <= w (S j).
Proof.
  destruct moves as [W1 [W2 Next]]. assert (W3 := Next 0%nat). assert (W4 := Next 1%nat). assert (W5 := Next 2%nat).
  rewrite W2, W1 in W3. rewrite W3, W2 in W4. rewrite W4, W3 in W5. cbn [pow] in W3, W4, W5.
  set (x := w 5%nat) in *. assert (Later : forall j, x * (1 - 8/15 * (3/4) ^ 5 + 8/15 * (3/4) ^ (5 + j)) <= w (5 +
    j)%nat <= x).
  { induction j0 as [|i [A B]]; [rewrite Nat.add_0_r; fold x; lra|]. rewrite Nat.add_succ_r. cbn [Nat.add] in *.
    assert (F := falls (3 + i)). cbn [Nat.add] in F. assert (E := Next (3 + i)%nat). cbn [Nat.add] in E.
    assert (Q := power (5 + i)). cbn [Nat.add] in Q. change ((3/4) ^ S (S (S (S (S (S i)))))) with (3/4 * (3/4) ^ S (S
      (S (S (S i))))).
    assert (Px : 0 < x) by (rewrite W5; lra).
    set (q := (3/4) ^ S (S (S (S (S i))))) in *. set (c := (3/4) ^ 5) in *. set (a := w (S (S (S (S (S i)))))) in *.
    set (b := w (S (S (S (S i))))) in *. set (d := w (S (S (S (S (S (S i))))))) in *. clearbody q c a b d x.
    assert (0 <= q * (2 * a - b)) by (apply Rmult_le_pos; lra). split; [|lra]. rewrite E. assert (q * (2 * a - b) <= q
      * x) by (apply Rmult_le_compat_l; lra). lra. }
  destruct j as [|[|[|[|j]]]]; [rewrite W1|rewrite W2|rewrite W3|rewrite W4|]; try lra.
  destruct (Later j) as [L _]. change (S (S (S (S (S j))))) with (5 + j)%nat. assert (Q := power (5 + j)).
  assert (Px : 0 < x) by (rewrite W5; lra). eapply Rle_trans; [|exact L].
  apply Rle_trans with (x * (1 - 8/15 * (3/4) ^ 5)).
  - rewrite W5. cbn [pow]. lra.
  - apply Rmult_le_compat_l; lra.
Qed.
End Run.

(** "The worst case of the smallest squared gradient falls below .19 for enough moves N." *)
Theorem W_fixed_ratio_refuted : ~ exists N, forall (F : line -> R) (G : line -> line) least (w : nat -> line)
  (local dual : nat -> nat -> line), smooth 1 F G -> convex F -> (forall x, least <= F x) ->
  pisa line 1 (fun _ => 1) 0 penalty (fun _ _ _ => 0%V) (fun l _ => G (w l)) w local dual ->
  dual 0%nat 0%nat = 0 -> F (w 0%nat) - least <= 1 -> exists k, (k <= N)%nat /\ G (w (S k)) ^ 2 < 19/100.
Proof.
  intros [N Claim]. assert (P : forall l, 0 < (3/4) ^ l) by (intros; apply pow_lt; lra).
  assert (Q : forall l, 0 < 2 / (3/4) ^ l) by (intros l; apply Rdiv_lt_0_compat; [lra|apply P]).
  assert (Run := run_exists line 1 (fun _ => 1) 0 penalty (fun _ _ _ => 0%V) (fun l _ y => / (2 / (3/4) ^ l) * y)%V
    (fun _ => shallow_slope) (sqrt (15/2)) (fun _ => 0)
    ltac:(intros l; specialize (Q l); unfold rate; cbn -[pow]; lra)
    ltac:(intros l i y; specialize (Q l); cbn -[pow]; rewrite <- Rmult_assoc, Rinv_r by lra; ring)).
  assert (Sq := sqrt_sqrt (15/2) ltac:(lra)). assert (Sp := sqrt_lt_R0 (15/2) ltac:(lra)).
  destruct (Claim shallow shallow_slope 0 _ _ _ shallow_smooth shallow_convex
    ltac:(intros x; unfold shallow; cbn in x; nra) Run eq_refl ltac:(unfold shallow; cbn; lra)) as [k [_ Small]].
  assert (St := stays _ _ _ Run eq_refl Sp k). cbv beta in St. set (x := fst (fst (state _ _ _ _ _ _ _ _ _ (S k)))) in
    *.
  change (fst (fst (state line 1 (fun _ => 1) 0 penalty (fun l _ y => / (2 / (3/4) ^ l) * y)%V (fun _ => shallow_slope)
    (sqrt (15/2)) (fun _ => 0) 0))) with (sqrt (15/2)) in St. clearbody x. unfold shallow_slope in Small. cbn in x, St.
  assert (H : (597/1000 * sqrt (15/2)) ^ 2 <= x ^ 2) by (apply pow_incr; lra). nra.
Qed.

(** ** The mixed order: the client's solve has the penalty that the server has just used *)
Section Mixed.
Variables (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis run : splitting line 1 (fun _ => 1) 0 penalty penalty (fun _ _ _ => 0%V) (fun l _ => shallow_slope (w l)) w
  local dual.
Hypothesis cold : dual 0%nat 0%nat = 0.
Hypothesis positive_start : 0 < w 0%nat.
Notation r l := (2/15 * (3/4) ^ l).

Lemma mixed_moves : w 1%nat = w 0%nat /\ w 2%nat = 23/30 * w 0%nat /\
  forall l, w (S (S (S l))) = w (S (S l)) - r (S l) * (w (S (S l)) - w (S l)) - r (S (S l)) * w (S (S l)).
Proof.
  assert (D : forall l, dual (S l) 0%nat = - (4/15 * w (S l)) /\
    w (S (S l)) = w (S l) - (4/15 * w (S l) + dual l 0%nat) * (3/4) ^ l / 2 - 4/15 * w (S l) * (3/4) ^ S l / 2).
  { intros l. assert (C := splits_client _ _ _ _ _ _ _ _ _ _ _ run l 0%nat Nat.lt_0_1).
    assert (M := splits_multiplier _ _ _ _ _ _ _ _ _ _ _ run l 0%nat).
    assert (Sv := splits_server _ _ _ _ _ _ _ _ _ _ _ run (S l)). unfold rate, mean, deviation, shallow_slope in *.
    cbn -[pow] in C, M, Sv. assert (P := power l). assert (P' := power (S l)). set (q := (3/4) ^ l) in *.
    set (q' := (3/4) ^ S l) in *.
    set (y := local (S l) 0%nat) in *. set (e := dual (S l) 0%nat) in *. set (x := w (S l)) in *. set (z := w (S (S
      l))) in *.
    set (p := dual l 0%nat) in *. clearbody q q' y e x z p. cbn in *.
    assert (E : e = - (4/15 * x)) by lra. split; [exact E|].
    assert (Y : y = x - (p + 4/15 * x) * q / 2).
    { apply Rmult_eq_reg_l with (2 / q); [|apply Rgt_not_eq, Rdiv_lt_0_compat; lra].
      replace (2 / q * (x - (p + 4/15 * x) * q / 2)) with (2 / q * x - (p + 4/15 * x)) by (field; lra). lra. }
    apply Rmult_eq_reg_l with (2 / q'); [|apply Rgt_not_eq, Rdiv_lt_0_compat; lra].
    replace (2 / q' * (x - (4/15 * x + p) * q / 2 - 4/15 * x * q' / 2))
      with (2 / q' * (x - (p + 4/15 * x) * q / 2) - 4/15 * x) by (field; lra).
    rewrite <- Y, E in *. lra. }
  assert (W1 : w 1%nat = w 0%nat).
  { assert (Sv := splits_server _ _ _ _ _ _ _ _ _ _ _ run 0%nat). unfold rate, mean in Sv. cbn in Sv.
    rewrite !(splits_start _ _ _ _ _ _ _ _ _ _ _ run), cold in Sv. cbn in *. lra. }
  split; [exact W1|split].
  - rewrite (proj2 (D 0%nat)), cold, W1. cbn. lra.
  - intros l. rewrite (proj2 (D (S l))), (proj1 (D l)). apply Rminus_diag_uniq. field.
Qed.

Lemma mixed_falls l : 0 < w (S (S l)) /\ 4/7 * w (S l) <= w (S (S l)) <= w (S l).
Proof.
  destruct mixed_moves as [W1 [W2 Next]]. induction l as [|l [P [Half Down]]]; [rewrite W2, W1; lra|].
  rewrite Next. assert (Q := power (S l)). change ((3/4) ^ S (S l)) with (3/4 * (3/4) ^ S l).
  set (x := w (S (S l))) in *. set (y := w (S l)) in *. set (q := (3/4) ^ S l) in *. clearbody x y q.
  assert (A : 0 <= q * (y - x)) by (apply Rmult_le_pos; lra).
  assert (B : q * (y - x) <= q * (3/4 * x)) by (apply Rmult_le_compat_l; lra).
  assert (C : q * x <= 1 * x) by (apply Rmult_le_compat_r; lra). assert (0 <= q * x) by (apply Rmult_le_pos; lra).
  repeat split; lra.
Qed.

Lemma mixed_stays j : 582/1000 * w 0%nat <= w (S j).
Proof.
  destruct mixed_moves as [W1 [W2 Next]]. assert (W3 := Next 0%nat). assert (W4 := Next 1%nat).
  assert (W5 := Next 2%nat).
  rewrite W2, W1 in W3. rewrite W3, W2 in W4. rewrite W4, W3 in W5. cbn [pow] in W3, W4, W5.
  set (x := w 5%nat) in *. assert (Px : 0 < x) by (rewrite W5; lra).
  assert (Later : forall j, x * (1 - 8/15 * (3/4) ^ 5 + 8/15 * (3/4) ^ (5 + j)) <= w (5 + j)%nat <= x).
  { induction j0 as [|i [A B]]; [rewrite Nat.add_0_r; fold x; lra|]. rewrite Nat.add_succ_r. cbn [Nat.add] in *.
    assert (F := mixed_falls (3 + i)). cbn [Nat.add] in F. assert (E := Next (3 + i)%nat). cbn [Nat.add] in E.
    assert (Q := power (5 + i)). cbn [Nat.add] in Q. assert (Q' := power (4 + i)). cbn [Nat.add] in Q'.
    change ((3/4) ^ S (S (S (S (S (S i)))))) with (3/4 * (3/4) ^ S (S (S (S (S i))))).
    set (q' := (3/4) ^ S (S (S (S i)))) in *.
    set (q := (3/4) ^ S (S (S (S (S i))))) in *. set (c := (3/4) ^ 5) in *. set (a := w (S (S (S (S (S i)))))) in *.
    set (b := w (S (S (S (S i))))) in *. set (d := w (S (S (S (S (S (S i))))))) in *.
    assert (Up : d <= a) by (apply (mixed_falls (4 + i))). clearbody q q' c a b d x.
    assert (0 <= q' * (b - a)) by (apply Rmult_le_pos; lra). assert (q * a <= q * x) by (apply Rmult_le_compat_l; lra).
    split; [rewrite E; lra|lra]. }
  destruct j as [|[|[|[|j]]]]; [rewrite W1|rewrite W2|rewrite W3|rewrite W4|]; try lra.
  destruct (Later j) as [L _]. change (S (S (S (S (S j))))) with (5 + j)%nat. assert (Q := power (5 + j)).
  eapply Rle_trans; [|exact L]. apply Rle_trans with (x * (1 - 8/15 * (3/4) ^ 5)).
  - rewrite W5. cbn [pow]. lra.
  - apply Rmult_le_compat_l; lra.
Qed.
End Mixed.

(** "In the mixed order the worst case of the smallest squared gradient falls below .18 for enough moves N." *)
Theorem W_fixed_ratio_mixed_refuted : ~ exists N, forall (F : line -> R) (G : line -> line) least (w : nat -> line)
  (local dual : nat -> nat -> line), smooth 1 F G -> convex F -> (forall x, least <= F x) ->
  splitting line 1 (fun _ => 1) 0 penalty penalty (fun _ _ _ => 0%V) (fun l _ => G (w l)) w local dual ->
  dual 0%nat 0%nat = 0 -> F (w 0%nat) - least <= 1 -> exists k, (k <= N)%nat /\ G (w (S k)) ^ 2 < 18/100.
Proof.
  intros [N Claim]. assert (P : forall l, 0 < (3/4) ^ l) by (intros; apply pow_lt; lra).
  assert (Q : forall l, 0 < 2 / (3/4) ^ l) by (intros l; apply Rdiv_lt_0_compat; [lra|apply P]).
  assert (Run := splitting_exists line 1 (fun _ => 1) 0 penalty penalty (fun _ _ _ => 0%V) (fun _ x _ => shallow_slope
    x)
    (fun l _ x pi => / (2 / (3/4) ^ l) * - (pi + shallow_slope x))%V (sqrt (15/2)) (fun _ => 0)
    ltac:(intros l; specialize (Q l); unfold rate; cbn -[pow]; lra)
    ltac:(intros l i x pi _; specialize (Q l); cbn -[pow]; rewrite <- Rmult_assoc, Rinv_r by lra; ring)).
  assert (Sq := sqrt_sqrt (15/2) ltac:(lra)). assert (Sp := sqrt_lt_R0 (15/2) ltac:(lra)).
  destruct (Claim shallow shallow_slope 0 _ _ _ shallow_smooth shallow_convex
    ltac:(intros x; unfold shallow; cbn in x; nra) Run eq_refl ltac:(unfold shallow; cbn; lra)) as [k [_ Small]].
  assert (St := mixed_stays _ _ _ Run eq_refl Sp k). cbv beta in St.
  match type of Small with shallow_slope ?y ^ 2 < _ => set (x := y) in * end.
  match type of St with _ * ?y <= _ => change y with (sqrt (15/2)) in St end. clearbody x.
  unfold shallow_slope in Small.
  cbn in x, St.
  assert (H : (582/1000 * sqrt (15/2)) ^ 2 <= x ^ 2) by (apply pow_incr; lra). nra.
Qed.
Print Assumptions W_fixed_ratio_refuted.
Print Assumptions W_fixed_ratio_mixed_refuted.
