"""Checkpoints: tensors and plain values alone, read without unpickling code, and never half a file."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from pisa_lab.files import write_whole

FORMAT = 1


def write_checkpoint(path: Path, values: Mapping[str, Any]) -> None:
    """Write ``values`` beside ``path`` and rename: after a kill the old file or the new one is there, whole."""
    write_whole(path, lambda partial: torch.save({"format": FORMAT, **values}, partial))


def put_aside(path: Path) -> Path | None:
    """Rename the checkpoint of an interrupted run and return its new name; None where there is none at ``path``."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError, KeyError, IndexError):
        return None
    if not isinstance(found, dict) or found.get("is_over", True):
        return None
    return path.replace(path.with_name(f"{path.name}.old"))


def read_checkpoint(
    path: Path, *, configuration: str, sha256: str, device: str, entries: Sequence[str] = ()
) -> dict[str, Any]:
    """Return what `write_checkpoint` wrote for ``configuration`` on the data of ``sha256``, ``entries`` among it.

    Raises:
        ValueError: no checkpoint, a damaged one, or one of another run or other data.
    """
    try:
        found = torch.load(path, map_location=device, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError, KeyError, IndexError) as error:
        reason = " ".join(str(error).split())[:200] or "empty"
        raise ValueError(f"checkpoint: {str(path)!r} cannot be read ({reason})") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"checkpoint: {str(path)!r} is none of pisa_lab's")
    if lacking := [name for name in ("configuration", "data_sha256", *entries) if name not in found]:
        raise ValueError(f"checkpoint: {str(path)!r} lacks {', '.join(lacking)}")
    if found["configuration"] != configuration:
        raise ValueError(f"checkpoint: {str(path)!r} is of another configuration: {found['configuration']}")
    if found["data_sha256"] != sha256:
        raise ValueError(f"checkpoint: {str(path)!r} is of data with sha256 {found['data_sha256']}, not {sha256}")
    return found
