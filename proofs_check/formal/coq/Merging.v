(** The merging lemma: with equal rho_i Q_i = rho I and equal sigma_i, any number of clients is one client whose
    function is their mean, so that a certificate of one client's worst case is one of any number's. *)

From PISA Require Export Sound.

Section Merging.
Variables (V : space) (m : nat) (weight : nat -> R) (ridge : R) (penalty solving : nat -> R) (rho : R).
Variables (F : nat -> V -> R) (G : nat -> V -> V).
Hypothesis nonneg : forall i, (i < m)%nat -> 0 <= weight i.
Hypothesis one : sum m weight = 1.
Notation mean := (mean V m weight).
Notation single := (fun _ : nat => 1).
Definition mean_value z := sum m (fun i => weight i * F i z).
Definition mean_gradient z : V := mean (fun i => G i z).

Lemma mean_bounds low high : (forall i, (i < m)%nat -> bounds low high (F i) (G i)) ->
  bounds low high mean_value mean_gradient.
Proof.
  intros C x v. unfold mean_value, mean_gradient. rewrite inner_mean.
  assert (E : forall c, c / 2 * ‖v‖² = sum m (fun i => weight i * (c / 2 * ‖v‖²))).
  { intros c. rewrite (sum_ext m _ (fun i => c / 2 * ‖v‖² * weight i)) by (intros;
      ring). rewrite sum_scale, one. ring. }
  rewrite (E low), (E high), <- !sum_add.
  split; apply sum_le; intros i I; specialize (nonneg i I); destruct (C i I x v) as [A B];
    [apply (Rmult_le_compat_l (weight i)) in A|apply (Rmult_le_compat_l (weight i)) in B]; lra.
Qed.

Lemma mean_single (x : nat -> V) : Algorithm.mean V 1 single x = x 0%nat.
Proof. unfold Algorithm.mean. cbn [total]. vector. Qed.
Lemma rate_single (c : R) : rate 1 single ridge (fun _ _ => c) 0%nat = rate m weight ridge (fun _ _ => c) 0%nat.
Proof.
  unfold rate. cbn [sum]. rewrite (sum_ext m _ (fun i => c * weight i)) by (intros; ring). rewrite sum_scale, one. ring.
Qed.

(** Clients that all use the gradient at the server's point. *)
Theorem merge w local dual :
  splitting V m weight ridge (fun l _ => penalty l) (fun l _ => solving l) (fun _ _ d => rho * d)%V
    (fun l i => G i (w l)) w local dual ->
  splitting V 1 single ridge (fun l _ => penalty l) (fun l _ => solving l) (fun _ _ d => rho * d)%V
    (fun l _ => mean_gradient (w l)) w
    (fun l _ => mean (local l)) (fun l _ => mean (dual l)).
Proof.
  intros [Start Server Client Multiplier].
  assert (D : forall l, deviation V w (fun l _ => mean (local l)) l 0%nat = mean (deviation V w local l)).
  { intros l. assert (E := mean_add V m weight (local l) (fun _ => -1 * w l)%V).
    rewrite (mean_const V m weight (-1 * w l)%V one) in E. symmetry. exact E. }
  split.
  - intros _. rewrite (mean_ext V m weight _ (fun _ => w 0%nat)) by (intros; apply Start). now apply mean_const.
  - intros l. specialize (Server l).
    change (rate m weight ridge (fun l _ => penalty l) l) with (rate m weight ridge (fun _ _ => penalty l) 0%nat) in Server.
    change (rate 1 single ridge (fun l _ => penalty l) l) with (rate 1 single ridge (fun _ _ => penalty l) 0%nat).
    rewrite rate_single, Server, mean_add, mean_scale, mean_single. reflexivity.
  - intros l i I. replace i with 0%nat by lia.
    change (deviation V w _ (S l) 0%nat) with (deviation V w (fun l _ => mean (local l)) (S l) 0%nat). rewrite D.
    unfold mean_gradient.
    rewrite <- mean_add, <- !mean_scale, <- mean_add. apply mean_ext. intros j J. apply (Client l j J).
  - intros l i. change (deviation V w _ (S l) i) with (deviation V w (fun l _ => mean (local l)) (S l) 0%nat).
    rewrite D, <- mean_scale, <- mean_add.
    apply mean_ext. intros j J. apply Multiplier.
Qed.

(** Gradient descent: one local step. *)
Theorem merge_descent step w inner : fedavg V m weight ridge step 1 G w inner ->
  fedavg V 1 single ridge step 1 (fun _ => mean_gradient) w
    (fun k s _ => match s with O => w k | _ => w k - step * (mean_gradient (w k) + ridge * w k) end)%V.
Proof.
  intros Run. assert (E := fedavg_gradient_descent V m weight ridge step G w inner one Run). split.
  - easy.
  - intros k s i S I. replace s with 0%nat by lia. reflexivity.
  - intros k. rewrite E, mean_single. reflexivity.
Qed.
End Merging.

(** A problem of one client, for PISA or gradient descent. *)
Definition single_client p : Prop :=
  clients p = 1%nat /\ at_ (alpha p) 0 = 1%Q /\ heterogeneity p = None
  /\ match method_of p with Splitting exact _ _ _ _ => exact = false | FedAvg _ local_steps => local_steps = 1%nat end.

(** The same, of any number of clients, any weights, and the one client's curvature, rho and sigma for all. *)
Definition theorem_of_any_clients p (bound : Q) : Prop :=
  forall (V : space) (m : nat) (weight : nat -> R) (F : nat -> V -> R) (G : nat -> V -> V) (inf : R) (star : V)
    (w : nat -> V)
    (local dual : nat -> nat -> V) (penalty : nat -> R),
  (forall i, (i < m)%nat -> 0 <= weight i) -> sum m weight = 1 ->
  (forall i, (i < m)%nat -> bounds (Q2R (at_ (low p) 0)) (Q2R (at_ (high p) 0)) (F i) (G i)) ->
  let lambda := Q2R (ridge p) in
  let objective x := sum m (fun i => weight i * F i x) + lambda / 2 * ‖x‖² in
  let gradient x := (mean V m weight (fun i => G i x) + lambda * x)%V in
  (if starred p then (forall x, objective star <= objective x) /\ inf = objective star
   else forall x, inf <= objective x) ->
  match method_of p with
  | FedAvg step local_steps => exists inner, fedavg V m weight lambda (Q2R step) local_steps G w inner
  | Splitting _ warm after rho sigma =>
      (forall l, (l + (if warm then 1 else 0) <= rounds p)%nat ->
         penalty l = Q2R (entry sigma (l + if warm then 1 else 0) 0)) /\
      splitting V m weight lambda (fun l _ => penalty l) (fun l _ => if after then penalty l else penalty (S l))
        (fun _ _ d => Q2R (at_ rho 0) * d)%V (fun l i => G i (w l)) w local dual /\
      (forall i, dual 0%nat i = if warm then (- G i (w 0%nat))%V else 0%V)
  end ->
  let W k := w (match method_of p with Splitting _ false _ _ _ => S k | _ => k end) in
  match initial_of p with Value => objective (W 0%nat) - inf <= 1 | Distance => ‖W 0%nat - star‖² <= 1 end ->
  match metric_of p with
  | MinGradient => exists k, (k <= rounds p)%nat /\ ‖gradient (W k)‖² <= Q2R bound
  | LastGradient => ‖gradient (W (rounds p))‖² <= Q2R bound
  | LastValue => objective (W (rounds p)) - inf <= Q2R bound
  end.

Theorem merging p bound : single_client p -> theorem p bound -> theorem_of_any_clients p bound.
Proof.
  intros [M [A [H X]]] T V m weight F G inf star w local dual penalty nonneg one curved lambda objective gradient bottom run W gap.
  assert (O : forall x, Checker.objective p V (fun _ => mean_value V m weight F) x = objective x).
  { intros x. unfold Checker.objective, objective, mean_value, lambda. rewrite M. cbn [sum]. rewrite A, Q2R_one. ring. }
  assert (D : forall x, gradient_of p V (fun _ => mean_gradient V m weight G) x = gradient x).
  { intros x. unfold gradient_of, gradient, mean_gradient, lambda. rewrite M. unfold Algorithm.mean at 1. cbn [total]. rewrite A, Q2R_one. vector. }
  assert (C := mean_bounds V m weight F G nonneg one _ _ curved).
  specialize (T V (fun _ => mean_value V m weight F) (fun _ => mean_gradient V m weight G) inf star W).
  rewrite M, H in T.
  assert (Goal : match metric_of p with
    | MinGradient => exists k, (k <= rounds p)%nat /\ ‖gradient_of p V (fun _ => mean_gradient V m weight G) (W k)‖² <= Q2R bound
    | LastGradient => ‖gradient_of p V (fun _ => mean_gradient V m weight G) (W (rounds p))‖² <= Q2R bound
    | LastValue => Checker.objective p V (fun _ => mean_value V m weight F) (W (rounds p)) - inf <= Q2R bound
    end).
  { apply T.
    - intros i I. replace i with 0%nat by lia. exact C.
    - destruct (starred p); [destruct bottom as [B ->]; split; [intros x; rewrite !O; apply B|now rewrite O]|intros x; rewrite O; apply bottom].
    - unfold runs. unfold W. destruct (method_of p) as [exact warm after rho sigma|step n]; rewrite M.
      2: { destruct run as [inner Run]. subst n. assert (S1 := merge_descent V m weight lambda G one (Q2R step) w inner Run).
        destruct S1 as [S2 S3 S4].
        exists (fun k s _ => match s with O => w k | _ => w k - Q2R step * (mean_gradient V m weight G (w k) + lambda * w k) end)%V.
        split; [exact S2|exact S3|]. intros k. specialize (S4 k).
        unfold Algorithm.mean in *. cbn [total] in *. rewrite A, Q2R_one. exact S4. }
      subst exact. destruct run as [Sch [Run Beg]].
      assert (S1 := merge V m weight lambda penalty (fun l => if after then penalty l else penalty (S l))
          (Q2R (at_ rho 0)) G one w local dual Run).
      exists (fun l _ => penalty l), w, (fun l _ => mean V m weight (local l)), (fun l _ => mean V m weight (dual l)).
      split; [|split; [|split]].
      + intros l i L I. replace i with 0%nat by lia. apply Sch. destruct warm; exact L.
      + destruct S1 as [S2 S3 S4 S5]. split; [exact S2| | |].
        * intros l. specialize (S3 l). cbv beta in S3. unfold rate, Algorithm.mean in *. cbn [sum total] in *.
          rewrite A, Q2R_one. exact S3.
        * intros l i I. specialize (S4 l i I). replace i with 0%nat in * by lia. destruct after; exact S4.
        * intros l i. specialize (S5 l i). destruct after; exact S5.
      + intros i.
        rewrite (mean_ext V m weight _ (fun j => if warm then (-1 * G j (w 0%nat))%V else 0%V)) by (intros; apply Beg).
        destruct warm; [apply mean_scale|now apply mean_zero].
      + intros k. now destruct warm.
    - destruct (initial_of p); [rewrite O|]; exact gap.
    - exact I. }
  destruct (metric_of p).
  - destruct Goal as [k [K L]]. exists k. rewrite <- D. now split.
  - now rewrite <- D.
  - now rewrite <- O.
Qed.
Print Assumptions merging.

(** ** Statements in full: a certificate's theorem with the parameters in their places *)
Ltac fill t :=
  lazymatch t with
  | context C [starred ?p] => let b := eval vm_compute in (starred p) in let u := context C [b] in fill u
  | context C [at_ (cons ?a nil) O] => let u := context C [a] in fill u
  | _ => t
  end.
Ltac spell t :=
  let u := eval cbv beta iota zeta delta [theorem theorem_in theorem_of_any_clients objective gradient_of runs
    method_of clients rounds alpha low high ridge metric_of initial_of heterogeneity] in t in
  let v := fill u in let w := eval cbv beta iota in v in exact w.
