"""Bounds that do not exist.

No rate uniform in heterogeneity with unequal ρ (V6), none with a ridge and a cold start (V7).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity
from pisa_lab.problem import FunctionProblem, objective
from proofs_check.claim import Verdict
from proofs_check.measured.instances import Instance, count, generator, grid, problem_of, scalar_problem
from proofs_check.measured.trajectories import curve, figure, holds, measured_claim, norms_of
from proofs_check.theory import kappa_threshold

RHO = (0.0, 2.0)
SIGMA = 3.0
WORST_WARM = 0.2885
"""The warm start's worst case at N = 10, σ = 3L, ρ = (0, 2), L = F(w⁰) − F* = 1: MATHEMATICS.md#V6 has .288."""


def opposed(slope: float) -> FunctionProblem:
    """Return f = ±b x + x²/2 on two clients of equal weight, started at 1: F = x²/2 whatever b."""

    def pair(sign: float) -> Any:
        return lambda w: sign * slope * w + w * w / 2, lambda w: sign * slope + w

    return scalar_problem([pair(1.0), pair(-1.0)], 1.0)


def exact_gradients(slope: Fraction, rounds: int) -> list[Fraction]:
    """Return F'(w¹), …, F'(w^rounds) on the opposed pair in rationals: Algorithm 1 by hand, Q = I, cold start."""
    w, local, pull = Fraction(1), [Fraction(1)] * 2, [Fraction(0)] * 2
    sigma, gradients = Fraction(SIGMA), []
    for _ in range(rounds):
        w = sum((sigma * point + pi for point, pi in zip(local, pull, strict=True)), Fraction(0)) / (2 * sigma)
        for i, sign in enumerate((1, -1)):
            moved = -(pull[i] + sign * slope + w) / (sigma + Fraction(RHO[i]))
            local[i] = w + moved
            pull[i] += sigma * moved
        gradients.append(w)
    return gradients


def uniform_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the least squared gradient of N moves over 2L(F(w⁰) − F*).

    Margin −log10 of it, ≤ 0 where there is no progress.
    The first round of a cold start without a ridge stays at w⁰, so that N moves are N + 1 rounds. "replay" is the
    largest relative difference between the run and exact rationals. The control is the warm start of `pair_trial`.
    """
    slope, rounds = float(instance["slope"]), int(instance["rounds"]) + 1
    problem = opposed(slope)
    norms = norms_of(PISA(penalty=SIGMA, rho=RHO, preconditioner=Identity()), problem, steps=rounds)
    exact = np.asarray([abs(float(value)) for value in exact_gradients(Fraction(slope), rounds)])
    gap = float(objective(problem, problem.initial))
    least = float(np.min(norms[2:] ** 2) / (2 * gap))
    return {
        "rounds": rounds - 1,
        "slope": slope,
        "least": least,
        "largest": float(np.max(norms**2) / (2 * gap)),
        "replay": float(np.max(np.abs(norms[1:] - exact) / exact)),
        "control": holds(float(pair_trial(instance)["margin"])),
        "margin": float(-np.log10(least)),
    }


def uniform_picture(instance: Instance) -> Mapping[str, Any]:
    """Return the squared gradients for growing heterogeneity, cold, and for the largest one, warm."""
    curves = []
    for slope, warm in ((0.0, False), (100.0, False), (1000.0, False), (1000.0, True)):
        method = PISA(penalty=SIGMA, rho=RHO, preconditioner=Identity(), warm=warm)
        norms = norms_of(method, opposed(slope), steps=26)
        label = f"b = {slope:g}, {'warm' if warm else 'cold'} start"
        curves.append(curve(label, range(1, norms.size), norms[1:] ** 2))
    return figure("Unequal ρ: the same F, growing heterogeneity", "round", "‖∇F(w)‖²", "y", curves)


def warm_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return the least squared gradient of the first N+1 points over Theorem 1's bound 2s(F(w⁰) − F*)/(N+1).

    Margin 1 − that ratio; the bound is free of "conflict", the size of the clients' disagreement. F* is the least
    value that gradient descent finds, which is never below the true one, so that the ratio errs towards failing.
    """
    problem, rounds = problem_of(instance), int(instance["rounds"])
    beta, clients = float(instance["beta"]), int(instance["clients"])
    penalty = 1.05 * kappa_threshold(beta)
    rho = tuple(generator(instance).permutation(np.linspace(0.0, beta * penalty, clients)))
    method = PISA(penalty=penalty, rho=rho, preconditioner=Identity(), warm=True)
    norms = norms_of(method, problem, steps=rounds)
    gap = float(objective(problem, problem.initial)) - lowest(problem)
    least = float(np.min(norms) ** 2)
    ratio = least * (rounds + 1) / (2 * (penalty + problem.ridge) * gap)
    return {"conflict": float(instance["conflict"]), "ratio": ratio, "margin": 1 - ratio}


def lowest(problem: FunctionProblem) -> float:
    """Return the least value of F_λ that plain gradient descent with step 1/(1+λ) finds in 3000 rounds."""
    w, step = problem.initial, 1 / (1 + problem.ridge)
    for _ in range(3000):
        w = w - step * (np.sum(problem.weights[:, None] * problem.client_grad(w[None]), axis=0) + problem.ridge * w)
    return float(objective(problem, w))


def pair_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the warm start's least squared gradient at N = 10 on the pair of V6.

    Margin 1 − it/.2885 (F(w⁰) − F* scaled to 1).
    """
    method = PISA(penalty=SIGMA, rho=RHO, preconditioner=Identity(), warm=True)
    problem = opposed(float(instance["slope"]))
    norms = norms_of(method, problem, steps=10)
    least = float(np.min(norms**2) / float(objective(problem, problem.initial)))
    return {"slope": float(instance["slope"]), "least": least, "margin": 1 - least / WORST_WARM}


def ridge_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the least squared gradient of rounds 1 … N on (w−c)²/2 + w²/2 from its minimiser c/2, cold and warm.

    F_λ(w⁰) − F* is exactly 0, so that any bound in it demands 0; margin log10(1e-6/least). The control is the warm
    start, which stays at the minimiser.
    """
    centre, rounds = float(instance["centre"]), int(instance["rounds"])
    problem = scalar_problem([(lambda w: (w - centre) ** 2 / 2, lambda w: w - centre)], centre / 2, ridge=1.0)
    cold, warm = (norms_of(PISA(penalty=SIGMA, warm=start), problem, steps=rounds) for start in (False, True))
    least = float(np.min(cold[1:] ** 2))
    return {
        "centre": centre,
        "gap": float(objective(problem, problem.initial)) - centre**2 / 4,
        "least": least,
        "per_square": least / centre**2,
        "warm": float(np.max(warm**2)),
        "control": holds(1 - float(np.max(warm**2)) / 1e-12),
        "margin": float(np.log10(1e-6 / least)),
    }


CLAIMS_UNIFORMITY = (
    measured_claim(
        "V6-uniform-rate-in-runs",
        "After enough rounds the least squared gradient is below twice L times the first gap, whatever the "
        "heterogeneity.",
        trial=uniform_trial,
        instances=lambda seed, effort: [
            {"rounds": rounds, "slope": slope} for rounds, slope in ((10, 1000.0), (20, 65536.0), (30, 2.0**24))
        ],
        detail="with N = {rounds} and b = {slope:.4g} every one of the {rounds} moves leaves at least {least:.3g} of "
        "2L(F(w⁰)−F*), up to {largest:.2g} on the way; the run equals exact rationals to {replay:.0e}",
        hypotheses=(
            "unequal ρ_i (0 and 2)",
            "π⁰ = 0",
            "γ = 1, σ = 3L, Q = I",
            "full gradients",
            "N fixed, heterogeneity free",
        ),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V6",
        picture=uniform_picture,
        latex=r"\min_{k\leq N}\|\nabla F(w^k)\|^2 < 2L(F(w^0)-F^\star)",
    ),
    measured_claim(
        "V6-warm-start-pair",
        "With the warm start the clients ±bx + x²/2 obey one bound whatever their heterogeneity b.",
        trial=pair_trial,
        instances=lambda seed, effort: [{"slope": float(10**k)} for k in range(0, count(effort, 7, 9), 1)],
        detail="least squared gradient in ten moves {least:.3g} of F(w⁰)−F* at b = {slope:.0e}; the worst case is .288",
        hypotheses=("unequal ρ_i (0 and 2)", "π_i⁰ = −∇F_i(w⁰)", "γ = 1, σ = 3L, Q = I", "full gradients"),
        source="MATHEMATICS.md#V6",
    ),
    measured_claim(
        "V6-warm-start-uniform",
        "With the warm start the least squared gradient obeys a bound free of heterogeneity, for unequal rho and "
        "any ridge.",
        trial=warm_trial,
        instances=lambda seed, effort: grid(
            seed,
            count(effort, 8, 60),
            clients=(2, 4),
            dimension=(2, 3),
            waves=(0.0, 0.8),
            ridge=(0.0, 0.3),
            conflict=(1.0, 1e3, 1e6),
            beta=(0.25, 1.0, 3.0),
            rounds=(10, 40),
        ),
        detail="largest ratio to the bound {ratio:.3g} (heterogeneity {conflict:.0e}), over {trials} runs",
        hypotheses=(
            "π_i⁰ = −∇F_i(w⁰)",
            "γ = 1",
            "(σ−L)(σ+λ) ≥ X(β)L², X = 4/(4−β) up to β = 3; Q = I, unequal ρ_i ≤ βσ",
            "L-smooth F_i, L = 1; F* the infimum of F_λ, N the number of moves",
            "full gradients",
        ),
        source="MATHEMATICS.md#V6, MATHEMATICS.md#T6",
        latex=r"\min_{k\leq N}\|\nabla F_\lambda(w^k)\|^2 \leq "
        r"2(\sigma+\lambda)(F_\lambda(w^0)-F_\lambda^\star)/(N+1)",
    ),
    measured_claim(
        "V7-ridge-bound",
        "The least squared gradient of the first rounds is bounded by a multiple of the first gap, with a ridge "
        "and a cold start.",
        trial=ridge_trial,
        instances=lambda seed, effort: [
            {"centre": centre, "rounds": rounds} for centre in (2.0, 2.0**10, 2.0**20) for rounds in (5, 10)
        ],
        detail="from the minimiser itself (gap {gap:g}) with c = {centre:.3g} the least squared gradient is "
        "{least:.3g} = "
        "{per_square:.3g} c²; the warm start stays at {warm:.0e}",
        hypotheses=("λ = 1", "π⁰ = 0", "γ = 1, σ = 3L, ρ = 0", "full gradients", "‖w⁰‖ unbounded"),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#V7",
        latex=r"\min_{1\leq k\leq N}\|\nabla F_\lambda(w^k)\|^2 \leq C_N(F_\lambda(w^0)-F_\lambda^\star)",
    ),
)
