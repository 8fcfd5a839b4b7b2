r"""Theorem 1 (descent, warm start, threshold) and the linear rate under the Polyak-Łojasiewicz inequality.

The notation and the certificate of one round are in full_round.py.
"""

from collections.abc import Iterator
from typing import Any

from proofs_check.kernel.algorithm import Algorithm
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.kernel.schemes import Cover
from proofs_check.symbolic.theorems.full_round import (
    Case,
    Weights,
    descent_cases,
    linear_cases,
    potentials,
    symbolic_round,
    unmoved_step,
)
from proofs_check.symbolic.theorems.recursion import MEAN_OF_CLIENTS, client_identities, server_identity
from proofs_check.symbolic.theorems.summation import telescope

SOURCE = "ours; MATHEMATICS.md#T6"
HYPOTHESES = (
    "full gradients; every F_i is L-smooth (nonconvex allowed), F_λ bounded below; any number of clients, any split,"
    " λ ≥ 0",
    "Q_i symmetric, 0 ⪯ ρ_iQ_i ⪯ βσ_iI, otherwise arbitrary: it may depend on client, iteration and current gradient",
    "σ = Σα_iσ_i nondecreasing, (σ−L)(σ+λ) ≥ X(β)L² with X = 4/(4−β) for β ≤ 3 and (β−1)² for β ≥ 3;"
    " sufficient for every λ: σ/L ≥ (1+√(1+4X))/2",
    "the client solves with σ^{ℓ+1} and the next server step uses the same (Algorithm 1's order)",
    "V_k = F_λ(w_k) + (a/s_k)Σα_i‖∇F_i(w_k) + π_i‖², s_k = σ_k + λ, taken"
    " with the π_i that are there BEFORE the clients'"
    " step at w_k; a = 1/2 for β ≤ 3, (β−1)²/(2(1+β)) for β ≥ 3",
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


def warm_start(each: Case) -> Certificate:
    r"""Return $V_0 \le F_\lambda(w_{init}) - \|G\|^2/(2s)$ for $\pi_i^0 = -\nabla F_i(w_{init})$.

    Heterogeneity drops out.
    """
    at, weights = symbolic_round(), each.weights
    share, total, smooth = weights.share, at.total, at.smoothness
    move, start = -at.gradient / total, at.sums[0]
    descent = at.value + at.gradient * move + (smooth + at.ridge) / 2 * move**2 - at.next_value
    gap = (at.penalty - smooth) * total - weights.threshold * smooth**2
    uses = (
        (1, Inequality("descent lemma for F_λ", descent, "the first server step is −G/s since e = 0 at w_init")),
        (share / total, Inequality("S_0 ≤ L²‖w_0−w_init‖²", smooth**2 * move**2 - start, "Lipschitz gradients")),
        (share, Inequality("s_0 ≥ s", (1 / total - 1 / at.next_total) * start, "σ nondecreasing")),
        (1 / (2 * total), Inequality("((σ−L)s − XL²)‖D‖² ≥ 0", gap * move**2, "the hypothesis on σ")),
    )
    target = at.value - at.gradient**2 / (2 * total) - at.next_value - share / at.next_total * start
    squares = (((weights.threshold - 2 * share) * smooth**2 / (2 * total), move),)
    name = f"warm start: V_0 ≤ F_λ(w_init) − ‖G‖²/(2s), {each.name}"
    return Certificate(name, target, uses, squares, each.domain)


def warm_sum(each: Case) -> tuple[Fact, ...]:
    """Return that Σ‖∇F_λ(w_k)‖²/(2s_k), the warm start's included, is at most F_λ(w_init) − F*."""
    import sympy

    at, optimum, first = symbolic_round(), sympy.Symbol("F_star"), warm_start(each)
    now, then = potentials(at, each.weights)
    summed = telescope(each.step, now, then, rate=sympy.Integer(1), square=at.gradient**2 / (2 * at.total))
    above = Inequality("F_λ ≥ F*", at.value - optimum, "F* is the infimum")
    squares = Inequality("S ≥ 0", at.sums[0], "a mean of squares")
    below = Certificate(
        f"V ≥ F*, {each.name}", now - optimum, ((1, above), (each.weights.share / at.total, squares)), (), each.domain
    )
    last = Consequence("V_N ≥ F*", summed.last - optimum, below, where={summed.last: now})
    start, slope, total = sympy.symbols("F_init G_init s_init")
    spent = start - slope**2 / (2 * total) - summed.first
    letters = {
        start: at.value,
        slope: at.gradient,
        total: at.total,
        summed.first: at.value - at.gradient**2 / (2 * at.total) - first.target,
    }
    warm = Consequence("the warm start", spent, first, where=letters)
    target = start - optimum - slope**2 / (2 * total) - summed.squares
    uses = ((1, warm), (1, summed.total()), (1, last))
    whole = Certificate(f"warm start: the sum is at most F_λ(w_init) − F*, {each.name}", target, uses, (), each.domain)
    return (first, *summed.facts, below, whole)


def theorem_one_proof(algorithm: Algorithm, small: Any = None, large: Any = None) -> Iterator[Fact]:
    """Yield the facts of Theorem 1 (δ = 0); ``small`` and ``large`` replace the thresholds X of the two cases."""
    import sympy

    at, zero = symbolic_round(), sympy.Integer(0)
    cases = descent_cases(small, large)
    still = unmoved_step(zero, Orthant())
    yield from (*client_identities(algorithm), server_identity(at.move, at.total, at.gradient, at.error))
    yield from (*sufficient_penalty(), still)
    for each, text in zip(cases, ("4/(4−β)", "(β−1)²"), strict=True):
        yield from (*each.facts, *warm_sum(each))
        yield from _said(each, text, {"β": each.beta})
    yield Cover("every β > 0; β = 0 is M = I", tuple(each.step for each in cases), zero)
    for step, weights in (
        (still, Weights(sympy.Rational(1, 2), sympy.oo, zero)),
        *((each.step, each.weights) for each in cases),
    ):
        now, then = potentials(at, weights)
        words = {"V_{k+1}": then, "V_k": now, "‖∇F_λ(w_k)‖²": at.gradient**2, "σ_k": at.penalty, "λ": at.ridge}
        yield Concludes("V_{k+1} ≤ V_k − ‖∇F_λ(w_k)‖²/(2(σ_k+λ))", step, words)


def _said(each: Case, text: str, words: dict[str, Any]) -> tuple[Fact, ...]:
    """Return that the sentence's threshold is the one of the case."""
    form = Identity(f"{each.name}: X as in the sentence", each.weights.threshold, read(text, words))
    return form, Concludes(text, form, words)


def linear_step(each: Case) -> Certificate:
    r"""Return $V^+ - F^* \le (1-\chi)(V - F^*)$ for χ ≤ μ/s, χ ≤ δ.

    From the step and $\|\nabla F_\lambda\|^2 \ge 2\mu(F_\lambda-F^*)$.
    """
    import sympy

    at, optimum = symbolic_round(), sympy.Symbol("F_star")
    rate, curvature, z, t = sympy.symbols("chi mu z t", positive=True)
    now, then = potentials(at, each.weights)
    total, kept, share = at.total, each.weights.kept, each.weights.share
    steep = at.gradient**2 - 2 * curvature * (at.value - optimum)
    uses = (
        (1, Consequence("the step", each.step.target, each.step)),
        (1 / (2 * total), Inequality("Polyak-Łojasiewicz", steep, "hypothesis; strong convexity gives it")),
        (curvature / total - rate, Inequality("F_λ ≥ F*", at.value - optimum, "F* is the infimum")),
        ((kept - rate) * share / total, Inequality("S ≥ 0", at.sums[0], "a mean of squares")),
    )  # fmt: skip
    slow = sympy.sympify(kept).subs(each.substitution) / (1 + t)
    place = Orthant({**each.substitution, rate: slow, curvature: total * (slow + z)})
    target = (1 - rate) * (now - optimum) - (then - optimum)
    return Certificate(f"V⁺ − F* ≤ (1−χ)(V − F*), {each.name}", target, uses, (), place)


def linear_proof(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield the facts of the linear rate, δ > 0 in both cases."""
    import sympy

    at, u = symbolic_round(), sympy.Symbol("u", positive=True)
    yield from (*client_identities(algorithm), server_identity(at.move, at.total, at.gradient, at.error))
    texts = ("4/(4(1−δ)−β)", "(β−1)²/((1+β)√(1−δ)−β)²")
    for each, text in zip(linear_cases(), texts, strict=True):
        yield from each.facts
        yield from _said(each, text, {"β": each.beta, "δ": sympy.Symbol("delta", positive=True), "√(1−δ)": u})
        step, (now, then) = linear_step(each), potentials(at, each.weights)
        yield step
        words = {
            "V_{k+1}": then,
            "V_k": now,
            "F*": sympy.Symbol("F_star"),
            "min(μ/s_k, δ)": sympy.Symbol("chi", positive=True),
        }
        yield Concludes("V_{k+1} − F* ≤ (1 − min(μ/s_k, δ))(V_k − F*)", step, words)


CLAIMS = (
    theorem(
        "T6-preconditioned",
        "For every β ≥ 0 and every nondecreasing σ with (σ−L)(σ+λ) ≥ X(β)L², V_{k+1} ≤ V_k − ‖∇F_λ(w_k)‖²/(2(σ_k+λ))"
        " at every k; with the warm start the sum of ‖∇F_λ(w_k)‖²/(2s_k) is at most F_λ(w_init) − F*, uniformly in"
        " heterogeneity.",
        latex=r"$V_{k+1} \leq V_k - \frac{\|\nabla F_\lambda(w_k)\|^2}{2(\sigma_k+\lambda)},\quad"
        r" V_k = F_\lambda(w_k)+\frac{a}{\sigma_k+\lambda}\sum_i\alpha_i\|\nabla F_i(w_k)+\pi_i^k\|^2$",
        hypotheses=HYPOTHESES,
        source=SOURCE,
        proof=theorem_one_proof,
        conclusion={
            "every β ≥ 0": "every β > 0; β = 0 is M = I",
            "with the warm start the sum": "warm start: the sum is at most F_λ(w_init) − F*, small β",
            "is at most F_λ(w_init) − F*": "warm start: the sum is at most F_λ(w_init) − F*, large β",
        },
        arguments=(MEAN_OF_CLIENTS, "norms are read in an eigenbasis of each M_i, component by component"),
    ),
    theorem(
        "T6-linear-rate",
        "Under the Polyak-Łojasiewicz inequality with μ, V_{k+1} − F* ≤ (1 − min(μ/s_k, δ))(V_k − F*) for every 0 < δ"
        " < 1 such that"
        " (σ−L)(σ+λ) ≥ X_δL²: X_δ = 4/(4(1−δ)−β) for β < 4(1−δ), (β−1)²/((1+β)√(1−δ)−β)² for β ≥ 3, √(1−δ) > β/(1+β).",
        latex=r"$V_{k+1}-F^* \leq (1-\min(\mu/s_k,\delta))\,(V_k-F^*)$",
        hypotheses=(
            *HYPOTHESES[:2],
            (
                "σ nondecreasing with X_δ in place of X; β > 0 (β = 0 with X_δ ="
                " 1/(1−δ) is T6-preconditioned's case M = I)"
            ),
            HYPOTHESES[3],
            HYPOTHESES[4].split("; a =")[0]
            + "; a = 1/(2(1−δ)) in the first case, (β−1)²/(2(1+β)u((1+β)u−β)), u = √(1−δ),"
            " in the second",
            "‖∇F_λ‖² ≥ 2μ(F_λ − F*)",
        ),
        source="ours; MATHEMATICS.md#T6 with strict slack, written out for this project",
        proof=linear_proof,
        arguments=(MEAN_OF_CLIENTS, "norms are read in an eigenbasis of each M_i, component by component"),
    ),
)
