"""MATHEMATICS.md#identities, the identities of one round: I1, I2, I3, I5, I7."""

import dataclasses
from collections.abc import Iterator, Sequence

from proofs_check.claim import Verdict
from proofs_check.kernel.algebra import (
    Expression,
    is_zero,
    numerator,
)
from proofs_check.kernel.algorithm import PISA_EQUATIONS, Algorithm, Client, symbolic_client
from proofs_check.kernel.domains import Orthant
from proofs_check.kernel.facts import Fact, Holds, Identity, Sign
from proofs_check.kernel.proof import Proof, symbolic_claim

EIGEN = "each Q_i symmetric: components in an eigenbasis of Q_i"


def _matrix_solve(algorithm: Algorithm) -> tuple[Client, Expression, Expression]:
    """Return a client with non-commutative Q, π, d, its grown penalty and its π⁺; g is eliminated by the solve."""
    import sympy

    curvature, deviation, multiplier = sympy.symbols("Q d pi", commutative=False)
    client, w = symbolic_client(curvature=curvature, multiplier=multiplier), sympy.Symbol("w")
    solved = algorithm.solved_by(client, w, deviation)
    grown = algorithm.grow(solved)
    return solved, grown, algorithm.ascend(solved, w, grown, deviation)


def _multiplier_is_minus_gradient(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    client = symbolic_client()
    after = algorithm.local_step(client, sympy.Symbol("w"))
    curved = client.rho * client.curvature * after.deviation
    yield Identity("pi+ + g + rho q d = 0 per eigencomponent", after.multiplier + client.gradient + curved)
    difference = after.multiplier - client.multiplier
    yield Identity("sigma+ d = pi+ - pi per eigencomponent", after.penalty * after.deviation - difference)
    yield Identity("sigma+ = sigma/gamma", after.penalty * client.ratio - client.penalty)
    solved, grown, multiplier = _matrix_solve(algorithm)
    bent = solved.rho * solved.curvature * solved.deviation
    yield Identity("pi+ + g + rho Q d = 0 for a non-commutative Q", multiplier + solved.gradient + bent)
    yield Identity("sigma+ d = pi+ - pi for vectors", grown * solved.deviation - (multiplier - solved.multiplier))


def _server_increment(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, after = sympy.symbols("w w_after")
    before = symbolic_client()
    client = algorithm.local_step(before, w)
    wanted = (client.penalty + client.ridge) * (after - w)
    wanted += client.ridge * w - (2 * client.multiplier - before.multiplier)
    yield Identity("the client's part of I2 is R_i(w+), identically", wanted - algorithm.residual(client, after))
    stored = (client.penalty + client.ridge) * (after - w) + client.ridge * w
    stored -= client.penalty * client.deviation + client.multiplier
    yield Identity("the deviation form of the server step is the same", stored - algorithm.residual(client, after))
    first = symbolic_client(local=w, multiplier=sympy.Integer(0))
    shrink = (first.penalty + first.ridge) * (after - w) + first.ridge * w
    yield Identity("from pi = 0 the first step only shrinks w", shrink - algorithm.residual(first, after))


def _momentum_form(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    client = symbolic_client()
    after = algorithm.local_step(client, sympy.Symbol("w"))
    share = client.penalty / client.ratio / (client.penalty / client.ratio + client.rho * client.curvature)
    average = (1 - share) * (-client.multiplier) + share * client.gradient
    yield Identity("-pi+ = (1-M)(-pi) + M g per eigencomponent", -after.multiplier - average)
    yield Sign("M > 0", share, Orthant(), strict=True)
    yield Sign("M <= 1", 1 - share, Orthant())
    solved, grown, multiplier = _matrix_solve(algorithm)
    system = grown + solved.rho * solved.curvature
    moved = system * (multiplier - solved.multiplier)
    pulled = grown * (solved.multiplier + solved.gradient)
    yield Identity("(sigma+ rho Q)(pi+ - pi) = -sigma (pi + g) for a non-commutative Q", moved + pulled)


def _linear_with_shared(outputs: Sequence[Expression], inputs: Sequence[Expression], own: set[Expression]) -> bool:
    """Whether each output is linear in ``inputs`` with coefficients free of the client's ``own`` symbols."""
    import sympy

    for output in outputs:
        coefficients = [sympy.cancel(sympy.diff(output, symbol)) for symbol in inputs]
        rest = numerator(output - sum(c * s for c, s in zip(coefficients, inputs, strict=True)))
        if not is_zero(rest) or any(c.free_symbols & (own | set(inputs)) for c in coefficients):
            return False
    return True


def _partition_invariance(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, after, force = sympy.symbols("w w_after sigma_d")
    client = symbolic_client(rho=sympy.Integer(0))
    own = {client.weight, client.penalty, client.ratio, client.curvature, client.local}
    sent = algorithm.local_step(client, w)
    state = (client.multiplier, client.gradient)
    outputs = (sent.penalty * sent.deviation, sent.multiplier)
    yield Holds(
        "rho = 0: (sigma d, pi)+ is linear in (pi, g) with the same coefficients for every client",
        _linear_with_shared(outputs, state, own),
    )
    kept = dataclasses.replace(client, local=w + force / client.penalty)
    own_here = {client.weight, client.ratio, client.curvature}
    yield Holds(
        "rho = 0: R_i(w+) is linear in (sigma, sigma d, pi, 1) with shared coefficients",
        _affine_with_shared(algorithm.residual(kept, after), (client.penalty, force, client.multiplier), own_here),
    )
    yield from _equal_penalties(algorithm)


def _affine_with_shared(output: Expression, inputs: Sequence[Expression], own: set[Expression]) -> bool:
    import sympy

    output = sympy.cancel(output)
    constant = output.subs(dict.fromkeys(inputs, 0))
    return _linear_with_shared([output - constant], inputs, own) and not numerator(constant).free_symbols & own


def _equal_penalties(algorithm: Algorithm) -> Iterator[Fact]:
    import sympy

    w, after = sympy.symbols("w w_after")
    client = symbolic_client()
    sent = algorithm.local_step(client, w)
    outputs, state = (sent.deviation, sent.multiplier), (client.multiplier, client.gradient)
    yield Holds(
        "equal sigma and rho Q: (d, pi)+ is linear in (pi, g) with shared coefficients",
        _linear_with_shared(outputs, state, {client.weight, client.local}),
    )
    yield Holds(
        "equal sigma: R_i(w+) is affine in (w_i, pi) with shared coefficients",
        _affine_with_shared(algorithm.residual(client, after), (client.local, client.multiplier), {client.weight}),
    )
    unequal = not _linear_with_shared(outputs, state, {client.weight, client.local, client.rho})
    yield Holds("rho_i of the client's own: the coefficients differ, so the hypothesis is needed", unequal)


def lagrangian(client: Client, w: Expression, local: Expression, value: Expression) -> Expression:
    """Return the client's part of the augmented Lagrangian over its weight."""
    gap = local - w
    return value + client.multiplier * gap + client.penalty / 2 * gap**2 + client.ridge / 2 * w**2


def _changes_of_lagrangian(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    w, after, value = sympy.symbols("w w_after F")
    old = symbolic_client()
    fall = lagrangian(old, w, old.local, value) - lagrangian(old, after, old.local, value)
    exact_fall = (old.penalty + old.ridge) / 2 * (after - w) ** 2
    fall_left = fall - exact_fall - (w - after) * algorithm.residual(old, after)
    yield Identity("w-step: L falls by (sigma+lambda)/2 |dw|^2 once sum alpha R = 0", fall_left)
    grown = dataclasses.replace(old, penalty=algorithm.grow(old))
    rise = lagrangian(grown, after, old.local, value) - lagrangian(old, after, old.local, value)
    exact_rise = (old.penalty / old.ratio - old.penalty) / 2 * (old.local - after) ** 2
    yield Identity("sigma-step: L rises by (sigma+ - sigma)/2 |w_i - w+|^2", rise - exact_rise)
    t = sympy.Symbol("t", positive=True)
    growth = (algorithm.grow(old) - old.penalty).subs(old.ratio, 1 / (1 + t))
    yield Sign("sigma+ - sigma >= 0 for gamma = 1/(1+t), t >= 0", growth, Orthant())
    sent = algorithm.local_step(old, after)
    kept = dataclasses.replace(sent, multiplier=old.multiplier)
    climb = lagrangian(sent, after, sent.local, value) - lagrangian(kept, after, sent.local, value)
    exact_climb = (sent.multiplier - old.multiplier) ** 2 / sent.penalty
    yield Identity("pi-step: L rises by |dpi|^2/sigma+", climb - exact_climb)


IDENTITY_CLAIMS = (
    symbolic_claim(
        "I1-multiplier-is-minus-gradient",
        "After a client's step its multiplier is minus its gradient, up to the preconditioner's bend of the step.",
        Proof(
            _multiplier_is_minus_gradient,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                (
                    "its multiplier is minus its gradient, up to the preconditioner's bend of the step"
                ): "pi+ + g + rho Q d = 0 for a non-commutative Q"
            },
        ),
        latex=r"$\pi_i^{\ell+1} = -g_i - \rho_i Q_i d_i^{\ell+1},\quad"
        r" d_i^{\ell+1} = (\pi_i^{\ell+1} - \pi_i^\ell)/\sigma_i^{\ell+1}$",
        hypotheses=("any Q_i (non-commutative symbol)", "any sigma_i > 0, rho_i, gamma_i"),
        source="MATHEMATICS.md#I1",
    ),
    symbolic_claim(
        "I2-server-increment",
        "The server's step is an extrapolated mean multiplier minus the ridge's pull, over the mean penalty.",
        Proof(
            _server_increment,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                (
                    "an extrapolated mean multiplier minus the ridge's pull"
                ): "the client's part of I2 is R_i(w+), identically"
            },
        ),
        latex=r"$(\sum_i \alpha_i\sigma_i^\ell + \lambda)(w^{\ell+1} - w^\ell)"
        r" = \sum_i \alpha_i(2\pi_i^\ell - \pi_i^{\ell-1}) - \lambda w^\ell$",
        hypotheses=("any clients, weights that sum to 1", "any sigma_i, rho_i, Q_i, gamma_i, lambda >= 0"),
        source="MATHEMATICS.md#I2",
    ),
    symbolic_claim(
        "I3-momentum-form",
        "Minus the multiplier is a moving average of gradients with matrix weight M in (0, I].",
        Proof(
            _momentum_form,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "a moving average of gradients": "-pi+ = (1-M)(-pi) + M g per eigencomponent",
                "M in (0, I]": "M <= 1",
            },
        ),
        latex=r"$-\pi_i^+ = (I - M_i)(-\pi_i) + M_i g_i,\quad M_i = \sigma_i(\sigma_i I + \rho_i Q_i)^{-1}$",
        hypotheses=(EIGEN, "Q_i positive semidefinite for 0 < M <= I"),
        source="MATHEMATICS.md#I3",
    ),
    symbolic_claim(
        "I5-partition-invariance",
        "With full gradients and either rho = 0 and a given sum of alpha_i sigma_i, or equal sigma_i and equal"
        " rho_i Q_i that do not depend on the split, the trajectory depends on F alone and not on how the data"
        " are split among clients.",
        Proof(
            _partition_invariance,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "the trajectory depends on F alone": (
                    "rho = 0: (sigma d, pi)+ is linear in (pi, g) with the same coefficients for every client"
                ),
                "not on how the data are split among clients": (
                    "equal sigma and rho Q: (d, pi)+ is linear in (pi, g) with shared coefficients"
                ),
            },
            arguments=("sums over the clients of maps with shared coefficients are maps of the sums",),
        ),
        latex=r"$\rho = 0\ \mathrm{or}\ (\sigma_i, \rho_i Q_i) = (\sigma, H):\quad"
        r" (w, \sum_i\alpha_i\pi_i, \sum_i\alpha_i\sigma_i d_i)^{+} = \Phi(\cdot, \nabla F(w))$",
        hypotheses=(
            "full gradients",
            "rho = 0 and the same sum of alpha_i sigma_i at every round, or sigma_i and rho_i Q_i equal for all"
            " clients and independent of the partition",
            "the same w^0 and sum of alpha_i pi_i^0, as from the cold and from the warm start",
        ),
        source="MATHEMATICS.md#I5",
    ),
    symbolic_claim(
        "I7-changes-of-the-lagrangian",
        "The w-step lowers the augmented Lagrangian, the penalty and the multiplier step raise it, by exact amounts.",
        Proof(
            _changes_of_lagrangian,
            PISA_EQUATIONS,
            Verdict.PROVED,
            conclusion={
                "The w-step lowers the augmented Lagrangian": (
                    "w-step: L falls by (sigma+lambda)/2 |dw|^2 once sum alpha R = 0"
                ),
                "the multiplier step raise it": "pi-step: L rises by |dpi|^2/sigma+",
            },
        ),
        latex=r"$-\frac{\sum_i\alpha_i\sigma_i + \lambda}{2}\|\Delta w\|^2,\quad"
        r" \sum_i\alpha_i\frac{\sigma_i^+ - \sigma_i}{2}\|w_i^\ell - w^{\ell+1}\|^2,\quad"
        r" \sum_i\alpha_i\frac{\|\Delta\pi_i\|^2}{\sigma_i^+}$",
        hypotheses=("any F_i, Q_i", "weights that sum to 1", "norms as sums over coordinates"),
        source="MATHEMATICS.md#I7",
    ),
)
"""The identities of one round."""
