(** The hypotheses of N4 hold somewhere: F = x^2/2, coin flips as noise, a preconditioner that looks at the coin it is used
    with, penalties made of the squares; every number stays bounded for all time. *)

From PISA Require Export AdaGradNorm AdaGradPaths.

(** What a round leaves: the server's point, the local model, the multiplier, and the sum under the penalty's power. *)
Record standing := Standing { point_of : R; local_of : R; dual_of : R; sum_of : R }.

Fixpoint some_outcome n : coins n := match n return coins n with O => tt | S n => inl (some_outcome n) end.

Section Coins.
Variables (theta : R) (n : nat).
Hypothesis exponent : / 2 <= theta <= 1.
Notation pen x := (Rpower x theta).
(** rho Q is 1 where the coin says 1, and 0 where it says -1. *)
Definition brake c := (1 + c) / 2.
Definition turn c (z : standing) : standing :=
  let s := pen (sum_of z) in let w := local_of z + dual_of z / s in let g := w + c in let e := g + dual_of z in
  let d := - e / (s + brake c) in Standing w (w + d) (dual_of z + s * d) (sum_of z + 2 / 5 * (g * g + e * e)).
Fixpoint trace (o : coins n) l : standing :=
  match l with O => Standing 1 1 0 100 | S l => turn (coin n l o) (trace o l) end.
Notation w := (fun l o => (point_of (trace o l) : line)).
Notation local := (fun l (_ : nat) o => (local_of (trace o l) : line)).
Notation dual := (fun l (_ : nat) o => (dual_of (trace o l) : line)).
(** The sum that step k's penalty is made of is that of the round before. *)
Definition total_of l (o : coins n) := match l with O => 100 | S l => sum_of (trace o l) end.
Notation grad := (fun l (_ : nat) o => (point_of (trace o l) + coin n (pred l) o : line)).
Notation bend := (fun l (_ : nat) o (x : line) => (brake (coin n (pred l) o) * x)%V).
Notation one := (fun _ : nat => 1).

Lemma penalty_range x a : 100 <= x -> 0 <= a <= 125 -> 10 <= pen x /\ pen x <= pen (x + 2 / 5 * a) <= 3 / 2 * pen x.
Proof.
  intros X A. split.
  - apply Rle_trans with (Rpower 100 (/ 2)).
    + rewrite Rpower_sqrt by lra. replace 100 with (10 * 10) by ring. rewrite sqrt_square; lra.
    + apply Rle_trans with (Rpower 100 theta); [apply Rle_Rpower; lra|apply Rle_Rpower_l; lra].
  - split; [apply Rle_Rpower_l; lra|]. apply Rle_trans with (Rpower (3 / 2 * x) theta); [apply Rle_Rpower_l; lra|].
    rewrite <- Rpower_mult_distr by lra. apply Rmult_le_compat_r; [apply Rlt_le, power_positive|].
    rewrite <- (Rpower_1 (3 / 2)) at 2 by lra. apply Rle_Rpower; lra.
Qed.

Lemma brake_range k o : 0 <= brake (coin n k o) <= 1.
Proof. assert (B := coin_bounds n k o). unfold brake. lra. Qed.

(** A round keeps the server's next point in [-4, 4] and the multiplier in [-5, 5]. *)
Definition tame z := 100 <= sum_of z /\ -4 <= local_of z + dual_of z / pen (sum_of z) <= 4 /\ -5 <= dual_of z <= 5.

Lemma squares_most z c : tame z -> -1 <= c <= 1 -> let g := local_of z + dual_of z / pen (sum_of z) + c in
  0 <= g * g + (g + dual_of z) * (g + dual_of z) <= 125.
Proof.
  intros [_ [W D]] C g. assert (G : -5 <= g <= 5) by (unfold g; lra). clearbody g.
  assert (0 <= (5 - g) * (5 + g)) by (apply Rmult_le_pos; lra).
  assert (0 <= (10 - (g + dual_of z)) * (10 + (g + dual_of z))) by (apply Rmult_le_pos; lra). nra.
Qed.

Lemma turn_tame z k o : tame z -> tame (turn (coin n k o) z).
Proof.
  intros T. assert (C := coin_bounds n k o). assert (Sq := squares_most z _ T C). cbv zeta in Sq.
  destruct T as [X [W D]]. assert (B := brake_range k o). set (c := coin n k o) in *. set (b := brake c) in *.
  set (s := pen (sum_of z)) in *. set (w0 := local_of z + dual_of z / s) in *. set (p := dual_of z) in *.
  destruct (penalty_range (sum_of z) _ X Sq) as [S10 [Up Most]]. fold s in S10, Up, Most.
  set (x' := sum_of z + 2 / 5 * _) in *.
  unfold tame, turn. cbn [sum_of local_of dual_of point_of]. fold s p. fold w0. fold b.
  change (sum_of z + 2 / 5 * ((w0 + c) * (w0 + c) + (w0 + c + p) * (w0 + c + p))) with x'.
  set (s' := pen x') in *. assert (Px : 100 <= x') by (unfold x'; lra).
  set (u := / (s + b)). set (t := / s'). assert (U : 0 < u <= / 10).
  { unfold u. split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra. }
  assert (T0 : 0 < t <= / 10).
  { unfold t. split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra. }
  assert (Us : s * u = 1 - b * u) by (unfold u; field; lra).
  assert (Tu : 2 * u <= 3 * t).
  { unfold u, t. apply Rmult_le_reg_l with ((s + b) * s'); [apply Rmult_lt_0_compat; lra|].
    replace ((s + b) * s' * (2 * / (s + b))) with (2 * s') by (field; lra).
    replace ((s + b) * s' * (3 * / s')) with (3 * (s + b)) by (field; lra). lra. }
  assert (F1 : forall y, y / (s + b) = y * u) by easy. assert (F2 : forall y, y / s' = y * t) by easy.
  rewrite !F1, !F2. set (e := w0 + c + p). assert (P' : p + s * (- e * u) = p - e + b * u * e).
  { replace (p + s * (- e * u)) with (p - e * (s * u)) by ring. rewrite Us. ring. }
  rewrite P'. assert (Bu : 0 <= b * u <= / 10) by nra. assert (Bt : 0 <= t * b <= / 10) by nra.
  assert (Btu : 0 <= t * b * u) by (apply Rmult_le_pos; lra). assert (Btu' : t * b * u <= / 10 * u) by (apply Rmult_le_compat_r; lra).
  assert (Q1 : 0 <= u * (1 - t * b)) by (apply Rmult_le_pos; lra). split; [exact Px|split].
  - assert (E : w0 + - e * u + (p - e + b * u * e) * t = w0 * (1 - u - t + t * b * u) - p * (u * (1 - t * b))
      - c * (u + t - t * b * u)) by (unfold e; ring). rewrite E.
    assert (A1 : 0 <= (4 - w0) * (1 - u - t + t * b * u)) by (apply Rmult_le_pos; lra).
    assert (A2 : 0 <= (4 + w0) * (1 - u - t + t * b * u)) by (apply Rmult_le_pos; lra).
    assert (A3 : 0 <= (5 - p) * (u * (1 - t * b))) by (apply Rmult_le_pos; lra).
    assert (A4 : 0 <= (5 + p) * (u * (1 - t * b))) by (apply Rmult_le_pos; lra).
    assert (A5 : 0 <= (1 - c) * (u + t - t * b * u)) by (apply Rmult_le_pos; lra).
    assert (A6 : 0 <= (1 + c) * (u + t - t * b * u)) by (apply Rmult_le_pos; lra). lra.
  - replace (p - e + b * u * e) with (b * u * p - (1 - b * u) * (w0 + c)) by (unfold e; ring).
    assert (A1 : 0 <= b * u * (5 - p)) by (apply Rmult_le_pos; lra). assert (A2 : 0 <= b * u * (5 + p)) by (apply Rmult_le_pos; lra).
    assert (A3 : 0 <= (1 - b * u) * (5 - (w0 + c))) by (apply Rmult_le_pos; lra).
    assert (A4 : 0 <= (1 - b * u) * (5 + (w0 + c))) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma always_tame o l : tame (trace o l).
Proof.
  induction l as [|l IH]; [|now apply turn_tame]. unfold tame. cbn. unfold Rdiv. rewrite Rmult_0_l. lra.
Qed.

Lemma trace_known k o o' : agree n k o o' -> trace o k = trace o' k.
Proof.
  induction k as [|k IH]; intros A; [reflexivity|]. cbn [trace]. rewrite (A k (Nat.lt_succ_diag_r k)), IH; [easy|].
  intros j J. apply A. lia.
Qed.

Lemma coin_rounds o : metric_rounds line 1 self 1 one 0 (fun l _ => pen (total_of l o)) (fun l i => bend l i o)
  (fun l i => grad l i o) (fun l => w l o) (fun l i => local l i o) (fun l i => dual l i o).
Proof.
  assert (Diag : forall (a : nat -> R) (x : line), diagonal line 1 self a x = a 0%nat * x)
    by (intros; unfold diagonal; cbn; ring).
  split.
  - intros i. reflexivity.
  - intros l. rewrite Diag. unfold Algorithm.mean. cbn [total]. rewrite Diag. destruct (always_tame o l) as [X _].
    destruct (penalty_range _ 0 X ltac:(lra)) as [P _]. cbn. unfold brake. field. lra.
  - intros l i _. unfold Algorithm.deviation. rewrite Diag. destruct (always_tame o l) as [X _].
    destruct (penalty_range _ 0 X ltac:(lra)) as [P _]. assert (B := brake_range l o). cbn. field. lra.
  - intros l i. unfold Algorithm.deviation. rewrite Diag. cbn. ring.
Qed.

Lemma coin_square k o : block_square line self 1 one 0 (fun l i => grad l i o) (fun l => w l o) (fun l i => dual l i o) k 0
  = 5 / 2 * (sum_of (trace o (S k)) - sum_of (trace o k)).
Proof. unfold block_square, drawn, spread, seen, Algorithm.mean. cbn.
  assert (Pp := power_positive (sum_of (trace o k)) theta). field. lra.
Qed.

Lemma coin_fair k (x : coins n -> line) : (forall o o', agree n k o o' -> x o = x o') -> @expect (coins n) (fun o =>
  @inner line (x o) (mean line 1 one (fun i => grad (S k) i o) + 0 * w (S k) o - w (S k) o)%V) = 0.
Proof.
  intros X. rewrite (expect_ext (coins n) _ (fun o => x o * coin n k o)).
  - exact (coin_unbiased n k x X).
  - intros o. unfold Algorithm.mean. cbn. ring.
Qed.

Lemma half_square_smooth : @smooth line 1 (fun x => / 2 * (x * x)) (fun x => x).
Proof.
  split.
  - apply (gradient_of_remainder line (/ 2) (fun x : line => / 2 * (x * x)) (fun x : line => x)); [lra|].
    intros x d. cbn in *. apply Rabs_le. split; nra.
  - intros x y. cbn in *. nra.
Qed.

Lemma brake_blockwise k o : @blockwise line 1 self (fun _ => 1) (fun x => brake (coin n k o) * x)%V.
Proof.
  assert (B := brake_range k o). split.
  - intros x y. cbn. ring.
  - easy.
  - intros j x _. cbn in *. assert (0 <= x * x) by nra. split; [replace (brake (coin n k o) * x * x) with
      (brake (coin n k o) * (x * x)) by ring; apply Rmult_le_pos; lra|nra].
Qed.

Theorem coin_powers : / 2 < theta -> powers (coins n) line 1 one 0 1 (2 / 5) 12 theta 1 0 100 total_of bend grad w local dual
  (fun x => / 2 * (x * x)) (fun x => x) (agree n).
Proof.
  intros T. split.
  - exact coin_rounds.
  - split; [intros; lra|simpl; ring].
  - reflexivity.
  - intros k o. unfold square_of. rewrite coin_square. cbn [total_of]. field.
  - intros k i o _. apply brake_blockwise.
  - intros k o. unfold square_of. rewrite coin_square. assert (Q := squares_most _ _ (always_tame o k) (coin_bounds n k o)).
    cbn in *. lra.
  - exact half_square_smooth.
  - lra.
  - intros y. cbn in *. nra.
  - intros k o o' A. assert (E := trace_known k o o' A). repeat split; [|intros; now rewrite E|cbn [total_of]; now rewrite E].
    cbn [trace]. unfold turn. cbn [point_of]. now rewrite E.
  - intros k o o' o''. repeat split; unfold agree in *; intros; [symmetry; auto|].
    eapply eq_trans; [apply H; assumption|apply H0; assumption].
  - exact coin_fair.
Qed.
End Coins.

(** The rule sigma_(k+1)^2 = sigma_k^2 + c_0 a_k is the exponent 1/2; the last lines are the hypotheses of (b). *)
Theorem N4_inhabited n : let one := fun _ : nat => 1 in let F := fun _ : nat => (fun x : line => / 2 * (x * x)) in
  let G := fun _ : nat => (fun x : line => x) in
  exists sigma bend grad w local dual, adagrad (coins n) line 1 self 1 one 0 (1 + 0) (2 / 5) 12 10 1 0
  (fun _ => 10) sigma bend grad w local dual (objective 1 one 0 F) (Objective.slope 1 one 0 G) (agree n) /\
  (forall o, w 1%nat o = 1) /\ ((0 < n)%nat -> exists o o', bend 1%nat 0%nat o 1 = 1 /\ bend 1%nat 0%nat o' 1 = 0) /\
  (forall i, smooth 1 (F i) (G i)) /\ (forall k i (x : coins n -> line), (forall o o', agree n k o o' -> x o = x o') ->
    expect (fun o => ⟨x o, grad (S k) i o - G i (w (S k) o)⟩) = 0) /\
  (forall k i, expect (fun o => ‖grad (S k) i o - G i (w (S k) o)‖²) <= 1) /\
  forall k, expect (fun o => ‖mean line 1 one (fun i => grad (S k) i o - G i (w (S k) o))%V‖²) <= 1.
Proof.
  intros one F G. assert (Half : / 2 <= / 2 <= 1) by lra. assert (Ten : Rpower 100 (/ 2) = 10)
    by (rewrite Rpower_sqrt by lra; replace 100 with (10 * 10) by ring; apply sqrt_square; lra).
  exists (fun l _ o => Rpower (total_of (/ 2) n l o) (/ 2)). do 5 eexists.
  split; [|split; [|split; [|split; [|split; [|split]]]]].
  - split.
    + exact (coin_rounds (/ 2) n Half).
    + split; [intros; unfold one; lra|unfold one; simpl; ring].
    + intros k j o _. apply power_positive.
    + intros j o _. cbn [total_of trace sum_of]. rewrite Ten. lra.
    + intros k [|j] o J; [|lia]. unfold square_of. rewrite coin_square. cbn [total_of].
      assert (Sq : forall x, 0 < x -> Rpower x (/ 2) ^ 2 = x)
        by (intros x X; rewrite Rpower_sqrt by exact X; rewrite <- Rsqr_pow2; apply Rsqr_sqrt; lra).
      rewrite !Sq; [field| |]; [destruct (always_tame (/ 2) n Half o k) as [X _]|destruct (always_tame (/ 2) n Half o (S k))
        as [X _]]; lra.
    + intros k i o _. apply brake_blockwise.
    + intros k [|j] o J; [|lia]. unfold square_of. rewrite coin_square.
      assert (Q := squares_most (/ 2) _ _ (always_tame (/ 2) n Half o k) (coin_bounds n k o)). cbn in *. lra.
    + apply objective_smooth; try lra; [split; [intros; unfold one; lra|unfold one; simpl; ring]|].
      intros i _. exact half_square_smooth.
    + lra.
    + intros y. unfold objective, F, one. cbn in *. nra.
    + intros k o o' A. assert (E := trace_known (/ 2) n k o o' A).
      repeat split; [|intros; now rewrite E|intros; cbn [total_of]; now rewrite E].
      cbn [trace]. unfold turn. cbn [point_of]. now rewrite E.
    + intros k x X. rewrite <- (coin_fair (/ 2) n k x X). apply expect_ext. intros o. unfold Objective.slope, Algorithm.mean, G, one.
      cbn. ring.
  - intros o. cbn. unfold Rdiv. ring.
  - intros N. assert (One := coin_variance n 0 N). assert (Mean := coin_unbiased n 0 (fun _ => 1) ltac:(easy)).
    destruct n as [|n]; [lia|]. exists (inl (some_outcome n)), (inr (some_outcome n)). unfold brake. cbn. lra.
  - intros i. exact half_square_smooth.
  - intros k i x X. rewrite (expect_ext (coins n) _ (fun o => x o * coin n k o)).
    + exact (coin_unbiased n k x X).
    + intros o. unfold G. cbn. ring.
  - intros k i. eapply Rle_trans; [|exact (coin_variance_most n k)]. apply Req_le, expect_ext. intros o. unfold G. cbn. ring.
  - intros k. eapply Rle_trans; [|exact (coin_variance_most n k)]. apply Req_le, expect_ext. intros o.
    unfold Algorithm.mean, G, one. cbn. ring.
Qed.
Print Assumptions coin_powers.
Print Assumptions N4_inhabited.
