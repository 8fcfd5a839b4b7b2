"""Conformance of every family of `PROBLEMS`, then what is special to some of them."""

import math

import numpy as np
import pytest
from problem_cases import CLIENTS, closeness, points

from pisa_lab._array import client_sum
from pisa_lab.problem import objective, total_gradient
from problems import linear, multiclass, networks
from problems.bilinear import completion, factorisation
from problems.generators import planted_completion, planted_factors, planted_phases, synthetic
from problems.linear import least_squares, linear_model, logistic
from problems.losses import LOSSES
from problems.newton import solve, with_minimiser
from problems.quadratics import quadratic, random_quadratic
from problems.table import by_name
from problems.valley import rosenbrock


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
