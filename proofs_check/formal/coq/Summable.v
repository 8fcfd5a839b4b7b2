(** Geometric penalties sigma_i/gamma^l (V1): the steps are at most C gamma^l whatever the bounded gradients are. *)

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

(** ** Multipliers below ceilings that may rise: |g_i| (sigma_i + eta_i)/sigma_i is enough *)
Section Ceilings.
Variable ceiling : nat -> nat -> R.
Hypothesis first : forall i, (i < m)%nat -> ‖dual 0 i‖₂ <= ceiling 0%nat i.
Hypothesis rises : forall l i, (i < m)%nat -> ceiling l i <= ceiling (S l) i.
Hypothesis gradients : forall l i, (i < m)%nat -> ‖grad (S l) i‖₂ * ((sigma i + eta i) / sigma i) <= ceiling (S l) i.

Lemma duals_bounded l i : (i < m)%nat -> ‖dual l i‖₂ <= ceiling l i.
Proof.
  intros I. induction l as [|l IH]; [now apply first|]. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run).
  assert (Sg := larger (S l) i I). assert (E := eta_nonneg i I). eapply Rle_trans.
  - apply (multiplier_bound V (sigma i / gamma ^ S l) (eta i) (bend (S l) i) _ (dual l i) (grad (S l) i)).
    + lra.
    + exact E.
    + intros; now apply symmetric.
    + intros; now apply bounded.
    + exact (client _ _ _ _ _ _ _ _ _ _ run l i I).
  - set (u := sigma i / gamma ^ S l) in *. clearbody u. assert (C := gradients l i I). assert (Up := rises l i I).
    assert (N := norm_nonneg V (dual l i)). assert (N' := norm_nonneg V (grad (S l) i)).
    assert (K : 0 <= eta i / (u + eta i) <= eta i / (sigma i + eta i)).
    { split; [apply quotient; lra|]. apply Rmult_le_compat_l; [easy|]. apply Rinv_le_contravar; lra. }
    apply Rle_trans with (eta i / (sigma i + eta i) * ceiling (S l) i + ‖grad (S l) i‖₂).
    + apply Rplus_le_compat_r. apply Rmult_le_compat; lra.
    + set (g := ‖grad (S l) i‖₂) in *. set (c := ceiling (S l) i) in *. clearbody g c.
      apply Rmult_le_reg_l with (sigma i + eta i); [lra|].
      replace ((sigma i + eta i) * _) with (eta i * c + sigma i * (g * ((sigma i + eta i) / sigma i))) by (field; lra).
      assert (M := Rmult_le_compat_l (sigma i) _ _ ltac:(lra) C). lra.
Qed.

(** The server's force: the extrapolated mean multiplier. *)
Definition force l : V := (rate l * (w (S l) - w l) + ridge * w l)%V.
Notation peak l := (sum m (fun i => weight i * ceiling l i)).

Lemma peak_nonneg l : 0 <= peak l.
Proof.
  rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le. intros i I. apply Rmult_le_pos; [auto|].
  eapply Rle_trans; [apply norm_nonneg|exact (duals_bounded l i I)].
Qed.

Lemma force_bound l : ‖force l‖₂ <= 3 * peak l.
Proof.
  unfold force. rewrite (move _ _ _ _ _ _ _ _ _ _ l run).
  replace (_ - ridge * w l + ridge * w l)%V with
    (mean (fun i => sigma i / gamma ^ l * deviation V w local l i + dual l i)%V) by vector.
  eapply Rle_trans; [now apply norm_mean|]. rewrite <- sum_scale. apply sum_le. intros i I.
  assert (A := weights i I). rewrite <- Rmult_assoc, (Rmult_comm 3), Rmult_assoc. apply Rmult_le_compat_l; [easy|].
  assert (D := duals_bounded l i I). assert (N := norm_nonneg V (dual l i)). destruct l as [|l].
  - replace (_ + dual 0%nat i)%V with (dual 0%nat i)
      by (unfold deviation; rewrite (start _ _ _ _ _ _ _ _ _ _ run); vector; simpl; lra). lra.
  - replace (_ + dual (S l) i)%V with (2 * dual (S l) i - dual l i)%V.
    + assert (D' := duals_bounded l i I). assert (Up := rises l i I). eapply Rle_trans; [apply norm_sub|].
      rewrite norm_scale, Rabs_right by lra. lra.
    + rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run). set (u := sigma i / _). vector.
Qed.

Lemma step_bound l : ‖w (S l) - w l‖₂ <= (3 * peak l + ridge * ‖w l‖₂) / s * gamma ^ l.
Proof.
  assert (Pw := power l). assert (Q : 0 < s / gamma ^ l) by positive. assert (G := grown l).
  replace (w (S l) - w l)%V with (/ rate l * (force l - ridge * w l))%V.
  - rewrite norm_scale, G. assert (Inv : 0 < / (s / gamma ^ l + ridge) <= / (s / gamma ^ l))
      by (split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra).
    rewrite Rabs_right by lra. replace ((3 * peak l + ridge * ‖w l‖₂) / s * gamma ^ l) with
      (/ (s / gamma ^ l) * (3 * peak l + ridge * ‖w l‖₂)) by (field; lra).
    apply Rmult_le_compat; try lra; [apply norm_nonneg|]. eapply Rle_trans; [apply norm_sub|].
    rewrite norm_scale, Rabs_right by lra. assert (F := force_bound l). lra.
  - unfold force. rewrite G. set (u := s / gamma ^ l) in *. vector.
Qed.

Lemma iterates_grow l : ‖w (S l)‖₂ <= ‖w l‖₂ + 3 * peak l / s * gamma ^ l.
Proof.
  assert (PN := peak_nonneg l). assert (Pw := power l). assert (Q : 0 < s / gamma ^ l) by positive.
  assert (E : w (S l) = (s / gamma ^ l / rate l * w l + / rate l * force l)%V).
  { assert (G := grown l). unfold force. rewrite G. set (u := s / gamma ^ l) in *. vector. }
  rewrite E. eapply Rle_trans; [apply norm_add|]. rewrite !norm_scale, grown. set (u := s / gamma ^ l) in *.
  assert (Inv : 0 < / (u + ridge) <= / u) by (split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra).
  rewrite !Rabs_right; [|lra|apply Rle_ge, quotient; lra].
  assert (K : u / (u + ridge) <= 1).
  { apply Rmult_le_reg_r with (u + ridge); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
  assert (F := force_bound l). assert (N := norm_nonneg V (force l)). assert (N' := norm_nonneg V (w l)).
  assert (A : u / (u + ridge) * ‖w l‖₂ <= ‖w l‖₂) by nra.
  assert (B : / (u + ridge) * ‖force l‖₂ <= / u * (3 * peak l)) by (apply Rmult_le_compat; lra).
  replace (/ u * (3 * peak l)) with (3 * peak l / s * gamma ^ l) in B by (unfold u; field; lra). lra.
Qed.
End Ceilings.

(** ** V1: gradients bounded by B, whatever they are (they may be pure noise), from the cold start or any multipliers below
    the same ceilings P_i *)
Section Bounded.
Variable bound : R.
Hypothesis started : forall i, (i < m)%nat -> ‖dual 0 i‖₂ <= bound * ((sigma i + eta i) / sigma i).
Hypothesis gradients : forall l i, (i < m)%nat -> ‖grad (S l) i‖₂ <= bound.

(** The claim's P, with each client's own penalty, and its R, which bounds the iterates. *)
Definition peak := sum m (fun i => weight i * (bound * ((sigma i + eta i) / sigma i))).
Definition reach := ‖w 0%nat‖₂ + 3 * peak / (s * (1 - gamma)).
Notation constant := ((3 * peak + ridge * reach) / s).

Lemma ratio_nonneg i : (i < m)%nat -> 0 <= (sigma i + eta i) / sigma i.
Proof. intros I. assert (A := sigma_positive i I). assert (B := eta_nonneg i I). apply quotient; lra. Qed.

Let ceiling (l i : nat) := bound * ((sigma i + eta i) / sigma i).

Lemma ceiling_first i : (i < m)%nat -> ‖dual 0 i‖₂ <= ceiling 0 i.
Proof. intros I. now apply started. Qed.

Lemma ceiling_gradients l i : (i < m)%nat -> ‖grad (S l) i‖₂ * ((sigma i + eta i) / sigma i) <= ceiling (S l) i.
Proof. intros I. apply Rmult_le_compat_r; [now apply ratio_nonneg|auto]. Qed.

Lemma ceiling_peak l : sum m (fun i => weight i * ceiling l i) = peak.
Proof. reflexivity. Qed.

Lemma iterates_bounded l : ‖w l‖₂ <= reach.
Proof.
  assert (PN := peak_nonneg ceiling ceiling_first (fun _ _ _ => Rle_refl _) ceiling_gradients 0).
  assert (E : ‖w l‖₂ <= ‖w 0%nat‖₂ + 3 * peak / s * sum l (fun k => gamma ^ k)).
  { induction l as [|l IH]; [simpl; lra|]. simpl sum.
    assert (St := iterates_grow ceiling ceiling_first (fun _ _ _ => Rle_refl _) ceiling_gradients l).
    rewrite ceiling_peak in St. lra. }
  eapply Rle_trans; [exact E|]. unfold reach. apply Rplus_le_compat_l. rewrite ceiling_peak in PN.
  replace (3 * peak / (s * (1 - gamma))) with (3 * peak / s * / (1 - gamma)) by (field; lra).
  apply Rmult_le_compat_l; [apply quotient; lra|now apply geometric].
Qed.

Theorem V1_steps_are_summable l : ‖w (S l) - w l‖₂ <= constant * gamma ^ l.
Proof.
  assert (St := step_bound ceiling ceiling_first (fun _ _ _ => Rle_refl _) ceiling_gradients l).
  rewrite ceiling_peak in St. eapply Rle_trans; [exact St|]. assert (Pw := power l). apply Rmult_le_compat_r; [lra|].
  apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; easy|]. assert (B := iterates_bounded l). nra.
Qed.
End Bounded.
End Geometric.
Print Assumptions V1_steps_are_summable.
