(** The norm of a vector, limits of vectors, and how much of the memory a bounded operator keeps. *)

From PISA Require Export Preconditioned.

Definition norm {V : space} (x : V) := sqrt ‖x‖².
Notation "‖ x ‖₂" := (norm x%V) (at level 0, x at level 99) : R_scope.

Section Norm.
Variable V : space.
Implicit Types x y : V.

Lemma norm_nonneg x : 0 <= ‖x‖₂.
Proof. apply sqrt_pos. Qed.

Lemma norm_square x : ‖x‖₂ * ‖x‖₂ = ‖x‖².
Proof. apply sqrt_sqrt, inner_nonneg. Qed.

Lemma norm_le x c : 0 <= c -> ‖x‖² <= c * c -> ‖x‖₂ <= c.
Proof. intros C H. rewrite <- (sqrt_square c) by easy. now apply sqrt_le_1_alt. Qed.

Lemma norm_of_zero : ‖(0 : V)‖₂ = 0.
Proof. unfold norm. rewrite inner_zero. apply sqrt_0. Qed.

Lemma zero_of_norm x : ‖x‖₂ <= 0 -> x = 0%V.
Proof. intros H. apply norm_zero. assert (N := norm_nonneg x). rewrite <- norm_square. nra. Qed.

Lemma cauchy_schwarz x y : ⟨x, y⟩ <= ‖x‖₂ * ‖y‖₂.
Proof.
  assert (X := norm_nonneg x). assert (Y := norm_nonneg y). assert (XX := norm_square x). assert (YY := norm_square y).
  destruct (Rle_lt_dec ‖y‖₂ 0) as [Z|P]; [rewrite (zero_of_norm y Z), inner_zero_r|].
  { apply Rmult_le_pos; apply norm_nonneg. }
  assert (Q := inner_nonneg _ (‖y‖₂ * x - ‖x‖₂ * y)%V). set (a := ‖x‖₂) in *. set (b := ‖y‖₂) in *. clearbody a b.
  replace ‖b * x - a * y‖² with (2 * (a * b) * (a * b - ⟨x, y⟩)) in Q by (expand; rewrite <- XX, <- YY; ring).
  destruct (Rle_lt_dec a 0) as [Z|P']; [|apply Rnot_lt_le; intros C; assert (0 < a * b) by positive; nra].
  replace a with 0 in * by lra. rewrite (norm_zero _ x) by lra. rewrite inner_zero. lra.
Qed.

Lemma norm_scale a x : ‖a * x‖₂ = Rabs a * ‖x‖₂.
Proof.
  unfold norm. rewrite <- sqrt_Rsqr_abs, <- sqrt_mult; [|apply Rle_0_sqr|apply inner_nonneg].
  f_equal. unfold Rsqr. expand; ring.
Qed.

Lemma norm_opp x : ‖- x‖₂ = ‖x‖₂.
Proof. rewrite norm_scale, Rabs_left by lra. ring. Qed.

Lemma norm_add x y : ‖x + y‖₂ <= ‖x‖₂ + ‖y‖₂.
Proof.
  assert (X := norm_nonneg x). assert (Y := norm_nonneg y). apply norm_le; [lra|].
  assert (C := cauchy_schwarz x y). assert (XX := norm_square x). assert (YY := norm_square y).
  replace ‖x + y‖² with (‖x‖² + 2 * ⟨x, y⟩ + ‖y‖²) by (expand; ring). nra.
Qed.

Lemma norm_sub x y : ‖x - y‖₂ <= ‖x‖₂ + ‖y‖₂.
Proof. assert (A := norm_add x (- y)%V). now rewrite norm_opp in A. Qed.

Lemma norm_total n (f : nat -> V) : ‖total n f‖₂ <= sum n (fun i => ‖f i‖₂).
Proof. induction n; simpl; [rewrite norm_of_zero; lra|]. assert (A := norm_add (total n f) (f n)). lra. Qed.

Lemma norm_mean m weight (x : nat -> V) : (forall i, (i < m)%nat -> 0 <= weight i) ->
  ‖mean V m weight x‖₂ <= sum m (fun i => weight i * ‖x i‖₂).
Proof.
  intros A. eapply Rle_trans; [apply norm_total|]. apply sum_le. intros i I.
  rewrite norm_scale, Rabs_right by (apply Rle_ge; auto). apply Rle_refl.
Qed.

(** (s + B) d = -e, 0 <= B <= b: the client keeps |B d| = |(I - M) e| <= b/(s+b) |e| of its error. *)
Lemma kept s b (B : V -> V) (d e : V) : 0 < s -> 0 <= b -> (forall x y, ⟨B x, y⟩ = ⟨x, B y⟩) ->
  (forall x, 0 <= ⟨B x, x⟩ <= b * ‖x‖²) -> (s * d + B d = - e)%V -> ‖B d‖₂ <= b / (s + b) * ‖e‖₂.
Proof.
  intros S P Sym Bound E. assert (Q := sector V B b d Sym Bound P).
  assert (E' := f_equal (fun u => ⟨u, B d⟩) E). cbv beta in E'. autorewrite with inner in E'.
  rewrite (inner_sym _ d (B d)) in E'. assert (C := cauchy_schwarz (- e)%V (B d)).
  rewrite norm_opp in C. autorewrite with inner in C.
  assert (N := norm_square (B d)). assert (Z := norm_nonneg (B d)). assert (Z' := norm_nonneg e).
  assert (I : (s + b) * (‖B d‖₂ * ‖B d‖₂) <= b * (‖e‖₂ * ‖B d‖₂)) by nra.
  replace (b / (s + b) * ‖e‖₂) with (b * ‖e‖₂ / (s + b)) by (field; lra). apply below_quotient; [lra|].
  set (n := ‖B d‖₂) in *. set (a := ‖e‖₂) in *. clearbody n a.
  destruct (Rle_lt_dec n 0); [replace n with 0 by lra; nra|]. apply Rmult_le_reg_r with n; [easy|]. lra.
Qed.

(** ** Limits *)
Definition tends (x : nat -> V) y := Un_cv (fun n => ‖x n - y‖₂) 0.
End Norm.
Arguments tends {V}.

Lemma squeeze (a b : nat -> R) : (forall n, 0 <= a n <= b n) -> Un_cv b 0 -> Un_cv a 0.
Proof.
  intros H C e E. destruct (C e E) as [n Hn]. exists n. intros k K. specialize (Hn k K). specialize (H k).
  unfold R_dist in *. rewrite Rminus_0_r in *. rewrite Rabs_right in * by lra. lra.
Qed.

Lemma limit_sum m (f : nat -> nat -> R) : (forall i, (i < m)%nat -> Un_cv (fun n => f n i) 0) ->
  Un_cv (fun n => sum m (f n)) 0.
Proof.
  induction m as [|m IH]; intros C; simpl.
  - intros e E. exists 0%nat. intros. now rewrite R_dist_eq.
  - replace 0 with (0 + 0) by ring. apply (CV_plus (fun n => sum m (f n)) (fun n => f n m)); auto.
Qed.

Lemma limit_scale c (a : nat -> R) : Un_cv a 0 -> Un_cv (fun n => c * a n) 0.
Proof.
  intros C. replace 0 with (c * 0) by ring. apply (CV_mult (fun _ => c) a); [|exact C].
  intros e E. exists 0%nat. intros. now rewrite R_dist_eq.
Qed.

Lemma limit_power k : 0 <= k < 1 -> Un_cv (fun n => k ^ n) 0.
Proof.
  intros K e E. destruct (pow_lt_1_zero k ltac:(rewrite Rabs_right; lra) e E) as [n H]. exists n. intros j J.
  unfold R_dist. rewrite Rminus_0_r. now apply H.
Qed.

Lemma limit_shift (a : nat -> R) c : Un_cv (fun n => a (S n)) c -> Un_cv a c.
Proof.
  intros C e E. destruct (C e E) as [n H]. exists (S n). intros j J. destruct j as [|j]; [lia|]. apply H. lia.
Qed.
