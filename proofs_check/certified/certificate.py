"""From a solver's floats to an exact proof: round, repair the identity, let the checker judge, write JSON."""

import hashlib
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from proofs_check.certified import checker
from proofs_check.certified.algorithms import Form
from proofs_check.certified.engine import WorstCase, solve, worst_case_value
from proofs_check.certified.setting import Setting

_CLOSE = 1e-2
"""The part of a worst case that a certificate may lose if a closer one is to be had."""


def parameters_of(setting: Setting) -> dict[str, Any]:
    """Return the setting in the certificate's words: integers, texts and fractions 'p/q'."""
    common = {
        "theorem": setting.method,
        "curvature": _texts(setting.curvature),
        "lipschitz": _texts(setting.lipschitz),
        "ridge": str(setting.ridge),
        "weights": _texts(setting.weights),
        "rounds": setting.rounds,
        "metric": setting.metric,
        "initial": setting.initial,
        "heterogeneity": None if setting.heterogeneity is None else str(setting.heterogeneity),
    }
    if setting.method == "fedavg":
        return {**common, "step": str(setting.step), "local_steps": setting.local_steps}
    penalties = [_texts(row) for row in setting.penalties]
    own = {"penalties": penalties, "warm": setting.warm}
    return {
        **common,
        **own,
        **({"rho": _texts(setting.rho), "order": setting.order} if setting.method == "pisa" else {}),
    }


def _texts(values: Sequence[Fraction]) -> list[str]:
    return [str(value) for value in values]


def certify(setting: Setting, *, slack: float = 1e-4) -> str:
    r"""Return a verified certificate whose bound exceeds the exact worst case by at most ``slack``.

    First the bound of $w^0$ alone, $\|\nabla F_\lambda(w^0)\|^2\le2(\sum\alpha_iL_i+\lambda)$, where that is the
    worst case: no multiplier but three differs from 0 there, and no margin is left to round them. Then in order: only
    consecutive pairs of points, then all; a margin $S \succeq \varepsilon I$ that leaves room for rounding, from large
    to small. The first within `_CLOSE` of the worst case itself is taken, the closest where none is.

    Raises:
        ValueError: no bound exists, or no try stayed within ``slack``; the message says which.
    """
    if (text := _of_the_start(setting, slack)) is not None:
        return text
    best = solve(setting)
    if best.status != "solved":
        raise ValueError(f"setting: the solver says {best.status!r}; there is nothing to certify")
    closest: tuple[Fraction, str] | None = None
    for pairs in ("consecutive", "all"):
        for margin in (1e-4, 1e-5, 1e-6, 1e-7):
            answer = solve(setting, margin=margin, pairs=pairs)
            if answer.status != "solved" or answer.value > best.value + slack:
                continue
            text = _attempt(answer)
            if text is None:
                continue
            if closest is None or bound_of(text) < closest[0]:
                closest = (bound_of(text), text)
            if closest[0] <= best.value * (1 + _CLOSE):
                return closest[1]
    if closest is None:
        raise ValueError(f"setting: no rational certificate within {slack:g} of {best.value:.9g} was found")
    return closest[1]


def bound_of(text: str) -> Fraction:
    """Return the bound that the certificate ``text`` proves."""
    return Fraction(json.loads(text)["bound"])


def _of_the_start(setting: Setting, slack: float) -> str | None:
    """Return the certificate of the gradient at w⁰ where no later gradient lowers the worst case, else None."""
    if (setting.metric, setting.initial) != ("min_gradient", "value"):
        return None
    bound, known = 2 * setting.smoothness, worst_case_value(setting)
    if known.status != "solved" or bound > known.value + min(slack, _CLOSE * known.value):
        return None
    multipliers = {"metric 0": Fraction(1), "infimum 0": bound, "initial": bound}
    return certificate_text(parameters_of(setting), bound, multipliers)


def _attempt(answer: WorstCase, *, digits: int = 9) -> str | None:
    """Return the certificate of the rounded and repaired multipliers, or None where the checker rejects it."""
    columns = [
        (_name(row.kind, row.index), _linear(row), row.constant, float(value))
        for row, value in zip(answer.rows, answer.multipliers, strict=True)
        if value > 10.0**-digits
    ]
    right = {"metric": Fraction(1)}
    solution = to_rationals([c[1] for c in columns], [c[3] for c in columns], right, digits=digits)
    if solution is None:
        return None
    multipliers = {column[0]: value for column, value in zip(columns, solution, strict=True) if value}
    bound = sum((column[2] * value for column, value in zip(columns, solution, strict=True)), Fraction(0))
    return certificate_text(parameters_of(answer.setting), bound, multipliers)


def _name(kind: str, index: Sequence[int]) -> str:
    return " ".join([kind, *map(str, index)])


def _linear(row: Any) -> Form:
    """Return what a row adds to the linear part of the identity: function values, and the metric itself."""
    return {**row.values, "metric": Fraction(1)} if row.kind == "metric" else dict(row.values)


def to_rationals(
    columns: Sequence[Form], values: Sequence[float], right: Form, *, digits: int
) -> list[Fraction] | None:
    """Return fractions near ``values`` with Σ value · column = ``right`` exactly, None where one would be negative.

    The largest values become the basic unknowns of an exact elimination, the others are rounded to ``digits`` digits.
    """
    order = sorted(range(len(columns)), key=lambda place: -values[place])
    basis: list[tuple[str, int]] = []
    reduced: list[Form] = []
    for place in order:
        column = dict(columns[place])
        for (name, _), pivot in zip(basis, reduced, strict=True):
            column = _eliminate(column, pivot, name)
        if column:
            name = next(iter(column))
            scale = column[name]
            reduced.append({key: value / scale for key, value in column.items()})
            basis.append((name, place))
    free = {place: round(Fraction(values[place]), digits) for place in range(len(columns))}
    basic = [place for _, place in basis]
    target = dict(right)
    for place in set(free) - set(basic):
        target = _minus(target, columns[place], free[place])
    solution = _solve([columns[place] for place in basic], target)
    if solution is None or min(solution) <= 0:
        return None
    free.update(zip(basic, solution, strict=True))
    return [free[place] for place in range(len(columns))]


def _minus(form: Form, other: Form, factor: Fraction) -> Form:
    result = dict(form)
    for name, value in other.items():
        result[name] = result.get(name, Fraction(0)) - factor * value
    return {name: value for name, value in result.items() if value}


def _eliminate(form: Form, pivot: Form, name: str) -> Form:
    return _minus(form, pivot, form[name]) if name in form else form


def _solve(columns: Sequence[Form], right: Form) -> list[Fraction] | None:
    """Return the exact solution of a system with independent columns, or None where it has none."""
    names = sorted({name for column in columns for name in column} | set(right))
    table = [[column.get(name, Fraction(0)) for column in columns] + [right.get(name, Fraction(0))] for name in names]
    width = len(columns)
    for pivot in range(width):
        line = next(row for row in range(pivot, len(table)) if table[row][pivot])
        table[pivot], table[line] = table[line], table[pivot]
        table[pivot] = [value / table[pivot][pivot] for value in table[pivot]]
        for row in range(len(table)):
            if row != pivot and table[row][pivot]:
                factor = table[row][pivot]
                table[row] = [a - factor * b for a, b in zip(table[row], table[pivot], strict=True)]
    return None if any(row[-1] for row in table[width:]) else [row[-1] for row in table[:width]]


def certificate_text(parameters: dict[str, Any], bound: Fraction, multipliers: dict[str, Fraction]) -> str | None:
    """Return the certificate with the checker's own statement and a seal, None where the checker rejects it."""
    document: dict[str, Any] = {
        "parameters": parameters,
        "bound": str(bound),
        "multipliers": {name: str(value) for name, value in multipliers.items()},
        "statement": checker.statement(checker.read_parameters(parameters), bound),
    }
    text = serialise(document)
    try:
        checker.verify(text)
    except ValueError:
        return None
    return text


def reword(text: str) -> str:
    """Return the certificate with the checker's present statement and a new seal; no solver is needed.

    Parameters, bound and multipliers stay as they are.

    Raises:
        ValueError: the checker rejects it all the same.
    """
    document = json.loads(text)
    multipliers = {name: Fraction(value) for name, value in document["multipliers"].items()}
    new = certificate_text(document["parameters"], Fraction(document["bound"]), multipliers)
    if new is None:
        raise ValueError("text: the checker rejects this certificate whatever its statement and seal")
    return new


def serialise(document: dict[str, Any]) -> str:
    """Return ``document`` with its seal as the text of a file."""
    body = {name: document[name] for name in ("parameters", "bound", "multipliers", "statement")}
    seal = hashlib.sha256(json.dumps(list(body.values()), ensure_ascii=False).encode()).hexdigest()
    return json.dumps({**body, "seal": seal}, indent=1, ensure_ascii=False) + "\n"


def save(path: Path, text: str) -> None:
    """Write a certificate."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
