(** N5: mini-batches with any metric that the past batches make, monotone or not, and any preconditioner of the same
    batch on top.

    [P] is a finite probability space; the run, its metric and its operators are given outcome by outcome. Step k draws
    the gradients at w_(k+1); [low k] = d_min sigma_k, and the metric lies in [low k, chi low k]. *)

From PISA Require Export PastNumbers PastStep ClientNoise.

Section Past.
Variables (P : probability) (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Variables (m : nat) (weight : nat -> R) (L chi v least : R) (low beta variances : nat -> R).
Variables (sigma : nat -> nat -> P -> R) (bend : nat -> nat -> P -> V -> V) (grad : nat -> nat -> P -> V).
Variables (w : nat -> P -> V) (local dual : nat -> nat -> P -> V) (F : nat -> V -> R) (G : nat -> V -> V).
Variable same : nat -> P -> P -> Prop.
Notation v_bar := (sum m (fun i => weight i * variances i)).

(** The method in every outcome; what step k knows ([same k]: outcomes that look alike before its batch is drawn), the
    metric among it; unbiased gradients of the clients. *)
Record past_metric : Prop := {
  past_run : forall o, metric_rounds V n part m weight 0 (fun l j => sigma l j o) (fun l i => bend l i o)
    (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o) (fun l i => dual l i o);
  past_alphas : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1;
  past_L : 0 < L;
  past_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i);
  past_between : forall k j o, (j < n)%nat -> low k <= sigma (S k) j o <= chi * low k;
  past_rises : forall k, 0 < low k <= low (S k);
  past_chi : 1 <= chi;
  past_beta : forall k, 0 <= beta (S k) <= beta k;
  past_operators : forall k i o, (i < m)%nat -> blockwise n part (fun j => beta k * sigma (S k) j o) (bend (S k) i o);
  past_far : forall k, 400 * (chi * ((1 + beta k) * (1 + 2 * beta k))) * (L / low k) ^ 2 <= 1;
  past_known : forall k o o', same k o o' -> w (S k) o = w (S k) o' /\
    (forall i, (i < m)%nat -> dual k i o = dual k i o') /\ forall j, (j < n)%nat -> sigma (S k) j o = sigma (S k) j o';
  past_fair : forall k i (x : P -> V), (i < m)%nat -> (forall o o', same k o o' -> x o = x o') ->
    expect (fun o => ⟨x o, grad (S k) i o - G i (w (S k) o)⟩) = 0;
  past_variance : forall k i, (i < m)%nat -> expect (fun o => ‖grad (S k) i o - G i (w (S k) o)‖²) <= variances i;
  past_mean_variance : forall k,
    expect (fun o => ‖mean V m weight (fun i => grad (S k) i o - G i (w (S k) o))%V‖²) <= v;
  past_v : v <= v_bar;
  past_least : forall x, least <= objective m weight 0 F x
}.
Hypothesis setting : past_metric.

Notation slope := (slope m weight 0 G).
Notation weighing := (weighing V n part).
Notation centre_of k o := (centre V n part m weight 0 (fun l j => sigma l j o) (fun l => w l o) (fun l i => dual l i o) k).
Notation xi k o := (mean_noise V m weight (fun l i => grad l i o) (fun l => w l o) G k).
Notation noises k o := (noises_of V m weight (fun l i => grad l i o) (fun l => w l o) G k).
Notation residuals k o := (residuals_of V m weight (fun l => w l o) (fun l i => dual l i o) G k).
Notation seens k o := (seen_of V m weight (fun l i => grad l i o) (fun l i => dual l i o) k).
Notation gradients k o := (weighing (fun j => / sigma (S k) j o) (slope (w (S k) o))).
Notation B k := (past_weight (low k) (beta k) (L / low k)).
Definition past_potential k o := objective m weight 0 F (centre_of k o) + B k * residuals k o.

Lemma slope_known k o o' : same k o o' -> slope (w (S k) o) = slope (w (S k) o').
Proof. intros S. now rewrite (proj1 (past_known setting k o o' S)). Qed.

Lemma inverse_known k o o' x : same k o o' ->
  diagonal V n part (fun j => / sigma (S k) j o) x = diagonal V n part (fun j => / sigma (S k) j o') x.
Proof.
  intros S. apply (diagonal_ext V n part). intros j J. now rewrite (proj2 (proj2 (past_known setting k o o' S)) j J).
Qed.

Lemma past_centre_known k o o' : same k o o' -> slope (centre_of k o) = slope (centre_of k o').
Proof.
  intros S. f_equal. unfold centre, memory. rewrite (inverse_known k o o' _ S).
  destruct (past_known setting k o o' S) as [-> [D _]]. do 2 f_equal. f_equal. f_equal. apply mean_ext. exact D.
Qed.

Lemma known_clients k o o' : same k o o' -> w (S k) o = w (S k) o' /\ forall i, (i < m)%nat -> dual k i o = dual k i o'.
Proof. intros S. destruct (past_known setting k o o' S) as [W [D _]]. auto. Qed.

Lemma noise_free k (x : P -> V) : (forall o o', same k o o' -> x o = x o') -> expect (fun o => ⟨x o, xi k o⟩) = 0.
Proof. exact (ClientNoise.noise_free P V m weight grad w G same (past_fair setting) k x). Qed.

Lemma noises_most k : 0 <= expect (fun o => noises k o) <= v_bar.
Proof. exact (ClientNoise.noises_most P V m weight variances grad w G (past_alphas setting) (past_variance setting) k). Qed.

Theorem past_descends k : expect (fun o => past_potential (S k) o) <= expect (fun o => past_potential k o)
  - / 4 * expect (fun o => gradients k o) + past_noise (low k) (beta k) (L / low k) v v_bar.
Proof.
  assert (Pl := past_rises setting k). assert (Pb := past_beta setting k). assert (PL := past_L setting).
  assert (Nonneg : forall k, 0 <= beta k) by (intros j; assert (Q := past_beta setting j); lra).
  assert (Pk : 0 < L / low k) by (apply Rdiv_lt_0_compat; lra).
  assert (Sq : 0 <= beta k / (1 + beta k)) by (apply quotient; lra).
  (* the step *)
  assert (Down := expect_le P _ _ (fun o => past_descent V n part split m weight L low beta (fun l j => sigma l j o)
    (fun l i => bend l i o) (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o) (fun l i => dual l i o) F G
    (past_run setting o) (past_alphas setting) PL (past_smooth setting)
    (fun k j J => proj1 (past_between setting k j o J)) (past_rises setting) Nonneg
    (fun k i => past_operators setting k i o) k)).
  assert (Res := expect_le P _ _ (fun o => past_residuals V n part split m weight L low beta (fun l j => sigma l j o)
    (fun l i => bend l i o) (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o) (fun l i => dual l i o) F G
    (past_run setting o) (past_alphas setting) (past_smooth setting)
    (fun k j J => proj1 (past_between setting k j o J)) (past_rises setting) Nonneg
    (fun k i => past_operators setting k i o) k)).
  cbv beta in Down, Res.
  set (kk := L / low k) in *. set (q := beta k / (1 + beta k)) in *.
  assert (Z1 := noise_free k (fun o => diagonal V n part (fun j => / sigma (S k) j o) (slope (w (S k) o)))
    (fun o o' S => eq_trans (f_equal _ (slope_known k o o' S)) (inverse_known k o o' _ S))).
  assert (Z2 := noise_free k (fun o => diagonal V n part (fun j => / sigma (S k) j o) (slope (centre_of k o)))
    (fun o o' S => eq_trans (f_equal _ (past_centre_known k o o' S)) (inverse_known k o o' _ S))).
  assert (Z3 := noise_free k (fun o => slope (w (S k) o)) (slope_known k)). cbv beta in Z1, Z2, Z3.
  assert (Down' : expect (fun o => objective m weight 0 F (centre_of (S k) o)) <= expect (fun o => objective m weight 0 F
    (centre_of k o)) - (/ 2 - kk - kk ^ 2) * expect (fun o => gradients k o) + / low k * (kk ^ 2 * expect (fun o => residuals k o)
    + (/ 2 + kk) * q ^ 2 * expect (fun o => seens k o) + kk * expect (fun o => ‖xi k o‖²))).
  { eapply Rle_trans; [exact Down|]. right.
    rewrite !expect_add, !expect_minus, !expect_scale, !expect_add, !expect_scale, Z1, Z2. ring. }
  assert (Res' : expect (fun o => residuals (S k) o) <= 2 * (1 + beta k) / (1 + 2 * beta k) * (q * expect (fun o => residuals k o)
    + expect (fun o => noises k o)) + 2 * (1 + beta k) * kk ^ 2 * (18 * expect (fun o => ‖slope (w (S k) o)‖²)
    + 6 * expect (fun o => residuals k o) + 12 * q ^ 2 * expect (fun o => seens k o) + 12 * expect (fun o => ‖xi k o‖²))).
  { eapply Rle_trans; [exact Res|]. right.
    rewrite !expect_add, !expect_scale, !expect_add, !expect_scale, Z3. ring. }
  assert (Weigh : forall o, 0 <= gradients k o /\ ‖slope (w (S k) o)‖² <= chi * low k * gradients k o).
  { intros o. set (g := slope (w (S k) o)). split.
    - unfold Diagonal.weighing. apply sum_nonneg. intros j J. apply Rmult_le_pos; [|apply inner_nonneg].
      assert (Be := past_between setting k j o J). apply Rlt_le, Rinv_0_lt_compat. lra.
    - rewrite <- weighing_scale, <- (weighing_one V n part split). apply weighing_le. intros j J.
      assert (Be := past_between setting k j o J). change (1 <= (chi * low k) / sigma (S k) j o).
      apply below_quotient; lra. }
  assert (Later : B (S k) <= B k).
  { assert (Pl' := past_rises setting (S k)). assert (Pb' := past_beta setting (S k)).
    assert (I : 0 < / low (S k) <= / low k) by (split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra).
    assert (Kl : 0 <= L / low (S k) <= L / low k) by (unfold Rdiv; split; [apply Rmult_le_pos|apply Rmult_le_compat_l]; lra).
    assert (Ql : 0 <= beta (S k) / (1 + beta (S k)) <= beta k / (1 + beta k)).
    { split; [apply quotient; lra|]. apply Rmult_le_reg_r with ((1 + beta k) * (1 + beta (S k))); [apply Rmult_lt_0_compat; lra|].
      replace (beta (S k) / (1 + beta (S k)) * ((1 + beta k) * (1 + beta (S k)))) with (beta (S k) * (1 + beta k)) by (field; lra).
      replace (beta k / (1 + beta k) * ((1 + beta k) * (1 + beta (S k)))) with (beta k * (1 + beta (S k))) by (field; lra). nra. }
    assert (K2 := pow_incr _ _ 2 Kl). assert (Q2 := pow_incr _ _ 2 Ql). assert (N1 := pow2_ge_0 (L / low (S k))).
    assert (N2 := pow2_ge_0 (beta (S k) / (1 + beta (S k)))). unfold past_weight, Rdiv at 1 4.
    apply Rmult_le_compat; [apply Rmult_le_pos; lra|lra| |lra]. apply Rmult_le_compat; lra. }
  assert (Pos := noises_most k). assert (Mv := past_mean_variance setting k).
  assert (PR : forall j, 0 <= expect (fun o => residuals j o)).
  { intros j. apply expect_nonneg. intros o. apply sum_nonneg. intros i I.
    apply Rmult_le_pos; [now apply setting|apply inner_nonneg]. }
  assert (T := past_together (low k) (beta k) kk chi
    (conj (proj1 Pl) (conj (Nonneg k) (conj Pk (past_chi setting)))) (past_far setting k)
    _ _ (expect (fun o => gradients k o)) (expect (fun o => ‖slope (w (S k) o)‖²)) _ _ _ _ v v_bar _
    (expect_nonneg P _ (fun o => proj1 (Weigh o))) (PR k) (expect_nonneg P _ (fun o => inner_nonneg _ _))
    (Rle_trans _ _ _ (expect_le P _ _ (fun o => proj2 (Weigh o))) (Req_le _ _ (expect_scale P _ _)))
    (past_v setting) (Rle_trans _ _ _ (expect_nonneg P _ (fun o => inner_nonneg _ _)) Mv) Mv (proj2 Pos)
    (seen_split P V m weight grad w dual G same known_clients (past_fair setting) k) (proj1 Pos) Down' Res').
  unfold past_potential. rewrite !expect_add, !expect_scale.
  assert (Lt := Rmult_le_compat_r _ _ _ (PR (S k)) Later). fold kk in Lt |- *. lra.
Qed.

Lemma noise_below k H : (forall k, beta k <= H / low k) -> past_noise (low k) (beta k) (L / low k) v v_bar
  <= (L * v + (1 + 2 * beta 0%nat) * (47 / 10 * L ^ 2 + 34 / 10 * H ^ 2) * v_bar / low 0%nat) * / low k ^ 2.
Proof.
  intros Clip. assert (Up : forall k, low 0%nat <= low k /\ beta k <= beta 0%nat).
  { intros j. induction j as [|j IH]; [lra|]. assert (A := past_rises setting j). assert (C := past_beta setting j). lra. }
  assert (Pl := past_rises setting k). assert (Pb := past_beta setting k). assert (PL := past_L setting).
  assert (Pz := past_rises setting 0). assert (Pv := proj1 (noises_most 0)). assert (Pn := proj2 (noises_most 0)).
  assert (Pv0 : 0 <= v) by (eapply Rle_trans; [|apply (past_mean_variance setting 0)]; apply expect_nonneg; intros; apply inner_nonneg).
  specialize (Clip k). specialize (Up k). unfold past_noise. set (l := low k) in *. set (l0 := low 0%nat) in *.
  assert (Q : (beta k / (1 + beta k)) ^ 2 <= (H / l) ^ 2).
  { apply pow_incr. split; [apply quotient; lra|]. apply Rle_trans with (beta k); [|exact Clip].
    apply Rmult_le_reg_r with (1 + beta k); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. nra. }
  replace ((H / l) ^ 2) with (H ^ 2 * / l ^ 2) in Q by (field; lra).
  replace ((L / l) ^ 2) with (L ^ 2 * / l ^ 2) by (field; lra).
  assert (I : 0 < / l <= / l0) by (split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra).
  assert (I2 : 0 < / l ^ 2) by (apply Rinv_0_lt_compat, pow_lt; lra).
  replace (/ l * (L / l * v + (1 + 2 * beta k) * (47 / 10 * (L ^ 2 * / l ^ 2) + 34 / 10 * (beta k / (1 + beta k)) ^ 2) * v_bar))
    with (L * v * / l ^ 2 + / l * ((1 + 2 * beta k) * (47 / 10 * (L ^ 2 * / l ^ 2) + 34 / 10 * (beta k / (1 + beta k)) ^ 2) * v_bar))
    by (field; lra).
  replace ((L * v + (1 + 2 * beta 0%nat) * (47 / 10 * L ^ 2 + 34 / 10 * H ^ 2) * v_bar / l0) * / l ^ 2) with
    (L * v * / l ^ 2 + / l0 * ((1 + 2 * beta 0%nat) * (47 / 10 * (L ^ 2 * / l ^ 2) + 34 / 10 * (H ^ 2 * / l ^ 2)) * v_bar))
    by (field; lra).
  apply Rplus_le_compat_l. assert (L2 := pow2_ge_0 L). assert (0 <= L ^ 2 * / l ^ 2) by (apply Rmult_le_pos; lra).
  assert (Y := pow2_ge_0 (beta k / (1 + beta k))). apply Rmult_le_compat; [lra| |lra|].
  - apply Rmult_le_pos; [apply Rmult_le_pos|]; lra.
  - apply Rmult_le_compat_r; [lra|]. apply Rmult_le_compat; lra.
Qed.

(** N5: the repaired schedule, for operators below a fixed bound H and any metric of the past between the two ends. *)
Theorem N5_schedule H : (forall k, beta k <= H / low k) -> diverges (fun k => / low k) -> summable (fun k => / low k ^ 2) ->
  vanishes (fun k => / low k) (fun k => expect (fun o => ‖slope (w (S k) o)‖²)).
Proof.
  intros Clip D [S0 Sum]. set (c := L * v + (1 + 2 * beta 0%nat) * (47 / 10 * L ^ 2 + 34 / 10 * H ^ 2) * v_bar / low 0%nat).
  assert (T := telescope (fun k => expect (fun o => past_potential k o))
    (fun k => / 4 * expect (fun o => gradients k o) + - (c * / low k ^ 2))
    (fun k => ltac:(assert (St := past_descends k); assert (Nb := noise_below k H Clip); fold c in Nb; lra))).
  assert (Low : forall N, least <= expect (fun o => past_potential N o)).
  { intros N. rewrite <- (expect_const P least). apply expect_le. intros o. unfold past_potential.
    assert (Bd := past_least setting (centre_of N o)). assert (Pl := past_rises setting N). assert (Pb := past_beta setting N).
    assert (0 <= B N * residuals N o); [|lra]. apply Rmult_le_pos.
    - unfold past_weight. assert (Y := pow2_ge_0 (L / low N)). assert (Z := pow2_ge_0 (beta N / (1 + beta N))).
      apply Rmult_le_pos; [apply Rmult_le_pos; [apply quotient|]|]; lra.
    - apply sum_nonneg. intros i I. apply Rmult_le_pos; [now apply setting|apply inner_nonneg]. }
  assert (Pc : 0 <= c).
  { assert (Pz := past_rises setting 0). assert (Nb := noise_below 0 H Clip). fold c in Nb.
    assert (I2 : 0 < / low 0%nat ^ 2) by (apply Rinv_0_lt_compat, pow_lt; lra).
    assert (Pn : 0 <= past_noise (low 0%nat) (beta 0%nat) (L / low 0%nat) v v_bar).
    { assert (PL := past_L setting). assert (Pb := past_beta setting 0).
      assert (Pv0 : 0 <= v) by (eapply Rle_trans; [|apply (past_mean_variance setting 0)]; apply expect_nonneg; intros; apply inner_nonneg).
      assert (Vv := past_v setting). assert (Y := pow2_ge_0 (L / low 0%nat)).
      assert (Z := pow2_ge_0 (beta 0%nat / (1 + beta 0%nat))). assert (0 < L / low 0%nat) by (apply Rdiv_lt_0_compat; lra).
      unfold past_noise. apply Rmult_le_pos; [apply Rlt_le, Rinv_0_lt_compat; lra|]. apply Rplus_le_le_0_compat;
        [apply Rmult_le_pos; lra|]. apply Rmult_le_pos; [apply Rmult_le_pos|]; lra. }
    nra. }
  assert (Pchi := past_chi setting).
  apply (repaired _ _ (chi * (4 * (expect (fun o => past_potential 0 o) - least + c * S0)))).
  - intros k. assert (Pl := past_rises setting k). apply Rlt_le, Rinv_0_lt_compat. lra.
  - intros k. apply expect_nonneg. intros. apply inner_nonneg.
  - exact D.
  - intros N. specialize (T N). cbv beta in T. rewrite sum_add, sum_scale in T.
    rewrite (sum_ext N (fun k => - (c * / low k ^ 2)) (fun k => - c * / low k ^ 2)), sum_scale in T by (intros; ring).
    assert (Sc := Rmult_le_compat_l _ _ _ Pc (Sum N)). assert (Ln := Low N).
    apply Rle_trans with (chi * sum N (fun k => expect (fun o => gradients k o))).
    + rewrite <- sum_scale. apply sum_le. intros k _. rewrite <- !expect_scale. apply expect_le. intros o.
      assert (Pl := past_rises setting k). set (g := slope (w (S k) o)).
      rewrite <- (weighing_one V n part split g), <- !weighing_scale. apply weighing_le. intros j J.
      assert (Be := past_between setting k j o J). rewrite Rmult_1_r.
      apply Rmult_le_reg_l with (low k * sigma (S k) j o); [apply Rmult_lt_0_compat; lra|].
      replace (low k * sigma (S k) j o * / low k) with (sigma (S k) j o) by (field; lra).
      replace (low k * sigma (S k) j o * (chi * / sigma (S k) j o)) with (chi * low k) by (field; lra). lra.
    + apply Rmult_le_compat_l; lra.
Qed.
End Past.
Print Assumptions past_descends.
Print Assumptions N5_schedule.
