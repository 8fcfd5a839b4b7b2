r"""Tighter variance floors for $\rho = \lambda = 0$, constant penalty.

Exact at $\kappa = 2$, rational certificates elsewhere. $L = 1$.

Points: $w$, $y = w + p/\kappa$ with $p = \hat g_{k-1}$, and $y^+ = y - \hat g/\kappa$, $w^+ = y - 2\hat g/\kappa$,
$\hat g = g + \xi$. The potential is $V = aF(w) + bF(y) +$ a quadratic form in $p$, $u = \nabla F(y)$, $g = \nabla
F(w)$, and $E V^+ \le V - \|g\|^2 + d\,v$: the floor is $d\,v$.
"""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations_with_replacement

from proofs_check.kernel.algebra import Expression, exact
from proofs_check.kernel.algorithm import Algorithm, plain_client
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.symbolic.theorems.floor_table import EXCESS, NAMES, PAIRS, TABLE, Floor
from proofs_check.symbolic.theorems.recursion import EXPECTATIONS, MEAN_OF_CLIENTS
from proofs_check.symbolic.theorems.sectors import squares_of
from proofs_check.symbolic.theorems.stationary import stationary_floor, stationary_proof
from proofs_check.symbolic.theorems.stochastic import mean_iterate
from proofs_check.symbolic.theorems.summation import SUMMED, telescope

SOURCE = "ours; MATHEMATICS.md#T5; multipliers from a semidefinite programme, rounded to fractions"


@dataclasses.dataclass(frozen=True)
class Points:
    """Values, gradients and places of w, y, w⁺, y⁺ (y at the origin)."""

    values: dict[str, Expression]
    gradients: dict[str, Expression]
    places: dict[str, Expression]
    previous: Expression
    noise: Expression


def points(kappa: Expression) -> Points:
    """Return the four points in symbols."""
    import sympy

    previous, u, g, noise, u_next, g_next = sympy.symbols("p u g xi u_next g_next")
    values = dict(zip(NAMES, sympy.symbols("F_w F_y F_w_next F_y_next"), strict=True))
    gradients = dict(zip(NAMES, (g, u, g_next, u_next), strict=True))
    estimate = g + noise
    places = {"w": -previous / kappa, "y": 0 * previous, "w⁺": -2 * estimate / kappa, "y⁺": -estimate / kappa}
    return Points(values, gradients, places, previous, noise)


def interpolation(at: Points, first: str, second: str) -> Inequality:
    r"""Return $F_i - F_j \ge \tfrac12\langle g_i+g_j, x_i-x_j\rangle + \tfrac14(\|g_i-g_j\|^2 - \|x_i-x_j\|^2)$."""
    apart = at.places[first] - at.places[second]
    turn = at.gradients[first] - at.gradients[second]
    total = at.gradients[first] + at.gradients[second]
    bound = total * apart / 2 + (turn**2 - apart**2) / 4
    why = "smooth functions: Nesterov, Theorem 2.1.5, for F + |w|²/2"
    return Inequality(f"interpolation {first}, {second}", at.values[first] - at.values[second] - bound, why)


def potential(given: Floor, at: Points, later: bool) -> Expression:
    """Return V, or V⁺ if ``later``."""
    w, y = ("w⁺", "y⁺") if later else ("w", "y")
    previous = at.gradients["w"] + at.noise if later else at.previous
    vector = (previous, at.gradients[y], at.gradients[w])
    total = exact(given.net("w")) * at.values[w] + exact(given.net("y")) * at.values[y]
    for entry, (i, j) in zip(given.form, combinations_with_replacement(range(3), 2), strict=True):
        total += exact(entry) * (1 if i == j else 2) * vector[i] * vector[j]
    return total


def one_step(given: Floor) -> Certificate:
    """Return E V⁺ ≤ V − ‖g‖² + d v."""
    import sympy

    at, variance = points(exact(given.kappa)), sympy.Symbol("v", positive=True)
    target = (
        potential(given, at, False)
        - potential(given, at, True)
        - at.gradients["w"] ** 2
        + exact(given.level) * variance
    )
    uses = [(exact(m), interpolation(at, *pair)) for m, pair in zip(given.pairs, PAIRS, strict=True) if m]
    for multiplier, vector in zip(given.unbiased, (at.previous, at.gradients["y"], at.gradients["w"]), strict=True):
        sign = 1 if multiplier > 0 else -1
        uses.append(
            (abs(exact(multiplier)), Inequality("unbiased", -sign * at.noise * vector, "E⟨ξ, past⟩ = 0, either sign"))
        )
    uses.append((exact(given.level), Inequality("variance", variance - at.noise**2, "E‖ξ‖² ≤ v")))
    rest = target - sum(multiplier * used.expression for multiplier, used in uses)
    order = (at.gradients["w⁺"], at.gradients["y⁺"], at.previous, at.gradients["y"], at.noise, at.gradients["w"])
    return Certificate(
        f"κ = {given.kappa}: E V⁺ ≤ V − ‖g‖² + {given.level} v", target, tuple(uses), squares_of(rest, order)
    )


def bounded(given: Floor) -> Certificate:
    """Return V ≥ (a+b)F*: with F − F* ≥ ‖∇F‖²/2 at both points."""
    import sympy

    at, optimum = points(exact(given.kappa)), sympy.Symbol("F_star")
    ends = [
        (
            exact(given.net(name)),
            Inequality("end", at.values[name] - optimum - at.gradients[name] ** 2 / 2, "one step of length 1"),
        )
        for name in ("w", "y")
    ]
    target = potential(given, at, False) - (ends[0][0] + ends[1][0]) * optimum
    rest = target - sum(multiplier * used.expression for multiplier, used in ends)
    squares = squares_of(rest, (at.previous, at.gradients["y"], at.gradients["w"]))
    return Certificate(f"κ = {given.kappa}: V ≥ (a+b)F*", target, tuple(ends), squares)


def places_facts(algorithm: Algorithm) -> tuple[Fact, ...]:
    """Return that w⁺ and y⁺ are where the algorithm puts them."""
    import sympy

    kappa = sympy.Symbol("kappa", positive=True)
    at = points(kappa)
    estimate = at.gradients["w"] + at.noise
    client = plain_client(weight=sympy.Integer(1), penalty=kappa, gradient=estimate, multiplier=-at.previous)
    moved = algorithm.next_consensus(client, at.places["w"])
    return (
        *mean_iterate(algorithm),
        Identity("w⁺ = w − (2ĝ − ĝ_−)/κ", moved, at.places["w⁺"]),
        Identity("y⁺ = w⁺ + ĝ/κ", at.places["w⁺"] + estimate / kappa, at.places["y⁺"]),
    )


def row_facts(given: Floor) -> Iterator[Fact]:
    """Yield one row of `TABLE`: its step, its bound from below, and the average over N rounds."""
    import sympy

    kappa, level, variance = exact(given.kappa), exact(given.level), sympy.Symbol("v", positive=True)
    at, optimum, one, below = points(kappa), sympy.Symbol("F_star"), one_step(given), bounded(given)
    now, then = potential(given, at, False), potential(given, at, True)
    summed = telescope(one, now, then, rate=sympy.Integer(1), square=at.gradients["w"] ** 2, loss=level * variance)
    lowest = (exact(given.net("w")) + exact(given.net("y"))) * optimum
    last = Consequence("V_N ≥ (a+b)F*", summed.last - lowest, below, where={summed.last: now})
    average = summed.average(
        lowest, last, level * variance, f"κ = {given.kappa}: the average is at most {given.level} v + O(1/N)"
    )
    yield from (one, below, *summed.facts, average)
    yield Concludes(f"{float(given.kappa):g}: {float(given.level):g}v", average)


def table_proof(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield every row of `TABLE`, and how far each is from the lower bound on any floor."""
    yield from places_facts(algorithm)
    for given in TABLE:
        yield from row_facts(given)
    yield from excess_facts()


def at_two_step(level: Fraction) -> Certificate:
    r"""Return $E V^+ \le V - \tfrac38\|g\|^2 + \text{level}\,v$, $V = F(w) + \tfrac18\|\hat g_-\|^2$ at κ = 2."""
    import sympy

    at, v = points(sympy.Integer(2)), sympy.Symbol("v", positive=True)
    g, previous, noise = at.gradients["w"], at.previous, at.noise
    move = at.places["w"] - at.places["w⁺"]
    eighth, d = sympy.Rational(1, 8), exact(level)
    target = at.values["w"] + eighth * previous**2 - at.values["w⁺"] - eighth * (g + noise) ** 2
    target += -3 * eighth * g**2 + d * v
    descent = at.values["w"] - g * move + move**2 / 2 - at.values["w⁺"]
    uses = (
        (1, Inequality("descent lemma at w", descent, "L = 1")),
        (d, Inequality("variance", v - noise**2, "E‖ξ‖² ≤ v")),
        (1, Inequality("unbiased", noise * previous / 2, "E⟨ξ, past⟩ = 0, either sign")),
        (2 * eighth, Inequality("unbiased", -noise * g, "E⟨ξ, past⟩ = 0, either sign")),
    )
    rest = target - sum(multiplier * used.expression for multiplier, used in uses)
    return Certificate("κ = 2: E V⁺ ≤ V − (3/8)‖g‖² + (5/8)v", target, uses, squares_of(rest, (noise, g, previous)))


def at_two_proof(algorithm: Algorithm, level: Fraction = Fraction(5, 8)) -> Iterator[Fact]:
    """Yield the step at κ = 2, its sum over the rounds, and the floor 5v/3 on both sides."""
    import sympy

    at, v, optimum = points(sympy.Integer(2)), sympy.Symbol("v", positive=True), sympy.Symbol("F_star")
    g, estimate, one = at.gradients["w"], at.gradients["w"] + at.noise, at_two_step(level)
    now, then = at.values["w"] + at.previous**2 / 8, at.values["w⁺"] + estimate**2 / 8
    summed = telescope(one, now, then, rate=sympy.Rational(3, 8), square=g**2, loss=exact(level) * v)
    above = Inequality("F ≥ F*", at.values["w"] - optimum, "F* is the infimum")
    below = Certificate("V ≥ F*", now - optimum, ((1, above),), ((sympy.Rational(1, 8), at.previous),))
    last = Consequence("V_N ≥ F*", summed.last - optimum, below, where={summed.last: now})
    average = summed.average(optimum, last, exact(level) * v, "the average is at most 5v/3 + O(1/N)")
    yield from (*places_facts(algorithm), one, *summed.facts, below, average)
    words = {"E V_{k+1}": then, "V_k": now, "‖∇F(w_k)‖²": g**2, "v": v}
    yield Concludes("E V_{k+1} ≤ V_k − (3/8)‖∇F(w_k)‖² + (5/8)v", one, words)
    upper = Identity("upper: level/(3/8)", exact(level) * v / summed.rate, read("5v/3", words))
    lower = Identity(
        "lower: the stationary law on x²/2 at κ = 2", stationary_floor(sympy.Integer(2), 1) * v, read("5v/3", words)
    )
    yield from (upper, Concludes("5v/3", upper, words), *stationary_proof(algorithm), lower)


def excess_facts() -> Iterator[Fact]:
    """Yield that every level is between the lower bound on any floor and the closed form, as near as is said."""
    import sympy

    for given, excess in zip(TABLE, EXCESS, strict=True):
        kappa, level = exact(given.kappa), exact(given.level)
        lower, closed = stationary_floor(kappa, 1), 2 * kappa + 1 - 2 * sympy.sqrt(1 + 2 * kappa)
        yield Sign(f"κ = {given.kappa}: not below the lower bound", level - lower)
        near = Sign(f"κ = {given.kappa}: within {excess} of it", (1 + exact(excess)) * lower - level)
        yield from (near, Sign(f"κ = {given.kappa}: below v/(2κ+1−2√(1+2κ))", 1 - level * closed))
    per_cent = ", ".join(f"{float(100 * excess):g}" for excess in EXCESS)
    yield Concludes(f"{per_cent} per cent", near)


HYPOTHESES = (
    "ρ = λ = 0, constant σ; F is L-smooth (nonconvex allowed) and bounded below; stated for L = 1",
    "E[ĝ_k | past] = ∇F(w_k), E‖ĝ_k − ∇F(w_k)‖² ≤ v",
    EXPECTATIONS,
)

CLAIMS = (
    theorem(
        "T5-floor-exact-at-2",
        "At κ = 2, for all N, E V_{k+1} ≤ V_k − (3/8)‖∇F(w_k)‖² + (5/8)v with V = F(w_k) + ‖ĝ_{k−1}‖²/8, so the"
        " variance floor is exactly"
        " 5v/3: F = x²/2 attains it; by scaling 5v/3 bounds the floor for every κ ≥ 2.",
        latex=r"$\limsup_N \frac{1}{N}\sum_{k<N} E\|\nabla F(w_k)\|^2 \leq \frac{5}{3}v \quad (\kappa = 2)$",
        hypotheses=(*HYPOTHESES, "κ = 2"),
        source=SOURCE,
        proof=at_two_proof,
        conclusion={"the variance floor is exactly": "the average is at most 5v/3 + O(1/N)"},
        arguments=(
            MEAN_OF_CLIENTS,
            SUMMED,
            "every κ ≥ 2: F is also L'-smooth with L' = σ/2 ≥ L, for which κ is 2; 5v/3 does not depend on L'",
        ),
    ),
    theorem(
        "T5-floor-tightened",
        "For these parameters κ and all N, the variance floor is at most: κ = 1.6: 8.8639v, 1.75: 3.4615v, 3: 0.516v,"
        " 4: 0.2967v,"
        " 8: 0.1065v, 16: 0.0448v; within 0.3, 0.3, 4, 6, 14, 17 per cent of the lower bound on any floor.",
        latex=r"$\kappa=3:\ \limsup_N \frac{1}{N}\sum_{k<N} E\|\nabla F(w_k)\|^2 \leq 0.516\,v$",
        hypotheses=(*HYPOTHESES, "κ one of 8/5, 7/4, 3, 4, 8, 16"),
        source=SOURCE,
        proof=table_proof,
        arguments=(MEAN_OF_CLIENTS, SUMMED, "V_0 − (a+b)F* is finite, so that the O(1/N) tends to 0"),
    ),
)
