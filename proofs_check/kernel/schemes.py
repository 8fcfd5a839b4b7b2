"""Facts made of other facts: an induction over the rounds, and ranges of a parameter that together are the whole."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

from proofs_check.kernel.algebra import Expression, is_zero
from proofs_check.kernel.domains import Domain, Interval, Slab
from proofs_check.kernel.facts import Certificate, Fact, Inequality, Names, Sign


@dataclasses.dataclass(frozen=True)
class Induction(Fact):
    r"""``hypothesis`` for every index: ``base`` is it at ``start``, ``step`` leads from it to it at ``shift``.

    Args:
        name: what holds for every index, in words.
        hypothesis: the inequality at one index; the step uses it with the multiplier 1.
        base: it at the first index.
        step: it one index later.
        start: the hypothesis's symbols and what they are at the first index.
        shift: the hypothesis's symbols and what they are one index later.
        parameters: symbols whose values the recursion start, shift fixes; they must repeat from the third index on, so
            that three cases are all there are.
        index: the symbol that counts, if one does: 1 at the start, one more at each shift.
    """

    hypothesis: Inequality
    base: Certificate
    step: Certificate
    start: Names
    shift: Names
    parameters: tuple[Expression, ...] = ()
    index: Expression | None = None

    def failures(self) -> tuple[str, ...]:
        """Return what is missing: the base, the step's use of the hypothesis, its target, or the three cases."""
        statement, found = self.hypothesis.expression, []
        if not is_zero(self.base.target - statement.subs(self.start, simultaneous=True)):
            found.append("the base is not the hypothesis at the start")
        if not any(used is self.hypothesis and multiplier == 1 for multiplier, used in self.step.uses):
            found.append("the step does not use the hypothesis")
        if not is_zero(self.step.target - statement.subs(self.shift, simultaneous=True)):
            found.append("the step does not lead to the hypothesis one index later")
        if self.base.domain != self.step.domain:
            found.append("base and step are shown on different domains")
        if self.index is not None and (self.start[self.index], self.shift[self.index]) != (1, self.index + 1):
            found.append("the index does not count from 1")
        third, fourth = self.cases()[2:]
        if not all(is_zero(third[symbol] - fourth[symbol]) for symbol in self.parameters):
            found.append("the parameters do not repeat from the third index on")
        return tuple(f"{self.name}: {reason}" for reason in found)

    def cases(self) -> tuple[Mapping[Any, Expression], ...]:
        """Return the values of the parameters at the first four indices."""
        import sympy

        found = [{symbol: self.start[symbol] for symbol in self.parameters}]
        for _ in range(3):
            last = found[-1]
            later = {s: sympy.sympify(self.shift[s]).subs(last, simultaneous=True) for s in self.parameters}
            found.append(later)
        return tuple(found)

    def admits(self, at: Names) -> bool:
        """Return whether ``at`` keeps to what was shown.

        The parameters take, all together, the values of some index; what no step changes may be written out as it is at
        the start, which is free; everything else is only renamed.
        """
        fixed = [symbol for symbol in at if symbol in self.start and symbol not in self.shift]
        free = [symbol for symbol in at if symbol not in (*self.parameters, *fixed, self.index)]
        renamed = {at[symbol] for symbol in free}
        return (
            any(all(is_zero(at.get(s, s) - case[s]) for s in self.parameters) for case in self.cases()[:3])
            and all(_is_instance(self.start[symbol], at[symbol]) for symbol in fixed)
            and all(value.is_Symbol for value in renamed)
            and len(renamed) == len(free)
        )

    @property
    def domain(self) -> Domain:
        """Where base and step are shown."""
        return self.step.domain

    def sources(self) -> tuple[Fact, ...]:
        """Return base and step."""
        return (self.base, self.step)

    def shown(self) -> Expression:
        """Return the hypothesis, for any index."""
        return self.hypothesis.expression


def _is_instance(general: Expression, special: Expression) -> bool:
    """Return whether ``special`` is ``general`` with some symbols renamed one to one, and others put to 0."""
    import sympy

    general, special = sympy.sympify(general), sympy.sympify(special)
    old = sorted(general.free_symbols - special.free_symbols, key=str)
    new: list[Expression] = sorted(special.free_symbols - general.free_symbols, key=str)
    padded = new + [sympy.Integer(0)] * (len(old) - len(new))
    ways = itertools.permutations(padded) if len(padded) == len(old) else ()
    return any(is_zero(general.subs(dict(zip(old, way, strict=True)), simultaneous=True) - special) for way in ways)


@dataclasses.dataclass(frozen=True)
class Cover(Fact):
    """That the ranges of one parameter on which facts are shown are together [``low``, ``high``], in order.

    Args:
        name: the whole range, in words.
        pieces: the facts, from the lowest range to the highest.
        low: the lower end of the whole.
        high: its upper end, None being infinity.
    """

    pieces: tuple[Certificate | Sign | Induction, ...]
    low: Expression
    high: Expression | None = None

    def failures(self) -> tuple[str, ...]:
        """Return the name unless each range starts where the one before it ends."""
        import sympy

        reached: Any = sympy.sympify(self.low)
        for piece in self.pieces:
            domain = piece.domain
            if not isinstance(domain, Interval | Slab) or reached is None or bool(domain.low > reached):
                return (f"{self.name}: a gap before {piece.name!r}",)
            reached = domain.high
        whole = reached is None or (self.high is not None and bool(reached >= self.high))
        return () if whole else (f"{self.name}: a gap after {reached}",)

    def sources(self) -> tuple[Fact, ...]:
        """Return the pieces."""
        return self.pieces
