(** The hypotheses of the stochastic theorems hold somewhere, growing penalties and batch-dependent Q included.

    n fair coins; one client, F = x^2/2, noise sqrt v times the coin, rho Q = h (1 - coin): between 0 and 2 h, chosen by
    the batch that is being used; any positive penalties, in both orders; h = 0 is no preconditioner. *)

From PISA Require Export BatchSchedule CoinRuns Schedules.

(** What T7 asks of every client implies what T5 asks of their mean. *)
Lemma batches_sampled (V : space) m weight L serve solve bend F G grad w local dual beta past variances v :
  batches V m weight 0 L serve solve bend F G grad w local dual beta past variances v ->
  sampled (fun x => mean V m weight (fun i => G i x)) v past (fun k => w (S k)) (memory m weight dual)
    (fun k => mean V m weight (grad (S k))).
Proof.
  intros B. assert (Mean := knows_mean V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ B).
  assert (N : forall k, (mean V m weight (grad (S k)) - mean V m weight (fun i => G i (w (S k))))%V
    = mean V m weight (noise V G grad w k)).
  { intros k. unfold noise. rewrite (mean_add _ _ _ (grad (S k)) (fun i => -1 * G i (w (S k)))%V), mean_scale. vector. }
  split.
  - apply B.
  - intros k. unfold memory. replace (-1 * mean V m weight (dual k))%V with (0 + -1 * mean V m weight (dual k))%V
      by vector.
    apply (Batches.knows_sum _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ B);
      [exact (knows_zero V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ B k)|].
    apply Mean. intros; now apply B.
  - apply B.
  - intros k x X. apply Mean. intros; now apply (Batches.knows_gradient _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ B).
  - intros k x X. rewrite N. exact (fair_mean V _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ B k x X).
  - intros k. rewrite N. apply B.
Qed.

Section Example.
Variables (n : nat) (h v : R) (serve solve : nat -> R).
Hypothesis h_nonneg : 0 <= h.
Hypothesis v_nonneg : 0 <= v.
Hypothesis serve_positive : forall l, 0 < serve l.
Hypothesis solve_grows : forall l, 0 < solve l <= solve (S l).
Notation H := (random (coins n) line).
Notation one := (fun _ : nat => 1).

Definition stiffness (l : nat) (o : coins n) : R := h * (1 - coin n (pred l) o).
Definition operator (l i : nat) : H -> H := along (fun o (x : line) => stiffness l o * x : line).
Definition answering (l i : nat) (y : H) : H := fun o => / (solve l + stiffness l o) * y o.
Definition throw (l : nat) : H := fun o => sqrt v * coin n (pred l) o.
Definition place0 : H := fun _ => 1.

Notation states := (trace H 1 one 0 (fun l _ => serve l) (fun l _ => solve l) answering (fun l i x => 1 * x + throw l)%V
  place0 (fun _ => 0%V)).
Notation w l := (fst (fst (states l))).
Notation dual l := (snd (states l)).
Notation grad := (fun l (i : nat) => 1 * w l + throw l)%V.

Lemma stiffness_bounds l o : 0 <= stiffness l o <= 2 * h.
Proof. unfold stiffness. assert (B := coin_bounds n (pred l) o). nra. Qed.

Lemma example_rounds : rounds 1 one 0 (fun l _ => serve l) (fun l _ => solve l) operator grad (fun l => w l)
  (fun l => snd (fst (states l))) (fun l => dual l).
Proof.
  apply (rounds_exist H 1 one 0 (fun l _ => serve l) (fun l _ => solve l) operator answering (fun l i x => 1 * x +
    throw l)%V
    place0 (fun _ => 0%V)).
  - intros l. assert (A := serve_positive l). simpl. lra.
  - intros l i y. apply functional_extensionality; intros o. unfold operator, answering, along. cbn -[stiffness].
    assert (A := stiffness_bounds l o). assert (B := solve_grows l). field. lra.
Qed.

Lemma example_dual k i o : dual (S k) i o = dual k i o
  - solve (S k) * / (solve (S k) + stiffness (S k) o) * (w (S k) o + throw (S k) o + dual k i o).
Proof.
  assert (D := dual_step _ _ _ _ _ _ _ _ _ _ _ example_rounds k i). rewrite D.
  replace (deviation H (fun l => w l) (fun l => snd (fst (states l))) (S k) i)
    with (answering (S k) i (- (dual k i + (1 * w (S k) + throw (S k)))))%V.
  - set (x := w (S k)). set (p := dual k i). set (z := throw (S k)). clearbody x p z. unfold answering.
    cbn -[stiffness]. ring.
  - unfold deviation. cbn [trace]. destruct (states k) as [[a y] p]. cbn [fst snd].
    set (x := (/ _ * _)%V). set (d := answering _ _ _). vector.
Qed.

Notation known k := (@knows (coins n) line (agree n k)).

Lemma known_more k x : known k x -> known (S k) x.
Proof. intros K o o' A. apply K. intros j J. apply A. lia. Qed.

Lemma example_known k : known k (w (S k)) /\ forall i, (i < 1)%nat -> known k (dual k i).
Proof.
  induction k as [|k [W D]].
  - split; [|easy]. assert (E : w 1%nat = (1 * place0)%V).
    { cbn [trace fst snd]. rewrite mean_one. assert (A := serve_positive 0). cbn [sum]. vector. }
    rewrite E. easy.
  - assert (N : forall i, (i < 1)%nat -> known (S k) (dual (S k) i)).
    { intros i I o o' A. assert (C : coin n k o = coin n k o') by exact (coin_knows n (S k) k ltac:(lia) o o' A).
      assert (T : throw (S k) o = throw (S k) o') by (unfold throw; cbn [pred]; now rewrite C).
      assert (B : stiffness (S k) o = stiffness (S k) o') by (unfold stiffness; cbn [pred]; now rewrite C).
      rewrite !example_dual. now rewrite (known_more k _ W o o' A), (known_more k _ (D i I) o o' A), T, B. }
    split; [|exact N]. specialize (N 0%nat ltac:(lia)). specialize (D 0%nat ltac:(lia)). apply known_more in W, D.
    assert (B := solve_grows (S k)). assert (A := serve_positive (S k)).
    assert (M := next_w _ _ _ _ _ _ _ _ _ _ _ k (serve (S k) / solve (S k)) example_rounds ltac:(intros; cbv beta;
      field; lra)).
    unfold memory in M. rewrite !mean_one in M. cbn [sum] in M. apply solve_for in M.
    2: { assert (0 < serve (S k) / solve (S k) * (0 + 1 * solve (S k))); [apply Rmult_lt_0_compat;
      [apply Rdiv_lt_0_compat|]|]; lra. }
    set (x := w (S k)) in *. set (p := dual k 0%nat) in *. set (p' := dual (S k) 0%nat) in *.
    set (x' := w (S (S k))) in *.
    clearbody x p p' x'. rewrite M. set (r := / _). set (f := serve (S k) / solve (S k)). clearbody r f.
    match goal with |- known _ ?y => replace y with (x + (r * (f + 1)) * p' + (r * - f) * p)%V by vector end.
    now repeat apply knows_sum.
Qed.

(** Every hypothesis of the T7 theorems: clip 2 h, penalties equal to their mean. *)
Theorem example_batches : batches H 1 one 0 1 (fun l _ => serve l) (fun l _ => solve l) operator
  (fun _ => expected (fun x : line => 1 / 2 * (x * x)) : H -> R) (fun _ (x : H) => 1 * x)%V grad (fun l => w l)
  (fun l => snd (fst (states l))) (fun l => dual l) (fun _ => 2 * h / solve 0) (fun k => known k) (fun _ => v) v.
Proof.
  assert (Noise : forall k i, noise H (fun _ (x : H) => 1 * x)%V grad (fun l => w l) k i = throw (S k)).
  { intros k i. unfold noise. set (x := w (S k)). clearbody x. vector. }
  assert (Scaled : forall k, throw (S k) = @scale H (sqrt v) (coin n k)) by easy.
  assert (Var : forall k, ‖throw (S k)‖² <= v).
  { intros k. rewrite Scaled, inner_scale, inner_scale_r, <- Rmult_assoc, sqrt_sqrt by easy.
    rewrite <- (Rmult_1_r v) at 2. apply Rmult_le_compat_l; [easy|apply coin_variance_most]. }
  assert (Least : forall l, solve 0 <= solve l) by (induction l as [|l IH]; [lra|assert (A := solve_grows l); lra]).
  assert (P0 := solve_grows 0).
  split.
  - split; [intros; lra|simpl; ring].
  - lra.
  - lra.
  - intros i _. exact (proj1 (expected_square (coins n) 1 ltac:(lra))).
  - exact example_rounds.
  - intros k i _. apply solve_grows.
  - intros k. assert (0 <= 2 * h / solve 0) by (apply quotient; lra). lra.
  - intros k i x y _. apply along_symmetric. intros o a b. cbn -[stiffness]. ring.
  - intros k i x _. apply (along_bounded (coins n) line). intros o a. assert (B := stiffness_bounds (S k) o).
    assert (Q := Rle_0_sqr a). unfold Rsqr in Q. assert (Top : 2 * h <= 2 * h / solve 0 * solve (S k)).
    { apply Rle_trans with (2 * h / solve 0 * solve 0); [apply Req_le; field; lra|].
      apply Rmult_le_compat_l; [apply quotient; lra|apply Least]. }
    set (t := 2 * h / solve 0 * solve (S k)) in *. clearbody t. set (st := stiffness (S k) o) in *. clearbody st.
    cbn in *. split; [rewrite Rmult_assoc; apply Rmult_le_pos; lra|rewrite Rmult_assoc; apply Rmult_le_compat_r; lra].
  - intros k. apply example_known.
  - intros k i I. now apply example_known.
  - intros k x a z. apply knows_sum.
  - intros k i x _ K. replace (1 * x)%V with x by vector. exact K.
  - intros k i x _ K. rewrite Noise, Scaled, inner_scale_r, coin_unbiased by exact K. ring.
  - intros k i _. rewrite Noise. apply Var.
  - intros k. rewrite mean_one, Noise. apply Var.
Qed.

Theorem example_clip k i (x : H) : ⟨operator (S k) i x, x⟩ <= 2 * h * ‖x‖².
Proof.
  apply (along_bounded (coins n) line (fun o a => stiffness (S k) o * a) (2 * h)). intros o a.
  assert (B := stiffness_bounds (S k) o). assert (Q := Rle_0_sqr a). unfold Rsqr in Q.
  set (st := stiffness (S k) o) in *.
  clearbody st. cbn in *. split; [rewrite Rmult_assoc; apply Rmult_le_pos; lra|rewrite Rmult_assoc;
    apply Rmult_le_compat_r; lra].
Qed.
End Example.

(** ** For every schedule of penalties, on every number of coins *)
Section Inhabited.
Variables (n : nat) (v : R) (s : nat -> R).
Hypothesis v_nonneg : 0 <= v.
Hypothesis s_grows : forall l, 0 < s l <= s (S l).
Notation H := (random (coins n) line).
Notation one := (fun _ : nat => 1).
Notation penalty := (fun (l _ : nat) => s l).
Notation square := (expected (fun x : line => 1 / 2 * (x * x)) : H -> R).

(** T7: Q between 0 and 2 h that depends on the current batch. *)
Definition satisfies_T7 (h : R) (serve : nat -> nat -> R) := exists bend grad (w : nat -> H) local dual beta past,
  batches H 1 one 0 1 serve penalty bend (fun _ => square) (fun _ x => 1 * x)%V grad w local dual beta past
    (fun _ => v) v /\
  forall k i x, ⟨bend (S k) i x, x⟩ <= 2 * h * ‖x‖².

Theorem T7_inhabited h : 0 <= h -> satisfies_T7 h penalty /\ satisfies_T7 h (fun l => penalty (S l)).
Proof.
  intros Ph. split; do 7 eexists; (split; [|exact (example_clip n h Ph)]).
  - exact (example_batches n h v s s Ph v_nonneg (fun l => proj1 (s_grows l)) s_grows).
  - exact (example_batches n h v (fun l => s (S l)) s Ph v_nonneg (fun l => proj1 (s_grows (S l))) s_grows).
Qed.

Lemma soft_operator l i (x : H) : operator n 0 l i x = 0%V.
Proof. apply functional_extensionality; intros o. unfold operator, along, stiffness. cbn in *. lra. Qed.

Lemma soft_rounds serve grad w local dual : rounds 1 one 0 serve penalty (operator n 0) grad w local dual ->
  rounds 1 one 0 serve penalty (fun _ _ _ => 0%V) grad w local dual.
Proof.
  intros [R1 R2 R3 R4]. split; [exact R1|exact R2| |exact R4]. intros l i I. rewrite <- (R3 l i I).
  now rewrite soft_operator.
Qed.

(** T5: no preconditioner, both orders. *)
Lemma plain_example serve : (forall l, 0 < serve l) -> exists grad (w : nat -> H) local dual past,
  rounds 1 one 0 (fun l _ => serve l) penalty (fun _ _ _ => 0%V) grad w local dual /\
  sampled (fun x : H => 1 * x)%V v past (fun k => w (S k)) (memory 1 one dual) (fun k => mean H 1 one (grad (S k))).
Proof.
  intros Ps. assert (B := example_batches n 0 v serve s (Rle_refl 0) v_nonneg Ps s_grows).
  assert (Smp := batches_sampled _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ B).
  assert (Run := its_run _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ B).
  do 5 eexists. split.
  - exact (soft_rounds _ _ _ _ _ Run).
  - replace (fun x : H => (1 * x)%V) with (fun x : H => mean H 1 one (fun _ => (1 * x)%V)); [exact Smp|].
    apply functional_extensionality; intros x. apply mean_one.
Qed.

Theorem T5_inhabited : smooth 1 square (fun x => 1 * x)%V /\ (forall x, 0 <= square x) /\ common_growth 1 penalty /\
  (forall k, kappa 1 one penalty k = s (S k)) /\
  (exists grad (w : nat -> H) local dual past, pisa H 1 one 0 penalty (fun _ _ _ => 0%V) grad w local dual /\
    sampled (fun x : H => 1 * x)%V v past (fun k => w (S k)) (memory 1 one dual) (fun k => mean H 1 one
      (grad (S k)))) /\
  exists grad (w : nat -> H) local dual past, mixed 1 one 0 penalty (fun _ _ _ => 0%V) grad w local dual /\
    sampled (fun x : H => 1 * x)%V v past (fun k => w (S k)) (memory 1 one dual) (fun k => mean H 1 one (grad (S k))).
Proof.
  destruct (expected_square (coins n) 1 ltac:(lra)) as [Sm Bo]. split; [exact Sm|]. split; [exact Bo|].
  split; [intros l; exists (s (S l) / s l); intros i _; assert (A := s_grows l); field; lra|].
  split; [intros k; unfold kappa; simpl; ring|]. split.
  - destruct (plain_example s (fun l => proj1 (s_grows l))) as [g [w [l [d [p [R Sa]]]]]]. exists g, w, l, d, p.
    split; [now apply pisa_rounds|exact Sa].
  - exact (plain_example (fun l => s (S l)) (fun l => proj1 (s_grows (S l)))).
Qed.
End Inhabited.
