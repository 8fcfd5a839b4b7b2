(** The hypotheses of N3 hold for a metric that falls in every second round by the whole factor vartheta = 1/2. *)

From PISA Require Export MetricRun.

Definition sawing (l : nat) : R := if Nat.even l then 8 else 4.
Lemma sawing_cases l : sawing l = 8 /\ sawing (S l) = 4 \/ sawing l = 4 /\ sawing (S l) = 8.
Proof. unfold sawing. rewrite Nat.even_succ, <- Nat.negb_even. destruct (Nat.even l); cbn; auto. Qed.

(** The two clients of T6_inhabited, beta = ell = 1, kappa = khat = 4, X = 4. *)
Theorem N3_falling_inhabited : exists (w : nat -> line) local dual,
  metric_pisa line 1 (fun _ x => x) 2 (fun _ => / 2) 0 (fun l _ _ => sawing l) (fun l i _ => swap l i) parabola_slope
    w local dual /\
  basis line 1 (fun _ x => x) /\ w 0%nat = 0 /\ constants 1 (/ 2) 1 4 /\
  (forall l j, 4 * 1 + 0 <= metric 2 (fun _ => / 2) 0 (fun l _ _ => sawing l) l j) /\ 4 <= (4 - 1) * 4 /\
  (forall l j, / 2 * metric 2 (fun _ => / 2) 0 (fun l _ _ => sawing l) l j
    <= metric 2 (fun _ => / 2) 0 (fun l _ _ => sawing l) (S l) j) /\
  (forall j, metric 2 (fun _ => / 2) 0 (fun l _ _ => sawing l) 1 j
    < metric 2 (fun _ => / 2) 0 (fun l _ _ => sawing l) 0 j) /\
  (forall l i, 0 <= swap l i <= 1 * sawing l) /\
  forall i, smooth_metric line 1 (fun _ x => x) (fun _ => 1) (parabola i) (parabola_slope i).
Proof.
  assert (Run := run_exists line 2 (fun _ => / 2) 0 (fun l _ => sawing l) (fun l i x => swap l i * x)%V
    (fun l i y => / (sawing l + swap l i) * y)%V parabola_slope 0 (fun _ => 0)
    ltac:(intros l; unfold rate; simpl; destruct (sawing_cases l) as [[-> _]|[-> _]]; lra)
    ltac:(intros l i y; cbn in *; destruct (swap_cases l i) as [->| ->], (sawing_cases l) as [[-> _]|[-> _]]; field)).
  do 3 eexists. split; [exact (scalar_metric line 2 _ 0 (fun l _ => sawing l) swap parabola_slope _ _ _ Run)|].
  split; [apply whole_space|]. split; [reflexivity|].
  split; [right; split; [lra|left; unfold small_range; lra]|].
  split; [intros l j; unfold metric; simpl; destruct (sawing_cases l) as [[-> _]|[-> _]]; lra|]. split; [lra|].
  split; [intros l j; unfold metric; simpl; destruct (sawing_cases l) as [[-> ->]|[-> ->]]; lra|].
  split; [intros j; unfold metric, sawing; simpl; lra|].
  split; [intros l i; destruct (swap_cases l i) as [->| ->], (sawing_cases l) as [[-> _]|[-> _]]; lra|].
  intros i. split; [apply parabola_smooth|]. intros x y. unfold weighing, parabola_slope. cbn. nra.
Qed.
Print Assumptions N3_falling_inhabited.
