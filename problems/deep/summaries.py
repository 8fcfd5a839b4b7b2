"""What rows of runs come to: one line for each optimizer, with means over seeds and Student intervals."""

import gzip
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pisa_lab.inference.student import half_width
from pisa_lab.loop import Status

KEYS = ("family", "model", "size", "data_sha256", "clients", "partition", "optimizer", "settings", "rounds", "batch")
"""Columns in which runs agree that are averaged; the schedule is another."""
NEEDED = (*KEYS, "schedule", "seed", "round", "phase", "status", "validation_loss", "test_metric_best", "trials")
_KINDS: Mapping[str, tuple[str, ...]] = {
    "a word": (
        "family", "model", "size", "data", "data_sha256", "partition", "optimizer", "schedule", "phase", "status",
        "metric", "commit",
    ),
    "a whole number": (
        "clients", "rounds", "batch", "seed", "round", "trials", "gradients", "bytes_up", "bytes_down", "parameters",
        "train_rows", "validation_rows", "test_rows",
    ),
    "a number or null": (
        "train_loss", "validation_loss", "validation_metric", "test_metric_best", "test_metric_end", "cpu_seconds",
    ),
    "a table of numbers": ("settings",),
    "a list of words": ("edge",),
}  # fmt: skip
"""What the columns hold that a table or figure shows."""
LEVEL = 0.95
Row = Mapping[str, Any]


def summaries(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return one row for each optimizer and setting that was reported, the least validation loss first.

    Means and half-widths are over the seeds; "…_half" is None for a single seed. A seed that broke down counts in
    ``broke`` and, where it has a score, in the means: with the best weights it had before.

    Raises:
        ValueError: rows that are none of `compare`'s.
    """
    checked(rows)
    found = [_summary(runs) for runs in grouped(rows).values()]
    return sorted(found, key=lambda row: (row["clients"], row["partition"], _order(row["validation_loss"])))


def checked(rows: Sequence[Row]) -> None:
    """Check that ``rows`` are those of `compare`, of one family.

    Raises:
        ValueError: they are not.
    """
    missing = [name for name in NEEDED for row in rows if name not in row]
    if missing or not rows:
        raise ValueError(f"rows: {f'without {missing[0]!r}' if missing else 'none'}; they must be those of a training")
    families = sorted({str(row["family"]) for row in rows})
    if len(families) > 1:
        raise ValueError(f"rows: of {' and '.join(families)}; a table shows one family")


def read_rows(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the rows of files that `pisa-lab train --json` wrote, gzipped or not.

    Raises:
        ValueError: a file that cannot be read or holds something else.
    """
    rows: list[dict[str, Any]] = []
    for path in paths:
        try:
            opened = gzip.open if path.suffix.lower() == ".gz" else open
            with opened(path, "rt", encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
            raise ValueError(f"rows: {str(path)!r} cannot be read ({error})") from error
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise ValueError(f"rows: {str(path)!r} holds no rows of `pisa-lab train --json`")
        for row in found:
            _check_kinds(row, str(path))
        rows += found
    checked(rows)
    if not any(row["phase"] == "report" for row in rows):
        raise ValueError("rows: of tuning alone; none has the phase 'report'")
    return rows


def _check_kinds(row: Row, path: str) -> None:
    for kind, names in _KINDS.items():
        for name in names:
            if name not in row or not _is(kind, row[name]):
                said = f"{name} is {row[name]!r}, not {kind}" if name in row else f"without {name!r}"
                raise ValueError(f"rows: {path!r} holds rows {said}; they must be those of `pisa-lab train --json`")


def _is(kind: str, value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "a table of numbers":
        return isinstance(value, dict) and all(_is("a number", entry) for entry in value.values())
    if kind == "a list of words":
        return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    if kind == "a word":
        return isinstance(value, str)
    if kind == "a whole number":
        return is_number and isinstance(value, int) and 0 <= value < 2**63
    return is_number or (value is None and kind.endswith("null"))


def grouped(rows: Sequence[Row]) -> dict[str, dict[int, list[Row]]]:
    """Return the reported rows by what agrees, then by seed, each run's in the order of its rounds."""
    groups: dict[str, dict[int, list[Row]]] = {}
    for row in sorted(rows, key=lambda row: int(row["round"])):
        if row["phase"] == "report":
            key = json.dumps([row[name] for name in (*KEYS, "schedule")], sort_keys=True)
            groups.setdefault(key, {}).setdefault(int(row["seed"]), []).append(row)
    return groups


def interval(values: Sequence[Any]) -> tuple[float | None, float | None]:
    """Return mean and half-width of the 95 % interval by Student's t; None where there are too few values."""
    known = np.asarray([float(value) for value in values if value is not None])
    if known.size == 0:
        return None, None
    if known.size == 1:
        return float(known[0]), None
    return float(known.mean()), half_width(known, LEVEL)


def _summary(runs: Mapping[int, Sequence[Row]]) -> dict[str, Any]:
    ends = [run[-1] for run in runs.values()]
    first = ends[0]
    least = [min((row["validation_loss"] for row in run if row["validation_loss"] is not None), default=None)
             for run in runs.values()]  # fmt: skip
    found = {name: first[name] for name in (*KEYS, "schedule", "metric", "trials", "edge", "parameters", "data")}
    for name, values in (
        ("test_best", [row["test_metric_best"] for row in ends]),
        ("test_end", [row["test_metric_end"] for row in ends]),
        ("validation_loss", least),
    ):
        found[name], found[f"{name}_half"] = interval(values)
    return found | {
        "seeds": len(runs),
        "gradients": first["gradients"],
        "bytes": first["bytes_up"] + first["bytes_down"],
        "cpu_seconds": interval([row["cpu_seconds"] for row in ends])[0],
        "broke": sum(row["status"] == Status.NON_FINITE for row in ends),
        "unfinished": sum(row["status"] not in (Status.NON_FINITE, Status.FINISHED) for row in ends),
    }


def _order(value: Any) -> float:
    return math.inf if value is None else float(value)
