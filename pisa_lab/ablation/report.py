"""A report on a study: tables, figures and the summary itself, in a folder."""

import functools
from pathlib import Path
from typing import Any

import matplotlib as mpl

from pisa_lab.ablation import tables
from pisa_lab.ablation.figures import figures
from pisa_lab.ablation.summary import Summary
from pisa_lab.ablation.summary_files import write_summary
from pisa_lab.files import write_text, write_whole
from pisa_lab.plotting import STYLE

FORMATS = ("svg", "png")


def write_report(summary: Summary, folder: str | Path) -> list[Path]:
    """Write tables (CSV, Markdown, LaTeX), figures (SVG, PNG) and the summary, and return the paths."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    texts = {
        "table.csv": tables.csv_text(tables.rows(summary)),
        "table.md": tables.markdown(summary),
        "table.tex": tables.latex(summary),
    }
    written = []
    for name, text in texts.items():
        write_text(place / name, text)
        written.append(place / name)
    write_summary(place / "summary.json", summary)
    written.append(place / "summary.json")
    for name, figure in figures(summary):
        for suffix in FORMATS:
            path = place / f"{name}.{suffix}"
            with mpl.rc_context(STYLE):
                metadata = {"Date": None} if suffix == "svg" else None
                settings: dict[str, Any] = {"format": suffix, "dpi": 150, "metadata": metadata}
                write_whole(path, functools.partial(figure.savefig, **settings))
                # The layout is found once; finding it takes longer than drawing.
                figure.set_layout_engine("none")
            written.append(path)
    return written
