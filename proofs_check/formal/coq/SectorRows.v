(** T12: the rows of multipliers (from a semidefinite programme, rounded), and the claims.

    Each square below is one step of completing the square; Coq checks that they add up to the form. *)

From Coq Require Import List.
From PISA Require Export SectorRound.
From PISA Require LinearRate.
Import ListNotations.

Ltac unfold_row x := unfold mean_rest, spread_rest, form, back, x;
  cbn [reach edge drop big cross small lipschitz_share sector_share spread_share].

Definition common_4 := Multipliers 4 (151/100) (11/1000) (279/500) (-7/8) (199/500) (21/1000) (1337/1000) 0.
Lemma common_4_valid : mean_valid common_4.
Proof.
  split; [unfold signs; cbn; lra|]. intros V. split.
  - intros G u v h. unfold_row common_4.
    certify (plus (square (3182399/11400500) (u + (-1022942/15911995) * v + (1887500/3182399) * h +
    (-10270875/12729596) * G)%V _) (plus (square (11726494987/79559975000) (v + (-18365511975/23452989974) * h +
    (-18040285625/11726494987) * G)%V _) (plus (square (13334177229/9381195989600) (h + (50841370016/66670886145) *
    G)%V _) (square (537004545289/533367089160000) (G)%V _)))).
  - intros G e. unfold_row common_4.
    certify (plus (square (279/500) (G + (-875/1116) * e)%V _) (square (122711/2232000) (e)%V _)).
Qed.

Definition common_6 := Multipliers 6 (203/100) (1/500) (1217/2500) (-9833/10000) (621/1250) (69/10000) (5819/5000) 0.
Lemma common_6_valid : mean_valid common_6.
Proof.
  split; [unfold signs; cbn; lra|]. intros V. split.
  - intros G u v h. unfold_row common_6.
    certify (plus (square (3197077/7358750) (u + (1776971/12788308) * v + (906250/3197077) * h + (-36226871/51153232)
    * G)%V _) (plus (square (42757410251/447590780000) (v + (-65086467517/42757410251) * h +
    (-252818849099/171029641004) * G)%V _) (plus (square (2011991402167/5986037435140000) (h +
    (6339999041337/8047965608668) * G)%V _) (square (6388416264905329/4506860740854080000) (G)%V _)))).
  - intros G e. unfold_row common_6.
    certify (plus (square (1217/2500) (G + (-9833/9736) * e)%V _) (square (49007/194720000) (e)%V _)).
Qed.

Definition common_10 := Multipliers 10 (103/20) (1/1000) (47/250) (-561/1000) (419/1000) (7/10) (181/200) 0.
Lemma common_10_valid : mean_valid common_10.
Proof.
  split; [unfold signs; cbn; lra|]. intros V. split.
  - intros G u v h. unfold_row common_10.
    certify (plus (square (4065171/10609000) (u + (5071156/44716881) * v + (515000/4065171) * h + (-4651649/8130342) *
    G)%V _) (plus (square (20426060201/491885691000) (v + (-189424026407/40852120402) * h + (-17907898162/20426060201)
    * G)%V _) (plus (square (411420242077/81704240804000) (h + (502602622/411420242077) * G)%V _) (square
    (13146519993/1645680968308000) (G)%V _)))).
  - intros G e. unfold_row common_10.
    certify (plus (square (47/250) (G + (-561/376) * e)%V _) (square (367/752000) (e)%V _)).
Qed.

Definition separate_1 := Multipliers 1 (151/100) (37/1000) (1881/10000) (-99/1250) (1213/2000) (6433/10000)
  (34969/5000) (591/1000).
Lemma separate_1_valid : valid separate_1.
Proof.
  split; [|intros V u v h; unfold_row separate_1;
    certify (plus (square (591/1000) (u + (-23149/11820) * v)%V _) (plus (square (290790959/236400000) (v +
    (-139712400/290790959) * h)%V _) (square (53360785057/2907909590000) (h)%V _)))].
  split; [unfold signs; cbn; lra|]. intros V. split.
  - intros G u v h. unfold_row separate_1.
    certify (plus (square (9791613/45602000) (u + (-342092039/97916130) * v + (7550000/9791613) * h +
    (-7619732/16319355) * G)%V _) (plus (square (948288161219/1958322600000) (v + (-301643581940/948288161219) * h +
    (-567147834888/948288161219) * G)%V _) (plus (square (11790908290741/9482881612190000) (h +
    (21279623859713/11790908290741) * G)%V _) (square (221720023146031/23581816581482000) (G)%V _)))).
  - intros G e. unfold_row separate_1.
    certify (plus (square (1881/10000) (G + (-4/19) * e)%V _) (square (113651/190000) (e)%V _)).
Qed.

Definition separate_2 := Multipliers 2 (169/100) (11/125) (213/1000) (-123/1000) (377/1000) (303/500) (2559/1000)
  (427/1000).
Lemma separate_2_valid : valid separate_2.
Proof.
  split; [|intros V u v h; unfold_row separate_2;
    certify (plus (square (427/1000) (u + (-426/427) * v)%V _) (plus (square (36551/85400) (v + (-182329/182755) *
    h)%V _) (square (136853/45688750) (h)%V _)))].
  split; [unfold signs; cbn; lra|]. intros V. split.
  - intros G u v h. unfold_row separate_2.
    certify (plus (square (2207497/28561000) (u + (-5035036/2207497) * v + (4225000/2207497) * h + (-3733003/4414994)
    * G)%V _) (plus (square (66751561/441499400) (v + (-556380607/667515610) * h + (-320544714/333757805) * G)%V _)
    (plus (square (1114031563/1335031220000) (h + (634791102/1114031563) * G)%V _) (square (8039249789/891225250400)
    (G)%V _)))).
  - intros G e. unfold_row separate_2.
    certify (plus (square (213/1000) (G + (-41/142) * e)%V _) (square (4081/11360) (e)%V _)).
Qed.

Definition separate_3 := Multipliers 3 (39/20) (27/250) (273/2000) (-1987/10000) (1157/5000) (4623/10000) (101/80)
  (1423/5000).
Lemma separate_3_valid : valid separate_3.
Proof.
  split; [|intros V u v h; unfold_row separate_3;
    certify (plus (square (1423/5000) (u + (-15107/22768) * v)%V _) (plus (square (346670551/1821440000) (v +
    (-518381824/346670551) * h)%V _) (square (7395275523/3466705510000) (h)%V _)))].
  split; [unfold signs; cbn; lra|]. intros V. split.
  - intros G u v h. unfold_row separate_3.
    certify (plus (square (335197/7605000) (u + (-6657523/5363152) * v + (975000/335197) * h + (-920627/1340788) *
    G)%V _) (plus (square (25907323751/429052160000) (v + (-43380737728/25907323751) * h + (-45760146404/25907323751)
    * G)%V _) (plus (square (228840921857/259073237510000) (h + (257529100043/457681843714) * G)%V _) (square
    (73717899495761/9153636874280000) (G)%V _)))).
  - intros G e. unfold_row separate_3.
    certify (plus (square (273/2000) (G + (-1987/2730) * e)%V _) (square (8686271/54600000) (e)%V _)).
Qed.

Definition separate_4 := Multipliers 4 (227/100) (19/1000) (713/5000) (-3597/10000) (142/625) (623/1250) (1867/2000)
  (623/2500).
Lemma separate_4_valid : valid separate_4.
Proof.
  split; [|intros V u v h; unfold_row separate_4;
    certify (plus (square (623/2500) (u + (-621/1246) * v)%V _) (plus (square (311/2492) (v + (-388129/194375) * h)%V
    _) (square (775633/485937500) (h)%V _)))].
  split; [unfold signs; cbn; lra|]. intros V. split.
  - intros G u v h. unfold_row separate_4.
    certify (plus (square (2639618/32205625) (u + (-247699/21116944) * v + (3546875/2639618) * h +
    (-108029813/84467776) * G)%V _) (plus (square (875299851/21116944000) (v + (-16491311492/4376499255) * h +
    (-10735191101/5835332340) * G)%V _) (plus (square (77280195703/43764992550000) (h + (312968611959/618241565624) *
    G)%V _) (square (14707897365369/9891865049984000) (G)%V _)))).
  - intros G e. unfold_row separate_4.
    certify (plus (square (713/5000) (G + (-3597/2852) * e)%V _) (square (21079/57040000) (e)%V _)).
Qed.

Definition separate_6 := Multipliers 6 (84/25) (3/500) (151/1000) (-43/100) (307/1000) (951/1000) (933/1000) (3/10).
Lemma separate_6_valid : valid separate_6.
Proof.
  split; [|intros V u v h; unfold_row separate_6;
    certify (plus (square (3/10) (u + (-233/700) * v)%V _) (plus (square (490233/4900000) (v + (-490000/163411) * h)%V
    _) (square (233311/163411000) (h)%V _)))].
  split; [unfold signs; cbn; lra|]. intros V. split.
  - intros G u v h. unfold_row separate_6.
    certify (plus (square (1415567/7056000) (u + (95425/1415567) * v + (525000/1415567) * h + (-1217665/1415567) *
    G)%V _) (plus (square (128781693/4954484500) (v + (-849300074/128781693) * h + (-152574250/128781693) * G)%V _)
    (plus (square (1919781581/128781693000) (h + (-87977648/1919781581) * G)%V _) (square (3717836177/13438471067000)
    (G)%V _)))).
  - intros G e. unfold_row separate_6.
    certify (plus (square (151/1000) (G + (-215/151) * e)%V _) (square (33/37750) (e)%V _)).
Qed.

Definition separate_10 := Multipliers 10 (597/100) (1/500) (27/250) (-1987/5000) (3659/10000) (8881/5000) (1781/2000)
  (1687/5000).
Lemma separate_10_valid : valid separate_10.
Proof.
  split; [|intros V u v h; unfold_row separate_10;
    certify (plus (square (1687/5000) (u + (-7411/37114) * v)%V _) (plus (square (275577249/4082540000) (v +
    (-1377448996/275577249) * h)%V _) (square (402229288/172235780625) (h)%V _)))].
  split; [unfold signs; cbn; lra|]. intros V. split.
  - intros G u v h. unfold_row separate_10.
    certify (plus (square (367160177/1188030000) (u + (234938372/4038761947) * v + (49750000/367160177) * h +
    (-204101561/367160177) * G)%V _) (plus (square (10243990996707/444263814170000) (v +
    (-93967133979224/10243990996707) * h + (-577816914092/787999307439) * G)%V _) (plus (square
    (394052503533851/102439909967070000) (h + (77755183809537/394052503533851) * G)%V _) (square
    (446601586886539/738848444125970625) (G)%V _)))).
  - intros G e. unfold_row separate_10.
    certify (plus (square (27/250) (G + (-1987/1080) * e)%V _) (square (3551/10800000) (e)%V _)).
Qed.

Definition separate := [separate_1; separate_2; separate_3; separate_4; separate_6; separate_10].
(** (beta, kappa_0, c) of the rows. *)
Lemma separate_table : map (fun x => (reach x, edge x, drop x)) separate =
  [(1, (151/100), (37/1000)); (2, (169/100), (11/125)); (3, (39/20), (27/250)); (4, (227/100), (19/1000)); (6,
  (84/25), (3/500)); (10, (597/100), (1/500))].
Proof. reflexivity. Qed.

Definition common := [common_4; common_6; common_10].
(** (beta, kappa_0, c) of the rows. *)
Lemma common_table : map (fun x => (reach x, edge x, drop x)) common =
  [(4, (151/100), (11/1000)); (6, (203/100), (1/500)); (10, (103/20), (1/1000))].
Proof. reflexivity. Qed.

Lemma separate_valid x : In x separate -> valid x.
Proof. intros [<-|[<-|[<-|[<-|[<-|[<-|[]]]]]]]; [exact separate_1_valid|exact separate_2_valid|exact
  separate_3_valid|exact separate_4_valid|exact separate_6_valid|exact separate_10_valid]. Qed.

Lemma common_valid x : In x common -> mean_valid x.
Proof. intros [<-|[<-|[<-|[]]]]; [exact common_4_valid|exact common_6_valid|exact common_10_valid]. Qed.

(** For every row, every penalty sigma >= kappa_0 L that does not fall, any clients, any operators, every k and N. *)
Theorem T12_threshold_any_clients x (V : space) L m weight penalty bend (F : nat -> V -> R) (G : nat -> V -> V) w
  local dual :
  In x separate -> pisa V m weight 0 penalty bend (fun l i => G i (w l)) w local dual ->
  0 < L -> (forall i, (i < m)%nat -> 0 <= weight i) /\ sum m weight = 1 ->
  (forall l i, (i < m)%nat -> 0 < penalty l i) ->
  (forall l i y z, (i < m)%nat -> ⟨bend l i y, z⟩ = ⟨y, bend l i z⟩) ->
  (forall l i y, (i < m)%nat -> 0 <= ⟨bend l i y, y⟩ <= reach x * penalty l i * ‖y‖²) ->
  (forall l, edge x * L <= rate m weight 0 penalty l <= rate m weight 0 penalty (S l)) ->
  (forall i, (i < m)%nat -> smooth L (F i) (G i)) ->
  let s l := rate m weight 0 penalty l in
  let fall k := drop x * edge x / s (S k) * ‖mean V m weight (fun i => G i (w (S k)))‖² in
  let potential := sector_potential V x m weight penalty F G w dual in
  0 < drop x /\ (forall k, potential (S k) <= potential k - fall k /\ average_value V m weight F (w (S k)) <=
    potential k) /\
  forall N, sum N fall <= potential 0%nat - average_value V m weight F (w (S N)).
Proof.
  intros In Run LP W PP Sym Bound Up FS s fall potential.
  assert (E := any_lowers V x L m weight penalty bend F G w local dual Run LP W PP Sym Bound Up (separate_valid x In)
    FS).
  split; [|split; [exact E|]].
  - destruct In as [<-|[<-|[<-|[<-|[<-|[<-|[]]]]]]]; cbn; lra.
  - intros N. assert (T := telescope potential fall (fun k => proj1 (E k)) N). assert (B := proj2 (E N)). unfold
    potential in *. lra.
Qed.

(** All clients share sigma and the operator (m = 1 among them): only F itself need be smooth. *)
Theorem T12_threshold_common x (V : space) L m weight penalty bend (F : V -> R) (G : nat -> V -> V) w local dual sigma
  B :
  In x common -> pisa V m weight 0 penalty bend (fun l i => G i (w l)) w local dual ->
  0 < L -> (forall l i, penalty l i = sigma l /\ bend l i = B l) -> (forall l, 0 < sigma l) ->
  (forall l y z, ⟨B l y, z⟩ = ⟨y, B l z⟩) -> (forall l y, 0 <= ⟨B l y, y⟩ <= reach x * sigma l * ‖y‖²) ->
  (forall l, edge x * L <= rate m weight 0 penalty l <= rate m weight 0 penalty (S l)) ->
  smooth L F (fun y => mean V m weight (fun i => G i y)) ->
  let s l := rate m weight 0 penalty l in
  let fall k := drop x * edge x / s (S k) * ‖mean V m weight (fun i => G i (w (S k)))‖² in
  let potential := shared_potential V x m weight penalty G w dual F in
  0 < drop x /\ (forall k, potential (S k) <= potential k - fall k /\ F (w (S k)) <= potential k) /\
  forall N, sum N fall <= potential 0%nat - F (w (S N)).
Proof.
  intros In Run LP Same PP Sym Bound Up FS s fall potential.
  assert (E := shared_lowers V x L m weight penalty bend G w local dual Run LP Up F (common_valid x In) FS sigma B
    Same PP Sym Bound).
  split; [|split; [exact E|]].
  - destruct In as [<-|[<-|[<-|[]]]]; cbn; lra.
  - intros N. assert (T := telescope potential fall (fun k => proj1 (E k)) N). assert (Q := proj2 (E N)). unfold
    potential in *. lra.
Qed.

(** Runs with all the hypotheses: two clients whose operators 0 and sigma change places; one client with sigma/2. *)
Theorem T12_inhabited : (exists (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 2 (fun _ => / 2) 0 (fun _ _ => 2) (fun l i y => LinearRate.swap l i * y)%V
    (fun l i => LinearRate.parabola_slope i (w l)) w local dual /\ w 0%nat = 0 /\
  (forall l i (y : line), (i < 2)%nat -> 0 <= ⟨LinearRate.swap l i * y, y⟩ <= reach separate_1 * 2 * ‖y‖²) /\
  forall l : nat, edge separate_1 * 1 <= rate 2 (fun _ => / 2) 0 (fun _ _ => 2) l <= rate 2 (fun _ => / 2) 0 (fun _ _
    => 2) (S l)) /\
  exists (w : nat -> line) (local dual : nat -> nat -> line),
  pisa line 1 (fun _ => 1) 0 (fun _ _ => 2) (fun l i y => 8 * y)%V (fun l i => LinearRate.parabola_slope 1 (w l)) w
    local dual /\
  w 0%nat = 0 /\ (forall y : line, 0 <= ⟨8 * y, y⟩ <= reach common_4 * 2 * ‖y‖²) /\
  forall l : nat, edge common_4 * 1 <= rate 1 (fun _ => 1) 0 (fun _ _ => 2) l <= rate 1 (fun _ => 1) 0 (fun _ _ => 2)
    (S l).
Proof.
  split.
  - destruct (LinearRate.T6_inhabited 0) as [w [local [dual [Run [W [_ [_ [_ [B _]]]]]]]]]. exists w, local, dual.
    split; [exact Run|]. split; [exact W|]. split; [exact B|]. intros l. unfold rate. cbn. lra.
  - assert (Run := run_exists line 1 (fun _ => 1) 0 (fun _ _ => 2) (fun l i y => 8 * y)%V (fun l i y => / 10 * y)%V
      (fun _ => LinearRate.parabola_slope 1) 0 (fun _ => 0) ltac:(intros; unfold rate; simpl; lra) ltac:(intros; cbn;
        lra)).
    do 3 eexists. split; [exact Run|]. split; [reflexivity|]. split; [intros y; cbn in *; nra|]. intros l. unfold
      rate. cbn. lra.
Qed.
Print Assumptions T12_threshold_any_clients.
Print Assumptions T12_threshold_common.
Print Assumptions T12_inhabited.
