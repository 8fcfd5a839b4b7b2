"""V8: what the "sole assumption" needs beside it; each hypothesis dropped alone has an exact witness of failure."""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from itertools import product

from proofs_check.claim import Verdict
from proofs_check.kernel.algebra import Expression, exact, nonnegative_on, positive_on_orthant
from proofs_check.kernel.algorithm import PISA_EQUATIONS, Algorithm, Client, plain_client, starting_client
from proofs_check.kernel.domains import Interval
from proofs_check.kernel.facts import Fact, Holds, Identity, Sign
from proofs_check.kernel.proof import Proof, Replayed, symbolic_claim
from proofs_check.symbolic.replays import cycle_trial, doubling_trial, kink_trial, slope_trial

ONE_CLIENT = (
    "one client (any split of F among clients is the same, MATHEMATICS.md#I5)",
    "gamma = 1, lambda = 0, full gradients",
)


def _moves(algorithm: Algorithm) -> Iterator[Fact]:
    """Yield the round's identity without a preconditioner, which every witness with ρ = 0 runs on."""
    import sympy

    w, after, last = sympy.symbols("w w_after g_last")
    client = plain_client(multiplier=-last)
    sent = algorithm.local_step(client, w)
    wanted = client.penalty * (after - w) + 2 * client.gradient - last
    yield Identity("every round: sigma dw = -(2g - g_last)", wanted - algorithm.residual(sent, after))
    cold = starting_client(w, weight=sympy.Integer(1), rho=client.rho, ratio=client.ratio, ridge=client.ridge)
    yield Identity("the cold start takes the first gradient at w0 with g_last = 0", algorithm.consensus([cold]) - w)


def _next_point(algorithm: Algorithm, here: Expression, gradient: Expression, last: Expression) -> Expression:
    """Return the server's point after ``here``, for one client with symbolic σ and ρ = 0."""
    import sympy

    client = plain_client(weight=sympy.Integer(1), multiplier=-exact(last), gradient=exact(gradient))
    return sympy.cancel(algorithm.consensus([algorithm.local_step(client, here)]))


def _unbounded_sublevel(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    yield from _moves(algorithm)
    start, slope = sympy.Symbol("w_0"), sympy.Symbol("a", positive=True)
    one, zero = sympy.Integer(1), sympy.Integer(0)
    client = starting_client(start, weight=one, ratio=one, rho=zero, curvature=one, ridge=zero)
    states = [(start, client)]
    for _ in range(3):
        w, (client,) = algorithm.symbolic_round([client], lambda index, point: slope)
        states.append((w, client))
    drop = slope / client.penalty
    yield Identity("F = a w: the first move is -2a/sigma", states[2][0] - states[1][0] + 2 * drop)
    yield Identity("the second is -a/sigma", states[3][0] - states[2][0] + drop)
    kept = states[3][1].multiplier - states[2][1].multiplier
    yield Identity("from then on (w_i - w, pi) is the same in every round: pi", kept)
    gaps = [state.local - w for w, state in states[2:]]
    yield Identity("and w_i - w: so every later move is -a/sigma, w -> -infinity while F' = a stays", gaps[1] - gaps[0])


def _kink(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    yield from _moves(algorithm)
    w, penalty = sympy.Symbol("w"), plain_client().penalty
    units = [
        sympy.cancel(2 * penalty * (_next_point(algorithm, w, sign, last) - w))
        for sign, last in product((-1, 1), (-1, 0, 1))
    ]
    yield Holds("F = |w|, signs s: 2 sigma dw is an integer, s_last = 0 at the start", all(k.is_Integer for k in units))
    yield Holds("never 0: |dw| >= 1/sigma in every round", all(k != 0 for k in units))
    yield Holds("always even: from w0 = 1/(2 sigma) the kink at 0 is never hit", all(k % 2 == 0 for k in units))
    number, seen, period = Fraction(100), dict[tuple[Fraction, Fraction], int](), 0
    client = _number_client(Fraction(1) / (2 * number), number)
    for index in range(40):
        point, (client,) = algorithm.round([client], lambda _, at: Fraction(1 if at > 0 else -1))
        state = (point, client.multiplier)
        period = index - seen.setdefault(state, index)
        if period:
            break
    yield Holds(
        "sigma = 100: the replay is periodic from a state on, |F'| = 1 for ever", period > 1, numbers={"period": period}
    )


def _number_client(start: Fraction, penalty: Fraction) -> Client:
    one, zero = Fraction(1), Fraction(0)
    fixed = {"weight": one, "ratio": one, "rho": zero, "curvature": zero, "ridge": zero}
    return Client(penalty=penalty, local=start, multiplier=zero, gradient=zero, **fixed)


def _holder(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    yield from _moves(algorithm)
    u, v = sympy.symbols("u v", positive=True)
    penalty, centre, slope, root = plain_client().penalty, Fraction(81, 16), Fraction(3, 2), Fraction(9, 4)
    point = _next_point(algorithm, -(u**2) / penalty**2, -exact(slope) * u / penalty, exact(slope) * v / penalty)
    secant_u, secant_v = exact(slope) / (u + exact(root)), exact(slope) / (v + exact(root))
    error = -(1 - 2 * secant_u) * (u**2 - exact(centre)) + secant_v * (v**2 - exact(centre))
    turned = penalty**2 * point - exact(centre) - error
    yield Identity("w = -u^2/sigma^2 after v^2/sigma^2: e+ = -(1-2h_u) e_u + h_v e_v, e = sigma^2|w| - 81/16", turned)
    low, high, least, most = Fraction(6, 5), Fraction(3), Fraction(2, 7), Fraction(10, 23)
    above, below = (nonnegative_on(g, u, low, high) for g in (secant_u - exact(least), exact(most) - secant_u))
    yield Holds("2/7 <= h = (3/2)/(u + 9/4) <= 10/23 for u in [6/5, 3]", above and below)
    factor = max(abs(1 - 2 * end) for end in (least, most)) + most
    yield Holds("|1 - 2h_u| + h_v <= 139/161 < 1: the errors shrink by it every two rounds", factor < 1)
    radius = Fraction(362, 100)
    yield Holds("|e| <= 3.62 keeps u in [6/5, 3]", centre - radius >= low**2 and centre + radius <= high**2)
    second = _next_point(algorithm, exact(root) / penalty**2, exact(root) / penalty, 0)
    yield Identity("w0 = 9/(4 sigma^2), F' = 9/(4 sigma), moves to -w0", second + exact(root) / penalty**2)
    inside = abs(root - centre) <= radius
    numbers = {"|F'| on the cycle times sigma": 27 / 8, "contraction over two rounds": float(factor)}
    yield Holds(
        "both errors are -45/16: inside, so w_k tends to the two-cycle +-81/(16 sigma^2)", inside, numbers=numbers
    )


def _unbounded_preconditioner(algorithm: Algorithm, effort: str) -> Iterator[Fact]:
    import sympy

    k, t = sympy.Symbol("k", positive=True), sympy.Symbol("t", positive=True)
    one, two, zero = sympy.Integer(1), sympy.Integer(2), sympy.Integer(0)
    curvature = (k - 1) / t + 2
    here, multiplier = (3 - k) / 4, -(1 + 2 * t) / 2
    fixed = {"weight": one, "penalty": two, "ratio": one, "rho": one, "ridge": zero}
    client = Client(curvature=curvature, local=here, multiplier=multiplier, gradient=here, **fixed)
    sent = algorithm.local_step(client, here)
    yield Identity("t = 2^-k, w_k = (3-k)/4, pi_(k-1) = -(1+2t)/2 give pi_k = -(1+t)/2", sent.multiplier + (1 + t) / 2)
    yield Identity("and w_(k+1) = (2-k)/4: the induction step", algorithm.consensus([sent]) - (2 - k) / 4)
    warm = dataclasses.replace(client, local=one, multiplier=-one, gradient=one, curvature=two)
    yield Identity(
        "the warm start at w^0 = 1 gives w_1 = 1/2 and pi_0 = -1: its base",
        algorithm.consensus([warm]) - sympy.Rational(1, 2),
    )
    yield Identity("pi_0 fits t = 1/2", multiplier.subs(t, sympy.Rational(1, 2)) + 1)
    positive = positive_on_orthant(
        curvature.subs(k, 1 + sympy.Symbol("j", positive=True)), t, sympy.Symbol("j", positive=True)
    )
    yield Holds("Q_k = (k-1) 2^k + 2 > 0, and sigma = 2 > 1.5 L is stable for any fixed Q", positive)
    gradients = (k - 3) / 4
    yield Sign("|F'(w_k)| = (k-3)/4 grows without bound", gradients, Interval(k, 4), strict=True)


HYPOTHESIS_CLAIMS = (
    symbolic_claim(
        "V8-sole-assumption-read-literally",
        "PISA “converges under the sole assumption of Lipschitz continuity of the gradient on a bounded region”,"
        " taken word for word: nothing else is asked of the objective.",
        Proof(
            _unbounded_sublevel,
            PISA_EQUATIONS,
            Verdict.REFUTED,
            Replayed({"slope": 1.0, "penalty": 2.0, "steps": 50}, slope_trial),
            conclusion={r"= -\frac{a}{\sigma}": "the second is -a/sigma"},
        ),
        latex=r"$F(w) = aw:\quad \nabla F \equiv a\ \mathrm{is\ Lipschitz},\quad"
        r" w^{\ell+1} - w^\ell = -\frac{a}{\sigma}$",
        hypotheses=(
            "the words between the quotation marks stand in the abstract; the paper's own theorem may well say more",
            *ONE_CLIENT,
            "what is proved here is another sentence, T6-preconditioned: every F_i L-smooth on the whole space, full"
            " gradients, a bounded Q and (sigma-L)(sigma+lambda) >= X(beta) L^2 bound the sum of |grad F|^2; it says"
            " nothing of a bounded region, of the iterates' convergence or of stochastic gradients",
        ),
        source="MATHEMATICS.md#V8, the abstract",
        provenance="quoted",
    ),
    symbolic_claim(
        "V8-without-bounded-sublevel-sets",
        "A Lipschitz gradient is enough for bounded iterates and a vanishing gradient.",
        Proof(
            _unbounded_sublevel,
            PISA_EQUATIONS,
            Verdict.REFUTED,
            Replayed({"slope": 1.0, "penalty": 2.0, "steps": 50}, slope_trial),
            conclusion={r"= -\frac{a}{\sigma}": "the second is -a/sigma"},
        ),
        latex=r"$F(w) = aw:\quad w^{\ell+1} - w^\ell = -\frac{a}{\sigma}$",
        hypotheses=(*ONE_CLIENT, "rho = 0, any sigma > 0"),
        source="MATHEMATICS.md#V8",
    ),
    symbolic_claim(
        "V8-without-a-gradient-at-a-kink",
        "PISA converges on a function with a kink, as a ReLU network has, for a large enough constant penalty.",
        Proof(
            _kink,
            PISA_EQUATIONS,
            Verdict.REFUTED,
            Replayed({"penalty": 100.0, "steps": 400}, kink_trial),
            conclusion={r"\geq \frac{1}{\sigma}": "never 0: |dw| >= 1/sigma in every round"},
        ),
        latex=r"$F(w) = |w|:\quad |w^{\ell+1} - w^\ell| \geq \frac{1}{\sigma}\ \mathrm{for\ every}\ \ell,"
        r"\ \mathrm{every}\ \sigma$",
        hypotheses=(*ONE_CLIENT, "rho = 0, any sigma > 0", "w0 = 1/(2 sigma)"),
        source="MATHEMATICS.md#V8",
    ),
    symbolic_claim(
        "V8-without-a-lipschitz-gradient",
        "PISA converges to the minimiser of a convex C1 function whose gradient is only Hoelder continuous, for a large"
        " enough constant penalty.",
        Proof(
            _holder,
            PISA_EQUATIONS,
            Verdict.REFUTED,
            Replayed({"penalty": 4.0, "steps": 200}, cycle_trial),
            conclusion={
                r"\rightarrow \frac{81}{16\sigma^2}": (
                    "both errors are -45/16: inside, so w_k tends to the two-cycle +-81/(16 sigma^2)"
                )
            },
        ),
        latex=r"$F(w) = |w|^{3/2},\ w^0 = \frac{9}{4\sigma^2}:\quad |w^\ell| \rightarrow \frac{81}{16\sigma^2},"
        r"\ \mathrm{sign}(w^{\ell+1}) = -\mathrm{sign}(w^\ell)$",
        hypotheses=(*ONE_CLIENT, "rho = 0, any sigma > 0"),
        source="MATHEMATICS.md#V8",
    ),
    symbolic_claim(
        "V8-without-a-bound-on-the-preconditioner",
        "PISA converges on a quadratic at a stable penalty for any sequence of positive preconditioners.",
        Proof(
            _unbounded_preconditioner,
            PISA_EQUATIONS,
            Verdict.REFUTED,
            Replayed({"steps": 40}, doubling_trial),
            conclusion={r"w^k = \frac{3 - k}{4}": "and w_(k+1) = (2-k)/4: the induction step"},
        ),
        latex=r"$F = \frac{1}{2}w^2,\ \sigma = 2,\ Q_k = (k-1)2^k + 2:\quad w^k = \frac{3 - k}{4}$",
        hypotheses=(*ONE_CLIENT, "warm start at w0 = 1, rho = 1"),
        source="MATHEMATICS.md#V8",
    ),
)
"""The claims about the hypotheses."""
