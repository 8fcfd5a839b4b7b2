"""Preconditioners from products with a curvature matrix: Hessian, its diagonal, Gauss-Newton."""

import abc
import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pisa_lab._array import Array, broadcast, like, namespace
from pisa_lab._checks import whole
from pisa_lab.preconditioners.base import Base, Diagonal, Form, Formed, Guarantee, Spectral, checked_clip
from pisa_lab.preconditioners.forms import eye, spectrum
from pisa_lab.state import Observation

_CHUNK = 128
"""Columns of a curvature matrix asked for at once: bounds the memory of the oracle's intermediates."""


def asked(problem: Any, method: str, asker: object) -> Callable[..., Array]:
    """Return ``problem.method``.

    Raises:
        ValueError: the problem lacks it.
    """
    found = getattr(problem, method, None)
    if not callable(found):
        what = "nothing was given" if problem is None else f"{type(problem).__name__} has no method {method!r}"
        raise ValueError(f"problem: {what}; {type(asker).__name__} needs {method!r}")
    return found  # type: ignore[no-any-return]


def columns(product: Callable[..., Array], at: Observation) -> Iterator[tuple[int, Array]]:
    """Yield (first, block): columns first, first + 1, … of the matrix behind ``product``, (…, clients, p, some).

    The unit vectors go through the oracle along an axis before all others, (some, …, clients, *shape).
    """
    xp = namespace(at.gradient)
    lead, shape = at.gradient.shape[: at.batch_axes], at.gradient.shape[at.batch_axes :]
    size = math.prod(shape)
    batch = None if at.batch is None else at.batch[None, ...]
    for first in range(0, size, _CHUNK):
        some = min(_CHUNK, size - first)
        units = np.reshape(np.eye(some, size, k=first), (some, *(1,) * len(lead), *shape))
        # w as many times as there are units: an oracle need not broadcast one against the other.
        w = broadcast(at.consensus, (some, *at.consensus.shape))
        block = product(w, broadcast(like(units, at.gradient), (some, *lead, *shape)), batch)
        yield first, xp.moveaxis(xp.reshape(block, (some, *lead, size)), 0, -1)


def matrix(product: Callable[..., Array], at: Observation) -> Array:
    """Return the matrix behind ``product``, (…, clients, p, p)."""
    return namespace(at.gradient).concat([block for _, block in columns(product, at)], axis=-1)


@dataclasses.dataclass(frozen=True)
class Curvature(Base, abc.ABC):
    """Shared lines of the preconditioners that have no memory: Q is formed afresh from each observation.

    Args:
        clip: η, the bound on Q; None promises none.
        parameter_axes: how many axes one parameter has; `init` cannot tell them from those of clients and replicates.
        largest: the size of a parameter above which the preconditioner refuses.
    """

    clip: float | None = None
    parameter_axes: int = 1
    largest: int = 2_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "clip", checked_clip(self.clip))
        object.__setattr__(self, "parameter_axes", whole("parameter_axes", self.parameter_axes))
        object.__setattr__(self, "largest", whole("largest", self.largest, at_least=1))

    @property
    def guarantee(self) -> Guarantee:
        """0 ⪯ Q ⪯ ηI with a clip, none without."""
        return Guarantee(self.clip, "eigenvalues are clipped at η" if self.clip else "no clip: the data decide")

    @property
    def fits(self) -> str:
        """Names of the preconditioners that serve a parameter too large for this one."""
        return "'fisher-diagonal', 'second-moment-3' or 'kronecker'"

    @abc.abstractmethod
    def form(self, at: Observation) -> Form:
        """Return Q, before the clip."""

    def init(self, like: Array) -> Formed:
        """Return Q = 0."""
        shape = self._shape(like, like.ndim - self.parameter_axes)
        vectors = broadcast(eye(like, shape[-1]), (*shape, shape[-1]))
        return Formed(Spectral(broadcast(namespace(like).reshape(0 * like, shape), shape), vectors))

    def update(self, state: Formed, at: Observation) -> tuple[Array, Formed]:
        """Return the gradient and Q at the consensus, on the samples of the gradient's own mini-batch."""
        if at.gradient.ndim - at.batch_axes != self.parameter_axes:
            axes = at.gradient.ndim - at.batch_axes
            raise ValueError(f"parameter_axes: {self.parameter_axes}, but the parameter has {axes}")
        self._shape(at.gradient, at.batch_axes)
        form = self.form(at)
        return at.gradient, Formed(form if self.clip is None else form.clip(self.clip))

    def _shape(self, x: Array, batch_axes: int) -> tuple[int, ...]:
        """Return (…, clients, p) after checking that p is not too large."""
        lead, size = x.shape[:batch_axes], math.prod(x.shape[batch_axes:])
        if size > self.largest:
            raise ValueError(
                f"largest: the parameter has {size} numbers, {type(self).__name__} serves at most {self.largest}; "
                f"use {self.fits}"
            )
        return (*lead, size)


@dataclasses.dataclass(frozen=True)
class Hessian(Curvature):
    r"""$Q_i = [\nabla^2 F_i(w; B_i)]_+$, the Hessian of the mini-batch with its negative eigenvalues put to 0.

    Costs p products and one eigendecomposition of order p for each client and iteration. Source:
    MATHEMATICS.md#preconditioners.
    """

    def form(self, at: Observation) -> Form:
        """Return the positive semidefinite part of the Hessian."""
        return Spectral(*spectrum(matrix(asked(at.problem, "hvp", self), at)))


@dataclasses.dataclass(frozen=True)
class GaussNewton(Curvature):
    r"""$Q_i = \frac1b\sum_{x \in B_i} J_x^\top H_x J_x$, $J$ of the model's output and $H \succeq 0$ of the loss there.

    Positive semidefinite by itself; eigenvalues that rounding makes negative are put to 0. Source:
    MATHEMATICS.md#preconditioners.
    """

    def form(self, at: Observation) -> Form:
        """Return the Gauss–Newton matrix."""
        return Spectral(*spectrum(matrix(asked(at.problem, "gauss_newton", self), at)))


@dataclasses.dataclass(frozen=True)
class HessianDiagonal(Curvature):
    r"""$Q_i = \mathrm{Diag}\max(\mathrm{diag}\,\nabla^2 F_i(w; B_i), 0)$, exactly: p products, no matrix.

    It need not lie above or below the positive semidefinite part of the Hessian. Source:
    MATHEMATICS.md#preconditioners.
    """

    largest: int = 20_000

    @property
    def fits(self) -> str:
        """Names of the preconditioners that serve a parameter too large for this one."""
        return "'fisher-diagonal' or 'second-moment-3'"

    def init(self, like: Array) -> Formed:
        """Return Q = 0."""
        self._shape(like, like.ndim - self.parameter_axes)
        return Formed(Diagonal(0 * like))

    def form(self, at: Observation) -> Form:
        """Return the diagonal of the Hessian where positive, 0 elsewhere."""
        xp = namespace(at.gradient)
        pieces = [
            xp.linalg.diagonal(block, offset=-first) for first, block in columns(asked(at.problem, "hvp", self), at)
        ]
        return Diagonal(xp.clip(xp.reshape(xp.concat(pieces, axis=-1), at.gradient.shape), min=0.0))
