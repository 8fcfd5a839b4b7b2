"""When the augmented Lagrangian falls every round (V5a), and when it does not.

A large ρ (V5b), mini-batches (V5c).
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from pisa_lab._array import column
from pisa_lab.lagrangian import augmented_lagrangian, lyapunov
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity
from pisa_lab.problem import Problem
from pisa_lab.state import State
from problems.linear import least_squares
from proofs_check.claim import Verdict
from proofs_check.measured.instances import Array, Instance, count, grid, method_of, problem_of
from proofs_check.measured.limits import parabola
from proofs_check.measured.trajectories import TINY, curve, digits_to_spare, figure, measured_claim, states_of

TOLERANCE = 1e-12
"""Of a rise, relative to the size of what L is summed from; rounding leaves some 1e-16 of it."""


def lagrangians(problem: Problem, states: Sequence[Any]) -> Array:
    """Return L^ℓ of the states from ℓ = 1 on, as the claim has it."""
    return np.asarray([float(augmented_lagrangian(problem, state)) for state in states[1:]])


def largest_rise(values: Array) -> float:
    """Return max(L^{ℓ+1} − L^ℓ)/(1 + |L^ℓ|)."""
    return float(np.max(np.diff(values) / (1 + np.abs(values[:-1]))))


def rise_margin(rise: float) -> float:
    """Return log10(1e-12/rise), cut at 5.

    Digits to spare where it is positive, digits of a true rise where it is negative.
    """
    return digits_to_spare(rise, TOLERANCE)


def light(instance: Instance) -> dict[str, Any]:
    """Return the instance with ρ_i drawn from [0, σ/(4η)], σ being the least penalty that it allows."""
    clip = 1.0 if instance["preconditioner"] == "identity" else 0.5
    least = float(np.min(np.asarray(instance["penalty"])))
    return {**instance, "clip": clip, "rho": [0.0, least / (4 * clip)]}


def descent_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest relative rise of L along a run with σ⁰ ≥ 2r, ρη ≤ σ/4; margin in digits below 1e-12."""
    method, problem = method_of(light(instance)), problem_of(instance)
    rise = largest_rise(lagrangians(problem, states_of(method, problem, steps=int(instance["steps"]))))
    return {"rise": rise, "margin": rise_margin(rise)}


def lyapunov_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst of the reconstructed lemma's inequality along a run, relative to 1 + |L̃|.

    Margin in digits below 1e-12; "share" is the median share of the fall of L̃ that the lemma asks for.
    """
    method, problem = method_of(light(instance)), problem_of(instance)
    states = states_of(method, problem, steps=int(instance["steps"]))[1:]
    values = np.asarray([_lyapunov(method, problem, state) for state in states])
    asked = np.asarray([_asked(before, after) for before, after in pairwise(states)])
    falls = values[:-1] - values[1:]
    violation = float(np.max((asked - falls) / (1 + np.abs(values[:-1]))))
    return {
        "violation": violation,
        "share": float(np.median(asked / np.maximum(falls, TINY))),
        "margin": rise_margin(violation),
    }


def _lyapunov(method: PISA, problem: Problem, state: State) -> float:
    rho = np.broadcast_to(np.asarray(method.rho), state.penalty.shape)
    pull = column(rho, state.deviation) * method.preconditioner.apply(state.preconditioner, state.deviation)
    return float(lyapunov(problem, state, pull))


def _asked(before: State, after: State) -> float:
    r"""Return the fall that the lemma asks for, with the later σ.

    $$\sum_i\alpha_i[\tfrac{\sigma_i+2\lambda}{4}\|\Delta w\|^2 + \tfrac{\sigma_i}{4}\|\Delta w_i\|^2]$$
    """
    shared = float(np.sum((after.consensus - before.consensus) ** 2))
    local = np.sum((after.local - before.local) ** 2, axis=-1)
    terms = (after.penalty + 2 * after.ridge) / 4 * shared + after.penalty / 4 * local
    return float(np.sum(after.weights * terms))


def heavy_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest rise of L on x²/2-like parabolas with ρη = βσ; margin in digits below 1e-12."""
    sigma, beta = float(instance["penalty"]), float(instance["beta"])
    method = PISA(penalty=sigma, rho=beta * sigma, preconditioner=Identity())
    values = _parabola_lagrangians(method, int(instance["steps"]))
    rise = largest_rise(values)
    place = int(np.argmax(np.diff(values)))
    return {
        "beta": beta,
        "round": place + 2,
        "before": float(values[place]),
        "after": float(values[place + 1]),
        "rise": rise,
        "margin": rise_margin(rise),
    }


def _parabola_lagrangians(method: PISA, steps: int) -> Array:
    problem = parabola(1.0)
    return lagrangians(problem, states_of(method, problem, steps=steps))


def heavy_picture(instance: Instance) -> Mapping[str, Any]:
    """Return L along the runs with ρη = σ/4, 2σ and 20σ."""
    sigma, curves = float(instance["penalty"]), []
    for beta in (0.25, 2.0, 20.0):
        method = PISA(penalty=sigma, rho=beta * sigma, preconditioner=Identity())
        values = _parabola_lagrangians(method, 80)
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
    """Return how often and how far L rose with mini-batches at σ⁰ = 8r; margin in digits below 1e-12."""
    problem = _sampled(instance)
    largest = float(np.max(np.sum(np.asarray(problem.features) ** 2, axis=-1)))
    method = PISA(penalty=8 * largest)
    states = states_of(
        method, problem, steps=int(instance["steps"]), batches=int(instance["batch"]), seed=int(instance["seed"])
    )
    values = lagrangians(problem, states)
    rise = largest_rise(values)
    share = float(np.mean(np.diff(values) > TOLERANCE * (1 + np.abs(values[:-1]))))
    return {"rise": rise, "share": share, "margin": rise_margin(rise)}


def batch_picture(instance: Instance) -> Mapping[str, Any]:
    """Return L along one run with mini-batches and one with full gradients."""
    problem = _sampled(instance)
    largest = float(np.max(np.sum(np.asarray(problem.features) ** 2, axis=-1)))
    curves = []
    for label, batches in (("mini-batches", int(instance["batch"])), ("full gradients", None)):
        states = states_of(PISA(penalty=8 * largest), problem, steps=400, batches=batches)
        values = lagrangians(problem, states)
        curves.append(curve(label, range(1, values.size + 1), values))
    return figure("The augmented Lagrangian at σ⁰ = 8r", "round", "L", "", curves)


def _light_runs(seed: int, effort: str) -> list[dict[str, Any]]:
    return grid(
        seed,
        count(effort, 30, 400),
        clients=(1, 2, 4),
        dimension=(1, 2, 4),
        ridge=(0.0, 0.4),
        waves=(0.0, 0.8, 1.0),
        spread=(0.5, 10.0),
        conflict=(0.0, 30.0),
        penalty=((2.0, 2.0), (2.0, 8.0)),
        ratio=(1.0, 1.0, (0.9, 0.99), 0.75),
        preconditioner=("none", "identity", "moment-I", "moment-III"),
        warm=(False, True),
        steps=(60,),
    )


CLAIMS_DESCENT = (
    measured_claim(
        "V5-lagrangian-descends",
        "With full gradients, penalties of at least twice the Lipschitz constant and light preconditioners the "
        "augmented Lagrangian falls every round.",
        trial=descent_trial,
        instances=_light_runs,
        detail="largest relative rise {rise:.1e}, {violations} of {trials} runs rose",
        hypotheses=("full gradients", "σ_i⁰ ≥ 2r", "ρ_iη_i ≤ σ_i/4", "ℓ ≥ 1", "γ_i ≤ 1"),
        provenance="reconstructed",
        source="MATHEMATICS.md#V5",
        latex=r"L^{\ell+1} \leq L^{\ell}",
    ),
    measured_claim(
        "V5-lyapunov-decrease",
        "The reconstructed Lyapunov quantity falls every round by at least the lemma's quarter of squared moves.",
        trial=lyapunov_trial,
        instances=_light_runs,
        detail="largest violation {violation:.1e} over {trials} runs; the lemma asks for {share:.0%} of the fall there",
        hypotheses=("full gradients", "σ_i⁰ ≥ 2r", "ρ_iη_i ≤ σ_i/4", "ℓ ≥ 1", "γ_i ≤ 1"),
        provenance="reconstructed",
        source="MATHEMATICS.md#claims (a)",
        latex=r"\tilde L^{\ell}-\tilde L^{\ell+1} \geq \sum_i\alpha_i"
        r"[\frac{\sigma_i+2\lambda}{4}\|\Delta w\|^2+\frac{\sigma_i}{4}\|\Delta w_i\|^2]",
    ),
    measured_claim(
        "V5-heavy-preconditioner",
        "The augmented Lagrangian falls every round however large rho times the bound on Q.",
        trial=heavy_trial,
        instances=lambda seed, effort: [
            {"penalty": 2.0 + 2 * (seed % 2), "beta": beta, "steps": 200} for beta in (2.0, 20.0)
        ],
        detail="with ρη = {beta:g}σ the Lagrangian rises from {before:.4f} to {after:.4f} in round {round}",
        hypotheses=("full gradients", "σ ≥ 2r", "F = (w−1)²/2, Q = I", "γ = 1"),
        expected=Verdict.REFUTED,
        provenance="reconstructed",
        source="MATHEMATICS.md#V5",
        picture=heavy_picture,
    ),
    measured_claim(
        "V5-mini-batch-descent",
        "With mini-batches and a penalty of eight times the Lipschitz constant the augmented Lagrangian falls "
        "every round.",
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
        provenance="reconstructed",
        source="MATHEMATICS.md#V5",
        picture=batch_picture,
    ),
)
