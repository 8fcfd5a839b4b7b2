(** One step of penalties that are made of the batches, block by block and outcome by outcome: where they stay above s_0
    and sigma^2 grows at most by the factor [growth] a step, what the metric step of MetricRounds.v costs is
    a_k/sigma_(k+1)^2 times a constant (N4; expectations are in AdaGradNorm.v). *)

From PISA Require Export MetricRounds.

(** The server's step in one block: |w+ - w|^2 <= (4 + 2 (sigma+/sigma)^2) a/sigma+^2, sigma the penalty of the clients. *)
Section Moves.
Variables (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Variables (m : nat) (weight : nat -> R) (ridge bound : R) (sigma : nat -> nat -> R).
Variables (bend : nat -> nat -> V -> V) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : metric_rounds V n part m weight ridge sigma bend grad w local dual.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis positive : forall k j, (j < n)%nat -> 0 < sigma (S k) j.
Hypothesis operators : forall k i, (i < m)%nat -> blockwise n part (fun _ => bound) (bend (S k) i).
Hypothesis nonneg : 0 <= bound /\ 0 <= ridge.

Lemma block_moves k j : (j < n)%nat -> ‖part j (w (S (S k)) - w (S k))‖²
  <= (4 + 2 * (sigma (S (S k)) j / sigma (S k) j) ^ 2) * block_square V part m weight ridge grad w dual k j
    / sigma (S (S k)) j ^ 2.
Proof.
  intros J. destruct nonneg as [Hb Pr]. assert (Ps := positive k j J). assert (Pn := positive (S k) j J).
  assert (Share : 0 <= bound / sigma (S k) j /\ bound <= bound / sigma (S k) j * sigma (S k) j)
    by (split; [now apply quotient|right; field; lra]).
  assert (R := pull_small V n part split m weight ridge sigma bend grad w local dual run weights positive k j _ _
    J (proj1 Share) (operators k) (proj2 Share)).
  assert (Q := kept_small V n part split m weight ridge sigma bend grad w local dual run weights positive k j _ _
    J (proj1 Share) (operators k) (proj2 Share)).
  assert (Away := centre_away V n part split m weight ridge sigma bend grad w local dual run weights positive Pr k j J).
  rewrite (centre_is_the_mean_model V n part split m weight ridge sigma bend grad w local dual run positive k),
    (mean_model_moved V n part split m weight sigma w local weights positive) in Away.
  rewrite !(part_add V n part split), !(part_scale V n part split), (part_diagonal V n part split) in * by exact J.
  set (q := part j (mean V m weight _)) in *. set (r := part j (pull V m weight ridge w dual k)) in *.
  assert (Sp : spread V part m weight grad dual k j <= block_square V part m weight ridge grad w dual k j)
    by (unfold block_square; assert (N := inner_nonneg _ (part j (drawn V m weight ridge grad w k))); lra).
  set (a := block_square V part m weight ridge grad w dual k j) in *.
  set (s := sigma (S k) j) in *. set (s' := sigma (S (S k)) j) in *.
  set (x := part j (w (S k))) in *. set (x' := part j (w (S (S k)))) in *.
  assert (E : (x' - x)%V = (- / (s' + ridge) * (r + (s' / s) * q))%V).
  { apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in Away. autorewrite with inner in *.
    assert (Y : ⟨x', z⟩ = ⟨x, z⟩ - / s * ⟨q, z⟩ - / (s' + ridge) * (⟨r, z⟩ - ridge / s * ⟨q, z⟩)) by lra.
    rewrite Y. field. lra. }
  rewrite E. set (t := s' / s) in *.
  assert (D : ‖r + t * q‖² <= 2 * ‖r‖² + 2 * t ^ 2 * ‖q‖²).
  { assert (Y := inner_nonneg _ (r - t * q)%V). autorewrite with inner in *. rewrite (inner_sym _ q r) in *. lra. }
  assert (D' : ‖r + t * q‖² <= (4 + 2 * t ^ 2) * a).
  { assert (t ^ 2 * ‖q‖² <= t ^ 2 * a) by (apply Rmult_le_compat_l; [apply pow2_ge_0|lra]). lra. }
  replace (‖- / (s' + ridge) * (r + t * q)‖²) with (/ (s' + ridge) * / (s' + ridge) * ‖r + t * q‖²)
    by (rewrite inner_scale, inner_scale_r; ring).
  replace ((4 + 2 * t ^ 2) * a / s' ^ 2) with (/ s' * / s' * ((4 + 2 * t ^ 2) * a)) by (field; lra).
  assert (I : 0 < / (s' + ridge) <= / s') by (split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra).
  apply Rmult_le_compat; [nra|apply inner_nonneg|apply Rmult_le_compat; lra|exact D'].
Qed.
End Moves.

(** ** One outcome *)
Section Outcome.
Variables (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Variables (m : nat) (weight : nat -> R) (ridge Lam growth s0 bound : R) (sigma : nat -> nat -> R).
Variables (bend : nat -> nat -> V -> V) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Variables (F : V -> R) (slope : V -> V).
(** a_(k,j) = |Ghat_j|^2 + sum alpha_i |ghat_ij + pi_ij|^2 *)
Notation drawn_square k j := (block_square V part m weight ridge grad w dual k j).
Hypothesis run : metric_rounds V n part m weight ridge sigma bend grad w local dual.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis at_least_s0 : forall k j, (j < n)%nat -> s0 <= sigma (S k) j.
Hypothesis slow_growth : forall k j, (j < n)%nat -> sigma (S (S k)) j ^ 2 <= growth * sigma (S k) j ^ 2.
Hypothesis operators : forall k i, (i < m)%nat -> blockwise n part (fun _ => bound) (bend (S k) i).
Hypothesis F_smooth : smooth Lam F slope.
Hypothesis constants : 0 < Lam /\ 0 < s0 /\ 0 <= bound /\ 0 <= ridge.

Notation inverse k := (fun j : nat => (/ sigma (S k) j)%R).
Notation centre k := (centre V n part m weight ridge sigma w dual k).
Notation drawn k := (drawn V m weight ridge grad w k).
Notation bent k := (bent V m weight bend w local k).
Notation pull k := (pull V m weight ridge w dual k).
Notation weighing := (weighing V n part).
Notation diagonal := (diagonal V n part).
(** One block of the sum that the logarithm collects. *)
Notation collected k j := (drawn_square k j / sigma (S (S k)) j ^ 2).

Definition cost := Lam ^ 2 / s0 * (2 + ridge ^ 2 / s0 ^ 2) + growth * bound ^ 2 / (2 * s0) + growth * Lam.

Lemma square_nonneg k j : 0 <= drawn_square k j.
Proof.
  unfold block_square. assert (N := inner_nonneg _ (part j (drawn k))).
  assert (S := spread_nonneg V part m weight grad dual weights k j). lra.
Qed.

Lemma positive k j : (j < n)%nat -> 0 < sigma (S k) j.
Proof. intros J. assert (S0 := at_least_s0 k j J). destruct constants as [_ [Z _]]. lra. Qed.

Lemma collected_soon k j : (j < n)%nat -> drawn_square k j / sigma (S k) j ^ 2 <= growth * collected k j.
Proof.
  intros J. assert (G := slow_growth k j J). assert (N := square_nonneg k j).
  assert (P1 := pow_lt _ 2 (positive k j J)). assert (P2 := pow_lt _ 2 (positive (S k) j J)).
  set (x := sigma (S k) j ^ 2) in *. set (y := sigma (S (S k)) j ^ 2) in *. set (a := drawn_square k j) in *.
  clearbody x y a. replace (growth * (a / y)) with (a * (growth * x) * (/ x * / y)) by (field; lra).
  replace (a / x) with (a * y * (/ x * / y)) by (field; lra).
  apply Rmult_le_compat_r; [apply Rlt_le, Rmult_lt_0_compat; now apply Rinv_0_lt_compat|]. apply Rmult_le_compat_l; lra.
Qed.

Lemma block_share k j : (j < n)%nat -> 0 <= bound / sigma (S k) j /\ bound <= bound / sigma (S k) j * sigma (S k) j.
Proof.
  intros J. assert (Ps := positive k j J). destruct constants as [_ [_ [B _]]].
  split; [now apply quotient|]. right. field. lra.
Qed.

(** The preconditioners cost nothing at first order: |eps|^2/sigma is of the order of a/sigma^3. *)
Lemma bent_cost k j : (j < n)%nat ->
  / 2 * (/ sigma (S k) j * ‖part j (bent k)‖²) <= growth * bound ^ 2 / (2 * s0) * collected k j.
Proof.
  intros J. destruct (block_share k j J) as [Pb Eb]. set (beta := bound / sigma (S k) j) in *.
  assert (B := bent_small V n part split m weight ridge sigma bend grad w local dual run weights positive k j beta _ J Pb
    (operators k) Eb).
  assert (Ps := positive k j J). assert (S0 := at_least_s0 k j J). destruct constants as [_ [Z [Hb _]]].
  assert (Q : (beta / (1 + beta)) ^ 2 <= beta ^ 2).
  { apply pow_incr. split; [apply quotient; lra|]. apply Rmult_le_reg_r with (1 + beta); [lra|]. unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l by lra. nra. }
  assert (Sp := spread_nonneg V part m weight grad dual weights k j).
  assert (Sq : spread V part m weight grad dual k j <= drawn_square k j)
    by (unfold block_square; assert (N := inner_nonneg _ (part j (drawn k))); lra).
  assert (E : ‖part j (bent k)‖² <= beta ^ 2 * drawn_square k j).
  { eapply Rle_trans; [exact B|]. apply Rmult_le_compat; [apply pow2_ge_0|lra|lra|lra]. }
  assert (C := collected_soon k j J). assert (N := square_nonneg k j). assert (Po : 0 <= bound ^ 2 / (2 * s0))
    by (apply quotient; [apply pow2_ge_0|lra]).
  apply Rle_trans with (bound ^ 2 / (2 * s0) * (drawn_square k j / sigma (S k) j ^ 2)).
  - apply Rle_trans with (/ 2 * (/ sigma (S k) j * (beta ^ 2 * drawn_square k j))).
    + apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; [apply Rlt_le; now apply Rinv_0_lt_compat|exact E].
    + unfold beta. set (s := sigma (S k) j) in *. set (a := drawn_square k j) in *.
      replace (/ 2 * (/ s * ((bound / s) ^ 2 * a))) with (/ s * (bound ^ 2 / 2 * (a / s ^ 2))) by (field; lra).
      replace (bound ^ 2 / (2 * s0) * (a / s ^ 2)) with (/ s0 * (bound ^ 2 / 2 * (a / s ^ 2))) by (field; lra).
      apply Rmult_le_compat_r; [|apply Rinv_le_contravar; lra].
      apply Rmult_le_pos; [assert (Y := pow2_ge_0 bound); lra|apply quotient; [lra|apply pow_lt; lra]].
  - replace (growth * bound ^ 2 / (2 * s0) * collected k j) with (bound ^ 2 / (2 * s0) * (growth * collected k j))
      by (field; split; [assert (Pn := positive (S k) j J)|]; lra).
    apply Rmult_le_compat_l; lra.
Qed.

Lemma pull_cost k j : (j < n)%nat ->
  Lam / 2 * (/ sigma (S k) j * / sigma (S k) j * ‖part j (pull k)‖²) <= growth * Lam * collected k j.
Proof.
  intros J. destruct (block_share k j J) as [Pb Eb].
  assert (B := pull_small V n part split m weight ridge sigma bend grad w local dual run weights positive k j _ _ J Pb
    (operators k) Eb).
  assert (Ps := positive k j J). assert (C := collected_soon k j J). destruct constants as [PL _].
  apply Rle_trans with (Lam * (drawn_square k j / sigma (S k) j ^ 2)).
  - set (s := sigma (S k) j) in *. set (a := drawn_square k j) in *.
    replace (Lam * (a / s ^ 2)) with (Lam / 2 * (/ s * / s * (2 * a))) by (field; lra).
    apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; [|exact B].
    assert (0 < / s) by now apply Rinv_0_lt_compat. nra.
  - replace (growth * Lam * collected k j) with (Lam * (growth * collected k j)) by ring. apply Rmult_le_compat_l; lra.
Qed.

(** What the next gradient differs by at the centre. *)
Lemma turn_cost k : / 2 * weighing (inverse (S k)) (slope (centre (S k)) - slope (w (S (S k))))%V
  <= Lam ^ 2 / s0 * (2 + ridge ^ 2 / s0 ^ 2) * sum n (fun j => collected k j).
Proof.
  destruct constants as [PL [Z [_ Pr]]].
  set (d := (centre (S k) - w (S (S k)))%V). set (t := (slope (centre (S k)) - slope (w (S (S k))))%V).
  assert (T : ‖t‖² <= Lam * Lam * ‖d‖²) by apply (lipschitz _ _ _ _ F_smooth).
  apply Rle_trans with (/ 2 * (/ s0 * ‖t‖²)).
  - apply Rmult_le_compat_l; [lra|]. rewrite <- (weighing_const V n part split). apply weighing_le. intros j J.
    apply Rinv_le_contravar; [lra|now apply at_least_s0].
  - apply Rle_trans with (/ 2 * (/ s0 * (Lam * Lam * ‖d‖²))).
    { apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; [apply Rlt_le; now apply Rinv_0_lt_compat|exact T]. }
    replace (Lam ^ 2 / s0 * (2 + ridge ^ 2 / s0 ^ 2) * sum n (fun j => collected k j)) with
      (/ 2 * (/ s0 * (Lam * Lam * ((4 + 2 * (ridge ^ 2 / s0 ^ 2)) * sum n (fun j => collected k j))))) by (field; lra).
    apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; [apply Rlt_le; now apply Rinv_0_lt_compat|].
    apply Rmult_le_compat_l; [nra|]. rewrite <- (weighing_one V n part split), <- sum_scale. unfold Diagonal.weighing.
    apply sum_le. intros j J. rewrite Rmult_1_l. destruct (block_share k j J) as [Pb Eb].
    assert (B := centre_near V n part split m weight ridge sigma bend grad w local dual run weights positive Pr k j _ _ J
      Pb (operators k) Eb). fold d in B. eapply Rle_trans; [exact B|].
    assert (N := square_nonneg k j). assert (Pn := positive (S k) j J). unfold Rdiv at 1. rewrite Rmult_assoc.
    change (drawn_square k j * / sigma (S (S k)) j ^ 2) with (collected k j).
    apply Rmult_le_compat_r; [apply quotient; [lra|apply pow_lt; lra]|].
    assert (S0 := at_least_s0 k j J). assert (Ps := positive k j J).
    replace (ridge ^ 2 / s0 ^ 2) with ((ridge / s0) ^ 2) by (field; lra). apply Rplus_le_compat_l, Rmult_le_compat_l; [lra|].
    apply pow_incr. split; [apply quotient; lra|]. apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra.
Qed.

Lemma place_moves k : ‖w (S (S k)) - w (S k)‖² <= (4 + 2 * growth) * sum n (fun j => collected k j).
Proof.
  rewrite <- (weighing_one V n part split), <- sum_scale. unfold Diagonal.weighing. apply sum_le. intros j J.
  rewrite Rmult_1_l. destruct constants as [_ [_ Nonneg]].
  assert (B := block_moves V n part split m weight ridge bound sigma bend grad w local dual run weights positive operators
    Nonneg k j J). eapply Rle_trans; [exact B|]. assert (N := square_nonneg k j). assert (G := slow_growth k j J).
  assert (P1 := positive k j J). assert (P2 := positive (S k) j J).
  replace ((4 + 2 * (sigma (S (S k)) j / sigma (S k) j) ^ 2) * drawn_square k j / sigma (S (S k)) j ^ 2) with
    ((4 + 2 * (sigma (S (S k)) j / sigma (S k) j) ^ 2) * collected k j) by (unfold Rdiv; ring).
  apply Rmult_le_compat_r; [apply quotient; [exact N|apply pow_lt; lra]|].
  apply Rplus_le_compat_l, Rmult_le_compat_l; [lra|].
  replace ((sigma (S (S k)) j / sigma (S k) j) ^ 2) with (sigma (S (S k)) j ^ 2 * / sigma (S k) j ^ 2) by (field; lra).
  assert (P3 := pow_lt _ 2 P1). apply Rmult_le_reg_r with (sigma (S k) j ^ 2); [exact P3|].
  rewrite Rmult_assoc, Rinv_l by lra. lra.
Qed.

(** What falls, outcome by outcome, but for the noise and what the logarithm collects. *)
Definition ada_potential k := F (centre k) + / 2 * weighing (inverse k) (slope (centre k) - slope (w (S k)))%V.

Theorem ada_step k : ada_potential (S k) <= ada_potential k - / 2 * weighing (inverse k) (slope (w (S k)))
  + cost * sum n (fun j => collected k j)
  - ⟨diagonal (inverse k) (slope (centre k)), drawn k - slope (w (S k))⟩.
Proof.
  set (G := slope (w (S k))). set (xi := (drawn k - G)%V).
  assert (Split : pull k = (G + xi + bent k)%V).
  { rewrite (pull_parts V n part m weight ridge sigma bend grad w local dual run). unfold xi. vector. }
  destruct constants as [PL _].
  assert (St := metric_step V n part Lam F slope (inverse k) (centre k) G xi (bent k) split PL F_smooth
    (fun j J => Rlt_le _ _ (Rinv_0_lt_compat _ (positive k j J)))).
  rewrite <- Split in St.
  rewrite <- (mean_model_steps V n part split m weight ridge sigma bend grad w local dual run weights positive k) in St.
  assert (Turn := turn_cost k).
  assert (Rest : / 2 * weighing (inverse k) (bent k)
    + Lam / 2 * weighing (fun j => / sigma (S k) j * / sigma (S k) j) (pull k)
    <= (growth * bound ^ 2 / (2 * s0) + growth * Lam) * sum n (fun j => collected k j)).
  { unfold Diagonal.weighing. rewrite <- !sum_scale, <- sum_add. apply sum_le. intros j J.
    assert (B1 := bent_cost k j J). assert (B2 := pull_cost k j J). lra. }
  unfold ada_potential, cost. fold G. lra.
Qed.
End Outcome.
