(** Late gradients, the server's side of N7 (c): whatever the clients do, if it keeps the residuals that they hold, with
    the gradients that they use, in check up to the turn of those, a potential with the last tau steps falls. *)

From PISA Require Export Preconditioned PastSteps.

Section Late.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L least b X zeta : R) (F : nat -> V -> R) (G : nat -> V -> V).
(** Points, what the server hears beyond the gradient, what it lacks of it, the residuals held, s = sigma + lambda. *)
Variables (w : nat -> V) (heard lag : nat -> V) (held s : nat -> R) (tau : nat).
Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).
Notation T := (INR tau).
Notation newest l := (gap V w (S l) 0).
Notation past l := (sum tau (fun j => gap V w (S l) (S j))).
Notation fading l := (sum tau (fun j => (T - INR j) * gap V w (S l) (S j))).

(** Round l, from the point w_{l+1}. *)
Record late_round l : Prop := {
  late_move : (s l * (w (S (S l)) - w (S l)) = - (slope (w (S l)) + (heard l - lag l)))%V;
  late_lag : ‖lag l‖² <= L ^ 2 * (T * past l);
  late_clients : b * held (S l) + / 2 * ‖heard l‖² <= b * held l + X / 2 * (L ^ 2 * ((T + 1) * (newest l + past l)));
  late_nonneg : 0 <= held (S l);
  late_growth : 0 < s l <= s (S l);
  late_large : ((1 + / zeta) * T ^ 2 + (1 + zeta) * X * (T + 1) ^ 2) * L ^ 2 <= (s l - ridge - L) * s l
}.

Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis constants : 0 <= b /\ 0 <= X /\ 0 < zeta.

Definition charge := L ^ 2 / 2 * ((1 + / zeta) * T + (1 + zeta) * X * (T + 1)).
Definition late_potential l := objective (w (S l)) + (1 + zeta) * b / s l * held l + charge / s l * fading l.

Lemma fading_nonneg l : 0 <= fading l.
Proof.
  rewrite <- (Rmult_0_r (INR tau)), <- sum_const. apply sum_le; intros j J.
  apply Rmult_le_pos; [apply lt_INR in J; lra|apply gap_nonneg].
Qed.

Lemma charge_nonneg : 0 <= charge.
Proof.
  unfold charge. destruct constants as [B [Xn Zp]]. assert (I : 0 < / zeta) by (apply Rinv_0_lt_compat; lra).
  assert (P := pos_INR tau). assert (Q := pow2_ge_0 L).
  apply Rmult_le_pos; [lra|]. apply Rplus_le_le_0_compat; repeat apply Rmult_le_pos; lra.
Qed.

Theorem late_falls l : late_round l -> late_potential (S l) <= late_potential l - ‖slope (w (S l))‖² / (2 * s l).
Proof.
  intros Round. unfold late_potential. destruct constants as [Bn [Xn Zp]]. assert (P := late_growth l Round).
  assert (Pl := late_large l Round). assert (M := late_move l Round). assert (Jb := late_lag l Round).
  assert (C := late_clients l Round). assert (Hn := late_nonneg l Round).
  set (d := (w (S (S l)) - w (S l))%V) in *. set (g := slope (w (S l))) in *.
  assert (M' : (heard l - lag l)%V = (- (s l * d) - g)%V).
  { apply separated; intros z. apply (f_equal (fun y => ⟨y, z⟩)) in M. autorewrite with inner in *. lra. }
  assert (D := descent V m weight ridge L F G weights L_positive F_smooth (w (S l)) d).
  replace (w (S l) + d)%V with (w (S (S l))) in D by (unfold d; vector). fold g in D.
  assert (Gap : newest l = ‖d‖²) by reflexivity. rewrite Gap in C.
  assert (Fade : fading (S l) = fading l + T * ‖d‖² - past l).
  { rewrite <- Gap, <- (fading_shift (gap V w (S l)) tau). apply sum_ext. intros j _. now rewrite gap_shift. }
  assert (Fn := fading_nonneg (S l)). assert (Cn := charge_nonneg).
  assert (I : / s (S l) <= / s l) by (apply Rinv_le_contravar; lra).
  set (a := heard l) in *. set (r := lag l) in *. set (y := past l) in *. set (x' := held (S l)) in *.
  set (x := held l) in *. set (q := fading l) in *. set (q' := fading (S l)) in *. rewrite Fade in *.
  set (f := objective (w (S l))) in *. set (f' := objective (w (S (S l)))) in *. set (t' := s (S l)) in *.
  set (t := s l) in *. clearbody y x x' q q' f f' t t' d g a r.
  assert (Z : 0 < / zeta) by (apply Rinv_0_lt_compat; lra).
  assert (Split : ‖- (t * d) - g‖² <= (1 + zeta) * ‖a‖² + (1 + / zeta) * ‖r‖²).
  { rewrite <- M'. refine (conclude _ _ _ (square (/ zeta) (zeta * a + r)%V (Rlt_le _ _ Z)) _). expand_goal. field.
    lra. }
  assert (W1 : 0 <= 1 / (2 * t)) by (apply quotient; lra). assert (W2 : 0 <= (1 + zeta) / t) by (apply quotient; lra).
  assert (W4 : 0 <= (1 + / zeta) / (2 * t)) by (apply quotient; lra).
  assert (W5 : 0 <= (1 + zeta) * b * x' + charge * (q + T * ‖d‖² - y)).
  { apply Rplus_le_le_0_compat; apply Rmult_le_pos; [apply Rmult_le_pos; lra|lra|exact Cn|]. lra. }
  assert (W6 : 0 <= ((t - ridge - L) * t - ((1 + / zeta) * T ^ 2 + (1 + zeta) * X * (T + 1) ^ 2) * L ^ 2) / (2 * t))
    by (apply quotient; lra).
  refine (conclude _ _ _ (plus (plus (row 1 _ _ D Rle_0_1) (row _ _ _ C W2)) (plus (row _ _ _ Split W1)
    (plus (plus (row _ _ _ Jb W4) (row _ _ _ I W5)) (square _ d W6)))) _).
  unfold charge. expand_goal. field. repeat split; lra.
Qed.

Hypothesis bounded : forall x, least <= objective x.
Theorem late_sum N : 0 < s N -> 0 <= held N -> (forall l, (l < N)%nat -> late_round l) ->
  sum N (fun l => ‖slope (w (S l))‖² / (2 * s l)) <= late_potential 0 - least.
Proof.
  intros P A Rounds.
  assert (K : sum N (fun l => ‖slope (w (S l))‖² / (2 * s l)) <= late_potential 0 - late_potential N).
  { clear P A. induction N as [|N IH]; [simpl; lra|]. assert (K := late_falls N (Rounds N ltac:(lia))).
    assert (E := IH (fun l I => Rounds l ltac:(lia))). simpl sum. lra. }
  destruct constants as [Bn [Xn Zp]]. assert (B := bounded (w (S N))). assert (C := fading_nonneg N).
  assert (Cn := charge_nonneg).
  assert (Q : 0 <= (1 + zeta) * b / s N * held N).
  { apply Rmult_le_pos; [apply quotient; [apply Rmult_le_pos; lra|lra]|exact A]. }
  assert (Q' : 0 <= charge / s N * fading N) by (apply Rmult_le_pos; [apply quotient; lra|exact C]).
  unfold late_potential in K at 2. lra.
Qed.
End Late.
