"""Preconditioners from per-sample gradients: the empirical Fisher matrix and its diagonal."""

import dataclasses
import math

import numpy as np

from pisa_lab._array import Array, column, index_like, like, namespace
from pisa_lab.preconditioners.base import Base, Form, Guarantee, Spectral, checked_clip
from pisa_lab.preconditioners.curvature import Curvature, asked
from pisa_lab.preconditioners.forms import spectrum
from pisa_lab.state import Observation


def samples(at: Observation, asker: object) -> tuple[Array, Array]:
    r"""Return every sample's gradient at the consensus, (…, clients, b, \*shape), and its share, (…, clients, b).

    Shares are 1/b in a mini-batch. Without one all samples count: clients with fewer than the largest repeat their last
    row with share 0.

    Raises:
        ValueError: the problem has no ``sample_grad``, or no ``sizes`` where the gradient was a full one.
    """
    gradients = asked(at.problem, "sample_grad", asker)
    if at.batch is not None:
        return gradients(at.consensus, at.batch), like(np.full(at.batch.shape, 1 / at.batch.shape[-1]), at.gradient)
    sizes = getattr(at.problem, "sizes", None)
    if sizes is None:
        raise ValueError(f"problem: {type(at.problem).__name__} has no sizes; {type(asker).__name__} needs its samples")
    counts = np.reshape(np.asarray(sizes), (*(1,) * (at.batch_axes - 1), -1, 1))
    rows = np.arange(counts.max())
    batch = index_like(np.minimum(rows, counts - 1), at.gradient)
    return gradients(at.consensus, batch), like((rows < counts) / counts, at.gradient)


@dataclasses.dataclass(frozen=True)
class Fisher(Curvature):
    r"""$Q_i = \frac1b\sum_{x \in B_i} \nabla f(w; x)\nabla f(w; x)^\top$, the empirical Fisher matrix.

    "Empirical" because the gradients are those of the data's own labels, not of labels drawn from the model; its rank
    is at most b. Source: MATHEMATICS.md#preconditioners.
    """

    def form(self, at: Observation) -> Form:
        """Return the second moment of the per-sample gradients."""
        xp = namespace(at.gradient)
        gradients, shares = samples(at, self)
        lead, count = gradients.shape[: at.batch_axes], gradients.shape[at.batch_axes]
        rows = xp.reshape(gradients, (*lead, count, math.prod(gradients.shape[at.batch_axes + 1 :])))
        return Spectral(*spectrum(xp.matmul(xp.matrix_transpose(rows), column(shares, rows) * rows)))


@dataclasses.dataclass(frozen=True)
class FisherDiagonal(Base):
    r"""$Q_i = \mathrm{Diag}\bigl(\frac1b\sum_{x \in B_i} \nabla f(w; x)\odot\nabla f(w; x)\bigr)$, of any size.

    Args:
        clip: η, the bound on Q; None promises none.

    Source: MATHEMATICS.md#preconditioners.
    """

    clip: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "clip", checked_clip(self.clip))

    @property
    def guarantee(self) -> Guarantee:
        """0 ⪯ Q ⪯ ηI with a clip, none without."""
        return Guarantee(self.clip, "entries are clipped at η" if self.clip else "no clip: the data decide")

    def entries(self, at: Observation) -> Array:
        """Return the mean squares of the per-sample gradients."""
        xp = namespace(at.gradient)
        gradients, shares = samples(at, self)
        entries = xp.sum(column(shares, gradients) * gradients * gradients, axis=at.batch_axes)
        return entries if self.clip is None else xp.clip(entries, 0.0, self.clip)
