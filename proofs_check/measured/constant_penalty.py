"""A constant penalty above the threshold converges to a stationary point, linearly under strong convexity (V3)."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity
from pisa_lab.problem import Problem, objective
from pisa_lab.residuals import stationarity
from pisa_lab.state import State
from problems.quadratics import random_quadratic
from proofs_check.claim import Claim
from proofs_check.measured.instances import Instance, count, grid, method_of, problem_of
from proofs_check.measured.trajectories import curve, figure, geometric_rate, measured_claim, norms_of, states_of
from proofs_check.theory import kappa_threshold, residual_weight

TOLERANCE = 1e-12


def covered(instance: Instance) -> dict[str, Any]:
    """Return the instance with a penalty 5 % above Theorem 1's threshold for its β and ρη = βσ."""
    penalty = 1.05 * kappa_threshold(float(instance["beta"]))
    clip = 1.0 if instance["preconditioner"] == "identity" else 0.5
    return {**instance, "penalty": penalty, "rho": float(instance["beta"]) * penalty / clip, "clip": clip}


def constant_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the last ‖∇F_λ‖ over the first; margin log10(1e-6 first/last), digits below a millionfold fall."""
    method, problem = method_of(covered(instance)), problem_of(instance)
    steps = int(instance["steps"])
    norms = norms_of(method, problem, steps=steps, every=steps)
    last = float(max(norms[-1], 1e-17) / norms[0])
    return {"fall": last, "margin": float(np.log10(1e-6 / last))}


def theorem_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the worst of $V^+ - V + \|\nabla F_\lambda\|^2/(2s)$ along a run.

    Margin 1 − worst/1e-12 (relative to 1 + |V|).
    """
    method, problem = method_of(covered(instance)), problem_of(instance)
    beta = float(instance["beta"])
    share = residual_weight(beta)
    states = states_of(method, problem, steps=60)
    served = [method.server_update(state) for state in states]
    worst = -np.inf
    for before, after in itertools.pairwise(served):
        start, end = potential(problem, before, share), potential(problem, after, share)
        total = float(np.sum(before.weights * before.penalty)) + before.ridge
        gained = float(stationarity(problem, before)) ** 2 / (2 * total)
        worst = max(worst, (end - start + gained) / (1 + abs(start)))
    return {"violation": float(worst), "margin": float(1 - worst / TOLERANCE)}


def potential(problem: Problem, served: State, share: float) -> float:
    r"""Return $V = F_\lambda(w) + \tfrac{a}{s}\sum_i\alpha_i\|\nabla F_i(w) + \pi_i\|^2$ at the server's point w."""
    gap = problem.client_grad(served.shared) + served.multiplier
    total = float(np.sum(served.weights * served.penalty)) + served.ridge
    spread = float(np.sum(served.weights * np.sum(gap**2, axis=-1)))
    return float(objective(problem, served.consensus)) + share / total * spread


def linear_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the fitted rate q on a strongly convex quadratic; margin $1 - |\ln q/\ln\hat q - 1|/0.02$.

    $\hat q$ is the largest root of the mode of the smallest curvature, which also is the largest of all modes.
    """
    problem = random_quadratic(int(instance["seed"]), clients=3, spread=0.05, shift=5.0, ridge=float(instance["ridge"]))
    hessian = np.einsum("i,ipq->pq", problem.weights, problem.hessians) + problem.ridge * np.eye(5)
    penalty = float(instance["factor"]) * float(np.max(problem.lipschitz))
    rho = float(instance["beta"]) * penalty
    method = PISA(penalty=penalty, rho=rho, preconditioner=Identity())
    norms = norms_of(method, problem, steps=int(instance["steps"]))
    # The last quarter of the run above the level of rounding, where the other modes have died out.
    alive = np.flatnonzero(norms > 1e-12 * norms[0])
    tail = norms[3 * alive[-1] // 4 : alive[-1] + 1]
    rate = geometric_rate(tail)
    curvatures = np.linalg.eigvalsh(hessian) - problem.ridge
    modes = [mode_rate(float(h), penalty, rho, problem.ridge) for h in curvatures]
    off = abs(float(np.log(rate) / np.log(modes[0])) - 1)
    return {"rate": rate, "predicted": modes[0], "margin": 1 - off / 0.02 if modes[0] == max(modes) else -1.0}


def mode_rate(curvature: float, penalty: float, rho: float, ridge: float) -> float:
    r"""Return the spectral radius of a round on $hx^2/2$ with Q = I, $(w, \pi, \pi^-) \mapsto (w^+, \pi^+, \pi)$.

    $w^+ = w + (2\pi-\pi^- - \lambda w)/(\sigma+\lambda)$, $\pi^+ = (1-m)\pi - mhw^+$, $m = \sigma/(\sigma+\rho)$.
    """
    total, m = penalty + ridge, penalty / (penalty + rho)
    move = np.array([1 - ridge / total, 2 / total, -1 / total])
    kept = np.array([0.0, 1 - m, 0.0])
    return float(np.max(np.abs(np.linalg.eigvals(np.stack([move, kept - m * curvature * move, [0.0, 1.0, 0.0]])))))


def linear_picture(instance: Instance) -> Mapping[str, Any]:
    """Return ‖∇F‖ for γ = 1 and two ratios below it on one strongly convex quadratic."""
    problem = random_quadratic(int(instance["seed"]), clients=3, spread=0.05, shift=5.0)
    penalty = 2 * float(np.max(problem.lipschitz))
    curves = []
    for ratio in (0.9, 0.99, 1.0):
        norms = norms_of(PISA(penalty=penalty, penalty_ratio=ratio), problem, steps=300)
        curves.append(curve(f"γ = {ratio:g}", range(norms.size), norms))
    return figure("A constant penalty converges linearly", "round", "‖∇F(w)‖", "y", curves)


def _covered_instances(seed: int, effort: str, quick: int, full: int) -> list[dict[str, Any]]:
    return grid(
        seed,
        count(effort, quick, full),
        clients=(1, 3, 4),
        dimension=(2, 4),
        ridge=(0.0, 0.3),
        waves=(0.0, 0.5, 0.7),
        spread=(1.0, 10.0),
        beta=(0.0, 0.25, 1.0, 4.0),
        preconditioner=("identity", "moment-I", "moment-II", "moment-III", "switching", "matrix"),
        warm=(False, True),
        steps=(count(effort, 1200, 6000),),
    )


CLAIMS_CONSTANT_PENALTY: tuple[Claim, ...] = (
    measured_claim(
        "V3-constant-penalty-converges",
        "With a constant penalty above the theorem's threshold and full gradients the gradient at the consensus "
        "point vanishes.",
        trial=constant_trial,
        instances=lambda seed, effort: _covered_instances(seed, effort, 6, 40),
        detail="the gradient fell to {fall:.1e} of the first at worst, over {trials} runs",
        hypotheses=(
            "γ = 1",
            "full gradients",
            "L-smooth F_i, coercive F",
            "0 ⪯ ρQ ⪯ βσ",
            "(σ−L)(σ+λ) ≥ X(β)L², X = 4/(4−β) up to β = 3, (β−1)² beyond",
        ),
        source="MATHEMATICS.md#V3, MATHEMATICS.md#T6",
        latex=r"(\sigma-L)(\sigma+\lambda) \geq X(\beta)L^2 \Rightarrow \nabla F_\lambda(w^{\ell}) \to 0",
    ),
    measured_claim(
        "V3-potential-falls",
        "The potential V = F_λ + (a/s) Σα_i|∇F_i + π_i|² falls in every round by at least the squared gradient over "
        "2s, whatever Q does.",
        trial=theorem_trial,
        instances=lambda seed, effort: _covered_instances(seed, effort, 16, 80),
        detail="largest violation of the one-step inequality {violation:.1e}, over {trials} runs of 60 rounds",
        hypotheses=(
            "γ = 1",
            "full gradients",
            "L-smooth F_i",
            "0 ⪯ ρQ ⪯ βσ: second moments, entries that jump between 0 and η, full matrices that turn every round",
            "(σ−L)(σ+λ) ≥ X(β)L², X = 4/(4−β) up to β = 3, (β−1)² beyond",
            "s = Σα_iσ_i + λ, a = ½ up to β = 3, (β−1)²/(2(β+1)) beyond; V is taken at the server's point",
        ),
        source="MATHEMATICS.md#V3, MATHEMATICS.md#T6",
        latex=r"V_{k+1} \leq V_k - \|\nabla F_\lambda(w_k)\|^2/(2s_k)",
    ),
    measured_claim(
        "V3-linear-rate",
        "Under strong convexity a constant penalty converges linearly, at the rate that the smallest curvature sets.",
        trial=linear_trial,
        instances=lambda seed, effort: grid(
            seed, count(effort, 6, 40), factor=(2.0, 3.0, 5.0), beta=(0.0, 0.25, 1.0), ridge=(0.0, 0.2), steps=(600,)
        ),
        detail="fitted rate {rate:.5f}, the smallest curvature's {predicted:.5f} (worst of {trials})",
        hypotheses=(
            "γ = 1, equal σ, Q = I, ρ ≤ σ",
            "full gradients",
            "strongly convex quadratics",
            "the logarithms of the rates agree to 2 %",
        ),
        source="MATHEMATICS.md#V3",
        picture=linear_picture,
    ),
)
