(** T6-linear-rate: the linear rate under the Polyak-Lojasiewicz inequality, any bounded preconditioners, any clients.

    T6-preconditioned as the table words it (for every round, every N, warm start) is gathered at the end. *)

From PISA Require Export Preconditioned.
From PISA Require Import Threshold.

(** The share [a] of the residuals in the potential and the constant [X] of the penalty's hypothesis, two ranges. *)
Definition small_range beta delta a X := beta < 4 * (1 - delta) /\ a = / (2 * (1 - delta)) /\ X = 4 / (4 * (1 - delta)
  - beta).
Definition large_range beta delta a X := let r := sqrt (1 - delta) in 3 <= beta /\ beta / (1 + beta) < r /\
  a = (beta - 1) ^ 2 / (2 * (1 + beta) * r * ((1 + beta) * r - beta)) /\ X = (beta - 1) ^ 2 / ((1 + beta) * r - beta)
    ^ 2.
Definition ranges beta delta a X := small_range beta delta a X \/ large_range beta delta a X.

Lemma root_bounds delta : 0 < delta < 1 -> 0 < sqrt (1 - delta) <= 1 /\ sqrt (1 - delta) ^ 2 = 1 - delta.
Proof.
  intros D. assert (P := sqrt_lt_R0 (1 - delta) ltac:(lra)). assert (Q := sqrt_sqrt (1 - delta) ltac:(lra)).
  repeat split; [easy| |simpl; lra]. destruct (Rle_lt_dec (sqrt (1 - delta)) 1); [easy|nra].
Qed.

Lemma reach beta r : 0 <= beta -> beta / (1 + beta) < r -> 0 < (1 + beta) * r - beta.
Proof.
  intros B R. apply (Rmult_lt_compat_l (1 + beta)) in R; [|lra].
  replace ((1 + beta) * (beta / (1 + beta))) with beta in R by fraction. lra.
Qed.

Lemma share_kept_positive beta delta a X : 0 <= beta -> 0 < delta < 1 -> ranges beta delta a X -> 0 < a /\ 0 <= X.
Proof.
  intros B D [[C [-> ->]]|[C [R [-> ->]]]]; [split; [positive|sign]|].
  assert (P := proj1 (root_bounds delta D)). assert (Q := reach _ _ B R). set (r := sqrt (1 - delta)) in *.
  split; [|apply quotient; [apply pow2_ge_0|positive]].
  apply Rdiv_lt_0_compat; [positive|]. repeat apply Rmult_lt_0_compat; lra.
Qed.

(** One client that keeps the part [delta] of its residual: u = M e, v = (I - M) e, h the turn of its gradient. *)
Lemma client_keeps (V : space) (u v h : V) beta delta a X : 0 <= beta -> 0 < delta < 1 -> ranges beta delta a X ->
  ‖v‖² <= beta * ⟨u, v⟩ ->
  a * ‖v + h‖² + / 2 * ‖u - v‖² + delta * a * ‖u + v‖² <= a * ‖u + v‖² + X / 2 * ‖h‖².
Proof.
  intros B D Range Sector. assert (P := share_kept_positive beta delta a X B D Range).
  destruct Range as [[C [-> ->]]|[C [R [-> ->]]]].
  - destruct (Req_dec beta 0) as [->|N].
    + rewrite (norm_zero _ v) by lra. right. expand_goal. fraction.
    + assert (0 < beta) by lra. set (d := 1 - delta) in *. replace delta with (1 - d) by (unfold d; ring).
      assert (0 < d) by (unfold d; lra). clearbody d.
      certify (plus (row (2 / beta) _ _ Sector _)
        (square (beta / (2 * d * (4 * d - beta))) ((4 * d - beta) / beta * v - h)%V _)).
  - destruct (root_bounds delta D) as [Pr Sq]. assert (Q := reach _ _ B R). set (r := sqrt (1 - delta)) in *.
    replace delta with (1 - r ^ 2) by lra. clearbody r. clear Sq R D. destruct P as [A _].
    set (t := (1 + beta) * r - beta) in *. replace r with ((t + beta) / (1 + beta)) in * by (unfold t; fraction).
    clearbody t. set (a := _ / (2 * _ * _ * t)) in *.
    assert (T : t <= 1).
    { assert (E : (t + beta) / (1 + beta) * (1 + beta) <= 1 * (1 + beta)) by (apply Rmult_le_compat_r; lra).
      replace ((t + beta) / (1 + beta) * (1 + beta)) with (t + beta) in E by fraction. lra. }
    assert (K : ((t + beta) / (1 + beta)) ^ 2 * a - / 2 = beta * (beta - 3 + 4 * (1 - t) / (1 + beta)) / (2 * (1 +
      beta) * t))
      by (unfold a; fraction).
    assert (K' : 0 <= ((t + beta) / (1 + beta)) ^ 2 * a - / 2).
    { rewrite K. apply quotient; [|repeat apply Rmult_lt_0_compat; lra]. apply Rmult_le_pos; [easy|].
      assert (0 <= 4 * (1 - t) / (1 + beta)) by (apply quotient; lra). lra. }
    set (k := ((t + beta) / (1 + beta)) ^ 2 * a - / 2) in *.
    assert (M : 0 <= (2 * k + 2 + 2 * k / beta) / beta).
    { apply quotient; [|lra]. assert (0 <= 2 * k / beta) by (apply quotient; lra). lra. }
    assert (W : 0 <= a * beta / t) by (apply quotient; [apply Rmult_le_pos; lra|lra]).
    refine (conclude _ _ _ (plus (row ((2 * k + 2 + 2 * k / beta) / beta) _ _ Sector M)
      (plus (square k (u - / beta * v)%V K') (square (a * beta / t) (t / beta * v - h)%V W))) _).
    expand_goal. unfold k, a. field. repeat split; lra.
Qed.

Section LinearRate.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge beta L least : R) (penalty : nat -> nat -> R).
Variables (bend : nat -> nat -> V -> V) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : pisa V m weight ridge penalty bend (fun l i => G i (w l)) w local dual.
Notation rate := (rate m weight ridge penalty).
Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).
Notation residuals := (residuals V m weight G w dual).

Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis penalty_positive : forall l i, (i < m)%nat -> 0 < penalty l i.
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis bend_symmetric : forall l i x y, (i < m)%nat -> ⟨bend l i x, y⟩ = ⟨x, bend l i y⟩.
Hypothesis bend_bounded : forall l i x, (i < m)%nat -> 0 <= ⟨bend l i x, x⟩ <= beta * penalty l i * ‖x‖².
Hypothesis nondecreasing : forall l, 0 < rate l <= rate (S l).

(** V_k of the table: w_k is [w (S l)], pi_i^k is [dual l i], before the client's step at w_k; s_k is [rate (S l)]. *)
Definition potential_with a l := objective (w (S l)) + a / rate (S l) * residuals l.

Variables (delta a X mu : R).
Hypothesis delta_range : 0 < delta < 1.
Hypothesis range : ranges beta delta a X.
Hypothesis large : forall l, X * L ^ 2 <= (rate l - ridge - L) * rate l.

Notation u l i := (taken V penalty w local l i).
Notation v l i := (left V bend w local l i).
Notation step l := (w (S (S l)) - w (S l))%V.

Lemma clients_keep l :
  a * residuals (S l) + / 2 * sum m (fun i => weight i * ‖u l i - v l i‖²) + delta * a * residuals l
  <= a * residuals l + X / 2 * (L * L * ‖step l‖²).
Proof.
  assert (T : 0 <= X / 2) by (assert (P := share_kept_positive _ _ _ _ beta_nonneg delta_range range); lra).
  replace (X / 2 * (L * L * ‖step l‖²)) with (X / 2 * (L * L * ‖step l‖²) * sum m weight)
    by (rewrite (proj2 weights); ring).
  unfold Preconditioned.residuals. rewrite <- !sum_scale, <- !sum_add. apply sum_le. intros i I.
  assert (C := client_keeps V (u l i) (v l i) (G i (w (S (S l))) - G i (w (S l)))%V _ _ _ _ beta_nonneg delta_range
    range
    (client_sector V m beta penalty bend w local penalty_positive beta_nonneg bend_symmetric bend_bounded l i I)).
  assert (H := Rmult_le_compat_l _ _ _ T (lipschitz _ _ _ _ (F_smooth i I) (w (S (S l))) (w (S l)))).
  rewrite (next_residual V m weight ridge penalty bend G w local dual run l i I).
  rewrite (residual_parts V m weight ridge penalty bend G w local dual run l i I).
  assert (W := proj1 weights i I). set (x := ‖_ + (_ - _)‖²) in *. set (y := ‖_ - v l i‖²) in *.
  set (z := ‖_ + v l i‖²) in *. assert (E := Rmult_le_compat_l _ _ _ W (Rle_trans _ _ _ C (Rplus_le_compat_l _ _ _ H))).
  lra.
Qed.

Lemma nonneg_residuals l : 0 <= residuals l.
Proof. exact (residuals_nonneg V m weight G w dual weights l). Qed.

Theorem round_keeps l : potential_with a (S l)
  <= potential_with a l - ‖slope (w (S l))‖² / (2 * rate (S l)) - delta * (a / rate (S l) * residuals l).
Proof.
  unfold potential_with. set (s := rate (S l)). assert (P := nondecreasing (S l)). assert (Pl := large (S l)).
  fold s in P, Pl. set (s' := rate (S (S l))) in *.
  set (r := mean V m weight (fun i => u l i - v l i)%V). set (g := slope (w (S l))).
  assert (M : r = (- (s * step l) - g)%V).
  { unfold s. rewrite (round _ _ _ _ _ _ _ _ _ _ l run). fold r. unfold g, Preconditioned.slope. vector. }
  assert (J : ‖r‖² <= sum m (fun i => weight i * ‖u l i - v l i‖²)) by exact (jensen _ _ _ _ (proj1 weights) (proj2
    weights)).
  assert (C := clients_keep l). assert (D := descent V m weight ridge L F G weights L_positive F_smooth (w (S l))
    (step l)).
  replace (w (S l) + step l)%V with (w (S (S l))) in D by vector. fold g in D.
  assert (Q := nonneg_residuals (S l)). assert (A := share_kept_positive _ _ _ _ beta_nonneg delta_range range).
  assert (I : / s' <= / s) by (apply Rinv_le_contravar; lra).
  rewrite M in J. set (d := step l) in *. clearbody d g s s'.
  set (A' := sum m (fun i => weight i * ‖u l i - v l i‖²)) in *. clearbody A'.
  assert (Z : 0 <= ((s - ridge - L) * s - X * L ^ 2) / (2 * s)) by (apply quotient; lra).
  assert (Ps : 0 <= / s) by (apply Rlt_le, Rinv_0_lt_compat; lra).
  assert (Ps' : 0 <= 1 / (2 * s)) by (apply quotient; lra).
  refine (conclude _ _ _ (plus (plus (plus (row 1 _ _ D _) (row (/ s) _ _ C Ps)) (plus (row (1 / (2 * s)) _ _ J Ps')
    (row (a * residuals (S l)) _ _ I _))) (square _ d Z)) _); [lra|apply Rmult_le_pos; lra|expand_goal; field; lra].
Qed.

(** F* is [least], a lower bound of F_lambda; with the infimum this is the Polyak-Lojasiewicz inequality. *)
Hypothesis bounded : forall x, least <= objective x.
Hypothesis mu_nonneg : 0 <= mu.
Hypothesis polyak : forall x, 2 * mu * (objective x - least) <= ‖slope x‖².

Theorem T6_linear_rate l :
  potential_with a (S l) - least <= (1 - Rmin (mu / rate (S l)) delta) * (potential_with a l - least).
Proof.
  assert (K := round_keeps l). assert (P := polyak (w (S l))). assert (B := bounded (w (S l))).
  assert (Up := nondecreasing (S l)). assert (Q := nonneg_residuals l).
  assert (A := proj1 (share_kept_positive _ _ _ _ beta_nonneg delta_range range)).
  unfold potential_with in *. set (s := rate (S l)) in *. set (chi := Rmin _ _).
  assert (C1 : chi <= mu / s) by apply Rmin_l. assert (C2 : chi <= delta) by apply Rmin_r.
  assert (H : mu / s * (objective (w (S l)) - least) <= ‖slope (w (S l))‖² / (2 * s)).
  { replace (mu / s * (objective (w (S l)) - least)) with (2 * mu * (objective (w (S l)) - least) / (2 * s)) by
    fraction.
    apply Rmult_le_compat_r; [apply Rlt_le, Rinv_0_lt_compat; lra|exact P]. }
  assert (R : 0 <= a / s * residuals l) by (apply Rmult_le_pos; [apply quotient; lra|easy]).
  set (x := a / s * residuals l) in *. set (y := objective (w (S l))) in *.
  assert (chi * (y - least) <= mu / s * (y - least)) by (apply Rmult_le_compat_r; lra).
  assert (chi * x <= delta * x) by (apply Rmult_le_compat_r; lra). lra.
Qed.

(** After N rounds; the penalties may grow. *)
Fixpoint factors N := match N with O => 1 | S n => factors n * (1 - Rmin (mu / rate (S n)) delta) end.
Theorem T6_linear_rate_after N : potential_with a N - least <= factors N * (potential_with a 0 - least).
Proof.
  induction N as [|N IH]; [simpl; lra|]. assert (E := T6_linear_rate N). assert (C := Rmin_r (mu / rate (S N)) delta).
  simpl factors. rewrite (Rmult_comm (factors N)), Rmult_assoc. eapply Rle_trans; [exact E|].
  apply Rmult_le_compat_l; [lra|exact IH].
Qed.
End LinearRate.

(** ** T6-preconditioned in the table's words: every beta >= 0, every round, every N, nondecreasing sigma, warm start *)
Theorem T6_preconditioned (V : space) m weight ridge beta L least penalty bend (F : nat -> V -> R) (G : nat -> V -> V)
  w local dual :
  pisa V m weight ridge penalty bend (fun l i => G i (w l)) w local dual ->
  (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1 -> 0 < L ->
  (forall i, (i < m)%nat -> smooth L (F i) (G i)) -> (forall l i, (i < m)%nat -> 0 < penalty l i) -> 0 <= beta ->
  (forall l i x y, (i < m)%nat -> ⟨bend l i x, y⟩ = ⟨x, bend l i y⟩) ->
  (forall l i x, (i < m)%nat -> 0 <= ⟨bend l i x, x⟩ <= beta * penalty l i * ‖x‖²) ->
  (forall l, 0 < rate m weight ridge penalty l <= rate m weight ridge penalty (S l)) ->
  (forall l, threshold beta * L ^ 2 <= (rate m weight ridge penalty l - ridge - L) * rate m weight ridge penalty l) ->
  (forall x, least <= objective V m weight ridge F x) ->
  let s l := rate m weight ridge penalty l in
  let value l := objective V m weight ridge F (w (S l)) +
    share beta / s (S l) * sum m (fun i => weight i * ‖G i (w (S l)) + dual l i‖²) in
  (forall k, value (S k) <= value k - ‖slope V m weight ridge G (w (S k))‖² / (2 * s (S k))) /\
  (forall N, sum N (fun k => ‖slope V m weight ridge G (w (S k))‖² / (2 * s (S k))) <= value 0%nat - least) /\
  ((forall i, (i < m)%nat -> dual 0%nat i = (- G i (w 0%nat))%V) -> forall N,
    sum N (fun l => ‖slope V m weight ridge G (w l)‖² / (2 * s l)) <= objective V m weight ridge F (w 0%nat) - least).
Proof.
  intros Run W LP FS PP B Sym Bound Up Large Least s value. split; [|split].
  - intros k. exact (round_lowers V m weight ridge beta L penalty bend F G w local dual Run W LP FS PP B Sym Bound Up
    Large k).
  - intros N. exact (T6_sum V m weight ridge beta L least penalty bend F G w local dual Run W LP FS PP B Sym Bound Up
    Large Least N).
  - intros Warm [|N]; [simpl; specialize (Least (w 0%nat)); lra|].
    exact (T6_warm V m weight ridge beta L least penalty bend F G w local dual Run W LP FS PP B Sym Bound Up Large
      Least N Warm).
Qed.

(** Sufficient for every ridge: sigma >= kappa L with kappa = (1 + sqrt(1 + 4X))/2. *)
Lemma sufficient_penalty X L sigma ridge : 0 <= X -> 0 < L -> 0 <= ridge -> (1 + sqrt (1 + 4 * X)) / 2 * L <= sigma ->
  X * L ^ 2 <= (sigma - L) * (sigma + ridge).
Proof.
  intros P LP T K. assert (Q := sqrt_sqrt (1 + 4 * X) ltac:(lra)). assert (Q' := sqrt_pos (1 + 4 * X)).
  set (r := sqrt (1 + 4 * X)) in *. assert (R1 : 1 <= r) by nra. set (k := (1 + r) / 2) in *.
  assert (KX : X = k * k - k) by (unfold k; lra). assert (K1 : 1 <= k) by (unfold k; lra). rewrite KX. clearbody k.
  assert ((k - 1) * L * (k * L) <= (sigma - L) * (sigma + ridge)) by (apply Rmult_le_compat; nra). nra.
Qed.

(** ** The hypotheses hold somewhere: two clients x^2/2 and (x-1)^2/2, operators 0 and sigma, which change places *)
Definition swap (l i : nat) : R := if Nat.even (l + i) then 2 else 0.
Lemma swap_cases l i : swap l i = 2 \/ swap l i = 0.
Proof. unfold swap. destruct (Nat.even _); lra. Qed.

Definition centre (i : nat) : R := INR i.
Definition parabola (i : nat) (x : line) : R := (x - centre i) * (x - centre i) / 2.
Definition parabola_slope (i : nat) (x : line) : line := (x - centre i)%R.
Lemma parabola_smooth i : @smooth line 1 (parabola i) (parabola_slope i).
Proof.
  split; [|intros x y; unfold parabola_slope; cbn; nra].
  apply (gradient_of_remainder line (/ 2)); [lra|]. intros x v. unfold parabola, parabola_slope. cbn in *.
  replace (_ - _ - _) with (/ 2 * (v * v)) by field. rewrite Rabs_right; nra.
Qed.

Notation halves := (fun _ : nat => / 2).
(** Runs, with every hypothesis of [T6_linear_rate] (beta = 1, delta = 1/10, X = 20/13, sigma = 2, mu = 1, F* = 1/8)
    and of T6-preconditioned (X = 4/3 there, which is smaller). *)
Theorem T6_inhabited (p : line) : exists (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 2 halves 0 (fun _ _ => 2) (fun l i x => swap l i * x)%V (fun l i => parabola_slope i (w l)) w local dual /\
  w 0%nat = 0 /\ (forall i, dual 0%nat i = p) /\
  ((forall i, (i < 2)%nat -> 0 <= / 2) /\ sum 2 halves = 1) /\
  (forall l i (x y : line), (i < 2)%nat -> ⟨swap l i * x, y⟩ = ⟨x, swap l i * y⟩) /\
  (forall l i (x : line), (i < 2)%nat -> 0 <= ⟨swap l i * x, x⟩ <= 1 * 2 * ‖x‖²) /\
  (forall l : nat, 0 < rate 2 halves 0 (fun _ _ => 2) l <= rate 2 halves 0 (fun _ _ => 2) (S l)) /\
  ranges 1 (/ 10) (5 / 9) (20 / 13) /\ threshold 1 <= 20 / 13 /\
  (forall l : nat, 20 / 13 * 1 ^ 2 <= (rate 2 halves 0 (fun _ _ => 2) l - 0 - 1) * rate 2 halves 0 (fun _ _ => 2) l) /\
  (forall x : line, / 8 <= objective line 2 halves 0 parabola x) /\
  (forall x : line, 2 * 1 * (objective line 2 halves 0 parabola x - / 8) <= ‖slope line 2 halves 0 parabola_slope x‖²).
Proof.
  assert (Run := run_exists line 2 halves 0 (fun _ _ => 2) (fun l i x => swap l i * x)%V
    (fun l i y => / (2 + swap l i) * y)%V parabola_slope 0 (fun _ => p) ltac:(intros; unfold rate; simpl; lra)
    ltac:(intros l i y; cbn in *; destruct (swap_cases l i) as [->| ->]; field)).
  do 3 eexists. split; [exact Run|]. split; [reflexivity|]. split; [reflexivity|].
  repeat match goal with |- _ /\ _ => split end.
  - intros; lra.
  - simpl; lra.
  - intros l i x y _. cbn. ring.
  - intros l i x _. cbn in *. destruct (swap_cases l i) as [->| ->]; nra.
  - intros l. unfold rate. simpl. lra.
  - left. unfold small_range. lra.
  - unfold threshold. destruct (Rle_dec 1 3); lra.
  - intros l. unfold rate. simpl. lra.
  - intros x. unfold objective, parabola, centre. cbn in *. assert (Q := pow2_ge_0 (x - / 2)). lra.
  - intros x. unfold objective, slope, parabola, parabola_slope, centre, mean. cbn in *. lra.
Qed.
Print Assumptions T6_linear_rate.
Print Assumptions T6_linear_rate_after.
Print Assumptions T6_preconditioned.
Print Assumptions T6_inhabited.
