r"""NSISA on the server: one Newton–Schulz a round on the aggregate, steepest descent in the spectral norm."""

import dataclasses
import math
from typing import Any, NamedTuple

from pisa_lab._array import Array, column, namespace
from pisa_lab._checks import choice, real, whole
from pisa_lab.metrics.metric import Metric, MetricState
from pisa_lab.preconditioners import SecondMoment, newton_schulz
from pisa_lab.preconditioners.blocks import checked, join, split
from pisa_lab.state import Observation

LARGEST = 1.2024
"""θ₊, the largest singular value that five Newton–Schulz steps return."""
SCALES = ("constant", "nuclear", "clipped")


class SpectralState(NamedTuple):
    """The metric of what is no matrix; the w_i are those of D = I."""

    elementwise: MetricState

    def scale(self, v: Array) -> Array:
        """Return v."""
        return v

    def unscale(self, v: Array) -> Array:
        """Return v."""
        return v


@dataclasses.dataclass(frozen=True)
class SpectralDescent:
    r"""$\Delta w = \tfrac1\sigma\,\varphi\,\mathrm{NS}_5(x)$ on each matrix block, x the pull of multipliers and ridge.

    With $N = \langle x, \mathrm{NS}_5(x)\rangle/\theta_+$, which is about the nuclear norm of x, the length is

    * "constant": $\varphi = \sqrt{\max(1, \text{rows}/\text{columns})}$, Muon's step on the aggregate;
    * "nuclear": $\varphi = N/\theta_+$, steepest descent in the spectral norm: steps shrink with the gradient;
    * "clipped": $\varphi = \min(N, \tau)/\theta_+$, the one near a stationary point, the other far from it.

    x is 0 at KKT points and nowhere else, and $\mathrm{NS}_5$ has no other zero: fixed points are KKT points whatever
    the heterogeneity, where orthogonalising at the clients has others (MATHEMATICS.md#V9). The clients need scalar
    multipliers, `HeavyBall` or Q = 0. What is no matrix takes the step of ``elementwise``.

    Args:
        scale: "constant", "nuclear" or "clipped".
        threshold: τ.
        blocks: (name, shape) pairs of a flat parameter; None: a parameter with two axes is one matrix.
        elementwise: the metric of what is no matrix; its step is made with σ/``ratio``.
        ratio: how much longer than 1/σ the steps of what is no matrix are.
        steps: Newton–Schulz steps.

    Source: MATHEMATICS.md#N6.
    """

    scale: str = "constant"
    threshold: float = 1.0
    blocks: Any = None
    elementwise: Metric = dataclasses.field(default_factory=lambda: Metric(SecondMoment("III")))
    ratio: float = 1.0
    steps: int = 5

    def __post_init__(self) -> None:
        choice("scale", self.scale, SCALES)
        object.__setattr__(self, "threshold", real("threshold", self.threshold, above=0.0))
        object.__setattr__(self, "blocks", checked(self.blocks))
        if not isinstance(self.elementwise, Metric):
            raise ValueError(f"elementwise: {self.elementwise!r} is no Metric")
        object.__setattr__(self, "ratio", real("ratio", self.ratio, above=0.0))
        object.__setattr__(self, "steps", whole("steps", self.steps, at_least=1))

    def init(self, like: Array) -> SpectralState:
        """Return the first state of the metric of what is no matrix."""
        return SpectralState(self.elementwise.init(like))

    def update(self, state: SpectralState, at: Observation) -> SpectralState:
        """Return the state after a look at the aggregate gradient."""
        return SpectralState(self.elementwise.update(state.elementwise, at))

    def step(self, state: SpectralState, pull: Array, total: Array, ridge: float) -> Array:
        """Return the increment; of matrices, ``ridge`` is in the pull alone."""
        rest = self.elementwise.step(state.elementwise, pull, total / self.ratio, ridge)
        lead = total.ndim
        if self.blocks is None:
            return self._descent(pull, total) if pull.ndim - lead == 2 else rest
        xp = namespace(pull)
        pieces = [
            self._descent(matrix, total) if matrix.ndim - lead == 2 else other
            for matrix, other in zip(split(pull, self.blocks, lead), split(rest, self.blocks, lead), strict=True)
        ]
        return xp.reshape(join(pieces, lead), pull.shape)

    def _descent(self, pull: Array, total: Array) -> Array:
        """Return the step of one matrix, (…, 1, rows, columns)."""
        xp = namespace(pull)
        direction = newton_schulz(pull, steps=self.steps)
        if self.scale == "constant":
            rows, columns = pull.shape[-2:]
            return math.sqrt(max(1.0, rows / columns)) * direction / column(total, pull)
        length = xp.sum(pull * direction, axis=(-2, -1)) / LARGEST
        if self.scale == "clipped":
            length = xp.clip(length, max=self.threshold)
        return column(length / total / LARGEST, pull) * direction
