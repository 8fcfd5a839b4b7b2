"""What the cold start π⁰ = 0 costs: no rate uniform in heterogeneity (V6), no bound by the first gap (V7)."""

import dataclasses
from collections.abc import Callable, Iterator
from fractions import Fraction

from proofs_check.claim import Verdict
from proofs_check.kernel.algebra import Expression, exact, numerator, positive_on_orthant, same
from proofs_check.kernel.algorithm import PISA_EQUATIONS, Algorithm, Client, starting_client, symbolic_client
from proofs_check.kernel.facts import Fact, Holds, Identity
from proofs_check.kernel.proof import Proof, Replayed, symbolic_claim
from proofs_check.measured.uniformity import ridge_trial, uniform_trial

PENALTY, RHOS, ROUNDS, SPREAD = Fraction(3), (Fraction(0), Fraction(2)), 10, Fraction(1000)
"""MATHEMATICS.md#V6: f_i = ±b x + x²/2, σ = 3, ρ = (0, 2), Q = I, N = 10, b = 1000."""


def _pair(start: Fraction, multipliers: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))) -> list[Client]:
    one = Fraction(1)
    shared = {"penalty": PENALTY, "ratio": one, "curvature": one, "ridge": 0 * one, "gradient": 0 * one}
    return [
        Client(weight=one / 2, local=start, rho=rho, multiplier=multiplier, **shared)
        for rho, multiplier in zip(RHOS, multipliers, strict=True)
    ]


def _opposed(spread: Fraction) -> Callable[[int, Expression], Expression]:
    return lambda index, w: (spread if index == 0 else -spread) + w


def _points(algorithm: Algorithm, clients: list[Client], spread: Fraction, rounds: int) -> list[Fraction]:
    """Return the server's points of ``rounds`` rounds; the first is where the first gradient is taken."""
    points = []
    for _ in range(rounds):
        w, clients = algorithm.round(clients, _opposed(spread))
        points.append(w)
    return points


def _characteristic(algorithm: Algorithm) -> tuple[Expression, Expression]:
    """Return det(zI − T) of the pair's round on its homogeneous part, without the factor z², and z."""
    import sympy

    z = sympy.Symbol("z")
    state = sympy.symbols("w_1 w_2 pi_1 pi_2")
    clients = [
        dataclasses.replace(
            client,
            weight=sympy.Rational(1, 2),
            local=local,
            multiplier=multiplier,
            **{name: exact(getattr(client, name)) for name in ("penalty", "ratio", "rho", "curvature", "ridge")},
        )
        for client, local, multiplier in zip(_pair(Fraction(0)), state[:2], state[2:], strict=True)
    ]
    _, after = algorithm.round(clients, lambda index, w: w)
    image = [c.local for c in after] + [c.multiplier for c in after]
    polynomial = numerator((z * sympy.eye(4) - sympy.Matrix(image).jacobian(state)).det())
    return sympy.Poly(polynomial, z), z


def _no_uniform_rate(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    still = _points(algorithm, _pair(Fraction(1)), Fraction(0), ROUNDS + 1)
    pushed = _points(algorithm, _pair(Fraction(0)), Fraction(1), ROUNDS + 1)
    replayed = _points(algorithm, _pair(Fraction(1)), SPREAD, ROUNDS + 1)
    linear = all(w == a + SPREAD * c for w, a, c in zip(replayed, still, pushed, strict=True))
    yield Holds("w_k = a_k + b c_k in the replay", linear and replayed[0] == 1)
    smallest = min(w**2 for w in replayed)
    numbers = {"min w_k^2, k <= 10, b = 1000": float(smallest), "w_10": float(replayed[-1])}
    yield Holds("b = 1000: every |F'(w_k)|^2, k <= 10, is >= 2(F(w_0) - F*) = 1", smallest >= 1, numbers=numbers)
    polynomial, z = _characteristic(algorithm)
    wanted = sympy.Poly(z * (15 * z**3 - 13 * z**2 + 1), z)
    yield Holds(
        "char poly z(15z^3 - 13z^2 + 1): 15 c_(k+1) = 13 c_k - c_(k-2)", polynomial.monic() - wanted.monic() == 0
    )
    pulled = [-c for c in pushed]
    follows = all(15 * pulled[k + 1] == 13 * pulled[k] - pulled[k - 2] for k in range(3, ROUNDS))
    yield Holds("the replay follows it", follows)
    yield Holds("c_1, ..., c_5 < 0", all(x > 0 for x in pulled[1:6]))
    ratios = all(2 * pulled[k + 1] >= pulled[k] for k in (3, 4, 5))
    yield Holds("c_(k+1)/c_k >= 1/2 for k = 3, 4, 5", ratios)
    kept = Fraction(13, 15) - Fraction(1, 15) / Fraction(1, 4)
    yield Holds(
        "which is kept: 13/15 - (1/15)/(1/2)^2 = 3/5 >= 1/2; so c_k < 0 for every k >= 1", kept >= Fraction(1, 2)
    )
    needed = max((1 + abs(a)) / x for a, x in zip(still[1:], pulled[1:], strict=True))
    yield Holds(
        "so b >= max (1 + |a_k|)/|c_k| does it, for every N", needed > 0, numbers={"enough b at N = 10": float(needed)}
    )
    cubic = sympy.Poly(15 * z**3 - 13 * z**2 + 1, z)
    outside = cubic.eval(1) != 0 and cubic.eval(-1) != 0
    yield Holds("its three roots are in (-1, 1): a fixed b converges later", cubic.count_roots(-1, 1) == 3 and outside)
    warm = _points(algorithm, _pair(Fraction(0), (-SPREAD, SPREAD)), SPREAD, 4)
    yield Holds("the warm start takes b out: from w = 0 it stays there", all(w == 0 for w in warm))


def _ridge_start(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    centre, t = sympy.symbols("c t", positive=True)
    one, zero = sympy.Integer(1), sympy.Integer(0)
    start = centre / (1 + sympy.Symbol("lambda", positive=True))
    client = starting_client(start, weight=one, ratio=one, rho=zero, curvature=one)
    penalty, ridge = client.penalty, client.ridge
    yield from _every_round(algorithm)
    value = (start - centre) + ridge * start
    yield Identity("w^0 = c/(1+lambda) is the minimiser: F_lambda(w^0) - F* = 0", value)
    errors, clients = [], [client]
    for _ in range(3 if effort == "quick" else 5):
        w, clients = algorithm.symbolic_round(clients, lambda index, point: point - centre)
        errors.append(sympy.cancel((w - start) / centre))
    yield Identity(
        "e_1 = w^1 - w^0 = -lambda c/((sigma+lambda)(1+lambda))", errors[0] + ridge / (penalty + ridge) / (1 + ridge)
    )
    yield Identity("e_2 = -(2+lambda)/(sigma+lambda) e_1", errors[1] + (2 + ridge) / (penalty + ridge) * errors[0])
    for k in range(2, len(errors)):
        step = (penalty + ridge) * errors[k] - (penalty - 2) * errors[k - 1] - errors[k - 2]
        yield Identity(f"(sigma+lambda) e_{k + 1} = (sigma-2) e_{k} + e_{k - 1}", step)
    later = [sympy.cancel(-e / errors[0]).subs(penalty, 4 + t) for e in errors[1:3]]
    same_sign = all(positive_on_orthant(e, ridge, t) for e in later)
    yield Holds("sigma > 4: e_2 and e_3 have one sign, and (sigma-2), 1 > 0 keep it: e_k is not 0 for any k", same_sign)
    numbers = {
        f"F'(w^{k + 1})/c, sigma = 8, lambda = 1": float(2 * e.subs({penalty: 8, ridge: 1}))
        for k, e in enumerate(errors)
    }
    free = all(same(sympy.diff(e, centre), 0) for e in errors)
    yield Holds(
        "e_k/c is free of c: min over k <= N of |F_lambda'|^2 is c^2 times a positive number", free, numbers=numbers
    )
    warm = dataclasses.replace(client, multiplier=-(start - centre))
    stays, _ = algorithm.round([warm], lambda index, point: point - centre)
    yield Identity("the warm start stays at the minimiser", stays - start)


def _every_round(algorithm: Algorithm) -> Iterator[Fact]:
    import sympy

    w, after, last = sympy.symbols("w w_after g_last")
    client = symbolic_client(rho=sympy.Integer(0), ratio=sympy.Integer(1), multiplier=-last)
    sent = algorithm.local_step(client, w)
    wanted = (client.penalty + client.ridge) * (after - w) + client.ridge * w + 2 * client.gradient - last
    every = wanted - algorithm.residual(sent, after)
    yield Identity("every round: (sigma+lambda) dw = -(2g - g_last) - lambda w", every)


START_CLAIMS = (
    symbolic_claim(
        "V6-uniform-rate",
        "With unequal rho_i and the cold start a rate holds that is uniform in the clients' heterogeneity.",
        Proof(
            _no_uniform_rate,
            PISA_EQUATIONS,
            Verdict.REFUTED,
            Replayed({"rounds": 10, "slope": 1000.0}, uniform_trial),
            conclusion={r"\geq 2L": "b = 1000: every |F'(w_k)|^2, k <= 10, is >= 2(F(w_0) - F*) = 1"},
            arguments=("c_k < 0 for every k >= 1 makes |w_k| = |a_k + b c_k| as large as wanted for every N",),
        ),
        latex=r"$\forall N\ \exists b:\ \min_{k\leq N}\|\nabla F(w^k)\|^2 \geq 2L(F(w^0) - F^\star),\quad"
        r" f_i = \pm bx + \frac{1}{2}x^2$",
        hypotheses=("sigma = 3, rho = (0, 2), Q = I, gamma = 1, lambda = 0, alpha = (1/2, 1/2)", "full gradients"),
        source="MATHEMATICS.md#V6",
    ),
    symbolic_claim(
        "V7-bound-from-the-first-gap",
        "With a ridge and the cold start the smallest gradient has a bound in terms of the first gap alone.",
        Proof(
            _ridge_start,
            PISA_EQUATIONS,
            Verdict.REFUTED,
            Replayed({"centre": 1000.0, "rounds": 5}, ridge_trial),
            conclusion={
                "K_N > 0": "sigma > 4: e_2 and e_3 have one sign, and (sigma-2), 1 > 0 keep it: e_k is not 0 for any k"
            },
        ),
        latex=r"$F_\lambda(w^0) = F_\lambda^\star,\quad \min_{1\leq k\leq N}\|\nabla F_\lambda(w^k)\|^2 = K_N c^2,"
        r"\ K_N > 0,\quad"
        r" F = \frac{1}{2}(w - c)^2$",
        hypotheses=("sigma > 4, lambda > 0, rho = 0, gamma = 1", "started at the minimiser, c free"),
        source="MATHEMATICS.md#V7",
    ),
)
"""The claims about the start."""
