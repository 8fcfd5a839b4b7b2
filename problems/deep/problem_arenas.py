"""Families of deep models as problems: what a training run minimises, and what a study names."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from pisa_lab._checks import choice, whole
from pisa_lab.ablation import Arena
from problems.deep.configuration import Configuration
from problems.deep.families import by_name
from problems.deep.parts import Data, Part
from problems.deep.problem import DeepProblem, deep_problem
from problems.heterogeneity import partition
from problems.studies.arenas import curvature, error, loss

_TYPES = {"float32": torch.float32, "float64": torch.float64}
_SETTINGS = ("family", "model", "size", "clients", "partition", "rows", "ridge", "local_ridge", "dtype")


def configured_problem(
    configuration: Configuration,
    *,
    rows: int | None = None,
    ridge: float = 0.0,
    local_ridge: float = 0.0,
    dtype: str = "float64",
) -> DeepProblem:
    """Return what a training run of ``configuration`` minimises: from its start, its rows dealt to its clients.

    Args:
        configuration: of which optimizer, rounds and batch do not matter.
        rows: keep so many training rows, evenly spread; by default all.
        ridge: λ.
        local_ridge: μ of every client.
        dtype: "float64" or "float32".

    Raises:
        ValueError: a value outside its domain.
    """
    return _problems(configuration, ("train",), rows, dtype, ridge=ridge, local_ridge=local_ridge)["train"]


def resolve(settings: Mapping[str, Any], instance: int) -> Arena:
    """Return the arena of ``settings``, its start and its clients drawn by ``instance``.

    Settings: ``family`` (a row of `problems.deep.families.FAMILIES`), ``model`` and ``size``, ``clients``,
    ``partition``, ``rows`` (of every part), ``ridge``, ``local_ridge`` and ``dtype`` ("float32" or "float64").

    Raises:
        ValueError: an unknown setting, or one outside its domain.
    """
    unknown = [name for name in settings if name not in _SETTINGS]
    if unknown:
        raise ValueError(f"{unknown[0]}: not a setting of a deep problem, which has {', '.join(_SETTINGS)}")
    family = by_name(settings["family"])
    configuration = Configuration(
        **family.defaults(settings["model"]) | {name: settings[name] for name in ("size",) if name in settings},
        optimizer="",
        clients=whole("clients", settings.get("clients", 4), at_least=1),
        partition=settings.get("partition", "iid"),
        seed=instance,
    )
    ridges = {name: settings.get(name, 0.0) for name in ("ridge", "local_ridge")}
    parts = ("train", "validation", "test")
    found = _problems(configuration, parts, settings.get("rows"), settings.get("dtype", "float64"), **ridges)
    finals = {"validation": loss(found["validation"]), "test_loss": loss(found["test"])}
    if family.metric.name == "accuracy":
        finals |= {f"{name}_error": error(found[name], found[name].inputs, found[name].targets) for name in parts[1:]}
    return Arena(problem=found["train"], scale=curvature(found["train"]), finals=finals)


def _problems(
    configuration: Configuration, parts: Sequence[str], rows: int | None, dtype: str, **ridges: float
) -> dict[str, DeepProblem]:
    """Return the problem of each of ``parts``; only the training rows have clients and ridges."""
    family = by_name(configuration.family)
    data = _thinned(family.load(configuration), rows)
    model = family.task(family, configuration, data).model
    features = data.train.inputs.flatten(1).numpy() if configuration.partition == "shifted" else None
    split = partition(
        configuration.partition, data.groups, configuration.clients, seed=configuration.seed, features=features
    )
    found = {}
    for name in parts:
        inputs, targets = data.batch(name, torch.arange(len(data.part(name))), configuration.device)
        clients: dict[str, Any] = {"parts": split.parts, **ridges} if name == "train" else {}
        kind = _TYPES[choice("dtype", dtype, tuple(_TYPES))]
        found[name] = deep_problem(model, family.loss, inputs, targets, dtype=kind, **clients)
    return found


def _thinned(data: Data, most: int | None) -> Data:
    """Return at most ``most`` rows of every part, evenly spread."""
    if most is None:
        return data
    count = whole("rows", most, at_least=1)
    places = {
        name: np.linspace(0, len(part) - 1, min(count, len(part))).astype(np.int64)
        for name, part in (("train", data.train), ("validation", data.validation), ("test", data.test))
    }
    kept = {name: Part(data.part(name).inputs[rows], data.part(name).targets[rows]) for name, rows in places.items()}
    return dataclasses.replace(data, **kept, groups=data.groups[places["train"]])  # type: ignore[arg-type]
