(** NSISA: PISA with a momentum's Newton-Schulz direction in place of the gradient. Its fixed points are not the KKT
    points (V9), and when one of its steps is a PISA step (T11). *)

From PISA Require Export FixedPoints Quintic.

Section Method.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge mu : R) (penalty : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (orthogonal : V -> V) (G : nat -> V -> V).
Variables (w : nat -> V) (local dual momentum direction : nat -> nat -> V).

(** Algorithm 1 along [direction], the orthogonalised Nesterov momentum; [bend] is rho times the root of its moment. *)
Record nsisa : Prop := {
  method : pisa V m weight ridge penalty bend direction w local dual;
  buffer : forall l i, momentum (S l) i = (mu * momentum l i + G i (w (S l)))%V;
  orient : forall l i, direction (S l) i = orthogonal (G i (w (S l)) + mu * momentum (S l) i)%V
}.

(** One round changes nothing. *)
Definition settled l := w (S l) = w l /\ forall i, (i < m)%nat ->
  local (S l) i = local l i /\ dual (S l) i = dual l i /\ momentum (S l) i = momentum l i.

(** At a fixed point the momentum is g/(1 - mu), and the mean of the directions balances the ridge. *)
Theorem settled_balance l : nsisa -> mu < 1 -> (forall i, (i < m)%nat -> 0 < penalty (S l) i) ->
  (forall i, (i < m)%nat -> bend (S l) i 0%V = 0%V) -> settled l ->
  (mean V m weight (fun i => orthogonal (/ (1 - mu) * G i (w l))) + ridge * w l)%V = 0%V.
Proof.
  intros [Run Buffer Orient] Mu Pos Zero [W Same].
  assert (Flat : forall i, (i < m)%nat -> deviation V w local (S l) i = 0%V).
  { intros i I. assert (E := multiplier _ _ _ _ _ _ _ _ _ _ Run l i). destruct (Same i I) as [_ [D _]].
    rewrite D in E. assert (P := Pos i I). apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E.
    autorewrite with inner in *. apply Rmult_eq_reg_l with (penalty (S l) i); lra. }
  assert (Direction : forall i, (i < m)%nat -> direction (S l) i = orthogonal (/ (1 - mu) * G i (w l))%V).
  { intros i I. rewrite Orient, W. f_equal. assert (B := Buffer l i). destruct (Same i I) as [_ [_ M]].
    rewrite M, W in *. apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in B. autorewrite with inner in *.
    apply Rmult_eq_reg_l with (1 - mu); [|lra]. rewrite <- Rmult_assoc, Rinv_r by lra. nra. }
  assert (Dual : forall i, (i < m)%nat -> dual l i = (-1 * direction (S l) i)%V).
  { intros i I. assert (E := client _ _ _ _ _ _ _ _ _ _ Run l i I). rewrite (Flat i I), (Zero i I) in E.
    apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra. }
  assert (S := move _ _ _ _ _ _ _ _ _ _ l Run).
  rewrite (mean_ext V m weight (fun i => penalty l i * deviation V w local l i + dual l i)%V
    (fun i => -1 * orthogonal (/ (1 - mu) * G i (w l)))%V), mean_scale, W in S.
  - apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in S. autorewrite with inner in *. lra.
  - intros i I. rewrite Dual, Direction by easy. assert (D : deviation V w local l i = 0%V).
    { rewrite <- (Flat i I). unfold deviation. destruct (Same i I) as [-> _]. now rewrite W. }
    rewrite D. vector.
Qed.
End Method.

(** ** Matrices of two rows and two columns as a space with the trace inner product *)
Definition both (V W : space) : space.
Proof.
  refine (Space (V * W) (0, 0)%V (fun x y => (fst x + fst y, snd x + snd y)%V) (fun a x => (a * fst x, a * snd x)%V)
    (fun x y => ⟨fst x, fst y⟩ + ⟨snd x, snd y⟩) _ _ _ _ _ _).
  - intros x y. now rewrite (inner_sym _ (fst x)), (inner_sym _ (snd x)).
  - intros z. simpl. rewrite !inner_zero. ring.
  - intros x y z. simpl. rewrite !inner_add. ring.
  - intros a x z. simpl. rewrite !inner_scale. ring.
  - intros x. assert (A := inner_nonneg _ (fst x)). assert (B := inner_nonneg _ (snd x)). lra.
  - intros [a b] [c d] E. f_equal; apply separated; intros z.
    + specialize (E (z, 0%V)). simpl in E. rewrite !inner_zero_r in E. lra.
    + specialize (E (0%V, z)). simpl in E. rewrite !inner_zero_r in E. lra.
Defined.

Definition square : space := both (both line line) (both line line).
Definition entries (x : square) : matrix := fun i j =>
  let row := match i with O => fst x | _ => snd x end in match j with O => fst row | _ => snd row end.
Definition of_entries (X : matrix) : square :=
  ((X 0%nat 0%nat, X 0%nat 1%nat), (X 1%nat 0%nat, X 1%nat 1%nat)).
Definition orthogonalise (x : square) : square := of_entries (newton_schulz 2 2 (entries x)).
Definition one : square := ((1, 0), (0, 1)).

Lemma repeat_odd n x : repeat n quintic (- x) = - repeat n quintic x.
Proof. induction n as [|n IH]; simpl; [easy|]. rewrite IH. unfold quintic. ring. Qed.

Definition gain := repeat 5 quintic (/ sqrt 2).

Lemma gain_positive : 0 < gain.
Proof.
  assert (Step : forall x, 0 < x <= 12024 / 10000 -> 0 < quintic x <= 12024 / 10000).
  { intros x X. split; [|apply not_above; lra]. destruct (Rle_lt_dec x (3 / 10)).
    - assert (0 < x * (34445 / 10000 - 47750 / 10000 * (x * x))) by (apply Rmult_lt_0_compat; nra).
      assert (0 < x ^ 5) by (apply pow_lt; lra). unfold quintic. lra.
    - assert (B := not_below x ltac:(lra)). lra. }
  assert (S : 1 <= sqrt 2) by (rewrite <- sqrt_1; apply sqrt_le_1_alt; lra).
  assert (I : 0 < / sqrt 2 <= 1).
  { split; [apply Rinv_0_lt_compat; lra|]. rewrite <- Rinv_1. apply Rinv_le_contravar; lra. }
  apply (Step (repeat 4 quintic (/ sqrt 2))). simpl repeat. do 4 apply Step. lra.
Qed.

(** Newton-Schulz forgets the scale of a gradient and keeps its sign. *)
Lemma orthogonalise_identity c : c <> 0 ->
  orthogonalise (c * one)%V = ((if Rle_dec 0 c then gain else - gain) * one)%V.
Proof.
  intros C.
  assert (Identity : orthonormal 2 2 delta) by (intros k l K L; exact (sum_pick 2 (fun i => delta i k) l L)).
  assert (E : same 2 2 (entries (c * one)%V) (compose 2 delta (fun _ => c) delta)).
  { intros i j I J. destruct i as [|[|i]]; [| |lia]; (destruct j as [|[|j]]; [| |lia]); cbn; unfold delta; simpl;
      ring. }
  assert (Value := newton_schulz_values 2 2 2 _ delta (fun _ => c) delta Identity Identity E).
  assert (A : c / sqrt (sum 2 (fun _ => c ^ 2)) = if Rle_dec 0 c then / sqrt 2 else - / sqrt 2).
  { replace (sum 2 (fun _ => c ^ 2)) with (Rsqr c * 2) by (simpl; unfold Rsqr; ring).
    rewrite sqrt_mult, sqrt_Rsqr_abs by (apply Rle_0_sqr || lra). assert (S : 0 < sqrt 2) by (apply sqrt_lt_R0; lra).
    destruct (Rle_dec 0 c) as [P|N]; [rewrite Rabs_right by lra|rewrite Rabs_left by lra]; field; lra. }
  assert (B : repeat 5 quintic (c / sqrt (sum 2 (fun _ => c ^ 2))) = if Rle_dec 0 c then gain else - gain).
  { rewrite A. destruct (Rle_dec 0 c); [easy|apply repeat_odd]. }
  unfold orthogonalise, of_entries. rewrite !Value by lia. unfold compose. rewrite B.
  set (g := if Rle_dec 0 c then gain else - gain). unfold delta. cbn. repeat (apply f_equal2); ring.
Qed.

Lemma one_not_zero a : (a * one)%V = (0 : square)%V -> a = 0.
Proof. intros E. apply (f_equal (fun x => ⟨x, one⟩)) in E. cbn in E. lra. Qed.

(** ** V9: a fixed point that is not stationary, and a stationary point that is not fixed *)
Definition pulled (c : R) (x : square) : square := (c * one + x)%V.
Definition clients (i : nat) : square -> square := pulled (match i with O => 1 | S _ => -3 end).

Lemma pulled_smooth c : smooth 1 (fun x => ⟨c * one, x⟩ + / 2 * ‖x‖²) (pulled c).
Proof.
  split.
  - apply (gradient_of_remainder square (/ 2) (fun x => ⟨c * one, x⟩ + / 2 * ‖x‖²) (pulled c)); [lra|]. intros x v.
    unfold pulled. assert (N := inner_nonneg _ v).
    match goal with |- Rabs ?a <= _ => replace a with (/ 2 * ‖v‖²) by (expand_goal; field) end.
    rewrite Rabs_right; lra.
  - intros x y. right. unfold pulled. expand_goal. ring.
Qed.

(** Two equal clients F_i(W) = c_i tr W + |W|^2/2, c = (1, -3): NSISA rests at 0 for ever, the gradient there is -I. *)
Theorem V9_refuted : ~ forall (m : nat) (weight : nat -> R) (ridge mu : R) (penalty : nat -> nat -> R) bend G
  (w : nat -> square) (local dual momentum direction : nat -> nat -> square),
  0 <= mu < 1 -> (forall i, 0 < weight i) -> sum m weight = 1 -> ridge = 0 -> (forall l i, 0 < penalty l i) ->
  (forall l i, bend l i 0%V = 0%V) -> (forall l i x, 0 <= ⟨bend l i x, x⟩) ->
  (forall i, exists F, smooth 1 F (G i)) ->
  nsisa square m weight ridge mu penalty bend orthogonalise G w local dual momentum direction ->
  (forall l, settled square m w local dual momentum l) ->
  (mean square m weight (fun i => G i (w 0%nat)) + ridge * w 0%nat)%V = 0%V.
Proof.
  intros Claim. set (o := fun i : nat => match i with O => (gain * one : square)%V | S _ => (- gain * one)%V end).
  assert (Run : nsisa square 2 (fun _ => / 2) 0 (19 / 20) (fun _ _ => 4) (fun _ _ _ => 0%V) orthogonalise clients
    (fun _ => 0%V) (fun _ _ => 0%V) (fun _ i => -1 * o i)%V (fun _ i => 20 * clients i 0)%V (fun _ => o)).
  { assert (Z : (deviation square (fun _ => 0%V) (fun _ _ => 0%V) 0 0) = 0%V) by (unfold deviation; vector).
    split; [split| |].
    - reflexivity.
    - intros l. unfold mean, o. cbn [total]. cbv beta iota. vector.
    - intros l i I. unfold deviation. vector.
    - intros l i. unfold deviation. vector.
    - intros l i. vector.
    - intros l i. unfold clients, pulled. destruct i as [|i].
      + replace (1 * one + 0 + 19 / 20 * (20 * (1 * one + 0)))%V with (20 * one : square)%V by vector.
        rewrite orthogonalise_identity by lra. destruct (Rle_dec 0 20); [reflexivity|lra].
      + replace (-3 * one + 0 + 19 / 20 * (20 * (-3 * one + 0)))%V with (-60 * one : square)%V by vector.
        rewrite orthogonalise_identity by lra. destruct (Rle_dec 0 (-60)); [lra|reflexivity]. }
  assert (E := Claim 2%nat (fun _ => / 2) 0 (19 / 20) (fun _ _ => 4) (fun _ _ _ => 0%V) clients _ _ _ _ _
    ltac:(lra) ltac:(intros; lra) ltac:(simpl; lra) eq_refl ltac:(intros; lra) ltac:(reflexivity)
    ltac:(intros; rewrite inner_zero; lra) (fun i => ex_intro _ _ (pulled_smooth _)) Run 
    ltac:(intros l; split; [reflexivity|intros; easy])).
  apply (Rlt_irrefl 0). replace 0 with (-1) at 1; [lra|]. apply one_not_zero. rewrite <- E.
  unfold mean, clients, pulled. cbn [total]. cbv beta iota. vector.
Qed.

(** The claim's witness, weights 3/4 and 1/4 and g_2 = -3 g_1: 0 is stationary, and no run of NSISA rests there. *)
Theorem V9_kkt_point_moves (mu : R) (penalty : nat -> nat -> R) bend (w : nat -> square)
  (local dual momentum direction : nat -> nat -> square) l :
  let weight i := match i with O => 3 / 4 | S _ => 1 / 4 end in
  mu < 1 -> (forall l i, 0 < penalty l i) -> (forall l i, bend l i 0%V = 0%V) ->
  nsisa square 2 weight 0 mu penalty bend orthogonalise clients w local dual momentum direction -> w l = 0%V ->
  mean square 2 weight (fun i => clients i 0%V) = 0%V /\ ~ settled square 2 w local dual momentum l.
Proof.
  intros weight Mu Pos Zero Run W. split; [unfold mean, clients, pulled, weight; cbn [total]; cbv beta iota; vector|].
  intros S.
  assert (E := settled_balance square 2 weight 0 mu penalty bend orthogonalise clients w local dual momentum direction l
    Run Mu (fun i _ => Pos _ i) (fun i _ => Zero _ i) S).
  assert (I : 0 < / (1 - mu)) by (apply Rinv_0_lt_compat; lra). rewrite W in E. unfold clients, pulled in E.
  assert (P : orthogonalise (/ (1 - mu) * (1 * one + 0))%V = (gain * one)%V).
  { replace (/ (1 - mu) * (1 * one + 0))%V with (/ (1 - mu) * one)%V by vector.
    rewrite orthogonalise_identity by lra. destruct (Rle_dec 0 (/ (1 - mu))); [reflexivity|lra]. }
  assert (N : orthogonalise (/ (1 - mu) * (-3 * one + 0))%V = (- gain * one)%V).
  { replace (/ (1 - mu) * (-3 * one + 0))%V with (-3 * / (1 - mu) * one)%V by vector.
    rewrite orthogonalise_identity by lra. destruct (Rle_dec 0 (-3 * / (1 - mu))); [lra|reflexivity]. }
  assert (G := gain_positive). apply (Rlt_irrefl 0). apply Rlt_le_trans with (gain / 2); [lra|]. right.
  apply one_not_zero. rewrite <- E. unfold mean, weight. cbn [total]. cbv beta iota. rewrite P, N. vector.
Qed.
Print Assumptions settled_balance.
Print Assumptions V9_refuted.
Print Assumptions V9_kkt_point_moves.
