"""The page of the claims: a map coloured by verdict, then a section for each claim with all its evidence."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from pisa_lab.plotting import as_svg, evidence_figure
from pisa_lab.report.formulas import formula_svg

Row = Mapping[str, Any]

VERDICTS = {
    "PROVED": ("∎", "by symbols or an exact certificate"),
    "SUPPORTED": ("✓", "every trial obeyed"),
    "REFUTED": ("✗", "a counterexample is kept and can be replayed"),
    "INCONCLUSIVE": ("?", "the check could not tell, or could not run"),
    "INAPPLICABLE": ("∅", "the hypotheses are not met"),
}
PROVENANCES = {
    "quoted": "stands in an abstract of the paper",
    "reconstructed": "rebuilt from the authors' code and what the proof needs; its mistakes are ours, not the paper's",
    "ours": "derived in this project",
}
KINDS = {
    "symbolic": "algebra, for general symbols",
    "certified": "an exact certificate or a proof checked step by step",
    "formal": "checked by Coq's kernel, and by nothing else here",
    "measured": "trials on many instances; never called proved",
}


def claims_page(rows: Sequence[Row], stamp: Mapping[str, str], *, title: str = "What is true of PISA") -> str:
    """Return the HTML page of ``rows``, one per claim, all values JSON values.

    A row has name, statement, latex, hypotheses, kind, provenance, source, expected, verdict, margin, seconds, seed,
    effort, detail, numbers, steps, figure, instance and witness (its path, or None).
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "pretty": _pretty}
    template = environment.from_string(_resource("claims_page.html.jinja"))
    sections = [_section(place, row) for place, row in enumerate(rows, 1)]
    return template.render(
        title=title,
        claims=sections,
        grid=_grid(sections),
        counts=Counter(row["verdict"] for row in rows),
        expected=sum(section["as_expected"] for section in sections),
        stamp=stamp,
        verdicts=VERDICTS,
        provenances=PROVENANCES,
        kinds=KINDS,
        style=Markup(_resource("style.css")),
        script=Markup(_resource("filter.js")),
    )


def number(value: Any) -> str:
    """Return ``value`` for a reader: four significant digits, a minus sign that is one, "—" for nothing."""
    if value is None:
        return "—"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    text = f"{value:.4g}"
    mantissa, _, exponent = text.partition("e")
    text = f"{mantissa}·10{_superscript(int(exponent))}" if exponent else mantissa
    return text.replace("-", "−")


def _section(place: int, row: Row) -> dict[str, Any]:
    """Return ``row`` with what the template needs beside it: drawn formula and figure, anchors, short names."""
    figure, latex = row["figure"], row["latex"]
    return {
        **row,
        "anchor": f"claim-{row['name']}",
        "glyph": VERDICTS[row["verdict"]][0],
        "as_expected": row["verdict"] == row["expected"],
        "formula": Markup(formula_svg(latex) or "") if latex else "",
        "drawing": Markup(as_svg(evidence_figure(figure), f"f{place}", _spoken(figure))) if figure else "",
        "table": [(name, _cell(value)) for name, value in row["numbers"].items()],
    }


def _spoken(figure: Mapping[str, Any]) -> str:
    curves = ", ".join(str(curve.get("label", "")) for curve in figure.get("curves", ()))
    return f"{figure.get('title', 'figure')}: {figure.get('y_label', '')} against {figure.get('x_label', '')}; {curves}"


def _cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_cell(entry) for entry in value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else number(value)


def _grid(sections: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the blocks of the map: one per provenance that occurs, its claims by kind."""
    blocks = []
    for provenance in PROVENANCES:
        lines = [
            (kind, [row for row in sections if (row["provenance"], row["kind"]) == (provenance, kind)])
            for kind in KINDS
        ]
        if any(claims for _, claims in lines):
            blocks.append({"provenance": provenance, "lines": [line for line in lines if line[1]]})
    return blocks


def _superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _pretty(value: Any) -> str:
    """Return ``value`` as indented JSON with each list of plain values on one line."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found.group().split()), text)


def _resource(name: str) -> str:
    return files("pisa_lab.report").joinpath(name).read_text(encoding="utf-8")
