r"""Sums over the rounds: from one step $V_{k+1} \le V_k - c\,a_k + b_k$ to $c\sum a_k \le V_0 - V_N + \sum b_k$.

$a_k$ is a square (‖∇F(w_k)‖², or its expectation), $b_k$ what the noise adds. Expectations are linear, so that a step
that holds given the past may be summed.
"""

import dataclasses

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Inequality
from proofs_check.kernel.schemes import Induction

SUMMED = "the steps are summed in expectation: E is linear and the past's expectation of an expectation is E"


@dataclasses.dataclass(frozen=True)
class Sum:
    """The induction over the rounds, and what the symbols of its hypothesis stand for.

    ``first`` is V_0, ``last`` V_N, ``squares`` Σ_{k<N} a_k, ``losses`` Σ_{k<N} b_k, ``count`` N; ``rate`` is c.
    """

    facts: tuple[Fact, ...]
    rate: Expression
    first: Expression
    last: Expression
    squares: Expression
    losses: Expression
    count: Expression

    @property
    def induction(self) -> Induction:
        """The sum over any number of rounds."""
        found = self.facts[-1]
        if not isinstance(found, Induction):
            raise ValueError("facts: the last is not the induction")
        return found

    def total(self) -> Consequence:
        """Return V_0 − V_N − c Σa_k + Σb_k ≥ 0."""
        return Consequence("the sum over N rounds", self.induction.hypothesis.expression, self.induction)

    def average(self, optimum: Expression, below: Consequence | Inequality, loss: Expression, name: str) -> Certificate:
        """Return (1/N) Σa_k ≤ (V_0 − F*)/(cN) + b/c for a constant loss b, from V ≥ F* (``below``, of the last V)."""
        scale = 1 / (self.rate * self.count)
        target = scale * (self.first - optimum) + loss / self.rate - self.squares / self.count
        return Certificate(name, target, ((scale, self.total()), (scale, below)), (), self.induction.domain)


def telescope(
    one: Certificate,
    now: Expression,
    then: Expression,
    *,
    rate: Expression,
    square: Expression,
    loss: Expression = 0,
    constant: bool = True,
) -> Sum:
    """Return the sum of the step ``one``, whose target must be ``now`` − ``then`` − ``rate``·``square`` + ``loss``.

    ``constant``: the loss is the same at every step, so that the sum of the losses is N times it.
    """
    import sympy

    first, value, later = sympy.symbols("V_first V V_next")
    count, squares, losses = sympy.symbols("N squares losses", positive=True)
    a, b = sympy.symbols("a b", positive=True)
    each, spent = (loss, loss * count) if constant else (b, losses)
    meaning = {value: now, later: then, a: square} | ({} if constant else {b: loss})
    fall = Consequence("one step", value - later - rate * a + each, one, where=meaning)
    hypothesis = Inequality("the sum so far", first - value - rate * squares + spent, "of the induction")
    base = Certificate(f"the first step: {one.name}", fall.expression, ((1, fall),), (), one.domain)
    grown = spent + each
    target = first - later - rate * (squares + a) + grown
    step = Certificate(f"one step more: {one.name}", target, ((1, hypothesis), (1, fall)), (), one.domain)
    start = {first: value, value: later, squares: a, count: sympy.Integer(1), losses: b}
    shift = {value: later, squares: squares + a, count: count + 1, losses: losses + b}
    name = f"V_0 − V_N ≥ Σ_{{k<N}} of the drops less the losses, every N: {one.name}"
    induction = Induction(name, hypothesis, base, step, start, shift, index=count)
    return Sum((base, step, induction), rate, first, value, squares, losses, count)
