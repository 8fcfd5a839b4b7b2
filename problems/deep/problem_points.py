"""A function of one point and one client's rows, called at many points and for many clients at once."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap

Of = Callable[..., Tensor]
"""(point (P,), …, inputs (n, …), targets (n, …)) → what is asked for."""
Data = tuple[Tensor, Tensor]
"""Inputs and targets of all clients."""


class Pace(NamedTuple):
    """How much goes through a model at once: pairs of a point and a row, and whether points may go together at all."""

    chunk: int
    together: bool

    def over(self, of: Of, axes: Sequence[int | None], each: int) -> Of:
        """Return ``of`` over the first axis of the arguments whose entry in ``axes`` is 0; a call has ``each`` rows."""
        if self.together:
            return vmap(of, in_dims=tuple(axes), chunk_size=max(1, self.chunk // each))

        def one_by_one(*arguments: Tensor) -> Tensor:
            count = next(len(x) for x, axis in zip(arguments, axes, strict=True) if axis == 0)
            chosen = [
                [x if axis is None else x[place] for x, axis in zip(arguments, axes, strict=True)]
                for place in range(count)
            ]
            return torch.stack([of(*own) for own in chosen])

        return one_by_one


def over_rows(of: Of, points: Sequence[Tensor], data: Data, parts: Sequence[Tensor], pace: Pace) -> Tensor:
    """Return the mean of ``of`` over each client's rows at ``points`` (…, 1 or clients, P), (…, clients, *result).

    Clients, which may differ in size, come one after the other, and a client's rows in pieces.
    """
    lead = np.broadcast_shapes(*(tuple(x.shape[:-2]) for x in points))
    found = []
    for client, part in enumerate(parts):
        own = [x[..., min(client, x.shape[-2] - 1), :] for x in points]
        means = [
            len(rows) / len(part) * _over_lead(_on(of, data, rows), own, (1,) * len(own), lead, pace, len(rows))
            for rows in torch.split(part, pace.chunk)
        ]
        found.append(torch.stack(means).sum(dim=0))
    result = torch.stack(found, dim=1)
    return result.reshape(*lead, *result.shape[1:])


def over_batches(
    of: Of, points: Sequence[Tensor], data: Data, parts: Sequence[Tensor], batch: Tensor, pace: Pace
) -> Tensor:
    """Return ``of`` at ``points`` (…, 1 or clients, P) over mini-batches (…, clients, b), (…, clients, *result).

    A point that all clients share enters the model once, and its layers see the rows of all clients together.
    """
    lead = np.broadcast_shapes(*(tuple(x.shape[:-2]) for x in (*points, batch)))
    places = torch.stack([part[batch[..., client, :]] for client, part in enumerate(parts)], dim=-2)
    clients, width = places.shape[-2:]
    shared = [x.shape[-2] == 1 for x in points]
    own = [x[..., 0, :] if one else x for x, one in zip(points, shared, strict=True)]

    def on_rows(*arguments: Tensor) -> Tensor:
        return of(*arguments[:-1], *(held[arguments[-1]] for held in data))

    of_clients = pace.over(on_rows, (*(None if one else 0 for one in shared), 0), width)
    ranks = (*(1 if one else 2 for one in shared), 2)
    result = _over_lead(of_clients, [*own, places], ranks, lead, pace, clients * width)
    return result.reshape(*lead, *result.shape[1:])


def over_points(of: Of, points: Tensor, pace: Pace, each: int) -> Tensor:
    """Return ``of`` at each of ``points`` (…, P), (…, *result); a call has ``each`` rows."""
    lead = points.shape[:-1]
    result = _over_lead(of, [points], (1,), lead, pace, each)
    return result.reshape(*lead, *result.shape[1:])


def _on(of: Of, data: Data, rows: Tensor) -> Of:
    inputs, targets = (held[rows] for held in data)
    return lambda *points: of(*points, inputs, targets)


def _over_lead(
    of: Of, arguments: Sequence[Tensor], ranks: Sequence[int], lead: Sequence[int], pace: Pace, each: int
) -> Tensor:
    """Return ``of`` at each index of ``lead``, (product of lead, *result); argument k has ``ranks[k]`` axes of its own.

    An argument that is one for all enters once. With a single index nothing is vectorised: batched weights cost time.
    """
    given: list[Tensor] = []
    axes: list[int | None] = []
    for x, rank in zip(arguments, ranks, strict=True):
        own = x.shape[x.ndim - rank :]
        one = math.prod(x.shape[: x.ndim - rank]) == 1
        given.append(x.reshape(own) if one else x.expand(*lead, *own).reshape(-1, *own))
        axes.append(None if one else 0)
    if math.prod(lead) == 1:
        return of(*given)[None]
    return pace.over(of, axes, each)(*given)
