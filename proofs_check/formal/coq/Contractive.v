(** N7, the common lemma: whatever the clients do, if it shrinks their residuals in the mean and the server's error is
    bounded by them, the potential falls.

    [V] is any space, that of random vectors too (Probability.v): then |x|^2 is an expectation, and so are the
    hypotheses and the conclusion. *)

From PISA Require Export Preconditioned.

(** Young's inequality for a sum: |x + h|^2 <= |x|^2/z + |h|^2/(1 - z). *)
Lemma sum_square (V : space) (x h : V) z : 0 < z < 1 -> ‖x + h‖² <= / z * ‖x‖² + / (1 - z) * ‖h‖².
Proof. intros Z. certify (square (1 / (z * (1 - z))) ((1 - z) * x - z * h)%V _). Qed.

Section Contractive.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge L least chi u : R) (F : nat -> V -> R) (G : nat -> V -> V).
(** The points at which the potential is taken; the residuals e_i, what is left of them, the server's error r. *)
Variables (w : nat -> V) (e kept : nat -> nat -> V) (r : nat -> V) (s : nat -> R).
Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).
Definition spread k := sum m (fun i => weight i * ‖e k i‖²).

(** Round k. *)
Record contracts k : Prop := {
  server_moves : (s k * (w (S k) - w k) = - (slope (w k) + r k))%V;
  server_error : ‖r k‖² <= chi * spread k;
  residuals_turn : forall i, (i < m)%nat -> e (S k) i = (kept k i + (G i (w (S k)) - G i (w k)))%V;
  residuals_shrink : sum m (fun i => weight i * ‖kept k i‖²) <= u ^ 2 * spread k
}.

Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis constants : 0 <= chi /\ 0 <= u < 1.
Definition large_penalty k := 0 < s k <= s (S k) /\ chi / (1 - u) ^ 2 * L ^ 2 <= (s k - ridge - L) * s k.
Definition merit_share := chi / (2 * (1 - u)).
Definition merit k := objective (w k) + merit_share / s k * spread k.

Lemma spread_nonneg k : 0 <= spread k.
Proof.
  unfold spread. rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le; intros.
  apply Rmult_le_pos; [now apply weights|apply inner_nonneg].
Qed.

Lemma spread_next_any z k : contracts k -> 0 < z < 1 ->
  spread (S k) <= / z * (u ^ 2 * spread k) + / (1 - z) * (L ^ 2 * ‖w (S k) - w k‖²).
Proof.
  intros run Z. set (d := ‖w (S k) - w k‖²). assert (K := residuals_shrink _ run).
  assert (I : 0 < / z) by (apply Rinv_0_lt_compat; lra). assert (I' : 0 < / (1 - z)) by (apply Rinv_0_lt_compat; lra).
  assert (K' := Rmult_le_compat_l (/ z) _ _ ltac:(lra) K). eapply Rle_trans; [|apply Rplus_le_compat_r; exact K'].
  rewrite <- sum_scale. replace (/ (1 - z) * (L ^ 2 * d)) with (/ (1 - z) * (L ^ 2 * d) * sum m weight)
    by (rewrite (proj2 weights); ring).
  rewrite <- sum_scale, <- sum_add. unfold spread. apply sum_le. intros i I''. rewrite (residuals_turn _ run i I'').
  assert (Y := sum_square V (kept k i) (G i (w (S k)) - G i (w k))%V z Z).
  assert (Lip := lipschitz _ _ _ _ (F_smooth i I'') (w (S k)) (w k)). fold d in Lip.
  assert (Lip' := Rmult_le_compat_l (/ (1 - z)) _ _ ltac:(lra) Lip).
  replace (L * L * d) with (L ^ 2 * d) in Lip' by ring.
  assert (W := Rmult_le_compat_l _ _ _ (proj1 weights i I'') (Rle_trans _ _ _ Y (Rplus_le_compat_l _ _ _ Lip'))). lra.
Qed.

Lemma spread_next k : contracts k -> spread (S k) <= u * spread k + / (1 - u) * (L ^ 2 * ‖w (S k) - w k‖²).
Proof.
  intros run. destruct constants as [_ U]. destruct (Req_dec u 0) as [Z|N].
  - rewrite Z, Rmult_0_l, Rplus_0_l, Rminus_0_r, Rinv_1, Rmult_1_l.
    assert (Q : 0 <= L ^ 2 * ‖w (S k) - w k‖²) by (apply Rmult_le_pos; [apply pow2_ge_0|apply inner_nonneg]).
    set (b := L ^ 2 * _) in *. destruct (Rle_lt_dec (spread (S k)) b) as [H|H]; [exact H|exfalso].
    set (x := spread (S k)) in *. set (z := (x - b) / (2 * x)).
    assert (E : x * z = (x - b) / 2) by (unfold z; field; lra).
    assert (Zp : 0 < z < 1) by (split; [apply Rdiv_lt_0_compat; lra|apply Rmult_lt_reg_l with x; lra]).
    assert (K := spread_next_any z k run Zp). fold x b in K. rewrite Z in K.
    replace (/ z * (0 ^ 2 * spread k) + / (1 - z) * b) with (b / (1 - z)) in K by (field; lra).
    apply (Rmult_le_compat_r (1 - z)) in K; [|lra]. unfold Rdiv in K. rewrite Rmult_assoc, Rinv_l in K; lra.
  - assert (K := spread_next_any u k run ltac:(lra)).
    replace (/ u * (u ^ 2 * spread k)) with (u * spread k) in K by (field; lra). exact K.
Qed.

Theorem N7_falls k : contracts k -> large_penalty k -> merit (S k) <= merit k - ‖slope (w k)‖² / (2 * s k).
Proof.
  intros run [P Pl]. destruct constants as [C U]. unfold merit, merit_share.
  set (d := (w (S k) - w k)%V). set (g := slope (w k)).
  assert (Er : r k = (- (s k * d) - g)%V).
  { assert (M := server_moves _ run). fold d g in M. apply separated; intros z. apply (f_equal (fun x => ⟨x, z⟩)) in M.
    autorewrite with inner in *. lra. }
  assert (J := server_error _ run). rewrite Er in J. assert (Next := spread_next k run). fold d in Next.
  assert (D := descent V m weight ridge L F G weights L_positive F_smooth (w k) d).
  replace (w k + d)%V with (w (S k)) in D by (unfold d; vector). fold g in D. assert (Q := spread_nonneg (S k)).
  assert (I : / s (S k) <= / s k) by (apply Rinv_le_contravar; lra).
  assert (A : 0 <= chi / (2 * (1 - u))) by (apply quotient; lra).
  set (x := spread k) in *. set (y := spread (S k)) in *. set (s' := s (S k)) in *. clearbody d g x y s'.
  set (f := objective (w (S k))) in *. set (f0 := objective (w k)) in *. set (t := s k) in *. clearbody f f0 t.
  assert (A1 : 0 <= chi / (2 * (1 - u)) / t) by (apply quotient; lra).
  assert (A2 : 0 <= 1 / (2 * t)) by (apply quotient; lra).
  assert (A3 : 0 <= chi / (2 * (1 - u)) * y) by (apply Rmult_le_pos; lra).
  assert (A4 : 0 <= ((t - ridge - L) * t - chi / (1 - u) ^ 2 * L ^ 2) / (2 * t)) by (apply quotient; lra).
  refine (conclude _ _ _ (plus (plus (plus (row 1 _ _ D Rle_0_1) (row _ _ _ Next A1)) (plus (row _ _ _ J A2)
    (row _ _ _ I A3))) (square _ d A4)) _). expand_goal. field. repeat split; lra.
Qed.

Hypothesis bounded : forall x, least <= objective x.
Theorem N7_sum N : 0 < s N -> (forall k, (k < N)%nat -> contracts k /\ large_penalty k) ->
  sum N (fun k => ‖slope (w k)‖² / (2 * s k)) <= merit 0 - least.
Proof.
  intros P Rounds. assert (T : sum N (fun k => ‖slope (w k)‖² / (2 * s k)) <= merit 0 - merit N).
  { clear P. induction N as [|N IH]; [simpl; lra|]. destruct (Rounds N ltac:(lia)) as [Con Large].
    assert (K := N7_falls N Con Large). assert (E := IH (fun k I => Rounds k ltac:(lia))). simpl sum. lra. }
  assert (B := bounded (w N)). assert (Q := spread_nonneg N). destruct constants as [C U].
  assert (0 <= merit_share / s N * spread N)
    by (apply Rmult_le_pos; [unfold merit_share; apply quotient; [apply quotient; lra|lra]|exact Q]).
  unfold merit in T at 2. lra.
Qed.
End Contractive.
