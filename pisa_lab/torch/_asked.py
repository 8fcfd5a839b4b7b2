"""What the second-order preconditioners ask for, and the error when it is missing."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch._sharding import sharded
from pisa_lab.torch._work import Entry, Product


def check_plain(param: Tensor, group: Mapping[str, Any]) -> None:
    """Check that ``param`` can be differentiated twice as it stands.

    Raises:
        ValueError: it is sharded or complex.
    """
    if sharded(param):
        raise ValueError(f"params: one is sharded, {group['preconditioner']!r} needs whole ones; use 'second-moment'")
    if param.is_complex() or (param._base is not None and param._base.is_complex()):
        raise ValueError(f"params: one is complex, {group['preconditioner']!r} needs real ones; use 'second-moment'")


def products(
    curvature: Product | None, entries: Sequence[Entry], vectors: Sequence[Tensor], group: Mapping[str, Any]
) -> list[Tensor]:
    """Return the curvature of the objective that is minimised, times ``vectors``, one for each of ``entries``.

    Raises:
        ValueError: there is no curvature, or what it returns does not fit the parameters.
    """
    if curvature is None:
        raise _missing(group)
    params = [entry.param for entry in entries]
    with torch.enable_grad():
        found = [product.detach() for product in curvature(params, vectors)]
    if [one.shape for one in found] != [param.shape for param in params]:
        raise ValueError(
            f"curvature: its products are shaped {[tuple(one.shape) for one in found]}, the vectors were "
            f"{[tuple(param.shape) for param in params]}"
        )
    return [-one for one in found] if group["maximize"] else found


def ready(group: Mapping[str, Any], states: Sequence[Mapping[str, Tensor]], curvature: Product | None) -> None:
    """Check, before any step is counted, that there is a curvature if one is due.

    Raises:
        ValueError: there is none.
    """
    if curvature is None and any(int(state["step"]) % int(group.get("refresh", 1)) == 0 for state in states):
        raise _missing(group)


def _missing(group: Mapping[str, Any]) -> ValueError:
    return ValueError(
        f"curvature: {group['preconditioner']!r} needs one, optimizer.step(closure, curvature=product) with "
        "hessian_product or gauss_newton_product of pisa_lab.torch, or your own"
    )


def due(entry: Entry, group: Mapping[str, Any]) -> bool:
    """Return whether Q of ``entry`` is looked at afresh in this step: the first and every ``refresh``-th after it."""
    return (int(entry.state["step"]) - 1) % int(group["refresh"]) == 0


def looks(entry: Entry, group: Mapping[str, Any]) -> int:
    """Return how often Q of ``entry`` was looked at, this step included."""
    return (int(entry.state["step"]) - 1) // int(group["refresh"]) + 1
