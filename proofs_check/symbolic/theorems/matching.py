r"""Functions of one variable on which the finite-N bounds are attained: all gradients along the run are equal. $L = 1$.

The run visits $x_0 > x_1 > \ldots > x_N$ with gaps $2g/\kappa, g/\kappa, g/\kappa, \ldots$. Below $x_N$ the slope
falls to 0 at rate 1, then $F$ is flat.
Sawtooth: between neighbours $F' = g - $ (distance to the nearer one). Huber: $F' = g$ there. Exact in fractions: a
method run in fractions visits exactly these points.
"""

import dataclasses
import functools
from fractions import Fraction

from proofs_check.symbolic.theorems.domains import Interval
from proofs_check.symbolic.theorems.potentials import SETTING
from proofs_check.symbolic.theorems.proof import Holds, Identity, Proof, Sign, theorem

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

    def gradients(self) -> tuple[Fraction, ...]:
        """Return F'(w_0), …, F'(w_N) along w_{k+1} = w_k − (2g_k − g_{k−1})/κ from w_0 = x_0."""
        w, previous, found = Fraction(0), Fraction(0), []
        for _ in range(self.moves + 1):
            here = self.derivative(w)
            found.append(here)
            w, previous = w - (2 * here - previous) / self.kappa, here
        return tuple(found)

    @property
    def ratio(self) -> Fraction:
        """min_{k≤N} |F'(w_k)|² / (F(w_0) − F*)."""
        return min(gradient**2 for gradient in self.gradients()) / self.decrease


def nonconvex_value(kappa: Fraction, moves: int) -> Fraction:
    """Return 4κ²/((4κ−1)N+2κ²+4κ−3)."""
    return 4 * kappa**2 / ((4 * kappa - 1) * moves + 2 * kappa**2 + 4 * kappa - 3)


def convex_value(kappa: Fraction, moves: int) -> Fraction:
    """Return 2κ/(2N+2+κ)."""
    return 2 * kappa / (2 * moves + 2 + kappa)


def attained(sawtooth: bool, limit: int = 30) -> Proof:
    """Return that the runs in fractions attain the closed form for every N ≤ ``limit`` and each of `PENALTIES`."""
    value = nonconvex_value if sawtooth else convex_value
    runs = [(kappa, moves) for kappa in PENALTIES for moves in range(1, limit + 1)]
    wrong = [run for run in runs if Extremal(*run, sawtooth).ratio != value(*run)]
    return (Holds(f"{len(runs)} runs in fractions attain the bound exactly (N ≤ {limit}){wrong or ''}", not wrong),)


def all_moves(sawtooth: bool) -> Proof:
    """Return, with N and κ symbols: gaps equal the moves, the decrease per gap by integration, the sum, and F' ≥ 0."""
    import sympy

    g, k, n, gap, t = (sympy.Symbol(name, positive=True) for name in ("g", "kappa", "N", "gap", "t"))
    half = sympy.Rational(1, 2)
    tooth = sympy.integrate(g - t, (t, 0, gap / 2)) + sympy.integrate(g - (gap - t), (t, gap / 2, gap))
    fall = tooth if sawtooth else sympy.integrate(g, (t, 0, gap))
    tail = sympy.integrate(g - t, (t, 0, g))
    total = tail + fall.subs(gap, 2 * g / k) + (n - 1) * fall.subs(gap, g / k)
    saved = (n + 3) / (4 * k**2) if sawtooth else 0
    value = 4 * k**2 / ((4 * k - 1) * n + 2 * k**2 + 4 * k - 3) if sawtooth else 2 * k / (2 * n + 2 + k)
    deepest = Sign("F' ≥ 0 in the widest gap: g − (2g/κ)/2 ≥ 0 for κ ≥ 1", 1 - 1 / k, Interval(k, sympy.Integer(1)))
    return (
        Identity("the first move is the first gap", (2 * g - 0) / k, 2 * g / k),
        Identity("every later move, all gradients being g, is the next gap", (2 * g - g) / k, g / k),
        Identity("F(x_0) − F*, every N", total, g**2 * (half + (n + 1) / k - saved)),
        Identity("g²/(F(x_0) − F*) is the bound, every N", g**2 / total, value),
        *((deepest,) if sawtooth else ()),
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
        proof=lambda: (*all_moves(True), *attained(True)),
    ),
    theorem(
        "T3-convex-attained",
        "For every N ≥ 1 and every κ > 0 the Huber function attains min_{k≤N}‖∇F(w_k)‖² = 2κL(F(w_0)−F*)/(2N+2+κ);"
        " with T2-convex-rate the worst case is exact for κ ≥ (1+√6)/2.",
        latex=r"$F(x_0)-F^* = g^2\,(\frac{1}{2}+\frac{N+1}{\kappa})$",
        hypotheses=(SETTING[0], "π⁰ = 0", "F convex and 1-smooth, of one variable"),
        source=SOURCE,
        proof=lambda: (*all_moves(False), *attained(False)),
    ),
)
