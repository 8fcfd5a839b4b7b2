(** Geometric penalties sigma_i/gamma^l (V1, V2): the steps are at most C gamma^l whatever the bounded gradients are,
    and scaled by the penalty they tend to minus the gradient at the limit. *)

From PISA Require Export Norm Identities.

(** The client's new multiplier is at most b/(s+b) |p| + |g|: no inverse of s + B is needed. *)
Lemma multiplier_bound (V : space) s b (B : V -> V) (d p g : V) : 0 < s -> 0 <= b ->
  (forall x y, ⟨B x, y⟩ = ⟨x, B y⟩) -> (forall x, 0 <= ⟨B x, x⟩ <= b * ‖x‖²) -> (s * d + B d = - (p + g))%V ->
  ‖p + s * d‖₂ <= b / (s + b) * ‖p‖₂ + ‖g‖₂.
Proof.
  intros S P Sym Bound E. set (k := b / (s + b)). assert (K : 0 <= k <= 1).
  { unfold k. split; [apply quotient; lra|]. apply Rmult_le_reg_r with (s + b); [lra|].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
  assert (Q := sector V B b d Sym Bound P). assert (E' := f_equal (fun x => ⟨x, B d⟩) E). cbv beta in E'.
  set (u := (-1 * B d)%V). assert (U : ‖u‖² <= k * ⟨u, p + g⟩).
  { apply Rmult_le_reg_l with (s + b); [lra|]. replace ((s + b) * (k * ⟨u, p + g⟩)) with (b * ⟨u, p + g⟩)
      by (unfold k; field; lra). unfold u. autorewrite with inner in *.
    rewrite (inner_sym _ d (B d)), (inner_sym _ p (B d)), (inner_sym _ g (B d)) in E'. nra. }
  assert (Ball : ‖u - k / 2 * (p + g)‖₂ <= k / 2 * ‖p + g‖₂).
  { assert (N := norm_nonneg V (p + g)%V). apply norm_le; [nra|].
    replace (k / 2 * ‖p + g‖₂ * (k / 2 * ‖p + g‖₂)) with (k / 2 * (k / 2) * (‖p + g‖₂ * ‖p + g‖₂)) by ring.
    rewrite norm_square. set (q := (p + g)%V) in *. clearbody q u. expand_goal.
    rewrite (inner_sym _ q u) in *. nra. }
  replace (p + s * d)%V with ((u - k / 2 * (p + g)) + (k / 2 * p - (1 - k / 2) * g))%V.
  - eapply Rle_trans; [apply norm_add|]. assert (T := norm_sub V (k / 2 * p)%V ((1 - k / 2) * g)%V).
    rewrite !norm_scale, !Rabs_right in T by lra. assert (A := norm_add V p g). assert (N := norm_nonneg V p). nra.
  - unfold u. apply separated; intros z. apply (f_equal (fun x => ⟨x, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

(** The partial sums of a geometric series. *)
Lemma geometric gamma n : 0 < gamma < 1 -> sum n (fun l => gamma ^ l) <= / (1 - gamma).
Proof.
  intros G. assert (E : (1 - gamma) * sum n (fun l => gamma ^ l) = 1 - gamma ^ n)
    by (induction n as [|n IH]; [simpl; ring|simpl sum; rewrite Rmult_plus_distr_l, IH; simpl; ring]).
  assert (P : 0 < gamma ^ n) by (apply pow_lt; lra). apply Rmult_le_reg_l with (1 - gamma); [lra|].
  rewrite E, Rinv_r; lra.
Qed.

Section Geometric.
Variable V : space.
Variables (m : nat) (weight sigma eta : nat -> R) (ridge gamma : R) (bend : nat -> nat -> V -> V).
Variables (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : pisa V m weight ridge (fun l i => sigma i / gamma ^ l) bend grad w local dual.
Hypothesis gamma_small : 0 < gamma < 1.
Hypothesis weights : forall i, (i < m)%nat -> 0 <= weight i.
Hypothesis sigma_positive : forall i, (i < m)%nat -> 0 < sigma i.
Hypothesis ridge_nonneg : 0 <= ridge.
(** 0 <= rho_i Q_i <= eta_i: any operators, new at every round *)
Hypothesis eta_nonneg : forall i, (i < m)%nat -> 0 <= eta i.
Hypothesis symmetric : forall l i x y, (i < m)%nat -> ⟨bend l i x, y⟩ = ⟨x, bend l i y⟩.
Hypothesis bounded : forall l i x, (i < m)%nat -> 0 <= ⟨bend l i x, x⟩ <= eta i * ‖x‖².
Notation s := (sum m (fun i => weight i * sigma i)).
Hypothesis s_positive : 0 < s.
Notation mean := (mean V m weight).
Notation rate l := (rate m weight ridge (fun l i => sigma i / gamma ^ l) l).

Lemma power l : 0 < gamma ^ l <= 1.
Proof.
  split; [apply pow_lt; lra|]. assert (P := pow_incr gamma 1 l ltac:(lra)). rewrite pow1 in P. exact P.
Qed.

Lemma grown l : rate l = s / gamma ^ l + ridge.
Proof.
  unfold Algorithm.rate. assert (P := power l). f_equal. unfold Rdiv. rewrite Rmult_comm, <- sum_scale. apply sum_ext.
  intros; field; lra.
Qed.

Lemma larger l i : (i < m)%nat -> 0 < sigma i <= sigma i / gamma ^ l.
Proof.
  intros I. assert (P := power l). assert (Sg := sigma_positive i I). split; [easy|]. apply below_quotient; nra.
Qed.

(** ** Bounded gradients, whatever they are: they may be pure noise *)
Section Bounded.
Variables (bound ceiling : nat -> R).
Hypothesis gradients : forall l i, (i < m)%nat -> ‖grad (S l) i‖₂ <= bound i.
Hypothesis first : forall i, (i < m)%nat -> ‖dual 0 i‖₂ <= ceiling i.
Hypothesis ceilings : forall i, (i < m)%nat -> bound i * (sigma i + eta i) / sigma i <= ceiling i.

Lemma duals_bounded l i : (i < m)%nat -> ‖dual l i‖₂ <= ceiling i.
Proof.
  intros I. induction l as [|l IH]; [now apply first|]. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run).
  assert (Sg := larger (S l) i I). assert (E := eta_nonneg i I). eapply Rle_trans.
  - apply (multiplier_bound V (sigma i / gamma ^ S l) (eta i) (bend (S l) i) _ (dual l i) (grad (S l) i)).
    + lra.
    + exact E.
    + intros; now apply symmetric.
    + intros; now apply bounded.
    + exact (client _ _ _ _ _ _ _ _ _ _ run l i I).
  - set (u := sigma i / gamma ^ S l) in *. clearbody u. assert (G := gradients l i I). assert (C := ceilings i I).
    assert (N := norm_nonneg V (dual l i)). assert (N' := norm_nonneg V (grad (S l) i)).
    assert (K : 0 <= eta i / (u + eta i) <= eta i / (sigma i + eta i)).
    { split; [apply quotient; lra|]. apply Rmult_le_compat_l; [easy|]. apply Rinv_le_contravar; lra. }
    apply Rle_trans with (eta i / (sigma i + eta i) * ceiling i + bound i).
    + apply Rplus_le_compat; [apply Rmult_le_compat; lra|exact G].
    + apply Rmult_le_reg_l with (sigma i + eta i); [lra|].
      replace ((sigma i + eta i) * _) with (eta i * ceiling i + bound i * (sigma i + eta i)) by (field; lra).
      assert (C' : bound i * (sigma i + eta i) <= sigma i * ceiling i); [|lra].
      replace (bound i * (sigma i + eta i)) with (sigma i * (bound i * (sigma i + eta i) / sigma i)) by (field; lra).
      apply Rmult_le_compat_l; lra.
Qed.

(** P = sum_i alpha_i P_i of the claim, and its R, the bound of the iterates. *)
Definition peak := sum m (fun i => weight i * ceiling i).
Definition reach := ‖w 0%nat‖₂ + 3 * peak / (s * (1 - gamma)).

Lemma peak_nonneg : 0 <= peak.
Proof.
  unfold peak. rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le. intros i I. apply Rmult_le_pos; [auto|].
  eapply Rle_trans; [apply norm_nonneg|exact (duals_bounded 0 i I)].
Qed.

(** The server's force: the extrapolated mean multiplier. *)
Definition force l : V := (rate l * (w (S l) - w l) + ridge * w l)%V.

Lemma force_bound l : ‖force l‖₂ <= 3 * peak.
Proof.
  unfold force. rewrite (move _ _ _ _ _ _ _ _ _ _ l run).
  replace (_ - ridge * w l + ridge * w l)%V with
    (mean (fun i => sigma i / gamma ^ l * deviation V w local l i + dual l i)%V) by vector.
  eapply Rle_trans; [now apply norm_mean|]. unfold peak. rewrite <- sum_scale. apply sum_le. intros i I.
  assert (A := weights i I). rewrite <- Rmult_assoc, (Rmult_comm 3), Rmult_assoc. apply Rmult_le_compat_l; [easy|].
  assert (D := duals_bounded l i I). assert (N := norm_nonneg V (dual l i)). destruct l as [|l].
  - replace (_ + dual 0%nat i)%V with (dual 0%nat i)
      by (unfold deviation; rewrite (start _ _ _ _ _ _ _ _ _ _ run); vector; simpl; lra). lra.
  - replace (_ + dual (S l) i)%V with (2 * dual (S l) i - dual l i)%V.
    + assert (D' := duals_bounded l i I). eapply Rle_trans; [apply norm_sub|].
      rewrite norm_scale, Rabs_right by lra. lra.
    + rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run). set (u := sigma i / _). vector.
Qed.

Lemma iterates_bounded l : ‖w l‖₂ <= reach.
Proof.
  assert (PN := peak_nonneg). assert (E : ‖w l‖₂ <= ‖w 0%nat‖₂ + 3 * peak / s * sum l (fun k => gamma ^ k)).
  { induction l as [|l IH]; [simpl; lra|]. simpl sum. assert (Pw := power l).
    assert (Q : 0 < s / gamma ^ l) by positive.
    assert (E : w (S l) = (s / gamma ^ l / rate l * w l + / rate l * force l)%V).
    { assert (G := grown l). unfold force. rewrite G. set (u := s / gamma ^ l) in *. vector. }
    rewrite E. eapply Rle_trans; [apply norm_add|]. rewrite !norm_scale, grown. set (u := s / gamma ^ l) in *.
    assert (Inv : 0 < / (u + ridge) <= / u) by (split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra).
    rewrite !Rabs_right; [|lra|apply Rle_ge, quotient; lra].
    assert (K : u / (u + ridge) <= 1).
    { apply Rmult_le_reg_r with (u + ridge); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
    assert (F := force_bound l). assert (N := norm_nonneg V (force l)). assert (N' := norm_nonneg V (w l)).
    assert (A : u / (u + ridge) * ‖w l‖₂ <= ‖w l‖₂) by nra.
    assert (B : / (u + ridge) * ‖force l‖₂ <= / u * (3 * peak)) by (apply Rmult_le_compat; lra).
    replace (/ u * (3 * peak)) with (3 * peak / s * gamma ^ l) in B by (unfold u; field; lra). lra. }
  eapply Rle_trans; [exact E|]. unfold reach. apply Rplus_le_compat_l.
  replace (3 * peak / (s * (1 - gamma))) with (3 * peak / s * / (1 - gamma)) by (field; lra).
  apply Rmult_le_compat_l; [apply quotient; lra|now apply geometric].
Qed.

(** V1: |w^(l+1) - w^l| <= (3 P + ridge R)/s gamma^l. *)
Theorem V1_steps_are_summable l : ‖w (S l) - w l‖₂ <= (3 * peak + ridge * reach) / s * gamma ^ l.
Proof.
  assert (Pw := power l). assert (Q : 0 < s / gamma ^ l) by positive. assert (G := grown l).
  replace (w (S l) - w l)%V with (/ rate l * (force l - ridge * w l))%V.
  - rewrite norm_scale, G. assert (Inv : 0 < / (s / gamma ^ l + ridge) <= / (s / gamma ^ l))
      by (split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra).
    rewrite Rabs_right by lra. replace ((3 * peak + ridge * reach) / s * gamma ^ l) with
      (/ (s / gamma ^ l) * (3 * peak + ridge * reach)) by (field; lra).
    apply Rmult_le_compat; try lra; [apply norm_nonneg|]. eapply Rle_trans; [apply norm_sub|].
    rewrite norm_scale, Rabs_right by lra. assert (F := force_bound l). assert (B := iterates_bounded l). nra.
  - unfold force. rewrite G. set (u := s / gamma ^ l) in *. vector.
Qed.
End Bounded.

(** ** Full gradients: the scaled step tends to minus the gradient at the limit (V2) *)
Section Residual.
Variables (G : nat -> V -> V) (limit : V).
Hypothesis full : forall l i, grad l i = G i (w l).
Hypothesis continuous : forall i eps, (i < m)%nat -> 0 < eps ->
  exists delta, 0 < delta /\ forall x, ‖x - limit‖₂ < delta -> ‖G i x - G i limit‖₂ < eps.
Hypothesis converges : tends w limit.

Lemma gradients_tend i : (i < m)%nat -> tends (fun l => G i (w l)) (G i limit).
Proof.
  intros I eps E. destruct (continuous i eps I E) as [delta [D C]]. destruct (converges delta D) as [n N]. exists n.
  intros l L. specialize (N l L). unfold R_dist in *. rewrite Rminus_0_r in *.
  rewrite Rabs_right in * by (apply Rle_ge, norm_nonneg). auto.
Qed.

Lemma gradients_have_bounds : exists bound, forall l i, (i < m)%nat -> ‖grad (S l) i‖₂ <= bound i.
Proof.
  assert (Each : forall i, exists b, (i < m)%nat -> forall l, ‖G i (w l)‖₂ <= b).
  { intros i. destruct (le_lt_dec m i) as [M|I]; [exists 0; lia|].
    destruct (maj_by_pos _ (exist (Un_cv (fun l => ‖G i (w l) - G i limit‖₂)) 0 (gradients_tend i I)))
      as [b [P B]]. exists (b + ‖G i limit‖₂). intros _ l. specialize (B l). cbv beta in B. rewrite Rabs_right in B by (apply Rle_ge, norm_nonneg).
    replace (G i (w l)) with ((G i (w l) - G i limit) + G i limit)%V by vector.
    eapply Rle_trans; [apply norm_add|lra]. }
  assert (Choice : forall k, exists bound, forall i, (i < k)%nat -> (i < m)%nat -> forall l, ‖G i (w l)‖₂ <= bound i).
  { induction k as [|k [bound B]]; [exists (fun _ => 0); lia|]. destruct (Each k) as [b Bk].
    exists (fun i => if Nat.eq_dec i k then b else bound i). intros i I I' l.
    destruct (Nat.eq_dec i k) as [->|D]; [now apply Bk|]. apply B; [lia|easy]. }
  destruct (Choice m) as [bound B]. exists bound. intros l i I. rewrite full. now apply B.
Qed.

Notation error l i := (dual l i + grad l i)%V.

Lemma errors_vanish i : (i < m)%nat -> Un_cv (fun l => ‖error (S l) i‖₂) 0.
Proof.
  intros I. destruct gradients_have_bounds as [bound B].
  assert (Sg := sigma_positive i I). assert (E := eta_nonneg i I).
  set (ceiling := fun i => Rmax ‖dual 0 i‖₂ (bound i * (sigma i + eta i) / sigma i)).
  assert (D := fun l => duals_bounded bound ceiling B (fun i _ => Rmax_l _ _) (fun i _ => Rmax_r _ _) l i I).
  set (top := ceiling i) in *. clearbody top ceiling.
  apply (squeeze _ (fun l => eta i * (top + bound i) / sigma i * gamma ^ l)).
  - intros l. split; [apply norm_nonneg|]. assert (L := larger (S l) i I). assert (Pw := power (S l)).
    replace (error (S l) i) with (- bend (S l) i (deviation V w local (S l) i))%V
      by (rewrite (I1_multiplier _ _ _ _ _ _ _ _ _ _ run l i I); vector).
    rewrite norm_opp. eapply Rle_trans.
    + apply (kept V (sigma i / gamma ^ S l) (eta i) (bend (S l) i) _ (dual l i + grad (S l) i)%V).
      * lra.
      * exact E.
      * intros; now apply symmetric.
      * intros; now apply bounded.
      * exact (client _ _ _ _ _ _ _ _ _ _ run l i I).
    + assert (A := norm_add V (dual l i) (grad (S l) i)). specialize (D l). assert (Bl := B l i I).
      assert (N := norm_nonneg V (dual l i + grad (S l) i)%V).
      apply Rle_trans with (eta i / (sigma i / gamma ^ S l) * (top + bound i)).
      * apply Rmult_le_compat; [apply quotient; lra|easy| |lra]. apply Rmult_le_compat_l; [easy|].
        apply Rinv_le_contravar; lra.
      * replace (eta i / (sigma i / gamma ^ S l) * (top + bound i)) with
          (eta i * (top + bound i) / sigma i * gamma ^ S l) by (field; lra).
        assert (N0 := norm_nonneg V (dual l i)). assert (N1 := norm_nonneg V (grad (S l) i)).
        assert (K : 0 <= eta i * (top + bound i) / sigma i) by (apply quotient; nra). simpl.
        assert (Pl := power l). apply Rmult_le_compat_l; [exact K|]. nra.
  - apply limit_scale, limit_power. lra.
Qed.

Lemma tends_mean (x : nat -> nat -> V) (y : nat -> V) : (forall i, (i < m)%nat -> tends (fun l => x l i) (y i)) ->
  tends (fun l => mean (x l)) (mean y).
Proof.
  intros C. apply (squeeze _ (fun l => sum m (fun i => weight i * ‖x l i - y i‖₂))).
  - intros l. split; [apply norm_nonneg|].
    replace (mean (x l) - mean y)%V with (mean (fun i => x l i - y i)%V); [now apply norm_mean|].
    rewrite (mean_add V m weight (x l) (fun i => -1 * y i)%V), mean_scale. reflexivity.
  - apply limit_sum. intros i I. apply limit_scale. exact (C i I).
Qed.

(** V2: (sum_i alpha_i sigma_i^l + ridge)(w^(l+1) - w^l) -> -(mean gradient + ridge w) at the limit. *)
Theorem V2_steps_carry_the_residual :
  tends (fun l => rate l * (w (S l) - w l))%V (- (mean (fun i => G i limit) + ridge * limit))%V.
Proof.
  apply limit_shift, limit_shift.
  assert (E : forall i, (i < m)%nat -> tends (fun l => 2 * error (S (S l)) i - error (S l) i)%V 0%V).
  { intros i I. apply (squeeze _ (fun l => 2 * ‖error (S (S l)) i‖₂ + ‖error (S l) i‖₂)).
    - intros l. split; [apply norm_nonneg|]. replace (_ - 0)%V with (2 * error (S (S l)) i - error (S l) i)%V by vector.
      eapply Rle_trans; [apply norm_sub|]. rewrite norm_scale, Rabs_right by lra. lra.
    - replace 0 with (2 * 0 + 0) by ring. assert (C := errors_vanish i I).
      apply (CV_plus (fun l => 2 * ‖error (S (S l)) i‖₂) (fun l => ‖error (S l) i‖₂)); [|exact C].
      replace (2 * 0) with 0 by ring. apply limit_scale. intros e H. destruct (C e H) as [n N]. exists n.
      intros l L. apply N. lia. }
  assert (M := tends_mean _ (fun _ => 0%V) E). rewrite (mean_zero V m weight (fun _ => 0%V)) in M by easy.
  assert (Next : forall (x : nat -> V) y, tends x y -> tends (fun l => x (S l)) y).
  { intros x y C e H. destruct (C e H) as [n N]. exists n. intros l L. apply N. lia. }
  assert (Gr := Next _ _ (tends_mean (fun l i => G i (w l)) (fun i => G i limit) gradients_tend)).
  assert (Gr' := Next _ _ Gr). assert (W := Next _ _ (Next _ _ converges)). cbv beta in *.
  apply (squeeze _ (fun l => ‖mean (fun i => 2 * error (S (S l)) i - error (S l) i) - 0‖₂ +
    (2 * ‖mean (fun i => G i (w (S (S l)))) - mean (fun i => G i limit)‖₂ +
    (‖mean (fun i => G i (w (S l))) - mean (fun i => G i limit)‖₂ + ridge * ‖w (S (S l)) - limit‖₂)))).
  - intros l. split; [apply norm_nonneg|].
    match goal with |- ‖?x‖₂ <= _ => replace x with
      ((mean (fun i => 2 * error (S (S l)) i - error (S l) i) - 0)
      + (-2 * (mean (fun i => G i (w (S (S l)))) - mean (fun i => G i limit))
      + ((mean (fun i => G i (w (S l))) - mean (fun i => G i limit)) - ridge * (w (S (S l)) - limit))))%V end.
    + do 2 (eapply Rle_trans; [apply norm_add|]; try apply Rplus_le_compat; try apply Rle_refl).
      * rewrite norm_scale, Rabs_left by lra. lra.
      * eapply Rle_trans; [apply norm_sub|]. rewrite norm_scale, Rabs_right by lra. lra.
    + rewrite (move _ _ _ _ _ _ _ _ _ _ (S (S l)) run).
      rewrite (mean_ext _ _ _ (fun i => _ * deviation V w local (S (S l)) i + dual (S (S l)) i)%V
        (fun i => (2 * error (S (S l)) i - error (S l) i) + (-2 * G i (w (S (S l))) + G i (w (S l))))%V).
      * rewrite (mean_add V m weight (fun i => 2 * error (S (S l)) i - error (S l) i)%V),
          (mean_add V m weight (fun i => -2 * G i (w (S (S l))))%V), (mean_scale V m weight (-2)). vector.
      * intros i I. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run (S l) i), !full. set (u := sigma i / _). vector.
  - replace 0 with (0 + (2 * 0 + (0 + ridge * 0))) by ring.
    apply (CV_plus (fun l => ‖mean (fun i => 2 * error (S (S l)) i - error (S l) i) - 0‖₂)); [exact M|].
    apply (CV_plus (fun l => 2 * ‖mean (fun i => G i (w (S (S l)))) - mean (fun i => G i limit)‖₂)).
    { rewrite Rmult_0_r. now apply limit_scale. }
    apply (CV_plus (fun l => ‖mean (fun i => G i (w (S l))) - mean (fun i => G i limit)‖₂)); [exact Gr|].
    rewrite Rmult_0_r. now apply limit_scale.
Qed.
End Residual.
End Geometric.
Print Assumptions V1_steps_are_summable.
Print Assumptions V2_steps_carry_the_residual.
