"""The state of one parameter: made at its first gradient, checked when it is loaded."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch._matrices import is_matrix
from pisa_lab.torch._metric import by_name as metric_named
from pisa_lab.torch._preconditioners import by_name
from pisa_lab.torch._sharding import local, placed_like

GRAPHS = ("cuda", "xpu", "hpu", "xla")
"""The kinds of device whose graphs can hold a step."""


KEEPS = {
    "second-moment": ("moment",),
    "orthogonal": ("moment", "momentum", "velocity"),
    "hessian-diagonal": ("curvature",),
    "kronecker": ("moment", "left"),
}
"""What a loaded state must hold one of, beside "multiplier"."""
_SHAPED = ("multiplier", "moment", "momentum", "velocity", "curvature", "largest", "aggregate")
"""What has its parameter's shape, but for a client axis."""


def as_real(tensor: Tensor) -> Tensor:
    """Return ``tensor``, of a complex one its view as pairs."""
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def first_state(group: Mapping[str, Any], param: Tensor, gradient: Tensor) -> dict[str, Tensor]:
    """Return the state of a parameter at its first gradient."""
    if group["capturable"] and param.device.type not in GRAPHS:
        raise ValueError(f"capturable: True needs parameters on {', '.join(GRAPHS)}, one is on {param.device}")
    kept = by_name(group["preconditioner"]).init(param, group)
    kept |= metric_named(group["metric"]).init(param, group)
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
        torch._foreach_add_(steps, torch.tensor(1.0, device="cpu"), alpha=1.0)


def check_loaded(state: dict[str, Any] | None, group: Mapping[str, Any], param: Tensor) -> None:
    """Check that ``state`` is this class's, and make its count a tensor."""
    if not state:
        return
    if "multiplier" not in state:
        raise ValueError(f"state_dict: holds {sorted(state)} and no 'multiplier'; it belongs to another optimiser")
    if "step" not in state:
        raise ValueError(f"state_dict: holds {sorted(state)} and no 'step'; it belongs to another optimiser")
    if not isinstance(state["step"], Tensor):
        state["step"] = _count(float(state["step"]), group, param)
    if not float(state["step"]) >= 0:
        raise ValueError(f"state_dict: step is {float(state['step'])}, must be >= 0")
    _check_entries(state, group, param)


def _check_entries(state: Mapping[str, Any], group: Mapping[str, Any], param: Tensor) -> None:
    """Check that ``state`` holds what the preconditioner keeps, each tensor of the shape that ``param`` gives it.

    A tensor of another shape would be read past its end by a compiled pass.
    """
    wanted = KEEPS.get(group["preconditioner"], ())
    if not torch.isfinite(local(state["multiplier"])).all():
        raise ValueError("state_dict: multiplier is not finite")
    if wanted and not set(wanted) & set(state):
        raise ValueError(
            f"state_dict: holds {sorted(state)} and no {' or '.join(map(repr, wanted))}; "
            "it belongs to another optimiser"
        )
    metric = metric_named(group["metric"])
    missing = set(metric.keeps) - set(state)
    if missing and not (metric.matrices and is_matrix(param, group)):
        raise ValueError(
            f"state_dict: holds {sorted(state)} and no {sorted(missing)[0]!r}, which metric={metric.name!r} keeps; it "
            "belongs to another optimiser"
        )
    shape = tuple(as_real(param).shape)
    sides = (shape[0], math.prod(shape[1:])) if len(shape) > 1 else (0, 0)
    shapes = {"left": (sides[0],) * 2, "right": (sides[1],) * 2}
    for name, value in state.items():
        expected = shapes.get(name, shape if name in _SHAPED else None)
        # Several clients' tensors have one axis more in front.
        if expected is not None and tuple(value.shape) not in (expected, tuple(value.shape[:1]) + expected):
            raise ValueError(f"state_dict: {name} has shape {tuple(value.shape)}, its parameter {tuple(param.shape)}")


def shape_error(param: Tensor, multiplier: Tensor) -> str:
    """Return what to say of a parameter whose shape is no longer that of its state."""
    return (
        f"a parameter has shape {tuple(param.shape)}, its state {tuple(multiplier.shape)}; "
        "make a new optimiser, or delete state[p]"
    )
