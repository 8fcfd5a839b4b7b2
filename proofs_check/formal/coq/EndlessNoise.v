(** The hypotheses of T5 and T7 hold for runs whose noise never ends: every estimate has the variance v exactly.

    A finite probability space has room for finitely many independent draws only (BatchExamples.v), so the theorems
    about limits need more. The vectors are the finite combinations x = sum_n x_n e_n of orthonormal e_0, e_1, ...
    (e_0 = 1 and e_1, e_2, ... independent coins, say: <x, y> = sum_n x_n y_n is then E x y), F is |x|^2/2, client
    step k + 1 draws sqrt v e_(k+1), and the past of step k knows the combinations of e_0, ..., e_k. *)

From PISA Require Export BatchExamples.

(** ** The space *)
Definition finite (f : nat -> R) := exists N, forall n, (N <= n)%nat -> f n = 0.

Lemma zero_from f N : {forall n, (N <= n)%nat -> f n = 0} + {~ forall n, (N <= n)%nat -> f n = 0}.
Proof.
  destruct (ClassicalDedekindReals.sig_forall_dec (fun n => f (N + n)%nat = 0) (fun n => Req_EM_T _ _)) as [[n No]|Yes].
  - right. intros A. apply No, A. lia.
  - left. intros n I. rewrite <- (Yes (n - N)%nat). f_equal. lia.
Qed.

Lemma end_of f : finite f -> {N | forall n, (N <= n)%nat -> f n = 0}.
Proof.
  intros Fin. destruct (ClassicalDedekindReals.sig_forall_dec (fun N => ~ forall n, (N <= n)%nat -> f n = 0)) as [[N Y]|No].
  - intros N. destruct (zero_from f N) as [A|A]; [right|left]; tauto.
  - exists N. destruct (zero_from f N); tauto.
  - exfalso. destruct Fin as [N A]. exact (No N A).
Qed.

Definition combination := {f | finite f}.
Notation at_ x n := (proj1_sig x n).
Definition last (x : combination) := proj1_sig (end_of _ (proj2_sig x)).
Lemma after_last x n : (last x <= n)%nat -> at_ x n = 0.
Proof. exact (proj2_sig (end_of _ (proj2_sig x)) n). Qed.

Lemma same (x y : combination) : (forall n, at_ x n = at_ y n) -> x = y.
Proof.
  destruct x as [f A], y as [g B]. cbn. intros E. assert (f = g) by now apply functional_extensionality. subst g.
  f_equal. apply Classical_Prop.proof_irrelevance.
Qed.

Lemma sum_cut N M f : (forall n, (N <= n)%nat -> f n = 0) -> (N <= M)%nat -> sum M f = sum N f.
Proof.
  intros Z I. replace M with (N + (M - N))%nat by lia. rewrite sum_split, (sum_ext (M - N) _ (fun _ => 0)).
  - rewrite sum_const. ring.
  - intros i _. apply Z. lia.
Qed.

Definition pairing (x y : combination) := sum (last x) (fun n => at_ x n * at_ y n).
Lemma pairing_at x y N : (last x <= N)%nat -> pairing x y = sum N (fun n => at_ x n * at_ y n).
Proof. intros I. symmetry. apply sum_cut; [|exact I]. intros n J. rewrite after_last by easy. ring. Qed.

Definition nothing : combination.
Proof. exists (fun _ => 0). now exists 0%nat. Defined.
Definition plus_ (x y : combination) : combination.
Proof.
  exists (fun n => at_ x n + at_ y n). exists (Nat.max (last x) (last y)). intros n I.
  rewrite !after_last by lia. ring.
Defined.
Definition times_ (a : R) (x : combination) : combination.
Proof. exists (fun n => a * at_ x n). exists (last x). intros n I. rewrite after_last by easy. ring. Defined.
Definition basic (k : nat) : combination.
Proof.
  exists (fun n => if Nat.eqb n k then 1 else 0). exists (S k). intros n I. destruct (Nat.eqb_spec n k); [lia|easy].
Defined.

Lemma pairing_sym x y : pairing x y = pairing y x.
Proof.
  rewrite (pairing_at x y (Nat.max (last x) (last y))), (pairing_at y x (Nat.max (last x) (last y))) by lia.
  apply sum_ext. intros. ring.
Qed.

Lemma pairing_basic x k : pairing x (basic k) = at_ x k.
Proof.
  rewrite (pairing_at x _ (S (Nat.max (last x) k))) by lia. set (N := S _). assert (I : (k < N)%nat) by (unfold N; lia).
  clearbody N. induction N as [|N IH]; [lia|]. cbn [sum]. cbn [basic proj1_sig] in *. destruct (Nat.eqb_spec N k) as [->|D].
  - rewrite (sum_ext k _ (fun _ => 0)); [rewrite sum_const; ring|]. intros i J. destruct (Nat.eqb_spec i k); [lia|ring].
  - rewrite IH by lia. ring.
Qed.

Definition combinations : space.
Proof.
  refine (Space combination nothing plus_ times_ pairing pairing_sym _ _ _ _ _).
  - intros z. unfold pairing. rewrite (sum_ext _ _ (fun _ => 0)) by (intros; cbn; ring). rewrite sum_const. ring.
  - intros x y z. set (N := (last x + last y + last (plus_ x y))%nat). rewrite !(pairing_at _ z N) by (unfold N; lia).
    rewrite <- sum_add. apply sum_ext. intros. cbn. ring.
  - intros a x z. set (N := (last x + last (times_ a x))%nat). rewrite !(pairing_at _ z N) by (unfold N; lia).
    rewrite <- sum_scale. apply sum_ext. intros. cbn. ring.
  - intros x. apply sum_nonneg. intros. assert (Q := Rle_0_sqr (at_ x k)). exact Q.
  - intros x y E. apply same. intros n. rewrite <- !pairing_basic. apply E.
Defined.

(** ** The runs *)
Section Run.
Variables (v h : R) (serve solve : nat -> R).
Hypothesis v_nonneg : 0 <= v.
Hypothesis h_nonneg : 0 <= h.
Hypothesis serve_positive : forall l, 0 < serve l.
Hypothesis solve_grows : forall l, 0 < solve l <= solve (S l).
Notation H := combinations.
Notation one := (fun _ : nat => 1).
Definition kick (k : nat) : H := (sqrt v * (basic (S k) : H))%V.
Definition known (k : nat) (x : H) := forall n, (k < n)%nat -> at_ x n = 0.

Lemma known_plus k (x z : H) a : known k x -> known k z -> known k (x + a * z)%V.
Proof. intros X Z n I. cbn. rewrite (X n I), (Z n I). ring. Qed.
Lemma known_later k x : known k x -> known (S k) x.
Proof. intros X n I. apply X. lia. Qed.
Lemma kick_known k : known (S k) (kick k).
Proof. intros n I. cbn. destruct (Nat.eqb_spec n (S k)); [lia|ring]. Qed.
Lemma kick_unbiased k x : known k x -> ⟨x, kick k⟩ = 0.
Proof. intros X. unfold kick. rewrite inner_scale_r. cbn [inner combinations].
  rewrite pairing_basic, (X (S k)); [ring|lia]. Qed.
Lemma kick_variance k : ‖kick k‖² = v.
Proof.
  unfold kick. rewrite inner_scale, inner_scale_r, <- Rmult_assoc, sqrt_sqrt by easy. cbn [inner combinations].
  rewrite pairing_basic. cbn. rewrite Nat.eqb_refl. ring.
Qed.

Notation states := (trace H 1 one 0 (fun l _ => serve l) (fun l _ => solve l) (fun l _ y => / (solve l + h) * y)%V
  (fun l i x => 1 * x + kick (pred l))%V (basic 0) (fun _ => 0%V)).
Notation w l := (fst (fst (states l))).
Notation dual l := (snd (states l)).
Notation grad := (fun l (i : nat) => 1 * w l + kick (pred l))%V.

Lemma endless_rounds : rounds 1 one 0 (fun l _ => serve l) (fun l _ => solve l) (fun _ _ x => h * x)%V grad
  (fun l => w l) (fun l => snd (fst (states l))) (fun l => dual l).
Proof.
  apply (rounds_exist H 1 one 0 (fun l _ => serve l) (fun l _ => solve l) (fun _ _ x => h * x)%V
    (fun l _ y => / (solve l + h) * y)%V (fun l i x => 1 * x + kick (pred l))%V (basic 0) (fun _ => 0%V)).
  - intros l. assert (A := serve_positive l). simpl. lra.
  - intros l i y. assert (A := solve_grows l). vector.
Qed.

Lemma endless_dual k : dual (S k) 0%nat
  = (dual k 0%nat - (solve (S k) / (solve (S k) + h)) * (w (S k) + kick k + dual k 0%nat))%V.
Proof.
  assert (A := solve_grows (S k)). assert (C := client_step _ _ _ _ _ _ _ _ _ _ _ endless_rounds k 0%nat ltac:(lia)).
  assert (D := dual_step _ _ _ _ _ _ _ _ _ _ _ endless_rounds k 0%nat). cbv beta in C, D. rewrite D. cbn [pred] in C.
  set (d := deviation H _ _ (S k) 0%nat) in *. set (x := w (S k)) in *. set (p := dual k 0%nat) in *. clearbody d x p.
  apply separated; intros z. apply (f_equal (fun u => ⟨u, z⟩)) in C. autorewrite with inner in *.
  apply Rmult_eq_reg_l with (solve (S k) + h); [|lra].
  match goal with |- ?l = _ * (?a + -1 * (solve (S k) / (solve (S k) + h) * ?b)) =>
    replace ((solve (S k) + h) * (a + -1 * (solve (S k) / (solve (S k) + h) * b)))
      with ((solve (S k) + h) * a - solve (S k) * b) by (field; lra) end.
  apply (f_equal (fun t => solve (S k) * t)) in C. cbv beta in C. lra.
Qed.

Lemma endless_known k : known k (w (S k)) /\ known k (dual k 0%nat).
Proof.
  induction k as [|k [W D]].
  - assert (E : w 1%nat = (1 * (basic 0 : H))%V).
    { cbn [trace fst snd]. rewrite mean_one. assert (A := serve_positive 0). cbn [sum]. vector. }
    split; [|intros n I; reflexivity]. rewrite E. intros n I. cbn. destruct (Nat.eqb_spec n 0); [lia|ring].
  - apply known_later in W, D. assert (K := kick_known k).
    assert (N : known (S k) (dual (S k) 0%nat)).
    { rewrite endless_dual. set (r := solve (S k) / (solve (S k) + h)). clearbody r.
      set (x := w (S k)) in *. set (p := dual k 0%nat) in *. set (e := kick k) in *. clearbody x p e.
      replace (p - r * (x + e + p))%V with (p + - r * x + - r * e + - r * p)%V by vector. now repeat apply known_plus. }
    split; [|exact N].
    assert (B := solve_grows (S k)). assert (A := serve_positive (S k)).
    assert (M := next_w _ _ _ _ _ _ _ _ _ _ _ k (serve (S k) / solve (S k)) endless_rounds ltac:(intros; cbv beta;
      field; lra)).
    unfold memory in M. rewrite !mean_one in M. cbn [sum] in M. apply solve_for in M.
    2: { assert (0 < serve (S k) / solve (S k) * (0 + 1 * solve (S k))); [apply Rmult_lt_0_compat;
      [apply Rdiv_lt_0_compat|]|]; lra. }
    set (x := w (S k)) in *. set (p := dual k 0%nat) in *. set (p' := dual (S k) 0%nat) in *.
    set (x' := w (S (S k))) in *. clearbody x p p' x'. rewrite M. set (r := / _). set (f := serve (S k) / solve (S k)).
    clearbody r f.
    match goal with |- known _ ?y => replace y with (x + (r * (f + 1)) * p' + (r * - f) * p)%V by vector end.
    now repeat apply known_plus.
Qed.

Definition square (x : H) : R := 1 / 2 * ‖x‖².
Lemma square_is_smooth : smooth 1 square (fun x : H => 1 * x)%V.
Proof.
  split.
  - apply (gradient_of_remainder H (/ 2)); [lra|]. intros x d. unfold square. apply Req_le.
    replace (1 / 2 * ‖x + d‖² - 1 / 2 * ‖x‖² - ⟨1 * x, d⟩) with (/ 2 * ‖d‖²) by (expand; field).
    apply Rabs_right. assert (P := inner_nonneg H d). lra.
  - intros x y. apply Req_le. expand. ring.
Qed.

Theorem endless_batches : batches H 1 one 0 1 (fun l _ => serve l) (fun l _ => solve l) (fun _ _ x => h * x)%V
  (fun _ => square) (fun _ (x : H) => 1 * x)%V grad (fun l => w l) (fun l => snd (fst (states l))) (fun l => dual l)
  (fun _ => h / solve 0) known (fun _ => v) v.
Proof.
  assert (Noise : forall k i, noise H (fun _ (x : H) => 1 * x)%V grad (fun l => w l) k i = kick k).
  { intros k i. unfold noise. cbn [pred]. set (x := w (S k)). clearbody x. vector. }
  assert (Least : forall l, solve 0 <= solve l) by (induction l as [|l IH]; [lra|assert (A := solve_grows l); lra]).
  assert (P0 := solve_grows 0).
  split.
  - split; [intros; lra|simpl; ring].
  - lra.
  - lra.
  - intros i _. exact square_is_smooth.
  - exact endless_rounds.
  - intros k i _. apply solve_grows.
  - intros k. assert (0 <= h / solve 0) by (apply quotient; lra). lra.
  - intros k i x y _. now rewrite inner_scale, inner_scale_r.
  - intros k i x _. assert (P := inner_nonneg H x). rewrite inner_scale. split; [apply Rmult_le_pos; easy|].
    apply Rmult_le_compat_r; [easy|]. apply Rle_trans with (h / solve 0 * solve 0); [apply Req_le; field; lra|].
    apply Rmult_le_compat_l; [apply quotient; lra|apply Least].
  - intros k. apply endless_known.
  - intros k i I. replace i with 0%nat by lia. apply endless_known.
  - intros k x a z. apply known_plus.
  - intros k i x _ K. replace (1 * x)%V with x by vector. exact K.
  - intros k i x _ K. rewrite Noise. now apply kick_unbiased.
  - intros k i _. rewrite Noise, kick_variance. lra.
  - intros k. rewrite mean_one, Noise, kick_variance. lra.
Qed.

Lemma endless_variance k : ‖mean H 1 one (grad (S k)) - 1 * w (S k)‖² = v.
Proof.
  rewrite <- kick_variance with (k := k). rewrite mean_one. cbn [pred]. set (x := w (S k)). clearbody x.
  replace (1 * x + kick k - 1 * x)%V with (kick k) by vector. reflexivity.
Qed.
End Run.

(** For every schedule, both orders, and every clip h: the hypotheses of T7, at h = 0 those of T5 too, with noise of
    variance v at every step of an endless run. *)
Theorem endless_noise v h (s : nat -> R) serve : 0 <= v -> 0 <= h -> (forall l, 0 < s l <= s (S l)) ->
  serve = s \/ serve = (fun l => s (S l)) ->
  smooth 1 square (fun x : combinations => 1 * x)%V /\ (forall x, 0 <= square x) /\
  exists grad (w : nat -> combinations) local dual beta past,
  batches combinations 1 (fun _ => 1) 0 1 (fun l _ => serve l) (fun l _ => s l) (fun _ _ x => h * x)%V (fun _ => square)
    (fun _ x => 1 * x)%V grad w local dual beta past (fun _ => v) v /\
  sampled (fun x => 1 * x)%V v past (fun k => w (S k)) (memory 1 (fun _ => 1) dual)
    (fun k => mean combinations 1 (fun _ => 1) (grad (S k))) /\
  (forall k, ‖mean combinations 1 (fun _ => 1) (grad (S k)) - 1 * w (S k)‖² = v) /\
  (h = 0 -> rounds 1 (fun _ => 1) 0 (fun l _ => serve l) (fun l _ => s l) (fun _ _ _ => 0%V) grad w local dual).
Proof.
  intros V0 H0 Grows Order. assert (P : forall l, 0 < serve l) by (destruct Order as [-> | ->]; intros l; apply Grows).
  split; [exact square_is_smooth|]. split; [intros x; assert (Q := inner_nonneg combinations x); unfold square; lra|].
  assert (B := endless_batches v h serve s V0 H0 P Grows). do 6 eexists. split; [exact B|]. split.
  - assert (Sa := batches_sampled _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ B).
    replace (fun x : combinations => (1 * x)%V) with (fun x : combinations => mean combinations 1 (fun _ => 1)
      (fun _ => (1 * x)%V)); [exact Sa|]. apply functional_extensionality; intros x. apply mean_one.
  - split; [exact (endless_variance v h serve s V0)|]. intros ->.
    replace (fun (_ _ : nat) (_ : combinations) => 0%V) with (fun (_ _ : nat) (x : combinations) => (0 * x)%V).
    + exact (its_run _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ B).
    + do 3 (apply functional_extensionality; intros). vector.
Qed.
Print Assumptions endless_noise.
