(** Runs as the checker counts them: from the clients' first solve. *)

From PISA Require Export Trace.

Section Recount.
Variables (p : problem) (V : space) (G : nat -> V -> V) (W : nat -> V).
Variables (exact warm after : bool) (rho : list Q) (sigma : list (list Q)).
Variables (penalty : nat -> nat -> R) (w : nat -> V) (local dual : nat -> nat -> V).
Notation m := (clients p).
Notation weight := (fun i => Q2R (at_ (alpha p) i)).
Notation lambda := (Q2R (ridge p)).
Notation lead := (if warm then 1%nat else 0%nat).
Notation solving := (if after then penalty else fun l => penalty (S l)).
Hypothesis schedule : forall l i, (l + lead <= rounds p)%nat -> (i < m)%nat ->
  penalty l i = Q2R (entry sigma (l + lead) i).
Hypothesis run : splitting V m weight lambda penalty solving (fun _ i d => Q2R (at_ rho i) * d)%V
  (fun l i => G i (if exact then local l i else w l)) w local dual.
Hypothesis begin : forall i, dual 0%nat i = if warm then (- G i (w 0%nat))%V else 0%V.
Hypothesis shift : forall k, W k = w (if warm then k else S k).

Definition shifted_deviation k i : V := deviation V w local (if warm then k else S k) i.
Definition shifted_dual k i : V := dual (if warm then pred k else k) i.

Lemma solving_entry l i : (S l + lead <= rounds p)%nat -> (i < m)%nat ->
  solving l i = Q2R (entry sigma (if after then l + lead else S (l + lead)) i).
Proof. intros K I. destruct after; rewrite schedule by (easy || lia); easy. Qed.

(** one solve of the clients, at Algorithm 1's w^(l+1) *)
Lemma solve l i : (S l + lead <= rounds p)%nat -> (i < m)%nat ->
  let d := deviation V w local (S l) i in let c := Q2R (entry sigma (if after then l + lead else S (l + lead)) i) in
  ((c + Q2R (at_ rho i)) * d = - (dual l i + G i (if exact then w (S l) + d else w (S l))))%V
  /\ dual (S l) i = (dual l i + c * d)%V.
Proof.
  intros K I d c. assert (E := splits_client _ _ _ _ _ _ _ _ _ _ _ run l i I).
  assert (M := splits_multiplier _ _ _ _ _ _ _ _ _ _ _ run l i).
  rewrite (solving_entry l i K I) in E, M. fold c d in E, M. split; [|exact M].
  replace (w (S l) + d)%V with (local (S l) i) by (unfold d, deviation; vector). rewrite <- E. vector.
Qed.
(** one step of the server, to Algorithm 1's w^(l+1) *)
Lemma serve l : (l + lead <= rounds p)%nat ->
  ((sum m (fun i => weight i * Q2R (entry sigma (l + lead) i)) + lambda) * (w (S l) - w l)
   = mean V m weight (fun i => Q2R (entry sigma (l + lead) i) * deviation V w local l i + dual l i) - lambda * w l)%V.
Proof.
  intros K. assert (E := splits_move _ _ _ _ _ _ _ _ _ _ _ l run). unfold rate in E.
  rewrite (sum_ext m _ (fun i => weight i * Q2R (entry sigma (l + lead) i))) in E by (intros; now rewrite schedule).
  rewrite (mean_ext V m weight _ (fun i => Q2R (entry sigma (l + lead) i) * deviation V w local l i + dual l i)%V) in E
    by (intros; now rewrite schedule). exact E.
Qed.
Lemma first_deviation i : deviation V w local 0 i = 0%V.
Proof. unfold deviation. rewrite (splits_start _ _ _ _ _ _ _ _ _ _ _ run). vector. Qed.

Lemma recount : clients_first p V G W shifted_deviation shifted_dual exact warm after rho sigma.
Proof.
  unfold shifted_deviation, shifted_dual. assert (Solve := solve). assert (Serve := serve).
  assert (First := first_deviation).
  destruct warm; cbn [pred].
  - split; cbn [pred].
    + intros i. now rewrite begin, shift.
    + intros [|l] i K I; cbn [pred]; rewrite !shift.
      * rewrite First, begin. replace (w 0%nat + 0)%V with (w 0%nat) by vector. destruct exact; vector.
      * destruct (Solve l i ltac:(lia) I) as [E _]. cbv zeta in E. rewrite Nat.add_1_r in E. destruct after; exact E.
    + intros [|l] i K I; cbn [pred]; [rewrite First; vector|].
      destruct (Solve l i ltac:(lia) I) as [_ E]. cbv zeta in E. rewrite Nat.add_1_r in E. destruct after; exact E.
    + intros k K. rewrite !shift. assert (E := Serve k ltac:(lia)). rewrite Nat.add_1_r in E. exact E.
    + intros _ i. apply First.
  - split.
    + intros i. apply begin.
    + intros k i K I. rewrite !shift. destruct (Solve k i ltac:(lia) I) as [E _]. cbv zeta in E.
      rewrite Nat.add_0_r in E. destruct after; exact E.
    + intros k i K I. destruct (Solve k i ltac:(lia) I) as [_ E]. cbv zeta in E. rewrite Nat.add_0_r in E.
      destruct after; exact E.
    + intros k K. rewrite !shift. assert (E := Serve (S k) ltac:(lia)). rewrite Nat.add_0_r in E. exact E.
    + discriminate.
Qed.
End Recount.

(** Any run in the sense of the theorem has its points where the checker writes them. *)
Theorem runs_trace p V G W : well_formed p = true -> runs p V G W -> exists at_look, forall star,
  (forall n i, (n <= last p)%nat -> (i < clients p)%nat ->
    eval (pick (nth (n mod looks p) (nth (n / looks p) (unroll p (rounds p) 0 (unit 0) (first_duals p)) []) []) i)
      (vectors p V G star W at_look) = at_look n i)
  /\ (forall k i, at_look (mark p k) i = W k).
Proof.
  intros Formed Run. unfold runs in Run. destruct (method_of p) as [exact warm after rho sigma|step n] eqn:M.
  - destruct Run as [penalty [w [local [dual [Sch [Run [Beg Sh]]]]]]].
    assert (C := recount p V G W exact warm after rho sigma penalty w local dual Sch Run Beg Sh).
    exists (fun n i => split_inner V W (shifted_deviation V warm w local) (n / looks p) (n mod looks p) i).
    intros star. split; intros.
    + eapply split_table; eauto.
    + eapply split_mark; eauto.
  - destruct Run as [inner Run]. exists (fun n i => inner (n / looks p)%nat (n mod looks p)%nat i). intros star.
    split; intros.
    + now apply (average_table p V G star W inner step n).
    + eapply average_mark; eauto.
Qed.
