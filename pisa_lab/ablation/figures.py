"""Figures of a summary: all methods by all problems, ranking, curves and profiles."""

import dataclasses
import math
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from pisa_lab.ablation.comparison import ABSENT, BETTER, FAILS, WORSE, Judgement, judgements, ranking, winners
from pisa_lab.ablation.heatmaps import heat
from pisa_lab.ablation.summary import Cell, Summary
from pisa_lab.ablation.tables import counted, short
from pisa_lab.inference import Profile, data_profile, performance_profile
from pisa_lab.plotting import DASHES, INK, PAPER, RULE, SERIES, SOFT, STYLE, Curve, draw_curves

SHOWN = 6
"""Curves in colour: the best of the ranking, beside the reference; the others are grey."""
_BLUE, _RED = SERIES[0], SERIES[1]
_DIVERGING = LinearSegmentedColormap.from_list("ratio", [_BLUE, "#8fbcdc", "#f4f5f7", "#eeb48f", _RED])
_LARGEST = 8.0
"""Ratios beyond 1/8 and 8 have the colour of these."""


def figures(summary: Summary) -> Iterator[tuple[str, Figure]]:
    """Yield (name, figure) of everything that a report shows."""
    yield "overview", overview(summary)
    yield "ranking", ranks(summary)
    yield "profiles", profiles(summary)
    for problem in _tried(summary):
        yield f"curves-{problem['name']}", curves(summary, problem["name"])
        yield f"heat-{problem['name']}", heat(summary, problem["name"])


def overview(summary: Summary) -> Figure:
    """Return all methods by all problems: the outcome over the reference's as colour and number, best rank on top."""
    judged, order = judgements(summary), ranking(summary)
    best = winners(summary, judged)
    with mpl.rc_context(STYLE):
        figure = _blank(3.5 + 1.15 * len(summary.problems), 1.5 + 0.27 * len(order))
        axes = figure.subplots()
        for line, rank in enumerate(order):
            interval = f"{rank.mean:.2f} [{rank.low:.2f}, {rank.high:.2f}]"
            axes.text(-1, line, interval, ha="center", va="center", fontsize=7, color=SOFT)
            for column, problem in enumerate(summary.problems):
                name = problem["name"]
                _tile(axes, column, line, judged[name, rank.method], summary.cell(name, rank.method))
                if rank.method in best[name]:
                    axes.plot(column - 0.42, line, marker="o", color=INK, markersize=3)
        _frame(axes, summary, [rank.method for rank in order])
        seeds = f"{counted(summary.seeds, 'seed')}, {summary.budget['amount']} {summary.budget['unit']} each"
        figure.suptitle(
            f"Outcome over that of {summary.reference} ({seeds})", x=0.01, ha="left", fontsize=10, fontweight="bold"
        )
        figure.supxlabel(
            "below 1 (blue) is better · bold: differs at 5 % after Holm · dot: among the best of its column · "
            "rank: 0 best, 1 worst",
            fontsize=7.5, color=SOFT, x=0.01, ha="left",
        )  # fmt: skip
    return figure


def _tile(axes: Axes, column: int, line: int, judged: Judgement, cell: Cell) -> None:
    text, weight = "—", "normal"
    colour: Any = PAPER
    if judged.verdict == FAILS:
        bad, total = sum(n for name, n in cell.endings.items() if name != "FINISHED"), sum(cell.endings.values())
        text, colour = f"{bad}/{total} diverge", "#e2e5ea"
    elif judged.verdict != ABSENT and math.isfinite(judged.ratio):
        weight = "bold" if judged.verdict in (BETTER, WORSE) else "normal"
        place = math.log(judged.ratio) / math.log(_LARGEST) if judged.ratio > 0 else -1.0
        colour = _DIVERGING((min(max(place, -1.0), 1.0) + 1) / 2)
        text = short(judged.ratio)
    elif judged.verdict != ABSENT:
        text = f"({short(judged.median)})"
    axes.add_patch(mpl.patches.Rectangle((column - 0.5, line - 0.5), 1, 1, facecolor=colour, edgecolor=PAPER))
    is_dark = sum(to_rgb(colour)) < 1.5
    axes.text(
        column, line, text, ha="center", va="center", fontsize=8, fontweight=weight, color=PAPER if is_dark else INK
    )


def _frame(axes: Axes, summary: Summary, order: Sequence[str]) -> None:
    axes.set_xlim(-1.5, len(summary.problems) - 0.5)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_yticks(range(len(order)), order)
    titles = ["mean rank", *(_wrapped(problem["title"]) for problem in summary.problems)]
    axes.set_xticks(range(-1, len(summary.problems)), titles)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelcolor=INK)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def ranks(summary: Summary) -> Figure:
    """Return the mean rank of every method with its interval over seeds."""
    found = ranking(summary)
    with mpl.rc_context(STYLE):
        figure = _blank(5.6, 1.2 + 0.22 * len(found))
        axes = figure.subplots()
        for line, rank in enumerate(found):
            is_partial = rank.problems < len(summary.problems)
            colour = SOFT if rank.method == summary.reference else _BLUE
            axes.plot([rank.low, rank.high], [line, line], color=colour, linewidth=1.4)
            face = PAPER if is_partial else colour
            axes.plot(rank.mean, line, marker="o", color=colour, markerfacecolor=face, markersize=4.5)
        axes.set_yticks(range(len(found)), [rank.method for rank in found])
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("mean rank: 0 best, 1 worst; 95 % over seeds")
        partial = any(rank.problems < len(summary.problems) for rank in found)
        axes.set_title("Ranking" + (" (hollow: not on every problem)" if partial else ""))
    return figure


def profiles(summary: Summary, tolerance: str = "0.03") -> Figure:
    """Return the performance profile and data profiles in gradients, and in gradients and curvature products."""
    methods = [
        method for method in summary.methods if all(summary.cell(row["name"], method).hits for row in _tried(summary))
    ]
    plain, both = ({name: _costs(summary, name, tolerance, products) for name in methods} for products in (0, 1))
    unit, shown = "gradient evaluations", _shown(summary, methods)
    spent = [cost for table in both.values() for costs in table for cost in costs if math.isfinite(cost)]
    axis = np.geomspace(min(spent, default=1.0), max(spent, default=10.0) * 1.01, 200)
    panels = (
        ("Performance profile", performance_profile(plain, unit=unit), "gradients over those of the cheapest method"),
        ("Data profile, gradients", data_profile(plain, unit=unit), "client gradients"),
        (
            "Data profile, all products",
            data_profile(both, unit=unit, at=axis),
            "client gradients and curvature products",
        ),
    )
    with mpl.rc_context(STYLE):
        figure = _blank(13.6, 3.9)
        for axes, (title, profile, label) in zip(figure.subplots(1, 3), panels, strict=True):
            _profile(axes, profile, shown, log=title != "Data profile, gradients")
            axes.set_title(title)
            axes.set_xlabel(label)
        figure.axes[0].set_ylabel("share of problems and seeds")
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=8)
        figure.suptitle(
            f"Objective within {float(tolerance):.0%} of its starting excess over the best known; simultaneous 95 % "
            f"bands of {shown[0]} and {shown[-1]}",
            x=0.008, ha="left", fontsize=9, color=SOFT,
        )  # fmt: skip
    return figure


def _profile(axes: Axes, profile: Profile, shown: Sequence[str], *, log: bool) -> None:
    for name, shares in zip(profile.names, profile.shares, strict=True):
        if name not in shown:
            axes.step(profile.at, shares, where="post", color=RULE, linewidth=0.9, zorder=1)
    for number, name in enumerate(shown):
        place, is_reference = profile.names.index(name), number == len(shown) - 1
        colour, dash = (INK, "-") if is_reference else (SERIES[number], DASHES[number])
        axes.step(profile.at, profile.shares[place], where="post", color=colour, linestyle=dash, label=name)
        if number == 0 or is_reference:
            low, high = profile.low[place], profile.high[place]
            axes.fill_between(profile.at, low, high, step="post", color=colour, alpha=0.1, linewidth=0, zorder=0)
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    axes.set_ylim(0, 1.02)


def curves(summary: Summary, problem: str) -> Figure:
    """Return the relative excess along the runs: medians, 10 to 90 % of the seeds of the best and the reference."""
    title = next(row["title"] for row in summary.problems if row["name"] == problem)
    present = [method for method in summary.methods if summary.cell(problem, method).curve]
    order = sorted(present, key=lambda method: _median(summary.cell(problem, method)))
    shown = [method for method in order if method != summary.reference][:SHOWN]
    shown += [summary.reference] if summary.reference in present else []
    with mpl.rc_context(STYLE):
        figure = _blank(6.4, 3.6)
        axes = figure.subplots()
        for method in present:
            if method not in shown:
                curve = _curve(summary.cell(problem, method))
                axes.plot(curve.x, curve.y, color=RULE, linewidth=0.9, zorder=1)
        # Bands of more than two curves would hide one another.
        banded = (shown[0], summary.reference) if shown else ()
        drawn = [_curve(summary.cell(problem, method)) for method in shown]
        bare = [curve if curve.label in banded else dataclasses.replace(curve, low=None, high=None) for curve in drawn]
        draw_curves(axes, bare, log="xy")
        axes.set_title(title)
        axes.set_xlabel("client gradients")
        axes.set_ylabel("excess of the objective over the start’s")
    return figure


def _curve(cell: Cell) -> Curve:
    table = np.asarray(cell.curve, dtype=float).reshape(-1, 3)
    table = np.where(np.isfinite(table), table, np.nan)[1:]
    spent = np.asarray(cell.rounds, dtype=float)[1:] * cell.counts["gradients"] / max(cell.counts["rounds"], 1.0)
    return Curve(cell.method, spent, table[:, 1], table[:, 0], table[:, 2])


def _median(cell: Cell) -> float:
    last = cell.curve[-1][1]
    return math.inf if last is None or not math.isfinite(last) else last


def _shown(summary: Summary, methods: Sequence[str]) -> list[str]:
    """Return the best of the ranking among ``methods``, and the reference last."""
    order = [rank.method for rank in ranking(summary) if rank.method in methods and rank.method != summary.reference]
    return [*order[:SHOWN], *([summary.reference] if summary.reference in methods else [])]


def _tried(summary: Summary) -> list[Any]:
    """Return the problems that any method has results on."""
    return [
        row for row in summary.problems if any(summary.cell(row["name"], method).hits for method in summary.methods)
    ]


def _costs(summary: Summary, method: str, tolerance: str, products: int) -> list[list[float]]:
    """Return what each (problem, seed) cost to reach the tolerance, ∞ where it never did."""
    return [
        [
            math.inf if hit is None else hit[0] + products * hit[1]
            for hit in summary.cell(row["name"], method).hits[tolerance]
        ]
        for row in _tried(summary)
    ]


def _wrapped(title: str) -> str:
    return "\n".join(textwrap.wrap(title, 14))


def _blank(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    figure.set_layout_engine("constrained", w_pad=0.1)
    return figure
