"""``pisa-lab claims``: list the claims with strength, expected verdict and statement; write the index of the proofs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pisa_lab.cli.output import writable, write_json, write_text
from pisa_lab.cli.tables import Column, console, print_table
from pisa_lab.stamp import stamp
from proofs_check import mathematics, table
from proofs_check.commands.selection import chosen
from proofs_check.formal import read_manifest, strength

GAP = 3
"""Blanks between two columns of a table."""
LEAST = 24
"""Columns that a statement has at least, however narrow the terminal is."""


def command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="claims: names, prefixes or globs")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the rows there")] = None,
    index: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the claims of each section into its lines “Claims: …”")
    ] = None,
) -> int:
    """Return 0; nothing is checked."""
    claims = chosen(names or [], table.CLAIMS)
    writable("--json", json_file)
    writable("--index", index)
    manifest = read_manifest()
    rows = [
        {
            "name": claim.name,
            "strength": strength(claim, manifest=manifest),
            "expected": str(claim.expected),
            "kind": claim.kind,
            "provenance": claim.provenance,
            "statement": claim.statement,
            **stamp(),
        }
        for claim in claims
    ]
    print_table(rows, _columns(rows))
    if json_file is not None:
        write_json(json_file, rows)
    if index is not None:
        write_text(index, mathematics.list_claims(index.read_text(encoding="utf-8"), table.CLAIMS))
    return 0


def _columns(rows: Sequence[dict[str, Any]]) -> list[Column]:
    """Return the columns, the statement cut to what is left of the terminal."""
    columns = [Column("name", "name"), Column("strength", "strength"), Column("expected", "expected")]
    widths = [max(len(column.heading), *(len(row[column.key]) for row in rows)) for column in columns]
    room = max(LEAST, console().width - sum(widths) - GAP * len(columns))
    return [*columns, Column("statement", "statement", lambda text: _cut(text, room))]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else f"{text[: room - 1].rstrip()}…"
