(** The certificates' theorems are not empty: their runs exist from any first point, their hypotheses hold together,
    and a round can be made from any state. *)

From PISA Require Import Sound.
From PISA Require OneRound.

Lemma sum_positive n f : (forall i, (i < n)%nat -> 0 < f i) -> (0 < n)%nat -> 0 < sum n f.
Proof.
  induction n as [|n IH]; intros P N; [lia|]. cbn [sum]. assert (0 < f n) by auto.
  destruct n as [|n]; [cbn [sum]; lra|]. assert (0 < sum (S n) f) by (apply IH; auto; lia). lra.
Qed.

Section Worst.
Variables (p : problem) (V : space) (G : nat -> V -> V).
Notation m := (clients p).
Notation weight := (fun i => Q2R (at_ (alpha p) i)).
Notation lambda := (Q2R (ridge p)).
Hypothesis formed : well_formed p = true.

Lemma some_client : sum m weight = 1 /\ 0 <= lambda /\ (0 < m)%nat /\ forall i, (i < m)%nat -> 0 < weight i.
Proof.
  unfold well_formed, all in formed. apply andb_prop in formed as [H _]. apply andb_prop in H as [H A].
  apply andb_prop in H as [H _]. apply andb_prop in H as [O R]. apply zero_Q_sound in O.
  rewrite Q2R_add, Q2R_qsum, Q2R_minus_one in O.
  repeat split; [lra|now apply nonnegative_Q_sound|destruct m; [simpl in O; lra|lia]|].
  intros i I. rewrite forallb_forall in A. specialize (A i ltac:(apply in_seq; lia)). apply andb_prop in A as [A _].
  apply andb_prop in A as [A _]. now apply positive_Q_sound.
Qed.

Section Splitting.
Variables (exact warm after : bool) (rho : list Q) (sigma : list (list Q)).
Hypothesis is_splitting : method_of p = Splitting exact warm after rho sigma.
Notation lead := (if warm then 1%nat else 0%nat).
Notation r := (fun i => Q2R (at_ rho i)).
(** [solver i c w pi]: how far client i goes from w, with penalty c and multiplier pi *)
Variable solver : nat -> R -> V -> V -> V.
Hypothesis solves : forall i c w pi, (i < m)%nat -> 0 < c ->
  ((c + r i) * solver i c w pi = - (pi + G i (if exact then w + solver i c w pi else w)))%V.

(** the given penalties, then ones *)
Definition extended l i : R := if (l + lead <=? rounds p)%nat then Q2R (entry sigma (l + lead) i) else 1.
Lemma extended_positive l i : (i < m)%nat -> 0 < extended l i.
Proof.
  intros I. unfold extended. destruct (l + lead <=? rounds p)%nat eqn:L; [|lra]. apply Nat.leb_le in L.
  unfold well_formed, all in formed. rewrite is_splitting in formed. apply andb_prop in formed as [_ H].
  rewrite forallb_forall in H. specialize (H i ltac:(apply in_seq; lia)). apply andb_prop in H as [_ H].
  rewrite forallb_forall in H. apply positive_Q_sound, H, in_seq. lia.
Qed.
Notation total_penalty := (sum m (fun i => weight i * extended 0 i)).
Lemma penalty_sum l : 0 < sum m (fun i => weight i * extended l i).
Proof.
  destruct some_client as [_ [_ [M A]]]. apply sum_positive; [|easy]. intros i I.
  apply Rmult_lt_0_compat; [auto|now apply extended_positive].
Qed.

Theorem splitting_runs origin : exists W, runs p V G W /\ W 0%nat = origin.
Proof.
  destruct some_client as [_ [Lam _]]. assert (Positive := extended_positive). assert (Sum := penalty_sum).
  set (solving := if after then extended else fun l => extended (S l)).
  set (first := if warm then origin else ((total_penalty + lambda) / total_penalty * origin)%V).
  set (pi := fun i => if warm then (- G i first)%V else 0%V).
  assert (Run := splitting_exists V m weight lambda extended solving (fun _ i d => r i * d)%V
    (fun i w x => G i (if exact then x else w)) (fun l i w pi => solver i (solving l i) w pi) first pi).
  assert (Rate : forall l, rate m weight lambda extended l <> 0) by (intros l; unfold rate; assert (P := Sum l); lra).
  assert (Solve : forall l i w q, (i < m)%nat ->
    let d := solver i (solving l i) w q in (solving l i * d + r i * d = - (q + G i (if exact then w + d else w)))%V).
  { intros l i w q I d. unfold d. rewrite <- solves; [vector|easy|]. unfold solving. destruct after;
      now apply Positive. }
  specialize (Run Rate Solve). set (st := split_state V m weight lambda extended solving _ first pi) in *.
  exists (fun k => fst (fst (st (if warm then k else S k)))). split.
  - unfold runs. rewrite is_splitting.
    exists extended, (fun l => fst (fst (st l))), (fun l => snd (fst (st l))), (fun l => snd (st l)).
    split; [|split; [|split]]; [..|easy].
    + intros l i L I. unfold extended. apply Nat.leb_le in L. now rewrite L.
    + replace (fun l i => G i (if exact then snd (fst (st l)) i else fst (fst (st l))))
        with (fun l i => G i (if exact then snd (fst (st l)) i else fst (fst (st l)))) by easy. exact Run.
    + intros i. change (pi i = if warm then (- G i first)%V else 0%V). easy.
  - unfold st, first, pi. destruct warm eqn:Warm; [easy|]. cbn [split_state fst snd].
    assert (P := Sum 0%nat). unfold rate. set (t := total_penalty) in *.
    rewrite (mean_ext V m weight _ (fun i => 1 * (extended 0 i * ((t + lambda) / t * origin)))%V) by (intros; vector).
    rewrite mean_scale. apply separated; intros z. autorewrite with inner. rewrite inner_mean.
    rewrite (sum_ext m _ (fun i => (t + lambda) / t * ⟨origin, z⟩ * (weight i * extended 0 i))) by (intros;
        autorewrite with inner; ring).
    rewrite sum_scale. fold t. field. split; lra.
Qed.
End Splitting.

(** PISA: the client's step is explicit. *)
Theorem pisa_runs warm after rho sigma origin : method_of p = Splitting false warm after rho sigma ->
  exists W, runs p V G W /\ W 0%nat = origin.
Proof.
  intros M.
  apply (splitting_runs false warm after rho sigma M (fun i c w pi => - / (c + Q2R (at_ rho i)) * (pi + G i w))%V).
  intros i c w pi I C. assert (0 <= Q2R (at_ rho i)); [|vector].
  unfold well_formed, all in formed. rewrite M in formed. apply andb_prop in formed as [_ H].
  rewrite forallb_forall in H. specialize (H i ltac:(apply in_seq; lia)). apply andb_prop in H as [H _].
  now apply nonnegative_Q_sound.
Qed.
Theorem fedavg_runs step local_steps origin : method_of p = FedAvg step local_steps ->
  exists W, runs p V G W /\ W 0%nat = origin.
Proof.
  intros M. exists (average V m weight lambda (Q2R step) local_steps G origin). split; [|easy].
  unfold runs. rewrite M. eexists. apply fedavg_exists.
Qed.
End Worst.

(** ** All hypotheses together: the quadratics h |x|^2 / 2 on the line, from a point that is not their minimiser *)
Section Together.
Variables (p : problem) (h : R).
Notation m := (clients p).
Notation weight := (fun i => Q2R (at_ (alpha p) i)).
Notation lambda := (Q2R (ridge p)).
Hypothesis formed : well_formed p = true.
Hypothesis h_nonneg : 0 <= h.
Hypothesis h_between : forall i, (i < m)%nat -> Q2R (at_ (low p) i) <= h <= Q2R (at_ (high p) i).
Hypothesis zeta_nonneg : forall zeta, heterogeneity p = Some zeta -> 0 <= Q2R zeta.
Definition F (_ : nat) (x : line) : R := h / 2 * ‖x‖².
Definition G (_ : nat) (x : line) : line := (h * x)%V.

Lemma quadratic_bounds i : (i < m)%nat -> bounds (Q2R (at_ (low p) i)) (Q2R (at_ (high p) i)) (F i) (G i).
Proof.
  intros I x v. unfold F, G. destruct (h_between i I) as [A B]. assert (P := inner_nonneg _ v).
  assert (A' := Rmult_le_compat_r _ _ _ P A).
  assert (B' := Rmult_le_compat_r _ _ _ P B). expand. split; lra.
Qed.
Lemma quadratic_runs origin : exists W, runs p line G W /\ W 0%nat = origin.
Proof.
  destruct (method_of p) as [exact warm after rho sigma|step n] eqn:M; [|now apply fedavg_runs with step n].
  destruct exact; [|now apply pisa_runs with warm after rho sigma].
  assert (R : forall i, (i < m)%nat -> 0 <= Q2R (at_ rho i)).
  { intros i I. assert (H := formed). unfold well_formed, all in H. rewrite M in H. apply andb_prop in H as [_ H].
    rewrite forallb_forall in H. specialize (H i ltac:(apply in_seq; lia)). apply andb_prop in H as [H _].
    now apply nonnegative_Q_sound. }
  apply (splitting_runs p line G formed true warm after rho sigma M
      (fun i c w pi => - / (c + Q2R (at_ rho i) + h) * (pi + h * w))%V).
  intros i c w pi I C. specialize (R i I). unfold G. vector.
Qed.
Lemma quadratic_objective x : objective p line F x = (h + lambda) / 2 * ‖x‖².
Proof.
  destruct (some_client p formed) as [O _]. unfold objective, F.
  rewrite (sum_ext m _ (fun i => h / 2 * ‖x‖² * weight i)), sum_scale, O by (intros; ring). lra.
Qed.

Theorem together : exists F G inf star W,
  (forall i, (i < m)%nat -> bounds (Q2R (at_ (low p) i)) (Q2R (at_ (high p) i)) (F i) (G i)) /\
  (if starred p then (forall x, objective p line F star <= objective p line F x) /\ inf = objective p line F star
   else forall x, inf <= objective p line F x) /\
  runs p line G W /\ W 0%nat <> star /\
  match initial_of p with Value => objective p line F (W 0%nat) - inf <= 1 | Distance => ‖W 0%nat - star‖² <= 1 end /\
  match heterogeneity p with
  | None => True
  | Some zeta => forall k, (k <= rounds p)%nat ->
      sum m (fun i => weight i * ‖G i (W k) - mean line m weight (fun i => G i (W k))‖²) <= Q2R zeta
  end.
Proof.
  destruct (some_client p formed) as [One [Lam _]]. set (a := h + lambda). set (t := / (1 + a)).
  assert (T : 0 < t <= 1) by (unfold t, a; split; [positive|rewrite <- Rinv_1; apply Rinv_le_contravar; lra]).
  assert (A : a * t <= 1) by (apply Rmult_le_reg_r with (1 + a); [unfold a; lra|]; unfold t; rewrite Rmult_assoc, Rinv_l
      by (unfold a; lra); unfold a; lra).
  destruct (quadratic_runs t) as [W [Run Begin]]. exists F, G, 0, (0%R : line), W.
  assert (Zero : objective p line F (0%R : line) = 0) by (rewrite quadratic_objective; cbn [line inner]; ring).
  assert (Below : forall x : line, 0 <= objective p line F x).
  { intros x. rewrite quadratic_objective. apply Rmult_le_pos; [fold a; unfold a; lra|apply inner_nonneg]. }
  split; [exact quadratic_bounds|]. split; [|split; [exact Run|split; [rewrite Begin; lra|split]]].
  - destruct (starred p); [|exact Below]. rewrite Zero. split; [exact Below|reflexivity].
  - rewrite Begin. destruct (initial_of p).
    + rewrite quadratic_objective. fold a. cbn [line inner]. assert (0 <= a * t) by (apply Rmult_le_pos; unfold a; lra).
      nra.
    + cbn [line inner add scale]. nra.
  - destruct (heterogeneity p) as [zeta|]; [|easy]. specialize (zeta_nonneg zeta eq_refl). intros k _.
    rewrite (sum_ext m _ (fun i => 0 * weight i)); [rewrite sum_scale; lra|]. intros i _. unfold G.
    rewrite (mean_const line m weight (h * W k)%V One). replace (h * W k - h * W k)%V with (0%V : line) by vector.
    rewrite inner_zero. ring.
Qed.
End Together.

(** ** One round of either kind, from any state and with any scalars as preconditioners *)
Section Round.
Variables (V : space) (p : OneRound.round_problem) (m : nat) (weight : nat -> R) (G : nat -> V -> V) (b : nat -> R).
Variables (w : V) (local dual : nat -> V) (s c : R).
Notation bound := (Q2R (OneRound.q_bound p)).
Notation lambda := (Q2R (OneRound.round_ridge p)).
Hypothesis c_positive : 0 < c.
Hypothesis rate_nonzero : s + lambda <> 0.
Hypothesis between : forall i, (i < m)%nat -> 0 <= b i <= bound.
Definition scalar i (x : V) : V := (b i * x)%V.

Lemma scalar_preconditioner i : (i < m)%nat -> OneRound.preconditioner bound (scalar i).
Proof.
  intros I. specialize (between i I). unfold scalar. split; intros; expand; [ring|]. assert (P := inner_nonneg _ x).
  split; [apply Rmult_le_pos; lra|apply Rmult_le_compat_r; lra].
Qed.
Lemma server_exists (x pi : nat -> V) : exists w', OneRound.server_step p V m weight s x pi w'.
Proof.
  exists (/ (s + lambda) * mean V m weight (fun i => s * x i + pi i))%V. unfold OneRound.server_step. vector.
Qed.
Lemma client_exists u pi : exists local' dual', OneRound.client_step V m G c scalar u pi local' dual'.
Proof.
  set (d := fun i => (- / (c + b i) * (pi i + G i u))%V). exists (fun i => u + d i)%V, (fun i => pi i + c * d i)%V.
  intros i I. specialize (between i I). unfold scalar, d. split; vector.
Qed.

Theorem server_then_clients : exists w' local' dual',
  OneRound.server_step p V m weight s local dual w' /\ OneRound.client_step V m G c scalar w' dual local' dual'.
Proof. destruct (server_exists local dual) as [w' A]. destruct (client_exists w' dual) as [x [pi B]].
  now exists w', x, pi. Qed.
Theorem clients_then_server : exists local' dual' w',
  OneRound.client_step V m G c scalar w dual local' dual' /\ OneRound.server_step p V m weight s local' dual' w'.
Proof. destruct (client_exists w dual) as [x [pi B]]. destruct (server_exists x pi) as [w' A]. now exists x, pi, w'.
  Qed.
End Round.
Print Assumptions together.
