(** V2-descent-is-not-convergence: on r(w - 1)^2/2 with sigma^l = sigma^0/gamma^l the augmented Lagrangian falls in
  every
    round, and the limit is not stationary. *)

From PISA Require Export KeptShare Lagrangian.

(** ** The augmented Lagrangian falls in every round all the same *)
Section Falls.
Variables (gamma r sigma start : R) (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis ratio : 0 < gamma < 1.
Hypothesis positives : 0 < r /\ 4 * r <= sigma.
Notation slope := (fun y : line => r * (y - 1))%R.
Notation penalty := (fun l (_ : nat) => sigma / gamma ^ l).
Hypothesis run : pisa line 1 (fun _ => 1) 0 penalty (fun _ _ _ => 0%V) (fun l _ => slope (w l)) w local dual.
Hypothesis cold : dual 0%nat 0%nat = 0.
Hypothesis begin : w 0%nat = start /\ start <> 1.
Notation x := (r / sigma).
Notation share := (share r w).
Definition valley (y : line) : R := (r / 2 * ((y - 1) * (y - 1)))%R.

(** In shares of the first error: e^2/2 + (y + y^2)/2 (e - e_before)^2, y = r/sigma^l. *)
Lemma lagrangian_in_shares l : lagrangian line 1 (fun _ => 1) 0 penalty (fun _ => valley) w local dual (S l)
  = r * (start - 1) ^ 2 / 2 * (share (S l) ^ 2 + (x * gamma ^ S l + (x * gamma ^ S l) ^ 2) * (share (S l) -
    before_share r w l) ^ 2).
Proof.
  destruct begin as [W0 N]. assert (P := later_powers gamma ratio l). assert (Nz : start - 1 <> 0) by lra.
  assert (E : forall k, w k = 1 + (start - 1) * share k) by (intros k; apply Rminus_diag_uniq; unfold Share.share;
    rewrite W0; field; split; lra).
  assert (D : forall k, dual k 0%nat = - (r * ((start - 1) * before_share r w k))).
  { intros [|k]; [simpl; rewrite cold; apply Rminus_diag_uniq; ring|]. simpl before_share.
    assert (C := client _ _ _ _ _ _ _ _ _ _ run k 0%nat Nat.lt_0_1). assert (M := multiplier _ _ _ _ _ _ _ _ _ _ run k
      0%nat).
    unfold deviation in C, M. cbn -[pow] in C, M. rewrite (E (S k)) in C, M. cbn -[pow] in *. lra. }
  assert (C := client _ _ _ _ _ _ _ _ _ _ run l 0%nat Nat.lt_0_1). unfold lagrangian, valley, deviation in *.
  cbn -[pow] in C |- *. rewrite (D (S l)), (D l), (E (S l)) in *. simpl before_share.
  set (q := gamma ^ S l) in *. set (e := share (S l)) in *. set (f := before_share r w l) in *.
  set (y := local (S l) 0%nat) in *. clearbody q e f y. cbn in *. set (c := start - 1) in *.
  assert (Y : y = 1 + c * e + - (r * (c * (e - f))) * q / sigma).
  { apply Rplus_eq_reg_l with (-1 * (1 + c * e)). apply Rmult_eq_reg_l with (sigma / q); [|apply Rgt_not_eq,
    Rdiv_lt_0_compat; lra].
    replace (sigma / q * (-1 * (1 + c * e) + (1 + c * e + - (r * (c * (e - f))) * q / sigma))) with (- (r * (c * (e -
      f)))) by (field; lra).
    lra. }
  rewrite Y. field. lra.
Qed.

Theorem V2_lagrangian_falls l : lagrangian line 1 (fun _ => 1) 0 penalty (fun _ => valley) w local dual (S (S l))
  <= lagrangian line 1 (fun _ => 1) 0 penalty (fun _ => valley) w local dual (S l).
Proof.
  rewrite !lagrangian_in_shares. assert (B := both_positive r sigma positives).
  destruct (share_moves gamma r sigma start w local dual ratio B run cold begin) as [One Next].
  destruct (share_halves gamma r sigma start w local dual ratio positives run cold begin l) as [P [Half Down]].
  assert (X := x_small r sigma positives). assert (G := later_powers gamma ratio l). assert (G' := later_powers gamma
    ratio (S l)).
  apply Rmult_le_compat_l; [apply quotient; [apply Rmult_le_pos; [lra|apply pow2_ge_0]|lra]|].
  simpl before_share. rewrite (Next l) in *. set (f := before_share r w l) in *. set (e := share (S l)) in *.
  set (y := x * gamma ^ S l) in *. set (z := x * gamma ^ S (S l)).
  replace (2 * x * gamma ^ S l) with (2 * y) in * by (unfold y; ring).
  assert (Y : 0 < y <= 1/4).
  { unfold y. split; [apply Rmult_lt_0_compat; lra|]. assert (x * gamma ^ S l <= 1/4 * 1) by (apply Rmult_le_compat;
    lra). lra. }
  assert (Z : 0 < z <= 1/4).
  { unfold z. split; [apply Rmult_lt_0_compat; lra|]. assert (x * gamma ^ S (S l) <= 1/4 * 1) by (apply
    Rmult_le_compat; lra). lra. }
  clearbody f e y z. set (t := 2 * e - f). replace ((1 - 2 * y) * e + y * f) with (e - y * t) in * by (unfold t; ring).
  replace (e - y * t - e) with (- (y * t)) by ring.
  assert (T1 : 0 <= y * t <= / 2 * e) by lra. set (s := y * t) in *. clearbody s.
  assert (Q : (z + z ^ 2) * (- s) ^ 2 <= 1 * s ^ 2) by (replace ((- s) ^ 2) with (s ^ 2) by ring; apply
    Rmult_le_compat_r; nra).
  assert (Old : 0 <= (y + y ^ 2) * (e - f) ^ 2) by (apply Rmult_le_pos; [nra|apply pow2_ge_0]). nra.
Qed.
End Falls.

(** "An augmented Lagrangian that falls in every round means that the limit is stationary" (gamma = 3/4, sigma^0 =
  8r). *)
Theorem V2_descent_is_not_convergence : ~ forall (F : line -> R) (G : line -> line) (w : nat -> line)
  (local dual : nat -> nat -> line) limit, smooth 1 F G -> convex F ->
  pisa line 1 (fun _ => 1) 0 (fun l _ => 8 / (3/4) ^ l) (fun _ _ _ => 0%V) (fun l _ => G (w l)) w local dual ->
  dual 0%nat 0%nat = 0 -> (forall l, (1 <= l)%nat ->
    lagrangian line 1 (fun _ => 1) 0 (fun l _ => 8 / (3/4) ^ l) (fun _ => F) w local dual (S l)
    <= lagrangian line 1 (fun _ => 1) 0 (fun l _ => 8 / (3/4) ^ l) (fun _ => F) w local dual l) ->
  Un_cv (fun l => G (w (S l))) limit -> limit = 0.
Proof.
  intros Claim. destruct (share_inhabited (3/4) 1 8 0 ltac:(lra) ltac:(lra)) as [w [local [dual [Run [Cold W0]]]]].
  destruct (V2_limit_not_stationary (3/4) 1 8 0 ltac:(lra) ltac:(lra) ltac:(lra) w local dual Run Cold W0) as [limit
    [C N]].
  apply N. apply (Claim (valley 1) (fun y => 1 * (y - 1))%R w local dual limit); auto.
  - split; [|intros y z; cbn in *; nra]. apply (gradient_of_remainder line (/ 2)); [lra|]. intros y v. unfold valley.
    cbn in *.
    replace (_ - _ - _) with (/ 2 * (v * v)) by field. rewrite Rabs_right; nra.
  - intros y z t T. unfold valley. cbn in *. assert (0 <= t * (1 - t) * (y - z) ^ 2) by (apply Rmult_le_pos;
    [nra|apply pow2_ge_0]). lra.
  - intros [|l] L; [lia|].
    apply (V2_lagrangian_falls (3/4) 1 8 0 w local dual ltac:(lra) ltac:(lra) Run Cold ltac:(split; [exact W0|lra])).
Qed.
Print Assumptions V2_descent_is_not_convergence.
