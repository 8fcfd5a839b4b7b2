"""Certified claims: shipped certificates that the checker verifies at check time, and what stands beside them."""

from proofs_check.certified.any_q_edge import EDGE_CLAIM
from proofs_check.certified.catalogue import THEOREMS
from proofs_check.certified.comparison import COMPARISON_CLAIMS
from proofs_check.certified.evidence import certificate_evidence
from proofs_check.certified.lemma_proof import MERGING_CLAIM
from proofs_check.certified.propositions import PROPOSITIONS, SLACK_WORDS, attainment, list_numbers
from proofs_check.certified.refutations import REFUTED_CLAIMS
from proofs_check.claim import Claim, Verdict

UNITS = "L = 1 and F(w⁰) − inf F ≤ 1 by scaling; w⁰ is the point of the first gradient, N the number of moves from it"
CONSTANT = "full gradients, Q_i = 0 (ρ_i = 0), λ = 0, π_i⁰ = 0, constant σ_i; κ = Σα_iσ_i/L"
ONE = "one client; W-merging-lemma makes it any number of clients with a common L-smooth (or convex) class"
DISTANCE = "w* minimises F; w⁰ is the point of the first gradient, L = 1"
TWO = "two clients of weight 1/2, every F_i L-smooth (and convex where it says so), L = 1"
ANY = "any number of clients, any weights, a common σ_i = σ, every F_i L-smooth (convex where it says so), L = 1"


def _proved(name: str, statement: str, *hypotheses: str, source: str, latex: str = "") -> Claim:
    theorems = [theorem for theorem in THEOREMS if theorem.claim == name]
    return Claim(
        name=name,
        statement=statement,
        latex=latex,
        hypotheses=(*hypotheses, attainment(name)),
        expected=Verdict.PROVED,
        check=lambda seed, effort: certificate_evidence(PROPOSITIONS[name], theorems),
        source=f"MATHEMATICS.md#{source}",
        kind="certified",
    )


_LEAST, _ROOM = "min_{k≤N}‖∇F(w^k)‖²", SLACK_WORDS
CONSTANT_PENALTY: tuple[Claim, ...] = (
    _proved(
        "W-nonconvex-kappa-2",
        f"For κ = σ/L = 2 and N = 1, 2, 3, 4, 5, 10 the worst {_LEAST} over L-smooth F is at most "
        f"16/(7N+13) + {_ROOM}.",
        UNITS, CONSTANT, ONE,
        source="W1",
        latex=r"\min_{k\leq N}\|\nabla F(w^k)\|^2 \leq \frac{16}{7N+13} + 10^{-4}",
    ),
    _proved(
        "W-convex-kappa-2",
        f"For κ = σ/L = 2 and N = 1, 2, 3, 4, 5, 10 the worst {_LEAST} over convex L-smooth F is at most "
        f"4/(2N+4) + {_ROOM}.",
        UNITS, CONSTANT, ONE,
        source="W2",
        latex=r"\min_{k\leq N}\|\nabla F(w^k)\|^2 \leq \frac{4}{2N+4} + 10^{-4}",
    ),
    _proved(
        "W-nonconvex-other-kappa",
        f"For N = 5 the worst {_LEAST} over L-smooth F is at most {list_numbers('W-nonconvex-other-kappa')}.",
        UNITS, CONSTANT, ONE,
        source="W1",
    ),
    _proved(
        "W-convex-other-kappa",
        f"For N = 5 the worst {_LEAST} over convex L-smooth F is at most {list_numbers('W-convex-other-kappa')}.",
        UNITS, CONSTANT, ONE,
        source="W2",
    ),
    _proved(
        "W-equal-rho",
        f"With σ_i = 2L, ρ_i = 1 and Q_i = I the worst {_LEAST} is at most {list_numbers('W-equal-rho')}.",
        UNITS, "full gradients, λ = 0, π_i⁰ = 0; every F_i L-smooth, convex where it says so",
        "three clients of weight 1/3 are certified without the merging lemma",
        source="W5",
    ),
)  # fmt: skip
SCHEDULES: tuple[Claim, ...] = (
    _proved(
        "W-geometric-before_solve",
        f"For σ^ℓ = 2L γ^(−ℓ), growing before the clients' solve, and N = 5 the worst {_LEAST} over L-smooth F is at "
        f"most {list_numbers('W-geometric-before_solve')}.",
        UNITS, "full gradients, ρ_i = λ = 0, π_i⁰ = 0; round ℓ uses σ^ℓ in both steps", ONE,
        source="W3",
    ),
    _proved(
        "W-geometric-after_solve",
        f"For σ^ℓ = 2L γ^(−ℓ) in the mixed order and N = 5 the worst {_LEAST} over L-smooth F is at most "
        f"{list_numbers('W-geometric-after_solve')}.",
        UNITS, "full gradients, ρ_i = λ = 0, π_i⁰ = 0; the client of round ℓ uses σ^(ℓ−1), its server σ^ℓ", ONE,
        source="W3",
    ),
    _proved(
        "W-linear-schedule",
        f"For σ^ℓ = (2+ℓ)L, growing before the clients' solve, and N = 5 the worst {_LEAST} is at most "
        f"{list_numbers('W-linear-schedule')}.",
        UNITS, "full gradients, ρ_i = λ = 0, π_i⁰ = 0; round ℓ uses σ^ℓ in both steps", ONE,
        source="W3",
    ),
)  # fmt: skip
STARTS: tuple[Claim, ...] = (
    _proved(
        "W-warm-start",
        f"From π_i⁰ = −∇F_i(w⁰) with σ = 2L and N = 1, 5 the worst {_LEAST} is at most 16/(7N+8) + {_ROOM} over "
        f"L-smooth F and 4/(2N+2) + {_ROOM} over convex ones.",
        UNITS, "full gradients, ρ_i = λ = 0, constant σ", ONE,
        source="W4",
    ),
    _proved(
        "W-ridge-warm",
        "With λ = L/10, σ = 2L, N = 4 and π_i⁰ = −∇F_i(w⁰) the worst min_{k≤N}‖∇F_λ(w^k)‖² is at most "
        f"{list_numbers('W-ridge-warm')}.",
        "L = 1 and F_λ(w⁰) − inf F_λ ≤ 1, F_λ = Σα_iF_i + λ‖·‖²/2; w⁰ is the point of the first gradient",
        "full gradients, ρ_i = 0, constant σ", ONE,
        source="W4",
    ),
    _proved(
        "W-unequal-rho-warm",
        f"With ρ = (0, 2), σ = 3L, Q_i = I and π_i⁰ = −∇F_i(w⁰) the worst {_LEAST} is at most "
        f"{list_numbers('W-unequal-rho-warm')}, whatever the heterogeneity.",
        UNITS, TWO, "full gradients, λ = 0, constant σ_i; the last number has its own σ, ρ and L",
        source="W5, MATHEMATICS.md#V6",
    ),
    _proved(
        "W-unequal-rho-heterogeneity",
        f"With ρ = (0, 2), σ = 3L, Q_i = I, π_i⁰ = 0 and N = 4 the worst {_LEAST} is at most "
        f"{list_numbers('W-unequal-rho-heterogeneity')} where Σα_i‖∇F_i(w^k) − ∇F(w^k)‖² ≤ 1 at every w^k.",
        UNITS, TWO, "full gradients, λ = 0, constant σ_i",
        source="W5, MATHEMATICS.md#V6",
    ),
    _proved(
        "W-strongly-convex",
        "Over L-smooth, L/10-strongly convex F_i with ‖w⁰ − w*‖ ≤ 1 the worst case is at most "
        f"{list_numbers('W-strongly-convex')}.",
        DISTANCE, "full gradients, Q_i = I, λ = 0, constant σ_i; the two clients have weight 1/2",
        source="W6",
    ),
    _proved(
        "W-convex-distance",
        f"Over convex L-smooth F with ‖w⁰ − w*‖ ≤ 1, σ = 2L and N = 5 the worst case is at most "
        f"{list_numbers('W-convex-distance')}.",
        DISTANCE, "full gradients, ρ_i = λ = 0, π_i⁰ = 0, constant σ", ONE,
        source="W6",
    ),
)  # fmt: skip
BASELINES: tuple[Claim, ...] = (
    _proved(
        "W-gradient-descent",
        f"For gradient descent with step 1/L and N = 1, 5, 10 the worst {_LEAST} is at most 4/(3N+2) + {_ROOM} over "
        f"L-smooth F and 2/(2N+1) + {_ROOM} over convex ones.",
        UNITS, "FedSGD, FedAvg with one local step, on any number of clients is that",
        source="W7",
    ),
    _proved(
        "W-fedavg",
        f"For FedAvg with two local steps of 1/(4L) and N = 3 the worst {_LEAST} is at most {list_numbers('W-fedavg')} "
        "where Σα_i‖∇F_i(w^k) − ∇F(w^k)‖² ≤ 1 at every w^k.",
        UNITS, TWO,
        source="W7",
    ),
    _proved(
        "W-exact-admm",
        f"For exact consensus ADMM with σ = 2L, π_i⁰ = −∇F_i(w⁰) and N = 3 the worst {_LEAST} is at most "
        f"{list_numbers('W-exact-admm')}.",
        UNITS, TWO, "λ = 0; the first exact solve of the warm start stays at w⁰",
        source="W7",
    ),
)  # fmt: skip
_LAGRANGIAN = "L(w, w_i, π) = Σα_i(F_i(w_i) + ⟨π_i, w_i − w⟩ + σ‖w_i − w‖²/2), before with σ, after with σ/γ"
DECREASES: tuple[Claim, ...] = (
    _proved(
        "W-lagrangian-threshold",
        "With Q_i = 0 every round lowers the augmented Lagrangian by at least c‖∇F‖² at the new w, c = "
        f"{list_numbers('W-lagrangian-threshold')}.",
        ANY, _LAGRANGIAN, "full gradients, λ = 0; server first, from any state with π_i = −∇F_i(w), as after any round",
        "σ becomes σ/γ before the clients' solve unless it says after", "every c > 0",
        source="W8, MATHEMATICS.md#V5",
    ),
    _proved(
        "W-lagrangian-any-q",
        "For every symmetric Q_i, new each round, 0 ⪯ ρ_iQ_i ⪯ qI, a round lowers the augmented Lagrangian by at least "
        f"c‖∇F‖² at the new w, c = {list_numbers('W-lagrangian-any-q')}.",
        ANY, _LAGRANGIAN, "full gradients, λ = 0, γ = 1; server first, from any state with "
        "π_i = −∇F_i(w) − ρ_iQ_i(w_i − w) for such a Q_i, as after any round", "every c > 0",
        source="W8",
    ),
    _proved(
        "W-any-q-potential",
        "For every symmetric Q_i, new each round, 0 ⪯ ρ_iQ_i ⪯ βσI, F_λ(w) + (a/σ)Σα_i‖∇F_i(w) + π_i‖² falls every "
        f"round by at least c‖∇F_λ(w)‖², c = {list_numbers('W-any-q-potential')}.",
        ANY, "full gradients; λ = 0 unless it says another; clients first, from any w and π_i",
        "one σ in a round (where the next is larger a/σ only falls, an argument in words)",
        "T6 needs σ/L ≥ 1.618, 1.758, 2, 2.562, 3.541, 5.525 at β = 0, "
        "1, 2, 3, 4, 6", "every c > 0",
        source="W9; the theorem for every Q is MATHEMATICS.md#T6, these constants are ours",
    ),
)  # fmt: skip

CERTIFICATE_CLAIMS: tuple[Claim, ...] = (
    *CONSTANT_PENALTY,
    *SCHEDULES,
    *STARTS,
    *BASELINES,
    *DECREASES,
    MERGING_CLAIM,
)
CLAIMS_CERTIFIED: tuple[Claim, ...] = (*CERTIFICATE_CLAIMS, EDGE_CLAIM, *COMPARISON_CLAIMS, *REFUTED_CLAIMS)
"""What certificates prove, what the solver compares, what witnesses refute."""
