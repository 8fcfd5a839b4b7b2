(** Functions of the real line with a piecewise linear derivative, given by its knots: exact witnesses are such
  functions.

    The derivative is a + b x + sum c |x - t| over the knots (t, c); the function itself is then known in closed form.
      *)

From Coq Require Export List.
From PISA Require Export Smooth.
Export ListNotations.

Definition hinge (t x : R) : R := (x - t) * Rabs (x - t) / 2.

Fixpoint knotted (f : R -> R -> R) (knots : list (R * R)) (x : R) : R :=
  match knots with [] => 0 | (t, c) :: more => c * f t x + knotted f more x end.
Definition slope_at a b knots (x : line) : line := (a + b * x + knotted (fun t x => Rabs (x - t)) knots x)%R.
Definition parabola a b (x : line) : R := (a * x + b * (x * x) / 2)%R.
Definition value_at a b knots (x : line) : R := (parabola a b x + knotted hinge knots x)%R.

Ltac cases_of_abs := unfold Rabs; repeat (match goal with |- context [Rcase_abs ?a] => destruct (Rcase_abs a) end; try
  lra).

Lemma hinge_derivative t (x v : line) : derivable_pt_lim (fun s => hinge t (x + s * v)%V) 0 (Rabs (x - t) * v).
Proof.
  apply (gradient_of_remainder line (/ 2) (hinge t : line -> R) (fun x => Rabs (x - t)) ltac:(lra)).
  clear x v. intros x v. unfold hinge. cbn in *. set (u := x - t). replace (x + v - t) with (u + v) by (unfold u; ring).
  clearbody u. apply Rabs_le. unfold Rabs.
  destruct (Rcase_abs (u + v)) as [A|A], (Rcase_abs u) as [B|B]; try apply Rge_le in A; try apply Rge_le in B; split;
    nra.
Qed.

Lemma knotted_derivative knots (x v : line) :
  derivable_pt_lim (fun s => knotted hinge knots (x + s * v)%V) 0 (knotted (fun t x => Rabs (x - t)) knots x * v).
Proof.
  induction knots as [|[t c] more IH]; simpl.
  - rewrite Rmult_0_l. apply derivable_pt_lim_const.
  - rewrite Rmult_plus_distr_r, Rmult_assoc. apply (derivable_pt_lim_plus (fun s => c * hinge t (x + s * v)%V));
    [|exact IH].
    apply (derivable_pt_lim_scal (fun s => hinge t (x + s * v)%V)), hinge_derivative.
Qed.

(** All that is left to see: the slope is 1-Lipschitz. *)
Theorem piecewise_smooth a b knots :
  (forall x y, x <= y -> - (y - x) <= slope_at a b knots y - slope_at a b knots x <= y - x) ->
  smooth 1 (value_at a b knots) (slope_at a b knots).
Proof.
  intros Lip. split.
  - intros x v. replace ⟨slope_at a b knots x, v⟩ with ((a * v + b * x * v) + knotted (fun t x => Rabs (x - t)) knots
    x * v)
      by (unfold slope_at; cbn; ring).
    apply (derivable_pt_lim_plus (fun s => parabola a b (x + s * v)%V)); [|apply knotted_derivative].
    replace (a * v + b * x * v) with (@inner line (a + b * x)%R v) by (cbn; ring).
    apply (gradient_of_remainder line (Rabs b / 2) (parabola a b) (fun x : line => (a + b * x)%R)).
    + assert (P := Rabs_pos b); lra.
    + clear x v. intros x v. unfold parabola. cbn in *. replace (_ - _ - _) with (b / 2 * (v * v)) by field.
      rewrite Rabs_mult. replace (Rabs (b / 2)) with (Rabs b / 2) by (unfold Rdiv; rewrite Rabs_mult, (Rabs_right (/
        2)); lra).
      rewrite (Rabs_right (v * v)) by nra. lra.
  - intros x y. set (g := slope_at a b knots) in *. cbn in *. destruct (Rle_lt_dec x y) as [H|H].
    + specialize (Lip x y H). nra.
    + specialize (Lip y x ltac:(lra)). nra.
Qed.

(** Values at given points. *)
Ltac evaluate := unfold value_at, parabola, slope_at, knotted, hinge; repeat match goal with |- context [Rabs ?a] =>
  first [rewrite (Rabs_right a) by lra | rewrite (Rabs_left1 a) by lra] end.
