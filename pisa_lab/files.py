"""Files that are there whole or not at all, and values as JSON says them; devices, links and modes stay as they are."""

import contextlib
import enum
import math
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

STANDARD_OUTPUT = "-"
"""The name that stands for standard output."""


def write_whole(path: str | Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file beside ``path`` and rename it, so that no reader sees half of it.

    A link is followed and an old file's mode kept; what is no regular file (a device, a pipe) is written to, and "-"
    is standard output. Nothing is left behind when ``write`` fails or the disk is full.

    Raises:
        OSError: the file cannot be written.
    """
    if str(path) == STANDARD_OUTPUT or _is_special(Path(path)):
        _pass_through(Path(path), write)
        return
    target = Path(path).resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        write(partial)
        with contextlib.suppress(FileNotFoundError):
            partial.chmod(stat.S_IMODE(target.stat().st_mode))
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all."""
    write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def check_writable(path: Path) -> None:
    """Check, before any work, that a file can be written at ``path``.

    Raises:
        OSError: it cannot.
    """
    if str(path) == STANDARD_OUTPUT:
        return
    if _is_special(path):
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "Permission denied")
        return
    target = path.resolve()
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(13, "Permission denied")
    with tempfile.TemporaryFile(dir=target.parent):
        pass


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


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()


def _pass_through(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file, and copy it to what is no file."""
    with tempfile.TemporaryDirectory() as folder:
        partial = Path(folder) / "whole"
        write(partial)
        with partial.open("rb") as source:
            if str(path) == STANDARD_OUTPUT:
                sys.stdout.flush()
                shutil.copyfileobj(source, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            else:
                with path.open("wb") as target:
                    shutil.copyfileobj(source, target)
