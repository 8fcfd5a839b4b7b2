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
_HALVINGS = 24
"""Of a bracket of the grid: what is left is 1e-8 of the rate."""
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
    middle = _zero(test)
    levels = (0.0, critical, -critical)
    brackets = np.stack([_bracket(test, middle, level) for level in levels], axis=1)
    places = _bisected(means, axis, parameters[:, 1], start, brackets, np.asarray(levels))
    estimate, low, high = (parameters[:, 1] * np.exp(place) for place in places.T)
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


def _zero(test: Numbers) -> Numbers:
    """Return where ``test`` (experiments, rates) is nearest to 0 beside its upward crossing next to the log fit's rate.

    Not simply its smallest size: far from the rate a bad fit has large errors, and so small tests.
    """
    upward: Numbers = (test[:, :-1] < 0) & (test[:, 1:] >= 0)
    cells = np.arange(test.shape[-1] - 1)
    cell = np.where(upward, np.abs(cells + 0.5 - _SIDE.size), np.inf).argmin(-1)
    pair = np.take_along_axis(np.abs(test), np.stack([cell, cell + 1], axis=-1), axis=-1)
    return np.asarray(np.where(upward.any(-1), cell + pair.argmin(-1), np.abs(test).argmin(-1)))


def _bracket(test: Numbers, middle: Numbers, level: float) -> Numbers:
    """Return the two numbers of `_GRID` between which ``test`` (experiments, rates) crosses ``level``, nan if nowhere.

    Upwards in the grid for ``level`` > 0, downwards for ``level`` < 0, first seen from ``middle``; at 0 the crossing
    next to it.
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
    return np.where(np.asarray(exists)[:, None], np.stack([_GRID[upper - 1], _GRID[upper]], axis=-1), np.nan)


def _bisected(
    means: Numbers, axis: Axis, slope: Numbers, start: Numbers, brackets: Numbers, levels: Numbers
) -> Numbers:
    """Return where the test reaches each of ``levels`` within ``brackets`` (experiments, levels, 2).

    A deep floor leaves a signal whose rate is known far better than the grid is fine: the grid only brackets.
    """
    low, high = brackets[..., 0], brackets[..., 1]
    ends = [
        _statistic(means, profile(means, axis, slope[:, None] * np.exp(np.nan_to_num(end)), start))
        for end in (low, high)
    ]
    rises = np.where(ends[1] >= ends[0], 1.0, -1.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        test = _statistic(means, profile(means, axis, slope[:, None] * np.exp(np.nan_to_num(middle)), start))
        below = rises * test < rises * levels
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return (low + high) / 2
