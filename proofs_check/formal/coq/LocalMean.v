(** The mean of the local models on quadratics: its gradient is (kappa - c)/(3c + kappa) of that at w (local-mean-floor).

    L = 1, so that the penalty is kappa; F = c x^2/2 with exact additive noise of variance v; no preconditioner, no
    ridge. Coins give finite probability spaces, one for each number of steps. *)

From PISA Require Export CoinRuns.

(** ** The mean of the local models, before the server merges them *)
Section Any.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (kappa : R) (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : pisa V m weight 0 (fun _ _ => kappa) (fun _ _ _ => 0%V) grad w local dual.
Hypothesis one : sum m weight = 1.
Hypothesis kappa_positive : 0 < kappa.
Notation mean := (mean V m weight).
Notation mean_model k := (mean (local k)).

(** What the server adds to it: minus the last mean gradient over kappa. *)
Theorem server_adds k : mean_model (S k) = (w (S (S k)) + / kappa * mean (grad (S k)))%V.
Proof.
  assert (B := plain_memory _ _ _ _ _ _ _ _ _ _ _ k (proj1 (pisa_rounds _ _ _ _ _ _ _ _ _ _) run) (fun _ _ => eq_refl)).
  assert (E := server _ _ _ _ _ _ _ _ _ _ run (S k)). unfold rate in E.
  assert (K : sum m (fun i => weight i * kappa) + 0 = kappa)
    by (rewrite (sum_ext m _ (fun i => kappa * weight i)), sum_scale, one by (intros; ring); ring).
  rewrite K, (mean_add V m weight (fun i => kappa * local (S k) i)%V (dual (S k))),
    (mean_scale V m weight kappa (local (S k))) in E.
  rewrite <- B. unfold memory. apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E.
  autorewrite with inner in *. apply Rmult_eq_reg_l with kappa; [|lra].
  replace (kappa * (⟨w (S (S k)), z⟩ + / kappa * (-1 * ⟨mean (dual (S k)), z⟩)))
    with (kappa * ⟨w (S (S k)), z⟩ - ⟨mean (dual (S k)), z⟩) by (field; lra). lra.
Qed.

(** It makes gradient steps of length 1/kappa, with gradients taken at w. *)
Theorem mean_model_descends k :
  mean_model (S (S k)) = (mean_model (S k) - / kappa * mean (grad (S (S k))))%V.
Proof.
  rewrite server_adds, (server_adds k).
  assert (E := own_order V m weight (fun _ _ => kappa) grad w local dual).
  assert (K : forall k, Stochastic.kappa m weight (fun _ _ => kappa) k = kappa)
    by (intros j; unfold Stochastic.kappa; rewrite (sum_ext m _ (fun i => kappa * weight i)), sum_scale, one
      by (intros; ring); ring).
  assert (M := moves _ _ _ _ _ (E ltac:(intros; rewrite K; exact kappa_positive) run) (S k)).
  rewrite !(remembers _ _ _ _ _ (E ltac:(intros; rewrite K; exact kappa_positive) run)), !K in M.
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in M. autorewrite with inner in *.
  unfold Rdiv in M. lra.
Qed.
End Any.

(** ** Where the second moments are at rest *)
Theorem rest_mean_model (V : space) c kappa v (w before : nat -> V) k : 0 < c -> 3 / 2 * c < kappa ->
  at_rest V c kappa v w before k ->
  ‖c * (w k + / kappa * before k)‖² = c * (kappa - c) / ((c + kappa) * (2 * kappa - 3 * c)) * v.
Proof.
  intros Pc St [A [B D]]. autorewrite with inner. rewrite (inner_sym _ (before k) (w k)), A, B, D. field. lra.
Qed.

(** local-mean-floor: in a run of Algorithm 1 both gradients have their stationary value at every step, at the mean of
    the local models (kappa - c)/(3c + kappa) of that at the server's point. *)
Theorem local_mean_floor c kappa v n : 0 < c -> 3 / 2 * c < kappa -> 0 < v ->
  let H := random (coins (S (S n))) line in let one := fun _ : nat => 1 in
  exists (grad : nat -> nat -> H) (w : nat -> H) (local dual : nat -> nat -> H) past,
  pisa H 1 one 0 (fun _ _ => kappa) (fun _ _ _ => 0%V) grad w local dual /\
  sampled (fun x : H => c * x)%V v past (fun k => w (S k)) (memory 1 one dual) (fun k => mean H 1 one (grad (S k))) /\
  (forall k, (k < n)%nat -> ‖mean H 1 one (grad (S k)) - c * w (S k)‖² = v) /\
  forall k, (k < n)%nat ->
    ‖c * w (S k)‖² = c * (3 * c + kappa) / ((c + kappa) * (2 * kappa - 3 * c)) * v /\
    ‖c * mean H 1 one (local (S k))‖² = c * (kappa - c) / ((c + kappa) * (2 * kappa - 3 * c)) * v /\
    ‖c * mean H 1 one (local (S k))‖² = (kappa - c) / (3 * c + kappa) * ‖c * w (S k)‖².
Proof.
  intros Pc St Pv H one. destruct (rest_run c kappa v n Pc St Pv) as [w [start [before0 [run Rest]]]].
  destruct run as [grad [local [dual [past [Run [Samples [Exact [W M]]]]]]]].
  exists grad, w, local, dual, past. split; [exact Run|split; [exact Samples|split; [exact Exact|]]].
  assert (Pk : 0 < kappa) by lra.
  assert (C := is_constant_run _ 1 one (fun _ => kappa) grad w local dual (fun x => c * x)%V v past Samples Run).
  cbv beta in C. replace (sum 1 (fun i => one i * kappa)) with kappa in C by (unfold one; simpl; ring).
  specialize (C Pk). specialize (Rest _ _ C Exact W M).
  intros k K. assert (R0 := Rest k ltac:(lia)). assert (R1 := Rest (S k) ltac:(lia)).
  assert (G := rest_gradient _ c kappa v _ _ Pc St k R0). unfold stationary in G. cbv beta in G.
  assert (Y := rest_mean_model H c kappa v (fun k => w (S k)) (memory 1 one dual) (S k) Pc St R1). cbv beta in Y.
  assert (Mem := plain_memory _ _ _ _ _ _ _ _ _ _ _ k (proj1 (pisa_rounds _ _ _ _ _ _ _ _ _ _) Run) (fun _ _ => eq_refl)).
  assert (E := server_adds H 1 one kappa grad w local dual Run ltac:(unfold one; simpl; ring) Pk k).
  assert (E' : (w (S (S k)) + / kappa * memory 1 one dual (S k) = mean H 1 one (local (S k)))%V)
    by (rewrite E; f_equal; f_equal; exact Mem).
  assert (Y' : ‖c * mean H 1 one (local (S k))‖² = c * (kappa - c) / ((c + kappa) * (2 * kappa - 3 * c)) * v)
    by (rewrite <- E'; exact Y).
  split; [exact G|split; [exact Y'|]].
  assert (G' : ‖c * w (S k)‖² = c * (3 * c + kappa) / ((c + kappa) * (2 * kappa - 3 * c)) * v) by exact G.
  refine (eq_trans Y' (eq_sym (eq_trans (f_equal (Rmult ((kappa - c) / (3 * c + kappa))) G') _))). field. lra.
Qed.
Print Assumptions local_mean_floor.
