"""What PISA equals without a preconditioner.

The optimistic gradient method (I4), whatever the partition (I5), and its edge (I6).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.method import PISA, sisa
from pisa_lab.preconditioners import Identity, Zero
from pisa_lab.problem import Problem, total_gradient
from problems.linear import logistic
from problems.quadratics import random_quadratic
from proofs_check.claim import Verdict
from proofs_check.measured.instances import Array, Instance, count, generator, grid, method_of, problem_of
from proofs_check.measured.trajectories import (
    curve,
    digits_to_spare,
    figure,
    geometric_rate,
    holds,
    measured_claim,
    norms_of,
    states_of,
)

TOLERANCE = 1e-12


def path_of(method: PISA, problem: Problem, steps: int) -> Array:
    r"""Return the consensus points w¹, …, of a run, (steps, \\*shape)."""
    return np.asarray([state.consensus for state in states_of(method, problem, steps=steps)[1:]])


def optimistic_path(problem: Problem, step: float, steps: int, *, warm: bool) -> Array:
    r"""Return the points of $w^+ = w - s(2G^\ell - G^{\ell-1})$, written as a plain loop that shares nothing with PISA.

    Warm: $G^{-1} = G^0$ (optax's start) and the first point is the one after the first move. Cold: $G^{-1} = 0$ and the
    first point is the start itself.
    """
    w = np.asarray(problem.initial, dtype=float)
    previous = total_gradient(problem, w) if warm else np.zeros_like(w)
    points = [] if warm else [w]
    while len(points) < steps:
        gradient = total_gradient(problem, w)
        w = w - step * (2 * gradient - previous)
        previous = gradient
        points.append(w)
    return np.asarray(points)


def _gap(found: Array, wanted: Array) -> Mapping[str, Any]:
    """Return the largest distance of two paths over the size of the path, and the digits it leaves below 1e-12."""
    error = float(np.max(np.abs(found - wanted)) / np.max(np.abs(wanted)))
    return {"error": error, "margin": digits_to_spare(error, TOLERANCE)}


def optimistic_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the distance of PISA (ρ = 0, γ = 1, λ = 0, unequal σ_i) from the plain loop.

    Margin in digits below 1e-12.
    """
    method, problem = method_of(instance), problem_of(instance)
    mean = float(np.sum(problem.weights * np.asarray(method.penalty)))
    return _gap(path_of(method, problem, 40), optimistic_path(problem, 1 / mean, 40, warm=method.warm))


def partition_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the distance of the path on a partition of the data from that on one client.

    Margin in digits below 1e-12.
    """
    X, y, parts = _data(instance)
    together, apart = logistic(X, y, ridge=0.1), logistic(X, y, parts, ridge=0.1)
    share = float(instance["penalty"])
    if instance["case"] == "unequal penalties":
        rng = generator(instance)
        raw = rng.uniform(0.3, 3.0, len(parts))
        penalty: Any = tuple(share * raw / float(np.sum(apart.weights * raw)))
        settings: dict[str, Any] = {"preconditioner": Zero(), "penalty_ratio": 0.95}
    else:
        penalty, settings = share, {"preconditioner": Identity(), "rho": 2.0, "penalty_ratio": 0.95}
    split = path_of(PISA(penalty=penalty, **settings), apart, 40)
    return _gap(split, path_of(PISA(penalty=share, **settings), together, 40))


def moment_partition_trial(instance: Instance) -> Mapping[str, Any]:
    """Return how far SISA's paths on two partitions part, relative.

    Margin in digits below the 1e-12 that I5 would allow. The control is Q = I in place of SISA's, all else the same.
    """
    X, y, parts = _data(instance)
    methods = (
        sisa(float(instance["penalty"])),
        PISA(penalty=float(instance["penalty"]), rho=1.0, preconditioner=Identity()),
    )
    found, equal = (
        _gap(path_of(method, logistic(X, y, parts, ridge=0.1), 40), path_of(method, logistic(X, y, ridge=0.1), 40))
        for method in methods
    )
    return {**found, "control": holds(equal["margin"])}


def _data(instance: Instance) -> tuple[Array, Array, list[Array]]:
    """Return (X, y, parts): labels from a hidden plane with noise, clients of unequal size, sorted by label or not."""
    rng = generator(instance)
    X = rng.normal(size=(120, 4)) @ np.diag([2.0, 1.0, 0.5, 0.1])
    y = np.where(X @ rng.normal(size=4) + 0.5 * rng.normal(size=120) > 0, 1.0, -1.0)
    order = np.argsort(y, kind="stable") if instance["sorted"] else rng.permutation(120)
    cuts = np.sort(rng.choice(np.arange(5, 115), int(instance["clients"]) - 1, replace=False))
    return X, y, [np.asarray(part) for part in np.split(order, cuts)]


def edge_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return how the measured growth of a run compares with the spectral radius of the iteration matrix.

    The run is stable exactly when $\sigma > \tfrac32h - \lambda/2$; "margin" is
    1 − |measured − predicted rate|/2e-3, and −1 when the run is on the wrong side of one. The
    tolerance is that of a fit over the last third of the run, up to where rounding ends it. A run that broke, or
    landed before there was anything to fit, measured nothing: its margin is NaN.
    """
    problem = random_quadratic(
        int(instance["seed"]), clients=int(instance["clients"]), spread=0.2, ridge=float(instance["ridge"])
    )
    hessian = np.einsum("i,ipq->pq", problem.weights, problem.hessians)
    edge = 1.5 * float(np.linalg.eigvalsh(hessian)[-1]) - problem.ridge / 2
    penalty = float(instance["factor"]) * edge
    predicted = spectral_radius(hessian, penalty, problem.ridge)
    norms = norms_of(PISA(penalty=penalty), problem, steps=450, w0=problem.minimiser + _ball(instance))
    # Up to the first round at the level of rounding, or the first that broke.
    alive = np.isfinite(norms) & (norms > 1e-13 * norms[0])
    rounds = norms.size if alive.all() else int(np.argmin(alive))
    measured = geometric_rate(norms[2 * rounds // 3 : rounds]) if rounds >= 60 else float("nan")
    right = (measured < 1) == (predicted < 1) == (float(instance["factor"]) > 1)
    gap = abs(measured - predicted)
    return {
        "edge": edge,
        "predicted": predicted,
        "measured": measured,
        "gap": gap,
        "margin": 1 - gap / 2e-3 if right else -1.0,
    }


def spectral_radius(hessian: Array, penalty: float, ridge: float) -> float:
    r"""Return the spectral radius of one round as a linear map.

    $(w, G^-) \mapsto (w^+, G)$ with $w^+ = w - (2Hw - G^- + \lambda w)/(\sigma+\lambda)$ and $G = Hw$.
    """
    size = hessian.shape[0]
    eye, zero = np.eye(size), np.zeros((size, size))
    total = penalty + ridge
    top = np.hstack([eye - (2 * hessian + ridge * eye) / total, eye / total])
    return float(np.max(np.abs(np.linalg.eigvals(np.vstack([top, np.hstack([hessian, zero])])))))


def _ball(instance: Instance) -> Array:
    return np.asarray(generator(instance).normal(size=5))


def edge_picture(instance: Instance) -> Mapping[str, Any]:
    """Return the gradient norms on both sides of the edge."""
    curves = []
    for factor in (1.49 / 1.5, 1.51 / 1.5, 4 / 3):
        problem = random_quadratic(int(instance["seed"]), clients=3, spread=0.2)
        top = float(np.linalg.eigvalsh(np.einsum("i,ipq->pq", problem.weights, problem.hessians))[-1])
        norms = norms_of(PISA(penalty=1.5 * factor * top), problem, steps=300, w0=problem.minimiser + _ball(instance))
        curves.append(curve(f"σ = {1.5 * factor:.3g} h", range(norms.size), norms / norms[0]))
    return figure("The edge of stability without a preconditioner", "round", "‖∇F‖ / first", "y", curves)


CLAIMS_EQUIVALENCES = (
    measured_claim(
        "I4-optimistic-gradient-in-runs",
        "Without a preconditioner and with a constant penalty PISA is the optimistic gradient method with step one "
        "over the mean penalty.",
        trial=optimistic_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 8, 60),
            clients=(1, 2, 4),
            dimension=(2, 5),
            waves=(0.0, 0.8),
            spread=(1.0, 10.0),
            penalty=((2.0, 9.0), (3.0, 60.0)),
            warm=(False, True),
        ),
        detail="paths of 40 rounds differ by at most {error:.1e} relative over {trials} runs, cold and warm",
        hypotheses=("ρ = 0", "γ = 1", "λ = 0", "full gradients", "any σ_i"),
        source="MATHEMATICS.md#I4",
        latex=r"w^{+} = w - (2G^{\ell}-G^{\ell-1})/\bar\sigma,\quad \bar\sigma=\sum_i\alpha_i\sigma_i",
    ),
    measured_claim(
        "I5-partition-invariance-in-runs",
        "With full gradients the path is the same for every partition of the data among clients.",
        trial=partition_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 8, 40),
            clients=(2, 3, 7, 12),
            sorted=(True, False),
            penalty=(2.0, 6.0),
            case=("unequal penalties", "equal with Q = I"),
        ),
        detail="paths of 40 rounds on a partition and on one client differ by at most {error:.1e} relative over "
        "{trials} runs",
        hypotheses=(
            "full gradients",
            "ρ = 0 with any fixed ratios of σ_i, or σ_i and ρ_iQ_i equal and free of the data",
        ),
        source="MATHEMATICS.md#I5",
    ),
    measured_claim(
        "I5-moment-partition-invariance",
        "With the second-moment preconditioner, too, the path is the same for every partition of the data.",
        trial=moment_partition_trial,
        instances=lambda seed, effort: grid(
            seed, count(effort, 3, 12), clients=(3, 7), sorted=(True,), penalty=(2.0, 6.0)
        ),
        detail="SISA on data sorted by label leaves the one-client path by {error:.2g} relative",
        hypotheses=("full gradients", "Q_i = √v_i, v_i the second moment of π_i + g_i, ρ = 1", "equal σ, γ = 1"),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#I5 (its exception)",
    ),
    measured_claim(
        "I6-stability-edge-in-runs",
        "On quadratics without a preconditioner the method is stable exactly above three halves of the curvature "
        "minus half the ridge.",
        trial=edge_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 8, 40),
            clients=(1, 3),
            ridge=(0.0, 0.5),
            factor=(1.49 / 1.5, 1.51 / 1.5, 0.97, 1.2),
        ),
        detail="rates at σ = {edge:.4g} times the factor: predicted {predicted:.5f}, measured {measured:.5f} (worst "
        "of {trials})",
        hypotheses=(
            "quadratic F_i",
            "ρ = 0",
            "γ = 1",
            "full gradients",
            "σ = Σα_iσ_i, h = λ_max of the Hessian of Σα_iF_i",
        ),
        picture=edge_picture,
        source="MATHEMATICS.md#I6",
        latex=r"\sigma > \frac{3}{2}h - \frac{\lambda}{2}",
    ),
)
