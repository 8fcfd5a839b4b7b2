r"""The three KKT residuals and stationarity, always reported apart.

All three vanish together exactly where $\nabla F_\lambda(w) = 0$; any two of them do not suffice. Source:
MATHEMATICS.md#problem. Every function takes (problem, state) and returns one number per replicate, shape (…).
"""

from pisa_lab._array import Array, client_sum, namespace, squared_norm
from pisa_lab.problem import Problem, total_gradient
from pisa_lab.state import State


def _weighted_norm(state: State, x: Array) -> Array:
    axis = state.client_axis
    return namespace(x).sqrt(client_sum(state.weights, squared_norm(x, axis + 1), axis))


def local_residual(problem: Problem, state: State) -> Array:
    r"""Return $\sqrt{\sum_i\alpha_i\|\nabla F_i(w_i) + \pi_i\|^2}$."""
    return _weighted_norm(state, problem.client_grad(state.local) + state.multiplier)


def consensus_residual(problem: Problem, state: State) -> Array:
    r"""Return $\sqrt{\sum_i\alpha_i\|w_i - w\|^2}$."""
    return _weighted_norm(state, state.displacement)


def aggregate_residual(problem: Problem, state: State) -> Array:
    r"""Return $\|\lambda w - \sum_i\alpha_i\pi_i\|$."""
    axis = state.client_axis
    gap = state.ridge * state.consensus - client_sum(state.weights, state.multiplier, axis)
    return namespace(gap).sqrt(squared_norm(gap, axis))


def stationarity(problem: Problem, state: State) -> Array:
    r"""Return $\|\nabla F_\lambda(w)\|$."""
    gradient = total_gradient(problem, state.consensus)
    return namespace(gradient).sqrt(squared_norm(gradient, gradient.ndim - problem.initial.ndim))
