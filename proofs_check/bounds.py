r"""What the theorems guarantee, as numbers: rates, thresholds, floors, bounds for schedules.

κ is σ/L, ``gap`` is $F(w_0) - F^*$. Every function names the claim of `proofs_check.symbolic.theorems` it evaluates.
"""

import math
from typing import Any

import numpy as np

from pisa_lab._checks import finite, real
from proofs_check.averages import ORDERS, schedule_bound, sisa_schedule_bound
from proofs_check.descent import (
    lyapunov_monitor,
    lyapunov_preconditioned,
    potential,
    potential_constant,
    share,
    smallest_kappa,
    threshold,
)
from proofs_check.symbolic.theorems.floors import TABLE
from proofs_check.symbolic.theorems.sectors import COMMON, SEPARATE

__all__ = [
    "ORDERS",
    "convex_rate",
    "delayed_bias",
    "floor_lower_bound",
    "gradient_descent_rate",
    "last_iterate_rate",
    "linear_factor",
    "lyapunov_monitor",
    "lyapunov_preconditioned",
    "nonconvex_rate",
    "potential",
    "potential_constant",
    "same_batch_bias",
    "schedule_bound",
    "sector_kappa",
    "share",
    "sisa_schedule_bound",
    "smallest_kappa",
    "threshold",
    "variance_floor",
]

Numbers = float | np.ndarray[Any, Any]
CONVEX_FROM = (1 + math.sqrt(6)) / 2
NONCONVEX_FROM = math.sqrt(11) / 2


def nonconvex_rate(rounds: Any, kappa: float, *, smoothness: float = 1.0, gap: float = 1.0) -> Numbers:
    r"""Return $4\kappa^2L\Delta/((4\kappa-1)N+2\kappa^2+4\kappa-3)$, a bound of $\min_{k\le N}\|\nabla F(w_k)\|^2$.

    Exact for κ ≥ 2; for √11/2 ≤ κ < 2 the bound of T2-nonconvex-rate-below-2, which is not exact.

    Raises:
        ValueError: κ < √11/2, or fewer than one round. Source: T2-nonconvex-rate, T3-nonconvex-attained.
    """
    moves, kappa, scale = _rate_arguments(rounds, kappa, NONCONVEX_FROM, smoothness, gap)
    rho = max(1.0, kappa / (kappa**2 - 2))
    return _plain(scale / (0.5 + (moves + 1) / kappa - rho * (moves + 3) / (4 * kappa**2)))


def convex_rate(rounds: Any, kappa: float, *, smoothness: float = 1.0, gap: float = 1.0) -> Numbers:
    r"""Return $\frac{2\kappa L\Delta}{2N+2+\kappa}$, the exact worst $\min_{k\le N}\|\nabla F(w_k)\|^2$ over convex F.

    Raises:
        ValueError: κ < (1+√6)/2, or fewer than one round. Source: T2-convex-rate, T3-convex-attained.
    """
    moves, kappa, scale = _rate_arguments(rounds, kappa, CONVEX_FROM, smoothness, gap)
    return _plain(2 * kappa * scale / (2 * moves + 2 + kappa))


def gradient_descent_rate(rounds: Any, *, convex: bool = False, smoothness: float = 1.0, gap: float = 1.0) -> Numbers:
    r"""Return the worst case of gradient descent with step 1/L: $4L\Delta/(3N+2)$, or $2L\Delta/(2N+1)$ for convex F.

    Source: MATHEMATICS.md#worst-cases.
    """
    moves, _, scale = _rate_arguments(rounds, 2.0, 1.0, smoothness, gap)
    return _plain(2 * scale / (2 * moves + 1) if convex else 4 * scale / (3 * moves + 2))


def last_iterate_rate(rounds: Any, kappa: float, *, smoothness: float = 1.0, gap: float = 1.0) -> Numbers:
    r"""Return $\frac{(\kappa+a)L\Delta}{N+\kappa/2-1/6+\nu}$, which bounds $\|\nabla F(w_N)\|^2$ for convex F.

    $\nu = 1/(2\kappa-3)$; $a = 5\nu-2$ up to κ = 2, then $\max(0, 4\nu-1)$. Source: T4-last-iterate.
    """
    real("kappa", kappa, above=1.5)
    moves, kappa, scale = _rate_arguments(rounds, kappa, 1.5, smoothness, gap)
    nu = 1 / (2 * kappa - 3)
    extra = 5 * nu - 2 if kappa <= 2 else max(0.0, 4 * nu - 1)
    return _plain((kappa + extra) * scale / (moves + kappa / 2 - 1 / 6 + nu))


def sector_kappa(beta: float, *, common: bool = False) -> float:
    r"""Return the smallest certified κ for any Q with $\rho Q \preceq \beta\sigma I$, λ = 0.

    `smallest_kappa` beyond the table.

    ``common`` says that all clients share one M. Source: T12-threshold-any-clients, T12-threshold-common.
    """
    beta = real("beta", beta, at_least=0.0)
    rows = SEPARATE + (COMMON if common else ())
    certified = [float(row.kappa) for row in rows if beta <= row.beta]
    return min([smallest_kappa(beta), *certified])


def linear_factor(
    penalty: float, *, beta: float, curvature: float, smoothness: float = 1.0, ridge: float = 0.0
) -> float:
    r"""Return $1 - \min(\mu/s, \delta)$, by which $V - F^*$ shrinks in a round.

    The hypothesis is $\|\nabla F_\lambda\|^2 \ge 2\mu(F_\lambda-F^*)$.

    δ is the largest for which the penalty still passes the threshold $X_\delta$. Source: T6-linear-rate.

    Raises:
        ValueError: the penalty is below the threshold even for δ = 0.
    """
    beta, curvature = real("beta", beta, at_least=0.0), real("curvature", curvature, above=0.0)
    smoothness, ridge = real("smoothness", smoothness, above=0.0), real("ridge", ridge, at_least=0.0)
    penalty = real("penalty", penalty, above=smoothness)
    reach = (penalty - smoothness) * (penalty + ridge) / smoothness**2
    small = 1 - (4 / reach + beta) / 4
    large = 0.0
    if beta >= 3:
        root = (beta + (beta - 1) / math.sqrt(reach)) / (1 + beta)
        large = 1 - min(1.0, root) ** 2
    kept = max(small, large)
    if kept < 0 or reach < threshold(beta):
        raise ValueError(f"penalty: (σ−L)(σ+λ)/L² = {reach:g} must be >= X(β) = {threshold(beta):g}")
    return 1 - min(curvature / (penalty + ridge), kept)


def variance_floor(kappa: float, variance: float = 1.0) -> float:
    r"""Return the certified floor of the averages of $E\|\nabla F(w_k)\|^2$ at constant κ > 3/2, ρ = λ = 0.

    The least of $v/(2\kappa+1-2\sqrt{1+2\kappa})$ and of the certified levels at smaller κ (a function that is
    L-smooth is also L'-smooth for every L' > L). Source: T5-variance-floor, T5-floor-exact-at-2, T5-floor-tightened.
    """
    kappa, variance = real("kappa", kappa, above=1.5), real("variance", variance, at_least=0.0)
    levels = [1 / (2 * kappa + 1 - 2 * math.sqrt(1 + 2 * kappa)), *([5 / 3] if kappa >= 2 else [])]
    levels += [float(row.level) for row in TABLE if kappa >= row.kappa]
    return variance * min(levels)


def floor_lower_bound(kappa: float, variance: float = 1.0, curvature: float = 1.0) -> float:
    r"""Return $\frac{c(3c+\kappa)}{(c+\kappa)(2\kappa-3c)}v$, the stationary $E\|\nabla F\|^2$ on $F = cLx^2/2$.

    Source: T5-floor-lower-bound.
    """
    curvature = real("curvature", curvature, above=0.0, at_most=1.0)
    kappa, variance = real("kappa", kappa, above=1.5 * curvature), real("variance", variance, at_least=0.0)
    return variance * curvature * (3 * curvature + kappa) / ((curvature + kappa) * (2 * kappa - 3 * curvature))


def same_batch_bias(beta: float, variance: float = 1.0) -> float:
    r"""Return $-\frac{\beta}{2+\beta}\sqrt v$, the stationary mean gradient under a Q that sees the batch.

    Source: T9-same-batch-bias.
    """
    beta, variance = real("beta", beta, at_least=0.0), real("variance", variance, at_least=0.0)
    return -beta / (2 + beta) * math.sqrt(variance)


def delayed_bias(kappa: float, variance: float = 1.0) -> float:
    r"""Return $-\frac{\kappa+2}{4\kappa}\sqrt v$, the stationary mean gradient under a Q of the past.

    Source: T9-delayed-bias.
    """
    kappa, variance = real("kappa", kappa, above=0.9), real("variance", variance, at_least=0.0)
    return -(kappa + 2) / (4 * kappa) * math.sqrt(variance)


def _rate_arguments(
    rounds: Any, kappa: float, least: float, smoothness: float, gap: float
) -> tuple[np.ndarray[Any, Any], float, float]:
    moves = finite("rounds", rounds)
    if np.any(moves < 1) or np.any(moves != np.floor(moves)):
        raise ValueError(f"rounds: {rounds!r} must be whole numbers >= 1")
    scale = real("smoothness", smoothness, above=0.0) * real("gap", gap, at_least=0.0)
    return moves, real("kappa", kappa, at_least=least), scale


def _plain(values: Any) -> Numbers:
    return float(values) if np.ndim(values) == 0 else np.asarray(values)
