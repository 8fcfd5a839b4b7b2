(** Rates that the cold start does not have: W-unequal-rho-cold-start-rate, refuted with the row's own parameters, and the
    gap of W-ridge-cold-start-rate. For every number of rounds, and the ridge: FirstGaps. *)

From PISA Require Export Algorithm.

(** ** Two clients b x + x^2/2 and -b x + x^2/2, sigma = 3, rho = (0, 2) *)
Definition slant (b : R) (i : nat) (x : line) : R := match i with O => (b * x + x * x / 2)%R | S _ => (- b * x + x * x
  / 2)%R end.
Definition slant_slope (b : R) (i : nat) (x : line) : line := match i with O => (x + b)%R | S _ => (x - b)%R end.
Definition resist (i : nat) (x : line) : line := match i with O => 0 | S _ => (2 * x)%R end.

Lemma slant_smooth b i : smooth 1 (slant b i) (slant_slope b i).
Proof.
  split; [|intros x y; destruct i; cbn in *; nra].
  apply (gradient_of_remainder line (/ 2)); [lra|]. intros x v. destruct i; cbn in *;
    replace (_ - _ - _) with (/ 2 * (v * v)) by field; rewrite Rabs_right; nra.
Qed.

Lemma slant_convex b i : convex (slant b i).
Proof.
  intros x y t T. assert (P : 0 <= t * (1 - t) * (x - y) ^ 2) by (apply Rmult_le_pos; [nra|apply pow2_ge_0]).
  destruct i; cbn in *; lra.
Qed.

Section Rounds.
Variables (b : R) (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis run : pisa line 2 (fun _ => 1/2) 0 (fun _ _ => 3) (fun _ => resist) (fun l i => slant_slope b i (w l)) w
  local dual.

Lemma two_numbers l x p q x' p' q' : w l = x -> dual (pred l) 0%nat = p -> dual (pred l) 1%nat = q -> (1 <= l)%nat ->
  p' = - (x + b) -> q' = q - 3/5 * (q + x - b) -> x' = x - (p + b + x) / 6 - (q - b + x) / 10 + (p' + q') / 6 ->
  dual l 0%nat = p' /\ dual l 1%nat = q' /\ w (S l) = x'.
Proof.
  intros X P Q L P' Q' X'. destruct l as [|l]; [lia|]. simpl in P, Q.
  assert (C := client _ _ _ _ _ _ _ _ _ _ run l 0%nat Nat.lt_0_2). assert (M := multiplier _ _ _ _ _ _ _ _ _ _ run l
    0%nat).
  assert (C' := client _ _ _ _ _ _ _ _ _ _ run l 1%nat (le_n 2)). assert (M' := multiplier _ _ _ _ _ _ _ _ _ _ run l
    1%nat).
  assert (Sv := server _ _ _ _ _ _ _ _ _ _ run (S l)). unfold rate, mean, deviation in *. rewrite X in *.
  cbn in C, C', M, M', Sv. rewrite P, Q in *. set (y := local (S l) 0%nat) in *. set (z := local (S l) 1%nat) in *.
  set (e := dual (S l) 0%nat) in *. set (f := dual (S l) 1%nat) in *. set (x2 := w (S (S l))) in *.
  clearbody y z e f x2. clear X P Q. cbn in *. repeat split; lra.
Qed.
End Rounds.

(** "With unequal rho_i and the cold start ten moves bring the smallest squared gradient below 1.9 L (F(w^0) - F* )." *)
Theorem W_unequal_rho_cold_start_refuted : ~ forall (F : nat -> line -> R) (G : nat -> line -> line) least (w : nat ->
  line)
  (local dual : nat -> nat -> line), (forall i, smooth 1 (F i) (G i) /\ convex (F i)) ->
  (forall x, least <= sum 2 (fun i => 1/2 * F i x)) ->
  pisa line 2 (fun _ => 1/2) 0 (fun _ _ => 3) (fun _ => resist) (fun l i => G i (w l)) w local dual ->
  (forall i, dual 0%nat i = 0) -> exists k, (k <= 10)%nat /\
  ‖mean line 2 (fun _ => 1/2) (fun i => G i (w (S k)))‖² <= 19/10 * (sum 2 (fun i => 1/2 * F i (w 0%nat)) - least).
Proof.
  intros Claim. assert (Run := run_exists line 2 (fun _ => 1/2) 0 (fun _ _ => 3) (fun _ => resist)
    (fun _ i y => match i with O => (/ 3 * y)%R | S _ => (/ 5 * y)%R end) (slant_slope 1000) 1 (fun _ => 0)
    ltac:(intros; unfold rate; simpl; lra) ltac:(intros l [|i] y; cbn in *; lra)).
  match type of Run with pisa _ _ _ _ _ _ _ ?w0 ?l0 ?d0 => destruct (ex_intro (fun w => w = w0) w0 eq_refl) as [w Ew];
    destruct (ex_intro (fun l => l = l0) l0 eq_refl) as [local El]; destruct (ex_intro (fun d => d = d0) d0 eq_refl)
      as [dual Ed] end.
  assert (W0 : w 0%nat = 1) by now rewrite Ew. assert (D0 : forall i, dual 0%nat i = 0) by (intros; now rewrite Ed).
  rewrite <- Ew, <- El, <- Ed in Run. clear Ew El Ed.
  destruct (Claim (slant 1000) (slant_slope 1000) 0 w local dual (fun i => conj (slant_smooth 1000 i) (slant_convex
    1000 i))
    ltac:(intros x; cbn in *; nra) Run D0) as [k [K Small]]. revert Small. apply Rlt_not_le.
  assert (W1 : w 1%nat = 1).
  { assert (Sv := server _ _ _ _ _ _ _ _ _ _ Run 0%nat). unfold rate, mean in Sv. cbn in Sv.
    rewrite !(start _ _ _ _ _ _ _ _ _ _ Run), !D0, W0 in Sv. cbn in *. lra. }
  assert (Step := two_numbers 1000 w local dual Run).
  destruct (Step 1%nat (1) (0) (0) (-1993/15) (-1001) (2997/5) W1 (D0 0%nat) (D0 1%nat) ltac:(lia) ltac:(lra)
    ltac:(lra) ltac:(lra)) as [P1 [Q1 W2]].
  destruct (Step 2%nat (-1993/15) (-1001) (2997/5) (-10909/225) (-13007/15) (22987/25) W2 P1 Q1 ltac:(lia) ltac:(lra)
    ltac:(lra) ltac:(lra)) as [P2 [Q2 W3]].
  destruct (Step 3%nat (-10909/225) (-13007/15) (22987/25) (-142042/3375) (-214091/225) (373831/375) W3 P2 Q2
    ltac:(lia) ltac:(lra) ltac:(lra) ltac:(lra)) as [P3 [Q3 W4]].
  destruct (Step 4%nat (-142042/3375) (-214091/225) (373831/375) (-1398121/50625) (-3232958/3375) (5760028/5625) W4 P3
    Q3 ltac:(lia) ltac:(lra) ltac:(lra) ltac:(lra)) as [P4 [Q4 W5]].
  destruct (Step 5%nat (-1398121/50625) (-3232958/3375) (5760028/5625) (-15721048/759375) (-49226879/50625)
    (86583289/84375) W5 P4 Q4 ltac:(lia) ltac:(lra) ltac:(lra) ltac:(lra)) as [P5 [Q5 W6]].
  destruct (Step 6%nat (-15721048/759375) (-49226879/50625) (86583289/84375) (-172414174/11390625) (-743653952/759375)
    (1294595782/1265625) W6 P5 Q5 ltac:(lia) ltac:(lra) ltac:(lra) ltac:(lra)) as [P6 [Q6 W7]].
  destruct (Step 7%nat (-172414174/11390625) (-743653952/759375) (1294595782/1265625) (-1926807037/170859375)
    (-11218210826/11390625) (19330613866/18984375) W7 P6 Q6 ltac:(lia) ltac:(lra) ltac:(lra) ltac:(lra)) as [P7 [Q7
      W8]].
  destruct (Step 8%nat (-1926807037/170859375) (-11218210826/11390625) (19330613866/18984375)
    (-21511255681/2562890625) (-168932567963/170859375) (288769865233/284765625) W8 P7 Q7 ltac:(lia) ltac:(lra)
      ltac:(lra) ltac:(lra)) as [P8 [Q8 W9]].
  destruct (Step 9%nat (-21511255681/2562890625) (-168932567963/170859375) (288769865233/284765625)
    (-240853134703/38443359375) (-2541379369319/2562890625) (4317021072079/4271484375) W9 P8 Q8 ltac:(lia) ltac:(lra)
      ltac:(lra) ltac:(lra)) as [P9 [Q9 W10]].
  destruct (Step 10%nat (-240853134703/38443359375) (-2541379369319/2562890625) (4317021072079/4271484375)
    (-2697559167814/576650390625) (-38202506240297/38443359375) (64586338942177/64072265625) W10 P9 Q9 ltac:(lia)
      ltac:(lra) ltac:(lra) ltac:(lra)) as [P10 [Q10 W11]].
  destruct (Step 11%nat (-2697559167814/576650390625) (-38202506240297/38443359375) (64586338942177/64072265625)
    (-30228236653357/8649755859375) (-573952831457186/576650390625) (966865983445876/961083984375) W11 P10 Q10
      ltac:(lia) ltac:(lra) ltac:(lra) ltac:(lra)) as [P11 [Q11 W12]].
  unfold mean. cbn -[Nat.leb]. rewrite W0.
  do 11 (destruct k as [|k]; [rewrite ?W1, ?W2, ?W3, ?W4, ?W5, ?W6, ?W7, ?W8, ?W9, ?W10, ?W11; lra|]). lia.
Qed.

(** ** (w - c)^2/2 with lambda = 1/2: F_lambda less its least value *)
Definition ridged c x := (x - c) ^ 2 / 2 + / 4 * x ^ 2 - c ^ 2 / 6.

(** The gap is that of a nonnegative function which vanishes at its minimiser. *)
Lemma ridged_gap c x : 0 <= ridged c x /\ ridged c (2/3 * c) = 0.
Proof. unfold ridged. split; [assert (Q := pow2_ge_0 (x - 2/3 * c)); nra|field]. Qed.
Print Assumptions W_unequal_rho_cold_start_refuted.
