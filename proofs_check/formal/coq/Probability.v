(** Finite probability spaces, and that their random vectors are a space as Space.v means it.

    A probability space is given by its outcomes and the expectation of every function of them: linear, monotone,
    and zero only for nonnegative functions that are zero everywhere (no outcome of probability 0). Such spaces are
    built from [certain] by [mixture]: finite trees whose branches have any chances. *)

From PISA Require Export Smooth.
From Coq Require Export FunctionalExtensionality.

Record probability := Probability {
  outcome :> Type;
  expect : (outcome -> R) -> R;
  expect_add : forall f g, expect (fun o => f o + g o) = expect f + expect g;
  expect_scale : forall a f, expect (fun o => a * f o) = a * expect f;
  expect_nonneg : forall f, (forall o, 0 <= f o) -> 0 <= expect f;
  expect_one : expect (fun _ => 1) = 1;
  expect_strict : forall f, (forall o, 0 <= f o) -> expect f = 0 -> forall o, f o = 0
}.
Arguments expect {p}.

Section Laws.
Variable P : probability.
Implicit Types f g : P -> R.

Lemma expect_ext f g : (forall o, f o = g o) -> expect f = expect g.
Proof. intros E. f_equal. now apply functional_extensionality. Qed.

Lemma expect_const a : expect (fun _ : P => a) = a.
Proof. rewrite (expect_ext _ (fun _ => a * 1)), expect_scale, expect_one by (intros; ring). ring. Qed.

Lemma expect_minus f g : expect (fun o => f o - g o) = expect f - expect g.
Proof. rewrite (expect_ext _ (fun o => f o + -1 * g o)), expect_add, expect_scale by (intros; ring). ring. Qed.

Lemma expect_le f g : (forall o, f o <= g o) -> expect f <= expect g.
Proof.
  intros E. assert (N := expect_nonneg P (fun o => g o - f o) (fun o => ltac:(specialize (E o); lra))).
  rewrite expect_minus in N. lra.
Qed.
End Laws.

(** ** Random vectors *)
Section Random.
Variables (P : probability) (V : space).

Definition random : space.
Proof.
  refine (Space (P -> V) (fun _ => 0)%V (fun x y o => x o + y o)%V (fun a x o => a * x o)%V
    (fun x y => expect (fun o => ⟨x o, y o⟩)) _ _ _ _ _ _).
  - intros x y. apply expect_ext; intros o. apply inner_sym.
  - intros z. rewrite (expect_ext _ _ (fun _ => 0)); [apply expect_const|intros; apply inner_zero].
  - intros x y z. rewrite <- expect_add. apply expect_ext; intros. apply inner_add.
  - intros a x z. rewrite <- expect_scale. apply expect_ext; intros. apply inner_scale.
  - intros x. apply expect_nonneg; intros. apply inner_nonneg.
  - intros x y E. apply functional_extensionality; intros o.
    assert (Z : expect (fun o => ‖x o - y o‖²) = 0).
    { rewrite (expect_ext _ _ (fun o => ⟨x o, x o - y o⟩ - ⟨y o, x o - y o⟩)) by (intros; expand; ring).
      rewrite expect_minus, (E (fun o => (x o - y o)%V)). ring. }
    assert (O := expect_strict P _ (fun o => inner_nonneg V (x o - y o)%V) Z o). cbv beta in O.
    apply separated; intros z. assert (N : (x o - y o)%V = 0%V) by (apply norm_zero; lra).
    apply (f_equal (fun u => ⟨u, z⟩)) in N. autorewrite with inner in N. lra.
Defined.

(** The expected value of a smooth function is smooth, with the gradient taken outcome by outcome. *)
Definition expected (F : V -> R) (x : random) : R := expect (fun o => F (x o)).
Definition pathwise (G : V -> V) (x : random) : random := fun o => G (x o).

Theorem expected_smooth L F G : 0 < L -> smooth L F G -> smooth L (expected F) (pathwise G).
Proof.
  intros Pos S. split.
  - apply (gradient_of_remainder random (L / 2)); [lra|]. intros x v. unfold expected, pathwise. cbn.
    rewrite <- !expect_minus. apply Rabs_le. split.
    + replace (- (L / 2 * _)) with (expect (fun o => - (L / 2) * ⟨v o, v o⟩)) by (rewrite expect_scale; ring).
      apply expect_le; intros o. assert (A := ascent_lemma V L F G (x o) (v o) Pos S). lra.
    + rewrite <- expect_scale. apply expect_le; intros o.
      assert (A := descent_lemma V L F G (x o) (v o) Pos S). lra.
  - intros x y. cbn. rewrite <- expect_scale. apply expect_le; intros o. apply (lipschitz _ _ _ _ S).
Qed.

Lemma expected_bounded F least : (forall x, least <= F x) -> forall x, least <= expected F x.
Proof. intros B x. rewrite <- (expect_const P least). apply expect_le; intros; apply B. Qed.

(** Operators that depend on the outcome (on the batch, say): symmetric and bounded outcome by outcome. *)
Definition along (B : P -> V -> V) (x : random) : random := fun o => B o (x o).

Lemma along_symmetric B : (forall o x y, ⟨B o x, y⟩ = ⟨x, B o y⟩) ->
  forall x y : random, ⟨along B x, y⟩ = ⟨x, along B y⟩.
Proof. intros S x y. cbn. apply expect_ext; intros. apply S. Qed.

Lemma along_bounded B b : (forall o x, 0 <= ⟨B o x, x⟩ <= b * ‖x‖²) ->
  forall x : random, 0 <= ⟨along B x, x⟩ <= b * ‖x‖².
Proof.
  intros S x. cbn. split; [apply expect_nonneg; intros; apply S|].
  rewrite <- expect_scale. apply expect_le; intros. apply S.
Qed.

(** What is known: a vector that takes one value on outcomes that cannot be told apart. *)
Definition knows (same : P -> P -> Prop) (x : random) := forall o o', same o o' -> x o = x o'.

Lemma knows_sum same (x z : random) a : knows same x -> knows same z -> knows same (x + a * z)%V.
Proof. intros X Z o o' E. cbn. now rewrite (X o o' E), (Z o o' E). Qed.

Lemma knows_gradient same (x : random) G : knows same x -> knows same (pathwise G x).
Proof. intros X o o' E. unfold pathwise. now rewrite (X o o' E). Qed.
End Random.
Arguments along {P V}. Arguments knows {P V}. Arguments expected {P V}. Arguments pathwise {P V}.

(** ** The finite trees *)
Definition certain : probability.
Proof.
  refine (Probability unit (fun f => f tt) _ _ _ _ _); auto. now intros f _ E [].
Defined.

Definition mixture (chance : R) (proper : 0 < chance < 1) (P Q : probability) : probability.
Proof.
  refine (Probability (P + Q) (fun f => chance * expect (fun o => f (inl o)) + (1 - chance) * expect
    (fun o => f (inr o)))
    _ _ _ _ _).
  - intros f g. rewrite !expect_add. ring.
  - intros a f. rewrite !expect_scale. ring.
  - intros f N. assert (A := expect_nonneg P _ (fun o => N (inl o))).
    assert (B := expect_nonneg Q _ (fun o => N (inr o))). nra.
  - rewrite !expect_one. ring.
  - intros f N Z. assert (A := expect_nonneg P _ (fun o => N (inl o))).
    assert (B := expect_nonneg Q _ (fun o => N (inr o))).
    assert (ZA : expect (fun o => f (inl o)) = 0) by nra. assert (ZB : expect (fun o => f (inr o)) = 0) by nra.
    intros [o|o].
    + exact (expect_strict P _ (fun o => N (inl o)) ZA o).
    + exact (expect_strict Q _ (fun o => N (inr o)) ZB o).
Defined.

(** n fair coins. *)
Lemma fair : 0 < / 2 < 1.
Proof. lra. Qed.

Fixpoint coins n : probability := match n with O => certain | S n => mixture (/ 2) fair (coins n) (coins n) end.

(** The k-th coin, +1 or -1; 0 if there are no more than k coins. *)
Fixpoint coin n : nat -> coins n -> R :=
  match n return nat -> coins n -> R with
  | O => fun _ _ => 0
  | S n => fun k o => match o with
    | inl o' => match k with O => 1 | S k => coin n k o' end
    | inr o' => match k with O => -1 | S k => coin n k o' end end
  end.

(** Outcomes whose first k coins agree. *)
Definition agree n k (o o' : coins n) := forall j, (j < k)%nat -> coin n j o = coin n j o'.

Lemma coin_knows n k j : (j < k)%nat -> @knows (coins n) line (agree n k) (coin n j).
Proof. intros J o o' A. exact (A j J). Qed.

(** What is known of the first k coins is uncorrelated with the k-th. *)
Theorem coin_unbiased n : forall k (x : random (coins n) line), knows (agree n k) x -> ⟨x, coin n k⟩ = 0.
Proof.
  induction n as [|n IH]; intros k x K; [cbn; ring|].

  destruct k as [|k].
  - change (/ 2 * expect (fun o : coins n => x (inl o) * 1) + (1 - / 2) * expect (fun o : coins n => x (inr o) * -1)
      = 0).
    assert (E : forall a, expect (fun o : coins n => x (inl o) * a) = a * expect (fun o : coins n => x (inl o))).
    { intros a. rewrite <- expect_scale. apply expect_ext; intros; cbn in *; lra. }
    rewrite (expect_ext _ (fun o : coins n => x (inr o) * -1) (fun o => x (inl o) * -1)), !E; [lra|].
    intros o. rewrite (K (inr o) (inl o)); [easy|]. intros j J. lia.
  - change (/ 2 * expect (fun o : coins n => x (inl o) * coin n k o)
      + (1 - / 2) * expect (fun o : coins n => x (inr o) * coin n k o) = 0).
    assert (A : expect (fun o : coins n => x (inl o) * coin n k o) = 0) by
      (apply (IH k (fun o => x (inl o))); intros o o' E; apply K; intros [|j] J; [easy|apply (E j); lia]).
    assert (B : expect (fun o : coins n => x (inr o) * coin n k o) = 0) by
      (apply (IH k (fun o => x (inr o))); intros o o' E; apply K; intros [|j] J; [easy|apply (E j); lia]).
    rewrite A, B. ring.
Qed.

Theorem coin_variance n : forall k, (k < n)%nat -> @inner (random (coins n) line) (coin n k) (coin n k) = 1.
Proof.
  induction n as [|n IH]; intros k K; [lia|].
  change (/ 2 * expect (fun o : coins n => coin (S n) k (inl o) * coin (S n) k (inl o))
    + (1 - / 2) * expect (fun o : coins n => coin (S n) k (inr o) * coin (S n) k (inr o)) = 1).
  destruct k as [|k].
  - cbn [coin]. rewrite !expect_const. lra.
  - cbn [coin]. assert (A : expect (fun o : coins n => coin n k o * coin n k o) = 1) by (apply (IH k); lia).
    rewrite A. lra.
Qed.

Lemma no_more_coins n : forall k, (n <= k)%nat -> forall o, coin n k o = 0.
Proof. induction n; intros k K o; [easy|]. destruct k as [|k]; [lia|]. destruct o; cbn; apply IHn; lia. Qed.

Lemma coin_variance_most n k : @inner (random (coins n) line) (coin n k) (coin n k) <= 1.
Proof.
  destruct (Nat.lt_ge_cases k n) as [K|K]; [rewrite coin_variance by easy; lra|].
  change (expect (fun o : coins n => coin n k o * coin n k o) <= 1).
  rewrite (expect_ext _ _ (fun _ => 0)), expect_const; [lra|]. intros o. rewrite no_more_coins by easy. ring.
Qed.

Lemma coin_sign n : forall k, (k < n)%nat -> forall o, coin n k o = 1 \/ coin n k o = -1.
Proof. induction n as [|n IH]; intros k K o; [lia|]. destruct k as [|k], o as [o|o]; cbn; auto; apply IH; lia. Qed.

Lemma coin_bounds n k o : -1 <= coin n k o <= 1.
Proof.
  destruct (Nat.lt_ge_cases k n) as [K|K]; [destruct (coin_sign n k K o); lra|]. rewrite no_more_coins by easy. lra.
Qed.
