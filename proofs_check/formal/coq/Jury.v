(** Real recursions z_(k+2) = a z_(k+1) + b z_k: all of them tend to 0 exactly when |a| < 1 - b and b > -1 (Jury),
    and one mode of Algorithm 1 on a quadratic is such a recursion: the thresholds I6 and T10 for one eigenvalue. *)

From PISA Require Export Norm.
From PISA Require Ridge.

Section Recursion.
Variables (a b : R).
Definition follows (z : nat -> R) := forall k, z (S (S k)) = a * z (S k) + b * z k.

(** A quadratic form that falls by e (x^2 + y^2) at every step. *)
Let e := (1 + b) * ((1 - b) ^ 2 - a ^ 2) / 2.
Let form x y := (1 - b) * x ^ 2 + 2 * (a * b) * x * y + ((1 - b) * b ^ 2 + e) * y ^ 2.

Lemma form_falls x y : form (a * x + b * y) x = form x y - e * (x ^ 2 + y ^ 2).
Proof. unfold form, e. field. Qed.

Theorem tends_to_zero z : -1 < b -> Rabs a < 1 - b -> follows z -> Un_cv z 0.
Proof.
  intros B A F. apply Rabs_def2 in A.
  assert (D : 0 < (1 - b) ^ 2 - a ^ 2) by nra. assert (E : 0 < e) by (unfold e; positive).
  assert (P : forall x y, 0 <= form x y).
  { intros x y. apply Rmult_le_reg_l with (1 - b); [lra|]. rewrite Rmult_0_r.
    replace ((1 - b) * form x y) with
      (((1 - b) * x + a * b * y) ^ 2 + (b ^ 2 * ((1 - b) ^ 2 - a ^ 2) + (1 - b) * e) * y ^ 2) by (unfold form; ring).
    assert (0 <= b ^ 2 * ((1 - b) ^ 2 - a ^ 2)) by (apply Rmult_le_pos; [apply pow2_ge_0|lra]).
    assert (0 <= (1 - b) * e) by (apply Rmult_le_pos; lra).
    apply Rplus_le_le_0_compat; [apply pow2_ge_0|apply Rmult_le_pos; [lra|apply pow2_ge_0]]. }
  assert (Sum : forall n, sum n (fun k => e * (z (S k) ^ 2 + z k ^ 2)) <= form (z 1%nat) (z 0%nat)).
  { intros n. assert (T := telescope (fun k => form (z (S k)) (z k)) (fun k => e * (z (S k) ^ 2 + z k ^ 2))).
    assert (H : forall k, form (z (S (S k))) (z (S k)) <= form (z (S k)) (z k) - e * (z (S k) ^ 2 + z k ^ 2))
      by (intros k; rewrite F, form_falls; lra).
    specialize (T H n). assert (Q := P (z (S n)) (z n)). cbv beta in T. lra. }
  assert (C : Un_cv (fun k => e * (z (S k) ^ 2 + z k ^ 2)) 0).
  { apply (Ridge.vanish _ (form (z 1%nat) (z 0%nat))); [|exact Sum]. intros k.
    apply Rmult_le_pos; [lra|]. assert (U := pow2_ge_0 (z (S k))). assert (W := pow2_ge_0 (z k)). lra. }
  intros d Hd. destruct (C (e * d ^ 2) ltac:(apply Rmult_lt_0_compat; [easy|nra])) as [n H]. exists n. intros k K.
  specialize (H k K). unfold R_dist in *. rewrite Rminus_0_r in *. apply Rabs_def2 in H.
  assert (U := pow2_ge_0 (z (S k))). assert (Q : z k ^ 2 < d ^ 2) by (apply Rmult_lt_reg_l with e; nra).
  apply Rabs_def1; nra.
Qed.

(** A real root r with |r| >= 1 and the other root y: what is not on y's part alone has no limit 0. *)
Lemma never z r y : r + y = a -> r * y = - b -> 1 <= Rabs r -> follows z -> z 1%nat - y * z 0%nat <> 0 -> ~ Un_cv z 0.
Proof.
  intros Sum Product Large F Start C. set (p := Rabs (z 1%nat - y * z 0%nat)).
  assert (P : 0 < p) by now apply Rabs_pos_lt.
  assert (Part : forall k, p <= Rabs (z (S k) - y * z k)).
  { intros k. induction k as [|k IH]; [apply Rle_refl|].
    replace (z (S (S k)) - y * z (S k)) with (r * (z (S k) - y * z k)).
    - rewrite Rabs_mult. assert (Q := Rabs_pos (z (S k) - y * z k)). nra.
    - rewrite F, <- Sum. replace b with (- (r * y)) by lra. ring. }
  assert (Y : 0 < 1 + Rabs y) by (assert (Q := Rabs_pos y); lra).
  destruct (C (p / (2 * (1 + Rabs y))) ltac:(positive)) as [n H]. assert (H1 := H n (le_n n)).
  assert (H2 := H (S n) ltac:(lia)). unfold R_dist in *. rewrite Rminus_0_r in *.
  assert (T := Rabs_triang (z (S n)) (- y * z n)). rewrite Rabs_mult, Rabs_Ropp in T. specialize (Part n).
  replace (z (S n) + - y * z n) with (z (S n) - y * z n) in T by ring. set (q := p / _) in *.
  assert (E : q * (2 * (1 + Rabs y)) = p) by (unfold q; field; lra). clearbody p q. assert (Q := Rabs_pos y).
  assert (M := Rmult_le_compat_l _ _ q Q (Rlt_le _ _ H1)). lra.
Qed.

Lemma root_below : 1 + a - b <= 0 -> exists r y, r <= -1 /\ r + y = a /\ r * y = - b.
Proof.
  intros H. assert (D : 0 <= a ^ 2 + 4 * b) by (assert (Q := pow2_ge_0 (a + 2)); lra).
  assert (S := sqrt_pos (a ^ 2 + 4 * b)).
  assert (E := sqrt_sqrt _ D). exists ((a - sqrt (a ^ 2 + 4 * b)) / 2), ((a + sqrt (a ^ 2 + 4 * b)) / 2).
  set (q := sqrt _) in *. clearbody q. repeat split; [|field|].
  2: { replace (_ * _) with ((a * a - q * q) / 4) by field. rewrite E. field. }
  destruct (Rle_lt_dec (a + 2) q); [lra|exfalso; nra].
Qed.

Lemma root_above : 1 - a - b <= 0 -> exists r y, 1 <= r /\ r + y = a /\ r * y = - b.
Proof.
  intros H. assert (D : 0 <= a ^ 2 + 4 * b) by (assert (Q := pow2_ge_0 (a - 2)); lra).
  assert (S := sqrt_pos (a ^ 2 + 4 * b)).
  assert (E := sqrt_sqrt _ D). exists ((a + sqrt (a ^ 2 + 4 * b)) / 2), ((a - sqrt (a ^ 2 + 4 * b)) / 2).
  set (q := sqrt _) in *. clearbody q. repeat split; [|field|].
  2: { replace (_ * _) with ((a * a - q * q) / 4) by field. rewrite E. field. }
  destruct (Rle_lt_dec (2 - a) q); [lra|exfalso; nra].
Qed.

(** The sequence from any start. *)
Fixpoint from z0 z1 k := match k with O => z0 | S k => from z1 (a * z1 + b * z0) k end.

Lemma from_follows z0 z1 : follows (from z0 z1).
Proof. intros k. revert z0 z1. induction k as [|k IH]; intros; [reflexivity|]. exact (IH z1 (a * z1 + b * z0)). Qed.
End Recursion.

(** Jury's criterion, both directions, strictness included. *)
Theorem jury a b : (forall z, follows a b z -> Un_cv z 0) <-> -1 < b /\ Rabs a < 1 - b.
Proof.
  split; [|intros [B A] z F; exact (tends_to_zero a b z B A F)]. intros All.
  assert (B : -1 < b).
  { apply Rnot_le_lt. intros B. set (u := from a b 1 0). set (v := from a b 0 1).
    assert (U := from_follows a b 1 0). assert (W := from_follows a b 0 1). fold u v in U, W.
    assert (D : forall k, 1 <= Rabs (u k * v (S k) - u (S k) * v k)).
    { induction k as [|k IH]; [unfold u, v; simpl; rewrite Rabs_right; lra|].
      replace (u (S k) * v (S (S k)) - u (S (S k)) * v (S k)) with (- b * (u k * v (S k) - u (S k) * v k))
        by (rewrite U, W; ring).
      rewrite Rabs_mult, (Rabs_right (- b)) by lra. set (x := Rabs _) in *. clearbody x. nra. }
    destruct (All u U (/ 2) ltac:(lra)) as [n N]. destruct (All v W (/ 2) ltac:(lra)) as [n' N'].
    set (k := (n + n')%nat). assert (N1 := N k ltac:(unfold k; lia)). assert (N2 := N (S k) ltac:(unfold k; lia)).
    assert (N3 := N' k ltac:(unfold k; lia)). assert (N4 := N' (S k) ltac:(unfold k; lia)). specialize (D k).
    unfold R_dist in *. rewrite Rminus_0_r in *. assert (T := Rabs_triang (u k * v (S k)) (- (u (S k) * v k))).
    rewrite Rabs_Ropp, !Rabs_mult in T. unfold Rminus in D.
    assert (M := Rmult_le_0_lt_compat _ _ _ _ (Rabs_pos (u k)) (Rabs_pos (v (S k))) N1 N4).
    assert (M' := Rmult_le_0_lt_compat _ _ _ _ (Rabs_pos (u (S k))) (Rabs_pos (v k)) N2 N3). lra. }
  split; [exact B|]. apply Rnot_le_lt. intros A.
  assert (Root : exists r y, 1 <= Rabs r /\ r + y = a /\ r * y = - b).
  { destruct (Rle_lt_dec (1 - a - b) 0) as [H|H].
    - destruct (root_above a b H) as [r [y [L [S P]]]]. exists r, y. split; [rewrite Rabs_right; lra|easy].
    - destruct (Rle_lt_dec (1 + a - b) 0) as [H'|H'].
      + destruct (root_below a b H') as [r [y [L [S P]]]]. exists r, y. split; [rewrite Rabs_left; lra|easy].
      + exfalso. revert A. apply Rlt_not_le, Rabs_def1; lra. }
  destruct Root as [r [y [L [Sum Product]]]].
  apply (never a b (from a b 0 1) r y Sum Product L (from_follows a b 0 1)); [simpl; lra|]. apply All, from_follows.
Qed.

(** ** One mode: curvature h, ridge t, penalty s, operator's eigenvalue b; z of the server, p of the mean multiplier,
    both as differences to their values at the minimiser. *)
Section Mode.
Variables (h t s b : R) (z p : nat -> R).
Record mode : Prop := {
  mode_first : (s + t) * z 1%nat = s * z 0%nat + p 0%nat;
  mode_server : forall k, (s + t) * z (S (S k)) = s * z (S k) + 2 * p (S k) - p k;
  mode_dual : forall k, (s + b) * p (S k) = b * p k - s * h * z (S k)
}.
Hypothesis obeys : mode.
Hypothesis ranges : 0 < h /\ 0 <= t /\ 0 < s /\ 0 <= b.

Definition lead := (s + b) * (s + t).
Definition trace := (s * s + 2 * b * s + b * t - 2 * h * s) / lead.
Definition product := s * (h - b) / lead.

Lemma lead_positive : 0 < lead.
Proof. destruct ranges as [H [T [S B]]]. unfold lead. apply Rmult_lt_0_compat; lra. Qed.

Lemma mode_recursion : follows trace product (fun k => z (S k)).
Proof.
  assert (P := lead_positive). intros k. destruct obeys as [_ Server Dual].
  assert (E1 := Server k). assert (E2 := Server (S k)). assert (E3 := Dual k). assert (E4 := Dual (S k)).
  apply Rmult_eq_reg_l with lead; [|lra]. unfold trace, product.
  replace (lead * _) with ((s + b) * ((s + t) * z (S (S (S k))))) by (unfold lead; ring). rewrite E2.
  replace (lead * (_ + _)) with ((s * s + 2 * b * s + b * t - 2 * h * s) * z (S (S k)) + s * (h - b) * z (S k))
    by (field; lra). nra.
Qed.

(** The four equal forms of the threshold: Jury's at -1, I6 and the spectrum's, T10's. *)
Definition margin := 2 * s ^ 2 + 4 * b * s + 2 * b * t + t * s - 3 * h * s.

Lemma edge_forms : (0 < margin <-> 3 / 2 * h < s + 2 * b + t / 2 + b * t / s) /\
  (0 < margin <-> 3 * (s / (s + b)) * h / (2 * (2 - s / (s + b))) - t / 2 < s).
Proof.
  destruct ranges as [H [T [S B]]]. unfold margin. split.
  - replace (2 * s ^ 2 + _ + _ + _ - _) with (2 * s * (s + 2 * b + t / 2 + b * t / s - 3 / 2 * h)) by (field; lra).
    split; nra.
  - replace (3 * (s / (s + b)) * h / (2 * (2 - s / (s + b)))) with (3 * s * h / (2 * (s + 2 * b))) by (field; lra).
    replace (2 * s ^ 2 + _ + _ + _ - _) with (2 * (s + 2 * b) * (s - (3 * s * h / (2 * (s + 2 * b)) - t / 2)))
      by (field; lra).
    split; nra.
Qed.

Lemma mode_converges : 0 < margin -> Un_cv z 0.
Proof.
  unfold margin. intros E. destruct ranges as [H [T [S B]]]. assert (P := lead_positive). apply limit_shift.
  apply (tends_to_zero trace product); [| |exact mode_recursion].
  - apply Rmult_lt_reg_r with lead; [exact P|]. unfold product, Rdiv. rewrite Rmult_assoc, Rinv_l by lra.
    unfold lead. nra.
  - apply Rabs_def1; apply Rmult_lt_reg_r with lead; try exact P; unfold trace, product, Rdiv;
      rewrite ?Ropp_mult_distr_l_reverse, ?Rmult_minus_distr_r, ?Rmult_assoc, Rinv_l by lra; unfold lead; nra.
Qed.
End Mode.

Lemma limit_next (a : nat -> R) c : Un_cv a c -> Un_cv (fun k => a (S k)) c.
Proof. intros C e E. destruct (C e E) as [n H]. exists n. intros j J. apply H. lia. Qed.

(** A mode that has a limit tends to 0. *)
Lemma mode_limit h t s b z p c : mode h t s b z p -> 0 < h /\ 0 <= t /\ 0 < s /\ 0 <= b -> Un_cv z c -> c = 0.
Proof.
  intros M Ranges C. assert (P := lead_positive h t s b Ranges). assert (F := mode_recursion h t s b z p M Ranges).
  assert (C1 := limit_next _ _ C). assert (C2 := limit_next _ _ C1). assert (C3 := limit_next _ _ C2). cbv beta in *.
  assert (K : forall a, Un_cv (fun _ => a) a) by (intros a d D; exists 0%nat; intros; now rewrite R_dist_eq).
  assert (E : Un_cv (fun k => z (S (S (S k)))) (trace h t s b * c + product h t s b * c)).
  { apply (Un_cv_ext (fun k => trace h t s b * z (S (S k)) + product h t s b * z (S k))); [intros k; now rewrite F|].
    apply (CV_plus (fun k => trace h t s b * z (S (S k))) (fun k => product h t s b * z (S k)));
      [apply (CV_mult (fun _ => trace h t s b) (fun k => z (S (S k))))
      |apply (CV_mult (fun _ => product h t s b) (fun k => z (S k)))]; auto. }
  assert (U := UL_sequence _ _ _ C3 E). destruct Ranges as [H [T [S0 B]]].
  assert (D : lead t s b * (c - (trace h t s b * c + product h t s b * c)) = s * (h + t) * c)
    by (unfold trace, product, lead; field; lra).
  rewrite <- U, Rminus_diag_eq, Rmult_0_r in D by easy. symmetry in D. apply Rmult_integral in D.
  destruct D as [D|D]; [|exact D]. assert (0 < s * (h + t)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

(** At or below the edge some start of the mode does not lead to 0, whatever the first multiplier is. *)
Theorem mode_diverges h t s b p0 : 0 < h /\ 0 <= t /\ 0 < s /\ 0 <= b -> margin h t s b <= 0 ->
  exists z0, forall z p, mode h t s b z p -> z 0%nat = z0 -> p 0%nat = p0 -> ~ Un_cv z 0.
Proof.
  intros Ranges Edge. assert (P := lead_positive h t s b Ranges).
  assert (Below : 1 + trace h t s b - product h t s b <= 0).
  { apply Rmult_le_reg_l with (lead t s b); [exact P|]. rewrite Rmult_0_r.
    replace (lead t s b * _) with (margin h t s b); [exact Edge|].
    unfold margin, trace, product. field_simplify; [|lra]. unfold lead. ring. }
  destruct (root_below _ _ Below) as [r [y [Le [Sum Product]]]]. destruct Ranges as [H [T [S0 B]]].
  pose (first z0 := (s * z0 + p0) / (s + t)). pose (dual z0 := (b * p0 - s * h * first z0) / (s + b)).
  pose (second z0 := (s * first z0 + 2 * dual z0 - p0) / (s + t)).
  assert (Moves : second 1 - y * first 1 - (second 0 - y * first 0) = s / (s + t) * (r - b / (s + b))).
  { replace y with (trace h t s b - r) by lra. unfold second, dual, first, trace, lead. field. lra. }
  assert (K : 0 < s / (s + t)) by positive. assert (K' : 0 <= b / (s + b)) by (apply quotient; lra).
  assert (Some : exists z0, second z0 - y * first z0 <> 0).
  { destruct (Req_dec (second 0 - y * first 0) 0) as [E|E]; [exists 1|exists 0; exact E].
    rewrite E in Moves. intros E'. rewrite E' in Moves. assert (s / (s + t) * (r - b / (s + b)) < 0) by nra. lra. }
  destruct Some as [z0 N]. exists z0. intros z p M Z0 P0 C.
  assert (F := mode_recursion h t s b z p M (conj H (conj T (conj S0 B)))). destruct M as [M1 M2 M3].
  specialize (M2 0%nat). specialize (M3 0%nat). rewrite Z0, P0 in *.
  assert (E1 : z 1%nat = first z0) by (unfold first; apply Rmult_eq_reg_l with (s + t); [rewrite M1; field; lra|lra]).
  assert (E2 : p 1%nat = dual z0).
  { unfold dual. apply Rmult_eq_reg_l with (s + b); [rewrite M3, E1; field; lra|lra]. }
  assert (E3 : z 2%nat = second z0).
  { unfold second. apply Rmult_eq_reg_l with (s + t); [rewrite M2, E1, E2; field; lra|lra]. }
  apply (never _ _ (fun k => z (S k)) r y Sum Product); [rewrite Rabs_left; lra|exact F| |now apply limit_next].
  now rewrite E1, E3.
Qed.

(** ** The rate of a mode without preconditioner and ridge, x = h/s <= 1/2: both roots are within 1 - x + x^2 *)
Section Rate.
Variable x : R.
Hypothesis range : 0 < x <= / 2.
Notation q := (1 - x + x ^ 2).
Let d := sqrt (1 + 4 * x ^ 2).

Lemma discriminant : d * d = 1 + 4 * x ^ 2 /\ 1 <= d <= 1 + 2 * x ^ 2.
Proof.
  assert (E : d * d = 1 + 4 * x ^ 2) by (apply sqrt_sqrt; nra). assert (S : 0 <= d) by apply sqrt_pos.
  split; [exact E|]. clearbody d. split; [destruct (Rle_lt_dec 1 d); [easy|nra]|].
  destruct (Rle_lt_dec d (1 + 2 * x ^ 2)) as [|C]; [easy|exfalso]. assert (0 < x ^ 2) by (apply pow_lt; lra).
  assert ((1 + 2 * x ^ 2) * (1 + 2 * x ^ 2) < d * d) by nra. nra.
Qed.

Theorem roots_inside : exists r r', r + r' = 1 - 2 * x /\ r * r' = - x /\ 1 <= r - r' /\ Rabs r <= q /\ Rabs r' <= q.
Proof.
  destruct discriminant as [E [Low High]]. exists ((1 - 2 * x + d) / 2), ((1 - 2 * x - d) / 2). clearbody d.
  repeat split; [field|replace (_ * _) with (((1 - 2 * x) ^ 2 - d * d) / 4) by field; rewrite E; field|lra| |];
    apply Rabs_le; assert (0 < x ^ 2) by (apply pow_lt; lra); lra.
Qed.

Theorem mode_rate z : follows (1 - 2 * x) x z -> forall k, Rabs (z k) <= 2 * (Rabs (z 1%nat) + Rabs (z 0%nat)) * q ^ k.
Proof.
  intros F k. destruct roots_inside as [r [r' [Sum [Product [Apart [In In']]]]]].
  assert (Q : 0 <= q <= 1) by nra.
  assert (Part : forall r r', r + r' = 1 - 2 * x -> r * r' = - x -> Rabs r <= q -> Rabs r' <= q ->
    Rabs (z (S k) - r' * z k) <= (Rabs (z 1%nat) + Rabs (z 0%nat)) * q ^ k).
  { clear r r' Sum Product Apart In In'. intros r r' Sum Product In In'.
    assert (E : z (S k) - r' * z k = r ^ k * (z 1%nat - r' * z 0%nat)).
    { clear In In'. induction k as [|k IH]; [simpl; ring|]. simpl. rewrite Rmult_assoc, <- IH, F, <- Sum.
      replace x with (- (r * r')) by lra. ring. }
    rewrite E, Rabs_mult, <- RPow_abs, Rmult_comm. assert (U := Rabs_pos r).
    apply Rmult_le_compat; [apply Rabs_pos|apply pow_le; lra| |apply pow_incr; lra].
    eapply Rle_trans; [apply Rabs_triang|]. rewrite Rabs_Ropp, Rabs_mult. assert (U' := Rabs_pos (z 0%nat)). nra. }
  assert (A := Part r r' Sum Product In In'). assert (B := Part r' r ltac:(lra) ltac:(lra) In' In).
  assert (T := Rabs_triang (z (S k) - r' * z k) (- (z (S k) - r * z k))). rewrite Rabs_Ropp in T.
  replace (_ + - _) with ((r - r') * z k) in T by ring. rewrite Rabs_mult, (Rabs_right (r - r')) in T by lra.
  assert (U := Rabs_pos (z k)). nra.
Qed.
End Rate.
Print Assumptions jury.
Print Assumptions mode_converges.
Print Assumptions mode_diverges.
Print Assumptions roots_inside.
Print Assumptions mode_rate.
