"""``pisa-lab rows``: what a store of trials holds, through a connection that cannot write."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pisa_lab.cli.output import writable, write_json
from pisa_lab.cli.tables import Column, number, print_table

OVERVIEW = """
SELECT study, {variant}phase, problem, method, status, count(*) AS trials, sum(seconds) AS seconds,
    group_concat(DISTINCT "commit") AS commits, min(reason) AS reason
FROM trials GROUP BY study, {variant}phase, problem, method, status
"""
"""What is shown without --sql; stores of format 1 know no variant."""


def command(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="a store's file, or a study's name: NAME.sqlite here")],
    sql: Annotated[
        str | None,
        typer.Option(
            metavar="SELECT",
            help="over the tables trials (its variant is full, quick, …), measures and points; an overview without it",
        ),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the rows there")] = None,
) -> int:
    """Return 0 after showing the rows that ``sql`` selects."""
    from pisa_lab.ablation.queries import query

    writable("--json", json_file)
    path = Path(study)
    if path.is_dir():
        raise ValueError(f"STUDY: {study!r} is a folder, a store's file is needed")
    file = path if path.is_file() else Path(f"{study}.sqlite")
    rows = query(file, _overview(file) if sql is None else sql)
    if rows:
        print_table(rows, [_column(name, rows) for name in rows[0]])
    else:
        print("no rows")
    if json_file is not None:
        write_json(json_file, rows)
    return 0


def _overview(file: Path) -> str:
    from pisa_lab.ablation.queries import query

    columns = query(file, "SELECT name FROM pragma_table_info('trials')")
    return OVERVIEW.format(variant="variant, " if {"name": "variant"} in columns else "")


def _column(name: str, rows: list[dict[str, Any]]) -> Column:
    is_number = all(isinstance(row[name], int | float) or row[name] is None for row in rows)
    return Column(name, name, number(5), right=is_number)
