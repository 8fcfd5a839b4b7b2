"""Where the client axis lies: in this process, or sharded over the ranks, beside the axes that FSDP shards."""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch._settings import Clients
from pisa_lab.torch._sharding import local, shard_of, sharded

if torch.distributed.is_available():
    from torch.distributed import ProcessGroup, get_world_size
    from torch.distributed.device_mesh import DeviceMesh
    from torch.distributed.tensor import DTensor, Replicate, Shard

AXIS = "client"
"""The name of the clients' dimension in a mesh that has several."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """The clients of this rank, ``first`` to ``first + count``, among ``total``.

    ``mesh`` is None where all are here; its dimension ``axis`` is the clients', the others are the parameters'.
    """

    count: int
    first: int
    total: int
    mesh: Any = None
    axis: int = 0

    @property
    def group(self) -> Any:
        """The process group of the ranks that agree on w, None where all clients are here."""
        return None if self.mesh is None else self.mesh.get_group(self.axis)

    def kept(self, value: Tensor) -> Tensor:
        r"""Return ``value``, one client's, repeated for every client: (total, \*shape), here the rows of this rank.

        A client's slice has the strides of ``value``. Under a mesh it is a DTensor, so that torch's distributed
        checkpoint keeps the rows of all ranks and does not take those of one for everybody's.
        """
        piece = local(value)
        rows = piece.new_empty((self.count, piece.numel()))
        rows = rows.as_strided((self.count, *piece.shape), (piece.numel(), *piece.stride()))
        rows.copy_(piece.expand(rows.shape))
        return self._placed(rows, value)

    def stamp(self, like: Tensor) -> Tensor:
        """Return the numbers of the clients, placed as what ``kept`` returns."""
        rows = torch.arange(self.first, self.first + self.count, device=local(like).device)
        return rows if self.mesh is None else self._placed(rows, None)

    def _placed(self, rows: Tensor, value: Tensor | None) -> Tensor:
        placements = self._placements(value)
        if placements is None:
            return rows
        mesh = value.device_mesh if self.mesh is None else self.mesh  # type: ignore[union-attr]
        shape = (self.total, *(() if value is None else value.shape))
        stride = (1,) if value is None else (value.numel(), *value.stride())
        placed: Tensor = DTensor.from_local(
            rows, mesh, placements, run_check=False, shape=torch.Size(shape), stride=stride
        )
        return placed

    def _placements(self, value: Tensor | None) -> list[Any] | None:
        """Return where the rows of ``value`` lie, None if they are no DTensor."""
        if value is None or not sharded(value):
            return (
                None
                if self.mesh is None
                else [Shard(0) if axis == self.axis else Replicate() for axis in range(self.mesh.ndim)]
            )
        shifted = [_behind_the_clients(placement) for placement in value.placements]  # type: ignore[attr-defined]
        if self.mesh is None:
            return shifted
        self._check_mesh(value)
        return [*shifted[: self.axis], Shard(0), *shifted[self.axis :]]

    def _check_mesh(self, value: Any) -> None:
        names = self.mesh.mesh_dim_names or ()
        others = tuple(name for axis, name in enumerate(names) if axis != self.axis)
        if value.device_mesh.mesh_dim_names != others or value.device_mesh.ndim != self.mesh.ndim - 1:
            raise ValueError(
                f"process_group: the parameters are sharded over {value.device_mesh}, and {self.mesh} is not that with "
                f"a dimension {AXIS!r} more; give the whole mesh, and fully_shard the rest of its dimensions"
            )


def _behind_the_clients(placement: Any) -> Any:
    """Return the placement of a tensor's axes once the client axis stands before them."""
    if isinstance(placement, Replicate):
        return placement
    if type(placement) is not Shard:
        raise ValueError(f"params: {placement} has no counterpart with a client axis; Shard and Replicate have")
    return Shard(placement.dim + 1)


def one_client(rows: Tensor, place: int, param: Tensor) -> Tensor:
    """Return the slice of one client of this rank, sharing memory; placed as ``param`` where its shape is that."""
    piece = local(rows)[place]
    return shard_of(piece, param) if piece.shape == local(param).shape else piece


def layout_of(clients: Clients, device: torch.device) -> Layout:
    """Return the layout of ``clients``, whose parameters are on ``device``.

    Raises:
        ValueError: ``process_group`` is no group or mesh, this rank is not in it, or no dimension is the clients'.
    """
    given = clients.process_group
    if given is None:
        return Layout(clients.count, 0, clients.count)
    if not torch.distributed.is_available() or not isinstance(given, ProcessGroup | DeviceMesh):
        raise ValueError(f"process_group: {given!r} is no mesh, and no group of torch.distributed this rank is in")
    mesh = given if isinstance(given, DeviceMesh) else DeviceMesh.from_group(given, device.type)
    names = mesh.mesh_dim_names or ()
    if mesh.ndim > 1 and AXIS not in names:
        raise ValueError(f"process_group: {mesh} has several dimensions, and none is named {AXIS!r}")
    axis = names.index(AXIS) if mesh.ndim > 1 else 0
    ranks = get_world_size(mesh.get_group(axis))
    first = mesh.get_local_rank(axis) * clients.count
    return Layout(clients.count, first, ranks * clients.count, mesh, axis)
