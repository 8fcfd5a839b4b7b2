"""N7 as Coq has it: absent, compressed and late clients."""

from proofs_check.claim import Claim
from proofs_check.formal.claims import formal_claim

_COMMON = (
    "every F_i is L-smooth, λ ≥ 0, α_i ≥ 0 with Σα_i = 1, s = Σα_iσ_i + λ; full gradients; σ never falls",
    "for the sums over k < N F_λ is bounded below: Σ‖∇F_λ(w_k)‖²/(2s_k) ≤ V_0 − inf F_λ",
)
_OPERATORS = "symmetric operators 0 ⪯ ρ_iQ_i ⪯ βσ_i, new in each round, chosen by anyone"

CLAIMS_ABSENT_FORMAL: tuple[Claim, ...] = (
    formal_claim(
        "N7-shrinking-residuals",
        "Where one round shrinks the mean squared residual S by u² < 1 before the gradients turn, and the server's "
        "error r has ‖r‖² ≤ χS, V = F_λ + (χ/(2(1−u)s))S falls by at least ‖∇F_λ‖²/(2s).",
        "s(w⁺−w) = −(∇F_λ(w) + r), e_i⁺ = k_i + ∇F_i(w⁺) − ∇F_i(w), Σα_i‖k_i‖² ≤ u²S, S = Σα_i‖e_i‖²",
        "(σ−L)(σ+λ) ≥ χL²/(1−u)²; any inner product space, also one of random vectors, where ‖·‖² is an expectation",
        *_COMMON,
        latex=r"$V^+ \leq V - \frac{1}{2s}\|\nabla F_\lambda(w)\|^2$",
        source="MATHEMATICS.md#N7; the scheme of EF21's proof with Young's inequality, the constants are ours",
    ),
    formal_claim(
        "N7-compressed-clients",
        "With p_i⁺ = p_i + c_i for any c_i that differs from e_i = ∇F_i(w) − p_i by at most u‖e_i‖, u < 1, the "
        "potential F_λ + (χ/(2(1−u)s))Σα_i‖e_i‖² falls by at least ‖∇F_λ‖²/(2s) in every round.",
        "χ = u² for a server that steps along Σα_ip_i⁺ + λw, (1+2u)² for one that extrapolates, Σα_i(2p_i⁺−p_i) + λw",
        "(σ−L)(σ+λ) ≥ χL²/(1−u)²; c_i is any answer: top-k, scaled sign, random with ‖·‖² an expectation",
        *_COMMON,
        latex=r"$(\sigma-L)(\sigma+\lambda) \geq \frac{\chi L^2}{(1-u)^2}$",
        source="MATHEMATICS.md#N7; without extrapolation this is EF21 of Richtárik, Sokolov and Fatkhullin",
    ),
    formal_claim(
        "N7-absent-clients",
        "Where every client is present with a conditional probability of at least π, an absent one keeping its "
        "multiplier at the server's point, E V falls by at least E‖∇F_λ‖²/(2s) in every round, for any operators of "
        "the present and any dependence between clients.",
        "V = F_λ(w) + Σα_i‖∇F_i(w) + π_i‖²/(2(1−u)s), u² = 1 − π(1−q²), q = β/(1+β)",
        "(σ−L)(σ+λ) ≥ L²/(1−u)² in the rounds counted; finite probability spaces, operators may depend on the outcome",
        _OPERATORS,
        *_COMMON,
        "not continuous at π = 1: it asks for (1+β)² there, T6-preconditioned for less",
        latex=r"$(\sigma-L)(\sigma+\lambda) \geq \frac{L^2}{(1-\sqrt{1-\pi(1-q^2)})^2}$",
        source="MATHEMATICS.md#N7; near EF21-PP and MIFA, ours: any Q and the constant",
    ),
    formal_claim(
        "N7-late-clients",
        "With gradients of any age up to τ ≥ 1, in any pattern, a potential of F_λ, of the residuals with the "
        "gradients used and of the last τ steps falls by at least ‖∇F_λ‖²/(2s) in every round.",
        "(σ−L)(σ+λ) ≥ L²(τ + (τ+1)√X)², X = X(β) of T6-preconditioned: (2τ+1)²L² without a preconditioner",
        "V = F_λ(w_k) + ((1+ζ)a/s)Σα_i‖ĝ_i + π_i‖² + (c/s)Σ_{j≤τ}(τ+1−j)‖w_{k−j+1} − w_{k−j}‖², ζ = τ/((τ+1)√X), "
        "c = (L²/2)((1+1/ζ)τ + (1+ζ)X(τ+1)), a that of T6-preconditioned, ĝ_i the late gradient",
        _OPERATORS,
        *_COMMON,
        latex=r"$(\sigma-L)(\sigma+\lambda) \geq L^2(\tau+(\tau+1)\sqrt{X})^2$",
        source="MATHEMATICS.md#N7; near IAG, delayed error feedback, asynchronous ADMM, ours: any Q and the constant",
    ),
    formal_claim(
        "N7-late-and-absent-clients",
        "Where clients are absent as in N7-absent-clients and the present ones use gradients of any age up to τ ≥ 1, "
        "the expectation of such a potential falls by at least E‖∇F_λ‖²/(2s) in every round.",
        "(σ−L)(σ+λ) ≥ L²(τ + (τ+1)√X)² in the rounds counted, X = 1/(1−u)² and u that of N7-absent-clients; the ages "
        "may depend on the outcome, the used gradients and the multipliers are known before it is who is present",
        "E V with V that of N7-late-clients, ζ = τ(1−u)/(τ+1) and 1/(2(1−u)) for a; finite probability spaces",
        _OPERATORS,
        *_COMMON,
        latex=r"$(\sigma-L)(\sigma+\lambda) \geq L^2(\tau+\frac{\tau+1}{1-\sqrt{1-\pi(1-q^2)}})^2$",
        source="MATHEMATICS.md#N7; near MIFA and delayed error feedback, ours: any Q and the constant",
    ),
)
"""Clients that are not there, say less than they know, or speak late."""
