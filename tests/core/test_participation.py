"""Absent clients: what they keep, who they are, what they cost, and which methods know them."""

import dataclasses

import numpy as np
import pytest
from small import quadratics
from test_ledger import Known
from test_methods import Listed

from pisa_lab import PISA, Observation, load_state, nsisa, run, save_state, sisa
from pisa_lab._array import backend, to_numpy
from pisa_lab.baselines import FedAvg, FedSGD
from pisa_lab.participation import Independent, Subset, _keys, attendance, rule_of
from pisa_lab.preconditioners import HessianDiagonal, ScaledSign, TopK
from pisa_lab.presence import keep_absent
from pisa_lab.sampling import Stream, draw_batch, sampler
from pisa_lab.schedules import Polynomial, ResidualBalancing
from pisa_lab.state import leaves
from problems.table import by_name

METHODS = [
    PISA(penalty=6.0),
    PISA(penalty=6.0, first="client"),
    PISA(penalty=6.0, warm=True, extrapolation=False),
    PISA(penalty=6.0, schedule=Polynomial(0.6)),
    PISA(penalty=(5.0, 6.0, 7.0), penalty_ratio=0.9, penalty_update="after_solve"),
    sisa(6.0, rho=1.0),
    nsisa(6.0, rho=1.0),
    PISA(penalty=30.0, preconditioner=TopK(0.3), extrapolation=False),
    PISA(penalty=30.0, preconditioner=ScaledSign()),
    sisa(20.0, metric="ema"),
    nsisa(20.0, where="server", momentum=0.5),
]
EACH = pytest.mark.parametrize("method", METHODS, ids=lambda method: f"{method.preconditioner!r}-{method.first}")


def started(method, problem):
    """Return a state some rounds on, at the server's point."""
    return method.server_update(run(method, problem, steps=5).state)


def seen(problem, state, active):
    return Observation(problem.client_grad(state.shared), active=np.asarray(active))


@EACH
def test_an_absent_client_keeps_what_it_had_and_stands_at_w(method):
    problem = quadratics()
    state = started(method, problem)
    after = method.client_update(state, seen(problem, state, [True, False, True]))
    assert np.array_equal(after.multiplier[1], state.multiplier[1])
    assert np.array_equal(after.deviation[1], np.zeros(4))
    for (path, new), (_, old) in zip(leaves(after.preconditioner), leaves(state.preconditioner), strict=True):
        if hasattr(new, "ndim"):
            assert np.array_equal(new[1], old[1]), path
    there = method.client_update(state, Observation(problem.client_grad(state.shared)))
    for name in ("multiplier", "deviation", "penalty"):
        assert np.array_equal(getattr(after, name)[[0, 2]], getattr(there, name)[[0, 2]])
    # The penalty follows the schedule for everybody, so that the server knows it without a message.
    assert np.array_equal(after.penalty, there.penalty)


@EACH
def test_what_an_absent_client_would_have_said_does_not_matter(method):
    problem = quadratics()
    state = started(method, problem)
    at = seen(problem, state, [True, False, True])
    with np.errstate(all="ignore"):
        wild = at.gradient.copy()
        wild[1] = np.nan
        other = method.client_update(state, at._replace(gradient=wild))
    plain = method.client_update(state, at)
    for (path, one), (_, two) in zip(leaves(other), leaves(plain), strict=True):
        assert np.array_equal(np.asarray(one), np.asarray(two)), path


@EACH
def test_everybody_there_is_the_ordinary_run_bit_for_bit(method):
    problem = quadratics()
    plain = run(method, problem, steps=20, batches=4, seeds=2)
    for everybody in (1.0, 3, Subset(3), Independent(1.0)):
        other = run(method, problem, steps=20, batches=4, seeds=2, participation=everybody)
        assert np.array_equal(other.state.consensus, plain.state.consensus)
        assert np.array_equal(other.state.multiplier, plain.state.multiplier)
        assert all(np.array_equal(other.ledger[name], plain.ledger[name]) for name in plain.ledger)


def test_a_run_with_absent_clients_by_hand():
    """SISA (III) one client at a time; an absent one stands at w and keeps π_i and v_i."""
    problem, rule = quadratics(), Subset(2)
    present = attendance(rule, METHODS[0], problem, 4, experiment=2)
    w, v, pi = problem.initial.copy(), np.zeros((3, 4)), np.zeros((3, 4))
    local = np.broadcast_to(w, (3, 4)).copy()
    for step in range(40):
        w = problem.weights @ (6.0 * local + pi) / (6.0 + problem.ridge)
        for i in range(3):
            if not present(step)[i]:
                local[i] = w
                continue
            u = pi[i] + problem.matrices[i] @ w - problem.vectors[i]
            v[i] = 0.9 * v[i] + 0.1 * u * u
            local[i] = w - u / (6.0 + 0.7 * np.sqrt(v[i] / (1 - 0.9 ** (step + 1))))
            pi[i] = pi[i] + 6.0 * (local[i] - w)
    method = sisa(6.0, rho=0.7, beta=0.9)
    state = run(method, problem, steps=40, participation=rule, seed=4, experiment=2).state
    np.testing.assert_allclose(state.consensus, w, rtol=1e-11)
    np.testing.assert_allclose(state.multiplier, pi, rtol=1e-11, atol=1e-13)


def test_with_absent_clients_it_still_reaches_the_solution():
    problem = quadratics()
    for method in (*METHODS[:3], PISA(penalty=12.0, rho=6.0, preconditioner=HessianDiagonal(clip=1.0)), METHODS[7]):
        if not isinstance(method.preconditioner, HessianDiagonal):
            result = run(method, problem, steps=3000, participation=0.4)
            assert float(result.last("stationarity")) < 1e-10
    logistic = by_name("logistic").build(0, 4)
    method = PISA(penalty=12.0, rho=6.0, preconditioner=HessianDiagonal(clip=1.0))
    assert float(run(method, logistic, steps=2000, participation=1).last("stationarity")) < 1e-8


# --- who is there


def drawn(value, *, clients=6, seeds=0, experiment=0, count=300):
    problem = quadratics(clients=clients)
    present = attendance(value, METHODS[0], problem, seeds, experiment=experiment)
    return np.asarray([present(number) for number in range(count)])


def test_presence_has_its_frequency_and_sets_their_size():
    flags = drawn(0.3, count=4000)
    # Six standard deviations of 4000 coins.
    assert np.all(np.abs(flags.mean(axis=0) - 0.3) < 6 * np.sqrt(0.3 * 0.7 / 4000))
    assert np.all(np.abs(np.corrcoef(flags.T.astype(float)) - np.eye(6)) < 0.1)
    sets = drawn(2, count=4000)
    assert np.all(sets.sum(axis=1) == 2)
    assert np.all(np.abs(sets.mean(axis=0) - 1 / 3) < 6 * np.sqrt(2 / 9 / 4000))
    pairs = np.unique(sets, axis=0, return_counts=True)[1]
    assert pairs.size == 15
    assert np.all(np.abs(pairs / 4000 - 1 / 15) < 6 * np.sqrt(14 / 225 / 4000))


def test_seeds_experiments_and_rounds_differ():
    one = drawn(0.5)
    assert not np.array_equal(one, drawn(0.5, seeds=1))
    assert not np.array_equal(one, drawn(0.5, experiment=1))
    # Four blocks of 64 rounds, all different.
    assert len({one[64 * k : 64 * (k + 1)].tobytes() for k in range(4)}) == 4


def test_a_replicate_alone_is_the_one_among_others():
    among = drawn(0.5, seeds=(3, 4, 5))
    assert among.shape == (300, 3, 6)
    for place, seed in enumerate((3, 4, 5)):
        assert np.array_equal(among[:, place], drawn(0.5, seeds=seed))
    problem, method = quadratics(), METHODS[5]
    together = run(method, problem, steps=30, participation=0.5, seed=3, seeds=3)
    alone = run(method, problem, steps=30, participation=0.5, seed=4)
    assert np.array_equal(together.state.consensus[1], alone.state.consensus)


@dataclasses.dataclass(frozen=True)
class Named:
    """A problem whose clients have names of their own, which their streams go by."""

    inner: object
    client_ids: tuple[int, ...]

    def __getattr__(self, name):
        return getattr(self.inner, name)


@pytest.mark.parametrize("participation", [0.5, 2])
@pytest.mark.parametrize("batches", [None, 4])
def test_listing_the_clients_in_another_order_moves_their_presence_with_them(participation, batches):
    problem, order = quadratics(), (2, 0, 1)
    other = Listed(inner=problem, order=order).problem
    settings = {"steps": 40, "participation": participation, "batches": batches}
    one = run(METHODS[0], Named(problem, (0, 1, 2)), **settings).state
    two = run(METHODS[0], Named(other, order), **settings).state
    np.testing.assert_allclose(two.consensus, one.consensus, rtol=1e-12, atol=1e-14)
    assert not np.allclose(run(METHODS[0], other, **settings).state.consensus, one.consensus, rtol=1e-3)


def test_presence_does_not_depend_on_iterates_nor_batches_on_presence(monkeypatch):
    problem = quadratics()
    # The streams of batches and of presence are two: the same generator block gives other numbers.
    stream = Stream(0, 0, 0)
    assert stream.generator(0).random() != stream.generator(0, 1).random()
    keys = _keys(0, (0,), (0,), 0)[:, 0, 0]
    assert not set(keys) & set(stream.generator(0).random(200))
    before = draw_batch(sampler(4), problem, 0, experiment=0, number=3)
    drawn(0.5)
    assert np.array_equal(draw_batch(sampler(4), problem, 0, experiment=0, number=3), before)
    asked = []
    rule = Independent(0.5)
    monkeypatch.setattr(Independent, "present", lambda self, keys: asked.append(keys.copy()) or keys < 0.5)
    for start in (0.0, 5.0):
        run(METHODS[0], problem, steps=10, w0=problem.initial + start, participation=rule)
    assert np.array_equal(np.asarray(asked[:10]), np.asarray(asked[10:]))


@pytest.mark.parametrize("participation", [0.4, 2])
@EACH
def test_stop_and_resume_is_running_through(method, participation, tmp_path):
    problem = quadratics()
    settings = {"participation": participation, "batches": 4, "seeds": 2}
    through = run(method, problem, steps=150, **settings)
    half = run(method, problem, steps=70, **settings)
    save_state(tmp_path / "half.npz", half.state)
    state, _ = load_state(tmp_path / "half.npz", method.init(problem, problem.initial, replicates=2))
    resumed = run(method, problem, steps=80, state=state, spent=half.ledger, **settings)
    assert np.array_equal(resumed.state.consensus, through.state.consensus)
    assert np.array_equal(resumed.state.multiplier, through.state.multiplier)
    assert all(np.array_equal(resumed.ledger[name][-1], through.ledger[name][-1]) for name in through.ledger)


def test_every_library_sees_the_same_clients(library):
    for method in (METHODS[0], METHODS[5], METHODS[7]):
        here = run(method, quadratics(), steps=60, seeds=2, participation=0.5)
        there = run(method, quadratics(library=library), steps=60, seeds=2, participation=0.5)
        assert type(there.state.consensus) is type(backend(library).zeros(1))
        np.testing.assert_allclose(to_numpy(there.state.consensus), here.state.consensus, rtol=1e-9, atol=1e-12)


def test_a_rule_of_ones_own_is_a_function_of_keys():
    class Alternating:
        def present(self, keys):
            return keys < np.where(np.arange(keys.shape[-1]) == 0, 1.0, 0.5)

    result = run(METHODS[0], quadratics(), steps=400, participation=Alternating(), seeds=2)
    assert np.all(result.last("stationarity") < 1e-6)
    assert np.all(result.ledger["gradients"][-1] > 400 * 1.5)


# --- what it costs


def known():
    return Known(**vars(quadratics()))


@pytest.mark.parametrize("seeds", [None, 3])
@pytest.mark.parametrize("batches", [None, 4])
def test_the_ledger_charges_who_was_there(batches, seeds):
    problem, names = known(), 0 if seeds is None else (0, 1, 2)
    present = attendance(0.4, METHODS[0], problem, names, experiment=0)
    there = np.sum([present(number) for number in range(25)], axis=(0, -1))
    assert np.all(there > 0)
    assert np.all(there < 75)
    result = run(PISA(penalty=6.0), problem, steps=25, participation=0.4, batches=batches, seeds=seeds)
    costs = {name: np.asarray(values[-1]) for name, values in result.ledger.items()}
    assert np.array_equal(costs["gradients"], there)
    assert np.array_equal(costs["samples"], there * (batches or 16))
    assert np.array_equal(costs["bytes_up"], there * 32)
    assert np.array_equal(costs["bytes_down"], there * 32)
    assert np.array_equal(costs["rounds"], np.full_like(there, 25))


def test_clients_of_unequal_size_are_charged_by_their_own_rows():
    problem = dataclasses.replace(known(), sizes=(16, 5, 9))
    present = attendance(1, METHODS[0], problem, 0, experiment=0)
    flags = np.asarray([present(number) for number in range(30)])
    assert len({tuple(row) for row in flags}) == 3
    result = run(PISA(penalty=6.0), problem, steps=30, participation=1)
    assert result.ledger["samples"][-1] == int(np.sum(flags @ np.asarray([16, 5, 9])))


def test_a_warm_start_asks_everybody():
    result = run(PISA(penalty=6.0, warm=True), known(), steps=0, participation=1)
    assert result.ledger["gradients"][-1] == 3
    assert result.ledger["bytes_up"][-1] == 96


# --- what is refused


BAD = [
    ("participation", 0.0, METHODS[0]),
    ("participation", 1.5, METHODS[0]),
    ("participation", 0, METHODS[0]),
    ("participation", 4, METHODS[0]),
    ("participation", True, METHODS[0]),
    ("participation", "half", METHODS[0]),
    ("participation", float("nan"), METHODS[0]),
    ("participation", 0.5, FedAvg(rate=0.1)),
    ("participation", 0.5, FedSGD(rate=0.1)),
    ("participation", 0.5, PISA(penalty=4.0, schedule=ResidualBalancing())),
    ("participation", 0.5, PISA(penalty="auto")),
]


@pytest.mark.parametrize(("name", "value", "method"), BAD)
def test_bad_participation_is_named(name, value, method):
    with pytest.raises(ValueError, match=rf"^{name}: "):
        run(method, quadratics(), steps=1, participation=value)


def test_numbers_mean_what_they_are():
    assert rule_of(None) is None
    assert rule_of(np.int64(2)) == Subset(2)
    assert rule_of(0.5) == Independent(0.5)
    assert rule_of(1.0) == Independent(1.0)
    with pytest.raises(ValueError, match=r"^participation: .*Subset"):
        rule_of(Subset)
    assert (Independent(0.2).least(5), Subset(2).least(5), Subset(9).least(5)) == (0.2, 0.4, 1.0)


def test_what_all_clients_share_is_taken_from_the_new():
    active = np.asarray([True, False])
    new = (np.ones((2, 3)), 7, np.ones(5), ())
    old = (np.zeros((2, 3)), 8, np.zeros(5), ())
    kept = keep_absent(active, new, old)
    assert kept[0].tolist() == [[1, 1, 1], [0, 0, 0]]
    assert kept[1] == 7
    assert kept[2].tolist() == [1] * 5
