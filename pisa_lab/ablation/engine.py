"""The sweep: what is not stored yet is run, in this process or in others, and every finished trial is kept."""

import contextlib
import dataclasses
import importlib
import itertools
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import NamedTuple

from pisa_lab import specs
from pisa_lab._checks import choice, whole
from pisa_lab.ablation.backends import backend, require
from pisa_lab.ablation.execution import Resolver, TrialStatus, execute, finals
from pisa_lab.ablation.sources import Changed, code_sha256
from pisa_lab.ablation.store import Result, Store
from pisa_lab.ablation.study import Study
from pisa_lab.ablation.trials import Trial, evaluation_trials, groups, tuning_trials
from pisa_lab.ablation.tuning import chosen
from pisa_lab.stamp import stamp

RERUN = (TrialStatus.FAILED, TrialStatus.INAPPLICABLE, TrialStatus.UNAVAILABLE)
"""Endings that `run_study` runs again where it is asked to."""


CHECKPOINT_EVERY = 10.0
"""Seconds between two syncs of the store: what a power cut, and nothing else, can cost."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a sweep is: trials in all, stored before it began, stored since, and stored by others meanwhile."""

    total: int
    before: int
    done: int
    repeated: int


def run_study(
    study: Study,
    *,
    resolve: Resolver,
    store: Store,
    jobs: int = 1,
    engine: str = "loky",
    again: bool = False,
    accept_old: bool = False,
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
        again: run trials again that failed, did not apply, or were made by other code or from other data.
        accept_old: let trials stand that other code made, or other data.
        tick: told of every stored trial.

    Raises:
        ValueError: an argument outside its domain, an engine that is not installed, settings that make no problem, a
            measure that a problem does not have, or stored trials of other code or data.
        Stopped: the disk is full, the store damaged, a worker killed, or a source changed meanwhile.
    """
    whole("jobs", jobs, at_least=1)
    require(engine)
    if again and accept_old:
        raise ValueError("again: excludes accept_old")
    if again:
        store.delete(study.name, study.variant, RERUN)
    tuning = tuning_trials(study)
    progress = Progress(
        total=len(tuning) + len(study.problems) * len(study.methods) * len(study.seeds), before=0, done=0, repeated=0
    )
    sweep = _Sweep(study, resolve, store, jobs, engine, tick, _REPLACE if again else _ADOPT if accept_old else _REFUSE)
    progress = sweep.run(tuning, progress)
    final = evaluation_trials(study, {pair: choice.setting for pair, choice in chosen(study, store).items()})
    # A pair without a usable setting has no final trials: its tuning rows say why.
    return sweep.run(final, dataclasses.replace(progress, total=len(tuning) + len(final)))


_REFUSE, _ADOPT, _REPLACE = "refuse", "adopt", "replace"
"""What happens to stored trials of other code or data."""


class Stopped(Exception):
    """A sweep that ended before its end; what is stored stays."""


@dataclasses.dataclass(frozen=True)
class _Sweep:
    study: Study
    resolve: Resolver
    store: Store
    jobs: int
    engine: str
    tick: Callable[[Progress], object]
    older: str

    def run(self, trials: Sequence[Trial], progress: Progress) -> Progress:
        """Run those of ``trials`` that are not stored, and store each as it comes."""
        self._settle_older(trials)
        missing = self._missing(trials)
        check_measures(self.study, missing, self.resolve)
        ours = len(missing) + progress.done + progress.repeated
        progress = dataclasses.replace(progress, before=progress.before + len(trials) - len(missing))
        self.tick(progress)
        try:
            # What another process has claimed is left to it, and run here if it is still missing at the end.
            for is_last in (False, True):
                parts = list(groups(missing, self.study.replicates))
                for now in self._stored(parts, progress, claim=not is_last):
                    progress = now
                    self.tick(progress)
                missing = self._missing(missing)
            self.store.checkpoint()
        except Exception as error:
            stored = f"{progress.before + progress.done} of {progress.total} trials are stored"
            raise Stopped(f"{_reason(error)}; {stored}; {_advice(error)}") from error
        elsewhere = ours - progress.done - progress.repeated
        return dataclasses.replace(progress, repeated=progress.repeated + elsewhere)

    def _missing(self, trials: Sequence[Trial]) -> list[Trial]:
        known = self.store.statuses(self.study.name)
        return [trial for trial in trials if trial.key not in known]

    def _settle_older(self, trials: Sequence[Trial]) -> None:
        """Use, drop or refuse what other code or data made of ``trials``."""
        rows = self.store.older(trials)
        if rows and self.older == _REFUSE:
            data, code = any(row.is_other_data for row in rows), not all(row.is_other_data for row in rows)
            what = " and ".join(name for name, is_so in (("code", code), ("data", data)) if is_so)
            commits = Counter(row.commit or "unknown" for row in rows)
            made = ", ".join(f"{count} by commit {commit}" for commit, count in commits.items())
            raise ValueError(
                f"store: {len(rows)} of {len(trials)} {trials[0].phase} trials are of other {what} ({made}; this is "
                f"{stamp()['commit'] or 'unknown'}); --accept-old uses them, --again runs them anew"
            )
        (self.store.adopt if self.older == _ADOPT else self.store.drop)(rows)

    def _stored(self, parts: list[tuple[Trial, ...]], progress: Progress, *, claim: bool) -> Iterator[Progress]:
        """Yield how far the sweep is after each trial of ``parts`` that was run and stored."""
        synced = time.monotonic()
        with contextlib.closing(self._results(filter(self.store.claim, parts) if claim else parts)) as finished:
            for results in finished:
                for result in results:
                    is_new = self.store.put(result)
                    progress = dataclasses.replace(
                        progress, done=progress.done + is_new, repeated=progress.repeated + (not is_new)
                    )
                    yield progress
                if time.monotonic() - synced > CHECKPOINT_EVERY:
                    self.store.checkpoint()
                    synced = time.monotonic()

    def _results(self, parts: Iterable[tuple[Trial, ...]]) -> Generator[list[Result], None, None]:
        if self.jobs == 1 and self.engine == "loky":
            yield from (_alone(part, self.resolve) for part in parts)
            return
        import joblib

        deep = any("model" in problem.settings for problem in self.study.problems)
        origin = Origin(str(Path.cwd()), deep, code_sha256(deep=deep))
        calls = (joblib.delayed(_alone)(part, self.resolve, origin) for part in parts)
        with backend(self.engine, self.jobs):
            if self.engine == "ray":
                # Its backend hands nothing back before all is done, so that the work goes there in waves.
                while wave := list(itertools.islice(calls, 2 * self.jobs)):
                    yield from joblib.Parallel(n_jobs=self.jobs)(wave)
            else:
                yield from joblib.Parallel(n_jobs=self.jobs, return_as="generator_unordered")(calls)


def check_measures(study: Study, missing: Sequence[Trial], resolve: Resolver) -> None:
    """Check, before the first trial, that every problem can be made and has the measures that the study asks for.

    What is only missing here, or fails in a way of its own, becomes rows later.

    Raises:
        ValueError: settings that make no problem, or an unknown measure; the message names the problem.
    """
    for trial in {trial.problem.name: trial for trial in reversed(missing)}.values():
        problem = trial.problem
        try:
            arena = resolve(problem.settings, trial.instance)
        except ValueError as error:
            raise ValueError(f"problems: {problem.name!r}: {error}") from error
        except Exception:
            continue
        known = sorted(finals(arena))
        choice(f"problems: {problem.name!r}: outcome", problem.outcome, known)
        choice(f"problems: {problem.name!r}: tuning.measure", study.tuning_measure, known)
        choice(f"problems: {problem.name!r}: score", problem.score, ["", *known])


def _reason(error: Exception) -> str:
    if isinstance(error, BrokenExecutor):
        return "a worker was killed, perhaps for want of memory"
    if isinstance(error, sqlite3.Error):
        return f"the store cannot be written ({error})" if not _is_damage(error) else f"the store is damaged ({error})"
    return str(error) if isinstance(error, Changed) else f"{type(error).__name__}: {error}"


def _advice(error: Exception) -> str:
    return "another --store begins anew" if _is_damage(error) else "the same command goes on"


def _is_damage(error: Exception) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


class Origin(NamedTuple):
    """The folder of the process that asks, whether deep models count, and the hash of its source."""

    folder: str
    deep: bool
    code: str


def _alone(part: tuple[Trial, ...], resolve: Resolver, origin: Origin | None = None) -> list[Result]:
    """Run one group with linear algebra kept to one thread: many small products gain nothing from more.

    Where another process asks, its source must be that of this one.
    """
    if origin is not None:
        specs.look_in(origin.folder)
        if code_sha256(deep=origin.deep) != origin.code:
            raise Changed("the source of pisa_lab changed since the study was read")
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError):
            stack.enter_context(importlib.import_module("threadpoolctl").threadpool_limits(1))
        return execute(part, resolve)
