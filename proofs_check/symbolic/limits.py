"""Geometric penalties: the steps are summable whatever the gradients are, and carry the gradient at the limit."""

from collections.abc import Iterator

from proofs_check.claim import Verdict
from proofs_check.kernel.algebra import Expression
from proofs_check.kernel.algorithm import PISA_EQUATIONS, Algorithm, symbolic_client
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign
from proofs_check.kernel.proof import Proof, symbolic_claim


def _summable(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, after = sympy.symbols("w w_after")
    ridge, bound, eta, t, reach, power = sympy.symbols("lambda B eta t W gamma_l", positive=True)
    client = symbolic_client()
    sent = algorithm.local_step(client, w)
    yield Identity("sigma+ = sigma/gamma: 1/sigma^l = gamma^l/sigma^0", sent.penalty * client.ratio - client.penalty)
    bent = client.rho * client.curvature
    keep = bent / (sent.penalty + bent)
    average = keep * client.multiplier - (1 - keep) * client.gradient
    yield Identity("pi+ = (I-M) pi - M g", sent.multiplier - average)
    shrink = client.rho * eta / (client.penalty + client.rho * eta)
    room = shrink.subs(eta, client.curvature + t) - bent / (client.penalty + bent)
    yield Sign("|I-M| <= k = rho eta/(sigma+rho eta) for Q <= eta", room, Orthant())
    slack = keep.subs(client.ratio, 1) - keep.subs(client.ratio, 1 / (1 + t))
    yield Sign("and I-M only falls as sigma grows", slack, Orthant())
    ceiling = bound * (client.penalty + client.rho * eta) / client.penalty
    yield Identity(
        "|g| <= B keeps |pi_i| <= P_i = B(sigma_i+rho_i eta)/sigma_i: k P + B = P", shrink * ceiling + bound - ceiling
    )
    yield from _pull(ceiling)
    wanted = (sent.penalty + client.ridge) * (after - w) + client.ridge * w - (2 * sent.multiplier - client.multiplier)
    yield Identity(
        "(sigma+lambda) dw = sum alpha (2 pi - pi_last) - lambda w", wanted - algorithm.residual(sent, after)
    )
    kept = 1 - client.penalty / (client.penalty + ridge)
    yield Sign("so |w+| <= |w| + 3P gamma^l/sigma^0", kept, Orthant())
    tail = power / (1 - client.ratio) - client.ratio * power / (1 - client.ratio) - power
    yield Identity(
        "sum_(k>=l) gamma^k = gamma^l/(1-gamma): |dw| <= C gamma^l, |w - w_inf| <= C gamma^l/(1-gamma)", tail
    )
    slope, force = sympy.symbols("r c", positive=True)
    grown = reach + force * power * (bound + slope * reach) + bound / slope
    product = (reach + bound / slope) * (1 + force * slope * power)
    yield Identity(
        "|g| <= B + r|w - w0|: the reach grows by prod (1 + c r gamma^l) < exp(c r/(1-gamma))", grown - product
    )


def _pull(ceiling: Expression) -> Iterator[Fact]:
    """Yield that every client pulls with at most 3P_i, and all together with 3P, P the mean of the P_i."""
    import sympy

    before, after, pull, mean, total = sympy.symbols("pi_norm pi_norm_after pull_norm mean_pull P", positive=True)
    name = "|g| <= B keeps |pi_i| <= P_i = B(sigma_i+rho_i eta)/sigma_i: k P + B = P"
    uses = (
        (2, Inequality("|pi_i+| <= P_i", ceiling - after, "by induction over the rounds", (name,))),
        (1, Inequality("|pi_i| <= P_i", ceiling - before, "by induction over the rounds", (name,))),
        (1, Inequality("|2 pi+ - pi| <= 2|pi+| + |pi|", 2 * after + before - pull, "triangle inequality")),
    )
    one = Certificate("|2 pi_i+ - pi_i| <= 3 P_i", 3 * ceiling - pull, uses)
    each = Consequence("client by client", 3 * total - mean, one, means={total: ceiling, mean: pull})
    yield from (
        one,
        Certificate("sum alpha_i |2 pi_i+ - pi_i| <= 3 P, P = sum alpha_i P_i", 3 * total - mean, ((1, each),)),
    )


def _aggregate_limit(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, after, last = sympy.symbols("w w_after g_last")
    client = symbolic_client()
    sent = algorithm.local_step(client, w)
    error, last_error = sent.multiplier + client.gradient, client.multiplier + last
    wanted = (sent.penalty + client.ridge) * (after - w) + client.ridge * w + client.gradient
    wanted -= 2 * error - last_error + (last - client.gradient)
    yield Identity(
        "(sigma+lambda) dw + lambda w + g = 2e - e_last + (g_last - g), e = pi+ + g",
        wanted - algorithm.residual(sent, after),
    )
    bent = client.rho * client.curvature
    keep = bent / (sent.penalty + bent)
    yield Identity("e = (I-M)(pi + g)", error - keep * (client.multiplier + client.gradient))
    room = bent / (client.penalty / client.ratio) - keep
    yield Sign("|I-M| <= rho eta/sigma", room, Orthant())
    yield Identity("which tends to 0: e -> 0 while pi and g are bounded", sympy.limit(keep, client.penalty, sympy.oo))
    moved = sent.penalty * sent.deviation - (sent.multiplier - client.multiplier)
    yield Identity("consensus residual d = (pi+ - pi)/sigma -> 0", moved)
    yield Identity("local residual e + F'(w_i) - g -> 0 with d, e", sent.local - w - sent.deviation)


LIMIT_CLAIMS = (
    symbolic_claim(
        "V1-steps-are-summable",
        "With penalties that grow by 1/gamma the steps are bounded by C gamma^l whatever the bounded gradients are, so"
        " the rate is the penalties' and says nothing of optimisation.",
        Proof(
            _summable,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "P = sum alpha_i P_i": "sum alpha_i |2 pi_i+ - pi_i| <= 3 P, P = sum alpha_i P_i",
                "bounded by C gamma^l": "(sigma+lambda) dw = sum alpha (2 pi - pi_last) - lambda w",
            },
            arguments=("the server's equation is the mean of the clients'; |w| <= R by summing 3P gamma^l/sigma^0",),
        ),
        latex=r"$\|w^{\ell+1} - w^\ell\| \leq \frac{3P + \lambda R}{\sigma^0}\gamma^\ell,\quad"
        r" P = \sum_i\alpha_i B\frac{\sigma_i^0 + \rho_i\eta}{\sigma_i^0},"
        r"\quad R = \|w^0\| + \frac{3P}{\sigma^0(1-\gamma)}$",
        hypotheses=(
            "gamma < 1, the same for all clients; sigma^0 = sum alpha_i sigma_i^0, the sigma_i^0 may differ",
            "C = (3P + lambda R)/sigma^0, P = sum alpha_i P_i, P_i = B(sigma_i^0 + rho_i eta)/sigma_i^0,"
            " R = |w^0| + 3P/(sigma^0 (1-gamma))",
            "cold start (or |pi_i^0| <= P_i)",
            "gradients bounded by B, or by B + r|w - w0| (then with a larger C); they may be pure noise",
            "0 <= Q_i <= eta I, norms of symmetric matrices",
        ),
        source="MATHEMATICS.md#V1",
    ),
    symbolic_claim(
        "V2-steps-carry-the-residual",
        "With growing penalties the scaled step tends to minus the gradient at the limit, and nothing makes it 0.",
        Proof(
            _aggregate_limit,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                ("the scaled step tends to minus the gradient at the limit"): (
                    "(sigma+lambda) dw + lambda w + g = 2e - e_last + (g_last - g), e = pi+ + g"
                )
            },
            arguments=(
                (
                    "e_i -> 0 and g_last - g -> 0 because the iterates converge and the"
                    " gradients are continuous; then the sum over clients"
                ),
            ),
        ),
        latex=r"$(\sum_i\alpha_i\sigma_i + \lambda)\,\Delta w \rightarrow -\nabla F_\lambda(w^\infty)$",
        hypotheses=("full gradients, continuous", "gamma < 1, 0 <= Q_i <= eta I", "the iterates converge (V1)"),
        source="MATHEMATICS.md#V2",
    ),
)
"""The limits under geometric penalties."""
