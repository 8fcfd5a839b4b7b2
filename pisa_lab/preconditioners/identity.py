"""Q = 0 (no preconditioner: the optimistic gradient method) and Q = I (a damped one)."""

import dataclasses
from typing import Any

from pisa_lab._array import Array
from pisa_lab.preconditioners.base import Base, Formed, Guarantee, Multiple
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
