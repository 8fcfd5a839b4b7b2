(** T6's consequences for a constant penalty, or any bounded one: the gradient at the server's point tends to 0
    (V3-constant-penalty-converges); under PL the gap falls geometrically (V3-linear-rate). *)

From PISA Require Export LinearRate.
From PISA Require Ridge.

Theorem V3_constant_penalty_converges (V : space) m weight ridge beta L least top penalty bend (F : nat -> V -> R)
  (G : nat -> V -> V) w local dual :
  pisa V m weight ridge penalty bend (fun l i => G i (w l)) w local dual ->
  (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1 -> 0 < L ->
  (forall i, (i < m)%nat -> smooth L (F i) (G i)) -> (forall l i, (i < m)%nat -> 0 < penalty l i) -> 0 <= beta ->
  (forall l i x y, (i < m)%nat -> ⟨bend l i x, y⟩ = ⟨x, bend l i y⟩) ->
  (forall l i x, (i < m)%nat -> 0 <= ⟨bend l i x, x⟩ <= beta * penalty l i * ‖x‖²) ->
  (forall l, 0 < rate m weight ridge penalty l <= rate m weight ridge penalty (S l)) ->
  (forall l, rate m weight ridge penalty l <= top) ->
  (forall l, threshold beta * L ^ 2 <= (rate m weight ridge penalty l - ridge - L) * rate m weight ridge penalty l) ->
  (forall x, least <= objective V m weight ridge F x) ->
  Un_cv (fun k => ‖slope V m weight ridge G (w (S k))‖²) 0.
Proof.
  intros Run W LP FS PP B Sym Bound Up Top Large Least.
  destruct (T6_preconditioned V m weight ridge beta L least penalty bend F G w local dual Run W LP FS PP B Sym Bound
    Up Large
    Least) as [_ [Sum _]].
  match type of Sum with forall N, _ <= ?c => apply (Ridge.vanish _ (2 * top * c)) end; [intros; apply inner_nonneg|].
  intros N. assert (T := Top 0%nat). assert (P := Up 0%nat). eapply Rle_trans; [|apply Rmult_le_compat_l; [lra|apply
    (Sum N)]].
  rewrite <- sum_scale. apply sum_le. intros k K. assert (Pk := Up (S k)). assert (Tk := Top (S k)).
  assert (Q := inner_nonneg _ (slope V m weight ridge G (w (S k)))). set (s := rate m weight ridge penalty (S k)) in *.
  set (g := ‖_‖²) in *. clearbody s g. replace (2 * top * (g / (2 * s))) with (g * (top * / s)) by (field; lra).
  assert (H : 1 <= top * / s) by (apply Rmult_le_reg_r with s; [lra|]; rewrite Rmult_assoc, Rinv_l; lra).
  rewrite <- (Rmult_1_r g) at 1. now apply Rmult_le_compat_l.
Qed.

(** The factors of T6-linear-rate for a penalty below [top] are at most 1 - min(mu/top, delta). *)
Theorem V3_factors m weight ridge penalty mu delta top N : 0 <= mu -> 0 < delta < 1 ->
  (forall l, 0 < rate m weight ridge penalty l <= top) ->
  0 <= factors m weight ridge penalty delta mu N <= (1 - Rmin (mu / top) delta) ^ N.
Proof.
  intros M D Top. induction N as [|N IH]; [simpl; lra|]. simpl factors. simpl pow. assert (T := Top (S N)).
  set (s := rate m weight ridge penalty (S N)) in *. set (chi := Rmin (mu / s) delta). set (low := Rmin (mu / top)
    delta) in *.
  assert (Low : mu / top <= mu / s) by (unfold Rdiv; apply Rmult_le_compat_l; [exact M|apply Rinv_le_contravar; lra]).
  assert (C1 : low <= chi) by (unfold low, chi; apply Rle_min_compat_r, Low).
  assert (C2 : chi <= delta) by apply Rmin_r. split; [apply Rmult_le_pos; lra|].
  rewrite (Rmult_comm (1 - low)). apply Rmult_le_compat; lra.
Qed.
Print Assumptions V3_constant_penalty_converges.
