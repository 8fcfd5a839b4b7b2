"""Methods that PISA is, exactly, in special cases: optimistic gradient, heavy ball on it, gradient steps."""

import dataclasses
from collections.abc import Iterator

from proofs_check.claim import Verdict
from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import PISA_EQUATIONS, Algorithm, plain_client, symbolic_client
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Fact, Identity, Sign
from proofs_check.kernel.proof import Proof, symbolic_claim

PLAIN = ("rho = 0, gamma = 1, lambda = 0", "any sigma_i > 0, any number of clients", "weights that sum to 1")


def _optimistic_gradient(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, after, last = sympy.symbols("w w_after g_last")
    client = plain_client()
    once = algorithm.local_step(dataclasses.replace(client, gradient=last), w)
    yield Identity("rho = 0: after a round pi = -g whatever pi was", once.multiplier + last)
    now = plain_client(multiplier=-last)
    twice = algorithm.local_step(now, w)
    wanted = now.penalty * (after - w) + 2 * now.gradient - last
    yield Identity("sigma dw + 2 g - g_last = R_i(w+) for every client", wanted - algorithm.residual(twice, after))
    start = plain_client(local=w, multiplier=sympy.Integer(0))
    still = algorithm.residual(start, after) - start.penalty * (after - w)
    yield Identity("cold start: the first server step leaves w where it is", still)
    first = algorithm.local_step(start, w)
    double = start.penalty * (after - w) + 2 * start.gradient
    yield Identity("cold start: the first move is -2 G/sigma, so g_last = 0", double - algorithm.residual(first, after))


def _warm_start(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, after = sympy.symbols("w w_after")
    client = plain_client(local=w)
    warm = dataclasses.replace(client, multiplier=-client.gradient)
    single = client.penalty * (after - w) + client.gradient
    yield Identity("the first move is -G(w0)/sigma", single - algorithm.residual(warm, after))
    optimistic = client.penalty * (after - w) + 2 * client.gradient - client.gradient
    yield Identity("which is the optimistic move with g_last = g", optimistic - single)
    moved = dataclasses.replace(warm, gradient=sympy.Symbol("g_now"))
    later = algorithm.local_step(moved, after)
    third = sympy.Symbol("w_third")
    wanted = client.penalty * (third - after) + 2 * moved.gradient - client.gradient
    yield Identity("and so is every later one", wanted - algorithm.residual(later, third))


def _heavy_ball(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    before, w, after, last, now = sympy.symbols("w_before w w_after g_last g_now")
    client = symbolic_client(ratio=sympy.Integer(1), ridge=sympy.Integer(0), gradient=last)
    first = algorithm.local_step(client, before)
    second = algorithm.local_step(dataclasses.replace(first, gradient=now), w)
    system = client.penalty + client.rho * client.curvature
    momentum, rate = client.rho * client.curvature / system, 1 / system
    wanted = (after - w) - momentum * (w - before) + rate * (2 * now - last)
    combined = algorithm.residual(second, after) - momentum * algorithm.residual(first, w)
    yield Identity("the recursion is [R(w+) - m R(w)]/sigma", client.penalty * wanted - combined)
    yield Identity("rate (1 - momentum)/sigma = 1/(sigma + rho q)", rate - (1 - momentum) / client.penalty)
    yield Sign("0 < momentum", momentum, Orthant(), strict=True)
    yield Sign("momentum < 1", 1 - momentum, Orthant(), strict=True)
    yield Identity("rho = 0: no momentum, the optimistic gradient method", momentum.subs(client.rho, 0))


def _constant_gradient(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, after, bound = sympy.Symbol("w"), sympy.Symbol("w_after"), sympy.Symbol("eta", positive=True)
    client = symbolic_client(ratio=sympy.Integer(1), ridge=sympy.Integer(0))
    sent = algorithm.local_step(client, w)
    bent = client.rho * client.curvature
    shrink = bent / (client.penalty + bent)
    error, next_error = client.multiplier + client.gradient, sent.multiplier + client.gradient
    yield Identity("e = pi + g obeys e+ = (1 - M) e", next_error - shrink * error)
    slack = client.rho * bound / (client.penalty + client.rho * bound) - shrink
    t = sympy.Symbol("t", positive=True)
    room = slack.subs(bound, client.curvature + t)
    yield Sign("1 - M <= rho eta/(sigma + rho eta) for q <= eta", room, Orthant())
    yield Sign("which is < 1, so e -> 0 geometrically", _gap(client.penalty, client.rho, t), Orthant(), strict=True)
    wanted = client.penalty * (after - w) + client.gradient - (2 * next_error - error)
    yield Identity("sigma dw = -g + 2e+ - e", wanted - algorithm.residual(sent, after))


def _gap(penalty: Expression, rho: Expression, bound: Expression) -> Expression:
    return 1 - rho * bound / (penalty + rho * bound)


EQUIVALENCE_CLAIMS = (
    symbolic_claim(
        "I4-optimistic-gradient",
        "Without a preconditioner PISA with constant penalties is the optimistic gradient method, whether or not the"
        " clients' penalties are equal.",
        Proof(
            _optimistic_gradient,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                (
                    "PISA with constant penalties is the optimistic gradient method"
                ): "sigma dw + 2 g - g_last = R_i(w+) for every client"
            },
            arguments=(
                "sum over the clients with alpha_i: the server's equation sum alpha_i R_i(w+) = 0 gives the step",
            ),
        ),
        latex=r"$w^{\ell+1} = w^\ell - \frac{1}{\bar\sigma}(2G^\ell - G^{\ell-1}),"
        r"\quad \bar\sigma = \sum_i\alpha_i\sigma_i,"
        r"\ G = \sum_i\alpha_i g_i$",
        hypotheses=PLAIN,
        source="MATHEMATICS.md#I4",
    ),
    symbolic_claim(
        "I4-warm-start",
        "From the warm start every move is the optimistic one, the first with the last gradient equal to the present.",
        Proof(
            _warm_start,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "the first with the last gradient equal to the present": "which is the optimistic move with g_last = g",
                "every move is the optimistic one": "and so is every later one",
            },
        ),
        latex=r"$\pi_i^0 = -\nabla F_i(w^0):\quad w^1 = w^0 - G^0/\bar\sigma,\quad"
        r" w^{\ell+1} = w^\ell - \frac{1}{\bar\sigma}(2G^\ell - G^{\ell-1})$",
        hypotheses=PLAIN,
        source="MATHEMATICS.md#I4",
    ),
    symbolic_claim(
        "heavy-ball-on-optimistic-gradient",
        "With a constant preconditioner PISA is heavy ball on the optimistic gradient: rate 1/(sigma + rho q), momentum"
        " rho q/(sigma + rho q) per eigendirection.",
        Proof(
            _heavy_ball,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "heavy ball on the optimistic gradient": "the recursion is [R(w+) - m R(w)]/sigma",
                "rate 1/(sigma + rho q)": "rate (1 - momentum)/sigma = 1/(sigma + rho q)",
            },
            arguments=("with one m for all clients the sum over clients of both residuals vanishes",),
        ),
        latex=r"$w^{\ell+1} - w^\ell = \frac{\rho q}{\sigma + \rho q}(w^\ell - w^{\ell-1})"
        r" - \frac{1}{\sigma + \rho q}(2G^\ell - G^{\ell-1})$",
        hypotheses=(
            "sigma_i and rho_i Q_i equal for all clients and constant, Q symmetric",
            "gamma = 1, lambda = 0",
        ),
        source="derived from MATHEMATICS.md#I3",
    ),
    symbolic_claim(
        "constant-gradient-gives-gradient-steps",
        "Under a constant gradient the step of SISA, or of any preconditioner below eta, tends to -g/sigma: Q"
        " changes the momentum and not the rate.",
        Proof(
            _constant_gradient,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={"tends to -g/sigma": "sigma dw = -g + 2e+ - e"},
            arguments=("e -> 0 geometrically and the sum over the clients with alpha_i gives the limit",),
        ),
        latex=r"$g_i\ \mathrm{constant}:\quad w^{\ell+1} - w^\ell"
        r" \rightarrow -\frac{\sum_i\alpha_i g_i}{\sum_i\alpha_i\sigma_i}$",
        hypotheses=("0 <= Q_i^l <= eta I, free to change with l", "sigma_i constant, lambda = 0"),
        source="MATHEMATICS.md#I3",
    ),
)
"""The equivalences."""
