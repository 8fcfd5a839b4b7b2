"""Conformance of every family of `PROBLEMS`, then what is special to some of them."""

import dataclasses
import math

import numpy as np
import pytest
from problem_cases import CLIENTS, SAMPLED, closeness, indices, points

from pisa_lab.problem import Problem, objective, total_gradient
from problems import linear, multiclass, networks
from problems.linear import LinearModel
from problems.newton import with_minimiser
from problems.quadratics import quadratic
from problems.table import by_name


@pytest.fixture(params=SAMPLED, ids=lambda row: row.name)
def samples(request):
    return request.param.build(0, CLIENTS)


def exempt(family, check):
    if check in family.exempt:
        pytest.skip(family.exempt[check])


def test_it_is_a_problem_with_everything_that_checks_ask_for(family, problem):
    assert isinstance(problem, Problem)
    assert math.isclose(problem.weights.sum(), 1, rel_tol=1e-12)
    assert problem.lipschitz.shape == (CLIENTS,)
    assert bool(np.all(np.isfinite(problem.lipschitz))) is family.global_lipschitz
    assert problem.convex is family.convex
    assert sum(math.prod(shape) for _, shape in problem.blocks) == problem.initial.size
    w = points(problem, 1, CLIENTS)
    assert problem.client_value(w).shape == (CLIENTS,)
    assert problem.client_grad(w).shape == problem.hvp(w, w).shape == w.shape
    if problem.sizes is not None:
        assert len(problem.sizes) == CLIENTS


def test_the_gradient_is_the_central_difference_of_the_value(problem):
    w, v, step = points(problem, 2, CLIENTS), points(problem, 3, CLIENTS), 1e-5
    slope = (problem.client_value(w + step * v) - problem.client_value(w - step * v)) / (2 * step)
    # Truncation is h²F'''/6 ≈ 1e-10·F''', rounding 1e-16/h = 1e-11; third derivatives reach a few hundred here.
    assert closeness(np.sum(problem.client_grad(w) * v, axis=-1), slope) < 1e-7


def test_weighted_client_gradients_and_ridge_are_the_gradient_of_the_objective(problem):
    w, v, step = points(problem, 4), points(problem, 5), 1e-5
    slope = (objective(problem, w + step * v) - objective(problem, w - step * v)) / (2 * step)
    by_hand = sum(a * g for a, g in zip(problem.weights, problem.client_grad(w[None])[:], strict=True))
    by_hand = by_hand + problem.ridge * w
    assert closeness(total_gradient(problem, w), by_hand) < 1e-13
    assert abs(by_hand @ v - slope) < 1e-7 * max(1.0, abs(slope))


def test_the_hessian_product_is_the_difference_of_gradients(problem):
    w, v, step = points(problem, 6, CLIENTS), points(problem, 7, CLIENTS), 1e-5
    change = (problem.client_grad(w + step * v) - problem.client_grad(w - step * v)) / (2 * step)
    # Kinks of Huber, |r|^{3/2} and ReLU lie on null sets; these points stay clear of them, which the bound shows.
    assert closeness(problem.hvp(w, v), change) < 1e-6


def test_the_hessian_is_symmetric(problem):
    w, u, v = (points(problem, seed, CLIENTS) for seed in (8, 9, 10))
    left, right = np.sum(u * problem.hvp(w, v), axis=-1), np.sum(v * problem.hvp(w, u), axis=-1)
    assert closeness(left, right) < 1e-12


def test_batch_hessian_products_average_to_the_full_one(samples):
    w, v = points(samples, 11, CLIENTS), points(samples, 12, CLIENTS)
    for name in ("hvp", "gauss_newton"):
        product = getattr(samples, name)
        for client, count in enumerate(samples.sizes):
            single = [product(w, v, np.full((CLIENTS, 1), row))[client] for row in range(min(count, *samples.sizes))]
            rest = [
                product(w, v, np.where(np.arange(CLIENTS)[:, None] == client, row, 0))[client]
                for row in range(len(single), count)
            ]
            assert closeness(np.mean(single + rest, axis=0), product(w, v)[client]) < 1e-12


@pytest.mark.parametrize("row", [*SAMPLED, by_name("factorisation")], ids=lambda row: row.name)
def test_gauss_newton_is_symmetric_and_not_negative(row):
    problem = row.build(0, CLIENTS)
    w, u, v = (points(problem, seed, CLIENTS) for seed in (13, 14, 15))
    left, right = (np.sum(a * problem.gauss_newton(w, b), axis=-1) for a, b in ((u, v), (v, u)))
    assert closeness(left, right) < 1e-12
    assert np.all(np.sum(v * problem.gauss_newton(w, v), axis=-1) >= 0)
    if problem.convex and isinstance(problem, LinearModel | multiclass.SoftmaxModel):
        assert closeness(problem.gauss_newton(w, v), problem.hvp(w, v)) < 1e-13


def ratios(problem, radius, seed, *, apart):
    """Return the largest ‖∇F_i(a) − ∇F_i(b)‖ / ‖a − b‖ per client over random pairs in the ball."""
    rng, size = np.random.default_rng(seed), problem.initial.size
    lead = (200, CLIENTS, size)
    a = rng.normal(size=lead)
    a *= radius * rng.uniform(size=(200, CLIENTS, 1)) ** (1 / size) / np.linalg.norm(a, axis=-1, keepdims=True)
    b = a * (1 - apart) + apart * radius * rng.normal(size=lead) / (3 * math.sqrt(size))
    b *= np.minimum(1.0, radius / np.linalg.norm(b, axis=-1, keepdims=True))
    change = np.linalg.norm(problem.client_grad(a) - problem.client_grad(b), axis=-1)
    return np.max(change / np.linalg.norm(a - b, axis=-1), axis=0)


@pytest.mark.parametrize("radius", [0.3, 2.0])
def test_no_pair_of_points_beats_the_lipschitz_constants(family, problem, radius):
    exempt(family, "lipschitz_on")
    on_ball = problem.lipschitz_on(radius)
    assert on_ball.shape == (CLIENTS,)
    assert np.all(np.isfinite(on_ball))
    if family.global_lipschitz:
        assert np.array_equal(on_ball, problem.lipschitz)
    for apart in (1.0, 1e-3):
        assert np.all(ratios(problem, radius, 16, apart=apart) <= on_ball * (1 + 1e-9))


def test_constants_on_balls_grow_with_the_ball(problem):
    small, large = problem.lipschitz_on(0.5), problem.lipschitz_on(3.0)
    assert np.all(small <= large)
    assert np.all(large <= problem.lipschitz)


@pytest.mark.parametrize("name", ["quadratic", "quadratic-indefinite", "least-squares"])
def test_exact_constants_are_attained(name):
    problem = by_name(name).build(1, CLIENTS)
    v = points(problem, 17, CLIENTS)
    # Power iteration on H² also for indefinite H; 1e-8 needs (second/first)^(4k) below it.
    for _ in range(3000):
        v = problem.hvp(v, problem.hvp(v, v))
        v = v / np.linalg.norm(v, axis=-1, keepdims=True)
    assert closeness(np.linalg.norm(problem.hvp(v, v), axis=-1), problem.lipschitz) < 1e-8


def test_the_constant_of_a_quadratic_counts_negative_curvature():
    hessians = np.stack([np.diag([1.0, -3.0]), np.diag([1.0, 5.0])])
    assert quadratic(hessians, np.zeros((2, 2))).lipschitz.tolist() == [3.0, 5.0]


def test_the_bound_of_a_network_is_nearly_met_where_the_residual_dominates():
    problem = networks.network([[1.0]], [100.0], hidden=1, task="regression")
    columns = [problem.hvp(np.zeros((1, 4)), axis[None])[0] for axis in np.eye(4)]
    norm, bound = np.max(np.abs(np.linalg.eigvalsh(np.stack(columns)))), problem.lipschitz_on(1e-3)[0]
    # D²z = 2 dW₂ ⟨(x, 1), (dW₁, db₁)⟩ at 0, of norm √2, times the residual 100; the rest of the bound is 1% of it.
    assert norm == pytest.approx(100 * math.sqrt(2), rel=1e-3)
    assert norm <= bound < 1.02 * norm


def test_families_that_break_the_assumption_do_break_it():
    power = by_name("power-3/2").build(0, CLIENTS)
    w = np.linalg.lstsq(power.features[0, :2], power.targets[0, :2], rcond=None)[0]
    # At w two residuals of client 0 vanish: the ratio grows like h^{-1/2}, tenfold for h a hundredth.
    direction = power.features[0, 0]
    growth = [
        np.linalg.norm(power.client_grad((w + h * direction)[None]) - power.client_grad(w[None]), axis=-1)[0] / h
        for h in (1e-6, 1e-10)
    ]
    assert growth[1] > 30 * growth[0]
    assert power.lipschitz_on(np.linalg.norm(w))[0] == math.inf
    relu = by_name("relu-network").build(0, CLIENTS)
    w = relu.initial.copy()
    x = relu.features[0, 0]
    w[relu.features.shape[-1] * relu.hidden] = -x @ w[: x.size * relu.hidden].reshape(x.size, -1)[:, 0]
    step = np.zeros_like(w)
    step[relu.features.shape[-1] * relu.hidden] = 1e-9
    jump = np.linalg.norm(relu.client_grad((w + step)[None]) - relu.client_grad((w - step)[None]), axis=-1)[0]
    assert jump > 1e-3
    assert np.all(relu.lipschitz_on(1.0) == math.inf)


def test_power_has_a_constant_where_no_residual_can_vanish():
    problem = linear.power(np.eye(2), np.array([3.0, -4.0]))
    # Curvature ½|r|^{-1/2} with |r| ≥ 3 − 1 on the unit ball, times 1/n = ½ on an axis.
    assert problem.lipschitz_on(1.0)[0] == pytest.approx(0.25 / math.sqrt(2), rel=1e-14)
    assert problem.lipschitz_on(3.0)[0] == math.inf


def test_the_gradient_vanishes_at_the_minimiser(family, problem):
    exempt(family, "minimiser")
    problem = with_minimiser(problem)
    # Rounding of sums of a few dozen terms of size about 1 to 10.
    assert np.linalg.norm(total_gradient(problem, problem.minimiser)) < 1e-11
    best = float(objective(problem, problem.minimiser))
    assert best == pytest.approx(problem.optimum, abs=1e-13)
    around = objective(problem, problem.minimiser + points(problem, 18, 300, scale=0.2))
    assert np.all(around >= best)
    assert with_minimiser(problem) is problem


def test_single_sample_gradients_average_to_the_full_gradient(samples):
    w = points(samples, 19, CLIENTS)
    full = samples.client_grad(w)
    for client, count in enumerate(samples.sizes):
        rows = np.zeros((count, CLIENTS, 1), dtype=np.int64)
        rows[:, client, 0] = np.arange(count)
        single = samples.client_grad(w, rows)[:, client]
        assert closeness(single.mean(axis=0), full[client]) < 1e-13


def test_sample_gradients_average_to_the_batch_gradient(samples):
    w, batch = points(samples, 20, CLIENTS), indices(samples, 21)
    each = samples.sample_grad(w, batch)
    assert each.shape == (CLIENTS, batch.shape[-1], samples.initial.size)
    assert closeness(each.mean(axis=-2), samples.client_grad(w, batch)) < 1e-13
    alone = samples.client_grad(w, batch[:, 2:3])
    assert closeness(each[:, 2], alone) < 1e-13


@pytest.mark.parametrize("row", [row for row in SAMPLED if row.kind == "data"], ids=lambda row: row.name)
def test_padding_never_enters(row):
    samples = row.build(0, CLIENTS)
    assert len(set(samples.sizes)) > 1
    real = np.arange(samples.features.shape[1]) < np.asarray(samples.sizes)[:, None]
    other = dataclasses.replace(samples, features=np.where(real[..., None], samples.features, 7.0))
    w = points(samples, 22, CLIENTS)
    assert np.array_equal(other.client_grad(w), samples.client_grad(w))
    assert np.array_equal(other.client_value(w), samples.client_value(w))
    assert np.allclose(samples.shares.sum(axis=1), 1, rtol=1e-14)
