r"""Why the $q^2\bar v$ of Theorem 2 cannot be dropped.

Preconditioners that see the noise bias the stationary mean gradient.

$F = x^2/2$, one client, noise $\pm1$ (times $\sqrt v$), $L = 1$. $M$ depends on the noise alone, so that means obey a
linear recursion.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import Algorithm, symbolic_client
from proofs_check.kernel.domains import Slab
from proofs_check.kernel.facts import Fact, Identity, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.kernel.schemes import Cover
from proofs_check.symbolic.theorems.recursion import client_identities

SOURCE = "ours; MATHEMATICS.md#T9"


@dataclasses.dataclass(frozen=True)
class Branch:
    """One value of the noise, with its chance and the M that the preconditioner then gives."""

    chance: Expression
    noise: Expression
    moving: Expression


def branch_step(
    algorithm: Algorithm, branch: Branch, kappa: Expression, x: Expression, dual: Expression
) -> tuple[Expression, Expression]:
    """Return (x⁺, p⁺) on one branch, by the algorithm: ρ = 1 and q = κ(1−M)/M give M. Affine in x and p."""
    import sympy

    one = sympy.Integer(1)
    bend = kappa * (1 - branch.moving) / branch.moving
    client = symbolic_client(
        weight=one, penalty=kappa, ratio=one, rho=one, curvature=bend, ridge=sympy.Integer(0),
        multiplier=-dual, gradient=x + branch.noise,
    )  # fmt: skip
    sent = algorithm.local_step(client, x)
    return sympy.expand(sympy.cancel(algorithm.consensus([sent]))), sympy.expand(sympy.cancel(-sent.multiplier))


def mean_step(
    algorithm: Algorithm, branches: tuple[Branch, ...], kappa: Expression, x: Expression, dual: Expression
) -> tuple[Expression, Expression]:
    """Return (E x⁺, E p⁺)."""
    steps = [(b.chance, branch_step(algorithm, b, kappa, x, dual)) for b in branches]
    return sum(chance * step[0] for chance, step in steps), sum(chance * step[1] for chance, step in steps)


def same_batch_proof(algorithm: Algorithm, moved: Any = None) -> Iterator[Fact]:
    """Yield the fixed point −β/(2+β) of the mean recursion, and its stability for every κ > 3/2."""
    import sympy

    yield from client_identities(algorithm)
    beta, kappa = sympy.symbols("beta kappa", positive=True)
    x, dual, z = sympy.symbols("x p z")
    half = sympy.Rational(1, 2)
    slow = 1 / (1 + beta) if moved is None else moved
    branches = (Branch(half, sympy.Integer(1), sympy.Integer(1)), Branch(half, sympy.Integer(-1), slow))
    new_x, new_dual = mean_step(algorithm, branches, kappa, x, dual)
    words = {"β": beta, "√v": sympy.Integer(1)}
    fixed = {x: read("−β√v/(2+β)", words), dual: sympy.Integer(0)}
    matrix = sympy.Matrix([[sympy.diff(entry, variable) for variable in (x, dual)] for entry in (new_x, new_dual)])
    characteristic, place = (z * sympy.eye(2) - matrix).det(), Slab(kappa, sympy.Rational(3, 2))
    stationary = Identity("stationary x", new_x.subs(fixed), fixed[x])
    yield from (stationary, Concludes("−β√v/(2+β)", stationary, words))
    yield Identity("stationary p", new_dual.subs(fixed), 0)
    signs = {
        "positive at 1": characteristic.subs(z, 1),
        "positive at −1": characteristic.subs(z, -1),
        "determinant < 1": 1 - matrix.det(),
        "determinant > −1": 1 + matrix.det(),
    }
    facts = [Sign(f"stable: {name}", value, place, strict=True) for name, value in signs.items()]
    yield from (*facts, Cover("stable for every κ > 3/2", tuple(facts[1:2]), sympy.Rational(3, 2)))


def incomparable_proof(algorithm: Algorithm) -> Iterator[Fact]:
    r"""Yield that the means stay where they are, whatever the other client's penalties do.

    Client 1 has M = 1 at the noise +1 and 1/(1+β) at −1, so that $E\,p_1^+ = p_1$ at $p_1 = x + \beta/(2+\beta)$.
    """
    import sympy

    yield from client_identities(algorithm)
    beta, share, first, second, ratio = sympy.symbols("beta alpha sigma_1 sigma_2 gamma", positive=True)
    half, one, zero, w = sympy.Rational(1, 2), sympy.Integer(1), sympy.Integer(0), sympy.Symbol("w_after")
    words = {"α": share, "β": beta}
    x = read("−αβ/(2+β)", words)
    fixed = {"ridge": zero, "rho": one}
    seen = [
        symbolic_client(
            weight=share,
            penalty=first,
            ratio=one,
            curvature=bend,
            multiplier=-(x + beta / (2 + beta)),
            gradient=x + noise,
            **fixed,
        )
        for noise, bend in ((1, zero), (-1, beta * first))
    ]
    other = symbolic_client(
        weight=1 - share, penalty=second, ratio=ratio, curvature=zero, multiplier=-x, gradient=x, **fixed
    )
    sent, moved = [algorithm.local_step(client, x) for client in seen], algorithm.local_step(other, x)
    yield Identity("client 1: E π⁺ = π", sum(half * each.multiplier for each in sent), seen[0].multiplier)
    yield Identity("client 2: π⁺ = π", moved.multiplier, other.multiplier)
    pull = sum(half * share * algorithm.residual(each, w) for each in sent) + (1 - share) * algorithm.residual(moved, w)
    still = Identity("the server's equation in the mean: its root is w, whatever σ_1, σ_2 and γ are", pull.subs(w, x))
    yield still
    yield Identity(
        "its slope is the mean penalty, so that the root is the only one",
        sympy.diff(pull, w),
        share * first + (1 - share) * second / ratio,
    )
    bias = Identity("E F'(w_k) at every k", x, -share * beta / (2 + beta))
    yield from (bias, Concludes("−αβ/(2+β)", bias, words))


def delayed_system(algorithm: Algorithm) -> tuple[Expression, tuple[Expression, ...], tuple[Expression, ...]]:
    """Return κ, the unknowns (means of x and p on each chain state) and the stationarity equations.

    The chain has the states 1, 0, −1: from 1 it goes to 1 or 0 with the noise's sign, from 0 and −1 to the sign itself.
    M = 1/2 in state 1, else 1.
    """
    import sympy

    kappa, half = sympy.Symbol("kappa", positive=True), sympy.Rational(1, 2)
    states = (1, 0, -1)
    chance = {1: half, 0: half / 2, -1: half / 2}
    moving = {1: half, 0: sympy.Integer(1), -1: sympy.Integer(1)}
    xs, duals = ({s: sympy.Symbol(f"{name}_{s + 1}") for s in states} for name in ("x", "p"))
    equations = []
    for target in states:
        new_x = new_dual = sympy.Integer(0)
        for state in states:
            for noise in (1, -1):
                following = (1 if noise == 1 else 0) if state == 1 else noise
                if following == target:
                    branch = Branch(half, noise * chance[state], moving[state])
                    next_x, dual = branch_step(algorithm, branch, kappa, xs[state], duals[state])
                    new_dual += half * dual
                    new_x += half * next_x
        equations += [new_x - xs[target], new_dual - duals[target]]
    return kappa, (*xs.values(), *duals.values()), tuple(equations)


def delayed_proof(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield that a Q of the past alone keeps the mean gradient at −(κ+2)/(4κ), for every κ > 9/10."""
    import sympy

    yield from client_identities(algorithm)
    kappa, unknowns, equations = delayed_system(algorithm)
    matrix = sympy.Matrix([[sympy.diff(equation, unknown) for unknown in unknowns] for equation in equations])
    constant = -sympy.Matrix(equations).subs(dict.fromkeys(unknowns, 0))
    solution = dict(zip(unknowns, _solve(matrix, constant), strict=True))
    mean = sum(solution[unknown] for unknown in unknowns[:3])
    chances = sympy.Matrix([sympy.Rational(1, 2), sympy.Rational(1, 4), sympy.Rational(1, 4)])
    chain = sympy.Matrix([[1, 1, 1], [1, 0, 0], [0, 1, 1]]) / 2
    for number, entry in enumerate(chain * chances - chances):
        yield Identity(f"the chances 1/2, 1/4, 1/4 are stationary, entry {number}", entry)
    for number, each in enumerate(equations):
        yield Identity(f"stationary, equation {number}", each.subs(solution))
    words = {"κ": kappa, "√v": sympy.Integer(1)}
    bias = Identity("the mean gradient", mean, read("−(κ+2)√v/(4κ)", words))
    yield from (bias, Concludes("−(κ+2)√v/(4κ)", bias, words))
    yield from stable_facts(kappa, unknowns, equations)


def _solve(matrix: Expression, right: Expression) -> Expression:
    """Return the solution of a linear system, over the field of rational functions.

    Raises:
        ValueError: there is none, or more than one.
    """
    from sympy.polys.matrices import DomainMatrix
    from sympy.polys.matrices.exceptions import DMNonInvertibleMatrixError

    left, column = (DomainMatrix.from_Matrix(part).to_field() for part in (matrix, right))
    try:
        return left.unify(column)[0].lu_solve(left.unify(column)[1]).to_Matrix()
    except DMNonInvertibleMatrixError as error:
        raise ValueError("matrix: the means have no single fixed point") from error


def _characteristic(matrix: Expression, z: Expression) -> Expression:
    """Return det(zI − matrix), over the field of rational functions."""
    from sympy.polys.matrices import DomainMatrix

    domain = DomainMatrix.from_Matrix(matrix).to_field()
    coefficients = [domain.domain.to_sympy(each) for each in domain.charpoly()]
    return sum(each * z ** (len(coefficients) - 1 - power) for power, each in enumerate(coefficients))


def stable_facts(
    kappa: Expression, unknowns: tuple[Expression, ...], equations: tuple[Expression, ...]
) -> Iterator[Fact]:
    """Yield that the mean recursion contracts.

    Four eigenvalues are 0, and Jury's conditions hold for the other two.
    """
    import sympy

    z = sympy.Symbol("z")
    order = [unknowns[index] for index in (0, 3, 1, 4, 2, 5)]
    step = sympy.Matrix([[sympy.diff(each, unknown) for unknown in order] for each in equations]) + sympy.eye(6)
    pair = z**2 + (6 - 5 * kappa) * z / (4 * kappa) + (kappa - 3) / (4 * kappa)
    conditions = {
        "positive at 1": pair.subs(z, 1),
        "positive at −1": pair.subs(z, -1),
        "product of the roots < 1": 1 - pair.subs(z, 0),
        "product of the roots > −1": 1 + pair.subs(z, 0),
    }
    place = Slab(kappa, sympy.Rational(9, 10))
    signs = [Sign(f"stable: {name}", value, place, strict=True) for name, value in conditions.items()]
    yield from (Identity("characteristic polynomial", _characteristic(step, z), z**4 * pair), *signs)
    yield Cover("stable for every κ > 9/10", tuple(signs[1:2]), sympy.Rational(9, 10))


CLAIMS = (
    theorem(
        "T9-same-batch-bias",
        "A preconditioner that sees the current batch (Q = 0 for +√v, Q = βσ/ρ for −√v) keeps the stationary mean"
        " gradient at"
        " −β√v/(2+β) on x²/2 for every κ > 3/2, so that E‖∇F‖² ≥ (β/(2+β))²v however large the penalty.",
        latex=r"$E\,F'(w) = -\frac{\beta}{2+\beta}\sqrt{v}$",
        hypotheses=(
            "F = Lx²/2, one client, ρ > 0, λ = 0, constant σ, noise ±√v independent of the past, L = 1, v = 1 by"
            " scaling",
        ),
        source=SOURCE,
        proof=same_batch_proof,
        conclusion={"every κ > 3/2": "stable for every κ > 3/2"},
        arguments=(
            "the step is affine in (x, p) on each branch, and M depends on the noise alone: the means obey its mean",
            "the mean recursion contracts, so that the means tend to its fixed point; E‖∇F‖² ≥ (E ∇F)²",
        ),
    ),
    theorem(
        "T9-delayed-bias",
        "Delay alone does not help: for every κ > 9/10 a preconditioner driven by past noise signs (M ∈ {1/2, 1})"
        " keeps the stationary mean"
        " gradient at −(κ+2)√v/(4κ).",
        latex=r"$E\,F'(w) = -\frac{\kappa+2}{4\kappa}\sqrt{v}$",
        hypotheses=(
            "F = Lx²/2, one client, β = 1, λ = 0, constant σ, noise ±√v; M_k a function of the past signs (three"
            " states); κ > 9/10",
        ),
        source=SOURCE,
        proof=delayed_proof,
        conclusion={"every κ > 9/10": "stable for every κ > 9/10"},
        arguments=(
            "the step is affine in (x, p), M depends on the chain's state alone: the means on each state obey its mean",
            "the mean recursion contracts, so that the means tend to its fixed point",
        ),
    ),
    theorem(
        "T7-comparable-penalties-needed",
        "Without comparable penalties T7-repaired-schedule fails: with client 1"
        " (weight α) at a constant σ_1, noise ±1 and"
        " ρQ_1 = βσ_1 where the noise is −1, 0 where it is +1, and client 2"
        " without noise, E F'(w_k) = −αβ/(2+β) at every"
        " k however fast σ_2 grows, so that E‖∇F(w_k)‖² ≥ (αβ/(2+β))².",
        latex=r"$E\,F'(w_k) = -\frac{\alpha\beta}{2+\beta}$",
        hypotheses=(
            "F_1 = F_2 = x²/2, λ = 0, Algorithm 1's order, w⁰ = −αβ/(2+β), π_1 = −w⁰ − β/(2+β), π_2 = −w⁰",
            "ρQ_1 ⪯ H I with H = βσ_1 fixed, σ_k = ασ_1 + (1−α)σ_2^k nondecreasing"
            " with Σ1/σ_k = ∞, Σ1/σ_k² < ∞: everything"
            " that T7-repaired-schedule asks but σ_i ≥ aσ_k",
        ),
        source="ours; MATHEMATICS.md#T7",
        proof=incomparable_proof,
        conclusion={"at every k": "the server's equation in the mean: its root is w, whatever σ_1, σ_2 and γ are"},
        arguments=("the step is affine in (w, π) on each branch: the means obey its mean; E‖∇F‖² ≥ (E ∇F)²",),
    ),
)
