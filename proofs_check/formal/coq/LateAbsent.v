(** N7 (a) and (c) together: clients that are absent at times and late when present. The ages may depend on the
    outcome. *)

From PISA Require Export Participation Late.

(** Young's inequality with u, also where it is 0. *)
Lemma shrunk (V : space) (x h : V) u e : 0 <= u < 1 -> 0 <= e -> ‖x‖² <= u ^ 2 * e ->
  ‖x + h‖² <= u * e + / (1 - u) * ‖h‖².
Proof.
  intros U E X. destruct (Req_dec u 0) as [Z|N].
  - rewrite Z in *. rewrite (norm_zero V x) by lra. right. expand_goal. field.
  - assert (Y := sum_square V x h u ltac:(lra)). assert (I : 0 <= / u) by (apply Rlt_le, Rinv_0_lt_compat; lra).
    assert (K := Rmult_le_compat_l _ _ _ I X). replace (/ u * (u ^ 2 * e)) with (u * e) in K by (field; lra). lra.
Qed.

Section LateAbsent.
Variables (P : probability) (V : space).
Notation H := (random P V).
Variables (m : nat) (weight : nat -> R) (ridge beta chance L least : R) (penalty : nat -> nat -> R).
Variables (rho_Q : nat -> nat -> P -> V -> V) (present : nat -> nat -> P -> bool) (age : nat -> nat -> P -> nat) (tau
  : nat).
Variables (F : nat -> V -> R) (G : nat -> V -> V) (w : nat -> P -> V) (local dual : nat -> nat -> P -> V).
Notation used := (fun l i o => G i (w (l - age l i o)%nat o)).
Notation rate := (rate m weight ridge penalty).
Hypothesis run : partial P V m weight ridge penalty rho_Q present used w local dual.
Hypothesis late : forall l i o, (i < m)%nat -> (age l i o <= tau)%nat.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis penalty_positive : forall l i, (i < m)%nat -> 0 < penalty l i.
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis symmetric : forall l i o x y, (i < m)%nat -> ⟨rho_Q l i o x, y⟩ = ⟨x, rho_Q l i o y⟩.
Hypothesis operators : forall l i o x, (i < m)%nat -> 0 <= ⟨rho_Q l i o x, x⟩ <= beta * penalty l i * ‖x‖².
Hypothesis chance_range : 0 < chance <= 1.
Variable same : nat -> P -> P -> Prop.
Notation u := (u beta chance).
Notation error_of := (error_of P V used dual).
Notation kept_of := (kept_of P V penalty used w local dual).
Notation heard_of := (heard_of P V m weight penalty used w local dual).
Notation likely := (likely P V m chance present used dual same).
Notation held := (fun l => sum m (fun i => weight i * ‖error_of l i‖²)).
Notation path o := (fun l => w l o).
Notation T := (INR tau).

Lemma expected_gap n j : expect (fun o => gap V (path o) n j) = gap H w n j.
Proof. unfold gap. destruct (_ <=? _)%nat; [reflexivity|apply expect_const]. Qed.

Lemma expected_gaps n k (f : nat -> nat) : expect (fun o => sum k (fun j => gap V (path o) n (f j))) = sum k (fun j =>
  gap H w n (f j)).
Proof. rewrite expect_sum. apply sum_ext. intros j _. apply expected_gap. Qed.

Lemma expected_turn l i : (i < m)%nat ->
  expect (fun o => ‖used (S (S l)) i o - used (S l) i o‖²)
    <= L ^ 2 * ((T + 1) * (gap H w (S l) 0 + sum tau (fun j => gap H w (S l) (S j)))).
Proof.
  intros I. rewrite <- expected_gap, <- expected_gaps, <- expect_add, <- !expect_scale. apply expect_le; intros o.
  eapply Rle_trans; [apply (lipschitz _ _ _ _ (F_smooth i I))|]. replace (L ^ 2) with (L * L) by ring.
  apply Rmult_le_compat_l; [nra|]. assert (A := late (S (S l)) i o I). assert (B := late (S l) i o I).
  assert (K := near V (path o) (S l) (age (S (S l)) i o) (S (age (S l) i o)) (S tau) ltac:(lia) ltac:(lia)).
  rewrite S_INR, sum_first in K. exact K.
Qed.

Lemma expected_lag l i : (i < m)%nat ->
  expect (fun o => ‖G i (w (S l) o) - used (S l) i o‖²) <= L ^ 2 * (T * sum tau (fun j => gap H w (S l) (S j))).
Proof.
  intros I. rewrite <- expected_gaps, <- !expect_scale. apply expect_le; intros o.
  eapply Rle_trans; [apply (lipschitz _ _ _ _ (F_smooth i I))|]. replace (L ^ 2) with (L * L) by ring.
  apply Rmult_le_compat_l; [nra|]. exact (near_place V (path o) (S l) _ tau (late (S l) i o I)).
Qed.

Lemma below (f g : nat -> R) : (forall i, (i < m)%nat -> f i <= g i) ->
  sum m (fun i => weight i * f i) <= sum m (fun i => weight i * g i).
Proof. intros E. apply sum_le; intros. apply Rmult_le_compat_l; [now apply weights|auto]. Qed.

Lemma const a : sum m (fun i => weight i * a) = a.
Proof. rewrite (sum_ext m _ (fun i => a * weight i)), sum_scale, (proj2 weights) by (intros; ring). ring. Qed.

Lemma held_nonneg l : 0 <= held l.
Proof. rewrite <- (const 0). apply below. intros; apply inner_nonneg. Qed.

Notation b := (1 / (2 * (1 - u))).
Notation X := (1 / (1 - u) ^ 2).
Notation lag := (fun l => mean H m weight (fun i => (fun o => G i (w (S l) o) - used (S l) i o) : H)%V).

Theorem late_absent_round zeta l : likely l -> 0 < rate (S l) <= rate (S (S l)) ->
  ((1 + / zeta) * T ^ 2 + (1 + zeta) * X * (T + 1) ^ 2) * L ^ 2 <= (rate (S l) - ridge - L) * rate (S l) ->
  late_round H m weight ridge L b X zeta (fun i => pathwise (G i)) w heard_of lag held (fun l => rate (S l)) tau l.
Proof.
  intros Lik Up Large. destruct (u_square beta chance beta_nonneg chance_range) as [_ [_ U]].
  split; [| | |exact (held_nonneg (S l))|exact Up|exact Large].
  - apply functional_extensionality; intros o. cbn. unfold Preconditioned.slope, Participation.heard_of. cbn.
    rewrite !mean_outcome.
    rewrite (server_outcome P V m weight ridge penalty rho_Q present used w local dual run l o).
    rewrite (mean_add _ _ _ (fun i => G i (w (S l) o)) (fun i => -1 * used (S l) i o)%V), mean_scale.
    unfold pathwise. vector.
  - eapply Rle_trans; [apply jensen; apply weights|].
    rewrite <- (const (L ^ 2 * (T * _))). apply below. intros i I. exact (expected_lag l i I).
  - set (t := L ^ 2 * _). assert (He := heard_expected P V m weight ridge beta penalty rho_Q present used w local dual
    run
      weights penalty_positive beta_nonneg symmetric operators l).
    assert (Bp : 0 < b) by (apply Rdiv_lt_0_compat; lra).
    assert (E : held (S l) <= u * held l + / (1 - u) * t).
    { rewrite <- (const (/ (1 - u) * t)), <- sum_scale, <- sum_add.
      rewrite (sum_ext m (fun i => _ + _) (fun i => weight i * (u * ‖error_of l i‖² + / (1 - u) * t))) by (intros;
        ring).
      apply below. intros i I.
      replace (error_of (S l) i) with (kept_of l i + ((fun o => used (S (S l)) i o - used (S l) i o)%V : H))%V.
      2: { apply functional_extensionality; intros o. symmetry.
           exact (error_turns P V m weight ridge penalty rho_Q present used w local dual run l i o). }
      assert (Sh := shrunk H (kept_of l i) ((fun o => used (S (S l)) i o - used (S l) i o)%V : H) u _ U (inner_nonneg
        H _)
        (kept_expected P V m weight ridge beta chance penalty rho_Q present used w local dual run
          penalty_positive beta_nonneg symmetric operators chance_range same l i Lik I)).
      assert (Tu := expected_turn l i I). fold t in Tu.
      assert (I' : 0 <= / (1 - u)) by (apply Rlt_le, Rinv_0_lt_compat; lra).
      assert (K := Rmult_le_compat_l _ _ _ I' Tu). cbn in Sh, K |- *. lra. }
    assert (K := Rmult_le_compat_l b _ _ (Rlt_le _ _ Bp) E).
    cbv beta in *. set (h := sum m (fun i => weight i * ‖error_of l i‖²)) in *.
    replace (b * (u * h + / (1 - u) * t)) with (b * h - / 2 * h + X / 2 * t) in K by (field; lra). lra.
Qed.

Hypothesis bounded : forall x, least <= Preconditioned.objective V m weight ridge F x.

(** E V falls: with X = (1 - sqrt(1 - pi(1 - q^2)))^-2 of N7 (a), (sigma - L)(sigma + lambda) >= L^2 (tau + (tau + 1)
    sqrt X)^2. *)
Theorem N7_late_and_absent N (zeta := T * (1 - u) / (T + 1)) : (1 <= tau)%nat -> 0 < rate (S N) ->
  (forall l, (l < N)%nat -> likely l /\ 0 < rate (S l) <= rate (S (S l)) /\
    ((T + (T + 1) / (1 - sqrt (1 - chance * (1 - (beta / (1 + beta)) ^ 2)))) * L) ^ 2
      <= (rate (S l) - ridge - L) * rate (S l)) ->
  let value l := expect (fun o => Preconditioned.objective V m weight ridge F (w (S l) o)) +
    (1 + zeta) * b / rate (S l) * sum m (fun i => weight i * expect (fun o => ‖used (S l) i o + dual l i o‖²)) +
    charge L X zeta tau / rate (S l) * expect (fun o => sum tau (fun j => (T - INR j) * gap V (path o) (S l) (S j))) in
  (forall l, (l < N)%nat -> value (S l) <= value l -
    expect (fun o => ‖Preconditioned.slope V m weight ridge G (w (S l) o)‖²) / (2 * rate (S l))) /\
  sum N (fun l => expect (fun o => ‖Preconditioned.slope V m weight ridge G (w (S l) o)‖²) / (2 * rate (S l)))
    <= value 0%nat - least.
Proof.
  intros One Pn Rounds value. destruct (u_square beta chance beta_nonneg chance_range) as [_ [_ U]].
  assert (T1 : 1 <= T) by (change 1 with (INR 1); now apply le_INR).
  assert (Z : 0 < zeta) by (unfold zeta; apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; lra|lra]).
  assert (Cs : 0 <= b /\ 0 <= X /\ 0 < zeta).
  { repeat split; [apply quotient; lra|apply quotient; [lra|apply pow_lt; lra]|exact Z]. }
  assert (Sm : forall i, (i < m)%nat -> @smooth H L (expected (F i)) (pathwise (G i)))
    by (intros i I; exact (expected_smooth P V L (F i) (G i) L_positive (F_smooth i I))).
  assert (Each : forall l, (l < N)%nat -> late_round H m weight ridge L b X zeta (fun i => pathwise (G i)) w heard_of
    lag
    held (fun l => rate (S l)) tau l).
  { intros l Ll. destruct (Rounds l Ll) as [Lik [Up Large]]. apply (late_absent_round zeta l Lik Up).
    eapply Rle_trans; [|exact Large]. change (sqrt _) with u. right. unfold zeta. field. lra. }
  assert (Lower := expected_least P V m weight ridge F least bounded).
  assert (Same : forall l, late_potential H m weight ridge L b X zeta (fun i => expected (F i)) w held
    (fun l => rate (S l)) tau l = value l).
  { intros l. unfold late_potential, value. rewrite expected_objective. repeat f_equal. rewrite expect_sum.
    apply sum_ext. intros j _. now rewrite expect_scale, expected_gap. }
  split.
  - intros l Ll. assert (Fall := late_falls H m weight ridge L b X zeta _ _ w _ _ _ _ tau weights L_positive Sm Cs l
    (Each l Ll)).
    rewrite !Same, expected_slope in Fall. exact Fall.
  - assert (Sum := late_sum H m weight ridge L least b X zeta _ _ w _ _ _ _ tau weights L_positive Sm Cs Lower N Pn
      (held_nonneg N) Each).
    rewrite Same in Sum. eapply Rle_trans; [|exact Sum]. right. apply sum_ext. intros l _. now rewrite expected_slope.
Qed.
End LateAbsent.
