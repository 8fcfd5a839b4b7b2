"""Attacks on the checker: false theorems, wrong types at every leaf, fields outside their domains, hostile text."""

import copy
import json
import math
import subprocess
import sys
from fractions import Fraction

import pytest
from checker_cases import DROPPED, FORGED, SOURCE, accepted, document_of, forged, mutant, rejection, shipped, universal

from proofs_check.certified import checker

KINDS = {
    "pisa": "nonconvex-unequal-rho-zeta1-N4",
    "admm": "convex-exact-admm-N3",
    "fedavg": "nonconvex-fedavg-two-steps-N3",
    "lagrangian": "lagrangian-nonconvex-any-q-sigma2",
    "residual": "residual-nonconvex-ridge",
}
STRANGE = (
    math.inf, -math.inf, math.nan, True, False, None, {}, [], "", "x", "1\n", 1.0, 1e3, -1, 0, 1, 10**30, "9" * 401,
    "Infinity", "NaN", "1e3", "1.0", "01", "+1", "-0", "1/1", "2/4", "1/0", "1/-2", " 1", "1 ", "٣",
    "1_0", "0x1", ["1"],
)  # fmt: skip


def bare(*paths, cwd=None):
    """Return the finished run of the checker by a Python without site packages."""
    command = [sys.executable, "-I", "-S", str(SOURCE), *map(str, paths)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


def leaves(value, path=()):
    """Yield the path to every leaf of nested lists and objects."""
    if isinstance(value, dict | list) and value:
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[key], (*path, key))
    else:
        yield path


def replaced(document, path, value):
    """Return a copy of the document with another value at ``path``."""
    result = copy.deepcopy(document)
    place = result
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return result


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unstated-hypothesis", "multipliers: no hypothesis bounds the heterogeneity"),
        ("infinite-curvature", "-Infinity"),
        ("float-division", "curvature: not a fraction as a text in lowest terms"),
    ],
)
def test_false_theorems_that_were_called_proved_are_rejected(name, reason):
    path = FORGED / f"{name}.json"
    assert reason in rejection(document_of(path))
    result = bare(path)
    assert result.returncode == 1
    assert result.stdout.startswith(f"REJECTED '{path}': ")
    assert reason in result.stdout
    assert len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_strange_values_are_rejected_at_every_leaf(kind):
    document = shipped(KINDS[kind])
    assert accepted(forged(document))
    tried = 0
    for path in leaves({name: document[name] for name in ("parameters", "bound", "multipliers")}):
        old = document
        for key in path:
            old = old[key]
        for value in STRANGE:
            if json.dumps(value) != json.dumps(old):
                tried += 1
                assert accepted(forged(replaced(document, path, value))) is None, (path, value)
    assert tried > 350


@pytest.mark.parametrize("kind", KINDS)
def test_missing_extra_and_repeated_keys_are_rejected(kind):
    document = shipped(KINDS[kind])
    for name in document["parameters"]:
        less = copy.deepcopy(document)
        del less["parameters"][name]
        assert ("KeyError" if name == "theorem" else "parameters") in rejection(less)
        text = forged(document)
        assert accepted(text.replace(f'"{name}":', f'"{name}": "0", "{name}":', 1)) is None
    for name in ("more", "seed", "rho ", "Rho", ""):
        assert "parameters" in rejection(replaced(document, ("parameters", name), "1"))
    for name in ("parameters", "bound", "multipliers", "statement", "seal"):
        less = json.loads(forged(document))
        del less[name]
        assert accepted(json.dumps(less)) is None
    assert accepted(json.dumps({**json.loads(forged(document)), "note": "1"})) is None


def test_the_universal_certificate_is_accepted_so_that_only_the_reading_objects():
    assert accepted(forged(universal()))
    assert accepted(forged(universal(curvature=["0"], ridge="1/3", warm=True, order="after_solve", rho=["7/2"])))
    assert accepted(forged(universal(heterogeneity="0")))


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"curvature": ["5"]}, "curvature: must be < lipschitz"),
        ({"curvature": ["1"]}, "curvature: must be < lipschitz"),
        ({"curvature": ["-3"], "lipschitz": ["-1"], "ridge": "2"}, "lipschitz: must be > 0"),
        ({"lipschitz": ["0"]}, "lipschitz: must be > 0"),
        ({"rounds": True}, "rounds: not an integer"),
        ({"rounds": 1.0}, "ValueError: 1.0"),
        ({"rounds": "1"}, "rounds: not an integer"),
        ({"rounds": 0, "penalties": [["2"]]}, "rounds: not an integer"),
        ({"rounds": -1, "penalties": []}, "rounds: not an integer"),
        ({"rounds": 61, "penalties": [["2"]] * 62}, "rounds: not an integer"),
        ({"rounds": 10**40}, "rounds: not an integer"),
        ({"rho": ["0", "7"]}, "rho: another length"),
        ({"rho": []}, "rho: another length"),
        ({"rho": "0"}, "rho: another length"),
        ({"rho": ["-1/2"]}, "rho: must be ≥ 0"),
        ({"penalties": [["2"], ["0"]]}, "penalties: must be > 0"),
        ({"penalties": [["-2"], ["2"]]}, "penalties: must be > 0"),
        ({"penalties": [["2"], ["2", "2"]]}, "penalties: another length"),
        ({"penalties": [["2"]]}, "penalties: another length"),
        ({"penalties": ["2", "2"]}, "penalties: another length"),
        ({"penalties": {"0": ["2"], "1": ["2"]}}, "penalties: another length"),
        ({"ridge": "-1/10"}, "ridge: must be ≥ 0"),
        ({"weights": ["1/2"]}, "weights: must sum to 1"),
        ({"weights": []}, "another length"),
        ({"weights": "1"}, "weights: another length"),
        ({"weights": None}, "TypeError"),
        ({"weights": ["2", "-1"], "curvature": ["-1", "-1"], "lipschitz": ["1", "1"], "rho": ["0", "0"],
          "penalties": [["2", "2"]] * 2}, "weights: must be > 0"),
        ({"heterogeneity": "-1"}, "heterogeneity: must be ≥ 0"),
        ({"heterogeneity": "1\nelse.json: PROVED. everything"}, "heterogeneity: not a fraction"),
        ({"heterogeneity": False}, "heterogeneity: not a fraction"),
        ({"heterogeneity": []}, "heterogeneity: not a fraction"),
        ({"warm": 1}, "warm: neither true nor false"),
        ({"warm": None}, "warm: neither true nor false"),
        ({"warm": "false"}, "warm: neither true nor false"),
        ({"order": "after"}, "order: not one of"),
        ({"order": None}, "order: not one of"),
        ({"metric": ["min_gradient"]}, "metric: not one of"),
        ({"initial": "value\n"}, "initial: not one of"),
        ({"theorem": "PISA"}, "theorem: not one of"),
        ({"theorem": ["pisa"]}, "theorem: not one of"),
        ({"theorem": DROPPED}, "KeyError: 'theorem'"),
        ({"theorem": "fedavg", "penalties": DROPPED, "warm": DROPPED, "rho": DROPPED, "order": DROPPED, "step": "0",
          "local_steps": 1}, "step: must be > 0"),
        ({"theorem": "fedavg", "penalties": DROPPED, "warm": DROPPED, "rho": DROPPED, "order": DROPPED, "step": "1",
          "local_steps": True}, "local_steps: not an integer"),
        ({"theorem": "fedavg", "penalties": DROPPED, "warm": DROPPED, "rho": DROPPED, "order": DROPPED, "step": "1",
          "local_steps": 40, "rounds": 40}, "local_steps: too long a run"),
    ],
)  # fmt: skip
def test_a_field_outside_its_domain_is_rejected_although_the_proof_does_not_use_it(parameters, reason):
    assert reason in rejection(universal(**parameters))


@pytest.mark.parametrize(
    ("name", "parameters", "reason"),
    [
        ("residual-nonconvex-ridge", {"sigma": "-3/2"}, "sigma: must be > 0"),
        ("residual-nonconvex-ridge", {"sigma": "0"}, "sigma: must be > 0"),
        ("residual-nonconvex-ridge", {"q_bound": "-1"}, "q_bound: must be ≥ 0"),
        ("residual-nonconvex-ridge", {"factor": "-1"}, "factor: must be ≥ 0"),
        ("residual-nonconvex-ridge", {"curvature": ["-1", "-1"]}, "curvature: another length"),
        ("lagrangian-nonconvex-any-q-sigma2", {"next_sigma": "1"}, "next_sigma: must be ≥ sigma"),
        ("lagrangian-nonconvex-any-q-sigma2", {"next_sigma": "-2"}, "next_sigma: must be > 0"),
        ("lagrangian-nonconvex-any-q-sigma2", {"curvature": ["5"]}, "curvature: must be < lipschitz"),
        ("lagrangian-nonconvex-any-q-sigma2", {"lipschitz": "1"}, "lipschitz: another length"),
        ("lagrangian-nonconvex-any-q-sigma2", {"order": "never"}, "order: not one of"),
    ],
)
def test_a_field_of_one_round_outside_its_domain_is_rejected(name, parameters, reason):
    document = shipped(name)
    document["parameters"] |= parameters
    assert reason in rejection(document)


def test_a_negative_bound_is_no_theorem():
    for name in ("residual-nonconvex-ridge", "lagrangian-nonconvex-any-q-sigma2", "nonconvex-kappa2-N1"):
        assert "bound: must be ≥ 0" in rejection({**shipped(name), "bound": "-5"})


@pytest.mark.parametrize(
    ("multipliers", "reason"),
    [
        ({}, "identity"),
        ([], "AttributeError"),
        (None, "AttributeError"),
        ({"metric 0": "0"}, "multipliers: must be > 0"),
        ({"metric 0": "-1"}, "multipliers: must be > 0"),
        ({"metric 00": "1"}, "multipliers: a name that no row has"),
        ({"metric  0": "1"}, "multipliers: a name that no row has"),
        ({"metric 0 ": "1"}, "multipliers: a name that no row has"),
        ({"metric -1": "1"}, "multipliers: a name that no row has"),
        ({"metric ٠": "1"}, "multipliers: a name that no row has"),
        ({"metric\t0": "1"}, "multipliers: a name that no row has"),
        ({"": "1"}, "multipliers: a name that no row has"),
        ({"Metric 0": "1"}, "multipliers: a name that no row has"),
        ({"metric 7": "1"}, "IndexError"),
        ({"metric": "1"}, "TypeError"),
        ({"metric 0 0": "1"}, "TypeError"),
        ({"wish 0": "1"}, "KeyError"),
        ({"observe 0": "1"}, "KeyError"),
    ],
)
def test_multipliers_name_rows_canonically_and_are_positive(multipliers, reason):
    assert reason in rejection({**universal(), "multipliers": multipliers})


def test_statement_and_seal_must_be_those_of_the_file():
    text = forged(universal())
    for find, put in (("≤ 2", "≤ 1"), ("N rounds", "N  rounds"), ('"seal": "', '"seal": "0')):
        assert text.count(find) >= 1
        assert accepted(text.replace(find, put, 1)) is None
    hypotheses = checker.verify(forged(universal(heterogeneity="0")))
    assert "∇F_i(w^k) - ∇F(w^k)" in hypotheses  # the hypothesis is printed also where ζ² = 0
    assert "heterogeneity: 0" in hypotheses


def test_hostile_files_get_one_line_each_and_exit_status_1(tmp_path):
    good = tmp_path / "nonconvex.json"
    good.write_text(forged(shipped("nonconvex-kappa2-N1")), encoding="utf-8")
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 200_000 + "]" * 200_000, encoding="utf-8")
    giant = tmp_path / "giant.json"
    giant.write_text(good.read_text(encoding="utf-8").replace('"rounds": 1', f'"rounds": {"9" * 5000}'), "utf-8")
    junk = tmp_path / "junk.bin"
    junk.write_bytes(bytes(range(256)) * 10)
    surrogate = tmp_path / "surrogate.json"
    surrogate.write_text('{"statement": "\\ud800\\u0007\\u001b[2J"}', encoding="utf-8")
    injected = tmp_path / "injected.json"
    injected.write_text(forged(universal(heterogeneity="1\nx.json: PROVED. everything")), encoding="utf-8")
    name = tmp_path / "a\nPROVED 'b.json': everything\x1b[2J.json"
    name.write_text("{}", encoding="utf-8")
    empty = tmp_path / "empty.json"
    empty.write_text("", encoding="utf-8")
    paths = [deep, giant, junk, surrogate, injected, name, empty, tmp_path, tmp_path / ("x" * 5000), good]
    result = bare(*paths)
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert [line.split(" ")[0] for line in lines] == ["REJECTED"] * 9 + ["PROVED"]
    assert all(line.isprintable() and len(line) < 450 for line in lines[:-1])
    assert not result.stderr


def test_an_output_that_knows_no_greek_is_no_rejection(tmp_path):
    path = tmp_path / "good.json"
    path.write_text(forged(universal()), encoding="utf-8")
    run = [sys.executable, "-S", str(SOURCE), str(path)]
    result = subprocess.run(run, capture_output=True, env={"PYTHONIOENCODING": "ascii"}, timeout=60)
    assert result.returncode == 0
    assert result.stdout.startswith(b"PROVED")


def test_no_factor_but_an_exact_number_multiplies():
    for factor in (None, True, 1.0, "1"):
        with pytest.raises(ValueError, match="no exact number"):
            checker.unknown("g") * factor


def test_the_square_test_stays_exact_where_a_row_cancels():
    tiny = Fraction(1, 10**40)
    crossed = checker.Form({("a", "b"): Fraction(1), ("b", "a"): Fraction(-1)})  # a·b − b·a is zero
    one = checker.Form({("c", "c"): Fraction(1), ("c", "d"): Fraction(2), ("d", "d"): 1 - tiny})
    assert not checker.is_sum_of_squares(crossed + one)
    assert checker.is_sum_of_squares(crossed + one + checker.Form({("d", "d"): tiny}))
    careless = mutant(("zero, names = Fraction(0), sorted", "zero, names = 0, sorted"))
    assert careless.is_sum_of_squares(careless.Form(crossed + one))  # an int 0 / 1 is a float, and rounds tiny away
