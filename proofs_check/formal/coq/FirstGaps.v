(** The cold start has no rate in terms of the first gap, with the parameters of the rows: V6 (rho = (0, 2), sigma = 3),
    V7 for every sigma > 4, lambda > 0 and every number of rounds, and W-ridge-cold-start-rate over its five rounds. *)

From PISA Require Export ColdStarts.

(** ** V6: clients b x + x^2/2 and -b x + x^2/2, so that F = x^2/2; started at 1, where the gap is 1/2 *)
Section Heterogeneity.
Variables (b : R) (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis run : pisa line 2 (fun _ => 1/2) 0 (fun _ _ => 3) (fun _ => resist) (fun l i => slant_slope b i (w l)) w
  local dual.
Hypothesis cold : forall i, dual 0%nat i = 0.
Hypothesis origin : w 0%nat = 1.

(** The server's point x, and what the multipliers differ by from -b and b. *)
Fixpoint track l : R * R * R :=
  match l with
  | O => (1, - b, b)
  | S l => let '(x, r, s) := track l in (7/15 * x + r / 6 + s / 30, x, 2/5 * s + 3/5 * x)
  end.

Lemma tracked l : let '(x, r, s) := track l in w (S l) = x /\ dual l 0%nat = - b - r /\ dual l 1%nat = b - s.
Proof.
  induction l as [|l IH].
  - assert (Sv := server _ _ _ _ _ _ _ _ _ _ run 0%nat). unfold rate, mean in Sv. cbn in Sv.
    rewrite !(start _ _ _ _ _ _ _ _ _ _ run), !cold, origin in Sv. simpl track. cbv beta iota. rewrite !cold.
    set (x := w 1%nat) in *. clearbody x. cbn in *. repeat split; lra.
  - simpl track. destruct (track l) as [[x r] s]. destruct IH as [X [P Q]].
    destruct (two_numbers b w local dual run (S l) x (- b - r)%R (b - s)%R (7/15 * x + r / 6 + s / 30)%R (- b - x)%R
      (b - (2/5 * s + 3/5 * x))%R X P Q ltac:(lia) ltac:(lra) ltac:(lra) ltac:(lra)) as [P' [Q' X']].
    repeat split; [exact X'|exact P'|exact Q'].
Qed.

Lemma far_off l : 1000 <= b -> let '(x, r, s) := track (4 + l) in
  x <= - (b / 100) * (7/15) ^ (4 + l) /\ r <= 0 /\ s <= 0.
Proof.
  intros B. induction l as [|l IH]; [simpl; lra|]. replace (4 + S l)%nat with (S (4 + l)) by lia.
  set (k := (4 + l)%nat) in *. clearbody k. cbn [track]. destruct (track k) as [[x r] s]. destruct IH as [X [Rr Ss]].
  assert (P : 0 < (7/15) ^ k) by (apply pow_lt; lra). change ((7/15) ^ S k) with (7/15 * (7/15) ^ k).
  set (q := (7/15) ^ k) in *. clearbody q. assert (0 <= b / 100 * q) by (apply Rmult_le_pos; lra). repeat split; lra.
Qed.

Lemma far l : 1000 <= b -> w (S (S l)) <= - (b / 100) * (7/15) ^ S l.
Proof.
  intros B. assert (T := tracked (S l)). destruct l as [|[|[|l]]].
  - simpl in *. lra.
  - simpl in *. lra.
  - simpl in *. lra.
  - assert (Far := far_off l B). change (S (S (S (S l)))) with (4 + l)%nat in *. destruct (track (4 + l)) as [[x r] s].
    destruct T as [-> _]. apply Far.
Qed.
End Heterogeneity.

Lemma resisted (l i : nat) (y : line) :
  (3 * (match i with O => / 3 * y | S _ => / 5 * y end : line) +
    resist i (match i with O => / 3 * y | S _ => / 5 * y end))%V = y.
Proof. destruct i; cbn; lra. Qed.

(** "With rho = (0, 2), sigma = 3 and the cold start a rate holds that is uniform in the heterogeneity": numbers
    r(N) -> 0 that bound the smallest of the first N + 1 squared gradients from the first gap 1/2, for every b. *)
Theorem V6_uniform_rate_refuted : ~ exists r : nat -> R, Un_cv r 0 /\
  forall b (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 2 (fun _ => 1/2) 0 (fun _ _ => 3) (fun _ => resist) (fun l i => slant_slope b i (w l)) w local dual ->
  (forall i, dual 0%nat i = 0) -> w 0%nat = 1 ->
  forall N, exists k, (k <= N)%nat /\ ‖mean line 2 (fun _ => 1/2) (fun i => slant_slope b i (w (S k)))‖² <= r N.
Proof.
  intros [r [C Claim]]. destruct (C 1 ltac:(lra)) as [N E]. specialize (E N (le_n N)). unfold R_dist in E.
  set (b := 1000 * (15/7) ^ N). assert (P : 1 <= (15/7) ^ N) by (apply pow_R1_Rle; lra).
  assert (Run := run_exists line 2 (fun _ => 1/2) 0 (fun _ _ => 3) (fun _ => resist)
    (fun _ i y => match i with O => / 3 * y | S _ => / 5 * y end)%V (slant_slope b) 1 (fun _ => 0)
    ltac:(intros; unfold rate; simpl; lra) resisted).
  destruct (Claim b _ _ _ Run (fun _ => eq_refl) eq_refl N) as [k [K Small]].
  assert (F := fun l => far b _ _ _ Run (fun _ => eq_refl) eq_refl l ltac:(unfold b; lra)).
  assert (T := tracked b _ _ _ Run (fun _ => eq_refl) eq_refl 0%nat). simpl track in T. destruct T as [W1 _].
  assert (M : forall x : line, ‖mean line 2 (fun _ => 1/2) (fun i => slant_slope b i x)‖² = x ^ 2) by (intros; cbn;
    field).
  rewrite M in Small. set (w := fun l => fst (fst _)) in *. change (w (S k) ^ 2 <= r N) in Small.
  change (w 1%nat = 1) in W1.
  change (forall l, w (S (S l)) <= - (b / 100) * (7/15) ^ S l) in F. clearbody w. clear Run M.
  assert (A := Rle_abs (r N - 0)). destruct k as [|k]; [rewrite W1 in Small; lra|]. specialize (F k).
  assert (D : 1 <= (15/7) ^ N * (7/15) ^ S k).
  { replace N with (S k + (N - S k))%nat by lia. rewrite pow_add. assert (U := pow_R1_Rle (15/7) (N - S k) ltac:(lra)).
    assert (I : (15/7) ^ S k * (7/15) ^ S k = 1) by (rewrite <- Rpow_mult_distr; replace (15/7 * (7/15)) with 1 by
      field;
      apply pow1).
    replace (_ * _ * _) with ((15/7) ^ (N - S k) * ((15/7) ^ S k * (7/15) ^ S k)) by ring. rewrite I; lra. }
  replace (- (b / 100) * (7/15) ^ S k) with (-10 * ((15/7) ^ N * (7/15) ^ S k)) in F by (unfold b; field).
  assert (w (S (S k)) <= -1) by lra. nra.
Qed.

(** ** V7: F = (x - c)^2/2, started at c/(1 + lambda), the minimiser of F_lambda *)
Section Ridge.
Variables (c s t : R) (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis ranges : 0 < s /\ 0 <= t.
Hypothesis run : pisa line 1 (fun _ => 1) t (fun _ _ => s) (fun _ _ _ => 0%V) (fun l _ => (w l - c)%R) w local dual.
Hypothesis cold : dual 0%nat 0%nat = 0.
Notation best := (c / (1 + t)).
Hypothesis origin : w 0%nat = best.

Lemma ridge_moves : (s + t) * (w 1%nat - best) = - t * best /\
  (s + t) * (w 2%nat - best) = (s - 2) * (w 1%nat - best) + t * best /\
  forall l, (s + t) * (w (S (S (S l))) - best) = (s - 2) * (w (S (S l)) - best) + (w (S l) - best).
Proof.
  assert (Cb : c = (1 + t) * best) by (field; lra). set (b := best) in *. clearbody b.
  assert (M := move _ _ _ _ _ _ _ _ _ _ 0 run). unfold rate, deviation in M. cbn in M.
  rewrite (start _ _ _ _ _ _ _ _ _ _ run), origin, cold in M. cbn in M.
  assert (D : forall l, dual (S l) 0%nat = - (w (S l) - c) :> R).
  { intros l. assert (E := parts _ _ _ _ _ _ _ _ _ _ l 0%nat run Nat.lt_0_1).
    rewrite (next_dual _ _ _ _ _ _ _ _ _ _ l 0%nat run). unfold left in E. cbn in *. lra. }
  assert (Next : forall l, (s + t) * (w (S (S l)) - w (S l)) = - (2 * (w (S l) - c) + t * w (S l) + dual l 0%nat)).
  { intros l. assert (Ro := round _ _ _ _ _ _ _ _ _ _ l run).
    assert (E := parts _ _ _ _ _ _ _ _ _ _ l 0%nat run Nat.lt_0_1). unfold taken, left, rate in *. cbn in *. lra. }
  assert (N0 := Next 0%nat). rewrite cold in N0. rewrite Cb in *. split; [lra|split; [lra|]].
  intros l. assert (Nl := Next (S l)). rewrite D in Nl. lra.
Qed.
End Ridge.

Section Kept.
Variables (s t : R).
Hypothesis large : 4 < s /\ 0 < t.
Definition part_kept := t * ((s - 3) * t + (s - 4)) / ((1 + t) * (s + t) ^ 3).
Notation ratio := ((s - 2) / (s + t)).

Lemma cancel a b d : 0 < a -> 0 < b -> a * (d / (a * b)) * b = d.
Proof. intros. field. lra. Qed.

Lemma part_positive : 0 < part_kept /\ 0 < ratio <= 1.
Proof.
  assert (P : 0 < (s + t) ^ 3) by (apply pow_lt; lra). split.
  - unfold part_kept. apply Rdiv_lt_0_compat; apply Rmult_lt_0_compat; nra.
  - split; [apply Rdiv_lt_0_compat; lra|]. apply Rmult_le_reg_r with (s + t); [lra|]. unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l; lra.
Qed.

Lemma gradients_kept c (w : nat -> line) (local dual : nat -> nat -> line) l : 0 <= c ->
  pisa line 1 (fun _ => 1) t (fun _ _ => s) (fun _ _ _ => 0%V) (fun l _ => (w l - c)%R) w local dual ->
  dual 0%nat 0%nat = 0 -> w 0%nat = c / (1 + t) ->
  part_kept * c * ratio ^ l <= Rabs (w (S l) - c / (1 + t)).
Proof.
  intros C Run Cold W0. destruct (ridge_moves c s t w local dual ltac:(lra) Run Cold W0) as [M1 [M2 Next]].
  destruct part_positive as [P [Q One]]. set (b := c / (1 + t)) in *.
  assert (Cb : c = (1 + t) * b) by (unfold b; field; lra).
  assert (B : 0 <= b) by (unfold b; apply quotient; lra). set (z l := w l - b). clearbody b.
  assert (Z1 : z 1%nat = - (t * b) / (s + t)) by (unfold z; apply Rmult_eq_reg_l with (s + t); [rewrite M1; field;
    lra|lra]).
  assert (Z2 : z 2%nat = t * b * (t + 2) / (s + t) ^ 2).
  { apply Rmult_eq_reg_l with (s + t); [|lra]. unfold z at 1. rewrite M2. fold (z 1%nat). rewrite Z1. field. lra. }
  assert (Z3 : z 3%nat = part_kept * c).
  { apply Rmult_eq_reg_l with (s + t); [|lra]. unfold z at 1. rewrite (Next 0%nat). fold (z 2%nat) (z 1%nat).
    rewrite Z2, Z1, Cb. unfold part_kept. field. lra. }
  assert (TB : 0 <= t * b) by nra. assert (P2 : 0 < (s + t) ^ 2) by (apply pow_lt; lra).
  assert (P3 : 0 < (s + t) ^ 3) by (apply pow_lt; lra). assert (K : 0 <= part_kept * c) by (apply Rmult_le_pos; lra).
  assert (Later : forall l, part_kept * c * ratio ^ S (S l) <= z (S (S (S l))) /\ 0 <= z (S (S l))).
  { induction l0 as [|j [A A']].
    - rewrite Z3, Z2. split; [|apply quotient; [apply Rmult_le_pos; lra|lra]].
      assert (ratio ^ 2 <= 1) by (simpl; nra). nra.
    - split; [|assert (0 <= part_kept * c * ratio ^ S (S j)) by (apply Rmult_le_pos; [easy|apply pow_le; lra]); lra].
      assert (E : z (S (S (S (S j)))) = ratio * z (S (S (S j))) + z (S (S j)) / (s + t)).
      { apply Rmult_eq_reg_l with (s + t); [|lra]. unfold z at 1. rewrite (Next (S j)). unfold z. field. lra. }
      rewrite E. assert (0 <= z (S (S j)) / (s + t)) by (apply quotient; lra).
      replace (part_kept * c * ratio ^ S (S (S j))) with (ratio * (part_kept * c * ratio ^ S (S j))) by (simpl; ring).
      assert (ratio * (part_kept * c * ratio ^ S (S j)) <= ratio * z (S (S (S j)))) by (apply Rmult_le_compat_l; lra).
        lra. }
  change (part_kept * c * ratio ^ l <= Rabs (z (S l))). destruct l as [|[|l]].
  - simpl. rewrite Rmult_1_r, Z1. replace (- (t * b) / (s + t)) with (- (t * b / (s + t))) by (field; lra).
    rewrite Rabs_Ropp. eapply Rle_trans; [|apply Rle_abs]. rewrite Cb. unfold part_kept.
    apply Rmult_le_reg_r with ((s + t) ^ 3); [easy|].
    replace (_ * (s + t) ^ 3) with (t * b * ((s - 3) * t + (s - 4))) by (field; lra).
    replace (_ * (s + t) ^ 3) with (t * b * (s + t) ^ 2) by (field; lra). apply Rmult_le_compat_l; [easy|nra].
  - eapply Rle_trans; [|apply Rle_abs]. rewrite Z2. apply Rle_trans with (part_kept * c).
    + simpl. nra.
    + rewrite Cb. unfold part_kept. apply Rmult_le_reg_r with ((s + t) ^ 3); [easy|].
      replace (_ * (s + t) ^ 3) with (t * b * ((s - 3) * t + (s - 4))) by (field; lra).
      replace (_ * (s + t) ^ 3) with (t * b * ((t + 2) * (s + t))) by (field; lra). apply Rmult_le_compat_l; [easy|nra].
  - eapply Rle_trans; [|apply Rle_abs]. apply Later.
Qed.

(** "With a ridge and the cold start the smallest gradient of the first N has a bound in terms of the first gap": for
    no N, since the gap is 0 here. *)
Theorem V7_bound_refuted N : ~ exists bound, forall c (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 1 (fun _ => 1) t (fun _ _ => s) (fun _ _ _ => 0%V) (fun l _ => (w l - c)%R) w local dual ->
  dual 0%nat 0%nat = 0 -> (forall x : R, ((w 0%nat - c) ^ 2 + t * w 0%nat ^ 2) / 2 <= ((x - c) ^ 2 + t * x ^ 2) / 2) ->
  exists l, (l <= N)%nat /\ Rabs ((w (S l) - c) + t * w (S l)) <= bound.
Proof.
  intros [bound Claim]. destruct part_positive as [P [Q One]]. assert (Pw : 0 < ratio ^ N) by (apply pow_lt; lra).
  set (c := (Rabs bound + 1) / (part_kept * ratio ^ N)). assert (A := Rabs_pos bound). assert (A' := Rle_abs bound).
  assert (C : 0 <= c) by (apply quotient; [lra|apply Rmult_lt_0_compat; lra]).
  assert (Run := run_exists line 1 (fun _ => 1) t (fun _ _ => s) (fun _ _ _ => 0%V) (fun _ _ y => / s * y)%V
    (fun _ x => (x - c)%R) (c / (1 + t)) (fun _ => 0) ltac:(intros; unfold rate; simpl; lra)
    ltac:(intros; cbn; field; lra)).
  assert (Least : forall x, ((c / (1 + t) - c) ^ 2 + t * (c / (1 + t)) ^ 2) / 2 <= ((x - c) ^ 2 + t * x ^ 2) / 2).
  { intros x. replace (((x - c) ^ 2 + t * x ^ 2) / 2) with (((c / (1 + t) - c) ^ 2 + t * (c / (1 + t)) ^ 2) / 2
      + (1 + t) / 2 * (x - c / (1 + t)) ^ 2) by (field; lra). assert (Sq := pow2_ge_0 (x - c / (1 + t))).
    assert (0 <= (1 + t) / 2 * (x - c / (1 + t)) ^ 2) by (apply Rmult_le_pos; lra). lra. }
  destruct (Claim c _ _ _ Run eq_refl Least) as [l [L Small]].
  assert (Kept := gradients_kept c _ _ _ l C Run eq_refl eq_refl).
  set (w := fun l => fst (fst _)) in *. change (Rabs ((w (S l) - c) + t * w (S l)) <= bound) in Small.
  change (part_kept * c * ratio ^ l <= Rabs (w (S l) - c / (1 + t))) in Kept. clearbody w.
  assert (Cb : c = (1 + t) * (c / (1 + t))) by (field; lra).
  replace (w (S l) - c + t * w (S l)) with ((1 + t) * (w (S l) - c / (1 + t))) in Small by (field; lra).
  rewrite Rabs_mult, (Rabs_right (1 + t)) in Small by lra. set (z := Rabs (w (S l) - c / (1 + t))) in *.
  assert (Z : 0 <= z) by apply Rabs_pos. clearbody z.
  assert (Down : ratio ^ N <= ratio ^ l).
  { replace N with (l + (N - l))%nat by lia. rewrite pow_add. assert (U := pow_incr ratio 1 (N - l) ltac:(lra)).
    rewrite pow1 in U. assert (0 < ratio ^ l) by (apply pow_lt; lra). nra. }
  assert (E : part_kept * c * ratio ^ N = Rabs bound + 1) by (apply (cancel part_kept (ratio ^ N)); lra).
  assert (part_kept * c * ratio ^ N <= part_kept * c * ratio ^ l) by (apply Rmult_le_compat_l; [apply Rmult_le_pos;
    lra|easy]).
  assert (0 <= t * z) by (apply Rmult_le_pos; lra). lra.
Qed.
End Kept.

(** ** W-ridge-cold-start-rate: lambda = 1/2, sigma = 3, c = 1000 *)
Lemma five_rounds (w : nat -> line) (local dual : nat -> nat -> line) k :
  pisa line 1 (fun _ => 1) (1/2) (fun _ _ => 3) (fun _ _ _ => 0%V) (fun l _ => (w l - 1000)%R) w local dual ->
  dual 0%nat 0%nat = 0 -> w 0%nat = 1000 / (1 + 1/2) -> (1 <= k <= 5)%nat -> 1 < (3/2 * w k - 1000) ^ 2.
Proof.
  intros Run Cold W0 K. destruct (ridge_moves 1000 3 (1/2) w local dual ltac:(lra) Run Cold W0) as [M1 [M2 Next]].
  assert (M3 := Next 0%nat). assert (M4 := Next 1%nat). assert (M5 := Next 2%nat). clear Next.
  replace (1000 / (1 + 1/2)) with (2000/3) in * by field.
  assert (W1 : w 1%nat = 2000/3 - 2000/21) by lra. assert (W2 : w 2%nat = 2000/3 + 10000/147) by lra.
  assert (W3 : w 3%nat = 2000/3 - 8000/1029) by lra. assert (W4 : w 4%nat = 2000/3 + 124000/7203) by lra.
  assert (W5 : w 5%nat = 2000/3 + 136000/50421) by lra. clear M1 M2 M3 M4 M5.
  destruct k as [|[|[|[|[|[|k]]]]]]; try lia; rewrite ?W1, ?W2, ?W3, ?W4, ?W5; lra.
Qed.

(** "The smallest squared gradient of F_lambda over 1 <= k <= 5 is at most (L + lambda)(F_lambda(w^0) - F_lambda* ) + 1"
    from the minimiser of F_lambda, where the gap is 0 ([ridged_gap]). *)
Theorem W_ridge_five_rounds_refuted : ~ forall c (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 1 (fun _ => 1) (1/2) (fun _ _ => 3) (fun _ _ _ => 0%V) (fun l _ => (w l - c)%R) w local dual ->
  dual 0%nat 0%nat = 0 -> w 0%nat = c / (1 + 1/2) -> exists k, (1 <= k <= 5)%nat /\
  (3/2 * w k - c) ^ 2 <= 3/2 * ridged c (w 0%nat) + 1.
Proof.
  intros Claim. assert (Run := run_exists line 1 (fun _ => 1) (1/2) (fun _ _ => 3) (fun _ _ _ => 0%V)
    (fun _ _ y => / 3 * y)%V (fun _ x => (x - 1000)%R) (1000 / (1 + 1/2)) (fun _ => 0)
    ltac:(intros; unfold rate; simpl; lra) ltac:(intros; cbn; lra)).
  destruct (Claim 1000 _ _ _ Run eq_refl eq_refl) as [k [K Small]].
  assert (Large := five_rounds _ _ _ k Run eq_refl eq_refl K). cbv beta in *. revert Small. apply Rlt_not_le.
  match goal with |- context [ridged _ ?x] => change x with (1000 / (1 + 1/2)) end.
  replace (ridged 1000 (1000 / (1 + 1/2))) with 0 by (unfold ridged; field). lra.
Qed.
Print Assumptions V6_uniform_rate_refuted.
Print Assumptions V7_bound_refuted.
Print Assumptions W_ridge_five_rounds_refuted.
