"""Rounds that raise the augmented Lagrangian: found by a program, rounded to decimals, decided in fractions."""

import dataclasses
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from pisa_lab.lagrangian import augmented_lagrangian
from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity
from pisa_lab.problem import from_functions
from proofs_check.certified.decrease import steepest_rise
from proofs_check.certified.one_step import NAMES, Round
from proofs_check.certified.refute import coordinates, interpolant_of
from proofs_check.certified.setting import exact

Instance = Mapping[str, Any]
INSIDE = Fraction(1, 2000)
"""The program keeps this share of the curvature's range from its ends, so that rounding to `DIGITS` stays inside."""
DIGITS = 6
AGREEMENT = 1e-9
"""The library's run, on the interpolating function, against fractions: numbers of order one, a few operations."""


@dataclasses.dataclass(frozen=True)
class ExactRound:
    """One round in fractions, one client and one variable: Lagrangian before and after, and the points it met."""

    before: Fraction
    after: Fraction
    points: tuple[Fraction, ...]

    @property
    def rise(self) -> Fraction:
        """What the round adds to the augmented Lagrangian."""
        return self.after - self.before


def exact_round(instance: Instance) -> ExactRound:
    r"""Return the round that the witness tells, every hypothesis checked exactly.

    w = 0; the client's data are those of F at w, w_1, the new w and the new w_1, of which only the first two points
    are read: the others follow from the round. That a function of the class passes through them is decided by the
    interpolation inequalities (Taylor, Hendrickx, Glineur 2017, theorem 4).

    Raises:
        ValueError: the data are those of no function of the class, or the state or ρQ are outside the hypotheses.
    """
    client, state = instance["clients"][0], instance["state"]
    (g, _, h, _), values = ([exact(x) for (x,) in client["gradients"]], [exact(x) for x in client["values"]])
    d, pi, sigma = exact(state["deviation"][0]), exact(state["multiplier"][0]), exact(state["sigma"])
    later, bound, rho = sigma / exact(instance["gamma"]), exact(instance["q_bound"]), exact(instance["rho"])
    if not (0 <= -(pi + g) * d <= bound * d * d and 0 <= rho <= bound):
        raise ValueError(f"state: π = −∇F(w) − ρQ(w_1 − w) with 0 ⪯ ρQ ⪯ {bound} fails, then or in the new round")
    solve = later if instance["order"] == "before_solve" else sigma
    w = d + pi / sigma
    d_new = -(pi + h) / (solve + rho)
    pi_new = pi + solve * d_new
    points = (Fraction(0), d, w, w + d_new)
    _require_class(points, [exact(x) for (x,) in client["gradients"]], values, instance)
    before = values[1] + pi * d + sigma / 2 * d * d
    after = values[3] + pi_new * d_new + later / 2 * d_new * d_new
    return ExactRound(before, after, points)


def _require_class(
    points: tuple[Fraction, ...], gradients: list[Fraction], values: list[Fraction], instance: Instance
) -> None:
    low, high = exact(instance["clients"][0]["low"]), exact(instance["clients"][0]["high"])
    data = list(zip(points, gradients, values, strict=True))
    for x_i, g_i, f_i in data:
        for x_j, g_j, f_j in data:
            x, g = x_i - x_j, g_i - g_j
            if f_i - f_j - g_j * x < (g * g + low * high * x * x - 2 * low * g * x) / (2 * (high - low)):
                raise ValueError(f"clients: no function with curvature in [{low}, {high}] has these data")


def rising_round(question: Round) -> dict[str, Any]:
    """Return the JSON-able state and function at which one round raises the augmented Lagrangian, decided exactly.

    Raises:
        ValueError: the potential is another one, nothing rises, or the rise needs more than one variable.
    """
    if question.potential != "lagrangian" or question.ridge:
        raise ValueError("question: the augmented Lagrangian without a ridge is replayed")
    low, high = question.curvature, question.lipschitz
    room = INSIDE * (high - low)
    answer = steepest_rise(dataclasses.replace(question, curvature=low + room, lipschitz=high - room))
    frame = coordinates(answer.gram)
    if not answer.rise > 0 or frame.shape[1] != 1:
        raise ValueError(f"question: no rise of the augmented Lagrangian in one variable (by {answer.rise:g} at most)")
    v = {name: round(float(x), DIGITS) for name, (x,) in zip(NAMES, frame, strict=True)}
    instance = _instance(question, v, {name: round(value, DIGITS) for name, value in answer.values.items()})
    found = exact_round(instance)
    if found.rise <= 0:
        raise ValueError("question: nothing rises after rounding")
    instance["clients"][0]["points"] = [[float(x)] for x in found.points]
    return {**instance, "rise": float(found.rise)}


def _instance(question: Round, v: Mapping[str, float], values: Mapping[str, float]) -> dict[str, Any]:
    """Return the witness without the points that follow from it."""
    sigma, u = float(question.sigma), v["u"] if question.q_bound else 0.0
    client = float(question.next_sigma) if question.order == "before_solve" else sigma
    pi = round(-v["g"] - u, DIGITS)
    e = v["e"] if question.q_bound else -(pi + v["h"]) / client
    rho = max(0.0, -(v["h"] + pi + client * e) / e) if question.q_bound else 0.0
    function = {
        "points": [[0.0], [v["d"]], [0.0], [0.0]],
        "gradients": [[v[name]] for name in "gahb"],
        "values": [values.get(name, 0.0) for name in ("fg", "fa", "fh", "fb")],
        "low": float(question.curvature),
        "high": float(question.lipschitz),
    }
    return {
        "clients": [function],
        "state": {"deviation": [v["d"]], "multiplier": [pi], "sigma": sigma},
        "gamma": str(question.sigma / question.next_sigma),
        "order": question.order,
        "q_bound": str(question.q_bound),
        "rho": round(min(rho, float(question.q_bound)), DIGITS),
    }


def replay_round(instance: Instance) -> dict[str, float]:
    r"""Return the augmented Lagrangian before and after one ordinary round from the witness's state; margin −rise.

    The new $\rho Q$ is the multiple of the identity that the instance names.

    Raises:
        ValueError: the witness breaks a hypothesis, or the library's round is not that in fractions.
    """
    decided = exact_round(instance)
    client, state = instance["clients"][0], instance["state"]
    function, start = interpolant_of(client), np.asarray(client["points"][0], dtype=float)
    problem = from_functions([(function.value, function.gradient)], start, lipschitz=client["high"])
    method = PISA(
        penalty=state["sigma"],
        penalty_ratio=float(exact(instance["gamma"])),
        rho=float(instance["rho"]),
        preconditioner=Identity(),
        penalty_update=instance["order"],
    )
    first = method.init(problem, start)._replace(
        deviation=np.asarray([state["deviation"]]), multiplier=np.asarray([state["multiplier"]])
    )
    last = run(method, problem, state=first, steps=1, measures=("lagrangian",)).state
    before, after = (float(augmented_lagrangian(problem, one)) for one in (first, last))
    if abs(after - before - float(decided.rise)) > AGREEMENT or abs(before - float(decided.before)) > AGREEMENT:
        raise ValueError(f"rise: the library's round gives {after - before!r}, fractions {float(decided.rise)!r}")
    return {"before": before, "after": after, "rise": after - before, "margin": before - after}
