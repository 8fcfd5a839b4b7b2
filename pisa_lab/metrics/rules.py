"""Metrics that need no constant under mini-batches: AdaGrad's sums, and secants; and a diagonal given once for all."""

import dataclasses
from typing import Any, NamedTuple

from pisa_lab._array import Array, broadcast, namespace, squared_norm, trailing
from pisa_lab._array import like as numbers_like
from pisa_lab._checks import choice, finite, real, whole
from pisa_lab.metrics.metric import Aggregate
from pisa_lab.preconditioners.base import Base, Diagonal, Formed, Guarantee
from pisa_lab.preconditioners.blocks import checked, join, split
from pisa_lab.state import Observation

SHARES = ("norm", "layer", "coordinate")


class Squares(NamedTuple):
    """The sum of squares, one number for each entry of the parameter, and its root as Q."""

    total: Array
    form: Diagonal


@dataclasses.dataclass(frozen=True)
class AdaGradNorm(Base):
    r"""$Q = \mathrm{Diag}\sqrt{\textstyle\sum_ja_{j}}$, $a_{k,B} = \|G_B\|^2 + \sum_i\alpha_i\|(g_i+\pi_i)_B\|^2$.

    B is the whole parameter, a layer or a coordinate. With `Metric(…, order="mixed")`, Q = 0 at the clients and λ = 0
    it is the method of theorem N4 with $c_0 = \sigma^2$, which asks for no L, no variance and no horizon; the first
    gradient is the probe that its start comes from. For one block the step is that of Li & Orabona (2019) and of Ward,
    Wu & Bottou (2019). The theorem's start is positive in every block: a coordinate that the first batches never touch
    has D = floor, and with a floor of 1e-8 it leaps when one does (sparse features: give the `Metric` a floor of the
    size of gradients). Source: MATHEMATICS.md#N4.

    Args:
        by: what shares a number: "norm" (all), "layer" or "coordinate".
        blocks: (name, shape) pairs of a flat parameter, for "layer".
    """

    by: str = "norm"
    blocks: Any = None

    def __post_init__(self) -> None:
        choice("by", self.by, SHARES)
        object.__setattr__(self, "blocks", checked(self.blocks))
        if (self.by == "layer") != (self.blocks is not None):
            raise ValueError(f"blocks: {self.blocks!r} must be the (name, shape) pairs for by='layer', and None else")

    @property
    def shrinkage(self) -> float:
        """1: a sum of squares never falls."""
        return 1.0

    def init(self, like: Array) -> Squares:
        """Return sums of 0."""
        return Squares(0 * like, Diagonal(0 * like))

    def update(self, state: Squares, at: Observation) -> tuple[Array, Squares]:
        """Return the gradient and the sums with this round's squares.

        Raises:
            ValueError: ``at`` says nothing of the clients' spread, as it does to a metric.
        """
        if at.spread is None:
            raise ValueError("preconditioner: AdaGradNorm is a rule for the server's metric, Metric(AdaGradNorm())")
        total = state.total + self._shared(at.gradient * at.gradient + at.spread, at.batch_axes)
        return at.gradient, Squares(total, Diagonal(namespace(total).sqrt(total)))

    def _shared(self, squares: Array, batch_axes: int) -> Array:
        """Return in every entry the sum over its block."""
        if self.by == "coordinate":
            return squares
        if self.by == "norm":
            return _summed(squares, batch_axes)
        pieces = [_summed(piece, batch_axes) for piece in split(squares, self.blocks, batch_axes)]
        return namespace(squares).reshape(join(pieces, batch_axes), squares.shape)


def _summed(x: Array, batch_axes: int) -> Array:
    xp, axes = namespace(x), trailing(x, batch_axes)
    return broadcast(xp.sum(x, axis=axes, keepdims=True), x.shape) if axes else x


class Estimate(NamedTuple):
    """The estimate of L, the point of the last look, and Q made of the estimate."""

    smoothness: Array
    consensus: Array
    form: Diagonal


@dataclasses.dataclass(frozen=True)
class Secant(Base):
    r"""$Q = \kappa_0 L_k(1+k/k_0)^aI$, $L_k$ from secants: two gradients of one batch at two points.

    $L_k = \max(\beta^p L_{k-p}, \sqrt{\sum_i\alpha_i\|\nabla F_i(w_k;B)-\nabla F_i(w_{k-p};B)\|^2}/\|w_k-w_{k-p}\|)$
    every p-th round, which costs two gradients more. With `Metric(…, order="past")` and a > 1/2 it is a case of theorem
    N5, as long as $L_k$ stays between two positive bounds: nothing enforces that. Source: MATHEMATICS.md#N5.

    Args:
        kappa: κ₀.
        exponent: a.
        delay: k₀.
        period: p.
        decay: β, of each round.
    """

    kappa: float = 2.0
    exponent: float = 0.75
    delay: float = 20.0
    period: int = 5
    decay: float = 0.99

    def __post_init__(self) -> None:
        for name in ("kappa", "delay"):
            object.__setattr__(self, name, real(name, getattr(self, name), above=0.0))
        object.__setattr__(self, "exponent", real("exponent", self.exponent, at_least=0.0))
        object.__setattr__(self, "period", whole("period", self.period, at_least=1))
        object.__setattr__(self, "decay", real("decay", self.decay, above=0.0, at_most=1.0))

    def init(self, like: Array) -> Estimate:
        """Return an estimate of 0."""
        return Estimate(0 * like, 0 * like, Diagonal(0 * like))

    def update(self, state: Estimate, at: Observation) -> tuple[Array, Estimate]:
        """Return the gradient and the estimate, renewed in every ``period``-th round.

        Raises:
            ValueError: ``at`` has no oracle to ask for the second gradient.
        """
        if not isinstance(at.problem, Aggregate):
            raise ValueError("problem: Secant is a rule for the server's metric and asks its problem for gradients")
        if at.iteration % self.period:
            return at.gradient, state._replace(form=self._form(state.smoothness, at.iteration))
        other = self._probe(at) if at.iteration == 0 else state.consensus
        seen = self._quotient(at, other)
        smoothness = namespace(seen).maximum(self.decay**self.period * state.smoothness, seen)
        consensus = at.consensus + 0 * at.gradient
        return at.gradient, Estimate(smoothness, consensus, self._form(smoothness, at.iteration))

    def _form(self, smoothness: Array, iteration: int) -> Diagonal:
        return Diagonal(self.kappa * (1 + iteration / self.delay) ** self.exponent * smoothness)

    def _probe(self, at: Observation) -> Array:
        """Return a point a thousandth of ‖w‖ (or of 1) away along the gradient."""
        xp = namespace(at.gradient)
        tiny = float(xp.finfo(at.gradient.dtype).smallest_normal)
        length, size = (_root(squared_norm(x, at.batch_axes), x) for x in (at.consensus, at.gradient))
        return at.consensus - 1e-3 * (length + 1e-3) / xp.clip(size, min=tiny) * at.gradient

    def _quotient(self, at: Observation, other: Array) -> Array:
        """Return the secant between w and ``other`` in every entry, 0 where the two are one point."""
        xp = namespace(at.gradient)
        problem, axes = at.problem.problem, at.batch_axes
        change = problem.client_grad(at.consensus, at.batch) - problem.client_grad(other, at.batch)
        weights = xp.reshape(problem.weights, (-1,) + (1,) * (change.ndim - axes))
        mean = xp.sum(weights * change * change, axis=axes - 1, keepdims=True)
        rise = xp.sqrt(_summed(mean, axes))
        run = _root(squared_norm(at.consensus - other, axes), at.gradient)
        return xp.where(run > 0, rise / xp.where(run > 0, run, xp.ones_like(run)), xp.zeros_like(rise))


def _root(square: Array, reference: Array) -> Array:
    """Return √square with axes for those of ``reference``."""
    return namespace(square).sqrt(square)[(...,) + (None,) * (reference.ndim - square.ndim)]


@dataclasses.dataclass(frozen=True)
class Fixed(Base):
    """Q = Diag(entries), given once for all; as a tuple (nested for a parameter of several axes), all ≥ 0."""

    entries: Any

    def __post_init__(self) -> None:
        values = finite("entries", self.entries)
        if values.size == 0 or not (values >= 0).all():
            raise ValueError(f"entries: {self.entries!r} must be numbers >= 0")
        object.__setattr__(self, "entries", _nested(values.tolist()))

    @property
    def guarantee(self) -> Guarantee:
        """0 ⪯ Q ⪯ the largest entry."""
        return Guarantee(float(finite("entries", self.entries).max()), "the entries are given")

    @property
    def shrinkage(self) -> float:
        """1: the entries stay."""
        return 1.0

    def init(self, like: Array) -> Formed:
        """Return Q.

        Raises:
            ValueError: the entries do not fit the parameter.
        """
        entries = numbers_like(self.entries, like)
        if tuple(like.shape[like.ndim - entries.ndim :]) != tuple(entries.shape):
            raise ValueError(f"entries: shape {tuple(entries.shape)} does not fit gradients {tuple(like.shape)}")
        return Formed(Diagonal(broadcast(entries, like.shape)))

    def update(self, state: Formed, at: Observation) -> tuple[Array, Formed]:
        """Return the gradient and Q."""
        return at.gradient, state


def _nested(values: Any) -> Any:
    return tuple(map(_nested, values)) if isinstance(values, list) else float(values)
