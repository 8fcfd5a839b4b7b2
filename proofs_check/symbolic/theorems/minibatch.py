r"""Theorem 2: mini-batches and any preconditioners.

$\lambda \ge 0$, unequal $\sigma_i$, both orders of the penalty; the repaired schedule.

The notation and the certificate of one round are in batch_round.py.
"""

from collections.abc import Iterator
from fractions import Fraction

from proofs_check.kernel.algebra import Expression, exact
from proofs_check.kernel.algorithm import Algorithm, symbolic_client
from proofs_check.kernel.facts import Certificate, Consequence, Fact, Identity, Inequality, Sign
from proofs_check.kernel.formulas import Concludes, read
from proofs_check.kernel.proof import theorem
from proofs_check.symbolic.theorems.batch_round import (
    BIAS,
    CONSTANT,
    GROWING,
    RECURSIONS,
    WIDE,
    Constants,
    one_round,
    symbolic_batch,
    weight,
)
from proofs_check.symbolic.theorems.batch_travel import moves, travel_facts
from proofs_check.symbolic.theorems.recursion import EXPECTATIONS, MEAN_OF_CLIENTS, client_identities, moving_weight
from proofs_check.symbolic.theorems.summation import SUMMED, telescope

SOURCE = "ours; MATHEMATICS.md#T7, extended to λ ≥ 0 and unequal σ_i with better constants"


def mean_iterate_facts(algorithm: Algorithm) -> tuple[Fact, ...]:
    r"""Return the recursion of $y_k$ in both orders, and $1/(\sigma_k+\lambda) \le c_k \le 1/\sigma_k$.

    $c_k \le \tau_k \le 2c_k$.
    """
    import sympy

    sigma, later, ridge, next_step, x, y = sympy.symbols("sigma sigma_next lambda c_next x y", positive=True)
    w, mean, before, estimate = sympy.symbols("w A R g_hat")
    step, move = (1 + ridge * next_step) / (sigma + ridge), moves()
    then = w + move["plain"] + next_step * (mean + ridge * move["plain"])
    then_mixed = w + move["mixed"] + (mean + ridge * move["mixed"]) / later
    client = symbolic_client(gradient=estimate)
    sent, old = algorithm.local_step(client, w), -client.multiplier
    moving = moving_weight(client, client.penalty / client.ratio)
    bounded = {next_step: 1 / ((sigma + y) * (1 + x))}
    plain = w + step * before - (2 * step - next_step) * mean
    return (
        *travel_facts(algorithm),
        Identity(RECURSIONS[0], then, plain),
        Identity(RECURSIONS[1], then_mixed, w + before / sigma - mean / sigma),
        Identity("constant σ: c = 1/σ", step.subs(next_step, 1 / sigma), 1 / sigma),
        Sign("c ≤ 1/σ if c⁺ ≤ 1/σ⁺ ≤ 1/σ", (1 / sigma - step).subs(bounded)),
        Sign("c ≥ c⁺, so that c ≤ τ ≤ 2c", (step - next_step).subs(bounded)),
        Sign("c ≥ 1/(σ+λ)", (step - 1 / (sigma + ridge)).subs(bounded)),
        Identity(BIAS, -sent.multiplier, estimate - (1 - moving) * (estimate - old)),
    )


def minibatch_proof(algorithm: Algorithm, *versions: Constants) -> Iterator[Fact]:
    """Yield the facts of Theorem 2 for the given constants."""
    import sympy

    yield from (*client_identities(algorithm), *mean_iterate_facts(algorithm))
    c, more = sympy.symbols("c growth", positive=True)
    for constants in versions:
        at = symbolic_batch(constants)
        smaller = {at.step: c / (1 + more)}
        fall = weight(constants, at) - weight(constants, at).subs(smaller)
        rise = weight(constants, at).subs(at.beta, at.beta + more) - weight(constants, at)
        yield from one_round(constants)
        yield Sign(f"B falls as κ grows, K = {constants.reach}", fall)
        yield Sign(f"B falls as β falls, K = {constants.reach}", rise)
        yield from said(constants)


def decimal(number: Fraction) -> str:
    """Return 13/2 as "6.5" and 2/3 as "2/3"."""
    return f"{float(number):g}" if (10**6 * number).denominator == 1 else str(number)


def words_of(constants: Constants) -> dict[str, Expression]:
    """Return what the letters of the sentences stand for, in the units L + λ = 1."""
    at = symbolic_batch(constants)
    q, inverse = at.contraction, 1 / at.step
    words = {"‖∇F_λ(w_k)‖²": at.gradient**2, "v̄": at.variances[1], "v": at.variances[0], "β": at.beta, "q": q}
    return words | {"σ_k": inverse, "κ": inverse, "κ_k": inverse, "c_k": at.step, "τ_k": at.length * at.step}


def said(constants: Constants) -> Iterator[Fact]:
    """Yield that the sentence has the constants of the proof: K, the step and the weight B of V."""
    at, numbers = symbolic_batch(constants), [constants.rate, constants.mean, constants.spread, constants.damped]
    step, b = one_round(constants)[-1], weight(constants, at)
    words = words_of(constants)
    form = Identity(f"B, K = {constants.reach}", b, read(WEIGHTS[constants], words))
    yield from (form, Concludes(WEIGHTS[constants], form, words))
    yield Concludes(f"κ_k ≥ {constants.reach}√((1+β)(1+2β))", step)
    words |= {"E V_{k+1}": at.values[1] + b * at.sums[1], "V_k": at.values[0] + b * at.sums[0]}
    if constants.growing:
        text = "E V_{k+1} ≤ V_k − 0.55τ_k‖∇F_λ(w_k)‖² + τ_k[1.2v/κ_k + (1+2β)(20/κ_k² + 12q²)v̄]"
        yield Concludes(text, step, words)
    elif constants.reach == CONSTANT.reach:
        text = "E V_{k+1} ≤ V_k − (0.6/σ_k)‖∇F_λ(w_k)‖² + (1/σ_k)[0.6v/κ + (1+2β)(10/κ² + 6.5q²)v̄]"
        yield Concludes(text, step, words)
    else:
        yield Concludes(", ".join(map(decimal, numbers)) + " in place of 0.6, 0.6, 10, 6.5", step)


WEIGHTS = {
    CONSTANT: "(1+2β)(4.62/κ² + 2.09q²)/σ_k",
    WIDE: "(1+2β)(1586/(275κ²) + (559/240)q²)/σ_k",
    GROWING: "c_k(1+2β)(9.24c_k² + 4.51q²)",
}
"""B_k of V_k = F_λ(y_k) + B_kΣα_i‖∇F_i(w_k) + π_i‖², in the units L + λ = 1."""


def schedule_proof(algorithm: Algorithm) -> Iterator[Fact]:
    r"""Yield that $\rho_iQ_i \preceq H I$, $\min_i\sigma_i \ge a\sigma$, makes the noise of a step O(1/σ²); its sum."""
    import sympy

    sigma, bound, ridge, smooth, share = sympy.symbols("sigma H lambda L a", positive=True)
    first, more = sympy.symbols("sigma_first x", positive=True)
    beta = bound / (share * sigma)
    q, kappa = beta / (1 + beta), sigma / (smooth + ridge)
    grown = {sigma: first + more}
    damped, least = (1 + 2 * beta) * q**2 * sigma**2, sympy.Symbol("sigma_least", positive=True)
    yield from minibatch_proof(algorithm, GROWING)
    yield Sign(
        "ρ_iQ_i ⪯ H I: β = H/(aσ) does, as min_iσ_i ≥ aσ", (beta - bound / least).subs(least, share * sigma + more)
    )
    limit = (1 + 2 * bound / (share * first)) * (bound / share) ** 2
    yield Sign("(1+2β)q²σ² ≤ (1+2H/(aσ_0))(H/a)²", (limit - damped).subs(grown))
    yield Identity("1/κ² = (L+λ)²/σ²", 1 / kappa**2, (smooth + ridge) ** 2 / sigma**2)
    condition = (1 + beta) * (1 + 2 * beta) / kappa**2
    fall = condition.subs(sigma, first) - condition.subs(grown)
    yield Sign("(1+β)(1+2β)/κ² falls as σ grows: the condition holds from some step on", fall)
    yield from summed_schedule()


def summed_schedule() -> Iterator[Fact]:
    """Yield the sum over the steps from k_0 on: the least and the weighted average are at most a constant over Στ_k."""
    import sympy

    at, optimum = symbolic_batch(GROWING), sympy.Symbol("F_star")
    one, b, tau = one_round(GROWING)[-1], weight(GROWING, at), at.length * at.step
    now, then = at.values[0] + b * at.sums[0], at.values[1] + b * at.sums[1]
    noise = now - then - exact(GROWING.rate) * tau * at.gradient**2 - one.shown()
    summed = telescope(
        one, now, then, rate=exact(GROWING.rate), square=tau * at.gradient**2, loss=-noise, constant=False
    )
    above, spare = (
        Inequality("F_λ ≥ F*", at.values[0] - optimum, "F* is the infimum"),
        Inequality("S ≥ 0", at.sums[0], "a mean of squares"),
    )
    below = Certificate("V ≥ F*", now - optimum, ((1, above), (b, spare)), (), summed.induction.domain)
    last = Consequence("V_N ≥ F*", summed.last - optimum, below, where={summed.last: now})
    least, weights = sympy.symbols("least weights", positive=True)
    smaller = Inequality("Στ_kE‖∇F_λ(w_k)‖² ≥ Στ_k · their least", summed.squares - least * weights, "τ_k > 0")
    target = (summed.first - optimum + summed.losses) / (summed.rate * weights) - least
    scale = 1 / (summed.rate * weights)
    uses = ((1 / weights, smaller), (scale, summed.total()), (scale, last))
    yield from (*summed.facts, below)
    yield Certificate(
        "the least and the weighted average are at most (V_{k_0} − F* + Σ noise)/(0.55Στ_k)",
        target,
        uses,
        (),
        summed.induction.domain,
    )


HYPOTHESES = (
    "every F_i is L-smooth, F_λ bounded below, λ ≥ 0; ĝ_i unbiased given the past, E‖ĝ_i−g_i‖² ≤ v_i, v̄ = Σα_iv_i,"
    " v ≥ E‖Σα_i(ĝ_i−g_i)‖²",
    "Q_i symmetric, 0 ⪯ ρ_iQ_i ⪯ β_kσ_iI for every client i (β_k nonincreasing), otherwise arbitrary: it may use the"
    " current batch; σ_i may differ; σ_k = Σα_iσ_i at step k, q = β/(1+β)",
    "κ_k = σ_k/(L+λ) nondecreasing and deterministic",
    EXPECTATIONS,
)
V = "V_k = F_λ(y_k) + B_kΣα_i‖∇F_i(w_k) + π_i‖², the π_i before the clients' step at w_k, R_k = λw_k − Σα_iπ_i; "
ARGUMENTS = (
    MEAN_OF_CLIENTS,
    "expectations are taken given the past; E ξ = 0, and what the batch adds to ε is bounded pathwise",
    "c_k = (1+λc_{k+1})/(σ_k+λ) runs backwards over the penalties and is between 1/(σ_k+λ) and 1/σ_k",
)

CLAIMS = (
    theorem(
        "T7-minibatch-constant",
        "Constant penalties (or the mixed order with common growth), any Q, any λ ≥ 0, every κ_k ≥ 20√((1+β)(1+2β)): at"
        " every k E V_{k+1} ≤ V_k − (0.6/σ_k)‖∇F_λ(w_k)‖² + (1/σ_k)[0.6v/κ + (1+2β)(10/κ² + 6.5q²)v̄]; for every"
        " κ_k ≥ 12√((1+β)(1+2β)) the same with 0.45, 2/3, 13, 7.5 in place of 0.6, 0.6, 10, 6.5.",
        latex=r"$E\,V_{k+1} \leq V_k - \frac{3}{5\sigma}\|\nabla F_\lambda(w_k)\|^2 +"
        r" \frac{1}{\sigma}[\frac{3v}{5\kappa}+(1+2\beta)(\frac{10}{\kappa^2}+\frac{13}{2}q^2)\bar{v}]$",
        hypotheses=(
            *HYPOTHESES,
            "σ constant, or: the client solves with σ_k, the server uses σ_{k+1}, all σ_i grow by one factor",
            V
            + "y_k = w_k + R_k/σ_k, and in the units L + λ = 1 B_k = (1+2β)(4.62/κ² + 2.09q²)/σ_k, for the second part"
            " (1+2β)(1586/(275κ²) + (559/240)q²)/σ_k",
        ),
        source=SOURCE,
        proof=lambda algorithm: minibatch_proof(algorithm, CONSTANT, WIDE),
        arguments=ARGUMENTS[:2],
    ),
    theorem(
        "T7-minibatch-growing",
        "Algorithm 1's order with nondecreasing penalties, any Q, any λ ≥ 0, every κ_k ≥ 20√((1+β)(1+2β)): at every k"
        " E V_{k+1} ≤ V_k − 0.55τ_k‖∇F_λ(w_k)‖² + τ_k[1.2v/κ_k + (1+2β)(20/κ_k² + 12q²)v̄], 1/(σ_k+λ) ≤ τ_k ≤ 2/σ_k.",
        latex=r"$E\,V_{k+1} \leq V_k - \frac{11\tau_k}{20}\|\nabla F_\lambda(w_k)\|^2 +"
        r" \tau_k[\frac{6v}{5\kappa_k}+(1+2\beta_k)(\frac{20}{\kappa_k^2}+12q_k^2)\bar{v}]$",
        hypotheses=(
            *HYPOTHESES,
            "the client solves with σ_k and the next server step uses the same (Algorithm 1's order)",
            V + "y_k = w_k + c_kR_k, c_k = (1+λc_{k+1})/(σ_k+λ), τ_k = 2c_k − c_{k+1}, in the units L + λ = 1"
            " B_k = c_k(1+2β)(9.24c_k² + 4.51q²)",
        ),
        source=SOURCE,
        proof=lambda algorithm: minibatch_proof(algorithm, GROWING),
        arguments=ARGUMENTS,
    ),
    theorem(
        "T7-repaired-schedule",
        "With ρ_iQ_i ⪯ H I fixed (SISA with the clip), comparable penalties σ_i ≥ aσ_k for every client (a > 0), any"
        " λ ≥ 0, and σ_k nondecreasing with Σ1/σ_k = ∞, Σ1/σ_k² < ∞, what the noise adds at step k is at most"
        " a constant over σ_k², and the weighted averages and the minimum of"
        " E‖∇F_λ(w_k)‖² tend to 0.",
        latex=r"$\sum_k \frac{11\tau_k}{20} E\|\nabla F_\lambda(w_k)\|^2 \leq V_{k_0} - F^* + C\sum_k \sigma_k^{-2}$",
        hypotheses=(
            *HYPOTHESES,
            "ρ_iQ_i ⪯ H I, min_iσ_i ≥ aσ_k, β_k = H/(aσ_k); E V finite at the step k_0 from which"
            " κ_k ≥ 20√((1+β)(1+2β)) holds",
            "the client solves with σ_k and the next server step uses the same (Algorithm 1's order)",
            V + "y_k = w_k + c_kR_k, in the units L + λ = 1 B_k = c_k(1+2β)(9.24c_k² + 4.51q²); at every step"
            " E V_{k+1} ≤ V_k − 0.55τ_k‖∇F_λ(w_k)‖² + τ_k[1.2v/κ_k + (1+2β)(20/κ_k² + 12q²)v̄]",
        ),
        source=SOURCE,
        proof=schedule_proof,
        conclusion={
            "σ_i ≥ aσ_k for every client": "ρ_iQ_i ⪯ H I: β = H/(aσ) does, as min_iσ_i ≥ aσ",
            "a constant over σ_k²": "(1+2β)q²σ² ≤ (1+2H/(aσ_0))(H/a)²",
            "the weighted averages and the minimum": "the least and the weighted average are at most"
            " (V_{k_0} − F* + Σ noise)/(0.55Στ_k)",
        },
        arguments=(
            *ARGUMENTS,
            SUMMED,
            "the noise of step k is τ_k[1.2v/κ_k + (1+2β_k)(20/κ_k² + 12q_k²)v̄] with τ_k ≤ 2/σ_k, κ_k = σ_k/(L+λ) and"
            " (1+2β_k)q_k² at most a constant over σ_k²: its sum is finite, while Στ_k ≥ Σ1/(σ_k+λ) = ∞",
        ),
    ),
)
