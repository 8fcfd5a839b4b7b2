(** Algorithm 1 with the server's and the clients' penalties apart: both orders of a growing penalty.

    Order of Algorithm 1: client l and the server step after it use [penalty l]. Mixed order: the client uses
    [penalty l], the server step after it [penalty (S l)]. Every vector may be a random one: [V] is any space. *)

From PISA Require Export Algorithm.

Section Orders.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (serve solve : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (grad : nat -> nat -> V) (w : nat -> V) (local dual : nat -> nat -> V).
Notation mean := (mean V m weight).
Notation total_of penalty l := (sum m (fun i => weight i * penalty l i)).
Notation deviation := (deviation V w local).

Record rounds : Prop := {
  origin : forall i, local 0 i = w 0%nat;
  server_step : forall l, ((total_of serve l + ridge) * w (S l) = mean (fun i => serve l i * local l i + dual l i))%V;
  client_step : forall l i, (i < m)%nat ->
    (solve (S l) i * deviation (S l) i + bend (S l) i (deviation (S l) i) = - (dual l i + grad (S l) i))%V;
  dual_step : forall l i, (dual (S l) i = dual l i + solve (S l) i * deviation (S l) i)%V
}.

(** P = -sum alpha_i pi_i, what the multipliers remember of the gradients. *)
Definition memory l : V := (-1 * mean (dual l))%V.

(** What follows a client's step, when the server's penalties are [f] times the clients'. *)
Lemma next_w l f : rounds -> (forall i, (i < m)%nat -> serve (S l) i = f * solve (S l) i) ->
  ((f * total_of solve (S l) + ridge) * (w (S (S l)) - w (S l))
   = f * (memory l - memory (S l)) - memory (S l) - ridge * w (S l))%V.
Proof.
  intros P Common. unfold memory. apply separated; intros z.
  assert (E := f_equal (fun u => ⟨u, z⟩) (server_step P (S l))); cbv beta in E.
  rewrite (sum_ext m _ (fun i => f * (weight i * solve (S l) i))), sum_scale in E
    by (intros i I; rewrite (Common i I); ring).
  rewrite inner_mean in E. autorewrite with inner in *. rewrite !inner_mean.
  rewrite (sum_ext m (fun i => weight i * ⟨serve (S l) i * local (S l) i + dual (S l) i, z⟩)
    (fun i => f * ⟨w (S l), z⟩ * (weight i * solve (S l) i)
      + ((f + 1) * (weight i * ⟨dual (S l) i, z⟩) + - f * (weight i * ⟨dual l i, z⟩)))) in E.
  - rewrite !sum_add, !sum_scale in E. lra.
  - intros i I. rewrite (Common i I). assert (D := f_equal (fun u => ⟨u, z⟩) (dual_step P l i)); cbv beta in D.
    unfold Algorithm.deviation in D. autorewrite with inner in *. rewrite D. ring.
Qed.

(** Without preconditioner the multiplier is minus the last gradient. *)
Lemma plain_memory l : rounds -> (forall i x, bend (S l) i x = 0%V) -> memory (S l) = mean (grad (S l)).
Proof.
  intros P Plain. unfold memory. rewrite (mean_ext _ _ _ (dual (S l)) (fun i => -1 * grad (S l) i)%V).
  - rewrite mean_scale. vector.
  - intros i I. rewrite (dual_step P). assert (E := client_step P l i I). rewrite Plain in E.
    apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in E. autorewrite with inner in *. lra.
Qed.
End Orders.
Arguments rounds {V}. Arguments memory {V}.

(** Algorithm 1's own order, and the other. *)
Lemma pisa_rounds (V : space) m weight ridge penalty bend grad w local dual :
  pisa V m weight ridge penalty bend grad w local dual <-> rounds m weight ridge penalty penalty bend grad w local dual.
Proof. split; intros []; now constructor. Qed.

Definition mixed {V : space} m weight ridge (penalty : nat -> nat -> R) bend grad (w : nat -> V) local dual :=
  rounds m weight ridge (fun l => penalty (S l)) penalty bend grad w local dual.

(** ** Runs exist, whatever oracle gives the gradients *)
Section Existence.
Variable V : space.
Variables (m : nat) (weight : nat -> R) (ridge : R) (serve solve : nat -> nat -> R) (bend : nat -> nat -> V -> V).
Variables (answer : nat -> nat -> V -> V) (oracle : nat -> nat -> V -> V) (first : V) (first_dual : nat -> V).
Notation rate l := (sum m (fun i => weight i * serve l i) + ridge).
Hypothesis rate_nonzero : forall l, rate l <> 0.
Hypothesis answers : forall l i y, (solve l i * answer l i y + bend l i (answer l i y) = y)%V.

Fixpoint trace l : V * (nat -> V) * (nat -> V) :=
  match l with
  | O => (first, fun _ => first, first_dual)
  | S l => let '(w, x, p) := trace l in
      let w' := (/ rate l * mean V m weight (fun i => serve l i * x i + p i))%V in
      let d i := answer (S l) i (- (p i + oracle (S l) i w'))%V in
      (w', fun i => w' + d i, fun i => p i + solve (S l) i * d i)%V
  end.

Notation w := (fun l => fst (fst (trace l))).
Theorem rounds_exist : rounds m weight ridge serve solve bend (fun l i => oracle l i (w l)) w
  (fun l => snd (fst (trace l))) (fun l => snd (trace l)).
Proof.
  split.
  - reflexivity.
  - intros l. simpl. destruct (trace l) as [[a x] p]. simpl. assert (N := rate_nonzero l). vector.
  - intros l i _. unfold deviation. simpl. destruct (trace l) as [[a x] p]. simpl.
    set (w' := (/ _ * _)%V). set (d := answer _ _ _). replace (w' + d - w')%V with d by vector. apply answers.
  - intros l i. unfold deviation. simpl. destruct (trace l) as [[a x] p]. simpl. set (w' := (/ _ * _)%V). vector.
Qed.
End Existence.
