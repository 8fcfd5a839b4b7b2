"""The record of what Coq checked: it is of these sources, it names every theorem, and what is edited is not covered."""

import dataclasses
import json
import shutil
from contextlib import nullcontext

import pytest

from proofs_check.claim import Verdict
from proofs_check.formal import THEOREMS, read_manifest, strength
from proofs_check.formal import manifest as record
from proofs_check.formal.build import (
    check_sources,
    check_summary,
    compile_files,
    differences,
    read_axioms,
    recheck_files,
    unsound,
)
from proofs_check.formal.manifest import MANIFEST, REALS, SOURCES
from proofs_check.table import CLAIMS, by_name

COVERED = "T2-nonconvex-rate"


@pytest.fixture(name="copied")
def sources_in_a_folder(tmp_path, monkeypatch):
    """The sources, certificates and exporter under another root, where they may be edited."""
    root = tmp_path / "proofs_check"
    shutil.copytree(record.HERE, root / "formal")
    shutil.copytree(record.CERTIFICATES, root / "certified" / "certificates")
    monkeypatch.setattr(record, "HERE", root / "formal")
    monkeypatch.setattr(record, "SOURCES", root / "formal" / "coq")
    monkeypatch.setattr(record, "CERTIFICATES", root / "certified" / "certificates")
    return root


def test_the_committed_record_is_of_these_sources_and_words():
    manifest = read_manifest()
    assert manifest.stale == ()
    assert [name for name in THEOREMS if not manifest.covers(by_name(name))] == []


def test_the_record_and_the_table_name_the_same_theorems_and_claims():
    manifest = read_manifest()
    assert set(manifest.theorems) == {name for names in THEOREMS.values() for name in names}
    assert set(manifest.claims) == set(THEOREMS) <= {claim.name for claim in CLAIMS}


def test_every_theorem_rests_on_the_reals_alone_and_stands_where_the_record_says():
    manifest = read_manifest()
    assert unsound(manifest, REALS) == []
    root = SOURCES.parents[2]
    for name, theorem in manifest.theorems.items():
        line = (root / theorem.file).read_text(encoding="utf-8").splitlines()[theorem.line - 1]
        assert name.split(".")[1] in line or theorem.file.endswith(".json")
        assert theorem.statement.split()[0] in (name, name.split(".")[1])


def test_the_sources_assume_nothing_and_redefine_nothing():
    check_sources(SOURCES)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("Smuggled.v", "Axiom falsum : False.", "'Axiom' has no place"),
        ("Smuggled.v", "Variables falsum : False.", "outside a section is an axiom"),
        ("Smuggled.v", "#[bypass_check(guard)] Fixpoint f (n : nat) : False := f n.", "bypass_check"),
        ("Smuggled.v", "Unset Guard Checking.", "Unset"),
        ("Smuggled.v", "Theorem t : False. Admitted.", "Admitted"),
        ("Smuggled.v", 'Redirect "1" Print nat.', "Redirect"),
        ("Smuggled.v", "Definition smooth (L : nat) := False.", "defines 'smooth'"),
        ("Smuggled.v", "Record pisa : Prop := {}.", "defines 'pisa'"),
        ("Smuggled.v", 'Notation "x < y" := (Rle x y) : R_scope.', "a notation that changes"),
        ("Δ.v", "Lemma fine : True. Proof. easy. Qed.", "not a name of a module"),
        ("plugin.ml", "", "not a name of a module"),
    ],
)
def test_a_source_that_could_assume_something_is_refused(copied, name, text, reason):
    (copied / "formal" / "coq" / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=reason):
        check_sources(copied / "formal" / "coq")


@pytest.mark.parametrize(
    ("printed", "found"),
    [
        ("Closed under the global context\n", ()),
        ("Axioms:\nA.b : forall x,\n  x = x\nC.d\n  : True\n", ("A.b", "C.d")),
        ("Axioms:\nhelper is assumed to be guarded.\n", ("helper is assumed to be guarded.",)),
        ("Axioms:\nU.B is assumed to be positive.\nA.b : T\n", ("A.b", "U.B is assumed to be positive.")),
        ("Axioms:\nΔ.falsum : False\n", ("Δ.falsum",)),
        ("t relies on an unsafe hierarchy.\n", ("t relies on an unsafe hierarchy.",)),
    ],
)
def test_whatever_a_theorem_rests_on_is_kept(printed, found):
    assert read_axioms(printed) == found


SUMMARY = """
CONTEXT SUMMARY
===============

* Theory: Set is predicative

* Axioms:
    Coq.Reals.ClassicalDedekindReals.sig_not_dec
{axiom}
* Constants/Inductives relying on type-in-type: <none>

* Constants/Inductives relying on unsafe (co)fixpoints: {fixpoint}

* Inductives whose positivity is assumed: <none>
"""


def test_the_second_checkers_summary_is_read():
    check_summary(SUMMARY.format(axiom="", fixpoint="<none>"))
    for changed in (
        SUMMARY.format(axiom="    PISA.Rates.falsum\n", fixpoint="<none>"),
        SUMMARY.format(axiom="", fixpoint="PISA.Rates.helper"),
        "",
    ):
        with pytest.raises(ValueError, match="coqchk"):
            check_summary(changed)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("coqc") is None, reason="needs Coq")
@pytest.mark.parametrize("assumed", ["", "Axiom falsum : False.\n"])
def test_the_second_checker_of_this_coq_is_heard(tmp_path, assumed):
    source = tmp_path / "Small.v"
    source.write_text(f"Require Import Reals.\n{assumed}Theorem same : 1%R = 1%R.\nProof. reflexivity. Qed.\n", "utf-8")
    compile_files(tmp_path, [source])
    with pytest.raises(ValueError, match=r"Axioms: PISA\.Small\.falsum") if assumed else nullcontext():
        recheck_files(tmp_path, [source])


@pytest.mark.parametrize("field", ["statement", "latex", "expected", "hypotheses", "theorems"])
def test_all_that_ties_a_row_to_coq_is_hashed(monkeypatch, field):
    manifest, claim = read_manifest(), by_name(COVERED)
    changed = {
        "statement": {"statement": "The gradient is 0."},
        "latex": {"latex": "$0 = 0$"},
        "expected": {"expected": Verdict.REFUTED},
        "hypotheses": {"hypotheses": ()},
    }.get(field, {})
    if field == "theorems":
        monkeypatch.setitem(THEOREMS, COVERED, ("Identities.I1_multiplier",))
    assert not manifest.covers(dataclasses.replace(claim, **changed))


@pytest.mark.parametrize("edit", ["source", "certificate", "new", "lost"])
def test_an_edit_after_the_build_makes_the_record_stale(copied, edit):
    assert read_manifest().stale == ()
    path = sorted((copied / "formal" / "coq").glob("*.v"))[0]
    if edit == "certificate":
        path = sorted((copied / "certified" / "certificates").glob("*.json"))[0]
    if edit == "new":
        (path.parent / "Smuggled.v").write_text("Axiom anything : False.\n")
    elif edit == "lost":
        path.unlink()
    else:
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    manifest = read_manifest()
    assert len(manifest.stale) == 1
    assert not manifest.covers(by_name(COVERED))
    assert strength(by_name(COVERED), manifest=manifest) == "exact"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"coq": "8.16.1"}', '{"coq": 1, "sources": 2, "claims": 3, "theorems": 4}']
)
def test_an_unreadable_record_covers_nothing(tmp_path, text):
    path = tmp_path / "manifest.json"
    path.write_text(text)
    assert "make formal" in read_manifest(path).stale[0]
    assert not read_manifest(path).covers(by_name(COVERED))
    assert read_manifest(tmp_path / "none.json").stale


def test_a_claim_in_other_words_or_on_another_axiom_is_not_covered():
    manifest, claim = read_manifest(), by_name(COVERED)
    assert manifest.covers(claim)
    assert not manifest.covers(dataclasses.replace(claim, statement=claim.statement.replace("4κ", "3κ")))
    assert not manifest.covers(dataclasses.replace(claim, hypotheses=claim.hypotheses[:-1]))
    name, *_ = THEOREMS[COVERED]
    admitted = dataclasses.replace(manifest.theorems[name], axioms=(*REALS, name))
    altered = dataclasses.replace(manifest, theorems={**manifest.theorems, name: admitted})
    assert not altered.covers(claim)
    assert unsound(altered, REALS) == [f"{name} rests on {name}"]


def test_strength_is_of_the_verdict_that_was_found():
    assert strength(by_name(COVERED)) == "kernel"
    assert strength(by_name(COVERED), Verdict.REFUTED) == "exact"
    assert strength(by_name(COVERED), Verdict.INCONCLUSIVE) == ""
    assert strength(by_name("V1-rate-of-the-penalty")) == "measured"


def test_a_claim_that_only_coq_checks_is_inconclusive_where_the_record_is_stale(copied):
    claim = by_name("N8-ridge-threshold")
    assert claim.run().evidence.verdict is Verdict.PROVED
    path = copied / "formal" / "coq" / "Ridge.v"
    path.write_text(path.read_text(encoding="utf-8").replace("u ^ 3", "u ^ 2"), encoding="utf-8")
    evidence = claim.run().evidence
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "Ridge.v was edited" in evidence.detail


def test_a_build_that_differs_from_the_record_is_named():
    manifest = read_manifest()
    first, *others = sorted(manifest.theorems)
    built = dataclasses.replace(manifest, coq="9.9", theorems={name: manifest.theorems[name] for name in others})
    assert differences(manifest, manifest) == []
    expected = [f"coq: {manifest.coq} is recorded, 9.9 is here", f"theorems: {first} differs"]
    assert differences(manifest, built) == expected


@pytest.mark.skipif(shutil.which("coqc") is None, reason="needs Coq")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("Rates", "4 * k - 1", "4 * k"),
        ("Rates", "2 * k - 3", "2 * k - 2"),
        ("Algorithm", "dual l i + penalty (S l) i * deviation", "dual l i - penalty (S l) i * deviation"),
        ("Smooth", "L / 4 * ‖x - y‖²", "L / 5 * ‖x - y‖²"),
        ("Restart", "4 * (1 - c) * (1 + eps) * a * L ^ 2", "2 * (1 - c) * (1 + eps) * a * L ^ 2"),
        ("Backtracking", "(1 + eps) ^ N", "1 ^ N"),
        ("Safeguarded", "rises k + 2", "rises k + 1"),
        ("Unguarded", "4 * X * L ^ 2", "3 * X * L ^ 2"),
        ("Contractive", "chi / (2 * (1 - u))", "chi / 2"),
        ("Compression", "(1 + 2 * u) ^ 2", "(1 + u) ^ 2"),
        ("Participation", "1 - q ^ 2", "1 - q ^ 3"),
        ("Late", "(1 + zeta) * X * (T + 1) ^ 2", "(1 + zeta) * X * T ^ 2"),
    ],
)
def test_a_wrong_source_is_not_built(copied, tmp_path, monkeypatch, file, right, wrong):
    from proofs_check.formal import build as builder

    path = copied / "formal" / "coq" / f"{file}.v"
    text = path.read_text(encoding="utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    monkeypatch.setattr(builder, "SOURCES", path.parent)
    with pytest.raises(ValueError, match=rf"(?s)make.*{file}\.v"):
        builder.compile_files(tmp_path, builder.copy_sources(tmp_path), only=file)


def test_the_record_is_plain_json_without_this_machine():
    text = MANIFEST.read_text(encoding="utf-8")
    assert json.loads(text)["coq"].startswith("8.")
    assert str(SOURCES.parents[2]) not in text
