"""Algorithm 1 written out by hand, client by client with every w_i kept, against what the library runs."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.problem import FunctionProblem
from pisa_lab.state import State
from proofs_check.claim import Claim
from proofs_check.measured.instances import Array, Instance, count, grid, method_of, problem_of
from proofs_check.measured.trajectories import digits_to_spare, measured_claim, relative, states_of

TOLERANCE = 1e-12
STEPS = 20


def moment_root(
    kind: str, moment: list[float], direction: Array, clip: float | None, beta: float, round_: int
) -> Array:
    """Return the diagonal of Q after the look ``direction`` = π + g; ``moment``, the client's v, is changed in place.

    Source: MATHEMATICS.md#preconditioners. "moment-I" adds up, "moment-II" averages, "moment-III" divides by 1 −
    β^round.
    """
    roots = []
    for place, entry in enumerate(direction):
        square, limit = float(entry) ** 2, math.inf if clip is None else clip**2
        if kind == "moment-I":
            moment[place] += square
            roots.append(math.sqrt(min(moment[place], limit)))
            continue
        moment[place] = beta * moment[place] + (1 - beta) * min(square, limit)
        used = moment[place] / (1 - beta**round_) if kind == "moment-III" else moment[place]
        roots.append(math.sqrt(used))
    return np.asarray(roots)


def by_hand(instance: Instance, problem: FunctionProblem, method: Any) -> list[tuple[Array, Array, Array]]:
    """Return (w, w_i, π_i) after each round of MATHEMATICS.md#algorithm, in the paper's variables.

    The penalties, weights and rhos are read off ``method`` and ``problem``; nothing else of the library is called but
    gradients.
    """
    kind, clip = str(instance["preconditioner"]), instance["clip"]
    clients, size = problem.weights.size, problem.initial.size
    sigma = _each(method.penalty, clients)
    rho, gamma = _each(method.rho, clients), _each(method.penalty_ratio, clients)
    local = [problem.initial.copy() for _ in range(clients)]
    start = problem.client_grad(problem.initial[None])
    pull = [-start[i] if method.warm else np.zeros(size) for i in range(clients)]
    moments = [[0.0] * size for _ in range(clients)]
    history = []
    for round_ in range(1, STEPS + 1):
        total = sum(problem.weights[i] * sigma[i] for i in range(clients)) + problem.ridge
        shared = sum(problem.weights[i] * (sigma[i] * local[i] + pull[i]) for i in range(clients)) / total
        for i in range(clients):
            gradient = problem.functions[i][1](shared)
            sigma[i] = sigma[i] / gamma[i]
            rhs = pull[i] + gradient
            diagonal = _diagonal(kind, moments[i], rhs, clip, round_)
            deviation = -rhs / (sigma[i] + rho[i] * diagonal)
            local[i] = shared + deviation
            pull[i] = pull[i] + sigma[i] * deviation
        history.append((shared, np.asarray(local), np.asarray(pull)))
    return history


def _diagonal(kind: str, moment: list[float], rhs: Array, clip: float | None, round_: int) -> Array:
    if kind in ("none", "identity"):
        return np.full(rhs.size, float(kind == "identity"))
    # 0.9 is the decay that `instances.PRECONDITIONERS` gives to schemes II and III.
    return moment_root(kind, moment, rhs, clip, 0.9, round_)


def _each(value: Any, clients: int) -> list[float]:
    return [float(entry) for entry in np.broadcast_to(np.asarray(value, dtype=float), (clients,))]


def hand_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest relative distance of w, w_i and π_i from the hand-written rounds.

    Margin in digits below 1e-12.
    """
    method, problem = method_of(instance), problem_of(instance)
    states: list[State] = states_of(method, problem, steps=STEPS)[1:]
    history = by_hand(instance, problem, method)
    found = ([s.consensus for s in states], [s.local for s in states], [s.multiplier for s in states])
    # Relative to the size of the whole path: in one dimension a point may pass close to 0.
    errors = [
        relative(np.asarray(path), np.asarray(hand))
        for path, hand in zip(found, zip(*history, strict=True), strict=True)
    ]
    return {"error": max(errors), "margin": digits_to_spare(max(errors), TOLERANCE)}


CLAIMS_BY_HAND: tuple[Claim, ...] = (
    measured_claim(
        "algorithm-by-hand",
        "A run is Algorithm 1 with the second-moment schemes, written out by hand client by client.",
        trial=hand_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 15, 100),
            clients=(1, 2, 4),
            dimension=(1, 3),
            ridge=(0.0, 0.3),
            waves=(0.0, 0.8),
            spread=(1.0, 10.0),
            penalty=((2.0, 9.0), (1.5, 20.0)),
            rho=((0.0, 5.0), (0.5, 2.0)),
            ratio=((0.9, 1.0), 0.95, 1.0),
            preconditioner=("none", "identity", "moment-I", "moment-II", "moment-III"),
            clip=(None, 0.7),
            warm=(False, True),
        ),
        detail="w, w_i and π_i of 20 rounds differ by at most {error:.1e} relative over {trials} runs",
        hypotheses=(
            "full gradients",
            "unequal α_i, σ_i, ρ_i, γ_i",
            "any ridge",
            "Q = 0, I or √v of schemes I, II, III",
        ),
        provenance="reconstructed",
        source="MATHEMATICS.md#algorithm, MATHEMATICS.md#preconditioners",
        latex=r"w_i^{\ell+1}=w^{\ell+1}-(\sigma_i^{\ell+1}I+\rho_iQ_i)^{-1}(\pi_i^{\ell}+g_i)",
    ),
)
