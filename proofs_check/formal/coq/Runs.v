(** The methods of the certificates as relations between sequences, and that their runs exist.

    [splitting] is Algorithm 1 where the server's penalty and the clients' may differ: equal at the same iteration
    it is [pisa], one behind when sigma grows after the clients' solve. With the gradient at the client's own
    point it is exact consensus ADMM. [fedavg] is local gradient descent and averaging. *)

From PISA Require Export Algorithm.

Section Splitting.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R).
Variables (penalty : nat -> nat -> R) (solving : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Notation rate := (rate m weight ridge penalty).
Notation mean := (mean V m weight).
Notation deviation := (deviation V w local).

(** [penalty l i] is the server's sigma_i when it makes w^(l+1), [solving l i] the client's at w^(l+1). *)
Record splitting : Prop := {
  splits_start : forall i, local 0 i = w 0%nat;
  splits_server : forall l, (rate l * w (S l) = mean (fun i => penalty l i * local l i + dual l i))%V;
  splits_client : forall l i, (i < m)%nat ->
    (solving l i * deviation (S l) i + bend (S l) i (deviation (S l) i) = - (dual l i + grad (S l) i))%V;
  splits_multiplier : forall l i, (dual (S l) i = dual l i + solving l i * deviation (S l) i)%V
}.

Lemma splits_move l : splitting ->
  (rate l * (w (S l) - w l) = mean (fun i => penalty l i * deviation l i + dual l i) - ridge * w l)%V.
Proof.
  intros P. apply separated; intros z. unfold Algorithm.deviation.
  assert (E := f_equal (fun u => ⟨u, z⟩) (splits_server P l)); cbv beta in E.
  rewrite inner_mean in E. autorewrite with inner in *. rewrite inner_mean, Rmult_plus_distr_l, E.
  rewrite (sum_ext m (fun i => weight i * ⟨penalty l i * (local l i - w l) + dual l i, z⟩)
    (fun i => weight i * ⟨penalty l i * local l i + dual l i, z⟩ + -⟨w l, z⟩ * (weight i * penalty l i)))
    by (intros; autorewrite with inner; ring).
  rewrite sum_add, sum_scale. unfold Algorithm.rate. ring.
Qed.
End Splitting.

(** sigma that changes before the clients' solve: Algorithm 1 as everywhere else. *)
Lemma splitting_pisa (V : space) m weight ridge penalty bend grad (w : nat -> V) local dual :
  splitting V m weight ridge penalty (fun l => penalty (S l)) bend grad w local dual <->
  pisa V m weight ridge penalty bend grad w local dual.
Proof. split; intros [A B C D]; now split. Qed.

(** [inner k s i] is client i's point after s local steps of round k. *)
Record fedavg (V : space) m (weight : nat -> R) (ridge step : R) (local_steps : nat) (G : nat -> V -> V)
    (w : nat -> V) (inner : nat -> nat -> nat -> V) : Prop := {
  fedavg_start : forall k i, inner k 0%nat i = w k;
  fedavg_step : forall k s i, (s < local_steps)%nat -> (i < m)%nat ->
    (inner k (S s) i = inner k s i - step * (G i (inner k s i) + ridge * inner k s i))%V;
  fedavg_average : forall k, w (S k) = mean V m weight (inner k local_steps)
}.

Lemma mean_const (V : space) m weight (x : V) : sum m weight = 1 -> mean V m weight (fun _ => x) = x.
Proof.
  intros One. apply separated; intros z. rewrite inner_mean. cbv beta.
  rewrite (sum_ext m _ (fun i => ⟨x, z⟩ * weight i)) by (intros; ring). rewrite sum_scale, One. ring.
Qed.

(** One local step: gradient descent on the mean. *)
Lemma fedavg_gradient_descent (V : space) m weight ridge step G (w : nat -> V) inner : sum m weight = 1 ->
  fedavg V m weight ridge step 1 G w inner ->
  forall k, w (S k) = (w k - step * (mean V m weight (fun i => G i (w k)) + ridge * w k))%V.
Proof.
  intros One [A B C] k. rewrite C.
  rewrite (mean_ext V m weight _ (fun i => (w k - step * (ridge * w k)) + - step * G i (w k))%V).
  - rewrite mean_add, mean_scale, mean_const by easy. vector.
  - intros i I. rewrite B, A by (auto; lia). vector.
Qed.

(** ** Runs exist, from any first point *)
Section Existence.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (penalty solving : nat -> nat -> R) (bend : nat -> nat -> V -> V).
(** [grad i w x]: the gradient of client i, at the server's point or at its own; [solve] finds the own point. *)
Variables (grad : nat -> V -> V -> V) (solve : nat -> nat -> V -> V -> V) (origin : V) (first_dual : nat -> V).
Notation rate := (rate m weight ridge penalty).
Hypothesis rate_nonzero : forall l, rate l <> 0.
Hypothesis solves : forall l i w pi, (i < m)%nat ->
  let d := solve l i w pi in (solving l i * d + bend (S l) i d = - (pi + grad i w (w + d)))%V.

Fixpoint split_state l : V * (nat -> V) * (nat -> V) :=
  match l with
  | O => (origin, fun _ => origin, first_dual)
  | S l => let '(w, x, p) := split_state l in
      let w' := (/ rate l * mean V m weight (fun i => penalty l i * x i + p i))%V in
      let d i := solve l i w' (p i) in
      (w', fun i => w' + d i, fun i => p i + solving l i * d i)%V
  end.

Notation w := (fun l => fst (fst (split_state l))).
Notation local := (fun l => snd (fst (split_state l))).
Notation dual := (fun l => snd (split_state l)).
Theorem splitting_exists :
  splitting V m weight ridge penalty solving bend (fun l i => grad i (w l) (local l i)) w local dual.
Proof.
  split.
  - reflexivity.
  - intros l. simpl. destruct (split_state l) as [[a x] p]. simpl. assert (N := rate_nonzero l). vector.
  - intros l i I. unfold deviation. simpl. destruct (split_state l) as [[a x] p]. simpl.
    set (w' := (/ _ * _)%V). assert (E := solves l i w' (p i) I). cbv zeta in E. set (d := solve _ _ _ _) in *.
    replace (w' + d - w')%V with d by vector. exact E.
  - intros l i. unfold deviation. simpl. destruct (split_state l) as [[a x] p]. simpl.
    set (w' := (/ _ * _)%V). vector.
Qed.
End Existence.

Section Averaging.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge step : R) (local_steps : nat) (G : nat -> V -> V) (origin : V).
Fixpoint descend s i (x : V) : V :=
  match s with O => x | S s => let y := descend s i x in (y - step * (G i y + ridge * y))%V end.
Fixpoint average k : V :=
  match k with O => origin | S k => mean V m weight (fun i => descend local_steps i (average k)) end.
Theorem fedavg_exists : fedavg V m weight ridge step local_steps G average (fun k s i => descend s i (average k)).
Proof. now split. Qed.
End Averaging.
