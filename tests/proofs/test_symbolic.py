"""The symbolic claims: each proves what it says, and deliberately wrong methods make them fail, by name."""

import dataclasses
import json
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from symbolic_cases import ALGORITHM_MUTANTS, QUINTIC_MUTANTS

from pisa_lab import updates
from pisa_lab.preconditioners import orthogonal
from proofs_check.claim import Verdict
from proofs_check.kernel.algorithm import Algorithm, Client
from proofs_check.kernel.facts import Holds
from proofs_check.kernel.outlines import read_outlines
from proofs_check.kernel.proof import Proof
from proofs_check.symbolic import CLAIMS_SYMBOLIC
from proofs_check.symbolic.newton_schulz import MUON
from proofs_check.symbolic.quintic import library_quintic, torch_takes_the_librarys
from proofs_check.symbolic.surviving_gradient import recursion_enclosure, share_enclosure
from proofs_check.symbolic.theorems import CLAIMS_THEOREMS

CLAIMS = {claim.name: claim for claim in CLAIMS_SYMBOLIC}

CAUGHT = {
    # claims that must fail, so that a proof which stops looking at the line that the mutant spoils is noticed
    "multiplier descends": {"I1-multiplier-is-minus-gradient", "I3-momentum-form", "multiplier-step-is-dual-ascent"},
    "multiplier with the stale penalty": {"I1-multiplier-is-minus-gradient", "I7-changes-of-the-lagrangian"},
    "solve with the stale penalty": {"local-step-is-the-minimiser", "V1-steps-are-summable"},
    "force with the multiplier's sign": {"I4-optimistic-gradient", "fixed-points-are-KKT-points"},
    "penalty shrinks": {"I7-changes-of-the-lagrangian", "V2-limit-is-stationary"},
    "server forgets the weights": {"I2-server-increment", "I5-partition-invariance", "server-step-is-the-minimiser"},
    "server forgets the ridge": {"I2-server-increment", "I6-stability-edge", "V7-bound-from-the-first-gap"},
    "server with the next penalty": {"I7-changes-of-the-lagrangian", "I2-server-increment"},
    "multiplier before the solve": {"heavy-ball-on-optimistic-gradient", "V6-uniform-rate"},
}


def subject_mutants(claim):
    return ALGORITHM_MUTANTS if isinstance(claim.check.subject, Algorithm) else QUINTIC_MUTANTS


@pytest.fixture(scope="module")
def verdicts():
    """The table mutant × claim of whether the claim still holds."""
    table = {}
    for claim in CLAIMS_SYMBOLIC:
        for mutant, subject in subject_mutants(claim).items():
            table[mutant, claim.name] = claim.check.of(subject).verdict is claim.expected
    return table


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_holds(name):
    finding = CLAIMS[name].run()
    assert finding.as_expected, finding.evidence.detail
    assert finding.evidence.steps


@pytest.mark.parametrize("name", CLAIMS)
def test_evidence_is_json(name):
    evidence = CLAIMS[name].run().evidence
    stored = [evidence.numbers, evidence.instance, evidence.figure, list(evidence.steps)]
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_is_well_formed(name):
    claim = CLAIMS[name]
    assert claim.kind == "symbolic"
    assert claim.requires == ("sympy",)
    assert claim.source
    assert claim.hypotheses
    assert claim.expected in (Verdict.PROVED, Verdict.REFUTED)


@pytest.mark.parametrize("name", CLAIMS)
def test_formula_renders(name):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    box = mathtext.MathTextParser("path").parse(CLAIMS[name].latex)
    assert box.width > 0
    assert CLAIMS[name].latex.count("$") == 2


@pytest.mark.parametrize("name", [*CLAIMS, *(claim.name for claim in CLAIMS_THEOREMS)])
def test_every_proof_has_an_outline(name):
    assert read_outlines()[name]


def test_the_claims_run_on_the_librarys_quintic():
    assert library_quintic() == MUON
    assert MUON.steps == 5
    assert [float(number) for number in (MUON.a, MUON.b, MUON.c)] == list(orthogonal.COEFFICIENTS)


def test_coefficients_of_torchs_own_are_noticed(tmp_path):
    assert torch_takes_the_librarys()
    own = tmp_path / "own.py"
    own.write_text("from pisa_lab.preconditioners.orthogonal import COEFFICIENTS\nCOEFFICIENTS = (2, -1.5, 0.5)\n")
    assert not torch_takes_the_librarys(own)
    own.write_text("COEFFICIENTS = (3.4445, -4.7750, 2.0315)\n")
    assert not torch_takes_the_librarys(own)


def test_names_are_unique():
    assert len(CLAIMS) == len(CLAIMS_SYMBOLIC) >= 16


@pytest.mark.slow
@pytest.mark.parametrize("mutant", [*ALGORITHM_MUTANTS, *QUINTIC_MUTANTS])
def test_mutant_fails_a_claim(mutant, verdicts):
    held = {name: holds for (wrong, name), holds in verdicts.items() if wrong == mutant}
    assert not all(held.values()), held


@pytest.mark.parametrize("name", CLAIMS)
def test_claim_fails_for_a_mutant(name, verdicts):
    held = {wrong: holds for (wrong, claim), holds in verdicts.items() if claim == name}
    assert not all(held.values()), held


@pytest.mark.parametrize("mutant", CAUGHT)
def test_mutant_fails_the_claims_about_its_line(mutant, verdicts):
    assert not any(verdicts[mutant, name] for name in CAUGHT[mutant])


def test_failing_identity_keeps_a_counterexample():
    claim = CLAIMS["I2-server-increment"]
    evidence = claim.check.of(ALGORITHM_MUTANTS["server forgets the ridge"])
    assert evidence.verdict is Verdict.REFUTED
    assert "residual" in evidence.instance
    assert "R_i(w+)" in evidence.detail


def test_a_proof_without_facts_says_nothing():
    assert Proof(lambda subject, effort: iter(()), None)(0, "quick").verdict is Verdict.INCONCLUSIVE


def test_a_proof_stops_at_the_first_failing_fact():
    proof = Proof(lambda s, e: iter([Holds("a", True), Holds("b", False), Holds("c", True)]), None)
    evidence = proof(0, "quick")
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert evidence.steps == ("a",)


def test_arithmetic_errors_are_inconclusive():
    evidence = Proof(lambda s, e: (Holds("a", 1 // s > 0) for _ in range(1)), 0)(0, "quick")
    assert evidence.verdict is Verdict.INCONCLUSIVE


def test_claims_load_without_sympy():
    code = (
        "import sys; sys.modules['sympy'] = None; from proofs_check.symbolic import CLAIMS_SYMBOLIC as c; print(len(c))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(CLAIMS_SYMBOLIC)


@pytest.mark.parametrize("ratio", [Fraction(1, 2), Fraction(4, 5)])
def test_share_enclosures_hold_the_float_recursion(ratio):
    x = Fraction(1, 5)
    last, here = 0.0, 1.0
    for power in range(1, 400):
        step = float(x * ratio**power) if power < 200 else 0.0
        last, here = here, (1 - 2 * step) * here + step * last
    for low, high in (share_enclosure(x, ratio), recursion_enclosure(x, ratio, rounds=120)):
        assert high - low < Fraction(1, 10**9)
        assert float(low) - 1e-14 <= here <= float(high) + 1e-14  # a few roundings of a float near 1


@pytest.mark.slow
def test_full_effort_checks_more():
    claim = CLAIMS["V2-share-is-a-basic-hypergeometric-series"]
    assert len(claim.check.of(claim.check.subject, "full").steps) > len(claim.run().evidence.steps)


def test_algorithm_is_the_librarys():
    """One round of the exact equations equals one round of pisa_lab on three clients with everything switched on."""
    equations, third = Algorithm(), Fraction(1, 3)
    clients = [
        Client(
            third,
            Fraction(2 + i),
            Fraction(3, 4),
            Fraction(i),
            Fraction(5, 7),
            Fraction(i, 3),
            Fraction(1 - i),
            0,
            third,
        )
        for i in range(3)
    ]
    w, after = equations.round(clients, lambda i, at: (i + 1) * at - i)
    floats = {f.name: np.asarray([float(getattr(c, f.name)) for c in clients]) for f in dataclasses.fields(Client)}
    start = np.asarray(0.0)
    moved = updates.consensus_step(
        start, floats["local"], floats["multiplier"], floats["penalty"], floats["weight"], float(third)
    )
    assert float(w) == pytest.approx(float(moved), rel=1e-14)
    gradient = np.arange(1, 4) * moved - np.arange(3)
    penalty = floats["penalty"] / floats["ratio"]
    solution = updates.diagonal_solve(floats["multiplier"] + gradient, penalty, floats["rho"], floats["curvature"])
    deviation = updates.local_deviation(solution)
    multiplier = updates.multiplier_step(floats["multiplier"], penalty, deviation)
    assert [float(c.multiplier) for c in after] == pytest.approx(multiplier.tolist(), rel=1e-13)
    assert [float(c.deviation) for c in after] == pytest.approx(deviation.tolist(), rel=1e-13)
