(** T9: preconditioners that see the noise bias the stationary mean gradient, on F = x^2/2, however large the penalty.

    Probability: n fair coins, one finite space for each n; the noise of a round is sqrt v times a coin. L = 1. *)

From PISA Require Export Orders Probability.
From PISA Require Jury.

(** The means obey p+ = p + a (x - p) + c and x+ = x - (2p+ - p)/kappa; their rest is x = -c/a, p = 0. *)
Section Path.
Variables (kappa a c : R).
Fixpoint path x p l : R * R :=
  match l with O => (x, p) | S l => let p' := p + a * (x - p) + c in path (x - (2 * p' - p) / kappa) p' l end.

Lemma path_next x p l : let '(y, q) := path x p l in let q' := q + a * (y - q) + c in
  path x p (S l) = (y - (2 * q' - q) / kappa, q').
Proof. revert x p. induction l as [|l IH]; intros x p; [reflexivity|]. exact (IH _ _). Qed.

Hypothesis ranges : 0 < kappa /\ 0 < a <= 1 /\ 2 * a + 3 * a / kappa < 4.

Theorem path_limit x p : Un_cv (fun l => fst (path x p l)) (- c / a) /\ Un_cv (fun l => snd (path x p l)) 0.
Proof.
  destruct ranges as [K [A Edge]]. set (X l := fst (path x p l) - - c / a). set (Y l := snd (path x p l)).
  assert (K1 : 0 < a / kappa) by (apply Rdiv_lt_0_compat; lra).
  assert (Step : forall l, Y (S l) = Y l + a * (X l - Y l) /\ X (S l) = X l - (2 * Y (S l) - Y l) / kappa).
  { intros l. unfold X, Y. assert (N := path_next x p l). destruct (path x p l) as [y q]. rewrite N. simpl. split;
    field; lra. }
  assert (Fx : Jury.follows (2 - a - 2 * a / kappa) (a + a / kappa - 1) X).
  { intros l. destruct (Step l) as [Y1 X1]. destruct (Step (S l)) as [Y2 X2]. rewrite X2, Y2, X1, Y1. field. lra. }
  assert (Fy : Jury.follows (2 - a - 2 * a / kappa) (a + a / kappa - 1) Y).
  { intros l. destruct (Step l) as [Y1 X1]. destruct (Step (S l)) as [Y2 X2]. rewrite Y2, X1, Y1. field. lra. }
  assert (B : -1 < a + a / kappa - 1) by lra.
  assert (C : Rabs (2 - a - 2 * a / kappa) < 1 - (a + a / kappa - 1)).
  { replace (2 * a / kappa) with (2 * (a / kappa)) by (field; lra). replace (3 * a / kappa) with (3 * (a / kappa)) in
    Edge
      by (field; lra). apply Rabs_def1; lra. }
  assert (Zx := Jury.tends_to_zero _ _ X B C Fx). assert (Zy := Jury.tends_to_zero _ _ Y B C Fy). split; [|exact Zy].
  intros e E. destruct (Zx e E) as [N H]. exists N. intros l I. specialize (H l I). unfold R_dist, X in *.
  now rewrite Rminus_0_r in H.
Qed.
End Path.

Section Runs.
Variable n : nat.
Notation H := (random (coins n) line).
Variables (kappa v : R).
Hypothesis kappa_positive : 0 < kappa.
Notation coin := (coin n).

Lemma coin_square k : (k < n)%nat -> forall o, coin k o * coin k o = 1.
Proof.
  revert k. induction n as [|j IH]; intros k K o; [lia|]. destruct k as [|k], o as [o|o]; cbn; try ring; apply IH; lia.
Qed.

(** What the first coins decide has no correlation with the next. *)
Lemma uncorrelated k (x : H) : knows (agree n k) x -> expect (fun o => x o * coin k o) = 0.
Proof. exact (coin_unbiased n k x). Qed.

Lemma knows_later k (x : H) : knows (agree n k) x -> knows (agree n (S k)) x.
Proof. intros K o o' A. apply K. intros j J. apply A. lia. Qed.

(** One client, F = x^2/2, sigma = kappa; rho Q multiplies by [slow], the noise is sqrt v times a coin. *)
Variables (slow : nat -> coins n -> R) (toss : nat -> nat) (w : nat -> H) (local dual : nat -> nat -> H).
Definition multiply l (_ : nat) (x : H) : H := fun o => slow l o * x o.
Definition noisy l (_ : nat) : H := fun o => w l o + sqrt v * coin (toss l) o.
Hypothesis slow_nonneg : forall l o, 0 <= slow l o.
Hypothesis run : pisa H 1 (fun _ => 1) 0 (fun _ _ => kappa) multiply noisy w local dual.

(** The memory p = -pi. *)
Definition memory l : coins n -> R := fun o => - dual l 0%nat o.
Definition moving l o := kappa / (kappa + slow (S l) o).

Lemma one_round l o : memory (S l) o = memory l o + moving l o * (w (S l) o + sqrt v * coin (toss (S l)) o - memory l
  o) /\
  w (S (S l)) o = w (S l) o - (2 * memory (S l) o - memory l o) / kappa.
Proof.
  assert (C := f_equal (fun u : H => u o) (client _ _ _ _ _ _ _ _ _ _ run l 0%nat Nat.lt_0_1)).
  assert (D := f_equal (fun u : H => u o) (multiplier _ _ _ _ _ _ _ _ _ _ run l 0%nat)).
  assert (M := f_equal (fun u : H => u o) (move _ _ _ _ _ _ _ _ _ _ (S l) run)).
  unfold rate, mean, multiply, noisy in *. cbn in C, D, M.
  assert (P := slow_nonneg (S l) o). assert (Q : 0 < kappa + slow (S l) o) by lra. unfold memory, moving.
  set (p := dual l 0%nat o) in *. set (p' := dual (S l) 0%nat o) in *. set (x := w (S l) o) in *.
  set (x' := w (S (S l)) o) in *. set (e := coin _ _) in *. set (b := slow (S l) o) in *.
  set (d := local (S l) 0%nat o + -1 * x) in *. clearbody d p p' x x' e b. cbn in *.
  assert (E : d = - (p + (x + sqrt v * e)) / (kappa + b)).
  { apply Rmult_eq_reg_l with (kappa + b); [|lra]. transitivity (- (p + (x + sqrt v * e))); [|field; lra]. lra. }
  split.
  - rewrite D, E. field. lra.
  - apply Rmult_eq_reg_l with kappa; [|lra]. replace (kappa * (x - (2 * - p' - - p) / kappa)) with (kappa * x + 2 * p'
    - p)
      by (field; lra). lra.
Qed.

Notation certain x := (@knows (coins n) line (agree n 0) x).
Lemma known_start : certain (w 0%nat) -> certain (dual 0%nat 0%nat) -> certain (w 1%nat).
Proof.
  intros W D o o' A. assert (M := fun o => f_equal (fun u : H => u o) (move _ _ _ _ _ _ _ _ _ _ 0 run)).
  assert (Mo := M o). assert (Mo' := M o'). unfold rate, mean, deviation in Mo, Mo'.
  cbn in Mo, Mo'. rewrite !(start _ _ _ _ _ _ _ _ _ _ run) in Mo, Mo'. rewrite (W o o' A), (D o o' A) in Mo. cbn in *.
  apply Rmult_eq_reg_l with kappa; lra.
Qed.

(** What round l knows: the places and memories before its coin is tossed. *)
Lemma known_places first : certain (w 0%nat) -> certain (dual 0%nat 0%nat) ->
  (forall l, (toss (S l) <= first + l)%nat) ->
  (forall l, @knows (coins n) line (agree n (S (first + l))) (slow (S l))) ->
  forall l, @knows (coins n) line (agree n (first + l)) (w (S l)) /\ @knows (coins n) line (agree n (first + l))
    (memory l).
Proof.
  intros W D T Sl. assert (W1 := known_start W D). induction l as [|l [IHw IHm]].
  - split; intros o o' A; [apply W1|unfold memory; f_equal; apply D]; intros j J; lia.
  - assert (Km : @knows (coins n) line (agree n (first + S l)) (memory (S l))).
    { intros o o' A. assert (A' : agree n (first + l) o o') by (intros j J; apply A; lia).
      rewrite (proj1 (one_round l o)), (proj1 (one_round l o')), (IHw o o' A'), (IHm o o' A'). unfold moving.
      rewrite (Sl l o o') by (intros j J; apply A; lia). rewrite (A (toss (S l))); [easy|]. specialize (T l). lia. }
    split; [|exact Km]. intros o o' A. assert (A' : agree n (first + l) o o') by (intros j J; apply A; lia).
    rewrite (proj2 (one_round l o)), (proj2 (one_round l o')), (IHw o o' A'), (IHm o o' A'), (Km o o' A). easy.
Qed.

(** Jensen: the mean square of the gradient is at least the square of its mean. *)
Lemma mean_square (x : H) : expect x ^ 2 <= expect (fun o => x o ^ 2).
Proof.
  assert (P := expect_nonneg (coins n) (fun o => (x o - expect x) ^ 2) (fun o => pow2_ge_0 _)).
  rewrite (expect_ext _ _ (fun o => x o ^ 2 + (- (2 * expect x) * x o + expect x ^ 2 * 1))) in P by (intros; ring).
  rewrite !expect_add, !expect_scale, expect_one in P. lra.
Qed.

(** The mean step, where M = a + b e for the sign e of this or an earlier round's noise. *)
Lemma mean_place l : expect (w (S (S l))) = expect (w (S l)) - (2 * expect (memory (S l)) - expect (memory l)) / kappa.
Proof.
  rewrite (expect_ext _ (w (S (S l))) (fun o => w (S l) o + (- (2 / kappa) * memory (S l) o + / kappa * memory l o)))
    by (intros o; rewrite (proj2 (one_round l o)); field; lra).
  rewrite !expect_add, !expect_scale. field. lra.
Qed.
End Runs.

Lemma sign_cases x : x * x = 1 -> x = 1 \/ x = -1.
Proof. intros E. assert (Z : (x - 1) * (x + 1) = 0) by lra. apply Rmult_integral in Z. destruct Z; [left|right]; lra.
  Qed.

(** ** T9-same-batch-bias: Q = 0 for +sqrt v, beta sigma/rho for -sqrt v, in the round whose batch it is *)
Section SameBatch.
Variables (kappa beta v : R).
Hypothesis ranges : 3 / 2 < kappa /\ 0 <= beta /\ 0 <= v.
Definition same_batch n l (o : coins n) := match l with O => 0 | S l => beta * kappa * ((1 - coin n l o) / 2) end.
Notation a := ((2 + beta) / (2 * (1 + beta))).
Notation c := (beta / (2 * (1 + beta)) * sqrt v).
Notation bias := (- beta / (2 + beta) * sqrt v).

Lemma same_batch_limit x p : Un_cv (fun l => fst (path kappa a c x p l)) bias.
Proof.
  destruct ranges as [K [B V]]. assert (A : 0 < a <= 1).
  { split; [apply Rdiv_lt_0_compat; lra|]. apply (conclude _ _ (beta / (2 * (1 + beta)))); [apply quotient; lra|field;
    lra]. }
  replace bias with (- c / a) by (field; lra). apply path_limit. split; [lra|split; [exact A|]].
  assert (3 * a / kappa < 2); [|lra]. apply Rmult_lt_reg_r with kappa; [lra|]. unfold Rdiv at 1. rewrite Rmult_assoc,
    Rinv_l; lra.
Qed.

Section Run.
Variables (n : nat) (x p : R).
Notation H := (random (coins n) line).
Variables (w : nat -> H) (local dual : nat -> nat -> H).
Hypothesis run : pisa H 1 (fun _ => 1) 0 (fun _ _ => kappa) (multiply n (same_batch n)) (noisy n v pred w) w local dual.
Hypothesis begin : (forall o, w 0%nat o = x - p / kappa) /\ forall o, dual 0%nat 0%nat o = p.

Lemma same_batch_nonneg l o : 0 <= same_batch n l o.
Proof.
  destruct ranges as [K [B V]]. destruct l as [|l]; simpl; [lra|]. apply Rmult_le_pos; [apply Rmult_le_pos; lra|].
  destruct (Nat.lt_ge_cases l n) as [L|L]; [|rewrite (no_more_coins n l L); lra].
  destruct (sign_cases _ (coin_square n l L o)) as [->| ->]; lra.
Qed.

Lemma same_batch_moving l o : (l < n)%nat -> moving n kappa (same_batch n) l o = a + beta / (2 * (1 + beta)) * coin n
  l o.
Proof.
  destruct ranges as [K [B V]]. intros L. unfold moving. simpl.
  destruct (sign_cases _ (coin_square n l L o)) as [->| ->]; field; split; nra.
Qed.

Notation mem := (memory n dual).
Notation E := (@expect (coins n)).
Lemma same_batch_means l : (l <= n)%nat -> (E (w (S l)), E (mem l)) = path kappa a c x (- p) l.
Proof.
  destruct ranges as [K [B V]]. assert (KP : 0 < kappa) by lra. destruct begin as [W0 D0].
  assert (Known := known_places n kappa v KP (same_batch n) pred w local dual same_batch_nonneg run 0
    (fun o o' _ => ltac:(now rewrite !W0)) (fun o o' _ => ltac:(now rewrite !D0)) (fun l => le_n l)
    (fun l o o' A => ltac:(simpl; now rewrite (A l) by lia))).
  induction l as [|l IH]; intros L.
  - simpl. f_equal.
    + rewrite (expect_ext _ (w 1%nat) (fun _ => x)), expect_const; [easy|]. intros o.
      assert (M := f_equal (fun u : H => u o) (move _ _ _ _ _ _ _ _ _ _ 0 run)). unfold rate, mean, deviation in M.
        cbn in M.
      rewrite !(start _ _ _ _ _ _ _ _ _ _ run), W0, D0 in M. cbn in *. assert (p / kappa * kappa = p) by (field; lra).
      apply Rmult_eq_reg_l with kappa; lra.
    + rewrite (expect_ext _ (mem 0) (fun _ => - p)), expect_const; [easy|]. intros o. unfold memory. now rewrite D0.
  - assert (IH' := IH ltac:(lia)). assert (N := path_next kappa a c x (- p) l). rewrite <- IH' in N. rewrite N.
    destruct (Known l) as [Kw Km]. simpl in Kw, Km.
    assert (Mem : E (mem (S l)) = E (mem l) + a * (E (w (S l)) - E (mem l)) + c).
    { rewrite (expect_ext _ (mem (S l)) (fun o => mem l o + (a * w (S l) o + (- a * mem l o + (c * 1
        + (beta / (2 * (1 + beta)) * (w (S l) o * coin n l o) + (- (beta / (2 * (1 + beta))) * (mem l o * coin n l o)
        + a * sqrt v * (1 * coin n l o)))))))).
      - rewrite !expect_add, !expect_scale, expect_one, (uncorrelated n l (w (S l)) Kw), (uncorrelated n l (mem l) Km).
        assert (U : E (fun o => 1 * coin n l o) = 0) by (apply (uncorrelated n l (fun _ => 1)); easy).
        rewrite expect_scale in U. change (fun o => coin n l o) with (coin n l) in *. replace (E (coin n l)) with 0 by
          lra. ring.
      - intros o. rewrite (proj1 (one_round n kappa v KP (same_batch n) pred w local dual same_batch_nonneg run l o)).
        simpl pred. rewrite same_batch_moving by lia. assert (S := coin_square n l ltac:(lia) o).
        set (e := coin n l o) in *. set (b := beta / (2 * (1 + beta))). set (q := a). clearbody e b q.
        replace (b * sqrt v * 1) with (b * sqrt v * (e * e)) by (rewrite S; ring). cbn in *. ring. }
    f_equal; [|exact Mem].
    rewrite (mean_place n kappa v KP (same_batch n) pred w local dual same_batch_nonneg run l), Mem. easy.
Qed.
End Run.

(** From every start x and first multiplier p: the means tend to the bias, and the mean squares are no smaller. *)
Theorem T9_same_batch_bias x p : exists mu : nat -> R, Un_cv mu bias /\
  forall n (w : nat -> random (coins n) line) (local dual : nat -> nat -> random (coins n) line),
  pisa (random (coins n) line) 1 (fun _ => 1) 0 (fun _ _ => kappa) (multiply n (same_batch n)) (noisy n v pred w)
    w local dual -> (forall o, w 0%nat o = x - p / kappa) /\ (forall o, dual 0%nat 0%nat o = p) ->
  forall l, (l <= n)%nat -> expect (w (S l)) = mu l /\ mu l ^ 2 <= expect (fun o => w (S l) o ^ 2).
Proof.
  exists (fun l => fst (path kappa a c x (- p) l)). split; [apply same_batch_limit|].
  intros n w local dual Run Begin l L. assert (M := same_batch_means n x p w local dual Run Begin l L).
  assert (Q := mean_square n (w (S l))). rewrite <- M. split; [easy|exact Q].
Qed.

(** However large the penalty: in the end the mean squared gradient is at least (beta/(2 + beta))^2 v, less any e > 0.
  *)
Corollary T9_floor x p e : 0 < e -> exists N, forall n (w : nat -> random (coins n) line) local dual,
  pisa (random (coins n) line) 1 (fun _ => 1) 0 (fun _ _ => kappa) (multiply n (same_batch n)) (noisy n v pred w)
    w local dual -> (forall o, w 0%nat o = x - p / kappa) /\ (forall o, dual 0%nat 0%nat o = p) ->
  forall l, (N <= l <= n)%nat -> (beta / (2 + beta)) ^ 2 * v - e <= expect (fun o => w (S l) o ^ 2).
Proof.
  intros E. destruct ranges as [K [B V]]. destruct (T9_same_batch_bias x p) as [mu [C H]].
  assert (C2 : Un_cv (fun l => mu l * mu l) (bias * bias)) by now apply CV_mult.
  destruct (C2 e E) as [N D]. exists N. intros n w local dual Run Begin l L.
  destruct (H n w local dual Run Begin l ltac:(lia)) as [_ Q]. specialize (D l ltac:(lia)). unfold R_dist in D.
  apply Rabs_def2 in D. assert (S := sqrt_sqrt v V).
  assert (Sq : bias * bias = (beta / (2 + beta)) ^ 2 * v) by (rewrite <- S at 3; field; lra). lra.
Qed.
End SameBatch.

(** Such runs exist, for every number of coins. *)
Lemma noisy_runs_exist n kappa v slow toss x p : 0 < kappa -> (forall l o, 0 <= slow l o) ->
  exists (w : nat -> random (coins n) line) local dual,
  pisa (random (coins n) line) 1 (fun _ => 1) 0 (fun _ _ => kappa) (multiply n slow) (noisy n v toss w) w local dual /\
  (forall o, w 0%nat o = x) /\ (forall o, dual 0%nat 0%nat o = p).
Proof.
  intros K P. set (H := random (coins n) line).
  assert (Run := rounds_exist H 1 (fun _ => 1) 0 (fun _ _ => kappa) (fun _ _ => kappa) (multiply n slow)
    (fun l _ y o => y o / (kappa + slow l o)) (fun l _ y o => y o + sqrt v * coin n (toss l) o) (fun _ => x) (fun _ _
      => p)).
  do 3 eexists. split; [apply pisa_rounds, Run|split; reflexivity].
  - intros l. simpl. lra.
  - intros l i y. apply functional_extensionality. intros o. specialize (P l o). unfold multiply. cbn. field. lra.
Qed.

(** "For any preconditioner with rho Q <= sigma the floor of a constant penalty falls like one over it" (v = 1): no. *)
Theorem V4_any_bounded_preconditioner_refuted : ~ exists C, forall kappa, 3 / 2 < kappa -> exists N,
  forall n slow (w : nat -> random (coins n) line) local dual, (forall l o, 0 <= slow l o <= kappa) ->
  (forall l, @knows (coins n) line (agree n l) (slow l)) ->
  pisa (random (coins n) line) 1 (fun _ => 1) 0 (fun _ _ => kappa) (multiply n slow) (noisy n 1 pred w) w local dual ->
  (forall o, w 0%nat o = 0) -> (forall o, dual 0%nat 0%nat o = 0) ->
  forall l, (N <= l <= n)%nat -> expect (fun o => w (S l) o ^ 2) <= C / kappa.
Proof.
  intros [C Claim]. set (kappa := 2 + 20 * Rabs C). assert (A := Rabs_pos C). assert (A' := Rle_abs C).
  assert (K : 3 / 2 < kappa) by (unfold kappa; lra). destruct (Claim kappa K) as [N H].
  assert (Ranges : 3 / 2 < kappa /\ 0 <= 1 /\ 0 <= 1) by lra.
  destruct (T9_floor kappa 1 1 Ranges 0 0 (/ 20) ltac:(lra)) as [N' Floor]. set (n := (N + N')%nat).
  assert (S : forall l o, 0 <= same_batch kappa 1 n l o <= kappa).
  { intros l o. split; [exact (same_batch_nonneg kappa 1 1 Ranges n l o)|]. destruct l as [|l]; simpl; [lra|].
    destruct (Nat.lt_ge_cases l n) as [L|L]; [|rewrite (no_more_coins n l L); lra].
    destruct (sign_cases _ (coin_square n l L o)) as [->| ->]; lra. }
  destruct (noisy_runs_exist n kappa 1 (same_batch kappa 1 n) pred 0 0 ltac:(lra) (fun l o => proj1 (S l o)))
    as [w [local [dual [Run [W0 D0]]]]].
  assert (Zero : 0 = 0 - 0 / kappa) by (field; lra).
  assert (Known : forall l, @knows (coins n) line (agree n l) (same_batch kappa 1 n l)).
  { intros [|l] o o' Ag; simpl; [easy|]. now rewrite (Ag l (le_n (Datatypes.S l))). }
  assert (Up := H n _ w local dual S Known Run W0 D0 n ltac:(unfold n; lia)).
  assert (Low := Floor n w local dual Run ltac:(split; [intros o; rewrite W0; exact Zero|exact D0]) n ltac:(unfold n;
    lia)).
  assert (Q : C / kappa <= / 20) by (apply Rmult_le_reg_r with kappa; [lra|]; unfold Rdiv; rewrite Rmult_assoc, Rinv_l
    by lra;
    unfold kappa; lra). replace ((1 / (2 + 1)) ^ 2 * 1) with (/ 9) in Low by field. lra.
Qed.
Print Assumptions T9_same_batch_bias.
Print Assumptions T9_floor.
Print Assumptions V4_any_bounded_preconditioner_refuted.
