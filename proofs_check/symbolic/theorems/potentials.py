r"""One-step potentials for $\rho = \lambda = 0$, full gradients: $V_{k+1} \le V_k - c\|g_k\|^2$ at every k.

$\kappa > 3/2$, $L = 1$.
"""

from typing import Any

from proofs_check.symbolic.algebra import Expression
from proofs_check.symbolic.theorems.domains import Interval
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
from proofs_check.symbolic.theorems.proof import Certificate, Identity, Proof, Sign, theorem
from proofs_check.symbolic.theorems.recursion import optimistic_gradient

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


def nonconvex_proof() -> Proof:
    """Return the facts behind the nonconvex potential for every κ > 3/2, with V ≥ F* and c ≥ 0."""
    import sympy

    k = symbolic_step().kappa
    small = Interval(k, sympy.Rational(3, 2), sympy.Integer(2))
    large, rho = Interval(k, sympy.Integer(2)), small_penalty_rho(k)
    return (
        *optimistic_gradient(),
        *derivations(),
        nonconvex_large(),
        *nonconvex_small(),
        Sign("c ≥ 0 for κ ≥ 2", nonconvex_rate_constant(k, rho=1), large),
        Sign("c ≥ 0 for 3/2 < κ ≤ 2", nonconvex_rate_constant(k, rho=rho), small),
        nonconvex_floor(large, rho=sympy.Integer(1), omega=sympy.Integer(0)),
        nonconvex_floor(small, rho=rho, omega=(4 - k**2) / (4 * k * (k**2 - 2))),
    )


def convex_proof() -> Proof:
    """Return the facts behind the convex potential for every κ > 3/2."""
    return (*optimistic_gradient(), *derivations(), convex_large(), convex_small())


def sharpness_proof(threshold: Any = None) -> Proof:
    r"""Return the facts that $F = x^2/2$ does not converge for $\kappa \le 3/2$.

    A root ≤ −1 carries part of every start.
    """
    import sympy

    z, other, before = sympy.symbols("z z_other x_before")
    k = sympy.Symbol("kappa", positive=True)
    high = sympy.Rational(3, 2) if threshold is None else threshold
    polynomial = z**2 - (1 - 2 / k) * z - 1 / k
    recursion = z * before - (2 * z * before - before) / k - z**2 * before
    below = Interval(k, sympy.Integer(0), high)
    product = sympy.Poly(polynomial, z).eval(0)
    trace = -sympy.Poly(polynomial, z).coeff_monomial(z)
    return (
        Identity("x_k = z^k solves the recursion iff z is a root", recursion, -polynomial * before),
        Identity("the polynomial is 2 − 3/κ at −1", polynomial.subs(z, -1), 2 - 3 / k),
        Sign("it is ≤ 0 at −1, so that one root is ≤ −1 (its leading coefficient is 1)", 3 / k - 2, below),
        Identity("the product of the roots is −1/κ < 0: they are real and distinct", product, -1 / k),
        Identity(
            "x_1 − z'x_0 = z x_0: every start ≠ 0 has a part on z",
            ((1 - 2 / k) - other).subs(k, 2 / (1 - z - other)),
            z,
        ),
        Identity("the sum of the roots is 1 − 2/κ", trace, 1 - 2 / k),
    )


CLAIMS = (
    theorem(
        "T1-nonconvex-potential",
        "For every κ > 3/2 the nonconvex one-step potential falls by at least c‖∇F(w_k)‖² at every step, with c > 0.",
        latex=r"$V_{k+1} \leq V_k - c\,\|\nabla F(w_k)\|^2,\quad c = \frac{4\kappa-1}{4\kappa^2}\ (\kappa \geq 2),\quad"
        r" c = \frac{4\kappa^2-9}{4\kappa(\kappa^2-2)}\ (3/2 < \kappa \leq 2)$",
        hypotheses=(*SETTING, "F is L-smooth, κ > 3/2; stated for L = 1 (scale F by 1/L)"),
        source=SOURCE,
        proof=nonconvex_proof,
    ),
    theorem(
        "T1-convex-potential",
        "For convex F and every κ > 3/2 the one-step potential falls by at least ‖∇F(w_k)‖²/κ at every step.",
        latex=r"$V_{k+1} \leq V_k - \|\nabla F(w_k)\|^2/\kappa,\quad \kappa > 3/2$",
        hypotheses=(*SETTING, "F is convex and L-smooth, κ > 3/2; stated for L = 1"),
        source=SOURCE,
        proof=convex_proof,
    ),
    theorem(
        "T1-threshold-sharp",
        "For every 0 < κ ≤ 3/2 the method does not converge on F(x) = x²/2: its recursion has a real root z ≤ −1.",
        latex=r"$z^2 - (1-2/\kappa)z - 1/\kappa \leq 0 \ \mathrm{at}\ z = -1 \ \Leftrightarrow\ \kappa \leq 3/2$",
        hypotheses=("F(x) = x²/2, ρ = λ = 0, constant σ, π⁰ = 0, any start x ≠ 0",),
        source=SOURCE,
        proof=sharpness_proof,
    ),
)
