(** Vectors and quadratic forms by their coordinates, in exact fractions, and a proved test of positivity.

    A certificate's rows are forms in unknown numbers y and unknown vectors x of any inner product space;
    [value] says what a form means there, [nonnegative] decides by fraction-free elimination over the integers
    whether a form without linear part is a sum of squares, and [nonnegative_sound] is all that a proof needs. *)

From Coq Require Export QArith Qreals List Bool.
From PISA Require Export Space.
Export ListNotations.
Open Scope R_scope.

Arguments Q2R : simpl never.
Arguments Qred : simpl never.
Arguments Qplus : simpl never.
Arguments Qmult : simpl never.

(** ** Fractions in lowest terms; most of them are 0 *)

Definition plus_Q (a b : Q) : Q := match Qnum a, Qnum b with Z0, _ => b | _, Z0 => a | _, _ => Qred (a + b) end.
Definition times_Q (a b : Q) : Q := match Qnum a, Qnum b with Z0, _ | _, Z0 => 0%Q | _, _ => Qred (a * b) end.

Lemma Q2R_red a : Q2R (Qred a) = Q2R a.
Proof. apply Qeq_eqR, Qred_correct. Qed.
Lemma Q2R_zero : Q2R 0 = 0. Proof. unfold Q2R; simpl; lra. Qed.
Lemma Q2R_one : Q2R 1 = 1. Proof. unfold Q2R; simpl; lra. Qed.
Lemma Q2R_two : Q2R 2 = 2. Proof. unfold Q2R; simpl; lra. Qed.
Lemma Q2R_minus_one : Q2R (-1) = -1. Proof. unfold Q2R; simpl; lra. Qed.
Lemma numerator_zero a : Qnum a = Z0 -> Q2R a = 0.
Proof. intros E. unfold Q2R. rewrite E. ring. Qed.
Lemma Q2R_add a b : Q2R (plus_Q a b) = Q2R a + Q2R b.
Proof.
  unfold plus_Q. destruct (Qnum a) eqn:A; [rewrite (numerator_zero a A); ring|..];
    (destruct (Qnum b) eqn:B; [rewrite (numerator_zero b B); ring|..]); now rewrite Q2R_red, Q2R_plus.
Qed.
Lemma Q2R_times a b : Q2R (times_Q a b) = Q2R a * Q2R b.
Proof.
  unfold times_Q. destruct (Qnum a) eqn:A; [rewrite (numerator_zero a A), Q2R_zero; ring|..];
    (destruct (Qnum b) eqn:B; [rewrite (numerator_zero b B), Q2R_zero; ring|..]); now rewrite Q2R_red, Q2R_mult.
Qed.

Definition positive_Q (a : Q) : bool := (0 <? Qnum a)%Z.
Definition nonnegative_Q (a : Q) : bool := (0 <=? Qnum a)%Z.
Definition zero_Q (a : Q) : bool := (Qnum a =? 0)%Z.
Lemma positive_Q_sound a : positive_Q a = true -> 0 < Q2R a.
Proof. intros E. apply Z.ltb_lt, IZR_lt in E. unfold Q2R. apply Rmult_lt_0_compat; [easy|].
  now apply Rinv_0_lt_compat, IZR_lt. Qed.
Lemma nonnegative_Q_sound a : nonnegative_Q a = true -> 0 <= Q2R a.
Proof. intros E. apply Z.leb_le, IZR_le in E. unfold Q2R. apply Rmult_le_pos; [easy|].
  now apply Rlt_le, Rinv_0_lt_compat, IZR_lt. Qed.
Lemma zero_Q_sound a : zero_Q a = true -> Q2R a = 0.
Proof. intros E. now apply numerator_zero, Z.eqb_eq. Qed.
Lemma Q2R_quotient a b : Q2R b <> 0 -> Q2R (a / b) = Q2R a / Q2R b.
Proof. intros N. apply Q2R_div. intros H. apply Qeq_eqR in H. now rewrite Q2R_zero in H. Qed.

(** ** Vectors: lists of coordinates, as long as need be *)

Definition vec := list Q.
Fixpoint vadd (u v : vec) : vec :=
  match u, v with [], v => v | u, [] => u | a :: u, b :: v => plus_Q a b :: vadd u v end.
Definition vscale (c : Q) (v : vec) : vec := match Qnum c with Z0 => [] | _ => map (times_Q c) v end.
Fixpoint unit (n : nat) : vec := match n with O => [1%Q] | S n => 0%Q :: unit n end.
Definition vsub u v := vadd u (vscale (-1) v).
Definition zero_vec (v : vec) := forallb zero_Q v.

Fixpoint eval {V : space} (v : vec) (x : nat -> V) : V :=
  match v with [] => zero | a :: v => (Q2R a * x 0%nat + eval v (fun n => x (S n)))%V end.

Section Eval.
Variable V : space.
Implicit Type x : nat -> V.
Lemma eval_add u : forall v x, eval (vadd u v) x = (eval u x + eval v x)%V.
Proof. induction u as [|a u IH]; destruct v as [|b v]; intros x; simpl; [vector..|]. rewrite IH, Q2R_add. vector. Qed.
Lemma eval_scale c v x : eval (vscale c v) x = (Q2R c * eval v x)%V.
Proof.
  assert (E : forall x, eval (map (times_Q c) v) x = (Q2R c * eval v x)%V).
  { induction v as [|a v IH]; intros z; simpl; [vector|]. rewrite IH, Q2R_times. vector. }
  unfold vscale. destruct (Qnum c) eqn:C; [|apply E..]. rewrite (numerator_zero c C). simpl. vector.
Qed.
Lemma eval_unit n : forall x, eval (unit n) x = x n.
Proof. induction n; intros x; simpl; [rewrite Q2R_one; vector|]. rewrite IHn, Q2R_zero. vector. Qed.
Lemma eval_sub u v x : eval (vsub u v) x = (eval u x - eval v x)%V.
Proof. unfold vsub. now rewrite eval_add, eval_scale, Q2R_minus_one. Qed.
Lemma eval_zero v : zero_vec v = true -> forall x, eval v x = 0%V.
Proof.
  induction v as [|a v IH]; intros E x; simpl in *; [easy|]. apply andb_prop in E as [A E].
  rewrite (zero_Q_sound a A), (IH E). vector.
Qed.
End Eval.

(** ** Quadratic forms: upper triangles, sum over i <= j of T_ij <x_i, x_j> *)

Definition triangle := list vec.
Fixpoint quadratic_value {V : space} (T : triangle) (x : nat -> V) : R :=
  match T with [] => 0 | u :: T => ⟨x 0%nat, eval u x⟩ + quadratic_value T (fun n => x (S n)) end.
Fixpoint tadd (T U : triangle) : triangle :=
  match T, U with [], U => U | T, [] => T | u :: T, v :: U => vadd u v :: tadd T U end.
Definition tscale (c : Q) (T : triangle) : triangle := match Qnum c with Z0 => [] | _ => map (vscale c) T end.
(** <u, v> *)
Fixpoint product (u v : vec) : triangle :=
  match u, v with a :: u, b :: v => (times_Q a b :: vadd (vscale a v) (vscale b u)) :: product u v | _, _ => [] end.

Section Quadratic.
Variable V : space.
Implicit Types x : nat -> V.
Lemma quadratic_add T : forall U x, quadratic_value (tadd T U) x = quadratic_value T x + quadratic_value U x.
Proof. induction T as [|u T IH]; destruct U as [|v U]; intros x; simpl; try lra. rewrite IH, eval_add, inner_add_r. lra.
  Qed.
Lemma quadratic_scale c T x : quadratic_value (tscale c T) x = Q2R c * quadratic_value T x.
Proof.
  assert (E : forall x, quadratic_value (map (vscale c) T) x = Q2R c * quadratic_value T x).
  { induction T as [|u T IH]; intros z; simpl; [lra|]. rewrite IH, eval_scale, inner_scale_r. lra. }
  unfold tscale. destruct (Qnum c) eqn:C; [|apply E..]. rewrite (numerator_zero c C). simpl. lra.
Qed.
Lemma quadratic_product u : forall v x, quadratic_value (product u v) x = ⟨eval u x, eval v x⟩.
Proof.
  induction u as [|a u IH]; destruct v as [|b v]; intros x; simpl; autorewrite with inner; try lra.
  rewrite IH, Q2R_times, eval_add, !eval_scale. expand. ring.
Qed.
End Quadratic.

(** ** Forms: linear in numbers y, quadratic in vectors x *)

Record form := Form { linear : vec; quadratic : triangle }.
Definition value {V : space} (f : form) (y : nat -> R) (x : nat -> V) : R :=
  @eval line (linear f) y + quadratic_value (quadratic f) x.
Definition real v := Form v [].
Definition pair (u v : vec) := Form [] (product u v).
Definition fadd f g := Form (vadd (linear f) (linear g)) (tadd (quadratic f) (quadratic g)).
Definition fscale c f := Form (vscale c (linear f)) (tscale c (quadratic f)).
Definition fsub f g := fadd f (fscale (-1) g).

Section Value.
Variables (V : space) (y : nat -> R) (x : nat -> V).
Lemma value_real v : value (real v) y x = @eval line v y.
Proof. unfold value; simpl; lra. Qed.
Lemma value_pair u v : value (pair u v) y x = ⟨eval u x, eval v x⟩.
Proof. unfold value; simpl. rewrite quadratic_product. lra. Qed.
Lemma value_add f g : value (fadd f g) y x = value f y x + value g y x.
Proof. unfold value; simpl. rewrite eval_add, quadratic_add. cbn. lra. Qed.
Lemma value_scale c f : value (fscale c f) y x = Q2R c * value f y x.
Proof. unfold value; simpl. rewrite eval_scale, quadratic_scale. cbn. lra. Qed.
Lemma value_sub f g : value (fsub f g) y x = value f y x - value g y x.
Proof. unfold fsub. rewrite value_add, value_scale, Q2R_minus_one. lra. Qed.
Lemma line_add u v : @eval line (vadd u v) y = @eval line u y + @eval line v y.
Proof. apply (eval_add line). Qed.
Lemma line_scale c u : @eval line (vscale c u) y = Q2R c * @eval line u y.
Proof. apply (eval_scale line). Qed.
Lemma line_sub u v : @eval line (vsub u v) y = @eval line u y - @eval line v y.
Proof. rewrite eval_sub. cbn. lra. Qed.
Lemma line_unit n : @eval line (unit n) y = y n.
Proof. apply (eval_unit line). Qed.
End Value.

(** ** Positivity, over the integers

    [symmetric_value] reads the upper triangle of a symmetric matrix. One step of elimination without fractions
    (Bareiss) replaces M by (d M - l l^T) / c, where d and l are its first row and c the pivot before. *)

Fixpoint eval_Z {V : space} (v : list Z) (x : nat -> V) : V :=
  match v with [] => zero | a :: v => (IZR a * x 0%nat + eval_Z v (fun n => x (S n)))%V end.
Fixpoint symmetric_value {V : space} (M : list (list Z)) (x : nat -> V) : R :=
  match M with
  | [] => 0
  | [] :: M => symmetric_value M (fun n => x (S n))
  | (d :: l) :: M => IZR d * ‖x 0%nat‖² + 2 * ⟨x 0%nat, eval_Z l (fun n => x (S n))⟩ + symmetric_value M (fun n => x (S n))
  end.

Definition scale_Z (D : Z) (a : Q) : Z := (Qnum a * (D / QDen a))%Z.
Definition exact_Z (D : Z) (a : Q) : bool := (QDen a * (D / QDen a) =? D)%Z.
Definition integral (D : Z) (T : triangle) : list (list Z) :=
  map (fun u => match u with [] => [] | d :: l => (2 * scale_Z D d)%Z :: map (scale_Z D) l end) T.
Definition common (T : triangle) : Z := fold_right (fun u D => fold_right (fun a D => Z.lcm (QDen a) D) D u) 1%Z T.

Fixpoint zadd (u v : list Z) : list Z :=
  match u, v with [], v => v | u, [] => u | a :: u, b :: v => (a + b)%Z :: zadd u v end.
Fixpoint madd (M N : list (list Z)) : list (list Z) :=
  match M, N with [], N => N | M, [] => M | u :: M, v :: N => zadd u v :: madd M N end.
Definition mscale (c : Z) : list (list Z) -> list (list Z) := map (map (Z.mul c)).
(** - l l^T *)
Fixpoint minus_square (l : list Z) : list (list Z) :=
  match l with [] => [] | a :: l' => map (Z.mul (- a)) l :: minus_square l' end.
Definition divide (c : Z) : list (list Z) -> list (list Z) := map (map (fun a => (a / c)%Z)).
Definition divisible (c : Z) : list (list Z) -> bool := forallb (forallb (fun a => (c * (a / c) =? a)%Z)).

Fixpoint eliminate (fuel : nat) (c : Z) (M : list (list Z)) : bool :=
  match fuel, M with
  | _, [] => true
  | O, _ => false
  | S n, [] :: M => eliminate n c M
  | S n, (d :: l) :: M =>
      if (d =? 0)%Z then forallb (Z.eqb 0) l && eliminate n c M
      else let N := madd (mscale d M) (minus_square l) in
        (0 <? d)%Z && divisible c N && eliminate n d (divide c N)
  end.

Definition nonnegative (f : form) : bool :=
  let D := common (quadratic f) in
  zero_vec (linear f) && (0 <? D)%Z && forallb (forallb (exact_Z D)) (quadratic f)
  && eliminate (2 * length (quadratic f)) 1 (integral D (quadratic f)).

Section Positivity.
Variable V : space.
Implicit Types x : nat -> V.

Lemma eval_zadd u : forall v x, eval_Z (zadd u v) x = (eval_Z u x + eval_Z v x)%V.
Proof. induction u as [|a u IH]; destruct v as [|b v]; intros x; simpl; [vector..|]. rewrite IH, plus_IZR. vector. Qed.
Lemma eval_zscale c v : forall x, eval_Z (map (Z.mul c) v) x = (IZR c * eval_Z v x)%V.
Proof. induction v as [|a v IH]; intros x; simpl; [vector|]. rewrite IH, mult_IZR. vector. Qed.

Lemma symmetric_add M : forall N x, symmetric_value (madd M N) x = symmetric_value M x + symmetric_value N x.
Proof.
  induction M as [|u M IH]; destruct N as [|v N]; intros x; simpl; try lra.
  destruct u as [|a u], v as [|b v]; simpl; rewrite IH; try lra.
  rewrite eval_zadd, plus_IZR, inner_add_r. lra.
Qed.
Lemma symmetric_scale c M : forall x, symmetric_value (mscale c M) x = IZR c * symmetric_value M x.
Proof.
  induction M as [|[|a u] M IH]; intros x; simpl; [lra|apply IH|].
  unfold mscale in IH. rewrite IH, eval_zscale, mult_IZR, inner_scale_r. lra.
Qed.
Lemma symmetric_minus_square l : forall x, symmetric_value (minus_square l) x = - ‖eval_Z l x‖².
Proof.
  induction l as [|a l IH]; intros x; simpl; autorewrite with inner; [lra|].
  rewrite IH, eval_zscale, mult_IZR, opp_IZR. expand. ring.
Qed.
Lemma eval_divide c v : forallb (fun a => (c * (a / c) =? a)%Z) v = true ->
  forall x, (IZR c * eval_Z (map (fun a => (a / c)%Z) v) x)%V = eval_Z v x.
Proof.
  induction v as [|a v IH]; intros E x; cbn [map forallb eval_Z] in *; [vector|]. apply andb_prop in E as [A E].
  apply Z.eqb_eq in A. rewrite <- A at 2. rewrite <- (IH E), mult_IZR. vector.
Qed.
Lemma symmetric_divide c M : divisible c M = true ->
  forall x, IZR c * symmetric_value (divide c M) x = symmetric_value M x.
Proof.
  unfold divisible, divide.
  induction M as [|[|a u] M IH]; intros E x; cbn [map forallb symmetric_value] in *; [lra|now apply IH|].
  apply andb_prop in E as [A E]. apply andb_prop in A as [A U]. apply Z.eqb_eq in A.
  rewrite <- (IH E), <- (eval_divide c u U), inner_scale_r. rewrite <- A at 2. rewrite mult_IZR. ring.
Qed.
Lemma eval_Z_zero l : forallb (Z.eqb 0) l = true -> forall x, eval_Z l x = 0%V.
Proof.
  induction l as [|a l IH]; intros E x; cbn [forallb eval_Z] in *; [easy|]. apply andb_prop in E as [A E].
  apply Z.eqb_eq in A. rewrite <- A, (IH E). vector.
Qed.

Lemma eliminate_sound fuel : forall c M x, (0 < c)%Z -> eliminate fuel c M = true -> 0 <= symmetric_value M x.
Proof.
  induction fuel as [|n IH]; intros c [|[|d l] M] x C E; cbn [eliminate symmetric_value] in *; try easy; try lra.
  - now apply (IH c).
  - destruct (d =? 0)%Z eqn:D.
    + apply Z.eqb_eq in D as ->. apply andb_prop in E as [L E]. rewrite (eval_Z_zero l L), inner_zero_r.
      specialize (IH c M (fun n => x (S n)) C E). lra.
    + apply andb_prop in E as [E Rest]. apply andb_prop in E as [P E]. apply Z.ltb_lt in P.
      specialize (IH d _ (fun n => x (S n)) P Rest). set (x' := fun n => x (S n)) in *.
      assert (H := symmetric_divide c _ E x'). rewrite symmetric_add, symmetric_scale, symmetric_minus_square in H.
      apply IZR_lt in P, C. assert (S := inner_nonneg _ (IZR d * x 0%nat + eval_Z l x')%V). autorewrite with inner in S.
      rewrite (inner_sym _ (eval_Z l x') (x 0%nat)) in S.
      apply Rmult_le_reg_l with (IZR d); [easy|]. rewrite Rmult_0_r.
      assert (0 <= IZR c * symmetric_value (divide c (madd (mscale d M) (minus_square l))) x') by (apply Rmult_le_pos;
          lra).
      lra.
Qed.

Lemma scale_Z_exact D a : exact_Z D a = true -> IZR (scale_Z D a) = IZR D * Q2R a.
Proof.
  unfold exact_Z, scale_Z, Q2R. intros E. apply Z.eqb_eq in E. rewrite <- E at 2. rewrite !mult_IZR.
  field. apply not_0_IZR. easy.
Qed.
Lemma eval_exact D v : forallb (exact_Z D) v = true -> forall x, eval_Z (map (scale_Z D) v) x = (IZR D * eval v x)%V.
Proof.
  induction v as [|a v IH]; intros E x; cbn [map forallb eval eval_Z] in *; [vector|]. apply andb_prop in E as [A E].
  rewrite (IH E), (scale_Z_exact D a A). vector.
Qed.
Lemma integral_value D T : forallb (forallb (exact_Z D)) T = true ->
  forall x, symmetric_value (integral D T) x = 2 * IZR D * quadratic_value T x.
Proof.
  unfold integral.
  induction T as [|[|a u] T IH]; intros E x; cbn [map forallb symmetric_value quadratic_value eval] in *; [lra| |].
  - rewrite (IH E), inner_zero_r. lra.
  - apply andb_prop in E as [A E]. apply andb_prop in A as [A U].
    rewrite (IH E), (eval_exact D u U), mult_IZR, (scale_Z_exact D a A), inner_add_r, !inner_scale_r. lra.
Qed.

Theorem nonnegative_sound f y x : nonnegative f = true -> 0 <= value f y x.
Proof.
  unfold nonnegative, value. intros E. apply andb_prop in E as [E M]. apply andb_prop in E as [E X].
  apply andb_prop in E as [L P].
  rewrite (eval_zero line _ L). apply (eliminate_sound _ 1 _ x) in M; [|lia]. rewrite (integral_value _ _ X) in M.
  apply Z.ltb_lt, IZR_lt in P. cbn [line zero]. nra.
Qed.
End Positivity.
