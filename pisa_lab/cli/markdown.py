"""Tables for Markdown files: a new file, or between two comment lines of one that has them; never over other text."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pisa_lab.cli.output import writable, write_text
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


def check_marked(option: str, path: Path | None, mark: str) -> None:
    """Check, before any work, that a table can be written to ``path`` without losing what is there.

    Raises:
        ValueError: ``path`` cannot be written, or holds text and not the two lines between which the table goes.
    """
    writable(option, path)
    if path is not None:
        _around(option, path, mark)


def write_marked(path: Path, text: str, *, mark: str) -> None:
    """Write ``text`` to ``path``: between its lines ``<!-- mark:begin -->`` and ``<!-- mark:end -->``, or a new file.

    Raises:
        ValueError: the file holds text and not those two lines; it stays as it is.
    """
    before, after = _around("path", path, mark)
    write_text(path, f"{before}{text.rstrip()}\n{after}")


def _around(name: str, path: Path, mark: str) -> tuple[str, str]:
    """Return what stands before and after the place of the table; nothing where there is no text."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    head, begun, rest = text.partition(begin)
    _, ended, tail = rest.partition(end)
    if ended:
        return f"{head}{begun}\n", f"{ended}{tail.rstrip()}\n"
    if text.strip():
        raise ValueError(f"{name}: {str(path)!r} holds text and not the lines {begin} and {end} around the table")
    return "", ""


def _cell(text: str) -> str:
    """Return ``text`` on one line, with what would end a cell escaped."""
    return " ".join(text.split()).replace("|", "\\|")
