(** W-gradient-descent (convex) and W-pisa-beats-gradient-descent: with as many gradients PISA's worst case is above
    gradient descent's; at kappa = 2 and for convex F the exact worst case cannot be improved. *)

From PISA Require Export Attained.

Section Descent.
Variable V : space.
Variables (F : V -> R) (G : V -> V) (L least : R) (x : nat -> V).
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : smooth L F G.
Hypothesis bounded : forall y, least <= F y.
Hypothesis step : forall k, x (S k) = (x k - / L * G (x k))%V.

(** Each step lets F fall by a multiple of the two squared gradients. *)
Lemma descent_sum a c N : 0 <= a -> 0 <= c ->
  (forall j, / L * (a * ‖G (x j)‖² + c * ‖G (x (S j))‖²) <= F (x j) - F (x (S j))) ->
  exists k, (k <= N)%nat /\ ‖G (x k)‖² <= L * (F (x 0%nat) - least) / ((a + c) * INR N + / 2).
Proof.
  intros A C Fall. destruct (smallest N (fun k => ‖G (x k)‖²)) as [k [K E]]. exists k. split; [exact K|].
  assert (PN := pos_INR N). assert (P := Rinv_0_lt_compat L L_positive).
  apply below_quotient; [assert (0 <= (a + c) * INR N) by (apply Rmult_le_pos; lra); lra|]. set (b := ‖G (x k)‖²) in *.
  assert (Sum : forall n, (n <= N)%nat -> INR n * (/ L * ((a + c) * b)) <= F (x 0%nat) - F (x n)).
  { induction n as [|n IH]; intros H; [simpl; lra|]. rewrite S_INR. specialize (IH ltac:(lia)). assert (Fn := Fall n).
    assert (E1 := Rmult_le_compat_l _ _ _ A (E n ltac:(lia))). assert (E2 := Rmult_le_compat_l _ _ _ C (E (S n) H)).
    assert (Q : / L * ((a + c) * b) <= / L * (a * ‖G (x n)‖² + c * ‖G (x (S n))‖²)) by (apply Rmult_le_compat_l; lra).
      lra. }
  assert (End := end_value V L F G (x N) least L_positive F_smooth bounded). assert (T := Sum N (le_n N)).
  assert (Q : / (2 * L) * b <= / (2 * L) * ‖G (x N)‖²)
    by (apply Rmult_le_compat_l; [apply Rlt_le, Rinv_0_lt_compat; lra|exact (E N (le_n N))]).
  assert (Total : ((a + c) * INR N + / 2) * b = L * (INR N * (/ L * ((a + c) * b)) + / (2 * L) * b)) by (field; lra).
  rewrite Total. apply Rmult_le_compat_l; lra.
Qed.

Lemma back j : (x j - x (S j))%V = (/ L * G (x j))%V.
Proof. rewrite step. vector. Qed.

(** W-gradient-descent: the smallest squared gradient after N steps of 1/L. *)
Theorem descent_rate N : convex F -> exists k, (k <= N)%nat /\ ‖G (x k)‖² <= 2 * L * (F (x 0%nat) - least) / (2 * INR
  N + 1).
Proof.
  intros C. destruct (descent_sum (/ 2) (/ 2) N ltac:(lra) ltac:(lra)) as [k [K E]].
  - intros j. assert (I := convex_interpolation V L F G (x j) (x (S j)) L_positive F_smooth C). rewrite back in I.
    certify (row 1 _ _ I _).
  - exists k. split; [exact K|]. eapply Rle_trans; [exact E|right]. assert (P := pos_INR N). field. lra.
Qed.

Theorem descent_rate_nonconvex N : exists k, (k <= N)%nat /\ ‖G (x k)‖² <= 4 * L * (F (x 0%nat) - least) / (3 * INR N
  + 2).
Proof.
  destruct (descent_sum (/ 2) (/ 4) N ltac:(lra) ltac:(lra)) as [k [K E]].
  - intros j. assert (I := interpolation V L F G (x j) (x (S j)) L_positive F_smooth). rewrite back in I.
    certify (row 1 _ _ I _).
  - exists k. split; [exact K|]. eapply Rle_trans; [exact E|right]. assert (P := pos_INR N). field. lra.
Qed.
End Descent.

(** A bound on every run of PISA (Q = 0, sigma = 2L, cold) after N moves, convex F, as a multiple of L (F(w^0) - F* ).
  *)
Definition bounds_pisa N c := forall (F : line -> R) (G : line -> line) least (w : nat -> line) (local dual : nat ->
  nat -> line),
  smooth 1 F G -> convex F -> (forall x, least <= F x) ->
  pisa line 1 (fun _ => 1) 0 (fun _ _ => 2) (fun _ _ _ => 0%V) (fun l _ => G (w l)) w local dual ->
  (forall i, dual 0%nat i = 0) -> exists k, (k <= N)%nat /\ G (w (S k)) ^ 2 <= c * (F (w 0%nat) - least).
Definition bounds_descent N c := forall (F : line -> R) (G : line -> line) least (x : nat -> line),
  smooth 1 F G -> convex F -> (forall y, least <= F y) -> (forall k, x (S k) = (x k - G (x k))%R) ->
  exists k, (k <= N)%nat /\ G (x k) ^ 2 <= c * (F (x 0%nat) - least).

Lemma descent_bound N : bounds_descent N (2 / (2 * INR N + 1)).
Proof.
  intros F G least x S C B Step. assert (Step' : forall k, x (Datatypes.S k) = (x k - / 1 * G (x k))%V) by (intros k;
    rewrite Step; cbn; field).
  destruct (descent_rate line F G 1 least x Rlt_0_1 S B Step' N C) as [k [K E]]. exists k. split; [exact K|]. cbn in
    E. replace (G (x k) ^ 2) with (G (x k) * G (x k)) by ring.
    eapply Rle_trans; [exact E|right]. assert (P := pos_INR N). field. lra.
Qed.

Lemma pisa_bound N c : (1 <= N)%nat -> bounds_pisa N c -> 4 / (2 * INR N + 4) <= c.
Proof.
  intros One Claim. destruct N as [|N]; [lia|]. assert (P := pos_INR (S N)).
  assert (Run := run_exists line 1 (fun _ => 1) 0 (fun _ _ => 2) (fun _ _ _ => 0%V) (fun _ _ y => / 2 * y)%V
    (fun _ => slope) ((INR (S N) + 1) / 2) (fun _ => 0%V) ltac:(intros; unfold rate; simpl; lra) ltac:(intros; cbn;
      fraction)).
  assert (E := T3_convex_run N 2 _ _ _ ltac:(lra) Run (fun _ => eq_refl) eq_refl).
  destruct (Claim huber slope 0 _ _ _ huber_smooth huber_convex huber_nonneg Run (fun _ => eq_refl)) as [k [K B]].
  rewrite (E k K) in B. match type of B with context [huber ?x] => set (gap := huber x - 0) in * end.
  assert (Gap : 0 < gap) by (unfold gap; cbn [fst state]; cases; lra).
  apply Rmult_le_reg_r with gap; [exact Gap|]. eapply Rle_trans; [right|exact B]. field. lra.
Qed.

(** "With as many gradients PISA has no larger worst case than gradient descent": false for every N >= 2. *)
Theorem W_pisa_beats_gradient_descent_refuted N : (2 <= N)%nat -> ~ forall c, bounds_descent N c -> bounds_pisa N c.
Proof.
  intros Two Claim. assert (H := pisa_bound N _ ltac:(lia) (Claim _ (descent_bound N))).
  assert (P := le_INR 2 N Two). simpl in P. revert H. apply Rlt_not_le.
  apply (Rmult_lt_reg_r ((2 * INR N + 1) * (2 * INR N + 4))); [apply Rmult_lt_0_compat; lra|].
  replace (2 / (2 * INR N + 1) * ((2 * INR N + 1) * (2 * INR N + 4))) with (4 * INR N + 8) by (field; lra).
  replace (4 / (2 * INR N + 4) * ((2 * INR N + 1) * (2 * INR N + 4))) with (8 * INR N + 4) by (field; lra). lra.
Qed.

(** "The exact worst cases can be improved by a thousandth", at kappa = 2, convex F, any N >= 1: no. *)
Theorem convex_bound_is_sharp N : (1 <= N)%nat -> ~ bounds_pisa N (999/1000 * (4 / (2 * INR N + 4))).
Proof.
  intros One Claim. assert (H := pisa_bound N _ One Claim). assert (P := pos_INR N).
  assert (Q : 0 < 4 / (2 * INR N + 4)) by (apply Rdiv_lt_0_compat; lra). lra.
Qed.
Print Assumptions descent_rate.
Print Assumptions W_pisa_beats_gradient_descent_refuted.
