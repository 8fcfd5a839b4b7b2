(** Algorithm 1 on quadratics, any clients, in a space with an orthonormal basis of common eigenvectors: every run is a
    sum of modes, without preconditioner (unequal penalties) and with one penalty and one operator for all. *)

From PISA Require Export Jury Identities.

Section Basis.
Variables (V : space) (n : nat) (e : nat -> V).

Record basis : Prop := {
  orthonormal : forall j k, (j < n)%nat -> (k < n)%nat -> ⟨e j, e k⟩ = if Nat.eq_dec j k then 1 else 0;
  complete : forall x y, (forall j, (j < n)%nat -> ⟨x, e j⟩ = ⟨y, e j⟩) -> x = y
}.
Hypothesis is_basis : basis.

Lemma sum_delta N (a : nat -> R) k : (k < N)%nat -> sum N (fun j => a j * (if Nat.eq_dec j k then 1 else 0)) = a k.
Proof.
  assert (Out : forall M, (M <= k)%nat -> sum M (fun j => a j * (if Nat.eq_dec j k then 1 else 0)) = 0).
  { induction M as [|M IH]; intros L; simpl; [easy|]. rewrite IH by lia. destruct (Nat.eq_dec M k); [lia|ring]. }
  induction N as [|N IH]; intros K; [lia|]. simpl. destruct (Nat.eq_dec N k) as [->|D]; [rewrite Out by lia; ring|].
  rewrite IH by lia. ring.
Qed.

Lemma coordinates a k : (k < n)%nat -> ⟨total n (fun j => a j * e j), e k⟩ = a k.
Proof.
  intros K. rewrite inner_total, <- (sum_delta n a k K). apply sum_ext. intros j J.
  rewrite inner_scale, (orthonormal is_basis) by easy. reflexivity.
Qed.

Lemma expansion x : x = total n (fun j => ⟨x, e j⟩ * e j)%V.
Proof. apply (complete is_basis). intros k K. now rewrite coordinates. Qed.

Lemma norm_modes x : ‖x‖₂ <= sum n (fun j => Rabs ⟨x, e j⟩).
Proof.
  rewrite (expansion x) at 1. eapply Rle_trans; [apply norm_total|]. apply sum_le. intros j J. rewrite norm_scale.
  replace ‖e j‖₂ with 1; [lra|]. unfold norm. rewrite (orthonormal is_basis) by easy.
  destruct (Nat.eq_dec j j); [now rewrite sqrt_1|easy].
Qed.

Lemma tends_of_modes (x : nat -> V) y : (forall j, (j < n)%nat -> Un_cv (fun l => ⟨x l - y, e j⟩) 0) -> tends x y.
Proof.
  intros C. apply (squeeze _ (fun l => sum n (fun j => Rabs ⟨x l - y, e j⟩))).
  - intros l. split; [apply norm_nonneg|apply norm_modes].
  - apply limit_sum. intros j J. rewrite <- Rabs_R0. apply cv_cvabs, C, J.
Qed.

Lemma mode_of_tends (x : nat -> V) y z : tends x y -> Un_cv (fun l => ⟨x l - y, z⟩) 0.
Proof.
  intros C d D. assert (N := norm_nonneg V z). destruct (C (d / (‖z‖₂ + 1)) ltac:(positive)) as [k K]. exists k.
  intros l L. specialize (K l L). unfold R_dist in *. rewrite Rminus_0_r in *. assert (P := norm_nonneg V (x l - y)%V).
  rewrite Rabs_right in K by lra. assert (E : d / (‖z‖₂ + 1) * (‖z‖₂ + 1) = d) by (field; lra).
  assert (Q := cauchy_schwarz V (x l - y)%V z). assert (Q' := cauchy_schwarz V (- (x l - y))%V z).
  rewrite norm_opp, inner_scale in Q'. set (u := ⟨x l - y, z⟩) in *. set (a := ‖x l - y‖₂) in *. set (b := ‖z‖₂) in *.
  set (f := d / (b + 1)) in *. clearbody u a b f. apply Rabs_def1; nra.
Qed.

(** s + B is onto when every eigenvector of B is one of the basis. *)
Lemma solves_modes (B : V -> V) (b : nat -> R) s y : (forall x y, ⟨B x, y⟩ = ⟨x, B y⟩) ->
  (forall j, (j < n)%nat -> B (e j) = (b j * e j)%V /\ 0 <= b j) -> 0 < s ->
  (s * total n (fun j => ⟨y, e j⟩ / (s + b j) * e j) + B (total n (fun j => ⟨y, e j⟩ / (s + b j) * e j)))%V = y.
Proof.
  intros Sym Eigen S. apply (complete is_basis). intros k K. destruct (Eigen k K) as [E P].
  rewrite inner_add, inner_scale, Sym, E, inner_scale_r, (coordinates (fun j => ⟨y, e j⟩ / (s + b j)) k K). field. lra.
Qed.
End Basis.

Lemma line_basis : basis line 1 (fun _ => 1).
Proof.
  split; [intros j k J K; replace j with k by lia; cbn; destruct (Nat.eq_dec k k); [ring|easy]|].
  intros x y E. specialize (E 0%nat Nat.lt_0_1). cbn in *. lra.
Qed.

(** ** Every run splits into modes *)
Section Modes.
Variable V : space.
Variables (m : nat) (weight sigma : nat -> R) (t : R) (bend : nat -> nat -> V -> V) (G : nat -> V -> V).
Variables (n : nat) (e : nat -> V) (h : nat -> R) (H : V -> V) (c best : V).
Hypothesis is_basis : basis V n e.
Notation mean := (mean V m weight).
Notation s := (sum m (fun i => weight i * sigma i)).

(** The mean gradient is H x - c, H symmetric and positive definite with eigenvectors e_j; [best] minimises F_lambda. *)
Hypothesis quadratic : forall x, mean (fun i => G i x) = (H x - c)%V.
Hypothesis symmetric : forall x y, ⟨H x, y⟩ = ⟨x, H y⟩.
Hypothesis curvature : forall j, (j < n)%nat -> H (e j) = (h j * e j)%V /\ 0 < h j.
Hypothesis minimiser : (H best + t * best = c)%V.
Hypothesis t_nonneg : 0 <= t.
Hypothesis s_positive : 0 < s.

Definition full (w : nat -> V) l i := G i (w l).
Notation z w j := (fun l => ⟨w l - best, e j⟩).
Notation p dual j := (fun l => ⟨mean (dual l) - t * best, e j⟩).

(** The minimiser exists. *)
Lemma minimiser_exists : exists y, (H y + t * y = c)%V.
Proof.
  exists (total n (fun j => ⟨c, e j⟩ / (h j + t) * e j)%V). apply (complete V n e is_basis). intros k K.
  destruct (curvature k K) as [E P]. rewrite inner_add, inner_scale, symmetric, E, inner_scale_r,
    (coordinates V n e is_basis (fun j => ⟨c, e j⟩ / (h j + t)) k K). field. lra.
Qed.

Section Run.
Variables (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : pisa V m weight t (fun _ => sigma) bend (full w) w local dual.

Lemma pull j x : (j < n)%nat -> ⟨H x - c, e j⟩ = h j * ⟨x - best, e j⟩ - t * ⟨best, e j⟩.
Proof.
  intros J. destruct (curvature j J) as [E _]. rewrite <- minimiser. autorewrite with inner. rewrite !symmetric, E.
  autorewrite with inner. ring.
Qed.

Lemma server_modes j : (s + t) * z w j 1%nat = s * z w j 0%nat + p dual j 0%nat /\
  forall k, (s + t) * z w j (S (S k)) = s * z w j (S k) + 2 * p dual j (S k) - p dual j k.
Proof.
  split.
  - assert (M := move _ _ _ _ _ _ _ _ _ _ 0 run). unfold rate in M.
    rewrite (mean_ext _ _ _ _ (dual 0%nat)) in M
      by (intros i I; unfold deviation; rewrite (start _ _ _ _ _ _ _ _ _ _ run); vector).
    apply (f_equal (fun u => ⟨u, e j⟩)) in M. autorewrite with inner in *. lra.
  - intros k. assert (M := move _ _ _ _ _ _ _ _ _ _ (S k) run). unfold rate in M.
    rewrite (mean_ext _ _ _ _ (fun i => 2 * dual (S k) i + -1 * dual k i)%V), mean_add, !mean_scale in M.
    + apply (f_equal (fun u => ⟨u, e j⟩)) in M. autorewrite with inner in *. lra.
    + intros i I. rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run). vector.
Qed.

(** Without preconditioner only the mean penalty matters. *)
Lemma plain_modes j : (forall l i x, bend l i x = 0%V) -> (j < n)%nat -> mode (h j) t s 0 (z w j) (p dual j).
Proof.
  intros Plain J. destruct (server_modes j) as [First Server]. split; [exact First|exact Server|]. intros k.
  assert (D : mean (dual (S k)) = (-1 * (H (w (S k)) - c))%V).
  { rewrite <- quadratic, <- mean_scale. apply mean_ext. intros i I.
    rewrite (I1_multiplier _ _ _ _ _ _ _ _ _ _ run k i I), Plain. unfold full. vector. }
  rewrite D. assert (E := pull j (w (S k)) J). autorewrite with inner in *. nra.
Qed.

(** One penalty and one operator for all clients. *)
Lemma common_modes j B b : (forall l i x, bend l i x = B x) -> (forall i, (i < m)%nat -> sigma i = s) ->
  (forall x y, ⟨B x, y⟩ = ⟨x, B y⟩) -> B (e j) = (b * e j)%V -> (j < n)%nat -> mode (h j) t s b (z w j) (p dual j).
Proof.
  intros Common Equal Sym Eigen J. destruct (server_modes j) as [First Server]. split; [exact First|exact Server|].
  intros k. set (D := mean (deviation V w local (S k))).
  assert (C : (s * D + B D = - (mean (dual k) + (H (w (S k)) - c)))%V).
  { unfold D. replace (B (mean (deviation V w local (S k)))) with (mean (fun i => B (deviation V w local (S k) i))).
    - rewrite <- quadratic, <- mean_scale, <- !mean_add, <- mean_scale. apply mean_ext. intros i I.
      assert (C := client _ _ _ _ _ _ _ _ _ _ run k i I). rewrite Common, (Equal i I) in C. exact C.
    - apply separated; intros y. rewrite inner_mean, Sym, inner_mean. apply sum_ext; intros. now rewrite Sym. }
  assert (M : mean (dual (S k)) = (mean (dual k) + s * D)%V).
  { unfold D. rewrite <- mean_scale, <- mean_add. apply mean_ext. intros i I.
    rewrite (multiplier _ _ _ _ _ _ _ _ _ _ run), (Equal i I). reflexivity. }
  rewrite M. assert (E := pull j (w (S k)) J). apply (f_equal (fun u => ⟨u, e j⟩)) in C.
  rewrite inner_add, Sym, Eigen in C. autorewrite with inner in *. nra.
Qed.
End Run.
End Modes.
Print Assumptions minimiser_exists.
Print Assumptions plain_modes.
Print Assumptions common_modes.
