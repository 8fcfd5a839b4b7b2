"""Figures in one house style, drawn from rows and plain data only: evidence of a claim, curves of a run."""

import dataclasses
import io
import math
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

INK, SOFT, RULE, PAPER = "#1d2530", "#5b6573", "#d5dae1", "#ffffff"
SERIES = ("#0b6aa8", "#c8500a", "#0a8662", "#a64d87", "#8a6a00", "#3f8fc4", "#6b7280")
"""Okabe and Ito's hues, darkened to a contrast of 4 against white; dashes tell them apart in grey as well."""
DASHES: Any = (
    "-",
    (0, (5, 1.6)),
    (0, (1.4, 1.4)),
    (0, (6, 1.5, 1.4, 1.5)),
    (0, (3, 1.2)),
    "-",
    (0, (1, 2.4)),
)
STYLE: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "mathtext.fontset": "stix",
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.labelsize": 8.5,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": SOFT,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.7,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "axes.titlecolor": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "savefig.facecolor": PAPER,
    "svg.fonttype": "path",
    "svg.hashsalt": "pisa_lab",
    "figure.constrained_layout.use": True,
}


@dataclasses.dataclass(frozen=True)
class Curve:
    """One line with an optional band; not-a-number breaks it."""

    label: str
    x: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any]
    low: np.ndarray[Any, Any] | None = None
    high: np.ndarray[Any, Any] | None = None


def evidence_figure(data: Mapping[str, Any]) -> Figure:
    """Return the figure of a claim from its `Evidence.figure`: title, axis labels, "log" axes and curves."""
    curves = [_curve(entry) for entry in data.get("curves", ())]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.8, 3.0))
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        draw_curves(axes, curves, log=str(data.get("log", "")))
        axes.set_title(textwrap.fill(str(data.get("title", "")), 44))
        axes.set_xlabel(str(data.get("x_label", "")))
        axes.set_ylabel(str(data.get("y_label", "")))
    return figure


def run_figure(
    rows: Sequence[Mapping[str, Any]], *, title: str = "", optimum: float | Mapping[int, float] | None = None
) -> Figure:
    """Return objective, stationarity and the three residuals over rounds: median and range of the seeds.

    ``rows`` are those of `Run.rows`, of one or several seeds. The gap to ``optimum``, one number or one for each seed,
    is drawn where it is known, down to the unit of rounding of the objective's values.
    """
    gap, floor = _gaps(rows, optimum)
    panels = (
        ("Objective above its optimum" if gap else "Objective", (("objective", ""),), gap or rows),
        ("Stationarity  ‖∇F(w)‖", (("stationarity", ""),), rows),
        ("KKT residuals", (("local", "local"), ("consensus", "consensus"), ("aggregate", "aggregate")), rows),
    )
    seeds = len({row["seed"] for row in rows})
    title = " · ".join(filter(None, (title, f"median and range of {seeds} seeds" if seeds > 1 else "")))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11.4, 3.7 if title else 3.4))
        FigureCanvasAgg(figure)
        figure.set_layout_engine("constrained", w_pad=0.12, wspace=0.04)
        for axes, (name, measures, source) in zip(figure.subplots(1, 3), panels, strict=True):
            curves = [over_seeds(source, measure, label) for measure, label in measures]
            curves = [curve for curve in curves if np.any(np.isfinite(curve.y))]
            draw_curves(axes, curves, log="y" if _spans_decades(curves) else "")
            axes.set_title(name)
            axes.set_xlabel("communication round")
            if source is gap and any(np.any(curve.y <= floor) for curve in curves):
                _draw_floor(axes, floor)
        if title:
            figure.suptitle(title, x=0.008, ha="left", fontsize=11, fontweight="bold")
    return figure


def _gaps(
    rows: Sequence[Mapping[str, Any]], optimum: float | Mapping[int, float] | None
) -> tuple[list[dict[str, Any]], float]:
    """Return the rows with the objective's gap, and the unit of rounding below which it is none."""
    if optimum is None:
        return [], 0.0
    known = optimum if isinstance(optimum, Mapping) else {int(row["seed"]): optimum for row in rows}
    sizes = [*map(abs, known.values()), *(abs(_number(row["objective"])) for row in rows)]
    floor = float(np.finfo(float).eps) * max((size for size in sizes if np.isfinite(size)), default=0.0)
    gaps = [_number(row["objective"]) - known[int(row["seed"])] for row in rows]
    return [{**row, "objective": max(value, floor)} for row, value in zip(rows, gaps, strict=True)], floor


def _draw_floor(axes: Axes, floor: float) -> None:
    axes.axhline(floor, color=SOFT, linewidth=0.8, linestyle=":")
    place = axes.get_yaxis_transform()
    axes.text(0.98, floor, "rounding", transform=place, color=SOFT, ha="right", va="bottom", fontsize=7)


def over_seeds(rows: Sequence[Mapping[str, Any]], measure: str, label: str) -> Curve:
    """Return the median over the seeds that reached each round; several seeds have their range as a band."""
    rounds = sorted({int(row["iteration"]) for row in rows})
    seeds = sorted({int(row["seed"]) for row in rows})
    table = np.full((len(seeds), len(rounds)), np.nan)
    for row in rows:
        table[seeds.index(int(row["seed"])), rounds.index(int(row["iteration"]))] = _number(row[measure])
    kept = np.isfinite(table).any(axis=0)
    x, table = np.asarray(rounds, dtype=float)[kept], table[:, kept]
    if not kept.any() or len(seeds) == 1:
        return Curve(label, x, table[0])
    return Curve(label, x, np.nanmedian(table, axis=0), np.nanmin(table, axis=0), np.nanmax(table, axis=0))


def draw_curves(axes: Axes, curves: Sequence[Curve], *, log: str) -> None:
    """Draw ``curves`` with bands, marks where points are few, and labels at the right ends of the curves."""
    logarithmic = [name for name in "xy" if name in log and _positive(curves, name)]
    for number, curve in enumerate(curves):
        colour, dash = SERIES[number % len(SERIES)], DASHES[number % len(DASHES)]
        mark = "o" if curve.x.size <= 14 else ""
        y = np.where(curve.y > 0, curve.y, np.nan) if "y" in logarithmic else curve.y
        axes.plot(curve.x, y, color=colour, linestyle=dash, marker=mark, markersize=3.6, label=curve.label)
        if curve.low is not None and curve.high is not None:
            low = np.where(curve.low > 0, curve.low, np.nan) if "y" in logarithmic else curve.low
            axes.fill_between(curve.x, low, curve.high, color=colour, alpha=0.18, linewidth=0)
    axes.autoscale_view()
    for name in "xy":
        _ticks(axes, name, name in logarithmic)
    if not any(np.any(np.isfinite(curve.y)) for curve in curves):
        axes.text(0.5, 0.5, "not defined for this method", transform=axes.transAxes, ha="center", color=SOFT)
    _labels(axes, curves)


def as_svg(figure: Figure, prefix: str, label: str) -> str:
    """Return ``figure`` as an inline <svg> with ids of its own and the house colours as CSS variables."""
    stream = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return inline_svg(stream.getvalue(), prefix, label)


def inline_svg(text: str, prefix: str, label: str) -> str:
    """Return SVG ``text`` without its XML head, fit to stand in a page beside others."""
    body = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', body)
    body = re.sub(r'(url\(|href=")#', rf"\1#{prefix}-", body)
    names = {INK: "--ink", SOFT: "--soft", RULE: "--rule"}
    names |= {hue: f"--series-{number}" for number, hue in enumerate(SERIES, 1)}
    for hue, name in names.items():
        body = body.replace(hue, f"var({name}, {hue})")
    spoken = label.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return body.replace("<svg ", f'<svg role="img" aria-label="{spoken}" ', 1).rstrip()


def _curve(entry: Mapping[str, Any]) -> Curve:
    band = [None if entry.get(name) is None else _numbers(entry[name]) for name in ("low", "high")]
    return Curve(str(entry.get("label", "")), _numbers(entry["x"]), _numbers(entry["y"]), *band)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _numbers(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    array = np.asarray([_number(value) for value in values])
    return np.where(np.isfinite(array), array, np.nan)


def _positive(curves: Sequence[Curve], name: str) -> bool:
    return any(np.any(getattr(curve, name) > 0) for curve in curves)


def _spans_decades(curves: Sequence[Curve]) -> bool:
    """Return whether no value is negative and the largest is more than 8 times the smallest that is not 0."""
    values = np.concatenate([curve.y[np.isfinite(curve.y)] for curve in curves] or [np.empty(0)])
    positive = values[values > 0]
    return bool(positive.size and np.all(values >= 0) and positive.max() > 8 * positive.min())


def _ticks(axes: Axes, name: str, logarithmic: bool) -> None:
    """Set ticks: powers of ten, with 2 and 5 between them where they would be fewer than three."""
    axis = getattr(axes, f"{name}axis")
    if not logarithmic:
        axis.set_major_locator(MaxNLocator(nbins=6))
        return
    getattr(axes, f"set_{name}scale")("log")
    low, high = getattr(axes, f"get_{name}lim")()
    few = high / low < 200
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=9))
    if few:
        axis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_tick_params(which="minor", length=0)


def _labels(axes: Axes, curves: Sequence[Curve]) -> None:
    """Write each label beside the right end of its curve, moved apart where they would overlap."""
    ends = list(_ends(axes, curves))
    if not ends or (len(ends) == 1 and not ends[0][1]):
        return
    if len(ends) > 7:
        _legend(axes, [label for _, label, _ in ends])
        return
    heights = _apart([height for height, _, _ in ends], 0.078)
    for height, (_, label, colour) in zip(heights, ends, strict=True):
        axes.text(1.02, height, label, transform=axes.transAxes, color=colour, va="center", fontsize=8)


_MOST_NAMED = 14
"""Curves that a legend beside the axes has room for."""


def _legend(axes: Axes, lowest: Sequence[str]) -> None:
    """Name the curves beside ``axes``; of very many those that end lowest, and say so."""
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    named = [name for name in handles if name in lowest[:_MOST_NAMED]]
    title = f"the lowest {len(named)} of {len(handles)}" if len(named) < len(handles) else None
    lines = [handles[name] for name in named]
    place = {"bbox_to_anchor": (1.02, 0.5), "fontsize": 7.5, "title_fontsize": 7.5}
    axes.legend(lines, named, title=title, loc="center left", **place)


def _ends(axes: Axes, curves: Sequence[Curve]) -> Iterator[tuple[float, str, str]]:
    """Yield (height of the last point in axes fractions, label, colour) from bottom to top."""
    found = []
    for number, curve in enumerate(curves):
        shown = np.isfinite(curve.y) & ((curve.y > 0) | (axes.get_yscale() != "log"))
        if shown.any():
            last = int(np.flatnonzero(shown)[-1])
            point = axes.transData.transform((float(curve.x[last]), float(curve.y[last])))
            height = float(axes.transAxes.inverted().transform(point)[1])
            found.append((height, curve.label, SERIES[number % len(SERIES)]))
    yield from sorted(found)


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """Return rising ``heights`` moved by a sweep up and a sweep down until ``gap`` lies between any two."""
    moved = list(heights)
    for place in range(1, len(moved)):
        moved[place] = max(moved[place], moved[place - 1] + gap)
    top = max(1.0, (len(moved) - 1) * gap)
    for place in reversed(range(len(moved))):
        ceiling = top if place == len(moved) - 1 else moved[place + 1] - gap
        moved[place] = min(moved[place], ceiling)
    return moved
