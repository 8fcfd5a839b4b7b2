"""Preconditioners that no theorem excludes and nobody would use: Q jumps, turns, and looks at the noise first."""

import dataclasses
from typing import Any

import numpy as np

from pisa_lab.preconditioners.base import Base, Diagonal, Formed, Spectral
from pisa_lab.preconditioners.forms import eye
from pisa_lab.state import Observation


@dataclasses.dataclass(frozen=True)
class Switching(Base):
    """Every entry of Q is 0 or ``clip``, drawn anew in every round."""

    seed: int
    clip: float = 1.0

    def entries(self, at: Observation) -> Any:
        """Return the diagonal of Q, a function of the seed and the round alone."""
        rng = np.random.default_rng([self.seed, at.iteration])
        return self.clip * rng.integers(0, 2, size=at.gradient.shape).astype(float)


@dataclasses.dataclass(frozen=True)
class Turning(Base):
    """Q is a full matrix: random eigenvectors and eigenvalues in [0, ``clip``], drawn anew for client and round."""

    seed: int
    clip: float = 1.0

    def init(self, like: Any) -> Formed:
        """Return Q = 0, as a full matrix."""
        return Formed(Spectral(0 * like, eye(like, like.shape[-1]) + np.zeros((*like.shape, like.shape[-1]))))

    def update(self, state: Formed, at: Observation) -> tuple[Any, Formed]:
        """Return the gradient itself and the matrix of this round."""
        rng = np.random.default_rng([self.seed, at.iteration])
        size = at.gradient.shape[-1]
        vectors = np.linalg.qr(rng.normal(size=(*at.gradient.shape, size)))[0]
        values = self.clip * rng.choice([0.0, 0.5, 1.0], size=at.gradient.shape)
        return at.gradient, Formed(Spectral(values, vectors))


@dataclasses.dataclass(frozen=True)
class Sequenced(Base):
    """Q = ``values[ℓ]`` I in round ℓ, the last value from there on."""

    values: tuple[float, ...]

    def init(self, like: Any) -> Formed:
        """Return Q = 0."""
        return Formed(Diagonal(0 * like))

    def entries(self, at: Observation) -> Any:
        """Return the diagonal of Q."""
        return self.values[min(at.iteration, len(self.values) - 1)] + 0 * at.gradient


@dataclasses.dataclass(frozen=True)
class AgainstNoise(Base):
    """Q = 1 where the batch's noise is negative and 0 elsewhere: bounded, and chosen with the batch in hand."""

    def entries(self, at: Observation) -> Any:
        """Return the indicator of negative noise."""
        noise = at.gradient - at.problem.client_grad(at.consensus)
        return np.where(noise < 0, 1.0, 0.0)


@dataclasses.dataclass(frozen=True)
class Growing(Base):
    """Q = min((1+ℓ)³, ``clip``) I."""

    clip: float | None = None

    def entries(self, at: Observation) -> Any:
        """Return the diagonal of Q."""
        size = float(1 + at.iteration) ** 3
        return size + 0 * at.gradient if self.clip is None else min(size, self.clip) + 0 * at.gradient


@dataclasses.dataclass(frozen=True)
class Junk(Base):
    """What stands for the gradient is noise of size ``size`` around it, so that it does not vanish with π + g."""

    seed: int
    size: float = 1.0

    def update(self, state: Formed, at: Observation) -> tuple[Any, Formed]:
        """Return the gradient plus noise, a function of the seed and the round alone, and Q = 0."""
        rng = np.random.default_rng([self.seed, at.iteration])
        return at.gradient + self.size * rng.normal(size=at.gradient.shape), Formed(Diagonal(0 * at.gradient))
