"""Quadratics with a chosen spectrum and a chosen spread between clients; everything about them is exact."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pisa_lab._array import Array, namespace
from pisa_lab._checks import finite, real, whole
from pisa_lab.problem import objective, total_gradient
from problems.base import Base, HostArray, ball, client_weights, push, start


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Quadratic(Base):
    r"""$F_i(w) = \tfrac12 w^\top H_i w - \langle b_i, w\rangle$; $L_i = \max|\operatorname{eig} H_i|$ is exact.

    A client's H_i may be indefinite, the sum $\sum_i\alpha_i H_i + \lambda I$ may not.
    Shapes: ``hessians`` H (clients, p, p), ``linear`` b (clients, p).
    """

    hessians: Array
    linear: Array

    @property
    def convex(self) -> bool:
        """Always: the constructor refuses another."""
        return True

    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""
        return namespace(w).sum(w * (push(self.hessians, w) / 2 - self.linear), axis=-1)

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return H_i w − b_i, shape (…, clients, p)."""
        self.without_samples(batch)
        return push(self.hessians, w) - self.linear

    def hvp(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return H_i v, shape (…, clients, p)."""
        self.without_samples(batch)
        return push(self.hessians, v)

    def lipschitz_on(self, radius: float) -> HostArray:
        """Return the global constants."""
        ball(radius)
        return self.lipschitz


def quadratic(hessians: Any, linear: Any, *, weights: Any = None, ridge: float = 0.0, initial: Any = None) -> Quadratic:
    """Return the quadratic with ``hessians`` (clients, p, p) and ``linear`` (clients, p), and its minimiser.

    Where the sum is singular the minimiser is the one of least norm; there is none (None) where F_λ is unbounded below.

    Raises:
        ValueError: shapes that do not match, a Hessian that is not symmetric, or a sum that is not convex.
    """
    matrices, vectors = finite("hessians", hessians).astype(np.float64), finite("linear", linear).astype(np.float64)
    if matrices.ndim != 3 or 0 in matrices.shape or matrices.shape[1] != matrices.shape[2]:
        raise ValueError(f"hessians: shape {matrices.shape} must be (clients, p, p)")
    if vectors.shape != matrices.shape[:2]:
        raise ValueError(f"linear: shape {vectors.shape} must be {matrices.shape[:2]}")
    if np.max(np.abs(matrices - matrices.transpose(0, 2, 1))) > 1e-12 * np.max(np.abs(matrices)):
        raise ValueError("hessians: not symmetric")
    alpha, shift = client_weights(weights, matrices.shape[0]), real("ridge", ridge, at_least=0.0)
    problem = Quadratic(
        hessians=matrices,
        linear=vectors,
        weights=alpha,
        ridge=shift,
        initial=start(initial, np.zeros(vectors.shape[1])),
        smoothness=tuple(np.max(np.abs(np.linalg.eigvalsh(matrices)), axis=-1).tolist()),
    )
    return _minimised(problem, np.einsum("i,ipq->pq", alpha, matrices) + shift * np.eye(vectors.shape[1]))


def _minimised(problem: Quadratic, total: HostArray) -> Quadratic:
    values, vectors = np.linalg.eigh(total)
    # Rounding of p-by-p sums; a smaller eigenvalue counts as zero.
    threshold = 1e-12 * float(np.max(np.abs(values))) * values.size
    if values[0] < -threshold:
        raise ValueError(f"hessians: the weighted sum plus ridge has the eigenvalue {values[0]:g}, so F is not convex")
    kept = values > threshold
    w = np.zeros(values.size)
    # The second round is iterative refinement.
    for _ in range(2):
        w = w - vectors[:, kept] @ ((vectors[:, kept].T @ total_gradient(problem, w)) / values[kept])
    scale = float(np.max(np.abs(problem.linear), initial=0.0))
    if np.linalg.norm(total_gradient(problem, w)) > 1e-9 * max(scale, 1e-300):
        return problem
    return dataclasses.replace(problem, minimiser=w, optimum=float(objective(problem, w)))


def random_quadratic(
    seed: int = 0,
    *,
    clients: int = 4,
    spectrum: Sequence[float] = (1.0, 0.7, 0.4, 0.2, 0.1),
    rotation: float = 0.0,
    spread: float = 0.0,
    shift: float = 1.0,
    weights: Any = None,
    ridge: float = 0.0,
) -> Quadratic:
    r"""Return a seeded quadratic whose clients differ by as much as they are told to.

    $H_i = R_iV\mathrm{Diag}(s)V^\top R_i^\top + \text{spread}\,(D_i - \sum_j\alpha_jD_j)$ with $\|D_i\|_2 = 1$ and
    V, R_i orthogonal; $b_i = H_ic + \text{shift}\,(\xi_i - \sum_j\alpha_j\xi_j)$, so that the minimiser is the hidden
    c without a ridge and with s > 0.

    Args:
        seed: of all the draws.
        clients: m.
        spectrum: s, the p eigenvalues of every H_i when ``spread`` is 0, and of their sum when ``rotation`` is 0.
        rotation: size of the angles of R_i; 0 leaves the eigenvectors common.
        spread: size of the zero-mean symmetric part; clients become indefinite once it passes min s or so.
        shift: size of the gradients' disagreement at the minimiser.
        weights: α, by default 1/m.
        ridge: λ.

    Raises:
        ValueError: a number outside its domain, or a sum that is not convex.
    """
    rng = np.random.default_rng(whole("seed", seed))
    count, values = whole("clients", clients, at_least=1), finite("spectrum", spectrum).astype(np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"spectrum: shape {values.shape} must be (p,) with p >= 1")
    p, alpha = values.size, client_weights(weights, count)
    basis, _ = np.linalg.qr(rng.normal(size=(p, p)))
    turned = _rotations(rng, count, p, real("rotation", rotation, at_least=0.0)) @ basis
    noise = rng.normal(size=(count, p, p))
    noise = noise + noise.transpose(0, 2, 1)
    noise = noise / np.linalg.norm(noise, ord=2, axis=(1, 2), keepdims=True)
    centre, pull_apart = rng.normal(size=p), rng.normal(size=(count, p))
    hessians = (turned * values) @ turned.transpose(0, 2, 1)
    hessians = hessians + real("spread", spread, at_least=0.0) * (noise - np.einsum("i,ipq->pq", alpha, noise))
    hessians = (hessians + hessians.transpose(0, 2, 1)) / 2
    linear = hessians @ centre + real("shift", shift, at_least=0.0) * (pull_apart - alpha @ pull_apart)
    return quadratic(hessians, linear, weights=alpha, ridge=ridge)


def _rotations(rng: np.random.Generator, count: int, p: int, angle: float) -> HostArray:
    """Return (count, p, p) rotations by Cayley's map of skew matrices of norm about ``angle``."""
    skew = rng.normal(size=(count, p, p)) / np.sqrt(p)
    skew = angle * (skew - skew.transpose(0, 2, 1)) / 2
    return np.asarray(np.linalg.solve(np.eye(p) - skew / 2, np.eye(p) + skew / 2))
