"""Matrix factorisation and completion: w = (U, V) flat, U (rows, rank), V (columns, rank); nonconvex."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pisa_lab._array import Array, namespace, to_numpy
from pisa_lab._checks import finite, real, whole
from pisa_lab.problem import objective
from problems.base import Base, HostArray, ball, client_weights, joined, matrix, start
from problems.samples import FiniteSum
from problems.user_data import arranged, real_targets


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Factorisation(Base):
    r"""$F_i(U, V) = \tfrac12\|UV^\top - M_i\|_F^2$; ``matrices`` M_i (clients, rows, columns)."""

    matrices: Array
    rank: int

    @property
    def convex(self) -> bool:
        """Never."""
        return False

    @property
    def blocks(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """U (rows, rank), V (columns, rank)."""
        return (("U", (self.matrices.shape[1], self.rank)), ("V", (self.matrices.shape[2], self.rank)))

    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""
        xp = namespace(w)
        left, right = _factors(w, self.matrices.shape[1], self.rank)
        residual = xp.matmul(left, xp.matrix_transpose(right)) - self.matrices
        return xp.sum(residual * residual, axis=(-2, -1)) / 2

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return (EV, EᵀU) with E = UVᵀ − M_i, shape (…, clients, P)."""
        self.without_samples(batch)
        xp = namespace(w)
        left, right = _factors(w, self.matrices.shape[1], self.rank)
        return _pulled(xp.matmul(left, xp.matrix_transpose(right)) - self.matrices, left, right)

    def hvp(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return ∇²F_i(w)v, shape (…, clients, P)."""
        xp = namespace(w)
        left, right = _factors(w, self.matrices.shape[1], self.rank)
        residual = xp.matmul(left, xp.matrix_transpose(right)) - self.matrices
        along = _factors(v, self.matrices.shape[1], self.rank)
        return self.gauss_newton(w, v, batch) + _pulled(residual, *along)

    def gauss_newton(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return JᵀJv, J of (U, V) ↦ UVᵀ, shape (…, clients, P)."""
        self.without_samples(batch)
        xp = namespace(w)
        left, right = _factors(w, self.matrices.shape[1], self.rank)
        left_along, right_along = _factors(v, self.matrices.shape[1], self.rank)
        change = xp.matmul(left_along, xp.matrix_transpose(right)) + xp.matmul(left, xp.matrix_transpose(right_along))
        # M_i does not enter, the clients' axis still does.
        return _pulled(change + 0 * self.matrices, left, right)

    def lipschitz_on(self, radius: float) -> HostArray:
        r"""Return $\tfrac32R^2 + \|M_i\|_2$.

        $\|D(UV^\top)\|^2 \le R^2$, and $\|E\|_2 \le R^2/2 + \|M_i\|_2$ times $2\|dU\|\|dV\| \le 1$. Source: ours.
        """
        norms = np.linalg.norm(to_numpy(self.matrices).astype(np.float64), ord=2, axis=(1, 2))
        return np.asarray(1.5 * ball(radius) ** 2 + norms)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Completion(FiniteSum):
    r"""$F_i(U, V) = \frac{1}{2n_i}\sum_j (a_{ij}^\top UV^\top b_{ij} - y_{ij})^2 + \tfrac{\mu}{2}\|w\|^2$.

    ``features`` hold (a, b), one after the other; ``height`` is the length of a. Unit vectors make it completion.
    """

    rank: int
    height: int

    @property
    def task(self) -> str:
        """Real entries."""
        return "regression"

    @property
    def convex(self) -> bool:
        """Never."""
        return False

    @property
    def blocks(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """U (rows, rank), V (columns, rank)."""
        return (("U", (self.height, self.rank)), ("V", (self.features.shape[-1] - self.height, self.rank)))

    def outputs(self, w: Array, features: Array) -> Array:
        """Return aᵀUVᵀb of every sample, (…, n)."""
        left, right = self._projected(w, features)
        return namespace(w).sum(left * right, axis=-1)

    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""
        xp = namespace(w)
        residual = self.outputs(w, self.features) - self.targets
        return xp.sum(self.shares * residual * residual, axis=-1) / 2 + self.local_ridge / 2 * xp.sum(w * w, axis=-1)

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_i(w), or of the mini-batch (…, clients, b); shape (…, clients, P)."""
        rows = self.rows(batch)
        left, right = self._projected(w, rows.features)
        residual = rows.shares * (namespace(w).sum(left * right, axis=-1) - rows.targets)
        return self._pulled(rows.features, residual, left, right) + self.local_ridge * w

    def sample_grad(self, w: Array, batch: Array) -> Array:
        """Return every sample's gradient, (…, clients, b, P); their mean is the mini-batch gradient."""
        rows = self.rows(batch)
        left, right = self._projected(w, rows.features)
        residual = (namespace(w).sum(left * right, axis=-1) - rows.targets)[..., None]
        rows_left, rows_right = rows.features[..., : self.height], rows.features[..., self.height :]
        gradient = joined(
            rows_left[..., :, None] * (residual * right)[..., None, :],
            rows_right[..., :, None] * (residual * left)[..., None, :],
        )
        return gradient + self.local_ridge * w[..., None, :]

    def hvp(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return ∇²F_i(w)v, shape (…, clients, P)."""
        rows = self.rows(batch)
        left, right = self._projected(w, rows.features)
        residual = rows.shares * (namespace(w).sum(left * right, axis=-1) - rows.targets)
        bent = self._pulled(rows.features, residual, *self._projected(v, rows.features))
        return self.gauss_newton(w, v, batch) + bent

    def gauss_newton(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return (JᵀJ/n_i + μI)v, shape (…, clients, P)."""
        rows = self.rows(batch)
        left, right = self._projected(w, rows.features)
        left_along, right_along = self._projected(v, rows.features)
        change = rows.shares * namespace(w).sum(left_along * right + left * right_along, axis=-1)
        return self._pulled(rows.features, change, left, right) + self.local_ridge * v

    def lipschitz_on(self, radius: float) -> HostArray:
        r"""Return $\tfrac32\|A\|^2R^2 + \|A\|\,\|n_i^{-1/2}y\| + \mu$.

        A is the map $X \mapsto (n_i^{-1/2}a_j^\top Xb_j)_j$; the reasons are those of `Factorisation`. Source: ours.
        """
        limit, result = ball(radius), []
        host = (to_numpy(array).astype(np.float64) for array in (self.features, self.targets, self.shares))
        for table, targets, shares in zip(*host, strict=True):
            own = shares > 0
            left, right = table[own, : self.height], table[own, self.height :]
            share, known = shares[own], targets[own]
            gram = (left @ left.T) * (right @ right.T) * np.sqrt(np.outer(share, share))
            size = float(np.linalg.eigvalsh(gram)[-1])
            result.append(1.5 * size * limit**2 + math.sqrt(size * float(share @ known**2)))
        return np.asarray(result) + self.local_ridge

    def _projected(self, w: Array, features: Array) -> tuple[Array, Array]:
        """Return Uᵀa and Vᵀb of every sample, (…, n, rank)."""
        xp = namespace(w)
        left, right = _factors(w, self.height, self.rank)
        return xp.matmul(features[..., : self.height], left), xp.matmul(features[..., self.height :], right)

    def _pulled(self, features: Array, values: Array, left: Array, right: Array) -> Array:
        """Return Σ_j values_j (a_j rightᵀ_j, b_j leftᵀ_j) as one vector."""
        xp = namespace(values)
        scaled = values[..., None]
        return joined(
            xp.matmul(xp.matrix_transpose(features[..., : self.height]), scaled * right),
            xp.matmul(xp.matrix_transpose(features[..., self.height :]), scaled * left),
        )


def _factors(w: Array, height: int, rank: int) -> tuple[Array, Array]:
    width = w.shape[-1] // rank - height
    return matrix(w, 0, height, rank), matrix(w, height * rank, width, rank)


def _pulled(error: Array, left: Array, right: Array) -> Array:
    xp = namespace(error)
    return joined(xp.matmul(error, right), xp.matmul(xp.matrix_transpose(error), left))


def factorisation(
    matrices: Any, *, rank: int = 2, weights: Any = None, ridge: float = 0.0, initial: Any = None, seed: int = 0
) -> Factorisation:
    r"""Return the factorisation of ``matrices`` (clients, rows, columns) with a minimiser from one SVD.

    $\sum_i\alpha_iM_i = P\,\mathrm{Diag}(s)\,Q^\top$ gives $U = P\sqrt{(s-\lambda)_+}$ and V alike with Q, the first
    ``rank`` columns: $\tfrac{\lambda}{2}(\|U\|^2+\|V\|^2)$ is the variational form of λ times the nuclear norm. The
    default start is normal, drawn from ``seed``.

    Raises:
        ValueError: a number outside its domain, or a rank above that of the shape.
    """
    tables = finite("matrices", matrices).astype(np.float64)
    if tables.ndim != 3 or 0 in tables.shape:
        raise ValueError(f"matrices: shape {tables.shape} must be (clients, rows, columns)")
    alpha, shift = client_weights(weights, tables.shape[0]), real("ridge", ridge, at_least=0.0)
    count = _rank(rank, *tables.shape[1:])
    left, values, right = np.linalg.svd(np.einsum("i,ipq->pq", alpha, tables), full_matrices=False)
    roots = np.sqrt(np.maximum(values[:count] - shift, 0.0))
    w = np.concatenate([(left[:, :count] * roots).ravel(), (right[:count].T * roots).ravel()])
    problem = Factorisation(
        matrices=tables,
        rank=count,
        weights=alpha,
        ridge=shift,
        initial=start(initial, np.random.default_rng(whole("seed", seed)).normal(size=w.size)),
        smoothness=(math.inf,) * tables.shape[0],
        minimiser=w,
    )
    return dataclasses.replace(problem, optimum=float(objective(problem, w)))


def completion(
    entries: Any,
    y: Any,
    parts: Sequence[Any] | None = None,
    *,
    shape: tuple[int, int],
    rank: int = 2,
    ridge: float = 0.0,
    local_ridge: float = 0.0,
    weights: Any = None,
    initial: Any = None,
    seed: int = 0,
) -> Completion:
    """Return the completion of a matrix of ``shape`` from ``entries`` (n, 2), row and column, with values ``y`` (n,).

    Raises:
        ValueError: an entry outside the matrix, or a number outside its domain.
    """
    places, (height, width) = np.asarray(entries), (whole("shape", side, at_least=1) for side in shape)
    if places.ndim != 2 or places.shape[1] != 2 or places.dtype.kind not in "iu":
        raise ValueError(f"entries: shape {places.shape}, {places.dtype}; must be whole numbers (n, 2)")
    if places.size == 0 or places.min() < 0 or np.any(places.max(axis=0) >= (height, width)):
        raise ValueError(f"entries: must be at least one, each inside {height} by {width}")
    features = np.concatenate([np.eye(height)[places[:, 0]], np.eye(width)[places[:, 1]]], axis=1)
    fields = arranged(features, real_targets(y), parts, weights, ridge, local_ridge)
    count = _rank(rank, height, width)
    rng = np.random.default_rng(whole("seed", seed))
    return Completion(
        rank=count,
        height=height,
        initial=start(initial, rng.normal(size=(height + width) * count)),
        smoothness=(math.inf,) * len(fields["counts"]),
        **fields,
    )


def _rank(rank: Any, height: int, width: int) -> int:
    count = whole("rank", rank, at_least=1)
    if count > min(height, width):
        raise ValueError(f"rank: {count} must be <= {min(height, width)}, the smaller side of the matrix")
    return count
