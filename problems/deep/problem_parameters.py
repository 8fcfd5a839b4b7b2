"""A model's trainable parameters as one flat vector, and back."""

from typing import Any

import torch
from torch import Tensor, nn

from pisa_lab.preconditioners.blocks import Blocks


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that make up w by name: those that require gradients and hold a number, tied ones once."""
    return {name: held for name, held in model.named_parameters() if held.requires_grad and held.numel()}


def layout(model: nn.Module) -> Blocks:
    """Return the (name, shape) pairs of the trainable parameters, in their order in w."""
    return tuple((name, tuple(held.shape)) for name, held in trainable(model).items())


def flat(model: nn.Module) -> Tensor:
    """Return w, (P,), a copy of the trainable parameters."""
    return torch.cat([held.detach().reshape(-1) for held in trainable(model).values()])


def named(w: Tensor, blocks: Blocks) -> dict[str, Tensor]:
    """Return views of ``w`` (P,) under the names of ``blocks``, in their shapes."""
    sizes = [torch.Size(shape).numel() for _, shape in blocks]
    return {name: piece.view(shape) for (name, shape), piece in zip(blocks, torch.split(w, sizes), strict=True)}


@torch.no_grad()
def load(model: nn.Module, w: Any) -> None:
    """Write ``w`` (P,) into the trainable parameters of ``model``, in their own type and place.

    Raises:
        ValueError: w is not one vector of as many numbers as they hold.
    """
    point, held = torch.as_tensor(w), trainable(model)
    size = sum(parameter.numel() for parameter in held.values())
    if point.shape != (size,):
        raise ValueError(f"w: shape {tuple(point.shape)} must be ({size},), the trainable parameters of the model")
    for name, piece in named(point, layout(model)).items():
        held[name].copy_(piece)
