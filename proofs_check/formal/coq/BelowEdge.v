(** W-stable-below-edge: below the edge sigma = 3L/2 the iterates of x^2/2 are not bounded, for every kappa < 3/2. *)

From PISA Require Export Threshold.

Section Growth.
Variable k : R.
Hypothesis range : 0 < k < 3/2.
Variables (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis run : pisa line 1 (fun _ => 1) 0 (fun _ _ => k) (fun _ _ _ => 0%V) (fun l _ => w l) w local dual.
Hypothesis cold : forall i, dual 0 i = 0%V.
Hypothesis origin : w 0%nat = 1.

Lemma strict_roots : exists z y, z < -1 /\ 0 <= y <= 1 /\ z + y = (k - 2) / k /\ z * y = - / k.
Proof.
  set (b := (k - 2) / k). set (q := b * b + 4 * / k). assert (I : 0 < / k) by (apply Rinv_0_lt_compat; lra).
  assert (K : k * / k = 1) by (apply Rinv_r; lra). assert (B : b = 1 - 2 * / k) by (unfold b; field; lra).
  assert (I' : 2/3 < / k).
  { apply Rmult_lt_reg_l with k; [lra|]. rewrite K. lra. }
  assert (Q : 0 <= q) by (unfold q; nra). assert (S := sqrt_pos q). assert (E := sqrt_sqrt q Q).
  exists ((b - sqrt q) / 2), ((b + sqrt q) / 2). set (r := sqrt q) in *. unfold q in E.
  assert (L1 : b + 2 < r) by (destruct (Rle_lt_dec r (b + 2)); [exfalso; nra|easy]).
  assert (L2 : - b <= r) by (destruct (Rle_lt_dec (- b) r); [easy|exfalso; nra]).
  assert (L3 : r <= 2 - b) by (destruct (Rle_lt_dec r (2 - b)); [easy|exfalso; nra]).
  repeat split; lra.
Qed.

Theorem unbounded bound : exists l, bound < Rabs (w l).
Proof.
  assert (Ranges : 0 < k /\ 0 <= 0 /\ 2 * k + 0 <= 3) by lra.
  assert (One : 1 = (k + 0) / k) by (field; lra).
  destruct (recursion k 0 Ranges w local dual run cold (eq_trans origin One)) as [W1 [W2 Next]].
  rewrite !Rplus_0_r in *. destruct strict_roots as [z [y [Z [Y [Sum Product]]]]]. rewrite <- Sum in *.
  assert (P : / k = - (z * y)) by lra. rewrite P in Next. set (part := fun l => w (S (S l)) - y * w (S l)).
  assert (Power : forall l, part l = z ^ S l).
  { induction l as [|l IH]; unfold part in *; [rewrite W2, W1; simpl; ring|].
    rewrite Next. replace (z ^ S (S l)) with (z * z ^ S l) by (simpl; ring). rewrite <- IH. ring. }
  destruct (Pow_x_infinity z ltac:(rewrite Rabs_left; lra) (2 * Rabs bound + 1)) as [N Big].
  specialize (Big (S N) ltac:(lia)). rewrite <- Power in Big. unfold part in Big.
  assert (T := Rabs_triang (w (S (S N))) (- (y * w (S N)))). replace (w (S (S N)) + - (y * w (S N)))
    with (w (S (S N)) - y * w (S N)) in T by ring. rewrite Rabs_Ropp, Rabs_mult, (Rabs_right y) in T by lra.
  assert (A := Rle_abs bound). assert (Q := Rabs_pos (w (S N))).
  destruct (Rle_lt_dec (Rabs (w (S (S N)))) bound) as [C|C]; [exists (S N)|exists (S (S N)); exact C]. nra.
Qed.
End Growth.

(** "With sigma = 1.49 L the distance to a minimiser never exceeds the first one on any convex L-smooth function." By
    [unbounded] no other number bounds it either. *)
Theorem W_stable_below_edge_refuted : ~ forall (F : line -> R) (G : line -> line) (star : line) (w : nat -> line)
  (local dual : nat -> nat -> line), smooth 1 F G -> convex F -> (forall x, F star <= F x) ->
  pisa line 1 (fun _ => 1) 0 (fun _ _ => 149/100) (fun _ _ _ => 0%V) (fun l _ => G (w l)) w local dual ->
  (forall i, dual 0%nat i = 0%V) -> forall l, Rabs (w l - star) <= Rabs (w 0%nat - star).
Proof.
  intros Claim.
  assert (Run := run_exists line 1 (fun _ => 1) 0 (fun _ _ => 149/100) (fun _ _ _ => 0%V) (fun _ _ y => / (149/100) *
    y)%V
    (fun _ x => x) 1 (fun _ => 0%V) ltac:(intros; unfold rate; simpl; lra) ltac:(intros; cbn; lra)).
  destruct (unbounded (149/100) ltac:(lra) _ _ _ Run (fun _ => eq_refl) eq_refl 1) as [l L].
  assert (Le := Claim half (fun x => x) 0 _ _ _ half_smooth half_convex
    ltac:(intros x; unfold half; cbn in *; nra) Run (fun _ => eq_refl) l). cbv beta in *.
  revert L. apply Rle_not_lt. rewrite Rminus_0_r in Le. eapply Rle_trans; [exact Le|]. cbn.
  rewrite Rminus_0_r, Rabs_R1. lra.
Qed.
Print Assumptions W_stable_below_edge_refuted.
