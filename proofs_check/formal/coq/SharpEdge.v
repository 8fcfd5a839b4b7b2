(** W-any-q-sharp-edge: at beta = 1 the potential falls for every kappa > 3/2, any operators, any clients; at 3/2 no
  such
    bound holds. The multipliers are functions of kappa; that the two forms they leave are nonnegative is decided by
    their leading minors, polynomials in kappa with nonnegative coefficients in the distances to an interval's ends. *)

From PISA Require Export SectorRound.
From PISA Require Threshold LinearRate.

(** Quadratic forms in three and four vectors whose leading minors are positive. *)
Section Minors.
Variables (V : space) (a b c d : V) (q11 q12 q13 q14 q22 q23 q24 q33 q34 q44 : R).
Definition form3 := q11 * ‖a‖² + q22 * ‖b‖² + q33 * ‖c‖² + 2 * (q12 * ⟨a, b⟩ + q13 * ⟨a, c⟩ + q23 * ⟨b, c⟩).
Definition form4 := form3 + q44 * ‖d‖² + 2 * (q14 * ⟨a, d⟩ + q24 * ⟨b, d⟩ + q34 * ⟨c, d⟩).
Definition minor2 := q11 * q22 - q12 * q12.
Definition minor3 := q33 * minor2 - q23 * (q11 * q23 - q12 * q13) + q13 * (q12 * q23 - q13 * q22).
Definition minor34 := q34 * minor2 - q24 * (q11 * q23 - q12 * q13) + q14 * (q12 * q23 - q13 * q22).
Definition minor4 := q11*q22*q33*q44 - q11*q22*q34*q34 - q11*q23*q23*q44 + 2*q11*q23*q24*q34 - q11*q24*q24*q33 -
  q12*q12*q33*q44 + q12*q12*q34*q34 + 2*q12*q13*q23*q44 - 2*q12*q13*q24*q34 - 2*q12*q14*q23*q34 + 2*q12*q14*q24*q33 -
  q13*q13*q22*q44 + q13*q13*q24*q24 + 2*q13*q14*q22*q34 - 2*q13*q14*q23*q24 - q14*q14*q22*q33 + q14*q14*q23*q23.

Lemma minors_3 : 0 < q11 -> 0 < minor2 -> 0 <= minor3 -> 0 <= form3.
Proof.
  intros P1 P2 P3. refine (conclude _ _ _ (plus (square q11 (a + / q11 * (q12 * b + q13 * c))%V _)
    (plus (square (minor2 / q11) (b + ((q11 * q23 - q12 * q13) / minor2) * c)%V _) (square (minor3 / minor2) c _))) _);
    [lra|apply quotient; lra|now apply quotient|].
  unfold form3, minor3, minor2 in *. expand_goal. field. split; lra.
Qed.

Lemma minors_4 : 0 < q11 -> 0 < minor2 -> 0 < minor3 -> 0 <= minor4 -> 0 <= form4.
Proof.
  intros P1 P2 P3 P4. refine (conclude _ _ _ (plus (square q11 (a + / q11 * (q12 * b + q13 * c + q14 * d))%V _)
    (plus (square (minor2 / q11) (b + / minor2 * ((q11 * q23 - q12 * q13) * c + (q11 * q24 - q12 * q14) * d))%V _)
    (plus (square (minor3 / minor2) (c + (minor34 / minor3) * d)%V _) (square (minor4 / minor3) d _)))) _);
    [lra|apply quotient; lra|apply quotient; lra|now apply quotient|].
  unfold form4, form3, minor4, minor34, minor3, minor2 in *. expand_goal. field. repeat split; lra.
Qed.
End Minors.

Lemma by_value a b : 0 <= b -> a = b -> 0 <= a. Proof. lra. Qed.
Lemma by_positive a b : 0 < b -> a = b -> 0 < a. Proof. lra. Qed.
Tactic Notation "name_it" ident(x) constr(e) := destruct (ex_intro (fun x => x = e) e eq_refl) as [x ?].
Ltac unfold_edge row := unfold mean_rest, spread_rest, form, back, row;
  cbn [reach edge drop big cross small lipschitz_share sector_share spread_share].
Ltac prefix := repeat match goal with |- 0 < _ * (_ + _) => apply Rmult_lt_0_compat; [positive|] end.
Ltac coefficients := unfold Rdiv; repeat first [apply Rplus_le_le_0_compat | apply Rmult_le_pos | apply pow_le | lra].
Ltac sum_positive := first [lra | apply Rplus_le_lt_0_compat; [coefficients|positive] | positive].
Definition low k := Multipliers 1 k ((k - 3/2)/(4*(k - 1)^2)) 0 0 ((2 - k)/(2*(k - 1))) ((2 - k)/(2*(k - 1)))
(2*k*(-21*k/2 + 12*(k - 3/2)^2 + 71/4)) ((2 - k)/(2*(k - 1))).
Lemma low_spread k (V : space) (u v h : V) : 3/2 < k <= 8/5 -> 0 <= spread_rest (low k) V u v h.
Proof.
  intros K. apply (by_value _ (form3 V u h v (8 - 4*k) (0) (k*(k*(k*(234 - 48*k) - 365) + 175) + 8) (2*k - 2) (4*k -
  8) (k*(k*(k*(96*k - 468) + 730) - 358)) / (8*(k - 1))));
    [|unfold_edge low; unfold form4, form3; expand_goal; field; lra].
  name_it x (k - 3/2). assert (X : 0 < x) by lra. name_it y (8/5 - k). assert (Y : 0 <= y) by lra.
  apply quotient; [apply minors_3|positive]; unfold minor4, minor3, minor2.
  - apply (by_positive _ ((20*y + 16*x))); [|subst x y; field]. prefix; sum_positive.
  - apply (by_positive _ ((k - 1) * (40*y + 32*x))); [|subst x y; field]. prefix; sum_positive.
  - apply (by_value _ ((4600000000*x*y^8 + 36997500000*x^2*y^7 + 129734000000*x^3*y^6 + 258795100000*x^4*y^5 +
  320908760000*x^5*y^4 + 253062544000*x^6*y^3 + 123823238400*x^7*y^2 + 34339758080*x^8*y + 4128899072*x^9))); [|subst
    x y; field]. apply Rlt_le; prefix; sum_positive.
Qed.
Lemma low_mean k (V : space) (G u v h : V) : 3/2 < k <= 8/5 -> 0 <= mean_rest (low k) V G u v h.
Proof.
  intros K. apply (by_value _ (form4 V u h v G (k*(k*(k*(12 - 4*k) - 6) - 8) + 6) (k*(k*(2*k - 4) + 2))
  (k*(k*(k*(k*(k*(k*(282 - 48*k) - 599) + 540) - 167) - 10) + 8) - 6) (k*(k*(4*k - 6) - 4) + 6) (k^2*(k*(2*k - 4) +
  2)) (k*(k*(k*(4*k - 14) + 12) - 2)) (k*(k*(2*k - 4) + 2)) (k*(k*(k*(k*(k*(k*(96*k - 564) + 1198) - 1088) + 358) + 2)
  - 8) + 6) (k*(k*(6 - 4*k) + 4) - 6) (k^2*(6*k - 11) + 6) / (8*k^2*(k - 1)^2)));
    [|unfold_edge low; unfold form4, form3; expand_goal; field; lra].
  name_it x (k - 3/2). assert (X : 0 < x) by lra. name_it y (8/5 - k). assert (Y : 0 <= y) by lra.
  apply quotient; [apply minors_4|positive]; unfold minor4, minor3, minor2.
  - apply (by_positive _ ((k - 1)^2 * (300*y^2 + 520*x*y + 216*x^2))); [|subst x y; field]. prefix; sum_positive.
  - apply (by_positive _ (k^2 * (k - 1)^4 * (200*y^2 + 240*x*y + 32*x^2))); [|subst x y; field]. prefix; sum_positive.
  - apply (by_positive _ ((k - 1)^4 * k^4 * (21000000000*x*y^9 + 192887500000*x^2*y^8 + 773845000000*x^3*y^7 +
  1771469500000*x^4*y^6 + 2535124400000*x^5*y^5 + 2332346160000*x^6*y^4 + 1360647936000*x^7*y^3 + 472959385600*x^8*y^2
  + 83739361280*x^9*y + 4694147072*x^10))); [|subst x y; field]. prefix; sum_positive.
  - apply (by_value _ ((k - 1)^4 * k^6 * (101500000000*x^2*y^9 + 900425000000*x^3*y^8 + 3491210000000*x^4*y^7 +
  7732101000000*x^5*y^6 + 10713823200000*x^6*y^5 + 9540476960000*x^7*y^4 + 5371170560000*x^8*y^3 +
  1784860979200*x^9*y^2 + 293036851200*x^10*y + 12876644352*x^11))); [|subst x y; field]. apply Rlt_le; prefix;
    sum_positive.
Qed.
Lemma low_valid k : 3/2 < k <= 8/5 -> valid (low k) /\ 0 < drop (low k).
Proof.
  intros K. split; [|unfold low; cbn; positive]. split; [split|intros; now apply low_spread].
  - unfold signs, low. cbn. repeat split; try lra; try sign.
  - intros V. split; [intros; now apply low_mean|]. intros G e. unfold form, low. cbn.
    assert (Q := inner_nonneg V e). assert (0 <= (2 - k)/(2*(k - 1)) * inner e e) by (apply Rmult_le_pos;
      [sign|easy]). lra.
Qed.

Definition middle k := Multipliers 1 k (1/20) 0 0 (11/(20*k)) (3/8) (2*k*(27/10 - k)) (11/(20*k)).
Lemma middle_spread k (V : space) (u v h : V) : 8/5 < k <= 2 -> 0 <= spread_rest (middle k) V u v h.
Proof.
  intros K. apply (by_value _ (form3 V u h v (22) (0) (k^2*(20*k - 54) + 22) (25*k - 22) (-22) (k^2*(108 - 40*k)) /
  (40*k)));
    [|unfold_edge middle; unfold form4, form3; expand_goal; field; lra].
  name_it x (k - 8/5). assert (X : 0 < x) by lra. name_it y (2 - k). assert (Y : 0 <= y) by lra.
  apply quotient; [apply minors_3|positive]; unfold minor4, minor3, minor2.
  - apply (by_positive _ ((22))); [|subst x y; field]. prefix; sum_positive.
  - apply (by_positive _ ((990*y + 1540*x))); [|subst x y; field]. prefix; sum_positive.
  - apply (by_value _ (k * (31142375/16*y^6 + 101248125/8*x*y^5 + 541499625/16*x^2*y^4 + 193342375/4*x^3*y^3 +
  628735625/16*x^4*y^2 + 138203125/8*x^5*y + 50734375/16*x^6))); [|subst x y; field]. apply Rlt_le; prefix;
    sum_positive.
Qed.
Lemma middle_mean k (V : space) (G u v h : V) : 8/5 < k <= 2 -> 0 <= mean_rest (middle k) V G u v h.
Proof.
  intros K. apply (by_value _ (form4 V u h v G (22*k - 25) (10*k) (k*(k^2*(20*k - 54) + 22) + 25) (20*k - 25) (k*(25*k
  - 22)) (-32*k) (10*k) (k^3*(108 - 40*k) - 25) (25 - 20*k) (k*(40 - 2*k) - 25) / (40*k^2)));
    [|unfold_edge middle; unfold form4, form3; expand_goal; field; lra].
  name_it x (k - 8/5). assert (X : 0 < x) by lra. name_it y (2 - k). assert (Y : 0 <= y) by lra.
  apply quotient; [apply minors_4|positive]; unfold minor4, minor3, minor2.
  - apply (by_positive _ ((51/2*y + 95/2*x))); [|subst x y; field]. prefix; sum_positive.
  - apply (by_positive _ (k * (295/2*y^2 + 3345/2*x*y + 2075*x^2))); [|subst x y; field]. prefix; sum_positive.
  - apply (by_positive _ (k^2 * (1408000*y^8 + 1589149375/64*x*y^7 + 8649879125/64*x^2*y^6 + 23916509875/64*x^3*y^5 +
  39399990625/64*x^4*y^4 + 40804978125/64*x^5*y^3 + 26227359375/64*x^6*y^2 + 9542890625/64*x^7*y +
  1485546875/64*x^8))); [|subst x y; field]. prefix; sum_positive.
  - apply (by_value _ (k^4 * (573654125/64*y^8 + 6613688125/32*x*y^7 + 36061164625/32*x^2*y^6 + 95845977625/32*x^3*y^5
  + 75691796875/16*x^4*y^4 + 152330834375/32*x^5*y^3 + 96807484375/32*x^6*y^2 + 35271171875/32*x^7*y +
  11046484375/64*x^8))); [|subst x y; field]. apply Rlt_le; prefix; sum_positive.
Qed.
Lemma middle_valid k : 8/5 < k <= 2 -> valid (middle k) /\ 0 < drop (middle k).
Proof.
  intros K. split; [|unfold middle; cbn; positive]. split; [split|intros; now apply middle_spread].
  - unfold signs, middle. cbn. repeat split; try lra; try sign.
  - intros V. split; [intros; now apply middle_mean|]. intros G e. unfold form, middle. cbn.
    assert (Q := inner_nonneg V e). assert (0 <= 11/(20*k) * inner e e) by (apply Rmult_le_pos; [sign|easy]). lra.
Qed.

Definition high k := Multipliers 1 k (1/(4*k)) 0 0 (1/3) (3/8) (2*k*(3/(2*k))) (1/3).
Lemma high_spread k (V : space) (u v h : V) : 2 < k -> 0 <= spread_rest (high k) V u v h.
Proof.
  intros K. apply (by_value _ (form3 V u h v (8) (0) (-10) (7) (-8) (36) / (24)));
    [|unfold_edge high; unfold form4, form3; expand_goal; field; lra].
  name_it x (k - 2). assert (X : 0 < x) by lra.
  apply quotient; [apply minors_3|positive]; unfold minor4, minor3, minor2.
  - apply (by_positive _ ((8))); [|subst x; field]. prefix; sum_positive.
  - apply (by_positive _ ((56))); [|subst x; field]. prefix; sum_positive.
  - apply (by_value _ ((804))); [|subst x; field]. apply Rlt_le; prefix; sum_positive.
Qed.
Lemma high_mean k (V : space) (G u v h : V) : 2 < k -> 0 <= mean_rest (high k) V G u v h.
Proof.
  intros K. apply (by_value _ (form4 V u h v G (8*k^2 - 15) (6*k) (15 - 10*k^2) (12*k - 15) (7*k^2) (k*(-8*k - 6))
  (6*k) (36*k^2 - 15) (15 - 12*k) (18*k - 15) / (24*k^2)));
    [|unfold_edge high; unfold form4, form3; expand_goal; field; lra].
  name_it x (k - 2). assert (X : 0 < x) by lra.
  apply quotient; [apply minors_4|positive]; unfold minor4, minor3, minor2.
  - apply (by_positive _ ((17 + 32*x + 8*x^2))); [|subst x; field]. prefix; sum_positive.
  - apply (by_positive _ (k^2 * (83 + 224*x + 56*x^2))); [|subst x; field]. prefix; sum_positive.
  - apply (by_positive _ (k^4 * (1176 + 3408*x + 804*x^2))); [|subst x; field]. prefix; sum_positive.
  - apply (by_value _ (k^5 * (7128 + 25236*x + 14472*x^2))); [|subst x; field]. apply Rlt_le; prefix; sum_positive.
Qed.
Lemma high_valid k : 2 < k -> valid (high k) /\ 0 < drop (high k).
Proof.
  intros K. split; [|unfold high; cbn; positive]. split; [split|intros; now apply high_spread].
  - unfold signs, high. cbn. repeat split; try lra; try sign.
  - intros V. split; [intros; now apply high_mean|]. intros G e. unfold form, high. cbn.
    assert (Q := inner_nonneg V e). assert (0 <= 1/3 * inner e e) by (apply Rmult_le_pos; [sign|easy]). lra.
Qed.

(** a and c of the claim, on (3/2, 8/5], (8/5, 2] and above. *)
Definition factor k := if Rle_dec k (8/5) then k*(2 - k)/(2*(k - 1)) else if Rle_dec k 2 then 11/20 else k/3.
Definition constant k := if Rle_dec k (8/5) then (k - 3/2)/(4*(k - 1)^2) else if Rle_dec k 2 then 1/20 else 1/(4*k).
Definition row_of k := if Rle_dec k (8/5) then low k else if Rle_dec k 2 then middle k else high k.

Lemma row_valid k : 3/2 < k -> valid (row_of k) /\ 0 < drop (row_of k).
Proof.
  intros K. unfold row_of. destruct (Rle_dec k (8/5)) as [A|A]; [apply low_valid; lra|]. apply Rnot_le_lt in A.
  destruct (Rle_dec k 2) as [B|B]; [apply middle_valid; lra|apply high_valid; lra].
Qed.

Lemma row_entries k : 3/2 < k -> reach (row_of k) = 1 /\ edge (row_of k) = k /\ drop (row_of k) = constant k /\
  big (row_of k) = 0 /\ cross (row_of k) = 0 /\ small (row_of k) = factor k / k /\ spread_share (row_of k) = factor k
    / k.
Proof.
  intros K. unfold row_of, constant, factor. destruct (Rle_dec k (8/5)); [|destruct (Rle_dec k 2)]; cbn;
    repeat split; try reflexivity; field; lra.
Qed.

(** The potential of the claim: kappa = sigma/L. *)
Definition edge_potential (V : space) m weight (F : nat -> V -> R) (G : nat -> V -> V) w dual a s l :=
  sum m (fun i => weight i * F i (w (S l))) + a / s * sum m (fun i => weight i * ‖G i (w (S l)) + dual l i‖²).

(** Every kappa > 3/2, beta = 1; equal or unequal constant sigma_i with mean kappa L; any start; any operators. *)
Theorem W_any_q_sharp_edge (V : space) k L m weight sigma bend (F : nat -> V -> R) (G : nat -> V -> V) w local dual :
  3/2 < k -> pisa V m weight 0 (fun _ => sigma) bend (fun l i => G i (w l)) w local dual -> 0 < L ->
  (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1 -> (forall i, (i < m)%nat -> 0 < sigma i) ->
  sum m (fun i => weight i * sigma i) = k * L ->
  (forall l i y z, (i < m)%nat -> ⟨bend l i y, z⟩ = ⟨y, bend l i z⟩) ->
  (forall l i y, (i < m)%nat -> 0 <= ⟨bend l i y, y⟩ <= sigma i * ‖y‖²) ->
  (forall i, (i < m)%nat -> smooth L (F i) (G i)) ->
  0 < constant k /\ 0 <= factor k /\ forall l, edge_potential V m weight F G w dual (factor k) (k * L) (S l)
    <= edge_potential V m weight F G w dual (factor k) (k * L) l - constant k / L * ‖mean V m weight (fun i => G i (w
      (S l)))‖².
Proof.
  intros K Run LP W SP Mean Sym Bound FS. destruct (row_valid k K) as [Valid Drop].
  destruct (row_entries k K) as [E1 [E2 [E3 [E4 [E5 [E6 E7]]]]]].
  assert (Rate : forall l, rate m weight 0 (fun _ => sigma) l = k * L) by (intros l; unfold rate; lra).
  assert (Up : forall l, edge (row_of k) * L <= rate m weight 0 (fun _ => sigma) l <= rate m weight 0 (fun _ => sigma)
    (S l))
    by (intros l; rewrite !Rate, E2; lra).
  assert (Bound' : forall l i y, (i < m)%nat -> 0 <= ⟨bend l i y, y⟩ <= reach (row_of k) * sigma i * ‖y‖²)
    by (intros l i y I; rewrite E1, Rmult_1_l; auto).
  assert (A : 0 <= factor k).
  { replace (factor k) with (spread_share (row_of k) * k) by (rewrite E7; field; lra).
    apply Rmult_le_pos; [apply Valid|lra]. }
  split; [now rewrite <- E3|split; [exact A|]]. intros l.
  assert (E := proj1 (any_lowers V (row_of k) L m weight (fun _ => sigma) bend F G w local dual Run LP W (fun _ => SP)
    Sym Bound' Up Valid FS l)).
  assert (Same : forall j, sector_potential V (row_of k) m weight (fun _ => sigma) F G w dual j
    = edge_potential V m weight F G w dual (factor k) (k * L) j).
  { intros j. unfold sector_potential, edge_potential, average_value, form, spread_of, residual.
    rewrite Rate, E2, E4, E5, E6, E7, (spread V m weight _ _ (proj2 W)). field. lra. }
  rewrite !Same, Rate, E2, E3 in E. replace (constant k / L) with (constant k * k / (k * L)) by (field; lra). exact E.
Qed.

(** At kappa = 3/2 no potential of this form falls by any multiple of the squared gradient: x^2/2, Q = 0, w = 1, -1,
  1, ... *)
Theorem W_any_q_edge_is_sharp a c : 0 < c ->
  ~ forall (F : line -> R) (G : line -> line) (w : nat -> line) (local dual : nat -> nat -> line),
  smooth 1 F G -> pisa line 1 (fun _ => 1) 0 (fun _ _ => 3/2) (fun _ _ _ => 0%V) (fun l _ => G (w l)) w local dual ->
  forall l, edge_potential line 1 (fun _ => 1) (fun _ => F) (fun _ => G) w dual a (3/2) (S l)
    <= edge_potential line 1 (fun _ => 1) (fun _ => F) (fun _ => G) w dual a (3/2) l - c * ‖G (w (S l))‖².
Proof.
  intros C Claim.
  assert (Run := run_exists line 1 (fun _ => 1) 0 (fun _ _ => 3/2) (fun _ _ _ => 0%V) (fun _ _ y => / (3/2) * y)%V
    (fun _ x => x) (1/3) (fun _ => 1) ltac:(intros; unfold rate; simpl; lra) ltac:(intros; cbn; lra)).
  assert (E := Claim Threshold.half (fun x => x) _ _ _ Threshold.half_smooth Run 0%nat).
  match type of Run with pisa _ _ _ _ _ _ _ ?w _ ?d => set (x := w) in *; set (p := d) in * end.
  assert (W1 : x 1%nat = 1) by (unfold x; cbn; unfold rate; cbn; field).
  assert (P1 : p 1%nat 0%nat = -1) by (unfold p; cbn; unfold rate; cbn; field).
  assert (W2 : x 2%nat = -1) by (unfold x; cbn; unfold rate; cbn; field).
  unfold edge_potential, Threshold.half in E. cbn [sum] in E. rewrite W1, W2, P1 in E.
  replace (p 0%nat 0%nat) with 1 in E by reflexivity. cbn in E. lra.
Qed.
Print Assumptions W_any_q_sharp_edge.
Print Assumptions W_any_q_edge_is_sharp.

(** Runs with the hypotheses at kappa = 2: two different clients, operators 0 and sigma that change places. *)
Theorem W_any_q_inhabited : exists (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 2 (fun _ => / 2) 0 (fun _ _ => 2) (fun l i y => LinearRate.swap l i * y)%V
    (fun l i => LinearRate.parabola_slope i (w l)) w local dual /\ w 0%nat = 0 /\
  sum 2 (fun _ => / 2 * 2) = 2 * 1 /\ (forall i, @smooth line 1 (LinearRate.parabola i) (LinearRate.parabola_slope i))
    /\
  forall l i (y : line), (i < 2)%nat -> 0 <= ⟨LinearRate.swap l i * y, y⟩ <= 2 * ‖y‖².
Proof.
  destruct (LinearRate.T6_inhabited 0) as [w [local [dual [Run [W [_ [_ [_ [B _]]]]]]]]]. exists w, local, dual.
  split; [exact Run|]. split; [exact W|]. split; [cbn; lra|]. split; [exact LinearRate.parabola_smooth|].
  intros l i y I. assert (H := B l i y I). lra.
Qed.
