"""NSISA's state and work: orthogonalised momentum on matrices, SISA on the rest."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab import _checks
from pisa_lab._checks import real
from pisa_lab.torch._elementwise import elementwise, kept
from pisa_lab.torch._matrices import is_matrix
from pisa_lab.torch._orthogonal import orthogonalised
from pisa_lab.torch._settings import clip_of, rule_of
from pisa_lab.torch._sharding import local_all, own_piece, placed_like, whole
from pisa_lab.torch._work import MAGNITUDE, MOMENT, Entry, Product, Work

SETTINGS: Mapping[str, Any] = {
    **{"momentum": 0.95, "nesterov": True, "ns_steps": 5, "matrix_beta": 0.0, "ns_dtype": None},
    **{"elementwise_lr": 30.0, "elementwise_rho": 1000.0},
}
"""The keys of a group that only this preconditioner knows: a scheduler that cycles a momentum finds none elsewhere.

"matrix_beta" is the decay of v on matrices, as in the core; 0 keeps none of it. "ns_dtype" is the type that
Newton–Schulz computes in, None for the one that suits the device. What is no matrix has lr multiplied by
"elementwise_lr", and "elementwise_rho" for ρ; with 1 and None it is treated as the matrices are, which is the method as
published. An orthogonalised matrix has singular values near 1 where a gradient's entries are small: the two need
different scales.
"""


def init(param: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return a momentum for a matrix, a moment for all else, and for a matrix too where v is averaged there."""
    if not is_matrix(param, group):
        return {"moment": kept(param)}
    return {"momentum": kept(param), **({"moment": kept(param)} if group["matrix_beta"] else {})}


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
        "momentum": real("momentum", group["momentum"], at_least=0.0, below=1.0),
        "ns_steps": _checks.whole("ns_steps", group["ns_steps"], at_least=1),
        "matrix_beta": real("matrix_beta", group["matrix_beta"], at_least=0.0, below=1.0),
        "elementwise_lr": real("elementwise_lr", group["elementwise_lr"], at_least=0.0),
        "elementwise_rho": None if rho is None else real("elementwise_rho", rho, at_least=0.0),
    }


def works(entries: Sequence[Entry], group: Mapping[str, Any], curvature: Product | None = None) -> list[Work]:
    """Return the work on the rest and on the matrices, which are told by their momentum."""
    rest = [entry for entry in entries if "momentum" not in entry.state]
    matrices = [entry for entry in entries if "momentum" in entry.state]
    plain = [entry for entry in matrices if "moment" not in entry.state]
    averaged = [entry for entry in matrices if "moment" in entry.state]
    rule, found = rule_of(group), []
    if rest:
        rho = rule.rho if group["elementwise_rho"] is None else group["elementwise_rho"]
        apart = dataclasses.replace(rule, lr=rule.lr * group["elementwise_lr"], rho=rho, clip=clip_of(group, rho))
        found.append(elementwise(MOMENT, rest, "moment", rule=apart))
    if plain:
        found.append(elementwise(MAGNITUDE, plain, directions=_directions(plain, group)))
    if averaged:
        steady = dataclasses.replace(rule, beta=group["matrix_beta"], scheme="III")
        directions = _directions(averaged, group)
        found.append(elementwise(MOMENT, averaged, "moment", directions=directions, rule=steady))
    return found


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
