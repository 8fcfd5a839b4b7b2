(** How far apart two of the last points are, and weights that fade with the age of a step (for Delays.v). *)

From PISA Require Export Space.

Lemma sum_more (f : nat -> R) i k : sum (i + k) f = sum i f + sum k (fun j => f (i + j)%nat).
Proof. induction k as [|k IH]; [rewrite Nat.add_0_r; simpl; ring|]. rewrite Nat.add_succ_r. simpl. rewrite IH. ring.
  Qed.

Lemma sum_nonneg (f : nat -> R) n : (forall j, 0 <= f j) -> 0 <= sum n f.
Proof. intros N. induction n as [|n IH]; simpl; [lra|]. specialize (N n). lra. Qed.

Lemma sum_part (f : nat -> R) i k n : (forall j, 0 <= f j) -> (i + k <= n)%nat -> sum k (fun j => f (i + j)%nat) <=
  sum n f.
Proof.
  intros N K. replace n with (i + k + (n - (i + k)))%nat by lia. rewrite sum_more, (sum_more f i k).
  assert (A := sum_nonneg f i N). assert (B := sum_nonneg (fun j => f (i + k + j)%nat) (n - (i + k)) (fun j => N _)).
    lra.
Qed.

(** Weights T, T - 1, ..., 1 on the last T entries: what a new entry adds and the old ones lose. *)
Lemma fading_shift (f : nat -> R) T : sum T (fun j => (INR T - INR j) * f j)
  = sum T (fun j => (INR T - INR j) * f (S j)) + INR T * f O - sum T (fun j => f (S j)).
Proof.
  destruct T as [|T]; [simpl; ring|]. rewrite (sum_first T (fun j => (INR (S T) - INR j) * f j)).
  change (sum (S T) (fun j => (INR (S T) - INR j) * f (S j))) with
    (sum T (fun j => (INR (S T) - INR j) * f (S j)) + (INR (S T) - INR T) * f (S T)).
  change (sum (S T) (fun j => f (S j))) with (sum T (fun j => f (S j)) + f (S T)).
  rewrite (sum_ext T (fun i => (INR (S T) - INR (S i)) * f (S i)) (fun j => (INR (S T) - INR j) * f (S j) + -1 * f (S
    j)))
    by (intros i _; rewrite (S_INR i); ring).
  rewrite sum_add, sum_scale, S_INR. simpl INR. ring.
Qed.

Section Steps.
Variables (V : space) (w : nat -> V).
(** The squared length of the j-th step before the (n+1)-st point; none before the start. *)
Definition gap n j : R := if (j <=? n)%nat then ‖w (S (n - j)) - w (n - j)%nat‖² else 0.

Lemma gap_nonneg n j : 0 <= gap n j.
Proof. unfold gap. destruct (_ <=? _)%nat; [apply inner_nonneg|lra]. Qed.

Lemma gap_shift n j : gap (S n) (S j) = gap n j.
Proof. reflexivity. Qed.

Lemma between n i k : ‖w (S n - i)%nat - w (S n - (i + k))%nat‖² <= INR k * sum k (fun j => gap n (i + j)).
Proof.
  induction k as [|k IH].
  - rewrite Nat.add_0_r. simpl. right. expand_goal. ring.
  - set (x := (w (S n - i)%nat - w (S n - (i + k))%nat)%V) in *. set (y := (w (S n - (i + k))%nat - w (S n - (i + S
    k))%nat)%V).
    replace (w (S n - i)%nat - w (S n - (i + S k))%nat)%V with (x + y)%V by (unfold x, y; vector).
    assert (Y : ‖y‖² = gap n (i + k)).
    { unfold y, gap. destruct (Nat.leb_spec (i + k) n) as [Le|Gt].
      - replace (S n - (i + k))%nat with (S (n - (i + k))) by lia. now replace (S n - (i + S k))%nat with (n - (i +
        k))%nat by lia.
      - replace (S n - (i + k))%nat with O by lia. replace (S n - (i + S k))%nat with O by lia. expand_goal. ring. }
    change (sum (S k) (fun j => gap n (i + j))) with (sum k (fun j => gap n (i + j)) + gap n (i + k)). rewrite <- Y.
    set (q := sum k _) in *. rewrite S_INR. destruct k as [|k].
    + simpl INR in *. rewrite Rmult_0_l in IH. rewrite (norm_zero V x) by lra. assert (Q : q = 0) by reflexivity.
      rewrite Q. right. expand_goal. ring.
    + assert (P : 0 < INR (S k)) by (apply lt_0_INR; lia). set (z := INR (S k)) in *.
      assert (K : 0 <= 1 + / z) by (assert (0 < / z) by (apply Rinv_0_lt_compat; lra); lra).
      assert (K' : 0 <= / z) by (apply Rlt_le, Rinv_0_lt_compat; lra).
      refine (conclude _ _ _ (plus (row _ _ _ IH K) (square (/ z) (x - z * y)%V K')) _). expand_goal. field. lra.
Qed.

(** Two points among the last ones. *)
Lemma near n i j T : (i <= T)%nat -> (j <= T)%nat -> ‖w (S n - i)%nat - w (S n - j)%nat‖² <= INR T * sum T (gap n).
Proof.
  intros I J. assert (N := gap_nonneg n). assert (Q := sum_nonneg (gap n) T N).
  assert (Half : forall a b, (a <= b)%nat -> (b <= T)%nat -> ‖w (S n - a)%nat - w (S n - b)%nat‖² <= INR T * sum T
    (gap n)).
  { intros a b A B. assert (K := between n a (b - a)). replace (a + (b - a))%nat with b in K by lia.
    eapply Rle_trans; [exact K|]. assert (P := sum_part (gap n) a (b - a) T N ltac:(lia)).
    assert (S1 : INR (b - a) <= INR T) by (apply le_INR; lia). assert (S2 := pos_INR (b - a)).
    apply Rmult_le_compat; [lra|apply sum_nonneg; intros; apply N|exact S1|exact P]. }
  destruct (Nat.le_ge_cases i j) as [Le|Ge]; [now apply Half|].
  replace ‖w (S n - i)%nat - w (S n - j)%nat‖² with ‖w (S n - j)%nat - w (S n - i)%nat‖² by (expand_goal; ring).
  now apply Half.
Qed.

(** The newest point but one against one of the last: the newest step does not count. *)
Lemma near_place n j T : (j <= T)%nat -> ‖w n - w (n - j)%nat‖² <= INR T * sum T (fun i => gap n (S i)).
Proof.
  intros J. assert (K := between n 1 j). replace (S n - 1)%nat with n in K by lia.
  replace (S n - (1 + j))%nat with (n - j)%nat in K by lia. eapply Rle_trans; [exact K|].
  apply Rmult_le_compat; [apply pos_INR|apply sum_nonneg; intros; apply gap_nonneg|apply le_INR; lia|].
  exact (sum_part (fun i => gap n (S i)) 0 j T (fun i => gap_nonneg n (S i)) ltac:(lia)).
Qed.
End Steps.
