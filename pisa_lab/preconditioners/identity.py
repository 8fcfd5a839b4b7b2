"""Multiples of I: Q = 0 (the optimistic gradient method), Q = I (a damped one), Q ∝ σI (heavy-ball momentum)."""

import dataclasses
from typing import Any

import numpy as np

from pisa_lab._array import Array, column, to_numpy
from pisa_lab._checks import real
from pisa_lab.preconditioners.base import Base, Diagonal, Formed, Guarantee, Multiple
from pisa_lab.state import Observation


@dataclasses.dataclass(frozen=True)
class Zero(Base):
    """Q = 0; PISA is then the optimistic gradient method (MATHEMATICS.md#I4)."""

    @property
    def guarantee(self) -> Guarantee:
        """0 ⪯ Q ⪯ 0."""
        return Guarantee(0.0, "Q = 0")

    def init(self, like: Array) -> Formed:
        """Return Q = 0, without a buffer."""
        return Formed(Multiple(0.0))

    def update(self, state: Any, at: Observation) -> tuple[Array, Formed]:
        """Return the gradient."""
        return at.gradient, Formed(Multiple(0.0))


@dataclasses.dataclass(frozen=True)
class Identity(Base):
    """Q = I: every client's step is damped to 1/(σ+ρ)."""

    @property
    def guarantee(self) -> Guarantee:
        """0 ⪯ Q ⪯ I."""
        return Guarantee(1.0, "Q = I")

    def init(self, like: Array) -> Formed:
        """Return Q = I, without a buffer."""
        return Formed(Multiple(1.0))

    def update(self, state: Any, at: Observation) -> tuple[Array, Formed]:
        """Return the gradient."""
        return at.gradient, Formed(Multiple(1.0))


@dataclasses.dataclass(frozen=True)
class HeavyBall(Base):
    r"""$\rho Q = \frac{b}{1-b}\sigma I$: each multiplier keeps the share b, $\pi^+ = b\pi - (1-b)g$.

    It is heavy-ball momentum on top of the optimistic gradient (MATHEMATICS.md#I4), whatever σ and ρ > 0 are:
    ρ cancels.

    Args:
        momentum: b in [0, 1).
    """

    momentum: float = 0.9

    def __post_init__(self) -> None:
        object.__setattr__(self, "momentum", real("momentum", self.momentum, at_least=0.0, below=1.0))

    @property
    def guarantee(self) -> Guarantee:
        """ρQ = b/(1−b)·σI."""
        ratio = self.momentum / (1 - self.momentum)
        return Guarantee(None, f"ρQ = {ratio:.4g} σI: no bound on Q, one on ρQ/σ", ratio)

    def update(self, state: Any, at: Observation) -> tuple[Array, Formed]:
        """Return the gradient, and Q from the penalty of this step.

        Raises:
            ValueError: ρ = 0, with which no Q makes a momentum.
        """
        if np.any(to_numpy(at.rho) == 0) if hasattr(at.rho, "ndim") else at.rho == 0:
            raise ValueError("rho: 0 leaves HeavyBall without a momentum; any rho > 0 gives the same one")
        factor = self.momentum / (1 - self.momentum) * at.penalty / at.rho
        return at.gradient, Formed(Diagonal(column(factor, at.gradient) + 0 * at.gradient))
