r"""The variance floor of constant penalties, $\rho = \lambda = 0$: closed form and lower bound.

$L = 1$.
"""

from typing import Any

from proofs_check.symbolic.theorems.domains import Orthant
from proofs_check.symbolic.theorems.proof import Identity, Proof, Sign, theorem
from proofs_check.symbolic.theorems.stochastic import HYPOTHESES, SOURCE, descent_step, drop_constant, noise_constant


def floor_proof() -> Proof:
    r"""Return that $s = \sqrt{1+2\kappa}-1$ minimises the floor, which is $1/(s^2-1)$.

    $\kappa = s(s+2)/2$ keeps it rational.
    """
    import sympy

    s, other, x = sympy.symbols("s t x", positive=True)
    kappa = s * (s + 2) / 2
    best = noise_constant(kappa, s) / drop_constant(kappa, s)
    any_other = noise_constant(kappa, other) / drop_constant(kappa, other)
    return (
        descent_step(),
        Identity("κ = s(s+2)/2 is s = √(1+2κ) − 1", (s + 1) ** 2, 1 + 2 * kappa),
        Identity("the floor at it is v/(s²−1)", best, 1 / (s**2 - 1)),
        Identity("v/(s²−1) = v/(2κ+1−2√(1+2κ))", s**2 - 1, 2 * kappa + 1 - 2 * (s + 1)),
        Identity(
            "another t with c(t) > 0 is worse by a square",
            any_other - best,
            (s - other) ** 2 / ((s**2 - 1) * 2 * kappa**2 * other * drop_constant(kappa, other)),
        ),
        Sign("it needs κ > 3/2: s > 1", best.subs(s, 1 + x), Orthant()),
    )


def stationary_floor(kappa: Any, curvature: Any) -> Any:
    r"""Return $\frac{c(3c+\kappa)}{(c+\kappa)(2\kappa-3c)}$, the stationary $E|F'(w)|^2/v$ on $F = cx^2/2$."""
    return curvature * (3 * curvature + kappa) / ((curvature + kappa) * (2 * kappa - 3 * curvature))


def stationary_proof() -> Proof:
    """Return that the stationary covariance solves its Lyapunov equation, and lies below the certified floor."""
    import sympy

    kappa, curvature = sympy.symbols("kappa c", positive=True)
    ratio = curvature / kappa
    matrix = sympy.Matrix([[1 - 2 * ratio, ratio, 1 / kappa], [1, 0, 0], [0, 0, 0]])
    noise = sympy.Matrix([-2 / kappa, 0, 1])
    entries = sympy.symbols("p0:6")
    place = {(0, 0): 0, (0, 1): 1, (0, 2): 2, (1, 1): 3, (1, 2): 4, (2, 2): 5}
    covariance = sympy.Matrix(3, 3, lambda i, j: entries[place[min(i, j), max(i, j)]])
    equations = list(matrix * covariance * matrix.T + noise * noise.T - covariance)
    solution = sympy.solve(equations, entries, dict=True)[0]
    found = curvature**2 * covariance[0, 0].subs(solution)
    solved = [Identity("Lyapunov equation of (x_k, x_{k−1}, ξ_{k−1})", entry.subs(solution)) for entry in equations]
    x = sympy.Symbol("x", positive=True)
    gap = 2 / (2 * kappa - 3) - stationary_floor(kappa, 1)
    characteristic = sympy.Symbol("z") ** 2 - (1 - 2 * ratio) * sympy.Symbol("z") - ratio
    stable = {curvature: 1, kappa: sympy.Rational(3, 2) + x}
    return (
        *solved,
        Identity("stationary E|F'|²/v", found, stationary_floor(kappa, curvature)),
        Sign("stable for κ > 3c/2: positive at −1", characteristic.subs(sympy.Symbol("z"), -1).subs(stable), Orthant()),
        Sign("stable: positive at 1", characteristic.subs(sympy.Symbol("z"), 1).subs(stable), Orthant()),
        Sign("stable: the product of the roots is above −1", (1 - ratio).subs(stable), Orthant()),
        Sign("not above the certified floor, κ > 3/2", gap.subs(kappa, sympy.Rational(3, 2) + x), Orthant()),
    )


CLAIMS = (
    theorem(
        "T5-variance-floor",
        "For every constant κ > 3/2 the limit superior of the averages of E‖∇F(w_k)‖² is at most v/(2κ+1−2√(1+2κ)).",
        latex=r"$\limsup_N \frac{1}{N}\sum_{k<N} E\|\nabla F(w_k)\|^2 \leq \frac{v}{2\kappa+1-2\sqrt{1+2\kappa}}$",
        hypotheses=HYPOTHESES,
        source=SOURCE,
        proof=floor_proof,
    ),
    theorem(
        "T5-floor-lower-bound",
        "On F = cx²/2 with stationary noise of variance v, E|F'(w)|² is exactly c(3c+κ)v/((c+κ)(2κ−3c)) for κ > 3c/2,"
        " so no"
        " floor below (κ+3)v/((κ+1)(2κ−3)) holds for all 1-smooth F.",
        latex=r"$E|F'(w)|^2 = \frac{c(3c+\kappa)}{(c+\kappa)(2\kappa-3c)}\,v$",
        hypotheses=(
            "F(x) = cx²/2, m = 1, ρ = λ = 0, constant σ = κ, independent noise of mean 0 and variance v, κ > 3c/2",
        ),
        source=SOURCE,
        proof=stationary_proof,
    ),
)
