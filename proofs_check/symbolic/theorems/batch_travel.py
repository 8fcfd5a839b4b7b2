r"""How far one round of Theorem 2 moves the server, in both orders of the penalty.

With $A^+ = G + \xi + \varepsilon$ and $R = G - \bar e$ the step is
$w^+ - w = -c\,[t_2G + t_1\bar e + (t_1+t_2)(\xi+\varepsilon)]$ with $0 \le t_1, t_2 \le 1$: in Algorithm 1's order
$t_1 = t_2 = 1/(c(\sigma+\lambda))$, in the mixed order, where σ grows to rσ before the server's step and
$c = 1/\sigma$, $t_1 = r\sigma/(r\sigma+\lambda)$ and $t_2 = \sigma/(r\sigma+\lambda)$.
"""

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import Algorithm
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign
from proofs_check.symbolic.theorems.recursion import growing_increment

LENGTHS = ("Algorithm 1's order: t₁ = t₂ ≤ 1", "mixed order: t₁ ≤ 1", "mixed order: t₂ ≤ 1")


def moves() -> dict[str, Expression]:
    """Return w⁺ − w in both orders: ``plain`` and ``mixed``, in σ, σ⁺, λ, A, R."""
    import sympy

    sigma, later, ridge = sympy.symbols("sigma sigma_next lambda", positive=True)
    mean, before = sympy.symbols("A R")
    return {
        "plain": -(2 * mean - before) / (sigma + ridge),
        "mixed": (-(later / sigma) * (mean - before) - mean) / (later + ridge),
    }


def travel_facts(algorithm: Algorithm) -> tuple[Fact, ...]:
    """Return that both moves solve the mean of the clients' parts, and that they are −c[t₂G + t₁ē + (t₁+t₂)(ξ+ε)]."""
    import sympy

    sigma, later, ridge, c, more = sympy.symbols("sigma sigma_next lambda c x", positive=True)
    mean, before, w, gradient, error, noise = sympy.symbols("A R w G e_mean noise")
    move = moves()
    plain = (sigma + ridge) * move["plain"] + ridge * w + 2 * (mean - ridge * w) - (before - ridge * w)
    mixed = (later + ridge) * move["mixed"] + ridge * w + (mean - ridge * w) + later / sigma * (mean - before)
    split = {mean: gradient + noise, before: gradient - error}
    alike = 1 / (c * (sigma + ridge))
    even = alike * (gradient + error + 2 * noise)
    first, second = later / (later + ridge), sigma / (later + ridge)
    wide = -(second * gradient + first * error + (first + second) * noise) / sigma
    return (
        growing_increment(algorithm, mixed=False),
        growing_increment(algorithm, mixed=True),
        Identity("Algorithm 1's order: w⁺ − w = −(2A⁺−R)/(σ+λ)", plain),
        Identity("mixed order: w⁺ − w = −((σ⁺/σ)(A⁺−R) + A⁺)/(σ⁺+λ)", mixed),
        Identity("Algorithm 1's order: −ct[G + ē + 2(ξ+ε)]", move["plain"].subs(split), -c * even),
        Identity("mixed order: −c[t₂G + t₁ē + (t₁+t₂)(ξ+ε)]", move["mixed"].subs(split), wide),
        Sign(LENGTHS[0], (1 - alike).subs(c, (1 + more) / (sigma + ridge))),
        Sign(LENGTHS[1], 1 - first),
        Sign(LENGTHS[2], (1 - second).subs(later, sigma + more)),
    )  # fmt: skip


def bracket() -> Expression:
    """Return t₂G + t₁ē + (t₁+t₂)(ξ+ε)."""
    import sympy

    first, second = sympy.symbols("t_1 t_2", positive=True)
    gradient, error, noise, damped = sympy.symbols("G mean_error xi epsilon")
    return second * gradient + first * error + (first + second) * (noise + damped)


def bracket_bound(third: Expression, fourth: Expression) -> Certificate:
    r"""Return the bound of its mean square, $0 \le t_1, t_2 \le 1$, by Young's inequality with t₃ and t₄."""
    import sympy

    first, second, x, y = sympy.symbols("t_1 t_2 x y", positive=True)
    gradient, error, noise, damped = sympy.symbols("G mean_error xi epsilon")
    both = first + second
    past, moved = second * gradient + first * error, both * damped
    bound = (1 + third) * ((1 + fourth) * gradient**2 + (1 + 1 / fourth) * error**2 + 4 * noise**2)
    bound += (1 + 1 / third) * 4 * damped**2
    unbiased = [Inequality("unbiased", -noise * each, "E⟨ξ, past⟩ = 0, either sign") for each in (gradient, error)]
    cross = 2 * (1 + third) * both
    squares = (
        (third, past + both * noise - moved / third),
        ((1 + third) * fourth, second * gradient - first * error / fourth),
        ((1 + third) * (1 + fourth) * (1 - second**2), gradient),
        ((1 + third) * (1 + 1 / fourth) * (1 - first**2), error),
        ((1 + third) * (4 - both**2), noise),
        ((1 + 1 / third) * (4 - both**2), damped),
    )
    uses = ((cross * second, unbiased[0]), (cross * first, unbiased[1]))
    place = Orthant({first: 1 / (1 + x), second: 1 / (1 + y)})
    return Certificate("E‖t₂G + t₁ē + (t₁+t₂)(ξ+ε)‖² from t₁, t₂ ≤ 1", bound - bracket() ** 2, uses, squares, place)


def travelled(third: Expression, fourth: Expression) -> Certificate:
    """Return E‖w⁺−w‖² ≤ c²[(1+t₃)((1+t₄)‖G‖² + (1+1/t₄)S + 4v) + (1+1/t₃)4E‖ε‖²], G, ē known given the past."""
    import sympy

    c, residual, error, moved, variance, spread = sympy.symbols("c S W D2 v xi_square", positive=True)
    gradient, mean, noise, damped = sympy.symbols("G mean_error xi epsilon")
    source = bracket_bound(third, fourth)
    inner = (1 + third) * ((1 + fourth) * gradient**2 + (1 + 1 / fourth) * mean**2 + 4 * spread)
    inner += (1 + 1 / third) * 4 * error
    means = {moved: c**2 * bracket() ** 2, error: damped**2, spread: noise**2}
    path = Consequence(
        "the bracket, in expectation", c**2 * inner - moved, source, means=means, shared=(gradient, mean, c), factor=c
    )
    whole = (1 + third) * ((1 + fourth) * gradient**2 + (1 + 1 / fourth) * residual + 4 * variance)
    target = c**2 * (whole + (1 + 1 / third) * 4 * error) - moved
    clients = Inequality("‖ē‖² ≤ S", residual - mean**2, "convexity of the squared norm", LENGTHS)
    noisy = Inequality("E‖ξ‖² ≤ v", variance - spread, "the hypothesis on the noise")
    uses = ((1, path), (c**2 * (1 + third) * (1 + 1 / fourth), clients), (c**2 * (1 + third) * 4, noisy))
    return Certificate("E‖w⁺−w‖², both orders", target, uses, (), source.domain)
