r"""Bounds of weighted averages of the squared gradient for nondecreasing schedules, noise included.

`step_lengths`, `average_weights` and `average_bound` are plain arithmetic on lists: floats, fractions and SymPy
expressions alike. `schedule_bound` and `sisa_schedule_bound` evaluate them in floats at the best split.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pisa_lab._checks import choice, finite, real
from proofs_check.theory.arithmetic import Number

if TYPE_CHECKING:
    from proofs_check.symbolic.theorems.batch_round import Constants

ORDERS = ("before_solve", "after_solve")
"""`PISA.penalty_update`: MATHEMATICS.md#algorithm, and the mixed order."""


def step_lengths(kappas: Sequence[Number], *, order: str = "after_solve") -> list[Number]:
    r"""Return $\tau_k$ for $k = 0, \dots, N$: $1/\kappa_k$, or $2/\kappa_k - 1/\kappa_{k+1}$ before the solve.

    After the last the penalty stays.
    """
    step = [1 / kappa for kappa in kappas]
    if choice("order", order, ORDERS) == "after_solve":
        return step
    return [2 * here - later for here, later in zip(step, [*step[1:], step[-1]], strict=True)]


def average_weights(kappas: Sequence[Number], split: Number, *, order: str = "after_solve") -> list[Number]:
    r"""Return $c_k = \tau_k(1 - \frac{s}{2\kappa_k} - \frac{\tau_k}{2}) - \frac{\tau_{k+1}}{2s\kappa_{k+1}}$.

    s = ``split`` > 0; a bound needs every c_k > 0. Source: T5-stochastic-both-orders.
    """
    kappa, length = [*kappas, kappas[-1]], step_lengths([*kappas, kappas[-1]], order=order)
    pairs = zip(length, length[1:], kappa, kappa[1:], strict=False)
    return [tau * (1 - split / (2 * k) - tau / 2) - after / (2 * split * later) for tau, after, k, later in pairs]


def average_bound(
    kappas: Sequence[Number],
    split: Number,
    *,
    smoothness: Number = 1,
    gap: Number = 1,
    variance: Number = 0,
    order: str = "after_solve",
) -> Number:
    r"""Return the bound of $\sum_k c_kE\|\nabla F(w_k)\|^2/\sum_k c_k$ for one split s > 0; every s is a bound.

    $\frac{L\Delta + v\sum_k(\tau_k^2/2 + \tau_{k+1}/(2s\kappa_{k+1}))}{\sum_k c_k}$; ρ = λ = 0, π⁰ = 0. The
    caller answers for a nondecreasing schedule and c_k > 0. Source: T5-stochastic-both-orders.
    """
    kappa, length = [*kappas, kappas[-1]], step_lengths([*kappas, kappas[-1]], order=order)
    noise = sum(tau**2 / 2 for tau in length[:-1])
    noise += sum(after / (2 * split * later) for after, later in zip(length[1:], kappa[1:], strict=True))
    return (smoothness * gap + variance * noise) / sum(average_weights(kappas, split, order=order))


def schedule_bound(
    penalties: Sequence[float],
    smoothness: float,
    gap: float,
    variance: float = 0.0,
    *,
    order: str = "after_solve",
) -> float:
    r"""Return a bound of $\sum_k c_kE\|\nabla F(w_k)\|^2/\sum_k c_k$, hence of the minimum over k; ρ = λ = 0, π⁰ = 0.

    $c_k = \tau_k(1 - \tfrac{s}{2\kappa_k} - \tfrac{\tau_k}{2}) - \tfrac{\tau_{k+1}}{2s\kappa_{k+1}}$ in units L = 1,
    with $\tau_k = 1/\kappa_k$, or $2/\kappa_k - 1/\kappa_{k+1}$ in the order of MATHEMATICS.md#algorithm; the least
    over $s > 0$ (every s is a bound).

    Args:
        penalties: σ_k, nondecreasing, one per gradient; after the last they stay.
        smoothness: L.
        gap: F(w_0) − F*.
        variance: v = Σα_i²v_i for independent clients.
        order: when the penalty grows, as `PISA.penalty_update`.

    Raises:
        ValueError: a falling schedule, or penalties too small for any s. Source: T5-stochastic-both-orders.
    """
    kappa = _schedule("penalties", penalties) / real("smoothness", smoothness, above=0.0)
    gap, variance = real("gap", gap, at_least=0.0), real("variance", variance, at_least=0.0)
    step = 1 / np.append(kappa, kappa[-1])
    later = np.append(step[1:], step[-1])
    length = step if choice("order", order, ORDERS) == "after_solve" else 2 * step - later
    free = length[:-1] * (1 - length[:-1] / 2)
    linear, inverse = length[:-1] * step[:-1] / 2, length[1:] * step[1:] / 2
    low, high = _split_range(free, linear, inverse)
    if not low < high:
        raise ValueError(f"penalties: σ/L = {kappa.min():g} is too small for the theorem in the order {order!r}")
    start = smoothness * gap + variance * float(np.sum(length[:-1] ** 2)) / 2
    kept = variance * float(np.sum(inverse))
    total, first, last = (float(np.sum(part)) for part in (free, linear, inverse))
    if start == 0:
        return 0.0
    root = math.sqrt((kept * first) ** 2 + start * first * (start * last + kept * total))
    split = min(max((root - kept * first) / (start * first), low), high)
    return (start + kept / split) / (total - split * first - last / split)


def _split_range(
    free: np.ndarray[Any, Any], linear: np.ndarray[Any, Any], inverse: np.ndarray[Any, Any]
) -> tuple[float, float]:
    """Return the interval of s in which free − s·linear − inverse/s > 0 at every step, shrunk by an ulp or so."""
    discriminant = free**2 - 4 * linear * inverse
    if np.any(discriminant <= 0) or np.any(free <= 0):
        return 1.0, 1.0
    root = np.sqrt(discriminant)
    low, high = (free - root) / (2 * linear), (free + root) / (2 * linear)
    return float(np.max(low)) * (1 + 1e-12), float(np.min(high)) * (1 - 1e-12)


def sisa_schedule_bound(
    penalties: Sequence[float],
    smoothness: float,
    gap: float,
    *,
    damping: float,
    variance: float,
    client_variance: float,
    residual: float = 0.0,
    ridge: float = 0.0,
    order: str = "before_solve",
) -> float:
    r"""Return a bound of $\sum_k\tau_kE\|\nabla F_\lambda(w_k)\|^2/\sum_k\tau_k$ for any $\rho_iQ_i \preceq H I$.

    Q may use the current batch.

    Args:
        penalties: σ_k, nondecreasing, one per gradient, each the same for all clients; after the last they stay.
        smoothness: L, the largest of the clients'.
        gap: F_λ(y_0) − F*, y_0 = w_0 + c_0(Σα_ip_i + λw_0).
        damping: H.
        variance: v ≥ E‖Σα_i(ĝ_i−g_i)‖².
        client_variance: v̄ = Σα_iv_i.
        residual: S_0 = Σα_i‖∇F_i(w_0) − p_i‖².
        ridge: λ.
        order: when the penalty grows, as `PISA.penalty_update`.

    Raises:
        ValueError: a falling schedule, v > v̄, or κ_k < K√((1+β_k)(1+2β_k)) at some step. Source:
        T7-minibatch-constant, T7-minibatch-growing.
    """
    sigma, whole = _schedule("penalties", penalties), real("smoothness", smoothness, above=0.0)
    ridge, damping = real("ridge", ridge, at_least=0.0), real("damping", damping, at_least=0.0)
    client_variance = real("client_variance", client_variance, at_least=0.0)
    variance = real("variance", variance, at_least=0.0, at_most=client_variance)
    from proofs_check.symbolic.theorems.batch_round import CONSTANT, GROWING

    constant = choice("order", order, ORDERS) == "after_solve" or bool(np.all(sigma == sigma[0]))
    version, step, length = (CONSTANT if constant else GROWING), 1 / sigma, 1 / sigma
    if not constant:
        step, length = _coupled_steps(sigma, ridge)
    whole += ridge
    beta = damping / sigma
    inverse, damped = whole * step, beta / (1 + beta)
    if np.any(inverse * np.sqrt((1 + beta) * (1 + 2 * beta)) * float(version.reach) > 1):
        raise ValueError(f"penalties: κ must be >= {version.reach}√((1+β)(1+2β)) at every step")
    noise = float(version.mean) * variance * inverse
    spread = float(version.spread) * inverse**2 + float(version.damped) * damped**2
    noise = noise + (1 + 2 * beta) * spread * client_variance
    start = real("gap", gap, at_least=0.0) + _start_weight(version, step[0], whole, beta[0]) * residual
    return float((start + np.sum(length * noise)) / (float(version.rate) * np.sum(length)))


def _coupled_steps(sigma: np.ndarray[Any, Any], ridge: float) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return (c_k, τ_k): c_k = (1+λc_{k+1})/(σ_k+λ) backwards from 1/σ at the end, τ_k = 2c_k − c_{k+1}."""
    steps = [1 / sigma[-1]]
    for penalty in sigma[::-1]:
        steps.append((1 + ridge * steps[-1]) / (penalty + ridge))
    coupled = np.array(steps[::-1])
    return coupled[:-1], 2 * coupled[:-1] - coupled[1:]


def _start_weight(version: "Constants", step: float, smoothness: float, beta: float) -> float:
    """Return B_0, the weight of S_0 in V_0."""
    damped, inverse = beta / (1 + beta), smoothness * step
    inner = float(version.curvature_share) * inverse**2 + float(version.damped_share) * damped**2
    return version.longest * float(version.share) * step * (1 + 2 * beta) * inner


def _schedule(name: str, values: Sequence[float]) -> np.ndarray[Any, Any]:
    array = finite(name, values)
    if array.ndim != 1 or array.size == 0 or np.any(array <= 0) or np.any(np.diff(array) < 0):
        raise ValueError(f"{name}: must be a nonempty nondecreasing list of positive numbers")
    return array
