"""The figure of a comparison: training and validation loss over rounds, one curve for each optimizer."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pisa_lab.plotting import STYLE, Curve, draw_curves
from problems.deep.summaries import Row, checked, grouped, interval

_PANELS = (("Training loss, mean since the last look", "train_loss"), ("Validation loss", "validation_loss"))
_SPAN = 8
"""A panel whose largest value is more than so many times its smallest, all positive, has a logarithmic axis."""


def comparison_figure(rows: Sequence[Row], *, title: str = "") -> Figure:
    """Return the figure of the reported ``rows``: means over seeds with 95 % Student bands.

    On a logarithmic axis both are of the logarithms, so that no band reaches below zero.
    """
    checked(rows)
    groups = grouped(rows)
    names = _names([next(iter(runs.values()))[0] for runs in groups.values()])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9.2, 3.7 if title else 3.4))
        FigureCanvasAgg(figure)
        figure.set_layout_engine("constrained", w_pad=0.12, wspace=0.04)
        for axes, (heading, measure) in zip(figure.subplots(1, 2), _PANELS, strict=True):
            wide = _is_wide(rows, measure)
            curves = [_curve(runs, measure, name, wide) for runs, name in zip(groups.values(), names, strict=True)]
            draw_curves(axes, curves, log="y" if wide else "")
            axes.set_title(heading)
            axes.set_xlabel("communication round")
        if title:
            figure.suptitle(title, x=0.008, ha="left", fontsize=11, fontweight="bold")
    return figure


def _names(firsts: Sequence[Row]) -> list[str]:
    """Return what tells the curves apart: the optimizer, and clients, partition and settings where these differ."""
    differing = [name for name in ("clients", "partition", "model", "size") if len({row[name] for row in firsts}) > 1]
    names = [" ".join([str(row["optimizer"]), *(_word(name, row[name]) for name in differing)]) for row in firsts]
    if len(set(names)) == len(names):
        return names
    return [f"{name} {_brief(row['settings'])}" for name, row in zip(names, firsts, strict=True)]


def _word(name: str, value: Any) -> str:
    return f"m = {value}" if name == "clients" else str(value)


def _brief(settings: Any) -> str:
    values = settings if isinstance(settings, Mapping) else json.loads(settings)
    return " ".join(f"{name}={value:.3g}" for name, value in values.items())


def _curve(runs: Mapping[int, Sequence[Row]], measure: str, label: str, wide: bool) -> Curve:
    """Return mean and band over the seeds that reached each look after the start, geometric where ``wide``."""
    at: dict[int, list[float]] = {}
    for run in runs.values():
        for row in run:
            if row["round"] > 0 and row[measure] is not None:
                at.setdefault(int(row["round"]), []).append(float(row[measure]))
    looks = sorted(at)
    pairs = [interval([math.log(value) for value in at[look]] if wide else at[look]) for look in looks]
    mean = np.asarray([np.nan if middle is None else middle for middle, _ in pairs])
    half = np.asarray([np.nan if width is None else width for _, width in pairs])
    ends = [np.exp(values) if wide else values for values in (mean, mean - half, mean + half)]
    has_band = bool(np.any(np.isfinite(half)))
    return Curve(label, np.asarray(looks, dtype=float), ends[0], *(ends[1:] if has_band else ()))


def _is_wide(rows: Sequence[Row], measure: str) -> bool:
    values = [
        float(row[measure])
        for row in rows
        if row["phase"] == "report" and row["round"] > 0 and row[measure] is not None
    ]
    return bool(values and min(values) > 0 and max(values) > _SPAN * min(values))
