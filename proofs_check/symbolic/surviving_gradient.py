r"""Geometric penalties on one quadratic: the share of the first gradient that never goes away, in closed form.

The share of the first gradient that survives on $F = \frac r2(w-1)^2$, $\rho = \lambda = 0$, cold start, is a function
of $x = r/\sigma^0$ and γ. With $e^\ell = (1 - w^\ell)/(1 - w^0)$ the order of MATHEMATICS.md#algorithm gives
$e^{\ell+1} = (1 - 2x\gamma^\ell)e^\ell + x\gamma^\ell e^{\ell-1}$, $e^1 = 1$, $e^0 := 0$. Shifting ℓ by one shows that
the limit A obeys $A(x) = (1 - 2\gamma x)A(\gamma x) + \gamma^2xA(\gamma^2x)$, $A(0) = 1$; A is entire (the locally
uniform limit of polynomials, since $\sum x\gamma^\ell < \infty$), so its coefficients follow:
$A(x) = \sum_{n\ge0}\prod_{k=1}^n\frac{-x\gamma^k(2-\gamma^k)}{1-\gamma^k}$, a basic hypergeometric ${}_1\phi_1$.
"""

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from proofs_check.claim import Verdict
from proofs_check.kernel.algebra import Expression, exact, nonnegative_on, positive_on
from proofs_check.kernel.algorithm import PISA_EQUATIONS, Algorithm, starting_client, symbolic_client
from proofs_check.kernel.domains import Interval
from proofs_check.kernel.facts import Fact, Holds, Identity, Sign
from proofs_check.kernel.proof import Proof, Replayed, symbolic_claim
from proofs_check.measured.limits import frozen_trial

CURVATURE_RATIO = Fraction(1, 8)
"""MATHEMATICS.md#V2: σ⁰ = 8r."""
KEPT = {Fraction(3, 4): ("0.6254", 4), Fraction(9, 10): ("0.2969", 4), Fraction(99, 100): ("0.0000056", 7)}
"""MATHEMATICS.md#V2's shares and the decimals they are given to."""


def _errors(algorithm: Algorithm, rounds: int) -> tuple[list[Expression], Expression, Expression]:
    """Return e¹ … e^rounds of the algorithm itself on F = (w−1)²/2·r, with the symbols x = r/σ⁰ and γ."""
    import sympy

    x, ratio = sympy.symbols("x gamma", positive=True)
    zero, one = sympy.Integer(0), sympy.Integer(1)
    client = starting_client(zero, weight=one, penalty=1 / x, ratio=ratio, rho=zero, curvature=one, ridge=zero)
    clients, errors = [client], []
    for _ in range(rounds):
        w, clients = algorithm.symbolic_round(clients, lambda index, point: point - 1)
        errors.append(sympy.expand(1 - w))
    return errors, x, ratio


def _recursion(algorithm: Algorithm, rounds: int) -> Iterator[Fact]:
    import sympy

    w, after, last = sympy.symbols("w w_after g_last")
    client = symbolic_client(rho=sympy.Integer(0), ridge=sympy.Integer(0), multiplier=-last)
    sent = algorithm.local_step(client, w)
    wanted = client.penalty / client.ratio * (after - w) + 2 * client.gradient - last
    every = wanted - algorithm.residual(sent, after)
    yield Identity("sigma^l (w+ - w) = -(2g - g_last) with sigma^l = sigma^(l-1)/gamma, every l", every)
    errors, x, ratio = _errors(algorithm, rounds)
    yield Identity("e^1 = 1", errors[0] - 1)
    yield Identity("e^2 = 1 - 2 x gamma", errors[1] - (1 - 2 * x * ratio))
    for power in range(2, rounds):
        step = x * ratio**power
        wanted = (1 - 2 * step) * errors[power - 1] + step * errors[power - 2]
        name = f"e^{power + 1} = (1 - 2x gamma^{power}) e^{power} + x gamma^{power} e^{power - 1}"
        yield Identity(name, errors[power] - wanted)


def term_ratio(x: Any, power: Any) -> Any:
    r"""Return the ratio of two neighbouring terms of the share's series at $\gamma^k$ = ``power``."""
    return -x * power * (2 - power) / (1 - power)


def share_enclosure(x: Fraction, ratio: Fraction, *, digits: int = 40) -> tuple[Fraction, Fraction]:
    """Return rationals around A(x): the alternating series, every term rounded outwards to ``digits`` decimals.

    Terms alternate and, once the ratio is below 1, fall for ever (the ratio falls with k): the rest is within one term.
    """
    grid = 10**digits
    low = high = term_low = term_high = Fraction(1)
    power_low = power_high = Fraction(1)
    sign = 1
    while True:
        power_low = Fraction(int(power_low * ratio * grid), grid)
        power_high = Fraction(int(power_high * ratio * grid) + 1, grid)
        term_low = Fraction(int(term_low * -term_ratio(x, power_low) * grid), grid)
        term_high = Fraction(int(term_high * -term_ratio(x, power_high) * grid) + 1, grid)
        sign = -sign
        low, high = (low + term_low, high + term_high) if sign > 0 else (low - term_high, high - term_low)
        if -term_ratio(x, power_high) < 1 and term_high * grid < 10 ** (digits // 2):
            return low - term_high, high + term_high


def recursion_enclosure(x: Fraction, ratio: Fraction, *, rounds: int, digits: int = 40) -> tuple[Fraction, Fraction]:
    """Return rationals around A(x) by the recursion itself, rounded outwards, and the product bound for the rest."""
    grid = 10**digits
    last, here, power = (Fraction(0), Fraction(0)), (Fraction(1), Fraction(1)), Fraction(1)
    for _ in range(1, rounds):
        power = Fraction(math.floor(power * ratio * grid), grid)
        step_low, step_high = x * power, x * (power + Fraction(rounds, grid))
        low = (1 - 2 * step_high) * here[0] + step_low * last[0]
        high = (1 - 2 * step_low) * here[1] + step_high * last[1]
        last, here = here, (Fraction(math.floor(low * grid), grid), Fraction(math.ceil(high * grid), grid))
    rest = x * (power + Fraction(rounds, grid)) / (1 - ratio)
    return here[0] * (1 - rest), here[1]


def _series(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    yield from _recursion(algorithm, 5 if effort == "quick" else 8)
    power, last = sympy.symbols("y a", positive=True)
    coefficient = last * term_ratio(1, power)
    functional = coefficient - (power * coefficient - 2 * power * last + power**2 * last)
    yield Identity("a_n = y a_n - 2y a_(n-1) + y^2 a_(n-1), y = gamma^n: the terms solve the equation of A", functional)
    slope = sympy.diff(-term_ratio(1, power), power)
    yield Sign("the terms' ratio falls with n", slope, Interval(power, 0, 1, open_ends=True), strict=True)
    for gamma, (claimed, decimals) in KEPT.items():
        yield from _enclosed(gamma, Fraction(claimed), decimals)
    curvature = Fraction(4, 15)
    low, high = (2 * curvature * end**2 for end in share_enclosure(curvature / 2, Fraction(3, 4)))
    near = Fraction("0.19585") <= low <= high <= Fraction("0.19595")
    name = "section 6, gamma = .75, sigma^0 = 2L: c x^2/2 with c = 4/15 keeps |F'|^2 = .1959 for F(w0) = 1"
    yield Holds(name, bool(near), numbers={"kept |F'|^2, c = 4/15": float(low)})


def _enclosed(ratio: Fraction, claimed: Fraction, decimals: int) -> Iterator[Fact]:
    low, high = share_enclosure(CURVATURE_RATIO, ratio)
    half = Fraction(1, 2 * 10**decimals)
    near = claimed - half <= low <= high <= claimed + half
    numbers = {f"share, gamma = {float(ratio)}": float(low)}
    yield Holds(f"gamma = {ratio}: the share is {float(claimed)} to {decimals} decimals", near, numbers=numbers)
    other = recursion_enclosure(CURVATURE_RATIO, ratio, rounds=30 if ratio < Fraction(95, 100) else 800)
    meets = other[0] <= high and low <= other[1]
    yield Holds(f"gamma = {ratio}: the recursion's own enclosure meets it", meets)
    yield Holds(f"gamma = {ratio}: it is not 0", low > 0)


def _never_stationary(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    yield from _recursion(algorithm, 4)
    t, step, half, quarter = sympy.Symbol("t"), sympy.Symbol("y"), Fraction(1, 2), Fraction(1, 4)
    first = nonnegative_on(1 - 2 * step - half, step, 0, quarter)
    yield Holds("sigma^0 >= 4r: the first ratio e^2/e^1 = 1 - 2x gamma is in [1/2, 1]", first)
    turn = 2 - 1 / t
    bounded = nonnegative_on(turn, t, half, 1) and nonnegative_on(1 - turn, t, half, 1)
    yield Holds("a ratio t in [1/2, 1] makes 2 - 1/t in [0, 1]", bounded)
    later = nonnegative_on(1 - step - half, step, 0, quarter)
    yield Holds("so the next, 1 - y(2 - 1/t), y = x gamma^l <= 1/4, is in [1 - y, 1], again above 1/2", later)
    slopes = nonnegative_on(Fraction(4, 3) - 1 / (1 - step), step, 0, quarter)
    yield Holds("-ln(1 - y) <= 4y/3 on [0, 1/4]: the slopes compare, both are 0 at 0", slopes)
    ratio, x = sympy.symbols("gamma x", positive=True)
    tail = ratio**2 / (1 - ratio)
    yield Identity("sum_(l>=2) gamma^l = gamma^2/(1-gamma)", ratio**2 + ratio * tail - tail)
    share = (1 - 2 * x * ratio) * sympy.exp(-sympy.Rational(4, 3) * x * tail)
    values = {float(g): float(share.subs({ratio: exact(g), x: exact(CURVATURE_RATIO)})) for g in KEPT}
    numbers = {f"lower bound of the share, gamma = {g}": value for g, value in values.items()}
    stays = positive_on(1 - 2 * step, step, 0, quarter)
    yield Holds(
        "share >= (1 - 2x gamma) exp(-4x gamma^2/(3(1-gamma))) > 0, every gamma < 1",
        stays,
        numbers=numbers,
        figure=_figure(),
    )
    yield Identity("-pi is the gradient, so the aggregate residual keeps that share", _stays(algorithm))


def _stays(algorithm: Algorithm) -> Expression:
    """Return π⁺ + g of a client with ρ = 0: zero says that the multiplier is minus the gradient."""
    import sympy

    client = symbolic_client(rho=sympy.Integer(0))
    return algorithm.local_step(client, sympy.Symbol("w")).multiplier + client.gradient


def _figure() -> Mapping[str, Any]:
    """Return the surviving share over γ for some σ⁰/r, by the recursion."""
    ratios = [k / 100 for k in range(50, 100)]
    curves = [
        {"label": f"σ⁰ = {kappa} r", "x": ratios, "y": [_share(1 / kappa, ratio) for ratio in ratios]}
        for kappa in (4, 8, 16)
    ]
    return {
        "title": "share of the first gradient that survives",
        "x_label": "γ",
        "y_label": "share",
        "log": "y",
        "curves": curves,
    }


def _share(x: float, ratio: float) -> float:
    last, here, step = 0.0, 1.0, x
    while step > 1e-18:
        step *= ratio
        last, here = here, (1 - 2 * step) * here + step * last
    return here


SHARE_CLAIMS = (
    symbolic_claim(
        "V2-share-is-a-basic-hypergeometric-series",
        "On one quadratic the share of the first gradient that survives geometric penalties is an explicit entire"
        " series.",
        Proof(
            _series,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "an explicit entire series": (
                    "a_n = y a_n - 2y a_(n-1) + y^2 a_(n-1), y = gamma^n: the terms solve the equation of A"
                )
            },
            arguments=(
                (
                    "the limit A of the polynomials e^l is locally uniform in x, hence"
                    " entire; shifting l by one gives A(x) ="
                    " (1-2 gamma x)A(gamma x) + gamma^2 x A(gamma^2 x), which fixes the coefficients"
                ),
            ),
        ),
        latex=r"$\lim_{\ell} \frac{\nabla F(w^\ell)}{\nabla F(w^0)} = \sum_{n=0}^{\infty}\prod_{k=1}^{n}"
        r"\frac{-x\gamma^k(2 - \gamma^k)}{1 - \gamma^k} = {}_1\phi_1(\frac{\gamma}{2}; 0; \gamma, 2\gamma x),"
        r"\quad x = \frac{r}{\sigma^0}$",
        hypotheses=("F = r(w-1)^2/2, rho = lambda = 0, cold start", "sigma grows before the client's step"),
        source="MATHEMATICS.md#V2",
    ),
    symbolic_claim(
        "V2-limit-is-stationary",
        "For a fixed gamma < 1 and initial penalties above some constant multiple of r the limit is stationary.",
        Proof(
            _never_stationary,
            PISA_EQUATIONS,
            Verdict.REFUTED,
            Replayed({"ratios": [0.75, 0.9, 0.99], "penalty": 8.0, "curvature": 1.0}, frozen_trial),
            conclusion={"> 0": "share >= (1 - 2x gamma) exp(-4x gamma^2/(3(1-gamma))) > 0, every gamma < 1"},
        ),
        latex=r"$\lim_\ell\frac{\nabla F(w^\ell)}{\nabla F(w^0)} \geq (1 - 2x\gamma)"
        r"\exp(-\frac{4x\gamma^2}{3(1-\gamma)}) > 0,\quad x = \frac{r}{\sigma^0} \leq \frac{1}{4}$",
        hypotheses=("F = r(w-1)^2/2, rho = lambda = 0, cold start", "every gamma < 1, every sigma^0 >= 4r"),
        source="MATHEMATICS.md#V2",
    ),
)
"""The share that survives."""
