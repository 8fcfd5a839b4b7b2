(** V8: what the "sole assumption" needs beside it. Each hypothesis dropped alone, a run that fails, every penalty:
    no bounded sublevel set, a kink, no bound on the preconditioner ([Hoelder]: no Lipschitz bound). *)

From PISA Require Export Algorithm.

(** One client of the real line, no preconditioner, no ridge, constant penalty k, cold start. *)
Definition single k (G w : nat -> line) (local dual : nat -> nat -> line) :=
  pisa line 1 (fun _ => 1) 0 (fun _ _ => k) (fun _ _ _ => 0%V) (fun l _ => G l) w local dual /\
  (forall i, dual 0%nat i = 0%V).

Lemma single_steps k G w local dual : 0 < k -> single k G w local dual ->
  w 1%nat = w 0%nat :> R /\ w 2%nat = w 1%nat - 2 * G 1%nat / k :> R /\
  forall l, w (S (S (S l))) = w (S (S l)) - (2 * G (S (S l)) - G (S l)) / k :> R.
Proof.
  intros K [Run Cold].
  assert (D : forall l, dual (S l) 0%nat = - G (S l) :> R).
  { intros l. assert (E := parts _ _ _ _ _ _ _ _ _ _ l 0%nat Run Nat.lt_0_1).
    rewrite (next_dual _ _ _ _ _ _ _ _ _ _ l 0%nat Run). unfold left in E. cbn in *. lra. }
  assert (M := move _ _ _ _ _ _ _ _ _ _ 0 Run). unfold rate, deviation in M. cbn in M.
  rewrite (start _ _ _ _ _ _ _ _ _ _ Run), Cold in M. cbn in M.
  assert (Next : forall l, w (S (S l)) = w (S l) - (2 * G (S l) + dual l 0%nat) / k :> R).
  { intros l. assert (E := round _ _ _ _ _ _ _ _ _ _ l Run).
    assert (E' := parts _ _ _ _ _ _ _ _ _ _ l 0%nat Run Nat.lt_0_1).
    unfold taken, left, rate in *. cbn in *. apply Rmult_eq_reg_l with k; [|lra].
    replace (k * (w (S l) - _)) with (k * w (S l) - (2 * G (S l) + dual l 0%nat)) by (field; lra). lra. }
  split; [|split].
  - apply Rmult_eq_reg_l with k; lra.
  - rewrite Next, Cold. cbn. field. lra.
  - intros l. rewrite (Next (S l)), D. field. lra.
Qed.

Lemma single_exists k (G : line -> line) origin : 0 < k ->
  exists w local dual, single k (fun l => G (w l)) w local dual /\ w 0%nat = origin :> R.
Proof.
  intros K. assert (Run := run_exists line 1 (fun _ => 1) 0 (fun _ _ => k) (fun _ _ _ => 0%V) (fun _ _ y => / k * y)%V
    (fun _ => G) (origin : line) (fun _ => 0%V) ltac:(intros; unfold rate; simpl; lra) ltac:(intros; cbn; fraction)).
  do 3 eexists. split; [split; [exact Run|reflexivity]|reflexivity].
Qed.

(** ** No bounded sublevel set: F = x *)
Lemma identity_smooth L : 0 < L -> @smooth line L (fun x => x) (fun _ => 1).
Proof.
  intros P. split; [|intros x y; apply Rle_trans with 0; [cbn; lra|apply Rmult_le_pos; [nra|apply inner_nonneg]]].
  apply (gradient_of_remainder line 0 (fun x : line => x) (fun _ => 1)); [lra|]. intros x v. cbn.
  replace (_ - _ - _) with 0 by ring. rewrite Rabs_R0. lra.
Qed.

(** Every later move is -1/k: the iterates go to minus infinity while the gradient stays 1. *)
Lemma slope_run k w local dual : 0 < k -> single k (fun _ => 1) w local dual -> w 0%nat = 0 ->
  forall l, w (S (S l)) = - (INR l + 2) / k :> R.
Proof.
  intros K Run W0 l. destruct (single_steps _ _ _ _ _ K Run) as [W1 [W2 Next]].
  induction l as [|l IH]; [rewrite W2, W1, W0; simpl; field; lra|]. rewrite Next, IH, S_INR. field. lra.
Qed.

Lemma beyond b : exists l, b < INR l.
Proof.
  exists (Z.to_nat (up b)). destruct (archimed b) as [A _]. destruct (Z_lt_le_dec (up b) 0) as [N|N].
  - apply IZR_lt in N. assert (P := pos_INR (Z.to_nat (up b))). lra.
  - rewrite INR_IZR_INZ, Z2Nat.id by easy. lra.
Qed.

Lemma unbounded k b : 0 < k -> exists l, b < (INR l + 2) / k.
Proof.
  intros K. destruct (beyond (b * k)) as [l L]. exists l. apply Rmult_lt_reg_r with k; [easy|].
  unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra.
Qed.

(** "For some penalty PISA converges on every function with a Lipschitz gradient." *)
Theorem V8_sole_assumption_read_literally : ~ exists k, 0 < k /\
  forall (F : line -> R) (G : line -> line) (w : nat -> line) (local dual : nat -> nat -> line),
  smooth 1 F G -> single k (fun l => G (w l)) w local dual -> exists limit, Un_cv w limit.
Proof.
  intros [k [K Claim]]. destruct (single_exists k (fun _ => 1) 0 K) as [w [local [dual [Run W0]]]].
  destruct (Claim _ _ w local dual (identity_smooth 1 Rlt_0_1) Run) as [limit C].
  assert (W := slope_run k w local dual K Run W0). destruct (C (/ (2 * k)) ltac:(apply Rinv_0_lt_compat; lra)) as [n N].
  assert (N1 := N (S (S n)) ltac:(lia)). assert (N2 := N (S (S (S n))) ltac:(lia)). unfold R_dist in *.
  rewrite W in N1, N2. rewrite S_INR in N2. apply Rabs_def2 in N1, N2.
  assert (E : - (INR n + 1 + 2) / k = - (INR n + 2) / k - 2 * / (2 * k)) by (field; lra). lra.
Qed.

(** "A Lipschitz gradient is enough for bounded iterates", "... a vanishing gradient": both fail at every penalty. *)
Theorem V8_without_bounded_sublevel_sets k : 0 < k ->
  exists (F : line -> R) (G w : _) (local dual : nat -> nat -> line),
  smooth 1 F G /\ single k (fun l => G (w l)) w local dual /\
  (forall b, exists l, b < Rabs (w l)) /\ ~ Un_cv (fun l => G (w l)) 0.
Proof.
  intros K. destruct (single_exists k (fun _ => 1) 0 K) as [w [local [dual [Run W0]]]].
  exists (fun x => x), (fun _ => 1), w, local, dual. split; [exact (identity_smooth 1 Rlt_0_1)|]. split; [exact Run|].
  split.
  - intros b. destruct (unbounded k b K) as [l L]. exists (S (S l)). rewrite (slope_run k w local dual K Run W0).
    eapply Rlt_le_trans; [exact L|]. rewrite <- Rabs_Ropp. eapply Rle_trans; [|apply Rle_abs]. right. field. lra.
  - intros C. destruct (C 1 Rlt_0_1) as [n N]. specialize (N n (le_n n)). unfold R_dist in N.
    rewrite Rminus_0_r, Rabs_R1 in N. lra.
Qed.

(** ** A kink: F = |x|, whatever the subgradient at 0 *)
Definition odd_half k x := exists z : Z, 2 * k * x = IZR (2 * z + 1).

Lemma odd_not_zero k x : odd_half k x -> x <> 0.
Proof.
  intros [z E] Z. rewrite Z, Rmult_0_r in E. apply (eq_IZR 0) in E. lia.
Qed.

Lemma kink_run k (G : line -> line) w local dual : 0 < k ->
  (forall x, 0 < x -> G x = 1) -> (forall x, x < 0 -> G x = -1) ->
  single k (fun l => G (w l)) w local dual -> w 0%nat = / (2 * k) ->
  forall l, / k <= Rabs (w (S (S l)) - w (S l)).
Proof.
  intros K Pos Neg Run W0. destruct (single_steps _ _ _ _ _ K Run) as [W1 [W2 Next]].
  assert (Sign : forall x, odd_half k x -> exists g, (g = 1 \/ g = -1)%Z /\ G x = IZR g).
  { intros x O. destruct (Rtotal_order x 0) as [L|[E|L]]; [exists (-1)%Z|now apply odd_not_zero in O|exists 1%Z].
    - split; [now right|now apply Neg].
    - split; [now left|now apply Pos]. }
  assert (Move : forall x y (g p : Z), odd_half k x -> (g = 1 \/ g = -1)%Z -> (p = 0 \/ p = 1 \/ p = -1)%Z ->
    y = x - (2 * IZR g - IZR p) / k -> odd_half k y /\ / k <= Rabs (y - x)).
  { intros x y g p [z E] Hg Hp ->. split.
    - exists (z - (2 * g - p))%Z. replace (2 * k * (x - _)) with (2 * k * x - 2 * (2 * IZR g - IZR p)) by (field; lra).
      rewrite E, !plus_IZR, !mult_IZR, minus_IZR, minus_IZR, mult_IZR. ring.
    - replace (x - (2 * IZR g - IZR p) / k - x) with (- ((2 * IZR g - IZR p) * / k)) by (field; lra).
      assert (I : 0 < / k) by now apply Rinv_0_lt_compat. rewrite Rabs_Ropp, Rabs_mult, (Rabs_right (/ k)) by lra.
      rewrite <- (Rmult_1_l (/ k)) at 1. apply Rmult_le_compat_r; [lra|].
      destruct Hg as [-> | ->]; destruct Hp as [-> | [-> | ->]];
        first [rewrite Rabs_right by lra; lra|rewrite Rabs_left by lra; lra]. }
  assert (O1 : odd_half k (w 1%nat)) by (exists 0%Z; rewrite W1, W0; simpl; field; lra).
  destruct (Sign _ O1) as [g1 [S1 E1]].
  assert (M1 := Move (w 1%nat) (w 2%nat) g1 0%Z O1 S1 ltac:(now left) ltac:(rewrite W2, E1; field; lra)).
  assert (All : forall l, (odd_half k (w (S l)) /\ odd_half k (w (S (S l)))) /\ / k <= Rabs (w (S (S l)) - w (S l))).
  { induction l as [|l [[O O'] _]]; [split; [split; [exact O1|apply M1]|apply M1]|].
    destruct (Sign _ O) as [p [Sp Ep]]. destruct (Sign _ O') as [g [Sg Eg]].
    destruct (Move (w (S (S l))) (w (S (S (S l)))) g p O' Sg ltac:(now right)
      ltac:(rewrite Next, Eg, Ep; reflexivity)) as [A B]. easy. }
  intros l. apply All.
Qed.

(** "For some penalty PISA converges on |x|." *)
Theorem V8_without_a_gradient_at_a_kink : ~ exists k, 0 < k /\
  forall (G : line -> line) (w : nat -> line) (local dual : nat -> nat -> line),
  (forall x, x <> 0 -> derivable_pt_lim Rabs x (G x)) -> single k (fun l => G (w l)) w local dual ->
  exists limit, Un_cv w limit.
Proof.
  intros [k [K Claim]]. pose (G := fun x : line => if Rle_dec x 0 then -1 else 1).
  assert (Pos : forall x, 0 < x -> G x = 1) by (intros x X; unfold G; destruct (Rle_dec x 0); lra).
  assert (Neg : forall x, x < 0 -> G x = -1) by (intros x X; unfold G; destruct (Rle_dec x 0); lra).
  destruct (single_exists k G (/ (2 * k)) K) as [w [local [dual [Run W0]]]].
  destruct (Claim G w local dual) as [limit C]; [|exact Run|].
  - intros x X. destruct (Rtotal_order x 0) as [L|[E|L]]; [|easy|].
    + rewrite Neg by exact L. now apply Rabs_derive_2.
    + rewrite Pos by exact L. now apply Rabs_derive_1.
  - assert (I : 0 < / k) by now apply Rinv_0_lt_compat. destruct (C (/ k / 2) ltac:(lra)) as [n N].
    assert (N1 := N (S n) ltac:(lia)). assert (N2 := N (S (S n)) ltac:(lia)). unfold R_dist in *.
    assert (M := kink_run k G w local dual K Pos Neg Run W0 n). revert M. apply Rlt_not_le.
    apply Rabs_def2 in N1, N2. apply Rabs_def1; lra.
Qed.

(** ** No bound on the preconditioner: F = x^2/2, penalty 2 > 3/2, warm start at 1 *)
Definition doubling (l : nat) := (INR l - 1) * 2 ^ l + 2.

Lemma doubling_positive l : 0 < doubling l.
Proof.
  unfold doubling. destruct l as [|l]; [simpl; lra|]. rewrite S_INR. assert (P := pos_INR l).
  assert (Q : 0 < 2 ^ S l) by (apply pow_lt; lra).
  assert (0 <= (INR l + 1 - 1) * 2 ^ S l) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma doubling_run (w : nat -> line) local dual :
  pisa line 1 (fun _ => 1) 0 (fun _ _ => 2) (fun l _ x => doubling l * x)%V (fun l _ => w l) w local dual ->
  w 0%nat = 1 -> dual 0%nat 0%nat = -1 ->
  forall l, w (S l) = (2 - INR l) / 4 /\ dual l 0%nat = - (1 + / 2 ^ l) / 2.
Proof.
  intros Run W0 D0. induction l as [|l [W D]].
  - assert (M := move _ _ _ _ _ _ _ _ _ _ 0 Run). unfold rate, deviation in M. cbn in M.
    rewrite (start _ _ _ _ _ _ _ _ _ _ Run), W0, D0 in M. cbn in *. rewrite D0. split; lra.
  - assert (C := client _ _ _ _ _ _ _ _ _ _ Run l 0%nat Nat.lt_0_1).
    assert (M := multiplier _ _ _ _ _ _ _ _ _ _ Run l 0%nat). assert (Sv := move _ _ _ _ _ _ _ _ _ _ (S l) Run).
    unfold rate in Sv.
    assert (Sv' : 2 * (w (S (S l)) - w (S l)) = 2 * deviation line w local (S l) 0%nat + dual (S l) 0%nat)
      by (cbn -[deviation] in Sv; lra).
    clear Sv. set (d := deviation line w local (S l) 0%nat) in *. clearbody d.
    assert (P : 0 < 2 ^ l) by (apply pow_lt; lra). assert (Q := pos_INR l).
    assert (E : d = / (8 * 2 ^ l)).
    { cbn -[doubling] in C. rewrite W, D in C. apply Rmult_eq_reg_l with (2 + doubling (S l));
        [|assert (N := doubling_positive (S l)); lra].
      replace ((2 + doubling (S l)) * d) with (- (- (1 + / 2 ^ l) / 2 + (2 - INR l) / 4))
        by lra.
      unfold doubling. rewrite S_INR. simpl. field. lra. }
    cbn -[doubling] in M. rewrite E, D in M. rewrite E, M, W in Sv'. rewrite M, S_INR. simpl.
    assert (R : / (8 * 2 ^ l) = / 8 * / 2 ^ l) by (field; lra).
    assert (R' : / (2 * 2 ^ l) = / 2 * / 2 ^ l) by (field; lra). rewrite R in *. rewrite R'. split; lra.
Qed.

(** "At the stable penalty 2 PISA converges on x^2/2 for every sequence of positive preconditioners." *)
Theorem V8_without_a_bound_on_the_preconditioner : ~ forall (q : nat -> R) (w : nat -> line) local dual,
  (forall l, 0 < q l) -> w 0%nat = 1 -> (forall i, dual 0%nat i = - w 0%nat) ->
  pisa line 1 (fun _ => 1) 0 (fun _ _ => 2) (fun l _ x => q l * x)%V (fun l _ => w l) w local dual ->
  exists bound, forall l, Rabs (w l) <= bound.
Proof.
  intros Claim.
  assert (Run := run_exists line 1 (fun _ => 1) 0 (fun _ _ => 2) (fun l _ x => doubling l * x)%V
    (fun l _ y => / (2 + doubling l) * y)%V (fun _ x => x) 1 (fun _ => -1) ltac:(intros; unfold rate; simpl; lra)
    ltac:(intros l i y; assert (N := doubling_positive l); cbn -[doubling]; field; lra)).
  assert (Bound := fun D => Claim doubling _ _ _ doubling_positive eq_refl D Run).
  specialize (Bound ltac:(intros; cbn; lra)). assert (W := doubling_run _ _ _ Run eq_refl eq_refl).
  clear Claim Run. set (w := fun l => fst (fst _)) in *. clearbody w. destruct Bound as [b B].
  destruct (beyond (4 * b + 2)) as [l L]. specialize (B (S l)). destruct (W l) as [E _]. rewrite E in B.
  assert (A := Rle_abs (- ((2 - INR l) / 4))). rewrite Rabs_Ropp in A. lra.
Qed.
Print Assumptions V8_sole_assumption_read_literally.
Print Assumptions V8_without_bounded_sublevel_sets.
Print Assumptions V8_without_a_gradient_at_a_kink.
Print Assumptions V8_without_a_bound_on_the_preconditioner.
