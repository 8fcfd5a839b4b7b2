(** What PISA is in special cases: optimistic gradient from the warm start (I4), heavy ball on it under a constant
    preconditioner, gradient steps under a constant gradient whatever the preconditioners are. *)

From PISA Require Export Norm Identities.

(** ** The cold start *)
Section ColdStart.
Variable V : space.
Variables (m : nat) (weight sigma : nat -> R) (G : nat -> V -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run :
  pisa V m weight 0 (fun _ => sigma) (fun _ _ _ => 0%V) (fun l i => G i (w l)) w local dual.
Notation s := (sum m (fun i => weight i * sigma i)).
Notation gradient := (fun x => mean V m weight (fun i => G i x)).
Hypothesis positive : 0 < s.

(** I4: whatever the first multipliers are, later moves are optimistic; from the cold start the first one is too. *)
Theorem I4_optimistic_gradient :
  (forall l, w (S (S (S l))) = (w (S (S l)) - / s * (2 * gradient (w (S (S l))) - gradient (w (S l))))%V) /\
  ((forall i, dual 0 i = 0%V) -> w 1%nat = w 0%nat /\ w 2%nat = (w 1%nat - / s * (2 * gradient (w 1%nat)))%V).
Proof.
  assert (O := optimistic_gradient V m weight sigma G w local dual run positive). cbv beta in O. split.
  - intros l. rewrite (O (S l)), (mean_dual V m weight sigma G w local dual run l).
    cbv beta. vector.
  - intros Cold. split; [exact (start_stays V m weight sigma G w local dual run positive Cold)|].
    rewrite (O 0%nat), (mean_zero V m weight (dual 0%nat)) by auto. vector.
Qed.
End ColdStart.

(** ** The warm start *)
Section WarmStart.
Variable V : space.
Variables (m : nat) (weight sigma : nat -> R) (G : nat -> V -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run :
  pisa V m weight 0 (fun _ => sigma) (fun _ _ _ => 0%V) (fun l i => G i (w l)) w local dual.
Notation s := (sum m (fun i => weight i * sigma i)).
Notation gradient := (fun x => mean V m weight (fun i => G i x)).
Hypothesis positive : 0 < s.
Hypothesis warm : forall i, (i < m)%nat -> dual 0 i = (- G i (w 0%nat))%V.

Lemma warm_mean l : mean V m weight (dual l) = (- gradient (w l))%V.
Proof.
  destruct l; [|exact (mean_dual V m weight sigma G w local dual run l)].
  rewrite (mean_ext _ _ _ _ (fun i => -1 * G i (w 0%nat))%V warm). apply mean_scale.
Qed.

Theorem I4_warm_start :
  w 1%nat = (w 0%nat - / s * gradient (w 0%nat))%V /\
  forall l, w (S (S l)) = (w (S l) - / s * (2 * gradient (w (S l)) - gradient (w l)))%V.
Proof.
  split.
  - assert (M := move _ _ _ _ _ _ _ _ _ _ 0 run). unfold rate in M.
    rewrite (mean_ext _ _ _ _ (dual 0%nat)), warm_mean in M
      by (intros i I; unfold deviation; rewrite (start _ _ _ _ _ _ _ _ _ _ run); vector).
    apply solve_for in M; [|lra]. rewrite M, Rplus_0_r. vector.
  - intros l. rewrite (optimistic_gradient V m weight sigma G w local dual run positive l), warm_mean. vector.
Qed.
End WarmStart.

(** ** One constant preconditioner for all clients *)
Section HeavyBall.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (s : R) (B : V -> V) (grad : nat -> nat -> V).
Variables (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : pisa V m weight 0 (fun _ _ => s) (fun _ _ => B) grad w local dual.
Hypothesis weights : sum m weight = 1.
Hypothesis s_positive : 0 < s.
Hypothesis symmetric : forall x y, ⟨B x, y⟩ = ⟨x, B y⟩.
Notation mean := (mean V m weight).
Notation D l := (mean (deviation V w local l)).
Notation P l := (mean (dual l)).
Notation G l := (mean (grad l)).

Lemma mean_of_map x : mean (fun i => B (x i)) = B (mean x).
Proof.
  apply separated; intros z. rewrite inner_mean, symmetric, inner_mean. apply sum_ext; intros. now rewrite symmetric.
Qed.

Lemma mean_step l : (s * (w (S l) - w l) = s * D l + P l)%V.
Proof.
  assert (M := move _ _ _ _ _ _ _ _ _ _ l run). unfold rate in M.
  rewrite (sum_ext m (fun i => weight i * s) (fun i => s * weight i)), sum_scale, weights in M by (intros; ring).
  rewrite mean_add, mean_scale in M. replace (s * 1 + 0) with s in M by ring. rewrite M. vector.
Qed.

Lemma mean_client l : (s * D (S l) + B (D (S l)) = - (P l + G (S l)))%V.
Proof.
  rewrite <- mean_of_map, <- mean_scale, <- !mean_add, <- mean_scale. apply mean_ext. intros i I.
  exact (client _ _ _ _ _ _ _ _ _ _ run l i I).
Qed.

Lemma mean_multiplier l : P (S l) = (P l + s * D (S l))%V.
Proof.
  rewrite <- mean_scale, <- mean_add. apply mean_ext. intros i _. exact (multiplier _ _ _ _ _ _ _ _ _ _ run l i).
Qed.

(** (s + B) Δ^+ = B Δ - (2 G - G_last). *)
Theorem heavy_ball l :
  (s * (w (S (S (S l))) - w (S (S l))) + B (w (S (S (S l))) - w (S (S l))) =
   B (w (S (S l)) - w (S l)) - (2 * G (S (S l)) - G (S l)))%V.
Proof.
  assert (E : forall k z, s * ⟨w (S (S k)) - w (S k), z⟩ = s * ⟨D (S k), z⟩ + ⟨P (S k), z⟩).
  { intros k z. assert (E := f_equal (fun u => ⟨u, z⟩) (mean_step (S k))). cbv beta in E.
    autorewrite with inner in *. lra. }
  apply separated; intros z. apply Rmult_eq_reg_l with s; [|lra].
  assert (E1 := E (S l) z). assert (E2 := E (S l) (B z)). assert (E3 := E l (B z)).
  assert (C1 := f_equal (fun u => ⟨u, z⟩) (mean_client l)).
  assert (C2 := f_equal (fun u => ⟨u, z⟩) (mean_client (S l))).
  cbv beta in C1, C2. rewrite (mean_multiplier (S l)), (mean_multiplier l) in *.
  autorewrite with inner in *. rewrite !symmetric in *. autorewrite with inner in *. nra.
Qed.

(** From the cold start the first move is that of a last gradient 0. *)
Theorem heavy_ball_first : (forall i, dual 0 i = 0%V) ->
  (s * (w 2%nat - w 1%nat) + B (w 2%nat - w 1%nat) = B (w 1%nat - w 0%nat) - 2 * G 1)%V.
Proof.
  intros Cold. assert (P0 : P 0 = 0%V) by (apply mean_zero; intros; apply Cold).
  assert (D0 : D 0 = 0%V).
  { apply mean_zero. intros i I. unfold deviation. rewrite (start _ _ _ _ _ _ _ _ _ _ run). vector. }
  assert (W : w 1%nat = w 0%nat).
  { assert (E := mean_step 0). rewrite D0, P0 in E. apply solve_for in E; [|exact s_positive]. rewrite E. vector. }
  apply separated; intros z. apply Rmult_eq_reg_l with s; [|lra].
  assert (E1 := f_equal (fun u => ⟨u, z⟩) (mean_step 1)). assert (E2 := f_equal (fun u => ⟨u, B z⟩) (mean_step 1)).
  assert (C := f_equal (fun u => ⟨u, z⟩) (mean_client 0)).
  cbv beta in E1, E2, C. rewrite (mean_multiplier 0), P0, <- W in *.
  autorewrite with inner in *. rewrite !symmetric in *. autorewrite with inner in *. nra.
Qed.

(** Per eigendirection h of B: rate 1/(s + b), momentum b/(s + b). *)
Theorem heavy_ball_mode l h b : 0 <= b -> B h = (b * h)%V ->
  ⟨w (S (S (S l))) - w (S (S l)), h⟩ =
  b / (s + b) * ⟨w (S (S l)) - w (S l), h⟩ - / (s + b) * ⟨2 * G (S (S l)) - G (S l), h⟩.
Proof.
  intros N E. assert (H := f_equal (fun u => ⟨u, h⟩) (heavy_ball l)). cbv beta in H.
  rewrite !inner_add, !inner_scale, !symmetric, E, !inner_scale_r in H.
  apply Rmult_eq_reg_l with (s + b); [|lra].
  replace ((s + b) * (_ - _)) with (b * ⟨w (S (S l)) - w (S l), h⟩ - ⟨2 * G (S (S l)) - G (S l), h⟩) by (field; lra).
  autorewrite with inner in *. lra.
Qed.
End HeavyBall.

(** ** A constant gradient: any bounded operators, new at every round *)
Section ConstantGradient.
Variable V : space.
Variables (m : nat) (weight sigma bound : nat -> R) (bend : nat -> nat -> V -> V) (g : nat -> V).
Variables (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : pisa V m weight 0 (fun _ => sigma) bend (fun _ => g) w local dual.
Hypothesis weights : forall i, (i < m)%nat -> 0 <= weight i.
Hypothesis sigma_positive : forall i, (i < m)%nat -> 0 < sigma i.
Hypothesis bound_nonneg : forall i, (i < m)%nat -> 0 <= bound i.
Hypothesis symmetric : forall l i x y, (i < m)%nat -> ⟨bend l i x, y⟩ = ⟨x, bend l i y⟩.
Hypothesis bounded : forall l i x, (i < m)%nat -> 0 <= ⟨bend l i x, x⟩ <= bound i * ‖x‖².
Notation s := (sum m (fun i => weight i * sigma i)).
Notation keep i := (bound i / (sigma i + bound i)).
Notation error l i := (dual l i + g i)%V.
Hypothesis s_positive : 0 < s.

Lemma error_shrinks l i : (i < m)%nat -> ‖error l i‖₂ <= keep i ^ l * ‖error 0 i‖₂.
Proof.
  intros I. assert (P := sigma_positive i I). assert (Q := bound_nonneg i I).
  assert (K : 0 <= keep i) by (apply quotient; lra).
  induction l as [|l IH]; [simpl; lra|].
  replace (error (S l) i) with (- bend (S l) i (deviation V w local (S l) i))%V
    by (rewrite (I1_multiplier _ _ _ _ _ _ _ _ _ _ run l i I); vector).
  rewrite norm_opp. apply Rle_trans with (keep i * ‖error l i‖₂).
  - exact (kept V (sigma i) (bound i) (bend (S l) i) _ (error l i) P Q (fun x y => symmetric (S l) i x y I)
      (fun x => bounded (S l) i x I) (client _ _ _ _ _ _ _ _ _ _ run l i I)).
  - simpl. rewrite Rmult_assoc. now apply Rmult_le_compat_l.
Qed.

Lemma constant_step l : (s * (w (S (S l)) - w (S l)) + mean V m weight g =
  mean V m weight (fun i => 2 * error (S l) i - error l i))%V.
Proof.
  assert (M := move _ _ _ _ _ _ _ _ _ _ (S l) run). unfold rate in M. rewrite Rplus_0_r in M. rewrite M.
  rewrite (mean_ext _ _ _ (fun i => 2 * error (S l) i - error l i)%V
    (fun i => (sigma i * deviation V w local (S l) i + dual (S l) i) + g i)%V).
  - rewrite (mean_add V m weight (fun i => sigma i * _ + _)%V g). vector.
  - intros i I. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run). vector.
Qed.

Theorem constant_gradient l : ‖s * (w (S (S l)) - w (S l)) + mean V m weight g‖₂ <=
  sum m (fun i => weight i * 3 * ‖error 0 i‖₂ * keep i ^ l).
Proof.
  rewrite constant_step. eapply Rle_trans; [now apply norm_mean|]. apply sum_le. intros i I.
  assert (A := weights i I). assert (P := sigma_positive i I). assert (Q := bound_nonneg i I).
  assert (K : 0 <= keep i <= 1).
  { split; [apply quotient; lra|]. apply Rmult_le_reg_r with (sigma i + bound i); [lra|].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
  assert (E := error_shrinks l i I). assert (E' := error_shrinks (S l) i I).
  assert (T := norm_sub V (2 * error (S l) i)%V (error l i)). rewrite norm_scale, Rabs_right in T by lra.
  assert (N := norm_nonneg V (error 0 i)). assert (Pw : 0 <= keep i ^ l) by (apply pow_le; lra).
  assert (M : keep i ^ S l * ‖error 0 i‖₂ <= keep i ^ l * ‖error 0 i‖₂) by (apply Rmult_le_compat_r; [easy|simpl; nra]).
  rewrite !Rmult_assoc. apply Rmult_le_compat_l; [easy|]. rewrite (Rmult_comm ‖error 0 i‖₂). lra.
Qed.

(** The step tends to -g/sigma: the preconditioners change the momentum, not the rate. *)
Theorem constant_gradient_gives_gradient_steps :
  tends (fun l => w (S l) - w l)%V (- / s * mean V m weight g)%V.
Proof.
  apply limit_shift. apply (squeeze _ (fun l => / s * sum m (fun i => weight i * 3 * ‖error 0 i‖₂ * keep i ^ l))).
  - intros l. split; [apply norm_nonneg|].
    replace (w (S (S l)) - w (S l) - - / s * mean V m weight g)%V
      with (/ s * (s * (w (S (S l)) - w (S l)) + mean V m weight g))%V by vector.
    assert (P := Rinv_0_lt_compat _ s_positive). rewrite norm_scale, Rabs_right by lra.
    apply Rmult_le_compat_l; [lra|apply constant_gradient].
  - apply limit_scale, limit_sum. intros i I. apply limit_scale, limit_power.
    assert (P := sigma_positive i I). assert (Q := bound_nonneg i I). split; [apply quotient; lra|].
    apply Rmult_lt_reg_r with (sigma i + bound i); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra.
Qed.
End ConstantGradient.
Print Assumptions I4_optimistic_gradient.
Print Assumptions I4_warm_start.
Print Assumptions heavy_ball.
Print Assumptions heavy_ball_first.
Print Assumptions heavy_ball_mode.
Print Assumptions constant_gradient.
Print Assumptions constant_gradient_gives_gradient_steps.
