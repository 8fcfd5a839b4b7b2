"""PISA-auto where no constant of the problem exists, or where F is known up to rounding only (N1)."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from pisa_lab.backtracking import Backtracking
from pisa_lab.loop import Status, run
from pisa_lab.method import PISA
from pisa_lab.problem import FunctionProblem, from_functions
from problems.generators import synthetic
from problems.linear import logistic
from problems.transforms import on_backend
from proofs_check.measured.instances import Array, Instance, count, generator, grid
from proofs_check.measured.merits import enough, penalties, penalty_bound
from proofs_check.measured.trajectories import TINY, curve, figure, measured_claim, norms_of, states_of

SHARES = (0.5, 1.5)
"""F_i is so many times F on the two clients, plus a slope ±3 that leaves F as it is."""


class Curve(NamedTuple):
    """A function of one variable: F, F', and F'' at most on an interval."""

    value: Callable[[float], float]
    slope: Callable[[float], float]
    curvature: Callable[[float, float], float]


CURVES: Mapping[str, Curve] = {
    "quartic": Curve(
        lambda x: x * x * x * x / 4, lambda x: x * x * x, lambda low, high: 3 * max(abs(low), abs(high)) ** 2
    ),
    "exponential": Curve(
        lambda x: float(np.exp(x)) - 2 * x, lambda x: float(np.exp(x)) - 2, lambda low, high: float(np.exp(high))
    ),
}


def scalar(instance: Instance) -> FunctionProblem:
    """Return the instance's curve on two clients that differ in curvature and slope."""
    function = CURVES[str(instance["curve"])]

    def client(share: float, tilt: float) -> Any:
        return (
            lambda w: share * function.value(float(w[0])) + tilt * float(w[0]),
            lambda w: np.array([share * function.slope(float(w[0])) + tilt]),
        )

    pairs = [client(share, tilt) for share, tilt in zip(SHARES, (3.0, -3.0), strict=True)]
    return from_functions(pairs, np.array([float(instance["start"])]))


def local_threshold(rule: Backtracking, function: Curve, start: float) -> float:
    r"""Return $s^\star = \inf\{s: s \ge s_R(L_s)\}$, $L_s$ the modulus within $\max_\Omega|G|/s$ of Ω.

    Ω is the sublevel set of the start, an interval, and λ = 0. Source: MATHEMATICS.md#N1 (ii).
    """
    low, high = _sublevel(function, start)
    steepest = max(abs(function.slope(low)), abs(function.slope(high)))

    def passes(s: float) -> bool:
        reach = steepest / s
        if high + reach > 700:
            return False
        return s >= enough(rule, max(SHARES) * function.curvature(low - reach, high + reach))

    least, most = 1e-12, 1e12
    for _ in range(200):
        middle = math.sqrt(least * most)
        least, most = (least, middle) if passes(middle) else (middle, most)
    return most


def _sublevel(function: Curve, start: float) -> tuple[float, float]:
    """Return the ends of {F ≤ F(start)} for a convex F and a start to the right of its minimiser."""
    level, inside, outside = function.value(start), 0.0, -1.0
    while function.value(outside) <= level:
        outside *= 2
    for _ in range(200):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if function.value(middle) <= level else (inside, middle)
    return outside, start


def local_trial(instance: Instance) -> Mapping[str, Any]:
    """Return what constant penalties leave of the gradient, what the search leaves, and its σ over the bound.

    Margin: the least of the digits of the search below 1e-6 of the first gradient, the logarithm of the bound over σ,
    and, for each constant, 1 where it broke and else the logarithm of its last gradient over 1.
    """
    problem, function, steps = scalar(instance), CURVES[str(instance["curve"])], int(instance["steps"])
    rule, start = Backtracking(initial=float(instance["initial"])), float(instance["start"])
    first = abs(function.slope(start))
    with np.errstate(all="ignore"):
        states = states_of(PISA(penalty=rule), problem, steps=steps)
        fates = [_fate(problem, float(sigma), steps) for sigma in instance["constants"]]
    last = abs(function.slope(float(states[-1].consensus[0]))) / first
    bound = max(rule.initial, rule.factor * local_threshold(rule, function, start))
    largest = float(np.max(penalties(states)))
    lost = [1.0 if math.isinf(fate) else math.log10(max(fate, TINY)) for fate in fates]
    return {
        "constants": [float(sigma) for sigma in instance["constants"]],
        "left": ["broke" if math.isinf(fate) else float(f"{fate:.4g}") for fate in fates],
        "fall": last,
        "penalty": largest,
        "bound": bound,
        "margin": min(math.log10(1e-6 / max(last, TINY)), math.log(bound * (1 + 1e-12) / largest), *lost),
    }


def _fate(problem: FunctionProblem, sigma: float, steps: int) -> float:
    """Return |F'| at the end of a run with constant σ, infinity where it broke."""
    result = run(PISA(penalty=sigma), problem, steps=steps, measures=("stationarity",), every=steps)
    return math.inf if result.status is Status.NON_FINITE else float(result.last("stationarity"))


def local_picture(instance: Instance) -> Mapping[str, Any]:
    """Return |F'| along the search."""
    norms = norms_of(PISA(penalty="auto"), scalar(instance), steps=int(instance["steps"]))
    found = curve("penalty searched for", range(norms.size), np.maximum(norms, TINY))
    return figure("No Lipschitz constant", "round", "|F'|", "y", [found])


def offset_problem(instance: Instance) -> FunctionProblem:
    """Return a bowl on two clients whose values have lost digits: F_i + C − C, or times 1 + 1e-12 of noise."""
    rng, height = generator(instance), float(instance["offset"])
    centres = rng.normal(size=(2, 4))

    def client(centre: Array) -> Any:
        return (
            lambda w: float((np.sum((w - centre) ** 2) / 2 + height) - height),
            lambda w: w - centre,
        )

    return from_functions([client(centre) for centre in centres], rng.normal(size=4), check_gradients=False)


class Jittery:
    """A problem whose values differ from call to call, by ``size`` of themselves."""

    def __init__(self, problem: Any, size: float, seed: int) -> None:
        self._problem, self._size, self._rng = problem, size, np.random.default_rng(seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._problem, name)

    def client_value(self, w: Array) -> Array:
        """Return F_i(w) with relative noise, anew at every call."""
        values = self._problem.client_value(w)
        return np.asarray(values * (1 + self._size * self._rng.normal(size=values.shape)))


def _rounded(instance: Instance) -> tuple[Any, float]:
    """Return (problem, L) of an instance: an offset, or jitter of the values, or neither and float32."""
    if float(instance["offset"]):
        return offset_problem(instance), 1.0
    X, y, parts = synthetic("binary", int(instance["seed"]), clients=3, samples=12, dimension=5)
    exact = logistic(X, y, parts, ridge=0.05)
    smoothness = float(np.max(exact.lipschitz)) + exact.ridge
    if not float(instance["jitter"]):
        return on_backend(exact, "numpy", dtype="float32"), smoothness
    return Jittery(exact, float(instance["jitter"]), int(instance["seed"])), smoothness


def rounding_trial(instance: Instance) -> Mapping[str, Any]:
    """Return how the search ends where values are not exact: ‖∇F‖ over the first, σ, trials in a round, status.

    Margin: the least of the digits below 1e-6 of the first gradient (1e-5 in float32), those of σ below 1e7 times its
    bound with exact values, and the logarithm of the cap over the trials of a round.
    """
    (problem, smoothness), rule, steps = _rounded(instance), Backtracking(), int(instance["steps"])
    spent: list[float] = []
    sizes: list[float] = []

    def watch(before: Any, after: Any) -> None:
        spent.append(float(after.search.trials - before.search.trials))
        sizes.append(float(np.max(after.penalty)))

    measured: dict[str, Any] = {"measures": ("stationarity",), "every": steps, "callback": watch}
    result = run(PISA(penalty=rule), problem, steps=steps, **measured)
    norms = np.asarray(result.history["stationarity"])
    fall, largest = float(max(norms[-1], TINY) / norms[0]), max(sizes)
    ended = result.status in (Status.FINISHED, Status.ROUNDING)
    margins = (
        math.log10((1e-5 if norms.dtype == np.float32 else 1e-6) / fall),
        math.log10(1e7 * penalty_bound(rule, smoothness) / largest),
        math.log(rule.trials / max(spent)),
    )
    return {
        "status": str(result.status),
        "fall": fall,
        "penalty": largest,
        "trials_in_a_round": max(spent),
        "margin": min(margins) if ended else -1.0,
    }


CLAIMS_LOCAL_CURVATURE = (
    measured_claim(
        "N1-local-lipschitz",
        "Where gradients are Lipschitz on bounded sets only, constant penalties that are ample at the minimiser "
        "diverge or sit where the gradient stays above 1, and the penalty that is searched for reaches a stationary "
        "point within the bound of local constants.",
        trial=local_trial,
        instances=lambda seed, effort: [
            {"curve": name, "start": start + 0.1 * (seed % 10), "initial": initial, "constants": sigmas, "steps": steps}
            for name, start, sigmas, steps in (
                ("quartic", 10.0, [1.0, 10.0, 30.0], count(effort, 200, 1000)),
                ("exponential", 8.0, [4.0, 20.0], count(effort, 300, 1000)),
            )
            for initial in count(effort, (1e-6, 1.0), (1e-12, 1e-6, 1e-3, 1.0))
        ],
        detail="σ = {constants} leave |F'| at {left}; the search brings it to {fall:.1e} of the first, with σ up to "
        "{penalty:.4g} of {bound:.4g} allowed (worst of {trials})",
        hypotheses=(
            "x⁴/4 from 10 and eˣ − 2x from 8, on two clients with half and one and a half times F and slopes ±3",
            "full gradients and values; momentum .9 with the search, Q = 0 with constant penalties",
            "the bound max(σ⁰, t s*) with s* from the sublevel set of the start",
        ),
        source="MATHEMATICS.md#N1; a merit test with a fallback is known, this merit and its constants are ours",
        picture=local_picture,
        latex=r"\sigma_k \leq \max(\sigma_0, t s^\star),\ s^\star = \inf\{s: s \geq s_R(L_s)\}",
    ),
    measured_claim(
        "N1-rounding",
        "Where values of F are known up to rounding or noise only, the search ends near a stationary point, with a "
        "bounded penalty and a bounded number of trials in every round.",
        trial=rounding_trial,
        instances=lambda seed, effort: [
            {**told, "offset": offset, "jitter": jitter}
            for offset, jitter in ((1e4, 0.0), (1e8, 0.0), (1e9, 0.0), (0.0, 1e-12), (0.0, 1e-9), (0.0, 0.0))
            for told in grid(seed, count(effort, 1, 6), steps=(count(effort, 300, 3000),))
        ],
        detail="{status}: ‖∇F‖ at {fall:.1e} of the first, σ up to {penalty:.3g}, at most {trials_in_a_round:g} trials "
        "in a round (worst of {trials})",
        hypotheses=(
            "(‖w − c_i‖²/2 + C) − C with C up to 1e9; logistic values with relative noise of 1e-12 and 1e-9 that is "
            "another at every call; logistic regression in float32",
            "σ at most 1e7 times its bound with exact values: it can jump within a round before the noise is noticed",
            "noise below 1e-6 of max(1, |F|), as the rule takes it to be: from C = 1e11 on σ can run away",
            "exact gradients; below the noise the merit function is only known to rise by at most the noise a round",
            "the rule is akin to the approximate Wolfe test of Hager and Zhang",
        ),
        source="MATHEMATICS.md#N1; a merit test with a fallback is known, this merit and its constants are ours",
    ),
)
"""PISA-auto without a global constant, and at the level of rounding."""
