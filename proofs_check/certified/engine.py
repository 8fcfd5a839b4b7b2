"""Worst cases by a semidefinite program, lifted by hand and sent to Clarabel directly."""

import dataclasses
import functools
import importlib
from typing import Any

import numpy as np

from proofs_check.certified.algorithms import Trajectory, trajectory
from proofs_check.certified.inequalities import Matrix, Row, Rows, value_names
from proofs_check.certified.lemma import merge_clients
from proofs_check.certified.quadratic_runs import attained_value
from proofs_check.certified.setting import Setting

_CLOSE = 1e-6
"""The part of a value that the solver may leave open."""
_TINY = 1e-12


@dataclasses.dataclass(frozen=True)
class WorstCase:
    """What the solver found: value, status, the multipliers of ``rows``, the primal Gram matrix and values."""

    value: float
    status: str
    setting: Setting
    path: Trajectory
    rows: tuple[Row, ...]
    multipliers: Matrix
    gram: Matrix
    values: dict[str, float]


def worst_case_value(setting: Setting, *, lemma: bool = True) -> WorstCase:
    r"""Return the exact worst case of ``setting``; with ``lemma`` through its one-client form where the lemma allows.

    Cached in the process by the reduced question. ``status`` is "solved", "unbounded" (no finite bound: value inf) or
    "NotTrusted" with the solver's own word (value nan): the gap is too wide, or a run attains more. Where the program
    is too far out of scale the first iterate's $2(\sum\alpha_iL_i+\lambda)$ is the value if a run attains that.

    Raises:
        ModuleNotFoundError: Clarabel or SciPy is not installed.
    """
    found = solve(merge_clients(setting) if lemma else setting)
    if found.status == "unbounded":
        return found
    attained = float(attained_value(setting))
    if found.status != "solved":
        top = 2 * float(setting.smoothness)
        exact = (setting.metric, setting.initial) == ("min_gradient", "value") and attained >= top * (1 - _CLOSE)
        return dataclasses.replace(found, value=top, status="solved") if exact else found
    if attained > found.value * (1 + _CLOSE) + _TINY:
        return dataclasses.replace(found, value=float("nan"), status="NotTrusted (a run attains more)")
    return found


@functools.lru_cache(maxsize=512)
def solve(setting: Setting, *, margin: float = 0.0, pairs: str = "all") -> WorstCase:
    r"""Return the solution of the dual semidefinite program.

    $$\min_{y\ge0}\ \sum_j y_jc_j \quad\text{s.t.}\quad \sum_j y_j\varphi_j = 0,\ \ \sum_{\text{metric}} y_j = 1,\ \
    -\sum_j y_jQ_j \succeq \text{margin}\cdot I$$

    Its multipliers prove the bound; the dual variable of the matrix inequality is the worst function's Gram matrix.
    The metric's rows
    enter with + sign: $B - \text{metric} = \sum y_j\,\text{row}_j + \langle S, G\rangle$.
    """
    path = trajectory(setting)
    builder = Rows(setting, path)
    rows = (*builder.metric(), *builder.constraints(pairs))
    names = value_names(rows, path)
    equalities = _equalities(rows, names)
    right = np.eye(len(equalities))[-1]
    frame = common_range(np.stack([row.quadratic for row in rows]), equalities, right)
    answer, ray = _clarabel(rows, equalities, frame, margin)
    status = _status(answer, ray)
    value = {"solved": float(answer.obj_val), "unbounded": float("inf")}.get(status, float("nan"))
    dual, size = np.asarray(answer.z), frame.shape[1]
    gram = frame @ unpack(dual[len(dual) - size * (size + 1) // 2 :], size) @ frame.T
    values = dict(zip(names, dual[: len(names)].tolist(), strict=True))
    return WorstCase(value, status, setting, path, rows, np.asarray(answer.x), gram, values)


def _status(answer: Any, ray: float) -> str:
    """Return "solved" where the gap is below 1e-6 of the value itself, and the residuals below 1e-7.

    The solver's own word is not enough: it takes a value of 1e-8 with an absolute gap of 1e-9 for solved, where the
    true one is 18. "unbounded" needs the solver's ray of functions on which the metric grows: ``ray`` is its residual
    over its growth, so that multipliers below 1/ray prove no bound.
    """
    word = str(answer.status)
    if word in ("PrimalInfeasible", "AlmostPrimalInfeasible") and ray <= 1e-6:
        return "unbounded"
    gap = abs(answer.obj_val - answer.obj_val_dual)
    near = gap <= _CLOSE * abs(answer.obj_val) and max(answer.r_prim, answer.r_dual) <= 1e-7
    if word not in ("Solved", "AlmostSolved"):
        return word
    return "solved" if near else f"NotTrusted ({word})"


def _equalities(rows: tuple[Row, ...], names: tuple[str, ...]) -> Matrix:
    """Return the matrix of the linear identity: one line per function value, and the metric's line last."""
    place = {name: number for number, name in enumerate(names)}
    matrix = np.zeros((len(names) + 1, len(rows)))
    for column, row in enumerate(rows):
        for name, value in row.values.items():
            if name in place:
                matrix[place[name], column] = float(value)
        matrix[-1, column] = row.kind == "metric"
    return matrix


def common_range(matrices: Matrix, equalities: Matrix, right: Matrix, constant: Matrix | float = 0.0) -> Matrix:
    """Return an orthonormal basis of where S = constant − Σ y·matrix can differ from 0 if equalities·y = right.

    A translation, or a linear function moved from one client to another, changes no trajectory: S vanishes along it
    whenever the
    multipliers satisfy the identity, and without removing it the program has no interior. Found from a few random
    solutions of the
    identity (fixed seed; signs do not matter).
    """
    random = np.random.default_rng(0).standard_normal((8, len(matrices)))
    solutions = random - (random @ equalities.T - right) @ np.linalg.pinv(equalities).T
    samples = constant - np.tensordot(solutions, matrices, axes=1)
    # Singular values of the samples one above the other: a sum of squares would lose what is 1e-8 of the largest.
    _, sizes, vectors = np.linalg.svd(np.concatenate(list(samples)), full_matrices=False)
    return np.ascontiguousarray(vectors[sizes > 1e-10 * sizes[0]].T)


def _clarabel(rows: tuple[Row, ...], equalities: Matrix, frame: Matrix, margin: float) -> tuple[Any, float]:
    """Return Clarabel's solution of the program of `solve`, and how far its dual is from a ray of infeasibility."""
    clarabel, sparse = importlib.import_module("clarabel"), importlib.import_module("scipy.sparse")
    count, size = len(rows), frame.shape[1]
    columns, lines = np.tril_indices(size)
    scale = np.where(lines == columns, 1.0, np.sqrt(2.0))
    packed = np.stack([(frame.T @ row.quadratic @ frame)[lines, columns] * scale for row in rows], axis=1)
    matrix = np.concatenate([equalities, -np.eye(count), packed])
    right = np.concatenate(
        [np.zeros(len(equalities) - 1), [1.0], np.zeros(count), -margin * np.eye(size)[lines, columns]]
    )
    cones = [clarabel.ZeroConeT(len(equalities)), clarabel.NonnegativeConeT(count), clarabel.PSDTriangleConeT(size)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-9
    cost = np.array([float(row.constant) for row in rows])
    zero = sparse.csc_matrix((count, count))
    answer = clarabel.DefaultSolver(zero, cost, sparse.csc_matrix(matrix), right, cones, settings).solve()
    dual = np.asarray(answer.z)
    growth = -float(right @ dual)
    return answer, float(np.max(np.abs(matrix.T @ dual))) / growth if growth > 0 else float("inf")


def unpack(packed: Matrix, size: int) -> Matrix:
    """Return the symmetric matrix of a scaled column-major upper triangle."""
    matrix = np.zeros((size, size))
    start = 0
    for column in range(size):
        matrix[: column + 1, column] = packed[start : start + column + 1] / np.sqrt(2.0)
        matrix[column, column] *= np.sqrt(2.0)
        start += column + 1
    return np.asarray(matrix + matrix.T - np.diag(np.diag(matrix)))
