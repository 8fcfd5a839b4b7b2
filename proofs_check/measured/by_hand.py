"""Algorithm 1 written out by hand, client by client with every w_i kept, against what the library runs."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.method import sisa
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

    The penalties, weights, rhos and orders are read off ``method`` and ``problem``; nothing else of the library is
    called but gradients.
    """
    clients, size = problem.weights.size, problem.initial.size
    sigma = _each(method.penalty, clients)
    rho, gamma = _each(method.rho, clients), _each(method.penalty_ratio, clients)
    shared, local = problem.initial.copy(), [problem.initial.copy() for _ in range(clients)]
    pull = [-problem.functions[i][1](shared) if method.warm else np.zeros(size) for i in range(clients)]
    moments = [[0.0] * size for _ in range(clients)]
    history = []
    for round_ in range(1, STEPS + 1):
        if method.first == "server":
            shared = _served(problem, sigma, local, pull)
        for i in range(clients):
            rhs = pull[i] + problem.functions[i][1](shared)
            used = sigma[i] if method.penalty_update == "after_solve" else sigma[i] / gamma[i]
            deviation = -rhs / (used + rho[i] * _diagonal(instance, moments[i], rhs, round_))
            local[i], pull[i] = shared + deviation, pull[i] + used * deviation
            sigma[i] = sigma[i] / gamma[i]
        if method.first == "client":
            shared = _served(problem, sigma, local, pull)
        history.append((shared, np.asarray(local), np.asarray(pull)))
    return history


def _served(problem: FunctionProblem, sigma: list[float], local: list[Array], pull: list[Array]) -> Array:
    """Return the server's w from the clients' w_i and π_i."""
    parts = list(zip(problem.weights, sigma, local, pull, strict=True))
    total = sum(alpha * s for alpha, s, _, _ in parts) + problem.ridge
    return np.asarray(sum(alpha * (s * w + pi) for alpha, s, w, pi in parts) / total)


def _diagonal(instance: Instance, moment: list[float], rhs: Array, round_: int) -> Array:
    kind, beta = str(instance["preconditioner"]), float(instance.get("beta", 0.9))
    if kind in ("none", "identity"):
        return np.full(rhs.size, float(kind == "identity"))
    # 0.9 is the decay that `instances.PRECONDITIONERS` gives to schemes II and III.
    return moment_root(kind, moment, rhs, instance["clip"], beta, round_)


def _each(value: Any, clients: int) -> list[float]:
    return [float(entry) for entry in np.broadcast_to(np.asarray(value, dtype=float), (clients,))]


def hand_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest relative distance of w, w_i and π_i from the hand-written rounds.

    Margin in digits below 1e-12.
    """
    orders = {name: instance[name] for name in ("first", "penalty_update") if name in instance}
    problem = problem_of(instance)
    # "beta" is that of SISA as it comes: its own defaults of scheme, β and ρ.
    method = sisa(float(instance["penalty"])) if "beta" in instance else method_of(instance, **orders)
    states: list[State] = states_of(method, problem, steps=STEPS)[1:]
    history = by_hand(instance, problem, method)
    found = ([s.consensus for s in states], [s.local for s in states], [s.multiplier for s in states])
    # Relative to the size of the whole path: in one dimension a point may pass close to 0.
    errors = [
        relative(np.asarray(path), np.asarray(hand))
        for path, hand in zip(found, zip(*history, strict=True), strict=True)
    ]
    return {"error": max(errors), "margin": digits_to_spare(max(errors), TOLERANCE)}


def _instances(seed: int, effort: str) -> list[dict[str, Any]]:
    """Return random instances, and one of every scheme whose clip is sure to bind."""
    rows = grid(
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
    )
    binding = {"clients": 3, "dimension": 3, "spread": 10.0, "penalty": (2.0, 9.0), "rho": (0.5, 2.0), "clip": 0.7}
    schemes = ("moment-I", "moment-II", "moment-III")
    return [*rows, *({"seed": 1000 * seed, **binding, "preconditioner": kind} for kind in schemes)]


CLAIMS_BY_HAND: tuple[Claim, ...] = (
    measured_claim(
        "algorithm-by-hand",
        "A run is Algorithm 1 with the second-moment schemes, written out by hand client by client.",
        trial=hand_trial,
        instances=_instances,
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
    measured_claim(
        "round-orders-by-hand",
        "A run that opens a round with the clients, or whose penalty grows after the solve, is that order of Algorithm "
        "1 written out by hand.",
        trial=hand_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 8, 60),
            clients=(1, 3),
            dimension=(1, 3),
            ridge=(0.0, 0.3),
            waves=(0.0, 0.8),
            penalty=((2.0, 9.0), (1.5, 20.0)),
            rho=((0.0, 5.0), (0.5, 2.0)),
            ratio=((0.8, 0.99),),
            preconditioner=("none", "moment-I", "moment-III"),
            clip=(None, 0.7),
            warm=(False, True),
            first=("client", "client", "server"),
            penalty_update=("after_solve", "before_solve", "after_solve"),
        ),
        detail="w, w_i and π_i of 20 rounds differ by at most {error:.1e} relative over {trials} runs",
        hypotheses=(
            "full gradients",
            "unequal α_i, σ_i, ρ_i, γ_i < 1; any ridge",
            "clients first: w^{ℓ+1} is the server's answer to a client step at w^ℓ",
            "growth after the solve: the client uses σ^ℓ, the next server step σ^{ℓ+1}",
        ),
        source="MATHEMATICS.md#algorithm",
    ),
    measured_claim(
        "sisa-by-hand",
        "SISA as it comes is scheme III with β = 0.999, ρ = 1 and no clip, written out by hand.",
        trial=hand_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 3, 20),
            clients=(1, 3),
            dimension=(2, 4),
            waves=(0.0, 0.8),
            penalty=(2.0, 5.0),
            preconditioner=("moment-III",),
            clip=(None,),
            beta=(0.999,),
        ),
        detail="w, w_i and π_i of 20 rounds differ by at most {error:.1e} relative over {trials} runs",
        hypotheses=("full gradients", "γ = 1, equal σ", "v ← βv + (1−β)(π+g)², Q = √(v/(1−β^ℓ))"),
        provenance="reconstructed",
        source="MATHEMATICS.md#preconditioners",
    ),
)
