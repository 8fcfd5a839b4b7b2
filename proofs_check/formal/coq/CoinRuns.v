(** Runs of Algorithm 1 driven by coin flips on F = c x^2/2: the floor's lower bound, and that the hypotheses of the
    stochastic theorems hold somewhere (claims T5-floor-lower-bound, T5-floor-exact-at-2).

    Probability: n + 2 fair coins, one finite space for each n; the first two are for a random start. *)

From PISA Require Export Stationary.

Lemma mean_one (V : space) (x : nat -> V) : mean V 1 (fun _ => 1) x = x 0%nat.
Proof. unfold mean. simpl. vector. Qed.

Lemma server_start (V : space) kappa (x p : V) : 0 < kappa -> (/ (sum 1 (fun _ => 1 * kappa) + 0)
  * mean V 1 (fun _ => 1) (fun _ => kappa * (x + / kappa * p) + -1 * p))%V = x.
Proof. intros P. rewrite mean_one. cbn [sum]. vector. Qed.

Lemma square_smooth c : 0 <= c <= 1 -> @smooth line 1 (fun x => c / 2 * (x * x)) (fun x => c * x).
Proof.
  intros C. split.
  - apply (gradient_of_remainder line (/ 2) (fun x : line => c / 2 * (x * x)) (fun x : line => c * x)); [lra|].
    intros x d. cbn in *. apply Rabs_le. split; nra.
  - intros x y. cbn in *. set (t := x + -1 * y). replace (c * x + -1 * (c * y)) with (c * t) by (unfold t; ring).
    assert (0 <= t * t) by nra. assert (c * c <= 1) by nra. nra.
Qed.

(** Where the start is known and each estimate becomes known, so do the run's places and multipliers. *)
Lemma run_known (V : space) (past : nat -> V -> Prop) kappa tau (w before estimate : nat -> V) :
  averaged kappa tau w before estimate -> (forall k x a z, past k x -> past k z -> past k (x + a * z)%V) ->
  (forall k x, past k x -> past (S k) x) -> past 0%nat (w 0%nat) -> past 0%nat (before 0%nat) ->
  (forall k, past k (w k) -> past (S k) (estimate k)) -> forall k, past k (w k) /\ past k (before k).
Proof.
  intros [Remember Move] Sum Later W0 B0 Est k. induction k as [|k [W B]]; [easy|].
  assert (E := Est k W). rewrite Remember. split; [|exact E].
  replace (w (S k)) with (w k + / kappa k * before k + (- tau k - / kappa (S k)) * estimate k)%V.
  - auto.
  - specialize (Move k). rewrite Remember in Move. apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in Move.
    autorewrite with inner in *. lra.
Qed.

Section Coins.
Variables (c kappa v : R) (n : nat).
Notation H := (random (coins (S (S n))) line).
Definition kick k : H := fun o => sqrt v * coin (S (S n)) (S (S k)) o.
Definition known k : H -> Prop := knows (agree (S (S n)) (S (S k))).
Variables (place0 memory0 : H).
Hypothesis kappa_positive : 0 < kappa.
Hypothesis v_nonneg : 0 <= v.
Hypothesis known0 : known 0 place0 /\ known 0 memory0.

Notation one := (fun _ : nat => 1).
Notation states := (trace H 1 one 0 (fun _ _ => kappa) (fun _ _ => kappa) (fun _ _ y => / kappa * y)%V
  (fun l _ x => c * x + kick (pred l))%V (place0 + / kappa * memory0)%V (fun _ => -1 * memory0)%V).
Notation w l := (fst (fst (states l))).
Notation dual l := (snd (states l)).
Notation grad := (fun l (_ : nat) => c * w l + kick (pred l))%V.

Lemma kick_unbiased k x : known k x -> ⟨x, kick k⟩ = 0.
Proof.
  intros K. replace (kick k) with (@scale H (sqrt v) (coin (S (S n)) (S (S k)))) by easy.
  rewrite inner_scale_r, coin_unbiased; [ring|exact K].
Qed.

Lemma kick_variance k : ‖kick k‖² <= v /\ ((k < n)%nat -> ‖kick k‖² = v).
Proof.
  replace (kick k) with (@scale H (sqrt v) (coin (S (S n)) (S (S k)))) by easy.
  rewrite inner_scale, inner_scale_r, <- Rmult_assoc, sqrt_sqrt by easy.
  assert (M := coin_variance_most (S (S n)) (S (S k))). assert (P := inner_nonneg H (coin (S (S n)) (S (S k)))).
  split; [nra|].
  intros K. rewrite coin_variance by lia. ring.
Qed.

Lemma known_later k x : known k x -> known (S k) x.
Proof. intros K o o' A. apply K. intros j J. apply A. lia. Qed.

Lemma kick_known k : known (S k) (kick k).
Proof. intros o o' A. unfold kick. now rewrite (A (S (S k))) by lia. Qed.

Lemma coin_pisa : pisa H 1 one 0 (fun _ _ => kappa) (fun _ _ _ => 0%V) grad (fun l => w l)
  (fun l => snd (fst (states l)))
  (fun l => dual l).
Proof.
  apply pisa_rounds. apply (rounds_exist H 1 one 0 (fun _ _ => kappa) (fun _ _ => kappa) (fun _ _ _ => 0%V)
    (fun _ _ y => / kappa * y)%V (fun l _ x => c * x + kick (pred l))%V).
  - intros l. simpl. lra.
  - intros l i y. vector.
Qed.

Lemma coin_start : w 1%nat = place0 /\ memory 1 one (fun l => dual l) 0 = memory0.
Proof.
  split; [exact (server_start H kappa place0 memory0 kappa_positive)|].
  unfold memory. rewrite mean_one. cbn [trace snd]. vector.
Qed.

Lemma coin_known k : known k (w (S k)) /\ known k (memory 1 one (fun l => dual l) k).
Proof.
  revert k. apply (run_known H known _ _ _ _ _ (own_order H 1 one (fun _ _ => kappa) grad (fun l => w l) _
    (fun l => dual l)
    (fun k => ltac:(unfold Stochastic.kappa; simpl; lra)) coin_pisa)).
  - intros k x a z. apply knows_sum.
  - exact known_later.
  - rewrite (proj1 coin_start). apply known0.
  - rewrite (proj2 coin_start). apply known0.
  - intros k W. rewrite mean_one. cbn [pred]. generalize dependent (w (S k)). intros x K.
    replace (c * x + kick k)%V with (kick k + c * x)%V by vector.
    apply knows_sum; [apply kick_known|now apply known_later].
Qed.

Lemma coin_sampled : sampled (fun x : H => c * x)%V v known (fun k => w (S k)) (memory 1 one (fun l => dual l))
  (fun k => mean H 1 one (grad (S k))).
Proof.
  assert (N : forall k, (mean H 1 one (grad (S k)) - c * w (S k))%V = kick k) by (intros k; rewrite mean_one;
    cbn [pred]; vector).
  split; try (intros k; apply coin_known).
  - intros k x a z. apply knows_sum.
  - intros k x K. exact (knows_gradient _ line _ x (fun y : line => c * y) K).
  - intros k x K. rewrite N. now apply kick_unbiased.
  - intros k. rewrite N. apply kick_variance.
Qed.

Lemma coin_exact k : (k < n)%nat -> ‖mean H 1 one (grad (S k)) - c * w (S k)‖² = v.
Proof.
  intros K. assert (N : (mean H 1 one (grad (S k)) - c * w (S k))%V = kick k) by (rewrite mean_one; cbn [pred]; vector).
  exact (eq_trans (f_equal (fun x : H => ‖x‖²) N) (proj2 (kick_variance k) K)).
Qed.
End Coins.

(** F = c x^2/2 in expectation: 1-smooth for c <= 1, at least 0. *)
Lemma expected_square P c : 0 <= c <= 1 ->
  @smooth (random P line) 1 (expected (fun x : line => c / 2 * (x * x))) (fun x => c * x)%V /\
  forall x : random P line, 0 <= expected (fun x : line => c / 2 * (x * x)) x.
Proof.
  intros C. split; [exact (expected_smooth P line 1 _ _ Rlt_0_1 (square_smooth c C))|].
  apply expected_bounded. intros x. cbn in *. assert (0 <= x * x) by nra. nra.
Qed.

Section Exact.
Variables (c kappa v : R) (n : nat) (w : nat -> random (coins (S (S n))) line).
Notation H := (random (coins (S (S n))) line).

(** A run of Algorithm 1 on F, one client, sigma = kappa, with every hypothesis of the stochastic theorems, the
    variance exactly v for n steps; [start] and [start_memory] are w_1 and -pi_0. *)
Definition exact_run (start start_memory : H) := exists (grad local dual : nat -> nat -> H) (past : nat -> H -> Prop),
  pisa H 1 (fun _ => 1) 0 (fun _ _ => kappa) (fun _ _ _ => 0%V) grad w local dual /\
  sampled (fun x : H => c * x)%V v past (fun k => w (S k)) (memory 1 (fun _ => 1) dual)
    (fun k => mean H 1 (fun _ => 1) (grad (S k))) /\
  (forall k, (k < n)%nat -> ‖mean H 1 (fun _ => 1) (grad (S k)) - c * w (S k)‖² = v) /\
  w 1%nat = start /\ memory 1 (fun _ => 1) dual 0 = start_memory.
End Exact.

Lemma exact_run_exists c kappa v n start start_memory : 0 < kappa -> 0 <= v ->
  known n 0 start /\ known n 0 start_memory -> exists w, exact_run c kappa v n w start start_memory.
Proof.
  intros P Pv K. eexists. do 4 eexists. split; [|split; [|split; [|split]]].
  - exact (coin_pisa c kappa v n start start_memory P).
  - exact (coin_sampled c kappa v n start start_memory P Pv K).
  - exact (coin_exact c kappa v n start start_memory Pv).
  - exact (proj1 (coin_start c kappa v n start start_memory P)).
  - exact (proj2 (coin_start c kappa v n start start_memory P)).
Qed.

(** The recursion of such a run. *)
Lemma exact_constant c kappa v n w start start_memory : 0 < kappa -> exact_run c kappa v n w start start_memory ->
  exists before noise, constant_run (fun x => c * x)%V v kappa (fun k => w (S k)) before noise /\
  (forall k, (k < n)%nat -> ‖noise k‖² = v) /\ w 1%nat = start /\ before 0%nat = start_memory.
Proof.
  intros P [grad [local [dual [past [run [samples [Exact [W M]]]]]]]].
  assert (R := is_constant_run _ 1 (fun _ => 1) (fun _ => kappa) grad w local dual (fun x => c * x)%V v past samples
    run).
  cbv beta in R. replace (sum 1 (fun _ => 1 * kappa)) with kappa in R by (simpl; ring). eexists. eexists.
  split; [exact (R P)|]. auto.
Qed.

(** From any deterministic cold start the sums of E|F'(w_k)|^2 stay within a constant of N times the stationary
    value, the constant the same for all n: no smaller floor holds on all finite probability spaces. *)
Theorem T5_floor_lower_bound c kappa v x0 : 0 < c -> 3 / 2 * c < kappa -> 0 <= v -> exists bound, forall n, exists w,
  exact_run c kappa v (S n) w (fun _ => x0) (fun _ => 0) /\ forall N, (N <= n)%nat ->
  Rabs (sum N (fun k => expect (fun o => c * w (S k) o * (c * w (S k) o)))
    - INR N * (c * (3 * c + kappa) / ((c + kappa) * (2 * kappa - 3 * c)) * v)) <= bound.
Proof.
  intros Pc St Pv. assert (Pk : 0 < kappa) by lra. exists (slack line c kappa v (fun _ => x0) (fun _ => 0)). intros n.
  destruct (exact_run_exists c kappa v (S n) (fun _ => x0) (fun _ => 0) ltac:(lra) Pv ltac:(easy)) as [w run].
  exists w. split; [exact run|]. intros N I.
  destruct (exact_constant _ _ _ _ _ _ _ Pk run) as [before [noise [R [Exact [W B]]]]].
  assert (A := stationary_average _ c kappa v _ before noise Pc St R n Pv ltac:(intros k K; apply Exact; lia) N I).
  replace (slack line c kappa v (fun _ => x0) (fun _ => 0)) with (slack _ c kappa v (fun k => w (S k)) before);
    [exact A|].
  unfold slack, size. rewrite W, B. cbn [inner random line]. now rewrite !expect_const.
Qed.

(** Started in the stationary law (two more coins), the second moments stay what they are. *)
Lemma rest_run c kappa v n : 0 < c -> 3 / 2 * c < kappa -> 0 < v -> exists w start start_memory,
  exact_run c kappa v n w start start_memory /\ forall before noise,
  constant_run (fun x => c * x)%V v kappa (fun k => w (S k)) before noise -> (forall k, (k < n)%nat -> ‖noise k‖² = v) ->
  w 1%nat = start -> before 0%nat = start_memory -> forall k, (k <= n)%nat ->
  at_rest (random (coins (S (S n))) line) c kappa v (fun k => w (S k)) before k.
Proof.
  intros Pc St Pv. assert (Pk : 0 < kappa) by lra. set (scale := (c + kappa) * (2 * kappa - 3 * c)).
  assert (Ps : 0 < scale) by (apply Rmult_lt_0_compat; lra).
  set (A := (3 * c + kappa) * v / (c * scale)). set (B := - 3 * kappa * v / scale).
  set (D := 2 * kappa ^ 2 * v / scale).
  assert (Pa : 0 < A) by (unfold A; positive). assert (Rest : 0 <= D - B ^ 2 / A).
  { replace (D - B ^ 2 / A) with (kappa ^ 2 * v * (2 * kappa - 3 * c) / (scale * (3 * c + kappa)))
      by (unfold A, B, D; field; lra).
    apply quotient; [|positive]. repeat apply Rmult_le_pos; nra. }
  set (H := random (coins (S (S n))) line). set (one := coin (S (S n)) 0 : H). set (two := coin (S (S n)) 1 : H).
  assert (V1 : ‖one‖² = 1) by (apply coin_variance; lia). assert (V2 : ‖two‖² = 1) by (apply coin_variance; lia).
  assert (V0 : ⟨one, two⟩ = 0) by (apply coin_unbiased, coin_knows; lia).
  set (start := (sqrt A * one)%V : H). set (before0 := (B / sqrt A * one + sqrt (D - B ^ 2 / A) * two)%V : H).
  assert (K1 : known n 0 one) by (apply coin_knows; lia). assert (K2 : known n 0 two) by (apply coin_knows; lia).
  assert (K0 : known n 0 0%V) by easy.
  assert (Known : forall a b : R, known n 0 (a * one + b * two)%V).
  { intros a b. replace (a * one + b * two)%V with (0 + a * one + b * two)%V by vector.
    apply knows_sum; [apply knows_sum|]; [exact K0|exact K1|exact K2]. }
  destruct (exact_run_exists c kappa v n start before0 ltac:(lra) ltac:(lra)) as [w run].
  { split; [|apply Known]. replace start with (sqrt A * one + 0 * two)%V by (unfold start; vector). apply Known. }
  exists w, start, before0. split; [exact run|]. intros before noise R Exact W M.
  assert (Root := sqrt_sqrt A ltac:(lra)). assert (Root' := sqrt_sqrt _ Rest). assert (Pr := sqrt_lt_R0 A Pa).
  assert (Start : at_rest H c kappa v (fun k => w (S k)) before 0).
  { unfold at_rest. rewrite W, M. unfold start, before0. autorewrite with inner. rewrite !(inner_sym H two one), V0,
      V1, V2.
    fold scale. fold A B D. repeat split.
    - lra.
    - field. lra.
    - assert (E : B / sqrt A * (B / sqrt A) = B ^ 2 / A) by (rewrite <- Root at 3; field; lra). lra. }
  induction k as [|k IH]; intros K; [exact Start|].
  apply (rest_stays H c kappa v _ _ noise Pc St R k (Exact k ltac:(lia))), IH. lia.
Qed.

(** Then E|F'(w_k)|^2 is the stationary value at every step. *)
Theorem T5_stationary_exact c kappa v n : 0 < c -> 3 / 2 * c < kappa -> 0 < v -> exists w start start_memory,
  exact_run c kappa v n w start start_memory /\ forall k, (k <= n)%nat ->
  expect (fun o => c * w (S k) o * (c * w (S k) o)) = c * (3 * c + kappa) / ((c + kappa) * (2 * kappa - 3 * c)) * v.
Proof.
  intros Pc St Pv. assert (Pk : 0 < kappa) by lra. destruct (rest_run c kappa v n Pc St Pv) as [w [start [before0 [run Rest]]]].
  exists w, start, before0. split; [exact run|].
  destruct (exact_constant _ _ _ _ _ _ _ Pk run) as [before [noise [R [Exact [W M]]]]].
  intros k K. exact (rest_gradient _ c kappa v _ _ Pc St k (Rest before noise R Exact W M k K)).
Qed.

(** No level below the stationary one bounds the averages, whatever constant over N is granted; at kappa = 2, c = 1
    the level is 5v/3, so that T5_floor_at_2 is exact. *)
Theorem T5_no_smaller_floor kappa v level bound : 3 / 2 < kappa -> 0 <= v ->
  level < (kappa + 3) / ((kappa + 1) * (2 * kappa - 3)) * v -> exists n w N,
  exact_run 1 kappa v n w (fun _ => 0) (fun _ => 0) /\ (N <= n)%nat /\
  INR N * level + bound < sum N (fun k => expect (fun o => w (S k) o * w (S k) o)).
Proof.
  intros K Pv Less. destruct (T5_floor_lower_bound 1 kappa v 0 Rlt_0_1 ltac:(lra) Pv) as [b E].
  set (f := (kappa + 3) / ((kappa + 1) * (2 * kappa - 3)) * v) in *.
  destruct (beyond ((bound + b) / (f - level))) as [n Far]. destruct (E n) as [w [run Sum]].
  exists (S n), w, n. split; [exact run|split; [lia|]]. specialize (Sum n (le_n n)).
  replace (1 * (3 * 1 + kappa) / ((1 + kappa) * (2 * kappa - 3 * 1)) * v) with f in Sum by (unfold f; field; lra).
  rewrite (sum_ext n _ (fun k => expect (fun o => w (S k) o * w (S k) o))) in Sum
    by (intros; apply expect_ext; intros; ring).
  assert (Q := Rle_abs (- (sum n (fun k => expect (fun o => w (S k) o * w (S k) o)) - INR n * f))).
  rewrite Rabs_Ropp in Q.
  apply (Rmult_lt_compat_r (f - level)) in Far; [|lra]. unfold Rdiv in Far. rewrite Rmult_assoc, Rinv_l in Far
    by lra. lra.
Qed.

Theorem T5_floor_at_2_attained v level bound : 0 <= v -> level < 5 / 3 * v -> exists n w N,
  exact_run 1 2 v n w (fun _ => 0) (fun _ => 0) /\ (N <= n)%nat /\
  INR N * level + bound < sum N (fun k => expect (fun o => w (S k) o * w (S k) o)).
Proof. intros Pv Less. apply T5_no_smaller_floor; lra. Qed.
