"""Trials of the certified refutations: a worst-case function or a one-line family, through the ordinary run.

Each trial decides its witness in fractions, hypotheses included, and then asks the library's run for the same numbers:
where they differ it raises, and the claim is INCONCLUSIVE. So a broken method is no refutation.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from pisa_lab.baselines import FedSGD
from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity
from pisa_lab.problem import FunctionProblem, from_functions, objective
from proofs_check.certified.exact_runs import agree, pisa_path
from proofs_check.certified.matching import matching_value
from proofs_check.certified.propositions import SLACK
from proofs_check.certified.refute import method_of, problem_of, replay_function
from proofs_check.certified.rising import replay_round
from proofs_check.certified.setting import exact
from proofs_check.certified.witnesses import ATTAINED, witness
from proofs_check.theory import gradient_descent_rate

Instance = Mapping[str, Any]
SHARPER = 0.999
"""A claimed improvement of an exact bound by a thousandth; the solver's noise is 1e-9."""
SOLVER = 1e-6
"""How far a function of the solver may be from the one made in fractions."""


def _parabola(curvature: float, start: float, *, centre: float = 0.0, ridge: float = 0.0) -> FunctionProblem:
    """Return c(w − centre)²/2 on one client."""
    pair = (lambda w: curvature / 2 * float((w - centre) @ (w - centre)), lambda w: curvature * (w - centre))
    return from_functions([pair], [start], ridge=ridge, lipschitz=curvature)


def _squares(method: Any, problem: Any, steps: int) -> list[float]:
    """Return the squared gradient at w^0, …, w^N."""
    result = run(method, problem, steps=steps, every=1, measures=("stationarity",))
    return [float(value) ** 2 for value in result.history["stationarity"]]


def _constant(penalty: str, rounds: int, clients: int = 1) -> list[list[Fraction]]:
    return [[exact(penalty)] * clients] * (rounds + 1)


def rise_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the augmented Lagrangian before and after one round from the kept state; margin −rise."""
    return replay_round(witness(str(instance["witness"])))


def attained_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst case that the kept function attains; margin .999 of the exact value less what is attained.

    Raises:
        ValueError: a function made in fractions does not attain the same, at every iterate.
    """
    name = str(instance["witness"])
    found, decided = replay_function(witness(name)), matching_value(ATTAINED[name])
    numbers = [found["value"], *found["squares"]]
    agree("attained", numbers, [decided] * (ATTAINED[name].rounds + 2), tolerance=SOLVER)
    kept = {key: number for key, number in found.items() if key != "squares"}
    return {**kept, "exact": float(decided), "margin": SHARPER * found["value"] - found["attained"]}


def plateau_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return $\min_k\|\nabla F(w^k)\|^2$ of fixed γ on $c w^2/2$ with $F(w^0) - F^* = 1$; margin claimed − found.

    Raises:
        ValueError: c is not in (0, 1], or the run is not that in fractions.
    """
    curvature, steps, order = float(instance["curvature"]), int(instance["steps"]), str(instance["order"])
    method = PISA(penalty=2.0, penalty_ratio=float(instance["ratio"]), penalty_update=order, first="client")
    c, ratio = exact(curvature), exact(instance["ratio"])
    if not 0 < c <= 1:
        raise ValueError("curvature: F must be convex and 1-smooth")
    penalties = [[2 / ratio**k] for k in range(steps + 1)]
    path = pisa_path([lambda w: c * w], Fraction(1), penalties=penalties, order=order)
    squares = _squares(method, _parabola(curvature, float(np.sqrt(2 / curvature))), steps)
    agree("squared gradient", squares, [(c * w) ** 2 / (c / 2) for w in path])
    return {"least": min(squares), "margin": float(instance["claimed"]) - min(squares)}


def cold_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the smallest squared gradient over the gap for $\pm bx + x^2/2$, ρ = (0, 2); margin claimed − found."""
    slope, steps = float(instance["slope"]), int(instance["steps"])

    def pair(sign: float) -> Any:
        return lambda w: float(sign * slope * w[0] + w[0] ** 2 / 2), lambda w: sign * slope + w

    problem = from_functions([pair(1.0), pair(-1.0)], [1.0], lipschitz=1.0)
    method = PISA(penalty=3.0, rho=(0.0, 2.0), preconditioner=Identity(), first="client")
    shares = [square / 0.5 for square in _squares(method, problem, steps)]
    b, half = exact(slope), Fraction(1, 2)
    path = pisa_path(
        [lambda w: b + w, lambda w: w - b],
        Fraction(1),
        penalties=_constant("3", steps, 2),
        weights=(half, half),
        rho=(Fraction(0), Fraction(2)),
    )
    agree("squared gradient", shares, [w**2 / half for w in path])
    return {"share": min(shares), "margin": float(instance["claimed"]) - min(shares)}


def ridge_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the smallest $\|\nabla F_\lambda(w^k)\|^2$, k ≥ 1, for $(w-c)^2/2$; margin 1 − found."""
    centre, ridge, steps = float(instance["centre"]), float(instance["ridge"]), int(instance["steps"])
    problem = _parabola(1.0, centre / (1 + ridge), centre=centre, ridge=ridge)
    squares = _squares(PISA(penalty=3.0), problem, steps)
    c, weight = exact(centre), exact(ridge)
    path = pisa_path([lambda w: w - c], c / (1 + weight), penalties=_constant("3", steps), ridge=weight, first="server")
    agree("squared gradient", squares, [((1 + weight) * w - c) ** 2 for w in path])
    found = min(squares[1:])
    return {"least": found, "at_start": squares[0] ** 0.5, "margin": 1 - found}


def edge_trial(instance: Instance) -> Mapping[str, Any]:
    """Return |w| after the run over |w⁰| on w²/2; margin 1 − that."""
    steps = int(instance["steps"])
    squares = _squares(PISA(penalty=float(instance["penalty"])), _parabola(1.0, 1.0), steps)
    penalties = _constant(str(instance["penalty"]), steps)
    path = pisa_path([lambda w: w], Fraction(1), penalties=penalties, first="server")
    agree("squared gradient", squares, [w**2 for w in path])
    growth = squares[-1] ** 0.5
    return {"growth": growth, "margin": 1 - growth}


def race_trial(instance: Instance) -> Mapping[str, Any]:
    """Return what PISA and gradient descent with step 1/L reach on the kept Huber function; margin descent − PISA.

    The certificate of gradient descent bounds it on every convex function, so that PISA's worst case is above it.

    Raises:
        ValueError: a function made in fractions does not attain what PISA reaches here, at every iterate.
    """
    name = str(instance["witness"])
    kept = witness(name)
    problem, steps = problem_of(kept), int(kept["setting"]["rounds"])
    gap = float(objective(problem, problem.initial)) - float(kept["infimum"])
    pisa = [square / gap for square in _squares(method_of(kept["setting"]), problem, steps)]
    descent = min(_squares(FedSGD(rate=1.0), problem, steps)) / gap
    agree("squared gradient", pisa, [matching_value(ATTAINED[name])] * (steps + 1), tolerance=SOLVER)
    bound = float(gradient_descent_rate(steps, convex=True, gap=Fraction(1)) + SLACK)
    if not descent <= bound + SOLVER:
        raise ValueError(f"descent: {descent!r} is above its certified bound {bound!r}")
    return {"pisa": min(pisa), "descent": descent, "margin": bound - min(pisa)}
