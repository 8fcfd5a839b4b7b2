"""The server's metric: against plain loops, as a change of variables, and what every row of METRICS owes."""

import math

import numpy as np
import pytest
from small import quadratics

from pisa_lab import (
    PISA,
    Observation,
    Run,
    augmented_lagrangian,
    consensus_residual,
    load_state,
    nsisa,
    run,
    save_state,
    sisa,
)
from pisa_lab._array import to_numpy
from pisa_lab.lagrangian import lyapunov
from pisa_lab.metrics import METRICS, AdaGradNorm, Fixed, Metric, Secant, SpectralDescent
from pisa_lab.monitor import Hypothesis, Monitor
from pisa_lab.preconditioners import HeavyBall, Hessian, Nondecreasing, SecondMoment, Zero, newton_schulz

ROWS = pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
BLOCKS = (("matrix", (2, 3)), ("rest", (3,)))


def mean(problem, x):
    return np.tensordot(problem.weights, x, 1)


def plain_metric_sisa(problem, rounds, *, sigma=5.0, momentum=0.9, beta=0.999, floor=1e-8, past=False):
    """Metric SISA as MATHEMATICS.md#N3 writes it: Adam's D in Algorithm 1's lines, π = −p."""
    w, p = problem.initial.copy(), 0 * problem.vectors
    v = 0 * w
    for step in range(1, rounds + 1):
        g = problem.client_grad(w[None])
        old = np.sqrt(v / (1 - beta ** (step - 1))) if step > 1 else None
        v = beta * v + (1 - beta) * mean(problem, g) ** 2
        d = (np.sqrt(v / (1 - beta**step)) if not past or old is None else old) + floor
        after = momentum * p + (1 - momentum) * g
        w = w - (mean(problem, 2 * after - p) + problem.ridge * w) / (sigma * d + problem.ridge)
        p = after
    return w, p, d


@pytest.mark.parametrize("past", [False, True])
def test_metric_sisa_equals_the_plain_loop(past):
    problem = quadratics()
    metric = Metric(SecondMoment(), order="past" if past else "current")
    state = run(sisa(5.0, metric=metric), problem, steps=60).state
    w, p, d = plain_metric_sisa(problem, 60, past=past)
    np.testing.assert_allclose(state.consensus, w, rtol=1e-11)
    np.testing.assert_allclose(state.multiplier, -p, rtol=1e-11)
    # w_i of the client's line: it minimises with the metric σD, and the multiplier moves by σD(w_i − w).
    before = run(sisa(5.0, metric=metric), problem, steps=59).state
    moved = state.multiplier - before.multiplier
    np.testing.assert_allclose(state.local, before.shared + moved / (5.0 * d), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(state.local_mean, mean(problem, state.local), rtol=1e-12)


def test_a_fixed_metric_is_a_change_of_variables():
    problem = quadratics(ridge=0.0)
    d = np.array([0.25, 4.0, 1.0, 100.0])
    root = np.sqrt(d)
    scaled = type(problem)(
        **vars(problem)
        | {
            "matrices": problem.matrices / root[:, None] / root,
            "vectors": problem.vectors / root,
            "noise": problem.noise / root,
            "initial": problem.initial * root,
        }
    )
    metric = Metric(Fixed(tuple(d)), 0.0)
    one = run(PISA(penalty=3.0, metric=metric, preconditioner=HeavyBall(0.5)), problem, steps=40).state
    other = run(PISA(penalty=3.0, first="client", preconditioner=HeavyBall(0.5)), scaled, steps=40).state
    np.testing.assert_allclose(one.consensus * root, other.consensus, rtol=1e-10)
    np.testing.assert_allclose(one.local * root, other.local, rtol=1e-10)


def test_a_metric_of_ones_is_no_metric():
    problem = quadratics()
    one = run(sisa(4.0, first="client"), problem, steps=30).state
    other = run(sisa(4.0, metric=None, first="client"), problem, steps=30).state
    ones = run(PISA(penalty=4.0, metric=Metric(Zero(), 1.0)), problem, steps=30).state
    none = run(PISA(penalty=4.0, first="client"), problem, steps=30).state
    assert np.array_equal(one.consensus, other.consensus)
    np.testing.assert_allclose(ones.consensus, none.consensus, rtol=1e-13)
    np.testing.assert_allclose(ones.local, none.local, rtol=1e-13)


@pytest.mark.parametrize("by", ["norm", "coordinate", "layer"])
def test_adagrad_norm_is_the_method_of_the_theorem(by):
    """N4 as it is written: σ_{k+1}² = σ_k² + c₀a_k, and the server that knows both."""
    problem, c = quadratics(ridge=0.0), 0.7
    blocks = (("a", (1,)), ("b", (3,)))
    groups = {"norm": [[0, 1, 2, 3]], "coordinate": [[0], [1], [2], [3]], "layer": [[0], [1, 2, 3]]}[by]
    w, p = problem.initial.copy(), 0 * problem.vectors
    sigma = None
    for _ in range(30):
        g = problem.client_grad(w[None])
        each = mean(problem, g) ** 2 + mean(problem, (g - p) ** 2)
        a = 0 * w
        for group in groups:
            a[group] = each[group].sum()
        sigma = np.sqrt(c * a) if sigma is None else sigma
        larger = np.sqrt(sigma**2 + c * a)
        before, after = mean(problem, p), mean(problem, g)
        # In the first round the clients' w_i are made with the metric of the server's step.
        ratio = 1.0 if _ == 0 else larger / sigma
        w, p, sigma = w - (ratio * (after - before) + after) / larger, g, larger
    rule = AdaGradNorm(by, blocks if by == "layer" else None)
    state = run(PISA(penalty=math.sqrt(c), metric=Metric(rule, 0.0, "mixed")), problem, steps=30).state
    np.testing.assert_allclose(state.consensus, w, rtol=1e-10)
    np.testing.assert_allclose(math.sqrt(c) * to_numpy(state.metric.form.entries)[0], sigma, rtol=1e-10)


def test_secants_see_the_curvature_and_grow():
    problem = quadratics(ridge=0.0)
    rule = Secant(kappa=2.0, exponent=0.75, delay=20.0, period=5, decay=1.0)
    state = run(PISA(penalty=1.0, metric=Metric(rule, 0.0, "past")), problem, steps=40).state
    smoothness = float(np.sqrt(mean(problem, np.linalg.eigvalsh(problem.matrices)[:, -1] ** 2)))
    estimate = to_numpy(state.metric.memory.smoothness)
    assert np.ptp(estimate) == 0
    assert 0.2 * smoothness < estimate[0, 0] <= smoothness * (1 + 1e-9)
    np.testing.assert_allclose(state.metric.memory.form.entries, 2 * (1 + 39 / 20) ** 0.75 * estimate)


def matrices(seed=0, ridge=0.1):
    return quadratics(seed, size=9, ridge=ridge)


@pytest.mark.parametrize("scale", ["constant", "nuclear", "clipped"])
def test_the_servers_newton_schulz_equals_the_plain_loop(scale):
    problem, sigma, tau, ratio = matrices(), 8.0, 0.3, 2.0
    w, p, v = problem.initial.copy(), 0 * problem.vectors, np.zeros(9)
    for step in range(1, 31):
        g = problem.client_grad(w[None])
        v = 0.999 * v + 0.001 * mean(problem, g) ** 2
        after = 0.9 * p + 0.1 * g
        x = -(mean(problem, 2 * after - p) + problem.ridge * w)
        o = newton_schulz(x[:6].reshape(2, 3))
        n = np.sum(o * x[:6].reshape(2, 3)) / 1.2024
        factor = {"constant": 1.0, "nuclear": n / 1.2024, "clipped": min(n, tau) / 1.2024}[scale]
        d = np.sqrt(v[6:] / (1 - 0.999**step)) + 1e-8
        w = w + np.concatenate([factor / sigma * o.ravel(), x[6:] / (sigma / ratio * d + problem.ridge)])
        p = after
    metric = SpectralDescent(scale, threshold=tau, blocks=BLOCKS, ratio=ratio)
    state = run(PISA(penalty=sigma, preconditioner=HeavyBall(0.9), metric=metric), problem, steps=30).state
    np.testing.assert_allclose(state.consensus, w, rtol=1e-9)


@pytest.mark.parametrize("scale", ["nuclear", "clipped"])
def test_on_the_server_fixed_points_are_kkt_points(scale):
    problem = matrices()
    blocks = (("w", (3, 3)),)
    published = run(nsisa(8.0, blocks=blocks), problem, steps=3000).last("stationarity")
    descent = PISA(penalty=8.0, preconditioner=HeavyBall(0.5), metric=SpectralDescent(scale, blocks=blocks))
    repaired = run(descent, problem, steps=3000).last("stationarity")
    assert repaired < 1e-8 < 1e-2 < published


@ROWS
def test_stop_and_resume_through_a_file_is_run_through(row, tmp_path):
    method, problem = _method(row), _problem(row)
    through = run(method, problem, steps=20, batches=4)
    half = run(method, problem, steps=7, batches=4)
    save_state(tmp_path / "half.npz", half.state)
    state, _ = load_state(tmp_path / "half.npz", method.init(problem, problem.initial))
    rest = run(method, problem, steps=13, batches=4, state=state)
    assert np.array_equal(rest.state.consensus, through.state.consensus)


@ROWS
def test_a_replicate_alone_is_the_replicate_among_others(row):
    method, problem = _method(row), _problem(row)
    together = run(method, problem, steps=20, batches=4, seeds=3)
    alone = run(method, problem, steps=20, batches=4, seed=1, seeds=1)
    assert np.array_equal(together.state.consensus[1], alone.state.consensus[0])
    assert np.ptp(together.state.consensus, axis=0).max() > 0


@ROWS
def test_permuting_clients_and_splitting_one_leaves_w(row):
    problem = _problem(row)
    one = run(_method(row), problem, steps=15).state.consensus
    for order in ((2, 0, 1), (0, 1, 1, 2)):
        counts = np.bincount(order)
        index = np.array(order)
        fields = {name: getattr(problem, name)[index] for name in ("matrices", "vectors", "noise")}
        weights = problem.weights[index] / counts[index]
        other = type(problem)(**vars(problem) | fields | {"weights": weights, "sizes": (16,) * len(order)})
        np.testing.assert_allclose(run(_method(row), other, steps=15).state.consensus, one, rtol=1e-7)


@ROWS
def test_libraries_agree(row, library):
    one = run(_method(row), _problem(row), steps=15).state.consensus
    other = run(_method(row), _problem(row, library=library if library != "numpy" else "strict"), steps=15).state
    np.testing.assert_allclose(to_numpy(other.consensus), one, rtol=1e-7)


@ROWS
def test_a_step_leaves_its_input_alone_and_shares_no_memory(row):
    method, problem = _method(row), _problem(row)
    state = method.init(problem, problem.initial)
    state = method.client_update(state, Observation(problem.client_grad(state.shared), None, problem))
    copies = (state.consensus.copy(), state.deviation.copy(), state.multiplier.copy())
    after = method.server_update(state)
    for kept, now in zip(copies, (state.consensus, state.deviation, state.multiplier), strict=True):
        assert np.array_equal(kept, now)
    assert np.any(after.consensus != state.consensus)


def _problem(row, library="numpy"):
    problem = quadratics(size=6, library=library)
    return _Blocked(**vars(problem)) if row.name in ("adagrad-layer", *_SPECTRAL) else _Curved(**vars(problem))


def _method(row):
    return PISA(penalty=2.0, preconditioner=HeavyBall(0.5), metric=row.build(_problem(row)))


_SPECTRAL = ("spectral", "spectral-nuclear", "spectral-clipped")


class _Curved(type(quadratics())):
    def hvp(self, w, v, batch=None):
        return self._times(v + 0 * w)


class _Blocked(_Curved):
    blocks = (("matrix", (2, 2)), ("rest", (2,)))


def test_a_searched_penalty_takes_a_diagonal_metric_alone():
    with pytest.raises(ValueError, match="metric: its form is a Spectral"):
        run(PISA(penalty="auto", metric=Metric(Hessian())), _Curved(**vars(quadratics())), steps=1)


def test_rules_of_the_server_are_no_preconditioners_of_clients():
    for rule in (AdaGradNorm(), Secant()):
        with pytest.raises(ValueError, match="rule for the server's metric"):
            run(PISA(penalty=1.0, rho=1.0, preconditioner=rule), quadratics(), steps=1)


def test_a_maximum_never_falls():
    problem = quadratics()
    method = PISA(penalty=2.0, metric=Metric(Nondecreasing(SecondMoment("II", beta=0.5))))
    state, seen = method.init(problem, problem.initial), []
    for _ in range(30):
        state = method.client_update(state, Observation(problem.client_grad(state.shared), None, problem))
        seen.append(state.metric.form.entries[0])
        state = method.server_update(state)
    assert np.all(np.diff(seen, axis=0) >= 0)
    assert np.any(np.diff(seen, axis=0) > 0)


def test_the_mean_of_the_local_models_can_be_read_from_a_run():
    problem = quadratics()
    result = run(PISA(penalty=2.0), problem, steps=9, measures=["objective", "local_mean"])
    assert isinstance(result, Run)
    value = mean(problem, problem.client_value(result.local_mean[None])) + 0.15 * result.local_mean @ result.local_mean
    np.testing.assert_allclose(result.last("local_mean"), value, rtol=1e-12)
    assert result.last("local_mean") != result.last("objective")


@pytest.mark.parametrize(
    ("rule", "promised"),
    [
        (SecondMoment("I"), 1.0),
        (SecondMoment("II", beta=0.8), math.sqrt(0.8)),
        (SecondMoment("III", beta=0.8), math.sqrt(0.8 / 1.8)),
        (Nondecreasing(SecondMoment("II", beta=0.8)), 1.0),
    ],
)
def test_a_metric_falls_by_no_more_than_it_promises_and_the_monitor_says_where_it_does(rule, promised):
    problem = quadratics()
    method = PISA(penalty=2.0, preconditioner=HeavyBall(0.5), metric=Metric(rule, floor=0.0))
    assert method.metric.shrinkage == pytest.approx(promised)
    kept = Monitor(problem, method, every=1)
    run(method, problem, steps=60, callback=kept)
    assert Hypothesis.METRIC_FALL not in {finding.hypothesis for finding in kept.violations()}
    least = min(row["metric_fall"] for row in kept.rows if not math.isnan(row["metric_fall"]))
    assert promised * (1 - 1e-9) <= least
    if promised < 1:
        strict = Monitor(problem, method, every=1, shrinkage=1.0)
        run(method, problem, steps=60, callback=strict)
        (finding,) = [one for one in strict.violations() if one.hypothesis is Hypothesis.METRIC_FALL]
        assert finding.numbers["promised"] == 1.0
        assert finding.numbers["least"] < 1.0


def test_the_lagrangian_and_the_residuals_are_those_of_the_metric():
    """Before the server's step w_i − w minimises, so that L has no slope in it: σD(w_i − w) = −(π + g) + …"""
    problem = quadratics()
    method = sisa(3.0, metric=Metric(Fixed((0.5, 2.0, 1.0, 4.0)), 0.0), momentum=0.0)
    state = run(method, problem, steps=5).state
    d, delta = np.array([0.5, 2.0, 1.0, 4.0]), state.local - state.shared
    each = np.sum(delta * (state.multiplier + 1.5 * d * delta), axis=-1) + problem.client_value(state.local)
    value = mean(problem, each) + 0.15 * state.consensus @ state.consensus
    np.testing.assert_allclose(augmented_lagrangian(problem, state), value, rtol=1e-12)
    apart = math.sqrt(mean(problem, np.sum(delta**2, axis=-1)))
    np.testing.assert_allclose(consensus_residual(problem, state), apart, rtol=1e-12)
    applied = np.ones_like(delta)
    extra = mean(problem, 8 / 3 * np.sum(applied**2 / d, axis=-1))
    np.testing.assert_allclose(lyapunov(problem, state, applied), value + extra, rtol=1e-12)
