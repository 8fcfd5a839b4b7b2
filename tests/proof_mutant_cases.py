"""Wrong proofs, sentences and kernels: name → what spoils one thing and returns the claim that must fail."""

import dataclasses
from fractions import Fraction

import sympy

from pisa_lab.preconditioners import orthogonal
from proofs_check.kernel import algebra, facts, formulas, proof
from proofs_check.kernel.domains import Interval, Orthant, Slab
from proofs_check.kernel.facts import Certificate, Consequence, Inequality
from proofs_check.kernel.schemes import Cover, Induction
from proofs_check.symbolic import CLAIMS_SYMBOLIC
from proofs_check.symbolic.quintic import library_quintic
from proofs_check.symbolic.theorems import (
    CLAIMS_THEOREMS,
    batch_round,
    finite,
    floors,
    full_round,
    interpolation,
    last_iterate,
    minibatch,
    oblivious,
    potentials,
    quadratics,
    sectors,
    stochastic,
)

CLAIMS = {claim.name: claim for claim in (*CLAIMS_SYMBOLIC, *CLAIMS_THEOREMS)}


def without(name, *fragments):
    """The claim whose proof leaves out the facts with one of ``fragments`` in their names, and has no outline."""
    claim, gone = CLAIMS[name], []

    def fewer(subject, effort):
        for fact in claim.check.facts(subject, effort):
            if any(fragment in fact.name for fragment in fragments):
                gone.append(fact.name)
            else:
                yield fact

    assert gone or any(
        fragment in fact.name for fact in claim.check.facts(claim.check.subject, "quick") for fragment in fragments
    )
    return dataclasses.replace(claim, check=dataclasses.replace(claim.check, facts=fewer, outline=()))


def reworded(name, old, new):
    """The claim with another sentence over the same proof."""
    claim = CLAIMS[name]
    assert old in claim.check.sentence
    return dataclasses.replace(
        claim,
        statement=claim.statement.replace(old, new),
        check=dataclasses.replace(claim.check, sentence=claim.check.sentence.replace(old, new)),
    )


def with_proof(name, facts_of):
    """The claim over another proof, a function of the algorithm."""
    claim = CLAIMS[name]
    return dataclasses.replace(
        claim, check=dataclasses.replace(claim.check, facts=lambda subject, effort: facts_of(subject))
    )


def patch(monkeypatch, owner, name, value, claim):
    monkeypatch.setattr(owner, name, value)
    return CLAIMS[claim]


def weaker_interval(monkeypatch, module, name, low):
    """A certificate for κ from ``low`` on in place of 2."""
    original = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given: original(sympy.Integer(low)))


def from_five(monkeypatch):
    weaker_interval(monkeypatch, potentials, "nonconvex_large", 5)
    return CLAIMS["T1-nonconvex-potential"]


def convex_from_five(monkeypatch):
    weaker_interval(monkeypatch, potentials, "convex_large", 5)
    return CLAIMS["T1-convex-potential"]


def rate_from_three(monkeypatch):
    weaker_interval(monkeypatch, finite, "nonconvex_large", 3)
    return CLAIMS["T2-nonconvex-rate"]


def convex_rate_from_three(monkeypatch):
    weaker_interval(monkeypatch, finite, "convex_large", 3)
    return CLAIMS["T2-convex-rate"]


def last_iterate_from_three(monkeypatch):
    ranges = last_iterate.RANGES | {"2 ≤ κ ≤ 7/2": ("3", "7/2")}
    return patch(monkeypatch, last_iterate, "RANGES", ranges, "T4-last-iterate")


def constants(**changes):
    def mutate(monkeypatch):
        changed = dataclasses.replace(batch_round.CONSTANT, **changes)
        weights = minibatch.WEIGHTS | {changed: minibatch.WEIGHTS[minibatch.CONSTANT]}
        monkeypatch.setattr(minibatch, "WEIGHTS", weights)
        return with_proof("T7-minibatch-constant", lambda a: minibatch.minibatch_proof(a, changed, batch_round.WIDE))

    return mutate


def false_lipschitz(monkeypatch):
    def half(step):
        return Inequality("Lipschitz gradient", step.move**2 / 2 - step.turn**2, "L = 1")

    monkeypatch.setattr(interpolation, "lipschitz", half)
    return CLAIMS["T12-threshold-any-clients"]


def false_averaged_lipschitz(monkeypatch):
    original = sectors.inequalities

    def half(given, at):
        forward, lipschitz, sector = original(given, at)
        turns = at.mean[2] ** 2 + at.deviation[2] ** 2
        return forward, dataclasses.replace(lipschitz, expression=(lipschitz.expression - turns) / 2), sector

    return patch(monkeypatch, sectors, "inequalities", half, "T12-threshold-any-clients")


def strengthened_descent(monkeypatch):
    original = stochastic.inequalities

    def better(at):
        found = original(at)
        descent = found["descent"]
        return found | {"descent": dataclasses.replace(descent, expression=descent.expression - at.square)}

    return patch(monkeypatch, stochastic, "inequalities", better, "T5-stochastic-step")


def halved_weight(monkeypatch):
    original = full_round.small_case

    def other(beta, kept):
        case = original(beta, kept)
        return dataclasses.replace(case, share=case.share / 2)

    return patch(monkeypatch, full_round, "small_case", other, "T6-preconditioned")


def another_table(rows):
    return lambda monkeypatch: with_proof("T12-threshold-any-clients", lambda a: sectors.sector_proof(a, rows))


def lower_kappa(monkeypatch):
    rows = (dataclasses.replace(sectors.SEPARATE[0], kappa=Fraction(3, 2)), *sectors.SEPARATE[1:])
    return another_table(rows)(monkeypatch)


def floor_rows(monkeypatch):
    monkeypatch.setattr(floors, "TABLE", floors.TABLE[:1])
    monkeypatch.setattr(floors, "EXCESS", floors.EXCESS[:1])
    return CLAIMS["T5-floor-tightened"]


def loose_excess(monkeypatch):
    return patch(monkeypatch, floors, "EXCESS", (Fraction(1, 2),) * 6, "T5-floor-tightened")


def library(name, *coefficients, steps=5):
    def mutate(monkeypatch):
        if coefficients:
            monkeypatch.setattr(orthogonal, "COEFFICIENTS", coefficients)
        original = orthogonal.newton_schulz
        monkeypatch.setattr(orthogonal, "newton_schulz", lambda x, *, steps=steps: original(x, steps=steps))
        claim = CLAIMS[name]
        return dataclasses.replace(claim, check=dataclasses.replace(claim.check, subject=library_quintic()))

    return mutate


def true(*given, **named):
    return True


def nothing(*given, **named):
    return ()


KERNEL = {
    "the orthant shows every sign": (Orthant, "nonnegative", true),
    "the orthant shows every strict sign": (Orthant, "positive", true),
    "a slab shows every sign": (Slab, "nonnegative", true),
    "a slab shows every strict sign": (Slab, "positive", true),
    "a slab includes everything": (Slab, "includes", true),
    "an orthant includes everything": (Orthant, "includes", true),
    "an interval includes everything": (Interval, "includes", true),
    "an interval shows every sign": (Interval, "nonnegative", true),
    "an interval shows every strict sign": (Interval, "positive", true),
    "root isolation says nonnegative": (algebra, "nonnegative_on", true),
    "the orthant's coefficients are not looked at": (algebra, "nonnegative_on_orthant", true),
    "everything vanishes": (facts, "is_zero", true),
    "sums are not compared": (Certificate, "sum_failures", nothing),
    "multipliers unchecked": (Certificate, "multiplier_failures", nothing),
    "square weights unchecked": (Certificate, "square_failures", nothing),
    "consequences unchecked": (Consequence, "failures", nothing),
    "means of products": (Consequence, "_is_linear", true),
    "inductions unchecked": (Induction, "failures", nothing),
    "inductions show any value": (Induction, "admits", true),
    "ranges unchecked": (Cover, "failures", nothing),
    "squares pass for facts": (facts, "holds_whatever_the_symbols", lambda expression: False),
    "sources need not stand": (proof, "_missing", nothing),
    "premises may be conclusions": (proof, "_begs", lambda fact: False),
    "sentences are not looked at": (proof.Proof, "_unsaid", nothing),
    "conclusions are not looked at": (proof.Proof, "_unreached", nothing),
    "every formula reads as its fact": (formulas.Concludes, "failures", nothing),
}
MUTANTS = {
    # Facts left out.
    "T2 without the induction's step": lambda m: without("T2-nonconvex-rate", "induction step"),
    "T2 without the induction's base": lambda m: without("T2-nonconvex-rate", "base: the first step"),
    "T2 without the induction": lambda m: without("T2-convex-rate", "every j"),
    "T4 without the steps of Y": lambda m: without("T4-last-iterate", "Y_{k+1} ≤ Y_k"),
    "T5 floor without its step": lambda m: without("T5-variance-floor", "E V_{k+1} ≤ V_k"),
    "T6 without the endpoint": lambda m: without("T6-preconditioned", "slack ≥ 0 on the whole spectrum"),
    "T6 without the round": lambda m: without("T6-preconditioned", "V⁺ ≤ V − ‖∇F_λ‖²/(2s)"),
    "T6 without both": lambda m: without("T6-preconditioned", "slack ≥ 0 on the", "V⁺ ≤ V − ‖∇F_λ‖²"),
    "T6 linear without its step": lambda m: without("T6-linear-rate", "V⁺ − F* ≤ (1−χ)"),
    "T8 without the round": lambda m: without("T8-oblivious-preconditioner", "E V⁺ ≤ V − drop"),
    "T7 without the coefficients": lambda m: without("T7-minibatch-constant", "coefficient of"),
    "T9 without stability": lambda m: without("T9-same-batch-bias", "stable"),
    "T12 without the row β = 1": another_table(sectors.SEPARATE[1:]),
    "T5 floors, one row of six": floor_rows,
    # Ranges with gaps.
    "T1 from κ = 5": from_five,
    "T1 convex from κ = 5": convex_from_five,
    "T2 from κ = 3": rate_from_three,
    "T2 convex from κ = 3": convex_rate_from_three,
    "T4 without 2 ≤ κ ≤ 3": last_iterate_from_three,
    # Loosened constants and false axioms.
    "T7 noise times 100": constants(mean=Fraction(60)),
    "T7 rate .01": constants(rate=Fraction(1, 100)),
    "T5 floors within a half": loose_excess,
    "T12 on a false Lipschitz inequality, in its one home": false_lipschitz,
    "T12 on a false Lipschitz inequality, in its own averages": false_averaged_lipschitz,
    # Sentences that say something else.
    "T2 says 3κ²": lambda m: reworded("T2-nonconvex-rate", "4κ²L(F(w_0)−F*)", "3κ²L(F(w_0)−F*)"),
    "T6 says half of X": lambda m: reworded("T6-preconditioned", "4/(4−β)", "2/(4−β)"),
    "T7 drops 6.5q²": lambda m: reworded("T7-minibatch-constant", "(10/κ² + 6.5q²)", "(10/κ²)"),
    # Of every kind.
    "T1 without the whole range": lambda m: without("T1-nonconvex-potential", "V falls for every κ > 3/2"),
    "T1 says c > 0 with another c": lambda m: reworded("T1-nonconvex-potential", "(4κ−1)/(4κ²)", "(4κ+1)/(4κ²)"),
    "T4 says ν = 1/(2κ−2)": lambda m: reworded("T4-last-iterate", "1/(2κ−3)", "1/(2κ−2)"),
    "T5 step on a better descent lemma": strengthened_descent,
    "T5 schedule without the sum": lambda m: without("T5-repaired-schedule", "Σ weights·E‖g_k‖² ≤"),
    "T6 with half of a": halved_weight,
    "T6 without the warm start's sum": lambda m: without("T6-preconditioned", "warm start: the sum is"),
    "T7 with the noise of constant penalties where they grow": lambda m: reworded(
        "T7-minibatch-growing", "[1.2v/κ_k + (1+2β)(20/κ_k² + 12q²)v̄]", "[0.6v/κ_k + (1+2β)(10/κ_k² + 6.5q²)v̄]"
    ),
    "T7 schedule without comparable penalties": lambda m: reworded(
        "T7-repaired-schedule", "σ_i ≥ aσ_k for every client", "any σ_i"
    ),
    "T7 without the bound of the move": lambda m: without("T7-minibatch-growing", "mixed order: t₁ ≤ 1"),
    "T8 with B = 1": lambda m: without("T8-oblivious-preconditioner", "(1−C)² ≤ B² for B ≥ β−1"),
    "T8 with a larger drop": lambda m: patch(
        m, oblivious, "one_round", lambda old=oblivious.one_round: old(Fraction(11, 10)), "T8-oblivious-preconditioner"
    ),
    "T10 with + λ/2": lambda m: reworded("T10-quadratic-threshold", "3μh/(2(2−μ)) − λ/2", "3μh/(2(2−μ)) + λ/2"),
    "T10 with another edge": lambda m: patch(
        m,
        quadratics,
        "threshold",
        lambda h, ridge, moving: 3 * moving * h / (2 * (2 - moving)),
        "T10-quadratic-threshold",
    ),
    "T12 at κ_0 = 3/2": lower_kappa,
    "T12 says a larger c": lambda m: reworded("T12-threshold-any-clients", "(1, 1.51, 0.037)", "(1, 1.51, 0.37)"),
    "I2 without its identity": lambda m: without("I2-server-increment", "the client's part of I2"),
    "V1 with the P of the mean penalty": lambda m: reworded("V1-steps-are-summable", "P = sum alpha_i P_i", "P = B"),
    "the library's quintic fixes 1": library("newton-schulz-fixed-points", 1.875, -1.25, 0.375),
    "the library's a is 3.4545": library("newton-schulz-landing-interval", 3.4545, -4.7750, 2.0315),
    "the library takes four steps": library("newton-schulz-landing-interval", steps=4),
}
