"""What the tests of preconditioners share."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from pisa_lab import Observation
from pisa_lab._array import backend, gather_rows, namespace, to_numpy
from pisa_lab.preconditioners import (
    PRECONDITIONERS,
    Fisher,
    FisherDiagonal,
    GaussNewton,
    Hessian,
    HessianDiagonal,
    KroneckerFactored,
    OrthogonalMomentum,
    SecondMoment,
)

NAMES = [row.name for row in PRECONDITIONERS]


BLOCKS = (("W", (3, 2)), ("b", (2,)), ("V", (2, 3)), ("T", (3, 2)))


SIZES = (7, 4, 6)


@dataclasses.dataclass(frozen=True)
class Bumpy:
    """F_i(w) = mean over rows of ½(xᵀw − y)² + 2Σ(1 − cos w_j): its Hessian is indefinite where cos w_j < 0."""

    features: Any
    targets: Any
    weights: Any
    initial: Any
    sizes: tuple[int, ...] = SIZES
    ridge: float = 0.0

    @property
    def blocks(self):
        return BLOCKS if self.initial.shape == (20,) else None

    def _flat(self, w):
        shape = w.shape[: w.ndim - self.initial.ndim]
        return namespace(w).reshape(w, (*shape, self.features.shape[-1]))

    def _rows(self, w, batch):
        """Samples with their shares, (…, clients, b, ·); without a batch all, padding with share 0."""
        if batch is not None:
            return gather_rows(self.features, batch), gather_rows(self.targets, batch), 1 / batch.shape[-1]
        counts = np.asarray(self.sizes)[:, None]
        shares = (np.arange(max(self.sizes)) < counts) / counts
        return self.features, self.targets, namespace(w).asarray(shares, dtype=w.dtype)

    def _product(self, w, v, batch, bump):
        xp, x = namespace(v), self._flat(v)
        features, _, shares = self._rows(w, batch)
        pushed = shares * xp.matmul(features, x[..., None])[..., 0]
        along = xp.matmul(xp.matrix_transpose(features), pushed[..., None])[..., 0]
        return xp.reshape(along + 2 * bump * xp.cos(self._flat(w)) * x, v.shape)

    def hvp(self, w, v, batch=None):
        return self._product(w, v, batch, 1.0)

    def gauss_newton(self, w, v, batch=None):
        return self._product(w, v, batch, 0.0)

    def sample_grad(self, w, batch):
        assert np.all(to_numpy(batch) < np.asarray(self.sizes)[:, None])
        xp, x = namespace(w), self._flat(w)
        features, targets, _ = self._rows(w, batch)
        residual = xp.matmul(features, x[..., None])[..., 0] - targets
        gradients = residual[..., None] * features + 2 * xp.sin(x)[..., None, :]
        return xp.reshape(gradients, (*gradients.shape[:-1], *self.initial.shape))

    def client_grad(self, w, batch=None):
        xp, x = namespace(w), self._flat(w)
        features, targets, shares = self._rows(w, batch)
        residual = shares * (xp.matmul(features, x[..., None])[..., 0] - targets)
        pulled = xp.matmul(xp.matrix_transpose(features), residual[..., None])[..., 0] + 2 * xp.sin(x)
        return xp.reshape(pulled, (*pulled.shape[:-1], *self.initial.shape))

    def client_value(self, w):
        xp, x = namespace(w), self._flat(w)
        features, targets, shares = self._rows(w, None)
        residual = xp.matmul(features, x[..., None])[..., 0] - targets
        return xp.sum(shares * residual * residual / 2, axis=-1) + 2 * xp.sum(1 - xp.cos(x), axis=-1)


def bumpy(*, library="numpy", dtype="float64", shape=None, order=(0, 1, 2), seed=0):
    """Return an instance with a flat parameter in four blocks, or with one of ``shape``; clients in ``order``."""
    rng, xp = np.random.default_rng(seed), backend(library)
    shape = (sum(math.prod(block) for _, block in BLOCKS),) if shape is None else shape
    size = math.prod(shape)
    features, targets = rng.normal(size=(3, max(SIZES), size)), rng.normal(size=(3, max(SIZES)))
    order = list(order)
    arrays = (features[order], targets[order], np.asarray([0.5, 0.3, 0.2])[order], rng.normal(size=shape) + 2)
    converted = [xp.asarray(array, dtype=getattr(xp, dtype)) for array in arrays]
    return Bumpy(*converted, sizes=tuple(SIZES[place] for place in order))


def observations(problem, count, *, replicates=None, order=(0, 1, 2), scale=1.0, seed=1):
    """Return ``count`` observations with gradients and multipliers of size 1/scale … scale, drawn on the host."""
    rng, xp, dtype = np.random.default_rng(seed), namespace(problem.initial), problem.initial.dtype
    lead, shape = () if replicates is None else (replicates,), tuple(problem.initial.shape)
    pick = (slice(None),) * len(lead) + (list(order),)
    _, penalty, rho = (xp.take(value, xp.asarray(order), axis=0) for value in spread(problem))
    penalty = xp.broadcast_to(penalty, (*lead, *penalty.shape))
    seen = []
    for iteration in range(count):
        size = scale ** rng.uniform(-1, 1)
        gradient, multiplier = size * rng.normal(size=(2, *lead, 3, *shape))
        batch = rng.integers(0, min(SIZES), size=(*lead, 3, 5))
        seen.append(
            Observation(
                gradient=xp.asarray(gradient[pick], dtype=dtype),
                batch=xp.asarray(batch[pick], dtype=xp.int64),
                problem=problem,
                multiplier=xp.asarray(multiplier[pick], dtype=dtype),
                consensus=xp.asarray(rng.normal(size=(*lead, 1, *shape)) + 2, dtype=dtype),
                iteration=iteration,
                batch_axes=len(lead) + 1,
                penalty=penalty,
                rho=rho,
            )
        )
    return seen


def driven(preconditioner, seen):
    """Return (directions, last state) after looking at ``seen``."""
    state, directions = preconditioner.init(0 * seen[0].gradient), []
    for at in seen:
        direction, state = preconditioner.update(state, at)
        directions.append(direction)
    return directions, state


def spread(problem, lead=()):
    """Return (rhs, σ, ρ) with another σ and ρ for every client and replicate."""
    rng, xp, dtype = np.random.default_rng(5), namespace(problem.initial), problem.initial.dtype
    rhs = rng.normal(size=(*lead, 3, *problem.initial.shape))
    sigma, rho = rng.uniform(0.5, 3, size=(2, *lead, 3))
    return tuple(xp.asarray(value, dtype=dtype) for value in (rhs, sigma, rho))


def dense(preconditioner, state, problem):
    """Return Q of every client as a matrix (clients, p, p), made of its products with the unit vectors."""
    size, shape = math.prod(problem.initial.shape), tuple(problem.initial.shape)
    units = np.broadcast_to(np.reshape(np.eye(size), (size, 1, *shape)), (size, 3, *shape))
    columns = [to_numpy(preconditioner.apply(state, unit)).reshape(3, size) for unit in units]
    return np.stack(columns, axis=-1)


ROWS = pytest.mark.parametrize("row", PRECONDITIONERS, ids=lambda row: row.name)
QS = pytest.mark.parametrize(
    "row", [row for row in PRECONDITIONERS if "linear" not in row.exempt], ids=lambda row: row.name
)
"""Those that have a Q; the others have tests of their own (test_contractive.py)."""


CLIPPED = [
    Hessian(clip=0.3),
    HessianDiagonal(clip=0.3),
    GaussNewton(clip=0.3),
    Fisher(clip=0.3),
    FisherDiagonal(clip=0.3),
    KroneckerFactored(blocks=BLOCKS, clip=0.3),
    OrthogonalMomentum(blocks=BLOCKS, clip=0.3),
    OrthogonalMomentum(blocks=BLOCKS, beta=0.9, clip=0.3),
    *(SecondMoment(scheme, beta=0.9, clip=0.3) for scheme in ("I", "II", "III")),
]
