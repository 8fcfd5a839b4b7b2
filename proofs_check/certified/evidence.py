"""What the checker says at check time: every certificate of a claim, against the numbers that the statement prints."""

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from proofs_check.certified import checker
from proofs_check.certified.catalogue import Theorem
from proofs_check.certified.certificate import parameters_of
from proofs_check.certified.matching import matching_value
from proofs_check.certified.propositions import SLACK, Proposition
from proofs_check.certified.setting import Setting
from proofs_check.claim import Evidence, Verdict


def certificate_evidence(propositions: Sequence[Proposition], theorems: Sequence[Theorem]) -> Evidence:
    """Return PROVED when every certificate is accepted, answers its own question and keeps the statement's number.

    A worst case must be bounded by at most the number, and where the proposition says so a function made in fractions
    must attain the bound to `SLACK`; a decrease must be at least the number, and the number positive. Everything is
    decided in fractions. Anything else is INCONCLUSIVE, with the reason.
    """
    by_name = {theorem.name: theorem for theorem in theorems}
    if by_name.keys() != {proposition.certificate for proposition in propositions} or not propositions:
        return Evidence(Verdict.INCONCLUSIVE, detail="the statement has numbers for other certificates than there are")
    steps: list[str] = []
    bounds: list[Fraction] = []
    room: list[Fraction] = []
    for proposition in propositions:
        theorem = by_name[proposition.certificate]
        try:
            statement, bound = _accepted(theorem)
            room.append(_room(proposition, theorem, bound))
        except Exception as error:
            return Evidence(Verdict.INCONCLUSIVE, detail=f"{theorem.path.name} is not accepted: {error!r:.300}")
        steps.append(f"{theorem.path.name}: {statement}")
        bounds.append(bound)
    reached = sum(proposition.attained for proposition in propositions)
    paths = [f"proofs_check/certified/certificates/{proposition.certificate}.json" for proposition in propositions]
    detail = (
        f"{len(paths)} certificates verified in rationals, the first {paths[0]}; each keeps the statement's number; "
        f"{reached} of them attained to {float(SLACK):g} by a function made in fractions"
    )
    numbers = {"certificates": paths, "bounds": [float(bound) for bound in bounds], "attained": reached}
    return Evidence(Verdict.PROVED, float(min(room)), detail, numbers, steps=steps)


def _accepted(theorem: Theorem) -> tuple[str, Fraction]:
    """Return the checker's words and the bound of a certificate.

    Raises:
        ValueError: it proves another theorem than the catalogue's question.
    """
    text = theorem.path.read_text(encoding="utf-8")
    statement, document = checker.verify(text), json.loads(text)
    if document["parameters"] != question_of(theorem):
        raise ValueError("it proves another theorem than its claim's")
    return statement, Fraction(document["bound"])


def question_of(theorem: Theorem) -> dict[str, Any]:
    """Return the parameters that the certificate must have, all of them."""
    return parameters_of(theorem.question) if isinstance(theorem.question, Setting) else theorem.question.parameters


def _room(proposition: Proposition, theorem: Theorem, bound: Fraction) -> Fraction:
    """Return how far the bound stays on the right side of the statement's number.

    Raises:
        ValueError: it does not, the number of a decrease is not positive, or the bound is not attained as it should.
    """
    worst_case = isinstance(theorem.question, Setting)
    room = proposition.limit - bound if worst_case else bound - proposition.limit
    if room < 0 or proposition.limit <= 0:
        raise ValueError(f"its bound {float(bound):.6g} does not keep the statement's {float(proposition.limit):.6g}")
    if proposition.attained and isinstance(theorem.question, Setting):
        found = matching_value(theorem.question)
        if not bound - SLACK <= found <= bound:
            raise ValueError(f"the matching function attains {float(found):.6g}, not the bound {float(bound):.6g}")
    return room
