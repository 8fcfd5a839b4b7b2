"""Sets of parameters on which the sign of an expression is decided exactly."""

import dataclasses
from collections.abc import Mapping
from typing import Protocol

from proofs_check.kernel.algebra import (
    Expression,
    is_zero,
    nonnegative_on,
    nonnegative_on_orthant,
    positive_on,
)


class Domain(Protocol):
    """A set of parameters."""

    def nonnegative(self, expression: Expression) -> bool:
        """Return whether ``expression`` ≥ 0 everywhere on the set (False when it could not be shown)."""

    def positive(self, expression: Expression) -> bool:
        """Return whether ``expression`` > 0 everywhere on the set (False when it could not be shown)."""

    def includes(self, other: "Domain") -> bool:
        """Return whether every point of ``other`` is one of this set (False when it could not be shown)."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """The interval [low, high] of one symbol, ``high`` None being infinity; an end that is a pole is left out.

    ``open_ends`` leaves both ends out: (low, high).
    """

    symbol: Expression
    low: Expression
    high: Expression | None = None
    open_ends: bool = False

    def nonnegative(self, expression: Expression) -> bool:
        """Return whether a rational function of the symbol alone is ≥ 0, by isolating all its real roots and poles."""
        return self._alone(expression) and nonnegative_on(expression, self.symbol, self.low, self.high)

    def positive(self, expression: Expression) -> bool:
        """Return whether a rational function of the symbol alone is > 0, by isolating all its real roots and poles."""
        if not self._alone(expression):
            return False
        return positive_on(expression, self.symbol, self.low, self.high, open_ends=self.open_ends)

    def includes(self, other: Domain) -> bool:
        """Return whether ``other`` is this interval, or keeps the symbol between its ends."""
        if self == other:
            return True
        below = self.high is None or other.nonnegative(self.high - self.symbol)
        return below and other.nonnegative(self.symbol - self.low)

    def _alone(self, expression: Expression) -> bool:
        import sympy

        return not sympy.sympify(expression).free_symbols - {self.symbol}


@dataclasses.dataclass(frozen=True)
class Orthant:
    """The parameters that ``substitution`` (symbol → expression) traces when every remaining symbol is positive.

    Only symbols declared positive may remain, so that no vector slips in as a parameter.
    """

    substitution: Mapping[Expression, Expression] = dataclasses.field(default_factory=dict)

    def nonnegative(self, expression: Expression) -> bool:
        """Return whether numerator and denominator have coefficients of one sign (sufficient, not necessary)."""
        import sympy

        placed = sympy.sympify(expression).subs(self.substitution)
        symbols = sorted(placed.free_symbols, key=str)
        if any(not symbol.is_positive for symbol in symbols):
            return False
        return nonnegative_on_orthant(placed, *symbols) if symbols else bool(placed >= 0)

    def positive(self, expression: Expression) -> bool:
        """Return whether `nonnegative` holds and the expression does not vanish identically, so is > 0."""
        import sympy

        return self.nonnegative(expression) and not is_zero(sympy.sympify(expression).subs(self.substitution))

    def includes(self, other: Domain) -> bool:
        """Return whether ``other`` traces with all of this set's substitutions, and perhaps more."""
        if not self.substitution:
            return True
        return isinstance(other, Orthant) and self.substitution.items() <= other.substitution.items()


@dataclasses.dataclass(frozen=True)
class Slab:
    """All points with ``low`` < ``symbol`` < ``high`` (None: no end) and every other symbol positive.

    What is ≥ 0 on it is ≥ 0 at the ends too, where it is finite there.
    """

    symbol: Expression
    low: Expression
    high: Expression | None = None

    @property
    def orthant(self) -> Orthant:
        """The same set, traced by a positive symbol."""
        import sympy

        x = sympy.Symbol(f"{self.symbol}_place", positive=True)
        place = self.low + x if self.high is None else (self.low + self.high * x) / (1 + x)
        return Orthant({self.symbol: place})

    def nonnegative(self, expression: Expression) -> bool:
        """Return whether the coefficients' signs show ``expression`` ≥ 0 (sufficient, not necessary)."""
        return self.orthant.nonnegative(expression)

    def positive(self, expression: Expression) -> bool:
        """Return whether ``expression`` is shown to be > 0."""
        return self.orthant.positive(expression)

    def includes(self, other: Domain) -> bool:
        """Return whether ``other`` is this slab or keeps the symbol between its ends."""
        if self == other:
            return True
        below = self.high is None or other.nonnegative(self.high - self.symbol)
        return below and other.nonnegative(self.symbol - self.low)
