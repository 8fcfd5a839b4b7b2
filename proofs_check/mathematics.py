"""The places of MATHEMATICS.md: its sections by anchor, which claims cite which, and the lines that list them."""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from proofs_check.claim import Claim

PATH = Path(__file__).with_name("MATHEMATICS.md")
GROUPS: Mapping[str, str] = {
    "I": "Identities",
    "V": "What is claimed, and what a check finds",
    "T": "Theorems",
    "N": "Repaired methods, and two sharp answers",
    "W": "Exact worst cases",
    "A": "The algorithm and its parts",
}
"""The groups of the claims in the order in which they are shown; the letter is that of the anchors."""

_ANCHOR = re.compile(r'^<a id="([^"]+)"></a>$')
_CITED = re.compile(r"MATHEMATICS\.md#([A-Za-z0-9-]+)")
_STATEMENT = re.compile(r"([IVTNW])\d+")
_LINE = "Claims: "


@dataclasses.dataclass(frozen=True)
class Section:
    """One section: its anchor, its heading, and the heading's line in the file, counted from 1."""

    anchor: str
    title: str
    line: int

    @property
    def is_statement(self) -> bool:
        """Whether it states something that a claim can check: I1, V1, T1, N1, W1 and their like."""
        return _STATEMENT.fullmatch(self.anchor) is not None


def read_sections(path: Path = PATH) -> dict[str, Section]:
    """Return the sections of the file by anchor, in its order.

    Raises:
        ValueError: an anchor twice, or one that no heading follows.
    """
    sections: dict[str, Section] = {}
    waiting = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if found := _ANCHOR.match(line):
            waiting = found.group(1)
            if waiting in sections:
                raise ValueError(f"path: the anchor {waiting!r} stands twice in {path.name}")
        elif waiting and line:
            if not line.startswith("#"):
                raise ValueError(f"path: no heading follows the anchor {waiting!r} of {path.name}")
            sections[waiting] = Section(waiting, line.lstrip("# "), number)
            waiting = ""
    return sections


def cited_anchors(source: str) -> tuple[str, ...]:
    """Return the anchors of MATHEMATICS.md that ``source`` names, each once, in its order."""
    return tuple(dict.fromkeys(_CITED.findall(source)))


def group_of(claim: Claim) -> str:
    """Return the key in `GROUPS` of ``claim``: the letter of its name, "A" where the name has none of them."""
    letter = claim.name[:1]
    numbered = re.match(r"[IVTN]\d+-|W-", claim.name)
    return letter if numbered else "A"


def place_of(claim: Claim) -> str:
    """Return the anchor under which ``claim`` is shown: its name's, else the first that it cites, else ""."""
    named = _STATEMENT.match(claim.name)
    return named.group() if named else next(iter(cited_anchors(claim.source)), "")


def list_claims(text: str, claims: Iterable[Claim]) -> str:
    """Return the file's ``text`` with every line "Claims: …" naming the ``claims`` that cite its section."""
    cited: dict[str, list[str]] = {}
    for claim in claims:
        for anchor in cited_anchors(claim.source):
            cited.setdefault(anchor, []).append(claim.name)
    lines, anchor = [], ""
    for line in text.splitlines():
        found = _ANCHOR.match(line)
        anchor = found.group(1) if found else anchor
        lines.append(_claims_line(anchor, cited.get(anchor, [])) if line.startswith(_LINE) else line)
    return "\n".join(lines) + "\n"


def _claims_line(anchor: str, names: list[str]) -> str:
    nobody = "open: no claim yet" if _STATEMENT.fullmatch(anchor) else "none, this section introduces"
    return _LINE + (", ".join(f"`{name}`" for name in names) or nobody)
