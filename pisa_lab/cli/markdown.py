"""Tables for Markdown files: between two comment lines where the file has them, as the whole file elsewhere."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pisa_lab.cli.output import write_text
from pisa_lab.cli.tables import Column
from pisa_lab.stamp import stamp


def write_markdown(
    path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, mark: str, caption: str
) -> None:
    """Write ``rows`` to ``path`` as `write_marked` does; under the table stand ``caption``, the day and the stamp."""
    write_marked(path, "\n".join([*table_lines(rows, columns), "", caption_line(caption)]), mark=mark)


def table_lines(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> list[str]:
    """Return the lines of a Markdown table of ``rows``."""
    return [
        "| " + " | ".join(column.heading for column in columns) + " |",
        "|" + "".join("---:|" if column.right else "---|" for column in columns),
        *("| " + " | ".join(_cell(column.show(row[column.key])) for column in columns) + " |" for row in rows),
    ]


def caption_line(caption: str) -> str:
    """Return ``caption`` with the day and the stamp, in small type."""
    told, day = stamp(), datetime.datetime.now(datetime.UTC).date().isoformat()
    source = f"{caption}; pisa_lab {told['version']}, commit {told['commit']}, {day}, {told['machine']}, Python"
    return f"<sub>{source} {told['python']}, {told['libraries']}.</sub>"


def write_marked(path: Path, text: str, *, mark: str) -> None:
    """Write ``text`` to ``path``, between ``<!-- mark:begin -->`` and ``<!-- mark:end -->`` if both lines are there."""
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if begin in before and end in before:
        head, rest = before.split(begin, 1)
        text = f"{head}{begin}\n{text.rstrip()}\n{end}{rest.split(end, 1)[1]}"
    write_text(path, text.rstrip("\n") + "\n")


def _cell(text: str) -> str:
    """Return ``text`` on one line, with what would end a cell escaped."""
    return " ".join(text.split()).replace("|", "\\|")
