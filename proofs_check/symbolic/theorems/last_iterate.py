r"""The last iterate, $\rho = \lambda = 0$, convex F, every $\kappa > 3/2$: $\|g_N\|^2 = O(L\,(F(w_0)-F^*)/N)$.

$\Phi_k = \|g_k\|^2 + \|g_k - g_{k-1}\|^2$ never rises, and $Y_k = \kappa V_k - \|g_k\|^2 + (k+\nu)\Phi_k$, $\nu =
1/(2\kappa-3)$, never rises either ($V$ the convex potential). $L = 1$.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import Algorithm
from proofs_check.kernel.domains import Interval, Slab
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.kernel.schemes import Cover, Induction
from proofs_check.symbolic.theorems.interpolation import (
    Step,
    cocoercive,
    convex_forward,
    derivations,
    end_value,
    symbolic_step,
)
from proofs_check.symbolic.theorems.potentials import SETTING, convex_potential
from proofs_check.symbolic.theorems.recursion import MEAN_OF_CLIENTS, optimistic_gradient

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


RANGES = {"3/2 < κ ≤ 2": ("3/2", "2"), "2 ≤ κ ≤ 7/2": ("2", "7/2"), "κ ≥ 7/2": ("7/2", None)}
"""The ranges of κ; the convex potential is another one up to 2, and the start is bounded otherwise from 7/2 on."""


def place(name: str) -> Slab:
    """Return the range of κ called ``name``."""
    import sympy

    low, high = RANGES[name]
    return Slab(symbolic_step().kappa, sympy.Rational(low), None if high is None else sympy.Rational(high))


def convex_multiplier(name: str) -> Expression:
    """Return r of the convex potential on a range of κ."""
    import sympy

    k = symbolic_step().kappa
    return (2 - k) / (2 * k - 3) if name == "3/2 < κ ≤ 2" else sympy.Integer(0)


def weighted_monotone(name: str, count: Expression) -> Certificate:
    """Return that Y_{k+1} ≤ Y_k at k = ``count`` ≥ 0 on a range of κ."""
    import sympy

    step, r = symbolic_step(), convex_multiplier(name)
    k = step.kappa
    now, then = weighted(step, r, count)
    nu = 1 / (2 * k - 3)
    turns = (sympy.Integer(0) if name == "3/2 < κ ≤ 2" else (k - 2) / 2) + count * (2 * k - 3)
    return Certificate(
        f"Y_{{k+1}} ≤ Y_k at k = {count}, {name}",
        now - then,
        ((k, convex_forward(step)), (k * r + 2 * k * (count + nu), cocoercive(step))),
        ((turns, step.turn), ((1 + r) / 2 + count + nu, step.after - step.before)),
        place(name),
    )


def never_rises(name: str) -> tuple[Certificate, Certificate, Certificate, Induction]:
    """Return one step of Y, then base, step and whole of the induction Y_k ≤ Y_0 for every k ≥ 1."""
    import sympy

    step, count, first = symbolic_step(), sympy.Symbol("k", positive=True), sympy.Symbol("Y_0")
    now, then = weighted(step, convex_multiplier(name), count)
    base, one = weighted_monotone(name, sympy.Integer(0)), weighted_monotone(name, count)
    hypothesis = Inequality("Y_k ≤ Y_0", first - now, "of the induction")
    fall = Consequence("Y_{k+1} ≤ Y_k", now - then, one)
    later = Certificate(f"Y_{{k+1}} ≤ Y_0, {name}", first - then, ((1, hypothesis), (1, fall)), (), place(name))
    turned = {step.value: step.next_value, step.before: step.here, step.here: step.after}
    start = {first: now.subs(count, 0), count: sympy.Integer(1), **turned}
    induction = Induction(
        f"Y_k ≤ Y_0 for every k ≥ 1, {name}", hypothesis, base, later, start, {count: count + 1, **turned}, index=count
    )
    return one, base, later, induction


def lower_end() -> Certificate:
    r"""Return $Y_N \ge \kappa F^* + (N + \kappa/2 - 1/6 + \nu)\|g_N\|^2$ for N ≥ 1."""
    import sympy

    step, optimum = symbolic_step(), sympy.Symbol("f_optimum")
    k, r, more = step.kappa, *(sympy.Symbol(name, positive=True) for name in ("r", "extra_moves"))
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
        Slab(k, sympy.Rational(3, 2)),
    )


def excess(name: str) -> Expression:
    """Return a: 5ν−2 up to κ = 2, 4ν−1 up to 7/2, 0 above."""
    import sympy

    nu = 1 / (2 * symbolic_step().kappa - 3)
    return {"3/2 < κ ≤ 2": 5 * nu - 2, "2 ≤ κ ≤ 7/2": 4 * nu - 1, "κ ≥ 7/2": sympy.Integer(0)}[name]


def upper_start(name: str) -> Certificate:
    r"""Return $Y_0 - \kappa F^* \le (\kappa + a)\,(F(w_0)-F^*)$ on a range of κ."""
    import sympy

    step, optimum = symbolic_step(), sympy.Symbol("f_optimum")
    k, extra = step.kappa, excess(name)
    start = weighted(step, convex_multiplier(name), sympy.Integer(0))[0].subs(step.before, 0)
    target = (k + extra) * (step.value - optimum) - (start - k * optimum)
    above = ((sympy.Rational(1, 2) - 2 / (2 * k - 3), step.here),) if name == "κ ≥ 7/2" else ()
    uses = ((extra, end_value(step.here, step.value, optimum)),) if extra != 0 else ()
    return Certificate(f"Y_0 from above, {name}", target, uses, above, place(name))


def rate(name: str, induction: Induction, lower: Certificate, upper: Certificate) -> Certificate:
    """Return the rate from Y_N ≤ Y_0 and the two ends, N = 1 + extra_moves."""
    import sympy

    step, optimum, r = symbolic_step(), sympy.Symbol("f_optimum"), convex_multiplier(name)
    k, more, (first, slope) = step.kappa, sympy.Symbol("extra_moves", positive=True), sympy.symbols("f_0 g_0")
    begin = dataclasses.replace(step, value=first, here=slope, before=sympy.Integer(0))
    start, end = weighted(begin, r, sympy.Integer(0))[0], weighted(step, r, 1 + more)[0]
    weight = more + 1 + k / 2 - sympy.Rational(1, 6) + 1 / (2 * k - 3)
    size = (k + excess(name)) * (first - optimum)
    ends = end - k * optimum - weight * step.here**2
    count, symbol = sympy.Symbol("k", positive=True), sympy.Symbol("r", positive=True)
    fall = Consequence("Y_N ≤ Y_0", start - end, induction, at={sympy.Symbol("Y_0"): start, count: 1 + more})
    below = Consequence("Y_N from below", ends, lower, at={symbol: r})
    above = Consequence("Y_0 from above", size - start + k * optimum, upper, at={step.value: first, step.here: slope})
    uses = tuple((1 / weight, each) for each in (fall, below, above))
    return Certificate(f"‖g_N‖² ≤ (κ+a)Δ/(N+κ/2−1/6+ν), {name}", size / weight - step.here**2, uses, (), place(name))


def last_iterate_proof(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield the facts of the last-iterate rate."""
    import sympy

    yield from (*optimistic_gradient(algorithm, cold=True), *derivations(convex=True))
    step, lower, rates = symbolic_step(), lower_end(), list[Certificate]()
    k, one = step.kappa, sympy.Integer(1)
    yield lower
    nu, gap = 1 / (2 * k - 3), sympy.Symbol("f_0") - sympy.Symbol("f_optimum")
    named = Identity("ν as in the proof", nu, read("1/(2κ−3)", {"κ": k}))
    yield from (named, Concludes("1/(2κ−3)", named, {"κ": k}))
    for name in RANGES:
        facts, upper = never_rises(name), upper_start(name)
        rates.append(rate(name, facts[-1], lower, upper))
        yield from (*facts, upper, rates[-1])
        words = {"‖∇F(w_N)‖²": step.here**2, "N": one + sympy.Symbol("extra_moves", positive=True), "κ": k}
        words |= {"a": excess(name), "L": one, "Δ": gap, "ν": nu}
        yield Concludes("‖∇F(w_N)‖² ≤ (κ+a)LΔ/(N+κ/2−1/6+ν)", rates[-1], words)
    for name, text in (("3/2 < κ ≤ 2", "5ν−2"), ("2 ≤ κ ≤ 7/2", "4ν−1")):
        form = Identity(f"a, {name}", excess(name), read(text, {"ν": nu}))
        yield from (form, Concludes(text, form, {"ν": nu}))
    yield Sign("r ≥ 0 for 3/2 < κ ≤ 2", (2 - k) * nu, place("3/2 < κ ≤ 2"))
    yield Cover("every κ > 3/2", tuple(rates), sympy.Rational(3, 2))


def monotone_proof(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield the facts of the monotone sum of squares."""
    import sympy

    fact, step = monotone(), symbolic_step()
    yield from (*optimistic_gradient(algorithm), *derivations(convex=True), fact)
    yield Cover("every κ ≥ 3/2", (fact,), sympy.Rational(3, 2))
    text = "‖g_{k+1}‖² + ‖g_{k+1} − g_k‖² ≤ ‖g_k‖² + ‖g_k − g_{k−1}‖²"
    words = {"‖g_{k+1}‖": step.after, "‖g_{k+1} − g_k‖": step.turn, "‖g_k‖": step.here}
    yield Concludes(text, fact, words | {"‖g_k − g_{k−1}‖": step.here - step.before})


CLAIMS = (
    theorem(
        "T4-last-iterate",
        "For convex F, every κ > 3/2 and every N ≥ 1, ‖∇F(w_N)‖² ≤ (κ+a)LΔ/(N+κ/2−1/6+ν), where ν = 1/(2κ−3) and"
        " a = 5ν−2 (κ ≤ 2), 4ν−1 (2 ≤ κ ≤ 7/2), 0 (κ ≥ 7/2); Δ = F(w_0)−F*.",
        latex=r"$\|\nabla F(w_N)\|^2 \leq \frac{(\kappa+a)\,L\,(F(w_0)-F^*)}{N+\kappa/2-1/6+\nu},\quad \nu ="
        r" \frac{1}{2\kappa-3}$",
        hypotheses=(SETTING[0], "π⁰ = 0", "F is convex, L-smooth, bounded below, κ > 3/2, N ≥ 1; stated for L = 1"),
        source=SOURCE,
        proof=last_iterate_proof,
        conclusion={"every κ > 3/2": "every κ > 3/2"},
        arguments=(MEAN_OF_CLIENTS,),
    ),
    theorem(
        "T4-gradient-monotone",
        "For convex F and every κ ≥ 3/2, ‖g_{k+1}‖² + ‖g_{k+1} − g_k‖² ≤ ‖g_k‖² + ‖g_k − g_{k−1}‖² at every step,"
        " g_k = ∇F(w_k).",
        latex=r"$\|g_{k+1}\|^2 + \|g_{k+1}-g_k\|^2 \leq \|g_k\|^2 + \|g_k-g_{k-1}\|^2$",
        hypotheses=(*SETTING, "F is convex and L-smooth, κ ≥ 3/2; stated for L = 1"),
        source=SOURCE,
        proof=monotone_proof,
        conclusion={"every κ ≥ 3/2": "every κ ≥ 3/2"},
        arguments=(MEAN_OF_CLIENTS,),
    ),
)
