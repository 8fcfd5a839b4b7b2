"""The table of claims as Markdown: one table a group, each name linked to its mathematics and to Coq's theorem."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pisa_lab.cli.markdown import caption_line, table_lines, write_marked
from pisa_lab.cli.tables import Column, number
from proofs_check import mathematics
from proofs_check.claim import Claim
from proofs_check.commands.claim_rows import mathematics_link, theorems_of
from proofs_check.formal import Manifest

COLUMNS = (
    Column("claim", "claim"),
    Column("verdict", "verdict"),
    Column("strength", "strength"),
    Column("kind", "kind"),
    Column("provenance", "provenance"),
    Column("margin", "margin", number(), right=True),
    Column("says", "statement, and under which hypotheses"),
)


def write_claims(
    path: Path, claims: Sequence[Claim], rows: Sequence[Mapping[str, Any]], manifest: Manifest, caption: str
) -> None:
    """Write the table of ``claims`` with their ``rows`` to ``path``, between its marks where it has them.

    Args:
        path: the Markdown file; links are made from its folder.
        claims: the claims in the order of their rows.
        rows: the rows of `finding_row`.
        manifest: Coq's record, for the links of kernel rows.
        caption: what was run.
    """
    lines: list[str] = []
    for group, title in mathematics.GROUPS.items():
        members = [
            {**row, **static_cells(claim, row["strength"], manifest, path.parent)}
            for claim, row in zip(claims, rows, strict=True)
            if mathematics.group_of(claim) == group
        ]
        lines += [f"### {title}", "", *table_lines(members, COLUMNS), ""] if members else []
    write_marked(path, "\n".join([*lines, caption_line(caption)]), mark="claims")


def static_cells(claim: Claim, strength: str, manifest: Manifest, folder: Path) -> dict[str, str]:
    """Return the cells that no run changes: the linked name, the linked strength, statement and hypotheses."""
    from pisa_lab.report.typeset import replace_ascii

    place = mathematics.place_of(claim)
    statement, *hypotheses = (_escaped(replace_ascii(text)) for text in (claim.statement, *claim.hypotheses))
    says = statement + (f"<br><sub>{'; '.join(hypotheses)}</sub>" if hypotheses else "")
    return {
        "claim": f"[{claim.name}]({mathematics_link(place, folder)})" if place else claim.name,
        "strength": _linked_strength(claim, strength, manifest, folder) or "—",
        "says": says,
    }


def _linked_strength(claim: Claim, strength: str, manifest: Manifest, folder: Path) -> str:
    if strength != "kernel":
        return strength
    first, *others = (theorem["link"] for theorem in theorems_of(claim, manifest, folder))
    numbered = (f"[{place}]({link})" for place, link in enumerate(others, 2))
    return " ".join([f"[kernel]({first})", *numbered])


def _escaped(text: str) -> str:
    """Return ``text`` with what Markdown would read as its own; the table itself takes care of pipes."""
    return re.sub(r"([\\`*_\[\]<>$~#])", r"\\\1", text)
