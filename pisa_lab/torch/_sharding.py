"""Sharded parameters (DTensors): the own piece, the whole, and the way back."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

_KINDS: tuple[type, ...] = ()

if torch.distributed.is_available():
    from torch.distributed.tensor import DTensor, Replicate

    _KINDS = (DTensor,)


def sharded(tensor: Tensor) -> bool:
    """Return whether ``tensor`` is a DTensor."""
    return isinstance(tensor, _KINDS)


def local(tensor: Tensor) -> Tensor:
    """Return the piece of ``tensor`` that this rank holds, sharing its memory: itself where it is no DTensor."""
    return tensor.to_local() if sharded(tensor) else tensor  # type: ignore[attr-defined]


def local_all(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return the pieces of ``tensors`` that this rank holds."""
    return [local(tensor) for tensor in tensors]


def placed_like(tensor: Tensor, reference: Tensor) -> Tensor:
    """Return ``tensor`` with the placements of ``reference``, as a gradient must have before pieces are combined."""
    if not (sharded(tensor) and sharded(reference)) or tensor.placements == reference.placements:  # type: ignore[attr-defined]
        return tensor
    return tensor.redistribute(reference.device_mesh, reference.placements)  # type: ignore[attr-defined, no-any-return]


def shard_of(piece: Tensor, reference: Tensor) -> Tensor:
    """Return the tensor whose piece here is ``piece``, where the piece of ``reference`` lies; plain if that is."""
    if not sharded(reference):
        return piece
    like: Any = reference
    found: Tensor = DTensor.from_local(
        piece, like.device_mesh, like.placements, run_check=False, shape=reference.shape, stride=reference.stride()
    )
    return found


def whole(tensor: Tensor) -> Tensor:
    """Return all of ``tensor`` on every rank; communicates where it is a DTensor."""
    return tensor.full_tensor() if sharded(tensor) else tensor  # type: ignore[attr-defined]


def own_piece(full: Tensor, reference: Tensor) -> Tensor:
    """Return the piece of ``full``, known to every rank, that lies where this rank's piece of ``reference`` does."""
    if not sharded(reference):
        return full
    mesh = reference.device_mesh  # type: ignore[attr-defined]
    everywhere = DTensor.from_local(full, mesh, [Replicate()] * mesh.ndim, run_check=False)
    return everywhere.redistribute(mesh, reference.placements).to_local()  # type: ignore[attr-defined]
