"""The two checkers of certificates agree: the readable one in Python and the one that Coq proves sound."""

import copy
import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from proofs_check.certified import checker
from proofs_check.formal.export import CERTIFICATES, ONE_ROUND, Terms, read_terms

SOURCES = Path(__file__).parents[2] / "proofs_check" / "formal" / "coq"
NEEDED = ("Space", "Smooth", "Algorithm", "Coordinates", "Curvature", "Runs", "Checker", "OneRound")
MUTATED = (
    "nonconvex-kappa2-N2",
    "convex-kappa2-N2",
    "nonconvex-warm-N1",
    "convex-rho1-N5",
    "convex-gradient-descent-N1",
    "nonconvex-gamma3over4-after_solve-N5",
    "convex-ridge-warm-N4",
    "strongly-convex-two-clients-N3",
    "convex-distance-last_value-N5",
    "lagrangian-convex-any-q-sigma2",
    "lagrangian-nonconvex-gamma3over4-after_solve",
    "residual-nonconvex-ridge",
    "residual-nonconvex-sigma31over20-beta0",
)


LARGE = ("nonconvex-unequal-rho-zeta1-N4", "nonconvex-exact-admm-N3", "nonconvex-fedavg-two-steps-N3")
"""Seconds each: these are changed in fewer ways."""


def scaled(text: str, factor: str) -> str:
    return str(Fraction(text) * Fraction(factor))


def scale_bound(document: dict[str, Any], factor: str) -> None:
    document["bound"] = scaled(document["bound"], factor)


def scale_row(document: dict[str, Any], factor: str, place: int) -> None:
    name = sorted(document["multipliers"])[place]
    document["multipliers"][name] = scaled(document["multipliers"][name], factor)


def swap_rows(document: dict[str, Any]) -> None:
    first, second = sorted(document["multipliers"])[:2]
    rows = document["multipliers"]
    rows[first], rows[second] = rows[second], rows[first]


def scale_penalties(document: dict[str, Any], factor: str, first: int) -> None:
    p = document["parameters"]
    for name in ("sigma", "next_sigma", "step"):
        if name in p:
            p[name] = scaled(p[name], factor)
    for k, row in enumerate(p.get("penalties", [])):
        p["penalties"][k] = [scaled(x, factor) if k >= first else x for x in row]


def change(document: dict[str, Any], key: str, value: Any) -> None:
    if key in document["parameters"]:
        document["parameters"][key] = value


def scale_all(document: dict[str, Any], key: str, factor: str) -> None:
    document["parameters"][key] = [scaled(x, factor) for x in document["parameters"][key]]


MUTATIONS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a bound 1 % lower": lambda d: scale_bound(d, "99/100"),
    "a bound 1 % higher": lambda d: scale_bound(d, "101/100"),
    "the first row twice": lambda d: scale_row(d, "2", 0),
    "the last row nudged": lambda d: scale_row(d, "1000001/1000000", -1),
    "the first row dropped": lambda d: d["multipliers"].pop(sorted(d["multipliers"])[0]),
    "the last row dropped": lambda d: d["multipliers"].pop(sorted(d["multipliers"])[-1]),
    "two rows swapped": swap_rows,
    "penalties doubled": lambda d: scale_penalties(d, "2", 0),
    "penalties 1 % higher": lambda d: scale_penalties(d, "101/100", 0),
    "later penalties 1 % higher": lambda d: scale_penalties(d, "101/100", 1),
    "the other order": lambda d: change(d, "order", "after_solve"),
    "the other start": lambda d: change(d, "warm", not d["parameters"].get("warm")),
    "another metric": lambda d: change(d, "metric", "last_gradient"),
    "another initial": lambda d: change(d, "initial", "distance"),
    "no heterogeneity": lambda d: change(d, "heterogeneity", None),
    "a ridge": lambda d: change(d, "ridge", "1/7"),
    "a smaller preconditioner": lambda d: change(d, "q_bound", "1/10"),
    "rougher functions": lambda d: scale_all(d, "lipschitz", "11/10"),
    "smoother functions": lambda d: scale_all(d, "lipschitz", "9/10"),
    "less nonconvex functions": lambda d: scale_all(d, "curvature", "9/10"),
}


FEW = ("a bound 1 % lower", "the first row dropped", "penalties 1 % higher", "no heterogeneity")


def python_accepts(document: dict[str, Any]) -> bool:
    """Return whether checker.py accepts the document with the statement that it asks for and a fresh seal."""
    try:
        statement = checker.statement(fractions(document["parameters"]), Fraction(document["bound"]))
        body = {**document, "statement": statement}
        del body["seal"]
        seal = hashlib.sha256(json.dumps(list(body.values()), ensure_ascii=False).encode()).hexdigest()
        checker.verify(json.dumps({**body, "seal": seal}))
    except Exception:
        return False
    return True


def fractions(value: Any) -> Any:
    if isinstance(value, dict | list):
        return {key: fractions(x) for key, x in value.items()} if isinstance(value, dict) else [*map(fractions, value)]
    return Fraction(value) if isinstance(value, str) and value.strip("-/0123456789") == "" else value


def coq_verdicts(cases: list[Terms], library: str, folder: Path) -> list[bool]:
    """Return what Coq's checker says of every case, in one run of coqc."""
    lines = [f"From PISA Require Import {library}.", "Open Scope list_scope."]
    lines.append("Eval vm_compute in [" + ";\n".join(case.check for case in cases) + "].")
    (folder / "Verdicts.v").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = coqc(folder, "Verdicts")
    verdicts = re.findall(r"\b(true|false)\b", run.stdout)
    assert len(verdicts) == len(cases), run.stdout[-300:]
    return [verdict == "true" for verdict in verdicts]


def coqc(folder: Path, module: str) -> subprocess.CompletedProcess[str]:
    command = ["coqc", "-q", "-w", "none", "-Q", ".", "PISA", f"{module}.v"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr[-500:]
    return run


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two checkers compiled."""
    if shutil.which("coqc") is None:
        pytest.skip("coqc is not installed")
    folder = tmp_path_factory.mktemp("coq")
    for module in NEEDED:
        shutil.copy(SOURCES / f"{module}.v", folder)
        coqc(folder, module)
    return folder


def verdicts_of(documents: dict[str, dict[str, Any]], folder: Path) -> dict[str, bool]:
    found = {}
    for one_round, module in ((False, "Checker"), (True, "OneRound")):
        terms = {name: read_terms(document) for name, document in documents.items()}
        cases = {name: case for name, case in terms.items() if (case.file == ONE_ROUND) == one_round}
        found |= dict(zip(cases, coq_verdicts(list(cases.values()), module, folder), strict=True))
    return found


@pytest.mark.slow
def test_both_checkers_accept_every_shipped_certificate(library):
    documents = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in CERTIFICATES.glob("*.json")}
    verdicts = verdicts_of(documents, library)
    assert all(python_accepts(document) for document in documents.values())
    assert len(verdicts) == len(documents) > 0
    assert all(verdicts.values()), [name for name, accepted in verdicts.items() if not accepted]


@pytest.mark.slow
def test_the_two_checkers_agree_on_wrong_and_changed_certificates(library):
    mutants = {}
    for stem in (*MUTATED, *LARGE):
        original = json.loads((CERTIFICATES / f"{stem}.json").read_text(encoding="utf-8"))
        for words in FEW if stem in LARGE else MUTATIONS:
            mutant = copy.deepcopy(original)
            MUTATIONS[words](mutant)
            if mutant != original:
                mutants[f"{stem}, {words}"] = mutant
    ours = {name: python_accepts(mutant) for name, mutant in mutants.items()}
    theirs = verdicts_of(mutants, library)
    assert len(mutants) >= 60
    assert min(sum(ours.values()), len(ours) - sum(ours.values())) >= 10, "one verdict is hardly ever met"
    assert ours == theirs, [name for name in mutants if ours[name] != theirs[name]]
