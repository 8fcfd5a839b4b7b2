(** The augmented Lagrangian and the reconstructed Lyapunov quantity, and that at sigma = 2r neither falls as claimed
    (V5-lagrangian-descends, V5-lyapunov-decrease, W-descent-light-changing-q), by exact runs. *)

From PISA Require Export Algorithm Piecewise.

Section Quantities.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (penalty : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (F : nat -> V -> R) (w : nat -> V) (local dual : nat -> nat -> V).
Notation d l i := (deviation V w local l i).

Definition lagrangian l := sum m (fun i => weight i *
  (F i (local l i) + ⟨dual l i, d l i⟩ + penalty l i / 2 * ‖d l i‖²)) + ridge / 2 * ‖w l‖².
Definition lyapunov l := lagrangian l + sum m (fun i => weight i * (8 / penalty l i * ‖bend l i (d l i)‖²)).
(** The fall that the lemma asks for from round l to the next, with the later penalties. *)
Definition asked l := sum m (fun i => weight i * ((penalty (S l) i + 2 * ridge) / 4 * ‖w (S l) - w l‖²
  + penalty (S l) i / 4 * ‖local (S l) i - local l i‖²)).
End Quantities.

(** A claim about every round l >= 1 of every run with L-smooth F_i bounded below, any clients and weights, sigma_i >=
  sL,
    symmetric operators with 0 <= rho_i Q_i <= share sigma_i, chosen anew in each round, nondecreasing penalties. *)
Definition in_every_round s share (statement : forall (V : space) m weight ridge penalty (bend : nat -> nat -> V -> V)
    (F : nat -> V -> R) w local dual, nat -> Prop) := forall (V : space) m weight ridge L least penalty
  (bend : nat -> nat -> V -> V) (F : nat -> V -> R) (G : nat -> V -> V) w local dual,
  pisa V m weight ridge penalty bend (fun l i => G i (w l)) w local dual -> (forall i, dual 0%nat i = 0%V) ->
  (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1 -> 0 <= ridge -> 0 < L ->
  (forall i, (i < m)%nat -> smooth L (F i) (G i)) -> (forall x i, (i < m)%nat -> least <= F i x) ->
  (forall l i, (i < m)%nat -> s * L <= penalty l i <= penalty (S l) i) ->
  (forall l i x y, (i < m)%nat -> ⟨bend l i x, y⟩ = ⟨x, bend l i y⟩) ->
  (forall l i x, (i < m)%nat -> 0 <= ⟨bend l i x, x⟩ <= share * penalty l i * ‖x‖²) ->
  forall l, (1 <= l)%nat -> statement V m weight ridge penalty bend F w local dual l.

Definition lagrangian_falls (V : space) m weight ridge penalty (bend : nat -> nat -> V -> V) F w local dual l :=
  lagrangian V m weight ridge penalty F w local dual (S l) <= lagrangian V m weight ridge penalty F w local dual l.
Definition lyapunov_falls (V : space) m weight ridge penalty (bend : nat -> nat -> V -> V) F w local dual l :=
  lyapunov V m weight ridge penalty bend F w local dual (S l) + asked V m weight ridge penalty w local l
  <= lyapunov V m weight ridge penalty bend F w local dual l.

(** ** One client of the real line, sigma = 2: the rounds, by numbers *)
Section Rounds.
Variables (sigma : R) (slow : nat -> R) (G : line -> line) (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis sigma_positive : 0 < sigma.
Hypothesis slow_nonneg : forall l, 0 <= slow l.
Hypothesis run : pisa line 1 (fun _ => 1) 0 (fun _ _ => sigma) (fun l _ x => slow l * x)%V (fun l _ => G (w l)) w
  local dual.

(** What one round makes of the server's point and the multiplier. *)
Lemma numbers l x p g d : w l = x -> dual (pred l) 0%nat = p -> G x = g -> (1 <= l)%nat -> (sigma + slow l) * d = - (p
  + g) ->
  local l 0%nat = x + d /\ dual l 0%nat = p + sigma * d /\ w (S l) = x + d + (p + sigma * d) / sigma.
Proof.
  intros X P Gx L D. destruct l as [|l]; [lia|]. simpl in P. assert (Sl := slow_nonneg (S l)).
  assert (C := client _ _ _ _ _ _ _ _ _ _ run l 0%nat Nat.lt_0_1). assert (M := multiplier _ _ _ _ _ _ _ _ _ _ run l
    0%nat).
  assert (Sv := server _ _ _ _ _ _ _ _ _ _ run (S l)). unfold rate, mean, deviation in *. rewrite X, P, Gx in *.
  cbn in C, M, Sv. set (y := local (S l) 0%nat) in *. set (q := dual (S l) 0%nat) in *. set (x' := w (S (S l))) in *.
  clearbody y q x'. clear X P. cbn in *.
  assert (Y : y = x + d) by (apply Rplus_eq_reg_l with (-1 * x), Rmult_eq_reg_l with (sigma + slow (S l)); lra).
  assert (Q : q = p + sigma * d) by (rewrite M, Y; ring). split; [exact Y|split; [exact Q|]].
  apply Rmult_eq_reg_l with sigma; [|lra]. rewrite Q, Y in Sv.
  replace (sigma * (x + d + (p + sigma * d) / sigma)) with (sigma * x + sigma * d + (p + sigma * d)) by (field; lra).
    lra.
Qed.

Lemma first_point : w 1%nat = w 0%nat + dual 0%nat 0%nat / sigma.
Proof.
  assert (Sv := server _ _ _ _ _ _ _ _ _ _ run 0%nat). unfold rate, mean in Sv. cbn in Sv.
  rewrite !(start _ _ _ _ _ _ _ _ _ _ run) in Sv. set (x := w 0%nat) in *. set (y := w 1%nat) in *.
  set (p := dual 0%nat 0%nat) in *. clearbody x y p. cbn in *. apply Rmult_eq_reg_l with sigma; [|lra].
  replace (sigma * (x + p / sigma)) with (sigma * x + p) by (field; lra). lra.
Qed.
End Rounds.

Lemma line_run_exists sigma slow (G : line -> line) x p : 0 < sigma -> (forall l, 0 <= slow l) ->
  exists (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 1 (fun _ => 1) 0 (fun _ _ => sigma) (fun l _ x => slow l * x)%V (fun l _ => G (w l)) w local dual /\
  w 0%nat = x /\ forall i, dual 0%nat i = p.
Proof.
  intros P Q. assert (Run := run_exists line 1 (fun _ => 1) 0 (fun _ _ => sigma) (fun l _ x => slow l * x)%V
    (fun l _ y => / (sigma + slow l) * y)%V (fun _ => G) x (fun _ => p) ltac:(intros; unfold rate; simpl; lra)
    ltac:(intros l i y; specialize (Q l); cbn in *; field; lra)).
  do 3 eexists. split; [exact Run|split; reflexivity].
Qed.

(** F' is 0 up to -16/13, rises to -1, falls to -23/26, rises from there on. *)
Definition hook_slope := slope_at (1/2) (1/2) [(-16/13, 1/2); (-1, -1); (-23/26, 1)].
Definition hook := value_at (1/2) (1/2) [(-16/13, 1/2); (-1, -1); (-23/26, 1)].
Lemma hook_smooth : smooth 1 hook hook_slope.
Proof. apply piecewise_smooth. intros x y H. unfold slope_at, knotted. cases_of_abs. Qed.

Lemma hook_least x : hook (-16/13) <= hook x.
Proof.
  unfold hook, value_at, parabola, knotted, hinge. rewrite (Rabs_right (-16/13 - -16/13)), !(Rabs_left (-16/13 - _))
    by lra.
  cbn in x. unfold Rabs. destruct (Rcase_abs (x - -16/13)); destruct (Rcase_abs (x - -1)); destruct (Rcase_abs (x -
    -23/26)); try lra; nra.
Qed.

Definition once (l : nat) : R := if (l =? 2)%nat then 1/2 else 0.
Theorem V5_lagrangian_refuted : ~ in_every_round 2 (1/4) lagrangian_falls.
Proof.
  intros Claim. assert (On : forall l, 0 <= once l <= 1/2) by (intros l; unfold once; destruct (l =? 2)%nat; lra).
  destruct (line_run_exists 2 once hook_slope 0 0 ltac:(lra) ltac:(apply On)) as [w [local [dual [Run [W0 D0]]]]].
  assert (Rise := Claim line 1%nat (fun _ => 1) 0 1 (hook (-16/13)) _ _ (fun _ => hook) (fun _ => hook_slope) w local
    dual Run D0
    ltac:(split; [intros; lra|simpl; lra]) ltac:(lra) ltac:(lra) (fun _ _ => hook_smooth) (fun x _ _ => hook_least x)
    ltac:(intros; lra) ltac:(intros; cbn; ring)
    ltac:(intros l i x _; assert (H := On l); cbn in *; assert (0 <= x * x) by nra; split; nra) 2%nat ltac:(lia)).
  assert (W1 := first_point 2 once hook_slope w local dual ltac:(lra) Run). rewrite W0, D0 in W1. cbn in W1.
  replace (0 + 0 / 2) with 0 in W1 by field.
  assert (Step := numbers 2 once hook_slope w local dual ltac:(lra) ltac:(apply On) Run).
  destruct (Step 1%nat 0 0 1 (-1/2) W1 (D0 0%nat) ltac:(unfold hook_slope; evaluate; lra) ltac:(lia)
    ltac:(unfold once; simpl; lra)) as [L1 [D1 W2]].
  destruct (Step 2%nat (-1) (-1) (3/13) (4/13) ltac:(rewrite W2; lra) ltac:(simpl; rewrite D1; lra)
    ltac:(unfold hook_slope; evaluate; lra) ltac:(lia) ltac:(unfold once; simpl; lra)) as [L2 [D2 W3]].
  destruct (Step 3%nat (-23/26) (-5/13) (3/26) (7/52) ltac:(rewrite W3; lra) ltac:(simpl; rewrite D2; lra)
    ltac:(unfold hook_slope; evaluate; lra) ltac:(lia) ltac:(unfold once; simpl; lra)) as [L3 [D3 _]].
  unfold lagrangian_falls, lagrangian, deviation in Rise. cbn -[hook] in Rise. rewrite L2, D2, L3, D3, W2, W3 in Rise.
  revert Rise. unfold hook. evaluate. apply Rlt_not_le. lra.
Qed.

(** Two tents: F' = max(1 - |x|, 23/50 - |x + 1|, 0). No preconditioner. *)
Definition tents_slope := slope_at 0 0 [(-73/50, 1/2); (-1, -1); (-77/100, 1); (0, -1); (1, 1/2)].
Definition tents := value_at 0 0 [(-73/50, 1/2); (-1, -1); (-77/100, 1); (0, -1); (1, 1/2)].
Lemma tents_smooth : smooth 1 tents tents_slope.
Proof. apply piecewise_smooth. intros x y H. unfold slope_at, knotted. cases_of_abs. Qed.

Lemma tents_least x : tents (-73/50) <= tents x.
Proof.
  unfold tents, value_at, parabola, knotted, hinge. rewrite (Rabs_right (-73/50 - -73/50)), !(Rabs_left (-73/50 - _))
    by lra.
  cbn in x. unfold Rabs. repeat (match goal with |- context [Rcase_abs ?a] => destruct (Rcase_abs a) end; try lra); nra.
Qed.

Theorem V5_lyapunov_refuted : ~ in_every_round 2 (1/4) lyapunov_falls.
Proof.
  intros Claim. set (none := fun _ : nat => 0). assert (On : forall l, 0 <= none l) by (intros; unfold none; lra).
  destruct (line_run_exists 2 none tents_slope 0 0 ltac:(lra) On) as [w [local [dual [Run [W0 D0]]]]].
  assert (Fall := Claim line 1%nat (fun _ => 1) 0 1 (tents (-73/50)) _ _ (fun _ => tents) (fun _ => tents_slope) w
    local dual Run
    D0 ltac:(split; [intros; lra|simpl; lra]) ltac:(lra) ltac:(lra) (fun _ _ => tents_smooth) (fun x _ _ =>
      tents_least x)
    ltac:(intros; lra) ltac:(intros; cbn; ring) ltac:(intros l i x _; unfold none; cbn in *; nra) 2%nat ltac:(lia)).
  assert (W1 := first_point 2 none tents_slope w local dual ltac:(lra) Run). rewrite W0, D0 in W1. cbn in W1.
  replace (0 + 0 / 2) with 0 in W1 by field.
  assert (Step := numbers 2 none tents_slope w local dual ltac:(lra) On Run).
  destruct (Step 1%nat 0 0 1 (-1/2) W1 (D0 0%nat) ltac:(unfold tents_slope; evaluate; lra) ltac:(lia)
    ltac:(unfold none; lra)) as [L1 [D1 W2]].
  destruct (Step 2%nat (-1) (-1) (23/50) (27/100) ltac:(rewrite W2; lra) ltac:(simpl; rewrite D1; lra)
    ltac:(unfold tents_slope; evaluate; lra) ltac:(lia) ltac:(unfold none; lra)) as [L2 [D2 W3]].
  destruct (Step 3%nat (-24/25) (-23/50) (21/50) (1/50) ltac:(rewrite W3; lra) ltac:(simpl; rewrite D2; lra)
    ltac:(unfold tents_slope; evaluate; lra) ltac:(lia) ltac:(unfold none; lra)) as [L3 [D3 _]].
  unfold lyapunov_falls, lyapunov, asked, lagrangian, deviation in Fall. unfold none in Fall. cbn -[tents] in Fall.
  rewrite L2, D2, L3, D3, W2, W3 in Fall. revert Fall. unfold tents. evaluate. apply Rlt_not_le. lra.
Qed.
Print Assumptions V5_lagrangian_refuted.
Print Assumptions V5_lyapunov_refuted.
