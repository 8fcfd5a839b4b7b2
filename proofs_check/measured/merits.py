r"""What must fall in the repaired methods, and the thresholds from which on it does, as written in MATHEMATICS.md.

The sides of the test are computed here from states, apart from the search that applies it.
"""

from typing import Any

import numpy as np

from pisa_lab.backtracking import Backtracking
from pisa_lab.problem import Problem, objective, total_gradient
from pisa_lab.state import State
from proofs_check.measured.instances import Array
from proofs_check.theory import restart_threshold, searched_penalty_bound


def enough(rule: Backtracking, smoothness: float, ridge: float = 0.0) -> float:
    r"""Return $\sigma_R = (s_R-\lambda)^+$ for the constants of ``rule``."""
    told = {"decrease": rule.decrease, "relaxation": rule.relaxation, "weight": rule.weight}
    return max(float(restart_threshold(smoothness, ridge, **told)) - ridge, 0.0)


def penalty_bound(rule: Backtracking, smoothness: float, ridge: float = 0.0) -> float:
    r"""Return $\max(\sigma_0, t\sigma_R, \sigma_{\min})$. Source: MATHEMATICS.md#N1."""
    found = searched_penalty_bound(rule.initial, enough(rule, smoothness, ridge), factor=rule.factor)
    return max(float(found), rule.least)


def residual(problem: Problem, state: State, inverse: Any = 1.0) -> float:
    r"""Return $\sum_i\alpha_i\|\nabla F_i(w)+\pi_i\|^2_{S^{-1}}$ with S⁻¹ a number or a diagonal."""
    gap = problem.client_grad(state.shared) + state.multiplier
    axes = tuple(range(1, gap.ndim))
    return float(np.sum(state.weights * np.sum(gap**2 * inverse, axis=axes)))


def excess(rule: Backtracking, problem: Problem, before: State, after: State) -> float:
    """Return left minus right of the test (T) between two states, over 1 + |F|; accepted rounds leave it ≤ 0.

    A round that restarted is held to the test with the restarted multipliers, whose residual is 0.
    """
    total = float(np.sum(after.weights * after.penalty)) + after.ridge
    restarted = float(after.search.restarts) > float(before.search.restarts)
    old = 0.0 if restarted else residual(problem, before)
    values = [float(objective(problem, state.consensus)) for state in (before, after)]
    gradient = float(np.sum(total_gradient(problem, before.consensus) ** 2))
    left = (1 + rule.relaxation) * rule.weight / total * residual(problem, after)
    right = (1 - rule.contraction) * rule.weight / total * old - rule.decrease / total * gradient
    return (values[1] - values[0] + left - right) / (1 + abs(values[0]))


def merit(rule: Backtracking, problem: Problem, state: State) -> float:
    r"""Return $\Phi = F_\lambda(w) + (1+\varepsilon)\frac as\sum_i\alpha_i\|\nabla F_i(w)+\pi_i\|^2$ after a round."""
    total = float(np.sum(state.weights * state.penalty)) + state.ridge
    weight = (1 + rule.relaxation) * rule.weight / total
    return float(objective(problem, state.consensus)) + weight * residual(problem, state)


def penalties(states: list[Any]) -> Array:
    r"""Return $\sigma = \sum_i\alpha_i\sigma_i$ of every state."""
    return np.asarray([float(np.sum(state.weights * state.penalty)) for state in states])
