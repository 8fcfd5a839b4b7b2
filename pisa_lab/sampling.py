"""Mini-batches: which rows every client looks at, as a pure function of (experiment, seed, client, draw).

Indices are made on the host by a counter-based generator (Philox), so that NumPy, CuPy and torch see the same batches
whatever the number of replicates, the order of the clients or the iteration at which a run was resumed.
"""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from pisa_lab._checks import whole

Indices = np.ndarray[Any, np.dtype[np.int64]]

_BLOCK = 64
"""Draws made at once: a new generator costs some 10 µs, more than the indices of one batch."""


class Sampler(Protocol):
    """A rule for the rows that one client looks at."""

    def draw(self, stream: "Stream", size: int, number: int) -> Indices | None:
        """Return the indices of draw ``number`` among ``size`` rows, shape (b,), or None for all of them."""


@dataclasses.dataclass(frozen=True)
class Stream:
    """The source of one client's randomness: no state, only a name."""

    experiment: int
    seed: int
    client: int

    def generator(self, block: int, purpose: int = 0) -> np.random.Generator:
        """Return the generator of block ``block`` of this stream, for mini-batches (0) or another ``purpose``."""
        name = np.random.SeedSequence([self.experiment, self.seed, self.client])
        key = name.generate_state(2, np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=[0, 0, purpose, block]))


@dataclasses.dataclass(frozen=True)
class Full:
    """Every row: full gradients."""

    def draw(self, stream: Stream, size: int, number: int) -> None:
        """Return None."""
        return


@dataclasses.dataclass(frozen=True)
class Uniform:
    """``size`` rows drawn independently and uniformly, so that the mini-batch gradient is unbiased."""

    size: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", whole("batch", self.size, at_least=1))

    def draw(self, stream: Stream, size: int, number: int) -> Indices:
        """Return the indices of draw ``number``, shape (b,)."""
        drawn: Indices = self.block(stream, size, number // _BLOCK)[number % _BLOCK]
        return drawn

    def block(self, stream: Stream, size: int, block: int) -> Indices:
        """Return all draws of block ``block``, shape (64, b)."""
        return stream.generator(block).integers(0, size, size=(_BLOCK, self.size), dtype=np.int64)


@dataclasses.dataclass(frozen=True)
class Reshuffled:
    """``size`` rows at a time from a fresh permutation per epoch; a last batch that would be short is left out."""

    size: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", whole("batch", self.size, at_least=1))

    def draw(self, stream: Stream, size: int, number: int) -> Indices:
        """Return the indices of draw ``number``, shape (b,); a client with fewer rows than b repeats them in turn."""
        per_epoch = max(size // self.size, 1)
        order = _permutation(stream, size, number // per_epoch)
        start = (number % per_epoch) * self.size
        return np.take(order, np.arange(start, start + self.size), mode="wrap")

    def block(self, stream: Stream, size: int, block: int) -> Indices:
        """Return all draws of block ``block``, shape (64, b)."""
        return np.stack([self.draw(stream, size, block * _BLOCK + place) for place in range(_BLOCK)])


@functools.lru_cache(maxsize=1024)
def _permutation(stream: Stream, rows: int, epoch: int) -> Indices:
    return stream.generator(epoch).permutation(rows)


def sampler(batch: int | Sampler | None) -> Sampler:
    """Return the sampler that ``batch`` means: None is full gradients, a number a uniform batch of that size.

    Raises:
        ValueError: a number below one.
    """
    if batch is None:
        return Full()
    return Uniform(batch) if isinstance(batch, int | np.integer) else batch


def draw_batch(
    rule: Sampler, problem: Any, seeds: Sequence[int] | int, *, experiment: int, number: int
) -> Indices | None:
    """Return the indices of every client's batch: (clients, b), or (replicates, clients, b) for several seeds.

    Raises:
        ValueError: the problem has no samples to draw from.
    """
    if isinstance(rule, Full):
        return None
    sizes = getattr(problem, "sizes", None)
    if sizes is None:
        raise ValueError("batch: this problem has no samples; problems.transforms.with_noise gives it some")
    names = tuple(int(name) for name in getattr(problem, "client_ids", range(len(sizes))))
    rows = tuple(int(size) for size in sizes)
    several = not isinstance(seeds, int)
    labels = (seeds,) if isinstance(seeds, int) else tuple(seeds)
    if isinstance(rule, Uniform | Reshuffled):
        indices: Indices = _drawn_block(rule, experiment, labels, names, rows, number // _BLOCK)[number % _BLOCK]
    else:
        pairs = tuple(zip(names, rows, strict=True))
        drawn = [[rule.draw(Stream(experiment, seed, name), size, number) for name, size in pairs] for seed in labels]
        indices = np.asarray(drawn, dtype=np.int64)
    # A copy: the caller owns what it gets, and torch refuses to look at read-only memory.
    return (indices if several else indices[0]).copy()


@functools.lru_cache(maxsize=2)
def _drawn_block(
    rule: Uniform | Reshuffled,
    experiment: int,
    seeds: tuple[int, ...],
    names: tuple[int, ...],
    rows: tuple[int, ...],
    block: int,
) -> Indices:
    """Return the draws of one block for all seeds and clients, (64, seeds, clients, b), read-only."""
    width = rule.size
    drawn = np.empty((_BLOCK, len(seeds), len(names), width), dtype=np.int64)
    for place, seed in enumerate(seeds):
        for client, (name, size) in enumerate(zip(names, rows, strict=True)):
            drawn[:, place, client] = rule.block(Stream(experiment, seed, name), size, block)
    drawn.flags.writeable = False
    return drawn
