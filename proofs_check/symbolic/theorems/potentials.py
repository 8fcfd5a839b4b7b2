r"""One-step potentials for $\rho = \lambda = 0$, full gradients: $V_{k+1} \le V_k - c\|g_k\|^2$ at every k.

$\kappa > 3/2$, $L = 1$.
"""

from collections.abc import Iterator
from typing import Any

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import Algorithm, plain_client
from proofs_check.kernel.domains import Interval
from proofs_check.kernel.facts import Certificate, Fact, Identity, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.kernel.schemes import Cover
from proofs_check.symbolic.theorems.interpolation import (
    Step,
    cocoercive,
    convex_forward,
    derivations,
    end_value,
    lipschitz,
    smooth_forward,
    symbolic_step,
)
from proofs_check.symbolic.theorems.recursion import MEAN_OF_CLIENTS, optimistic_gradient

SOURCE = "ours; MATHEMATICS.md#T1"
SETTING = (
    "full gradients, ρ = λ = 0, constant σ, any number of clients, any split of the data; κ = σ/L, L the smoothness"
    " of F",
    "any start of the duals (g_{-1} = −Σα_iπ_i⁰ is free)",
)


def nonconvex_potential(kappa: Any, value: Any, here: Any, before: Any, *, rho: Any, omega: Any) -> Any:
    r"""Return $V = f + \|g\|^2/(4\kappa) + \tfrac{2\kappa-\varrho}{4\kappa^2}\|g_-\|^2 + \omega\|g-g_-\|^2$."""
    turn = (here - before) ** 2
    return value + here**2 / (4 * kappa) + (2 * kappa - rho) / (4 * kappa**2) * before**2 + omega * turn


def convex_potential(kappa: Any, value: Any, here: Any, before: Any, *, multiplier: Any) -> Any:
    r"""Return $V = f + \tfrac{1+r}{2\kappa}\|g\|^2 + \tfrac{1}{2\kappa}\|g_-\|^2 + \tfrac{r}{2\kappa}\|g-g_-\|^2$."""
    squares = (1 + multiplier) * here**2 + before**2 + multiplier * (here - before) ** 2
    return value + squares / (2 * kappa)


def nonconvex_rate_constant(kappa: Any, *, rho: Any) -> Any:
    r"""Return $c = 1/\kappa - \varrho/(4\kappa^2)$."""
    return 1 / kappa - rho / (4 * kappa**2)


def small_penalty_rho(kappa: Any) -> Any:
    r"""Return $\varrho = \kappa/(\kappa^2-2)$, the multiplier below $\kappa = 2$."""
    return kappa / (kappa**2 - 2)


def nonconvex_drop(step: Step, *, rho: Any, omega: Any) -> Expression:
    """Return V_k − V_{k+1} − c‖g_k‖²."""
    now = nonconvex_potential(step.kappa, step.value, step.here, step.before, rho=rho, omega=omega)
    then = nonconvex_potential(step.kappa, step.next_value, step.after, step.here, rho=rho, omega=omega)
    return now - then - nonconvex_rate_constant(step.kappa, rho=rho) * step.here**2


def convex_drop(step: Step, *, multiplier: Any) -> Expression:
    """Return V_k − V_{k+1} − ‖g_k‖²/κ."""
    now = convex_potential(step.kappa, step.value, step.here, step.before, multiplier=multiplier)
    then = convex_potential(step.kappa, step.next_value, step.after, step.here, multiplier=multiplier)
    return now - then - step.here**2 / step.kappa


def nonconvex_large(threshold: Any = 2) -> Certificate:
    """Return the certificate for κ ≥ ``threshold``: the forward inequality alone."""
    step = symbolic_step()
    k = step.kappa
    squares = (
        ((k - 2) / (4 * k), step.turn),
        ((k - 2) / (4 * k**2), step.here - step.before),
        (1 / (4 * k), step.after - step.before),
    )
    drop = nonconvex_drop(step, rho=1, omega=0)
    name = "nonconvex potential falls, κ ≥ 2, c = (4κ−1)/(4κ²)"
    return Certificate(name, drop, ((1, smooth_forward(step)),), squares, Interval(k, threshold))


def nonconvex_small(threshold: Any = None) -> tuple[Certificate, Identity]:
    """Return the certificate for 3/2 < κ ≤ 2: forward inequality and Lipschitz gradient; and the form of c."""
    import sympy

    step = symbolic_step()
    k, low = step.kappa, sympy.Rational(3, 2) if threshold is None else threshold
    rho, omega = small_penalty_rho(k), (4 - k**2) / (4 * k * (k**2 - 2))
    certificate = Certificate(
        "nonconvex potential falls, 3/2 < κ ≤ 2",
        nonconvex_drop(step, rho=rho, omega=omega),
        ((1, smooth_forward(step)), ((rho - 1) / 4, lipschitz(step))),
        ((1 / (4 * k), step.after - step.before),),
        Interval(k, low, sympy.Integer(2)),
    )
    constant = (4 * k**2 - 9) / (4 * k * (k**2 - 2))
    return certificate, Identity("c = (4κ²−9)/(4κ(κ²−2))", nonconvex_rate_constant(k, rho=rho), constant)


def nonconvex_floor(domain: Interval, *, rho: Any, omega: Any) -> Certificate:
    """Return the certificate of V ≥ F*: near κ = 3/2 it needs F − F* ≥ ‖g‖²/2, since V − F is indefinite there."""
    import sympy

    step, optimum = symbolic_step(), sympy.Symbol("f_optimum")
    k = step.kappa
    here, before = 1 / (4 * k) + sympy.Rational(1, 2) + omega, (2 * k - rho) / (4 * k**2) + omega
    return Certificate(
        f"V ≥ F* for κ from {domain.low}",
        nonconvex_potential(k, step.value, step.here, step.before, rho=rho, omega=omega) - optimum,
        ((1, end_value(step.here, step.value, optimum)),),
        ((here, step.here - omega / here * step.before), (before - omega**2 / here, step.before)),
        domain,
    )


def convex_large(threshold: Any = 2) -> Certificate:
    """Return the certificate for κ ≥ ``threshold``: the convex forward inequality alone."""
    step = symbolic_step()
    k = step.kappa
    squares = (((k - 2) / (2 * k), step.turn), (1 / (2 * k), step.after - step.before))
    drop = convex_drop(step, multiplier=0)
    return Certificate(
        "convex potential falls by ‖g‖²/κ, κ ≥ 2",
        drop,
        ((1, convex_forward(step)),),
        squares,
        Interval(k, threshold),
    )


def convex_small(threshold: Any = None) -> Certificate:
    """Return the certificate for 3/2 < κ ≤ 2: forward inequality and cocoercivity."""
    import sympy

    step = symbolic_step()
    k, low = step.kappa, sympy.Rational(3, 2) if threshold is None else threshold
    multiplier = (2 - k) / (2 * k - 3)
    return Certificate(
        "convex potential falls by ‖g‖²/κ, 3/2 < κ ≤ 2",
        convex_drop(step, multiplier=multiplier),
        ((1, convex_forward(step)), (multiplier, cocoercive(step))),
        (((1 + multiplier) / (2 * k), step.after - step.before),),
        Interval(k, low, sympy.Integer(2)),
    )


def decrease(step: Step, now: Expression, then: Expression, **terms: Expression) -> dict[str, Expression]:
    """Return what the words of "V_{k+1} ≤ V_k − c‖∇F(w_k)‖²" stand for; ``terms`` adds to them."""
    words = {"V_{k+1}": then, "V_k": now, "‖∇F(w_k)‖²": step.here**2, "κ": step.kappa}
    return words | terms


def nonconvex_conclusions(large: Certificate, small: Certificate) -> tuple[Fact, ...]:
    """Return the sentence's inequality for both ranges, with the sentence's own c, and that c > 0 there."""
    import sympy

    step, facts = symbolic_step(), list[Fact]()
    k = step.kappa
    omega = (4 - k**2) / (4 * k * (k**2 - 2))
    half, two = sympy.Rational(3, 2), sympy.Integer(2)
    for fact, place, rho, turn, constant in (
        (large, Interval(k, two), sympy.Integer(1), sympy.Integer(0), "(4κ−1)/(4κ²)"),
        (small, Interval(k, half, two, open_ends=True), small_penalty_rho(k), omega, "(4κ²−9)/(4κ(κ²−2))"),
    ):
        now = nonconvex_potential(k, step.value, step.here, step.before, rho=rho, omega=turn)
        then = nonconvex_potential(k, step.next_value, step.after, step.here, rho=rho, omega=turn)
        form = Identity(f"c = {constant}, {fact.name}", nonconvex_rate_constant(k, rho=rho), read(constant, {"κ": k}))
        facts += [form, Concludes(constant, form, {"κ": k})]
        facts.append(Sign(f"c > 0, {fact.name}", form.right, place, strict=True))
        facts.append(Concludes("V_{k+1} ≤ V_k − c‖∇F(w_k)‖²", fact, decrease(step, now, then, c=form.right)))
    return tuple(facts)  # fmt: skip


def nonconvex_proof(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield the facts behind the nonconvex potential for every κ > 3/2, with V ≥ F* and c > 0."""
    import sympy

    k, half = symbolic_step().kappa, sympy.Rational(3, 2)
    rho = small_penalty_rho(k)
    large, (small, form) = nonconvex_large(), nonconvex_small()
    yield from (*optimistic_gradient(algorithm), *derivations(), small, form, large)
    yield Cover("V falls for every κ > 3/2", (small, large), half)
    yield from nonconvex_conclusions(large, small)
    bounds = (
        nonconvex_floor(Interval(k, half, sympy.Integer(2)), rho=rho, omega=(4 - k**2) / (4 * k * (k**2 - 2))),
        nonconvex_floor(Interval(k, sympy.Integer(2)), rho=sympy.Integer(1), omega=sympy.Integer(0)),
    )
    yield from (*bounds, Cover("V ≥ F* for every κ > 3/2", bounds, half))


def convex_proof(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield the facts behind the convex potential for every κ > 3/2."""
    import sympy

    small, large, step = convex_small(), convex_large(), symbolic_step()
    k = step.kappa
    yield from (*optimistic_gradient(algorithm), *derivations(convex=True), small, large)
    yield Cover("V falls for every κ > 3/2", (small, large), sympy.Rational(3, 2))
    for fact, multiplier in ((small, (2 - k) / (2 * k - 3)), (large, sympy.Integer(0))):
        now = convex_potential(k, step.value, step.here, step.before, multiplier=multiplier)
        then = convex_potential(k, step.next_value, step.after, step.here, multiplier=multiplier)
        yield Concludes("V_{k+1} ≤ V_k − ‖∇F(w_k)‖²/κ", fact, decrease(step, now, then))


def sharpness_proof(algorithm: Algorithm, threshold: Any = None) -> Iterator[Fact]:
    r"""Yield the facts that $F = x^2/2$ does not converge for $\kappa \le 3/2$.

    A root ≤ −1 carries part of every start.
    """
    import sympy

    z, other, before = sympy.symbols("z z_other x_before")
    k, one = sympy.Symbol("kappa", positive=True), sympy.Integer(1)
    high = sympy.Rational(3, 2) if threshold is None else threshold
    polynomial = z**2 - (1 - 2 / k) * z - 1 / k
    client = plain_client(weight=one, penalty=k, gradient=z * before, multiplier=-before)
    recursion = algorithm.next_consensus(client, z * before) - z**2 * before
    first = algorithm.next_consensus(
        plain_client(weight=one, penalty=k, gradient=before, multiplier=0 * before), before
    )
    falls = Sign(
        "it is ≤ 0 at −1, so that one root is ≤ −1 (its leading coefficient is 1)",
        3 / k - 2,
        Interval(k, sympy.Integer(0), high),
    )
    product = sympy.Poly(polynomial, z).eval(0)
    trace = -sympy.Poly(polynomial, z).coeff_monomial(z)
    yield from optimistic_gradient(algorithm, cold=True)
    yield Identity("x_k = z^k solves the recursion iff z is a root", recursion, -polynomial * before)
    yield Identity("the polynomial is 2 − 3/κ at −1", polynomial.subs(z, -1), 2 - 3 / k)
    yield falls
    yield Cover("for every 0 < κ ≤ 3/2", (falls,), 0, sympy.Rational(3, 2))
    yield Identity("the product of the roots is −1/κ < 0: they are real and distinct", product, -1 / k)
    yield Identity("the first move: x_1 = (1 − 2/κ)x_0", first, (1 - 2 / k) * before)
    start = ((1 - 2 / k) - other).subs(k, 2 / (1 - z - other))
    yield Identity("x_1 − z'x_0 = z x_0: every start ≠ 0 has a part on z", start, z)
    yield Identity("the sum of the roots is 1 − 2/κ", trace, 1 - 2 / k)


CLAIMS = (
    theorem(
        "T1-nonconvex-potential",
        "For every κ > 3/2, V_{k+1} ≤ V_k − c‖∇F(w_k)‖² at every step and V ≥ F*, with c = (4κ−1)/(4κ²) for κ ≥ 2 and"
        " c = (4κ²−9)/(4κ(κ²−2)) for 3/2 < κ ≤ 2, both positive.",
        latex=r"$V_{k+1} \leq V_k - c\,\|\nabla F(w_k)\|^2,\quad c = \frac{4\kappa-1}{4\kappa^2}\ (\kappa \geq 2),\quad"
        r" c = \frac{4\kappa^2-9}{4\kappa(\kappa^2-2)}\ (3/2 < \kappa \leq 2)$",
        hypotheses=(
            *SETTING,
            "F is L-smooth, κ > 3/2; stated for L = 1 (scale F by 1/L)",
            "V_k = F(w_k) + ‖g_k‖²/(4κ) + (2κ−ϱ)‖g_{k−1}‖²/(4κ²) + ω‖g_k−g_{k−1}‖², g_k = ∇F(w_k); ϱ = 1, ω = 0 for κ ≥"
            " 2, ϱ = κ/(κ²−2), ω = (4−κ²)/(4κ(κ²−2)) for κ ≤ 2",
        ),
        source=SOURCE,
        proof=nonconvex_proof,
        conclusion={"V ≥ F*": "V ≥ F* for every κ > 3/2", "every κ > 3/2": "V falls for every κ > 3/2"},
        arguments=(MEAN_OF_CLIENTS,),
    ),
    theorem(
        "T1-convex-potential",
        "For convex F and every κ > 3/2, V_{k+1} ≤ V_k − ‖∇F(w_k)‖²/κ at every step.",
        latex=r"$V_{k+1} \leq V_k - \|\nabla F(w_k)\|^2/\kappa,\quad \kappa > 3/2$",
        hypotheses=(
            *SETTING,
            "F is convex and L-smooth, κ > 3/2; stated for L = 1",
            "V_k = F(w_k) + ((1+r)‖g_k‖² + ‖g_{k−1}‖² + r‖g_k−g_{k−1}‖²)/(2κ), g_k = ∇F(w_k); r = 0 for κ ≥ 2,"
            " (2−κ)/(2κ−3) below",
        ),
        source=SOURCE,
        proof=convex_proof,
        conclusion={"every κ > 3/2": "V falls for every κ > 3/2"},
        arguments=(MEAN_OF_CLIENTS,),
    ),
    theorem(
        "T1-threshold-sharp",
        "For every 0 < κ ≤ 3/2 the method does not converge on F(x) = x²/2: its recursion has a real root z ≤ −1.",
        latex=r"$z^2 - (1-2/\kappa)z - 1/\kappa \leq 0 \ \mathrm{at}\ z = -1 \ \Leftrightarrow\ \kappa \leq 3/2$",
        hypotheses=("F(x) = x²/2, ρ = λ = 0, constant σ = κL, π⁰ = 0, any start x ≠ 0",),
        source=SOURCE,
        proof=sharpness_proof,
        conclusion={
            "every 0 < κ ≤ 3/2": "for every 0 < κ ≤ 3/2",
            "a real root z ≤ −1": "it is ≤ 0 at −1, so that one root is ≤ −1 (its leading coefficient is 1)",
        },
        arguments=("at a root z ≤ −1 the part z^k of the iterates does not tend to 0",),
    ),
)
