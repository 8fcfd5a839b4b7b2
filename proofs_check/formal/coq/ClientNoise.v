(** The clients' noise in expectation: it is free of the past, and orthogonal to the residuals (N4, N5). *)

From PISA Require Export ClientResiduals Probability Series.

Section Noise.
Variables (P : probability) (V : space) (m : nat) (weight variances : nat -> R).
Variables (grad : nat -> nat -> P -> V) (w : nat -> P -> V) (dual : nat -> nat -> P -> V) (G : nat -> V -> V).
Variable same : nat -> P -> P -> Prop.
Hypothesis alphas : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis known : forall k o o', same k o o' -> w (S k) o = w (S k) o' /\ forall i, (i < m)%nat -> dual k i o = dual k i o'.
Hypothesis fair : forall k i (x : P -> V), (i < m)%nat -> (forall o o', same k o o' -> x o = x o') ->
  expect (fun o => ⟨x o, grad (S k) i o - G i (w (S k) o)⟩) = 0.
Hypothesis variance : forall k i, (i < m)%nat -> expect (fun o => ‖grad (S k) i o - G i (w (S k) o)‖²) <= variances i.
Notation v_bar := (sum m (fun i => weight i * variances i)).
Notation xi k o := (mean_noise V m weight (fun l i => grad l i o) (fun l => w l o) G k).
Notation noises k o := (noises_of V m weight (fun l i => grad l i o) (fun l => w l o) G k).
Notation residuals k o := (residuals_of V m weight (fun l => w l o) (fun l i => dual l i o) G k).
Notation seens k o := (seen_of V m weight (fun l i => grad l i o) (fun l i => dual l i o) k).

Lemma noise_free k (x : P -> V) : (forall o o', same k o o' -> x o = x o') -> expect (fun o => ⟨x o, xi k o⟩) = 0.
Proof.
  intros X. unfold mean_noise.
  rewrite (expect_ext P _ (fun o => sum m (fun i => weight i * ⟨x o, noise_of V (fun l i => grad l i o) (fun l => w l o) G k i⟩))).
  2: { intros o. rewrite inner_sym, inner_mean. apply sum_ext. intros. now rewrite inner_sym. }
  assert (All : forall j, (j <= m)%nat -> expect (fun o => sum j (fun i => weight i
    * ⟨x o, noise_of V (fun l i => grad l i o) (fun l => w l o) G k i⟩)) = 0).
  { induction j as [|j IH]; intros J; cbn [sum]; [apply expect_const|].
    rewrite expect_add, IH, expect_scale by lia. unfold noise_of. rewrite (fair k j x J X). ring. }
  now apply All.
Qed.

(** The estimates' sizes: residual and noise are orthogonal. *)
Lemma seen_split k : expect (fun o => seens k o) = expect (fun o => residuals k o) + expect (fun o => noises k o).
Proof.
  rewrite <- expect_add.
  assert (All : forall j, (j <= m)%nat -> expect (fun o => sum j (fun i => weight i * ‖grad (S k) i o + dual k i o‖²))
    = expect (fun o => sum j (fun i => weight i * ‖G i (w (S k) o) + dual k i o‖²)
      + sum j (fun i => weight i * ‖grad (S k) i o - G i (w (S k) o)‖²))).
  { induction j as [|j IH]; intros J; cbn [sum]; [apply expect_ext; intros; ring|].
    rewrite (expect_ext P (fun o => _ + _ + (_ + _)) (fun o =>
      (sum j (fun i => weight i * ‖G i (w (S k) o) + dual k i o‖²) + sum j (fun i => weight i * ‖grad (S k) i o - G i (w (S k) o)‖²))
      + (weight j * ‖grad (S k) j o + dual k j o‖² + -2 * weight j * ⟨G j (w (S k) o) + dual k j o, grad (S k) j o - G j (w (S k) o)⟩))).
    2: { intros o. set (a := G j (w (S k) o)). set (b := grad (S k) j o). set (d := dual k j o). expand_goal. ring. }
    rewrite !expect_add, !expect_scale, IH, expect_add by lia.
    rewrite (fair k j (fun o => G j (w (S k) o) + dual k j o)%V J); [ring|]. intros o o' S.
    destruct (known k o o' S) as [-> D]. now rewrite (D j J). }
  exact (All m (le_n m)).
Qed.

Lemma noises_most k : 0 <= expect (fun o => noises k o) <= v_bar.
Proof.
  split.
  - apply expect_nonneg. intros o. apply sum_nonneg. intros i I. apply Rmult_le_pos; [now apply alphas|apply inner_nonneg].
  - assert (All : forall j, (j <= m)%nat -> expect (fun o => sum j (fun i => weight i * ‖grad (S k) i o - G i (w (S k) o)‖²))
      <= sum j (fun i => weight i * variances i)).
    { induction j as [|j IH]; intros J; cbn [sum]; [rewrite expect_const; lra|].
      rewrite expect_add, expect_scale. assert (I := IH ltac:(lia)).
      assert (W := Rmult_le_compat_l _ _ _ (proj1 alphas j J) (variance k j J)). lra. }
    exact (All m (le_n m)).
Qed.
End Noise.
