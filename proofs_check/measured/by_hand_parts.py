"""Schedules, samplers and the Lyapunov quantity of the library against closed forms and counting."""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from pisa_lab.lagrangian import lyapunov
from pisa_lab.measures import MEASURES
from pisa_lab.method import PISA
from pisa_lab.monitor.metric import applied
from pisa_lab.sampling import Reshuffled, Uniform, draw_batch
from pisa_lab.schedules import Geometric, InverseCosine, Polynomial, ResidualBalancing
from pisa_lab.state import State
from proofs_check.claim import Claim
from proofs_check.measured.instances import Instance, count, grid, method_of, problem_of
from proofs_check.measured.trajectories import digits_to_spare, measured_claim, states_of

TOLERANCE = 1e-12
STEPS = 30

RESIDUALS = ("local", "consensus", "aggregate", "stationarity")

CLOSED: Mapping[str, tuple[Any, Callable[[int], float]]] = {
    "geometric": (Geometric(0.9), lambda k: (10 / 9) ** k),
    "ratio": (None, lambda k: (10 / 9) ** k),
    "polynomial": (Polynomial(0.7), lambda k: (1 + k) ** 0.7),
    "inverse-cosine": (
        InverseCosine(20, 0.05),
        lambda k: 1 / (0.05 + 0.95 * math.cos(math.pi * min(k, 20) / 40) ** 2),
    ),
}
"""A schedule and σ^k/σ⁰; (1 + cos 2x)/2 = cos² x."""


def schedule_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest relative error of the penalties along a run; margin in digits below 1e-12."""
    name, problem = str(instance["schedule"]), problem_of(instance)
    rule, closed = CLOSED[name]
    settings: dict[str, Any] = {"penalty_ratio": 0.9} if rule is None else {"schedule": rule}
    states = states_of(PISA(penalty=(2.0, 5.0, 9.0), **settings), problem, steps=STEPS)
    wanted = np.asarray([[first * closed(k) for first in (2.0, 5.0, 9.0)] for k in range(STEPS + 1)])
    error = float(np.max(np.abs(np.asarray([state.penalty for state in states]) / wanted - 1)))
    return {"schedule": name, "error": error, "margin": digits_to_spare(error, TOLERANCE)}


def balancing_trial(instance: Instance) -> Mapping[str, Any]:
    """Return how many penalties of a run differ from Boyd's rule; margin 1 without one, minus their number else.

    NaN unless the rule raised, lowered and kept penalties in the same run.
    """
    problem = problem_of(instance)
    method = PISA(penalty=(0.5, 20.0, 500.0), schedule=ResidualBalancing(2.0, 3.0))
    states = states_of(method, problem, steps=STEPS)
    wrong, moves = 0, set()
    for before, after in itertools.pairwise(states):
        step = float(np.linalg.norm(after.consensus - before.consensus))
        for i, sigma in enumerate(before.penalty):
            primal = float(np.linalg.norm(before.local[i] - after.consensus))
            dual = float(sigma) * step
            factor = 2.0 if primal > 3 * dual else 0.5 if dual > 3 * primal else 1.0
            wrong += bool(after.penalty[i] != sigma * factor)
            moves.add(factor)
    return {"wrong": wrong, "moves": sorted(moves), "margin": 1.0 - wrong if len(moves) == 3 else float("nan")}


class Rows(NamedTuple):
    """As much of a problem as `draw_batch` looks at."""

    sizes: tuple[int, ...]


def sampling_trial(instance: Instance) -> Mapping[str, Any]:
    """Return what is wrong with the draws of both samplers, counted; margin 1 without any, minus their number else.

    Reshuffled: an epoch in which a client's rows do not all come once, two epochs or clients with one order. Uniform: a
    row out of range, two rounds, clients or seeds with the same draws, or counts of rows that are five standard
    deviations off.
    """
    size, experiment, rows = 4, int(instance["seed"]), (12, 12, 20)
    drawn = _draws(Reshuffled(size), rows, experiment, 60)
    wrong, orders = 0, set()
    for client, total in enumerate(rows):
        per_epoch = total // size
        for epoch in range(60 // per_epoch):
            order = drawn[epoch * per_epoch : (epoch + 1) * per_epoch, client].ravel()
            wrong += sorted(order.tolist()) != list(range(total))
            wrong += tuple(order) in orders
            orders.add(tuple(order))
    uniform, other = (_draws(Uniform(size), rows, experiment, 300, seed=seed) for seed in (0, 1))
    wrong += len({tuple(batch) for batch in uniform[:, 2]}) < 290
    wrong += bool(np.mean(uniform[:, 0] == uniform[:, 1]) > 0.2) + bool(np.mean(uniform == other) > 0.2)
    for client, total in enumerate(rows):
        counts = np.bincount(uniform[:, client].ravel(), minlength=total)
        wrong += bool(counts.size > total or np.max(np.abs(counts - 1200 / total)) > 5 * math.sqrt(1200 / total))
    return {"wrong": int(wrong), "margin": 1.0 - int(wrong)}


def _draws(rule: Any, rows: tuple[int, ...], experiment: int, number: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Return the draws 0 … number − 1, (number, clients, b)."""
    batches = [draw_batch(rule, Rows(rows), seed, experiment=experiment, number=k) for k in range(number)]
    return np.asarray(batches)


def lyapunov_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the error of the library's $\tilde L$ along a run relative to its terms; margin in digits below 1e-12."""
    method, problem = method_of(instance), problem_of(instance)
    errors = []
    for state in states_of(method, problem, steps=STEPS)[1:]:
        pull = applied(method, state)
        terms = _lyapunov_terms(problem, state, pull)
        errors.append(abs(float(lyapunov(problem, state, pull)) - sum(terms)) / sum(map(abs, terms)))
    return {"error": max(errors), "margin": digits_to_spare(max(errors), TOLERANCE)}


def _lyapunov_terms(problem: Any, state: State, pull: Any) -> list[float]:
    """Return the terms of the quantity one by one: α_iF_i, α_i⟨π, d⟩, α_iσ|d|²/2, α_i(8/σ)|ρQd|², λ|w|²/2."""
    terms = [problem.ridge / 2 * float(state.consensus @ state.consensus)]
    for i, alpha in enumerate(problem.weights):
        d, sigma = state.local[i] - state.consensus, float(state.penalty[i])
        parts = (
            problem.functions[i][0](state.local[i]),
            float(state.multiplier[i] @ d),
            sigma / 2 * float(d @ d),
            8 / sigma * float(pull[i] @ pull[i]),
        )
        terms += [float(alpha) * part for part in parts]
    return terms


def residual_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest relative error of the four residuals along a run; margin in digits below 1e-12."""
    method, problem = method_of(instance), problem_of(instance)
    errors = []
    for state in states_of(method, problem, steps=STEPS)[1:]:
        clients = list(zip(problem.weights, problem.functions, state.local, state.multiplier, strict=True))
        squares = [float(alpha) * float(np.sum((f[1](w) + pi) ** 2)) for alpha, f, w, pi in clients]
        apart = [float(alpha) * float(np.sum((w - state.consensus) ** 2)) for alpha, _, w, _ in clients]
        gap = problem.ridge * state.consensus - sum(alpha * pi for alpha, _, _, pi in clients)
        slope = problem.ridge * state.consensus + sum(a * f[1](state.consensus) for a, f, _, _ in clients)
        lengths = float(np.linalg.norm(gap)), float(np.linalg.norm(slope))
        wanted = (math.sqrt(sum(squares)), math.sqrt(sum(apart)), *lengths)
        scale = float(np.max(np.abs(state.multiplier))) + float(np.max(np.abs(state.local)))
        errors += [
            abs(float(MEASURES[name](problem, state)) - value) / scale
            for name, value in zip(RESIDUALS, wanted, strict=True)
        ]
    return {"error": max(errors), "margin": digits_to_spare(max(errors), TOLERANCE)}


CLAIMS_PARTS: tuple[Claim, ...] = (
    measured_claim(
        "schedules-in-closed-form",
        "The penalties of a run are those of the closed form: σ⁰γ^−ℓ, σ⁰(1+ℓ)^a, and σ⁰ over half a cosine.",
        trial=schedule_trial,
        instances=lambda seed, effort: [
            {"seed": seed, "clients": 3, "dimension": 2, "schedule": name, "penalty": 2.0} for name in CLOSED
        ],
        detail="penalties of 30 rounds differ by at most {error:.1e} relative, {trials} schedules",
        hypotheses=(
            "γ = .9, as a ratio and as a schedule; a = .7",
            "σ^ℓ = σ⁰/(f + (1−f)cos²(πℓ/2T)), T = 20, f = .05, constant after T",
        ),
        source="MATHEMATICS.md#algorithm, MATHEMATICS.md#V4",
    ),
    measured_claim(
        "balancing-by-hand",
        "Residual balancing doubles a penalty where the primal residual is large against the dual one, halves it in "
        "the opposite case, and keeps it otherwise.",
        trial=balancing_trial,
        instances=lambda seed, effort: [
            {"seed": 1000 * seed + k, "clients": 3, "dimension": 3, "penalty": 2.0} for k in range(count(effort, 2, 20))
        ],
        detail="{wrong} penalties differ in the worst of {trials} runs of 30 rounds; factors met: {moves}",
        hypotheses=("‖w_i^ℓ − w^{ℓ+1}‖ against 3σ_i‖w^{ℓ+1} − w^ℓ‖, and the other way round",),
        source="MATHEMATICS.md#algorithm; Boyd et al. 2011, section 3.4.1",
    ),
    measured_claim(
        "samplers-by-counting",
        "Reshuffled batches hold every row once an epoch, in an order that no other epoch or client has; uniform ones "
        "are drawn anew for every round, client and seed, all rows equally often.",
        trial=sampling_trial,
        instances=lambda seed, effort: [{"seed": 100 * seed + k} for k in range(count(effort, 1, 10))],
        detail="{wrong} faults in the worst of {trials} experiments of 60 reshuffled and 300 uniform rounds",
        hypotheses=("three clients of 12, 12 and 20 rows, batches of 4", "counts to five standard deviations"),
        source="MATHEMATICS.md#algorithm; pisa_lab.sampling",
    ),
    measured_claim(
        "residuals-by-hand",
        "The local, the consensus and the aggregate residual and the gradient that a run records are their formulas, "
        "summed client by client.",
        trial=residual_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 4, 40),
            clients=(2, 3),
            dimension=(1, 3),
            ridge=(0.0, 0.3),
            waves=(0.0, 0.8),
            penalty=((2.0, 9.0),),
            rho=((0.5, 5.0),),
            preconditioner=("identity", "matrix"),
        ),
        detail="largest relative error {error:.1e} over {trials} runs of 30 rounds",
        hypotheses=("full gradients", "unequal α_i, σ_i, ρ_i; Q ≠ 0, so that ∇F_i(w_i) + π_i is not 0"),
        source="MATHEMATICS.md#problem",
        latex=r"\sqrt{\sum_i\alpha_i\|\nabla F_i(w_i)+\pi_i\|^2},\quad \sqrt{\sum_i\alpha_i\|w_i-w\|^2},\quad "
        r"\|\lambda w-\sum_i\alpha_i\pi_i\|",
    ),
    measured_claim(
        "lyapunov-by-hand",
        "The library's Lyapunov quantity is the sum of its terms, the augmented Lagrangian's and 8/σ_i times the "
        "squared pull of the preconditioner, added one by one.",
        trial=lyapunov_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 6, 40),
            clients=(1, 3),
            dimension=(1, 3),
            ridge=(0.0, 0.3),
            waves=(0.0, 0.8),
            penalty=((2.0, 9.0),),
            rho=((0.5, 5.0),),
            preconditioner=("identity", "moment-III", "switching", "matrix"),
        ),
        detail="largest relative error {error:.1e} over {trials} runs of 30 rounds",
        hypotheses=("full gradients", "any Q, unequal α_i, σ_i, ρ_i"),
        source="MATHEMATICS.md#claims (a)",
        latex=r"\tilde L = L + \sum_i\alpha_i\frac{8}{\sigma_i}\|\rho_iQ_i(w_i-w)\|^2",
    ),
)
