"""From the settings of a study's problem to an instance with its held-out rows, scale and optimum."""

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pisa_lab._array import client_sum, like, to_numpy
from pisa_lab._checks import real, whole
from pisa_lab.ablation import Arena, Unavailable
from pisa_lab.loop import Measure
from pisa_lab.problem import objective
from problems import datasets, heterogeneity, newton, table, transforms
from problems.generators import planted_completion, planted_factors
from problems.quadratics import random_quadratic
from problems.studies.rows import Split, split_rows

_POWER_STEPS = 60
_RANDOM_STARTS = ("network", "network-regression", "relu-network")


def resolve(settings: Mapping[str, Any], instance: int) -> Arena:
    """Return the arena of ``settings`` for ``instance``, a number that all its randomness comes from.

    Settings of every problem: ``family`` (a row of PROBLEMS), ``clients``, ``ridge`` and ``make`` (further arguments of
    the family's constructor). Without ``data`` it is made from the seed, with ``noise`` (the deviation of one sample's
    gradient) as samples to draw. With ``data`` the settings of `rows.split_rows` hold, and ``partition`` deals the
    training rows to the clients. With ``model`` it is a deep one, and those of `problems.deep.problem_arenas` hold.

    Raises:
        Unavailable: the data are not there.
        ValueError: settings that do not fit together; the message names one.
    """
    return _arena(json.dumps(settings, sort_keys=True), instance)


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
        raise Unavailable(f"{settings['model']}: deep models need torch; pip install 'pisa-lab[torch]'") from error
    return problem_arenas.resolve(settings, instance)


def _quadratic(seed: int, *, clients: int, dimension: int = 20, condition: float = 10.0, **make: Any) -> Any:
    """Return a random quadratic with eigenvalues from 1 to 1/condition in geometric progression."""
    last = 1 / real("condition", condition, at_least=1.0)
    spectrum = np.geomspace(1.0, last, whole("dimension", dimension, at_least=2))
    return random_quadratic(seed, clients=clients, spectrum=spectrum.tolist(), **make)


def _factors(seed: int, *, clients: int, shape: Any = (5, 4), **make: Any) -> Any:
    return planted_factors(seed, clients=clients, shape=tuple(shape), **make)


def _completion(seed: int, *, clients: int, shape: Any = (6, 5), **make: Any) -> Any:
    return planted_completion(seed, clients=clients, shape=tuple(shape), **make)


_MAKERS: dict[str, Callable[..., Any]] = {
    "quadratic": _quadratic,
    "factorisation": _factors,
    "completion": _completion,
}
"""Families whose generators take arguments; the others are built small, as the table has them."""


def _from_seed(settings: dict[str, Any], instance: int) -> Arena:
    family, clients = table.by_name(settings["family"]), whole("clients", settings.get("clients", 4), at_least=1)
    _known(settings, ("family", "clients", "ridge", "make", "noise"))
    make = dict(settings.get("make", {}))
    maker = _MAKERS.get(family.name)
    if maker is None and make:
        raise ValueError(f"make: {family.name!r} takes no further arguments without data")
    problem = maker(instance, clients=clients, **make) if maker else family.build(instance, clients)
    if "ridge" in settings:
        problem = transforms.with_ridge(problem, settings["ridge"])
    known = getattr(problem, "optimum", None)
    if "noise" in settings:
        problem = transforms.with_noise(problem, settings["noise"], seed=instance)
    optimum = None if known is None else float(known)
    gap = _gap(optimum)
    return Arena(problem=problem, scale=curvature(problem), finals={"validation": gap, "gap": gap}, optimum=optimum)


def _from_rows(settings: dict[str, Any], instance: int) -> Arena:
    known = ("family", "clients", "ridge", "make", "data", "partition", "positive", "classes", "pool", "most_rows")
    _known(settings, known)
    family, split = table.by_name(settings["family"]), _split(json.dumps(settings, sort_keys=True))
    if isinstance(split, str):
        raise Unavailable(split)
    clients = whole("clients", settings.get("clients", 4), at_least=1)
    parts = heterogeneity.partition(
        settings.get("partition", "iid"), split.train_y, clients, seed=instance, features=split.train_x
    )
    make = _make(settings, split)
    if family.name in _RANDOM_STARTS:
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


def _make(settings: Mapping[str, Any], split: Split) -> dict[str, Any]:
    multiclass = {"classes": split.classes} if table.by_name(settings["family"]).task == "multiclass" else {}
    return {**multiclass, **settings.get("make", {})}


@functools.lru_cache(maxsize=2)
def _split(text: str) -> Split | str:
    """Return the rows, or why there are none: remembered, since the search may end with a download that fails."""
    settings = json.loads(text)
    try:
        dataset = datasets.load(settings["data"], standardise=False)
    except ValueError as error:
        return f"{settings['data']}: {' '.join(str(error).split())}"
    return split_rows(dataset, settings)


@functools.lru_cache(maxsize=8)
def _optimum(text: str) -> float:
    """Return F_λ at its minimiser: a mean over all rows, the same for every partition of them (MATHEMATICS.md#I5)."""
    settings, split = json.loads(text), _split(text)
    if isinstance(split, str):
        raise Unavailable(split)
    family = table.by_name(settings["family"])
    whole_set = family.from_data(
        split.train_x, split.train_y, None, ridge=settings.get("ridge", 0.0), **_make(settings, split)
    )
    return float(newton.with_minimiser(whole_set, tolerance=1e-10).optimum)


def _held_out(family: table.Family, settings: Mapping[str, Any], split: Split) -> dict[str, Measure]:
    """Return loss and accuracy on the validation and the test rows; the loss carries no penalty."""
    finals: dict[str, Measure] = {}
    make = {name: value for name, value in _make(settings, split).items() if name != "local_ridge"}
    for part, x, y in (
        ("validation", split.validation_x, split.validation_y),
        ("test", split.test_x, split.test_y),
    ):
        rows = family.from_data(x, y, None, ridge=0.0, **make)
        finals["validation" if part == "validation" else "test_loss"] = _loss(rows)
        if family.task != "regression":
            finals[f"{part}_error"] = _error(x, y)
    return finals


def _loss(rows: Any) -> Measure:
    return lambda problem, state: objective(rows, state.consensus)


def _error(x: Any, y: Any) -> Measure:
    def measure(problem: Any, state: Any) -> Any:
        return 1 - problem.accuracy(state.consensus, x, y)

    return measure


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
