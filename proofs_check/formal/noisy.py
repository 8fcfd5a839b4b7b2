"""Claims on mini-batches whose proof is Coq's alone: penalties and metrics that the batches make, the local mean."""

from proofs_check.claim import Claim
from proofs_check.formal.claims import formal_claim

_ADAGRAD = (
    "mixed order; blocks B of an orthogonal splitting, σ_{k,B} common to the clients; ρ_iQ_i symmetric, keeps the "
    "blocks, 0 ⪯ ρ_iQ_i ⪯ HI, may look at the batch that it is used with; any clients, λ ≥ 0",
    "finite probability space; Ĝ_k = Σα_iĝ_i + λw_k is unbiased for G_k = ∇F_λ(w_k) given the past, which knows w_k, "
    "the multipliers and σ_k; F_λ is Λ-smooth and bounded below",
    "a_{k,B} = ‖Ĝ_B‖² + Σα_i‖ĝ_{i,B} + π_{i,B}‖² ≤ A² in every outcome (a real hypothesis: with λ > 0 it bounds λw_k "
    "too)",
)
_PAST = (
    "mixed order, λ = 0; Σ_k block-diagonal and common to the clients, known before the batch is drawn; σ_k "
    "deterministic, nondecreasing; ρ_iQ_i symmetric, keeps the blocks, 0 ⪯ ρ_iQ_i ⪯ β_kΣ_k, β_k nonincreasing, may "
    "look at the batch",
    "finite probability space; every F_i is L-smooth; E[ĝ_i | past] = ∇F_i(w_k), variances at most v_i, v of Σα_iĝ_i, "
    "v ≤ v̄ = Σα_iv_i",
    "κ_k = d_min σ_k/L ≥ 20√(χ(1+β_k)(1+2β_k)), χ = d_max/d_min ≥ 1",
)
_LOCAL = (
    "F = cLx²/2, 0 < c, κ = σ/L > 3c/2, ρ = λ = 0, γ = 1, constant σ; gradients with additive unbiased noise of "
    "variance v",
    "the stationary law: finite probability spaces of coin flips, one for each number of steps, on which Algorithm 1 "
    "with one client has it (of more clients with one σ only Σα_iĝ_i matters)",
    "w_{k+1} = Σα_iw_i − ĝ_k/κ (L = 1) and the mean's own steps −ĝ_k/κ: any clients with one σ, any gradients",
)

CLAIMS_NOISY: tuple[Claim, ...] = (
    formal_claim(
        "N4-adagrad-norm",
        "With σ² grown by c_0 times the squares of what is drawn, block by block, E Σ_{k<N}Σ_B‖G_{k,B}‖²/(2σ_{k,B}) is "
        "at most the first gap and C_1 E Σ_B log(σ_{N,B}²/s_B²), whatever the preconditioners of the same batch are; "
        "so the mean of E‖∇F_λ(w_k)‖² is O(log N/√N), and no constant of the problem is known to the method.",
        *_ADAGRAD,
        "σ_{k+1,B}² = σ_{k,B}² + c_0a_{k,B} from σ_{0,B} = s_B ≥ s_0 > 0; the rate: Γ_N√(max s_B² + c_0NA²)/N with Γ_N "
        "twice the right side, its logarithms log(1 + c_0NA²/s_B²)",
        "first gap: E F_λ(y_0) − inf F_λ + (Λ²/(2s_0))E‖y_0 − w_0‖², y_0 = w_0 + (λw_0 + P_0)/σ_0; ω = 1 + c_0A²/s_0², "
        "C_1 = [(Λ²/s_0)(2 + λ²/s_0²) + ωH²/(2s_0) + ωΛ]/c_0",
        latex=r"$E\sum_{k<N}\sum_B\frac{\|G_{k,B}\|^2}{2\sigma_{k,B}} \leq \Delta_0 + "
        r"C_1E\sum_B\log\frac{\sigma_{N,B}^2}{s_B^2}$",
        source="MATHEMATICS.md#N4; essentially known (Li and Orabona; Ward, Wu and Bottou); that a same-batch Q costs "
        "nothing at first order, and y's steps for any next penalty, are ours",
    ),
    formal_claim(
        "N4-noise-adaptive",
        "With one block the rate adapts to the noise: (E√Z)²/N ≤ [2c_0Γ² + 2Γ(s_0 + √(2c_0Nv) + √(c_0E_N))]/N for "
        "Z = Σ_{k<N}‖∇F_λ(w_k)‖², which is O(log²N/N + log N √(v̄/N)); the method knows no L, v, N or A.",
        *_ADAGRAD,
        "one block, σ_0 = s_0; F_i L-smooth, E[ĝ_i | past] = ∇F_i(w_k) with variances at most v_i, v of Σα_iĝ_i, v̄ = "
        "Σα_iv_i",
        "Γ = Γ_N of N4-adagrad-norm, β = H/s_0, ω = 1 + c_0A²/s_0², S_0 = EΣα_i‖∇F_i(w_0) + π_i‖², "
        "E_N = (1+2β)[S_0 + 2(1+β)L²(4+2ω)log(1 + c_0NA²/s_0²)/c_0] + (3+2β)Nv̄",
        latex=r"$\frac{1}{N}(E\sqrt{Z})^2 \leq"
        r" \frac{1}{N}[2c_0\Gamma_N^2 + 2\Gamma_N(s_0 + \sqrt{2c_0Nv} + \sqrt{c_0E_N})]$",
        source="MATHEMATICS.md#N4; known (Li and Orabona; Ward, Wu and Bottou), with any same-batch Q ours",
    ),
    formal_claim(
        "N4-almost-surely",
        "With σ_k = x_k^θ, x_{k+1} = x_k + c_0a_k and 1/2 < θ ≤ 1, E Σ_{k<N}‖∇F_λ(w_k)‖²/(2σ_k) has a bound that does "
        "not depend on N, and ∇F_λ(w_k) → 0 along every path on which that sum is finite.",
        *_ADAGRAD,
        "one block; the bound: the first gap and C_1x_0^{1−2θ}/(2θ−1), with ω = (1 + c_0A²/x_0)^{2θ}, s_0 = x_0^θ",
        "Coq has the bound for every N, ‖∇F_λ(w_k)‖ ≤ A, and the limit on each path; that a bounded mean makes almost "
        "every infinite path's sum finite (monotone convergence) is said in words",
        latex=r"$\sum_k\|\nabla F_\lambda(w_k)\|^2/\sigma_k < \infty \Rightarrow \nabla F_\lambda(w_k) \to 0$",
        source="MATHEMATICS.md#N4; known (Li and Orabona), the lemma is Alber, Iusem and Solodov's",
    ),
    formal_claim(
        "N5-any-past-metric",
        "With any metric that the past batches make, monotone or not, between d_min σ_k and d_max σ_k, and any "
        "preconditioner of the same batch on top, E V falls each step by a quarter of E‖G_k‖² in Σ_k⁻¹ up to the "
        "noise; so the repaired schedule makes averages and minimum of E‖∇F(w_k)‖² vanish.",
        *_PAST,
        "V_k = F(y_k) + B_kΣα_i‖∇F_i(w_k) + π_i‖², y_k = w_k + Σ_k⁻¹P_k, q = β/(1+β), B = (2.2/(κL))(1+2β)(κ⁻² + .6q²)",
        "the schedule: ρ_iQ_i ⪯ H, β_k ≤ H/(d_min σ_k), Σ1/σ_k = ∞, Σ1/σ_k² < ∞, F bounded below",
        latex=r"$EV_{k+1} \leq EV_k - \frac{1}{4}E\|G_k\|^2_{\Sigma_k^{-1}}"
        r" + \frac{1}{\kappa_kL}[\frac{v}{\kappa_k} + (1+2\beta_k)(\frac{4.7}{\kappa_k^2} + 3.4q_k^2)\bar v]$",
        source="MATHEMATICS.md#N5; the core is textbook (Bottou, Curtis and Nocedal), with Q on top and any next "
        "metric ours",
    ),
    formal_claim(
        "local-mean-floor",
        "On quadratics the stationary E‖∇F‖² at the mean of the local models is (κ−c)/(3c+κ) times that at the "
        "server's point: a fifth at κ = 2, c = 1.",
        *_LOCAL,
        latex=r"$E\|\nabla F(\sum_i\alpha_iw_i)\|^2 = \frac{c(\kappa-c)}{(c+\kappa)(2\kappa-3c)}v"
        r" = \frac{\kappa-c}{3c+\kappa}E\|\nabla F(w)\|^2$",
        source="MATHEMATICS.md#local-mean; ours",
    ),
)
"""What is proved of noisy gradients on finite probability spaces, and nowhere else in the laboratory."""
