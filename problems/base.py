"""What every problem family shares: fields, defaults, small batched products and checks."""

import abc
import dataclasses
from typing import Any

import numpy as np

from pisa_lab._array import Array, namespace
from pisa_lab._checks import finite, real, simplex

HostArray = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Base(abc.ABC):
    r"""Fields and defaults of a problem; arrays are fields of one library, everything else is plain Python.

    Shapes: ``weights`` (clients,), ``initial`` and ``minimiser`` (\*shape,). ``smoothness`` are the constants $L_i$ of
    $\nabla F_i$ (μ included, λ not), inf where there is none; ``optimum`` is $F_\lambda$ at ``minimiser``.
    """

    weights: Array
    ridge: float = 0.0
    initial: Array
    smoothness: tuple[float, ...]
    minimiser: Array | None = None
    optimum: float | None = None

    @property
    def lipschitz(self) -> HostArray:
        """L_i of ∇F_i on the whole space, (clients,), inf where there is none."""
        return np.asarray(self.smoothness, dtype=np.float64)

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """Samples per client, or None for a problem without samples."""
        return None

    @property
    def blocks(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """(name, shape) of the consecutive parts of w."""
        return (("w", tuple(self.initial.shape)),)

    @property
    @abc.abstractmethod
    def convex(self) -> bool:
        """Whether F_λ is known to be convex."""

    @abc.abstractmethod
    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""

    @abc.abstractmethod
    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_i(w), or of the mini-batch (…, clients, b); shape (…, clients, *shape)."""

    @abc.abstractmethod
    def hvp(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return ∇²F_i(w)v, shape (…, clients, *shape)."""

    @abc.abstractmethod
    def lipschitz_on(self, radius: float) -> HostArray:
        """Return constants of ∇F_i that are valid on the ball ‖w‖ ≤ radius, (clients,)."""

    @staticmethod
    def without_samples(batch: Array | None) -> None:
        """Refuse a mini-batch.

        Raises:
            ValueError: ``batch`` is not None.
        """
        if batch is not None:
            raise ValueError("batch: this problem has no samples; use transforms.with_noise for noise")


def push(features: Array, w: Array) -> Array:
    """Return X w: features (…, n, p), w (…, p) → (…, n); a batched product, so that no replicate sees another."""
    return namespace(w).matmul(features, w[..., None])[..., 0]


def pull(features: Array, values: Array) -> Array:
    """Return Xᵀ v: features (…, n, p), values (…, n) → (…, p)."""
    xp = namespace(values)
    return xp.matmul(xp.matrix_transpose(features), values[..., None])[..., 0]


def joined(*parts: Array) -> Array:
    """Return matrices (…, a, b) written out as one vector (…, Σ a·b)."""
    return namespace(*parts).concat([flattened(part) for part in parts], axis=-1)


def flattened(matrix: Array) -> Array:
    """Return (…, a, b) as (…, a·b)."""
    return namespace(matrix).reshape(matrix, (*matrix.shape[:-2], matrix.shape[-2] * matrix.shape[-1]))


def matrix(w: Array, start: int, rows: int, columns: int) -> Array:
    """Return entries ``start`` … of the vectors ``w`` (…, P) as matrices (…, rows, columns)."""
    part = w[..., start : start + rows * columns]
    return namespace(w).reshape(part, (*w.shape[:-1], rows, columns))


def client_weights(weights: Any, clients: int) -> HostArray:
    """Return α as float64 after checking that it is a simplex of ``clients`` entries; None means 1/m each."""
    alpha = simplex("weights", np.full(clients, 1 / clients) if weights is None else weights).astype(np.float64)
    if alpha.size != clients:
        raise ValueError(f"weights: {alpha.size} of them for {clients} clients")
    return alpha


def start(initial: Any, default: HostArray) -> HostArray:
    """Return ``initial`` as float64 after checking its shape, or ``default`` where it is None."""
    if initial is None:
        return default
    array = finite("initial", initial).astype(np.float64)
    if array.shape != default.shape:
        raise ValueError(f"initial: shape {array.shape} must be {default.shape}")
    return array


def ball(radius: Any) -> float:
    """Return the radius of a ball after checking that it is finite and ≥ 0."""
    return real("radius", radius, at_least=0.0)
