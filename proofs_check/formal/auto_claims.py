"""N1 and N2 as Coq has them: the loop that searches for its penalty, with a restart and without one."""

from proofs_check.claim import Claim
from proofs_check.formal.claims import TEST, formal_claim

_LOOP = (
    "round k begins with σ between σ_{k−1}/(1+ε) and max(σ_{k−1}, σ_min), round 0 with σ_0 > 0; t > 1",
    "first any trial (w⁺, p⁺) at all; where it fails, or every residual is 0, the trials are those of the restart at "
    "σ, tσ, t²σ, … until one passes; every trial is one evaluation of all F_i and full gradients, in exact arithmetic",
)
_START = "Φ_0 = F_λ(w_0) + (a/s_0)Σα_i‖∇F_i(w_0) − p_i‖², s_k = σ_k + λ"
_KNOWN = (
    "MATHEMATICS.md#N1; ours as PISA's potential in the place of the merit function and as constants, the technique "
    "is standard globalisation (backtracking, gradient step as fallback)"
)
_S_R = (
    "s_R is that of N1-restart, the larger root of (1−c)s² − (L+λ)s/2 − (1+ε)aL²; c < 1/2 keeps s_R − λ from "
    "growing with λ"
)
_WITHOUT = (
    "every F_i is L-smooth, λ ≥ 0, α_i ≥ 0 with Σα_i = 1, s = Σα_iσ_i + λ; the test of N1-restart with 0 < c ≤ 1/2, "
    "ε ≥ 0, 0 ≤ δ < 1, ϑ = (1−δ)/(1+ε), u = √ϑ",
    "every trial is a round of Algorithm 1 with symmetric operators 0 ⪯ ρ_iQ_i ⪯ βσ_i, new in each, from any "
    "multipliers; full gradients, exact arithmetic",
    "β < 4ϑ: X = 4/(4ϑ−β), a = 1/(2(1−δ)); or β ≥ 3 and u > β/(1+β): X = (β−1)²/((1+β)u−β)², "
    "(1+ε)a = (β−1)²/(2(1+β)u((1+β)u−β)); ϑ = 1: X and a of T6-preconditioned",
)
_WITHOUT_KNOWN = "MATHEMATICS.md#N2; ours as the application of T6's potential, backtracking is a known technique"

CLAIMS_AUTO: tuple[Claim, ...] = (
    formal_claim(
        "N1-sigma-bounded",
        "The penalty that the search accepts is at most max(σ_0, σ_min, t(s_R−λ)⁺) in every round, whatever proposes "
        "the first trials; every round ends, and so a run exists for every proposal and every start.",
        *TEST,
        *_LOOP,
        _S_R,
        latex=r"$\sigma_k \leq \max(\sigma_0, \sigma_{\min}, t(s_R-\lambda)^+)$",
        source=_KNOWN,
    ),
    formal_claim(
        "N1-evaluations",
        "In N rounds σ rises n times with n log t ≤ log⁺(t(s_R−λ)/σ_0) + N log(1+ε), and all F_i are evaluated at most "
        "1 + 2N + n times, the start included.",
        *TEST,
        *_LOOP,
        _S_R,
        "σ_min ≤ σ_0; log⁺x = log max(1, x); the rounds are not bounded one by one, only together",
        latex=r"$n\log t \leq \log^+(t(s_R-\lambda)/\sigma_0) + N\log(1+\epsilon)$",
        source=_KNOWN,
    ),
    formal_claim(
        "N1-sum",
        "For every N the sum over k < N of (c/s_k)‖∇F_λ(w_k)‖² + δ(a/s_k)Σα_i‖∇F_i(w_k) − p_i‖² is at most "
        "Φ_0 − inf F_λ, with no Lipschitz constant at all; with L-smooth F_i the gradient tends to 0.",
        *TEST,
        *_LOOP,
        _START,
        "F_λ is bounded below; p_i are the multipliers at the round's beginning, before a restart",
        latex=r"$\sum_{k<N}\frac{1}{s_k}(c\|\nabla F_\lambda(w_k)\|^2 + \delta a\sum_i\alpha_i\|e_i\|^2) "
        r"\leq \Phi_0 - \inf F_\lambda$",
        source=_KNOWN,
    ),
    formal_claim(
        "N1-linear-under-PL",
        "Under the Polyak-Łojasiewicz inequality the gap of Φ_k = F_λ(w_k) + (a/s_k)Σα_i‖∇F_i(w_k) − p_i‖² falls in "
        "round k by the factor 1 − min(2cμ/s_k, δ), with the penalty that the round used (never below 1 − δ).",
        *TEST,
        *_LOOP,
        "F_λ ≥ F*, and ‖∇F_λ(w)‖² ≥ 2μ(F_λ(w) − F*) everywhere",
        latex=r"$\Phi_{k+1} - F^* \leq (1 - \min(2c\mu/s_k, \delta))(\Phi_k - F^*)$",
        source=_KNOWN,
    ),
    formal_claim(
        "N1-local-smoothness",
        "With gradients that are Lipschitz only near the first sublevel set the iterates stay in that set, the "
        "penalty at most max(σ_0, σ_min, t(s−λ)⁺), the evaluations as in N1-evaluations, and the gradient tends to 0: "
        "x⁴/4 from every start, though no L makes it smooth.",
        "in the place of L-smooth F_i: every F_i is differentiable, F_λ bounded below; where F_λ(w) ≤ Φ_0, "
        "‖∇F_λ(w)‖ ≤ B, and ‖∇F_i(v) − ∇F_i(w)‖ ≤ L‖v − w‖ for all ‖v − w‖ ≤ B/s; s ≥ s_R(L)",
        *TEST[1:],
        *_LOOP,
        _START,
        latex=r"$\sigma_k \leq \max(\sigma_0, \sigma_{\min}, t(s-\lambda)^+),\ \nabla F_\lambda(w_k) \to 0$",
        source=_KNOWN,
    ),
    formal_claim(
        "N1-metric-search",
        "With a diagonal metric D_k in the step, S_k = σ_kD_k + λ, the penalty that the search accepts is at most "
        "max(σ_0, σ_min, t(s_R−λ)⁺/d), and Σc‖∇F_λ(w_k)‖² in S_k⁻¹ is at most Φ_0 − inf F_λ.",
        "the test has all norms in S⁻¹ and (1+ε)/ϑ_k in the place of 1+ε, s_R the (1+ε)/ϑ; a restart is the step "
        "w⁺ = w − S⁻¹∇F_λ(w), p_i⁺ = ∇F_i(w)",
        "D_k ≥ d > 0 and D_{k+1} ≥ ϑ_kD_k on every coordinate, ϑ ≤ ϑ_k ≤ 1, both free to depend on the gradients; "
        "every F_i is L-smooth, F_λ bounded below, λ ≥ 0; a > 0, 0 < c < 1, ε ≥ 0, 0 ≤ δ < 1",
        *_LOOP,
        "Φ_0 = F_λ(w_0) + aΣα_i‖∇F_i(w_0) − p_i‖² in S_0⁻¹; with Adam's d = 1e-8 the bound is finite and of no use",
        latex=r"$\sigma_k \leq \max(\sigma_0, \sigma_{\min}, t(s_R-\lambda)^+/d)$",
        source=_KNOWN,
    ),
    formal_claim(
        "N2-test-passes",
        "A round of Algorithm 1 passes the test without a restart wherever (σ−L)(σ+λ) ≥ XL².",
        *_WITHOUT,
        latex=r"$(\sigma - L)(\sigma + \lambda) \geq X L^2 \Rightarrow \mathrm{test\ passed}$",
        source=_WITHOUT_KNOWN,
    ),
    formal_claim(
        "N2-sigma-bounded",
        "Where a rejected trial only raises σ to tσ, σ_k ≤ max(σ_0, σ_min, tσ̄) with the root σ̄ of "
        "(σ−L)(σ+λ) = XL²; N rounds take at most 1 + N + n evaluations, n log t ≤ log⁺(tσ̄/σ_0) + N log(1+ε), and "
        "Σ(c/s_k)‖∇F_λ(w_k)‖² ≤ Φ_0 − inf F_λ. Such runs exist.",
        *_WITHOUT,
        "σ_i are fixed multiples of σ with Σα_iσ_i = σ, and σ falls between rounds as in N1-sigma-bounded; for the "
        "count σ_min ≤ σ_0; for the sum F_λ is bounded below",
        latex=r"$\sigma_k \leq \max(\sigma_0, \sigma_{\min}, t\bar\sigma),\ "
        r"\bar\sigma = \frac{1}{2}(L-\lambda+\sqrt{(L+\lambda)^2+4XL^2})$",
        source=_WITHOUT_KNOWN,
    ),
)
"""The search for a penalty."""
