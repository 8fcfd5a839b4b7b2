(** N1 with a diagonal metric: the penalty of coordinate j is sigma D_j, D new in each round, at least [low], and it
    falls by at most the factor vartheta from round to round. *)

From PISA Require Export Diagonal Safeguarded.

Section MetricSearch.
Variables (V : space) (n : nat) (part : nat -> V -> V).
Hypothesis split : basis V n part.
Notation diagonal := (diagonal V n part).
Notation weighing := (weighing V n part).
Notation inverse e := (fun j : nat => (/ e j)%R).
Variables (m : nat) (weight : nat -> R) (ridge L least : R) (F : nat -> V -> R) (G : nat -> V -> V).
Variables (a c eps delta vartheta low t floor : R).
Notation objective := (objective V m weight ridge F).
Notation slope := (slope V m weight ridge G).

(** The mean squared residual in the inverse of the metric with entries e_j. *)
Definition metric_error (e : nat -> R) x (q : nat -> V) :=
  sum m (fun i => weight i * weighing (inverse e) (G i x - q i)%V).
(** (T) with the entries e of S, and [fall], by which the next round's metric is at most smaller. *)
Definition metric_passes fall e kept x y q :=
  objective y + (1 + eps) / fall * a * metric_error e y q
    <= objective x + (1 - delta) * a * kept - c * weighing (inverse e) (slope x).
Definition metric_restarted e x : V := (x - diagonal (inverse e) (slope x))%V.
Definition metric_restart_passes fall e x := metric_passes fall e 0 x (metric_restarted e x) (fun i => G i x).

Hypothesis weights : (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1.
Hypothesis ridge_nonneg : 0 <= ridge.
Hypothesis L_positive : 0 < L.
Hypothesis F_smooth : forall i, (i < m)%nat -> smooth L (F i) (G i).
Hypothesis constants : 0 < a /\ 0 < c < 1 /\ 0 <= eps /\ 0 <= delta < 1.
Hypothesis vartheta_range : 0 < vartheta <= 1.
Hypothesis low_positive : 0 < low.
Hypothesis t_above_1 : 1 < t.

(** s_R with (1 + eps)/vartheta in the place of 1 + eps. *)
Definition metric_enough := enough ridge L a c ((1 + eps) / vartheta - 1).

Lemma relaxed : 0 < a /\ 0 < c < 1 /\ 0 <= (1 + eps) / vartheta - 1 /\ 0 <= delta < 1.
Proof.
  destruct constants as [A [C [E D]]]. repeat split; try lra. assert (1 <= (1 + eps) / vartheta); [|lra].
  apply Rmult_le_reg_r with vartheta; [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra.
Qed.

Lemma metric_error_nonneg e x q : (forall j, (j < n)%nat -> 0 < e j) -> 0 <= metric_error e x q.
Proof.
  intros E. unfold metric_error. rewrite <- (Rmult_0_r (INR m)), <- sum_const. apply sum_le; intros i I.
  apply Rmult_le_pos; [now apply weights|]. unfold Diagonal.weighing. rewrite <- (Rmult_0_r (INR n)), <- sum_const.
  apply sum_le; intros j J. apply Rmult_le_pos; [apply Rlt_le, Rinv_0_lt_compat, E, J|apply inner_nonneg].
Qed.

Theorem N1_metric_restart_passes fall e s x : vartheta <= fall <= 1 -> metric_enough <= s ->
  (forall j, (j < n)%nat -> s <= e j) -> metric_restart_passes fall e x.
Proof.
  intros Fa En Low. destruct (enough_is_enough ridge L a c _ delta relaxed L_positive ridge_nonneg s En) as [S Gap].
  replace (1 + ((1 + eps) / vartheta - 1)) with ((1 + eps) / vartheta) in Gap by ring.
  destruct constants as [A [C [E D]]]. unfold metric_restart_passes, metric_passes. set (y := metric_restarted e x).
  set (d := (y - x)%V). set (g := slope x). set (W := weighing (inverse e) g).
  assert (De : d = (- diagonal (inverse e) g)%V) by (unfold d, y, metric_restarted; fold g; vector).
  assert (Small : forall j, (j < n)%nat -> 0 < / e j <= / s).
  { intros j J. assert (K := Low j J). split; [apply Rinv_0_lt_compat; lra|apply Rinv_le_contravar; lra]. }
  assert (Dot : ⟨g, d⟩ = - W).
  { rewrite De, inner_scale_r, inner_sym, (weighing_inner V n part split). unfold W. ring. }
  assert (Way : ‖d‖² <= / s * W).
  { replace ‖d‖² with ‖diagonal (inverse e) g‖² by (rewrite De; expand_goal; ring).
    rewrite (diagonal_norm V n part split). unfold W. rewrite <- (weighing_scale V n part). apply weighing_le. intros
      j J.
    assert (K := Small j J). apply Rmult_le_compat_r; lra. }
  assert (Err : metric_error e y (fun i => G i x) <= / s * (L * L * ‖d‖²)).
  { replace (/ s * (L * L * ‖d‖²)) with (/ s * (L * L * ‖d‖²) * sum m weight) by (rewrite (proj2 weights); ring).
    unfold metric_error. rewrite <- sum_scale. apply sum_le. intros i I. rewrite (Rmult_comm _ (weight i)).
    apply Rmult_le_compat_l; [now apply weights|].
    eapply Rle_trans; [apply (weighing_le V n part _ (fun _ => / s)); intros j J; now apply Small|].
    rewrite (weighing_const V n part split). apply Rmult_le_compat_l; [apply Rlt_le, Rinv_0_lt_compat, S|].
    apply (lipschitz _ _ _ _ (F_smooth i I)). }
  assert (Down := descent V m weight ridge L F G weights L_positive F_smooth x d).
  replace (x + d)%V with y in Down by (unfold d; vector). fold g in Down. rewrite Dot in Down.
  assert (Fa' : (1 + eps) / fall <= (1 + eps) / vartheta).
  { unfold Rdiv. apply Rmult_le_compat_l; [lra|]. apply Rinv_le_contravar; lra. }
  assert (Wn : 0 <= W).
  { assert (K := inner_nonneg _ d). assert (I : 0 < / s) by (apply Rinv_0_lt_compat, S). nra. }
  set (f := objective y) in *. set (r := metric_error e y (fun i => G i x)) in *.
  assert (Rn : 0 <= r) by (apply metric_error_nonneg; intros j J; assert (K := Low j J); lra).
  set (q := (1 + eps) / vartheta) in *. set (h := ‖d‖²) in *. clearbody f r W h.
  assert (P1 : (1 + eps) / fall * a * r <= q * a * r).
  { apply Rmult_le_compat_r; [exact Rn|]. apply Rmult_le_compat_r; lra. }
  assert (Q : 0 < q) by (unfold q; apply Rdiv_lt_0_compat; lra).
  assert (W1 : 0 <= q * a) by (apply Rmult_le_pos; lra).
  assert (W2 : 0 <= (L + ridge) / 2 + q * a * (/ s * (L * L))).
  { assert (0 < / s) by (apply Rinv_0_lt_compat, S). apply Rplus_le_le_0_compat; [lra|].
    apply Rmult_le_pos; [exact W1|]. apply Rmult_le_pos; nra. }
  assert (W3 : 0 <= ((1 - c) * s ^ 2 - (L + ridge) / 2 * s - q * a * L ^ 2) / s ^ 2)
    by (apply quotient; [lra|apply pow_lt, S]).
  assert (W4 : 0 <= ((1 - c) * s ^ 2 - (L + ridge) / 2 * s - q * a * L ^ 2) / s ^ 2 * W) by (apply Rmult_le_pos; lra).
  refine (conclude _ _ _ (plus (plus (plus (row 1 _ _ Down Rle_0_1) (row 1 _ _ P1 Rle_0_1)) (plus (row _ _ _ Err W1)
    (row _ _ _ Way W2))) W4) _). field. lra.
Qed.

(** ** The loop: as [safeguarded], with metrics D_k and what they fall by, [fall k] *)
Definition entries (D : nat -> nat -> R) k s j := s * D k j + ridge.

Record metric_safeguarded (D : nat -> nat -> R) (fall : nat -> R) (w : nat -> V) (p : nat -> nat -> V)
  (begun sigma : nat -> R) (rises trials : nat -> nat) : Prop := {
  metric_penalties : backtracks t eps floor begun sigma rises;
  metric_low : forall k j, (j < n)%nat -> low <= D k j;
  metric_fall : forall k, vartheta <= fall k <= 1 /\ forall j, (j < n)%nat -> fall k * D k j <= D (S k) j;
  metric_round_ends : forall k, let e := entries D k (sigma k) in
    (rises k = O /\ trials k = 1%nat /\ metric_passes (fall k) e (metric_error e (w k) (p k)) (w k) (w (S k)) (p (S
      k))) \/
    ((rises k < trials k <= rises k + 2)%nat /\ w (S k) = metric_restarted e (w k) /\
      (forall i, (i < m)%nat -> p (S k) i = G i (w k)) /\ metric_restart_passes (fall k) e (w k) /\
      forall j, (j < rises k)%nat -> exists f, vartheta <= f <= 1 /\
        ~ metric_restart_passes f (entries D k (t ^ j * begun k)) (w k))
}.

Section Run.
Variables (D : nat -> nat -> R) (fall : nat -> R) (w : nat -> V) (p : nat -> nat -> V).
Variables (begun sigma : nat -> R) (rises trials : nat -> nat).
Hypothesis loop : metric_safeguarded D fall w p begun sigma rises trials.
Notation bar := ((metric_enough - ridge) / low).
Notation e k := (entries D k (sigma k)).

Lemma t_eps : 1 < t /\ 0 <= eps.
Proof. lra. Qed.

Lemma metric_failed_below k j : (j < rises k)%nat -> t ^ j * begun k < bar.
Proof.
  intros J. destruct (metric_round_ends _ _ _ _ _ _ _ _ loop k) as [[Z _]|[_ [_ [_ [_ Failed]]]]]; [lia|].
  destruct (Failed j J) as [f [Fr No]]. destruct (Rlt_le_dec (t ^ j * begun k) bar) as [Lt|Le]; [exact Lt|].
  assert (P : 0 < t ^ j * begun k) by (apply Rmult_lt_0_compat; [apply pow_lt; lra|
    exact (started_positive _ _ _ _ _ _ t_eps (metric_penalties _ _ _ _ _ _ _ _ loop) k)]).
  destruct No. apply (N1_metric_restart_passes f _ metric_enough (w k) Fr (Rle_refl _)). intros i I.
  assert (Lo := metric_low _ _ _ _ _ _ _ _ loop k i I). unfold entries.
  apply (Rmult_le_compat_r low) in Le; [|lra]. unfold Rdiv in Le. rewrite Rmult_assoc, Rinv_l in Le by lra. nra.
Qed.

Theorem N1_metric_sigma_bounded k : sigma k <= Rmax (Rmax (begun O) floor) (t * Rmax 0 bar).
Proof.
  eapply Rle_trans; [exact (penalty_bounded _ _ _ _ _ _ _ t_eps (metric_penalties _ _ _ _ _ _ _ _ loop)
    metric_failed_below k)|]. apply Rle_max_compat_l. apply Rmult_le_compat_l; [lra|apply Rmax_r].
Qed.

Lemma entry_positive k j : (j < n)%nat -> 0 < e k j.
Proof.
  intros J. assert (P := accepted_positive _ _ _ _ _ _ t_eps (metric_penalties _ _ _ _ _ _ _ _ loop) k).
  assert (Lo := metric_low _ _ _ _ _ _ _ _ loop k j J). unfold entries. nra.
Qed.

Notation metric_merit k := (objective (w k) + a * metric_error (e k) (w k) (p k)).

Theorem N1_metric_falls k : metric_merit (S k) <= metric_merit k - (c * weighing (inverse (e k)) (slope (w k)) +
  delta * a * metric_error (e k) (w k) (p k)).
Proof.
  destruct constants as [A [C [E De]]]. destruct (metric_fall _ _ _ _ _ _ _ _ loop k) as [Fr Fall].
  assert (En := metric_error_nonneg (e k) (w k) (p k) (entry_positive k)).
  assert (T : exists kept, kept <= metric_error (e k) (w k) (p k) /\
    metric_passes (fall k) (e k) kept (w k) (w (S k)) (p (S k))).
  { destruct (metric_round_ends _ _ _ _ _ _ _ _ loop k) as [[_ [_ T]]|[_ [W [M [T _]]]]].
    - exists (metric_error (e k) (w k) (p k)). split; [lra|exact T].
    - exists 0. split; [exact En|]. unfold metric_restart_passes, metric_passes in *. rewrite <- W in T.
      replace (metric_error (e k) (w (S k)) (p (S k))) with (metric_error (e k) (w (S k)) (fun i => G i (w k)));
        [exact T|]. unfold metric_error. apply sum_ext. intros i I. now rewrite (M i I). }
  destruct T as [kept [Le T]]. unfold metric_passes in T.
  assert (Up : metric_error (e (S k)) (w (S k)) (p (S k)) <= (1 + eps) / fall k * metric_error (e k) (w (S k)) (p (S
    k))).
  { unfold metric_error. rewrite <- sum_scale. apply sum_le. intros i I.
    replace ((1 + eps) / fall k * (weight i * weighing (inverse (e k)) (G i (w (S k)) - p (S k) i)%V))
      with (weight i * ((1 + eps) / fall k * weighing (inverse (e k)) (G i (w (S k)) - p (S k) i)%V)) by ring.
    apply Rmult_le_compat_l; [now apply weights|]. rewrite <- (weighing_scale V n part). apply weighing_le. intros j J.
    assert (P := entry_positive k j J). assert (P' := entry_positive (S k) j J).
    assert (Slow : fall k * e k j <= (1 + eps) * e (S k) j).
    { unfold entries. assert (K := falls_slowly _ _ _ _ _ _ t_eps (metric_penalties _ _ _ _ _ _ _ _ loop) k).
      assert (Sp := accepted_positive _ _ _ _ _ _ t_eps (metric_penalties _ _ _ _ _ _ _ _ loop) k).
      assert (Dp := metric_low _ _ _ _ _ _ _ _ loop k j J). assert (Df := Fall j J).
      assert (sigma k * (fall k * D k j) <= (1 + eps) * sigma (S k) * D (S k) j)
        by (apply Rmult_le_compat; [lra|apply Rmult_le_pos; lra|exact K|exact Df]).
      assert (fall k * ridge <= (1 + eps) * ridge) by (apply Rmult_le_compat_r; lra). lra. }
    apply Rmult_le_reg_r with (e (S k) j * (fall k * e k j)); [repeat apply Rmult_lt_0_compat; lra|].
    replace (/ e (S k) j * (e (S k) j * (fall k * e k j))) with (fall k * e k j) by (field; lra).
    replace ((1 + eps) / fall k * / e k j * (e (S k) j * (fall k * e k j))) with ((1 + eps) * e (S k) j)
      by (field; lra). exact Slow. }
  assert (U := Rmult_le_compat_l a _ _ ltac:(lra) Up). assert (K := Rmult_le_compat_l ((1 - delta) * a) _ _ ltac:(nra)
    Le). lra.
Qed.

Hypothesis bounded : forall x, least <= objective x.
Theorem N1_metric_sum N : sum N (fun k => c * weighing (inverse (e k)) (slope (w k))) <= metric_merit 0 - least.
Proof.
  destruct constants as [A [C [E De]]].
  assert (T := telescope (fun k => metric_merit k) _ N1_metric_falls N). cbv beta in T. assert (B := bounded (w N)).
  assert (Q := metric_error_nonneg (e N) (w N) (p N) (entry_positive N)).
  assert (Qa := Rmult_le_pos _ _ (Rlt_le _ _ A) Q).
  eapply Rle_trans; [apply sum_le; intros k _|eapply Rle_trans; [exact T|lra]].
  assert (Z := metric_error_nonneg (e k) (w k) (p k) (entry_positive k)). cbv beta.
  assert (0 <= delta * a * metric_error (e k) (w k) (p k)) by (apply Rmult_le_pos; [apply Rmult_le_pos; lra|exact Z]).
    lra.
Qed.
End Run.

(** Such loops exist for every sequence of metrics: restarts alone at a penalty that is enough. *)
Fixpoint descended (D : nat -> nat -> R) s origin k : V :=
  match k with O => origin | S k => metric_restarted (entries D k s) (descended D s origin k) end.

Theorem N1_metric_inhabited D fall s origin memory : 0 < s -> metric_enough <= s * low ->
  (forall k j, (j < n)%nat -> low <= D k j) ->
  (forall k, vartheta <= fall k <= 1 /\ forall j, (j < n)%nat -> fall k * D k j <= D (S k) j) ->
  metric_safeguarded D fall (descended D s origin) (fun k i => match k with O => memory i | S k =>
    G i (descended D s origin k) end) (fun _ => s) (fun _ => s) (fun _ => O) (fun _ => 1%nat).
Proof.
  intros S En Low Fall. destruct constants as [A [C [E De]]]. split; [split|exact Low|exact Fall|].
  - exact S.
  - intros k. split; [|apply Rmax_l]. apply Rmult_le_reg_r with (1 + eps); [lra|]. unfold Rdiv.
    rewrite Rmult_assoc, Rinv_l by lra. nra.
  - intros k. simpl. ring.
  - intros k ent. left. split; [reflexivity|split; [reflexivity|]].
    assert (Pos : forall j, (j < n)%nat -> s * low <= ent j).
    { intros j J. unfold ent, entries. assert (K := Rmult_le_compat_l s _ _ (Rlt_le _ _ S) (Low k j J)). lra. }
    assert (K := N1_metric_restart_passes (fall k) ent (s * low) (descended D s origin k) (proj1 (Fall k)) En Pos).
    unfold metric_restart_passes, metric_passes in *.
    set (q := fun i => match k with O => memory i | Datatypes.S k => G i (descended D s origin k) end).
    assert (Q := metric_error_nonneg ent (descended D s origin k) q (fun j J => Rlt_le_trans _ _ _ (Rmult_lt_0_compat
      _ _
      S low_positive) (Pos j J))).
    assert (Z : 0 <= (1 - delta) * a * metric_error ent (descended D s origin k) q)
      by (apply Rmult_le_pos; [apply Rmult_le_pos; lra|exact Q]).
    change (descended D s origin (Datatypes.S k)) with (metric_restarted ent (descended D s origin k)). lra.
Qed.
End MetricSearch.
