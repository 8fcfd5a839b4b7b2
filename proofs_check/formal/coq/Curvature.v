(** Curvature in [low, high]: what a certificate assumes of a client's function, and what follows from it. *)

From PISA Require Export Smooth.

(** F is differentiable with gradient G, and its second-order remainder lies between low and high times half |v|^2. *)
Definition bounds {V : space} (low high : R) (F : V -> R) (G : V -> V) := forall x v,
  F x + ⟨G x, v⟩ + low / 2 * ‖v‖² <= F (x + v)%V <= F x + ⟨G x, v⟩ + high / 2 * ‖v‖².

Lemma bounds_smooth (V : space) L (F : V -> R) G : 0 < L -> smooth L F G -> bounds (- L) L F G.
Proof. intros P S x v. split; [assert (A := ascent_lemma V L F G x v P S); lra|now apply descent_lemma]. Qed.

Lemma bounds_convex (V : space) L (F : V -> R) G : 0 < L -> smooth L F G -> convex F -> bounds 0 L F G.
Proof.
  intros P S C x v. split; [|now apply descent_lemma]. assert (T := tangent V L F G x (x + v)%V S C).
  replace (x + v - x)%V with v in T by vector. lra.
Qed.

(** Strongly convex: F - mu |.|^2 / 2 is convex. *)
Lemma bounds_strongly_convex (V : space) mu L (F : V -> R) G : 0 < mu -> 0 < L -> smooth L F G ->
  convex (fun x => F x - mu / 2 * ‖x‖²) -> bounds mu L F G.
Proof.
  intros Mu P S C x v. split; [|now apply descent_lemma].
  assert (S' : smooth (L + mu) (fun x => F x - mu / 2 * ‖x‖²) (fun x => G x - mu * x)%V).
  { split.
    - intros z u. replace ⟨G z - mu * z, u⟩ with (⟨G z, u⟩ - ⟨mu * z, u⟩) by (expand_goal; ring).
      apply (derivable_pt_lim_minus (fun t => F (z + t * u)%V) (fun t => mu / 2 * ‖z + t * u‖²)); [apply S|].
      apply (gradient_of_remainder V (mu / 2) (fun z => mu / 2 * ‖z‖²) (fun z => mu * z)%V); [lra|]. intros a b.
      replace (mu / 2 * ‖a + b‖² - mu / 2 * ‖a‖² - ⟨mu * a, b⟩) with (mu / 2 * ‖b‖²) by (expand_goal; field).
      rewrite Rabs_right; [lra|]. apply Rle_ge, Rmult_le_pos; [lra|apply inner_nonneg].
    - intros a b. assert (B := lipschitz _ _ _ _ S a b).
      assert (Y := young V (mu / L) (- (G a - G b))%V (mu * (a - b))%V ltac:(positive)).
      assert (B' := Rmult_le_compat_l (mu / L) _ _ ltac:(sign) B).
      replace (mu / L * (L * L * ‖a - b‖²)) with (mu * L * ‖a - b‖²) in B' by fraction.
      replace (/ (mu / L)) with (L / mu) in Y by fraction.
      replace (L / mu * ‖mu * (a - b)‖²) with (mu * L * ‖a - b‖²) in Y by (autorewrite with inner; fraction).
      replace (G a - mu * a - (G b - mu * b))%V with ((G a - G b) - mu * (a - b))%V by vector.
      set (d := (a - b)%V) in *. set (e := (G a - G b)%V) in *. clearbody d e. expand. lra. }
  assert (T := tangent V (L + mu) _ _ x (x + v)%V S' C). cbv beta in T. replace (x + v - x)%V with v in T by vector.
  expand. lra.
Qed.

(** The two inequalities are enough for differentiability: G is the gradient. *)
Lemma bounds_gradient (V : space) low high (F : V -> R) G : bounds low high F G ->
  forall x v, derivable_pt_lim (fun t => F (x + t * v)%V) 0 ⟨G x, v⟩.
Proof.
  intros B. apply (gradient_of_remainder V ((Rabs low + Rabs high) / 2)).
  - assert (P := Rabs_pos low). assert (Q := Rabs_pos high). lra.
  - intros x v. destruct (B x v) as [L U]. assert (P := inner_nonneg _ v).
    assert (A := Rle_abs high). assert (A' := Rle_abs (- low)). rewrite Rabs_Ropp in A'.
    assert (H := Rmult_le_compat_r _ _ _ P A). assert (H' := Rmult_le_compat_r _ _ _ P A').
    assert (Z := Rmult_le_pos _ _ (Rabs_pos low) P). assert (Z' := Rmult_le_pos _ _ (Rabs_pos high) P).
    apply Rabs_le. split; lra.
Qed.

(** Interpolation (Taylor, Hendrickx and Glineur 2017, theorem 4), for any low < high. *)
Lemma bounds_interpolation (V : space) low high (F : V -> R) G x y : low < high -> bounds low high F G ->
  ⟨G y, x - y⟩ + (‖G x - G y‖² + low * high * ‖x - y‖² - 2 * low * ⟨G x - G y, x - y⟩) / (2 * (high - low)) <= F x - F y.
Proof.
  intros P B. set (v := (- / (high - low) * ((G x - G y) - low * (x - y)))%V).
  assert (U := proj2 (B x v)). assert (D := proj1 (B y (v + (x - y))%V)).
  replace (y + (v + (x - y)))%V with (x + v)%V in D by vector. unfold v in *. clear v. set (f := F (_ + _)%V) in *.
  clearbody f.
  certify (plus (row 1 _ _ U _) (row 1 _ _ D _)).
Qed.

(** A ridge lambda |x|^2 / 2 adds lambda to both ends. *)
Lemma bounds_ridge (V : space) low high ridge (F : V -> R) G : bounds low high F G ->
  bounds (low + ridge) (high + ridge) (fun x => F x + ridge / 2 * ‖x‖²) (fun x => G x + ridge * x)%V.
Proof. intros B x v. destruct (B x v) as [L U]. expand. split; lra. Qed.

(** What lies above a number everywhere is there by at least |gradient|^2 / (2 high). *)
Lemma bounds_infimum (V : space) low high (F : V -> R) G inf x : 0 < high -> bounds low high F G ->
  (forall z, inf <= F z) -> / (2 * high) * ‖G x‖² <= F x - inf.
Proof.
  intros P B I. specialize (I (x + - / high * G x)%V). assert (U := proj2 (B x (- / high * G x)%V)).
  assert (E : ⟨G x, - / high * G x⟩ + high / 2 * ‖- / high * G x‖² = - / (2 * high) * ‖G x‖²) by (expand_goal;
      fraction).
  lra.
Qed.

(** A minimiser's gradient is 0. *)
Lemma bounds_minimiser (V : space) low high (F : V -> R) G star : 0 < high -> bounds low high F G ->
  (forall z, F star <= F z) -> G star = 0%V.
Proof.
  intros P B I. apply norm_zero. assert (E := bounds_infimum V low high F G (F star) star P B I).
  assert (C : 0 < / (2 * high)) by positive. nra.
Qed.
