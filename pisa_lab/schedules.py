r"""Penalty schedules: $\sigma_i^{\ell+1}$ from the first penalty, the last one and the state before the client step."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from pisa_lab._array import Array, column, like, namespace, squared_norm
from pisa_lab._checks import Scalars, real, reals
from pisa_lab.state import State


class Schedule(Protocol):
    """A rule for the penalty of the coming client step."""

    def next(self, initial: Array, state: State) -> Array:
        """Return σ^{ℓ+1}, shape (…, clients), where ``initial`` is σ⁰ and ``state.penalty`` σ^ℓ."""


def bounded(penalty: Array, initial: Array) -> Array:
    r"""Return σ held at the square root of the largest number of its type (1e154 in float64, 2e19 in float32).

    There a step is below every unit of rounding and the iterates stand still; an infinite σ would turn their finite
    values into $\infty\cdot 0$. A first penalty above the bound stays.
    """
    xp = namespace(penalty)
    bound = xp.maximum(initial, xp.full_like(initial, float(xp.finfo(penalty.dtype).max) ** 0.5))
    return xp.minimum(penalty, bound)


@dataclasses.dataclass(frozen=True)
class Constant:
    r"""$\sigma^{\ell+1} = \sigma^\ell$: the constant-penalty method ($\gamma = 1$)."""

    def next(self, initial: Array, state: State) -> Array:
        """Return σ^ℓ."""
        return state.penalty


@dataclasses.dataclass(frozen=True)
class Geometric:
    r"""$\sigma_i^{\ell+1} = \sigma_i^\ell/\gamma_i$, $\gamma_i \in (0, 1]$. Source: MATHEMATICS.md#algorithm."""

    ratio: Scalars

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratio", reals("penalty_ratio", self.ratio, above=0.0, at_most=1.0))

    def next(self, initial: Array, state: State) -> Array:
        """Return σ^ℓ/γ."""
        return state.penalty / (self.ratio if isinstance(self.ratio, float) else like(self.ratio, state.penalty))


@dataclasses.dataclass(frozen=True)
class Polynomial:
    r"""$\sigma^\ell = \sigma^0(1+\ell)^a$; the repaired schedule for $1/2 < a \le 1$. Source: MATHEMATICS.md#V4."""

    exponent: float = 0.75

    def __post_init__(self) -> None:
        object.__setattr__(self, "exponent", real("exponent", self.exponent, at_least=0.0))

    def next(self, initial: Array, state: State) -> Array:
        """Return σ⁰(2+ℓ)^a, the value at ℓ+1."""
        with np.errstate(over="ignore"):
            return initial * float(np.float64(2 + state.iteration) ** self.exponent)


@dataclasses.dataclass(frozen=True)
class InverseCosine:
    r"""$\sigma^\ell = \sigma^0/\mathrm{lr}(\ell)$; lr falls by half a cosine from 1 to ``floor`` in ``total`` rounds.

    Source: the authors' code lets the penalty follow 1/lr of a learning-rate scheduler (reconstructed).
    """

    total: int
    floor: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", int(real("total", self.total, at_least=1)))
        object.__setattr__(self, "floor", real("floor", self.floor, above=0.0, at_most=1.0))

    def next(self, initial: Array, state: State) -> Array:
        """Return σ⁰/lr(ℓ+1)."""
        phase = math.pi * min(state.iteration + 1, self.total) / self.total
        return initial / (self.floor + (1 - self.floor) * (1 + math.cos(phase)) / 2)


@dataclasses.dataclass(frozen=True)
class ResidualBalancing:
    r"""$\sigma_i$ times ``factor`` when $\|w_i - w\| > t\,\sigma_i\|\Delta w\|$, divided by it in the opposite case.

    Source: Boyd et al., Distributed Optimization and Statistical Learning via ADMM, section 3.4.1 (his ρ is our σ). It
    may lower the penalty, so no theorem for nondecreasing schedules covers it.
    """

    factor: float = 2.0
    threshold: float = 10.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "factor", real("factor", self.factor, above=1.0))
        object.__setattr__(self, "threshold", real("threshold", self.threshold, above=1.0))

    def next(self, initial: Array, state: State) -> Array:
        """Return σ balanced between the primal residual and the dual one."""
        xp, axes = namespace(state.penalty), state.penalty.ndim
        primal = xp.sqrt(squared_norm(state.displacement, axes))
        step = xp.expand_dims(xp.sqrt(squared_norm(state.increment, axes - 1)), axis=-1)
        dual = state.penalty * step
        raised = xp.where(primal > self.threshold * dual, state.penalty * self.factor, state.penalty)
        return xp.where(dual > self.threshold * primal, state.penalty / self.factor, raised)


@dataclasses.dataclass(frozen=True)
class Function:
    r"""$\sigma^\ell$ = ``function(ℓ)``: one number or one per client, from a function of the user's."""

    function: Callable[[int], Any]

    def next(self, initial: Array, state: State) -> Array:
        """Return function(ℓ+1) for every client.

        Raises:
            ValueError: the function's value is not positive and finite.
        """
        value = like(reals("schedule", self.function(state.iteration + 1), above=0.0), initial)
        return column(value, initial) + 0 * initial if value.ndim == 0 else value + 0 * initial


SCHEDULES = {
    "constant": Constant,
    "geometric": Geometric,
    "polynomial": Polynomial,
    "inverse-cosine": InverseCosine,
    "balancing": ResidualBalancing,
}
"""The schedules a command line can name."""
