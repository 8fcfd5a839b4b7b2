"""Deep problems under the hypothesis monitor."""

import pytest
from deep_problem_cases import build

from pisa_lab import nsisa, run, sisa
from pisa_lab.monitor import Hypothesis, Monitor


def watched(method, problem, *, steps, every=10):
    monitor = Monitor(problem, method, every=every)
    run(method, problem, steps=steps, measures=("objective",), callback=monitor)
    return monitor


# σ is some four times the largest curvature that the monitor sees; a GPT's embeddings bend far more than the rest.
@pytest.mark.parametrize(
    ("kind", "penalty"),
    [pytest.param(*row, marks=pytest.mark.slow) for row in (("cnn", 16.0), ("mlp", 16.0), ("gpt", 200.0))],
)
def test_the_monitor_finds_nothing_in_a_smooth_network_and_shows_the_split(kind, penalty):
    monitor = watched(sisa(penalty, clip=5.0), build(kind, ridge=0.2), steps=20)
    assert monitor.violations() == []
    first, last = monitor.rows[0], monitor.rows[-1]
    # The clients meet their own conditions soon; what is left is the server's, and it falls.
    assert last["local"] < 0.1 * last["stationarity"]
    assert last["consensus"] < first["consensus"]
    assert 0.9 < last["aggregate"] / last["stationarity"] < 1.1
    assert last["aggregate"] < first["aggregate"]
    assert last["decrease_constant"] > 0.25
    # All three are lower bounds of one constant; that at w alone comes from products with the Hessian.
    assert 0 < last["lipschitz_secant"] < penalty
    assert 0 < last["lipschitz_fine"] < penalty
    assert 0 < last["lipschitz_hvp"] < penalty
    assert last["quotient_growth"] < 0.01
    assert 0 < last["metric_largest"] <= 5.0


def test_the_monitor_finds_the_kinks_of_relu():
    monitor = watched(sisa(16.0, clip=5.0), build("relu"), steps=20, every=20)
    (finding,) = monitor.violations()
    assert finding.hypothesis is Hypothesis.LIPSCHITZ
    # A jump: the quotient doubles whenever its points come twice as near.
    assert finding.numbers["growth"] == pytest.approx(1.0, abs=0.01)


def test_the_monitor_finds_that_nsisa_is_no_pisa():
    problem = build("mlp")
    monitor = watched(nsisa(20.0, blocks=problem.blocks), problem, steps=10)
    assert [finding.hypothesis for finding in monitor.violations()] == [Hypothesis.SIGN]
    assert monitor.rows[-1]["sandwiched"] < 0.9


def test_the_monitor_sees_replicates_and_mini_batches():
    problem, drawn = build("mlp"), {"batches": 3, "seed": 4, "seeds": 2}
    method = nsisa(20.0, blocks=problem.blocks)
    monitor = Monitor(problem, method, every=5, **drawn)
    run(method, problem, steps=5, callback=monitor, **drawn)
    assert [row["seed"] for row in monitor.rows] == [4, 5]
    assert all(row["disagreement"] > 0 for row in monitor.rows)
    assert monitor.rows[0]["same_sign"] != monitor.rows[1]["same_sign"]
