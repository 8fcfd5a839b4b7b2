"""Rates: each outcome is recognised and its interval holds the truth; each rule for saying nothing is kept."""

import dataclasses
import re

import numpy as np
import pytest
from scipy import stats

from pisa_lab.inference import Outcome, fit_rate
from pisa_lab.inference import rates as rates_module
from pisa_lab.inference.curves import binned
from pisa_lab.inference.models import MODELS

TIMES = np.arange(1001)
CLOCK = np.maximum(TIMES, 1)[:, None]
SHAPES = {
    "POWER": (CLOCK**-0.5, 0.5),
    "EXPONENTIAL": (0.99**CLOCK, 0.99),
    "PLATEAU": (CLOCK**0.0, 0.0),
    "POWER_TO_FLOOR": (CLOCK**-1.0, 1.0),
    "EXPONENTIAL_TO_FLOOR": (0.98**CLOCK, 0.98),
}


def traces(outcome: str, seeds: int = 20, *, seed: int = 0, noise: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    level = np.exp(0.3 * rng.standard_normal((1, seeds)))
    values = SHAPES[outcome][0] * level * np.exp(noise * rng.standard_normal((1001, seeds)))
    if "FLOOR" in outcome:
        values = values + 0.01 * rng.standard_gamma(2.0, size=(1001, seeds)) / 2
    return values


@pytest.mark.parametrize("outcome", SHAPES)
def test_each_outcome_is_recognised_and_covered(outcome):
    truth = SHAPES[outcome][1]
    rates = [fit_rate(TIMES, traces(outcome, seed=seed)) for seed in range(10)]
    assert [rate.outcome for rate in rates] == [outcome] * 10
    # 95 % intervals: of ten, three misses have probability 1.2 %, and the seeds are fixed.
    assert sum(rate.covers(truth) for rate in rates) >= 8
    assert all(rate.low < rate.estimate < rate.high for rate in rates)
    # A plateau is a statement about the slope; every other outcome needs a choice that is repeated.
    assert outcome == "PLATEAU" or all(rate.probability >= 0.85 for rate in rates)
    assert all((rate.floor is not None) == ("FLOOR" in outcome) for rate in rates)


def test_the_floor_is_found():
    floors = [fit_rate(TIMES, traces("EXPONENTIAL_TO_FLOOR", seed=seed)).floor for seed in range(5)]
    # 600 iterations of 20 seeds, each ± 70 %: 0.6 % standard error; the fit shares it with the signal.
    np.testing.assert_allclose(floors, 0.01, rtol=0.05)


@pytest.mark.parametrize("outcome", SHAPES)
def test_a_line_says_what_was_found(outcome):
    rate = fit_rate(TIMES, traces(outcome))
    text = rate.describe()
    assert "\n" not in text
    assert re.search(r"= -?[\d.]+ in \[-?[\d.]+, -?[\d.]+\] at 95%", text)
    assert "20 seeds" in text
    assert ("floor" in text) == ("FLOOR" in outcome)
    with pytest.raises(dataclasses.FrozenInstanceError):
        rate.estimate = 0.0


def test_a_power_laws_interval_is_students_over_the_seeds_slopes():
    values = traces("POWER")
    rate = fit_rate(TIMES, values, level=0.9)
    curves = binned(TIMES[1:].astype(float), values[None, 1:])
    axis = curves.log_time.at * curves.log_time.unit
    slopes = [-stats.linregress(axis, log).slope for log in curves.logs[0]]
    low, high = stats.t.interval(0.9, 19, np.mean(slopes), stats.sem(slopes))
    # The interval carries the resolution 2e-4 per unit of the axis on top, some 0.5 % of this width.
    assert rate.estimate == pytest.approx(np.mean(slopes), rel=1e-12)
    assert rate.low == pytest.approx(low, abs=1e-4)
    assert rate.high == pytest.approx(high, abs=1e-4)


@pytest.mark.parametrize("outcome", SHAPES)
def test_units_of_values_do_not_matter(outcome):
    one, other = fit_rate(TIMES, traces(outcome)), fit_rate(TIMES, 1e-150 * traces(outcome))
    assert one.outcome == other.outcome
    # The floor's scores are solved by a grid and scoring steps that see the scaled values: rounding only.
    assert other.estimate == pytest.approx(one.estimate, rel=1e-6, abs=1e-9)
    if one.floor is not None:
        assert other.floor == pytest.approx(1e-150 * one.floor, rel=1e-6)


def test_units_of_iterations_matter_as_they_should():
    power, slow_power = (fit_rate(scale * TIMES, traces("POWER")) for scale in (1, 10))
    assert slow_power.estimate == pytest.approx(power.estimate, rel=1e-9)
    fast, slow = (fit_rate(scale * TIMES, traces("EXPONENTIAL")) for scale in (1, 10))
    assert slow.estimate**10 == pytest.approx(fast.estimate, rel=1e-9)


def test_the_order_of_seeds_does_not_matter():
    values = traces("POWER_TO_FLOOR")
    one, other = fit_rate(TIMES, values), fit_rate(TIMES, values[:, ::-1])
    assert (one.low, one.estimate, one.high) == pytest.approx((other.low, other.estimate, other.high), rel=1e-9)


def test_a_fit_is_repeated_bit_for_bit():
    assert fit_rate(TIMES, traces("POWER")) == fit_rate(TIMES, traces("POWER"))
    again = fit_rate(TIMES, traces("POWER"), seed=1)
    assert again.estimate == fit_rate(TIMES, traces("POWER")).estimate


def test_the_window_starts_after_a_transient():
    values = traces("EXPONENTIAL") * (1 + 3 * np.exp(-CLOCK / 3.0))
    rate = fit_rate(TIMES, values)
    assert rate.outcome is Outcome.EXPONENTIAL
    assert rate.window[0] > 3
    assert rate.window[1] == 1000
    assert rate.covers(0.99)


def test_what_is_no_law_is_inconclusive():
    step = np.where(CLOCK < 300, 1.0, 0.1) * traces("PLATEAU")
    stretched = np.exp(-np.sqrt(CLOCK)) * traces("PLATEAU")
    for values in (step, stretched):
        rate = fit_rate(TIMES, values)
        assert rate.outcome is Outcome.INCONCLUSIVE
        assert "bend" in rate.reason
        assert rate.estimate is None
        assert not rate.covers(0.5)


def test_a_change_about_the_band_is_neither_plateau_nor_decay():
    rate = fit_rate(TIMES, CLOCK**-0.052 * traces("PLATEAU"))
    assert rate.outcome is Outcome.INCONCLUSIVE
    assert "neither a plateau" in rate.reason
    assert fit_rate(TIMES, CLOCK**-0.02 * traces("PLATEAU")).outcome is Outcome.PLATEAU
    assert fit_rate(TIMES, CLOCK**-0.12 * traces("PLATEAU")).outcome is Outcome.POWER


def test_growth_has_a_factor_above_one():
    rate = fit_rate(TIMES, 1.01**CLOCK * traces("PLATEAU"))
    assert rate.outcome is Outcome.EXPONENTIAL
    assert rate.covers(1.01)
    assert rate.low > 1


def test_fewer_than_five_seeds_say_nothing():
    for seeds in (1, 4):
        rate = fit_rate(TIMES, traces("POWER", seeds))
        assert rate.outcome is Outcome.INCONCLUSIVE
        assert "at least 5" in rate.describe()
    assert fit_rate(TIMES, traces("POWER", 1)[:, 0]).outcome is Outcome.INCONCLUSIVE
    assert fit_rate(TIMES, traces("POWER", 5)).outcome is Outcome.POWER


def test_a_trace_that_is_not_finite_says_nothing():
    values = traces("POWER")
    values[500:, 3] = np.nan
    values[900:, 4] = np.inf
    rate = fit_rate(TIMES, values)
    assert rate.outcome is Outcome.INCONCLUSIVE
    assert "2 of 20" in rate.reason


def test_copies_of_one_trace_say_nothing():
    rate = fit_rate(TIMES, np.repeat(traces("POWER", 1), 10, axis=1))
    assert rate.outcome is Outcome.INCONCLUSIVE
    assert "copies" in rate.reason


def test_few_records_say_nothing():
    rate = fit_rate(TIMES[:9], traces("POWER")[:9])
    assert rate.outcome is Outcome.INCONCLUSIVE
    assert "fewer than 12" in rate.reason


def test_rounding_ends_the_window():
    clean = 0.9**CLOCK * traces("PLATEAU", noise=0.1)
    rounded = clean + 1e-17 * np.random.default_rng(1).random(clean.shape)
    zeros = np.where(clean < 1e-18, 0.0, clean)
    for values in (clean, rounded, zeros):
        rate = fit_rate(TIMES, values)
        assert rate.outcome is Outcome.EXPONENTIAL
        # 0.9^T reaches 64 × 2.2e-16 at T = 303; levels and noise move the first trace that does to some 10 earlier.
        assert 270 < rate.window[1] < 303
        assert rate.covers(0.9)


def test_an_exact_law_has_the_resolutions_interval():
    levels = np.exp(0.3 * np.random.default_rng(0).standard_normal((1, 10)))
    modes = 0.99**CLOCK * levels + 0.5 * 0.9**CLOCK * levels[:, ::-1]
    rate = fit_rate(TIMES, modes)
    assert rate.outcome is Outcome.EXPONENTIAL
    assert rate.covers(0.99)
    assert rate.window[0] > 30
    assert 0 < rate.high - rate.low < 1e-5


def test_other_records_and_types():
    every = traces("EXPONENTIAL")[::25].astype(np.float32)
    rate = fit_rate(TIMES[::25].tolist(), every.tolist())
    assert rate.outcome is Outcome.EXPONENTIAL
    assert rate.covers(0.99)
    assert rate.window == (25, 1000)


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        ((TIMES[::-1], traces("POWER")), "iterations:"),
        ((TIMES[:-1], traces("POWER")), "values:"),
        ((TIMES, traces("POWER")[:, :, None]), "values:"),
        ((TIMES, -traces("POWER")), "values:"),
        ((TIMES, [["word"]] * 1001), "values:"),
        ((TIMES - 5, traces("POWER")), "iterations:"),
    ],
)
def test_bad_traces_are_refused(arguments, start):
    with pytest.raises(ValueError, match=f"^{start}"):
        fit_rate(*arguments)


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match=r"^level:"):
        fit_rate(TIMES, traces("POWER"), level=1.0)
    with pytest.raises(ValueError, match=r"^seed:"):
        fit_rate(TIMES, traces("POWER"), seed=-1)


def test_every_outcome_is_a_model_and_one_more():
    names = [str(outcome) for outcome in Outcome]
    assert names == [name.upper().replace(" ", "_") for name in MODELS] + ["INCONCLUSIVE"]
    assert len(rates_module.REASONS) == 6


@pytest.mark.parametrize("floor", [1e-2, 1e-4, 1e-6, 1e-8, 1e-10, 1e-12])
def test_an_exponential_above_a_deep_floor_is_covered_and_its_floor_found(floor):
    found = []
    times = np.arange(1, 2001)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        level = np.exp(0.3 * rng.standard_normal(10))
        signal = 0.97 ** times[:, None] * level * np.exp(0.1 * rng.standard_normal((2000, 10)))
        found.append(fit_rate(times, signal + floor * np.exp(0.1 * rng.standard_normal((2000, 10)))))
    assert all(rate.outcome is Outcome.EXPONENTIAL_TO_FLOOR for rate in found)
    assert all(rate.low <= rate.estimate <= rate.high for rate in found)
    assert all(floor / 1.2 < rate.floor < floor * 1.2 for rate in found)
    # 95 % of 20 is 19; under 15 has a chance of 3e-4, and an interval on the old grid of rates covered 1 of 20.
    assert sum(rate.covers(0.97) for rate in found) >= 15


def test_the_rounding_of_single_precision_is_a_floor_like_another():
    times, rng = np.arange(1, 3001), np.random.default_rng(0)
    signal = 0.98 ** times[:, None] * np.exp(0.3 * rng.standard_normal(10) + 0.1 * rng.standard_normal((3000, 10)))
    found = fit_rate(times, signal + 6e-8 * np.abs(rng.standard_normal((3000, 10))))
    assert found.covers(0.98)
    assert 2e-8 < found.floor < 1e-7


def test_a_value_that_is_zero_at_the_first_record_is_named_as_the_reason():
    values = 0.9 ** np.arange(1, 101)[:, None] * np.exp(0.1 * np.random.default_rng(0).standard_normal((100, 6)))
    values[0, 2] = 0.0
    found = fit_rate(np.arange(1, 101), values)
    assert not found.conclusive
    assert "0 before a value of some seed is 0" in found.reason
