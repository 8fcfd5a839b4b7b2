"""The largest decrease that one round of PISA guarantees, its certificate, and what breaks a false one."""

import dataclasses
import functools
import importlib
import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.certified.certificate import certificate_text, to_rationals
from proofs_check.certified.engine import common_range, unpack
from proofs_check.certified.inequalities import Matrix
from proofs_check.certified.one_step import Block, Round, block


@dataclasses.dataclass(frozen=True)
class Decrease:
    """The largest constant of the decrease, status ("solved" or the solver's word), factor a and multipliers."""

    constant: float
    status: str
    factor: float
    multipliers: dict[str, float]


@functools.lru_cache(maxsize=256)
def best_decrease(question: Round, *, free_factor: bool = False, margin: float = 0.0) -> Decrease:
    r"""Return the largest c with potential⁺ ≤ potential − c‖gradient‖², over a too where ``free_factor``.

    Unknowns: the multipliers (below 1e5), the change of a, c. Constraints: the function values cancel, and fall −
    c·goal −
    Σ multiplier · row ⪰ margin · I for the means and for the deviations.

    Raises:
        ModuleNotFoundError: Clarabel or SciPy is not installed.
    """
    clarabel = importlib.import_module("clarabel")
    blocks = [block(question, mean) for mean in (True, False)]
    names = tuple(blocks[0].rows)
    linear, right = _linear_part(question, names, free_factor)
    cones = [clarabel.ZeroConeT(linear[0].shape[0]), clarabel.NonnegativeConeT(linear[1].shape[0])]
    for one in blocks:
        lines, bound, _ = _matrix_part(one, names, (linear[0], right[0]), margin)
        linear.append(lines)
        right.append(bound)
        cones.append(clarabel.PSDTriangleConeT(math.isqrt(2 * len(bound))))
    answer = _solved(np.concatenate(linear), np.concatenate(right), cones)
    x, status = np.asarray(answer.x), str(answer.status)
    solved = status in ("Solved", "AlmostSolved")
    return Decrease(
        constant=float(x[-1]) if solved else -math.inf,
        status="solved" if solved else status,
        factor=float(question.factor) + float(x[-2]),
        multipliers=dict(zip(names, x[:-2].tolist(), strict=True)),
    )


def _ends(question: Round, name: str) -> dict[str, int]:
    """Return what a row adds to the function values."""
    letters = "gahb" if question.potential == "lagrangian" else "gh"
    kind, *index = name.split()
    return {} if kind == "sector" else {"f" + letters[int(index[0])]: 1, "f" + letters[int(index[1])]: -1}


def _target(question: Round) -> dict[str, int]:
    """Return the function values in the potential's fall."""
    return {"fa": 1, "fb": -1} if question.potential == "lagrangian" else {"fg": 1, "fh": -1}


def _linear_part(question: Round, names: tuple[str, ...], free_factor: bool) -> tuple[list[Matrix], list[Matrix]]:
    """Return the equalities (values cancel; a stays unless free) and inequalities (0 ≤ multiplier ≤ 1e5)."""
    count, target = len(names), _target(question)
    letters = ("fg", "fa", "fh") if question.potential == "lagrangian" else ("fg",)
    values = np.array(
        [[float(_ends(question, name).get(letter, 0)) for name in names] + [0.0, 0.0] for letter in letters]
    )
    fixed = np.eye(1 - free_factor, count + 2, count)
    right = np.array([float(target.get(letter, 0)) for letter in letters] + [0.0] * (1 - free_factor))
    signs = np.concatenate([-np.eye(count, count + 2), np.eye(count, count + 2)])
    return [np.concatenate([values, fixed]), signs], [right, np.concatenate([np.zeros(count), np.full(count, 1e5)])]


def _matrix_part(
    one: Block, names: tuple[str, ...], equalities: tuple[Matrix, Matrix], margin: float
) -> tuple[Matrix, Matrix, Matrix]:
    """Return lines and right side of the matrix inequality where S can differ from 0, and those directions."""
    columns = [*(one.rows[name] for name in names), -one.free, one.goal]
    frame = common_range(np.stack(columns), *equalities, one.fall)
    column, line = np.tril_indices(frame.shape[1])
    scale = np.where(column == line, 1.0, np.sqrt(2.0))

    def packed(matrix: Matrix) -> Matrix:
        return np.asarray((frame.T @ matrix @ frame)[line, column] * scale)

    floor = margin * np.eye(frame.shape[1])[line, column]
    return np.stack([packed(matrix) for matrix in columns], axis=1), packed(one.fall) - floor, frame


def _solved(matrix: Matrix, right: Matrix, cones: list[Any]) -> Any:
    """Return Clarabel's answer to: maximise the last unknown subject to right − matrix·x in the cones."""
    clarabel, sparse = importlib.import_module("clarabel"), importlib.import_module("scipy.sparse")
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    size = matrix.shape[1]
    cost = -np.eye(1, size, size - 1)[0]
    zero = sparse.csc_matrix((size, size))
    return clarabel.DefaultSolver(zero, cost, sparse.csc_matrix(matrix), right, cones, settings).solve()


@dataclasses.dataclass(frozen=True)
class Rise:
    """The steepest rise of a potential over one round: rise, status, Gram matrix of `NAMES`, function values."""

    rise: float
    status: str
    gram: Matrix
    values: dict[str, float]


def steepest_rise(question: Round) -> Rise:
    """Return the largest rise of the potential for one client, the squared norms of the vectors adding up to 1.

    Raises:
        ModuleNotFoundError: Clarabel or SciPy is not installed.
    """
    clarabel = importlib.import_module("clarabel")
    one = block(question, True)
    names = tuple(one.rows)
    linear, right = _linear_part(question, names, False)
    frame = common_range(np.stack([*one.rows.values()]), linear[0][:-1, :-2], right[0][:-1], one.fall)
    unit = dataclasses.replace(one, goal=frame @ frame.T)
    lines, bound, frame = _matrix_part(unit, names, (linear[0], right[0]), 0.0)
    cones = [
        clarabel.ZeroConeT(linear[0].shape[0]),
        clarabel.NonnegativeConeT(linear[1].shape[0]),
        clarabel.PSDTriangleConeT(frame.shape[1]),
    ]
    answer = _solved(np.concatenate([*linear, lines]), np.concatenate([*right, bound]), cones)
    dual = np.asarray(answer.z)
    gram = frame @ unpack(dual[len(dual) - len(bound) :], frame.shape[1]) @ frame.T
    letters = ("fg", "fa", "fh") if question.potential == "lagrangian" else ("fg",)
    values = dict(zip(letters, dual[: len(letters)].tolist(), strict=True))
    return Rise(-float(np.asarray(answer.x)[-1]), str(answer.status), gram, values)


def certify_decrease(question: Round, *, slack: float = 1e-4, free_factor: bool = False) -> str:
    r"""Return a verified certificate of potential⁺ ≤ potential − c‖gradient‖², c within ``slack`` of the best.

    Raises:
        ValueError: no c ≥ 0 exists for this question, or no rounded proof was accepted.
    """
    best = best_decrease(question, free_factor=free_factor)
    if best.status != "solved" or best.constant < 0:
        raise ValueError(f"question: the solver finds no decrease ({best.status}, c = {best.constant:g})")
    for margin, digits in itertools.product((1e-4, 1e-5, 1e-6, 1e-7), (9, 12)):
        answer = best_decrease(question, free_factor=free_factor, margin=margin)
        if free_factor:
            fixed = dataclasses.replace(question, factor=round(Fraction(answer.factor), 6))
            answer = best_decrease(fixed, margin=margin / 2)
        else:
            fixed = question
        text = _attempt(fixed, answer, best.constant - slack, margin=margin, digits=digits)
        if text is not None:
            return text
    raise ValueError(f"question: no rational certificate within {slack:g} of c = {best.constant:.9g} was found")


def _attempt(question: Round, answer: Decrease, least: float, *, margin: float, digits: int) -> str | None:
    """Return the certificate of the rounded multipliers, None where c falls below ``least`` or the checker rejects."""
    constant = (
        max(Fraction(math.floor((answer.constant - margin) * 10**6), 10**6), Fraction(0))
        if answer.constant > -1
        else None
    )
    if answer.status != "solved" or constant is None or float(constant) < least:
        return None
    kept = {name: value for name, value in answer.multipliers.items() if value > 10.0**-digits}
    columns = [{letter: Fraction(value) for letter, value in _ends(question, name).items()} for name in kept]
    target = {letter: Fraction(value) for letter, value in _target(question).items()}
    solution = to_rationals(columns, list(kept.values()), target, digits=digits)
    if solution is None:
        return None
    multipliers = {name: value for name, value in zip(kept, solution, strict=True) if value}
    return certificate_text(question.parameters, constant, multipliers)
