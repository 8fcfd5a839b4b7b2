"""The sweep: what is not stored yet is run, in this process or in others, and every finished trial is kept."""

import contextlib
import dataclasses
import importlib.util
import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence

from pisa_lab._checks import choice, whole
from pisa_lab.ablation.choosing import chosen
from pisa_lab.ablation.execution import Ending, Resolver, execute
from pisa_lab.ablation.store import Result, Store
from pisa_lab.ablation.study import Study
from pisa_lab.ablation.trials import Trial, evaluation_trials, groups, tuning_trials

ENGINES = ("loky", "dask", "ray")
"""joblib's backends: its own processes, a Dask cluster, a Ray cluster; the last two are extras of that name."""
AGAIN = (Ending.FAILED, Ending.INAPPLICABLE, Ending.UNAVAILABLE)
"""Endings that `conduct` runs again where it is asked to."""


SETTLED_EVERY = 10.0
"""Seconds between two syncs of the store: what a power cut, and nothing else, can cost."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a sweep is: trials in all, stored before it began, stored since, and dropped as already there."""

    total: int
    before: int
    done: int
    repeated: int


def conduct(
    study: Study,
    *,
    resolve: Resolver,
    store: Store,
    jobs: int = 1,
    engine: str = "loky",
    again: bool = False,
    tick: Callable[[Progress], object] = lambda progress: None,
) -> Progress:
    """Return how far ``study`` is once every trial of it is in ``store``: tuning first, then the fresh seeds.

    Stop it at any moment, even by kill −9: what is stored stays, and the next call runs the rest and nothing else.

    Args:
        study: what to run.
        resolve: settings of a problem and an instance → `Arena`; importable by name where ``jobs`` is above 1.
        store: where finished trials go; only this process writes to it.
        jobs: processes; 1 runs everything in this one.
        engine: joblib's backend for ``jobs`` above 1, one of `ENGINES`.
        again: run trials again that failed or did not apply.
        tick: told of every stored trial.

    Raises:
        ValueError: an argument outside its domain, or an engine that is not installed.
    """
    whole("jobs", jobs, at_least=1)
    require(engine)
    if again:
        store.forget(study.name, AGAIN)
    tuning = tuning_trials(study)
    progress = Progress(
        total=len(tuning) + len(study.problems) * len(study.methods) * len(study.seeds), before=0, done=0, repeated=0
    )
    sweep = _Sweep(study, resolve, store, jobs, engine, tick)
    progress = sweep.run(tuning, progress)
    final = evaluation_trials(study, {pair: choice.setting for pair, choice in chosen(study, store).items()})
    # A pair without a usable setting has no final trials: its tuning rows say why.
    return sweep.run(final, dataclasses.replace(progress, total=len(tuning) + len(final)))


def require(engine: str) -> None:
    """Check that ``engine`` is known and installed.

    Raises:
        ValueError: it is not; the message names the extra that brings it.
    """
    choice("engine", engine, ENGINES)
    wanted = {"dask": "distributed", "ray": "ray"}.get(engine)
    if wanted and importlib.util.find_spec(wanted) is None:
        raise ValueError(f"engine: {engine!r} needs {wanted}: pip install 'pisa-lab[{engine}]'")


@dataclasses.dataclass(frozen=True)
class _Sweep:
    study: Study
    resolve: Resolver
    store: Store
    jobs: int
    engine: str
    tick: Callable[[Progress], object]

    def run(self, trials: Sequence[Trial], progress: Progress) -> Progress:
        """Run those of ``trials`` that are not stored, and store each as it comes."""
        known = self.store.statuses(self.study.name)
        missing = [trial for trial in trials if trial.key not in known]
        progress = dataclasses.replace(progress, before=progress.before + len(trials) - len(missing))
        self.tick(progress)
        settled = time.monotonic()
        with contextlib.closing(self._results(list(groups(missing, self.study.replicates)))) as parts:
            for results in parts:
                for result in results:
                    is_new = self.store.put(result)
                    progress = dataclasses.replace(
                        progress, done=progress.done + is_new, repeated=progress.repeated + (not is_new)
                    )
                    self.tick(progress)
                if time.monotonic() - settled > SETTLED_EVERY:
                    self.store.settle()
                    settled = time.monotonic()
        self.store.settle()
        return progress

    def _results(self, parts: Sequence[tuple[Trial, ...]]) -> Generator[list[Result], None, None]:
        if self.jobs == 1 and self.engine == "loky":
            yield from (_alone(part, self.resolve) for part in parts)
            return
        import joblib

        calls = [joblib.delayed(_alone)(part, self.resolve) for part in parts]
        with _backend(self.engine, self.jobs):
            if self.engine == "ray":
                # Its backend hands nothing back before all is done, so that the work goes there in waves.
                for place in range(0, len(calls), 2 * self.jobs):
                    yield from joblib.Parallel(n_jobs=self.jobs)(calls[place : place + 2 * self.jobs])
            else:
                yield from joblib.Parallel(n_jobs=self.jobs, return_as="generator_unordered")(calls)


@contextlib.contextmanager
def _backend(engine: str, jobs: int) -> Iterator[None]:
    """Make ``engine`` joblib's backend: a Dask cluster of this machine unless one is configured, or Ray."""
    import joblib

    with contextlib.ExitStack() as stack:
        if engine == "dask":
            distributed = importlib.import_module("distributed")
            address = os.environ.get("DASK_SCHEDULER_ADDRESS")
            local = {"n_workers": jobs, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
            stack.enter_context(distributed.Client(address) if address else distributed.Client(**local))
        if engine == "ray":
            importlib.import_module("ray.util.joblib").register_ray()
        # Loky replaces a worker that has grown by 300 MB, as one that holds a large data set has.
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        watch = {"initializer": _end_with, "initargs": (os.getpid(),)} if engine == "loky" else {}
        stack.enter_context(joblib.parallel_config(backend=engine, **watch))
        yield


def _alone(part: tuple[Trial, ...], resolve: Resolver) -> list[Result]:
    """Run one group with linear algebra kept to one thread: many small products gain nothing from more."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError):
            stack.enter_context(importlib.import_module("threadpoolctl").threadpool_limits(1))
        return execute(part, resolve)


def _end_with(parent: int) -> None:
    """End this process within a second of its parent: loky's workers would wait minutes for one that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
