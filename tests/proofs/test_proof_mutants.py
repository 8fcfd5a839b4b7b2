"""Wrong proofs, wrong sentences and wrong kernels: each must make a claim, or the kernel's own controls, fail.

A mutant spoils one thing and returns the claim that must no longer be proved. `make slow` runs them.
"""

import pytest
from proof_mutant_cases import CLAIMS, KERNEL, MUTANTS
from symbolic_cases import ALGORITHM_MUTANTS

from proofs_check.claim import Verdict
from proofs_check.kernel import algebra, proof
from proofs_check.kernel.controls import check_kernel
from proofs_check.kernel.proof import check_proofs
from proofs_check.symbolic.theorems import (
    CLAIMS_THEOREMS,
    batch_round,
)

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def fresh():
    """Nothing that a mutant computed may be remembered, nor anything that it should have."""
    stores = (check_kernel, check_proofs, batch_round.one_round, algebra._vanishes)
    for store in stores:
        store.cache_clear()
    yield
    for store in stores:
        store.cache_clear()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_proof_is_not_proved(name, monkeypatch):
    claim = MUTANTS[name](monkeypatch)
    verdict = claim.run().evidence.verdict
    assert claim.expected is Verdict.PROVED
    assert verdict is not Verdict.PROVED or check_kernel(), name


@pytest.mark.parametrize("name", KERNEL)
def test_a_wrong_kernel_is_noticed(name, monkeypatch):
    monkeypatch.setattr(*KERNEL[name])
    assert check_kernel() or check_proofs()
    assert CLAIMS["I1-multiplier-is-minus-gradient"].run().evidence.verdict is not Verdict.PROVED


@pytest.mark.parametrize("name", CLAIMS)
def test_no_step_may_be_left_out(name):
    """Every single fact of every proof, left out."""
    claim = CLAIMS[name]
    whole = list(claim.check.facts(claim.check.subject, "quick"))
    for place, fact in enumerate(whole):
        rest = whole[:place] + whole[place + 1 :]
        held = [kept for index, kept in enumerate(rest) if not proof._missing(kept, rest[:index])]
        assert len(held) < len(rest) or claim.check._unreached(rest), fact.name


GENERAL = ("p⁺ = (I−M)p + Mg", "g − p⁺ = (I−M)e", "R_i(w⁺) = (σ_i+λ)(w⁺−w)")


@pytest.mark.parametrize("name", [claim.name for claim in CLAIMS_THEOREMS])
def test_each_theorems_own_case_comes_from_the_algorithm(name):
    """Without the identities of the general client some mutants still fail: the special case is derived too."""
    claim = CLAIMS[name]

    def failing(algorithm):
        facts_of = (fact for fact in claim.check.facts(algorithm, "quick") if not fact.name.startswith(GENERAL))
        try:
            return any(fact.failures() for fact in facts_of)
        except (ArithmeticError, ValueError):
            return True

    own = [wrong for wrong, algorithm in ALGORITHM_MUTANTS.items() if failing(algorithm)]
    assert len(own) >= (0 if name.startswith("T6") else 4), own
