"""Finite sums: every client's samples in padded arrays, and what the families made of samples share."""

import abc
import dataclasses
from typing import NamedTuple

import numpy as np

from pisa_lab._array import Array, gather_rows, like, namespace, to_numpy
from problems.base import Base, HostArray


class Rows(NamedTuple):
    """Features (…, clients, n, p), targets (…, clients, n[, outputs]), shares (clients, n) or 1/b."""

    features: Array
    targets: Array
    shares: Array | float

    def scale(self, values: Array) -> Array:
        """Return every sample's ``values`` (…, clients, n, outputs) times its share."""
        return (self.shares if isinstance(self.shares, float) else self.shares[..., None]) * values


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class FiniteSum(Base):
    r"""$F_i(w) = \frac{1}{n_i}\sum_j f(w; x_{ij}, y_{ij}) + \tfrac{\mu}{2}\|w\|^2$ with samples in padded arrays.

    Shapes: ``features`` (clients, n, p) with n = max n_i, ``targets`` (clients, n[, outputs]), ``shares`` (clients, n):
    1/n_i on the client's own rows, 0 on padding, which repeats a row of the client so that nothing overflows there.
    Batches (…, clients, b) index a client's own rows 0 … n_i − 1; nothing checks that.
    """

    features: Array
    targets: Array
    shares: Array
    counts: tuple[int, ...]
    local_ridge: float = 0.0

    @property
    def sizes(self) -> tuple[int, ...]:
        """n_i."""
        return self.counts

    @property
    @abc.abstractmethod
    def task(self) -> str:
        """Say "binary", "multiclass" or "regression"."""

    @abc.abstractmethod
    def outputs(self, w: Array, features: Array) -> Array:
        """Return the raw outputs for ``features`` (…, n, p) at ``w`` (…, *shape): (…, n) or (…, n, outputs)."""

    @abc.abstractmethod
    def sample_grad(self, w: Array, batch: Array) -> Array:
        """Return every sample's gradient, μw included, (…, clients, b, *shape); their mean is `client_grad`."""

    @abc.abstractmethod
    def gauss_newton(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        r"""Return $(J^\top H J + \mu I)v$, J of the outputs, H ⪰ 0 of the loss in them; shape (…, clients, \*shape)."""

    def rows(self, batch: Array | None = None) -> Rows:
        """Return all samples, or those of the mini-batch with shares 1/b."""
        if batch is None:
            return Rows(self.features, self.targets, self.shares)
        return Rows(gather_rows(self.features, batch), gather_rows(self.targets, batch), 1.0 / batch.shape[-1])

    def predict(self, w: Array, X: Array) -> Array:
        """Return labels (±1, or 0 … C−1) or real values for ``X`` (n, p) at ``w`` (…, *shape); shape (…, n)."""
        xp = namespace(w)
        outputs = self.outputs(w, like(X, w))
        if self.task == "binary":
            return 2 * xp.astype(outputs >= 0, xp.int64) - 1
        if self.task == "multiclass":
            return xp.argmax(outputs, axis=-1)
        return outputs[..., 0] if outputs.ndim == w.ndim + 1 else outputs

    def accuracy(self, w: Array, X: Array, y: Array) -> Array:
        """Return the share of right labels at ``w`` (…, *shape) on ``X`` (n, p), ``y`` (n,); shape (…).

        Raises:
            ValueError: the problem is a regression.
        """
        if self.task == "regression":
            raise ValueError("accuracy: a regression has none; compare predict(w, X) with y")
        xp = namespace(w)
        right = xp.astype(self.predict(w, X), w.dtype) == like(y, w)
        return xp.mean(xp.astype(right, w.dtype), axis=-1)


def top_eigenvalues(features: Array, scales: HostArray) -> HostArray:
    r"""Return $\lambda_{\max}(\sum_j s_{ij} x_{ij}x_{ij}^\top)$ per client, by the smaller Gram matrix.

    Shapes: features (clients, n, p), scales (clients, n) ≥ 0 → (clients,), inf for a client with an infinite scale.
    """
    result = []
    for rows, scale in zip(to_numpy(features).astype(np.float64), scales, strict=True):
        if not np.all(np.isfinite(scale)):
            result.append(np.inf)
            continue
        half = rows[scale > 0] * np.sqrt(scale[scale > 0])[:, None]
        gram = half @ half.T if half.shape[0] < half.shape[1] else half.T @ half
        result.append(float(np.linalg.eigvalsh(gram)[-1]) if gram.size else 0.0)
    return np.asarray(result)
