"""Which model: the simplest one that predicts a seed left out as well as the best, and how sure that choice is."""

import numpy as np

from pisa_lab.inference.curves import RESOLUTION, Numbers
from pisa_lab.inference.models import PARAMETERS

CRITICAL = 1.25
"""A model passes when its excess loss over the best one is at most so many standard errors over seeds …"""
NEGLIGIBLE = 0.005
"""… plus this part of the best loss, below which a floor changes no rate, and the resolution squared."""
RESAMPLES = 200


def choose(losses: Numbers) -> Numbers:
    """Return the index of the chosen model, (experiments,), from ``losses`` (experiments, seeds, models)."""
    seeds = losses.shape[1]
    return _simplest(losses.mean(1), np.einsum("eri,erj->eij", losses, losses) / seeds, seeds)


def probability(losses: Numbers, chosen: Numbers, rng: np.random.Generator) -> Numbers:
    """Return how often the choice, made anew from seeds drawn with replacement, is ``chosen`` again, (experiments,)."""
    experiments, seeds, models = losses.shape
    counts = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    pairs = (losses[..., :, None] * losses[..., None, :]).reshape(experiments, seeds, models**2)
    second = (counts @ pairs).reshape(experiments, RESAMPLES, models, models)
    again = _simplest(counts @ losses, second, seeds)
    return np.asarray((again == chosen[:, None]).mean(-1))


def _simplest(mean: Numbers, second: Numbers, seeds: int) -> Numbers:
    """Return the choice from the mean losses (…, models) and the second moments of their pairs (…, models, models)."""
    best = mean.argmin(-1)[..., None]
    least = np.take_along_axis(mean, best, axis=-1)
    diagonal = np.einsum("...ii->...i", second)
    cross = np.take_along_axis(second, best[..., None], axis=-1)[..., 0]
    squares = diagonal - 2 * cross + np.take_along_axis(diagonal, best, axis=-1)
    excess = mean - least
    error = np.sqrt(np.maximum(squares - excess**2, 0) / (seeds - 1))
    negligible = NEGLIGIBLE * least + RESOLUTION**2
    rank = np.where(excess <= CRITICAL * error + negligible, PARAMETERS, PARAMETERS.max() + 1)
    rank = rank + excess / (excess.max(-1, keepdims=True) + negligible)
    return np.asarray(rank.argmin(-1))
