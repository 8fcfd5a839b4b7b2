"""What a proof is made of: facts that are checked exactly, and the inequalities that certificates use.

What a fact does not check (that the descent lemma holds for smooth functions, that an expectation is linear) is an
`Inequality` with its reason, listed with the verdict as used from outside, or stands among the claim's hypotheses.
What an earlier fact gives is a `Consequence` of that fact, which must stand in the same proof. Vectors enter as
scalars: every identity is one of quadratic forms, so that it holds for inner products as it holds for products of
numbers.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from proofs_check.kernel.algebra import Expression, is_zero
from proofs_check.kernel.domains import Domain, Orthant

Names = Mapping[Any, Any]


@dataclasses.dataclass(frozen=True)
class Fact:
    """Something that is either so or not; ``numbers`` and ``figure`` are what the step found, for the evidence."""

    name: str
    _: dataclasses.KW_ONLY
    numbers: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    figure: Mapping[str, Any] | None = None

    def failures(self) -> tuple[str, ...]:
        """Return what does not hold; empty where the fact stands."""
        raise NotImplementedError

    def sources(self) -> "tuple[Fact, ...]":
        """Return the facts that must stand before this one."""
        return ()

    def admits(self, at: Names) -> bool:
        """Return whether what is shown holds with ``at`` put in place of its symbols."""
        return True

    def shown(self) -> Expression:
        """Return the expression that is shown to be ≥ 0.

        Raises:
            ValueError: the fact shows no inequality.
        """
        raise ValueError(f"source: {self.name!r} shows no inequality")


@dataclasses.dataclass(frozen=True)
class Inequality:
    """``expression`` ≥ 0, known from outside, with the reason; ``rests_on`` names facts of the proof that it needs."""

    name: str
    expression: Expression
    why: str
    rests_on: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Consequence:
    r"""``expression`` ≥ 0 because ``source`` shows it: what the source shows, with other letters.

    With the own letters replaced, ``expression`` must be ``factor``² times what ``source`` shows at ``at``.

    Args:
        name: what it says, in words.
        expression: what is nonnegative.
        source: the fact that shows it; it must stand earlier in the proof.
        at: symbols of the source and what is put in their place; a positive symbol takes only what is ≥ 0.
        where: own symbols and what they stand for.
        means: own symbols that stand for a mean (over clients, or an expectation) of the expression given; the
            inequality must be linear in them, with coefficients that the clients share.
        shared: averaged symbols that are the same for every client, a common bound.
        factor: the base of a square that multiplies.
    """

    name: str
    expression: Expression
    source: Fact
    at: Names = dataclasses.field(default_factory=dict)
    where: Names = dataclasses.field(default_factory=dict)
    means: Names = dataclasses.field(default_factory=dict)
    shared: tuple[Expression, ...] = ()
    factor: Expression = 1

    def failures(self, domain: Domain) -> tuple[str, ...]:
        """Return why the source does not give the inequality on ``domain``; empty where it does."""
        import sympy

        placed = sympy.sympify(self.source.shown()).subs(self.at, simultaneous=True)
        own = sympy.sympify(self.expression).subs({**self.where, **self.means}, simultaneous=True)
        found = [] if is_zero(own - self.factor**2 * placed) else ["is not what its source shows"]
        if self.means and not self._is_linear():
            found.append("is not linear in the means")
        for symbol, value in self.at.items():
            if symbol.is_positive and not domain.nonnegative(value):
                found.append(f"{symbol} is put to {value}, not shown to be nonnegative")
        if not self._reach().includes(domain):
            found.append("is shown on another domain")
        if not self.source.admits(self.at):
            found.append("is not one of the cases of its source")
        return tuple(f"{self.name}: {reason}" for reason in found)

    def _reach(self) -> Domain:
        """Return where the source is shown, as far as what it shows depends on it."""
        reach: Domain = getattr(self.source, "domain", Orthant())
        if not isinstance(reach, Orthant):
            return reach
        seen: set[Any] = getattr(self.source.shown(), "free_symbols", set())
        return Orthant({symbol: place for symbol, place in reach.substitution.items() if symbol in seen})

    def _is_linear(self) -> bool:
        """Return whether the inequality is affine in the means, with coefficients free of the averaged symbols."""
        import sympy

        averaged: set[Any] = set().union(*(sympy.sympify(value).free_symbols for value in self.means.values()))
        averaged -= set(self.shared)
        form = sympy.Poly(sympy.expand(self.expression), *self.means)
        shared = all(not coefficient.free_symbols & averaged for coefficient in form.coeffs())
        return form.total_degree() <= 1 and shared


Used = Inequality | Consequence


@dataclasses.dataclass(frozen=True)
class Identity(Fact):
    """Two expressions that are equal identically in every symbol."""

    left: Expression
    right: Expression = 0

    def failures(self) -> tuple[str, ...]:
        """Return the name unless left − right is identically zero."""
        return () if is_zero(self.difference) else (f"{self.name}: the two sides differ",)

    @property
    def difference(self) -> Expression:
        """Left − right."""
        import sympy

        return sympy.sympify(self.left) - self.right

    def shown(self) -> Expression:
        """Return left − right, which is ≥ 0 because it is 0."""
        return self.difference


@dataclasses.dataclass(frozen=True)
class Sign(Fact):
    """An expression of the parameters that is ≥ 0 (``strict``: > 0) on a domain, and not for a trivial reason."""

    expression: Expression
    domain: Domain = dataclasses.field(default_factory=Orthant)
    strict: bool = False

    def failures(self) -> tuple[str, ...]:
        """Return the name unless the sign is decided exactly; a square shows nothing about the parameters."""
        if holds_whatever_the_symbols(self.expression):
            return (f"{self.name}: a square, says nothing",)
        if self.strict:
            return () if self.domain.positive(self.expression) else (f"{self.name}: not shown to be positive",)
        return () if self.domain.nonnegative(self.expression) else (f"{self.name}: not shown to be nonnegative",)

    def shown(self) -> Expression:
        """Return the expression."""
        return self.expression


@dataclasses.dataclass(frozen=True)
class Certificate(Fact):
    r"""Proof of ``target`` ≥ 0: it is $\sum_j\mu_jI_j + \sum_l\omega_lx_l^2$ with $I_j, \mu_j, \omega_l \ge 0$.

    Args:
        name: what is proved, in words.
        target: the expression shown to be nonnegative.
        uses: (multiplier, inequality) pairs.
        squares: (weight, base) pairs.
        domain: where multipliers and weights are nonnegative; by default every symbol is positive.
    """

    target: Expression
    uses: tuple[tuple[Expression, Used], ...]
    squares: tuple[tuple[Expression, Expression], ...] = ()
    domain: Domain = dataclasses.field(default_factory=Orthant)

    def failures(self) -> tuple[str, ...]:
        """Return which of the identity, the multipliers, the weights and the consequences fails."""
        drawn = [used for _, used in self.uses if isinstance(used, Consequence)]
        found = (*self.sum_failures(), *self.multiplier_failures(), *self.square_failures())
        return (*found, *(failure for used in drawn for failure in used.failures(self.domain)))

    def sum_failures(self) -> tuple[str, ...]:
        """Return the name unless multipliers times inequalities and weighted squares add up to a target ≠ 0."""
        combined = sum(multiplier * used.expression for multiplier, used in self.uses)
        combined += sum(weight * base**2 for weight, base in self.squares)
        if is_zero(self.target):
            return (f"{self.name}: the target is 0, which says nothing",)
        agrees = is_zero(self.target - combined)
        return () if agrees else (f"{self.name}: the certificate does not add up to the target",)

    def multiplier_failures(self) -> tuple[str, ...]:
        """Return the inequalities whose multiplier is not shown to be nonnegative."""
        wrong = [used.name for multiplier, used in self.uses if not self.domain.nonnegative(multiplier)]
        return tuple(f"{self.name}: multiplier of {name} not shown to be nonnegative" for name in wrong)

    def square_failures(self) -> tuple[str, ...]:
        """Return the squares whose weight is not shown to be nonnegative."""
        wrong = [number for number, (weight, _) in enumerate(self.squares) if not self.domain.nonnegative(weight)]
        return tuple(f"{self.name}: weight of square {number} not shown to be nonnegative" for number in wrong)

    def sources(self) -> tuple[Fact, ...]:
        """Return the facts whose consequences are used."""
        return tuple(used.source for _, used in self.uses if isinstance(used, Consequence))

    def shown(self) -> Expression:
        """Return the target."""
        return self.target


@dataclasses.dataclass(frozen=True)
class Holds(Fact):
    """A finite exact computation that came out as it should."""

    value: bool

    def failures(self) -> tuple[str, ...]:
        """Return the name unless the computation came out; only a bool counts."""
        return () if self.value is True else (self.name,)


def holds_whatever_the_symbols(expression: Expression) -> bool:
    """Return whether an expression is written as even powers times numbers ≥ 0: no fact about its symbols."""
    import sympy

    expression = sympy.sympify(expression)
    factors = [factor.as_base_exp() for factor in expression.as_ordered_factors()] if expression.free_symbols else []
    even = [bool(base.is_nonnegative) if base.is_number else bool(power.is_even) for base, power in factors]
    return bool(even) and all(even)
