"""Conformance of every family of `PROBLEMS`, then what is special to some of them."""

import dataclasses
import math

import numpy as np
import pytest

from pisa_lab._array import backend, client_sum, index_like, like, namespace, to_numpy
from pisa_lab.problem import Problem, objective, total_gradient
from problems import linear, multiclass, networks
from problems.bilinear import completion, factorisation
from problems.generators import planted_completion, planted_factors, planted_phases, synthetic
from problems.linear import LinearModel, least_squares, linear_model, logistic
from problems.losses import LOSSES
from problems.newton import solve, with_minimiser
from problems.quadratics import quadratic, random_quadratic
from problems.table import PROBLEMS, by_name
from problems.transforms import on_backend
from problems.valley import rosenbrock

CLIENTS = 3
SAMPLED = tuple(row for row in PROBLEMS if row.build(0, 1).sizes is not None)


@pytest.fixture(params=PROBLEMS, ids=lambda row: row.name)
def family(request):
    return request.param


@pytest.fixture
def problem(family):
    return family.build(0, CLIENTS)


@pytest.fixture(params=SAMPLED, ids=lambda row: row.name)
def samples(request):
    return request.param.build(0, CLIENTS)


def exempt(family, check):
    if check in family.exempt:
        pytest.skip(family.exempt[check])


def points(problem, seed, *lead, scale=0.7):
    """Return random parameters of shape (*lead, *shape)."""
    return scale * np.random.default_rng(seed).normal(size=(*lead, *problem.initial.shape))


def indices(problem, seed, *lead, size=4):
    """Return a mini-batch (*lead, clients, size)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(count, size=(*lead, size)) for count in problem.sizes], axis=-2)


def closeness(actual, expected):
    """Return max |a − b| relative to the larger of 1 and max |b|."""
    actual, expected = to_numpy(actual), to_numpy(expected)
    assert actual.shape == expected.shape
    return float(np.max(np.abs(actual - expected))) / max(1.0, float(np.max(np.abs(expected))))


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


def test_the_seed_decides_everything(family, problem):
    again, other = family.build(0, CLIENTS), family.build(1, CLIENTS)
    w = points(problem, 23)[None]
    assert np.array_equal(again.client_grad(w), problem.client_grad(w))
    assert np.array_equal(again.initial, problem.initial)
    assert not np.any(np.all(other.client_grad(w) == problem.client_grad(w), axis=-1))


def test_a_shared_point_and_local_points_agree(problem):
    w = points(problem, 24)
    local = np.broadcast_to(w, (CLIENTS, *w.shape)).copy()
    assert np.array_equal(problem.client_grad(w[None]), problem.client_grad(local))
    assert np.array_equal(problem.client_value(w[None]), problem.client_value(local))


def asked(problem, w, v, batch):
    """Return everything that a problem answers at ``w``, one array each."""
    answers = [problem.client_value(w), problem.client_grad(w), problem.hvp(w, v)]
    if batch is not None:
        answers += [problem.client_grad(w, batch), problem.hvp(w, v, batch), problem.sample_grad(w, batch)]
    return answers


@pytest.mark.parametrize("width", [1, CLIENTS])
def test_a_replicate_alone_is_the_replicate_among_others_bit_for_bit(problem, width):
    replicates = 5
    w, v = points(problem, 25, replicates, width), points(problem, 26, replicates, CLIENTS)
    batch = None if problem.sizes is None else indices(problem, 27, replicates)
    together = asked(problem, w, v, batch)
    for r in range(replicates):
        alone = asked(problem, w[r], v[r], None if batch is None else batch[r])
        for whole, part in zip(together, alone, strict=True):
            assert np.array_equal(whole[r], part)


def test_array_libraries_agree(problem, library):
    twin = on_backend(problem, library)
    w, v = points(problem, 28, 2, CLIENTS), points(problem, 29, 2, CLIENTS)
    batch = None if problem.sizes is None else indices(problem, 30, 2)
    there = [like(x, twin.initial) for x in (w, v)]
    rows = None if batch is None else index_like(batch, twin.initial)
    for expected, actual in zip(asked(problem, w, v, batch), asked(twin, *there, rows), strict=True):
        assert namespace(actual) is namespace(twin.initial)
        assert closeness(actual, expected) < 1e-12
    assert isinstance(twin.lipschitz_on(1.0), np.ndarray)
    # Constants on a ball may come from rounded sums in another order.
    assert np.allclose(twin.lipschitz_on(1.0), problem.lipschitz_on(1.0), rtol=1e-12)


def test_single_precision_stays_single_precision(problem):
    twin = on_backend(problem, "torch", dtype="float32")
    w = like(points(problem, 31, CLIENTS), twin.initial)
    batch = None if problem.sizes is None else index_like(indices(problem, 32), twin.initial)
    assert {answer.dtype for answer in asked(twin, w, w, batch)} == {backend("torch").float32}


def test_one_client_is_enough(family):
    problem = family.build(3, 1)
    w = points(problem, 33)
    assert problem.client_grad(w[None]).shape == (1, *w.shape)
    assert closeness(total_gradient(problem, w), problem.client_grad(w[None])[0] + problem.ridge * w) < 1e-14


@pytest.mark.parametrize("row", [row for row in PROBLEMS if row not in SAMPLED], ids=lambda row: row.name)
def test_problems_without_samples_refuse_a_batch(row):
    problem = row.build(0, CLIENTS)
    w, batch = points(problem, 34)[None], np.zeros((CLIENTS, 1), dtype=np.int64)
    for answer in (lambda: problem.client_grad(w, batch), lambda: problem.hvp(w, w, batch)):
        with pytest.raises(ValueError, match=r"^batch: .*with_noise"):
            answer()


def test_the_constructors_keep_no_hold_on_the_users_arrays():
    X, y = synthetic("regression", 0, clients=1)[:2]
    problem = least_squares(X, y)
    before = problem.client_grad(problem.initial[None])
    X[:] = 0
    assert np.array_equal(problem.client_grad(problem.initial[None]), before)


def test_names_are_unique_and_found():
    names = [family.name for family in PROBLEMS]
    assert len(set(names)) == len(names) >= 14
    assert all(by_name(name).name == name for name in names)
    with pytest.raises(ValueError, match=r"^name: 'none' is not one of quadratic, .*relu-network"):
        by_name("none")


@pytest.mark.parametrize("row", [row for row in PROBLEMS if row.kind == "data"], ids=lambda row: row.name)
def test_data_families_take_a_users_data(row):
    X, y, parts = synthetic(row.task, 5, clients=4, samples=[5, 9, 7, 6])
    problem = row.from_data(X, y, parts, ridge=0.01)
    assert problem.sizes == (5, 9, 7, 6)
    assert problem.ridge == 0.01
    assert np.allclose(problem.weights, np.array([5, 9, 7, 6]) / 27, rtol=1e-15)
    whole = row.from_data(X, y, None, ridge=0.01)
    w = points(problem, 35)
    # |D_i|/|D|-weighted client gradients are the gradient over all the data, however they are dealt.
    assert closeness(total_gradient(problem, w), total_gradient(whole, w)) < 1e-14
    labels = problem.predict(np.stack([w, 2 * w]), X)
    assert labels.shape == (2, 27)
    if row.task == "regression":
        with pytest.raises(ValueError, match=r"^accuracy"):
            problem.accuracy(w, X, y)
    else:
        assert set(np.unique(labels)) <= {-1, 0, 1, 2}
        assert problem.accuracy(np.stack([w, w]), X, y) == pytest.approx(np.mean(problem.predict(w, X) == y))


def test_families_made_from_a_seed_take_no_data():
    with pytest.raises(ValueError, match=r"^name: 'rosenbrock'"):
        by_name("rosenbrock").from_data(np.eye(2), np.ones(2))


def test_training_accuracy_of_the_minimiser_is_high_on_separable_data():
    X, y, parts = synthetic("multiclass", 2, samples=40, spread=0.0, noise=0.0)
    problem = with_minimiser(multiclass.softmax(X, y, parts, ridge=1e-3))
    assert problem.accuracy(problem.minimiser, X, y) > 0.9


def test_least_squares_agrees_with_the_normal_equations():
    X, y, parts = synthetic("regression", 4, samples=[8, 12, 6, 9])
    problem = least_squares(X, y, parts, ridge=0.3, local_ridge=0.2, weights=[0.1, 0.2, 0.3, 0.4])
    gram = sum(a * X[part].T @ X[part] / part.size for a, part in zip(problem.weights, parts, strict=True))
    target = sum(a * X[part].T @ y[part] / part.size for a, part in zip(problem.weights, parts, strict=True))
    assert closeness(problem.minimiser, np.linalg.solve(gram + 0.5 * np.eye(6), target)) < 1e-12


def test_logistic_agrees_with_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    X, y, parts = synthetic("binary", 6, samples=30)
    problem = with_minimiser(logistic(X, y, parts, ridge=0.1))
    # Theirs is C·Σ log(1+e^{-yz}) + ½‖w‖²; C = 1/(nλ) makes it ours divided by λ.
    theirs = LogisticRegression(C=1 / (y.size * 0.1), fit_intercept=False, tol=1e-12, max_iter=1000).fit(X, y)
    assert closeness(problem.minimiser, theirs.coef_[0]) < 1e-5


@pytest.mark.parametrize("name", ["network", "network-regression"])
def test_network_gradients_agree_with_automatic_differentiation(name):
    import torch

    problem = by_name(name).build(2, CLIENTS)
    w = torch.tensor(points(problem, 36), requires_grad=True)
    parts, at = {}, 0
    for block, shape in problem.blocks:
        parts[block], at = w[at : at + math.prod(shape)].reshape(shape), at + math.prod(shape)
    X, y = (torch.tensor(array[1, : problem.sizes[1]]) for array in (problem.features, problem.targets))
    z = torch.tanh(X @ parts["W1"] + parts["b1"]) @ parts["W2"] + parts["b2"]
    loss = torch.nn.functional.cross_entropy(z, y) if name == "network" else ((z - y) ** 2).sum(1).mean() / 2
    value = loss + problem.local_ridge / 2 * (w @ w)
    value.backward()
    host = w.detach().numpy()[None]
    assert problem.client_value(host)[1] == pytest.approx(float(value.detach()), rel=1e-13)
    assert closeness(problem.client_grad(host)[1], w.grad.numpy()) < 1e-13


def test_losses_are_exact_in_the_tails():
    far = np.array([800.0, -800.0, 40.0, -40.0, 0.0])
    for name, loss in LOSSES.items():
        values = [f(far, np.ones_like(far), 1.0) for f in (loss.value, loss.slope, loss.curvature)]
        assert all(np.all(np.isfinite(value)) for value in values), name
    logistic_loss = LOSSES["logistic"]
    # −1/(1+e^{40}): a form through 1 − tanh would have lost every digit.
    assert logistic_loss.slope(np.array([40.0]), np.ones(1), 1.0)[0] == pytest.approx(-math.exp(-40), rel=1e-13)
    assert logistic_loss.value(np.array([-800.0]), np.ones(1), 1.0)[0] == 800.0


@pytest.mark.parametrize("name", [name for name, loss in LOSSES.items() if math.isfinite(loss.bound)])
def test_curvature_bounds_of_losses_are_sharp(name):
    loss, z = LOSSES[name], np.linspace(-6, 6, 200_001)
    top = np.max(np.abs(loss.curvature(z, np.ones_like(z), 1.0)))
    # The grid's spacing is 6e-5, so that the maximum is met to about its square.
    assert loss.bound * (1 - 1e-8) < top <= loss.bound * (1 + 1e-15)


def test_a_quadratic_has_the_spectrum_it_was_given():
    spectrum = (3.0, 2.0, 0.5, 0.0)
    problem = random_quadratic(4, clients=5, spectrum=spectrum, spread=1.5)
    mean = np.einsum("i,ipq->pq", problem.weights, problem.hessians)
    assert np.allclose(np.linalg.eigvalsh(mean), sorted(spectrum), atol=1e-14)
    assert np.min(np.linalg.eigvalsh(problem.hessians)) < -0.1
    turned = random_quadratic(4, clients=5, spectrum=spectrum, rotation=2.0)
    assert np.allclose(np.linalg.eigvalsh(turned.hessians), sorted(spectrum), atol=1e-13)
    assert not np.allclose(turned.hessians[0], turned.hessians[1], atol=0.1)
    same = random_quadratic(4, clients=5, spectrum=spectrum, shift=0.0)
    assert np.allclose(same.client_grad(same.minimiser[None]), 0, atol=1e-13)


def test_a_quadratic_that_is_unbounded_below_has_no_minimiser():
    flat = quadratic(np.array([[[1.0, 0.0], [0.0, 0.0]]]), np.array([[1.0, 1.0]]))
    assert flat.minimiser is None
    assert flat.optimum is None
    assert quadratic(np.zeros((1, 2, 2)), np.zeros((1, 2))).optimum == 0


def test_factorisation_shrinks_singular_values_by_the_ridge():
    problem = planted_factors(3, ridge=0.4)
    left, right = problem.minimiser[:10].reshape(5, 2), problem.minimiser[10:].reshape(4, 2)
    mean = client_sum(problem.weights, problem.matrices, 0)
    expected = np.maximum(np.linalg.svd(mean, compute_uv=False)[:2] - 0.4, 0)
    assert closeness(np.linalg.svd(left @ right.T, compute_uv=False)[:2], expected) < 1e-12
    # Random restarts of a crude descent find nothing lower.
    w = points(problem, 37, 20)
    for _ in range(4000):
        w = w - 0.02 * total_gradient(problem, w)
    assert np.min(objective(problem, w)) == pytest.approx(problem.optimum, rel=1e-8)
    assert np.all(objective(problem, w) >= problem.optimum - 1e-10)


def test_hidden_signals_are_minimisers_only_without_noise_and_ridge():
    for build in (planted_phases, planted_completion):
        assert build(0).optimum == 0
        assert build(0, ridge=0.1).minimiser is None
        assert build(0, noise=0.1).minimiser is None
    assert rosenbrock(0, ridge=0.1).minimiser is None


def test_newton_refuses_what_it_cannot_minimise():
    with pytest.raises(ValueError, match=r"^problem: not known to be convex"):
        solve(by_name("sigmoid").build(0, CLIENTS))
    with pytest.raises(ValueError, match=r"^problem: no minimiser found.*ridge > 0"):
        solve(logistic(np.array([[1.0], [-2.0]]), np.array([1.0, -1.0])))


def test_newton_finds_a_minimiser_of_a_singular_problem_too():
    X, y = synthetic("regression", 9, clients=1, samples=30)[:2]
    for problem in (linear.log_cosh(np.hstack([X, X]), y), linear.huber(np.hstack([X, X]), y, width=0.1)):
        w = solve(problem)
        assert np.linalg.norm(total_gradient(problem, w)) < 1e-11
        # The gradient and so every step lies in the range of Xᵀ.
        assert closeness(w[:6], w[6:]) < 1e-9


def test_synthetic_data_differ_between_clients_only_by_their_spread():
    alike, apart = (synthetic("regression", 8, samples=2000, spread=spread, noise=0.0) for spread in (0.0, 1.0))
    models = [
        [np.linalg.lstsq(data.X[part], data.y[part], rcond=None)[0] for part in data.parts] for data in (alike, apart)
    ]
    assert np.max(np.abs(np.diff(models[0], axis=0))) < 1e-12
    assert np.min(np.max(np.abs(np.diff(models[1], axis=0)), axis=1)) > 0.1
    assert set(np.unique(synthetic("multiclass", 0, clients=2, samples=4, classes=7).y)) == set(range(7))


GOOD = synthetic("binary", 0, clients=2, samples=4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.full((8, 6), np.nan)}, "X: contains NaN"),
        ({"X": np.ones(8)}, r"X: shape \(8,\)"),
        ({"X": np.ones((8, 0))}, r"X: shape \(8, 0\)"),
        ({"X": np.ones((7, 6))}, "y: 8 entries for 7 rows"),
        ({"y": np.full(8, np.inf)}, "y: contains NaN or infinity"),
        ({"y": np.ones((8, 1))}, "y: shape"),
        ({"y": np.arange(8) % 2}, r"y: labels \[0.0, 1.0\] must be -1 and \+1"),
        ({"y": np.arange(8) % 3}, "y: 3 classes.*'softmax' fits"),
        ({"y": np.linspace(0, 1, 8)}, "y: real values.*'least-squares' fits"),
        ({"y": np.array(list("abababab"))}, "y: not an array of numbers"),
        ({"parts": []}, "parts: empty"),
        ({"parts": [[0, 1], []]}, "parts: a client with shape"),
        ({"parts": [[0, 8]]}, "parts: row numbers must be whole, from 0 to 7"),
        ({"parts": [[-1, 2]]}, "parts: row numbers"),
        ({"parts": [[0.0, 1.0]]}, "parts: row numbers"),
        ({"ridge": -1.0}, "ridge: -1.0 must be >= 0"),
        ({"ridge": math.nan}, "ridge: nan"),
        ({"local_ridge": -0.1}, "local_ridge: "),
        ({"bump": -0.1}, "bump: "),
        ({"width": 0.0}, "width: "),
        ({"weights": [1.0]}, "weights: 1 of them for 2 clients"),
        ({"weights": [0.5, 0.6]}, "weights: sum to"),
        ({"initial": np.zeros(5)}, r"initial: shape \(5,\) must be \(6,\)"),
        ({"loss": "hinge"}, "loss: 'hinge' is not one of squared, logistic"),
    ],
)
def test_linear_models_name_what_is_wrong(change, message):
    arguments = {"loss": "logistic", "X": GOOD.X, "y": GOOD.y, "parts": GOOD.parts, **change}
    with pytest.raises(ValueError, match="^" + message):
        linear_model(**arguments)


@pytest.mark.parametrize("build", [multiclass.softmax, networks.network, networks.relu_network])
@pytest.mark.parametrize(
    ("labels", "settings", "message"),
    [
        ([1, -1, 1, -1], {}, "y: labels -1 and .*'logistic' fits"),
        ([0.5, 1.5, 2.0, 0.0], {}, "y: real values.*'least-squares' fits"),
        ([0, -3, 1, 2], {}, "y: label -3 must be >= 0"),
        ([0, 1, 2, 5], {"classes": 3}, "y: label 5 must be below classes = 3"),
        ([0, 1, 2, 1], {"classes": 0}, "classes: 0"),
    ],
)
def test_class_labels_are_checked(build, labels, settings, message):
    with pytest.raises(ValueError, match="^" + message):
        build(np.eye(4), np.array(labels), **settings)


SYMMETRIC = np.broadcast_to(np.eye(2), (2, 2, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: quadratic(np.eye(2), np.ones((1, 2))), "hessians: shape"),
        (lambda: quadratic(SYMMETRIC, np.ones(2)), "linear: shape"),
        (lambda: quadratic([[[1.0, 2.0], [0.0, 1.0]]], np.ones((1, 2))), "hessians: not symmetric"),
        (lambda: quadratic(-SYMMETRIC, np.ones((2, 2))), "hessians: the weighted sum plus ridge has the eigenvalue -1"),
        (lambda: quadratic(SYMMETRIC, np.full((2, 2), np.nan)), "linear: contains NaN"),
        (lambda: random_quadratic(spectrum=()), "spectrum: shape"),
        (lambda: random_quadratic(-1), "seed: -1"),
        (lambda: random_quadratic(rotation=-1.0), "rotation: "),
        (lambda: factorisation(np.eye(3)), "matrices: shape"),
        (lambda: factorisation(np.ones((1, 3, 2)), rank=3), "rank: 3 must be <= 2"),
        (lambda: completion([[0, 5]], [1.0], shape=(3, 3)), "entries: must be at least one, each inside 3 by 3"),
        (lambda: completion([[0.5, 1.0]], [1.0], shape=(3, 3)), "entries: shape"),
        (lambda: planted_completion(clients=50), "clients: 50 for 24 observed"),
        (lambda: rosenbrock(dimension=1), "dimension: 1"),
        (lambda: rosenbrock(steepness=0.0), "steepness: "),
        (lambda: networks.network(np.eye(3), [0, 1, 2], hidden=0), "hidden: 0"),
        (lambda: networks.network(np.eye(3), [0, 1, 2], activation="gelu"), "activation: 'gelu'"),
        (lambda: networks.network(np.eye(3), [0, 1, 2], task="binary"), "task: 'binary'"),
        (lambda: synthetic("ranking"), "task: 'ranking'"),
        (lambda: synthetic("binary", samples=[3, 4]), "samples: 2 of them for 4 clients"),
        (lambda: synthetic("multiclass", clients=1, samples=2, classes=3), "samples: 2 in all for 3 classes"),
        (lambda: by_name("logistic").build(0, 2).lipschitz_on(-1.0), "radius: -1.0"),
        (lambda: by_name("network").build(0, 2).lipschitz_on(math.nan), "radius: nan"),
    ],
)
def test_other_constructors_name_what_is_wrong(call, message):
    with pytest.raises(ValueError, match="^" + message):
        call()
