r"""Seeded partitions of rows over clients, and how heterogeneous a problem on them is, measured."""

import dataclasses
import math
from typing import Any

import numpy as np

from pisa_lab._array import Array, client_sum, like, namespace, squared_norm, to_numpy
from pisa_lab._checks import finite, whole
from pisa_lab.problem import clients as client_count
from pisa_lab.problem import heterogeneity as gradient_spread
from problems.partition_rules import KINDS, PARTITIONS, Request, label_array, parsed

__all__ = [
    "KINDS",
    "PARTITIONS",
    "Heterogeneity",
    "Partition",
    "apply",
    "classes",
    "curvature_spread",
    "label_distance",
    "measure",
    "partition",
]

HostArray = np.ndarray[Any, Any]
QUANTILES = 10
"""Bins of real labels, each treated as one label."""
_POWER_STEPS = 30


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Partition:
    """Row numbers per client, sorted; each row is in exactly one of ``parts`` unless ``overlapping``.

    ``feature_noise`` is the variance that `apply` adds to the features of every client, or None.
    """

    spec: str
    parts: tuple[HostArray, ...]
    rows: int
    seed: int
    overlapping: bool = False
    feature_noise: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        seen = np.bincount(np.concatenate(self.parts), minlength=self.rows)
        if seen.size != self.rows or np.any(seen < 1) or (not self.overlapping and np.any(seen > 1)):
            raise ValueError(f"parts: they do not cover rows 0 … {self.rows - 1} exactly once each")

    @property
    def sizes(self) -> tuple[int, ...]:
        """|D_i|."""
        return tuple(part.size for part in self.parts)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Heterogeneity:
    r"""How far the clients of a problem are apart at one point.

    ``gradient`` is $\zeta^2 = \sum_i\alpha_i\|\nabla F_i - \nabla F\|^2$. ``curvature`` is a lower bound of
    $\max_i\|\nabla^2F_i - \nabla^2F\|_2$ by power iteration, None where the problem has no hvp. ``imbalance`` is
    $m\max_i\alpha_i$, 1 for equal clients. ``label_distance`` is `label_distance`, None without a partition.
    """

    gradient: float
    curvature: float | None
    imbalance: float
    label_distance: float | None


def partition(
    spec: str, y: Any, clients: int, *, seed: int, features: Any = None, minimum_rows: int | None = None
) -> Partition:
    """Return the partition ``spec`` (a row of `PARTITIONS`) of the rows labelled ``y`` over ``clients``.

    Args:
        spec: a kind, with its argument after a colon: "iid", "label:2", "dirichlet:0.5".
        y: labels; integers, words and few whole floats are classes, other floats are cut into 10 quantile bins.
        clients: m.
        seed: the same spec, labels, clients and seed give the same partition.
        features: X, which only "shifted" looks at.
        minimum_rows: rows that every client must get from "dirichlet" and "quantity"; by default 10 as in
            NIID-Bench, or a quarter of an equal share where that is less, at least 1.

    Raises:
        ValueError: an unknown spec or an argument outside its domain, fewer rows than clients, a label that no
            client could hold, or no draw with the minimum of rows in 1,000.
    """
    rule, argument = parsed(spec)
    count, labels = whole("clients", clients, at_least=1), classes(y)
    if count > labels.size:
        raise ValueError(f"clients: {count} for {labels.size} rows, each needs one")
    share = labels.size // count
    least = max(1, min(10, share // 4)) if minimum_rows is None else whole("minimum_rows", minimum_rows, at_least=1)
    if least > share:
        raise ValueError(f"minimum_rows: {least} for each of {count} clients, there are {labels.size} rows")
    table = None if features is None else finite("features", features)
    if table is not None and table.shape[:1] != labels.shape:
        raise ValueError(f"features: {table.shape[0]} rows for {labels.size} labels")
    rng = np.random.default_rng((whole("seed", seed), KINDS.index(rule.kind)))
    parts = rule.draw(Request(labels, count, argument, least, table, rng))
    noisy = rule.kind == "noise"
    return Partition(
        spec=spec,
        parts=tuple(np.sort(part).astype(np.int64) for part in parts),
        rows=labels.size,
        seed=seed,
        overlapping=rule.kind == "identical",
        feature_noise=tuple(argument * (i + 1) / count for i in range(count)) if noisy else None,
    )


def classes(y: Any) -> HostArray:
    """Return ``y`` as class numbers 0, 1, …: as it is, or by quantile bins of real labels.

    Floats count as classes when they are whole and as few as one for ten rows, or 20. Equal values share a bin.

    Raises:
        ValueError: the labels are no one sequence, one is missing, or they are of several kinds.
    """
    labels = label_array(y)
    if labels.ndim != 1 or labels.size == 0:
        raise ValueError(f"y: shape {labels.shape} must be (rows,) with at least one row")
    if labels.dtype.kind == "f":
        labels = finite("y", labels)
        distinct = np.unique(labels)
        if distinct.size > max(20, labels.size // 10) or np.any(distinct % 1 != 0):
            cuts = np.quantile(labels, np.arange(1, QUANTILES) / QUANTILES)
            labels = np.searchsorted(cuts, labels, side="right")
    return np.unique(labels, return_inverse=True)[1]


def apply(split: Partition, X: Any) -> HostArray:
    r"""Return the features to use: ``X`` itself, or with $N(0, S(i+1)/m)$ added to the rows of client i (0-based).

    Raises:
        ValueError: another number of rows than the partition has.
    """
    table = finite("X", X)
    if table.shape[:1] != (split.rows,):
        raise ValueError(f"X: shape {table.shape} must have the partition's {split.rows} rows")
    if split.feature_noise is None:
        return table
    deviation = np.empty(split.rows)
    for part, variance in zip(split.parts, split.feature_noise, strict=True):
        deviation[part] = math.sqrt(variance)
    # Another stream than the partition's own, so that the noise does not depend on how the rows were drawn.
    noise = np.random.default_rng((split.seed, len(KINDS))).standard_normal(table.shape)
    return np.asarray(table + deviation.reshape(-1, *(1,) * (table.ndim - 1)) * noise)


def label_distance(split: Partition, y: Any) -> float:
    r"""Return $\frac1m\sum_i\frac12\|p_i - p\|_1$, the clients' mean total variation from the label frequencies p."""
    labels = classes(y)
    count = int(labels.max()) + 1
    overall = np.bincount(labels, minlength=count) / labels.size
    own = [np.bincount(labels[part], minlength=count) / part.size for part in split.parts]
    return float(np.mean([np.abs(frequencies - overall).sum() / 2 for frequencies in own]))


def measure(problem: Any, w: Array, *, split: Partition | None = None, y: Any = None) -> Heterogeneity:
    """Return how heterogeneous ``problem`` is at ``w`` (*shape); ``split`` with its labels ``y`` adds theirs."""
    if (split is None) != (y is None):
        raise ValueError("y: the labels and their partition `split` belong together; give both or neither")
    return Heterogeneity(
        gradient=float(gradient_spread(problem, w)),
        curvature=curvature_spread(problem, w) if hasattr(problem, "hvp") else None,
        imbalance=client_count(problem) * float(to_numpy(problem.weights).max()),
        label_distance=None if split is None else label_distance(split, y),
    )


def curvature_spread(problem: Any, w: Array, *, steps: int = _POWER_STEPS, seed: int = 0) -> float:
    r"""Return a lower bound of $\max_i\|D_i\|_2$, $D_i = \nabla^2F_i(w) - \nabla^2F(w)$, by power iteration.

    It is a bound after any number of ``steps`` and tight as they grow; $m^2$ Hessian products each.
    """
    xp, count = namespace(w), client_count(problem)
    start = np.random.default_rng(seed).standard_normal((count, *w.shape))
    vectors, points = like(start, w), xp.reshape(w, (1, 1, *w.shape))
    own = like(np.eye(count).reshape((count, count, *(1,) * w.ndim)), w)
    best = 0.0
    for _ in range(whole("steps", steps, at_least=1)):
        lengths = xp.sqrt(squared_norm(vectors, 1))
        lengths = xp.where(lengths > 0, lengths, xp.ones_like(lengths))
        vectors = vectors / xp.reshape(lengths, (count, *(1,) * w.ndim))
        # Entry (i, j) is ∇²F_j v_i: the first axis is a batch of points, the second the clients.
        products = problem.hvp(points, xp.expand_dims(vectors, axis=1))
        vectors = xp.sum(own * products, axis=1) - client_sum(problem.weights, products, 1)
        best = max(best, float(xp.max(xp.sqrt(squared_norm(vectors, 1)))))
    return best
