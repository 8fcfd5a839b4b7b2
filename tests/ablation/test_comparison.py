"""Paired comparisons and profiles: worked examples, symmetries, and coverage of their intervals."""

import numpy as np
import pytest
from scipy import stats

from pisa_lab.inference import (
    compare_all,
    compare_paired,
    cost_to_target,
    data_profile,
    holm,
    performance_profile,
    target,
)


def pairs(problems: int, seeds: int, *, seed: int, effect: float = 0.3, spread: float = 0.0):
    rng = np.random.default_rng(seed)
    second = np.exp(0.5 * rng.standard_normal((problems, seeds)))
    own = spread * rng.standard_normal((problems, 1))
    return second * np.exp(effect + own + 0.5 * rng.standard_normal((problems, seeds))), second


def test_holm_is_the_worked_example():
    # Holm (1979): 4 × .01, 3 × .02, then 2 × .03 = .06 (not below the one before), 1 × .5.
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx((0.06, 0.04, 0.5, 0.06))
    assert holm([0.4, 0.5]) == pytest.approx((0.8, 0.8))
    assert holm([0.9, 0.8, 0.7]) == (1.0, 1.0, 1.0)
    assert holm([]) == ()


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_swapping_the_methods_inverts_the_ratio(statistic):
    first, second = pairs(6, 15, seed=1)
    one = compare_paired(first, second, statistic=statistic)
    other = compare_paired(second, first, statistic=statistic)
    assert one.ratio == pytest.approx(1 / other.ratio)
    assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low))
    assert one.improvement == pytest.approx(1 - other.improvement)
    assert one.improvement_low == pytest.approx(1 - other.improvement_high)
    assert one.p_value == pytest.approx(other.p_value)


def test_units_cancel():
    first, second = pairs(3, 12, seed=2)
    assert compare_paired(first, second) == compare_paired(4.0 * first, 4.0 * second)


def test_the_bootstrap_is_near_students_interval_for_normal_pairs():
    first, second = pairs(1, 40, seed=3)
    found = compare_paired(first[0], second[0], level=0.9, resamples=20000)
    logs = np.log(first / second)[0]
    low, high = stats.t.interval(0.9, 39, logs.mean(), stats.sem(logs))
    # The bootstrap-t takes its quantiles from 40 pairs: some 10 % of a width of 0.27.
    assert np.log(found.low) == pytest.approx(low, abs=0.03)
    assert np.log(found.high) == pytest.approx(high, abs=0.03)
    assert found.over == "seeds"


def test_problems_are_drawn_anew_only_where_there_are_enough():
    few, many = (compare_paired(*pairs(count, 20, seed=4, spread=1.0)) for count in (4, 12))
    assert few.over == "seeds"
    assert many.over == "problems and seeds"
    # Means of 80 and 240 pairs with error 0.5: 0.05 and 0.03; the problems' own spread of 1 over √12 is 0.29.
    assert np.log(few.high / few.low) < 0.4
    assert np.log(many.high / many.low) > 0.6


def test_a_clear_winner_is_significant_and_an_equal_is_not():
    first, second = pairs(6, 20, seed=5, effect=-0.5)
    winner = compare_paired(first, second)
    assert winner.significant
    assert winner.high < 1
    assert winner.improvement_low > 0.5
    equal = compare_paired(*pairs(6, 20, seed=6, effect=0.0))
    assert not equal.significant
    assert equal.low < 1 < equal.high


def test_identical_methods_are_equal():
    first, _ = pairs(2, 10, seed=7)
    found = compare_paired(first, first)
    assert (found.ratio, found.low, found.high, found.p_value, found.improvement) == (1, 1, 1, 1, 0.5)


def test_a_constant_factor_is_a_sign_test():
    first, _ = pairs(1, 5, seed=7)
    found = compare_paired(2 * first, first)
    assert found.ratio == pytest.approx(2)
    assert found.p_value == pytest.approx(2**-4)


def test_all_compare_with_the_reference_and_pay_for_it():
    first, second = pairs(6, 15, seed=8)
    third, _ = pairs(6, 15, seed=9)
    found = compare_all({"a": first, "b": second, "c": third}, "b", seed=3)
    assert [(one.first, one.second) for one in found] == [("a", "b"), ("c", "b")]
    assert [one.adjusted for one in found] == pytest.approx(list(holm([one.p_value for one in found])))
    assert found[0].p_value == compare_paired(first, second, seed=3).p_value
    assert "\n" not in found[0].describe()
    assert "a / b" in found[0].describe()


@pytest.mark.parametrize(
    ("first", "second", "settings", "start"),
    [
        (np.ones((2, 5)), np.ones((2, 6)), {}, "second:"),
        (np.zeros(5), np.ones(5), {}, "first:"),
        (np.ones(5), np.full(5, np.inf), {}, "second:"),
        (np.ones(1), np.ones(1), {}, "first:"),
        (np.ones(5), np.ones(5), {"level": 0.0}, "level:"),
        (np.ones(5), np.ones(5), {"statistic": "mode"}, "statistic:"),
        (np.ones(5), np.ones(5), {"resamples": 1}, "resamples:"),
    ],
)
def test_bad_scores_are_refused(first, second, settings, start):
    with pytest.raises(ValueError, match=f"^{start}"):
        compare_paired(first, second, **settings)
    with pytest.raises(ValueError, match=r"^reference:"):
        compare_all({"a": np.ones(5)}, "b")


@pytest.mark.slow
@pytest.mark.parametrize(("problems", "seeds"), [(1, 10), (3, 10), (8, 20), (20, 10)])
def test_intervals_of_the_ratio_cover(problems, seeds):
    spread = 0.3 if problems >= 5 else 0.0
    trials = 1500
    covered = improved = 0
    for trial in range(trials):
        found = compare_paired(*pairs(problems, seeds, seed=trial, spread=spread), resamples=1000, seed=trial)
        covered += found.low <= np.exp(0.3) <= found.high
        share = stats.norm.cdf(-0.3 / np.hypot(0.5, spread))
        improved += found.improvement_low <= share <= found.improvement_high
    # Standard error 0.56 %; the bootstrap-t is near its level at 10 seeds, the share's interval errs on the safe side.
    assert 0.92 <= covered / trials <= 0.97
    assert improved / trials >= 0.93


def test_a_performance_profile_by_hand():
    costs = {"a": [[1.0], [2.0], [8.0]], "b": [[2.0], [1.0], [np.inf]]}
    found = performance_profile(costs, unit="rounds", at=[1.0, 2.0, 100.0])
    np.testing.assert_allclose(found.shares, [[2 / 3, 1, 1], [1 / 3, 2 / 3, 2 / 3]])
    assert found.names == ("a", "b")
    assert np.all((found.low <= found.shares) & (found.shares <= found.high))
    assert found.low.min() >= 0
    assert found.high.max() <= 1
    rows = found.rows()
    assert len(rows) == 6
    assert rows[0] == {"method": "a", "unit": "rounds", "at": 1.0, "share": 2 / 3} | {
        "low": found.low[0, 0],
        "high": found.high[0, 0],
    }


def test_a_pair_that_no_method_solves_is_solved_by_none():
    found = performance_profile({"a": [1.0, np.inf], "b": [3.0, np.inf]}, unit="bytes")
    np.testing.assert_allclose(found.shares[:, -1], 0.5)
    assert found.at[0] == 1.0
    assert found.at[-1] == pytest.approx(3.0)


def test_a_data_profile_by_hand():
    costs = {"a": [[10.0, 30.0], [100.0, np.inf]]}
    found = data_profile(costs, unit="gradient evaluations", per=[10.0, 100.0], at=[0.5, 1.0, 3.0])
    np.testing.assert_allclose(found.shares, [[0, 0.5, 0.75]])
    plain = data_profile(costs, unit="gradient evaluations", at=[10.0, 30.0, 100.0])
    np.testing.assert_allclose(plain.shares, [[0.25, 0.5, 0.75]])


def test_profiles_rise():
    rng = np.random.default_rng(0)
    costs = {name: np.exp(rng.standard_normal((7, 10))) for name in "abc"}
    for found in (performance_profile(costs, unit="rounds"), data_profile(costs, unit="rounds")):
        assert np.all(np.diff(found.shares, axis=1) >= 0)
        np.testing.assert_allclose(found.shares[:, -1], 1)
    # Every pair has a cheapest method.
    assert performance_profile(costs, unit="rounds").shares[:, 0].sum() == pytest.approx(1)


def test_bands_hold_the_whole_profile():
    rng = np.random.default_rng(0)
    at = np.linspace(0.1, 6, 60)
    truth = stats.expon.cdf(at)
    held = []
    for trial in range(200):
        costs = {"a": rng.exponential(size=(1, 60)) + 1e-300}
        found = data_profile(costs, unit="rounds", at=at, seed=trial)
        held.append(np.all((found.low <= truth + 1e-12) & (truth <= found.high + 1e-12)))
    # 200 trials: standard error 1.5 %. A bootstrap of 60 pairs is a little short of its level.
    assert 0.89 <= np.mean(held) <= 0.995


@pytest.mark.parametrize(
    ("costs", "settings", "start"),
    [
        ({"a": [1.0, 2.0], "b": [1.0]}, {"unit": "rounds"}, "costs:"),
        ({"a": [-1.0, 2.0]}, {"unit": "rounds"}, "costs:"),
        ({"a": [1.0, np.nan]}, {"unit": "rounds"}, "costs:"),
        ({"a": [1.0, 2.0]}, {"unit": "seconds"}, "unit:"),
        ({"a": [1.0, 2.0]}, {"unit": "rounds", "at": [0.5]}, "at:"),
    ],
)
def test_bad_costs_are_refused(costs, settings, start):
    with pytest.raises(ValueError, match=f"^{start}"):
        performance_profile(costs, **settings)


def test_costs_are_read_where_the_target_is_first_met():
    values = np.array([[4.0, 4.0], [2.0, 3.0], [1.0, 3.0], [2.0, 3.0]])
    np.testing.assert_array_equal(cost_to_target([0, 10, 20, 30], values, 2.0), [10, np.inf])
    assert target(10.0, 2.0, tolerance=0.25) == 4.0
    with pytest.raises(ValueError, match=r"^costs:"):
        cost_to_target([0, 10, 5, 30], values, 2.0)
    with pytest.raises(ValueError, match=r"^values:"):
        cost_to_target([0, 10], values, 2.0)
    with pytest.raises(ValueError, match=r"^tolerance:"):
        target(1.0, 0.0, tolerance=1.0)
