"""What the last checks found, kept beside the witnesses so that `pisa-lab explain` can show it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pisa_lab.cli.output import write_json

FINDINGS = Path(".pisa_lab") / "findings.json"
"""Where `pisa-lab verify` leaves its rows, the last one of each claim."""


def read_findings(path: Path = FINDINGS) -> dict[str, Mapping[str, Any]]:
    """Return the last row of each claim by name; none where the file is missing or is not of this form."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {str(row["name"]): row for row in rows}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def keep_findings(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write ``rows`` to ``path`` in the place of older ones of the same claims; the others stay."""
    write_json(path, list({**read_findings(path), **{str(row["name"]): row for row in rows}}.values()))
