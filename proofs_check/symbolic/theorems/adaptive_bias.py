r"""Why the $q^2\bar v$ of Theorem 2 cannot be dropped.

Preconditioners that see the noise bias the stationary mean gradient.

$F = x^2/2$, one client, noise $\pm1$ (times $\sqrt v$), $L = 1$. $M$ depends on the noise alone, so that means obey a
linear recursion.
"""

import dataclasses
from typing import Any

from proofs_check.symbolic.algebra import Expression
from proofs_check.symbolic.theorems.domains import Orthant
from proofs_check.symbolic.theorems.proof import Identity, Proof, Sign, theorem

SOURCE = "ours; MATHEMATICS.md#T9"


@dataclasses.dataclass(frozen=True)
class Branch:
    """One value of the noise, with its chance and the M that the preconditioner then gives."""

    chance: Expression
    noise: Expression
    moving: Expression


def mean_step(
    branches: tuple[Branch, ...], kappa: Expression, x: Expression, dual: Expression
) -> tuple[Expression, Expression]:
    r"""Return $(E x^+, E p^+)$ from $p^+ = (1-M)p + M(x+\xi)$, $x^+ = x - (2p^+ - p)/\kappa$."""
    duals = [b.chance * ((1 - b.moving) * dual + b.moving * (x + b.noise)) for b in branches]
    new_dual = sum(duals)
    return x - (2 * new_dual - dual) / kappa, new_dual


def same_batch_proof(moved: Any = None) -> Proof:
    """Return the fixed point −β/(2+β) of the mean recursion, and its stability for every κ > 3/2."""
    import sympy

    beta, kappa, extra = sympy.symbols("beta kappa s", positive=True)
    x, dual, z = sympy.symbols("x p z")
    half = sympy.Rational(1, 2)
    slow = 1 / (1 + beta) if moved is None else moved
    branches = (Branch(half, sympy.Integer(1), sympy.Integer(1)), Branch(half, sympy.Integer(-1), slow))
    new_x, new_dual = mean_step(branches, kappa, x, dual)
    fixed = {x: -beta / (2 + beta), dual: sympy.Integer(0)}
    matrix = sympy.Matrix([[sympy.diff(entry, variable) for variable in (x, dual)] for entry in (new_x, new_dual)])
    characteristic = (z * sympy.eye(2) - matrix).det()
    placed = {kappa: sympy.Rational(3, 2) + extra}
    return (
        Identity("stationary x", new_x.subs(fixed), fixed[x]),
        Identity("stationary p", new_dual.subs(fixed), 0),
        Sign("stable: positive at 1", characteristic.subs(z, 1).subs(placed), Orthant()),
        Sign("stable: positive at −1", characteristic.subs(z, -1).subs(placed), Orthant()),
        Sign("stable: determinant < 1", (1 - matrix.det()).subs(placed), Orthant()),
        Sign("stable: determinant > −1", (1 + matrix.det()).subs(placed), Orthant()),
        Sign("Jensen: E|F'|² ≥ (E F')², as large as (β/(2+β))²v", (beta / (2 + beta)) ** 2, Orthant()),
    )


def delayed_system() -> tuple[Expression, tuple[Expression, ...], tuple[Expression, ...]]:
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
                    seen = xs[state] + noise * chance[state]
                    dual = (1 - moving[state]) * duals[state] + moving[state] * seen
                    new_dual += half * dual
                    new_x += half * (xs[state] - (2 * dual - duals[state]) / kappa)
        equations += [new_x - xs[target], new_dual - duals[target]]
    return kappa, (*xs.values(), *duals.values()), tuple(equations)


def delayed_proof() -> Proof:
    """Return that a Q of the past alone keeps the mean gradient at −(κ+2)/(4κ), for every κ > 9/10."""
    import sympy

    kappa, unknowns, equations = delayed_system()
    matrix = sympy.Matrix([[sympy.diff(equation, unknown) for unknown in unknowns] for equation in equations])
    constant = -sympy.Matrix(equations).subs(dict.fromkeys(unknowns, 0))
    solution = dict(zip(unknowns, matrix.LUsolve(constant), strict=True))
    mean = sum(solution[unknown] for unknown in unknowns[:3])
    chances = sympy.Matrix([sympy.Rational(1, 2), sympy.Rational(1, 4), sympy.Rational(1, 4)])
    chain = sympy.Matrix([[1, 1, 1], [1, 0, 0], [0, 1, 1]]) / 2
    stationary = [Identity("the chances 1/2, 1/4, 1/4 are stationary", entry) for entry in chain * chances - chances]
    stationary += [
        Identity(f"stationary, equation {number}", each.subs(solution)) for number, each in enumerate(equations)
    ]
    return (
        *stationary,
        Identity("the mean gradient is −(κ+2)/(4κ) = −1/4 − 1/(2κ)", mean, -(kappa + 2) / (4 * kappa)),
        *stable_facts(kappa, unknowns, equations),
    )


def stable_facts(kappa: Expression, unknowns: tuple[Expression, ...], equations: tuple[Expression, ...]) -> Proof:
    """Return that the mean recursion contracts.

    Four eigenvalues are 0, and Jury's conditions hold for the other two.
    """
    import sympy

    z, extra = sympy.Symbol("z"), sympy.Symbol("extra", positive=True)
    order = [unknowns[index] for index in (0, 3, 1, 4, 2, 5)]
    step = sympy.Matrix([[sympy.diff(each, unknown) for unknown in order] for each in equations]) + sympy.eye(6)
    pair = z**2 + (6 - 5 * kappa) * z / (4 * kappa) + (kappa - 3) / (4 * kappa)
    placed = {kappa: sympy.Rational(9, 10) + extra}
    conditions = {
        "positive at 1": pair.subs(z, 1),
        "positive at −1": pair.subs(z, -1),
        "product of the roots < 1": 1 - pair.subs(z, 0),
        "product of the roots > −1": 1 + pair.subs(z, 0),
    }
    signs = [Sign(f"stable: {name}", value.subs(placed), Orthant()) for name, value in conditions.items()]
    return (Identity("characteristic polynomial", step.charpoly(z).as_expr(), z**4 * pair), *signs)


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
    ),
)
