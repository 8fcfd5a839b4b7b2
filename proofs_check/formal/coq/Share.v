(** V2-share-is-a-basic-hypergeometric-series: with penalties sigma^0/gamma^l on r(w - 1)^2/2 the gradients tend to a
  share
    of the first, the sum over n of the products of -x gamma^k (2 - gamma^k)/(1 - gamma^k) over k <= n, x = r/sigma^0.

    e_l A_(l-1) + x gamma^l e_(l-1) A_l is the same for every l, where A_l is the series at x gamma^l, which tends to
      1. *)

From PISA Require Export Algorithm.

Section Series.
Variables gamma : R.
Hypothesis ratio : 0 < gamma < 1.

Lemma powers n : 0 < gamma ^ n <= 1.
Proof. split; [apply pow_lt; lra|]. assert (P := pow_incr gamma 1 n ltac:(lra)). now rewrite pow1 in P. Qed.
Lemma later_powers n : 0 < gamma ^ S n < 1.
Proof. simpl. assert (P := powers n). split; [nra|]. apply Rle_lt_trans with (gamma * 1); [apply Rmult_le_compat_l|];
  lra. Qed.

(** The coefficients, and the series. *)
Fixpoint coefficient n := match n with O => 1 | S m => coefficient m * (- gamma ^ n * (2 - gamma ^ n) / (1 - gamma ^
  n)) end.
Definition partial y N := sum_f_R0 (fun n => coefficient n * y ^ n) N.

Lemma coefficient_nonzero n : coefficient n <> 0.
Proof.
  induction n as [|n IH]; [simpl; lra|]. cbn [coefficient]. assert (P := later_powers n).
  apply Rmult_integral_contrapositive_currified; [exact IH|]. unfold Rdiv.
  apply Rmult_integral_contrapositive_currified; [nra|]. apply Rinv_neq_0_compat; lra.
Qed.

Lemma ratios n : Rabs (coefficient (S n) / coefficient n) <= 2 / (1 - gamma) * gamma ^ S n.
Proof.
  assert (N := coefficient_nonzero n). assert (P := later_powers n). cbn [coefficient].
  set (q := gamma ^ S n) in *. replace (coefficient n * (- q * (2 - q) / (1 - q)) / coefficient n) with (- (q * (2 -
    q) / (1 - q)))
    by (field; lra). assert (Q : q <= gamma).
  { unfold q. simpl. assert (H := powers n). apply Rle_trans with (gamma * 1); [apply Rmult_le_compat_l|]; lra. }
  assert (Pos : 0 <= q * (2 - q) / (1 - q)) by (apply quotient; nra).
  rewrite Rabs_Ropp, Rabs_right by lra. replace (2 / (1 - gamma) * q) with (q * (2 * / (1 - gamma))) by (field; lra).
  replace (q * (2 - q) / (1 - q)) with (q * ((2 - q) * / (1 - q))) by (field; lra). apply Rmult_le_compat_l; [lra|].
  apply Rmult_le_compat; try lra; [apply Rlt_le, Rinv_0_lt_compat; lra|]. apply Rinv_le_contravar; lra.
Qed.

Lemma shrinks C : Un_cv (fun n => C * gamma ^ S n) 0.
Proof.
  intros e E. assert (K : 0 < e / (Rabs C + 1)) by (apply Rdiv_lt_0_compat; [lra|assert (P := Rabs_pos C); lra]).
  destruct (pow_lt_1_zero gamma ltac:(rewrite Rabs_right; lra) _ K) as [N H]. exists N. intros n I. unfold R_dist.
  rewrite Rminus_0_r, Rabs_mult. specialize (H (S n) ltac:(lia)). assert (P := Rabs_pos C).
  apply (Rmult_lt_compat_r (Rabs C + 1)) in H; [|lra]. unfold Rdiv in H. rewrite Rmult_assoc, Rinv_l in H by lra.
  assert (Q := Rabs_pos (gamma ^ S n)). nra.
Qed.

Lemma squeeze (f g : nat -> R) : (forall n, 0 <= f n <= g n) -> Un_cv g 0 -> Un_cv f 0.
Proof.
  intros B C e E. destruct (C e E) as [N H]. exists N. intros n I. specialize (H n I). specialize (B n). unfold R_dist
    in *.
  rewrite Rminus_0_r in *. rewrite Rabs_right in * by lra. lra.
Qed.

Lemma ratios_vanish : Un_cv (fun n => Rabs (coefficient (S n) / coefficient n)) 0.
Proof. apply (squeeze _ (fun n => 2 / (1 - gamma) * gamma ^ S n)); [|apply shrinks]. intros n. split; [apply
  Rabs_pos|apply ratios]. Qed.

Lemma converges y : {A | Un_cv (partial y) A}.
Proof. destruct (Alembert_C3 coefficient y coefficient_nonzero ratios_vanish) as [A C]. exists A. exact C. Defined.
Definition A y := proj1_sig (converges y).
Lemma A_limit y : Un_cv (partial y) (A y).
Proof. exact (proj2_sig (converges y)). Qed.

Lemma partial_next y N : partial y (S N) = partial (gamma * y) (S N) - 2 * gamma * y * partial (gamma * y) N
  + gamma ^ 2 * y * partial (gamma ^ 2 * y) N.
Proof.
  assert (Term : forall n, coefficient (S n) * y ^ S n = coefficient (S n) * (gamma * y) ^ S n
    - 2 * gamma * y * (coefficient n * (gamma * y) ^ n) + gamma ^ 2 * y * (coefficient n * (gamma ^ 2 * y) ^ n)).
  { intros n. rewrite !Rpow_mult_distr, <- pow_mult. replace (2 * n)%nat with (n + n)%nat by lia. rewrite pow_add.
    assert (P := later_powers n). cbn [coefficient]. simpl pow in *. set (q := gamma ^ n) in *. field. lra. }
  unfold partial. induction N as [|N IH].
  - cbn [sum_f_R0]. rewrite Term. simpl. ring.
  - rewrite tech5, IH, Term, !(tech5 _ (S N)), !(tech5 _ N). cbv beta. ring.
Qed.

Lemma limit_next (f : nat -> R) c : Un_cv f c -> Un_cv (fun n => f (S n)) c.
Proof. intros C e E. destruct (C e E) as [N H]. exists N. intros n I. apply H. lia. Qed.

Lemma constant c : Un_cv (fun _ => c) c.
Proof. intros e E. exists 0%nat. intros. unfold R_dist. rewrite Rminus_diag_eq, Rabs_R0 by easy. easy. Qed.

(** The equation of the share, and A(0) = 1 approached at a linear rate. *)
Theorem A_next y : A y = (1 - 2 * gamma * y) * A (gamma * y) + gamma ^ 2 * y * A (gamma ^ 2 * y).
Proof.
  assert (L := limit_next _ _ (A_limit y)). apply (UL_sequence _ _ _ L).
  replace ((1 - 2 * gamma * y) * A (gamma * y)) with (A (gamma * y) - 2 * gamma * y * A (gamma * y)) by ring.
  apply (Un_cv_ext (fun N => partial (gamma * y) (S N) - 2 * gamma * y * partial (gamma * y) N
    + gamma ^ 2 * y * partial (gamma ^ 2 * y) N)); [intros N; symmetry; apply partial_next|].
  apply CV_plus; [apply CV_minus; [apply limit_next, A_limit|]|]; apply CV_mult; try apply constant; apply A_limit.
Qed.

Theorem A_near_1 x : 0 <= x -> exists T, forall y, 0 <= y <= 1 -> Rabs (A (y * x) - 1) <= y * T.
Proof.
  intros X. destruct (Alembert_C3 (fun n => Rabs (coefficient n)) x) as [T C].
  - intros n. apply Rabs_no_R0, coefficient_nonzero.
  - apply (Un_cv_ext (fun n => Rabs (coefficient (S n) / coefficient n))); [|exact ratios_vanish].
    intros n. unfold Rdiv. now rewrite !Rabs_mult, Rabs_inv, !Rabs_Rabsolu, Rabs_inv, Rabs_Rabsolu.
  - exists T. intros y Y. assert (B : forall N, Rabs (partial (y * x) N - 1) <= y * sum_f_R0 (fun n => Rabs
    (coefficient n) * x ^ n) N).
    { induction N as [|N IH]; unfold partial in *; [simpl; rewrite Rabs_R1; replace (1 * 1 - 1) with 0 by ring;
      rewrite Rabs_R0; lra|].
      rewrite !tech5. rewrite Rmult_plus_distr_l.
      replace (sum_f_R0 (fun n => coefficient n * (y * x) ^ n) N + coefficient (S N) * (y * x) ^ S N - 1)
        with ((sum_f_R0 (fun n => coefficient n * (y * x) ^ n) N - 1) + coefficient (S N) * (y * x) ^ S N) by ring.
      eapply Rle_trans; [apply Rabs_triang|]. apply Rplus_le_compat; [exact IH|]. rewrite Rabs_mult, Rpow_mult_distr.
      assert (Px := pow_le x (S N) X). assert (Py := pow_le y N (proj1 Y)). assert (Py1 := pow_incr y 1 N Y). rewrite
        pow1 in Py1.
      rewrite (Rabs_right (y ^ S N * x ^ S N)) by (apply Rle_ge, Rmult_le_pos; [apply pow_le|]; lra).
      replace (y * (Rabs (coefficient (S N)) * x ^ S N)) with (Rabs (coefficient (S N)) * (y * x ^ S N)) by ring.
      apply Rmult_le_compat_l; [apply Rabs_pos|]. apply Rmult_le_compat_r; [easy|]. simpl. nra. }
    assert (L : Un_cv (fun N => Rabs (partial (y * x) N - 1)) (Rabs (A (y * x) - 1)))
      by (apply cv_cvabs, CV_minus; [apply A_limit|apply constant]).
    assert (L' : Un_cv (fun N => y * sum_f_R0 (fun n => Rabs (coefficient n) * x ^ n) N) (y * T))
      by (apply CV_mult; [apply constant|exact C]).
    exact (Rle_cv_lim B L L').
Qed.
End Series.

(** The terms are those of the basic hypergeometric series 1phi1(gamma/2; 0; gamma, 2 gamma x):
    (a; q)_n is the product of 1 - a q^k over k < n. *)
Fixpoint shifted a q n := match n with O => 1 | S m => shifted a q m * (1 - a * q ^ m) end.
Lemma hypergeometric gamma x n : 0 < gamma < 1 -> coefficient gamma n * x ^ n
  = shifted (gamma / 2) gamma n / shifted gamma gamma n * ((-1) ^ n * gamma ^ (n * (n - 1) / 2) * (2 * gamma * x) ^ n).
Proof.
  intros G. assert (Tri : forall n, (S n * (S n - 1) / 2 = n * (n - 1) / 2 + n)%nat).
  { intros k. replace (S k * (S k - 1))%nat with (k * (k - 1) + k * 2)%nat; [apply Nat.div_add; lia|].
    destruct k as [|k]; [reflexivity|]. simpl Nat.sub. rewrite Nat.sub_0_r. lia. }
  assert (P : forall n, 0 < shifted gamma gamma n).
  { induction n0 as [|k IH]; [simpl; lra|]. cbn [shifted]. assert (Q := later_powers gamma G k). simpl in Q.
    apply Rmult_lt_0_compat; lra. }
  induction n as [|n IH]; [simpl; field|]. rewrite Tri, pow_add. cbn [coefficient shifted].
  replace (x ^ S n) with (x * x ^ n) by easy. replace ((2 * gamma * x) ^ S n) with (2 * gamma * x * (2 * gamma * x) ^
    n) by easy.
  replace ((-1) ^ S n) with (-1 * (-1) ^ n) by easy. replace (gamma ^ S n) with (gamma * gamma ^ n) by easy.
  assert (Q := later_powers gamma G n). simpl in Q. assert (Pn := P n). set (q := gamma ^ n) in *.
  transitivity (coefficient gamma n * x ^ n * (x * (- (gamma * q) * (2 - gamma * q) / (1 - gamma * q)))); [field; lra|].
  rewrite IH. field. lra.
Qed.

(** ** The run: F = r (w - 1)^2/2, sigma^l = sigma/gamma^l, cold start *)
Section Run.
Variables (gamma r sigma start : R) (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis ratio : 0 < gamma < 1.
Hypothesis positives : 0 < r /\ 0 < sigma.
Notation slope := (fun y : line => r * (y - 1))%R.
Hypothesis run : pisa line 1 (fun _ => 1) 0 (fun l _ => sigma / gamma ^ l) (fun _ _ _ => 0%V) (fun l _ => slope (w l))
  w local dual.
Hypothesis cold : dual 0%nat 0%nat = 0.
Hypothesis begin : w 0%nat = start /\ start <> 1.
Notation x := (r / sigma).
(** e^l = F'(w^l)/F'(w^0) *)
Definition share l := slope (w l) / slope (w 0%nat).
(** e^0 := 0 in the recursion. *)
Definition before_share l := match l with O => 0 | S _ => share l end.

Lemma share_moves : share 1 = 1 /\
  forall l, share (S (S l)) = (1 - 2 * x * gamma ^ S l) * share (S l) + x * gamma ^ S l * before_share l.
Proof.
  destruct positives as [R S]. destruct begin as [W0 N].
  assert (D : forall l, dual (Datatypes.S l) 0%nat = - slope (w (Datatypes.S l)) /\ w (Datatypes.S (Datatypes.S l))
    = w (Datatypes.S l) - (2 * slope (w (Datatypes.S l)) + dual l 0%nat) * gamma ^ Datatypes.S l / sigma).
  { intros l. assert (C := client _ _ _ _ _ _ _ _ _ _ run l 0%nat Nat.lt_0_1). assert (M := multiplier _ _ _ _ _ _ _ _
    _ _ run l 0%nat).
    assert (Sv := server _ _ _ _ _ _ _ _ _ _ run (Datatypes.S l)). unfold rate, mean, deviation in *.
    cbn -[pow] in C, M, Sv. assert (P := later_powers gamma ratio l). set (q := gamma ^ Datatypes.S l) in *.
    set (y := local (Datatypes.S l) 0%nat) in *. set (e := dual (Datatypes.S l) 0%nat) in *.
    set (z := w (Datatypes.S l)) in *. set (z' := w (Datatypes.S (Datatypes.S l))) in *.
    set (p := dual l 0%nat) in *. clearbody q y e z z' p. cbn in *.
    assert (Pq : 0 < sigma / q) by (apply Rdiv_lt_0_compat; lra).
    assert (Y : sigma / q * (y + -1 * z) = - (p + r * (z - 1))) by lra.
    assert (E : e = - (r * (z - 1))) by lra. split; [exact E|]. apply Rmult_eq_reg_l with (sigma / q); [|lra].
    replace (sigma / q * (z - (2 * (r * (z - 1)) + p) * q / sigma)) with (sigma / q * z - (2 * (r * (z - 1)) + p)) by
      (field; lra).
    rewrite E in Sv. lra. }
  assert (W1 : w 1%nat = start).
  { assert (Sv := server _ _ _ _ _ _ _ _ _ _ run 0%nat). unfold rate, mean in Sv. cbn in Sv.
    rewrite !(Algorithm.start _ _ _ _ _ _ _ _ _ _ run), cold, W0 in Sv. unfold Rdiv in Sv. rewrite Rinv_1 in Sv. cbn
      in *.
    apply Rmult_eq_reg_l with sigma; lra. }
  assert (Nz : r * (start - 1) <> 0) by (apply Rmult_integral_contrapositive_currified; lra).
  unfold share, before_share. rewrite W1, W0. split; [field; lra|]. intros [|l].
  - rewrite (proj2 (D 0%nat)), cold, W1. unfold share. cbn. field. lra.
  - rewrite (proj2 (D (Datatypes.S l))), (proj1 (D l)). unfold share. rewrite W0.
    set (a := w (Datatypes.S (Datatypes.S l))). set (b := w (Datatypes.S l)). set (q := gamma ^ _). clearbody a b q.
      cbn in *.
    field. lra.
Qed.

Notation at_step l := (A gamma ratio (gamma ^ l * x)).
Lemma invariant l : share (S l) * at_step l + x * gamma ^ S l * before_share l * at_step (S l) = A gamma ratio x.
Proof.
  destruct share_moves as [One Next]. induction l as [|l IH].
  - rewrite One. simpl before_share. replace (gamma ^ 0 * x) with x by (simpl; ring). ring.
  - rewrite <- IH. rewrite (A_next gamma ratio (gamma ^ l * x)), Next. simpl before_share.
    replace (gamma * (gamma ^ l * x)) with (gamma ^ S l * x) by (simpl; ring).
    replace (gamma ^ 2 * (gamma ^ l * x)) with (gamma ^ S (S l) * x) by (simpl; ring).
    set (a := at_step (S l)). set (a' := at_step (S (S l))). simpl pow. ring.
Qed.

Lemma x_positive : 0 < x.
Proof. destruct positives. apply Rdiv_lt_0_compat; lra. Qed.

Lemma share_bounded l : Rabs (share (S l)) <= exp (3 * x / (1 - gamma)) /\ Rabs (before_share l) <= exp (3 * x / (1 -
  gamma)).
Proof.
  assert (X := x_positive). set (b l := 3 * x * (1 - gamma ^ S l) / (1 - gamma)).
  assert (Small : forall l, Rabs (share (S l)) <= exp (b l) /\ Rabs (before_share l) <= exp (b l)).
  { destruct share_moves as [One Next]. assert (Pos : forall l, 0 <= b l).
    { intros j. unfold b. assert (P := later_powers gamma ratio j). apply quotient; [apply Rmult_le_pos|]; lra. }
    assert (Above : forall t, 0 <= t -> 1 + t <= exp t).
    { intros t T. destruct (Req_dec t 0) as [->|N]; [rewrite exp_0; lra|apply Rlt_le, exp_ineq1, N]. }
    induction l0 as [|j [H1 H2]].
    - rewrite One, Rabs_R1. simpl before_share. rewrite Rabs_R0. assert (H := Above (b 0%nat) (Pos 0%nat)).
      assert (P := Pos 0%nat). lra.
    - assert (P := later_powers gamma ratio j). set (q := x * gamma ^ S j). assert (Q : 0 <= q) by (apply
      Rmult_le_pos; lra).
      assert (Grow : exp (b (S j)) = exp (b j) * exp (3 * q)).
      { rewrite <- exp_plus. f_equal. unfold b, q. replace (gamma ^ S (S j)) with (gamma * gamma ^ S j) by easy.
        field. lra. }
      assert (E := exp_pos (b j)). assert (E' := Above (3 * q) ltac:(lra)). rewrite Grow. split.
      + rewrite Next. replace (2 * x * gamma ^ S j) with (2 * q) by (unfold q; ring). fold q.
        eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult, (Rabs_right q) by lra.
        assert (B : Rabs (1 - 2 * q) <= 1 + 2 * q) by (apply Rabs_le; lra). assert (N := Rabs_pos (share (S j))). nra.
      + simpl before_share. nra. }
  destruct (Small l) as [H1 H2]. assert (P := later_powers gamma ratio l).
  assert (Le : b l <= 3 * x / (1 - gamma)).
  { unfold b, Rdiv. apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; lra|]. nra. }
  assert (exp (b l) <= exp (3 * x / (1 - gamma))) by (destruct Le as [Lt| ->]; [apply Rlt_le, exp_increasing,
    Lt|lra]). lra.
Qed.

(** The claim: the shares tend to the series at x = r/sigma^0. *)
Theorem V2_share : Un_cv (partial gamma x) (A gamma ratio x) /\ Un_cv (fun l => share (S l)) (A gamma ratio x).
Proof.
  split; [apply A_limit|]. assert (X := x_positive). destruct (A_near_1 gamma ratio x ltac:(lra)) as [T Near].
  set (K := exp (3 * x / (1 - gamma))). assert (PK : 0 < K) by apply exp_pos.
  assert (PT : 0 <= T) by (assert (H := Near 1 ltac:(lra)); assert (Q := Rabs_pos (A gamma ratio (1 * x) - 1)); lra).
  set (C := (K * T + x * K * (1 + T)) / gamma).
  assert (Close : forall l, Rabs (share (S l) - A gamma ratio x) <= C * gamma ^ S l).
  { intros l. rewrite <- (invariant l). destruct (share_bounded l) as [H1 H2]. fold K in H1, H2.
    assert (P := powers gamma ratio l). assert (P' := later_powers gamma ratio l).
    assert (N1 := Near (gamma ^ l) ltac:(lra)). assert (N2 := Near (gamma ^ S l) ltac:(lra)).
    set (a := at_step l) in *. set (a' := at_step (S l)) in *. set (e := share (S l)) in *. set (f := before_share l)
      in *.
    replace (e - (e * a + x * gamma ^ S l * f * a')) with (- (e * (a - 1)) + - (x * gamma ^ S l * f * a')) by ring.
    eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_Ropp, !Rabs_mult, (Rabs_right x), (Rabs_right (gamma ^ S l))
      by lra.
    assert (A' : Rabs a' <= 1 + T).
    { replace a' with ((a' - 1) + 1) by ring. eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_R1.
      assert (gamma ^ S l * T <= 1 * T) by (apply Rmult_le_compat_r; lra). lra. }
    assert (T1 : Rabs e * Rabs (a - 1) <= K * (gamma ^ l * T)) by (apply Rmult_le_compat; try easy; apply Rabs_pos).
    assert (T2 : Rabs f * Rabs a' <= K * (1 + T)) by (apply Rmult_le_compat; try easy; apply Rabs_pos).
    assert (T3 : x * gamma ^ S l * Rabs f * Rabs a' <= x * gamma ^ l * (K * (1 + T))).
    { rewrite (Rmult_assoc (x * _)). apply Rmult_le_compat; [apply Rmult_le_pos; lra|apply Rmult_le_pos; apply
      Rabs_pos| |exact T2].
      apply Rmult_le_compat_l; [lra|]. simpl. assert (gamma * gamma ^ l <= 1 * gamma ^ l) by (apply Rmult_le_compat_r;
        lra). lra. }
    replace (C * gamma ^ S l) with (K * (gamma ^ l * T) + x * gamma ^ l * (K * (1 + T))) by (unfold C; simpl; field;
      lra). lra. }
  intros e E. destruct (shrinks gamma ratio C e E) as [N H]. exists N. intros l I. specialize (H l I). unfold R_dist
    in *.
  rewrite Rminus_0_r in H. specialize (Close l). assert (Q := Rle_abs (C * gamma ^ S l)). lra.
Qed.
End Run.

(** Such runs exist. *)
Lemma share_inhabited gamma r sigma start : 0 < gamma < 1 -> 0 < r /\ 0 < sigma -> exists (w : nat -> line) local dual,
  pisa line 1 (fun _ => 1) 0 (fun l _ => sigma / gamma ^ l) (fun _ _ _ => 0%V) (fun l _ => (r * (w l - 1))%R) w local
    dual /\
  dual 0%nat 0%nat = 0 /\ w 0%nat = start.
Proof.
  intros G [R S]. assert (Q : forall l, 0 < sigma / gamma ^ l)
    by (intros l; assert (P := powers gamma G l); apply Rdiv_lt_0_compat; lra).
  assert (Run := run_exists line 1 (fun _ => 1) 0 (fun l _ => sigma / gamma ^ l) (fun _ _ _ => 0%V)
    (fun l _ y => / (sigma / gamma ^ l) * y)%V (fun _ y => (r * (y - 1))%R) start (fun _ => 0)
    ltac:(intros l; specialize (Q l); unfold rate; cbn -[pow]; lra)
    ltac:(intros l i y; specialize (Q l); cbn -[pow]; rewrite <- Rmult_assoc, Rinv_r by lra; ring)).
  do 3 eexists. split; [exact Run|split; reflexivity].
Qed.
Print Assumptions V2_share.
