"""MEASURES: what a run can record, functions of a problem and a state."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab import residuals
from pisa_lab._array import Array, namespace, to_numpy
from pisa_lab.lagrangian import augmented_lagrangian
from pisa_lab.problem import Problem, objective
from pisa_lab.state import State

Measure = Callable[[Problem, Any], Array]
"""(problem, state) → one number per replicate, shape (…)."""


def _objective(problem: Problem, state: Any) -> Array:
    return objective(problem, state.consensus)


def _penalty(problem: Problem, state: Any) -> Array:
    return namespace(state.penalty).sum(state.weights * state.penalty, axis=state.penalty.ndim - 1)


def _local_mean(problem: Problem, state: Any) -> Array:
    return objective(problem, state.local_mean)


MEASURES: dict[str, Measure] = {
    "objective": _objective,
    "stationarity": residuals.stationarity,
    "local": residuals.local_residual,
    "consensus": residuals.consensus_residual,
    "aggregate": residuals.aggregate_residual,
    "lagrangian": augmented_lagrangian,
    "penalty": _penalty,
    "local_mean": _local_mean,
}
"""What a run can record by name; the last six need multipliers, and are NaN for methods that have none."""

_WITHOUT_MULTIPLIERS = ("objective", "stationarity")
DEFAULT_MEASURES = ("objective", "stationarity", "local", "consensus", "aggregate")


def measure_functions(measures: Sequence[str] | Mapping[str, Measure]) -> Mapping[str, Measure]:
    """Return name → function of what is asked for by names or as a mapping.

    Raises:
        ValueError: a name that is not one of `MEASURES`.
    """
    if isinstance(measures, Mapping):
        return measures
    if isinstance(measures, str):
        raise ValueError(f"measures: {measures!r} is one name; give a sequence of them")
    unknown = [name for name in measures if name not in MEASURES]
    if unknown:
        raise ValueError(f"measures: {unknown[0]!r} is not one of {', '.join(MEASURES)}")
    return {name: MEASURES[name] for name in measures}


def measure(functions: Mapping[str, Measure], problem: Problem, state: Any) -> dict[str, np.ndarray[Any, Any]]:
    """Return the value of each of ``functions``, NaN of one that needs multipliers where ``state`` has none."""
    nothing = np.full(tuple(state.consensus.shape[: state.consensus.ndim - problem.initial.ndim]), np.nan)
    return {
        name: nothing
        if name in MEASURES and name not in _WITHOUT_MULTIPLIERS and not isinstance(state, State)
        else to_numpy(function(problem, state))
        for name, function in functions.items()
    }
