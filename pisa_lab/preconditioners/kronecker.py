"""A Kronecker-factored preconditioner of matrix blocks, from the gradients alone."""

import dataclasses
from typing import Any, NamedTuple

from pisa_lab._array import Array, broadcast, namespace
from pisa_lab._checks import real, whole
from pisa_lab.preconditioners.base import Base, Blockwise, Diagonal, Guarantee, Kronecker, checked_clip
from pisa_lab.preconditioners.blocks import checked, split
from pisa_lab.preconditioners.forms import eye, spectrum
from pisa_lab.state import Observation


class Sides(NamedTuple):
    """The averages L of GGᵀ (…, clients, rows, rows) and R of GᵀG (…, clients, columns, columns)."""

    left: Array
    right: Array


class Factored(NamedTuple):
    """What is averaged, one entry per block (`Sides` of a matrix, else an array of squares), and Q made of it."""

    memory: tuple[Any, ...]
    form: Any


@dataclasses.dataclass(frozen=True)
class KroneckerFactored(Base):
    r"""$Q_i = \hat L^s \otimes \hat R^s$ on each matrix block, $\mathrm{Diag}(\hat v^{2s})$ on the rest.

    $L \leftarrow \beta L + (1-\beta)GG^\top$, $R \leftarrow \beta R + (1-\beta)G^\top G$ with $G$ the mini-batch
    gradient of the block as a matrix, $v$ the same of $g\odot g$; hats divide by $1-\beta^{\ell+1}$. $\otimes$ acts
    on the row-major vector, so that $QG = \hat L^s G\hat R^s$. With $s = 1/4$ (Shampoo's exponent) Q is of degree one
    in the gradient, as SISA's; with $s = 1/2$ of degree two, as a Fisher matrix, and then $\mathrm{rank}(G)\,Q
    \succeq$ the average of $\mathrm{vec}(G)\mathrm{vec}(G)^\top$. The factors of K-FAC proper need the activations of
    a network, which an `Observation` does not carry.

    The solve with $\sigma I + \rho Q$ is exact, through the eigenbases of both factors.

    Args:
        blocks: (name, shape) pairs of a flat parameter; a block with two axes is a matrix. None: the parameter has
            two axes and is one matrix.
        beta: β; 0 keeps the last gradient only.
        power: $s$ in (0, 1/2].
        clip: η, the bound on Q; None promises none.
        largest: the side of a matrix above which the preconditioner refuses.

    Source: MATHEMATICS.md#preconditioners (Kronecker factors); the definition is ours, after Shampoo.
    """

    blocks: Any = None
    beta: float = 0.95
    power: float = 0.25
    clip: float | None = None
    largest: int = 2_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "blocks", checked(self.blocks))
        object.__setattr__(self, "beta", real("beta", self.beta, at_least=0.0, below=1.0))
        object.__setattr__(self, "power", real("power", self.power, above=0.0, at_most=0.5))
        object.__setattr__(self, "clip", checked_clip(self.clip))
        object.__setattr__(self, "largest", whole("largest", self.largest, at_least=1))

    @property
    def guarantee(self) -> Guarantee:
        """0 ⪯ Q ⪯ ηI with a clip, none without."""
        return Guarantee(self.clip, "eigenvalues are clipped at η" if self.clip else "no clip: Q grows with g")

    @property
    def _matrices(self) -> tuple[bool, ...]:
        """Which blocks are matrices."""
        return (True,) if self.blocks is None else tuple(len(shape) == 2 for _, shape in self.blocks)

    def init(self, like: Array) -> Factored:
        """Return L = R = 0, v = 0 and Q = 0."""
        pieces = self._pieces(like, like.ndim - (2 if self.blocks is None else 1))
        memory = tuple(
            _sides(0 * piece) if matrix else 0 * piece for piece, matrix in zip(pieces, self._matrices, strict=True)
        )
        parts = [
            Kronecker(0 * piece, _identity(piece, -2), _identity(piece, -1)) if matrix else Diagonal(0 * piece)
            for piece, matrix in zip(pieces, self._matrices, strict=True)
        ]
        return Factored(memory, self._whole(parts))

    def update(self, state: Factored, at: Observation) -> tuple[Array, Factored]:
        """Return the gradient and the new averages."""
        axes, wanted = at.gradient.ndim - at.batch_axes, 2 if self.blocks is None else 1
        if axes != wanted:
            raise ValueError(f"blocks: {self.blocks!r} needs a parameter with {wanted} axes, this one has {axes}")
        pieces = self._pieces(at.gradient, at.batch_axes)
        memory = tuple(self._averaged(old, piece) for old, piece in zip(state.memory, pieces, strict=True))
        correction = 1 - self.beta ** (at.iteration + 1)
        return at.gradient, Factored(memory, self._whole([self._formed(new, correction) for new in memory]))

    def _pieces(self, x: Array, batch_axes: int) -> list[Array]:
        """Return the blocks of ``x`` after checking that no side of a matrix is too large."""
        pieces = [x] if self.blocks is None else split(x, self.blocks, batch_axes)
        for piece, matrix in zip(pieces, self._matrices, strict=True):
            if matrix and max(piece.shape[-2:]) > self.largest:
                raise ValueError(
                    f"largest: a matrix has a side of {max(piece.shape[-2:])}, {type(self).__name__} serves at most "
                    f"{self.largest}; use 'second-moment-3' or 'orthogonal-momentum'"
                )
        return pieces

    def _averaged(self, old: Any, gradient: Array) -> Any:
        """Return the averages after one more gradient of a block."""
        if isinstance(old, Sides):
            new = _sides(gradient)
            return Sides(*(self.beta * was + (1 - self.beta) * now for was, now in zip(old, new, strict=True)))
        return self.beta * old + (1 - self.beta) * (gradient * gradient)

    def _formed(self, memory: Any, correction: float) -> Kronecker | Diagonal:
        """Return Q of one block, clipped."""
        form: Kronecker | Diagonal
        if isinstance(memory, Sides):
            rows, left = spectrum(memory.left / correction)
            columns, right = spectrum(memory.right / correction)
            values = self._power(rows)[..., :, None] * self._power(columns)[..., None, :]
            form = Kronecker(values, left, right)
        else:
            form = Diagonal((memory / correction) ** (2 * self.power))
        return form if self.clip is None else form.clip(self.clip)

    def _power(self, values: Array) -> Array:
        """Return values^s; what is rounding becomes 0 first, for its fourth root would not be small."""
        xp = namespace(values)
        rounding = values.shape[-1] * float(xp.finfo(values.dtype).eps)
        top = xp.max(values, axis=-1, keepdims=True)
        return xp.where(values < rounding * top, xp.zeros_like(values), values) ** self.power

    def _whole(self, parts: list[Any]) -> Any:
        return parts[0] if self.blocks is None else Blockwise(tuple(parts))


def _sides(gradient: Array) -> Sides:
    """Return GGᵀ and GᵀG."""
    xp = namespace(gradient)
    turned = xp.matrix_transpose(gradient)
    return Sides(xp.matmul(gradient, turned), xp.matmul(turned, gradient))


def _identity(reference: Array, axis: int) -> Array:
    """Return one identity per matrix of ``reference``, as large as its ``axis``."""
    size = reference.shape[axis]
    return broadcast(eye(reference, size), (*reference.shape[:-2], size, size))
