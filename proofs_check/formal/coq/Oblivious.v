(** T8-oblivious-preconditioner: a common diagonal preconditioner fixed before the run, mini-batches, constant penalty.

    L = 1, so that the penalty is kappa. [V] is any space of random vectors with E<X, Y> as inner product, [F] the
    expected value X -> E F(X), [G] the gradient X -> G(X); "unbiased given the past" says orthogonal to what the past
    knows. The basis is a resolution of the identity, in which the operators are diagonal. *)

From PISA Require Export Partition Diagonal.

Section Oblivious.
Variable V : space.
Variables (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Variables (m : nat) (weight : nat -> R) (kappa beta v : R) (F : V -> R) (G : V -> V) (past : nat -> V -> Prop).
Variables (slow : nat -> nat -> R) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Notation diagonal := (diagonal V n part).
Notation weighing := (weighing V n part).
Notation mean := (mean V m weight).
(** rho Q_l is diagonal with entries [slow l j], the same for all clients. *)
Hypothesis run : pisa V m weight 0 (fun _ _ => kappa) (fun l _ => diagonal (slow l)) grad w local dual.
Hypothesis weights : sum m weight = 1.
Hypothesis kappa_positive : 0 < kappa.
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis slow_bounded : forall l j, (j < n)%nat -> 0 <= slow l j <= beta * kappa.
Hypothesis F_smooth : smooth 1 F G.

(** Round k starts at w_k = [w (S k)] with P_k = [before k] and draws [estimate k]. *)
Definition before k : V := (- mean (dual k))%V.
Definition estimate k : V := mean (grad (S k)).
Notation place k := (w (S k)).
Notation noise k := (estimate k - G (place k))%V.
Hypothesis past_place : forall k, past k (place k).
Hypothesis past_before : forall k, past k (before k).
Hypothesis past_sum : forall k x a z, past k x -> past k z -> past k (x + a * z)%V.
Hypothesis past_gradient : forall k x, past k x -> past k (G x).
Hypothesis past_diagonal : forall k a x, past k x -> past k (diagonal a x).
Hypothesis unbiased : forall k x, past k x -> ⟨x, noise k⟩ = 0.
Hypothesis variance : forall k, ‖noise k‖² <= v.

(** M in round k; C with [rounds] to go before the horizon, N = (I + C+) M. *)
Definition moving k j := kappa / (kappa + slow (S k) j).
Fixpoint kept rounds k j := match rounds with O => 0 | S r => (1 - moving k j) * (1 + kept r (S k) j) end.
Definition gain r k j := (1 + kept r (S k) j) * moving k j.

Lemma moving_range k j : (j < n)%nat -> / (1 + beta) <= moving k j <= 1.
Proof.
  intros J. assert (B := slow_bounded (S k) j J). unfold moving. split.
  - apply (conclude _ _ ((beta * kappa - slow (S k) j) / ((1 + beta) * (kappa + slow (S k) j)))); [|field; lra].
    apply quotient; [lra|]. apply Rmult_lt_0_compat; lra.
  - apply (conclude _ _ (slow (S k) j / (kappa + slow (S k) j))); [apply quotient; lra|field; lra].
Qed.

Lemma kept_range r : forall k j, (j < n)%nat -> 0 <= kept r k j <= beta.
Proof.
  induction r as [|r IH]; intros k j J; [simpl; lra|]. simpl. assert (M := moving_range k j J). assert (C := IH (S k)
    j J).
  assert (B : 0 < / (1 + beta)) by (apply Rinv_0_lt_compat; lra).
  assert (E : beta = (1 - / (1 + beta)) * (1 + beta)) by (field; lra). split; [apply Rmult_le_pos; lra|].
  rewrite E. apply Rmult_le_compat; lra.
Qed.

Lemma gain_range r k j : (j < n)%nat -> / (1 + beta) <= gain r k j <= 1 + beta.
Proof.
  intros J. assert (M := moving_range k j J). assert (C := kept_range r (S k) j J). unfold gain.
  assert (B : 0 < / (1 + beta)) by (apply Rinv_0_lt_compat; lra). split.
  - rewrite <- (Rmult_1_l (/ (1 + beta))). apply Rmult_le_compat; lra.
  - rewrite <- (Rmult_1_r (1 + beta)). apply Rmult_le_compat; lra.
Qed.

(** Algorithm 1 for the means: P+ = (I - M) P + M Ghat and w+ = w - (2P+ - P)/kappa. *)
Lemma next_before k :
  before (S k) = (diagonal (fun j => (1 - moving k j)%R) (before k) + diagonal (moving k) (estimate k))%V.
Proof.
  destruct (means V 0 (fun _ => kappa) (fun l => diagonal (slow l)) (fun l => diagonal_symmetric V n part split _)
    m weight _ _ _ _ _ _ k (fun _ _ => conj eq_refl eq_refl) run) as [_ [M2 M3]].
  set (d := mean (deviation V w local (S k))) in *.
  assert (E : (kappa * d)%V = (diagonal (moving k) (before k) - diagonal (moving k) (estimate k))%V).
  { assert (H : diagonal (moving k) (kappa * d + diagonal (slow (S k)) d)%V = (kappa * d)%V).
    { rewrite (diagonal_plus _ _ _ split), (diagonal_scale _ _ _ split), (diagonal_twice _ _ _ split).
      rewrite <- (diagonal_scale _ _ _ split). apply separated; intros z. rewrite inner_add, !diagonal_inner, <-
        sum_add.
      assert (All : ⟨kappa * d, z⟩ = sum n (fun j => 1 * ⟨part j (kappa * d)%V, z⟩))
        by (rewrite <- diagonal_inner, (diagonal_all _ _ _ split); easy).
      rewrite All. apply sum_ext; intros j J.
      rewrite !(part_scale _ _ _ split), !inner_scale. assert (B := slow_bounded (S k) j J). unfold moving. field.
        lra. }
    rewrite <- H, M2. unfold before, estimate. rewrite !(diagonal_scale _ _ _ split), (diagonal_plus _ _ _ split).
      vector. }
  assert (Split : diagonal (fun j => (1 - moving k j)%R) (before k) = (before k - diagonal (moving k) (before k))%V).
  { rewrite <- (diagonal_all _ _ _ split (before k)) at 2. apply separated; intros z.
    rewrite inner_add, inner_scale, !diagonal_inner, <- sum_scale, <- sum_add. apply sum_ext; intros; ring. }
  rewrite Split. unfold before at 1. rewrite M3. fold (before k). apply separated; intros z.
  apply (f_equal (fun u => ⟨u, z⟩)) in E. unfold before in *. autorewrite with inner in *. lra.
Qed.

Lemma next_place k : place (S k) = (place k - / kappa * (2 * before (S k) - before k))%V.
Proof.
  destruct (means V 0 (fun _ => kappa) (fun l => diagonal (slow l)) (fun l => diagonal_symmetric V n part split _)
    m weight _ _ _ _ _ _ k (fun _ _ => conj eq_refl eq_refl) run) as [_ [_ M3]].
  destruct (means V 0 (fun _ => kappa) (fun l => diagonal (slow l)) (fun l => diagonal_symmetric V n part split _)
    m weight _ _ _ _ _ _ (S k) (fun _ _ => conj eq_refl eq_refl) run) as [M1 _].
  unfold rate in M1. rewrite (sum_ext m _ (fun i => kappa * weight i)), sum_scale, weights in M1 by (intros; ring).
  rewrite Rmult_1_r, Rplus_0_r in M1. apply solve_for in M1; [|exact kappa_positive]. rewrite M1.
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in M3. unfold before. autorewrite with inner in *.
  set (a := ⟨_, z⟩) in M3 at 1. replace (kappa * ⟨mean (deviation V w local (S k)), z⟩)
    with (a - ⟨mean (dual k), z⟩) by (unfold a in *; lra). unfold a. field. lra.
Qed.

(** z_k = w_k + (I - C_k) P_k/kappa moves by N_k times the estimate. *)
Definition shadow r k : V := (place k + / kappa * (before k - diagonal (kept r k) (before k)))%V.

Lemma shadow_step r k : shadow r (S k) = (shadow (S r) k - / kappa * diagonal (gain r k) (estimate k))%V.
Proof.
  unfold shadow. rewrite next_place. apply separated; intros z.
  assert (E : ⟨before (S k), z⟩ + ⟨diagonal (kept r (S k)) (before (S k)), z⟩
    = ⟨diagonal (kept (S r) k) (before k), z⟩ + ⟨diagonal (gain r k) (estimate k), z⟩).
  { rewrite <- (diagonal_all _ _ _ split (before (S k))) at 1. rewrite !diagonal_inner, <- !sum_add.
    apply sum_ext; intros j J. rewrite next_before, (part_add _ _ _ split), !(part_diagonal _ _ _ split) by easy.
    autorewrite with inner. simpl kept. unfold gain. ring. }
  autorewrite with inner. replace ⟨diagonal (kept r (S k)) (before (S k)), z⟩ with
    (⟨diagonal (kept (S r) k) (before k), z⟩ + ⟨diagonal (gain r k) (estimate k), z⟩ - ⟨before (S k), z⟩) by lra.
  field. lra.
Qed.

Definition reach := Rmax 1 (beta - 1).
Notation root := (sqrt (1 + beta)).
Notation weight_of_P := (reach * root / (2 * kappa)).
(** V_k = F(z_k) + (b/sigma) <P, (I + C_k) P>, b = B sqrt(1 + beta)/(2 kappa), with [r] rounds before the horizon. *)
Definition oblivious_potential r k :=
  F (shadow r k) + weight_of_P / kappa * (‖before k‖² + weighing (kept r k) (before k)).

Lemma telescopes r k : ‖before (S k)‖² + weighing (kept r (S k)) (before (S k))
  <= weighing (kept (S r) k) (before k) + weighing (gain r k) (estimate k).
Proof.
  rewrite <- (weighing_one V n part split). unfold Diagonal.weighing. rewrite <- !sum_add. apply sum_le. intros j J.
  rewrite next_before, (part_add _ _ _ split), !(part_diagonal _ _ _ split) by easy.
  assert (M := moving_range k j J). assert (C := kept_range r (S k) j J). simpl kept. unfold gain.
  set (c := kept r (S k) j) in *. set (mu := moving k j) in *. assert (0 < / (1 + beta)) by (apply Rinv_0_lt_compat;
    lra).
  assert (W : 0 <= (1 + c) * (mu * (1 - mu))) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
  refine (conclude _ _ _ (square _ (part j (before k) - part j (estimate k))%V W) _). clearbody c mu. expand_goal. ring.
Qed.

Lemma shadow_near r k : ‖G (shadow r k) - G (place k)‖² <= (reach / kappa) ^ 2 * ‖before k‖².
Proof.
  eapply Rle_trans; [apply (lipschitz _ _ _ _ F_smooth)|]. rewrite !Rmult_1_l.
  replace (shadow r k - place k)%V with (/ kappa * diagonal (fun j => (1 - kept r k j)%R) (before k))%V.
  - replace ((reach / kappa) ^ 2 * ‖before k‖²) with (/ kappa * (/ kappa * (reach * reach * ‖before k‖²))) by (field;
    lra).
    rewrite inner_scale, inner_scale_r, (diagonal_norm _ _ _ split).
    assert (0 < / kappa) by (apply Rinv_0_lt_compat; lra). apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l;
      [lra|].
    rewrite <- (weighing_const V n part split). apply weighing_le. intros j J. assert (C := kept_range r k j J).
    assert (R1 := Rmax_l 1 (beta - 1)). assert (R2 := Rmax_r 1 (beta - 1)). unfold reach. set (B := Rmax _ _) in *. nra.
  - unfold shadow. rewrite <- (diagonal_all _ _ _ split (before k)) at 2. apply separated; intros z.
    assert (E : ⟨diagonal (fun j => (1 - kept r k j)%R) (before k), z⟩ = ⟨diagonal (fun _ => 1) (before k), z⟩
      - ⟨diagonal (kept r k) (before k), z⟩).
    { rewrite !diagonal_inner. rewrite (sum_ext n (fun j => (1 - kept r k j) * ⟨part j (before k), z⟩) (fun j =>
        1 * ⟨part j (before k), z⟩ + -1 * (kept r k j * ⟨part j (before k), z⟩))) by (intros; ring).
      rewrite sum_add, (sum_scale n (-1)). ring. }
    autorewrite with inner. rewrite E. ring.
Qed.

Theorem T8_oblivious_step r k : oblivious_potential r (S k) <= oblivious_potential (S r) k
  - / kappa * (1 - (1 + beta) / (2 * kappa) - reach * root / kappa) * weighing (gain r k) (G (place k))
  + v / (2 * kappa ^ 2) * ((1 + beta) ^ 2 + reach * ((1 + beta) * root)).
Proof.
  unfold oblivious_potential. rewrite shadow_step. assert (T := telescopes r k). assert (Near := shadow_near (S r) k).
  set (z := shadow (S r) k) in *. set (g := G (place k)) in *. set (u := G z) in *.
  assert (Ge : estimate k = (g + noise k)%V) by (unfold g; vector).
  assert (Known : past k u). { apply past_gradient, past_sum; [auto|]. apply past_sum; [auto|]. now apply
    past_diagonal. }
  assert (U : ⟨u, diagonal (gain r k) (noise k)⟩ = 0)
    by (rewrite <- (diagonal_symmetric _ _ _ split); apply unbiased, past_diagonal, Known).
  assert (U' : ⟨g, diagonal (gain r k) (noise k)⟩ = 0)
    by (rewrite <- (diagonal_symmetric _ _ _ split); apply unbiased, past_diagonal, past_gradient; auto).
  assert (D := descent_lemma V 1 F G z (- / kappa * diagonal (gain r k) (estimate k))%V Rlt_0_1 F_smooth). fold u in D.
  replace (z - / kappa * diagonal (gain r k) (estimate k))%V with (z + - / kappa * diagonal (gain r k) (estimate k))%V
    by vector.
  set (f := F (z + _)%V) in *. set (e := noise k) in *.
  assert (Len : ‖diagonal (gain r k) (estimate k)‖² <= (1 + beta) * weighing (gain r k) (estimate k)).
  { rewrite (diagonal_norm _ _ _ split), <- weighing_scale. apply weighing_le. intros j J. assert (A := gain_range r k
    j J).
    assert (0 < / (1 + beta)) by (apply Rinv_0_lt_compat; lra). apply Rmult_le_compat_r; lra. }
  assert (Len' : ‖diagonal (gain r k) g‖² <= (1 + beta) * weighing (gain r k) g).
  { rewrite (diagonal_norm _ _ _ split), <- weighing_scale. apply weighing_le. intros j J. assert (A := gain_range r k
    j J).
    assert (0 < / (1 + beta)) by (apply Rinv_0_lt_compat; lra). apply Rmult_le_compat_r; lra. }
  assert (Var : weighing (gain r k) (estimate k) <= weighing (gain r k) g + (1 + beta) * v).
  { assert (Small : weighing (gain r k) e <= (1 + beta) * v).
    { apply Rle_trans with ((1 + beta) * ‖e‖²); [|apply Rmult_le_compat_l; [lra|apply variance]].
      rewrite <- (weighing_const V n part split). apply weighing_le. intros j J. apply (gain_range r k j J). }
    rewrite <- !(weighing_inner _ _ _ split) in *. rewrite Ge, (diagonal_plus _ _ _ split). autorewrite with inner.
    rewrite (inner_sym _ (diagonal (gain r k) e) g), U', (diagonal_symmetric _ _ _ split (gain r k) g e), U'. lra. }
  assert (Sq := sqrt_sqrt (1 + beta) ltac:(lra)). assert (Ps := sqrt_lt_R0 (1 + beta) ltac:(lra)).
  assert (Rp : 1 <= reach) by apply Rmax_l.
  assert (Un : ⟨u, diagonal (gain r k) (estimate k)⟩ = ⟨u, diagonal (gain r k) g⟩)
    by (rewrite Ge, (diagonal_plus _ _ _ split), inner_add_r, U; ring).
  assert (Un' : weighing (gain r k) g = ⟨g, diagonal (gain r k) g⟩) by now rewrite <- (weighing_inner _ _ _ split),
    inner_sym.
  rewrite inner_scale_r, Un, inner_scale, inner_scale_r in D. rewrite Un' in *.
  replace (1 + beta) with (sqrt (1 + beta) * sqrt (1 + beta)) in Len, Len', Var by exact Sq.
  replace ((1 + beta) / (2 * kappa)) with (root * root / (2 * kappa)) by (rewrite Sq; easy).
  replace ((1 + beta) ^ 2) with ((root * root) ^ 2) by (rewrite Sq; easy).
  replace ((1 + beta) * root) with (root * root * root) by (rewrite Sq; easy).
  set (ng := diagonal (gain r k) g) in *. set (ne := ‖diagonal (gain r k) (estimate k)‖²) in *.
  set (Q := weighing (gain r k) (estimate k)) in *. set (CP := weighing (kept (S r) k) (before k)) in *.
  set (P2 := ‖before (S k)‖²) in *. set (CP' := weighing (kept r (S k)) (before (S k))) in *.
  set (t := root) in *. set (B := reach) in *. set (p := before k) in *. clearbody ng ne Q CP P2 CP' t B f.
  clear U U' Known Un Un' Sq Ge. clearbody u g p e.
  assert (0 < / kappa) by (apply Rinv_0_lt_compat; lra).
  assert (W1 : 0 <= / (2 * kappa ^ 2)) by (apply Rlt_le, Rinv_0_lt_compat; nra).
  assert (Bt : 0 < B * t) by (apply Rmult_lt_0_compat; lra).
  assert (W3 : 0 <= B * t / (2 * kappa) / kappa) by (apply quotient; [apply quotient; lra|lra]).
  assert (W2 : 0 <= t * t / (2 * kappa ^ 2) + B * t / (2 * kappa) / kappa).
  { apply Rplus_le_le_0_compat; [|easy]. apply quotient; nra. }
  assert (W4 : 0 <= t / (2 * B)) by (apply quotient; lra).
  assert (W5 : 0 <= B / (2 * t * kappa ^ 2)).
  { apply quotient; [lra|]. apply Rmult_lt_0_compat; nra. }
  refine (conclude _ _ _ (plus (plus (plus (row 1 _ _ D _) (row _ _ _ Len W1)) (plus (row _ _ _ Var W2) (row _ _ _
    Near W4)))
    (plus (plus (row _ _ _ T W3) (row _ _ _ Len' W5)) (square _ (u - g + (B / (t * kappa)) * ng)%V W4))) _); [lra|].
  expand_goal. field. repeat split; lra.
Qed.

(** The claim: a horizon where C is 0, every k before it, every kappa > (1 + beta)/2 + B sqrt(1 + beta). *)
Theorem T8_oblivious_preconditioner horizon k : (k < horizon)%nat -> (1 + beta) / 2 + reach * root < kappa ->
  let drop := 1 - (1 + beta) / (2 * kappa) - reach * root / kappa in
  let energy := weighing (gain (horizon - S k) k) (G (place k)) in
  0 < drop /\ ‖G (place k)‖² / (1 + beta) <= energy /\
  oblivious_potential (horizon - S k) (S k) <= oblivious_potential (horizon - k) k
    - / kappa * drop * energy + v / (2 * kappa ^ 2) * ((1 + beta) ^ 2 + reach * ((1 + beta) * root)).
Proof.
  intros K Large drop energy. split; [|split].
  - unfold drop. apply Rmult_lt_reg_r with kappa; [easy|]. rewrite Rmult_0_l.
    replace ((1 - (1 + beta) / (2 * kappa) - reach * root / kappa) * kappa) with (kappa - ((1 + beta) / 2 + reach *
      root))
      by (field; lra). lra.
  - unfold energy, Rdiv. rewrite Rmult_comm, <- (weighing_const V n part split). apply weighing_le. intros j J.
    apply (gain_range _ k j J).
  - replace (horizon - k)%nat with (S (horizon - S k)) by lia. apply T8_oblivious_step.
Qed.
End Oblivious.
Print Assumptions T8_oblivious_preconditioner.
