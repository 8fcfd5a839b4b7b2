"""One configuration carried out: a problem, a method and a run for every seed, and the row that each leaves."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pisa_lab import methods, specs
from pisa_lab._array import to_numpy
from pisa_lab.late import Late
from pisa_lab.loop import Run, Status, run
from pisa_lab.problem import heterogeneity
from pisa_lab.stamp import stamp
from problems.commands.configuration import Configuration, named
from problems.commands.instances import Instance, built, loaded


@dataclasses.dataclass(frozen=True)
class Trial:
    """One seed: its instance, the penalty with how it was found, the method and the run."""

    seed: int
    instance: Instance
    penalty: float
    penalty_rule: str
    method: Any
    run: Run
    is_interrupted: bool = False


@dataclasses.dataclass(frozen=True)
class Start:
    """A state to go on from, the rounds still to make, and how the run had ended, "" where it had not."""

    state: Any
    rounds: int
    status: str = ""


def trials(
    configuration: Configuration, begun: Sequence[Start], after_round: Callable[[Any, int], object]
) -> Iterator[Trial]:
    """Yield the trial of every seed; the first go on from those ``begun``.

    ``after_round`` is told state and rounds done in each trial. Ctrl-C ends the present trial, which is yielded with
    what its rounds gave, and is raised when the next is asked for.
    """
    dataset = loaded(configuration)
    for place in range(configuration.seeds):
        start = begun[place] if place < len(begun) else Start(None, configuration.steps)
        seed = configuration.seed + place
        made = prepared(configuration, seed, dataset)
        yield from _ran(Trial(seed, *made, run=None), start, configuration, after_round)  # type: ignore[arg-type]


def _ran(
    trial: Trial, start: Start, configuration: Configuration, after_round: Callable[[Any, int], object]
) -> Iterator[Trial]:
    """Yield ``trial`` with its run, and once more what it came to where Ctrl-C ends it."""
    settings: dict[str, Any] = {
        "batches": configuration.batch,
        "participation": configuration.participation,
        "seed": trial.seed,
        "tolerance": configuration.tolerance,
    }
    latest, first = start.state, 0 if start.state is None else int(start.state.iteration)

    def keep(before: Any, state: Any) -> None:
        nonlocal latest
        latest = state
        after_round(state, int(state.iteration) - first)

    try:
        with named({"batch": "--batch", "participation": "--participation"}):
            result = run(
                trial.method,
                trial.instance.problem,
                steps=start.rounds,
                state=start.state,
                callback=keep,
                # Also where fewer rounds are left: a tolerance is looked at in recorded rounds.
                every=max(1, configuration.steps // 100),
                **settings,
            )
    except KeyboardInterrupt:
        if latest is not None:
            result = run(trial.method, trial.instance.problem, steps=0, state=latest, **settings)
            yield dataclasses.replace(trial, run=result, penalty=_last_penalty(trial, result), is_interrupted=True)
        raise
    if start.status == Status.CONVERGED:
        result = dataclasses.replace(result, status=Status.CONVERGED)
    yield dataclasses.replace(trial, run=result, penalty=_last_penalty(trial, result))


def prepared(configuration: Configuration, seed: int, dataset: Any) -> tuple[Instance, float, str, Any]:
    """Return the instance of ``seed``, its penalty with how it was found, and the method.

    Raises:
        ValueError: the configuration does not fit the problem.
    """
    instance = built(configuration, seed, dataset)
    penalty, rule = _penalty(configuration, instance.problem)
    with named({"preconditioner": "--preconditioner", "metric": "--metric", "clip": "--clip"}):
        server = specs.metric(configuration.metric, instance.problem)
        try:
            chosen = specs.preconditioner(configuration.preconditioner, instance.problem, configuration.clip)
        except specs.Inapplicable as reason:
            raise ValueError(f"--preconditioner: {reason}") from reason
    settings = methods.Settings(
        penalty=penalty,
        rho=configuration.rho,
        schedule=specs.schedule(configuration.schedule),
        clip=configuration.clip,
        warm=configuration.warm,
        preconditioner=chosen,
        metric=server,
    )
    with named({"method": "--method", "penalty": "--penalty", "schedule": "--schedule", "rho": "--rho"}):
        method = specs.method(configuration.method, instance.problem, settings)
    with named({"method": "--delay"}):
        method = Late(method, configuration.delay) if configuration.delay else method
    return instance, penalty, rule, method


def starts(configuration: Configuration) -> tuple[Any, ...]:
    """Return the first state of every seed: what saved states are read into."""
    dataset, first = loaded(configuration), []
    for place in range(configuration.seeds):
        instance, _, _, method = prepared(configuration, configuration.seed + place, dataset)
        first.append(method.init(instance.problem, instance.problem.initial))
    return tuple(first)


def _last_penalty(trial: Trial, result: Run) -> float:
    """Return σ of the last round where it was searched for, else σ⁰."""
    return float(_searched(result).get("σ", trial.penalty))


def trial_row(trial: Trial) -> dict[str, Any]:
    """Return what ``trial`` came to; its test part is read here, once."""
    problem, result = trial.instance.problem, trial.run
    end = result.state.consensus
    with np.errstate(all="ignore"):
        apart = [float(to_numpy(heterogeneity(problem, w))) for w in (problem.initial, end)]
        scores = trial.instance.scores(end)
    known = getattr(problem, "optimum", None)
    loss = float(result.last("objective"))
    return {
        "seed": trial.seed,
        "loss": loss,
        **({} if known is None else {"gap": loss - float(known)}),
        **scores,
        "gradient_norm": float(result.last("stationarity")),
        **{name: float(result.last(name)) for name in ("local", "consensus", "aggregate")},
        "zeta2_start": apart[0],
        "zeta2_end": apart[1],
        "label_distance": trial.instance.label_distance,
        "rounds": int(result.iterations),
        **_searched(result),
        "status": "INTERRUPTED" if trial.is_interrupted else _status(result),
        "penalty": trial.penalty,
        **stamp(),
    }


def _searched(result: Run) -> dict[str, Any]:
    """Return what a search for σ came to: σ, evaluations of all F_i and ∇F_i, how often σ grew, restarts."""
    found = getattr(result.state, "search", None)
    if found is None:
        return {}
    counts = {"evaluations": found.trials, "σ_raised": found.rejections, "restarts": found.restarts}
    sigma = float(to_numpy(result.state.weights) @ to_numpy(result.state.penalty))
    return {"σ": sigma} | {name: int(to_numpy(count)) for name, count in counts.items()}


def _status(result: Run) -> str:
    broke = max(result.broke)
    return f"{result.status} at {broke}" if result.status is Status.NON_FINITE else str(result.status)


def mean_lipschitz(problem: Any) -> float:
    """Return Σα_i·L_i, infinite where a client has no Lipschitz constant of its own."""
    constants = np.broadcast_to(getattr(problem, "lipschitz", np.inf), np.shape(problem.weights)).astype(float)
    return float(to_numpy(problem.weights).astype(float) @ constants)


SEARCHED = "searched for"


def _penalty(configuration: Configuration, problem: Any) -> tuple[Any, str]:
    """Return σ and where it is from: given, searched for, or twice the mean Lipschitz constant where one is known.

    Where none is global it is that on a ball; where there is none at all pisa searches for σ.
    """
    if configuration.penalty == "auto" or (configuration.method == "pisa-auto" and configuration.penalty is None):
        return "auto", SEARCHED
    if configuration.penalty is not None:
        return configuration.penalty, "given"
    mean = mean_lipschitz(problem)
    rule = "2·Σαᵢ·Lᵢ"
    if not math.isfinite(mean) and hasattr(problem, "lipschitz_on"):
        radius = max(1.0, 2 * float(np.linalg.norm(to_numpy(problem.initial).astype(float))))
        mean = float(to_numpy(problem.weights).astype(float) @ np.asarray(problem.lipschitz_on(radius)).astype(float))
        rule = f"2·Σαᵢ·Lᵢ on the ball of radius {radius:.3g}"
    if not math.isfinite(mean) and configuration.method == "pisa" and configuration.batch is None:
        return "auto", f"{SEARCHED}: no Lᵢ is known"
    if not math.isfinite(mean):
        raise ValueError(f"--penalty: {configuration.problem!r} has no Lipschitz constant to take it from; give one")
    return (2 * mean, rule) if mean > 0 else (1.0, "1, as every Lᵢ is 0")
