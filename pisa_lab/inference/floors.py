r"""The rate above a floor: $E\,y_t = A s_t + c$ holds exactly for an additive floor, whatever the noise.

The estimating equation $\sum_k (\bar y_k/\mu_k - 1)\,\partial\log\mu_k = 0$ over bins k is unbiased for it (the mean
of a logarithm is not: it bends where signal and floor meet). With the rate fixed, A and c are a weighted linear fit;
the interval holds the rates whose score, one independent number per seed, passes a t-test, so that nothing is
linearised in the rate. Source: ours (a gamma quasi-likelihood with clusters; Liang and Zeger 1986 for the variance).
"""

from typing import NamedTuple

import numpy as np

from pisa_lab.inference.curvature import bend, without
from pisa_lab.inference.curves import RESOLUTION, Axis, Curves, Numbers
from pisa_lab.inference.models import floor_curve

_SIDE = np.geomspace(0.01, 2.2, 32)
_GRID = np.concatenate([-_SIDE[::-1], [0.0], _SIDE])
"""Logarithms of the rates tried, relative to the fit of the log curve."""
_STEPS = 10
_SPREAD = 0.5
"""Seeds whose level is within e^±0.5 of the mean one are left as they are."""
_TINY = float(np.finfo(float).tiny)


class Interval(NamedTuple):
    """A slope on the axis with its interval, (experiments,) each; nan where the interval is not bounded."""

    estimate: Numbers
    low: Numbers
    high: Numbers
    floor: Numbers
    fall: Numbers
    """the logarithm of the fitted curve's first value over its last"""
    bend: Numbers
    """p-value of `curvature.bend`"""


class Profile(NamedTuple):
    """The best A and c for fixed rates, and what the rate's score is made of; (experiments, rates, bins) each."""

    mean: Numbers
    """μ"""
    tangent: Numbers
    """∂ log μ by A and by c, up to factors, (experiments, rates, bins, 2)"""
    score: Numbers
    """∂ log μ by the rate, less its projection on those two"""
    floor: Numbers
    """c, (experiments, rates)"""


def levelled(curves: Curves, axis: Axis, parameters: Numbers, *, spread: float) -> Numbers:
    """Return the means of ``curves`` with the signal's level of every seed brought within e^±spread of the mean one.

    A factor per seed leaves A s + c of the same form, and the largest seeds no longer decide alone. A level is seen
    through its seed's noise, which biases the rate a little; the less, the larger ``spread``.
    """
    logs = curves.logs
    depth = parameters[:, 2:] - parameters[:, :1] - parameters[:, 1:2] * axis.at
    share = 1 / (1 + np.exp(np.clip(depth, -60, 60)))
    own = np.einsum("erk,ek->er", logs - logs.mean(1, keepdims=True), share) / share.sum(-1, keepdims=True)
    return np.asarray(curves.means * np.exp(np.clip(own, -spread, spread) - own)[..., None])


def interval(curves: Curves, axis: Axis, parameters: Numbers, critical: float) -> Interval:
    """Return the slopes on ``axis``, one of those of ``curves``, whose score is within ±``critical``.

    ``parameters`` (experiments, 3) are those of `models.floor_curve` on the mean log curve, with negative slopes.
    """
    means = levelled(curves, axis, parameters, spread=_SPREAD)
    start = np.exp(floor_curve(parameters, axis.at))
    found = profile(means, axis, parameters[:, 1:2] * np.exp(_GRID), start)
    test = _statistic(means, found)
    test = test * np.sign(test[:, -1] - test[:, 0])[:, None]
    middle = np.abs(test).argmin(-1)
    places = [_crossing(test, middle, level) for level in (0.0, critical, -critical)]
    estimate, low, high = (parameters[:, 1] * np.exp(place) for place in places)
    final = profile(means, axis, np.where(np.isnan(estimate), parameters[:, 1], estimate)[:, None], start)
    tangent = np.concatenate([final.tangent, final.score[..., None]], axis=-1)[:, 0]
    fall = np.log(final.mean[:, 0, 0] / final.mean[:, 0, -1])
    # The bend is sought with all seeds alike, where it shows most: a bias of the rate is no bend.
    alike = levelled(curves, axis, parameters, spread=0.0)
    return Interval(estimate, low, high, final.floor[:, 0], fall, bend(alike / final.mean - 1, tangent))


def profile(means: Numbers, axis: Axis, slopes: Numbers, start: Numbers) -> Profile:
    """Return the fits of A and c to the seed mean of ``means`` for each of ``slopes`` (experiments, rates) < 0.

    Scoring steps from the curve ``start`` (experiments, bins); both A and c are kept positive.
    """
    curve = means.mean(1)[:, None]
    signal, direction = _signal(axis, slopes)
    mean = np.broadcast_to(start[:, None], signal.shape)
    size = floor = np.zeros(slopes.shape)
    least, most = 1e-9 * curve.min(-1), curve.max(-1)
    for _ in range(_STEPS):
        weight = 1 / mean**2
        shaped = weight * signal
        w0, w1, w2 = weight.sum(-1), shaped.sum(-1), (shaped * signal).sum(-1)
        y0, y1 = (weight * curve).sum(-1), (shaped * curve).sum(-1)
        floor = np.clip((w2 * y0 - w1 * y1) / np.maximum(w0 * w2 - w1**2, 1e-12 * w0 * w2), least, most)
        size = np.maximum((y1 - w1 * floor) / w2, 1e-9 * most)
        mean = size[..., None] * signal + floor[..., None]
    tangent = np.stack([signal / mean, 1 / mean], axis=-1)
    return Profile(mean, tangent, without(direction * size[..., None] * signal / mean, tangent), floor)


def _signal(axis: Axis, slopes: Numbers) -> tuple[Numbers, Numbers]:
    r"""Return $s$, the mean of $e^{\beta x}$ over each bin up to a factor, and $\partial\log s/\partial\beta$.

    The x of a bin are taken as uniform, of half-width h: $s = e^{\beta x}\sinh(\beta h)/(\beta h)$.
    """
    half = np.sqrt(3 * axis.spread)
    width = np.maximum(-slopes[..., None] * half, 1e-6)
    exponent = slopes[..., None] * axis.at + width + np.log(-np.expm1(-2 * width) / (2 * width))
    slant = np.where(width > 1e-3, 1 / np.tanh(width) - 1 / width, width / 3)
    return np.exp(exponent - exponent.max(-1, keepdims=True)), axis.at - half * slant


def _statistic(means: Numbers, found: Profile) -> Numbers:
    """Return Student's t of the seeds' scores, (experiments, rates)."""
    scores = means @ np.swapaxes(found.score / found.mean, -1, -2)
    finest = RESOLUTION * np.sqrt(means.shape[-1] * (found.score**2).sum(-1))
    error = np.sqrt(scores.var(1, ddof=1) / means.shape[1] + finest**2)
    return np.asarray((scores.mean(1) - found.score.sum(-1)) / np.maximum(error, _TINY))


def _crossing(test: Numbers, middle: Numbers, level: float) -> Numbers:
    """Return where ``test`` (experiments, rates) first crosses ``level`` on the way from ``middle``, nan if nowhere.

    Upwards in the grid for ``level`` > 0, downwards for ``level`` < 0; at 0 the crossing next to ``middle``.
    """
    index, last = np.arange(test.shape[-1]), test.shape[-1] - 1
    if level > 0:
        beyond = (test >= level) & (index > middle[:, None])
        upper, exists = beyond.argmax(-1), beyond.any(-1)
    elif level < 0:
        beyond = (test <= level) & (index < middle[:, None])
        upper, exists = last + 1 - beyond[:, ::-1].argmax(-1), beyond.any(-1)
    else:
        upper = middle + (np.take_along_axis(test, middle[:, None], axis=-1)[:, 0] < 0)
        exists = (upper > 0) & (upper <= last)
    upper = np.clip(upper, 1, last)
    low, high = (np.take_along_axis(test, place[:, None], axis=-1)[:, 0] for place in (upper - 1, upper))
    part = (level - low) / np.where(high != low, high - low, 1)
    return np.where(exists, _GRID[upper - 1] + part * (_GRID[upper] - _GRID[upper - 1]), np.nan)
