"""A problem seen from the host: NumPy points in, every client's gradients out, flat, with a replicate axis."""

import dataclasses
from typing import Any

import numpy as np

from pisa_lab._array import Array, index_like, like, to_numpy
from pisa_lab.problem import objective

HostArray = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True)
class HostProblem:
    """``problem`` with points (replicates, clients, size) whether or not a run has a replicate axis."""

    problem: Any
    replicated: bool

    @property
    def clients(self) -> int:
        """The number m of clients."""
        return int(self.problem.weights.shape[0])

    @property
    def size(self) -> int:
        """How many numbers one parameter has."""
        return int(np.prod(self.problem.initial.shape, dtype=int))

    @property
    def epsilon(self) -> float:
        """The distance from 1 to the next number of the problem's type."""
        return float(np.finfo(to_numpy(self.problem.initial).dtype).eps)

    def flat(self, x: Array, *, clients: bool) -> HostArray:
        """Return ``x`` of a state as (replicates, size), or (replicates, clients, size) with ``clients``."""
        return to_numpy(x).reshape((-1, self.clients, self.size) if clients else (-1, self.size))

    def gradients(self, points: HostArray, batch: HostArray | None = None) -> HostArray:
        """Return ∇F_i at every client's own point, or of the mini-batch (clients, b) that all replicates share."""
        w = self._points(points)
        indices = None
        if batch is not None:
            shape = (points.shape[0], *batch.shape) if self.replicated else batch.shape
            indices = index_like(np.broadcast_to(batch, shape).copy(), w)
        return self.flat(self.problem.client_grad(w, indices), clients=True)

    def products(self, points: HostArray, vectors: HostArray) -> HostArray:
        """Return ∇²F_i times every client's own vector; points and vectors (replicates, clients, size)."""
        return self.flat(self.problem.hvp(self._points(points), self._points(vectors)), clients=True)

    def objectives(self, points: HostArray) -> HostArray:
        """Return F_λ at ``points`` (replicates, size), shape (replicates,)."""
        lead = (points.shape[0],) if self.replicated else ()
        w = like(points.reshape((*lead, *self.problem.initial.shape)), self.problem.initial)
        return np.atleast_1d(to_numpy(objective(self.problem, w)))

    def rounded(self, points: HostArray) -> HostArray:
        """Return ``points`` as the problem will see them, so that a distance is one between points it saw."""
        return points.astype(to_numpy(self.problem.initial).dtype)

    def _points(self, points: HostArray) -> Array:
        lead = (points.shape[0],) if self.replicated else ()
        return like(points.reshape((*lead, self.clients, *self.problem.initial.shape)), self.problem.initial)
