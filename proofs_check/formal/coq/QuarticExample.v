(** N1 where no Lipschitz constant exists: F = x^4/4 on the line, from every warm start r > 0, with any constants of the
    test and any floor. *)

From PISA Require Export Auto.

Definition quartic (x : line) : R := x * x * x * x / 4.
Definition cube (x : line) : line := x * x * x.
Notation alone := (fun _ : nat => 1).

Lemma quartic_derivative (x v : R) :
  derivable_pt_lim (fun t : R => (x + t * v) * (x + t * v) * (x + t * v) * (x + t * v) / 4) 0 (x * x * x * v).
Proof.
  assert (A : derivable_pt_lim (fun t : R => x + t * v) 0 v).
  { assert (K := derivable_pt_lim_plus (fun _ => x) (fun t => t * v) 0 0 (1 * v + 0 * 0) (derivable_pt_lim_const x 0)
      (derivable_pt_lim_mult (fun t => t) (fun _ => v) 0 1 0 (derivable_pt_lim_id 0) (derivable_pt_lim_const v 0))).
    replace (0 + (1 * v + 0 * 0)) with v in K by ring. exact K. }
  assert (M := derivable_pt_lim_mult _ _ _ _ _ A A). assert (M3 := derivable_pt_lim_mult _ _ _ _ _ M A).
  assert (M4 := derivable_pt_lim_mult _ _ _ _ _ M3 A). assert (K := derivable_pt_lim_scal _ (/ 4) _ _ M4).
  unfold mult_fct, mult_real_fct in K. replace (x * x * x * v) with (/ 4 * (((v * (x + 0 * v) + (x + 0 * v) * v) *
    (x + 0 * v) + (x + 0 * v) * (x + 0 * v) * v) * (x + 0 * v) + (x + 0 * v) * (x + 0 * v) * (x + 0 * v) * v)) by field.
  eapply derivable_pt_lim_ext; [|exact K]. intros t. cbv beta. field.
Qed.

Lemma quartic_differentiable : differentiable line quartic cube.
Proof. intros x v. exact (quartic_derivative x v). Qed.

Lemma not_smooth L : ~ smooth L quartic cube.
Proof.
  intros S. set (point1 := (Rabs L + 1)%R : line). assert (B := lipschitz _ _ _ _ S point1 (0%R : line)). cbn in B.
  unfold cube, point1 in B. assert (A := Rabs_pos L).
  assert (E : L * L = Rabs L * Rabs L) by (rewrite <- Rabs_mult, Rabs_right; [ring|nra]). rewrite E in B.
  set (y := Rabs L) in *. set (x := y + 1) in *. assert (P : 1 <= x * x) by (unfold x; nra).
  assert (B' : x * x * (x * x) <= y * y) by (apply Rmult_le_reg_l with (x * x); [lra|lra]).
  assert (y < x) by (unfold x; lra). nra.
Qed.

Section Quartic.
Variables (a c eps delta r : R).
Hypothesis constants : 0 < a /\ 0 < c < 1 /\ 0 <= eps /\ 0 <= delta < 1.
Hypothesis r_positive : 0 < r.

(** Everything that N1_local asks for: L = 12 r^2 within r^3/s of [-r, r], s = max(r^2, s_R(L)). *)
Theorem N1_quartic first : 0 < first ->
  let top := objective line 1 alone 0 (fun _ => quartic) r + a / (first + 0) * error line 1 alone (fun _ => cube) r
    (fun _ => cube r) in
  (forall L, ~ smooth L quartic cube) /\
  exists L B s, 0 < L /\ enough 0 L a c eps <= s /\ smooth_near line 1 alone 0 L (fun _ => quartic) (fun _ => cube)
    top B s.
Proof.
  intros Fp top. split; [exact not_smooth|].
  assert (Top : top = r * r * r * r / 4).
  { unfold top, objective, error, quartic. cbn. field. lra. }
  set (L := 12 * (r * r)). set (s := Rmax (r * r) (enough 0 L a c eps)).
  assert (Lp : 0 < L) by (unfold L; nra). assert (S1 : r * r <= s) by apply Rmax_l.
  exists L, (r * r * r), s. split; [exact Lp|split; [apply Rmax_r|]].
  assert (In : forall x, objective line 1 alone 0 (fun _ => quartic) x <= top -> x * x <= r * r).
  { intros x H. rewrite Top in H. unfold objective, quartic in H. cbn in H.
    assert (H' : (x * x) * (x * x) <= (r * r) * (r * r)) by lra.
    destruct (Rle_lt_dec (x * x) (r * r)) as [Y|N]; [exact Y|]. nra. }
  split; [intros i _; exact quartic_differentiable|split; [positive|split]].
  - intros x H. assert (X := In x H). unfold slope, mean, cube. cbn.
    replace ((0 + 1 * (x * x * x) + 0 * x) * (0 + 1 * (x * x * x) + 0 * x)) with ((x * x) * ((x * x) * (x * x))) by
      ring.
    replace (r * r * r * (r * r * r)) with ((r * r) * ((r * r) * (r * r))) by ring.
    assert (0 <= x * x) by nra. apply Rmult_le_compat; [nra|nra|exact X|]. apply Rmult_le_compat; nra.
  - intros i x y _ H Near. assert (X := In x H). cbn in *. unfold cube.
    assert (Step : r * r * r / s <= r).
    { apply Rmult_le_reg_r with s; [nra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by nra. nra. }
    assert (Step0 : 0 <= r * r * r / s) by (apply quotient; nra).
    assert (D : (y - x) * (y - x) <= r * r).
    { replace ((y - x) * (y - x)) with ((y + -1 * x) * (y + -1 * x)) by ring. eapply Rle_trans; [exact Near|].
      apply Rmult_le_compat; lra. }
    set (q := y * y + x * y + x * x). assert (Q0 : 0 <= q) by (unfold q; nra).
    assert (Y2 : y * y <= 4 * (r * r)) by nra.
    assert (Q : q <= L) by (unfold q, L; nra).
    replace (y * y * y + -1 * (x * x * x)) with ((y + -1 * x) * q) by (unfold q; ring).
    replace ((y + -1 * x) * q * ((y + -1 * x) * q)) with (q * q * ((y + -1 * x) * (y + -1 * x))) by ring.
    apply Rmult_le_compat_r; [exact (Rle_0_sqr (y + -1 * x))|]. apply Rmult_le_compat; lra.
Qed.
End Quartic.
