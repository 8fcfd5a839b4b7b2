"""The monitor changes nothing, names each planted violation, is silent on good runs, and its figures are right."""

import math

import numpy as np
import pytest
from monitor_cases import known, separable, watched
from small import quadratics

from pisa_lab import PISA, Status, nsisa, run, sisa
from pisa_lab._array import to_numpy
from pisa_lab.methods import METHODS, Settings
from pisa_lab.monitor import STATEMENTS, Finding, Hypothesis, Monitor
from pisa_lab.preconditioners import SecondMoment
from pisa_lab.problem import from_functions
from pisa_lab.schedules import Constant, Function, Geometric, InverseCosine, Polynomial, ResidualBalancing
from problems.linear import power
from problems.networks import relu_network
from problems.table import by_name
from proofs_check.measured.hypotheses import Growing
from proofs_check.measured.nonsmooth import PARTS, UNIT_START, unit_problem


@pytest.mark.parametrize("seeds", [None, 3])
@pytest.mark.parametrize("row", METHODS, ids=lambda row: row.name)
def test_a_watched_run_is_the_same_run_bit_for_bit(row, seeds):
    problem = known()
    method = row.build(problem, Settings(penalty=4.0))
    batches = None if "batches" in row.exempt else 4
    alone = run(method, problem, steps=12, batches=batches, seeds=seeds)
    together, monitor = watched(method, problem, steps=12, every=5, batches=batches, seeds=seeds)
    assert np.array_equal(alone.state.consensus, together.state.consensus)
    assert all(np.array_equal(alone.history[name], together.history[name], equal_nan=True) for name in alone.history)
    assert [row["iteration"] for row in monitor.rows] == [5] * (seeds or 1) + [10] * (seeds or 1)
    assert all(set(row) == {"iteration", "seed", *STATEMENTS} for row in monitor.rows)


def unit_data():
    return np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), np.array([2.0, 0.0, 2.0, 2.0, 2.0])


def relu_unit():
    inputs, targets = unit_data()
    parts = [np.asarray(part) for part in PARTS]
    settings = {"hidden": 1, "task": "regression", "initial": UNIT_START, "ridge": 0.05}
    return relu_network(inputs[:, None], targets, parts, **settings)


def opposed(slope=10.0):
    """Two clients whose gradients b and −3b balance under α = (¾, ¼)."""
    pairs = [(lambda w, b=b: float(b * w[0] + w[0] ** 2 / 2), lambda w, b=b: b + w) for b in (slope, -3 * slope)]
    return from_functions(pairs, np.zeros(1), weights=[0.75, 0.25], lipschitz=1.0)


def bowl():
    return from_functions([(lambda w: float((w[0] - 1) ** 2 / 2), lambda w: w - 1)], np.zeros(1), lipschitz=1.0)


PLANTED = {
    "ReLU unit": (relu_unit, PISA(penalty=8.0), {}, Hypothesis.LIPSCHITZ),
    "ReLU unit, larger penalty": (relu_unit, PISA(penalty=64.0), {}, Hypothesis.LIPSCHITZ),
    "ReLU network": (lambda: by_name("relu-network").build(0, 3), PISA(penalty=20.0), {}, Hypothesis.LIPSCHITZ),
    "|x|^{3/2}": (
        lambda: power(np.ones((1, 1)), np.zeros(1), initial=[1.0]),
        PISA(penalty=4.0),
        {},
        Hypothesis.LIPSCHITZ,
    ),
    "|x|^{3/2} on data": (lambda: by_name("power-3/2").build(1, 3), PISA(penalty=40.0), {}, Hypothesis.LIPSCHITZ),
    "L claimed too small": (quadratics, PISA(penalty=4.0), {"lipschitz": 0.05}, Hypothesis.LIPSCHITZ),
    "λ = 0 without coercivity": (lambda: separable(0.0), PISA(penalty=2.0), {}, Hypothesis.BOUNDED_SET),
    "a ball that is left": (quadratics, PISA(penalty=4.0), {"ball": 0.1}, Hypothesis.BOUNDED_SET),
    "unclipped scheme I": (
        lambda: by_name("logistic").build(0, 3),
        sisa(2.0, scheme="I"),
        {"batches": 2},
        Hypothesis.METRIC_BOUND,
    ),
    "unclipped scheme I past its η": (
        opposed,
        PISA(penalty=2.0, rho=1.0, preconditioner=SecondMoment("I")),
        {"metric_bound": 0.5},
        Hypothesis.METRIC_BOUND,
    ),
    "Q = (1+ℓ)³": (bowl, PISA(penalty=2.0, rho=1.0, preconditioner=Growing()), {}, Hypothesis.METRIC_BOUND),
    "NSISA": (quadratics, nsisa(4.0, blocks=(("w", (2, 2)),)), {}, Hypothesis.SIGN),
}


@pytest.mark.parametrize(("problem", "method", "limits", "named"), PLANTED.values(), ids=PLANTED)
def test_each_planted_violation_is_named_and_no_other(problem, method, limits, named):
    _, monitor = watched(method, problem(), steps=400, **limits)
    first = monitor.first_violation
    assert isinstance(first, Finding)
    assert {finding.hypothesis for finding in monitor.violations()} == {named}
    assert first.iteration % 20 == 0
    assert first.numbers
    assert str(first).startswith(f"round {first.iteration}, seed 0: {named}: ")


RESTORED = {
    "smoothed ReLU unit": (lambda: unit_problem(0.25, 0.05, PARTS), PISA(penalty=8.0), {}),
    "a ridge": (lambda: separable(0.1), PISA(penalty=2.0), {}),
    "scheme I with its clip": (opposed, PISA(penalty=2.0, rho=1.0, preconditioner=SecondMoment("I", clip=0.5)), {}),
    "Q clipped": (bowl, PISA(penalty=2.0, rho=1.0, preconditioner=Growing(0.5)), {"metric_bound": 0.5}),
    "scheme III without a clip": (lambda: by_name("logistic").build(0, 3), sisa(2.0), {"batches": 2}),
}


@pytest.mark.parametrize(("problem", "method", "limits"), RESTORED.values(), ids=RESTORED)
def test_with_the_hypothesis_restored_nothing_is_raised(problem, method, limits):
    _, monitor = watched(method, problem(), steps=400, **limits)
    assert monitor.violations() == []
    assert monitor.notes() == []


GOOD = ("quadratic", "least-squares", "logistic", "logistic-nonconvex", "huber", "network", "factorisation")


@pytest.mark.parametrize("batches", [None, 4], ids=["full", "batches"])
@pytest.mark.parametrize("family", GOOD)
def test_a_well_behaved_run_raises_nothing_over_100_seeds(family, batches):
    problem = by_name(family).build(0, 3)
    if batches is not None and problem.sizes is None:
        pytest.skip("no samples")
    largest = float(np.max(problem.lipschitz_on(4.0)))
    # Seeds differ in their batches; with full gradients in their starts instead.
    starts = to_numpy(problem.initial) + 0.2 * np.random.default_rng(1).normal(size=(100, *problem.initial.shape))
    method = sisa(3 * largest, rho=0.5, clip=1.0, schedule=None if batches is None else Polynomial(0.75))
    monitor = Monitor(problem, method, every=50, batches=batches, seeds=100)
    result = run(method, problem, steps=200, w0=starts, seeds=100, batches=batches, callback=monitor, measures={})
    assert result.status is Status.FINISHED
    assert len(monitor.rows) == 4 * 100
    assert monitor.violations() == monitor.notes() == []
    assert monitor.first_violation is None


@pytest.mark.parametrize("family", ["logistic", pytest.param("network", marks=pytest.mark.slow)])
def test_100_instances_raise_nothing(family):
    for seed in range(100):
        problem = by_name(family).build(seed, 2)
        method = PISA(penalty=3 * float(np.max(problem.lipschitz_on(4.0))))
        _, monitor = watched(method, problem, steps=30, every=(30,), batches=4, seed=seed)
        assert monitor.violations() == [], seed


def test_a_run_that_settles_to_rounding_raises_nothing():
    # Secants between points a few ulps apart are noise, and must neither grow nor beat the declared constant.
    problem = known()
    result, monitor = watched(PISA(penalty=4.0), problem, steps=2000, every=100, seeds=2)
    assert float(np.max(result.last("stationarity"))) < 1e-14
    assert monitor.violations() == []


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Constant(), math.inf),
        (Polynomial(1.0), math.inf),
        (InverseCosine(50), math.inf),
        (Function(lambda iteration: 4.0), math.nan),
        (ResidualBalancing(), math.nan),
        (Geometric(0.9), "sum"),
        (Geometric((0.9, 0.95, 1.0)), "bound"),
        (Polynomial(1.5), "bound"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "next") else str(value),
)
def test_what_remains_of_the_steps(schedule, expected):
    problem = quadratics()
    method = PISA(penalty=4.0, schedule=schedule)
    _, monitor = watched(method, problem, steps=10, every=(10,))
    _, later = watched(method, problem, steps=2000, every=(2000,))
    row, rest = monitor.rows[0], later.rows[0]["steps_so_far"] - monitor.rows[0]["steps_so_far"]
    assert row["steps_so_far"] > 0
    if expected == "sum":
        # The sum of the first 1990 of them: what is left of a geometric series then is below rounding.
        assert row["steps_to_come"] == pytest.approx(rest, rel=1e-9)
    elif expected == "bound":
        assert rest <= row["steps_to_come"] < 20 * rest
    else:
        assert row["steps_to_come"] == expected or (math.isnan(expected) and math.isnan(row["steps_to_come"]))
    assert bool(monitor.notes()) == isinstance(expected, str)
