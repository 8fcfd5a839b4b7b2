(** One step with a metric of the past, block by block and outcome by outcome, whatever metric comes next (N5; the
    expectations are in PastMetric.v). No ridge; [low k] is a floor of the metric that does not fall. *)

From PISA Require Export ClientResiduals.

Section Outcome.
Variables (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Variables (m : nat) (weight : nat -> R) (L : R) (low beta : nat -> R) (sigma : nat -> nat -> R).
Variables (bend : nat -> nat -> V -> V) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Variables (F : nat -> V -> R) (G : nat -> V -> V).
Hypothesis run : metric_rounds V n part m weight 0 sigma bend grad w local dual.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis floor : forall k j, (j < n)%nat -> low k <= sigma (S k) j.
Hypothesis low_rises : forall k, 0 < low k <= low (S k).
Hypothesis beta_nonneg : forall k, 0 <= beta k.
Hypothesis operators : forall k i, (i < m)%nat -> blockwise n part (fun j => beta k * sigma (S k) j) (bend (S k) i).

Notation place k := (w (S k)).
Notation mean := (mean V m weight).
Notation weighing := (weighing V n part).
Notation diagonal := (diagonal V n part).
Notation inverse k := (fun j : nat => (/ sigma (S k) j)%R).
Notation centre k := (centre V n part m weight 0 sigma w dual k).
Notation drawn k := (drawn V m weight 0 grad w k).
Notation bent k := (bent V m weight bend w local k).
Notation pull k := (pull V m weight 0 w dual k).
Notation kept k := (kept V n part sigma w local k).
Notation lost k := (lost V bend w local k).
Notation seen k := (seen V grad dual k).
Notation objective := (objective m weight 0 F).
Notation slope := (slope m weight 0 G).
Notation residual_of k := (residual_of V w dual G k).
Notation residuals_of k := (residuals_of V m weight w dual G k).
Notation mean_noise k := (mean_noise V m weight grad w G k).
Notation noises_of k := (noises_of V m weight grad w G k).
Notation seen_of k := (seen_of V m weight grad dual k).
Notation g k := (slope (place k)).
Notation q k := (beta k / (1 + beta k)).
(** 1/kappa *)
Notation inv k := (L / low k).

Lemma metric_positive k j : (j < n)%nat -> 0 < sigma (S k) j.
Proof. intros J. assert (F0 := floor k j J). assert (P := low_rises k). lra. Qed.

Lemma inverse_range k j : (j < n)%nat -> 0 < / sigma (S k) j <= / low k.
Proof.
  intros J. assert (F0 := floor k j J). assert (P := low_rises k).
  split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra.
Qed.

Lemma inverse_weighing k x : 0 <= weighing (inverse k) x <= / low k * ‖x‖².
Proof.
  split.
  - unfold Diagonal.weighing. rewrite <- (Rmult_0_r (INR n)), <- sum_const. apply sum_le. intros j J.
    apply Rmult_le_pos; [apply Rlt_le, (inverse_range k j J)|apply inner_nonneg].
  - rewrite <- (weighing_const V n part split). apply weighing_le. intros j J. apply (inverse_range k j J).
Qed.

Lemma squares_weighing k x : weighing (fun j => / sigma (S k) j * / sigma (S k) j) x <= / low k * weighing (inverse k) x.
Proof.
  rewrite <- weighing_scale. apply weighing_le. intros j J. assert (I := inverse_range k j J).
  apply Rmult_le_compat_r; lra.
Qed.

Lemma squares_add x y : ‖x + y‖² <= 2 * ‖x‖² + 2 * ‖y‖² /\
  forall k, weighing (inverse k) (x + y)%V <= 2 * weighing (inverse k) x + 2 * weighing (inverse k) y.
Proof.
  assert (Two : forall a b : V, ‖a + b‖² <= 2 * ‖a‖² + 2 * ‖b‖²).
  { intros a b. assert (Y := inner_nonneg _ (a - b)%V). autorewrite with inner in *. rewrite (inner_sym _ b a) in *. lra. }
  split; [apply Two|]. intros k. unfold Diagonal.weighing. rewrite <- !sum_scale, <- sum_add. apply sum_le. intros j J.
  rewrite (part_add V n part split). assert (T := Two (part j x) (part j y)). assert (I := inverse_range k j J).
  assert (T' := Rmult_le_compat_l _ _ _ (Rlt_le _ _ (proj1 I)) T). lra.
Qed.

Lemma drawn_parts k : drawn k = (g k + mean_noise k)%V.
Proof.
  unfold drawn, ClientResiduals.mean_noise, noise_of, Objective.slope.
  rewrite (mean_add V m weight (grad (S k)) (fun i => -1 * G i (place k))%V), mean_scale.
  apply separated; intros z. autorewrite with inner. ring.
Qed.

Lemma pull_split k : pull k = (g k + mean_noise k + bent k)%V.
Proof. now rewrite (pull_parts V n part m weight 0 sigma bend grad w local dual run), drawn_parts. Qed.

Lemma memory_split k : (memory m weight dual k + 0 * place k = g k + -1 * mean (residual_of k))%V.
Proof.
  unfold memory, ClientResiduals.residual_of, Objective.slope. rewrite (mean_add V m weight (fun i => G i (place k)) (dual k)).
  apply separated; intros z. autorewrite with inner. ring.
Qed.

(** ** What the point of the analysis does *)
Theorem past_descent k : objective (centre (S k)) <= objective (centre k)
  - (/ 2 - inv k - inv k ^ 2) * weighing (inverse k) (g k)
  + / low k * (inv k ^ 2 * residuals_of k + (/ 2 + inv k) * q k ^ 2 * seen_of k + inv k * ‖mean_noise k‖²)
  + (2 * inv k * ⟨diagonal (inverse k) (g k), mean_noise k⟩ - ⟨diagonal (inverse k) (slope (centre k)), mean_noise k⟩).
Proof.
  assert (Sm := objective_smooth V m weight 0 L F G weights (Rle_refl 0) L_positive F_smooth). rewrite Rplus_0_r in Sm.
  assert (St := metric_step V n part L objective slope (inverse k) (centre k) (g k) (mean_noise k) (bent k) split
    L_positive Sm (fun j J => Rlt_le _ _ (proj1 (inverse_range k j J)))).
  rewrite <- pull_split in St. rewrite <- (mean_model_steps V n part split m weight 0 sigma bend grad w local dual run
    weights metric_positive k) in St.
  assert (Pl := low_rises k). assert (Il : 0 < / low k) by (apply Rinv_0_lt_compat; lra).
  assert (Pi : 0 < inv k) by (apply Rdiv_lt_0_compat; lra).
  (* the turn of the gradient *)
  assert (Turn : / 2 * weighing (inverse k) (slope (centre k) - g k)%V
    <= inv k ^ 2 * (weighing (inverse k) (g k) + / low k * residuals_of k)).
  { assert (T := lipschitz _ _ _ _ Sm (centre k) (place k)).
    replace (centre k - place k)%V with (diagonal (inverse k) (memory m weight dual k + 0 * place k)%V) in T
      by (unfold MetricRounds.centre; vector).
    rewrite (diagonal_norm V n part split), memory_split in T.
    assert (S1 := squares_weighing k (g k + -1 * mean (residual_of k))%V).
    assert (S2 := proj2 (squares_add (g k) (-1 * mean (residual_of k))%V) k).
    assert (S3 := proj2 (inverse_weighing k (-1 * mean (residual_of k))%V)).
    replace (‖-1 * mean (residual_of k)‖²) with (‖mean (residual_of k)‖²) in S3 by (autorewrite with inner; ring).
    assert (J := mean_square V m weight weights (residual_of k)). fold (residuals_of k) in J.
    assert (J' := Rmult_le_compat_l _ _ _ (Rlt_le _ _ Il) J).
    assert (W := proj2 (inverse_weighing k (slope (centre k) - g k)%V)).
    set (t := ‖slope (centre k) - g k‖²) in *. set (e := (g k + -1 * mean (residual_of k))%V) in *.
    set (x := weighing (inverse k) (g k)) in *. set (y := weighing (inverse k) (-1 * mean (residual_of k))%V) in *.
    assert (P2 : weighing (fun j => / sigma (S k) j * / sigma (S k) j) e <= / low k * (2 * x + 2 * (/ low k * residuals_of k))).
    { eapply Rle_trans; [exact S1|]. apply Rmult_le_compat_l; lra. }
    assert (T2 := Rmult_le_compat_l (L * L) _ _ ltac:(nra) P2).
    assert (T3 := Rmult_le_compat_l (/ low k) _ _ ltac:(lra) (Rle_trans _ _ _ T T2)).
    replace (inv k ^ 2 * (x + / low k * residuals_of k)) with
      (/ 2 * (/ low k * (L * L * (/ low k * (2 * x + 2 * (/ low k * residuals_of k)))))) by (unfold Rdiv; field; lra).
    apply Rmult_le_compat_l; lra. }
  (* the squared step *)
  assert (Bent := bent_total V n part split m weight 0 beta (fun k j => beta k * sigma (S k) j) sigma bend grad w local
    dual run weights metric_positive beta_nonneg operators (fun _ _ _ => Rle_refl _) k). assert (Bent' := Rmult_le_compat_l _ _ _ (Rlt_le _ _ Il) Bent).
  assert (Eps := proj2 (inverse_weighing k (bent k))). assert (Noise := proj2 (inverse_weighing k (mean_noise k))).
  assert (Step : L / 2 * weighing (fun j => / sigma (S k) j * / sigma (S k) j) (pull k)
    <= inv k * (weighing (inverse k) (g k) + 2 * ⟨diagonal (inverse k) (g k), mean_noise k⟩
      + weighing (inverse k) (mean_noise k) + weighing (inverse k) (bent k))).
  { assert (S1 := squares_weighing k (pull k)). rewrite pull_split in *.
    assert (S2 := proj2 (squares_add (g k + mean_noise k)%V (bent k)) k).
    assert (E : weighing (inverse k) (g k + mean_noise k)%V = weighing (inverse k) (g k)
      + 2 * ⟨diagonal (inverse k) (g k), mean_noise k⟩ + weighing (inverse k) (mean_noise k)).
    { rewrite <- !(weighing_inner V n part split), (diagonal_plus V n part split). autorewrite with inner.
      rewrite (diagonal_symmetric V n part split _ (mean_noise k) (g k)), (inner_sym _ (mean_noise k)). ring. }
    rewrite E in S2. set (a := weighing _ (g k + mean_noise k + bent k)%V) in *.
    assert (S3 : a <= / low k * (2 * (weighing (inverse k) (g k)
      + 2 * ⟨diagonal (inverse k) (g k), mean_noise k⟩ + weighing (inverse k) (mean_noise k))
      + 2 * weighing (inverse k) (bent k))) by (eapply Rle_trans; [exact S1|]; apply Rmult_le_compat_l; lra).
    assert (S4 := Rmult_le_compat_l (L / 2) _ _ ltac:(lra) S3). unfold Rdiv in *. lra. }
  assert (M1 : inv k * weighing (inverse k) (mean_noise k) <= inv k * (/ low k * ‖mean_noise k‖²))
    by (apply Rmult_le_compat_l; lra).
  assert (M2 : (/ 2 + inv k) * weighing (inverse k) (bent k) <= (/ 2 + inv k) * (/ low k * (q k ^ 2 * seen_of k)))
    by (apply Rmult_le_compat_l; lra).
  lra.
Qed.

(** ** What the residuals do *)
Lemma place_step k : ‖place (S k) - place k‖² <= / low k * / low k * (12 * ‖g k + mean_noise k‖² + 12 * ‖bent k‖²
  + 6 * ‖g k‖² + 6 * residuals_of k).
Proof.
  assert (E : (place (S k) - place k = diagonal (inverse k) (memory m weight dual k + 0 * place k)
    - diagonal (inverse k) (pull k) - diagonal (inverse (S k)) (memory m weight dual (S k) + 0 * place (S k)))%V).
  { assert (Y := mean_model_steps V n part split m weight 0 sigma bend grad w local dual run weights metric_positive k).
    unfold MetricRounds.centre in Y. apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in Y.
    autorewrite with inner in *. lra. }
  assert (Later : (memory m weight dual (S k) + 0 * place (S k))%V = pull k)
    by (unfold MetricRounds.pull; apply separated; intros z; autorewrite with inner; ring).
  rewrite Later, memory_split in E.
  assert (Small : forall l x, (k <= l)%nat -> ‖diagonal (inverse l) x‖² <= / low k * / low k * ‖x‖²).
  { intros l x Kl. rewrite (diagonal_norm V n part split), <- (weighing_const V n part split). apply weighing_le.
    intros j J. assert (I := inverse_range l j J). assert (Pk := low_rises k).
    assert (Up : low k <= low l) by (clear - Kl low_rises; induction Kl as [|l Kl IH]; [lra|assert (R := low_rises l); lra]).
    assert (/ low l <= / low k) by (apply Rinv_le_contravar; lra). apply Rmult_le_compat; lra. }
  rewrite E. set (p := (g k + -1 * mean (residual_of k))%V).
  assert (N1 := Small k p (Nat.le_refl k)). assert (N2 := Small k (pull k) (Nat.le_refl k)).
  assert (N3 := Small (S k) (pull k) ltac:(lia)).
  set (a := diagonal (inverse k) p) in *. set (b := diagonal (inverse k) (pull k)) in *.
  set (c := diagonal (inverse (S k)) (pull k)) in *.
  assert (Three : ‖a - b - c‖² <= 3 * ‖a‖² + 3 * ‖b‖² + 3 * ‖c‖²).
  { assert (Y1 := inner_nonneg _ (a + b)%V). assert (Y2 := inner_nonneg _ (a + c)%V). assert (Y3 := inner_nonneg _ (b - c)%V).
    autorewrite with inner in *. rewrite (inner_sym _ b a), (inner_sym _ c a), (inner_sym _ c b) in *. lra. }
  assert (P1 := proj1 (squares_add (g k) (-1 * mean (residual_of k))%V)). fold p in P1.
  replace (‖-1 * mean (residual_of k)‖²) with (‖mean (residual_of k)‖²) in P1 by (autorewrite with inner; ring).
  assert (J := mean_square V m weight weights (residual_of k)). fold (residuals_of k) in J.
  assert (P2 := proj1 (squares_add (g k + mean_noise k)%V (bent k))). rewrite <- pull_split in P2.
  assert (Pk := low_rises k). assert (Il : 0 < / low k) by (apply Rinv_0_lt_compat; lra).
  assert (Q : 0 <= / low k * / low k) by nra. set (i2 := / low k * / low k) in *.
  assert (X1 : i2 * ‖p‖² <= i2 * (2 * ‖g k‖² + 2 * residuals_of k)) by (apply Rmult_le_compat_l; lra).
  assert (X2 : i2 * ‖pull k‖² <= i2 * (2 * ‖g k + mean_noise k‖² + 2 * ‖bent k‖²)) by (apply Rmult_le_compat_l; lra).
  lra.
Qed.

Theorem past_residuals k : residuals_of (S k) <= 2 * (1 + beta k) / (1 + 2 * beta k) * (q k * residuals_of k + noises_of k)
  + 2 * (1 + beta k) * inv k ^ 2 * (18 * ‖g k‖² + 6 * residuals_of k + 12 * q k ^ 2 * seen_of k + 12 * ‖mean_noise k‖²
    + 24 * ⟨g k, mean_noise k⟩).
Proof.
  assert (Pb := beta_nonneg k). set (b := 2 * (1 + beta k)).
  eapply Rle_trans; [exact (residuals_turn V n part split m weight 0 L beta (fun k j => beta k * sigma (S k) j) sigma bend
    grad w local dual F G run weights F_smooth metric_positive beta_nonneg operators (fun _ _ _ => Rle_refl _) k)|].
  fold b. apply Rplus_le_compat_l. assert (St := place_step k). assert (Bent := bent_total V n part split m weight 0 beta (fun k j => beta k * sigma (S k) j) sigma bend grad w local
    dual run weights metric_positive beta_nonneg operators (fun _ _ _ => Rle_refl _) k).
  assert (Pk := low_rises k). assert (Il : 0 < / low k) by (apply Rinv_0_lt_compat; lra).
  replace (‖g k + mean_noise k‖²) with (‖g k‖² + 2 * ⟨g k, mean_noise k⟩ + ‖mean_noise k‖²) in St
    by (autorewrite with inner; rewrite (inner_sym _ (mean_noise k) (g k)); ring).
  replace (b * inv k ^ 2 * (18 * ‖g k‖² + 6 * residuals_of k + 12 * q k ^ 2 * seen_of k + 12 * ‖mean_noise k‖²
    + 24 * ⟨g k, mean_noise k⟩)) with (b * (L * L * (/ low k * / low k * (12 * (‖g k‖² + 2 * ⟨g k, mean_noise k⟩
    + ‖mean_noise k‖²) + 12 * (q k ^ 2 * seen_of k) + 6 * ‖g k‖² + 6 * residuals_of k)))) by (unfold Rdiv; field; lra).
  apply Rmult_le_compat_l; [unfold b; lra|]. apply Rmult_le_compat_l; [nra|]. eapply Rle_trans; [exact St|].
  apply Rmult_le_compat_l; [nra|]. lra.
Qed.
End Outcome.
