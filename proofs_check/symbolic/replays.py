r"""The witnesses of the exact refutations, run through the ordinary `run()`.

A trial returns "margin": how far the run is on the side of the refuted statement, negative where the witness holds.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners.base import Base
from pisa_lab.problem import FunctionProblem, from_functions
from pisa_lab.state import Observation

Instance = Mapping[str, Any]


def _scalar(value: Callable[[float], float], slope: Callable[[float], float], start: float) -> FunctionProblem:
    """Return a one-client problem of a function of one number."""
    return from_functions([(lambda w: value(float(w[0])), lambda w: np.array([slope(float(w[0]))]))], np.array([start]))


def _path(problem: FunctionProblem, method: PISA, steps: int) -> np.ndarray[Any, Any]:
    """Return w after every round, (steps + 1,)."""
    measures = {"w": lambda problem, state: state.consensus[..., 0]}
    return np.asarray(run(method, problem, steps=steps, every=1, measures=measures).history["w"])


def slope_trial(instance: Instance) -> Mapping[str, Any]:
    """Return how far F = aw moves w in the last round against a/σ; margin −(moved/(a/σ)) once the drift is steady."""
    slope, penalty, steps = (float(instance[name]) for name in ("slope", "penalty", "steps"))
    path = _path(_scalar(lambda w: slope * w, lambda w: slope, 0.0), PISA(penalty=penalty), int(steps))
    moved = float(path[-2] - path[-1]) * penalty / slope
    return {"w": float(path[-1]), "moved": moved, "gradient": slope, "margin": -moved}


def kink_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the shortest move on F = |w| in units of 1/σ; margin ½ minus it, since no move is below one."""
    penalty, steps = float(instance["penalty"]), int(instance["steps"])
    path = _path(_scalar(abs, lambda w: math.copysign(1.0, w), 0.5 / penalty), PISA(penalty=penalty), steps)
    shortest = float(np.min(np.abs(np.diff(path[1:])))) * penalty
    return {"shortest": shortest, "last": float(path[-1]), "margin": 0.5 - shortest}


def cycle_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return $\sigma^2|w|$ on the two-cycle of $|w|^{3/2}$ against 81/16; margin minus its share."""
    penalty, steps = float(instance["penalty"]), int(instance["steps"])
    problem = _scalar(
        lambda w: abs(w) ** 1.5, lambda w: math.copysign(1.5 * math.sqrt(abs(w)), w), 9 / (4 * penalty**2)
    )
    path = _path(problem, PISA(penalty=penalty), steps)
    size = float(abs(path[-1])) * penalty**2
    return {"size": size, "limit": 81 / 16, "turns": bool(path[-1] * path[-2] < 0), "margin": -size * 16 / 81}


@dataclasses.dataclass(frozen=True)
class Doubling(Base):
    r"""$Q_k = (k-1)2^k + 2$, the sequence of the exact witness; k counts from 1."""

    def entries(self, at: Observation) -> Any:
        """Return the diagonal of Q."""
        k = at.iteration + 1
        return ((k - 1) * 2.0**k + 2) + 0 * at.gradient


def doubling_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest distance of w_k from (3 − k)/4; margin minus the last gradient over the first."""
    steps = int(instance["steps"])
    problem = _scalar(lambda w: w * w / 2, lambda w: w, 1.0)
    method = PISA(penalty=2.0, rho=1.0, preconditioner=Doubling(), warm=True)
    path = _path(problem, method, steps)
    exact = (3 - np.arange(1, steps + 1)) / 4
    off = float(np.max(np.abs(path[1:] - exact)))
    return {"off": off, "last": float(path[-1]), "margin": -abs(float(path[-1])) / abs(float(path[0]))}
