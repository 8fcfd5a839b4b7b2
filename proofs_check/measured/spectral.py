"""NSISA on the server: the potential in the nuclear norm falls, and its fixed points are KKT points (N6)."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from pisa_lab.method import PISA, nsisa
from pisa_lab.metrics import SpectralDescent
from pisa_lab.metrics.spectral import LARGEST
from pisa_lab.preconditioners import HeavyBall, newton_schulz
from pisa_lab.problem import FunctionProblem, from_functions, objective, total_gradient
from pisa_lab.state import State
from proofs_check.claim import Verdict
from proofs_check.measured.instances import Array, Instance, count, generator, grid
from proofs_check.measured.trajectories import (
    TINY,
    curve,
    digits_to_spare,
    figure,
    holds,
    measured_claim,
    norms_of,
    states_of,
)
from proofs_check.theory import kappa_threshold, margin_threshold, residual_weight

TOLERANCE = 1e-12
WAVE = 0.3
"""Share of the sines: every entry of ∇F_i has slope at most 1 + WAVE in its own variable."""


def apart(instance: Instance) -> FunctionProblem:
    r"""Return five matrix clients that pull to different places.

    $F_i(W) = \tfrac12\|W-B_i\|^2 - 0.3\sum\cos(W + i)$ with unequal weights. In the spectral norm
    and its dual the constant is $1.3\min(\text{rows}, \text{columns})$.
    """
    rng, (rows, columns) = generator(instance), instance["shape"]
    targets = 3 * rng.normal(size=(5, int(rows), int(columns)))

    def client(number: int) -> Any:
        return (
            lambda w: float(np.sum((w - targets[number]) ** 2) / 2 - WAVE * np.sum(np.cos(w + number))),
            lambda w: w - targets[number] + WAVE * np.sin(w + number),
        )

    weights = np.array([0.4, 0.3, 0.15, 0.1, 0.05])
    return from_functions([client(i) for i in range(5)], np.zeros(targets.shape[1:]), weights=weights)


def smoothness(instance: Instance) -> float:
    """Return L of `apart` in the spectral norm: the dual norm is at most rank times as long."""
    return (1 + WAVE) * min(int(side) for side in instance["shape"])


def repaired(instance: Instance, factor: float = 1.0) -> tuple[PISA, float, float]:
    """Return (server NSISA, σ, β) with σ at ``factor`` times the threshold of N6."""
    momentum = float(instance["momentum"])
    beta = momentum / (1 - momentum)
    sigma = factor * float(kappa_threshold(beta)) * smoothness(instance)
    server = SpectralDescent(str(instance["scale"]), threshold=float(instance["threshold"]))
    return PISA(penalty=sigma, preconditioner=HeavyBall(momentum), metric=server, warm=True), sigma, beta


def nuclear(matrices: Array) -> Array:
    """Return the nuclear norms of matrices (…, rows, columns)."""
    return np.asarray(np.sum(np.linalg.svd(matrices, compute_uv=False), axis=-1))


def worst_rise(instance: Instance, factor: float) -> float:
    r"""Return the largest $V^+ - V + \frac{\phi N^2}{2\sigma}(1-\frac1\kappa-\frac X{\kappa^2})$, over 1 + |V|.

    $V = F + \frac a\sigma\sum_i\alpha_i\|\nabla F_i+\pi_i\|_*^2$. Where ``factor`` < 1 the fall asked for is 0.
    """
    problem, (method, sigma, beta) = apart(instance), repaired(instance, factor)
    kappa = sigma / smoothness(instance)
    share = max(0.0, 1 - 1 / kappa - float(margin_threshold(beta)) / kappa**2)
    states = states_of(method, problem, steps=int(instance["steps"]))
    values = [_potential(problem, state, float(residual_weight(beta)) / sigma) for state in states]
    asked = [share * _length(instance, problem, state) / (2 * sigma) for state in states[:-1]]
    pairs = zip(pairwise(values), asked, strict=True)
    return float(max((new - old + fall) / (1 + abs(old)) for (old, new), fall in pairs))


def _potential(problem: FunctionProblem, state: State, weight: float) -> float:
    norms = nuclear(problem.client_grad(state.shared) + state.multiplier)
    return float(objective(problem, state.consensus) + weight * np.sum(state.weights * norms**2))


def _length(instance: Instance, problem: FunctionProblem, state: State) -> float:
    r"""Return $\phi N^2$ of the step that follows ``state``."""
    keep = 1 - float(instance["momentum"])
    error = problem.client_grad(state.shared) + state.multiplier
    pull = np.einsum("i,irc->rc", state.weights, state.multiplier - 2 * keep * error)
    size = float(np.sum(pull * newton_schulz(pull))) / LARGEST
    return size * (min(size, float(instance["threshold"])) if instance["scale"] == "clipped" else size)


def potential_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst of the inequality at N6's threshold; margin 1 − worst/1e-12."""
    worst = worst_rise(instance, 1.0 + float(instance["above"]))
    return {"violation": worst, "margin": float(1 - worst / TOLERANCE)}


def threshold_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest rise of V at a share of the threshold; the control is the same at the threshold."""
    share = float(instance["share"])
    rise, right = worst_rise(instance, share), worst_rise(instance, 1.0)
    return {
        "share": share,
        "rise": rise,
        "control": holds(1 - right / TOLERANCE),
        "margin": digits_to_spare(rise, TOLERANCE),
    }


def reaches_trial(instance: Instance) -> Mapping[str, Any]:
    """Return ‖∇F‖ over the first that NSISA on the server and at the clients reach.

    Margin: the fewer of the server's digits below 1e-10 and the clients' above 1e-2.
    """
    problem, steps = apart(instance), int(instance["steps"])
    first = float(np.linalg.norm(total_gradient(problem, problem.initial)))
    server = norms_of(repaired(instance)[0], problem, steps=steps, every=steps)[-1] / first
    late = range(3 * steps // 4, steps)
    published = norms_of(nsisa(float(instance["client_penalty"]), rho=1.0), problem, steps=steps, every=late)
    client = float(np.min(published[1:])) / first
    digits = np.log10([1e-10 / max(float(server), TINY), client / 1e-2])
    return {"server": float(server), "client": client, "margin": float(np.min(digits))}


def reaches_picture(instance: Instance) -> Mapping[str, Any]:
    """Return ‖∇F‖ along both."""
    problem, steps = apart(instance), int(instance["steps"])
    runs = {"server": repaired(instance)[0], "clients": nsisa(float(instance["client_penalty"]), rho=1.0)}
    norms = {name: norms_of(method, problem, steps=steps, every=max(steps // 200, 1)) for name, method in runs.items()}
    curves = [curve(name, range(found.size), np.maximum(found, TINY)) for name, found in norms.items()]
    return figure("Newton–Schulz on the server and at the clients", "record", "‖∇F(W)‖", "y", curves)


def _instances(seed: int, trials: int, **choices: Any) -> list[dict[str, Any]]:
    return grid(
        seed,
        trials,
        shape=([6, 4], [4, 6], [3, 3], [1, 5]),
        scale=("nuclear", "clipped"),
        threshold=(2.0,),
        **choices,
    )


_MATRICES = (
    "matrices of 6 × 4, 4 × 6, 3 × 3, 1 × 5; five clients with unequal weights and targets far apart, waves of .3",
    "full gradients, warm start, scalar momentum at the clients; Newton–Schulz with 5 steps",
    "L in the spectral norm and its dual, up to the rank times the Euclidean one",
)

CLAIMS_SPECTRAL = (
    measured_claim(
        "N6-potential-in-runs",
        "From N6's threshold on the potential F + (a/σ)Σα_i|∇F_i + π_i|² in the nuclear norm falls in every round by "
        "what the theorem says, with nuclear and with clipped steps.",
        trial=potential_trial,
        instances=lambda seed, effort: _instances(
            seed, count(effort, 12, 60), momentum=(0.0, 0.5, 0.8), above=(0.0, 0.3), steps=(count(effort, 80, 300),)
        ),
        detail="largest violation of the one-step inequality {violation:.1e}, over {trials} runs",
        hypotheses=_MATRICES,
        source="MATHEMATICS.md#N6; essentially known, steepest descent in a norm with Muon and Scion",
        latex=r"V^+ \leq V - \frac{\phi N^2}{2\sigma}(1 - 1/\kappa - X/\kappa^2)",
    ),
    measured_claim(
        "N6-below-the-threshold",
        "That potential never rises at a quarter of the threshold either.",
        trial=threshold_trial,
        instances=lambda seed, effort: _instances(
            seed, count(effort, 8, 40), momentum=(0.0, 0.5, 0.8), share=(0.25,), steps=(20,)
        ),
        detail="it rises by {rise:.2g} of itself (of {trials} runs {violations} rise)",
        hypotheses=(*_MATRICES, "σ at a quarter of the threshold, at which the control holds"),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#N6; essentially known, steepest descent in a norm with Muon and Scion",
    ),
    measured_claim(
        "N6-fixed-points-in-runs",
        "With clients that pull apart NSISA on the server, with nuclear or clipped steps, brings the gradient to 1e-10 "
        "of the first, and NSISA at the clients stays above 1e-2 of it.",
        trial=reaches_trial,
        instances=lambda seed, effort: _instances(
            seed, count(effort, 2, 8), momentum=(0.0, 0.5), client_penalty=(20.0,), steps=(count(effort, 800, 2000),)
        ),
        detail="‖∇F‖ over the first: {server:.1e} on the server, {client:.2g} at the clients (worst of {trials})",
        hypotheses=(*_MATRICES, "σ at N6's threshold on the server, 20 at the clients, the last quarter of the run"),
        source="MATHEMATICS.md#N6, MATHEMATICS.md#V9; essentially known, see FedMuon and EF21-Muon",
        picture=reaches_picture,
    ),
)
"""NSISA on the server."""
