r"""Absent, overshooting and late clients on $x^2/2$: from which penalty a round contracts, read off the method itself.

A round is linear in (w, d, π and the points that a late client remembers), so that its matrix is what the method makes
of unit vectors, and the edge is where the spectral radius passes 1.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab import thresholds
from pisa_lab.late import Late, LateMemory, PeriodicDelays
from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Contraction
from pisa_lab.state import Observation, State
from proofs_check.claim import Claim, Verdict
from proofs_check.measured.instances import Array, Instance, scalar_problem
from proofs_check.measured.trajectories import measured_claim

PARABOLA = scalar_problem([(lambda x: x * x / 2, lambda x: x)], 1.0, lipschitz=1.0)
PARTICIPATION_EDGES = {0.9: 1.56784, 0.5: 2.18614, 0.2: 4.81174, 0.1: 9.65535, 0.05: 19.57662}
"""κ at which the mean square of a run on x²/2 neither grows nor falls, by the probability of being there."""
DELAY_EDGES = {0: 1.5, 1: 1.61803, 2: 1.87939, 3: 2.26308, 4: 2.73633}
"""κ at the edge, by the age of every gradient; ages 0 … τ in turn: (τ+3)/2."""
AGREED = 1e-4


@dataclasses.dataclass(frozen=True)
class Overshooting(Contraction):
    r"""$C(u) = (1+q)u$: as far beyond u as a contraction with $1-\varpi = q^2$ may go."""

    beyond: float

    def contraction(self, size: int) -> float:
        """Return 1 − q²."""
        return 1 - self.beyond**2

    def compress(self, vectors: Any) -> Any:
        """Return (1+q)u."""
        return (1 + self.beyond) * vectors


def round_matrix(method: Any, *, iteration: int = 0, active: bool | None = None) -> Array:
    """Return what one round on x²/2 does to (w, d, π, remembered points)."""
    start = method.init(PARABOLA, PARABOLA.initial)
    size = _flat(start).size
    marks = None if active is None else np.asarray([active])

    def oracle(w: Array) -> Observation:
        return Observation(PARABOLA.client_grad(w), active=marks)

    columns = [_flat(method.step(_state(start, unit, iteration), oracle)) for unit in np.eye(size)]
    return np.stack(columns, axis=-1)


def _flat(state: State) -> Array:
    past = state.preconditioner.past if isinstance(state.preconditioner, LateMemory) else ()
    return np.concatenate([part.ravel() for part in (state.consensus, state.deviation, state.multiplier, *past)])


def _state(start: State, unit: Array, iteration: int) -> State:
    kept = start.preconditioner
    if isinstance(kept, LateMemory):
        kept = LateMemory(kept.inner, tuple(unit[3 + place :][:1] for place in range(len(kept.past))))
    first, second, third = unit[:1], unit[1:2][None], unit[2:3][None]
    return start._replace(consensus=first, deviation=second, multiplier=third, preconditioner=kept, iteration=iteration)


def mean_square_radius(kappa: float, probability: float) -> float:
    """Return the factor of the second moments in a round with one client that is there so often."""
    method = PISA(penalty=kappa)
    there, away = (round_matrix(method, active=active) for active in (True, False))
    mixed = probability * np.kron(there, there) + (1 - probability) * np.kron(away, away)
    return float(np.max(np.abs(np.linalg.eigvals(mixed))))


def delay_radius(kappa: float, pattern: tuple[int, ...]) -> float:
    """Return the factor of a round, in the mean over one period of ``pattern``."""
    method = Late(PISA(penalty=kappa), PeriodicDelays(pattern))
    product = np.eye(3 + max(pattern))
    for number in range(len(pattern)):
        product = round_matrix(method, iteration=number) @ product
    return float(np.max(np.abs(np.linalg.eigvals(product))) ** (1 / len(pattern)))


def overshoot_radius(kappa: float, beyond: float, extrapolation: bool) -> float:
    """Return the factor of a round with `Overshooting`."""
    method = PISA(penalty=kappa, preconditioner=Overshooting(beyond), extrapolation=extrapolation)
    return float(np.max(np.abs(np.linalg.eigvals(round_matrix(method)))))


def edge_of(radius: Callable[[float], float], low: float, high: float) -> float:
    """Return the largest κ of a bisection between ``low``, where ``radius`` is at least 1, and ``high``.

    Raises:
        ValueError: the radius at an end is on the wrong side.
    """
    if radius(low) < 1 or radius(high) >= 1:
        raise ValueError(f"edge: the factor is {radius(low):.6g} at {low:g} and {radius(high):.6g} at {high:g}")
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if radius(middle) < 1 else (middle, high)
    return high


def participation_edge_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the edge at one probability, the known one, and what N7 (a) asks for.

    Margin: of the edge to `AGREED`, and of N7's κ to 1 … 2.2 edges, whichever is less.
    """
    probability = float(instance["probability"])
    edge = edge_of(lambda kappa: mean_square_radius(kappa, probability), 1.01, 60.0)
    asked = thresholds.least_penalty(thresholds.participation_margin(0.0, probability))
    return _edge_numbers(edge, PARTICIPATION_EDGES[probability], asked, 2.2)


def delay_edge_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the edge of one pattern of ages, the known one, and what N7 (c) asks for; margin as above, to 3.6."""
    pattern = tuple(int(age) for age in instance["pattern"])
    known = DELAY_EDGES[pattern[0]] if len(pattern) == 1 else (max(pattern) + 3) / 2
    edge = edge_of(lambda kappa: delay_radius(kappa, pattern), 1.01, 60.0)
    asked = thresholds.least_penalty(thresholds.delay_margin(max(pattern), 1.0))
    return _edge_numbers(edge, known, asked, 5.0)


def overshoot_edge_trial(instance: Instance) -> Mapping[str, Any]:
    """Return the edge of one overshoot, its closed form, and what N7 (b) asks for; margin as above, to 1.7 edges."""
    beyond, extrapolation = float(instance["beyond"]), bool(instance["extrapolation"])
    known = (3 if extrapolation else 1) * (1 + beyond) / (2 * (1 - beyond))
    edge = edge_of(lambda kappa: overshoot_radius(kappa, beyond, extrapolation), 0.1, 3000.0)
    asked = thresholds.least_penalty(thresholds.contraction_margin(1 - beyond**2, extrapolation=extrapolation))
    return _edge_numbers(edge, known, asked, 1.002 if beyond >= 0.9 else 1.7)


def _edge_numbers(edge: float, known: float, asked: float, most: float) -> Mapping[str, Any]:
    off, ratio = abs(edge / known - 1), asked / edge
    margin = min(1 - off / AGREED, ratio - 1, most - ratio)
    return {"edge": edge, "known": known, "asked": asked, "ratio": ratio, "margin": margin}


def pattern_trial(instance: Instance) -> Mapping[str, Any]:
    r"""Return $\log_{10}$ of $|w_{400}|/|w_0|$ with a pattern of ages (margin: its negative) and with the worst alone.

    The control is that of the constant age.
    """
    kappa, pattern = float(instance["kappa"]), tuple(int(age) for age in instance["pattern"])
    grown = {}
    for name, ages in (("pattern", pattern), ("constant", (max(pattern),))):
        method = Late(PISA(penalty=kappa), PeriodicDelays(ages))
        end = run(method, PARABOLA, steps=400, measures=(), every=400).state
        grown[name] = float(np.log10(max(abs(float(end.consensus[0])), 1e-17)))
    return {**grown, "margin": -grown["pattern"], "control": -grown["constant"]}


def _instances(**choices: Sequence[Any]) -> Callable[[int, str], list[dict[str, Any]]]:
    """Return the instances that differ in one thing, whatever seed and effort."""
    (name, values), *fixed = choices.items()
    rest = {key: value for key, (value,) in fixed}
    return lambda seed, effort: [{name: value} | rest for value in values]


ONE = ("x²/2, one client, full gradients, λ = 0, Q = 0", "the known edge is met to 1e-4")
CLAIMS_ABSENT_EDGES: tuple[Claim, ...] = (
    measured_claim(
        "N7-participation-edge",
        "A client that is there with probability .9, .5, .2, .1, .05 needs κ above 1.57, 2.19, 4.81, 9.66, 19.6 for "
        "its mean square to fall; N7 asks for 1.3 to 2.1 times as much.",
        trial=participation_edge_trial,
        instances=_instances(probability=tuple(PARTICIPATION_EDGES)),
        detail="edge {edge:.5f}, known {known:.5f}, N7 asks for {asked:.3f} (closest of {trials})",
        hypotheses=(*ONE, "second moments are exact: the matrices of a round with the client and without it"),
        source="MATHEMATICS.md#N7",
    ),
    measured_claim(
        "N7-compression-edge",
        "The contraction C(u) = (1+q)u needs κ > (1+q)/(2(1−q)), and 3 times that with extrapolation; N7 asks for at "
        "most 1.002 times as much from q = .9 on, so that its thresholds are sharp as q → 1.",
        trial=overshoot_edge_trial,
        instances=lambda seed, effort: [
            {"beyond": beyond, "extrapolation": extrapolation}
            for beyond in (0.1, 0.5, 0.9, 0.99)
            for extrapolation in (False, True)
        ],
        detail="edge {edge:.5f}, by the formula {known:.5f}, N7 asks for {asked:.4f} (closest of {trials})",
        hypotheses=ONE,
        source="MATHEMATICS.md#N7; that (b) is sharp in the limit is ours",
        latex=r"\kappa > \frac{1+q}{2(1-q)}",
    ),
    measured_claim(
        "N7-delay-edge",
        "Gradients of age 0 … 4 need κ above 1.5, 1.618, 1.879, 2.263, 2.736; ages 0, 1, …, τ in turn need "
        "κ > (τ+3)/2, more than the constant age τ from τ = 1 on.",
        trial=delay_edge_trial,
        instances=_instances(
            pattern=(*((age,) for age in DELAY_EDGES), (0, 1), (0, 1, 2), (0, 1, 2, 3), (0, 1, 2, 3, 4))
        ),
        detail="edge {edge:.5f}, known {known:.5f}, N7 asks for {asked:.3f} (closest of {trials})",
        hypotheses=ONE,
        source="MATHEMATICS.md#N7",
    ),
    measured_claim(
        "N7-constant-delay-is-worst",
        "Where the constant delay τ converges, so does every pattern of delays up to τ.",
        trial=pattern_trial,
        instances=lambda seed, effort: [
            {"pattern": [0, 1], "kappa": 1.8},
            {"pattern": [0, 1, 2], "kappa": 2.2},
        ],
        detail="with the pattern log10 |w| is {pattern:.1f} after 400 rounds, with the constant age {constant:.1f}",
        hypotheses=("x²/2 from 1, one client, full gradients, λ = 0, Q = 0",),
        expected=Verdict.REFUTED,
        source="MATHEMATICS.md#N7",
    ),
)
