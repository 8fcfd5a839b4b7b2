"""Traces of many seeds as a few log-spaced bins of iterations: what every rate is fitted to."""

from typing import Any, NamedTuple

import numpy as np

Numbers = np.ndarray[Any, Any]

BINS = 32
"""Log-spaced bins asked for; the first ones hold one record each, and bins without a record vanish."""
RESOLUTION = 2e-4
"""No model is trusted below this part of the values: runs without noise follow a law until one looks too closely."""


class Axis(NamedTuple):
    """One scale of time, iterations or their logarithm, standardised: its mean and its variance within each bin."""

    at: Numbers
    """mean over the bin, (bins,)"""
    spread: Numbers
    """variance within the bin, (bins,)"""
    unit: float
    """what one step of ``at`` is in iterations or in their logarithm"""


class Curves(NamedTuple):
    """Binned traces of E experiments with R seeds each."""

    log_time: Axis
    time: Axis
    logs: Numbers
    """mean logarithm over the bin, (experiments, seeds, bins)"""
    means: Numbers
    """arithmetic mean over the bin, (experiments, seeds, bins)"""


def binned(iterations: Numbers, values: Numbers) -> Curves:
    """Return the bins of positive ``values`` (experiments, records, seeds) at positive increasing ``iterations``."""
    edges = np.geomspace(iterations[0], iterations[-1] * (1 + 1e-9), BINS + 1)
    starts = np.unique(np.searchsorted(iterations, edges[:-1]))
    counts = np.diff(np.append(starts, iterations.size))
    return Curves(
        log_time=_axis(np.log(iterations), starts, counts),
        time=_axis(iterations.astype(float), starts, counts),
        logs=_averages(np.log(values), starts, counts),
        means=_averages(values, starts, counts),
    )


def selected(curves: Curves, experiments: Numbers) -> Curves:
    """Return the ``experiments`` (a mask or indices) of ``curves``."""
    return curves._replace(logs=curves.logs[experiments], means=curves.means[experiments])


def _averages(values: Numbers, starts: Numbers, counts: Numbers) -> Numbers:
    return np.ascontiguousarray((np.add.reduceat(values, starts, axis=1) / counts[:, None]).transpose(0, 2, 1))


def _axis(scale: Numbers, starts: Numbers, counts: Numbers) -> Axis:
    mean = np.add.reduceat(scale, starts) / counts
    deviation = scale - np.repeat(mean, counts)
    return _standardised(mean, np.add.reduceat(deviation**2, starts) / counts)


def _standardised(mean: Numbers, spread: Numbers) -> Axis:
    unit = float(mean.std())
    return Axis((mean - mean.mean()) / unit, spread / unit**2, unit)
