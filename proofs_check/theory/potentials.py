r"""Potentials that fall every round: their weights, what they fall by, and from which penalty on.

σ is $\sum_i\alpha_i\sigma_i$, κ = σ/L, β bounds the preconditioner: $0 \preceq \rho_iQ_i \preceq \beta\sigma_iI$. Three
thresholds, each under its own name: of the margin $(\sigma-L)(\sigma+\lambda)/L^2$, of κ, and of σ.
"""

from fractions import Fraction

from pisa_lab import thresholds
from proofs_check.theory.arithmetic import Number, check, decide, larger, nonnegative, positive, square_root


def margin_threshold(beta: Number) -> Number:
    r"""Return $X(\beta)$: $4/(4-\beta)$ up to β = 3, then $(\beta-1)^2$.

    The hypothesis of T6-preconditioned is $(\sigma-L)(\sigma+\lambda) \ge XL^2$.
    """
    nonnegative("beta", beta), decide("beta", beta <= 3)
    return thresholds.preconditioner_margin(beta)


def kappa_threshold(beta: Number) -> Number:
    r"""Return $\tfrac12(1+\sqrt{1+4X(\beta)})$, from which on κ satisfies T6-preconditioned for every λ ≥ 0."""
    return (1 + square_root(1 + 4 * margin_threshold(beta))) / 2


def sigma_threshold(beta: Number, *, smoothness: Number = 1, ridge: Number = 0) -> Number:
    r"""Return the σ with $(\sigma-L)(\sigma+\lambda) = X(\beta)L^2$: the smallest that T6-preconditioned allows.

    $\tfrac12(L-\lambda+\sqrt{(L+\lambda)^2+4X(\beta)L^2})$.
    """
    positive("smoothness", smoothness), nonnegative("ridge", ridge)
    return thresholds.least_penalty(margin_threshold(beta), smoothness, ridge)


def newton_schulz_alignment(width: Number) -> Number:
    r"""Return $\theta_-(r) = \frac{902}r(\sqrt{1+.00151r}-1)$: $\langle X, O\rangle \geq \theta_-(r)\|X\|_*$.

    O is what five steps of Newton–Schulz make of X, r ≥ 1 the number of its singular values, the smaller side; .65 at
    r = 128, .12 at 65536, about $35/\sqrt r$. Source: N6-newton-schulz-every-width.
    """
    check("width", width, width >= 1, ">= 1")
    return 902 * (square_root(1 + width * Fraction(151, 100000)) - 1) / width


def sector_kappa_threshold(beta: Number, *, common: bool = False) -> Number:
    r"""Return the smallest certified κ for any Q with $\rho Q \preceq \beta\sigma I$, λ = 0.

    The certified rows where they reach, `kappa_threshold` elsewhere; ``common`` says that all clients share one
    matrix. Source: T12-threshold-any-clients, T12-threshold-common.
    """
    from proofs_check.symbolic.theorems.sectors import COMMON, SEPARATE

    rows = SEPARATE + (COMMON if common else ())
    return min([kappa_threshold(beta), *(row.kappa for row in rows if decide("beta", beta <= row.beta))])


def residual_weight(beta: Number) -> Number:
    r"""Return $a(\beta)$, the weight of $\sum\alpha_i\|\nabla F_i+\pi_i\|^2/s$ in V of T6-preconditioned.

    1/2 up to β = 3, then $\frac{(\beta-1)^2}{2(\beta+1)}$; $s = \sigma + \lambda$.
    """
    nonnegative("beta", beta)
    half = 1 / (2 + 0 * beta)
    return half if decide("beta", beta <= 3) else (beta - 1) ** 2 / (2 * (beta + 1))


def gradient_weights(kappa: Number, *, convex: bool = False) -> tuple[Number, Number, Number]:
    r"""Return the weights of $\|g_k\|^2, \|g_{k-1}\|^2, \|g_k-g_{k-1}\|^2$, over L, in V for ρ = λ = 0, κ > 3/2.

    Nonconvex: $\frac{1}{4\kappa}, \frac{2\kappa-\varrho}{4\kappa^2}, \omega$ with $\varrho = \kappa/(\kappa^2-2)$,
    $\omega = \max(0, \frac{4-\kappa^2}{4\kappa(\kappa^2-2)})$ below κ = 2, 1 and 0 from there on; convex:
    $\frac{1+r}{2\kappa}, \frac{1}{2\kappa}, \frac{r}{2\kappa}$ with $r = \max(0, \frac{2-\kappa}{2\kappa-3})$.
    Source: T1-nonconvex-potential, T1-convex-potential.
    """
    _kappa(kappa)
    if convex:
        r = larger("kappa", (2 - kappa) / (2 * kappa - 3), 0)
        return (1 + r) / (2 * kappa), 1 / (2 * kappa), r / (2 * kappa)
    below = not decide("kappa", kappa >= 2)
    omega = (4 - kappa**2) / (4 * kappa * (kappa**2 - 2)) if below else 0 * kappa
    return 1 / (4 * kappa), (2 * kappa - _rho(kappa)) / (4 * kappa**2), omega


def gradient_drop(kappa: Number, *, convex: bool = False) -> Number:
    r"""Return c in $V_{k+1} \le V_k - c\|g_k\|^2/L$, κ > 3/2: $1/\kappa - \varrho/(4\kappa^2)$; convex F: $1/\kappa$.

    Source: T1-nonconvex-potential, T1-convex-potential.
    """
    _kappa(kappa)
    return 1 / kappa if convex else (4 * kappa - _rho(kappa)) / (4 * kappa**2)


def sharp_edge_drop(kappa: Number) -> Number:
    r"""Return c in $V_{k+1} \le V_k - c\|g_k\|^2/L$ for every Q with $\rho_iQ_i \preceq \sigma_iI$, every κ > 3/2.

    $\frac{\kappa-3/2}{4(\kappa-1)^2}$ up to 8/5, 1/20 up to 2, then $1/(4\kappa)$. Source: W-any-q-sharp-edge.
    """
    _kappa(kappa)
    if decide("kappa", 5 * kappa <= 8):
        return (2 * kappa - 3) / (8 * (kappa - 1) ** 2)
    return 1 / (20 + 0 * kappa) if decide("kappa", kappa <= 2) else 1 / (4 * kappa)


def sharp_edge_weight(kappa: Number) -> Number:
    r"""Return a in $V = F + (a/\sigma)\sum\alpha_i\|\nabla F_i+\pi_i\|^2$ of W-any-q-sharp-edge.

    $\frac{\kappa(2-\kappa)}{2(\kappa-1)}$ up to 8/5, 11/20 up to 2, then κ/3.
    """
    _kappa(kappa)
    if decide("kappa", 5 * kappa <= 8):
        return kappa * (2 - kappa) / (2 * (kappa - 1))
    return 11 / (20 + 0 * kappa) if decide("kappa", kappa <= 2) else kappa / 3


def _kappa(kappa: Number) -> Number:
    return check("kappa", kappa, 2 * kappa > 3, "> 3/2")


def _rho(kappa: Number) -> Number:
    return 1 if decide("kappa", kappa >= 2) else kappa / (kappa**2 - 2)
