"""State and work of NSISA as published: orthogonalised momentum on matrices, SISA or the momentum on the rest."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab._checks import choice, real
from pisa_lab.torch._elementwise import elementwise, kept
from pisa_lab.torch._matrices import is_matrix
from pisa_lab.torch._orthogonal import orthogonalised
from pisa_lab.torch._settings import AVERAGED, Rule, clip_of, rule_of
from pisa_lab.torch._sharding import local_all, own_piece, placed_like, whole
from pisa_lab.torch._work import MAGNITUDE, MOMENT, Entry, Product, Work

SETTINGS: Mapping[str, Any] = {
    **AVERAGED,
    **{"momentum": 0.95, "nesterov": True, "ns_steps": 5, "orthogonal": None, "matrix_beta": 0.0, "ns_dtype": None},
    **{"elementwise": "sisa", "elementwise_lr": 30.0, "elementwise_rho": 1000.0},
}
"""The keys of a group that this preconditioner knows.

"matrix_beta" is the decay of v on matrices, as in the core; 0 keeps none of it. "ns_dtype" is the type that
Newton–Schulz computes in, None for the one that suits the device. What is no matrix follows SISA's rule or, where
"elementwise" is "momentum", the core's: its momentum takes the gradient's place as it is. lr is multiplied by
"elementwise_lr" there, and "elementwise_rho" stands for ρ, None for the same ρ. An orthogonalised matrix has singular
values near 1 where a gradient's entries are small: the two need different scales.
"""
ELEMENTWISE = ("sisa", "momentum")


def init(param: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return a momentum for a matrix, a moment for all else, and for a matrix too where v is averaged there.

    The momentum of what is no matrix has a name of its own, by which `works` tells the two apart.
    """
    if not is_matrix(param, group) and group["elementwise"] == "sisa":
        return {"moment": kept(param)}
    name = "momentum" if is_matrix(param, group) else "velocity"
    return {name: kept(param), **({"moment": kept(param)} if group["matrix_beta"] else {})}


def checked(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return this preconditioner's own keys of ``group``.

    Raises:
        ValueError: one is outside its domain; the message names it.
    """
    dtype, rho = group["ns_dtype"], group["elementwise_rho"]
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise ValueError(f"ns_dtype: {dtype!r} is not a floating-point type of torch, or None")
    if not isinstance(group["nesterov"], bool):
        raise ValueError(f"nesterov: {group['nesterov']!r} is not True or False")
    return {
        "elementwise": choice("elementwise", group["elementwise"], ELEMENTWISE),
        "matrix_beta": real("matrix_beta", group["matrix_beta"], at_least=0.0, below=1.0),
        "elementwise_rho": None if rho is None else real("elementwise_rho", rho, at_least=0.0),
    }


def works(entries: Sequence[Entry], group: Mapping[str, Any], curvature: Product | None = None) -> list[Work]:
    """Return the work on the matrices and on the rest, told apart by what their states hold."""
    rule, found = rule_of(group), []
    rho = rule.rho if group["elementwise_rho"] is None else group["elementwise_rho"]
    apart = dataclasses.replace(rule, lr=rule.lr * group["elementwise_lr"], rho=rho, clip=clip_of(group, rho))
    rest = [entry for entry in entries if not {"momentum", "velocity"} & set(entry.state)]
    if rest:
        found.append(elementwise(MOMENT, rest, "moment", rule=apart))
    for name, own in (("velocity", apart), ("momentum", None)):
        for averaged in (False, True):
            alike = [entry for entry in entries if name in entry.state and ("moment" in entry.state) is averaged]
            if alike:
                found.append(_momentum_work(name, alike, group, own or rule, averaged))
    return found


def _momentum_work(name: str, entries: Sequence[Entry], group: Mapping[str, Any], rule: Rule, averaged: bool) -> Work:
    """Return the work of entries whose momenta, orthogonalised or not, stand for their gradients."""
    directions = _directions(entries, group) if name == "momentum" else _ahead(entries, group)
    if not averaged:
        return elementwise(MAGNITUDE, entries, directions=directions, rule=rule)
    steady = dataclasses.replace(rule, beta=group["matrix_beta"], scheme="III")
    return elementwise(MOMENT, entries, "moment", directions=directions, rule=steady)


def _ahead(entries: Sequence[Entry], group: Mapping[str, Any]) -> list[Tensor]:
    """Return this rank's pieces of g + μb, or of b, after moving each momentum b by its gradient."""
    decay, gradients = float(group["momentum"]), local_all([placed_like(e.gradient, e.param) for e in entries])
    moved = local_all([entry.state["velocity"] for entry in entries])
    torch._foreach_mul_(moved, decay)
    torch._foreach_add_(moved, gradients)
    return list(torch._foreach_add(gradients, moved, alpha=decay)) if group["nesterov"] else moved


def _directions(entries: Sequence[Entry], group: Mapping[str, Any]) -> list[Tensor]:
    """Return this rank's pieces of the orthogonalised momenta, after moving each by its gradient.

    Under sharding every rank gathers each momentum and orthogonalises it: of a piece alone, o would be another one.
    """
    decay, gradients = float(group["momentum"]), [placed_like(entry.gradient, entry.param) for entry in entries]
    momenta = [entry.state["momentum"] for entry in entries]
    moved = local_all(momenta)
    torch._foreach_mul_(moved, decay)
    torch._foreach_add_(moved, local_all(gradients))

    def ahead(place: int) -> Tensor:
        momentum = momenta[place]
        return whole(torch.add(gradients[place], momentum, alpha=decay) if group["nesterov"] else momentum)

    found = orthogonalised(momenta, steps=group["ns_steps"], dtype=group["ns_dtype"], seen=ahead)
    return [own_piece(x, entry.param) for x, entry in zip(found, entries, strict=True)]
