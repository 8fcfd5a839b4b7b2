r"""Fused twins of SISA's diagonal step: one pass over 1-D slices where the pure lines make a dozen over whole arrays.

Every twin does the arithmetic of `updates` and `SecondMoment` entry by entry, in their order, with no fused
multiply-add and no reassociation, so that it returns the same bits; the pure lines are its oracle in a test. Numba and
CuPy are imported when a twin is first asked for, never by `import pisa_lab`.
"""

import functools
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from pisa_lab._array import Array, namespace

_COLUMNS = 4096
"""Columns that the server's sum takes at once, so that its result stays in the cache while the clients pass by."""


class Moments(NamedTuple):
    r"""The scalars of one client step.

    $v' = \min(\beta v + \text{gain}\,n^2, \text{ceiling})$ with $n = \min(|\pi+g|, \text{cap})$, and
    $Q = \mathrm{Diag}\min(\sqrt{v'/\text{correction}}, \text{cap})$; ∞ where there is no clip.
    """

    beta: float
    gain: float
    correction: Any
    cap: float
    ceiling: float


def available(like: Array) -> bool:
    """Return whether there is a twin for arrays such as ``like``: NumPy with numba installed, or CuPy."""
    library, kinds = _library(like), ("float32", "float64")
    if library == "cupy":
        return str(like.dtype) in kinds
    return library == "numpy" and str(like.dtype) in kinds and importlib.util.find_spec("numba") is not None


def client_step(
    multiplier: Array,
    gradient: Array,
    moment: Array,
    penalty: Array,
    rho: Array,
    scalars: Moments,
    *,
    out: tuple[Array, Array, Array],
) -> None:
    r"""Fill ``out`` with $(d_i, \pi_i', v_i')$: `SecondMoment.advance`, `diagonal_solve` and `multiplier_step` at once.

    $$d = -(\pi+g)/(\sigma+\rho\sqrt{v'/c}),\qquad \pi' = \pi + \sigma d$$

    Shapes: arrays (rows, size), contiguous and of one floating type; ``penalty`` and ``rho`` (rows,). ``out`` shares no
    memory with the inputs, which are left alone.
    """
    # Rounded first to the arrays' type, as the pure lines do: a float64 scalar would make a float32 product float64.
    rounded = Moments(*(multiplier.dtype.type(number) for number in scalars))
    if _library(multiplier) == "cupy":
        _elementwise()(multiplier, gradient, moment, penalty[:, None], rho[:, None], *rounded, *out)
        return
    # Without the correction a pass is compiled that has one division less: divisions and the root set its pace.
    numbers = rounded._replace(correction=None) if scalars.correction == 1.0 else rounded
    _compiled(_client_rows)(multiplier, gradient, moment, penalty, rho, *numbers, *out)


def server_sum(deviation: Array, multiplier: Array, penalty: Array, weights: Array) -> Array:
    r"""Return $\sum_i\alpha_i(\sigma_id_i+\pi_i)$, (replicates, size), from arrays (replicates, clients, size).

    NumPy only. ``penalty`` is (replicates, clients), ``weights`` (clients,).
    """
    total = np.empty((deviation.shape[0], deviation.shape[2]), dtype=deviation.dtype)
    _compiled(_weighted_sum)(deviation, multiplier, penalty, weights, total)
    return total


def _library(x: Array) -> str:
    return str(namespace(x).__name__).rpartition(".")[2]


@functools.cache
def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """Return ``function`` compiled by numba; NumPy's error model, for the check of Python's divisions stops SIMD."""
    numba = importlib.import_module("numba")
    compiled: Callable[..., None] = numba.njit(nogil=True, error_model="numpy", fastmath=False)(function)
    return compiled


def _client_rows(
    multiplier: Any,
    gradient: Any,
    moment: Any,
    penalty: Any,
    rho: Any,
    beta: Any,
    gain: Any,
    correction: Any,
    cap: Any,
    ceiling: Any,
    new_deviation: Any,
    new_multiplier: Any,
    new_moment: Any,
) -> None:
    for row in range(multiplier.shape[0]):
        sigma, weight = penalty[row], rho[row]
        pi, g, v = multiplier[row], gradient[row], moment[row]
        d, pi_out, v_out = new_deviation[row], new_multiplier[row], new_moment[row]
        for k in range(pi.size):
            direction = pi[k] + g[k]
            size = abs(direction)
            # A comparison and not min(): NaN must pass through, as it does through clip.
            size = cap if size > cap else size
            raw = beta * v[k] + gain * (size * size)
            raw = ceiling if raw > ceiling else raw
            used = raw
            if correction is not None:
                used = raw / correction
            root = np.sqrt(used)
            root = cap if root > cap else root
            step = -(direction / (sigma + weight * root))
            d[k] = step
            pi_out[k] = pi[k] + sigma * step
            v_out[k] = raw


def _weighted_sum(deviation: Any, multiplier: Any, penalty: Any, weights: Any, total: Any) -> None:
    for replicate in range(deviation.shape[0]):
        for first in range(0, deviation.shape[2], _COLUMNS):
            out = total[replicate, first : first + _COLUMNS]
            for client in range(deviation.shape[1]):
                sigma, alpha = penalty[replicate, client], weights[client]
                d = deviation[replicate, client, first : first + _COLUMNS]
                pi = multiplier[replicate, client, first : first + _COLUMNS]
                if client == 0:
                    for k in range(out.size):
                        out[k] = alpha * (sigma * d[k] + pi[k])
                else:
                    for k in range(out.size):
                        out[k] += alpha * (sigma * d[k] + pi[k])


@functools.cache
def _elementwise() -> Callable[..., Any]:
    """Return CuPy's kernel of the same lines; without --fmad=false the compiler would contract a·b + c."""
    cupy = importlib.import_module("cupy")
    kernel: Callable[..., Any] = cupy.ElementwiseKernel(
        "T pi, T g, T v, T sigma, T rho, T beta, T gain, T correction, T cap, T ceiling",
        "T d, T pi_out, T v_out",
        """
        const T direction = pi + g;
        T size = abs(direction);
        size = size > cap ? cap : size;
        T raw = beta * v + gain * (size * size);
        raw = raw > ceiling ? ceiling : raw;
        T root = sqrt(raw / correction);
        root = root > cap ? cap : root;
        const T step = -(direction / (sigma + rho * root));
        d = step;
        pi_out = pi + sigma * step;
        v_out = raw;
        """,
        "pisa_lab_client_step",
        options=("--fmad=false",),
    )
    return kernel
