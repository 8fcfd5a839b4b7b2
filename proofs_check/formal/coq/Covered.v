(** T11: an NSISA step is a PISA step with a diagonal 0 <= Q <= eta exactly where, entry by entry,
    s/(s + rho r) <= (pi + g)/(pi + o) <= (s + rho eta)/(s + rho r); a run of such steps is a run of PISA. *)

From PISA Require Export Quadratic.
From PISA Require Nsisa.

(** One entry: r the root of NSISA's second moment, u = pi + o, f = pi + g. *)
Section Entry.
Variables (s rho eta r u f : R).
Hypothesis s_positive : 0 < s.
Hypothesis rho_positive : 0 < rho.
Hypothesis r_nonneg : 0 <= r.
Hypothesis u_nonzero : u <> 0.

Definition between := s / (s + rho * r) <= f / u <= (s + rho * eta) / (s + rho * r).
Definition entry := ((s + rho * r) * (f / u) - s) / rho.

Lemma positive_root : 0 < s + rho * r.
Proof. assert (0 <= rho * r) by (apply Rmult_le_pos; lra). lra. Qed.

(** The only entry that does it, and when it is admissible. *)
Lemma entry_only q : 0 < s + rho * q -> f / (s + rho * q) = u / (s + rho * r) -> q = entry.
Proof.
  intros Q E. assert (P := positive_root). unfold entry.
  assert (F : f = u / (s + rho * r) * (s + rho * q)) by (rewrite <- E; field; lra).
  rewrite F. field. repeat split; lra.
Qed.

Lemma entry_admissible : 0 <= entry <= eta <-> between.
Proof.
  assert (P := positive_root). unfold between, entry. set (t := f / u). clearbody t.
  split; intros [L H]; split.
  - apply Rmult_le_reg_l with (s + rho * r); [exact P|].
    replace ((s + rho * r) * (s / (s + rho * r))) with s by (field; lra).
    apply Rmult_le_compat_l with (r := rho) in L; [|lra].
    replace (rho * (((s + rho * r) * t - s) / rho)) with ((s + rho * r) * t - s) in L by (field; lra). lra.
  - apply Rmult_le_reg_l with (s + rho * r); [exact P|].
    replace ((s + rho * r) * ((s + rho * eta) / (s + rho * r))) with (s + rho * eta) by (field; lra).
    apply Rmult_le_compat_l with (r := rho) in H; [|lra].
    replace (rho * (((s + rho * r) * t - s) / rho)) with ((s + rho * r) * t - s) in H by (field; lra). lra.
  - apply Rmult_le_compat_l with (r := s + rho * r) in L; [|lra].
    replace ((s + rho * r) * (s / (s + rho * r))) with s in L by (field; lra). apply quotient; lra.
  - apply Rmult_le_compat_l with (r := s + rho * r) in H; [|lra].
    replace ((s + rho * r) * ((s + rho * eta) / (s + rho * r))) with (s + rho * eta) in H by (field; lra).
    apply Rmult_le_reg_l with rho; [lra|].
    replace (rho * (((s + rho * r) * t - s) / rho)) with ((s + rho * r) * t - s) by (field; lra). lra.
Qed.

Theorem T11_entry : (exists q, 0 <= q <= eta /\ f / (s + rho * q) = u / (s + rho * r)) <-> between.
Proof.
  assert (P := positive_root). split.
  - intros [q [Q E]]. apply entry_admissible. assert (0 <= rho * q) by (apply Rmult_le_pos; lra).
    now rewrite <- (entry_only q ltac:(lra) E).
  - intros B. exists entry. split; [now apply entry_admissible|]. apply entry_admissible in B.
    assert (0 <= rho * entry) by (apply Rmult_le_pos; lra). assert (F : f <> 0).
    { intros Z. unfold entry in *. rewrite Z in *. unfold Rdiv in B at 2. rewrite Rmult_0_l, Rmult_0_r in B.
      assert (0 < / rho) by now apply Rinv_0_lt_compat. unfold Rdiv in B. nra. }
    assert (E : s + rho * entry = (s + rho * r) * (f / u)) by (unfold entry; field; lra). rewrite E. field.
    repeat split; lra.
Qed.
End Entry.

(** ** Whole vectors: Q and R are diagonal in an orthonormal basis *)
Section Vector.
Variables (V : space) (n : nat) (e : nat -> V).
Hypothesis is_basis : basis V n e.
Definition diagonal (q : nat -> R) (x : V) : V := total n (fun j => (q j * ⟨x, e j⟩) * e j)%V.

Lemma diagonal_entry q x j : (j < n)%nat -> ⟨diagonal q x, e j⟩ = q j * ⟨x, e j⟩.
Proof. intros J. exact (coordinates V n e is_basis (fun j => q j * ⟨x, e j⟩) j J). Qed.

Lemma diagonal_symmetric q x y : ⟨diagonal q x, y⟩ = ⟨x, diagonal q y⟩.
Proof.
  unfold diagonal. rewrite inner_total, inner_total_r. apply sum_ext. intros j J. rewrite inner_scale, inner_scale_r.
  rewrite (inner_sym _ (e j) y). ring.
Qed.

Lemma diagonal_between q b x : (forall j, (j < n)%nat -> 0 <= q j <= b) -> 0 <= ⟨diagonal q x, x⟩ <= b * ‖x‖².
Proof.
  intros Q.
  assert (N : ‖x‖² = sum n (fun j => ⟨x, e j⟩ * ⟨x, e j⟩)).
  { rewrite (expansion V n e is_basis x) at 2. rewrite inner_total_r. apply sum_ext; intros.
    now rewrite inner_scale_r. }
  assert (D : ⟨diagonal q x, x⟩ = sum n (fun j => q j * (⟨x, e j⟩ * ⟨x, e j⟩))).
  { unfold diagonal. rewrite inner_total. apply sum_ext. intros j J.
    rewrite inner_scale, (inner_sym _ (e j) x). ring. }
  rewrite D, N, <- sum_scale. split.
  - rewrite <- (Rmult_0_r (INR n)), <- sum_const. apply sum_le. intros j J. specialize (Q j J).
    assert (S := Rle_0_sqr ⟨x, e j⟩). unfold Rsqr in S. apply Rmult_le_pos; lra.
  - apply sum_le. intros j J. specialize (Q j J). assert (S := Rle_0_sqr ⟨x, e j⟩). unfold Rsqr in S.
    apply Rmult_le_compat_r; lra.
Qed.

Variables (s rho eta : R) (r : nat -> R) (d p o g : V).
Hypothesis s_positive : 0 < s.
Hypothesis rho_positive : 0 < rho.
Hypothesis eta_nonneg : 0 <= eta.
Hypothesis r_nonneg : forall j, (j < n)%nat -> 0 <= r j.
(** NSISA's step *)
Hypothesis step : (s * d + rho * diagonal r d = - (p + o))%V.

Definition covered := forall j, (j < n)%nat ->
  (⟨p + o, e j⟩ <> 0 -> between s rho eta (r j) ⟨p + o, e j⟩ ⟨p + g, e j⟩) /\ (⟨p + o, e j⟩ = 0 -> ⟨p + g, e j⟩ = 0).
Definition entries j := if Req_EM_T ⟨p + o, e j⟩ 0 then 0 else entry s rho (r j) ⟨p + o, e j⟩ ⟨p + g, e j⟩.

Lemma step_entry j : (j < n)%nat -> (s + rho * r j) * ⟨d, e j⟩ = - ⟨p + o, e j⟩.
Proof.
  intros J. assert (E := f_equal (fun x => ⟨x, e j⟩) step). cbv beta in E.
  rewrite inner_add, !inner_scale, diagonal_entry in E by easy. lra.
Qed.

Lemma covered_step : covered -> (forall j, (j < n)%nat -> 0 <= entries j <= eta) /\
  (s * d + rho * diagonal entries d = - (p + g))%V.
Proof.
  intros C. split.
  - intros j J. destruct (C j J) as [B _]. unfold entries. destruct (Req_EM_T _ 0) as [Z|N]; [lra|].
    apply entry_admissible; auto.
  - apply (complete V n e is_basis). intros j J. rewrite inner_add, !inner_scale, diagonal_entry by easy.
    assert (E := step_entry j J). destruct (C j J) as [B Z].
    assert (P := positive_root s rho (r j) s_positive rho_positive (r_nonneg j J)).
    unfold entries. destruct (Req_EM_T ⟨p + o, e j⟩ 0) as [U|U].
    + rewrite (Z U). assert (D : ⟨d, e j⟩ = 0) by (apply Rmult_eq_reg_l with (s + rho * r j); lra). rewrite D. ring.
    + unfold entry. set (u := ⟨p + o, e j⟩) in *. set (f := ⟨p + g, e j⟩) in *.
      assert (D : ⟨d, e j⟩ = - u / (s + rho * r j))
        by (apply Rmult_eq_reg_l with (s + rho * r j); [rewrite E; field; lra|lra]).
      rewrite D. field. repeat split; lra.
Qed.

Theorem T11_nsisa_covered : covered <-> exists q, (forall j, (j < n)%nat -> 0 <= q j <= eta) /\
  (s * d + rho * diagonal q d = - (p + g))%V.
Proof.
  split; [intros C; exists entries; exact (covered_step C)|]. intros [q [Q E]] j J.
  assert (Ej := f_equal (fun x => ⟨x, e j⟩) E). cbv beta in Ej.
  rewrite inner_add, !inner_scale, diagonal_entry in Ej by easy. assert (N := step_entry j J). specialize (Q j J).
  assert (P := positive_root s rho (r j) s_positive rho_positive (r_nonneg j J)).
  assert (P' := positive_root s rho (q j) s_positive rho_positive ltac:(lra)).
  set (u := ⟨p + o, e j⟩) in *. set (f := ⟨p + g, e j⟩) in *. set (x := ⟨d, e j⟩) in *. split.
  - intros U. apply T11_entry; auto. exists (q j). split; [exact Q|].
    assert (X : x = - u / (s + rho * r j))
      by (apply Rmult_eq_reg_l with (s + rho * r j); [rewrite N; field; lra|lra]).
    assert (F : f = - ((s + rho * q j) * x)) by lra. rewrite F, X. field. lra.
  - intros U. assert (X : x = 0) by (apply Rmult_eq_reg_l with (s + rho * r j); lra). rewrite X in Ej. lra.
Qed.
End Vector.

(** ** A run of NSISA whose steps are all covered is a run of PISA with the true gradients; T6 applies to it *)
Section Run.
Variables (V : space) (n : nat) (e : nat -> V).
Hypothesis is_basis : basis V n e.
Variables (m : nat) (weight rho : nat -> R) (ridge mu eta : R).
Variables (penalty : nat -> nat -> R) (root : nat -> nat -> nat -> R).
Variables (orthogonal : V -> V) (G : nat -> V -> V) (w : nat -> V) (local dual momentum direction : nat -> nat -> V).
Hypothesis run : Nsisa.nsisa V m weight ridge mu penalty (fun l i x => rho i * diagonal V n e (root l i) x)%V
  orthogonal G w local dual momentum direction.
Hypothesis penalty_positive : forall l i, (i < m)%nat -> 0 < penalty l i.
Hypothesis rho_positive : forall i, (i < m)%nat -> 0 < rho i.
Hypothesis eta_nonneg : 0 <= eta.
Hypothesis root_nonneg : forall l i j, (i < m)%nat -> (j < n)%nat -> 0 <= root l i j.
Hypothesis all_covered : forall l i, (i < m)%nat -> covered V n e (penalty (S l) i) (rho i) eta (root (S l) i)
  (dual l i) (direction (S l) i) (G i (w (S l))).

(** The diagonal of PISA's Q; at iteration 0 no client steps. *)
Definition own (l i : nat) : nat -> R := match l with O => fun _ => 0 | S k =>
  entries V e (penalty l i) (rho i) (root l i) (dual k i) (direction l i) (G i (w l)) end.

Theorem T11_run_is_pisa : (forall l i j, (i < m)%nat -> (j < n)%nat -> 0 <= own l i j <= eta) /\
  pisa V m weight ridge penalty (fun l i x => rho i * diagonal V n e (own l i) x)%V (fun l i => G i (w l))
    w local dual.
Proof.
  destruct run as [[A B C D] _ _].
  assert (Step : forall l i, (i < m)%nat -> (forall j, (j < n)%nat -> 0 <= own (S l) i j <= eta) /\
    (penalty (S l) i * deviation V w local (S l) i
    + rho i * diagonal V n e (own (S l) i) (deviation V w local (S l) i) = - (dual l i + G i (w (S l))))%V).
  { intros l i I. exact (covered_step V n e is_basis (penalty (S l) i) (rho i) eta (root (S l) i)
      (deviation V w local (S l) i) (dual l i) (direction (S l) i) (G i (w (S l))) (penalty_positive (S l) i I)
      (rho_positive i I) eta_nonneg (fun j J => root_nonneg (S l) i j I J) (C l i I) (all_covered l i I)). }
  split; [|split; [exact A|exact B|intros l i I; now apply Step|exact D]].
  intros [|l] i j I J; [simpl; lra|]. now apply (Step l i I).
Qed.

(** T6's sum for such a run, with beta at least rho_i eta/sigma_i^l. *)
Theorem T11_then_T6 beta L least (F : nat -> V -> R) N :
  (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1 -> 0 < L ->
  (forall i, (i < m)%nat -> smooth L (F i) (G i)) -> 0 <= beta ->
  (forall l i, (i < m)%nat -> rho i * eta <= beta * penalty l i) ->
  (forall l, 0 < rate m weight ridge penalty l <= rate m weight ridge penalty (S l)) ->
  (forall l, threshold beta * L ^ 2 <=
    (rate m weight ridge penalty l - ridge - L) * rate m weight ridge penalty l) ->
  (forall x, least <= objective V m weight ridge F x) ->
  sum N (fun l => ‖slope V m weight ridge G (w (S l))‖² / (2 * rate m weight ridge penalty (S l))) <=
  potential V m weight ridge beta penalty F G w dual 0 - least.
Proof.
  intros Weights Lp Smooth Beta Bound Grow Large Least. destruct T11_run_is_pisa as [Q Run].
  refine (T6_sum V m weight ridge beta L least penalty _ F G w local dual Run Weights Lp Smooth penalty_positive
    Beta _ _ Grow Large Least N).
  - intros l i x y I. rewrite inner_scale, inner_scale_r, diagonal_symmetric. reflexivity.
  - intros l i x I. rewrite inner_scale. assert (B := Bound l i I). assert (P := rho_positive i I).
    assert (D := diagonal_between V n e is_basis (own l i) eta x (fun j J => Q l i j I J)).
    assert (X := inner_nonneg _ x).
    split; [apply Rmult_le_pos; lra|]. apply Rle_trans with (rho i * (eta * ‖x‖²)); [apply Rmult_le_compat_l; lra|].
    rewrite <- Rmult_assoc. now apply Rmult_le_compat_r.
Qed.
End Run.
Print Assumptions T11_entry.
Print Assumptions T11_nsisa_covered.
Print Assumptions T11_run_is_pisa.
Print Assumptions T11_then_T6.
