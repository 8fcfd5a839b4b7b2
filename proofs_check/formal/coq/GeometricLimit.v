(** V1's consequences: under penalties sigma_i/gamma^l the iterates converge at the rate gamma of the penalties, for
    bounded gradients and for gradients that grow at most linearly, in every complete space. *)

From PISA Require Export Residual Quadratic.
From PISA Require Refutations.

(** ** Steps below C gamma^l *)
Section Steps.
Variables (V : space) (C gamma : R) (x : nat -> V).
Hypothesis gamma_small : 0 < gamma < 1.
Hypothesis steps : forall l, ‖x (S l) - x l‖₂ <= C * gamma ^ l.

Lemma distance l j : ‖x (j + l)%nat - x l‖₂ <= C / (1 - gamma) * gamma ^ l.
Proof.
  assert (N := norm_nonneg V (x 1%nat - x 0%nat)). assert (C0 := steps 0). simpl in C0.
  assert (E : ‖x (j + l)%nat - x l‖₂ <= C * gamma ^ l * sum j (fun k => gamma ^ k)).
  { induction j as [|j IH]; simpl; [replace (x l - x l)%V with (0 : V)%V by vector; rewrite norm_of_zero; lra|].
    replace (x (S (j + l)) - x l)%V with ((x (S (j + l)) - x (j + l)%nat) + (x (j + l)%nat - x l))%V by vector.
    eapply Rle_trans; [apply norm_add|]. assert (St := steps (j + l)). rewrite pow_add in St. lra. }
  eapply Rle_trans; [exact E|]. assert (G := geometric gamma j gamma_small).
  assert (P : 0 < gamma ^ l) by (apply pow_lt; lra).
  replace (C / (1 - gamma) * gamma ^ l) with (C * gamma ^ l * / (1 - gamma)) by (field; lra).
  apply Rmult_le_compat_l; [|exact G]. apply Rmult_le_pos; lra.
Qed.

(** Cauchy sequences; a space in which they converge is complete. *)
Definition cauchy (y : nat -> V) :=
  forall eps, 0 < eps -> exists n, forall i j, (n <= i)%nat -> (n <= j)%nat -> ‖y i - y j‖₂ < eps.

Lemma steps_cauchy : cauchy x.
Proof.
  intros eps E. assert (D := limit_scale (C / (1 - gamma)) _ (limit_power gamma ltac:(lra))).
  destruct (D (eps / 2) ltac:(lra)) as [n N]. exists n.
  assert (Near : forall i, (n <= i)%nat -> ‖x i - x n‖₂ < eps / 2).
  { intros i I. assert (Q := distance n (i - n)). replace (i - n + n)%nat with i in Q by lia.
    eapply Rle_lt_trans; [exact Q|]. specialize (N n (le_n n)). unfold R_dist in N. apply Rabs_def2 in N. lra. }
  intros i j I J. replace (x i - x j)%V with ((x i - x n) - (x j - x n))%V by vector.
  eapply Rle_lt_trans; [apply norm_sub|]. assert (A := Near i I). assert (B := Near j J). lra.
Qed.

Theorem geometric_limit : (forall y, cauchy y -> exists limit, tends y limit) ->
  exists limit, tends x limit /\ forall l, ‖x l - limit‖₂ <= C / (1 - gamma) * gamma ^ l.
Proof.
  intros Complete. destruct (Complete x steps_cauchy) as [limit T]. exists limit. split; [exact T|]. intros l.
  apply Rnot_lt_le. intros Far. set (gap := ‖x l - limit‖₂ - C / (1 - gamma) * gamma ^ l).
  destruct (T gap ltac:(unfold gap; lra)) as [n N]. specialize (N (n + l)%nat ltac:(lia)). unfold R_dist in N.
  rewrite Rminus_0_r, Rabs_right in N by (apply Rle_ge, norm_nonneg). assert (D := distance l n).
  assert (A := norm_sub V (x (n + l)%nat - limit)%V (x (n + l)%nat - x l)%V).
  replace (x (n + l)%nat - limit - (x (n + l)%nat - x l))%V with (x l - limit)%V in A by vector. unfold gap in N. lra.
Qed.
End Steps.

(** Spaces with a finite orthonormal basis are complete. *)
Lemma basis_complete (V : space) n e : basis V n e -> forall y, cauchy V y -> exists limit, tends y limit.
Proof.
  intros B y C. assert (Each : forall j, exists c, (j < n)%nat -> Un_cv (fun l => ⟨y l, e j⟩) c).
  { intros j. destruct (le_lt_dec n j) as [N|J]; [exists 0; lia|].
    destruct (R_complete (fun l => ⟨y l, e j⟩)) as [c Lim]; [|exists c; easy].
    intros eps E. destruct (C eps E) as [k K]. exists k. intros i l I L. unfold R_dist.
    replace (⟨y i, e j⟩ - ⟨y l, e j⟩) with ⟨y i - y l, e j⟩ by (autorewrite with inner; ring).
    specialize (K i l I L). assert (Q := cauchy_schwarz V (y i - y l)%V (e j)).
    assert (Q' := cauchy_schwarz V (- (y i - y l))%V (e j)). rewrite norm_opp, inner_scale in Q'.
    assert (One : ‖e j‖₂ = 1). { unfold norm. rewrite (orthonormal V n e B) by easy.
      destruct (Nat.eq_dec j j); [apply sqrt_1|easy]. }
    rewrite One in *. apply Rabs_def1; lra. }
  assert (Choice : forall k, exists c, forall j, (j < k)%nat -> (j < n)%nat -> Un_cv (fun l => ⟨y l, e j⟩) (c j)).
  { induction k as [|k [c K]]; [exists (fun _ => 0); lia|]. destruct (Each k) as [d D].
    exists (fun j => if Nat.eq_dec j k then d else c j). intros j J J'.
    destruct (Nat.eq_dec j k) as [->|]; [now apply D|]. apply K; [lia|easy]. }
  destruct (Choice n) as [c K]. exists (total n (fun j => c j * e j)%V). apply (tends_of_modes V n e B).
  intros j J eps E. destruct (K j J J eps E) as [k N]. exists k. intros l L. specialize (N l L). unfold R_dist in *.
  rewrite inner_add, inner_scale, (coordinates V n e B c j J).
  replace (⟨y l, e j⟩ + -1 * c j - 0) with (⟨y l, e j⟩ - c j) by ring. exact N.
Qed.

Lemma exp_monotone a b : a <= b -> exp a <= exp b.
Proof. intros [L|E]; [apply Rlt_le, exp_increasing, L|rewrite E; lra]. Qed.

(** ** Gradients that grow at most linearly: |g| <= B + r |w - w^0| *)
Section Growing.
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

Variables (bound r : R).
Hypothesis bound_nonneg : 0 <= bound.
Hypothesis r_nonneg : 0 <= r.
Hypothesis started : forall i, (i < m)%nat -> ‖dual 0 i‖₂ <= bound * ((sigma i + eta i) / sigma i).
Hypothesis gradients : forall l i, (i < m)%nat -> ‖grad (S l) i‖₂ <= bound + r * ‖w (S l) - w 0%nat‖₂.

(** How far the iterates have been from the start. *)
Fixpoint far l := match l with O => 0 | S l => Rmax (far l) ‖w (S l) - w 0%nat‖₂ end.
Notation ratio i := ((sigma i + eta i) / sigma i).
Let ceiling l i := (bound + r * far l) * ratio i.
Notation mean_ratio := (sum m (fun i => weight i * ratio i)).
Notation slope := ((3 * mean_ratio * r + ridge) / s).
Notation offset := ((3 * mean_ratio * bound + ridge * ‖w 0%nat‖₂) / s).

Lemma far_rises l : 0 <= far l <= far (S l) /\ ‖w (S l) - w 0%nat‖₂ <= far (S l).
Proof.
  assert (P : forall l, 0 <= far l <= far (S l)).
  { induction l0; simpl in *; (split; [lra || (eapply Rle_trans; [|apply Rmax_l]; apply IHl0)|apply Rmax_l]). }
  split; [apply P|apply Rmax_r].
Qed.

Lemma far_covers l : ‖w l - w 0%nat‖₂ <= far l.
Proof.
  destruct l; [|apply far_rises]. replace (w 0%nat - w 0%nat)%V with (0 : V)%V by vector.
  rewrite norm_of_zero. apply Rle_refl.
Qed.

Lemma ratio_at_least i : (i < m)%nat -> 0 <= ratio i.
Proof. intros I. assert (A := sigma_positive i I). assert (B := eta_nonneg i I). apply quotient; lra. Qed.

Lemma growing_step l : ‖w (S l) - w l‖₂ <= (offset + slope * far l) * gamma ^ l.
Proof.
  assert (First : forall i, (i < m)%nat -> ‖dual 0 i‖₂ <= ceiling 0 i).
  { intros i I. unfold ceiling. simpl. rewrite Rmult_0_r, Rplus_0_r. now apply started. }
  assert (Rises : forall l i, (i < m)%nat -> ceiling l i <= ceiling (S l) i).
  { intros k i I. assert (F := far_rises k). apply Rmult_le_compat_r; [now apply ratio_at_least|]. nra. }
  assert (Grads : forall l i, (i < m)%nat -> ‖grad (S l) i‖₂ * ratio i <= ceiling (S l) i).
  { intros k i I. apply Rmult_le_compat_r; [now apply ratio_at_least|]. assert (G := gradients k i I).
    assert (F := far_rises k). nra. }
  assert (St := step_bound V m weight sigma eta ridge gamma bend grad w local dual run gamma_small weights
    sigma_positive ridge_nonneg eta_nonneg symmetric bounded s_positive ceiling First Rises Grads l).
  eapply Rle_trans; [exact St|]. assert (P : 0 < gamma ^ l) by (apply pow_lt; lra). apply Rmult_le_compat_r; [lra|].
  replace (sum m (fun i => weight i * ceiling l i)) with ((bound + r * far l) * mean_ratio)
    by (rewrite <- sum_scale; apply sum_ext; intros; unfold ceiling; ring).
  assert (N : ‖w l‖₂ <= ‖w 0%nat‖₂ + far l).
  { replace (w l) with (w 0%nat + (w l - w 0%nat))%V at 1 by vector.
    assert (A := norm_add V (w 0%nat) (w l - w 0%nat)%V). assert (F := far_covers l). lra. }
  replace (offset + slope * far l) with
    ((3 * ((bound + r * far l) * mean_ratio) + ridge * (‖w 0%nat‖₂ + far l)) / s) by (field; lra).
  apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; easy|]. nra.
Qed.

(** The distance is bounded by a product of 1 + slope gamma^l, so by exp(slope/(1 - gamma)). *)
Theorem V1_growing_gradients l : ‖w (S l) - w l‖₂ <= offset * exp (slope / (1 - gamma)) * gamma ^ l.
Proof.
  assert (Inv : 0 < / s) by now apply Rinv_0_lt_compat. assert (Q : 0 <= mean_ratio).
  { rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le. intros i I.
    apply Rmult_le_pos; [auto|now apply ratio_at_least]. }
  assert (N0 := norm_nonneg V (w 0%nat)). assert (A : 0 <= slope) by (apply quotient; nra).
  assert (B : 0 <= offset) by (apply quotient; nra).
  assert (Product : forall l, offset + slope * far l <= offset * exp (slope * sum l (fun k => gamma ^ k))).
  { induction l0 as [|k IH]; [simpl; rewrite Rmult_0_r, exp_0; lra|]. assert (P : 0 < gamma ^ k) by (apply pow_lt; lra).
    assert (F := far_rises k). assert (Reach : far (S k) <= far k + (offset + slope * far k) * gamma ^ k).
    { simpl. apply Rmax_lub; [assert (0 <= (offset + slope * far k) * gamma ^ k) by (apply Rmult_le_pos; nra); lra|].
      replace (w (S k) - w 0%nat)%V with ((w (S k) - w k) + (w k - w 0%nat))%V by vector.
      eapply Rle_trans; [apply norm_add|]. assert (G := growing_step k). assert (Cv := far_covers k). lra. }
    simpl sum. rewrite Rmult_plus_distr_l, exp_plus. assert (E := exp_ineq1_le (slope * gamma ^ k)).
    apply Rle_trans with ((offset + slope * far k) * (1 + slope * gamma ^ k)); [nra|].
    rewrite <- Rmult_assoc. apply Rmult_le_compat; [nra|nra|exact IH|exact E]. }
  assert (P : 0 < gamma ^ l) by (apply pow_lt; lra). eapply Rle_trans; [apply growing_step|].
  apply Rmult_le_compat_r; [lra|]. eapply Rle_trans; [apply Product|]. apply Rmult_le_compat_l; [easy|].
  apply exp_monotone. unfold Rdiv. apply Rmult_le_compat_l; [easy|now apply geometric].
Qed.

(** So in a complete space the iterates converge, at the rate of the penalties, whatever the gradients are (r = 0: any
    bounded ones). *)
Theorem V1_iterates_converge : (forall y, cauchy V y -> exists limit, tends y limit) -> exists limit, tends w limit /\
  forall l, ‖w l - limit‖₂ <= offset * exp (slope / (1 - gamma)) / (1 - gamma) * gamma ^ l.
Proof. exact (geometric_limit V _ gamma w gamma_small V1_growing_gradients). Qed.
End Growing.

(** V2's hypotheses hold and its limit need not be 0: F = (x - 1)^2/2, one client, every gamma < 1. *)
Lemma line_norm (x : line) : ‖x‖₂ = Rabs x.
Proof. apply sqrt_Rsqr_abs. Qed.

Theorem V2_residual_stays gamma : 0 < gamma < 1 ->
  exists sigma (w : nat -> line) (local dual : nat -> nat -> line) (limit : line),
  pisa line 1 (fun _ => 1) 0 (fun l _ => sigma / gamma ^ l) (fun _ _ _ => 0%V) (fun l _ => w l - 1) w local dual /\
  tends w limit /\ / 2 <= Rabs (limit - 1) /\
  tends (fun l => rate 1 (fun _ => 1) 0 (fun l _ => sigma / gamma ^ l) l * (w (S l) - w l))%V (- (limit - 1))%R.
Proof.
  intros Gm. set (sigma := 9 / (1 - gamma)). assert (P : 0 < sigma) by (unfold sigma; positive).
  assert (Pw : forall l, 0 < sigma / gamma ^ l) by (intros; assert (Q := pow_lt gamma l ltac:(lra)); positive).
  assert (Run := run_exists line 1 (fun _ => 1) 0 (fun l _ => sigma / gamma ^ l) (fun _ _ _ => 0%V)
    (fun l _ y => / (sigma / gamma ^ l) * y)%V (fun _ x => x - 1) 0 (fun _ => 0%V)
    ltac:(intros l; specialize (Pw l); unfold rate; cbn -[pow]; lra)
    ltac:(intros l i y; specialize (Pw l); cbn -[pow]; rewrite <- Rmult_assoc, Rinv_r by lra; ring)).
  set (w := fun l => fst (fst _)) in Run. set (local := fun l => snd (fst _)) in Run.
  set (dual := fun l => snd _) in Run.
  assert (W0 : w 0%nat = 0%V) by reflexivity. assert (D0 : dual 0%nat 0%nat = 0%V) by reflexivity.
  clearbody w local dual. exists sigma, w, local, dual.
  assert (Run1 : pisa line 1 (fun _ => 1) 0 (fun l _ => sigma / gamma ^ l) (fun _ _ _ => 0%V)
    (fun l _ => Refutations.pull 1 (w l)) w local dual).
  { destruct Run as [A B C D]. split; [exact A|exact B| |exact D]. intros l i I. rewrite (C l i I).
    unfold Refutations.pull. cbn. ring. }
  destruct (Refutations.V2_limit 1 gamma sigma w local dual Rlt_0_1 Gm ltac:(unfold sigma; right; field; lra) Run1
    D0 W0) as [limit [C Far]]. exists limit. split; [exact Run|].
  assert (T : tends w limit).
  { apply limit_shift. intros e E. destruct (C e E) as [n N]. exists n. intros l L.
    specialize (N l L). unfold R_dist in *. rewrite line_norm, Rminus_0_r, Rabs_Rabsolu. cbn.
    replace (w (S l) + -1 * limit) with (w (S l) - limit) by ring. exact N. }
  split; [exact T|]. split; [unfold Refutations.pull in Far; rewrite Rmult_1_l in Far; lra|].
  clearbody sigma. assert (Zero : forall (l i : nat) (x : line), (i < 1)%nat -> 0 <= ⟨(0 : line), x⟩ <= 0 * ‖x‖²)
    by (intros; rewrite inner_zero; lra).
  assert (Cont : forall (i : nat) eps, (i < 1)%nat -> 0 < eps -> exists delta, 0 < delta /\
    forall x : line, ‖x - (limit : line)‖₂ < delta -> ‖((x - 1)%R : line) - ((limit - 1)%R : line)‖₂ < eps).
  { intros i e _ E. exists e. split; [exact E|]. intros x X. rewrite line_norm in *. cbn in *.
    replace (x - 1 + -1 * (limit - 1)) with (x + -1 * limit) by ring. exact X. }
  assert (Res := V2_steps_carry_the_residual line 1 (fun _ => 1) (fun _ => sigma) (fun _ => 0) 0 gamma
    (fun _ _ _ => 0%V) (fun l _ => w l - 1) w local dual Run Gm (fun _ _ => Rle_0_1) (fun _ _ => P) (Rle_refl 0)
    (fun _ _ => Rle_refl 0) ltac:(intros; cbn; ring) Zero (fun _ x => x - 1) limit (fun _ _ => eq_refl)
    Cont T).
  match type of Res with tends _ ?y => replace (- (limit - 1))%R with y by (cbn; ring) end.
  exact Res.
Qed.
Print Assumptions V2_residual_stays.
Print Assumptions geometric_limit.
Print Assumptions basis_complete.
Print Assumptions V1_growing_gradients.
Print Assumptions V1_iterates_converge.
