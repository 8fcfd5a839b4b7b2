"""The record of what Coq checked: it is of these sources, it names every theorem, and what is edited is not covered."""

import dataclasses
import json
import shutil

import pytest

from proofs_check.claim import Verdict
from proofs_check.formal import THEOREMS, read_manifest, strength
from proofs_check.formal import manifest as record
from proofs_check.formal.build import differences, unsound
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
        assert theorem.statement.startswith(name.split(".")[1])


def test_no_source_leaves_a_proof_open():
    for path in SOURCES.glob("*.v"):
        words = path.read_text(encoding="utf-8").split()
        assert not {"Admitted.", "admit.", "Axiom", "Parameter", "Conjecture", "Unset"} & set(words), path.name


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
