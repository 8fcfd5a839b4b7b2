"""Formulas as inline SVG, set by matplotlib's mathtext: no network, no JavaScript, no TeX."""

import html

from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

SIZE = 18.0
_MARGIN = 2.0
_WORDS = {
    r"\lVert": r"\|",
    r"\rVert": r"\|",
    r"\le ": r"\leq ",
    r"\ge ": r"\geq ",
    r"\frac": r"\dfrac",
    r"\tfrac": r"\frac",
}
"""Commands that TeX knows and mathtext does not, with what mathtext calls them; a fraction is set as in a display."""
_LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}


def formula_svg(latex: str) -> str | None:
    """Return ``latex`` as an inline <svg> of one path in the text's colour, or None where mathtext cannot read it."""
    text = latex.strip().strip("$").strip()
    for word, known in _WORDS.items():
        text = text.replace(word, known)
    try:
        outline = TextPath((0, 0), f"${text}$", size=SIZE, prop=FontProperties(math_fontfamily="stix"))
    except ValueError:
        return None
    box = outline.get_extents()
    width, height = box.width + 2 * _MARGIN, box.height + 2 * _MARGIN
    view = f"{box.x0 - _MARGIN:.1f} {-box.y1 - _MARGIN:.1f} {width:.1f} {height:.1f}"
    return (
        f'<svg role="img" aria-label="{html.escape(latex)}" width="{width:.1f}" height="{height:.1f}" '
        f'viewBox="{view}"><path fill="currentColor" d="{_drawn(outline)}"/></svg>'
    )


def _drawn(outline: Path) -> str:
    """Return ``outline`` in the words of SVG, whose y axis points down."""
    words = []
    for points, code in outline.iter_segments(simplify=False):
        if code == Path.CLOSEPOLY:
            words.append("Z")
        else:
            pairs = points.reshape(-1, 2)
            words.append(_LETTERS[code] + " ".join(f"{x:.2f} {-y:.2f}" for x, y in pairs))
    return "".join(words)
