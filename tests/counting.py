"""A problem that counts what is asked of it."""

from typing import Any

import numpy as np

from pisa_lab._array import Array, to_numpy


class Counted:
    """A problem that counts what is asked of it: client gradients, values, hvps and the samples touched."""

    def __init__(self, problem: Any) -> None:
        self._problem = problem
        self.counts = {"gradients": 0, "values": 0, "hvps": 0, "samples": 0}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._problem, name)
        if name != "hvp":
            return found
        # Not a method of its own: a problem that has no hvp must not seem to have one.
        return lambda w, v, batch=None: self._count("hvps", found(w, v, batch), self._problem.initial.ndim, batch)

    def _count(self, kind: str, result: Array, trailing: int, batch: Array | None) -> Array:
        calls = int(np.prod(result.shape[: result.ndim - trailing], dtype=int))
        self.counts[kind] += calls
        if kind == "gradients":
            sizes = getattr(self._problem, "sizes", None)
            whole = 0 if sizes is None else int(np.sum(to_numpy(sizes))) * (calls // int(self.weights.shape[0]))
            self.counts["samples"] += whole if batch is None else int(np.prod(batch.shape, dtype=int))
        return result

    def client_value(self, w: Array) -> Array:
        """Return F_i(w) and count the calls."""
        return self._count("values", self._problem.client_value(w), 0, None)

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_i(w) and count the calls and the samples."""
        gradient = self._problem.client_grad(w, batch)
        return self._count("gradients", gradient, self._problem.initial.ndim, batch)
