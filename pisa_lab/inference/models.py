r"""The five shapes of a curve of log values, fitted to the mean over seeds and judged on the seed left out."""

from typing import NamedTuple

import numpy as np

from pisa_lab.inference.curves import Axis, Curves, Numbers

MODELS = ("plateau", "power", "exponential", "power to floor", "exponential to floor")
PARAMETERS = np.array([0, 1, 1, 2, 2])
"""Parameters of each model beyond the level: the order of simplicity."""
_STARTS = (0.3, 0.5, 0.75)
_DEEPEST = 6.0
"""A floor is not sought more than a factor e^6 below the lowest point of the curve."""
_STEEPEST = 40.0
"""Slopes per standard deviation of the axis beyond this are steps, not rates."""


class Line(NamedTuple):
    r"""Fits of $z = b + s x$ to the curve of each seed, (experiments, seeds); x is the standardised axis."""

    level: Numbers
    slope: Numbers


def line(logs: Numbers, axis: Axis) -> Line:
    """Return the least-squares line of every curve of ``logs`` (…, bins); the mean of ``axis`` over bins is 0."""
    return Line(logs.mean(-1), logs @ axis.at / float(axis.at @ axis.at))


def losses(curves: Curves) -> tuple[Numbers, dict[str, Numbers]]:
    """Return the loss of each model on each seed when that seed is left out, and the floor models' parameters.

    The loss, (experiments, seeds, models), is the variance over bins of the seed's residual: its own level is free.
    The parameters, one (experiments, 3) for each floor model, are those of `floor_curve` on the mean curve.
    """
    found, floors = [_left_out(curves.logs, np.zeros((*curves.logs.shape[:2], 1)))], {}
    for axis in (curves.log_time, curves.time):
        fit = line(curves.logs, axis)
        found.append(_left_out(curves.logs, fit.slope[..., None] * axis.at))
    for name, axis in zip(MODELS[3:], (curves.log_time, curves.time), strict=True):
        floors[name] = fit_floor(curves.logs.mean(1), axis)
        found.append(_floor_losses(curves.logs, axis, floors[name]))
    return np.stack(found, axis=-1), floors


def _left_out(logs: Numbers, fitted: Numbers) -> Numbers:
    """Return the losses of a linear model from the fit of each seed alone: the mean of the others is their fit."""
    seeds = logs.shape[1]
    others = (seeds * fitted.mean(1, keepdims=True) - fitted) / (seeds - 1)
    return np.asarray((logs - others).var(-1))


def _floor_losses(logs: Numbers, axis: Axis, parameters: Numbers) -> Numbers:
    """Return the losses of a floor model; the fit to the others is one Gauss–Newton step away from the fit to all."""
    tangent = _tangent(parameters, axis.at)
    normal = np.einsum("eki,ekj->eij", tangent, tangent)
    normal += 1e-6 * np.eye(3)
    seen = logs - logs.mean(1, keepdims=True)
    influence = np.linalg.solve(normal[:, None], np.einsum("eki,erk->eri", tangent, seen)[..., None])[..., 0]
    others = parameters[:, None] - influence / (logs.shape[1] - 1)
    return np.asarray((logs - floor_curve(others, axis.at)).var(-1))


def floor_curve(parameters: Numbers, at: Numbers) -> Numbers:
    r"""Return $\log(e^{b + s x} + e^{c})$ for parameters (…, (b, s, c)) at ``at`` (bins,)."""
    level, slope, floor = (parameters[..., place, None] for place in range(3))
    return np.asarray(np.logaddexp(level + slope * at, floor))


def _tangent(parameters: Numbers, at: Numbers) -> Numbers:
    level, slope, floor = (parameters[..., place, None] for place in range(3))
    share = 1 / (1 + np.exp(np.clip(floor - level - slope * at, -60, 60)))
    return np.stack([share, share * at, 1 - share], axis=-1)


def fit_floor(mean: Numbers, axis: Axis, *, steps: int = 25) -> Numbers:
    """Return the least-squares parameters (experiments, 3) of `floor_curve` for ``mean`` (experiments, bins).

    Levenberg–Marquardt from three starts, whose lines end at different bins; the best of the three is returned.
    """
    best, least = np.zeros((len(mean), 3)), np.full(len(mean), np.inf)
    for part in _STARTS:
        stop = max(3, int(mean.shape[-1] * part))
        at = axis.at[:stop]
        slope = (mean[:, :stop] @ (at - at.mean())) / float(at.var() * stop)
        level = mean[:, :stop].mean(-1) - slope * at.mean()
        start = np.stack([level, slope, mean[:, -3:].mean(-1) - 0.5], axis=-1)
        found, loss = _levenberg_marquardt(mean, axis.at, start, steps)
        best, least = np.where((loss < least)[:, None], found, best), np.minimum(loss, least)
    return best


def _levenberg_marquardt(mean: Numbers, at: Numbers, start: Numbers, steps: int) -> tuple[Numbers, Numbers]:
    deepest = mean.min(-1) - _DEEPEST
    here, residual = start, mean - floor_curve(start, at)
    loss, damping = (residual**2).sum(-1), np.full(len(mean), 1e-2)
    for _ in range(steps):
        tangent = _tangent(here, at)
        normal = np.einsum("eki,ekj->eij", tangent, tangent)
        diagonal = np.einsum("eii->ei", normal) * damping[:, None] + 1e-9
        normal += diagonal[..., None] * np.eye(3)
        step = np.linalg.solve(normal, np.einsum("eki,ek->ei", tangent, residual)[..., None])[..., 0]
        there = here + step
        there[:, 1] = np.clip(there[:, 1], -_STEEPEST, _STEEPEST)
        there[:, 2] = np.maximum(there[:, 2], deepest)
        new = mean - floor_curve(there, at)
        better = (new**2).sum(-1) <= loss
        here, residual = np.where(better[:, None], there, here), np.where(better[:, None], new, residual)
        loss = (residual**2).sum(-1)
        damping = np.clip(np.where(better, damping / 3, damping * 5), 1e-9, 1e6)
    return here, loss
