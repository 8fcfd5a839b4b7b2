"""Claims that a worst-case function or a one-line family refutes, replayed through the ordinary run.

Each trial decides its witness in fractions, hypotheses included, and then asks the library's run for the same numbers:
where they differ it raises, and the claim is INCONCLUSIVE. So a broken method is no refutation.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from pisa_lab.baselines import FedSGD
from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity
from pisa_lab.problem import FunctionProblem, from_functions, objective
from proofs_check.certified.exact_runs import agree, pisa_path
from proofs_check.certified.matching import attained
from proofs_check.certified.refute import method_of, problem_of, replayed
from proofs_check.certified.rising import replayed_round
from proofs_check.certified.setting import exact
from proofs_check.certified.witnesses import ATTAINED, witness
from proofs_check.claim import Claim, Evidence, Verdict, judge
from proofs_check.theory import gradient_descent_rate

Instance = Mapping[str, Any]
Trial = Callable[[Instance], Mapping[str, Any]]
SHARPER = 0.999
"""A claimed improvement of an exact bound by a thousandth; the solver's noise is 1e-9."""
SOLVER = 1e-6
"""How far a function of the solver may be from the one made in fractions."""


def _parabola(curvature: float, start: float, *, centre: float = 0.0, ridge: float = 0.0) -> FunctionProblem:
    """Return c(w − centre)²/2 on one client."""
    pair = (lambda w: curvature / 2 * float((w - centre) @ (w - centre)), lambda w: curvature * (w - centre))
    return from_functions([pair], [start], ridge=ridge, lipschitz=curvature)


def _squares(method: Any, problem: Any, steps: int) -> list[float]:
    """Return the squared gradient at w^0, …, w^N."""
    result = run(method, problem, steps=steps, every=1, measures=("stationarity",))
    return [float(value) ** 2 for value in result.history["stationarity"]]


def _constant(penalty: str, rounds: int, clients: int = 1) -> list[list[Fraction]]:
    return [[exact(penalty)] * clients] * (rounds + 1)


def rise_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the augmented Lagrangian before and after one round from the kept state; margin −rise."""
    return replayed_round(witness(str(instance["witness"])))


def attained_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst case that the kept function attains; margin .999 of the exact value less what is attained.

    Raises:
        ValueError: a function made in fractions does not attain the same, at every iterate.
    """
    name = str(instance["witness"])
    found, decided = replayed(witness(name)), attained(ATTAINED[name])
    numbers = [found["value"], *found["squares"]]
    agree("attained", numbers, [decided] * (ATTAINED[name].rounds + 2), tolerance=SOLVER)
    kept = {key: number for key, number in found.items() if key != "squares"}
    return {**kept, "exact": float(decided), "margin": SHARPER * found["value"] - found["attained"]}


def plateau_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return $\min_k\|\nabla F(w^k)\|^2$ of fixed γ on $c w^2/2$ with $F(w^0) - F^* = 1$; margin claimed − found.

    Raises:
        ValueError: c is not in (0, 1], or the run is not that in fractions.
    """
    curvature, steps, order = float(instance["curvature"]), int(instance["steps"]), str(instance["order"])
    method = PISA(penalty=2.0, penalty_ratio=float(instance["ratio"]), penalty_update=order, first="client")
    c, ratio = exact(curvature), exact(instance["ratio"])
    if not 0 < c <= 1:
        raise ValueError("curvature: F must be convex and 1-smooth")
    penalties = [[2 / ratio**k] for k in range(steps + 1)]
    path = pisa_path([lambda w: c * w], Fraction(1), penalties=penalties, order=order)
    squares = _squares(method, _parabola(curvature, float(np.sqrt(2 / curvature))), steps)
    agree("squared gradient", squares, [(c * w) ** 2 / (c / 2) for w in path])
    return {"least": min(squares), "margin": float(instance["claimed"]) - min(squares)}


def cold_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the smallest squared gradient over the gap for $\pm bx + x^2/2$, ρ = (0, 2); margin claimed − found."""
    slope, steps = float(instance["slope"]), int(instance["steps"])

    def pair(sign: float) -> Any:
        return lambda w: float(sign * slope * w[0] + w[0] ** 2 / 2), lambda w: sign * slope + w

    problem = from_functions([pair(1.0), pair(-1.0)], [1.0], lipschitz=1.0)
    method = PISA(penalty=3.0, rho=(0.0, 2.0), preconditioner=Identity(), first="client")
    shares = [square / 0.5 for square in _squares(method, problem, steps)]
    b, half = exact(slope), Fraction(1, 2)
    path = pisa_path(
        [lambda w: b + w, lambda w: w - b],
        Fraction(1),
        penalties=_constant("3", steps, 2),
        weights=(half, half),
        rho=(Fraction(0), Fraction(2)),
    )
    agree("squared gradient", shares, [w**2 / half for w in path])
    return {"share": min(shares), "margin": float(instance["claimed"]) - min(shares)}


def ridge_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the smallest $\|\nabla F_\lambda(w^k)\|^2$, k ≥ 1, for $(w-c)^2/2$; margin 1 − found."""
    centre, ridge, steps = float(instance["centre"]), float(instance["ridge"]), int(instance["steps"])
    problem = _parabola(1.0, centre / (1 + ridge), centre=centre, ridge=ridge)
    squares = _squares(PISA(penalty=3.0), problem, steps)
    c, weight = exact(centre), exact(ridge)
    path = pisa_path([lambda w: w - c], c / (1 + weight), penalties=_constant("3", steps), ridge=weight, first="server")
    agree("squared gradient", squares, [((1 + weight) * w - c) ** 2 for w in path])
    found = min(squares[1:])
    return {"least": found, "at_start": squares[0] ** 0.5, "margin": 1 - found}


def edge_trial(instance: Instance) -> Mapping[str, Any]:
    """Return |w| after the run over |w⁰| on w²/2; margin 1 − that."""
    steps = int(instance["steps"])
    squares = _squares(PISA(penalty=float(instance["penalty"])), _parabola(1.0, 1.0), steps)
    penalties = _constant(str(instance["penalty"]), steps)
    path = pisa_path([lambda w: w], Fraction(1), penalties=penalties, first="server")
    agree("squared gradient", squares, [w**2 for w in path])
    growth = squares[-1] ** 0.5
    return {"growth": growth, "margin": 1 - growth}


def race_trial(instance: Instance) -> Mapping[str, Any]:
    """Return what PISA and gradient descent with step 1/L reach on the kept Huber function; margin descent − PISA.

    The certificate of gradient descent bounds it on every convex function, so that PISA's worst case is above it.

    Raises:
        ValueError: a function made in fractions does not attain what PISA reaches here, at every iterate.
    """
    name = str(instance["witness"])
    kept = witness(name)
    problem, steps = problem_of(kept), int(kept["setting"]["rounds"])
    gap = float(objective(problem, problem.initial)) - float(kept["infimum"])
    pisa = [square / gap for square in _squares(method_of(kept["setting"]), problem, steps)]
    descent = min(_squares(FedSGD(rate=1.0), problem, steps)) / gap
    agree("squared gradient", pisa, [attained(ATTAINED[name])] * (steps + 1), tolerance=SOLVER)
    bound = float(gradient_descent_rate(steps, convex=True, gap=Fraction(1)))
    if not descent <= bound + SOLVER:
        raise ValueError(f"descent: {descent!r} is above its certified bound {bound!r}")
    return {"pisa": min(pisa), "descent": descent, "margin": bound - min(pisa)}


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


REFUTED_CLAIMS: tuple[Claim, ...] = (
    _refuted(
        "W-descent-below-threshold",
        "Above the stability edge 1.5L the augmented Lagrangian falls in every round with full gradients and Q = 0.",
        rise_trial,
        _named("rise-nonconvex", "rise-mixed-order"),
        hypotheses=(
            "L-smooth F",
            "any state that follows a round",
            "σ = 1.6L, γ = 1; or σ = 1.7L, γ = 3/4, mixed order",
        ),
        source="MATHEMATICS.md#W8, MATHEMATICS.md#V5; found by the one-round program",
    ),
    _refuted(
        "W-descent-convex-below-edge",
        "For convex F the augmented Lagrangian falls in every round from σ = 1.45L on.",
        rise_trial,
        _named("rise-convex"),
        hypotheses=("convex L-smooth F", "any state that follows a round", "γ = 1, Q = 0"),
        source="MATHEMATICS.md#W8, MATHEMATICS.md#V5; found by the one-round program",
    ),
    _refuted(
        "W-descent-light-changing-q",
        "With σ = 2L and 0 ⪯ ρQ ⪯ σ/4 the augmented Lagrangian falls in every round, however Q changes between rounds.",
        rise_trial,
        _named("rise-any-q"),
        hypotheses=("L-smooth F", "any state with π = −∇F(w) − ρQ(w_1 − w)", "Q symmetric, new at every round"),
        source="MATHEMATICS.md#W8, MATHEMATICS.md#V5 read for every Q; found by the one-round program",
    ),
    _refuted(
        "W-descent-convex-changing-q",
        "With convex F, σ = 2L and 0 ⪯ ρQ ⪯ σ/2 the augmented Lagrangian falls in every round, however Q changes.",
        rise_trial,
        _named("rise-any-q-convex"),
        hypotheses=("convex L-smooth F", "any state with π = −∇F(w) − ρQ(w_1 − w)", "Q symmetric, new at every round"),
        source="MATHEMATICS.md#W8; found by the one-round program",
    ),
    _refuted(
        "W-fixed-ratio-vanishes",
        "With γ = 3/4 and σ⁰ = 2L the worst case of the smallest squared gradient falls below .19 (mixed order: .18).",
        plateau_trial,
        [
            {"curvature": 0.2667, "ratio": 0.75, "order": "before_solve", "claimed": 0.19, "steps": 60},
            {"curvature": 0.2667, "ratio": 0.75, "order": "after_solve", "claimed": 0.18, "steps": 60},
        ],
        hypotheses=("convex L-smooth F", "F(w⁰) − F* ≤ 1, L = 1", "ρ = λ = 0, π⁰ = 0"),
        source="MATHEMATICS.md#W3, MATHEMATICS.md#V2",
    ),
    _refuted(
        "W-bounds-not-sharp",
        "The exact worst cases can be improved by a thousandth.",
        attained_trial,
        _named(
            "attained-kappa-2",
            "attained-huber",
            "attained-geometric",
            "attained-mixed-order",
            "attained-ridge-warm",
            "attained-equal-rho",
        ),
        hypotheses=("F(w⁰) − inf F ≤ 1, L = 1", "the parameters of each kept function"),
        source="MATHEMATICS.md#W1, MATHEMATICS.md#W2, MATHEMATICS.md#W3; from primal solutions",
    ),
    _refuted(
        "W-unequal-rho-cold-start-rate",
        "With unequal ρ_i and π⁰ = 0 ten moves bring the smallest squared gradient below 1.9 L(F(w⁰) − F*).",
        cold_trial,
        [{"slope": 1000.0, "steps": 10, "claimed": 1.9}],
        hypotheses=("two convex 1-smooth clients", "σ = 3L, ρ = (0, 2), Q = I"),
        source="MATHEMATICS.md#W5, MATHEMATICS.md#V6",
    ),
    _refuted(
        "W-ridge-cold-start-rate",
        "With λ > 0 and π⁰ = 0 the smallest ‖∇F_λ(w^k)‖² over 1 ≤ k ≤ N is at most (L + λ)(F_λ(w⁰) − F_λ*) + 1.",
        ridge_trial,
        [{"centre": centre, "ridge": 0.5, "steps": 5} for centre in (10.0, 1e3, 1e5)],
        hypotheses=("F = (w − c)²/2, started at the minimiser of F_λ", "σ = 3L, the server's step first"),
        source="MATHEMATICS.md#W4, MATHEMATICS.md#V7",
    ),
    _refuted(
        "W-stable-below-edge",
        "With σ = 1.49L the iterates stay bounded by the start on every convex L-smooth function.",
        edge_trial,
        [{"penalty": 1.49, "steps": 500}],
        hypotheses=("F = w²/2", "ρ = λ = 0, γ = 1"),
        source="MATHEMATICS.md#W3, MATHEMATICS.md#I6",
    ),
    _refuted(
        "W-pisa-beats-gradient-descent",
        "With as many gradients PISA (Q = 0, σ = 2L) has no larger worst case than gradient descent with step 1/L.",
        race_trial,
        _named("attained-huber"),
        hypotheses=("convex L-smooth F", "N = 5; gradient descent is at most 2L/(2N+1) on every such F, certified"),
        source="MATHEMATICS.md#W7; certificate convex-gradient-descent-N5",
    ),
)
"""Refutations with kept witnesses; none needs a solver."""
