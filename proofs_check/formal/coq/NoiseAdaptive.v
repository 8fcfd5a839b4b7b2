(** N4 (b), one block: the rate adapts to the noise. The squared mean of sqrt(sum |G_k|^2) over N is of the order
    log^2 N/N + log N sqrt(v/N), and the method knows neither L nor v nor N nor A. *)

From PISA Require Export AdaGradNorm AdaGradPaths ClientNoise.

(** ** Square roots in expectation *)
Lemma root_sum a b : 0 <= a -> 0 <= b -> sqrt (a + b) <= sqrt a + sqrt b.
Proof.
  intros A B. assert (Ra := sqrt_pos a). assert (Rb := sqrt_pos b). rewrite <- (sqrt_square (sqrt a + sqrt b)) by lra.
  apply sqrt_le_1_alt. assert (Sa := sqrt_sqrt a A). assert (Sb := sqrt_sqrt b B). nra.
Qed.

Lemma expected_root (P : probability) (y : P -> R) b : (forall o, 0 <= y o) -> expect y <= b ->
  expect (fun o => sqrt (y o)) <= sqrt b.
Proof.
  intros Y B. assert (E0 := expect_nonneg P y Y).
  destruct (Rle_lt_or_eq_dec 0 b ltac:(lra)) as [Pb|<-].
  - assert (Pr := sqrt_lt_R0 b Pb). assert (Sr := sqrt_sqrt b ltac:(lra)). set (r := sqrt b) in *.
    assert (Half : forall o, sqrt (y o) <= / (2 * r) * y o + r / 2).
    { intros o. assert (S := sqrt_sqrt (y o) (Y o)). set (s := sqrt (y o)) in *. rewrite <- S.
      apply Rmult_le_reg_l with (2 * r); [lra|]. replace (2 * r * (/ (2 * r) * (s * s) + r / 2)) with (s * s + r * r)
        by (field; lra). assert (Q := pow2_ge_0 (s - r)). lra. }
    assert (M := expect_le P _ _ Half). rewrite expect_add, expect_scale, expect_const in M.
    assert (I : / (2 * r) * expect y <= / (2 * r) * (r * r)).
    { apply Rmult_le_compat_l; [apply Rlt_le, Rinv_0_lt_compat; lra|lra]. }
    replace (/ (2 * r) * (r * r)) with (r / 2) in I by (field; lra). lra.
  - assert (Zero := expect_strict P y Y ltac:(lra)). rewrite (expect_ext P _ (fun _ => 0)), expect_const, sqrt_0; [lra|].
    intros o. rewrite (Zero o). apply sqrt_0.
Qed.

(** (E sqrt z)^2 <= E(z/s) E s *)
Lemma root_by_parts (P : probability) (z s : P -> R) gap mean_s : (forall o, 0 <= z o) -> (forall o, 0 < s o) ->
  expect (fun o => z o / s o) <= gap -> expect s <= mean_s -> expect (fun o => sqrt (z o)) ^ 2 <= gap * mean_s.
Proof.
  intros Z S G M. set (X := expect (fun o => sqrt (z o))).
  assert (PX : 0 <= X) by (apply expect_nonneg; intros; apply sqrt_pos).
  assert (G0 : 0 <= gap).
  { eapply Rle_trans; [|exact G]. apply expect_nonneg. intros o. apply quotient; [apply Z|apply S]. }
  assert (M0 : 0 <= mean_s) by (eapply Rle_trans; [|exact M]; apply expect_nonneg; intros o; apply Rlt_le, S).
  destruct (Rle_lt_or_eq_dec 0 X PX) as [Pos|<-]; [|replace (0 ^ 2) with 0 by ring; now apply Rmult_le_pos].
  assert (Ms : 0 < mean_s).
  { destruct (Rle_lt_or_eq_dec 0 mean_s M0) as [|E]; [easy|exfalso].
    assert (N := expect_strict P s (fun o => Rlt_le _ _ (S o))
      ltac:(assert (Q := expect_nonneg P s (fun o => Rlt_le _ _ (S o))); lra)).
    assert (Z0 : X = 0); [|lra]. unfold X. rewrite (expect_ext P _ (fun _ => 0)); [apply expect_const|].
    intros o. specialize (N o). specialize (S o). lra. }
  set (t := mean_s / X). assert (T : 0 < t) by (unfold t; apply Rdiv_lt_0_compat; lra).
  assert (Each : forall o, 2 * sqrt (z o) <= t * (z o / s o) + / t * s o).
  { intros o. assert (Sq := sqrt_sqrt (z o) (Z o)). set (r := sqrt (z o)) in *. rewrite <- Sq. assert (So := S o).
    apply Rmult_le_reg_l with (t * s o); [now apply Rmult_lt_0_compat|].
    replace (t * s o * (t * (r * r / s o) + / t * s o)) with ((t * r) ^ 2 + s o ^ 2) by (field; lra).
    assert (Q := pow2_ge_0 (t * r - s o)). lra. }
  assert (E := expect_le P _ _ Each). rewrite expect_add, !expect_scale in E. fold X in E.
  assert (E1 := Rmult_le_compat_l t _ _ ltac:(lra) G).
  assert (E2 := Rmult_le_compat_l (/ t) _ _ ltac:(apply Rlt_le; now apply Rinv_0_lt_compat) M).
  assert (F : 2 * X <= t * gap + / t * mean_s) by lra. replace (/ t * mean_s) with X in F by (unfold t; field; lra).
  apply Rmult_le_reg_l with (/ X); [now apply Rinv_0_lt_compat|].
  replace (/ X * X ^ 2) with X by (field; lra). replace (/ X * (gap * mean_s)) with (t * gap) by (unfold t; field; lra). lra.
Qed.

(** ** The rate *)
Section Adaptive.
Variables (P : probability) (V : space) (m : nat) (weight variances : nat -> R).
Variables (ridge L c0 A s0 bound least v : R).
Variables (sigma : nat -> nat -> P -> R) (bend : nat -> nat -> P -> V -> V) (grad : nat -> nat -> P -> V).
Variables (w : nat -> P -> V) (local dual : nat -> nat -> P -> V) (F : nat -> V -> R) (G : nat -> V -> V).
Variable same : nat -> P -> P -> Prop.
Notation part := (self : nat -> V -> V).
Notation slope := (slope m weight ridge G).
Hypothesis setting : adagrad P V 1 part m weight ridge (L + ridge) c0 A s0 bound least (fun _ => s0) sigma bend grad w local
  dual (objective m weight ridge F) slope same.
(** A fact about this setting. *)
Notation fact f := (f _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting).
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis fair : forall k i (x : P -> V), (i < m)%nat -> (forall o o', same k o o' -> x o = x o') ->
  expect (fun o => ⟨x o, grad (S k) i o - G i (w (S k) o)⟩) = 0.
Hypothesis variance : forall k i, (i < m)%nat -> expect (fun o => ‖grad (S k) i o - G i (w (S k) o)‖²) <= variances i.
Hypothesis mean_variance : forall k,
  expect (fun o => ‖mean V m weight (fun i => grad (S k) i o - G i (w (S k) o))%V‖²) <= v.
Notation v_bar := (sum m (fun i => weight i * variances i)).
Notation beta := (bound / s0).
Notation gap N := (gap_of P V 1 part m weight ridge (L + ridge) c0 A s0 bound least (fun _ => s0) sigma w dual
  (objective m weight ridge F) N).
Notation growth := (growth c0 A s0).
Notation log_most N := (ln (1 + c0 * INR N * A ^ 2 / s0 ^ 2)).
Notation xi k o := (mean_noise V m weight (fun l i => grad l i o) (fun l => w l o) G k).
Notation noises k o := (noises_of V m weight (fun l i => grad l i o) (fun l => w l o) G k).
Notation residuals k o := (residuals_of V m weight (fun l => w l o) (fun l i => dual l i o) G k).
Notation seens k o := (seen_of V m weight (fun l i => grad l i o) (fun l i => dual l i o) k).
Notation collected k o := (square_of P V part m weight ridge grad w dual k 0 o / sigma (S (S k)) 0%nat o ^ 2).
Notation squares N o := (sum N (fun k => ‖slope (w (S k) o)‖²)).

(** E_N, what the residuals and the clients' noise add up to. *)
Definition spread_of N := (1 + 2 * beta) * (expect (fun o => residuals 0 o)
  + 2 * (1 + beta) * L ^ 2 * (4 + 2 * growth) * log_most N / c0) + (3 + 2 * beta) * INR N * v_bar.

Lemma constants_hold : 0 < L + ridge /\ 0 < c0 /\ 0 < s0 /\ 0 <= bound /\ 0 <= ridge /\ 0 <= beta.
Proof. destruct (fact ada_constants) as [PL [PC [Z [Hb Pr]]]]. repeat split; try assumption. now apply quotient. Qed.

Lemma clients_known k o o' : same k o o' -> w (S k) o = w (S k) o' /\ forall i, (i < m)%nat -> dual k i o = dual k i o'.
Proof. intros S. destruct (fact ada_known k o o' S) as [W [D _]]. auto. Qed.

Lemma penalty_above k o : s0 <= sigma (S k) 0%nat o /\ sigma (S k) 0%nat o <= sigma (S (S k)) 0%nat o.
Proof.
  assert (B := fact AdaGradNorm.at_least_s0 k 0 o Nat.lt_0_1). split; [exact B|].
  assert (R := fact ada_rule k 0 o Nat.lt_0_1). assert (N := fact AdaGradNorm.square_nonneg k 0 o).
  assert (Pn := fact ada_positive (S k) 0 o Nat.lt_0_1). destruct constants_hold as [_ [C [Z _]]].
  assert (0 <= c0 * square_of P V part m weight ridge grad w dual k 0 o) by (apply Rmult_le_pos; lra). nra.
Qed.

Lemma residual_step k : expect (fun o => residuals (S k) o) <= (1 - / (1 + 2 * beta)) * expect (fun o => residuals k o)
  + 2 * (1 + beta) / (1 + 2 * beta) * v_bar + 2 * (1 + beta) * L ^ 2 * (4 + 2 * growth) * expect (fun o => collected k o).
Proof.
  destruct constants_hold as [PL [PC [Z [Hb [Pr B]]]]].
  assert (Each : forall o, residuals (S k) o <= (1 - / (1 + 2 * beta)) * residuals k o
    + 2 * (1 + beta) / (1 + 2 * beta) * noises k o + 2 * (1 + beta) * L ^ 2 * (4 + 2 * growth) * collected k o).
  { intros o. assert (T := residuals_turn V 1 part (whole V) m weight ridge L (fun _ => beta) (fun _ _ => bound)
      (fun l j => sigma l j o) (fun l i => bend l i o) (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o)
      (fun l i => dual l i o) F G (fact ada_run o) (fact ada_weights) F_smooth
      (fun k j J => fact ada_positive k j o J) (fun _ => B) (fun k i => fact ada_operators k i o)).
    assert (Below : forall l j, (j < 1)%nat -> bound <= beta * sigma (S l) j o).
    { intros l [|j] J; [|lia]. assert (Ab := proj1 (penalty_above l o)).
      replace bound with (beta * s0) at 1 by (field; lra). now apply Rmult_le_compat_l. }
    specialize (T Below k). cbv beta in T.
    assert (Mv := AdaGradStep.place_moves V 1 part (whole V) m weight ridge (L + ridge) growth s0 bound (fun l j => sigma l j o)
      (fun l i => bend l i o) (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o) (fun l i => dual l i o)
      (fact ada_run o) (fact ada_weights)
      (fun k j J => fact AdaGradNorm.at_least_s0 k j o J)
      (fun k j J => fact AdaGradNorm.slow_growth k j o J)
      (fun k i => fact ada_operators k i o) (conj PL (conj Z (conj Hb Pr))) k).
    cbn [sum] in Mv. rewrite Rplus_0_l in Mv. fold (square_of P V part m weight ridge grad w dual k 0 o) in Mv.
    assert (Q : 2 * (1 + beta) / (1 + 2 * beta) * (beta / (1 + beta)) = 1 - / (1 + 2 * beta)) by (field; lra).
    assert (M2 := Rmult_le_compat_l (2 * (1 + beta) * (L * L)) _ _ ltac:(apply Rmult_le_pos; nra) Mv).
    rewrite <- Q. lra. }
  assert (E := expect_le P _ _ Each). rewrite !expect_add, !expect_scale in E.
  assert (N := proj2 (ClientNoise.noises_most P V m weight variances grad w G (fact ada_weights) variance k)).
  assert (Nb := Rmult_le_compat_l (2 * (1 + beta) / (1 + 2 * beta)) _ _ ltac:(apply quotient; lra) N). lra.
Qed.

Lemma spread_sum N : expect (fun o => sum N (fun k => seens k o)) <= spread_of N.
Proof.
  destruct constants_hold as [PL [PC [Z [Hb [Pr B]]]]].
  assert (Swap : forall f : nat -> P -> R, expect (fun o => sum N (fun k => f k o)) = sum N (fun k => expect (fun o => f k o))).
  { intros f. clear. induction N as [|N IH]; cbn [sum]; [apply expect_const|]. now rewrite expect_add, IH. }
  set (a := 2 * (1 + beta) / (1 + 2 * beta)). set (b := 2 * (1 + beta) * L ^ 2 * (4 + 2 * growth)).
  assert (T := telescope (fun k => expect (fun o => residuals k o)) (fun k => / (1 + 2 * beta) * expect (fun o => residuals k o)
    + (- (a * v_bar) + - b * expect (fun o => collected k o)))
    (fun k => ltac:(assert (St := residual_step k); fold a b in St; lra)) N).
  cbv beta in T. rewrite !sum_add, !sum_scale, sum_const, <- !Swap in T.
  assert (Last : 0 <= expect (fun o => residuals N o)).
  { apply expect_nonneg. intros o. apply sum_nonneg. intros i I. apply Rmult_le_pos; [now apply (fact ada_weights)|apply inner_nonneg]. }
  assert (Logs : expect (fun o => sum N (fun k => collected k o)) <= log_most N / c0).
  { rewrite <- (expect_const P (log_most N / c0)). apply expect_le. intros o.
    assert (C := fact collected_log N o).
    assert (M := fact logs_most N o).
    cbn [sum] in C, M. rewrite !Rplus_0_l in *.
    rewrite (sum_ext N (fun k => 0 + _) (fun k => collected k o)) in C by (intros; ring).
    apply below_quotient; [exact PC|lra]. }
  assert (Pb : 0 <= b).
  { unfold b. assert (0 <= growth) by (unfold AdaGradNorm.growth; assert (Y := pow2_ge_0 A); assert (0 < s0 ^ 2) by (apply pow_lt; lra);
      assert (0 <= c0 * A ^ 2 / s0 ^ 2) by (apply quotient; [apply Rmult_le_pos|]; lra); lra).
    apply Rmult_le_pos; [|lra]. apply Rmult_le_pos; [lra|apply pow2_ge_0]. }
  assert (Lb := Rmult_le_compat_l b _ _ Pb Logs).
  assert (Split : expect (fun o => sum N (fun k => seens k o)) = expect (fun o => sum N (fun k => residuals k o))
    + sum N (fun k => expect (fun o => noises k o))).
  { rewrite !Swap, <- sum_add. apply sum_ext. intros k _.
    exact (ClientNoise.seen_split P V m weight grad w dual G same clients_known fair k). }
  assert (Noise : sum N (fun k => expect (fun o => noises k o)) <= INR N * v_bar).
  { rewrite <- sum_const. apply sum_le. intros k _.
    apply (ClientNoise.noises_most P V m weight variances grad w G (fact ada_weights) variance k). }
  set (S := expect (fun o => sum N (fun k => residuals k o))) in *. set (S0 := expect (fun o => residuals 0 o)) in *.
  assert (Main : S <= (1 + 2 * beta) * (S0 + INR N * (a * v_bar) + b * (log_most N / c0))).
  { apply Rmult_le_reg_l with (/ (1 + 2 * beta)); [apply Rinv_0_lt_compat; lra|].
    rewrite <- Rmult_assoc, Rinv_l, Rmult_1_l by lra. lra. }
  rewrite Split. unfold spread_of. fold S0.
  replace ((1 + 2 * beta) * (S0 + INR N * (a * v_bar) + b * (log_most N / c0))) with
    ((1 + 2 * beta) * (S0 + 2 * (1 + beta) * L ^ 2 * (4 + 2 * growth) * log_most N / c0) + 2 * (1 + beta) * INR N * v_bar) in Main
    by (unfold a, b; field; lra). lra.
Qed.

Lemma penalty_mean N : expect (fun o => sigma (S N) 0%nat o) <= s0 + sqrt (2 * c0) * expect (fun o => sqrt (squares N o))
  + sqrt (2 * c0 * INR N * v) + sqrt (c0 * spread_of N).
Proof.
  destruct constants_hold as [PL [PC [Z [Hb [Pr B]]]]].
  set (noise := fun o => sum N (fun k => ‖xi k o‖²)). set (seen := fun o => sum N (fun k => seens k o)).
  assert (P1 : forall o, 0 <= squares N o) by (intros; apply sum_nonneg; intros; apply inner_nonneg).
  assert (P2 : forall o, 0 <= noise o) by (intros; apply sum_nonneg; intros; apply inner_nonneg).
  assert (P3 : forall o, 0 <= seen o).
  { intros o. apply sum_nonneg; intros k _. apply sum_nonneg. intros i I.
    apply Rmult_le_pos; [now apply (fact ada_weights)|apply inner_nonneg]. }
  assert (Each : forall o, sigma (S N) 0%nat o <= s0 + sqrt (2 * c0) * sqrt (squares N o) + sqrt (2 * c0 * noise o)
    + sqrt (c0 * seen o)).
  { intros o. assert (Grown : sigma (S N) 0%nat o ^ 2 <= s0 ^ 2 + 2 * c0 * squares N o + 2 * c0 * noise o + c0 * seen o).
    { unfold noise, seen. clear P1 P2 P3 noise seen. induction N as [|n IH]; cbn [sum].
      - destruct (fact ada_first 0 o Nat.lt_0_1) as [-> _]. lra.
      - rewrite (fact ada_rule n 0 o Nat.lt_0_1).
        assert (Sq : square_of P V part m weight ridge grad w dual n 0 o <= 2 * ‖slope (w (S n) o)‖² + 2 * ‖xi n o‖² + seens n o).
        { unfold square_of, block_square. apply Rplus_le_compat; [|right; reflexivity].
          assert (E : drawn V m weight ridge (fun l i => grad l i o) (fun l => w l o) n = (slope (w (S n) o) + xi n o)%V).
          { unfold drawn, mean_noise, noise_of, Objective.slope.
            rewrite (mean_add V m weight (fun i => grad (S n) i o) (fun i => -1 * G i (w (S n) o))%V), mean_scale.
            apply separated; intros z. autorewrite with inner. ring. }
          rewrite E. set (g := slope (w (S n) o)). set (e := xi n o). assert (Y := inner_nonneg _ (g - e)%V).
          autorewrite with inner in *. rewrite (inner_sym _ e g) in *. lra. }
        assert (Sc := Rmult_le_compat_l c0 _ _ ltac:(lra) Sq). lra. }
    assert (Ps := fact ada_positive N 0 o Nat.lt_0_1). rewrite <- (sqrt_pow2 (sigma (S N) 0%nat o)) by lra.
    eapply Rle_trans; [apply sqrt_le_1_alt, Grown|].
    assert (Q1 : 0 <= 2 * c0 * squares N o) by (apply Rmult_le_pos; [lra|apply P1]).
    assert (Q2 : 0 <= 2 * c0 * noise o) by (apply Rmult_le_pos; [lra|apply P2]).
    assert (Q3 : 0 <= c0 * seen o) by (apply Rmult_le_pos; [lra|apply P3]). assert (Q0 := pow2_ge_0 s0).
    assert (R1 := root_sum (s0 ^ 2 + 2 * c0 * squares N o + 2 * c0 * noise o) (c0 * seen o) ltac:(lra) Q3).
    assert (R2 := root_sum (s0 ^ 2 + 2 * c0 * squares N o) (2 * c0 * noise o) ltac:(lra) Q2).
    assert (R3 := root_sum (s0 ^ 2) (2 * c0 * squares N o) Q0 Q1).
    rewrite sqrt_pow2 in R3 by lra. rewrite sqrt_mult in R3 by (lra || apply P1). lra. }
  assert (E := expect_le P _ _ Each). rewrite !expect_add, expect_const, expect_scale in E.
  assert (Swap : forall f : nat -> P -> R, expect (fun o => sum N (fun k => f k o)) = sum N (fun k => expect (fun o => f k o))).
  { intros f. clear. induction N as [|N IH]; cbn [sum]; [apply expect_const|]. now rewrite expect_add, IH. }
  assert (E1 : expect (fun o => sqrt (2 * c0 * noise o)) <= sqrt (2 * c0 * INR N * v)).
  { apply expected_root; [intros o; apply Rmult_le_pos; [lra|apply P2]|]. rewrite expect_scale. unfold noise. rewrite Swap.
    replace (2 * c0 * INR N * v) with (2 * c0 * (INR N * v)) by ring. apply Rmult_le_compat_l; [lra|]. rewrite <- sum_const. apply sum_le. intros k _. apply mean_variance. }
  assert (E2 : expect (fun o => sqrt (c0 * seen o)) <= sqrt (c0 * spread_of N)).
  { apply expected_root; [intros o; apply Rmult_le_pos; [lra|apply P3]|]. rewrite expect_scale.
    apply Rmult_le_compat_l; [lra|apply spread_sum]. }
  change (expect (sigma (S N) 0%nat) <= s0 + sqrt (2 * c0) * expect (fun o => sqrt (squares N o))
    + sqrt (2 * c0 * INR N * v) + sqrt (c0 * spread_of N)). lra.
Qed.

Theorem N4_noise_adaptive N : (1 <= N)%nat -> / INR N * expect (fun o => sqrt (squares N o)) ^ 2
  <= (2 * c0 * gap N ^ 2 + 2 * gap N * (s0 + sqrt (2 * c0 * INR N * v) + sqrt (c0 * spread_of N))) / INR N.
Proof.
  intros PN. assert (Pn := lt_0_INR N ltac:(lia)). destruct constants_hold as [PL [PC [Z [Hb [Pr B]]]]].
  assert (Gap : expect (fun o => squares N o / sigma (S N) 0%nat o) <= gap N).
  { eapply Rle_trans; [|exact (gap_bounds P V 1 part (whole V) m weight ridge (L + ridge) c0 A s0 bound least (fun _ => s0) sigma
      bend grad w local dual _ slope same setting N)].
    assert (Swap : sum N (fun k => expect (fun o => / 2 * weighing V 1 part (fun j => / sigma (S k) j o) (slope (w (S k) o))))
      = expect (fun o => sum N (fun k => / 2 * weighing V 1 part (fun j => / sigma (S k) j o) (slope (w (S k) o))))).
    { clear. induction N as [|N IH]; cbn [sum]; [now rewrite expect_const|]. now rewrite expect_add, IH. }
    rewrite Swap, <- expect_scale. apply expect_le. intros o. unfold Rdiv. rewrite Rmult_comm, <- !sum_scale. apply sum_le.
    intros k K. unfold weighing. cbn [sum]. rewrite Rplus_0_l.
    replace (2 * (/ 2 * (/ sigma (S k) 0%nat o * ‖slope (w (S k) o)‖²))) with (/ sigma (S k) 0%nat o * ‖slope (w (S k) o)‖²)
      by (set (y := / sigma (S k) 0%nat o * ‖slope (w (S k) o)‖²); lra).
    apply Rmult_le_compat_r; [apply inner_nonneg|]. apply Rinv_le_contravar; [apply (fact ada_positive k 0 o Nat.lt_0_1)|].
    clear - K setting F_smooth fair variance mean_variance. induction N as [|n IH]; [lia|].
    destruct (Nat.eq_dec k n) as [->|]; [apply (penalty_above n o)|]. assert (H := IH ltac:(lia)).
    assert (U := proj2 (penalty_above n o)). lra. }
  assert (Parts := root_by_parts P (fun o => squares N o) (fun o => sigma (S N) 0%nat o) (gap N) _
    (fun o => sum_nonneg N _ (fun k _ => inner_nonneg V _)) (fun o => fact ada_positive N 0 o Nat.lt_0_1) Gap (penalty_mean N)).
  set (X := expect (fun o => sqrt (squares N o))) in *.
  assert (G0 : 0 <= gap N).
  { eapply Rle_trans; [|exact Gap]. apply expect_nonneg. intros o. apply quotient; [|apply (fact ada_positive N 0 o Nat.lt_0_1)].
    apply sum_nonneg. intros k _. apply inner_nonneg. }
  assert (Root := sqrt_sqrt (2 * c0) ltac:(lra)). set (r := sqrt (2 * c0)) in *. set (g := gap N) in *.
  assert (Young := pow2_ge_0 (X - r * g)).
  unfold Rdiv. rewrite (Rmult_comm _ (/ INR N)). apply Rmult_le_compat_l; [apply Rlt_le; now apply Rinv_0_lt_compat|].
  replace ((X - r * g) ^ 2) with (X ^ 2 - 2 * (r * g * X) + r * r * g ^ 2) in Young by ring. rewrite Root in Young. lra.
Qed.
End Adaptive.
Print Assumptions N4_noise_adaptive.
