"""The setting of every method on every problem, chosen by the tuning trials alone."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from pisa_lab.ablation.store import Store
from pisa_lab.ablation.study import MethodSpec, Study
from pisa_lab.ablation.trials import tuning_trials

Setting = tuple[float, float | None]
"""σ as a multiple of the problem's scale, and ρ or None."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """The setting with the least mean score over the tuning seeds, ∞ where a seed has none.

    ``edges`` names the ends of the grid at which it lies: "σ least", "σ greatest", "ρ least", "ρ greatest". ρ = 0 is
    the end of what there is, and none of the grid.
    """

    setting: Setting
    score: float
    scores: Mapping[Setting, float]
    edges: tuple[str, ...]


def chosen(study: Study, store: Store) -> dict[tuple[str, str], Choice]:
    """Return the choice of each (problem, method) that has a setting with a finite score."""
    values = _scores(study, store)
    found = {}
    for problem in study.problems:
        for method in study.methods:
            scores = {
                setting: _mean([values.get((problem.name, method.name, *setting, s)) for s in study.tuning_seeds])
                for setting in method.configurations
            }
            best = min(scores, key=lambda setting: scores[setting])
            if math.isfinite(scores[best]):
                edges = _edges(method, best)
                found[problem.name, method.name] = Choice(setting=best, score=scores[best], scores=scores, edges=edges)
    return found


def _scores(study: Study, store: Store) -> dict[tuple[Any, ...], float | None]:
    """Return {(problem, method, σ, ρ, seed): the tuning measure}."""
    rows = store.select(
        "SELECT t.key, m.value FROM trials t JOIN measures m ON m.key = t.key"
        " WHERE t.study = ? AND t.phase = 'tuning' AND m.measure = ?",
        (study.name, study.tuning_measure),
    )
    stored = {row["key"]: row["value"] for row in rows}
    return {
        (trial.problem.name, trial.method.name, trial.penalty, trial.rho, trial.seed): stored.get(trial.key)
        for trial in tuning_trials(study)
    }


def _mean(values: list[float | None]) -> float:
    finite = [value for value in values if value is not None and math.isfinite(value)]
    return sum(finite) / len(values) if len(finite) == len(values) else math.inf


def _edges(method: MethodSpec, setting: Setting) -> tuple[str, ...]:
    found = []
    for symbol, grid, value in (("σ", method.penalties, setting[0]), ("ρ", method.rhos, setting[1])):
        if len(grid) > 1 and value in (grid[0], grid[-1]) and value != 0.0:
            found.append(f"{symbol} {'least' if value == grid[0] else 'greatest'}")
    return tuple(found)
