"""Claims whose proof is Coq's alone: the check reads the record of the last build."""

from proofs_check.claim import Claim, Evidence, Verdict
from proofs_check.formal.manifest import read_manifest
from proofs_check.formal.theorems import THEOREMS


def formal_claim(
    name: str,
    statement: str,
    *hypotheses: str,
    latex: str,
    source: str,
    expected: Verdict = Verdict.PROVED,
) -> Claim:
    """Return the claim whose verdict is ``expected`` where the manifest covers its theorems, INCONCLUSIVE elsewhere."""

    def check(seed: int, effort: str) -> Evidence:
        manifest = read_manifest()
        if not manifest.covers(claim):
            reason = manifest.stale[0] if manifest.stale else "its words or theorems are not those of the last build"
            return Evidence(Verdict.INCONCLUSIVE, detail=f"not checked: {reason}; make formal builds it anew")
        names = THEOREMS[name]
        detail = f"Coq {manifest.coq} accepts {', '.join(names)}, on the axioms of the classical reals alone"
        steps = [f"{one}: {' '.join(manifest.theorems[one].statement.split())}" for one in names]
        return Evidence(expected, detail=detail, numbers={"theorems": list(names)}, steps=steps)

    claim = Claim(
        name=name,
        statement=statement,
        hypotheses=hypotheses,
        latex=latex,
        source=source,
        expected=expected,
        kind="formal",
        check=check,
    )
    return claim


_RIDGE = (
    "F = Σα_iF_i is L-smooth, F_λ = F + λ‖·‖²/2 is bounded below, λ ≥ 0",
    "ρ = 0, γ = 1, full gradients; any number of clients, any penalties σ_i with σ = Σα_iσ_i > 0",
    "any start of the multipliers; w_k is the k-th point at which gradients are taken",
)
_POTENTIAL = (
    "k = σ/L, t = λ/L, u = k + t, D = u³ − u²k + uk² − u − k > 0; G_k = ∇F_λ(w_k), e_k = ∇F(w_k) − ∇F(w_{k−1}) "
    "(at the first point ∇F(w_0) + Σα_iπ_i^0)",
    "V_k = F_λ(w_k) + (P11‖G_k‖² + 2P12⟨G_k, e_k⟩ + P22‖e_k‖²)/L, P11 = (u³+2uk²−5u−2k)/(4kD), "
    "P12 = −(u²k+uk²−4u−k)/(4kD), P22 = (u²−1)(2u−k)/(4kD)",
    "c = u(u+k−3)(u+k+3)/(4kD)",
)
_GOLDEN = "3L/2 − λ/2 < σ ≤ (1+√5)L/2 (above it T6-preconditioned has a potential)"
_NORM = (
    "a norm and a conorm with ⟨x, y⟩ ≤ ‖x‖_*‖y‖ (Coq shows it of the Euclidean and of the largest-entry norm; of "
    "matrices with trace pairing, nuclear and spectral norm in words); every F_i has "
    "‖∇F_i(x) − ∇F_i(y)‖_* ≤ L‖x − y‖",
    "clients: p_i⁺ = p_i + μ_i e_i, e_i = ∇F_i(w) − p_i, 1/(1+β) ≤ μ_i ≤ 1, new each round; α_i ≥ 0, Σα_i = 1",
    "server: w⁺ = w − (s a/(σϑ)) O(Y), Y = Σα_i(2p_i⁺ − p_i), a = ⟨Y, O(Y)⟩/ϑ, 0 ≤ s ≤ 1; the oracle O (sign; in "
    "words: polar factor, Newton–Schulz) has ‖O(y)‖ ≤ ϑ and ⟨y, O(y)⟩ ≥ 0",
    "X(β) = 4/(4−β) and a(β) = 1/2 for β ≤ 3, (β−1)² and (β−1)²/(2(β+1)) above: those of T6-preconditioned",
    "V = Σα_iF_i(w) + (a(β)/σ)Σα_i‖e_i‖_*²",
)

TEST = (
    "every F_i is L-smooth, λ ≥ 0, α_i ≥ 0 with Σα_i = 1, s = σ + λ; a > 0, 0 < c < 1, ε ≥ 0, 0 ≤ δ < 1",
    "the test: F_λ(w⁺) + (1+ε)(a/s)Σα_i‖∇F_i(w⁺) − p_i⁺‖² ≤ F_λ(w) + (1−δ)(a/s)Σα_i‖∇F_i(w) − p_i‖² − (c/s)‖∇F_λ(w)‖²",
    "a restart puts p_i = −π_i = ∇F_i(w), which makes the second residual 0; for every Q_i ⪰ 0 the round of "
    "Algorithm 1 is then w⁺ = w − ∇F_λ(w)/s, p_i⁺ = ∇F_i(w)",
)
"""The hypotheses of the rows about the test of PISA-auto."""
_METRIC = (
    "Algorithm 1 with diagonal matrices Σ_i for the penalties and diagonal Q_i, 0 ⪯ ρ_iQ_i ⪯ βΣ_i, all in one basis "
    "and new in each round; full gradients, λ ≥ 0",
    "every F_i is smooth in a diagonal metric Λ: ‖∇F_i(x) − ∇F_i(y)‖ in Λ⁻¹ is at most ‖x − y‖ in Λ",
    "S = Σα_iΣ_i + λ ⪰ κΛ + λ, S ⪰ κ̂Λ, (κ−1)κ̂ ≥ X, and S falls by at most the factor ϑ a round (ϑ = 1: never)",
    "ϑ = 1: X and a are those of T6-preconditioned; 0 < ϑ < 1: X = 4/(4ϑ−β) and a = 1/2 for β < 4ϑ, or, for β ≥ 3 and "
    "u = √ϑ > β/(1+β), X = (β−1)²/((1+β)u−β)² and a = u(β−1)²/(2(1+β)((1+β)u−β))",
    "V = F_λ(w) + aΣα_i‖∇F_i(w) + π_i‖² in S⁻¹, before the clients' half-step",
)

CLAIMS_FORMAL: tuple[Claim, ...] = (
    formal_claim(
        "N1-restart",
        "After a restart the test passes as soon as s ≥ s_R, whatever the operators and the multipliers were; and "
        "where it passes in every round, from whatever trial, with s falling at most by 1+ε, "
        "Σ(c/s_k)‖∇F_λ(w_k)‖² ≤ Φ_0 − inf F_λ.",
        *TEST,
        "Φ_0 = F_λ(w_0) + (a/s_0)Σα_i‖∇F_i(w_0) − p_i‖²; under the Polyak-Łojasiewicz inequality with "
        "μ the rate is linear for δ > 0: Φ_k − inf F_λ falls by the factor 1 − min(2cμ/s_k, δ)",
        "full gradients and values; how often σ rises: N1-evaluations; local Lipschitz constants: N1-local-smoothness",
        latex=r"$s_R = \frac{(L+\lambda)/2 + \sqrt{(L+\lambda)^2/4 + 4(1-c)(1+\epsilon)aL^2}}{2(1-c)}$",
        source="MATHEMATICS.md#N1; restarts and merit tests are known techniques, this potential and s_R are ours",
    ),
    formal_claim(
        "N3-metric-descent",
        "With a matrix for the penalty that sets the step of every coordinate V falls in each round by at least half "
        "the squared gradient in S⁻¹, for any diagonal Q_i and any metric that falls at most by ϑ a round; the entries "
        "√v + ϵ of Adam's average (no bias correction) fall at most by ϑ = √β₂.",
        *_METRIC,
        latex=r"$V_{k+1} \leq V_k - \frac{1}{2}\|\nabla F_\lambda(w_k)\|^2_{S_k^{-1}}$",
        source="MATHEMATICS.md#N3; variable metrics are known, applied to PISA ours",
    ),
    formal_claim(
        "N6-any-norm-step",
        "In any norm, with one oracle call a round at the server, V falls each round by at least "
        "(s a²/(2σ))(1 − L/σ − X(β)L²/σ²), and so never rises where (σ − L)σ ≥ X(β)L².",
        *_NORM,
        latex=r"$V^+ \leq V - \frac{s\,a^2}{2\sigma}(1 - L/\sigma - X(\beta)L^2/\sigma^2)$",
        source="MATHEMATICS.md#N6; the method is Muon on the aggregate, the theorem for any β and s is ours",
    ),
    formal_claim(
        "N6-any-norm-sum",
        "Where F = Σα_iF_i is bounded below the falls of N6-any-norm-step add up to at most V_0 − inf F, for every N.",
        *_NORM,
        latex=r"$\sum_{k<N}\frac{s_k a_k^2}{2\sigma}(1 - L/\sigma - X(\beta)L^2/\sigma^2) \leq V_0 - \inf F$",
        source="MATHEMATICS.md#N6",
    ),
    formal_claim(
        "N6-fixed-points",
        "Where ⟨y, O(y)⟩ > 0 for y ≠ 0 and s > 0, a round with the oracle at the server leaves the state alone exactly "
        "at p_i = ∇F_i(w) with Σα_ip_i = 0, the KKT points, whatever the heterogeneity (NSISA's are others: V9).",
        *_NORM,
        latex=r"$(w^+, p^+) = (w, p) \iff p_i = \nabla F_i(w),\ \sum_i\alpha_i p_i = 0$",
        source="MATHEMATICS.md#N6",
    ),
    formal_claim(
        "N6-gradients-vanish",
        "With an oracle that leans towards its argument, ⟨y, O(y)⟩ ≥ θ_-‖y‖_* with θ_- > 0, and σ strictly above the "
        "threshold, the gradient and every client's error vanish: ‖∇F(w_k)‖_* → 0, ‖∇F_i(w_k) − p_i‖_* → 0.",
        *_NORM,
        "(σ − L)σ > X(β)L², F = Σα_iF_i bounded below",
        "steps: s_k a_k ≥ min(a_k, τ) for some τ > 0, such as full steps (s = 1) and clipped ones (s = min(1, τ/a))",
        "Newton–Schulz leans at every width (N6-newton-schulz-every-width), the sign and the polar factor with θ_- = 1",
        latex=r"$\|\nabla F(w_k)\|_* \to 0$",
        source="MATHEMATICS.md#N6; the method is Muon on the aggregate, the theorem for any β and s is ours",
    ),
    formal_claim(
        "N6-newton-schulz-every-width",
        "Five steps of Newton–Schulz lean towards their argument at every width: ⟨X, O⟩ ≥ θ_-(r)‖X‖_* with "
        "θ_-(r) = (902/r)(√(1 + .00151r) − 1) > 0, and ‖O‖ ≤ 1.2024 in the spectral norm; θ_- falls like r^(−1/2), as "
        "every such bound does.",
        "X ≠ 0 real of any size with singular value decomposition U diag(s) Vᵀ, r values s_i ≥ 0 (the smaller side, or "
        "fewer); O the result of NSISA's five steps after X/‖X‖_F, tall matrices transposed",
        "‖X‖_* = Σs_i; decay: for every r some r + 1 values have Σs_if_5(s_i) < (49/√r)Σs_i, Σs_i² = 1, f_5 the five "
        "steps",
        "so N6's oracle conditions hold for Newton–Schulz with θ = 1.2024 at every width, and ⟨X, O⟩ > 0 for X ≠ 0",
        latex=r"$\langle X, O\rangle \geq \frac{902}{r}(\sqrt{1 + .00151r} - 1)\|X\|_*$",
        source="MATHEMATICS.md#N6; ours",
    ),
    formal_claim(
        "N8-ridge-potential",
        "The potential V_k falls by at least (c/L)‖∇F_λ(w_k)‖² at every step, c > 0, and stays above inf F_λ.",
        *_RIDGE,
        *_POTENTIAL,
        _GOLDEN,
        latex=r"$V_{k+1} \leq V_k - \frac{c}{L}\|\nabla F_\lambda(w_k)\|^2$",
        source="MATHEMATICS.md#N8",
    ),
    formal_claim(
        "N8-ridge-sum",
        "For every N, (c/L)Σ_{k<N}‖∇F_λ(w_k)‖² ≤ V_0 − inf F_λ.",
        *_RIDGE,
        *_POTENTIAL,
        _GOLDEN,
        latex=r"$\frac{c}{L}\sum_{k<N}\|\nabla F_\lambda(w_k)\|^2 \leq V_0 - \inf F_\lambda$",
        source="MATHEMATICS.md#N8",
    ),
    formal_claim(
        "N8-ridge-threshold",
        "∇F_λ(w_k) → 0 for every L-smooth F with F_λ bounded below exactly when σ > 3L/2 − λ/2: at and below that "
        "penalty x²/2 has a run from π^0 = 0 that does not converge.",
        *_RIDGE,
        "the failures are of one client on the real line with L = 1, the convergence of any clients and any L",
        latex=r"$\nabla F_\lambda(w_k) \to 0\ \mathrm{for\ all}\ F \iff \sigma > 3L/2 - \lambda/2$",
        source="MATHEMATICS.md#N8",
    ),
    formal_claim(
        "N9-last-iterate-bound",
        "Some numbers r_N → 0 bound the last squared gradient of every 1-smooth F that is bounded below: "
        "‖∇F(w_N)‖² ≤ r_N(F(w_0) − inf F) for all N.",
        "ρ = λ = 0, γ = 1, π^0 = 0, full gradients, one client, any fixed σ > 0",
        "refuted by one function for all N (0, then −x²/2, then a parabola to −1): only the start moves",
        latex=r"$\|F'(w_N)\|^2 > F(w_0) - \inf F$",
        source="MATHEMATICS.md#N9",
        expected=Verdict.REFUTED,
    ),
)
"""The repaired and the sharp, as far as Coq has them and nothing else in the laboratory does."""
