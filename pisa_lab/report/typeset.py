"""Statements and hypotheses as HTML: ASCII's words for symbols become symbols, indices and powers are set as such."""

import html
import re

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η", "theta": "θ", "kappa": "κ",
    "lambda": "λ", "mu": "μ", "nu": "ν", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ",
    "omega": "ω",
}  # fmt: skip
_MATRIX = r"(?:[A-ZΑ-Ω]\w?(?:_\{?\w+\}?)?(?:\^\w+)?)"
_ORDERED = re.compile(rf"(?<![<\w])0 (<=|<) ([\w^ {{}}]*\b{_MATRIX}) (<=|<) (\w+ (?:\w+ )?)?I\b")
_SIGNS = (("<=>", "⇔"), ("<->", "↔"), ("<=", "≤"), (">=", "≥"), ("!=", "≠"), ("->", "→"), ("=>", "⇒"), ("+-", "±"))
_WORD = re.compile(rf"(?<![A-Za-z-])({'|'.join(GREEK)})(?![A-Za-z-])")
_WORDS = "init|last|max|min|next"
_BASE = (
    r"(\b(?:min|max|lim|sup|inf)|(?:(?<![A-Za-z])|(?<=_[A-Za-z]))[A-Za-z]['′]?|[α-ωΑ-Ωϑϱĝêŵ][\u0300-\u036f]?|[)\]‖∇])"
)
_INDEX = rf"(\{{[^{{}}]*\}}|(?:{_WORDS})\b|[A-Za-zα-ωℓ⋆*∞]|[0-9]+|[+−])"
_LOWER = re.compile(f"{_BASE}_{_INDEX}")
_UPPER = re.compile(rf"([A-Za-zα-ω0-9)\]}}‖]|</sub>)\^(\([^()]*\)|[−-][0-9]+|{_INDEX[1:]}")


def replace_ascii(text: str) -> str:
    """Return ``text`` with Greek letters and signs where ASCII spells them: "0 <= Q_i <= eta I" → "0 ⪯ Q_i ⪯ η I"."""
    text = _ORDERED.sub(_matrices, text)
    for ascii_sign, sign in _SIGNS:
        text = text.replace(ascii_sign, sign)
    return _WORD.sub(lambda found: GREEK[found.group()], text)


def typeset(text: str) -> str:
    """Return ``text`` as HTML, escaped, with symbols for ASCII's words and <sub> and <sup> for indices and powers."""
    marked = html.escape(replace_ascii(text), quote=False)
    marked = _LOWER.sub(lambda found: f"{found.group(1)}<sub>{_inner(found.group(2))}</sub>", marked)
    return _UPPER.sub(lambda found: f"{found.group(1)}<sup>{_inner(found.group(2))}</sup>", marked)


def _matrices(found: re.Match[str]) -> str:
    """Return the order of symmetric matrices with its own sign."""
    sign = {"<=": "⪯", "<": "≺"}
    first, middle, second, bound = found.groups()
    return f"0 {sign[first]} {middle} {sign[second]} {bound or ''}I"


def _inner(index: str) -> str:
    return (index[1:-1] if index[0] in "{(" else index).replace("-", "−")
