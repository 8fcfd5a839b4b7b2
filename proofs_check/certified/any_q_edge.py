r"""The sharp threshold for any Q with $0 \preceq \rho_iQ_i \preceq \sigma$: a potential that falls for every κ > 3/2.

The multipliers are functions of κ = σ/L, found from the one-round program; that they prove the fall on whole intervals
of κ is decided by exact root isolation of the leading minors. MATHEMATICS.md#W9; MATHEMATICS.md#T6 needs
κ > 1.7583 at β = 1.
"""

import dataclasses
import functools
import importlib
import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from proofs_check.certified.facts import Facts, facts_evidence
from proofs_check.claim import Claim, Evidence, Verdict
from proofs_check.kernel.algebra import exact, positive_on, same

Function = Callable[[Any], Any]
CONCLUSION = (
    "on each interval V − V⁺ − (c/L)‖∇F‖² is a nonnegative combination of the interpolation and sector inequalities "
    "and of squares, for means and for deviations, with c > 0; at κ = 3/2 the run on F = x²/2 has the root −1"
)


@dataclasses.dataclass(frozen=True)
class Piece:
    r"""Multipliers on one interval (lower, upper] of κ; None is infinity.

    ``factor`` a, ``constant`` c: $V = F + (a/\sigma)\sum\alpha_i\|\nabla F_i + \pi_i\|^2$, falling by
    $(c/L)\|\nabla F\|^2$; ``backward`` r: the inequality from w to w⁺ has weight 1 + r, the one back r; ``sector``: of
    $\langle 2u - e, e - u\rangle \ge 0$ (in units of κL), $u = \sigma(\sigma + \rho Q)^{-1}e$.
    """

    lower: Fraction
    upper: Fraction | None
    factor: Function
    constant: Function
    backward: Function
    sector: Function


EDGE = Fraction(3, 2)
PIECES = (
    Piece(
        lower=EDGE,
        upper=Fraction(8, 5),
        factor=lambda k: k * (2 - k) / (2 * (k - 1)),
        constant=lambda k: (k - EDGE) / (4 * (k - 1) ** 2),
        backward=lambda k: (2 - k) / (k - 1),
        sector=lambda k: 2 - Fraction(21, 2) * (k - EDGE) + 12 * (k - EDGE) ** 2,
    ),
    Piece(
        lower=Fraction(8, 5),
        upper=Fraction(2),
        factor=lambda k: Fraction(11, 20) + 0 * k,
        constant=lambda k: Fraction(1, 20) + 0 * k,
        backward=lambda k: Fraction(3, 4) + 0 * k,
        sector=lambda k: Fraction(27, 10) - k,
    ),
    Piece(
        lower=Fraction(2),
        upper=None,
        factor=lambda k: k / 3,
        constant=lambda k: 1 / (4 * k),
        backward=lambda k: Fraction(3, 4) + 0 * k,
        sector=lambda k: 3 / (2 * k),
    ),
)


def remainder(piece: Piece, kappa: Any, mean: bool) -> Any:
    r"""Return the matrix S of $V - V^+ - c\|\nabla F\|^2 - \sum$ multiplier · row in (∇F_i, e, u, h − ∇F_i), L = 1.

    For the clients' means, or for their deviations (mean False), that leave w alone.
    """
    sympy = importlib.import_module("sympy")
    gradient, e, u, change = (sympy.Matrix([int(row == place) for row in range(4)]) for place in range(4))
    move = -(gradient + 2 * u - e) / kappa * int(mean)
    after = e - u + change

    def product(x: Any, y: Any) -> Any:
        return (x * y.T + y * x.T) / 2

    def forward(x: Any, target: Any, difference: Any) -> Any:
        """Return f_i − f_j − … ≥ 0 of a 1-smooth function: x = x_i − x_j, ``target`` g_j, ``difference`` g_i − g_j."""
        curved = product(difference, difference) - product(x, x) + 2 * product(difference, x)
        return -product(target, x) - curved / 4

    fall = (product(e, e) - product(after, after)) * piece.factor(kappa) / kappa
    fall -= piece.constant(kappa) * int(mean) * product(gradient, gradient)
    fall -= (1 + piece.backward(kappa)) * forward(-move, gradient + change, -change)
    fall -= piece.backward(kappa) * forward(move, gradient, change)
    fall -= piece.sector(kappa) * kappa * product(2 * u - e, e - u)
    return fall.applyfunc(sympy.together)


@functools.lru_cache
def edge_facts(pieces: tuple[Piece, ...] = PIECES) -> Facts:
    r"""Return the facts: the pieces cover κ > 3/2, multipliers ≥ 0, both matrices semidefinite, 3/2 is sharp."""
    sympy = importlib.import_module("sympy")
    kappa = sympy.symbols("kappa", positive=True)
    joined = all(left.upper == right.lower for left, right in itertools.pairwise(pieces))
    covered = joined and pieces[0].lower == EDGE and pieces[-1].upper is None
    at_minus_one = (
        (-1) ** 2 - (1 - 2 / kappa) * (-1) - 1 / kappa
    )  # w⁺ = w − (2g − g⁻)/κ with g = w: z² − (1−2/κ)z − 1/κ
    facts = [
        ("the intervals cover every kappa > 3/2", covered),
        (
            "sharp: for F = x^2/2, Q = 0 the characteristic polynomial at -1 is 2 - 3/kappa",
            same(at_minus_one.subs(kappa, exact(EDGE)), 0),
        ),
    ]
    for piece in pieces:
        place = f"{piece.lower} < kappa <= {piece.upper or 'oo'}"
        for name in ("factor", "constant", "backward", "sector"):
            facts.append((f"{name} > 0 for {place}", _positive(getattr(piece, name)(kappa), piece, kappa)))
        means, deviations = (remainder(piece, kappa, mean) for mean in (True, False))
        linear = all(same(entry, 0) for entry in deviations.row(0))
        facts.append((f"deviations: linear functions that cancel drop out for {place}", linear))
        for words, matrix, order in (("means", means, (2, 1, 3, 0)), ("deviations", deviations, (2, 1, 3))):
            for size in range(1, len(order) + 1):
                minor = matrix.extract(order[:size], order[:size]).det(method="berkowitz")
                facts.append((f"{words}: minor {size} > 0 for {place}", _positive(minor, piece, kappa)))
    return tuple(facts)


def _positive(value: Any, piece: Piece, kappa: Any) -> bool:
    """Return whether a rational function of κ is > 0 on (lower, upper], decided by exact root isolation."""
    lower, upper = exact(piece.lower), None if piece.upper is None else exact(piece.upper)
    at_end = upper is None or bool(exact(value).subs(kappa, upper) > 0)
    return at_end and positive_on(value, kappa, lower, upper, open_ends=True)


def _edge_evidence(seed: int, effort: str) -> Evidence:
    return facts_evidence(edge_facts(), CONCLUSION)


EDGE_CLAIM = Claim(
    name="W-any-q-sharp-edge",
    statement="For every κ = σ/L > 3/2 and every symmetric Q_i with 0 ⪯ ρ_iQ_i ⪯ σ, new each round, chosen by anyone, "
    "V = F(w) + (a/σ)Σα_i‖∇F_i(w) + π_i‖² falls by at least (c/L)‖∇F(w)‖² every round, c(κ) > 0; at κ = 3/2 no a "
    "and c > 0 do so, since on F = x²/2 the run oscillates for ever.",
    latex=r"V_{k+1} \leq V_k - \frac{c(\kappa)}{L}\|\nabla F(w_k)\|^2",
    hypotheses=(
        "F_i L-smooth, nonconvex; any number of clients, any weights; full gradients",
        "equal and constant σ_i = κL, λ = 0; any w and any π_i to start from; a round is clients, then server",
        "a = κ(2−κ)/(2(κ−1)) on (3/2, 8/5], 11/20 on (8/5, 2], κ/3 above",
        "c = (κ−3/2)/(4(κ−1)²) on (3/2, 8/5], 1/20 on (8/5, 2], 1/(4κ) above",
    ),
    expected=Verdict.PROVED,
    check=_edge_evidence,
    source="MATHEMATICS.md#W9; extends MATHEMATICS.md#T6 (κ ≥ 1.7583 at β = 1) to the sharp edge",
    kind="symbolic",
    requires=("sympy",),
)
"""The all-κ theorem beside the certificates for single κ."""
