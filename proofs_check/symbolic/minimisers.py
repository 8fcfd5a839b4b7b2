"""Each half-step is the exact minimiser that it claims to be, and the fixed points of a round are the KKT points."""

from collections.abc import Iterator

from proofs_check.claim import Verdict
from proofs_check.kernel.algebra import is_zero, positive_on_orthant
from proofs_check.kernel.algorithm import PISA_EQUATIONS, Algorithm, symbolic_client
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Fact, Holds, Identity, Sign
from proofs_check.kernel.proof import Proof, symbolic_claim
from proofs_check.symbolic.identities import lagrangian


def _server_step(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, value = sympy.symbols("w F")
    client = symbolic_client()
    part = lagrangian(client, w, client.local, value)
    slope = sympy.diff(part, w) - algorithm.residual(client, w)
    yield Identity("dL_i/dw = R_i(w), so sum alpha R = 0 is stationarity of L in w", slope)
    curvature = sympy.diff(part, w, 2)
    yield Identity("d2L_i/dw2 = sigma + lambda", curvature - client.penalty - client.ridge)
    unique = positive_on_orthant(curvature, client.penalty, client.ridge)
    yield Holds("which is > 0: the minimiser is unique", unique)


def _local_step(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, x = sympy.symbols("w x")
    client = symbolic_client()
    after = algorithm.local_step(client, w)
    grown = client.penalty / client.ratio
    metric = grown + client.rho * client.curvature
    model = (client.gradient + client.multiplier) * (x - w) + metric / 2 * (x - w) ** 2
    yield Identity("w_i+ is stationary for the linearised model", sympy.diff(model, x).subs(x, after.local))
    yield Sign("the model's curvature sigma+ + rho q is > 0", metric, Orthant(), strict=True)
    gain = (client.multiplier + client.gradient) ** 2 / (2 * metric)
    yield Identity("it lowers the model by |pi + g|^2/(2(sigma+ + rho q))", model.subs(x, after.local) + gain)


def _multiplier_step(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, value, dual = sympy.symbols("w F dual")
    client = symbolic_client()
    after = algorithm.local_step(client, w)
    part = lagrangian(symbolic_client(multiplier=dual), w, after.local, value)
    ascent = client.penalty / client.ratio * sympy.diff(part, dual)
    yield Identity("pi+ - pi = sigma+ dL/dpi at (w+, w_i+)", after.multiplier - client.multiplier - ascent)


def _fixed_points(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w = sympy.Symbol("w")
    client = symbolic_client()
    kkt = symbolic_client(local=w, multiplier=-client.gradient)
    after = algorithm.local_step(kkt, w)
    yield Identity("at a KKT point the client's step is 0", after.deviation)
    yield Identity("and its multiplier stays", after.multiplier - kkt.multiplier)
    aggregate = client.ridge * w + client.gradient
    yield Identity("and R_i(w) is its part of the aggregate residual", algorithm.residual(kkt, w) - aggregate)
    moved = algorithm.local_step(client, w)
    change = sympy.cancel((moved.multiplier - client.multiplier) / moved.deviation)
    free = positive_on_orthant(change, client.penalty, client.ratio)
    yield Holds("pi+ = pi only if d = 0: (pi+ - pi)/d is sigma+ > 0", free)
    metric = sympy.cancel((client.multiplier + client.gradient) / moved.deviation)
    yield Sign("d = 0 only if pi + g = 0: -(pi + g)/d is > 0", -metric, Orthant(), strict=True)
    rest = symbolic_client(local=w)
    at_rest = algorithm.residual(rest, w) - (client.ridge * w - client.multiplier)
    yield Identity("with d = 0 and w+ = w the server says lambda w = sum alpha pi", at_rest)
    two_of_three = is_zero(aggregate.subs({client.ridge: 0}))
    yield Holds("local and consensus residuals 0 do not make the aggregate one 0", not two_of_three)


MINIMISER_CLAIMS = (
    symbolic_claim(
        "server-step-is-the-minimiser",
        "The server's step is the unique minimiser of the augmented Lagrangian over w.",
        Proof(
            _server_step,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "minimiser of the augmented Lagrangian over w": (
                    "dL_i/dw = R_i(w), so sum alpha R = 0 is stationarity of L in w"
                ),
                "unique": "which is > 0: the minimiser is unique",
            },
        ),
        latex=r"$w^{\ell+1} = \arg\min_w L(w, W^\ell, \Pi^\ell; \sigma^\ell)$",
        hypotheses=("sigma_i > 0, lambda >= 0", "weights that sum to 1"),
        source="MATHEMATICS.md#algorithm",
        provenance="reconstructed",
    ),
    symbolic_claim(
        "local-step-is-the-minimiser",
        "The client's step is the unique minimiser of the Lagrangian linearised at w with the metric rho Q added.",
        Proof(
            _local_step,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "minimiser of the Lagrangian linearised at w": "w_i+ is stationary for the linearised model",
                "unique": "the model's curvature sigma+ + rho q is > 0",
            },
        ),
        latex=r"$w_i^{\ell+1} = \arg\min_x\ \langle g_i + \pi_i, x - w\rangle"
        r" + \frac{1}{2}\|x - w\|^2_{\sigma_i I + \rho_i Q_i}$",
        hypotheses=("Q_i symmetric positive semidefinite: components in an eigenbasis", "sigma_i > 0, rho_i >= 0"),
        source="MATHEMATICS.md#algorithm",
        provenance="reconstructed",
    ),
    symbolic_claim(
        "multiplier-step-is-dual-ascent",
        "The multiplier's step is a gradient ascent step on the augmented Lagrangian with step length the penalty.",
        Proof(
            _multiplier_step,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                (
                    "gradient ascent step on the augmented Lagrangian with step length the penalty"
                ): "pi+ - pi = sigma+ dL/dpi at (w+, w_i+)"
            },
        ),
        latex=r"$\pi_i^{\ell+1} = \pi_i^\ell + \sigma_i^{\ell+1}\,\partial L/\partial \pi_i$",
        hypotheses=("any Q_i", "dL/dpi_i is that of client i's term of L, over its weight alpha_i"),
        source="MATHEMATICS.md#algorithm",
        provenance="reconstructed",
    ),
    symbolic_claim(
        "fixed-points-are-KKT-points",
        "A state that a full-gradient round leaves as it is satisfies the three KKT conditions, and conversely.",
        Proof(
            _fixed_points,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "satisfies the three KKT conditions": "d = 0 only if pi + g = 0: -(pi + g)/d is > 0",
                "and conversely": "at a KKT point the client's step is 0",
            },
        ),
        latex=r"$(w, W, \Pi)^+ = (w, W, \Pi)"
        r"\ \Leftrightarrow\ \nabla F_i(w_i) + \pi_i = 0,\ w_i = w,\ \lambda w = \sum_i\alpha_i\pi_i$",
        hypotheses=("full gradients", "Q_i symmetric positive semidefinite", "finite sigma_i > 0"),
        source="MATHEMATICS.md#problem",
    ),
)
"""The minimisers and the fixed points."""
