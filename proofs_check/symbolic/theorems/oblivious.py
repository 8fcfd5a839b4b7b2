r"""Theorem 3: a common preconditioner sequence fixed in advance; the variance floor is $O(v/\sigma)$ again.

$M_k$ diagonal in one basis and the same for all clients, $\lambda = 0$, constant $\sigma$. Backwards $C_k =
(I-M_k)(I+C_{k+1})$, $N_k = (I+C_{k+1})M_k$, $z_k = w_k + (I-C_k)P_k/\sigma$. Diagonal matrices enter by one
coordinate; $t = \sqrt{1+\beta}$ keeps everything rational. $L = 1$.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import Algorithm, symbolic_client
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign, Used
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.symbolic.theorems.recursion import EXPECTATIONS, MEAN_OF_CLIENTS, client_identities, moving_weight

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


def _inside() -> Orthant:
    """Return 1/(1+β) ≤ M ≤ 1 and 0 ≤ C⁺ ≤ β."""
    import sympy

    moving, later, beta, x, y = sympy.symbols("M C_next beta x y", positive=True)
    return Orthant({moving: (1 / (1 + beta) + x) / (1 + x), later: beta * y / (1 + y)})


def _letters() -> dict[Expression, Expression]:
    """Return what N, C and t are: (1+C⁺)M, (1−M)(1+C⁺) and √(1+β)."""
    import sympy

    at = symbolic_coordinate()
    moving, later, beta = sympy.symbols("M C_next beta", positive=True)
    return {at.moving: (1 + later) * moving, at.kept: (1 - moving) * (1 + later), at.root: sympy.sqrt(1 + beta)}


def mean_point(algorithm: Algorithm) -> Identity:
    r"""Return $z^+ = z - N\hat G/\sigma$ of the algorithm itself, with $z = w + (1-C)P/\sigma$."""
    import sympy

    w, dual, estimate = sympy.symbols("w P G_hat")
    later, one, zero = sympy.Symbol("C_next", positive=True), sympy.Integer(1), sympy.Integer(0)
    client = symbolic_client(weight=one, ratio=one, ridge=zero, multiplier=-dual, gradient=estimate)
    sent, sigma = algorithm.local_step(client, w), client.penalty
    moving = moving_weight(client, sigma)
    kept = (1 - moving) * (1 + later)
    then = algorithm.consensus([sent]) - (1 - later) * sent.multiplier / sigma
    return Identity("z⁺ = z − NĜ/σ", then, w + (1 - kept) * dual / sigma - (1 + later) * moving * estimate / sigma)


def spread() -> Certificate:
    r"""Return the telescoping of $\langle P,(I+C)P\rangle$ for $P^+ = (1-M)P + M\hat G$."""
    import sympy

    dual, estimate = sympy.symbols("P G_hat")
    moving, later = sympy.symbols("M C_next", positive=True)
    kept, new_dual = (1 - moving) * (1 + later), (1 - moving) * dual + moving * estimate
    target = kept * dual**2 + (1 + later) * moving * estimate**2 - (1 + later) * new_dual**2
    weight = (1 + later) * moving * (1 - moving)
    return Certificate("⟨P⁺,(I+C⁺)P⁺⟩ ≤ ⟨P,CP⟩ + ⟨Ĝ,NĜ⟩", target, (), ((weight, dual - estimate),), _inside())


def norm() -> Sign:
    """Return N² ≤ (1+β)N."""
    import sympy

    moving, later, beta = sympy.symbols("M C_next beta", positive=True)
    n = (1 + later) * moving
    return Sign("N² ≤ (1+β)N", (1 + beta - n) * n, _inside())


def backward_facts(algorithm: Algorithm) -> tuple[Fact, ...]:
    r"""Return the recursion of z, the telescoping, the ranges of C and N, and $|1-C| \le B = \max(1, \beta-1)$."""
    import sympy

    moving, later, beta, x, y, z = sympy.symbols("M C_next beta x y z", positive=True)
    kept, inside = (1 - moving) * (1 + later), _inside()
    below, above = ({beta: 2 / (1 + x)}, 1 + z), ({beta: 2 + x}, 1 + x + z)
    place = beta * y / (1 + y)
    spans = [((reach - 1 + place) * (reach + 1 - place)).subs(beta, at[beta]) for at, reach in (below, above)]
    return (
        mean_point(algorithm),
        spread(),
        norm(),
        Sign("C ≤ β", beta - kept, inside),
        Sign("C ≥ 0", kept, inside),
        Sign("N ≥ 1/(1+β)", (1 + later) * moving - 1 / (1 + beta), inside),
        Sign("(1−C)² ≤ B² for B ≥ 1, β ≤ 2", spans[0]),
        Sign("(1−C)² ≤ B² for B ≥ β−1, β ≥ 2", spans[1]),
    )


def inequalities(at: Coordinate) -> dict[str, Used]:
    """Return what the round uses, in units σ = κ."""
    import sympy

    k, n, letters = at.kappa, at.moving, _letters()
    quadratic, length, later = at.squares
    (value, then), bound, (dual, estimate) = at.values, at.root**2, sympy.symbols("P G_hat")
    moving, following, beta = sympy.symbols("M C_next beta", positive=True)
    new_dual, shared = (1 - moving) * dual + moving * estimate, (moving, following, beta, dual)
    descent = value - (at.gradient + at.shift) * n * at.gradient / k + length / (2 * k**2) - then
    seen = letters[at.moving]
    return {
        "descent": Inequality("descent lemma at z", descent, "E Ĝ = G, N fixed in advance", ("z⁺ = z − NĜ/σ",)),
        "length": Consequence(
            "‖NĜ‖² ≤ (1+β)⟨Ĝ,NĜ⟩, in expectation", bound * quadratic - length, norm(), where=letters,
            means={quadratic: seen * estimate**2, length: seen**2 * estimate**2}, shared=shared, factor=estimate,
        ),
        "variance": Inequality(
            "E⟨Ĝ,NĜ⟩ ≤ ⟨G,NG⟩ + (1+β)v",
            n * at.gradient**2 + bound * at.variance - quadratic,
            "E Ĝ = G, N ≤ 1+β, variance at most v",
            ("N² ≤ (1+β)N",),
        ),
        "lipschitz": Inequality(
            "‖∇F(z)−G‖ ≤ B‖P‖/κ", at.reach**2 * at.dual**2 / k**2 - at.shift**2, "L = 1, z − w = (I−C)P/σ, |1−C| ≤ B",
            ("(1−C)² ≤ B² for B ≥ 1, β ≤ 2", "(1−C)² ≤ B² for B ≥ β−1, β ≥ 2", "C ≤ β", "C ≥ 0"),
        ),
        "telescope": Consequence(
            "⟨P⁺,(I+C⁺)P⁺⟩ ≤ ⟨P,CP⟩ + ⟨Ĝ,NĜ⟩, in expectation", at.kept * at.dual**2 + quadratic - later, spread(),
            where=letters, means={quadratic: seen * estimate**2, later: (1 + following) * new_dual**2}, shared=shared,
        ),
        "norm": Consequence(
            "⟨G,N²G⟩ ≤ (1+β)⟨G,NG⟩", (bound - n) * n * at.gradient**2, norm(), where=letters, factor=at.gradient
        ),
    }  # fmt: skip


def one_round(scale: Any = 1) -> Certificate:
    r"""Return $E V^+ \le V - \tfrac d\sigma\langle G,NG\rangle + \ldots$; ``scale`` multiplies d.

    $d = 1-\tfrac{1+\beta}{2\kappa}-\tfrac{B\sqrt{1+\beta}}{\kappa}$.
    """
    at = symbolic_coordinate()
    k, n, t, reach, b = at.kappa, at.moving, at.root, at.reach, at.share
    known = inequalities(at)
    now, then = potentials(at)
    drop = scale * (1 - t**2 / (2 * k) - reach * t / k)
    noise = (t**4 + reach * t**3) / (2 * k)
    target = now - then - drop / k * n * at.gradient**2 + noise / k * at.variance
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
    return Certificate("E V⁺ ≤ V − drop·⟨G,NG⟩/σ + noise", target, uses, squares, _inside())


def potentials(at: Coordinate) -> tuple[Expression, Expression]:
    """Return V and V⁺: F(z) + b⟨P,(I+C)P⟩/σ."""
    now = at.values[0] + at.share / at.kappa * (1 + at.kept) * at.dual**2
    return now, at.values[1] + at.share / at.kappa * at.squares[2]


def oblivious_proof(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield the facts of Theorem 3."""
    import sympy

    at, step, x = symbolic_coordinate(), one_round(), sympy.Symbol("x", positive=True)
    k, t, reach = at.kappa, at.root, at.reach
    now, then = potentials(at)
    yield from (*client_identities(algorithm), *backward_facts(algorithm), step)
    words = {"√(1+β)": t, "(1+β)^{3/2}": t**3, "β": t**2 - 1, "B": reach, "κ": k, "σ": k, "v": at.variance}
    threshold = Identity("the threshold on κ", t**2 / 2 + reach * t, read("(1+β)/2 + B√(1+β)", words))
    yield from (threshold, Concludes("(1+β)/2 + B√(1+β)", threshold, words))
    drop = 1 - t**2 / (2 * k) - reach * t / k
    yield Sign("the drop is > 0 above it", drop, Orthant({k: threshold.left + x}), strict=True)
    words |= {"E V_{k+1}": then, "V_k": now, "⟨G, N_kG⟩": at.moving * at.gradient**2}
    text = "E V_{k+1} ≤ V_k − (1/σ)(1 − (1+β)/(2κ) − B√(1+β)/κ)⟨G, N_kG⟩ + v((1+β)² + B(1+β)^{3/2})/(2σκ)"
    yield Concludes(text, step, words)
    floor = 2 / (2 * k - 3)
    small = {t: sympy.Integer(1), reach: sympy.Integer(1)}
    yield Identity("β = 0: the floor 2v/(2κ−3)", ((t**4 + reach * t**3) / (2 * k) / drop).subs(small), floor)


CLAIMS = (
    theorem(
        "T8-oblivious-preconditioner",
        "For a common diagonal preconditioner sequence fixed in advance and"
        " every κ > (1+β)/2 + B√(1+β), B = max(1, β−1),"
        " at every k E V_{k+1} ≤ V_k − (1/σ)(1 − (1+β)/(2κ) − B√(1+β)/κ)⟨G, N_kG⟩ + v((1+β)² + B(1+β)^{3/2})/(2σκ),"
        " ⟨G, N_kG⟩ ≥ ‖G‖²/(1+β), G = ∇F(w_k).",
        latex=r"$E\,V_{k+1} \leq V_k -"
        r" \frac{1}{\sigma}(1-\frac{1+\beta}{2\kappa}-\frac{B\sqrt{1+\beta}}{\kappa})\langle G,N_kG\rangle"
        r" + \frac{v}{2\sigma\kappa}((1+\beta)^2+B(1+\beta)^{3/2})$",
        hypotheses=(
            "F L-smooth, bounded below; λ = 0, constant σ; ĝ_i unbiased given the past, E‖Σα_i(ĝ_i−g_i)‖² ≤ v; stated"
            " for L = 1",
            "Q_k diagonal (in one basis), the same for all clients, a sequence fixed before the run, 0 ⪯ ρQ_k ⪯ βσI;"
            " equal σ_i",
            "backwards from C = 0 at the horizon C_k = (I−M_k)(I+C_{k+1}), N_k ="
            " (I+C_{k+1})M_k; P_k = −Σα_iπ_i before the"
            " step, z_k = w_k + (I−C_k)P_k/σ, V_k = F(z_k) + B√(1+β)⟨P_k,(I+C_k)P_k⟩/(2κσ)",
            EXPECTATIONS,
        ),
        source=SOURCE,
        proof=oblivious_proof,
        conclusion={"⟨G, N_kG⟩ ≥ ‖G‖²/(1+β)": "N ≥ 1/(1+β)", "every κ >": "the drop is > 0 above it"},
        arguments=(
            MEAN_OF_CLIENTS,
            "the matrices are diagonal in one basis: inner products are sums over coordinates of what is shown for one",
            "β_k = β is the bound of the whole sequence; C_k stays in [0, β] by induction from C = 0",
        ),
    ),
)
