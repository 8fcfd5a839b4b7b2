(** Functions that are smooth in a diagonal metric, and the constants of a metric that may fall (N3; MetricRun.v). *)

From PISA Require Export Diagonal LinearRate.

(** Smooth in a diagonal metric: |G x - G y| in the inverse metric is at most |x - y| in the metric. *)
Section Curvature.
Variables (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Variable ell : nat -> R.
Hypothesis ell_positive : forall j, (j < n)%nat -> 0 < ell j.
Notation diagonal := (diagonal V n part).
Notation weighing := (weighing V n part).
Notation inverse a := (fun j : nat => (/ a j)%R).

Record smooth_metric (F : V -> R) (G : V -> V) : Prop := {
  metric_gradient : forall x v, derivable_pt_lim (fun t => F (x + t * v)%V) 0 ⟨G x, v⟩;
  metric_lipschitz : forall x y, weighing (inverse ell) (G x - G y)%V <= weighing ell (x - y)%V
}.

(** The space whose inner product is the metric's. *)
Definition metric_space : space.
Proof.
  refine (Space V zero add scale (fun x y => ⟨diagonal ell x, y⟩) _ _ _ _ _ _).
  - intros x y. now rewrite (diagonal_symmetric V n part split), inner_sym.
  - intros z. now rewrite (diagonal_symmetric V n part split), inner_zero.
  - intros x y z. now rewrite (diagonal_plus V n part split), inner_add.
  - intros a x z. now rewrite (diagonal_scale V n part split), inner_scale.
  - intros x. rewrite (weighing_inner V n part split). unfold Diagonal.weighing. rewrite <- (Rmult_0_r (INR n)), <-
    sum_const.
    apply sum_le; intros j J. apply Rmult_le_pos; [apply Rlt_le, ell_positive, J|apply inner_nonneg].
  - intros x y E. apply separated; intros z. specialize (E (diagonal (inverse ell) z)).
    rewrite <- !(diagonal_symmetric V n part split), !(diagonal_twice V n part split) in E.
    rewrite !(diagonal_ext V n part (fun j => / ell j * ell j) (fun _ => 1)) in E
      by (intros j J; apply Rinv_l; assert (P := ell_positive j J); lra).
    now rewrite !(diagonal_all V n part split) in E.
Defined.

Lemma metric_smooth F G : smooth_metric F G -> @smooth metric_space 1 F (fun x => diagonal (inverse ell) (G x)).
Proof.
  assert (Back : forall z, diagonal ell (diagonal (inverse ell) z) = z).
  { intros z. rewrite (diagonal_twice V n part split), (diagonal_ext V n part _ (fun _ => 1)), (diagonal_all V n part
    split); [easy|].
    intros j J. apply Rinv_r. assert (P := ell_positive j J). lra. }
  intros S. split.
  - intros x v. assert (E : @inner metric_space (diagonal (inverse ell) (G x)) v = ⟨G x, v⟩) by (cbn; now rewrite Back).
    rewrite E. exact (metric_gradient F G S x v).
  - intros x y. set (g := (diagonal (inverse ell) (G x) - diagonal (inverse ell) (G y))%V).
    assert (E : g = diagonal (inverse ell) (G x - G y)%V)
      by (unfold g; now rewrite (diagonal_plus V n part split), (diagonal_scale V n part split)).
    change (⟨diagonal ell g, g⟩ <= 1 * 1 * ⟨diagonal ell (x - y), x - y⟩). rewrite E.
    rewrite Back, inner_sym, !(weighing_inner V n part split), !Rmult_1_l. apply (metric_lipschitz F G S).
Qed.

Theorem metric_descent F G x d : smooth_metric F G -> F (x + d)%V <= F x + ⟨G x, d⟩ + / 2 * weighing ell d.
Proof.
  intros S. assert (D := descent_lemma metric_space 1 F _ x d Rlt_0_1 (metric_smooth F G S)).
  change (F (x + d)%V <= F x + ⟨diagonal ell (diagonal (inverse ell) (G x)), d⟩ + 1 / 2 * ⟨diagonal ell d, d⟩) in D.
  rewrite (diagonal_twice V n part split), (diagonal_ext V n part _ (fun _ => 1)), (diagonal_all V n part split),
    (weighing_inner V n part split) in D; [lra|]. intros j J. apply Rinv_r. assert (P := ell_positive j J). lra.
Qed.
End Curvature.

(** The constants: vartheta = 1 as in T6-preconditioned, below 1 as in T6-linear-rate with delta = 1 - vartheta. *)
Definition constants beta vartheta b X := (vartheta = 1 /\ b = share beta /\ X = threshold beta) \/
  (0 < vartheta < 1 /\ ranges beta (1 - vartheta) b X).

Lemma constants_client (V : space) (u v h : V) beta vartheta b X : 0 <= beta -> constants beta vartheta b X ->
  ‖v‖² <= beta * ⟨u, v⟩ -> b * ‖v + h‖² + / 2 * ‖u - v‖² <= vartheta * b * ‖u + v‖² + X / 2 * ‖h‖².
Proof.
  intros B [[-> [-> ->]]|[T R]] S; [rewrite Rmult_1_l; now apply client_step|].
  assert (K := client_keeps V u v h beta (1 - vartheta) b X B ltac:(lra) R S). lra.
Qed.

Lemma constants_positive beta vartheta b X : 0 <= beta -> constants beta vartheta b X -> 0 < b /\ 0 <= X /\ 0 <
  vartheta.
Proof.
  intros B [[-> [-> ->]]|[T R]]; [assert (S := share_positive beta B); lra|].
  assert (P := share_kept_positive beta (1 - vartheta) b X B ltac:(lra) R). lra.
Qed.
