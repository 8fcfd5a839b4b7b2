"""What the ranks of a process group must agree on: the numbers that they move by, and where they start."""

from typing import Any

import torch

from pisa_lab.torch._sharding import local
from pisa_lab.torch._state import as_real

_NAMES = ("lr", "penalty", "rho", "momentum", "weight_decay", "beta", "eps", "tau", "elementwise_lr")
"""The keys of a group that all ranks must move by."""


def check_settings(current: Any) -> None:
    """Check that all ranks move by the same numbers: a scheduler that looks at a local loss lets them drift apart.

    ``current`` is the `Round`. On a processor in every round; elsewhere, where a look waits for the device, in each of
    the first and then in every 64th.

    Raises:
        ValueError: they do not.
    """
    if current.layout.mesh is None or (current.device.type != "cpu" and current.rounds > 8 and current.rounds % 64):
        return
    found = [(name, float(group[name])) for group in current.param_groups for name in _NAMES if name in group]
    own = [number for _, number in found]
    reduced = current.reduced(own + [-number for number in own], torch.distributed.ReduceOp.MAX)
    for (name, _), most, least in zip(found, reduced[: len(own)], reduced[len(own) :], strict=True):
        if most + least > 1e-9 * abs(most):
            raise ValueError(
                f"{name}: between {-least:g} and {most:g} on the ranks of process_group; one shared w needs one rule: "
                "let every rank's scheduler see the same loss"
            )


def check_parameters(current: Any) -> None:
    """Check that all ranks have the same parameters: increments would carry a difference along for ever.

    Raises:
        ValueError: they have not.
    """
    pieces = [local(as_real(param.detach())) for param in current.groups]
    sums = sum(float(torch.sum(piece, dtype=torch.float64)) for piece in pieces)
    sizes = sum(float(torch.linalg.vector_norm(piece, 1, dtype=torch.float64)) for piece in pieces)
    numbers = [float(sum(piece.numel() for piece in pieces)), float(current.clients.count), sums, sizes]
    reduced = current.reduced(numbers + [-number for number in numbers], torch.distributed.ReduceOp.MAX)
    names = ("number of parameters", "clients of a rank", "parameters", "parameters")
    # Other devices add in another order: 1e-6 of the size tells rounding from another seed.
    allowed = (0.0, 0.0, 1e-6 * reduced[3], 1e-6 * reduced[3])
    for name, most, least, slack in zip(names, reduced[:4], reduced[4:], allowed, strict=True):
        if most + least > slack:
            raise ValueError(f"params: the {name} differ between the ranks of process_group; start from the same")
