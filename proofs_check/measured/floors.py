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
from proofs_check.theory import closed_floor, floor_lower_bound

SCHEDULES: Mapping[str, Schedule] = {
    "constant": Constant(),
    "polynomial .6": Polynomial(0.6),
    "polynomial .75": Polynomial(0.75),
    "polynomial 1": Polynomial(1.0),
    "geometric": Geometric(0.97),
}

VARIABLES = 16
STUDENT = 4.4
"""Student's quantile for intervals at 99.98 % with 24 replicates: `verify` looks at eight of them."""


def squared_norms(
    problem: Any, method: PISA, *, steps: int, replicates: int, seed: int, w0: Array | None = None
) -> Array:
    """Return ‖∇F(w)‖² of every round, (steps + 1, replicates), with one sample a client and round."""
    told: dict[str, Any] = {"batches": 1, "seed": seed, "seeds": replicates, "w0": w0}
    result = run(method, problem, steps=steps, measures=("stationarity",), every=1, **told)
    return series(result, "stationarity") ** 2


def _noisy_bowl(instance: Instance) -> tuple[Any, float]:
    """Return three clients on c|x|²/2 with unequal weights, gradients and noise, and v = Σα_i²v_i.

    Every variable is a run of its own: cheaper than as many replicates.
    """
    weights, deviations = np.array([0.5, 0.3, 0.2]), np.array([1.0, 2.0, 0.5])
    pulls = np.array([1.0, -1.0, -1.0])[:, None] * np.ones(VARIABLES)
    hessians = np.broadcast_to(float(instance["curvature"]) * np.eye(VARIABLES), (3, VARIABLES, VARIABLES))
    base = quadratic(hessians, pulls, weights=weights)
    noisy = with_noise(base, deviations.tolist(), seed=int(instance["seed"]), samples=1024)
    return noisy, float(np.sum(weights**2 * deviations**2))


def _floors(instance: Instance) -> tuple[Array, Array]:
    """Return (κ, time averages of ‖∇F‖²/v, (κ, replicates)): replicates and penalties side by side."""
    problem, variance = _noisy_bowl(instance)
    kappas, seeds = np.asarray(instance["kappas"], dtype=float), int(instance["replicates"])
    penalty = tuple((float(kappa),) * 3 for kappa in np.repeat(kappas, seeds))
    squares = squared_norms(
        problem,
        PISA(penalty=penalty),
        steps=int(instance["steps"]),
        replicates=len(penalty),
        seed=int(instance["seed"]),
    )
    # Some twenty of the slowest mode's times, 2κ/c rounds at most, are left out.
    late = np.mean(squares[squares.shape[0] // 4 :], axis=0)
    return kappas, late.reshape(kappas.size, seeds) / variance


def floor_trial(instance: Instance) -> Mapping[str, Any]:
    """Return measured floors over v with their intervals, the exact stationary ones and the theorem's bound.

    Margin: the least, over κ, of 1 − |measured − exact|/half width and 1 − upper end/bound, and of 1 − half
    width/(0.2 exact), so that an interval that tells nothing does not pass. "slope" is the power of σ over the last two
    κ, and its margin 1 − |slope − exact slope|/0.15.
    """
    kappas, averages = _floors(instance)
    found = np.mean(averages, axis=1)
    half = STUDENT * np.std(averages, axis=1, ddof=1) / np.sqrt(averages.shape[1])
    exact = np.asarray([floor_lower_bound(kappa, curvature=float(instance["curvature"])) for kappa in kappas])
    bound = np.asarray([closed_floor(kappa) for kappa in kappas])
    slope, wanted = (power_law(kappas[-2:], values[-2:]) for values in (found, exact))
    margins = (1 - np.abs(found - exact) / half, 1 - (found + half) / bound, 1 - half / (0.2 * exact))
    return {
        "curvature": float(instance["curvature"]),
        "kappas": kappas.tolist(),
        "floors": [round(float(value), 4) for value in found],
        "half": [round(float(value), 4) for value in half],
        "exact": [round(float(value), 4) for value in exact],
        "below": float(np.max((found + half) / bound)),
        "slope": slope,
        "wanted": wanted,
        "margin": float(min(*(np.min(part) for part in margins), 1 - abs(slope - wanted) / 0.15)),
    }


def floor_picture(instance: Instance) -> Mapping[str, Any]:
    """Return measured floors, the exact value and the theorem's bound against κ."""
    kappas, averages = _floors(instance)
    found = np.mean(averages, axis=1)
    fine = np.geomspace(kappas[0], kappas[-1], 40)
    curvature = float(instance["curvature"])
    curves = [
        curve("measured", kappas, found),
        curve("exact", fine, [floor_lower_bound(kappa, curvature=curvature) for kappa in fine]),
        curve("bound for every F", fine, [closed_floor(kappa) for kappa in fine]),
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


NOISE = ("unbiased mini-batch gradients, v the variance of Σα_ig_i", "L-smooth F bounded below", "ρ = λ = 0")

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
                "kappas": [2.0, 4.0, 8.0, 16.0],
                "replicates": count(effort, 24, 40),
                "steps": count(effort, 900, 4000),
            }
            for place, curvature in enumerate((1.0, 0.5) if effort == "quick" else (1.0, 1.0, 0.5, 0.3))
        ],
        detail="F = {curvature:g}|x|²/2: E|∇F|²/v at κ = {kappas} is {floors} ± {half}, exactly {exact}, with the "
        "intervals at most {below:.0%} of the theorem's bound; power of σ {slope:.2f}, exactly {wanted:.2f} (worst of "
        "{trials})",
        hypotheses=(
            *NOISE,
            "γ = 1, κ = σ/L ∈ {2, 4, 8, 16}, L = 1",
            "F = c|x|²/2 in 16 variables on three clients of unequal weight and noise, c = ½, .3 or 1, whose floor is "
            "the lower bound",
            "every exact value lies in the measured 99.98 % interval, every interval below the upper bound",
            "the power of σ from κ = 8 to 16 is the exact one to 0.15; it tends to −1",
        ),
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
        hypotheses=(
            *NOISE,
            "κ_k = σ^k/L nondecreasing, κ > 3/2; w_k the point of gradient k",
            "mixed order (the server uses σ^{ℓ+1})",
        ),
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
