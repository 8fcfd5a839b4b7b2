"""A step of several clients: in this process, one a rank, or both."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch import _messages
from pisa_lab.torch._closures import closures_of
from pisa_lab.torch._optimizer import PISA
from pisa_lab.torch._round import Round, round_of
from pisa_lab.torch._settings import BETA
from pisa_lab.torch._sharding import local
from pisa_lab.torch._work import Product


def step(
    optimizer: PISA,
    closure: Callable[[], Any] | Sequence[Callable[[], Any]] | None,
    curvature: Product | Sequence[Product] | None = None,
) -> Any:
    """Return the closures' losses after one round of all clients, as `PISA.step` describes it.

    A parameter that has no gradient at some clients but has one at another has gradient zero at the former: their F_i
    do not depend on it, yet their multipliers and their σ take part. One that has a gradient nowhere is left alone.

    A closure that raises leaves the multipliers of the clients before it moved: go on from a checkpoint then. A
    `GradScaler` skips a step on the rank that overflowed alone, where all ranks must take part: use one client a
    process with it, or none.

    Raises:
        ValueError: not as many closures or curvatures as clients in this process, or a group is differentiable.
        RuntimeError: a gradient is sparse, or a rank did not take part within the time-out of its group.
    """
    clients = optimizer._clients
    closures = closures_of(optimizer, clients.count, closure)
    current = round_of(optimizer, clients)
    current.curvatures = _curvatures(curvature, clients.count)
    losses, seen = [], []
    for place, evaluate in enumerate(closures):
        with torch.enable_grad():
            losses.append(None if evaluate is None else evaluate())
        gradients = _gradients(optimizer, current)
        if current.hooked:
            _serve_hooked(current, gradients)
            break
        if place == 0:
            current.open()
        current.send(place, gradients)
        seen.append(set(gradients))
        if place + 1 < clients.count:
            _detach(gradients)
    else:
        _finish(current, seen)
    _warn_if_heavy(current)
    return losses if isinstance(closure, Sequence) else losses[0]


def message_error(optimizer: PISA) -> float:
    """Return ‖Σu − Σũ‖/‖Σu‖ of the last round: u the messages in the parameters' type, ũ as they were exchanged.

    All ranks of the group must call it together, since it exchanges the messages once more. Zero without a
    ``message_dtype``; under FSDP of the pieces that this rank holds.
    """
    current = round_of(optimizer, optimizer._clients)
    lost = whole = 0.0
    for bucket in current.buckets:
        if bucket.wire is bucket.sums:
            continue
        exact = bucket.sums[: -len(bucket.slots)].clone()
        torch.distributed.all_reduce(exact, group=current.layout.group)
        lost += float(torch.linalg.vector_norm(exact - bucket.arrived()[: -len(bucket.slots)])) ** 2
        whole += float(torch.linalg.vector_norm(exact)) ** 2
    return (lost / whole) ** 0.5 if whole else 0.0


def _warn_if_heavy(current: Round) -> None:
    """Warn once where ρQ has outgrown what any theorem covers for clients of unlike data, for want of a clip.

    Looked at in the rounds 1, 2, 4, …: a look waits for the device.
    """
    for number, group in enumerate(current.param_groups):
        if group.get("clip", 0.0) is not None or group["rho"] == 0 or group["capturable"] or current.warned:
            continue
        states = [current.state[param] for param, own in current.groups.items() if own == number]
        moments = [state for state in states if "moment" in state]
        step = int(moments[0]["step"]) if moments else 0
        if step == 0 or step & (step - 1):
            continue
        correction = 1 - group["beta"] ** step if group.get("scheme", "III") == "III" else 1.0
        largest = max(float(local(state["moment"]).max()) for state in moments if state["moment"].numel())
        share = group["rho"] * (largest / correction) ** 0.5 / group["penalty"]
        if share > BETA:
            current.warned = True
            warnings.warn(
                f"ρQ/σ reaches {share:.3g} with {current.layout.total} clients; above {BETA:g} nothing holds clients "
                f"of unlike data together: leave clip='auto', or give a clip of {BETA:g}σ/ρ = "
                f"{BETA * group['penalty'] / group['rho']:.3g} or a smaller rho",
                stacklevel=4,
            )


def _curvatures(curvature: Any, count: int) -> list[Product | None]:
    """Return one curvature a client, None where there is none."""
    given = list(curvature) if isinstance(curvature, Sequence) else [curvature]
    if curvature is not None and (len(given) != count or not all(map(callable, given))):
        raise ValueError(f"curvature: {curvature!r}, step needs a product for each of {count} clients of this process")
    return given if curvature is not None else [None] * count


def _gradients(optimizer: PISA, current: Round) -> dict[Tensor, Tensor]:
    """Return the gradients that are there.

    Raises:
        RuntimeError: one is sparse.
    """
    found = {}
    for param in current.groups:
        if param.grad is not None:
            if param.grad.layout != torch.strided:
                raise RuntimeError(f"{type(optimizer).__name__} does not support sparse gradients")
            found[param] = param.grad
    return found


def _detach(gradients: Mapping[Tensor, Tensor]) -> None:
    """Take the gradients off their parameters: the next closure must not write into what is kept of them."""
    for param in gradients:
        param.grad = None


def _finish(current: Round, seen: Sequence[set[Tensor]]) -> None:
    """Let the clients without a gradient say so, exchange the messages, and move w."""
    present = set().union(*seen)
    for place, having in enumerate(seen):
        current.send(place, _zeros(param for param in current.groups if param in present and param not in having))
    moved = current.settle()
    current.speak()
    if current.layout.mesh is not None:
        absent = [param for param in current.groups if param not in present]
        before = _try(current, absent)
        for bucket in current.buckets:
            bucket.flag(present)
        _messages.exchange(current.buckets, current.layout.group)
        if absent:
            # Asked only here: reading flags makes the host wait for the device.
            present |= set().union(*(bucket.flagged() for bucket in current.buckets))
            _undo(current, {param: kept for param, kept in before.items() if param not in present})
    current.serve(present - moved, _arrived)


def _zeros(params: Any) -> dict[Tensor, Tensor]:
    return {param: torch.zeros_like(param) for param in params}


def _arrived(bucket: _messages.Bucket) -> Mapping[Tensor, Tensor]:
    flat = bucket.arrived()
    return {param: slot.within(flat) for param, slot in bucket.slots.items()}


def _try(current: Round, absent: Sequence[Tensor]) -> dict[Tensor, dict[str, Tensor]]:
    """Send what clients without a gradient send if another rank has one, and return the state as it was."""
    states = current.state
    before = {
        param: {name: local(value).clone() for name, value in states[param].items()} if param in states else {}
        for param in absent
    }
    for place in range(current.layout.count):
        current.send(place, _zeros(absent))
    current.speak()
    return before


def _undo(current: Round, before: Mapping[Tensor, Mapping[str, Tensor]]) -> None:
    """Bring back the state of parameters that have a gradient nowhere."""
    for param, kept in before.items():
        state = current.state[param]
        for name, value in kept.items():
            local(state[name]).copy_(value)
        if not kept:
            del current.state[param]


def _serve_hooked(current: Round, gradients: Mapping[Tensor, Tensor]) -> None:
    """Move w by the summed messages that the communication hook left in the place of the gradients."""
    missing = [param for param in gradients if param not in current.hooked]
    if missing:
        raise RuntimeError(f"{len(missing)} parameters have a gradient that did not pass through client_hook")
    arrived = {param: gradients[param] for param in current.hooked if param in gradients}
    current.hooked = set()
    current.serve(arrived, lambda bucket: arrived)
