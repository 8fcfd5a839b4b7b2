r"""One round of Theorem 1: full gradients, any preconditioners, any clients, $\lambda \ge 0$, nondecreasing penalties.

$0 \preceq \rho_iQ_i \preceq \beta\sigma_iI$.

$s = \sigma + \lambda$, $\sigma = \sum\alpha_i\sigma_i$, $e_i = \nabla F_i(w) - p_i$, $S = \sum\alpha_i\|e_i\|^2$, $r =
\sum\alpha_i(2M_i-I)e_i$, $D = w^+ - w = -(G+r)/s$, $A = \sum\alpha_i\|(2M_i-I)e_i\|^2$, $B =
\sum\alpha_i\|(I-M_i)e_i\|^2$, $H = \sum\alpha_i\|\nabla F_i(w^+)-\nabla F_i(w)\|^2$, $V = F_\lambda(w) + \tfrac as S$.
With $\delta > 0$ and the Polyak-Łojasiewicz inequality the same chain is a linear rate.
"""

import dataclasses
from typing import Any

from proofs_check.symbolic.algebra import Expression
from proofs_check.symbolic.theorems.domains import Orthant
from proofs_check.symbolic.theorems.proof import Certificate, Fact, Identity, Inequality, Sign


@dataclasses.dataclass(frozen=True)
class Weights:
    """The multipliers: a of S in V, T of Young's inequality, δ the share of S that is kept."""

    share: Expression
    young: Expression
    kept: Expression

    @property
    def threshold(self) -> Expression:
        """X = 2aT/(T−1)."""
        return 2 * self.share * self.young / (self.young - 1)

    def slack(self, moving: Expression) -> Expression:
        r"""Return $(1-\delta)a - \tfrac12(2\mu-1)^2 - aT(1-\mu)^2$, to be ≥ 0 on the spectrum of M."""
        free = (1 - self.kept) * self.share
        return free - (2 * moving - 1) ** 2 / 2 - self.share * self.young * (1 - moving) ** 2


@dataclasses.dataclass(frozen=True)
class Round:
    """The scalars of one round."""

    smoothness: Expression
    penalty: Expression
    ridge: Expression
    next_total: Expression
    value: Expression
    next_value: Expression
    gradient: Expression
    error: Expression
    sums: tuple[Expression, Expression, Expression, Expression, Expression]
    """S, S⁺, A, B, H"""

    @property
    def total(self) -> Expression:
        """S = σ + λ."""
        return self.penalty + self.ridge

    @property
    def move(self) -> Expression:
        """D = −(G + r)/s."""
        return -(self.gradient + self.error) / self.total


def symbolic_round() -> Round:
    """Return a round of symbols, the parameters and the sums of squares positive."""
    import sympy

    fields = [*sympy.symbols("L sigma lambda s_next", positive=True), *sympy.symbols("F F_next G r")]
    fields.append(sympy.symbols("S S_next A B H", positive=True))
    return Round(*fields)


def inequalities(at: Round, weights: Weights) -> dict[str, Inequality]:
    """Return every inequality of the chain by name."""
    residual, following, turned, damped, turns = at.sums
    smooth, total, young = at.smoothness, at.total, weights.young
    descent = at.value + at.gradient * at.move + (smooth + at.ridge) / 2 * at.move**2 - at.next_value
    gap = (at.penalty - smooth) * total - weights.threshold * smooth**2
    endpoint = (1 - weights.kept) * weights.share * residual - turned / 2 - weights.share * young * damped
    return {
        "descent": Inequality("descent lemma for F_λ", descent, "F_λ is (L+λ)-smooth"),
        "jensen": Inequality("‖r‖² ≤ A", turned - at.error**2, "convexity of the squared norm, Σα_i = 1"),
        "young": Inequality(
            "S⁺ ≤ TB + T/(T−1)H", young * damped + young / (young - 1) * turns - following, "proved before, averaged"
        ),
        "lipschitz": Inequality("H ≤ L²‖D‖²", smooth**2 * at.move**2 - turns, "every ∇F_i is L-Lipschitz"),
        "endpoint": Inequality(
            "A/2 + aTB ≤ (1−δ)aS", endpoint, "proved before, in the eigenbasis of each M_i, averaged"
        ),
        "penalty": Inequality("((σ−L)s − XL²)‖D‖² ≥ 0", gap * at.move**2, "the hypothesis on σ"),
        "growth": Inequality("s_{k+1} ≥ s_k", (1 / total - 1 / at.next_total) * following, "σ nondecreasing"),
    }


def young_step(young: Expression) -> tuple[Fact, ...]:
    """Return ‖e⁺‖² ≤ T‖(I−M)e‖² + T/(T−1)‖h‖², e⁺ = (I−M)e + h."""
    import sympy

    damped, turn, gradient, then, dual = sympy.symbols("damped_e h g g_next p_next")
    bound = young * damped**2 + young / (young - 1) * turn**2 - (damped + turn) ** 2
    return (
        Identity("e⁺ = (g − p⁺) + (g⁺ − g)", then - dual, (gradient - dual) + (then - gradient)),
        Identity("Young's inequality is a square", bound, ((young - 1) * damped - turn) ** 2 / (young - 1)),
    )


def endpoint_step(weights: Weights, beta: Expression) -> Certificate:
    r"""Return that the slack is ≥ 0 on $[1/(1+\beta), 1]$ because it is at both ends: it is concave in μ."""
    import sympy

    place = sympy.Symbol("place", positive=True)
    low = 1 / (1 + beta)
    moving = (low + place) / (1 + place)
    ends = [Inequality(f"slack at μ = {end}", weights.slack(end), "proved before") for end in (sympy.Integer(1), low)]
    share = (moving - low) / (1 - low)
    curved = (2 + weights.share * weights.young) * (1 - moving) * (moving - low)
    concave = Inequality("(2+aT)(1−μ)(μ−1/(1+β)) ≥ 0", curved, "μ between the ends, a, T > 0")
    uses = ((share, ends[0]), (1 - share, ends[1]), (1, concave))
    return Certificate("slack ≥ 0 on the whole spectrum", weights.slack(moving), uses)


def one_step(weights: Weights, *, fixed: bool = False) -> Certificate:
    r"""Return $V - V^+ \ge \|G\|^2/(2s) + \delta\tfrac as S$; ``fixed`` is M = I.

    Where $S^+ = H$ and no Young is needed.
    """
    at = symbolic_round()
    known, total, share, young = inequalities(at, weights), at.total, weights.share, weights.young
    residual, following, _, damped, turns = at.sums
    target = at.value + share / total * residual - at.next_value - share / at.next_total * following
    target -= at.gradient**2 / (2 * total) + weights.kept * share / total * residual
    spread = young / (young - 1)
    if fixed:
        known["young"] = Inequality("S⁺ ≤ H", turns - following, "M = I: e⁺ = g⁺ − g")
        known["endpoint"] = Inequality(
            "A/2 ≤ (1−δ)aS", known["endpoint"].expression + share * young * damped, "M = I: A = S, proved before"
        )
        limit = 2 * share
        gap = ((at.penalty - at.smoothness) * total - limit * at.smoothness**2) * at.move**2
        known["penalty"], spread = Inequality("((σ−L)s − 2aL²)‖D‖² ≥ 0", gap, "the hypothesis on σ"), 1
    uses = (
        (1, known["descent"]),
        (1 / (2 * total), known["jensen"]),
        (share / total, known["young"]),
        (share * spread / total, known["lipschitz"]),
        (1 / total, known["endpoint"]),
        (1 / (2 * total), known["penalty"]),
        (share, known["growth"]),
    )
    return Certificate("V⁺ ≤ V − ‖∇F_λ‖²/(2s) − δ(a/s)S", target, uses, (), Orthant())


def general_weights() -> Weights:
    """Return symbolic weights, T = 1 + t."""
    import sympy

    share, excess, kept = sympy.symbols("a t delta", positive=True)
    return Weights(share, 1 + excess, kept)


def small_case(beta: Expression, kept: Expression) -> Weights:
    r"""Return $a = \tfrac{1}{2(1-\delta)}$, $T = 4(1-\delta)/\beta$ for $\beta < 4(1-\delta)$.

    $X = 4/(4(1-\delta)-\beta)$.
    """
    return Weights(1 / (2 * (1 - kept)), 4 * (1 - kept) / beta, kept)


def large_case(beta: Expression, root: Expression) -> Weights:
    r"""Return, with $u = \sqrt{1-\delta}$, $T = (1+\beta)u/\beta$ and the a that makes the slack 0 at $1/(1+\beta)$."""
    reach = (1 + beta) * root - beta
    return Weights((beta - 1) ** 2 / (2 * (1 + beta) * root * reach), (1 + beta) * root / beta, 1 - root**2)


def small_facts(kept: Any = None, threshold: Any = None) -> tuple[Fact, ...]:
    """Return the conditions of the case β < 4(1−δ)."""
    import sympy

    x, y = sympy.symbols("x y", positive=True)
    beta = sympy.Symbol("beta", positive=True)
    delta = sympy.Symbol("delta", positive=True) if kept is None else kept
    weights = small_case(beta, delta)
    claimed = 4 / (4 * (1 - delta) - beta) if threshold is None else threshold
    inside = Orthant(
        {beta: 4 * (1 - delta) / (1 + x)} if kept is not None else {beta: 4 / ((1 + x) * (1 + y)), delta: y / (1 + y)}
    )
    return (
        Identity("small β: slack 0 at μ = 1", weights.slack(sympy.Integer(1))),
        Identity("small β: slack 0 at μ = 1/(1+β)", weights.slack(1 / (1 + beta))),
        Identity("small β: X = 4/(4(1−δ)−β)", weights.threshold, claimed),
        Identity("and 2a at β = 0, where no Young is needed", sympy.sympify(claimed).subs(beta, 0), 2 * weights.share),
        Sign("small β: T > 1", weights.young - 1, inside),
        Sign("small β: a > 0", weights.share, inside),
    )


def large_facts(root: Any = None, threshold: Any = None) -> tuple[Fact, ...]:
    """Return the conditions of the case β ≥ 3, β/(1+β) < u ≤ 1."""
    import sympy

    x, y = sympy.symbols("x y", positive=True)
    beta = sympy.Symbol("beta", positive=True)
    u = sympy.Symbol("u", positive=True) if root is None else root
    weights = large_case(beta, u)
    claimed = (beta - 1) ** 2 / ((1 + beta) * u - beta) ** 2 if threshold is None else threshold
    inside = Orthant({beta: 3 + y} if root is not None else {beta: 3 + y, u: ((3 + y) / (4 + y) + x) / (1 + x)})
    return (
        Identity("large β: slack 0 at μ = 1/(1+β)", weights.slack(1 / (1 + beta))),
        Sign("large β: slack ≥ 0 at μ = 1 for β ≥ 3", weights.slack(sympy.Integer(1)), inside),
        Identity("large β: X = (β−1)²/((1+β)u−β)²", weights.threshold, claimed),
        Sign("large β: T > 1", weights.young - 1, inside),
        Sign("large β: a > 0", weights.share, inside),
    )
