import dataclasses
import itertools
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import sympy
from symbolic_cases import ALGORITHM_MUTANTS

from proofs_check.claim import Verdict
from proofs_check.kernel.algebra import is_zero
from proofs_check.kernel.algorithm import PISA_EQUATIONS
from proofs_check.kernel.facts import Certificate, Inequality
from proofs_check.kernel.proof import Proof
from proofs_check.symbolic.theorems import (
    CLAIMS_THEOREMS,
    adaptive_bias,
    batch_round,
    finite,
    floors,
    last_iterate,
    matching,
    newton_schulz,
    oblivious,
    potentials,
    preconditioned,
    quadratics,
    sectors,
    stationary,
    stochastic,
)

by_name = {claim.name: claim for claim in CLAIMS_THEOREMS}


def facts_of(name, algorithm=PISA_EQUATIONS):
    return list(by_name[name].check.facts(algorithm, "quick"))


@pytest.mark.parametrize("name", by_name)
def test_claim_is_proved(name):
    finding = by_name[name].run()
    assert finding.evidence.verdict is Verdict.PROVED, finding.evidence.detail
    assert finding.as_expected
    assert len(finding.evidence.steps) >= 3


def test_claims_are_distinct_and_say_for_which_parameters():
    assert len(by_name) == len(CLAIMS_THEOREMS) >= 12
    for claim in CLAIMS_THEOREMS:
        quantified = ("every", "all N", "these parameters", "exactly", "With ρ_iQ_i ⪯ H I fixed", "If Σ1/κ_k")
        assert any(word in claim.statement for word in quantified), claim.name
        assert claim.hypotheses
        assert claim.source
        assert claim.requires == ("sympy",)


@pytest.mark.parametrize("name", by_name)
def test_latex_can_be_drawn(name):
    mathtext = pytest.importorskip("matplotlib.mathtext")
    assert mathtext.MathTextParser("path").parse(by_name[name].latex).width > 0


def test_the_table_loads_without_sympy():
    code = "import sys; import proofs_check.symbolic.theorems, proofs_check.theory; sys.exit('sympy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", by_name)
def test_no_wrong_algorithm_proves_a_theorem(name):
    check = by_name[name].check
    assert not [wrong for wrong, other in ALGORITHM_MUTANTS.items() if check.of(other).verdict is Verdict.PROVED]


@pytest.mark.parametrize("name", by_name)
def test_a_theorem_says_what_it_concludes_and_what_it_uses(name):
    evidence = by_name[name].run().evidence
    assert any(step.startswith("conclusion: ") for step in evidence.steps)
    assert "used from outside: " in evidence.detail


def certificates(name):
    return [fact for fact in facts_of(name) if isinstance(fact, Certificate)]


def spoiled(certificate):
    """Yield copies of a certificate that must not stand, with what was done to them."""
    for number, (multiplier, used) in enumerate(certificate.uses):
        others = certificate.uses[:number] + certificate.uses[number + 1 :]
        if not is_zero(multiplier * used.expression) and isinstance(used, Inequality):
            yield f"dropped {used.name}", dataclasses.replace(certificate, uses=others)
            flipped = dataclasses.replace(used, expression=-used.expression)
            yield f"sign of {used.name}", dataclasses.replace(certificate, uses=(*others, (multiplier, flipped)))
    for number, (weight, base) in enumerate(certificate.squares):
        if not is_zero(weight * base):
            fewer = certificate.squares[:number] + certificate.squares[number + 1 :]
            yield f"dropped square {number}", dataclasses.replace(certificate, squares=fewer)
    yield "another target", dataclasses.replace(certificate, target=2 * certificate.target + 1)


LIGHT = ("T1-", "T2-c", "T4-g", "T5-s", "T8-", "T11-")


@pytest.mark.parametrize("name", [name for name in by_name if name.startswith(LIGHT)])
def test_every_inequality_and_square_is_needed(name):
    tried = 0
    for certificate in certificates(name):
        for what, copy in spoiled(certificate):
            assert copy.failures(), f"{certificate.name}: {what}"
            tried += 1
    assert tried or not certificates(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in by_name if not name.startswith(LIGHT)])
def test_every_inequality_and_square_is_needed_in_the_long_proofs(name):
    for certificate in certificates(name):
        for what, copy in spoiled(certificate):
            assert copy.failures(), f"{certificate.name}: {what}"


half = sympy.Rational(1, 2)
SECTOR = sectors.SEPARATE[0]
SPOILED = {
    "nonconvex potential from 1.9": lambda: (potentials.nonconvex_large(sympy.Rational(19, 10)),),
    "nonconvex potential from 1.4": lambda: potentials.nonconvex_small(sympy.Rational(7, 5)),
    "convex potential from 1.9": lambda: (potentials.convex_large(sympy.Rational(19, 10)),),
    "convex potential from 1.4": lambda: (potentials.convex_small(sympy.Rational(7, 5)),),
    "divergence up to 1.6": lambda: potentials.sharpness_proof(PISA_EQUATIONS, sympy.Rational(8, 5)),
    "nonconvex rate from 1.9": lambda: finite.nonconvex_proof(
        PISA_EQUATIONS, finite.nonconvex_large(sympy.Rational(19, 10))
    ),
    "nonconvex rate from 1.65": lambda: finite.nonconvex_proof(
        PISA_EQUATIONS, finite.nonconvex_small(sympy.Rational(33, 20))
    ),
    "convex rate from 1.9 with r = 0": lambda: finite.convex_proof(
        PISA_EQUATIONS, finite.convex_large(sympy.Rational(19, 10))
    ),
    "convex rate from 1.72": lambda: finite.convex_proof(PISA_EQUATIONS, finite.convex_small(sympy.Rational(43, 25))),
    "Φ monotone from 1.49": lambda: (last_iterate.monotone(sympy.Rational(149, 100)),),
    "stochastic step from 1.4": lambda: stochastic.step_proof(PISA_EQUATIONS, sympy.Rational(7, 5)),
    "5v/3 lowered to 1.6v": lambda: (floors.at_two_step(Fraction(3, 5)),),
    "X(β) = 4/(5−β)": lambda: preconditioned.theorem_one_proof(
        PISA_EQUATIONS, small=4 / (5 - sympy.Symbol("beta", positive=True))
    ),
    "X(β) = (β−2)²": lambda: preconditioned.theorem_one_proof(
        PISA_EQUATIONS, large=(sympy.Symbol("beta", positive=True) - 2) ** 2
    ),
    "another M in the same batch": lambda: adaptive_bias.same_batch_proof(PISA_EQUATIONS, half),
    "a drop 10% larger": lambda: (oblivious.one_round(sympy.Rational(11, 10)),),
    "a threshold on quadratics shifted": lambda: quadratics.threshold_proof(PISA_EQUATIONS, sympy.Rational(1, 100)),
    "another bound on NSISA's ratio": lambda: newton_schulz.covered_proof(PISA_EQUATIONS, sympy.Integer(1)),
    "sector potential at κ = 1.49": lambda: sectors.sector_proof(
        PISA_EQUATIONS, (dataclasses.replace(SECTOR, kappa=Fraction(149, 100)),)
    ),
    "sector potential at β = 2": lambda: sectors.sector_proof(
        PISA_EQUATIONS, (dataclasses.replace(SECTOR, beta=Fraction(2)),)
    ),
    "sector potential with a larger drop": lambda: sectors.sector_proof(
        PISA_EQUATIONS, (dataclasses.replace(SECTOR, drop=Fraction(1, 10)),)
    ),
    "floor at κ = 3 below the certificate": lambda: (
        floors.one_step(dataclasses.replace(floors.TABLE[2], level=Fraction(1, 2))),
    ),
    "mini-batches from K = 6": lambda: batch_round.one_round(
        dataclasses.replace(batch_round.CONSTANT, reach=Fraction(6))
    ),
    "mini-batches, rate 0.7": lambda: batch_round.one_round(
        dataclasses.replace(batch_round.CONSTANT, rate=Fraction(7, 10))
    ),
    "mini-batches, less noise": lambda: batch_round.one_round(
        dataclasses.replace(batch_round.CONSTANT, mean=Fraction(1, 2))
    ),
    "mini-batches, less damping noise": lambda: batch_round.one_round(
        dataclasses.replace(batch_round.CONSTANT, damped=Fraction(6))
    ),
    "mini-batches, constant numbers for growing penalties": lambda: batch_round.one_round(
        dataclasses.replace(batch_round.CONSTANT, growing=True)
    ),
}


@pytest.mark.parametrize("what", SPOILED)
def test_a_spoiled_theorem_has_a_fact_that_fails(what):
    assert any(fact.failures() for fact in SPOILED[what]())


def test_an_empty_proof_proves_nothing():
    assert Proof(lambda algorithm, effort: (), PISA_EQUATIONS)(0, "quick").verdict is Verdict.INCONCLUSIVE


def test_extremal_functions_are_smooth_and_their_decrease_is_the_integral():
    for sawtooth in (True, False):
        extremal = matching.Extremal(Fraction(2), 3, sawtooth)
        grid = [Fraction(number, 64) for number in range(-64 * 4, 65)]
        slopes = [extremal.derivative(x) for x in grid]
        steps = itertools.pairwise(slopes)
        assert all(abs(after - before) <= Fraction(1, 64) for before, after in steps)
        # All corners are on the grid, so that the trapezoidal rule is exact up to x_0 = 0.
        integral = sum((slopes[k] + slopes[k + 1]) / 128 for k in range(64 * 4))
        assert integral == extremal.decrease
        assert min(slopes) == 0


def test_stationary_floor_at_two_is_five_thirds():
    assert stationary.stationary_floor(sympy.Integer(2), 1) == sympy.Rational(5, 3)


@pytest.mark.parametrize("row", [*sectors.COMMON, *sectors.SEPARATE], ids=lambda row: f"{row.beta}-{row.kappa}")
def test_sector_potential_falls_on_runs_with_adversarial_preconditioners(row):
    rng = np.random.default_rng(0)
    clients, size = (1, 3) if row.deviations is None else (3, 3)
    big, cross, small = map(float, row.form)
    share, kappa, low = float(row.deviations or 0), float(row.kappa), 1 / (1 + float(row.beta))
    for _ in range(20):
        weights = rng.dirichlet(np.ones(clients))
        heights, phases = rng.choice([-1, 0.3, 1], (clients, size)), rng.uniform(0, 6, (clients, size))
        w, dual = rng.normal(size=size), 2 * rng.normal(size=(clients, size))

        def potential(w, dual, weights=weights, heights=heights, phases=phases):
            slopes = -heights * np.sin(w + phases)
            error = slopes - dual
            mean, gradient = weights @ error, weights @ slopes
            spread = weights @ np.sum((error - mean) ** 2, axis=1)
            form = big * gradient @ gradient + cross * gradient @ mean + small * mean @ mean + share * spread
            return float(weights @ np.sum(heights * np.cos(w + phases), axis=1) + form), gradient, error

        for _ in range(15):
            value, gradient, error = potential(w, dual)
            moving = rng.choice([low, 1.0, rng.uniform(low, 1)], (clients, size))
            move = gradient + weights @ (2 * moving * error - error)
            w, dual = w - move / kappa, dual + moving * error
            after = potential(w, dual)[0]
            # Rounding of values of order 10.
            assert value - after - float(row.drop) * gradient @ gradient > -1e-12


@pytest.mark.parametrize("growing", [False, True])
def test_minibatch_step_holds_in_expectation_for_a_preconditioner_that_sees_the_batch(growing):
    rng = np.random.default_rng(1)
    for _ in range(300):
        constants = batch_round.GROWING if growing else (batch_round.CONSTANT, batch_round.WIDE)[rng.integers(2)]
        ridge, beta = rng.choice([0.0, 0.5]), rng.choice([0.0, 0.2, 1.0, 3.0])
        whole, damped = 1 + ridge, beta / (1 + beta)
        sigma = whole * float(constants.reach) * np.sqrt((1 + beta) * (1 + 2 * beta)) * rng.choice([1.0, 1.5])
        later = sigma * (rng.choice([1.0, 1.1, 3.0]) if growing else 1.0)
        step = (1 + ridge / later) / (sigma + ridge)
        length = 2 * step - 1 / later
        weights, signs, tilts = rng.dirichlet([1, 1]), rng.choice([-1.0, 1.0], 2), rng.normal(size=2) * 3
        noise, w, dual = rng.choice([0.0, 0.3, 2.0], 2), 3 * rng.normal(), rng.normal(size=2) * rng.choice([0, 1, 3])

        def value(x, signs=signs, tilts=tilts, weights=weights, ridge=ridge):
            return weights @ (signs * np.cos(x) + tilts * x) + ridge * x * x / 2

        def slopes(x, signs=signs, tilts=tilts):
            return tilts - signs * np.sin(x)

        def weight(step, constants=constants, beta=beta, damped=damped, whole=whole):
            inner = float(constants.curvature_share) * (whole * step) ** 2 + float(constants.damped_share) * damped**2
            return constants.longest * float(constants.share) * step * (1 + 2 * beta) * inner

        spread = weights @ (slopes(w) - dual) ** 2
        reached = weights @ dual + ridge * w
        gradient = weights @ slopes(w) + ridge * w
        mean, direction = 0.0, rng.choice([-1.0, 1.0])
        for first, second in itertools.product((1, -1), repeat=2):
            error = slopes(w) + noise * [first, second] - dual
            moving = np.where(error * direction > 0, 1.0, 1 / (1 + beta))
            new = dual + moving * error
            there = w - (2 * (weights @ new) - weights @ dual + ridge * w) / (sigma + ridge)
            mean += value(there + (weights @ new + ridge * there) / later) / 4
            mean += weight(1 / later) * (weights @ (slopes(there) - new) ** 2) / 4
        inverse, variance, client_variance = whole * step, weights**2 @ noise**2, weights @ noise**2
        allowed = float(constants.mean) * variance * inverse + (1 + 2 * beta) * client_variance * (
            float(constants.spread) * inverse**2 + float(constants.damped) * damped**2
        )
        before = value(w + step * reached) + weight(step) * spread
        bound = before - float(constants.rate) * length * gradient**2 + length * allowed
        assert mean <= bound + 1e-12 * (1 + abs(bound))
