"""The exact identities I1–I3 and I7 of MATHEMATICS.md#identities, measured along runs of the ordinary method."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab._array import client_sum, column, squared_norm
from pisa_lab.lagrangian import augmented_lagrangian
from pisa_lab.method import PISA
from pisa_lab.monitor.metric import applied
from pisa_lab.sampling import draw_batch, sampler
from pisa_lab.state import State
from problems.transforms import with_noise
from proofs_check.measured.instances import PRECONDITIONERS, Array, Instance, count, grid, method_of, problem_of
from proofs_check.measured.trajectories import digits_to_spare, measured_claim, relative, states_of

TOLERANCE = 1e-12
STEPS = 30

ANY = (
    "any number of clients, weights, ridge; full gradients or mini-batches",
    "unequal σ_i, ρ_i, γ_i; any Q_i ⪰ 0 of the second-moment family, Identity or 0",
)


def _instances(seed: int, effort: str) -> list[dict[str, Any]]:
    """Return instances as unequal as the identities allow: every client has its own σ, ρ, γ."""
    return grid(
        seed,
        count(effort, 10, 80),
        clients=(1, 2, 3, 5),
        dimension=(1, 3, 6),
        ridge=(0.0, 0.3),
        waves=(0.0, 0.8),
        spread=(1.0, 10.0),
        penalty=((2.0, 9.0), (0.5, 40.0)),
        rho=((0.0, 5.0), (0.5, 2.0)),
        ratio=((0.75, 1.0), (0.9, 0.99), 1.0),
        preconditioner=tuple(PRECONDITIONERS),
        clip=(None, 0.7),
        warm=(False, True),
        batch=(None, 1, 3),
    )


def _walk(instance: Instance) -> tuple[PISA, Any, list[State]]:
    """Return (method, problem, states) of a run with full gradients, or with mini-batches of a noisy twin."""
    method, problem, batch, seed = method_of(instance), problem_of(instance), instance["batch"], int(instance["seed"])
    noisy = problem if batch is None else with_noise(problem, 1.0, samples=64, seed=seed)
    return method, noisy, states_of(method, noisy, steps=STEPS, batches=batch, seed=seed)


def _gradient(instance: Instance, problem: Any, before: State, after: State) -> Array:
    """Return the gradients that the clients saw in the round from ``before`` to ``after``."""
    rule, seed = sampler(instance["batch"]), int(instance["seed"])
    indices = draw_batch(rule, problem, seed, experiment=0, number=before.iteration)
    return np.asarray(problem.client_grad(after.shared, indices))


def _numbers(errors: list[float]) -> Mapping[str, Any]:
    return {"error": max(errors), "margin": digits_to_spare(max(errors), TOLERANCE)}


def multiplier_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst relative error of I1 along a run; margin in digits below 1e-12."""
    method, problem, states = _walk(instance)
    errors = []
    for before, after in itertools.pairwise(states):
        gradient = _gradient(instance, problem, before, after)
        errors.append(relative(after.multiplier, -gradient - applied(method, after)))
        moved = (after.multiplier - before.multiplier) / column(after.penalty, gradient)
        # π⁺ − π cancels when the multipliers have settled, so that the error is measured against π/σ, not against d.
        scale = np.max(np.abs(after.multiplier / column(after.penalty, gradient))) + np.max(np.abs(moved))
        errors.append(float(np.max(np.abs(after.deviation - moved)) / scale))
    return _numbers(errors)


def server_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst error of I2 relative to its terms; margin in digits below 1e-12."""
    _, _, states = _walk(instance)
    errors = []
    for older, before, after in zip(states, states[1:], states[2:], strict=False):
        total = float(np.sum(before.weights * before.penalty)) + before.ridge
        pull = client_sum(before.weights, 2 * before.multiplier - older.multiplier, 0)
        scale = np.max(np.abs(before.multiplier)) + np.max(np.abs(before.ridge * before.consensus))
        gap = total * after.increment - (pull - before.ridge * before.consensus)
        errors.append(float(np.max(np.abs(gap)) / scale))
    return _numbers(errors)


def momentum_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst relative error of I3 along a run; margin in digits below 1e-12."""
    method, problem, states = _walk(instance)
    errors = []
    for before, after in itertools.pairwise(states):

        def smoothing(v: Array, at: State = after) -> Array:
            rho = method.rho if isinstance(method.rho, float) else np.asarray(method.rho)
            solved = method.preconditioner.solve(at.preconditioner, v, at.penalty, rho)
            return np.asarray(column(at.penalty, v) * solved)

        gradient = _gradient(instance, problem, before, after)
        average = -before.multiplier - smoothing(-before.multiplier) + smoothing(gradient)
        scale = float(np.max(np.abs(gradient)) + np.max(np.abs(before.multiplier)))
        errors.append(float(np.max(np.abs(-after.multiplier - average))) / scale)
    return _numbers(errors)


def lagrangian_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the worst error of the three parts of I7 relative to |L|; margin in digits below 1e-12."""
    method, problem, states = _walk(instance)
    errors = []
    for before, after in itertools.pairwise(states):
        served = method.server_update(before)
        raised = served._replace(penalty=after.penalty)
        solved = raised._replace(deviation=after.deviation)
        total = float(np.sum(before.weights * before.penalty)) + before.ridge
        drop = -total / 2 * float(np.sum(served.increment**2))
        growth = client_sum(before.weights, (after.penalty - before.penalty) / 2 * squared_norm(served.deviation, 1), 0)
        turn = squared_norm(after.multiplier - before.multiplier, 1) / after.penalty
        pairs = ((before, served, drop), (served, raised, growth), (solved, after, client_sum(after.weights, turn, 0)))
        for start, end, wanted in pairs:
            low, high = augmented_lagrangian(problem, start), augmented_lagrangian(problem, end)
            size = 1 + abs(float(low)) + _terms(start) + abs(float(wanted))
            errors.append(abs(float(high - low - wanted)) / size)
    return _numbers(errors)


def _terms(state: State) -> float:
    """Return the size of the coupling terms of L, which may cancel inside it and set the rounding error."""
    half = state.penalty / 2 * squared_norm(state.deviation, 1)
    inner = np.sum(np.abs(state.multiplier * state.deviation), axis=-1)
    return float(np.sum(state.weights * (half + inner)))


_DETAIL = "worst relative error {error:.1e} over {trials} runs of 30 rounds (tolerance 1e-12)"

CLAIMS_IDENTITIES = (
    measured_claim(
        "I1-multiplier-in-runs",
        "After every client step the multiplier is minus the gradient at the shared point minus rho Q times the "
        "deviation.",
        trial=multiplier_trial,
        instances=_instances,
        detail=_DETAIL,
        hypotheses=ANY,
        source="MATHEMATICS.md#I1",
        latex=r"\pi_i^{\ell+1} = -g_i - \rho_i Q_i d_i^{\ell+1},\quad "
        r"d_i^{\ell+1}=(\pi_i^{\ell+1}-\pi_i^{\ell})/\sigma_i^{\ell+1}",
    ),
    measured_claim(
        "I2-server-recursion-in-runs",
        "The server's move is a function of the last two multipliers and the ridge alone.",
        trial=server_trial,
        instances=_instances,
        detail=_DETAIL,
        hypotheses=ANY,
        source="MATHEMATICS.md#I2",
        latex=r"(\sum_i\alpha_i\sigma_i^\ell+\lambda)(w^{\ell+1}-w^\ell)="
        r"\sum_i\alpha_i(2\pi_i^\ell-\pi_i^{\ell-1})-\lambda w^\ell",
    ),
    measured_claim(
        "I3-momentum-form-in-runs",
        "Minus the multiplier is a moving average of gradients, the preconditioner setting its memory per coordinate.",
        trial=momentum_trial,
        instances=_instances,
        detail=_DETAIL,
        hypotheses=ANY,
        source="MATHEMATICS.md#I3",
        latex=r"-\pi_i^{+}=(I-M_i)(-\pi_i)+M_i g_i,\quad M_i=\sigma_i(\sigma_i I+\rho_i Q_i)^{-1}",
    ),
    measured_claim(
        "I7-lagrangian-budget-in-runs",
        "The server step lowers the augmented Lagrangian, and the penalty and multiplier steps raise it, by exact "
        "amounts.",
        trial=lagrangian_trial,
        instances=_instances,
        detail=_DETAIL,
        hypotheses=ANY,
        source="MATHEMATICS.md#I7",
        latex=r"\Delta_w L=-\frac{\sum_i\alpha_i\sigma_i+\lambda}{2}\|\Delta w\|^2,\quad "
        r"\Delta_\pi L=\sum_i\alpha_i\|\Delta\pi_i\|^2/\sigma_i^{+}",
    ),
)
