r"""Clients that answer late: client i takes $\nabla F_i(w^{\ell-d})$, its age $0 \le d_i^\ell \le \tau$ in any pattern.

The server's last τ points are part of the state, so that a saved run goes on bit for bit. A client still adds its
$\pi_i$ and $w_i - w$ of today; only the gradient is old. A mini-batch is that of today's draw, at the old point.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from pisa_lab._array import Array, broadcast, index_like, namespace
from pisa_lab._checks import whole
from pisa_lab.method import PISA
from pisa_lab.problem import Problem
from pisa_lab.sampling import Stream
from pisa_lab.state import Observation, Oracle, State

Ages = np.ndarray[Any, np.dtype[np.int64]]

_PURPOSE = 2
"""Apart from mini-batches and presence in the stream of a client."""
_BLOCK = 64


@runtime_checkable
class Delays(Protocol):
    """A rule for how old each client's gradient is."""

    @property
    def limit(self) -> int:
        """τ, the largest age."""

    def ages(self, number: int, clients: Sequence[int]) -> Ages:
        """Return d_i in round ``number`` of the clients with these names, (clients,), each 0 … τ."""


@dataclasses.dataclass(frozen=True)
class PeriodicDelays:
    """Ages that repeat: in round k entry k modulo their number, one age for all clients or a tuple with one each."""

    pattern: tuple[int | tuple[int, ...], ...]

    def __post_init__(self) -> None:
        rows = self.pattern if isinstance(self.pattern, tuple) and self.pattern else None
        if rows is None:
            raise ValueError(f"delays: {self.pattern!r} must be a tuple of ages, such as (0, 1)")
        for row in rows:
            for age in row if isinstance(row, tuple) else (row,):
                whole("delays", age)

    @property
    def limit(self) -> int:
        """The largest of the ages."""
        return max(max(row) if isinstance(row, tuple) else row for row in self.pattern)

    def ages(self, number: int, clients: Sequence[int]) -> Ages:
        """Return the ages of round ``number``.

        Raises:
            ValueError: there are more or fewer of them than clients.
        """
        row = self.pattern[number % len(self.pattern)]
        if isinstance(row, tuple) and len(row) != len(clients):
            raise ValueError(f"delays: {len(row)} ages for {len(clients)} clients")
        return np.broadcast_to(np.asarray(row, dtype=np.int64), (len(clients),))


@dataclasses.dataclass(frozen=True)
class RandomDelays:
    """Ages drawn uniformly from 0 … ``limit``, each client's on its own; all replicates see the same ones."""

    limit: int
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "limit", whole("delays", self.limit))
        object.__setattr__(self, "seed", whole("seed", self.seed))

    def ages(self, number: int, clients: Sequence[int]) -> Ages:
        """Return the ages of round ``number``, a function of its number and the client's name."""
        block, place = divmod(number, _BLOCK)
        streams = (Stream(0, self.seed, name).generator(block, _PURPOSE) for name in clients)
        return np.asarray([stream.integers(0, self.limit + 1, size=_BLOCK)[place] for stream in streams])


class LateMemory(NamedTuple):
    """What a late method keeps in the place of its preconditioner's state: that, and the server's last points."""

    inner: Any
    past: tuple[Array, ...]
    r"""w of the last rounds, the latest first, τ of them, each (…, \*shape)"""

    @property
    def form(self) -> Any:
        """Q of the inner state, in its form."""
        return self.inner.form


@dataclasses.dataclass(frozen=True)
class Late:
    """``method`` with late gradients; before the start there is only the start.

    Args:
        method: PISA with any preconditioner, metric or server.
        delays: an age for all clients and rounds, or a `Delays`.

    Raises:
        ValueError: another method, a negative age, or what is no rule.
    """

    method: PISA
    delays: Any

    def __post_init__(self) -> None:
        if not isinstance(self.method, PISA):
            raise ValueError(f"method: {type(self.method).__name__} is no PISA; only PISA knows late gradients")
        if self.method.is_searching:
            raise ValueError("method: a searched penalty tests present gradients; give a penalty")
        if not isinstance(self.delays, Delays):
            object.__setattr__(self, "delays", PeriodicDelays((whole("delays", self.delays),)))

    def __getattr__(self, name: str) -> Any:
        # What the ledger and a monitor ask of a method is the inner one's; a copy asks before it has one.
        if name.startswith("__") or name == "method":
            raise AttributeError(name)
        return getattr(self.method, name)

    def init(self, problem: Problem, w: Array, *, replicates: int | None = None) -> State:
        """Return the first state of the method, with its start as every earlier point."""
        state = self.method.init(problem, w, replicates=replicates)
        start = state.consensus
        past = tuple(broadcast(start, start.shape) for _ in range(self.delays.limit))
        return state._replace(preconditioner=LateMemory(state.preconditioner, past))

    def step(self, state: State, oracle: Oracle) -> State:
        """Return the state after one round in which the clients look at old points.

        Raises:
            ValueError: a state of another method or τ, or an age beyond τ.
        """
        behind, axis = state.preconditioner, state.client_axis
        if not isinstance(behind, LateMemory) or len(behind.past) != self.delays.limit:
            raise ValueError(f"state: it does not keep the last {self.delays.limit} points that delays ask for")
        shown: list[Array] = []

        def late(w: Array) -> Observation:
            shown.append(namespace(w).squeeze(w, axis=axis))
            return oracle(self._points(w, behind.past, state))

        new = self.method.step(state._replace(preconditioner=behind.inner), late)
        past = (shown[0], *behind.past)[: self.delays.limit]
        return new._replace(preconditioner=LateMemory(new.preconditioner, past))

    def _points(self, w: Array, past: tuple[Array, ...], state: State) -> Array:
        r"""Return where each client looks, (…, clients, \*shape), or ``w`` itself where nobody is late."""
        clients, axis = int(state.penalty.shape[-1]), state.client_axis
        ages = np.array(self.delays.ages(state.iteration, range(clients)))
        if ages.shape != (clients,) or np.any(ages < 0) or np.any(ages > len(past)):
            raise ValueError(f"delays: {ages.tolist()} must be {clients} ages of 0 … {len(past)}, one for each client")
        if not np.any(ages):
            return w
        xp, points = namespace(w), broadcast(w, state.multiplier.shape)
        each = xp.reshape(index_like(ages, w), (clients,) + (1,) * (points.ndim - axis - 1))
        for age in sorted(set(ages.tolist()) - {0}):
            points = xp.where(each == age, xp.expand_dims(past[age - 1], axis=axis), points)
        return points
