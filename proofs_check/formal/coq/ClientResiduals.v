(** What a round does to the clients' residuals e_i = grad F_i(w) + pi_i, outcome by outcome, in any metric: they keep the
    share q = beta/(1 + beta), and gain noise and the turn of the gradients (N4, N5). *)

From PISA Require Export MetricRounds.

Section Clients.
Variables (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Variables (m : nat) (weight : nat -> R) (ridge L : R) (beta : nat -> R) (bound sigma : nat -> nat -> R).
Variables (bend : nat -> nat -> V -> V) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Variables (F : nat -> V -> R) (G : nat -> V -> V).
Hypothesis run : metric_rounds V n part m weight ridge sigma bend grad w local dual.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis metric_positive : forall k j, (j < n)%nat -> 0 < sigma (S k) j.
Hypothesis beta_nonneg : forall k, 0 <= beta k.
Hypothesis operators : forall k i, (i < m)%nat -> blockwise n part (bound k) (bend (S k) i).
Hypothesis bound_below : forall k j, (j < n)%nat -> bound k j <= beta k * sigma (S k) j.

Notation place k := (w (S k)).
Notation mean := (mean V m weight).
Notation bent k := (bent V m weight bend w local k).
Notation kept k := (kept V n part sigma w local k).
Notation lost k := (lost V bend w local k).
Notation seen k := (seen V grad dual k).
Definition noise_of k i : V := (grad (S k) i - G i (place k))%V.
Definition residual_of k i : V := (G i (place k) + dual k i)%V.
Definition mean_noise k : V := mean (noise_of k).
Definition residuals_of k := sum m (fun i => weight i * ‖residual_of k i‖²).
Definition noises_of k := sum m (fun i => weight i * ‖noise_of k i‖²).
Definition seen_of k := sum m (fun i => weight i * ‖seen k i‖²).
Notation q k := (beta k / (1 + beta k)).

Lemma mean_square x : ‖mean x‖² <= sum m (fun i => weight i * ‖x i‖²).
Proof. exact (mean_jensen V m weight weights x). Qed.

Lemma total_sector k i : (i < m)%nat -> ‖lost k i‖² <= beta k * ⟨kept k i, lost k i⟩.
Proof.
  intros I. rewrite <- (weighing_one V n part split). unfold Diagonal.weighing.
  rewrite (sum_ext n _ (fun j => ‖part j (lost k i)‖²)) by (intros; ring).
  assert (E : ⟨kept k i, lost k i⟩ = sum n (fun j => ⟨part j (kept k i), part j (lost k i)⟩)).
  { rewrite <- (diagonal_all V n part split (kept k i)) at 1. rewrite diagonal_inner. apply sum_ext. intros j J.
    rewrite <- (part_symmetric _ _ _ split j (part j _) (lost k i)), (part_twice _ _ _ split) by exact J. ring. }
  rewrite E, <- sum_scale. apply sum_le. intros j J.
  exact (block_sector V n part split m sigma bend w local metric_positive k j (beta k) _ J
    (beta_nonneg k) (operators k) (bound_below k j J) i I).
Qed.

Lemma bent_total k : ‖bent k‖² <= q k ^ 2 * seen_of k.
Proof.
  unfold MetricRounds.bent. replace (‖-1 * mean (lost k)‖²) with (‖mean (lost k)‖²) by (autorewrite with inner; ring).
  eapply Rle_trans; [apply mean_square|]. unfold seen_of. rewrite <- sum_scale.
  rewrite (sum_ext m (fun i => q k ^ 2 * _) (fun i => weight i * (q k ^ 2 * ‖seen k i‖²))) by (intros; ring).
  apply (weighted_le m weight weights). intros i I.
  rewrite (seen_parts V n part m weight ridge sigma bend grad w local dual run k i I).
  apply left_small; [apply beta_nonneg|now apply total_sector].
Qed.

Theorem residuals_turn k : residuals_of (S k) <= 2 * (1 + beta k) / (1 + 2 * beta k) * (q k * residuals_of k + noises_of k)
  + 2 * (1 + beta k) * (L * L * ‖place (S k) - place k‖²).
Proof.
  assert (Pb := beta_nonneg k). set (a := 2 * (1 + beta k) / (1 + 2 * beta k)). set (b := 2 * (1 + beta k)).
  assert (Pa : 0 <= a) by (unfold a; apply quotient; lra).
  unfold residuals_of at 1. apply Rle_trans with (sum m (fun i => weight i * (a * (q k * ‖residual_of k i‖²
      + ‖noise_of k i‖²) + b * (L * L * ‖place (S k) - place k‖²)))).
  - apply (weighted_le m weight weights). intros i I. set (h := (G i (place (S k)) - G i (place k))%V).
      assert (Parts := seen_parts V n part m weight ridge sigma bend grad w local dual run k i I).
      assert (Seen : seen k i = (residual_of k i + noise_of k i)%V)
        by (unfold MetricRounds.seen, residual_of, noise_of; vector).
      assert (E : residual_of (S k) i = (lost k i - noise_of k i + h)%V).
      { unfold residual_of at 1, h. rewrite (dual_kept V n part m weight ridge sigma bend grad w local dual run k i).
        rewrite Seen in Parts. unfold residual_of in Parts.
        apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in Parts. autorewrite with inner in *. lra. }
      rewrite E. eapply Rle_trans; [apply (turned V _ h (beta k) Pb)|]. fold a b.
      assert (H := lipschitz _ _ _ _ (F_smooth i I) (place (S k)) (place k)). fold h in H.
      assert (N := left_and_noise V (kept k i) (lost k i) (noise_of k i) (beta k) Pb (total_sector k i I)).
      replace (kept k i + lost k i - noise_of k i)%V with (residual_of k i) in N by (rewrite <- Parts, Seen; vector).
      assert (Nb := Rmult_le_compat_l a _ _ Pa N). assert (Hb := Rmult_le_compat_l b _ _ ltac:(unfold b; lra) H). lra.
  - set (d := ‖place (S k) - place k‖²). right. unfold residuals_of, noises_of.
      rewrite (sum_ext m _ (fun i => a * q k * (weight i * ‖residual_of k i‖²) + (a * (weight i * ‖noise_of k i‖²)
        + b * (L * L * d) * weight i))) by (intros; ring).
      rewrite !sum_add, !sum_scale, (proj2 weights). ring.
Qed.
End Clients.
