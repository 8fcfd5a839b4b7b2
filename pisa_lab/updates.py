r"""The equations of Algorithm 1, one pure function each.

Shapes: $w$ is (…, \*shape); what belongs to clients is (…, clients, \*shape); $\sigma$ is (…, clients). What is stored
is the deviation $d_i = w_i - w$, never $w_i$: $\sigma(w_i - w)$ by subtraction loses every digit once $\sigma \sim
10^{12}$.
"""

from collections.abc import Callable

from pisa_lab._array import Array, client_sum, column, namespace

Solve = Callable[[Array, Array, float], Array]
"""(pull (…, 1, *shape), Σα_iσ_i (…, 1), λ) → the increment (…, 1, *shape): the server's step in a metric."""


def consensus_step(
    consensus: Array,
    deviation: Array,
    multiplier: Array,
    penalty: Array,
    weights: Array,
    ridge: float,
    solve: Solve | None = None,
) -> Array:
    r"""Return the server's increment $w^{\ell+1} - w^\ell$.

    $$\Delta w = \frac{\sum_i \alpha_i(\sigma_i d_i + \pi_i) - \lambda w}{\sum_i \alpha_i\sigma_i + \lambda}$$

    ``solve`` divides by $D\sum_i\alpha_i\sigma_i + \lambda$ instead, where the server has a metric.

    Source: MATHEMATICS.md#algorithm, the deviation form; it is the exact minimiser over $w$ of the augmented
    Lagrangian.
    """
    axis = penalty.ndim - 1
    pull = client_sum(weights, column(penalty, deviation) * deviation + multiplier, axis)
    total = namespace(penalty).sum(weights * penalty, axis=axis)
    if solve is None:
        return (pull - ridge * consensus) / (column(total, consensus) + ridge)
    xp = namespace(pull)
    step = solve(xp.expand_dims(pull - ridge * consensus, axis=axis), xp.expand_dims(total, axis=-1), ridge)
    return xp.squeeze(step, axis=axis)


def local_deviation(solution: Array) -> Array:
    r"""Return $d_i = w_i - w = -(\sigma_i I + \rho_i Q_i)^{-1}(\pi_i + g_i)$ from the preconditioner's ``solution``.

    Source: MATHEMATICS.md#algorithm; the exact minimiser over $w_i$ of the linearised subproblem with the metric
    $\rho_i Q_i$.
    """
    return -solution


def multiplier_step(multiplier: Array, penalty: Array, deviation: Array) -> Array:
    r"""Return $\pi_i^{\ell+1} = \pi_i^\ell + \sigma_i(w_i - w)$.

    Source: MATHEMATICS.md#algorithm.
    """
    return multiplier + column(penalty, deviation) * deviation


def diagonal_solve(rhs: Array, penalty: Array, rho: Array | float, diagonal: Array) -> Array:
    r"""Return $(\sigma I + \rho\,\mathrm{Diag}(q))^{-1}$ times ``rhs``, entry by entry.

    Source: MATHEMATICS.md#preconditioners (SISA).
    """
    return rhs / (column(penalty, rhs) + column(rho, rhs) * diagonal)
