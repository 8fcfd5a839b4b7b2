"""From figures to findings: every hypothesis has one function that says what contradicts it."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pisa_lab._array import to_numpy
from pisa_lab._checks import real
from pisa_lab.monitor import absence
from pisa_lab.monitor.findings import Finding, Hypothesis
from pisa_lab.monitor.host import HostArray
from pisa_lab.monitor.lipschitz import JUDGED, STEEP, slack
from pisa_lab.monitor.metric import DOUBLINGS, GROWTH, keeps_growing

ESCAPE = 1e8
"""Multiples of 1 + ‖w⁰‖ at which a run counts as having left every ball that is worth the name."""

Said = tuple[str, dict[str, float], bool]


@dataclasses.dataclass(frozen=True)
class Limits:
    """What is claimed of the run: η, a radius, L, ϑ; NaN where nothing is. ``slack`` is what rounding may do to L."""

    metric: float
    ball: float
    lipschitz: float
    slack: float
    shrinkage: float = math.nan

    @classmethod
    def given(
        cls, problem: Any, method: Any, metric: Any, ball: Any, lipschitz: Any, shrinkage: Any = None
    ) -> "Limits":
        """Return the caller's limits, completed by the preconditioner's promise and the problem's constants."""
        guarantee = getattr(getattr(method, "preconditioner", None), "guarantee", None)
        promised = None if guarantee is None else guarantee.bound
        constants = np.asarray(getattr(problem, "lipschitz", math.inf), dtype=float)
        own = float(np.max(constants)) if np.all(np.isfinite(constants)) else math.nan
        return cls(
            math.nan if promised is None and metric is None else _bound("metric_bound", metric, promised),
            math.nan if ball is None else real("ball", ball, above=0.0),
            own if lipschitz is None else real("lipschitz", lipschitz, at_least=0.0),
            slack(float(np.finfo(to_numpy(problem.initial).dtype).eps)),
            _shrinkage(method, shrinkage),
        )


def _shrinkage(method: Any, given: Any) -> float:
    promised = getattr(getattr(method, "metric", None), "shrinkage", None)
    if given is None:
        return math.nan if promised is None else float(promised)
    return real("shrinkage", given, at_least=0.0, at_most=1.0)


def _bound(name: str, given: Any, promised: Any) -> float:
    return float(promised) if given is None else real(name, given, at_least=0.0)


class Judge:
    """Remembers the first finding of each hypothesis and seed, and the growth of Q."""

    def __init__(self, limits: Limits, names: tuple[int, ...]) -> None:
        self.limits = limits
        self._names = names
        self._found: dict[tuple[Hypothesis, int], Finding] = {}
        self._rounds: list[int] = []
        self._largest: list[HostArray] = []

    def findings(self) -> list[Finding]:
        """Return the findings in the order of their rounds."""
        return sorted(self._found.values(), key=lambda finding: finding.iteration)

    def look(self, iteration: int, figures: Mapping[str, HostArray]) -> None:
        """Judge one recorded round."""
        if "metric_largest" in figures:
            self._rounds.append(iteration)
            self._largest.append(figures["metric_largest"])
        for place, seed in enumerate(self._names):
            row = {name: float(values[place]) for name, values in figures.items()}
            for hypothesis, (statement, numbers, is_note) in self._said(row, place):
                key = (hypothesis, seed)
                self._found.setdefault(key, Finding(hypothesis, iteration, seed, statement, numbers, is_note))

    def _said(self, row: Mapping[str, float], place: int) -> Iterator[tuple[Hypothesis, Said]]:
        looks = (
            (Hypothesis.LIPSCHITZ, quotients(row, self.limits)),
            (Hypothesis.BOUNDED_SET, bounded(row, self.limits)),
            (Hypothesis.METRIC_BOUND, self._metric(row, place)),
            (Hypothesis.SUMMABLE_STEPS, summable(row)),
            (Hypothesis.SIGN, sign(row)),
            (Hypothesis.METRIC_FALL, fallen(row, self.limits)),
            *absence.contradictions(row),
        )
        return ((hypothesis, said) for hypothesis, said in looks if said is not None)

    def _metric(self, row: Mapping[str, float], place: int) -> Said | None:
        if "metric_largest" not in row:
            return None
        least, largest, bound = row["metric_least"], row["metric_largest"], self.limits.metric
        numbers = {"least": least, "largest": largest, "bound": bound}
        if least < -1e-9 * max(1.0, abs(largest)):
            return f"Q has the eigenvalue {least:.3g} < 0", numbers, False
        if largest > bound * (1 + 1e-9):
            return f"Q has the eigenvalue {largest:.3g} > η = {bound:.3g}", numbers, False
        history = [float(values[place]) for values in self._largest]
        if math.isnan(bound) and keeps_growing(self._rounds, history):
            start = history[int(np.searchsorted(self._rounds, self._rounds[-1] / 2**DOUBLINGS, side="right")) - 1]
            what = (
                f"nothing bounds Q, and its largest eigenvalue grew from {start:.3g} to {largest:.3g} in {DOUBLINGS} "
                f"doublings of the rounds, by more than {GROWTH:g} in each"
            )
            return what, numbers | {"earlier": start}, False
        return None


def quotients(row: Mapping[str, float], limits: Limits) -> Said | None:
    """Return what contradicts a Lipschitz gradient: quotients that keep growing, or one above the claimed constant."""
    growth, first, last = row["quotient_growth"], row["quotient_first"], row["quotient_last"]
    if growth >= STEEP:
        numbers = {"growth": growth, "from": first, "to": last, "distance": row["quotient_distance"]}
        what = (
            f"‖∇F_i(x) − ∇F_i(y)‖/‖x − y‖ grows from {first:.3g} to {last:.3g} in {JUDGED} halvings of ‖x − y‖, "
            f"down to {row['quotient_distance']:.1e}, like ‖x − y‖^-{growth:.2g}"
        )
        return what, numbers, False
    seen = max(row["lipschitz_secant"], row["lipschitz_fine"], row.get("lipschitz_hvp", 0.0))
    if seen > limits.lipschitz * (1 + limits.slack):
        return (
            f"a quotient of {seen:.6g} was seen, L = {limits.lipschitz:.6g} was claimed",
            {"seen": seen, "claimed": limits.lipschitz},
            False,
        )
    return None


def bounded(row: Mapping[str, float], limits: Limits) -> Said | None:
    """Return what contradicts a bounded set: a far point of the sublevel set, or iterates that leave a ball."""
    radius, far, value, start = (row[name] for name in ("radius", "far", "far_value", "start_value"))
    numbers = {"radius": radius, "far": far, "far_value": value, "start_value": start}
    if value <= start:
        what = (
            f"the sublevel set of the start reaches {far:.1e} away: F_λ = {value:.6g} there, {start:.6g} at the start"
        )
        return what, numbers, False
    if radius > limits.ball:
        return (
            f"the iterates went {radius:.3g} from the start, past the ball of radius {limits.ball:.3g}",
            numbers,
            False,
        )
    if radius > ESCAPE:
        return f"the iterates went {radius:.3g} from the start", numbers, False
    return None


def summable(row: Mapping[str, float]) -> Said | None:
    """Return the note that the steps are summable, if they are."""
    come = row.get("steps_to_come", math.nan)
    if not math.isfinite(come):
        return None
    done = row["steps_so_far"]
    what = f"Σ1/σ finite: {done:.3g} so far, at most {come:.3g} to come, so that the limit need not be stationary"
    return what, {"so_far": done, "to_come": come}, True


def fallen(row: Mapping[str, float], limits: Limits) -> Said | None:
    """Return what contradicts that the server's metric falls by no more than ϑ a round."""
    least = row.get("metric_fall", math.nan)
    if not least < limits.shrinkage * (1 - 1e-9):
        return None
    what = f"the server's metric fell to {least:.4g} of itself in one round, ϑ = {limits.shrinkage:.4g} was promised"
    return what, {"least": least, "promised": limits.shrinkage}, False


def sign(row: Mapping[str, float]) -> Said | None:
    """Return what contradicts that a method which replaces the gradient is a PISA."""
    share = row.get("sandwiched", 1.0)
    if share >= 1.0:
        return None
    what = f"π+g and π+o have one sign in {row['same_sign']:.1%} of the entries, {share:.1%} lie in the sandwich"
    return what, {"same_sign": row["same_sign"], "sandwiched": share}, False
