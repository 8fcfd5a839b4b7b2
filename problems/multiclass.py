"""Softmax regression on a flat parameter whose one block is the matrix W (p, C)."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pisa_lab._array import Array, namespace
from problems.base import HostArray, ball, flattened, matrix, start
from problems.losses import OUTPUT_LOSSES
from problems.samples import FiniteSum, top_eigenvalues
from problems.user_data import arranged, one_hot

_LOSS = OUTPUT_LOSSES["cross-entropy"]


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class SoftmaxModel(FiniteSum):
    r"""$F_i(W) = \frac{1}{n_i}\sum_j\bigl(\log\sum_c e^{z_{ijc}} - z_{ijy_{ij}}\bigr) + \tfrac{\mu}{2}\|W\|^2$.

    z = XW; ``targets`` are rows of the unit matrix. $L_i = \tfrac12\lambda_{\max}(X_i^\top X_i/n_i) + \mu$ is a bound.
    """

    @property
    def task(self) -> str:
        """Classes 0 … C−1."""
        return "multiclass"

    @property
    def convex(self) -> bool:
        """Always."""
        return True

    @property
    def blocks(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """One matrix, W (p, C)."""
        return (("W", (self.features.shape[-1], self.targets.shape[-1])),)

    def outputs(self, w: Array, features: Array) -> Array:
        """Return X W, (…, n, C)."""
        return namespace(w).matmul(features, self._matrix(w))

    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""
        xp = namespace(w)
        value = xp.sum(self.shares * _LOSS.value(self.outputs(w, self.features), self.targets), axis=-1)
        return value + self.local_ridge / 2 * xp.sum(w * w, axis=-1)

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_i(w), or of the mini-batch (…, clients, b); shape (…, clients, p·C)."""
        rows = self.rows(batch)
        slopes = _LOSS.slope(self.outputs(w, rows.features), rows.targets)
        return self._pulled(rows.features, rows.scale(slopes)) + self.local_ridge * w

    def sample_grad(self, w: Array, batch: Array) -> Array:
        """Return every sample's gradient, (…, clients, b, p·C); their mean is the mini-batch gradient."""
        rows = self.rows(batch)
        slopes = _LOSS.slope(self.outputs(w, rows.features), rows.targets)
        return flattened(rows.features[..., :, None] * slopes[..., None, :]) + self.local_ridge * w[..., None, :]

    def hvp(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return ∇²F_i(w)v, shape (…, clients, p·C)."""
        rows = self.rows(batch)
        product = _LOSS.product(self.outputs(w, rows.features), self.outputs(v, rows.features))
        return self._pulled(rows.features, rows.scale(product)) + self.local_ridge * v

    def gauss_newton(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return ∇²F_i(w)v: the outputs are linear in w."""
        return self.hvp(w, v, batch)

    def lipschitz_on(self, radius: float) -> HostArray:
        """Return the global constants."""
        ball(radius)
        return self.lipschitz

    def _matrix(self, w: Array) -> Array:
        return matrix(w, 0, self.features.shape[-1], self.targets.shape[-1])

    def _pulled(self, features: Array, values: Array) -> Array:
        xp = namespace(values)
        return flattened(xp.matmul(xp.matrix_transpose(features), values))


def softmax(
    X: Any,
    y: Any,
    parts: Sequence[Any] | None = None,
    *,
    classes: int | None = None,
    ridge: float = 0.0,
    local_ridge: float = 0.0,
    weights: Any = None,
    initial: Any = None,
) -> SoftmaxModel:
    r"""Return softmax regression on ``X`` (n, p) and labels ``y`` (n,) in 0 … C−1; w is flat, (p·C,).

    Args:
        X: features.
        y: whole labels.
        parts: row numbers of every client; None means one client.
        classes: C, by default the largest label + 1.
        ridge: λ of $F_\lambda$.
        local_ridge: μ of every $F_i$.
        weights: α, by default $|D_i|/|D|$.
        initial: the start, by default 0.

    Raises:
        ValueError: data or numbers outside their domain; labels that another family fits name it.
    """
    target = one_hot(y, classes)
    fields = arranged(X, target, parts, weights, ridge, local_ridge)
    constants = _LOSS.bound * top_eigenvalues(fields["features"], fields["shares"]) + fields["local_ridge"]
    return SoftmaxModel(
        initial=start(initial, np.zeros(fields["features"].shape[-1] * target.shape[-1])),
        smoothness=tuple(constants.tolist()),
        **fields,
    )
