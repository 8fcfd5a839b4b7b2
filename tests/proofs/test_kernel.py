"""The kernel of the symbolic claims: it proves what follows, and nothing that it was only told."""

import dataclasses
from fractions import Fraction

import pytest
import sympy

from proofs_check.claim import Verdict
from proofs_check.kernel import algebra, controls, facts, proof
from proofs_check.kernel.algorithm import PISA_EQUATIONS
from proofs_check.kernel.controls import check_kernel
from proofs_check.kernel.domains import Interval, Orthant, Slab
from proofs_check.kernel.facts import Certificate, Consequence, Holds, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import Proof, check_proofs, theorem
from proofs_check.kernel.schemes import Cover, Induction

k, t = sympy.symbols("k t", positive=True)
x, y, g = sympy.symbols("x y g")


def verdict(*given, conclusion=None, sentence=""):
    check = Proof(lambda algorithm, effort: given, PISA_EQUATIONS, conclusion=conclusion or {}, sentence=sentence)
    return check(0, "quick").verdict


def claimed(*given, conclusion=None):
    """A theorem that is false, with whatever facts."""
    return theorem(
        "T0-fake",
        "PISA's gradient is 0 at every step: ‖g‖² ≤ 0.",
        latex="",
        hypotheses=("none",),
        source="",
        proof=lambda algorithm: given,
        conclusion=conclusion,
    ).run()


@pytest.fixture
def fresh():
    check_kernel.cache_clear()
    check_proofs.cache_clear()
    yield
    check_kernel.cache_clear()
    check_proofs.cache_clear()


def test_controls_hold():
    assert check_kernel() == check_proofs() == ()


def test_a_theorem_without_a_conclusion_is_not_proved():
    tautology = Identity("(g+1)² = g²+2g+1", (g + 1) ** 2, g**2 + 2 * g + 1)
    finding = claimed(tautology)
    assert finding.evidence.verdict is Verdict.INCONCLUSIVE
    assert "no fact is named as the conclusion" in finding.evidence.detail


def test_a_theorem_whose_conclusion_is_not_a_fact_is_not_proved():
    tautology = Identity("(g+1)² = g²+2g+1", (g + 1) ** 2, g**2 + 2 * g + 1)
    finding = claimed(tautology, conclusion={"‖g‖² ≤ 0": "‖g‖² ≤ 0 at every step"})
    assert finding.evidence.verdict is Verdict.INCONCLUSIVE
    assert "is 0 facts of the proof" in finding.evidence.detail


def test_a_tautology_is_not_read_as_the_sentence():
    tautology = Certificate("g² ≥ 0", g**2, (), ((1, g),))
    assert claimed(tautology, Concludes("‖g‖² ≤ 0", tautology, {"‖g‖": g})).evidence.verdict is Verdict.INCONCLUSIVE


def test_a_free_label_does_not_prove():
    """The attack: the conclusion itself as an inequality "proved before"."""
    told = Inequality("the gradient is 0", -(g**2), "proved before")
    fake = Certificate("‖g‖² ≤ 0", -(g**2), ((1, told),))
    finding = claimed(fake, Concludes("‖g‖² ≤ 0", fake, {"‖g‖": g}))
    assert finding.evidence.verdict is Verdict.INCONCLUSIVE
    assert "assumes what it concludes" in finding.evidence.detail


def test_what_is_used_is_listed_whatever_its_label():
    told = Inequality("x ≥ y", x - y, "proved before")
    shown = Certificate("x + k ≥ y", x + k - y, ((1, told),), ((k, 1),))
    check = Proof(lambda algorithm, effort: (shown,), PISA_EQUATIONS, conclusion={"x + k ≥ y": shown.name})
    evidence = check(0, "quick")
    assert evidence.verdict is Verdict.PROVED
    assert "used from outside: x ≥ y (proved before)" in evidence.detail


def test_a_consequence_needs_its_source_earlier_in_the_proof():
    source = Certificate("k x² ≥ 0", k * x**2, (), ((k, x),))
    drawn = Consequence("t y² ≥ 0", t * y**2, source, at={k: t, x: y})
    later = Certificate("t y² + 1 ≥ 0", t * y**2 + 1, ((1, drawn),), ((1, 1),))
    conclusion = {"later": later.name}
    assert verdict(source, later, conclusion=conclusion) is Verdict.PROVED
    assert verdict(later, conclusion=conclusion) is Verdict.INCONCLUSIVE
    assert verdict(later, source, conclusion=conclusion) is Verdict.INCONCLUSIVE


def test_a_premise_that_rests_on_a_fact_needs_it():
    ground = Identity("(x+y)(x−y) = x²−y²", (x + y) * (x - y), x**2 - y**2)
    told = Inequality("x ≥ y", x - y, "by the identity", (ground.name,))
    shown = Certificate("x + 1 ≥ y", x + 1 - y, ((1, told),), ((1, 1),))
    assert verdict(ground, shown, conclusion={"": shown.name}) is Verdict.PROVED
    assert verdict(shown, conclusion={"": shown.name}) is Verdict.INCONCLUSIVE


def test_the_sentence_must_say_the_conclusion():
    fact = Sign("k + 1 > 0", k + 1, strict=True)
    assert verdict(fact, conclusion={"k + 1": fact.name}, sentence="k + 1 is positive") is Verdict.PROVED
    assert verdict(fact, conclusion={"k + 2": fact.name}, sentence="k + 1 is positive") is Verdict.INCONCLUSIVE


def test_the_sentences_numbers_are_read():
    shown = Certificate("x ≤ 4k²", 4 * k**2 - x, ((1, Inequality("x ≤ k²", k**2 - x, "given")),), ((3, k),))
    words = {"x": x, "κ": k}
    assert not Concludes("x ≤ 4κ²", shown, words).failures()
    assert Concludes("x ≤ 3κ²", shown, words).failures()
    assert Concludes("x ≥ 4κ²", shown, words).failures()


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("4κ²/((4κ−1)x + 2κ² + 4κ − 3)", 4 * k**2 / ((4 * k - 1) * x + 2 * k**2 + 4 * k - 3)),
        ("0.6x/κ", sympy.Rational(3, 5) * x / k),
        ("−κ√x/(2+κ)", -k * sympy.sqrt(x) / (2 + k)),
        ("(1/κ)[x + 6.5κ²]", (x + sympy.Rational(13, 2) * k**2) / k),
        ("√(1+2κ)(1+κ)^{3/2}", sympy.sqrt(1 + 2 * k) * (1 + k) ** sympy.Rational(3, 2)),
        ("x ≤ κ − 1", k - 1 - x),
        ("‖g_k‖² ≥ x", y**2 - x),
    ],
)
def test_formulas_are_read(text, expression):
    assert algebra.is_zero(read(text, {"κ": k, "x": x, "‖g_k‖": y}) - expression)


@pytest.mark.parametrize("text", ["z + 1", "x + ", "(x", "x ≤ κ ≤ 1", "x) + 1", ""])
def test_formulas_that_cannot_be_read_are_errors(text):
    with pytest.raises(ValueError, match="text"):
        read(text, {"x": x, "κ": k})


def test_certificates_refuse_wrong_signs_and_vectors_as_weights():
    kappa = sympy.Symbol("kappa", positive=True)
    assert not Certificate("square", x**2, (), ((1, x),)).failures()
    assert Certificate("negative weight", -(x**2), (), ((-1, x),)).failures()
    assert Certificate("a vector as a weight", x**3, (), ((x, x),)).failures()
    assert Certificate("a vector as a multiplier", x * kappa, ((x, Inequality("κ", kappa, "")),)).failures()
    assert Identity("wrong", x, x + 1).failures()
    assert Sign("negative", -kappa, Orthant()).failures()


def test_interval_isolates_roots_exactly():
    kappa = sympy.Symbol("kappa", positive=True)
    root = (1 + sympy.sqrt(6)) / 2
    polynomial = 4 * kappa**2 - 4 * kappa - 5
    assert Interval(kappa, root).nonnegative(polynomial)
    assert not Interval(kappa, sympy.Rational(17247448713, 10**10)).nonnegative(polynomial)
    assert not Interval(kappa, sympy.Integer(1)).nonnegative(1 / (kappa - 2))
    assert not Interval(kappa, sympy.Integer(1)).nonnegative(sympy.Symbol("beta", positive=True))


def test_an_induction_needs_base_step_and_its_hypothesis():
    value, start, later, drop = sympy.symbols("V V_0 V_next d")
    falls = Inequality("V⁺ ≤ V", value - later, "given")
    hypothesis = Inequality("V_0 ≥ V", start - value, "of the induction")
    base = Certificate("V_0 ≥ V_1", value - later, ((1, falls),), ((0, drop),))
    step = Certificate("V_0 ≥ V⁺", start - later, ((1, hypothesis), (1, falls)))
    begin, shift = {start: value, value: later}, {value: later}
    good = Induction("V_0 ≥ V_N", hypothesis, base, step, begin, shift)
    assert not good.failures()
    assert good.sources() == (base, step)
    other = Inequality("V_0 ≥ V", start - value, "the same words, another object")
    assert dataclasses.replace(good, hypothesis=other).failures()
    assert dataclasses.replace(good, base=step).failures()
    assert dataclasses.replace(good, step=base).failures()
    assert dataclasses.replace(good, shift={value: value}).failures()


def test_an_induction_shows_only_the_values_that_it_reaches():
    value, p = sympy.symbols("V p")
    hypothesis = Inequality("V ≥ p", value - p, "of the induction")
    step = Certificate("V ≥ 2p − 1", value - 2 * p + 1, ((1, hypothesis), (1, Inequality("1 ≥ p", 1 - p, "given"))))
    base = Certificate("V ≥ 1", value - 1, ((1, Inequality("V ≥ 1", value - 1, "given")),))
    induction = Induction("V ≥ p", hypothesis, base, step, {p: sympy.Integer(1)}, {p: 2 * p - 1}, (p,))
    assert not induction.failures()
    assert not Consequence("V ≥ 1", value - 1, induction, at={p: sympy.Integer(1)}).failures(Orthant())
    assert Consequence("V ≥ 2", value - 2, induction, at={p: sympy.Integer(2)}).failures(Orthant())


def test_an_induction_does_not_tie_states_loose():
    value, start, later = sympy.symbols("V V_0 V_next")
    falls = Inequality("V⁺ ≤ V", value - later, "given")
    hypothesis = Inequality("V_0 ≥ V", start - value, "of the induction")
    base = Certificate("V_0 ≥ V_1", value - later, ((1, falls),))
    step = Certificate("V_0 ≥ V⁺", start - later, ((1, hypothesis), (1, falls)))
    induction = Induction("V_0 ≥ V_N", hypothesis, base, step, {start: value, value: later}, {value: later})
    assert not Consequence("a ≥ b", x - y, induction, at={start: x, value: y}).failures(Orthant())
    assert Consequence("0 ≥ 1", sympy.Integer(-1), induction, at={start: x, value: x + 1}).failures(Orthant())


def test_ranges_must_be_the_whole():
    low, high = Sign("", k, Interval(k, 1, 2)), Sign("", k, Slab(k, sympy.Integer(2)))
    assert not Cover("κ ≥ 1", (low, high), 1).failures()
    assert Cover("κ ≥ 1/2", (low, high), Fraction(1, 2)).failures()
    assert Cover("κ ≥ 1", (low, Sign("", k, Interval(k, 3))), 1).failures()
    assert Cover("κ ≥ 1", (low,), 1).failures()


def test_domains_include_only_what_they_cover():
    wide, narrow = Interval(k, 1), Interval(k, 2, 3)
    assert wide.includes(narrow)
    assert not narrow.includes(wide)
    assert Slab(k, sympy.Integer(1)).includes(Slab(k, sympy.Integer(2), sympy.Integer(5)))
    assert not Orthant({k: 1 + t}).includes(Orthant())


def test_strict_signs_are_strict():
    assert Sign("", (k - 1) * (k + 1), Interval(k, 1), strict=True).failures()
    assert not Sign("", (k - 1) * (k + 1), Interval(k, 1, open_ends=True), strict=True).failures()
    assert Sign("", k - k, Orthant(), strict=True).failures()


@pytest.mark.parametrize("expression", [(k / (2 + k)) ** 2, 3 * k**2, 1 / (x * y) ** 2])
def test_a_square_is_no_fact_about_its_symbols(expression):
    assert Sign("square", expression).failures()


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        (Orthant, "nonnegative", lambda self, expression: True),
        (Interval, "nonnegative", lambda self, expression: True),
        (Interval, "positive", lambda self, expression: True),
        (Certificate, "sum_failures", lambda self: ()),
        (Certificate, "multiplier_failures", lambda self: ()),
        (Certificate, "square_failures", lambda self: ()),
        (Consequence, "failures", lambda self, domain: ()),
        (Consequence, "_is_linear", lambda self: True),
        (Consequence, "_reach", lambda self: Orthant()),
        (Induction, "failures", lambda self: ()),
        (Cover, "failures", lambda self: ()),
        (Concludes, "failures", lambda self: ()),
        (Holds, "failures", lambda self: ()),
        (facts, "is_zero", lambda expression: True),
        (facts, "is_zero", lambda expression: False),
        (facts, "holds_whatever_the_symbols", lambda expression: False),
        (algebra, "is_zero", lambda expression: True),
        (algebra, "nonnegative_on", lambda *args: True),
        (algebra, "positive_on", lambda *args, **kwargs: True),
        (algebra, "nonnegative_on_orthant", lambda *args: True),
        (algebra, "is_positive_semidefinite", lambda matrix: True),
        (controls, "_true_facts", lambda: (Holds("refused", False),)),
        (proof, "_missing", lambda fact, held: ()),
        (proof, "_begs", lambda fact: False),
        (Proof, "_unsaid", lambda self, fact: ()),
        (Proof, "_unreached", lambda self, held: ()),
    ],
)
def test_a_broken_kernel_fails_its_controls(owner, name, broken, monkeypatch, fresh):
    monkeypatch.setattr(owner, name, broken)
    assert check_kernel() or check_proofs()
    fact = Holds("1 = 1", True)
    assert verdict(fact, conclusion={"": fact.name}) is not Verdict.PROVED
