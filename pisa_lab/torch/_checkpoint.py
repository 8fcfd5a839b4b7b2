"""What an optimiser with clients saves and accepts: multipliers belong to clients, and say to which."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from pisa_lab.torch._layout import Layout, layout_of
from pisa_lab.torch._metric import is_clients
from pisa_lab.torch._settings import Clients
from pisa_lab.torch._sharding import local, sharded

STAMP = "client"
"""The numbers of the clients whose rows a state holds; beside "step" and the tensors with a client axis."""


def stamped(clients: Clients, saved: dict[str, Any]) -> dict[str, Any]:
    """Return ``saved``, a state dict, with the numbers of the clients it belongs to."""
    states = dict(saved["state"])
    for number, state in states.items():
        if isinstance(state, dict) and "multiplier" in state:
            layout = layout_of(clients, local(state["multiplier"]).device)
            states[number] = {**state, STAMP: layout.stamp(state["multiplier"])}
    return {**saved, "state": states}


def accepted(optimizer: Optimizer, clients: Clients, saved: dict[str, Any]) -> dict[str, Any]:
    """Return ``saved`` without the numbers of the clients, which are those of ``optimizer``.

    Raises:
        ValueError: it is another optimiser's, or was saved for other clients: another number of them, another rank.
    """
    _check_groups(optimizer, saved)
    states = dict(saved["state"])
    for number, param, group in _params(optimizer, saved):
        state = states.get(number)
        if isinstance(state, dict) and "multiplier" in state:
            _check(state, param, clients, group)
            states[number] = {name: value for name, value in state.items() if name != STAMP}
    return {**saved, "state": states}


def _check_groups(optimizer: Optimizer, saved: dict[str, Any]) -> None:
    """Refuse the groups of another optimiser, whose settings would silently take the place of this one's."""
    for theirs, own in zip(saved["param_groups"], optimizer.param_groups, strict=False):
        if "preconditioner" not in theirs:
            raise ValueError(
                f"state_dict: a group holds {sorted(set(theirs) - {'params'})} and no 'preconditioner'; it belongs to "
                "another optimiser"
            )
        for name in ("preconditioner", "metric"):
            # The published methods were all there was before there was a metric.
            if theirs.get(name) != own[name]:
                raise ValueError(
                    f"state_dict: saved with {name}={theirs.get(name)!r}, this optimiser has {own[name]!r}"
                    f"{_named(theirs)}"
                )

        if (theirs["penalty"] == "auto") is not (own["penalty"] == "auto"):
            raise ValueError(
                f"state_dict: saved with penalty={theirs['penalty']!r}, this optimiser has {own['penalty']!r}; one of "
                "the two is searched for"
            )


def _named(theirs: Mapping[str, Any]) -> str:
    """Return which optimiser reads groups as ``theirs``, where it has a name."""
    name = {"second-moment": "SISA.published", "orthogonal": "NSISA.published"}.get(theirs["preconditioner"])
    name = 'PISA(preconditioner="identity")' if theirs["preconditioner"] == "identity" else name
    return f"; {name} reads it" if name else ""


def _params(optimizer: Optimizer, saved: dict[str, Any]) -> Iterator[tuple[Any, Tensor, dict[str, Any]]]:
    """Yield what ``saved`` calls a parameter, the parameter and its group: in order, as torch itself pairs them."""
    for theirs, own in zip(saved["param_groups"], optimizer.param_groups, strict=False):
        for name, param in zip(theirs["params"], own["params"], strict=False):
            yield name, param, own


def _check(state: dict[str, Any], param: Tensor, clients: Clients, group: Mapping[str, Any]) -> None:
    if clients.alone:
        if STAMP in state:
            raise ValueError("state_dict: saved with clients, and this optimiser has none; give it the same")
        return
    if STAMP not in state:
        raise ValueError("state_dict: saved without clients; this optimiser has them")
    layout = layout_of(clients, local(param).device)
    total, found = state["multiplier"].shape[0], local(state[STAMP]).tolist()
    if total != layout.total:
        raise ValueError(f"state_dict: saved with clients={total}, this optimiser has {layout.total}")
    wanted = list(range(layout.first, layout.first + layout.count))
    if found != wanted:
        raise ValueError(
            f"state_dict: saved for the clients {found} of {total}, this rank has {wanted}; multipliers "
            "belong to their clients: load each rank's own, or use torch.distributed.checkpoint"
        )
    if group["metric"] and "aggregate" not in state:
        raise ValueError(f"state_dict: holds {sorted(state)} and no 'aggregate', the server's sum of the multipliers")
    _check_placed(state, param, layout, group)


def _check_placed(state: dict[str, Any], param: Tensor, layout: Layout, group: Mapping[str, Any]) -> None:
    for name, value in state.items():
        wanted = sharded(param) or (layout.mesh is not None and is_clients(group, name))
        if isinstance(value, torch.Tensor) and name != "step" and name != STAMP and sharded(value) is not wanted:
            kinds = ("a plain tensor", "a DTensor")
            raise ValueError(f"state_dict: {name} is {kinds[not wanted]}, this optimiser keeps {kinds[wanted]}")
