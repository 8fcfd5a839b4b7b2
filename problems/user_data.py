"""Checks of the data that a user brings, and their arrangement by client."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pisa_lab._checks import finite, real, whole
from problems.base import HostArray, client_weights


def arranged(X: Any, y: Any, parts: Sequence[Any] | None, weights: Any, ridge: Any, local_ridge: Any) -> dict[str, Any]:
    """Return the fields that every `FiniteSum` is built from, checked; α_i = |D_i|/|D| unless ``weights`` are given.

    Raises:
        ValueError: X is not (n, p) or not finite, an empty client, an index outside 0 … n−1, bad weights or ridges.
    """
    table = points(X)
    if len(y) != table.shape[0]:
        raise ValueError(f"y: {len(y)} entries for {table.shape[0]} rows of X")
    members = [np.arange(table.shape[0])] if parts is None else [indices(part, table.shape[0]) for part in parts]
    if not members:
        raise ValueError("parts: empty; one array of row numbers per client")
    counts = tuple(len(part) for part in members)
    chosen = np.stack([np.pad(part, (0, max(counts) - len(part)), constant_values=part[0]) for part in members])
    size = np.asarray(counts, dtype=np.float64)
    return {
        "features": table[chosen],
        "targets": np.asarray(y, dtype=np.float64)[chosen],
        "shares": (np.arange(max(counts)) < size[:, None]) / size[:, None],
        "counts": counts,
        "weights": client_weights(size / size.sum() if weights is None else weights, len(counts)),
        "ridge": real("ridge", ridge, at_least=0.0),
        "local_ridge": real("local_ridge", local_ridge, at_least=0.0),
    }


def points(X: Any) -> HostArray:
    """Return X as finite float64 (n, p) with n, p ≥ 1."""
    table = finite("X", X).astype(np.float64, copy=False)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(f"X: shape {table.shape} must be (samples, features), neither of them 0")
    return table


def indices(part: Any, rows: int) -> HostArray:
    """Return one client's row numbers after checking that there are some, all 0 … rows−1 and none twice."""
    array = np.asarray(part)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"parts: a client with shape {array.shape}; every client needs a vector of at least one row number"
        )
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= rows:
        raise ValueError(f"parts: row numbers must be whole, from 0 to {rows - 1}")
    values, counts = np.unique(array, return_counts=True)
    if counts.max() > 1:
        raise ValueError(f"parts: a client holds row {values[counts.argmax()]} more than once")
    return array


def real_targets(y: Any) -> HostArray:
    """Return y as finite float64 (n,)."""
    target = finite("y", y).astype(np.float64)
    if target.ndim != 1:
        raise ValueError(f"y: shape {target.shape} must be (samples,)")
    return target


def signs(y: Any) -> HostArray:
    """Return labels −1 and +1 as float64.

    Raises:
        ValueError: other labels; the message names the family that fits them.
    """
    labels = real_targets(y)
    distinct = np.unique(labels)
    if np.all(np.isin(distinct, (-1.0, 1.0))):
        return labels
    if np.any(distinct != np.round(distinct)):
        raise ValueError("y: real values, but this family is binary; a regression such as 'least-squares' fits")
    if distinct.size > 2:
        raise ValueError(f"y: {distinct.size} classes, but this family is binary; 'softmax' fits")
    raise ValueError(f"y: labels {distinct.tolist()} must be -1 and +1")


def one_hot(y: Any, classes: Any = None) -> HostArray:
    """Return labels 0 … C−1 as rows of the unit matrix, (n, C).

    Raises:
        ValueError: other labels; the message names the family that fits them.
    """
    labels = real_targets(y)
    if np.any(labels != np.round(labels)):
        raise ValueError("y: real values, but this family takes classes; a regression such as 'least-squares' fits")
    if np.all(np.isin(labels, (-1.0, 1.0))) and np.any(labels < 0):
        raise ValueError("y: labels -1 and +1; 'logistic' fits, or number the classes 0, 1")
    if labels.min() < 0:
        raise ValueError(f"y: label {labels.min():g} must be >= 0")
    count = int(labels.max()) + 1 if classes is None else whole("classes", classes, at_least=1)
    if labels.max() >= count:
        raise ValueError(f"y: label {labels.max():g} must be below classes = {count}")
    return np.eye(count)[labels.astype(np.int64)]
