"""NSISA, the variant that replaces the gradient: its fixed points (V9), and how often it is PISA at all."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.method import PISA, nsisa, sisa
from pisa_lab.preconditioners import newton_schulz
from pisa_lab.problem import FunctionProblem, from_functions
from pisa_lab.state import Observation, State
from proofs_check.claim import Verdict
from proofs_check.measured.instances import Array, Instance, count, generator, grid
from proofs_check.measured.trajectories import curve, figure, holds, measured_claim, norms_of, states_of

SHAPE = (5, 3)
OFTEN = 0.9
"""The share of entries that would count as "NSISA is PISA"."""


def balanced(instance: Instance) -> tuple[FunctionProblem, Array]:
    r"""Return (problem, $\sum_i\alpha_i\mathrm{NS}(g_i)$ at its KKT point 0).

    $F_i = \langle G_i, W\rangle + \tfrac12\|W\|^2$ on two clients.

    α = (¾, ¼) and $G_2 = -3G_1$, so that the gradients balance; their orthogonalised forms do not, as NS forgets the 3.
    """
    tilt = generator(instance).normal(size=SHAPE)
    weights, slopes = np.array([0.75, 0.25]), (tilt, -3 * tilt)

    def client(slope: Array) -> Any:
        return lambda w: float(np.sum(slope * w) + np.sum(w * w) / 2), lambda w: slope + w

    problem = from_functions([client(slope) for slope in slopes], np.zeros(SHAPE), weights=weights, lipschitz=1.0)
    pushed = [alpha * newton_schulz(slope) for alpha, slope in zip(weights, slopes, strict=True)]
    return problem, np.asarray(sum(pushed))


def fixed_trial(instance: Instance) -> Mapping[str, Any]:
    """Return ‖∇F‖ that NSISA and PISA reach from a KKT point (π_i = −g_i); margin log10(1e-6/NSISA's).

    The control is PISA without a preconditioner, which stays.
    """
    problem, pushed = balanced(instance)
    steps = int(instance["steps"])
    moved = norms_of(nsisa(float(instance["penalty"]), rho=1.0, warm=True), problem, steps=steps)
    stayed = norms_of(PISA(penalty=float(instance["penalty"]), warm=True), problem, steps=steps)
    late = float(np.min(moved[-steps // 4 :]))
    return {
        "imbalance": float(np.linalg.norm(pushed)),
        "early": [float(norm) for norm in moved[2:6]],
        "late": late,
        "pisa": float(np.max(stayed)),
        "control": holds(float(np.log10(1e-9 / max(float(np.max(stayed)), 1e-17)))),
        "margin": float(np.log10(1e-6 / max(late, 1e-17))),
    }


def fixed_picture(instance: Instance) -> Mapping[str, Any]:
    """Return ‖∇F‖ along NSISA started at a KKT point."""
    problem, _ = balanced(instance)
    norms = norms_of(nsisa(float(instance["penalty"]), rho=1.0, warm=True), problem, steps=int(instance["steps"]))
    return figure("NSISA leaves a KKT point", "round", "‖∇F(W)‖", "", [curve("NSISA", range(norms.size), norms)])


def regression(instance: Instance) -> FunctionProblem:
    """Return least squares with a matrix parameter on three heterogeneous clients."""
    rng = generator(instance)
    hidden = rng.normal(size=SHAPE)

    def client() -> Any:
        X = rng.normal(size=(20, SHAPE[0])) / np.sqrt(20)
        Y = X @ (hidden + 0.5 * rng.normal(size=SHAPE))
        return lambda w: float(np.sum((X @ w - Y) ** 2) / 2), lambda w: X.T @ (X @ w - Y)

    return from_functions([client() for _ in range(3)], np.zeros(SHAPE), lipschitz=4.0)


def sandwich_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return how often NSISA is PISA with some $0 \preceq Q \preceq \eta I$; margin: the share for η = ∞, − 0.9.

    "inside" are the shares of entries, over all clients and rounds, with
    $\frac{\sigma}{\sigma+\rho\sqrt v} \leq \frac{\pi+g}{\pi+o} \leq \frac{\sigma+\rho\eta}{\sigma+\rho\sqrt v}$ for
    each η of
    the instance, "lower" that of the left side alone (η = ∞, the most generous reading), "signs" that of a positive
    quotient. The control is SISA on the same problem, whose share must be 1.
    """
    problem, bounds = regression(instance), [float(bound) for bound in instance["bounds"]]
    penalty, steps = float(instance["penalty"]), int(instance["steps"])
    methods = nsisa(penalty, rho=1.0), sisa(penalty, rho=1.0)
    shares, true = (_mean_shares(method, problem, steps, bounds) for method in methods)
    return {
        "bounds": bounds,
        "inside": [round(float(share), 3) for share in shares[2:]],
        "lower": float(shares[1]),
        "signs": float(shares[0]),
        "sisa": float(true[1]),
        "control": float(true[1]) - 1,
        "margin": float(shares[1]) - OFTEN,
    }


def _mean_shares(method: PISA, problem: Any, steps: int, bounds: list[float]) -> Array:
    """Return the means of `_shares` over the rounds of a run."""
    states = states_of(method, problem, steps=steps)
    return np.asarray(np.mean([_shares(method, problem, a, b, bounds) for a, b in itertools.pairwise(states)], axis=0))


def _shares(method: PISA, problem: Any, before: State, after: State, bounds: list[float]) -> list[float]:
    """Return the shares of entries with a positive quotient, above the lower side, and inside for each η."""
    gradient = problem.client_grad(after.shared)
    seen = Observation(gradient, None, problem, before.multiplier, after.shared, before.iteration, 1)
    direction, memory = method.preconditioner.update(before.preconditioner, seen)
    root = np.asarray(memory.form.entries)
    sigma, rho = np.asarray(after.penalty)[:, None, None], float(np.asarray(method.rho))
    # Products in place of the quotient, so that an entry with π + o = 0 needs no special case.
    turned = (before.multiplier + gradient) * np.sign(before.multiplier + direction)
    size = np.abs(before.multiplier + direction)
    above = turned * (sigma + rho * root) >= sigma * size
    inside = [above & (turned * (sigma + rho * root) <= (sigma + rho * bound) * size) for bound in bounds]
    return [float(np.mean(flags)) for flags in (turned > 0, above, *inside)]


CLAIMS_ORTHOGONAL = (
    measured_claim(
        "V9-nsisa-fixed-points-in-runs",
        "NSISA stays at a KKT point.",
        trial=fixed_trial,
        instances=lambda seed, effort: grid(
            seed, count(effort, 2, 10), penalty=(4.0, 20.0), steps=(count(effort, 300, 1500),)
        ),
        detail="the orthogonalised gradients leave {imbalance:.3g} unbalanced; from the KKT point ‖∇F‖ comes to stay "
        "above {late:.3g} (PISA: {pisa:.0e})",
        hypotheses=(
            "α = (¾, ¼), g₂ = −3g₁",
            "π_i⁰ = −g_i",
            "full gradients",
            "F strongly convex",
            "Newton–Schulz with 5 steps",
        ),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V9",
        picture=fixed_picture,
        latex=r"\|\sum_i\alpha_i\mathrm{NS}(g_i)\| > 0 = \|\sum_i\alpha_i g_i\|",
    ),
    measured_claim(
        "V9-nsisa-is-pisa",
        "In nine of ten entries NSISA's step is a step of PISA with some positive semidefinite diagonal "
        "preconditioner, bounded or not.",
        trial=sandwich_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 3, 20),
            penalty=(2.0, 10.0),
            bounds=([1.0, 10.0, 100.0],),
            steps=(count(effort, 80, 300),),
        ),
        detail="in {lower:.1%} of the entries it is, with a bound η = {bounds} in {inside} of them; {signs:.1%} have "
        "the same sign (SISA: {sisa:.0%})",
        hypotheses=(
            "matrix least squares on three clients",
            "full gradients",
            "ρ = 1, v = (π+o)², o the orthogonalised momentum",
            "an entry is a step of PISA where the inequality holds, its right side with η = ∞",
        ),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V9, MATHEMATICS.md#T11",
        latex=r"\frac{\sigma}{\sigma+\rho\sqrt{v}} \leq \frac{\pi+g}{\pi+o} \leq "
        r"\frac{\sigma+\rho\eta}{\sigma+\rho\sqrt{v}}",
    ),
)
