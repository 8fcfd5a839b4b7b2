"""The thresholds as formulas: their known values, their limits, and that the theorems use the same ones."""

import math
from fractions import Fraction

import pytest

from pisa_lab import thresholds
from proofs_check import theory


def test_the_theorems_use_the_same_formulas():
    for beta in (0, Fraction(1, 2), 1.0, 3, 4.5):
        assert thresholds.preconditioner_margin(beta) == theory.margin_threshold(beta)
        for smoothness, ridge in ((1, 0), (4, 1)):
            sigma = theory.sigma_threshold(beta, smoothness=smoothness, ridge=ridge)
            assert thresholds.least_penalty(theory.margin_threshold(beta), smoothness, ridge) == sigma
            margin = (sigma - smoothness) * (sigma + ridge) / smoothness**2
            assert margin == pytest.approx(float(theory.margin_threshold(beta)), rel=1e-12)


def test_participation():
    kappas = [thresholds.least_penalty(thresholds.participation_margin(0.0, p)) for p in (0.9, 0.5, 0.2, 0.1, 0.05)]
    assert kappas == pytest.approx([2.0456, 3.9506, 9.9853, 19.9932, 39.9968], abs=1e-4)
    # With everybody there it is (1+β)², and for rare clients κ ~ 2/(π(1−q²)).
    assert thresholds.participation_margin(Fraction(2), 1) == 9
    assert thresholds.participation_margin(1.0, 1e-6) == pytest.approx((2 / (1e-6 * 0.75)) ** 2, rel=1e-5)
    values = [thresholds.participation_margin(1.0, p / 10) for p in range(1, 11)]
    assert values == sorted(values, reverse=True)


def test_compression():
    for lost in (0.1, 0.5, 0.9):
        share = 1 - lost**2
        assert thresholds.contraction_margin(share) == pytest.approx(lost**2 / (1 - lost) ** 2, rel=1e-12)
        ahead = thresholds.contraction_margin(share, extrapolation=True)
        assert ahead == pytest.approx((1 + 2 * lost) ** 2 / (1 - lost) ** 2, rel=1e-12)
    assert thresholds.contraction_margin(Fraction(3, 4)) == 1
    assert thresholds.contraction_margin(1) == 0
    assert thresholds.contraction_margin(1, extrapolation=True) == 1
    # Absent half the time is a contraction of half the share, by the same lemma.
    assert thresholds.contraction_margin(0.6, probability=0.5) == pytest.approx(
        thresholds.contraction_margin(0.3), rel=1e-12
    )


def test_delays():
    plain = thresholds.preconditioner_margin(0)
    assert [thresholds.delay_margin(limit, plain) for limit in range(4)] == [1, 9, 25, 49]
    assert thresholds.delay_margin(0, thresholds.preconditioner_margin(1)) == pytest.approx(4 / 3)
    assert thresholds.delay_margin(2, 4) == (2 + 6) ** 2


def test_symbols_and_fractions_pass():
    sympy = pytest.importorskip("sympy")
    x = sympy.Symbol("x", positive=True)
    assert sympy.simplify(thresholds.delay_margin(1, x) - (1 + 2 * sympy.sqrt(x)) ** 2) == 0
    sigma = thresholds.least_penalty(x)
    assert sympy.simplify(sigma * (sigma - 1) - x) == 0
    assert thresholds.square_root(Fraction(9, 4)) == Fraction(3, 2)
    assert thresholds.square_root(2) == math.sqrt(2)
