"""What a batch of experiments shows, as arrays: model, window, interval and the reasons for saying nothing."""

from typing import NamedTuple

import numpy as np

from pisa_lab.inference import floors
from pisa_lab.inference.curvature import AFTER_A_BEND, SIGNIFICANCE, bend
from pisa_lab.inference.curves import RESOLUTION, Axis, Curves, Numbers, binned, selected
from pisa_lab.inference.models import MODELS, line, losses
from pisa_lab.inference.selection import choose, probability
from pisa_lab.inference.student import critical_value

FEWEST_BINS = 12
STARTS = (0.0, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4)
"""Parts of the logarithmic time that the window may leave out; the earliest start that leaves no bend is taken."""
CERTAIN = 0.85
"""A choice of model that is repeated less often than this when seeds are drawn anew is inconclusive."""
BAND = float(np.log(1.5))
"""A trace whose logarithm changes by less than this over the whole window stands on a plateau."""
PLATEAU, UNDECIDED = 0, len(MODELS)
"""Outcomes are places in `models.MODELS`, and one more for inconclusive."""
REASONS = (
    "",
    "no start of the window leaves a curve without a bend that the seeds agree on",
    "the choice of model is not repeated often enough when seeds are drawn anew",
    "neither a plateau within the band nor a change beyond it",
    "the floor hides the rate: its interval is not bounded",
    "the traces grow away from a floor",
)
_BENT, _UNSURE, _BETWEEN, _HIDDEN, _GROWING = range(1, 6)


class Estimates(NamedTuple):
    """One entry for each experiment: a place in MODELS or UNDECIDED, numbers, and a place in REASONS."""

    outcome: Numbers
    estimate: Numbers
    """exponent a of a power law (the slope on a plateau) or factor q of an exponential"""
    low: Numbers
    high: Numbers
    probability: Numbers
    start: Numbers
    """first record of the window"""
    floor: Numbers
    bend: Numbers
    """p-value of `curvature.bend`"""
    reason: Numbers


def estimates(iterations: Numbers, values: Numbers, *, level: float, rng: np.random.Generator) -> Estimates:
    """Return what each experiment shows, with intervals at ``level``.

    ``iterations`` (records,) are positive and increase; ``values`` (experiments, records, seeds) are positive.
    """
    total = _blank(len(values))
    waiting = np.arange(len(values))
    for part in STARTS:
        begin = iterations[0] * (iterations[-1] / iterations[0]) ** part
        first = int(np.searchsorted(iterations, begin * (1 - 1e-12)))
        if not waiting.size or iterations.size - first < FEWEST_BINS:
            break
        curves = binned(iterations[first:], values[waiting, first:])
        if curves.logs.shape[-1] < FEWEST_BINS:
            break
        found = _in_window(curves, level, rng)
        bent = found.bend < (AFTER_A_BEND if first else SIGNIFICANCE)
        found = _undecided(found, bent, _BENT)
        _put(total, waiting, found._replace(start=np.full(len(waiting), first)))
        waiting = waiting[bent]
    return total


def _in_window(curves: Curves, level: float, rng: np.random.Generator) -> Estimates:
    """Return what all bins of ``curves`` show, before any look at the bend."""
    critical = critical_value(curves.logs.shape[1], level)
    table, parameters = losses(curves)
    chosen = choose(table)
    total = _blank(len(chosen))
    for place, name in enumerate(MODELS):
        mine = np.flatnonzero(chosen == place)
        if name in parameters:
            grows = parameters[name][mine, 1] >= 0
            total.reason[mine[grows]] = _GROWING
            mine = mine[~grows]
            part = _above_floor(selected(curves, mine), place, parameters[name][mine], critical)
        else:
            part = _along_line(selected(curves, mine), place, critical)
        _put(total, mine, part)
    sure = probability(table, chosen, rng)
    # A plateau is a statement about the slope's interval, whichever line was chosen.
    unsure = (sure < CERTAIN) & (total.outcome != PLATEAU) & (total.outcome != UNDECIDED)
    return _undecided(total._replace(probability=sure), unsure, _UNSURE)


def _along_line(curves: Curves, place: int, critical: float) -> Estimates:
    """Return a plateau where the slope's interval is in the band, else the line, else nothing."""
    name = MODELS[place]
    axis = curves.time if name == "exponential" else curves.log_time
    slopes, low, high = _t_interval(curves, axis, critical)
    columns = np.stack([np.ones_like(axis.at), axis.at], axis=-1)[None]
    bends = bend(curves.logs - slopes[:, None, None] * axis.at, columns)
    change = float(axis.at[-1] - axis.at[0])
    flat = np.maximum(np.abs(low), np.abs(high)) * change < BAND
    moves = (np.abs(slopes) * change > BAND) & (low * high > 0) & (name != "plateau")
    rates = np.stack(_in_words(name, axis, (slopes, low, high)))
    level = np.stack(_in_words("plateau", curves.log_time, _t_interval(curves, curves.log_time, critical)))
    estimate, least, most = np.where(flat, level, rates)
    found = _blank(len(slopes))._replace(estimate=estimate, low=least, high=most, bend=bends)
    found = found._replace(outcome=np.where(flat, PLATEAU, place), reason=np.zeros(len(slopes), int))
    return _undecided(found, ~flat & ~moves, _BETWEEN)


def _above_floor(curves: Curves, place: int, parameters: Numbers, critical: float) -> Estimates:
    """Return the rate above a floor where its interval is bounded and the curve falls beyond the band."""
    name = MODELS[place]
    axis = curves.time if name.startswith("exponential") else curves.log_time
    fit = floors.interval(curves, axis, parameters, critical)
    estimate, low, high = _in_words(name, axis, (fit.estimate, fit.low, fit.high))
    bounded = np.isfinite(low) & np.isfinite(high) & np.isfinite(estimate)
    count = len(parameters)
    found = Estimates(
        outcome=np.full(count, place),
        estimate=estimate,
        low=low,
        high=high,
        probability=np.ones(count),
        start=np.zeros(count, int),
        floor=fit.floor,
        bend=np.where(bounded, fit.bend, 1.0),
        reason=np.zeros(count, int),
    )
    return _undecided(_undecided(found, fit.fall <= BAND, _BETWEEN), ~bounded, _HIDDEN)


def _t_interval(curves: Curves, axis: Axis, critical: float) -> tuple[Numbers, Numbers, Numbers]:
    """Return the mean over seeds of their own slopes on ``axis``, and its Student interval."""
    slopes = line(curves.logs, axis).slope
    middle = slopes.mean(1)
    half = critical * np.sqrt(slopes.var(1, ddof=1) / slopes.shape[1] + RESOLUTION**2)
    return middle, middle - half, middle + half


def _in_words(name: str, axis: Axis, slopes: tuple[Numbers, Numbers, Numbers]) -> tuple[Numbers, Numbers, Numbers]:
    """Return (estimate, low, high) as exponents or factors from slopes on the standardised ``axis``."""
    middle, low, high = (slope / axis.unit for slope in slopes)
    if name.startswith("exponential"):
        return np.exp(middle), np.exp(low), np.exp(high)
    return -middle, -high, -low


def _blank(count: int) -> Estimates:
    numbers = {name: np.full(count, np.nan) for name in Estimates._fields}
    places = {"outcome": UNDECIDED, "start": 0, "reason": _BENT}
    return Estimates(**numbers | {name: np.full(count, place) for name, place in places.items()})


def _undecided(found: Estimates, where: Numbers, reason: int) -> Estimates:
    """Return ``found`` with nothing decided ``where``, for ``reason``."""
    return found._replace(
        outcome=np.where(where, UNDECIDED, found.outcome), reason=np.where(where, reason, found.reason)
    )


def _put(total: Estimates, places: Numbers, part: Estimates) -> None:
    for array, piece in zip(total, part, strict=True):
        array[places] = piece
