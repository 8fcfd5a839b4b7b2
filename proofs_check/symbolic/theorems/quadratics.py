r"""Quadratics with a fixed preconditioner that commutes with the Hessian.

Exact stability thresholds and rates, mode by mode.

One mode: curvature h of the loss, ridge λ, eigenvalue $\mu = \sigma/(\sigma+\rho q)$ of M. With $x$ the mode of w and
p of the dual, $p^+ = (1-\mu)p + \mu hx$, $x^+ = x - (2p^+ - p + \lambda x)/(\sigma+\lambda)$.
"""

from typing import Any

from proofs_check.symbolic.algebra import Expression
from proofs_check.symbolic.theorems.domains import Orthant
from proofs_check.symbolic.theorems.proof import Identity, Proof, Sign, theorem

SOURCE = "ours; MATHEMATICS.md#T10; for μ = 1 MATHEMATICS.md#I6"


def mode_symbols() -> tuple[Expression, Expression, Expression, Expression]:
    """Return (h, σ, λ, μ), all positive."""
    import sympy

    h, sigma, ridge, moving = sympy.symbols("h sigma lambda mu", positive=True)
    return h, sigma, ridge, moving


def mode_matrix(h: Any, sigma: Any, ridge: Any, moving: Any) -> Expression:
    """Return the 2×2 matrix of (x, p) ↦ (x⁺, p⁺)."""
    import sympy

    x, p = sympy.symbols("x p")
    new_p = (1 - moving) * p + moving * h * x
    new_x = x - (2 * new_p - p + ridge * x) / (sigma + ridge)
    return sympy.Matrix([[sympy.diff(entry, variable) for variable in (x, p)] for entry in (new_x, new_p)])


def threshold(h: Any, ridge: Any, moving: Any) -> Any:
    r"""Return $\sigma^* = \frac{3\mu h}{2(2-\mu)} - \frac{\lambda}{2}$."""
    return 3 * moving * h / (2 * (2 - moving)) - ridge / 2


def threshold_proof(shift: Any = 0) -> Proof:
    """Return the Jury conditions of one mode: all hold for σ above the threshold, the one at −1 fails below."""
    import sympy

    h, sigma, ridge, moving = mode_symbols()
    z, x = sympy.Symbol("z"), sympy.Symbol("x", positive=True)
    matrix = mode_matrix(h, sigma, ridge, moving)
    characteristic = (z * sympy.eye(2) - matrix).det()
    at_minus, at_plus, determinant = characteristic.subs(z, -1), characteristic.subs(z, 1), matrix.det()
    total = sigma + ridge
    factor = 2 * (2 - moving) / total
    inside = Orthant({moving: 1 / (1 + x)})
    return (
        Identity("value at −1: 2(2−μ)(σ−σ*)/(σ+λ)", at_minus, factor * (sigma - threshold(h, ridge, moving) - shift)),
        Sign("the factor is positive for 0 < μ ≤ 1", factor, inside),
        Identity("value at 1: μ(h+λ)/(σ+λ)", at_plus, moving * (h + ridge) / total),
        Sign("value at 1 is positive", at_plus, inside),
        Sign("determinant < 1", 1 - determinant, inside),
        Identity(
            "determinant + 1 is ((2−μ)(σ−σ*) + μ(h+λ)/2)/(σ+λ)",
            determinant + 1,
            ((2 - moving) * (sigma - threshold(h, ridge, moving)) + moving * (h + ridge) / 2) / total,
        ),
    )


def rate_proof() -> Proof:
    r"""Return that both roots of a mode lie in $|z| < 1 - x + x^2$, $x = h/\sigma \le 1/2$, for $\rho = \lambda = 0$.

    The larger one is $\tfrac12(1-2x+\sqrt{1+4x^2})$.
    """
    import sympy

    x = sympy.Symbol("x", positive=True)
    h, sigma, _, _ = mode_symbols()
    z = sympy.Symbol("z")
    matrix = mode_matrix(h, sigma, sympy.Integer(0), sympy.Integer(1)).subs(h, x * sigma)
    characteristic = sympy.expand((z * sympy.eye(2) - matrix).det())
    claimed = z**2 - (1 - 2 * x) * z - x
    bound = 1 - x + x**2
    y = sympy.Symbol("y", positive=True)
    return (
        Identity("characteristic polynomial z² − (1−2x)z − x", characteristic, claimed),
        Identity("at 1−x+x²: x⁴", claimed.subs(z, bound), x**4),
        Sign(
            "so that the larger root is below it (the sum of the roots is 1−2x < 2(1−x+x²))",
            2 * bound - (1 - 2 * x),
            Orthant(),
        ),
        Identity("at −(1−x+x²)", claimed.subs(z, -bound), 2 - 6 * x + 6 * x**2 - 4 * x**3 + x**4),
        Sign("positive for x ≤ 1/2: the other root is inside too", claimed.subs(z, -bound), Orthant({x: 1 / (2 + y)})),
    )


CLAIMS = (
    theorem(
        "T10-quadratic-threshold",
        "On a quadratic with a fixed preconditioner common to all clients that commutes with the Hessian, full"
        " gradients, PISA with γ = 1"
        " converges from every start if every mode has σ > 3μh/(2(2−μ)) − λ/2, and does not if some mode has σ ≤ it;"
        " μ = σ/(σ+ρq).",
        latex=r"$\sigma > \frac{3\mu h}{2(2-\mu)} - \frac{\lambda}{2}$",
        hypotheses=("F quadratic with h > 0, Q fixed, common to all clients and commuting with the Hessian, constant"
        " σ, full gradients, λ ≥ 0",
                    "'does not' is for starts with a component on that mode's root z ≤ −1"),
        source=SOURCE,
        proof=threshold_proof,
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
    ),
)  # fmt: skip
