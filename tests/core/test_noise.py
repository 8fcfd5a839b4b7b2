"""Transforms against their definitions, on families with and without samples, and on every array library."""

import copy
import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from transform_cases import CLOSE, FAMILIES, derived, make

from pisa_lab._array import backend, to_numpy
from pisa_lab.problem import Problem, clients, from_functions
from problems import transforms


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
