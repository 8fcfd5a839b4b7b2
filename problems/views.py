"""Problems that look at another problem, its clients chosen anew or merged; `transforms` makes them."""

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from pisa_lab._array import Array, client_sum, index_like, namespace, to_numpy
from problems.base import HostArray

OF_ONE_POINT = ("outputs", "predict", "accuracy")
PRODUCTS = ("hvp", "gauss_newton")


def client_ids(problem: Any) -> HostArray:
    """Return who each client is, (clients,): 0 … m−1, or what a view says; random streams belong to ids."""
    return np.asarray(getattr(problem, "client_ids", np.arange(problem.weights.shape[0])))


class SameStart:
    """What a view passes on as it is: λ and the start of its base ``problem``."""

    problem: Any

    @property
    def ridge(self) -> float:
        """λ of the base."""
        return float(self.problem.ridge)

    @property
    def initial(self) -> Array:
        """The start of the base."""
        return self.problem.initial


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class View:
    r"""$F'_a(w) = \text{factor}\cdot F_{\text{members}[a]}(w - \text{centre})$ with its own weights, ridge, start.

    ``members`` None keeps the clients. ``same``: $F'_\lambda(w) = \text{factor}\cdot F_\lambda(w - \text{centre})$, so
    that minimiser and optimum follow. What the base does not have (hvp, sizes, …) the view does not have either.
    """

    problem: Any
    weights: Array
    ridge: float
    initial: Array
    convex: bool
    members: tuple[int, ...] | None = None
    factor: float = 1.0
    centre: Array | None = None
    same: bool = True

    def __getattr__(self, name: str) -> Any:
        if name in PRODUCTS:
            return partial(self._product, getattr(self.problem, name))
        if name == "sample_grad":
            return partial(self._samples, self.problem.sample_grad)
        if name in OF_ONE_POINT:
            return partial(self._at_point, getattr(self.problem, name))
        if name in ("blocks", "task"):
            return getattr(self.problem, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def client_ids(self) -> HostArray:
        """The ids of the base's clients."""
        return self._chosen(client_ids(self.problem))

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """n_i, or None where the base has no samples."""
        sizes = self.problem.sizes
        return None if sizes is None else tuple(self._chosen(sizes).tolist())

    @property
    def lipschitz(self) -> HostArray:
        """L_i, (clients,)."""
        return self.factor * self._chosen(self.problem.lipschitz)

    @property
    def variance(self) -> HostArray:
        """v_i of one sample's gradient, (clients,)."""
        return self.factor**2 * self._chosen(self.problem.variance)

    @property
    def minimiser(self) -> Array | None:
        """Of F_λ, where it is known to follow from the base's."""
        point = getattr(self.problem, "minimiser", None) if self.same else None
        return point if point is None or self.centre is None else point + self.centre

    @property
    def optimum(self) -> float | None:
        """F_λ at the minimiser."""
        value = getattr(self.problem, "optimum", None) if self.same else None
        return None if value is None else self.factor * float(value)

    def lipschitz_on(self, radius: float) -> HostArray:
        """Return constants of ∇F_i on ‖w‖ ≤ radius, from the ball that holds its shift by the centre."""
        away = 0.0 if self.centre is None else float(np.linalg.norm(to_numpy(self.centre)))
        return self.factor * self._chosen(self.problem.lipschitz_on(radius + away))

    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""
        return self._through(self.problem.client_value, (self._moved(w),), None, 0)

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_i(w), or of the mini-batch (…, clients, b); shape (…, clients, *shape)."""
        return self._through(self.problem.client_grad, (self._moved(w),), batch, self.initial.ndim)

    def _product(self, function: Callable[..., Array], w: Array, v: Array, batch: Array | None = None) -> Array:
        return self._through(function, (self._moved(w), v), batch, self.initial.ndim)

    def _samples(self, function: Callable[..., Array], w: Array, batch: Array) -> Array:
        return self._through(function, (self._moved(w),), batch, self.initial.ndim + 1)

    def _at_point(self, function: Callable[..., Array], w: Array, *others: Any) -> Array:
        return function(self._moved(w), *others)

    def _moved(self, w: Array) -> Array:
        return w if self.centre is None else w - self.centre

    def _chosen(self, values: Any) -> HostArray:
        host = np.asarray(values)
        return host if self.members is None else host[list(self.members)]

    def _through(
        self, function: Callable[..., Array], points: tuple[Array, ...], batch: Array | None, tail: int
    ) -> Array:
        """Return ``function`` of the base at the clients' own points and batches, one row per client of the view."""
        if self.members is None:
            return self.factor * (function(*points) if batch is None else function(*points, batch))
        routes, slots = _routes(self.members, int(self.problem.weights.shape[0]))
        depth = self.initial.ndim
        shared = batch is None and all(x.shape[x.ndim - depth - 1] == 1 for x in points)
        if shared:
            routes, slots = routes[:1], 0 * slots
        points = tuple(_routed(x, routes, x.ndim - depth - 1) for x in points)
        if batch is not None:
            points = (*points, _routed(batch, routes, batch.ndim - 2))
        result = function(*points)
        axis, (copies, count) = result.ndim - tail - 1, routes.shape
        if copies > 1:
            result, axis = _folded(result, axis), axis - 1
        picks = index_like(slots * count + np.asarray(self.members), result)
        return self.factor * namespace(result).take(result, picks, axis=axis)


def _routes(members: tuple[int, ...], count: int) -> tuple[HostArray, HostArray]:
    """Return (routes, slots): base client j serves ``routes[s, j]`` s-th; client a is its ``slots[a]``-th."""
    served: list[list[int]] = [[] for _ in range(count)]
    slots = np.zeros(len(members), dtype=np.int64)
    for client, member in enumerate(members):
        slots[client] = len(served[member])
        served[member].append(client)
    copies = max(map(len, served))
    return np.asarray([[own[min(s, len(own) - 1)] for own in served] for s in range(copies)]), slots


def _routed(x: Array, routes: HostArray, axis: int) -> Array:
    """Return ``x`` with its client axis in the base's order, after a new axis of copies where a client stands twice."""
    xp, (copies, count) = namespace(x), routes.shape
    if x.shape[axis] == 1:
        return x if copies == 1 else xp.expand_dims(x, axis=axis)
    taken = xp.take(x, index_like(routes.reshape(-1), x), axis=axis)
    return taken if copies == 1 else xp.reshape(taken, (*x.shape[:axis], copies, count, *x.shape[axis + 1 :]))


def _folded(x: Array, axis: int) -> Array:
    """Return ``x`` (…, copies, clients, …), clients at ``axis``, as (…, copies·clients, …)."""
    return namespace(x).reshape(x, (*x.shape[: axis - 1], -1, *x.shape[axis + 1 :]))


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Merged(SameStart):
    r"""One client per group, $F'_g = \sum_{i\in g}\frac{\alpha_i}{\alpha_g}F_i$; the same F_λ and no samples."""

    problem: Any
    groups: tuple[tuple[int, ...], ...]
    weights: Array

    def __getattr__(self, name: str) -> Any:
        if name in PRODUCTS:
            return partial(self._product, getattr(self.problem, name))
        if name in ("convex", "minimiser", "optimum", "blocks", "task", *OF_ONE_POINT):
            return getattr(self.problem, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def sizes(self) -> None:
        """None: mini-batches are the base's."""

    @property
    def lipschitz(self) -> HostArray:
        """The weighted sum of the members' constants, a valid one that need not be the least, (groups,)."""
        return self._averaged(self.problem.lipschitz)

    def lipschitz_on(self, radius: float) -> HostArray:
        """Return the weighted sum of the members' constants on ‖w‖ ≤ radius."""
        return self._averaged(self.problem.lipschitz_on(radius))

    def client_value(self, w: Array) -> Array:
        """Return F_g(w), shape (…, groups)."""
        return self._grouped(self.problem.client_value(self._routed(w)), 0)

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_g(w), shape (…, groups, *shape).

        Raises:
            ValueError: a mini-batch is asked for.
        """
        self._refuse(batch)
        return self._grouped(self.problem.client_grad(self._routed(w)), self.initial.ndim)

    def _product(self, function: Callable[..., Array], w: Array, v: Array, batch: Array | None = None) -> Array:
        self._refuse(batch)
        return self._grouped(function(self._routed(w), self._routed(v)), self.initial.ndim)

    @staticmethod
    def _refuse(batch: Array | None) -> None:
        if batch is not None:
            raise ValueError("batch: merged clients have no samples of their own; build the family with other parts")

    def _routed(self, w: Array) -> Array:
        """Return ``w`` with the point of every base client's group at that client."""
        axis = w.ndim - self.initial.ndim - 1
        if w.shape[axis] == 1:
            return w
        group_of = {client: group for group, members in enumerate(self.groups) for client in members}
        owners = np.asarray([group_of[client] for client in range(len(group_of))])
        return namespace(w).take(w, index_like(owners, w), axis=axis)

    def _grouped(self, values: Array, tail: int) -> Array:
        xp, axis = namespace(values), values.ndim - tail - 1
        sums = []
        for members in self.groups:
            chosen = index_like(np.asarray(members), values)
            weights = xp.take(self.problem.weights, chosen, axis=0)
            sums.append(client_sum(weights / xp.sum(weights), xp.take(values, chosen, axis=axis), axis))
        return xp.stack(sums, axis=axis)

    def _averaged(self, constants: HostArray) -> HostArray:
        weights = to_numpy(self.problem.weights).astype(float)
        picked = [(weights[list(group)], np.asarray(constants)[list(group)]) for group in self.groups]
        return np.asarray([np.sum(alpha * values) / np.sum(alpha) for alpha, values in picked])
