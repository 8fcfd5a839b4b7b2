"""NSISA's orthogonalisation: Newton-Schulz on matrices in batches of equal shape."""

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from pisa_lab.preconditioners.orthogonal import COEFFICIENTS

_CHUNKS = {"cpu": 1 << 22}
_CHUNK = 1 << 24


def compute_dtype(tensor: Tensor, asked: torch.dtype | None = None) -> torch.dtype:
    """Return the type that Newton–Schulz computes in: ``asked``, or the one that suits the device.

    float64 stays; a CUDA device that multiplies bfloat16 matrices natively uses that, as Muon does; all else,
    processors among it, float32. A processor without native support multiplies bfloat16 matrices 20 to 40 times slower;
    one that has it (AMX: ``torch.cpu.get_capabilities()["amx_bf16"]``) was 3 to 6 times faster than in float32 and can
    be asked to, but a default must not make a run's numbers depend on the processor that it meets.
    """
    if asked is not None:
        return asked
    if tensor.dtype == torch.float64:
        return torch.float64
    if tensor.device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return torch.bfloat16
    return torch.float32


def newton_schulz(x: Tensor, *, steps: int = 5, dtype: torch.dtype | None = None) -> Tensor:
    """Return an approximation of UVᵀ for every matrix UΣVᵀ of ``x`` (batch, rows, columns), rows ≤ columns.

    The core's `newton_schulz`, computed in ``dtype`` after both divisions, which are done in float32 or better.

    Source: MATHEMATICS.md#preconditioners.
    """
    x = x if x.dtype == torch.float64 else x.float()
    x = x / _positive(x.abs().amax((-2, -1), keepdim=True))
    x = x / _positive(torch.linalg.vector_norm(x, dim=(-2, -1), keepdim=True))
    x = x if dtype is None else x.to(dtype)
    a, b, c = COEFFICIENTS
    for _ in range(steps):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _positive(scale: Tensor) -> Tensor:
    """Return ``scale`` with 1 where it is 0: the matrix there is zero and stays so."""
    return torch.where(scale > 0, scale, 1.0)


def as_matrix(x: Tensor) -> Tensor:
    """Return ``x`` as (first axis, rest): a convolution's kernel (out, in, …) with each filter as a row."""
    return x if x.ndim == 2 else x.flatten(1)


def orthogonalised(
    tensors: Sequence[Tensor],
    *,
    steps: int = 5,
    dtype: torch.dtype | None = None,
    seen: Callable[[int], Tensor] | None = None,
    chunk: int | None = None,
    scaled: bool = True,
) -> list[Tensor]:
    r"""Return $\mathrm{NS}(x)\sqrt{\max(1, \text{rows}/\text{columns})}$ of every tensor, in its shape and type.

    Without the root where it is not to be ``scaled``.

    Tensors with the same shape up to transposition, device and type go through in one batch of at most ``chunk``
    numbers (the largest tensor alone apart): that bounds the memory of the batch and of its products. None for
    ``chunk``: 2²² on a processor, 2²⁴ elsewhere. ``seen(place)``, asked batch by batch, stands for ``tensors[place]``,
    which then only tells shape, device and type.
    """
    batches: dict[tuple[object, ...], list[int]] = {}
    for place, tensor in enumerate(tensors):
        sides = sorted((tensor.shape[0], tensor.numel() // tensor.shape[0]))
        batches.setdefault((*sides, tensor.device, tensor.dtype), []).append(place)
    result = list(tensors)
    for places in batches.values():
        first = tensors[places[0]]
        numbers = _CHUNKS.get(first.device.type, _CHUNK) if chunk is None else chunk
        some = max(1, numbers // first.numel())
        for start in range(0, len(places), some):
            now = places[start : start + some]
            batch = [tensors[place] if seen is None else seen(place) for place in now]
            for place, one in zip(now, _batch(batch, steps, dtype, scaled), strict=True):
                result[place] = one
    return result


def _batch(tensors: Sequence[Tensor], steps: int, dtype: torch.dtype | None, scaled: bool) -> list[Tensor]:
    """Return the tensors, of one shape up to transposition, orthogonalised and, if so, scaled."""
    matrices = [as_matrix(tensor) for tensor in tensors]
    tall = [matrix.shape[0] > matrix.shape[1] for matrix in matrices]
    wide = torch.stack([matrix.mT if turned else matrix for matrix, turned in zip(matrices, tall, strict=True)])
    found = newton_schulz(wide, steps=steps, dtype=compute_dtype(wide, dtype)).to(wide.dtype)
    scale = math.sqrt(wide.shape[-1] / wide.shape[-2]) if scaled else 1.0
    return [
        (scale * one.mT if turned else one).reshape(tensor.shape)
        for one, turned, tensor in zip(found, tall, tensors, strict=True)
    ]
