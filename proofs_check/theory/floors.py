r"""Mini-batches: the floor that a constant penalty leaves at w and at the local models' mean, and the bias of a Q.

v is the variance of $\sum_i\alpha_i\hat g_i$, κ = σ/L, ρ = λ = 0 for the floors.
"""

from fractions import Fraction

from proofs_check.theory.arithmetic import Number, check, decide, nonnegative, positive, square_root


def closed_floor(kappa: Number, variance: Number = 1) -> Number:
    r"""Return $v/(2\kappa+1-2\sqrt{1+2\kappa})$, an upper bound of the averages of $E\|\nabla F(w_k)\|^2$, κ > 3/2.

    Source: T5-variance-floor.
    """
    check("kappa", kappa, 2 * kappa > 3, "> 3/2")
    return nonnegative("variance", variance) / (2 * kappa + 1 - 2 * square_root(1 + 2 * kappa))


def certified_floor(kappa: Number, variance: Number = 1) -> Number:
    r"""Return the least upper bound of that floor that is certified: `closed_floor` or a level at a smaller κ.

    A function that is L-smooth is also L'-smooth for every L' > L, so that every level holds for larger κ too.
    Source: T5-variance-floor, T5-floor-exact-at-2, T5-floor-tightened.
    """
    from proofs_check.symbolic.theorems.floor_table import TABLE

    levels = [closed_floor(kappa)]
    if decide("kappa", kappa >= 2):
        levels.append(Fraction(5, 3))
    levels += [row.level for row in TABLE if decide("kappa", kappa >= row.kappa)]
    return variance * min(levels)


def floor_lower_bound(kappa: Number, variance: Number = 1, curvature: Number = 1) -> Number:
    r"""Return $\frac{c(3c+\kappa)}{(c+\kappa)(2\kappa-3c)}v$, the stationary $E\|\nabla F\|^2$ on $F = cLx^2/2$.

    Source: T5-floor-lower-bound.
    """
    positive("curvature", check("curvature", curvature, curvature <= 1, "<= 1"))
    check("kappa", kappa, 2 * kappa > 3 * curvature, "> 3c/2")
    top = nonnegative("variance", variance) * curvature * (3 * curvature + kappa)
    return top / ((curvature + kappa) * (2 * kappa - 3 * curvature))


def local_mean_ratio(kappa: Number, curvature: Number = 1) -> Number:
    r"""Return $\frac{\kappa-c}{3c+\kappa}$: the stationary $E\|\nabla F\|^2$ at $\sum_i\alpha_iw_i$ over that at w.

    On $F = cLx^2/2$ with additive noise, ρ = λ = 0; 1/5 at κ = 2, c = 1. Source: local-mean-floor.
    """
    positive("curvature", check("curvature", curvature, curvature <= 1, "<= 1"))
    check("kappa", kappa, 2 * kappa > 3 * curvature, "> 3c/2")
    return (kappa - curvature) / (3 * curvature + kappa)


def local_mean_floor(kappa: Number, variance: Number = 1, curvature: Number = 1) -> Number:
    r"""Return $\frac{c(\kappa-c)}{(c+\kappa)(2\kappa-3c)}v$, that $E\|\nabla F\|^2$ at $\sum_i\alpha_iw_i$ itself.

    Source: local-mean-floor.
    """
    return local_mean_ratio(kappa, curvature) * floor_lower_bound(kappa, variance, curvature)


def same_batch_bias(beta: Number, variance: Number = 1) -> Number:
    r"""Return $-\frac{\beta}{2+\beta}\sqrt v$, the stationary mean gradient under a Q that sees the batch.

    Source: T9-same-batch-bias.
    """
    return -nonnegative("beta", beta) / (2 + beta) * square_root(nonnegative("variance", variance))


def delayed_bias(kappa: Number, variance: Number = 1) -> Number:
    r"""Return $-\frac{\kappa+2}{4\kappa}\sqrt v$, the stationary mean gradient under a Q of the past, κ > 9/10.

    Source: T9-delayed-bias.
    """
    check("kappa", kappa, 10 * kappa > 9, "> 9/10")
    return -(kappa + 2) / (4 * kappa) * square_root(nonnegative("variance", variance))
