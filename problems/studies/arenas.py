"""From the settings of a study's problem to an instance with its held-out rows, scale and optimum."""

import functools
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from pisa_lab import specs
from pisa_lab._array import client_sum, like, to_numpy
from pisa_lab._checks import real, whole
from pisa_lab.ablation import Arena, Unavailable
from pisa_lab.ablation.sources import file_sha256
from pisa_lab.measures import Measure
from pisa_lab.problem import objective
from problems import datasets, heterogeneity, newton, table, transforms
from problems.studies.makers import MAKERS, check_make
from problems.studies.rows import Split, split_rows

_POWER_STEPS = 60
_DATA = tuple(row.name for row in datasets.DATASETS)


def resolve(settings: Mapping[str, Any], instance: int) -> Arena:
    """Return the arena of ``settings`` for ``instance``, a number that all its randomness comes from.

    Settings of every problem: ``family`` (a row of PROBLEMS), ``clients``, ``ridge`` and ``make`` (further arguments of
    the family's constructor). Without ``data`` it is made from the seed, with ``noise`` (the deviation of one sample's
    gradient) as samples to draw. With ``data`` the settings of `rows.split_rows` hold, and ``partition`` deals the
    training rows to the clients; ``task`` says what the labels of a file are, by default what the family takes. With
    ``model`` it is a deep one, and those of `problems.deep.problem_arenas` hold.

    Raises:
        Unavailable: the data are not there.
        ValueError: settings that do not fit together; the message names one.
    """
    checksum = file_sha256(settings.get("data"))
    if settings.get("data_sha256", checksum) != checksum:
        raise ValueError(f"data_sha256: that of {settings.get('data')!r} is {checksum or 'none'}")
    if checksum:
        # What is remembered of a file is forgotten when it changes.
        settings = {**settings, "data_sha256": checksum}
    try:
        with np.errstate(all="ignore"):
            return _arena(json.dumps(settings, sort_keys=True), instance)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"settings: {dict(settings)} make no problem ({type(error).__name__}: {error})") from error


@functools.lru_cache(maxsize=1)
def _arena(text: str, instance: int) -> Arena:
    settings = json.loads(text)
    if "model" in settings:
        return _deep(settings, instance)
    return _from_rows(settings, instance) if "data" in settings else _from_seed(settings, instance)


def _deep(settings: dict[str, Any], instance: int) -> Arena:
    try:
        from problems.deep import problem_arenas
    except ImportError as error:
        raise Unavailable(f"{settings['model']}: deep models need torch; pip install -e '.[torch]'") from error
    return problem_arenas.resolve(settings, instance)


def _from_seed(settings: dict[str, Any], instance: int) -> Arena:
    family, clients = _family(settings), whole("clients", settings.get("clients", 4), at_least=1)
    _known(settings, ("family", "clients", "ridge", "make", "noise"))
    make = dict(_table(settings, "make"))
    makers = MAKERS.get(family.name)
    if makers:
        check_make(make, *makers)
        problem = makers[0](instance, clients=clients, **make)
    elif make and not specs.is_own(settings["family"]):
        raise ValueError(f"make: {family.name!r} takes no further arguments without data")
    else:
        problem = family.build(instance, clients, **make)
    if "ridge" in settings:
        problem = transforms.with_ridge(problem, settings["ridge"])
    known = getattr(problem, "optimum", None)
    if "noise" in settings:
        problem = transforms.with_noise(problem, real("noise", settings["noise"], at_least=0.0), seed=instance)
    optimum = None if known is None else float(known)
    gap = _gap(optimum)
    return Arena(problem=problem, scale=curvature(problem), finals={"validation": gap, "gap": gap}, optimum=optimum)


def _from_rows(settings: dict[str, Any], instance: int) -> Arena:
    known = (
        "family",
        "clients",
        "ridge",
        "make",
        "data",
        "partition",
        "positive",
        "classes",
        "pool",
        "most_rows",
        "task",
        "data_sha256",
    )
    _known(settings, known)
    family, split = _family(settings), _split(json.dumps(settings, sort_keys=True))
    if isinstance(split, str):
        raise Unavailable(split)
    clients = whole("clients", settings.get("clients", 4), at_least=1)
    parts = heterogeneity.partition(
        settings.get("partition", "iid"), split.train_y, clients, seed=instance, features=split.train_x
    )
    make = _make(settings, split)
    check_make(_table(settings, "make"), family.constructor)
    if family.random_start:
        make["seed"] = instance
    features = heterogeneity.apply(parts, split.train_x)
    problem = family.from_data(features, split.train_y, parts.parts, ridge=settings.get("ridge", 0.0), **make)
    optimum = _optimum(json.dumps(settings, sort_keys=True)) if problem.convex and parts.feature_noise is None else None
    return Arena(
        problem=problem,
        scale=curvature(problem),
        finals={**({} if optimum is None else {"gap": _gap(optimum)}), **_held_out(family, settings, split)},
        optimum=optimum,
    )


def _family(settings: Mapping[str, Any]) -> table.Family:
    """Return the row of the family, by a message that says where its name stands."""
    try:
        return table.by_name(str(settings.get("family", "")))
    except ValueError as error:
        raise ValueError(f"family:{str(error).removeprefix('name:')}") from error


def _table(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = settings.get(name, {})
    if not isinstance(value, Mapping):
        raise ValueError(f"{name}: {value!r} must be a table")
    return value


def _make(settings: Mapping[str, Any], split: Split) -> dict[str, Any]:
    multiclass = {"classes": split.classes} if table.by_name(settings["family"]).task == "multiclass" else {}
    return {**multiclass, **_table(settings, "make")}


@functools.lru_cache(maxsize=2)
def _split(text: str) -> Split | str:
    """Return the rows, or why there are none: remembered, since the search may end with a download that fails."""
    settings = json.loads(text)
    name = settings["data"]
    if not isinstance(name, str) or not ("data_sha256" in settings or name in _DATA):
        raise ValueError(f"data: {name!r} is no file and not one of {', '.join(_DATA)}")
    try:
        # Chosen or joined, the labels are read as what they are: ±1 or 0, 1, … is made of them afterwards.
        chosen = "classes" in settings or "positive" in settings
        wanted = None if chosen else _family(settings).task
        dataset = datasets.load(name, standardise=False, task=settings.get("task"), wanted=wanted)
    except ValueError as error:
        if name not in _DATA:
            raise
        return f"{name}: {' '.join(str(error).split())}"
    return split_rows(dataset, settings)


@functools.lru_cache(maxsize=8)
def _optimum(text: str) -> float | None:
    """Return F_λ at its minimiser, None where none is found.

    It is a mean over all rows, the same for every partition of them (MATHEMATICS.md#I5).
    """
    settings, split = json.loads(text), _split(text)
    if isinstance(split, str):
        raise Unavailable(split)
    family = table.by_name(settings["family"])
    whole_set = family.from_data(
        split.train_x, split.train_y, None, ridge=settings.get("ridge", 0.0), **_make(settings, split)
    )
    try:
        return float(newton.with_minimiser(whole_set, tolerance=1e-10).optimum)
    except ValueError:
        # Separable rows without a ridge have no minimiser: what needs none can still be measured.
        return None


def _held_out(family: table.Family, settings: Mapping[str, Any], split: Split) -> dict[str, Measure]:
    """Return loss and accuracy on the validation and the test rows; the loss carries no penalty."""
    finals: dict[str, Measure] = {}
    make = {name: value for name, value in _make(settings, split).items() if name != "local_ridge"}
    for part, x, y in (
        ("validation", split.validation_x, split.validation_y),
        ("test", split.test_x, split.test_y),
    ):
        rows = family.from_data(x, y, None, ridge=0.0, **make)
        finals["validation" if part == "validation" else "test_loss"] = loss(rows)
        if family.task != "regression":
            finals[f"{part}_error"] = error(rows, x, y)
    return finals


def loss(rows: Any) -> Measure:
    """Return the measure of the loss on ``rows``, a problem of one client."""
    return lambda problem, state: objective(rows, state.consensus)


def error(rows: Any, x: Any, y: Any) -> Measure:
    """Return the measure of the share of ``x`` that ``rows`` takes for others than ``y``."""
    return lambda problem, state: 1 - rows.accuracy(state.consensus, x, y)


def _gap(optimum: float | None) -> Measure:
    return lambda problem, state: objective(problem, state.consensus) - (optimum or 0.0)


def curvature(problem: Any) -> float:
    r"""Return $|\lambda|_{\max}$ of $\nabla^2F_\lambda$ at the start, by power iteration: the unit of penalties.

    Raises:
        ValueError: the curvature there is 0.
    """
    start = problem.initial[None]
    v = np.random.default_rng(0).standard_normal(problem.initial.shape)
    size = 0.0
    for _ in range(_POWER_STEPS):
        v = v / np.linalg.norm(v)
        v = to_numpy(client_sum(problem.weights, problem.hvp(start, like(v[None], start)), 0)) + problem.ridge * v
        size = float(np.linalg.norm(v))
        if size == 0:
            raise ValueError("problem: no curvature at the start to take the scale of penalties from")
    return size


def _known(settings: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    unknown = [name for name in settings if name not in allowed]
    if unknown:
        raise ValueError(f"{unknown[0]}: not a setting of this problem, which has {', '.join(allowed)}")
