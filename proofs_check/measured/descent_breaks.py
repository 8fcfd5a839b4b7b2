"""Where the augmented Lagrangian rises: with a heavy preconditioner (V5b), with mini-batches (V5c)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity
from problems.linear import least_squares
from proofs_check.claim import Verdict
from proofs_check.measured.descent import TOLERANCE, lagrangians, largest_rise, rise_margin
from proofs_check.measured.instances import Array, Instance, count, grid
from proofs_check.measured.limits import parabola
from proofs_check.measured.trajectories import curve, figure, holds, measured_claim, states_of


def heavy_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest rise of L on (w − 1)²/2 with ρη = βσ; margin in digits below 1e-12.

    The control is ρη = σ/4.
    """
    sigma, beta = float(instance["penalty"]), float(instance["beta"])
    values = _parabola_lagrangians(_damped(sigma, beta), int(instance["steps"]))
    rise = largest_rise(values)
    place = int(np.argmax(np.diff(values)))
    return {
        "beta": beta,
        "round": place + 2,
        "before": float(values[place]),
        "after": float(values[place + 1]),
        "rise": rise,
        "control": holds(
            rise_margin(largest_rise(_parabola_lagrangians(_damped(sigma, 0.25), int(instance["steps"]))))
        ),
        "margin": rise_margin(rise),
    }


def _damped(sigma: float, beta: float) -> PISA:
    return PISA(penalty=sigma, rho=beta * sigma, preconditioner=Identity())


def _parabola_lagrangians(method: PISA, steps: int) -> Array:
    problem = parabola(1.0)
    return lagrangians(problem, states_of(method, problem, steps=steps))


def heavy_picture(instance: Instance) -> Mapping[str, Any]:
    """Return L along the runs with ρη = σ/4, 2σ and 20σ."""
    sigma, curves = float(instance["penalty"]), []
    for beta in (0.25, 2.0, 20.0):
        values = _parabola_lagrangians(_damped(sigma, beta), 80)
        curves.append(curve(f"ρη = {beta:g} σ", range(1, values.size + 1), values))
    return figure("The augmented Lagrangian with a light and a heavy preconditioner", "round", "L", "", curves)


def _sampled(instance: Instance) -> Any:
    """Return least squares on two heterogeneous clients."""
    rng = np.random.default_rng(int(instance["seed"]))
    X = rng.normal(size=(40, 3))
    y = X @ rng.normal(size=3) + rng.normal(size=40)
    order = np.argsort(y)
    return least_squares(X, y, [order[:25], order[25:]])


def batch_trial(instance: Instance) -> Mapping[str, Any]:
    """Return how often and how far L rose with mini-batches at σ⁰ = 8r; margin in digits below 1e-12.

    The control is the same run with full gradients.
    """
    values, full = (_batch_lagrangians(instance, batches) for batches in (int(instance["batch"]), None))
    rise = largest_rise(values)
    share = float(np.mean(np.diff(values) > TOLERANCE * (1 + np.abs(values[:-1]))))
    return {
        "rise": rise,
        "share": share,
        "control": holds(rise_margin(largest_rise(full))),
        "margin": rise_margin(rise),
    }


def _batch_lagrangians(instance: Instance, batches: int | None) -> Array:
    """Return L along a run at σ = 8r, r the Lipschitz constant of every sample."""
    problem = _sampled(instance)
    largest = float(np.max(np.sum(np.asarray(problem.features) ** 2, axis=-1)))
    method, steps, seed = PISA(penalty=8 * largest), int(instance["steps"]), int(instance["seed"])
    return lagrangians(problem, states_of(method, problem, steps=steps, batches=batches, seed=seed))


def batch_picture(instance: Instance) -> Mapping[str, Any]:
    """Return L along one run with mini-batches and one with full gradients."""
    curves = []
    for label, batches in (("mini-batches", int(instance["batch"])), ("full gradients", None)):
        values = _batch_lagrangians({**instance, "steps": 400}, batches)
        curves.append(curve(label, range(1, values.size + 1), values))
    return figure("The augmented Lagrangian at σ⁰ = 8r", "round", "L", "", curves)


CLAIMS_DESCENT_BREAKS = (
    measured_claim(
        "V5-heavy-preconditioner",
        "The augmented Lagrangian falls in every round however large rho times the bound on Q.",
        trial=heavy_trial,
        instances=lambda seed, effort: [
            {"penalty": 2.0 + 2 * (seed % 2), "beta": beta, "steps": 200} for beta in (2.0, 20.0)
        ],
        detail="with ρη = {beta:g}σ the Lagrangian rises from {before:.4f} to {after:.4f} in round {round}",
        hypotheses=("full gradients", "σ = 2r or 4r, r = 1", "F = (w−1)²/2, Q = I, ρ = 2σ or 20σ", "γ = 1, λ = 0"),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V5",
        picture=heavy_picture,
    ),
    measured_claim(
        "V5-mini-batch-descent",
        "With mini-batches and a penalty of eight times the Lipschitz constant the augmented Lagrangian falls "
        "in every round.",
        trial=batch_trial,
        instances=lambda seed, effort: grid(seed, count(effort, 3, 20), batch=(1, 4), steps=(200,)),
        detail="it rises in {share:.0%} of the rounds, by up to {rise:.2g} relative",
        hypotheses=(
            "mini-batches",
            "σ = 8r, r the Lipschitz constant of every sample",
            "γ = 1, ρ = 0",
            "least squares",
        ),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V5",
        picture=batch_picture,
    ),
)
