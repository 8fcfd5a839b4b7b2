(** One-round certificates: a function that every round of Algorithm 1 lowers, for any number of clients, any
    weights and any symmetric preconditioners rho_i Q_i between 0 and a bound, new at every solve.

    "Lagrangian": the server, then the clients, lower the augmented Lagrangian; "residual": the clients, then the
    server, lower F_lambda + (factor / sigma) sum_i alpha_i |grad F_i(w) + pi_i|^2. The clients' vectors split into
    their mean and their deviations, which leave w alone: [check] wants the identity of both. *)

From PISA Require Export Coordinates Curvature Algorithm.

Inductive potential := Lagrangian (next_sigma : Q) (after : bool) | Residual (factor : Q).
Record round_problem := RoundProblem {
  potential_of : potential; low_curvature : Q; high_curvature : Q; round_ridge : Q; sigma : Q; q_bound : Q
}.

(** ** What a certificate claims *)

Definition preconditioner {V : space} (bound : R) (B : V -> V) : Prop :=
  (forall x y, ⟨B x, y⟩ = ⟨x, B y⟩) /\ (forall x, 0 <= ⟨B x, x⟩ <= bound * ‖x‖²).

Section Claim.
Variables (p : round_problem) (V : space) (m : nat) (weight : nat -> R) (F : nat -> V -> R) (G : nat -> V -> V).
Notation lambda := (Q2R (round_ridge p)).
Notation mean := (mean V m weight).

Definition objective x := sum m (fun i => weight i * F i x) + lambda / 2 * ‖x‖².
Definition gradient_of x : V := (mean (fun i => G i x) + lambda * x)%V.

(** at the server's w, the clients' w_i and pi_i, with penalty s *)
Definition lagrangian s (w : V) (local dual : nat -> V) :=
  sum m (fun i => weight i * (F i (local i) + ⟨dual i, local i - w⟩ + s / 2 * ‖local i - w‖²)) + lambda / 2 * ‖w‖².
Definition residual_potential factor (w : V) (dual : nat -> V) :=
  objective w + factor * sum m (fun i => weight i * ‖G i w + dual i‖²).

(** the server's step with penalty s, and a client's solve and multiplier with penalty c and rho_i Q_i = B *)
Definition server_step s (local dual : nat -> V) (w' : V) : Prop :=
  ((s + lambda) * w' = mean (fun i => s * local i + dual i))%V.
Definition client_step c (B : nat -> V -> V) (w : V) (dual local' dual' : nat -> V) : Prop :=
  forall i, (i < m)%nat ->
  (c * (local' i - w) + B i (local' i - w) = - (dual i + G i w))%V /\ dual' i = (dual i + c * (local' i - w))%V.
End Claim.

(** [F] and [G] have curvature in [low, high]; [B], [B'] are this round's and the next one's rho_i Q_i. *)
Definition theorem p (bound : Q) : Prop :=
  forall (V : space) m weight (F : nat -> V -> R) (G : nat -> V -> V) (B B' : nat -> V -> V),
  (forall i, (i < m)%nat -> 0 <= weight i) -> sum m weight = 1 ->
  (forall i, (i < m)%nat -> bounds (Q2R (low_curvature p)) (Q2R (high_curvature p)) (F i) (G i)) ->
  (forall i, (i < m)%nat -> preconditioner (Q2R (q_bound p)) (B i) /\ preconditioner (Q2R (q_bound p)) (B' i)) ->
  forall (w w' : V) (local local' dual dual' : nat -> V),
  match potential_of p with
  | Lagrangian next after =>
      (forall i, (i < m)%nat -> dual i = (- (G i w + B i (local i - w)))%V) ->
      server_step p V m weight (Q2R (sigma p)) local dual w' ->
      client_step V m G (Q2R (if after then sigma p else next)) B' w' dual local' dual' ->
      lagrangian p V m weight F (Q2R next) w' local' dual'
      <= lagrangian p V m weight F (Q2R (sigma p)) w local dual - Q2R bound * ‖gradient_of p V m weight G w'‖²
  | Residual factor =>
      client_step V m G (Q2R (sigma p)) B w dual local' dual' ->
      server_step p V m weight (Q2R (sigma p)) local' dual' w' ->
      residual_potential p V m weight F G (Q2R factor / Q2R (sigma p)) w' dual'
      <= residual_potential p V m weight F G (Q2R factor / Q2R (sigma p)) w dual
         - Q2R bound * ‖gradient_of p V m weight G w‖²
  end.

(** ** One client's forms, given coordinates of w and of the server's move *)

Record spot := Spot { place : vec; slope : vec; height : vec }.
Definition interpolation (a b : spot) (l h : Q) : form :=
  let x := vsub (place a) (place b) in let g := vsub (slope a) (slope b) in let c := (1 / (2 * (h - l)))%Q in
  fsub (real (vsub (height a) (height b))) (fadd (pair x (vadd (slope b) (vscale (c * (l * h)) x)))
    (pair g (vadd (vscale c g) (vscale (-2 * c * l) x)))).
Definition square v : form := pair v v.

Section Forms.
Variable p : round_problem.
Notation s := (sigma p).
Notation q := (q_bound p).
Notation lambda := (round_ridge p).
Variables w move : vec.
Infix "+'" := vadd (at level 50, left associativity).
Infix "-'" := vsub (at level 50, left associativity).
Infix "*'" := vscale (at level 40, no associativity).

(** "Lagrangian": vectors g, a, h, b are the gradients at w, w_i, w', w_i'; d = w_i - w, u = rho_i Q_i d, e = w_i' - w';
    numbers the values there. Without preconditioner u = 0 and e is known. *)
Definition gw := unit 0. Definition gl := unit 1. Definition gw' := unit 2. Definition gl' := unit 3.
  Definition dl := unit 4.
Definition bend_of : vec := if zero_Q q then [] else unit 5.
Definition solved_of c : vec := if zero_Q q then vscale (1 / c) (gw -' gw') else unit 6.
Definition dual_of : vec := vscale (-1) (gw +' bend_of).
Definition next_dual_of c : vec := dual_of +' c *' solved_of c.
Definition lagrangian_points c : list spot :=
  [Spot [] gw (unit 0); Spot dl gl (unit 1); Spot move gw' (unit 2); Spot (move +' solved_of c) gl' (unit 3)].
Definition lagrangian_sectors c : list form :=
  let v := gw' +' next_dual_of c in
  [pair bend_of (q *' dl -' bend_of); fscale (-1) (pair v (q *' solved_of c +' v))].
Definition lagrangian_left c next : form :=
  fsub (fadd (fadd (real (unit 1)) (pair dual_of dl))
      (fadd (fscale (s / 2) (square dl)) (fscale (lambda / 2) (square w))))
    (fadd (fadd (real (unit 3)) (pair (next_dual_of c) (solved_of c)))
      (fadd (fscale (next / 2) (square (solved_of c))) (fscale (lambda / 2) (square (w +' move))))).

(** "residual": vectors g, h are the gradients of f_i = F_i + lambda |.|^2 / 2 at w, w'; d = grad F_i(w) + pi_i,
    u = - sigma (w_i' - w); numbers the values of f_i. *)
Definition rg := unit 0. Definition rh := unit 1. Definition rd := unit 2.
Definition ru : vec := if zero_Q q then rd else unit 3.
Definition residual_points : list spot := [Spot [] rg (unit 0); Spot move rh (unit 1)].
Definition residual_sectors : list form := [pair ((s + q) *' ru -' s *' rd) (rd -' ru)].
Definition next_residual : vec := rd -' ru +' (rh -' rg) -' lambda *' move.
Definition residual_left factor : form :=
  fadd (real (unit 0 -' unit 1)) (fscale (factor / s) (fsub (square rd) (square next_residual))).

(** both kinds alike *)
Definition client_penalty :=
  match potential_of p with Lagrangian next after => if after then s else next | Residual _ => s end.
Definition points :=
  match potential_of p with Lagrangian _ _ => lagrangian_points client_penalty | Residual _ => residual_points end.
Definition sectors :=
  match potential_of p with Lagrangian _ _ => lagrangian_sectors client_penalty | Residual _ => residual_sectors end.
Definition left_side :=
  match potential_of p with
  | Lagrangian next _ => lagrangian_left client_penalty next
  | Residual factor => residual_left factor
  end.
Definition shift := match potential_of p with Lagrangian _ _ => 0%Q | Residual _ => lambda end.

Inductive row := Interpolation (j k : nat) | Sector (j : nat).
Definition valid r : bool :=
  match r with
  | Interpolation j k => (j <? length points)%nat && (k <? length points)%nat
  | Sector j => (j <? length sectors)%nat
  end.
Definition row_form r : form :=
  match r with
  | Interpolation j k => interpolation (nth j points (Spot [] [] [])) (nth k points (Spot [] [] []))
      (low_curvature p + shift) (high_curvature p + shift)
  | Sector j => nth j sectors (Form [] [])
  end.
Definition client_form (c : list (row * Q)) : form :=
  fsub left_side (fold_right (fun ry f => fadd (fscale (snd ry) (row_form (fst ry))) f) (Form [] []) c).
End Forms.

(** ** The check: the means, then the deviations *)

Definition w_atom : vec := unit 7.
(** the server's move, and the gradient whose square is the decrease, by the means *)
Definition move_of p : vec :=
  vscale (1 / (sigma p + round_ridge p))
    match potential_of p with
    | Lagrangian _ _ => vsub (vadd (vscale (sigma p) dl) (dual_of p)) (vscale (round_ridge p) w_atom)
    | Residual _ => vsub (vsub rd rg) (vscale 2 (ru p))
    end.
Definition goal_of p : vec :=
  match potential_of p with
  | Lagrangian _ _ => vadd gw' (vscale (round_ridge p) (vadd w_atom (move_of p)))
  | Residual _ => rg
  end.
Definition well_formed p : bool :=
  positive_Q (sigma p) && nonnegative_Q (q_bound p) && nonnegative_Q (round_ridge p)
  && positive_Q (high_curvature p - low_curvature p) && positive_Q (high_curvature p)
  && match potential_of p with Lagrangian next _ => positive_Q next | Residual _ => true end.
Definition check p (bound : Q) (c : list (row * Q)) : bool :=
  well_formed p && forallb (fun ry => valid p [] (fst ry) && positive_Q (snd ry)) c
  && nonnegative (fsub (client_form p w_atom (move_of p) c) (fscale bound (square (goal_of p))))
  && nonnegative (client_form p [] [] c).
