"""Tables for Markdown files: between two comment lines where the file has them, as the whole file elsewhere."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pisa_lab.cli.output import write_text
from pisa_lab.cli.tables import number
from pisa_lab.stamp import stamp


def write_markdown(
    path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, mark: str, caption: str
) -> None:
    """Write ``rows`` to ``path``, between ``<!-- mark:begin -->`` and ``<!-- mark:end -->`` if both lines are there.

    Under the table stand ``caption``, the day, the version, the commit and the machine.
    """
    told, day = stamp(), datetime.datetime.now(datetime.UTC).date().isoformat()
    source = f"{caption}; pisa_lab {told['version']}, commit {told['commit']}, {day}, {told['machine']}, Python"
    lines = [
        "| " + " | ".join(columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in rows),
        "",
        f"<sub>{source} {told['python']}, {told['libraries']}.</sub>",
    ]
    table = "\n".join(lines)
    begin, end = f"<!-- {mark}:begin -->", f"<!-- {mark}:end -->"
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    if begin in before and end in before:
        head, rest = before.split(begin, 1)
        table = f"{head}{begin}\n{table}\n{end}{rest.split(end, 1)[1]}"
    else:
        table += "\n"
    write_text(path, table)


def _cell(value: Any) -> str:
    """Return ``value`` on one line, with what would end a cell escaped."""
    text = number()(value) if value is None or isinstance(value, float) else str(value)
    return " ".join(text.split()).replace("|", "\\|")
