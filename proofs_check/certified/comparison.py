"""What the solver shows at check time: closed forms, and the worst cases of PISA and its baselines over N."""

from collections.abc import Callable
from typing import Any

from proofs_check.certified.engine import WorstCase, worst_case_value
from proofs_check.certified.setting import Setting, fedavg_setting, pisa_setting
from proofs_check.claim import Claim, Evidence, Verdict

CLOSED_FORM_TOLERANCE = 1e-6
"""The issue's figure; the solver stops at 1e-9, so that 1e-6 leaves three digits for its own scaling."""


def closed_form(function_class: str, kappa: float, rounds: int) -> float:
    r"""Return the exact worst case of PISA for σ = κL, L = 1.

    $4\kappa^2/((4\kappa-1)N+2\kappa^2+4\kappa-3)$, convex $2\kappa/(2N+2+\kappa)$.

    Source: MATHEMATICS.md#T2; nonconvex κ ≥ 2, convex κ ≥ (1+√6)/2.
    """
    if function_class == "convex":
        return 2 * kappa / (2 * rounds + 2 + kappa)
    return 4 * kappa**2 / ((4 * kappa - 1) * rounds + 2 * kappa**2 + 4 * kappa - 3)


def descent_form(function_class: str, rounds: int) -> float:
    """Return that of gradient descent with step 1/L: 4/(3N+2), convex 2/(2N+1). Source: MATHEMATICS.md#worst-cases."""
    return 2 / (2 * rounds + 1) if function_class == "convex" else 4 / (3 * rounds + 2)


def _closed_form_evidence(seed: int, effort: str) -> Evidence:
    worst, count = 0.0, 0
    for function_class in ("nonconvex", "convex"):
        for kappa in (2, 4) if effort == "quick" else (2, 3, 4, 8, 16):
            for rounds in range(1, 11):
                answer = worst_case_value(pisa_setting(function_class, rounds, sigma=kappa))
                if answer.status != "solved":
                    return _failed(answer)
                worst = max(worst, abs(answer.value - closed_form(function_class, kappa, rounds)))
                count += 1
    verdict = Verdict.SUPPORTED if worst <= CLOSED_FORM_TOLERANCE else Verdict.REFUTED
    detail = f"{count} programs, largest distance from the closed form {worst:.1e}"
    return Evidence(verdict, CLOSED_FORM_TOLERANCE - worst, detail, {"programs": count, "largest_distance": worst})


def _failed(answer: WorstCase) -> Evidence:
    return Evidence(Verdict.INCONCLUSIVE, detail=f"the solver says {answer.status!r} for {answer.setting}")


METHODS: dict[str, Callable[[str, int], Setting]] = {
    "gradient descent, step 1/L": lambda name, rounds: fedavg_setting(name, rounds),
    "PISA, σ = 2L": lambda name, rounds: pisa_setting(name, rounds),
    "PISA, σ = 2L, warm": lambda name, rounds: pisa_setting(name, rounds, warm=True),
    "PISA, σ⁰ = 2L, γ = 3/4": lambda name, rounds: pisa_setting(name, rounds, gamma="3/4"),
    "FedAvg, two steps of 1/2L, ζ = 1": lambda name, rounds: fedavg_setting(
        name, rounds, step="1/2", local_steps=2, clients=2, heterogeneity=1
    ),
    "exact ADMM, σ = 2L, warm": lambda name, rounds: pisa_setting(name, rounds, method="admm", clients=2, warm=True),
}
"""The curves of the figure; FedAvg and ADMM with two clients, the others with any number by the merging lemma."""


def _comparison_evidence(seed: int, effort: str) -> Evidence:
    """Return SUPPORTED when gradient descent ≤ PISA ≤ ADMM (both warm) for every N shown, with the figure."""
    horizon = range(1, 5 if effort == "quick" else 8)
    curves: dict[str, list[float]] = {}
    for label, setting in METHODS.items():
        answers = [worst_case_value(setting("nonconvex", rounds)) for rounds in horizon]
        failures = [answer for answer in answers if answer.status != "solved"]
        if failures:
            return _failed(failures[0])
        curves[label] = [answer.value for answer in answers]
    descent, cold, warm, _, _, admm = curves.values()
    tail = range(1, len(horizon))
    margin = min(*(c - d for c, d in zip(cold, descent, strict=True)), *(admm[k] - warm[k] for k in tail)) + 1e-6
    verdict = Verdict.SUPPORTED if margin >= 0 else Verdict.REFUTED
    detail = f"N = {horizon[-1]}: " + ", ".join(f"{label} {values[-1]:.4f}" for label, values in curves.items())
    figure = {
        "title": "Exact worst cases of the smallest squared gradient (nonconvex, L = 1, F(w⁰) − F* ≤ 1)",
        "x_label": "moves N",
        "y_label": "worst case",
        "log": "xy",
        "curves": [{"label": label, "x": list(horizon), "y": values} for label, values in curves.items()],
    }
    numbers: dict[str, Any] = dict(curves)
    return Evidence(verdict, margin, detail, numbers, None, figure)


COMPARISON_CLAIMS: tuple[Claim, ...] = (
    Claim(
        name="W-closed-forms",
        statement="The programs' values are 4κ²/((4κ−1)N+2κ²+4κ−3) and, convex, 2κ/(2N+2+κ) to 1e-6 for N ≤ 10.",
        hypotheses=("κ ≥ 2", "F(w⁰) − inf F ≤ 1, L = 1, π⁰ = 0, ρ = λ = 0"),
        expected=Verdict.SUPPORTED,
        check=_closed_form_evidence,
        source="MATHEMATICS.md#W1, MATHEMATICS.md#W2, MATHEMATICS.md#T2",
        kind="certified",
        requires=("clarabel", "scipy"),
    ),
    Claim(
        name="W-worst-cases-compared",
        statement="In the nonconvex worst case gradient descent with step 1/L is below PISA with σ = 2L, and warm PISA "
        "below warm exact ADMM with the same σ from N = 2 on.",
        hypotheses=(
            "F(w⁰) − inf F ≤ 1, L = 1",
            "two clients for ADMM and FedAvg: there inf F enters by a valid inequality that may not be tight",
        ),
        expected=Verdict.SUPPORTED,
        check=_comparison_evidence,
        source="MATHEMATICS.md#W7",
        kind="certified",
        requires=("clarabel", "scipy"),
    ),
)
"""Claims that need the extra ``certify``; without it they are INCONCLUSIVE."""
