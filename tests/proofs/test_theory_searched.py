"""The bounds on a searched penalty are attained, and the constants of N2 are the least that its lemma allows."""

import math
from fractions import Fraction

import numpy as np
import pytest

from proofs_check import theory

CONSTANTS = {"decrease": Fraction(1, 4), "relaxation": Fraction(1, 20), "weight": Fraction(1, 2)}


def _restart_passes(penalty, smoothness, ridge, *, decrease, relaxation, weight):
    """Return whether the test passes at w = 1 after a restart, on the parabola F = L x²/2."""
    total, gradient = penalty + ridge, smoothness + ridge
    new = 1 - gradient / total
    error = smoothness * (new - 1)
    value = (smoothness + ridge) * new**2 / 2 + (1 + relaxation) * weight / total * error**2
    return value <= (smoothness + ridge) / 2 - decrease / total * gradient**2


@pytest.mark.parametrize(("smoothness", "ridge"), [(1, 0), (3, 0), (2, Fraction(1, 2)), (1, 10)])
@pytest.mark.parametrize("decrease", [Fraction(1, 20), Fraction(1, 4), Fraction(3, 4)])
def test_a_restart_passes_on_a_parabola_exactly_from_the_threshold_on(smoothness, ridge, decrease):
    constants = CONSTANTS | {"decrease": decrease}
    threshold = theory.restart_threshold(smoothness, ridge, **constants)
    for share in (Fraction(101, 100), Fraction(100001, 100000)):
        assert _restart_passes(Fraction(threshold) * share - ridge, smoothness, ridge, **constants)
        assert not _restart_passes(Fraction(threshold) / share - ridge, smoothness, ridge, **constants)


def _search(rounds, initial, enough, factor, relaxation, *, restarts):
    """Return the penalties and the evaluations where every first trial fails and every later one does below enough."""
    penalties, evaluations, penalty = [], 1, initial
    for number in range(rounds):
        penalty = penalty / (1 + relaxation) if number else penalty
        evaluations += 1 + restarts
        while penalty < enough:
            penalty, evaluations = factor * penalty, evaluations + 1
        penalties.append(penalty)
    return penalties, evaluations


@pytest.mark.parametrize("initial", [1e-3, 0.7, 50.0])
@pytest.mark.parametrize(("factor", "relaxation"), [(4.0, 0.05), (2.0, 0.5), (1.5, 0.0)])
@pytest.mark.parametrize("restarts", [True, False])
def test_a_search_that_always_fails_first_stays_just_below_its_bounds(initial, factor, relaxation, restarts):
    enough, rounds = 1.234, 2000
    penalties, evaluations = _search(rounds, initial, enough, factor, relaxation, restarts=restarts)
    assert max(penalties) <= theory.searched_penalty_bound(initial, enough, factor=factor)
    bound = theory.evaluations_bound(rounds, initial, enough, factor=factor, relaxation=relaxation, restarts=restarts)
    # One rise more or less at either end, and the way down from a large start.
    slack = 2 + math.log(max(initial / enough, 1)) / math.log(factor)
    assert evaluations <= bound <= evaluations + slack


def test_the_penalty_just_below_enough_is_raised_to_the_bound():
    penalties, _ = _search(1, 1.2339999, 1.234, 4.0, 0.05, restarts=True)
    assert penalties[0] == pytest.approx(theory.searched_penalty_bound(1e-3, 1.234, factor=4.0), rel=1e-6)


def _least_eigenvalue(beta, vartheta, threshold, weight):
    """Return the least eigenvalue of ϑb e² + (X/2)h² − b((1−μ)e+h)² − (2μ−1)²e²/2 over μ in [1/(1+β), 1]."""
    smallest = []
    for mu in np.linspace(1 / (1 + beta), 1, 101):
        across = -weight * (1 - mu)
        first = vartheta * weight - weight * (1 - mu) ** 2 - (2 * mu - 1) ** 2 / 2
        smallest.append(np.linalg.eigvalsh([[first, across], [across, threshold / 2 - weight]])[0])
    return min(smallest)


@pytest.mark.parametrize(
    ("beta", "vartheta"),
    [(0.5, 0.9), (1.0, 0.99 / 1.05), (2.5, 0.8), (3.0, 0.9), (5.0, 0.95), (20.0, 0.99), (4.0, 1.0)],
)
def test_the_constants_of_a_falling_penalty_make_the_lemma_tight(beta, vartheta):
    threshold = theory.falling_margin_threshold(beta, vartheta)
    weight = theory.falling_residual_weight(beta, vartheta)
    assert _least_eigenvalue(beta, vartheta, threshold, weight) >= -1e-12
    assert _least_eigenvalue(beta, vartheta, 0.99 * threshold, weight) < -1e-6
    assert _least_eigenvalue(beta, vartheta, threshold, 0.97 * weight) < -1e-6


def test_without_a_fall_the_constants_are_those_of_the_plain_theorem():
    for beta in (Fraction(1), Fraction(5, 2), Fraction(3), Fraction(7)):
        assert theory.falling_margin_threshold(beta, Fraction(1)) == theory.margin_threshold(beta)
        assert theory.falling_residual_weight(beta, Fraction(1)) == theory.residual_weight(beta)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: theory.restart_threshold(decrease=1.0, relaxation=0.05, weight=0.5), "decrease"),
        (lambda: theory.restart_threshold(0.0, decrease=0.5, relaxation=0.05, weight=0.5), "smoothness"),
        (lambda: theory.restart_threshold(decrease=0.5, relaxation=-0.05, weight=0.5), "relaxation"),
        (lambda: theory.searched_penalty_bound(0.0, 1.0, factor=4.0), "initial"),
        (lambda: theory.searched_penalty_bound(1.0, 1.0, factor=1.0), "factor"),
        (lambda: theory.evaluations_bound(0, 1.0, 1.0, factor=4.0, relaxation=0.05), "rounds"),
        (lambda: theory.falling_margin_threshold(2.0, 0.5), "vartheta"),
        (lambda: theory.falling_margin_threshold(4.0, 0.64), "vartheta"),
        (lambda: theory.falling_margin_threshold(1.0, 1.1), "vartheta"),
        (lambda: theory.falling_residual_weight(-1.0, 0.9), "beta"),
    ],
)
def test_a_number_outside_its_domain_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        call()
