"""Scalar losses of a linear model, and losses of several outputs: value, slope, curvature and its bound, as tables.

A scalar loss is ℓ(z; y) of the output z = ⟨x, w⟩; the third argument of a function is the width of Huber and log-cosh.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pisa_lab._array import Array, namespace

Scalar = Callable[[Array, Array, float], Array]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Loss:
    """ℓ, ℓ', ℓ'' in z, with sup|ℓ''| = ``bound``.

    ``positive`` is the curvature ≥ 0 of the Gauss–Newton matrix (ℓ'' itself where ℓ is convex). ``bound_on(limit, y)``
    is sup|ℓ''| over |z| ≤ limit, one number per sample on the host, for losses whose global bound is inf.
    """

    task: str
    convex: bool
    bound: float
    value: Scalar
    slope: Scalar
    curvature: Scalar
    positive: Scalar
    bound_on: Callable[[Any, Any], Any] | None = None


def _squared(z: Array, y: Array, width: float) -> Array:
    return (z - y) * (z - y) / 2


def _residual(z: Array, y: Array, width: float) -> Array:
    return z - y


def _one(z: Array, y: Array, width: float) -> Array:
    return namespace(z).ones_like(z)


def _falling(t: Array) -> Array:
    """Return 1/(1+e^t) without overflow and with every digit in both tails."""
    xp = namespace(t)
    return xp.exp(-xp.logaddexp(xp.zeros_like(t), t))


def _logistic(z: Array, y: Array, width: float) -> Array:
    xp = namespace(z)
    return xp.logaddexp(xp.zeros_like(z), -y * z)


def _logistic_slope(z: Array, y: Array, width: float) -> Array:
    return -y * _falling(y * z)


def _logistic_curvature(z: Array, y: Array, width: float) -> Array:
    return _falling(z) * _falling(-z)


def _sigmoid(z: Array, y: Array, width: float) -> Array:
    return _falling(y * z)


def _sigmoid_slope(z: Array, y: Array, width: float) -> Array:
    return -y * _falling(z) * _falling(-z)


def _sigmoid_curvature(z: Array, y: Array, width: float) -> Array:
    return _falling(z) * _falling(-z) * namespace(z).tanh(y * z / 2)


def _sigmoid_positive(z: Array, y: Array, width: float) -> Array:
    return namespace(z).clip(_sigmoid_curvature(z, y, width), 0.0, math.inf)


def _huber(z: Array, y: Array, width: float) -> Array:
    clipped = _huber_slope(z, y, width)
    return clipped * (z - y - clipped / 2)


def _huber_slope(z: Array, y: Array, width: float) -> Array:
    return namespace(z).clip(z - y, -width, width)


def _huber_curvature(z: Array, y: Array, width: float) -> Array:
    xp = namespace(z)
    return xp.astype(xp.abs(z - y) <= width, z.dtype)


def _log_cosh(z: Array, y: Array, width: float) -> Array:
    ratio = (z - y) / width
    return width * width * (namespace(z).logaddexp(ratio, -ratio) - math.log(2))


def _log_cosh_slope(z: Array, y: Array, width: float) -> Array:
    return width * namespace(z).tanh((z - y) / width)


def _log_cosh_curvature(z: Array, y: Array, width: float) -> Array:
    root = namespace(z).tanh((z - y) / width)
    return (1 - root) * (1 + root)


def _intensity(z: Array, y: Array, width: float) -> Array:
    return (z * z - y) * (z * z - y) / 4


def _intensity_slope(z: Array, y: Array, width: float) -> Array:
    return (z * z - y) * z


def _intensity_curvature(z: Array, y: Array, width: float) -> Array:
    return 3 * z * z - y


def _intensity_positive(z: Array, y: Array, width: float) -> Array:
    return 2 * z * z


def _intensity_bound(limit: Any, y: Any) -> Any:
    return np.maximum(np.abs(y), np.abs(3 * limit * limit - y))


def _power(z: Array, y: Array, width: float) -> Array:
    xp = namespace(z)
    size = xp.abs(z - y)
    return 2 / 3 * size * xp.sqrt(size)


def _power_slope(z: Array, y: Array, width: float) -> Array:
    xp = namespace(z)
    return xp.sign(z - y) * xp.sqrt(xp.abs(z - y))


def _power_curvature(z: Array, y: Array, width: float) -> Array:
    xp = namespace(z)
    size = xp.abs(z - y)
    at_kink = size == 0
    # Divided where it can be, so that a residual of exactly zero gives inf and no warning.
    return xp.where(at_kink, xp.full_like(z, math.inf), 0.5 / xp.sqrt(xp.where(at_kink, xp.ones_like(z), size)))


def _power_bound(limit: Any, y: Any) -> Any:
    nearest = np.maximum(np.abs(y) - limit, 0.0)
    return np.where(nearest > 0, 0.5 / np.sqrt(np.where(nearest > 0, nearest, 1.0)), np.inf)


def _convex(task: str, bound: float, value: Scalar, slope: Scalar, curvature: Scalar) -> Loss:
    return Loss(task=task, convex=True, bound=bound, value=value, slope=slope, curvature=curvature, positive=curvature)


LOSSES = {
    "squared": _convex("regression", 1.0, _squared, _residual, _one),
    "logistic": _convex("binary", 0.25, _logistic, _logistic_slope, _logistic_curvature),
    "huber": _convex("regression", 1.0, _huber, _huber_slope, _huber_curvature),
    "log-cosh": _convex("regression", 1.0, _log_cosh, _log_cosh_slope, _log_cosh_curvature),
    "sigmoid": Loss(
        task="binary",
        convex=False,
        bound=1 / (6 * math.sqrt(3)),
        value=_sigmoid,
        slope=_sigmoid_slope,
        curvature=_sigmoid_curvature,
        positive=_sigmoid_positive,
    ),
    "intensity": Loss(
        task="regression",
        convex=False,
        bound=math.inf,
        value=_intensity,
        slope=_intensity_slope,
        curvature=_intensity_curvature,
        positive=_intensity_positive,
        bound_on=_intensity_bound,
    ),
    "power-3/2": dataclasses.replace(
        _convex("regression", math.inf, _power, _power_slope, _power_curvature), bound_on=_power_bound
    ),
}
"""Rows by name; "sigmoid" is 1/(1+e^{yz}), "intensity" (z²−y)²/4, "power-3/2" ⅔|z−y|^{3/2}."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OutputLoss:
    """A loss of outputs z (…, n, outputs) against targets of that shape: values (…, n), slopes, H·u, ‖H‖ ≤ ``bound``.

    ``slope_bound(size, y)`` is sup‖slope‖ over ‖z‖ ≤ size, one number per sample on the host.
    """

    task: str
    bound: float
    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    product: Callable[[Array, Array], Array]
    slope_bound: Callable[[Any, Any], Any]


def probabilities(z: Array) -> Array:
    """Return softmax(z) over the last axis."""
    xp = namespace(z)
    powers = xp.exp(z - xp.max(z, axis=-1, keepdims=True))
    return powers / xp.sum(powers, axis=-1, keepdims=True)


def _cross_entropy(z: Array, y: Array) -> Array:
    xp = namespace(z)
    shifted = z - xp.max(z, axis=-1, keepdims=True)
    return xp.log(xp.sum(xp.exp(shifted), axis=-1)) - xp.sum(shifted * y, axis=-1)


def _cross_entropy_slope(z: Array, y: Array) -> Array:
    return probabilities(z) - y


def _cross_entropy_product(z: Array, u: Array) -> Array:
    share = probabilities(z)
    return share * (u - namespace(z).sum(share * u, axis=-1, keepdims=True))


def _squared_distance(z: Array, y: Array) -> Array:
    return namespace(z).sum((z - y) * (z - y), axis=-1) / 2


def _difference(z: Array, y: Array) -> Array:
    return z - y


def _itself(z: Array, u: Array) -> Array:
    return u


OUTPUT_LOSSES = {
    "cross-entropy": OutputLoss(
        task="multiclass",
        bound=0.5,
        value=_cross_entropy,
        slope=_cross_entropy_slope,
        product=_cross_entropy_product,
        slope_bound=lambda size, y: np.full(y.shape[:-1], math.sqrt(2)),
    ),
    "squared": OutputLoss(
        task="regression",
        bound=1.0,
        value=_squared_distance,
        slope=_difference,
        product=_itself,
        slope_bound=lambda size, y: size + np.linalg.norm(y, axis=-1),
    ),
}
