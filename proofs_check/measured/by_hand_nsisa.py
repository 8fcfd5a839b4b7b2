"""NSISA written out by hand, its Newton–Schulz through singular values, against what the library runs."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab.method import nsisa
from pisa_lab.problem import FunctionProblem, from_functions
from proofs_check.claim import Claim
from proofs_check.measured.instances import Array, Instance, count, generator, grid
from proofs_check.measured.trajectories import digits_to_spare, measured_claim, relative, states_of

TOLERANCE = 1e-8
"""Five quintic steps multiply rounding by some hundreds each round."""
STEPS = 8
BLOCKS = (("W", (4, 2)), ("b", (3,)), ("V", (2, 3)))
"""Of a flat parameter of 17 numbers: two matrices, one tall and one wide, and a vector between them."""


def polar(matrix: Array) -> Array:
    r"""Return $U p(p(p(p(p(s)))))V^\top$ of $U\,\mathrm{Diag}(s)\,V^\top$ = ``matrix``/‖matrix‖_F.

    $p(s) = 3.4445s - 4.7750s^3 + 2.0315s^5$: the published coefficients, typed here and taken from nowhere.
    """
    left, sizes, right = np.linalg.svd(matrix / np.linalg.norm(matrix), full_matrices=False)
    for _ in range(5):
        sizes = 3.4445 * sizes - 4.7750 * sizes**3 + 2.0315 * sizes**5
    return np.asarray((left * sizes) @ right)


def _orthogonal(ahead: Array, flat: bool) -> Array:
    """Return the orthogonalised matrices, each times √max(1, rows/columns), and vectors as they are."""
    if not flat:
        return np.asarray(polar(ahead) * np.sqrt(max(1.0, ahead.shape[0] / ahead.shape[1])))
    pieces, start = [], 0
    for _, shape in BLOCKS:
        piece = ahead[start : start + int(np.prod(shape))]
        start += piece.size
        pieces.append(_orthogonal(piece.reshape(shape), False).ravel() if len(shape) == 2 else piece)
    return np.concatenate(pieces)


def _problem(instance: Instance) -> FunctionProblem:
    """Return Σ of |A_i∘(W − C_i)|²/2: heterogeneous, with a parameter that is a matrix, or flat."""
    rng, shape = generator(instance), tuple(int(size) for size in instance["shape"])
    scales, centres = rng.uniform(0.2, 1.0, size=(3, *shape)), rng.normal(size=(3, *shape))

    def client(scale: Array, centre: Array) -> Any:
        return lambda w: float(np.sum(scale * (w - centre) ** 2) / 2), lambda w: scale * (w - centre)

    pairs = [client(*pair) for pair in zip(scales, centres, strict=True)]
    return from_functions(pairs, rng.normal(size=shape), weights=[0.5, 0.3, 0.2], ridge=0.1, lipschitz=1.0)


def nsisa_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the largest relative distance of w and π_i of eight rounds; margin in digits below 1e-8."""
    problem, sigma, rho = _problem(instance), float(instance["penalty"]), float(instance["rho"])
    flat = len(instance["shape"]) == 1
    states = states_of(nsisa(sigma, rho=rho, blocks=BLOCKS if flat else None), problem, steps=STEPS)[1:]
    shared = problem.initial
    local, pull, momentum = ([0 * shared + start for _ in range(3)] for start in (shared, 0.0, 0.0))
    errors = []
    for state in states:
        summed = sum(a * (sigma * w + pi) for a, w, pi in zip(problem.weights, local, pull, strict=True))
        shared = summed / (sigma + problem.ridge)
        for i in range(3):
            gradient = problem.functions[i][1](shared)
            momentum[i] = 0.95 * momentum[i] + gradient
            used = pull[i] + _orthogonal(gradient + 0.95 * momentum[i], flat)
            # Q = Diag √v with v = (π + o)², no memory.
            deviation = -used / (sigma + rho * np.sqrt(used**2))
            local[i], pull[i] = shared + deviation, pull[i] + sigma * deviation
        errors += [relative(state.consensus, shared), relative(state.multiplier, np.asarray(pull))]
    return {"error": max(errors), "margin": digits_to_spare(max(errors), TOLERANCE)}


CLAIMS_NSISA_BY_HAND: tuple[Claim, ...] = (
    measured_claim(
        "nsisa-by-hand",
        "A run of NSISA is its published equations, written out by hand through singular values.",
        trial=nsisa_trial,
        instances=lambda seed, effort: grid(
            seed, count(effort, 8, 60), shape=([5, 3], [2, 4], [3, 3], [17]), penalty=(2.0, 8.0), rho=(0.0, 1.0, 3.0)
        ),
        detail="w and π_i of eight rounds differ by at most {error:.1e} relative over {trials} runs",
        hypotheses=(
            "momentum b ← .95b + g, Nesterov g + .95b",
            "o: five quintic steps (3.4445, −4.7750, 2.0315), times √max(1, rows/columns); vectors pass through",
            "w_i = w − (π+o)/(σ+ρ|π+o|)",
            "full gradients, three clients, γ = 1, λ = 0.1",
        ),
        provenance="reconstructed",
        source="MATHEMATICS.md#preconditioners",
        latex=r"w_i = w - \frac{\pi_i+o_i}{\sigma+\rho\sqrt{v_i}},\quad v_i=(\pi_i+o_i)^2",
    ),
)
