(** The hypotheses of T5 and T7 in the words of a finite probability space: random variables are functions of the
    outcome, operators one matrix for each outcome, the past what takes one value on outcomes that look the same.

    [P] is any probability space of Probability.v: finite, no outcome of probability 0.
    F_i, G_i are functions on [V]. *)

From PISA Require Export Batches Probability Stochastic.

Lemma total_outcome (P : probability) (V : space) j (f : nat -> random P V) o : total j f o = total j (fun i => f i o).
Proof.
  induction j as [|j IH]; [reflexivity|]. change (total (S j) f o) with (total j f o + f j o)%V. now rewrite IH.
Qed.

Lemma mean_outcome (P : probability) (V : space) m weight (x : nat -> random P V) o :
  mean (random P V) m weight x o = mean V m weight (fun i => x i o).
Proof. unfold mean. now rewrite total_outcome. Qed.

Section Finite.
Variables (P : probability) (V : space).
Notation H := (random P V).
Variables (m : nat) (weight : nat -> R) (ridge L : R) (serve solve : nat -> nat -> R).
Variables (rho_Q : nat -> nat -> P -> V -> V) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (grad : nat -> nat -> P -> V) (w : nat -> P -> V) (local dual : nat -> nat -> P -> V).
Variables (beta : nat -> R) (same : nat -> P -> P -> Prop) (variances : nat -> R) (v : R).
Definition depends k (x : P -> V) := forall o o', same k o o' -> x o = x o'.

Theorem batches_on :
  (forall i, (i < m)%nat -> 0 <= weight i) -> sum m weight = 1 -> 0 <= ridge -> 0 < L ->
  (forall i, (i < m)%nat -> smooth L (F i) (G i)) ->
  @rounds H m weight ridge serve solve (fun l i => along (rho_Q l i)) grad w local dual ->
  (forall k i, (i < m)%nat -> 0 < solve (S k) i) -> (forall k, 0 <= beta (S k) <= beta k) ->
  (forall k i o x y, (i < m)%nat -> ⟨rho_Q (S k) i o x, y⟩ = ⟨x, rho_Q (S k) i o y⟩) ->
  (forall k i o x, (i < m)%nat -> 0 <= ⟨rho_Q (S k) i o x, x⟩ <= beta k * solve (S k) i * ‖x‖²) ->
  (forall k, depends k (w (S k))) -> (forall k i, (i < m)%nat -> depends k (dual k i)) ->
  (forall k i x, (i < m)%nat -> depends k x -> expect (fun o => ⟨x o, grad (S k) i o - G i (w (S k) o)⟩) = 0) ->
  (forall k i, (i < m)%nat -> expect (fun o => ‖grad (S k) i o - G i (w (S k) o)‖²) <= variances i) ->
  (forall k, expect (fun o => ‖mean V m weight (fun i => grad (S k) i o - G i (w (S k) o))%V‖²) <= v) ->
  batches H m weight ridge L serve solve (fun l i => along (rho_Q l i)) (fun i => expected (F i)) (fun i => pathwise
    (G i))
    grad w local dual beta (fun k => knows (same k)) variances v.
Proof.
  intros Al One Ri Lp Sm Run So Be Sym Bo Kw Kd Fair Var Mv.
  split; try assumption.
  - now split.
  - intros i I. exact (expected_smooth P V L (F i) (G i) Lp (Sm i I)).
  - intros k i x y I. apply along_symmetric. intros o a b. now apply Sym.
  - intros k i x I. apply along_bounded. intros o a. now apply Bo.
  - intros k x a z. apply knows_sum.
  - intros k i x _ X. now apply knows_gradient.
  - intros k. eapply Rle_trans; [apply Req_le|exact (Mv k)]. apply expect_ext; intros o.
    now rewrite mean_outcome.
Qed.

Theorem sampled_on (g : V -> V) :
  (forall k, depends k (w (S k))) -> (forall k i, (i < m)%nat -> depends k (dual k i)) ->
  (forall k x, depends k x -> expect (fun o => ⟨x o, mean V m weight (fun i => grad (S k) i o) - g (w (S k) o)⟩) = 0) ->
  (forall k, expect (fun o => ‖mean V m weight (fun i => grad (S k) i o) - g (w (S k) o)‖²) <= v) ->
  @sampled H (pathwise g) v (fun k => knows (same k)) (fun k => w (S k)) (@memory H m weight dual)
    (fun k => mean H m weight (grad (S k))).
Proof.
  intros Kw Kd Fair Var.
  split.
  - exact Kw.
  - intros k o o' S. unfold memory. cbn. rewrite !mean_outcome. f_equal. apply mean_ext; intros i I. now apply Kd.
  - intros k x a z. apply knows_sum.
  - intros k x X. now apply knows_gradient.
  - intros k x X. rewrite <- (Fair k x X). apply expect_ext; intros o. cbn. now rewrite mean_outcome.
  - intros k. eapply Rle_trans; [apply Req_le|exact (Var k)]. apply expect_ext; intros o. cbn. now rewrite mean_outcome.
Qed.
End Finite.
