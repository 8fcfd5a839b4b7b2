r"""An explicit function through given points, gradients and values: the largest one with curvature in [low, high]."""

import dataclasses
import functools
import itertools
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True)
class Interpolant:
    r"""The largest function with curvature in [low, high] through the data.

    $$F(x) = \tfrac{high}{2}\|x\|^2 - \max_{\lambda\in\Delta}\left[\sum\lambda_i(b_i + \langle s_i, x\rangle)
    - \tfrac{\|\sum\lambda_is_i\|^2}{2\ell}\right]$$

    With $\ell = high - low$, $s_i = high\,x_i - g_i$: $\tfrac{high}{2}\|x\|^2 - F$ is the smallest convex
    $\ell$-smooth function through
    the reflected data (a Moreau envelope of a maximum of affine functions), so that F is the largest function of
    its class, and is
    bounded below whenever any is. The data must satisfy the interpolation inequalities. Source: Taylor, Hendrickx,
    Glineur (2017),
    section 3.

    Args:
        points: (n, d).
        gradients: (n, d).
        values: (n,).
        low: lower curvature.
        high: upper curvature, the Lipschitz constant.
    """

    points: tuple[tuple[float, ...], ...]
    gradients: tuple[tuple[float, ...], ...]
    values: tuple[float, ...]
    low: float
    high: float

    def value(self, x: Array) -> float:
        """Return F(x), x of shape (d,)."""
        return self.high / 2 * float(x @ x) - self._best(x)[0]

    def gradient(self, x: Array) -> Array:
        """Return ∇F(x), shape (d,)."""
        return np.asarray(self.high * x - self._best(x)[1])

    @functools.cached_property
    def _slopes(self) -> Array:
        return np.asarray(self.high * np.asarray(self.points) - np.asarray(self.gradients))

    @functools.cached_property
    def _offsets(self) -> Array:
        """Return the constants b of the affine pieces whose envelope takes the reflected values."""
        points, slopes = np.asarray(self.points), self._slopes
        reflected = self.high / 2 * np.sum(points**2, axis=1) - np.asarray(self.values)
        return np.asarray(
            reflected - np.sum(slopes * points, axis=1) + np.sum(slopes**2, axis=1) / (2 * (self.high - self.low))
        )

    @functools.cached_property
    def _faces(self) -> list[tuple[Array, Array]]:
        """Return per affinely independent set of pieces its indices and the inverse of its optimality system."""
        count, dimension = self._slopes.shape
        kernel = self._slopes @ self._slopes.T / (self.high - self.low)
        faces = []
        for size in range(1, min(count, dimension + 1) + 1):
            for chosen in itertools.combinations(range(count), size):
                index = np.array(chosen)
                system = np.ones((size + 1, size + 1))
                system[:size, :size] = kernel[np.ix_(index, index)]
                system[size, size] = 0.0
                if np.linalg.cond(system) < 1e12:
                    faces.append((index, np.linalg.inv(system)))
        return faces

    def _best(self, x: Array) -> tuple[float, Array]:
        """Return the maximum over the simplex and its gradient: the best of the faces' own maximisers."""
        gains, best = self._offsets + self._slopes @ x, (-np.inf, x)
        for index, inverse in self._faces:
            share = (inverse @ np.append(gains[index], 1.0))[:-1]
            if np.min(share) < -1e-9:
                continue
            slope = share @ self._slopes[index]
            total = float(share @ gains[index]) - float(slope @ slope) / (2 * (self.high - self.low))
            if total > best[0]:
                best = (total, slope)
        return best


def violation(points: Array, gradients: Array, values: Array, *, low: float, high: float) -> float:
    """Return the largest violation of the interpolation inequalities among the points; ≤ 0 where a function exists."""
    worst = -np.inf
    for i, j in itertools.permutations(range(len(values)), 2):
        x, g = points[i] - points[j], gradients[i] - gradients[j]
        curved = g @ g + low * high * (x @ x) - 2 * low * (g @ x)
        worst = max(worst, float(values[j] - values[i] + gradients[j] @ x + curved / (2 * (high - low))))
    return worst
