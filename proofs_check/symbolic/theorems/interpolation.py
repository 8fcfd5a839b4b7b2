r"""The inequalities between two consecutive points of one smooth function.

$L = 1$, that the theorems for $\rho = \lambda = 0$ use.

With $g_{-1}$ given and $w_{k+1} = w_k - (2g_k - g_{k-1})/\kappa$ (PISA with $\rho = \lambda = 0$, MATHEMATICS.md#I4),
``before``, ``here``, ``after`` are $g_{k-1}, g_k, g_{k+1}$ and ``move`` is $w_k - w_{k+1}$.
"""

import dataclasses
from typing import Any

from proofs_check.symbolic.algebra import Expression
from proofs_check.symbolic.theorems.proof import Certificate, Identity, Inequality


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of the method: values and gradients around it, with κ = σ/L."""

    kappa: Expression
    before: Expression
    here: Expression
    after: Expression
    value: Expression
    next_value: Expression

    @property
    def move(self) -> Expression:
        """$w_k - w_{k+1} = (2g_k - g_{k-1})/κ$."""
        return (2 * self.here - self.before) / self.kappa

    @property
    def turn(self) -> Expression:
        """$h = g_{k+1} - g_k$."""
        return self.after - self.here


def symbolic_step() -> Step:
    """Return a step in which everything is a symbol, κ positive."""
    import sympy

    before, here, after, value, next_value = sympy.symbols("g_before g_here g_after f_here f_after")
    return Step(sympy.Symbol("kappa", positive=True), before, here, after, value, next_value)


def first_step() -> Step:
    """Return the symbolic step from the first gradient's point, where $g_{-1} = 0$."""
    import sympy

    return dataclasses.replace(symbolic_step(), before=sympy.Integer(0))


def smooth_forward(step: Step) -> Inequality:
    r"""Return $f_k - f_{k+1} \ge \tfrac12\langle g_k+g_{k+1}, m\rangle + \tfrac14\|h\|^2 - \tfrac14\|m\|^2$.

    $m$ the move.
    """
    bound = (step.here + step.after) * step.move / 2 + (step.turn**2 - step.move**2) / 4
    why = "F + |w|²/2 is convex and 2-smooth; Nesterov, Introductory Lectures, Theorem 2.1.5"
    return Inequality("smooth forward", step.value - step.next_value - bound, why)


def lipschitz(step: Step) -> Inequality:
    r"""Return $\|m\|^2 - \|h\|^2 \ge 0$."""
    return Inequality("Lipschitz gradient", step.move**2 - step.turn**2, "L = 1")


def convex_forward(step: Step) -> Inequality:
    r"""Return $f_k - f_{k+1} \ge \langle g_{k+1}, m\rangle + \tfrac12\|h\|^2$."""
    bound = step.after * step.move + step.turn**2 / 2
    why = "F convex and 1-smooth; Nesterov, Introductory Lectures, Theorem 2.1.5"
    return Inequality("convex forward", step.value - step.next_value - bound, why)


def cocoercive(step: Step) -> Inequality:
    r"""Return $\langle -h, m\rangle - \|h\|^2 \ge 0$."""
    return Inequality("cocoercivity", -step.turn * step.move - step.turn**2, "the sum of the two convex inequalities")


def end_value(last: Expression, value: Expression, optimum: Expression) -> Inequality:
    r"""Return $f_N - F^* - \tfrac12\|g_N\|^2 \ge 0$."""
    return Inequality("end", value - optimum - last**2 / 2, "one gradient step of length 1 from the last point")


def derivations() -> tuple[Any, ...]:
    """Return the facts that reduce the four step inequalities to the one for convex smooth functions."""
    import sympy

    step = symbolic_step()
    u, v = sympy.symbols("w_here w_after")
    moved = dataclasses.replace(step, before=2 * step.here - step.kappa * (u - v))
    shifted = step.value + u**2 / 2 - step.next_value - v**2 / 2
    gap = step.here + u - step.after - v
    convexified = Inequality(
        "convex forward for F + |w|²/2",
        shifted - (step.after + v) * (u - v) - gap**2 / 4,
        "convex and 2-smooth; Nesterov, Introductory Lectures, Theorem 2.1.5",
    )
    backward = -moved.value + moved.next_value + moved.here * moved.move - moved.turn**2 / 2
    reverse = Inequality(
        "convex backward", backward, "F convex and 1-smooth; the same theorem with the points exchanged"
    )
    return (
        Certificate("smooth forward from the convex one", smooth_forward(moved).expression, ((1, convexified),)),
        Certificate(
            "cocoercivity is the sum of forward and backward",
            cocoercive(moved).expression,
            ((1, convex_forward(moved)), (1, reverse)),
        ),
        Identity("the move is w_k − w_{k+1}", moved.move, u - v),
    )
