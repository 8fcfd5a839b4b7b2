(** Operators that are diagonal in one basis: a resolution of the identity P_0, ..., P_(n-1) and a number for each. *)

From PISA Require Export Space.

Record basis (V : space) (n : nat) (part : nat -> V -> V) : Prop := {
  part_symmetric : forall j x y, ⟨part j x, y⟩ = ⟨x, part j y⟩;
  part_twice : forall j x, (j < n)%nat -> part j (part j x) = part j x;
  part_other : forall i j x, (i < n)%nat -> (j < n)%nat -> i <> j -> part i (part j x) = 0%V;
  parts_all : forall x, total n (fun j => part j x) = x
}.

Section Diagonal.
Variables (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.

Definition diagonal (a : nat -> R) x : V := total n (fun j => a j * part j x)%V.
(** <x, D x> for the diagonal operator D. *)
Definition weighing (a : nat -> R) x := sum n (fun j => a j * ‖part j x‖²).

Lemma part_add j x y : part j (x + y)%V = (part j x + part j y)%V.
Proof. apply separated; intros z. autorewrite with inner. rewrite !(part_symmetric _ _ _ split). now autorewrite with
  inner. Qed.

Lemma part_scale j a x : part j (a * x)%V = (a * part j x)%V.
Proof. apply separated; intros z. autorewrite with inner. rewrite !(part_symmetric _ _ _ split). now autorewrite with
  inner. Qed.

Lemma diagonal_inner a x y : ⟨diagonal a x, y⟩ = sum n (fun j => a j * ⟨part j x, y⟩).
Proof. unfold diagonal. rewrite inner_total. apply sum_ext; intros. apply inner_scale. Qed.

Lemma diagonal_symmetric a x y : ⟨diagonal a x, y⟩ = ⟨x, diagonal a y⟩.
Proof.
  rewrite (inner_sym _ x), !diagonal_inner. apply sum_ext; intros j _.
  rewrite (part_symmetric _ _ _ split), (inner_sym _ x). easy.
Qed.

Lemma part_square j x : (j < n)%nat -> ⟨part j x, x⟩ = ‖part j x‖².
Proof. intros J. now rewrite (part_symmetric _ _ _ split j x (part j x)), (part_twice _ _ _ split), (inner_sym _ x).
  Qed.

Lemma weighing_inner a x : ⟨diagonal a x, x⟩ = weighing a x.
Proof. rewrite diagonal_inner. apply sum_ext; intros j J. now rewrite part_square. Qed.

Lemma part_total j k (f : nat -> V) : part j (total k f) = total k (fun i => part j (f i)).
Proof.
  induction k as [|k IH]; simpl; [|now rewrite part_add, IH].
  apply separated; intros z. rewrite (part_symmetric _ _ _ split). now rewrite !inner_zero.
Qed.

Lemma part_diagonal j a x : (j < n)%nat -> part j (diagonal a x) = (a j * part j x)%V.
Proof.
  intros J. unfold diagonal. rewrite part_total. apply separated; intros z. rewrite inner_total, inner_scale.
  assert (E : forall k, (k <= n)%nat -> sum k (fun i => ⟨part j (a i * part i x), z⟩)
    = if (j <? k)%nat then a j * ⟨part j x, z⟩ else 0).
  { induction k as [|k IH]; intros K; [reflexivity|]. simpl sum. rewrite IH by lia. rewrite part_scale, inner_scale.
    destruct (Nat.ltb_spec j k); destruct (Nat.ltb_spec j (S k)); try lia.
    - rewrite (part_other _ _ _ split) by lia. rewrite inner_zero. lra.
    - assert (k = j) by lia. subst k. rewrite (part_twice _ _ _ split) by easy. lra.
    - rewrite (part_other _ _ _ split) by lia. rewrite inner_zero. lra. }
  rewrite E by lia. destruct (Nat.ltb_spec j n); [easy|lia].
Qed.

Lemma diagonal_twice a b x : diagonal a (diagonal b x) = diagonal (fun j => a j * b j) x.
Proof.
  apply separated; intros z. rewrite !diagonal_inner. apply sum_ext; intros j J.
  rewrite part_diagonal, inner_scale by easy. ring.
Qed.

Lemma diagonal_all x : diagonal (fun _ => 1) x = x.
Proof.
  rewrite <- (parts_all _ _ _ split x) at 2. apply separated; intros z. rewrite diagonal_inner, inner_total.
  apply sum_ext; intros; ring.
Qed.

Lemma diagonal_ext a b x : (forall j, (j < n)%nat -> a j = b j) -> diagonal a x = diagonal b x.
Proof. intros E. apply separated; intros z. rewrite !diagonal_inner. apply sum_ext; intros. now rewrite E. Qed.

Lemma diagonal_add a b x : diagonal (fun j => a j + b j) x = (diagonal a x + diagonal b x)%V.
Proof.
  apply separated; intros z. rewrite inner_add, !diagonal_inner, <- sum_add. apply sum_ext; intros; ring.
Qed.

Lemma diagonal_plus a x y : diagonal a (x + y)%V = (diagonal a x + diagonal a y)%V.
Proof.
  apply separated; intros z. rewrite inner_add, !diagonal_inner, <- sum_add. apply sum_ext; intros.
  rewrite part_add, inner_add. ring.
Qed.

Lemma diagonal_scale a c x : diagonal a (c * x)%V = (c * diagonal a x)%V.
Proof.
  apply separated; intros z. rewrite inner_scale, !diagonal_inner, <- sum_scale. apply sum_ext; intros.
  rewrite part_scale, inner_scale. ring.
Qed.

Lemma diagonal_norm a x : ‖diagonal a x‖² = weighing (fun j => a j * a j) x.
Proof. now rewrite diagonal_symmetric, diagonal_twice, inner_sym, weighing_inner. Qed.

Lemma weighing_le a b x : (forall j, (j < n)%nat -> a j <= b j) -> weighing a x <= weighing b x.
Proof. intros E. apply sum_le; intros. apply Rmult_le_compat_r; [apply inner_nonneg|auto]. Qed.

Lemma weighing_scale a c x : weighing (fun j => c * a j) x = c * weighing a x.
Proof. unfold weighing. rewrite <- sum_scale. apply sum_ext; intros; ring. Qed.

Lemma weighing_one x : weighing (fun _ => 1) x = ‖x‖².
Proof. now rewrite <- weighing_inner, diagonal_all. Qed.

Lemma weighing_const c x : weighing (fun _ => c) x = c * ‖x‖².
Proof. rewrite <- weighing_one, <- weighing_scale. apply sum_ext; intros; ring. Qed.
End Diagonal.
