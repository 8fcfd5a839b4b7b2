"""A symbolic proof is a sequence of named facts about a subject; a wrong subject makes one of them fail, by name."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from proofs_check.claim import Claim, Evidence, Verdict
from proofs_check.symbolic.algebra import Expression, counterexample, is_zero
from proofs_check.symbolic.replays import Replayed

Subject = TypeVar("Subject")


@dataclasses.dataclass(frozen=True)
class Fact:
    """One step of a proof.

    Args:
        name: what is shown, in words and ASCII mathematics.
        outcome: a bool that an exact decision gave, or an expression that must vanish identically.
        numbers: what the step found, for the evidence.
        figure: the figure of the evidence, if this step draws one.
    """

    name: str
    outcome: bool | Expression
    numbers: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    figure: Mapping[str, Any] | None = None

    @property
    def holds(self) -> bool:
        """Whether the step is shown exactly."""
        return self.outcome if isinstance(self.outcome, bool) else is_zero(self.outcome)


@dataclasses.dataclass(frozen=True)
class Proof(Generic[Subject]):
    """The check of a symbolic claim: facts about a subject, of which every one must hold.

    Args:
        facts: (subject, effort) → the facts in the order of the argument.
        subject: what the claim is about; tests put deliberately wrong ones in its place.
        verdict: what follows when every fact holds: PROVED, or REFUTED when the facts describe a witness.
        witness: of a refutation, the instance that `pisa-lab replay` runs, whose numbers are then the evidence's.
    """

    facts: Callable[[Subject, str], Iterator[Fact]]
    subject: Subject
    verdict: Verdict
    witness: Replayed | None = None

    def __call__(self, seed: int, effort: str) -> Evidence:
        """Return the evidence for the true subject; nothing is random, ``seed`` is not used."""
        return self.of(self.subject, effort)

    def of(self, subject: Subject, effort: str = "quick") -> Evidence:
        """Return the evidence for ``subject``, stopping at the first fact that does not hold."""
        held: list[str] = []
        numbers: dict[str, Any] = {}
        figure: Mapping[str, Any] | None = None
        facts = iter(self.facts(subject, effort))
        while True:
            try:
                fact = next(facts)
                holds = fact.holds
            except StopIteration:
                break
            except (ArithmeticError, ValueError) as error:
                reason = f"stopped after {len(held)} facts: {error}"
                return Evidence(Verdict.INCONCLUSIVE, detail=reason, numbers=numbers, steps=tuple(held))
            numbers.update(fact.numbers)
            if not holds:
                return _failure(fact, held, numbers, self.verdict)
            held.append(fact.name)
            figure = fact.figure or figure
        if not held:
            return Evidence(Verdict.INCONCLUSIVE, detail="no fact was checked")
        detail = f"{len(held)} facts hold exactly; the last: {held[-1]}"
        if self.witness is None:
            return Evidence(self.verdict, None, detail, numbers, None, figure, tuple(held))
        held += [f"{name}: {value}" for name, value in numbers.items()]
        shown = self.witness.trial(self.witness.instance)
        verdict = self.verdict if float(shown["margin"]) < 0 else Verdict.INCONCLUSIVE
        return Evidence(verdict, shown["margin"], detail, shown, self.witness.instance, figure, tuple(held))


def _failure(fact: Fact, held: list[str], numbers: Mapping[str, Any], intended: Verdict) -> Evidence:
    """Return REFUTED with a point where an identity of a proof fails, INCONCLUSIVE where there is none to show."""
    point = None if isinstance(fact.outcome, bool) else counterexample(fact.outcome)
    verdict = Verdict.REFUTED if point and intended is Verdict.PROVED else Verdict.INCONCLUSIVE
    return Evidence(verdict, None, f"does not hold: {fact.name}", numbers, point, None, tuple(held))


def symbolic_claim(
    name: str,
    statement: str,
    proof: Proof[Any],
    *,
    latex: str,
    hypotheses: tuple[str, ...],
    source: str,
    provenance: str = "ours",
) -> Claim:
    """Return the claim that ``proof`` checks; its expected verdict is the proof's."""
    return Claim(
        name=name,
        statement=statement,
        hypotheses=hypotheses,
        expected=proof.verdict,
        check=proof,
        provenance=provenance,
        source=source,
        kind="symbolic",
        latex=latex,
        trial=None if proof.witness is None else proof.witness.trial,
        requires=("sympy",),
    )
