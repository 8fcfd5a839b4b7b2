"""One round of SISA given the gradients: in-place NumPy by hand, the pure lines, and the fused pass."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pisa_lab import _fused
from pisa_lab._checks import whole
from pisa_lab.bench.machine import copy_rate, free_memory, seconds
from pisa_lab.fused import fuse
from pisa_lab.method import sisa
from pisa_lab.problem import from_functions
from pisa_lab.stamp import stamp
from pisa_lab.state import Observation, State

SIZES = ((10, 10**4), (100, 10**5), (8, 10**7))
"""(clients, numbers of one parameter)."""

BETA, PENALTY, RHO = 0.999, 4.0, 1.0
_BUFFERS = 14
"""Buffers of clients × size numbers that the hungriest of the steps holds at once, and the gradient beside them."""
_STREAMS = 8
"""Buffers that the fused round reads or writes: w_i − w and π for the server; π, g, v in and d, π, v out."""


def setting(clients: int, size: int, dtype: str) -> tuple[Any, Any]:
    """Return (problem, gradient): a problem of these shapes, and a standard normal gradient in place of its own."""

    def nothing(w: Any) -> Any:
        return 0 * w

    problem = from_functions([(lambda w: 0.0, nothing)] * clients, np.zeros(size, dtype=dtype))
    problem = dataclasses.replace(problem, weights=problem.weights.astype(dtype))
    gradient = np.random.default_rng(0).standard_normal((clients, size)).astype(dtype, copy=False)
    return problem, gradient


def measure_step(clients: int, size: int, *, dtype: str = "float64", calls: int = 5) -> dict[str, Any]:
    """Return one row: CPU seconds of each way to make a round, as ratios to in-place NumPy, and the rate of a copy.

    ``status`` is "skipped" and the numbers None where memory does not suffice; the fused ones are None without numba.
    The gradient's sign alternates, for else the state would decay into denormal numbers.
    """
    numbers = whole("size", clients, at_least=1) * whole("size", size, at_least=1)
    row: dict[str, Any] = {"clients": clients, "size": size, "dtype": dtype, "status": "done"} | dict.fromkeys(_FIGURES)
    needed, free = _BUFFERS * numbers * np.dtype(dtype).itemsize, free_memory()
    if free is not None and free < needed:
        return row | {"status": f"skipped: needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free"} | stamp()
    row["copy_gb_per_s"] = copy_rate(numbers, dtype, calls=calls) / 1e9
    for name, make in WAYS.items():
        if "fused" not in name or _fused.available(np.zeros(1, dtype=dtype)):
            row[f"{name}_s"] = seconds(make(clients, size, dtype), calls=calls)
    for name in ("generic", "fused", "fused_method"):
        row[f"{name}_ratio"] = None if row[f"{name}_s"] is None else row[f"{name}_s"] / row["in_place_s"]
    if row["fused_s"] is not None:
        row["fused_gb_per_s"] = _STREAMS * numbers * np.dtype(dtype).itemsize / row["fused_s"] / 1e9
    return row | stamp()


_RATIOS = ("generic_ratio", "fused_ratio", "fused_method_ratio", "fused_gb_per_s")
_FIGURES = ("copy_gb_per_s", "in_place_s", "generic_s", "fused_s", "fused_method_s", *_RATIOS)


class InPlace:
    """The step as one would write it by hand for NumPy: every operation into a buffer that is there already."""

    def __init__(self, clients: int, size: int, dtype: str) -> None:
        self.problem, self.gradient = setting(clients, size, dtype)
        self.consensus = np.zeros(size, dtype=dtype)
        shape = (clients, size)
        self.deviation, self.multiplier, self.moment, self.first, self.second = (
            np.zeros(shape, dtype) for _ in "dpvab"
        )
        self.iteration = 0

    def __call__(self, number: int) -> None:
        """Make one round with the gradient of sign (−1)^number."""
        a, b = self.first, self.second
        np.multiply(self.deviation, PENALTY, out=a)
        a += self.multiplier
        a *= self.problem.weights[:, None]
        self.consensus += a.sum(axis=0) / PENALTY
        (np.subtract if number % 2 else np.add)(self.multiplier, self.gradient, out=a)
        np.multiply(a, a, out=b)
        b *= 1 - BETA
        self.moment *= BETA
        self.moment += b
        self.iteration += 1
        np.divide(self.moment, 1 - BETA**self.iteration, out=b)
        np.sqrt(b, out=b)
        b *= RHO
        b += PENALTY
        np.divide(a, b, out=self.deviation)
        np.negative(self.deviation, out=self.deviation)
        np.multiply(self.deviation, PENALTY, out=b)
        self.multiplier += b


class Functional:
    """The library's own step, whose states are new arrays: `PISA.step`, or `FusedPISA.step`."""

    def __init__(self, clients: int, size: int, dtype: str, *, fused: bool) -> None:
        problem, self.gradient = setting(clients, size, dtype)
        method = sisa(PENALTY, rho=RHO, beta=BETA)
        self.method = fuse(method, pays_from=0) if fused else method
        self.opposite = -self.gradient
        self.state: State = self.method.init(problem, problem.initial)

    def __call__(self, number: int) -> None:
        """Make one round with the gradient of sign (−1)^number."""
        seen = Observation(self.opposite if number % 2 else self.gradient)
        self.state = self.method.step(self.state, lambda w: seen)


class Fused:
    """The two compiled passes on two sets of buffers in turn."""

    def __init__(self, clients: int, size: int, dtype: str) -> None:
        self.problem, self.gradient = setting(clients, size, dtype)
        self.opposite = -self.gradient
        self.consensus = np.zeros((1, size), dtype=dtype)
        self.now, self.next = _zeros((clients, size), dtype), _zeros((clients, size), dtype)
        self.penalty = np.full(clients, PENALTY, dtype=dtype)
        self.rho = np.full(clients, RHO, dtype=dtype)
        self.iteration = 0

    def __call__(self, number: int) -> None:
        """Make one round with the gradient of sign (−1)^number."""
        deviation, multiplier, moment = self.now
        pull = _fused.server_sum(deviation[None], multiplier[None], self.penalty[None], self.problem.weights)
        self.consensus += pull / PENALTY
        self.iteration += 1
        scalars = _fused.Moments(BETA, 1 - BETA, 1 - BETA**self.iteration, math.inf, math.inf)
        gradient = self.opposite if number % 2 else self.gradient
        _fused.client_step(multiplier, gradient, moment, self.penalty, self.rho, scalars, out=self.next)
        self.now, self.next = self.next, self.now


def _zeros(shape: tuple[int, int], dtype: str) -> tuple[Any, Any, Any]:
    return np.zeros(shape, dtype), np.zeros(shape, dtype), np.zeros(shape, dtype)


WAYS: dict[str, Callable[[int, int, str], Callable[[int], None]]] = {
    "in_place": InPlace,
    "generic": lambda clients, size, dtype: Functional(clients, size, dtype, fused=False),
    "fused": Fused,
    "fused_method": lambda clients, size, dtype: Functional(clients, size, dtype, fused=True),
}
"""The ways to make a round: by hand, the pure lines, the passes on reused buffers, and inside a method."""
