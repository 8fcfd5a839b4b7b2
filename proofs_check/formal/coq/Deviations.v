(** Why two identities, of the clients' means and of their deviations, are enough for any number of clients. *)

From PISA Require Export OneRound.
From PISA Require Preconditioned.

(** ** Means and deviations: a form's mean is the form of the mean plus the mean of the deviations' *)
Section Variance.
Variables (V : space) (m : nat) (weight : nat -> R).
Hypothesis one : sum m weight = 1.
Notation mean := (mean V m weight).
Definition mean_of (X : nat -> nat -> V) n : V := mean (fun i => X i n).
Definition deviation_of (X : nat -> nat -> V) i n : V := (X i n - mean_of X n)%V.

Lemma mean_constant (x : nat -> V) c : (forall i, (i < m)%nat -> x i = c) -> mean x = c.
Proof.
  intros E. rewrite (mean_ext V m weight x (fun _ => c) E). apply separated; intros z. rewrite inner_mean. cbv beta.
  rewrite (sum_ext m _ (fun i => ⟨c, z⟩ * weight i)) by (intros; ring). rewrite sum_scale, one. ring.
Qed.
Lemma eval_mean v : forall X, eval v (mean_of X) = mean (fun i => eval v (X i)).
Proof.
  induction v as [|a v IH]; intros X; cbn [eval].
  - symmetry. now apply mean_zero.
  - rewrite mean_add, mean_scale. f_equal. exact (IH (fun i n => X i (S n))).
Qed.
Lemma eval_deviation v X i : eval v (deviation_of X i) = (eval v (X i) - eval v (mean_of X))%V.
Proof.
  assert (E : forall v (x z : nat -> V), eval v (fun n => x n - z n)%V = (eval v x - eval v z)%V).
  { clear. induction v as [|a v IH]; intros x z; cbn [eval]; [vector|]. rewrite (IH (fun n => x (S n))
      (fun n => z (S n))). vector. }
  apply (E v (X i) (mean_of X)).
Qed.
Lemma inner_variance (a b : nat -> V) : sum m (fun i => weight i * ⟨a i, b i⟩)
  = ⟨mean a, mean b⟩ + sum m (fun i => weight i * ⟨a i - mean a, b i - mean b⟩).
Proof.
  set (A := mean a). set (B := mean b).
  rewrite (sum_ext m (fun i => weight i * ⟨a i - A, b i - B⟩)
    (fun i => weight i * ⟨a i, b i⟩ + (-1 * (weight i * ⟨a i, B⟩) + (-1 * (weight i * ⟨b i, A⟩) + ⟨A, B⟩ * weight i))))
    by (intros; autorewrite with inner; rewrite (inner_sym _ A (b i)); ring).
  rewrite !sum_add, !sum_scale, one, <- !inner_mean. fold A B. rewrite (inner_sym _ B A). ring.
Qed.
Lemma quadratic_variance T : forall X, sum m (fun i => weight i * quadratic_value T (X i))
  = quadratic_value T (mean_of X) + sum m (fun i => weight i * quadratic_value T (deviation_of X i)).
Proof.
  induction T as [|u T IH]; intros X; cbn [quadratic_value].
  - rewrite (sum_ext m _ (fun i => 0 * weight i)), sum_scale by (intros; ring). ring.
  - specialize (IH (fun i n => X i (S n))).
    rewrite (sum_ext m _ (fun i => weight i * ⟨X i 0%nat, eval u (X i)⟩ + weight i * quadratic_value T
        (fun n => X i (S n)))) by (intros; ring).
    rewrite (sum_ext m (fun i => weight i * (⟨deviation_of X i 0%nat, _⟩ + _))
      (fun i => weight i * ⟨X i 0%nat - mean (fun i => X i 0%nat), eval u (X i) - mean (fun i => eval u (X i))⟩
        + weight i * quadratic_value T (deviation_of (fun i n => X i (S n)) i))).
    2: { intros i I. rewrite eval_deviation, eval_mean. unfold deviation_of, mean_of. ring. }
    rewrite !sum_add, IH, inner_variance, eval_mean. unfold mean_of. ring.
Qed.
Lemma line_mean v : forall y : nat -> nat -> R,
  sum m (fun i => weight i * @eval line v (y i)) = @eval line v (fun n => sum m (fun i => weight i * y i n)).
Proof.
  induction v as [|a v IH]; intros y; cbn [eval line zero add scale].
  - rewrite (sum_ext m _ (fun i => 0 * weight i)), sum_scale by (intros; ring). ring.
  - rewrite <- (IH (fun i n => y i (S n))), <- sum_scale, <- sum_add. apply sum_ext; intros. ring.
Qed.
Lemma line_zero v : @eval line v (fun _ => 0) = 0.
Proof. induction v as [|a v IH]; [easy|]. change (Q2R a * 0 + @eval line v (fun _ => 0) = 0). rewrite IH. ring. Qed.
Lemma value_variance f (y : nat -> nat -> R) X : sum m (fun i => weight i * value f (y i) (X i))
  = value f (fun n => sum m (fun i => weight i * y i n)) (mean_of X)
    + sum m (fun i => weight i * value f (fun _ => 0) (deviation_of X i)).
Proof.
  unfold value.
  rewrite (sum_ext m _ (fun i => weight i * @eval line (Coordinates.linear f)
      (y i) + weight i * quadratic_value (quadratic f) (X i))) by (intros; ring).
  rewrite (sum_ext m (fun i => weight i * (@eval line (Coordinates.linear f) (fun _ => 0) + _))
      (fun i => weight i * quadratic_value (quadratic f) (deviation_of X i)))
    by (intros; rewrite line_zero; ring).
  rewrite sum_add, line_mean, quadratic_variance. ring.
Qed.
End Variance.

(** ** A client's form depends on w and the move by what they evaluate to *)
Section Substitution.
Variables (p : round_problem) (V : space) (y : nat -> R) (x : nat -> V) (w1 move1 w2 move2 : vec).
Hypothesis same_w : eval w1 x = eval w2 x.
Hypothesis same_move : eval move1 x = eval move2 x.

Lemma interpolation_value a b l h : value (interpolation a b l h) y x
  = @eval line (height a) y - @eval line (height b) y
  - (⟨eval (place a) x - eval (place b) x, eval (slope b) x
        + Q2R (1 / (2 * (h - l)) * (l * h)) * (eval (place a) x - eval (place b) x)⟩
     + ⟨eval (slope a) x - eval (slope b) x, Q2R (1 / (2 * (h - l))) * (eval (slope a) x - eval (slope b) x)
        + Q2R (-2 * (1 / (2 * (h - l))) * l) * (eval (place a) x - eval (place b) x)⟩).
Proof. unfold interpolation.
  now rewrite value_sub, value_real, line_sub, value_add, !value_pair, !eval_add, !eval_scale, !eval_sub. Qed.

Lemma points_same j :
  let a := nth j (points p move1) (Spot [] [] []) in let b := nth j (points p move2) (Spot [] [] []) in
  eval (place a) x = eval (place b) x /\ slope a = slope b /\ height a = height b.
Proof.
  unfold points.
  destruct (potential_of p); destruct j as [|[|[|[|j]]]]; cbn [nth lagrangian_points residual_points place slope height];
    repeat split; try exact same_move; try (now destruct j); rewrite !eval_add; now f_equal.
Qed.
Lemma row_same r : value (row_form p move1 r) y x = value (row_form p move2 r) y x.
Proof.
  destruct r as [j k|j]; cbn [row_form]; [|easy].
  destruct (points_same j) as [A1 [A2 A3]]. destruct (points_same k) as [B1 [B2 B3]].
  now rewrite !interpolation_value, A1, A2, A3, B1, B2, B3.
Qed.
Lemma left_same : value (left_side p w1 move1) y x = value (left_side p w2 move2) y x.
Proof.
  unfold left_side. destruct (potential_of p) as [next after|factor].
  - unfold lagrangian_left, square.
    now rewrite !value_sub, !value_add, !value_scale, !value_pair, !eval_add, same_w, same_move.
  - unfold residual_left, square, next_residual.
    now rewrite !value_add, !value_scale, !value_sub, !value_pair, !eval_sub, !eval_add, !eval_scale, same_move.
Qed.
Lemma form_same c : value (client_form p w1 move1 c) y x = value (client_form p w2 move2 c) y x.
Proof.
  unfold client_form. rewrite !value_sub, left_same. apply Rplus_eq_compat_l, Ropp_eq_compat.
  induction c as [|[r k] c IH]; [easy|]. cbn [fold_right fst snd]. now rewrite !value_add, !value_scale, row_same, IH.
Qed.
End Substitution.

(** ** What an accepted certificate says of any clients *)
Section Decrease.
Variables (p : round_problem) (bound : Q) (c : list (row * Q)).
Hypothesis accepted : check p bound c = true.
Variables (V : space) (m : nat) (weight : nat -> R) (y : nat -> nat -> R) (X : nat -> nat -> V) (w move : V).
Hypothesis nonneg : forall i, (i < m)%nat -> 0 <= weight i.
Hypothesis one : sum m weight = 1.
Hypothesis common_w : forall i, X i 7%nat = w.
Hypothesis common_move : forall i, X i 8%nat = move.
Hypothesis moves : eval (move_of p) (mean_of V m weight X) = move.
Hypothesis rows : forall i r, (i < m)%nat -> valid p (unit 8) r = true ->
  0 <= value (row_form p (unit 8) r) (y i) (X i).

Lemma valid_same r : valid p (unit 8) r = valid p [] r.
Proof. unfold valid, points. now destruct r, (potential_of p). Qed.

Lemma client_form_below i : (i < m)%nat ->
  value (client_form p (unit 7) (unit 8) c) (y i) (X i) <= value (left_side p (unit 7) (unit 8)) (y i) (X i).
Proof.
  intros I. assert (Ok := accepted). apply andb_prop in Ok as [Ok _]. apply andb_prop in Ok as [Ok _].
  apply andb_prop in Ok as [_ Ok].
  unfold client_form. rewrite value_sub.
  assert (P : 0 <= value (fold_right (fun ry f => fadd (fscale (snd ry) (row_form p (unit 8) (fst ry))) f)
      (Form [] []) c) (y i) (X i)); [|lra].
  clear accepted. induction c as [|[r k] l IH]; cbn [fold_right forallb fst snd] in *; [unfold value; simpl; lra|].
  apply andb_prop in Ok as [R Ok]. apply andb_prop in R as [R K]. rewrite value_add, value_scale.
  assert (A := rows i r I ltac:(now rewrite valid_same)). assert (B := IH Ok). assert (Q := positive_Q_sound _ K).
  assert (0 <= Q2R k * value (row_form p (unit 8) r) (y i) (X i)) by (apply Rmult_le_pos; lra). lra.
Qed.

Theorem decrease : Q2R bound * ‖eval (goal_of p) (mean_of V m weight X)‖²
  <= sum m (fun i => weight i * value (left_side p (unit 7) (unit 8)) (y i) (X i)).
Proof.
  assert (B : sum m (fun i => weight i * value (client_form p (unit 7) (unit 8) c) (y i) (X i))
    <= sum m (fun i => weight i * value (left_side p (unit 7) (unit 8)) (y i) (X i))).
  { apply sum_le. intros i I. apply Rmult_le_compat_l; [auto|]. now apply client_form_below. }
  rewrite (value_variance V m weight one) in B.
  assert (Ok := accepted). apply andb_prop in Ok as [Ok Dev]. apply andb_prop in Ok as [_ Mean].
  apply (nonnegative_sound V _ (fun n => sum m (fun i => weight i * y i n)) (mean_of V m weight X)) in Mean.
  unfold square in Mean. rewrite value_sub, value_scale, value_pair in Mean.
  rewrite (form_same p V _ _ w_atom (move_of p) (unit 7) (unit 8)) in Mean.
  2: easy.
  2: { rewrite moves, eval_unit. symmetry. now apply mean_constant. }
  assert (D : 0 <= sum m (fun i => weight i * value (client_form p (unit 7) (unit 8) c) (fun _ => 0)
      (deviation_of V m weight X i))).
  { rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le. intros i I. apply Rmult_le_pos; [auto|].
    rewrite (form_same p V _ _ (unit 7) (unit 8) [] []); [now apply nonnegative_sound| |]; rewrite eval_unit;
        unfold deviation_of, mean_of.
    - rewrite (mean_constant V m weight one _ w), common_w by easy. cbn [eval]. vector.
    - rewrite (mean_constant V m weight one _ move), common_move by easy. cbn [eval]. vector. }
  lra.
Qed.
End Decrease.

(** ** What both kinds use *)
Section Facts.
Variables (p : round_problem) (V : space) (m : nat) (weight : nat -> R).
Notation q := (Q2R (q_bound p)).
Hypothesis formed : well_formed p = true.
Hypothesis one : sum m weight = 1.

Lemma parameters : 0 < Q2R (sigma p) /\ 0 <= q /\ 0 <= Q2R (round_ridge p)
  /\ Q2R (low_curvature p) < Q2R (high_curvature p) /\
  match potential_of p with Lagrangian next _ => 0 < Q2R next | Residual _ => True end.
Proof.
  unfold well_formed in formed. apply andb_prop in formed as [H T]. apply andb_prop in H as [H _].
  apply andb_prop in H as [H C]. apply andb_prop in H as [H R]. apply andb_prop in H as [S N].
  apply positive_Q_sound in S, C. apply nonnegative_Q_sound in N, R. rewrite Q2R_minus in C. repeat split; try lra.
  destruct (potential_of p); [now apply positive_Q_sound|easy].
Qed.
Lemma bend_sector (A : V -> V) x : preconditioner q A -> 0 <= ⟨A x, q * x - A x⟩.
Proof.
  intros [Sym Bound]. destruct parameters as [_ [N _]]. assert (E := Preconditioned.sector V A q x Sym Bound N).
  autorewrite with inner. lra.
Qed.
Lemma bend_zero (A : V -> V) x : zero_Q (q_bound p) = true -> preconditioner q A -> A x = 0%V.
Proof.
  intros Z [Sym Bound]. apply zero_Q_sound in Z. apply norm_zero.
  assert (E := Preconditioned.sector V A q x Sym Bound ltac:(lra)). rewrite Z in E. lra.
Qed.
Lemma sum_weighted (f : nat -> R) c : sum m (fun i => weight i * (f i + c)) = sum m (fun i => weight i * f i) + c.
Proof.
  rewrite (sum_ext m _ (fun i => weight i * f i + c * weight i)) by (intros; ring). rewrite sum_add, sum_scale, one.
  ring.
Qed.

(** Interpolation between any two of the points o + place. *)
Lemma interpolation_sound (f : V -> R) (g : V -> V) o l h (y : nat -> R) (x : nat -> V) a b :
  bounds (Q2R l) (Q2R h) f g -> Q2R l < Q2R h ->
  eval (slope a) x = g (o + eval (place a) x)%V -> @eval line (height a) y = f (o + eval (place a) x)%V ->
  eval (slope b) x = g (o + eval (place b) x)%V -> @eval line (height b) y = f (o + eval (place b) x)%V ->
  0 <= value (interpolation a b l h) y x.
Proof.
  intros C LH A1 A2 B1 B2. rewrite interpolation_value, A1, A2, B1, B2.
  assert (E := bounds_interpolation V _ _ f g (o + eval (place a) x)%V (o + eval (place b) x)%V LH C).
  replace (o + eval (place a) x - (o + eval (place b) x))%V with (eval (place a) x - eval (place b) x)%V in E by vector.
  assert (K : Q2R (1 / (2 * (h - l))) = / (2 * (Q2R h - Q2R l))).
  { rewrite Q2R_quotient, Q2R_mult, Q2R_minus, Q2R_one, Q2R_two by (rewrite Q2R_mult, Q2R_minus, Q2R_two;
      lra). field. lra. }
  assert (M : Q2R (-2) = -2) by (unfold Q2R; simpl; lra).
  rewrite !Q2R_mult, K, M. set (fx := f _) in *. set (fy := f (o + eval (place b) x)%V) in *. set (gx := g _) in *.
  set (gy := g (o + eval (place b) x)%V) in *. set (d := (eval (place a) x - eval (place b) x)%V) in *.
  clearbody fx fy gx gy d.
  set (l' := Q2R l) in *. set (h' := Q2R h) in *. assert (D : h' - l' <> 0) by lra. clearbody l' h'.
  match type of E with ?e <= _ => match goal with |- 0 <= ?v => assert (H : v = fx - fy - e) by (expand_goal; field;
      lra); lra end end.
Qed.
End Facts.
