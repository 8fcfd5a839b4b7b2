"""What a proof is made of: named inequalities, and facts that are checked exactly.

A theorem is a tuple of facts. What a fact does not check (that the descent lemma holds for smooth functions, that an
expectation is linear) is an `Inequality` with its reason, or stands among the claim's hypotheses. Vectors enter as
scalars: every identity is one of quadratic forms, so that it holds for inner products as it holds for products of
numbers.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

from proofs_check.claim import Claim, Evidence, Verdict
from proofs_check.symbolic.algebra import Expression, is_zero
from proofs_check.symbolic.theorems.domains import Domain, Orthant


class Fact(Protocol):
    """Something that is either so or not."""

    @property
    def name(self) -> str:
        """What is said, in words."""

    def failures(self) -> tuple[str, ...]:
        """Return what does not hold; empty where the fact stands."""


@dataclasses.dataclass(frozen=True)
class Inequality:
    """``expression`` ≥ 0, with the reason; known from outside, or the conclusion of a certificate."""

    name: str
    expression: Expression
    why: str


@dataclasses.dataclass(frozen=True)
class Identity:
    """Two expressions that are equal."""

    name: str
    left: Expression
    right: Expression = 0

    def failures(self) -> tuple[str, ...]:
        """Return the name unless left − right is identically zero."""
        return () if is_zero(self.left - self.right) else (f"{self.name}: the two sides differ",)


@dataclasses.dataclass(frozen=True)
class Sign:
    """An expression of the parameters that is ≥ 0 on a domain."""

    name: str
    expression: Expression
    domain: Domain

    def failures(self) -> tuple[str, ...]:
        """Return the name unless the sign is decided exactly."""
        return () if self.domain.nonnegative(self.expression) else (f"{self.name}: not shown to be nonnegative",)


@dataclasses.dataclass(frozen=True)
class Certificate:
    r"""Proof of ``target`` ≥ 0: it is $\sum_j\mu_jI_j + \sum_l\omega_lx_l^2$ with $I_j, \mu_j, \omega_l \ge 0$.

    Args:
        name: what is proved, in words.
        target: the expression shown to be nonnegative.
        uses: (multiplier, inequality) pairs.
        squares: (weight, base) pairs.
        domain: where multipliers and weights are nonnegative; by default every symbol is positive.
    """

    name: str
    target: Expression
    uses: tuple[tuple[Expression, Inequality], ...]
    squares: tuple[tuple[Expression, Expression], ...] = ()
    domain: Domain = dataclasses.field(default_factory=Orthant)

    def failures(self) -> tuple[str, ...]:
        """Return which of the identity, the multipliers and the weights fails."""
        combined = sum(multiplier * used.expression for multiplier, used in self.uses)
        combined += sum(weight * base**2 for weight, base in self.squares)
        found = (
            [] if is_zero(self.target - combined) else [f"{self.name}: the certificate does not add up to the target"]
        )
        for multiplier, used in self.uses:
            if not self.domain.nonnegative(multiplier):
                found.append(f"{self.name}: multiplier of {used.name} not shown to be nonnegative")
        for number, (weight, _) in enumerate(self.squares):
            if not self.domain.nonnegative(weight):
                found.append(f"{self.name}: weight of square {number} not shown to be nonnegative")
        return tuple(found)

    def conclusion(self) -> Inequality:
        """Return the inequality that is proved, for use in a later certificate."""
        return Inequality(self.name, self.target, "proved before")


@dataclasses.dataclass(frozen=True)
class Holds:
    """A finite exact computation that came out as it should."""

    name: str
    value: bool

    def failures(self) -> tuple[str, ...]:
        """Return the name unless the computation came out."""
        return () if self.value else (self.name,)


Proof = Sequence[Fact]


def examine(proof: Proof) -> Evidence:
    """Return PROVED with every fact as a step, or INCONCLUSIVE with what failed; an empty proof proves nothing."""
    failures = [failure for fact in proof for failure in fact.failures()]
    if failures or not proof:
        return Evidence(Verdict.INCONCLUSIVE, detail="; ".join(failures) or "no fact was checked")
    axioms = [
        used.name
        for fact in proof
        if isinstance(fact, Certificate)
        for _, used in fact.uses
        if used.why != "proved before"
    ]
    detail = f"{len(proof)} facts hold exactly; used from outside: {', '.join(dict.fromkeys(axioms)) or 'nothing'}."
    return Evidence(Verdict.PROVED, detail=detail, steps=tuple(_step(fact) for fact in proof))


@dataclasses.dataclass(frozen=True)
class Examination:
    """The check of a theorem: it examines ``proof()``, whatever the seed and the effort."""

    proof: Callable[[], Proof]

    def __call__(self, seed: int, effort: str) -> Evidence:
        """Return the evidence."""
        return examine(self.proof())


def theorem(
    name: str,
    statement: str,
    *,
    latex: str,
    hypotheses: tuple[str, ...],
    source: str,
    proof: Callable[[], Proof],
) -> Claim:
    """Return the symbolic claim whose check examines ``proof()``."""
    return Claim(
        name=name,
        statement=statement,
        latex=latex,
        hypotheses=hypotheses,
        source=source,
        kind="symbolic",
        expected=Verdict.PROVED,
        requires=("sympy",),
        check=Examination(proof),
    )


def _step(fact: Fact) -> str:
    if not isinstance(fact, Certificate):
        return fact.name
    reasons = "; ".join(f"{used.name} ({used.why})" for _, used in fact.uses)
    return f"{fact.name}, from {reasons or 'squares alone'}, and {len(fact.squares)} squares"
