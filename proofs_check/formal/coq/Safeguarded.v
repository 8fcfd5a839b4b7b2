(** N1: the loop of PISA-auto. In every round any trial at all, then restarts at sigma, t sigma, t^2 sigma, ... until
    the test of Restart.v passes: every round ends, sigma stays below a bound, and so does the number of trials. *)

From PISA Require Export Restart Backtracking.
From PISA Require Ridge.

Section Safeguarded.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (a c eps delta t floor : R).
Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).
Notation error := (error V m weight G).
Notation passes := (passes V m weight ridge F G a c eps delta).

(** The trial after a restart, and its test. *)
Definition restarted s (x : V) : V := (x - / s * slope x)%V.
Definition restart_passes s x := passes s 0 x (restarted s x) (fun i => G i x).

(** Round k: [begun k] is sigma at its start, [sigma k] the accepted one; [trials k] values are computed. Either the
    first trial passes, whatever it was, or the round restarts and sigma rises while the restart's trial fails (where
    all residuals are 0 the first trial may be that of the restart already). *)
Record safeguarded (w : nat -> V) (p : nat -> nat -> V) (begun sigma : nat -> R) (rises trials : nat -> nat) : Prop := {
  penalties : backtracks t eps floor begun sigma rises;
  round_ends : forall k,
    (rises k = O /\ trials k = 1%nat /\ passes (sigma k + ridge) (error (w k) (p k)) (w k) (w (S k)) (p (S k))) \/
    ((rises k < trials k <= rises k + 2)%nat /\ w (S k) = restarted (sigma k + ridge) (w k) /\
      (forall i, (i < m)%nat -> p (S k) i = G i (w k)) /\ restart_passes (sigma k + ridge) (w k) /\
      forall j, (j < rises k)%nat -> ~ restart_passes (t ^ j * begun k + ridge) (w k))
}.

Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis constants : 0 < a /\ 0 < c < 1 /\ 0 <= eps /\ 0 <= delta < 1.
Hypothesis t_above_1 : 1 < t.

Section Run.
Variables (w : nat -> V) (p : nat -> nat -> V) (begun sigma : nat -> R) (rises trials : nat -> nat).
Hypothesis loop : safeguarded w p begun sigma rises trials.
Notation s k := (sigma k + ridge).
Notation merit := (merit V m weight ridge F G a w p (fun k => s k)).

Lemma steps : 1 < t /\ 0 <= eps.
Proof. lra. Qed.

Lemma s_positive k : 0 < s k.
Proof. assert (P := accepted_positive _ _ _ _ _ _ steps (penalties _ _ _ _ _ _ loop) k). lra. Qed.

Lemma slow_fall k : s k <= (1 + eps) * s (S k).
Proof. assert (P := falls_slowly _ _ _ _ _ _ steps (penalties _ _ _ _ _ _ loop) k). nra. Qed.

Lemma all_accepted k : exists kept, kept <= error (w k) (p k) /\ passes (s k) kept (w k) (w (S k)) (p (S k)).
Proof.
  destruct (round_ends _ _ _ _ _ _ loop k) as [[_ [_ T]]|[_ [W [M [T _]]]]].
  - exists (error (w k) (p k)). split; [lra|exact T].
  - exists 0. split; [now apply error_nonneg|]. unfold restart_passes, Restart.passes in *. rewrite <- W in T.
    replace (error (w (S k)) (p (S k))) with (error (w (S k)) (fun i => G i (w k))); [exact T|].
    unfold Restart.error. apply sum_ext. intros i I. now rewrite (M i I).
Qed.

(** ** The sum and the rate; the gradients of F_i need no Lipschitz constant for them *)
Theorem N1_falls k : merit (S k) <= merit k - (c / s k * ‖slope (w k)‖² + delta * (a / s k * error (w k) (p k))).
Proof.
  assert (K := N1_merit_falls V m weight ridge F G a c eps delta weights constants w p (fun k => s k) s_positive
    slow_fall all_accepted k). cbv beta in K. lra.
Qed.

Lemma drop_nonneg k : 0 <= c / s k * ‖slope (w k)‖² /\ 0 <= a / s k * error (w k) (p k).
Proof.
  assert (P := s_positive k). assert (N := error_nonneg V m weight G weights (w k) (p k)).
  split; apply Rmult_le_pos; try apply quotient; try apply inner_nonneg; lra.
Qed.

Lemma merit_below_first k : merit k <= merit 0.
Proof.
  induction k as [|k IH]; [lra|]. assert (K := N1_falls k). assert (D := drop_nonneg k).
  assert (0 <= delta * (a / s k * error (w k) (p k))) by (apply Rmult_le_pos; lra). lra.
Qed.

(** The iterates stay in the sublevel set of the first merit. *)
Lemma stays_below k : objective (w k) <= merit 0.
Proof. assert (K := merit_below_first k). assert (D := drop_nonneg k). unfold Restart.merit in K at 1. lra. Qed.

Variable least : R.
Hypothesis bounded : forall x, least <= objective x.

Theorem N1_sum_all N :
  sum N (fun k => c / s k * ‖slope (w k)‖² + delta * (a / s k * error (w k) (p k))) <= merit 0 - least.
Proof.
  assert (T := telescope _ _ N1_falls N). assert (B := bounded (w N)). assert (D := drop_nonneg N).
  unfold Restart.merit in T at 2. lra.
Qed.

(** ** The penalty and the number of trials, from any [enough] at which the test passes after a restart *)
Variable enough : R.
Hypothesis gate : forall s x, objective x <= merit 0 -> enough <= s -> restart_passes s x.

Lemma failed_below k j : (j < rises k)%nat -> t ^ j * begun k < enough - ridge.
Proof.
  intros J. destruct (round_ends _ _ _ _ _ _ loop k) as [[Z _]|[_ [_ [_ [_ Failed]]]]]; [lia|].
  destruct (Rlt_le_dec (t ^ j * begun k) (enough - ridge)) as [L|G']; [exact L|].
  destruct (Failed j J). apply gate; [apply stays_below|lra].
Qed.

Theorem bounded_penalty k : sigma k <= Rmax (Rmax (begun O) floor) (t * Rmax 0 (enough - ridge)).
Proof.
  eapply Rle_trans; [exact (penalty_bounded _ _ _ _ _ _ _ steps (penalties _ _ _ _ _ _ loop) failed_below k)|].
  apply Rle_max_compat_l. apply Rmult_le_compat_l; [lra|apply Rmax_r].
Qed.

Theorem bounded_trials N : floor <= begun O -> INR (1 + count N trials)
  <= 1 + 2 * INR N + (ln (Rmax 1 (t * (enough - ridge) / begun O)) + INR N * ln (1 + eps)) / ln t.
Proof.
  intros Fl. assert (K := increases_bounded_log _ _ _ _ _ _ _ steps (penalties _ _ _ _ _ _ loop) failed_below Fl N).
  assert (B : (count N trials <= 2 * N + count N rises)%nat).
  { apply evaluations_bounded. intros k. destruct (round_ends _ _ _ _ _ _ loop k) as [[Z [T _]]|[T _]]; lia. }
  apply le_INR in B. rewrite plus_INR, mult_INR in B. rewrite plus_INR. simpl INR in *. lra.
Qed.

(** The gradients vanish. *)
Theorem gradients_vanish : Un_cv (fun k => ‖slope (w k)‖²) 0.
Proof.
  set (top := Rmax (Rmax (begun O) floor) (t * Rmax 0 (enough - ridge)) + ridge).
  apply (Ridge.vanish _ (top / c * (merit 0 - least))); [intros; apply inner_nonneg|]. intros N.
  assert (U := N1_sum_all N). assert (T : 0 < top / c).
  { apply Rdiv_lt_0_compat; [|lra]. assert (P := s_positive 0). assert (B := bounded_penalty 0). unfold top. lra. }
  eapply Rle_trans; [|apply Rmult_le_compat_l; [lra|exact U]]. rewrite <- sum_scale. apply sum_le. intros k _.
  assert (P := s_positive k). assert (B := bounded_penalty k). assert (D := drop_nonneg k).
  assert (Z : 0 <= delta * (a / s k * error (w k) (p k))) by (apply Rmult_le_pos; lra).
  assert (E : ‖slope (w k)‖² <= top / c * (c / s k * ‖slope (w k)‖²)).
  { replace (top / c * (c / s k * ‖slope (w k)‖²)) with (top * / s k * ‖slope (w k)‖²) by (field; lra).
    rewrite <- (Rmult_1_l ‖slope (w k)‖²) at 1. apply Rmult_le_compat_r; [apply inner_nonneg|].
    apply Rmult_le_reg_r with (s k); [exact P|]. rewrite Rmult_assoc, Rinv_l; unfold top; lra. }
  eapply Rle_trans; [exact E|]. apply Rmult_le_compat_l; lra.
Qed.
End Run.

(** ** Every round ends: the loop as a program, whatever proposes the first trials *)
Section Existence.
Variables (enough first : R) (propose : nat -> R -> V -> (nat -> V) -> V * (nat -> V)).
Variables (origin : V) (memory : nat -> V).
Notation top := (objective origin + a / (first + ridge) * error origin memory).
Hypothesis first_positive : 0 < first.
(** The test passes after a restart in the sublevel set where the rounds take place. *)
Hypothesis gate : forall s x, objective x <= top -> enough <= s -> restart_passes s x.

Definition restart_dec s x : {restart_passes s x} + {~ restart_passes s x} := Rle_dec _ _.

(** How often sigma rises after a restart at x: the least number with which the test passes. *)
Definition rises_at x s : nat := least (fun n => restart_passes (t ^ n * s + ridge) x) (fun n => restart_dec _ x).

Lemma rises_enough x s : objective x <= top -> 0 < s ->
  restart_passes (t ^ rises_at x s * s + ridge) x /\
  forall j, (j < rises_at x s)%nat -> ~ restart_passes (t ^ j * s + ridge) x.
Proof.
  intros X S. apply (least_has (fun n => restart_passes (t ^ n * s + ridge) x)).
  destruct (reaches t s enough t_above_1 S) as [n N]. exists n. apply gate; lra.
Qed.

Definition first_trial_dec k s x q : {passes (s + ridge) (error x q) x (fst (propose k s x q)) (snd (propose k s x q))}
  + {~ passes (s + ridge) (error x q) x (fst (propose k s x q)) (snd (propose k s x q))} := Rle_dec _ _.

Fixpoint rounds k : V * (nat -> V) * R :=
  match k with
  | O => (origin, memory, first)
  | S k => let '(x, q, s) := rounds k in
      if first_trial_dec k s x q then (propose k s x q, Rmax (s / (1 + eps)) floor)
      else let s' := (t ^ rises_at x s * s)%R in
        (restarted (s' + ridge) x, fun i => G i x, Rmax (s' / (1 + eps)) floor)
  end.

Notation w := (fun k => fst (fst (rounds k))).
Notation p := (fun k => snd (fst (rounds k))).
Notation begun := (fun k => snd (rounds k)).
Definition risen k : nat := if first_trial_dec k (begun k) (w k) (p k) then O else rises_at (w k) (begun k).
Definition tried k : nat := if first_trial_dec k (begun k) (w k) (p k) then 1%nat else (risen k + 2)%nat.
Notation ends_with := (fun k => (t ^ risen k * begun k)%R).

(** What a round that passes leaves for the next one. *)
Lemma kept_below s next x y z kept : 0 < s -> s / (1 + eps) <= next -> 0 <= kept ->
  objective x + a / (s + ridge) * kept <= top -> passes (s + ridge) kept x y z ->
  objective y + a / (next + ridge) * error y z <= top.
Proof.
  intros S Next K Below T. destruct constants as [A [C [E D]]]. unfold Restart.passes in T.
  assert (P' : 0 < next) by (apply Rlt_le_trans with (s / (1 + eps)); [apply Rdiv_lt_0_compat; lra|exact Next]).
  apply (Rmult_le_compat_l (1 + eps)) in Next; [|lra].
  replace ((1 + eps) * (s / (1 + eps))) with s in Next by fraction.
  assert (Up : a / (next + ridge) <= (1 + eps) * (a / (s + ridge))).
  { apply Rmult_le_reg_r with ((next + ridge) * (s + ridge)); [nra|].
    replace (a / (next + ridge) * ((next + ridge) * (s + ridge))) with (a * (s + ridge)) by (field; lra).
    replace ((1 + eps) * (a / (s + ridge)) * ((next + ridge) * (s + ridge))) with (a * ((1 + eps) * (next + ridge)))
      by (field; lra). apply Rmult_le_compat_l; nra. }
  assert (U := Rmult_le_compat_r _ _ _ (error_nonneg V m weight G weights y z) Up).
  assert (Q : 0 <= c / (s + ridge) * ‖slope x‖²) by (apply Rmult_le_pos; [apply quotient; lra|apply inner_nonneg]).
  assert (Z : 0 <= delta * (a / (s + ridge) * kept)) by
    (apply Rmult_le_pos; [lra|apply Rmult_le_pos; [apply quotient; lra|exact K]]). lra.
Qed.

Lemma rounds_below k : 0 < begun k /\ objective (w k) + a / (begun k + ridge) * error (w k) (p k) <= top.
Proof.
  destruct constants as [A [C [E D]]]. induction k as [|k [S B]]; [simpl; split; [exact first_positive|lra]|].
  cbn [rounds]. destruct (rounds k) as [[x q] s]. cbn [fst snd] in S, B.
  assert (N := error_nonneg V m weight G weights x q).
  assert (Next : forall s', 0 < s' -> 0 < Rmax (s' / (1 + eps)) floor) by (intros s' S';
    apply Rlt_le_trans with (s' / (1 + eps)); [apply Rdiv_lt_0_compat; lra|apply Rmax_l]).
  destruct (first_trial_dec k s x q) as [T|_]; cbn [fst snd].
  - split; [now apply Next|]. exact (kept_below _ _ _ _ _ _ S (Rmax_l _ _) N B T).
  - assert (B' : objective x <= top).
    { assert (0 <= a / (s + ridge) * error x q) by (apply Rmult_le_pos; [apply quotient; lra|exact N]). lra. }
    destruct (rises_enough x s B' S) as [T _]. set (s' := (t ^ rises_at x s * s)%R) in *.
    assert (S' : 0 < s') by (apply Rmult_lt_0_compat; [apply pow_lt; lra|exact S]). split; [now apply Next|].
    apply (kept_below s' _ x _ _ 0 S' (Rmax_l _ _)); [lra|rewrite Rmult_0_r; lra|exact T].
Qed.

(** The program's rounds are rounds of the loop, and the restart comes only where the first trial failed. *)
Theorem N1_rounds_end : safeguarded w p begun ends_with risen tried /\
  w O = origin /\ p O = memory /\ begun O = first /\ (forall k, begun (S k) = Rmax (ends_with k / (1 + eps)) floor) /\
  forall k, let '(x, q) := propose k (begun k) (w k) (p k) in
    (passes (begun k + ridge) (error (w k) (p k)) (w k) x q -> w (S k) = x /\ p (S k) = q) /\
    (~ passes (begun k + ridge) (error (w k) (p k)) (w k) x q -> tried k = (risen k + 2)%nat).
Proof.
  destruct constants as [A [C [E D]]].
  assert (Next : forall k, begun (S k) = Rmax (ends_with k / (1 + eps)) floor).
  { intros k. unfold risen. cbn [rounds]. destruct (rounds k) as [[x q] s]. cbn [fst snd].
    destruct (first_trial_dec k s x q); cbn [snd pow]; now rewrite ?Rmult_1_l. }
  repeat match goal with |- _ /\ _ => split end; try easy.
  - split.
    + split; [exact first_positive| |reflexivity]. intros k. rewrite Next. split; [apply Rmax_l|].
      apply Rle_max_compat_r. destruct (rounds_below k) as [P _].
      assert (P' : 0 < ends_with k) by (apply Rmult_lt_0_compat; [apply pow_lt; lra|exact P]). cbv beta in P'.
      apply Rmult_le_reg_r with (1 + eps); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. nra.
    + intros k. destruct (rounds_below k) as [P B]. unfold tried, risen. cbn [rounds]. revert P B.
      destruct (rounds k) as [[x q] s]. cbn [fst snd]. intros P B.
      destruct (first_trial_dec k s x q) as [T|N]; cbn [fst snd pow].
      * left. rewrite Rmult_1_l. easy.
      * right. assert (B' : objective x <= top).
        { assert (0 <= a / (s + ridge) * error x q) by (apply Rmult_le_pos; [apply quotient; lra|now apply
          error_nonneg]).
          lra. }
        destruct (rises_enough x s B' P) as [T F']. repeat split; try lia; [exact T|exact F'].
  - intros k. unfold tried, risen. cbn [rounds]. destruct (rounds k) as [[x q] s]. cbn [fst snd].
    destruct (first_trial_dec k s x q) as [T|N]; destruct (propose k s x q) as [y z]; cbn [fst snd] in *.
    + split; [easy|intros No; destruct (No T)].
    + split; [intros Y; destruct (N Y)|easy].
Qed.
End Existence.
End Safeguarded.
