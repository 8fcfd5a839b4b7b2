"""Real data, split once and for all: scikit-learn's sets, a9a, LIBSVM, .csv and .npz files, own arrays."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pisa_lab._checks import choice, finite, real, whole
from problems import adult, data_files
from problems.labels import TASKS, coded_labels, read_as, task_of
from problems.partition_rules import label_array

TEST_SHARE = 0.25
_TEST_SEED = 20250214
"""Of the test rows of a set without a test part. The caller's seed would mix the runs' test rows."""


class Known(NamedTuple):
    """One row of the table of data sets; ``rows`` and ``features`` as delivered, all parts together."""

    name: str
    task: str
    rows: int
    features: int
    classes: int
    licence: str
    source: str


DATASETS = (
    Known(
        "digits",
        "multiclass",
        1797,
        64,
        10,
        "CC BY 4.0",
        "UCI, Optical Recognition of Handwritten Digits; in scikit-learn",
    ),
    Known(
        "breast-cancer",
        "binary",
        569,
        30,
        2,
        "CC BY 4.0",
        "UCI, Breast Cancer Wisconsin (Diagnostic); in scikit-learn",
    ),
    Known(
        "diabetes",
        "regression",
        442,
        10,
        0,
        "none stated",
        "Efron et al., Least Angle Regression, 2004; in scikit-learn",
    ),
    Known(
        "a9a",
        "binary",
        48842,
        123,
        2,
        "CC BY 4.0",
        "UCI, Adult (Becker, Kohavi, 1996, doi 10.24432/C5XW20), in LIBSVM's encoding; in problems/data",
    ),
)


_EMBEDDED = {"digits": "load_digits", "breast-cancer": "load_breast_cancer", "diabetes": "load_diabetes"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dataset:
    """Training, validation and test rows; the test rows are for one last look.

    ``…_x`` is (rows, features) float64; ``…_y`` is ±1 (binary), int64 0…K−1 (multiclass) or real.
    ``class_names`` are the labels as they were, in the order of the numbers; empty for regression.
    ``sha256`` is that of the file, uncompressed (of its training part), if any.
    """

    name: str
    task: str
    train_x: np.ndarray[Any, Any]
    train_y: np.ndarray[Any, Any]
    validation_x: np.ndarray[Any, Any]
    validation_y: np.ndarray[Any, Any]
    test_x: np.ndarray[Any, Any]
    test_y: np.ndarray[Any, Any]
    class_names: tuple[str, ...]
    source: str
    sha256: str | None = None


def load(
    name: str | Path,
    *,
    seed: int = 0,
    validation: float = 0.2,
    data_dir: str | Path | None = None,
    standardise: bool | None = None,
    intercept: bool = False,
    task: str | None = None,
    wanted: str | None = None,
) -> Dataset:
    """Return the data set called ``name`` (a row of `DATASETS`) or read from the file at that path.

    Args:
        name: "digits", "breast-cancer", "diabetes", "a9a", or a file: .csv or .tsv with the label in its last
            column, LIBSVM text (each also as .xz, .gz, .bz2), or .npz with X and y.
        seed: of the validation split; the test split has its own fixed seed, and a9a its own test part.
        validation: share of the training rows set aside, 0 for none.
        data_dir: where a9a is: a folder, or the file of its training part. Without it $PISA_LAB_DATA, the files
            shipped in ``problems/data``, the user's cache and a download are tried in this order.
        standardise: columns to mean 0 and variance 1 by the training rows; not by default for LIBSVM text,
            which is scaled as a rule.
        intercept: append a column of ones, which is never standardised.
        task: "binary", "multiclass" or "regression" for a file; by default ``wanted``, or read off its labels.
        wanted: the task of the family that the rows are for, as in `from_arrays`.

    Raises:
        ValueError: an unknown name, a missing or corrupt file, a wrong checksum, all of `from_arrays`.
    """
    known = {row.name: row for row in DATASETS}.get(str(name))
    if known is not None and task not in (None, known.task):
        raise ValueError(f"task: {task!r} for {known.name}, whose labels are {known.task}")
    if data_dir is not None and str(name) != "a9a":
        raise ValueError("data_dir: only a9a is looked for there; give a file's path as name")
    x, y, test, checksum = _raw(name, data_dir)
    ending = data_files.file_format(Path(name))
    is_text = str(name) == "a9a" or (known is None and ending not in (*data_files.SEPARATORS, ".npz"))
    return from_arrays(
        x,
        y,
        test=test,
        name=known.name if known else Path(name).name,
        task=known.task if known else task,
        wanted=wanted,
        seed=seed,
        validation=validation,
        standardise=not is_text if standardise is None else standardise,
        intercept=intercept,
        source=known.source if known else str(name),
        sha256=checksum,
    )


def _raw(name: str | Path, data_dir: str | Path | None) -> tuple[Any, Any, tuple[Any, Any] | None, str | None]:
    """Return (x, y, test part or None, checksum or None)."""
    text = str(name)
    if text == "a9a":
        x, y, test_x, test_y = adult.read(None if data_dir is None else Path(data_dir))
        return x, y, (test_x, test_y), adult.CHECKSUMS["a9a"]
    if text in _EMBEDDED:
        from sklearn import datasets as embedded  # a second to import

        bunch = getattr(embedded, _EMBEDDED[text])()
        names = bunch.get("target_names")
        return bunch.data, bunch.target if names is None else names[bunch.target], None, None
    if not Path(name).is_file():
        raise ValueError(f"name: {text!r} is no file and not one of {', '.join(row.name for row in DATASETS)}")
    x, y = data_files.read_table(Path(name))
    return x, y, None, data_files.sha256(data_files.contents(Path(name)))


def from_arrays(
    X: Any,
    y: Any,
    *,
    test: tuple[Any, Any] | None = None,
    name: str = "own arrays",
    task: str | None = None,
    wanted: str | None = None,
    seed: int = 0,
    validation: float = 0.2,
    standardise: bool = True,
    intercept: bool = False,
    source: str = "given",
    sha256: str | None = None,
) -> Dataset:
    """Return the data set of rows ``X`` with labels ``y``; without ``test`` (X, y) a quarter is set aside.

    The splits are stratified for classification, and every class keeps a row in the training part.

    Without ``task`` the labels are read as ``wanted``, the task of the family that they are for: numbers stay what they
    are for a regression, and are classes however many for "multiclass". Without both the labels decide: two values are
    binary, words and at most 20 whole numbers are classes, all else is regression.

    Raises:
        ValueError: NaN or infinity (with the row), lengths or widths that do not agree, labels of one class
            only or that do not fit ``task``, test labels never seen in training, too few rows for the splits.
    """
    rows, labels = _table(X, y)
    real("validation", validation, at_least=0.0, below=1.0)
    if task is None:
        task = task_of(labels) if wanted is None else read_as(labels, wanted)
    choice("task", task, TASKS)
    names = () if task == "regression" else tuple(np.unique(labels).tolist())
    coded = coded_labels(labels, task, names)
    if test is None:
        keep, last = _split(coded, TEST_SHARE, (_TEST_SEED, 0), task)
        rows, coded, test_x, test_y = rows[keep], coded[keep], rows[last], coded[last]
    else:
        test_x, raw = _table(*test)
        if raw.dtype.kind != labels.dtype.kind:
            raise ValueError(f"test: labels of type {raw.dtype} where the training part has {labels.dtype}")
        test_y = coded_labels(raw, task, names)
        if test_x.shape[1] != rows.shape[1]:
            raise ValueError(f"test: {test_x.shape[1]} features where the training part has {rows.shape[1]}")
    train, held = _split(coded, validation, (whole("seed", seed), 1), task)
    parts = _prepared((rows[train], rows[held], test_x), standardise, intercept)
    return Dataset(
        name=name,
        task=task,
        train_x=parts[0],
        train_y=coded[train],
        validation_x=parts[1],
        validation_y=coded[held],
        test_x=parts[2],
        test_y=test_y,
        class_names=tuple(f"{label:g}" if isinstance(label, float) else str(label) for label in names),
        source=source,
        sha256=sha256,
    )


def _table(X: Any, y: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    rows, labels = _numbers(X), label_array(y)
    if rows.dtype.kind not in "fiub" or rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(f"X: {rows.dtype} of shape {rows.shape} must be numbers of shape (rows, features)")
    rows = rows.astype(float)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if bad.size:
        raise ValueError(f"X: row {bad[0]} contains NaN or infinity ({bad.size} such rows, counted from 0)")
    if labels.shape != rows.shape[:1]:
        raise ValueError(f"y: shape {labels.shape} must be ({rows.shape[0]},), one label per row of X")
    if labels.dtype.kind not in "US":
        labels = finite("y", labels).astype(float)
    return rows, labels


def _numbers(X: Any) -> np.ndarray[Any, Any]:
    """Return ``X`` as an array; columns of numbers and truth values in a table of objects are numbers."""
    rows = np.asarray(X.detach().cpu() if hasattr(X, "detach") else X)
    if rows.dtype.kind != "O":
        return rows
    try:
        return rows.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"X: a table of objects, and not all of them numbers ({error})") from error


def _split(
    labels: np.ndarray[Any, Any], share: float, seed: tuple[int, int], task: str
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return sorted indices (kept, aside): of every class the rounded ``share``, but never its last row."""
    rng = np.random.default_rng(seed)
    strata = np.zeros(labels.size, dtype=int) if task == "regression" else np.unique(labels, return_inverse=True)[1]
    aside: list[int] = []
    for stratum in range(int(strata.max(initial=-1)) + 1):
        rows = rng.permutation(np.flatnonzero(strata == stratum))
        aside.extend(rows[: min(round(share * rows.size), rows.size - 1)])
    held = np.sort(np.asarray(aside, dtype=np.int64))
    kept = np.setdiff1d(np.arange(labels.size), held)
    if kept.size < 2 or (share > 0 and held.size == 0):
        raise ValueError(f"X: {labels.size} rows are too few to set {share:g} of them aside and keep two")
    return kept, held


def _prepared(parts: tuple[Any, ...], standardise: bool, intercept: bool) -> tuple[np.ndarray[Any, Any], ...]:
    """Return the parts standardised by the first; a constant column is only centred."""
    mean, deviation = parts[0].mean(axis=0), parts[0].std(axis=0)
    # A constant column has a deviation of a few roundings of its mean, not always 0.
    deviation = np.where(deviation <= 1e-12 * (1 + np.abs(mean)), 1.0, deviation)
    done = tuple((part - mean) / deviation if standardise else part.copy() for part in parts)
    return tuple(np.column_stack([part, np.ones(len(part))]) for part in done) if intercept else done
