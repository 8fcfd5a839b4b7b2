"""Preconditioners of second order against dense formulas: a step by the library, and one by a solve with all of Q."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pisa_lab.method import PISA
from pisa_lab.preconditioners import Fisher, FisherDiagonal, GaussNewton, Hessian, HessianDiagonal, KroneckerFactored
from pisa_lab.problem import FunctionProblem, from_functions
from problems.linear import LinearModel, logistic_nonconvex
from proofs_check.claim import Claim
from proofs_check.measured.instances import Array, Instance, count, generator, grid
from proofs_check.measured.trajectories import digits_to_spare, measured_claim, relative, states_of

TOLERANCE = 1e-9
STEPS = 8
BUMP = 0.8
"""Of the nonconvex penalty κΣw²/(1+w²), which gives the Hessian negative eigenvalues."""
MU = 0.05


class Data:
    """One client's rows, with the derivatives of its loss as sums over them."""

    def __init__(self, rows: Array, signs: Array) -> None:
        self.rows, self.signs = rows, signs

    def sample_gradients(self, w: Array) -> Array:
        """Return every row's gradient of log(1 + exp(−y xᵀw)) + μ|w|²/2 + the bump."""
        slopes = -self.signs / (1 + np.exp(self.signs * (self.rows @ w)))
        return np.asarray(slopes[:, None] * self.rows + MU * w + 2 * BUMP * w / (1 + w * w) ** 2)

    def hessian(self, w: Array, *, positive: bool = False) -> Array:
        """Return the Hessian, or with ``positive`` the Gauss–Newton matrix, which has the bump where it is positive."""
        share = 1 / (1 + np.exp(-(self.rows @ w)))
        bump = 2 * BUMP * (1 - 3 * w * w) / (1 + w * w) ** 3
        bump = np.maximum(bump, 0) if positive else bump
        product = (self.rows.T * (share * (1 - share))) @ self.rows / len(self.rows)
        return np.asarray(product + MU * np.eye(w.size) + np.diag(bump))


def _positive_part(matrix: Array) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 0)) @ vectors.T)


DENSE: Mapping[str, tuple[Any, Callable[[Data, Array], Array]]] = {
    "hessian": (Hessian(), lambda data, w: _positive_part(data.hessian(w))),
    "hessian-diagonal": (HessianDiagonal(), lambda data, w: np.diag(np.maximum(np.diag(data.hessian(w)), 0))),
    "gauss-newton": (GaussNewton(), lambda data, w: data.hessian(w, positive=True)),
    "fisher": (Fisher(), lambda data, w: data.sample_gradients(w).T @ data.sample_gradients(w) / len(data.rows)),
    "fisher-diagonal": (FisherDiagonal(), lambda data, w: np.diag(np.mean(data.sample_gradients(w) ** 2, axis=0))),
}
"""The library's preconditioner, and Q as a dense matrix."""


def _logistic(instance: Instance) -> tuple[LinearModel, list[Data]]:
    rng = generator(instance)
    X, y = rng.normal(size=(20, 4)) * [2.0, 1.0, 0.5, 0.2], rng.choice([-1.0, 1.0], 20)
    parts = [np.arange(12), np.arange(12, 20)]
    problem = logistic_nonconvex(X, y, parts, bump=BUMP, local_ridge=MU, initial=rng.uniform(0.6, 1.4, size=4))
    return problem, [Data(X[part], y[part]) for part in parts]


def dense_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest relative distance of w and π_i from rounds with dense solves; margin in digits below 1e-9."""
    name, (problem, data) = str(instance["preconditioner"]), _logistic(instance)
    rule, dense = DENSE[name]
    weights, sigma, rho = problem.weights, 3.0, 2.0
    states = states_of(PISA(penalty=sigma, rho=rho, preconditioner=rule), problem, steps=STEPS)[1:]
    local, pull = [np.asarray(problem.initial)] * 2, [np.zeros(4)] * 2
    errors = []
    for state in states:
        shared = sum(a * (sigma * w + pi) for a, w, pi in zip(weights, local, pull, strict=True)) / sigma
        for i, client in enumerate(data):
            rhs = pull[i] + np.mean(client.sample_gradients(shared), axis=0)
            deviation = -np.linalg.solve(sigma * np.eye(4) + rho * dense(client, shared), rhs)
            local[i], pull[i] = shared + deviation, pull[i] + sigma * deviation
        errors += [relative(state.consensus, shared), relative(state.multiplier, np.asarray(pull))]
    return {"preconditioner": name, "error": max(errors), "margin": digits_to_spare(max(errors), TOLERANCE)}


def _matrices(instance: Instance) -> FunctionProblem:
    rng = generator(instance)
    scales, centres = rng.uniform(0.2, 1.0, size=(2, 3, 2)), rng.normal(size=(2, 3, 2))

    def client(scale: Array, centre: Array) -> Any:
        return lambda w: float(np.sum(scale * (w - centre) ** 2) / 2), lambda w: scale * (w - centre)

    return from_functions([client(*pair) for pair in zip(scales, centres, strict=True)], rng.normal(size=(3, 2)))


def _power(matrix: Array, exponent: float) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    # Rank one in the first round: what is rounding there must not become its fourth root.
    kept = np.where(values > 1e-13 * values[-1], np.maximum(values, 0), 0)
    return np.asarray((vectors * kept**exponent) @ vectors.T)


def kronecker_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest relative distance of w and π_i from rounds that solve with L^s ⊗ R^s as a dense matrix."""
    problem, sigma, rho, beta = _matrices(instance), 3.0, 2.0, 0.9
    exponent = float(instance["power"])
    rule = KroneckerFactored(beta=beta, power=exponent)
    states = states_of(PISA(penalty=sigma, rho=rho, preconditioner=rule), problem, steps=STEPS)[1:]
    local, pull = [np.asarray(problem.initial)] * 2, [np.zeros((3, 2))] * 2
    left, right = [np.zeros((3, 3))] * 2, [np.zeros((2, 2))] * 2
    errors = []
    for number, state in enumerate(states, 1):
        shared = sum(a * (sigma * w + pi) for a, w, pi in zip(problem.weights, local, pull, strict=True)) / sigma
        for i, (_, slope) in enumerate(problem.functions):
            gradient = slope(shared)
            left[i] = beta * left[i] + (1 - beta) * gradient @ gradient.T
            right[i] = beta * right[i] + (1 - beta) * gradient.T @ gradient
            hats = [_power(side / (1 - beta**number), exponent) for side in (left[i], right[i])]
            system = sigma * np.eye(6) + rho * np.kron(*hats)
            deviation = -np.linalg.solve(system, (pull[i] + gradient).ravel()).reshape(3, 2)
            local[i], pull[i] = shared + deviation, pull[i] + sigma * deviation
        errors += [relative(state.consensus, shared), relative(state.multiplier, np.asarray(pull))]
    return {"power": exponent, "error": max(errors), "margin": digits_to_spare(max(errors), TOLERANCE)}


CLAIMS_CURVATURE: tuple[Claim, ...] = (
    measured_claim(
        "curvature-by-hand",
        "With the Hessian, its diagonal, the Gauss–Newton matrix, the Fisher matrix or its diagonal as Q a round is "
        "the solve of a dense system with the matrix from its formula.",
        trial=dense_trial,
        instances=lambda seed, effort: grid(seed, count(effort, 5, 40), preconditioner=tuple(DENSE)),
        detail="w and π_i of eight rounds differ by at most {error:.1e} relative ({preconditioner}, worst of {trials})",
        hypotheses=(
            "logistic loss plus (μ/2)|w|² and κΣw²/(1+w²), which makes the Hessian indefinite",
            "full gradients, two clients, σ = 3, ρ = 2",
            "negative eigenvalues, and negative diagonal entries, count as 0",
        ),
        source="MATHEMATICS.md#preconditioners",
    ),
    measured_claim(
        "kronecker-by-hand",
        "With Kronecker factors a round is the solve of a dense system with the Kronecker product of the powers of "
        "both averaged Gram matrices.",
        trial=kronecker_trial,
        instances=lambda seed, effort: grid(seed, count(effort, 4, 30), power=(0.25, 0.5)),
        detail="w and π_i of eight rounds differ by at most {error:.1e} relative over {trials} runs",
        hypotheses=(
            "Q = L^s ⊗ R^s, L and R averages of GGᵀ and GᵀG with β = .9, divided by 1 − β^ℓ; s = ¼ and ½",
            "a matrix parameter, full gradients, two clients, σ = 3, ρ = 2",
        ),
        source="MATHEMATICS.md#preconditioners",
    ),
)
