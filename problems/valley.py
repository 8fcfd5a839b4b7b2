"""Rosenbrock's curved valley as a sum over clients that disagree about the steepness of its walls and about a slope."""

import dataclasses
import math
from typing import Any

import numpy as np

from pisa_lab._array import Array, namespace, to_numpy
from pisa_lab._checks import real, whole
from problems.base import Base, HostArray, ball, client_weights, start


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Rosenbrock(Base):
    r"""$F_i(w) = \sum_{k<p}\bigl(a_i(w_{k+1} - w_k^2)^2 + (1 - w_k)^2\bigr) + \langle s_i, w\rangle$.

    $\sum_i\alpha_is_i = 0$. Shapes: ``steepness`` a (clients,), ``slopes`` s (clients, p).
    Without a ridge the minimiser is (1, …, 1) and F* = 0.
    """

    steepness: Array
    slopes: Array

    @property
    def convex(self) -> bool:
        """Never."""
        return False

    def client_value(self, w: Array) -> Array:
        """Return F_i(w), shape (…, clients)."""
        xp = namespace(w)
        first = w[..., :-1]
        gap = w[..., 1:] - first * first
        walls = self.steepness * xp.sum(gap * gap, axis=-1)
        return walls + xp.sum((1 - first) * (1 - first), axis=-1) + xp.sum(self.slopes * w, axis=-1)

    def client_grad(self, w: Array, batch: Array | None = None) -> Array:
        """Return ∇F_i(w), shape (…, clients, p)."""
        self.without_samples(batch)
        first = w[..., :-1]
        gap = 2 * self.steepness[:, None] * (w[..., 1:] - first * first)
        return _overlaid(-2 * gap * first - 2 * (1 - first), gap) + self.slopes

    def hvp(self, w: Array, v: Array, batch: Array | None = None) -> Array:
        """Return ∇²F_i(w)v, shape (…, clients, p)."""
        self.without_samples(batch)
        first, second, steep = w[..., :-1], w[..., 1:], self.steepness[:, None]
        gap_along = v[..., 1:] - 2 * first * v[..., :-1]
        lower = -4 * steep * (gap_along * first + (second - first * first) * v[..., :-1]) + 2 * v[..., :-1]
        return _overlaid(lower, 2 * steep * gap_along)

    def lipschitz_on(self, radius: float) -> HostArray:
        r"""Return $12a_iR^2 + 12a_iR + 2a_i + 2$, Gershgorin's bound of the tridiagonal Hessian. Source: ours."""
        limit, steep = ball(radius), to_numpy(self.steepness).astype(np.float64)
        return np.asarray(12 * steep * limit * (limit + 1) + 2 * steep + 2)


def _overlaid(first: Array, second: Array) -> Array:
    """Return (first, 0) + (0, second) along the last axis."""
    xp = namespace(first)
    return xp.concat([first, 0 * first[..., :1]], axis=-1) + xp.concat([0 * second[..., :1], second], axis=-1)


def rosenbrock(
    seed: int = 0,
    *,
    clients: int = 4,
    dimension: int = 2,
    steepness: float = 10.0,
    spread: float = 0.5,
    shift: float = 1.0,
    weights: Any = None,
    ridge: float = 0.0,
    initial: Any = None,
) -> Rosenbrock:
    r"""Return a seeded Rosenbrock sum, by default started at (−1.2, 1, −1.2, …).

    Args:
        seed: of the clients' steepness and slopes.
        clients: m.
        dimension: p ≥ 2.
        steepness: the geometric mean of $a_i$, 100 in the textbook.
        spread: standard deviation of $\log a_i$.
        shift: size of the slopes $s_i$, whose weighted mean is 0.
        weights: α, by default 1/m.
        ridge: λ; with one there is no known minimiser.
        initial: the start.

    Raises:
        ValueError: a number outside its domain.
    """
    rng = np.random.default_rng(whole("seed", seed))
    count, p = whole("clients", clients, at_least=1), whole("dimension", dimension, at_least=2)
    alpha, shrink = client_weights(weights, count), real("ridge", ridge, at_least=0.0)
    walls = real("steepness", steepness, above=0.0) * np.exp(
        real("spread", spread, at_least=0.0) * rng.normal(size=count)
    )
    slopes = real("shift", shift, at_least=0.0) * rng.normal(size=(count, p))
    return Rosenbrock(
        steepness=walls,
        slopes=slopes - alpha @ slopes,
        weights=alpha,
        ridge=shrink,
        initial=start(initial, np.where(np.arange(p) % 2 == 0, -1.2, 1.0)),
        smoothness=(math.inf,) * count,
        minimiser=None if shrink else np.ones(p),
        optimum=None if shrink else 0.0,
    )
