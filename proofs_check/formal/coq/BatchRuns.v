(** T7 for both orders of the penalties: the step along every run, from Batches.v (same probability spaces). *)

From PISA Require Export Batches.

Lemma weight_falls n c c' k k' beta beta' : suits n -> 0 <= c' <= c -> 0 <= k' <= k -> 0 <= beta' <= beta ->
  weight_of n c' k' beta' <= weight_of n c k beta.
Proof.
  intros good C K B. destruct (shares n good) as [_ [_ [Z1 Z2]]].
  destruct (positive_numbers _ good) as [_ [O [_ [_ [_ [_ [_ [_ X]]]]]]]].
  unfold weight_of. assert (P : 0 <= longest n * stretch n) by nra.
  assert (Q' := q_bounds beta' ltac:(lra)). assert (Q := q_bounds beta ltac:(lra)).
  assert (Qm : beta' / (1 + beta') <= beta / (1 + beta)).
  { apply Rmult_le_reg_r with ((1 + beta') * (1 + beta)); [nra|].
    replace (beta' / (1 + beta') * ((1 + beta') * (1 + beta))) with (beta' * (1 + beta)) by (field; lra).
    replace (beta / (1 + beta) * ((1 + beta') * (1 + beta))) with (beta * (1 + beta')) by (field; lra). nra. }
  set (q' := beta' / (1 + beta')) in *. set (q := beta / (1 + beta)) in *. clearbody q q'.
  assert (K2 : k' ^ 2 <= k ^ 2) by nra. assert (Q2 : q' ^ 2 <= q ^ 2) by nra. assert (K0 := pow2_ge_0 k').
  assert (Q0 := pow2_ge_0 q').
  assert (Inner : 0 <= curvature_share n * k' ^ 2 + damped_share n * q' ^ 2
    <= curvature_share n * k ^ 2 + damped_share n * q ^ 2).
  { assert (A := Rmult_le_compat_l _ _ _ (Rlt_le _ _ Z1) K2). assert (D := Rmult_le_compat_l _ _ _ (Rlt_le _ _ Z2) Q2).
    assert (0 <= curvature_share n * k' ^ 2) by (apply Rmult_le_pos; lra). assert (0 <= damped_share n * q' ^ 2)
      by (apply Rmult_le_pos; lra). lra. }
  apply Rmult_le_compat; [apply Rmult_le_pos; [apply Rmult_le_pos|]; lra|lra| |lra].
  apply Rmult_le_compat; [apply Rmult_le_pos; lra|lra| |lra]. apply Rmult_le_compat_l; lra.
Qed.

Section Step.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L : R) (serve solve : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (F : nat -> V -> R) (G : nat -> V -> V) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat ->
  V).
Variables (beta : nat -> R) (past : nat -> V -> Prop) (variances : nat -> R) (v : R) (n : version) (c tau : nat -> R).
Hypothesis setting : batches V m weight ridge L serve solve bend F G grad w local dual beta past variances v.
Hypothesis good : suits n.
Notation Lam := (L + ridge).
Notation v_bar := (sum m (fun i => weight i * variances i)).
Notation place k := (w (S k)).
Notation before k := (before V m weight ridge w dual k).
Notation after k := (after V m weight ridge w dual k).
Notation residuals k := (residuals V m weight G w dual k).
Notation slope := (slope m weight ridge G).
Notation objective := (objective m weight ridge F).
Notation xi k := (mean V m weight (noise V G grad w k)).
Notation bias k := (bias V m weight bend w local k).
Notation e_bar k := (mean V m weight (residual V G w dual k)).

Record ordered : Prop := {
  c_falls : forall k, 0 < c (S k) <= c k;
  tau_between_c : forall k, c k <= tau k <= longest n * c k;
  moves_by : forall k, (place (S k) + c (S k) * before (S k) = place k + c k * before k - tau k * after k)%V;
  travels_by : forall k, exists a b, 0 <= a <= 1 /\ 0 <= b <= 1 /\
    (place (S k) - place k = -1 * (c k * (a * after k + b * (after k - before k))))%V
}.
Hypothesis order : ordered.

(** y_k and V_k = F_lambda(y_k) + B_k S_k *)
Definition center k : V := (place k + c k * before k)%V.
Definition height k := objective (center k) + weight_of n (c k) (Lam * c k) (beta k) * residuals k.

Lemma residuals_nonneg k : 0 <= residuals k.
Proof.
  unfold Batches.residuals. rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le; intros.
  apply Rmult_le_pos; [now apply (alphas _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting)|apply inner_nonneg].
Qed.

Theorem round_falls k : reach n ^ 2 * ((1 + beta k) * (1 + 2 * beta k)) * (Lam * c k) ^ 2 <= 1 ->
  height (S k) <= height k - gain n * tau k * ‖slope (place k)‖²
  + tau k * noise_of n (Lam * c k) (beta k) v v_bar.
Proof.
  intros far. assert (C := c_falls order k). assert (T := tau_between_c order k).
  assert (Pl : 0 < L) by apply setting. assert (Pr : 0 <= ridge) by apply setting.
  assert (Pb := beta_nonneg _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k).
  assert (Lk : 0 < Lam * c k) by (apply Rmult_lt_0_compat; lra).
  assert (Sm := objective_smooth V m weight ridge L F G (alphas _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting) Pr Pl
    (clients_smooth _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting)).
  assert (A := after_parts V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k).
  assert (B := before_parts V m weight ridge G w dual k).
  assert (Kc : past k (center k)).
  { apply (knows_sum _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting); [apply setting|].
    exact (knows_before V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k). }
  assert (Fair := fair_mean V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k).
  assert (Ks := knows_slope V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k).
  assert (Uu := Fair _ (Ks _ Kc)). assert (Ug := Fair _ (Ks _ (knows_w _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k))).
  assert (Ue : ⟨e_bar k, xi k⟩ = 0).
  { apply Fair, (knows_mean V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting). intros i I. unfold residual.
    replace (G i (place k) + dual k i)%V with (G i (place k) + 1 * dual k i)%V by vector.
    apply (knows_sum _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting); [|now apply setting].
    apply (knows_gradient _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting); [easy|apply setting]. }
  assert (Cl := mean_within V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting (residual V G w dual k)).
  fold (residuals k) in Cl.
  assert (Var := mean_variance _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k).
  assert (Var' := mean_within V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting (noise V G grad w k)).
  assert (Var2 := noise_within V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k).
  assert (Damp := bias_within V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k).
  assert (After := residuals_after V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ setting k).
  assert (Px := inner_nonneg _ (xi k)).
  assert (D := descent_lemma V Lam objective slope (center k) (-1 * (tau k * after k))%V ltac:(lra) Sm).
  assert (Lip := lipschitz V Lam objective slope Sm (center k) (place k)).
  replace (center k - place k)%V with (c k * before k)%V in Lip by (unfold center; vector).
  replace (Lam * Lam * ‖c k * before k‖²) with ((Lam * c k) ^ 2 * ‖before k‖²) in Lip by (autorewrite with inner; ring).
  rewrite B in Lip. destruct (travels_by order k) as [a [b [Pa [Pbb Tr]]]].
  replace (after k - before k)%V with (e_bar k + xi k + bias k)%V in Tr by (rewrite A, B; vector). rewrite A in Tr.
  assert (Hd := travel_part V n (slope (place k)) (e_bar k) (bias k) (xi k) _ a b (c k) (residuals k) v_bar good
    ltac:(lra) Pa Pbb Tr
    Ug Ue Cl ltac:(lra)).
  unfold height, center at 1. rewrite (moves_by order k). fold (center k). rewrite A in D |- *.
  set (f' := objective (center k - tau k * (slope (place k) + xi k + bias k))%V) in *.
  replace (center k + -1 * (tau k * (slope (place k) + xi k + bias k)))%V
    with (center k - tau k * (slope (place k) + xi k + bias k))%V in D by vector. fold f' in D.
  assert (Df := descent_part V n (slope (place k)) (slope (center k)) (e_bar k) (bias k) (xi k)
    (objective (center k)) f' (c k) (Lam * c k)
    (tau k) (residuals k) good ltac:(lra) Lk ltac:(lra)).
  assert (Ps := residuals_nonneg k). assert (Ps' := residuals_nonneg (S k)).
  apply Rle_trans with (f' + weight_of n (c k) (Lam * c k) (beta k) * residuals (S k)).
  { apply Rplus_le_compat_l, Rmult_le_compat_r; [easy|]. apply weight_falls; [easy|lra| |lra]. split;
      [apply Rmult_le_pos; lra|apply Rmult_le_compat_l; lra]. }
  apply (together n good (c k) (Lam * c k) (beta k) (tau k) ltac:(lra) Lk ltac:(lra) T far _ _ _ _ _ _ _ (‖bias k‖²));
    [apply inner_nonneg|easy|lra|lra|exact Damp| |].
  - eapply Rle_trans; [apply Df|].
    + eapply Rle_trans; [exact D|]. apply Req_le. autorewrite with inner. field. lra.
    + exact Uu.
    + exact Ug.
    + exact Lip.
    + exact Cl.
    + assert (Y : 0 <= tau k * (tau k / c k * (Lam * c k)) / 2 * (1 + young2 n)).
      { destruct (positive_numbers _ good) as [_ [_ [_ [_ [_ [Y2 _]]]]]]. apply Rmult_le_pos; [|lra]. apply quotient;
          [|lra].
        apply Rmult_le_pos; [lra|]. apply Rmult_le_pos; [apply quotient|]; lra. }
      assert (Z := Rmult_le_compat_l _ _ _ Y Var). lra.
  - eapply Rle_trans; [exact After|]. apply Rplus_le_compat_l.
    match goal with |- _ <= ?x * _ ^ 2 * ?z => replace (x * (Lam * c k) ^ 2 * z)
      with (x * (Lam * Lam * (c k ^ 2 * z))) by ring end.
    apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat; [apply Rmult_le_pos;
      lra|apply inner_nonneg|apply Rmult_le_compat; lra|exact Hd].
Qed.
End Step.
