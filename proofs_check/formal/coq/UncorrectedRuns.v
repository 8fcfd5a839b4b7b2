(** The runs with which T7-repaired-schedule fails without comparable penalties: sigma_1 stays, sigma_2 grows.

    Two clients with weights alpha, 1 - alpha, F_i = x^2/2; client 1 draws +-1 and uses rho Q = beta sigma_1 where it
    drew -1 and 0 where it drew +1 (a clip at H = beta sigma_1, the same batch), client 2 has neither noise nor Q. From
    w = -alpha beta/(2 + beta) and the multipliers below the mean of w_k never moves, whatever the schedule [s] of the
    mean penalty. The same runs satisfy every hypothesis of T7-minibatch-growing.
    Probability: n fair coins, a finite space for each number n of steps. *)

From PISA Require Export BatchSchedule CoinRuns Schedules.

Section Counterexample.
Variables (alpha b s1 : R) (n : nat) (s : nat -> R).
Hypothesis ranges : 0 < alpha < 1 /\ 0 <= b /\ 0 < s1.
Hypothesis schedule : forall k, alpha * s1 < s k <= s (S k).
Notation H := (random (coins n) line).

Definition weight_of (i : nat) : R := match i with O => alpha | S _ => 1 - alpha end.
Definition unequal (l i : nat) : R := match i with O => s1 | S _ => (s (pred l) - alpha * s1) / (1 - alpha) end.
(** rho Q of client 1: 0 where the coin is +1, beta sigma_1 where it is -1 *)
Definition stiff (l : nat) (o : coins n) : R := b * s1 * (1 - coin n (pred l) o) / 2.
Definition clipping (l i : nat) : H -> H :=
  match i with O => along (fun o (x : line) => stiff l o * x : line) | S _ => fun _ => 0%V end.
Definition solving (l i : nat) (y : H) : H :=
  match i with O => fun o => / (s1 + stiff l o) * y o | S _ => (/ unequal l i * y)%V end.
Definition draw (l i : nat) : H := match i with O => coin n (pred l) | S _ => 0%V end.
Definition rest := b / (2 + b).
Definition begin_w : H := fun _ => - (alpha * rest).
Definition begin_dual (i : nat) : H := fun _ => match i with O => alpha * rest - rest | S _ => alpha * rest end.

Notation states := (trace H 2 weight_of 0 unequal unequal solving (fun l i x => 1 * x + draw l i)%V begin_w
  begin_dual).
Notation w l := (fst (fst (states l))).
Notation local l := (snd (fst (states l))).
Notation dual l := (snd (states l)).
Notation grad := (fun l i => 1 * w l + draw l i)%V.

Lemma stiff_bounds l o : 0 <= stiff l o <= b * s1.
Proof. unfold stiff. assert (B := coin_bounds n (pred l) o). assert (0 <= b * s1) by (apply Rmult_le_pos; lra). nra. Qed.

Lemma unequal_positive l i : 0 < unequal l i.
Proof. unfold unequal. destruct i; [lra|]. assert (A := schedule (pred l)). apply Rdiv_lt_0_compat; lra. Qed.

Lemma unequal_mean l : sum 2 (fun i => weight_of i * unequal l i) = s (pred l).
Proof. simpl. unfold weight_of. field. lra. Qed.

Lemma s_positive k : 0 < s k.
Proof. assert (A := schedule k). assert (0 < alpha * s1) by (apply Rmult_lt_0_compat; lra). lra. Qed.

Lemma rest_fixed : rest * (2 + b) = b.
Proof. unfold rest. field. lra. Qed.

Lemma its_rounds : rounds 2 weight_of 0 unequal unequal clipping grad (fun l => w l) (fun l => local l)
  (fun l => dual l).
Proof.
  apply (rounds_exist H 2 weight_of 0 unequal unequal clipping solving (fun l i x => 1 * x + draw l i)%V begin_w
    begin_dual).
  - intros l. rewrite unequal_mean. assert (A := s_positive (pred l)). lra.
  - intros l [|i] y.
    + apply functional_extensionality; intros o. cbn -[stiff]. unfold along. cbn -[stiff].
      assert (A := stiff_bounds l o). field. lra.
    + cbn [clipping solving]. assert (A := unequal_positive l (S i)). vector.
Qed.

(** What a client's multiplier becomes. *)
Lemma dual_first k o : dual (S k) 0%nat o
  = dual k 0%nat o - s1 / (s1 + stiff (S k) o) * (w (S k) o + coin n k o + dual k 0%nat o).
Proof.
  assert (C := client_step _ _ _ _ _ _ _ _ _ _ _ its_rounds k 0%nat ltac:(lia)).
  rewrite (dual_step _ _ _ _ _ _ _ _ _ _ _ its_rounds). set (d := deviation H _ _ (S k) 0%nat) in *. clearbody d.
  cbv beta in C. set (x := w (S k)) in *. set (p := dual k 0%nat) in *. clearbody x p.
  apply (f_equal (fun u : H => u o)) in C. assert (A := stiff_bounds (S k) o). cbn -[stiff] in C |- *.
  unfold along in C.
  cbn -[stiff] in C. set (st := stiff (S k) o) in *. clearbody st. set (z := coin n k o) in *. clearbody z.
  apply Rmult_eq_reg_l with (s1 + st); [|lra].
  replace ((s1 + st) * (p o - s1 / (s1 + st) * (x o + z + p o))) with ((s1 + st) * p o - s1 * (x o + z + p o))
    by (field; lra).
  set (y := d o) in *. clearbody y. assert (C' := f_equal (fun t => s1 * t) C). cbv beta in C'. nra.
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
  = (w (S k) + / s k * (alpha * (2 * dual (S k) 0%nat - dual k 0%nat)
    + (1 - alpha) * (2 * dual (S k) 1%nat - dual k 1%nat)))%V.
Proof.
  assert (M := next_w _ _ _ _ _ _ _ _ _ _ _ k 1 its_rounds ltac:(intros; ring)). rewrite unequal_mean in M.
  cbn [pred] in M.
  assert (A := s_positive k). apply solve_for in M; [|lra]. rewrite M. unfold memory, mean, weight_of. cbn [total].
  vector.
Qed.

Lemma first_place : w 1%nat = begin_w.
Proof.
  assert (E := server_step _ _ _ _ _ _ _ _ _ _ _ its_rounds 0). rewrite unequal_mean in E. cbn [pred] in E.
  assert (A := s_positive 0).
  assert (E' : w 1%nat = (/ s 0%nat * (s 0%nat * begin_w))%V).
  { apply separated; intros z. apply (f_equal (fun u => / s 0%nat * ⟨u, z⟩)) in E. rewrite Rplus_0_r in E.
    autorewrite with inner in E |- *. rewrite <- Rmult_assoc, Rinv_l, Rmult_1_l in E by lra. rewrite E. clear E.
    unfold mean, weight_of. cbn [total trace snd fst]. autorewrite with inner.
    assert (Z : alpha * @inner H (begin_dual 0) z + (1 - alpha) * @inner H (begin_dual 1) z = 0).
    { rewrite <- !inner_scale, <- inner_add. rewrite <- (inner_zero H z). f_equal.
      apply functional_extensionality; intros o. cbn. ring. }
    set (p := @inner H (begin_dual 0) z) in *. set (q := @inner H (begin_dual 1) z) in *. clearbody p q.
    cbn [unequal pred]. replace (s 0%nat * @inner H begin_w z) with (s 0%nat * @inner H begin_w z
      + (alpha * p + (1 - alpha) * q)) by (rewrite Z; ring). field. lra. }
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
    set (e := dual k 0%nat) in *. set (a := dual k 1%nat) in *. clearbody x a e c d.
    replace (x + / s k * (alpha * (2 * d - e) + (1 - alpha) * (2 * c - a)))%V
      with (x + (/ s k * (2 * alpha)) * d + (/ s k * - alpha) * e + (/ s k * (2 * (1 - alpha))) * c
        + (/ s k * - (1 - alpha)) * a)%V by (set (r := / s k); clearbody r; vector).
    now repeat apply knows_sum.
Qed.

(** ** The means stay where they begin *)
Notation average x := (expect (x : coins n -> R)).

Lemma average_inner (x : H) : average x = @inner H x (fun _ => 1).
Proof. apply expect_ext; intros o. symmetry. exact (Rmult_1_r (x o)). Qed.

Lemma average_add (x y : H) a : average (x + a * y)%V = average x + a * average y.
Proof. rewrite !average_inner. autorewrite with inner. ring. Qed.

Lemma expect_five (A B C D : coins n -> R) a a' c e : expect (fun o => A o + a * B o + a' * C o + c * D o + e)
  = expect A + a * expect B + a' * expect C + c * expect D + e.
Proof. now rewrite !expect_add, !expect_scale, expect_const. Qed.

Lemma means k : (k <= n)%nat -> average (w (S k)) = - (alpha * rest)
  /\ average (dual k 0%nat) = alpha * rest - rest /\ average (dual k 1%nat) = alpha * rest.
Proof.
  induction k as [|k IH]; intros K.
  - rewrite first_place. repeat split; cbn [trace snd begin_dual]; unfold begin_w, begin_dual; apply expect_const.
  - destruct (IH ltac:(lia)) as [W [D0 D1]]. destruct (all_known k) as [Kw [K0 K1]].
    assert (O1 : expect (fun o => coin n k o) = 0).
    { assert (U := coin_unbiased n k (fun _ => 1) ltac:(easy)). rewrite <- U. apply expect_ext; intros o.
      symmetry. exact (Rmult_1_l (coin n k o)). }
    assert (Uw := coin_unbiased n k _ Kw). assert (U0 := coin_unbiased n k _ K0).
    assert (Fixed := rest_fixed).
    assert (N0 : average (dual (S k) 0%nat) = alpha * rest - rest).
    { set (h := (2 + b) / (2 * (1 + b))). set (h' := b / (2 * (1 + b))).
      transitivity (expect (fun o => dual k 0%nat o + (- h) * (w (S k) o + dual k 0%nat o) + (- h') *
        (w (S k) o * coin n k o + dual k 0%nat o * coin n k o)
        + (- h) * coin n k o + - h')).
      - apply expect_ext; intros o. rewrite dual_first. unfold stiff, h, h'. cbn [pred].
        destruct (coin_sign n k ltac:(lia) o) as [-> | ->]; field; repeat split; try lra.
        replace (s1 * 2 + b * s1 * 2) with (2 * s1 * (1 + b)) by ring. assert (0 < 2 * s1 * (1 + b)) by positive. lra.
      - set (x := w (S k) : coins n -> R) in *. set (p := dual k 0%nat : coins n -> R) in *. clearbody x p.
        rewrite (expect_five p (fun o => x o + p o) (fun o => x o * coin n k o + p o * coin n k o) (coin n k)).
        rewrite (expect_add _ x p), (expect_add _ (fun o => x o * coin n k o) (fun o => p o * coin n k o)).
        assert (Ux : expect (fun o => x o * coin n k o) = 0) by exact Uw.
        assert (Up : expect (fun o => p o * coin n k o) = 0) by exact U0.
        assert (Uc : expect (coin n k) = 0) by exact O1. rewrite Ux, Up, Uc, W, D0. unfold h, h'.
        unfold rest. field. lra. }
    assert (N1 : average (dual (S k) 1%nat) = alpha * rest).
    { rewrite dual_second, average_inner, inner_scale, <- average_inner, W. ring. }
    split; [|split; [exact N0|exact N1]]. rewrite next_place, average_inner. autorewrite with inner.
    rewrite <- !average_inner, W, D0, D1, N0, N1. ring.
Qed.

Lemma square_mean (x : coins n -> R) a : 2 * a * expect x + - (a * a) <= expect (fun o => x o * x o).
Proof.
  rewrite <- expect_scale, <- (expect_const (coins n) (- (a * a))), <- expect_add. apply expect_le; intros o.
  assert (Q := Rle_0_sqr (x o - a)). unfold Rsqr in Q. lra.
Qed.

Theorem gradient_stays k : (k <= n)%nat -> (alpha * rest) ^ 2 <= ‖w (S k)‖².
Proof.
  intros K. destruct (means k K) as [W _]. assert (Q := square_mean (w (S k)) (- (alpha * rest))). rewrite W in Q.
  eapply Rle_trans; [|exact Q]. lra.
Qed.

(** ** The hypotheses hold *)
Notation F := (fun _ : nat => expected (fun x : line => 1 / 2 * (x * x)) : H -> R).
Notation G := (fun (_ : nat) (x : H) => 1 * x)%V.
Definition draws (i : nat) : R := match i with O => 1 | S _ => 0 end.

Lemma its_noise k i : noise H G grad (fun l => w l) k i = draw (S k) i.
Proof. unfold noise. set (x := w (S k)). clearbody x. set (y := draw (S k) i). clearbody y. vector. Qed.

Theorem its_batches : batches H 2 weight_of 0 1 unequal unequal clipping F G grad (fun l => w l) (fun l => local l)
  (fun l => dual l)
  (fun _ => b) (fun k => known k) draws (alpha ^ 2).
Proof.
  split.
  - split; [intros [|i] _; unfold weight_of; lra|]. simpl. unfold weight_of. lra.
  - lra.
  - lra.
  - intros i _. exact (proj1 (expected_square (coins n) 1 ltac:(lra))).
  - exact its_rounds.
  - intros k i _. apply unequal_positive.
  - intros k. lra.
  - intros k [|i] x y _; cbn [clipping].
    + apply along_symmetric. intros o a a'. cbn. ring.
    + now rewrite inner_zero, inner_zero_r.
  - intros k [|i] x _; cbn [clipping].
    + cbn [unequal]. apply (along_bounded (coins n) line). intros o a.
      assert (B := stiff_bounds (S k) o). cbn -[stiff]. assert (Q := Rle_0_sqr a). unfold Rsqr in Q. cbn in *. nra.
    + rewrite inner_zero. assert (B := unequal_positive (S k) (S i)). assert (P := inner_nonneg _ x). split; [lra|].
      apply Rmult_le_pos; [apply Rmult_le_pos; lra|exact P].
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
  - intros k. replace (mean H 2 weight_of (noise H G grad (fun l => w l) k)) with (alpha * (coin n k : H))%V.
    + assert (M := coin_variance_most n k). autorewrite with inner. set (x := @inner H (coin n k) (coin n k)) in *.
      change (x <= 1) in M. assert (0 <= alpha * alpha) by nra. nra.
    + unfold mean, weight_of. cbn [total]. rewrite !its_noise. cbn [draw pred]. set (y := coin n k : H).
      clearbody y. vector.
Qed.

Lemma its_clip k i (x : H) : ⟨clipping (S k) i x, x⟩ <= b * s1 * ‖x‖².
Proof.
  destruct i as [|i]; cbn [clipping].
  - apply (along_bounded (coins n) line (fun o a => stiff (S k) o * a) (b * s1)). intros o a.
    assert (B := stiff_bounds (S k) o). assert (Q := Rle_0_sqr a). unfold Rsqr in Q. cbn -[stiff] in *. nra.
  - rewrite inner_zero. assert (P := inner_nonneg _ x). assert (0 <= b * s1) by (apply Rmult_le_pos; lra).
    apply Rmult_le_pos; [lra|exact P].
Qed.

Lemma its_slope k : slope 2 weight_of 0 G (w (S k)) = w (S k).
Proof. unfold slope, mean, weight_of. cbn [total]. set (x := w (S k)). clearbody x. vector. Qed.
End Counterexample.
