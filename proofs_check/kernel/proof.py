"""A proof is a sequence of facts about a subject: every fact stands, uses only what stands, and reaches the statement.

PROVED says: every fact was checked exactly; what certificates use is shown earlier in the same proof, or listed as used
from outside; the parts of the sentence that are named as its conclusion are facts of the proof; no step of its outline
is left out; and the kernel's controls fail where they must. The argument that leads from the facts to the rest of the
sentence is in words and is printed beside them.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from proofs_check.claim import Claim, Evidence, Verdict
from proofs_check.kernel.algebra import counterexample
from proofs_check.kernel.algorithm import PISA_EQUATIONS
from proofs_check.kernel.controls import check_kernel, false_proofs
from proofs_check.kernel.facts import Certificate, Fact, Identity, Inequality
from proofs_check.kernel.formulas import Concludes
from proofs_check.kernel.outlines import departures, read_outlines

Subject = TypeVar("Subject")
Facts = Iterable[Fact]


@dataclasses.dataclass(frozen=True)
class Replayed:
    """A witness of a refutation: its instance, and the trial that runs it."""

    instance: Mapping[str, Any]
    trial: Callable[[Mapping[str, Any]], Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Proof(Generic[Subject]):
    """The check of a symbolic claim: facts about a subject, of which every one must hold.

    Args:
        facts: (subject, effort) → the facts in the order of the argument.
        subject: what the claim is about, as a rule Algorithm 1; tests put deliberately wrong ones in its place.
        verdict: what follows when every fact holds: PROVED, or REFUTED when the facts describe a witness.
        witness: of a refutation, the instance that `pisa-lab replay` runs, whose numbers are then the evidence's.
        conclusion: parts of the sentence or its formula → the names of the facts that say them, beside the `Concludes`
            facts of the proof; without any the claim is not PROVED.
        arguments: the steps from the facts to the sentence that are in words.
        sentence: the claim's statement, formula and hypotheses.
        outline: the names of the steps that the proof must have (`outlines`).
    """

    facts: Callable[[Subject, str], Facts]
    subject: Subject
    verdict: Verdict = Verdict.PROVED
    witness: Replayed | None = None
    _: dataclasses.KW_ONLY
    conclusion: Mapping[str, str] = dataclasses.field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    sentence: str = ""
    outline: tuple[str, ...] = ()

    def __call__(self, seed: int, effort: str) -> Evidence:
        """Return the evidence for the true subject; nothing is random, ``seed`` is not used."""
        return self.of(self.subject, effort)

    def of(self, subject: Subject, effort: str = "quick") -> Evidence:
        """Return the evidence for ``subject``, stopping at the first fact that does not hold."""
        held, failing, reasons = self.examine(subject, effort)
        if failing is not None:
            return self._failure(failing, reasons, held)
        reasons = (*reasons, *check_kernel(), *check_proofs())
        return _evidence(Verdict.INCONCLUSIVE, "; ".join(reasons), held) if reasons else self._success(held)

    def examine(self, subject: Subject, effort: str = "quick") -> tuple[list[Fact], Fact | None, tuple[str, ...]]:
        """Return the facts that hold, the first that does not, and what is wrong; without the kernel's controls."""
        held: list[Fact] = []
        try:
            for fact in self.facts(subject, effort):
                reasons = (*fact.failures(), *_missing(fact, held), *self._unsaid(fact))
                if reasons:
                    return held, fact, reasons
                held.append(fact)
            return held, None, self._unreached(held)
        except (ArithmeticError, ValueError) as error:
            return held, None, (f"stopped after {len(held)} facts: {error}",)

    def _unsaid(self, fact: Fact) -> tuple[str, ...]:
        """Return why a conclusion is not one: the sentence does not say it."""
        if not isinstance(fact, Concludes) or not self.sentence or fact.name in self.sentence:
            return ()
        return (f"the statement does not say {fact.name!r}",)

    def _unreached(self, held: list[Fact]) -> tuple[str, ...]:
        """Return what of the conclusion no fact says; a proof must say some of its sentence, by more than a premise."""
        if not held:
            return ("no fact was checked",)
        found, reached = [], [fact.source for fact in held if isinstance(fact, Concludes)]
        for words, name in self.conclusion.items():
            saying = [fact for fact in held if fact.name == name]
            if len(saying) != 1:
                found.append(f"the conclusion {name!r} is {len(saying)} facts of the proof")
            if self.sentence and words not in self.sentence:
                found.append(f"the statement does not say {words!r}")
            reached += saying
        if not reached and not found:
            found.append("no fact is named as the conclusion")
        found += departures(self.outline, tuple(fact.name for fact in held))
        return (*found, *(f"{fact.name}: assumes what it concludes" for fact in reached if _begs(fact)))

    def _failure(self, fact: Fact, reasons: tuple[str, ...], held: list[Fact]) -> Evidence:
        """Return REFUTED with a point where the conclusion itself fails, INCONCLUSIVE where a step does."""
        concluded = fact.name in self.conclusion.values() and self.verdict is Verdict.PROVED
        point = counterexample(fact.difference) if concluded and isinstance(fact, Identity) else None
        verdict = Verdict.REFUTED if point else Verdict.INCONCLUSIVE
        return _evidence(verdict, f"does not hold: {'; '.join(reasons)}", held, instance=point)

    def _success(self, held: list[Fact]) -> Evidence:
        outside = dict.fromkeys(f"{used.name} ({used.why})" for used in _outside(held))
        detail = f"{len(held)} facts hold exactly; used from outside: {'; '.join(outside) or 'nothing'}."
        arguments = tuple(f"argument: {words}" for words in self.arguments)
        said = tuple(f"conclusion: “{words}” is the fact “{name}”" for words, name in self.conclusion.items())
        evidence = _evidence(self.verdict, detail, held)
        evidence = dataclasses.replace(evidence, steps=(*evidence.steps, *said, *arguments))
        if self.witness is None:
            return evidence
        shown = self.witness.trial(self.witness.instance)
        verdict = self.verdict if float(shown["margin"]) < 0 else Verdict.INCONCLUSIVE
        steps = (*evidence.steps, *(f"{name}: {value}" for name, value in evidence.numbers.items()))
        return Evidence(verdict, shown["margin"], detail, shown, self.witness.instance, evidence.figure, steps)


def _missing(fact: Fact, held: list[Fact]) -> tuple[str, ...]:
    """Return the sources of ``fact`` that do not stand before it."""
    lacking = [source.name for source in fact.sources() if source not in held]
    premises = [used for _, used in fact.uses if isinstance(used, Inequality)] if isinstance(fact, Certificate) else []
    known = {each.name for each in held}
    lacking += [name for used in premises for name in used.rests_on if name not in known]
    return tuple(f"{fact.name}: uses {name!r}, not shown before" for name in lacking)


def _begs(fact: Fact) -> bool:
    """Return whether a fact that concludes is one premise times a number: then nothing was proved."""
    import sympy

    if not isinstance(fact, Certificate):
        return False
    counted = [(m, used) for m, used in fact.uses if m != 0 and isinstance(used, Inequality)]
    alone = len(counted) == 1 and len(fact.uses) == 1 and not any(w * base != 0 for w, base in fact.squares)
    return alone and not sympy.sympify(counted[0][0]).free_symbols


def _outside(held: list[Fact]) -> list[Inequality]:
    """Return the premises of all certificates, without an induction's own hypothesis."""
    certificates = [fact for fact in held if isinstance(fact, Certificate)]
    hypotheses = [id(fact.hypothesis) for fact in held if hasattr(fact, "hypothesis")]
    used = [used for fact in certificates for _, used in fact.uses if isinstance(used, Inequality)]
    return [each for each in used if id(each) not in hypotheses]


def _evidence(
    verdict: Verdict, detail: str, held: list[Fact], *, instance: Mapping[str, str] | None = None
) -> Evidence:
    numbers = {key: value for fact in held for key, value in fact.numbers.items()}
    figures = [fact.figure for fact in held if fact.figure is not None]
    figure = figures[-1] if figures else None
    return Evidence(verdict, None, detail, numbers, instance, figure, tuple(map(_step, held)))


def _step(fact: Fact) -> str:
    if isinstance(fact, Concludes):
        return f"conclusion: “{fact.name}” is the fact “{fact.source.name}”"
    if not isinstance(fact, Certificate):
        return fact.name
    reasons = "; ".join(_reason(used) for _, used in fact.uses)
    return f"{fact.name}, from {reasons or 'squares alone'}, and {len(fact.squares)} squares"


def _reason(used: Any) -> str:
    why = used.why if isinstance(used, Inequality) else f"shown above: {used.source.name}"
    return f"{used.name} ({why})"


@functools.lru_cache
def check_proofs() -> tuple[str, ...]:
    """Return the false proofs of `controls.false_proofs` that are not refused; empty for a sound kernel."""
    accepted = []
    for name, (facts, conclusion) in false_proofs().items():
        proof = Proof(lambda _, __, facts=facts: facts, None, conclusion=conclusion, sentence="x is 0")  # type: ignore[misc]
        _, failing, reasons = proof.examine(None)
        if failing is None and not reasons:
            accepted.append(f"the kernel accepts {name}")
    return tuple(accepted)


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
        check=dataclasses.replace(
            proof, sentence=" ".join((statement, latex, *hypotheses)), outline=read_outlines().get(name, ())
        ),
        provenance=provenance,
        source=source,
        kind="symbolic",
        latex=latex,
        trial=None if proof.witness is None else proof.witness.trial,
        requires=("sympy",),
    )


def theorem(
    name: str,
    statement: str,
    *,
    latex: str,
    hypotheses: tuple[str, ...],
    source: str,
    proof: Callable[[Any], Facts],
    conclusion: Mapping[str, str] | None = None,
    arguments: tuple[str, ...] = (),
) -> Claim:
    """Return the symbolic claim that the facts ``proof(algorithm)`` prove."""
    check = Proof(
        lambda algorithm, effort: proof(algorithm),
        PISA_EQUATIONS,
        conclusion=conclusion or {},
        arguments=arguments,
    )
    return symbolic_claim(name, statement, check, latex=latex, hypotheses=hypotheses, source=source)
