"""The command line, mostly in process: what each command prints, writes and refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli_cases import GOOD, WITNESSED, call, claim, refuted, supported

from pisa_lab.cli.output import plain
from pisa_lab.files import write_whole
from proofs_check import table
from proofs_check.claim import Verdict
from proofs_check.commands.selection import chosen

pytestmark = pytest.mark.usefixtures("own_folder")

VERIFY_KEYS = {
    "name", "kind", "provenance", "strength", "expected", "verdict", "margin", "seconds", "witness", "detail", "seed",
    "effort", "version", "commit", "machine", "python", "libraries",
}  # fmt: skip


def raising(seed, effort):
    raise RuntimeError("no such luck")


WRONG = claim("V20-unexpected", refuted, Verdict.SUPPORTED)


BROKEN = claim("X-raises", raising, Verdict.SUPPORTED, kind="symbolic")


BARE = claim("X-needs-more", supported, Verdict.SUPPORTED, requires=("no_such_module",), provenance="quoted")


def test_verify_exits_0_when_every_verdict_is_the_expected_one(capsys, claims):
    claims(GOOD, WITNESSED)
    code, out, _ = call(capsys, "verify", "--jobs", "1", "--seed", "7", "--json", "rows.json")
    rows = json.loads(Path("rows.json").read_text(), parse_constant=pytest.fail)
    assert code == 0
    assert "2 claims: 1 supported, 1 refuted; all as expected" in out
    assert [set(row) for row in rows] == [VERIFY_KEYS] * 2
    assert [row["witness"] for row in rows] == [None, ".pisa_lab/witnesses/V2-refuted.json"]
    assert Path(rows[1]["witness"]).is_file()
    assert (rows[0]["seed"], rows[0]["effort"], rows[0]["margin"]) == (7, "quick", 0.5)


@pytest.mark.parametrize(
    ("row", "reason"), [(WRONG, "expected SUPPORTED"), (BROKEN, "no such luck"), (BARE, "no_such_module")]
)
def test_verify_exits_1_and_says_why_when_a_verdict_is_another(capsys, claims, row, reason):
    claims(GOOD, row)
    code, out, _ = call(capsys, "verify", "--jobs", "1")
    assert code == 1
    assert "1 not as expected" in out
    assert reason in out


def test_verify_chooses_by_name_prefix_glob_kind_and_provenance(capsys, claims):
    claims(GOOD, WITNESSED, WRONG, BROKEN)
    for words, names in (
        (["V1-good"], ["V1-good"]),
        (["v2"], ["V2-refuted"]),
        (["V2*"], ["V2-refuted", "V20-unexpected"]),
        (["X", "V1"], ["V1-good", "X-raises"]),
        (["--kind", "symbolic"], ["X-raises"]),
        (["--provenance", "reconstructed"], ["V1-good"]),
    ):
        call(capsys, "verify", *words, "--jobs", "1", "--json", "rows.json")
        assert [row["name"] for row in json.loads(Path("rows.json").read_text())] == names


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(ValueError, match=r"^NAME: 'V1-goof' names no claim; close: V1-good$"):
        chosen(["V1-goof"], [GOOD, WITNESSED])


def test_interrupting_exits_130_with_one_line(capsys, claims):
    def interrupt(seed, effort):
        raise KeyboardInterrupt

    claims(claim("V1-slow", interrupt, Verdict.SUPPORTED))
    code, _, err = call(capsys, "verify", "--jobs", "1")
    assert (code, err) == (130, "pisa-lab: interrupted\n")


def test_replay_shows_stored_against_recomputed_numbers(capsys, claims):
    claims(WITNESSED)
    call(capsys, "verify", "--jobs", "1")
    path = Path(".pisa_lab/witnesses/V2-refuted.json")
    code, out, _ = call(capsys, "replay", path, "--json", "rows.json")
    assert code == 0
    for text in ("What V2-refuted states.", '"x": 0.75', "-0.25", "stored by", "\nreproduces"):
        assert text in out
    row = json.loads(Path("rows.json").read_text())[0]
    assert (row["claim"], row["number"], row["stored"], row["recomputed"]) == ("V2-refuted", "margin", -0.25, -0.25)
    path.write_text(path.read_text().replace("-0.25", "-0.26"))
    code, out, _ = call(capsys, "replay", path)
    assert code == 1
    assert "does not reproduce" in out


def test_replay_knows_the_shipped_witnesses_by_name(capsys):
    code, out, _ = call(capsys, "replay", "V2-limit-not-stationary")
    assert code == 0
    assert "reproduces" in out


def test_a_witness_that_is_damaged_is_refused_in_one_line(capsys, claims):
    claims(WITNESSED)
    for text in ("{", "[]", '{"claim": "V2-refuted"}'):
        Path("broken.json").write_text(text)
        code, _, err = call(capsys, "replay", "broken.json")
        assert (code, err.count("\n")) == (2, 1)
        assert "WITNESS" in err


def test_workers_find_the_claims_by_name_and_keep_their_order(capsys):
    names = ["I2-server-increment", "I1-multiplier-is-minus-gradient"]
    code, _, _ = call(capsys, "verify", *names, "--jobs", "2", "--json", "rows.json")
    rows = json.loads(Path("rows.json").read_text())
    ordered = [claim.name for claim in table.CLAIMS if claim.name in names]
    assert code == 0
    assert [row["name"] for row in rows] == ordered


def test_the_report_stands_beside_its_witnesses(capsys, claims):
    claims(GOOD, WITNESSED)
    code, out, _ = call(capsys, "verify", "--jobs", "1", "--report", "site")
    assert code == 0
    assert "site/index.html" in out
    page = Path("site/index.html").read_text()
    assert "pisa-lab replay site/witnesses/V2-refuted.json" in page
    assert Path("site/witnesses/V2-refuted.json").is_file()
    assert not Path(".pisa_lab").exists()


def test_json_says_nothing_that_is_not_json():
    value = {"a": np.float64("nan"), "b": [float("inf"), 1], "c": np.arange(2), "d": Verdict.PROVED, 3: Path("x")}
    assert plain(value) == {"a": None, "b": [None, 1], "c": [0, 1], "d": "PROVED", "3": "x"}


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "rows.json"
    target.write_text("old")

    def fail(partial):
        partial.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(target, fail)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.json"]
