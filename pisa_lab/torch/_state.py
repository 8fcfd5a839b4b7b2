"""The state of one parameter: made at its first gradient, checked when it is loaded."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch._preconditioners import by_name
from pisa_lab.torch._sharding import placed_like

GRAPHS = ("cuda", "xpu", "hpu", "xla")
"""The kinds of device whose graphs can hold a step."""


def as_real(tensor: Tensor) -> Tensor:
    """Return ``tensor``, of a complex one its view as pairs."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def first_state(group: Mapping[str, Any], param: Tensor, gradient: Tensor) -> dict[str, Tensor]:
    """Return the state of a parameter at its first gradient."""
    if group["capturable"] and param.device.type not in GRAPHS:
        raise ValueError(f"capturable: True needs parameters on {', '.join(GRAPHS)}, one is on {param.device}")
    kept = by_name(group["preconditioner"]).init(param, group)
    multiplier = torch.zeros_like(as_real(param), memory_format=torch.preserve_format)
    # What is orthogonalised has no warm start: there π answers to o, of another size than g.
    if group["warm"] and "momentum" not in kept:
        multiplier.add_(placed_like(as_real(gradient), multiplier), alpha=1 if group["maximize"] else -1)
    return {"step": _count(0.0, group, param), "multiplier": multiplier, **{k: as_real(x) for k, x in kept.items()}}


def _count(value: float, group: Mapping[str, Any], param: Tensor) -> Tensor:
    """Return a count of steps, on the parameter's device where a graph must find it."""
    dtype = torch.float64 if torch.get_default_dtype() == torch.float64 else torch.float32
    return torch.tensor(value, dtype=dtype, device=param.device if group["capturable"] else "cpu")


def count(steps: list[Tensor]) -> None:
    """Add one to ``steps``, in place."""
    if torch.compiler.is_compiling() or steps[0].device.type != "cpu":
        torch._foreach_add_(steps, 1)
    else:
        # A number would become a tensor once for each of them.
        torch._foreach_add_(steps, torch.tensor(1.0), alpha=1.0)


def check_loaded(state: dict[str, Any] | None, group: Mapping[str, Any], param: Tensor) -> None:
    """Check that ``state`` is this class's, and make its count a tensor."""
    if not state:
        return
    if "multiplier" not in state:
        raise ValueError(f"state_dict: holds {sorted(state)} and no 'multiplier'; it belongs to another optimiser")
    if not isinstance(state["step"], Tensor):
        state["step"] = _count(float(state["step"]), group, param)
