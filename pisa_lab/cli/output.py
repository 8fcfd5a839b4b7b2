"""Files that a command writes: checked before the work, JSON without NaN, and never half a file."""

import json
from pathlib import Path
from typing import Any

from pisa_lab.files import check_writable, plain, write_text

__all__ = ["plain", "writable", "writable_folder", "write_json", "write_text"]


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
