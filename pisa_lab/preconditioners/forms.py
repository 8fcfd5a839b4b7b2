"""The forms that Q takes: each knows how to solve with σI + ρQ, to apply Q, and to clip its eigenvalues."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from pisa_lab._array import Array, column, like, namespace
from pisa_lab.preconditioners.blocks import Blocks, join, split
from pisa_lab.updates import diagonal_solve


@runtime_checkable
class Form(Protocol):
    """A positive semidefinite Q for every client, in a shape that makes σI + ρQ easy to invert."""

    def solve(self, rhs: Array, penalty: Array, rho: Array | float) -> Array:
        """Return (σI + ρQ)^{-1} rhs; ``penalty`` (…, clients), ``rho`` a float or (…, clients)."""

    def apply(self, v: Array) -> Array:
        """Return Q v."""

    def clip(self, bound: float) -> "Form":
        """Return Q with its eigenvalues clipped to [0, bound]."""

    def eigenvalues(self) -> Array:
        """Return all eigenvalues, in no order."""


class Multiple(NamedTuple):
    """Q = factor · I for every client, without a buffer."""

    factor: float

    def solve(self, rhs: Array, penalty: Array, rho: Array | float) -> Array:
        """Return rhs/(σ + ρ·factor)."""
        return rhs / column(penalty + rho * self.factor, rhs)

    def apply(self, v: Array) -> Array:
        """Return factor · v."""
        return self.factor * v

    def clip(self, bound: float) -> "Multiple":
        """Return Q with its eigenvalues clipped to [0, bound]."""
        return Multiple(min(max(self.factor, 0.0), bound))

    def eigenvalues(self) -> Array:
        """Return the one eigenvalue, a NumPy array for want of another."""
        return np.asarray([self.factor])


class Diagonal(NamedTuple):
    """Q = Diag(entries), entries shaped like the parameters."""

    entries: Array

    def solve(self, rhs: Array, penalty: Array, rho: Array | float) -> Array:
        """Return (σI + ρQ)^{-1} rhs."""
        return diagonal_solve(rhs, penalty, rho, self.entries)

    def apply(self, v: Array) -> Array:
        """Return Q v."""
        return self.entries * v

    def clip(self, bound: float) -> "Diagonal":
        """Return Q with its eigenvalues clipped to [0, bound]."""
        return Diagonal(namespace(self.entries).clip(self.entries, 0.0, bound))

    def eigenvalues(self) -> Array:
        """Return all eigenvalues, in no order."""
        return self.entries


class Spectral(NamedTuple):
    r"""$Q = V \mathrm{Diag}(\theta) V^\top$ on the flattened parameter of p numbers.

    ``values`` (…, clients, p), ``vectors`` (…, clients, p, p) with the eigenvectors as columns.
    """

    values: Array
    vectors: Array

    def _through(self, v: Array, factors: Array) -> Array:
        xp = namespace(v)
        flat = xp.reshape(v, (*self.values.shape, 1))
        inner = xp.matmul(xp.matrix_transpose(self.vectors), flat)
        return xp.reshape(xp.matmul(self.vectors, factors[..., None] * inner), v.shape)

    def solve(self, rhs: Array, penalty: Array, rho: Array | float) -> Array:
        """Return (σI + ρQ)^{-1} rhs."""
        return self._through(rhs, 1.0 / _shifted(self.values, penalty, rho))

    def apply(self, v: Array) -> Array:
        """Return Q v."""
        return self._through(v, self.values)

    def clip(self, bound: float) -> "Spectral":
        """Return Q with its eigenvalues clipped to [0, bound]."""
        return self._replace(values=namespace(self.values).clip(self.values, 0.0, bound))

    def eigenvalues(self) -> Array:
        """Return all eigenvalues, in no order."""
        return self.values


class Kronecker(NamedTuple):
    r"""$QX = U(\Theta\odot(U^\top X V))V^\top$ on matrices $X$ of rows × columns.

    $\Theta = ab^\top$ makes it $U\mathrm{Diag}(a)U^\top \otimes V\mathrm{Diag}(b)V^\top$ (of the row-major vector);
    the products are kept one by one because a clipped Kronecker product is none. ``values`` (…, clients, rows,
    columns), ``left`` (…, clients, rows, rows), ``right`` (…, clients, columns, columns).
    """

    values: Array
    left: Array
    right: Array

    def _into(self, v: Array) -> Array:
        xp = namespace(v)
        return xp.matmul(xp.matmul(xp.matrix_transpose(self.left), v), self.right)

    def _back(self, v: Array) -> Array:
        xp = namespace(v)
        return xp.matmul(xp.matmul(self.left, v), xp.matrix_transpose(self.right))

    def solve(self, rhs: Array, penalty: Array, rho: Array | float) -> Array:
        """Return (σI + ρQ)^{-1} rhs, exactly: both factors are diagonal in their eigenbases."""
        return self._back(self._into(rhs) / _shifted(self.values, penalty, rho))

    def apply(self, v: Array) -> Array:
        """Return Q v."""
        return self._back(self.values * self._into(v))

    def clip(self, bound: float) -> "Kronecker":
        """Return Q with its eigenvalues clipped to [0, bound]."""
        return self._replace(values=namespace(self.values).clip(self.values, 0.0, bound))

    def eigenvalues(self) -> Array:
        """Return all eigenvalues, in no order."""
        return self.values


class Blockwise(NamedTuple):
    """Q block-diagonal on a flat parameter: one form per block, in order, each on arrays (…, clients, *block)."""

    parts: tuple[Any, ...]

    def _split(self, v: Array) -> list[Array]:
        lead = v.ndim - 1
        blocks: Blocks = tuple(("", tuple(part.eigenvalues().shape[lead:])) for part in self.parts)
        return split(v, blocks, lead)

    def solve(self, rhs: Array, penalty: Array, rho: Array | float) -> Array:
        """Return (σI + ρQ)^{-1} rhs."""
        pieces = zip(self.parts, self._split(rhs), strict=True)
        return join([part.solve(piece, penalty, rho) for part, piece in pieces], penalty.ndim)

    def apply(self, v: Array) -> Array:
        """Return Q v."""
        pieces = zip(self.parts, self._split(v), strict=True)
        return join([part.apply(piece) for part, piece in pieces], v.ndim - 1)

    def clip(self, bound: float) -> "Blockwise":
        """Return Q with its eigenvalues clipped to [0, bound]."""
        return Blockwise(tuple(part.clip(bound) for part in self.parts))

    def eigenvalues(self) -> Array:
        """Return all eigenvalues, in no order, in one flat array."""
        xp = namespace(*(part.eigenvalues() for part in self.parts))
        return xp.concat([xp.reshape(part.eigenvalues(), (-1,)) for part in self.parts])


def spectrum(matrix: Array) -> tuple[Array, Array]:
    """Return (values, vectors) of the positive semidefinite part of symmetric ``matrix`` (…, p, p).

    Negative eigenvalues become 0. A matrix that is not finite gets NaN for values: the eigensolver would raise, and a
    run that diverges has to end with a status, not with an exception from LAPACK.
    """
    xp = namespace(matrix)
    matrix = (matrix + xp.matrix_transpose(matrix)) / 2
    finite = xp.all(xp.isfinite(matrix), axis=(-2, -1))
    values, vectors = xp.linalg.eigh(xp.where(finite[..., None, None], matrix, xp.zeros_like(matrix)))
    values = xp.where(values > 0, values, xp.zeros_like(values))
    return xp.where(finite[..., None], values, xp.full_like(values, float("nan"))), vectors


def eye(reference: Array, size: int) -> Array:
    """Return the identity of order ``size`` beside ``reference``."""
    return like(np.eye(size), reference)


def _shifted(values: Array, penalty: Array, rho: Array | float) -> Array:
    """Return σ + ρθ for every eigenvalue θ."""
    return column(penalty, values) + column(rho, values) * values
