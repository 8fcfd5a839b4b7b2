"""Shipped witnesses replay to their numbers; altered ones are refused or shown not to."""

import dataclasses
import json

import pytest

from proofs_check import stored as stored_numbers
from proofs_check import table, witness
from proofs_check.claim import Evidence, Verdict
from proofs_check.stored import FOLDER, KEYS
from proofs_check.witness import read_witness, replay, write_witness

NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
SHORT = "V7-ridge-bound"


def altered(tmp_path, **changes):
    """Return the path of the short witness with some of its fields changed."""
    document = json.loads((FOLDER / f"{SHORT}.json").read_text(encoding="utf-8"))
    path = tmp_path / "altered.json"
    path.write_text(json.dumps(document | changes), encoding="utf-8")
    return path


def stored(field):
    return json.loads((FOLDER / f"{SHORT}.json").read_text(encoding="utf-8"))[field]


def test_every_refutation_with_a_trial_has_a_shipped_witness():
    wanted = [claim.name for claim in table.CLAIMS if claim.trial and claim.expected is Verdict.REFUTED]
    assert sorted(wanted) == NAMES
    assert len(NAMES) >= 15


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_witness_is_reproduced(name):
    found = replay(name)
    assert found.reproduced, found.differences
    assert found.verdict is Verdict.REFUTED
    assert found.claim.expected is Verdict.REFUTED


def test_a_path_and_a_name_replay_the_same():
    assert replay(FOLDER / f"{SHORT}.json").numbers == replay(SHORT).numbers


def test_a_witness_is_written_and_read_back(tmp_path):
    finding = table.by_name(SHORT).run(3)
    write_witness(finding, tmp_path / "w.json")
    read = read_witness(tmp_path / "w.json")
    assert (read.claim, read.verdict) == (SHORT, Verdict.REFUTED)
    assert dict(read.instance) == dict(finding.evidence.instance)
    assert "trials" not in read.numbers
    assert replay(tmp_path / "w.json").reproduced
    assert [path.name for path in tmp_path.iterdir()] == ["w.json"]


def test_a_supported_claim_has_a_witness_too(tmp_path):
    write_witness(table.by_name("V6-warm-start-pair").run(), tmp_path / "w.json")
    found = replay(tmp_path / "w.json")
    assert found.reproduced
    assert found.verdict is Verdict.SUPPORTED


def test_a_finding_without_an_instance_has_no_witness(tmp_path):
    finding = dataclasses.replace(table.by_name(SHORT).run(), evidence=Evidence(Verdict.SUPPORTED))
    with pytest.raises(ValueError, match=r"^finding: V7-ridge-bound kept no instance$"):
        write_witness(finding, tmp_path / "w.json")


# --- tampering


@pytest.mark.parametrize("name", ["least", "per_square", "margin"])
def test_an_altered_number_is_not_reproduced(tmp_path, name):
    numbers = stored("numbers")
    found = replay(altered(tmp_path, numbers=numbers | {name: numbers[name] * 1.001}))
    assert not found.reproduced
    assert [line.split(":")[0] for line in found.differences] == [name]


def test_an_altered_instance_is_not_reproduced(tmp_path):
    found = replay(altered(tmp_path, instance=stored("instance") | {"centre": 64.0}))
    assert {"least", "centre"} <= {line.split(":")[0] for line in found.differences}


def test_an_altered_verdict_is_not_reproduced(tmp_path):
    found = replay(altered(tmp_path, verdict="SUPPORTED"))
    assert found.differences == ("verdict: SUPPORTED stored, REFUTED found",)


def test_numbers_that_are_left_out_or_added_are_named(tmp_path):
    numbers = stored("numbers")
    numbers.pop("least")
    found = replay(altered(tmp_path, numbers=numbers | {"surplus": 1.0}))
    assert [line.split(":")[0] for line in found.differences] == ["least", "surplus"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 1}, r"^format: 1 must be 2$"),
        ({"claim": "V7-ridge-bond"}, r"^name: 'V7-ridge-bond' names no claim; close: V7-ridge-bound"),
        ({"claim": 7}, r"^claim: 7 "),
        ({"statement": "The moon is made of cheese."}, r"^statement: 'The moon is made of cheese\.' is not that of"),
        ({"verdict": "MAYBE"}, r"^verdict: 'MAYBE' is not one of PROVED"),
        ({"numbers": [1, 2]}, r"^numbers: \[1, 2\] must be an object$"),
        ({"instance": None}, r"^instance: None must be an object$"),
        ({"tolerance": 0.2}, r"^tolerance: 0\.2 must be a number in \(0, 0\.1\]$"),
        ({"tolerance": 0}, r"^tolerance: 0 must be"),
        ({"tolerance": True}, r"^tolerance: True must be"),
        ({"surplus": 1}, r"^path: .* is not a witness, an object with format, claim"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        replay(altered(tmp_path, **changes))


@pytest.mark.parametrize(
    "changes",
    [{"centre": "a word"}, {"rounds": -3}, {"rounds": None}, {"centre": [1.0, 2.0]}],
)
def test_an_instance_that_the_trial_cannot_run_on_is_named(tmp_path, changes):
    with pytest.raises(ValueError, match=r"^instance: V7-ridge-bound cannot run on it"):
        replay(altered(tmp_path, instance=stored("instance") | changes))
    with pytest.raises(ValueError, match=r"^instance: V7-ridge-bound cannot run on it \(KeyError: 'rounds'\)$"):
        replay(altered(tmp_path, instance={"centre": 2.0}))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": NaN}', '{"format": Infinity}', '"words"', "\x00\x01"]
)
def test_a_corrupt_file_is_refused(tmp_path, text):
    path = tmp_path / "corrupt.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"^path: .*corrupt\.json"):
        replay(path)


def test_bytes_that_are_not_text_are_refused(tmp_path):
    path = tmp_path / "bytes.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match=r"^path: .*bytes\.json"):
        replay(path)


@pytest.mark.parametrize("place", ["no-such-witness", "no/such/file.json", "."])
def test_a_missing_file_is_named(place):
    with pytest.raises(ValueError, match=r"^path: "):
        replay(place)


def test_a_claim_without_a_trial_cannot_be_replayed(tmp_path, monkeypatch):
    bare = dataclasses.replace(table.by_name(SHORT), trial=None)
    monkeypatch.setattr(table, "by_name", lambda name: bare)
    with pytest.raises(ValueError, match=r"^claim: V7-ridge-bound has no trial to replay$"):
        replay(FOLDER / f"{SHORT}.json")


# --- verify is held to the stored numbers


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """Alter the shipped witness of the short claim, in a folder of the test's own, and return what verify finds."""
    monkeypatch.setattr(stored_numbers, "FOLDER", tmp_path)

    def found(seed=0, **changes):
        document = json.loads((FOLDER / f"{SHORT}.json").read_text(encoding="utf-8"))
        (tmp_path / f"{SHORT}.json").write_text(json.dumps(document | changes), encoding="utf-8")
        return table.by_name(SHORT).run(seed).evidence

    return found


@pytest.mark.parametrize("seed", [0, 1])
def test_a_refutation_as_stored_stands(shipped, seed):
    assert shipped(seed).verdict is Verdict.REFUTED


@pytest.mark.parametrize("seed", [0, 1])
def test_a_refutation_by_other_numbers_is_inconclusive(shipped, seed):
    evidence = shipped(seed, numbers=stored("numbers") | {"least": 5.2e7})
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert evidence.detail.startswith("refuted, but not as stored: least: 52000000.0 stored, 5")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"statement": "The moon is made of cheese."}, "the witness is of 'The moon"),
        ({"instance": {"centre": 2.0}}, "KeyError"),
        ({"tolerance": 1.0}, "tolerance: 1.0 must be"),
        ({"format": 1}, "format: 1 must be 2"),
    ],
)
def test_a_refutation_with_a_witness_that_says_nothing_is_inconclusive(shipped, changes, reason):
    evidence = shipped(**changes)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert reason in evidence.detail


def test_a_refutation_without_its_witness_is_inconclusive(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_numbers, "FOLDER", tmp_path)
    evidence = table.by_name(SHORT).run().evidence
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert f"{SHORT}.json" in evidence.detail


def test_only_refutations_with_a_trial_are_held():
    for claim in table.CLAIMS:
        held = isinstance(claim.check, stored_numbers.StoredCheck)
        assert held == (claim.trial is not None and claim.expected is Verdict.REFUTED), claim.name


def test_a_verdict_that_is_not_the_expected_one_is_never_shipped(tmp_path, monkeypatch):
    right = table.by_name(SHORT)
    wrong = dataclasses.replace(right, check=lambda seed, effort: Evidence(Verdict.SUPPORTED, 1.0))
    monkeypatch.setattr(table, "CLAIMS", (wrong,))
    monkeypatch.setattr(witness, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"^claim: V7-ridge-bound gave SUPPORTED"):
        witness.ship()
    monkeypatch.setattr(table, "CLAIMS", (right,))
    assert witness.ship() == [tmp_path / f"{SHORT}.json"]
    assert set(json.loads((tmp_path / f"{SHORT}.json").read_text(encoding="utf-8"))) == set(KEYS)
