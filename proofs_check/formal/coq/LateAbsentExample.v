(** The hypotheses of N7 (a) and (c) together hold for N rounds, for every N: one client x^2/2, present where a fair
    coin
    shows heads, every second gradient one round old, sigma = 9. *)

From PISA Require Export ParticipationExample LateAbsent.
From PISA Require Import Threshold.

Section Example.
Variable N : nat.
Notation O_ := (coins N).

Definition every_second (l i : nat) (o : O_) : nat := if Nat.even l then 1 else 0.

(** The server's point, the client's and its multiplier. *)
Fixpoint slow_toss l (o : O_) : R * R * R :=
  match l with
  | O => (1, 1, 0)
  | S l => let '(w, x, p) := slow_toss l o in
      let w' := x + p / 9 in
      let d := if heads N (S l) 0 o then - (p + (if Nat.even (S l) then w else w')) / 9 else 0 in
      (w', w' + d, p + 9 * d)
  end.

Notation w := (fun l (o : O_) => fst (fst (slow_toss l o)) : line).
Notation local := (fun l (i : nat) (o : O_) => snd (fst (slow_toss l o)) : line).
Notation dual := (fun l (i : nat) (o : O_) => snd (slow_toss l o) : line).
Notation used := (fun l i (o : O_) => w (l - every_second l i o)%nat o).

Lemma used_next l i o : used (S l) i o = if Nat.even (S l) then w l o else w (S l) o.
Proof. unfold every_second. destruct (Nat.even (S l)); [now rewrite Nat.sub_succ, Nat.sub_0_r|now rewrite
  Nat.sub_0_r]. Qed.

Lemma slow_partial : partial O_ line 1 (fun _ => 1) 0 (fun _ _ => 9) (fun _ _ _ _ => 0%V) (heads N) used w local dual.
Proof.
  split.
  - intros l o. unfold rate, mean. cbn. destruct (slow_toss l o) as [[a x] p]. cbn. on_line. field.
  - intros l i o _ Here. change (heads N (S l) 0 o = true) in Here. rewrite used_next. cbn [slow_toss].
    destruct (slow_toss l o) as [[a x] p]. rewrite Here. cbn [fst snd]. destruct (Nat.even (S l)); cbn; on_line; field.
  - intros l i o _ Away. change (heads N (S l) 0 o = false) in Away. cbn [slow_toss].
    destruct (slow_toss l o) as [[a x] p]. rewrite Away. cbn. on_line. ring.
  - intros l i o. cbn [slow_toss]. destruct (slow_toss l o) as [[a x] p]. destruct (heads N (S l) 0 o); cbn; on_line;
    ring.
Qed.

Lemma slow_known l o o' : agree N l o o' -> slow_toss l o = slow_toss l o'.
Proof.
  induction l as [|l IH]; intros A; [reflexivity|]. cbn [slow_toss]. rewrite (IH (fun j J => A j ltac:(lia))).
  unfold heads. simpl pred. now rewrite (A l ltac:(lia)).
Qed.

Lemma slow_likely k : (k < N)%nat -> likely O_ line 1 (/ 2) (heads N) used dual (agree N) k.
Proof.
  intros K. split.
  - intros i _ o o' A. rewrite !used_next. destruct (Nat.even (S k)).
    + now rewrite (slow_known k o o' A).
    + cbn [slow_toss]. rewrite (slow_known k o o' A). now destruct (slow_toss k o') as [[a x] p].
  - intros i _ o o' A. simpl. now rewrite (slow_known k o o' A).
  - exact (often_present _ _ _ _ _ _ _ _ _ (toss_likely N k K)).
Qed.

Theorem N7_late_and_absent_inhabited : exists (w : nat -> O_ -> line) local dual,
  partial O_ line 1 (fun _ => 1) 0 (fun _ _ => 9) (fun _ _ _ _ => 0%V) (heads N)
    (fun l i o => w (l - every_second l i o)%nat o) w local dual /\
  (forall l i o, (every_second l i o <= 1)%nat) /\
  (forall o, w O o = 1) /\ @smooth line 1 half (fun x => x) /\ (forall x, 0 <= half x) /\
  forall k, (k < N)%nat -> likely O_ line 1 (/ 2) (heads N) (fun l i o => w (l - every_second l i o)%nat o) dual
    (agree N) k /\
    0 < rate 1 (fun _ => 1) 0 (fun _ _ => 9) (S k) <= rate 1 (fun _ => 1) 0 (fun _ _ => 9) (S (S k)) /\
    ((INR 1 + (INR 1 + 1) / (1 - sqrt (1 - / 2 * (1 - (0 / (1 + 0)) ^ 2)))) * 1) ^ 2
      <= (rate 1 (fun _ => 1) 0 (fun _ _ => 9) (S k) - 0 - 1) * rate 1 (fun _ => 1) 0 (fun _ _ => 9) (S k).
Proof.
  exists w, local, dual. split; [exact slow_partial|split; [|split; [reflexivity|split; [exact half_smooth|split]]]].
  - intros l i o. unfold every_second. destruct (Nat.even l); lia.
  - intros x. unfold half. cbn in *. nra.
  - intros k K. split; [now apply slow_likely|]. unfold rate. simpl sum. simpl INR. split; [lra|].
    replace (1 - / 2 * (1 - (0 / (1 + 0)) ^ 2)) with (/ 2) by field. assert (S := sqrt_sqrt (/ 2) ltac:(lra)).
    assert (S0 := sqrt_pos (/ 2)). set (r := sqrt (/ 2)) in *. assert (R1 : r < 7072 / 10000) by nra.
    assert (Q : (1 + 1) / (1 - r) <= 7) by (apply Rmult_le_reg_r with (1 - r); [lra|];
      unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra).
    assert (Q0 : 0 <= (1 + 1) / (1 - r)) by (apply quotient; lra).
    set (y := (1 + 1) / (1 - r)) in *. clearbody y. simpl. nra.
Qed.
End Example.
