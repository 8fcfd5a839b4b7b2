r"""Functions of one variable on which the finite-N bounds are attained: all gradients along the run are equal. $L = 1$.

The run visits $x_0 > x_1 > \ldots > x_N$ with gaps $2g/\kappa, g/\kappa, g/\kappa, \ldots$. Below $x_N$ the slope
falls to 0 at rate 1, then $F$ is flat.
Sawtooth: between neighbours $F' = g - $ (distance to the nearer one). Huber: $F' = g$ there. Exact in fractions: a
method run in fractions visits exactly these points.
"""

import dataclasses
import functools
from collections.abc import Iterator
from fractions import Fraction

from proofs_check.kernel.algorithm import (
    PISA_EQUATIONS,
    Algorithm,
    Client,
    plain_client,
)
from proofs_check.kernel.domains import Interval
from proofs_check.kernel.facts import Fact, Holds, Identity, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.symbolic.theorems.potentials import SETTING
from proofs_check.symbolic.theorems.recursion import optimistic_gradient

SOURCE = "ours; MATHEMATICS.md#T3"
PENALTIES = tuple(map(Fraction, ("1", "3/2", "17/10", "2", "5/2", "3", "7", "16")))


@dataclasses.dataclass(frozen=True)
class Extremal:
    """An extremal function for N moves at κ, with slope g; ``sawtooth`` False is the Huber function."""

    kappa: Fraction
    moves: int
    sawtooth: bool
    slope: Fraction = Fraction(1)

    @functools.cached_property
    def points(self) -> tuple[Fraction, ...]:
        """x_0 = 0 > x_1 > … > x_N, where the slope is g."""
        gaps = [(2 if move == 0 else 1) * self.slope / self.kappa for move in range(self.moves)]
        return tuple(-sum(gaps[:count], Fraction(0)) for count in range(self.moves + 1))

    def derivative(self, x: Fraction) -> Fraction:
        """Return F'(x)."""
        points = self.points
        if x <= points[-1]:
            return max(self.slope - (points[-1] - x), Fraction(0))
        if x >= points[0] or not self.sawtooth:
            return self.slope
        return self.slope - min(abs(x - point) for point in points)

    @property
    def decrease(self) -> Fraction:
        """F(x_0) − F*: the integral of F' from where it vanishes."""
        gaps = [upper - lower for upper, lower in zip(self.points, self.points[1:], strict=False)]
        return self.slope**2 / 2 + sum(self.slope * gap - (gap**2 / 4 if self.sawtooth else 0) for gap in gaps)

    def gradients(self, algorithm: Algorithm = PISA_EQUATIONS) -> tuple[Fraction, ...]:
        """Return F'(w_0), …, F'(w_N) along N + 1 rounds of one client with ρ = λ = 0, π⁰ = 0 from w_0 = x_0."""
        zero, one = Fraction(0), Fraction(1)
        fixed = {"weight": one, "ratio": one, "rho": zero, "curvature": zero, "ridge": zero}
        clients = [Client(penalty=self.kappa, local=zero, multiplier=zero, gradient=zero, **fixed)]
        found: list[Fraction] = []
        for _ in range(self.moves + 1):
            w, clients = algorithm.round(clients, lambda _, point: self.derivative(point))
            found.append(self.derivative(w))
        return tuple(found)

    @property
    def ratio(self) -> Fraction:
        """min_{k≤N} |F'(w_k)|² / (F(w_0) − F*)."""
        return self.ratio_of(PISA_EQUATIONS)

    def ratio_of(self, algorithm: Algorithm) -> Fraction:
        """Return `ratio` of another method."""
        return min(gradient**2 for gradient in self.gradients(algorithm)) / self.decrease


def nonconvex_value(kappa: Fraction, moves: int) -> Fraction:
    """Return 4κ²/((4κ−1)N+2κ²+4κ−3)."""
    return 4 * kappa**2 / ((4 * kappa - 1) * moves + 2 * kappa**2 + 4 * kappa - 3)


def convex_value(kappa: Fraction, moves: int) -> Fraction:
    """Return 2κ/(2N+2+κ)."""
    return 2 * kappa / (2 * moves + 2 + kappa)


def attained(algorithm: Algorithm, sawtooth: bool, limit: int = 30) -> Holds:
    """Return that the runs in fractions attain the closed form for every N ≤ ``limit`` and each of `PENALTIES`."""
    value = nonconvex_value if sawtooth else convex_value
    runs = [(kappa, moves) for kappa in PENALTIES for moves in range(1, limit + 1)]
    wrong = [run for run in runs if Extremal(*run, sawtooth).ratio_of(algorithm) != value(*run)]
    return Holds(f"{len(runs)} runs in fractions attain the bound exactly (N ≤ {limit}){wrong or ''}", not wrong)


def attained_proof(algorithm: Algorithm, sawtooth: bool) -> Iterator[Fact]:
    """Yield, with N and κ symbols: gaps equal the moves, the decrease by integration, the bound, F' ≥ 0; and runs."""
    import sympy

    g, k, n, gap, t = (sympy.Symbol(name, positive=True) for name in ("g", "kappa", "N", "gap", "t"))
    half, zero, one = sympy.Rational(1, 2), sympy.Integer(0), sympy.Integer(1)
    tooth = sympy.integrate(g - t, (t, 0, gap / 2)) + sympy.integrate(g - (gap - t), (t, gap / 2, gap))
    fall = tooth if sawtooth else sympy.integrate(g, (t, 0, gap))
    total = sympy.integrate(g - t, (t, 0, g)) + fall.subs(gap, 2 * g / k) + (n - 1) * fall.subs(gap, g / k)
    saved = (n + 3) / (4 * k**2) if sawtooth else 0
    text = "4κ²L(F(w_0)−F*)/((4κ−1)N+2κ²+4κ−3)" if sawtooth else "2κL(F(w_0)−F*)/(2N+2+κ)"
    words = {"κ": k, "L": one, "N": n, "F(w_0)−F*": one}
    first, later = (
        -algorithm.next_consensus(plain_client(weight=one, penalty=k, gradient=g, multiplier=-last), zero)
        for last in (zero, g)
    )
    bound = Identity("g²/(F(x_0) − F*) is the bound, every N", g**2 / total, read(text, words))
    yield from optimistic_gradient(algorithm, cold=True)
    yield Identity("the first move is the first gap", first, 2 * g / k)
    yield Identity("every later move, all gradients being g, is the next gap", later, g / k)
    yield Identity("F(x_0) − F*, every N", total, g**2 * (half + (n + 1) / k - saved))
    yield from (bound, Concludes(text, bound, words))
    if sawtooth:
        yield Sign("F' ≥ 0 in the widest gap: g − (2g/κ)/2 ≥ 0 for κ ≥ 1", 1 - 1 / k, Interval(k, one))
    yield attained(algorithm, sawtooth)


ARGUMENTS = (
    "the run visits the points x_0, …, x_N: at each of them the slope is g, and its next move is the next gap",
    "F' is a distance function between the points, constant or falling at rate 1 elsewhere, hence 1-Lipschitz",
)

CLAIMS = (
    theorem(
        "T3-nonconvex-attained",
        "For every N ≥ 1 and every κ ≥ 1 the sawtooth function attains min_{k≤N}‖∇F(w_k)‖² ="
        " 4κ²L(F(w_0)−F*)/((4κ−1)N+2κ²+4κ−3);"
        " with T2-nonconvex-rate the worst case is exact for κ ≥ 2.",
        latex=r"$F(x_0)-F^* = g^2\,(\frac{1}{2}+\frac{N+1}{\kappa}-\frac{N+3}{4\kappa^2})$",
        hypotheses=(
            SETTING[0],
            "π⁰ = 0",
            "F 1-smooth, of one variable; F' is a distance function between the points, hence 1-Lipschitz",
        ),
        source=SOURCE,
        proof=lambda algorithm: attained_proof(algorithm, True),
        arguments=ARGUMENTS,
    ),
    theorem(
        "T3-convex-attained",
        "For every N ≥ 1 and every κ > 0 the Huber function attains min_{k≤N}‖∇F(w_k)‖² = 2κL(F(w_0)−F*)/(2N+2+κ);"
        " with T2-convex-rate the worst case is exact for κ ≥ (1+√6)/2.",
        latex=r"$F(x_0)-F^* = g^2\,(\frac{1}{2}+\frac{N+1}{\kappa})$",
        hypotheses=(SETTING[0], "π⁰ = 0", "F convex and 1-smooth, of one variable"),
        source=SOURCE,
        proof=lambda algorithm: attained_proof(algorithm, False),
        arguments=ARGUMENTS,
    ),
)
