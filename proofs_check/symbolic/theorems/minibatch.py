r"""Theorem 2: mini-batches and any preconditioners.

$\lambda \ge 0$, unequal $\sigma_i$, both orders of the penalty; the repaired schedule.

The notation and the certificate of one round are in batch_round.py.
"""

from proofs_check.symbolic.theorems.batch_round import (
    CONSTANT,
    GROWING,
    WIDE,
    Constants,
    one_round,
    symbolic_batch,
    weight,
)
from proofs_check.symbolic.theorems.domains import Orthant
from proofs_check.symbolic.theorems.proof import Certificate, Fact, Identity, Proof, Sign, theorem
from proofs_check.symbolic.theorems.recursion import client_identities, server_identity

SOURCE = "ours; MATHEMATICS.md#T7, extended to λ ≥ 0 and unequal σ_i with better constants"


def mean_iterate_facts() -> tuple[Fact, ...]:
    r"""Return the recursion of $y_k$ in both orders, and $1/(\sigma_k+\lambda) \le c_k \le 1/\sigma_k$.

    $c_k \le \tau_k \le 2c_k$.
    """
    import sympy

    sigma, later, ridge = sympy.symbols("sigma sigma_next lambda", positive=True)
    w, mean, before, next_step = sympy.symbols("w A R c_next")
    step = (1 + ridge * next_step) / (sigma + ridge)
    moved = w - (2 * mean - before) / (sigma + ridge)
    then = moved + next_step * (mean + ridge * (moved - w))
    mixed = w + (-(later / sigma) * (mean - before) - mean) / (later + ridge)
    then_mixed = mixed + (mean + ridge * (mixed - w)) / later
    estimate, old, dual, moving = sympy.symbols("g_hat e p M")
    x, y = sympy.symbols("x y", positive=True)
    bounded = {next_step: 1 / ((sigma + y) * (1 + x))}
    return (
        Identity(
            "MATHEMATICS.md#algorithm order: y⁺ = y − (2c − c⁺)A⁺",
            then,
            w + step * before - (2 * step - next_step) * mean,
        ),
        Identity("mixed order: y⁺ = y − A⁺/σ for every λ", then_mixed, w + before / sigma - mean / sigma),
        Identity("constant σ: c = 1/σ", step.subs(next_step, 1 / sigma), 1 / sigma),
        Sign("c ≤ 1/σ if c⁺ ≤ 1/σ⁺ ≤ 1/σ", (1 / sigma - step).subs(bounded), Orthant()),
        Sign("c ≥ c⁺, so that c ≤ τ ≤ 2c", (step - next_step).subs(bounded), Orthant()),
        Sign("c ≥ 1/(σ+λ)", (step - 1 / (sigma + ridge)).subs(bounded), Orthant()),
        Identity(
            "p⁺ = ĝ − (I−M)(ĝ−p): ε", dual + moving * (estimate - dual), estimate - (1 - moving) * (estimate - dual)
        ),
        Identity("R = G_λ − ē", (estimate - old) + ridge * w, (estimate + ridge * w) - old),
        Identity("2A⁺ − R = G + ē + 2(A⁺ − G)", 2 * mean - (estimate - old), estimate + old + 2 * (mean - estimate)),
    )


def batch_facts() -> tuple[Fact, ...]:
    r"""Return the two bounds behind E S⁺: $\|(I-M)e-M\xi\|^2 \le q\|e\|^2+\|\xi\|^2$ pathwise.

    And Young with $T = 2/(1+q)$.
    """
    import sympy

    e, noise = sympy.symbols("e xi")
    low, share = sympy.symbols("m place", positive=True)
    beta = sympy.Symbol("beta", positive=True)
    moving = (low + share) / (1 + share)
    q = beta / (1 + beta)
    placed = Orthant({low: 1 / (1 + beta)})
    damped = ((1 - moving) * e - moving * noise) ** 2
    bound = Certificate(
        "‖(I−M)e − Mξ‖² ≤ (1−μ_min)‖e‖² + ‖ξ‖²",
        (1 - low) * e**2 + noise**2 - damped,
        (),
        ((moving - low, e), (1 - moving, noise), (moving * (1 - moving), e + noise)),
        placed,
    )
    young = 2 / (1 + q)
    return (
        bound,
        Identity("T = 2/(1+q): 1 − Tq = 1/(1+2β)", 1 - young * q, 1 / (1 + 2 * beta)),
        Identity("T/(T−1) = 2(1+β)", young / (young - 1), 2 * (1 + beta)),
        Identity("T = 2(1+β)/(1+2β)", young, 2 * (1 + beta) / (1 + 2 * beta)),
    )


def minibatch_proof(*versions: Constants) -> Proof:
    """Return the facts of Theorem 2 for the given constants."""
    import sympy

    facts: list[Fact] = [*client_identities(), server_identity(), *mean_iterate_facts(), *batch_facts()]
    c, more = sympy.symbols("c growth", positive=True)
    for constants in versions:
        at = symbolic_batch(constants)
        smaller = {at.step: c / (1 + more)}
        fall = weight(constants, at) - weight(constants, at).subs(smaller)
        facts += [*one_round(constants), Sign("B falls as κ grows", fall, Orthant())]
        rise = weight(constants, at).subs(at.beta, at.beta + more) - weight(constants, at)
        facts.append(Sign("B falls as β falls", rise, Orthant()))
    return tuple(facts)


def schedule_proof() -> Proof:
    r"""Return that $\rho_iQ_i \preceq H I$ makes every noise term of one step at most a constant over $\sigma^2$.

    The repaired schedule.
    """
    import sympy

    sigma, bound, ridge, smooth = sympy.symbols("sigma H lambda L", positive=True)
    first, more = sympy.symbols("sigma_first x", positive=True)
    beta = bound / sigma
    q, kappa = beta / (1 + beta), sigma / (smooth + ridge)
    grown = {sigma: first + more}
    damped = (1 + 2 * beta) * q**2 * sigma**2
    return (
        *minibatch_proof(GROWING),
        Identity("ρQ ⪯ H is β = H/σ: q = H/(σ+H)", q, bound / (sigma + bound)),
        Sign("(1+2β)q²σ² ≤ (1+2H/σ_0)H²", ((1 + 2 * bound / first) * bound**2 - damped).subs(grown), Orthant()),
        Identity("1/κ² = (L+λ)²/σ²", 1 / kappa**2, (smooth + ridge) ** 2 / sigma**2),
        Sign("(1+β)(1+2β)/κ² falls as σ grows: the condition holds from some step on",
             ((1 + beta) * (1 + 2 * beta) / kappa**2).subs(sigma, first)
             - ((1 + beta) * (1 + 2 * beta) / kappa**2).subs(grown), Orthant()),
    )  # fmt: skip


HYPOTHESES = (
    "every F_i is L-smooth, F_λ bounded below, λ ≥ 0; ĝ_i unbiased given the past, E‖ĝ_i−g_i‖² ≤ v_i, v̄ = Σα_iv_i,"
    " v ≥ E‖Σα_i(ĝ_i−g_i)‖²",
    "Q_i symmetric, 0 ⪯ ρ_iQ_i ⪯ βσ_iI (β_k nonincreasing), otherwise arbitrary: it may use the current batch; σ_i"
    " may differ",
    "κ_k = σ_k/(L+λ) nondecreasing and deterministic, κ_k ≥ K√((1+β_k)(1+2β_k))",
)

CLAIMS = (
    theorem(
        "T7-minibatch-constant",
        "Constant penalties (or the mixed order with common growth), any Q, any λ ≥ 0, for every κ_k ≥"
        " 20√((1+β)(1+2β)): at every k"
        " E V_{k+1} ≤ V_k − (0.6/σ_k)‖∇F_λ(w_k)‖² + (1/σ_k)[0.6v/κ + (1+2β)(10/κ² + 6.5q²)v̄]; for κ_k ≥"
        " 12√((1+β)(1+2β)) the same with"
        " 0.45, 2/3, 13, 7.5 in place of 0.6, 0.6, 10, 6.5.",
        latex=r"$E\,V_{k+1} \leq V_k - \frac{3}{5\sigma}\|\nabla F_\lambda(w_k)\|^2 +"
        r" \frac{1}{\sigma}[\frac{3v}{5\kappa}+(1+2\beta)(\frac{10}{\kappa^2}+\frac{13}{2}q^2)\bar{v}]$",
        hypotheses=(*HYPOTHESES, "σ constant, or: the client solves with σ_k, the server uses σ_{k+1}, all σ_i grow"
        " by one factor"),
        source=SOURCE,
        proof=lambda: minibatch_proof(CONSTANT, WIDE),
    ),
    theorem(
        "T7-minibatch-growing",
        "The order of MATHEMATICS.md#algorithm with nondecreasing penalties, any Q, any λ ≥ 0, for every κ_k ≥"
        " 20√((1+β)(1+2β)): at every k"
        " E V_{k+1} ≤ V_k − 0.55τ_k‖∇F_λ(w_k)‖² + τ_k[1.2v/κ_k + (1+2β)(20/κ_k² + 12q²)v̄], 1/(σ_k+λ) ≤ τ_k ≤ 2/σ_k.",
        latex=r"$E\,V_{k+1} \leq V_k - \frac{11\tau_k}{20}\|\nabla F_\lambda(w_k)\|^2 +"
        r" \tau_k[\frac{6v}{5\kappa_k}+(1+2\beta_k)(\frac{20}{\kappa_k^2}+12q_k^2)\bar{v}]$",
        hypotheses=(*HYPOTHESES, "the client solves with σ_{k+1} and the next server step uses the same"
        " (MATHEMATICS.md#algorithm)"),
        source=SOURCE,
        proof=lambda: minibatch_proof(GROWING),
    ),
    theorem(
        "T7-repaired-schedule",
        "With ρ_iQ_i ⪯ H I fixed (SISA with the clip), any λ ≥ 0, and σ_k nondecreasing with Σ1/σ_k = ∞, Σ1/σ_k² < ∞,"
        " the noise of step k"
        " is at most a constant over σ_k², so the weighted averages and the minimum of E‖∇F_λ(w_k)‖² tend to 0.",
        latex=r"$\sum_k \frac{11\tau_k}{20} E\|\nabla F_\lambda(w_k)\|^2 \leq V_{k_0} - F^* + C\sum_k \sigma_k^{-2}$",
        hypotheses=(*HYPOTHESES[:2], "ρ_iQ_i ⪯ H I, β_k = H/min_iσ_i; E V finite at the step from which κ_k ≥"
        " 20√((1+β_k)(1+2β_k)) holds",
                    "the steps are summed over k (linearity of expectation)"),
        source=SOURCE,
        proof=schedule_proof,
    ),
)  # fmt: skip
