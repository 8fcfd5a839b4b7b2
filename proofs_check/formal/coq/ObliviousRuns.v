(** The hypotheses of T8 hold somewhere: coin flips on F = x^2/2, operators 0 and sigma in turn (beta = 1, v = 1). *)

From PISA Require Export Oblivious Bias.
From PISA Require Threshold.

Section Coins.
Variables (n : nat) (kappa : R).
Hypothesis kappa_positive : 0 < kappa.
Notation H := (random (coins n) line).
Notation self := (fun (_ : nat) (x : H) => x).
Definition turns (l _ : nat) : R := if Nat.even l then 0 else kappa.

Lemma whole : basis H 1 self.
Proof. split; try easy; [intros [|i] [|j] x I J; lia|]. intros x. apply functional_extensionality; intros o. cbn. lra.
  Qed.

Lemma scaling (a : nat -> R) (x : H) : diagonal H 1 self a x = (a 0%nat * x)%V.
Proof. apply functional_extensionality; intros o. unfold diagonal. cbn. ring. Qed.

Lemma known_scale k a (x : H) : knows (agree n k) x -> knows (agree n k) (diagonal H 1 self a x).
Proof. intros K o o' A. rewrite scaling. cbn. now rewrite (K o o' A). Qed.

Theorem T8_inhabited : exists (w : nat -> H) local dual (grad := noisy n 1 pred w),
  let past k (x : H) := knows (agree n k) x in
  let G := @pathwise (coins n) line (fun x => x) in
  pisa H 1 (fun _ => 1) 0 (fun _ _ => kappa) (fun l _ => diagonal H 1 self (turns l)) grad w local dual /\
  w 0%nat = (fun _ => 1) /\ basis H 1 self /\ smooth 1 (@expected (coins n) line Threshold.half) G /\
  (forall l j, (j < 1)%nat -> 0 <= turns l j <= 1 * kappa) /\
  (forall k, past k (w (S k))) /\ (forall k, past k (before H 1 (fun _ => 1) dual k)) /\
  (forall k x, past k x -> past k (G x)) /\ (forall k a x, past k x -> past k (diagonal H 1 self a x)) /\
  (forall k x, past k x -> ⟨x, estimate H 1 (fun _ => 1) grad k - G (w (S k))⟩ = 0) /\
  forall k, ‖estimate H 1 (fun _ => 1) grad k - G (w (S k))‖² <= 1.
Proof.
  assert (Bound : forall l j, 0 <= turns l j <= 1 * kappa) by (intros l j; unfold turns; destruct (Nat.even l); lra).
  destruct (noisy_runs_exist n kappa 1 (fun l _ => turns l 0%nat) pred 1 0 kappa_positive (fun l _ => proj1 (Bound l
    0%nat)))
    as [w [local [dual [Run [W0 D0]]]]].
  assert (Known := known_places n kappa 1 kappa_positive (fun l _ => turns l 0%nat) pred w local dual
    (fun l _ => proj1 (Bound l 0%nat)) Run 0 (fun o o' _ => ltac:(now rewrite !W0)) (fun o o' _ => ltac:(now rewrite
      !D0))
    (fun l => le_n l) (fun l o o' A => eq_refl)).
  assert (Noise : forall k, (estimate H 1 (fun _ => 1) (noisy n 1 pred w) k - pathwise (fun x : line => x) (w (S
    k)))%V = coin n k).
  { intros k. apply functional_extensionality. intros o. unfold estimate, mean, noisy, pathwise. cbn. rewrite sqrt_1.
    ring. }
  exists w, local, dual. cbv zeta. split; [|split; [|split; [exact whole|split; [|split; [|split; [|split; [|split;
    [|split; [|split]]]]]]]]].
  - replace (fun l (_ : nat) => diagonal H 1 self (turns l)) with (multiply n (fun l _ => turns l 0%nat)); [exact Run|].
    apply functional_extensionality; intros l. apply functional_extensionality; intros i.
    apply functional_extensionality; intros x. rewrite scaling. reflexivity.
  - apply functional_extensionality. exact W0.
  - apply expected_smooth; [lra|exact Threshold.half_smooth].
  - intros l j _. apply Bound.
  - intros k. apply (Known k).
  - intros k o o' A. destruct (Known k) as [_ M]. specialize (M o o' A). unfold memory in M. unfold before, mean. cbn.
    lra.
  - intros k x K. exact K.
  - intros k a x K. now apply known_scale.
  - intros k x K. rewrite Noise. exact (coin_unbiased n k x K).
  - intros k. rewrite Noise. apply coin_variance_most.
Qed.
End Coins.
Print Assumptions T8_inhabited.
