r"""Theorem 1 (descent, warm start, threshold) and the linear rate under the Polyak-Łojasiewicz inequality.

The notation and the certificate of one round are in full_round.py.
"""

import dataclasses
from typing import Any

from proofs_check.symbolic.theorems.domains import Orthant
from proofs_check.symbolic.theorems.full_round import (
    endpoint_step,
    general_weights,
    large_facts,
    one_step,
    small_facts,
    symbolic_round,
    young_step,
)
from proofs_check.symbolic.theorems.proof import Certificate, Fact, Identity, Inequality, Proof, Sign, theorem
from proofs_check.symbolic.theorems.recursion import client_identities, server_identity

SOURCE = "ours; MATHEMATICS.md#T6"
HYPOTHESES = (
    "full gradients; every F_i is L-smooth (nonconvex allowed), F_λ bounded below; any number of clients, any split,"
    " λ ≥ 0",
    "Q_i symmetric, 0 ⪯ ρ_iQ_i ⪯ βσ_iI, otherwise arbitrary: it may depend on client, iteration and current gradient",
    "σ = Σα_iσ_i nondecreasing, (σ−L)(σ+λ) ≥ X(β)L² with X = 4/(4−β) for β ≤ 3 and (β−1)² for β ≥ 3;"
    " sufficient for every λ: σ/L ≥ (1+√(1+4X))/2",
    "the client solves with σ^{ℓ+1} and the next server step uses the same (MATHEMATICS.md#algorithm);"
    " V_k is taken before the client's step at w_k",
)


def sufficient_penalty() -> tuple[Fact, ...]:
    r"""Return that $\kappa \ge \kappa_0$, $\kappa_0^2 - \kappa_0 = X$, gives the hypothesis for every λ ≥ 0.

    And $\kappa_0(0) = (1+\sqrt5)/2$.
    """
    import sympy

    root, more, ridge = sympy.symbols("kappa_0 x lambda", positive=True)
    golden = (1 + sympy.sqrt(5)) / 2
    gap = (1 + root + more - 1) * (1 + root + more + ridge) - ((1 + root) ** 2 - (1 + root))
    bound = sympy.Symbol("X", positive=True)
    half = sympy.Symbol("root", positive=True)
    return (
        Sign("κ ≥ κ_0 > 1 gives (κ−1)(κ+λ/L) ≥ X", gap, Orthant()),
        Identity("κ_0 = (1+√(1+4X))/2", ((1 + half) / 2) ** 2 - (1 + half) / 2, bound.subs(bound, (half**2 - 1) / 4)),
        Identity("β = 0: the golden ratio", golden**2 - golden, 1),
        Identity("both cases of X agree at β = 3", sympy.Integer(4) / (4 - 3), (3 - 1) ** 2),
    )


def warm_start() -> Certificate:
    r"""Return $V_0 \le F_\lambda(w_{init}) - \|G\|^2/(2s)$ for $\pi_i^0 = -\nabla F_i(w_{init})$.

    Heterogeneity drops out.
    """
    at, weights = symbolic_round(), general_weights()
    import sympy

    share, total, smooth = weights.share, at.total, at.smoothness
    move, spare = -at.gradient / total, sympy.Symbol("X_minus_2a", positive=True)
    start = at.sums[0]
    descent = at.value + at.gradient * move + (smooth + at.ridge) / 2 * move**2 - at.next_value
    gap = (at.penalty - smooth) * total - (2 * share + spare) * smooth**2
    uses = (
        (1, Inequality("descent lemma for F_λ", descent, "the first server step is −G/s since e = 0 at w_init")),
        (share / total, Inequality("S_0 ≤ L²‖w_0−w_init‖²", smooth**2 * move**2 - start, "Lipschitz gradients")),
        (share, Inequality("s_0 ≥ s", (1 / total - 1 / at.next_total) * start, "σ nondecreasing")),
        (1 / (2 * total), Inequality("((σ−L)s − XL²)‖D‖² ≥ 0", gap * move**2, "the hypothesis on σ, X ≥ 2a")),
    )
    target = at.value - at.gradient**2 / (2 * total) - at.next_value - share / at.next_total * start
    squares = ((spare * smooth**2 / (2 * total), move),)
    return Certificate("warm start: V_0 ≤ F_λ(w_init) − ‖G‖²/(2s)", target, uses, squares)


def theorem_one_proof(small: Any = None, large: Any = None) -> Proof:
    """Return the facts of Theorem 1 (δ = 0); ``small`` and ``large`` replace the thresholds X of the two cases."""
    import sympy

    beta, zero = sympy.Symbol("beta", positive=True), sympy.Integer(0)
    weights = dataclasses.replace(general_weights(), kept=zero)
    extra = weights.threshold - 2 * weights.share
    return (
        *client_identities(),
        server_identity(),
        *young_step(weights.young),
        endpoint_step(weights, beta),
        one_step(weights),
        one_step(weights, fixed=True),
        *small_facts(zero, small),
        *large_facts(sympy.Integer(1), large),
        *sufficient_penalty(),
        Sign("X ≥ 2a", extra, Orthant()),
        warm_start(),
    )


def linear_step() -> Certificate:
    r"""Return $V^+ - F^* \le (1-\chi)(V - F^*)$ for χ ≤ μ/s, χ ≤ δ.

    From the step and $\|\nabla F_\lambda\|^2 \ge 2\mu(F_\lambda-F^*)$.
    """
    import sympy

    total, share, rate, curvature, kept, residual = sympy.symbols("s a chi mu delta S", positive=True)
    value, optimum, gradient, later_potential = sympy.symbols("F F_star G V_next")
    x, y = sympy.symbols("x y", positive=True)
    potential = value + share / total * residual
    step = potential - later_potential - gradient**2 / (2 * total) - kept * share / total * residual
    uses = (
        (1, Inequality("the step", step, "proved before")),
        (
            1 / (2 * total),
            Inequality(
                "Polyak-Łojasiewicz",
                gradient**2 - 2 * curvature * (value - optimum),
                "hypothesis; strong convexity gives it",
            ),
        ),
        (curvature / total - rate, Inequality("F_λ ≥ F*", value - optimum, "F* is the infimum")),
        ((kept - rate) * share / total, Inequality("S ≥ 0", residual, "a sum of squares")),
    )
    target = (1 - rate) * (potential - optimum) - (later_potential - optimum)
    place = Orthant({curvature: total * (rate + x), kept: rate + y})
    return Certificate("V⁺ − F* ≤ (1−χ)(V − F*)", target, uses, (), place)


def linear_proof() -> Proof:
    """Return the facts of the linear rate, δ > 0 in both cases."""
    import sympy

    weights, beta = general_weights(), sympy.Symbol("beta", positive=True)
    return (
        *client_identities(),
        server_identity(),
        *young_step(weights.young),
        endpoint_step(weights, beta),
        one_step(weights),
        one_step(weights, fixed=True),
        *small_facts(),
        *large_facts(),
        linear_step(),
    )


CLAIMS = (
    theorem(
        "T6-preconditioned",
        "For every N, every β ≥ 0 and every nondecreasing σ with (σ−L)(σ+λ) ≥ X(β)L², V_{k+1} ≤ V_k −"
        " ‖∇F_λ(w_k)‖²/(2(σ_k+λ)) at every"
        " k; with the warm start the sum of ‖∇F_λ(w_k)‖²/(2s_k) is at most F_λ(w_init) − F*, uniformly in"
        " heterogeneity.",
        latex=r"$V_{k+1} \leq V_k - \frac{\|\nabla F_\lambda(w_k)\|^2}{2(\sigma_k+\lambda)},\quad"
        r" V_k = F_\lambda(w_k)+\frac{a}{\sigma_k+\lambda}\sum_i\alpha_i\|\nabla F_i(w_k)+\pi_i^k\|^2$",
        hypotheses=HYPOTHESES,
        source=SOURCE,
        proof=theorem_one_proof,
    ),
    theorem(
        "T6-linear-rate",
        "Under the Polyak-Łojasiewicz inequality with μ, V_{k+1} − F* ≤ (1 − min(μ/s_k, δ))(V_k − F*) for every 0 < δ"
        " < 1 such that"
        " (σ−L)(σ+λ) ≥ X_δL²: X_δ = 4/(4(1−δ)−β) for β < 4(1−δ), (β−1)²/((1+β)√(1−δ)−β)² for β ≥ 3, √(1−δ) > β/(1+β).",
        latex=r"$V_{k+1}-F^* \leq (1-\min(\mu/s_k,\delta))\,(V_k-F^*)$",
        hypotheses=(*HYPOTHESES[:2], "σ nondecreasing with X_δ in place of X", HYPOTHESES[3], "‖∇F_λ‖² ≥ 2μ(F_λ − F*)"),
        source="ours; MATHEMATICS.md#T6 with strict slack, written out for this project",
        proof=linear_proof,
    ),
)
