"""Late gradients: which point each client looks at, what the state keeps, and what a delay of nothing changes."""

import copy

import numpy as np
import pytest
from small import quadratics

from pisa_lab import PISA, Observation, Status, load_state, nsisa, run, save_state, sisa
from pisa_lab._array import to_numpy
from pisa_lab.baselines import FedSGD
from pisa_lab.late import Delays, Late, PeriodicDelays, RandomDelays
from pisa_lab.monitor import Monitor
from pisa_lab.preconditioners import TopK

METHODS = [
    PISA(penalty=9.0),
    PISA(penalty=9.0, first="client", warm=True),
    sisa(9.0, rho=1.0),
    nsisa(9.0, rho=1.0),
    PISA(penalty=40.0, preconditioner=TopK(0.3), extrapolation=False),
    sisa(30.0, metric="ema"),
]
RULES = [1, 3, PeriodicDelays((0, 1)), PeriodicDelays(((0, 1, 2), (2, 0, 1), (1, 1, 0))), RandomDelays(3, seed=5)]
EACH = pytest.mark.parametrize("method", METHODS, ids=lambda method: f"{method.preconditioner!r}-{method.first}")
RULED = pytest.mark.parametrize("rule", RULES, ids=repr)


class Heard:
    """A problem that remembers every client's point of every full gradient."""

    def __init__(self, problem):
        self._problem, self.points = problem, []

    def __getattr__(self, name):
        return getattr(self._problem, name)

    def client_grad(self, w, batch=None):
        self.points.append(np.broadcast_to(np.asarray(w), (*w.shape[:-2], 3, 4)).copy())
        return self._problem.client_grad(w, batch)


@RULED
@EACH
def test_every_client_looks_where_the_rule_says(method, rule):
    problem, served = Heard(quadratics()), []
    late = Late(method, rule)
    state = late.init(problem, problem.initial)
    problem.points.clear()
    for _ in range(20):
        served.append(state.consensus if method.first == "client" else late.server_update(state).consensus)
        state = late.step(state, lambda w: Observation(problem.client_grad(w)))
    assert len(problem.points) == 20
    for number, points in enumerate(problem.points):
        for client, age in enumerate(late.delays.ages(number, range(3))):
            # Before the start there is only the start.
            expected = served[number - age] if age <= number else problem.initial
            assert np.array_equal(points[client], expected), (number, client)


def test_a_late_run_by_hand():
    problem, ages = quadratics(), ((0, 1, 2), (2, 0, 1))
    points, pi, local = [problem.initial], np.zeros((3, 4)), np.broadcast_to(problem.initial, (3, 4)).copy()
    for number in range(30):
        points.append(problem.weights @ (9.0 * local + pi) / (9.0 + problem.ridge))
        for i, age in enumerate(ages[number % 2]):
            old = points[max(len(points) - 1 - age, 0)]
            local[i] = points[-1] - (pi[i] + problem.matrices[i] @ old - problem.vectors[i]) / 9.0
            pi[i] = pi[i] + 9.0 * (local[i] - points[-1])
    state = run(Late(PISA(penalty=9.0), PeriodicDelays(ages)), problem, steps=30).state
    np.testing.assert_allclose(state.consensus, points[-1], rtol=1e-11)
    np.testing.assert_allclose(state.multiplier, pi, rtol=1e-11, atol=1e-13)


@EACH
def test_nobody_late_is_the_ordinary_run_bit_for_bit(method):
    problem = quadratics()
    plain = run(method, problem, steps=20, batches=4, seeds=2)
    for nobody in (0, PeriodicDelays((0,)), RandomDelays(0)):
        late = run(Late(method, nobody), problem, steps=20, batches=4, seeds=2)
        assert np.array_equal(late.state.consensus, plain.state.consensus)
        assert np.array_equal(late.history["local"], plain.history["local"])
        assert all(np.array_equal(late.ledger[name], plain.ledger[name]) for name in plain.ledger)


@RULED
@EACH
def test_stop_and_resume_is_running_through(method, rule, tmp_path):
    problem, late = quadratics(), Late(method, rule)
    settings = {"batches": 4, "seeds": 2, "participation": 0.7}
    through = run(late, problem, steps=90, **settings)
    half = run(late, problem, steps=41, **settings)
    save_state(tmp_path / "half.npz", half.state)
    template = late.init(problem, problem.initial, replicates=2)
    state, _ = load_state(tmp_path / "half.npz", template)
    resumed = run(late, problem, steps=49, state=state, **settings)
    assert np.array_equal(resumed.state.consensus, through.state.consensus)
    assert np.array_equal(resumed.state.multiplier, through.state.multiplier)
    with np.load(tmp_path / "half.npz", allow_pickle=False) as archive:
        kept = [name for name in archive.files if name.startswith("preconditioner/past/")]
    assert len(kept) == late.delays.limit


def test_a_replicate_alone_is_the_one_among_others():
    problem, late = quadratics(), Late(sisa(9.0), RandomDelays(2))
    together = run(late, problem, steps=30, batches=4, seed=3, seeds=3)
    alone = run(late, problem, steps=30, batches=4, seed=4)
    assert np.array_equal(together.state.consensus[1], alone.state.consensus)


def test_libraries_agree(library):
    for rule in RULES:
        here = run(Late(METHODS[2], rule), quadratics(), steps=40, batches=4, seeds=2)
        there = run(Late(METHODS[2], rule), quadratics(library=library), steps=40, batches=4, seeds=2)
        np.testing.assert_allclose(to_numpy(there.state.consensus), here.state.consensus, rtol=1e-9, atol=1e-12)


def test_a_broken_replicate_is_held_with_its_points():
    late = Late(PISA(penalty=((0.02,), (9.0,))), 2)
    result = run(late, quadratics(), steps=2000, seeds=2)
    assert result.status is Status.NON_FINITE
    assert result.broke[0] > 0
    assert result.broke[1] == -1
    assert all(np.all(np.isfinite(point)) for point in result.state.preconditioner.past)
    assert float(result.last("stationarity")[1]) < 1e-10


def test_init_shares_no_memory():
    problem = quadratics()
    state = Late(PISA(penalty=4.0), 3).init(problem, problem.initial)
    arrays = [problem.initial, state.consensus, *state.preconditioner.past]
    for place, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[place + 1 :])


def test_random_ages_are_functions_of_client_and_round():
    rule = RandomDelays(3, seed=2)
    ages = np.asarray([rule.ages(number, range(5)) for number in range(2000)])
    assert set(np.unique(ages)) == {0, 1, 2, 3}
    # Six standard deviations of 2000 draws from four.
    assert np.all(np.abs((ages == 1).mean(axis=0) - 0.25) < 6 * np.sqrt(0.1875 / 2000))
    assert np.array_equal(rule.ages(77, (4, 2)), ages[77][[4, 2]])
    assert not np.array_equal(ages, [RandomDelays(3, seed=3).ages(number, range(5)) for number in range(2000)])


def test_a_monitor_and_a_copy_see_the_method_inside():
    problem, late = quadratics(), Late(sisa(9.0, clip=2.0), 2)
    watched = Monitor(problem, late, every=5, lipschitz=1.0)
    run(late, problem, steps=20, callback=watched)
    assert all(np.isfinite(row["metric_largest"]) and row["metric_bound"] == 2.0 for row in watched.rows)
    assert copy.copy(late) == late
    assert copy.deepcopy(late).penalty == 9.0


def test_what_does_not_fit_is_named():
    problem = quadratics()
    for bad in (-1, 1.5, "two", True):
        with pytest.raises(ValueError, match=r"^delays: "):
            Late(PISA(penalty=4.0), bad)
    for bad in ((), (0, -1), [0, 1], ((0, 1), (0, 0.5))):
        with pytest.raises(ValueError, match=r"^delays: "):
            PeriodicDelays(bad)
    with pytest.raises(ValueError, match=r"^delays: "):
        RandomDelays(-1)
    with pytest.raises(ValueError, match=r"^method: FedSGD is no PISA"):
        Late(FedSGD(rate=0.1), 1)
    with pytest.raises(ValueError, match=r"^method: a searched penalty"):
        Late(PISA(penalty="auto"), 1)
    with pytest.raises(ValueError, match=r"^delays: 2 ages for 3 clients"):
        run(Late(PISA(penalty=4.0), PeriodicDelays(((0, 1),))), problem, steps=1)
    other = run(Late(PISA(penalty=4.0), 1), problem, steps=2).state
    with pytest.raises(ValueError, match=r"^state: it does not keep the last 2 points"):
        run(Late(PISA(penalty=4.0), 2), problem, steps=1, state=other)
    with pytest.raises(ValueError, match=r"^state: "):
        run(Late(PISA(penalty=4.0), 2), problem, steps=1, state=run(PISA(penalty=4.0), problem, steps=1).state)


@pytest.mark.parametrize("ages", [[0, 3, 0], [0, -1, 0], [0, 0]])
def test_a_rule_that_breaks_its_promise_is_named(ages):
    class Own:
        limit = 2

        def ages(self, number, clients):
            return np.asarray(ages)

    assert isinstance(Own(), Delays)
    with pytest.raises(ValueError, match=r"^delays: .* must be 3 ages of 0 … 2"):
        run(Late(PISA(penalty=4.0), Own()), quadratics(), steps=1)
