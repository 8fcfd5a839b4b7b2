"""Functions of one variable whose derivative is piecewise linear, in exact rationals, and Algorithm 1 on them.

A one-client run on such a function with rational settings is rational throughout, so that a witness can be checked
without any rounding, and by hand.
"""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from pisa_lab.problem import FunctionProblem
from proofs_check.measured.instances import scalar_problem


@dataclasses.dataclass(frozen=True)
class PiecewiseSlope:
    r"""$F'$ through ``knots`` (x, F'(x)), x rising; constant before the first, of slope ``right`` after the last.

    F is 0 at the first knot.
    """

    knots: tuple[tuple[Fraction, Fraction], ...]
    right: Fraction = Fraction(0)

    def slope(self, x: Fraction) -> Fraction:
        """Return F'(x)."""
        first, last = self.knots[0], self.knots[-1]
        if x <= first[0]:
            return first[1]
        for (a, at_a), (b, at_b) in pairwise(self.knots):
            if x <= b:
                return at_a + (at_b - at_a) * (x - a) / (b - a)
        return last[1] + self.right * (x - last[0])

    def value(self, x: Fraction) -> Fraction:
        """Return F(x), the integral of F' from the first knot."""
        first = self.knots[0]
        if x <= first[0]:
            return first[1] * (x - first[0])
        total, (a, at_a) = Fraction(0), first
        for b, at_b in self.knots[1:]:
            if x <= b:
                break
            total, a, at_a = total + (b - a) * (at_a + at_b) / 2, b, at_b
        return total + (x - a) * (at_a + self.slope(x)) / 2

    @property
    def smoothness(self) -> Fraction:
        """The Lipschitz constant of F'."""
        steep = [abs((at_b - at_a) / (b - a)) for (a, at_a), (b, at_b) in pairwise(self.knots)]
        return max(abs(self.right), *steep)

    @property
    def bounded_below(self) -> bool:
        """Whether F has a lower bound: F' is at most 0 far to the left and at least 0 far to the right."""
        return self.knots[0][1] <= 0 and (self.right > 0 or (self.right == 0 and self.knots[-1][1] >= 0))

    def problem(self, start: float) -> FunctionProblem:
        """Return F as a problem of one client in float64; every float is a rational, and so is its slope."""
        pair = (lambda w: float(self.value(Fraction(w))), lambda w: float(self.slope(Fraction(w))))
        return scalar_problem([pair], start, lipschitz=float(self.smoothness))


class Round(NamedTuple):
    """What a round of one client leaves: w, d = w_1 − w, π and ρQ of that round."""

    consensus: Fraction
    deviation: Fraction
    multiplier: Fraction
    metric: Fraction


def exact_rounds(
    function: PiecewiseSlope, sigma: Fraction, metrics: Sequence[Fraction], start: Fraction = Fraction(0)
) -> list[Round]:
    """Return the rounds of Algorithm 1 with one client, γ = 1, λ = 0, a cold start and ρQ = ``metrics`` in turn."""
    w, deviation, multiplier = start, Fraction(0), Fraction(0)
    rounds = []
    for metric in metrics:
        w = w + deviation + multiplier / sigma
        deviation = -(multiplier + function.slope(w)) / (sigma + metric)
        multiplier = multiplier + sigma * deviation
        rounds.append(Round(w, deviation, multiplier, metric))
    return rounds


def exact_lagrangian(function: PiecewiseSlope, sigma: Fraction, at: Round) -> Fraction:
    r"""Return $L = F(w_1) + \pi d + \tfrac\sigma2d^2$."""
    d = at.deviation
    return function.value(at.consensus + d) + at.multiplier * d + sigma / 2 * d * d


def exact_lyapunov(function: PiecewiseSlope, sigma: Fraction, at: Round) -> Fraction:
    r"""Return $\tilde L = L + \tfrac8\sigma(\rho Q d)^2$."""
    return exact_lagrangian(function, sigma, at) + 8 / sigma * (at.metric * at.deviation) ** 2


def exact_fall_asked(sigma: Fraction, before: Round, after: Round) -> Fraction:
    r"""Return $\tfrac\sigma4(\Delta w)^2 + \tfrac\sigma4(\Delta w_1)^2$, the fall of the lemma with λ = 0."""
    shared = after.consensus - before.consensus
    local = shared + after.deviation - before.deviation
    return sigma / 4 * (shared**2 + local**2)


def fractions_of(words: Sequence[str]) -> tuple[Fraction, ...]:
    """Return the rationals that an instance writes as "3/26"."""
    return tuple(Fraction(word) for word in words)


def function_of(knots: Sequence[Sequence[str]], right: str) -> PiecewiseSlope:
    """Return the function of an instance's knots."""
    pairs = tuple((Fraction(x), Fraction(y)) for x, y in knots)
    return PiecewiseSlope(pairs, Fraction(right))
