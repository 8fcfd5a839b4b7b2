"""METRICS: what the server's step may divide by, one row each, and the server's Newton–Schulz."""

import dataclasses
from collections.abc import Callable
from typing import Any

from pisa_lab._checks import row_named
from pisa_lab.metrics.metric import Aggregate, Metric, MetricState, ServerStep, aggregate
from pisa_lab.metrics.rules import AdaGradNorm, Fixed, Secant
from pisa_lab.metrics.spectral import SpectralDescent, SpectralState
from pisa_lab.preconditioners import HessianDiagonal, Nondecreasing, SecondMoment

__all__ = [
    "METRICS",
    "AdaGradNorm",
    "Aggregate",
    "Fixed",
    "Metric",
    "MetricRow",
    "MetricState",
    "Secant",
    "ServerStep",
    "SpectralDescent",
    "SpectralState",
    "aggregate",
    "by_name",
]


@dataclasses.dataclass(frozen=True)
class MetricRow:
    """One metric: its name, how it is built for a problem, and what it is."""

    name: str
    build: Callable[[Any], ServerStep]
    summary: str


def _layers(problem: Any) -> Metric:
    blocks = getattr(problem, "blocks", None) or (("w", tuple(problem.initial.shape)),)
    return Metric(AdaGradNorm("layer", blocks), order="mixed")


def _curvature(problem: Any) -> Metric:
    return Metric(HessianDiagonal(parameter_axes=problem.initial.ndim))


def _spectral(scale: str) -> Callable[[Any], SpectralDescent]:
    return lambda problem: SpectralDescent(scale, blocks=getattr(problem, "blocks", None))


METRICS = (
    MetricRow("ema", lambda problem: Metric(SecondMoment("III")), "Adam's: root of a bias-corrected average of G²"),
    MetricRow(
        "ema-past", lambda problem: Metric(SecondMoment("III"), order="past"), "the same of the gradients before this"
    ),
    MetricRow("max", lambda problem: Metric(Nondecreasing(SecondMoment("III"))), "the largest of ema's so far"),
    MetricRow(
        "max-uncorrected",
        lambda problem: Metric(Nondecreasing(SecondMoment("II"))),
        "AMSGrad's: the same without bias correction, whose first steps are long",
    ),
    MetricRow("adagrad", lambda problem: Metric(SecondMoment("I")), "AdaGrad's: root of the sum of G²"),
    MetricRow(
        "adagrad-coordinate",
        lambda problem: Metric(AdaGradNorm("coordinate"), order="mixed"),
        "roots of sums by coordinate: N4's; leaps where a coordinate is seen late",
    ),
    MetricRow("adagrad-layer", _layers, "one root of sums for each layer"),
    MetricRow("adagrad-norm", lambda problem: Metric(AdaGradNorm(), order="mixed"), "one root of sums: no L to know"),
    MetricRow("secant", lambda problem: Metric(Secant(), order="past"), "κ₀k^a times secants of past batches: N5's"),
    MetricRow("hessian-diagonal", _curvature, "the Hessian's diagonal where positive"),
    MetricRow("spectral", _spectral("constant"), "Newton–Schulz on the server: Muon's step on the aggregate"),
    MetricRow("spectral-nuclear", _spectral("nuclear"), "Newton–Schulz on the server: steepest descent"),
    MetricRow("spectral-clipped", _spectral("clipped"), "Newton–Schulz on the server: steepest descent, clipped"),
)
"""The metrics a command line can name; adding a row adds its conformance tests."""


def by_name(name: str) -> MetricRow:
    """Return the row called ``name``.

    Raises:
        ValueError: there is none; the message lists all.
    """
    return row_named("metric", name, METRICS)
