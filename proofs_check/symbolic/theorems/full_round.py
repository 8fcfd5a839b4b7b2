r"""One round of Theorem 1: full gradients, any preconditioners, any clients, $\lambda \ge 0$, nondecreasing penalties.

$0 \preceq \rho_iQ_i \preceq \beta\sigma_iI$.

$s = \sigma + \lambda$, $\sigma = \sum\alpha_i\sigma_i$, $e_i = \nabla F_i(w) - p_i$, $S = \sum\alpha_i\|e_i\|^2$, $r =
\sum\alpha_i(2M_i-I)e_i$, $D = w^+ - w = -(G+r)/s$, $A = \sum\alpha_i\|(2M_i-I)e_i\|^2$, $B =
\sum\alpha_i\|(I-M_i)e_i\|^2$, $H = \sum\alpha_i\|\nabla F_i(w^+)-\nabla F_i(w)\|^2$, $V = F_\lambda(w) + \tfrac as S$.
With $\delta > 0$ and the Polyak-Łojasiewicz inequality the same chain is a linear rate.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.domains import Domain, Orthant, Slab
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign, Used


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


def young_step(young: Expression, domain: Domain) -> Certificate:
    """Return ‖e⁺‖² ≤ T‖(I−M)e‖² + T/(T−1)‖h‖², e⁺ = (I−M)e + h."""
    import sympy

    damped, turn = sympy.symbols("damped_e h")
    bound = young * damped**2 + young / (young - 1) * turn**2 - (damped + turn) ** 2
    return Certificate("Young's inequality", bound, (), ((1 / (young - 1), (young - 1) * damped - turn),), domain)


def endpoint_step(weights: Weights, beta: Expression, ends: tuple[Fact, Fact], domain: Domain) -> Certificate:
    r"""Return that the slack is ≥ 0 on $[1/(1+\beta), 1]$ because it is at both ``ends``: it is concave in μ."""
    import sympy

    low, moving = 1 / (1 + beta), _spectrum(beta)
    at_one, at_low = (
        Consequence(fact.name, weights.slack(place), fact)
        for fact, place in zip(ends, (sympy.Integer(1), low), strict=True)
    )
    share = (moving - low) / (1 - low)
    curved = (2 + weights.share * weights.young) * (1 - moving) * (moving - low)
    uses = ((share, at_one), (1 - share, at_low))
    return Certificate("slack ≥ 0 on the whole spectrum", weights.slack(moving), uses, ((curved, 1),), domain)


def _spectrum(beta: Expression) -> Expression:
    """Return any μ between 1/(1+β) and 1."""
    import sympy

    place = sympy.Symbol("place", positive=True)
    return (1 / (1 + beta) + place) / (1 + place)


def inequalities(
    at: Round, weights: Weights, beta: Expression, young: Certificate, endpoint: Certificate
) -> dict[str, Used]:
    """Return every inequality of the chain by name."""
    import sympy

    residual, following, turned, damped, turns = at.sums
    smooth, total, t, (e, d, h) = at.smoothness, at.total, weights.young, sympy.symbols("e damped_e h")
    descent = at.value + at.gradient * at.move + (smooth + at.ridge) / 2 * at.move**2 - at.next_value
    gap = (at.penalty - smooth) * total - weights.threshold * smooth**2
    slack = (1 - weights.kept) * weights.share * residual - turned / 2 - weights.share * t * damped
    moving = _spectrum(beta)
    spectral = {residual: e**2, turned: (2 * moving - 1) ** 2 * e**2, damped: (1 - moving) ** 2 * e**2}
    common = tuple(sympy.sympify(weights.share * weights.young).free_symbols | {beta})
    return {
        "descent": Inequality("descent lemma for F_λ", descent, "F_λ is (L+λ)-smooth"),
        "jensen": Inequality("‖r‖² ≤ A", turned - at.error**2, "convexity of the squared norm, Σα_i = 1"),
        "young": Consequence(
            "S⁺ ≤ TB + T/(T−1)H, averaged", t * damped + t / (t - 1) * turns - following, young,
            means={damped: d**2, turns: h**2, following: (d + h) ** 2},
        ),
        "lipschitz": Inequality("H ≤ L²‖D‖²", smooth**2 * at.move**2 - turns, "every ∇F_i is L-Lipschitz"),
        "endpoint": Consequence(
            "A/2 + aTB ≤ (1−δ)aS, in each eigenbasis, averaged", slack, endpoint,
            means=spectral, shared=common, factor=e,
        ),
        "penalty": Inequality("((σ−L)s − XL²)‖D‖² ≥ 0", gap * at.move**2, "the hypothesis on σ"),
        "growth": Inequality("s_{k+1} ≥ s_k", (1 / total - 1 / at.next_total) * following, "σ nondecreasing"),
    }  # fmt: skip


def potentials(at: Round, weights: Weights) -> tuple[Expression, Expression]:
    """Return V and V⁺: F_λ + (a/s)S."""
    residual, following = at.sums[:2]
    return at.value + weights.share / at.total * residual, at.next_value + weights.share / at.next_total * following


def one_step(weights: Weights, beta: Expression, young: Certificate, endpoint: Certificate, name: str) -> Certificate:
    r"""Return $V - V^+ \ge \|G\|^2/(2s) + \delta\tfrac as S$."""
    at = symbolic_round()
    known, total, share = inequalities(at, weights, beta, young, endpoint), at.total, weights.share
    now, then = potentials(at, weights)
    target = now - then - at.gradient**2 / (2 * total) - weights.kept * share / total * at.sums[0]
    uses = (
        (1, known["descent"]),
        (1 / (2 * total), known["jensen"]),
        (share / total, known["young"]),
        (share * weights.young / (weights.young - 1) / total, known["lipschitz"]),
        (1 / total, known["endpoint"]),
        (1 / (2 * total), known["penalty"]),
        (share, known["growth"]),
    )
    return Certificate(f"V⁺ ≤ V − ‖∇F_λ‖²/(2s) − δ(a/s)S, {name}", target, uses, (), endpoint.domain)


def unmoved_step(kept: Expression, domain: Domain) -> Certificate:
    r"""Return the step for β = 0, where M = I: $a = 1/(2(1-\delta))$, $X = 2a$, and no Young is needed."""
    import sympy

    at, weights = symbolic_round(), Weights(1 / (2 * (1 - kept)), sympy.oo, kept)
    residual, following, turned, _, turns = at.sums
    smooth, total, share = at.smoothness, at.total, weights.share
    now, then = potentials(at, weights)
    descent = at.value + at.gradient * at.move + (smooth + at.ridge) / 2 * at.move**2 - at.next_value
    gap = ((at.penalty - smooth) * total - 2 * share * smooth**2) * at.move**2
    grown = (1 / total - 1 / at.next_total) * following
    uses = (
        (1, Inequality("descent lemma for F_λ", descent, "F_λ is (L+λ)-smooth")),
        (1 / (2 * total), Inequality("‖r‖² ≤ A", turned - at.error**2, "convexity of the squared norm, Σα_i = 1")),
        (share / total, Inequality("S⁺ ≤ H", turns - following, "M = I: e⁺ = g⁺ − g")),
        (share / total, Inequality("H ≤ L²‖D‖²", smooth**2 * at.move**2 - turns, "every ∇F_i is L-Lipschitz")),
        (1 / (2 * total), Inequality("A ≤ S", residual - turned, "M = I: 2M − I = I")),
        (1 / (2 * total), Inequality("((σ−L)s − 2aL²)‖D‖² ≥ 0", gap, "the hypothesis on σ")),
        (share, Inequality("s_{k+1} ≥ s_k", grown, "σ nondecreasing")),
    )
    target = now - then - at.gradient**2 / (2 * total) - kept * share / total * residual
    return Certificate("V⁺ ≤ V − ‖∇F_λ‖²/(2s) − δ(a/s)S, β = 0", target, uses, (), domain)


def small_case(beta: Expression, kept: Expression) -> Weights:
    r"""Return $a = \tfrac{1}{2(1-\delta)}$, $T = 4(1-\delta)/\beta$ for $\beta < 4(1-\delta)$.

    $X = 4/(4(1-\delta)-\beta)$.
    """
    return Weights(1 / (2 * (1 - kept)), 4 * (1 - kept) / beta, kept)


def large_case(beta: Expression, root: Expression) -> Weights:
    r"""Return, with $u = \sqrt{1-\delta}$, $T = (1+\beta)u/\beta$ and the a that makes the slack 0 at $1/(1+\beta)$."""
    reach = (1 + beta) * root - beta
    return Weights((beta - 1) ** 2 / (2 * (1 + beta) * root * reach), (1 + beta) * root / beta, 1 - root**2)


@dataclasses.dataclass(frozen=True)
class Case:
    """One range of β with its multipliers: the claimed X, where the case holds, and its facts in order."""

    name: str
    weights: Weights
    beta: Expression
    domain: Domain
    facts: tuple[Fact, ...]

    @property
    def substitution(self) -> Mapping[Any, Expression]:
        """How positive symbols trace the range."""
        if not isinstance(self.domain, Orthant):
            raise ValueError("domain: not traced by a substitution")
        return self.domain.substitution

    @property
    def step(self) -> Certificate:
        """The descent of V on this range."""
        found = self.facts[-1]
        if not isinstance(found, Certificate):
            raise ValueError("facts: the last is not the step")
        return found


def case(name: str, weights: Weights, domain: Domain, claimed: Expression) -> Case:
    """Return the facts of one range of β: the conditions on a and T, X, and the chain up to the step."""
    import sympy

    beta = sympy.Symbol("beta", positive=True)
    low = Identity(f"{name}: slack 0 at μ = 1/(1+β)", weights.slack(1 / (1 + beta)))
    full = weights.slack(sympy.Integer(1))
    high: Fact = Identity(f"{name}: slack 0 at μ = 1", full) if name.startswith("small") else (
        Sign(f"{name}: slack ≥ 0 at μ = 1", full, domain)
    )  # fmt: skip
    young = young_step(weights.young, domain)
    endpoint = endpoint_step(weights, beta, (high, low), domain)
    facts = (
        high,
        low,
        Identity(f"{name}: X", weights.threshold, claimed),
        Sign(f"{name}: T > 1", weights.young - 1, domain, strict=True),
        Sign(f"{name}: a > 0", weights.share, domain, strict=True),
        young,
        endpoint,
        one_step(weights, beta, young, endpoint, name),
    )
    return Case(name, weights, beta, domain, facts)


def descent_cases(small: Any = None, large: Any = None) -> tuple[Case, Case]:
    """Return both ranges of β for δ = 0; ``small`` and ``large`` replace the thresholds X."""
    import sympy

    beta, zero, three = sympy.Symbol("beta", positive=True), sympy.Integer(0), sympy.Integer(3)
    first = 4 / (4 - beta) if small is None else small
    second = (beta - 1) ** 2 if large is None else large
    return (
        case("small β", small_case(beta, zero), Slab(beta, zero, three), first),
        case("large β", large_case(beta, sympy.Integer(1)), Slab(beta, three), second),
    )


def linear_cases() -> tuple[Case, Case]:
    """Return both ranges of β for δ > 0: β < 4(1−δ), and β ≥ 3 with β/(1+β) < u = √(1−δ) < 1."""
    import sympy

    beta, delta, u, x, y = sympy.symbols("beta delta u x y", positive=True)
    below = Orthant({beta: 4 / ((1 + x) * (1 + y)), delta: y / (1 + y)})
    above = Orthant({beta: 3 + y, u: ((3 + y) / (4 + y) + x) / (1 + x)})
    return (
        case("small β", small_case(beta, delta), below, 4 / (4 * (1 - delta) - beta)),
        case("large β", large_case(beta, u), above, (beta - 1) ** 2 / ((1 + beta) * u - beta) ** 2),
    )
