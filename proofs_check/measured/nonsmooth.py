"""Samples without Lipschitz gradients (V8): ReLU units and |w|^{3/2}, each beside its smoothed twin."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.method import PISA
from pisa_lab.problem import FunctionProblem, from_functions
from problems.linear import power
from problems.networks import relu_network
from proofs_check.claim import Verdict
from proofs_check.measured.hypotheses import COMMON, fallen
from proofs_check.measured.instances import Array, Instance, count, scalar_problem
from proofs_check.measured.trajectories import curve, figure, holds, measured_claim, norms_of


def unit_problem(width: float, ridge: float, parts: tuple[tuple[int, ...], ...]) -> FunctionProblem:
    r"""Return the smoothed twin of the ReLU unit.

    $z \mapsto (z + \sqrt{z^2+\text{width}^2})/2$ in its place, all else the same.
    """
    inputs, targets = _unit_data()

    def client(rows: Array) -> Any:
        x, y = inputs[rows], targets[rows]

        def residual(w: Array) -> tuple[Array, Array, Array]:
            z = w[0] * x + w[1]
            root = np.sqrt(z * z + width * width)
            return w[2] * (z + root) / 2 + w[3] - y, (z + root) / 2, (1 + z / root) / 2

        def value(w: Array) -> float:
            return float(np.mean(residual(w)[0] ** 2) / 2)

        def gradient(w: Array) -> Array:
            gap, hidden, slope = residual(w)
            inner = gap * w[2] * slope
            return np.array([np.mean(inner * x), np.mean(inner), np.mean(gap * hidden), np.mean(gap)])

        return value, gradient

    rows = [np.asarray(part) for part in parts]
    return from_functions(
        [client(part) for part in rows], UNIT_START, weights=[part.size / inputs.size for part in rows], ridge=ridge
    )


UNIT_START = np.array([0.6, 0.4, 0.75, 1.1])
PARTS = ((0, 2, 4), (1, 3))


def _unit_data() -> tuple[Array, Array]:
    return np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), np.array([2.0, 0.0, 2.0, 2.0, 2.0])


def relu_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the late ‖∇F‖ of one trained ReLU unit at several penalties, and of its smoothed twin at the first.

    Margin log10(1e-6 first/late), the best of the penalties: a larger one does not lower the floor.
    """
    penalties, steps = [float(penalty) for penalty in instance["penalties"]], int(instance["steps"])
    rough, smooth = _units(instance)
    method = PISA(penalty=tuple((penalty,) * len(PARTS) for penalty in penalties))
    dropped = norms_of(method, rough, steps=steps, seeds=len(penalties))
    restored = norms_of(PISA(penalty=penalties[0]), smooth, steps=steps)
    return {
        "penalties": penalties,
        "least": [round(float(value), 4) for value in np.min(dropped[-steps // 4 :], axis=0)],
        "smooth": float(restored[-1]),
        "control": holds(fallen(restored)),
        "margin": max(fallen(column) for column in dropped.T),
    }


def _units(instance: Instance) -> tuple[Any, FunctionProblem]:
    ridge = float(instance["ridge"])
    inputs, targets = _unit_data()
    rough = relu_network(
        inputs[:, None],
        targets,
        [np.asarray(part) for part in PARTS],
        hidden=1,
        task="regression",
        initial=UNIT_START,
        ridge=ridge,
    )
    return rough, unit_problem(float(instance["width"]), ridge, PARTS)


def relu_picture(instance: Instance) -> Mapping[str, Any]:
    """Return ‖∇F‖ of the ReLU unit at two penalties and of its smoothed twin."""
    rough, smooth = _units(instance)
    steps = min(int(instance["steps"]), 400)
    runs = (("ReLU, σ = 8", rough, 8.0), ("ReLU, σ = 64", rough, 64.0), ("smoothed, σ = 8", smooth, 8.0))
    curves = []
    for label, problem, penalty in runs:
        norms = norms_of(PISA(penalty=penalty), problem, steps=steps)
        curves.append(curve(label, range(norms.size), norms))
    return figure("One trained ReLU unit and its smoothed twin", "round", "‖∇F‖", "y", curves)


def power_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the late |F'| of $\tfrac23|w|^{3/2}$, times σ, and that of $\tfrac23(w^2+\epsilon^2)^{3/4}$ at σ = 2L.

    Margin log10(1e-6 first/late). The limit is the two-cycle $\sqrt{|w|} = 3/(2\sigma)$, whatever σ.
    """
    penalty, steps = float(instance["penalty"]), int(instance["steps"])
    rough = power(np.ones((1, 1)), np.zeros(1), initial=[1.0])
    # The curvature of the smoothed function is largest at 0: ε^{-1/2}, which is to be σ/2.
    width = (2 / penalty) ** 2
    smooth = scalar_problem(
        [(lambda w: 2 / 3 * (w * w + width**2) ** 0.75, lambda w: w * (w * w + width**2) ** -0.25)], 1.0
    )
    dropped, restored = (norms_of(PISA(penalty=penalty), problem, steps=steps) for problem in (rough, smooth))
    return {
        "penalty": penalty,
        "scaled": float(dropped[-1] * penalty),
        "smooth": float(restored[-1]),
        "control": holds(fallen(restored)),
        "margin": fallen(dropped),
    }


CLAIMS_KINKS = (
    measured_claim(
        "V8-without-lipschitz-samples",
        "A ReLU network, whose samples have no Lipschitz gradient, is trained to a vanishing gradient by a large "
        "enough penalty.",
        trial=relu_trial,
        instances=lambda seed, effort: [
            {
                "penalties": [8.0, 16.0, 64.0] if effort == "quick" else [8.0, 16.0, 64.0, 256.0],
                "width": 0.25,
                "ridge": 0.05,
                "steps": count(effort, 1100, 8000),
            }
        ],
        detail="at σ = {penalties} ‖∇F‖ does not fall below {least} again; with a smoothed unit it ends at "
        "{smooth:.0e}",
        hypotheses=(
            "γ = 1",
            "full gradients",
            "λ > 0, so that sublevel sets are bounded",
            "ρ = 0",
            "one trained ReLU unit, two clients",
        ),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V8",
        picture=relu_picture,
    ),
    measured_claim(
        "V8-without-lipschitz-gradient",
        "On a convex function whose gradient is only Hölder continuous a large enough penalty makes the gradient "
        "vanish.",
        trial=power_trial,
        instances=lambda seed, effort: [
            {"penalty": penalty, "steps": count(effort, 400, 1500)}
            for penalty in ((4.0, 16.0) if effort == "quick" else (4.0, 40.0, 100.0))
        ],
        detail="on |w|^{{3/2}} the run ends in a two-cycle with σ|F'| = {scaled:.6g} for every σ; smoothed it ends "
        "at {smooth:.0e}",
        hypotheses=(*COMMON, "coercive convex F", "ρ = λ = 0"),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V8",
        latex=r"F(w)=\frac{2}{3}|w|^{3/2} \Rightarrow \nabla F(w^{\ell}) \to 0",
    ),
)
