(** N4 (c): one block, sigma_k = x_k^theta with x_(k+1) = x_k + c_0 a_k and 1/2 < theta <= 1. The gradients weighed by the
    steps add up to a bound that no N enters, and along every path on which their sum is finite they vanish. *)

From PISA Require Export AdaptivePenalty PowerSums CrossingLemma.

Notation self := (fun (_ : nat) x => x).
Lemma whole (V : space) : basis V 1 (self : nat -> V -> V).
Proof. split; try easy; [intros [|i] [|j] x I J; lia|]. intros x. simpl. vector. Qed.

(** ** One path *)
Section Path.
Variables (V : space) (m : nat) (weight : nat -> R) (ridge Lam c0 A theta bound : R) (x : nat -> R).
Variables (bend : nat -> nat -> V -> V) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Variable slope : V -> V.
Notation part := (self : nat -> V -> V).
Notation sigma := (fun l (_ : nat) => Rpower (x l) theta).
Notation drawn_square k := (block_square V part m weight ridge grad w dual k 0).
Hypothesis run : metric_rounds V 1 part m weight ridge sigma bend grad w local dual.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis first : 0 < x 1%nat.
Hypothesis rule : forall k, x (S (S k)) = x (S k) + c0 * drawn_square k.
Hypothesis operators : forall k i, (i < m)%nat -> blockwise 1 part (fun _ => bound) (bend (S k) i).
Hypothesis bounded : forall k, drawn_square k <= A ^ 2.
Hypothesis slope_lipschitz : forall y z, ‖slope y - slope z‖² <= Lam * Lam * ‖y - z‖².
Hypothesis constants : 0 < Lam /\ 0 < c0 /\ / 2 < theta <= 1 /\ 0 <= bound /\ 0 <= ridge.
Notation penalty k := (Rpower (x (S k)) theta).

Lemma path_square_nonneg k : 0 <= drawn_square k.
Proof. apply square_nonneg, weights. Qed.

Lemma path_rises k : x 1%nat <= x (S k) /\ x (S k) <= x (S (S k)).
Proof.
  assert (Up : forall k, x (S k) <= x (S (S k))).
  { intros j. rewrite rule. assert (N := path_square_nonneg j). destruct constants as [_ [C _]].
    assert (0 <= c0 * drawn_square j) by (apply Rmult_le_pos; lra). lra. }
  split; [|apply Up]. induction k as [|k IH]; [lra|]. assert (U := Up k). lra.
Qed.

Lemma penalty_rises k : 0 < penalty k <= penalty (S k).
Proof.
  split; [apply power_positive|]. destruct (path_rises k) as [B U]. destruct constants as [_ [_ [T _]]].
  apply Rle_Rpower_l; lra.
Qed.

(** |w_(k+1) - w_k|^2 <= 6 A^2/sigma_k^2 *)
Lemma place_moves k : ‖w (S (S k)) - w (S k)‖² <= 6 * A ^ 2 / penalty k ^ 2.
Proof.
  destruct (penalty_rises k) as [Ps Up]. destruct constants as [_ [_ [_ Nonneg]]].
  assert (M := block_moves V 1 part (whole V) m weight ridge bound sigma bend grad w local dual run weights
    (fun l j _ => power_positive (x (S l)) theta) operators Nonneg k 0 Nat.lt_0_1). cbv beta in M.
  eapply Rle_trans; [exact M|]. assert (B := bounded k). assert (N := path_square_nonneg k).
  set (s := penalty k) in *. set (s' := penalty (S k)) in *. set (a := drawn_square k) in *.
  replace ((4 + 2 * (s' / s) ^ 2) * a / s' ^ 2) with (a * (4 * (/ s') ^ 2 + 2 * (/ s) ^ 2)) by (field; lra).
  replace (6 * A ^ 2 / s ^ 2) with (A ^ 2 * (6 * (/ s) ^ 2)) by (field; lra).
  assert (I : 0 < / s' <= / s) by (split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra).
  assert (I2 : (/ s') ^ 2 <= (/ s) ^ 2) by (apply pow_incr; lra). assert (I0 := pow2_ge_0 (/ s')).
  apply Rmult_le_compat; lra.
Qed.

Lemma steps_endless : diverges (fun k => / penalty k).
Proof.
  destruct constants as [_ [C [T _]]]. assert (Q := pow2_ge_0 A). assert (CA : 0 <= c0 * A ^ 2) by (apply Rmult_le_pos; lra).
  apply (diverges_above (fun k => / (1 + x 1%nat + c0 * A ^ 2 * INR k)) _ 1 Rlt_0_1); [|apply harmonic_endless; lra].
  intros k. rewrite Rmult_1_l. apply Rinv_le_contravar; [apply power_positive|].
  assert (Most : x (S k) <= x 1%nat + c0 * A ^ 2 * INR k).
  { induction k as [|k IH]; [simpl; lra|]. rewrite rule, S_INR. assert (B := bounded k).
    assert (c0 * drawn_square k <= c0 * A ^ 2) by (apply Rmult_le_compat_l; lra). lra. }
  destruct (path_rises k) as [B _]. assert (P := power_most (x (S k)) theta ltac:(lra) ltac:(lra)). lra.
Qed.

(** N4-almost-surely, along one path. *)
Theorem N4_path : (forall k, ‖slope (w (S k))‖² <= A ^ 2) ->
  summable (fun k => ‖slope (w (S k))‖² / penalty k) -> Un_cv (fun k => ‖slope (w (S k))‖²) 0.
Proof.
  intros Small [most Spent].
  apply (crossing_lemma (fun k => / penalty k) (fun k => ‖slope (w (S k))‖²) ((3 * Lam ^ 2 + 2) * A ^ 2)).
  - intros k. apply Rlt_le, Rinv_0_lt_compat, power_positive.
  - intros k. apply inner_nonneg.
  - exact steps_endless.
  - exists most. intros N. eapply Rle_trans; [apply Req_le|exact (Spent N)]. apply sum_ext; intros. unfold Rdiv. ring.
  - apply Rmult_le_pos; [assert (Y := pow2_ge_0 Lam); lra|apply pow2_ge_0].
  - intros k. set (g := slope (w (S k))). set (g' := slope (w (S (S k)))). set (s := penalty k).
    assert (Ps : 0 < s) by apply power_positive.
    assert (Lip := slope_lipschitz (w (S (S k))) (w (S k))). fold g g' in Lip. assert (Mv := place_moves k). fold s in Mv.
    assert (Mv' := Rmult_le_compat_l (Lam * Lam) _ _ ltac:(nra) Mv).
    assert (Y := young V s (g' - g)%V (-1 * (g' + g))%V Ps).
    assert (N1 := Small k). assert (N2 := Small (S k)). fold g in N1. fold g' in N2.
    assert (Sum : ‖-1 * (g' + g)‖² <= 4 * A ^ 2).
    { assert (Z := inner_nonneg _ (g' - g)%V). autorewrite with inner in *. rewrite (inner_sym _ g g') in *. lra. }
    replace (2 * ⟨g' - g, -1 * (g' + g)⟩) with (2 * (‖g‖² - ‖g'‖²)) in Y
      by (autorewrite with inner; rewrite (inner_sym _ g g'); ring).
    assert (Y1 : s * ‖g' - g‖² <= 6 * Lam ^ 2 * A ^ 2 * / s).
    { replace (6 * Lam ^ 2 * A ^ 2 * / s) with (s * (Lam * Lam * (6 * A ^ 2 / s ^ 2))) by (field; lra).
      apply Rmult_le_compat_l; lra. }
    assert (Y2 : / s * ‖-1 * (g' + g)‖² <= / s * (4 * A ^ 2))
      by (apply Rmult_le_compat_l; [apply Rlt_le; now apply Rinv_0_lt_compat|exact Sum]).
    lra.
Qed.
End Path.

(** ** All paths *)
Section Exponent.
Variables (P : probability) (V : space) (m : nat) (weight : nat -> R).
Variables (ridge Lam c0 A theta bound least origin : R) (x : nat -> P -> R).
Variables (bend : nat -> nat -> P -> V -> V) (grad : nat -> nat -> P -> V).
Variables (w : nat -> P -> V) (local dual : nat -> nat -> P -> V) (F : V -> R) (slope : V -> V).
Variable same : nat -> P -> P -> Prop.
Notation part := (self : nat -> V -> V).
Notation sigma := (fun l (_ : nat) o => Rpower (x l o) theta).
Notation square_of k o := (square_of P V part m weight ridge grad w dual k 0 o).

Record powers : Prop := {
  pow_run : forall o, metric_rounds V 1 part m weight ridge (fun l _ => Rpower (x l o) theta) (fun l i => bend l i o)
    (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o) (fun l i => dual l i o);
  pow_weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1;
  pow_first : forall o, x 1%nat o = origin;
  pow_rule : forall k o, x (S (S k)) o = x (S k) o + c0 * square_of k o;
  pow_operators : forall k i o, (i < m)%nat -> blockwise 1 part (fun _ => bound) (bend (S k) i o);
  pow_bounded : forall k o, square_of k o <= A ^ 2;
  pow_smooth : smooth Lam F slope;
  pow_constants : 0 < Lam /\ 0 < c0 /\ / 2 < theta <= 1 /\ 0 < origin /\ 0 <= bound /\ 0 <= ridge;
  pow_least : forall y, least <= F y;
  pow_known : forall k o o', same k o o' -> w (S k) o = w (S k) o' /\
    (forall i, (i < m)%nat -> dual k i o = dual k i o') /\ x (S k) o = x (S k) o';
  pow_alike : forall k o o' o'', same k o o /\ (same k o o' -> same k o' o) /\
    (same k o o' -> same k o' o'' -> same k o o'');
  pow_unbiased : forall k (y : P -> V), (forall o o', same k o o' -> y o = y o') -> expect (fun o =>
    ⟨y o, mean V m weight (fun i => grad (S k) i o) + ridge * w (S k) o - slope (w (S k) o)⟩) = 0
}.
Hypothesis setting : powers.

Lemma pow_square_nonneg k o : 0 <= square_of k o.
Proof. apply square_nonneg, (pow_weights setting). Qed.

Lemma pow_rises k o : origin <= x (S k) o.
Proof.
  induction k as [|k IH]; [rewrite (pow_first setting); lra|]. rewrite (pow_rule setting).
  assert (N := pow_square_nonneg k o). destruct (pow_constants setting) as [_ [C _]].
  assert (0 <= c0 * square_of k o) by (apply Rmult_le_pos; lra). lra.
Qed.

Definition power_growth := Rpower (1 + c0 * A ^ 2 / origin) theta ^ 2.
Notation s0 := (Rpower origin theta).
Notation C := (cost ridge Lam power_growth s0 bound).

Lemma powers_adapt : adaptive P V 1 part m weight ridge Lam power_growth s0 bound least sigma bend grad w local dual F
  slope same.
Proof.
  destruct (pow_constants setting) as [PL [PC [T [Po [Hb Pr]]]]].
  split; try apply setting.
  - intros k j o _. assert (R := pow_rises k o). apply Rle_Rpower_l; lra.
  - intros k j o _. assert (R := pow_rises k o). assert (R' := pow_rises (S k) o).
    unfold power_growth. rewrite <- Rpow_mult_distr, Rpower_mult_distr.
    + apply pow_incr. split; [apply Rlt_le, power_positive|]. apply Rle_Rpower_l; [lra|split; [lra|]].
      rewrite (pow_rule setting). assert (B := pow_bounded setting k o). assert (Q := pow2_ge_0 A).
      assert (c0 * square_of k o <= c0 * A ^ 2) by (apply Rmult_le_compat_l; lra).
      assert (c0 * A ^ 2 * 1 <= c0 * A ^ 2 * (x (S k) o / origin)).
      { apply Rmult_le_compat_l; [apply Rmult_le_pos; lra|]. apply below_quotient; lra. }
      replace ((1 + c0 * A ^ 2 / origin) * x (S k) o) with (x (S k) o + c0 * A ^ 2 * (x (S k) o / origin))
        by (field; lra). lra.
    + assert (Q := pow2_ge_0 A). assert (0 <= c0 * A ^ 2 / origin) by (apply quotient; [apply Rmult_le_pos|]; lra). lra.
    + lra.
  - split; [exact PL|split; [apply power_positive|auto]].
  - intros k o o' Same. destruct (pow_known setting k o o' Same) as [W [D X]]. repeat split; auto. intros. now rewrite X.
Qed.

(** The bound that no N enters. *)
Theorem N4_uniform N : sum N (fun k => expect (fun o => ‖slope (w (S k) o)‖² / (2 * Rpower (x (S k) o) theta)))
  <= expect (fun o => let y := (w 1%nat o + / Rpower origin theta * (memory m weight (fun l i => dual l i o) 0
         + ridge * w 1%nat o))%V in F y + Lam ^ 2 / (2 * Rpower origin theta) * ‖y - w 1%nat o‖²) - least
    + C * (Rpower origin (1 - 2 * theta) / (c0 * (2 * theta - 1))).
Proof.
  destruct (pow_constants setting) as [PL [PC [T [Po [Hb Pr]]]]].
  assert (Sum := adaptive_sum P V 1 part (whole V) m weight ridge Lam power_growth s0 bound least sigma bend grad w local
    dual F slope same powers_adapt N).
  assert (Left : sum N (fun k => expect (fun o => ‖slope (w (S k) o)‖² / (2 * Rpower (x (S k) o) theta)))
    = sum N (fun k => expect (fun o => / 2 * weighing V 1 part (fun j => / sigma (S k) j o) (slope (w (S k) o))))).
  { apply sum_ext. intros k _. apply expect_ext. intros o. unfold weighing. cbn [sum].
    assert (Pp := power_positive (x (S k) o) theta). field. lra. }
  rewrite Left. eapply Rle_trans; [exact Sum|]. apply Rplus_le_compat.
  - apply Rplus_le_compat_r, Req_le, expect_ext. intros o. cbv zeta.
    assert (E : centre V 1 part m weight ridge (fun l j => sigma l j o) (fun l => w l o) (fun l i => dual l i o) 0
      = (w 1%nat o + / Rpower origin theta * (memory m weight (fun l i => dual l i o) 0 + ridge * w 1%nat o))%V).
    { unfold centre, diagonal. cbn [total]. rewrite (pow_first setting). apply separated; intros z. autorewrite with inner. ring. }
    now rewrite E.
  - apply Rmult_le_compat_l.
    + unfold cost, power_growth. assert (Y := power_positive origin theta).
      assert (Z := pow2_ge_0 (Rpower (1 + c0 * A ^ 2 / origin) theta)).
      assert (0 < s0 ^ 2) by (apply pow_lt; lra).
      assert (0 <= ridge ^ 2 / s0 ^ 2) by (apply quotient; [apply pow2_ge_0|assumption]).
      assert (0 <= Lam ^ 2 / s0) by (apply quotient; [apply pow2_ge_0|lra]).
      assert (0 <= Rpower (1 + c0 * A ^ 2 / origin) theta ^ 2 * bound ^ 2 / (2 * s0))
        by (apply quotient; [apply Rmult_le_pos; [lra|apply pow2_ge_0]|lra]).
      assert (0 <= Lam ^ 2 / s0 * (2 + ridge ^ 2 / s0 ^ 2)) by (apply Rmult_le_pos; lra).
      assert (0 <= Rpower (1 + c0 * A ^ 2 / origin) theta ^ 2 * Lam) by (apply Rmult_le_pos; lra). lra.
    + rewrite <- (expect_const P (Rpower origin _ / _)). apply expect_le. intros o.
      assert (PS := power_sum (fun k => x (S k) o) (fun k => square_of k o) c0 theta N PC (proj1 T)
        (eq_ind_r (fun r => 0 < r) Po (pow_first setting o)) (fun k => pow_square_nonneg k o) (fun k => pow_rule setting k o)).
      cbv beta in PS. rewrite (pow_first setting) in PS. eapply Rle_trans; [|exact PS]. apply Req_le, sum_ext.
      intros k _. cbn [sum]. ring.
Qed.

(** The gradient is bounded where every estimate is: it is their mean given the past. *)
Theorem N4_gradient_bounded k o : ‖slope (w (S k) o)‖² <= A ^ 2.
Proof.
  destruct (Rle_lt_dec (‖slope (w (S k) o)‖²) (A ^ 2)) as [Done|Large]; [exact Done|exfalso].
  set (g := slope (w (S k) o)) in *.
  set (inside := fun o' : P => if ClassicalDedekindReals.sig_not_dec (same k o o') then 1 else 0).
  assert (Here : forall o', same k o o' -> inside o' = 1 /\ slope (w (S k) o') = g).
  { intros o' S. unfold inside. destruct (ClassicalDedekindReals.sig_not_dec (same k o o')); [|easy].
    destruct (pow_known setting k o o' S) as [W _]. unfold g. now rewrite W. }
  assert (There : forall o', inside o' = 1 /\ same k o o' \/ inside o' = 0 /\ ~ same k o o').
  { intros o'. unfold inside. destruct (ClassicalDedekindReals.sig_not_dec (same k o o')) as [Y|Y]; [left|right]; auto.
    split; [easy|]. now apply Classical_Prop.NNPP. }
  assert (Known : forall o1 o2, same k o1 o2 -> (inside o1 * g)%V = (inside o2 * g)%V).
  { intros o1 o2 S. destruct (pow_alike setting k o1 o2 o) as [_ [Sym _]]. destruct (pow_alike setting k o o1 o2) as [_ [_ T1]].
    destruct (pow_alike setting k o o2 o1) as [_ [_ T2]].
    destruct (There o1) as [[-> A1]|[-> A1]], (There o2) as [[-> A2]|[-> A2]]; auto; exfalso; auto. }
  assert (Zero := pow_unbiased setting k (fun o' => inside o' * g)%V Known). cbv beta in Zero.
  assert (Each : forall o', 0 <= inside o' * (/ 2 * (‖g‖² - A ^ 2)) /\ inside o' * (/ 2 * (‖g‖² - A ^ 2)) <= - ⟨inside o' * g,
    mean V m weight (fun i => grad (S k) i o') + ridge * w (S k) o' - slope (w (S k) o')⟩).
  { intros o'. destruct (There o') as [[-> Alike]|[-> _]].
    - split; [lra|]. rewrite (proj2 (Here o' Alike)). set (e := (mean V m weight (fun i => grad (S k) i o') + ridge * w (S k) o')%V).
      assert (B := pow_bounded setting k o').
      assert (E : ‖e‖² <= A ^ 2).
      { eapply Rle_trans; [|exact B]. unfold AdaptivePenalty.square_of, block_square, drawn. fold e.
        assert (N := spread_nonneg V part m weight (fun l i => grad l i o') (fun l i => dual l i o') (pow_weights setting) k 0).
        lra. }
      assert (Y := inner_nonneg _ (g - e)%V). autorewrite with inner in *. rewrite (inner_sym _ e g) in *. lra.
    - rewrite !Rmult_0_l. autorewrite with inner. lra. }
  assert (Sum := expect_le P _ _ (fun o' => proj2 (Each o'))).
  rewrite (expect_ext P (fun o' => - ⟨_, _⟩) (fun o' => -1 * ⟨inside o' * g, mean V m weight (fun i => grad (S k) i o')
    + ridge * w (S k) o' - slope (w (S k) o')⟩)) in Sum by (intros; ring).
  rewrite expect_scale, Zero in Sum. assert (Pos := expect_nonneg P _ (fun o' => proj1 (Each o'))).
  assert (Null := expect_strict P _ (fun o' => proj1 (Each o')) ltac:(lra) o). cbv beta in Null.
  rewrite (proj1 (Here o (proj1 (pow_alike setting k o o o)))) in Null. lra.
Qed.
End Exponent.
Print Assumptions N4_path.
Print Assumptions N4_uniform.
Print Assumptions N4_gradient_bounded.
