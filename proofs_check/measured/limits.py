"""Where a fixed penalty ratio below one leaves the iterates: frozen, in consensus, and not stationary (V2)."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from pisa_lab.lagrangian import augmented_lagrangian
from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.problem import total_gradient
from problems.quadratics import random_quadratic
from proofs_check.claim import Claim, Verdict
from proofs_check.measured.instances import Instance, count, grid, scalar_problem
from proofs_check.measured.trajectories import TINY, curve, figure, holds, measured_claim, series, states_of

TOLERANCE = 1e-12
RESIDUALS = ("stationarity", "local", "consensus", "aggregate")
MOST_ROUNDS = 10**6


def parabola(curvature: float, start: float = 0.0) -> Any:
    """Return F = (r/2)(w − 1)² in one variable."""
    return scalar_problem([(lambda w: curvature * (w - 1) ** 2 / 2, lambda w: curvature * (w - 1))], start)


def rounds_to_freeze(ratio: float) -> int:
    """Return how many rounds the penalty takes to grow by 1e14, after which nothing moves that a share shows.

    Raises:
        ValueError: the ratio is so near 1 that nobody would wait for that.
    """
    rounds = math.ceil(14 * math.log(10) / -math.log(ratio))
    if rounds > MOST_ROUNDS:
        raise ValueError(f"ratios: {ratio} takes {rounds:,} rounds to freeze, at most {MOST_ROUNDS:,} are run")
    return rounds


def exact_share(ratio: Fraction, penalty: Fraction, rounds: int) -> Fraction:
    r"""Return $(w^\ell-1)/(w^0-1)$ of the witness in rationals, by $e^+ = e - (2e - e^-)/\sigma^\ell$ alone."""
    older, error, sigma = Fraction(0), Fraction(1), penalty
    for _ in range(rounds - 1):
        sigma /= ratio
        older, error = error, error - (2 * error - older) / sigma
    return error


def frozen_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the share of the first gradient that the limit keeps for each γ; margin log10(1e-12/least share).

    It is +1, no witness, unless the local and the consensus residuals vanish. The first 12 rounds are replayed in
    rationals: "replay" is the largest relative difference from the run. The control is γ = 1 in the same run, whose
    share falls below 1e-12.
    """
    ratios = [float(ratio) for ratio in instance["ratios"]]
    penalty, curvature = float(instance["penalty"]), float(instance["curvature"])
    method = PISA(penalty=penalty * curvature, penalty_ratio=tuple((ratio,) for ratio in (*ratios, 1.0)))
    steps = max(rounds_to_freeze(ratio) for ratio in ratios)
    every = range(1, 13)
    result = run(method, parabola(curvature), steps=steps, seeds=len(ratios) + 1, measures=RESIDUALS, every=every)
    norms, constant = np.split(series(result, "stationarity"), [len(ratios)], axis=1)
    shares = norms[-1] / norms[0]
    last = {name: result.last(name)[:-1] for name in RESIDUALS}
    local, consensus = float(np.max(last["local"] / norms[0])), float(np.max(last["consensus"]))
    exact = [[float(exact_share(Fraction(r), Fraction(penalty), k)) for r in ratios] for k in range(1, 13)]
    return {
        "ratios": ratios,
        "shares": [float(f"{share:.4g}") for share in shares],
        "replay": float(np.max(np.abs(norms[1:13] / norms[0] / np.abs(exact) - 1))),
        "local": local,
        "consensus": consensus,
        "aggregate": [float(f"{value:.4g}") for value in last["aggregate"] / norms[0]],
        "control": holds(float(np.log10(TOLERANCE / max(constant[-1, 0] / constant[0, 0], TINY)))),
        "margin": float(np.log10(TOLERANCE / np.min(shares))) if max(local, consensus) < TOLERANCE else 1.0,
    }


def residual_picture(instance: Instance) -> Mapping[str, Any]:
    """Return the three residuals of the witness against the round."""
    ratio, curvature = float(instance["ratios"][0]), float(instance["curvature"])
    method = PISA(penalty=float(instance["penalty"]) * curvature, penalty_ratio=ratio)
    result = run(method, parabola(curvature), steps=80, measures=RESIDUALS, every=1)
    curves = [curve(name, range(1, 81), series(result, name)[1:], least=1e-15) for name in RESIDUALS[1:]]
    return figure(f"KKT residuals of the witness, γ = {ratio:g}", "round", "residual", "y", curves)


def ordering_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the limit's share for each γ.

    Margin is the least log10 drop from one γ to the next while a share is above 1e-12, the last γ's being 1 and its
    share below that.
    """
    ratios = [float(ratio) for ratio in instance["ratios"]]
    problem = random_quadratic(
        int(instance["seed"]), clients=4, spectrum=instance["spectrum"], rotation=1.0, spread=0.05, shift=3.0
    )
    clients, steps = len(problem.weights), int(instance["steps"])
    penalty = 8 * float(np.max(problem.lipschitz))
    method = PISA(penalty=penalty, penalty_ratio=tuple((ratio,) * clients for ratio in ratios))
    result = run(method, problem, steps=steps, seeds=len(ratios), measures=("stationarity",), every=steps)
    norms = series(result, "stationarity")
    shares = norms[-1] / norms[0]
    logs = np.log10(np.maximum(shares, TOLERANCE))
    drops = (logs[:-1] - logs[1:])[shares[:-1] > TOLERANCE]
    return {
        "ratios": ratios,
        "shares": [float(f"{share:.3g}") for share in shares],
        "margin": float(np.min(drops)) if shares[-1] < TOLERANCE else -1.0,
    }


def ordering_picture(instance: Instance) -> Mapping[str, Any]:
    """Return the limit's share of the first gradient against 1 − γ."""
    numbers = ordering_trial(instance)
    gaps = [1 - ratio for ratio in numbers["ratios"][:-1]]
    return figure(
        "Share of the first gradient left at the limit",
        "1 − γ",
        "share",
        "xy",
        [curve("σ⁰ = 8r", gaps, numbers["shares"][:-1])],
    )


def descent_trial(instance: Instance) -> Mapping[str, Any]:
    """Return in how many rounds L rose and what gradient was left.

    Margin log10(1e-6/share) where L never rose, +1 where it did. The control is γ = 1: L never rises there either, and
    the share falls below 1e-6.
    """
    penalty, curvature = float(instance["penalty"]) * float(instance["curvature"]), float(instance["curvature"])
    ratio = float(instance["ratio"])
    rises, share = _descent(curvature, PISA(penalty=penalty, penalty_ratio=ratio), rounds_to_freeze(ratio))
    rises_of_one, share_of_one = _descent(curvature, PISA(penalty=penalty), 400)
    return {
        "rises": rises,
        "share": share,
        "control": holds(float(np.log10(1e-6 / share_of_one))) if rises_of_one == 0 else -1.0,
        "margin": float(np.log10(1e-6 / share)) if rises == 0 else 1.0,
    }


def _descent(curvature: float, method: PISA, steps: int) -> tuple[int, float]:
    """Return (rounds in which L rose by more than rounding, last gradient over the first)."""
    problem = parabola(curvature)
    states = states_of(method, problem, steps=steps)[1:]
    values = np.asarray([float(augmented_lagrangian(problem, state)) for state in states])
    first, last = (float(np.abs(total_gradient(problem, state.consensus))[0]) for state in (states[0], states[-1]))
    return int(np.sum(np.diff(values) > 1e-15 * curvature)), max(last / first, TINY)


def _witness(seed: int, effort: str) -> list[dict[str, Any]]:
    """Return the exact witness (it has no randomness; the seed only scales r)."""
    return [{"ratios": [0.75, 0.9, 0.99], "penalty": 8.0, "curvature": float(1 + seed)}]


CLAIMS_LIMITS: tuple[Claim, ...] = (
    measured_claim(
        "V2-limit-not-stationary",
        "With a fixed penalty ratio below one and a first penalty of eight times the curvature the limit is a "
        "stationary point.",
        trial=frozen_trial,
        instances=_witness,
        detail="for γ = {ratios} the limit keeps {shares} of the first gradient, all of it in the aggregate residual "
        "(local {local:.0e}, consensus {consensus:.0e}); the first 12 rounds equal exact rationals to {replay:.0e}",
        hypotheses=("γ < 1 fixed", "σ⁰ = 8r", "full gradients", "F = (r/2)(w−1)², ρ = λ = 0, γ ∈ {.75, .9, .99}"),
        expected=Verdict.REFUTED,
        provenance="reconstructed",
        source="MATHEMATICS.md#V2",
        picture=residual_picture,
        latex=r"\lim_\ell \nabla F_\lambda(w^{\ell}) = 0",
    ),
    measured_claim(
        "V2-share-ordering",
        "The gradient left at the limit falls as the penalty ratio rises towards one, and at one it vanishes.",
        trial=ordering_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 2, 3),
            spectrum=([1.0, 0.7, 0.4, 0.3], [1.0, 0.5, 0.3, 0.2]),
            ratios=([0.75, 0.9, 0.99, 1.0] if effort == "quick" else [0.75, 0.9, 0.99, 0.999, 1.0],),
            steps=(count(effort, 1500, 8000),),
        ),
        detail="shares {shares} for γ = {ratios}",
        hypotheses=("σ⁰ = 8r", "full gradients", "heterogeneous quadratics"),
        source="MATHEMATICS.md#V2",
        picture=ordering_picture,
    ),
    measured_claim(
        "V2-descent-is-not-convergence",
        "An augmented Lagrangian that falls in every round means that the limit of w is a stationary point.",
        trial=descent_trial,
        instances=lambda seed, effort: [
            {"ratio": ratio, "penalty": 8.0, "curvature": float(1 + seed)} for ratio in (0.75, 0.9)
        ],
        detail="the Lagrangian rose in {rises} rounds, and the limit keeps {share:.4g} of the first gradient",
        hypotheses=(
            "γ < 1 fixed: .75 or .9",
            "σ⁰ = 8r",
            "full gradients",
            "F = (r/2)(w−1)², ρ = λ = 0",
            "every round is L^{ℓ+1} ≤ L^ℓ for ℓ ≥ 1, L after a whole round; cold start",
        ),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V5, MATHEMATICS.md#V2",
    ),
)
