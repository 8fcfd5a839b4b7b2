"""The pass by in-place operations, in pieces that stay in the cache, with one pair of scratch reused by all of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pisa_lab.torch._numbers import HALVES, Kind, Numbers, computed, kind_of, numbers_of, rate_of
from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import DIAGONAL, IDENTITY, MAGNITUDE, MOMENT, SOLUTION, Engine, Work

_PIECES = {"cpu": 1 << 15}
_PIECE = 1 << 24


class _Scratch(NamedTuple):
    """Two buffers to compute in, and a function that lends float32 copies of half-precision tensors."""

    first: Tensor
    second: Tensor


def _run(work: Work, rule: Rule, targets: Sequence[Tensor], factor: float, *, ridged: bool) -> None:
    kind, numbers = kind_of(work, rule, ridged=ridged), numbers_of(work, rule, factor)
    scratches: dict[tuple[torch.dtype, torch.device], _Scratch] = {}
    for place, target in enumerate(targets):
        tensors = [target, work.multipliers[place]]
        if kind.form != SOLUTION:
            tensors.append(work.directions[place])
        if work.extras:
            tensors.append(work.extras[place])
        dtype = computed(target.dtype)
        scratch = scratches.get((dtype, target.device))
        if scratch is None:
            scratch = scratches[dtype, target.device] = _scratch(targets, dtype, target.device)
        own = numbers._replace(scales=numbers.scales[place : place + 1])
        for piece in _pieces(tensors, scratch.first.numel()):
            _piece(kind, piece, scratch, own)


def _scratch(targets: Sequence[Tensor], dtype: torch.dtype, device: torch.device) -> _Scratch:
    """Return scratch for pieces of all ``targets``."""
    size = min(max(target.numel() for target in targets), _PIECES.get(device.type, _PIECE))
    return _Scratch(*(torch.empty(size, dtype=dtype, device=device) for _ in range(2)))


def _pieces(tensors: Sequence[Tensor], size: int) -> Iterator[list[Tensor]]:
    """Yield ``tensors``, which have one shape, as flat pieces of at most ``size`` numbers, or as they are.

    Strided alike and without holes they are flat in memory, in whatever order; else they are taken whole.
    """
    numbers, strides = tensors[0].numel(), tensors[0].stride()
    if numbers == 0:
        return
    if not _dense(tensors[0]) or any(tensor.stride() != strides for tensor in tensors):
        yield list(tensors)
        return
    flat = [tensor.as_strided((numbers,), (1,)) for tensor in tensors]
    if numbers <= size:
        yield flat
        return
    for start in range(0, numbers, size):
        length = min(size, numbers - start)
        yield [tensor.narrow(0, start, length) for tensor in flat]


def _dense(tensor: Tensor) -> bool:
    dense: bool = tensor.is_contiguous() or torch.ops.aten.is_non_overlapping_and_dense(tensor)
    return dense


def _piece(kind: Kind, piece: Sequence[Tensor], scratch: _Scratch, numbers: Numbers) -> None:
    """Make the pass on one piece: target, multiplier, direction unless q is there already, extra."""
    shape, size = piece[0].shape, piece[0].numel()
    if piece[0].ndim == 1 and size <= scratch.first.numel():
        first, second = scratch.first.narrow(0, 0, size), scratch.second.narrow(0, 0, size)
    else:
        first, second = (torch.empty(shape, dtype=one.dtype, device=one.device) for one in scratch)
    if piece[0].dtype in HALVES:
        lifted = [tensor.float() for tensor in piece]
        _lines(kind, lifted, first, second, numbers)
        stored = (0, 1, 3) if kind.form == MOMENT else (0, 1)
        for place in stored:
            piece[place].copy_(lifted[place])
    else:
        _lines(kind, piece, first, second, numbers)


def _lines(kind: Kind, piece: Sequence[Tensor], first: Tensor, second: Tensor, numbers: Numbers) -> None:
    target, multiplier = piece[0], piece[1]
    if kind.form == SOLUTION:
        solution = piece[2]
    else:
        solution = torch.add(multiplier, piece[2], out=first)
        if kind.form == IDENTITY:
            solution.div_(numbers.penalty + numbers.rho)
        else:
            solution.div_(_metric(kind, piece, first, second, numbers))
    multiplier.add_(solution, alpha=-numbers.penalty)  # type: ignore[arg-type]
    pull = torch.add(multiplier, solution, alpha=-numbers.penalty, out=second)  # type: ignore[call-overload]
    if kind.ridged:
        pull.add_(target, alpha=-numbers.ridge)
    target.add_(pull, alpha=numbers.factor)  # type: ignore[arg-type]


def _metric(kind: Kind, piece: Sequence[Tensor], right: Tensor, out: Tensor, numbers: Numbers) -> Tensor:
    """Return σ + ρ·diag(Q) in ``out``; a moment is updated in place."""
    rho = numbers.rho
    if kind.form == MOMENT:
        _root(kind, right, piece[3], out, numbers)
        if kind.clip is None and numbers.scales:
            rho = rho * numbers.scales[0]
    elif kind.form == MAGNITUDE:
        torch.abs(right, out=out)
        if kind.clip is not None:
            out.clamp_(max=kind.clip)
    else:
        assert kind.form == DIAGONAL, kind.form
        out.copy_(piece[3])
    return out.mul_(rho).add_(numbers.penalty)


def _root(kind: Kind, right: Tensor, moment: Tensor, out: Tensor, numbers: Numbers) -> None:
    """Fill ``out`` with √v as Q uses it, but for a bias correction that no clip follows."""
    size = right
    if kind.clip is not None:
        # Clipped before squaring: the square of a huge direction would overflow.
        size = torch.clamp(right, -kind.clip, kind.clip, out=out)
    if kind.scheme != "I":
        moment.mul_(numbers.beta)
    moment.addcmul_(size, size, value=1.0 if kind.scheme == "I" else numbers.gain)  # type: ignore[arg-type]
    if kind.clip is None:
        torch.sqrt(moment, out=out)
        return
    if kind.scheme == "I":
        moment.clamp_(max=kind.clip**2)
    torch.sqrt(moment, out=out)
    if numbers.scales:
        out.mul_(numbers.scales[0])
    # The bias correction divides two rounded numbers, so that √v may pass η by an ulp.
    out.clamp_(max=kind.clip)


def _step(work: Work, rule: Rule) -> None:
    _run(work, rule, work.params, float(rate_of(rule, rule.penalty)), ridged=True)


def _client(work: Work, rule: Rule, weight: float, messages: Sequence[Tensor]) -> None:
    _run(work, rule, messages, weight, ridged=False)


def _server(params: Sequence[Tensor], messages: Sequence[Tensor], rule: Rule, total: float) -> None:
    rate = float(rate_of(rule, total))
    for param, message in zip(params, messages, strict=True):
        for moved, sent in _pieces((param, message), _PIECES.get(param.device.type, _PIECE)):
            dtype = computed(moved.dtype)
            pull = torch.add(sent.to(dtype), moved.to(dtype), alpha=-rule.ridge) if rule.ridge else sent
            moved.add_(pull, alpha=rate)


IN_PLACE = Engine(_step, _client, _server)
"""What a processor does without a compiler."""
