r"""The inequalities between two consecutive points of one smooth function.

$L = 1$, that the theorems for $\rho = \lambda = 0$ use.

With $g_{-1}$ given and $w_{k+1} = w_k - (2g_k - g_{k-1})/\kappa$ (PISA with $\rho = \lambda = 0$, MATHEMATICS.md#I4),
``before``, ``here``, ``after`` are $g_{k-1}, g_k, g_{k+1}$ and ``move`` is $w_k - w_{k+1}$.
"""

import dataclasses

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality


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


def smooth_forward(step: Step) -> Consequence:
    r"""Return $f_k - f_{k+1} \ge \tfrac12\langle g_k+g_{k+1}, m\rangle + \tfrac14\|h\|^2 - \tfrac14\|m\|^2$.

    $m$ the move.
    """
    bound = (step.here + step.after) * step.move / 2 + (step.turn**2 - step.move**2) / 4
    return Consequence("smooth forward", step.value - step.next_value - bound, forward_derivation(), at=_places(step))


def lipschitz(step: Step) -> Inequality:
    r"""Return $\|m\|^2 - \|h\|^2 \ge 0$."""
    return Inequality("Lipschitz gradient", step.move**2 - step.turn**2, "L = 1")


def convex_forward(step: Step) -> Inequality:
    r"""Return $f_k - f_{k+1} \ge \langle g_{k+1}, m\rangle + \tfrac12\|h\|^2$."""
    bound = step.after * step.move + step.turn**2 / 2
    why = "F convex and 1-smooth; Nesterov, Introductory Lectures, Theorem 2.1.5"
    return Inequality("convex forward", step.value - step.next_value - bound, why)


def cocoercive(step: Step) -> Consequence:
    r"""Return $\langle -h, m\rangle - \|h\|^2 \ge 0$."""
    value = -step.turn * step.move - step.turn**2
    return Consequence("cocoercivity", value, cocoercivity_derivation(), at=_places(step))


def end_value(last: Expression, value: Expression, optimum: Expression) -> Inequality:
    r"""Return $f_N - F^* - \tfrac12\|g_N\|^2 \ge 0$."""
    return Inequality("end", value - optimum - last**2 / 2, "one gradient step of length 1 from the last point")


def _places(step: Step) -> dict[Expression, Expression]:
    """Return the two points of the derivations: only their difference, the move, matters."""
    import sympy

    u, v = sympy.symbols("w_here w_after")
    return {u: step.move, v: sympy.Integer(0)}


def _moved() -> tuple[Step, Expression, Expression]:
    """Return the step whose move is u − v for two points u, v, and the points."""
    import sympy

    step = symbolic_step()
    u, v = sympy.symbols("w_here w_after")
    return dataclasses.replace(step, before=2 * step.here - step.kappa * (u - v)), u, v


def forward_derivation() -> Certificate:
    """Return that the smooth forward inequality is the convex one for F + |w|²/2, at any two points."""
    moved, u, v = _moved()
    gap = moved.here + u - moved.after - v
    convexified = Inequality(
        "convex forward for F + |w|²/2",
        moved.value + u**2 / 2 - moved.next_value - v**2 / 2 - (moved.after + v) * (u - v) - gap**2 / 4,
        "convex and 2-smooth; Nesterov, Introductory Lectures, Theorem 2.1.5",
    )
    bound = (moved.here + moved.after) * (u - v) / 2 + (moved.turn**2 - (u - v) ** 2) / 4
    target = moved.value - moved.next_value - bound
    return Certificate("smooth forward from the convex one", target, ((1, convexified),))


def cocoercivity_derivation() -> Certificate:
    """Return that cocoercivity is the sum of the forward and the backward inequality of convex functions."""
    moved, u, v = _moved()
    backward = -moved.value + moved.next_value + moved.here * (u - v) - moved.turn**2 / 2
    reverse = Inequality(
        "convex backward", backward, "F convex and 1-smooth; the same theorem with the points exchanged"
    )
    target = -moved.turn * (u - v) - moved.turn**2
    uses = ((1, convex_forward(moved)), (1, reverse))
    return Certificate("cocoercivity is the sum of forward and backward", target, uses)


def lipschitz_derivation() -> Certificate:
    """Return ‖h‖ ≤ ‖w_k − w_{k+1}‖ at any two points."""
    moved, u, v = _moved()
    return Certificate("Lipschitz gradient at any two points", (u - v) ** 2 - moved.turn**2, ((1, lipschitz(moved)),))


def derivations(*, convex: bool = False) -> tuple[Fact, ...]:
    """Return the facts that reduce the step inequalities to the one for convex smooth functions."""
    moved, u, v = _moved()
    derived = cocoercivity_derivation() if convex else forward_derivation()
    return (derived, Identity("the move is the difference of the points", moved.move, u - v))
