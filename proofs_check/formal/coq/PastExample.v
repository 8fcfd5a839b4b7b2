(** The hypotheses of N5 hold somewhere: F = x^2/2, coin flips as noise, a metric that goes up and down with the coin
    before, and a preconditioner that looks at the coin it is used with. *)

From PISA Require Export PastMetric AdaGradExample Schedules.

Section Coins.
Variable n : nat.
Definition ground k := 100 * Rpower (INR (S k)) (3 / 4).
(** Once or twice the ground, as the coin before says. *)
Definition swing k (o : coins n) := match k with O => 1 | S k => (3 + coin n k o) / 2 end.
Notation sigma := (fun l (_ : nat) o => ground (pred l) * swing (pred l) o).
Definition pace l o := ground (pred l) * swing (pred l) o.
(** rho Q is 100 where the coin says 1, and 0 where it says -1. *)
Notation hold l o := (100 * brake (coin n (pred l) o)).
Notation step l o := (fun _ : nat => hold l o).

Lemma ground_range k : 100 <= ground k <= ground (S k).
Proof.
  destruct (T5_powers 100 (3 / 4) ltac:(lra) ltac:(lra)) as [_ [_ Up]]. split; [|apply Up].
  assert (One : 1 <= INR (S k)) by (rewrite S_INR; assert (I := pos_INR k); lra).
  assert (P := Rle_Rpower_l 1 (INR (S k)) (3 / 4) ltac:(lra) ltac:(lra)).
  replace (Rpower 1 (3 / 4)) with 1 in P by (unfold Rpower; now rewrite ln_1, Rmult_0_r, exp_0). unfold ground. lra.
Qed.

Lemma swing_range k o : 1 <= swing k o <= 2.
Proof. destruct k as [|k]; cbn [swing]; [lra|]. assert (B := coin_bounds n k o). lra. Qed.

Lemma pace_range l o : ground (pred l) <= pace l o <= 2 * ground (pred l).
Proof.
  assert (G := ground_range (pred l)). assert (W := swing_range (pred l) o). unfold pace. split.
  - rewrite <- (Rmult_1_r (ground _)) at 1. apply Rmult_le_compat_l; lra.
  - rewrite (Rmult_comm 2). apply Rmult_le_compat_l; lra.
Qed.

(** The server's point, the local model, the multiplier. *)
Fixpoint course (o : coins n) l : R * R * R :=
  match l with
  | O => (1, 1, 0)
  | S l => let '(_, x, p) := course o l in let w := x + p / pace (S l) o in
      let d := - (p + (w + coin n l o)) / (pace (S l) o + hold (S l) o) in (w, w + d, p + pace (S l) o * d)
  end.
Notation w := (fun l o => (fst (fst (course o l)) : line)).
Notation local := (fun l (_ : nat) o => (snd (fst (course o l)) : line)).
Notation dual := (fun l (_ : nat) o => (snd (course o l) : line)).
Notation grad := (fun l (_ : nat) o => (fst (fst (course o l)) + coin n (pred l) o : line)).
Notation bend := (fun l (_ : nat) o (x : line) => (hold l o * x)%V).
Notation one := (fun _ : nat => 1).

Lemma course_rounds o : metric_rounds line 1 self 1 one 0 (fun l _ => pace l o) (fun l i => bend l i o)
  (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o) (fun l i => dual l i o).
Proof.
  assert (Diag : forall (a : nat -> R) (x : line), diagonal line 1 self a x = a 0%nat * x)
    by (intros; unfold diagonal; cbn; ring).
  assert (Pos : forall l, 100 <= pace l o)
    by (intros l; assert (A := pace_range l o); assert (G := ground_range (pred l)); lra).
  split.
  - reflexivity.
  - intros l. rewrite Diag. unfold Algorithm.mean. cbn [total]. rewrite Diag. cbn [course].
    destruct (course o l) as [[a x] p]. assert (P := Pos (S l)). cbn. fold (pace (S l) o). field. lra.
  - intros l i _. unfold Algorithm.deviation. rewrite Diag. cbn [course]. destruct (course o l) as [[a x] p].
    assert (P := Pos (S l)). assert (B := brake_range n l o). cbn [fst snd pred]. set (s := pace (S l) o) in *.
    set (b := brake _) in *. cbn. field. lra.
  - intros l i. unfold Algorithm.deviation. rewrite Diag. cbn [course]. destruct (course o l) as [[a x] p].
    cbn [fst snd]. set (s := pace (S l) o). cbn. ring.
Qed.

Lemma course_known k o o' : agree n k o o' -> course o k = course o' k /\ pace (S k) o = pace (S k) o'.
Proof.
  assert (Pace : forall j, agree n j o o' -> pace (S j) o = pace (S j) o').
  { intros [|j] A; [reflexivity|]. unfold pace. cbn [pred swing]. now rewrite (A j (Nat.lt_succ_diag_r j)). }
  intros A. split; [|now apply Pace]. induction k as [|k IH]; [reflexivity|].
  assert (A' : agree n k o o') by (intros j J; apply A; lia). cbn [course pred].
  now rewrite IH, (Pace k A'), (A k (Nat.lt_succ_diag_r k)).
Qed.

Lemma point_known k o o' : agree n k o o' -> fst (fst (course o (S k))) = fst (fst (course o' (S k))).
Proof.
  intros A. destruct (course_known k o o' A) as [C Pc]. cbn [course]. rewrite C, Pc. destruct (course o' k) as [[a x] p].
  reflexivity.
Qed.

Theorem N5_inhabited : past_metric (coins n) line 1 self 1 one 1 2 1 0 ground (fun k => 100 / ground k) one
  (fun l _ o => pace l o) bend grad w local dual (fun _ x => / 2 * (x * x)) (fun _ x => x) (agree n) /\
  (forall k, 100 / ground k <= 100 / ground k) /\ diverges (fun k => / ground k) /\ summable (fun k => / ground k ^ 2).
Proof.
  destruct (T5_powers 100 (3 / 4) ltac:(lra) ltac:(lra)) as [Div [Sum _]].
  split; [|split; [intros; lra|split; [exact Div|exact Sum]]].
  - split.
    + exact course_rounds.
    + split; [intros; lra|simpl; ring].
    + lra.
    + intros i _. exact half_square_smooth.
    + intros k j o _. exact (pace_range (S k) o).
    + intros k. assert (G := ground_range k). lra.
    + lra.
    + intros k. assert (G := ground_range k). assert (G' := ground_range (S k)). split; [apply quotient; lra|].
      apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra.
    + intros k i o _. assert (B := brake_range n k o). assert (R := pace_range (S k) o). assert (G := ground_range k).
      cbn [pred] in *. assert (H : 100 <= 100 / ground k * pace (S k) o).
      { apply Rle_trans with (100 / ground k * ground k); [right; field; lra|]. apply Rmult_le_compat_l; [apply quotient|]; lra. }
      split.
      * intros x y. cbn. ring.
      * easy.
      * intros j x _. cbn in *. assert (0 <= x * x) by nra. set (b := brake _) in *.
        replace (100 * b * x * x) with (100 * b * (x * x)) by ring.
        split; [apply Rmult_le_pos; lra|apply Rmult_le_compat_r; lra].
    + intros k. assert (G := ground_range k). set (b := 100 / ground k). assert (B : 0 <= b <= 1).
      { unfold b. split; [apply quotient; lra|]. apply Rmult_le_reg_r with (ground k); [lra|]. unfold Rdiv.
        rewrite Rmult_assoc, Rinv_l; lra. }
      assert (I : 0 < 1 / ground k <= / 100) by (unfold Rdiv; rewrite Rmult_1_l; split; [apply Rinv_0_lt_compat|apply
        Rinv_le_contravar]; lra). assert (I2 : (1 / ground k) ^ 2 <= / 10000) by nra.
      assert (Bb : 0 <= 400 * (2 * ((1 + b) * (1 + 2 * b))) <= 4800) by nra.
      assert (Q := pow2_ge_0 (1 / ground k)). nra.
    + intros k o o' A. destruct (course_known k o o' A) as [C Pc]. split; [exact (point_known k o o' A)|].
      split; [intros; now rewrite C|intros; exact Pc].
    + intros k i x _ X. rewrite (expect_ext (coins n) _ (fun o => x o * coin n k o)).
      * exact (coin_unbiased n k x X).
      * intros o. cbn [pred]. set (a := fst (fst (course o (S k)))). cbn. ring.
    + intros k i _. eapply Rle_trans; [|exact (coin_variance_most n k)]. apply Req_le, expect_ext. intros o.
      cbn [pred]. set (a := fst (fst (course o (S k)))). cbn. ring.
    + intros k. eapply Rle_trans; [|exact (coin_variance_most n k)]. apply Req_le, expect_ext. intros o.
      unfold Algorithm.mean. cbn [pred total]. set (a := fst (fst (course o (S k)))). cbn. ring.
    + simpl. lra.
    + intros x. unfold Objective.objective. cbn in *. nra.
Qed.
End Coins.

(** Its metric is not monotone. *)
Theorem N5_metric_falls n : exists o, pace (S (S n)) 3 o < pace (S (S n)) 2 o.
Proof.
  exists (inl (inr (some_outcome n))). unfold pace, ground. cbn [pred swing coin].
  replace (INR 3) with 3 by (simpl; ring). replace (INR 2) with 2 by (simpl; ring).
  assert (A := Rle_Rpower_l 3 (2 * 2) (3 / 4) ltac:(lra) ltac:(lra)). rewrite <- Rpower_mult_distr in A by lra.
  assert (B := Rpower_lt 2 (3 / 4) 1 ltac:(lra) ltac:(lra)). rewrite Rpower_1 in B by lra.
  assert (C := Series.power_positive 2 (3 / 4)). set (r := Rpower 2 (3 / 4)) in *. clearbody r. nra.
Qed.
Print Assumptions N5_inhabited.
