(** The stability edge on quadratics, both directions: I6, T10's threshold, the spectrum claim; and T10's rate. *)

From PISA Require Export Quadratic.

Section Edge.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (t : R) (G : nat -> V -> V).
Variables (n : nat) (e : nat -> V) (h : nat -> R) (H : V -> V) (c best : V).
Hypothesis is_basis : basis V n e.
Hypothesis quadratic : forall x, mean V m weight (fun i => G i x) = (H x - c)%V.
Hypothesis symmetric : forall x y, ⟨H x, y⟩ = ⟨x, H y⟩.
Hypothesis curvature : forall j, (j < n)%nat -> H (e j) = (h j * e j)%V /\ 0 < h j.
Hypothesis minimiser : (H best + t * best = c)%V.
Hypothesis t_nonneg : 0 <= t.

(** A run without a limit, from one whose mode j does not tend to 0. *)
Lemma no_limit w s b p j : mode (h j) t s b (fun l => ⟨w l - best, e j⟩) p -> (j < n)%nat -> 0 < s -> 0 <= b ->
  ~ Un_cv (fun l => ⟨w l - best, e j⟩) 0 -> ~ exists y, tends w y.
Proof.
  intros M J S B No [y C]. apply No. assert (Z := mode_of_tends V w y (e j) C).
  assert (Z' : Un_cv (fun l => ⟨w l - best, e j⟩) ⟨y - best, e j⟩).
  { intros d D. destruct (Z d D) as [k K]. exists k. intros l L. specialize (K l L). unfold R_dist in *.
    replace (⟨w l - best, e j⟩ - ⟨y - best, e j⟩) with (⟨w l - y, e j⟩ - 0) by (autorewrite with inner; ring).
    exact K. }
  rewrite <- (mode_limit _ _ _ _ _ _ _ M (conj (proj2 (curvature j J)) (conj t_nonneg (conj S B))) Z'). exact Z'.
Qed.

Lemma displaced z0 j : (j < n)%nat -> ⟨best + z0 * e j - best, e j⟩ = z0.
Proof.
  intros J. autorewrite with inner. rewrite (orthonormal V n e is_basis) by easy.
  destruct (Nat.eq_dec j j); [ring|easy].
Qed.

(** ** No preconditioner: any penalties, of which only the mean matters *)
Section Plain.
Variable sigma : nat -> R.
Notation s := (sum m (fun i => weight i * sigma i)).
Hypothesis s_positive : 0 < s.
Definition plain_run w local dual := pisa V m weight t (fun _ => sigma) (fun _ _ _ => 0%V) (full V G w) w local dual.

Lemma plain_mode w local dual j : plain_run w local dual -> (j < n)%nat ->
  mode (h j) t s 0 (fun l => ⟨w l - best, e j⟩) (fun l => ⟨mean V m weight (dual l) - t * best, e j⟩).
Proof.
  intros Run J.
  exact (plain_modes V m weight sigma t _ G n e h H c best quadratic symmetric curvature minimiser s_positive w local
    dual Run j (fun _ _ _ => eq_refl) J).
Qed.

Theorem I6_converges w local dual : plain_run w local dual ->
  (forall j, (j < n)%nat -> 3 / 2 * h j - t / 2 < s) -> tends w best.
Proof.
  intros Run Large. apply (tends_of_modes V n e is_basis). intros j J. destruct (curvature j J) as [_ P].
  apply (mode_converges _ _ _ _ _ _ (plain_mode w local dual j Run J)); [lra|]. specialize (Large j J).
  unfold margin. nra.
Qed.

Hypothesis sigma_positive : forall i, 0 < sigma i.

(** From some cold start the iterates have no limit at all. *)
Theorem I6_diverges j : (j < n)%nat -> s <= 3 / 2 * h j - t / 2 ->
  exists w local dual, plain_run w local dual /\ (forall i, dual 0%nat i = 0%V) /\ ~ exists y, tends w y.
Proof.
  intros J Small. destruct (curvature j J) as [_ P].
  destruct (mode_diverges (h j) t s 0 ⟨mean V m weight (fun _ => 0%V) - t * best, e j⟩) as [z0 No];
    [lra|unfold margin; nra|].
  assert (Run := run_exists V m weight t (fun _ => sigma) (fun _ _ _ => 0%V) (fun _ i y => / sigma i * y)%V G
    (best + z0 * e j)%V (fun _ => 0%V) ltac:(intros; unfold rate; lra)
    ltac:(intros l i y; specialize (sigma_positive i); vector)).
  do 3 eexists. split; [exact Run|]. split; [reflexivity|].
  assert (M := plain_mode _ _ _ j Run J). refine (no_limit _ s 0 _ j M J s_positive (Rle_refl 0) _).
  apply (No _ _ M); [now apply displaced|reflexivity].
Qed.

(** I6: stable exactly above 3/2 of the largest curvature, less half the ridge. *)
Theorem I6_stability_edge top : (top < n)%nat -> (forall j, (j < n)%nat -> h j <= h top) ->
  ((forall w local dual, plain_run w local dual -> tends w best) <-> 3 / 2 * h top - t / 2 < s).
Proof.
  intros T Top. split.
  - intros All. apply Rnot_le_lt. intros Small. destruct (I6_diverges top T Small) as [w [x [p [Run [_ No]]]]].
    apply No. exists best. exact (All w x p Run).
  - intros Large w local dual Run. apply (I6_converges w local dual Run). intros j J. specialize (Top j J). lra.
Qed.

(** T10-quadratic-rate: no ridge, s >= 2 h: linear convergence at 1 - x + x^2, x the least curvature over s. *)
Theorem T10_quadratic_rate w local dual least : t = 0 -> plain_run w local dual -> 0 < least ->
  (forall j, (j < n)%nat -> least <= h j <= s / 2) -> forall l, ‖w (S l) - best‖₂ <=
  sum n (fun j => 2 * (Rabs ⟨w 2%nat - best, e j⟩ + Rabs ⟨w 1%nat - best, e j⟩)) 
    * (1 - least / s + (least / s) ^ 2) ^ l.
Proof.
  intros T Run P Range l. eapply Rle_trans; [apply (norm_modes V n e is_basis)|].
  rewrite Rmult_comm, <- sum_scale. apply sum_le. intros j J. specialize (Range j J).
  assert (M := plain_mode w local dual j Run J). assert (I := Rinv_0_lt_compat _ s_positive).
  assert (X : 0 < h j / s <= / 2).
  { split; [positive|]. apply Rmult_le_reg_r with s; [easy|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
  assert (Y : 0 < least / s <= h j / s).
  { split; [positive|]. apply Rmult_le_compat_r; lra. }
  assert (F : follows (1 - 2 * (h j / s)) (h j / s) (fun l => ⟨w (S l) - best, e j⟩)).
  { assert (F := mode_recursion _ _ _ _ _ _ M ltac:(lra)). unfold follows, trace, product, lead in F. rewrite T in F.
    intros k. rewrite (F k). field. lra. }
  assert (R := mode_rate _ X _ F l). cbv beta in R. eapply Rle_trans; [exact R|]. rewrite Rmult_comm.
  apply Rmult_le_compat_r.
  - assert (A := Rabs_pos ⟨w 2%nat - best, e j⟩). assert (B := Rabs_pos ⟨w 1%nat - best, e j⟩). lra.
  - apply pow_incr. nra.
Qed.
End Plain.

(** ** One penalty s, one operator B for all clients, that commutes with the Hessian *)
Section Common.
Variables (s : R) (B : V -> V) (b : nat -> R).
Hypothesis s_positive : 0 < s.
Hypothesis weights : sum m weight = 1.
Hypothesis B_symmetric : forall x y, ⟨B x, y⟩ = ⟨x, B y⟩.
Hypothesis B_eigen : forall j, (j < n)%nat -> B (e j) = (b j * e j)%V /\ 0 <= b j.
Definition common_run w local dual := pisa V m weight t (fun _ _ => s) (fun _ _ => B) (full V G w) w local dual.

Lemma same_penalty : sum m (fun i => weight i * s) = s.
Proof. rewrite (sum_ext m _ (fun i => s * weight i)), sum_scale, weights by (intros; ring). ring. Qed.

Lemma common_mode w local dual j : common_run w local dual -> (j < n)%nat ->
  mode (h j) t s (b j) (fun l => ⟨w l - best, e j⟩) (fun l => ⟨mean V m weight (dual l) - t * best, e j⟩).
Proof.
  intros Run J. assert (P := s_positive). rewrite <- same_penalty in P.
  assert (M := common_modes V m weight (fun _ => s) t _ G n e h H c best quadratic symmetric curvature minimiser
    P w local dual Run j B (b j) (fun _ _ _ => eq_refl) (fun _ _ => eq_sym same_penalty) B_symmetric
    (proj1 (B_eigen j J)) J).
  cbv beta in M. rewrite same_penalty in M. exact M.
Qed.

Theorem common_converges w local dual : common_run w local dual ->
  (forall j, (j < n)%nat -> 0 < margin (h j) t s (b j)) -> tends w best.
Proof.
  intros Run Large. apply (tends_of_modes V n e is_basis). intros j J. destruct (curvature j J) as [_ P].
  destruct (B_eigen j J) as [_ Q].
  exact (mode_converges _ _ _ _ _ _ (common_mode w local dual j Run J) ltac:(lra) (Large j J)).
Qed.

Theorem common_diverges j : (j < n)%nat -> margin (h j) t s (b j) <= 0 ->
  exists w local dual, common_run w local dual /\ (forall i, dual 0%nat i = 0%V) /\ ~ exists y, tends w y.
Proof.
  intros J Small. destruct (curvature j J) as [_ P]. destruct (B_eigen j J) as [_ Q].
  destruct (mode_diverges (h j) t s (b j) ⟨mean V m weight (fun _ => 0%V) - t * best, e j⟩) as [z0 No];
    [lra|exact Small|].
  assert (Run := run_exists V m weight t (fun _ _ => s) (fun _ _ => B)
    (fun _ _ y => total n (fun j => ⟨y, e j⟩ / (s + b j) * e j)%V) G (best + z0 * e j)%V (fun _ => 0%V)
    ltac:(intros; unfold rate; rewrite same_penalty; lra)
    (fun _ _ y => solves_modes V n e is_basis B b s y B_symmetric B_eigen s_positive)).
  do 3 eexists. split; [exact Run|]. split; [reflexivity|].
  assert (M := common_mode _ _ _ j Run J). refine (no_limit _ s (b j) _ j M J s_positive Q _).
  apply (No _ _ M); [now apply displaced|reflexivity].
Qed.

Lemma stable_exactly : (forall w local dual, common_run w local dual -> tends w best) <->
  forall j, (j < n)%nat -> 0 < margin (h j) t s (b j).
Proof.
  split; [|intros Large w local dual Run; exact (common_converges w local dual Run Large)].
  intros All j J. apply Rnot_le_lt. intros Small. destruct (common_diverges j J Small) as [w [x [p [Run [_ No]]]]].
  apply No. exists best. exact (All w x p Run).
Qed.

(** mu_j = s/(s + b_j), the eigenvalue of M. *)
Theorem T10_quadratic_threshold : (forall w local dual, common_run w local dual -> tends w best) <->
  forall j, (j < n)%nat -> let mu := s / (s + b j) in 3 * mu * h j / (2 * (2 - mu)) - t / 2 < s.
Proof.
  rewrite stable_exactly. split; intros All j J; specialize (All j J); destruct (curvature j J) as [_ P];
    destruct (B_eigen j J) as [_ Q]; apply (proj2 (edge_forms (h j) t s (b j) ltac:(lra))); exact All.
Qed.

Theorem spectrum_on_quadratics : (forall w local dual, common_run w local dual -> tends w best) <->
  forall j, (j < n)%nat -> 3 / 2 * h j < s + 2 * b j + t / 2 + b j * t / s.
Proof.
  rewrite stable_exactly. split; intros All j J; specialize (All j J); destruct (curvature j J) as [_ P];
    destruct (B_eigen j J) as [_ Q]; apply (proj1 (edge_forms (h j) t s (b j) ltac:(lra))); exact All.
Qed.
End Common.
End Edge.

(** The hypotheses hold on the real line for every curvature, ridge and operator: clients x -> h x - c. *)
Lemma edge_inhabited (h t c : R) : 0 < h -> 0 <= t -> basis line 1 (fun _ => 1) /\
  (forall x : line, mean line 1 (fun _ => 1) (fun _ => h * x - c) = (h * x - c)) /\
  (h * (c / (h + t)) + t * (c / (h + t)) = c).
Proof. intros P T. split; [exact line_basis|]. split; [intros x; cbn; ring|field; lra]. Qed.
Print Assumptions I6_converges.
Print Assumptions I6_diverges.
Print Assumptions I6_stability_edge.
Print Assumptions T10_quadratic_rate.
Print Assumptions common_converges.
Print Assumptions common_diverges.
Print Assumptions T10_quadratic_threshold.
Print Assumptions spectrum_on_quadratics.
