"""Conformance of every family of `PROBLEMS`, then what is special to some of them."""

import numpy as np
import pytest
from problem_cases import CLIENTS, SAMPLED, closeness, indices, points

from pisa_lab._array import backend, index_like, like, namespace
from pisa_lab.problem import total_gradient
from problems import multiclass
from problems.generators import synthetic
from problems.linear import least_squares
from problems.newton import with_minimiser
from problems.table import PROBLEMS, by_name
from problems.transforms import on_backend


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
