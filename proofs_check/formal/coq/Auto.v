(** N1 in words that need no loop of ours beside [safeguarded]: gradients that are Lipschitz everywhere, or only near
    the sublevel set of the first merit. *)

From PISA Require Export Safeguarded.

Section Auto.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L least : R) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (a c eps delta t floor : R).
Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).
Notation enough := (enough ridge L a c eps).
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis L_positive : 0 < L.
Hypothesis constants : 0 < a /\ 0 < c < 1 /\ 0 <= eps /\ 0 <= delta < 1.
Hypothesis t_above_1 : 1 < t.

Lemma smooth_gate top : (forall i, (i < m)%nat -> smooth L (F i) (G i)) ->
  forall s x, objective x <= top -> enough <= s -> restart_passes V m weight ridge F G a c eps delta s x.
Proof.
  intros FS s x _ S. exact (N1_restart_passes V m weight ridge L F G a c eps delta weights constants L_positive
    ridge_nonneg s x _ FS S eq_refl).
Qed.

(** Every F_i differentiable, and near the set {F_lambda <= top} the gradients turn by at most L times the way, [slope]
    at most B in that set; near: within B/s. *)
Definition smooth_near top B s := (forall i, (i < m)%nat -> differentiable V (F i) (G i)) /\ 0 <= B /\
  (forall x, objective x <= top -> ‖slope x‖² <= B * B) /\
  forall i x y, (i < m)%nat -> objective x <= top -> ‖y - x‖² <= B / s * (B / s) -> ‖G i y - G i x‖² <= L * L * ‖y -
    x‖².

Lemma local_gate top B s : smooth_near top B s -> enough <= s ->
  forall s' x, objective x <= top -> s <= s' -> restart_passes V m weight ridge F G a c eps delta s' x.
Proof.
  intros [Dif [Bp [Slope Turn]]] En s' x X S'.
  destruct (enough_is_enough ridge L a c eps delta constants L_positive ridge_nonneg s En) as [S _].
  set (y := restarted V m weight ridge G s' x). set (d := (y - x)%V).
  assert (D : d = (- / s' * slope x)%V) by (unfold d, y, restarted; vector).
  assert (Way : ‖d‖² <= B / s * (B / s)).
  { rewrite D. replace ‖- / s' * slope x‖² with (/ s' * / s' * ‖slope x‖²) by (expand_goal; ring).
    assert (I : / s' <= / s) by (apply Rinv_le_contravar; lra). assert (I' : 0 < / s') by (apply Rinv_0_lt_compat; lra).
    replace (B / s * (B / s)) with (/ s * / s * (B * B)) by (field; lra).
    apply Rmult_le_compat; [nra|apply inner_nonneg|nra|now apply Slope]. }
  assert (Near : forall r, 0 <= r <= 1 -> ‖r * d‖² <= B / s * (B / s)).
  { intros r [R0 R1]. eapply Rle_trans; [|exact Way]. replace ‖r * d‖² with (r * r * ‖d‖²) by (expand_goal; ring).
    rewrite <- (Rmult_1_l ‖d‖²) at 2. apply Rmult_le_compat_r; [apply inner_nonneg|nra]. }
  assert (At : forall r i, (i < m)%nat -> 0 <= r <= 1 -> ‖G i (x + r * d) - G i x‖² <= L * L * ‖r * d‖²).
  { intros r i I Rr. assert (K := Turn i x (x + r * d)%V I X). replace (x + r * d - x)%V with (r * d)%V in K by vector.
    apply K, Near, Rr. }
  assert (Ends : (x + 1 * d)%V = y) by (unfold d; vector).
  apply (restart_passes_where V m weight ridge L F G a c eps delta weights constants L_positive ridge_nonneg s' x y);
    [lra|reflexivity| |].
  - fold d. assert (Each := fun i I => descent_along V L (F i) (G i) x d L_positive (Dif i I) (fun r Rr => At r i I
      ltac:(lra))).
    replace y with (x + d)%V by (unfold d; vector).
    assert (E : sum m (fun i => weight i * F i (x + d)%V) <=
      sum m (fun i => weight i * F i x + (weight i * ⟨G i x, d⟩ + L / 2 * ‖d‖² * weight i))).
    { apply sum_le. intros i I. assert (W := Rmult_le_compat_l _ _ _ (proj1 weights i I) (Each i I)). lra. }
    rewrite !sum_add, sum_scale, (proj2 weights) in E. unfold Preconditioned.objective, Preconditioned.slope.
    autorewrite with inner. rewrite inner_mean, (inner_sym _ d x). lra.
  - intros i I. assert (K := At 1 i I ltac:(lra)). rewrite Ends in K. replace (1 * d)%V with d in K by vector. exact K.
Qed.

Section Run.
Variables (w : nat -> V) (p : nat -> nat -> V) (begun sigma : nat -> R) (rises trials : nat -> nat).
Hypothesis loop : safeguarded V m weight ridge F G a c eps delta t floor w p begun sigma rises trials.
Notation error k := (error V m weight G (w k) (p k)).
(** Phi_0 *)
Notation first_merit := (objective (w O) + a / (sigma O + ridge) * error O).

Theorem N1_sigma_bounded : (forall i, (i < m)%nat -> smooth L (F i) (G i)) -> forall k,
  sigma k <= Rmax (Rmax (begun O) floor) (t * Rmax 0 (enough - ridge)).
Proof.
  intros FS k. exact (bounded_penalty V m weight ridge F G a c eps delta t floor weights ridge_nonneg constants
    t_above_1
    w p begun sigma rises trials loop enough (smooth_gate first_merit FS) k).
Qed.

(** Values and gradients of all clients computed in N rounds, with those of the start. *)
Theorem N1_evaluations : (forall i, (i < m)%nat -> smooth L (F i) (G i)) -> floor <= begun O -> forall N,
  t ^ count N rises <= Rmax 1 (t * (enough - ridge) / begun O) * (1 + eps) ^ N /\
  INR (count N rises) <= (ln (Rmax 1 (t * (enough - ridge) / begun O)) + INR N * ln (1 + eps)) / ln t /\
  INR (1 + count N trials)
    <= 1 + 2 * INR N + (ln (Rmax 1 (t * (enough - ridge) / begun O)) + INR N * ln (1 + eps)) / ln t.
Proof.
  intros FS Fl N. assert (Below := failed_below V m weight ridge F G a c eps delta t floor weights ridge_nonneg
    constants
    t_above_1 w p begun sigma rises trials loop enough (smooth_gate first_merit FS)).
  assert (T : 1 < t /\ 0 <= eps) by lra. assert (B := penalties _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ loop). split;
    [|split].
  - exact (increases_bounded t eps floor _ begun sigma rises T B Below Fl N).
  - exact (increases_bounded_log t eps floor _ begun sigma rises T B Below Fl N).
  - exact (bounded_trials V m weight ridge F G a c eps delta t floor weights ridge_nonneg constants t_above_1
      w p begun sigma rises trials loop enough (smooth_gate first_merit FS) N Fl).
Qed.

Hypothesis bounded : forall x, least <= objective x.

(** The sum, and with it a small gradient: no Lipschitz constant is needed for the first two. *)
Theorem N1_loop_sum N :
  sum N (fun k => c / (sigma k + ridge) * ‖slope (w k)‖² + delta * (a / (sigma k + ridge) * error k))
    <= first_merit - least /\
  sum N (fun k => c / (sigma k + ridge) * ‖slope (w k)‖²) <= first_merit - least.
Proof.
  assert (S := N1_sum_all V m weight ridge F G a c eps delta t floor weights ridge_nonneg constants t_above_1
    w p begun sigma rises trials loop least bounded N). split; [exact S|]. eapply Rle_trans; [|exact S].
  apply sum_le. intros k _. assert (D := drop_nonneg V m weight ridge F G a c eps delta t floor weights ridge_nonneg
    constants t_above_1 w p begun sigma rises trials loop k).
  assert (0 <= delta * (a / (sigma k + ridge) * error k)) by (apply Rmult_le_pos; lra). lra.
Qed.

Theorem N1_vanishes : (forall i, (i < m)%nat -> smooth L (F i) (G i)) -> Un_cv (fun k => ‖slope (w k)‖²) 0.
Proof.
  intros FS. exact (gradients_vanish V m weight ridge F G a c eps delta t floor weights ridge_nonneg constants t_above_1
    w p begun sigma rises trials loop least bounded enough (smooth_gate first_merit FS)).
Qed.

(** The merit Phi_k with the penalty used in round k. *)
Theorem N1_loop_linear mu : (forall x, 2 * mu * (objective x - least) <= ‖slope x‖²) -> forall k,
  let merit k := objective (w k) + a / (sigma k + ridge) * error k in
  merit (S k) - least <= (1 - Rmin (2 * c * mu / (sigma k + ridge)) delta) * (merit k - least).
Proof.
  intros Pl k. exact (N1_linear_rate V m weight ridge least F G a c eps delta weights constants w p
    (fun k => sigma k + ridge)
    (s_positive V m weight ridge F G a c eps delta t floor ridge_nonneg constants t_above_1 w p begun sigma rises
      trials loop)
    (slow_fall V m weight ridge F G a c eps delta t floor ridge_nonneg constants t_above_1 w p begun sigma rises
      trials loop)
    (all_accepted V m weight ridge F G a c eps delta t floor weights w p begun sigma rises trials loop)
    bounded mu Pl k).
Qed.

(** ** Only locally Lipschitz gradients: s with which a gradient step from the sublevel set ends where L holds *)
Theorem N1_local B s : smooth_near first_merit B s -> enough <= s ->
  (forall k, objective (w k) <= first_merit) /\
  (forall k, sigma k <= Rmax (Rmax (begun O) floor) (t * Rmax 0 (s - ridge))) /\
  (floor <= begun O -> forall N, INR (1 + count N trials)
    <= 1 + 2 * INR N + (ln (Rmax 1 (t * (s - ridge) / begun O)) + INR N * ln (1 + eps)) / ln t) /\
  Un_cv (fun k => ‖slope (w k)‖²) 0.
Proof.
  intros Near En. assert (Gate := local_gate first_merit B s Near En). split; [|split; [|split]].
  - exact (stays_below V m weight ridge F G a c eps delta t floor weights ridge_nonneg constants t_above_1
      w p begun sigma rises trials loop).
  - exact (bounded_penalty V m weight ridge F G a c eps delta t floor weights ridge_nonneg constants t_above_1
      w p begun sigma rises trials loop s Gate).
  - intros Fl N. exact (bounded_trials V m weight ridge F G a c eps delta t floor weights ridge_nonneg constants
    t_above_1
      w p begun sigma rises trials loop s Gate N Fl).
  - exact (gradients_vanish V m weight ridge F G a c eps delta t floor weights ridge_nonneg constants t_above_1
      w p begun sigma rises trials loop least bounded s Gate).
Qed.
End Run.

(** ** Every round ends, whatever [propose] proposes: loops exist for every start *)
Theorem N1_loops_exist : (forall i, (i < m)%nat -> smooth L (F i) (G i)) ->
  forall propose origin memory first, 0 < first -> exists w p begun sigma rises trials,
  safeguarded V m weight ridge F G a c eps delta t floor w p begun sigma rises trials /\
  w O = origin /\ p O = memory /\ begun O = first /\ (forall k, begun (S k) = Rmax (sigma k / (1 + eps)) floor) /\
  forall k, let '(x, q) := propose k (begun k) (w k) (p k) in
    (passes V m weight ridge F G a c eps delta (begun k + ridge) (error V m weight G (w k) (p k)) (w k) x q ->
      w (S k) = x /\ p (S k) = q) /\
    (~ passes V m weight ridge F G a c eps delta (begun k + ridge) (error V m weight G (w k) (p k)) (w k) x q ->
      trials k = (rises k + 2)%nat).
Proof.
  intros FS propose origin memory first P. do 6 eexists.
  exact (N1_rounds_end V m weight ridge F G a c eps delta t floor weights ridge_nonneg constants t_above_1 enough first
    propose origin memory P (smooth_gate _ FS)).
Qed.

Theorem N1_local_loops_exist propose origin memory first B s : 0 < first ->
  smooth_near (objective origin + a / (first + ridge) * Restart.error V m weight G origin memory) B s -> enough <= s ->
  exists w p begun sigma rises trials,
  safeguarded V m weight ridge F G a c eps delta t floor w p begun sigma rises trials /\
  w O = origin /\ p O = memory /\ begun O = first /\ (forall k, begun (S k) = Rmax (sigma k / (1 + eps)) floor) /\
  forall k, let '(x, q) := propose k (begun k) (w k) (p k) in
    (passes V m weight ridge F G a c eps delta (begun k + ridge) (Restart.error V m weight G (w k) (p k)) (w k) x q ->
      w (S k) = x /\ p (S k) = q) /\
    (~ passes V m weight ridge F G a c eps delta (begun k + ridge) (Restart.error V m weight G (w k) (p k)) (w k) x q ->
      trials k = (rises k + 2)%nat).
Proof.
  intros P Near En. do 6 eexists.
  exact (N1_rounds_end V m weight ridge F G a c eps delta t floor weights ridge_nonneg constants t_above_1 s first
    propose origin memory P (local_gate _ B s Near En)).
Qed.
End Auto.
