r"""Traces whose rate is known, for the calibration: what an optimiser's measures look like, not what the fit expects.

The design. T = 1000 iterations, each recorded. Truths: power laws $t^{-a}$
with a uniform in (0.3, 1.5); exponentials $q^t$ with $q^T$ from $e^{-4}$ to $e^{-12}$ (uniform exponent); plateaus.
Each seed has a level of its own, log-normal with spread 0.3. Noise multiplies the value, with a standard deviation of
its logarithm that is uniform in (0.2, 0.4) over experiments:

* log-normal: independent over iterations;
* additive floor: the same on the signal, plus a floor that the signal's median meets at $T^u$, u uniform in (0.4, 0.7)
  (power) or $uT$, u uniform in (0.3, 0.7) (exponential); its level differs by 0.2 (log-normal) between seeds and every
  value of it is an average of four squared normal numbers, as a squared norm of gradient noise is;
* deep floor: the same where the signal falls much further before it meets the floor, by 1e-2 to 1e-12: a from 2 to 6,
  $q^T$ from $e^{-20}$ to $e^{-40}$;
* AR(1): correlated over iterations with a coefficient uniform in (0.5, 0.95), stationary from the start;
* heavy-tailed: Student's t with 3 degrees of freedom.

The ranges are those of the traces met in practice and were not moved to please the fit; its two thresholds
(`selection.CRITICAL`, `estimates.CERTAIN`) were chosen on other random streams of nearly this design.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pisa_lab.inference.curves import Numbers

ITERATIONS = 1000
TRUTHS = ("POWER", "EXPONENTIAL", "PLATEAU")
_LEVEL = 0.3


class Traces(NamedTuple):
    """Traces with what is true of them: places in `models.MODELS` and rates a or −log q (0 on plateaus)."""

    values: Numbers
    """(experiments, iterations, seeds)"""
    rate: Numbers
    """(experiments,)"""
    has_floor: bool


Noise = Callable[[Numbers, int, np.random.Generator], Numbers]


def _independent(scale: Numbers, seeds: int, rng: np.random.Generator) -> Numbers:
    return np.asarray(scale * rng.standard_normal((len(scale), ITERATIONS, seeds)))


def _correlated(scale: Numbers, seeds: int, rng: np.random.Generator) -> Numbers:
    noise = _independent(scale, seeds, rng)
    memory = rng.uniform(0.5, 0.95, size=(len(scale), 1))
    fresh = np.sqrt(1 - memory**2)
    for step in range(1, ITERATIONS):
        noise[:, step] = memory * noise[:, step - 1] + fresh * noise[:, step]
    return noise


def _heavy(scale: Numbers, seeds: int, rng: np.random.Generator) -> Numbers:
    return np.asarray(scale / np.sqrt(3) * rng.standard_t(3, size=(len(scale), ITERATIONS, seeds)))


NOISES: dict[str, Noise] = {
    "log-normal": _independent,
    "additive floor": _independent,
    "AR(1)": _correlated,
    "heavy-tailed": _heavy,
    "deep floor": _independent,
}
"""The noise of the logarithm under each of the models, from (experiments, 1, 1) scales."""
_FLOORED = ("additive floor", "deep floor")
_RATES = {"POWER": ((0.3, 1.5), (2.0, 6.0)), "EXPONENTIAL": ((4.0, 12.0), (20.0, 40.0))}
"""Ranges of a and of −T log q, the second for the deep floor."""


def draw(truth: str, noise: str, *, experiments: int, seeds: int, rng: np.random.Generator) -> Traces:
    """Return traces of ``experiments`` with ``seeds`` each under a ``truth`` of TRUTHS and a ``noise`` of NOISES."""
    time = np.arange(1.0, ITERATIONS + 1)
    low, high = _RATES.get(truth, ((0.0, 0.0),) * 2)[noise == "deep floor"]
    if truth == "POWER":
        rate, clock, meets = rng.uniform(low, high, experiments), np.log(time), rng.uniform(0.4, 0.7, experiments)
        meets = ITERATIONS**meets
    elif truth == "EXPONENTIAL":
        rate, clock = rng.uniform(low, high, experiments) / ITERATIONS, time
        meets = ITERATIONS * rng.uniform(0.3, 0.7, experiments)
    else:
        rate, clock, meets = np.zeros(experiments), time, np.ones(experiments)
    signal = -rate[:, None] * clock
    level = _LEVEL * rng.standard_normal((experiments, 1, seeds))
    scale = rng.uniform(0.2, 0.4, size=(experiments, 1, 1))
    values = np.exp(signal[..., None] + level + NOISES[noise](scale, seeds, rng))
    has_floor = noise in _FLOORED and truth != "PLATEAU"
    if has_floor:
        median = np.take_along_axis(signal, meets.astype(int)[:, None] - 1, axis=1)
        values += _floor(np.exp(median)[..., None], seeds, rng)
    return Traces(values, rate, has_floor)


def _floor(level: Numbers, seeds: int, rng: np.random.Generator) -> Numbers:
    own = level * np.exp(0.2 * rng.standard_normal((len(level), 1, seeds)))
    return np.asarray(own * rng.standard_gamma(2.0, size=(len(level), ITERATIONS, seeds)) / 2)
