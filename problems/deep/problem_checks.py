"""Checks of what a deep problem is made of: a model whose outputs are a function of w and of one row at a time."""

import copy
import dataclasses
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from pisa_lab._checks import choice
from problems.deep.problem_parameters import trainable

Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs, targets) of some rows → the mean loss of a row, or equally many losses of every row."""

_TYPES = {"torch.float32": torch.float32, "torch.float64": torch.float64}
_LOOKED_AT = 8
"""Rows on which model and loss are tried."""


def checked_model(model: Any, dtype: torch.dtype | None, device: Any) -> nn.Module:
    """Return a copy of ``model``, of one floating type on one device, that nothing will train.

    Raises:
        ValueError: no module, nothing to train, parameters of several types or of one that the lab does not measure in,
            not finite, or a module that draws random numbers in a pass.
    """
    if not isinstance(model, nn.Module):
        raise ValueError(f"model: {type(model).__name__} is not a torch.nn.Module")
    held = trainable(model)
    if not held:
        raise ValueError("model: no trainable parameter; requires_grad is False for all, or there is none")
    for name, parameter in held.items():
        if parameter.is_complex():
            raise ValueError(f"model: parameter {name!r} is complex; a problem's w is real")
        if not bool(torch.isfinite(parameter).all()):
            raise ValueError(f"model: parameter {name!r} contains NaN or infinity")
    _without_dropout(model)
    types = {str(parameter.dtype) for parameter in held.values()} if dtype is None else {str(dtype)}
    if len(types) > 1:
        raise ValueError(f"model: parameters of several types, {', '.join(sorted(types))}; dtype= makes them one")
    choice("dtype", kind := types.pop(), tuple(_TYPES))
    try:
        own = copy.deepcopy(model)
    except RuntimeError as error:
        raise ValueError(f"model: cannot be copied ({error})") from error
    place = next(iter(held.values())).device if device is None else torch.device(device)
    return own.to(dtype=_TYPES[kind], device=place)


def _without_dropout(model: nn.Module) -> None:
    for name, part in model.named_modules():
        share = part.p if isinstance(part, _DropoutNd) else getattr(part, "dropout", 0.0)
        if part.training and isinstance(share, float) and share > 0:
            raise ValueError(
                f"model: {name or type(part).__name__!r} drops out at random; call model.eval() first, or set it to 0"
            )


def checked_rows(inputs: Any, targets: Any, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return copies of inputs and targets as tensors beside ``like``, floating ones of its type.

    Raises:
        ValueError: no row, rows that are not finite, or another number of targets than of inputs.
    """
    found = []
    for name, values in (("inputs", inputs), ("targets", targets)):
        try:
            rows = torch.as_tensor(values).detach()
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{name}: not a tensor of numbers ({error})") from error
        if rows.ndim == 0 or len(rows) == 0:
            raise ValueError(f"{name}: shape {tuple(rows.shape)} must be (rows, …) with at least one row")
        if not bool(torch.isfinite(rows).all()):
            raise ValueError(f"{name}: contains NaN or infinity")
        found.append(beside(rows, like).clone())
    if len(found[0]) != len(found[1]):
        raise ValueError(f"targets: {len(found[1])} entries for {len(found[0])} rows of inputs")
    return found[0], found[1]


def beside(rows: Tensor, like: Tensor) -> Tensor:
    """Return ``rows`` on the device of ``like``, and of its type where they are floating."""
    return rows.to(device=like.device, dtype=like.dtype if rows.is_floating_point() else rows.dtype)


def check_model(model: nn.Module, outputs: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """Return ``outputs`` of some ``rows`` after checking that they are a function of w and of one row at a time.

    Raises:
        ValueError: a pass fails, changes a buffer of ``model``, gives other outputs the second time, or lets rows see
            each other.
    """
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    found = _tried("model", f"does not take inputs of shape {tuple(rows.shape)}", lambda: outputs(rows))
    for name, buffer in model.named_buffers():
        if not torch.equal(buffer, before[name]):
            raise ValueError(f"model: a pass changes its buffer {name!r}; call model.eval() first")
    if not isinstance(found, Tensor) or found.ndim == 0 or len(found) != len(rows):
        raise ValueError(f"model: returns {_told(found)} for {len(rows)} rows; must be a tensor with a row for each")
    if not bool(torch.isfinite(found).all()):
        raise ValueError("model: its outputs contain NaN or infinity")
    if not torch.equal(outputs(rows), found):
        raise ValueError("model: two passes over the same rows differ, so that it is not a function of w")
    single = [_tried("model", "does not take one row", partial(outputs, row[None])) for row in rows]
    if not _close(torch.cat(single), found):
        raise ValueError("model: the outputs of a row depend on the rows beside it, as with batch statistics")
    return found


def check_loss(loss: Loss, outputs: Tensor, targets: Tensor) -> None:
    """Check that the loss of some rows is the mean of their losses and depends on their outputs.

    Raises:
        ValueError: it is not or does not, or it does not take them.
    """
    outputs = outputs.detach().requires_grad_()
    what = f"does not take outputs of shape {_told(outputs)} and targets {_told(targets)}"
    together = _tried("loss", what, partial(loss, outputs, targets)).mean()
    if not together.requires_grad:
        raise ValueError("loss: has no gradient; its value does not come from the outputs by torch's operations")
    pairs = zip(outputs, targets, strict=True)
    single = [_tried("loss", what, partial(loss, z[None], y[None])) for z, y in pairs]
    mean, together = torch.stack([value.mean() for value in single]).mean().detach(), together.detach()
    if not _close(mean, together):
        raise ValueError(
            f"loss: {float(together):.6g} for {len(targets)} rows, {float(mean):.6g} in the mean of the rows alone; it "
            "must be a mean over rows, without class weights or targets left out"
        )


def spread(rows: int) -> Tensor:
    """Return the numbers of a few rows between the first and the last."""
    return torch.linspace(0, rows - 1, min(_LOOKED_AT, rows)).long()


def _tried(name: str, what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise ValueError(f"{name}: {what} ({' '.join(str(error).split())})") from error


def _told(value: Any) -> str:
    return f"{value.dtype} {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__


def _close(values: Tensor, expected: Tensor) -> bool:
    """Return whether half the digits agree: rounding changes the last, a batch's statistics the first."""
    allowed = math.sqrt(torch.finfo(expected.dtype).eps) * expected.abs().max().clamp(min=1.0)
    return bool((values - expected).abs().max() <= allowed)


def with_vmap_fallback(problem: Any) -> Any:
    """Return ``problem`` after taking gradients at the start, with points one by one where they cannot go together.

    Recurrent layers are such: `torch.func.vmap` does not take them.

    Raises:
        ValueError: torch cannot differentiate the loss.
    """
    start, clients = problem.initial, len(problem.parts)
    batch = torch.zeros(clients, 1, dtype=torch.int64, device=start.device)
    try:
        problem.client_grad(torch.stack([start] * 2)[:, None], batch)
    except RuntimeError:
        problem = dataclasses.replace(problem, pace=problem.pace._replace(together=False))
        _tried("loss", "has no gradient", lambda: problem.client_grad(start[None], batch))
    return problem
