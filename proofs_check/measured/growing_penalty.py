"""Mini-batches: a penalty that grows like a power of the round leaves no floor of variance (V4b)."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from pisa_lab.method import PISA
from pisa_lab.preconditioners import SecondMoment, Zero
from problems.quadratics import random_quadratic
from problems.transforms import with_noise
from proofs_check.claim import Verdict
from proofs_check.measured.floors import NOISE, SCHEDULES, squared_norms
from proofs_check.measured.instances import Array, Instance, count, grid
from proofs_check.measured.trajectories import curve, figure, measured_claim, power_law


def _repair(instance: Instance, schedule: str) -> Array:
    """Return E‖∇F‖² over the replicates for one schedule on a noisy heterogeneous quadratic."""
    base = random_quadratic(int(instance["seed"]), clients=3, spread=0.05, spectrum=(1.0, 0.7, 0.5), shift=2.0)
    problem = with_noise(base, 1.0, seed=int(instance["seed"]), samples=1024)
    bounded = instance["preconditioner"] == "moment"
    method = PISA(
        penalty=3.0 * float(np.max(base.lipschitz)),
        rho=1.0 if bounded else 0.0,
        preconditioner=SecondMoment("III", clip=1.0) if bounded else Zero(),
        schedule=SCHEDULES[schedule],
    )
    squares = squared_norms(
        problem,
        method,
        steps=int(instance["steps"]),
        replicates=int(instance["replicates"]),
        seed=int(instance["seed"]),
    )
    return np.asarray(np.mean(squares, axis=1))


def _windows(values: Array) -> tuple[Array, Array]:
    """Return the mean rounds and mean values of the dyadic windows of the last seven eighths."""
    edges = [values.size >> k for k in (3, 2, 1, 0)]
    pairs = list(pairwise(edges))
    return np.asarray([(a + b) / 2 for a, b in pairs]), np.asarray([np.mean(values[a:b]) for a, b in pairs])


def repaired_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the power of ℓ with which E‖∇F‖² falls; margin −power/0.25 − 1.

    Theory has −a where the penalty is the bottleneck; with a = 1 a flat direction of curvature h falls like ℓ^{−2h/σ⁰}
    only.
    """
    exponent = float(str(instance["schedule"]).split()[1])
    power = power_law(*_windows(_repair(instance, str(instance["schedule"]))))
    return {"exponent": exponent, "power": power, "margin": -power / 0.25 - 1}


def unrepaired_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the power of ℓ with a constant penalty; margin −power/0.25 − 1, negative where E‖∇F‖² stays."""
    values = _repair(instance, "constant")
    power = power_law(*_windows(values))
    return {"power": power, "floor": float(np.mean(values[values.size // 2 :])), "margin": -power / 0.25 - 1}


def repaired_picture(instance: Instance) -> Mapping[str, Any]:
    """Return E‖∇F‖² against the round for three schedules."""
    curves = []
    for name in ("constant", "polynomial .75", "geometric"):
        values = _repair(instance, name)
        edges = np.unique(np.geomspace(1, values.size - 1, 24).astype(int))
        means = [float(np.mean(values[a:b])) for a, b in pairwise(edges)]
        curves.append(curve(name, edges[:-1], means))
    return figure("Mini-batches: constant, growing and geometric penalties", "round", "E‖∇F‖²", "xy", curves)


def _repairs(seed: int, effort: str, schedules: tuple[str, ...]) -> list[dict[str, Any]]:
    return grid(
        seed,
        count(effort, 3, 12),
        preconditioner=("none", "moment"),
        schedule=schedules,
        steps=(count(effort, 800, 4000),),
        replicates=(count(effort, 32, 64),),
    )


CLAIMS_GROWING_PENALTY = (
    measured_claim(
        "V4-growing-penalty-repairs",
        "With a penalty that grows like a power in (1/2, 1] of the round the mean squared gradient falls to zero.",
        trial=repaired_trial,
        instances=lambda seed, effort: _repairs(seed, effort, ("polynomial .6", "polynomial .75", "polynomial 1")),
        detail="E‖∇F‖² falls like ℓ^{power:.2f} where σ grows like ℓ^{exponent:g} (worst of {trials})",
        hypotheses=(*NOISE[:2], "ρQ ⪯ H, SISA with its clip included", "λ = 0", "σ^ℓ = σ⁰(1+ℓ)^a"),
        source="MATHEMATICS.md#V4",
        picture=repaired_picture,
    ),
    measured_claim(
        "V4-constant-penalty-vanishes",
        "With mini-batches and a constant penalty, too, the mean squared gradient falls to zero.",
        trial=unrepaired_trial,
        instances=lambda seed, effort: _repairs(seed, effort, ("constant",))[: count(effort, 1, 6)],
        detail="E‖∇F‖² stays at {floor:.3g} (power of the round {power:.2f})",
        hypotheses=NOISE[:2],
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V4",
    ),
)
