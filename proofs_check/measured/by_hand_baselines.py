"""The baselines written out by hand on quadratics, with sums over clients and solves of linear systems."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pisa_lab.baselines import ExactADMM, FedAvg, FedSGD
from pisa_lab.method import Method
from problems.quadratics import Quadratic, random_quadratic
from proofs_check.claim import Claim
from proofs_check.measured.instances import Array, Instance, count, generator, grid
from proofs_check.measured.trajectories import digits_to_spare, measured_claim, relative, states_of

TOLERANCE = 1e-11
ADMM_TOLERANCE = 1e-7
"""The library's local solves stop at 1e-10 of their first gradient."""
STEPS = 12
RATE, SIGMA = 0.3, 1.7

Path = list[Array]


def _gradients(problem: Quadratic, w: Array) -> list[Array]:
    """Return ∇F_i at w, or at w_i where w has a client axis."""
    points = np.broadcast_to(w, problem.linear.shape)
    return [h @ at - b for h, at, b in zip(problem.hessians, points, problem.linear, strict=True)]


def _mean(problem: Quadratic, parts: list[Array]) -> Array:
    return np.asarray(sum(alpha * part for alpha, part in zip(problem.weights, parts, strict=True)))


def _descent(rule: str) -> Callable[[Quadratic, Array], Path]:
    """Return server-side descent with β₁ = .9, β₂ = .999, ε = 1e-8 and Adam's two corrections."""

    def path(problem: Quadratic, w: Array) -> Path:
        first = second = 0 * w
        points = []
        for k in range(1, STEPS + 1):
            g = _mean(problem, _gradients(problem, w)) + problem.ridge * w
            second = 0.999 * second + 0.001 * g**2
            first = 0.9 * first + (g if rule == "momentum" else 0.1 * g)
            directions = {
                "sgd": g,
                "momentum": first,
                "rmsprop": g / (np.sqrt(second) + 1e-8),
                "adam": (first / (1 - 0.9**k)) / (np.sqrt(second / (1 - 0.999**k)) + 1e-8),
            }
            w = w - RATE * directions[rule]
            points.append(w)
        return points

    return path


def _averaging(problem: Quadratic, w: Array) -> Path:
    """Return FedAvg with four local steps from w and the server moving by half of the mean change."""
    points = []
    for _ in range(STEPS):
        local = np.tile(w, (problem.weights.size, 1))
        for _ in range(4):
            local = local - RATE * (np.asarray(_gradients(problem, local)) + problem.ridge * local)
        w = w + 0.5 * _mean(problem, list(local - w))
        points.append(w)
    return points


def _consensus(problem: Quadratic, w: Array) -> Path:
    """Return consensus ADMM whose clients solve (H_i + σI)w_i = b_i + σw − π_i."""
    clients, size = problem.linear.shape
    local, pull = np.tile(w, (clients, 1)), np.zeros((clients, size))
    points = []
    for _ in range(STEPS):
        w = _mean(problem, list(SIGMA * local + pull)) / (SIGMA + problem.ridge)
        for i in range(clients):
            system = problem.hessians[i] + SIGMA * np.eye(size)
            local[i] = np.linalg.solve(system, problem.linear[i] + SIGMA * w - pull[i])
            pull[i] = pull[i] + SIGMA * (local[i] - w)
        points.append(w)
    return points


BASELINES: Mapping[str, tuple[Method, Callable[[Quadratic, Array], Path], float]] = {
    **{
        rule: (FedSGD(rate=RATE, rule=rule), _descent(rule), TOLERANCE)
        for rule in ("sgd", "momentum", "rmsprop", "adam")
    },
    "fedavg": (FedAvg(rate=RATE, local_steps=4, server_rate=0.5), _averaging, TOLERANCE),
    "exact-admm": (ExactADMM(penalty=SIGMA), _consensus, ADMM_TOLERANCE),
}
"""The library's method, the same by hand, and how closely the two must agree."""


def baseline_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest relative distance of the paths of w; margin in digits below the method's tolerance."""
    name = str(instance["method"])
    method, path, tolerance = BASELINES[name]
    weights = generator(instance).dirichlet([5.0] * 3)
    problem = random_quadratic(
        int(instance["seed"]), clients=3, spread=0.05, shift=2.0, weights=weights, ridge=float(instance["ridge"])
    )
    found = np.asarray([state.consensus for state in states_of(method, problem, steps=STEPS)[1:]])
    error = relative(found, np.asarray(path(problem, np.asarray(problem.initial))))
    return {"method": name, "error": error, "margin": digits_to_spare(error, tolerance)}


CLAIMS_BASELINES: tuple[Claim, ...] = (
    measured_claim(
        "baselines-by-hand",
        "FedSGD with its four server rules, FedAvg and exact consensus ADMM are the equations of their sources, "
        "written out by hand.",
        trial=baseline_trial,
        instances=lambda seed, effort: grid(
            seed, count(effort, 12, 60), method=tuple(BASELINES), ridge=(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2)
        ),
        detail="paths of twelve rounds differ by at most {error:.1e} relative ({method}, worst of {trials})",
        hypotheses=(
            "full gradients, quadratics on three clients of unequal weight, with and without a ridge",
            "momentum b ← .9b + g; RMSProp and Adam with β₂ = .999, ε = 1e-8 outside the root",
            "FedAvg: four local steps, server rate ½",
            "ADMM: local systems solved directly, agreement to 1e-7 as the library's are solved to 1e-10",
        ),
        source="MATHEMATICS.md#experiments; McMahan et al. 2017; Kingma and Ba 2015; Boyd et al. 2011, section 7.1",
    ),
)
