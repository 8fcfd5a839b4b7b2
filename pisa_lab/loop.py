"""One loop for every method: run it, record measures, end with a closed status, stop and resume bit for bit."""

import contextlib
import dataclasses
import enum
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab import residuals
from pisa_lab._array import Array, index_like, like, namespace, to_numpy
from pisa_lab._checks import finite, real, whole
from pisa_lab.backtracking import SEARCHING, TRIALS
from pisa_lab.ledger import COSTS, Ledger
from pisa_lab.measures import DEFAULT_MEASURES, Measure, measure, measure_functions
from pisa_lab.method import Method
from pisa_lab.participation import Participation, attendance, mark_active
from pisa_lab.problem import Problem
from pisa_lab.progress import bar
from pisa_lab.sampling import Full, Sampler, draw_batch, sampler
from pisa_lab.stamp import stamp
from pisa_lab.state import Observation, State, select


class Status(enum.StrEnum):
    """How a run ended: the closed list.

    ROUNDING and TRIALS are of a penalty that is searched for: no step can be told from rounding any more, or no step
    was found within the trials of a round.
    """

    FINISHED = "FINISHED"
    CONVERGED = "CONVERGED"
    NON_FINITE = "NON_FINITE"
    CALLBACK = "CALLBACK"
    ROUNDING = "ROUNDING"
    TRIALS = "TRIALS"


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run leaves: the last finite state, the history, how it ended, and what it cost.

    ``history`` maps "iteration" to (records,) and each measure to (records,) or (records, replicates), ``ledger`` each
    of `ledger.COSTS` likewise; ``broke`` holds the iteration at which a replicate became non-finite, −1 where none did.
    """

    state: Any
    history: Mapping[str, np.ndarray[Any, Any]]
    status: Status
    iterations: int
    seeds: tuple[int, ...]
    broke: tuple[int, ...]
    ledger: Mapping[str, np.ndarray[Any, Any]]

    @property
    def local_mean(self) -> Array:
        r"""$\sum_i\alpha_iw_i$ of the last state (`State.local_mean`): where to read the result of noisy gradients."""
        if not isinstance(self.state, State):
            raise ValueError(f"method: its state, a {type(self.state).__name__}, has no local models")
        return self.state.local_mean

    def last(self, measure: str) -> np.ndarray[Any, Any]:
        """Return the last recorded value of ``measure``: a number, or one per replicate."""
        return np.asarray(self.history[measure][-1])

    def rows(self) -> list[dict[str, Any]]:
        """Return one flat row per record and seed: measures, costs so far, and the stamp of this machine.

        `ledger.at_budget` compares the rows of many runs at equal cost.
        """
        names = [name for name in self.history if name != "iteration"]
        count = len(self.history["iteration"])
        table = {name: self.history[name].reshape(count, -1) for name in names}
        costs = {name: values.reshape(count, -1) for name, values in self.ledger.items()}
        return [
            {"iteration": int(iteration), "seed": seed, "status": str(self.status)}
            | {name: float(table[name][record, place]) for name in names}
            | {name: int(values[record, place]) for name, values in costs.items()}
            | stamp()
            for record, iteration in enumerate(self.history["iteration"])
            for place, seed in enumerate(self.seeds)
        ]


class _Oracle:
    """The clients' answers: mini-batch gradients, each call of a round with a draw of its own."""

    def __init__(self, problem: Any, rule: Sampler, seeds: Sequence[int] | int, experiment: int, number: int) -> None:
        self.problem, self._rule, self._seeds = problem, rule, seeds
        self._experiment, self._number = experiment, number

    @property
    def batched(self) -> bool:
        """Whether the gradients are of mini-batches."""
        return not isinstance(self._rule, Full)

    def __call__(self, w: Array) -> Observation:
        indices = draw_batch(self._rule, self.problem, self._seeds, experiment=self._experiment, number=self._number)
        self._number += 1
        batch = None if indices is None else index_like(indices, w)
        return Observation(self.problem.client_grad(w, batch), batch, self.problem)


def run(
    method: Method,
    problem: Problem,
    *,
    steps: int,
    w0: Any = None,
    state: Any = None,
    spent: Mapping[str, Any] | None = None,
    batches: int | Sampler | None = None,
    participation: float | Participation | None = None,
    seed: int = 0,
    seeds: int | None = None,
    experiment: int = 0,
    measures: Sequence[str] | Mapping[str, Measure] = DEFAULT_MEASURES,
    every: int | Iterable[int] | None = None,
    tolerance: float | None = None,
    callback: Callable[[Any, Any], bool | None] | None = None,
    progress: bool | Callable[[int], object] = False,
) -> Run:
    """Return the run of ``method`` on ``problem`` for ``steps`` further rounds.

    Args:
        method: what to run.
        problem: on any array library; the run stays on it.
        steps: rounds to make; with ``state``, rounds after it.
        w0: start, (*shape) or (replicates, *shape); the problem's own by default.
        state: a state to resume from instead of a start; the same method, problem, batches and seeds then give what an
            uninterrupted run gives, bit for bit.
        spent: with ``state``, what the rounds before it cost: the ledger of the run that made it.
        batches: None for full gradients, a batch size for uniform draws, or a `Sampler`.
        participation: who is there: None for everybody, a number of clients, a probability, or a `Participation`.
        seed: of the mini-batches and of who is there; with ``seeds=R`` the seeds are seed, …, seed+R−1.
        seeds: number of replicates run at once on a leading axis; None for no such axis.
        experiment: names the experiment in the random stream: two of them with one seed see different batches.
        measures: names of `MEASURES`, or a mapping from names to functions of (problem, state).
        every: record each so many rounds (by default some hundred records), or at these rounds; first and last always.
        tolerance: end with CONVERGED when ‖∇F_λ(w)‖ is at most this at a record, in every replicate; never unless
            given.
        callback: called with the states before and after each round; True ends the run with CALLBACK.
        progress: True for a bar (needs rich; off a terminal a line a minute), or a function of the rounds done.

    Raises:
        ValueError: an argument outside its domain; the message names it.
    """
    _check_method(method, problem)
    steps = whole("steps", steps)
    names = (seed,) if seeds is None else tuple(range(seed, seed + whole("seeds", seeds, at_least=1)))
    functions = measure_functions(measures)
    limit = None if tolerance is None else real("tolerance", tolerance, above=0.0)
    ledger = Ledger(problem, method, seeds, spent)
    if state is None:
        start = problem.initial if w0 is None else _start(problem, w0, seeds)
        state = method.init(ledger.problem, start, replicates=seeds)
        ledger.charge_init()
    _check_state(state, problem, seeds)
    first = int(state.iteration)
    recorded = _recorded(every, first, steps)
    rule, status = sampler(batches), Status.FINISHED
    records: list[tuple[int, dict[str, np.ndarray[Any, Any]], dict[str, np.ndarray[Any, Any]]]] = []
    broke = np.full(len(names), -1)
    advance = _Advance(method, ledger.problem, rule, seed if seeds is None else names, experiment)
    present = attendance(participation, method, problem, advance.seeds, experiment=experiment)
    with np.errstate(all="ignore"), _bar(progress, steps) as tick:
        records.append((first, measure(functions, problem, state), ledger.entry()))
        for done in range(1, steps + 1):
            before, (state, alive) = state, advance(state, active := present(first + done - 1))
            ledger.charge_round(broke < 0, getattr(before, "search", None), getattr(state, "search", None), active)
            broke[~alive & (broke < 0)] = first + done
            status = _ending(before, state, broke, callback)
            if status is not Status.FINISHED or first + done in recorded:
                records.append((first + done, measure(functions, problem, state), ledger.entry()))
                if status is Status.FINISHED and limit is not None and _converged(problem, state, limit):
                    status = Status.CONVERGED
            tick(done)
            if status is not Status.FINISHED:
                break
    status = Status.NON_FINITE if np.any(broke >= 0) else status
    history = {"iteration": np.asarray([iteration for iteration, _, _ in records])}
    history |= {name: np.asarray([values[name] for _, values, _ in records]) for name in functions}
    costs = {name: np.asarray([entry[name] for _, _, entry in records]) for name in COSTS}
    return Run(state, history, status, records[-1][0], names, tuple(int(b) for b in broke), costs)


@dataclasses.dataclass(frozen=True)
class _Advance:
    """One round, with replicates that become non-finite held at their last finite state."""

    method: Method
    problem: Problem
    rule: Sampler
    seeds: Sequence[int] | int
    experiment: int

    def __call__(self, state: Any, active: Any) -> tuple[Any, np.ndarray[Any, Any]]:
        number = state.iteration * getattr(self.method, "draws", 1)
        oracle = mark_active(active, _Oracle(self.problem, self.rule, self.seeds, self.experiment, number))
        new = self.method.step(state, oracle)
        count = 1 if isinstance(self.seeds, int) else len(self.seeds)
        flags = _finite(new, count)
        alive = to_numpy(flags)
        if np.all(alive):
            return new, alive
        return state if isinstance(self.seeds, int) else select(flags, new, state, count), alive


def _finite(state: Any, count: int) -> Array:
    """Return whether each replicate's consensus and multipliers are finite, shape (count,)."""
    xp = namespace(state.consensus)
    flags = xp.all(xp.reshape(xp.isfinite(state.consensus), (count, -1)), axis=1)
    if isinstance(state, State):
        flags = flags & xp.all(xp.reshape(xp.isfinite(state.multiplier), (count, -1)), axis=1)
    return flags


def _check_method(method: Any, problem: Any) -> None:
    """Refuse a class for its instance, and the two in the wrong order."""
    for name, value, parts in (("method", method, ("init", "step")), ("problem", problem, ("client_grad", "weights"))):
        if isinstance(value, type) or not all(hasattr(value, part) for part in parts):
            shown = value.__name__ if isinstance(value, type) else type(value).__name__
            raise ValueError(f"{name}: {shown} has no {' and '.join(parts)} of an instance; run(method, problem, …)")


def _check_state(state: Any, problem: Problem, seeds: int | None) -> None:
    """Refuse a state of another problem or another number of replicates."""
    shape = (*(() if seeds is None else (seeds,)), *problem.initial.shape)
    if tuple(state.consensus.shape) != shape:
        raise ValueError(f"state: w has shape {tuple(state.consensus.shape)}, this run needs {shape}")
    if isinstance(state, State) and tuple(state.weights.shape) != tuple(problem.weights.shape):
        raise ValueError(f"state: of {state.weights.shape[0]} clients, the problem has {problem.weights.shape[0]}")


def _start(problem: Problem, w0: Any, seeds: int | None) -> Array:
    start = finite("w0", to_numpy(w0) if hasattr(w0, "ndim") else w0)
    shape = tuple(problem.initial.shape)
    if start.shape != shape and (seeds is None or start.shape != (seeds, *shape)):
        raise ValueError(f"w0: shape {start.shape} must be {shape}" + (f" or {(seeds, *shape)}" if seeds else ""))
    return like(start, problem.initial)


def _ending(
    before: Any, state: Any, broke: np.ndarray[Any, Any], callback: Callable[[Any, Any], bool | None] | None
) -> Status:
    """Return how the run ends with this round, FINISHED where it does not: callback, or no replicate makes steps."""
    if np.all(broke >= 0):
        return Status.NON_FINITE
    if callback is not None and callback(before, state):
        return Status.CALLBACK
    if getattr(state, "search", None) is None:
        return Status.FINISHED
    codes = np.atleast_1d(to_numpy(state.search.status))[broke < 0]
    if np.any(codes == SEARCHING):
        return Status.FINISHED
    return Status.TRIALS if np.any(codes == TRIALS) else Status.ROUNDING


def _converged(problem: Problem, state: Any, tolerance: float) -> bool:
    return bool(np.all(to_numpy(residuals.stationarity(problem, state)) <= tolerance))


def _recorded(every: int | Iterable[int] | None, first: int, steps: int) -> set[int]:
    last = first + steps
    if every is None:
        every = max(1, steps // 100)
    if isinstance(every, int | np.integer):
        stride = whole("every", every, at_least=1)
        return {*range(-(-first // stride) * stride, last + 1, stride), last}
    return {*(whole("every", iteration) for iteration in every), last}


@contextlib.contextmanager
def _bar(progress: bool | Callable[[int], object], steps: int) -> Iterator[Callable[[int], object]]:
    """Yield what to call with the number of rounds done."""
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda done: None
    else:
        with bar("rounds", steps) as tick:
            yield tick
