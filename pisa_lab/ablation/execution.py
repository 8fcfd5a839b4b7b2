"""One group of trials as one vectorised run: settings and seeds on the replicate axis, failures as results."""

import dataclasses
import enum
import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab import methods, specs
from pisa_lab._array import to_numpy
from pisa_lab.ablation.budgets import rounds_for
from pisa_lab.ablation.store import Result
from pisa_lab.ablation.study import MethodSpec
from pisa_lab.ablation.trials import Trial
from pisa_lab.loop import Run, run
from pisa_lab.measures import MEASURES, Measure
from pisa_lab.method import Method
from pisa_lab.sampling import Indices, Reshuffled, Stream, Uniform
from pisa_lab.specs import Inapplicable


class TrialStatus(enum.StrEnum):
    """How a trial ended: the closed list."""

    FINISHED = "FINISHED"
    NON_FINITE = "NON_FINITE"
    FAILED = "FAILED"
    INAPPLICABLE = "INAPPLICABLE"
    UNAVAILABLE = "UNAVAILABLE"


class Unavailable(Exception):
    """What a resolver raises where the data of a problem are not there."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Arena:
    """An instance to run on.

    Args:
        problem: with samples, where the study draws mini-batches.
        scale: what a penalty is a multiple of, its mean Lipschitz constant or a stand-in.
        finals: measured once, at the end; "validation" is smaller when better and chooses settings.
        optimum: F_λ at its minimiser, where that is known.
    """

    problem: Any
    scale: float
    finals: Mapping[str, Measure]
    optimum: float | None = None


MOST_ROUNDS = 10**7
_NO_STEP = 1e6
"""σ over that of the trials where only costs are counted: nothing may diverge there."""
CURVES = ("gradients", "hvps")
"""Costs that are kept along a run, beside the objective."""

Resolver = Callable[[Mapping[str, Any], int], Arena]
"""(settings of a problem, instance) → its arena; raises `Unavailable` where data are missing."""


@dataclasses.dataclass(frozen=True)
class PerReplicate:
    """The draws of ``rule`` with replicate r on seed ``seeds[r]``, whatever the order and however often."""

    rule: Uniform | Reshuffled
    seeds: tuple[int, ...]

    def draw(self, stream: Stream, size: int, number: int) -> Indices:
        """Return what ``rule`` draws for the seed of the replicate that ``stream.seed`` counts."""
        own = Stream(stream.experiment, self.seeds[stream.seed], stream.client)
        length = len(_block(self.rule, own, size, 0))
        drawn: Indices = _block(self.rule, own, size, number // length)[number % length]
        return drawn


@functools.lru_cache(maxsize=1024)
def _block(rule: Uniform | Reshuffled, stream: Stream, size: int, block: int) -> Indices:
    """Return many draws at once: settings share the seeds, and a new generator costs more than a batch."""
    return rule.block(stream, size, block)


def execute(trials: Sequence[Trial], resolve: Resolver) -> list[Result]:
    """Return the results of ``trials``, which share problem, instance and method.

    Where the vectorised run of all fails, each trial is run alone, so that one cannot take the others with it. What
    a trial raises is a row.

    Raises:
        Changed: data or source are no longer those of the trials' keys.
    """
    started = time.process_time()
    trials[0].check_sources()
    try:
        results = _executed(trials, resolve(trials[0].problem.settings, trials[0].instance))
    except Unavailable as reason:
        return [Result(trial=trial, status=TrialStatus.UNAVAILABLE, reason=str(reason)) for trial in trials]
    except Inapplicable as reason:
        return [Result(trial=trial, status=TrialStatus.INAPPLICABLE, reason=str(reason)) for trial in trials]
    except Exception as error:  # every failure of a trial is a row
        if len(trials) > 1:
            return [result for trial in trials for result in execute((trial,), resolve)]
        results = [Result(trial=trials[0], status=TrialStatus.FAILED, reason=f"{type(error).__name__}: {error}")]
    share = (time.process_time() - started) / len(trials)
    return [dataclasses.replace(result, seconds=share) for result in results]


def _executed(trials: Sequence[Trial], arena: Arena) -> list[Result]:
    first = trials[0]
    sigmas = [trial.penalty * arena.scale for trial in trials]
    rhos = None if first.rho is None else [float(trial.rho or 0.0) for trial in trials]
    draws = None if first.problem.batch is None else Uniform(first.problem.batch)
    rounds = rounds_for(
        build(first.method, arena.problem, [_NO_STEP * max(sigmas)], rhos and rhos[:1]),
        arena.problem,
        batch=first.problem.batch,
        unit=first.unit,
        amount=first.amount,
    )
    if rounds > MOST_ROUNDS:
        raise ValueError(f"budget: {first.amount} {first.unit} buy {rounds:,} rounds, at most {MOST_ROUNDS:,} are run")
    result = run(
        build(first.method, arena.problem, sigmas, rhos, rounds),
        arena.problem,
        steps=rounds,
        seeds=len(trials),
        batches=None if draws is None else PerReplicate(draws, tuple(trial.seed for trial in trials)),
        experiment=first.instance,
        measures=("objective",),
        every=recorded(rounds, first.records),
    )
    return _results(trials, arena, result, sigmas)


def recorded(rounds: int, records: int) -> list[int]:
    """Return about ``records`` rounds, the first and the last among them and closer together at the start."""
    between = np.geomspace(1, rounds, records - 1) if records > 2 else ()
    return sorted({0, *(round(step) for step in between), rounds})


def build(
    spec: MethodSpec, problem: Any, sigmas: Sequence[float], rhos: Sequence[float] | None, rounds: int = 1
) -> Method:
    """Return the method of ``spec`` with one replicate for each of ``sigmas``, to be run for ``rounds``.

    Raises:
        Inapplicable: the problem lacks what the preconditioner asks for.
        ValueError: an unknown name or a setting outside its domain.
    """
    settings = methods.Settings(
        penalty=tuple((sigma,) for sigma in sigmas),
        rho=None if rhos is None else tuple((rho,) for rho in rhos),
        schedule=specs.schedule(spec.schedule, rounds=rounds),
        clip=spec.clip,
        warm=spec.warm,
        preconditioner=specs.preconditioner(spec.preconditioner, problem, spec.clip),
        metric=specs.metric(spec.metric, problem),
        local_steps=spec.local_steps,
    )
    built: Method = specs.method(spec.method, problem, settings)
    return built


def _results(trials: Sequence[Trial], arena: Arena, ran: Run, sigmas: Sequence[float]) -> list[Result]:
    with np.errstate(all="ignore"):
        ends = {name: _column(measure(arena.problem, ran.state)) for name, measure in finals(arena).items()}
    return [
        _result(trial, place, ran, sigmas[place], {name: values[place] for name, values in ends.items()})
        for place, trial in enumerate(trials)
    ]


def finals(arena: Arena) -> dict[str, Measure]:
    """Return what is measured at the end of a trial: what every problem has, and what ``arena`` brings."""
    known = arena.optimum
    fixed: dict[str, Measure] = {name: MEASURES[name] for name in ("objective", "stationarity")}
    if known is not None:
        fixed["optimum"] = lambda problem, state: np.full(state.consensus.shape[0], known)
    return {**fixed, **arena.finals}


def _result(trial: Trial, place: int, ran: Run, sigma: float, finals: Mapping[str, float]) -> Result:
    """Return the result of replicate ``place``; one that broke keeps its curve up to there and has no finals."""
    broke, rounds = ran.broke[place], ran.history["iteration"]
    kept = rounds < broke if broke >= 0 else rounds >= 0
    known = {"objective": ran.history["objective"], **{name: ran.ledger[name] for name in CURVES}}
    curve = {name: tuple(float(value) for value in values[kept, place]) for name, values in known.items()}
    done = tuple(int(step) for step in rounds[kept])
    reason = _breakdown(broke, finals)
    return Result(
        trial=trial,
        status=TrialStatus.NON_FINITE if reason else TrialStatus.FINISHED,
        reason=reason,
        sigma=sigma,
        measures={} if reason else finals,
        rounds=done,
        curve=curve,
        counts={name: int(values[-1, place]) for name, values in ran.ledger.items()},
    )


def _breakdown(broke: int, finals: Mapping[str, float]) -> str:
    """Return why a replicate has no result, "" where it has one: finite iterates can still have infinite losses."""
    if broke >= 0:
        return f"iterates are not finite from round {broke}"
    bad = [name for name, value in finals.items() if not math.isfinite(value)]
    return f"{bad[0]} is not finite at the end" if bad else ""


def _column(values: Any) -> list[float]:
    return [float(value) for value in np.ravel(to_numpy(values))]
