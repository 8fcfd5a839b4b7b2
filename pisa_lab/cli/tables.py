"""Tables on the terminal: as wide as their content, and without cutting a name where the terminal is narrower."""

import dataclasses
import math
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

Row = Mapping[str, Any]
_SHOWN = 4
UNBOUNDED = 4096
"""The width of what is not a terminal, where no COLUMNS says otherwise."""


@dataclasses.dataclass(frozen=True)
class Column:
    """One column: the row's key, the heading, and how a value is shown; numbers stand to the right."""

    key: str
    heading: str
    show: Callable[[Any], str] = str
    right: bool = False
    style: Callable[[Row], str] = lambda row: ""

    def cell(self, row: Row) -> Text:
        """Return the cell of ``row``."""
        return Text(self.show(row[self.key]), style=self.style(row), justify="right" if self.right else "left")


def number(digits: int = 3) -> Callable[[Any], str]:
    """Return a function that shows a number, or some, with ``digits`` significant digits, and "—" for none."""

    def show(value: Any) -> str:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "—"
        if isinstance(value, list | tuple):
            ending = f", … of {len(value)}" if len(value) > _SHOWN else ""
            return ", ".join(show(entry) for entry in value[:_SHOWN]) + ending
        return f"{value:.{digits}g}" if isinstance(value, float) else str(value)

    return show


def console(free: int = UNBOUNDED) -> Console:
    """Return the console of standard output; what is no terminal has ``free`` columns unless COLUMNS says otherwise."""
    is_free = not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal()
    is_free = is_free or os.environ.get("COLUMNS") == "0"
    return Console(width=free if is_free else None, highlight=False, soft_wrap=False)


def print_table(
    rows: Sequence[Row], columns: Sequence[Column], *, transposed: bool = False, free: int = UNBOUNDED
) -> None:
    """Print ``rows``; where they are wider than the terminal no cell is cut.

    Then the rows stand side by side (with ``transposed``, if that fits), or each below the next.
    """
    out = console(free)
    shapes = [_flat(rows, columns), *([_transposed(rows, columns)] if transposed else [])]
    fitting = [table for table in shapes if _width(out, table) <= out.width]
    if fitting:
        out.print(fitting[0])
    else:
        _print_stacked(out, rows, columns)


def _width(out: Console, table: Table) -> int:
    return Measurement.get(out, out.options.update(width=UNBOUNDED), table).maximum


def _transposed(rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    table.add_column(columns[0].heading, no_wrap=True)
    for row in rows:
        table.add_column(columns[0].show(row[columns[0].key]), justify="right", no_wrap=True)
    for column in columns[1:]:
        table.add_row(column.heading, *(column.cell(row) for row in rows))
    return table


def _flat(rows: Sequence[Row], columns: Sequence[Column]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for column in columns:
        table.add_column(column.heading, justify="right" if column.right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(column.cell(row) for column in columns))
    return table


def _print_stacked(out: Console, rows: Sequence[Row], columns: Sequence[Column]) -> None:
    """Print each row as two lines, or as a paragraph where the second line would not fit either."""
    lead, rest = columns[0], columns[1:]
    texts = [[column.cell(row) for column in rest] for row in rows]
    widths = [max([len(column.heading), *(len(line[place]) for line in texts)]) for place, column in enumerate(rest)]
    fits = sum(widths) + 2 * len(widths) <= out.width
    if fits:
        headings = [Text(column.heading, style="bold") for column in rest]
        out.print(Text(lead.heading, style="bold"))
        out.print(_line(headings, widths, rest))
    for row, line in zip(rows, texts, strict=True):
        out.print(lead.cell(row), overflow="fold", style="bold")
        out.print(_line(line, widths, rest) if fits else Padding(_sentence(line, rest), (0, 0, 0, 2)))


def _line(cells: Sequence[Text], widths: Sequence[int], columns: Sequence[Column]) -> Text:
    line = Text("")
    for cell, width, column in zip(cells, widths, columns, strict=True):
        gap = " " * (width - len(cell))
        line += Text(f"  {gap}") + cell if column.right else Text("  ") + cell + Text(gap)
    line.rstrip()
    return line


def _sentence(cells: Sequence[Text], columns: Sequence[Column]) -> Text:
    named = [
        Text(f"{column.heading}: ") + cell for cell, column in zip(cells, columns, strict=True) if cell.plain != "—"
    ]
    return Text(" · ").join(named)
