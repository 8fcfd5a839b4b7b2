"""What a run costs: rounds, bytes, client gradients, samples and curvature products, counted as they are asked for."""

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab._array import Array, to_numpy
from pisa_lab._checks import choice, real

COSTS = ("rounds", "bytes_up", "bytes_down", "gradients", "samples", "hvps")
"""What every row of a run carries, each for one replicate and all its clients together.

rounds: communication rounds. bytes_up, bytes_down: the parameters that clients send and receive. gradients: evaluations
of one client's ∇F_i, full or of a mini-batch; the gradients of a batch's single samples are one such evaluation.
samples: rows that gradients and curvature products went through, once for each time. hvps: products of one client's
Hessian or Gauss–Newton matrix with a vector.
"""

_KINDS = {"client_grad": "gradients", "sample_grad": "gradients", "hvp": "hvps", "gauss_newton": "hvps"}
_FINAL = ("CONVERGED", "NON_FINITE")


class Ledger:
    """The costs of a run in progress; ``problem`` is what the method gets, which counts what it is asked for.

    Measures, monitors and callbacks see the problem itself, so that looking at a run costs it nothing. A replicate that
    became non-finite pays for the round in which it broke and for none after it.

    Args:
        problem: what is run.
        method: what runs, for what it moves in a round: ``message(problem)``, the bytes (up, down) of one client, or
            one parameter each way where it has none.
        replicates: how many, None without a replicate axis.
        spent: what earlier rounds cost, `Run.ledger` of the run that is resumed: its last entries are taken.
    """

    def __init__(
        self, problem: Any, method: Any, replicates: int | None, spent: Mapping[str, Any] | None = None
    ) -> None:
        self._replicates = replicates or 1
        self._shape = () if replicates is None else (replicates,)
        nothing = np.zeros(int(problem.weights.shape[0]), dtype=np.int64)
        self._pending = dict.fromkeys((*_KINDS.values(), "samples"), nothing)
        self._totals = {name: np.zeros(self._replicates, dtype=np.int64) for name in COSTS}
        for name, values in (spent or {}).items():
            self._totals[name] = self._totals[name] + np.asarray(values)[-1].reshape(-1)
        initial = to_numpy(problem.initial)
        self._parameter_bytes = initial.nbytes
        self._message = getattr(method, "message", lambda problem: (initial.nbytes, initial.nbytes))(problem)
        # A warm start's multipliers reach the server before its first step, as gradients at a w⁰ that it sent.
        self._starts_warm = bool(getattr(method, "warm", False)) and getattr(method, "first", "server") == "server"
        # Under the problem's own name, which is what a preconditioner says when it misses a method.
        self.problem: Any = type(type(problem).__name__, (_Counting,), {})(problem, self._count)

    def charge_init(self) -> None:
        """Write down what `Method.init` cost."""
        sent = self._parameter_bytes if self._starts_warm else 0
        self._add(np.ones(self._replicates, dtype=bool), 0, (sent, sent), None)

    def charge_round(self, paying: np.ndarray[Any, Any], active: np.ndarray[Any, Any] | None = None) -> None:
        """Write down a round for the replicates that ``paying`` (replicates,) marks.

        ``active`` (…, clients) marks who is there; what the simulation computed for the others costs nothing.
        """
        self._add(paying, 1, self._message, active)

    def entry(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the costs so far, each () or (replicates,)."""
        return {name: values.reshape(self._shape).copy() for name, values in self._totals.items()}

    def _add(
        self,
        paying: np.ndarray[Any, Any],
        rounds: int,
        message: tuple[int, int],
        active: np.ndarray[Any, Any] | None,
    ) -> None:
        up, down = message
        clients = self._pending["samples"].shape[0]
        there = np.ones(clients, dtype=bool) if active is None else active
        each = self._pending | {"bytes_up": np.full(clients, up), "bytes_down": np.full(clients, down)}
        for name, amounts in each.items():
            self._totals[name] += np.where(paying, np.sum(there * amounts, axis=-1), 0)
        self._totals["rounds"] += np.where(paying, rounds, 0)
        self._pending = dict.fromkeys(self._pending, np.zeros(clients, dtype=np.int64))

    def _count(self, kind: str, evaluations: int, rows: Any) -> None:
        """Take down ``evaluations`` of all replicates and clients together, each asked for as many as the others.

        ``rows`` are the samples that one of them goes through, one number or one per client.
        """
        calls = evaluations // (self._replicates * self._pending["samples"].shape[0])
        self._pending[kind] = self._pending[kind] + calls
        self._pending["samples"] = self._pending["samples"] + calls * rows


class _Counting:
    """A problem that reports every gradient and curvature product to ``count``; it lacks what the problem lacks."""

    def __init__(self, problem: Any, count: Callable[[str, int, Any], None]) -> None:
        self._problem, self._report = problem, count
        sizes = getattr(problem, "sizes", None)
        self._rows = 0 if sizes is None else np.asarray(to_numpy(sizes), dtype=np.int64)
        for name in _KINDS:
            if callable(getattr(problem, name, None)):
                setattr(self, name, functools.partial(self._answer, name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._problem, name)

    def _answer(self, name: str, *arguments: Any, **settings: Any) -> Array:
        result = getattr(self._problem, name)(*arguments, **settings)
        place = 2 if _KINDS[name] == "hvps" else 1
        batch = arguments[place] if len(arguments) > place else settings.get("batch")
        lead = result.shape[: result.ndim - self._problem.initial.ndim]
        evaluations = math.prod(lead[:-1] if name == "sample_grad" else lead)
        self._report(_KINDS[name], evaluations, self._rows if batch is None else int(batch.shape[-1]))
        return result


def at_budget(
    rows: Iterable[Mapping[str, Any]], *, by: str = "gradients", budget: float, of: Sequence[str] = ("seed",)
) -> list[dict[str, Any]]:
    """Return of every run the last row that had cost at most ``budget``, with what it left unspent under "left".

    Args:
        rows: of `Run.rows`, of one run or of many that other columns tell apart.
        by: which of `COSTS` is equal.
        budget: how much of it.
        of: the columns that tell runs apart, such as ("problem", "method", "seed").

    Raises:
        ValueError: a run that ended before it had spent the budget, unless it converged or became non-finite; or one
            whose first row is dearer than the budget.
    """
    choice("by", by, COSTS)
    limit = real("budget", budget, at_least=0.0)
    runs: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        runs.setdefault(tuple(row[name] for name in of), []).append(row)
    return [_last_within(key, run, by, limit, of) for key, run in runs.items()]


def _last_within(
    key: tuple[Any, ...], run: Sequence[Mapping[str, Any]], by: str, budget: float, of: Sequence[str]
) -> dict[str, Any]:
    ordered = sorted(run, key=lambda row: row["iteration"])
    within = [row for row in ordered if row[by] <= budget]
    name = ", ".join(f"{column} {value}" for column, value in zip(of, key, strict=True))
    if not within:
        raise ValueError(f"budget: {name}: the first row has cost {ordered[0][by]} {by}, more than {budget:g}")
    if len(within) == len(ordered) and ordered[-1][by] < budget and str(ordered[-1].get("status")) not in _FINAL:
        raise ValueError(f"budget: {name}: ended after {ordered[-1][by]} of {budget:g} {by}; run it for longer")
    return {**within[-1], "left": budget - within[-1][by]}
