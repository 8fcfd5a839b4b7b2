"""Heat maps of the tuning scores over (σ, ρ), and lines over σ for the methods without ρ."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter, NullLocator

from pisa_lab.ablation.summary import Cell, Summary
from pisa_lab.plotting import PAPER, RULE, SERIES, STYLE, Curve, draw_curves

COLUMNS = 6
LINES = 7
"""Curves of one panel: as many as colours and dashes tell apart."""
_MAP_HEIGHT, _LINES_HEIGHT, _WIDTH = 1.75, 2.4, 12.6
_TICKS = ((1, 1.1, 1.2, 1.5, 2, 3), (1, 2, 3, 5, 10, 20), (1, 3, 10, 30, 100, 300, 1000))
_HEAT = LinearSegmentedColormap.from_list("heat", ["#0b3c5d", SERIES[0], "#8fbcdc", "#eef2f5"])


def heat(summary: Summary, problem: str) -> Figure:
    """Return the tuning scores of every method on ``problem``, as multiples of the best of all."""
    cells = [summary.cell(problem, method) for method in summary.methods]
    cells = [cell for cell in cells if any(score is not None for *_, score in cell.grid)]
    maps, lines = ([cell for cell in cells if (cell.rho is None) == plain] for plain in (False, True))
    scores = [score for cell in cells for *_, score in cell.grid if score is not None and score > 0]
    least = min(scores, default=1.0)
    top = float(np.clip(np.quantile(scores, 0.7) / least, 1.2, 1e3)) if scores else 10.0
    title = next(row["title"] for row in summary.problems if row["name"] == problem)
    height = max(1, -(-len(maps) // COLUMNS))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(_WIDTH, 0.6 + _MAP_HEIGHT * height + _LINES_HEIGHT))
        FigureCanvasAgg(figure)
        parts: Any = figure.subfigures(2, 1, height_ratios=[_MAP_HEIGHT * height, _LINES_HEIGHT])
        above, below = parts
        _maps(above, maps, least, LogNorm(1.0, top), height)
        panels = np.array_split(np.arange(len(lines)), max(1, -(-len(lines) // LINES)))
        for axes, places in zip(np.ravel(below.subplots(1, len(panels), sharey=True)), panels, strict=True):
            _lines(axes, [lines[place] for place in places], least, top)
        figure.suptitle(
            f"{title}: tuning scores over the best of all (ring: chosen; hatched: diverges)",
            x=0.008,
            ha="left",
            fontsize=10,
            fontweight="bold",
        )
    return figure


def _maps(part: SubFigure, cells: Sequence[Cell], least: float, norm: LogNorm, height: int) -> None:
    grid = np.ravel(part.subplots(height, COLUMNS, squeeze=False))
    for axes in grid[len(cells) :]:
        axes.set_visible(False)
    if not cells:
        return
    for place, (axes, cell) in enumerate(zip(grid, cells, strict=False)):
        image = _map(axes, cell, least, norm)
        if place % COLUMNS == 0:
            axes.set_ylabel("ρ", rotation=0, labelpad=7)
        if place + COLUMNS >= len(cells):
            axes.set_xlabel("σ over the scale", fontsize=7.5)
    bar = part.colorbar(image, ax=list(grid), shrink=0.85, pad=0.01, extend="max")
    largest = float(norm.vmax or 1.0)
    steps = _TICKS[0] if largest < 4 else _TICKS[1] if largest < 30 else _TICKS[2]
    ticks = [value for value in steps if value <= largest]
    bar.set_ticks(ticks, labels=[f"{value:g}" for value in ticks])
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.outline.set_visible(False)


def _map(axes: Axes, cell: Cell, least: float, norm: LogNorm) -> Any:
    penalties = sorted({penalty for penalty, _, _ in cell.grid})
    rhos = sorted({rho for _, rho, _ in cell.grid if rho is not None})
    table = np.full((len(rhos), len(penalties)), np.nan)
    for penalty, rho, score in cell.grid:
        table[rhos.index(rho or 0.0), penalties.index(penalty)] = math.nan if score is None else score / least
    whole = (-0.5, -0.5), len(penalties), len(rhos)
    axes.add_patch(mpl.patches.Rectangle(*whole, facecolor=PAPER, edgecolor=RULE, hatch="////", linewidth=0, zorder=0))
    image = axes.imshow(table, norm=norm, cmap=_HEAT, aspect="auto", origin="lower", zorder=1)
    if cell.penalty is not None and cell.rho is not None:
        spot = [penalties.index(cell.penalty)], [rhos.index(cell.rho)]
        axes.plot(*spot, "o", markersize=7, markerfacecolor="none", markeredgecolor=SERIES[1], markeredgewidth=1.8)
    axes.set_xticks(range(len(penalties)), [f"{value:g}" for value in penalties], fontsize=6.5)
    axes.set_yticks(range(len(rhos)), [f"{value:g}" for value in rhos], fontsize=6.5)
    axes.set_title(cell.method, fontsize=8, pad=3)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return image


def _lines(axes: Axes, cells: Sequence[Cell], least: float, top: float) -> None:
    curves = []
    for cell in cells:
        x = np.asarray([penalty for penalty, _, _ in cell.grid])
        scores = [math.nan if score is None else score / least for *_, score in cell.grid]
        # What is far off the scale of the maps would flatten everything that matters.
        curves.append(Curve(cell.method, x, np.asarray([math.nan if y > 3 * top else y for y in scores])))
    draw_curves(axes, curves, log="xy")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    axes.set_title("methods without ρ", fontsize=8, pad=3)
    axes.set_xlabel("σ over the scale; a baseline’s rate is 1/σ", fontsize=7.5)
