(** The exact identities of one round: I1, I3, I7, and the three minimisers. Any clients, any inner product space. *)

From PISA Require Export FixedPoints.

(** A symmetric map is linear. *)
Section Symmetric.
Variables (V : space) (B : V -> V).
Hypothesis symmetric : forall x y, ⟨B x, y⟩ = ⟨x, B y⟩.

Lemma symmetric_add x y : B (x + y)%V = (B x + B y)%V.
Proof. apply separated; intros z. autorewrite with inner. rewrite !symmetric. autorewrite with inner. ring. Qed.

Lemma symmetric_scale a x : B (a * x)%V = (a * B x)%V.
Proof. apply separated; intros z. autorewrite with inner. rewrite !symmetric. autorewrite with inner. ring. Qed.

Lemma symmetric_zero : B 0%V = 0%V.
Proof. apply separated; intros z. rewrite symmetric. autorewrite with inner. ring. Qed.

(** M = s (s + B)^-1, the share of the memory that a gradient replaces: s M y + B (M y) = s y. *)
Variables (s : R) (M : V -> V).
Hypothesis s_positive : 0 < s.
Hypothesis nonnegative : forall x, 0 <= ⟨B x, x⟩.
Hypothesis share : forall y, (s * M y + B (M y))%V = (s * y)%V.

Lemma share_unique y u : (s * u + B u)%V = (s * y)%V -> u = M y.
Proof.
  intros E. assert (Z : (u - M y)%V = 0%V).
  { apply (shifted_injective V s (B (u - M y)%V)); [easy|auto|]. rewrite symmetric_add, symmetric_scale.
    assert (E' := eq_trans E (eq_sym (share y))). apply separated; intros z.
    apply (f_equal (fun u => ⟨u, z⟩)) in E'. autorewrite with inner in *. lra. }
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in Z. autorewrite with inner in Z. lra.
Qed.

Lemma share_add x y : M (x + y)%V = (M x + M y)%V.
Proof.
  symmetry. apply share_unique. rewrite symmetric_add. assert (X := share x). assert (Y := share y).
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in X, Y. autorewrite with inner in *. lra.
Qed.

Lemma share_scale a x : M (a * x)%V = (a * M x)%V.
Proof.
  symmetry. apply share_unique. rewrite symmetric_scale. assert (X := share x).
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in X. autorewrite with inner in *. nra.
Qed.

Lemma share_pairing y : s * ⟨M y, y⟩ = s * ‖M y‖² + ⟨B (M y), M y⟩.
Proof. assert (E := f_equal (fun u => ⟨u, M y⟩) (share y)). cbv beta in E. expand. lra. Qed.

(** 0 < M <= I in the order of symmetric maps. *)
Theorem share_between y : (y <> 0%V -> 0 < ⟨M y, y⟩) /\ ⟨M y, y⟩ <= ‖y‖².
Proof.
  assert (P := share_pairing y). assert (N := nonnegative (M y)). assert (Q := inner_nonneg _ (M y)). split.
  - intros Y. destruct (Rlt_le_dec 0 ⟨M y, y⟩) as [H|H]; [exact H|exfalso; apply Y].
    assert (Z : M y = 0%V) by (apply norm_zero; nra). assert (E := share y). rewrite Z, symmetric_zero in E.
    apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *.
    apply Rmult_eq_reg_l with s; lra.
  - assert (E := f_equal (fun u => ⟨u, y⟩) (share y)). cbv beta in E. autorewrite with inner in E.
    assert (S := inner_nonneg _ (B (M y))).
    assert (E' := f_equal (fun u => ⟨u, B (M y)⟩) (share y)). cbv beta in E'. autorewrite with inner in E'.
    rewrite (inner_sym _ (M y) (B (M y))), (inner_sym _ y (B (M y))) in E'.
    assert (0 <= ⟨B (M y), y⟩) by (apply Rmult_le_reg_l with s; nra). apply Rmult_le_reg_l with s; lra.
Qed.

Theorem share_symmetric x y : ⟨M x, y⟩ = ⟨x, M y⟩.
Proof.
  assert (X := f_equal (fun u => ⟨u, M y⟩) (share x)). assert (Y := f_equal (fun u => ⟨u, M x⟩) (share y)).
  cbv beta in X, Y. autorewrite with inner in X, Y. rewrite symmetric, (inner_sym _ (M x) (B _)) in X.
  rewrite (inner_sym _ (M y) (M x)), (inner_sym _ y) in Y. nra.
Qed.
End Symmetric.

Section Round.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (penalty : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : pisa V m weight ridge penalty bend grad w local dual.
Notation d l i := (deviation V w local l i).
Notation rate l := (rate m weight ridge penalty l).

(** I1: any map in place of rho_i Q_i. *)
Theorem I1_multiplier l i : (i < m)%nat -> dual (S l) i = (- grad (S l) i - bend (S l) i (d (S l) i))%V.
Proof.
  intros I. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run). assert (E := client _ _ _ _ _ _ _ _ _ _ run l i I).
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

Theorem I1_deviation l i : penalty (S l) i <> 0 -> d (S l) i = (/ penalty (S l) i * (dual (S l) i - dual l i))%V.
Proof. intros P. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run). vector. Qed.

(** I2: the server's step is an extrapolated mean multiplier minus the ridge's pull; the first has no memory. *)
Theorem I2_server_increment : (rate 0 * (w 1%nat - w 0%nat) = mean V m weight (dual 0%nat) - ridge * w 0%nat)%V /\
  forall l, (rate (S l) * (w (S (S l)) - w (S l)) =
    mean V m weight (fun i => 2 * dual (S l) i - dual l i) - ridge * w (S l))%V.
Proof.
  split; [|intros l]; rewrite (move _ _ _ _ _ _ _ _ _ _ _ run).
  - f_equal. apply mean_ext. intros i _. unfold deviation. rewrite (start _ _ _ _ _ _ _ _ _ _ run). vector.
  - f_equal. apply mean_ext. intros i _. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run). vector.
Qed.

(** I3: minus the multiplier is a moving average of gradients with the matrix weight M. *)
Theorem I3_momentum l i (M : V -> V) : (i < m)%nat -> 0 < penalty (S l) i ->
  (forall x y, ⟨bend (S l) i x, y⟩ = ⟨x, bend (S l) i y⟩) -> (forall x, 0 <= ⟨bend (S l) i x, x⟩) ->
  (forall y, (penalty (S l) i * M y + bend (S l) i (M y))%V = (penalty (S l) i * y)%V) ->
  (- dual (S l) i)%V = ((- dual l i - M (- dual l i)) + M (grad (S l) i))%V /\
  forall y, (y <> 0%V -> 0 < ⟨M y, y⟩) /\ ⟨M y, y⟩ <= ‖y‖².
Proof.
  intros I P Sym Pos Share. split; [|exact (share_between V _ Sym _ M P Pos Share)].
  assert (E : (- penalty (S l) i * d (S l) i =
    penalty (S l) i * / penalty (S l) i * M (dual l i + grad (S l) i))%V).
  { rewrite Rinv_r by lra.
    rewrite <- (share_unique V _ Sym _ M P Pos Share (dual l i + grad (S l) i)%V
      (- penalty (S l) i * d (S l) i)%V); [vector|].
    rewrite (symmetric_scale V _ Sym). assert (E := client _ _ _ _ _ _ _ _ _ _ run l i I).
    apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. nra. }
  rewrite (share_add V _ Sym _ M P Pos Share) in E. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run).
  rewrite (share_scale V _ Sym _ M P Pos Share). rewrite Rinv_r in E by lra.
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

(** ** The augmented Lagrangian of the consensus form *)
Section Lagrangian.
Variable F : nat -> V -> R.

(** One client's part, over its weight: F_i(x) + <p, x - y> + (s/2)|x - y|^2. *)
Definition part i s (y x p : V) := F i x + ⟨p, x - y⟩ + s / 2 * ‖x - y‖².
Definition lagrangian (s : nat -> R) (y : V) (x p : nat -> V) :=
  sum m (fun i => weight i * part i (s i) y (x i) (p i)) + ridge / 2 * ‖y‖².

(** L is a parabola in the server's variable around the server's step. *)
Theorem lagrangian_around l v : lagrangian (penalty l) v (local l) (dual l) =
  lagrangian (penalty l) (w (S l)) (local l) (dual l) + rate l / 2 * ‖v - w (S l)‖².
Proof.
  assert (E := f_equal (fun u => ⟨u, v - w (S l)⟩) (server _ _ _ _ _ _ _ _ _ _ run l)). cbv beta in E.
  rewrite inner_mean in E. unfold lagrangian.
  rewrite (sum_ext m (fun i => weight i * part i (penalty l i) v (local l i) (dual l i)) (fun i =>
    weight i * part i (penalty l i) (w (S l)) (local l i) (dual l i)
    + (-1 * (weight i * ⟨penalty l i * local l i + dual l i, v - w (S l)⟩)
    + (‖v‖² - ‖w (S l)‖²) / 2 * (weight i * penalty l i)))) by (intros; unfold part; expand_goal; field).
  rewrite !sum_add, !sum_scale, <- E. unfold Algorithm.rate. expand_goal. field.
Qed.

(** I7 *)
Theorem I7_server l : lagrangian (penalty l) (w (S l)) (local l) (dual l) =
  lagrangian (penalty l) (w l) (local l) (dual l) - rate l / 2 * ‖w (S l) - w l‖².
Proof. rewrite (lagrangian_around l (w l)). expand_goal. field. Qed.

Theorem I7_penalty l : lagrangian (penalty (S l)) (w (S l)) (local l) (dual l) =
  lagrangian (penalty l) (w (S l)) (local l) (dual l) +
  sum m (fun i => weight i * ((penalty (S l) i - penalty l i) / 2 * ‖local l i - w (S l)‖²)).
Proof.
  unfold lagrangian. rewrite Rplus_assoc, (Rplus_comm (ridge / 2 * _)), <- Rplus_assoc, <- sum_add. f_equal.
  apply sum_ext; intros. unfold part. field.
Qed.

Theorem I7_multiplier l : (forall i, (i < m)%nat -> penalty (S l) i <> 0) ->
  lagrangian (penalty (S l)) (w (S l)) (local (S l)) (dual (S l)) =
  lagrangian (penalty (S l)) (w (S l)) (local (S l)) (dual l) +
  sum m (fun i => weight i * (‖dual (S l) i - dual l i‖² / penalty (S l) i)).
Proof.
  intros P. unfold lagrangian. rewrite Rplus_assoc, (Rplus_comm (ridge / 2 * _)), <- Rplus_assoc, <- sum_add. f_equal.
  apply sum_ext; intros i I. specialize (P i I). unfold part. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run).
  unfold deviation. expand_goal. field. exact P.
Qed.

(** ** The three steps are the minimisers, and the ascent step, that they claim to be *)
Theorem server_step_is_the_minimiser l v : 0 < rate l ->
  lagrangian (penalty l) (w (S l)) (local l) (dual l) <= lagrangian (penalty l) v (local l) (dual l) /\
  (lagrangian (penalty l) v (local l) (dual l) <= lagrangian (penalty l) (w (S l)) (local l) (dual l) -> v = w (S l)).
Proof.
  intros P. rewrite (lagrangian_around l v). assert (Q := inner_nonneg _ (v - w (S l))%V). split; [nra|].
  intros H. assert (Z : (v - w (S l))%V = 0%V) by (apply norm_zero; nra).
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in Z. autorewrite with inner in Z. lra.
Qed.

(** The Lagrangian linearised at w^(l+1), with the metric rho_i Q_i added. *)
Definition model l i x := ⟨grad (S l) i + dual l i, x - w (S l)⟩
  + (penalty (S l) i * ‖x - w (S l)‖² + ⟨bend (S l) i (x - w (S l))%V, x - w (S l)⟩) / 2.

Theorem local_step_is_the_minimiser l i x : (i < m)%nat -> 0 < penalty (S l) i ->
  (forall x y, ⟨bend (S l) i x, y⟩ = ⟨x, bend (S l) i y⟩) -> (forall x, 0 <= ⟨bend (S l) i x, x⟩) ->
  model l i (local (S l) i) <= model l i x /\ (model l i x <= model l i (local (S l) i) -> x = local (S l) i).
Proof.
  intros I P Sym Pos. set (e := (x - local (S l) i)%V).
  assert (E : model l i x = model l i (local (S l) i) + (penalty (S l) i * ‖e‖² + ⟨bend (S l) i e, e⟩) / 2).
  { assert (E := f_equal (fun u => ⟨u, e⟩) (client _ _ _ _ _ _ _ _ _ _ run l i I)). cbv beta in E.
    unfold model. fold (deviation V w local (S l) i). set (d := deviation V w local (S l) i) in *.
    replace (x - w (S l))%V with (d + e)%V by (unfold d, e, deviation; vector).
    rewrite (symmetric_add V _ Sym), !inner_add, !inner_add_r, (Sym e d), (inner_sym _ e (bend _ _ _)).
    autorewrite with inner in E. rewrite (inner_sym _ e d). lra. }
  assert (Q := inner_nonneg _ e). assert (B := Pos e). split; [rewrite E; nra|]. intros H.
  assert (Z : e = 0%V) by (apply norm_zero; nra). unfold e in Z.
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in Z. autorewrite with inner in Z. lra.
Qed.

(** The client's deviation is the gradient of its part in the multiplier, and the step along it is sigma_i long. *)
Theorem multiplier_step_is_dual_ascent l i : dual (S l) i = (dual l i + penalty (S l) i * d (S l) i)%V /\
  forall p v, derivable_pt_lim (fun t => part i (penalty (S l) i) (w (S l)) (local (S l) i) (p + t * v)%V) 0
    ⟨d (S l) i, v⟩.
Proof.
  split; [exact (multiplier _ _ _ _ _ _ _ _ _ _ run l i)|]. intros p v.
  apply (gradient_of_remainder V 0 (part i (penalty (S l) i) (w (S l)) (local (S l) i)) (fun _ => d (S l) i)); [lra|].
  intros x y. unfold part, deviation. match goal with |- Rabs ?e <= _ => replace e with 0 by (expand_goal; ring) end.
  rewrite Rabs_R0. lra.
Qed.
End Lagrangian.
End Round.
Print Assumptions I1_multiplier.
Print Assumptions I1_deviation.
Print Assumptions I2_server_increment.
Print Assumptions I3_momentum.
Print Assumptions I7_server.
Print Assumptions I7_penalty.
Print Assumptions I7_multiplier.
Print Assumptions server_step_is_the_minimiser.
Print Assumptions local_step_is_the_minimiser.
Print Assumptions multiplier_step_is_dual_ascent.
