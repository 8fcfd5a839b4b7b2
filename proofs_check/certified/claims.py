"""Certified claims: shipped certificates that the checker verifies at check time, and what stands beside them."""

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from proofs_check.certified import checker
from proofs_check.certified.any_q_edge import EDGE_CLAIM
from proofs_check.certified.catalogue import THEOREMS, Theorem
from proofs_check.certified.certificate import parameters_of
from proofs_check.certified.comparison import COMPARISON_CLAIMS, closed_form, descent_form
from proofs_check.certified.lemma_proof import merging_facts
from proofs_check.certified.refutations import REFUTED_CLAIMS
from proofs_check.certified.setting import Setting
from proofs_check.claim import Claim, Evidence, Verdict

Limit = Callable[[Setting], float]
SLACK = 1e-4
"""What a certified bound may exceed the exact worst case by."""


def certificate_evidence(theorems: Sequence[Theorem], limit: Limit | None = None) -> Evidence:
    """Return PROVED when the checker accepts every certificate and each answers its own question.

    With ``limit`` every bound must also be at most limit + 1e-4; the margin is what is left of that.
    """
    bounds: list[float] = []
    margins: list[float] = []
    steps: list[str] = []
    for theorem in theorems:
        try:
            text = theorem.path.read_text(encoding="utf-8")
            steps.append(f"{theorem.path.name}: {checker.verify(text)}")
            document = json.loads(text)
        except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError) as error:
            return Evidence(Verdict.INCONCLUSIVE, detail=f"{theorem.path.name} is not accepted: {error!r:.300}")
        asked, found = _asked(theorem), document["parameters"]
        if any(found.get(name) != value for name, value in asked.items()):
            return Evidence(Verdict.INCONCLUSIVE, detail=f"{theorem.path.name} proves another theorem than its claim's")
        bounds.append(float(Fraction(document["bound"])))
        if limit is not None and isinstance(theorem.question, Setting):
            margins.append(limit(theorem.question) + SLACK - bounds[-1])
    paths = [f"proofs_check/certified/certificates/{theorem.path.name}" for theorem in theorems]
    spread = f"{min(bounds):.6g} to {max(bounds):.6g}"
    detail = f"{len(paths)} certificates verified in rationals, the first {paths[0]}; bounds {spread}"
    margin = min(margins, default=None)
    verdict = Verdict.PROVED if margin is None or margin >= 0 else Verdict.INCONCLUSIVE
    return Evidence(verdict, margin, detail, {"certificates": paths, "bounds": bounds}, steps=steps)


def _pisa_limit(setting: Setting) -> float:
    return closed_form(setting.function_class, float(setting.penalties[0][0]), setting.rounds)


def _descent_limit(setting: Setting) -> float:
    return descent_form(setting.function_class, setting.rounds)


def _asked(theorem: Theorem) -> dict[str, Any]:
    """Return the parameters that the certificate must have; the factor of a potential is the solver's choice."""
    if isinstance(theorem.question, Setting):
        return parameters_of(theorem.question)
    return {name: value for name, value in theorem.question.parameters.items() if name != "factor"}


def _proved(
    name: str, statement: str, *hypotheses: str, source: str = "MATHEMATICS.md#worst-cases", limit: Limit | None = None
) -> Claim:
    theorems = [theorem for theorem in THEOREMS if theorem.claim == name]
    if not theorems:
        raise ValueError(f"name: no shipped certificate belongs to {name!r}")
    return Claim(
        name=name,
        statement=statement,
        hypotheses=hypotheses,
        expected=Verdict.PROVED,
        check=lambda seed, effort: certificate_evidence(theorems, limit),
        source=source,
        kind="certified",
    )


def _lemma_evidence(seed: int, effort: str) -> Evidence:
    facts = merging_facts()
    failed = [name for name, holds in facts if not holds]
    if failed:
        return Evidence(Verdict.INCONCLUSIVE, detail=f"not shown: {failed[0]}")
    control = [name for name, holds in merging_facts(equal_rho=False) if not holds]
    detail = f"{len(facts)} facts hold identically; with unequal rho {len(control)} of them fail, as they must"
    return Evidence(Verdict.PROVED, detail=detail, steps=[name for name, _ in facts])


_START = "F(w⁰) − inf F ≤ 1, L = 1, π⁰ = 0, ρ = λ = 0; for the parameters of each certificate"
CERTIFICATE_CLAIMS: tuple[Claim, ...] = (
    _proved(
        "W-nonconvex-kappa-2",
        "With σ = 2L the smallest squared gradient after N = 1, …, 5, 10 moves is at most 16/(7N+13) + 1e-4.",
        _START,
        limit=_pisa_limit,
        source="MATHEMATICS.md#W1",
    ),
    _proved(
        "W-convex-kappa-2",
        "With σ = 2L and convex F the smallest squared gradient after N moves is at most 4/(2N+4) + 1e-4.",
        _START,
        limit=_pisa_limit,
        source="MATHEMATICS.md#W2",
    ),
    _proved(
        "W-nonconvex-other-kappa",
        "The bounds of N = 5 for σ/L = 1.7, 1.9, 4, 8 and L-smooth F.",
        _START,
        source="MATHEMATICS.md#W1",
    ),
    _proved(
        "W-convex-other-kappa",
        "The bounds of N = 5 for σ/L = 1.6, 1.7, 4, 8 and convex F.",
        _START,
        source="MATHEMATICS.md#W2",
    ),
    _proved(
        "W-geometric-before_solve",
        "Five moves with γ = 3/4 and .9, σ⁰ = 2L, the penalty growing before the client's solve.",
        _START,
        source="MATHEMATICS.md#W3",
    ),
    _proved(
        "W-geometric-after_solve",
        "The same in the mixed order: the client uses σ^ℓ, the next server σ^{ℓ+1}.",
        _START,
        source="MATHEMATICS.md#W3",
    ),
    _proved("W-linear-schedule", "Five moves with σ^k = (2+k)L.", _START, source="MATHEMATICS.md#W3"),
    _proved(
        "W-warm-start",
        "One and five moves from π_i⁰ = −∇F_i(w⁰), σ = 2L.",
        "any number of clients by the merging lemma",
        _START,
        source="MATHEMATICS.md#W4",
    ),
    _proved(
        "W-ridge-warm",
        "Four moves with λ = 1/10 from the warm start, in F_λ.",
        "F_λ(w⁰) − inf F_λ ≤ 1",
        source="MATHEMATICS.md#W4",
    ),
    _proved(
        "W-equal-rho",
        "Moves with ρ_i = 1, Q_i = I, σ = 2L: one client, and three clients without the merging lemma.",
        _START,
        source="MATHEMATICS.md#W5",
    ),
    _proved(
        "W-unequal-rho-warm",
        "Two clients with ρ = (0, 2), σ = 3L (and with unequal σ_i, ρ_i, L_i) from the warm start: a bound whatever "
        "the heterogeneity.",
        "F(w⁰) − inf F ≤ 1",
        source="MATHEMATICS.md#W5, MATHEMATICS.md#V6",
    ),
    _proved(
        "W-unequal-rho-heterogeneity",
        "Two clients with ρ = (0, 2), σ = 3L, π⁰ = 0 where Σα_i‖∇F_i − ∇F‖² ≤ 1 at every w^k.",
        "F(w⁰) − inf F ≤ 1",
        source="MATHEMATICS.md#W5, MATHEMATICS.md#V6",
    ),
    _proved(
        "W-strongly-convex",
        "Last value and last gradient of 1/10-strongly convex F from ‖w⁰ − w*‖ ≤ 1, one client and two with unequal ρ.",
        "L = 1",
        source="MATHEMATICS.md#W6",
    ),
    _proved(
        "W-convex-distance",
        "Last value and smallest gradient of convex F after five moves from ‖w⁰ − w*‖ ≤ 1.",
        "L = 1",
        source="MATHEMATICS.md#W6",
    ),
    _proved(
        "W-gradient-descent",
        "Gradient descent with step 1/L (FedSGD): 4/(3N+2) and, convex, 2/(2N+1), + 1e-4.",
        _START,
        limit=_descent_limit,
        source="MATHEMATICS.md#W7",
    ),
    _proved(
        "W-fedavg",
        "FedAvg with two local steps of 1/4, two clients, Σα_i‖∇F_i − ∇F‖² ≤ 1 at every w^k.",
        "L = 1",
        source="MATHEMATICS.md#W7",
    ),
    _proved(
        "W-exact-admm",
        "Exact consensus ADMM, σ = 2L, two clients, warm start, three moves.",
        "L = 1",
        source="MATHEMATICS.md#W7",
    ),
    _proved(
        "W-lagrangian-threshold",
        "With Q = 0 the augmented Lagrangian falls each round at σ/L = 1.691 (nonconvex) and 1.506 (convex) for γ = 1, "
        "and at the thresholds of both orders for γ = .9, .75.",
        "any number of clients with equal σ_i, any state that follows a round",
        source="MATHEMATICS.md#W8, MATHEMATICS.md#V5",
    ),
    _proved(
        "W-lagrangian-any-q",
        "It falls for every symmetric Q_i, new each round: σ = 2L, ρQ ⪯ .1; σ = 7L, ρQ ⪯ σ/4; convex σ = 2L, ρQ ⪯ σ/4.",
        "any number of clients with equal σ_i, any state that follows a round",
        source="MATHEMATICS.md#W8",
    ),
    _proved(
        "W-any-q-potential",
        "F_λ + (a/σ)Σα_i‖∇F_i + π_i‖² falls by c‖∇F_λ‖² for every symmetric Q_i, 0 ⪯ ρ_iQ_i ⪯ βσ, new each round: "
        "σ/L = 1.55, 1.55, 1.75, 2.51, 3.51, 5.51 at β = 0, 1, 2, 3, 4, 6, where the theorem for every Q needs 1.618, "
        "1.758, 2, 2.562, 3.541, 5.525.",
        "any number of clients with equal σ_i, any state; the next penalty may be larger",
        source="MATHEMATICS.md#W9; the theorem for every Q is MATHEMATICS.md#T6, these constants are ours",
    ),
    Claim(
        name="W-merging-lemma",
        statement="With equal σ_i and equal ρ_i the worst case over m clients is that of one, for every m.",
        hypotheses=(
            "full gradients, Q_i = I",
            "the same lower curvature bound, or bounds −L_i",
            "π⁰ = 0 or the warm start",
        ),
        expected=Verdict.PROVED,
        check=_lemma_evidence,
        source="MATHEMATICS.md#W10; derived",
        kind="symbolic",
        requires=("sympy",),
    ),
)

CLAIMS_CERTIFIED: tuple[Claim, ...] = (*CERTIFICATE_CLAIMS, EDGE_CLAIM, *COMPARISON_CLAIMS, *REFUTED_CLAIMS)
"""What certificates prove, what the solver compares, what witnesses refute."""
