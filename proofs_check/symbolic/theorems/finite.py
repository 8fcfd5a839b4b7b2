r"""Exact finite-N theorem, every N.

$\sum_{k\le N} c_k\|g_k\|^2 \le F(w_0) - F^*$ with $c_k \ge 0$, by the inductions of chains.py.
"""

from typing import Any

from proofs_check.symbolic.algebra import Expression
from proofs_check.symbolic.theorems.chains import Boundary, Convex, Nonconvex, final_step
from proofs_check.symbolic.theorems.domains import Interval
from proofs_check.symbolic.theorems.interpolation import derivations, symbolic_step
from proofs_check.symbolic.theorems.potentials import SETTING, small_penalty_rho
from proofs_check.symbolic.theorems.proof import Fact, Identity, Proof, Sign, theorem
from proofs_check.symbolic.theorems.recursion import optimistic_gradient

SOURCE = "ours; MATHEMATICS.md#T2"


def coefficients(chain: Nonconvex | Convex) -> dict[str, Expression]:
    """Return every coefficient that occurs: N = 1, N = 2 and N ≥ 3."""
    import sympy

    half, first = sympy.Rational(1, 2), chain.first
    c0, second = chain.next(first)
    c1, third = chain.next(second)
    interior, fourth = chain.next(third)
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
        "stationary p": fourth.older - third.older,
        "stationary q": fourth.newer - third.newer,
    }


def chain_facts(chain: Nonconvex | Convex, total: Expression, length: Expression) -> tuple[Fact, ...]:
    """Return base, step, end, signs of all c_k, and Σc_k = ``total`` for the symbol ``length`` = N."""
    import sympy

    found = coefficients(chain)
    p, q = sympy.symbols("p q")
    half = sympy.Rational(1, 2)
    emitted, following = chain.next(Boundary(p, q, 0))
    growth = emitted + following.older + following.newer - p - q
    summed = chain.first.older + chain.first.newer + (length - 1) * growth + half
    stationary = [
        Identity(f"from the third step on the boundary repeats: {key}", value)
        for key, value in found.items()
        if key.startswith("stationary")
    ]
    signs = [
        Sign(f"{key} ≥ 0", value, chain.domain) for key, value in found.items() if not key.startswith("stationary")
    ]
    ends = [
        final_step(boundary, chain.domain, f"end, {label}")
        for label, boundary in (
            ("N = 1", chain.first),
            ("N = 2", chain.next(chain.first)[1]),
            ("N ≥ 3", chain.next(chain.next(chain.first)[1])[1]),
        )
    ]
    return (
        chain.base(),
        chain.step(),
        *ends,
        *stationary,
        *signs,
        Identity("every step adds the same to Σc_k, so that for every N it is as stated", summed, total),
    )


def nonconvex_large(threshold: Any = 2) -> Nonconvex:
    """Return the chain for κ ≥ ``threshold`` (2): the forward inequality alone."""
    import sympy

    kappa = symbolic_step().kappa
    return Nonconvex(kappa, sympy.Integer(1), Interval(kappa, sympy.sympify(threshold)))


def nonconvex_small(threshold: Any = None) -> Nonconvex:
    """Return the chain for √11/2 ≤ κ ≤ 2."""
    import sympy

    kappa = symbolic_step().kappa
    low = sympy.sqrt(11) / 2 if threshold is None else threshold
    return Nonconvex(kappa, small_penalty_rho(kappa), Interval(kappa, low, sympy.Integer(2)))


def convex_large(threshold: Any = 2) -> Convex:
    """Return the chain for κ ≥ ``threshold`` (2): the convex forward inequality alone."""
    import sympy

    kappa = symbolic_step().kappa
    return Convex(kappa, sympy.Integer(0), sympy.Integer(0), kappa - 2, Interval(kappa, sympy.sympify(threshold)))


def convex_small(threshold: Any = None) -> Convex:
    """Return the chain for (1+√6)/2 ≤ κ ≤ 2: r₀ = 1/2, R = κ(2κ−3), the turn carried is 2κ−3."""
    import sympy

    kappa = symbolic_step().kappa
    low = (1 + sympy.sqrt(6)) / 2 if threshold is None else threshold
    later = kappa * (2 * kappa - 3)
    return Convex(kappa, sympy.Rational(1, 2), later, 2 * kappa - 3, Interval(kappa, low, sympy.Integer(2)))


def nonconvex_proof(chain: Nonconvex | None = None) -> Proof:
    """Return the facts of the nonconvex theorem; κ ≥ 2 unless another chain is given."""
    import sympy

    chain = nonconvex_large() if chain is None else chain
    k, rho, length = chain.kappa, chain.rho, sympy.Symbol("N", positive=True)
    total = sympy.Rational(1, 2) + (length + 1) / k - rho * (length + 3) / (4 * k**2)
    closed = 4 * k**2 / ((4 * k - 1) * length + 2 * k**2 + 4 * k - 3)
    rate = (Identity("1/Σc_k = 4κ²/((4κ−1)N+2κ²+4κ−3)", 1 / total, closed),) if rho == 1 else ()
    return (*optimistic_gradient(), *derivations(), *chain_facts(chain, total, length), *rate)


def convex_proof(chain: Convex | None = None) -> Proof:
    """Return the facts of the convex theorem; both ranges of κ unless one chain is given."""
    import sympy

    chains = (convex_large(), convex_small()) if chain is None else (chain,)
    k, length = chains[0].kappa, sympy.Symbol("N", positive=True)
    total = sympy.Rational(1, 2) + (length + 1) / k
    facts = [fact for each in chains for fact in chain_facts(each, total, length)]
    closed = 2 * k / (2 * length + 2 + k)
    return (*optimistic_gradient(), *derivations(), *facts, Identity("1/Σc_k = 2κ/(2N+2+κ)", 1 / total, closed))


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
    ),
    theorem(
        "T2-nonconvex-rate-below-2",
        "For every N ≥ 1 and every √11/2 ≤ κ ≤ 2, min_{k≤N}‖∇F(w_k)‖² ≤ LΔ/(1/2+(N+1)/κ−ϱ(N+3)/(4κ²)), ϱ = κ/(κ²−2)"
        " (an upper bound; not the exact worst case).",
        latex=r"$\min_{k\leq N}\|\nabla F(w_k)\|^2 \leq"
        r" L\,\Delta\,/\,(\frac{1}{2}+\frac{N+1}{\kappa}-\frac{N+3}{4\kappa(\kappa^2-2)})$",
        hypotheses=(SETTING[0], "π⁰ = 0", "F is L-smooth and bounded below, √11/2 ≤ κ ≤ 2, N ≥ 1; stated for L = 1"),
        source=SOURCE,
        proof=lambda: nonconvex_proof(nonconvex_small()),
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
    ),
)
