"""What the table ``make`` of a study's problem may say, and the generators that it reaches."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pisa_lab._checks import choice, real, whole
from problems.generators import planted_completion, planted_factors
from problems.quadratics import random_quadratic


def _quadratic(seed: int, *, clients: int, dimension: int = 20, condition: float = 10.0, **make: Any) -> Any:
    """Return a random quadratic with eigenvalues from 1 to 1/condition in geometric progression."""
    last = 1 / real("condition", condition, at_least=1.0)
    spectrum = np.geomspace(1.0, last, whole("dimension", dimension, at_least=2))
    return random_quadratic(seed, clients=clients, spectrum=spectrum.tolist(), **make)


def _factors(seed: int, *, clients: int, shape: Any = (5, 4), **make: Any) -> Any:
    return planted_factors(seed, clients=clients, shape=tuple(shape), **make)


def _completion(seed: int, *, clients: int, shape: Any = (6, 5), **make: Any) -> Any:
    return planted_completion(seed, clients=clients, shape=tuple(shape), **make)


MAKERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "quadratic": (_quadratic, random_quadratic),
    "factorisation": (_factors, planted_factors),
    "completion": (_completion, planted_completion),
}
"""Families whose generators take arguments, with where these stand; the others are built small, as in the table."""


def check_make(make: Mapping[str, Any], *functions: Any) -> None:
    """Refuse a key of ``make`` that none of ``functions`` takes, naming those there are."""
    parameters = [row for function in functions for row in inspect.signature(function).parameters.values()]
    known = [row.name for row in parameters if row.kind is row.KEYWORD_ONLY and row.name not in _FIXED]
    for name in make:
        choice("make", name, tuple(dict.fromkeys(known)))


_FIXED = ("clients", "spectrum", "seed", "task")
"""What the settings beside ``make`` say, or the row itself."""
