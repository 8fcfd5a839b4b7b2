"""The checker accepts what is proved, alone and with the standard library, and nothing that was changed."""

import ast
import copy
import json
import random
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from checker_cases import FILES, LONG_RUNS, SOURCE, accepted, document_of

from proofs_check.certified import checker
from proofs_check.certified.catalogue import FOLDER, THEOREMS
from proofs_check.certified.certificate import reword, serialise
from proofs_check.certified.one_step import Round
from proofs_check.certified.setting import Setting


def restated(document):
    """Return the document with the statement that its parameters and bound ask for, sealed again."""
    parameters = checker.read_parameters(document["parameters"])
    return {**document, "statement": checker.statement(parameters, Fraction(document["bound"]))}


def test_every_shipped_theorem_has_a_file_and_is_accepted():
    assert {path.name for path in FILES} == {theorem.path.name for theorem in THEOREMS}
    for path in FILES:
        assert document_of(path)["bound"] in checker.verify(path.read_text(encoding="utf-8"))


def test_checker_alone_with_a_bare_python_accepts_them_all(tmp_path):
    shutil.copy(SOURCE, tmp_path / "checker.py")
    names = [Path(shutil.copy(path, tmp_path)).name for path in FILES]
    command = [sys.executable, "-I", "-S", "checker.py", *names]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("PROVED") == len(FILES)


def test_checker_exits_1_on_a_rejected_file(tmp_path):
    document = document_of(FILES[0])
    document["bound"] = "1/1000"
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(document), encoding="utf-8")
    for words in ([str(bad)], [str(FILES[1]), str(bad)], [str(tmp_path / "absent.json")], []):
        command = [sys.executable, "-m", "proofs_check.certified.checker", *words]
        result = subprocess.run(command, cwd=SOURCE.parents[2], capture_output=True, text=True, timeout=60)
        assert result.returncode == (1 if words else 2)
        verdicts = [line.split(" ")[0] for line in result.stdout.splitlines()]
        assert len(verdicts) == len(words)
        assert ("REJECTED" in verdicts) == bool(words)
        assert ("usage" in result.stderr) == (not words)


def test_every_file_is_judged_after_a_rejected_one(tmp_path):
    names = [str(tmp_path / "absent.json"), str(FILES[0]), str(tmp_path), str(FILES[1])]
    result = subprocess.run([sys.executable, str(SOURCE), *names], capture_output=True, text=True, timeout=60)
    assert [line.split(" ")[0] for line in result.stdout.splitlines()] == ["REJECTED", "PROVED", "REJECTED", "PROVED"]
    assert result.returncode == 1


def test_a_new_wording_needs_no_solver_and_keeps_the_proof():
    old = document_of(FILES[3])
    text = reword(json.dumps({**old, "statement": "the words of another version", "seal": "0"}))
    assert text == FILES[3].read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="text"):
        reword(json.dumps({**old, "bound": "1/1000"}))


def test_checker_is_short_and_imports_the_standard_library_alone():
    text = SOURCE.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    assert "noqa" not in text
    assert "fmt:" not in text
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported <= sys.stdlib_module_names


def _tampered(rng, document):
    """Return a copy with one multiplier, the bound or the statement changed."""
    changed = copy.deepcopy(document)
    multipliers = changed["multipliers"]
    name = rng.choice(sorted(multipliers))
    value = Fraction(multipliers[name])
    kind = rng.randrange(8)
    if kind == 0:
        multipliers[name] = str(value + Fraction(1, rng.choice([10, 10**6, 10**12])))
    elif kind == 1:
        multipliers[name] = str(value * Fraction(rng.randrange(1, 9), 10))
    elif kind == 2:
        multipliers[name] = str(-value)
    elif kind == 3:
        del multipliers[name]
    elif kind == 4:
        multipliers["interpolation 0 0 1" if "interpolation 0 0 1" not in multipliers else "infimum 0"] = "1/7"
    elif kind == 5:
        changed["bound"] = str(Fraction(changed["bound"]) + rng.choice([-1, 1]) * Fraction(1, rng.choice([100, 10**9])))
    elif kind == 6:
        place = rng.randrange(len(changed["statement"]))
        changed["statement"] = changed["statement"][:place] + "7" + changed["statement"][place:]
    else:
        changed["statement"] = changed["statement"].replace("min", "max").replace("at least", "at most")
    return changed


def test_random_tamperings_are_rejected_with_the_old_seal():
    rng = random.Random(0)
    tried = 0
    for _ in range(400):
        document = document_of(rng.choice(FILES))
        changed = _tampered(rng, document)
        if changed != document:
            tried += 1
            assert accepted(json.dumps(changed, ensure_ascii=False)) is None
    assert tried >= 300


def test_random_tamperings_of_worst_cases_are_rejected_by_mathematics_alone():
    # The seal is made anew, and a changed bound gets its own statement: only the identity can object.
    rng = random.Random(1)
    tried = 0
    for _ in range(300):
        theorem = rng.choice(LONG_RUNS)
        document = document_of(theorem.path)
        changed = _tampered(rng, document)
        if changed == document:
            continue
        if changed["bound"] != document["bound"]:
            changed = restated(changed)
        tried += 1
        assert accepted(serialise(changed)) is None, (theorem.name, changed)
    assert tried >= 250


def test_a_larger_decrease_than_proved_is_rejected_by_mathematics():
    for theorem in THEOREMS:
        if isinstance(theorem.question, Round):
            document = document_of(theorem.path)
            document["bound"] = str(Fraction(document["bound"]) + Fraction(1, 500))
            assert accepted(serialise(restated(document))) is None, theorem.name


@pytest.mark.parametrize(
    "change",
    [
        {"penalties": [["7/4"]] * 6},
        {"penalties": [["2"]] * 5 + [["3"]]},
        {"penalties": [["2"]] * 7},
        {"rho": ["1/2"]},
        {"ridge": "1/10"},
        {"ridge": "-1/10"},
        {"warm": True},
        {"warm": "no"},
        {"order": "after_solve"},
        {"order": "whenever"},
        {"lipschitz": ["3/2"], "curvature": ["-3/2"]},
        {"lipschitz": ["3/4"], "curvature": ["-3/4"]},
        {"curvature": ["0"]},
        {"curvature": ["2"]},
        {"curvature": []},
        {"weights": ["1/2"]},
        {"weights": ["1/2", "1/2"]},
        {"rounds": 4},
        {"rounds": 5.0},
        {"rounds": 10**6},
        {"metric": "last_gradient"},
        {"metric": "pisa"},
        {"initial": "distance"},
        {"initial": "min_gradient"},
        {"heterogeneity": "1"},
        {"theorem": "admm"},
        {"extra": 1},
    ],
)
def test_a_changed_parameter_is_rejected_or_proves_the_changed_theorem(change):
    pytest.importorskip("clarabel")
    from proofs_check.certified.engine import solve

    document = document_of(FOLDER / "nonconvex-kappa2-N5.json")
    document["parameters"] |= change
    with pytest.raises((ValueError, KeyError, TypeError, IndexError, AttributeError)):
        checker.verify(serialise(document))
    try:
        statement = checker.verify(serialise(restated(document)))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, ZeroDivisionError):
        return
    given = document["parameters"]
    assert given != document_of(FOLDER / "nonconvex-kappa2-N5.json")["parameters"]
    classes = {"-1": "nonconvex", "-3/4": "nonconvex", "0": "convex"}
    question = Setting(
        function_class=classes[given["curvature"][0]],
        rounds=given["rounds"],
        lipschitz=tuple(map(Fraction, given["lipschitz"])),
        penalties=tuple(tuple(map(Fraction, row)) for row in given["penalties"]),
        heterogeneity=None if given["heterogeneity"] is None else Fraction(given["heterogeneity"]),
        order=given["order"],
    )
    assert solve(question).value <= float(Fraction(document["bound"])) + 1e-7
    assert json.dumps(change).strip("{}").replace('"', "").split(",")[0] in statement


@pytest.mark.parametrize(
    ("find", "put"),
    [
        ('"bound": "', '"bound": "2/4'),
        ('"ridge": "0"', '"ridge": "0", "ridge": "0"'),
        ('"ridge": "0"', '"ridge": 0.0'),
        ('"ridge": "0"', '"ridge": NaN'),
        ('"ridge": "0"', '"ridge": "0", "more": "0"'),
        ('"ridge": "0"', '"ridge": "0/1"'),
        ('"ridge": "0"', '"ridge": "00"'),
        ('"ridge": "0"', f'"ridge": "{"9" * 500}"'),
        ('"rounds": 1', f'"rounds": {"9" * 50}'),
        ('"rounds": 1', '"rounds": -1'),
        ('"seal"', '"spare": 1, "seal"'),
    ],
)
def test_malformed_files_are_rejected_even_when_sealed(find, put):
    text = (FOLDER / "nonconvex-kappa2-N1.json").read_text(encoding="utf-8")
    assert find in text
    changed = text.replace(find, put, 1)
    assert accepted(changed) is None
    document = json.loads(changed)
    if document != json.loads(text) and "spare" not in document:  # a repeated key is lost on reading
        assert accepted(serialise(document)) is None
