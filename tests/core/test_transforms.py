"""Transforms against their definitions, on families with and without samples, and on every array library."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from transform_cases import CASES, CLOSE, FAMILIES, UNEQUAL, data, derived, make

from pisa_lab.method import PISA
from pisa_lab.problem import Problem, objective, total_gradient
from pisa_lab.state import Observation
from problems import transforms
from problems.linear import phase_retrieval


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
