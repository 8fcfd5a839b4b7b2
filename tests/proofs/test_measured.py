"""Every measured claim gives its recorded verdict, and the numbers of MATHEMATICS.md come out again."""

import math
from fractions import Fraction

import numpy as np
import pytest

from proofs_check import table
from proofs_check.claim import Verdict
from proofs_check.measured import CLAIMS_MEASURED, instances, real_data
from proofs_check.measured.trajectories import geometric_rate, power_law
from proofs_check.theory import closed_floor, floor_lower_bound

NAMES = [claim.name for claim in CLAIMS_MEASURED]
FIGURED = {"title", "x_label", "y_label", "log", "curves"}


def skip_without_extras(name):
    """Skip a claim whose extra is not installed; a9a itself is shipped."""
    for module in table.by_name(name).requires:
        pytest.importorskip(module)


def check_finding(finding):
    evidence = finding.evidence
    assert evidence.verdict is finding.claim.expected, evidence.detail
    assert evidence.instance is not None
    if evidence.verdict is Verdict.INCONCLUSIVE:
        assert evidence.margin is None
    else:
        assert (evidence.margin < 0) == (evidence.verdict is Verdict.REFUTED)
    assert evidence.detail
    if evidence.figure is not None:
        check_figure(evidence.figure)


def check_figure(figure):
    assert set(figure) == FIGURED
    assert figure["curves"]
    for curve in figure["curves"]:
        assert len(curve["x"]) == len(curve["y"]) > 1
        assert all(math.isfinite(value) for value in (*curve["x"], *curve["y"]))


@pytest.mark.parametrize("claim", CLAIMS_MEASURED, ids=NAMES)
def test_a_claim_gives_its_recorded_verdict(claim):
    skip_without_extras(claim.name)
    check_finding(claim.run(0, "quick"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("claim", CLAIMS_MEASURED, ids=NAMES)
def test_a_claim_gives_its_recorded_verdict_with_another_seed(claim, seed):
    skip_without_extras(claim.name)
    check_finding(claim.run(seed, "quick"))


@pytest.mark.slow
@pytest.mark.parametrize("claim", CLAIMS_MEASURED, ids=NAMES)
def test_a_claim_gives_its_recorded_verdict_at_full_effort(claim):
    skip_without_extras(claim.name)
    check_finding(claim.run(0, "full"))


def test_the_table_names_every_claim_once():
    names = [claim.name for claim in table.CLAIMS]
    assert len(names) == len(set(names))
    assert set(NAMES) <= set(names)
    assert table.by_name(NAMES[0]) is CLAIMS_MEASURED[0]
    with pytest.raises(ValueError, match=r"^name: 'V2-limit-not-stationry' names no claim; close: V2-limit-not"):
        table.by_name("V2-limit-not-stationry")


def test_every_claim_says_where_it_comes_from():
    assert len(CLAIMS_MEASURED) >= 26
    for claim in CLAIMS_MEASURED:
        assert claim.source, claim.name
        assert claim.hypotheses, claim.name
        assert claim.trial is not None, claim.name
        assert claim.expected in (Verdict.SUPPORTED, Verdict.REFUTED, Verdict.INCONCLUSIVE), claim.name
    # One share of instances may not tell on which side of its goal it lies; a second such row wants a reason.
    assert [claim.name for claim in CLAIMS_MEASURED if claim.expected is Verdict.INCONCLUSIVE] == ["auto-against-tuned"]


def test_formulas_are_drawn_by_matplotlib():
    mathtext = pytest.importorskip("matplotlib.mathtext")
    parser = mathtext.MathTextParser("path")
    for claim in CLAIMS_MEASURED:
        if claim.latex:
            assert parser.parse(f"${claim.latex}$").width > 0, claim.name


def test_a_trial_shows_the_worst_instance_again():
    claim = table.by_name("V4-variance-floor")
    evidence = claim.run(3, "quick").evidence
    # The same seed draws the same batches, so that the replay is exact.
    assert claim.trial(evidence.instance)["margin"] == evidence.margin


def test_an_unknown_effort_is_refused():
    with pytest.raises(ValueError, match=r"^effort: 'middling' is not one of quick, full$"):
        instances.count("middling", 1, 2)


# --- the numbers of MATHEMATICS.md


def numbers(name):
    return table.by_name(name).run(0, "quick").evidence.numbers


def test_the_exact_witness_keeps_the_shares_of_math_md():
    found = numbers("V2-limit-not-stationary")
    # MATHEMATICS.md#V2 prints four, four and two digits.
    np.testing.assert_allclose(found["shares"], [0.6254, 0.2969, 5.6e-6], rtol=3e-3)
    # Twelve rounds in float64 against rationals.
    assert found["replay"] < 1e-14


def test_pure_noise_shows_the_rates_of_math_md():
    trial = table.by_name("V1-rate-of-the-penalty").trial
    told = {"seed": 5, "gradients": "noise", "penalty": 8.0, "rho": 0.0, "replicates": 24}
    rates = [trial({**told, "ratio": ratio})["rate"] for ratio in (0.75, 0.9, 0.99)]
    # MATHEMATICS.md#V1 has .7498, .9004, .9899 from noise of its own; a fit over some tens of rounds scatters by 1e-3.
    np.testing.assert_allclose(rates, [0.7498, 0.9004, 0.9899], atol=2e-3)


def test_the_pair_of_unequal_rho_makes_no_progress_in_ten_rounds():
    found = table.by_name("V6-uniform-rate-in-runs").trial({"rounds": 10, "slope": 1000.0})
    assert found["least"] >= 1
    assert found["replay"] < 1e-12
    # A fixed b does converge later: the same pair after 60 rounds.
    later = table.by_name("V6-uniform-rate-in-runs").trial({"rounds": 60, "slope": 1000.0})
    assert later["margin"] > 0


def test_the_floor_formulas_agree_with_theorems_md():
    # MATHEMATICS.md#T5: 1.894 v at κ = 2 and v/3 at κ = 4; ratios certified/lower 1.14 to 1.22.
    assert closed_floor(2.0) == pytest.approx(1.894, abs=5e-4)
    assert closed_floor(4.0) == pytest.approx(1 / 3, abs=1e-12)
    ratios = [closed_floor(kappa) / floor_lower_bound(kappa) for kappa in (2.0, 4.0, 8.0, 16.0)]
    assert min(ratios) > 1.13
    assert max(ratios) < 1.23


def test_a_refutation_needs_its_control():
    from proofs_check.claim import Evidence
    from proofs_check.measured.trajectories import check_control

    def verdict(**numbers):
        return check_control(Evidence(Verdict.REFUTED, -1.0, numbers=numbers)).verdict

    assert verdict(control=0.0) is Verdict.REFUTED
    assert verdict(control=-0.1) is Verdict.INCONCLUSIVE
    assert verdict(control=math.nan) is Verdict.INCONCLUSIVE
    assert verdict() is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("margin", [math.nan, math.inf, -math.inf])
def test_a_margin_that_is_no_number_is_inconclusive(margin):
    from proofs_check.claim import judge

    evidence = judge(lambda instance: {"margin": instance}, [-1.0, margin])
    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "margin of a trial is" in evidence.detail


# --- the exact witnesses of V5


def test_the_witnesses_of_v5_are_the_stated_rationals():
    found = numbers("V5-lagrangian-descends")
    assert (found["rise"], found["rounds"]) == ("55/5408", [3])
    found = numbers("V5-lyapunov-decrease")
    assert (found["fall"], found["asked"], found["rounds"]) == ("81/4000", "457/20000", [3])


def test_the_second_witness_is_the_maximum_of_tents():
    from proofs_check.measured.descent import LYAPUNOV_WITNESS
    from proofs_check.measured.piecewise import function_of

    function = function_of(LYAPUNOV_WITNESS["knots"], LYAPUNOV_WITNESS["right"])
    for k in range(-200, 201):
        x = Fraction(k, 100)
        tents = (1 - abs(x), Fraction(23, 50) - abs(x + 1), Fraction(21, 50) - abs(x + Fraction(24, 25)))
        assert function.slope(x) == max(*tents, 0)
        step = Fraction(1, 10**6)
        # F is the integral of a 1-Lipschitz slope, so that a difference quotient is off by a step at most.
        assert abs((function.value(x + step) - function.value(x)) / step - function.slope(x)) <= step


def test_a_piecewise_slope_knows_whether_it_is_bounded_below():
    from proofs_check.measured.piecewise import function_of

    assert not function_of([["0", "1"], ["1", "1"]], "0").bounded_below
    assert not function_of([["0", "0"], ["1", "-1"]], "0").bounded_below
    assert function_of([["0", "-1"], ["1", "0"]], "2").bounded_below
    assert function_of([["0", "-1"], ["1", "0"]], "2").smoothness == 2


@pytest.mark.parametrize("quantity", ["lagrangian", "lyapunov"])
def test_the_search_that_finds_nothing_at_2_2_finds_much_at_2(quantity):
    from proofs_check.measured.descent_adversaries import search

    def largest(sigma):
        return max(search(np.random.default_rng([k, 1]), sigma, quantity, steps=150)[1] for k in range(10))

    # In units of the squared moves; over twenty seeds it was 0.17 or more at 2 and −0.07 or less at 2.2.
    assert largest(2.0) > 0.1
    assert largest(2.1) > 0.01
    assert largest(2.2) < -0.04


def test_fits_return_what_they_were_made_of():
    rounds = np.arange(1, 50)
    assert geometric_rate(3 * 0.9**rounds) == pytest.approx(0.9, rel=1e-12)
    assert power_law(rounds, 2 * rounds**-0.75) == pytest.approx(-0.75, rel=1e-12)


def test_random_problems_are_as_smooth_as_they_say():
    problem = instances.problem_of({"seed": 3, "clients": 3, "dimension": 4, "waves": 0.9, "spread": 5.0})
    rng = np.random.default_rng(0)
    for _ in range(200):
        a, b = rng.normal(size=(2, 1, 4)) * 3
        rise = np.linalg.norm(problem.client_grad(a) - problem.client_grad(b), axis=-1)
        assert np.all(rise <= np.linalg.norm(a - b) * (1 + 1e-12))
        low, high = problem.client_value(a - 1e-6 * b), problem.client_value(a + 1e-6 * b)
        slope = np.sum(problem.client_grad(a) * b, axis=-1)
        # Central differences with step 1e-6 of values up to some hundreds: rounding 1e-8 relative to them.
        np.testing.assert_allclose((high - low) / 2e-6, slope, atol=1e-6)


def test_grids_walk_through_every_choice():
    rows = instances.grid(2, 7, clients=(1, 2, 3), ridge=(0.0, 0.5))
    assert [row["seed"] for row in rows] == list(range(2000, 2007))
    assert {row["clients"] for row in rows} == {1, 2, 3}
    assert sorted(row["ridge"] for row in rows) == [0.0] * 4 + [0.5] * 3


@pytest.mark.parametrize("name", ["I5-partition-a9a", "V2-kkt-split-a9a"])
def test_a_set_that_is_not_at_hand_leaves_no_verdict(monkeypatch, tmp_path, name):
    pytest.importorskip("sklearn")
    monkeypatch.setattr(real_data.adult, "places", lambda: [tmp_path])
    real_data.dataset.cache_clear()
    try:
        finding = table.by_name(name).run(0, "quick")
        assert finding.evidence.verdict is Verdict.INCONCLUSIVE
        assert "a9a is not at hand" in finding.evidence.detail
        assert str(tmp_path) in finding.evidence.detail
    finally:
        real_data.dataset.cache_clear()


@pytest.mark.parametrize("claim", real_data.CLAIMS_REAL_DATA, ids=lambda claim: claim.name)
def test_a_claim_on_data_says_which_and_how_many_rows(claim):
    skip_without_extras(claim.name)
    evidence = claim.run(0, "quick").evidence
    data = claim.name.rsplit("-")[-1]
    assert evidence.numbers["data"] == data
    assert f"On {data} (" in claim.statement
    assert f"{evidence.numbers['rows']:,} of its" in claim.statement


def test_the_warm_start_stays_at_the_minimiser_that_the_cold_one_leaves():
    found = table.by_name("V7-ridge-bound").trial({"centre": 2.0**10, "rounds": 10})
    assert found["gap"] == 0.0
    assert found["warm"] == 0.0
    assert found["least"] > 1
