"""Exact consensus ADMM: what PISA would be if every client solved its subproblem."""

import dataclasses
import math
from typing import Any

import numpy as np

from pisa_lab import updates
from pisa_lab._array import Array, column, like, namespace, squared_norm, to_numpy
from pisa_lab._checks import Scalars, real, reals, whole
from pisa_lab.method import PISA
from pisa_lab.problem import Problem
from pisa_lab.state import Oracle, State


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExactADMM:
    r"""Consensus ADMM whose clients solve their subproblems to ``accuracy``.

    $$w_i \leftarrow \arg\min F_i(w_i) + \langle\pi_i, w_i-w\rangle + \tfrac{\sigma_i}{2}\|w_i-w\|^2$$

    The subproblem is solved by accelerated full-gradient steps until its gradient has shrunk by ``accuracy`` or
    ``inner`` of
    them are spent; every one is a client gradient that PISA does not take. Server and multiplier steps are PISA's.
    Source: Boyd et al., Distributed Optimization and Statistical Learning via ADMM, section 7.1.

    Raises:
        ValueError: a number outside its domain, or a problem without a global Lipschitz constant.
    """

    penalty: Scalars
    accuracy: float = 1e-10
    inner: int = 500

    def __post_init__(self) -> None:
        object.__setattr__(self, "penalty", reals("penalty", self.penalty, above=0.0))
        object.__setattr__(self, "accuracy", real("accuracy", self.accuracy, above=0.0, below=1.0))
        object.__setattr__(self, "inner", whole("inner", self.inner, at_least=1))

    def init(self, problem: Problem, w: Array, *, replicates: int | None = None) -> State:
        """Return the state at ``w`` with π = 0."""
        _smoothness(problem)
        return PISA(penalty=self.penalty).init(problem, w, replicates=replicates)

    def step(self, state: State, oracle: Oracle) -> State:
        """Return the state after one round."""
        state = PISA(penalty=self.penalty).server_update(state)
        deviation = self._minimise(oracle(state.shared).problem, state)
        multiplier = updates.multiplier_step(state.multiplier, state.penalty, deviation)
        return state._replace(iteration=state.iteration + 1, deviation=deviation, multiplier=multiplier)

    def _minimise(self, problem: Any, state: State) -> Array:
        """Return w_i − w of the exact local minimisers, by Nesterov's constant-momentum method from w."""
        smooth = like(_smoothness(problem), state.penalty)
        shape = state.deviation
        strong = column(state.penalty, shape)
        largest = column(state.penalty + smooth, shape)
        xp = namespace(shape)
        momentum = (xp.sqrt(largest) - xp.sqrt(strong)) / (xp.sqrt(largest) + xp.sqrt(strong))
        deviation = point = 0 * shape
        first: np.ndarray[Any, Any] | None = None
        for _ in range(self.inner):
            slope = problem.client_grad(state.shared + point) + state.multiplier + strong * point
            size = to_numpy(xp.sqrt(squared_norm(slope, state.client_axis + 1)))
            first = size if first is None else first
            if np.all(size <= self.accuracy * first):
                return point
            new = point - slope / largest
            point, deviation = new + momentum * (new - deviation), new
        return deviation


def _smoothness(problem: Any) -> tuple[float, ...]:
    values = tuple(float(x) for x in np.atleast_1d(getattr(problem, "lipschitz", math.inf)))
    if not all(math.isfinite(x) for x in values):
        raise ValueError("problem: exact ADMM needs a global Lipschitz constant per client")
    return values
