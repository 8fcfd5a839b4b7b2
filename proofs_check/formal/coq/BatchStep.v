(** One round in vectors: from the descent lemma and the clients' residuals to E V+ <= V - gain tau |G|^2 + tau noise.

    [V] is any space of random vectors with E<X, Y> as inner product; sums over clients are in Batches.v. *)

From PISA Require Export BatchRound Objective.

Section Together.
Variable n : version.
Hypothesis good : suits n.
Variables c k beta tau : R.
Hypothesis c_positive : 0 < c.
Hypothesis k_positive : 0 < k.
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis tau_between : c <= tau <= longest n * c.
Hypothesis far : reach n ^ 2 * ((1 + beta) * (1 + 2 * beta)) * k ^ 2 <= 1.
Notation q := (beta / (1 + beta)).

(** g = E|G|^2, W = E|epsilon|^2. *)
Lemma together f f' g S S' v v_bar W : 0 <= g -> 0 <= S -> 0 <= v -> 0 <= v_bar -> W <= q ^ 2 * (S + v_bar) ->
  f' <= f - tau * (1 - turn n / 2 - shift n) * g + tau * biased n * W
    + tau * moved n * k ^ 2 * ((1 + young1 n) * g + (1 + 1 / young1 n) * S)
    + tau * (tau / c * k) / 2 * ((1 + young2 n) * (g + v) + (1 + 1 / young2 n) * W) ->
  S' <= 2 * (1 + beta) / (1 + 2 * beta) * (q * S + v_bar)
    + 2 * (1 + beta) * k ^ 2 * ((1 + young3 n) * ((1 + young4 n) * g + (1 + 1 / young4 n) * S + 4 * v_bar) + 4 *
        (1 + 1 / young3 n) * W) ->
  f' + weight_of n c k beta * S' <= f + weight_of n c k beta * S - gain n * tau * g + tau * noise_of n k beta v v_bar.
Proof.
  intros Pg PS Pv Pb HW Hf HS.
  assert (Cg := gradient_coefficient n good c k beta tau c_positive k_positive beta_nonneg tau_between far).
  assert (CS := residual_coefficient n good c k beta tau c_positive k_positive beta_nonneg tau_between far).
  assert (Cv := mean_coefficient n good c k beta tau c_positive k_positive beta_nonneg tau_between far).
  assert (Cb := noise_coefficient n good c k beta tau c_positive k_positive beta_nonneg tau_between far).
  assert (Base := base_positive n good c k beta c_positive k_positive).
  destruct (shares n good) as [_ [Bi _]]. destruct (positive_numbers _ good) as [K [O [_ [_ [_ [D [E _]]]]]]].
  assert (Y2 := inverse_positive _ D). assert (Y3 := inverse_positive _ E).
  assert (T : 0 <= tau / c * k) by (apply Rmult_le_pos; [apply quotient|]; lra).
  unfold weight_of, noise_of.
  set (b := longest n * stretch n * c * (curvature_share n * k ^ 2 + damped_share n * q ^ 2)) in *.
  replace (longest n * stretch n * c * (1 + 2 * beta) * (curvature_share n * k ^ 2 + damped_share n * q ^ 2))
    with ((1 + 2 * beta) * b) by (unfold b; ring).
  assert (Small : 0 <= (1 + beta) * (1 + 2 * beta) * k ^ 2) by (apply Rmult_le_pos; [apply Rmult_le_pos;
    lra|apply pow2_ge_0]).
  apply (Rmult_le_compat_l ((1 + 2 * beta) * b)) in HS; [|apply Rmult_le_pos; lra].
  replace ((1 + 2 * beta) * b * (2 * (1 + beta) / (1 + 2 * beta) * (q * S + v_bar) + 2 * (1 + beta) * k ^ 2
    * ((1 + young3 n) * ((1 + young4 n) * g + (1 + 1 / young4 n) * S + 4 * v_bar) + 4 * (1 + 1 / young3 n) * W)))
    with (2 * beta * b * S + 2 * (1 + beta) * b * v_bar + 2 * ((1 + beta) * (1 + 2 * beta) * k ^ 2) * b
      * ((1 + young3 n) * ((1 + young4 n) * g + (1 + 1 / young4 n) * S + 4 * v_bar) + 4 * (1 + 1 / young3 n) * W)) in HS
    by (assert (Y4 := proj1 (proj2 (proj2 (proj2 (proj2 (proj2 (proj2 (proj2 (positive_numbers _ good)))))))));
      field; lra).
  set (s := (1 + beta) * (1 + 2 * beta) * k ^ 2) in *.
  set (error := tau * biased n + tau * (tau / c * k) / 2 * (1 + 1 / young2 n) + 8 * s * b * (1 + 1 / young3 n)) in *.
  assert (Pe : 0 <= error).
  { unfold error. assert (0 <= tau * biased n) by (apply Rmult_le_pos; lra).
    assert (0 <= tau * (tau / c * k) / 2 * (1 + 1 / young2 n)).
    { apply Rmult_le_pos; [|lra]. apply quotient; [|lra]. apply Rmult_le_pos; lra. }
    assert (0 <= 8 * s * b * (1 + 1 / young3 n)) by (apply Rmult_le_pos; [|lra]; apply Rmult_le_pos; lra). lra. }
  assert (W1 := Rmult_le_compat_l error _ _ Pe HW). assert (G1 := Rmult_le_compat_r g _ _ Pg Cg).
  assert (S1 := Rmult_le_compat_r S _ _ PS CS). assert (V1 := Rmult_le_compat_r v _ _ Pv Cv).
  assert (B1 := Rmult_le_compat_r v_bar _ _ Pb Cb). clearbody b s. set (Q2 := q ^ 2) in *. clearbody Q2.
  set (i1 := 1 / young1 n) in *. set (i2 := 1 / young2 n) in *. set (i3 := 1 / young3 n) in *.
  set (i4 := 1 / young4 n) in *.
  set (tk := tau / c * k) in *. clearbody i1 i2 i3 i4 tk. unfold error in *. clear - Hf HS W1 G1 S1 V1 B1. lra.
Qed.
End Together.

(** ** What the server's point does: y+ = y - tau (G + xi + eps), |grad F(y) - G| <= k |G - e_bar| *)
Lemma descent_part (V : space) (n : version) (G u e_bar eps xi : V) f f' c k tau S : suits n -> 0 < c -> 0 < k -> 0 <
  tau ->
  f' <= f - tau * ⟨u, G + xi + eps⟩ + tau * (tau / c * k) / 2 * ‖G + xi + eps‖² ->
  ⟨u, xi⟩ = 0 -> ⟨G, xi⟩ = 0 -> ‖u - G‖² <= k ^ 2 * ‖G - e_bar‖² -> ‖e_bar‖² <= S ->
  f' <= f - tau * (1 - turn n / 2 - shift n) * ‖G‖² + tau * biased n * ‖eps‖²
    + tau * moved n * k ^ 2 * ((1 + young1 n) * ‖G‖² + (1 + 1 / young1 n) * S)
    + tau * (tau / c * k) / 2 * ((1 + young2 n) * (‖G‖² + ‖xi‖²) + (1 + 1 / young2 n) * ‖eps‖²).
Proof.
  intros good Pc Pk Pt D Uu Ug Lip Cl. destruct (positive_numbers _ good) as [K [O [A [B [C [Y2 _]]]]]].
  assert (T : 0 < tau / c * k) by (apply Rmult_lt_0_compat; [apply Rdiv_lt_0_compat|]; lra).
  destruct (shares n good) as [Mo _]. set (tk := tau / c * k) in *. clearbody tk.
  assert (Mo' : moved n = 1 / (4 * shift n) + / 2) by easy. unfold biased. set (mo := moved n) in *. clearbody mo.
  assert (P2 : 0 < k ^ 2) by (apply pow_lt; lra). assert (Ia := inverse_positive _ C).
  assert (Ib := inverse_positive _ Y2).
  set (th := turn n) in *. set (ph := shift n) in *. set (a := young1 n) in *. set (b := young2 n) in *.
  clearbody th ph a b.
  clear good K O. assert (Uu1 : 0 <= ⟨u, xi⟩) by lra. assert (Ug1 : ⟨G, xi⟩ <= 0) by lra. clear Uu Ug.
  assert (I1 : tau * - ⟨u, G + eps⟩ <= tau * (- (1 - th / 2 - ph) * ‖G‖² + (1 / (2 * th) + / 2) * ‖eps‖² + mo * ‖u -
    G‖²)).
  { apply Rmult_le_compat_l; [lra|]. rewrite Mo'.
    certify (plus (plus (square (th / 2) (G + / th * eps)%V _) (square ph (G + / (2 * ph) * (u - G))%V _))
      (square (/ 2) (u - G + eps)%V _)). }
  assert (I2 : mo * ‖u - G‖² <= mo * k ^ 2 * ((1 + a) * ‖G‖² + (1 + 1 / a) * S)).
  { certify (plus (plus (row mo _ _ Lip _) (row (mo * k ^ 2 * (1 + 1 / a)) _ _ Cl _)) (square (mo * k ^ 2 * a)
      (G + / a * e_bar)%V _)). }
  assert (I3 : ‖G + xi + eps‖² <= (1 + b) * (‖G‖² + ‖xi‖²) + (1 + 1 / b) * ‖eps‖²).
  { certify (plus (square b (G + xi - / b * eps)%V _) (row (2 * (1 + b)) _ _ Ug1 _)). }
  assert (I2' := Rmult_le_compat_l tau _ _ ltac:(lra) I2).
  assert (I3' := Rmult_le_compat_l (tau * tk / 2) _ _ ltac:(apply Rlt_le; positive) I3).
  assert (E : ⟨u, G + xi + eps⟩ = ⟨u, G + eps⟩ + ⟨u, xi⟩) by (autorewrite with inner; ring).
  assert (Z := Rmult_le_pos tau _ ltac:(lra) Uu1). rewrite E in D. lra.
Qed.

(** ** How far the server moves: both orders have w+ - w = -c (a A + b (A - R)) with 0 <= a, b <= 1 *)
Lemma travel_part (V : space) (n : version) (G e_bar eps xi d : V) a b c S v_bar : suits n -> 0 < c -> 0 <= a
  <= 1 -> 0 <= b <= 1 ->
  d = (-1 * (c * (a * (G + xi + eps) + b * (e_bar + xi + eps))))%V ->
  ⟨G, xi⟩ = 0 -> ⟨e_bar, xi⟩ = 0 -> ‖e_bar‖² <= S -> ‖xi‖² <= v_bar ->
  ‖d‖² <= c ^ 2 * ((1 + young3 n) * ((1 + young4 n) * ‖G‖² + (1 + 1 / young4 n) * S + 4 * v_bar) + 4 *
    (1 + 1 / young3 n) * ‖eps‖²).
Proof.
  intros good Pc Pa Pb -> Ug Ue Cl Var. destruct (positive_numbers _ good) as [_ [_ [_ [_ [_ [_ [E [H _]]]]]]]].
  set (t := young3 n) in *. set (s := young4 n) in *. clearbody t s. clear good.
  assert (E1 : ‖a * (G + xi + eps) + b * (e_bar + xi + eps)‖²
    <= (1 + t) * ‖a * G + b * e_bar + (a + b) * xi‖² + (1 + 1 / t) * (a + b) ^ 2 * ‖eps‖²).
  { certify (square t (a * G + b * e_bar + (a + b) * xi - ((a + b) / t) * eps)%V _). }
  assert (E2 : ‖a * G + b * e_bar + (a + b) * xi‖² = ‖a * G + b * e_bar‖² + (a + b) ^ 2 * ‖xi‖²).
  { autorewrite with inner. rewrite !(inner_sym _ xi G), !(inner_sym _ xi e_bar), Ug, Ue. ring. }
  assert (E3 : ‖a * G + b * e_bar‖² <= (1 + s) * a ^ 2 * ‖G‖² + (1 + 1 / s) * b ^ 2 * ‖e_bar‖²).
  { certify (square s (a * G - (b / s) * e_bar)%V _). }
  assert (Pg := inner_nonneg _ G). assert (Pe := inner_nonneg _ e_bar). assert (Px := inner_nonneg _ xi).
  assert (Pp := inner_nonneg _ eps).
  assert (I3 := inverse_positive _ E). assert (I4 := inverse_positive _ H).
  assert (A2 : a ^ 2 <= 1) by nra. assert (B2 : b ^ 2 <= 1) by nra. assert (AB : (a + b) ^ 2 <= 4) by nra.
  assert (AB0 := pow2_ge_0 (a + b)).
  assert (F3 : ‖a * G + b * e_bar‖² <= (1 + s) * ‖G‖² + (1 + 1 / s) * S).
  { assert ((1 + s) * a ^ 2 * ‖G‖² <= (1 + s) * ‖G‖²) by (rewrite Rmult_assoc; apply Rmult_le_compat_l; nra).
    assert ((1 + 1 / s) * b ^ 2 * ‖e_bar‖² <= (1 + 1 / s) * S) by (rewrite Rmult_assoc; apply Rmult_le_compat_l;
      nra). lra. }
  assert (F2 : (a + b) ^ 2 * ‖xi‖² <= 4 * v_bar) by (apply Rmult_le_compat; lra).
  assert (F1 : (1 + 1 / t) * (a + b) ^ 2 * ‖eps‖² <= 4 * (1 + 1 / t) * ‖eps‖²)
    by (apply Rmult_le_compat_r; [lra|]; rewrite (Rmult_comm 4); apply Rmult_le_compat_l; lra).
  assert (F0 : (1 + t) * ‖a * G + b * e_bar + (a + b) * xi‖² <= (1 + t) * ((1 + s) * ‖G‖² + (1 + 1 / s) * S + 4 *
    v_bar))
    by (apply Rmult_le_compat_l; lra).
  rewrite inner_scale, inner_scale_r, inner_scale, inner_scale_r.
  set (x := ‖a * (G + xi + eps) + b * (e_bar + xi + eps)‖²) in *.
  replace (-1 * (-1 * (c * (c * x)))) with (c ^ 2 * x) by ring.
  apply Rmult_le_compat_l; [apply pow2_ge_0|lra].
Qed.

(** ** One client: z = e + xi = t + l, t what the multiplier took, l what it left *)
Lemma left_small (V : space) (t l : V) beta : 0 <= beta -> ‖l‖² <= beta * ⟨t, l⟩ ->
  ‖l‖² <= (beta / (1 + beta)) ^ 2 * ‖t + l‖².
Proof.
  intros P Sec. destruct (Req_dec beta 0) as [->|N].
  - rewrite (norm_zero _ l) by lra. certify (square 0 t _).
  - assert (0 < beta) by lra.
    certify (plus (row (2 / (1 + beta)) _ _ Sec _) (square 1 (beta / (1 + beta) * (t + l) - l)%V _)).
Qed.

Lemma left_and_noise (V : space) (t l xi : V) beta : 0 <= beta -> ‖l‖² <= beta * ⟨t, l⟩ ->
  ‖l - xi‖² <= beta / (1 + beta) * ‖t + l - xi‖² + ‖xi‖².
Proof.
  intros P Sec. destruct (Req_dec beta 0) as [->|N].
  - rewrite (norm_zero _ l) by lra. certify (square 0 t _).
  - assert (0 < beta) by lra.
    certify (plus (plus (row (2 / beta) _ _ Sec _) (square (/ beta) l _)) (square (beta / (1 + beta)) (xi - (t + l) +
      ((1 + beta) / beta) * l)%V _)).
Qed.

(** Young's inequality with T = 2 / (1 + q), T / (T - 1) = 2 (1 + beta). *)
Lemma turned (V : space) (x h : V) beta : 0 <= beta ->
  ‖x + h‖² <= 2 * (1 + beta) / (1 + 2 * beta) * ‖x‖² + 2 * (1 + beta) * ‖h‖².
Proof. intros P. certify (square (1 + 2 * beta) (/ (1 + 2 * beta) * x - h)%V _). Qed.
