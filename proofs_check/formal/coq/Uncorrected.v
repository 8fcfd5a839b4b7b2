(** T7-repaired-schedule without its hypothesis on the single penalties is false: sigma_1 = 1 forever, sigma_2 grows.

    Two clients, F_i = x^2/2, client 1 draws +-1 and uses rho Q = 4 where it drew -1 and 0 where it drew +1 (a clip at
    H = 4, the same batch), client 2 has neither noise nor Q. From w = -1/3, pi = (-1/3, 1/3) the mean of w_k never
    moves, whatever the schedule. The same runs satisfy every hypothesis of T7-minibatch-growing.
    Probability: n fair coins, a finite space for each number n of steps. *)

From PISA Require Export BatchSchedule CoinRuns Schedules.

Section Counterexample.
Variables (n : nat) (s : nat -> R).
Hypothesis schedule : forall k, 1 <= s k <= s (S k).
Notation H := (random (coins n) line).

Definition half_weight (i : nat) : R := / 2.
Definition unequal (l i : nat) : R := match i with O => 1 | S _ => 2 * s (pred l) - 1 end.
(** rho Q of client 1: 0 where the coin is +1, 4 where it is -1 *)
Definition stiff (l : nat) (o : coins n) : R := 2 * (1 - coin n (pred l) o).
Definition clipping (l i : nat) : H -> H :=
  match i with O => along (fun o (x : line) => stiff l o * x : line) | S _ => fun _ => 0%V end.
Definition solving (l i : nat) (y : H) : H :=
  match i with O => fun o => / (1 + stiff l o) * y o | S _ => (/ unequal l i * y)%V end.
Definition draw (l i : nat) : H := match i with O => coin n (pred l) | S _ => 0%V end.
Definition begin_w : H := fun _ => - / 3.
Definition begin_dual (i : nat) : H := fun _ => match i with O => - / 3 | S _ => / 3 end.

Notation states := (trace H 2 half_weight 0 unequal unequal solving (fun l i x => 1 * x + draw l i)%V begin_w
  begin_dual).
Notation w l := (fst (fst (states l))).
Notation local l := (snd (fst (states l))).
Notation dual l := (snd (states l)).
Notation grad := (fun l i => 1 * w l + draw l i)%V.

Lemma stiff_bounds l o : 0 <= stiff l o <= 4.
Proof. unfold stiff. assert (B := coin_bounds n (pred l) o). lra. Qed.

Lemma unequal_positive l i : 0 < unequal l i.
Proof. unfold unequal. destruct i; [lra|]. assert (A := schedule (pred l)). lra. Qed.

Lemma unequal_mean l : sum 2 (fun i => half_weight i * unequal l i) = s (pred l).
Proof. simpl. unfold half_weight. lra. Qed.

Lemma its_rounds : rounds 2 half_weight 0 unequal unequal clipping grad (fun l => w l) (fun l => local l)
  (fun l => dual l).
Proof.
  apply (rounds_exist H 2 half_weight 0 unequal unequal clipping solving (fun l i x => 1 * x + draw l i)%V begin_w
    begin_dual).
  - intros l. rewrite unequal_mean. assert (A := schedule (pred l)). lra.
  - intros l [|i] y.
    + apply functional_extensionality; intros o. cbn -[stiff]. unfold along. cbn -[stiff].
      assert (A := stiff_bounds l o). field. lra.
    + cbn [clipping solving]. assert (A := unequal_positive l (S i)). vector.
Qed.

(** What a client's multiplier becomes. *)
Lemma dual_first k o : dual (S k) 0%nat o
  = dual k 0%nat o - / (1 + stiff (S k) o) * (w (S k) o + coin n k o + dual k 0%nat o).
Proof.
  assert (C := client_step _ _ _ _ _ _ _ _ _ _ _ its_rounds k 0%nat ltac:(lia)).
  rewrite (dual_step _ _ _ _ _ _ _ _ _ _ _ its_rounds). set (d := deviation H _ _ (S k) 0%nat) in *. clearbody d.
  cbv beta in C. set (x := w (S k)) in *. set (p := dual k 0%nat) in *. clearbody x p.
  apply (f_equal (fun u : H => u o)) in C. assert (A := stiff_bounds (S k) o). cbn -[stiff] in C |- *.
  unfold along in C.
  cbn -[stiff] in C. set (st := stiff (S k) o) in *. clearbody st. set (z := coin n k o) in *. clearbody z.
  apply Rmult_eq_reg_l with (1 + st); [|lra].
  replace ((1 + st) * (p o - / (1 + st) * (x o + z + p o))) with ((1 + st) * p o - (x o + z + p o)) by (field; lra).
  lra.
Qed.

Lemma dual_second k : dual (S k) 1%nat = (-1 * w (S k))%V.
Proof.
  rewrite (dual_step _ _ _ _ _ _ _ _ _ _ _ its_rounds).
  assert (C := client_step _ _ _ _ _ _ _ _ _ _ _ its_rounds k 1%nat ltac:(lia)).
  cbn [clipping] in C. set (d := deviation H _ _ (S k) 1%nat) in *. clearbody d. cbn [draw] in C.
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in C. autorewrite with inner in *. lra.
Qed.

(** The server: sigma_k (w+ - w) = sum_i alpha_i (2 pi_i+ - pi_i). *)
Lemma next_place k : w (S (S k))
  = (w (S k) + / s k * (/ 2 * (2 * dual (S k) 0%nat - dual k 0%nat + (2 * dual (S k) 1%nat - dual k 1%nat))))%V.
Proof.
  assert (M := next_w _ _ _ _ _ _ _ _ _ _ _ k 1 its_rounds ltac:(intros; ring)). rewrite unequal_mean in M.
  cbn [pred] in M.
  assert (A := schedule k). apply solve_for in M; [|lra]. rewrite M. unfold memory, mean, half_weight. cbn [total].
  vector.
Qed.

Lemma first_place : w 1%nat = begin_w.
Proof.
  assert (E := server_step _ _ _ _ _ _ _ _ _ _ _ its_rounds 0). rewrite unequal_mean in E. cbn [pred] in E.
  assert (A := schedule 0).
  assert (E' : w 1%nat = (/ s 0%nat * (s 0%nat * begin_w))%V).
  { apply separated; intros z. apply (f_equal (fun u => / s 0%nat * ⟨u, z⟩)) in E. rewrite Rplus_0_r in E.
    autorewrite with inner in E |- *. rewrite <- Rmult_assoc, Rinv_l, Rmult_1_l in E by lra. rewrite E. clear E.
    unfold mean, half_weight. cbn [total trace snd fst]. autorewrite with inner.
    replace (@inner H (begin_dual 1) z) with (- @inner H (begin_dual 0) z).
    - cbn [unequal pred]. field. lra.
    - replace (begin_dual 1) with (@scale H (-1) (begin_dual 0)); [autorewrite with inner; ring|].
      apply functional_extensionality; intros o. cbn. field. }
  rewrite E'. vector.
Qed.

(** Known after k coins: the place and both multipliers. *)
Notation known k := (@knows (coins n) line (agree n k)).

Lemma known_later k x : known k x -> known (S k) x.
Proof. intros K o o' A. apply K. intros j J. apply A. lia. Qed.

Lemma all_known k : known k (w (S k)) /\ known k (dual k 0%nat) /\ known k (dual k 1%nat).
Proof.
  induction k as [|k [W [D0 D1]]].
  - rewrite first_place. repeat split; easy.
  - assert (N0 : known (S k) (dual (S k) 0%nat)).
    { intros o o' A. rewrite !dual_first. unfold stiff. cbn [pred].
      now rewrite (known_later k _ W o o' A), (known_later k _ D0 o o' A), (coin_knows n (S k) k ltac:(lia) o o' A). }
    assert (N1 : known (S k) (dual (S k) 1%nat)).
    { rewrite dual_second. apply known_later in W. set (x := w (S k)) in *. clearbody x.
      replace (-1 * x)%V with (0 + -1 * x)%V by vector. now apply knows_sum. }
    split; [|split; [exact N0|exact N1]]. rewrite next_place. apply known_later in W, D0, D1.
    set (x := w (S k)) in *. set (d := dual (S k) 0%nat) in *. set (c := dual (S k) 1%nat) in *.
    set (b := dual k 0%nat) in *. set (a := dual k 1%nat) in *. clearbody x a b c d.
    replace (x + / s k * (/ 2 * (2 * d - b + (2 * c - a))))%V
      with (x + / s k * d + (/ s k * - / 2) * b + / s k * c + (/ s k * - / 2) * a)%V by (set (r := / s k);
        clearbody r; vector).
    now repeat apply knows_sum.
Qed.

(** ** The means stay: E w_k = -1/3, E pi_1 = -1/3, E pi_2 = 1/3 *)
Notation average x := (expect (x : coins n -> R)).

Lemma average_inner (x : H) : average x = @inner H x (fun _ => 1).
Proof. apply expect_ext; intros o. symmetry. exact (Rmult_1_r (x o)). Qed.

Lemma average_add (x y : H) a : average (x + a * y)%V = average x + a * average y.
Proof. rewrite !average_inner. autorewrite with inner. ring. Qed.

Lemma expect_five (A B C D : coins n -> R) a b c e : expect (fun o => A o + a * B o + b * C o + c * D o + e)
  = expect A + a * expect B + b * expect C + c * expect D + e.
Proof. now rewrite !expect_add, !expect_scale, expect_const. Qed.

Lemma means k : (k <= n)%nat -> average (w (S k)) = - / 3 /\ average (dual k 0%nat) = - / 3 /\ average (dual k 1%nat)
  = / 3.
Proof.
  induction k as [|k IH]; intros K.
  - rewrite first_place. repeat split; cbn [trace snd begin_dual]; unfold begin_w, begin_dual; apply expect_const.
  - destruct (IH ltac:(lia)) as [W [D0 D1]]. destruct (all_known k) as [Kw [K0 K1]].
    assert (O1 : expect (fun o => coin n k o) = 0).
    { assert (U := coin_unbiased n k (fun _ => 1) ltac:(easy)). rewrite <- U. apply expect_ext; intros o.
      symmetry. exact (Rmult_1_l (coin n k o)). }
    assert (Uw := coin_unbiased n k _ Kw). assert (U0 := coin_unbiased n k _ K0).
    assert (N0 : average (dual (S k) 0%nat) = - / 3).
    { transitivity (expect (fun o => dual k 0%nat o + (- (3 / 5)) * (w (S k) o + dual k 0%nat o) + (- (2 / 5)) *
        (w (S k) o * coin n k o + dual k 0%nat o * coin n k o)
        + (- (3 / 5)) * coin n k o + - (2 / 5))).
      - apply expect_ext; intros o. rewrite dual_first. unfold stiff. cbn [pred].
        destruct (coin_sign n k ltac:(lia) o) as [-> | ->]; field.
      - set (x := w (S k) : coins n -> R) in *. set (p := dual k 0%nat : coins n -> R) in *. clearbody x p.
        rewrite (expect_five p (fun o => x o + p o) (fun o => x o * coin n k o + p o * coin n k o) (coin n k)).
        rewrite (expect_add _ x p), (expect_add _ (fun o => x o * coin n k o) (fun o => p o * coin n k o)).
        assert (Ux : expect (fun o => x o * coin n k o) = 0) by exact Uw.
        assert (Up : expect (fun o => p o * coin n k o) = 0) by exact U0.
        assert (Uc : expect (coin n k) = 0) by exact O1. rewrite Ux, Up, Uc, W, D0. field. }
    assert (N1 : average (dual (S k) 1%nat) = / 3).
    { rewrite dual_second, average_inner, inner_scale, <- average_inner, W. field. }
    split; [|split; [exact N0|exact N1]]. rewrite next_place, average_inner. autorewrite with inner.
    rewrite <- !average_inner, W, D0, D1, N0, N1. field.
    assert (A := schedule k). lra.
Qed.

Lemma square_mean (x : coins n -> R) a : 2 * a * expect x + - (a * a) <= expect (fun o => x o * x o).
Proof.
  rewrite <- expect_scale, <- (expect_const (coins n) (- (a * a))), <- expect_add. apply expect_le; intros o.
  assert (Q := Rle_0_sqr (x o - a)). unfold Rsqr in Q. lra.
Qed.

Theorem gradient_stays k : (k <= n)%nat -> / 9 <= ‖w (S k)‖².
Proof.
  intros K. destruct (means k K) as [W _]. assert (Q := square_mean (w (S k)) (- / 3)). rewrite W in Q.
  eapply Rle_trans; [|exact Q]. lra.
Qed.

(** ** The hypotheses hold *)
Notation F := (fun _ : nat => expected (fun x : line => 1 / 2 * (x * x)) : H -> R).
Notation G := (fun (_ : nat) (x : H) => 1 * x)%V.
Definition draws (i : nat) : R := match i with O => 1 | S _ => 0 end.

Lemma its_noise k i : noise H G grad (fun l => w l) k i = draw (S k) i.
Proof. unfold noise. set (x := w (S k)). clearbody x. set (y := draw (S k) i). clearbody y. vector. Qed.

Theorem its_batches : batches H 2 half_weight 0 1 unequal unequal clipping F G grad (fun l => w l) (fun l => local l)
  (fun l => dual l)
  (fun _ => 4) (fun k => known k) draws (/ 4).
Proof.
  split.
  - split; [intros; unfold half_weight; lra|]. simpl. unfold half_weight. lra.
  - lra.
  - lra.
  - intros i _. exact (proj1 (expected_square (coins n) 1 ltac:(lra))).
  - exact its_rounds.
  - intros k i _. apply unequal_positive.
  - intros k. lra.
  - intros k [|i] x y _; cbn [clipping].
    + apply along_symmetric. intros o a b. cbn. ring.
    + now rewrite inner_zero, inner_zero_r.
  - intros k [|i] x _; cbn [clipping].
    + replace (4 * unequal (S k) 0) with 4 by (unfold unequal; ring). apply (along_bounded (coins n) line). intros o a.
      assert (B := stiff_bounds (S k) o). cbn -[stiff]. assert (Q := Rle_0_sqr a). unfold Rsqr in Q. cbn in *. nra.
    + rewrite inner_zero. assert (B := unequal_positive (S k) (S i)). assert (P := inner_nonneg _ x). nra.
  - intros k. apply all_known.
  - intros k [|[|i]] I; [apply all_known|apply all_known|lia].
  - intros k x a z. apply knows_sum.
  - intros k i x _ K. replace (1 * x)%V with x by vector. exact K.
  - intros k [|i] x _ K; rewrite its_noise; cbn [draw pred].
    + now apply coin_unbiased.
    + apply inner_zero_r.
  - intros k [|i] _; rewrite its_noise; cbn [draw draws pred].
    + apply coin_variance_most.
    + rewrite inner_zero. lra.
  - intros k. replace (mean H 2 half_weight (noise H G grad (fun l => w l) k)) with (/ 2 * (coin n k : H))%V.
    + assert (M := coin_variance_most n k). autorewrite with inner. set (x := @inner H (coin n k) (coin n k)) in *.
      change (x <= 1) in M. lra.
    + unfold mean, half_weight. cbn [total]. rewrite !its_noise. cbn [draw pred]. set (y := coin n k : H).
      clearbody y. vector.
Qed.

Lemma its_clip k i (x : H) : ⟨clipping (S k) i x, x⟩ <= 4 * ‖x‖².
Proof.
  destruct i as [|i]; cbn [clipping].
  - apply (along_bounded (coins n) line (fun o a => stiff (S k) o * a) 4). intros o a.
    assert (B := stiff_bounds (S k) o). assert (Q := Rle_0_sqr a). unfold Rsqr in Q. cbn -[stiff] in *. nra.
  - rewrite inner_zero. assert (P := inner_nonneg _ x). lra.
Qed.

Lemma its_slope k : slope 2 half_weight 0 G (w (S k)) = w (S k).
Proof. unfold slope, mean, half_weight. cbn [total]. set (x := w (S k)). clearbody x. vector. Qed.
End Counterexample.

(** Whatever the schedule: with the same start, H = 4 and the same variances on every finite space, no bound on the
    weighted sum of E|grad F(w_k)|^2 holds for all runs.
    Where sum 1/sigma_k^2 is finite and kappa_0 is large (T7_uncorrected_schedule
    shows such schedules), the uncorrected claim asserts one, V_0 - F* + C sum 1/sigma_k^2. *)
Theorem T7_uncorrected_refuted s : (forall k, 1 <= s k <= s (S k)) -> diverges (fun k => / s k) ->
  forall bound, exists n (w : nat -> random (coins n) line) grad local dual bend past,
  batches (random (coins n) line) 2 half_weight 0 1 (unequal s) (unequal s) bend
    (fun _ => expected (fun x : line => 1 / 2 * (x * x))) (fun _ x => 1 * x)%V grad w local dual (fun _ => 4) past
      draws (/ 4) /\
  (forall k i x, ⟨bend (S k) i x, x⟩ <= 4 * ‖x‖²) /\ (forall k, kappa 2 half_weight (unequal s) k = s k) /\
  w 0%nat = begin_w n /\ dual 0%nat = begin_dual n /\
  (forall k, (k <= n)%nat -> / 9 <= ‖slope 2 half_weight 0 (fun _ x => 1 * x)%V (w (S k))‖²) /\
  bound < sum n (fun k => / s k * ‖slope 2 half_weight 0 (fun _ x => 1 * x)%V (w (S k))‖²).
Proof.
  intros Sched D bound. destruct (D (9 * bound)) as [n Far]. exists n. do 6 eexists.
  split; [exact (its_batches n s Sched)|]. split; [exact (its_clip n)|].
  split; [intros k; exact (unequal_mean s (S k))|]. split; [reflexivity|]. split; [reflexivity|].
  assert (Stay : forall k, (k <= n)%nat -> / 9 <= ‖slope 2 half_weight 0 (fun _ (x : random (coins n) line) => 1 * x)%V
    (fst (fst (trace (random (coins n) line) 2 half_weight 0 (unequal s) (unequal s) (solving n s)
      (fun l i x => 1 * x + draw n l i)%V (begin_w n) (begin_dual n) (S k))))‖²).
  { intros k K. rewrite (its_slope n s k). exact (gradient_stays n s Sched k K). }
  split; [exact Stay|]. apply Rlt_le_trans with (sum n (fun k => / 9 * / s k)); [rewrite sum_scale; lra|].
  apply sum_le; intros k K. rewrite (Rmult_comm (/ 9)). apply Rmult_le_compat_l; [|apply Stay; lia].
  assert (A := Sched k). apply Rlt_le, Rinv_0_lt_compat. lra.
Qed.

(** Schedules that the uncorrected hypotheses allow: 135 (1 + k)^a, where kappa_k >= 20 sqrt (5 * 9) for every k. *)
Theorem T7_uncorrected_schedule a : / 2 < a <= 1 -> let s k := 135 * Rpower (INR (S k)) a in
  (forall k, 1 <= s k <= s (S k)) /\ diverges (fun k => / s k) /\ summable (fun k => / s k ^ 2) /\
  forall k, 20 * sqrt ((1 + 4) * (1 + 2 * 4)) <= s k / (1 + 0).
Proof.
  intros A s. destruct (T5_powers 135 a ltac:(lra) A) as [D [Su Nd]].
  assert (First : s 0%nat = 135) by (unfold s; simpl; unfold Rpower; rewrite ln_1, Rmult_0_r, exp_0; ring).
  assert (All : forall k, 135 <= s k) by (induction k as [|k IH]; [lra|]; assert (N := Nd k);
    fold (s k) (s (S k)) in N; lra).
  split; [intros k; assert (N := Nd k); fold (s k) (s (S k)) in N; specialize (All k); lra|]. split; [exact D|].
  split; [exact Su|].
  intros k. specialize (All k). assert (R := sqrt_sqrt ((1 + 4) * (1 + 2 * 4)) ltac:(lra)).
  assert (P := sqrt_pos ((1 + 4) * (1 + 2 * 4))).
  set (r := sqrt _) in *. assert (r <= 6.75) by nra. lra.
Qed.
