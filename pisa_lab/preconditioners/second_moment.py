"""SISA's preconditioner: the root of a clipped second moment of π + g (not of g)."""

import dataclasses
import math
from typing import NamedTuple

from pisa_lab._array import Array, namespace
from pisa_lab._checks import choice, real
from pisa_lab.preconditioners.base import Base, Diagonal, Guarantee, checked_clip
from pisa_lab.state import Observation

SCHEMES = ("I", "II", "III")


class Moment(NamedTuple):
    """The accumulated moment v and Q made of it."""

    moment: Array
    form: Diagonal


@dataclasses.dataclass(frozen=True)
class SecondMoment(Base):
    r"""$Q_i = \mathrm{Diag}(\sqrt{v_i})$ with $n = (\pi+g)\odot(\pi+g)$.

    Scheme I: $v \leftarrow v + n$, $Q = \mathrm{Diag}\sqrt{\min(v, \eta^2)}$; II: $v \leftarrow \beta v +
    (1-\beta)\min(n, \eta^2)$; III: II divided by $1-\beta^\ell$. The clip is on v in scheme I because a clipped n
    still lets $\sum n$ grow like $\ell\eta^2$; there v is kept clipped, which leaves Q the same (n only adds) and v
    finite. Without a ``clip`` nothing bounds Q (MATHEMATICS.md#V8).

    Args:
        scheme: "I", "II" or "III".
        beta: β, of no effect in scheme I.
        clip: η, the bound on Q.

    Source: MATHEMATICS.md#preconditioners (numbering reconstructed).
    """

    scheme: str = "III"
    beta: float = 0.999
    clip: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "scheme", choice("scheme", self.scheme, SCHEMES))
        object.__setattr__(self, "beta", real("beta", self.beta, at_least=0.0, below=1.0))
        object.__setattr__(self, "clip", checked_clip(self.clip))

    @property
    def guarantee(self) -> Guarantee:
        """0 ⪯ Q ⪯ ηI with a clip, none without."""
        clipped, loose = "the second moment is clipped at η²", "no clip: Q grows with π + g"
        return Guarantee(self.clip, clipped if self.clip else loose)

    @property
    def shrinkage(self) -> float:
        r"""1 for scheme I, √β for II; $\sqrt{\beta/(1+\beta)}$ for III, where the second look is the worst.

        There $\vartheta_k^2 = \beta(1-\beta^k)/(1-\beta^{k+1})$, which grows to β.
        """
        return math.sqrt({"I": 1.0, "II": self.beta, "III": self.beta / (1 + self.beta)}[self.scheme])

    def init(self, like: Array) -> Moment:
        """Return v = 0."""
        return Moment(0 * like, Diagonal(0 * like))

    def update(self, state: Moment, at: Observation) -> tuple[Array, Moment]:
        """Return the gradient and the new moment."""
        root, moment = self.advance(state.moment, at.multiplier + at.gradient, at.iteration)
        return at.gradient, Moment(moment, Diagonal(root))

    def advance(self, moment: Array, direction: Array, iteration: int) -> tuple[Array, Array]:
        """Return (√v as Q uses it, v to keep) after one look at ``direction`` = π + g."""
        xp = namespace(direction)
        # Clipped before squaring: the square of a huge direction would overflow.
        size = self._clipped(xp.abs(direction))
        if self.scheme == "I":
            moment = moment + size * size
            moment = moment if self.clip is None else xp.clip(moment, 0.0, self.clip * self.clip)
            return self._clipped(xp.sqrt(moment)), moment
        moment = self.beta * moment + (1 - self.beta) * (size * size)
        used = moment / (1 - self.beta ** (iteration + 1)) if self.scheme == "III" else moment
        # The bias correction divides two rounded numbers, so that √v may pass η by an ulp.
        return self._clipped(xp.sqrt(used)), moment

    def _clipped(self, root: Array) -> Array:
        return root if self.clip is None else namespace(root).clip(root, 0.0, self.clip)
