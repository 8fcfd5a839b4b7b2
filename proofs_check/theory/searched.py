r"""The penalties that a search accepts, and what it costs: N1 with a restart, N2 without one.

The test compares $F_\lambda + (1+\epsilon)\frac as\sum\alpha_i\|e_i^+\|^2$ after a trial with
$F_\lambda + (1-\delta)\frac as\sum\alpha_i\|e_i\|^2 - \frac cs\|\nabla F_\lambda\|^2$ before it; σ grows by the factor
t and falls by 1+ε a round.
"""

from proofs_check.theory.arithmetic import (
    Number,
    check,
    decide,
    larger,
    logarithm,
    moves,
    nonnegative,
    positive,
    square_root,
)


def restart_threshold(
    smoothness: Number = 1, ridge: Number = 0, *, decrease: Number, relaxation: Number, weight: Number
) -> Number:
    r"""Return $s_R$, the s = σ+λ from which on the test passes after a restart, whatever the operators.

    The larger root of $(1-c)s^2 - \frac{L+\lambda}2s - (1+\epsilon)aL^2$, with c = ``decrease``, ε = ``relaxation``,
    a = ``weight``. Source: N1-restart.

    Raises:
        ValueError: a number outside its domain.
    """
    positive("smoothness", smoothness), nonnegative("ridge", ridge), positive("weight", weight)
    nonnegative("relaxation", relaxation), check("decrease", decrease, (decrease > 0) & (decrease < 1), "in (0, 1)")
    half = (smoothness + ridge) / (2 + 0 * decrease)
    root = square_root(half**2 + 4 * (1 - decrease) * (1 + relaxation) * weight * smoothness**2)
    return (half + root) / (2 * (1 - decrease))


def searched_penalty_bound(initial: Number, enough: Number, *, factor: Number) -> Number:
    r"""Return $\max(\sigma_0, t\,\sigma)$ for a test that cannot fail from σ = ``enough`` on.

    ``enough`` is $s_R-\lambda$ after restarts (N1-sigma-bounded), the root of $(\sigma-L)(\sigma+\lambda) = XL^2$
    without (N2-sigma-bounded). With a floor below which σ does not fall the bound is the larger of the two.

    Raises:
        ValueError: a number outside its domain.
    """
    positive("initial", initial), check("factor", factor, factor > 1, "> 1")
    return larger("enough", factor * enough, initial)


def evaluations_bound(
    rounds: Number, initial: Number, enough: Number, *, factor: Number, relaxation: Number, restarts: bool = True
) -> Number:
    r"""Return the most evaluations of all F_i in N rounds, that of the start among them.

    $1 + bN + (\log^+(t\sigma/\sigma_0) + N\log(1+\epsilon))/\log t$ with b = 2, or 1 without ``restarts``, and σ =
    ``enough``. Source: N1-evaluations, N2-sigma-bounded.

    Raises:
        ValueError: a number outside its domain.
    """
    moves(rounds), nonnegative("relaxation", relaxation)
    bound = searched_penalty_bound(initial, enough, factor=factor)
    rises = (logarithm(bound / initial) + rounds * logarithm(1 + relaxation)) / logarithm(factor)
    return 1 + (2 if restarts else 1) * rounds + rises


def falling_margin_threshold(beta: Number, vartheta: Number) -> Number:
    r"""Return $X_\vartheta(\beta)$ for a penalty or metric that falls at most by the factor ϑ a round.

    $4/(4\vartheta-\beta)$ below β = 3, $(\beta-1)^2/((1+\beta)u-\beta)^2$ with $u = \sqrt\vartheta$ from there on; at
    ϑ = 1 it is `margin_threshold`. N2 needs ϑ = (1−δ)/(1+ε). Source: N2-test-passes, N3-metric-descent.

    Raises:
        ValueError: a number outside its domain, or a ϑ with which no σ is known to be enough.
    """
    kept = _kept(beta, vartheta)
    return 4 / kept if decide("beta", beta < 3) else (beta - 1) ** 2 / kept**2


def falling_residual_weight(beta: Number, vartheta: Number) -> Number:
    r"""Return b, the weight of the new residuals over s that belongs to $X_\vartheta(\beta)$: (1+ε)a in the test of N2.

    $1/(2\vartheta)$ below β = 3, $(\beta-1)^2/(2(1+\beta)u((1+\beta)u-\beta))$ from there on. Source: N2-test-passes.

    Raises:
        ValueError: as `falling_margin_threshold`.
    """
    kept = _kept(beta, vartheta)
    if decide("beta", beta < 3):
        return 1 / (2 * vartheta)
    return (beta - 1) ** 2 / (2 * (1 + beta) * square_root(vartheta) * kept)


def _kept(beta: Number, vartheta: Number) -> Number:
    r"""Return $4\vartheta-\beta$ below β = 3, $(1+\beta)u-\beta$ from there on, which must be positive."""
    nonnegative("beta", beta), check("vartheta", vartheta, (vartheta > 0) & (vartheta <= 1), "in (0, 1]")
    small = decide("beta", beta < 3)
    kept = 4 * vartheta - beta if small else (1 + beta) * square_root(vartheta) - beta
    check("vartheta", vartheta, kept > 0, "above β/4" if small else "above (β/(1+β))²")
    return kept
