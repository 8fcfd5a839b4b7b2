"""What a run costs: rounds, bytes, client gradients, samples and curvature products, counted as they are asked for."""

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab._array import Array, to_numpy
from pisa_lab._checks import choice, real

COSTS = ("rounds", "bytes_up", "bytes_down", "gradients", "samples", "hvps", "queries", "restarts")
"""What every row of a run carries, each for one replicate and all its clients together.

rounds: communication rounds. bytes_up, bytes_down: the parameters that clients send and receive. gradients: evaluations
of one client's ∇F_i, full or of a mini-batch; the gradients of a batch's single samples are one such evaluation.
samples: rows that gradients and curvature products went through, once for each time. hvps: products of one client's
Hessian or Gauss–Newton matrix with a vector. queries: values of one client's F_i that the method asked for. restarts:
rounds in which a searched penalty restarted the multipliers, which sends one more gradient up; each rejected trial
sends one more w down, and each trial two numbers a client up.
"""

_KINDS = {
    "client_grad": "gradients",
    "sample_grad": "gradients",
    "hvp": "hvps",
    "gauss_newton": "hvps",
    "client_value": "queries",
}
_FINAL = ("CONVERGED", "NON_FINITE", "ROUNDING", "TRIALS")


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
        self._clients = int(problem.weights.shape[0])
        self._pending = dict.fromkeys((*_KINDS.values(), "samples"), np.zeros(self._clients, dtype=np.int64))
        self._totals = {name: np.zeros(self._replicates, dtype=np.int64) for name in COSTS}
        for name, values in (spent or {}).items():
            self._totals[name] = self._totals[name] + np.asarray(values)[-1].reshape(-1)
        initial = to_numpy(problem.initial)
        self._number_bytes, self._parameter_bytes = int(initial.itemsize), int(initial.nbytes)
        self._message = getattr(method, "message", lambda problem: (initial.nbytes, initial.nbytes))(problem)
        # A warm start's multipliers reach the server before its first step, as gradients at a w⁰ that it sent.
        self._starts_warm = bool(getattr(method, "warm", False)) and getattr(method, "first", "server") == "server"
        # Under the problem's own name, which is what a preconditioner says when it misses a method.
        self.problem: Any = type(type(problem).__name__, (_Counting,), {})(problem, self._count)

    def charge_init(self) -> None:
        """Write down what `Method.init` cost."""
        sent = self._clients * self._parameter_bytes if self._starts_warm else 0
        self._add(np.ones(self._replicates, dtype=bool), {"rounds": 0, "bytes_up": sent, "bytes_down": sent})

    def charge_round(
        self, paying: np.ndarray[Any, Any], before: Any = None, after: Any = None, active: Any = None
    ) -> None:
        """Write down a round for the replicates that ``paying`` (replicates,) marks.

        ``before`` and ``after`` are what a search for the penalty knew (`backtracking.Search`): a replicate that had
        its step in fewer trials than another pays for fewer. ``active`` (…, clients) marks who is there; what the
        simulation computed for the others costs nothing.
        """
        up, down = self._message
        if after is None:
            there = self._clients if active is None else np.sum(active, axis=-1)
            self._add(paying, {"rounds": 1, "bytes_up": up * there, "bytes_down": down * there}, active=active)
            return
        trials, restarts = (
            np.atleast_1d(np.rint(to_numpy(getattr(after, name) - getattr(before, name)))).astype(np.int64)
            for name in ("trials", "restarts")
        )
        share, whole = trials / max(1, int(trials.max())), self._parameter_bytes
        sent = up * (trials > 0) + whole * restarts + 2 * self._number_bytes * trials
        moved = {"rounds": (trials > 0).astype(np.int64), "restarts": restarts}
        moved |= {"bytes_up": self._clients * sent, "bytes_down": self._clients * down * trials}
        self._add(paying, moved, share)

    def entry(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the costs so far, each () or (replicates,)."""
        return {name: values.reshape(self._shape).copy() for name, values in self._totals.items()}

    def _add(
        self, paying: np.ndarray[Any, Any], moved: Mapping[str, Any], share: Any = 1.0, active: Any = None
    ) -> None:
        there = np.ones(self._clients, dtype=bool) if active is None else active
        computed = {
            name: np.rint(np.sum(there * amounts, axis=-1) * np.asarray(share)).astype(np.int64)
            for name, amounts in self._pending.items()
        }
        for name, amount in (computed | dict(moved)).items():
            self._totals[name] += np.where(paying, amount, 0)
        self._pending = dict.fromkeys(self._pending, np.zeros(self._clients, dtype=np.int64))

    def _count(self, kind: str, evaluations: int, rows: Any) -> None:
        """Take down ``evaluations`` of all replicates and clients together, each asked for as many as the others.

        ``rows`` are the samples that one of them goes through, one number or one per client.
        """
        calls = evaluations // (self._replicates * self._clients)
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
        if name == "client_value":
            self._report("queries", math.prod(result.shape), 0)
            return result
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
