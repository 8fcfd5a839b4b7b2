"""Student's interval for the mean of independent values. Source: Student, The probable error of a mean, 1908."""

import math
from typing import Any

import numpy as np


def critical_value(count: int, level: float = 0.95) -> float:
    """Return how many standard errors the interval of ``level`` reaches to either side, from ``count`` values."""
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, (1 + level) / 2))


def half_width(values: Any, level: float = 0.95) -> float:
    """Return half the width of the interval for the mean of ``values``, NaN where there are fewer than two."""
    known = np.asarray(values, dtype=float)
    if known.size < 2:
        return math.nan
    return critical_value(known.size, level) * float(known.std(ddof=1)) / math.sqrt(known.size)
