(** N2: its loops exist, for every choice of bounded operators, and its constants are those of the table. *)

From PISA Require Export Unguarded.

(** The constants in the words of the table: vartheta = (1 - delta)/(1 + eps) < 1. *)
Theorem N2_constants a eps delta beta X (vartheta := (1 - delta) / (1 + eps)) (u := sqrt vartheta) :
  0 <= eps -> 0 <= delta < 1 -> 0 < eps + delta ->
  (beta < 4 * vartheta /\ a = / (2 * (1 - delta)) /\ X = 4 / (4 * vartheta - beta)) \/
  (3 <= beta /\ beta / (1 + beta) < u /\
    (1 + eps) * a = (beta - 1) ^ 2 / (2 * (1 + beta) * u * ((1 + beta) * u - beta)) /\
    X = (beta - 1) ^ 2 / ((1 + beta) * u - beta) ^ 2) -> constants beta vartheta ((1 + eps) * a) X.
Proof.
  intros E D P Range. right. assert (V : 0 < vartheta < 1).
  { unfold vartheta. split; [apply Rdiv_lt_0_compat; lra|]. apply Rmult_lt_reg_r with (1 + eps); [lra|].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
  split; [exact V|]. destruct Range as [[B [-> ->]]|[B [U [A Xe]]]].
  - left. unfold small_range. replace (1 - (1 - vartheta)) with vartheta by ring. split; [exact B|split;
    [|reflexivity]].
    unfold vartheta. field. lra.
  - right. unfold large_range. replace (1 - (1 - vartheta)) with vartheta by ring. cbv zeta. fold u. tauto.
Qed.

Section Exist.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L : R) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (a c eps delta beta X t floor : R) (share : nat -> R).
Notation error := (error V m weight G).
Notation passes := (passes V m weight ridge F G a c eps delta).
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis ranges_of_constants : 0 < a /\ 0 < c <= / 2 /\ 0 <= eps /\ 0 <= delta < 1.
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis matched : constants beta ((1 - delta) / (1 + eps)) ((1 + eps) * a) X.
Hypothesis shares : (forall i, (i < m)%nat -> 0 < share i) /\ sum m (fun i => weight i * share i) = 1.
Hypothesis t_above_1 : 1 < t.
(** Round k at the penalty sigma: client i's rho_i Q_i, and the solution of its equation. *)
Variables (bend solve : nat -> R -> nat -> V -> V).
Hypothesis symmetric : forall k sigma i x y, (i < m)%nat -> ⟨bend k sigma i x, y⟩ = ⟨x, bend k sigma i y⟩.
Hypothesis bounded_operators : forall k sigma i x, (i < m)%nat -> 0 < sigma ->
  0 <= ⟨bend k sigma i x, x⟩ <= beta * (share i * sigma) * ‖x‖².
Hypothesis solves : forall k sigma i y, (i < m)%nat -> 0 < sigma ->
  (share i * sigma * solve k sigma i y + bend k sigma i (solve k sigma i y) = y)%V.
Variables (origin : V) (memory : nat -> V) (first : R).
Hypothesis first_positive : 0 < first.

Definition next_p k sigma x (q : nat -> V) i : V := (q i - share i * sigma * solve k sigma i (q i - G i x))%V.
Definition next_w k sigma x (q : nat -> V) : V :=
  (x + / (sigma + ridge) * (mean V m weight (fun i => q i - 2 * next_p k sigma x q i) - ridge * x))%V.

Lemma next_trial k sigma x q : 0 < sigma ->
  trial V m weight ridge G beta (fun i => share i * sigma) x q (next_w k sigma x q) (next_p k sigma x q).
Proof.
  intros S. split.
  - exists (bend k sigma), (fun i => solve k sigma i (q i - G i x)%V). intros i I.
    split; [now intros; apply symmetric|split; [now intros; apply bounded_operators|split; [now apply
      solves|reflexivity]]].
  - rewrite (total m weight share shares). unfold next_w. set (y := (mean _ _ _ _ - _)%V). vector.
Qed.

Definition trial_dec k sigma x q :
  {passes (sigma + ridge) (error x q) x (next_w k sigma x q) (next_p k sigma x q)} +
  {~ passes (sigma + ridge) (error x q) x (next_w k sigma x q) (next_p k sigma x q)} := Rle_dec _ _.

Definition raises k x q s : nat := least _ (fun n => trial_dec k (t ^ n * s) x q).

Lemma raises_enough k x q s : 0 < s ->
  passes (t ^ raises k x q s * s + ridge) (error x q) x (next_w k (t ^ raises k x q s * s) x q)
    (next_p k (t ^ raises k x q s * s) x q) /\
  forall j, (j < raises k x q s)%nat ->
    ~ passes (t ^ j * s + ridge) (error x q) x (next_w k (t ^ j * s) x q) (next_p k (t ^ j * s) x q).
Proof.
  intros S. apply (least_has (fun n => passes (t ^ n * s + ridge) (error x q) x (next_w k (t ^ n * s) x q)
    (next_p k (t ^ n * s) x q))).
  destruct (reaches t s (root ridge L X) t_above_1 S) as [n N]. exists n.
  assert (P : 0 < t ^ n * s) by (apply Rmult_lt_0_compat; [apply pow_lt; lra|exact S]).
  exact (trial_passes V m weight ridge L F G a c eps delta beta X weights ridge_nonneg L_positive F_smooth
    ranges_of_constants beta_nonneg matched share shares _ _ _ _ _ (next_trial k _ x q P) P N).
Qed.

Fixpoint unguarded_state k : V * (nat -> V) * R :=
  match k with
  | O => (origin, memory, first)
  | S k => let '(x, q, s) := unguarded_state k in
      let s' := (t ^ raises k x q s * s)%R in (next_w k s' x q, next_p k s' x q, Rmax (s' / (1 + eps)) floor)
  end.

Notation w := (fun k => fst (fst (unguarded_state k))).
Notation p := (fun k => snd (fst (unguarded_state k))).
Notation begun := (fun k => snd (unguarded_state k)).
Notation rises := (fun k => raises k (w k) (p k) (begun k)).

Lemma begun_positive k : 0 < begun k.
Proof.
  induction k as [|k IH]; [exact first_positive|]. cbn [unguarded_state].
  destruct (unguarded_state k) as [[x q] s]. cbn [snd] in *. eapply Rlt_le_trans; [|apply Rmax_l].
  apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; [apply pow_lt; lra|exact IH]|lra].
Qed.

Theorem N2_loops_exist : exists w p begun sigma rises,
  unguarded V m weight ridge F G a c eps delta beta t floor share w p begun sigma rises /\
  w O = origin /\ p O = memory /\ begun O = first /\ forall k, begun (S k) = Rmax (sigma k / (1 + eps)) floor.
Proof.
  exists w, p, begun, (fun k => t ^ rises k * begun k), rises. split; [split|repeat split].
  - split; [exact first_positive| |reflexivity]. intros k. generalize (begun_positive k). cbn [unguarded_state].
    destruct (unguarded_state k) as [[x q] s]. cbn [fst snd]. intros P. split; [apply Rmax_l|]. apply Rle_max_compat_r.
    assert (P' : 0 < t ^ raises k x q s * s) by (apply Rmult_lt_0_compat; [apply pow_lt; lra|exact P]).
    apply Rmult_le_reg_r with (1 + eps); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. nra.
  - intros k. generalize (begun_positive k). cbn [unguarded_state]. destruct (unguarded_state k) as [[x q] s].
    cbn [fst snd]. intros P. split; [|now apply raises_enough]. apply next_trial.
    apply Rmult_lt_0_compat; [apply pow_lt; lra|exact P].
  - intros k j J. assert (P := begun_positive k). cbv beta in J, P. do 2 eexists. split.
    + apply (next_trial k). apply Rmult_lt_0_compat; [apply pow_lt; lra|exact P].
    + now apply raises_enough.
  - intros k. cbn [unguarded_state]. now destruct (unguarded_state k) as [[x q] s].
Qed.
End Exist.
