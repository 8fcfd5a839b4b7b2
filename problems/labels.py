"""What labels are: two classes, several, or numbers; and how each is written for the families."""

from typing import Any

import numpy as np

from pisa_lab._checks import choice, finite

HostArray = np.ndarray[Any, Any]
TASKS = ("binary", "multiclass", "regression")
_MOST_CLASSES = 20
"""A label column of numbers with more distinct values than this is read as regression, unless a family says more."""
_LEAST_OF_A_CLASS = 3
"""Rows of a class on average; numbers with fewer are a quantity, which only ``task`` itself makes classes."""


def task_of(labels: HostArray) -> str:
    """Return the task that ``labels`` alone suggest: two values, words and few whole numbers are classes."""
    distinct = np.unique(labels)
    if distinct.size <= 2:
        return "binary"
    is_name = labels.dtype.kind in "US"
    return "multiclass" if is_name or (distinct.size <= _MOST_CLASSES and np.all(distinct % 1 == 0)) else "regression"


def read_as(labels: HostArray, wanted: Any) -> str:
    """Return ``wanted``, or what the labels are where they are too many for it, fractions, or hardly recur.

    Raises:
        ValueError: words where a regression is wanted.
    """
    distinct, is_name = np.unique(labels), labels.dtype.kind in "US"
    if choice("wanted", wanted, TASKS) == "regression":
        if is_name:
            raise ValueError(f"y: words such as {str(labels[0])!r}; a regression takes numbers")
        return str(wanted)
    if distinct.size <= 2:
        return str(wanted)
    recurs = is_name or bool(np.all(distinct % 1 == 0) and _LEAST_OF_A_CLASS * distinct.size <= labels.size)
    return "multiclass" if recurs else task_of(labels)


def coded_labels(labels: HostArray, task: str, names: tuple[Any, ...]) -> HostArray:
    """Return ``labels`` as ±1, as 0…K−1 in the order of ``names``, or as they are."""
    if task == "regression":
        return finite("y", labels).astype(float)
    if len(names) < 2:
        raise ValueError(
            f"y: labels of one class only ({', '.join(map(str, names)) or 'none'}), classification needs two"
        )
    if task == "binary" and len(names) > 2:
        raise ValueError(f"y: {len(names)} classes where task='binary' has two")
    place = np.minimum(np.searchsorted(np.asarray(names), labels), len(names) - 1)
    unseen = np.flatnonzero(np.asarray(names)[place] != labels)
    if unseen.size:
        raise ValueError(f"test: label {labels[unseen[0]]!s} is not among those of the training part")
    return 2.0 * place - 1.0 if task == "binary" else place.astype(np.int64)
