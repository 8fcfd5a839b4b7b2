"""Mini-batches.

A constant penalty leaves a floor of variance (V4a), a growing one does not (V4b), an adversarial Q keeps one.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners.base import Preconditioner
from pisa_lab.schedules import Constant, Geometric, Polynomial, Schedule
from problems.linear import least_squares
from problems.quadratics import quadratic, random_quadratic
from problems.transforms import with_noise
from proofs_check.claim import Verdict
from proofs_check.measured.adversaries import AgainstNoise, Sequenced
from proofs_check.measured.instances import Array, Instance, count, grid
from proofs_check.measured.trajectories import curve, figure, holds, measured_claim, power_law, series

SCHEDULES: Mapping[str, Schedule] = {
    "constant": Constant(),
    "polynomial .6": Polynomial(0.6),
    "polynomial .75": Polynomial(0.75),
    "polynomial 1": Polynomial(1.0),
    "geometric": Geometric(0.97),
}


def squared_norms(problem: Any, method: PISA, *, steps: int, replicates: int, seed: int) -> Array:
    """Return ‖∇F(w)‖² of every round, (steps + 1, replicates), with one sample a client and round."""
    result = run(
        method, problem, steps=steps, batches=1, seed=seed, seeds=replicates, measures=("stationarity",), every=1
    )
    return series(result, "stationarity") ** 2


def exact_floor(kappa: float, curvature: float) -> float:
    r"""Return the stationary $E\|\nabla F\|^2/v$ on $cx^2/2$, L = 1. Source: MATHEMATICS.md#T5."""
    return curvature * (3 * curvature + kappa) / ((curvature + kappa) * (2 * kappa - 3 * curvature))


def highest_floor(kappa: float) -> float:
    r"""Return the theorem's bound $1/(2\kappa+1-2\sqrt{1+2\kappa})$ on $E\|\nabla F\|^2/v$."""
    return float(1 / (2 * kappa + 1 - 2 * np.sqrt(1 + 2 * kappa)))


def _noisy_scalar(instance: Instance) -> tuple[Any, float]:
    """Return three clients on cx²/2 with unequal weights, gradients and noise, and v = Σα_i²v_i."""
    weights, deviations = np.array([0.5, 0.3, 0.2]), np.array([1.0, 2.0, 0.5])
    pulls = np.array([1.0, -1.0, -1.0])
    base = quadratic(np.full((3, 1, 1), float(instance["curvature"])), pulls[:, None], weights=weights)
    noisy = with_noise(base, deviations.tolist(), seed=int(instance["seed"]), samples=1024)
    return noisy, float(np.sum(weights**2 * deviations**2))


def _floors(instance: Instance) -> tuple[Array, Array]:
    """Return (κ, measured floor over v): seeds and penalties side by side on the replicate axis."""
    problem, variance = _noisy_scalar(instance)
    kappas, seeds = np.asarray(instance["kappas"], dtype=float), int(instance["replicates"])
    penalty = tuple((float(kappa),) * 3 for kappa in np.repeat(kappas, seeds))
    squares = squared_norms(
        problem,
        PISA(penalty=penalty),
        steps=int(instance["steps"]),
        replicates=len(penalty),
        seed=int(instance["seed"]),
    )
    late = np.mean(squares[squares.shape[0] // 10 :], axis=0)
    return kappas, np.mean(late.reshape(kappas.size, seeds), axis=1) / variance


def floor_trial(instance: Instance) -> Mapping[str, Any]:
    """Return measured floors over v against the exact stationary one and the theorem's bound.

    Margin: the least of 1 − |measured/exact − 1|/0.15 (the averages' own error is 3 to 5 %) and 1 − measured/bound,
    over κ.
    "slope" is the fitted power of σ.
    """
    kappas, found = _floors(instance)
    exact = np.asarray([exact_floor(kappa, float(instance["curvature"])) for kappa in kappas])
    bound = np.asarray([highest_floor(kappa) for kappa in kappas])
    off = np.max(np.abs(found / exact - 1))
    return {
        "kappas": kappas.tolist(),
        "floors": [round(float(value), 4) for value in found],
        "exact": [round(float(value), 4) for value in exact],
        "off": float(off),
        "below": float(np.max(found / bound)),
        "slope": power_law(kappas[-2:], found[-2:]),
        "margin": float(min(1 - off / 0.15, np.min(1 - found / bound))),
    }


def floor_picture(instance: Instance) -> Mapping[str, Any]:
    """Return measured floors, the exact value and the theorem's bound against κ."""
    kappas, found = _floors(instance)
    fine = np.geomspace(kappas[0], kappas[-1], 40)
    curvature = float(instance["curvature"])
    curves = [
        curve("measured", kappas, found),
        curve("exact", fine, [exact_floor(kappa, curvature) for kappa in fine]),
        curve("bound for every F", fine, [highest_floor(kappa) for kappa in fine]),
    ]
    return figure("The floor of a constant penalty", "κ = σ/L", "E‖∇F‖² / v", "xy", curves)


def budget_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the two sides of the noise budget; margin 1 − left/right.

    $\sum_k\frac{2\kappa_k-3}{2\kappa_k^2}E\|\nabla F(w_k)\|^2 \leq L(F(w_0)-F^\star)+\sum_k v/\kappa_k^2$, L = 1.

    The mixed order of MATHEMATICS.md#worst-cases (the client uses $\sigma^\ell$, the next server step
    $\sigma^{\ell+1}$), as the theorem has it.
    """
    steps, replicates = int(instance["steps"]), int(instance["replicates"])
    base = random_quadratic(int(instance["seed"]), clients=3, spectrum=(1.0, 0.6, 0.3), shift=1.0)
    problem, schedule = with_noise(base, 1.0, seed=int(instance["seed"])), SCHEDULES[str(instance["schedule"])]
    method = PISA(penalty=float(instance["penalty"]), schedule=schedule, penalty_update="after_solve")
    result = run(
        method,
        problem,
        steps=steps,
        batches=1,
        seed=int(instance["seed"]),
        seeds=replicates,
        measures=("stationarity", "penalty", "objective"),
        every=1,
    )
    # Round k of the run takes its gradient at w_k, and its client step used the penalty recorded a round before.
    kappa = series(result, "penalty")[:-1, 0]
    squares = np.mean(series(result, "stationarity")[1:] ** 2, axis=1)
    gap = float(np.mean(series(result, "objective")[1])) - float(base.optimum or 0.0)
    variance = float(np.sum(np.asarray(problem.weights) ** 2 * problem.variance))
    left = float(np.sum((2 * kappa - 3) / (2 * kappa**2) * squares))
    right = gap + float(np.sum(variance / kappa**2))
    return {"left": left, "right": right, "ratio": left / right, "margin": 1 - left / right}


def adversary_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the floor with ρQ ∈ {0, βσ} chosen against the noise; margin 1 − floor/(2v/(2κ−3)), the bound without Q.

    "exact" is the square of the stationary mean gradient, (β/(2+β))²v, below which no penalty brings it. The control
    is the mean of that Q, Q = ½ whatever the noise, which obeys the bound.
    """
    kappa, beta = float(instance["kappa"]), float(instance["beta"])
    bound = 2 / (2 * kappa - 3)
    floor, oblivious = (_floor_with(rule, instance) for rule in (AgainstNoise(), Sequenced((0.5,))))
    return {
        "kappa": kappa,
        "floor": floor,
        "oblivious": oblivious,
        "exact": (beta / (2 + beta)) ** 2,
        "bound": bound,
        "control": holds(1 - oblivious / bound),
        "margin": 1 - floor / bound,
    }


def _floor_with(rule: Preconditioner[Any], instance: Instance) -> float:
    """Return the mean of ‖∇F‖² over the last three quarters of a run with the preconditioner ``rule``."""
    kappa = float(instance["kappa"])
    problem = least_squares(np.ones((2, 1)), np.array([1.0, -1.0]))
    method = PISA(penalty=kappa, rho=float(instance["beta"]) * kappa, preconditioner=rule)
    steps, replicates = int(instance["steps"]), int(instance["replicates"])
    squares = squared_norms(problem, method, steps=steps, replicates=replicates, seed=int(instance["seed"]))
    return float(np.mean(squares[squares.shape[0] // 4 :]))


NOISE = ("unbiased mini-batch gradients with variance v", "L-smooth F bounded below", "ρ = λ = 0")

CLAIMS_FLOORS = (
    measured_claim(
        "V4-variance-floor",
        "With mini-batches a constant penalty leaves a floor of variance that falls like one over the penalty, "
        "between two bounds.",
        trial=floor_trial,
        instances=lambda seed, effort: [
            {
                "seed": 1000 * seed + place,
                "curvature": curvature,
                "kappas": [2.0, 4.0, 8.0, 16.0, 32.0],
                "replicates": count(effort, 12, 40),
                "steps": count(effort, 1200, 6000),
            }
            for place, curvature in enumerate((1.0,) if effort == "quick" else (1.0, 1.0, 0.3))
        ],
        detail="E|∇F|²/v at κ = {kappas}: measured {floors}, exact {exact} (off by {off:.1%} at most), at most "
        "{below:.0%} of the "
        "theorem's bound; power of σ {slope:.2f}",
        hypotheses=(*NOISE, "γ = 1, κ = σ/L > 3/2", "F = cx²/2 on three clients of unequal weight and noise"),
        source="MATHEMATICS.md#V4, MATHEMATICS.md#T5",
        picture=floor_picture,
        latex=r"\frac{(\kappa+3)v}{(\kappa+1)(2\kappa-3)} \leq \sup_F E\|\nabla F\|^2 \leq "
        r"\frac{v}{2\kappa+1-2\sqrt{1+2\kappa}}",
    ),
    measured_claim(
        "V4-noise-budget",
        "The weighted sum of squared gradients stays below the first gap plus the summed variance over squared "
        "penalties.",
        trial=budget_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 4, 20),
            schedule=("constant", "polynomial .75", "polynomial 1", "geometric"),
            penalty=(1.8, 3.0),
            steps=(count(effort, 300, 1500),),
            replicates=(count(effort, 24, 64),),
        ),
        detail="left side {left:.3g}, right side {right:.3g} at the worst of {trials} (means over replicates)",
        hypotheses=(*NOISE, "κ nondecreasing, κ > 3/2", "mixed order (the server uses σ^{ℓ+1})"),
        source="MATHEMATICS.md#V4, MATHEMATICS.md#T5",
        latex=r"\sum_k\frac{2\kappa_k-3}{2\kappa_k^2}E\|\nabla F(w_k)\|^2 \leq "
        r"L(F(w_0)-F^\star)+\sum_k\frac{v}{\kappa_k^2}",
    ),
    measured_claim(
        "V4-any-bounded-preconditioner",
        "The floor of a constant penalty falls like one over the penalty for any preconditioner with rho Q at most "
        "beta sigma.",
        trial=adversary_trial,
        instances=lambda seed, effort: [
            {
                "seed": seed,
                "kappa": kappa,
                "beta": 1.0,
                "steps": count(effort, 1500, 6000),
                "replicates": count(effort, 8, 32),
            }
            for kappa in ((64.0,) if effort == "quick" else (8.0, 64.0, 256.0))
        ],
        detail="at κ = {kappa:g} the floor is {floor:.3g} v; an adversarial Q keeps it above {exact:.3g} v, the "
        "bound without Q is {bound:.2g} v",
        hypotheses=("unbiased mini-batch gradients with variance v", "Q chosen with the batch in hand, ρQ ⪯ βσ, β = 1"),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V4, MATHEMATICS.md#T9",
    ),
)
