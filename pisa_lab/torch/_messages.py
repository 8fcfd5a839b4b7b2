"""Messages: what the clients of this rank send, summed in flat buckets, and the exchange of the buckets."""

import functools
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

BUCKET_BYTES = 25 * 2**20
"""The size that a bucket does not pass unless one parameter alone is larger; DDP's own default."""


class Slot(NamedTuple):
    """The place of one parameter's message in a bucket."""

    shape: torch.Size
    stride: tuple[int, ...]
    start: int

    def within(self, flat: Tensor) -> Tensor:
        """Return the part of ``flat`` that is this parameter's, in its shape and strides."""
        return flat.as_strided(self.shape, self.stride, flat.storage_offset() + self.start)


class Bucket:
    """The messages of some parameters, one behind the other, and behind them a flag for each of them.

    ``sums`` holds what this rank has to say. ``wire`` is what goes out and comes back: ``sums`` itself, or a buffer of
    the type of the messages. A flag is above zero where a client somewhere has a gradient.
    """

    def __init__(self, pieces: Sequence[tuple[Tensor, Tensor]], message_dtype: torch.dtype | None) -> None:
        self.slots: dict[Tensor, Slot] = {}
        start = 0
        for param, piece in pieces:
            # The strides that torch gives to a tensor like this one: those of the multiplier.
            stride = torch.empty_like(piece, device="meta").stride()
            self.slots[param] = Slot(piece.shape, stride, start)
            start += piece.numel()
        self.like, self.message_dtype, self.size = pieces[0][1].new_empty(0), message_dtype, start + len(pieces)

    @functools.cached_property
    def sums(self) -> Tensor:
        """The buffer of what this rank has to say, made when somebody speaks: clients of one process seldom need it."""
        return torch.zeros(self.size, dtype=self.like.dtype, device=self.like.device)

    @functools.cached_property
    def wire(self) -> Tensor:
        """The buffer that goes out and comes back."""
        return self.sums if self.message_dtype in (None, self.like.dtype) else self.sums.to(self.message_dtype)

    def clear(self) -> None:
        """Start a round."""
        if "sums" in vars(self):
            self.sums.zero_()

    def flag(self, present: Iterable[Tensor]) -> None:
        """Say which parameters have a gradient here."""
        known = set(present)
        flags = [float(param in known) for param in self.slots]
        self.sums[-len(flags) :].copy_(torch.tensor(flags, device="cpu"))

    def flagged(self) -> set[Tensor]:
        """Return the parameters that have a gradient anywhere, after an exchange."""
        flags = self.wire[-len(self.slots) :].tolist()
        return {param for param, flag in zip(self.slots, flags, strict=True) if flag > 0}

    def arrived(self) -> Tensor:
        """Return what came back, in the parameters' type."""
        return self.wire.to(self.sums.dtype)


def buckets(pieces: Iterable[tuple[Tensor, Tensor]], message_dtype: torch.dtype | None, limit: int) -> list[Bucket]:
    """Return buckets of at most ``limit`` bytes, or one parameter, over (parameter, real local piece) pairs."""
    kinds: dict[Any, list[list[tuple[Tensor, Tensor]]]] = {}
    sizes: dict[Any, int] = {}
    for param, piece in pieces:
        kind, size = (piece.dtype, piece.device), piece.numel() * piece.element_size()
        if kind not in kinds or sizes[kind] + size > limit:
            kinds.setdefault(kind, []).append([])
            sizes[kind] = 0
        kinds[kind][-1].append((param, piece))
        sizes[kind] += size
    return [Bucket(part, message_dtype) for parts in kinds.values() for part in parts]


def exchange(found: Sequence[Bucket], group: Any) -> None:
    """Sum every bucket over ``group``: one all-reduce each, all under way at once.

    Raises:
        RuntimeError: a rank did not take part, within the time-out of ``group``.
    """
    try:
        under_way = []
        for bucket in found:
            if bucket.wire is not bucket.sums:
                bucket.wire.copy_(bucket.sums)
            under_way.append(torch.distributed.all_reduce(bucket.wire, group=group, async_op=True))
        for work in under_way:
            work.wait()
    except RuntimeError as error:
        raise lost(error) from error


def lost(error: Exception) -> RuntimeError:
    """Return the error of a round that some rank did not finish."""
    return RuntimeError(
        f"a client did not take part in the round, which is lost: the multipliers here have moved and w has not. "
        f"Restart all clients from their last checkpoint. ({error})"
    )
