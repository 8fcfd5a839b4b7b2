"""Clients that are not there in a round: what is kept of them, and what stands for the gradient they did not take."""

from typing import Any

from pisa_lab._array import Array, column, namespace


def keep_absent(active: Array, new: Any, old: Any) -> Any:
    """Return the tree that takes client i from ``new`` where ``active[…, i]`` and from ``old`` elsewhere.

    ``active`` is (…, clients); a leaf without these axes, such as a number that all clients share, is taken from
    ``new``. An absent client keeps what it had to the last bit, also where ``new`` is not finite.
    """
    if isinstance(new, tuple):
        parts = [keep_absent(active, a, b) for a, b in zip(new, old, strict=True)]
        return type(new)(*parts) if hasattr(new, "_fields") else tuple(parts)
    if not hasattr(new, "ndim") or tuple(new.shape[: active.ndim]) != tuple(active.shape):
        return new
    return namespace(new).where(column(active, new), new, old)


def known_gradient(active: Array | None, gradient: Array, multiplier: Array) -> Array:
    r"""Return $g_i$ of the clients that are there and $-\pi_i$, all that the server knows of it, of the others.

    ``gradient`` and ``multiplier`` are (…, clients, \*shape); ``active`` is None where everybody is there.
    """
    return gradient if active is None else keep_absent(active, gradient, -multiplier)
