r"""Theorem 3: a common preconditioner sequence fixed in advance; the variance floor is $O(v/\sigma)$ again.

$M_k$ diagonal in one basis and the same for all clients, $\lambda = 0$, constant $\sigma$. Backwards $C_k =
(I-M_k)(I+C_{k+1})$, $N_k = (I+C_{k+1})M_k$, $z_k = w_k + (I-C_k)P_k/\sigma$. Diagonal matrices enter by one
coordinate; $t = \sqrt{1+\beta}$ keeps everything rational. $L = 1$.
"""

import dataclasses
from typing import Any

from proofs_check.symbolic.algebra import Expression
from proofs_check.symbolic.theorems.domains import Orthant
from proofs_check.symbolic.theorems.proof import Certificate, Fact, Identity, Inequality, Proof, Sign, theorem
from proofs_check.symbolic.theorems.recursion import client_identities, server_identity

SOURCE = "ours; MATHEMATICS.md#T8"


@dataclasses.dataclass(frozen=True)
class Coordinate:
    """One coordinate of one round; expectations given the past."""

    kappa: Expression
    root: Expression
    """t = √(1+β)"""
    reach: Expression
    """max(1, β−1) ≥ |1 − C|"""
    moving: Expression
    """N"""
    kept: Expression
    """C"""
    gradient: Expression
    shift: Expression
    """∇F(z) − G"""
    dual: Expression
    """P"""
    values: tuple[Expression, Expression]
    squares: tuple[Expression, Expression, Expression]
    """E⟨Ĝ, NĜ⟩, E‖NĜ‖², ⟨P⁺, (I+C⁺)P⁺⟩"""
    variance: Expression

    @property
    def share(self) -> Expression:
        """B = max(1, β−1)√(1+β)/(2κ), the weight of ⟨P, (I+C)P⟩/σ."""
        return self.reach * self.root / (2 * self.kappa)


def symbolic_coordinate() -> Coordinate:
    """Return a coordinate of symbols."""
    import sympy

    fields = [*sympy.symbols("kappa t B_c N C", positive=True), *sympy.symbols("G shift P")]
    squares = sympy.symbols("GNG_hat NG2_hat PWP_next", positive=True)
    fields += [sympy.symbols("F_z F_z_next"), squares, sympy.Symbol("v", positive=True)]
    return Coordinate(*fields)


def backward_facts() -> tuple[Fact, ...]:
    r"""Return: $z^+ = z - N\hat G/\sigma$, the telescoping of $\langle P,(I+C)P\rangle$, and the ranges of C and N."""
    import sympy

    w, dual, estimate = sympy.symbols("w P G_hat")
    sigma, moving, later, beta = sympy.symbols("sigma M C_next beta", positive=True)
    x, y = sympy.symbols("x y", positive=True)
    kept = (1 - moving) * (1 + later)
    new_dual = (1 - moving) * dual + moving * estimate
    then = w - (2 * new_dual - dual) / sigma + (1 - later) * new_dual / sigma
    now = w + (1 - kept) * dual / sigma - (1 + later) * moving * estimate / sigma
    spread = Certificate(
        "⟨P⁺,(I+C⁺)P⁺⟩ ≤ ⟨P,CP⟩ + ⟨Ĝ,NĜ⟩",
        kept * dual**2 + (1 + later) * moving * estimate**2 - (1 + later) * new_dual**2,
        (),
        (((1 + later) * moving * (1 - moving), dual - estimate),),
        Orthant({moving: 1 / (1 + x)}),
    )
    inside = Orthant({moving: (1 / (1 + beta) + x) / (1 + x), later: beta * y / (1 + y)})
    return (
        Identity("z⁺ = z − NĜ/σ", then, now),
        spread,
        Sign("C ≤ β", beta - kept, inside),
        Sign("C ≥ 0", kept, inside),
        Sign("N ≤ 1+β", 1 + beta - (1 + later) * moving, inside),
        Sign("N ≥ 1/(1+β)", (1 + later) * moving - 1 / (1 + beta), inside),
        Sign("|1−C| ≤ max(1, β−1): 1 − C ≤ 1", kept, inside),
        Sign("|1−C| ≤ max(1, β−1): C − 1 ≤ β − 1", beta - kept, inside),
    )


def inequalities(at: Coordinate) -> dict[str, Inequality]:
    """Return what is used from outside, in units σ = κ."""
    k, n = at.kappa, at.moving
    quadratic, length, later = at.squares
    (value, then), bound = at.values, at.root**2
    descent = value - (at.gradient + at.shift) * n * at.gradient / k + length / (2 * k**2) - then
    return {
        "descent": Inequality("descent lemma at z", descent, "E Ĝ = G, N fixed in advance"),
        "length": Inequality("‖NĜ‖² ≤ (1+β)⟨Ĝ,NĜ⟩", bound * quadratic - length, "N ≤ 1+β, proved before"),
        "variance": Inequality(
            "E⟨Ĝ,NĜ⟩ ≤ ⟨G,NG⟩ + (1+β)v",
            n * at.gradient**2 + bound * at.variance - quadratic,
            "E Ĝ = G, N ≤ 1+β, variance at most v",
        ),
        "lipschitz": Inequality(
            "‖∇F(z)−G‖ ≤ max(1,β−1)‖P‖/κ", at.reach**2 * at.dual**2 / k**2 - at.shift**2, "z − w = (I−C)P/σ"
        ),
        "telescope": Inequality(
            "⟨P⁺,(I+C⁺)P⁺⟩ ≤ ⟨P,CP⟩ + ⟨Ĝ,NĜ⟩", at.kept * at.dual**2 + quadratic - later, "proved before, in expectation"
        ),
        "norm": Inequality("⟨G,N²G⟩ ≤ (1+β)⟨G,NG⟩", (bound - n) * n * at.gradient**2, "N ≤ 1+β, proved before"),
    }


def one_round(scale: Any = 1) -> Certificate:
    r"""Return $E V^+ \le V - \tfrac d\sigma\langle G,NG\rangle + \ldots$; ``scale`` multiplies d.

    $d = 1-\tfrac{1+\beta}{2\kappa}-\tfrac{B\sqrt{1+\beta}}{\kappa}$.
    """
    at = symbolic_coordinate()
    k, n, t, reach, b = at.kappa, at.moving, at.root, at.reach, at.share
    known, (value, then), later = inequalities(at), at.values, at.squares[2]
    drop = scale * (1 - t**2 / (2 * k) - reach * t / k)
    noise = (t**4 + reach * t**3) / (2 * k)
    target = value + b / k * (1 + at.kept) * at.dual**2 - then - b / k * later
    target += -drop / k * n * at.gradient**2 + noise / k * at.variance
    young = k * t / (2 * reach)
    uses = (
        (1, known["descent"]),
        (1 / (2 * k**2), known["length"]),
        (t**2 / (2 * k**2) + b / k, known["variance"]),
        (young / k, known["lipschitz"]),
        (b / k, known["telescope"]),
        (reach / (2 * t * k**2), known["norm"]),
    )
    squares = ((young / k, at.shift + reach * n * at.gradient / (t * k)),)
    return Certificate("E V⁺ ≤ V − drop·⟨G,NG⟩/σ + noise", target, uses, squares)


def oblivious_proof() -> Proof:
    """Return the facts of Theorem 3."""
    import sympy

    k, x = sympy.symbols("kappa x", positive=True)
    drop, noise = 1 - sympy.Rational(3, 2) / k, 1 / k
    large = sympy.Symbol("beta", positive=True)
    return (
        *client_identities(),
        server_identity(),
        *backward_facts(),
        one_round(),
        Identity("β = 0: the floor 2v/(2κ−3)", noise / drop, 2 / (2 * k - 3)),
        Sign("the drop is ≥ 0 for κ ≥ (1+β)/2 + B√(1+β)", 1 - large / (large + x), Orthant()),
    )


CLAIMS = (
    theorem(
        "T8-oblivious-preconditioner",
        "For a common diagonal preconditioner sequence fixed in advance and every κ > (1+β)/2 + B√(1+β), B = max(1,"
        " β−1), at every k"
        " E V_{k+1} ≤ V_k − (1/σ)(1 − (1+β)/(2κ) − B√(1+β)/κ)⟨G, N_kG⟩ + v((1+β)² + B(1+β)^{3/2})/(2σκ), ⟨G,NG⟩ ≥"
        " ‖G‖²/(1+β).",
        latex=r"$E\,V_{k+1} \leq V_k -"
        r" \frac{1}{\sigma}(1-\frac{1+\beta}{2\kappa}-\frac{B\sqrt{1+\beta}}{\kappa})\langle G,N_kG\rangle"
        r" + \frac{v}{2\sigma\kappa}((1+\beta)^2+B(1+\beta)^{3/2})$",
        hypotheses=(
            "F L-smooth, bounded below; λ = 0, constant σ; ĝ_i unbiased given the past, E‖Σα_i(ĝ_i−g_i)‖² ≤ v; stated"
            " for L = 1",
            "Q_k diagonal (in one basis), the same for all clients, a sequence fixed before the run, 0 ⪯ ρQ_k ⪯ βσI;"
            " C at the horizon is 0",
        ),
        source=SOURCE,
        proof=oblivious_proof,
    ),
)
