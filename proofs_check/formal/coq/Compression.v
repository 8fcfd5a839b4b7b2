(** N7 (b): clients that send a compressed residual (the mechanism of EF21). *)

From PISA Require Export Contractive.
From PISA Require Import LinearRate.

Section Compression.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L least u : R) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (w : nat -> V) (p sent : nat -> nat -> V) (s : nat -> R).
Notation mean := (mean V m weight).
Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).
Definition residual k i : V := (G i (w k) - p k i)%V.

(** Round k: client i adds [sent k i] to p_i, which differs from its residual e_i by at most u |e_i|; the server steps
    along the mean of the new p_i, or of 2 p_i^+ - p_i where it extrapolates. *)
Record compressed (extrapolates : bool) : Prop := {
  memory_step : forall k i, (i < m)%nat -> (p (S k) i = p k i + sent k i)%V;
  close_enough : forall k i, (i < m)%nat -> ‖residual k i - sent k i‖² <= u ^ 2 * ‖residual k i‖²;
  server_step : forall k, (s k * (w (S k) - w k) =
    - (mean (fun i => p (S k) i + (if extrapolates then 1 else 0) * (p (S k) i - p k i)) + ridge * w k))%V
}.

Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis u_below_1 : 0 <= u < 1.

(** |r|^2 <= chi E *)
Definition server_share (extrapolates : bool) := if extrapolates then (1 + 2 * u) ^ 2 else u ^ 2.

Lemma weighted_scale n a (f : nat -> R) : sum n (fun i => weight i * (a * f i)) = a * sum n (fun i => weight i * f i).
Proof. rewrite <- sum_scale. apply sum_ext; intros; ring. Qed.

Lemma weighted_below (f g : nat -> R) : (forall i, (i < m)%nat -> f i <= g i) ->
  sum m (fun i => weight i * f i) <= sum m (fun i => weight i * g i).
Proof. intros E. apply sum_le; intros i I. apply Rmult_le_compat_l; [now apply weights|auto]. Qed.

(** The server that extrapolates hears e - 2(e - c). *)
Lemma twice (e y : V) : ‖y‖² <= u ^ 2 * ‖e‖² -> ‖e - 2 * y‖² <= (1 + 2 * u) ^ 2 * ‖e‖².
Proof.
  intros B. destruct (Req_dec u 0) as [Z|N].
  - rewrite Z in *. rewrite (norm_zero V y) by lra. right. expand_goal. ring.
  - assert (U : 0 < u) by lra. assert (K : 0 <= 4 + 2 / u) by (assert (0 < 2 / u) by (apply Rdiv_lt_0_compat; lra);
    lra).
    assert (K' : 0 <= 2 / u) by (apply quotient; lra).
    refine (conclude _ _ _ (plus (row _ _ _ B K) (square (2 / u) (u * e + y)%V K')) _). expand_goal. field. lra.
Qed.

Theorem compressed_contracts extrapolates k : compressed extrapolates ->
  contracts V m weight ridge (server_share extrapolates) u G w residual (fun k i => residual k i - sent k i)%V
    (fun k => mean (fun i => (if extrapolates then 1 else 0) * residual k i - (if extrapolates then 2 else 1) *
      (residual k i - sent k i)))%V s k.
Proof.
  intros Run. split.
  - rewrite (server_step _ Run). unfold Preconditioned.slope. apply separated; intros z.
    autorewrite with inner. rewrite !inner_mean.
    assert (E : sum m (fun i => weight i * ⟨p (S k) i + (if extrapolates then 1 else 0) * (p (S k) i - p k i), z⟩)
      = sum m (fun i => weight i * ⟨G i (w k), z⟩ + weight i * ⟨(if extrapolates then 1 else 0) * residual k i -
        (if extrapolates then 2 else 1) * (residual k i - sent k i), z⟩)).
    { apply sum_ext. intros i I. rewrite (memory_step _ Run k i I). unfold residual. destruct extrapolates; expand_goal;
      ring. }
    rewrite E, sum_add. ring.
  - eapply Rle_trans; [apply jensen; apply weights|]. unfold spread. rewrite <- weighted_scale.
    apply weighted_below. intros i I. assert (C := close_enough _ Run k i I). unfold server_share. destruct
      extrapolates.
    + replace (1 * residual k i)%V with (residual k i) by vector. now apply twice.
    + replace ‖0 * residual k i - 1 * (residual k i - sent k i)‖² with ‖residual k i - sent k i‖² by (expand_goal;
      ring).
      exact C.
  - intros i I. unfold residual. rewrite (memory_step _ Run k i I). vector.
  - unfold spread. rewrite <- weighted_scale. apply weighted_below. exact (close_enough _ Run k).
Qed.

Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis nondecreasing : forall k, 0 < s k <= s (S k).
Hypothesis bounded : forall x, least <= objective x.

(** The potential falls, its falls add up: s is sigma + lambda. *)
Theorem N7_compression extrapolates : compressed extrapolates ->
  (forall k, server_share extrapolates / (1 - u) ^ 2 * L ^ 2 <= (s k - ridge - L) * s k) ->
  let value k := objective (w k) + server_share extrapolates / (2 * (1 - u)) / s k *
    sum m (fun i => weight i * ‖G i (w k) - p k i‖²) in
  (forall k, value (S k) <= value k - ‖slope (w k)‖² / (2 * s k)) /\
  forall N, sum N (fun k => ‖slope (w k)‖² / (2 * s k)) <= value 0%nat - least.
Proof.
  intros Run Large value. assert (Con := fun k => compressed_contracts extrapolates k Run).
  assert (Cs : 0 <= server_share extrapolates /\ 0 <= u < 1).
  { split; [unfold server_share; destruct extrapolates; apply pow2_ge_0|exact u_below_1]. }
  assert (Lp := fun k => conj (nondecreasing k) (Large k)). split.
  - intros k. exact (N7_falls V m weight ridge L _ u F G w _ _ _ s weights L_positive F_smooth Cs k (Con k) (Lp k)).
  - intros N. exact (N7_sum V m weight ridge L least _ u F G w _ _ _ s weights L_positive F_smooth Cs bounded N
      (proj1 (nondecreasing N)) (fun k _ => conj (Con k) (Lp k))).
Qed.
End Compression.

(** ** Such rounds exist for every compressor and every start *)
Section Exist.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge u : R) (G : nat -> V -> V) (s : nat -> R).
Variables (compress : nat -> nat -> V -> V) (extrapolates : bool) (origin : V) (memory : nat -> V).
Hypothesis s_positive : forall k, 0 < s k.
Hypothesis contraction : forall k i x, ‖x - compress k i x‖² <= u ^ 2 * ‖x‖².

Fixpoint compressed_state k : V * (nat -> V) :=
  match k with
  | O => (origin, memory)
  | S k => let '(x, p) := compressed_state k in
      let p' i := (p i + compress k i (G i x - p i))%V in
      ((x - / s k * (mean V m weight (fun i => p' i + (if extrapolates then 1 else 0) * (p' i - p i)) + ridge * x))%V,
        p')
  end.

Theorem N7_compressed_runs_exist : exists w p sent,
  compressed V m weight ridge u G w p sent s extrapolates /\ w O = origin /\ p O = memory /\
  forall k i, sent k i = compress k i (G i (w k) - p k i)%V.
Proof.
  exists (fun k => fst (compressed_state k)), (fun k => snd (compressed_state k)),
    (fun k i => compress k i (G i (fst (compressed_state k)) - snd (compressed_state k) i)%V).
  split; [split|easy].
  - intros k i _. simpl. destruct (compressed_state k) as [x p]. reflexivity.
  - intros k i _. apply contraction.
  - intros k. simpl. destruct (compressed_state k) as [x p]. simpl. set (a := (mean _ _ _ _ + _)%V).
    assert (P := s_positive k). vector.
Qed.
End Exist.

(** An exhibit of all hypotheses: the parabolas of LinearRate.v, half of each residual sent, sigma = 2. *)
Theorem N7_compression_inhabited : exists (w : nat -> line) (p sent : nat -> nat -> line),
  compressed line 2 halves 0 (/ 2) parabola_slope w p sent (fun _ => 2) false /\ w 0%nat = 0 /\
  ((forall i, (i < 2)%nat -> 0 <= halves i) /\ sum 2 halves = 1) /\
  (forall i, smooth 1 (parabola i) (parabola_slope i)) /\
  server_share (/ 2) false / (1 - / 2) ^ 2 * 1 ^ 2 <= (2 - 0 - 1) * 2 /\
  forall x : line, / 8 <= objective line 2 halves 0 parabola x.
Proof.
  destruct (N7_compressed_runs_exist line 2 halves 0 (/ 2) parabola_slope (fun _ => 2) (fun _ _ x => / 2 * x)%V false 0
    (fun _ => 0) ltac:(intros; lra) ltac:(intros k i x; cbn; nra)) as [w [p [sent [Run [W _]]]]].
  exists w, p, sent. split; [exact Run|split; [exact W|split; [split; [intros; lra|simpl; lra]|]]].
  split; [exact parabola_smooth|split; [unfold server_share; lra|]].
  intros x. unfold objective, parabola, centre. cbn in *. assert (Q := pow2_ge_0 (x - / 2)). lra.
Qed.
