"""The theorems' formulas are the same in floats, fractions and symbols, and the guide to them is right."""

import doctest
import itertools
from fractions import Fraction

import numpy as np
import pytest

from proofs_check import theory


def test_the_guide_of_the_package_says_what_the_formulas_give():
    pytest.importorskip("sympy")
    found = doctest.testmod(theory)
    assert found.attempted >= 12
    assert found.failed == 0


# (formula, arguments, named arguments): every public closed form on each of its branches.
FORMULAS = [
    *((theory.nonconvex_rate, (5, kappa), {}) for kappa in ("17/10", "2", "7/2")),
    (theory.nonconvex_rate, (3, "3"), {"smoothness": "5/2", "gap": "1/3"}),
    *((theory.convex_rate, (7, kappa), {"gap": "3/7"}) for kappa in ("9/5", "2", "9")),
    *((theory.warm_start_rate, (4, kappa), {"convex": convex}) for kappa in ("1", "5/2") for convex in (False, True)),
    *((theory.gradient_descent_rate, (6,), {"gap": "2", "convex": convex}) for convex in (False, True)),
    *((theory.last_iterate_rate, (9, kappa), {"smoothness": "3"}) for kappa in ("8/5", "2", "3", "7/2", "6")),
    (theory.linear_factor, ("9",), {"beta": "1/2", "curvature": "1/5", "ridge": "1/4"}),
    (theory.linear_factor, ("25",), {"beta": "4", "curvature": "2", "ridge": "0"}),
    *((formula, (beta,), {}) for formula in (theory.margin_threshold, theory.kappa_threshold, theory.residual_weight)
      for beta in ("0", "1", "2", "3", "5")),
    (theory.sigma_threshold, ("5/2",), {"smoothness": "3", "ridge": "1/2"}),
    *((theory.sector_kappa_threshold, (beta,), {"common": common}) for beta in ("1", "9/2")
      for common in (False, True)),
    *((theory.gradient_drop, (kappa,), {"convex": convex}) for kappa in ("8/5", "2", "5") for convex in (False, True)),
    *((formula, (kappa,), {}) for formula in (theory.sharp_edge_drop, theory.sharp_edge_weight)
      for kappa in ("31/20", "8/5", "9/5", "2", "4")),
    *((formula, (kappa,), {"variance": "1/3"}) for formula in (theory.closed_floor, theory.certified_floor)
      for kappa in ("8/5", "2", "4", "12")),
    (theory.restart_threshold, ("3", "1/2"), {"decrease": "1/4", "relaxation": "1/20", "weight": "1/2"}),
    (theory.searched_penalty_bound, ("1/100", "5/4"), {"factor": "4"}),
    (theory.evaluations_bound, (30, "1/100", "5/4"), {"factor": "4", "relaxation": "1/20"}),
    *((formula, (beta, vartheta), {}) for beta, vartheta in (("0", "9/10"), ("2", "9/10"), ("3", "16/25"), ("5", "1"))
      for formula in (theory.falling_margin_threshold, theory.falling_residual_weight)),
    (theory.floor_lower_bound, ("3",), {"variance": "2", "curvature": "1/2"}),
    *((formula, ("3",), {"curvature": "1/2"}) for formula in (theory.local_mean_ratio, theory.local_mean_floor)),
    *((theory.newton_schulz_alignment, (width,), {}) for width in ("1", "128", "200000")),
    (theory.adagrad_growth, ("5", "2"), {"rate": "3"}),
    (theory.adagrad_cost, ("3/2", "5", "1"), {"rate": "3", "bound": "1/2", "ridge": "1/2"}),
    (theory.adagrad_total, (10, "1/2", [2, 3], "3/2", "5"), {"rate": "3", "bound": "1/2", "ridge": "1/2"}),
    (theory.adagrad_bound, (10, "1/2", [2, 3], "3/2", "5"), {"rate": "3", "bound": "1/2", "ridge": "1/2"}),
    (theory.adagrad_spread, (10, "1/2", "2", "3/2", "5", "1/3"), {"rate": "3", "bound": "1/2"}),
    (theory.adagrad_noise_bound, (10, "1/2", "2", "3/2", "5"), {"rate": "3"}),
    (theory.past_metric_kappa, ("3/2",), {"condition": "2"}),
    (theory.past_metric_weight, ("40", "3/2"), {"smoothness": "2"}),
    (theory.past_metric_noise, ("40", "1", "2", "3/2"), {"smoothness": "2"}),
    (theory.same_batch_bias, ("3/2",), {"variance": "4/9"}),
    (theory.delayed_bias, ("5/2",), {"variance": "2"}),
]  # fmt: skip


def _read(value, number):
    return number(Fraction(value)) if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("formula", "arguments", "named"), FORMULAS, ids=[f"{f.__name__}-{k}" for k, (f, _, _) in enumerate(FORMULAS)]
)
def test_a_formula_is_the_same_in_floats_fractions_and_symbols(formula, arguments, named):
    sympy = pytest.importorskip("sympy")
    found = {}
    for kind, number in (
        ("float", float),
        ("fraction", Fraction),
        ("sympy", lambda x: sympy.Rational(x.numerator, x.denominator)),
    ):
        given = [_read(value, number) for value in arguments]
        found[kind] = formula(*given, **{name: _read(value, number) for name, value in named.items()})
    # Formulas of a dozen operations: agreement to 1e-13 is rounding alone.
    assert float(found["fraction"]) == pytest.approx(float(found["float"]), rel=1e-13)
    assert float(found["sympy"]) == pytest.approx(float(found["float"]), rel=1e-13)
    if isinstance(found["fraction"], Fraction):
        assert sympy.nsimplify(found["sympy"]) == sympy.Rational(
            found["fraction"].numerator, found["fraction"].denominator
        )
    else:
        assert not sympy.sympify(found["sympy"]).is_rational


def test_a_rate_of_a_fraction_is_a_fraction_and_of_an_array_an_array():
    assert theory.nonconvex_rate(5, Fraction(2)) == Fraction(1, 3)
    assert theory.last_iterate_rate(3, Fraction(2)) == Fraction(5) / (3 + 1 - Fraction(1, 6) + 1)
    assert isinstance(theory.margin_threshold(Fraction(1)), Fraction)
    assert theory.convex_rate(np.array([1, 2, 3]), 2.0) == pytest.approx([2 / 3, 1 / 2, 2 / 5])


def test_symbols_give_formulas_on_the_side_that_they_name():
    sympy = pytest.importorskip("sympy")
    n, t, kappa = sympy.symbols("N t kappa", positive=True)
    above = theory.nonconvex_rate(n, 2 + t)
    assert sympy.simplify(above - 4 * (2 + t) ** 2 / ((4 * (2 + t) - 1) * n + 2 * (2 + t) ** 2 + 4 * (2 + t) - 3)) == 0
    for open_choice in (
        lambda: theory.nonconvex_rate(n, kappa),
        lambda: theory.residual_weight(t),
        lambda: theory.gradient_drop(kappa),
    ):
        with pytest.raises(ValueError, match="open"):
            open_choice()
    assert theory.margin_threshold(3 + t) == (t + 2) ** 2
    assert sympy.simplify(theory.gradient_drop(2 + t) - 1 / (2 + t) + 1 / (4 * (2 + t) ** 2)) == 0


@pytest.mark.parametrize("order", theory.ORDERS)
def test_the_schedule_bound_is_the_least_average_bound(order):
    rng = np.random.default_rng(1)
    penalties = np.sort(rng.uniform(6, 20, 12)).tolist()
    best = theory.schedule_bound(penalties, 2.0, 1.5, 0.3, order=order)
    kappas = [penalty / 2 for penalty in penalties]
    splits = np.linspace(0.2, 4, 200)
    usable = [s for s in splits if min(theory.average_weights(kappas, s, order=order)) > 0]
    values = [theory.average_bound(kappas, s, smoothness=2, gap=1.5, variance=0.3, order=order) for s in usable]
    assert len(usable) > 50
    assert best <= min(values) * (1 + 1e-12)
    assert best == pytest.approx(min(values), rel=1e-3)
    exact = [Fraction(kappa) for kappa in kappas]
    found = theory.average_bound(
        exact, Fraction(1), smoothness=2, gap=Fraction(3, 2), variance=Fraction(0.3), order=order
    )
    assert isinstance(found, Fraction)
    assert float(found) == pytest.approx(
        theory.average_bound(kappas, 1.0, smoothness=2, gap=1.5, variance=0.3, order=order)
    )
    lengths = theory.step_lengths(exact, order=order)
    assert lengths[-1] == 1 / exact[-1]
    assert all(tau > 0 for tau in lengths) or order == "before_solve"


def test_thresholds_agree_with_each_other():
    for beta, ridge in itertools.product((0.0, 1.0, 2.5, 3.0, 6.0), (0.0, 0.5)):
        sigma = theory.sigma_threshold(beta, smoothness=2.0, ridge=ridge)
        assert (sigma - 2) * (sigma + ridge) / 4 == pytest.approx(theory.margin_threshold(beta))
        assert sigma <= 2 * theory.kappa_threshold(beta) * (1 + 1e-15)
    assert theory.sigma_threshold(1.0, smoothness=2.0) == pytest.approx(2 * theory.kappa_threshold(1.0))
