"""The problem that a configuration means for one seed, with the rows held out of it."""

import dataclasses
from typing import Any

import numpy as np

from pisa_lab._array import to_numpy
from problems import datasets, heterogeneity, table, transforms
from problems.commands.configuration import Configuration, named
from problems.generators import synthetic

Table = np.ndarray[Any, Any]
SYNTHETIC = {"samples": 80, "dimension": 10}
"""Rows per client and features of data made from a seed; a quarter of each client's rows is the test part."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Instance:
    """A problem, what to call it, the label distance of its partition, and held-out rows by part: (X, y)."""

    problem: Any
    title: str
    task: str | None = None
    label_distance: float | None = None
    held_out: tuple[tuple[str, Table, Table], ...] = ()

    def scores(self, w: Any) -> dict[str, float]:
        """Return accuracy, or R² and root mean square error, at ``w`` on every part held out."""
        found: dict[str, float] = {}
        for part, x, y in self.held_out:
            if self.task == "regression":
                error = to_numpy(self.problem.predict(w, x)).astype(float) - y
                found[f"{part}_r2"] = 1 - float(np.sum(error**2) / np.sum((y - y.mean()) ** 2))
                found[f"{part}_rmse"] = float(np.sqrt(np.mean(error**2)))
            else:
                found[f"{part}_accuracy"] = float(to_numpy(self.problem.accuracy(w, x, y)))
        return found


def loaded(configuration: Configuration) -> datasets.Dataset | None:
    """Return the data set of ``configuration``; its validation split belongs to the first seed and is one for all.

    Raises:
        ValueError: the data cannot be read, or the family takes none.
    """
    with named({"name": "PROBLEM"}):
        family = table.by_name(configuration.problem)
    if configuration.data is None:
        if configuration.task is not None:
            raise ValueError("--task: says what the labels of --data are, which is not given")
        return None
    if family.kind != "data":
        raise ValueError(f"--data: {family.name!r} is made from a seed and takes none")
    with named({**dict.fromkeys(("name", "path", "x", "X", "y"), "--data"), "task": "--task"}):
        dataset = datasets.load(
            configuration.data,
            seed=configuration.seed,
            intercept=configuration.intercept,
            task=configuration.task,
            wanted=family.task,
        )
    if family.task not in (dataset.task, "regression"):
        fitting = ", ".join(row.name for row in table.PROBLEMS if row.task == dataset.task)
        kind = f"{dataset.task} ({len(dataset.class_names)} classes)" if dataset.class_names else dataset.task
        raise ValueError(
            f"--data: {configuration.data!r} is {kind}, {family.name!r} is {family.task}; what fits: {fitting}"
        )
    return dataset


def built(configuration: Configuration, seed: int, dataset: datasets.Dataset | None) -> Instance:
    """Return the instance of ``seed`` on the configuration's backend.

    Raises:
        ValueError: the family, the data, the partition and the other options do not fit together.
    """
    family = table.by_name(configuration.problem)
    if family.kind != "data":
        instance = _from_seed(configuration, seed, family)
    else:
        instance = _from_rows(configuration, seed, family, dataset)
    moved = transforms.on_backend(instance.problem, configuration.backend, dtype=configuration.dtype)
    return dataclasses.replace(instance, problem=moved)


def _from_seed(configuration: Configuration, seed: int, family: table.Family) -> Instance:
    for option, value in (("--partition", configuration.partition), ("--local-ridge", configuration.local_ridge)):
        if value is not None:
            raise ValueError(f"{option}: {family.name!r} is made from a seed, without rows, and takes none")
    with named({}):
        problem = family.build(seed, configuration.clients)
    if configuration.ridge is not None:
        problem = transforms.with_ridge(problem, configuration.ridge)
    return Instance(problem=problem, title=f"{family.name}, {configuration.clients} clients")


def _from_rows(
    configuration: Configuration, seed: int, family: table.Family, dataset: datasets.Dataset | None
) -> Instance:
    x, y, parts, held_out = _made(family, configuration.clients, seed) if dataset is None else _given(dataset)
    spec = configuration.partition or ("iid" if parts is None else "")
    if parts is not None and not spec:
        split = heterogeneity.Partition(spec="own", parts=parts, rows=len(y), seed=seed)
    else:
        with named({"spec": "--partition", "clients": "--clients"}):
            split = heterogeneity.partition(spec, y, configuration.clients, seed=seed, features=x)
    settings = {"local_ridge": configuration.local_ridge or 0.0}
    if family.random_start:
        settings["seed"] = seed
    with named({"y": "--data", "X": "--data"}):
        problem = family.from_data(
            heterogeneity.apply(split, x), y, split.parts, ridge=configuration.ridge or 0.0, **settings
        )
    name = "data from the seed" if dataset is None else dataset.name
    dealt = f"{configuration.clients} clients by {spec}" if spec else f"{configuration.clients} clients"
    return Instance(
        problem=problem,
        title=f"{family.name} on {name}, {len(y)} rows of {x.shape[1]}, {dealt}",
        task=family.task,
        label_distance=heterogeneity.label_distance(split, y),
        held_out=held_out,
    )


def _given(dataset: datasets.Dataset) -> tuple[Table, Table, None, tuple[tuple[str, Table, Table], ...]]:
    validation = ("validation", dataset.validation_x, dataset.validation_y)
    return dataset.train_x, dataset.train_y, None, (validation, ("test", dataset.test_x, dataset.test_y))


def _made(
    family: table.Family, clients: int, seed: int
) -> tuple[Table, Table, Any, tuple[tuple[str, Table, Table], ...]]:
    """Return rows from ``seed``, those of every client in a block, with each block's last quarter as test part."""
    x, y, blocks = synthetic(str(family.task), seed, clients=clients, **SYNTHETIC)
    kept = [block[: len(block) - len(block) // 4] for block in blocks]
    test = np.concatenate([block[len(block) - len(block) // 4 :] for block in blocks])
    ends = np.cumsum([len(block) for block in kept])
    rows = np.concatenate(kept)
    return x[rows], y[rows], tuple(np.split(np.arange(rows.size), ends[:-1])), (("test", x[test], y[test]),)
