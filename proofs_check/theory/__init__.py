r"""The theorems' formulas, each in one place: plain arithmetic for floats, fractions and SymPy expressions.

Notation: κ = σ/L with $\sigma = \sum_i\alpha_i\sigma_i$, N moves from the point $w_0$ of the first gradient, Δ bounds
$F(w_0) - F^*$, β bounds the preconditioner by $0 \preceq \rho_iQ_i \preceq \beta\sigma_iI$, λ is the ridge, v the
variance of $\sum_i\alpha_i\hat g_i$. Every function names the claim that it evaluates; ``pisa-lab verify CLAIM`` shows
what stands behind it.

* `rates`: worst cases after N moves, linear rates. `potentials`: what falls every round, and the thresholds.
* `schedules`: weighted averages under growing penalties. `searched`: what a search for the penalty accepts and costs.
* `floors`: what noise leaves. `adaptive`: penalties and metrics that the batches make. `monitor`: potentials of a run.

**How small is the gradient after N moves?** In floats, exactly, or with symbols; σ = 2L attains the bound:

>>> from fractions import Fraction
>>> nonconvex_rate(10, 2.0)
0.1927710843373494
>>> nonconvex_rate(10, Fraction(2)), convex_rate(10, Fraction(2)), gradient_descent_rate(10, gap=Fraction(1))
(Fraction(16, 83), Fraction(1, 6), Fraction(1, 8))
>>> import sympy
>>> N, t = sympy.symbols("N t", positive=True)
>>> sympy.limit(nonconvex_rate(N, 2 + t) * N, N, sympy.oo).factor()
4*(t + 2)**2/(4*t + 7)

A symbol must say on which side of a case it lies: ``2 + t`` with t positive is above 2. So the best κ for large N is
the least: the last line grows with t.

**Which penalty does a preconditioner need?** For β = 1 the margin, κ, and σ itself with L = 4, λ = 1; and what the
potential then falls by, for every Q at all, from the sharp edge 3/2 on:

>>> margin_threshold(Fraction(1)), kappa_threshold(Fraction(2)), round(sigma_threshold(1.0, smoothness=4, ridge=1), 3)
(Fraction(4, 3), Fraction(2, 1), 6.752)
>>> sharp_edge_drop(Fraction(7, 4)), sharp_edge_weight(Fraction(7, 4))
(Fraction(1, 20), Fraction(11, 20))

**And without L?** The search of N1 never accepts σ above 4s_R when it starts below that, for any Q, with L = 1 and the
constants c = 1/20, ε = 1/20, a = 1/2; it takes about two evaluations a round at most:

>>> enough = restart_threshold(decrease=0.05, relaxation=0.05, weight=0.5)
>>> round(enough, 3), round(searched_penalty_bound(1e-3, enough, factor=4), 3)
(1.052, 4.207)
>>> round(evaluations_bound(300, 1e-3, enough, factor=4, relaxation=0.05), 1)
617.6

**Where to read the result of noisy gradients?** At the mean of the local models: its stationary gradient is a fifth of
that at w for κ = 2. And no constant at all is needed where the penalty is made of what is drawn:

>>> local_mean_ratio(Fraction(2)), local_mean_floor(Fraction(2)), floor_lower_bound(Fraction(2))
(Fraction(1, 5), Fraction(1, 3), Fraction(5, 3))
>>> [round(adagrad_bound(N, 1.0, [1.0], 1.0, 1.0), 4) for N in (10**6, 10**8, 10**10)]
[0.1125, 0.0149, 0.0019]

**Does a growing penalty beat the noise?** With σ_k = 3L(1+k)^{3/4} the bound tends to 0, with a constant one it stops
at the floor; for one split s every bound is a formula of the penalties:

>>> floor = schedule_bound([3.0] * 10**5, 1.0, 1.0, 1.0)
>>> round(floor, 3), round(closed_floor(3.0), 3), round(floor_lower_bound(3.0), 3)
(0.585, 0.585, 0.5)
>>> schedule_bound([3.0 * (1 + k) ** 0.75 for k in range(10**5)], 1.0, 1.0, 1.0) < floor / 2
True
>>> average_bound([Fraction(3), Fraction(6)], Fraction(1), variance=1)
Fraction(79, 24)
"""

from proofs_check.theory.adaptive import (
    adagrad_bound,
    adagrad_cost,
    adagrad_growth,
    adagrad_noise_bound,
    adagrad_spread,
    adagrad_total,
    past_metric_kappa,
    past_metric_noise,
    past_metric_weight,
)
from proofs_check.theory.floors import (
    certified_floor,
    closed_floor,
    delayed_bias,
    floor_lower_bound,
    local_mean_floor,
    local_mean_ratio,
    same_batch_bias,
)
from proofs_check.theory.monitor import lyapunov_monitor, lyapunov_preconditioned, potential
from proofs_check.theory.potentials import (
    gradient_drop,
    gradient_weights,
    kappa_threshold,
    margin_threshold,
    newton_schulz_alignment,
    residual_weight,
    sector_kappa_threshold,
    sharp_edge_drop,
    sharp_edge_weight,
    sigma_threshold,
)
from proofs_check.theory.rates import (
    convex_rate,
    gradient_descent_rate,
    last_iterate_rate,
    linear_factor,
    nonconvex_rate,
    warm_start_rate,
)
from proofs_check.theory.schedules import (
    ORDERS,
    average_bound,
    average_weights,
    schedule_bound,
    sisa_schedule_bound,
    step_lengths,
)
from proofs_check.theory.searched import (
    evaluations_bound,
    falling_margin_threshold,
    falling_residual_weight,
    restart_threshold,
    searched_penalty_bound,
)

__all__ = [
    "ORDERS",
    "adagrad_bound",
    "adagrad_cost",
    "adagrad_growth",
    "adagrad_noise_bound",
    "adagrad_spread",
    "adagrad_total",
    "average_bound",
    "average_weights",
    "certified_floor",
    "closed_floor",
    "convex_rate",
    "delayed_bias",
    "evaluations_bound",
    "falling_margin_threshold",
    "falling_residual_weight",
    "floor_lower_bound",
    "gradient_descent_rate",
    "gradient_drop",
    "gradient_weights",
    "kappa_threshold",
    "last_iterate_rate",
    "linear_factor",
    "local_mean_floor",
    "local_mean_ratio",
    "lyapunov_monitor",
    "lyapunov_preconditioned",
    "margin_threshold",
    "newton_schulz_alignment",
    "nonconvex_rate",
    "past_metric_kappa",
    "past_metric_noise",
    "past_metric_weight",
    "potential",
    "residual_weight",
    "restart_threshold",
    "same_batch_bias",
    "schedule_bound",
    "searched_penalty_bound",
    "sector_kappa_threshold",
    "sharp_edge_drop",
    "sharp_edge_weight",
    "sigma_threshold",
    "sisa_schedule_bound",
    "step_lengths",
    "warm_start_rate",
]
