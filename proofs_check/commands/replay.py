"""``pisa-lab replay``: run a witness again and show stored against recomputed numbers."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from pisa_lab.cli.output import plain, writable, write_json
from pisa_lab.cli.tables import Column, console, number, print_table
from pisa_lab.stamp import stamp
from problems.commands.configuration import named
from proofs_check.witness import Replay
from proofs_check.witness import replay as replayed

COLUMNS = (
    Column("number", "number"),
    Column("stored", "stored", number(10), right=True),
    Column("recomputed", "recomputed", number(10), right=True),
)
_ARGUMENT = dict.fromkeys(("path", "statement", "format", "verdict", "instance", "numbers", "claim", "name"), "WITNESS")


def command(
    witness: Annotated[str, typer.Argument(metavar="WITNESS", help="a file, or a claim with a shipped witness")],
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the rows there")] = None,
) -> int:
    """Return 0 when the stored verdict and numbers come out again, 1 otherwise."""
    writable("--json", json_file)
    with named(_ARGUMENT):
        found = replayed(witness)
    rows = _rows(found)
    _print_head(found)
    print_table(rows, COLUMNS)
    _print_verdict(found)
    if json_file is not None:
        write_json(json_file, rows)
    return 0 if found.reproduced else 1


def _rows(found: Replay) -> list[dict[str, Any]]:
    stored, fresh = plain(found.witness.numbers), plain(found.numbers)
    names = (*stored, *(name for name in fresh if name not in stored))
    claim = {"claim": found.claim.name}
    return [
        claim | {"number": name, "stored": stored.get(name), "recomputed": fresh.get(name)} | stamp() for name in names
    ]


def _print_head(found: Replay) -> None:
    out = console(100)
    out.print(Text(found.claim.name, style="bold"))
    out.print(Padding(Text(found.claim.statement), (0, 0, 1, 2)))
    out.print(Text("instance", style="bold"))
    instance = json.dumps(plain(found.witness.instance), ensure_ascii=False)
    out.print(Padding(Text(instance, overflow="fold"), (0, 0, 1, 2)))


def _print_verdict(found: Replay) -> None:
    out = console(100)
    origin = " ".join(str(found.witness.stamp[name]) for name in ("version", "commit") if found.witness.stamp.get(name))
    out.print(Text(f"\nstored by pisa_lab {origin}: {found.witness.verdict}; now: {found.verdict}"))
    for line in found.differences:
        out.print(Text(f"  {line}", style="red"))
    out.print(Text("reproduces" if found.reproduced else "does not reproduce", style="bold"))
