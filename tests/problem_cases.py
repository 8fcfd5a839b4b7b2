"""What the tests of problems share."""

import numpy as np

from pisa_lab._array import to_numpy
from problems.table import PROBLEMS

CLIENTS = 3


SAMPLED = tuple(row for row in PROBLEMS if row.build(0, 1).sizes is not None)


def points(problem, seed, *lead, scale=0.7):
    """Return random parameters of shape (*lead, *shape)."""
    return scale * np.random.default_rng(seed).normal(size=(*lead, *problem.initial.shape))


def indices(problem, seed, *lead, size=4):
    """Return a mini-batch (*lead, clients, size)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(count, size=(*lead, size)) for count in problem.sizes], axis=-2)


def closeness(actual, expected):
    """Return max |a − b| relative to the larger of 1 and max |b|."""
    actual, expected = to_numpy(actual), to_numpy(expected)
    assert actual.shape == expected.shape
    return float(np.max(np.abs(actual - expected))) / max(1.0, float(np.max(np.abs(expected))))
