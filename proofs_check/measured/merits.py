r"""What must fall in the repaired methods, and the thresholds from which on it does, as written in MATHEMATICS.md.

The sides of the test are computed here from states, apart from the search that applies it.
"""

import math
from typing import Any

import numpy as np

from pisa_lab.backtracking import Backtracking
from pisa_lab.problem import Problem, objective, total_gradient
from pisa_lab.state import State
from proofs_check.measured.instances import Array
from proofs_check.theory import margin_threshold, residual_weight


def restart_threshold(rule: Backtracking, smoothness: float, ridge: float = 0.0) -> float:
    r"""Return $s_R$, from which on the test passes after a restart.

    $\frac{1}{2(1-c)}[\frac{L+\lambda}2 + \sqrt{\frac{(L+\lambda)^2}4 + 4(1-c)(1+\varepsilon)aL^2}]$.
    Source: MATHEMATICS.md#N1.
    """
    half, left = (smoothness + ridge) / 2, 1 - rule.decrease
    return (half + math.sqrt(half**2 + 4 * left * (1 + rule.relaxation) * rule.weight * smoothness**2)) / (2 * left)


def penalty_bound(rule: Backtracking, smoothness: float, ridge: float = 0.0) -> float:
    r"""Return $\max(\sigma_0, t(s_R-\lambda)^+, \sigma_{\min})$. Source: MATHEMATICS.md#N1."""
    return max(rule.initial, rule.factor * max(restart_threshold(rule, smoothness, ridge) - ridge, 0.0), rule.least)


def evaluation_bound(rule: Backtracking, rounds: int, most: float) -> float:
    r"""Return the most evaluations that ``rounds`` rounds take where $\sigma \le$ ``most``.

    $1 + 2N + [\log^+(\mathrm{most}/\sigma_0) + N\log(1+\varepsilon)]/\log t$. Source: MATHEMATICS.md#N1.
    """
    grown = max(math.log(most / rule.initial), 0.0) + rounds * math.log1p(rule.relaxation)
    return 1 + 2 * rounds + grown / math.log(rule.factor)


def falling_margin(beta: float, share: float) -> float:
    r"""Return $X_\vartheta(\beta)$ for a metric that falls by at most ϑ = ``share`` a round.

    $\frac4{4\vartheta-\beta}$ for $\beta < 4\vartheta$ (up to 3), then
    $\frac{(\beta-1)^2}{((1+\beta)\sqrt\vartheta-\beta)^2}$. Source: MATHEMATICS.md#N3.

    Raises:
        ValueError: the metric falls so fast that there is no threshold.
    """
    if share == 1:
        return float(margin_threshold(beta))
    if beta < min(4 * share, 3):
        return 4 / (4 * share - beta)
    return (beta - 1) ** 2 / _left(beta, share) ** 2


def falling_weight(beta: float, share: float) -> float:
    r"""Return a of the potential $F_\lambda + a\sum_i\alpha_i\|\nabla F_i+\pi_i\|^2_{S^{-1}}$ under such a metric."""
    if share == 1:
        return float(residual_weight(beta))
    if beta < min(4 * share, 3):
        return 0.5
    return math.sqrt(share) * (beta - 1) ** 2 / (2 * (1 + beta) * _left(beta, share))


def _left(beta: float, share: float) -> float:
    left = (1 + beta) * math.sqrt(share) - beta
    if left <= 0:
        raise ValueError(f"share: a metric that falls by {share:g} a round has no threshold for β = {beta:g}")
    return left


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
