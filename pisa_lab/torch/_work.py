"""The nouns that the files here pass to each other: a parameter's entry, tensors treated alike, a way to step."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from pisa_lab.torch._settings import Rule

MOMENT, MAGNITUDE, IDENTITY, DIAGONAL, SOLUTION = "moment", "magnitude", "identity", "diagonal", "solution"


Product = Callable[[Sequence[Tensor], Sequence[Tensor]], Sequence[Tensor]]
"""(params, vectors) → the block of a curvature matrix that belongs to ``params``, times ``vectors``."""


class Entry(NamedTuple):
    """One parameter at one client: its gradient (sign already that of a minimisation) and its state, changed in place.

    ``state`` holds "step" (counted from 1 in this step), "multiplier" and what the preconditioner keeps; with several
    clients these are views of one client's slice of the stored tensors, so that nothing may be rebound.
    """

    param: Tensor
    gradient: Tensor
    state: dict[str, Tensor]


class Work(NamedTuple):
    r"""Entries that are treated alike, as lists of equal length, and what Q is for all of them.

    ``directions`` are g, or what NSISA puts in its place. ``form`` says how $q = (\sigma I+\rho Q)^{-1}(\pi+g)$ comes:

    * "moment": Q = Diag √v, v in ``extras``, updated by the rule's scheme;
    * "magnitude": Q = Diag |π + g|, clipped (v without memory); no extras;
    * "identity": Q = I (ρ = 0 for none); no extras;
    * "diagonal": Q = Diag of ``extras``;
    * "solution": ``extras`` are q itself.

    Everything is plain local tensors, of DTensors the piece of this rank, in the memory of what the optimiser keeps.
    ``rule`` stands for the group's where it is not None: NSISA's matrices and the rest of its model differ in it.
    """

    form: str
    params: list[Tensor]
    directions: list[Tensor]
    multipliers: list[Tensor]
    extras: list[Tensor]
    steps: list[Tensor]
    rule: Rule | None = None


class Engine(NamedTuple):
    """One way to carry out a step: whole, or as its client's and its server's half.

    ``step(work, rule)`` changes params, multipliers and moments in place. ``client(works, rule, weights, messages)``
    adds Σα_i(π_i − 2σq_i) over the clients with these ``works``, which have the same params and form, to ``messages``
    and changes multipliers and moments. ``server(params, messages, rule, total)`` moves the parameters by
    lr(message − λw)/(total + lr·λ), total = Σα_iσ_i. ``round(works, weights, rule, total)`` does both for all clients
    in one pass, without messages in memory.
    """

    step: Callable[[Work, Rule], None]
    client: Callable[[Sequence[Work], Rule, Sequence[float], Sequence[Tensor]], None]
    server: Callable[[Sequence[Tensor], Sequence[Tensor], Rule, float], None]
    round: Callable[[Sequence[Work], Sequence[float], Rule, float], None]
