r"""The problem as an interface, and one made of a user's functions.

$$\min_w F_\lambda(w) = \sum_i \alpha_i F_i(w) + \tfrac{\lambda}{2}\|w\|^2$$
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from pisa_lab._array import Array, client_sum, like, namespace, squared_norm, to_numpy
from pisa_lab._checks import finite, real, simplex

Value = Callable[[np.ndarray[Any, Any]], float]
Gradient = Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]


@runtime_checkable
class Problem(Protocol):
    """What a method asks of a problem; ``w`` is (…, 1 or clients, *shape) and broadcasts over clients.

    Checks ask more of a problem that has it: ``hvp(w, v, batch=None)``, ``sample_grad(w, batch)``, ``lipschitz``
    (clients,) with inf where there is no global constant, ``lipschitz_on(radius)``, ``minimiser``, ``optimum``,
    ``sizes`` (samples per client) and ``blocks``, the (name, shape) pairs of a flat parameter.
    """

    @property
    def weights(self) -> Array:
        """α_i > 0 that sum to one, shape (clients,)."""

    @property
    def ridge(self) -> float:
        """λ ≥ 0."""

    @property
    def initial(self) -> Array:
        """A start, shape (*shape,)."""

    def client_value(self, w: Array) -> Array:
        """F_i(w), shape (…, clients)."""

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """∇F_i(w), or of the mini-batch with indices (…, clients, b); shape (…, clients, *shape)."""


def clients(problem: Problem) -> int:
    """Return m, the number of clients."""
    return int(problem.weights.shape[0])


def objective(problem: Problem, w: Array) -> Array:
    r"""Return $F_\lambda(w) = \sum_i\alpha_i F_i(w) + \tfrac{\lambda}{2}\|w\|^2$ for ``w`` (…, \*shape); shape (…)."""
    axis = w.ndim - problem.initial.ndim
    values = problem.client_value(namespace(w).expand_dims(w, axis=axis))
    return client_sum(problem.weights, values, axis) + problem.ridge / 2 * squared_norm(w, axis)


def total_gradient(problem: Problem, w: Array) -> Array:
    r"""Return $\nabla F_\lambda(w) = \sum_i\alpha_i\nabla F_i(w) + \lambda w$ for ``w`` (…, \*shape)."""
    axis = w.ndim - problem.initial.ndim
    gradients = problem.client_grad(namespace(w).expand_dims(w, axis=axis))
    return client_sum(problem.weights, gradients, axis) + problem.ridge * w


def heterogeneity(problem: Problem, w: Array) -> Array:
    r"""Return $\zeta^2(w) = \sum_i\alpha_i\|\nabla F_i(w) - \nabla F(w)\|^2$ for ``w`` (…, \*shape); shape (…)."""
    axis = w.ndim - problem.initial.ndim
    xp = namespace(w)
    gradients = problem.client_grad(xp.expand_dims(w, axis=axis))
    mean = xp.expand_dims(client_sum(problem.weights, gradients, axis), axis=axis)
    return client_sum(problem.weights, squared_norm(gradients - mean, axis + 1), axis)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FunctionProblem:
    """A problem made of one (value, gradient) pair of NumPy functions per client."""

    functions: tuple[tuple[Value, Gradient], ...]
    weights: Array
    ridge: float
    initial: Array
    lipschitz: Array
    minimiser: Array | None = None

    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""
        return self._each(w, 0, ())

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_i(w), shape (…, clients, *shape).

        Raises:
            ValueError: a mini-batch is asked for; these functions have no samples.
        """
        if batch is not None:
            raise ValueError("batch: a problem made of functions has no samples; use transforms.with_noise for noise")
        return self._each(w, 1, self.initial.shape)

    def _each(self, w: Array, which: int, shape: tuple[int, ...]) -> Array:
        """Call function ``which`` of every client on every leading index of ``w``, on the host."""
        host = to_numpy(w)
        lead = host.shape[: host.ndim - self.initial.ndim - 1]
        points = np.broadcast_to(host, (*lead, len(self.functions), *self.initial.shape))
        result = np.empty((*lead, len(self.functions), *shape), dtype=host.dtype)
        for index in np.ndindex(*lead, len(self.functions)):
            result[index] = self.functions[index[-1]][which](points[index])
        return like(result, w)


def from_functions(
    functions: Sequence[tuple[Value, Gradient]],
    initial: Any,
    *,
    weights: Any = None,
    ridge: float = 0.0,
    lipschitz: Any = np.inf,
    minimiser: Any = None,
    check_gradients: bool = True,
) -> FunctionProblem:
    """Return a problem whose client i has F_i, ∇F_i = ``functions[i]``, NumPy functions of one point ``(*shape,)``.

    Args:
        functions: one (value, gradient) pair per client.
        initial: the start, which fixes the shape of w.
        weights: α, by default 1/m each.
        ridge: λ.
        lipschitz: L_i of ∇F_i, one number or one per client; inf (the default) says that none is known.
        minimiser: of F_λ, where known.
        check_gradients: compare every gradient with differences of its value near ``initial``; a wrong one would give
            wrong verdicts without a word. False where that is meant, or where a kink lies there.

    Raises:
        ValueError: no client, what is no pair, weights that do not sum to one, a gradient of another shape than
            ``initial`` or not that of its value, L_i < 0, a minimiser of another shape.
    """
    pairs = tuple(map(_pair, functions))
    if not pairs:
        raise ValueError("functions: empty; one (value, gradient) pair per client")
    start = finite("initial", initial)
    alpha = simplex("weights", np.full(len(pairs), 1 / len(pairs)) if weights is None else weights)
    if alpha.size != len(pairs):
        raise ValueError(f"weights: {alpha.size} of them for {len(pairs)} clients")
    for number, (_, gradient) in enumerate(pairs):
        if np.shape(gradient(start)) != start.shape:
            raise ValueError(f"functions: gradient {number} has shape {np.shape(gradient(start))}, w has {start.shape}")
        if check_gradients:
            _check_gradient(number, pairs[number], start)
    bounds = np.asarray(lipschitz, dtype=float)
    if bounds.shape not in ((), (1,), alpha.shape) or not np.all(bounds >= 0):
        raise ValueError(f"lipschitz: {lipschitz!r} must be one number >= 0, or one for each of {len(pairs)} clients")
    known = None if minimiser is None else finite("minimiser", minimiser)
    if known is not None and known.shape != start.shape:
        raise ValueError(f"minimiser: shape {known.shape}, w has {start.shape}")
    return FunctionProblem(
        functions=pairs,
        weights=alpha,
        ridge=real("ridge", ridge, at_least=0),
        initial=start,
        lipschitz=np.broadcast_to(bounds, alpha.shape).copy(),
        minimiser=known,
    )


def _pair(entry: Any) -> tuple[Value, Gradient]:
    if not isinstance(entry, tuple | list) or len(entry) != 2 or not all(map(callable, entry)):
        raise ValueError(f"functions: {entry!r} is no pair of a value and its gradient")
    return entry[0], entry[1]


def _check_gradient(number: int, pair: tuple[Value, Gradient], start: np.ndarray[Any, Any]) -> None:
    """Compare a directional derivative with central differences of two lengths at a random point near ``start``."""
    rng = np.random.default_rng(0)
    scale = 1 + float(np.max(np.abs(start), initial=0.0))
    point, direction = (start + 0.1 * scale * rng.standard_normal(start.shape), rng.standard_normal(start.shape))
    value, gradient = pair
    with np.errstate(all="ignore"):
        slope = float(np.sum(gradient(point) * direction))
        found = []
        for step in (1e-4 * scale, 1e-6 * scale):
            ends = [float(value(point + sign * step * direction)) for sign in (1, -1)]
            # What rounding of the two values may make of their difference.
            slack = 1e-4 * abs(slope) + 1e-6 + 1e-14 * max(map(abs, ends)) / step
            found.append((abs((ends[0] - ends[1]) / (2 * step) - slope) - slack, (ends[0] - ends[1]) / (2 * step)))
    if min(error for error, _ in found) > 0:
        raise ValueError(
            f"functions: gradient {number} is not that of its value: along a direction {slope:.6g}, by differences "
            f"{found[0][1]:.6g}; check_gradients=False lets it pass"
        )
