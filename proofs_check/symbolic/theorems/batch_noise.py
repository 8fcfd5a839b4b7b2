r"""What the batch adds in one round of Theorem 2: the bounds of $E\|\varepsilon\|^2$, $E\|A^+\|^2$ and $E S^+$.

Each is shown for one client and one outcome of the batch, then averaged over the clients and in expectation; e_i is
known given the past, $E\,\xi_i = 0$, and $M_i$ may depend on $\xi_i$. $q = \beta/(1+\beta)$, $1-\mu \le q$.
"""

from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Certificate, Consequence, Inequality

UNBIASED = "E⟨ξ, past⟩ = 0, either sign"


def _one_client() -> tuple[Expression, Expression, Expression, Orthant]:
    """Return β, the least μ of M and any μ between it and 1, and where these hold."""
    import sympy

    low, share, beta = sympy.symbols("m place beta", positive=True)
    return beta, low, (low + share) / (1 + share), Orthant({low: 1 / (1 + beta)})


def damped_error() -> Certificate:
    r"""Return $\|(I-M)e-M\xi\|^2 \le (1-\mu_{min})\|e\|^2+\|\xi\|^2$ for every outcome."""
    import sympy

    _, low, moving, place = _one_client()
    e, noise = sympy.symbols("e xi_i")
    damped = ((1 - moving) * e - moving * noise) ** 2
    squares = ((moving - low, e), (1 - moving, noise), (moving * (1 - moving), e + noise))
    name = "‖(I−M)e − Mξ‖² ≤ (1−μ_min)‖e‖² + ‖ξ‖²"
    return Certificate(name, (1 - low) * e**2 + noise**2 - damped, (), squares, place)


def next_residuals() -> tuple[Certificate, Certificate, Certificate]:
    r"""Return $E S^+ \le T(qS + \bar v) + \tfrac{T}{T-1}E\|w^+-w\|^2$, $T = 2/(1+q)$, from one client's."""
    import sympy

    beta, low, moving, place = _one_client()
    e, noise, turn = sympy.symbols("e xi_i h_i")
    residual, following, moved, v_bar, spread, turns = sympy.symbols("S S_next D2 v_bar xi_bar H", positive=True)
    young, bound = 2 / (1 + (1 - low)), damped_error()
    rest = (1 - moving) * e - moving * noise
    target = young * ((1 - low) * e**2 + noise**2) + young / (young - 1) * turn**2 - (rest + turn) ** 2
    squares = ((1 / (young - 1), (young - 1) * rest - turn),)
    source = Consequence("the error is damped", bound.target, bound)
    alone = Certificate("‖e⁺‖², one client", target, ((young, source),), squares, place)
    q = beta / (1 + beta)
    t = 2 / (1 + q)
    means = {residual: e**2, spread: noise**2, turns: turn**2, following: (rest + turn) ** 2}
    averaged = t * (q * residual + spread) + t / (t - 1) * turns - following
    place_low = {low: 1 / (1 + beta)}
    drawn = Consequence(
        "client by client", averaged, alone, at=place_low,
        means={symbol: value.subs(place_low) for symbol, value in means.items()}, shared=(beta,),
    )  # fmt: skip
    mean = Certificate("E S⁺ from S, the noise and the turns", averaged, ((1, drawn),), (), place)
    noisy = Inequality("Σα_iE‖ξ_i‖² ≤ v̄", v_bar - spread, "the hypothesis on the noise")
    smooth = Inequality("Σα_i‖h_i‖² ≤ ‖w⁺−w‖²", moved - turns, "every ∇F_i is L-Lipschitz, L ≤ L + λ = 1")
    whole = t * (q * residual + v_bar) + t / (t - 1) * moved - following
    uses = ((1, Consequence("the average", averaged, mean)), (t, noisy), (t / (t - 1), smooth))
    return alone, mean, Certificate("E S⁺", whole, uses, (), place)


def damped_noise() -> tuple[Certificate, Certificate]:
    r"""Return $E\|\varepsilon\|^2 \le q^2(S+\bar v)$, $\varepsilon = -\sum_i\alpha_i(I-M_i)(e_i+\xi_i)$."""
    import sympy

    beta, low, moving, place = _one_client()
    e, noise = sympy.symbols("e xi_i")
    residual, error, v_bar, spread, each = sympy.symbols("S W v_bar xi_bar W_i", positive=True)
    q = 1 - low
    damped = ((1 - moving) * (e + noise)) ** 2
    unbiased = Inequality("unbiased", -e * noise, UNBIASED)
    squares = ((q**2 - (1 - moving) ** 2, e + noise),)
    target = q**2 * (e**2 + noise**2) - damped
    alone = Certificate(
        "E‖(I−M)(e+ξ)‖² ≤ q²(‖e‖² + E‖ξ‖²), one client", target, ((2 * q**2, unbiased),), squares, place
    )
    put = {low: 1 / (1 + beta)}
    wide = (beta / (1 + beta)) ** 2
    averaged = wide * (residual + spread) - each
    means = {residual: e**2, spread: noise**2, each: damped.subs(put)}
    drawn = Consequence("client by client", averaged, alone, at=put, means=means, shared=(beta,))
    jensen = Inequality("‖ε‖² ≤ Σα_i‖(I−M_i)(e_i+ξ_i)‖²", each - error, "convexity of the squared norm")
    noisy = Inequality("Σα_iE‖ξ_i‖² ≤ v̄", v_bar - spread, "the hypothesis on the noise")
    uses = ((1, drawn), (1, jensen), (wide, noisy))
    return alone, Certificate("E‖ε‖² ≤ q²(S+v̄)", wide * (residual + v_bar) - error, uses, (), place)


def mean_square(second: Expression) -> tuple[Certificate, Certificate]:
    r"""Return $E\|A^+\|^2 \le (1+t_2)(\|G\|^2+v) + (1+1/t_2)E\|\varepsilon\|^2$, $A^+ = G+\xi+\varepsilon$."""
    import sympy

    gradient, noise, damped = sympy.symbols("G xi epsilon")
    error, moved, v, spread = sympy.symbols("W A2 v xi_square", positive=True)
    total = (gradient + noise + damped) ** 2
    target = (1 + second) * (gradient**2 + noise**2) + (1 + 1 / second) * damped**2 - total
    unbiased = Inequality("unbiased", -noise * gradient, UNBIASED)
    squares = ((second, gradient + noise - damped / second),)
    path = Certificate("E‖G+ξ+ε‖², Young with t₂", target, ((2 * (1 + second), unbiased),), squares)
    averaged = (1 + second) * (gradient**2 + spread) + (1 + 1 / second) * error - moved
    means = {spread: noise**2, error: damped**2, moved: total}
    drawn = Consequence("in expectation", averaged, path, means=means, shared=(gradient,))
    noisy = Inequality("E‖ξ‖² ≤ v", v - spread, "the hypothesis on the noise")
    whole = (1 + second) * (gradient**2 + v) + (1 + 1 / second) * error - moved
    return path, Certificate("E‖A⁺‖²", whole, ((1, drawn), (1 + second, noisy)))


def noise_facts(second: Expression) -> tuple[Certificate, ...]:
    """Return all of them, in order."""
    return (damped_error(), *next_residuals(), *damped_noise(), *mean_square(second))
