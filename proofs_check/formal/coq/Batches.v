(** Mini-batches with any preconditioners, along a run: E V_{k+1} <= E V_k - rate tau_k |G|^2 + tau_k noise (claims T7).

    Probability: [V] is any space of random vectors with E<X, Y> as inner product (Probability.v: every finite
    probability space gives one), F_i is X -> E F_i(X). [bend k i] = rho_i Q_i is a symmetric operator on random vectors
    with 0 <= rho_i Q_i <= beta sigma_i: one matrix for each outcome ([along] in Probability.v), so that it may depend
    on the batch that is being used. Step k draws the gradients at w_{k+1}, in client step k + 1. *)

From PISA Require Export BatchStep Orders.
From PISA Require Preconditioned.

Section Batches.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L : R) (serve solve : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (F : nat -> V -> R) (G : nat -> V -> V) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat ->
  V).
Variables (beta : nat -> R) (past : nat -> V -> Prop) (variances : nat -> R) (v : R).
Notation mean := (mean V m weight).
Notation place k := (w (S k)).
Definition noise k i : V := (grad (S k) i - G i (place k))%V.

Record batches : Prop := {
  alphas : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1;
  ridge_nonneg : 0 <= ridge;
  L_positive : 0 < L;
  clients_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i);
  its_run : rounds m weight ridge serve solve bend grad w local dual;
  solve_positive : forall k i, (i < m)%nat -> 0 < solve (S k) i;
  beta_nonneg : forall k, 0 <= beta (S k) <= beta k;
  bend_symmetric : forall k i x y, (i < m)%nat -> ⟨bend (S k) i x, y⟩ = ⟨x, bend (S k) i y⟩;
  bend_bounded : forall k i x, (i < m)%nat -> 0 <= ⟨bend (S k) i x, x⟩ <= beta k * solve (S k) i * ‖x‖²;
  knows_w : forall k, past k (place k);
  knows_dual : forall k i, (i < m)%nat -> past k (dual k i);
  knows_sum : forall k x a z, past k x -> past k z -> past k (x + a * z)%V;
  knows_gradient : forall k i x, (i < m)%nat -> past k x -> past k (G i x);
  fair_batch : forall k i x, (i < m)%nat -> past k x -> ⟨x, noise k i⟩ = 0;
  client_variance : forall k i, (i < m)%nat -> ‖noise k i‖² <= variances i;
  mean_variance : forall k, ‖mean (noise k)‖² <= v
}.
Hypothesis setting : batches.
Notation Lam := (L + ridge).
Notation v_bar := (sum m (fun i => weight i * variances i)).
Notation P := (memory m weight dual).
Notation slope := (slope m weight ridge G).
Notation objective := (objective m weight ridge F).

(** R_k and A_k, the gradients that the server has seen before and after step k; e_i, the residuals. *)
Definition before k : V := (P k + ridge * place k)%V.
Definition after k : V := (P (S k) + ridge * place k)%V.
Definition residual k i : V := (G i (place k) + dual k i)%V.
Definition residuals k := sum m (fun i => weight i * ‖residual k i‖²).
Notation t k i := (taken V solve w local k i).
Notation l k i := (left V bend w local k i).
Notation xi k := (mean (noise k)).
Definition bias k : V := (-1 * mean (fun i => l k i))%V.

Lemma client_parts k i : (i < m)%nat -> (residual k i + noise k i = t k i + l k i)%V.
Proof.
  intros I. assert (E := client_step _ _ _ _ _ _ _ _ _ _ _ (its_run setting) k i I).
  unfold residual, noise, taken, left.
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

Lemma dual_after k i : (dual (S k) i = dual k i - t k i)%V.
Proof. rewrite (dual_step _ _ _ _ _ _ _ _ _ _ _ (its_run setting)). unfold taken. vector. Qed.

Lemma mean_equation (x y z u : nat -> V) : (forall i, (i < m)%nat -> (x i + y i = z i + u i)%V) ->
  (mean x + mean y = mean z + mean u)%V.
Proof. intros E. rewrite <- !mean_add. now apply mean_ext. Qed.

Lemma before_parts k : before k = (slope (place k) - mean (residual k))%V.
Proof.
  unfold before, memory, Objective.slope, residual. rewrite (mean_add _ _ _ (fun i => G i (place k)) (dual k)). vector.
Qed.

Lemma after_parts k : after k = (slope (place k) + xi k + bias k)%V.
Proof.
  assert (E := mean_equation (residual k) (noise k) (fun i => t k i) (fun i => l k i) (client_parts k)).
  unfold after, memory, Objective.slope, bias, residual in *.
  rewrite (mean_add _ _ _ (fun i => G i (place k)) (dual k)) in E.
  assert (D : mean (dual (S k)) = (mean (dual k) - mean (fun i => t k i))%V).
  { rewrite (mean_ext _ _ _ _ (fun i => dual k i + -1 * t k i)%V) by (intros; apply dual_after).
    rewrite (mean_add _ _ _ (dual k) (fun i => -1 * t k i)%V), (mean_scale _ _ _ (-1) (fun i => t k i)). vector. }
  rewrite D. apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

(** ** What the past knows is orthogonal to the noise *)
Lemma knows_zero k : past k 0%V.
Proof. replace 0%V with (place k - place k)%V by vector. apply (knows_sum setting); apply (knows_w setting). Qed.

Lemma knows_mean k x : (forall i, (i < m)%nat -> past k (x i)) -> past k (mean x).
Proof.
  unfold Algorithm.mean.
  assert (All : forall j, (j <= m)%nat -> (forall i, (i < m)%nat -> past k (x i)) -> past k
    (total j (fun i => weight i * x i)%V)).
  { induction j as [|j IH]; intros J X; simpl; [apply knows_zero|]. apply (knows_sum setting); [apply IH; auto;
      lia|apply X; lia]. }
  intros X. now apply All.
Qed.

Lemma knows_before k : past k (before k).
Proof.
  unfold before, memory. apply (knows_sum setting); [|apply (knows_w setting)].
  replace (-1 * mean (dual k))%V with (0 + -1 * mean (dual k))%V by vector.
  apply (knows_sum setting); [apply knows_zero|]. apply knows_mean. intros; now apply (knows_dual setting).
Qed.

Lemma knows_slope k x : past k x -> past k (slope x).
Proof.
  intros X. unfold Objective.slope. apply (knows_sum setting); [|exact X]. apply knows_mean; intros i I.
  now apply (knows_gradient setting).
Qed.

Lemma fair_mean k x : past k x -> ⟨x, xi k⟩ = 0.
Proof.
  intros X. rewrite inner_sym, inner_mean, (sum_ext m _ (fun _ => 0)), sum_const; [ring|]. intros i I.
  rewrite inner_sym, (fair_batch setting k i x I X). ring.
Qed.

(** ** The clients *)
Notation q k := (beta k / (1 + beta k)).

Lemma beta_positive k : 0 <= beta k.
Proof. assert (B := beta_nonneg setting k). lra. Qed.

Lemma sector_left k i : (i < m)%nat -> ‖l k i‖² <= beta k * ⟨t k i, l k i⟩.
Proof.
  intros I. unfold taken, left. assert (Ps := solve_positive setting k i I). assert (Pb := beta_positive k).
  assert (E := Preconditioned.sector V (bend (S k) i) (beta k * solve (S k) i) (deviation V w local (S k) i)
    (fun x y => bend_symmetric setting k i x y I) (fun x => bend_bounded setting k i x I) ltac:(nra)).
  autorewrite with inner. rewrite (inner_sym _ (deviation V w local (S k) i)). lra.
Qed.

Lemma weighted_parts f g : (forall i, (i < m)%nat -> f i <= g i) -> sum m (fun i => weight i * f i)
  <= sum m (fun i => weight i * g i).
Proof. exact (weighted_le m weight (alphas setting) f g). Qed.

Lemma mean_within x : ‖mean x‖² <= sum m (fun i => weight i * ‖x i‖²).
Proof. exact (mean_jensen V m weight (alphas setting) x). Qed.

Lemma sum_two a f b g : sum m (fun i => weight i * (a * f i + b * g i)) = a * sum m (fun i => weight i * f i) + b *
  sum m (fun i => weight i * g i).
Proof. rewrite <- !sum_scale, <- sum_add. apply sum_ext; intros; ring. Qed.

Lemma noise_within k : sum m (fun i => weight i * ‖noise k i‖²) <= v_bar.
Proof. apply weighted_parts. intros; now apply (client_variance setting). Qed.

Lemma estimate_within k : sum m (fun i => weight i * ‖t k i + l k i‖²) <= residuals k + v_bar.
Proof.
  eapply Rle_trans; [apply Req_le, (sum_ext m _ (fun i => weight i * (1 * ‖residual k i‖² + 1 * ‖noise k i‖²)))|].
  - intros i I. rewrite <- client_parts by easy. f_equal. assert (O : ⟨residual k i, noise k i⟩ = 0).
    { apply (fair_batch setting k i _ I). unfold residual. replace (G i (place k) + dual k i)%V
        with (G i (place k) + 1 * dual k i)%V by vector.
      apply (knows_sum setting); [|now apply (knows_dual setting)]. apply (knows_gradient setting);
        [easy|apply (knows_w setting)]. }
    autorewrite with inner. rewrite (inner_sym _ (noise k i)), O. ring.
  - rewrite sum_two. assert (N := noise_within k). unfold residuals. lra.
Qed.

Lemma bias_within k : ‖bias k‖² <= q k ^ 2 * (residuals k + v_bar).
Proof.
  unfold bias. replace (‖-1 * mean (fun i => l k i)‖²) with (‖mean (fun i => l k i)‖²) by (autorewrite with inner;
    ring).
  eapply Rle_trans; [apply mean_within|].
  apply Rle_trans with (q k ^ 2 * sum m (fun i => weight i * ‖t k i + l k i‖²)).
  - rewrite <- sum_scale, (sum_ext m (fun i => q k ^ 2 * _) (fun i => weight i * (q k ^ 2 * ‖t k i + l k i‖²)))
      by (intros; ring).
    apply weighted_parts; intros i I. exact (left_small V _ _ _ (beta_positive k) (sector_left k i I)).
  - apply Rmult_le_compat_l; [apply pow2_ge_0|apply estimate_within].
Qed.

Lemma residuals_after k : residuals (S k) <= 2 * (1 + beta k) / (1 + 2 * beta k) * (q k * residuals k + v_bar)
  + 2 * (1 + beta k) * (L * L * ‖place (S k) - place k‖²).
Proof.
  assert (Pb := beta_positive k). set (a := 2 * (1 + beta k) / (1 + 2 * beta k)). set (b := 2 * (1 + beta k)).
  assert (Pa : 0 <= a) by (unfold a; apply quotient; lra).
  apply Rle_trans with (sum m (fun i => weight i * (a * (q k * ‖residual k i‖² + 1 * ‖noise k i‖²) + b *
    (L * L * ‖place (S k) - place k‖²)))).
  - apply weighted_parts; intros i I. set (h := (G i (place (S k)) - G i (place k))%V).
    assert (E : residual (S k) i = (l k i - noise k i + h)%V).
    { assert (C := client_parts k i I). unfold residual at 1, h. rewrite dual_after. unfold residual in C.
      apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in C. autorewrite with inner in *. lra. }
    rewrite E. eapply Rle_trans; [apply (turned V _ h (beta k) Pb)|]. fold a b.
    assert (H := lipschitz _ _ _ _ (clients_smooth setting i I) (place (S k)) (place k)). fold h in H.
    assert (N := left_and_noise V (t k i) (l k i) (noise k i) (beta k) Pb (sector_left k i I)).
    replace (t k i + l k i - noise k i)%V with (residual k i) in N by (rewrite <- client_parts by easy; vector).
    assert (Nb := Rmult_le_compat_l a _ _ Pa N). assert (Hb := Rmult_le_compat_l b _ _ ltac:(unfold b; lra) H). lra.
  - rewrite (sum_two a (fun i => q k * ‖residual k i‖² + 1 * ‖noise k i‖²) b (fun _ => L * L * ‖place (S k) - place
      k‖²)).
    rewrite sum_two, (weighted_const m weight (alphas setting)). assert (N := noise_within k). fold (residuals k).
    assert (A := Rmult_le_compat_l a _ _ Pa N). lra.
Qed.
End Batches.
