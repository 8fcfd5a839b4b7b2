"""The rate that a fixed γ < 1 shows is the penalty's, whatever stands in place of gradients (V1)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity, Zero
from pisa_lab.problem import Problem
from problems.quadratics import random_quadratic
from problems.transforms import with_noise, zero
from proofs_check.claim import Verdict
from proofs_check.measured.instances import Array, Instance, count
from proofs_check.measured.limits import rounds_to_freeze
from proofs_check.measured.trajectories import TINY, curve, figure, geometric_rate, holds, measured_claim

TOLERANCE = 2e-3
"""Of a fitted rate: three digits, as MATHEMATICS.md#V1 gives it."""


def increments(problem: Problem, method: PISA, *, steps: int, **settings: Any) -> Array:
    r"""Return $\|w^{\ell+1} - w^\ell\|$ for every round but the first, (steps − 1[, replicates])."""

    def length(problem: Problem, state: Any) -> Array:
        return np.asarray(np.sqrt(np.sum(state.increment**2, axis=-1)))

    result = run(method, problem, steps=steps, measures={"length": length}, every=1, **settings)
    return np.asarray(result.history["length"])[2:]


def _method(instance: Instance) -> PISA:
    preconditioner = Identity() if float(instance["rho"]) else Zero()
    return PISA(
        penalty=float(instance["penalty"]),
        penalty_ratio=float(instance["ratio"]),
        rho=float(instance["rho"]),
        preconditioner=preconditioner,
    )


def _problem(instance: Instance) -> Any:
    """Return pure noise, or a quadratic with full gradients."""
    if instance["gradients"] == "noise":
        return with_noise(zero((4,), 3), 1.0, seed=int(instance["seed"]), samples=512)
    return random_quadratic(int(instance["seed"]), clients=3, spread=0.05, shift=3.0)


def _rounds(ratio: float) -> int:
    """Return enough rounds for a fit: five and a half decades of the penalty, at least 60."""
    return max(60, 2 * rounds_to_freeze(ratio) // 5)


def rate_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the fitted rate of ‖w^{ℓ+1} − w^ℓ‖ (mean logarithm over replicates); margin 1 − |rate − γ|/2e-3."""
    ratio = float(instance["ratio"])
    noise = instance["gradients"] == "noise"
    settings: dict[str, Any] = {"batches": 1, "seeds": int(instance["replicates"])} if noise else {}
    lengths = increments(_problem(instance), _method(instance), steps=_rounds(ratio), **settings)
    mean = np.exp(np.mean(np.log(lengths.reshape(lengths.shape[0], -1)), axis=1))
    fitted = geometric_rate(mean[mean.size // 3 :])
    return {"ratio": ratio, "rate": fitted, "margin": 1 - abs(fitted - ratio) / TOLERANCE}


def rate_picture(instance: Instance) -> Mapping[str, Any]:
    """Return ‖w^{ℓ+1} − w^ℓ‖ for noise and for gradients at γ = .9."""
    curves = []
    for gradients in ("noise", "gradients"):
        told = {**instance, "gradients": gradients, "ratio": 0.9}
        settings: dict[str, Any] = {"batches": 1} if gradients == "noise" else {}
        lengths = increments(_problem(told), _method(told), steps=150, **settings)
        curves.append(curve(gradients, range(2, lengths.size + 2), lengths))
    bound = [lengths[0] * 0.9**k for k in range(lengths.size)]
    curves.append(curve("0.9^ℓ", range(2, lengths.size + 2), bound))
    return figure("The same rate from pure noise and from gradients, γ = 0.9", "round", "‖w⁺ − w‖", "y", curves)


def _distances(instance: Instance, method: PISA, steps: int, point: Array | None = None) -> Array:
    """Return ‖w^ℓ − point‖ for every round of a run, the minimiser where no point is given."""
    problem = _problem(instance)
    target = problem.minimiser if point is None else point

    def distance(problem: Any, state: Any) -> Array:
        return np.asarray(np.linalg.norm(state.consensus - target))

    result = run(method, problem, steps=steps, measures={"distance": distance}, every=1)
    return np.asarray(result.history["distance"])


def limit_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the fitted rate of the distance to the limit; margin 1 − |rate − γ|/2e-3.

    The limit is where the run is after the penalty has grown by 1e14; the fit begins where it has grown by 1e2 and
    ends at 1e8.
    """
    ratio, method = float(instance["ratio"]), _method(instance)
    rounds = rounds_to_freeze(ratio)
    limit = np.asarray(run(method, _problem(instance), steps=rounds, measures=(), every=rounds).state.consensus)
    distances = _distances(instance, method, 4 * rounds // 7, limit)
    fitted = geometric_rate(distances[rounds // 7 :])
    return {"ratio": ratio, "rate": fitted, "margin": 1 - abs(fitted - ratio) / TOLERANCE}


def optimal_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the rate of the distance to the minimiser over the last third of a run; margin 1 − (rate − γ)/2e-3.

    If the linear rate were one of optimisation the distance to the minimiser would shrink by γ a round. The control is
    γ = 1, with which the same distance falls below a thousandth.
    """
    ratio = float(instance["ratio"])
    distances = _distances(instance, _method(instance), _rounds(ratio))
    tail = distances[-_rounds(ratio) // 3 :]
    fitted = geometric_rate(tail)
    constant = _distances(instance, _method({**instance, "ratio": 1.0}), 800)
    return {
        "ratio": ratio,
        "rate": fitted,
        "left": float(tail[-1]),
        "control": holds(float(np.log10(1e-3 * constant[0] / max(constant[-1], TINY)))),
        "margin": 1 - (fitted - ratio) / TOLERANCE,
    }


def _instances(seed: int, effort: str, kinds: tuple[str, ...]) -> list[dict[str, Any]]:
    replicates = count(effort, 24, 128)
    return [
        {
            "seed": 1000 * seed + place,
            "gradients": kind,
            "ratio": ratio,
            "penalty": 8.0,
            "rho": rho,
            "replicates": replicates if ratio < 0.99 else replicates // 3,
        }
        for place, ratio in enumerate((0.75, 0.9, 0.99))
        for kind in kinds
        for rho in ((0.0,) if effort == "quick" else (0.0, 3.0))
    ]


CLAIMS_RATES = (
    measured_claim(
        "V1-rate-of-the-penalty",
        "With a fixed penalty ratio the steps shrink at exactly that ratio, with gradients and with pure noise in "
        "place of them.",
        trial=rate_trial,
        instances=lambda seed, effort: _instances(seed, effort, ("noise", "gradients")),
        detail="fitted rate {rate:.4f} for γ = {ratio} (worst of {trials}, noise and gradients)",
        hypotheses=("γ < 1 fixed", "bounded gradients, whatever they are", "ρ ≥ 0 fixed"),
        source="MATHEMATICS.md#V1",
        picture=rate_picture,
        latex=r"\|w^{\ell+1}-w^{\ell}\| = O(\gamma^{\ell})",
    ),
    measured_claim(
        "V1-distance-to-the-limit",
        "With a fixed penalty ratio the distance of the consensus point to its limit, which need not be a minimiser, "
        "shrinks at that ratio.",
        trial=limit_trial,
        instances=lambda seed, effort: _instances(seed, effort, ("gradients",)),
        detail="fitted rate {rate:.5f} for γ = {ratio} (worst of {trials})",
        hypotheses=("γ < 1 fixed", "σ⁰ = 8L", "strongly convex quadratics", "full gradients"),
        provenance="reconstructed",
        source="MATHEMATICS.md#claims (d), MATHEMATICS.md#V1",
        latex=r"\|w^{\ell}-w^{\infty}\| = O(\gamma^{\ell})",
    ),
    measured_claim(
        "V1-rate-of-optimisation",
        "With a fixed penalty ratio the distance of the consensus point to the minimiser shrinks at that ratio.",
        trial=optimal_trial,
        instances=lambda seed, effort: [i for i in _instances(seed, effort, ("gradients",)) if i["ratio"] < 0.99],
        detail="fitted rate {rate:.4f} for γ = {ratio}, with {left:.3g} left of the distance",
        hypotheses=("γ < 1 fixed", "σ⁰ = 8L", "strongly convex quadratics", "full gradients"),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V1",
        latex=r"\|w^{\ell}-w^\star\| = O(\gamma^{\ell})",
    ),
)
