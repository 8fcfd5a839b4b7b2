r"""Absent, compressed and late clients: whether the penalty is what N7 asks for, and whether they keep their promises.

Each of the three has a threshold of its own for the margin $(\sigma-L)(\sigma+\lambda)/L^2$; NaN where no theorem says
one: with a metric, a searched penalty, a replaced gradient, or late compressed clients. A run below a threshold may
still converge: they are sufficient.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab import thresholds
from pisa_lab._array import Array, to_numpy
from pisa_lab.late import Late
from pisa_lab.monitor.findings import Hypothesis
from pisa_lab.monitor.host import HostArray
from pisa_lab.participation import attendance, rule_of
from pisa_lab.preconditioners import Contraction
from pisa_lab.state import State

STATEMENTS = {
    "margin": "(σ−L)(σ+λ)/L² of the round, σ = Σα_iσ_i; NaN where L is not known",
    "participation_margin": "the margin that N7 asks for with so few clients there; NaN where it says none",
    "contraction_margin": "the margin that N7 asks for with such compression; NaN where it says none",
    "delay_margin": "the margin that N7 asks for with gradients so old; NaN where it says none",
    "lost_share": "largest ‖u − C(u)‖²/‖u‖² of a client there, u = π + g, away from rounding",
    "lost_bound": "1 − ϖ, what the contraction promises of it",
    "absence": "rounds since a client was last there, the largest of all clients",
    "absence_bound": "rounds of absence that chance explains with a probability of e⁻⁵⁰, at the rate seen",
}
"""What each figure is."""

_TINY = 1e6
"""Multiples of rounding in π below which u says nothing of C."""


class Absence:
    """Watches who is there and what they lose; it draws again what the run drew."""

    def __init__(
        self, problem: Any, method: Any, participation: Any, seeds: Sequence[int] | int, experiment: int
    ) -> None:
        self._problem, self._method, self._rule = problem, method, rule_of(participation)
        self._present = attendance(participation, method, problem, seeds, experiment=experiment)
        self._clients = int(problem.weights.shape[0])
        self._last: HostArray | None = None
        self._there = self._rounds = 0.0

    @property
    def sees_all(self) -> bool:
        """Whether every client is there and looks at the present point, as its gradients seen again are taken."""
        return self._rule is None and not self._age()

    def look(self, before: State) -> None:
        """Take note of who is there in the round after ``before``."""
        active = self._present(int(before.iteration))
        if active is None:
            return
        rows, number = active.reshape(-1, self._clients), int(before.iteration) + 1
        # The monitor begins with a clean sheet: a client counts as there in the round before it.
        self._last = np.full(rows.shape, number - 1) if self._last is None else self._last
        self._last = np.where(rows, number, self._last)
        self._there, self._rounds = self._there + float(np.mean(rows)), self._rounds + 1

    def figures(
        self, before: State, after: State, smoothness: float, beta: HostArray | None, seen: Callable[[], Array]
    ) -> dict[str, HostArray]:
        """Return the figures of one recorded round; ``seen`` gives the gradients that it took."""
        sigma = np.atleast_1d(np.sum(to_numpy(after.weights) * to_numpy(after.penalty), axis=-1))
        scale = np.float64(smoothness) ** 2
        found = {"margin": (sigma - smoothness) * (sigma + after.ridge) / scale}
        found |= {name: value + 0 * sigma for name, value in self._required_margins(beta).items()}
        if self._last is not None:
            rate = max(self._there / self._rounds, 1e-12)
            found["absence"] = np.max(after.iteration - self._last, axis=-1).astype(float)
            found["absence_bound"] = 50 / rate + 0 * found["absence"]
        contraction = getattr(self._method, "preconditioner", None)
        if isinstance(contraction, Contraction) and not self._age():
            size = math.prod(self._problem.initial.shape)
            found["lost_share"] = self._largest_loss(before, after, to_numpy(seen()))
            found["lost_bound"] = 1 - contraction.contraction(size) + 0 * sigma
        return found

    def _required_margins(self, beta: HostArray | None) -> dict[str, Any]:
        """Return the margins that N7 asks for, of those of the three that the run has."""
        method = self._method
        operator, age = getattr(method, "preconditioner", None), self._age()
        least = getattr(self._rule, "least", lambda clients: math.nan)(self._clients)
        if getattr(method, "metric", None) is not None or getattr(method, "is_searching", False):
            return {}
        if getattr(operator, "replaces_gradient", False):
            return {}
        if isinstance(operator, Contraction):
            share = operator.contraction(math.prod(self._problem.initial.shape))
            settings = {"extrapolation": bool(getattr(method, "extrapolation", True))}
            needed = {} if age else {"contraction_margin": thresholds.contraction_margin(share, **settings)}
            if self._rule is not None and not age:
                needed["participation_margin"] = thresholds.contraction_margin(share, probability=least, **settings)
            return needed
        if beta is None:
            return {}
        needed, plain = {}, np.asarray([thresholds.preconditioner_margin(b) for b in beta])
        if self._rule is not None:
            plain = needed["participation_margin"] = np.asarray(
                [thresholds.participation_margin(b, least) for b in beta]
            )
        return needed | ({"delay_margin": np.asarray([thresholds.delay_margin(age, x) for x in plain])} if age else {})

    def _age(self) -> int:
        return int(self._method.delays.limit) if isinstance(self._method, Late) else 0

    def _largest_loss(self, before: State, after: State, gradient: HostArray) -> HostArray:
        """Return the largest share that a client's C lost, (replicates,), 0 where rounding hides it."""
        old, new = to_numpy(before.multiplier), to_numpy(after.multiplier)
        shape = (-1, self._clients, math.prod(self._problem.initial.shape))
        asked, rest = (old + gradient).reshape(shape), (new + gradient).reshape(shape)
        size, left = np.sum(asked**2, axis=-1), np.sum(rest**2, axis=-1)
        floor = (_TINY * np.finfo(old.dtype).eps) ** 2 * np.sum(old.reshape(shape) ** 2, axis=-1)
        heard = size > floor
        active = self._present(int(before.iteration))
        heard = heard if active is None else heard & active.reshape(-1, self._clients)
        share: HostArray = np.max(np.where(heard, left / np.where(heard, size, 1.0), 0.0), axis=-1)
        return share


def contradictions(row: Mapping[str, float]) -> Iterator[tuple[Hypothesis, tuple[str, dict[str, float], bool]]]:
    """Yield what contradicts N7's hypotheses, each that it speaks of, the broken promises before the thresholds."""
    lost, bound = row.get("lost_share", math.nan), row.get("lost_bound", math.nan)
    if lost > bound * (1 + 1e-6) + 1e-6:
        what = f"a client lost ‖u − C(u)‖² = {lost:.6g}‖u‖², 1 − ϖ = {bound:.6g} was promised"
        yield Hypothesis.CONTRACTION, (what, {"lost": lost, "promised": bound}, False)
    away, chance = row.get("absence", math.nan), row.get("absence_bound", math.nan)
    if away > chance:
        what = f"a client has not been there for {away:.0f} rounds, chance explains {chance:.0f}"
        yield Hypothesis.PARTICIPATION, (what, {"absence": away, "bound": chance}, False)
    for hypothesis in (Hypothesis.CONTRACTION, Hypothesis.PARTICIPATION, Hypothesis.DELAY):
        needed, margin = row.get(f"{hypothesis.lower()}_margin", math.nan), row.get("margin", math.nan)
        if margin < needed * (1 - 1e-9):
            what = f"(σ−L)(σ+λ) = {margin:.4g}L², {needed:.4g}L² is asked for"
            yield hypothesis, (what, {"margin": margin, "needed": needed}, False)
