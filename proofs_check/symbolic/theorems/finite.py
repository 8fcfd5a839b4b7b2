r"""Exact finite-N theorem, every N.

$\sum_{k\le N} c_k\|g_k\|^2 \le F(w_0) - F^*$ with $c_k \ge 0$, by the inductions of chains.py.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import Algorithm
from proofs_check.kernel.domains import Interval, Slab
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes
from proofs_check.kernel.proof import theorem
from proofs_check.kernel.schemes import Cover
from proofs_check.symbolic.theorems.chains import Boundary, Convex, Nonconvex, every_step, final_step
from proofs_check.symbolic.theorems.interpolation import derivations, symbolic_step
from proofs_check.symbolic.theorems.potentials import SETTING, small_penalty_rho
from proofs_check.symbolic.theorems.recursion import MEAN_OF_CLIENTS, optimistic_gradient
from proofs_check.theory.rates import convex_rate, nonconvex_rate

SOURCE = "ours; MATHEMATICS.md#T2"


def coefficients(chain: Nonconvex | Convex) -> dict[str, Expression]:
    """Return every coefficient that occurs: N = 1, N = 2 and N ≥ 3."""
    import sympy

    half, first = sympy.Rational(1, 2), chain.first
    c0, second = chain.next(first)
    c1, third = chain.next(second)
    interior, _ = chain.next(third)
    return {
        "N=1: c_0": first.older,
        "N=1: c_1": first.newer + half,
        "c_0": c0,
        "N=2: c_1": second.older,
        "N=2: c_2": second.newer + half,
        "c_1": c1,
        "c_k": interior,
        "c_{N−1}": third.older,
        "c_N": third.newer + half,
    }


def chain_facts(chain: Nonconvex | Convex, total: Expression) -> tuple[tuple[Fact, ...], tuple[Certificate, ...]]:
    """Return base, step, induction, ends, signs of all c_k and Σc_k = ``total``; and the three rates."""
    import sympy

    found, induction, n = coefficients(chain), every_step(chain), sympy.Symbol("N", positive=True)
    p, q = sympy.symbols("p q")
    emitted, following = chain.next(Boundary(p, q, 0))
    growth = emitted + following.older + following.newer - p - q
    summed = chain.first.older + chain.first.newer + (n - 1) * growth + sympy.Rational(1, 2)
    signs = [Sign(f"{key} ≥ 0{chain.label}", value, chain.domain) for key, value in found.items()]
    second = chain.next(chain.first)[1]
    ends = [
        final_step(induction, boundary, f"F(w_0) − F* ≥ Σc_k‖g_k‖², {label}{chain.label}")
        for label, boundary in (("N = 1", chain.first), ("N = 2", second), ("N ≥ 3", chain.next(second)[1]))
    ]
    added = f"every step adds the same to Σc_k, so that for every N it is as stated{chain.label}"
    facts = (induction.base, induction.step, induction, *ends, *signs, Identity(added, summed, total))
    return facts, tuple(smallest_gradient(end, total, chain) for end in ends)


def smallest_gradient(end: Certificate, total: Expression, chain: Nonconvex | Convex) -> Certificate:
    """Return min‖g_k‖² ≤ (F(w_0) − F*)/Σc_k from Σc_k‖g_k‖² ≤ F(w_0) − F*."""
    import sympy

    start, optimum, summed, smallest = sympy.symbols("f_start f_optimum weighted_sum smallest")
    squares = -(end.target - start + optimum)
    weighted = Consequence("Σc_k‖g_k‖² ≤ F(w_0) − F*", start - optimum - summed, end, where={summed: squares})
    signs = tuple(f"{key} ≥ 0{chain.label}" for key in coefficients(chain))
    least = Inequality("Σc_k‖g_k‖² ≥ Σc_k min‖g_k‖²", summed - total * smallest, "c_k ≥ 0, Σc_k as shown", signs)
    uses = ((1 / total, weighted), (1 / total, least))
    domain = Slab(chain.kappa, chain.domain.low, chain.domain.high)
    return Certificate(f"the smallest gradient: {end.name}", (start - optimum) / total - smallest, uses, (), domain)


def rate_conclusions(
    text: str, rates: tuple[Certificate, ...], terms: Mapping[str, Expression] | None = None
) -> tuple[Fact, ...]:
    """Return that the sentence's rate is what the facts show for N = 1, N = 2 and N ≥ 3."""
    import sympy

    start, optimum, smallest = sympy.symbols("f_start f_optimum smallest")
    words = {"min_{k≤N}‖∇F(w_k)‖²": smallest, "F(w_0)−F*": start - optimum, "Δ": start - optimum}
    words |= {"L": sympy.Integer(1), "N": sympy.Symbol("N", positive=True), "κ": symbolic_step().kappa, **(terms or {})}
    return tuple(Concludes(text, fact, words) for fact in rates)


def theory_rate(rate: Callable[..., Any], total: Expression, low: Expression) -> Identity:
    """Return that the formula of `proofs_check.theory` is 1/Σc_k, for every κ > ``low``."""
    import sympy

    k, (n, x) = symbolic_step().kappa, sympy.symbols("N x", positive=True)
    return Identity("the formula of proofs_check.theory", rate(n, low + x), 1 / total.subs(k, low + x))


def nonconvex_large(threshold: Any = 2) -> Nonconvex:
    """Return the chain for κ ≥ ``threshold`` (2): the forward inequality alone."""
    import sympy

    kappa = symbolic_step().kappa
    return Nonconvex(kappa, sympy.Integer(1), Interval(kappa, sympy.sympify(threshold)), ", κ ≥ 2")


def nonconvex_small(threshold: Any = None) -> Nonconvex:
    """Return the chain for √11/2 ≤ κ ≤ 2."""
    import sympy

    kappa = symbolic_step().kappa
    low = sympy.sqrt(11) / 2 if threshold is None else threshold
    return Nonconvex(kappa, small_penalty_rho(kappa), Interval(kappa, low, sympy.Integer(2)), ", κ ≤ 2")


def convex_large(threshold: Any = 2) -> Convex:
    """Return the chain for κ ≥ ``threshold`` (2): the convex forward inequality alone."""
    import sympy

    kappa = symbolic_step().kappa
    return Convex(
        kappa, sympy.Integer(0), sympy.Integer(0), kappa - 2, Interval(kappa, sympy.sympify(threshold)), ", κ ≥ 2"
    )


def convex_small(threshold: Any = None) -> Convex:
    """Return the chain for (1+√6)/2 ≤ κ ≤ 2: r₀ = 1/2, R = κ(2κ−3), the turn carried is 2κ−3."""
    import sympy

    kappa = symbolic_step().kappa
    low = (1 + sympy.sqrt(6)) / 2 if threshold is None else threshold
    later = kappa * (2 * kappa - 3)
    return Convex(kappa, sympy.Rational(1, 2), later, 2 * kappa - 3, Interval(kappa, low, sympy.Integer(2)), ", κ ≤ 2")


def nonconvex_proof(algorithm: Algorithm, chain: Nonconvex | None = None) -> Iterator[Fact]:
    """Yield the facts of the nonconvex theorem; κ ≥ 2 unless another chain is given."""
    import sympy

    large = nonconvex_large()
    chain = large if chain is None else chain
    k, rho, length = chain.kappa, chain.rho, sympy.Symbol("N", positive=True)
    total = sympy.Rational(1, 2) + (length + 1) / k - rho * (length + 3) / (4 * k**2)
    facts, rates = chain_facts(chain, total)
    yield from (*optimistic_gradient(algorithm, cold=True), *derivations(), *facts, *rates)
    if rho == 1:
        text = "min_{k≤N}‖∇F(w_k)‖² ≤ 4κ²L(F(w_0)−F*)/((4κ−1)N+2κ²+4κ−3)"
        yield Cover("every κ ≥ 2", rates[-1:], sympy.Integer(2))
        yield from rate_conclusions(text, rates)
        yield theory_rate(nonconvex_rate, total, sympy.Integer(2))
    else:
        bound = Identity("ϱ = κ/(κ²−2)", rho, small_penalty_rho(k))
        yield from (bound, Concludes("κ/(κ²−2)", bound, {"κ": k}))
        yield Cover("√11/2 ≤ κ ≤ 2", rates[-1:], sympy.sqrt(11) / 2, sympy.Integer(2))
        yield from rate_conclusions("min_{k≤N}‖∇F(w_k)‖² ≤ LΔ/(1/2+(N+1)/κ−ϱ(N+3)/(4κ²))", rates, {"ϱ": rho})


def convex_proof(algorithm: Algorithm, chain: Convex | None = None) -> Iterator[Fact]:
    """Yield the facts of the convex theorem; both ranges of κ unless one chain is given."""
    import sympy

    chains = (convex_small(), convex_large()) if chain is None else (chain,)
    k, length = chains[0].kappa, sympy.Symbol("N", positive=True)
    total = sympy.Rational(1, 2) + (length + 1) / k
    yield from (*optimistic_gradient(algorithm, cold=True), *derivations(convex=True))
    found = [chain_facts(each, total) for each in chains]
    for facts, rates in found:
        yield from (*facts, *rates)
        yield from rate_conclusions("min_{k≤N}‖∇F(w_k)‖² ≤ 2κL(F(w_0)−F*)/(2N+2+κ)", rates)
    yield theory_rate(convex_rate, total, (1 + sympy.sqrt(6)) / 2)
    yield Cover("every κ ≥ (1+√6)/2", tuple(rates[-1] for _, rates in found), (1 + sympy.sqrt(6)) / 2)


CLAIMS = (
    theorem(
        "T2-nonconvex-rate",
        "For every N ≥ 1 and every κ ≥ 2, Σc_k‖∇F(w_k)‖² ≤ F(w_0) − F* with c_k ≥ 0, hence"
        " min_{k≤N}‖∇F(w_k)‖² ≤ 4κ²L(F(w_0)−F*)/((4κ−1)N+2κ²+4κ−3).",
        latex=r"$\min_{k\leq N}\|\nabla F(w_k)\|^2 \leq"
        r" \frac{4\kappa^2L\,(F(w_0)-F^*)}{(4\kappa-1)N+2\kappa^2+4\kappa-3}$",
        hypotheses=(
            SETTING[0],
            "π⁰ = 0 (g_{-1} = 0)",
            "F is L-smooth and bounded below by F*, κ ≥ 2, N ≥ 1; stated for L = 1",
        ),
        source=SOURCE,
        proof=nonconvex_proof,
        conclusion={"every κ ≥ 2": "every κ ≥ 2"},
        arguments=(MEAN_OF_CLIENTS,),
    ),
    theorem(
        "T2-nonconvex-rate-below-2",
        "For every N ≥ 1 and every √11/2 ≤ κ ≤ 2, min_{k≤N}‖∇F(w_k)‖² ≤ LΔ/(1/2+(N+1)/κ−ϱ(N+3)/(4κ²)), ϱ = κ/(κ²−2),"
        " Δ = F(w_0)−F* (an upper bound; not the exact worst case).",
        latex=r"$\min_{k\leq N}\|\nabla F(w_k)\|^2 \leq"
        r" L\,\Delta\,/\,(\frac{1}{2}+\frac{N+1}{\kappa}-\frac{N+3}{4\kappa(\kappa^2-2)})$",
        hypotheses=(SETTING[0], "π⁰ = 0", "F is L-smooth and bounded below, √11/2 ≤ κ ≤ 2, N ≥ 1; stated for L = 1"),
        source=SOURCE,
        proof=lambda algorithm: nonconvex_proof(algorithm, nonconvex_small()),
        conclusion={"√11/2 ≤ κ ≤ 2": "√11/2 ≤ κ ≤ 2"},
        arguments=(MEAN_OF_CLIENTS,),
    ),
    theorem(
        "T2-convex-rate",
        "For convex F, every N ≥ 1 and every κ ≥ (1+√6)/2, min_{k≤N}‖∇F(w_k)‖² ≤ 2κL(F(w_0)−F*)/(2N+2+κ).",
        latex=r"$\min_{k\leq N}\|\nabla F(w_k)\|^2 \leq \frac{2\kappa L\,(F(w_0)-F^*)}{2N+2+\kappa},\quad \kappa \geq"
        r" (1+\sqrt{6})/2$",
        hypotheses=(
            SETTING[0],
            "π⁰ = 0",
            "F is convex, L-smooth, bounded below, κ ≥ (1+√6)/2, N ≥ 1; stated for L = 1",
        ),
        source=SOURCE,
        proof=convex_proof,
        conclusion={"every κ ≥ (1+√6)/2": "every κ ≥ (1+√6)/2"},
        arguments=(MEAN_OF_CLIENTS,),
    ),
)
