"""NSISA's preconditioner: momentum, orthogonalised by Newton-Schulz, stands for the gradient."""

import dataclasses
import math
from typing import Any, NamedTuple

from pisa_lab._array import Array, namespace
from pisa_lab._checks import real, whole
from pisa_lab.preconditioners.base import Base, Diagonal, Guarantee, checked_clip
from pisa_lab.preconditioners.blocks import Blocks, checked, join, split
from pisa_lab.preconditioners.second_moment import SecondMoment
from pisa_lab.state import Observation

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""(a, b, c) of the quintic $as + bs^3 + cs^5$ that each step applies to the singular values."""


def newton_schulz(x: Array, *, steps: int = 5) -> Array:
    r"""Return an approximation of $UV^\top$ for every matrix $x = U\Sigma V^\top$ of ``x`` (…, rows, columns).

    $$X_0 = x/\|x\|_F,\qquad X \leftarrow aX + bAX + cA^2X,\quad A = XX^\top,$$

    transposed when tall, so that $A$ is the smaller Gram matrix. Zero stays zero. The norm is taken after division by
    the largest entry, so that neither tiny nor huge matrices lose it, and nothing is added to it: the result does not
    depend on the scale of ``x``.

    After five steps a singular value of $X_0$ (all lie in [0, 1]) ends in [0.6818, 1.1344] if it was at least 0.0052,
    in [0.6818, 1.2024] from 0.0016 on; smaller ones, still growing 3.4445-fold a step, end below (measured, to 1e-4).

    Source: MATHEMATICS.md#preconditioners.
    """
    xp = namespace(x)
    if x.shape[-2] > x.shape[-1]:
        return xp.matrix_transpose(newton_schulz(xp.matrix_transpose(x), steps=steps))
    x = x / _positive(xp.max(xp.abs(x), axis=(-2, -1), keepdims=True))
    x = x / _positive(xp.sqrt(xp.sum(x * x, axis=(-2, -1), keepdims=True)))
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        gram = xp.matmul(x, xp.matrix_transpose(x))
        x = a * x + xp.matmul(b * gram + c * xp.matmul(gram, gram), x)
    return x


def _positive(scale: Array) -> Array:
    """Return ``scale`` with 1 where it is 0: the matrix there is zero and stays so."""
    xp = namespace(scale)
    return xp.where(scale > 0, scale, xp.ones_like(scale))


class Momentum(NamedTuple):
    """The momentum b, the averaged moment v (None without memory) and Q made of it."""

    momentum: Array
    moment: Array | None
    form: Diagonal


@dataclasses.dataclass(frozen=True)
class OrthogonalMomentum(Base):
    r"""$o = \mathrm{NS}_5(\tilde g)\sqrt{\max(1, \text{rows}/\text{columns})}$ in place of $g$, Q from $\pi + o$.

    $b \leftarrow \mu_b b + g$; $\tilde g = g + \mu_b b$ (Nesterov) or $b$; a block that is not a matrix passes
    $\tilde g$ on as it is. $Q = \mathrm{Diag}\sqrt v$ with $v = u\odot u$, $u = \pi + o$ (``beta`` = 0, no memory) or
    its bias-corrected average, clipped at η where ``clip`` says so.

    This is PISA only where $(\pi+g)/(\pi+o)$ lies between its bounds entrywise, and nothing enforces that: its fixed
    points are not KKT points (MATHEMATICS.md#V9). The authors' code replaces zeros of $u$ by $\varepsilon^\ell$,
    $\varepsilon = 10^{-15}$; this moves $w_i$ by less than rounding and underflows at $\ell = 22$ (float32: 4), and
    $0/(\sigma+0)$ needs no help, so that it is left out here.

    Args:
        blocks: (name, shape) pairs of a flat parameter; a block with two axes is a matrix. None: a parameter with two
            axes is one matrix, any other passes through.
        momentum: $\mu_b$.
        nesterov: look ahead by one step of the momentum.
        steps: Newton–Schulz steps.
        beta: the decay of $v$; 0 keeps none of it.
        clip: η, the bound on Q.

    Source: MATHEMATICS.md#preconditioners.
    """

    blocks: Any = None
    momentum: float = 0.95
    nesterov: bool = True
    steps: int = 5
    beta: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", checked(self.blocks))
        object.__setattr__(self, "momentum", real("momentum", self.momentum, at_least=0.0, below=1.0))
        object.__setattr__(self, "steps", whole("steps", self.steps, at_least=1))
        object.__setattr__(self, "beta", real("beta", self.beta, at_least=0.0, below=1.0))
        object.__setattr__(self, "clip", checked_clip(self.clip))

    @property
    def guarantee(self) -> Guarantee:
        """0 ⪯ Q ⪯ ηI with a clip, none without."""
        return Guarantee(self.clip, "√v is clipped at η" if self.clip else "no clip: Q grows with π + o")

    @property
    def replaces_gradient(self) -> bool:
        """Always."""
        return True

    def init(self, like: Array) -> Momentum:
        """Return b = 0, v = 0."""
        return Momentum(0 * like, 0 * like if self.beta else None, Diagonal(0 * like))

    def update(self, state: Momentum, at: Observation) -> tuple[Array, Momentum]:
        """Return the orthogonalised momentum and the new state."""
        momentum = self.momentum * state.momentum + at.gradient
        ahead = at.gradient + self.momentum * momentum if self.nesterov else momentum
        direction = self._orthogonal(ahead, at.batch_axes)
        root, moment = self._root(state, at.multiplier + direction, at.iteration)
        return direction, Momentum(momentum, moment, Diagonal(root))

    def _root(self, state: Momentum, direction: Array, iteration: int) -> tuple[Array, Array | None]:
        """Return (√v, v to keep); without memory √v = |u|, never squared."""
        xp = namespace(direction)
        if state.moment is not None:
            return SecondMoment("III", self.beta, self.clip).advance(state.moment, direction, iteration)
        root = xp.abs(direction)
        return (root if self.clip is None else xp.clip(root, 0.0, self.clip)), None

    def _orthogonal(self, x: Array, batch_axes: int) -> Array:
        if self.blocks is None:
            return self._matrices(x) if x.ndim - batch_axes == 2 else x
        xp = namespace(x)
        return xp.reshape(join(self._blockwise(split(x, self.blocks, batch_axes)), batch_axes), x.shape)

    def _blockwise(self, pieces: list[Array]) -> list[Array]:
        """Orthogonalise the matrices among ``pieces``, equal shapes in one batch."""
        xp = namespace(*pieces)
        blocks: Blocks = self.blocks
        result = list(pieces)
        for shape in {shape for _, shape in blocks if len(shape) == 2}:
            places = [place for place, (_, other) in enumerate(blocks) if other == shape]
            batch = self._matrices(xp.stack([pieces[place] for place in places], axis=-3))
            for number, place in enumerate(places):
                result[place] = batch[..., number, :, :]
        return result

    def _matrices(self, x: Array) -> Array:
        rows, columns = x.shape[-2:]
        return math.sqrt(max(1.0, rows / columns)) * newton_schulz(x, steps=self.steps)
