"""A problem with a table of additive gradient noise for samples, and the problem that is nothing but its noise."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from pisa_lab._array import Array, gather_rows, namespace
from problems.base import Base, HostArray, ball
from problems.views import OF_ONE_POINT, PRODUCTS, SameStart, client_ids

_SAME = ("convex", "minimiser", "optimum", "lipschitz", "lipschitz_on", "blocks", "task", *OF_ONE_POINT)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Noisy(SameStart):
    r"""$F_i(w; s) = F_i(w) + \langle z_{is}, w\rangle$ with a fixed table z (clients, N, \*shape) of mean 0 over s."""

    problem: Any
    table: Array
    deviation: tuple[float, ...]

    def __getattr__(self, name: str) -> Any:
        if name in PRODUCTS:
            return partial(self._product, getattr(self.problem, name))
        if name in _SAME:
            return getattr(self.problem, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def weights(self) -> Array:
        """α of the base."""
        return self.problem.weights

    @property
    def client_ids(self) -> HostArray:
        """The ids of the base's clients."""
        return client_ids(self.problem)

    @property
    def sizes(self) -> tuple[int, ...]:
        """N for every client."""
        return (int(self.table.shape[1]),) * int(self.table.shape[0])

    @property
    def variance(self) -> HostArray:
        r"""$v_i = \frac1N\sum_s\|z_{is}\|^2$ of one sample, (clients,)."""
        return np.asarray(self.deviation) ** 2

    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""
        return self.problem.client_value(w)

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_i(w), plus the mean of the mini-batch's rows of z; shape (…, clients, *shape)."""
        gradient = self.problem.client_grad(w)
        if batch is None:
            return gradient
        return gradient + namespace(gradient).mean(gather_rows(self.table, batch), axis=batch.ndim - 1)

    def sample_grad(self, w: Array, batch: Array) -> Array:
        """Return ∇F_i(w) + z_{is} for every sample of the batch, (…, clients, b, *shape)."""
        gradient = self.problem.client_grad(w)
        axis = gradient.ndim - self.initial.ndim
        return namespace(gradient).expand_dims(gradient, axis=axis) + gather_rows(self.table, batch)

    def _product(self, function: Callable[..., Array], w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return the base's product whatever the ``batch``: a linear term has no curvature."""
        return function(w, v)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Zero(Base):
    """F_i = 0 for every client."""

    @property
    def convex(self) -> bool:
        """Always."""
        return True

    def client_value(self, w: Array) -> Array:
        """Return 0, shape (…, clients)."""
        axes = tuple(range(w.ndim - self.initial.ndim, w.ndim))
        return (namespace(w).sum(0 * w, axis=axes) if axes else 0 * w) + 0 * self.weights

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return 0, shape (…, clients, *shape)."""
        self.without_samples(batch)
        return 0 * w + namespace(w).reshape(0 * self.weights, (-1,) + (1,) * self.initial.ndim)

    def hvp(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return 0, shape (…, clients, *shape)."""
        return self.client_grad(w + v, batch)

    def lipschitz_on(self, radius: float) -> HostArray:
        """Return 0 for every client."""
        return 0.0 * ball(radius) * self.lipschitz
