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
from pisa_lab.report.typeset import typeset

Row = Mapping[str, Any]

VERDICTS = {
    "PROVED": ("∎", "by Coq's kernel, or by facts in exact arithmetic"),
    "SUPPORTED": ("✓", "every trial obeyed"),
    "REFUTED": ("✗", "a counterexample is kept and can be replayed"),
    "INCONCLUSIVE": ("?", "the check could not tell, or could not run"),
    "INAPPLICABLE": ("∅", "the hypotheses are not met"),
}
STRENGTHS = {
    "kernel": "the statement is a theorem that Coq's kernel checked from the definitions",
    "exact": "facts hold in exact arithmetic; the argument from them to the statement is in words beside them",
    "measured": "runs",
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

    A row has name, statement, latex, hypotheses, kind, provenance, strength, source, expected, verdict, margin,
    seconds, seed, effort, detail, numbers, steps, figure, instance, witness (its path, or None), group and place (the
    block and the line of the map), link (to its mathematics, or "") and theorems (Coq's: name, file, line, statement,
    axioms, link).
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "pretty": _pretty, "typeset": lambda text: Markup(typeset(text))}
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
        strengths=STRENGTHS,
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
        "formula_title": _formula_title(row),
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


def _formula_title(row: Row) -> str:
    """Return what the formula of a refuted claim is: what the proof ends in, or what the runs break; else ""."""
    if row["verdict"] != "REFUTED":
        return ""
    return "The refuted statement in a formula" if row["kind"] == "measured" else "What refutes it"


def _grid(sections: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the blocks of the map: one per group, in the order of the rows' groups, its claims by place."""
    blocks: dict[str, dict[str, list[Row]]] = {}
    for row in sections:
        blocks.setdefault(row["group"], {}).setdefault(row["place"], []).append(row)
    return [
        {"title": title, "lines": sorted(places.items(), key=lambda line: _natural(line[0]))}
        for title, places in blocks.items()
    ]


def _natural(place: str) -> tuple[str, int]:
    """Return a key that puts T2 before T12 and what has no place last."""
    letters = place.rstrip("0123456789")
    return letters or "~", int(place[len(letters) :] or 0)


def _superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _pretty(value: Any) -> str:
    """Return ``value`` as indented JSON with each list of plain values on one line."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found.group().split()), text)


def _resource(name: str) -> str:
    return files("pisa_lab.report").joinpath(name).read_text(encoding="utf-8")
