"""The parts of a rate: bins, models judged on the seed left out, the choice, the bend, and the scores above a floor."""

import itertools

import numpy as np
import pytest
from scipy import stats

from pisa_lab.inference.curvature import bend, without
from pisa_lab.inference.curves import binned
from pisa_lab.inference.floors import _signal, interval
from pisa_lab.inference.models import fit_floor, floor_curve, losses
from pisa_lab.inference.selection import choose, probability

TIMES = np.arange(1.0, 1001)
CLOCK = TIMES[:, None]


def power_traces(seeds: int, *, floor: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    level = np.exp(0.3 * rng.standard_normal((1, seeds)))
    values = CLOCK**-1.0 * level * np.exp(0.3 * rng.standard_normal((1000, seeds)))
    return values + floor * rng.standard_gamma(2.0, size=(1000, seeds)) / 2


def test_bins_average_what_they_hold():
    times = np.arange(1.0, 101)
    values = np.random.default_rng(0).random((2, 100, 3)) + 0.5
    curves = binned(times, values)
    sizes = np.array([part.size for part in np.split(times, np.cumsum(_counts(times)))[:-1]])
    assert sizes.sum() == 100
    np.testing.assert_allclose((curves.means * sizes).sum(-1), values.sum(1), rtol=1e-13)
    np.testing.assert_allclose((curves.logs * sizes).sum(-1), np.log(values).sum(1), atol=1e-12)
    for axis, scale in ((curves.time, times), (curves.log_time, np.log(times))):
        # Variance within plus variance of the means is the whole variance.
        inside, mean = axis.spread * axis.unit**2, axis.at * axis.unit
        whole = (sizes * (inside + (mean - (sizes * mean).sum() / 100) ** 2)).sum() / 100
        assert whole == pytest.approx(scale.var(), rel=1e-12)


def _counts(times):
    edges = np.geomspace(times[0], times[-1] * (1 + 1e-9), 33)
    return [
        int(((times >= a) & (times < b)).sum())
        for a, b in itertools.pairwise(edges)
        if ((times >= a) & (times < b)).any()
    ]


def test_losses_leave_each_seed_out():
    curves = binned(TIMES, power_traces(8, floor=0.01)[None])
    found, _ = losses(curves)
    for seed in range(8):
        others = np.delete(curves.logs, seed, axis=1).mean(1)
        for place, axis in ((1, curves.log_time), (2, curves.time)):
            fitted = np.polyval(np.polyfit(axis.at, others[0], 1), axis.at)
            assert found[0, seed, place] == pytest.approx((curves.logs[0, seed] - fitted).var(), rel=1e-9)
        for place, axis in ((3, curves.log_time), (4, curves.time)):
            fitted = floor_curve(fit_floor(others, axis, steps=200), axis.at)[0]
            # One Gauss-Newton step instead of a new fit: an error of second order in the seed's influence (1/7).
            assert found[0, seed, place] == pytest.approx((curves.logs[0, seed] - fitted).var(), rel=0.03)


def test_a_floor_fit_finds_an_exact_curve():
    axis = binned(TIMES, power_traces(5)[None]).log_time
    rng = np.random.default_rng(0)
    truth = np.stack([rng.normal(size=50), -rng.uniform(0.8, 3, 50), rng.uniform(-2, 0, 50)], axis=-1)
    found = fit_floor(floor_curve(truth, axis.at), axis, steps=100)
    np.testing.assert_allclose(found, truth, atol=1e-5)


def test_the_simplest_model_that_predicts_as_well_is_chosen():
    rng = np.random.default_rng(0)
    base = 1 + 0.1 * rng.random((1, 20, 1))
    alike = base + np.array([1.0, 0.0, 1.0, -1e-4, 1.0])
    better = base + np.array([1.0, 0.5, 1.0, 0.0, 1.0])
    chosen = choose(np.concatenate([alike, better]))
    assert chosen.tolist() == [1, 3]
    assert probability(np.concatenate([alike, better]), chosen, rng).tolist() == [1.0, 1.0]


def test_a_choice_between_equals_is_not_certain():
    rng = np.random.default_rng(0)
    table = np.full((1, 20, 5), 9.0)
    table[..., 1:3] = 2 + rng.random((1, 20, 2))
    chosen = choose(table)
    assert 0.3 < probability(table, chosen, rng)[0] < 0.95


def test_bends_of_a_right_model_are_as_rare_as_stated():
    rng = np.random.default_rng(0)
    at = np.linspace(-1, 1, 25)
    tangent = np.stack([np.ones(25), at], axis=-1)[None]
    values = bend(rng.standard_normal((4000, 10, 25)), tangent)
    # Bonferroni over two nearly independent tests: 1 − 0.995² = 0.9975 %; standard error 0.16 %.
    assert np.mean(values < 0.01) == pytest.approx(0.01, abs=0.005)
    assert np.mean(values < 0.1) == pytest.approx(0.0975, abs=0.015)
    bent = bend(0.1 * rng.standard_normal((10, 10, 25)) + at**2, tangent)
    assert bent.max() < 1e-6


def test_a_line_is_no_bend():
    at = np.linspace(-1, 1, 25)
    tangent = np.stack([np.ones(25), at], axis=-1)[None]
    rng = np.random.default_rng(0)
    lines = rng.normal(size=(5, 10, 1)) + rng.normal(size=(5, 10, 1)) * at
    assert bend(lines, tangent).min() > 0.5


def test_projections_are_orthogonal_even_to_nearly_parallel_columns():
    rng = np.random.default_rng(0)
    base = rng.standard_normal((4, 30, 1))
    columns = np.concatenate([base, base + 1e-7 * rng.standard_normal((4, 30, 1))], axis=-1)
    rest = without(rng.standard_normal((4, 30)), columns)
    # The second column's own direction is known to 1e-16/1e-7.
    np.testing.assert_allclose(np.einsum("ek,ekc->ec", rest, columns), 0, atol=1e-12)


def test_a_bins_mean_of_an_exponential_and_its_derivative():
    curves = binned(TIMES, power_traces(5)[None])
    axis, slope = curves.time, np.array([[-2.0]])
    exact = binned(TIMES, np.exp(-2.0 / axis.unit * TIMES)[None, :, None]).means[0, 0]
    signal, derivative = (part[0, 0] for part in _signal(axis, slope))
    # Whole iterations stand for an interval: (width of one iteration × rate)² / 24, below 1e-6 at 0.006 a step.
    np.testing.assert_allclose(signal / signal[0], exact / exact[0], rtol=1e-5)
    above, below = (np.log(_signal(axis, slope + step)[0][0, 0]) for step in (1e-5, -1e-5))
    difference = (above - below) / 2e-5
    # Signals are given up to a factor, so derivatives up to a constant.
    np.testing.assert_allclose(derivative - derivative[0], difference - difference[0], atol=1e-6)


@pytest.mark.parametrize("name", ["log_time", "time"])
def test_scores_find_the_rate_above_an_additive_floor_without_bias(name):
    rng = np.random.default_rng(3)
    clock = CLOCK if name == "time" else np.log(CLOCK)
    rate = 0.012 if name == "time" else 0.8
    signal = np.exp(-rate * clock)[None]
    noise = np.exp(0.3 * rng.standard_normal((300, 1000, 10)) - 0.045)
    floor = 0.05 * rng.standard_gamma(2.0, size=(300, 1000, 10)) / 2
    curves = binned(TIMES, signal * noise + floor)
    axis = getattr(curves, name)
    found = interval(curves, axis, fit_floor(curves.logs.mean(1), axis), stats.t.ppf(0.975, 9))
    low, estimate, high = (-slope / axis.unit for slope in (found.high, found.estimate, found.low))
    low, high = np.minimum(low, high), np.maximum(low, high)
    covered = np.mean((low <= rate) & (rate <= high))
    # 300 trials: standard error 1.3 %.
    assert 0.91 <= covered <= 0.99
    assert abs(np.mean(estimate) - rate) < 4 * np.std(estimate) / np.sqrt(300) + 0.002 * rate
    assert np.mean(found.floor) == pytest.approx(0.05, rel=0.02)
