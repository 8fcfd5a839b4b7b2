(** T9-delayed-bias: a preconditioner that knows only the past signs of the noise biases the stationary mean gradient
  too.

    F = x^2/2, one client, beta = 1, L = 1. In round l the noise is sqrt v times coin l + 1, and M = 1/2 after the
      sign +,
    1 after the sign -, where the sign is coin l, tossed one round before. (The three-state chain of the claim does just
    that: its state 1, where M = 1/2, is entered from every state with the sign +.) *)

From PISA Require Export Bias.

Section Delayed.
Variables (kappa v : R).
Hypothesis ranges : 9 / 10 < kappa /\ 0 <= v.
Definition delayed n l (o : coins n) := match l with O => 0 | S l => kappa * ((1 + coin n l o) / 2) end.
Notation c := (3 / 16 * (1 + 2 / kappa) * sqrt v).
Notation bias := (- (kappa + 2) / (4 * kappa) * sqrt v).

Lemma delayed_limit x p : Un_cv (fun l => fst (path kappa (3 / 4) c x p l)) bias.
Proof.
  destruct ranges as [K V]. replace bias with (- c / (3 / 4)) by (field; lra). apply path_limit. split; [lra|split;
    [lra|]].
  assert (3 * (3 / 4) / kappa < 5 / 2); [|lra]. apply Rmult_lt_reg_r with kappa; [lra|]. unfold Rdiv at 1.
  rewrite Rmult_assoc, Rinv_l; lra.
Qed.

Section Run.
Variables (n : nat) (x p : R).
Notation H := (random (coins n) line).
Variables (w : nat -> H) (local dual : nat -> nat -> H).
Hypothesis run : pisa H 1 (fun _ => 1) 0 (fun _ _ => kappa) (multiply n (delayed n)) (noisy n v (fun l => l) w) w
  local dual.
Hypothesis begin : (forall o, w 0%nat o = x - p / kappa) /\ forall o, dual 0%nat 0%nat o = p.

Lemma kappa_above : 0 < kappa.
Proof. lra. Qed.
Notation KP := kappa_above.

Lemma delayed_nonneg l o : 0 <= delayed n l o.
Proof.
  destruct ranges as [K V]. destruct l as [|l]; simpl; [lra|]. apply Rmult_le_pos; [lra|].
  destruct (Nat.lt_ge_cases l n) as [L|L]; [|rewrite (no_more_coins n l L); lra].
  destruct (sign_cases _ (coin_square n l L o)) as [->| ->]; lra.
Qed.

(** Q obeys 0 <= rho Q <= sigma, beta = 1. *)
Lemma delayed_bounded l o : delayed n l o <= kappa.
Proof.
  destruct ranges as [K V]. destruct l as [|l]; simpl; [lra|].
  destruct (Nat.lt_ge_cases l n) as [L|L]; [|rewrite (no_more_coins n l L); lra].
  destruct (sign_cases _ (coin_square n l L o)) as [->| ->]; lra.
Qed.

Lemma delayed_moving l o : (l < n)%nat -> moving n kappa (delayed n) l o = 3 / 4 - / 4 * coin n l o.
Proof.
  destruct ranges as [K V]. intros L. unfold moving. simpl.
  destruct (sign_cases _ (coin_square n l L o)) as [->| ->]; field; lra.
Qed.

Notation mem := (memory n dual).
Notation E := (@expect (coins n)).
Notation known k y := (@knows (coins n) line (agree n k) y).

Lemma known_all l : known (S l) (w (S l)) /\ known (S l) (mem l).
Proof.
  destruct begin as [W0 D0].
  apply (known_places n kappa v KP (delayed n) (fun l => l) w local dual delayed_nonneg run 1
    (fun o o' _ => ltac:(now rewrite !W0)) (fun o o' _ => ltac:(now rewrite !D0)) (fun l => le_n (S l))
    (fun l o o' A => ltac:(simpl; now rewrite (A l) by lia))).
Qed.

Lemma mean_coin k : E (coin n k) = 0.
Proof.
  assert (U : E (fun o => 1 * coin n k o) = 0) by (apply (uncorrelated n k (fun _ => 1)); easy).
  rewrite expect_scale in U. change (fun o => coin n k o) with (coin n k) in U. lra.
Qed.

Lemma coin_pair k : E (fun o => coin n k o * coin n (S k) o) = 0.
Proof. apply (uncorrelated n (S k) (coin n k)). apply coin_knows. lia. Qed.

(** What the coin of round k leaves in the memory and in the place. *)
Lemma memory_coin k : (S k < n)%nat -> E (fun o => mem (S k) o * coin n (S k) o) = 3 / 4 * sqrt v.
Proof.
  intros L. destruct (known_all k) as [Kw Km].
  assert (Kc : known (S k) (coin n k)) by (apply coin_knows; lia).
  assert (Kp : known (S k) (fun o => mem k o + (3 / 4 - / 4 * coin n k o) * (w (S k) o - mem k o)))
    by (intros o o' A; now rewrite (Kw o o' A), (Km o o' A), (Kc o o' A)).
  rewrite (expect_ext _ _ (fun o => (mem k o + (3 / 4 - / 4 * coin n k o) * (w (S k) o - mem k o)) * coin n (S k) o
    + (3 / 4 * sqrt v * 1 + - (/ 4 * sqrt v) * coin n k o))).
  - rewrite !expect_add, !expect_scale, expect_one, (uncorrelated n (S k) _ Kp).
    change (fun o => coin n k o) with (coin n k). rewrite mean_coin. ring.
  - intros o. rewrite (proj1 (one_round n kappa v KP (delayed n) (fun l => l) w local dual delayed_nonneg run k o)).
    rewrite delayed_moving by lia. assert (Sq := coin_square n (S k) L o). set (e := coin n (S k) o) in *.
    set (f := coin n k o) in *. set (q := mem k o). set (y := w (S k) o). cbn in y. clearbody e f q y.
    replace (3 / 4 * sqrt v * 1 + - (/ 4 * sqrt v) * f) with ((3 / 4 - / 4 * f) * sqrt v * (e * e)) by (rewrite Sq;
      ring).
    ring.
Qed.

Lemma place_coin k : (S k < n)%nat -> E (fun o => w (S (S k)) o * coin n (S k) o) = - (3 / (2 * kappa)) * sqrt v.
Proof.
  intros L. assert (K := KP). destruct (known_all k) as [Kw Km].
  rewrite (expect_ext _ _ (fun o => w (S k) o * coin n (S k) o + (- (2 / kappa) * (mem (S k) o * coin n (S k) o)
    + / kappa * (mem k o * coin n (S k) o)))).
  - rewrite !expect_add, !expect_scale, (uncorrelated n (S k) _ Kw), (uncorrelated n (S k) _ Km), memory_coin by easy.
    field. lra.
  - intros o. rewrite (proj2 (one_round n kappa v KP (delayed n) (fun l => l) w local dual delayed_nonneg run k o)).
    field. lra.
Qed.

(** The mean memory, where y is what this round's M and the state have in common. *)
Lemma mean_memory l y : (S l < n)%nat -> E (fun o => w (S l) o * coin n l o) - E (fun o => mem l o * coin n l o) = y ->
  E (mem (S l)) = E (mem l) + 3 / 4 * (E (w (S l)) - E (mem l)) - / 4 * y.
Proof.
  intros L Y. rewrite (expect_ext _ (mem (S l)) (fun o => mem l o + (3 / 4 * w (S l) o + (- (3 / 4) * mem l o
    + (- / 4 * (w (S l) o * coin n l o) + (/ 4 * (mem l o * coin n l o) + (3 / 4 * sqrt v * coin n (S l) o
    + - (/ 4 * sqrt v) * (coin n l o * coin n (S l) o)))))))).
  - rewrite !expect_add, !expect_scale, coin_pair. change (fun o => coin n (S l) o) with (coin n (S l)).
    rewrite mean_coin. rewrite <- Y. change (fun o => w (S l) o) with (w (S l)). change (fun o => mem l o) with (mem
      l). ring.
  - intros o. rewrite (proj1 (one_round n kappa v KP (delayed n) (fun l => l) w local dual delayed_nonneg run l o)).
    rewrite delayed_moving by lia. cbn. ring.
Qed.

Notation p1 := (- p + 3 / 4 * (x + p)).
Lemma delayed_means l : (S l < n)%nat ->
  (E (w (S (S l))), E (mem (S l))) = path kappa (3 / 4) c (x - (2 * p1 + p) / kappa) p1 l.
Proof.
  assert (K := KP). destruct begin as [W0 D0].
  assert (Next := fun l => mean_place n kappa v KP (delayed n) (fun l => l) w local dual delayed_nonneg run l).
  induction l as [|l IH]; intros L.
  - assert (M0 : forall o, mem 0 o = - p) by (intros o; unfold memory; now rewrite D0).
    assert (W1 : forall o, w 1%nat o = x).
    { intros o. assert (M := f_equal (fun u : H => u o) (move _ _ _ _ _ _ _ _ _ _ 0 run)). unfold rate, mean,
      deviation in M.
      cbn in M. rewrite !(start _ _ _ _ _ _ _ _ _ _ run), W0, D0 in M. cbn in *. assert (p / kappa * kappa = p) by
        (field; lra).
      apply Rmult_eq_reg_l with kappa; lra. }
    assert (Ew : E (w 1%nat) = x) by (rewrite (expect_ext _ _ (fun _ => x)), expect_const; easy).
    assert (Em : E (mem 0) = - p) by (rewrite (expect_ext _ _ (fun _ => - p)), expect_const; easy).
    assert (Z : forall y : R, E (fun o => y * coin n 0 o) = 0).
    { intros y. rewrite expect_scale. change (fun o => coin n 0 o) with (coin n 0). rewrite mean_coin. ring. }
    assert (M1 := mean_memory 0 0 L ltac:(rewrite (expect_ext _ _ (fun o => x * coin n 0 o)), Z by (intros; now
      rewrite W1);
      rewrite (expect_ext _ _ (fun o => - p * coin n 0 o)), Z by (intros; now rewrite M0); ring)).
    rewrite Ew, Em in M1. simpl path. rewrite Next, M1, Ew, Em. f_equal; [field; lra|ring].
  - assert (IH' := IH ltac:(lia)). assert (N := path_next kappa (3 / 4) c (x - (2 * p1 + p) / kappa) p1 l).
    rewrite <- IH' in N. rewrite N.
    assert (M := mean_memory (S l) (- (3 / (2 * kappa)) * sqrt v - 3 / 4 * sqrt v) L
      ltac:(now rewrite place_coin, memory_coin by lia)).
    assert (M' : E (mem (S (S l))) = E (mem (S l)) + 3 / 4 * (E (w (S (S l))) - E (mem (S l))) + c)
      by (rewrite M; field; lra).
    rewrite (Next (S l)), M'. easy.
Qed.
End Run.

(** From every start: the means tend to the bias. Runs exist by [noisy_runs_exist]. *)
Theorem T9_delayed_bias x p : exists mu : nat -> R, Un_cv mu bias /\
  forall n (w : nat -> random (coins n) line) (local dual : nat -> nat -> random (coins n) line),
  pisa (random (coins n) line) 1 (fun _ => 1) 0 (fun _ _ => kappa) (multiply n (delayed n)) (noisy n v (fun l => l) w)
    w local dual -> (forall o, w 0%nat o = x - p / kappa) /\ (forall o, dual 0%nat 0%nat o = p) ->
  forall l, (S l < n)%nat -> expect (w (S (S l))) = mu l /\ mu l ^ 2 <= expect (fun o => w (S (S l)) o ^ 2).
Proof.
  set (p1 := - p + 3 / 4 * (x + p)). exists (fun l => fst (path kappa (3 / 4) c (x - (2 * p1 + p) / kappa) p1 l)).
  split; [apply delayed_limit|]. unfold p1. clear p1. intros n w local dual Run Begin l L.
  assert (M := delayed_means n x p w local dual Run Begin l L). assert (Q := mean_square n (w (S (S l)))).
  rewrite <- M. split; [easy|exact Q].
Qed.
End Delayed.
Print Assumptions T9_delayed_bias.
