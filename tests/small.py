"""Small instances that several test files share: quadratics with everything unequal."""

import dataclasses

import numpy as np

from pisa_lab._array import Array, backend, client_sum, gather_rows, namespace


@dataclasses.dataclass(frozen=True, kw_only=True)
class Quadratics:
    """F_i(w) = ½ wᵀA_i w − b_iᵀw, with samples that add linear noise of mean zero."""

    matrices: Array
    vectors: Array
    noise: Array
    weights: Array
    ridge: float
    initial: Array
    sizes: tuple[int, ...]

    def client_value(self, w: Array) -> Array:
        xp = namespace(w)
        return xp.sum(w * (self._times(w) / 2 - self.vectors), axis=-1)

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        gradient = self._times(w) - self.vectors
        return gradient if batch is None else gradient + namespace(w).mean(gather_rows(self.noise, batch), axis=-2)

    def _times(self, w: Array) -> Array:
        return namespace(w).matmul(self.matrices, w[..., None])[..., 0]

    def minimiser(self) -> Array:
        xp, size = namespace(self.initial), self.initial.shape[0]
        total = client_sum(self.weights, self.matrices, 0) + self.ridge * xp.eye(size, dtype=self.initial.dtype)
        return xp.linalg.solve(total, client_sum(self.weights, self.vectors, 0)[:, None])[:, 0]


def quadratics(
    seed: int = 0, *, clients: int = 3, size: int = 4, ridge: float = 0.3, library: str = "numpy"
) -> Quadratics:
    """Return an instance with L_i ≤ 1."""
    rng, xp = np.random.default_rng(seed), backend(library)
    factors = rng.normal(size=(clients, size, size))
    matrices = factors @ np.swapaxes(factors, -1, -2)
    matrices /= np.linalg.eigvalsh(matrices)[:, -1, None, None] * rng.uniform(1, 3, size=(clients, 1, 1))
    noise = rng.normal(size=(clients, 16, size))
    arrays = {
        "matrices": matrices,
        "vectors": rng.normal(size=(clients, size)),
        "noise": noise - noise.mean(axis=1, keepdims=True),
        "weights": rng.dirichlet(np.full(clients, 5.0)),
        "initial": rng.normal(size=size),
    }
    return Quadratics(
        **{name: xp.asarray(value, dtype=xp.float64) for name, value in arrays.items()},
        ridge=ridge,
        sizes=(16,) * clients,
    )
