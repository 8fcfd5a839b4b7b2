"""Claims that a worst-case function or a one-line family refutes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proofs_check.certified.refutation_trials import (
    attained_trial,
    cold_trial,
    edge_trial,
    plateau_trial,
    race_trial,
    ridge_trial,
    rise_trial,
)
from proofs_check.claim import Claim, Evidence, Verdict, judge

Instance = Mapping[str, Any]
Trial = Callable[[Instance], Mapping[str, Any]]


def _refuted(
    name: str, statement: str, trial: Trial, instances: Sequence[Instance], *, hypotheses: Sequence[str], source: str
) -> Claim:
    """Return the claim that every instance obeys, expected to be refuted by a kept one."""

    def check(seed: int, effort: str) -> Evidence:
        return judge(
            trial, instances, detail="{violations} of {trials} kept instances break it; worst margin {worst:.4g}"
        )

    return Claim(
        name=name,
        statement=statement,
        hypotheses=tuple(hypotheses),
        expected=Verdict.REFUTED,
        check=check,
        trial=trial,
        source=source,
        kind="certified",
    )


def _named(*names: str) -> list[Instance]:
    return [{"witness": name} for name in names]


_FOLLOWS = "server first, from any state with π_i = −∇F_i(w), as after any round"
_FOLLOWS_Q = "server first, from any state with π_i = −∇F_i(w) − ρ_iQ_i(w_i − w) for such a Q_i, as after any round"
EXACT = "the witness is decided in fractions, hypotheses included; the library's run must give the same numbers"
LAGRANGIAN = "the augmented Lagrangian is Σα_i(F_i(w_i) + ⟨π_i, w_i − w⟩ + σ‖w_i − w‖²/2), after the round with σ/γ"
UNITS = "L = 1 and F(w⁰) − inf F ≤ 1 by scaling; w⁰ is the point of the first gradient, N the number of moves from it"
REFUTED_CLAIMS: tuple[Claim, ...] = (
    _refuted(
        "W-descent-below-threshold",
        "With σ = 1.6L and γ = 1, or with σ = 1.7L and γ = 3/4 in the mixed order, both above the stability edge "
        "1.5L, every round lowers the augmented Lagrangian.",
        rise_trial,
        _named("rise-nonconvex", "rise-mixed-order"),
        hypotheses=("L-smooth F_i, full gradients, Q_i = 0", _FOLLOWS, LAGRANGIAN, EXACT),
        source="MATHEMATICS.md#W8, MATHEMATICS.md#V5; found by the one-round program",
    ),
    _refuted(
        "W-descent-convex-below-edge",
        "For convex F_i with σ = 1.45L and γ = 1 every round lowers the augmented Lagrangian.",
        rise_trial,
        _named("rise-convex"),
        hypotheses=("convex L-smooth F_i, full gradients, Q_i = 0", _FOLLOWS, LAGRANGIAN, EXACT),
        source="MATHEMATICS.md#W8, MATHEMATICS.md#V5; found by the one-round program",
    ),
    _refuted(
        "W-descent-light-changing-q",
        "With σ = 2L, γ = 1 and 0 ⪯ ρ_iQ_i ⪯ σ/4 every round lowers the augmented Lagrangian, however Q_i changes "
        "between rounds.",
        rise_trial,
        _named("rise-any-q"),
        hypotheses=("L-smooth F_i, full gradients", _FOLLOWS_Q, LAGRANGIAN, EXACT),
        source="MATHEMATICS.md#W8, MATHEMATICS.md#V5 read for every Q; found by the one-round program",
    ),
    _refuted(
        "W-descent-convex-changing-q",
        "For convex F_i with σ = 2L, γ = 1 and 0 ⪯ ρ_iQ_i ⪯ σ/2 every round lowers the augmented Lagrangian, "
        "however Q_i changes between rounds.",
        rise_trial,
        _named("rise-any-q-convex"),
        hypotheses=("convex L-smooth F_i, full gradients", _FOLLOWS_Q, LAGRANGIAN, EXACT),
        source="MATHEMATICS.md#W8; found by the one-round program",
    ),
    _refuted(
        "W-fixed-ratio-vanishes",
        "With σ^ℓ = 2L(4/3)^ℓ the worst min_{k≤N}‖∇F(w^k)‖² over convex L-smooth F falls below .19 within N = 60 "
        "moves, in the mixed order below .18.",
        plateau_trial,
        [
            {"curvature": 0.2667, "ratio": 0.75, "order": "before_solve", "claimed": 0.19, "steps": 60},
            {"curvature": 0.2667, "ratio": 0.75, "order": "after_solve", "claimed": 0.18, "steps": 60},
        ],
        hypotheses=(UNITS, "full gradients, ρ_i = λ = 0, π_i⁰ = 0", "the witness is F = .2667w²/2", EXACT),
        source="MATHEMATICS.md#W3, MATHEMATICS.md#V2",
    ),
    _refuted(
        "W-bounds-not-sharp",
        "The worst min_{k≤N}‖∇F_λ(w^k)‖² of σ = 2L can be bounded a thousandth below the program's value: for "
        "L-smooth and convex F, γ = 3/4 in both orders, ρ_i = 1 with Q_i = I (each N = 5), and λ = L/10 from the "
        "warm start (N = 4).",
        attained_trial,
        _named(
            "attained-kappa-2",
            "attained-huber",
            "attained-geometric",
            "attained-mixed-order",
            "attained-ridge-warm",
            "attained-equal-rho",
        ),
        hypotheses=(UNITS, "full gradients; π_i⁰ = 0, λ = 0, ρ_i = 0 and γ = 1 where nothing else is said", EXACT),
        source="MATHEMATICS.md#W1, MATHEMATICS.md#W2, MATHEMATICS.md#W3; from primal solutions",
    ),
    _refuted(
        "W-unequal-rho-cold-start-rate",
        "With σ_i = 3L, ρ = (0, 2), Q_i = I and π_i⁰ = 0 ten moves bring min_{k≤N}‖∇F(w^k)‖² below 1.9 L(F(w⁰) − "
        "inf F).",
        cold_trial,
        [{"slope": 1000.0, "steps": 10, "claimed": 1.9}],
        hypotheses=(
            "two convex L-smooth clients of weight 1/2, full gradients, λ = 0",
            "w⁰ is the point of the first gradient; the witness is F_i = ±1000x + x²/2 from w⁰ = 1",
            EXACT,
        ),
        source="MATHEMATICS.md#W5, MATHEMATICS.md#V6",
    ),
    _refuted(
        "W-ridge-cold-start-rate",
        "With λ = L/2, σ = 3L and π_i⁰ = 0 the smallest ‖∇F_λ(w^k)‖² over 1 ≤ k ≤ 5 is at most (L + λ)(F_λ(w⁰) − "
        "inf F_λ) + 1.",
        ridge_trial,
        [{"centre": centre, "ridge": 0.5, "steps": 5} for centre in (10.0, 1e3, 1e5)],
        hypotheses=(
            "L = 1, one client, full gradients, ρ_i = 0; the server's step opens a round, F_λ = F + λ‖·‖²/2",
            "the witness is F = (w − c)²/2, started at the minimiser of F_λ",
            EXACT,
        ),
        source="MATHEMATICS.md#W4, MATHEMATICS.md#V7",
    ),
    _refuted(
        "W-stable-below-edge",
        "With constant σ = 1.49L, ρ_i = λ = 0 and full gradients |w^k − w*| never exceeds |w⁰ − w*| on convex "
        "L-smooth F.",
        edge_trial,
        [{"penalty": 1.49, "steps": 500}],
        hypotheses=("w* minimises F; π_i⁰ = 0", "the witness is F = w²/2, after 500 rounds", EXACT),
        source="MATHEMATICS.md#W3, MATHEMATICS.md#I6",
    ),
    _refuted(
        "W-pisa-beats-gradient-descent",
        "After N = 5 moves the worst min_{k≤N}‖∇F(w^k)‖² of PISA with σ = 2L over convex L-smooth F is no larger "
        "than that of gradient descent with step 1/L.",
        race_trial,
        _named("attained-huber"),
        hypotheses=(
            UNITS,
            "full gradients, ρ_i = λ = 0, π_i⁰ = 0",
            "gradient descent is at most 2/(2N+1) + 1e-4 on every such F, by its certificate; PISA attains 4/(2N+4)",
            EXACT,
        ),
        source="MATHEMATICS.md#W7; certificate convex-gradient-descent-N5",
    ),
)
"""Refutations with kept witnesses; none needs a solver."""
