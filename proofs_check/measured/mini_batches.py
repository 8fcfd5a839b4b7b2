"""Mini-batches under a metric: AdaGrad's sum that asks for no constant (N4), metrics of past batches (N5), local means.

The first gradient is the probe that the sum starts from, so that N4 is applied from the second round on.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.metrics import AdaGradNorm, Metric
from pisa_lab.preconditioners import SecondMoment
from pisa_lab.problem import objective, total_gradient
from pisa_lab.schedules import Constant, Polynomial
from problems.generators import synthetic
from problems.linear import logistic, logistic_nonconvex
from problems.quadratics import random_quadratic
from problems.transforms import with_noise
from proofs_check.measured.instances import Array, Instance, count, grid
from proofs_check.measured.trajectories import curve, figure, measured_claim, power_law
from proofs_check.theory import adagrad_cost

STUDENT = 3.25
"""Student's quantile for a 99 % interval from ten."""
TOLERANCE = 0.2
"""Of an exponent that is fitted to one decade of rounds: the next term of the expansion adds some 0.05."""
FAMILIES = ("quadratic", "logistic", "nonconvex")


def noisy_problem(instance: Instance) -> Any:
    """Return a quadratic with noise, logistic regression, or the same with a penalty that is not convex; λ = 0."""
    seed = int(instance["seed"])
    if instance["problem"] == "quadratic":
        base = random_quadratic(seed, clients=3, spectrum=(1.0,) * 24 + (0.5,) * 8, shift=1.0)
        return with_noise(base, 3.0, seed=seed, samples=512)
    X, y, parts = synthetic("binary", seed, clients=4, samples=60, dimension=40, noise=1.0)
    if instance["problem"] == "logistic":
        return logistic(X, y, parts, local_ridge=0.1)
    return logistic_nonconvex(X, y, parts, local_ridge=0.1, bump=0.2)


def bottom(problem: Any) -> Array:
    """Return a stationary point by the penalty that is searched for, with full gradients."""
    return np.asarray(run(PISA(penalty="auto"), problem, steps=1500, measures=(), every=1500).state.consensus)


def adagrad(instance: Instance) -> PISA:
    """Return PISA in AdaGrad-norm's metric, c₀ the square of its penalty."""
    return PISA(penalty=float(instance["penalty"]), metric=Metric(AdaGradNorm(), floor=0.0, order="mixed"))


def _sums(states: list[Any]) -> Array:
    """Return Σ_j a_j of every state, (states, replicates)."""
    return np.asarray([state.metric.memory.total.reshape(state.consensus.shape[0], -1)[:, 0] for state in states])


def adagrad_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the two sides of N4 (a), means over replicates; margin log10(right/left).

    $E\sum_k\frac{|G_k|^2}{2\sigma_k} \le E[F(y_1)-F^\star + \frac{L^2}{2\sigma_1}|y_1-w_1|^2 +
    C\log\frac{\sigma_N^2}{\sigma_1^2}]$, $C = \frac1{c_0}[\frac{2L^2}{\sigma_1} + (1+\frac{c_0A^2}{\sigma_1^2})L]$,
    $y_1 = w_1 + P_1/\sigma_1$, with A² the largest $a_k$ that was seen.
    """
    problem, square = noisy_problem(instance), float(instance["penalty"]) ** 2
    states: list[Any] = []
    told: dict[str, Any] = {"batches": 1, "seeds": int(instance["replicates"]), "seed": 50 * int(instance["seed"])}
    steps = int(instance["steps"])

    def keep(before: Any, after: Any) -> None:
        states.append(after)

    run(adagrad(instance), problem, steps=steps, measures=(), every=steps, callback=keep, **told)
    sums, first = _sums(states), states[0]
    penalties = np.sqrt(square * sums)
    gradients = np.asarray([np.sum(total_gradient(problem, state.consensus) ** 2, axis=-1) for state in states])
    left = np.sum(gradients[:-1] / (2 * penalties[:-1]), axis=0)
    smoothness, start = float(np.max(problem.lipschitz)), penalties[0]
    aggregate = -np.einsum("i,rip->rp", first.weights, first.multiplier)
    ahead = aggregate / start[:, None]
    largest = float(np.max(np.diff(sums, axis=0)))
    constant = np.asarray([adagrad_cost(smoothness, largest, float(size), rate=square) for size in start])
    gap = objective(problem, first.consensus + ahead) - (problem.optimum or 0.0)
    right = gap + smoothness**2 / (2 * start) * np.sum(ahead**2, axis=-1)
    right = right + constant * np.log(penalties[-1] ** 2 / start**2)
    average = np.mean(gradients[:-1], axis=0)
    return {
        "left": float(np.mean(left)),
        "right": float(np.mean(right)),
        "average": float(np.mean(average)),
        "growth": float(np.mean(penalties[-1] / start)),
        "margin": float(np.log10(np.mean(right) / np.mean(left))),
    }


def exponent_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the power with which E‖∇F‖² falls from a stationary point on, with its interval, against 1/2.

    Ten groups of replicates, one fit each over the last decade. Margin: .2 minus the distance of the interval's far
    end from 1/2, in units of .2; NaN where the interval holds both what is that near and what is not.
    """
    problem, steps = noisy_problem(instance), int(instance["steps"])
    told: dict[str, Any] = {"batches": 1, "seeds": int(instance["replicates"]), "seed": 70 * int(instance["seed"])}
    moments = np.unique(np.geomspace(steps // 10, steps, 100).astype(int))
    result = run(
        adagrad(instance), problem, steps=steps, w0=bottom(problem), measures=("stationarity",), every=moments, **told
    )
    squares = np.asarray(result.history["stationarity"], dtype=float)[1:] ** 2
    rounds = np.asarray(result.history["iteration"][1:], dtype=float)
    traces = squares.reshape(rounds.size, 10, -1).mean(-1)
    slopes = np.array([-power_law(rounds, trace) for trace in traces.T])
    estimate, half = float(np.mean(slopes)), float(STUDENT * np.std(slopes, ddof=1) / np.sqrt(10))
    off = abs(estimate - 0.5)
    told_apart = off + half <= TOLERANCE or off - half > TOLERANCE
    return {
        "estimate": estimate,
        "low": estimate - half,
        "high": estimate + half,
        "margin": (TOLERANCE - off - half) / TOLERANCE if told_apart else float("nan"),
    }


def exponent_picture(instance: Instance) -> Mapping[str, Any]:
    """Return E‖∇F‖² against the round."""
    problem, steps = noisy_problem(instance), int(instance["steps"])
    told: dict[str, Any] = {"batches": 1, "seeds": int(instance["replicates"]), "seed": 70 * int(instance["seed"])}
    moments = np.unique(np.geomspace(10, steps, 60).astype(int))
    result = run(
        adagrad(instance), problem, steps=steps, w0=bottom(problem), measures=("stationarity",), every=moments, **told
    )
    rounds = np.asarray(result.history["iteration"][1:], dtype=float)
    squares = np.mean(np.asarray(result.history["stationarity"])[1:] ** 2, axis=1)
    curves = [curve("measured", rounds, squares), curve("k^-1/2", rounds, squares[-1] * (rounds / steps) ** -0.5)]
    return figure("AdaGrad-norm PISA from a stationary point", "round", "E‖∇F‖²", "xy", curves)


def _past_powers(instance: Instance, schedule: Any) -> float:
    """Return the power of the round with which E‖∇F‖² changes over the last three octaves."""
    problem, steps = noisy_problem(instance), int(instance["steps"])
    moment = SecondMoment("III", beta=0.9, clip=1.0)
    method = PISA(
        penalty=6.0,
        schedule=schedule,
        metric=Metric(moment, floor=0.5, order="past"),
        penalty_update="after_solve",
    )
    told: dict[str, Any] = {"batches": 1, "seeds": int(instance["replicates"]), "seed": 90 * int(instance["seed"])}
    measured: dict[str, Any] = {"measures": ("stationarity",), "every": range(steps // 8, steps + 1, 2)}
    result = run(method, problem, steps=steps, w0=bottom(problem), **measured, **told)
    squares = np.mean(np.asarray(result.history["stationarity"], dtype=float)[1:] ** 2, axis=1)
    rounds = np.asarray(result.history["iteration"][1:], dtype=float)
    edges = [steps // 8, steps // 4, steps // 2, steps + 1]
    windows = [(rounds >= a) & (rounds < b) for a, b in pairwise(edges)]
    return power_law([float(np.mean(rounds[w])) for w in windows], [float(np.mean(squares[w])) for w in windows])


def past_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the powers with σ that grows like k^.75 and with a constant one.

    Margin: the lesser of −power/.25 − 1 with the growing σ and 1 + power/.25 with the constant one.
    """
    growing, constant = (_past_powers(instance, rule) for rule in (Polynomial(0.75), Constant()))
    return {
        "growing": growing,
        "constant": constant,
        "margin": float(min(-growing / 0.25 - 1, 1 + constant / 0.25)),
    }


CLAIMS_MINI_BATCHES = (
    measured_claim(
        "N4-adagrad-norm-in-runs",
        "Mini-batch PISA in AdaGrad-norm's metric, which knows no constant of the problem, obeys the theorem's bound "
        "on the sum of squared gradients over their penalties.",
        trial=adagrad_trial,
        instances=lambda seed, effort: [
            {**told, "problem": name}
            for name in FAMILIES
            for told in grid(
                seed,
                count(effort, 1, 3),
                penalty=(1.0, 0.3, 3.0),
                steps=(count(effort, 400, 2000),),
                replicates=(count(effort, 10, 20),),
            )
        ],
        detail="left side {left:.3g}, right side {right:.3g}; the average squared gradient is {average:.2g}, σ grew "
        "{growth:.3g}-fold (worst of {trials})",
        hypotheses=(
            "a quadratic with noise, logistic regression, the same with a nonconvex penalty; λ = 0, Q = 0",
            "mini-batches of one sample; the first is the probe, the theorem from the second round on",
            "A² is the largest a_k seen; expectations are means over the replicates",
        ),
        source="MATHEMATICS.md#N4; essentially known, AdaGrad-norm of Li and Orabona, of Ward, Wu and Bottou",
        latex=r"E\sum_k \|G_k\|^2/(2\sigma_k) \leq \Gamma_N/2",
    ),
    measured_claim(
        "N4-rate-in-runs",
        "From a stationary point on its mean squared gradient falls like the square root of the number of rounds, to "
        "within 0.2 of the exponent.",
        trial=exponent_trial,
        instances=lambda seed, effort: [
            {"seed": seed, "problem": name, "penalty": 1.0, "steps": steps, "replicates": replicates}
            for name in FAMILIES[:: count(effort, 2, 1)]
            for steps, replicates in (count(effort, (1000, 40), (4000, 60)),)
        ],
        detail="exponent {estimate:.3f} in [{low:.3f}, {high:.3f}] (worst of {trials})",
        hypotheses=(
            "the problems of N4-adagrad-norm-in-runs (logistic regression with full effort only), started where ∇F = 0",
            "c₀ = 1, the last decade of 1,000 rounds (4,000 with full effort), 99 % intervals from ten groups",
        ),
        source="MATHEMATICS.md#N4; essentially known, AdaGrad-norm of Li and Orabona, of Ward, Wu and Bottou",
        picture=exponent_picture,
    ),
    measured_claim(
        "N5-past-metric-converges",
        "A bounded metric made of past batches, which rises and falls, leaves no floor where σ grows like k^.75, and "
        "one where σ is constant.",
        trial=past_trial,
        instances=lambda seed, effort: [
            {"seed": seed, "problem": name, "steps": steps, "replicates": replicates}
            for name in FAMILIES[:: count(effort, 2, 1)]
            for steps, replicates in (count(effort, (1000, 10), (2500, 20)),)
        ],
        detail="E‖∇F‖² falls like k^{growing:.2f}, with a constant σ like k^{constant:.2f} (worst of {trials})",
        hypotheses=(
            "D = Diag√v + ½, v the average of squared aggregate gradients of earlier batches, clipped: ½ ⪯ D ⪯ 3/2",
            "σ^k = 6(1+k)^.75, mixed order, λ = 0, Q = 0; powers over the last three octaves of the run; no floor is "
            "k^-1/4 or steeper",
            "a metric of the current batch is not covered: its bias is T9's (T9-same-batch-bias)",
        ),
        source="MATHEMATICS.md#N5, MATHEMATICS.md#T9; metrics of past batches are textbook, with Q on top ours",
    ),
)
"""Metrics under mini-batches."""
