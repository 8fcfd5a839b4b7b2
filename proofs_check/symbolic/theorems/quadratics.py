r"""Quadratics with a fixed preconditioner that commutes with the Hessian.

Exact stability thresholds and rates, mode by mode.

One mode: curvature h of the loss, ridge λ, eigenvalue $\mu = \sigma/(\sigma+\rho q)$ of M. With $x$ the mode of w and
p of the dual, $p^+ = (1-\mu)p + \mu hx$, $x^+ = x - (2p^+ - p + \lambda x)/(\sigma+\lambda)$.
"""

from collections.abc import Iterator
from typing import Any

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import Algorithm, symbolic_client
from proofs_check.kernel.domains import Orthant, Slab
from proofs_check.kernel.facts import Fact, Holds, Identity, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.symbolic.theorems.recursion import MEAN_OF_CLIENTS, client_identities, optimistic_gradient

SOURCE = "ours; MATHEMATICS.md#T10; for μ = 1 MATHEMATICS.md#I6"


def mode_symbols() -> tuple[Expression, Expression, Expression, Expression]:
    """Return (h, σ, λ, μ), all positive."""
    import sympy

    h, sigma, ridge, moving = sympy.symbols("h sigma lambda mu", positive=True)
    return h, sigma, ridge, moving


def mode_matrix(algorithm: Algorithm, h: Any, sigma: Any, ridge: Any, moving: Any) -> Expression:
    """Return the 2×2 matrix of (x, p) ↦ (x⁺, p⁺), by the algorithm: ρ = 1 and q = σ(1−μ)/μ give M = μ."""
    import sympy

    (x, p), one = sympy.symbols("x p"), sympy.Integer(1)
    client = symbolic_client(
        weight=one, penalty=sigma, ratio=one, rho=one, curvature=sigma * (1 - moving) / moving, ridge=ridge,
        multiplier=-p, gradient=h * x,
    )  # fmt: skip
    sent = algorithm.local_step(client, x)
    image = (algorithm.consensus([sent]), -sent.multiplier)
    return sympy.Matrix([[sympy.cancel(sympy.diff(entry, variable)) for variable in (x, p)] for entry in image])


def threshold(h: Any, ridge: Any, moving: Any) -> Any:
    r"""Return $\sigma^* = \frac{3\mu h}{2(2-\mu)} - \frac{\lambda}{2}$."""
    return 3 * moving * h / (2 * (2 - moving)) - ridge / 2


def positive_in_the_corners(name: str, expression: Expression, ridge: Expression, moving: Expression) -> Iterator[Sign]:
    """Yield that ``expression`` is > 0 for 0 < μ ≤ 1 and λ ≥ 0: inside, and where μ = 1 or λ = 0 or both."""
    import sympy

    x = sympy.Symbol("x", positive=True)
    corners: tuple[tuple[str, dict[Any, int]], ...] = (
        ("", {}),
        (", μ = 1", {moving: 1}),
        (", λ = 0", {ridge: 0}),
        (", μ = 1, λ = 0", {moving: 1, ridge: 0}),
    )
    for where, put in corners:
        yield Sign(f"{name}{where}", sympy.cancel(expression.subs(put)), Orthant({moving: 1 / (1 + x)}), strict=True)


def threshold_proof(algorithm: Algorithm, shift: Any = 0) -> Iterator[Fact]:
    """Yield the Jury conditions of one mode: all hold for σ above the threshold, the one at −1 fails below."""
    import sympy

    yield from client_identities(algorithm)
    h, sigma, ridge, moving = mode_symbols()
    z = sympy.Symbol("z")
    matrix = mode_matrix(algorithm, h, sigma, ridge, moving)
    characteristic = (z * sympy.eye(2) - matrix).det()
    at_minus, at_plus, determinant = characteristic.subs(z, -1), characteristic.subs(z, 1), matrix.det()
    total, edge = sigma + ridge, threshold(h, ridge, moving) + shift
    factor = 2 * (2 - moving) / total
    words = {"μ": moving, "h": h, "λ": ridge}
    named = Identity("the threshold σ*", edge, read("3μh/(2(2−μ)) − λ/2", words))
    yield from (named, Concludes("3μh/(2(2−μ)) − λ/2", named, words))
    yield Identity("value at −1: 2(2−μ)(σ−σ*)/(σ+λ), > 0 iff σ > σ*", at_minus, factor * (sigma - edge))
    yield from positive_in_the_corners("the factor is > 0 for 0 < μ ≤ 1", factor, ridge, moving)
    yield Identity("value at 1: μ(h+λ)/(σ+λ)", at_plus, moving * (h + ridge) / total)
    yield from positive_in_the_corners("value at 1 is > 0", moving * (h + ridge) / total, ridge, moving)
    yield from positive_in_the_corners("determinant < 1", 1 - determinant, ridge, moving)
    rest = ((2 - moving) * (sigma - edge) + moving * (h + ridge) / 2) / total
    yield Identity("determinant + 1 is ((2−μ)(σ−σ*) + μ(h+λ)/2)/(σ+λ)", determinant + 1, rest)
    yield from positive_in_the_corners(
        "so that determinant > −1 above σ*", rest - (2 - moving) * (sigma - edge) / total, ridge, moving
    )


def rate_proof(algorithm: Algorithm) -> Iterator[Fact]:
    r"""Yield that both roots of a mode lie in $|z| < 1 - x + x^2$, $x = h/\sigma \le 1/2$, for $\rho = \lambda = 0$.

    The larger one is $\tfrac12(1-2x+\sqrt{1+4x^2})$.
    """
    import sympy

    yield from optimistic_gradient(algorithm)
    x, z, one = sympy.Symbol("x", positive=True), sympy.Symbol("z"), sympy.Integer(1)
    h, sigma, _, _ = mode_symbols()
    matrix = mode_matrix(algorithm, h, sigma, sympy.Integer(0), one).subs(h, x * sigma)
    characteristic = sympy.expand((z * sympy.eye(2) - matrix).det())
    claimed, bound = z**2 - (1 - 2 * x) * z - x, 1 - x + x**2
    words = {"h": x * sigma, "σ": sigma}
    named = Identity("the rate", bound, read("1 − h/σ + (h/σ)²", words))
    low, high = claimed.subs(z, -bound), sympy.expand(claimed.subs(z, bound))
    half = Slab(x, sympy.Integer(0), sympy.Rational(1, 2))
    yield from (named, Concludes("1 − h/σ + (h/σ)²", named, words))
    yield Identity("characteristic polynomial z² − (1−2x)z − x", characteristic, claimed)
    yield Identity("at 1−x+x²: x⁴ > 0", high, x**4)
    yield Sign("above the middle of the roots (their sum is 1−2x < 2(1−x+x²))", 2 * bound - (1 - 2 * x), strict=True)
    yield Identity("at −(1−x+x²)", low, 2 - 6 * x + 6 * x**2 - 4 * x**3 + x**4)
    yield Sign("at −(1−x+x²) it is > 0 for x ≤ 1/2: the other root is inside too", low, half, strict=True)
    yield Holds("and at x = 1/2", bool(low.subs(x, sympy.Rational(1, 2)) > 0))
    yield Sign("below the middle of the roots", (1 - 2 * x) + 2 * bound, half, strict=True)


CLAIMS = (
    theorem(
        "T10-quadratic-threshold",
        "On a quadratic with a fixed preconditioner common to all clients that commutes with the Hessian, full"
        " gradients, PISA with γ = 1"
        " converges from every start if every mode has σ > 3μh/(2(2−μ)) − λ/2, and does not if some mode has σ ≤ it;"
        " μ = σ/(σ+ρq).",
        latex=r"$\sigma > \frac{3\mu h}{2(2-\mu)} - \frac{\lambda}{2}$",
        hypotheses=("F quadratic with h > 0, Q fixed, common to all clients and commuting with the Hessian, constant"
        " σ_i = σ for every client, full gradients, λ ≥ 0",
                    "'does not': some run from π⁰ = 0 has no limit"),
        source=SOURCE,
        proof=threshold_proof,
        conclusion={"converges from every start": "value at −1: 2(2−μ)(σ−σ*)/(σ+λ), > 0 iff σ > σ*"},
        arguments=(
            MEAN_OF_CLIENTS,
            ("Jury's conditions for each mode of the common eigenbasis; at σ ≤ σ*"
            " the polynomial is ≤ 0 at −1, a root z ≤ −1"),
        ),
    ),
    theorem(
        "T10-quadratic-rate",
        "On a strongly convex quadratic with ρ = λ = 0 and every κ ≥ 2 the spectral radius of each mode of curvature"
        " h is at most"
        " 1 − h/σ + (h/σ)²: for all N the iterates converge linearly at that rate.",
        latex=r"$\rho(h) \leq 1 - \frac{h}{\sigma} + (\frac{h}{\sigma})^2,\quad 0 < h \leq \sigma/2$",
        hypotheses=("F quadratic, 0 < h ≤ L, κ = σ/L ≥ 2, ρ = λ = 0, constant σ, full gradients",),
        source=SOURCE,
        proof=rate_proof,
        conclusion={"at most": "at −(1−x+x²) it is > 0 for x ≤ 1/2: the other root is inside too"},
        arguments=("a monic quadratic that is > 0 at ±s, with −2s < sum of its real roots < 2s, has both in (−s, s)",),
    ),
)  # fmt: skip
