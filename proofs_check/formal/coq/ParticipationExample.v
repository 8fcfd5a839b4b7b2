(** The hypotheses of N7 (a) hold for N rounds, for every N: one client x^2/2, present where the k-th of N fair coins
    shows heads, sigma = 4. *)

From PISA Require Export Participation.
From PISA Require Import Threshold.

(** An equation on the line is one between real numbers. *)
Ltac on_line := match goal with |- ?a = ?b => change (@eq R a b) end.

Section Example.
Variable N : nat.
Notation O_ := (coins N).

Definition heads (l i : nat) (o : O_) : bool := if Rlt_dec 0 (coin N (pred l) o) then true else false.

(** The server's point, the client's and its multiplier. *)
Fixpoint toss l (o : O_) : R * R * R :=
  match l with
  | O => (1, 1, 0)
  | S l => let '(_, x, p) := toss l o in
      let w' := x + p / 4 in
      let d := if heads (S l) 0 o then - (p + w') / 4 else 0 in
      (w', w' + d, p + 4 * d)
  end.

Notation w := (fun l (o : O_) => fst (fst (toss l o)) : line).
Notation local := (fun l (i : nat) (o : O_) => snd (fst (toss l o)) : line).
Notation dual := (fun l (i : nat) (o : O_) => snd (toss l o) : line).

Lemma toss_partial : partial O_ line 1 (fun _ => 1) 0 (fun _ _ => 4) (fun _ _ _ _ => 0%V) heads (fun l _ o => w l o) w
  local dual.
Proof.
  split.
  - intros l o. unfold rate, mean. cbn. destruct (toss l o) as [[a x] p]. cbn. on_line. field.
  - intros l i o _ Here. change (heads (S l) 0 o = true) in Here. cbn [toss]. destruct (toss l o) as [[a x] p].
    rewrite Here. cbn. on_line. field.
  - intros l i o _ Away. change (heads (S l) 0 o = false) in Away. cbn [toss]. destruct (toss l o) as [[a x] p].
    rewrite Away. cbn. on_line. ring.
  - intros l i o. cbn [toss]. destruct (toss l o) as [[a x] p]. destruct (heads (S l) 0 o); cbn; on_line; ring.
Qed.

Lemma toss_known l o o' : agree N l o o' -> toss l o = toss l o'.
Proof.
  induction l as [|l IH]; intros A; [reflexivity|]. simpl. rewrite (IH (fun j J => A j ltac:(lia))).
  unfold heads. simpl. now rewrite (A l ltac:(lia)).
Qed.

Lemma toss_likely k : (k < N)%nat -> likely O_ line 1 (/ 2) heads (fun l _ o => w l o) dual (agree N) k.
Proof.
  intros K. split.
  - intros i _ o o' A. cbn [toss]. rewrite (toss_known k o o' A). now destruct (toss k o') as [[a x] p].
  - intros i _ o o' A. simpl. now rewrite (toss_known k o o' A).
  - intros i f _ Pos Known. assert (Z := coin_unbiased N k f (fun o o' A => Known o o' A)). cbn in Z.
    right. rewrite (expect_ext O_ (fun o => if heads (S k) i o then f o else 0) (fun o => / 2 * f o + / 2 * (f o *
      coin N k o))).
    + rewrite expect_add, !expect_scale, Z. ring.
    + intros o. unfold heads. simpl pred. destruct (coin_sign N k K o) as [E|E]; rewrite E; destruct (Rlt_dec _ _); lra.
Qed.

Theorem N7_participation_inhabited : exists (w : nat -> O_ -> line) local dual,
  partial O_ line 1 (fun _ => 1) 0 (fun _ _ => 4) (fun _ _ _ _ => 0%V) heads (fun l _ o => w l o) w local dual /\
  (forall o, w O o = 1) /\ @smooth line 1 half (fun x => x) /\ (forall x, 0 <= half x) /\
  forall k, (k < N)%nat -> likely O_ line 1 (/ 2) heads (fun l _ o => w l o) dual (agree N) k /\
    0 < rate 1 (fun _ => 1) 0 (fun _ _ => 4) (S k) <= rate 1 (fun _ => 1) 0 (fun _ _ => 4) (S (S k)) /\
    1 ^ 2 / (1 - sqrt (1 - / 2 * (1 - (0 / (1 + 0)) ^ 2))) ^ 2
      <= (rate 1 (fun _ => 1) 0 (fun _ _ => 4) (S k) - 0 - 1) * rate 1 (fun _ => 1) 0 (fun _ _ => 4) (S k).
Proof.
  exists w, local, dual. split; [exact toss_partial|split; [reflexivity|split; [exact half_smooth|split]]].
  - intros x. unfold half. cbn in *. nra.
  - intros k K. split; [now apply toss_likely|]. unfold rate. simpl sum. split; [lra|].
    replace (1 - / 2 * (1 - (0 / (1 + 0)) ^ 2)) with (/ 2) by field. assert (S := sqrt_sqrt (/ 2) ltac:(lra)).
    assert (S0 := sqrt_pos (/ 2)). set (r := sqrt (/ 2)) in *. assert (R1 : r < 7072 / 10000) by nra.
    assert (D : 0 < (1 - r) ^ 2) by nra. apply Rmult_le_reg_r with ((1 - r) ^ 2); [exact D|].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. nra.
Qed.
End Example.
