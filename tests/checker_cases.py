"""What the tests of the checker share: documents, forgeries and mutants."""

import copy
import json
import types
from fractions import Fraction
from pathlib import Path

from proofs_check.certified import checker
from proofs_check.certified.catalogue import FOLDER, THEOREMS
from proofs_check.certified.certificate import serialise
from proofs_check.certified.setting import Setting

LONG_RUNS = [theorem for theorem in THEOREMS if isinstance(theorem.question, Setting)]
SOURCE = Path(checker.__file__)
FILES = sorted(FOLDER.glob("*.json"))
FORGED = Path(__file__).parent / "forged_certificates"
"""False theorems that an earlier checker called proved."""


def document_of(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def shipped(name):
    return document_of(FOLDER / f"{name}.json")


def accepted(text, module=checker):
    try:
        return module.verify(text)
    except Exception:
        return None


def rejection(document):
    """Return why the checker rejects the document with the statement it asks for and a fresh seal."""
    try:
        checker.verify(forged(document))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "PROVED"


def loose(value):
    """Return JSON with every text that Fraction reads as a fraction: what a careless reader would take it for."""
    if isinstance(value, list):
        return [loose(entry) for entry in value]
    if isinstance(value, dict):
        return {name: loose(entry) for name, entry in value.items()}
    try:
        return Fraction(value) if isinstance(value, str) else value
    except (ValueError, ZeroDivisionError):
        return value


def forged(document):
    """Return the text with the statement that careless reading would print, where it prints one, and a fresh seal."""
    document = copy.deepcopy(document)
    try:
        document["statement"] = checker.statement(loose(document["parameters"]), loose(document["bound"]))
    except Exception:
        document.setdefault("statement", "")
    return serialise(document)


def universal(**parameters):
    """Return the certificate of min ‖∇F_λ(w^k)‖² ≤ 2(L + λ)(F_λ(w^0) − inf F_λ), which needs w^0 alone.

    It proves its theorem for every valid choice of the parameters, so that only the reading of them can object.
    """
    base = copy.deepcopy(shipped("nonconvex-kappa2-N1")["parameters"])
    given = {name: value for name, value in {**base, **parameters}.items() if value is not DROPPED}
    try:
        smoothness = sum(map(Fraction, given["lipschitz"])) / len(given["lipschitz"]) + Fraction(given["ridge"])
    except (TypeError, ValueError, ZeroDivisionError):
        smoothness = Fraction(1)
    bound = str(2 * smoothness)
    return {"parameters": given, "bound": bound, "multipliers": {"metric 0": "1", "infimum 0": bound, "initial": bound}}


DROPPED = object()


def mutant(*changes):
    """Return the checker with texts of its source replaced; each must occur exactly once."""
    source = SOURCE.read_text(encoding="utf-8")
    for find, put in changes:
        assert source.count(find) == 1, (source.count(find), find)
        source = source.replace(find, put)
    module = types.ModuleType("mutant")
    exec(compile(source, "mutant.py", "exec"), module.__dict__)
    return module
