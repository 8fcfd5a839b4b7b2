(** W-merging-lemma: with equal sigma_i and equal operators a bound holds for every split over m clients if and only
  if it
    holds for one client, so that the two worst cases are the same. A bound is any property of the objective, its
      gradient
    and the server's sequence. *)

From Coq Require Import FunctionalExtensionality.
From PISA Require Export Partition Curvature.

(** The class of L-smooth functions is that of curvatures in [-L, L]. *)
Lemma smooth_is_bounds (V : space) L (F : V -> R) G : 0 < L -> smooth L F G <-> bounds (- L) L F G.
Proof.
  intros P. split.
  - intros S x v. split; [assert (A := ascent_lemma V L F G x v P S); lra|now apply descent_lemma].
  - intros C. split.
    + apply (gradient_of_remainder V (L / 2)); [lra|]. intros x v. destruct (C x v). apply Rabs_le. lra.
    + assert (I : forall x y, / 2 * ⟨G x + G y, x - y⟩ + / (4 * L) * ‖G x - G y‖² - L / 4 * ‖x - y‖² <= F x - F y).
      { intros x y. assert (U := proj2 (C x (/ 2 * (y - x) + / (2 * L) * (G y - G x))%V)).
        assert (D := proj1 (C y (/ 2 * (x - y) + / (2 * L) * (G y - G x))%V)).
        replace (y + (/ 2 * (x - y) + / (2 * L) * (G y - G x)))%V
          with (x + (/ 2 * (y - x) + / (2 * L) * (G y - G x)))%V in D by vector.
        set (f := F (_ + _)%V) in *; clearbody f. certify (plus (row 1 _ _ U _) (row 1 _ _ D _)). }
      intros x y. assert (A := I x y). assert (B := I y x).
      certify (plus (row (2 * L) _ _ A _) (row (2 * L) _ _ B _)).
Qed.

(** The part of F that client i carries. *)
Definition portion {V : space} mu c (F : V -> R) x := mu / 2 * ‖x‖² + c * (F x - mu / 2 * ‖x‖²).
Definition portion_slope {V : space} mu c (G : V -> V) x : V := (mu * x + c * (G x - mu * x))%V.
Lemma portion_bounds (V : space) mu c low high (F : V -> R) G : 0 <= c -> bounds low high F G ->
  bounds (mu + c * (low - mu)) (mu + c * (high - mu)) (portion mu c F) (portion_slope mu c G).
Proof.
  intros P C x v. destruct (C x v) as [A B]. unfold portion, portion_slope. set (f := F (x + v)%V) in *. set (g := F
    x) in *.
  clearbody f g. apply (Rmult_le_compat_l c) in A, B; [|easy|easy]. expand. split; lra.
Qed.

(** An average of numbers above d is above d. *)
Lemma average_above n a f d : (forall i, (i < n)%nat -> 0 <= a i) -> (forall i, (i < n)%nat -> d < f i) -> 0 < sum n a
  ->
  d * sum n a < sum n (fun i => a i * f i).
Proof.
  induction n as [|n IH]; intros A F P; [simpl in P; lra|]. simpl in *.
  assert (An := A n ltac:(lia)). assert (Fn := F n ltac:(lia)).
  assert (Le : d * sum n a <= sum n (fun i => a i * f i)).
  { rewrite <- sum_scale. apply sum_le. intros i I. assert (Ai := A i ltac:(lia)). assert (Fi := F i ltac:(lia)). nra. }
  destruct (Rle_lt_dec (sum n a) 0) as [Z|Z]; [nra|]. assert (E := IH ltac:(auto) ltac:(auto) Z). nra.
Qed.

Section Merging.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (sigma : nat -> R) (B solve : nat -> V -> V) (low high : nat -> R).
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis sigma_positive : forall l, 0 < sigma l.
(** One operator for all clients at each step, symmetric and nonnegative; sigma + B can be inverted. *)
Hypothesis symmetric : forall l x y, ⟨B l x, y⟩ = ⟨x, B l y⟩.
Hypothesis nonnegative : forall l x, 0 <= ⟨B l x, x⟩.
Hypothesis solves : forall l y, (sigma l * solve l y + B l (solve l y) = y)%V.

Notation average f := (sum m (fun i => weight i * f i)).
Notation mean := (mean V m weight).
Notation Low := (average low).
Notation High := (average high).
(** The same lower curvature bound for all, or the bounds -L_i. *)
Hypothesis class : (exists mu, forall i, (i < m)%nat -> low i = mu /\ mu < high i) \/
  forall i, (i < m)%nat -> low i = - high i /\ 0 < high i.

(** Cold or warm start. *)
Definition starts n (G : nat -> V -> V) (w : nat -> V) (dual : nat -> nat -> V) (warm : bool) :=
  forall i, (i < n)%nat -> dual 0%nat i = if warm then (- G i (w 0%nat))%V else 0%V.

Definition bound_of_one warm (Bound : (V -> R) -> (V -> V) -> (nat -> V) -> Prop) :=
  forall F G w local dual, bounds Low High F G -> starts 1 (fun _ => G) w dual warm ->
  pisa V 1 (fun _ => 1) ridge (fun l _ => sigma l) (fun l _ => B l) (fun l _ => G (w l)) w local dual -> Bound F G w.
Definition bound_of_many warm (Bound : (V -> R) -> (V -> V) -> (nat -> V) -> Prop) :=
  forall F G w local dual, (forall i, (i < m)%nat -> bounds (low i) (high i) (F i) (G i)) -> starts m G w dual warm ->
  pisa V m weight ridge (fun l _ => sigma l) (fun l _ => B l) (fun l i => G i (w l)) w local dual ->
  Bound (fun x => average (fun i => F i x)) (fun x => mean (fun i => G i x)) w.

Lemma class_shares : exists mu c, (forall i, (i < m)%nat -> 0 <= c i /\ low i = mu + c i * (Low - mu) /\
  high i = mu + c i * (High - mu)) /\ average c = 1.
Proof.
  destruct weights as [W One]. assert (Above : forall f d, (forall i, (i < m)%nat -> d < f i) -> d < average f).
  { intros f d H. assert (A := average_above m weight f d W H ltac:(rewrite One; lra)). rewrite One in A. lra. }
  destruct class as [[mu C]|C].
  - assert (L : Low = mu).
    { rewrite (sum_ext m _ (fun i => mu * weight i)), sum_scale, One by (intros i I; rewrite (proj1 (C i I)); ring).
      ring. }
    assert (H : mu < High) by (apply Above; intros; now apply C).
    exists mu, (fun i => (high i - mu) / (High - mu)). split.
    + intros i I. destruct (C i I) as [E F]. rewrite L, E. split; [apply quotient; lra|split; [ring|field; lra]].
    + rewrite (sum_ext m _ (fun i => / (High - mu) * (weight i * high i) + - (mu / (High - mu)) * weight i))
        by (intros; field; lra). rewrite sum_add, !sum_scale, One. field. lra.
  - assert (L : Low = - High).
    { rewrite (sum_ext m _ (fun i => -1 * (weight i * high i))), sum_scale by (intros i I; rewrite (proj1 (C i I));
      ring). ring. }
    assert (H : 0 < High) by (apply Above; intros; now apply C).
    exists 0, (fun i => high i / High). split.
    + intros i I. destruct (C i I) as [E F]. rewrite L, E. split; [apply quotient; lra|split; field; lra].
    + rewrite (sum_ext m _ (fun i => / High * (weight i * high i))) by (intros; field; lra). rewrite sum_scale. field.
      lra.
Qed.

Lemma rate_value n a l : sum n a = 1 -> rate n a ridge (fun l _ => sigma l) l = sigma l + ridge.
Proof. intros One. unfold rate. rewrite (sum_ext n _ (fun i => sigma l * a i)), sum_scale, One by (intros; ring).
  ring. Qed.

Lemma mean_of_one (x : nat -> V) : Algorithm.mean V 1 (fun _ => 1) x = x 0%nat.
Proof. unfold Algorithm.mean. simpl. vector. Qed.

Lemma average_bounds (F : nat -> V -> R) (G : nat -> V -> V) :
  (forall i, (i < m)%nat -> bounds (low i) (high i) (F i) (G i)) ->
  bounds Low High (fun x => average (fun i => F i x)) (fun x => mean (fun i => G i x)).
Proof.
  intros C x v. assert (E : forall c, average (fun i => F i x) + ⟨mean (fun i => G i x), v⟩ + average c / 2 * ‖v‖²
    = average (fun i => F i x + ⟨G i x, v⟩ + c i / 2 * ‖v‖²)).
  { intros c. rewrite (sum_ext m (fun i => weight i * (_ + _ + _)) (fun i => weight i * F i x + (weight i * ⟨G i x, v⟩
      + ‖v‖² / 2 * (weight i * c i)))) by (intros; field). rewrite !sum_add, sum_scale, inner_mean. field. }
  rewrite !E. split; apply sum_le; intros i I; (apply Rmult_le_compat_l; [now apply weights|apply (C i I)]).
Qed.

(** The run of one client that m clients make together. *)
Lemma one_of_many F G w local dual warm :
  (forall i, (i < m)%nat -> bounds (low i) (high i) (F i) (G i)) -> starts m G w dual warm ->
  pisa V m weight ridge (fun l _ => sigma l) (fun l _ => B l) (fun l i => G i (w l)) w local dual ->
  let G' x := mean (fun i => G i x) in let dual' l (_ : nat) := mean (dual l) in
  starts 1 (fun _ => G') w dual' warm /\
  pisa V 1 (fun _ => 1) ridge (fun l _ => sigma l) (fun l _ => B l) (fun l _ => G' (w l)) w
    (fun l _ => w l + mean (deviation V w local l))%V dual'.
Proof.
  intros C Begin Run G' dual'. assert (Zero : mean (deviation V w local 0) = 0%V).
  { apply mean_zero. intros i _. unfold deviation. rewrite (start _ _ _ _ _ _ _ _ _ _ Run). vector. }
  assert (D : forall l i, deviation V w (fun l (_ : nat) => w l + mean (deviation V w local l))%V l i
    = mean (deviation V w local l)) by (intros l i; unfold deviation at 1; vector).
  assert (M := fun l => means V ridge sigma B symmetric m weight _ _ _ _ _ _ l (fun _ _ => conj eq_refl eq_refl) Run).
  split; [|split].
  - intros i _. unfold dual', G'. rewrite (mean_ext V m weight (dual 0%nat)
      (fun i => if warm then (- G i (w 0%nat))%V else 0%V)) by exact Begin.
    destruct warm; [apply mean_scale|now apply mean_zero].
  - intros _. rewrite Zero. vector.
  - intros l. destruct (M l) as [M1 _]. rewrite mean_of_one. rewrite (rate_value m weight) in M1 by apply weights.
    rewrite rate_value by (simpl; ring). apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in M1.
    unfold dual'. autorewrite with inner in *. lra.
  - intros l i _. destruct (M l) as [_ [M2 _]]. rewrite D. unfold dual', G'.
    exact M2.
  - intros l i. destruct (M l) as [_ [_ M3]]. rewrite D. unfold dual'.
    exact M3.
Qed.

Theorem W_merging warm Bound : bound_of_many warm Bound <-> bound_of_one warm Bound.
Proof.
  split.
  - intros Many F G w local dual C Begin Run. destruct class_shares as [mu [c [Shares One]]].
    set (Fs i := portion mu (c i) F). set (Gs i := portion_slope mu (c i) G).
    assert (EF : (fun x => average (fun i => Fs i x)) = F).
    { apply functional_extensionality; intros x. unfold Fs, portion.
      rewrite (sum_ext m _ (fun i => mu / 2 * ‖x‖² * weight i + (F x - mu / 2 * ‖x‖²) * (weight i * c i)))
        by (intros; ring). rewrite sum_add, !sum_scale, One, (proj2 weights). ring. }
    assert (EG : forall x, mean (fun i => Gs i x) = G x).
    { intros x. apply separated; intros z. rewrite inner_mean. unfold Gs, portion_slope.
      rewrite (sum_ext m _ (fun i => mu * ⟨x, z⟩ * weight i + (⟨G x, z⟩ - mu * ⟨x, z⟩) * (weight i * c i)))
        by (intros; autorewrite with inner; ring). rewrite sum_add, !sum_scale, One, (proj2 weights). ring. }
    assert (Rp : forall l, 0 < sigma l + ridge) by (intros l; assert (P := sigma_positive l); lra).
    set (dual0 i := if warm then (- Gs i (w 0%nat))%V else 0%V).
    assert (Run' := run_exists V m weight ridge (fun l _ => sigma l) (fun l _ => B l) (fun l _ => solve l) Gs (w
      0%nat) dual0
      (fun l => ltac:(rewrite rate_value by apply weights; specialize (Rp l); lra)) (fun l _ => solves l)).
    match type of Run' with pisa _ _ _ _ _ _ _ ?w _ ?d => set (w' := w) in *; set (d' := d) in * end.
    assert (Same : forall l, w' l = w l).
    { apply (I5_common V ridge m 1 weight (fun _ => 1) _ _ _ _ Gs (fun _ => G) w' w _ _ d' dual Run' Run) with sigma
      B; auto.
      - intros x. rewrite mean_of_one. apply EG.
      - intros l. rewrite (sum_ext m _ (fun i => sigma l * weight i)), sum_scale, (proj2 weights) by (intros; ring).
        simpl. ring.
      - intros l. rewrite rate_value by apply weights. apply Rp.
      - rewrite mean_of_one, (Begin 0%nat) by lia. change (d' 0%nat) with dual0. unfold dual0. destruct warm.
        + rewrite mean_scale, EG. reflexivity.
        + now apply mean_zero. }
    assert (E : Bound (fun x => average (fun i => Fs i x)) (fun x => mean (fun i => Gs i x)) w').
    { refine (Many Fs Gs w' _ d' (fun i I => ltac:(destruct (Shares i I) as [P [-> ->]]; now apply portion_bounds))
      (fun i _ => eq_refl) Run'). }
    apply functional_extensionality in Same. apply functional_extensionality in EG.
    apply (eq_ind _ (fun f => Bound f G w)) with (2 := EF). apply (eq_ind _ (fun g => Bound _ g w)) with (2 := EG).
    exact (eq_ind _ (fun v => Bound _ _ v) E _ Same).
  - intros One F G w local dual C Begin Run. destruct (one_of_many F G w local dual warm C Begin Run) as [Begin' Run'].
    exact (One _ _ w _ _ (average_bounds F G C) Begin' Run').
Qed.
End Merging.

(** The claim: Q_i = I with one rho, any schedule of sigma and rho. *)
Theorem W_merging_lemma (V : space) m weight ridge sigma rho low high warm Bound :
  (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1 -> 0 <= ridge -> (forall l, 0 < sigma l) ->
  (forall l, 0 <= rho l) ->
  (exists mu, forall i, (i < m)%nat -> low i = mu /\ mu < high i) \/
    (forall i, (i < m)%nat -> low i = - high i /\ 0 < high i) ->
  bound_of_many V m weight ridge sigma (fun l x => rho l * x)%V low high warm Bound <->
  bound_of_one V m weight ridge sigma (fun l x => rho l * x)%V low high warm Bound.
Proof.
  intros W T P Q C. apply W_merging with (solve := fun l y => (/ (sigma l + rho l) * y)%V); auto.
  - intros l x y. expand_goal. ring.
  - intros l x. expand_goal. apply Rmult_le_pos; [auto|apply inner_nonneg].
  - intros l y. assert (A := P l). assert (A' := Q l). vector.
Qed.
Print Assumptions W_merging_lemma.
