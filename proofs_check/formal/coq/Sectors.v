(** Potentials with sector inequalities (claims T12): what a row of multipliers must satisfy, and what it then proves.

    u = M e and v = (I - M) e are the parts of the residual, h the turn of the gradient, G the mean gradient. The
    unit of smoothness is sigma/kappa >= L, so that one row covers every larger penalty, and growing ones. *)

From PISA Require Export Preconditioned Partition.

Record multipliers := Multipliers {
  reach : R;      (** beta: 0 <= rho_i Q_i <= beta sigma_i *)
  edge : R;       (** kappa_0 *)
  drop : R;       (** c *)
  big : R; cross : R; small : R; (** p_GG, p_Ge, p_ee *)
  lipschitz_share : R;
  sector_share : R;
  spread_share : R (** of the clients' deviations from their mean *)
}.

Section Forms.
Variable x : multipliers.
Variable V : space.
Implicit Types G e u v h : V.

(** V - F, in the unit of smoothness. *)
Definition form G e := big x * ‖G‖² + cross x * ⟨G, e⟩ + small x * ‖e‖².
(** kappa times the step back: y = sigma (w - w')/kappa. *)
Definition back G u v : V := (/ edge x * (G + u - v))%V.

(** What is left when the rows are taken from the fall, for the means and for the deviations from them. *)
Definition mean_rest G u v h := form G (u + v)%V - form (G + h)%V (v + h)%V - drop x * ‖G‖²
  + / 2 * ⟨2 * G + h, back G u v⟩ + / 4 * (‖h‖² - ‖back G u v‖²) - lipschitz_share x * (‖back G u v‖² - ‖h‖²)
  - sector_share x * (⟨v, reach x * u - v⟩ / (1 + reach x)).
Definition spread_rest u v h := spread_share x * (‖u + v‖² - ‖v + h‖²) + (/ 4 + lipschitz_share x) * ‖h‖²
  - sector_share x * (⟨v, reach x * u - v⟩ / (1 + reach x)).
End Forms.

Definition signs x := 0 <= reach x /\ 0 < edge x /\ 0 <= drop x /\ 0 <= lipschitz_share x /\ 0 <= sector_share x
  /\ 0 <= spread_share x.
Definition mean_valid x := signs x /\ forall V : space, (forall G u v h : V, 0 <= mean_rest x V G u v h)
  /\ forall G e : V, 0 <= form x V G e.
Definition valid x := mean_valid x /\ forall (V : space) (u v h : V), 0 <= spread_rest x V u v h.

(** Averages of products: those of the means plus those of the deviations. *)
Lemma spread (V : space) n (a : nat -> R) (f g : nat -> V) : sum n a = 1 ->
  sum n (fun i => a i * ⟨f i - mean V n a f, g i - mean V n a g⟩)
  = sum n (fun i => a i * ⟨f i, g i⟩) - ⟨mean V n a f, mean V n a g⟩.
Proof.
  intros One. set (x := mean V n a f). set (y := mean V n a g).
  rewrite (sum_ext n _ (fun i => a i * ⟨f i, g i⟩ + (-1 * (a i * ⟨f i, y⟩) + (-1 * (a i * ⟨g i, x⟩) + ⟨x, y⟩ * a i)))).
  - rewrite !sum_add, !sum_scale, One. unfold x at 1, y at 2. rewrite <- !inner_mean.
    fold x y. rewrite (inner_sym _ y x). ring.
  - intros i _. autorewrite with inner. rewrite (inner_sym _ x (g i)). ring.
Qed.

Section Round.
Variable V : space.
Variables (x : multipliers) (L : R).
Hypothesis L_positive : 0 < L.

(** One client, or the mean of clients that share one operator. *)
Section Common.
Variables (F : V -> R) (Gr : V -> V) (w w' u v : V) (s s' : R).
Hypothesis valid_x : mean_valid x.
Hypothesis F_smooth : smooth L F Gr.
Hypothesis penalty : edge x * L <= s <= s'.
Hypothesis moved : (s * (w' - w) = - (Gr w + (u - v)))%V.
Hypothesis sector : ‖v‖² <= reach x * ⟨u, v⟩.

Lemma smooth_more K : L <= K -> smooth K F Gr.
Proof.
  intros H. split; [apply F_smooth|]. intros y z. assert (Q := inner_nonneg _ (y - z)%V).
  eapply Rle_trans; [apply F_smooth|]. apply Rmult_le_compat_r; [exact Q|nra].
Qed.

Theorem common_round : F w' + edge x / s' * form x V (Gr w') (v + (Gr w' - Gr w))%V
  <= F w + edge x / s * form x V (Gr w) (u + v)%V - drop x * edge x / s * ‖Gr w‖².
Proof.
  destruct valid_x as [[Be [Ke [C [Li [Se De]]]]] Forms]. destruct (Forms V) as [Rest Above].
  assert (Sp : 0 < s) by nra. set (K := s / edge x).
  assert (LK : L <= K) by (unfold K; apply below_quotient; lra). assert (KP : 0 < K) by lra.
  assert (S := smooth_more K LK). assert (I := interpolation _ _ _ _ w w' KP S).
  assert (Lip := lipschitz _ _ _ _ S w' w).
  set (h := (Gr w' - Gr w)%V) in *. set (G := Gr w) in *.
  assert (Y : (w - w')%V = (/ K * back x V G u v)%V).
  { apply solve_for in moved; [|exact Sp]. rewrite moved. unfold back, K. vector. }
  replace (w' - w)%V with (- (w - w'))%V in Lip by vector. rewrite Y in I, Lip.
  replace (Gr w') with (G + h)%V in * by (unfold h, G; vector).
  assert (R := Rest G u v h). assert (Q := Above (G + h)%V (v + h)%V). unfold mean_rest in R.
  set (now := form x V G (u + v)) in *. set (then_ := form x V (G + h) (v + h)) in *. set (y := back x V G u v) in *.
  assert (Grow : edge x / s' * then_ <= / K * then_).
  { replace (/ K) with (edge x / s) by (unfold K; fraction). apply Rmult_le_compat_r; [easy|].
    apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra. }
  replace (edge x / s) with (/ K) by (unfold K; fraction).
  replace (drop x * edge x / s) with (drop x * / K) by (unfold K; fraction).
  clearbody K now then_ y h G. clear moved Y Rest Above S LK Forms.
  assert (0 <= sector_share x / (1 + reach x) / K) by (apply quotient; [apply quotient; lra|lra]).
  assert (0 < / K) by (apply Rinv_0_lt_compat; lra).
  refine (conclude _ _ _ (plus (plus (row 1 _ _ I _) (row (lipschitz_share x / K) _ _ Lip _))
    (plus (plus (row (sector_share x / (1 + reach x) / K) _ _ sector _) (row 1 _ _ Grow _)) (row (/ K) _ _ R _))) _);
    [lra|apply quotient; lra|easy|lra|lra|expand_goal; field; lra].
Qed.
End Common.
End Round.
