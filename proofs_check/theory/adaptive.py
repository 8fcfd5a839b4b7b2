r"""Penalties and metrics that the batches themselves make: what N steps leave, and what the noise costs.

Mixed order. G is the gradient of F_λ, Λ = L + λ its Lipschitz constant; $0 \preceq \rho_iQ_i \preceq HI$ may look at
the batch that it is used with. AdaGrad: blocks B with $\sigma_{k+1,B}^2 = \sigma_{k,B}^2 + c_0a_{k,B}$ from
$\sigma_{0,B} = s_B \geq s_0$, $a_{k,B} = \|\hat G_B\|^2 + \sum_i\alpha_i\|\hat g_{i,B}+\pi_{i,B}\|^2 \leq A^2$.
"""

from collections.abc import Sequence

from proofs_check.theory.arithmetic import Number, check, logarithm, moves, nonnegative, positive, square_root


def adagrad_growth(square: Number, start: Number, *, rate: Number = 1) -> Number:
    r"""Return $\omega = 1 + c_0A^2/s_0^2$, the most that σ² grows by in one step.

    Args:
        square: A², the bound of every $a_{k,B}$.
        start: s_0, the least of the first penalties.
        rate: c_0.
    """
    return 1 + positive("rate", rate) * nonnegative("square", square) / positive("start", start) ** 2


def adagrad_cost(
    smoothness: Number, square: Number, start: Number, *, rate: Number = 1, bound: Number = 0, ridge: Number = 0
) -> Number:
    r"""Return C_1, what the logarithm of the growth of σ² is multiplied by.

    $C_1 = \frac1{c_0}[\frac{\Lambda^2}{s_0}(2+\frac{\lambda^2}{s_0^2}) + \frac{\omega H^2}{2s_0} + \omega\Lambda]$.
    Source: N4-adagrad-norm.

    Args:
        smoothness: Λ, the Lipschitz constant of ∇F_λ.
        square: A², the bound of every $a_{k,B}$.
        start: s_0, the least of the first penalties.
        rate: c_0.
        bound: H, the bound of the preconditioners.
        ridge: λ.
    """
    positive("smoothness", smoothness), nonnegative("bound", bound), nonnegative("ridge", ridge)
    growth = adagrad_growth(square, start, rate=rate)
    turned = smoothness**2 / start * (2 + ridge**2 / start**2)
    return (turned + growth * bound**2 / (2 * start) + growth * smoothness) / rate


def adagrad_total(
    rounds: int,
    gap: Number,
    starts: Sequence[Number],
    smoothness: Number,
    square: Number,
    *,
    rate: Number = 1,
    bound: Number = 0,
    ridge: Number = 0,
) -> Number:
    r"""Return $\Gamma_N = 2[\mathrm{gap} + C_1\sum_B\log(1 + c_0NA^2/s_B^2)]$.

    It bounds $E\sum_{k<N}\sum_B\|G_{k,B}\|^2/\sigma_{k,B}$. Source: N4-adagrad-norm.

    Args:
        rounds: N.
        gap: bounds $EF_\lambda(y_0) - \inf F_\lambda + \frac{\Lambda^2}{2s_0}E\|y_0-w_0\|^2$, y_0 the first centre.
        starts: the first penalties s_B, one for each block.
        smoothness: Λ, the Lipschitz constant of ∇F_λ.
        square: A², the bound of every $a_{k,B}$.
        rate: c_0.
        bound: H, the bound of the preconditioners.
        ridge: λ.

    Raises:
        ValueError: no block, a number outside its domain.
    """
    check("starts", len(starts), len(starts) >= 1, "one number for each block")
    start = min(positive("starts", start) for start in starts)
    cost = adagrad_cost(smoothness, square, start, rate=rate, bound=bound, ridge=ridge)
    seen = rate * moves(rounds) * square
    return 2 * (nonnegative("gap", gap) + cost * sum(logarithm(1 + seen / start**2) for start in starts))


def adagrad_bound(
    rounds: int,
    gap: Number,
    starts: Sequence[Number],
    smoothness: Number,
    square: Number,
    *,
    rate: Number = 1,
    bound: Number = 0,
    ridge: Number = 0,
) -> Number:
    r"""Return the bound of $\frac1N\sum_{k<N}E\|G_k\|^2$: $\Gamma_N\sqrt{\max s_B^2 + c_0NA^2}/N$, $O(\log N/\sqrt N)$.

    The arguments of `adagrad_total`. Source: N4-adagrad-norm.
    """
    total = adagrad_total(rounds, gap, starts, smoothness, square, rate=rate, bound=bound, ridge=ridge)
    return total * square_root(max(start**2 for start in starts) + rate * rounds * square) / rounds


def adagrad_spread(
    rounds: int,
    residuals: Number,
    start: Number,
    smoothness: Number,
    square: Number,
    spread: Number,
    *,
    rate: Number = 1,
    bound: Number = 0,
) -> Number:
    r"""Return E_N, which bounds $E\sum_{k<N}\sum_i\alpha_i\|\hat g_i+\pi_i\|^2$ with one block.

    $(1+2\beta)[S_0 + 2(1+\beta)L^2(4+2\omega)\log(1+c_0NA^2/s_0^2)/c_0] + (3+2\beta)N\bar v$, $\beta = H/s_0$. Source:
    N4-noise-adaptive.

    Args:
        rounds: N.
        residuals: $S_0 = E\sum_i\alpha_i\|\nabla F_i(w_0)+\pi_i\|^2$.
        start: s_0.
        smoothness: L of every F_i.
        square: A², the bound of every a_k.
        spread: $\bar v = \sum_i\alpha_iv_i$.
        rate: c_0.
        bound: H, the bound of the preconditioners.
    """
    positive("smoothness", smoothness), nonnegative("residuals", residuals), nonnegative("spread", spread)
    growth = adagrad_growth(square, start, rate=rate)
    beta = nonnegative("bound", bound) / start
    log = logarithm(1 + rate * moves(rounds) * square / start**2)
    travelled = 2 * (1 + beta) * smoothness**2 * (4 + 2 * growth) * log / rate
    return (1 + 2 * beta) * (residuals + travelled) + (3 + 2 * beta) * rounds * spread


def adagrad_noise_bound(
    rounds: int, total: Number, start: Number, variance: Number, spread: Number, *, rate: Number = 1
) -> Number:
    r"""Return $\frac1N[2c_0\Gamma^2 + 2\Gamma(s_0 + \sqrt{2c_0Nv} + \sqrt{c_0E_N})]$.

    It bounds $(E\sqrt{\sum_{k<N}\|G_k\|^2})^2/N$, one block. Source: N4-noise-adaptive.

    Args:
        rounds: N.
        total: $\Gamma_N$, of `adagrad_total`.
        start: s_0.
        variance: v of $\sum_i\alpha_i\hat g_i$.
        spread: E_N, of `adagrad_spread`.
        rate: c_0.
    """
    nonnegative("total", total), positive("start", start), positive("rate", rate), nonnegative("spread", spread)
    roots = square_root(2 * rate * moves(rounds) * nonnegative("variance", variance)) + square_root(rate * spread)
    return (2 * rate * total**2 + 2 * total * (start + roots)) / rounds


def past_metric_kappa(beta: Number = 0, condition: Number = 1) -> Number:
    r"""Return $20\sqrt{\chi(1+\beta)(1+2\beta)}$, the smallest $\kappa = d_{\min}\sigma/L$ of N5-any-past-metric.

    Args:
        beta: $0 \preceq \rho_iQ_i \preceq \beta\Sigma$.
        condition: χ, the metric lies between $d_{\min}\sigma$ and χ times that.
    """
    check("condition", condition, condition >= 1, ">= 1")
    return 20 * square_root(condition * (1 + nonnegative("beta", beta)) * (1 + 2 * beta))


def past_metric_weight(kappa: Number, beta: Number = 0, smoothness: Number = 1) -> Number:
    r"""Return B, the residuals' weight in V.

    $B = \frac{2.2}{\kappa L}(1+2\beta)(\kappa^{-2} + .6q^2)$ with $q = \beta/(1+\beta)$. Source: N5-any-past-metric.
    """
    positive("kappa", kappa), nonnegative("beta", beta), positive("smoothness", smoothness)
    damped = 3 * (beta / (1 + beta)) ** 2 / 5
    return 11 * (1 + 2 * beta) * (1 / kappa**2 + damped) / (5 * kappa * smoothness)


def past_metric_noise(
    kappa: Number, variance: Number, spread: Number, beta: Number = 0, smoothness: Number = 1
) -> Number:
    r"""Return $\frac1{\kappa L}[v/\kappa + (1+2\beta)(4.7/\kappa^2 + 3.4q^2)\bar v]$, what V may rise by in a step.

    Source: N5-any-past-metric.

    Args:
        kappa: $d_{\min}\sigma/L$.
        variance: v of $\sum_i\alpha_i\hat g_i$.
        spread: $\bar v = \sum_i\alpha_iv_i \geq v$.
        beta: the bound of the preconditioners in the metric.
        smoothness: L.
    """
    positive("kappa", kappa), nonnegative("beta", beta), positive("smoothness", smoothness)
    check("spread", spread, spread >= nonnegative("variance", variance), ">= variance")
    damped = 17 * (beta / (1 + beta)) ** 2 / 5
    noise = variance / kappa + (1 + 2 * beta) * (47 / (10 * kappa**2) + damped) * spread
    return noise / (kappa * smoothness)
