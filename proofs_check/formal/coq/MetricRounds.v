(** Mixed order with a common block-diagonal metric Sigma_k for the penalties, outcome by outcome (N4, N5): the mean of
    the local models makes the steps y_(k+1) = y_k - Sigma_k^-1 R_(k+1), whatever the next metric is.

    Blocks are the parts of a [basis]; [sigma l j] is the penalty of block j in client step l, [bend l i] = rho_i Q_i is
    symmetric and keeps the blocks. Step k draws the gradients at w_(k+1), in client step k + 1. *)

From PISA Require Export Diagonal BatchStep Orders.
From PISA Require Preconditioned.

(** A symmetric operator by blocks with 0 <= B <= bound: what it leaves of a residual is its sector. *)
Record blockwise {V : space} n (part : nat -> V -> V) (bound : nat -> R) (B : V -> V) : Prop := {
  block_symmetric : forall x y, ⟨B x, y⟩ = ⟨x, B y⟩;
  block_kept : forall j x, (j < n)%nat -> part j (B x) = B (part j x);
  block_bounded : forall j x, (j < n)%nat -> 0 <= ⟨B (part j x), part j x⟩ <= bound j * ‖part j x‖²
}.

Section Rounds.
Variables (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Notation diagonal := (diagonal V n part).
Notation weighing := (weighing V n part).
Variables (m : nat) (weight : nat -> R) (ridge : R) (sigma : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Notation mean := (mean V m weight).
Notation deviation := (deviation V w local).
Notation inverse l := (fun j : nat => (/ sigma l j)%R).

Record metric_rounds : Prop := {
  metric_origin : forall i, local 0 i = w 0%nat;
  metric_serve : forall l, diagonal (fun j => sigma (S l) j + ridge) (w (S l))
    = mean (fun i => diagonal (sigma (S l)) (local l i) + dual l i)%V;
  metric_solve : forall l i, (i < m)%nat -> (diagonal (sigma (S l)) (deviation (S l) i)
    + bend (S l) i (deviation (S l) i) = - (dual l i + grad (S l) i))%V;
  metric_dual : forall l i, (dual (S l) i = dual l i + diagonal (sigma (S l)) (deviation (S l) i))%V
}.

Hypothesis run : metric_rounds.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis sigma_positive : forall l j, (j < n)%nat -> 0 < sigma (S l) j.
Hypothesis ridge_nonneg : 0 <= ridge.

Notation P := (memory m weight dual).
Notation place k := (w (S k)).
(** The parts of ghat_i + pi_i = t + l: what the multiplier takes, and what the preconditioner leaves. *)
Definition kept k i : V := (- diagonal (sigma (S k)) (deviation (S k) i))%V.
Definition lost k i : V := (- bend (S k) i (deviation (S k) i))%V.
Definition seen k i : V := (grad (S k) i + dual k i)%V.
(** The mean of the local models that the server is about to merge. *)
Definition mean_model k : V := mean (local k).
(** R_(k+1) = Ghat_k + eps_k *)
Definition drawn k : V := (mean (grad (S k)) + ridge * place k)%V.
Definition bent k : V := (-1 * mean (lost k))%V.
Definition pull k : V := (P (S k) + ridge * place k)%V.

Lemma seen_parts k i : (i < m)%nat -> seen k i = (kept k i + lost k i)%V.
Proof.
  intros I. assert (E := metric_solve run k i I). unfold seen, kept, lost. apply separated; intros z.
  apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

Lemma dual_kept k i : (dual (S k) i = dual k i - kept k i)%V.
Proof. rewrite (metric_dual run). unfold kept. vector. Qed.

Lemma memory_kept k : (P (S k) = P k + mean (kept k))%V.
Proof.
  unfold memory. rewrite (mean_ext V m weight _ _ (fun i _ => dual_kept k i)).
  rewrite (mean_add V m weight (dual k) (fun i => -1 * kept k i)%V), mean_scale.
  unfold memory. apply separated; intros z. autorewrite with inner. ring.
Qed.

Lemma pull_parts k : pull k = (drawn k + bent k)%V.
Proof.
  unfold pull, drawn, bent. rewrite memory_kept. unfold memory.
  assert (E : (mean (grad (S k)) + mean (dual k) = mean (kept k) + mean (lost k))%V)
    by (rewrite <- !mean_add; apply mean_ext; intros i I; exact (seen_parts k i I)).
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

Lemma diagonal_mean a (x : nat -> V) : diagonal a (mean x) = mean (fun i => diagonal a (x i)).
Proof.
  unfold Algorithm.mean. generalize m as k. induction k as [|k IH]; simpl.
  - unfold Diagonal.diagonal. apply separated; intros z. rewrite inner_total, inner_zero.
    rewrite (sum_ext n _ (fun _ => 0)), sum_const by
      (intros j _; rewrite inner_scale, (part_symmetric _ _ _ split), inner_zero; ring). ring.
  - now rewrite (diagonal_plus V n part split), (diagonal_scale V n part split), IH.
Qed.

Lemma inverse_diagonal l x : diagonal (inverse (S l)) (diagonal (sigma (S l)) x) = x.
Proof.
  rewrite (diagonal_twice V n part split), (diagonal_ext V n part _ (fun _ => 1)), (diagonal_all V n part split); [easy|].
  intros j J. apply Rinv_l. assert (A := sigma_positive l j J). lra.
Qed.

(** y_(k+1) = w_(k+1) + Sigma_(k+1)^-1 (lambda w_(k+1) + P_(k+1)), for whatever metric the server takes next. *)
Lemma mean_model_is k : (1 <= k)%nat ->
  mean_model k = (place k + diagonal (inverse (S k)) (P k + ridge * place k))%V.
Proof.
  intros K. assert (E := metric_serve run k). rewrite (mean_add V m weight (fun i => diagonal (sigma (S k)) (local k i))
    (dual k)) in E. rewrite <- diagonal_mean in E. fold (mean_model k) in E.
  apply (f_equal (diagonal (inverse (S k)))) in E. rewrite !(diagonal_plus V n part split), inverse_diagonal in E.
  rewrite (diagonal_add V n part) in E. rewrite (diagonal_plus V n part split), inverse_diagonal in E.
  assert (R : diagonal (fun _ => ridge) (place k) = (ridge * place k)%V).
  { rewrite <- (diagonal_all V n part split (ridge * place k)%V), (diagonal_scale V n part split).
    apply separated; intros z. rewrite inner_scale, !diagonal_inner, <- sum_scale. apply sum_ext; intros; ring. }
  rewrite R in E. unfold memory. rewrite !(diagonal_plus V n part split), !(diagonal_scale V n part split) in *.
  set (u := diagonal _ (mean _)) in *. set (v := diagonal _ (place k)) in *. clearbody u v.
  apply separated; intros z. apply (f_equal (fun x => ⟨x, z⟩)) in E. autorewrite with inner in *. lra.
Qed.

(** The deviations' mean: the local models' mean is w_k + Sigma_k^-1 (P_k - P_(k+1)). *)
Lemma mean_model_moved k : mean_model (S k) = (place k - diagonal (inverse (S k)) (mean (kept k)))%V.
Proof.
  unfold mean_model, kept. rewrite mean_scale, (diagonal_scale V n part split), <- diagonal_mean, inverse_diagonal.
  assert (E : mean (local (S k)) = (place k + mean (deviation (S k)))%V).
  { rewrite (mean_ext V m weight (local (S k)) (fun i => place k + deviation (S k) i)%V)
      by (intros; unfold Algorithm.deviation; vector).
    rewrite (mean_add V m weight (fun _ => place k) (deviation (S k))). f_equal. apply separated; intros z. rewrite inner_mean.
    rewrite (sum_ext m _ (fun i => ⟨place k, z⟩ * weight i)), sum_scale, (proj2 weights) by (intros; ring). ring. }
  rewrite E. vector.
Qed.

(** Point y_k of the analysis; from the first round on it is the mean of the local models. *)
Definition centre k : V := (place k + diagonal (inverse (S k)) (P k + ridge * place k))%V.

Lemma centre_is_the_mean_model k : centre (S k) = mean_model (S k).
Proof. unfold centre. now rewrite mean_model_is by lia. Qed.

Theorem mean_model_steps k : centre (S k) = (centre k - diagonal (inverse (S k)) (pull k))%V.
Proof.
  rewrite centre_is_the_mean_model, mean_model_moved. unfold centre, pull. rewrite memory_kept.
  rewrite !(diagonal_plus V n part split). vector.
Qed.

(** ** How far the centre is from the server's point: (Sigma+lambda)(y - w) = R - lambda (y' - w') *)
Lemma centre_away k j : (j < n)%nat -> (part j (centre (S k) - place (S k))
  = / (sigma (S (S k)) j + ridge) * (part j (pull k) - (ridge / sigma (S k) j) * part j (mean (kept k))))%V.
Proof.
  intros J. assert (Pn := sigma_positive (S k) j J). assert (Pk := sigma_positive k j J).
  assert (E1 := f_equal (part j) (centre_is_the_mean_model k)). rewrite mean_model_moved in E1.
  unfold centre in *. set (q := mean (kept k)) in *. unfold pull.
  set (p := P (S k)) in *. set (x := place (S k)) in *. set (x' := place k) in *.
  rewrite !(part_add V n part split), !(part_scale V n part split), !(part_diagonal V n part split),
    !(part_add V n part split), !(part_scale V n part split) in * by exact J.
  set (pj := part j p) in *. set (xj := part j x) in *. set (yj := part j x') in *. set (qj := part j q) in *.
  clearbody pj xj yj qj. set (s := sigma (S (S k)) j) in *. set (s' := sigma (S k) j) in *. clearbody s s'.
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E1. autorewrite with inner in *.
  assert (Y : ⟨yj, z⟩ = ⟨xj, z⟩ + / s * (⟨pj, z⟩ + ridge * ⟨xj, z⟩) + / s' * ⟨qj, z⟩) by lra.
  rewrite Y. field. lra.
Qed.

(** ** Bounds by blocks: a_j = |Ghat_j|^2 + sum alpha_i |ehat_ij|^2 *)
Definition spread k j := sum m (fun i => weight i * ‖part j (seen k i)‖²).
Definition block_square k j := ‖part j (drawn k)‖² + spread k j.

Lemma part_mean j (x : nat -> V) : part j (mean x) = mean (fun i => part j (x i)).
Proof.
  unfold Algorithm.mean. rewrite (part_total V n part split). apply separated; intros z.
  rewrite !inner_total. apply sum_ext; intros. now rewrite (part_scale V n part split).
Qed.

Lemma weighted_parts f g : (forall i, (i < m)%nat -> f i <= g i) ->
  sum m (fun i => weight i * f i) <= sum m (fun i => weight i * g i).
Proof. intros E. apply sum_le; intros. apply Rmult_le_compat_l; [now apply weights|auto]. Qed.

Lemma spread_nonneg k j : 0 <= spread k j.
Proof.
  unfold spread. rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le. intros i I.
  apply Rmult_le_pos; [now apply weights|apply inner_nonneg].
Qed.

Section Bounded.
Variables (k j : nat) (beta : R) (bound : nat -> R).
Hypothesis J : (j < n)%nat.
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis operators : forall i, (i < m)%nat -> blockwise n part bound (bend (S k) i).
Hypothesis bound_below : bound j <= beta * sigma (S k) j.

Lemma block_sector i : (i < m)%nat -> ‖part j (lost k i)‖² <= beta * ⟨part j (kept k i), part j (lost k i)⟩.
Proof.
  intros I. destruct (operators i I) as [Sym Keep Bound]. unfold kept, lost.
  rewrite !(part_scale V n part split), (part_diagonal V n part split), Keep by exact J.
  set (d := deviation (S k) i). assert (Ps := sigma_positive k j J).
  set (s := sigma (S k) j) in *. assert (B : ‖bend (S k) i (part j d)‖² <= beta * s * ⟨bend (S k) i (part j d), part j d⟩).
  { (* the operator that is [bend] on block j and 0 elsewhere *)
    assert (SecB := Preconditioned.sector V (fun x => part j (bend (S k) i (part j x))) (beta * s) (part j d)).
    cbv beta in SecB. rewrite !(part_twice _ _ _ split) in SecB by exact J.
    assert (Bj : part j (bend (S k) i (part j d)) = bend (S k) i (part j d))
      by (rewrite Keep, (part_twice _ _ _ split) by exact J; easy).
    rewrite Bj in SecB. apply SecB.
    - intros x y. rewrite (part_symmetric _ _ _ split), Sym, (part_symmetric _ _ _ split). reflexivity.
    - intros x. rewrite (part_symmetric _ _ _ split). assert (B := Bound j x J). split; [apply B|].
      eapply Rle_trans; [apply B|]. apply Rle_trans with (beta * s * ‖part j x‖²).
      { apply Rmult_le_compat_r; [apply inner_nonneg|exact bound_below]. }
      apply Rmult_le_compat_l; [nra|].
      rewrite <- (part_square V n part split) by exact J.
      assert (N := inner_nonneg _ (x - part j x)%V). rewrite <- (part_square V n part split j x J) in *.
      assert (T := part_square V n part split j x J).
      autorewrite with inner in N. rewrite (inner_sym _ x (part j x)) in N. lra.
    - nra. }
  autorewrite with inner. rewrite (inner_sym _ (part j d)). lra.
Qed.

Lemma bent_small : ‖part j (bent k)‖² <= (beta / (1 + beta)) ^ 2 * spread k j.
Proof.
  unfold bent. rewrite (part_scale V n part split), part_mean.
  replace (‖-1 * mean (fun i => part j (lost k i))‖²) with (‖mean (fun i => part j (lost k i))‖²)
    by (autorewrite with inner; ring).
  eapply Rle_trans; [apply (jensen V m weight _ (proj1 weights) (proj2 weights))|].
  unfold spread. rewrite <- sum_scale.
  rewrite (sum_ext m (fun i => _ * (_ * _)) (fun i => weight i * ((beta / (1 + beta)) ^ 2 * ‖part j (seen k i)‖²)))
    by (intros; ring).
  apply weighted_parts. intros i I. rewrite (seen_parts k i I), (part_add V n part split).
  apply left_small; [exact beta_nonneg|now apply block_sector].
Qed.

Lemma kept_small : ‖part j (mean (kept k))‖² <= spread k j.
Proof.
  rewrite part_mean. eapply Rle_trans; [apply (jensen V m weight _ (proj1 weights) (proj2 weights))|].
  apply weighted_parts. intros i I. rewrite (seen_parts k i I), (part_add V n part split).
  assert (Sec := block_sector i I). set (t := part j (kept k i)) in *. set (l := part j (lost k i)) in *.
  assert (N := inner_nonneg _ l). assert (Z : 0 <= ⟨t, l⟩).
  { destruct (Req_dec beta 0) as [Z|Z].
    - rewrite (norm_zero _ l) by (rewrite Z in Sec; lra). rewrite inner_zero_r. lra.
    - apply Rmult_le_reg_l with beta; lra. }
  autorewrite with inner. rewrite (inner_sym _ l t). lra.
Qed.

Lemma pull_small : ‖part j (pull k)‖² <= 2 * block_square k j.
Proof.
  rewrite pull_parts, (part_add V n part split). assert (B := bent_small). unfold block_square.
  assert (Q : 0 <= beta / (1 + beta) <= 1).
  { split; [apply quotient; lra|]. apply Rmult_le_reg_r with (1 + beta); [lra|]. unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l; lra. }
  assert (Q2 : (beta / (1 + beta)) ^ 2 <= 1) by (set (q := beta / (1 + beta)) in *; nra).
  assert (N := spread_nonneg k j). assert (B' := Rmult_le_compat_r _ _ _ N Q2).
  set (g := part j (drawn k)). set (e := part j (bent k)) in *.
  assert (Y := inner_nonneg _ (g - e)%V). autorewrite with inner in *. rewrite (inner_sym _ e g) in *. lra.
Qed.

Lemma centre_near : ‖part j (centre (S k) - place (S k))‖²
  <= (4 + 2 * (ridge / sigma (S k) j) ^ 2) * block_square k j / sigma (S (S k)) j ^ 2.
Proof.
  rewrite (centre_away k j J). assert (B1 := pull_small). assert (B2 := kept_small).
  assert (Ps := sigma_positive (S k) j J). assert (Pk := sigma_positive k j J).
  set (r := part j (pull k)) in *. set (q := part j (mean (kept k))) in *.
  assert (Sq : block_square k j = ‖part j (drawn k)‖² + spread k j) by easy.
  assert (N := inner_nonneg _ (part j (drawn k))). set (a := block_square k j) in *.
  set (c := ridge / sigma (S k) j) in *. set (s := sigma (S (S k)) j) in *.
  assert (D : ‖r - c * q‖² <= 2 * ‖r‖² + 2 * c ^ 2 * ‖q‖²).
  { assert (Y := inner_nonneg _ (r + c * q)%V). autorewrite with inner in *. rewrite (inner_sym _ q r) in *. lra. }
  assert (Pc := pow2_ge_0 c). assert (D' : ‖r - c * q‖² <= (4 + 2 * c ^ 2) * a).
  { assert (c ^ 2 * ‖q‖² <= c ^ 2 * a) by (apply Rmult_le_compat_l; lra). lra. }
  replace (‖/ (s + ridge) * (r - c * q)‖²) with (/ (s + ridge) * / (s + ridge) * ‖r - c * q‖²)
    by (rewrite inner_scale, inner_scale_r; ring).
  replace ((4 + 2 * c ^ 2) * a / s ^ 2) with (/ s * / s * ((4 + 2 * c ^ 2) * a)) by (field; lra).
  assert (I : 0 < / (s + ridge) <= / s) by (split; [apply Rinv_0_lt_compat|apply Rinv_le_contravar]; lra).
  apply Rmult_le_compat; [nra|apply inner_nonneg|apply Rmult_le_compat; lra|exact D'].
Qed.
End Bounded.
End Rounds.

(** ** The step of the analysis, for one outcome: the noise [xi] is what has mean zero *)
Theorem metric_step (V : space) n part L F (slope : V -> V) (a : nat -> R) y G xi eps : basis V n part -> 0 < L ->
  smooth L F slope -> (forall j, (j < n)%nat -> 0 <= a j) ->
  F (y - diagonal V n part a (G + xi + eps))%V <= F y - / 2 * weighing V n part a G
    + / 2 * weighing V n part a (slope y - G)%V + / 2 * weighing V n part a eps
    + L / 2 * weighing V n part (fun j => a j * a j) (G + xi + eps)%V - ⟨diagonal V n part a (slope y), xi⟩.
Proof.
  intros split Pos Sm A. set (u := slope y). set (r := (G + xi + eps)%V).
  assert (Desc := descent_lemma V L F slope y (-1 * diagonal V n part a r)%V Pos Sm). fold u in Desc.
  replace (‖-1 * diagonal V n part a r‖²) with (weighing V n part (fun j => a j * a j) r) in Desc
    by (rewrite <- (diagonal_norm V n part split); autorewrite with inner; ring).
  assert (Sq : 0 <= weighing V n part a (u + eps)%V).
  { unfold weighing. rewrite <- (Rmult_0_r (INR n)), <- sum_const. apply sum_le. intros j J.
    apply Rmult_le_pos; [auto|apply inner_nonneg]. }
  rewrite inner_scale_r, <- (diagonal_symmetric V n part split) in Desc.
  rewrite <- !(weighing_inner V n part split a) in *. set (f := F _) in *. clearbody f.
  assert (T : forall x z, ⟨diagonal V n part a x, z⟩ = ⟨diagonal V n part a z, x⟩)
    by (intros; rewrite (diagonal_symmetric V n part split); apply inner_sym).
  rewrite !(diagonal_plus V n part split), !(diagonal_scale V n part split) in *. autorewrite with inner in *.
  rewrite (T eps u), (T G u) in *.
  assert (E : ⟨diagonal V n part a u, r⟩ = ⟨diagonal V n part a u, G⟩ + ⟨diagonal V n part a u, xi⟩
    + ⟨diagonal V n part a u, eps⟩) by (unfold r; now autorewrite with inner). lra.
Qed.
