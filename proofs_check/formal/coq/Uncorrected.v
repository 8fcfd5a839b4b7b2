(** T7-repaired-schedule without its hypothesis on the single penalties is false (claim T7-comparable-penalties-needed):
    the runs of UncorrectedRuns.v keep their mean gradient, for any weights, beta, sigma_1 and schedule. *)

From PISA Require Export UncorrectedRuns.

(** Whatever the schedule, weights, beta and sigma_1: the mean gradient is -alpha beta/(2 + beta) at every step, so
    that its square stays above that of this number, and with H = beta sigma_1 and the same start and variances on
    every finite space no bound on the weighted sum of E|grad F(w_k)|^2 holds for all runs.
    Where sum 1/sigma_k^2 is finite and kappa_0 is large (T7_uncorrected_schedule shows such schedules) the
    uncorrected claim asserts one, V_0 - F* + C sum 1/sigma_k^2. [stuck] is what a run on n coins does. *)
Definition stuck alpha b s1 s n (w : nat -> random (coins n) line) := exists
    (grad local dual : nat -> nat -> random (coins n) line)
    (bend : nat -> nat -> random (coins n) line -> random (coins n) line) (past : nat -> random (coins n) line -> Prop),
  batches (random (coins n) line) 2 (weight_of alpha) 0 1 (unequal alpha s1 s) (unequal alpha s1 s) bend
    (fun _ => expected (fun x : line => 1 / 2 * (x * x))) (fun _ x => 1 * x)%V grad w local dual (fun _ => b) past
      draws (alpha ^ 2) /\
  (forall k i x, ⟨bend (S k) i x, x⟩ <= b * s1 * ‖x‖²) /\
  (forall k, kappa 2 (weight_of alpha) (unequal alpha s1 s) k = s k) /\
  w 0%nat = (fun _ => - (alpha * (b / (2 + b)))) /\
  dual 0%nat = (fun i _ => match i with O => alpha * (b / (2 + b)) - b / (2 + b) | S _ => alpha * (b / (2 + b)) end) /\
  forall k, (k <= n)%nat -> expect (w (S k)) = - (alpha * b / (2 + b)) /\
    (alpha * b / (2 + b)) ^ 2 <= ‖slope 2 (weight_of alpha) 0 (fun _ x => 1 * x)%V (w (S k))‖².

Theorem T7_stuck alpha b s1 s : 0 < alpha < 1 -> 0 <= b -> 0 < s1 -> (forall k, alpha * s1 < s k <= s (S k)) ->
  forall n, exists w, stuck alpha b s1 s n w.
Proof.
  intros A B S1 Sched n. assert (R := conj A (conj B S1)). eexists. do 5 eexists.
  split; [exact (its_batches alpha b s1 n s R Sched)|]. split; [exact (its_clip alpha b s1 n R)|].
  split; [intros k; exact (unequal_mean alpha b s1 s R (S k))|]. split; [reflexivity|]. split; [reflexivity|].
  intros k K. replace (alpha * b / (2 + b)) with (alpha * rest b) by (unfold rest; field; lra). split.
  - exact (proj1 (means alpha b s1 n s R Sched k K)).
  - rewrite its_slope. exact (gradient_stays alpha b s1 n s R Sched k K).
Qed.

Theorem T7_uncorrected_refuted alpha b s1 s : 0 < alpha < 1 -> 0 < b -> 0 < s1 ->
  (forall k, alpha * s1 < s k <= s (S k)) -> diverges (fun k => / s k) -> forall bound, exists n w,
  stuck alpha b s1 s n w /\
  bound < sum n (fun k => / s k * ‖slope 2 (weight_of alpha) 0 (fun _ x => 1 * x)%V (w (S k))‖²).
Proof.
  intros A B S1 Sched D bound. set (low := (alpha * b / (2 + b)) ^ 2).
  assert (Low : 0 < low) by (unfold low; apply pow_lt, Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; lra|lra]).
  destruct (D (bound / low)) as [n Far]. exists n. destruct (T7_stuck alpha b s1 s A ltac:(lra) S1 Sched n) as [w St].
  exists w. split; [exact St|]. destruct St as [grad [local [dual [bend [past [_ [_ [_ [_ [_ St]]]]]]]]]].
  apply Rlt_le_trans with (sum n (fun k => low * / s k)).
  - rewrite sum_scale. apply Rmult_lt_compat_l with (r := low) in Far; [|exact Low].
    replace (low * (bound / low)) with bound in Far by (field; lra). exact Far.
  - apply sum_le; intros k K. rewrite (Rmult_comm low). apply Rmult_le_compat_l; [|apply St; lia].
    assert (P := Sched k). assert (0 < alpha * s1) by (apply Rmult_lt_0_compat; lra). apply Rlt_le, Rinv_0_lt_compat. lra.
Qed.

(** Schedules that the uncorrected hypotheses allow: 135 (1 + k)^a, where kappa_k >= 20 sqrt (5 * 9) for every k. *)
Theorem T7_uncorrected_schedule a : / 2 < a <= 1 -> let s k := 135 * Rpower (INR (S k)) a in
  (forall k, 1 <= s k <= s (S k)) /\ diverges (fun k => / s k) /\ summable (fun k => / s k ^ 2) /\
  forall k, 20 * sqrt ((1 + 4) * (1 + 2 * 4)) <= s k / (1 + 0).
Proof.
  intros A s. destruct (T5_powers 135 a ltac:(lra) A) as [D [Su Nd]].
  assert (First : s 0%nat = 135) by (unfold s; simpl; unfold Rpower; rewrite ln_1, Rmult_0_r, exp_0; ring).
  assert (All : forall k, 135 <= s k) by (induction k as [|k IH]; [lra|]; assert (N := Nd k);
    fold (s k) (s (S k)) in N; lra).
  split; [intros k; assert (N := Nd k); fold (s k) (s (S k)) in N; specialize (All k); lra|]. split; [exact D|].
  split; [exact Su|].
  intros k. specialize (All k). assert (R := sqrt_sqrt ((1 + 4) * (1 + 2 * 4)) ltac:(lra)).
  assert (P := sqrt_pos ((1 + 4) * (1 + 2 * 4))).
  set (r := sqrt _) in *. assert (r <= 6.75) by nra. lra.
Qed.
