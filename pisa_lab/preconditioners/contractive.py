r"""Compressed answers: client operators with a contraction in the place of $(\sigma_iI+\rho_iQ_i)^{-1}$.

$$\pi_i^+ = \pi_i - C(\pi_i + g_i),\qquad \|u - C(u)\|^2 \le (1-\varpi)\|u\|^2\quad\text{for every }u$$

They are no $Q$: $C$ is not linear. With `PISA(extrapolation=False)` this is EF21 (Richtárik, Sokolov, Fatkhullin 2021).
"""

import abc
import dataclasses
import math
from typing import NamedTuple

from pisa_lab._array import Array, column, namespace
from pisa_lab._checks import real, whole
from pisa_lab.preconditioners.base import Guarantee
from pisa_lab.state import Observation


class Nothing(NamedTuple):
    """The state of an operator without memory: π_i is all that it remembers."""


@dataclasses.dataclass(frozen=True)
class Contraction(abc.ABC):
    r"""Shared lines of the contractions; a subclass gives `compress`, `contraction` and its `message_bytes`.

    The weight ρ has no effect: there is no Q to weigh.
    """

    @property
    def guarantee(self) -> Guarantee:
        """No Q and no bound of one; `contraction` is what is promised instead."""
        return Guarantee(None, "no Q: |u − C(u)|² ≤ (1 − ϖ)|u|² instead")

    @property
    def replaces_gradient(self) -> bool:
        """Never: the gradient's difference to −π_i is what is compressed."""
        return False

    @abc.abstractmethod
    def contraction(self, size: int) -> float:
        r"""Return $\varpi \in (0, 1]$ that holds for every vector of ``size`` numbers."""

    @abc.abstractmethod
    def compress(self, vectors: Array) -> Array:
        """Return C of every row of ``vectors`` (…, size), all finite."""

    def message_bytes(self, size: int, itemsize: int) -> int:
        """Return the bytes of one client's $C(u)$ on the wire; by default those of ``size`` uncompressed numbers."""
        return size * itemsize

    def init(self, like: Array) -> Nothing:
        """Return no state."""
        return Nothing()

    def update(self, state: Nothing, at: Observation) -> tuple[Array, Nothing]:
        """Return the gradient."""
        return at.gradient, state

    def solve(self, state: Nothing, rhs: Array, penalty: Array, rho: Array | float) -> Array:
        r"""Return $C(u)/\sigma$ for ``rhs`` = u (…, clients, \*shape), all of a client's numbers as one vector.

        NaN for a client whose u is not finite: a compressed infinity may look finite, and the run would go on.
        """
        xp, clients = namespace(rhs), tuple(penalty.shape)
        size = math.prod(rhs.shape[penalty.ndim :])
        flat = xp.reshape(rhs, (*clients, size))
        is_finite = xp.all(xp.isfinite(flat), axis=-1)[..., None]
        kept = xp.where(is_finite, flat, xp.zeros_like(flat))
        answer = xp.where(is_finite, self.compress(kept), xp.full_like(flat, math.nan))
        return xp.reshape(answer, rhs.shape) / column(penalty, rhs)


@dataclasses.dataclass(frozen=True)
class TopK(Contraction):
    r"""The $k = \lceil\text{share}\cdot p\rceil$ largest entries of $p$, the others 0; of equals the first. ϖ = k/p."""

    share: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "share", real("share", self.share, above=0.0, at_most=1.0))

    def count(self, size: int) -> int:
        """Return k."""
        # A rounding of share·p upwards must not buy an entry: 0.07·100 is 7.000000000000001.
        return max(1, math.ceil(self.share * size * (1 - 1e-12)))

    def contraction(self, size: int) -> float:
        """Return k/p, attained by entries of one size."""
        return self.count(size) / size

    def message_bytes(self, size: int, itemsize: int) -> int:
        """Return k values and k indices, of four bytes each where that many numbers can be counted so."""
        return self.count(size) * (itemsize + (4 if size <= 2**32 else 8))

    def compress(self, vectors: Array) -> Array:
        """Return ``vectors`` with all but the k largest entries of each row put to 0."""
        xp = namespace(vectors)
        order = xp.argsort(xp.abs(vectors), axis=-1, descending=True, stable=True)
        rank = xp.argsort(order, axis=-1, stable=True)
        return xp.where(rank < self.count(int(vectors.shape[-1])), vectors, xp.zeros_like(vectors))


@dataclasses.dataclass(frozen=True)
class ScaledSign(Contraction):
    r"""$C(u) = (\|u\|_1/p)\,\mathrm{sign}(u)$ with sign 0 = 1: one bit an entry and a scale. ϖ = 1/p.

    $\|u-C(u)\|^2 = \|u\|^2 - \|u\|_1^2/p$.
    """

    def contraction(self, size: int) -> float:
        """Return 1/p, attained by a vector with one entry that is not 0."""
        return 1 / size

    def message_bytes(self, size: int, itemsize: int) -> int:
        """Return p bits and a scale."""
        return -(-size // 8) + itemsize

    def compress(self, vectors: Array) -> Array:
        """Return the mean size of each row's entries with their signs."""
        xp = namespace(vectors)
        top = _largest(vectors)
        # The mean of shares of the largest: a sum of p entries near 1e308 would overflow.
        scale = top * xp.mean(xp.abs(vectors) / top, axis=-1, keepdims=True)
        return xp.where(vectors >= 0, scale, -scale)


@dataclasses.dataclass(frozen=True)
class Quantised(Contraction):
    r"""Every entry rounded to the nearest of $2^b-1$ equal levels from $-\|u\|_\infty$ to $\|u\|_\infty$, 0 among them.

    With $h = 2^{b-1}-1$ levels on each side $\varpi = 1/(1+(p-1)/(4h^2))$: an entry is wrong by at most its own size
    and half a level, and one is exact.

    Args:
        bits: b of one entry.
    """

    bits: int = 8

    def __post_init__(self) -> None:
        if whole("bits", self.bits, at_least=2) > 16:
            raise ValueError(f"bits: {self.bits} must be 2 to 16")

    @property
    def levels(self) -> int:
        """The levels h on each side of 0."""
        return int(2 ** (self.bits - 1) - 1)

    def contraction(self, size: int) -> float:
        """Return ϖ, attained by one entry of size 2h and p − 1 of size just below 1."""
        return 1 / (1 + (size - 1) / (4 * self.levels**2))

    def message_bytes(self, size: int, itemsize: int) -> int:
        """Return p codes of b bits and a scale."""
        return -(-size * self.bits // 8) + itemsize

    def compress(self, vectors: Array) -> Array:
        """Return the codes of each row over h, times its largest entry."""
        top = _largest(vectors)
        return namespace(vectors).round(vectors / top * self.levels) / self.levels * top


def _largest(vectors: Array) -> Array:
    """Return the largest size in each row, (…, 1), 1 where the row is 0."""
    xp = namespace(vectors)
    top = xp.max(xp.abs(vectors), axis=-1, keepdims=True)
    return xp.where(top > 0, top, xp.ones_like(top))
