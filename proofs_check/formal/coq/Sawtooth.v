(** The nonconvex rate is attained: the sawtooth function, every N >= 1, every kappa >= 1 and every L (claim T3).

    F' is 1 at the points 0, 1/k, ..., (N-1)/k, (N+1)/k; between them it falls by the distance to the nearer one; it is
    1 on the right, falls to 0 at rate 1 on the left, and is 0 from -1 on. *)

From PISA Require Export Rates.

(** ** Functions of the line with their derivatives *)
Definition slopes (F G : line -> R) := forall x v : line, derivable_pt_lim (fun t => F (x + t * v)) 0 (G x * v).

Lemma slopes_combination a F F' G G' : slopes F F' -> slopes G G' ->
  slopes (fun x => F x + a * G x) (fun x => F' x + a * G' x).
Proof.
  intros A B x v. replace ((F' x + a * G' x) * v) with (F' x * v + a * (G' x * v)) by (cbn in *; ring).
  apply (derivable_pt_lim_plus (fun t => F (x + t * v)) (fun t => a * G (x + t * v)));
    [apply A|apply (derivable_pt_lim_scal (fun t => G (x + t * v))), B].
Qed.

Definition ramp (x : R) := Rmax 0 x.
Definition parabola (x : R) := ramp x * ramp x / 2.

Ltac ramps := unfold ramp, Rmax in *;
  repeat match goal with |- context [Rle_dec ?a ?b] => destruct (Rle_dec a b) end;
  repeat match goal with H : ~ _ <= _ |- _ => apply Rnot_le_lt in H end.

Lemma parabola_slopes a : slopes (fun x => parabola (x - a)) (fun x => ramp (x - a)).
Proof.
  refine (gradient_of_remainder line (/ 2) (fun x => parabola (x - a)) (fun x => ramp (x - a)) _ _); [lra|].
  intros x v. cbn in *. unfold parabola. apply Rabs_le.
  assert (E : forall y z : R, - (/ 2 * ((z - y) * (z - y))) <=
    ramp z * ramp z / 2 - ramp y * ramp y / 2 - ramp y * (z - y) <= / 2 * ((z - y) * (z - y))).
  { clear. intros y z. assert (Q := pow2_ge_0 (z - y)). ramps; split; nra. }
  specialize (E (x - a) (x + v - a)). replace (x + v - a - (x - a)) with v in E by ring. exact E.
Qed.

(** A tooth of half width and depth h around c, and its integral. *)
Definition tooth c h x := ramp (x - (c - h)) + -2 * ramp (x - c) + 1 * ramp (x - (c + h)).
Definition bite c h x := parabola (x - (c - h)) + -2 * parabola (x - c) + 1 * parabola (x - (c + h)).

Lemma bite_slopes c h : slopes (bite c h) (tooth c h).
Proof.
  apply (slopes_combination 1 (fun x => parabola (x - (c - h)) + -2 * parabola (x - c))
    (fun x => ramp (x - (c - h)) + -2 * ramp (x - c))); [|apply parabola_slopes].
  apply (slopes_combination (-2) (fun x => parabola (x - (c - h))) (fun x => ramp (x - (c - h))));
    apply parabola_slopes.
Qed.

Lemma tooth_bounds c h x : 0 <= h -> 0 <= tooth c h x <= h.
Proof. intros H. unfold tooth. ramps; lra. Qed.

Lemma tooth_outside c h x : 0 <= h -> x <= c - h \/ c + h <= x -> tooth c h x = 0.
Proof. intros H O. unfold tooth. ramps; lra. Qed.

Lemma tooth_lipschitz c h x y : 0 <= h -> x <= y -> - (y - x) <= tooth c h y - tooth c h x <= y - x.
Proof. intros H O. unfold tooth. ramps; lra. Qed.

Lemma bite_right c h x : 0 <= h -> c + h <= x -> bite c h x = h * h.
Proof. intros H O. unfold bite, parabola. ramps; try nra; field. Qed.

(** ** The function: n narrow teeth of width 1/k, and one of width 2/k *)
Section Teeth.
Variable k : R.
Hypothesis large : 1 <= k.

Fixpoint narrow n x := match n with
  | O => parabola (x - -1) + -1 * parabola (x - 0)
  | S n => narrow n x + -1 * bite ((INR n + / 2) / k) (/ 2 / k) x end.
Fixpoint narrow' n x := match n with
  | O => ramp (x - -1) + -1 * ramp (x - 0)
  | S n => narrow' n x + -1 * tooth ((INR n + / 2) / k) (/ 2 / k) x end.

Definition sawtooth n x := narrow n x + -1 * bite ((INR n + 1) / k) (1 / k) x.
Definition sawtooth' n x := narrow' n x + -1 * tooth ((INR n + 1) / k) (1 / k) x.

Lemma inverse : 0 < / k <= 1.
Proof. split; [apply Rinv_0_lt_compat; lra|]. rewrite <- Rinv_1. apply Rinv_le_contravar; lra. Qed.

Lemma sawtooth_slopes n : slopes (sawtooth n) (sawtooth' n).
Proof.
  apply (slopes_combination (-1) (narrow n) (narrow' n)); [|apply bite_slopes]. induction n as [|n IH].
  - apply (slopes_combination (-1) (fun x => parabola (x - -1)) (fun x => ramp (x - -1))); apply parabola_slopes.
  - apply (slopes_combination (-1) (narrow n) (narrow' n)); [exact IH|apply bite_slopes].
Qed.

(** A tooth at the right of [at] in a slope that is 1 from there on. *)
Definition settled (f : R -> R) p := (forall x, p <= x -> f x = 1) /\ (forall x, x <= -1 -> f x = 0) /\
  (forall x, 0 <= f x <= 1) /\ forall x y, x <= y -> - (y - x) <= f y - f x <= y - x.

Lemma bitten f p c h : settled f p -> -1 <= p -> 0 <= h <= 1 -> p = c - h ->
  settled (fun x => f x + -1 * tooth c h x) (c + h) /\ forall x, x <= p -> f x + -1 * tooth c h x = f x.
Proof.
  intros [One [Zero [Range Lip]]] P H E.
  assert (Left : forall x, x <= p -> f x + -1 * tooth c h x = f x)
    by (intros x X; rewrite tooth_outside by lra; ring).
  split; [|exact Left]. repeat split.
  - intros x X. rewrite (One x), tooth_outside by lra. ring.
  - intros x X. rewrite Left, Zero; lra.
  - assert (T := tooth_bounds c h x ltac:(lra)). destruct (Rle_lt_dec x p) as [X|X].
    + rewrite Left by easy. apply Range.
    + rewrite One; lra.
  - assert (T := tooth_bounds c h x ltac:(lra)). destruct (Rle_lt_dec x p) as [X|X].
    + rewrite Left by easy. apply Range.
    + rewrite One; lra.
  - assert (T := tooth_lipschitz c h p y ltac:(lra)). assert (U := tooth_lipschitz c h x y ltac:(lra) H0).
    assert (Q := Lip x p). assert (W := Lip x y H0). assert (O := One y). assert (O' := One x). assert (O'' := One p).
    rewrite (tooth_outside c h p) in T by lra. assert (A := Left x). assert (B := Left y).
    destruct (Rle_lt_dec x p); destruct (Rle_lt_dec y p); lra.
  - assert (T := tooth_lipschitz c h p y ltac:(lra)). assert (U := tooth_lipschitz c h x y ltac:(lra) H0).
    assert (Q := Lip x p). assert (W := Lip x y H0). assert (O := One y). assert (O' := One x). assert (O'' := One p).
    rewrite (tooth_outside c h p) in T by lra. assert (A := Left x). assert (B := Left y).
    destruct (Rle_lt_dec x p); destruct (Rle_lt_dec y p); lra.
Qed.

Lemma narrow_settled n : settled (narrow' n) (INR n / k) /\ (forall j, (j <= n)%nat -> narrow' n (INR j / k) = 1) /\
  forall x, INR n / k <= x -> narrow n x = 1 / 2 + x - INR n / (4 * k ^ 2).
Proof.
  assert (I := inverse). induction n as [|n [IH [Points Value]]].
  - split; [|split].
    + simpl. unfold Rdiv. rewrite Rmult_0_l. repeat split; intros; simpl; ramps; lra.
    + intros j J. replace j with 0%nat by lia. simpl. unfold Rdiv. rewrite Rmult_0_l. ramps; lra.
    + intros x X. simpl in *. unfold Rdiv in *. rewrite Rmult_0_l in *. unfold parabola. ramps; nra.
  - assert (N := pos_INR n). assert (P : 0 <= INR n / k) by (unfold Rdiv; nra).
    assert (E : INR n / k = (INR n + / 2) / k - / 2 / k) by (field; lra).
    assert (E' : INR (S n) / k = (INR n + / 2) / k + / 2 / k) by (rewrite S_INR; field; lra).
    assert (H : 0 <= / 2 / k <= 1) by (unfold Rdiv; lra).
    destruct (bitten _ _ _ _ IH ltac:(lra) H E) as [Next Left]. split; [|split].
    + rewrite E'. exact Next.
    + intros j J. destruct (Nat.eq_dec j (S n)) as [->|]; [apply Next; lra|]. simpl narrow'.
      rewrite Left; [apply Points; lia|]. unfold Rdiv. apply Rmult_le_compat_r; [lra|]. apply le_INR. lia.
    + intros x X. simpl narrow. rewrite Value by lra. rewrite bite_right by lra. rewrite S_INR. field. lra.
Qed.

Lemma sawtooth_settled n : settled (sawtooth' n) ((INR n + 2) / k) /\
  (forall j, (j <= n)%nat -> sawtooth' n (INR j / k) = 1) /\
  sawtooth n ((INR n + 2) / k) = 1 / 2 + (INR n + 2) / k - (INR n + 4) / (4 * k ^ 2).
Proof.
  assert (I := inverse). destruct (narrow_settled n) as [IH [Points Value]]. assert (N := pos_INR n).
  assert (P : 0 <= INR n / k) by (unfold Rdiv; nra). assert (E : INR n / k = (INR n + 1) / k - 1 / k) by (field; lra).
  assert (E' : (INR n + 2) / k = (INR n + 1) / k + 1 / k) by (field; lra).
  assert (H : 0 <= 1 / k <= 1) by (unfold Rdiv; lra).
  destruct (bitten _ _ _ _ IH ltac:(lra) H E) as [Next Left]. split; [|split].
  - rewrite E'. exact Next.
  - intros j J. unfold sawtooth'. rewrite Left; [now apply Points|]. unfold Rdiv. apply Rmult_le_compat_r; [lra|].
    now apply le_INR.
  - unfold sawtooth. rewrite Value, bite_right by lra. field. lra.
Qed.

Lemma narrow_zero n : narrow n (-1) = 0.
Proof.
  assert (I := inverse). induction n as [|n IH]; simpl narrow; [unfold parabola; ramps; lra|]. rewrite IH.
  assert (P : 0 <= INR n / k) by (assert (N := pos_INR n); unfold Rdiv; nra).
  assert (E : INR n / k = (INR n + / 2) / k - / 2 / k) by (field; lra).
    unfold Rdiv in *. unfold bite, parabola. ramps; lra.
Qed.

(** ** The least value is 0, and the gradient is 1-Lipschitz *)
Lemma sawtooth_least n : sawtooth n (-1) = 0 /\ forall x, 0 <= sawtooth n x.
Proof.
  assert (I := inverse). assert (P : 0 <= INR n / k) by (assert (N := pos_INR n); unfold Rdiv; nra).
  assert (E : INR n / k = (INR n + 1) / k - 1 / k) by (field; lra).
  assert (Z : sawtooth n (-1) = 0).
  { unfold sawtooth. rewrite narrow_zero. unfold Rdiv in *. unfold bite, parabola. ramps; lra. }
  split; [exact Z|]. intros x. destruct (sawtooth_settled n) as [[_ [Left [Range _]]] _].
  assert (D : forall c, derivable_pt_lim (sawtooth n) c (sawtooth' n c)).
  { intros c e H. destruct (sawtooth_slopes n c 1 e H) as [delta B]. exists delta. intros h H1 H2.
    specialize (B h H1 H2). cbn in B. replace (c + (0 + h) * 1) with (c + h) in B by ring.
    replace (c + 0 * 1) with c in B by ring.
    rewrite Rmult_1_r in B. exact B. }
  destruct (Rtotal_order x (-1)) as [X|[->|X]]; [|lra|].
  - destruct (MVT_cor2 (sawtooth n) (sawtooth' n) x (-1) X (fun c _ => D c)) as [c [M C]].
    rewrite Left in M by lra. lra.
  - destruct (MVT_cor2 (sawtooth n) (sawtooth' n) (-1) x X (fun c _ => D c)) as [c [M C]]. specialize (Range c). nra.
Qed.

Lemma sawtooth_smooth n L : 0 < L -> @smooth line L (fun x => L * sawtooth n x) (fun x => L * sawtooth' n x).
Proof.
  intros P. split.
  - intros x v. assert (D := derivable_pt_lim_scal _ L _ _ (sawtooth_slopes n x v)). cbn in *.
    rewrite Rmult_assoc. exact D.
  - intros x y. cbn in *. destruct (sawtooth_settled n) as [[_ [_ [_ Lip]]] _].
    assert (Q : (sawtooth' n x - sawtooth' n y) * (sawtooth' n x - sawtooth' n y) <= (x - y) * (x - y)).
    { destruct (Rle_lt_dec x y) as [H|H]; [assert (E := Lip x y H)|assert (E := Lip y x ltac:(lra))]; nra. }
    apply Rmult_le_compat_l with (r := L * L) in Q; [|nra]. lra.
Qed.
End Teeth.

(** ** The run visits the points *)
Section Run.
Variables (n : nat) (k L : R) (w : nat -> line) (local dual : nat -> nat -> line).
Hypothesis large : 1 <= k.
Hypothesis L_positive : 0 < L.
Notation slope := (fun x => L * sawtooth' k n x).
Hypothesis run :
  pisa line 1 (fun _ => 1) 0 (fun _ _ => k * L) (fun _ _ _ => 0%V) (fun l _ => slope (w l)) w local dual.
Hypothesis cold : forall i, dual 0 i = 0%V.
Hypothesis start : w 0%nat = (INR n + 2) / k.

Lemma visited : sawtooth' k n (w 1%nat) = 1 /\
  forall j, (j <= n)%nat -> w (S (S j)) = (INR n - INR j) / k /\
    sawtooth' k n (w (S j)) = 1 /\ sawtooth' k n (w (S (S j))) = 1.
Proof.
  assert (P : 0 < k * L) by nra. assert (One : sum 1 (fun _ => 1 * (k * L)) = k * L) by (simpl; ring).
  destruct (as_optimistic line 1 _ _ (fun _ => slope) w local dual L k run cold L_positive One ltac:(lra))
    as [P0 [PS Step]].
  assert (W1 := start_stays line 1 _ _ (fun _ => slope) w local dual run ltac:(simpl; lra) cold).
  destruct (sawtooth_settled k large n) as [[Right _] [Points _]]. rewrite start in W1.
  assert (S1 : sawtooth' k n (w 1%nat) = 1) by (rewrite W1; apply Right; lra). split; [exact S1|].
  induction j as [|j IH]; intros J.
  - assert (W : w 2%nat = (INR n - INR 0) / k).
    { rewrite (Step 0%nat), P0. cbn -[INR sawtooth']. rewrite S1, W1. simpl (INR 0). field. lra. }
    split; [exact W|split; [exact S1|]]. rewrite W, Rminus_0_r. now apply Points.
  - destruct IH as [W [Last G]]; [lia|]. assert (W' : w (S (S (S j))) = (INR n - INR (S j)) / k).
    { rewrite (Step (S j)), PS. cbn -[INR sawtooth']. rewrite G, Last, W, S_INR. field. lra. }
    split; [exact W'|split; [exact G|]]. rewrite W', <- minus_INR by easy. apply Points. lia.
Qed.

Lemma attained j : (j <= S n)%nat -> slope (w (S j)) * slope (w (S j)) = 4 * k ^ 2 * L *
  (L * sawtooth k n (w 0%nat) - 0) / ((4 * k - 1) * INR (S n) + 2 * k ^ 2 + 4 * k - 3).
Proof.
  intros J. destruct visited as [First Later]. destruct (sawtooth_settled k large n) as [_ [_ Value]].
  assert (G : sawtooth' k n (w (S j)) = 1).
  { destruct j as [|j]; [exact First|]. now destruct (Later j ltac:(lia)) as [_ [_ E]]. }
  cbv beta. rewrite G, start, Value, S_INR. assert (Q := pos_INR n). field. split; nra.
Qed.
End Run.

(** Equality in T2's nonconvex bound, for every N >= 1 and every kappa >= 1; least value of F: 0. *)
Theorem T3_nonconvex_attained N k L : (1 <= N)%nat -> 1 <= k -> 0 < L ->
  exists (F : line -> R) (G : line -> line) (w : nat -> line) (local dual : nat -> nat -> line),
  smooth L F G /\ (exists x, F x = 0) /\ (forall x, 0 <= F x) /\
  pisa line 1 (fun _ => 1) 0 (fun _ _ => k * L) (fun _ _ _ => 0%V) (fun l _ => G (w l)) w local dual /\
  (forall i, dual 0%nat i = 0%V) /\
  forall j, (j <= N)%nat -> ‖G (w (S j))‖² =
    4 * k ^ 2 * L * (F (w 0%nat) - 0) / ((4 * k - 1) * INR N + 2 * k ^ 2 + 4 * k - 3).
Proof.
  intros Some K P. destruct N as [|n]; [lia|]. assert (Pk : 0 < k * L) by nra.
  assert (Run := run_exists line 1 (fun _ => 1) 0 (fun _ _ => k * L) (fun _ _ _ => 0%V) (fun _ _ y => / (k * L) * y)%V
    (fun _ x => L * sawtooth' k n x) ((INR n + 2) / k) (fun _ => 0%V)
    ltac:(intros; unfold rate; simpl; lra) ltac:(intros; cbn; fraction)).
  exists (fun x => L * sawtooth k n x), (fun x => L * sawtooth' k n x). do 3 eexists.
  split; [now apply sawtooth_smooth|]. destruct (sawtooth_least k K n) as [Zero Least].
  split; [exists (-1); rewrite Zero; ring|]. split; [intros x; specialize (Least x); nra|].
  split; [exact Run|]. split; [reflexivity|]. intros j J.
  exact (attained n k L _ _ _ K P Run (fun _ => eq_refl) eq_refl j J).
Qed.
Print Assumptions T3_nonconvex_attained.
