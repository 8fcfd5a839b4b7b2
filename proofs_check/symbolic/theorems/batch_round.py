r"""One round of Theorem 2: mini-batches and any preconditioners (the same batch included).

$\lambda \ge 0$, unequal $\sigma_i$, both orders of the penalty.

$R = P + \lambda w$, $P = \sum\alpha_ip_i$, $\Lambda = L + \lambda$; $y_k = w_k + c_kR_k$ with $c_k = (1+\lambda
c_{k+1})/(\sigma_k+\lambda)$, and $y_{k+1} = y_k - \tau_kA_{k+1}$, $A_{k+1} = P_{k+1} + \lambda w_k$, $\tau_k = 2c_k -
c_{k+1}$. Constant penalties, or the mixed order: $c_k = \tau_k = 1/\sigma_k$. Units $\Lambda = 1$, so that $c =
1/\kappa$. $V_k = F_\lambda(y_k) + B_kS_k$.
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from proofs_check.kernel.algebra import Expression, exact, is_zero
from proofs_check.kernel.domains import Domain, Orthant
from proofs_check.kernel.facts import Certificate, Consequence, Inequality, Used
from proofs_check.symbolic.theorems.batch_constants import CONSTANT, GROWING, WIDE, Constants
from proofs_check.symbolic.theorems.batch_noise import damped_noise, mean_square, next_residuals, noise_facts
from proofs_check.symbolic.theorems.batch_travel import bracket_bound, travelled

__all__ = ["CONSTANT", "GROWING", "WIDE", "Constants", "inequalities", "one_round", "symbolic_batch", "weight"]
BIAS = "p⁺ = ĝ − (I−M)(ĝ−p): ε"
RECURSIONS = ("Algorithm 1's order: y⁺ = y − (2c − c⁺)A⁺", "mixed order: y⁺ = y − A⁺/σ for every λ")


@dataclasses.dataclass(frozen=True)
class Batch:
    """The scalars of one round, expectations given the past."""

    step: Expression
    """c = 1/κ"""
    beta: Expression
    length: Expression
    """τ/c"""
    gradient: Expression
    shift: Expression
    """∇F(y) − G"""
    mean_error: Expression
    """Σα_ie_i, so that R = G − it"""
    bias: Expression
    """E ε"""
    values: tuple[Expression, Expression]
    """F(y), E F(y⁺)"""
    sums: tuple[Expression, Expression, Expression, Expression, Expression]
    """S, E S⁺, W = E‖ε‖², E‖A⁺‖², E‖Δw‖²"""
    variances: tuple[Expression, Expression]
    """v, v̄"""

    @property
    def contraction(self) -> Expression:
        """Q = β/(1+β)."""
        return self.beta / (1 + self.beta)


def symbolic_batch(constants: Constants) -> Batch:
    """Return a round of symbols; τ = c unless penalties grow in the order of section 2."""
    import sympy

    step, beta, length = sympy.symbols("c beta nu", positive=True)
    fields = [step, beta, length if constants.growing else sympy.Integer(1)]
    fields += sympy.symbols("G shift mean_error bias")
    sums = sympy.symbols("S S_next W A2 D2", positive=True)
    fields += [sympy.symbols("F_y F_y_next"), sums, sympy.symbols("v v_bar", positive=True)]
    return Batch(*fields)


def place(at: Batch) -> Domain:
    """Return c, β > 0 and 1 ≤ τ/c ≤ 2; the bounds on c enter as inequalities."""
    import sympy

    x = sympy.Symbol("x", positive=True)
    return Orthant({at.length: (1 + 2 * x) / (1 + x)} if at.length.free_symbols else {})


def weight(constants: Constants, at: Batch) -> Expression:
    r"""Return $B = \omega\,c\,x(1+2\beta)(z_c c^2 + z_q q^2)$, ω = 2 where τ may be anything in [c, 2c]."""
    inner = exact(constants.curvature_share) * at.step**2 + exact(constants.damped_share) * at.contraction**2
    return constants.longest * exact(constants.share) * at.step * (1 + 2 * at.beta) * inner


def limits(constants: Constants, at: Batch) -> tuple[Expression, Expression]:
    r"""Return $1 - K^2(1+\beta)(1+2\beta)c^2 \ge 0$ and $1 - Kc \ge 0$, the hypothesis on κ."""
    reach = exact(constants.reach)
    return 1 - reach**2 * (1 + at.beta) * (1 + 2 * at.beta) * at.step**2, 1 - reach * at.step


def inequalities(constants: Constants, at: Batch) -> dict[str, Used]:
    """Return every inequality of the chain by name."""
    _, t2, t3, t4 = map(exact, constants.young)
    residual, following, error, moved, moved_by = at.sums
    (value, then), (v, v_bar), q, c = at.values, at.variances, at.contraction, at.step
    tau = at.length * c
    at_y = at.gradient + at.shift
    young = 2 / (1 + q)
    spread = (1 + t3) * ((1 + t4) * at.gradient**2 + (1 + 1 / t4) * residual + 4 * v) + (1 + 1 / t3) * 4 * error
    return {
        "descent": Inequality(
            "descent lemma at y",
            value - tau * at_y * (at.gradient + at.bias) + tau**2 / 2 * moved - then,
            "E A⁺ = G + Eε",
        ),
        "lipschitz": Inequality(
            "‖∇F(y)−∇F(w)‖ ≤ c‖R‖",
            c**2 * (at.gradient - at.mean_error) ** 2 - at.shift**2,
            "F_λ is (L+λ)-smooth, y − w = cR",
            RECURSIONS,
        ),
        "clients": Inequality("‖Σα_ie_i‖² ≤ S", residual - at.mean_error**2, "convexity of the squared norm"),
        "bias": Inequality("‖Eε‖² ≤ E‖ε‖²", error - at.bias**2, "convexity of the squared norm"),
        "damping": Consequence("E‖ε‖² ≤ q²(S+v̄)", q**2 * (residual + v_bar) - error, damped_noise()[1]),
        "length": Consequence(
            "E‖A⁺‖²", (1 + t2) * (at.gradient**2 + v) + (1 + 1 / t2) * error - moved, mean_square(t2)[1]
        ),
        "travel": Consequence("E‖w⁺−w‖²", c**2 * spread - moved_by, travelled(t3, t4)),
        "residual": Consequence(
            "E S⁺",
            young * (q * residual + v_bar) + young / (young - 1) * moved_by - following,
            next_residuals()[2],
        ),
        "spread": Inequality("v ≤ v̄", v_bar - v, "convexity of the squared norm"),
    }


@functools.lru_cache
def one_round(constants: Constants) -> tuple[Certificate, ...]:
    """Return the certificates of the move, of the four coefficients, and last of one round, which uses them."""
    at = symbolic_batch(constants)
    known, b = inequalities(constants, at), weight(constants, at)
    t1, t2, t3, t4 = map(exact, constants.young)
    theta, phi, moved, biased = map(exact, (constants.turn, constants.shift, constants.moved, constants.biased))
    q, c, (v, v_bar), (value, then) = at.contraction, at.step, at.variances, at.values
    tau, stretch = at.length * c, b * 2 * (1 + at.beta)
    noise = exact(constants.mean) * v * c + (1 + 2 * at.beta) * v_bar * (
        exact(constants.spread) * c**2 + exact(constants.damped) * q**2
    )
    target = value + b * at.sums[0] - then - b * at.sums[1] - exact(constants.rate) * tau * at.gradient**2 + tau * noise
    error = tau * biased + tau**2 / 2 * (1 + 1 / t2) + stretch * c**2 * 4 * (1 + 1 / t3)
    coefficient = coefficients(constants, at)
    left = coefficient_facts(constants, at, coefficient)
    uses = (
        (1, known["descent"]),
        (tau * moved, known["lipschitz"]),
        (tau * moved * c**2 * (1 + 1 / t1), known["clients"]),
        (tau * biased, known["bias"]),
        (error, known["damping"]),
        (tau**2 / 2, known["length"]),
        (stretch, known["travel"]),
        (b, known["residual"]),
        (stretch * c**2 * 4 * (1 + t3), known["spread"]),
        *_left_over(at, coefficient, left),
    )
    squares = (
        (tau * theta / 2, at.gradient + at.bias / theta),
        (tau * phi, at.gradient + at.shift / (2 * phi)),
        (tau / 2, at.shift + at.bias),
        (tau * moved * c**2 * t1, at.gradient + at.mean_error / t1),
    )
    name = f"E V⁺ ≤ V − rate·τ‖G‖² + τ·noise, K = {constants.reach}"
    return (
        *noise_facts(t2),
        bracket_bound(t3, t4),
        travelled(t3, t4),
        *left.values(),
        Certificate(name, target, uses, squares, place(at)),
    )


def _left_over(
    at: Batch, coefficient: Mapping[str, Expression], left: Mapping[str, Certificate]
) -> list[tuple[Expression, Consequence]]:
    """Return what is left over of ‖G‖², S, v and v̄, each a coefficient of known sign times a square."""
    import sympy

    products = {"G²": at.gradient**2, "S": at.sums[0], "v": at.variances[0], "v̄": at.variances[1]}
    roots = {key: sympy.sqrt(product) for key, product in products.items()} | {"G²": at.gradient}
    return [
        (1, Consequence(fact.name, coefficient[key] * products[key], fact, factor=roots[key]))
        for key, fact in left.items()
    ]


def coefficients(constants: Constants, at: Batch) -> dict[str, Expression]:
    """Return what the round leaves over of ‖G‖², S, v and v̄."""
    t1, t2, t3, t4 = map(exact, constants.young)
    q, c, b = at.contraction, at.step, weight(constants, at)
    tau, stretch = at.length * c, b * 2 * (1 + at.beta)
    moved, biased, half = exact(constants.moved), exact(constants.biased), tau / 2
    fixed = 1 - exact(constants.turn) / 2 - exact(constants.shift) - exact(constants.rate)
    error = tau * biased + tau * half * (1 + 1 / t2) + stretch * c**2 * 4 * (1 + 1 / t3)
    allowed = (1 + 2 * at.beta) * (exact(constants.spread) * c**2 + exact(constants.damped) * q**2)
    return {
        "G²": tau * (fixed - moved * (1 + t1) * c**2 - half * (1 + t2)) - stretch * c**2 * (1 + t3) * (1 + t4),
        "S": b / (1 + 2 * at.beta) - stretch * c**2 * (1 + t3) * (1 + 1 / t4)
        - tau * moved * c**2 * (1 + 1 / t1) - error * q**2,
        "v": tau * exact(constants.mean) * c - tau * half * (1 + t2),
        "v̄": tau * allowed - b * 2 * (1 + at.beta) / (1 + 2 * at.beta) - error * q**2 - stretch * c**2 * 4 * (1 + t3),
    }  # fmt: skip


def coefficient_facts(constants: Constants, at: Batch, found: dict[str, Expression]) -> dict[str, Certificate]:
    """Return that each coefficient that is not 0 is ≥ 0: the hypothesis on κ times a multiplier.

    And a polynomial with coefficients ≥ 0.
    """
    _, t2, t3, t4 = map(exact, constants.young)
    q, c, b, reach = at.contraction, at.step, weight(constants, at), exact(constants.reach)
    near, small = (
        Inequality(name, value, "hypothesis")
        for name, value in zip(("κ ≥ K√…", "κ ≥ K"), limits(constants, at), strict=True)
    )
    base, tau, moved = b / (1 + 2 * at.beta), at.length * c, exact(constants.moved)
    bend = 2 * base / reach**2
    share = 2 * constants.longest * exact(constants.share) * c * (1 + t3) * (1 + t4) / reach**2
    wide, t1 = exact(constants.curvature_share), exact(constants.young[0])
    to_constant = (1 + reach * c) / reach**2
    multipliers: dict[str, tuple[tuple[Any, Inequality], ...]] = {
        "G²": (
            (bend * (1 + t3) * (1 + t4), near),
            (
                tau * (moved * (1 + t1) * to_constant + at.length / (2 * reach) * (1 + t2))
                + share * wide * to_constant,
                small,
            ),
        ),
        "S": (
            (bend * ((1 + t3) * (1 + 1 / t4) + 4 * (1 + 1 / t3) * q**2), near),
            (tau * at.length / (2 * reach) * (1 + 1 / t2) * q**2, small),
        ),
        "v": (),
        "v̄": (
            (bend * 4 * ((1 + t3) + (1 + 1 / t3) * q**2), near),
            (tau * at.length / (2 * reach) * (1 + 1 / t2) * q**2, small),
        ),
    }
    facts = {}
    for key, uses in multipliers.items():
        if is_zero(found[key]):
            continue
        rest = found[key] - sum(multiplier * used.expression for multiplier, used in uses)
        facts[key] = Certificate(
            f"coefficient of {key}, K = {constants.reach}", found[key], uses, ((rest, 1),), place(at)
        )
    return facts
