(** W-merging-lemma without preconditioner: unequal penalties too, in any ratios, of which only the weighted mean
  counts. *)

From Coq Require Import FunctionalExtensionality.
From PISA Require Export OneClient.

Section Plain.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (penalty : nat -> nat -> R) (low high : nat -> R).
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis penalty_positive : forall l i, 0 < penalty l i.
Notation average f := (sum m (fun i => weight i * f i)).
Notation mean := (mean V m weight).
Hypothesis class : (exists mu, forall i, (i < m)%nat -> low i = mu /\ mu < high i) \/
  forall i, (i < m)%nat -> low i = - high i /\ 0 < high i.
Notation none := (fun (_ _ : nat) (_ : V) => 0%V).

(** A bound is any property of the objective, its gradient and the server's sequence. *)
Definition bound_of_one_plain warm (Bound : (V -> R) -> (V -> V) -> (nat -> V) -> Prop) :=
  forall F G w local dual, bounds (average low) (average high) F G -> starts V 1 (fun _ => G) w dual warm ->
  pisa V 1 (fun _ => 1) ridge (fun l _ => average (penalty l)) none (fun l _ => G (w l)) w local dual -> Bound F G w.
Definition bound_of_many_plain warm (Bound : (V -> R) -> (V -> V) -> (nat -> V) -> Prop) :=
  forall F G w local dual, (forall i, (i < m)%nat -> bounds (low i) (high i) (F i) (G i)) -> starts V m G w dual warm ->
  pisa V m weight ridge penalty none (fun l i => G i (w l)) w local dual ->
  Bound (fun x => average (fun i => F i x)) (fun x => mean (fun i => G i x)) w.

Lemma average_positive l : 0 < average (penalty l).
Proof.
  assert (A := average_above m weight (penalty l) 0 (proj1 weights) (fun i _ => penalty_positive l i)
    ltac:(rewrite (proj2 weights); lra)). lra.
Qed.

(** Two runs of the same mean gradient, mean penalty and start have the same server. *)
Lemma same_server G (G' : V -> V) w w' local local' dual dual' warm : (forall x, mean (fun i => G i x) = G' x) ->
  starts V m G w dual warm -> starts V 1 (fun _ => G') w' dual' warm -> w 0%nat = w' 0%nat ->
  pisa V m weight ridge penalty none (fun l i => G i (w l)) w local dual ->
  pisa V 1 (fun _ => 1) ridge (fun l _ => average (penalty l)) none (fun l _ => G' (w' l)) w' local' dual' -> w = w'.
Proof.
  intros E Begin Begin' W0 Run Run'. apply functional_extensionality. intros l.
  apply (I5_plain V ridge m 1 weight (fun _ => 1) _ _ _ _ G (fun _ => G') w w' _ _ dual dual' Run Run'); auto.
  - intros x. rewrite mean_of_one. apply E.
  - intros k. simpl. ring.
  - intros k. unfold rate. assert (P := average_positive k). lra.
  - rewrite mean_of_one, (Begin' 0%nat) by lia. rewrite (mean_ext V m weight (dual 0%nat) _ Begin). destruct warm.
    + rewrite mean_scale, E, W0. reflexivity.
    + now apply mean_zero.
Qed.

Theorem W_merging_plain warm Bound : bound_of_many_plain warm Bound <-> bound_of_one_plain warm Bound.
Proof.
  split.
  - intros Many F G w local dual C Begin Run. destruct (class_shares m weight low high weights class) as [mu [c
    [Shares One]]].
    set (Fs i := portion mu (c i) F). set (Gs i := portion_slope mu (c i) G).
    assert (EF : (fun x => average (fun i => Fs i x)) = F).
    { apply functional_extensionality; intros x. unfold Fs, portion.
      rewrite (sum_ext m _ (fun i => mu / 2 * ‖x‖² * weight i + (F x - mu / 2 * ‖x‖²) * (weight i * c i)))
        by (intros; ring). rewrite sum_add, !sum_scale, One, (proj2 weights). ring. }
    assert (EG : forall x, mean (fun i => Gs i x) = G x).
    { intros x. apply separated; intros z. rewrite inner_mean. unfold Gs, portion_slope.
      rewrite (sum_ext m _ (fun i => mu * ⟨x, z⟩ * weight i + (⟨G x, z⟩ - mu * ⟨x, z⟩) * (weight i * c i)))
        by (intros; autorewrite with inner; ring). rewrite sum_add, !sum_scale, One, (proj2 weights). ring. }
    set (dual0 i := if warm then (- Gs i (w 0%nat))%V else 0%V).
    assert (Run' := run_exists V m weight ridge penalty none (fun l i y => / penalty l i * y)%V Gs (w 0%nat) dual0
      ltac:(intros l; unfold rate; assert (P := average_positive l); lra)
      ltac:(intros l i y; assert (P := penalty_positive l i); vector)).
    match type of Run' with pisa _ _ _ _ _ _ _ ?w _ ?d => set (w' := w) in *; set (d' := d) in * end.
    assert (Same : w' = w) by exact (same_server Gs G w' w _ _ d' dual warm EG (fun i _ => eq_refl) Begin eq_refl Run'
      Run).
    assert (E : Bound (fun x => average (fun i => Fs i x)) (fun x => mean (fun i => Gs i x)) w').
    { refine (Many Fs Gs w' _ d' (fun i I => ltac:(destruct (Shares i I) as [P [-> ->]]; now apply portion_bounds))
      (fun i _ => eq_refl) Run'). }
    apply functional_extensionality in EG. rewrite Same in E.
    apply (eq_ind _ (fun f => Bound f G w)) with (2 := EF). apply (eq_ind _ (fun g => Bound _ g w)) with (2 := EG).
    exact E.
  - intros One F G w local dual C Begin Run. set (G' x := mean (fun i => G i x)).
    assert (Run' := run_exists V 1 (fun _ => 1) ridge (fun l _ => average (penalty l)) none
      (fun l _ y => / average (penalty l) * y)%V (fun _ => G') (w 0%nat)
      (fun _ => if warm then (- G' (w 0%nat))%V else 0%V)
      ltac:(intros l; unfold rate; assert (P := average_positive l); simpl; lra)
      ltac:(intros l i y; assert (P := average_positive l); vector)).
    match type of Run' with pisa _ _ _ _ _ _ _ ?w _ ?d => set (w' := w) in *; set (d' := d) in * end.
    assert (Same : w = w') by exact (same_server G G' w w' _ _ dual d' warm (fun _ => eq_refl) Begin (fun i _ =>
      eq_refl)
      eq_refl Run Run').
    rewrite Same. exact (One _ G' w' _ d' (average_bounds V m weight low high weights F G C) (fun i _ => eq_refl) Run').
Qed.
End Plain.
Print Assumptions W_merging_plain.
