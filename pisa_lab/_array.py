"""The only module that knows array libraries: namespaces, backends by name, and the few gathers the standard lacks."""

import importlib
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_cupy_array, is_torch_array
from array_api_compat import device as array_device

Array = Any
"""An array of any library that follows the array API standard (NumPy, CuPy, torch, array_api_strict)."""

_MODULES = {
    "numpy": "array_api_compat.numpy",
    "strict": "array_api_strict",
    "torch": "array_api_compat.torch",
    "cupy": "array_api_compat.cupy",
}
BACKENDS = tuple(_MODULES)


def backend(name: str) -> ModuleType:
    """Return the array namespace called ``name``, imported only now.

    Raises:
        ValueError: the name is unknown, the library is not installed, or CuPy finds no GPU (it imports without one
            and then fails at the first allocation).
    """
    if name not in _MODULES:
        raise ValueError(f"backend: {name!r} is not one of {', '.join(BACKENDS)}")
    try:
        module = importlib.import_module(_MODULES[name])
    except ImportError as error:
        raise ValueError(f"backend: {name!r} is not installed ({error})") from error
    if name == "cupy" and not importlib.import_module("cupy").is_available():
        raise ValueError("backend: 'cupy' is installed but finds no CUDA device")
    return module


def namespace(*arrays: Array) -> Any:
    """Return the array API namespace that ``arrays`` share."""
    return array_namespace(*arrays)


def to_numpy(x: Array) -> np.ndarray[Any, Any]:
    """Return ``x`` as a NumPy array on the host, detached from any graph."""
    if is_torch_array(x):
        return np.asarray(x.detach().cpu().numpy())
    if is_cupy_array(x):
        return np.asarray(x.get())
    return np.asarray(x)


def like(values: Any, reference: Array) -> Array:
    """Return ``values`` as an array of the library, floating type and device of ``reference``."""
    xp = namespace(reference)
    return xp.asarray(values, dtype=reference.dtype, device=array_device(reference))


def index_like(indices: np.ndarray[Any, Any], reference: Array) -> Array:
    """Return integer ``indices`` made on the host as an array beside ``reference``."""
    xp = namespace(reference)
    return xp.asarray(indices, dtype=xp.int64, device=array_device(reference))


def column(values: Array, reference: Array) -> Array:
    """Append axes to ``values`` (one number per client) so that it broadcasts against ``reference``."""
    return values if isinstance(values, float) else values[(...,) + (None,) * (reference.ndim - values.ndim)]


def trailing(x: Array, count: int) -> tuple[int, ...]:
    """Return the axes of ``x`` after its first ``count``: those of one parameter."""
    return tuple(range(count, x.ndim))


def squared_norm(x: Array, batch_axes: int) -> Array:
    r"""Return $\|x\|^2$ over every axis after the first ``batch_axes``."""
    xp = namespace(x)
    axes = trailing(x, batch_axes)
    return xp.sum(x * x, axis=axes) if axes else x * x


def client_sum(weights: Array, x: Array, axis: int) -> Array:
    r"""Return $\sum_i \alpha_i x_i$ over the client axis ``axis`` of ``x``.

    A sum and not a matrix product: a product would fold the replicate axis into the library's blocking, and replicate r
    alone would differ from replicate r among R in the last bit.
    """
    xp = namespace(x)
    shape = (-1,) + (1,) * (x.ndim - axis - 1)
    return xp.sum(xp.reshape(weights, shape) * x, axis=axis)


def gather_rows(data: Array, indices: Array) -> Array:
    """Return rows of every client's own block, (…, clients, b, …).

    ``data`` is (clients, n, …) and ``indices`` (…, clients, b), each in 0 … n−1.
    """
    xp = namespace(data)
    clients, rows = data.shape[0], data.shape[1]
    if clients > 1:
        indices = indices + xp.arange(clients, dtype=indices.dtype, device=array_device(data))[:, None] * rows
    flat = xp.reshape(indices, (-1,))
    taken = xp.take(xp.reshape(data, (clients * rows, *data.shape[2:])), flat, axis=0)
    return xp.reshape(taken, (*indices.shape, *data.shape[2:]))


def broadcast(x: Array, shape: Sequence[int]) -> Array:
    """Return a new array with the values of ``x`` and ``shape``; it shares memory with nothing."""
    xp = namespace(x)
    return xp.zeros(tuple(shape), dtype=x.dtype, device=array_device(x)) + x
