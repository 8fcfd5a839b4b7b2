r"""Paired comparisons of two methods over problems and seeds: the interval of $d = \log(a/b)$, who is better how often.

Scores are sizes where less is better (losses, gradient norms, costs). Both methods ran on the same problems with the
same seeds, so that every pair gives one d. Seeds are nested in problems: with five problems or more the problems are
drawn anew too and the statement is about problems like these; with fewer it is about these problems alone.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab._checks import choice, finite, real, whole
from pisa_lab.inference.curves import Numbers
from pisa_lab.inference.student import critical_value

FEWEST_PROBLEMS = 5
"""Fewer problems than this are taken as they are, not as a sample of others."""
RESAMPLES = 4000
STATISTICS = ("mean", "median")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the pairs say about the first method against the second; below 1 and above one half the first is better."""

    first: str
    second: str
    ratio: float
    """typical score of the first over that of the second: exp of the mean or median of d"""
    low: float
    high: float
    p_value: float
    """of a ratio of 1, two-sided"""
    adjusted: float
    """the same after Holm's correction over the family that was compared"""
    improvement: float
    """probability that the first is better on a pair, ties counted half"""
    improvement_low: float
    improvement_high: float
    level: float
    statistic: str
    over: str
    """"problems and seeds", or "seeds" where the problems are taken as they are"""
    problems: int
    seeds: int

    @property
    def significant(self) -> bool:
        """Whether the adjusted p-value is below one minus the level."""
        return self.adjusted < 1 - self.level

    def describe(self) -> str:
        """Return one line for a reader."""
        return (
            f"{self.first} / {self.second} = {self.ratio:.3g} in [{self.low:.3g}, {self.high:.3g}] at {self.level:.0%} "
            f"({self.statistic} over {self.over}), better in {self.improvement:.0%} "
            f"[{self.improvement_low:.0%}, {self.improvement_high:.0%}] of {self.problems} × {self.seeds} pairs, "
            f"p = {self.adjusted:.2g} after Holm"
        )


def compare_paired(
    first: Any,
    second: Any,
    *,
    level: float = 0.95,
    statistic: str = "mean",
    names: tuple[str, str] = ("first", "second"),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Return what ``first`` and ``second``, (problems, seeds) or (seeds,) positive scores each, say in pairs.

    The mean's interval and p-value are those of the bootstrap-t, the median's those of percentiles.

    Raises:
        ValueError: shapes differ, a score is not positive and finite, or there are fewer than two seeds.
    """
    a, b = (_scores(name, scores) for name, scores in (("first", first), ("second", second)))
    if a.shape != b.shape:
        raise ValueError(f"second: shape {b.shape} must be that of first, {a.shape}")
    real("level", level, above=0.0, below=1.0)
    choice("statistic", statistic, STATISTICS)
    whole("resamples", resamples, at_least=100)
    pairs = np.log(a) - np.log(b)
    rng = np.random.default_rng([whole("seed", seed), 0xC0])
    interval = _bootstrap_t if statistic == "mean" else _percentiles
    centre, low, high, p_value = interval(pairs, level, resamples, rng)
    improvement = _improvement(pairs, level)
    return Comparison(
        first=names[0],
        second=names[1],
        ratio=_power(centre),
        low=_power(low),
        high=_power(high),
        p_value=p_value,
        adjusted=p_value,
        improvement=improvement[0],
        improvement_low=improvement[1],
        improvement_high=improvement[2],
        level=level,
        statistic=statistic,
        over="problems and seeds" if _sampled(pairs) else "seeds",
        problems=pairs.shape[0],
        seeds=pairs.shape[1],
    )


def compare_all(scores: Mapping[str, Any], reference: str, **settings: Any) -> tuple[Comparison, ...]:
    """Return the comparison of each method of ``scores`` with ``reference``, p-values corrected after Holm.

    Raises:
        ValueError: ``reference`` is none of the methods, or as `compare_paired`.
    """
    choice("reference", reference, tuple(scores))
    found = [
        compare_paired(values, scores[reference], names=(name, reference), **settings)
        for name, values in scores.items()
        if name != reference
    ]
    adjusted = holm([comparison.p_value for comparison in found])
    return tuple(dataclasses.replace(one, adjusted=p) for one, p in zip(found, adjusted, strict=True))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the p-values adjusted after Holm (1979): the k-th smallest of n times n−k+1, made nondecreasing."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * real("p_values", p_values[place], at_least=0.0)))
        adjusted[place] = largest
    return tuple(adjusted)


def resampled(shape: tuple[int, int], resamples: int, rng: np.random.Generator) -> tuple[Numbers, Numbers]:
    """Return indices (resamples, problems, 1) and (resamples, problems, seeds) into pairs of ``shape``.

    Seeds are drawn within problems; problems too, where there are at least FEWEST_PROBLEMS.
    """
    problems, seeds = shape
    if problems < FEWEST_PROBLEMS:
        rows = np.broadcast_to(np.arange(problems)[:, None], (resamples, problems, 1))
    else:
        rows = rng.integers(problems, size=(resamples, problems, 1))
    return rows, rng.integers(seeds, size=(resamples, problems, seeds))


def _scores(name: str, scores: Any) -> Numbers:
    table = np.atleast_2d(finite(name, scores))
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(f"{name}: shape {np.shape(scores)} must be (problems, seeds) or (seeds,), two seeds or more")
    if np.any(table <= 0):
        raise ValueError(f"{name}: scores must be positive; {float(table.min()):g} is not")
    return table


def _power(exponent: float) -> float:
    """Return e to the ``exponent``: infinite where few seeds leave an end of the interval beyond all numbers."""
    with np.errstate(over="ignore"):
        return float(np.exp(exponent))


def _sampled(pairs: Numbers) -> bool:
    return bool(pairs.shape[-2] >= FEWEST_PROBLEMS)


def _error(pairs: Numbers) -> Numbers:
    """Return the standard error of the mean of pairs (…, problems, seeds): of the problems' means where these vary."""
    problems, seeds = pairs.shape[-2:]
    if _sampled(pairs):
        return np.asarray(pairs.mean(-1).std(-1, ddof=1) / np.sqrt(problems))
    return np.asarray(np.sqrt((pairs.var(-1, ddof=1) / seeds).sum(-1)) / problems)


def _bootstrap_t(
    pairs: Numbers, level: float, resamples: int, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Return (mean, low, high, p-value): each resample is centred and divided by its own standard error."""
    centre, error = float(pairs.mean()), float(_error(pairs))
    if error <= 1e-14 * abs(centre):
        # All pairs alike: what remains is the sign test.
        return centre, centre, centre, 1.0 if centre == 0 else max(2.0 ** (1 - pairs.size), 1 / (resamples + 1))
    rows, columns = resampled((pairs.shape[0], pairs.shape[1]), resamples, rng)
    drawn = pairs[rows, columns]
    # A resample of one pair only has no error of its own; it counts as far away.
    errors = np.maximum(_error(drawn), 1e-3 * error)
    students = (drawn.mean((-1, -2)) - centre) / errors
    lower, upper = np.quantile(students, [(1 + level) / 2, (1 - level) / 2])
    own = centre / error
    tail = min(int((students >= own).sum()), int((students <= own).sum()))
    return centre, centre - lower * error, centre - upper * error, min(1.0, 2 * (tail + 1) / (resamples + 1))


def _percentiles(
    pairs: Numbers, level: float, resamples: int, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Return (median, low, high, p-value) over the problems' medians from the percentiles of resamples."""
    rows, columns = resampled((pairs.shape[0], pairs.shape[1]), resamples, rng)
    medians = np.median(np.median(pairs[rows, columns], axis=-1), axis=-1)
    low, high = np.quantile(medians, [(1 - level) / 2, (1 + level) / 2])
    tail = min(int((medians >= 0).sum()), int((medians <= 0).sum()))
    centre = float(np.median(np.median(pairs, axis=-1)))
    return centre, float(low), float(high), min(1.0, 2 * (tail + 1) / (resamples + 1))


def _improvement(pairs: Numbers, level: float) -> tuple[float, float, float]:
    """Return the share of pairs that improve with Wilson's interval, for as many pairs as the clustering leaves."""
    wins = (pairs < 0) + (pairs == 0) / 2
    share, error = float(wins.mean()), float(_error(wins))
    units = pairs.shape[0] if _sampled(pairs) else pairs.size
    count = share * (1 - share) / error**2 if error > 0 and 0 < share < 1 else float(units)
    count = min(max(count, 1.0), float(pairs.size))
    z = critical_value(units, level)
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return share, max(0.0, middle - float(half)), min(1.0, middle + float(half))
