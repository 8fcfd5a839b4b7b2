"""A reader who loosens the catalogue, the certificates or the method does not keep the verdict."""

import dataclasses
import json
import re
from fractions import Fraction

import pytest

from proofs_check.certified import any_q_edge, catalogue, checker, lemma_proof
from proofs_check.certified.catalogue import FOLDER, THEOREMS
from proofs_check.certified.certificate import certificate_text, reword
from proofs_check.certified.claims import CERTIFICATE_CLAIMS
from proofs_check.certified.evidence import certificate_evidence
from proofs_check.certified.facts import facts_evidence
from proofs_check.certified.one_step import Round
from proofs_check.certified.propositions import PROPOSITIONS, attainment, list_numbers
from proofs_check.certified.setting import Setting
from proofs_check.claim import Verdict
from proofs_check.theory import sharp_edge_drop, sharp_edge_weight

CERTIFIED = [claim for claim in CERTIFICATE_CLAIMS if claim.kind == "certified"]


def evidence_of(claim, change=None, folder=None, monkeypatch=None):
    """Return the claim's evidence with every certificate's document changed, in a folder of its own."""
    theorems = [theorem for theorem in THEOREMS if theorem.claim == claim]
    if change is not None:
        for theorem in theorems:
            document = change(json.loads(theorem.path.read_text(encoding="utf-8")))
            multipliers = {name: Fraction(value) for name, value in document["multipliers"].items()}
            text = certificate_text(document["parameters"], Fraction(document["bound"]), multipliers)
            assert text is not None, theorem.name  # the checker itself must accept the loosened theorem
            (folder / theorem.path.name).write_text(text, encoding="utf-8")
        monkeypatch.setattr(catalogue, "FOLDER", folder)
    return certificate_evidence(PROPOSITIONS[claim], theorems)


def by_a_hundred(document):
    """Return the loosened certificate: 100 more in the bound, the initial condition and the infimum."""
    multipliers = dict(document["multipliers"])
    for name in ("initial", next(name for name in multipliers if name.startswith("infimum"))):
        multipliers[name] = str(Fraction(multipliers[name]) + 100)
    last = next(name for name in multipliers if name.startswith("infimum"))
    if last != "infimum 0":  # F(w^0) ≥ F(w^k) is paid by the row of w^0 itself
        multipliers[last] = document["multipliers"][last]
        multipliers["infimum 0"] = str(Fraction(multipliers.get("infimum 0", "0")) + 100)
    return {**document, "bound": str(Fraction(document["bound"]) + 100), "multipliers": multipliers}


LOOSENED = [
    claim.name
    for claim in CERTIFIED
    if all(
        isinstance(theorem.question, Setting) and theorem.question.initial == "value"
        for theorem in THEOREMS
        if theorem.claim == claim.name
    )
]


@pytest.mark.parametrize("claim", LOOSENED)
def test_a_bound_loosened_by_a_hundred_is_not_proved(claim, tmp_path, monkeypatch):
    evidence = evidence_of(claim, by_a_hundred, tmp_path, monkeypatch)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "does not keep the statement's" in evidence.detail


@pytest.mark.parametrize("claim", ["W-lagrangian-threshold", "W-lagrangian-any-q", "W-any-q-potential"])
def test_a_potential_that_need_not_fall_is_not_proved(claim, tmp_path, monkeypatch):
    evidence = evidence_of(claim, lambda document: {**document, "bound": "0"}, tmp_path, monkeypatch)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "does not keep the statement's" in evidence.detail
    monkeypatch.undo()
    theorems = [theorem for theorem in THEOREMS if theorem.claim == claim]
    for limit in (Fraction(0), Fraction(-5)):  # nor may the statement itself ask for nothing
        loose = [dataclasses.replace(proposition, limit=limit) for proposition in PROPOSITIONS[claim]]
        assert certificate_evidence(loose, theorems).verdict is Verdict.INCONCLUSIVE


def test_a_negative_decrease_is_no_certificate():
    document = json.loads((FOLDER / "lagrangian-nonconvex-any-q-sigma2.json").read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match="text"):
        reword(json.dumps({**document, "bound": "-5"}))


@pytest.mark.parametrize("claim", [claim.name for claim in CERTIFIED])
def test_a_dropped_a_doubled_or_a_missing_certificate_is_not_proved(claim, tmp_path, monkeypatch):
    theorems = [theorem for theorem in THEOREMS if theorem.claim == claim]
    other = next(theorem for theorem in THEOREMS if theorem.claim != claim)
    for changed in (theorems[1:], [*theorems, other], []):
        assert certificate_evidence(PROPOSITIONS[claim], changed).verdict is Verdict.INCONCLUSIVE
    assert certificate_evidence((), []).verdict is Verdict.INCONCLUSIVE
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    assert "not accepted" in certificate_evidence(PROPOSITIONS[claim], theorems).detail


def test_a_certificate_of_another_question_is_not_proved(tmp_path, monkeypatch):
    theorems = [theorem for theorem in THEOREMS if theorem.claim == "W-warm-start"]
    text = (FOLDER / "nonconvex-kappa2-N1.json").read_text(encoding="utf-8")
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    for theorem in theorems:
        theorem.path.write_text(text, encoding="utf-8")
    evidence = certificate_evidence(PROPOSITIONS["W-warm-start"], theorems)
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "another theorem" in evidence.detail


def test_another_weight_in_a_potential_is_another_question():
    (theorem,) = [theorem for theorem in THEOREMS if theorem.name == "residual-nonconvex-ridge"]
    (proposition,) = [p for p in PROPOSITIONS[theorem.claim] if p.certificate == theorem.name]
    other = dataclasses.replace(theorem, question=dataclasses.replace(theorem.question, factor=Fraction(1, 2)))
    assert certificate_evidence([proposition], [theorem]).verdict is Verdict.PROVED
    assert "another theorem" in certificate_evidence([proposition], [other]).detail


@pytest.mark.parametrize("claim", [claim.name for claim in CERTIFIED])
def test_a_number_sharper_than_proved_is_not_proved(claim):
    theorems = [theorem for theorem in THEOREMS if theorem.claim == claim]
    worst = isinstance(theorems[0].question, Setting)
    by = Fraction(2, 1000) * (-1 if worst else 1)
    sharper = [dataclasses.replace(proposition, limit=proposition.limit + by) for proposition in PROPOSITIONS[claim]]
    assert certificate_evidence(sharper, theorems).verdict is Verdict.INCONCLUSIVE


def test_a_bound_that_is_said_to_be_attained_must_be():
    for proposition in PROPOSITIONS["W-nonconvex-other-kappa"]:
        theorems = [theorem for theorem in THEOREMS if theorem.name == proposition.certificate]
        said = dataclasses.replace(proposition, attained=True)
        wanted = Verdict.PROVED if proposition.attained else Verdict.INCONCLUSIVE
        assert certificate_evidence([said], theorems).verdict is wanted


FORMULAS = {
    "W-nonconvex-kappa-2": {"": "16/(7N+13)"},
    "W-convex-kappa-2": {"": "4/(2N+4)"},
    "W-warm-start": {"nonconvex": "16/(7N+8)", "convex": "4/(2N+2)"},
    "W-gradient-descent": {"nonconvex": "4/(3N+2)", "convex": "2/(2N+1)"},
}
"""Claim → class → the formula that its statement prints."""


def test_every_statement_prints_the_numbers_that_its_check_reads():
    for claim in CERTIFIED:
        for proposition in PROPOSITIONS[claim.name]:
            if claim.name not in FORMULAS:
                assert proposition.words in claim.statement
                continue
            (rounds,) = re.findall(r"N = (\d+)", proposition.case)
            formula = FORMULAS[claim.name][proposition.case.split(",")[0] if "," in proposition.case else ""]
            assert f"{formula} + 1e-4" in claim.statement
            top, first, rest = re.fullmatch(r"(\d+)/\((\d+)N\+(\d+)\)", formula).groups()
            assert proposition.limit == Fraction(int(top), int(first) * int(rounds) + int(rest)) + Fraction(1, 10_000)
    assert ".34190 (κ = 1.7)" in list_numbers("W-nonconvex-other-kappa")
    assert len({p.certificate for row in PROPOSITIONS.values() for p in row}) == len(THEOREMS)


def test_every_claim_says_which_of_its_bounds_are_attained():
    for claim in CERTIFIED:
        assert claim.hypotheses[-1] == attainment(claim.name)
    assert attainment("W-nonconvex-other-kappa").startswith("the bounds of κ = 4, κ = 8 are attained to 1e-4")
    assert attainment("W-warm-start").startswith("each bound is attained")
    assert "not claimed" in attainment("W-fedavg")


def test_the_words_of_a_case_are_those_of_its_question():
    questions = {theorem.name: theorem.question for theorem in THEOREMS}
    told = 0
    for proposition in (p for row in PROPOSITIONS.values() for p in row):
        question = questions[proposition.certificate]
        for name, text in re.findall(r"([σκβγaNλ]) = (\d*\.?\d+(?:/\d+)?)(?![\d/])", proposition.case):
            value, told = Fraction(text), told + 1
            if isinstance(question, Round):
                found = {
                    "σ": question.sigma, "β": question.q_bound / question.sigma, "a": question.factor,
                    "γ": question.sigma / question.next_sigma, "λ": question.ridge,
                }[name]  # fmt: skip
            else:
                sigma, later = [row[0] for row in question.penalties[:2]] or [Fraction(1)] * 2
                found = {"κ": sigma, "σ": sigma, "N": question.rounds, "γ": sigma / later}[name]
            assert found == value, (proposition.case, name)
        convex = "convex" in proposition.case and "nonconvex" not in proposition.case
        low = question.curvature if isinstance(question, Round) else question.curvature[0]
        assert not convex or low == 0
    assert told > 50


# --- the two symbolic rows ---


def test_a_control_that_does_not_fail_decides_nothing(monkeypatch):
    facts = [("a", True), ("b", True)]
    assert facts_evidence(facts, "c").verdict is Verdict.PROVED
    assert facts_evidence(facts, "c").steps[-1] == "hence: c"
    assert facts_evidence([*facts, ("d", False)], "c").verdict is Verdict.INCONCLUSIVE
    assert facts_evidence([], "c").verdict is Verdict.INCONCLUSIVE
    assert facts_evidence(facts, "c", control=[("a", False)], must_fail=("a",)).verdict is Verdict.PROVED
    assert facts_evidence(facts, "c", control=[("a", True)], must_fail=("a",)).verdict is Verdict.INCONCLUSIVE
    assert (
        facts_evidence(facts, "c", control=[("a", False), ("b", False)], must_fail=("a",)).verdict
        is Verdict.INCONCLUSIVE
    )
    monkeypatch.setattr(lemma_proof, "same", lambda left, right: True)
    lemma_proof.merging_facts.cache_clear()
    assert lemma_proof.MERGING_CLAIM.run().evidence.verdict is Verdict.INCONCLUSIVE
    monkeypatch.undo()
    lemma_proof.merging_facts.cache_clear()
    assert lemma_proof.MERGING_CLAIM.run().evidence.verdict is Verdict.PROVED


@pytest.mark.parametrize("kappa", ["31/20", "8/5", "17/10", "2", "9/4", "12"])
def test_the_edge_and_the_theory_have_the_same_numbers(kappa):
    kappa = Fraction(kappa)
    piece = next(p for p in any_q_edge.PIECES if p.lower < kappa and (p.upper is None or kappa <= p.upper))
    assert piece.factor(kappa) == sharp_edge_weight(kappa)
    assert piece.constant(kappa) == sharp_edge_drop(kappa)


def test_the_checker_is_what_the_evidence_asks(monkeypatch):
    monkeypatch.setattr(checker, "is_sum_of_squares", lambda polynomial: False)
    assert evidence_of("W-nonconvex-kappa-2").verdict is Verdict.INCONCLUSIVE
