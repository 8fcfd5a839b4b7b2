(** Tighter floors of constant penalties at six values of kappa (claim T5-floor-tightened). L = 1.

    Each row has a potential V = a F(w) + b F(y) + a form of p, u, g with E V+ <= V - |g|^2 + level v, found by a
    semidefinite programme and rounded to fractions. Here p is the estimate before, y = w + p/kappa, u = grad F(y),
    g = grad F(w), e the noise. A row is data; [accepted] is computed by the kernel and [sound] says what it proves.
    Probability: [V] is any space of random vectors, as in Stochastic.v. *)

From PISA Require Export Floors Coordinates.

(** ** A row, and its forms in the vectors p, u, g, e, u+, g+ and the numbers F(w), F(y), F(w+), F(y+), v, least *)
Record entry := Entry {
  step : Q;  (* 1/kappa *)
  level : Q;
  pairs : list Q;  (* multipliers of the interpolation inequalities [pair_list] *)
  shape : list Q;  (* entries pp, pu, pg, uu, ug, gg of the symmetric matrix *)
  correlations : list Q  (* multipliers, of either sign, of E<e, p> = E<e, u> = E<e, g> = 0 *)
}.
Definition at_ (l : list Q) n := nth n l 0%Q.

(** points w, y, w+, y+ by number *)
Definition pair_list : list (nat * nat) :=
  [(0, 3); (0, 2); (1, 0); (1, 3); (3, 0); (3, 2); (3, 1); (2, 3); (2, 0); (0, 1)]%nat.
Definition estimate : vec := vadd (unit 2) (unit 3).
Definition slope i : vec := unit match i with 0 => 2 | 1 => 1 | 2 => 5 | _ => 4 end%nat.
(** where the point is, seen from y *)
Definition place t i : vec :=
  match i with 0 => vscale (- step t) (unit 0) | 1 => [] | 2 => vscale (-2 * step t) estimate
  | _ => vscale (- step t) estimate end%nat.

Definition gap t (ij : nat * nat) : form :=
  let (i, j) := ij in let d := vsub (place t i) (place t j) in let turn := vsub (slope i) (slope j) in
  fadd (real (vsub (unit i) (unit j)))
    (fadd (fscale (-1 # 2) (pair (vadd (slope i) (slope j)) d)) (fscale (1 # 4) (fsub (pair d d) (pair turn turn)))).
Definition net t n : Q := fold_right Qplus 0%Q (map (fun mp =>
  if (fst (snd mp) =? n)%nat then fst mp else if (snd (snd mp) =? n)%nat then (- fst mp)%Q else 0%Q)
    (combine (pairs t) pair_list)).
Definition shape_form t (p u g : vec) : form :=
  fadd (fadd (fscale (at_ (shape t) 0) (pair p p)) (fadd (fscale (at_ (shape t) 3) (pair u u))
    (fscale (at_ (shape t) 5) (pair g g))))
    (fscale 2 (fadd (fscale (at_ (shape t) 1) (pair p u))
      (fadd (fscale (at_ (shape t) 2) (pair p g)) (fscale (at_ (shape t) 4) (pair u g))))).
Definition now t : form := fadd (real (vadd (vscale (net t 0) (unit 0)) (vscale (net t 1) (unit 1))))
  (shape_form t (unit 0) (unit 1) (unit 2)).
Definition later t : form := fadd (real (vadd (vscale (net t 0) (unit 2)) (vscale (net t 1) (unit 3))))
  (shape_form t estimate (unit 4) (unit 5)).

(** what is known, times its multiplier *)
Definition sum_forms (l : list (Q * form)) : form := fold_right (fun mf f => fadd (fscale (fst mf) (snd mf)) f)
  (Form [] []) l.
Definition known_pairs t := combine (pairs t) (map (gap t) pair_list).
Definition known t : form := fadd (sum_forms (known_pairs t)) (fadd (fscale (level t) (fsub (real (unit 4))
  (pair (unit 3) (unit 3))))
  (sum_forms (combine (correlations t) (map (fun n => pair (unit 3) (unit n)) [0; 1; 2]%nat)))).
Definition ends t : form := fadd (fscale (net t 0) (fsub (real (vsub (unit 0) (unit 5))) (fscale (1 # 2)
  (pair (unit 2) (unit 2)))))
  (fscale (net t 1) (fsub (real (vsub (unit 1) (unit 5))) (fscale (1 # 2) (pair (unit 1) (unit 1))))).
Definition accepted t : bool :=
  forallb nonnegative_Q (level t :: net t 0 :: net t 1 :: pairs t)
  && nonnegative (fsub (fadd (fsub (now t) (later t)) (fsub (real (vscale (level t) (unit 4))) (pair (unit 2)
    (unit 2)))) (known t))
  && nonnegative (fsub (fsub (now t) (real (vscale (Qplus (net t 0) (net t 1)) (unit 5)))) (ends t)).

(** ** What an accepted row proves *)
Section Sound.
Variable V : space.
Variables (F : V -> R) (G : V -> V) (least v : R).
Hypothesis F_smooth : smooth 1 F G.
Hypothesis bounded : forall x, least <= F x.
Variable t : entry.
Hypothesis good : accepted t = true.
Notation h := (Q2R (step t)).

Section OneStep.
Variables w p e : V.
Hypothesis correlation_p : ⟨p, e⟩ = 0.
Hypothesis correlation_g : ⟨G w, e⟩ = 0.
Hypothesis correlation_u : ⟨G (w + h * p)%V, e⟩ = 0.
Hypothesis variance : ‖e‖² <= v.
Notation next := (w + h * (p - 2 * (G w + e)))%V.
Notation next_y := (next + h * (G w + e))%V.
Definition vectors n : V :=
  match n with 0 => p | 1 => G (w + h * p)%V | 2 => G w | 3 => e | 4 => G next_y | _ => G next end%nat.
Definition numbers n : R :=
  match n with 0 => F w | 1 => F (w + h * p)%V | 2 => F next | 3 => F next_y | 4 => v | _ => least end%nat.
Definition point i : V := match i with 0 => w | 1 => (w + h * p)%V | 2 => next | _ => next_y end%nat.
Notation "« f »" := (value f numbers vectors).

Lemma point_place i : (i < 4)%nat -> point i = (w + h * p + eval (place t i) vectors)%V.
Proof.
  intros I. destruct i as [|[|[|[|]]]]; [..|lia]; unfold place, estimate;
    rewrite ?eval_scale, ?eval_add, ?eval_unit, ?Q2R_opp, ?Q2R_mult; cbn [point vectors eval]; [vector|vector| |].
  - replace (Q2R (-2)) with (-2) by (unfold Q2R; simpl; lra). vector.
  - vector.
Qed.

Lemma gap_nonneg ij : In ij pair_list -> 0 <= «gap t ij».
Proof.
  intros In. destruct ij as [i j]. assert (I : (i < 4)%nat /\ (j < 4)%nat).
  { cbn [pair_list List.In] in In. repeat (destruct In as [In|In]; [injection In; intros; subst;
      lia|]). contradiction. }
  destruct I as [I J]. unfold gap. rewrite !value_add, !value_scale, value_sub, !value_pair, value_real, line_sub,
    !line_unit.
  assert (P := interpolation V 1 F G (point i) (point j) Rlt_0_1 F_smooth).
  assert (D : (point i - point j)%V = eval (vsub (place t i) (place t j)) vectors).
  { rewrite !point_place by easy. rewrite eval_sub. vector. }
  assert (Sl : forall k, (k < 4)%nat -> G (point k) = eval (slope k) vectors)
    by (intros k K; unfold slope; rewrite eval_unit; destruct k as [|[|[|[|]]]]; [easy..|lia]).
  assert (Va : forall k, (k < 4)%nat -> F (point k) = numbers k) by (intros k K; destruct k as [|[|[|[|]]]];
    [easy..|lia]).
  rewrite D, !Sl, !Va in P by easy. rewrite !eval_add, (eval_sub V (slope i) (slope j)).
  replace (Q2R (-1 # 2)) with (- / 2) by (unfold Q2R; simpl; lra). replace (Q2R (1 # 4)) with (/ 4) by (unfold Q2R;
    simpl; lra). lra.
Qed.

Lemma sum_forms_value l : (forall m f, In (m, f) l -> 0 <= Q2R m * «f») -> 0 <= «sum_forms l».
Proof.
  induction l as [|[m f] l IH]; intros N; cbn [sum_forms fold_right].
  - unfold value; simpl. lra.
  - fold (sum_forms l). rewrite value_add, value_scale. cbn [fst snd]. apply Rplus_le_le_0_compat; [apply N; now left|].
    apply IH. intros m' f' I. apply N. now right.
Qed.

Lemma good_parts : (forall m, In m (level t :: net t 0 :: net t 1 :: pairs t) -> 0 <= Q2R m) /\
  nonnegative (fsub (fadd (fsub (now t) (later t)) (fsub (real (vscale (level t) (unit 4))) (pair (unit 2)
    (unit 2)))) (known t)) = true /\
  nonnegative (fsub (fsub (now t) (real (vscale (Qplus (net t 0) (net t 1)) (unit 5)))) (ends t)) = true.
Proof.
  unfold accepted in good. apply andb_prop in good as [A E]. apply andb_prop in A as [P S]. split; [|easy].
  intros m I. apply nonnegative_Q_sound. now apply (proj1 (forallb_forall _ _) P).
Qed.

Lemma known_nonneg : 0 <= «known t».
Proof.
  destruct good_parts as [Pos _]. unfold known. rewrite !value_add, value_scale, value_sub, value_real, value_pair,
    line_unit, eval_unit.
  assert (A : 0 <= «sum_forms (known_pairs t)»).
  { apply sum_forms_value. intros m f I. unfold known_pairs in I. apply Rmult_le_pos.
    - apply Pos. right; right; right. now apply in_combine_l in I.
    - apply in_combine_r, in_map_iff in I as [ij [<- I]]. now apply gap_nonneg. }
  assert (B : 0 <= Q2R (level t) * (numbers 4 - ‖vectors 3‖²)) by (apply Rmult_le_pos; [apply Pos; now left|cbn; lra]).
  assert (C : 0 <= «sum_forms (combine (correlations t) (map (fun n => pair (unit 3) (unit n)) [0; 1; 2]%nat))»).
  { apply sum_forms_value. intros m f I. apply in_combine_r, in_map_iff in I as [n [<- I]].
    rewrite value_pair, !eval_unit, inner_sym. replace ⟨vectors n, vectors 3⟩ with 0; [lra|].
    cbn [List.In] in I. destruct I as [<-|[<-|[<-|[]]]]; cbn [vectors]; easy. }
  lra.
Qed.

Lemma step_value : «later t» <= «now t» - ‖G w‖² + Q2R (level t) * v.
Proof.
  destruct good_parts as [_ [N _]]. apply (nonnegative_sound V _ numbers vectors) in N.
  rewrite value_sub, value_add, !value_sub, value_real, value_pair, line_scale, line_unit, !eval_unit in N.
  assert (K := known_nonneg). cbn [vectors numbers] in N. lra.
Qed.

Lemma now_above : (Q2R (net t 0) + Q2R (net t 1)) * least <= «now t».
Proof.
  destruct good_parts as [Pos [_ N]]. apply (nonnegative_sound V _ numbers vectors) in N.
  unfold ends in N. rewrite !value_sub, value_add, !value_scale, !value_sub, !value_real, !value_scale,
    !value_pair in N.
  rewrite !line_sub, line_scale, !line_unit, !eval_unit, Q2R_plus in N. cbn [vectors numbers] in N.
  replace (Q2R (1 # 2)) with (/ 2) in N by (unfold Q2R; simpl; lra).
  assert (Ew := end_value V 1 F G w least Rlt_0_1 F_smooth bounded).
  assert (Ey := end_value V 1 F G (w + h * p)%V least Rlt_0_1 F_smooth bounded).
  assert (A := row _ _ _ Ew (Pos (net t 0) ltac:(right; now left))).
  assert (B := row _ _ _ Ey (Pos (net t 1) ltac:(right; right; now left))). lra.
Qed.

(** The potential as a function of w and p. *)
Definition shape_value (p' u g : V) : R :=
  Q2R (at_ (shape t) 0) * ‖p'‖² + Q2R (at_ (shape t) 3) * ‖u‖² + Q2R (at_ (shape t) 5) * ‖g‖²
  + 2 * (Q2R (at_ (shape t) 1) * ⟨p', u⟩ + Q2R (at_ (shape t) 2) * ⟨p', g⟩ + Q2R (at_ (shape t) 4) * ⟨u, g⟩).
Definition potential (w' p' : V) : R := Q2R (net t 0) * F w' + Q2R (net t 1) * F (w' + h * p')%V
  + shape_value p' (G (w' + h * p')%V) (G w').

Lemma shape_form_value a b c : «shape_form t a b c» = shape_value (eval a vectors) (eval b vectors) (eval c vectors).
Proof.
  unfold shape_form, shape_value. rewrite !value_add, !value_scale, !value_add, !value_scale, !value_pair, Q2R_two. lra.
Qed.
Lemma now_value : «now t» = potential w p.
Proof.
  unfold now, potential. rewrite value_add, value_real, line_add, !line_scale, !line_unit, shape_form_value,
    !eval_unit. easy.
Qed.
Lemma later_value : «later t» = potential next (G w + e)%V.
Proof.
  unfold later, potential, estimate.
  rewrite value_add, value_real, line_add, !line_scale, !line_unit, shape_form_value, eval_add, !eval_unit. easy.
Qed.
End OneStep.

Theorem sound kappa w before noise : h = / kappa -> constant_run G v kappa w before noise ->
  average_at_most (fun k => ‖G (w k)‖²) (Q2R (level t) * v).
Proof.
  intros K run. replace (Q2R (level t) * v) with (Q2R (level t) * v / 1) by field.
  apply (floor_of (fun k => potential (w k) (before k)) _ ((Q2R (net t 0) + Q2R (net t 1)) * least)); [lra| |].
  - intros k. rewrite (next_place _ _ _ _ _ _ run), (next_before _ _ _ _ _ _ run), <- K, Rmult_1_l.
    rewrite <- (now_value (w k) (before k) (noise k)), <- (later_value (w k) (before k) (noise k)).
    apply step_value.
    + apply (clean_before _ _ _ _ _ _ run).
    + apply (clean_gradient _ _ _ _ _ _ run).
    + rewrite K. apply (clean_average _ _ _ _ _ _ run).
    + apply (small_noise _ _ _ _ _ _ run).
  - intros k. rewrite <- (now_value (w k) (before k) 0%V). apply now_above.
Qed.
End Sound.


(** ** The rows *)
Open Scope Q_scope.
Definition row_8_5 := Entry (5 # 8) (88639 # 10000)
  [4529 # 10000; 76641 # 10000; 21987 # 10000; 9 # 2500; 1 # 10000; 1 # 500; 21983 # 10000; 17461 # 10000; 3 # 10000;
    9 # 5000]
  [1449 # 625; -2929 # 2500; -38 # 625; 3879 # 5000; -1941 # 2500; 7757 # 10000] [30823 # 5000;
    23 # 10000; -78633 # 10000].
Definition row_7_4 := Entry (4 # 7) (6923 # 2000)
  [201 # 250; 3501 # 1000; 24 # 25; 1 # 250; 0; 1 # 500; 959 # 1000; 39 # 250; 0; 1 # 500]
  [929 # 1000; -79 # 200; 77 # 1000; 53 # 250; -213 # 1000; 53 # 250] [2549 # 1000; 1 # 500; -2461 # 1000].
Definition row_3 := Entry (1 # 3) (129 # 250)
  [10889 # 5000; 1597 # 5000; 3131 # 5000; 21107 # 10000; 2091 # 5000; 5667 # 5000; 0; 0; 0; 0]
  [1209 # 10000; 69 # 10000; 69 # 1250; -5077 # 10000; 557 # 10000; 331 # 5000] [3119 # 10000;
    3481 # 5000; -247 # 2500].
Definition row_4 := Entry (1 # 4) (2967 # 10000)
  [3077 # 1250; 0; 1617 # 2500; 34589 # 10000; 173 # 400; 13823 # 10000; 0; 0; 0; 0]
  [81 # 1250; 33 # 10000; 337 # 5000; -2163 # 5000; -307 # 5000; 1667 # 10000] [1509 # 10000; 4223 # 5000; 7 # 1250].
Definition row_8 := Entry (1 # 8) (213 # 2000)
  [13797 # 5000; 0; 1493 # 2000; 9823 # 1250; 179 # 500; 16549 # 10000; 0; 0; 0; 0]
  [17 # 1000; 59 # 2500; 127 # 2500; -4659 # 10000; -567 # 10000; 1851 # 10000] [83 # 2000; 47 # 50; 577 # 5000].
Definition row_16 := Entry (1 # 16) (28 # 625)
  [35253 # 10000; 0; 4727 # 5000; 401 # 25; 4209 # 10000; 2159 # 1000; 0; 0; 0; 0]
  [53 # 10000; 119 # 5000; 347 # 10000; -957 # 2500; -989 # 10000; 279 # 1250] [133 # 10000; 604 # 625; 1219 # 10000].
Open Scope R_scope.
(** All six are accepted; the kernel evaluates this once. *)
Lemma rows_accepted : forallb accepted [row_8_5; row_7_4; row_3; row_4; row_8; row_16] = true.
Proof. vm_cast_no_check (eq_refl true). Qed.

(** ** The claim: runs of Algorithm 1, any clients with sum alpha_i sigma_i = kappa *)
Section Claim.
Variable V : space.
Variables (m : nat) (weight sigma : nat -> R).
Variables (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Variables (F : V -> R) (G : V -> V) (v least : R) (past : nat -> V -> Prop).
Hypothesis F_smooth : smooth 1 F G.
Hypothesis bounded : forall x, least <= F x.
Hypothesis samples : sampled G v past (fun k => w (S k)) (memory m weight dual) (fun k => mean V m weight (grad (S k))).
Hypothesis run : pisa V m weight 0 (fun _ => sigma) (fun _ _ _ => 0%V) grad w local dual.
Notation kappa := (sum m (fun i => weight i * sigma i)).
Notation floor := (average_at_most (fun k => ‖G (w (S k))‖²)).

Lemma accepted_floor t k l : accepted t = true -> kappa = k -> 0 < k -> Q2R (step t) = / k -> Q2R (level t)
  = l -> floor (l * v).
Proof.
  intros A <- P H <-.
  exact (sound V F G least v F_smooth bounded t A _ _ _ _ H
    (is_constant_run V m weight sigma grad w local dual G v past samples run P)).
Qed.

Ltac entry_of := first [assumption | lra | unfold Q2R; simpl; lra].

(** T5-floor-tightened: the limit superior of the averages, six values of kappa. Over any space of random vectors
  with E<X, Y>, finite ones among them. *)
Theorem T5_floor_tightened :
  (kappa = 8 / 5 -> floor (8.8639 * v)) /\ (kappa = 7 / 4 -> floor (3.4615 * v)) /\ (kappa = 3 -> floor (0.516 * v)) /\
  (kappa = 4 -> floor (0.2967 * v)) /\ (kappa = 8 -> floor (0.1065 * v)) /\ (kappa = 16 -> floor (0.0448 * v)).
Proof.
  assert (A := proj1 (forallb_forall _ _) rows_accepted). repeat split; intros K.
  - apply (accepted_floor row_8_5 (8 / 5)); [apply A; simpl; tauto|entry_of..].
  - apply (accepted_floor row_7_4 (7 / 4)); [apply A; simpl; tauto|entry_of..].
  - apply (accepted_floor row_3 3); [apply A; simpl; tauto|entry_of..].
  - apply (accepted_floor row_4 4); [apply A; simpl; tauto|entry_of..].
  - apply (accepted_floor row_8 8); [apply A; simpl; tauto|entry_of..].
  - apply (accepted_floor row_16 16); [apply A; simpl; tauto|entry_of..].
Qed.
End Claim.

(** How far above the lower bound on any floor, (kappa + 3) / ((kappa + 1) (2 kappa - 3)): 0.3, 0.3, 4, 6, 14,
  17 per cent. *)
Theorem T5_tightened_excess : let lower kappa := (kappa + 3) / ((kappa + 1) * (2 * kappa - 3)) in
  lower (8 / 5) <= 8.8639 <= 1.003 * lower (8 / 5) /\ lower (7 / 4) <= 3.4615 <= 1.003 * lower (7 / 4) /\
  lower 3 <= 0.516 <= 1.04 * lower 3 /\ lower 4 <= 0.2967 <= 1.06 * lower 4 /\
  lower 8 <= 0.1065 <= 1.14 * lower 8 /\ lower 16 <= 0.0448 <= 1.17 * lower 16.
Proof. intros lower. unfold lower. lra. Qed.
