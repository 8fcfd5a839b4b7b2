"""Geometric penalties: the steps are summable whatever the gradients are, and carry the gradient at the limit."""

from collections.abc import Iterator

from proofs_check.claim import Verdict
from proofs_check.symbolic.algebra import nonnegative_on_orthant
from proofs_check.symbolic.algorithm import PISA_EQUATIONS, Algorithm, symbolic_client
from proofs_check.symbolic.facts import Fact, Proof, symbolic_claim


def _summable(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, after = sympy.symbols("w w_after")
    ridge, bound, eta, t, reach, power = sympy.symbols("lambda B eta t W gamma_l", positive=True)
    client = symbolic_client()
    sent = algorithm.local_step(client, w)
    yield Fact("sigma+ = sigma/gamma: 1/sigma^l = gamma^l/sigma^0", sent.penalty * client.ratio - client.penalty)
    bent = client.rho * client.curvature
    keep = bent / (sent.penalty + bent)
    average = keep * client.multiplier - (1 - keep) * client.gradient
    yield Fact("pi+ = (I-M) pi - M g", sent.multiplier - average)
    shrink = client.rho * eta / (client.penalty + client.rho * eta)
    symbols = (client.penalty, client.rho, client.curvature, t, client.ratio)
    room = shrink.subs(eta, client.curvature + t) - bent / (client.penalty + bent)
    yield Fact("|I-M| <= k = rho eta/(sigma+rho eta) for Q <= eta", nonnegative_on_orthant(room, *symbols))
    slack = keep.subs(client.ratio, 1) - keep.subs(client.ratio, 1 / (1 + t))
    yield Fact("and I-M only falls as sigma grows", nonnegative_on_orthant(slack, *symbols[:4]))
    ceiling = bound * (client.penalty + client.rho * eta) / client.penalty
    yield Fact("|g| <= B keeps |pi| <= P = B(sigma+rho eta)/sigma: k P + B = P", shrink * ceiling + bound - ceiling)
    wanted = (sent.penalty + client.ridge) * (after - w) + client.ridge * w - (2 * sent.multiplier - client.multiplier)
    yield Fact("(sigma+lambda) dw = sum alpha (2 pi - pi_last) - lambda w", wanted - algorithm.residual(sent, after))
    kept = 1 - client.penalty / (client.penalty + ridge)
    yield Fact("so |w+| <= |w| + 3P/sigma", nonnegative_on_orthant(kept, client.penalty, ridge))
    tail = power / (1 - client.ratio) - client.ratio * power / (1 - client.ratio) - power
    yield Fact("sum_(k>=l) gamma^k = gamma^l/(1-gamma): |dw| <= C gamma^l, |w - w_inf| <= C gamma^l/(1-gamma)", tail)
    slope, force = sympy.symbols("r c", positive=True)
    grown = reach + force * power * (bound + slope * reach) + bound / slope
    product = (reach + bound / slope) * (1 + force * slope * power)
    yield Fact("|g| <= B + r|w - w0|: the reach grows by prod (1 + c r gamma^l) < exp(c r/(1-gamma))", grown - product)


def _aggregate_limit(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, after, last = sympy.symbols("w w_after g_last")
    client = symbolic_client()
    sent = algorithm.local_step(client, w)
    error, last_error = sent.multiplier + client.gradient, client.multiplier + last
    wanted = (sent.penalty + client.ridge) * (after - w) + client.ridge * w + client.gradient
    wanted -= 2 * error - last_error + (last - client.gradient)
    yield Fact(
        "(sigma+lambda) dw + lambda w + g = 2e - e_last + (g_last - g), e = pi+ + g",
        wanted - algorithm.residual(sent, after),
    )
    bent = client.rho * client.curvature
    keep = bent / (sent.penalty + bent)
    yield Fact("e = (I-M)(pi + g)", error - keep * (client.multiplier + client.gradient))
    room = bent / (client.penalty / client.ratio) - keep
    symbols = (client.penalty, client.ratio, client.rho, client.curvature)
    yield Fact("|I-M| <= rho eta/sigma", nonnegative_on_orthant(room, *symbols))
    yield Fact("which tends to 0: e -> 0 while pi and g are bounded", sympy.limit(keep, client.penalty, sympy.oo))
    moved = sent.penalty * sent.deviation - (sent.multiplier - client.multiplier)
    yield Fact("consensus residual d = (pi+ - pi)/sigma -> 0", moved)
    yield Fact("local residual e + F'(w_i) - g -> 0 with d, e", sent.local - w - sent.deviation)


LIMIT_CLAIMS = (
    symbolic_claim(
        "V1-steps-are-summable",
        "With penalties that grow by 1/gamma the steps are bounded by C gamma^l whatever the bounded gradients are, so"
        " the rate is the penalties' and says nothing of optimisation.",
        Proof(_summable, PISA_EQUATIONS, Verdict.PROVED),
        latex=r"$\|w^{\ell+1} - w^\ell\| \leq \frac{3P + \lambda R}{\sigma^0}\gamma^\ell,\quad"
        r" P = B\frac{\sigma^0 + \rho\eta}{\sigma^0},\quad R = \|w^0\| + \frac{3P}{\sigma^0(1-\gamma)}$",
        hypotheses=(
            "gamma < 1, the same for all clients; sigma^0 = sum alpha_i sigma_i^0",
            "gradients bounded by B, or by B + r|w - w0| (then with a larger C); they may be pure noise",
            "0 <= Q_i <= eta I, norms of symmetric matrices",
        ),
        source="MATHEMATICS.md#V1",
    ),
    symbolic_claim(
        "V2-steps-carry-the-residual",
        "With growing penalties the scaled step tends to minus the gradient at the limit, and nothing makes it 0.",
        Proof(_aggregate_limit, PISA_EQUATIONS, Verdict.PROVED),
        latex=r"$(\sum_i\alpha_i\sigma_i + \lambda)\,\Delta w \rightarrow -\nabla F_\lambda(w^\infty)$",
        hypotheses=("full gradients, continuous", "gamma < 1, 0 <= Q_i <= eta I", "the iterates converge (V1)"),
        source="MATHEMATICS.md#V2",
    ),
)
"""The limits under geometric penalties."""
