"""What a study found, from its stored rows alone: small enough to be kept in a repository, enough for every figure."""

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab.ablation.store import Store
from pisa_lab.ablation.study import MethodSpec, ProblemSpec, Study
from pisa_lab.ablation.trials import Trial, evaluation_trials, tuning_trials
from pisa_lab.ablation.tuning import Choice, chosen
from pisa_lab.ledger import COSTS
from pisa_lab.stamp import stamp

FORMAT = 1
TOLERANCES = (0.1, 0.03, 0.01)
"""A trial has reached τ where its objective's excess over the best known value is τ times that of the start."""
JOINED = " and "
"""Between the commits, or versions, that made the rows together."""
POINTS = 24
"""Points of a curve that a summary keeps."""
Values = tuple[float | None, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cell:
    """One method on one problem.

    Args:
        problem: its name.
        method: its name.
        endings: how many of the final trials ended how; of the tuning trials, where no setting was usable.
        reason: of the first that has one.
        penalty: the chosen σ as a multiple of the problem's scale.
        rho: the chosen ρ.
        edges: ends of the grid at which the choice lies.
        grid: (σ, ρ, mean score or None) of the tuning.
        finals: the problem's outcome and score → the value for every seed, None where the trial has none.
        rounds: where the curve is known.
        curve: 10 %, 50 % and 90 % over seeds of the relative excess there.
        hits: tolerance → what each seed had asked for when it first reached it: (gradients, hvps), or None.
        counts: what one trial asked for and moved, the median.
        seconds: processor time of all trials, tuning included.
        commits: how many of those trials each commit made.
    """

    problem: str
    method: str
    endings: Mapping[str, int]
    reason: str = ""
    penalty: float | None = None
    rho: float | None = None
    edges: tuple[str, ...] = ()
    grid: tuple[tuple[float, float | None, float | None], ...] = ()
    finals: Mapping[str, Values] = dataclasses.field(default_factory=dict)
    rounds: tuple[int, ...] = ()
    curve: tuple[tuple[float, float, float], ...] = ()
    hits: Mapping[str, tuple[tuple[float, float] | None, ...]] = dataclasses.field(default_factory=dict)
    counts: Mapping[str, float] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    commits: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def is_tried(self) -> bool:
        """Whether the method applies to the problem and its data were there."""
        return bool(self.endings) and not set(self.endings) & {"INAPPLICABLE", "UNAVAILABLE"}

    @property
    def is_finished(self) -> bool:
        """Whether every final trial has a result."""
        return bool(self.finals) and set(self.endings) == {"FINISHED"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summary:
    """A study's cells with what is needed to read them."""

    study: str
    title: str
    variant: str
    problems: tuple[Mapping[str, str], ...]
    methods: tuple[str, ...]
    reference: str
    budget: Mapping[str, Any]
    tuning: Mapping[str, Any]
    seeds: int
    cells: tuple[Cell, ...]
    stamp: Mapping[str, str]
    format: int = FORMAT

    def cell(self, problem: str, method: str) -> Cell:
        """Return the cell of ``method`` on ``problem``."""
        return next(cell for cell in self.cells if (cell.problem, cell.method) == (problem, method))

    def values(self, problem: str, method: str, measure: str = "") -> np.ndarray[Any, Any]:
        """Return ``measure`` (by default the problem's outcome) of every seed, ∞ where a trial has none."""
        name = measure or next(row["outcome"] for row in self.problems if row["name"] == problem)
        found = self.cell(problem, method).finals.get(name, (None,) * self.seeds)
        return np.asarray([math.inf if value is None else value for value in found])


def summarise(study: Study, store: Store) -> Summary:
    """Return the summary of the rows of ``study`` in ``store``; trials that are not there yet count as missing."""
    choices = chosen(study, store)
    final = evaluation_trials(study, {pair: choice.setting for pair, choice in choices.items()})
    rows = _Rows(study, store)
    cells = []
    for problem in study.problems:
        own = [trial for trial in final if trial.problem == problem]
        floors = rows.floors(own)
        for method in study.methods:
            pair = [trial for trial in own if trial.method == method]
            tuning = [t for t in tuning_trials(study) if t.problem == problem and t.method == method]
            cells.append(_cell(problem, method, tuning, pair, choices.get((problem.name, method.name)), rows, floors))
    return Summary(
        study=study.name,
        title=study.title,
        variant=study.variant,
        problems=tuple(
            {"name": p.name, "title": p.title, "outcome": p.outcome, "score": p.score} for p in study.problems
        ),
        methods=tuple(method.name for method in study.methods),
        reference=study.reference,
        budget={"unit": study.unit, "amount": study.amount},
        tuning={"measure": study.tuning_measure, "settings": study.configurations, "seeds": len(study.tuning_seeds)},
        seeds=len(study.seeds),
        cells=tuple(cells),
        stamp=rows.stamp([*tuning_trials(study), *final]),
    )


class _Rows:
    """The stored rows of a study, by key."""

    def __init__(self, study: Study, store: Store) -> None:
        where = "WHERE study = ?"
        self.trials = {row["key"]: row for row in store.select(f"SELECT * FROM trials {where}", (study.name,))}
        inner = f"SELECT key FROM trials {where} AND phase = 'evaluation'"
        self.finals: dict[str, dict[str, float]] = {}
        for row in store.select(f"SELECT * FROM measures WHERE key IN ({inner})", (study.name,)):
            self.finals.setdefault(row["key"], {})[row["measure"]] = row["value"]
        self.points: dict[str, dict[str, list[tuple[int, float]]]] = {}
        query = f"SELECT * FROM points WHERE key IN ({inner}) AND value IS NOT NULL ORDER BY key, measure, round"
        for row in store.select(query, (study.name,)):
            self.points.setdefault(row["key"], {}).setdefault(row["measure"], []).append((row["round"], row["value"]))

    def curve(self, trial: Trial, measure: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return (rounds, values) of ``measure`` along ``trial``."""
        pairs = self.points.get(trial.key, {}).get(measure, [])
        return np.asarray([step for step, _ in pairs], dtype=int), np.asarray([value for _, value in pairs])

    def stamp(self, trials: Iterable[Trial]) -> dict[str, str]:
        """Return the stamp of the rows of ``trials``, all its values where they differ; ours where there are none."""
        rows = [self.trials[trial.key] for trial in trials if trial.key in self.trials] or [stamp()]
        return {name: JOINED.join(dict.fromkeys(str(row[name]) for row in rows)) for name in stamp()}

    def floors(self, trials: Iterable[Trial]) -> dict[int, float]:
        """Return the best known objective of each instance: its optimum, or the least value that any trial saw."""
        found: dict[int, float] = {}
        for trial in trials:
            values = [self.finals.get(trial.key, {}).get("optimum"), *self.curve(trial, "objective")[1].tolist()]
            least = min((value for value in values if value is not None), default=math.inf)
            found[trial.instance] = min(found.get(trial.instance, math.inf), least)
        return found


def _cell(
    problem: ProblemSpec,
    method: MethodSpec,
    tuning: Sequence[Trial],
    final: Sequence[Trial],
    choice: Choice | None,
    rows: _Rows,
    floors: Mapping[int, float],
) -> Cell:
    stored = [rows.trials[trial.key] for trial in (final or tuning) if trial.key in rows.trials]
    made = [rows.trials[trial.key] for trial in (*tuning, *final) if trial.key in rows.trials]
    head: dict[str, Any] = {
        "problem": problem.name,
        "method": method.name,
        "endings": {
            name: sum(row["status"] == name for row in stored) for name in sorted({r["status"] for r in stored})
        },
        "reason": next((row["reason"] for row in stored if row["reason"]), ""),
        "seconds": float(sum(row["seconds"] for row in made)),
        "commits": dict(Counter(row["commit"] for row in made)),
    }
    if choice is None:
        return Cell(**head)
    curves = [_excess(trial, rows, floors[trial.instance]) for trial in final]
    rounds, bands = _bands(curves)
    names = [name for name in (problem.outcome, problem.score) if name]
    return Cell(
        **head,
        penalty=choice.setting[0],
        rho=choice.setting[1],
        edges=choice.edges,
        grid=tuple((*setting, _finite(score)) for setting, score in choice.scores.items()),
        finals={name: tuple(rows.finals.get(trial.key, {}).get(name) for trial in final) for name in names},
        rounds=rounds,
        curve=bands,
        hits={
            str(tolerance): tuple(
                _hit(trial, rows, curve, tolerance) for trial, curve in zip(final, curves, strict=True)
            )
            for tolerance in TOLERANCES
        },
        counts={name: float(np.median([row[name] or 0.0 for row in stored])) for name in COSTS} if stored else {},
    )


Curve = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


def _excess(trial: Trial, rows: _Rows, floor: float) -> Curve:
    """Return (rounds, (F − floor)/(F⁰ − floor)) along ``trial``."""
    rounds, values = rows.curve(trial, "objective")
    if rounds.size == 0 or values[0] <= floor:
        return rounds[:0], values[:0]
    return rounds, (values - floor) / (values[0] - floor)


def _bands(curves: Sequence[Curve]) -> tuple[tuple[int, ...], tuple[tuple[float, float, float], ...]]:
    """Return rounds and quantiles over the curves, at no more than `POINTS` rounds that any of them has."""
    known = sorted({int(step) for rounds, _ in curves for step in rounds})
    if len(known) > POINTS:
        known = sorted({known[round(place)] for place in np.linspace(0, len(known) - 1, POINTS)})
    # A curve that broke off counts as infinite from there on.
    table = np.full((len(curves), len(known)), np.inf)
    for place, (rounds, values) in enumerate(curves):
        own = {int(step): value for step, value in zip(rounds, values, strict=True)}
        table[place] = [own.get(step, np.inf) for step in known]
    quantiles = np.quantile(table, (0.1, 0.5, 0.9), axis=0, method="inverted_cdf") if known else np.empty((3, 0))
    return tuple(known), tuple((float(low), float(middle), float(high)) for low, middle, high in quantiles.T)


def _hit(trial: Trial, rows: _Rows, curve: Curve, tolerance: float) -> tuple[float, float] | None:
    """Return (gradients, hvps) asked for when the excess first was ``tolerance`` or less, or None."""
    reached = np.flatnonzero(curve[1] <= tolerance)
    if reached.size == 0:
        return None
    gradients, hvps = (rows.curve(trial, name)[1] for name in ("gradients", "hvps"))
    return float(gradients[reached[0]]), float(hvps[reached[0]])


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
