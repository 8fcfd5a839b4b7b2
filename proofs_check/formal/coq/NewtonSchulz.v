(** Newton-Schulz as NSISA uses it, on real matrices of any size: a step keeps both singular bases and maps every
    singular value by p(x) = a x + b x^3 + c x^5; no orthogonal matrix comes back unchanged (5-adically). *)

From PISA Require Export Space.
From Coq Require Import ZArith Znumtheory Classical.
Open Scope R_scope.

Definition quintic (x : R) := 34445 / 10000 * x - 47750 / 10000 * x ^ 3 + 20315 / 10000 * x ^ 5.

Fixpoint repeat {A : Type} n (f : A -> A) x := match n with O => x | S n => f (repeat n f x) end.

(** ** Sums over two indices *)
Lemma sum_zero n : sum n (fun _ => 0) = 0.
Proof. rewrite sum_const. ring. Qed.

Lemma sum_swap n m (f : nat -> nat -> R) : sum n (fun i => sum m (f i)) = sum m (fun j => sum n (fun i => f i j)).
Proof.
  induction n as [|n IH]; simpl; [now rewrite sum_zero|]. rewrite IH, <- sum_add. reflexivity.
Qed.

Definition delta (j k : nat) : R := if Nat.eq_dec j k then 1 else 0.

Lemma sum_pick n (a : nat -> R) k : (k < n)%nat -> sum n (fun j => a j * delta j k) = a k.
Proof.
  assert (Out : forall M, (M <= k)%nat -> sum M (fun j => a j * delta j k) = 0).
  { induction M as [|M IH]; intros L; simpl; [easy|]. rewrite IH by lia. unfold delta.
    destruct (Nat.eq_dec M k); [lia|ring]. }
  induction n as [|n IH]; intros K; [lia|]. simpl. unfold delta at 2. destruct (Nat.eq_dec n k) as [->|D].
  - rewrite Out by lia. ring.
  - rewrite IH by lia. ring.
Qed.

(** ** Matrices as functions of row and column, read below n and m *)
Definition matrix := nat -> nat -> R.
Definition transpose (X : matrix) : matrix := fun i j => X j i.
Definition product m (X Y : matrix) : matrix := fun i j => sum m (fun k => X i k * Y k j).

(** X -> a X + b A X + c A^2 X, A = X X^T, for n rows and m columns. *)
Definition step n m (X : matrix) : matrix := let A := product m X (transpose X) in
  fun i j => 34445 / 10000 * X i j - 47750 / 10000 * product n A X i j
    + 20315 / 10000 * product n A (product n A X) i j.

Definition frobenius n m (X : matrix) := sqrt (sum n (fun i => sum m (fun j => X i j ^ 2))).

(** X_0 = X/|X|_F, then five steps; a tall matrix goes through transposed. *)
Definition wide n m (X : matrix) : matrix := repeat 5 (step n m) (fun i j => X i j / frobenius n m X).
Definition newton_schulz n m (X : matrix) : matrix :=
  if le_lt_dec n m then wide n m X else transpose (wide m n (transpose X)).

(** U diag(s) V^T with r singular values. *)
Definition compose r (U : matrix) (s : nat -> R) (V : matrix) : matrix :=
  fun i j => sum r (fun k => U i k * s k * V j k).
Definition orthonormal n r (U : matrix) :=
  forall k l, (k < r)%nat -> (l < r)%nat -> sum n (fun i => U i k * U i l) = delta l k.
Definition same n m (X Y : matrix) := forall i j, (i < n)%nat -> (j < m)%nat -> X i j = Y i j.

Lemma compose_product r n U s W t V i j : orthonormal n r W ->
  product n (compose r U s W) (compose r W t V) i j = compose r U (fun k => s k * t k) V i j.
Proof.
  intros O. unfold product, compose.
  rewrite (sum_ext n _ (fun q => sum r (fun k => sum r (fun l => U i k * s k * W q k * (W q l * t l * V j l))))).
  - rewrite sum_swap. apply sum_ext. intros k K. rewrite sum_swap.
    rewrite (sum_ext r _ (fun l => U i k * s k * (t l * V j l) * delta l k)).
    + rewrite (sum_pick r (fun l => U i k * s k * (t l * V j l))) by easy. ring.
    + intros l L. rewrite <- (O k l K L), <- sum_scale. apply sum_ext. intros q _. ring.
  - intros q _. rewrite Rmult_comm, <- sum_scale. apply sum_ext. intros k _. rewrite Rmult_comm, <- sum_scale.
    reflexivity.
Qed.

Lemma product_ext n X X' Y Y' i j : (forall k, (k < n)%nat -> X i k = X' i k) ->
  (forall k, (k < n)%nat -> Y k j = Y' k j) -> product n X Y i j = product n X' Y' i j.
Proof. intros A B. apply sum_ext. intros. now rewrite A, B. Qed.

Lemma compose_transpose r U s V i j : compose r U s V i j = compose r V s U j i.
Proof. unfold compose. apply sum_ext. intros; ring. Qed.

(** X = U S V^T: X X^T = U S^2 U^T. *)
Lemma gram n m r X U s V i j : orthonormal m r V -> same n m X (compose r U s V) -> (i < n)%nat -> (j < n)%nat ->
  product m X (transpose X) i j = compose r U (fun k => s k * s k) U i j.
Proof.
  intros O E I J. rewrite <- (compose_product r m U s V s U i j O). apply product_ext; intros k K; [now apply E|].
  unfold transpose. rewrite E by easy. apply compose_transpose.
Qed.

Theorem newton_schulz_acts_on_singular_values n m r X U s V : orthonormal n r U -> orthonormal m r V ->
  same n m X (compose r U s V) -> same n m (step n m X) (compose r U (fun k => quintic (s k)) V).
Proof.
  intros OU OV E i j I J.
  assert (B : same n m (product n (product m X (transpose X)) X) (compose r U (fun k => s k * s k * s k) V)).
  { intros p q Hp Hq. rewrite <- (compose_product r n U (fun k => s k * s k) U s V p q OU).
    apply product_ext; intros k K; [now apply (gram n m r X U s V)|now apply E]. }
  unfold step. rewrite B by easy.
  rewrite (product_ext n _ (compose r U (fun k => s k * s k) U) _ (compose r U (fun k => s k * s k * s k) V) i j)
    by (intros k K; first [now apply (gram n m r X U s V)|now apply B]).
  rewrite (compose_product r n U (fun k => s k * s k) U (fun k => s k * s k * s k) V i j OU), E by easy. unfold compose.
  replace (34445 / 10000 * sum r (fun k => U i k * s k * V j k)) with
    (sum r (fun k => 34445 / 10000 * (U i k * s k * V j k))) by apply sum_scale.
  unfold Rminus. rewrite Ropp_mult_distr_l, <- !sum_scale, <- !sum_add. apply sum_ext. intros k _.
  unfold quintic. ring.
Qed.

Lemma same_transpose n m r X U s V : same n m X (compose r U s V) -> same m n (transpose X) (compose r V s U).
Proof. intros E i j I J. unfold transpose. rewrite E by easy. apply compose_transpose. Qed.

(** A tall matrix goes through transposed: V p(S) U^T, transposed back U p(S) V^T. *)
Corollary transposed_step n m r X U s V : orthonormal n r U -> orthonormal m r V -> same n m X (compose r U s V) ->
  same n m (transpose (step m n (transpose X))) (compose r U (fun k => quintic (s k)) V).
Proof.
  intros OU OV E. apply same_transpose, newton_schulz_acts_on_singular_values; auto using same_transpose.
Qed.

(** The Frobenius norm is that of the singular values. *)
Lemma frobenius_values n m r X U s V : orthonormal n r U -> orthonormal m r V -> same n m X (compose r U s V) ->
  frobenius n m X = sqrt (sum r (fun k => s k ^ 2)).
Proof.
  intros OU OV E. unfold frobenius. f_equal. transitivity (sum n (fun i => sum r (fun k => s k ^ 2 * (U i k * U i k)))).
  - apply sum_ext. intros i I. transitivity (product m X (transpose X) i i).
    + unfold product, transpose. apply sum_ext. intros; ring.
    + rewrite (gram n m r X U s V i i OV E I I). unfold compose. apply sum_ext. intros; ring.
  - rewrite sum_swap. apply sum_ext. intros k K. rewrite sum_scale, (OU k k K K). unfold delta.
    destruct (Nat.eq_dec k k); [ring|easy].
Qed.

Theorem newton_schulz_values n m r X U s V : orthonormal n r U -> orthonormal m r V -> same n m X (compose r U s V) ->
  same n m (newton_schulz n m X) (compose r U (fun k => repeat 5 quintic (s k / sqrt (sum r (fun k => s k ^ 2)))) V).
Proof.
  assert (Wide : forall n m r X U s V, orthonormal n r U -> orthonormal m r V -> same n m X (compose r U s V) ->
    same n m (wide n m X) (compose r U (fun k => repeat 5 quintic (s k / sqrt (sum r (fun k => s k ^ 2)))) V)).
  { clear. intros n m r X U s V OU OV E. unfold wide. rewrite (frobenius_values n m r X U s V OU OV E).
    set (f := sqrt _). generalize 5%nat. intros c. induction c as [|c IH].
    - intros i j I J. simpl. rewrite E by easy. unfold compose, Rdiv. rewrite Rmult_comm, <- sum_scale.
      apply sum_ext. intros; ring.
    - simpl. now apply newton_schulz_acts_on_singular_values. }
  intros OU OV E. unfold newton_schulz. destruct (le_lt_dec n m); [now apply Wide|].
  apply same_transpose, Wide; auto using same_transpose.
Qed.

(** ** 5-adically p^k(1/sqrt n) is never 1: its square has a unit above and a multiple of 5 below *)
Definition infinite_at_5 (z : R) := exists N D : Z, z = IZR N / IZR (5 * D) /\ D <> 0%Z /\ Z.gcd 5 N = 1%Z.

Definition on_square (z : R) := z * (34445 / 10000 - 47750 / 10000 * z + 20315 / 10000 * z ^ 2) ^ 2.

Lemma quintic_square x : quintic x ^ 2 = on_square (x ^ 2).
Proof. unfold quintic, on_square. ring. Qed.

Lemma unit_product a b : Z.gcd 5 a = 1%Z -> Z.gcd 5 b = 1%Z -> Z.gcd 5 (a * b) = 1%Z.
Proof.
  intros A B. apply Zgcd_1_rel_prime. apply rel_prime_mult; now apply Zgcd_1_rel_prime.
Qed.

Lemma unit_shift a p : Z.gcd 5 a = 1%Z -> Z.gcd 5 (a + p * 5) = 1%Z.
Proof. intros A. now rewrite Z.gcd_add_mult_diag_r. Qed.

Lemma start_infinite n : (1 <= n)%nat -> infinite_at_5 (on_square (/ INR n)).
Proof.
  intros P. assert (Pos := lt_0_INR n ltac:(lia)). set (z := Z.of_nat n).
  assert (E : INR n = IZR z) by apply INR_IZR_INZ.
  set (I := (6889 * (z * z) - 9550 * z + 4063)%Z).
  exists (I * I)%Z, (800000 * (z * (z * z) * (z * z)))%Z. split; [|split; [unfold z; nia|]].
  - rewrite E in *. unfold on_square, I. rewrite !mult_IZR, !plus_IZR, !minus_IZR, !mult_IZR. simpl. field. lra.
  - apply unit_product; assert (D := Z.div_mod z 5 ltac:(lia)); assert (M := Z.mod_pos_bound z 5 ltac:(lia));
      set (q := (z / 5)%Z) in *; set (r := (z mod 5)%Z) in *; clearbody q r;
      replace I with (6889 * (r * r) + 4063 + (6889 * (5 * (q * q) + 2 * (q * r)) - 1910 * z) * 5)%Z by (unfold I; nia);
      apply unit_shift; assert (C : (r = 0 \/ r = 1 \/ r = 2 \/ r = 3 \/ r = 4)%Z) by lia;
      destruct C as [->|[->|[->|[->| ->]]]]; reflexivity.
Qed.

Lemma stays_infinite z : infinite_at_5 z -> infinite_at_5 (on_square z).
Proof.
  intros [N [D [-> [D0 U]]]]. set (I := (4063 * (N * N) + (6889 * (5 * (D * D)) - 9550 * (N * D)) * 5)%Z).
  assert (UI : Z.gcd 5 I = 1%Z) by (apply unit_shift, unit_product; [reflexivity|now apply unit_product]).
  exists (N * (I * I))%Z, (4000000 * (5 * (5 * (5 * 5))) * (D * (D * D) * (D * D)))%Z. split; [|split].
  - assert (Q : IZR D <> 0) by now apply not_0_IZR. unfold on_square, I.
    rewrite !mult_IZR, !plus_IZR, !mult_IZR, !minus_IZR, !mult_IZR. simpl. field. exact Q.
  - nia.
  - now repeat apply unit_product.
Qed.

Theorem never_one n k : (1 <= n)%nat -> repeat (S k) quintic (/ sqrt (INR n)) <> 1.
Proof.
  intros P E. assert (Pos := lt_0_INR n ltac:(lia)).
  assert (All : forall k, infinite_at_5 (repeat (S k) quintic (/ sqrt (INR n)) ^ 2)).
  { clear k E. induction k as [|k IH].
    - simpl repeat. rewrite quintic_square, pow_inv, pow2_sqrt by lra. now apply start_infinite.
    - change (repeat (S (S k)) quintic (/ sqrt (INR n))) with (quintic (repeat (S k) quintic (/ sqrt (INR n)))).
      rewrite quintic_square. now apply stays_infinite. }
  destruct (All k) as [N [D [F [D0 U]]]]. rewrite E, pow1 in F.
  assert (Q : IZR (5 * D) <> 0) by (apply not_0_IZR; lia).
  assert (G : N = (5 * D)%Z).
  { apply eq_IZR, Rmult_eq_reg_r with (/ IZR (5 * D)); [|now apply Rinv_neq_0_compat].
    rewrite Rinv_r by exact Q. symmetry. exact F. }
  rewrite G in U. rewrite Z.gcd_mul_diag_l in U by lia. discriminate U.
Qed.

(** U^T U = I_n: the result is p^5(1/sqrt n) U, and p^5(1/sqrt n) is not 1. *)
Theorem newton_schulz_never_returns_an_orthogonal_matrix n U : (1 <= n)%nat -> orthonormal n n U ->
  repeat 5 quintic (/ sqrt (INR n)) <> 1 /\
  same n n (newton_schulz n n U) (fun i j => repeat 5 quintic (/ sqrt (INR n)) * U i j) /\
  exists i j, (i < n)%nat /\ (j < n)%nat /\ newton_schulz n n U i j <> U i j.
Proof.
  intros P O. assert (One := never_one n 4 P). set (g := repeat 5 quintic (/ sqrt (INR n))) in *.
  assert (Identity : orthonormal n n delta).
  { intros k l K L. exact (sum_pick n (fun i => delta i k) l L). }
  assert (E : same n n U (compose n U (fun _ => 1) delta)).
  { intros i j I J. unfold compose. rewrite (sum_ext n _ (fun k => U i k * delta k j)), (sum_pick n (U i) j J); [easy|].
    intros k K. unfold delta. destruct (Nat.eq_dec j k), (Nat.eq_dec k j); try lia; ring. }
  assert (Value : same n n (newton_schulz n n U) (fun i j => g * U i j)).
  { intros i j I J. rewrite (newton_schulz_values n n n U U (fun _ => 1) delta O Identity E i j I J), (E i j I J).
    unfold compose. rewrite <- sum_scale. apply sum_ext. intros k K.
    replace (1 / sqrt (sum n (fun _ => 1 ^ 2))) with (/ sqrt (INR n)); [fold g; ring|].
    unfold Rdiv. rewrite Rmult_1_l, sum_const. do 2 f_equal. ring. }
  split; [exact One|]. split; [exact Value|].
  destruct (classic (exists i j, (i < n)%nat /\ (j < n)%nat /\ newton_schulz n n U i j <> U i j)) as [Yes|No];
    [exact Yes|exfalso]. assert (Zero : forall i, (i < n)%nat -> U i 0%nat = 0).
  { intros i I. destruct (Req_dec (U i 0%nat) 0) as [Z|N]; [exact Z|exfalso]. apply No. exists i, 0%nat.
    split; [exact I|]. split; [lia|]. rewrite Value by lia. intros F. apply One.
    apply Rmult_eq_reg_r with (U i 0%nat); lra. }
  assert (F := O 0%nat 0%nat ltac:(lia) ltac:(lia)). rewrite (sum_ext n _ (fun _ => 0)), sum_zero in F.
  - unfold delta in F. simpl in F. lra.
  - intros i I. rewrite Zero by easy. ring.
Qed.
Print Assumptions newton_schulz_acts_on_singular_values.
Print Assumptions transposed_step.
Print Assumptions newton_schulz_values.
Print Assumptions newton_schulz_never_returns_an_orthogonal_matrix.
