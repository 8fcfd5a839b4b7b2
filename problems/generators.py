"""Seeded data for the families made of samples; clients differ as much as they are told to."""

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from pisa_lab._checks import choice, real, whole
from problems.base import HostArray
from problems.bilinear import Completion, Factorisation, completion, factorisation
from problems.linear import LinearModel, phase_retrieval

TASKS = ("binary", "multiclass", "regression")


class Samples(NamedTuple):
    """Data for a constructor: ``logistic(*synthetic("binary"))``; X (n, p), y (n,), row numbers of every client."""

    X: HostArray
    y: HostArray
    parts: tuple[HostArray, ...]


def synthetic(
    task: str,
    seed: int = 0,
    *,
    clients: int = 4,
    samples: int | Sequence[int] = 10,
    dimension: int = 6,
    classes: int = 3,
    spread: float = 0.5,
    noise: float = 0.1,
    decay: float = 0.5,
) -> Samples:
    r"""Return data of a linear model per client.

    With $z = \langle x, u + \text{spread}\,u_i\rangle + \text{noise}\,\varepsilon$, y is z ("regression"), its sign
    ("binary") or the place of the largest of C such numbers ("multiclass"). $x_k$ is normal with standard deviation
    $k^{-\text{decay}}$, around a mean that is the client's own, of size ``spread``.

    Args:
        task: one of `TASKS`.
        seed: of all the draws.
        clients: m.
        samples: n_i, one number for all or one per client.
        dimension: p.
        classes: C of "multiclass"; every label below C occurs.
        spread: of models and of feature means between clients; 0 draws all clients alike.
        noise: on z.
        decay: of the features' scales, which sets the condition number.

    Raises:
        ValueError: a number outside its domain, or fewer samples than classes.
    """
    kind, rng = choice("task", task, TASKS), np.random.default_rng(whole("seed", seed))
    counts = _counts(samples, whole("clients", clients, at_least=1))
    p = whole("dimension", dimension, at_least=1)
    columns = whole("classes", classes, at_least=2) if kind == "multiclass" else 1
    apart, loud = real("spread", spread, at_least=0.0), real("noise", noise, at_least=0.0)
    scale = np.arange(1, p + 1) ** -real("decay", decay, at_least=0.0)
    owner = np.repeat(np.arange(len(counts)), counts)
    common, own = rng.normal(size=(p, columns)), apart * rng.normal(size=(len(counts), p, columns))
    means = apart * rng.normal(size=(len(counts), p))
    X = (rng.normal(size=(owner.size, p)) + means[owner]) * scale
    z = np.einsum("np,npc->nc", X, common + own[owner]) + loud * rng.normal(size=(owner.size, columns))
    y = _labels(kind, z)
    if kind == "multiclass":
        y = _all_present(y, columns, rng)
    return Samples(X, y, tuple(np.split(np.arange(owner.size), np.cumsum(counts)[:-1])))


def planted_phases(
    seed: int = 0,
    *,
    clients: int = 4,
    samples: int | Sequence[int] = 12,
    dimension: int = 4,
    noise: float = 0.0,
    ridge: float = 0.0,
) -> LinearModel:
    r"""Return phase retrieval of a hidden signal from $y = \langle x, w^*\rangle^2$ plus noise.

    w* is the minimiser where both ``noise`` and ``ridge`` are 0.

    Raises:
        ValueError: a number outside its domain.
    """
    rng = np.random.default_rng(whole("seed", seed))
    counts = _counts(samples, whole("clients", clients, at_least=1))
    hidden = rng.normal(size=whole("dimension", dimension, at_least=1))
    X = rng.normal(size=(sum(counts), hidden.size))
    y = (X @ hidden) ** 2 + real("noise", noise, at_least=0.0) * rng.normal(size=sum(counts))
    parts = np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])
    problem = phase_retrieval(X, y, parts, ridge=ridge, initial=rng.normal(size=hidden.size))
    return problem if noise or ridge else dataclasses.replace(problem, minimiser=hidden, optimum=0.0)


def planted_factors(
    seed: int = 0,
    *,
    clients: int = 4,
    shape: tuple[int, int] = (5, 4),
    rank: int = 2,
    spread: float = 0.5,
    ridge: float = 0.0,
) -> Factorisation:
    """Return the factorisation of a hidden matrix of ``rank``, seen by each client with noise of size ``spread``.

    Raises:
        ValueError: a number outside its domain.
    """
    rng = np.random.default_rng(whole("seed", seed))
    count = whole("clients", clients, at_least=1)
    left, right = _hidden(rng, shape, rank)
    noise = real("spread", spread, at_least=0.0) * rng.normal(size=(count, *shape))
    return factorisation(left @ right.T + noise, rank=rank, ridge=ridge, initial=rng.normal(size=sum(shape) * rank))


def planted_completion(
    seed: int = 0,
    *,
    clients: int = 4,
    shape: tuple[int, int] = (6, 5),
    rank: int = 2,
    observed: float = 0.8,
    noise: float = 0.0,
    ridge: float = 0.0,
) -> Completion:
    """Return the completion of a hidden matrix from a share ``observed`` of its entries, dealt to clients at random.

    The hidden factors are the minimiser where both ``noise`` and ``ridge`` are 0.

    Raises:
        ValueError: a number outside its domain, or more clients than observed entries.
    """
    rng = np.random.default_rng(whole("seed", seed))
    left, right = _hidden(rng, shape, rank)
    total = round(real("observed", observed, above=0.0, at_most=1.0) * shape[0] * shape[1])
    if whole("clients", clients, at_least=1) > total:
        raise ValueError(f"clients: {clients} for {total} observed entries; at most one client per entry")
    chosen = rng.permutation(shape[0] * shape[1])[:total]
    entries = np.stack(np.divmod(chosen, shape[1]), axis=1)
    y = (left @ right.T).ravel()[chosen] + real("noise", noise, at_least=0.0) * rng.normal(size=total)
    parts = np.array_split(np.arange(total), clients)
    begin = rng.normal(size=sum(shape) * rank)
    problem = completion(entries, y, parts, shape=shape, rank=rank, ridge=ridge, initial=begin)
    if noise or ridge:
        return problem
    return dataclasses.replace(problem, minimiser=np.concatenate([left.ravel(), right.ravel()]), optimum=0.0)


def _counts(samples: Any, clients: int) -> tuple[int, ...]:
    counts = (samples,) * clients if isinstance(samples, int) else tuple(samples)
    if len(counts) != clients:
        raise ValueError(f"samples: {len(counts)} of them for {clients} clients")
    return tuple(whole("samples", count, at_least=1) for count in counts)


def _labels(task: str, z: HostArray) -> HostArray:
    if task == "multiclass":
        return np.asarray(np.argmax(z, axis=1), dtype=np.float64)
    return np.asarray(np.where(z[:, 0] >= 0, 1.0, -1.0) if task == "binary" else z[:, 0])


def _all_present(y: HostArray, classes: int, rng: np.random.Generator) -> HostArray:
    """Relabel a random row for every class that no sample has."""
    if y.size < classes:
        raise ValueError(f"samples: {y.size} in all for {classes} classes")
    for label in range(classes):
        if not np.any(y == label):
            spare = np.flatnonzero(np.bincount(y.astype(np.int64), minlength=classes)[y.astype(np.int64)] > 1)
            y = np.where(np.arange(y.size) == rng.choice(spare), float(label), y)
    return y


def _hidden(rng: np.random.Generator, shape: Any, rank: Any) -> tuple[HostArray, HostArray]:
    height, width = (whole("shape", side, at_least=1) for side in shape)
    count = whole("rank", rank, at_least=1)
    return rng.normal(size=(height, count)), rng.normal(size=(width, count))
