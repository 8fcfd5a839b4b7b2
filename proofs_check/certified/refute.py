"""Witnesses: the worst function of a semidefinite program made explicit, and replayed through the ordinary run."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity
from pisa_lab.problem import FunctionProblem, from_functions
from pisa_lab.schedules import Function
from proofs_check.certified.algorithms import Form
from proofs_check.certified.certificate import parameters_of
from proofs_check.certified.engine import WorstCase
from proofs_check.certified.inequalities import Matrix
from proofs_check.certified.interpolant import Interpolant

Instance = Mapping[str, Any]
RANK = 1e-6
"""Eigenvalues of a Gram matrix below this share of the largest are the solver's noise (it stops at 1e-9)."""


def worst_function(answer: WorstCase) -> dict[str, Any]:
    """Return the JSON-able instance of the function at which the worst case of a PISA setting is attained.

    Raises:
        ValueError: the answer is not a solved one of PISA without w* (its functions are read at the iterates alone).
    """
    if answer.status != "solved" or answer.setting.method != "pisa" or answer.setting.minimiser:
        raise ValueError(
            f"answer: a solved setting of PISA with initial 'value' is needed, this one is {answer.status!r}"
        )
    frame = coordinates(answer.gram)
    places = {name: number for number, name in enumerate(answer.path.basis)}

    def locate(form: Form) -> list[float]:
        vector = sum((float(c) * frame[places[name]] for name, c in form.items()), np.zeros(frame.shape[1]))
        return [float(entry) for entry in np.asarray(vector)]

    clients = []
    for points, low, high in zip(answer.path.points, answer.setting.curvature, answer.setting.lipschitz, strict=True):
        clients.append(
            {
                "points": [locate(point.x) for point in points],
                "gradients": [locate(point.gradient) for point in points],
                "values": [answer.values.get(point.value, 0.0) for point in points],
                "low": float(low),
                "high": float(high),
            }
        )
    infimum = answer.values.get("F*", 0.0)
    return {"setting": parameters_of(answer.setting), "clients": clients, "infimum": infimum, "value": answer.value}


def coordinates(gram: Matrix) -> Matrix:
    """Return vectors, one row each, with this Gram matrix, in the fewest dimensions that its numerical rank allows."""
    eigenvalues, vectors = np.linalg.eigh(gram)
    kept = eigenvalues > RANK * eigenvalues[-1]
    return np.asarray(vectors[:, kept] * np.sqrt(eigenvalues[kept]))


def problem_of(instance: Instance) -> FunctionProblem:
    """Return the problem whose clients are the interpolating functions of ``instance``, started at w⁰."""
    functions = [interpolant_of(client) for client in instance["clients"]]
    setting = instance["setting"]
    return from_functions(
        [(function.value, function.gradient) for function in functions],
        instance["clients"][0]["points"][0],
        weights=[float(Fraction(a)) for a in setting["weights"]],
        ridge=float(Fraction(setting["ridge"])),
        lipschitz=[client["high"] for client in instance["clients"]],
    )


def interpolant_of(client: Instance) -> Interpolant:
    """Return the function through the client's points, gradients and values."""
    points, gradients = (tuple(tuple(row) for row in client[name]) for name in ("points", "gradients"))
    return Interpolant(points, gradients, tuple(client["values"]), client["low"], client["high"])


def method_of(setting: Instance) -> PISA:
    """Return PISA with the numbers of a certificate's parameters, the first gradient at w⁰."""
    rows = [[float(Fraction(s)) for s in row] for row in setting["penalties"]]
    rho = tuple(float(Fraction(r)) for r in setting["rho"])
    return PISA(
        penalty=tuple(rows[0]),
        rho=rho,
        schedule=Function(lambda iteration: rows[iteration]),
        preconditioner=Identity(),
        warm=setting["warm"],
        penalty_update=setting["order"],
        first="client",
    )


def replay_function(instance: Instance) -> dict[str, Any]:
    r"""Return what the ordinary run shows on a worst function.

    $\min_k\|\nabla F_\lambda(w^k)\|^2/(F_\lambda(w^0)-\inf F_\lambda)$

    The infimum is the smaller of the program's F* and the lowest value that gradient descent from the known points
    finds. "squares" are the squared gradients at $w^0, \dots, w^N$ over that gap.
    """
    problem = problem_of(instance)
    steps = int(instance["setting"]["rounds"])
    result = run(method_of(instance["setting"]), problem, steps=steps, every=1, measures=("objective", "stationarity"))
    gap = float(result.history["objective"][0]) - min(float(instance["infimum"]), _lowest(problem, instance))
    squares = [float(value) ** 2 for value in result.history["stationarity"]]
    return {
        "attained": min(squares) / gap,
        "smallest": min(squares),
        "gap": gap,
        "value": float(instance["value"]),
        "squares": [square / gap for square in squares],
    }


def _lowest(problem: FunctionProblem, instance: Instance) -> float:
    """Return the lowest value that descent with step 1/L from every known point finds."""
    from pisa_lab.problem import objective, total_gradient

    step = 1 / (float(problem.weights @ problem.lipschitz) + problem.ridge)
    lowest = np.inf
    for start in instance["clients"][0]["points"]:
        w = np.asarray(start, dtype=float)
        for _ in range(60):
            w = w - step * total_gradient(problem, w)
        lowest = min(lowest, float(objective(problem, w)))
    return lowest
