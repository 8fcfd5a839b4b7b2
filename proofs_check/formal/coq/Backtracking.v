(** Backtracking: a penalty that falls slowly between the rounds and is raised by t while a test fails (N1, N2).

    Real numbers only. [bar] is a penalty at and above which the test cannot fail; how it comes about is the business of
    Safeguarded.v (after a restart) and of Unguarded.v (without one). *)

From PISA Require Export Space.
From Coq Require Import ConstructiveEpsilon.

(** The least number with a property that is decided; 0 if there is none. *)
Definition least (P : nat -> Prop) (dec : forall n, {P n} + {~ P n}) : nat :=
  match ClassicalDedekindReals.sig_forall_dec (fun n => ~ P n) (fun n => match dec n with
      left yes => right (fun no => no yes) | right no => left no end) with
  | inleft some => proj1_sig (epsilon_smallest P dec (let (n, twice) := some in ex_intro P n
      match dec n with left yes => yes | right no => False_ind _ (twice no) end))
  | inright _ => O
  end.

Lemma least_has P dec : (exists n, P n) -> P (least P dec) /\ forall j, (j < least P dec)%nat -> ~ P j.
Proof.
  intros [n Y]. unfold least. destruct (ClassicalDedekindReals.sig_forall_dec _ _) as [some|none].
  - destruct (epsilon_smallest _ _ _) as [n' [Y' First]]. simpl. split; [exact Y'|]. intros j J K.
    assert (I := First j K). lia.
  - destruct (none n Y).
Qed.

(** Powers of t > 1 reach every bound. *)
Lemma reaches t s bound : 1 < t -> 0 < s -> exists n, bound <= t ^ n * s.
Proof.
  intros T S. destruct (Pow_x_infinity t ltac:(rewrite Rabs_right; lra) (bound / s)) as [n N]. exists n.
  specialize (N n (le_n n)). rewrite Rabs_right in N by (apply Rle_ge, Rlt_le, pow_lt; lra).
  apply Rge_le, (Rmult_le_compat_r s) in N; [|lra]. unfold Rdiv in N. rewrite Rmult_assoc, Rinv_l in N; lra.
Qed.

(** Sums of counts over k < n. *)
Fixpoint count (n : nat) (f : nat -> nat) : nat := match n with O => O | S n => (count n f + f n)%nat end.

Lemma count_le n f g : (forall k, (f k <= g k)%nat) -> (count n f <= count n g)%nat.
Proof. intros E. induction n as [|n IH]; simpl; [easy|]. specialize (E n). lia. Qed.

Lemma count_shift n f b : count n (fun k => f k + b)%nat = (count n f + b * n)%nat.
Proof. induction n as [|n IH]; simpl; [lia|]. rewrite IH. lia. Qed.

Lemma power_at_least_1 t n : 1 <= t -> 1 <= t ^ n.
Proof. intros T. rewrite <- (pow1 n). apply pow_incr. lra. Qed.

(** Round k starts with [started k], between sigma_k/(1 + eps) and max(sigma_k, floor), and ends after [rises k]
    increases with sigma_{k+1}. *)
Record backtracks (t eps floor : R) (started accepted : nat -> R) (rises : nat -> nat) : Prop := {
  first_positive : 0 < started O;
  next_start : forall k, accepted k / (1 + eps) <= started (S k) <= Rmax (accepted k) floor;
  raised : forall k, accepted k = t ^ rises k * started k
}.

Section Backtracking.
Variables (t eps floor bar : R) (started accepted : nat -> R) (rises : nat -> nat).
Hypothesis constants : 1 < t /\ 0 <= eps.
Hypothesis loop : backtracks t eps floor started accepted rises.
(** No increase where the test cannot fail. *)
Hypothesis failed_below : forall k j, (j < rises k)%nat -> t ^ j * started k < bar.

Lemma started_positive k : 0 < started k.
Proof.
  destruct constants as [T E]. induction k as [|k IH]; [exact (first_positive _ _ _ _ _ _ loop)|].
  eapply Rlt_le_trans; [|apply (next_start _ _ _ _ _ _ loop)]. apply Rdiv_lt_0_compat; [|lra].
  rewrite (raised _ _ _ _ _ _ loop). apply Rmult_lt_0_compat; [apply pow_lt; lra|exact IH].
Qed.

Lemma accepted_positive k : 0 < accepted k.
Proof.
  destruct constants as [T E]. rewrite (raised _ _ _ _ _ _ loop).
  apply Rmult_lt_0_compat; [apply pow_lt; lra|apply started_positive].
Qed.

Lemma falls_slowly k : accepted k <= (1 + eps) * accepted (S k).
Proof.
  destruct constants as [T E]. assert (P := started_positive (S k)). assert (N := proj1 (next_start _ _ _ _ _ _ loop
    k)).
  assert (U : started (S k) <= accepted (S k)).
  { rewrite (raised _ _ _ _ _ _ loop (S k)). assert (Q := power_at_least_1 t (rises (S k)) ltac:(lra)). nra. }
  apply (Rmult_le_compat_l (1 + eps)) in N; [|lra].
  replace ((1 + eps) * (accepted k / (1 + eps))) with (accepted k) in N by fraction.
  assert (K := Rmult_le_compat_l (1 + eps) _ _ ltac:(lra) U). lra.
Qed.

(** What a round with an increase ends with. *)
Lemma raised_below k : rises k <> O -> accepted k <= t * bar.
Proof.
  intros N. destruct constants as [T E]. rewrite (raised _ _ _ _ _ _ loop).
  assert (B := failed_below k (pred (rises k)) ltac:(lia)). replace (rises k) with (S (pred (rises k))) by lia.
  simpl pow. rewrite Rmult_assoc. apply Rmult_le_compat_l; lra.
Qed.

Lemma not_raised k : rises k = O -> accepted k = started k.
Proof. intros Z. rewrite (raised _ _ _ _ _ _ loop), Z. simpl. ring. Qed.

Theorem penalty_bounded k : accepted k <= Rmax (Rmax (started O) floor) (t * bar).
Proof.
  assert (M := Rmax_l (Rmax (started O) floor) (t * bar)). assert (M' := Rmax_r (Rmax (started O) floor) (t * bar)).
  assert (A := Rmax_l (started O) floor). assert (B := Rmax_r (started O) floor). induction k as [|k IH].
  - destruct (Nat.eq_dec (rises O) O) as [Z|N]; [rewrite (not_raised _ Z); lra|].
    eapply Rle_trans; [exact (raised_below _ N)|exact M'].
  - destruct (Nat.eq_dec (rises (S k)) O) as [Z|N]; [rewrite (not_raised _ Z)|].
    + eapply Rle_trans; [exact (proj2 (next_start _ _ _ _ _ _ loop k))|]. apply Rmax_lub; lra.
    + eapply Rle_trans; [exact (raised_below _ N)|exact M'].
Qed.

(** Every increase is still there, up to the slow falls. *)
Lemma increases_kept N : started O * t ^ count (S N) rises <= (1 + eps) ^ N * accepted N.
Proof.
  destruct constants as [T E]. induction N as [|N IH].
  - simpl. rewrite (raised _ _ _ _ _ _ loop). right. ring.
  - change (count (S (S N)) rises) with (count (S N) rises + rises (S N))%nat. rewrite pow_add, <- Rmult_assoc.
    assert (Q := pow_lt t (rises (S N)) ltac:(lra)). assert (Q' := pow_lt (1 + eps) N ltac:(lra)).
    assert (S1 := proj1 (next_start _ _ _ _ _ _ loop N)). apply (Rmult_le_compat_l (1 + eps)) in S1; [|lra].
    replace ((1 + eps) * (accepted N / (1 + eps))) with (accepted N) in S1 by fraction.
    rewrite (raised _ _ _ _ _ _ loop (S N)).
    replace ((1 + eps) ^ S N * (t ^ rises (S N) * started (S N)))
      with ((1 + eps) ^ N * ((1 + eps) * started (S N)) * t ^ rises (S N)) by (simpl; ring).
    apply Rmult_le_compat_r; [lra|]. eapply Rle_trans; [exact IH|]. apply Rmult_le_compat_l; lra.
Qed.

Hypothesis floor_below : floor <= started O.

Theorem increases_bounded N : t ^ count N rises <= Rmax 1 (t * bar / started O) * (1 + eps) ^ N.
Proof.
  destruct constants as [T E]. assert (M := Rmax_l 1 (t * bar / started O)). destruct N as [|N]; [simpl; lra|].
  assert (P := first_positive _ _ _ _ _ _ loop). assert (Q := pow_lt (1 + eps) N ltac:(lra)).
  assert (K := increases_kept N). assert (B := penalty_bounded N). rewrite (Rmax_left (started O) floor) in B by easy.
  assert (B' : accepted N <= started O * Rmax 1 (t * bar / started O)).
  { eapply Rle_trans; [exact B|]. apply Rmax_lub.
    - assert (K' := Rmult_le_compat_l _ _ _ (Rlt_le _ _ P) M). lra.
    - assert (K' := Rmult_le_compat_l _ _ _ (Rlt_le _ _ P) (Rmax_r 1 (t * bar / started O))).
      replace (started O * (t * bar / started O)) with (t * bar) in K' by fraction. exact K'. }
  apply Rmult_le_reg_l with (started O); [exact P|]. eapply Rle_trans; [exact K|].
  eapply Rle_trans; [apply Rmult_le_compat_l; [lra|exact B']|].
  replace (started O * (Rmax 1 (t * bar / started O) * (1 + eps) ^ S N))
    with ((1 + eps) ^ N * (started O * Rmax 1 (t * bar / started O)) * (1 + eps)) by (simpl; ring).
  assert (Z : 0 <= (1 + eps) ^ N * (started O * Rmax 1 (t * bar / started O)))
    by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
  nra.
Qed.

Lemma ln_power x n : 0 < x -> ln (x ^ n) = INR n * ln x.
Proof.
  intros P. induction n as [|n IH]; [simpl; rewrite ln_1; ring|]. rewrite S_INR. simpl pow.
  rewrite ln_mult, IH by (try apply pow_lt; easy). ring.
Qed.

(** The same with logarithms: log+ is ln(max(1, .)). *)
Theorem increases_bounded_log N :
  INR (count N rises) <= (ln (Rmax 1 (t * bar / started O)) + INR N * ln (1 + eps)) / ln t.
Proof.
  destruct constants as [T E]. assert (M := Rmax_l 1 (t * bar / started O)). assert (K := increases_bounded N).
  assert (LT : 0 < ln t) by (rewrite <- ln_1; apply ln_increasing; lra).
  apply below_quotient; [exact LT|]. rewrite Rmult_comm, <- !ln_power, <- ln_mult by (try apply pow_lt; lra).
  destruct (Rle_lt_or_eq_dec _ _ K) as [Lt|Eq]; [apply Rlt_le, ln_increasing; [apply pow_lt; lra|exact Lt]|rewrite Eq;
    lra].
Qed.

(** Trials: at most [b] a round beside the increases. *)
Theorem evaluations_bounded b trials N : (forall k, (trials k <= rises k + b)%nat) ->
  (count N trials <= b * N + count N rises)%nat.
Proof. intros B. assert (K := count_le N _ _ B). rewrite count_shift in K. lia. Qed.
End Backtracking.
