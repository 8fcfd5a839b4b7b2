(** One round with a row of multipliers (claims T12), from Algorithm 1: any operators and clients, and a shared
  operator. *)

From PISA Require Export Sectors.

Section Clients.
Variable V : space.
Variables (x : multipliers) (L : R) (m : nat) (weight : nat -> R) (penalty : nat -> nat -> R).
Variables (bend : nat -> nat -> V -> V) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (w : nat -> V) (local dual : nat -> nat -> V).
Hypothesis run : pisa V m weight 0 penalty bend (fun l i => G i (w l)) w local dual.
Notation rate := (rate m weight 0 penalty).
Notation mean := (mean V m weight).
Notation gradient := (fun y => mean (fun i => G i y)).
Hypothesis L_positive : 0 < L.
Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis penalty_positive : forall l i, (i < m)%nat -> 0 < penalty l i.
Hypothesis bend_symmetric : forall l i y z, (i < m)%nat -> ⟨bend l i y, z⟩ = ⟨y, bend l i z⟩.
Hypothesis bend_bounded : forall l i y, (i < m)%nat -> 0 <= ⟨bend l i y, y⟩ <= reach x * penalty l i * ‖y‖².
Hypothesis nondecreasing : forall l, edge x * L <= rate l <= rate (S l).

Notation residual := (residual V G w dual).
Notation us l := (taken V penalty w local l).
Notation vs l := (left V bend w local l).
Definition average_value y := sum m (fun i => weight i * F i y).
Definition spread_of l := sum m (fun i => weight i * ‖residual l i - mean (residual l)‖²).
(** w_k is [w (S l)], pi_i^k is [dual l i], before the client's step at w_k. *)
Definition sector_potential l := average_value (w (S l)) + edge x / rate (S l)
  * (form x V (gradient (w (S l))) (mean (residual l)) + spread_share x * spread_of l).

Lemma mean_parts l : mean (residual l) = (mean (us l) + mean (vs l))%V.
Proof. rewrite <- mean_add. apply mean_ext. intros i I. exact (residual_parts V m weight 0 penalty bend G w local dual
  run l i I). Qed.

Lemma mean_next l :
  mean (residual (S l)) = (mean (vs l) + (gradient (w (S (S l))) - gradient (w (S l))))%V.
Proof.
  cbv beta. rewrite <- mean_scale, <- !mean_add. apply mean_ext. intros i I.
  exact (next_residual V m weight 0 penalty bend G w local dual run l i I).
Qed.

Lemma mean_moved l : (rate (S l) * (w (S (S l)) - w (S l))
  = - (gradient (w (S l)) + (mean (us l) - mean (vs l))))%V.
Proof.
  rewrite (round _ _ _ _ _ _ _ _ _ _ l run), mean_add, mean_scale. cbv beta. vector.
Qed.

(** All clients share one operator: then F and its gradient alone need be smooth, and no deviations matter. *)
Section Shared.
Variable total_F : V -> R.
Hypothesis valid_x : mean_valid x.
Hypothesis total_smooth : smooth L total_F gradient.
Variables (sigma : nat -> R) (B : nat -> V -> V).
Hypothesis shared : forall l i, penalty l i = sigma l /\ bend l i = B l.
Hypothesis sigma_positive : forall l, 0 < sigma l.
Hypothesis B_symmetric : forall l y z, ⟨B l y, z⟩ = ⟨y, B l z⟩.
Hypothesis B_bounded : forall l y, 0 <= ⟨B l y, y⟩ <= reach x * sigma l * ‖y‖².

Definition shared_potential l := total_F (w (S l)) + edge x / rate (S l) * form x V (gradient (w (S l))) (mean
  (residual l)).

Theorem shared_lowers l : shared_potential (S l)
  <= shared_potential l - drop x * edge x / rate (S l) * ‖gradient (w (S l))‖² /\ total_F (w (S l)) <=
    shared_potential l.
Proof.
  assert (Be : 0 <= reach x) by apply valid_x. assert (Up := nondecreasing (S l)). split.
  - unfold shared_potential. rewrite mean_next, mean_parts.
    apply (common_round V x L L_positive total_F gradient (w (S l)) (w (S (S l))) (mean (us l))
      (mean (vs l)) (rate (S l)) (rate (S (S l))) valid_x total_smooth Up (mean_moved l)).
    set (d := mean (deviation V w local (S l))).
    assert (Eu : mean (us l) = (- (sigma (S l) * d))%V).
    { unfold d. rewrite <- !mean_scale. apply mean_ext. intros i _. unfold taken. rewrite (proj1 (shared _ _)).
      vector. }
    assert (Ev : mean (vs l) = (- B (S l) d)%V).
    { unfold d. rewrite <- (mean_map V B B_symmetric), <- mean_scale. apply mean_ext. intros i _. unfold left.
      now rewrite (proj2 (shared _ _)). }
    rewrite Eu, Ev. assert (E := Preconditioned.sector V (B (S l)) (reach x * sigma (S l)) d (B_symmetric _)
      (B_bounded _)
      ltac:(apply Rmult_le_pos; [easy|apply Rlt_le, sigma_positive])).
    autorewrite with inner. rewrite (inner_sym _ d). lra.
  - unfold shared_potential. destruct valid_x as [[_ [Ke _]] Forms].
    assert (Q := proj2 (Forms V) (gradient (w (S l))) (mean (residual l))).
    assert (0 <= edge x / rate (S l)) by (apply quotient; nra).
    assert (0 <= edge x / rate (S l) * form x V (gradient (w (S l))) (mean (residual l))) by now apply Rmult_le_pos.
      lra.
Qed.
End Shared.
(** Any operators, any clients. *)
Hypothesis valid_x : valid x.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Notation average f := (sum m (fun i => weight i * f i)).

Lemma average_of a b : (forall i, (i < m)%nat -> a i <= b i) -> average a <= average b.
Proof. intros E. apply sum_le; intros. apply Rmult_le_compat_l; [now apply weights|auto]. Qed.

Lemma spread_nonneg l : 0 <= spread_of l.
Proof.
  unfold spread_of. rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le; intros.
  apply Rmult_le_pos; [now apply weights|apply inner_nonneg].
Qed.

(** The rows of all clients, averaged: K is the unit of smoothness, h_i the turns. *)
Notation h l i := (G i (w (S (S l))) - G i (w (S l)))%V.
Lemma average_forward K l : L <= K -> ⟨gradient (w (S l)) + gradient (w (S (S l))), w (S l) - w (S (S l))⟩ / 2
  + / (4 * K) * average (fun i => ‖h l i‖²) - K / 4 * ‖w (S l) - w (S (S l))‖²
  <= average_value (w (S l)) - average_value (w (S (S l))).
Proof.
  intros LK. assert (KP : 0 < K) by lra. set (d := (w (S l) - w (S (S l)))%V).
  assert (E := average_of (fun i => / 2 * ⟨G i (w (S l)) + G i (w (S (S l))), d⟩ + / (4 * K) * ‖h l i‖² - K / 4 * ‖d‖²)
    (fun i => F i (w (S l)) - F i (w (S (S l)))) (fun i I => ltac:(cbv beta;
      assert (H := interpolation _ _ _ _ (w (S l)) (w (S (S l))) KP (smooth_more V L L_positive _ _ (F_smooth i I) K
        LK));
      fold d in H; replace ‖h l i‖² with ‖G i (w (S l)) - G i (w (S (S l)))‖² by (expand_goal; ring); lra))).
  cbv beta in E.
  rewrite (sum_ext m _ (fun i => / 2 * (weight i * ⟨G i (w (S l)), d⟩) + (/ 2 * (weight i * ⟨G i (w (S (S l))), d⟩)
    + (/ (4 * K) * (weight i * ‖h l i‖²) + - (K / 4 * ‖d‖²) * weight i)))) in E
    by (intros i _; autorewrite with inner; unfold Rdiv; ring).
  rewrite !sum_add, !sum_scale, (proj2 weights), <- !inner_mean in E.
  rewrite (sum_ext m (fun i => weight i * (_ - _)) (fun i => weight i * F i (w (S l)) + -1 * (weight i * F i (w (S (S
    l))))))
    in E by (intros; ring).
  rewrite sum_add, sum_scale in E. unfold average_value. rewrite inner_add. cbv beta in *. lra.
Qed.

Lemma average_lipschitz K l : L <= K -> average (fun i => ‖h l i‖²) <= K * K * ‖w (S l) - w (S (S l))‖².
Proof.
  intros LK. set (d := (w (S l) - w (S (S l)))%V). replace (K * K * ‖d‖²) with (K * K * ‖d‖² * sum m weight)
    by (rewrite (proj2 weights); ring).
  rewrite <- sum_scale. apply sum_le. intros i I.
  assert (H := lipschitz _ _ _ _ (smooth_more V L L_positive _ _ (F_smooth i I) K LK) (w (S (S l))) (w (S l))).
  replace ‖w (S (S l)) - w (S l)‖² with ‖d‖² in H by (unfold d; expand_goal; ring).
  assert (Wi := proj1 weights i I). nra.
Qed.

Lemma average_sector l : average (fun i => ‖vs l i‖²) <= reach x * average (fun i => ⟨us l i, vs l i⟩).
Proof.
  rewrite <- sum_scale. apply sum_le. intros i I. assert (Wi := proj1 weights i I).
  assert (H := client_sector V m (reach x) penalty bend w local penalty_positive (proj1 (proj1 (proj1 valid_x)))
    bend_symmetric bend_bounded l i I). nra.
Qed.

(** The deviations' form, averaged and expanded. *)
Lemma average_spread l : 0 <= spread_share x * (spread_of l - spread_of (S l))
  + (/ 4 + lipschitz_share x) * (average (fun i => ‖h l i‖²) - ‖mean (fun i => h l i)‖²)
  - sector_share x / (1 + reach x) * (reach x * (average (fun i => ⟨us l i, vs l i⟩) - ⟨mean (us l), mean (vs l)⟩)
    - (average (fun i => ‖vs l i‖²) - ‖mean (vs l)‖²)).
Proof.
  assert (P := proj1 (proj1 (proj1 valid_x))).
  assert (E := average_of (fun _ => 0) (fun i => spread_rest x V (us l i - mean (us l)) (vs l i - mean (vs l))
    (h l i - mean (fun j => h l j))) (fun i _ => proj2 valid_x _ _ _ _)). cbv beta in E.
  rewrite (sum_ext m (fun i => weight i * 0) (fun _ => 0)), sum_const, Rmult_0_r in E by (intros; ring).
  eapply Rle_trans; [exact E|]. right.
  rewrite (sum_ext m _ (fun i => spread_share x * (weight i * ‖residual l i - mean (residual l)‖²)
    + (- spread_share x * (weight i * ‖residual (S l) i - mean (residual (S l))‖²)
    + ((/ 4 + lipschitz_share x) * (weight i * ‖h l i - mean (fun j => h l j)‖²)
    + (- (sector_share x / (1 + reach x) * reach x) * (weight i * ⟨us l i - mean (us l), vs l i - mean (vs l)⟩)
    + sector_share x / (1 + reach x) * (weight i * ‖vs l i - mean (vs l)‖²)))))).
  - rewrite !sum_add, !sum_scale, !(spread V m weight _ _ (proj2 weights)). unfold spread_of.
    rewrite !(spread V m weight _ _ (proj2 weights)). ring.
  - intros i I. assert (E1 := residual_parts V m weight 0 penalty bend G w local dual run l i I).
    assert (E2 := next_residual V m weight 0 penalty bend G w local dual run l i I).
    rewrite E1, E2, mean_parts, mean_next. replace (gradient (w (S (S l))) - gradient (w (S l)))%V
      with (mean (fun j => h l j)) by (cbv beta; now rewrite mean_add, mean_scale).
    unfold spread_rest. clear E E1 E2. set (hi := h l i). set (hm := mean (fun j => h l j)). set (ui := us l i).
    set (vi := vs l i). set (um := mean (us l)). set (vm := mean (vs l)). clearbody hi hm ui vi um vm.
    expand_goal. field. lra.
Qed.
Theorem any_lowers l : sector_potential (S l)
  <= sector_potential l - drop x * edge x / rate (S l) * ‖gradient (w (S l))‖² /\ average_value (w (S l)) <=
    sector_potential l.
Proof.
  destruct valid_x as [[[Be [Ke [C [Li [Se De]]]]] Forms] _]. destruct (Forms V) as [Rest Above].
  assert (Up := nondecreasing (S l)). assert (Sp : 0 < rate (S l)) by nra. set (K := rate (S l) / edge x).
  assert (LK : L <= K) by (unfold K; apply below_quotient; lra). assert (KP : 0 < K) by lra.
  assert (I := average_forward K l LK). assert (Lip := average_lipschitz K l LK). assert (Se' := average_sector l).
  assert (Dev := average_spread l). assert (N := spread_nonneg (S l)). assert (N' := spread_nonneg l).
  assert (Q := Above (gradient (w (S (S l)))) (mean (residual (S l)))).
  assert (Q' := Above (gradient (w (S l))) (mean (residual l))).
  split.
  - unfold sector_potential. rewrite (mean_next l) in Q |- *. rewrite (mean_parts l). set (um := mean (us l)) in *.
    set (vm := mean (vs l)) in *.
    assert (Y : (w (S l) - w (S (S l)))%V = (/ K * back x V (gradient (w (S l))) um vm)%V).
    { assert (M := mean_moved l). apply solve_for in M; [|exact Sp]. fold um vm in M. rewrite M. unfold back, K.
      vector. }
    rewrite Y in I, Lip. cbv beta in *.
    assert (Hm : mean (fun i => h l i) = (mean (fun i => G i (w (S (S l)))) - mean (fun i => G i (w (S l))))%V)
      by now rewrite mean_add, mean_scale.
    set (g := mean (fun i => G i (w (S l)))) in *. set (hm := mean (fun i => h l i)) in *.
    replace (mean (fun i => G i (w (S (S l))))) with (g + hm)%V in * by (rewrite Hm; vector).
    replace (g + hm - g)%V with hm in * by vector.
    assert (R := Rest g um vm hm). unfold mean_rest in R.
    set (now := form x V g (um + vm)) in *. set (then_ := form x V (g + hm) (vm + hm)) in *. set (y := back x V g um
      vm) in *.
    set (sp := spread_share x * spread_of l) in *.
    assert (Sn : 0 <= spread_share x * spread_of (S l)) by now apply Rmult_le_pos.
    replace (spread_share x * (spread_of l - spread_of (S l))) with (sp - spread_share x * spread_of (S l)) in Dev
      by (unfold sp; ring).
    set (sp' := spread_share x * spread_of (S l)) in *.
    assert (Grow : edge x / rate (S (S l)) * (then_ + sp') <= / K * (then_ + sp')).
    { replace (/ K) with (edge x / rate (S l)) by (unfold K; fraction). apply Rmult_le_compat_r; [lra|].
      apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra. }
    replace (edge x / rate (S l)) with (/ K) by (unfold K; fraction).
    replace (drop x * edge x / rate (S l)) with (drop x * / K) by (unfold K; fraction).
    set (HH := average (fun i => ‖h l i‖²)) in *. set (UV := average (fun i => ⟨us l i, vs l i⟩)) in *.
    set (VV := average (fun i => ‖vs l i‖²)) in *.
    clearbody K now then_ y sp sp' HH UV VV um vm g. clear Y Rest Above LK Forms Q Q' Hm. clearbody hm.
    assert (0 <= sector_share x / (1 + reach x) / K) by (apply quotient; [apply quotient; lra|lra]).
    assert (0 < / K) by (apply Rinv_0_lt_compat; lra).
    refine (conclude _ _ _ (plus (plus (row 1 _ _ I _) (row (lipschitz_share x / K) _ _ Lip _))
      (plus (plus (row (sector_share x / (1 + reach x) / K) _ _ Se' _) (row 1 _ _ Grow _))
      (plus (row (/ K) _ _ R _) (row (/ K) _ _ Dev _)))) _);
      [lra|apply quotient; lra|easy|lra|lra|lra|expand_goal; field; lra].
  - unfold sector_potential. assert (0 <= edge x / rate (S l)) by (apply quotient; lra).
    assert (0 <= spread_share x * spread_of l) by now apply Rmult_le_pos.
    assert (0 <= edge x / rate (S l) * (form x V (gradient (w (S l))) (mean (residual l)) + spread_share x * spread_of
      l))
      by (apply Rmult_le_pos; lra). lra.
Qed.
End Clients.
