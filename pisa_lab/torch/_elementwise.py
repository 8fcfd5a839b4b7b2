"""Work on parameters entry by entry: what every preconditioner but the orthogonal one's matrices comes down to."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pisa_lab.torch._settings import Rule
from pisa_lab.torch._sharding import local, local_all, placed_like
from pisa_lab.torch._work import Entry, Work


def kept(param: Tensor) -> Tensor:
    """Return zeros to keep beside ``param``, in its memory format and with its placements."""
    return torch.zeros_like(param, memory_format=torch.preserve_format)


def elementwise(
    form: str,
    entries: Sequence[Entry],
    extra: str = "",
    *,
    directions: Sequence[Tensor] | None = None,
    extras: Sequence[Tensor] | None = None,
    rule: Rule | None = None,
) -> Work:
    """Return the work of ``entries`` on the pieces that this rank holds.

    ``extra`` names the state that Q comes from, or ``extras`` are its tensors; ``directions`` stand for the gradients,
    and ``rule`` for the group's. Both lists are already of this rank's pieces.
    """
    if extras is None:
        extras = local_all([entry.state[extra] for entry in entries]) if extra else []
    if directions is None:
        directions = [local(placed_like(entry.gradient, entry.param)) for entry in entries]
    return Work(
        form,
        local_all([entry.param for entry in entries]),
        list(directions),
        local_all([entry.state["multiplier"] for entry in entries]),
        list(extras),
        [entry.state["step"] for entry in entries],
        rule,
    )
