r"""From which penalty on PISA converges: thresholds X of the margin $(\sigma-L)(\sigma+\lambda) \ge XL^2$.

Plain arithmetic for floats, fractions and SymPy expressions; the caller answers for the domains. β bounds the
preconditioner, $0 \preceq \rho_iQ_i \preceq \beta\sigma_iI$. Those for absent and late clients are not sharp, those for
compressed ones as ϖ → 0.
"""

import math
from fractions import Fraction
from typing import Any

Number = Any
"""int, float, Fraction or a SymPy expression."""


def preconditioner_margin(beta: Number) -> Number:
    r"""Return $X(\beta)$: $4/(4-\beta)$ up to β = 3, then $(\beta-1)^2$. Source: MATHEMATICS.md#T6."""
    return 4 / (4 - beta) if beta <= 3 else (beta - 1) ** 2


def participation_margin(beta: Number, probability: Number) -> Number:
    r"""Return $X = (1-\sqrt{1-\pi(1-q^2)})^{-2}$, $q = \beta/(1+\beta)$.

    Every client is there with a conditional probability of at least π, whatever the dependence between clients. At
    π = 1 it is $(1+\beta)^2$, more than `preconditioner_margin` asks for. Source: MATHEMATICS.md#N7 (a).
    """
    kept = beta / (1 + beta)
    return (1 - square_root(1 - probability * (1 - kept**2))) ** -2


def contraction_margin(share: Number, *, extrapolation: bool = False, probability: Number = 1) -> Number:
    r"""Return $X = \chi/(1-u)^2$, $u^2 = 1-\pi\varpi$, of compressed clients with $\varpi$ = ``share``.

    $\chi = u^2$ for a server without extrapolation, $(1+2\sqrt{1-\varpi})^2$ with it. Source: MATHEMATICS.md#N7 (b),
    for π < 1 its master lemma.
    """
    lost = square_root(1 - probability * share)
    spread = (1 + 2 * square_root(1 - share)) ** 2 if extrapolation else lost**2
    return spread / (1 - lost) ** 2


def delay_margin(limit: Number, threshold: Number) -> Number:
    r"""Return $(\tau+(\tau+1)\sqrt X)^2$ for gradients of age at most τ = ``limit``, any pattern, σ that never falls.

    X = ``threshold`` is that without delays: `preconditioner_margin` or `participation_margin`.
    Source: MATHEMATICS.md#N7 (c).
    """
    return (limit + (limit + 1) * square_root(threshold)) ** 2


def least_penalty(threshold: Number, smoothness: Number = 1, ridge: Number = 0) -> Number:
    r"""Return the σ with $(\sigma-L)(\sigma+\lambda) = XL^2$: $\tfrac12(L-\lambda+\sqrt{(L+\lambda)^2+4XL^2})$."""
    return (smoothness - ridge + square_root((smoothness + ridge) ** 2 + 4 * threshold * smoothness**2)) / 2


def square_root(value: Number) -> Number:
    """Return √value: exact for SymPy and for squares of fractions, else a float."""
    if isinstance(value, Fraction | int):
        number = Fraction(value)
        roots = math.isqrt(max(number.numerator, 0)), math.isqrt(number.denominator)
        exact = Fraction(*roots)
        return exact if exact**2 == number else math.sqrt(number)
    return math.sqrt(value) if isinstance(value, float) else value ** Fraction(1, 2)
