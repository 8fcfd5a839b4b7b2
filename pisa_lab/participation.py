"""Who is there in a round: a pure function of (experiment, seed, client, round), whatever the iterates do.

Every client has a key in [0, 1) for each round, from a counter-based stream of its own (Philox). So a run that goes on
sees what an uninterrupted one sees, and listing the clients in another order moves their keys with them.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from pisa_lab._array import index_like
from pisa_lab._checks import real, whole
from pisa_lab.sampling import Stream
from pisa_lab.schedules import ResidualBalancing
from pisa_lab.state import Oracle

Flags = np.ndarray[Any, np.dtype[np.bool_]]

_PURPOSE = 1
"""Apart from mini-batches in the stream of a client."""
_BLOCK = 64


@runtime_checkable
class Participation(Protocol):
    """A rule for who is there."""

    def present(self, keys: np.ndarray[Any, Any]) -> Flags:
        """Return who is there, (…, clients), from the clients' keys in [0, 1), (…, clients)."""


@dataclasses.dataclass(frozen=True)
class Independent:
    """Every client with the same probability, whoever else is there; sometimes nobody."""

    probability: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "probability", real("participation", self.probability, above=0.0, at_most=1.0))

    def present(self, keys: np.ndarray[Any, Any]) -> Flags:
        """Return the clients with keys below the probability."""
        return np.asarray(keys < self.probability)

    def least(self, clients: int) -> float:
        """Return the least probability with which one client is there."""
        return self.probability


@dataclasses.dataclass(frozen=True)
class Subset:
    """So many clients, each set of that size as likely as the others."""

    count: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole("participation", self.count, at_least=1))

    def present(self, keys: np.ndarray[Any, Any]) -> Flags:
        """Return the clients with the smallest keys."""
        rank = np.argsort(np.argsort(keys, axis=-1, kind="stable"), axis=-1, kind="stable")
        return np.asarray(rank < self.count)

    def least(self, clients: int) -> float:
        """Return the probability with which one client is there."""
        return min(self.count / clients, 1.0)


def rule_of(value: Any) -> Participation | None:
    """Return the rule that ``value`` means.

    None is everybody, a whole number (of type int) so many clients, another number each client with that probability.

    Raises:
        ValueError: a number outside its domain, or what is no rule.
    """
    if value is None or (isinstance(value, Participation) and not isinstance(value, type)):
        return value
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return Subset(int(value))
    return Independent(value)


def attendance(
    value: Any, method: Any, problem: Any, seeds: Sequence[int] | int, *, experiment: int
) -> Callable[[int], Flags | None]:
    """Return the function from a round's number to who is there, (clients,) or (replicates, clients).

    Raises:
        ValueError: a bad ``value``, more clients than the problem has, or a method that has no rule for absent ones.
    """
    rule = rule_of(value)
    if rule is None:
        return lambda number: None
    clients = int(problem.weights.shape[0])
    if isinstance(rule, Subset) and rule.count > clients:
        raise ValueError(f"participation: {rule.count} of {clients} clients")
    _check(method)
    names = tuple(int(name) for name in getattr(problem, "client_ids", range(clients)))
    labels = (seeds,) if isinstance(seeds, int) else tuple(seeds)

    def present(number: int) -> Flags:
        flags = rule.present(_keys(experiment, labels, names, number // _BLOCK)[number % _BLOCK])
        return flags[0] if isinstance(seeds, int) else flags

    return present


def mark_active(active: Flags | None, oracle: Oracle) -> Oracle:
    """Return ``oracle`` with ``active`` in what it answers, itself where everybody is there."""
    if active is None:
        return oracle
    marks = active.astype(np.int64)
    return lambda w: oracle(w)._replace(active=index_like(marks, w) > 0)


def _check(method: Any) -> None:
    if not getattr(method, "knows_absence", False):
        raise ValueError(f"participation: {type(method).__name__} has no rule for clients that are absent")
    if getattr(method, "is_searching", False):
        raise ValueError("participation: the test of a searched penalty asks every client; give a penalty")
    if isinstance(getattr(method, "schedule", None), ResidualBalancing):
        raise ValueError("participation: residual balancing looks at what every client did; take another schedule")


@functools.lru_cache(maxsize=2)
def _keys(experiment: int, seeds: tuple[int, ...], names: tuple[int, ...], block: int) -> np.ndarray[Any, Any]:
    """Return the keys of one block of rounds, (64, seeds, clients), read-only."""
    drawn = np.empty((_BLOCK, len(seeds), len(names)))
    for place, seed in enumerate(seeds):
        for client, name in enumerate(names):
            drawn[:, place, client] = Stream(experiment, seed, name).generator(block, _PURPOSE).random(_BLOCK)
    drawn.flags.writeable = False
    return drawn
