(** One round with mini-batches and any preconditioners: the certificate behind claims T7 (no run in this file).

    [V] is any space of random vectors with E<X, Y> as inner product. Lam = L + lambda, k = Lam c is dimensionless,
    q = beta / (1 + beta). The numbers of a version of the theorem are a [version]. *)

From PISA Require Export Space.

Record version := Version {
  reach : R;  (* K of kappa_k >= K sqrt ((1 + beta)(1 + 2 beta)) *)
  gain : R; mean_part : R; spread_part : R; damped_part : R;  (* rate, and the factors of v and of v_bar *)
  longest : R;  (* the largest tau / c *)
  turn : R; shift : R; young1 : R; young2 : R; young3 : R; young4 : R; stretch : R  (* of the splittings *)
}.

Section Version.
Variable n : version.
Definition moved := 1 / (4 * shift n) + / 2.
Definition biased := 1 / (2 * turn n) + / 2.
Definition curvature_share := moved * (1 + 1 / young1 n).
Definition damped_share := biased + longest n / 2 / reach n * (1 + 1 / young2 n).

(** What the numbers must satisfy. *)
Record suits : Prop := {
  positive_numbers : 0 < reach n /\ 1 <= longest n /\ 0 < turn n /\ 0 < shift n /\ 0 < young1 n /\ 0 < young2 n /\
    0 < young3 n /\ 0 < young4 n /\ 0 < stretch n;
  gradient_part : moved * (1 + young1 n) / reach n ^ 2 + longest n * (1 + young2 n) / (2 * reach n)
    + 2 * longest n * stretch n * (curvature_share / reach n ^ 2 + damped_share) * (1 + young3 n) * (1 + young4 n) /
        reach n ^ 2
    <= 1 - turn n / 2 - shift n - gain n;
  residual_part : (2 * (1 + young3 n) * (1 + 1 / young4 n) + 8 * (1 + 1 / young3 n)) / reach n ^ 2 <= 1 - 1 / stretch n;
  mean_noise : longest n / 2 * (1 + young2 n) <= mean_part n;
  spread_noise : (2 + 8 * (2 + young3 n + 1 / young3 n) / reach n ^ 2) * (longest n * stretch n * curvature_share)
    <= spread_part n;
  damped_noise : (2 + 8 * (2 + young3 n + 1 / young3 n) / reach n ^ 2) * (longest n * stretch n * damped_share) +
    damped_share
    <= damped_part n
}.

(** B_k, the weight of the residuals in V_k *)
Definition weight_of c k beta :=
  longest n * stretch n * c * (1 + 2 * beta) * (curvature_share * k ^ 2 + damped_share * (beta / (1 + beta)) ^ 2).
Definition noise_of k beta v v_bar := mean_part n * v * k
  + (1 + 2 * beta) * (spread_part n * k ^ 2 + damped_part n * (beta / (1 + beta)) ^ 2) * v_bar.
End Version.

(** ** The numbers: what remains of |G|^2, S, v and v_bar has the right sign *)
Section Numbers.
Variable n : version.
Hypothesis good : suits n.
Variables c k beta tau : R.
Hypothesis c_positive : 0 < c.
Hypothesis k_positive : 0 < k.
Hypothesis beta_nonneg : 0 <= beta.
Hypothesis tau_between : c <= tau <= longest n * c.
Hypothesis far : reach n ^ 2 * ((1 + beta) * (1 + 2 * beta)) * k ^ 2 <= 1.
Notation q := (beta / (1 + beta)).
Notation base := (longest n * stretch n * c * (curvature_share n * k ^ 2 + damped_share n * q ^ 2)).
Notation small := ((1 + beta) * (1 + 2 * beta) * k ^ 2).
(** of E|epsilon|^2 *)
Notation error := (tau * biased n + tau * (tau / c * k) / 2 * (1 + 1 / young2 n) + 8 * small * base * (1 + 1 / young3
  n)).

Lemma q_bounds : 0 <= q < 1.
Proof.
  split; [sign|]. apply Rmult_lt_reg_r with (1 + beta); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
Qed.

Lemma q_square : 0 <= q ^ 2 <= 1.
Proof. assert (Q := q_bounds). clear - Q. nra. Qed.

Lemma inverse_positive x : 0 < x -> 0 < 1 / x.
Proof. intros P. apply Rdiv_lt_0_compat; lra. Qed.

Lemma shares : 0 < moved n /\ 0 < biased n /\ 0 < curvature_share n /\ 0 < damped_share n.
Proof.
  destruct (positive_numbers _ good) as [K [O [A [B [C [D [E [G H]]]]]]]]. unfold curvature_share, damped_share.
  assert (M : 0 < moved n) by (unfold moved; assert (X := inverse_positive (4 * shift n) ltac:(lra)); lra).
  assert (Bi : 0 < biased n) by (unfold biased; assert (X := inverse_positive (2 * turn n) ltac:(lra)); lra).
  assert (Y1 := inverse_positive _ C). assert (Y2 := inverse_positive _ D).
  repeat split; [easy|easy|apply Rmult_lt_0_compat; lra|].
  assert (0 < longest n / 2 / reach n * (1 + 1 / young2 n)); [|lra]. apply Rmult_lt_0_compat; [|lra].
  apply Rdiv_lt_0_compat; lra.
Qed.

(** k <= 1 / K, small <= 1 / K^2, tau k / c <= longest / K *)
Lemma smalls : 0 < small <= / reach n ^ 2 /\ k ^ 2 <= / reach n ^ 2 /\ k <= / reach n /\ 1 <= tau / c <= longest n.
Proof.
  destruct (positive_numbers _ good) as [K [O _]]. assert (K2 : 0 < reach n ^ 2) by (apply pow_lt; lra).
  assert (I := Rinv_0_lt_compat _ K2). assert (X : 1 <= (1 + beta) * (1 + 2 * beta)) by nra.
  assert (P2 : 0 < k ^ 2) by (apply pow_lt; lra).
  assert (S : small <= / reach n ^ 2).
  { apply Rmult_le_reg_l with (reach n ^ 2); [easy|]. rewrite Rinv_r by lra. lra. }
  assert (Sk : k ^ 2 <= small) by nra.
  repeat split; try lra; try nra.
  - apply Rmult_le_reg_l with (reach n); [easy|]. rewrite Rinv_r by lra. assert (reach n ^ 2 * k ^ 2 <= 1); [|nra].
    apply Rmult_le_reg_l with (/ reach n ^ 2); [easy|]. rewrite <- Rmult_assoc, Rinv_l by lra. lra.
  - apply Rmult_le_reg_r with c; [easy|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
  - apply Rmult_le_reg_r with c; [easy|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra.
Qed.

Lemma base_positive : 0 < base.
Proof.
  destruct (positive_numbers _ good) as [K [O [A [B [C [D [E [G H]]]]]]]]. destruct shares as [_ [_ [Z1 Z2]]].
  assert (P2 : 0 < k ^ 2) by (apply pow_lt; lra). assert (Q2 := pow2_ge_0 q).
  apply Rmult_lt_0_compat; [repeat apply Rmult_lt_0_compat; lra|]. assert (0 < curvature_share n * k ^ 2) by nra.
  assert (0 <= damped_share n * q ^ 2) by nra. lra.
Qed.

(** tau moved k^2 (1 + 1/t1) + (tau biased + ...) q^2 <= base / stretch *)
Lemma inner_share : tau * moved n * k ^ 2 * (1 + 1 / young1 n)
  + (tau * biased n + tau * (tau / c * k) / 2 * (1 + 1 / young2 n)) * q ^ 2 <= base / stretch n.
Proof.
  destruct (positive_numbers _ good) as [K [O [A [B [C [D [E [G H]]]]]]]]. destruct shares as [Mo [Bi [Z1 Z2]]].
  destruct smalls as [Sm [S2 [Sk T]]]. assert (Q2 := pow2_ge_0 q). assert (P2 : 0 < k ^ 2) by (apply pow_lt; lra).
  assert (Y2 := inverse_positive _ D).
  replace (base / stretch n) with (longest n * c * (curvature_share n * k ^ 2) + longest n * c * (damped_share n * q
    ^ 2)) by (field; lra).
  apply Rplus_le_compat.
  - replace (tau * moved n * k ^ 2 * (1 + 1 / young1 n)) with (tau * (curvature_share n * k ^ 2))
      by (unfold curvature_share; ring).
    apply Rmult_le_compat_r; nra.
  - replace (longest n * c * (damped_share n * q ^ 2)) with (longest n * c * damped_share n * q ^ 2) by ring.
    apply Rmult_le_compat_r; [easy|].
    replace (tau * biased n + tau * (tau / c * k) / 2 * (1 + 1 / young2 n))
      with (tau * (biased n + (tau / c * k) / 2 * (1 + 1 / young2 n))) by (field; lra).
    assert (TK : tau / c * k <= longest n * / reach n) by (apply Rmult_le_compat; lra).
    assert (X : biased n + (tau / c * k) / 2 * (1 + 1 / young2 n) <= damped_share n).
    { unfold damped_share. apply Rplus_le_compat_l, Rmult_le_compat_r; [lra|]. unfold Rdiv in *. lra. }
    assert (0 <= biased n + (tau / c * k) / 2 * (1 + 1 / young2 n)).
    { assert (0 <= tau / c * k) by (apply Rmult_le_pos; lra). nra. }
    apply Rmult_le_compat; lra.
Qed.

Lemma gradient_coefficient : tau * moved n * k ^ 2 * (1 + young1 n) + tau * (tau / c * k) / 2 * (1 + young2 n)
  + 2 * small * base * (1 + young3 n) * (1 + young4 n) <= tau * (1 - turn n / 2 - shift n - gain n).
Proof.
  destruct (positive_numbers _ good) as [K [O [A [B [C [D [E [G H]]]]]]]]. destruct shares as [Mo [Bi [Z1 Z2]]].
  destruct smalls as [Sm [S2 [Sk T]]]. assert (Q := q_bounds). assert (P2 : 0 < k ^ 2) by (apply pow_lt; lra).
  assert (X := gradient_part _ good). apply (Rmult_le_compat_l tau) in X; [|lra]. eapply Rle_trans; [|exact X].
  match goal with |- _ <= tau * (?x + ?y + ?z) => replace (tau * (x + y + z)) with (tau * x + tau * y + tau * z)
    by ring end.
  apply Rplus_le_compat; [apply Rplus_le_compat|].
  - replace (tau * moved n * k ^ 2 * (1 + young1 n)) with (tau * (moved n * (1 + young1 n)) * k ^ 2) by ring.
    replace (tau * (moved n * (1 + young1 n) / reach n ^ 2)) with (tau * (moved n * (1 + young1 n)) * / reach n ^ 2)
      by (unfold Rdiv; ring).
    apply Rmult_le_compat_l; [|easy]. apply Rmult_le_pos; nra.
  - replace (tau * (tau / c * k) / 2 * (1 + young2 n)) with (tau * (1 + young2 n) / 2 * (tau / c * k)) by (field; lra).
    replace (tau * (longest n * (1 + young2 n) / (2 * reach n)))
      with (tau * (1 + young2 n) / 2 * (longest n * / reach n)) by (field; lra).
    apply Rmult_le_compat_l; [apply quotient; nra|]. apply Rmult_le_compat; lra.
  - assert (Bt : base <= tau * (longest n * stretch n * (curvature_share n / reach n ^ 2 + damped_share n))).
    { replace base with (c * (longest n * stretch n * (curvature_share n * k ^ 2 + damped_share n * q ^ 2))) by ring.
      assert (Q2 := q_square). assert (0 <= longest n * stretch n) by (apply Rmult_le_pos; lra).
      assert (N1 : 0 <= curvature_share n * k ^ 2) by (apply Rmult_le_pos; lra).
      assert (N2 : 0 <= damped_share n * q ^ 2) by (apply Rmult_le_pos; lra).
      assert (N3 : damped_share n * q ^ 2 <= damped_share n * 1) by (apply Rmult_le_compat_l; lra).
      apply Rmult_le_compat; [lra| |lra|apply Rmult_le_compat_l; [easy|]].
      - apply Rmult_le_pos; [easy|lra].
      - unfold Rdiv. assert (curvature_share n * k ^ 2 <= curvature_share n * / reach n ^ 2)
          by (apply Rmult_le_compat_l; lra). lra. }
    assert (Pb := base_positive). set (b := base) in *. clearbody b.
    set (top := longest n * stretch n * (curvature_share n / reach n ^ 2 + damped_share n)) in *.
    assert (SB : small * b <= / reach n ^ 2 * (tau * top)) by (apply Rmult_le_compat; lra).
    replace (tau * (2 * longest n * stretch n * (curvature_share n / reach n ^ 2 + damped_share n) * (1 + young3 n) *
      (1 + young4 n) / reach n ^ 2))
      with ((2 * (1 + young3 n) * (1 + young4 n)) * (/ reach n ^ 2 * (tau * top))) by (unfold top, Rdiv; ring).
    replace (2 * small * b * (1 + young3 n) * (1 + young4 n))
      with ((2 * (1 + young3 n) * (1 + young4 n)) * (small * b)) by ring.
    apply Rmult_le_compat_l; [|exact SB]. apply Rmult_le_pos; lra.
Qed.

Lemma residual_coefficient : tau * moved n * k ^ 2 * (1 + 1 / young1 n)
  + 2 * small * base * (1 + young3 n) * (1 + 1 / young4 n) + error * q ^ 2 <= base.
Proof.
  destruct (positive_numbers _ good) as [K [O [A [B [C [D [E [G H]]]]]]]]. destruct smalls as [Sm _].
  assert (Q := q_bounds).
  assert (I := inner_share). assert (Pb := base_positive). assert (Y3 := inverse_positive _ E).
  assert (Y4 := inverse_positive _ G).
  set (b := base) in *. clearbody b. assert (X := residual_part _ good). apply (Rmult_le_compat_l b) in X; [|lra].
  set (i := / reach n ^ 2) in *. assert (SB : small * b <= i * b) by (apply Rmult_le_compat_r; lra).
  set (s := small) in *. clearbody s. assert (Q2 := q_square).
  assert (S3 : (2 * (1 + young3 n) * (1 + 1 / young4 n)) * (s * b) <= (2 * (1 + young3 n) * (1 + 1 / young4 n)) *
    (i * b)).
  { apply Rmult_le_compat_l; [|easy]. apply Rmult_le_pos; lra. }
  assert (S4 : (8 * (1 + 1 / young3 n)) * (s * b) * q ^ 2 <= (8 * (1 + 1 / young3 n)) * (i * b)).
  { assert (0 <= 8 * (1 + 1 / young3 n)) by lra. assert (0 <= s * b) by (apply Rmult_le_pos; lra).
    apply Rle_trans with ((8 * (1 + 1 / young3 n)) * (s * b) * 1); [apply Rmult_le_compat_l; [apply Rmult_le_pos;
      lra|lra]|].
    rewrite Rmult_1_r. apply Rmult_le_compat_l; lra. }
  replace (b * ((2 * (1 + young3 n) * (1 + 1 / young4 n) + 8 * (1 + 1 / young3 n)) / reach n ^ 2))
    with ((2 * (1 + young3 n) * (1 + 1 / young4 n)) * (i * b) + (8 * (1 + 1 / young3 n)) * (i * b)) in X
      by (unfold i, Rdiv; ring).
  replace (b * (1 - 1 / stretch n)) with (b - b / stretch n) in X by (field; lra). lra.
Qed.

Lemma mean_coefficient : tau * (tau / c * k) / 2 * (1 + young2 n) <= tau * (mean_part n * k).
Proof.
  destruct (positive_numbers _ good) as [K [O [A [B [C [D _]]]]]]. destruct smalls as [_ [_ [_ T]]].
  assert (X := mean_noise _ good).
  replace (tau * (tau / c * k) / 2 * (1 + young2 n)) with (tau * (tau / c / 2 * (1 + young2 n) * k)) by (field; lra).
  apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_r; [lra|]. eapply Rle_trans; [|exact X].
  apply Rmult_le_compat_r; lra.
Qed.

Lemma noise_coefficient : 2 * (1 + beta) * base + 8 * small * base * (1 + young3 n) + error * q ^ 2
  <= tau * ((1 + 2 * beta) * (spread_part n * k ^ 2 + damped_part n * q ^ 2)).
Proof.
  destruct (positive_numbers _ good) as [K [O [A [B [C [D [E [G H]]]]]]]]. destruct shares as [Mo [Bi [Z1 Z2]]].
  destruct smalls as [Sm [S2 [Sk T]]]. assert (Q := q_bounds).
  assert (I := inner_share). assert (Pb := base_positive). assert (Y1 := inverse_positive _ C).
  assert (Y3 := inverse_positive _ E).
  assert (P2 : 0 < k ^ 2) by (apply pow_lt; lra). assert (Q2 := q_square).
  assert (X1 := spread_noise _ good). assert (X2 := damped_noise _ good).
  (* error q^2 <= tau damped_share q^2 + 8 (1 + 1/t3) base / K^2 *)
  assert (First : (tau * biased n + tau * (tau / c * k) / 2 * (1 + 1 / young2 n)) * q ^ 2
    <= tau * damped_share n * q ^ 2).
  { apply Rmult_le_compat_r; [lra|].
    replace (tau * biased n + tau * (tau / c * k) / 2 * (1 + 1 / young2 n))
      with (tau * (biased n + (tau / c * k) / 2 * (1 + 1 / young2 n))) by (field; lra).
    apply Rmult_le_compat_l; [lra|]. assert (TK : tau / c * k <= longest n * / reach n) by (apply Rmult_le_compat; lra).
    assert (Y2 := inverse_positive _ D). unfold damped_share. apply Rplus_le_compat_l, Rmult_le_compat_r; [lra|].
    unfold Rdiv in *. lra. }
  assert (Pz : 0 < longest n * stretch n) by (apply Rmult_lt_0_compat; lra).
  assert (Bt : base <= tau * (longest n * stretch n * (curvature_share n * k ^ 2 + damped_share n * q ^ 2))).
  { replace base with (c * (longest n * stretch n * (curvature_share n * k ^ 2 + damped_share n * q ^ 2))) by ring.
    apply Rmult_le_compat_r; [|lra]. apply Rmult_le_pos; [lra|].
    assert (0 <= curvature_share n * k ^ 2) by (apply Rmult_le_pos; lra).
    assert (0 <= damped_share n * q ^ 2) by (apply Rmult_le_pos; lra). lra. }
  set (b := base) in *. clearbody b.
  set (f := 2 + 8 * (2 + young3 n + 1 / young3 n) / reach n ^ 2) in *. set (z := longest n * stretch n) in *.
  set (i := / reach n ^ 2) in *.
  assert (SB : small * b <= i * b) by (apply Rmult_le_compat_r; lra).
  assert (Sp : 0 <= small * b) by (apply Rmult_le_pos; lra).
  set (s := small) in *. clearbody s.
  assert (A3 : 8 * (1 + young3 n) * (s * b) <= 8 * (1 + young3 n) * (i * b)) by (apply Rmult_le_compat_l; lra).
  assert (A4 : 8 * (1 + 1 / young3 n) * (s * b) * q ^ 2 <= 8 * (1 + 1 / young3 n) * (i * b)).
  { apply Rle_trans with (8 * (1 + 1 / young3 n) * (s * b) * 1); [apply Rmult_le_compat_l; [|lra]|];
      [apply Rmult_le_pos; lra|].
    rewrite Rmult_1_r. apply Rmult_le_compat_l; lra. }
  assert (Fb : 2 * b + 8 * (1 + young3 n) * (i * b) + 8 * (1 + 1 / young3 n) * (i * b) = f * b)
    by (unfold f, i; field; lra).
  assert (Pf : 0 < f).
  { unfold f. assert (0 < 8 * (2 + young3 n + 1 / young3 n) / reach n ^ 2); [|lra].
    apply Rdiv_lt_0_compat; [lra|apply pow_lt; lra]. }
  assert (Pi : 0 < i) by (unfold i; apply Rinv_0_lt_compat, pow_lt; lra).
  assert (Fb2 := Rmult_le_compat_l f _ _ ltac:(lra) Bt).
  set (r := tau * (spread_part n * k ^ 2 + damped_part n * q ^ 2)).
  assert (Goal1 : f * b + tau * damped_share n * q ^ 2 <= r).
  { unfold r. assert (U := Rmult_le_compat_r (tau * k ^ 2) _ _ ltac:(apply Rmult_le_pos; lra) X1).
    assert (W := Rmult_le_compat_r (tau * q ^ 2) _ _ ltac:(apply Rmult_le_pos; lra) X2). lra. }
  replace (tau * ((1 + 2 * beta) * (spread_part n * k ^ 2 + damped_part n * q ^ 2))) with (r + 2 * beta * r)
    by (unfold r; ring).
  assert (Extra : 2 * beta * b <= 2 * beta * r).
  { apply Rmult_le_compat_l; [lra|]. assert (0 <= tau * damped_share n * q ^ 2) by (apply Rmult_le_pos;
      [apply Rmult_le_pos|]; lra).
    assert (b <= f * b); [|lra]. rewrite <- (Rmult_1_l b) at 1. apply Rmult_le_compat_r; [lra|]. unfold f.
    assert (0 < 8 * (2 + young3 n + 1 / young3 n) / reach n ^ 2) by (apply Rdiv_lt_0_compat; [lra|apply pow_lt;
      lra]). lra. }
  lra.
Qed.
End Numbers.
