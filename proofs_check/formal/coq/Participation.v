(** N7 (a): clients that are present with a conditional probability of at least [chance], in any dependence.

    Probability: a finite space of Probability.v; which clients are present in round k is a function of the outcome, and
    [same k] says which outcomes cannot be told apart before round k. *)

From PISA Require Export Contractive FiniteSpaces.

Section Participation.
Variables (P : probability) (V : space).
Notation H := (random P V).
Variables (m : nat) (weight : nat -> R) (ridge beta chance : R) (penalty : nat -> nat -> R).
Variables (rho_Q : nat -> nat -> P -> V -> V) (present : nat -> nat -> P -> bool).
(** The gradients that those who are present use. *)
Variables (used : nat -> nat -> P -> V) (w : nat -> P -> V) (local dual : nat -> nat -> P -> V).
Notation rate := (rate m weight ridge penalty).
Notation gap l i o := (local l i o - w l o)%V.

(** Algorithm 1 for those who are present; an absent client keeps its multiplier, and its point is the server's. *)
Record partial : Prop := {
  server_line : forall l o, (rate l * w (S l) o = mean V m weight (fun i => penalty l i * local l i o + dual l i o))%V;
  present_line : forall l i o, (i < m)%nat -> present (S l) i o = true ->
    (penalty (S l) i * gap (S l) i o + rho_Q (S l) i o (gap (S l) i o) = - (dual l i o + used (S l) i o))%V;
  absent_line : forall l i o, (i < m)%nat -> present (S l) i o = false -> local (S l) i o = w (S l) o;
  multiplier_line : forall l i o, (dual (S l) i o = dual l i o + penalty (S l) i * gap (S l) i o)%V
}.
Hypothesis run : partial.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis penalty_positive : forall l i, (i < m)%nat -> 0 < penalty l i.
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis symmetric : forall l i o x y, (i < m)%nat -> ⟨rho_Q l i o x, y⟩ = ⟨x, rho_Q l i o y⟩.
Hypothesis operators : forall l i o x, (i < m)%nat -> 0 <= ⟨rho_Q l i o x, x⟩ <= beta * penalty l i * ‖x‖².
Hypothesis chance_range : 0 < chance <= 1.

(** What is not yet known of round k + 1: whoever is present is so with probability at least [chance], given the past.
    *)
Variable same : nat -> P -> P -> Prop.
Definition known k {A : Type} (x : P -> A) := forall o o', same k o o' -> x o = x o'.
Record likely k : Prop := {
  gradients_known : forall i, (i < m)%nat -> known k (used (S k) i);
  multipliers_known : forall i, (i < m)%nat -> known k (dual k i);
  often_present : forall i (f : P -> R), (i < m)%nat -> (forall o, 0 <= f o) -> known k f ->
    chance * expect f <= expect (fun o => if present (S k) i o then f o else 0)
}.

Notation taken l i o := (- penalty (S l) i * gap (S l) i o)%V.
Definition error_of k i : H := fun o => (used (S k) i o + dual k i o)%V.
Definition kept_of k i : H := fun o => (error_of k i o - taken k i o)%V.
Definition q := beta / (1 + beta).
Definition u := sqrt (1 - chance * (1 - q ^ 2)).

Lemma q_range : 0 <= q < 1.
Proof.
  unfold q. split; [apply quotient; lra|]. apply Rmult_lt_reg_r with (1 + beta); [lra|]. unfold Rdiv.
  rewrite Rmult_assoc, Rinv_l; lra.
Qed.

Lemma u_square : 0 <= 1 - chance * (1 - q ^ 2) < 1 /\ u ^ 2 = 1 - chance * (1 - q ^ 2) /\ 0 <= u < 1.
Proof.
  assert (Q := q_range). assert (Q2 : 0 < 1 - q ^ 2 <= 1) by nra.
  assert (B : 0 <= 1 - chance * (1 - q ^ 2) < 1) by nra. assert (S := sqrt_sqrt _ (proj1 B)). fold u in S.
  assert (N : 0 <= u) by apply sqrt_pos. split; [exact B|split; [simpl; lra|split; [exact N|nra]]].
Qed.

(** One client, present or not. *)
Lemma client_outcome k i o : (i < m)%nat ->
  ‖kept_of k i o‖² <= ‖error_of k i o‖² - (1 - q ^ 2) * (if present (S k) i o then ‖error_of k i o‖² else 0) /\
  ‖2 * taken k i o - error_of k i o‖² <= ‖error_of k i o‖².
Proof.
  intros I. unfold kept_of. destruct (present (S k) i o) eqn:Here.
  - assert (Line := present_line run k i o I Here). set (d := gap (S k) i o) in *.
    assert (Kept : (error_of k i o - - penalty (S k) i * d)%V = (- rho_Q (S k) i o d)%V).
    { unfold error_of. apply separated; intros z. apply (f_equal (fun x => ⟨x, z⟩)) in Line. autorewrite with inner in
      *.
      lra. }
    assert (Pp := penalty_positive (S k) i I).
    assert (Sec := sector V (rho_Q (S k) i o) (beta * penalty (S k) i) d (fun x y => symmetric (S k) i o x y I)
      (fun x => operators (S k) i o x I) ltac:(nra)).
    assert (Pos := proj1 (operators (S k) i o d I)). set (y := rho_Q (S k) i o d) in *. set (p := penalty (S k) i) in *.
    set (e := error_of k i o) in *. assert (E : e = (- p * d + - y)%V).
    { apply separated; intros z. apply (f_equal (fun x => ⟨x, z⟩)) in Kept. autorewrite with inner in *. lra. }
    rewrite Kept, E. clearbody d y p e. clear Line Kept E. rewrite (inner_sym V y d) in Sec, Pos. split.
    + destruct (Req_dec beta 0) as [Z|N].
      * rewrite (norm_zero V y) by (rewrite Z in Sec; lra). unfold q. rewrite Z. right. expand_goal. field.
      * assert (B : 0 < beta) by lra.
        assert (W1 : 0 <= 2 * (beta + 1) / (1 + beta) ^ 2) by (apply quotient; nra).
        assert (W2 : 0 <= beta ^ 2 / (1 + beta) ^ 2) by (apply quotient; nra).
        refine (conclude _ _ _ (plus (row _ _ _ Sec W1) (square (beta ^ 2 / (1 + beta) ^ 2) (p * d - / beta * y)%V
          W2)) _).
        unfold q. expand_goal. field. lra.
    + assert (W : 0 <= 4 * p) by lra. refine (conclude _ _ _ (row _ _ _ Pos W) _). expand_goal. field.
  - rewrite (absent_line run k i o I Here). split; right; expand_goal; ring.
Qed.

Lemma server_outcome k o : (rate (S k) * (w (S (S k)) o - w (S k) o) = - (mean V m weight (fun i => used (S k) i o) +
  ridge * w (S k) o + mean V m weight (fun i => 2 * taken k i o - error_of k i o)))%V.
Proof.
  apply separated; intros z. assert (E := f_equal (fun x => ⟨x, z⟩) (server_line run (S k) o)); cbv beta in E.
  rewrite inner_mean in E. autorewrite with inner in *. rewrite Rmult_plus_distr_l, E, !inner_mean.
  rewrite (sum_ext m (fun i => weight i * ⟨penalty (S k) i * local (S k) i o + dual (S k) i o, z⟩)
    (fun i => ⟨w (S k) o, z⟩ * (weight i * penalty (S k) i) + (-1 * (weight i * ⟨used (S k) i o, z⟩) +
      -1 * (weight i * ⟨2 * taken k i o - error_of k i o, z⟩)))).
  - rewrite !sum_add, !sum_scale. unfold Algorithm.rate. ring.
  - intros i _. rewrite (multiplier_line run). unfold error_of. expand_goal. ring.
Qed.

(** In the mean over who is present. *)
Lemma kept_expected k i : likely k -> (i < m)%nat -> ‖kept_of k i‖² <= u ^ 2 * ‖error_of k i‖².
Proof.
  intros Lik I. destruct u_square as [_ [U _]]. rewrite U. cbn. set (f := fun o => ‖error_of k i o‖²).
  assert (Known : known k f).
  { intros o o' S. unfold f, error_of.
    now rewrite (gradients_known k Lik i I o o' S), (multipliers_known k Lik i I o o' S). }
  assert (Often := often_present k Lik i f I (fun o => inner_nonneg V _) Known).
  apply Rle_trans with (expect (fun o => f o + - (1 - q ^ 2) * (if present (S k) i o then f o else 0))).
  - apply expect_le; intros o. assert (K := proj1 (client_outcome k i o I)). unfold f. lra.
  - rewrite expect_add, expect_scale. change (fun o => ⟨error_of k i o, error_of k i o⟩) with f.
    assert (Q : 0 < 1 - q ^ 2) by (assert (Q := q_range); nra). nra.
Qed.

Definition heard_of k : H := mean H m weight (fun i => (fun o => 2 * taken k i o - error_of k i o) : H)%V.

Lemma heard_expected k : ‖heard_of k‖² <= sum m (fun i => weight i * ‖error_of k i‖²).
Proof.
  eapply Rle_trans; [apply jensen; apply weights|]. apply sum_le. intros i I.
  apply Rmult_le_compat_l; [now apply weights|]. cbn. apply expect_le; intros o. now apply client_outcome.
Qed.

Lemma error_turns k i o : error_of (S k) i o = (kept_of k i o + (used (S (S k)) i o - used (S k) i o))%V.
Proof. unfold kept_of, error_of. rewrite (multiplier_line run). vector. Qed.
End Participation.

(** Sums and objectives in the mean. *)
Lemma expect_sum (P : probability) n (f : nat -> P -> R) : expect (fun o => sum n (fun i => f i o)) = sum n (fun i =>
  expect (f i)).
Proof. induction n as [|n IH]; simpl; [apply expect_const|]. now rewrite expect_add, IH. Qed.

Lemma expected_objective (P : probability) (V : space) m weight ridge F (x : random P V) :
  Preconditioned.objective (random P V) m weight ridge (fun i => expected (F i)) x
    = expect (fun o => Preconditioned.objective V m weight ridge F (x o)).
Proof.
  unfold Preconditioned.objective. rewrite expect_add, expect_sum, expect_scale. f_equal. apply sum_ext. intros i _.
  now rewrite expect_scale.
Qed.

Lemma expected_slope (P : probability) (V : space) m weight ridge G (x : random P V) :
  ‖Preconditioned.slope (random P V) m weight ridge (fun i => pathwise (G i)) x‖²
    = expect (fun o => ‖Preconditioned.slope V m weight ridge G (x o)‖²).
Proof. apply expect_ext; intros o. unfold Preconditioned.slope. cbn. now rewrite mean_outcome. Qed.

Lemma expected_least (P : probability) (V : space) m weight ridge F least :
  (forall x, least <= Preconditioned.objective V m weight ridge F x) ->
  forall x : random P V, least <= Preconditioned.objective (random P V) m weight ridge (fun i => expected (F i)) x.
Proof.
  intros B x. rewrite expected_objective, <- (expect_const P least). apply expect_le; intros o. apply B.
Qed.

(** ** Present gradients *)
Section Present.
Variables (P : probability) (V : space).
Notation H := (random P V).
Variables (m : nat) (weight : nat -> R) (ridge beta chance L least : R) (penalty : nat -> nat -> R).
Variables (rho_Q : nat -> nat -> P -> V -> V) (present : nat -> nat -> P -> bool).
Variables (F : nat -> V -> R) (G : nat -> V -> V) (w : nat -> P -> V) (local dual : nat -> nat -> P -> V).
Notation used := (fun l i o => G i (w l o)).
Notation rate := (rate m weight ridge penalty).
Hypothesis run : partial P V m weight ridge penalty rho_Q present used w local dual.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis penalty_positive : forall l i, (i < m)%nat -> 0 < penalty l i.
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis symmetric : forall l i o x y, (i < m)%nat -> ⟨rho_Q l i o x, y⟩ = ⟨x, rho_Q l i o y⟩.
Hypothesis operators : forall l i o x, (i < m)%nat -> 0 <= ⟨rho_Q l i o x, x⟩ <= beta * penalty l i * ‖x‖².
Hypothesis chance_range : 0 < chance <= 1.
Variable same : nat -> P -> P -> Prop.
Notation u := (u beta chance).
Notation error_of := (error_of P V used dual).
Notation kept_of := (kept_of P V penalty used w local dual).
Notation heard_of := (heard_of P V m weight penalty used w local dual).
Notation likely := (likely P V m chance present used dual same).

Theorem partial_contracts k : likely k ->
  contracts H m weight ridge 1 u (fun i => pathwise (G i)) (fun k => w (S k)) error_of kept_of heard_of
    (fun k => rate (S k)) k.
Proof.
  intros Lik. split.
  - apply functional_extensionality; intros o. cbn. unfold Preconditioned.slope, Participation.heard_of. cbn.
    rewrite !mean_outcome. exact (server_outcome P V m weight ridge penalty rho_Q present used w local dual run k o).
  - rewrite Rmult_1_l. exact (heard_expected P V m weight ridge beta penalty rho_Q present used w local dual run weights
      penalty_positive beta_nonneg symmetric operators k).
  - intros i I. apply functional_extensionality; intros o.
    exact (error_turns P V m weight ridge penalty rho_Q present used w local dual run k i o).
  - unfold spread. rewrite <- sum_scale. apply sum_le. intros i I.
    replace (u ^ 2 * (weight i * ‖error_of k i‖²)) with (weight i * (u ^ 2 * ‖error_of k i‖²)) by ring.
    apply Rmult_le_compat_l; [now apply weights|].
    exact (kept_expected P V m weight ridge beta chance penalty rho_Q present used w local dual run
      penalty_positive beta_nonneg symmetric operators chance_range same k i Lik I).
Qed.

(** The potential, in expectation; s_k is [rate (S k)], w_k is [w (S k)], pi_i^k is [dual k i]. *)
Definition expected_potential k := expect (fun o => Preconditioned.objective V m weight ridge F (w (S k) o)) +
  1 / (2 * (1 - u)) / rate (S k) * sum m (fun i => weight i * expect (fun o => ‖G i (w (S k) o) + dual k i o‖²)).

Hypothesis bounded : forall x, least <= Preconditioned.objective V m weight ridge F x.

Theorem N7_participation N : 0 < rate (S N) ->
  (forall k, (k < N)%nat -> likely k /\ 0 < rate (S k) <= rate (S (S k)) /\
    L ^ 2 / (1 - sqrt (1 - chance * (1 - (beta / (1 + beta)) ^ 2))) ^ 2 <= (rate (S k) - ridge - L) * rate (S k)) ->
  (forall k, (k < N)%nat -> expected_potential (S k) <= expected_potential k -
    expect (fun o => ‖Preconditioned.slope V m weight ridge G (w (S k) o)‖²) / (2 * rate (S k))) /\
  sum N (fun k => expect (fun o => ‖Preconditioned.slope V m weight ridge G (w (S k) o)‖²) / (2 * rate (S k)))
    <= expected_potential 0 - least.
Proof.
  intros Pn Rounds. destruct (u_square beta chance beta_nonneg chance_range) as [_ [_ U]].
  assert (Sm : forall i, (i < m)%nat -> @smooth H L (expected (F i)) (pathwise (G i)))
    by (intros i I; exact (expected_smooth P V L (F i) (G i) L_positive (F_smooth i I))).
  assert (Each : forall k, (k < N)%nat ->
    contracts H m weight ridge 1 u (fun i => pathwise (G i)) (fun k => w (S k)) error_of kept_of heard_of
      (fun k => rate (S k)) k /\ large_penalty ridge L 1 u (fun k => rate (S k)) k).
  { intros k K. destruct (Rounds k K) as [Lik [Up Large]]. split; [now apply partial_contracts|split; [exact Up|]].
    eapply Rle_trans; [|exact Large]. right. change (sqrt _) with u. field. lra. }
  assert (Lower := expected_least P V m weight ridge F least bounded).
  assert (Merit : forall k, merit H m weight ridge 1 u (fun i => expected (F i)) (fun k => w (S k)) error_of
    (fun k => rate (S k)) k = expected_potential k).
  { intros k. unfold merit, merit_share, expected_potential, spread. now rewrite expected_objective. }
  split.
  - intros k K. destruct (Each k K) as [Con Large].
    assert (Fall := N7_falls H m weight ridge L 1 u _ _ _ _ _ _ _ weights L_positive Sm ltac:(lra) k Con Large).
    rewrite !Merit, expected_slope in Fall. exact Fall.
  - assert (Sum := N7_sum H m weight ridge L least 1 u _ _ _ _ _ _ _ weights L_positive Sm ltac:(lra) Lower N Pn Each).
    rewrite Merit in Sum. eapply Rle_trans; [|exact Sum]. right. apply sum_ext. intros k _. now rewrite expected_slope.
Qed.
End Present.
