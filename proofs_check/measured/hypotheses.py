"""What the sole assumption needs beside it (V8): each hypothesis is dropped alone, and restored as the control."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.method import PISA
from pisa_lab.preconditioners import SecondMoment
from problems.linear import logistic
from proofs_check.claim import Verdict
from proofs_check.measured.adversaries import Growing
from proofs_check.measured.instances import Array, Instance, count, scalar_problem
from proofs_check.measured.trajectories import curve, figure, holds, measured_claim, norms_of, states_of

FALL = 1e-6
"""The share of the first gradient below which a run counts as converged."""


def fallen(norms: Array) -> float:
    """Return log10(1e-6 first/largest of the last tenth): ≥ 0 where the gradient fell a millionfold and stayed."""
    late = float(np.max(norms[-max(norms.size // 10, 1) :]))
    return float(np.log10(FALL * norms[1] / max(late, 1e-17)))


# λ = 0 without coercivity: no bounded sublevel set


def sublevel_trial(instance: Instance) -> Mapping[str, Any]:
    """Return how far w still moves from round N to 2N on separable data, without a ridge and with one.

    Margin log10(1e-6/move).
    """
    steps = int(instance["steps"])
    X, y = np.array([[1.0, 0.5], [2.0, -1.0], [1.0, 1.0]]), np.array([1.0, 1.0, 1.0])
    found = {}
    for name, ridge in (("move", 0.0), ("restored", float(instance["ridge"]))):
        problem = logistic(X, y, [np.array([0, 1]), np.array([2])], ridge=ridge)
        states = states_of(PISA(penalty=2 * float(np.max(problem.lipschitz))), problem, steps=2 * steps)
        found[name] = float(np.linalg.norm(states[2 * steps].consensus - states[steps].consensus))
        found[f"{name}_early"] = float(np.linalg.norm(states[5].consensus))
        found[f"{name}_norm"] = float(np.linalg.norm(states[2 * steps].consensus))
    margins = [float(np.log10(FALL / max(found[name], 1e-17))) for name in ("move", "restored")]
    return {"steps": steps, **found, "control": holds(margins[1]), "margin": margins[0]}


def sublevel_picture(instance: Instance) -> Mapping[str, Any]:
    """Return ‖w‖ on separable data without a ridge and with one."""
    X, y = np.array([[1.0, 0.5], [2.0, -1.0], [1.0, 1.0]]), np.array([1.0, 1.0, 1.0])
    curves = []
    for ridge in (0.0, float(instance["ridge"])):
        problem = logistic(X, y, [np.array([0, 1]), np.array([2])], ridge=ridge)
        states = states_of(PISA(penalty=2 * float(np.max(problem.lipschitz))), problem, steps=600)
        lengths = [float(np.linalg.norm(state.consensus)) for state in states[1:]]
        curves.append(curve(f"λ = {ridge:g}", range(1, len(lengths) + 1), lengths))
    return figure("Separable data: the iterates need a bounded sublevel set", "round", "‖w‖", "x", curves)


# Q without a bound


def growing_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the last over the first gradient with Q = (1+ℓ)³I and with the same Q clipped.

    Margin log10(1e-6 first/late).
    """
    steps = int(instance["steps"])
    problem = scalar_problem([(lambda w: (w - 1) ** 2 / 2, lambda w: w - 1)], 0.0)
    dropped, restored = (
        norms_of(PISA(penalty=2.0, rho=1.0, preconditioner=Growing(clip)), problem, steps=steps) for clip in (None, 0.5)
    )
    return {
        "steps": steps,
        "last": float(dropped[-1] / dropped[1]),
        "doubling": float(dropped[-1] / dropped[steps // 2]),
        "clipped": float(restored[-1] / restored[1]),
        "control": holds(fallen(restored)),
        "margin": fallen(dropped),
    }


def clip_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return Theorem 1's sum $\sum_k\|\nabla F\|^2/(2s)$ over its bound for scheme I without a clip and with it.

    Margin 1 − ratio. The start is the minimiser: the clients' gradients b and −3b balance with α = (¾, ¼), but the
    normalised steps do not.
    """
    slope, steps, penalty = float(instance["slope"]), int(instance["steps"]), 2.0

    def pair(factor: float) -> Any:
        return lambda w: factor * slope * w + w * w / 2, lambda w: factor * slope + w

    problem = scalar_problem([pair(1.0), pair(-3.0)], 0.0, weights=[0.75, 0.25])
    # F(w⁰) = F*, so that the bound is the potential's second term, (a/s) Σα_i|∇F_i|² with a = ½.
    bound = 0.5 / penalty * 3 * slope**2
    ratios, largest = [], []
    for clip in (None, 0.5):
        method = PISA(penalty=penalty, rho=1.0, preconditioner=SecondMoment("I", clip=clip))
        norms = norms_of(method, problem, steps=steps)
        ratios.append(float(np.sum(norms[1:] ** 2) / (2 * penalty) / bound))
        largest.append(float(np.max(norms)))
    return {
        "slope": slope,
        "ratio": ratios[0],
        "clipped": ratios[1],
        "largest": largest[0],
        "control": holds(1 - ratios[1]),
        "margin": 1 - ratios[0],
    }


COMMON = ("γ = 1", "full gradients", "σ = 2L or more where L is finite")

CLAIMS_HYPOTHESES = (
    measured_claim(
        "V8-without-bounded-sublevel",
        "On a smooth convex function bounded below the iterates converge even if its sublevel sets are unbounded.",
        trial=sublevel_trial,
        instances=lambda seed, effort: [
            {"steps": steps, "ridge": 0.1} for steps in ((400,) if effort == "quick" else (800, 6400))
        ],
        detail="between rounds {steps} and twice that w moves by {move:.3g} more, as far as in every doubling; "
        "with a ridge by {restored:.0e}",
        hypotheses=(*COMMON, "logistic loss, separable data", "λ = 0 dropped against λ = 0.1"),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V8",
        picture=sublevel_picture,
    ),
    measured_claim(
        "V8-without-bounded-preconditioner",
        "The method converges with any positive semidefinite preconditioner, bounded or not.",
        trial=growing_trial,
        instances=lambda seed, effort: [{"steps": count(effort, 400, 4000)}],
        detail="with Q = (1+ℓ)³I the gradient is {last:.3g} times the first after {steps} rounds, {doubling:.3g} "
        "times that of half as many; clipped at ½ it is {clipped:.0e}",
        hypotheses=(*COMMON, "F = (w−1)²/2", "ρ = 1"),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V8",
        latex=r"Q_i \succeq 0 \Rightarrow \nabla F(w^{\ell}) \to 0",
    ),
    measured_claim(
        "V8-without-clip",
        "Scheme I of the second moment obeys the theorem's bound without its clip.",
        trial=clip_trial,
        instances=lambda seed, effort: [{"slope": slope, "steps": 400} for slope in (10.0, 30.0)],
        detail="with b = {slope:g} the sum of squared gradients is {ratio:.3g} times the bound, ‖∇F‖ up to "
        "{largest:.3g} from a start at the "
        "minimiser; with the clip {clipped:.0e} times",
        hypotheses=(*COMMON, "two quadratic clients with α = (¾, ¼)", "π⁰ = 0", "ρ = 1"),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V8, MATHEMATICS.md#T6",
    ),
)
