"""The visited region: its radius, and points far outside it that the sublevel set reaches all the same."""

import numpy as np

from pisa_lab.monitor.host import HostArray, HostProblem

FAR = 1e6
"""How many times the radius (at least 1) a point must lie away to count as far."""


def distances(start: HostArray, points: HostArray) -> HostArray:
    """Return the largest distance of ``points`` (replicates, …, size) from ``start`` (replicates, size)."""
    gaps = points - start.reshape(start.shape[0], *(1,) * (points.ndim - 2), start.shape[-1])
    furthest: HostArray = np.max(np.linalg.norm(gaps, axis=-1).reshape(start.shape[0], -1), axis=-1)
    return furthest


def far_values(host: HostProblem, start: HostArray, points: HostArray, earlier: HostArray) -> tuple[HostArray, ...]:
    """Return (distance, F_λ) at the better of two far points.

    They lie beyond ``points`` as seen from the start and from ``earlier``. Arrays (replicates, size) in, (replicates,)
    out. A value not above F_λ at the start witnesses a sublevel set that reaches that far; a larger value refutes
    nothing, for other directions are not looked at.
    """
    reach = FAR * np.maximum(1.0, np.maximum(distances(start, points), np.linalg.norm(points, axis=-1)))
    best = np.full(points.shape[0], np.inf)
    for origin in (start, earlier):
        direction = points - origin
        length = np.linalg.norm(direction, axis=-1)
        unit = direction / np.where(length > 0, length, 1.0)[:, None]
        value = host.objectives(points + reach[:, None] * unit)
        best = np.fmin(best, np.where(length > 0, value, np.inf))
    return reach, best
