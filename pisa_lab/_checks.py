"""Checks of arguments: every message names the argument, says what it was and what is allowed."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

Scalars = float | tuple[Any, ...]
"""One number for all clients, a tuple with one per client, or a tuple of such tuples with one per replicate."""


def real(
    name: str,
    value: Any,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    at_most: float = math.inf,
    below: float = math.inf,
) -> float:
    """Return ``value`` as a Python float after checking that it is a finite number in the interval.

    A NumPy scalar left as it is would turn float32 state into float64 and is a TypeError under strict array libraries.
    """
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: {value!r} is not a number") from error
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(f"{name}: {value!r} is not a finite number")
    if not (above < number < below and at_least <= number <= at_most):
        lower = f"> {above:g}" if math.isfinite(above) else f">= {at_least:g}" if math.isfinite(at_least) else ""
        upper = f"< {below:g}" if math.isfinite(below) else f"<= {at_most:g}" if math.isfinite(at_most) else ""
        raise ValueError(f"{name}: {value!r} must be {' and '.join(filter(None, (lower, upper)))}")
    return number


def reals(name: str, value: Any, **interval: float) -> Scalars:
    """Return one float or nested tuples of floats, each checked as `real` does; at most replicates × clients."""
    if getattr(value, "ndim", None) == 0:
        return real(name, value.item(), **interval)
    if isinstance(value, str) or not isinstance(value, Iterable):
        return real(name, value, **interval)
    values = tuple(reals(name, entry, **interval) for entry in value)
    if not values:
        raise ValueError(f"{name}: empty; one number, or one per client")
    shapes = {_shape(entry) for entry in values}
    if len(shapes) > 1 or len(shapes.pop()) > 1:
        raise ValueError(f"{name}: {value!r} must be a number, (clients,) or (replicates, clients)")
    return values


def _shape(value: Scalars) -> tuple[int, ...]:
    return () if isinstance(value, float) else (len(value), *_shape(value[0]))


def whole(name: str, value: Any, *, at_least: int = 0) -> int:
    """Return ``value`` as a Python int after checking that it is whole and not below ``at_least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise ValueError(f"{name}: {value!r} must be a whole number >= {at_least}")
    return int(value)


def choice(name: str, value: Any, allowed: Sequence[str]) -> str:
    """Return ``value`` after checking that it is one of ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not one of {', '.join(allowed)}")
    return str(value)


class Named(Protocol):
    """A row of a table."""

    @property
    def name(self) -> str:
        """What it is called."""


Row = TypeVar("Row", bound=Named)


def row_named(name: str, value: Any, rows: Sequence[Row]) -> Row:
    """Return the one of ``rows`` that is called ``value``."""
    choice(name, value, [row.name for row in rows])
    return next(row for row in rows if row.name == value)


def finite(name: str, value: Any) -> np.ndarray[Any, Any]:
    """Return ``value`` as a floating NumPy array after checking that every entry is finite."""
    try:
        array = np.asarray(value)
        array = array if array.dtype.kind == "f" else array.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: not an array of numbers ({error})") from error
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name}: contains NaN or infinity")
    return array


def simplex(name: str, value: Any) -> np.ndarray[Any, Any]:
    """Return client weights after checking that they are positive and sum to 1 (to 1e-9: they are counts divided)."""
    weights = finite(name, value)
    if weights.ndim != 1 or weights.size == 0:
        raise ValueError(f"{name}: shape {weights.shape} must be (clients,) with at least one client")
    if np.any(weights <= 0):
        raise ValueError(f"{name}: {weights.tolist()} must be positive")
    if abs(float(weights.sum()) - 1) > 1e-9:
        raise ValueError(f"{name}: sum to {float(weights.sum())!r}, must sum to 1")
    return weights
