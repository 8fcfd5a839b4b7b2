"""One configuration carried out: a problem, a method and a run for every seed, and the row that each leaves."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from pisa_lab import methods, specs
from pisa_lab._array import to_numpy
from pisa_lab.cli.configuration import Configuration, named
from pisa_lab.cli.instances import Instance, built, loaded
from pisa_lab.loop import Run, Status, run
from pisa_lab.problem import heterogeneity
from pisa_lab.stamp import stamp


@dataclasses.dataclass(frozen=True)
class Trial:
    """One seed: its instance, the penalty with how it was found, the method and the run."""

    seed: int
    instance: Instance
    penalty: float
    penalty_rule: str
    method: Any
    run: Run


def trials(
    configuration: Configuration, states: Sequence[Any] | None, tick: Callable[[int], object]
) -> Iterator[Trial]:
    """Yield the trial of every seed; ``states`` are those to resume from, ``tick`` is told the rounds done in each."""
    dataset = loaded(configuration)
    for place in range(configuration.seeds):
        seed = configuration.seed + place
        instance, penalty, rule, method = prepared(configuration, seed, dataset)
        with named({"batch": "--batch"}):
            result = run(
                method,
                instance.problem,
                steps=configuration.steps,
                state=None if states is None else states[place],
                batches=configuration.batch,
                seed=seed,
                tolerance=configuration.tolerance,
                progress=tick,
            )
        yield Trial(seed, instance, penalty, rule, method, result)


def prepared(configuration: Configuration, seed: int, dataset: Any) -> tuple[Instance, float, str, Any]:
    """Return the instance of ``seed``, its penalty with how it was found, and the method.

    Raises:
        ValueError: the configuration does not fit the problem.
    """
    instance = built(configuration, seed, dataset)
    penalty, rule = _penalty(configuration, instance.problem)
    with named({"preconditioner": "--preconditioner"}):
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
    )
    with named({"method": "--method"}):
        method = specs.method(configuration.method, instance.problem, settings)
    return instance, penalty, rule, method


def starts(configuration: Configuration) -> tuple[Any, ...]:
    """Return the first state of every seed: what saved states are read into."""
    dataset, first = loaded(configuration), []
    for place in range(configuration.seeds):
        instance, _, _, method = prepared(configuration, configuration.seed + place, dataset)
        first.append(method.init(instance.problem, instance.problem.initial))
    return tuple(first)


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
        "status": _status(result),
        "penalty": trial.penalty,
        **stamp(),
    }


def _status(result: Run) -> str:
    broke = max(result.broke)
    return f"{result.status} at {broke}" if result.status is Status.NON_FINITE else str(result.status)


def _penalty(configuration: Configuration, problem: Any) -> tuple[float, str]:
    """Return σ and where it is from: given, or twice the mean Lipschitz constant, on a ball where none is global."""
    if configuration.penalty is not None:
        return configuration.penalty, "given"
    weights = to_numpy(problem.weights).astype(float)
    mean = float(weights @ np.asarray(getattr(problem, "lipschitz", np.inf)).astype(float))
    rule = "2·Σαᵢ·Lᵢ"
    if not math.isfinite(mean) and hasattr(problem, "lipschitz_on"):
        radius = max(1.0, 2 * float(np.linalg.norm(to_numpy(problem.initial).astype(float))))
        mean = float(weights @ np.asarray(problem.lipschitz_on(radius)).astype(float))
        rule = f"2·Σαᵢ·Lᵢ on the ball of radius {radius:.3g}"
    if not math.isfinite(mean):
        raise ValueError(f"--penalty: {configuration.problem!r} has no Lipschitz constant to take it from; give one")
    return (2 * mean, rule) if mean > 0 else (1.0, "1, as every Lᵢ is 0")
