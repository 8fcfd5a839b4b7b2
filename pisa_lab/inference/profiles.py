r"""Performance profiles (Dolan and Moré 2002) and data profiles (Moré and Wild 2009) with simultaneous bands.

A cost is what a run spent until it reached its target, in gradient evaluations, rounds or bytes: infinite where it did
not, 0 where it began there. Of a pair that some method solved at its start only those that did too are within a ratio.
Sources: Dolan and Moré, Benchmarking optimization software with performance profiles, Math. Program. 91; Moré and Wild,
Benchmarking derivative-free optimization algorithms, SIAM J. Optim. 20.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab._checks import choice, finite, real, whole
from pisa_lab.inference.comparison import FEWEST_PROBLEMS, resampled
from pisa_lab.inference.curves import Numbers

UNITS = ("gradient evaluations", "rounds", "bytes")
RESAMPLES = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Profile:
    """Shares of (problem, seed) pairs solved by each method, (methods, points), within bands that hold all points."""

    names: tuple[str, ...]
    at: Numbers
    """ratios to the cheapest method, or budgets in ``unit``s"""
    shares: Numbers
    low: Numbers
    high: Numbers
    unit: str
    level: float

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row per method and point."""
        return [
            {"method": name, "unit": self.unit, "at": float(at)}
            | {key: float(table[place, point]) for key, table in self._tables().items()}
            for place, name in enumerate(self.names)
            for point, at in enumerate(self.at)
        ]

    def _tables(self) -> dict[str, Numbers]:
        return {"share": self.shares, "low": self.low, "high": self.high}


def target(first: float, best: float, *, tolerance: float = 1e-3) -> float:
    r"""Return $f_L + \tau(f_0 - f_L)$, the value that counts as solved. Source: Moré and Wild, (2.2)."""
    real("tolerance", tolerance, above=0.0, below=1.0)
    return best + tolerance * (first - best)


def cost_to_target(costs: Any, values: Any, goal: float) -> Numbers:
    """Return the first of ``costs`` (records,) at which ``values`` (records, …) is at most ``goal``, else infinity.

    Raises:
        ValueError: the shapes do not fit or costs decrease.
    """
    spent, table = finite("costs", costs), np.asarray(values, dtype=float)
    if spent.ndim != 1 or np.any(np.diff(spent) < 0):
        raise ValueError("costs: must be one nondecreasing sequence")
    if table.ndim == 0 or len(table) != len(spent):
        raise ValueError(f"values: shape {table.shape} must begin with {len(spent)} records")
    reached = table <= real("goal", goal)
    return np.where(reached.any(0), spent[reached.argmax(0)], np.inf)


def performance_profile(
    costs: Mapping[str, Any], *, unit: str, at: Any = None, level: float = 0.95, seed: int = 0
) -> Profile:
    r"""Return the share of pairs with $c_{ps,m} \le \tau \min_{m'} c_{ps,m'}$ for each τ of ``at`` (>= 1).

    ``costs`` maps each method to its (problems, seeds) or (seeds,) costs; pairs no method solved stay unsolved.

    Raises:
        ValueError: a cost is negative, their shapes differ, or a point is below 1.
    """
    table = _table(costs)
    best = table.min(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(table == best, 1.0, table / best)
    ratios = np.where(np.isfinite(table), ratios, np.inf)
    if at is None:
        solved = ratios[np.isfinite(ratios)]
        at = np.geomspace(1.0, max(2.0, float(solved.max(initial=1.0))), 100)
    points = finite("at", at)
    if np.any(points < 1):
        raise ValueError("at: ratios to the cheapest method are >= 1")
    # The cheapest method's own ratio may be 1 + rounding.
    return _profile(costs, ratios <= points[:, None, None, None] * (1 + 1e-12), points, unit, level, seed)


def data_profile(
    costs: Mapping[str, Any], *, unit: str, per: Any = 1.0, at: Any = None, level: float = 0.95, seed: int = 0
) -> Profile:
    r"""Return the share of pairs with $c_{ps,m} \le \kappa\,u_p$ for each budget κ of ``at``.

    ``per`` is $u_p$: 1, or one number for each problem (n_p + 1 for Moré and Wild's simplex gradients).

    Raises:
        ValueError: as `performance_profile`.
    """
    table = _table(costs)
    per_problem = np.broadcast_to(finite("per", per), (table.shape[1],))[:, None]
    budgets = table / per_problem
    if at is None:
        solved = budgets[np.isfinite(budgets)]
        at = np.linspace(0.0, float(solved.max(initial=1.0)), 101)
    points = finite("at", at)
    return _profile(costs, budgets <= points[:, None, None, None], points, unit, level, seed)


def _table(costs: Mapping[str, Any]) -> Numbers:
    tables = {name: np.atleast_2d(np.asarray(values, dtype=float)) for name, values in costs.items()}
    shapes = {table.shape for table in tables.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise ValueError(f"costs: shapes {sorted(shapes)} must be one, (problems, seeds) or (seeds,)")
    stacked = np.stack(list(tables.values()))
    if not np.all(stacked >= 0):
        raise ValueError("costs: must be >= 0, infinite where the target was not reached")
    return stacked


def _profile(costs: Mapping[str, Any], solved: Numbers, points: Numbers, unit: str, level: float, seed: int) -> Profile:
    """Return the profile of ``solved`` (points, methods, problems, seeds)."""
    choice("unit", unit, UNITS)
    real("level", level, above=0.0, below=1.0)
    shares = solved.mean((-1, -2)).T
    half = _half_width(solved, shares, level, np.random.default_rng([whole("seed", seed), 0xF1]))
    low, high = np.clip(shares - half, 0, 1), np.clip(shares + half, 0, 1)
    return Profile(names=tuple(costs), at=points, shares=shares, low=low, high=high, unit=unit, level=level)


def _half_width(solved: Numbers, shares: Numbers, level: float, rng: np.random.Generator) -> Numbers:
    """Return the half-width (methods, 1): the quantile of the largest difference of a resampled profile from its own.

    Seeds are drawn within problems, problems too where there are enough. Where every pair is solved alike no resample
    differs; the share of n units that is still compatible with that, 1 − (1 − level)^(1/n), is the least half-width.
    """
    points, methods, problems, seeds = solved.shape
    rows, columns = resampled((problems, seeds), RESAMPLES, rng)
    pairs = (rows * seeds + columns).reshape(RESAMPLES, -1)
    size = pairs.shape[1]
    places = (pairs + size * np.arange(RESAMPLES)[:, None]).ravel()
    weights = np.bincount(places, minlength=size * RESAMPLES).reshape(RESAMPLES, size) / size
    again = (solved.reshape(points * methods, size) @ weights.T).reshape(points, methods, RESAMPLES)
    largest = np.abs(again - shares.T[..., None]).max(0)
    units = problems if problems >= FEWEST_PROBLEMS else size
    least = 1 - (1 - level) ** (1 / units)
    return np.asarray(np.maximum(np.quantile(largest, level, axis=-1), least)[:, None])
