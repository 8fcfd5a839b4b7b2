(** T1-threshold-sharp: at kappa <= 3/2 no run from pi^0 = 0 on x^2/2 converges unless it starts at 0. L = 1. *)

From PISA Require Export Threshold.

(** Algorithm 1 on x^2/2 is linear in the state. *)
Lemma scaled_run k t a (w : nat -> line) (local dual : nat -> nat -> line) :
  pisa line 1 (fun _ => 1) t (fun _ _ => k) (fun _ _ _ => 0%V) (fun l _ => w l) w local dual ->
  pisa line 1 (fun _ => 1) t (fun _ _ => k) (fun _ _ _ => 0%V) (fun l _ => a * w l)%V (fun l => a * w l)%V
    (fun l i => a * local l i)%V (fun l i => a * dual l i)%V.
Proof.
  intros [St Se Cl Mu]. unfold rate, deviation, mean in *. split; unfold rate, deviation, mean; cbn in *.
  - intros i. now rewrite St.
  - intros l. assert (E := f_equal (fun x => a * x) (Se l)). cbn in E. lra.
  - intros l i I. assert (E := f_equal (fun x => a * x) (Cl l i I)). cbn in E. lra.
  - intros l i. rewrite Mu. cbn. ring.
Qed.

Theorem T1_no_run_converges k : 0 < k <= 3 / 2 ->
  (exists z, z <= -1 /\ z ^ 2 - (1 - 2 / k) * z - / k = 0) /\
  forall (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 1 (fun _ => 1) 0 (fun _ _ => k) (fun _ _ _ => 0%V) (fun l _ => w l) w local dual ->
  (forall i, dual 0%nat i = 0%V) -> w 0%nat <> 0 -> ~ exists limit, Un_cv w limit.
Proof.
  intros K. split.
  - destruct (roots k 0 ltac:(lra)) as [z [y [Z [_ [Sum Product]]]]]. exists z. split; [exact Z|].
    rewrite Rplus_0_r in *. assert (Y : y = (k - 2) / k - z) by lra. rewrite Y in Product.
    replace (1 - 2 / k) with ((k - 2) / k) by (field; lra). lra.
  - intros w local dual run cold start [limit C]. set (a := / w 0%nat).
    assert (A : a * w 0%nat = 1) by (apply Rinv_l; exact start).
    assert (Cold : forall i, (a * dual 0%nat i)%V = 0%V) by (intros i; rewrite cold; vector).
    assert (Origin : (a * w 0%nat)%V = (k + 0) / k) by (cbn; rewrite A; field; lra).
    assert (M := moves_stay k 0 ltac:(lra) _ _ _ (scaled_run k 0 a w local dual run) Cold Origin).
    assert (C' : Un_cv (fun l => a * w l) (a * limit)).
    { apply (CV_mult (fun _ => a) w a limit); [|exact C]. intros e E. exists 0%nat. intros n _.
      rewrite R_dist_eq. exact E. }
    cbn in M. set (x := fun l => a * w l) in *. destruct (C' (/ 3) ltac:(lra)) as [N B]. specialize (M N).
    unfold R_dist in B. assert (B1 := B (S N) ltac:(lia)). assert (B2 := B (S (S N)) ltac:(lia)).
    assert (B3 := B (S (S (S N))) ltac:(lia)). apply Rabs_def2 in B1, B2, B3. revert M. apply Rlt_not_le.
    change (Rabs (x (S (S (S N))) - x (S (S N))) + Rabs (x (S (S N)) - x (S N)) < 2).
    assert (Rabs (x (S (S (S N))) - x (S (S N))) < 1) by (apply Rabs_def1; lra).
    assert (Rabs (x (S (S N)) - x (S N)) < 1) by (apply Rabs_def1; lra). lra.
Qed.
Print Assumptions T1_no_run_converges.
