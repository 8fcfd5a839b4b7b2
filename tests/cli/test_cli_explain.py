"""``pisa-lab explain`` and ``claims``: from a row of the table to Coq's statement in one command."""

import json
from pathlib import Path

import pytest
from cli_cases import GOOD, WITNESSED, call

from proofs_check import table
from proofs_check.commands.claim_rows import ROOT
from proofs_check.commands.findings import keep_findings, read_findings
from proofs_check.formal import THEOREMS, read_manifest

pytestmark = pytest.mark.usefixtures("own_folder")

KEYS = {
    "name", "statement", "latex", "hypotheses", "provenance", "kind", "strength", "expected", "finding", "source",
    "sections", "code", "coq", "not_checked", "certificates", "witness", "rerun",
}  # fmt: skip


def explained(capsys, *names):
    code, out, _ = call(capsys, "explain", *names, "--json", "answers.json")
    assert code == 0
    return out, json.loads(Path("answers.json").read_text(), parse_constant=pytest.fail)


def test_explain_leads_from_a_row_to_coqs_statement(capsys):
    out, (answer,) = explained(capsys, "T2-nonconvex-rate")
    assert set(answer) == KEYS
    theorem = next(entry for entry in answer["coq"] if entry["name"] == "Rates.T2_nonconvex_rate")
    for text in (
        answer["statement"][:60],
        "κ ≥ 2",
        "kernel: the statement is a theorem that Coq's kernel checked",
        "Coq: Rates.T2_nonconvex_rate, proofs_check/formal/coq/Rates.v:",
        "4 * k ^ 2 * L * (F (w 0%nat) - least) / ((4 * k - 1) * INR N + 2 * k ^ 2 + 4 * k - 3)",
        "MATHEMATICS.md:",
        "make formal ARGS=--check",
        "pisa-lab verify T2-nonconvex-rate",
    ):
        assert text in out, text
    lines = (ROOT / theorem["file"]).read_text().splitlines()
    assert "T2_nonconvex_rate" in lines[theorem["line"] - 1]
    assert answer["rerun"] == ["pisa-lab verify T2-nonconvex-rate", "make formal ARGS=--check"]


def test_explain_names_the_section_and_the_row_of_the_code_with_their_lines(capsys):
    _, (answer,) = explained(capsys, "T6-preconditioned")
    (section,) = answer["sections"]
    assert (ROOT / section["file"]).read_text().splitlines()[section["line"] - 1].endswith(section["title"])
    assert section["title"].startswith("T6. ")
    assert answer["code"]
    for place in answer["code"]:
        assert '"T6-preconditioned"' in (ROOT / place["file"]).read_text().splitlines()[place["line"] - 1]


def test_explain_shows_the_shipped_witness_and_its_replay(capsys):
    out, (answer,) = explained(capsys, "V2-limit-not-stationary")
    assert answer["witness"] == "proofs_check/witnesses/V2-limit-not-stationary.json"
    assert (ROOT / answer["witness"]).is_file()
    assert "pisa-lab replay V2-limit-not-stationary" in out
    assert [entry["name"] for entry in answer["coq"]][:1] == ["KeptShare.V2_limit_not_stationary"]
    assert answer["strength"] == "kernel"
    _, (measured,) = explained(capsys, "V2-share-ordering")
    assert (measured["coq"], measured["strength"]) == ([], "measured")


def test_explain_shows_the_certificates_and_their_checker(capsys):
    out, (answer,) = explained(capsys, "W-nonconvex-kappa-2")
    assert len(answer["certificates"]) == 6
    assert all((ROOT / path).is_file() for path in answer["certificates"])
    assert (
        "python -m proofs_check.certified.checker proofs_check/certified/certificates/nonconvex-kappa2-N1.json" in out
    )


def test_explain_says_why_a_theorem_of_coq_is_not_counted(capsys, monkeypatch):
    import dataclasses

    from proofs_check.commands import explain

    stale = dataclasses.replace(read_manifest(), stale=("Rates.v was edited after the build",))
    monkeypatch.setattr(explain, "read_manifest", lambda: stale)
    out, (answer,) = explained(capsys, "T2-nonconvex-rate")
    assert answer["strength"] == "exact"
    assert answer["not_checked"] == ["Rates.v was edited after the build"]
    assert "Coq's theorem is not counted: Rates.v was edited after the build" in out


def test_explain_shows_the_last_finding_that_verify_kept(capsys, claims):
    claims(GOOD, WITNESSED)
    out, (answer,) = explained(capsys, "V1-good")
    assert answer["finding"] is None
    assert "none kept here" in out
    call(capsys, "verify", "--jobs", "1")
    out, (answer,) = explained(capsys, "V1-good")
    assert answer["finding"]["verdict"] == "SUPPORTED"
    assert "found at .5" in out
    _, (answer,) = explained(capsys, "V2-refuted")
    assert answer["witness"] == ".pisa_lab/witnesses/V2-refuted.json"
    assert answer["rerun"][1] == "pisa-lab replay .pisa_lab/witnesses/V2-refuted.json"


def test_the_last_finding_of_each_claim_is_kept_and_a_damaged_file_is_none():
    path = Path("findings.json")
    keep_findings([{"name": "a", "margin": 1.0}, {"name": "b", "margin": 2.0}], path)
    keep_findings([{"name": "a", "margin": float("nan")}], path)
    assert {name: row["margin"] for name, row in read_findings(path).items()} == {"a": None, "b": 2.0}
    for text in ("", "{", "[1]", '[{"margin": 1}]', "3"):
        path.write_text(text)
        assert read_findings(path) == {}
    assert read_findings(Path("missing.json")) == {}


def test_a_typo_gets_the_nearest_names_and_exit_2(capsys):
    code, _, err = call(capsys, "explain", "T2-noncovex-rate")
    assert code == 2
    assert "close: T2-nonconvex-rate" in err


def test_every_claim_can_be_explained(capsys):
    _, answers = explained(capsys, "*")
    assert [answer["name"] for answer in answers] == [claim.name for claim in table.CLAIMS]
    for answer in answers:
        assert answer["code"], answer["name"]
        assert answer["sections"], answer["name"]
        assert len(answer["coq"]) == len(THEOREMS.get(answer["name"], ())), answer["name"]


def test_claims_lists_names_strengths_and_verdicts_without_a_check(capsys, claims):
    def fail(seed, effort):
        raise AssertionError("checked")

    import dataclasses

    claims(dataclasses.replace(GOOD, check=fail), WITNESSED)
    code, out, _ = call(capsys, "claims", "V*", "--json", "rows.json")
    assert code == 0
    rows = json.loads(Path("rows.json").read_text())
    assert [(row["name"], row["strength"], row["expected"]) for row in rows] == [
        ("V1-good", "measured", "SUPPORTED"),
        ("V2-refuted", "measured", "REFUTED"),
    ]
    assert "What V2-refuted states." in out


@pytest.mark.parametrize("width", [100, 140])
def test_claims_cuts_the_statement_to_the_terminal(capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = call(capsys, "claims", "T2", "T6")
    lines = [line.rstrip() for line in out.splitlines()]
    assert max(map(len, lines)) <= width
    (row,) = [line for line in lines if line.startswith("T6-preconditioned")]
    assert row.endswith("…")
    assert len(row) > width - 12


def test_claims_writes_the_index_of_the_mathematics(capsys, claims):
    import dataclasses

    claims(dataclasses.replace(GOOD, source="MATHEMATICS.md#V1"))
    path = Path("M.md")
    path.write_text('<a id="V1"></a>\n\n## V1\n\nClaims: old\n\n<a id="V2"></a>\n\n## V2\n\nClaims: old\n')
    call(capsys, "claims", "--index", path)
    assert "Claims: `V1-good`\n" in path.read_text()
    assert path.read_text().endswith("Claims: open: no claim yet\n")


def test_the_table_for_a_readme_links_to_the_mathematics_and_to_coq(capsys, claims):
    claims(table.by_name("N8-ridge-threshold"), table.by_name("V2-limit-is-stationary"))
    folder = Path("docs")
    folder.mkdir()
    (folder / "README.md").write_text("before\n<!-- claims:begin -->\nold\n<!-- claims:end -->\nafter\n")
    code, _, _ = call(capsys, "verify", "--jobs", "1", "--markdown", "docs/README.md")
    text = (folder / "README.md").read_text()
    assert code == 0
    assert text.startswith("before\n<!-- claims:begin -->\n### What is claimed")
    assert text.endswith("<!-- claims:end -->\nafter\n")
    assert "\nold\n" not in text
    assert text.index("V2-limit-is-stationary") < text.index("### Repaired") < text.index("N8-ridge-threshold")
    assert "proofs_check/MATHEMATICS.md#N8)" in text
    assert "proofs_check/formal/coq/RidgeSharp.v#L" in text
    assert "<br><sub>F = r(w-1)^2/2, ρ = λ = 0" in text
