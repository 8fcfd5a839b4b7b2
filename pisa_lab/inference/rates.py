r"""Convergence rates with calibrated intervals: power law $T^{-a}$, exponential $q^T$, plateau, or one down to a floor.

Every decision and every interval comes from the spread over seeds, which are independent; iterates of one run are not.
The steps, each with its rule stated where it stands: `traces` cuts the records, `curves.binned` averages them over
log-spaced bins, `selection` takes the simplest model that predicts a seed left out, `curvature` moves the start of the
window, Student's t or `floors` gives the interval. `pisa-lab calibrate` measures the coverage of all of it together.

Three limits. Five seeds are enough for an interval, but seldom to see a transient or a faint floor: take ten or more.
Where records begin when a power law is already at its floor, what is left of it can pass for a slower power law. And a
logarithmic factor is no model of its own: $T^{-1}\log T$ is inconclusive, or passes for a power law with an exponent
somewhat below 1 (.85 over three decades).
"""

import dataclasses
import enum
import math
from typing import Any

import numpy as np

from pisa_lab._checks import finite, real, whole
from pisa_lab.inference.curves import Numbers, binned
from pisa_lab.inference.estimates import FEWEST_BINS, REASONS, Estimates, estimates

FEWEST_SEEDS = 5
ROUNDING = 64 * float(np.finfo(float).eps)
"""Values below this part of the largest value of their trace are rounding."""


class Outcome(enum.StrEnum):
    """What a set of traces does: the closed list."""

    PLATEAU = "PLATEAU"
    POWER = "POWER"
    EXPONENTIAL = "EXPONENTIAL"
    POWER_TO_FLOOR = "POWER_TO_FLOOR"
    EXPONENTIAL_TO_FLOOR = "EXPONENTIAL_TO_FLOOR"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rate:
    """The rate that a set of traces shows, or why they show none; numbers are None where there are none."""

    outcome: Outcome
    reason: str = ""
    """why it is inconclusive; else empty"""
    estimate: float | None = None
    """exponent a of a power law (on a plateau: the slope), factor q of an exponential"""
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    probability: float | None = None
    """how often the model is chosen again when seeds are drawn with replacement"""
    window: tuple[float, float] | None = None
    """first and last iteration used; whole numbers where the iterations are"""
    floor: float | None = None
    seeds: int = 0

    @property
    def conclusive(self) -> bool:
        """Whether the traces show anything."""
        return self.outcome is not Outcome.INCONCLUSIVE

    def covers(self, rate: float) -> bool:
        """Return whether the outcome is conclusive and its interval holds ``rate``."""
        return self.conclusive and self.low is not None and self.high is not None and self.low <= rate <= self.high

    def describe(self) -> str:
        """Return one line for a reader."""
        seeds = f"{self.seeds} seeds" if self.seeds != 1 else "1 seed"
        if not self.conclusive:
            return f"inconclusive from {seeds}: {self.reason}"
        form = {"POWER": "power law T^-a, a", "EXPONENTIAL": "exponential q^T, q", "PLATEAU": "plateau, slope a"}
        name = form[str(self.outcome).removesuffix("_TO_FLOOR")]
        floor = f" down to a floor of {self.floor:.3g}" if self.floor is not None else ""
        first, last = self.window or (0, 0)
        return (
            f"{name} = {self._number(self.estimate)} in [{self._number(self.low)}, {self._number(self.high)}] "
            f"at {self.level:.0%}{floor}, {seeds}, "
            f"iterations {first:.10g} to {last:.10g}; the choice is repeated in {self.probability:.0%} of resamples"
        )

    def _number(self, value: float | None) -> str:
        """Return ``value`` with two digits of the interval's width."""
        width = (self.high or 0.0) - (self.low or 0.0)
        return f"{value:.{max(0, min(15, 1 - math.floor(math.log10(width))))}f}" if width > 0 else f"{value:.6g}"


def fit_rate(iterations: Any, values: Any, *, level: float = 0.95, seed: int = 0) -> Rate:
    """Return the rate of ``values`` (records, replicates), as `Run.history` holds them, at ``iterations`` (records,).

    ``seed`` is that of the resampling of seeds. A plateau is a slope whose interval lies in a band (a change by less
    than a factor 1.5 over the window); what is neither there nor clearly beyond it is inconclusive.

    Raises:
        ValueError: the shapes do not fit, iterations do not increase, or a value is negative beyond rounding.
    """
    real("level", level, above=0.0, below=1.0)
    rng = np.random.default_rng([whole("seed", seed), 0x5EED])
    times, table = _checked(iterations, values)
    seeds = table.shape[1]
    if seeds < FEWEST_SEEDS:
        return _nothing(f"an interval over seeds needs at least {FEWEST_SEEDS}", seeds, level)
    broken = ~np.isfinite(table).all(0)
    if broken.any():
        reason = f"{int(broken.sum())} of {seeds} traces are not finite, and the rest would be the lucky ones"
        return _nothing(reason, seeds, level)
    if np.all(table[-1] > table.max(0) / 2) and np.all(table[0] < table[-1] * ROUNDING):
        return _nothing("the traces grow: there is no decay to fit", seeds, level)
    records = int(np.sum(times > 0))
    times, table = traces(times, table)
    if times.size < FEWEST_BINS or len(binned(times, table[None]).log_time.at) < FEWEST_BINS:
        end = "" if times.size == records else f", {times.size} before a value of some seed is 0 or lost in rounding"
        return _nothing(f"fewer than {FEWEST_BINS} records or bins{end}", seeds, level)
    if np.all(table == table[:, :1]):
        return _nothing("the traces are copies of one another: no spread to take an interval from", seeds, level)
    scale = float(table.max())
    found = estimates(times, table[None] / scale, level=level, rng=rng)
    return _rate(found, times, scale, seeds, level)


def traces(iterations: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    """Return the records after iteration 0 and before the first at which any replicate is lost in rounding.

    A value is lost when it is at most ROUNDING times the largest one of its trace; so is an exact zero. The end is one
    for all replicates: one of its own for each would keep the slow ones longest.
    """
    keep = iterations > 0
    iterations, values = iterations[keep], values[keep]
    if not iterations.size:
        return iterations, values
    lost = (values <= ROUNDING * values.max(0)).any(1)
    stop = int(lost.argmax()) if lost.any() else len(lost)
    return iterations[:stop], values[:stop]


def _checked(iterations: Any, values: Any) -> tuple[Numbers, Numbers]:
    times = finite("iterations", iterations).astype(float)
    if times.ndim != 1 or times.size == 0 or np.any(np.diff(times) <= 0) or times[0] < 0:
        raise ValueError("iterations: must be one increasing sequence of numbers >= 0")
    try:
        table = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"values: not an array of numbers ({error})") from error
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or len(table) != len(times) or table.shape[1] == 0:
        raise ValueError(f"values: shape {np.shape(values)} must be ({len(times)},) or ({len(times)}, replicates)")
    with np.errstate(invalid="ignore"):
        negative = table < -ROUNDING * np.nanmax(np.abs(table), axis=0, initial=0.0)
    if negative.any():
        record, replicate = (int(place[0]) for place in np.nonzero(negative))
        raise ValueError(f"values: {table[record, replicate]:.3g} in record {record} is negative; rates are of sizes")
    return times, table


def _rate(found: Estimates, times: Numbers, scale: float, seeds: int, level: float) -> Rate:
    outcome = tuple(Outcome)[int(found.outcome[0])]
    probability = float(found.probability[0])
    if outcome is Outcome.INCONCLUSIVE:
        nothing = _nothing(REASONS[int(found.reason[0])], seeds, level)
        return dataclasses.replace(nothing, probability=probability if np.isfinite(probability) else None)
    floor = float(found.floor[0]) * scale
    return Rate(
        outcome=outcome,
        estimate=float(found.estimate[0]),
        low=float(found.low[0]),
        high=float(found.high[0]),
        level=level,
        probability=probability,
        window=(_plain(times[int(found.start[0])]), _plain(times[-1])),
        floor=floor if np.isfinite(floor) else None,
        seeds=seeds,
    )


def _plain(time: float) -> float:
    return int(time) if time == int(time) else float(time)


def _nothing(reason: str, seeds: int, level: float) -> Rate:
    return Rate(outcome=Outcome.INCONCLUSIVE, reason=reason, level=level, seeds=seeds)
