"""The preconditioners by name: the state each keeps, and how it turns a group's entries into work."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from pisa_lab._checks import row_named
from pisa_lab.torch import _conjugate, _hutchinson, _kronecker, _momentum
from pisa_lab.torch._asked import ready
from pisa_lab.torch._elementwise import elementwise, kept
from pisa_lab.torch._settings import AVERAGED
from pisa_lab.torch._work import IDENTITY, MOMENT, Entry, Product, Work


@dataclasses.dataclass(frozen=True)
class Row:
    """One preconditioner.

    ``init(param, group)`` returns the tensors it keeps beside "step" and "multiplier"; ``works(entries, group,
    curvature)`` returns the work of a step, and updates in place what it keeps beside a moment. ``settings`` are the
    keys of a group that only it knows, with their defaults; ``checked(group)`` returns them as they are stored.
    ``ready(group, states, curvature)`` raises, before a step is counted, when it lacks what it needs.
    """

    name: str
    init: Callable[[Tensor, Mapping[str, Any]], dict[str, Tensor]]
    works: Callable[[Sequence[Entry], Mapping[str, Any], Product | None], list[Work]]
    summary: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    checked: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda group: {}
    ready: Callable[[Mapping[str, Any], Sequence[Mapping[str, Tensor]], Product | None], None] = lambda *_: None


def _nothing(param: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
    return {}


def _moment(param: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
    return {"moment": kept(param)}


def _by_identity(entries: Sequence[Entry], group: Mapping[str, Any], curvature: Product | None = None) -> list[Work]:
    return [elementwise(IDENTITY, entries)]


def _by_moment(entries: Sequence[Entry], group: Mapping[str, Any], curvature: Product | None = None) -> list[Work]:
    return [elementwise(MOMENT, entries, "moment")]


ROWS = (
    Row("heavy-ball", _nothing, _by_identity, "a scalar momentum b: π ← bπ − (1 − b)g", {"momentum": 0.9}),
    Row("identity", _nothing, _by_identity, "Q = I; with ρ = 0, Q = 0", {"rho": 1.0}),
    Row("second-moment", _moment, _by_moment, "SISA as published: Q from the second moment of π + g", AVERAGED),
    Row(
        "orthogonal",
        _momentum.init,
        _momentum.works,
        "NSISA as published: orthogonalised momentum on matrices, SISA on the rest",
        _momentum.SETTINGS,
        _momentum.checked,
    ),
    Row(
        "hessian-diagonal",
        _hutchinson.init,
        _hutchinson.works,
        "the Hessian's diagonal where positive, from products with random signs; step needs a curvature",
        _hutchinson.SETTINGS,
        _hutchinson.checked,
        ready,
    ),
    Row(
        "gauss-newton",
        _conjugate.init,
        _conjugate.works,
        "the Gauss–Newton matrix, by conjugate gradients; step needs a curvature",
        _conjugate.SETTINGS,
        _conjugate.checked,
        ready,
    ),
    Row(
        "kronecker",
        _kronecker.init,
        _kronecker.works,
        "Shampoo's factors on matrices, the second moment of g on the rest",
        _kronecker.SETTINGS,
        _kronecker.checked,
    ),
)
"""The preconditioners that `PISA` can name."""


def by_name(name: str) -> Row:
    """Return the row called ``name``.

    Raises:
        ValueError: there is none.
    """
    return row_named("preconditioner", name, ROWS)
