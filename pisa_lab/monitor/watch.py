"""The monitor itself: rows at chosen rounds, and the judgement of each row."""

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from pisa_lab import residuals
from pisa_lab._array import index_like, to_numpy
from pisa_lab._checks import real, whole
from pisa_lab.monitor import absence, descent, lipschitz, metric, region, steps
from pisa_lab.monitor.findings import Finding, Hypothesis
from pisa_lab.monitor.host import HostArray, HostProblem
from pisa_lab.monitor.judgement import Judge, Limits
from pisa_lab.participation import Participation
from pisa_lab.problem import Problem
from pisa_lab.sampling import Full, Sampler, Stream, draw_batch, sampler
from pisa_lab.state import State

STATEMENTS: Mapping[str, str] = MappingProxyType(
    {
        "lagrangian": "augmented Lagrangian after the round, exact up to rounding",
        "lyapunov": "with the lemma's preconditioner term and without its noise term",
        "fall": "Lyapunov quantity before the round less that after it",
        "decrease_constant": "fall over the lemma's squared moves; the reconstructed lemma promises 0.25",
        "certified_constant": "the constant the caller gave as certified",
        "certificate_margin": "the caller's certificate on the two states: negative where its theorem fails",
        "local": "‖∇F_i(w_i) + π_i‖ in the mean over clients",
        "consensus": "‖w_i − w‖ in the mean over clients",
        "aggregate": "‖λw − Σα_iπ_i‖",
        "stationarity": "‖∇F_λ(w)‖",
        "radius": "largest distance of w in any round, and of w_i at the recorded ones, from the first w",
        "lipschitz_secant": "a lower bound of max L_i on the visited region: quotients of gradients at visited points",
        "lipschitz_hvp": "a lower bound of max L_i: power iteration on the Hessian at w, unconverged; NaN without hvp",
        "lipschitz_fine": "a lower bound of max L_i on segments through visited points, halved again and again",
        "quotient_growth": "powers of two by which the quotient grows when its two points come twice as near",
        "disagreement": "a lower bound of ε = sup‖∇F_i(w; B) − ∇F_i(w; B′)‖: a few batches at the recorded points",
        "metric_least": "the least eigenvalue of any Q_i, exact where the state holds its form",
        "metric_largest": "the largest eigenvalue of any Q_i, exact where the state holds its form",
        "metric_fall": "the least that an entry of the server's metric fell to in one round, as a share of itself",
        "metric_bound": "η: the caller's, else what the preconditioner promises; NaN where nothing does",
        "same_sign": "share of entries in which π+g and π+o have one sign (methods that replace the gradient)",
        "sandwiched": "share of entries inside the sandwich that makes the method a PISA",
        "steps_so_far": "Σ1/σ of the rounds watched, σ = Σα_iσ_i",
        "steps_to_come": "Σ1/σ of all later rounds by the schedule, or an upper bound; ∞ or NaN where not known",
        "far_value": "F_λ at a point a million radii away, the best of two directions; a value ≤ that at the start "
        "shows an unbounded sublevel set, a larger one shows nothing",
    }
    | absence.STATEMENTS
)
"""What each figure of a row is, and on which side of the truth it errs."""

_BATCHES = 4
_EXPERIMENT = 2**62
"""The experiment of the monitor's own batches: another stream than that of any run."""


class Monitor:
    """Watch a run: give it to `run` as ``callback``; it looks at states and never changes one.

    Args:
        problem: what is run, not wrapped in a counter: the monitor asks for many full gradients.
        method: what runs; without it preconditioner, schedule and sandwich go unwatched.
        every: rounds between two rows, or the rounds; steps and radius of w are summed up in every round. A row costs
            some 90 full gradients of every client.
        batches: as given to `run`, for the sampled ε_i and to see NSISA's own gradients again.
        participation: as given to `run`, to know who was there.
        seed: as given to `run`.
        seeds: as given to `run`.
        experiment: as given to `run`.
        metric_bound: η, the bound that is claimed of every Q_i.
        ball: a radius that w and w_i are claimed not to leave, measured from the first w.
        shrinkage: ϑ that is claimed of the server's metric, D_{k+1} ⪰ ϑD_k; by default what the metric promises.
        lipschitz: L claimed of every client; by default the problem's own constants where finite.
        certified: the certified constant of the decrease, to stand beside the observed one in every row.
        certificate: (before, after) → margin, such as `proofs_check.theory.lyapunov_monitor` makes.
        stop: end the run at the first violation.

    Raises:
        ValueError: an argument outside its domain; in the first round, ``seeds`` other than the run's.
    """

    def __init__(
        self,
        problem: Problem,
        method: Any = None,
        *,
        every: int | Iterable[int] = 20,
        batches: int | Sampler | None = None,
        participation: float | Participation | None = None,
        seed: int = 0,
        seeds: int | None = None,
        experiment: int = 0,
        metric_bound: float | None = None,
        ball: float | None = None,
        lipschitz: float | None = None,
        shrinkage: float | None = None,
        certified: float | None = None,
        certificate: Callable[[Any, Any], Any] | None = None,
        stop: bool = False,
    ) -> None:
        self._problem: Any = problem
        self._method, self._every = method, _chosen(every)
        self._rule, self._experiment = sampler(batches), whole("experiment", experiment)
        self._names = (seed,) if seeds is None else tuple(range(seed, seed + whole("seeds", seeds, at_least=1)))
        labels = seed if seeds is None else self._names
        self._absence = absence.Absence(problem, method, participation, labels, self._experiment)
        self._host = HostProblem(problem, seeds is not None)
        self._certified = math.nan if certified is None else real("certified", certified)
        self._certificate, self._stop = certificate, stop
        self._judge = Judge(Limits.given(problem, method, metric_bound, ball, lipschitz, shrinkage), self._names)
        self._rows: list[dict[str, Any]] = []
        self._memory: dict[str, HostArray] = {}

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One row per recorded round and seed; `STATEMENTS` says what each figure is worth."""
        return [dict(row) for row in self._rows]

    def violations(self) -> list[Finding]:
        """Return the violated hypotheses, each once per seed, in the order of their rounds."""
        return [finding for finding in self._judge.findings() if not finding.is_note]

    def notes(self) -> list[Finding]:
        """Return what the settings themselves say, such as summable steps."""
        return [finding for finding in self._judge.findings() if finding.is_note]

    @property
    def first_violation(self) -> Finding | None:
        """The earliest violation of any seed, or None."""
        return next(iter(self.violations()), None)

    def __call__(self, before: Any, after: Any) -> bool:
        """Look at one round; True, which ends the run, only where ``stop`` was given and something is violated."""
        with np.errstate(all="ignore"):
            if not self._memory:
                self._begin(before)
            self._pass(before, after)
            if self._every(int(after.iteration)):
                figures = self._figures(before, after)
                self._rows += self._spread(int(after.iteration), figures)
                self._judge.look(int(after.iteration), figures)
        return self._stop and bool(self.violations())

    def _begin(self, before: Any) -> None:
        lead = before.consensus.shape[: before.consensus.ndim - self._problem.initial.ndim]
        wanted = (len(self._names),) if self._host.replicated else ()
        if tuple(lead) != wanted:
            raise ValueError(f"seeds: the run has replicates {tuple(lead)}, the monitor {wanted}; give both the same")
        start = self._host.flat(before.consensus, clients=False)
        scale = np.linalg.norm(self._host.gradients(self._everywhere(start)), axis=-1)
        zeros = np.zeros(start.shape[0])
        vectors = np.random.default_rng(0).standard_normal((*scale.shape, start.shape[1]))
        self._memory = {"start": start, "earlier": start, "scale": scale, "vectors": vectors, "value": zeros}
        self._memory |= {"radius": zeros, "steps": zeros, "disagreement": zeros, "secant": zeros}
        self._memory["value"] = self._host.objectives(start)

    def _everywhere(self, points: HostArray) -> HostArray:
        """Return points (replicates, size) as (replicates, clients, size)."""
        return np.repeat(points[:, None], self._host.clients, axis=1)

    def _pass(self, before: Any, after: Any) -> None:
        """Sum up what every round adds."""
        memory, w = self._memory, self._host.flat(after.consensus, clients=False)
        memory["radius"] = np.fmax(memory["radius"], region.distances(memory["start"], w))
        if isinstance(after, State):
            memory["steps"] = memory["steps"] + steps.step(after)
            self._absence.look(before)
            fall = metric.least_ratio(before, after, len(self._names))
            if fall is not None:
                memory["fall"] = np.fmin(memory.get("fall", np.inf), fall)

    def _figures(self, before: Any, after: Any) -> dict[str, HostArray]:
        figures = {"stationarity": np.atleast_1d(to_numpy(residuals.stationarity(self._problem, after)))}
        figures |= self._region(after) | self._lipschitz(before, after)
        if isinstance(after, State):
            figures |= self._descent(before, after) | self._metric(before, after)
            smoothness, beta = self._judge.limits.lipschitz, metric.relative_bound(self._method, after, figures)
            figures |= self._absence.figures(before, after, smoothness, beta, lambda: self._seen(before, after))
            figures["steps_so_far"] = self._memory["steps"]
            figures["steps_to_come"] = steps.steps_to_come(self._method, after)
        self._memory["earlier"] = self._host.flat(after.consensus, clients=False)
        return figures

    def _region(self, after: Any) -> dict[str, HostArray]:
        memory, w = self._memory, self._host.flat(after.consensus, clients=False)
        if isinstance(after, State):
            local = self._host.flat(after.local, clients=True)
            memory["radius"] = np.fmax(memory["radius"], region.distances(memory["start"], local))
        far, value = region.far_values(self._host, memory["start"], w, memory["earlier"])
        return {"radius": memory["radius"], "far": far, "far_value": value, "start_value": memory["value"]}

    def _lipschitz(self, before: Any, after: Any) -> dict[str, HostArray]:
        """Quotients between visited points, on halved segments through them, and of the Hessian."""
        memory, host = self._memory, self._host
        points = [host.flat(x, clients=False) for x in (before.consensus, after.consensus)]
        old, new = (self._everywhere(point) for point in points)
        start = self._everywhere(memory["start"])
        memory["scale"] = np.fmax(memory["scale"], np.linalg.norm(host.gradients(new), axis=-1))
        for other in (old, start, self._everywhere(memory["earlier"])):
            memory["secant"] = np.fmax(
                memory["secant"], np.max(lipschitz.secant(host, other, new, memory["scale"]), axis=-1)
            )
        # Around w at least a thousandth of the visited region wide: shorter segments drown in rounding.
        reach = 1e-3 * np.maximum(memory["radius"], 1e-3 * np.linalg.norm(points[1], axis=-1))[:, None, None]
        length = np.linalg.norm(new - old, axis=-1, keepdims=True)
        half = (new - old) * np.maximum(1.0, reach / np.where(length > 0, length, np.inf))
        near = lipschitz.approach(host, new - half, new + half, memory["scale"])
        wide = lipschitz.approach(host, start, new, memory["scale"])
        figures = {"lipschitz_secant": memory["secant"]} | _steepest(near, wide)
        if callable(getattr(self._problem, "hvp", None)):
            norms, memory["vectors"] = lipschitz.spectral_norms(host, new, memory["vectors"])
            figures["lipschitz_hvp"] = np.max(norms, axis=-1)
        sizes, width = getattr(self._problem, "sizes", None), getattr(self._rule, "size", None)
        if sizes is not None and width is not None:
            gap = lipschitz.disagreement(host, new, self._own_batches(int(after.iteration), sizes, int(width)))
            memory["disagreement"] = np.fmax(memory["disagreement"], np.max(gap, axis=-1))
            figures["disagreement"] = memory["disagreement"]
        return figures

    def _own_batches(self, iteration: int, sizes: Any, width: int) -> HostArray:
        """Return `_BATCHES` mini-batches (number, clients, b) of the monitor's own."""
        drawn = [
            Stream(_EXPERIMENT, iteration, client).generator(0).integers(0, int(size), size=(_BATCHES, width))
            for client, size in enumerate(sizes)
        ]
        return np.stack(drawn, axis=1)

    def _descent(self, before: State, after: State) -> dict[str, HostArray]:
        lagrangian, lyapunov = descent.values(self._problem, self._method, after)
        lost, constant = descent.fall(self._problem, self._method, before, after)
        figures = {"lagrangian": lagrangian, "lyapunov": lyapunov, "fall": lost, "decrease_constant": constant}
        figures["certified_constant"] = np.full(lost.shape, self._certified)
        if self._certificate is not None:
            figures["certificate_margin"] = np.atleast_1d(to_numpy(self._certificate(before, after)))
        for name in ("local", "consensus", "aggregate"):
            residual = getattr(residuals, f"{name}_residual")
            figures[name] = np.atleast_1d(to_numpy(residual(self._problem, after)))
        return figures

    def _metric(self, before: State, after: State) -> dict[str, HostArray]:
        form = getattr(after.preconditioner, "form", None)
        figures: dict[str, HostArray] = {"metric_fall": self._memory["fall"]} if "fall" in self._memory else {}
        if form is not None:
            least, largest = metric.eigenvalue_bounds(form, len(self._names))
            bound = np.full(least.shape, self._judge.limits.metric)
            figures |= {"metric_least": least, "metric_largest": largest, "metric_bound": bound}
        replaces = getattr(getattr(self._method, "preconditioner", None), "replaces_gradient", False)
        if replaces and self._absence.sees_all:
            found = metric.sandwich(self._method, before, after, self._seen(before, after))
            if found is not None:
                figures |= {"same_sign": found[0], "sandwiched": found[1]}
        return figures

    def _seen(self, before: State, after: State) -> Any:
        """Return the gradients that the round between the two states took: their batches are drawn again."""
        shared = before.shared if self._method.first == "client" else after.shared
        if isinstance(self._rule, Full):
            return self._problem.client_grad(shared)
        names = self._names if self._host.replicated else self._names[0]
        indices = draw_batch(
            self._rule, self._problem, names, experiment=self._experiment, number=int(before.iteration)
        )
        return self._problem.client_grad(shared, index_like(np.asarray(indices), shared))

    def _spread(self, iteration: int, figures: Mapping[str, HostArray]) -> list[dict[str, Any]]:
        return [
            {"iteration": iteration, "seed": seed}
            | {name: float(figures[name][place]) if name in figures else math.nan for name in STATEMENTS}
            for place, seed in enumerate(self._names)
        ]


def _chosen(every: int | Iterable[int]) -> Callable[[int], bool]:
    if isinstance(every, int | np.integer):
        stride = whole("every", every, at_least=1)
        return lambda iteration: iteration % stride == 0
    rounds = {whole("every", iteration) for iteration in every}
    return lambda iteration: iteration in rounds


def _steepest(*found: lipschitz.Approach) -> dict[str, HostArray]:
    """Return the figures of the client and segment whose quotient grows most, (replicates,)."""
    joined = lipschitz.Approach(*(np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True)))
    growth = np.where(np.isnan(joined.growth), -np.inf, joined.growth)
    place = np.argmax(growth, axis=-1)[:, None]
    first, last, distance = (np.take_along_axis(x, place, axis=-1)[:, 0] for x in joined[:3])
    return {
        "quotient_growth": np.take_along_axis(joined.growth, place, axis=-1)[:, 0],
        "quotient_first": first,
        "quotient_last": last,
        "quotient_distance": distance,
        "lipschitz_fine": np.max(joined.largest, axis=-1),
    }


__all__ = ["STATEMENTS", "Hypothesis", "Monitor"]
