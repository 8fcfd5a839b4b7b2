"""The augmented Lagrangian and the Lyapunov quantity that the reconstructed lemma lets decrease."""

from pisa_lab._array import Array, client_sum, column, namespace, squared_norm, trailing
from pisa_lab.problem import Problem
from pisa_lab.state import State


def augmented_lagrangian(problem: Problem, state: State) -> Array:
    r"""Return the augmented Lagrangian, shape (…).

    $$L = \sum_i\alpha_i\left[F_i(w_i) + \langle\pi_i, w_i-w\rangle + \tfrac{\sigma_i}{2}\|w_i-w\|^2\right]
    + \tfrac\lambda2\|w\|^2$$

    Under a metric the norm is $\|\cdot\|_D$. Source: MATHEMATICS.md#problem.
    """
    axis = state.client_axis
    d = state.deviation
    half = column(state.penalty, d) / 2 * d
    coupling = _inner(state.displacement, state.multiplier + half, axis + 1)
    total = client_sum(state.weights, problem.client_value(state.local) + coupling, axis)
    return total + state.ridge / 2 * squared_norm(state.consensus, axis)


def lyapunov(problem: Problem, state: State, applied: Array | float = 0.0) -> Array:
    r"""Return $\tilde L = L + \sum_i\alpha_i\tfrac{8}{\sigma_i}\|\rho_i Q_i(w_i-w)\|^2$.

    ``applied`` is $\rho_i Q_i(w_i - w)$, (…, clients, \*shape); 0 without a preconditioner. Under a metric its norm is
    $\|\cdot\|_{D^{-1}}$. The lemma's $c\gamma^\ell$ term, which pays for mini-batches, is left out: with full gradients
    it is 0. Source: MATHEMATICS.md#claims (a), reconstructed.
    """
    value = augmented_lagrangian(problem, state)
    if isinstance(applied, float):
        return value
    axis = state.client_axis
    measured = applied if state.metric is None else state.metric.unscale(applied)
    return value + client_sum(state.weights, 8 / state.penalty * _inner(applied, measured, axis + 1), axis)


def _inner(a: Array, b: Array, batch_axes: int) -> Array:
    """Return ⟨a, b⟩ over the axes of one parameter, without squaring a difference."""
    axes = trailing(a, batch_axes)
    return namespace(a).sum(a * b, axis=axes) if axes else a * b
