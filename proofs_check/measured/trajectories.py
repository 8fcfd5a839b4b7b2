"""What the checks read off a run: its states, gradients on the way, fitted rates, figures."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab.loop import Run, run
from pisa_lab.method import Method
from pisa_lab.problem import Problem
from proofs_check.claim import Claim, Evidence, Verdict, judge
from proofs_check.measured.instances import Array, Instance

TINY = 1e-17
"""Below this an error of a quotient of float64 numbers is no smaller, only luckier."""


def states_of(method: Method, problem: Problem, *, steps: int, **settings: Any) -> list[Any]:
    """Return the states of a run, the first one included: steps + 1 of them, or fewer if it becomes non-finite."""
    states: list[Any] = []

    def keep(before: Any, after: Any) -> None:
        states.extend([after] if states else [before, after])

    run(method, problem, steps=steps, measures=(), every=max(steps, 1), callback=keep, **settings)
    return states


def norms_of(method: Method, problem: Problem, *, steps: int, every: Any = 1, **settings: Any) -> Array:
    r"""Return $\|\nabla F_\lambda(w^\ell)\|$ for $\ell = 0, …,$ steps, (records[, replicates])."""
    result = run(method, problem, steps=steps, measures=("stationarity",), every=every, **settings)
    return series(result, "stationarity")


def series(result: Run, name: str) -> Array:
    """Return a recorded measure as floats."""
    return np.asarray(result.history[name], dtype=float)


def relative(found: Array, wanted: Array) -> float:
    """Return max |found − wanted| over max |wanted|, or over 1 where all is zero."""
    scale = float(np.max(np.abs(wanted)))
    return float(np.max(np.abs(found - wanted))) / (scale or 1.0)


def digits_to_spare(error: float, tolerance: float) -> float:
    """Return log10(tolerance/error), the margin of an identity: 2 means a hundredfold below the tolerance."""
    return float(np.log10(tolerance / max(error, TINY)))


def geometric_rate(values: Sequence[float] | Array) -> float:
    r"""Return $q$ of the least-squares fit $\log y_\ell \approx a + \ell\log q$."""
    logs = np.log(np.asarray(values, dtype=float))
    return float(np.exp(np.polyfit(np.arange(logs.size), logs, 1)[0]))


def power_law(x: Sequence[float] | Array, y: Sequence[float] | Array) -> float:
    r"""Return $p$ of the least-squares fit $\log y \approx a + p\log x$."""
    return float(np.polyfit(np.log(np.asarray(x, dtype=float)), np.log(np.asarray(y, dtype=float)), 1)[0])


def curve(label: str, x: Iterable[float], y: Iterable[float], *, least: float = -np.inf) -> dict[str, Any]:
    """Return one curve of a figure without the points below ``least``, which say nothing but rounding."""
    points = [(a, b) for a, b in zip(_floats(x), _floats(y), strict=True) if b >= least]
    return {"label": label, "x": [a for a, _ in points], "y": [b for _, b in points]}


def _floats(values: Iterable[float]) -> list[float]:
    return [float(value) for value in values]


def figure(title: str, x_label: str, y_label: str, log: str, curves: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the data of a figure in the form of `Evidence.figure`."""
    return {"title": title, "x_label": x_label, "y_label": y_label, "log": log, "curves": list(curves)}


def holds(margin: float) -> float:
    """Return the margin of a control, cut at 1: whether it holds counts, not by how many digits of rounding."""
    return float(np.minimum(margin, 1.0))


def check_control(evidence: Evidence) -> Evidence:
    """Return the refutation, INCONCLUSIVE where its "control" is not at least 0."""
    control = float(evidence.numbers["control"]) if "control" in evidence.numbers else np.nan
    if control >= 0:
        return evidence
    detail = f"the control, which should hold, has margin {control:.3g} ({evidence.detail})"
    return dataclasses.replace(evidence, verdict=Verdict.INCONCLUSIVE, detail=detail)


Trial = Callable[[Instance], Mapping[str, Any]]


def measured_claim(
    name: str,
    statement: str,
    *,
    trial: Trial,
    instances: Callable[[int, str], Iterable[Instance]],
    detail: str,
    hypotheses: tuple[str, ...],
    expected: Verdict = Verdict.SUPPORTED,
    picture: Callable[[Instance], Mapping[str, Any]] | None = None,
    **fields: Any,
) -> Claim:
    """Return a measured claim.

    ``trial`` on every instance of (seed, effort), the worst kept and drawn by ``picture``. Where REFUTED is expected
    the trial also returns "control", the margin of the repaired counterpart on the same path of code: a statement is
    refuted only where that one holds, since a broken method fails at both.
    """

    def check(seed: int, effort: str) -> Evidence:
        evidence = judge(trial, instances(seed, effort), detail=detail)
        if evidence.verdict is Verdict.REFUTED is expected:
            evidence = check_control(evidence)
        drawn = picture(evidence.instance) if picture and evidence.instance else None
        return dataclasses.replace(evidence, figure=drawn)

    return Claim(
        name=name,
        statement=statement,
        hypotheses=hypotheses,
        expected=expected,
        check=check,
        trial=trial,
        kind="measured",
        **fields,
    )
