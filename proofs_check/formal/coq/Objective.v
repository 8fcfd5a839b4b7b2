(** The objective sum_i alpha_i F_i + lambda/2 |x|^2 is (L + lambda)-smooth when every F_i is L-smooth. *)

From PISA Require Export Algorithm.

Section Objective.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L : R) (F : nat -> V -> R) (G : nat -> V -> V).
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).

Definition objective x := sum m (fun i => weight i * F i x) + ridge / 2 * ‖x‖².
Definition slope x : V := (mean V m weight (fun i => G i x) + ridge * x)%V.

Lemma weighted_le f g : (forall i, (i < m)%nat -> f i <= g i) -> sum m (fun i => weight i * f i)
  <= sum m (fun i => weight i * g i).
Proof. intros E. apply sum_le; intros. apply Rmult_le_compat_l; [now apply weights|auto]. Qed.

Lemma weighted_const a : sum m (fun i => weight i * a) = a.
Proof. rewrite (sum_ext m _ (fun i => a * weight i)), sum_scale, (proj2 weights) by (intros; ring). ring. Qed.

Lemma mean_jensen (x : nat -> V) : ‖mean V m weight x‖² <= sum m (fun i => weight i * ‖x i‖²).
Proof. apply jensen; apply weights. Qed.

Lemma objective_remainder x d : Rabs (objective (x + d)%V - objective x - ⟨slope x, d⟩) <= (L + ridge) / 2 * ‖d‖².
Proof.
  assert (E : objective (x + d)%V - objective x - ⟨slope x, d⟩
    = sum m (fun i => weight i * (F i (x + d)%V - F i x - ⟨G i x, d⟩)) + ridge / 2 * ‖d‖²).
  { unfold objective, slope. rewrite (sum_ext m (fun i => weight i * (_ - _ - _))
      (fun i => weight i * F i (x + d)%V + (-1 * (weight i * F i x) + -1 * (weight i * ⟨G i x, d⟩)))) by (intros; ring).
    rewrite !sum_add, !sum_scale. autorewrite with inner. rewrite inner_mean, (inner_sym _ d x). field. }
  assert (Up := weighted_le (fun i => F i (x + d)%V - F i x - ⟨G i x, d⟩) (fun _ => L / 2 * ‖d‖²)
    (fun i I => ltac:(assert (D := descent_lemma V L (F i) (G i) x d L_positive (F_smooth i I)); lra))).
  assert (Low := weighted_le (fun _ => - (L / 2 * ‖d‖²)) (fun i => F i (x + d)%V - F i x - ⟨G i x, d⟩)
    (fun i I => ltac:(assert (D := ascent_lemma V L (F i) (G i) x d L_positive (F_smooth i I)); lra))).
  cbv beta in Up, Low. rewrite weighted_const in Up, Low. assert (P := inner_nonneg _ d).
  rewrite E. apply Rabs_le. split; nra.
Qed.

Theorem objective_smooth : smooth (L + ridge) objective slope.
Proof.
  split.
  - apply (gradient_of_remainder V ((L + ridge) / 2)); [lra|exact objective_remainder].
  - intros x y. set (d := (x - y)%V). set (g := mean V m weight (fun i => G i x - G i y)%V).
    assert (E : (slope x - slope y)%V = (g + ridge * d)%V).
    { unfold slope, g, d. rewrite (mean_add _ _ _ (fun i => G i x) (fun i => -1 * G i y)%V), mean_scale. vector. }
    assert (J : ‖g‖² <= L * L * ‖d‖²).
    { eapply Rle_trans; [apply mean_jensen|]. rewrite <- (weighted_const (L * L * ‖d‖²)). apply weighted_le; intros i I.
      apply (lipschitz _ _ _ _ (F_smooth i I)). }
    rewrite E. assert (Y := young _ L d g L_positive). rewrite (inner_sym _ d g) in Y.
    assert (I := Rinv_0_lt_compat L L_positive).
    assert (J' := Rmult_le_compat_l (/ L) _ _ ltac:(lra) J). rewrite <- !Rmult_assoc, Rinv_l, Rmult_1_l in J' by lra.
    autorewrite with inner. rewrite (inner_sym _ d g). assert (Q := inner_nonneg _ d). nra.
Qed.
End Objective.
Arguments objective {V}. Arguments slope {V}.
