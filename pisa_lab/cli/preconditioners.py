"""``pisa-lab preconditioners``: the table of preconditioners, with what each guarantees, needs and costs."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from pisa_lab.cli.output import writable, write_json
from pisa_lab.cli.tables import Column, number, print_table
from pisa_lab.preconditioners import PRECONDITIONERS, PreconditionerRow
from pisa_lab.problem import from_functions


def _word(value: str) -> str:
    return value or "—"


COLUMNS = (
    Column("name", "name"),
    Column("bound", "Q ⪯", number(), right=True),
    Column("guarantee", "because", _word),
    Column("needs", "needs", _word),
    Column("buffers", "buffers", _word),
    Column("cost", "cost", _word),
    Column("summary", "summary"),
)


def command(
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the rows there")] = None,
) -> int:
    """Return 0 after listing the preconditioners; "Q ⪯" is the bound η that each guarantees, where it does."""
    writable("--json", json_file)
    problem = from_functions([(lambda w: 0.0, np.zeros_like)], np.zeros(2))
    rows = [_row(row, problem) for row in PRECONDITIONERS]
    print_table(rows, COLUMNS)
    if json_file is not None:
        write_json(json_file, rows)
    return 0


def _row(row: PreconditionerRow, problem: Any) -> dict[str, Any]:
    guarantee = row.build(problem).guarantee
    return {
        "name": row.name,
        "bound": guarantee.bound,
        "guarantee": guarantee.reason,
        "needs": row.needs,
        "buffers": row.buffers,
        "cost": row.cost,
        "summary": row.summary,
    }
