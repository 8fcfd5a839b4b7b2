(** The hypotheses of the theorems on special cases and growing penalties hold somewhere: runs along any directions
    exist, noise in place of gradients (V1), a constant gradient, covered NSISA steps (T11), quadratics (I6, T10). *)

From PISA Require Export GeometricLimit Equivalences Edge.
From PISA Require Covered Nsisa.

(** A run along any given directions, noise for one. *)
Section Oracle.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (penalty : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (solve : nat -> nat -> V -> V) (grad : nat -> nat -> V) (origin : V) (first_dual : nat -> V).
Notation rate := (rate m weight ridge penalty).
Hypothesis rate_nonzero : forall l, rate l <> 0.
Hypothesis solves : forall l i y, (penalty l i * solve l i y + bend l i (solve l i y) = y)%V.

Fixpoint noisy l : V * (nat -> V) * (nat -> V) :=
  match l with
  | O => (origin, fun _ => origin, first_dual)
  | S l => let '(w, x, p) := noisy l in
      let w' := (/ rate l * mean V m weight (fun i => penalty l i * x i + p i))%V in
      let d i := solve (S l) i (- (p i + grad (S l) i))%V in
      (w', fun i => w' + d i, fun i => p i + penalty (S l) i * d i)%V
  end.

Theorem oracle_run_exists : pisa V m weight ridge penalty bend grad (fun l => fst (fst (noisy l)))
  (fun l => snd (fst (noisy l))) (fun l => snd (noisy l)).
Proof.
  split.
  - reflexivity.
  - intros l. simpl. destruct (noisy l) as [[a x] p]. simpl. assert (N := rate_nonzero l). vector.
  - intros l i _. unfold deviation. simpl. destruct (noisy l) as [[a x] p]. simpl.
    set (w' := (/ _ * _)%V). set (d := solve _ _ _). replace (w' + d - w')%V with d by vector. apply solves.
  - intros l i. unfold deviation. simpl. destruct (noisy l) as [[a x] p]. simpl.
    set (w' := (/ _ * _)%V). vector.
Qed.
End Oracle.

(** V1 for pure noise: any sequence in [-1, 1] in place of the gradients, every gamma, penalties 1 and 3, operators
    that change between 0 and 2; the iterates converge at the rate gamma whatever the sequence is. *)
Definition uneven (i : nat) : R := match i with O => 1 | S _ => 3 end.
Definition changing (l : nat) : R := if Nat.even l then 0 else 2.

Theorem V1_noise (gamma : R) (noise : nat -> nat -> R) : 0 < gamma < 1 -> (forall l i, Rabs (noise l i) <= 1) ->
  exists (w : nat -> line) (local dual : nat -> nat -> line) C limit,
  pisa line 2 (fun _ => / 2) 0 (fun l i => uneven i / gamma ^ l) (fun l _ x => changing l * x)%V noise w local dual /\
  Un_cv w limit /\
  forall l, Rabs (w (S l) - w l) <= C * gamma ^ l /\ Rabs (w l - limit) <= C / (1 - gamma) * gamma ^ l.
Proof.
  intros Gm Noise. assert (U : forall i, 0 < uneven i) by (intros [|i]; simpl; lra).
  assert (K : forall l, 0 <= changing l <= 2) by (intros l; unfold changing; destruct (Nat.even l); lra).
  assert (Pw : forall l i, 0 < uneven i / gamma ^ l).
  { intros l i. specialize (U i). assert (0 < gamma ^ l) by (apply pow_lt; lra). positive. }
  assert (Run := oracle_run_exists line 2 (fun _ => / 2) 0 (fun l i => uneven i / gamma ^ l)
    (fun l _ x => changing l * x)%V (fun l i y => / (uneven i / gamma ^ l + changing l) * y)%V noise 0%V (fun _ => 0%V)
    ltac:(intros l; assert (A := Pw l 0%nat); assert (B := Pw l 1%nat); unfold rate; cbn -[pow uneven]; lra)
    ltac:(intros l i y; assert (A := Pw l i); assert (B := K l); cbn -[pow changing uneven];
      set (u := uneven i / gamma ^ l) in *; set (c := changing l) in *; field; lra)).
  set (w := fun l => fst (fst _)) in Run. set (local := fun l => snd (fst _)) in Run.
  set (dual := fun l => snd _) in Run. assert (D0 : forall i, dual 0%nat i = 0%V) by reflexivity.
  clearbody w local dual.
  assert (Steps : forall l, ‖w (S l) - w l‖₂ <=
    (3 * peak 2 (fun _ => / 2) uneven (fun _ => 2) 1 + 0 * reach line 2 (fun _ => / 2) uneven (fun _ => 2) gamma w 1) /
    sum 2 (fun i => / 2 * uneven i) * gamma ^ l).
  { assert (Sym : forall (l i : nat) (x y : line), (i < 2)%nat -> ⟨changing l * x, y⟩ = ⟨x, changing l * y⟩)
      by (intros; now rewrite inner_scale, inner_scale_r).
    assert (Between : forall (l i : nat) (x : line), (i < 2)%nat -> 0 <= ⟨changing l * x, x⟩ <= 2 * ‖x‖²).
    { intros l i x _. specialize (K l). rewrite inner_scale. assert (N := inner_nonneg _ x).
      split; [apply Rmult_le_pos; lra|apply Rmult_le_compat_r; lra]. }
    intros l. exact (V1_steps_are_summable line 2 (fun _ => / 2) uneven (fun _ => 2) 0 gamma
      (fun l _ x => changing l * x)%V noise w local dual Run Gm ltac:(intros; lra) (fun i _ => U i) (Rle_refl 0)
      ltac:(intros; lra) Sym Between ltac:(simpl; lra) 1
      ltac:(intros i _; rewrite D0, norm_of_zero; specialize (U i); apply Rmult_le_pos; [lra|apply quotient; lra])
      ltac:(intros k i _; rewrite line_norm; apply Noise) l). }
  set (C := _ / sum 2 _) in Steps. exists w, local, dual, C.
  destruct (geometric_limit line C gamma w Gm Steps (basis_complete line 1 _ line_basis)) as [limit [T B]].
  exists limit. split; [exact Run|]. assert (E : forall x y : line, ‖x - y‖₂ = Rabs (x - y)).
  { intros x y. rewrite line_norm. cbn. f_equal. ring. }
  split; [|intros l; rewrite <- !E; split; [apply Steps|apply B]].
  intros e H. destruct (T e H) as [n N]. exists n. intros l L. specialize (N l L). unfold R_dist in *.
  rewrite Rminus_0_r, E, Rabs_Rabsolu in N. exact N.
Qed.

(** A constant gradient with operators that change between 0 and 2: every step tends to -1. *)
Theorem constant_gradient_exhibit : exists (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 1 (fun _ => 1) 0 (fun _ _ => 1) (fun l _ x => changing l * x)%V (fun _ _ => 1) w local dual /\
  tends (fun l => w (S l) - w l)%V (-1)%R.
Proof.
  assert (K : forall l, 0 <= changing l <= 2) by (intros l; unfold changing; destruct (Nat.even l); lra).
  assert (Run := oracle_run_exists line 1 (fun _ => 1) 0 (fun _ _ => 1) (fun l _ x => changing l * x)%V
    (fun l _ y => / (1 + changing l) * y)%V (fun _ _ => 1) 0%V (fun _ => 0%V) ltac:(intros; unfold rate; simpl; lra)
    ltac:(intros l i y; assert (B := K l); cbn -[changing]; set (c := changing l) in *; field; lra)).
  do 3 eexists. split; [exact Run|].
  assert (T := constant_gradient_gives_gradient_steps line 1 (fun _ => 1) (fun _ => 1) (fun _ => 2)
    (fun l _ x => changing l * x)%V (fun _ => 1) _ _ _ Run ltac:(intros; lra) ltac:(intros; lra) ltac:(intros; lra)
    ltac:(intros; cbn -[changing]; ring)
    ltac:(intros l i x _; cbv beta; specialize (K l); rewrite inner_scale; assert (N := inner_nonneg _ x);
      split; [apply Rmult_le_pos; lra|apply Rmult_le_compat_r; lra]) ltac:(simpl; lra)).
  match type of T with tends ?x ?y => assert (E : @eq R y (-1)) by (cbn; field);
    exact (@eq_ind line y (fun v => tends x v) T (-1)%R E) end.
Qed.

(** NSISA on F = x^2/2 with its direction equal to the gradient and root 1 <= eta = 2: every step is covered. *)
Theorem T11_exhibit : exists (w : nat -> line) (local dual momentum direction : nat -> nat -> line),
  Nsisa.nsisa line 1 (fun _ => 1) 0 0 (fun _ _ => 2)
    (fun l i x => 1 * Covered.diagonal line 1 (fun _ => 1) (fun _ => 1) x)%V (fun x => x) (fun _ x => x)
    w local dual momentum direction /\
  forall l i, Covered.covered line 1 (fun _ => 1) 2 1 2 (fun _ => 1) (dual l i) (direction (S l) i) (w (S l)).
Proof.
  assert (Run := run_exists line 1 (fun _ => 1) 0 (fun _ _ => 2)
    (fun l i x => 1 * Covered.diagonal line 1 (fun _ => 1) (fun _ => 1) x)%V (fun _ _ y => / 3 * y)%V (fun _ x => x) 1
    (fun _ => 0%V) ltac:(intros; unfold rate; simpl; lra) ltac:(intros; cbn; field)).
  set (w := fun l => fst (fst _)) in Run. set (local := fun l => snd (fst _)) in Run.
  set (dual := fun l => snd _) in Run. clearbody w local dual.
  exists w, local, dual, (fun l _ => w l), (fun l _ => w l). split.
  - split; [exact Run|intros; vector|intros; vector].
  - intros l i j J. split; [|easy]. intros N. unfold Covered.between. set (u := ⟨_, _⟩) in *.
    replace (u / u) with 1 by (field; exact N). lra.
Qed.
(** ** Quadratics in the plane: F = (h x^2 + k y^2)/2 split between two clients, F_1 without y and F_2 without x *)
Definition plane : space := Nsisa.both line line.
Definition axis (j : nat) : plane := match j with O => (1, 0) | S _ => (0, 1) end.

Lemma plane_basis : basis plane 2 axis.
Proof.
  split.
  - intros [|[|j]] [|[|k]] J K; try lia; cbn; ring.
  - intros [a b] [c d] E. assert (E0 := E 0%nat ltac:(lia)). assert (E1 := E 1%nat ltac:(lia)). cbn in *. f_equal; lra.
Qed.

Definition own_part (h k : R) (i : nat) (x : plane) : plane :=
  match i with O => (2 * h * fst x, 0) | S _ => (0, 2 * k * snd x) end.
Definition stretch (h k : R) (x : plane) : plane := (h * fst x, k * snd x).

(** I6 for these clients: the larger curvature decides, whatever the two penalties are. *)
Theorem I6_in_the_plane h k t (sigma : nat -> R) : 0 < k <= h -> 0 <= t -> (forall i, 0 < sigma i) ->
  (forall (w : nat -> plane) (local dual : nat -> nat -> plane),
    pisa plane 2 (fun _ => / 2) t (fun _ => sigma) (fun _ _ _ => 0%V) (fun l i => own_part h k i (w l)) w local dual ->
    tends w 0%V) <-> 3 / 2 * h - t / 2 < (sigma 0%nat + sigma 1%nat) / 2.
Proof.
  intros K T Pos. assert (P0 := Pos 0%nat). assert (P1 := Pos 1%nat).
  assert (Mean : forall x : plane, mean plane 2 (fun _ => / 2) (fun i => own_part h k i x) = (stretch h k x - 0)%V).
  { intros [a b]. unfold mean, stretch. cbn. f_equal; field. }
  assert (Sym : forall x y : plane, ⟨stretch h k x, y⟩ = ⟨x, stretch h k y⟩).
  { intros [a b] [c d]. cbn. ring. }
  assert (Eigen : forall j, (j < 2)%nat -> stretch h k (axis j) = ((match j with O => h | _ => k end) * axis j)%V /\
    0 < match j with O => h | _ => k end).
  { intros [|[|j]] J; try lia; (split; [unfold stretch; cbn; f_equal; ring|lra]). }
  assert (Best : (stretch h k 0 + t * 0 = (0 : plane))%V) by (unfold stretch; cbn; f_equal; ring).
  assert (Top : forall j, (j < 2)%nat -> match j with O => h | _ => k end <= h) by (intros [|j] J; lra).
  assert (Edge := I6_stability_edge plane 2 (fun _ => / 2) t (own_part h k) 2 axis
    (fun j => match j with O => h | _ => k end) (stretch h k) 0%V 0%V plane_basis Mean Sym Eigen Best T sigma
    ltac:(simpl; lra) Pos 0 ltac:(lia) Top).
  replace ((sigma 0%nat + sigma 1%nat) / 2) with (sum 2 (fun i => / 2 * sigma i)) by (simpl; field). exact Edge.
Qed.
Print Assumptions oracle_run_exists.
Print Assumptions V1_noise.
Print Assumptions constant_gradient_exhibit.
Print Assumptions T11_exhibit.
Print Assumptions I6_in_the_plane.
