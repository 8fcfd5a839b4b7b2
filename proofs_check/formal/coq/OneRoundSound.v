(** The checker of one-round certificates is sound: what it accepts holds of every round of Algorithm 1. *)

From PISA Require Export Deviations.

Section Cases.
Variables (p : round_problem) (V : space) (m : nat) (weight : nat -> R).
Variables (F : nat -> V -> R) (G : nat -> V -> V) (B B' : nat -> V -> V).
Notation s := (Q2R (sigma p)).
Notation q := (Q2R (q_bound p)).
Notation lambda := (Q2R (round_ridge p)).
Notation low := (Q2R (low_curvature p)).
Notation high := (Q2R (high_curvature p)).
Notation mean := (mean V m weight).
Hypothesis formed : well_formed p = true.
Hypothesis nonneg : forall i, (i < m)%nat -> 0 <= weight i.
Hypothesis one : sum m weight = 1.
Hypothesis curved : forall i, (i < m)%nat -> bounds low high (F i) (G i).
Hypothesis bend : forall i, (i < m)%nat -> preconditioner q (B i) /\ preconditioner q (B' i).
Variables (w w' : V) (local local' dual dual' : nat -> V).

Section LagrangianCase.
Variables (next : Q) (after : bool).
Hypothesis kind : potential_of p = Lagrangian next after.
Notation t := (Q2R next).
Notation c := (client_penalty p).
Hypothesis balance : forall i, (i < m)%nat -> dual i = (- (G i w + B i (local i - w)))%V.
Hypothesis serve : server_step p V m weight s local dual w'.
Hypothesis solve : client_step V m G (Q2R c) B' w' dual local' dual'.

Definition vectors_l i n : V :=
  (match n with
  | 0%nat => G i w | 1%nat => G i (local i) | 2%nat => G i w' | 3%nat => G i (local' i) | 4%nat => local i - w
  | 5%nat => B i (local i - w) | 6%nat => local' i - w' | 7%nat => w | 8%nat => w' - w | _ => 0
  end)%V.
Definition numbers_l i n : R :=
  match n with 0%nat => F i w | 1%nat => F i (local i) | 2%nat => F i w' | 3%nat => F i (local' i) | _ => 0 end.

Lemma penalty_positive : 0 < Q2R c.
Proof. assert (P := parameters p formed). unfold client_penalty. rewrite kind in *. destruct after; apply P. Qed.
Lemma eval_bend i : (i < m)%nat -> eval (bend_of p) (vectors_l i) = B i (local i - w)%V.
Proof.
  intros I. unfold bend_of. destruct (zero_Q (q_bound p)) eqn:Z; [|now rewrite eval_unit].
  cbn [eval]. symmetry. apply (bend_zero p V); [easy|]. now apply bend.
Qed.
Lemma eval_dual i : (i < m)%nat -> eval (dual_of p) (vectors_l i) = dual i.
Proof.
  intros I. unfold dual_of, gw. rewrite eval_scale, eval_add, eval_bend, eval_unit, Q2R_minus_one, balance by easy.
  reflexivity.
Qed.
Lemma eval_solved i : (i < m)%nat -> eval (solved_of p c) (vectors_l i) = (local' i - w')%V.
Proof.
  intros I. unfold solved_of. destruct (zero_Q (q_bound p)) eqn:Z; [|now rewrite eval_unit].
  destruct (solve i I) as [E _]. destruct (bend i I) as [P1 P2].
  rewrite (bend_zero p V (B' i) _ Z P2), balance, (bend_zero p V (B i) _ Z P1) in E by easy.
  assert (P := penalty_positive). unfold gw, gw'.
  rewrite eval_scale, eval_sub, !eval_unit, Q2R_quotient, Q2R_one by lra.
  assert (E' : (Q2R c * ((local' i - w') - 0) = G i w - G i w')%V) by (apply separated; intros z; apply (f_equal
      (fun u => ⟨u, z⟩)) in E; autorewrite with inner in *; lra).
  apply solve_for in E'; [|exact P]. rewrite E'. cbn [vectors_l]. vector.
Qed.
Lemma eval_next_dual i : (i < m)%nat -> eval (next_dual_of p c) (vectors_l i) = dual' i.
Proof.
  intros I. unfold next_dual_of. rewrite eval_add, eval_scale, eval_dual, eval_solved by easy. symmetry.
  now apply solve.
Qed.

Lemma rows_l i r : (i < m)%nat -> valid p (unit 8) r = true ->
  0 <= value (row_form p (unit 8) r) (numbers_l i) (vectors_l i).
Proof.
  intros I Ok. destruct r as [j k|j]; cbn [row_form valid] in *; unfold points, sectors, shift in *; rewrite kind in *.
  - apply andb_prop in Ok as [J K]. apply Nat.ltb_lt in J, K. cbn [length lagrangian_points] in J, K.
    destruct (parameters p formed) as [_ [_ [_ [LH _]]]].
    assert (Z : forall a, Q2R (a + 0) = Q2R a) by (intros; rewrite Q2R_plus, Q2R_zero; ring).
    assert (P : forall j, (j < 4)%nat -> let a := nth j (lagrangian_points p (unit 8) c) (Spot [] [] []) in
      eval (slope a) (vectors_l i) = G i (w + eval (place a) (vectors_l i))%V
      /\ @eval line (height a) (numbers_l i) = F i (w + eval (place a) (vectors_l i))%V).
    { intros l L. destruct l as [|[|[|[|l]]]]; [..|lia]; cbn [nth lagrangian_points place slope height];
        unfold gw, gl, gw', gl', dl;
        rewrite ?eval_add, ?eval_solved, !eval_unit by easy; cbn [eval vectors_l numbers_l];
        [replace (w + 0)%V with w by vector|replace (w + (local i - w))%V with (local i) by vector
        |replace (w + (w' - w))%V with w' by vector|replace (w + (w' - w + (local' i - w')))%V with (local' i) by vector]; easy.
        }
    destruct (P j J) as [A1 A2]. destruct (P k K) as [B1 B2].
    eapply (interpolation_sound V (F i) (G i) w); rewrite ?Z; eauto.
  - apply Nat.ltb_lt in Ok. cbn [length lagrangian_sectors] in Ok.
    destruct j as [|[|j]]; [..|lia]; cbn [nth lagrangian_sectors].
    + rewrite value_pair, eval_sub, eval_scale, eval_bend by easy. unfold dl. rewrite eval_unit.
      now apply (bend_sector p V formed), bend.
    + rewrite value_scale, value_pair, !eval_add, eval_scale, eval_solved, eval_next_dual, Q2R_minus_one by easy.
      unfold gw'. rewrite eval_unit. cbn [vectors_l]. destruct (solve i I) as [E D].
      replace (G i w' + dual' i)%V with (- B' i (local' i - w'))%V.
      * assert (S := bend_sector p V formed (B' i) (local' i - w')%V (proj2 (bend i I))). autorewrite with inner in *. lra.
      * rewrite D. apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

Lemma left_l i : (i < m)%nat -> value (left_side p (unit 7) (unit 8)) (numbers_l i) (vectors_l i)
  = F i (local i) + ⟨dual i, local i - w⟩ + s / 2 * ‖local i - w‖²
    - (F i (local' i) + ⟨dual' i, local' i - w'⟩ + t / 2 * ‖local' i - w'‖²) + (lambda / 2 * ‖w‖² - lambda / 2 * ‖w'‖²).
Proof.
  intros I. unfold left_side. rewrite kind. unfold lagrangian_left, square, dl.
  rewrite !value_sub, !value_add, !value_real, !value_scale, !value_pair, !line_unit, !eval_add, !eval_unit, eval_dual,
      eval_next_dual, eval_solved by easy.
  cbn [vectors_l numbers_l]. replace (w + (w' - w))%V with w' by vector.
  rewrite !Q2R_quotient, !Q2R_two by (rewrite Q2R_two; lra). lra.
Qed.

Lemma moves_l : eval (move_of p) (mean_of V m weight vectors_l) = (w' - w)%V.
Proof.
  destruct (parameters p formed) as [S [_ [R _]]]. unfold move_of. rewrite kind. unfold w_atom, dl.
  rewrite eval_scale, eval_sub, eval_add, !eval_scale, !eval_unit, eval_mean.
  rewrite (mean_ext V m weight (fun i => eval _ (vectors_l i)) dual) by (intros; now apply eval_dual).
  unfold mean_of. cbn [vectors_l]. rewrite (mean_constant V m weight one (fun _ => w) w) by easy.
  rewrite Q2R_quotient, Q2R_plus, Q2R_one by (rewrite Q2R_plus; lra). unfold server_step in serve.
  rewrite (mean_ext V m weight (fun i => s * local i + dual i)%V (fun i => s * (local i - w) + (dual i + s * w))%V)
      in serve by (intros; vector).
  rewrite !mean_add, mean_scale, (mean_constant V m weight one (fun _ => s * w)%V (s * w)%V) in serve by easy.
  set (d := mean (fun i => local i - w)%V) in *. set (g := mean dual) in *.
  assert (E : ((s + lambda) * (w' - w) = s * d + g - lambda * w)%V) by (apply separated; intros z; apply (f_equal
      (fun u => ⟨u, z⟩)) in serve; autorewrite with inner in *; lra).
  rewrite <- E. vector.
Qed.

Lemma lagrangian_lowers bound rows : check p bound rows = true ->
  lagrangian p V m weight F t w' local' dual' <= lagrangian p V m weight F s w local dual
    - Q2R bound * ‖gradient_of p V m weight G w'‖².
Proof.
  intros Ok.
  assert (E := decrease p bound rows Ok V m weight numbers_l vectors_l w (w' - w)%V nonneg one (fun _ => eq_refl)
      (fun _ => eq_refl) moves_l rows_l).
  rewrite (sum_ext m _ _ (fun i I => f_equal (fun z => weight i * z) (left_l i I))) in E. rewrite (sum_weighted m weight one) in E.
  rewrite (sum_ext m _ (fun i => weight i * (F i (local i) + ⟨dual i, local i - w⟩ + s / 2 * ‖local i - w‖²)
    + -1 * (weight i * (F i (local' i) + ⟨dual' i, local' i - w'⟩ + t / 2 * ‖local' i - w'‖²)))) in E by (intros; ring).
  rewrite sum_add, sum_scale in E. unfold lagrangian.
  replace (gradient_of p V m weight G w') with (eval (goal_of p) (mean_of V m weight vectors_l)); [lra|].
  unfold goal_of. rewrite kind. unfold gw', w_atom. rewrite eval_add, eval_scale, eval_add, moves_l, !eval_unit.
  unfold mean_of, gradient_of. cbn [vectors_l]. rewrite (mean_constant V m weight one (fun _ => w) w) by easy. vector.
Qed.
End LagrangianCase.

Section ResidualCase.
Variable factor : Q.
Hypothesis kind : potential_of p = Residual factor.
Hypothesis solve : client_step V m G s B w dual local' dual'.
Hypothesis serve : server_step p V m weight s local' dual' w'.
(** f_i = F_i + lambda |.|^2 / 2 and its gradient *)
Definition f i z := F i z + lambda / 2 * ‖z‖².
Definition g i z : V := (G i z + lambda * z)%V.

Definition vectors_r i n : V :=
  (match n with
  | 0%nat => g i w | 1%nat => g i w' | 2%nat => G i w + dual i | 3%nat => - s * (local' i - w)
  | 7%nat => w | 8%nat => w' - w | _ => 0
  end)%V.
Definition numbers_r i n : R := match n with 0%nat => f i w | 1%nat => f i w' | _ => 0 end.

(** d = -(sigma + B)(w_i' - w), so that d - u = -B (w_i' - w) *)
Lemma residual_parts i : (i < m)%nat -> (G i w + dual i = - s * (local' i - w) - B i (local' i - w))%V.
Proof.
  intros I. destruct (solve i I) as [E _]. apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E.
  autorewrite with inner in *. lra.
Qed.
Lemma eval_ru i : (i < m)%nat -> eval (ru p) (vectors_r i) = (- s * (local' i - w))%V.
Proof.
  intros I. unfold ru, rd. destruct (zero_Q (q_bound p)) eqn:Z; rewrite eval_unit; [|easy]. cbn [vectors_r].
  destruct (bend i I) as [P _]. rewrite residual_parts, (bend_zero p V (B i) _ Z P) by easy. vector.
Qed.
Lemma eval_next_residual i : (i < m)%nat -> eval (next_residual p (unit 8)) (vectors_r i) = (G i w' + dual' i)%V.
Proof.
  intros I. unfold next_residual, rd, rh, rg.
  rewrite !eval_sub, eval_add, !eval_sub, eval_scale, eval_ru, !eval_unit by easy.
  cbn [vectors_r]. destruct (solve i I) as [_ ->]. unfold g. vector.
Qed.

Lemma rows_r i r : (i < m)%nat -> valid p (unit 8) r = true ->
  0 <= value (row_form p (unit 8) r) (numbers_r i) (vectors_r i).
Proof.
  intros I Ok. destruct (parameters p formed) as [S [_ [_ [LH _]]]].
  destruct r as [j k|j]; cbn [row_form valid] in *; unfold points, sectors, shift in *; rewrite kind in *.
  - apply andb_prop in Ok as [J K]. apply Nat.ltb_lt in J, K. cbn [length residual_points] in J, K.
    assert (P : forall j, (j < 2)%nat -> let a := nth j (residual_points (unit 8)) (Spot [] [] []) in
      eval (slope a) (vectors_r i) = g i (w + eval (place a) (vectors_r i))%V
      /\ @eval line (height a) (numbers_r i) = f i (w + eval (place a) (vectors_r i))%V).
    { intros l L. destruct l as [|[|l]]; [..|lia]; cbn [nth residual_points place slope height]; unfold rg, rh;
        rewrite !eval_unit;
        cbn [eval vectors_r numbers_r]; [replace (w + 0)%V with w by vector|
            replace (w + (w' - w))%V with w' by vector]; easy.
        }
    destruct (P j J) as [A1 A2]. destruct (P k K) as [B1 B2].
    eapply (interpolation_sound V (f i) (g i) w); rewrite ?Q2R_plus; eauto; [|lra].
    exact (bounds_ridge V _ _ lambda _ _ (curved i I)).
  - apply Nat.ltb_lt in Ok. cbn [length residual_sectors] in Ok. destruct j as [|j]; [|lia]; cbn [nth residual_sectors].
    rewrite value_pair, !eval_sub, !eval_scale, eval_ru by easy. unfold rd. rewrite eval_unit. cbn [vectors_r].
    rewrite residual_parts, Q2R_plus by easy. set (d := (local' i - w)%V).
    assert (E := bend_sector p V formed (B i) d (proj1 (bend i I))). assert (E' := Rmult_le_pos _ _ (Rlt_le _ _ S) E).
    match goal with |- 0 <= ?v => replace v with (s * ⟨B i d, q * d - B i d⟩) by (expand_goal; ring) end. exact E'.
Qed.

Lemma left_r i : (i < m)%nat -> value (left_side p (unit 7) (unit 8)) (numbers_r i) (vectors_r i)
  = f i w - f i w' + Q2R factor / s * (‖G i w + dual i‖² - ‖G i w' + dual' i‖²).
Proof.
  intros I. destruct (parameters p formed) as [S _]. unfold left_side. rewrite kind. unfold residual_left, square.
  rewrite value_add, value_scale, value_sub, value_real, !value_pair, line_sub, !line_unit, eval_next_residual by easy.
  unfold rd. rewrite eval_unit, Q2R_quotient by lra. reflexivity.
Qed.

Lemma mean_g z : mean (fun i => g i z) = gradient_of p V m weight G z.
Proof. unfold g, gradient_of. rewrite mean_add.
  now rewrite (mean_constant V m weight one (fun _ => lambda * z)%V (lambda * z)%V). Qed.
Lemma mean_f z : sum m (fun i => weight i * f i z) = objective p V m weight F z.
Proof. unfold f. apply (sum_weighted m weight one). Qed.

Lemma moves_r : eval (move_of p) (mean_of V m weight vectors_r) = (w' - w)%V.
Proof.
  destruct (parameters p formed) as [S [_ [R _]]]. unfold move_of. rewrite kind. unfold rd, rg.
  rewrite eval_scale, !eval_sub, !eval_scale, !eval_unit, eval_mean.
  rewrite (mean_ext V m weight (fun i => eval _ (vectors_r i)) (fun i => - s * (local' i - w))%V) by (intros;
      now apply eval_ru).
  unfold mean_of. cbn [vectors_r]. rewrite mean_g, mean_add, mean_scale, Q2R_two.
  rewrite Q2R_quotient, Q2R_plus, Q2R_one by (rewrite Q2R_plus; lra). unfold server_step in serve. unfold gradient_of.
  rewrite (mean_ext V m weight (fun i => s * local' i + dual' i)%V
      (fun i => 2 * s * (local' i - w) + (dual i + s * w))%V) in serve.
  2: { intros i I. destruct (solve i I) as [_ ->]. vector. }
  rewrite !mean_add, mean_scale, (mean_constant V m weight one (fun _ => s * w)%V (s * w)%V) in serve by easy.
  set (d := mean (fun i => local' i - w)%V) in *. set (pi := mean dual) in *.
  assert (E : ((s + lambda) * (w' - w) = 2 * s * d + pi - lambda * w)%V) by (apply separated; intros z; apply (f_equal
      (fun u => ⟨u, z⟩)) in serve; autorewrite with inner in *; lra).
  transitivity (1 / (s + lambda) * (2 * s * d + pi - lambda * w))%V; [vector|rewrite <- E; vector].
Qed.

Lemma residual_lowers bound rows : check p bound rows = true ->
  residual_potential p V m weight F G (Q2R factor / s) w' dual'
  <= residual_potential p V m weight F G (Q2R factor / s) w dual - Q2R bound * ‖gradient_of p V m weight G w‖².
Proof.
  intros Ok.
  assert (E := decrease p bound rows Ok V m weight numbers_r vectors_r w (w' - w)%V nonneg one (fun _ => eq_refl)
      (fun _ => eq_refl) moves_r rows_r).
  rewrite (sum_ext m _ _ (fun i I => f_equal (fun z => weight i * z) (left_r i I))) in E.
  rewrite (sum_ext m _ (fun i => weight i * f i w + (-1 * (weight i * f i w')
    + Q2R factor / s * (weight i * ‖G i w + dual i‖² + -1 * (weight i * ‖G i w' + dual' i‖²))))) in E by (intros; ring).
  rewrite !sum_add, !sum_scale, sum_add, !sum_scale, !mean_f in E. unfold residual_potential.
  replace (gradient_of p V m weight G w) with (eval (goal_of p) (mean_of V m weight vectors_r)); [lra|].
  unfold goal_of. rewrite kind. unfold rg. rewrite eval_unit. apply mean_g.
Qed.
End ResidualCase.
End Cases.

Theorem sound p bound rows : check p bound rows = true -> theorem p bound.
Proof.
  intros Ok V m weight F G B B' nonneg one curved bend w w' local local' dual dual'.
  assert (Formed : well_formed p = true) by (apply andb_prop in Ok as [Ok _]; apply andb_prop in Ok as [Ok _];
      now apply andb_prop in Ok as [Ok _]).
  destruct (potential_of p) as [next after|factor] eqn:Kind.
  - intros balance serve solve.
    apply (lagrangian_lowers p V m weight F G B B' Formed nonneg one curved bend w w' local local' dual dual' next after Kind) with rows; try easy.
    unfold client_penalty. now rewrite Kind; destruct after.
  - intros solve serve.
    now apply (residual_lowers p V m weight F G B B' Formed nonneg one curved bend w w' local' dual dual' factor Kind) with rows.
Qed.
Print Assumptions sound.

(** The statement of a certificate's theorem in full, with the parameters in their places. *)
Ltac spell t :=
  let u := eval cbv beta iota zeta delta [theorem potential_of low_curvature high_curvature round_ridge sigma q_bound
    objective gradient_of lagrangian residual_potential server_step client_step preconditioner] in t in exact u.
