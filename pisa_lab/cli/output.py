"""Files that a command writes: checked before the work, JSON without NaN, and never half a file."""

import enum
import json
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pisa_lab.files import check_writable, write_text

__all__ = ["plain", "writable", "writable_folder", "write_json", "write_text"]


def plain(value: Any) -> Any:
    """Return ``value`` as what JSON can say: NaN and infinities as None, arrays as lists, paths and enums as words."""
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, str | enum.Enum | os.PathLike):
        return str(value)
    if isinstance(value, bool | int) or value is None:
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Sequence | set | frozenset):
        return [plain(entry) for entry in value]
    return str(value)


def writable(option: str, path: Path | None) -> None:
    """Check, before any work, that ``path`` can be written.

    Raises:
        ValueError: it cannot; the message names ``option``.
    """
    if path is None:
        return
    if path.is_dir():
        raise ValueError(f"{option}: {str(path)!r} is a folder, a file is needed")
    try:
        check_writable(path)
    except OSError as error:
        raise ValueError(f"{option}: {str(path)!r} cannot be written ({error.strerror})") from error


def writable_folder(option: str, folder: Path) -> None:
    """Make ``folder`` and check that files can be written there.

    Raises:
        ValueError: they cannot; the message names ``option``.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{option}: {str(folder)!r} cannot be made ({error.strerror})") from error
    try:
        check_writable(folder / "index.html")
    except OSError as error:
        raise ValueError(f"{option}: {str(folder)!r} cannot be written ({error.strerror})") from error


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` to ``path`` as indented JSON."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")
