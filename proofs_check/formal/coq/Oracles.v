(** I4 with any gradients, stochastic ones too, and the fixed points of one round from any state, which no run need
  visit. *)

From PISA Require Export Identities.

(** ** I4: constant penalties, no preconditioner, no ridge; [grad l i] is what client i uses at w^l *)
Section AnyGradients.
Variable V : space.
Variables (m : nat) (weight sigma : nat -> R) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : pisa V m weight 0 (fun _ => sigma) (fun _ _ _ => 0%V) grad w local dual.
Notation s := (sum m (fun i => weight i * sigma i)).
Notation G l := (mean V m weight (grad l)).
Hypothesis positive : 0 < s.

Lemma mean_multiplier l : mean V m weight (dual (S l)) = (-1 * G (S l))%V.
Proof.
  rewrite <- mean_scale. apply mean_ext. intros i I. rewrite (I1_multiplier _ _ _ _ _ _ _ _ _ _ run l i I). vector.
Qed.

Lemma increment l :
  w (S (S l)) = (w (S l) - / s * (2 * G (S l) + mean V m weight (dual l)))%V.
Proof.
  assert (E := proj2 (I2_server_increment _ _ _ _ _ _ _ _ _ _ run) l). unfold rate in E. rewrite Rplus_0_r in E.
  rewrite (mean_add V m weight (fun i => 2 * dual (S l) i)%V (fun i => -1 * dual l i)%V), !mean_scale,
    mean_multiplier in E.
  apply solve_for in E; [|exact positive]. rewrite E. vector.
Qed.

Theorem I4_any_gradients :
  (forall l, w (S (S (S l))) = (w (S (S l)) - / s * (2 * G (S (S l)) - G (S l)))%V) /\
  ((forall i, (i < m)%nat -> dual 0%nat i = 0%V) ->
    w 1%nat = w 0%nat /\ w 2%nat = (w 1%nat - / s * (2 * G 1))%V).
Proof.
  split.
  - intros l. rewrite (increment (S l)), mean_multiplier. reflexivity.
  - intros Cold. assert (Z := mean_zero V m weight (dual 0%nat) Cold). split; [|rewrite increment, Z; vector].
    assert (E := proj1 (I2_server_increment _ _ _ _ _ _ _ _ _ _ run)). unfold rate in E. rewrite Rplus_0_r, Z in E.
    apply solve_for in E; [|exact positive]. rewrite E. vector.
Qed.

Theorem I4_warm_any_gradients : (forall i, (i < m)%nat -> dual 0%nat i = (- grad 0%nat i)%V) ->
  w 1%nat = (w 0%nat - / s * G 0)%V /\
  forall l, w (S (S l)) = (w (S l) - / s * (2 * G (S l) - G l))%V.
Proof.
  intros Warm. assert (M : mean V m weight (dual 0%nat) = (-1 * G 0)%V)
    by (rewrite (mean_ext V m weight _ _ Warm); apply mean_scale). split.
  - assert (E := proj1 (I2_server_increment _ _ _ _ _ _ _ _ _ _ run)). unfold rate in E. rewrite Rplus_0_r, M in E.
    apply solve_for in E; [|exact positive]. rewrite E. vector.
  - intros [|l]; rewrite increment; [now rewrite M|]. now rewrite mean_multiplier.
Qed.
End AnyGradients.

(** ** One round of Algorithm 1 from any state (w, x, p): server with penalties s, clients with s' *)
Section OneRound.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (s s' : nat -> R) (B G : nat -> V -> V).
Variables (w w' : V) (x x' p p' : nat -> V).
Notation mean := (mean V m weight).
Hypothesis server : ((sum m (fun i => weight i * s i) + ridge) * w' = mean (fun i => s i * x i + p i))%V.
Hypothesis client : forall i, (i < m)%nat -> (s' i * (x' i - w') + B i (x' i - w') = - (p i + G i w'))%V.
Hypothesis multiplier : forall i, (i < m)%nat -> p' i = (p i + s' i * (x' i - w'))%V.
Hypothesis rate_nonzero : sum m (fun i => weight i * s i) + ridge <> 0.
Hypothesis penalty_positive : forall i, (i < m)%nat -> 0 < s' i.
Hypothesis symmetric : forall i y z, (i < m)%nat -> ⟨B i y, z⟩ = ⟨y, B i z⟩.
Hypothesis nonnegative : forall i y, (i < m)%nat -> 0 <= ⟨B i y, y⟩.

Lemma mean_at_rest y : (forall i, (i < m)%nat -> x i = y) ->
  mean (fun i => s i * x i + p i)%V = (sum m (fun i => weight i * s i) * y + mean p)%V.
Proof.
  intros X. rewrite (mean_add V m weight (fun i => s i * x i)%V p). f_equal.
  rewrite (mean_ext V m weight _ (fun i => s i * y)%V) by (intros i I; now rewrite X).
  apply separated; intros z. rewrite inner_mean, inner_scale, Rmult_comm, <- sum_scale. apply sum_ext; intros.
  rewrite inner_scale. ring.
Qed.

(** The state is unchanged exactly at the KKT points: p_i = -grad F_i(x_i), x_i = w, lambda w = mean of p. *)
Theorem fixed_points_of_a_round :
  (w' = w /\ forall i, (i < m)%nat -> x' i = x i /\ p' i = p i) <-> kkt V m weight ridge G w x p.
Proof.
  split.
  - intros [W Same]. assert (Flat : forall i, (i < m)%nat -> (x' i - w')%V = 0%V).
    { intros i I. assert (P := penalty_positive i I). assert (E := multiplier i I). rewrite (proj2 (Same i I)) in E.
      apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *.
      apply Rmult_eq_reg_l with (s' i); lra. }
    assert (X : forall i, (i < m)%nat -> x i = w).
    { intros i I. assert (E := Flat i I). rewrite (proj1 (Same i I)), W in E. apply separated; intros z.
      apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra. }
    split; [exact X|split].
    + intros i I. assert (E := client i I).
      rewrite (Flat i I), (symmetric_zero V (B i)), W in E by (intros; now apply symmetric). rewrite (X i I).
      apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra.
    + assert (E := server). rewrite (mean_at_rest w X), W in E. apply separated; intros z.
      apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra.
  - intros [X [P A]]. assert (W : w' = w).
    { assert (E := server). rewrite (mean_at_rest w X), <- A in E. apply separated; intros z.
      apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *.
      apply Rmult_eq_reg_l with (1 := eq_trans E (eq_sym (Rmult_plus_distr_r _ _ _))). exact rate_nonzero. }
    split; [exact W|]. intros i I. assert (D : (x' i - w')%V = 0%V).
    { apply (shifted_injective V (s' i) (B i (x' i - w')%V)); [auto|auto|].
      rewrite (client i I), W, (P i I), (X i I). vector. }
    split; [|rewrite (multiplier i I), D; vector]. rewrite (X i I), <- W. apply separated; intros z.
    apply (f_equal (fun u => ⟨u, z⟩)) in D. autorewrite with inner in *. lra.
Qed.
End OneRound.
Print Assumptions I4_any_gradients.
Print Assumptions I4_warm_any_gradients.
Print Assumptions fixed_points_of_a_round.
