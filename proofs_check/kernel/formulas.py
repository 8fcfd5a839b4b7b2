r"""Formulas as they stand in a claim's sentence, read as exact expressions: the words and the proof meet here.

$a \le b$ is read as $b - a$, $a \ge b$ and $a = b$ as $a - b$. Products need no sign (4κ²L), powers are superscripts
(κ², ‖g‖²) or ^{3/2}, roots √2 or √(1+2κ), brackets ( ) and [ ]. Every letter must be given a meaning.
"""

import dataclasses
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from proofs_check.kernel.algebra import Expression, exact, is_zero
from proofs_check.kernel.facts import Certificate, Fact, Identity, Sign

_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_SUPERSCRIPTS = str.maketrans(_RAISED, "0123456789")
_SIGNS = r"[-−+/·√()\[\]{}^≤≥>=]"
_RELATIONS = ("≤", "≥", ">", "=")


def read(text: str, terms: Mapping[str, Expression]) -> Expression:
    """Return the formula or relation ``text`` as an expression; ``terms`` gives every letter or phrase its meaning.

    Raises:
        ValueError: something in ``text`` has no meaning, or more than one relation stands in it.
    """
    return _Reader(text, terms).whole()[0]


class _Reader:
    """A reader of one formula, by descent: sums of products of powers."""

    def __init__(self, text: str, terms: Mapping[str, Expression]) -> None:
        phrases = "|".join(re.escape(phrase) for phrase in sorted(terms, key=len, reverse=True)) or "(?!)"
        pattern = rf"(?P<term>{phrases})|(?P<number>\d+(?:\.\d+)?)|(?P<power>[{_RAISED}]+)|(?P<sign>{_SIGNS})|\s+"
        self._terms, self._tokens, place = terms, list[tuple[str, str]](), 0
        for found in re.finditer(pattern, text):
            if found.start() != place:
                break
            place = found.end()
            if found.lastgroup:
                self._tokens.append((found.lastgroup, found.group()))
        if place != len(text):
            raise ValueError(f"text: {text[place:]!r} of {text!r} stands for nothing")

    def whole(self) -> tuple[Expression, str | None]:
        """Return all of it, and the relation that stands in it."""
        result = self._sum()
        relation = self._next(*_RELATIONS)
        if relation is not None:
            other = self._sum()
            result = other - result if relation == "≤" else result - other
        if self._tokens:
            raise ValueError(f"text: {self._tokens[0][1]!r} is left over")
        return result, relation

    def _next(self, *signs: str) -> str | None:
        if self._tokens and self._tokens[0][1] in signs and self._tokens[0][0] == "sign":
            return self._tokens.pop(0)[1]
        return None

    def _sum(self) -> Expression:
        total = -self._product() if self._next("-", "−") else self._product()
        while sign := self._next("+", "-", "−"):
            total = total + self._product() if sign == "+" else total - self._product()
        return total

    def _product(self) -> Expression:
        result = self._power()
        while self._tokens:
            kind, token = self._tokens[0]
            if self._next("/"):
                result = result / self._power()
            elif self._next("·") or kind in ("term", "number") or token in "√([":
                result = result * self._power()
            else:
                break
        return result

    def _power(self) -> Expression:
        result = self._atom()
        while self._tokens:
            if self._tokens[0][0] == "power":
                result = result ** int(self._tokens.pop(0)[1].translate(_SUPERSCRIPTS))
            elif self._next("^"):
                result = result ** self._atom()
            else:
                break
        return result

    def _atom(self) -> Expression:
        import sympy

        if self._next("√"):
            return sympy.sqrt(self._atom())
        if opened := self._next("(", "[", "{"):
            inside = self._sum()
            if self._next({"(": ")", "[": "]", "{": "}"}[opened]) is None:
                raise ValueError(f"text: {opened} is not closed")
            return inside
        if not self._tokens or self._tokens[0][0] not in ("term", "number"):
            raise ValueError("text: a number or letter is missing")
        kind, token = self._tokens.pop(0)
        return exact(Fraction(token)) if kind == "number" else self._terms[token]


@dataclasses.dataclass(frozen=True)
class Concludes(Fact):
    """That a fact of the proof is what the claim's sentence says; ``name`` is the part of the sentence.

    Args:
        name: a part of the statement or of its formula, word for word.
        source: the fact that says it.
        terms: what the letters and phrases of ``name`` stand for; None where it is in words alone.
    """

    source: Fact
    terms: Mapping[str, Any] | None = None

    def failures(self) -> tuple[str, ...]:
        """Return the sentence's part unless it reads as the fact says."""
        if self.terms is None:
            return ()
        said, relation = _Reader(self.name, self.terms).whole()
        meanings = self._meanings(relation)
        return () if any(is_zero(said - meant) for meant in meanings) else (f"{self.name}: is not the fact's",)

    def _meanings(self, relation: str | None) -> tuple[Expression, ...]:
        """Return what the text may be: the inequality, an identity either way round, or one of its sides."""
        if relation is None:
            return (self.source.left, self.source.right) if isinstance(self.source, Identity) else ()
        if isinstance(self.source, Identity):
            return (self.source.difference, -self.source.difference)
        return (self.source.shown(),) if isinstance(self.source, Certificate | Sign) else ()

    def sources(self) -> tuple[Fact, ...]:
        """Return the fact."""
        return (self.source,)
