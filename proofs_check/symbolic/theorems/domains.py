"""Sets of parameters on which the sign of an expression is decided exactly."""

import dataclasses
from collections.abc import Mapping
from typing import Protocol

from proofs_check.symbolic.algebra import Expression, nonnegative_on, nonnegative_on_orthant


class Domain(Protocol):
    """A set of parameters."""

    def nonnegative(self, expression: Expression) -> bool:
        """Return whether ``expression`` ≥ 0 everywhere on the set (False when it could not be shown)."""


@dataclasses.dataclass(frozen=True)
class Interval:
    """The interval [low, high] of one symbol, ``high`` None being infinity; an end that is a pole is left out."""

    symbol: Expression
    low: Expression
    high: Expression | None = None

    def nonnegative(self, expression: Expression) -> bool:
        """Return whether a rational function of the symbol alone is ≥ 0, by isolating all its real roots and poles."""
        import sympy

        if sympy.sympify(expression).free_symbols - {self.symbol}:
            return False
        return nonnegative_on(expression, self.symbol, self.low, self.high)


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
