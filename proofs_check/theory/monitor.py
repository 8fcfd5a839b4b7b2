r"""The potentials along runs, and a monitor that any `run()` can call.

A round is server, then clients (`PISA(first="server")`, penalties grow before the solve). After it the state holds
$w_k$ and the multipliers after the clients' step at $w_k$; those before it are $\pi_i - \sigma_id_i$, and $V_k$ is
made of them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pisa_lab._array import Array, client_sum, column, namespace, squared_norm, to_numpy
from pisa_lab._checks import real
from pisa_lab.problem import Problem, objective, total_gradient
from pisa_lab.state import State
from proofs_check.theory.potentials import gradient_drop, gradient_weights, margin_threshold, residual_weight

Monitor = Callable[[State, State], np.ndarray[Any, Any]]
"""(state before, state after one round) → V_before − V_after − certified drop; ≥ 0 where the theorem holds."""


def potential(
    value: Array,
    gradient: Array,
    previous: Array,
    *,
    kappa: float,
    smoothness: float = 1.0,
    convex: bool = False,
    batch_axes: int = 0,
) -> Array:
    r"""Return $V_k$ for ρ = λ = 0 from $F(w_k)$, $g_k$ and $g_{k-1}$.

    ``previous`` is the mean dual $-\sum\alpha_i\pi_i$ before the clients' step at $w_k$.

    Nonconvex: $F + \tfrac1L[\tfrac{1}{4\kappa}\|g_k\|^2 + \tfrac{2\kappa-\varrho}{4\kappa^2}\|g_{k-1}\|^2 +
    \omega\|g_k-g_{k-1}\|^2]$; convex: $F + \tfrac{1}{2\kappa L}[(1+r)\|g_k\|^2 + \|g_{k-1}\|^2 + r\|g_k-g_{k-1}\|^2]$.
    Axes before ``batch_axes`` are replicates.
    Source: T1-nonconvex-potential, T1-convex-potential.
    """
    kappa, smoothness = real("kappa", kappa, above=1.5), real("smoothness", smoothness, above=0.0)
    weights = gradient_weights(kappa, convex=convex)
    vectors = (gradient, previous, gradient - previous)
    squares = (weight * squared_norm(x, batch_axes) for weight, x in zip(weights, vectors, strict=True))
    return value + sum(squares) / smoothness


def lyapunov_preconditioned(problem: Problem, state: State, beta: float) -> Array:
    r"""Return $V_k = F_\lambda(w_k) + \tfrac{a}{s_k}\sum_i\alpha_i\|\nabla F_i(w_k)+\pi_i\|^2$.

    $\pi_i$ is that before the clients' last step; shape (…).

    $s_k = \sum_i\alpha_i\sigma_i + \lambda$. ``state`` is one after a round, or a warm start. Source:
    T6-preconditioned.
    """
    axis = state.client_axis
    error = problem.client_grad(state.shared) + _multiplier_before(state)
    spread = client_sum(state.weights, squared_norm(error, axis + 1), axis)
    return objective(problem, state.consensus) + residual_weight(beta) / _total(state) * spread


def lyapunov_monitor(
    problem: Problem, beta: float | None = None, *, smoothness: float | None = None, convex: bool = False
) -> Monitor:
    r"""Return a function of two states, one round apart: $V_{before} - V_{after}$ less the certified drop, shape (…).

    Give it to `run` as ``callback=lambda before, after: margins.append(monitor(before, after))``.

    Args:
        problem: with full gradients; the theorems for mini-batches hold in expectation only.
        beta: β with 0 ⪯ ρ_iQ_i ⪯ βσ_iI: Theorem 1, drop $\|\nabla F_\lambda\|^2/(2s)$; None: ρ = λ = 0 and constant
            penalties, the exact potentials, drop $c\|\nabla F\|^2/L$.
        smoothness: L; by default the largest of ``problem.lipschitz`` (β given), or their weighted mean (None).
        convex: the convex potential (only without β).

    The first round is certified from a warm start with β alone; elsewhere the margin is infinite there.

    Raises:
        ValueError: no finite L; and from the monitor, when the penalties are below the theorem's threshold or fell.
    """
    limit = _smoothness(problem, smoothness, largest=beta is not None)
    if beta is not None:
        return _preconditioned_monitor(problem, real("beta", beta, at_least=0.0), limit)
    if problem.ridge:
        raise ValueError("problem: the potentials without beta need ridge = 0; give beta=0.0")
    return _plain_monitor(problem, limit, convex)


def _preconditioned_monitor(problem: Problem, beta: float, smoothness: float) -> Monitor:
    def margin(before: State, after: State) -> np.ndarray[Any, Any]:
        total, later = to_numpy(_total(before)), to_numpy(_total(after))
        reach = (total - before.ridge - smoothness) * total
        if np.any(reach < margin_threshold(beta) * smoothness**2 * (1 - 1e-12)) or np.any(later < total * (1 - 1e-12)):
            raise ValueError(
                f"penalty: {total - before.ridge} must satisfy T6-preconditioned for β = {beta:g} and not fall"
            )
        gradient = total_gradient(problem, before.consensus)
        drop = to_numpy(squared_norm(gradient, before.client_axis)) / (2 * total)
        fall = lyapunov_preconditioned(problem, before, beta) - lyapunov_preconditioned(problem, after, beta)
        return np.where(_certified_start(problem, before), to_numpy(fall) - drop, np.inf)

    return margin


def _plain_monitor(problem: Problem, smoothness: float, convex: bool) -> Monitor:
    def margin(before: State, after: State) -> np.ndarray[Any, Any]:
        penalties = to_numpy(_total(before))
        if np.any(penalties != penalties.flat[0]) or np.any(to_numpy(_total(after)) != penalties):
            raise ValueError("penalty: the potentials without beta need one constant Σα_iσ_i")
        kappa = real("kappa", penalties.flat[0] / smoothness, above=1.5)
        values = [_plain_potential(problem, state, kappa, smoothness, convex) for state in (before, after)]
        gradient = total_gradient(problem, before.consensus)
        drop = gradient_drop(kappa, convex=convex) * squared_norm(gradient, before.client_axis) / smoothness
        fall = np.asarray(to_numpy(values[0] - values[1] - drop))
        return fall if before.iteration else np.full_like(fall, np.inf)

    return margin


def _plain_potential(problem: Problem, state: State, kappa: float, smoothness: float, convex: bool) -> Array:
    axis = state.client_axis
    previous = -client_sum(state.weights, _multiplier_before(state), axis)
    gradient = total_gradient(problem, state.consensus)
    value = objective(problem, state.consensus)
    settings = {"kappa": kappa, "smoothness": smoothness}
    return potential(value, gradient, previous, convex=convex, batch_axes=axis, **settings)


def _certified_start(problem: Problem, state: State) -> np.ndarray[Any, Any]:
    """Return whether V is that of the theorem: after a round, or at a warm start, where every e_i is 0."""
    if state.iteration:
        return np.asarray(True)
    axis = state.client_axis
    error = squared_norm(problem.client_grad(state.shared) + state.multiplier, axis + 1)
    return np.asarray(np.all(to_numpy(error) == 0, axis=-1))


def _multiplier_before(state: State) -> Array:
    return state.multiplier - column(state.penalty, state.deviation) * state.deviation


def _total(state: State) -> Array:
    r"""Return $\sum_i\alpha_i\sigma_i + \lambda$, shape (…)."""
    return namespace(state.penalty).sum(state.weights * state.penalty, axis=state.client_axis) + state.ridge


def _smoothness(problem: Any, given: float | None, *, largest: bool) -> float:
    if given is not None:
        return real("smoothness", given, above=0.0)
    if not hasattr(problem, "lipschitz"):
        raise ValueError("smoothness: the problem does not know its Lipschitz constants; give it")
    constants = to_numpy(problem.lipschitz)
    value = np.max(constants) if largest else np.sum(to_numpy(problem.weights) * constants)
    return real("smoothness", value, above=0.0)
