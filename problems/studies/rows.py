"""Rows of a data set made ready for a study: classes chosen or joined, images shrunk, columns standardised."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from pisa_lab._checks import whole
from problems.datasets import Dataset

Table = np.ndarray[Any, Any]


class Split(NamedTuple):
    """Training, validation and test rows with their labels, and the number of classes."""

    train_x: Table
    train_y: Table
    validation_x: Table
    validation_y: Table
    test_x: Table
    test_y: Table
    classes: int


def split_rows(dataset: Dataset, settings: Mapping[str, Any]) -> Split:
    """Return the rows of ``dataset`` as ``settings`` want them.

    ``classes`` keeps those classes alone and numbers them 0, 1, …; ``positive`` makes ±1 of the labels, +1 for the
    classes it lists; ``pool`` averages square images over blocks of that side; ``most_rows`` keeps the first so many
    training rows. Columns are standardised by the training rows, and a column of ones is appended, except for a9a,
    whose columns are indicators already.

    Raises:
        ValueError: settings that do not fit the data.
    """
    parts = [
        (dataset.train_x, dataset.train_y),
        (dataset.validation_x, dataset.validation_y),
        (dataset.test_x, dataset.test_y),
    ]
    for name in ("classes", "positive"):
        if name in settings:
            _check_labels(name, settings[name], dataset)
    if "classes" in settings:
        parts = [_chosen(x, y, settings["classes"]) for x, y in parts]
    if "positive" in settings:
        parts = [(x, np.where(np.isin(y, settings["positive"]), 1.0, -1.0)) for x, y in parts]
    if "pool" in settings:
        parts = [(_pooled(x, whole("pool", settings["pool"], at_least=1)), y) for x, y in parts]
    if "most_rows" in settings:
        most = whole("most_rows", settings["most_rows"], at_least=2)
        parts[0] = (parts[0][0][:most], parts[0][1][:most])
    tables = [x for x, _ in parts] if dataset.name == "a9a" else _standardised([x for x, _ in parts])
    labels = [y for _, y in parts]
    if len(np.unique(labels[0])) < 2 and dataset.task != "regression":
        raise ValueError("classes: the training rows hold one class only")
    return Split(tables[0], labels[0], tables[1], labels[1], tables[2], labels[2], _classes(dataset, settings))


def _check_labels(name: str, value: Any, dataset: Dataset) -> None:
    """Refuse what is no list of labels of ``dataset``, numbered as it numbers them."""
    labels = np.unique(dataset.train_y).tolist()
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ValueError(f"{name}: {value!r} must be a list of labels")
    for label in value:
        if isinstance(label, bool) or label not in labels:
            known = ", ".join(f"{own:g}" for own in labels[:20])
            raise ValueError(f"{name}: {label!r} is not among the labels, {known}{' …' if len(labels) > 20 else ''}")


def _classes(dataset: Dataset, settings: Mapping[str, Any]) -> int:
    return len(settings["classes"]) if "classes" in settings else len(dataset.class_names)


def _chosen(x: Table, y: Table, classes: Sequence[int]) -> tuple[Table, Table]:
    kept = np.isin(y, classes)
    return x[kept], np.searchsorted(np.sort(classes), y[kept])


def _pooled(x: Table, side: int) -> Table:
    length = round(x.shape[1] ** 0.5)
    if length * length != x.shape[1] or length % side:
        raise ValueError(f"pool: {side} does not divide square images of {x.shape[1]} pixels")
    blocks = x.reshape(len(x), length // side, side, length // side, side)
    return np.asarray(blocks.mean(axis=(2, 4)).reshape(len(x), -1))


def _standardised(tables: Sequence[Table]) -> list[Table]:
    """Return the tables without columns constant in the first, standardised by it, with a column of ones."""
    mean, deviation = tables[0].mean(axis=0), tables[0].std(axis=0)
    kept = deviation > 1e-12 * (1 + np.abs(mean))
    return [np.column_stack([((x - mean) / np.where(kept, deviation, 1.0))[:, kept], np.ones(len(x))]) for x in tables]
