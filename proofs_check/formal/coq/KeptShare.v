(** V2-limit-not-stationary and V2-descent-is-not-convergence: from sigma^0 = 4r on the share of the first gradient that
    stays is positive for every gamma < 1, so that the limit is not stationary. *)

From PISA Require Export Share.

Section Kept.
Variables (gamma r sigma start : R) (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis ratio : 0 < gamma < 1.
Hypothesis positives : 0 < r /\ 4 * r <= sigma.
Notation slope := (fun y : line => r * (y - 1))%R.
Hypothesis run : pisa line 1 (fun _ => 1) 0 (fun l _ => sigma / gamma ^ l) (fun _ _ _ => 0%V) (fun l _ => slope (w l))
  w local dual.
Hypothesis cold : dual 0%nat 0%nat = 0.
Hypothesis begin : w 0%nat = start /\ start <> 1.
Notation x := (r / sigma).
Notation share := (share r w).

Lemma both_positive : 0 < r /\ 0 < sigma.
Proof. lra. Qed.

Lemma x_small : 0 < x <= 1/4.
Proof.
  destruct positives as [R S]. split; [apply Rdiv_lt_0_compat; lra|]. apply Rmult_le_reg_r with sigma; [lra|].
  unfold Rdiv at 1. rewrite Rmult_assoc, Rinv_l; lra.
Qed.

(** Each error is between half of the one before and that one. *)
Lemma share_halves l : 0 < share (S l) /\ / 2 * share (S l) <= share (S (S l)) <= share (S l).
Proof.
  destruct (share_moves gamma r sigma start w local dual ratio both_positive run cold begin) as [One Next].
  assert (X := x_small). induction l as [|l [P [Half Down]]].
  - rewrite (Next 0%nat), One. simpl before_share. set (q := x * gamma ^ 1). assert (Q : 0 < q <= 1/4).
    { unfold q. simpl. split; [apply Rmult_lt_0_compat; lra|]. assert (x * (gamma * 1) <= 1/4 * 1) by (apply
      Rmult_le_compat; lra). lra. }
    replace (2 * x * gamma ^ 1) with (2 * q) by (unfold q; ring). lra.
  - assert (Pos : 0 < share (S (S l))) by lra. rewrite (Next (S l)). change (before_share r w (S l)) with (share (S l)).
    assert (G := later_powers gamma ratio (S l)). set (q := x * gamma ^ S (S l)). assert (Q : 0 < q <= 1/4).
    { unfold q. split; [apply Rmult_lt_0_compat; lra|]. assert (x * gamma ^ S (S l) <= 1/4 * 1) by (apply
      Rmult_le_compat; lra). lra. }
    replace (2 * x * gamma ^ S (S l)) with (2 * q) by (unfold q; ring). fold q.
    set (a := share (S (S l))) in *. set (b := share (S l)) in *. clearbody a b q.
    assert (0 <= q * (2 * a - b)) by (apply Rmult_le_pos; lra).
    assert (q * (2 * a - b) <= 1/4 * a) by (apply Rmult_le_compat; lra). repeat split; lra.
Qed.

(** The later factors are at least exp(-4/3 x gamma^l), whose product is positive. *)
Lemma share_above l : share 2 * exp (- (4/3 * x * (gamma ^ 2 - gamma ^ S (S l)) / (1 - gamma))) <= share (S (S l)).
Proof.
  destruct (share_moves gamma r sigma start w local dual ratio both_positive run cold begin) as [One Next].
  assert (X := x_small). induction l as [|l IH].
  - replace (- (4/3 * x * (gamma ^ 2 - gamma ^ 2) / (1 - gamma))) with 0 by (field; lra). rewrite exp_0. lra.
  - destruct (share_halves l) as [P [Half Down]]. assert (G := later_powers gamma ratio (S l)).
    set (q := x * gamma ^ S (S l)) in *. assert (Q : 0 < q <= 1/4).
    { unfold q. split; [apply Rmult_lt_0_compat; lra|]. assert (x * gamma ^ S (S l) <= 1/4 * 1) by (apply
      Rmult_le_compat; lra). lra. }
    assert (Step : exp (- (4/3 * q)) <= 1 - q).
    { rewrite exp_Ropp. assert (E := exp_ineq1 (4/3 * q) ltac:(lra)). assert (Ep := exp_pos (4/3 * q)).
      apply Rmult_le_reg_r with (exp (4/3 * q)); [exact Ep|]. rewrite Rinv_l by lra.
      apply Rle_trans with ((1 - q) * (1 + 4/3 * q)); [nra|]. apply Rmult_le_compat_l; lra. }
    assert (Sum : - (4/3 * x * (gamma ^ 2 - gamma ^ S (S (S l))) / (1 - gamma))
      = - (4/3 * x * (gamma ^ 2 - gamma ^ S (S l)) / (1 - gamma)) + - (4/3 * q)).
    { unfold q. replace (gamma ^ S (S (S l))) with (gamma * gamma ^ S (S l)) by easy. field. lra. }
    rewrite Sum, exp_plus, <- Rmult_assoc. apply Rle_trans with (share (S (S l)) * (1 - q)).
    + apply Rmult_le_compat; [|apply Rlt_le, exp_pos|exact IH|exact Step].
      apply Rmult_le_pos; [|apply Rlt_le, exp_pos]. destruct (share_halves 0) as [P0 [H0 _]]. lra.
    + rewrite (Next (S l)). change (before_share r w (S l)) with (share (S l)).
      replace (2 * x * gamma ^ S (S l)) with (2 * q) by (unfold q; ring). fold q.
      set (a := share (S (S l))) in *. set (b := share (S l)) in *. assert (0 <= q * (b - a)) by (apply Rmult_le_pos;
        lra). lra.
Qed.

(** The share that stays, from below, and that it is positive. *)
Theorem V2_share_at_least :
  (1 - 2 * x * gamma) * exp (- (4 * x * gamma ^ 2 / (3 * (1 - gamma)))) <= A gamma ratio x /\ 0 < A gamma ratio x.
Proof.
  assert (X := x_small). destruct (share_halves 0) as [P0 [H0 _]].
  set (kept := share 2 * exp (- (4/3 * x * gamma ^ 2 / (1 - gamma)))).
  assert (K : 0 < kept) by (apply Rmult_lt_0_compat; [lra|apply exp_pos]).
  assert (Above : forall l, kept <= share (S (S l))).
  { intros l. eapply Rle_trans; [|apply share_above]. unfold kept. apply Rmult_le_compat_l; [lra|].
    assert (G := later_powers gamma ratio (S l)).
    assert (Le : - (4/3 * x * gamma ^ 2 / (1 - gamma)) <= - (4/3 * x * (gamma ^ 2 - gamma ^ S (S l)) / (1 - gamma))).
    { apply Ropp_le_contravar. unfold Rdiv. apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; lra|].
      apply Rmult_le_compat_l; lra. }
    destruct Le as [Lt| ->]; [apply Rlt_le, exp_increasing, Lt|lra]. }
  destruct (V2_share gamma r sigma start w local dual ratio both_positive run cold begin) as [_ C].
  assert (Two : share 2 = 1 - 2 * x * gamma).
  { destruct (share_moves gamma r sigma start w local dual ratio both_positive run cold begin) as [One Next].
    rewrite (Next 0%nat), One. simpl before_share. simpl pow. ring. }
  assert (Equal : (1 - 2 * x * gamma) * exp (- (4 * x * gamma ^ 2 / (3 * (1 - gamma)))) = kept).
  { unfold kept. rewrite Two. do 2 f_equal. field. lra. }
  enough (B : kept <= A gamma ratio x) by (rewrite Equal; lra). apply Rnot_lt_le. intros Lt.
  destruct (C (kept - A gamma ratio x) ltac:(lra)) as [N H]. specialize (H (S N) ltac:(lia)). unfold R_dist in H.
  specialize (Above N). rewrite Rabs_right in H; lra.
Qed.
End Kept.

(** "With gamma < 1 and sigma^0 = 8r the limit is a stationary point", on r(w - 1)^2/2: for no gamma, and for no
    sigma^0 >= 4r, from no start but the minimiser. *)
Theorem V2_limit_not_stationary gamma r sigma start : 0 < gamma < 1 -> 0 < r /\ 4 * r <= sigma -> start <> 1 ->
  forall (w : nat -> line) local dual,
  pisa line 1 (fun _ => 1) 0 (fun l _ => sigma / gamma ^ l) (fun _ _ _ => 0%V) (fun l _ => (r * (w l - 1))%R) w local
    dual ->
  dual 0%nat 0%nat = 0 -> w 0%nat = start ->
  exists limit, Un_cv (fun l => r * (w (S l) - 1)) limit /\ limit <> 0.
Proof.
  intros G P N w local dual Run Cold W0.
  assert (Pos := proj2 (V2_share_at_least gamma r sigma start w local dual G P Run Cold (conj W0 N))).
  destruct (V2_share gamma r sigma start w local dual G ltac:(lra) Run Cold (conj W0 N)) as [_ C].
  assert (Nz : r * (start - 1) <> 0) by (apply Rmult_integral_contrapositive_currified; lra).
  exists (r * (start - 1) * A gamma G (r / sigma)). split.
  - apply (Un_cv_ext (fun l => r * (start - 1) * share r w (S l))).
    + intros l. unfold share. rewrite W0. field. lra.
    + apply CV_mult; [apply constant|exact C].
  - apply Rmult_integral_contrapositive_currified; [exact Nz|lra].
Qed.
(** V1-rate-of-optimisation: "the distance to the minimiser shrinks at the rate gamma of the penalty"; it does not
  shrink
    to 0 at all. *)
Theorem V1_rate_of_optimisation_refuted gamma r : 0 < gamma < 1 -> 0 < r -> ~ exists C, forall (w : nat -> line) local
  dual,
  pisa line 1 (fun _ => 1) 0 (fun l _ => 8 * r / gamma ^ l) (fun _ _ _ => 0%V) (fun l _ => (r * (w l - 1))%R) w local
    dual ->
  dual 0%nat 0%nat = 0 -> w 0%nat = 0 -> forall l, Rabs (w (S l) - 1) <= C * gamma ^ S l.
Proof.
  intros G P [C Claim]. destruct (share_inhabited gamma r (8 * r) 0 G ltac:(lra)) as [w [local [dual [Run [Cold W0]]]]].
  destruct (V2_limit_not_stationary gamma r (8 * r) 0 G ltac:(lra) ltac:(lra) w local dual Run Cold W0) as [limit [Cv
    N]].
  apply N. apply (UL_sequence _ _ _ Cv). assert (Z := shrinks gamma G (r * C)).
  intros e E. destruct (Z e E) as [n H]. exists n. intros l I. specialize (H l I). unfold R_dist in *. rewrite
    Rminus_0_r in *.
  assert (B := Claim w local dual Run Cold W0 l). rewrite Rabs_mult, (Rabs_right r) by lra.
  assert (A := Rle_abs (r * C * gamma ^ S l)). assert (r * Rabs (w (S l) - 1) <= r * (C * gamma ^ S l))
    by (apply Rmult_le_compat_l; lra). cbn in *. lra.
Qed.
Print Assumptions V2_limit_not_stationary.
