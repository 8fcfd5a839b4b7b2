"""Where to read the result: the mean of the local models against the consensus point, under mini-batches."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.problem import Problem, total_gradient
from pisa_lab.state import State
from problems.generators import synthetic
from problems.heterogeneity import partition
from problems.linear import logistic
from problems.quadratics import random_quadratic
from problems.transforms import with_noise
from proofs_check.measured.instances import Array, Instance, count
from proofs_check.measured.mini_batches import bottom
from proofs_check.measured.trajectories import curve, figure, measured_claim
from proofs_check.theory import local_mean_ratio

TOLERANCE = 0.05
"""Of the logarithm of the ratio on quadratics; the replicates scatter by a tenth of it."""
STUDENT = 3.77
"""Student's quantile for a 99.9 % interval from 24."""


def _squared(problem: Problem, point: Array) -> Array:
    return np.asarray(np.sum(total_gradient(problem, point) ** 2, axis=-1))


def _at_consensus(problem: Problem, state: State) -> Array:
    return _squared(problem, state.consensus)


def _at_mean(problem: Problem, state: State) -> Array:
    return _squared(problem, state.local_mean)


def squares(problem: Problem, method: PISA, instance: Instance, w0: Any) -> tuple[Array, Array]:
    """Return the late mean squared gradients at w and at the mean of the local models, each (replicates,)."""
    steps, seeds = int(instance["steps"]), int(instance["replicates"])
    told: dict[str, Any] = {"batches": 1, "seeds": seeds, "seed": 30 * int(instance["seed"]), "w0": w0}
    measures = {"consensus": _at_consensus, "mean": _at_mean}
    result = run(method, problem, steps=steps, measures=measures, every=range(steps // 5, steps + 1), **told)
    # The first record is the start.
    found = (np.mean(np.asarray(result.history[name], dtype=float)[1:], axis=0) for name in measures)
    consensus, mean = found
    return consensus, mean


def quadratic_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the ratio of the mean squares on a noisy quadratic against the formula.

    Margin: 1 − (distance of the logarithms, and the interval's half width)/0.05.
    """
    curvature, kappa = float(instance["curvature"]), float(instance["penalty"])
    base = random_quadratic(int(instance["seed"]), clients=3, spectrum=(curvature,) * 16, shift=1.0)
    problem = with_noise(base, 2.0, seed=int(instance["seed"]), samples=512)
    consensus, mean = squares(problem, PISA(penalty=kappa), instance, base.minimiser)
    logs = np.log(mean / consensus)
    half = STUDENT * float(np.std(logs, ddof=1)) / np.sqrt(logs.size)
    found, wanted = float(np.mean(mean) / np.mean(consensus)), local_mean_ratio(kappa, curvature)
    off = abs(float(np.log(found / wanted)))
    return {"ratio": found, "wanted": wanted, "half": float(half), "margin": float(1 - (off + half) / TOLERANCE)}


def logistic_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the ratio on logistic regression with one label a client.

    Margin: the logarithm of .9 minus that of the interval's upper end.
    """
    X, y, _ = synthetic("binary", int(instance["seed"]), clients=4, samples=40, dimension=10, noise=1.0)
    parts = partition("label:1", y, 4, seed=int(instance["seed"])).parts
    problem = logistic(X, y, parts, ridge=0.05)
    penalty = float(instance["penalty"]) * float(np.max(problem.lipschitz))
    consensus, mean = squares(problem, PISA(penalty=penalty), instance, bottom(problem))
    logs = np.log(mean / consensus)
    high = float(np.mean(logs) + STUDENT * np.std(logs, ddof=1) / np.sqrt(logs.size))
    return {"ratio": float(np.exp(np.mean(logs))), "high": float(np.exp(high)), "margin": float(np.log(0.9)) - high}


def quadratic_picture(instance: Instance) -> Mapping[str, Any]:
    """Return the formula and the measured ratio against κ."""
    kappas = (2.0, 3.0, 5.0, 8.0)
    found = [quadratic_trial({**instance, "curvature": 1.0, "penalty": kappa})["ratio"] for kappa in kappas]
    fine = np.linspace(1.6, 10, 30)
    curves = [curve("measured", kappas, found), curve("formula", fine, [local_mean_ratio(kappa) for kappa in fine])]
    return figure("The mean of the local models", "κ = σ/L", "ratio of E‖∇F‖²", "", curves)


CLAIMS_LOCAL_MEANS = (
    measured_claim(
        "local-mean-on-quadratics",
        "Under noise of constant variance the mean squared gradient at the mean of the local models is (κ−c)/(3c+κ) of "
        "that at w, a fifth at κ = 2 with c = 1.",
        trial=quadratic_trial,
        instances=lambda seed, effort: [
            {"seed": seed, "curvature": c, "penalty": kappa, "steps": steps, "replicates": 24}
            for c, kappa in count(effort, ((1.0, 2.0), (0.5, 3.0)), ((1.0, 2.0), (0.5, 2.0), (1.0, 6.0), (0.3, 4.0)))
            for steps in (count(effort, 600, 3000),)
        ],
        detail="ratio {ratio:.4f}, formula {wanted:.4f} (worst of {trials})",
        hypotheses=(
            "Hessian cI, three clients, λ = 0, Q = 0, constant σ = κ with L = 1",
            "mini-batches of one sample, from the minimiser on, the last four fifths of the run",
        ),
        source="MATHEMATICS.md#local-mean",
        picture=quadratic_picture,
        latex=r"E\|\nabla F(\sum_i\alpha_i w_i)\|^2 / E\|\nabla F(w)\|^2 \to (\kappa-c)/(3c+\kappa)",
    ),
    measured_claim(
        "local-mean-on-logistic",
        "On logistic regression with one label a client, too, the mean squared gradient at the mean of the local "
        "models is at most nine tenths of that at w.",
        trial=logistic_trial,
        instances=lambda seed, effort: [
            {"seed": seed + k, "penalty": kappa, "steps": count(effort, 600, 3000), "replicates": 24}
            for k, kappa in enumerate(count(effort, (1.5, 3.0), (1.5, 2.0, 3.0, 5.0)))
        ],
        detail="ratio {ratio:.3f}, at most {high:.3f} (worst of {trials})",
        hypotheses=(
            "four clients, labels split, λ = .05, Q = 0, constant σ = κL",
            "mini-batches of one sample, from the minimiser on; 99.9 % intervals over 24 replicates",
        ),
        source="MATHEMATICS.md#local-mean",
    ),
)
"""What the last optimistic correction costs where gradients are noisy."""
