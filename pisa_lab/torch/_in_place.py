"""The pass by in-place operations, in pieces that stay in the cache, with scratch that all of them reuse."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from pisa_lab.torch._pass import HALVES, Kind, Numbers, Pass, aligned, computed, passes, rate_of
from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import DIAGONAL, IDENTITY, MAGNITUDE, MOMENT, SOLUTION, Engine, Work

_PER_THREAD = 1 << 15
"""Numbers of a piece for each thread: in float32 half a dozen streams of them fit into a level-two cache of 1 MB.

Temporaries as large as a parameter cost page faults and a second way through memory: pieces are 2 to 3 times faster.
"""
_ELSEWHERE = 1 << 24
"""Numbers of a piece on other devices, where only the memory of the scratch counts."""


def run(one: Pass) -> None:
    """Make one pass, parameter by parameter and piece by piece."""
    like = one.targets[0]
    size = min(max(target.numel() for target in one.targets), most(like))
    scratch = torch.empty((3 if one.numbers.weights else 2, size), dtype=computed(like.dtype), device=like.device)
    for place, column in enumerate(zip(*one.rows(), strict=True)):
        numbers = one.numbers._replace(scales=one.numbers.scales[place : place + 1])
        for piece in pieces(column, size):
            _piece(one.kind, piece, scratch, numbers)


def most(tensor: Tensor) -> int:
    return _PER_THREAD * torch.get_num_threads() if tensor.device.type == "cpu" else _ELSEWHERE


def pieces(tensors: Sequence[Tensor], size: int) -> Iterator[Sequence[Tensor]]:
    """Yield ``tensors``, which have one shape, as flat pieces of at most ``size`` numbers, or as they are.

    Those that do not lie in memory in one order are taken whole.
    """
    numbers, together = tensors[0].numel(), aligned(tensors)
    if numbers == 0:
        return
    if together is None:
        yield tensors
        return
    flat = [tensor.view(-1) for tensor in together]
    if numbers <= size:
        yield flat
        return
    for start in range(0, numbers, size):
        length = min(size, numbers - start)
        yield [tensor.narrow(0, start, length) for tensor in flat]


def _piece(kind: Kind, piece: Sequence[Tensor], scratch: Tensor, numbers: Numbers) -> None:
    """Make the pass on one piece."""
    shape, size = piece[0].shape, piece[0].numel()
    if size > scratch.shape[1]:
        scratch = scratch.new_empty((scratch.shape[0], size))
    room = [row.narrow(0, 0, size).view(shape) for row in scratch]
    if piece[0].dtype not in HALVES:
        _lines(kind, piece, room, numbers)
        return
    lifted = [tensor.float() for tensor in piece]
    _lines(kind, lifted, room, numbers)
    for tensor, value in zip(piece, lifted, strict=True):
        tensor.copy_(value)


def _lines(kind: Kind, piece: Sequence[Tensor], room: Sequence[Tensor], numbers: Numbers) -> None:
    target, pull = piece[0], room[1]
    count = max(1, len(numbers.weights))
    each = (len(piece) - 1) // count
    for place in range(count):
        sent = _client(kind, piece[1 + each * place : 1 + each * (place + 1)], room, numbers)
        if numbers.weights:
            pull = _sum(room[2], sent, place, numbers)
    if kind.ridged:
        pull.add_(target, alpha=-_float(numbers.ridge))
    target.add_(pull, alpha=_float(numbers.factor))


def _sum(total: Tensor, sent: Tensor, place: int, numbers: Numbers) -> Tensor:
    """Return ``total`` with α times what client ``place`` sends; the first one starts it."""
    weight = _float(numbers.weights[place])
    return total.add_(sent, alpha=weight) if place else torch.mul(sent, weight, out=total)


def _client(kind: Kind, lists: Sequence[Tensor], room: Sequence[Tensor], numbers: Numbers) -> Tensor:
    """Return π − 2σq of the old π in the second scratch; multiplier and moment are updated in place."""
    multiplier, penalty = lists[0], _float(numbers.penalty)
    if kind.form == SOLUTION:
        solution = lists[1]
    else:
        solution = torch.add(multiplier, lists[1], out=room[0])
        if kind.form == IDENTITY:
            solution.div_(penalty + numbers.rho)
        else:
            solution.div_(_metric(kind, solution, lists[-1], room[1], numbers))
    multiplier.add_(solution, alpha=-penalty)
    return torch.add(multiplier, solution, alpha=-penalty, out=room[1])


def _metric(kind: Kind, right: Tensor, extra: Tensor, out: Tensor, numbers: Numbers) -> Tensor:
    """Return σ + ρ·diag(Q) in ``out``; a moment is updated in place."""
    rho = _float(numbers.rho)
    if kind.form == MOMENT:
        _root(kind, right, extra, out, numbers)
        if kind.clip is None and numbers.scales:
            rho *= _float(numbers.scales[0])
    elif kind.form == MAGNITUDE:
        torch.abs(right, out=out)
        if kind.clip is not None:
            out.clamp_(max=kind.clip)
    else:
        assert kind.form == DIAGONAL, kind.form
        return torch.mul(extra, rho, out=out).add_(numbers.penalty)
    return out.mul_(rho).add_(numbers.penalty)


def _root(kind: Kind, right: Tensor, moment: Tensor, out: Tensor, numbers: Numbers) -> None:
    """Fill ``out`` with √v as Q uses it, but for a bias correction that no clip follows."""
    size = right
    if kind.clip is not None:
        # Clipped before squaring: the square of a huge direction would overflow.
        size = torch.clamp(right, -kind.clip, kind.clip, out=out)
    if kind.scheme != "I":
        moment.mul_(numbers.beta)
    moment.addcmul_(size, size, value=1.0 if kind.scheme == "I" else _float(numbers.gain))
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


def _float(number: float | Tensor) -> float:
    """Return ``number``, which this engine only meets as Python's."""
    assert isinstance(number, float | int), number
    return number


def _step(work: Work, rule: Rule) -> None:
    for one in passes([work], rule, work.params, rate_of(rule, rule.penalty), ridged=True):
        run(one)


def _client_half(works: Sequence[Work], rule: Rule, weights: Sequence[float], messages: Sequence[Tensor]) -> None:
    for one in passes(works, rule, messages, 1.0, ridged=False, weights=weights):
        run(one)


def _server_half(params: Sequence[Tensor], messages: Sequence[Tensor], rule: Rule, total: float) -> None:
    rate = _float(rate_of(rule, total))
    for param, message in zip(params, messages, strict=True):
        for moved, sent in pieces((param, message), most(param)):
            dtype = computed(moved.dtype)
            pull = torch.add(sent.to(dtype), moved.to(dtype), alpha=-rule.ridge) if rule.ridge else sent
            moved.add_(pull, alpha=rate)


def _round(works: Sequence[Work], weights: Sequence[float], rule: Rule, total: float) -> None:
    for one in passes(works, rule, works[0].params, rate_of(rule, total), ridged=True, weights=weights):
        run(one)


IN_PLACE = Engine(_step, _client_half, _server_half, _round)
"""What a processor does without a compiler."""
