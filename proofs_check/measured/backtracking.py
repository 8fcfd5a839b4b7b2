"""PISA-auto in runs: its test, its bounds on the penalty and on the evaluations, with any operator at the clients (N1).

Three rows on smooth problems; what needs more than smoothness, or less, is in `local_curvature`.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from pisa_lab.backtracking import Backtracking
from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners import HeavyBall, OrthogonalMomentum, SecondMoment, Zero
from pisa_lab.preconditioners.base import Preconditioner
from pisa_lab.problem import objective, total_gradient
from pisa_lab.state import State
from problems.generators import synthetic
from problems.heterogeneity import partition
from problems.linear import logistic
from problems.quadratics import random_quadratic
from problems.transforms import scale
from proofs_check.claim import Verdict
from proofs_check.measured.adversaries import Junk
from proofs_check.measured.instances import Instance, count, generator, grid
from proofs_check.measured.merits import (
    enough,
    excess,
    merit,
    penalties,
    penalty_bound,
    residual,
)
from proofs_check.measured.orthogonal import balanced, regression
from proofs_check.measured.trajectories import curve, figure, holds, measured_claim, norms_of, states_of
from proofs_check.theory import evaluations_bound

TOLERANCE = 1e-13
"""Of the test, relative to 1 + |F|: F is a sum of some hundred roundings of 1e-16, and below eight of them the search
compares slopes instead of values."""

OPERATORS: Mapping[str, Callable[[int], Preconditioner[Any]]] = {
    "none": lambda seed: Zero(),
    "heavy-ball": lambda seed: HeavyBall(0.9),
    "moment": lambda seed: SecondMoment("III", beta=0.99),
    "orthogonal": lambda seed: OrthogonalMomentum(blocks=(("w", (4, 3)),)),
    "junk": lambda seed: Junk(seed),
}
"""What stands in the clients' solve: nothing, momentum, SISA without its clip, NSISA's operator, noise."""


def smooth_problem(instance: Instance) -> Any:
    """Return a quadratic, or logistic regression split by label, in twelve variables at a random scale."""
    seed, ridge = int(instance["seed"]), float(instance["ridge"])
    size = 10.0 ** generator(instance).uniform(-3, 3)
    if instance["problem"] == "quadratic":
        spectrum = tuple(np.geomspace(1, 1e-3, 12))
        return scale(random_quadratic(seed, clients=3, spectrum=spectrum, rotation=0.5, shift=3.0, ridge=ridge), size)
    X, y, _ = synthetic("binary", seed, clients=4, samples=20, dimension=12)
    return scale(logistic(X, y, partition("label:1", y, 4, seed=seed).parts, ridge=ridge), size)


def searching(instance: Instance) -> tuple[PISA, Backtracking]:
    """Return the method of an instance, and the constants of its search."""
    told: dict[str, Any] = {
        name: float(instance[name]) for name in ("initial", "factor", "decrease", "relaxation") if name in instance
    }
    rule = Backtracking(**told)
    operator = OPERATORS[str(instance.get("operator", "heavy-ball"))](int(instance["seed"]))
    return PISA(penalty=rule, rho=1.0, preconditioner=operator), rule


def above_rounding(instance: Instance) -> tuple[Any, Backtracking, list[Any]]:
    r"""Return (problem, constants, states) of a run up to where $\frac cs\|G\|^2$ is 1e-12 of |F|."""
    problem, (method, rule) = smooth_problem(instance), searching(instance)
    states = states_of(method, problem, steps=int(instance["steps"]))
    for place, state in enumerate(states[1:], 1):
        total = float(np.sum(state.weights * state.penalty)) + state.ridge
        gained = rule.decrease / total * float(np.sum(total_gradient(problem, state.consensus) ** 2))
        if gained <= 1e-12 * abs(float(state.search.value)):
            return problem, rule, states[: place + 1]
    return problem, rule, states


def auto_trial(instance: Instance) -> Mapping[str, Any]:
    """Return how a run stands to N1: the test and the merit, σ and evaluations over their bounds.

    Margin: the least of 1 − violation/1e-13 and the logarithms of the bounds over what was found, which may be 0.
    """
    problem, rule, states = above_rounding(instance)
    smoothness, ridge = float(np.max(problem.lipschitz)), float(problem.ridge)
    most = penalty_bound(rule, smoothness, ridge)
    worst = max(excess(rule, problem, *pair) for pair in pairwise(states))
    merits = np.asarray([merit(rule, problem, state) for state in states[1:]])
    rise = float(np.max(np.diff(merits) / (1 + np.abs(merits[:-1]))))
    least = enough(rule, smoothness, ridge)
    allowed = evaluations_bound(len(states) - 1, rule.initial, least, factor=rule.factor, relaxation=rule.relaxation)
    spent, largest = float(states[-1].search.trials), float(np.max(penalties(states)))
    # σ falls and rises by powers that are rounded each time; where it never rises its bound says nothing.
    room = np.log([most * (1 + 1e-12) / largest if largest > rule.initial else np.e, allowed / spent])
    return {
        "violation": max(worst, rise),
        "penalty": largest / smoothness,
        "attained": largest / most,
        "spent": spent / (len(states) - 1),
        "allowed": allowed / (len(states) - 1),
        "restarts": float(states[-1].search.restarts),
        "margin": float(min(1 - max(worst, rise) / TOLERANCE, np.min(room))),
    }


def auto_picture(instance: Instance) -> Mapping[str, Any]:
    """Return σ along the run, with the bound."""
    problem, rule, states = above_rounding(instance)
    found = penalties(states)
    most = penalty_bound(rule, float(np.max(problem.lipschitz)), float(problem.ridge))
    curves = [curve("σ", range(found.size), found), curve("bound", range(found.size), [most] * found.size)]
    return figure("A penalty that is searched for", "round", "σ", "y", curves)


def needed_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the largest σ over $\max(\sigma_0, \sigma_R)$, without the factor t; margin minus its logarithm.

    The control is the bound with the factor.
    """
    problem, rule, states = above_rounding(instance)
    largest = float(np.max(penalties(states)))
    smoothness, ridge = float(np.max(problem.lipschitz)), float(problem.ridge)
    needed = max(rule.initial, enough(rule, smoothness, ridge))
    most = penalty_bound(rule, smoothness, ridge)
    return {
        "excess": largest / needed,
        "factor": rule.factor,
        "control": holds(float(np.log(most * (1 + 1e-12) / largest))),
        "margin": -float(np.log(largest / needed)),
    }


def linear_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the worst of the gap of Φ over $1 - \min(2c\mu/s, \delta)$ times the gap before.

    Margin: 1 − worst, over the rounds with a gap above 1e-9 of the first.
    """
    seed, condition = int(instance["seed"]), float(instance["condition"])
    spectrum = tuple(np.geomspace(1, 1 / condition, 8))
    problem = random_quadratic(seed, clients=3, spectrum=spectrum, shift=2.0, ridge=float(instance["ridge"]))
    rule = Backtracking(decrease=float(instance["decrease"]), contraction=float(instance["contraction"]))
    states = states_of(PISA(penalty=rule, preconditioner=HeavyBall(0.9)), problem, steps=int(instance["steps"]))
    gaps = np.asarray([_start(problem, states[0]), *(merit(rule, problem, s) for s in states[1:])])
    gaps = gaps - problem.optimum
    totals = penalties(states)[1:] + problem.ridge
    strength = spectrum[-1] + problem.ridge
    factors = 1 - np.minimum(2 * rule.decrease * strength / totals, rule.contraction)
    alive = gaps[:-1] > 1e-9 * gaps[0]
    ratios = gaps[1:][alive] / (factors[alive] * gaps[:-1][alive])
    rounds = int(np.sum(alive))
    return {
        "share": float(np.max(ratios)),
        "rate": float((gaps[rounds] / gaps[0]) ** (1 / rounds)),
        "bound": float(np.exp(np.mean(np.log(factors[alive])))),
        "margin": float(1 - np.max(ratios)),
    }


def _start(problem: Any, state: State) -> float:
    """Return Φ before the first round: F alone, since the start is warm."""
    if residual(problem, state) != 0:
        raise ValueError("state: the search must begin with π = −∇F_i(w⁰)")
    return float(objective(problem, state.consensus))


def safeguarded_trial(instance: Instance) -> Mapping[str, Any]:
    """Return ‖∇F‖ over the first, of NSISA as published and of the same operator inside the search.

    Margin: digits of the search below 1e-8, or of the published run above 1e-3, whichever is fewer.
    """
    problem = balanced(instance)[0] if instance["problem"] == "balanced" else regression(instance)
    steps, start = int(instance["steps"]), np.random.default_rng([int(instance["seed"]), 2]).normal(size=(5, 3))
    operator = OrthogonalMomentum()
    published = PISA(penalty=float(instance["penalty"]), rho=1.0, preconditioner=operator, warm=True)
    plain = norms_of(published, problem, steps=steps, w0=start)
    sought = PISA(penalty="auto", rho=1.0, preconditioner=operator)
    found = run(sought, problem, steps=steps, w0=start, measures=("stationarity",), every=steps)
    last = float(found.last("stationarity")) / plain[0]
    stalled = float(np.min(plain[-steps // 4 :])) / plain[0]
    digits = np.log10([1e-8 / max(last, 1e-17), stalled / 1e-3])
    return {
        "published": stalled,
        "searched": last,
        "restarts": float(found.state.search.restarts),
        "margin": float(np.min(digits)),
    }


def _instances(seed: int, effort: str, operators: tuple[str, ...]) -> list[dict[str, Any]]:
    return grid(
        seed,
        count(effort, 15, 60),
        problem=("quadratic", "logistic"),
        operator=operators,
        ridge=(0.0, 0.1, 1.0),
        initial=(1e-6, 1e-3, 10.0),
        factor=(2.0, 4.0, 8.0),
        decrease=(0.05, 0.25),
        steps=(count(effort, 80, 200),),
    )


_SMOOTH = (
    "full gradients and values; every F_i L-smooth with the exact L, F_λ bounded below",
    "quadratics with condition 1,000 and logistic regression split by label, at scales from 1e-3 to 1e3",
    "rounds up to where c|∇F_λ|²/s is 1e-12 of |F|; below, rounding decides, and N1-rounding says how it ends",
    "warm start; t ∈ {2, 4, 8}, c ∈ {.05, .25}, ε = .05, a = .5, δ = .01, σ⁰ from 1e-6 to 10",
)

CLAIMS_BACKTRACKING = (
    measured_claim(
        "N1-auto-in-runs",
        "A penalty that is searched for passes its test and lowers its merit function in every round, stays within "
        "t σ_R and takes no more evaluations than are counted, whatever operator the clients use.",
        trial=auto_trial,
        instances=lambda seed, effort: _instances(seed, effort, tuple(OPERATORS)),
        detail="largest violation {violation:.1e}; σ up to {attained:.2f} of its bound, {spent:.2f} evaluations a "
        "round of {allowed:.2f} allowed (worst of {trials})",
        hypotheses=(
            *_SMOOTH,
            "operators: Q = 0, momentum .9, SISA without a clip, NSISA's on a 4 × 3 matrix, noise in place of g",
        ),
        source="MATHEMATICS.md#N1; a merit test with a fallback is known, this merit and its constants are ours",
        picture=auto_picture,
        latex=r"\sigma_k \leq \max(\sigma_0, t\sigma_R, \sigma_{\min})",
    ),
    measured_claim(
        "N1-penalty-needed-in-runs",
        "The bound holds without the factor t: σ stays within the σ_R that a restart needs.",
        trial=needed_trial,
        instances=lambda seed, effort: _instances(seed, effort, ("none", "junk")),
        detail="σ reaches {excess:.2f} times σ_R, of t = {factor:g} times that the bound allows",
        hypotheses=_SMOOTH,
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#N1; a merit test with a fallback is known, this merit and its constants are ours",
    ),
    measured_claim(
        "N1-linear-in-runs",
        "Under the Polyak–Łojasiewicz inequality the gap of the merit function falls in every round by the factor "
        "1 − min(2cμ/s, δ), with the s of that round.",
        trial=linear_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 6, 40),
            condition=(3.0, 30.0, 1000.0),
            ridge=(0.0, 0.1),
            decrease=(0.05, 0.25, 0.45),
            contraction=(0.01, 0.3),
            steps=(count(effort, 100, 400),),
        ),
        detail="worst round at {share:.3f} of the bound; on average {rate:.3f} a round, where {bound:.3f} is promised",
        hypotheses=("strongly convex quadratics, μ exact", "full gradients and values", "momentum .9, t = 4, ε = .05"),
        source="MATHEMATICS.md#N1; a merit test with a fallback is known, this merit and its constants are ours",
    ),
    measured_claim(
        "N1-nsisa-safeguarded",
        "NSISA's own operator inside the search reaches a stationary point where NSISA as published stays away from "
        "all of them.",
        trial=safeguarded_trial,
        instances=lambda seed, effort: [
            {**told, "problem": name, "penalty": 4.0}
            for name in ("balanced", "regression")
            for told in grid(seed, count(effort, 2, 8), steps=(count(effort, 250, 600),))
        ],
        detail="‖∇F‖ over the first: {searched:.1e} with the search, above {published:.2g} as published (worst of "
        "{trials})",
        hypotheses=(
            "α = (¾, ¼), g₂ = −3g₁ at the minimiser (V9), and matrix least squares on three clients",
            "full gradients and values, σ = 4 for NSISA as published",
        ),
        source="MATHEMATICS.md#N1, MATHEMATICS.md#V9",
    ),
)
"""PISA-auto where every F_i is smooth."""
