(** The augmented Lagrangian does not fall in every round where one might think so (W-descent-... REFUTED), by exact
  runs
    of one client of the real line, L = 1, lambda = 0. *)

From PISA Require Export Lagrangian.
From PISA Require Threshold.

(** "In every round, from any state that follows a round": [class] restricts F, operators 0 <= rho Q <= share sigma. *)
Definition falls_from_any_state sigma share (class : (line -> R) -> Prop) := forall (F : line -> R) (G : line -> line)
  slow
  (w : nat -> line) (local dual : nat -> nat -> line),
  smooth 1 F G -> class F -> (exists least, forall x, least <= F x) -> (forall l, 0 <= slow l <= share * sigma) ->
  pisa line 1 (fun _ => 1) 0 (fun _ _ => sigma) (fun l _ x => slow l * x)%V (fun l _ => G (w l)) w local dual ->
  forall l, (1 <= l)%nat -> lagrangian line 1 (fun _ => 1) 0 (fun _ _ => sigma) (fun _ => F) w local dual (S l)
    <= lagrangian line 1 (fun _ => 1) 0 (fun _ _ => sigma) (fun _ => F) w local dual l.

Notation any := (fun _ => True).
Notation none := (fun _ : nat => 0).

(** A tent: F' = 24/25 - |x| between -24/25 and 1, and 0 outside, but for a tip below 0 at 1. *)
Definition tent_slope := slope_at 0 0 [(-24/25, 1/2); (0, -1); (1, 1); (26/25, -1/2)].
Definition tent := value_at 0 0 [(-24/25, 1/2); (0, -1); (1, 1); (26/25, -1/2)].
Lemma tent_smooth : smooth 1 tent tent_slope.
Proof. apply piecewise_smooth. intros x y H. unfold slope_at, knotted. cases_of_abs. Qed.

Lemma tent_least x : tent (-24/25) <= tent x.
Proof.
  unfold tent, value_at, parabola, knotted, hinge. rewrite (Rabs_right (-24/25 - -24/25)), !(Rabs_left (-24/25 - _))
    by lra.
  cbn in x. unfold Rabs. repeat (match goal with |- context [Rcase_abs ?a] => destruct (Rcase_abs a) end; try lra); nra.
Qed.

(** sigma = 1.6 L, above the stability edge. *)
Theorem W_descent_below_threshold_refuted : ~ falls_from_any_state (8/5) 0 any.
Proof.
  intros Claim. destruct (line_run_exists (8/5) none tent_slope (8/5) (-64/25) ltac:(lra) ltac:(intros; lra))
    as [w [local [dual [Run [W0 D0]]]]].
  assert (Rise := Claim tent tent_slope none w local dual tent_smooth I (ex_intro _ _ tent_least) ltac:(intros; lra) Run
    1%nat ltac:(lia)).
  assert (W1 := first_point (8/5) none tent_slope w local dual ltac:(lra) Run).
  assert (Step := numbers (8/5) none tent_slope w local dual ltac:(lra) ltac:(intros; lra) Run).
  destruct (Step 1%nat 0 (-64/25) (24/25) 1 ltac:(rewrite W1, W0, D0; cbn; lra) (D0 0%nat)
    ltac:(unfold tent_slope; evaluate; lra) ltac:(lia) ltac:(lra)) as [L1 [D1 W2]].
  destruct (Step 2%nat (2/5) (-24/25) (14/25) (1/4) ltac:(rewrite W2; lra) ltac:(simpl; rewrite D1; lra)
    ltac:(unfold tent_slope; evaluate; lra) ltac:(lia) ltac:(lra)) as [L2 [D2 _]].
  unfold lagrangian, deviation in Rise. cbn -[tent] in Rise. rewrite L1, D1, L2, D2, W2, W1, W0, D0 in Rise.
  revert Rise. unfold tent. evaluate. apply Rlt_not_le. lra.
Qed.

(** sigma = 1.7 L and gamma = 3/4 in the mixed order, above the edge too: one round from w = 0, w_i = 1, the server
  and the
    client's solve with sigma, the augmented Lagrangian after them with sigma/gamma. *)
Theorem W_descent_mixed_order_refuted : ~ forall (F : line -> R) (G : line -> line) (w x p w' x' p' : R),
  smooth 1 F G -> (exists least, forall y, least <= F y) -> p = - G w ->
  17/10 * w' = 17/10 * x + p -> 17/10 * (x' - w') = - (p + G w') -> p' = p + 17/10 * (x' - w') ->
  F x' + p' * (x' - w') + 17/10 / (3/4) / 2 * (x' - w') ^ 2 <= F x + p * (x - w) + 17/10 / 2 * (x - w) ^ 2.
Proof.
  intros Claim. assert (G0 : tent_slope 0%R = 24/25) by (unfold tent_slope; evaluate; lra).
  assert (G1 : tent_slope (37/85)%R = 223/425) by (unfold tent_slope; evaluate; lra).
  assert (Rise := Claim tent tent_slope 0 1 (-24/25) (37/85) (999/1445) (-223/425) tent_smooth (ex_intro _ _ tent_least)
    ltac:(rewrite G0; lra) ltac:(lra) ltac:(rewrite G1; lra) ltac:(lra)).
  revert Rise. unfold tent. evaluate. apply Rlt_not_le. lra.
Qed.

Lemma half_nonneg (x : line) : 0 <= Threshold.half x.
Proof. unfold Threshold.half. cbn in x. nra. Qed.

(** sigma = 1.45 L, convex F = x^2/2. *)
Theorem W_descent_convex_below_edge_refuted : ~ falls_from_any_state (29/20) 0 (fun F => @convex line F).
Proof.
  intros Claim.
  destruct (line_run_exists (29/20) none (fun x => x) (20/29) (9/20) ltac:(lra) ltac:(intros; lra))
    as [w [local [dual [Run [W0 D0]]]]].
  assert (Rise := Claim Threshold.half _ none w local dual Threshold.half_smooth Threshold.half_convex
    (ex_intro _ 0 half_nonneg) ltac:(intros; lra) Run 1%nat ltac:(lia)).
  assert (W1 := first_point (29/20) none (fun x => x) w local dual ltac:(lra) Run).
  assert (Step := numbers (29/20) none (fun x => x) w local dual ltac:(lra) ltac:(intros; lra) Run).
  destruct (Step 1%nat 1 (9/20) 1 (-1) ltac:(rewrite W1, W0, D0; cbn; lra) (D0 0%nat) eq_refl ltac:(lia) ltac:(lra))
    as [L1 [D1 W2]].
  destruct (Step 2%nat (-20/29) (-1) (-20/29) (980/841) ltac:(rewrite W2; lra) ltac:(simpl; rewrite D1; lra) eq_refl
    ltac:(lia) ltac:(lra)) as [L2 [D2 _]].
  unfold lagrangian, deviation, Threshold.half in Rise. cbn in Rise. rewrite L1, D1, L2, D2, W2, W1, W0, D0 in Rise.
    lra.
Qed.

(** sigma = 2 L, rho Q <= sigma/4, Q new in each round: the witness of V5. *)
Theorem W_descent_light_changing_q_refuted : ~ falls_from_any_state 2 (1/4) any.
Proof.
  intros Claim. assert (On : forall l, 0 <= once l <= 1/4 * 2) by (intros l; unfold once; destruct (l =? 2)%nat; lra).
  destruct (line_run_exists 2 once hook_slope 0 0 ltac:(lra) ltac:(apply On)) as [w [local [dual [Run [W0 D0]]]]].
  assert (Rise := Claim hook hook_slope once w local dual hook_smooth I (ex_intro _ _ hook_least) On Run 2%nat
    ltac:(lia)).
  assert (W1 := first_point 2 once hook_slope w local dual ltac:(lra) Run).
  assert (Step := numbers 2 once hook_slope w local dual ltac:(lra) ltac:(apply On) Run).
  destruct (Step 1%nat 0 0 1 (-1/2) ltac:(rewrite W1, W0, D0; cbn; lra) (D0 0%nat)
    ltac:(unfold hook_slope; evaluate; lra) ltac:(lia) ltac:(unfold once; simpl; lra)) as [L1 [D1 W2]].
  destruct (Step 2%nat (-1) (-1) (3/13) (4/13) ltac:(rewrite W2; lra) ltac:(simpl; rewrite D1; lra)
    ltac:(unfold hook_slope; evaluate; lra) ltac:(lia) ltac:(unfold once; simpl; lra)) as [L2 [D2 W3]].
  destruct (Step 3%nat (-23/26) (-5/13) (3/26) (7/52) ltac:(rewrite W3; lra) ltac:(simpl; rewrite D2; lra)
    ltac:(unfold hook_slope; evaluate; lra) ltac:(lia) ltac:(unfold once; simpl; lra)) as [L3 [D3 _]].
  unfold lagrangian, deviation in Rise. cbn -[hook] in Rise. rewrite L2, D2, L3, D3, W2, W3 in Rise.
  revert Rise. unfold hook. evaluate. apply Rlt_not_le. lra.
Qed.

(** sigma = 2 L, convex F, rho Q <= sigma/2: F = 0 will do. *)
Theorem W_descent_convex_changing_q_refuted : ~ falls_from_any_state 2 (1/2) (fun F => @convex line F).
Proof.
  intros Claim. set (first := fun l => if (l =? 1)%nat then 1 else 0).
  assert (On : forall l, 0 <= first l <= 1/2 * 2) by (intros l; unfold first; destruct (l =? 1)%nat; lra).
  destruct (line_run_exists 2 first (fun _ => 0) 3 (-6) ltac:(lra) ltac:(apply On)) as [w [local [dual [Run [W0 D0]]]]].
  assert (Flat : @smooth line 1 (fun _ => 0) (fun _ => 0)).
  { split; [|intros x y; cbn; assert (Q := pow2_ge_0 (x - y)); cbn in *; lra]. intros x v. cbn. rewrite Rmult_0_l.
    apply derivable_pt_lim_const. }
  assert (Rise := Claim (fun _ => 0) (fun _ => 0) first w local dual Flat ltac:(intros x y t T; cbv beta; rewrite
    !Rmult_0_r; lra)
    (ex_intro (fun b => line -> b <= 0) 0 (fun _ => Rle_refl 0)) On Run 1%nat ltac:(lia)).
  assert (W1 := first_point 2 first (fun _ => 0) w local dual ltac:(lra) Run).
  assert (Step := numbers 2 first (fun _ => 0) w local dual ltac:(lra) ltac:(apply On) Run).
  destruct (Step 1%nat 0 (-6) 0 2 ltac:(rewrite W1, W0, D0; cbn; lra) (D0 0%nat) eq_refl ltac:(lia)
    ltac:(unfold first; simpl; lra)) as [L1 [D1 W2]].
  destruct (Step 2%nat 1 (-2) 0 1 ltac:(rewrite W2; lra) ltac:(simpl; rewrite D1; lra) eq_refl ltac:(lia)
    ltac:(unfold first; simpl; lra)) as [L2 [D2 _]].
  unfold lagrangian, deviation in Rise. cbn in Rise. rewrite L1, D1, L2, D2, W2, W1, W0, D0 in Rise. lra.
Qed.

(** ** V5-heavy-preconditioner: F = (w - 1)^2/2, sigma = 2, rho Q = 2 sigma in every round: L rises in the seventh *)
Definition centred (x : line) : R := ((x - 1) * (x - 1) / 2)%R.
Definition centred_slope (x : line) : line := (x - 1)%R.

(** "The augmented Lagrangian falls in every round" for rho Q = 2 sigma and 20 sigma, on that F from 0. *)
Theorem V5_heavy_refuted : ~ forall rho (w : nat -> line) (local dual : nat -> nat -> line),
  rho = 2 * 2 \/ rho = 20 * 2 -> pisa line 1 (fun _ => 1) 0 (fun _ _ => 2) (fun _ _ x => rho * x)%V (fun l _ =>
    centred_slope (w l)) w local dual ->
  w 0%nat = 0 -> (forall i, dual 0%nat i = 0) -> forall l, (1 <= l)%nat ->
  lagrangian line 1 (fun _ => 1) 0 (fun _ _ => 2) (fun _ => centred) w local dual (S l)
    <= lagrangian line 1 (fun _ => 1) 0 (fun _ _ => 2) (fun _ => centred) w local dual l.
Proof.
  intros Claim. destruct (line_run_exists 2 (fun _ => 4) centred_slope 0 0 ltac:(lra) ltac:(intros; lra))
    as [w [local [dual [Run [W0 D0]]]]].
  assert (Rise := Claim 4 w local dual ltac:(left; lra) Run W0 D0 6%nat ltac:(lia)).
  assert (W1 := first_point 2 (fun _ => 4) centred_slope w local dual ltac:(lra) Run).
  assert (Step := numbers 2 (fun _ => 4) centred_slope w local dual ltac:(lra) ltac:(intros; lra) Run).
  destruct (Step 1%nat (0) (0) (-1) (1/6) ltac:(rewrite W1, W0, D0; cbn; lra) (D0 0%nat) ltac:(unfold centred_slope;
    lra) ltac:(lia) ltac:(lra)) as [L1 [D1 W2]].
  destruct (Step 2%nat (1/3) (1/3) (-2/3) (1/18) ltac:(rewrite W2; lra) ltac:(simpl; rewrite D1; lra) ltac:(unfold
    centred_slope; lra) ltac:(lia) ltac:(lra)) as [L2 [D2 W3]].
  destruct (Step 3%nat (11/18) (4/9) (-7/18) (-1/108) ltac:(rewrite W3; lra) ltac:(simpl; rewrite D2; lra)
    ltac:(unfold centred_slope; lra) ltac:(lia) ltac:(lra)) as [L3 [D3 W4]].
  destruct (Step 4%nat (22/27) (23/54) (-5/27) (-13/324) ltac:(rewrite W4; lra) ltac:(simpl; rewrite D3; lra)
    ltac:(unfold centred_slope; lra) ltac:(lia) ltac:(lra)) as [L4 [D4 W5]].
  destruct (Step 5%nat (307/324) (28/81) (-17/324) (-95/1944) ltac:(rewrite W5; lra) ltac:(simpl; rewrite D4; lra)
    ltac:(unfold centred_slope; lra) ltac:(lia) ltac:(lra)) as [L5 [D5 W6]].
  destruct (Step 6%nat (497/486) (241/972) (11/486) (-263/5832) ltac:(rewrite W6; lra) ltac:(simpl; rewrite D5; lra)
    ltac:(unfold centred_slope; lra) ltac:(lia) ltac:(lra)) as [L6 [D6 W7]].
  destruct (Step 7%nat (6161/5832) (115/729) (329/5832) (-1249/34992) ltac:(rewrite W7; lra) ltac:(simpl; rewrite D6;
    lra) ltac:(unfold centred_slope; lra) ltac:(lia) ltac:(lra)) as [L7 [D7 W8]].
  unfold lagrangian, deviation in Rise. cbn -[centred] in Rise. rewrite L6, D6, L7, D7, W7, W6 in Rise.
  revert Rise. unfold centred. apply Rlt_not_le. lra.
Qed.
(** ** V5-mini-batch-descent: least squares with the samples (x - 1)^2/2 and (x + 1)^2/2, sigma = 8, cold start *)
Definition sample (i : nat) (x : line) : R := match i with O => ((x - 1) * (x - 1) / 2)%R | S _ => ((x + 1) * (x + 1)
  / 2)%R end.
Definition sample_slope (i : nat) (x : line) : line := match i with O => (x - 1)%R | S _ => (x + 1)%R end.
Lemma sample_smooth i : smooth 1 (sample i) (sample_slope i).
Proof.
  split; [|intros x y; destruct i; cbn in *; nra].
  apply (gradient_of_remainder line (/ 2)); [lra|]. intros x v. destruct i; cbn in *;
    replace (_ - _ - _) with (/ 2 * (v * v)) by field; rewrite Rabs_right; nra.
Qed.

(** "With mini-batches and sigma = 8r the augmented Lagrangian falls in every round", whatever samples are drawn. *)
Theorem V5_mini_batch_refuted : ~ forall (drawn : nat -> nat) (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 1 (fun _ => 1) 0 (fun _ _ => 8) (fun _ _ _ => 0%V) (fun l _ => sample_slope (drawn l) (w l)) w local dual ->
  w 0%nat = 0 -> (forall i, dual 0%nat i = 0) -> forall l, (1 <= l)%nat ->
  let value l := lagrangian line 1 (fun _ => 1) 0 (fun _ _ => 8) (fun _ x => (sample 0 x + sample 1 x) / 2) w local
    dual l in
  value (S l) <= value l.
Proof.
  intros Claim. set (drawn := fun l => (l - 1)%nat).
  assert (Run : exists (w : nat -> line) (local dual : nat -> nat -> line),
    pisa line 1 (fun _ => 1) 0 (fun _ _ => 8) (fun _ _ _ => 0%V) (fun l _ => sample_slope (drawn l) (w l)) w local
      dual /\
    w 0%nat = 0 /\ forall i, dual 0%nat i = 0).
  { set (step := fix step l : R * R * R := match l with O => (0, 0, 0) | S l => let '(x, d, p) := step l in
      let x' := x + d + p / 8 in let d' := - (p + sample_slope (drawn (S l)) x') / 8 in (x', d', p + 8 * d') end).
    exists (fun l => fst (fst (step l))), (fun l _ => fst (fst (step l)) + snd (fst (step l))), (fun l _ => snd (step
      l)).
    split; [split|split; reflexivity].
    - intros i. cbn. ring.
    - intros l. unfold rate, mean. cbn [step]. destruct (step l) as [[y d] p]. cbn. field.
    - intros l i _. unfold deviation. cbn [step]. destruct (step l) as [[y d] p]. cbn -[drawn sample_slope]. field.
    - intros l i. unfold deviation. cbn [step]. destruct (step l) as [[y d] p]. cbn -[drawn sample_slope]. field. }
  destruct Run as [w [local [dual [Run [W0 D0]]]]].
  assert (Rise := Claim drawn w local dual Run W0 D0 1%nat (le_n 1)). cbv zeta in Rise.
  assert (S0 := server _ _ _ _ _ _ _ _ _ _ Run 0%nat). assert (S1 := server _ _ _ _ _ _ _ _ _ _ Run 1%nat).
  assert (C1 := client _ _ _ _ _ _ _ _ _ _ Run 0%nat 0%nat Nat.lt_0_1). assert (C2 := client _ _ _ _ _ _ _ _ _ _ Run
    1%nat 0%nat Nat.lt_0_1).
  assert (M1 := multiplier _ _ _ _ _ _ _ _ _ _ Run 0%nat 0%nat). assert (M2 := multiplier _ _ _ _ _ _ _ _ _ _ Run
    1%nat 0%nat).
  unfold rate, mean, deviation, drawn, lagrangian, deviation in *. cbn in S0, S1, C1, C2, M1, M2, Rise.
  rewrite !(start _ _ _ _ _ _ _ _ _ _ Run), D0, W0 in *. assert (W1 : w 1%nat = 0) by (cbn in *; lra).
  rewrite W1 in *. assert (L1 : local 1%nat 0%nat = 1/8) by (cbn in *; lra). rewrite L1 in *.
  assert (P1 : dual 1%nat 0%nat = 1) by (rewrite M1; cbn; lra). rewrite P1 in *.
  assert (W2 : w 2%nat = 1/4) by (cbn in *; lra). rewrite W2 in *.
  assert (L2 : local 2%nat 0%nat = -1/32) by (cbn in *; lra). rewrite L2 in *.
  assert (P2 : dual 2%nat 0%nat = -5/4) by (rewrite M2; cbn; lra). rewrite P2 in *. cbn in Rise. lra.
Qed.
Print Assumptions W_descent_below_threshold_refuted.
