(** V8 without a Lipschitz gradient: F = |x|^(3/2) is convex and C^1 with a Hoelder gradient; for every penalty the run
    from 9/(4 k^2) tends to the two-cycle +-81/(16 k^2) and not to the minimiser. *)

From PISA Require Export Hypotheses Norm.

Definition hoelder (x : R) := Rabs x * sqrt (Rabs x).
Definition hoelder' (x : R) := if Rle_dec 0 x then 3 / 2 * sqrt x else - (3 / 2 * sqrt (- x)).

(** x as a signed square. *)
Lemma signed_square x : exists a, 0 <= a /\ ((x = a * a /\ hoelder x = a * a * a /\ hoelder' x = 3 / 2 * a) \/
  (x = - (a * a) /\ 0 < a /\ hoelder x = a * a * a /\ hoelder' x = - (3 / 2 * a))).
Proof.
  exists (sqrt (Rabs x)). split; [apply sqrt_pos|]. assert (E := sqrt_sqrt _ (Rabs_pos x)).
  unfold hoelder, hoelder'. destruct (Rle_dec 0 x) as [P|N].
  - left. rewrite (Rabs_right x) in * by lra. rewrite E. easy.
  - right. apply Rnot_le_lt in N. rewrite (Rabs_left x) in * by lra. rewrite E.
    assert (0 < sqrt (- x)) by (apply sqrt_lt_R0; lra). repeat split; try reflexivity; lra.
Qed.

Lemma hoelder_tangent x y : hoelder x + hoelder' x * (y - x) <= hoelder y.
Proof.
  destruct (signed_square x) as [a [A Ca]]. destruct (signed_square y) as [b [B Cb]].
  assert (Q : 0 <= (b - a) * (b - a) * (b + a / 2)) by (apply Rmult_le_pos; [apply Rle_0_sqr|lra]).
  assert (Q' : 0 <= b * b * b + 3 / 2 * (a * (b * b)) + / 2 * (a * a * a)).
  { assert (C : forall x y z, 0 <= x -> 0 <= y -> 0 <= z -> 0 <= x * (y * z)) by (intros; auto using Rmult_le_pos).
    assert (C1 := C b b b B B B). assert (C2 := C a b b A B B). assert (C3 := C a a a A A A). lra. }
  destruct Ca as [[Ex [Fx Gx]]|[Ex [Px [Fx Gx]]]]; destruct Cb as [[Ey [Fy Gy]]|[Ey [Py [Fy Gy]]]];
    rewrite Fx, Gx, Fy, Ex, Ey; nra.
Qed.

Lemma hoelder_convex : @convex line hoelder.
Proof.
  intros x y t T. cbn in *. set (z := (1 - t) * x + t * y).
  assert (X := hoelder_tangent z x). assert (Y := hoelder_tangent z y).
  replace (x - z) with (t * (x - y)) in X by (unfold z; ring).
  replace (y - z) with ((1 - t) * (y - x)) in Y by (unfold z; ring).
  apply (Rmult_le_compat_l (1 - t)) in X; [|lra]. apply (Rmult_le_compat_l t) in Y; [|lra]. lra.
Qed.

(** The gradient is Hoelder continuous with exponent 1/2. *)
Lemma hoelder_gradient x y : (hoelder' x - hoelder' y) ^ 2 <= 9 / 2 * Rabs (x - y).
Proof.
  destruct (signed_square x) as [a [A Ca]]. destruct (signed_square y) as [b [B Cb]].
  assert (D : (a - b) ^ 2 <= Rabs (a * a - b * b)).
  { replace (a * a - b * b) with ((a + b) * (a - b)) by ring. rewrite Rabs_mult, (Rabs_right (a + b)) by lra.
    destruct (Rle_lt_dec b a); [rewrite Rabs_right by lra|rewrite Rabs_left by lra]; nra. }
  assert (P := pow2_ge_0 (a - b)). assert (U := Rle_abs (a * a + b * b)).
  destruct Ca as [[Ex [Fx Gx]]|[Ex [Px [Fx Gx]]]]; destruct Cb as [[Ey [Fy Gy]]|[Ey [Py [Fy Gy]]]]; 
    rewrite Gx, Gy, Ex, Ey.
  - nra.
  - replace (a * a - - (b * b)) with (a * a + b * b) by ring. nra.
  - replace (- (a * a) - b * b) with (- (a * a + b * b)) by ring. rewrite Rabs_Ropp. nra.
  - replace (- (a * a) - - (b * b)) with (- (a * a - b * b)) by ring. rewrite Rabs_Ropp. nra.
Qed.

Lemma hoelder_derivative x : derivable_pt_lim hoelder x (hoelder' x).
Proof.
  intros e E. assert (P : 0 < e * e / 5) by nra. exists (mkposreal _ P). intros h N B. simpl in B.
  assert (L := hoelder_tangent x (x + h)). assert (U := hoelder_tangent (x + h) x).
  replace (x + h - x) with h in L by ring. replace (x - (x + h)) with (- h) in U by ring.
  assert (G := hoelder_gradient (x + h) x). replace (x + h - x) with h in G by ring.
  assert (Small : Rabs (hoelder' (x + h) - hoelder' x) < e).
  { assert (A := Rabs_pos (hoelder' (x + h) - hoelder' x)). rewrite <- (pow2_abs (_ - _)) in G. nra. }
  replace ((hoelder (x + h) - hoelder x) / h - hoelder' x) with ((hoelder (x + h) - hoelder x - hoelder' x * h) / h)
    by (field; easy).
  assert (A := Rabs_pos_lt h N). unfold Rdiv. rewrite Rabs_mult, Rabs_inv.
  apply Rmult_lt_reg_r with (Rabs h); [exact A|].
  rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. rewrite Rabs_right by lra.
  apply Rle_lt_trans with ((hoelder' (x + h) - hoelder' x) * h); [lra|].
  eapply Rle_lt_trans; [apply Rle_abs|]. rewrite Rabs_mult. now apply Rmult_lt_compat_r.
Qed.

Lemma hoelder_slope_positive a : 0 <= a -> hoelder' (a * a) = 3 / 2 * a.
Proof. intros A. unfold hoelder'. destruct (Rle_dec 0 (a * a)); [rewrite sqrt_square; lra|nra]. Qed.

Lemma hoelder_slope_negative a : 0 < a -> hoelder' (- (a * a)) = - (3 / 2 * a).
Proof.
  intros A. unfold hoelder'. destruct (Rle_dec 0 (- (a * a))); [nra|]. rewrite Ropp_involutive, sqrt_square; lra.
Qed.

(** ** The errors e = u^2 - 81/16 of u = k sqrt |w| shrink by 139/161 every two rounds *)
Definition keeps u := 6 / 5 <= u <= 3 /\ Rabs (u * u - 81 / 16) <= 362 / 100.
Notation error u := (u * u - 81 / 16).

Lemma error_next u v y : keeps u -> keeps v -> y = - (u * u) + 3 * u + 3 / 2 * v ->
  Rabs (y - 81 / 16) <= 139 / 161 * Rmax (Rabs (error u)) (Rabs (error v)).
Proof.
  intros [U Eu] [V Ev] ->. set (hu := 3 / 2 / (u + 9 / 4)). set (hv := 3 / 2 / (v + 9 / 4)).
  assert (H : forall x, 6 / 5 <= x <= 3 -> 2 / 7 <= 3 / 2 / (x + 9 / 4) <= 10 / 23).
  { intros x X. assert (E : 3 / 2 / (x + 9 / 4) * (x + 9 / 4) = 3 / 2) by (field; lra).
    set (q := 3 / 2 / (x + 9 / 4)) in *. clearbody q. split; nra. }
  assert (Hu := H u U). assert (Hv := H v V). fold hu in Hu. fold hv in Hv.
  replace (- (u * u) + 3 * u + 3 / 2 * v - 81 / 16) with (- (1 - 2 * hu) * error u + hv * error v)
    by (unfold hu, hv; field; lra).
  clearbody hu hv. eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult, Rabs_Ropp, (Rabs_right hv) by lra.
  assert (M := Rmax_l (Rabs (error u)) (Rabs (error v))). assert (M' := Rmax_r (Rabs (error u)) (Rabs (error v))).
  set (t := Rmax _ _) in *. assert (P := Rabs_pos (error u)). assert (P' := Rabs_pos (error v)).
  assert (C : Rabs (1 - 2 * hu) <= 3 / 7) by (apply Rabs_le; lra). assert (C' := Rabs_pos (1 - 2 * hu)).
  assert (Rabs (1 - 2 * hu) * Rabs (error u) <= 3 / 7 * t) by (apply Rmult_le_compat; lra).
  assert (hv * Rabs (error v) <= 10 / 23 * t) by (apply Rmult_le_compat; lra). lra.
Qed.

Lemma keeps_of_error y : Rabs (y - 81 / 16) <= 362 / 100 -> 0 <= y /\ keeps (sqrt y).
Proof.
  intros H. assert (A := Rle_abs (y - 81 / 16)). assert (A' := Rle_abs (- (y - 81 / 16))). rewrite Rabs_Ropp in A'.
  assert (B : 36 / 25 <= y <= 9) by lra. split; [lra|].
  assert (E := sqrt_sqrt y ltac:(lra)). assert (P := sqrt_pos y). unfold keeps. rewrite E. split; [split; nra|exact H].
Qed.

Section Run.
Variables (k : R) (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis k_positive : 0 < k.
Hypothesis run : single k (fun l => hoelder' (w l)) w local dual.
Hypothesis origin : w 0%nat = 9 / (4 * k ^ 2).

Definition turn (l : nat) := if Nat.even l then 1 else -1.

Lemma turn_next l : turn (S l) = - turn l.
Proof. unfold turn. rewrite Nat.even_succ, <- Nat.negb_even. destruct (Nat.even l); simpl; lra. Qed.

Lemma slope_at l u : 0 < u -> hoelder' (turn l * (u * u) / k ^ 2) = turn l * (3 / 2 * u / k).
Proof.
  intros U. assert (P : 0 < u / k) by positive. unfold turn. destruct (Nat.even l).
  - replace (1 * (u * u) / k ^ 2) with (u / k * (u / k)) by (field; lra). rewrite hoelder_slope_positive; [field|]; lra.
  - replace (-1 * (u * u) / k ^ 2) with (- (u / k * (u / k))) by (field; lra).
    rewrite hoelder_slope_negative; [field|]; lra.
Qed.

(** The signs alternate, the moduli stay near 81/16 and come nearer. *)
Lemma alternates : exists u : nat -> R, (forall l, keeps (u l) /\ w (S l) = turn l * (u l * u l) / k ^ 2 :> R) /\
  (forall l, Rabs (error (u (S (S l)))) <= 139 / 161 * Rmax (Rabs (error (u l))) (Rabs (error (u (S l))))).
Proof.
  destruct (single_steps _ _ _ _ _ k_positive run) as [W1 [W2 Next]]. rewrite origin in W1.
  set (u := fun l => k * sqrt (Rabs (w (S l)))).
  assert (Of : forall l y, 0 <= y -> w (S l) = turn l * y / k ^ 2 :> R -> u l = sqrt y).
  { intros l y Y E. unfold u. rewrite E. unfold Rdiv. rewrite !Rabs_mult, (Rabs_right y) by lra.
    assert (I : 0 < / k ^ 2) by (apply Rinv_0_lt_compat, pow_lt; lra). rewrite (Rabs_right (/ k ^ 2)) by lra.
    replace (Rabs (turn l)) with 1 by (unfold turn; destruct (Nat.even l); [rewrite Rabs_R1|rewrite Rabs_left]; lra).
    rewrite <- (sqrt_square k) at 1 by lra. rewrite <- sqrt_mult by nra. f_equal. field. lra. }
  assert (First : keeps (3 / 2)) by (unfold keeps; split; [lra|apply Rabs_le; lra]).
  assert (Root : forall x, 0 <= x -> sqrt (x * x) = x) by (intros; now apply sqrt_square).
  assert (E1 : w 1%nat = turn 0 * (9 / 4) / k ^ 2 :> R) by (rewrite W1; unfold turn; simpl; field; lra).
  assert (E2 : w 2%nat = turn 1 * (9 / 4) / k ^ 2 :> R).
  { rewrite W2. replace (w 1%nat) with (turn 0 * (3 / 2 * (3 / 2)) / k ^ 2 : R) by (rewrite E1; field; lra).
    rewrite slope_at by lra. unfold turn; simpl; field; lra. }
  assert (U : u 0%nat = 3 / 2 /\ u 1%nat = 3 / 2).
  { rewrite (Of 0%nat (9 / 4)), (Of 1%nat (9 / 4)) by (assumption || lra).
    replace (9 / 4) with (3 / 2 * (3 / 2)) by field. now rewrite Root by lra. }
  assert (Step : forall l, keeps (u l) -> w (S l) = turn l * (u l * u l) / k ^ 2 :> R -> keeps (u (S l)) ->
    w (S (S l)) = turn (S l) * (u (S l) * u (S l)) / k ^ 2 :> R ->
    (keeps (u (S (S l))) /\ w (S (S (S l))) = turn (S (S l)) * (u (S (S l)) * u (S (S l))) / k ^ 2 :> R) /\
    Rabs (error (u (S (S l)))) <= 139 / 161 * Rmax (Rabs (error (u l))) (Rabs (error (u (S l))))).
  { intros l K E K' E'. set (y := - (u (S l) * u (S l)) + 3 * u (S l) + 3 / 2 * u l).
    assert (Y := error_next (u (S l)) (u l) y K' K eq_refl). rewrite Rmax_comm in Y.
    assert (B : Rabs (y - 81 / 16) <= 362 / 100).
    { destruct K as [_ K]. destruct K' as [_ K']. assert (M := Rmax_lub _ _ _ K K').
      assert (P := Rle_trans _ _ _ (Rabs_pos (error (u l))) (Rmax_l _ (Rabs (error (u (S l)))))). lra. }
    destruct (keeps_of_error y B) as [Y0 Ky].
    assert (W : w (S (S (S l))) = turn (S (S l)) * y / k ^ 2 :> R).
    { rewrite (Next l). destruct K as [Ku _]. destruct K' as [Ku' _].
      assert (G : hoelder' (w (S l)) = turn l * (3 / 2 * u l / k)) by (rewrite E; apply slope_at; lra).
      assert (G' : hoelder' (w (S (S l))) = turn (S l) * (3 / 2 * u (S l) / k)) by (rewrite E'; apply slope_at; lra).
      rewrite G, G', E'. unfold y. rewrite !turn_next. field. lra. }
    rewrite (Of (S (S l)) y Y0 W), (sqrt_sqrt y Y0). easy. }
  assert (All : forall l, (keeps (u l) /\ w (S l) = turn l * (u l * u l) / k ^ 2 :> R) /\
    keeps (u (S l)) /\ w (S (S l)) = turn (S l) * (u (S l) * u (S l)) / k ^ 2 :> R).
  { induction l as [|l [[K E] [K' E']]]; [|split; [easy|exact (proj1 (Step l K E K' E'))]].
    destruct U as [-> ->]. replace (3 / 2 * (3 / 2)) with (9 / 4) by field. easy. }
  exists u. split; [intros l; apply All|]. intros l. destruct (All l) as [[K E] [K' E']].
  exact (proj2 (Step l K E K' E')).
Qed.

(** |w^l| tends to 81/(16 k^2), with alternating signs. *)
Theorem hoelder_cycle : Un_cv (fun l => turn l * w (S l)) (81 / (16 * k ^ 2)) /\ forall l, 0 < turn l * w (S l).
Proof.
  destruct alternates as [u [Keeps Shrinks]].
  assert (Value : forall l, turn l * w (S l) = u l * u l / k ^ 2).
  { intros l. destruct (Keeps l) as [_ ->]. unfold turn. destruct (Nat.even l); field; lra. }
  assert (I : 0 < / k ^ 2) by (apply Rinv_0_lt_compat, pow_lt; lra). split.
  - set (top := fun l => Rmax (Rabs (error (u l))) (Rabs (error (u (S l))))).
    assert (Top : forall l, 0 <= top l) by (intros l; eapply Rle_trans; [apply Rabs_pos|apply Rmax_l]).
    assert (Two : forall l, top (S (S l)) <= 139 / 161 * top l).
    { intros l. assert (A := Shrinks l). assert (B := Shrinks (S l)). fold (top l) in A. fold (top (S l)) in B.
      assert (C : top (S l) <= top l).
      { unfold top at 1. apply Rmax_lub; [apply Rmax_r|]. specialize (Top l). lra. }
      unfold top at 1. apply Rmax_lub; lra. }
    assert (Power : forall j, top (2 * j)%nat <= (139 / 161) ^ j * top 0%nat /\
      top (S (2 * j)) <= (139 / 161) ^ j * top 0%nat).
    { assert (Once : top 1%nat <= top 0%nat).
      { unfold top at 1. apply Rmax_lub; [apply Rmax_r|]. assert (A := Shrinks 0%nat). fold (top 0%nat) in A.
        specialize (Top 0%nat). lra. }
      induction j as [|j [A B]]; [simpl; lra|]. replace (2 * S j)%nat with (S (S (2 * j))) by lia.
      assert (A' := Two (2 * j)%nat). assert (B' := Two (S (2 * j))). simpl pow. split; lra. }
    assert (Lim := limit_scale (top 0%nat) _ (limit_power (139 / 161) ltac:(lra))). intros e E.
    assert (Pe : 0 < e * k ^ 2) by (apply Rmult_lt_0_compat; [easy|apply pow_lt; lra]).
    destruct (Lim (e * k ^ 2) Pe) as [n N].
    exists (2 * n)%nat. intros l L. unfold R_dist. rewrite Value.
    replace (u l * u l / k ^ 2 - 81 / (16 * k ^ 2)) with (error (u l) * / k ^ 2) by (field; lra).
    rewrite Rabs_mult, (Rabs_right (/ k ^ 2)) by lra. apply Rmult_lt_reg_r with (k ^ 2); [apply pow_lt; lra|].
    rewrite Rmult_assoc, Rinv_l, Rmult_1_r by (apply pow_nonzero; lra).
    assert (T : Rabs (error (u l)) <= top l) by apply Rmax_l.
    destruct (Nat.Even_or_Odd l) as [[j ->]|[j J]].
    + specialize (N j ltac:(lia)). unfold R_dist in N. apply Rabs_def2 in N. destruct (Power j) as [A _]. lra.
    + replace l with (S (2 * j)) in * by lia. specialize (N j ltac:(lia)). unfold R_dist in N. apply Rabs_def2 in N.
      destruct (Power j) as [_ A]. lra.
  - intros l. rewrite Value. destruct (Keeps l) as [[[A _] _] _]. assert (0 < u l * u l) by nra. unfold Rdiv. nra.
Qed.
End Run.

(** "For some penalty PISA converges to the minimiser of every convex C^1 function with a Hoelder gradient." *)
Theorem V8_without_a_lipschitz_gradient : ~ exists k, 0 < k /\
  forall (F G : line -> R) (w : nat -> line) (local dual : nat -> nat -> line),
  (forall x, derivable_pt_lim F x (G x)) -> @convex line F -> (forall x y, (G x - G y) ^ 2 <= 9 / 2 * Rabs (x - y)) ->
  (forall x, 0 <= F x) -> single k (fun l => G (w l)) w local dual -> exists limit, Un_cv w limit.
Proof.
  intros [k [K Claim]]. destruct (single_exists k hoelder' (9 / (4 * k ^ 2)) K) as [w [local [dual [Run W0]]]].
  destruct (Claim hoelder hoelder' w local dual hoelder_derivative hoelder_convex hoelder_gradient) as [limit C].
  - intros x. apply Rmult_le_pos; [apply Rabs_pos|apply sqrt_pos].
  - exact Run.
  - destruct (hoelder_cycle k w local dual K Run W0) as [Cycle _].
    assert (P : 0 < / k ^ 2) by (apply Rinv_0_lt_compat, pow_lt; lra).
    assert (E : 81 / (16 * k ^ 2) = 81 / 16 * / k ^ 2) by (field; lra). set (c := / k ^ 2) in *.
    destruct (C c P) as [n N]. destruct (Cycle c P) as [n' N']. set (j := (n + n')%nat).
    assert (A := N (S j) ltac:(unfold j; lia)). assert (B := N (S (S j)) ltac:(unfold j; lia)).
    assert (A' := N' j ltac:(unfold j; lia)). assert (B' := N' (S j) ltac:(unfold j; lia)).
    unfold R_dist in *. rewrite turn_next, E in *. apply Rabs_def2 in A, B, A', B'. unfold turn in *.
    destruct (Nat.even j); lra.
Qed.
Print Assumptions hoelder_cycle.
Print Assumptions V8_without_a_lipschitz_gradient.
