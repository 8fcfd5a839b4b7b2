(** Constant penalties leave a floor: upper bounds in closed form and at kappa >= 2 (claims T5-variance-floor,
    T5-floor-exact-at-2; its lower bound is in Stationary.v). L = 1.

    Probability: as in Stochastic.v, [V] is any space of random vectors with E<X, Y> as inner product. *)

From PISA Require Export Stochastic Series.

(** What one step of a constant-penalty run with estimates does: p the estimate before, e the noise. *)
Record constant_run {V : space} (G : V -> V) (v kappa : R) (w before noise : nat -> V) : Prop := {
  next_before : forall k, before (S k) = (G (w k) + noise k)%V;
  next_place : forall k, w (S k) = (w k + / kappa * (before k - 2 * (G (w k) + noise k)))%V;
  clean_before : forall k, ⟨before k, noise k⟩ = 0;
  clean_gradient : forall k, ⟨G (w k), noise k⟩ = 0;
  clean_average : forall k, ⟨G (w k + / kappa * before k)%V, noise k⟩ = 0;
  small_noise : forall k, ‖noise k‖² <= v
}.

Section Constant.
Variable V : space.
Variables (m : nat) (weight sigma : nat -> R).
Variables (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Variables (F : V -> R) (G : V -> V) (v least : R) (past : nat -> V -> Prop).
Notation k_ := (sum m (fun i => weight i * sigma i)).
Notation before := (memory m weight dual).
Notation estimate k := (mean V m weight (grad (S k))).
Hypothesis F_smooth : smooth 1 F G.
Hypothesis bounded : forall x, least <= F x.
Hypothesis samples : sampled G v past (fun k => w (S k)) before (fun k => estimate k).
Hypothesis run : pisa V m weight 0 (fun _ => sigma) (fun _ _ _ => 0%V) grad w local dual.

Lemma is_constant_run : 0 < k_ ->
  constant_run G v k_ (fun k => w (S k)) before (fun k => estimate k - G (w (S k)))%V.
Proof.
  intros P. assert (A := own_order V m weight (fun _ => sigma) grad w local dual (fun _ => P) run).
  destruct A as [Remember Move]. unfold kappa in Move. split; intros k.
  - rewrite Remember. vector.
  - assert (E := Move k). rewrite Remember in E. apply (f_equal (fun u => (u - / k_ * estimate k)%V)) in E.
    replace (w (S (S k)) + / k_ * estimate k - / k_ * estimate k)%V with (w (S (S k))) in E by vector.
    rewrite E. vector.
  - apply (unbiased _ _ _ _ _ _ samples), (known_before _ _ _ _ _ _ samples).
  - apply (unbiased _ _ _ _ _ _ samples), (known_gradient _ _ _ _ _ _ samples), (known_w _ _ _ _ _ _ samples k).
  - apply (unbiased _ _ _ _ _ _ samples), (known_gradient _ _ _ _ _ _ samples), (known_sum _ _ _ _ _ _ samples);
      [apply (known_w _ _ _ _ _ _ samples k)|apply (known_before _ _ _ _ _ _ samples)].
  - apply (variance _ _ _ _ _ _ samples).
Qed.

(** ** The closed form, every kappa > 3/2 *)
(** T5-variance-floor. Over any space of random vectors with E<X, Y>, finite ones among them. *)
Theorem T5_variance_floor : 3 / 2 < k_ ->
  average_at_most (fun k => ‖G (w (S k))‖²) (v / (2 * k_ + 1 - 2 * sqrt (1 + 2 * k_))).
Proof.
  intros Large. set (K := k_) in *. assert (Root := sqrt_sqrt (1 + 2 * K) ltac:(lra)).
  set (s := sqrt (1 + 2 * K) - 1). assert (Ks : K = s * (s + 2) / 2) by (unfold s; nra).
  assert (Ps : 1 < s).
  { unfold s. assert (N := sqrt_pos (1 + 2 * K)). nra. }
  replace (2 * K + 1 - 2 * sqrt (1 + 2 * K)) with (s ^ 2 - 1) by (unfold s; nra).
  assert (Ps0 : 0 < s) by lra. assert (D : forall k : nat, 0 < K <= K) by (intros; lra).
  assert (St := fun k => T5_both_orders_own V m weight (fun _ => sigma) grad w local dual F G v past F_smooth samples D
    s k Ps0 run).
  unfold kappa in St. fold K in St. cbv beta zeta in St.
  set (potential := fun k => F (w (S k) + / K * before k)%V + (2 / K - / K) / (2 * s * K) * ‖before k‖²).
  set (noise := ((2 / K - / K) ^ 2 / 2 + (2 / K - / K) / (2 * s * K)) * v).
  set (c := (2 / K - / K) * (1 - s / (2 * K) - (2 / K - / K) / 2) - (2 / K - / K) / (2 * s * K)) in *.
  assert (C : c = (s + 1) * (s ^ 2 - 1) / (2 * s * K ^ 2)) by (unfold c; rewrite Ks; field; nra).
  assert (Pc : 0 < c) by (rewrite C; apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; nra|positive]).
  replace (v / (s ^ 2 - 1)) with (noise / c).
  2: { rewrite C. unfold noise. field. repeat split; nra. }
  apply (floor_of potential _ least); [exact Pc|exact St|].
  intros k. assert (B := bounded (w (S k) + / K * before k)%V).
  assert (Q := square ((2 / K - / K) / (2 * s * K)) (before k) ltac:(replace (2 / K - / K) with (/ K) by fraction;
    sign)).
  unfold potential. lra.
Qed.

(** ** The exact floor at kappa = 2, which serves every kappa >= 2 *)
(** T5-floor-exact-at-2, the step; kappa = 2 gives 1/8, 3/8 and 5/8. Over any space of random vectors with E<X, Y>,
  finite ones among them. *)
Theorem T5_floor_at_2_step k : 2 <= k_ ->
  let potential k := F (w (S k)) + / (4 * k_) * ‖before k‖² in
  potential (S k) <= potential k - 3 / (4 * k_) * ‖G (w (S k))‖² + 5 / (4 * k_) * v.
Proof.
  intros Large potential. unfold potential.
  assert (R := is_constant_run ltac:(lra)). set (K := k_) in *.
  rewrite (next_before _ _ _ _ _ _ R), (next_place _ _ _ _ _ _ R).
  assert (D := descent_lemma V 1 F G (w (S k)) (/ K * (before k - 2 * (G (w (S k)) + (estimate k - G (w (S k))))))%V
    Rlt_0_1 F_smooth).
  assert (E1 := clean_before _ _ _ _ _ _ R k). assert (E2 := clean_gradient _ _ _ _ _ _ R k).
  assert (Var := small_noise _ _ _ _ _ _ R k). cbv beta in E1, E2, Var.
  set (e := (estimate k - G (w (S k)))%V) in *. set (g := G (w (S k))) in *. set (p := before k) in *.
  set (f := F (_ + _)%V) in *. clearbody e g p f. clear R potential.
  assert (U1 : 0 <= ⟨p, e⟩) by lra. assert (U2 : ⟨g, e⟩ <= 0) by lra.
  certify (plus (plus (row 1 _ _ D _) (row (5 / (4 * K)) _ _ Var _))
    (plus (plus (row (/ K) _ _ U1 _) (row (/ (2 * K)) _ _ U2 _)) (square ((K / 2 - 1) / 2)
      (/ K * (p - 2 * (g + e)))%V _))).
Qed.

(** T5-floor-exact-at-2, the upper side. Over any space of random vectors with E<X, Y>, finite ones among them. *)
Theorem T5_floor_at_2 : 2 <= k_ -> average_at_most (fun k => ‖G (w (S k))‖²) (5 / 3 * v).
Proof.
  intros Large. replace (5 / 3 * v) with (5 / (4 * k_) * v / (3 / (4 * k_))) by fraction.
  apply (floor_of (fun k => F (w (S k)) + / (4 * k_) * ‖before k‖²) _ least); [apply Rdiv_lt_0_compat; lra| |].
  - intros k. exact (T5_floor_at_2_step k Large).
  - intros k. assert (B := bounded (w (S k))). assert (Q := square (/ (4 * k_)) (before k) ltac:(apply Rlt_le;
      positive)). lra.
Qed.
End Constant.
