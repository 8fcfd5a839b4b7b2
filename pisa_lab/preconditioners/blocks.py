"""A flat parameter as a list of named blocks: cut it up, put it together again."""

import math
from collections.abc import Sequence
from typing import Any

from pisa_lab._array import Array, namespace
from pisa_lab._checks import whole

Blocks = tuple[tuple[str, tuple[int, ...]], ...]
"""The (name, shape) pairs of a flat parameter, in order."""


def checked(blocks: Any) -> Blocks | None:
    """Return ``blocks`` as nested tuples, or None as it is.

    Raises:
        ValueError: an entry is not a (name, shape) pair, or there is none.
    """
    if blocks is None:
        return None
    try:
        pairs = tuple((str(name), tuple(whole("blocks", int(n), at_least=1) for n in shape)) for name, shape in blocks)
    except (TypeError, ValueError) as error:
        raise ValueError(f"blocks: {blocks!r} must be (name, shape) pairs ({error})") from error
    if not pairs:
        raise ValueError("blocks: empty; one (name, shape) pair per block of the parameter")
    return pairs


def split(parameter: Array, blocks: Blocks, batch_axes: int) -> list[Array]:
    """Return one array (…, *shape) per block; ``parameter`` has ``batch_axes`` axes before its own.

    Raises:
        ValueError: the blocks do not fill the parameter exactly.
    """
    xp = namespace(parameter)
    lead, size = tuple(parameter.shape[:batch_axes]), math.prod(parameter.shape[batch_axes:])
    ends = [0]
    for _, shape in blocks:
        ends.append(ends[-1] + math.prod(shape))
    if ends[-1] != size:
        raise ValueError(f"blocks: they hold {ends[-1]} numbers, the parameter has {size}")
    flat = xp.reshape(parameter, (*lead, size))
    return [
        xp.reshape(flat[..., start:end], (*lead, *shape))
        for (_, shape), start, end in zip(blocks, ends[:-1], ends[1:], strict=True)
    ]


def join(pieces: Sequence[Array], batch_axes: int) -> Array:
    """Return the flat parameter (…, p) that `split` cut up."""
    xp = namespace(*pieces)
    return xp.concat(
        [xp.reshape(piece, (*piece.shape[:batch_axes], math.prod(piece.shape[batch_axes:]))) for piece in pieces],
        axis=batch_axes,
    )
