"""A summary in a file: JSON, one cell a line, small enough for a repository."""

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pisa_lab.ablation.summary import FORMAT, Cell, Summary
from pisa_lab.files import write_text


def write_summary(path: str | Path, summary: Summary) -> None:
    """Write ``summary`` as JSON, one cell a line, numbers to five digits; a hit without hvps is one number."""
    document = _rounded(dataclasses.asdict(summary))
    for cell in document["cells"]:
        for name, hits in cell["hits"].items():
            cell["hits"][name] = [hit[0] if hit and not hit[1] else hit for hit in hits]
    cells = ",\n".join(_line(cell) for cell in document.pop("cells"))
    head = ",\n".join(f"{json.dumps(name)}: {_line(value)}" for name, value in document.items())
    write_text(path, f'{{\n{head},\n"cells": [\n{cells}\n]\n}}\n')


def read_summary(path: str | Path) -> Summary:
    """Return the summary in the file at ``path``.

    Raises:
        ValueError: it cannot be read, or is none.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}, {FORMAT} is read")
        cells = tuple(_cell_from(cell) for cell in document.pop("cells"))
        problems, methods = tuple(document.pop("problems")), tuple(document.pop("methods"))
        return Summary(cells=cells, problems=problems, methods=methods, **document)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"results: {str(path)!r} is no summary of a study ({error})") from error


def _cell_from(document: Mapping[str, Any]) -> Cell:
    fields = dict(document)
    for name in ("edges", "rounds"):
        fields[name] = tuple(fields[name])
    for name in ("grid", "curve"):
        fields[name] = tuple(tuple(row) for row in fields[name])
    fields["finals"] = {name: tuple(values) for name, values in fields["finals"].items()}
    fields["hits"] = {
        name: tuple((hit[0], hit[1]) if isinstance(hit, list) else hit and (hit, 0) for hit in values)
        for name, values in fields["hits"].items()
    }
    return Cell(**fields)


def _rounded(value: Any) -> Any:
    """Return ``value`` with numbers to five digits, and None for what is not finite."""
    if isinstance(value, Mapping):
        return {name: _rounded(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    if isinstance(value, float):
        short = float(f"{value:.5g}")
        # Beyond 2⁵³ the digits of an integer are none of the value's, and beyond 2⁶³ it is no number of an array.
        return None if not math.isfinite(value) else int(short) if abs(short) < 2**53 and short.is_integer() else short
    return value


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
