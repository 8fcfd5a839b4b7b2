"""What a summary says: each method against the reference on every problem, and the mean rank over all of them."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.ablation.summary import Cell, Summary
from pisa_lab.inference import compare_all
from pisa_lab.inference.student import half_width

LEVEL = 0.95
BETTER, WORSE, ALIKE, FAILS, ABSENT = "better", "worse", "no difference", "fails", "absent"
"""Verdicts on a method and a problem, at the 5 % level after Holm's correction over the methods on that problem."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Judgement:
    """One method on one problem: its outcome over that of the reference, paired by seed; NaN where a trial failed."""

    problem: str
    method: str
    verdict: str
    median: float
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan
    adjusted: float = math.nan
    improvement: float = math.nan


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rank:
    """A method's rank among those that apply, 0 the best and 1 the worst, averaged over the problems it applies to."""

    method: str
    mean: float
    low: float
    high: float
    problems: int


def judgements(summary: Summary) -> dict[tuple[str, str], Judgement]:
    """Return the judgement of every (problem, method)."""
    found = {}
    for row in summary.problems:
        problem = row["name"]
        cells = {method: summary.cell(problem, method) for method in summary.methods}
        values = {name: summary.values(problem, name) for name, cell in cells.items() if cell.is_finished}
        usable = {name: scores for name, scores in values.items() if np.all(np.isfinite(scores) & (scores > 0))}
        compared = {}
        if summary.reference in usable and summary.seeds > 1:
            compared = {one.first: one for one in compare_all(usable, summary.reference, level=LEVEL)}
        for method, cell in cells.items():
            found[problem, method] = _judgement(cell, summary, compared.get(method))
    return found


def _judgement(cell: Cell, summary: Summary, comparison: Any) -> Judgement:
    values = summary.values(cell.problem, cell.method)
    head: dict[str, Any] = {"problem": cell.problem, "method": cell.method}
    if not cell.finals:
        return Judgement(**head, verdict=FAILS if "NON_FINITE" in cell.endings else ABSENT, median=math.nan)
    median = float(np.quantile(values, 0.5, method="inverted_cdf"))
    if not cell.is_finished:
        return Judgement(**head, verdict=FAILS, median=median)
    if cell.method == summary.reference:
        return Judgement(**head, verdict=ALIKE, median=median, ratio=1.0, low=1.0, high=1.0)
    if comparison is None:
        return Judgement(**head, verdict=ALIKE, median=median)
    verdict = ALIKE if not comparison.significant else BETTER if comparison.ratio < 1 else WORSE
    return Judgement(
        **head,
        verdict=verdict,
        median=median,
        ratio=comparison.ratio,
        low=comparison.low,
        high=comparison.high,
        adjusted=comparison.adjusted,
        improvement=comparison.improvement,
    )


def ranking(summary: Summary) -> list[Rank]:
    """Return the ranks, best first, with intervals over seeds; the problems are taken as they are.

    A trial without a result ranks last; ties share their mean rank.
    """
    per_seed: dict[str, list[np.ndarray[Any, Any]]] = {method: [] for method in summary.methods}
    for row in summary.problems:
        present = [method for method in summary.methods if summary.cell(row["name"], method).is_tried]
        if len(present) > 1:
            table = np.stack([summary.values(row["name"], method) for method in present])
            for method, ranks in zip(present, _ranks(table), strict=True):
                per_seed[method].append(ranks)
    found = [_rank(method, tables) for method, tables in per_seed.items() if tables]
    return sorted(found, key=lambda rank: rank.mean)


def _ranks(table: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return ranks (methods, seeds) from 0 to 1."""
    below = (table[:, None] > table[None]).sum(axis=1)
    ties = (table[:, None] == table[None]).sum(axis=1) - 1
    return np.asarray((below + ties / 2) / (len(table) - 1))


def _rank(method: str, tables: list[np.ndarray[Any, Any]]) -> Rank:
    seeds = np.mean(tables, axis=0)
    mean, half = float(seeds.mean()), half_width(seeds, LEVEL)
    low, high = (float(np.clip(end, 0.0, 1.0)) for end in (mean - half, mean + half))
    return Rank(method=method, mean=mean, low=low, high=high, problems=len(tables))


def winners(summary: Summary, judged: Mapping[tuple[str, str], Judgement]) -> dict[str, list[str]]:
    """Return for each problem the best method and those that the pairs do not tell from it, best first."""
    found = {}
    for row in summary.problems:
        problem = row["name"]
        values = {
            method: summary.values(problem, method)
            for method in summary.methods
            if summary.cell(problem, method).is_finished and np.all(summary.values(problem, method) > 0)
        }
        order = sorted(values, key=lambda method: judged[problem, method].median)
        if len(order) < 2 or summary.seeds < 2:
            found[problem] = order[:1]
            continue
        rivals = {one.first for one in compare_all(values, order[0], level=LEVEL) if not one.significant}
        found[problem] = [order[0], *(method for method in order if method in rivals)]
    return found
