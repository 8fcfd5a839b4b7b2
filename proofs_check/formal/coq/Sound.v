(** The checker of worst-case certificates is sound: what it accepts is a theorem. *)

From PISA Require Export Recount.

Lemma value_fmean (V : space) p n f y (x : nat -> V) (h : nat -> R) :
  (forall i, (i < n)%nat -> value (f i) y x = h i) ->
  value (fmean p n f) y x = sum n (fun i => Q2R (at_ (alpha p) i) * h i).
Proof.
  induction n; intros E; cbn [fmean sum]; [unfold value; simpl; lra|]. rewrite value_add, value_scale, IHn, E by auto.
  reflexivity.
Qed.

Section Sound.
Variables (p : problem) (V : space) (F : nat -> V -> R) (G : nat -> V -> V) (inf : R) (star : V) (W : nat -> V).
Variables (at_look : nat -> nat -> V) (mu : R).
Notation m := (clients p).
Notation weight := (fun i => Q2R (at_ (alpha p) i)).
Notation lambda := (Q2R (ridge p)).
(** f_i = F_i + lambda |.|^2 / 2 and its gradient *)
Definition f i z := F i z + lambda / 2 * ‖z‖².
Definition g i z : V := (G i z + lambda * z)%V.
Notation x := (vectors p V G star W at_look).
Notation lo i := (Q2R (at_ (low p) i) + lambda).
Notation hi i := (Q2R (at_ (high p) i) + lambda).

Hypothesis formed : well_formed p = true.
Hypothesis curved : forall i, (i < m)%nat -> bounds (Q2R (at_ (low p) i)) (Q2R (at_ (high p) i)) (F i) (G i).
Hypothesis bottom : if starred p then (forall z, objective p V F star <= objective p V F z) /\ inf = objective p V F star
  else forall z, inf <= objective p V F z.
Hypothesis table : forall n i, (n <= last p)%nat -> (i < m)%nat ->
  eval (pick (nth (n mod looks p) (nth (n / looks p) (unroll p (rounds p) 0 (unit 0) (first_duals p)) []) []) i) x
  = at_look n i.
Hypothesis marks : forall k i, at_look (mark p k) i = W k.
Hypothesis gap : match initial_of p with Value => objective p V F (W 0%nat) - inf <= 1 | Distance => ‖W 0%nat - star‖² <= 1 end.
Hypothesis similar : match heterogeneity p with
  | None => True
  | Some zeta => forall k, (k <= rounds p)%nat ->
      sum m (fun i => weight i * ‖G i (W k) - mean V m weight (fun i => G i (W k))‖²) <= Q2R zeta
  end.
Hypothesis measured : match metric_of p with
  | MinGradient => forall k, (k <= rounds p)%nat -> mu <= ‖gradient_of p V G (W k)‖²
  | LastGradient => mu <= ‖gradient_of p V G (W (rounds p))‖²
  | LastValue => mu <= objective p V F (W (rounds p)) - inf
  end.

Lemma parameters : sum m weight = 1 /\ 0 <= lambda /\ (1 <= rounds p)%nat /\ (1 <= looks p)%nat /\
  (forall i, (i < m)%nat -> 0 < weight i /\ Q2R (at_ (low p) i) < Q2R (at_ (high p) i) /\ 0 < hi i).
Proof.
  unfold well_formed, all in formed. apply andb_prop in formed as [H Method]. apply andb_prop in H as [H A].
  apply andb_prop in H as [H N]. apply andb_prop in H as [O R]. repeat split.
  - apply zero_Q_sound in O. rewrite Q2R_add, Q2R_qsum, Q2R_minus_one in O. lra.
  - now apply nonnegative_Q_sound.
  - now apply Nat.leb_le.
  - unfold looks. destruct (method_of p) as [[] ? ? ? ?|? n]; [lia..|]. apply andb_prop in Method as [_ N'].
    now apply Nat.leb_le.
  - rewrite forallb_forall in A. specialize (A i ltac:(apply in_seq; lia)). apply andb_prop in A as [A _].
    apply andb_prop in A as [A _].
    now apply positive_Q_sound.
  - rewrite forallb_forall in A. specialize (A i ltac:(apply in_seq; lia)). apply andb_prop in A as [A _].
    apply andb_prop in A as [_ A].
    apply positive_Q_sound in A. rewrite Q2R_minus in A. lra.
  - rewrite forallb_forall in A. specialize (A i ltac:(apply in_seq; lia)). apply andb_prop in A as [_ A].
    apply positive_Q_sound in A. rewrite Q2R_plus in A. lra.
Qed.
Lemma One : sum m weight = 1. Proof. apply parameters. Qed.
Lemma client i : (i < m)%nat -> 0 < weight i /\ Q2R (at_ (low p) i) < Q2R (at_ (high p) i) /\ 0 < hi i.
Proof. apply parameters. Qed.

(** ** The mean F_lambda *)
Lemma objective_mean z : sum m (fun i => weight i * f i z) = objective p V F z.
Proof.
  unfold objective, f.
  rewrite (sum_ext m _ (fun i => weight i * F i z + lambda / 2 * ‖z‖² * weight i)) by (intros; ring).
  rewrite sum_add, sum_scale, One. ring.
Qed.
Lemma gradient_mean z : mean V m weight (fun i => g i z) = gradient_of p V G z.
Proof. unfold gradient_of, g. rewrite mean_add. f_equal. now apply mean_const, One. Qed.

Definition top_value := sum m (fun i => weight i * Q2R (at_ (high p) i)) + lambda.
Lemma top_sound : Q2R (top p) = top_value.
Proof. unfold top, top_value. rewrite Q2R_add, Q2R_qsum. f_equal. apply sum_ext; intros. apply Q2R_times. Qed.
Lemma top_positive : 0 < top_value.
Proof.
  unfold top_value. assert (O := One). replace lambda with (lambda * sum m weight) by (rewrite O; ring).
  rewrite <- sum_scale, <- sum_add. destruct m as [|n] eqn:M; [simpl in O; lra|]. cbn [sum].
  assert (C : forall i, (i <= n)%nat -> 0 < weight i * Q2R (at_ (high p) i) + lambda * weight i).
  { intros i I. destruct (client i ltac:(lia)) as [A [_ H]]. assert (0 < weight i * hi i) by (apply Rmult_lt_0_compat;
      lra). lra. }
  assert (0 <= sum n (fun i => weight i * Q2R (at_ (high p) i) + lambda * weight i)).
  { rewrite <- (Rmult_0_r (INR n)), <- sum_const. apply sum_le. intros i I. apply Rlt_le, C. lia. }
  specialize (C n (Nat.le_refl n)). lra.
Qed.
Lemma client_bounds i : (i < m)%nat -> bounds (lo i) (hi i) (f i) (g i).
Proof. intros I. exact (bounds_ridge V _ _ lambda _ _ (curved i I)). Qed.
Lemma mean_bounds : exists bottom_value, bounds bottom_value top_value (objective p V F) (gradient_of p V G).
Proof.
  exists (sum m (fun i => weight i * Q2R (at_ (low p) i)) + lambda). intros z v.
  rewrite <- !objective_mean, <- gradient_mean, inner_mean.
  assert (E : forall c : nat -> Q, (sum m (fun i => weight i * Q2R (c i)) + lambda) / 2 * ‖v‖²
    = sum m (fun i => weight i * ((Q2R (c i) + lambda) / 2 * ‖v‖²))).
  { intros c. rewrite (sum_ext m (fun i => weight i * (_ / 2 * _))
      (fun i => ‖v‖² / 2 * (weight i * Q2R (c i)) + lambda / 2 * ‖v‖² * weight i)) by (intros; field).
    rewrite sum_add, !sum_scale, One. field. }
  unfold top_value. rewrite (E (fun i => at_ (low p) i)), (E (fun i => at_ (high p) i)), <- !sum_add.
  split; apply sum_le; intros i I;
    destruct (client i I) as [A _]; destruct (client_bounds i I z v) as [B C];
    [apply (Rmult_le_compat_l (weight i)) in B|apply (Rmult_le_compat_l (weight i)) in C]; lra.
Qed.
Lemma above z : inf <= objective p V F z.
Proof. destruct (starred p); [destruct bottom as [B ->]; apply B|apply bottom]. Qed.
Lemma star_stationary : starred p = true -> mean V m weight (fun i => g i star) = 0%V.
Proof.
  intros St. rewrite gradient_mean. rewrite St in bottom. destruct bottom as [B _]. destruct mean_bounds as [b C].
  exact (bounds_minimiser V b top_value _ _ star top_positive C B).
Qed.

(** ** Points *)
Definition numbers n : R :=
  match n with
  | O => 1 | 1%nat => mu | 2%nat => inf
  | S (S (S n)) => if (n <? m)%nat then f n star
      else let n := (n - m)%nat in F (n mod m) (at_look (n / m) (n mod m))
  end.
Notation y := numbers.
Definition here n i : V := if (n <=? last p)%nat then at_look n i else star.

Lemma eval_val n i : (i < m)%nat -> @eval line (val p n i) y = F i (at_look n i).
Proof.
  intros I. unfold val. rewrite line_unit. cbn [Nat.add numbers].
  destruct (m + (n * m + i) <? m)%nat eqn:C; [apply Nat.ltb_lt in C; lia|].
  replace (m + (n * m + i) - m)%nat with (n * m + i)%nat by lia. cbv zeta. now destruct (index m n i I) as [-> ->].
Qed.
Lemma eval_star i : (i < m)%nat -> eval (unit (2 + i)) x = g i star.
Proof. intros I. rewrite eval_unit. cbn [Nat.add vectors]. apply Nat.ltb_lt in I. now rewrite I. Qed.
Lemma eval_star_slope i : starred p = true -> (i < m)%nat -> eval (star_slope p i) x = g i star.
Proof.
  intros St I. unfold star_slope. destruct (S i <? m)%nat eqn:C; [now apply eval_star|].
  apply Nat.ltb_ge in C. assert (M : m = S i) by lia. assert (Z := star_stationary St). unfold mean in Z.
  rewrite M in Z. cbn [total] in Z.
  destruct (client i I) as [A _].
  rewrite eval_scale, (eval_vmean V p i _ x (fun i => g i star)) by (intros; apply eval_star; lia).
  unfold mean. rewrite Q2R_quotient, Q2R_minus_one by lra. set (s := total i _) in *.
  replace s with ((s + weight i * g i star) - weight i * g i star)%V by vector. rewrite Z. vector.
Qed.

Lemma get_spots n i : (n <= S (last p))%nat -> (i < m)%nat -> get (spots p) n i
  = spot_at p (unroll p (rounds p) 0 (unit 0) (first_duals p)) n i.
Proof.
  intros N I. unfold get, spots. set (t := unroll _ _ _ _ _). set (d := Spot [] [] (Form [] [])).
  rewrite (nth_indep _ [] (map (spot_at p t 0) (seq 0 m))) by (rewrite map_length, seq_length; lia).
  rewrite (map_nth (fun n => map (spot_at p t n) (seq 0 m))), seq_nth by lia. cbn [Nat.add].
  rewrite (nth_indep _ d (spot_at p t n 0)) by (rewrite map_length, seq_length; lia). now rewrite map_nth, seq_nth.
Qed.
Lemma quadratic_term_value c v : value (quadratic_term c v) y x = Q2R c * ‖eval v x‖².
Proof.
  unfold quadratic_term. destruct (zero_Q c) eqn:Z; [rewrite (zero_Q_sound c Z); unfold value; simpl; lra|].
  now rewrite value_scale, value_pair.
Qed.
Lemma spot_sound n i : spot_valid p n = true -> (i < m)%nat -> let s := get (spots p) n i in
  eval (place s) x = here n i /\ eval (slope s) x = g i (here n i) /\ value (height s) y x = f i (here n i).
Proof.
  intros Ok I. unfold spot_valid in Ok. cbv zeta. unfold here. destruct (n <=? last p)%nat eqn:N.
  - apply Nat.leb_le in N. rewrite get_spots by (easy || lia). unfold spot_at. apply Nat.leb_le in N as N'. rewrite N'.
    cbn [place slope height].
    rewrite eval_add, eval_scale, eval_grad, value_add, value_real, eval_val, quadratic_term_value, table by easy.
    repeat split. rewrite Q2R_quotient, Q2R_two by (rewrite Q2R_two; lra). reflexivity.
  - apply andb_prop in Ok as [St E]. apply Nat.eqb_eq in E as ->. rewrite get_spots by lia. unfold spot_at. rewrite N.
    cbn [place slope height].
    rewrite eval_unit, eval_star_slope, value_real, line_unit by easy. repeat split. cbn [Nat.add numbers].
    apply Nat.ltb_lt in I. now rewrite I.
Qed.

(** ** Every row is nonnegative *)
Notation points := (spots p).

Lemma mark_valid k : (k <= rounds p)%nat -> (mark p k <= last p)%nat.
Proof.
  intros K. destruct parameters as [_ [_ [N [L _]]]]. unfold last.
  destruct k as [|k]; cbn [mark]; [|now apply Nat.mul_le_mono_r].
  assert (offset p <= looks p)%nat by (unfold offset, looks; destruct (method_of p) as [[] [] ? ? ?|]; lia). nia.
Qed.
Lemma mark_sound k i : (k <= rounds p)%nat -> (i < m)%nat -> let s := get points (mark p k) i in
  eval (slope s) x = g i (W k) /\ value (height s) y x = f i (W k).
Proof.
  intros K I. assert (M := mark_valid k K). destruct (spot_sound (mark p k) i) as [_ [A B]]; [|easy|].
  - unfold spot_valid. apply Nat.leb_le in M. now rewrite M.
  - unfold here in A, B. apply Nat.leb_le in M. rewrite M, marks in A, B. now split.
Qed.
Lemma mean_slope_sound k : (k <= rounds p)%nat -> eval (mean_slope p points (mark p k)) x = gradient_of p V G (W k).
Proof.
  intros K. unfold mean_slope. rewrite (eval_vmean V p m _ x (fun i => g i (W k))) by (intros; now apply mark_sound).
  apply gradient_mean.
Qed.
Lemma least_sound : value (least p points) y x = inf.
Proof.
  unfold least. assert (Spot := spot_sound (S (last p))).
  destruct (starred p) eqn:St; [|now rewrite value_real, line_unit].
  rewrite (value_fmean V p m _ y x (fun i => f i star)), objective_mean.
  - symmetry. apply bottom.
  - intros i I. destruct (Spot i) as [_ [_ E]]; [|easy|].
    + unfold spot_valid. rewrite St, Nat.eqb_refl. now destruct (_ <=? _)%nat.
    + rewrite E. unfold here. now destruct (S (last p) <=? last p)%nat eqn:C; [apply Nat.leb_le in C; lia|].
Qed.
Lemma below_sound k : (k <= rounds p)%nat -> value (below p points (mark p k)) y x = objective p V F (W k) - inf.
Proof.
  intros K. unfold below.
  rewrite value_sub, least_sound, (value_fmean V p m _ y x (fun i => f i (W k))), objective_mean; [easy|].
  intros i I. now apply mark_sound.
Qed.

Lemma interpolation_sound i a b (X Y : V) l h : (i < m)%nat -> Q2R l = lo i -> Q2R h = hi i ->
  eval (place a) x = X -> eval (slope a) x = g i X -> value (height a) y x = f i X ->
  eval (place b) x = Y -> eval (slope b) x = g i Y -> value (height b) y x = f i Y ->
  0 <= value (interpolation a b l h) y x.
Proof.
  intros I El Eh A1 A2 A3 B1 B2 B3. destruct (client i I) as [_ [LH _]].
  assert (E := bounds_interpolation V (lo i) (hi i) (f i) (g i) X Y ltac:(lra) (client_bounds i I)).
  unfold interpolation.
  rewrite !value_sub, value_add, !value_pair, !eval_add, !eval_scale, !eval_sub, A1, A2, A3, B1, B2, B3.
  assert (C : Q2R (1 / (2 * (h - l))) = / (2 * (hi i - lo i))).
  { rewrite Q2R_quotient, Q2R_mult, Q2R_minus, Q2R_one, Q2R_two, El, Eh by (rewrite Q2R_mult, Q2R_minus, Q2R_two;
      lra). field. lra. }
  assert (M : Q2R (-2) = -2) by (unfold Q2R; simpl; lra).
  rewrite !Q2R_mult, C, M, El, Eh. set (fx := f i X) in *. set (fy := f i Y) in *. set (gx := g i X) in *.
  set (gy := g i Y) in *.
  clearbody fx fy gx gy. set (l' := lo i) in *. set (h' := hi i) in *.
  assert (D : h' - l' <> 0) by (unfold h', l'; lra). clearbody l' h'.
  match type of E with ?e <= _ => match goal with |- 0 <= ?v => assert (H : v = fx - fy - e) by (expand_goal; field;
      lra); lra end end.
Qed.

Theorem row_sound r : valid p r = true -> 0 <= value (row_form p points r) y x.
Proof.
  destruct parameters as [_ [_ [N [L _]]]]. destruct r as [k| |k|k|i j k]; cbn [valid row_form]; intros Ok.
  - rewrite value_sub, value_real. unfold metric_atom. rewrite line_unit. cbn [numbers].
    assert (Slope := mean_slope_sound). assert (Below := below_sound). destruct (metric_of p).
    + apply Nat.leb_le in Ok. unfold square. rewrite value_pair, Slope by easy. specialize (measured k Ok). lra.
    + unfold square. rewrite value_pair, Slope by easy. lra.
    + rewrite Below by easy. lra.
  - rewrite value_sub, value_real. unfold one. rewrite line_unit. cbn [numbers].
    assert (Below := below_sound 0 (Nat.le_0_l _)).
    destruct (initial_of p).
    + rewrite Below. lra.
    + unfold square. rewrite value_pair, eval_sub, !eval_unit. cbn [vectors]. lra.
  - apply Nat.leb_le in Ok. unfold square.
    rewrite value_sub, value_scale, value_pair, below_sound, mean_slope_sound by easy.
    destruct mean_bounds as [b B]. assert (E := bounds_infimum V b top_value _ _ inf (W k) top_positive B above).
    assert (T := top_positive).
    rewrite Q2R_quotient, Q2R_mult, top_sound, Q2R_one, Q2R_two by (rewrite Q2R_mult, top_sound, Q2R_two; lra).
    replace (1 / (2 * top_value)) with (/ (2 * top_value)) by (field; lra). lra.
  - apply andb_prop in Ok as [K Het]. apply Nat.leb_le in K.
    assert (Slope := mean_slope_sound k K). assert (Mark := mark_sound k).
    destruct (heterogeneity p) as [zeta|]; [|easy].
    rewrite value_sub, value_real, line_scale. unfold one. rewrite line_unit. cbn [numbers].
    rewrite (value_fmean V p m _ y x (fun i => ‖G i (W k) - mean V m weight (fun i => G i (W k))‖²)).
    + specialize (similar k K). lra.
    + intros i I. unfold square. rewrite value_pair, eval_sub, Slope. destruct (Mark i K I) as [E _]. rewrite E.
      replace (g i (W k) - gradient_of p V G (W k))%V with (G i (W k) - mean V m weight (fun i => G i (W k)))%V;
          [easy|].
      unfold g, gradient_of. vector.
  - apply andb_prop in Ok as [Ok K]. apply andb_prop in Ok as [I J]. apply Nat.ltb_lt in I.
    destruct (spot_sound _ i J I) as [A1 [A2 A3]]. destruct (spot_sound _ i K I) as [B1 [B2 B3]].
    eapply (interpolation_sound i); try eassumption; apply Q2R_add.
Qed.

Lemma rows_sound c : forallb (fun ry => valid p (fst ry) && positive_Q (snd ry)) c = true ->
  0 <= value (sum_rows p points c) y x.
Proof.
  induction c as [|[r q] c IH]; cbn [sum_rows fold_right forallb fst snd]; intros E; [unfold value; simpl; lra|].
  apply andb_prop in E as [E Rest]. apply andb_prop in E as [Ok Q]. rewrite value_add, value_scale.
  assert (A := row_sound r Ok). assert (B := IH Rest). assert (C := positive_Q_sound _ Q).
  assert (0 <= Q2R q * value (row_form p points r) y x) by (apply Rmult_le_pos; lra). unfold sum_rows in B. lra.
Qed.

Theorem metric_below bound c : forallb (fun ry => valid p (fst ry) && positive_Q (snd ry)) c = true ->
  nonnegative (left_over p bound c) = true -> mu <= Q2R bound.
Proof.
  intros Rows Rest. assert (A := rows_sound c Rows). apply (nonnegative_sound V _ y x) in Rest.
  unfold left_over in Rest.
  rewrite value_sub, value_real, line_sub, line_scale in Rest. unfold one, metric_atom in Rest.
  rewrite !line_unit in Rest.
  cbn [numbers] in Rest. lra.
Qed.
End Sound.

Theorem sound p bound c : check p bound c = true -> theorem p bound.
Proof.
  intros Ok V F G inf star W curved bottom run gap similar.
  apply andb_prop in Ok as [Ok Rest]. apply andb_prop in Ok as [Formed Rows].
  destruct (runs_trace p V G W Formed run) as [at_look Trace]. destruct (Trace star) as [Table Marks].
  assert (Below := fun mu measured => metric_below p V F G inf star W at_look mu Formed curved bottom Table Marks gap similar measured bound c Rows Rest).
  destruct (metric_of p).
  - destruct (smallest (rounds p) (fun k => ‖gradient_of p V G (W k)‖²)) as [k [K Least]]. exists k. split; [exact K|].
    now apply Below.
  - apply Below. lra.
  - apply Below. lra.
Qed.
Print Assumptions sound.
