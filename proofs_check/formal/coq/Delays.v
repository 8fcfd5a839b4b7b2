(** N7 (c): gradients of age at most tau. Any clients, any bounded preconditioners, any pattern of delays.

    The residuals of the potential are those that the clients hold, with the gradients that they use; so only the
    differences of used gradients and the server's error see the delays. *)

From PISA Require Export Late.
From PISA Require Import LinearRate.

Section Delays.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge beta L : R) (penalty : nat -> nat -> R).
Variables (bend : nat -> nat -> V -> V) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (w : nat -> V) (local dual : nat -> nat -> V) (age : nat -> nat -> nat) (tau : nat).
(** At iteration l client i uses the gradient at w^(l - age), at the start's point when there is none so early. *)
Notation used := (fun l i => G i (w (l - age l i)%nat)).
Hypothesis run : pisa V m weight ridge penalty bend used w local dual.
Hypothesis late : forall l i, (i < m)%nat -> (age l i <= tau)%nat.
Notation rate := (rate m weight ridge penalty).
Notation mean := (mean V m weight).
Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).

Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis penalty_positive : forall l i, (i < m)%nat -> 0 < penalty l i.
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis bend_symmetric : forall l i x y, (i < m)%nat -> ⟨bend l i x, y⟩ = ⟨x, bend l i y⟩.
Hypothesis bend_bounded : forall l i x, (i < m)%nat -> 0 <= ⟨bend l i x, x⟩ <= beta * penalty l i * ‖x‖².
Hypothesis nondecreasing : forall l, 0 < rate l <= rate (S l).

Notation X := (threshold beta).
Notation u l i := (taken V penalty w local l i).
Notation v l i := (left V bend w local l i).
Definition held l i : V := (used (S l) i + dual l i)%V.
Definition held_all l := sum m (fun i => weight i * ‖held l i‖²).
Notation T := (INR tau).
Notation past l := (sum tau (fun j => gap V w (S l) (S j))).

Lemma turn_bound l i : (i < m)%nat ->
  ‖used (S (S l)) i - used (S l) i‖² <= L ^ 2 * ((T + 1) * (gap V w (S l) 0 + past l)).
Proof.
  intros I. eapply Rle_trans; [apply (lipschitz _ _ _ _ (F_smooth i I))|]. replace (L ^ 2) with (L * L) by ring.
  apply Rmult_le_compat_l; [nra|]. assert (A := late (S (S l)) i I). assert (B := late (S l) i I).
  assert (K := near V w (S l) (age (S (S l)) i) (S (age (S l) i)) (S tau) ltac:(lia) ltac:(lia)).
  rewrite S_INR, sum_first in K. exact K.
Qed.

Lemma lag_bound l i : (i < m)%nat -> ‖G i (w (S l)) - used (S l) i‖² <= L ^ 2 * (T * past l).
Proof.
  intros I. eapply Rle_trans; [apply (lipschitz _ _ _ _ (F_smooth i I))|]. replace (L ^ 2) with (L * L) by ring.
  apply Rmult_le_compat_l; [nra|]. exact (near_place V w (S l) _ tau (late (S l) i I)).
Qed.

Lemma below (f g : nat -> R) : (forall i, (i < m)%nat -> f i <= g i) ->
  sum m (fun i => weight i * f i) <= sum m (fun i => weight i * g i).
Proof. intros E. apply sum_le; intros. apply Rmult_le_compat_l; [now apply weights|auto]. Qed.

Lemma const a : sum m (fun i => weight i * a) = a.
Proof. rewrite (sum_ext m _ (fun i => a * weight i)), sum_scale, (proj2 weights) by (intros; ring). ring. Qed.

Lemma clients_hold l : share beta * held_all (S l) + / 2 * sum m (fun i => weight i * ‖u l i - v l i‖²)
  <= share beta * held_all l + X / 2 * (L ^ 2 * ((T + 1) * (gap V w (S l) 0 + past l))).
Proof.
  assert (Tp : 0 <= X / 2) by (assert (S := share_positive beta beta_nonneg); lra).
  set (h := L ^ 2 * ((T + 1) * (gap V w (S l) 0 + past l))). rewrite <- (const (X / 2 * h)). unfold held_all.
  rewrite <- !sum_scale, <- !sum_add.
  rewrite (sum_ext m _ (fun i => weight i * (share beta * ‖held (S l) i‖² + / 2 * ‖u l i - v l i‖²))) by (intros; ring).
  rewrite (sum_ext m (fun i => _ + weight i * (X / 2 * h)) (fun i => weight i * (share beta * ‖held l i‖² + X / 2 * h)))
    by (intros; ring).
  apply below. intros i I.
  assert (C := client_step V (u l i) (v l i) (used (S (S l)) i - used (S l) i)%V beta beta_nonneg
    (client_sector V m beta penalty bend w local penalty_positive beta_nonneg bend_symmetric bend_bounded l i I)).
  assert (E := parts _ _ _ _ _ _ _ _ _ _ l i run I). cbv beta in E.
  replace (held l i) with (u l i + v l i)%V by (unfold held; now rewrite E).
  replace (held (S l) i) with (v l i + (used (S (S l)) i - used (S l) i))%V.
  - assert (H := Rmult_le_compat_l _ _ _ Tp (turn_bound l i I)). fold h in H. lra.
  - unfold held. rewrite (next_dual _ _ _ _ _ _ _ _ _ _ l i run). apply separated; intros z.
    apply (f_equal (fun y => ⟨y, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

Lemma held_nonneg l : 0 <= held_all l.
Proof. unfold held_all. rewrite <- (const 0). apply below. intros; apply inner_nonneg. Qed.

(** One round is as Late.v asks for: the server hears u - v, and lacks the difference of the gradients. *)
Lemma delayed_round zeta l : ((1 + / zeta) * T ^ 2 + (1 + zeta) * X * (T + 1) ^ 2) * L ^ 2
    <= (rate (S l) - ridge - L) * rate (S l) ->
  late_round V m weight ridge L (share beta) X zeta G w (fun l => mean (fun i => u l i - v l i)%V)
    (fun l => mean (fun i => G i (w (S l)) - used (S l) i)%V) held_all (fun l => rate (S l)) tau l.
Proof.
  intros Large. split; [| | |exact (held_nonneg (S l))|exact (nondecreasing (S l))|exact Large].
  - rewrite (round _ _ _ _ _ _ _ _ _ _ l run). unfold Preconditioned.slope.
    rewrite (mean_add _ _ _ (fun i => G i (w (S l))) (fun i => -1 * used (S l) i)%V), mean_scale. vector.
  - eapply Rle_trans; [exact (jensen _ _ _ _ (proj1 weights) (proj2 weights))|].
    rewrite <- (const (L ^ 2 * (T * past l))). apply below. exact (lag_bound l).
  - assert (C := clients_hold l). assert (J : ‖mean (fun i => u l i - v l i)%V‖² <=
      sum m (fun i => weight i * ‖u l i - v l i‖²)) by exact (jensen _ _ _ _ (proj1 weights) (proj2 weights)). lra.
Qed.
End Delays.

(** The best zeta: (sigma - L)(sigma + lambda) >= L^2 (tau + (tau + 1) sqrt X)^2, with X = X(beta) of
    T6-preconditioned. *)
Theorem N7_delays (V : space) m weight ridge beta L least penalty bend (F : nat -> V -> R) (G : nat -> V -> V)
  w local dual age tau :
  pisa V m weight ridge penalty bend (fun l i => G i (w (l - age l i)%nat)) w local dual ->
  (forall l i, (i < m)%nat -> (age l i <= tau)%nat) -> (1 <= tau)%nat ->
  (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1 -> 0 <= ridge -> 0 < L ->
  (forall i, (i < m)%nat -> smooth L (F i) (G i)) -> (forall l i, (i < m)%nat -> 0 < penalty l i) -> 0 <= beta ->
  (forall l i x y, (i < m)%nat -> ⟨bend l i x, y⟩ = ⟨x, bend l i y⟩) ->
  (forall l i x, (i < m)%nat -> 0 <= ⟨bend l i x, x⟩ <= beta * penalty l i * ‖x‖²) ->
  (forall l, 0 < rate m weight ridge penalty l <= rate m weight ridge penalty (S l)) ->
  (forall l, ((INR tau + (INR tau + 1) * sqrt (threshold beta)) * L) ^ 2
    <= (rate m weight ridge penalty (S l) - ridge - L) * rate m weight ridge penalty (S l)) ->
  (forall x, least <= objective V m weight ridge F x) ->
  let zeta := INR tau / ((INR tau + 1) * sqrt (threshold beta)) in
  let value := late_potential V m weight ridge L (share beta) (threshold beta) zeta F w
    (fun l => sum m (fun i => weight i * ‖G i (w (S l - age (S l) i)%nat) + dual l i‖²))
    (fun l => rate m weight ridge penalty (S l)) tau in
  (forall l, value (S l) <= value l - ‖slope V m weight ridge G (w (S l))‖² / (2 * rate m weight ridge penalty (S l)))
    /\
  forall N, sum N (fun l => ‖slope V m weight ridge G (w (S l))‖² / (2 * rate m weight ridge penalty (S l)))
    <= value 0%nat - least.
Proof.
  intros Run Late One W Ri LP FS PP B Sym Bound Up Large Least zeta value.
  assert (Sh := share_positive beta B). assert (X1 : 0 < threshold beta) by lra.
  assert (Q := sqrt_sqrt (threshold beta) ltac:(lra)). assert (Q' := sqrt_lt_R0 _ X1). set (q := sqrt (threshold
    beta)) in *.
  assert (T1 : 1 <= INR tau) by (change 1 with (INR 1); now apply le_INR).
  assert (Z : 0 < zeta) by (unfold zeta; apply Rdiv_lt_0_compat; [lra|apply Rmult_lt_0_compat; lra]).
  assert (Cs : 0 <= share beta /\ 0 <= threshold beta /\ 0 < zeta) by lra.
  assert (Each : forall l, late_round V m weight ridge L (share beta) (threshold beta) zeta G w
    (fun l => mean V m weight (fun i => taken V penalty w local l i - left V bend w local l i)%V)
    (fun l => mean V m weight (fun i => G i (w (S l)) - G i (w (S l - age (S l) i)%nat))%V)
    (held_all V m weight G w dual age) (fun l => rate m weight ridge penalty (S l)) tau l).
  { intros l. apply (delayed_round V m weight ridge beta L penalty bend F G w local dual age tau Run Late W FS PP B
      Sym Bound Up). eapply Rle_trans; [|apply Large]. right. rewrite <- Q. unfold zeta. field. lra. }
  split.
  - intros l. exact (late_falls V m weight ridge L (share beta) _ zeta F G w _ _ _ _ tau W LP FS Cs l (Each l)).
  - intros N. exact (late_sum V m weight ridge L least (share beta) _ zeta F G w _ _ _ _ tau W LP FS Cs Least N
      (proj1 (Up (S N))) (held_nonneg V m weight G w dual age W N) (fun l _ => Each l)).
Qed.

(** Without a preconditioner sqrt X = 1: (sigma - L)(sigma + lambda) >= ((2 tau + 1) L)^2. *)
Lemma plain_threshold : threshold 0 = 1.
Proof. unfold threshold. destruct (Rle_dec 0 3); lra. Qed.

(** ** Such runs exist: the algorithm with a memory of its past points *)
Section Exist.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (penalty : nat -> nat -> R) (bend solve : nat -> nat -> V -> V).
Variables (G : nat -> V -> V) (origin : V) (first_dual : nat -> V) (age : nat -> nat -> nat).
Notation rate := (rate m weight ridge penalty).
Hypothesis rate_nonzero : forall l, rate l <> 0.
Hypothesis solves : forall l i y, (penalty l i * solve l i y + bend l i (solve l i y) = y)%V.

(** The points w^l, w^(l-1), ..., then the local points and the multipliers. *)
Fixpoint delayed_state l : (nat -> V) * (nat -> V) * (nat -> V) :=
  match l with
  | O => (fun _ => origin, fun _ => origin, first_dual)
  | S l => let '(h, x, p) := delayed_state l in
      let w' := (/ rate l * mean V m weight (fun i => penalty l i * x i + p i))%V in
      let h' j := match j with O => w' | S j => h j end in
      let d i := solve (S l) i (- (p i + G i (h' (age (S l) i))))%V in
      (h', fun i => (w' + d i)%V, fun i => (p i + penalty (S l) i * d i)%V)
  end.

Notation w := (fun l => fst (fst (delayed_state l)) O).

Lemma remembers l : forall j, fst (fst (delayed_state l)) j = w (l - j)%nat.
Proof.
  induction l as [|l IH]; intros j; [reflexivity|]. destruct j as [|j]; [reflexivity|]. rewrite Nat.sub_succ, <- IH.
  simpl. destruct (delayed_state l) as [[h x] p]. reflexivity.
Qed.

Theorem delayed_run_exists : pisa V m weight ridge penalty bend (fun l i => G i (w (l - age l i)%nat)) w
  (fun l => snd (fst (delayed_state l))) (fun l => snd (delayed_state l)).
Proof.
  split.
  - reflexivity.
  - intros l. simpl. destruct (delayed_state l) as [[h x] p]. simpl. assert (N := rate_nonzero l). vector.
  - intros l i _. cbv beta. rewrite <- (remembers (S l) (age (S l) i)). unfold deviation. simpl.
    destruct (delayed_state l) as [[h x] p]. simpl. set (w' := (/ _ * _)%V). set (d := solve _ _ _).
    replace (w' + d - w')%V with d by vector. apply solves.
  - intros l i. unfold deviation. simpl. destruct (delayed_state l) as [[h x] p]. simpl. set (w' := (/ _ * _)%V).
    vector.
Qed.
End Exist.

(** An exhibit of all hypotheses: the clients of LinearRate.v with operators and ages that change places, tau = 1,
    beta = 1, sigma = 4. *)
Definition turns (l i : nat) : nat := if Nat.even (l + i) then 1 else 0.

Theorem N7_delays_inhabited (p : line) : exists (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 2 halves 0 (fun _ _ => 4) (fun l i x => swap l i * x)%V (fun l i => parabola_slope i (w (l - turns l
    i)%nat))
    w local dual /\
  w 0%nat = 0 /\ (forall i, dual 0%nat i = p) /\ (forall l i, (turns l i <= 1)%nat) /\
  (forall l i (x y : line), (i < 2)%nat -> ⟨swap l i * x, y⟩ = ⟨x, swap l i * y⟩) /\
  (forall l i (x : line), (i < 2)%nat -> 0 <= ⟨swap l i * x, x⟩ <= 1 * 4 * ‖x‖²) /\
  (forall l : nat, 0 < rate 2 halves 0 (fun _ _ => 4) l <= rate 2 halves 0 (fun _ _ => 4) (S l)) /\
  (forall l : nat, ((INR 1 + (INR 1 + 1) * sqrt (threshold 1)) * 1) ^ 2
    <= (rate 2 halves 0 (fun _ _ => 4) (S l) - 0 - 1) * rate 2 halves 0 (fun _ _ => 4) (S l)) /\
  forall x : line, / 8 <= objective line 2 halves 0 parabola x.
Proof.
  assert (Run := delayed_run_exists line 2 halves 0 (fun _ _ => 4) (fun l i x => swap l i * x)%V
    (fun l i y => / (4 + swap l i) * y)%V parabola_slope 0 (fun _ => p) turns ltac:(intros; unfold rate; simpl; lra)
    ltac:(intros l i y; cbn in *; destruct (swap_cases l i) as [->| ->]; field)).
  do 3 eexists. split; [exact Run|]. split; [reflexivity|]. split; [reflexivity|].
  repeat match goal with |- _ /\ _ => split end.
  - intros l i. unfold turns. destruct (Nat.even _); lia.
  - intros l i x y _. cbn. ring.
  - intros l i x _. cbn in *. destruct (swap_cases l i) as [->| ->]; nra.
  - intros l. unfold rate. simpl. lra.
  - intros l. unfold rate. simpl sum. unfold threshold. destruct (Rle_dec 1 3) as [_|No]; [|lra]. simpl INR.
    assert (S := sqrt_sqrt (4 / (4 - 1)) ltac:(lra)). assert (S0 := sqrt_pos (4 / (4 - 1))). set (r := sqrt _) in *.
    assert (r < 1155 / 1000) by nra. nra.
  - intros x. unfold objective, parabola, centre. cbn in *. assert (Q := pow2_ge_0 (x - / 2)). lra.
Qed.
