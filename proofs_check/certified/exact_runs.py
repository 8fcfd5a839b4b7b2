r"""PISA and gradient descent in fractions, one variable, written anew: what a refutation's run must agree with.

A broken method would break a false claim as well as the right one does. So every refuted row compares the library's run
with the one here, and says nothing where they differ.
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

Gradient = Callable[[Fraction], Fraction]
AGREEMENT = 1e-9
"""Relative; the runs compared have at most 60 rounds and numbers of order one, so that rounding stays below 1e-12."""


def pisa_path(
    gradients: Sequence[Gradient],
    start: Fraction,
    *,
    penalties: Sequence[Sequence[Fraction]],
    weights: Sequence[Fraction] = (Fraction(1),),
    rho: Sequence[Fraction] = (Fraction(0),),
    ridge: Fraction = Fraction(0),
    order: str = "before_solve",
    first: str = "client",
) -> list[Fraction]:
    r"""Return $w^0, w^1, \dots$ of PISA with Q = I and $\pi_i^0 = 0$; ``penalties[k]`` are the $\sigma_i^k$.

    As many rounds as there are rows but one. The server's first step, where it comes first, uses $\sigma^0$ and
    $w_i^0 = w^0$.
    """
    w, path = start, [start]
    deviation, multiplier = [Fraction(0)] * len(gradients), [Fraction(0)] * len(gradients)
    for before, after in pairwise(penalties):
        if first == "server":
            moved = _server(w, deviation, multiplier, before, weights, ridge)
            deviation = [d + w - moved for d in deviation]
            w = moved
            path.append(w)
        solve = after if order == "before_solve" else before
        for i, gradient in enumerate(gradients):
            deviation[i] = -(multiplier[i] + gradient(w)) / (solve[i] + rho[i])
            multiplier[i] += solve[i] * deviation[i]
        if first == "client":
            w = _server(w, deviation, multiplier, after, weights, ridge)
            path.append(w)
    return path


def _server(
    w: Fraction,
    deviation: Sequence[Fraction],
    multiplier: Sequence[Fraction],
    sigma: Sequence[Fraction],
    weights: Sequence[Fraction],
    ridge: Fraction,
) -> Fraction:
    r"""Return $\sum\alpha_i(\sigma_iw_i + \pi_i)/(\sum\alpha_i\sigma_i + \lambda)$, $w_i = w + d_i$."""
    clients = list(zip(weights, sigma, deviation, multiplier, strict=True))
    return sum((a * (s * (w + d) + p) for a, s, d, p in clients), Fraction(0)) / (
        sum((a * s for a, s, _, _ in clients), Fraction(0)) + ridge
    )


def agree(name: str, found: Sequence[float], decided: Sequence[Fraction], *, tolerance: float = AGREEMENT) -> None:
    """Check that the numbers of the library's run, round by round, are those of the run in fractions.

    Raises:
        ValueError: one is not (NaN never is), or there are fewer rounds; the claim's check then says INCONCLUSIVE.
    """
    if len(found) != len(decided):
        raise ValueError(f"{name}: the library's run has {len(found)} rounds, the run in fractions {len(decided)}")
    for k, (here, there) in enumerate(zip(found, decided, strict=True)):
        if not math.isclose(here, float(there), rel_tol=tolerance, abs_tol=tolerance):
            raise ValueError(f"{name}: in round {k} the library has {here!r}, the run in fractions {float(there)!r}")
