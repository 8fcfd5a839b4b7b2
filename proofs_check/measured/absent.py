r"""Absent, compressed and late clients: at N7's thresholds its potentials fall by $\|\nabla F_\lambda\|^2/(2s)$."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab import thresholds
from pisa_lab.late import Late, RandomDelays
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Contraction, Quantised, ScaledSign, TopK
from pisa_lab.problem import Problem, objective
from pisa_lab.residuals import stationarity
from pisa_lab.state import Observation, State
from proofs_check.claim import Claim
from proofs_check.measured.constant_penalty import TOLERANCE, potential
from proofs_check.measured.instances import Array, Instance, count, grid, method_of, problem_of
from proofs_check.measured.trajectories import holds, measured_claim, states_of
from proofs_check.theory import residual_weight

ROUNDS = 12


@dataclasses.dataclass(frozen=True)
class Worst(Contraction):
    r"""$C(u) = (1\pm q)u$ with signs that change from entry to entry: as far from u as $1-\varpi = q^2$ lets it be."""

    lost: float

    def contraction(self, size: int) -> float:
        """Return 1 − q²."""
        return 1 - self.lost**2

    def compress(self, vectors: Any) -> Any:
        """Return (1+q)u and (1−q)u in turn, by the signs of u's neighbours."""
        return vectors * (1 + self.lost * np.sign(np.roll(vectors, 1, axis=-1)))


CONTRACTIONS: Mapping[str, Contraction] = {
    "top-k": TopK(0.3),
    "scaled-sign": ScaledSign(),
    "two-bit": Quantised(2),
    "eight-bit": Quantised(),
    "worst": Worst(0.8),
}


def _at_threshold(instance: Instance, threshold: float) -> dict[str, Any]:
    """Return the instance with the penalty that ``threshold`` asks for, times "share" of it, and ρη = β times that.

    A share below 1 shows that the check can fail.
    """
    threshold = threshold * float(instance.get("share", 1.0))
    penalty = thresholds.least_penalty(threshold, 1.0, float(instance["ridge"]))
    kind = instance.get("preconditioner", "none")
    clip = 1.0 if kind == "identity" else 0.5
    rho = 0.0 if kind == "none" else float(instance.get("beta", 0.0)) * penalty / clip
    return {**instance, "penalty": penalty, "rho": rho, "clip": clip}


def _excess(problem: Problem, before: State, start: float, end: float) -> float:
    """Return by how much the potential of the next point exceeds what N7 allows, relative to 1 + |V|."""
    total = float(np.sum(before.weights * before.penalty)) + before.ridge
    return (end - start + float(stationarity(problem, before)) ** 2 / (2 * total)) / (1 + abs(start))


def _numbers(violations: Sequence[float]) -> Mapping[str, Any]:
    worst = float(np.max(violations))
    return {"violation": worst, "margin": holds(1 - worst / TOLERANCE)}


def participation_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst of E V⁺ − V + ‖∇F_λ‖²/(2s) along a run, the expectation exact over all sets of clients.

    "law" is how the clients depend on each other: "independent", "together", or "one", exactly one of them.
    """
    clients, beta = int(instance["clients"]), float(instance["beta"])
    probability = 1 / clients if instance["law"] == "one" else float(instance["probability"])
    prepared, problem = (
        _at_threshold(instance, thresholds.participation_margin(beta, probability)),
        problem_of(instance),
    )
    method, rng = method_of(prepared), np.random.default_rng([int(instance["seed"]), 2])
    share = 1 / (2 * (1 - np.sqrt(1 - probability * (1 - (beta / (1 + beta)) ** 2))))
    sets = _sets(clients, str(instance["law"]), probability)
    state, violations = _first_point(method, problem), []
    for _ in range(ROUNDS):
        gradient = problem.client_grad(state.shared)
        after = [
            method.server_update(method.client_update(state, Observation(gradient, active=active)))
            for _, active in sets
        ]
        expected = sum(chance * potential(problem, s, share) for (chance, _), s in zip(sets, after, strict=True))
        violations.append(_excess(problem, state, potential(problem, state, share), expected))
        state = after[int(rng.choice(len(sets), p=[chance for chance, _ in sets]))]
    return _numbers(violations)


def _first_point(method: PISA, problem: Problem) -> State:
    """Return the state after the first server step."""
    return method.server_update(method.init(problem, problem.initial))


def _sets(clients: int, law: str, probability: float) -> list[tuple[float, Array]]:
    """Return (chance, who is there) of every set of clients that the law allows."""
    if law == "one":
        return [(1 / clients, np.arange(clients) == i) for i in range(clients)]
    if law == "together":
        return [(probability, np.ones(clients, dtype=bool)), (1 - probability, np.zeros(clients, dtype=bool))]
    found = (np.array(flags) for flags in itertools.product((False, True), repeat=clients))
    return [(float(np.prod(np.where(flags, probability, 1 - probability))), flags) for flags in found]


def compression_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst of V⁺ − V + ‖∇F_λ‖²/(2s) along a run with compressed clients."""
    operator, problem = CONTRACTIONS[str(instance["operator"])], problem_of(instance)
    varpi, extrapolation = operator.contraction(int(instance["dimension"])), bool(instance["extrapolation"])
    lost = np.sqrt(1 - varpi)
    chi = (1 + 2 * lost) ** 2 if extrapolation else lost**2
    prepared = _at_threshold(instance, thresholds.contraction_margin(varpi, extrapolation=extrapolation))
    method = PISA(penalty=prepared["penalty"], preconditioner=operator, extrapolation=extrapolation)
    return _numbers(_violations(method, problem, lambda k, state: potential(problem, state, chi / (2 * (1 - lost)))))


def delay_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst of V⁺ − V + ‖∇F_λ‖²/(2s) along a run with gradients of random ages up to τ.

    V holds the clients' errors in the gradients that they use, and the last τ moves.
    """
    limit, beta = int(instance["limit"]), float(instance["beta"])
    plain = thresholds.preconditioner_margin(beta)
    prepared = _at_threshold(instance, thresholds.delay_margin(limit, plain))
    problem, rule = problem_of(instance), RandomDelays(limit, int(instance["seed"]))
    method = Late(method_of(prepared), rule)
    zeta = limit / ((limit + 1) * np.sqrt(plain))
    each = (1 + zeta) * plain / 2 * (limit + 1) + ((1 + 1 / zeta) * limit / 2 if limit else 0.0)
    points: list[Array] = [problem.initial] * limit
    moves: list[float] = []

    def value(_: int, state: State) -> float:
        total = float(np.sum(state.weights * state.penalty)) + state.ridge
        moves.insert(0, float(np.sum(state.increment**2)))
        points.insert(0, state.consensus)
        ages = rule.ages(state.iteration, range(len(state.weights)))
        used = problem.client_grad(np.stack([points[age] for age in ages]))
        errors = np.sum((used + state.multiplier).reshape(len(ages), -1) ** 2, axis=1)
        held = (1 + zeta) * residual_weight(beta) * np.sum(state.weights * errors)
        kept = sum((limit - j) * each * move for j, move in enumerate(moves[:limit]))
        return float(objective(problem, state.consensus) + (held + kept) / total)

    return _numbers(_violations(method, problem, value))


def _violations(method: Any, problem: Problem, value: Any) -> list[float]:
    """Return by how much ``value`` of the server's points exceeds its bound, round by round."""
    served = [method.server_update(state) for state in states_of(method, problem, steps=3 * ROUNDS)]
    values = [value(number, state) for number, state in enumerate(served)]
    pairs = zip(served, itertools.pairwise(values), strict=False)
    return [_excess(problem, state, start, end) for state, (start, end) in pairs]


def _grid(seed: int, trials: int, **choices: Sequence[Any]) -> list[dict[str, Any]]:
    common = {"clients": (1, 2, 3), "dimension": (2, 4), "waves": (0.0, 0.7), "spread": (1.0, 10.0)}
    return grid(seed, trials, **(common | {"ridge": (0.0, 0.3, 2.0)} | choices))


FULL = ("full gradients, constant σ at the threshold itself", "L-smooth F_i, convex and not, λ of 0, .3, 2")
ANY_Q = "0 ⪯ ρQ ⪯ βσ, β up to 4: second moments, entries that jump between 0 and η, full matrices that turn"
KINDS = ("none", "identity", "moment-III", "switching", "matrix")

CLAIMS_ABSENT: tuple[Claim, ...] = (
    measured_claim(
        "N7-participation",
        "With clients that are there with a conditional probability of at least π the expected potential falls in "
        "every round by the squared gradient over 2s, whatever Q and the dependence between clients.",
        trial=participation_trial,
        instances=lambda seed, effort: _grid(
            seed,
            count(effort, 30, 300),
            probability=(0.05, 0.3, 0.95),
            law=("independent", "together", "one"),
            beta=(0.0, 1.0, 4.0),
            preconditioner=KINDS,
        ),
        detail="largest violation {violation:.1e} over {trials} runs, expectations exact over all sets of clients",
        hypotheses=(*FULL, ANY_Q, "(σ−L)(σ+λ) ≥ L²/(1 − √(1 − π(1−q²)))², q = β/(1+β)", "absent: π_i kept, w_i = w"),
        source="MATHEMATICS.md#N7; near EF21-PP and MIFA, ours: any Q and the constant",
        latex=r"(\sigma-L)(\sigma+\lambda) \geq L^2/(1-\sqrt{1-\pi(1-q^2)})^2",
    ),
    measured_claim(
        "N7-compression",
        "With contractions in the place of the clients' solves the potential falls in every round by the squared "
        "gradient over 2s, on a server without extrapolation and, from a larger σ on, with it.",
        trial=compression_trial,
        instances=lambda seed, effort: _grid(
            seed, count(effort, 30, 300), operator=tuple(CONTRACTIONS), extrapolation=(False, True)
        ),
        detail="largest violation {violation:.1e} over {trials} runs",
        hypotheses=(
            *FULL,
            "‖u − C(u)‖² ≤ q²‖u‖²: top-k, scaled sign, two and eight bits, (1±q)u",
            "(σ−L)(σ+λ) ≥ (q/(1−q))²L², with extrapolation ((1+2q)/(1−q))²L²",
        ),
        source="MATHEMATICS.md#N7; EF21 of Richtárik, Sokolov and Fatkhullin",
        latex=r"(\sigma-L)(\sigma+\lambda) \geq q^2L^2/(1-q)^2",
    ),
    measured_claim(
        "N7-delay",
        "With gradients of any ages up to τ a potential that holds the gradients used and the last τ moves falls in "
        "every round by the squared gradient over 2s, whatever Q.",
        trial=delay_trial,
        instances=lambda seed, effort: _grid(
            seed, count(effort, 30, 300), limit=(0, 1, 2, 4), beta=(0.0, 1.0, 4.0), preconditioner=KINDS
        ),
        detail="largest violation {violation:.1e} over {trials} runs",
        hypotheses=(*FULL, ANY_Q, "(σ−L)(σ+λ) ≥ L²(τ + (τ+1)√X(β))²", "ages drawn anew each round and client"),
        source="MATHEMATICS.md#N7; near IAG and delayed error feedback, ours: any Q and the constant",
        latex=r"(\sigma-L)(\sigma+\lambda) \geq L^2(\tau+(\tau+1)\sqrt{X})^2",
    ),
)
