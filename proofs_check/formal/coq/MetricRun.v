(** N3: metric SISA. The penalties are diagonal matrices Sigma_i, new in each round; the potential falls by half the
  squared
    gradient in the metric, if the metric falls at most by the factor vartheta a round (vartheta = 1: it does not
      fall). *)

From PISA Require Export Metric.

Section MetricRun.
Variables (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Notation diagonal := (diagonal V n part).
Notation weighing := (weighing V n part).
Variables (m : nat) (weight : nat -> R) (ridge beta vartheta b X kappa khat least : R) (ell : nat -> R).
Variables (sigma slow : nat -> nat -> nat -> R) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (w : nat -> V) (local dual : nat -> nat -> V).
Notation mean := (mean V m weight).
Notation deviation := (deviation V w local).
(** S = sum alpha_i Sigma_i + lambda, by coordinates. *)
Definition metric l j := sum m (fun i => weight i * sigma l i j) + ridge.

(** Algorithm 1 with matrices Sigma_i for the penalties; [slow l i] are the entries of rho_i Q_i. *)
Record metric_pisa : Prop := {
  metric_start : forall i, local 0 i = w 0%nat;
  metric_server : forall l, diagonal (metric l) (w (S l)) = mean (fun i => diagonal (sigma l i) (local l i) + dual l
    i)%V;
  metric_client : forall l i, (i < m)%nat -> (diagonal (sigma (S l) i) (deviation (S l) i)
    + diagonal (slow (S l) i) (deviation (S l) i) = - (dual l i + G i (w (S l))))%V;
  metric_multiplier : forall l i, (dual (S l) i = dual l i + diagonal (sigma (S l) i) (deviation (S l) i))%V
}.

Hypothesis run : metric_pisa.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ell_positive : forall j, (j < n)%nat -> 0 < ell j.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth_metric V n part ell (F i) (G i).
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis sigma_positive : forall l i j, (i < m)%nat -> (j < n)%nat -> 0 < sigma l i j.
Hypothesis slow_bounded : forall l i j, (i < m)%nat -> (j < n)%nat -> 0 <= slow l i j <= beta * sigma l i j.
Hypothesis factors : constants beta vartheta b X.
(** Sigma >= kappa LL, S >= khat LL, and S falls at most by the factor vartheta. *)
Hypothesis above : forall l j, (j < n)%nat -> kappa * ell j + ridge <= metric l j /\ khat * ell j <= metric l j.
Hypothesis slow_fall : forall l j, (j < n)%nat -> vartheta * metric l j <= metric (S l) j.
Hypothesis large : 0 < khat /\ X <= (kappa - 1) * khat.

Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).
Notation residual := (residual V G w dual).
Notation inverse l := (fun j : nat => (/ metric l j)%R).
Definition metric_potential l :=
  objective (w (S l)) + vartheta * b * sum m (fun i => weight i * weighing (inverse (S l)) (residual l i)).

Definition u l i : V := (- diagonal (sigma (S l) i) (deviation (S l) i))%V.
Definition v l i : V := (- diagonal (slow (S l) i) (deviation (S l) i))%V.
Notation step l := (w (S (S l)) - w (S l))%V.
Notation turn l i := (G i (w (S (S l))) - G i (w (S l)))%V.

Lemma metric_positive l j : (j < n)%nat -> 0 < metric l j.
Proof.
  intros J. assert (A := proj2 (above l j J)). assert (P := ell_positive j J). destruct large as [K _].
  assert (0 < khat * ell j) by now apply Rmult_lt_0_compat. lra.
Qed.

Lemma residual_split l i : (i < m)%nat -> residual l i = (u l i + v l i)%V.
Proof.
  intros I. assert (E := metric_client run l i I). unfold u, v, Preconditioned.residual. apply separated; intros z.
  apply (f_equal (fun y => ⟨y, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

Lemma residual_next l i : (i < m)%nat -> residual (S l) i = (v l i + turn l i)%V.
Proof.
  intros I. assert (E := metric_client run l i I). unfold v, Preconditioned.residual. rewrite (metric_multiplier run).
  apply separated; intros z. apply (f_equal (fun y => ⟨y, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

(** S (w+ - w) = -(G + r), r the mean of u - v. *)
Lemma metric_round l : diagonal (metric (S l)) (step l) = (- (slope (w (S l)) + mean (fun i => u l i - v l i)))%V.
Proof.
  apply separated; intros z. rewrite (diagonal_plus V n part split), (diagonal_scale V n part split).
  assert (E := f_equal (fun y => ⟨y, z⟩) (metric_server run (S l))). cbv beta in E. rewrite inner_mean in E.
  autorewrite with inner. rewrite E. unfold Preconditioned.slope. autorewrite with inner. rewrite !inner_mean.
  assert (M : ⟨diagonal (metric (S l)) (w (S l)), z⟩
    = sum m (fun i => weight i * ⟨diagonal (sigma (S l) i) (w (S l)), z⟩) + ridge * ⟨w (S l), z⟩).
  { rewrite diagonal_inner. unfold metric. rewrite (sum_ext n _ (fun j => sum m (fun i => weight i * sigma (S l) i j)
      * ⟨part j (w (S l)), z⟩ + ridge * (1 * ⟨part j (w (S l)), z⟩))) by (intros; ring).
    assert (All : sum n (fun j => 1 * ⟨part j (w (S l)), z⟩) = ⟨w (S l), z⟩)
      by (rewrite <- (diagonal_inner V n part (fun _ => 1)), (diagonal_all V n part split); easy).
    rewrite sum_add, sum_scale, All. f_equal.
    assert (Swap : forall k, sum n (fun j => sum k (fun i => weight i * sigma (S l) i j) * ⟨part j (w (S l)), z⟩)
      = sum k (fun i => weight i * ⟨diagonal (sigma (S l) i) (w (S l)), z⟩)).
    { induction k as [|k IH]; simpl.
      - rewrite (sum_ext n _ (fun _ => 0)), sum_const by (intros; ring). ring.
      - rewrite <- IH, diagonal_inner, <- sum_scale, <- sum_add. apply sum_ext; intros; ring. }
    apply Swap. }
  rewrite M. rewrite (sum_ext m (fun i => weight i * ⟨diagonal (sigma (S l) i) (local (S l) i) + dual (S l) i, z⟩)
    (fun i => weight i * ⟨diagonal (sigma (S l) i) (w (S l)), z⟩ + (-1 * (weight i * ⟨G i (w (S l)), z⟩)
      + -1 * (weight i * ⟨u l i - v l i, z⟩)))).
  - rewrite !sum_add, !sum_scale. ring.
  - intros i I. assert (C := f_equal (fun y => ⟨y, z⟩) (metric_client run l i I)).
    assert (D := f_equal (fun y => ⟨y, z⟩) (metric_multiplier run l i)). cbv beta in C, D. unfold u, v.
    assert (Dev : diagonal (sigma (S l) i) (deviation (S l) i)
      = (diagonal (sigma (S l) i) (local (S l) i) - diagonal (sigma (S l) i) (w (S l)))%V)
      by (unfold Algorithm.deviation; now rewrite (diagonal_plus V n part split), (diagonal_scale V n part split)).
    rewrite Dev in *. autorewrite with inner in *. rewrite D. nra.
Qed.

Notation W l := (weighing (inverse (S l))).
Notation average f := (sum m (fun i => weight i * f i)).

Lemma inverse_nonneg l j : (j < n)%nat -> 0 <= / metric l j.
Proof. intros J. apply Rlt_le, Rinv_0_lt_compat, metric_positive, J. Qed.

Lemma client_weighed l i : (i < m)%nat -> b * W l (residual (S l) i) + / 2 * W l (u l i - v l i)%V
  <= vartheta * b * W l (residual l i) + X / 2 * W l (turn l i).
Proof.
  intros I. unfold Diagonal.weighing. rewrite <- !sum_scale, <- !sum_add. apply sum_le. intros j J.
  rewrite (residual_split l i I), (residual_next l i I), (part_add V n part split j (v l i) (turn l i)),
    (part_add V n part split j (u l i) (v l i)), (part_add V n part split j (u l i) (- v l i)%V),
    (part_scale V n part split j (-1) (v l i)).
  set (uj := part j (u l i)). set (vj := part j (v l i)). set (hj := part j (turn l i)).
  assert (P := inverse_nonneg (S l) j J). assert (Q := slow_bounded (S l) i j I J). assert (Sg := sigma_positive (S l)
    i j I J).
  assert (Sector : ‖vj‖² <= beta * ⟨uj, vj⟩).
  { unfold uj, vj, u, v. rewrite !(part_scale _ _ _ split), !(part_diagonal _ _ _ split) by exact J.
    set (d := part j (deviation (S l) i)). set (q := slow (S l) i j) in *. set (sg := sigma (S l) i j) in *.
    assert (D := inner_nonneg _ d). autorewrite with inner. assert (0 <= q * (beta * sg - q) * ‖d‖²)
      by (apply Rmult_le_pos; [apply Rmult_le_pos|]; lra). lra. }
  assert (K := constants_client V uj vj hj beta vartheta b X beta_nonneg factors Sector).
  apply (Rmult_le_compat_l _ _ _ P) in K. lra.
Qed.

Lemma average_le f g : (forall i, (i < m)%nat -> f i <= g i) -> average f <= average g.
Proof. intros E. apply sum_le; intros. apply Rmult_le_compat_l; [now apply weights|auto]. Qed.

Lemma weighing_nonneg a y : (forall j, (j < n)%nat -> 0 <= a j) -> 0 <= weighing a y.
Proof.
  intros P. unfold Diagonal.weighing. rewrite <- (Rmult_0_r (INR n)), <- sum_const. apply sum_le; intros.
  apply Rmult_le_pos; [auto|apply inner_nonneg].
Qed.

(** The turns, in the metric. *)
Lemma turn_small l i : (i < m)%nat -> W l (turn l i) <= / khat * weighing ell (step l).
Proof.
  intros I. destruct large as [K _]. apply Rle_trans with (/ khat * weighing (fun j => (/ ell j)%R) (turn l i)).
  - rewrite <- weighing_scale. apply weighing_le. intros j J. assert (A := proj2 (above (S l) j J)).
    assert (P := ell_positive j J). rewrite <- Rinv_mult. apply Rinv_le_contravar; [now apply Rmult_lt_0_compat|lra].
  - apply Rmult_le_compat_l; [apply Rlt_le, Rinv_0_lt_compat, K|]. apply (metric_lipschitz _ _ _ _ _ _ (F_smooth i I)).
Qed.

(** Jensen's inequality by coordinates. *)
Lemma mean_small l : W l (mean (fun i => u l i - v l i)%V) <= average (fun i => W l (u l i - v l i)%V).
Proof.
  assert (E : average (fun i => W l (u l i - v l i)%V)
    = sum n (fun j => / metric (S l) j * average (fun i => ‖part j (u l i - v l i)%V‖²))).
  { unfold Diagonal.weighing. generalize m as k. induction k as [|k IH]; simpl.
    - rewrite (sum_ext n _ (fun _ => 0)), sum_const by (intros; ring). ring.
    - rewrite IH, <- sum_scale, <- sum_add. apply sum_ext; intros; ring. }
  eapply Rle_trans; [|right; symmetry; exact E]. apply sum_le. intros j J. apply Rmult_le_compat_l; [now apply
    inverse_nonneg|].
  unfold Algorithm.mean. rewrite (part_total V n part split).
  assert (H := jensen V m weight (fun i => part j (u l i - v l i)%V) (proj1 weights) (proj2 weights)).
  replace (total m (fun i => part j (weight i * (u l i - v l i))%V)) with (total m (fun i => weight i * part j (u l i
    - v l i))%V);
    [exact H|]. apply separated; intros z. rewrite !inner_total. apply sum_ext; intros i _.
  now rewrite (part_scale V n part split).
Qed.

(** The step minimises a quadratic: <G, D> + |D|_S^2/2 = -|G|^2/2 + |r|^2/2 in the inverse metric. *)
Lemma step_value l : ⟨slope (w (S l)), step l⟩ + / 2 * weighing (metric (S l)) (step l)
  = - (/ 2) * W l (slope (w (S l))) + / 2 * W l (mean (fun i => u l i - v l i)%V).
Proof.
  assert (R := metric_round l). set (g := slope (w (S l))) in *. set (r := mean _) in *. set (d := step l) in *.
  assert (Coordinate : forall j, (j < n)%nat -> part j d = (- (/ metric (S l) j * (part j g + part j r)))%V).
  { intros j J. assert (P := metric_positive (S l) j J). assert (E := f_equal (part j) R).
    rewrite (part_diagonal V n part split) in E by exact J. rewrite (part_scale V n part split), (part_add V n part
      split) in E.
    apply separated; intros z. apply (f_equal (fun y => ⟨y, z⟩)) in E. autorewrite with inner in *.
    apply Rmult_eq_reg_l with (metric (S l) j); [|lra]. rewrite E. field. lra. }
  assert (Inner : ⟨g, d⟩ = sum n (fun j => ⟨part j g, part j d⟩)).
  { rewrite <- (diagonal_all V n part split g) at 1. rewrite diagonal_inner. apply sum_ext; intros j J.
    rewrite <- (part_symmetric _ _ _ split j (part j g) d), (part_twice _ _ _ split) by exact J. ring. }
  rewrite Inner. unfold Diagonal.weighing. rewrite <- !sum_scale, <- !sum_add. apply sum_ext. intros j J.
  rewrite (Coordinate j J). assert (P := metric_positive (S l) j J). set (gj := part j g). set (rj := part j r).
  clearbody gj rj. expand_goal. field. lra.
Qed.

Theorem N3_metric_descent l : metric_potential (S l) <= metric_potential l - / 2 * W l (slope (w (S l))).
Proof.
  destruct (constants_positive _ _ _ _ beta_nonneg factors) as [Pb [PX Pv]]. destruct large as [Pk Enough].
  set (d := step l). set (q := weighing ell d).
  assert (Q : 0 <= q) by (apply weighing_nonneg; intros; now apply Rlt_le, ell_positive).
  assert (Down : objective (w (S (S l))) <= objective (w (S l)) + ⟨slope (w (S l)), d⟩ + / 2 * q + ridge / 2 * ‖d‖²).
  { assert (E := average_le _ (fun i => F i (w (S l)) + (⟨G i (w (S l)), d⟩ + / 2 * q)) (fun i I => Rle_trans _ _ _
      (metric_descent V n part split ell ell_positive (F i) (G i) (w (S l)) d (F_smooth i I)) (Req_le _ _ (Rplus_assoc
        _ _ _)))).
    cbv beta in E. replace (w (S l) + d)%V with (w (S (S l))) in E by (unfold d; vector).
    rewrite (sum_ext m (fun i => weight i * (F i (w (S l)) + _)) (fun i => weight i * F i (w (S l))
      + (weight i * ⟨G i (w (S l)), d⟩ + / 2 * q * weight i))) in E by (intros; ring).
    rewrite !sum_add, sum_scale, (proj2 weights) in E. unfold Preconditioned.objective, Preconditioned.slope.
    replace (‖w (S (S l))‖²) with (‖w (S l)‖² + 2 * ⟨w (S l), d⟩ + ‖d‖²) by (unfold d; expand_goal; ring).
    rewrite inner_add, inner_scale, inner_mean. lra. }
  assert (Value := step_value l). fold d in Value. assert (Jensen := mean_small l).
  assert (Metric : kappa * q + ridge * ‖d‖² <= weighing (metric (S l)) d).
  { unfold q. rewrite <- weighing_scale, <- (weighing_const V n part split). unfold Diagonal.weighing. rewrite <-
    sum_add.
    apply sum_le. intros j J. rewrite <- Rmult_plus_distr_r. apply Rmult_le_compat_r; [apply inner_nonneg|apply (above
      _ _ J)]. }
  assert (Clients : b * average (fun i => W l (residual (S l) i)) + / 2 * average (fun i => W l (u l i - v l i)%V)
    <= vartheta * b * average (fun i => W l (residual l i)) + X / 2 * (/ khat * q)).
  { replace (X / 2 * (/ khat * q)) with (X / 2 * (/ khat * q) * sum m weight) by (rewrite (proj2 weights); ring).
    rewrite <- !sum_scale, <- !sum_add. apply sum_le. intros i I. assert (C := client_weighed l i I).
    assert (T := Rmult_le_compat_l (X / 2) _ _ ltac:(lra) (turn_small l i I)). fold d q in T.
    assert (Wi := Rmult_le_compat_l _ _ _ (proj1 weights i I) (Rle_trans _ _ _ C (Rplus_le_compat_l _ _ _ T))). lra. }
  assert (Later : vartheta * b * average (fun i => weighing (inverse (S (S l))) (residual (S l) i))
    <= b * average (fun i => W l (residual (S l) i))).
  { rewrite <- !sum_scale. apply sum_le. intros i I.
    assert (L : vartheta * weighing (inverse (S (S l))) (residual (S l) i) <= W l (residual (S l) i)).
    { rewrite <- weighing_scale. apply weighing_le. intros j J. assert (P := metric_positive (S l) j J).
      assert (P' := metric_positive (S (S l)) j J). assert (Fall := slow_fall (S l) j J).
      apply Rmult_le_reg_r with (metric (S l) j * metric (S (S l)) j); [now apply Rmult_lt_0_compat|].
      replace (vartheta * / metric (S (S l)) j * (metric (S l) j * metric (S (S l)) j)) with (vartheta * metric (S l)
        j) by (field; lra).
      replace (/ metric (S l) j * (metric (S l) j * metric (S (S l)) j)) with (metric (S (S l)) j) by (field; lra).
        exact Fall. }
    assert (Wi := Rmult_le_compat_l (b * weight i) _ _ ltac:(apply Rmult_le_pos; [lra|now apply weights]) L). lra. }
  assert (Slack : X / 2 * (/ khat * q) <= / 2 * (kappa - 1) * q).
  { replace (X / 2 * (/ khat * q)) with (/ 2 * q * (X * / khat)) by (field; lra). replace (/ 2 * (kappa - 1) * q) with
    (/ 2 * q * (kappa - 1))
      by ring. apply Rmult_le_compat_l; [lra|]. apply Rmult_le_reg_r with khat; [exact Pk|]. rewrite Rmult_assoc,
        Rinv_l; lra. }
  unfold metric_potential. lra.
Qed.

(** Summed: the squared gradients in the metrics that are used. *)
Hypothesis bounded : forall y, least <= objective y.
Theorem N3_sum N : sum N (fun l => / 2 * W l (slope (w (S l)))) <= metric_potential 0 - least.
Proof.
  assert (T := telescope _ _ N3_metric_descent N). assert (B := bounded (w (S N))). unfold metric_potential in *.
  destruct (constants_positive _ _ _ _ beta_nonneg factors) as [Pb [PX Pv]].
  assert (0 <= vartheta * b * average (fun i => weighing (inverse (S N)) (residual N i))).
  { apply Rmult_le_pos; [apply Rmult_le_pos; lra|]. rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le; intros
    i I.
    apply Rmult_le_pos; [now apply weights|apply weighing_nonneg; intros; now apply inverse_nonneg]. }
  lra.
Qed.
End MetricRun.

(** ** Scalar penalties are metrics: the hypotheses hold where those of T6 do *)
Section Scalar.
Variables (V : space) (m : nat) (weight : nat -> R) (ridge : R) (penalty slow : nat -> nat -> R).
Variables (G : nat -> V -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Notation self := (fun (_ : nat) (x : V) => x).

Lemma whole_space : basis V 1 self.
Proof. split; try easy; [intros [|i] [|j] x I J; lia|]. intros x. simpl. vector. Qed.

Lemma scalar_metric : pisa V m weight ridge penalty (fun l i x => slow l i * x)%V (fun l i => G i (w l)) w local dual ->
  metric_pisa V 1 self m weight ridge (fun l i _ => penalty l i) (fun l i _ => slow l i) G w local dual.
Proof.
  assert (D : forall (a : nat -> R) (x : V), diagonal V 1 self a x = (a 0%nat * x)%V)
    by (intros; unfold diagonal; simpl; vector).
  intros Run. split.
  - apply (start _ _ _ _ _ _ _ _ _ _ Run).
  - intros l. rewrite D. assert (E := server _ _ _ _ _ _ _ _ _ _ Run l). unfold rate in E. unfold metric. rewrite E.
    apply mean_ext. intros i _. now rewrite D.
  - intros l i I. rewrite !D. exact (client _ _ _ _ _ _ _ _ _ _ Run l i I).
  - intros l i. rewrite D. exact (multiplier _ _ _ _ _ _ _ _ _ _ Run l i).
Qed.
End Scalar.

(** Two different clients, sigma = 2, operators 0 and sigma that change places: beta = vartheta = ell = 1, kappa = 2. *)
Theorem N3_inhabited : exists (w : nat -> line) local dual,
  metric_pisa line 1 (fun _ x => x) 2 (fun _ => / 2) 0 (fun _ _ _ => 2) (fun l i _ => swap l i) parabola_slope w local
    dual /\
  basis line 1 (fun _ x => x) /\ w 0%nat = 0 /\ constants 1 1 (share 1) (threshold 1) /\
  (forall l j, 2 * 1 + 0 <= metric 2 (fun _ => / 2) 0 (fun _ _ _ => 2) l j) /\ threshold 1 <= (2 - 1) * 2 /\
  (forall l i, 0 <= swap l i <= 1 * 2) /\
  forall i, smooth_metric line 1 (fun _ x => x) (fun _ => 1) (parabola i) (parabola_slope i).
Proof.
  destruct (T6_inhabited 0) as [w [local [dual [Run [W0 _]]]]]. exists w, local, dual.
  split; [exact (scalar_metric line 2 _ 0 _ swap parabola_slope w local dual Run)|].
  split; [apply whole_space|split; [exact W0|split; [left; auto|split; [|split; [|split]]]]].
  - intros l j. unfold metric. simpl. lra.
  - unfold threshold. destruct (Rle_dec 1 3); lra.
  - intros l i. destruct (swap_cases l i) as [->| ->]; lra.
  - intros i. split; [apply parabola_smooth|]. intros x y. unfold weighing, parabola_slope. cbn. nra.
Qed.

(** Adam's moving average of squares lets the metric fall by sqrt(beta_2) at most: no maximum is needed. *)
Lemma moving_average_falls v square beta2 eps : 0 <= v -> 0 <= square -> 0 <= beta2 <= 1 -> 0 <= eps ->
  sqrt beta2 * (sqrt v + eps) <= sqrt (beta2 * v + (1 - beta2) * square) + eps.
Proof.
  intros P Q B E. assert (S : sqrt beta2 <= 1) by (rewrite <- sqrt_1; apply sqrt_le_1_alt; lra).
  assert (T : sqrt beta2 * sqrt v <= sqrt (beta2 * v + (1 - beta2) * square)).
  { rewrite <- sqrt_mult by lra. apply sqrt_le_1_alt. assert (0 <= (1 - beta2) * square) by (apply Rmult_le_pos; lra).
    lra. }
  assert (sqrt beta2 * eps <= 1 * eps) by (apply Rmult_le_compat_r; lra). lra.
Qed.
Print Assumptions N3_metric_descent.
Print Assumptions N3_sum.
Print Assumptions N3_inhabited.
