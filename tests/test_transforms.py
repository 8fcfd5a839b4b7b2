"""Transforms against their definitions, on families with and without samples, and on every array library."""

import copy
import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from pisa_lab._array import backend, to_numpy
from pisa_lab.method import PISA
from pisa_lab.problem import Problem, clients, from_functions, objective, total_gradient
from pisa_lab.state import Observation
from problems import transforms
from problems.linear import least_squares, logistic, phase_retrieval
from problems.quadratics import random_quadratic

# Sums of a dozen products of numbers of order one, in another order: a few hundred roundings of 2.2e-16.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}
UNEQUAL = (np.arange(0, 4), np.arange(4, 11), np.arange(11, 20))


def data(task):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(20, 4))
    y = x @ rng.normal(size=4) + rng.normal(size=20)
    return x, np.sign(y) if task == "binary" else y


def make(name, ridge=0.3):
    if name == "quadratic":
        return random_quadratic(1, clients=3, rotation=0.4, weights=(0.5, 0.3, 0.2), ridge=ridge)
    if name == "least squares":
        return least_squares(*data("regression"), UNEQUAL, ridge=ridge, local_ridge=0.1)
    return logistic(*data("binary"), UNEQUAL, ridge=ridge)


FAMILIES = ("quadratic", "least squares", "logistic")
# name → (transform, definition of F_a in terms of the base's F_i, members)
CASES = {
    "permute": (lambda p: transforms.permute_clients(p, (2, 0, 1)), (2, 0, 1), 1.0, 0.0),
    "split": (lambda p: transforms.split_client(p, 1), (0, 1, 1, 2), 1.0, 0.0),
    "split twice": (lambda p: transforms.split_client(transforms.split_client(p, 1), 2), (0, 1, 1, 1, 2), 1.0, 0.0),
    "scale": (lambda p: transforms.scale(p, 2.5), (0, 1, 2), 2.5, 0.0),
    "shift": (lambda p: transforms.shift(p, np.linspace(0.5, 1, p.initial.size)), (0, 1, 2), 1.0, 1.0),
    "ridge": (lambda p: transforms.with_ridge(p, 0.7), (0, 1, 2), 1.0, 0.0),
    "weights": (lambda p: transforms.with_weights(p, (0.2, 0.2, 0.6)), (0, 1, 2), 1.0, 0.0),
    "all": (
        lambda p: transforms.shift(
            transforms.scale(transforms.split_client(transforms.permute_clients(p, (1, 2, 0)), 0), 0.5),
            np.linspace(0.5, 1, p.initial.size),
        ),
        (1, 1, 2, 0),
        0.5,
        1.0,
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("shared", [True, False])
def test_view_is_its_definition(family, case, lead, shared):
    base = make(family)
    transform, members, factor, moved = CASES[case]
    view, size = transform(base), base.initial.size
    centre = moved * np.linspace(0.5, 1, size)
    rng, count = np.random.default_rng(5), len(members)
    w = rng.normal(size=(*lead, 1 if shared else count, size))
    v = rng.normal(size=w.shape)
    points, along = (np.broadcast_to(x, (*lead, count, size)) for x in (w, v))
    value, gradient, product = view.client_value(w), view.client_grad(w), view.hvp(w, v)
    assert value.shape == (*lead, count)
    assert gradient.shape == product.shape == (*lead, count, size)
    for a, member in enumerate(members):
        at = points[..., a : a + 1, :] - centre
        assert_allclose(value[..., a], factor * base.client_value(at)[..., member], **CLOSE)
        assert_allclose(gradient[..., a, :], factor * base.client_grad(at)[..., member, :], **CLOSE)
        assert_allclose(product[..., a, :], factor * base.hvp(at, along[..., a : a + 1, :])[..., member, :], **CLOSE)
    assert isinstance(view, Problem)
    assert_array_equal(view.client_ids, members)
    assert_array_equal(view.lipschitz, factor * base.lipschitz[list(members)])
    assert abs(float(view.weights.sum()) - 1) < 1e-15 * 10


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("shared", [True, False])
def test_view_routes_each_clients_batch(case, shared):
    base = make("logistic")
    transform, members, factor, moved = CASES[case]
    view = transform(base)
    assert view.sizes == tuple(base.sizes[member] for member in members)
    rng = np.random.default_rng(6)
    centre = moved * np.linspace(0.5, 1, 4)
    w = rng.normal(size=(2, 1 if shared else len(members), 4))
    batch = np.stack([rng.integers(0, n, size=(2, 5)) for n in view.sizes], axis=1)
    gradient, samples, product = view.client_grad(w, batch), view.sample_grad(w, batch), view.hvp(w, w, batch)
    assert samples.shape == (2, len(members), 5, 4)
    points = np.broadcast_to(w, (2, len(members), 4))
    for a, member in enumerate(members):
        own = np.zeros((2, 3, 5), dtype=np.int64)
        own[:, member] = batch[:, a]
        at, along = points[:, a : a + 1] - centre, points[:, a : a + 1]
        assert_allclose(gradient[:, a], factor * base.client_grad(at, own)[:, member], **CLOSE)
        assert_allclose(samples[:, a], factor * base.sample_grad(at, own)[:, member], **CLOSE)
        assert_allclose(product[:, a], factor * base.hvp(at, along, own)[:, member], **CLOSE)


def derived(base):
    """Yield every transformed problem of ``base``."""
    yield from (transform(base) for transform, *_ in CASES.values())
    yield transforms.merge_clients(base)
    yield transforms.merge_clients(base, ((0, 2), (1,)))
    yield transforms.with_noise(base, 0.5, samples=8)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_and_hvp_are_central_differences(family):
    rng, step = np.random.default_rng(7), 1e-5
    for problem in derived(make(family)):
        w, v = rng.normal(size=(2, 1, problem.initial.size))
        slope = (problem.client_value(w + step * v) - problem.client_value(w - step * v)) / (2 * step)
        bend = (problem.client_grad(w + step * v) - problem.client_grad(w - step * v)) / (2 * step)
        # Truncation is of order step² = 1e-10 and rounding 1e-16/step = 1e-11, times constants of order ten.
        assert_allclose((problem.client_grad(w) * v).sum(axis=-1), slope, rtol=1e-7, atol=1e-8)
        assert_allclose(problem.hvp(w, v), bend, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize("family", ["quadratic", "least squares"])
def test_a_minimiser_that_is_kept_is_one(family, ridge):
    kept = 0
    for problem in derived(make(family, ridge)):
        if problem.minimiser is None:
            assert problem.optimum is None
            continue
        kept += 1
        assert_allclose(total_gradient(problem, problem.minimiser), 0, atol=1e-10)
        assert_allclose(float(objective(problem, problem.minimiser)), problem.optimum, rtol=1e-10, atol=1e-10)
    # ridge and weights lose it; a shift loses it where there is a ridge.
    assert kept == len(CASES) + 3 - 2 - (2 if ridge else 0)


@pytest.mark.parametrize("family", FAMILIES)
def test_lipschitz_constants_hold_between_random_points(family):
    rng = np.random.default_rng(8)
    for problem in derived(make(family)):
        a, b = 2 * rng.normal(size=(2, 50, 1, problem.initial.size))
        grown = np.linalg.norm(problem.client_grad(a) - problem.client_grad(b), axis=-1)
        apart = np.linalg.norm(a - b, axis=-1)
        radius = float(np.linalg.norm(np.stack([a, b]), axis=-1).max())
        for constants in (problem.lipschitz, problem.lipschitz_on(radius)):
            assert np.all(grown <= constants * apart * (1 + 1e-12))


def test_a_shift_widens_the_ball_of_its_constants():
    x, centre = data("regression")[0], np.asarray([1.0, -2.0, 0.5, 3.0])
    base = phase_retrieval(x, np.ones(20), UNEQUAL)
    moved = transforms.shift(base, centre)
    assert_allclose(moved.lipschitz_on(2.0), base.lipschitz_on(2.0 + float(np.linalg.norm(centre))), rtol=1e-15)
    # At −2c/‖c‖, in the ball, the curvature is more than the base has anywhere in it.
    far = -2 * centre / np.linalg.norm(centre)
    curvature = np.linalg.norm(moved.hvp(far[None, :], centre[None, :]), axis=-1) / np.linalg.norm(centre)
    assert np.any(curvature > base.lipschitz_on(2.0))
    assert np.all(curvature <= moved.lipschitz_on(2.0))


def trajectory(problem, method, steps=12):
    state = method.init(problem, problem.initial + 1.0)
    seen = []
    for _ in range(steps):
        state = method.step(state, lambda w: Observation(gradient=problem.client_grad(w)))
        seen.append(state.consensus)
    return np.stack(seen)


@pytest.mark.parametrize("family", FAMILIES)
def test_pisa_does_not_see_order_splits_or_partition(family):
    base, method = make(family), PISA(penalty=3.0, rho=0.0)
    expected = trajectory(base, method)
    for problem in (
        transforms.permute_clients(base, (1, 2, 0)),
        transforms.split_client(base, 0),
        transforms.merge_clients(base),
        transforms.merge_clients(base, ((2,), (0, 1))),
    ):
        assert_allclose(trajectory(problem, method), expected, **CLOSE)


def test_streams_that_belong_to_ids_leave_a_permuted_or_split_problem_its_trajectory():
    base, method = make("logistic"), PISA(penalty=3.0)
    drawn = np.stack([np.random.default_rng(1).integers(0, n, size=(12, 2)) for n in base.sizes], axis=1)

    def run(problem):
        state = method.init(problem, problem.initial + 1.0)
        for batches in drawn:
            own = batches[transforms.client_ids(problem)]
            state = method.step(state, lambda w, own=own: Observation(gradient=problem.client_grad(w, own)))
        return state.consensus

    for problem in (transforms.permute_clients(base, (1, 2, 0)), transforms.split_client(base, 2)):
        assert_allclose(run(problem), run(base), **CLOSE)


def test_scaling_objective_and_penalty_alike_leaves_the_trajectory():
    base = make("logistic")
    expected = trajectory(base, PISA(penalty=2.0))
    assert_allclose(trajectory(transforms.scale(base, 4.0), PISA(penalty=8.0)), expected, **CLOSE)


def test_shift_moves_the_trajectory_and_the_predictions():
    base, centre = make("logistic", ridge=0.0), np.asarray([1.0, -2.0, 0.5, 3.0])
    moved, x = transforms.shift(base, centre), data("binary")[0]
    assert_allclose(trajectory(moved, PISA(penalty=2.0)), trajectory(base, PISA(penalty=2.0)) + centre, **CLOSE)
    w = np.asarray([0.3, 0.1, -0.2, 0.4])
    assert_array_equal(moved.predict(w + centre, x), base.predict(w, x))
    assert float(moved.accuracy(w + centre, *data("binary"))) == float(base.accuracy(w, *data("binary")))
    assert moved.task == "binary"


def test_convexity_is_claimed_only_where_it_follows():
    base = make("quadratic")
    assert transforms.scale(base, 2.0).convex
    assert transforms.with_ridge(base, 0.5).convex
    assert not transforms.with_ridge(base, 0.1).convex
    assert not transforms.with_weights(base, (0.2, 0.2, 0.6)).convex


@pytest.mark.parametrize("family", FAMILIES)
def test_every_transform_runs_on_every_library(family, library):
    xp = backend(library)
    for host in derived(make(family)):
        problem = transforms.on_backend(host, library)
        assert type(problem) is type(host)
        w = np.random.default_rng(9).normal(size=(2, 1, host.initial.size))
        batch = None
        if isinstance(host.sizes, tuple):
            batch = np.zeros((2, clients(host), 3), dtype=np.int64)
        for name, arguments in (
            ("client_value", (w,)),
            ("client_grad", (w,)),
            ("hvp", (w, 2 * w)),
            *((("client_grad", (w, batch)),) if batch is not None else ()),
        ):
            result = getattr(problem, name)(*(xp.asarray(argument) for argument in arguments))
            assert result.dtype == xp.float64
            assert_allclose(to_numpy(result), getattr(host, name)(*arguments), **CLOSE)
        assert type(problem.lipschitz) is np.ndarray
        assert_array_equal(problem.lipschitz, host.lipschitz)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_on_backend_converts_every_array_and_leaves_the_original(dtype, library):
    xp, host = backend(library), make("logistic")
    before = {name: np.array(value) for name, value in vars(host).items() if isinstance(value, np.ndarray)}
    problem = transforms.on_backend(host, library, dtype=dtype)
    for name, value in before.items():
        assert getattr(problem, name).dtype == getattr(xp, dtype)
        assert type(getattr(problem, name)) is type(xp.asarray([0.0]))
        assert_array_equal(getattr(host, name), value)
        assert getattr(host, name).dtype == np.float64
    assert problem.client_grad(problem.initial[None, :]).dtype == getattr(xp, dtype)
    assert problem.counts == host.counts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pair:
    """Two clients ½‖w − c_i‖² whose centres are a tuple of arrays, with labels, a constant on the host and a cache."""

    centres: tuple
    labels: np.ndarray
    weights: np.ndarray
    ridge: float
    initial: np.ndarray
    lipschitz: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "sum", self.centres[0] + self.centres[1])

    def client_grad(self, w, batch=None):
        return w - backend("strict").stack(self.centres)


def test_on_backend_reaches_into_tuples_and_keeps_integers():
    centres = (np.asarray([1.0, 2.0]), np.asarray([0.0, 4.0]))
    host = Pair(
        centres=centres,
        labels=np.asarray([0, 1], dtype=np.int32),
        weights=np.asarray([0.5, 0.5]),
        ridge=0.0,
        initial=np.zeros(2),
        lipschitz=np.ones(2),
    )
    problem, strict = transforms.on_backend(host, "strict"), backend("strict")
    assert problem.labels.dtype == strict.int64
    assert type(problem.lipschitz) is np.ndarray
    assert type(problem.sum) is type(strict.asarray([0.0]))
    assert_array_equal(to_numpy(problem.client_grad(problem.initial[None, :])), -np.stack(centres))


def test_noise_table_has_mean_zero_and_exactly_the_variance_asked_for():
    base = make("quadratic")
    noisy = transforms.with_noise(base, (0.5, 2.0, 0.0), samples=256, seed=4)
    # A sum of 256 numbers of order one, and one division.
    assert_allclose(noisy.table.mean(axis=1), 0, atol=1e-15)
    assert_allclose((noisy.table**2).sum(axis=2).mean(axis=1), (0.25, 4.0, 0.0), rtol=1e-13)
    assert_allclose(noisy.variance, (0.25, 4.0, 0.0), rtol=1e-15)
    assert noisy.sizes == (256, 256, 256)


def test_noisy_gradients_average_to_the_full_one():
    base, w = make("quadratic"), np.random.default_rng(0).normal(size=(1, 5))
    noisy = transforms.with_noise(base, 0.7, samples=32)
    each = np.broadcast_to(np.arange(32)[:, None, None], (32, 3, 1))
    assert_array_equal(noisy.client_grad(w), base.client_grad(w))
    singles = noisy.client_grad(w, each)
    assert_allclose(singles.mean(axis=0), base.client_grad(w), **CLOSE)
    spread = ((singles - base.client_grad(w)) ** 2).sum(axis=-1).mean(axis=0)
    assert_allclose(spread, noisy.variance, rtol=1e-12)
    batch = np.asarray([[0, 3, 3], [1, 2, 0], [5, 5, 5]])
    rows = np.stack([noisy.table[i, batch[i]] for i in range(3)])
    assert_allclose(noisy.client_grad(w, batch), base.client_grad(w) + rows.mean(axis=1), **CLOSE)
    assert_allclose(noisy.sample_grad(w, batch), base.client_grad(w)[:, None] + rows, **CLOSE)
    assert_array_equal(noisy.hvp(w, w, batch), base.hvp(w, w))


def test_noise_is_seeded_and_follows_the_client():
    base = make("quadratic")
    noisy = transforms.with_noise(base, 1.0, samples=16, seed=2)
    assert_array_equal(noisy.table, transforms.with_noise(base, 1.0, samples=16, seed=2).table)
    assert np.abs(noisy.table - transforms.with_noise(base, 1.0, samples=16, seed=3).table).max() > 0.1
    assert np.abs(noisy.table[0] - noisy.table[1]).max() > 0.1
    before = transforms.with_noise(transforms.permute_clients(base, (2, 0, 1)), 1.0, samples=16, seed=2)
    after = transforms.permute_clients(noisy, (2, 0, 1))
    w, batch = np.ones((1, 5)), np.asarray([[1, 2], [3, 4], [5, 6]])
    assert_array_equal(before.table, noisy.table[[2, 0, 1]])
    assert_array_equal(before.client_ids, after.client_ids)
    assert_allclose(before.client_grad(w, batch), after.client_grad(w, batch), **CLOSE)


def test_scale_scales_the_variance():
    noisy = transforms.with_noise(make("quadratic"), 0.5, samples=8)
    assert_allclose(transforms.scale(noisy, 3.0).variance, 9 * noisy.variance, rtol=1e-15)


def test_noise_on_nothing_is_nothing_but_noise(library):
    xp = backend(library)
    host = transforms.with_noise(transforms.zero((3, 2), 2, weights=(0.25, 0.75)), 1.5, samples=64)
    problem = transforms.on_backend(host, library)
    w, batch = xp.asarray(np.full((5, 1, 3, 2), 7.0)), xp.asarray(np.full((5, 2, 1), 9))
    assert_array_equal(to_numpy(problem.client_value(w)), np.zeros((5, 2)))
    assert_array_equal(to_numpy(problem.client_grad(w)), np.zeros((5, 2, 3, 2)))
    assert_array_equal(to_numpy(problem.hvp(w, w)), np.zeros((5, 2, 3, 2)))
    assert_array_equal(to_numpy(problem.client_grad(w, batch)), np.broadcast_to(host.table[:, 9], (5, 2, 3, 2)))
    assert_array_equal(problem.lipschitz, (0.0, 0.0))
    assert isinstance(problem, Problem)


def test_a_view_lacks_what_its_base_lacks():
    plain = from_functions([(lambda w: float(w @ w) / 2, lambda w: w)] * 2, np.ones(3), lipschitz=1.0)
    for problem in (
        transforms.scale(plain, 2.0),
        transforms.permute_clients(plain, (1, 0)),
        transforms.merge_clients(plain),
        transforms.with_noise(plain, 0.1, samples=4),
    ):
        assert isinstance(problem, Problem)
        assert not hasattr(problem, "hvp")
        assert not hasattr(problem, "task")
        assert_array_equal(copy.deepcopy(problem).weights, problem.weights)
    noisy = transforms.with_noise(plain, 0.1, samples=4)
    assert noisy.client_grad(np.ones((1, 3)), np.asarray([[0], [1]])).shape == (2, 3)


BAD = {
    "order twice": (lambda p: transforms.permute_clients(p, (0, 0, 1)), "order"),
    "order short": (lambda p: transforms.permute_clients(p, (0, 1)), "order"),
    "index high": (lambda p: transforms.split_client(p, 3), "index"),
    "index negative": (lambda p: transforms.split_client(p, -1), "index"),
    "groups missing": (lambda p: transforms.merge_clients(p, ((0, 1),)), "groups"),
    "groups empty": (lambda p: transforms.merge_clients(p, ((0, 1, 2), ())), "groups"),
    "factor": (lambda p: transforms.scale(p, 0.0), "factor"),
    "centre shape": (lambda p: transforms.shift(p, np.ones(2)), "centre"),
    "centre nan": (lambda p: transforms.shift(p, np.full(5, np.nan)), "centre"),
    "ridge": (lambda p: transforms.with_ridge(p, -0.1), "ridge"),
    "weights sum": (lambda p: transforms.with_weights(p, (0.2, 0.2, 0.2)), "weights"),
    "weights count": (lambda p: transforms.with_weights(p, (0.5, 0.5)), "weights"),
    "deviation negative": (lambda p: transforms.with_noise(p, -1.0), "deviation"),
    "deviation count": (lambda p: transforms.with_noise(p, (1.0, 2.0)), "deviation"),
    "samples": (lambda p: transforms.with_noise(p, 1.0, samples=1), "samples"),
    "backend": (lambda p: transforms.on_backend(p, "fortran"), "backend"),
    "dtype": (lambda p: transforms.on_backend(p, "numpy", dtype="int8"), "dtype"),
    "merged batch": (
        lambda p: transforms.merge_clients(p).client_grad(np.ones((1, 5)), np.zeros((1, 2), dtype=int)),
        "batch",
    ),
    "clients": (lambda p: transforms.zero((2,), 0), "clients"),
    "shape": (lambda p: transforms.zero((0,), 2), "shape"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_names_its_argument(case):
    call, name = BAD[case]
    with pytest.raises(ValueError, match=rf"^{name}: "):
        call(make("quadratic"))
