(** The checker's run in coordinates is the method's run: every point that [unroll] writes evaluates to the point
    where the client uses its gradient. *)

From PISA Require Export Checker.

Lemma total_line n (f : nat -> R) : @total line n f = sum n f.
Proof. induction n; simpl; [easy|]. now rewrite IHn. Qed.
Lemma Q2R_qsum n f : Q2R (qsum n f) = sum n (fun i => Q2R (f i)).
Proof. induction n; simpl; [apply Q2R_zero|]. now rewrite Q2R_add, IHn. Qed.
Lemma eval_vmean (V : space) p n f (x g : nat -> V) : (forall i, (i < n)%nat -> eval (f i) x = g i) ->
  eval (vmean p n f) x = mean V n (fun i => Q2R (at_ (alpha p) i)) g.
Proof. induction n; intros E; simpl; [easy|]. rewrite eval_add, eval_scale, IHn, E by auto. reflexivity. Qed.
Lemma pick_each p f i : (i < clients p)%nat -> pick (each p f) i = f i.
Proof.
  intros I. unfold pick, each. rewrite (nth_indep _ [] (f O)) by (now rewrite map_length, seq_length).
  now rewrite map_nth, seq_nth.
Qed.

Lemma index m n i : (i < m)%nat -> ((n * m + i) mod m = i /\ (n * m + i) / m = n)%nat.
Proof.
  intros I. split.
  - rewrite Nat.add_comm, Nat.mod_add by lia. now apply Nat.mod_small.
  - rewrite Nat.div_add_l, Nat.div_small by lia. lia.
Qed.

Section Trace.
Variables (p : problem) (V : space) (G : nat -> V -> V) (star : V) (W : nat -> V).
(** client i's point at its look number n *)
Variable at_look : nat -> nat -> V.
Notation m := (clients p).
Notation L := (looks p).
Notation weight := (fun i => Q2R (at_ (alpha p) i)).
Notation lambda := (Q2R (ridge p)).

Definition vectors n : V :=
  match n with
  | O => W 0%nat
  | 1%nat => star
  | S (S n) => if (n <? m)%nat then (G n star + lambda * star)%V
      else let n := (n - m)%nat in G (n mod m)%nat (at_look (n / m) (n mod m))
  end.
Notation x := vectors.

Lemma eval_grad n i : (i < m)%nat -> eval (grad p n i) x = G i (at_look n i).
Proof.
  intros I. unfold grad. rewrite eval_unit. cbn [Nat.add vectors].
  destruct (m + (n * m + i) <? m)%nat eqn:C; [apply Nat.ltb_lt in C; lia|].
  replace (m + (n * m + i) - m)%nat with (n * m + i)%nat by lia. cbv zeta. now destruct (index m n i I) as [-> ->].
Qed.

(** ** Rounds, whatever the method *)
Variables (inner : nat -> nat -> nat -> V) (P : nat -> nat -> V).
Hypothesis inner_first : forall k i, inner k 0%nat i = W k.
Hypothesis looks_positive : (1 <= L)%nat.

Definition represents k (w : vec) (duals : list vec) : Prop :=
  eval w x = W k /\ forall i, (i < m)%nat -> eval (pick duals i) x = P k i.
Hypothesis step : forall k w duals, (k < rounds p)%nat -> represents k w duals ->
  let '(rows, w', news) := one_round p k w duals in
  (forall s i, (s < L)%nat -> (i < m)%nat -> eval (pick (nth s rows []) i) x = inner k s i) /\ represents (S k) w' news.

Lemma unroll_sound n : forall k w duals, (k + n = rounds p)%nat -> represents k w duals ->
  forall j s i, (j <= n)%nat -> (s < L)%nat -> (i < m)%nat -> (j < n \/ s = 0)%nat ->
  eval (pick (nth s (nth j (unroll p n k w duals) []) []) i) x = inner (k + j) s i.
Proof.
  induction n as [|n IH]; intros k w duals K Rep j s i J S I Or; cbn [unroll].
  - replace j with 0%nat by lia. replace s with 0%nat by lia. cbn [nth]. rewrite pick_each by easy.
    rewrite Nat.add_0_r, inner_first. apply Rep.
  - assert (T := step k w duals ltac:(lia) Rep). destruct (one_round p k w duals) as [[rows w'] news].
    destruct T as [Rows Next]. destruct j as [|j]; cbn [nth].
    + rewrite Nat.add_0_r. now apply Rows.
    + rewrite Nat.add_succ_r, <- Nat.add_succ_l. apply IH; auto; lia.
Qed.

Hypothesis begin : represents 0 (unit 0) (first_duals p).
Lemma table_sound n i : (n <= last p)%nat -> (i < m)%nat ->
  eval (pick (nth (n mod L) (nth (n / L) (unroll p (rounds p) 0 (unit 0) (first_duals p)) []) []) i) x
  = inner (n / L) (n mod L) i.
Proof.
  intros N I. unfold last in N. rewrite (unroll_sound (rounds p) 0 (unit 0) (first_duals p)); auto.
  - apply Nat.div_le_upper_bound; lia.
  - apply Nat.mod_upper_bound; lia.
  - assert (D := Nat.div_mod n L ltac:(lia)). assert (n / L <= rounds p)%nat by (apply Nat.div_le_upper_bound; lia).
    destruct (Nat.eq_dec (n / L) (rounds p)) as [E|]; [right|left; lia]. rewrite E in D. lia.
Qed.
End Trace.

(** ** The two methods *)

Section Splitting.
Variables (p : problem) (V : space) (G : nat -> V -> V) (star : V) (W : nat -> V) (d P : nat -> nat -> V).
Variables (exact warm after : bool) (rho : list Q) (sigma : list (list Q)).
Notation m := (clients p).
Notation weight := (fun i => Q2R (at_ (alpha p) i)).
Notation lambda := (Q2R (ridge p)).
Notation c := (fun k i => Q2R (entry sigma (if after then k else S k) i)).
Notation s := (fun k i => Q2R (entry sigma (S k) i)).
Notation r := (fun i => Q2R (at_ rho i)).

(** Algorithm 1 counted from the clients' solve: d is w_i - w, P the multiplier. *)
Record clients_first : Prop := {
  first_multiplier : forall i, P 0%nat i = if warm then (- G i (W 0%nat))%V else 0%V;
  first_client : forall k i, (k < rounds p)%nat -> (i < m)%nat ->
    ((c k i + r i) * d k i = - (P k i + G i (if exact then W k + d k i else W k)))%V;
  next_multiplier : forall k i, (k < rounds p)%nat -> (i < m)%nat -> P (S k) i = (P k i + c k i * d k i)%V;
  next_point : forall k, (k < rounds p)%nat ->
    ((sum m (fun i => weight i * s k i) + lambda) * (W (S k) - W k)
     = mean V m weight (fun i => s k i * d k i + P (S k) i) - lambda * W k)%V;
  warm_stays : warm = true -> forall i, d 0%nat i = 0%V
}.

Hypothesis is_splitting : method_of p = Splitting exact warm after rho sigma.
Hypothesis formed : well_formed p = true.
Hypothesis run : clients_first.

Definition split_inner k q i : V := match q with O => W k | _ => (W k + d k i)%V end.
Notation at_look := (fun n i => split_inner (n / looks p) (n mod looks p) i).
Notation x := (vectors p V G star W at_look).

Lemma split_positive : 0 <= lambda /\ (forall i, (i < m)%nat -> 0 < weight i /\ 0 <= r i /\
  forall k, (k <= rounds p)%nat -> 0 < Q2R (entry sigma k i)).
Proof.
  unfold well_formed, all in formed. rewrite is_splitting in formed. apply andb_prop in formed as [H S].
  apply andb_prop in H as [H A]. apply andb_prop in H as [H _]. apply andb_prop in H as [_ Ridge].
  split; [now apply nonnegative_Q_sound|]. intros i I. rewrite forallb_forall in A, S.
  assert (Q : In i (seq 0 m)) by (apply in_seq; lia). specialize (A i Q). specialize (S i Q).
  apply andb_prop in A as [A _]. apply andb_prop in A as [A _]. apply andb_prop in S as [R S].
  repeat split; [now apply positive_Q_sound|now apply nonnegative_Q_sound|]. intros k K.
  rewrite forallb_forall in S. apply positive_Q_sound, S, in_seq. lia.
Qed.

Lemma split_step k w duals : (k < rounds p)%nat -> represents p V G star W at_look P k w duals ->
  let '(rows, w', news) := one_round p k w duals in
  (forall q i, (q < looks p)%nat -> (i < m)%nat -> eval (pick (nth q rows []) i) x = split_inner k q i)
  /\ represents p V G star W at_look P (S k) w' news.
Proof.
  intros K [Ew Ed]. unfold one_round. rewrite is_splitting. unfold split_round.
  set (n := (k * looks p + if exact then 1 else 0)%nat). cbv zeta.
  set (ds := deviations _ _ _ _ _ _ _). set (news := multipliers _ _ _ _ _ _).
  destruct split_positive as [Lam Pos].
  assert (At : forall i, at_look n i = if exact then (W k + d k i)%V else W k).
  { intros i. unfold n, looks. rewrite is_splitting. cbv beta.
    destruct exact; [destruct (index 2 k 1 ltac:(lia)) as [-> ->]|destruct (index 1 k 0 ltac:(lia)) as [-> ->]]; easy. }
  assert (D : forall i, (i < m)%nat -> eval (pick ds i) x = d k i).
  { intros i I. unfold ds, deviations. rewrite pick_each by easy. unfold solved. fold n. rewrite eval_scale,
      eval_add, Ed, eval_grad, At by easy.
    destruct (Pos i I) as [_ [R S]]. assert (C : 0 < c k i) by (destruct after; apply S; lia). cbv beta in C.
    assert (E := first_client run k i K I). cbv beta in E.
    rewrite Q2R_quotient, Q2R_plus, Q2R_minus_one by (rewrite Q2R_plus; lra). set (cc := Q2R (entry sigma _ i)) in *.
    assert (E' : ((cc + r i) * (d k i - 0) = - (P k i + G i (if exact then W k + d k i else W k)))%V) by (rewrite <- E;
        vector).
    apply solve_for in E'; [|lra]. rewrite E' at 2. vector. }
  assert (N : forall i, (i < m)%nat -> eval (pick news i) x = P (S k) i).
  { intros i I. unfold news, multipliers. rewrite pick_each by easy. unfold solved. rewrite eval_add,
      eval_scale, Ed, D by easy.
    now rewrite (next_multiplier run k i K I). }
  split; [|split; [|exact N]].
  - intros q i Q I. unfold looks in Q. rewrite is_splitting in Q. destruct q as [|q]; cbn [nth].
    + rewrite pick_each by easy. exact Ew.
    + destruct exact; [|lia]. replace q with 0%nat by lia. cbn [nth]. rewrite pick_each by easy.
      now rewrite eval_add, Ew, D.
  - rewrite eval_add, eval_scale, eval_sub, eval_scale, Ew.
    rewrite (eval_vmean V p m _ x (fun i => s k i * d k i + P (S k) i)%V)
      by (intros i I; now rewrite eval_add, eval_scale, D, N).
    assert (E := next_point run k K). set (rate := sum m _ + lambda) in *.
    assert (R : Q2R (plus_Q (qsum m (fun i => times_Q (at_ (alpha p) i) (entry sigma (S k) i))) (ridge p)) = rate).
    { rewrite Q2R_add, Q2R_qsum. unfold rate. f_equal. apply sum_ext; intros. apply Q2R_times. }
    destruct (Nat.eq_dec m 0) as [Z|Z].
    { exfalso. unfold well_formed in formed. apply andb_prop in formed as [H _]. repeat (apply andb_prop in H as [H _]).
      rewrite Z in H. apply zero_Q_sound in H. rewrite Q2R_add, Q2R_minus_one in H. simpl in H. rewrite Q2R_zero in H.
      lra. }
    assert (RP : 0 < rate).
    { unfold rate. destruct m as [|m']; [easy|]. cbn [sum]. destruct (Pos m' ltac:(lia)) as [A [_ S]].
      assert (0 <= sum m' (fun i => weight i * s k i)).
      { rewrite <- (Rmult_0_r (INR m')), <- sum_const. apply sum_le. intros i I. destruct (Pos i ltac:(lia)) as [A' [_ S']].
        apply Rmult_le_pos; [lra|]. apply Rlt_le, S'; lia. }
      assert (0 < weight m' * s k m') by (apply Rmult_lt_0_compat; [lra|apply S; lia]). lra. }
    apply solve_for in E; [|exact RP]. rewrite E, Q2R_quotient, R, Q2R_one by (rewrite R; lra). vector.
Qed.

Lemma split_table n i : (n <= last p)%nat -> (i < m)%nat ->
  eval (pick (nth (n mod looks p) (nth (n / looks p) (unroll p (rounds p) 0 (unit 0) (first_duals p)) []) []) i) x
  = at_look n i.
Proof.
  apply (table_sound p V G star W at_look split_inner P).
  - easy.
  - unfold looks. rewrite is_splitting. destruct exact; lia.
  - exact split_step.
  - split; [now rewrite eval_unit|]. intros j J. unfold first_duals. rewrite is_splitting, (first_multiplier run).
    destruct warm eqn:Warm; rewrite pick_each by easy; [|easy]. rewrite eval_scale, Q2R_minus_one, eval_grad by easy.
    unfold offset, looks. rewrite is_splitting. destruct exact; [|easy]. cbn [split_inner].
    change (1 / 2)%nat with 0%nat. change (1 mod 2)%nat with 1%nat. cbn [split_inner].
    rewrite (warm_stays run Warm). f_equal. f_equal. vector.
Qed.

Lemma split_mark k i : at_look (mark p k) i = W k.
Proof.
  destruct k as [|k]; cbn [mark].
  - unfold offset, looks. rewrite is_splitting. destruct exact, warm eqn:Warm; try easy.
    change (1 / 2)%nat with 0%nat. change (1 mod 2)%nat with 1%nat. cbn [split_inner]. rewrite (warm_stays run Warm).
    vector.
  - assert (looks p <> 0)%nat by (unfold looks; rewrite is_splitting; destruct exact; lia).
    now rewrite Nat.div_mul, Nat.mod_mul.
Qed.
End Splitting.

Section Averaging.
Variables (p : problem) (V : space) (G : nat -> V -> V) (star : V) (W : nat -> V) (inner : nat -> nat -> nat -> V).
Variables (step : Q) (local_steps : nat).
Notation m := (clients p).
Hypothesis is_fedavg : method_of p = FedAvg step local_steps.
Hypothesis formed : well_formed p = true.
Hypothesis run : fedavg V m (fun i => Q2R (at_ (alpha p) i)) (Q2R (ridge p)) (Q2R step) local_steps G W inner.
Notation at_look := (fun n i => inner (n / looks p)%nat (n mod looks p)%nat i).
Notation x := (vectors p V G star W at_look).

Lemma average_looks : looks p = local_steps. Proof. unfold looks. now rewrite is_fedavg. Qed.
Lemma average_positive : (1 <= looks p)%nat.
Proof.
  rewrite average_looks. unfold well_formed in formed. rewrite is_fedavg in formed.
  apply andb_prop in formed as [_ H]. apply andb_prop in H as [_ H]. now apply Nat.leb_le.
Qed.

Lemma local_descent_sound k s : forall q xs, (q + s = looks p)%nat ->
  (forall i, (i < m)%nat -> eval (pick xs i) x = inner k q i) ->
  forall j i, (j <= s)%nat -> (i < m)%nat ->
  eval (pick (nth j (local_descent p step (k * looks p + q) s xs) []) i) x = inner k (q + j) i.
Proof.
  assert (L := average_positive).
  induction s as [|s IH]; intros q xs Q X j i J I; destruct j as [|j]; cbn [local_descent nth]; try lia;
    try (rewrite Nat.add_0_r; now apply X).
  replace (S (k * looks p + q)) with (k * looks p + S q)%nat by lia. replace (q + S j)%nat with (S q + j)%nat by lia.
  apply IH; try lia.
  intros l M. rewrite pick_each by easy. rewrite eval_sub, eval_scale, eval_add, eval_scale, eval_grad, X by easy.
  rewrite (fedavg_step _ _ _ _ _ _ _ _ _ run k q l) by (rewrite <- ?average_looks; easy || lia).
  now destruct (index (looks p) k q ltac:(lia)) as [-> ->].
Qed.

Lemma average_step k w duals : (k < rounds p)%nat -> represents p V G star W at_look (fun _ _ => 0%V) k w duals ->
  let '(rows, w', news) := one_round p k w duals in
  (forall q i, (q < looks p)%nat -> (i < m)%nat -> eval (pick (nth q rows []) i) x = inner k q i)
  /\ represents p V G star W at_look (fun _ _ => 0%V) (S k) w' news.
Proof.
  intros K [Ew _]. unfold one_round. rewrite is_fedavg. set (rows := local_descent _ _ _ _ _).
  assert (R : forall q i, (q <= looks p)%nat -> (i < m)%nat -> eval (pick (nth q rows []) i) x = inner k q i).
  { intros q i Q I. unfold rows. rewrite <- average_looks, <- (Nat.add_0_r (k * looks p)).
    apply (local_descent_sound k (looks p) 0); try easy.
    intros l M. rewrite pick_each by easy. now rewrite (fedavg_start _ _ _ _ _ _ _ _ _ run). }
  split; [intros; apply R; easy || lia|]. split; [|intros i I; destruct i; easy].
  rewrite (eval_vmean V p m _ x (inner k local_steps)) by (intros; rewrite R; now rewrite ?average_looks).
  now rewrite (fedavg_average _ _ _ _ _ _ _ _ _ run).
Qed.

Lemma average_table n i : (n <= last p)%nat -> (i < m)%nat ->
  eval (pick (nth (n mod looks p) (nth (n / looks p) (unroll p (rounds p) 0 (unit 0) (first_duals p)) []) []) i) x
  = at_look n i.
Proof.
  apply (table_sound p V G star W at_look inner (fun _ _ => 0%V)).
  - exact (fedavg_start _ _ _ _ _ _ _ _ _ run).
  - exact average_positive.
  - exact average_step.
  - split; [now rewrite eval_unit|]. intros j J. unfold first_duals. rewrite is_fedavg. now rewrite pick_each.
Qed.
Lemma average_mark k i : at_look (mark p k) i = W k.
Proof.
  assert (L := average_positive). destruct k as [|k]; cbn [mark].
  - unfold offset. rewrite is_fedavg, Nat.div_0_l, Nat.mod_0_l by lia. apply (fedavg_start _ _ _ _ _ _ _ _ _ run).
  - rewrite Nat.div_mul, Nat.mod_mul by lia. apply (fedavg_start _ _ _ _ _ _ _ _ _ run).
Qed.
End Averaging.
