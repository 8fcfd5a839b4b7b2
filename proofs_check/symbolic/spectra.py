r"""PISA on quadratics: the characteristic polynomial of a round, and when its roots lie inside the unit circle.

A real quadratic $P(z) = Az^2 + Bz + C$ with $A > 0$ has both roots in $|z| < 1$ iff $P(1) > 0$, $P(-1) > 0$ and
$|C| < A$ (E. I. Jury, Theory and Application of the z-Transform Method, 1964). With full gradients and either ρ = 0 or
a common $\rho Q$ that commutes with the Hessian, the server's sequence is that of one client (MATHEMATICS.md#I5), one
eigenvalue h at a time.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from proofs_check.claim import Verdict
from proofs_check.kernel.algebra import Expression, numerator, positive_on_orthant
from proofs_check.kernel.algorithm import PISA_EQUATIONS, Algorithm, symbolic_client
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Fact, Holds, Identity, Sign
from proofs_check.kernel.proof import Proof, symbolic_claim


def _characteristic(algorithm: Algorithm) -> tuple[Expression, tuple[Expression, ...]]:
    """Return the numerator of det(zI − T) of the round (w, w_i, π) → (w, w_i, π)⁺, and (z, σ, λ, b, h) with b = ρq."""
    import sympy

    z = sympy.Symbol("z")
    penalty, ridge, bend, h = sympy.symbols("sigma lambda b h", positive=True)
    client = symbolic_client(
        weight=sympy.Integer(1),
        penalty=penalty,
        ridge=ridge,
        rho=sympy.Integer(1),
        curvature=bend,
        ratio=sympy.Integer(1),
    )
    w, (after,) = algorithm.round([client], lambda index, point: h * point)
    state = (sympy.Symbol("w"), client.local, client.multiplier)
    matrix = sympy.Matrix([w, after.local, after.multiplier]).jacobian(state)
    polynomial = numerator((z * sympy.eye(3) - matrix).det())
    return polynomial, (z, penalty, ridge, bend, h)


def _quadratic(algorithm: Algorithm, bend: Expression | None) -> tuple[Expression, tuple[Expression, ...]]:
    """Return the characteristic polynomial without its root 0, positive at infinity, with b put to ``bend``."""
    import sympy

    polynomial, symbols = _characteristic(algorithm)
    z = symbols[0]
    quotient, rest = sympy.div(polynomial if bend is None else polynomial.subs(symbols[3], bend), z, z)
    if rest != 0:
        raise ValueError("T: a round has no eigenvalue 0")
    return sympy.Poly(sympy.cancel(quotient), z), symbols


def _edge(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    polynomial, (z, penalty, ridge, _, h) = _quadratic(algorithm, sympy.Integer(0))
    wanted = (penalty + ridge) * z**2 - (penalty - 2 * h) * z - h
    scale = polynomial.LC() / (penalty + ridge)
    yield Identity("char poly: z[(sigma+lambda) z^2 - (sigma-2h) z - h]", polynomial.as_expr() - scale * wanted)
    t = sympy.Symbol("t", positive=True)
    edge = sympy.Rational(3, 2) * h - ridge / 2
    at_one, at_minus_one = wanted.subs(z, 1), wanted.subs(z, -1)
    yield Holds("P(1) = lambda + h > 0", _positive(at_one, ridge, h))
    above = {penalty: edge + t}
    yield Holds("sigma = 1.5h - lambda/2 + t, t > 0: P(-1) > 0", _positive(at_minus_one.subs(above), ridge, h, t))
    product = _positive((penalty + ridge - h).subs(above), ridge, h, t)
    yield Holds("and |C| = h < A = sigma + lambda: stable by Jury", product)
    yield Identity("sigma = 1.5h - lambda/2: -1 is a root", at_minus_one.subs(penalty, edge))
    below = at_minus_one.subs(penalty, edge - t)
    yield Identity("sigma = 1.5h - lambda/2 - t: P(-1) = -2t < 0 < A, a root below -1", below + 2 * t)
    tried = {share: at_minus_one.subs({penalty: sympy.Rational(share), h: 1, ridge: 0}) for share in ("1.49", "1.51")}
    radii = {f"radius at sigma = {s} h": _radius(Fraction(s), Fraction(1), Fraction(0), Fraction(0)) for s in tried}
    yield Holds("lambda = 0: 1.49 h diverges, 1.51 h converges", bool(tried["1.49"] < 0 < tried["1.51"]), numbers=radii)


def _positive(expression: Expression, ridge: Expression, *others: Expression) -> bool:
    """Return whether ``expression`` is > 0 for λ ≥ 0 and the others > 0."""
    return positive_on_orthant(expression, ridge, *others) and positive_on_orthant(expression.subs(ridge, 0), *others)


def _jury(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    polynomial, (z, penalty, ridge, bend, h) = _quadratic(algorithm, None)
    lead = (penalty + bend) * (penalty + ridge)
    middle = penalty**2 + 2 * bend * penalty + bend * ridge - 2 * h * penalty
    wanted = lead * z**2 - middle * z + penalty * (bend - h)
    difference = polynomial.as_expr() - polynomial.LC() / lead * wanted
    yield Identity("char poly: (s+b)(s+l) z^2 - (s^2+2bs+bl-2hs) z + s(b-h)", difference)
    margin = 2 * penalty**2 + 4 * bend * penalty + 2 * bend * ridge + ridge * penalty - 3 * h * penalty
    yield Holds("P(1) = s(h+l) > 0", _positive(wanted.subs(z, 1), ridge, penalty, h))
    yield Identity("P(-1) = 2s^2 + 4bs + 2bl + ls - 3hs", wanted.subs(z, -1) - margin)
    symbols = (ridge, penalty, bend)
    room = 3 * (lead - penalty * (h - bend)) - margin
    yield Holds("P(-1) > 0 makes s(h-b) < A", _positive(room, *symbols))
    yield Holds("s(b-h) < A always", _positive(lead - penalty * (bend - h), *symbols, h))
    condition = penalty + 2 * bend + ridge / 2 + bend * ridge / penalty - sympy.Rational(3, 2) * h
    yield Identity("P(-1) = 2s (s + 2b + l/2 + bl/s - 1.5h)", margin - 2 * penalty * condition)
    slope = sympy.diff(condition, h)
    yield Sign("it falls in h: the largest eigenvalue decides", -slope, Orthant(), strict=True)
    plain = condition.subs(bend, 0) - (penalty + ridge / 2 - sympy.Rational(3, 2) * h)
    numbers = {"edge": "sigma + 2 rho q + lambda/2 + rho q lambda/sigma = 1.5 h"}
    yield Identity("b = 0 gives sigma > 1.5h - lambda/2", plain, numbers=numbers, figure=_figure())


def _radius(penalty: Fraction, h: Fraction, bend: Fraction, ridge: Fraction) -> float:
    r"""Return the spectral radius, from the roots of the quadratic of `_jury` (float, for numbers and the figure)."""
    lead = float((penalty + bend) * (penalty + ridge))
    middle = float(penalty**2 + 2 * bend * penalty + bend * ridge - 2 * h * penalty)
    product = float(penalty * (bend - h)) / lead
    half = middle / (2 * lead)
    inside = half * half - product
    return float(abs(half) + inside**0.5) if inside >= 0 else float(product**0.5)


def _figure() -> Mapping[str, Any]:
    """Return the spectral radius at h = 1 over σ for some b = ρq."""
    penalties = [Fraction(2 + k, 20) for k in range(80)]
    curves = [
        {
            "label": f"ρq = {float(bend)}",
            "x": [float(s) for s in penalties],
            "y": [_radius(s, Fraction(1), bend, Fraction(0)) for s in penalties],
        }
        for bend in (Fraction(0), Fraction(1, 4), Fraction(1, 2), Fraction(1))
    ]
    return {"title": "PISA on h = 1", "x_label": "penalty σ", "y_label": "spectral radius", "log": "", "curves": curves}


SPECTRUM_CLAIMS = (
    symbolic_claim(
        "I6-stability-edge",
        "On quadratics with constant penalty and no preconditioner PISA is stable exactly above one and a half times"
        " the largest curvature, less half the ridge.",
        Proof(
            _edge,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                (
                    "stable exactly above one and a half times the largest curvature, less half the ridge"
                ): "sigma = 1.5h - lambda/2 + t, t > 0: P(-1) > 0"
            },
            arguments=("Jury's conditions for each eigenvalue of the Hessian; the largest decides",),
        ),
        latex=r"$\mathrm{stable} \Leftrightarrow \sum_i\alpha_i\sigma_i >"
        r" \frac{3}{2}\lambda_{\max}(H) - \frac{\lambda}{2}$",
        hypotheses=(
            "rho = 0, gamma = 1, full gradients",
            "H = Hessian of sum alpha_i F_i positive definite, with an orthonormal eigenbasis",
        ),
        source="MATHEMATICS.md#I6",
    ),
    symbolic_claim(
        "spectrum-on-quadratics",
        "With a preconditioner that commutes with the Hessian the edge moves to sigma + 2 rho q + lambda/2 + rho q"
        " lambda/sigma = 1.5 h for each pair of eigenvalues.",
        Proof(
            _jury,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "sigma + 2 rho q + lambda/2 + rho q lambda/sigma = 1.5 h": "P(-1) = 2s (s + 2b + l/2 + bl/s - 1.5h)"
            },
            arguments=("Jury's conditions for each pair of eigenvalues",),
        ),
        latex=r"$\mathrm{stable} \Leftrightarrow \sigma + 2\rho q + \frac{\lambda}{2} + \frac{\rho q\lambda}{\sigma}"
        r" > \frac{3}{2}h$",
        hypotheses=(
            "gamma = 1, full gradients",
            "sigma_i and rho_i Q_i equal, Q >= 0 commutes with H: one orthonormal eigenbasis for both",
            "h > 0",
        ),
        source="derived; extends MATHEMATICS.md#I6, as MATHEMATICS.md#T10",
    ),
)
"""The spectra."""
