r"""The last iterate, $\rho = \lambda = 0$, convex F, every $\kappa > 3/2$: $\|g_N\|^2 = O(L\,(F(w_0)-F^*)/N)$.

$\Phi_k = \|g_k\|^2 + \|g_k - g_{k-1}\|^2$ never rises, and $Y_k = \kappa V_k - \|g_k\|^2 + (k+\nu)\Phi_k$, $\nu =
1/(2\kappa-3)$, never rises either ($V$ the convex potential). $L = 1$.
"""

from typing import Any

from proofs_check.symbolic.algebra import Expression
from proofs_check.symbolic.theorems.domains import Interval, Orthant
from proofs_check.symbolic.theorems.interpolation import (
    Step,
    cocoercive,
    convex_forward,
    derivations,
    end_value,
    symbolic_step,
)
from proofs_check.symbolic.theorems.potentials import SETTING, convex_potential
from proofs_check.symbolic.theorems.proof import Certificate, Identity, Inequality, Proof, Sign, theorem
from proofs_check.symbolic.theorems.recursion import optimistic_gradient

SOURCE = "ours; MATHEMATICS.md#T4"


def squares(here: Expression, before: Expression) -> Expression:
    r"""Return $\Phi = \|g\|^2 + \|g - g_-\|^2$."""
    return here**2 + (here - before) ** 2


def weighted(step: Step, multiplier: Any, count: Any) -> tuple[Expression, Expression]:
    """Return Y_k and Y_{k+1} at k = ``count``."""
    k, nu = step.kappa, 1 / (2 * step.kappa - 3)
    now = convex_potential(k, step.value, step.here, step.before, multiplier=multiplier)
    then = convex_potential(k, step.next_value, step.after, step.here, multiplier=multiplier)
    return (
        k * now - step.here**2 + (count + nu) * squares(step.here, step.before),
        k * then - step.after**2 + (count + 1 + nu) * squares(step.after, step.here),
    )


def monotone(threshold: Any = None) -> Certificate:
    """Return that Φ never rises for κ ≥ 3/2: cocoercivity with the multiplier 2κ."""
    import sympy

    step = symbolic_step()
    k, low = step.kappa, sympy.Rational(3, 2) if threshold is None else threshold
    target = squares(step.here, step.before) - squares(step.after, step.here)
    terms = ((2 * k - 3, step.turn), (1, step.after - step.before))
    return Certificate("Φ_{k+1} ≤ Φ_k", target, ((2 * k, cocoercive(step)),), terms, Interval(k, low))


def weighted_monotone(large: bool) -> Certificate:
    """Return that Y never rises, for κ ≥ 2 or for 3/2 < κ ≤ 2; k ≥ 0 is a symbol."""
    import sympy

    step, count, x = symbolic_step(), sympy.Symbol("k", positive=True), sympy.Symbol("x", positive=True)
    k = step.kappa
    r = sympy.Integer(0) if large else (2 - k) / (2 * k - 3)
    now, then = weighted(step, r, count)
    nu = 1 / (2 * k - 3)
    turns = ((k - 2) / 2 if large else sympy.Integer(0)) + count * (2 * k - 3)
    place = 2 + x if large else (sympy.Rational(3, 2) + 2 * x) / (1 + x)
    return Certificate(
        f"Y_{{k+1}} ≤ Y_k for {'κ ≥ 2' if large else '3/2 < κ ≤ 2'}",
        now - then,
        ((k, convex_forward(step)), (k * r + 2 * k * (count + nu), cocoercive(step))),
        ((turns, step.turn), ((1 + r) / 2 + count + nu, step.after - step.before)),
        Orthant({k: place}),
    )


def lower_end() -> Certificate:
    r"""Return $Y_N \ge \kappa F^* + (N + \kappa/2 - 1/6 + \nu)\|g_N\|^2$ for N ≥ 1."""
    import sympy

    step, optimum = symbolic_step(), sympy.Symbol("f_optimum")
    k, r, more, x = step.kappa, *(sympy.Symbol(name, positive=True) for name in ("r", "extra_moves", "x"))
    count, nu = 1 + more, 1 / (2 * step.kappa - 3)
    now, _ = weighted(step, r, count)
    third = sympy.Rational(1, 3)
    target = now - k * optimum - (count + k / 2 - sympy.Rational(1, 6) + nu) * step.here**2
    turn = step.here - step.before
    return Certificate(
        "Y_N from below",
        target,
        ((k, end_value(step.here, step.value, optimum)),),
        ((r / 2, step.here), (r / 2 + more + nu, turn), (sympy.Rational(3, 2), turn - third * step.here)),
        Orthant({k: sympy.Rational(3, 2) + x}),
    )


def upper_start(large: bool) -> Certificate:
    r"""Return $Y_0 - \kappa F^* \le (\kappa + a)\,(F(w_0)-F^*)$, $a = 5\nu-2$ up to κ = 2, $\max(0, 4\nu-1)$ above."""
    import sympy

    step, optimum = symbolic_step(), sympy.Symbol("f_optimum")
    k, x, nu = step.kappa, sympy.Symbol("x", positive=True), 1 / (2 * step.kappa - 3)
    r = sympy.Integer(0) if large else (2 - k) / (2 * k - 3)
    now, _ = weighted(step, r, 0)
    start = now.subs(step.before, 0)
    extra = 4 * nu - 1 if large else 5 * nu - 2
    place = (2 + sympy.Rational(7, 2) * x) / (1 + x) if large else (sympy.Rational(3, 2) + 2 * x) / (1 + x)
    target = (k + extra) * (step.value - optimum) - (start - k * optimum)
    name = f"Y_0 from above, {'2 ≤ κ ≤ 7/2' if large else '3/2 < κ ≤ 2'}"
    return Certificate(name, target, ((extra, end_value(step.here, step.value, optimum)),), (), Orthant({k: place}))


def upper_start_beyond() -> Certificate:
    """Return Y_0 ≤ κF(w_0) for κ ≥ 7/2."""
    import sympy

    step = symbolic_step()
    k = step.kappa
    now, _ = weighted(step, 0, 0)
    weight = sympy.Rational(1, 2) - 2 / (2 * k - 3)
    target = k * step.value - now.subs(step.before, 0)
    return Certificate("Y_0 from above, κ ≥ 7/2", target, (), ((weight, step.here),), Interval(k, sympy.Rational(7, 2)))


def conclusion() -> Certificate:
    """Return the rate from Y_N ≤ Y_0 and the two ends."""
    import sympy

    weight, size, gap = (sympy.Symbol(name, positive=True) for name in ("N_plus", "kappa_plus_a", "gap"))
    last, start, end = sympy.symbols("g_N Y_0 Y_N")
    uses = (
        (1 / weight, Inequality("Y_N ≤ Y_0", start - end, "proved before")),
        (1 / weight, Inequality("Y_N from below", end - weight * last**2, "proved before")),
        (1 / weight, Inequality("Y_0 from above", size * gap - start, "proved before")),
    )
    return Certificate("‖g_N‖² ≤ (κ+a)Δ/(N+κ/2−1/6+ν)", size * gap / weight - last**2, uses)


def last_iterate_proof() -> Proof:
    """Return the facts of the last-iterate rate."""
    import sympy

    k = symbolic_step().kappa
    nu = 1 / (2 * k - 3)
    return (
        *optimistic_gradient(),
        *derivations(),
        monotone(),
        weighted_monotone(large=True),
        weighted_monotone(large=False),
        lower_end(),
        upper_start(large=True),
        upper_start(large=False),
        upper_start_beyond(),
        Sign("r ≥ 0 for 3/2 < κ ≤ 2", (2 - k) * nu, Interval(k, sympy.Rational(3, 2), sympy.Integer(2))),
        Identity("both values of a agree at κ = 2", (4 * nu - 1).subs(k, 2), (5 * nu - 2).subs(k, 2)),
        conclusion(),
    )


CLAIMS = (
    theorem(
        "T4-last-iterate",
        "For convex F, every κ > 3/2 and every N ≥ 1, ‖∇F(w_N)‖² ≤ (κ+a)LΔ/(N+κ/2−1/6+ν), where ν = 1/(2κ−3) and"
        " a = 5ν−2 (κ ≤ 2), 4ν−1 (2 ≤ κ ≤ 7/2), 0 (κ ≥ 7/2).",
        latex=r"$\|\nabla F(w_N)\|^2 \leq \frac{(\kappa+a)\,L\,(F(w_0)-F^*)}{N+\kappa/2-1/6+\nu},\quad \nu ="
        r" \frac{1}{2\kappa-3}$",
        hypotheses=(SETTING[0], "π⁰ = 0", "F is convex, L-smooth, bounded below, κ > 3/2, N ≥ 1; stated for L = 1"),
        source=SOURCE,
        proof=last_iterate_proof,
    ),
    theorem(
        "T4-gradient-monotone",
        "For convex F and every κ ≥ 3/2, ‖∇F(w_k)‖² + ‖∇F(w_k) − ∇F(w_{k−1})‖² never rises.",
        latex=r"$\|g_{k+1}\|^2 + \|g_{k+1}-g_k\|^2 \leq \|g_k\|^2 + \|g_k-g_{k-1}\|^2$",
        hypotheses=(*SETTING, "F is convex and L-smooth, κ ≥ 3/2; stated for L = 1"),
        source=SOURCE,
        proof=lambda: (*optimistic_gradient(), *derivations(), monotone()),
    ),
)
