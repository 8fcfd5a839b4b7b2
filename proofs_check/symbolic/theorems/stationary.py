r"""The variance floor of constant penalties, $\rho = \lambda = 0$: closed form and lower bound.

$L = 1$.
"""

from collections.abc import Iterator
from typing import Any

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import Algorithm, plain_client
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.symbolic.theorems.recursion import MEAN_OF_CLIENTS, client_identities
from proofs_check.symbolic.theorems.stochastic import (
    HYPOTHESES,
    SOURCE,
    descent_step,
    drop_constant,
    mean_iterate,
    noise_constant,
    step_potentials,
    symbols,
)
from proofs_check.symbolic.theorems.summation import SUMMED, telescope


def floor_proof(algorithm: Algorithm) -> Iterator[Fact]:
    r"""Yield that $s = \sqrt{1+2\kappa}-1$ minimises the floor, which is $1/(s^2-1)$, and the sum over the rounds.

    $\kappa = s(s+2)/2$ keeps it rational; $\kappa > 3/2$ is $s > 1$.
    """
    import sympy

    s, other, x = sympy.symbols("s t x", positive=True)
    kappa, at, general = s * (s + 2) / 2, symbols(), descent_step()
    drop, noise = drop_constant(kappa, s), noise_constant(kappa, s)
    best, any_other = noise / drop, noise_constant(kappa, other) / drop_constant(kappa, other)
    yield from (*mean_iterate(algorithm), general)
    placed = {at.kappa: kappa, at.next_kappa: kappa}
    now, then = (part.subs(placed) for part in step_potentials(at.split))
    shown = Consequence("the step at κ = s(s+2)/2", general.target.subs(placed), general, at=placed)
    one = Certificate("E V_{k+1} ≤ V_k − c‖∇F(w_k)‖² + d v", shown.expression, ((1, shown),), (), Orthant({s: 1 + x}))
    summed = telescope(one, now, then, rate=drop, square=at.gradient**2, loss=noise * at.variance)
    optimum = sympy.Symbol("F_star")
    above = Inequality("F ≥ F*", at.value - optimum, "F* is the infimum")
    spare = Inequality("a square", at.previous_square, "E‖·‖² ≥ 0")
    below = Certificate("V ≥ F*", now - optimum, ((1, above), (1 / (2 * s * kappa**2), spare)))
    last = Consequence("V_N ≥ F*", summed.last - optimum, below, where={summed.last: now})
    average = summed.average(
        optimum, last, noise * at.variance, "the average of E‖∇F(w_k)‖² is at most d v/c + (V_0 − F*)/(cN)"
    )
    yield from (one, *summed.facts, below, average)
    yield Identity("κ = s(s+2)/2 is s = √(1+2κ) − 1", (s + 1) ** 2, 1 + 2 * kappa)
    words = {"κ": kappa, "v": at.variance, "√(1+2κ)": s + 1}
    level = Identity("the floor d v/c", best * at.variance, read("v/(2κ+1−2√(1+2κ))", words))
    yield from (level, Concludes("v/(2κ+1−2√(1+2κ))", level, words))
    worse = (s - other) ** 2 / ((s**2 - 1) * 2 * kappa**2 * other * drop_constant(kappa, other))
    yield Identity("another t with c(t) > 0 is worse by a square", any_other - best, worse)
    yield Sign("c > 0 for s > 1, which is κ > 3/2", drop, Orthant({s: 1 + x}), strict=True)


def stationary_floor(kappa: Any, curvature: Any) -> Any:
    r"""Return $\frac{c(3c+\kappa)}{(c+\kappa)(2\kappa-3c)}$, the stationary $E|F'(w)|^2/v$ on $F = cx^2/2$."""
    return curvature * (3 * curvature + kappa) / ((curvature + kappa) * (2 * kappa - 3 * curvature))


def stationary_matrices(algorithm: Algorithm, kappa: Expression, curvature: Expression) -> tuple[Any, Any]:
    """Return the matrix of (x_k, x_{k−1}, ξ_{k−1}) ↦ (x_{k+1}, x_k, ξ_k) without the noise, and the noise's column."""
    import sympy

    x, before, last, noise = sympy.symbols("x x_before xi_last xi")
    gradients = {"gradient": curvature * x + noise, "multiplier": -(curvature * before + last)}
    moved = algorithm.next_consensus(plain_client(weight=sympy.Integer(1), penalty=kappa, **gradients), x)
    rows = sympy.Matrix([moved, x, noise])
    return rows.jacobian([x, before, last]).applyfunc(sympy.expand), rows.jacobian([noise]).applyfunc(sympy.expand)


def stationary_proof(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield that the stationary covariance solves its Lyapunov equation, and lies below the certified floor."""
    import sympy

    yield from client_identities(algorithm)
    kappa, curvature = sympy.symbols("kappa c", positive=True)
    z, x, one = sympy.Symbol("z"), sympy.Symbol("x", positive=True), sympy.Integer(1)
    matrix, noise = stationary_matrices(algorithm, kappa, curvature)
    entries = sympy.symbols("p0:6")
    place = {(0, 0): 0, (0, 1): 1, (0, 2): 2, (1, 1): 3, (1, 2): 4, (2, 2): 5}
    covariance = sympy.Matrix(3, 3, lambda i, j: entries[place[min(i, j), max(i, j)]])
    equations = list(matrix * covariance * matrix.T + noise * noise.T - covariance)
    solution = sympy.solve(equations, entries, dict=True)[0]
    found = curvature**2 * covariance[0, 0].subs(solution)
    for number, entry in enumerate(equations):
        yield Identity(f"Lyapunov equation of (x_k, x_{{k−1}}, ξ_{{k−1}}), entry {number}", entry.subs(solution))
    yield Identity("stationary E|F'|²/v", found, stationary_floor(kappa, curvature))
    characteristic = z**2 - (1 - 2 * curvature / kappa) * z - curvature / kappa
    yield Identity("characteristic polynomial", matrix.charpoly(z).as_expr(), z * characteristic)
    stable = Orthant({kappa: 3 * curvature / 2 + x})
    yield Sign("stable for κ > 3c/2: positive at −1", characteristic.subs(z, -1), stable, strict=True)
    yield Sign("stable: positive at 1", characteristic.subs(z, 1), stable, strict=True)
    yield Sign("stable: the product of the roots is above −1", 1 - curvature / kappa, stable, strict=True)
    gap = 2 / (2 * kappa - 3) - stationary_floor(kappa, one)
    yield Sign("not above the certified floor 2v/(2κ−3), κ > 3/2", gap.subs(kappa, sympy.Rational(3, 2) + x))


def lower_bound_proof(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield `stationary_proof` and its two closed forms as the sentence has them."""
    import sympy

    kappa, curvature, v = sympy.symbols("kappa c v", positive=True)
    yield from stationary_proof(algorithm)
    for text, at in (("c(3c+κ)v/((c+κ)(2κ−3c))", curvature), ("(κ+3)v/((κ+1)(2κ−3))", sympy.Integer(1))):
        words = {"c": curvature, "κ": kappa, "v": v}
        level = Identity(f"the stationary law at curvature {at}", stationary_floor(kappa, at) * v, read(text, words))
        yield from (level, Concludes(text, level, words))


CLAIMS = (
    theorem(
        "T5-variance-floor",
        "For every constant κ > 3/2 the limit superior of the averages of E‖∇F(w_k)‖² is at most v/(2κ+1−2√(1+2κ)).",
        latex=r"$\limsup_N \frac{1}{N}\sum_{k<N} E\|\nabla F(w_k)\|^2 \leq \frac{v}{2\kappa+1-2\sqrt{1+2\kappa}}$",
        hypotheses=(*HYPOTHESES[:2], "constant σ, either order of the penalty", HYPOTHESES[-1]),
        source=SOURCE,
        proof=floor_proof,
        conclusion={
            "limit superior of the averages": "the average of E‖∇F(w_k)‖² is at most d v/c + (V_0 − F*)/(cN)",
            "every constant κ > 3/2": "c > 0 for s > 1, which is κ > 3/2",
        },
        arguments=(MEAN_OF_CLIENTS, SUMMED, "(V_0 − F*)/(cN) tends to 0"),
    ),
    theorem(
        "T5-floor-lower-bound",
        "On F = cx²/2 with stationary noise of variance v, E|F'(w)|² is exactly c(3c+κ)v/((c+κ)(2κ−3c)) for κ > 3c/2,"
        " so no"
        " floor below (κ+3)v/((κ+1)(2κ−3)) holds for all 1-smooth F.",
        latex=r"$E|F'(w)|^2 = \frac{c(3c+\kappa)}{(c+\kappa)(2\kappa-3c)}\,v$",
        hypotheses=(
            "F(x) = cx²/2, m = 1, ρ = λ = 0, constant σ = κ, independent noise of mean 0 and variance v, κ > 3c/2",
            "Coq's noise is ±√v by n fair coins, for every n: a floor is the same bound for all of them",
        ),
        source=SOURCE,
        proof=lower_bound_proof,
        conclusion={"exactly": "stationary E|F'|²/v"},
        arguments=("the state's covariance converges to the stationary one, as the roots lie inside the unit circle",),
    ),
)
