r"""Worst cases of the gradient after N moves, as formulas: $F(w_0) - F^* \le \Delta$, κ = σ/L.

Every function takes floats, fractions and SymPy expressions alike (``rounds`` NumPy arrays too) and names the claim
that it evaluates.
"""

from proofs_check.theory.arithmetic import Number, check, decide, larger, moves, nonnegative, positive, square_root


def nonconvex_rate(rounds: Number, kappa: Number, *, smoothness: Number = 1, gap: Number = 1) -> Number:
    r"""Return $4\kappa^2L\Delta/((4\kappa-1)N+2\kappa^2+4\kappa-3)$, a bound of $\min_{k\le N}\|\nabla F(w_k)\|^2$.

    Exact for κ ≥ 2; for √11/2 ≤ κ < 2 the bound of T2-nonconvex-rate-below-2,
    $4\kappa^2L\Delta/(2\kappa^2+4\kappa(N+1)-\varrho(N+3))$ with $\varrho = \kappa/(\kappa^2-2)$, which is not exact.

    Raises:
        ValueError: κ < √11/2, or fewer than one round. Source: T2-nonconvex-rate, T3-nonconvex-attained.
    """
    check("kappa", kappa, (kappa > 0) & (4 * kappa**2 >= 11), ">= √11/2")
    scale = _scale(smoothness, gap)
    weight = 1 if decide("kappa", kappa >= 2) else kappa / (kappa**2 - 2)
    return 4 * kappa**2 * scale / (2 * kappa**2 + 4 * kappa * (moves(rounds) + 1) - weight * (rounds + 3))


def convex_rate(rounds: Number, kappa: Number, *, smoothness: Number = 1, gap: Number = 1) -> Number:
    r"""Return $\frac{2\kappa L\Delta}{2N+2+\kappa}$, the exact worst $\min_{k\le N}\|\nabla F(w_k)\|^2$ over convex F.

    Raises:
        ValueError: κ < (1+√6)/2, or fewer than one round. Source: T2-convex-rate, T3-convex-attained.
    """
    check("kappa", kappa, (kappa > 1) & ((2 * kappa - 1) ** 2 >= 6), ">= (1+√6)/2")
    return 2 * kappa * _scale(smoothness, gap) / (2 * moves(rounds) + 2 + kappa)


def warm_start_rate(
    rounds: Number, kappa: Number, *, convex: bool = False, smoothness: Number = 1, gap: Number = 1
) -> Number:
    r"""Return what PISA attains from $\pi_i^0 = -\nabla F_i(w^0)$: that of gradient descent with step 1/σ.

    $4\kappa^2L\Delta/((4\kappa-1)N+2\kappa^2)$, or $2\kappa L\Delta/(2N+\kappa)$ for convex F. PISA cannot promise
    less at κ ≥ 1, for matching functions attain it; that it is the worst case is certified for κ = 2 and N = 1, 5.

    Source: W-warm-start.
    """
    check("kappa", kappa, kappa >= 1, ">= 1")
    scale = _scale(smoothness, gap)
    if convex:
        return 2 * kappa * scale / (2 * moves(rounds) + kappa)
    return 4 * kappa**2 * scale / ((4 * kappa - 1) * moves(rounds) + 2 * kappa**2)


def gradient_descent_rate(rounds: Number, *, convex: bool = False, smoothness: Number = 1, gap: Number = 1) -> Number:
    r"""Return the worst case of gradient descent with step 1/L: $4L\Delta/(3N+2)$, or $2L\Delta/(2N+1)$ for convex F.

    Source: MATHEMATICS.md#worst-cases.
    """
    scale = _scale(smoothness, gap)
    return 2 * scale / (2 * moves(rounds) + 1) if convex else 4 * scale / (3 * moves(rounds) + 2)


def last_iterate_rate(rounds: Number, kappa: Number, *, smoothness: Number = 1, gap: Number = 1) -> Number:
    r"""Return $\frac{(\kappa+a)L\Delta}{N+\kappa/2-1/6+\nu}$, which bounds $\|\nabla F(w_N)\|^2$ for convex F.

    $\nu = 1/(2\kappa-3)$; $a = 5\nu-2$ up to κ = 2, then $\max(0, 4\nu-1)$. Source: T4-last-iterate.

    Raises:
        ValueError: κ ≤ 3/2, or fewer than one round.
    """
    check("kappa", kappa, 2 * kappa > 3, "> 3/2")
    nu = 1 / (2 * kappa - 3)
    extra = 5 * nu - 2 if decide("kappa", kappa <= 2) else larger("kappa", 4 * nu - 1, 0)
    return 6 * (kappa + extra) * _scale(smoothness, gap) / (6 * moves(rounds) + 3 * kappa - 1 + 6 * nu)


def linear_factor(
    sigma: Number, *, beta: Number, curvature: Number, smoothness: Number = 1, ridge: Number = 0
) -> Number:
    r"""Return $1 - \min(\mu/s, \delta)$, $s = \sigma + \lambda$, by which $V - F^*$ shrinks in a round.

    The hypothesis is $\|\nabla F_\lambda\|^2 \ge 2\mu(F_\lambda-F^*)$. δ is the largest for which the penalty still
    passes the threshold $X_\delta$: with $R = (\sigma-L)(\sigma+\lambda)/L^2$ the larger of
    $1 - (4/R+\beta)/4$ and, from β = 3 on, $1 - \min\{1, (\beta+(\beta-1)/\sqrt R)/(1+\beta)\}^2$.

    Raises:
        ValueError: σ is below `sigma_threshold`. Source: T6-linear-rate.
    """
    from proofs_check.theory.potentials import margin_threshold

    nonnegative("beta", beta), positive("curvature", curvature)
    positive("smoothness", smoothness), nonnegative("ridge", ridge)
    margin = (sigma - smoothness) * (sigma + ridge) / smoothness**2
    check("sigma", sigma, (sigma > smoothness) & (margin >= margin_threshold(beta)), "at least sigma_threshold(beta)")
    kept = 1 - (4 / margin + beta) / 4
    if decide("beta", beta >= 3):
        root = (beta + (beta - 1) / square_root(margin)) / (1 + beta)
        kept = larger("beta", kept, 1 - (root if decide("beta", root <= 1) else 1) ** 2)
    slow = curvature / (sigma + ridge)
    return 1 - (slow if decide("sigma", slow <= kept) else kept)


def _scale(smoothness: Number, gap: Number) -> Number:
    return positive("smoothness", smoothness) * nonnegative("gap", gap)
