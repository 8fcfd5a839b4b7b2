"""A penalty that is searched for: the round of N1 against a plain loop, its corners, its costs."""

import dataclasses

import numpy as np
import pytest
from small import Quadratics, quadratics

from pisa_lab import PISA, Status, from_functions, load_state, nsisa, run, save_state
from pisa_lab.backtracking import Backtracking
from pisa_lab.metrics import by_name
from pisa_lab.preconditioners import HeavyBall, OrthogonalMomentum, SecondMoment, Zero
from pisa_lab.preconditioners.base import Base


def plain(problem, rounds, momentum=0.9, rule=None):
    """N1 as it is written, for one replicate: returns w, σ, evaluations, restarts."""
    rule = rule or Backtracking()
    alpha, lam, w, sigma = problem.weights, problem.ridge, problem.initial.copy(), rule.initial
    mean = lambda x: np.tensordot(alpha, x, 1)  # noqa: E731

    def look(x):
        value = mean(problem.client_value(x[None])) + lam / 2 * x @ x
        return value, problem.client_grad(x[None])

    value, g = look(w)
    p, evaluations, restarts = g.copy(), 1, 0
    for number in range(rounds):
        sigma = sigma / (1 + rule.relaxation) if number else sigma
        fresh = not np.any(g - p)
        while True:
            s, e, total = sigma + lam, g - p, mean(g) + lam * w
            after = p + (1 - momentum) * e
            w_new = w - (mean(2 * after - p) + lam * w) / s
            value_new, g_new = look(w_new)
            evaluations += 1
            left = value_new + (1 + rule.relaxation) * rule.weight / s * mean(np.sum((g_new - after) ** 2, axis=-1))
            right = value + (1 - rule.contraction) * rule.weight / s * mean(np.sum(e**2, axis=-1))
            if left <= right - rule.decrease / s * total @ total:
                break
            if fresh:
                sigma *= rule.factor
            else:
                p, fresh, restarts = g.copy(), True, restarts + 1
        w, p, value, g = w_new, after, value_new, g_new
    return w, sigma, evaluations, restarts


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_a_round_is_that_of_the_theorem(momentum):
    problem = quadratics()
    result = run(PISA(penalty="auto", preconditioner=HeavyBall(momentum)), problem, steps=15)
    w, sigma, evaluations, restarts = plain(problem, 15, momentum)
    np.testing.assert_allclose(result.state.consensus, w, rtol=1e-9)
    np.testing.assert_allclose(result.state.penalty, sigma, rtol=1e-12)
    assert result.state.search.trials == evaluations > 16
    assert result.state.search.restarts == restarts


def one_client(value, gradient, start, **settings):
    return from_functions([(value, gradient)], np.asarray(start, dtype=float), check_gradients=False, **settings)


class Junk(Base):
    """A direction that does not vanish where nothing is left to correct."""

    @property
    def replaces_gradient(self):
        return True

    def update(self, state, at):
        return at.gradient + 1.0, super().update(state, at)[1]


@pytest.mark.parametrize("preconditioner", [Junk(), OrthogonalMomentum((("w", (2, 2)),)), Zero(), SecondMoment("I")])
def test_any_operator_is_made_safe(preconditioner):
    """Without the flag "already restarted" the first two raise σ for ever: the test never sees the gradient's step."""
    problem = quadratics()
    method = PISA(penalty="auto", rho=1.0, preconditioner=preconditioner)
    result = run(method, problem, steps=600)
    assert result.status in (Status.FINISHED, Status.ROUNDING)
    assert result.last("stationarity") < 1e-6 * result.history["stationarity"][0]
    smoothness = float(np.max(np.linalg.eigvalsh(problem.matrices)))
    assert np.all(result.state.penalty < 4 * 1.24 * smoothness)


@pytest.mark.parametrize("offset", [0.0, 1e4, 1e8, 1e12])
def test_values_that_cancel_do_not_raise_the_penalty(offset):
    problem = one_client(
        lambda w: ((w[0] - 1) ** 2 / 2 + offset) - offset, lambda w: w - 1, [3.0], lipschitz=1.0, ridge=0.0
    )
    result = run(PISA(penalty="auto"), problem, steps=2000, measures=["stationarity", "penalty"], every=1)
    assert result.last("stationarity") < 1e-12
    assert np.max(result.history["penalty"]) < 1e4
    assert result.state.search.trials < 2.1 * 2000


def test_values_that_are_not_reproducible_end_no_run():
    rng = np.random.default_rng(0)
    problem = one_client(
        lambda w: np.log1p(np.exp(-w[0])) * (1 + 1e-12 * rng.standard_normal()) + w[0] ** 2 / 20,
        lambda w: -1 / (1 + np.exp(w)) + w / 10,
        [5.0],
    )
    result = run(PISA(penalty="auto"), problem, steps=1500)
    assert result.status in (Status.FINISHED, Status.ROUNDING)
    assert result.last("stationarity") < 1e-9


@pytest.mark.parametrize(
    ("value", "gradient", "start"),
    [
        (lambda w: np.sum(w**4) / 4, lambda w: w**3, [10.0, -3.0]),
        (lambda w: np.sum(np.exp(w) - 2 * w), lambda w: np.exp(w) - 2, [30.0, -2.0]),
    ],
    ids=["quartic", "exponential"],
)
def test_locally_lipschitz_gradients_are_enough(value, gradient, start):
    problem = one_client(value, gradient, start)
    constant = run(PISA(penalty=2.0), problem, steps=50)
    assert constant.status is Status.NON_FINITE or constant.last("stationarity") > 1.9
    result = run(PISA(penalty="auto"), problem, steps=1000)
    assert result.last("stationarity") < 1e-6
    assert np.all(np.diff(result.history["objective"]) <= 1e-12)


def test_a_minimiser_is_rounding_and_not_a_loop():
    problem = quadratics()
    start = problem.minimiser()
    result = run(PISA(penalty="auto"), problem, steps=300, w0=start)
    assert result.status in (Status.FINISHED, Status.ROUNDING)
    assert float(result.state.search.trials) <= 2.1 * 300
    np.testing.assert_allclose(result.state.consensus, start, atol=1e-12)


def test_two_clients_that_cancel_end_with_rounding():
    pull = lambda b: (lambda w: float((w - b) @ (w - b)) / 2, lambda w: w - b)  # noqa: E731
    problem = from_functions([pull(3.0), pull(-3.0)], [1.0], lipschitz=1.0)
    result = run(PISA(penalty="auto"), problem, steps=2000)
    assert result.status is Status.ROUNDING
    assert result.iterations < 2000
    assert abs(result.state.consensus[0]) < 1e-14


def test_single_precision_knows_its_own_unit():
    fields = {k: v.astype(np.float32) if hasattr(v, "dtype") else v for k, v in vars(quadratics()).items()}
    problem = Quadratics(**fields)
    result = run(PISA(penalty="auto"), problem, steps=500)
    assert result.state.consensus.dtype == np.float32
    assert result.last("stationarity") < 1e-5 * result.history["stationarity"][0]
    assert np.all(np.isfinite(result.state.penalty))
    assert np.all(result.state.penalty < 1e4)


def test_a_round_without_a_step_says_so():
    """What is given as the gradient leads uphill: no penalty makes (T) true."""
    problem = one_client(lambda w: float(-(w @ w)) / 2, lambda w: w, [1.0])
    result = run(PISA(penalty=Backtracking(trials=7)), problem, steps=50)
    assert result.status is Status.TRIALS
    assert result.iterations == 1
    assert result.state.search.trials == 8
    assert result.state.consensus[0] == 1.0


def test_replicates_search_alone():
    problem = quadratics()
    starts = np.stack([problem.initial + shift for shift in (0.0, 3.0, -40.0)])
    method = PISA(penalty=Backtracking(initial=0.3))
    together = run(method, problem, steps=60, w0=starts, seeds=3)
    for place, start in enumerate(starts):
        alone = run(method, problem, steps=60, w0=start[None], seeds=1)
        assert np.array_equal(together.state.consensus[place], alone.state.consensus[0])
        assert np.array_equal(together.state.penalty[place], alone.state.penalty[0])
        for cost in together.ledger:
            assert together.ledger[cost][-1][place] == alone.ledger[cost][-1][0], cost
    assert len(set(together.state.search.trials)) > 1


def test_stop_and_resume_through_a_file_is_run_through(tmp_path):
    problem, method = quadratics(), PISA(penalty="auto")
    through = run(method, problem, steps=30)
    half = run(method, problem, steps=13)
    save_state(tmp_path / "half.npz", half.state)
    state, _ = load_state(tmp_path / "half.npz", method.init(problem, problem.initial))
    rest = run(method, problem, steps=17, state=state, spent=half.ledger)
    assert np.array_equal(rest.state.consensus, through.state.consensus)
    assert {k: v[-1] for k, v in rest.ledger.items()} == {k: v[-1] for k, v in through.ledger.items()}


def test_every_trial_and_restart_is_paid_for():
    problem = quadratics()
    result = run(PISA(penalty="auto"), problem, steps=25, measures={})
    found, (clients, size) = result.state.search, problem.vectors.shape
    costs = {name: int(values[-1]) for name, values in result.ledger.items()}
    parcel, trials = clients * size * 8, int(found.trials)
    assert trials > 26
    assert found.restarts > 0
    assert costs["gradients"] == costs["queries"] == clients * trials
    assert costs["restarts"] == found.restarts
    assert costs["bytes_down"] == parcel * (trials - 1)
    assert costs["bytes_up"] == parcel * (25 + int(found.restarts)) + 2 * clients * 8 * (trials - 1)


def test_mini_batches_are_refused_with_the_rules_for_them():
    with pytest.raises(ValueError, match=r"(?s)penalty: 'auto'.*adagrad-norm.*secant"):
        run(PISA(penalty="auto"), quadratics(), steps=3, batches=4)


@pytest.mark.parametrize("name", ["ema", "max", "adagrad", "ema-past"])
def test_a_diagonal_metric_falls_in_its_own_norm(name):
    problem = quadratics()
    result = run(PISA(penalty="auto", metric=by_name(name).build(problem)), problem, steps=200)
    assert result.last("stationarity") < 1e-5 * result.history["stationarity"][0]
    assert np.all(np.diff(result.history["objective"]) <= 1e-9 * abs(result.history["objective"][0]))


def test_a_safeguarded_server_nsisa_converges():
    problem = quadratics()
    method = nsisa("auto", where="server", momentum=0.9, blocks=(("w", (2, 2)),))
    assert run(method, problem, steps=500).last("stationarity") < 1e-6


def test_the_rule_is_a_value():
    rule = Backtracking(initial=2.0)
    assert PISA(penalty=rule).penalty == rule == dataclasses.replace(Backtracking(), initial=2.0)
    assert PISA(penalty="auto").preconditioner == HeavyBall()
