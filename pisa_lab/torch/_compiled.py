"""The pass of `_foreach` on a whole parameter list as one compiled graph, which no change of a number recompiles."""

import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch import _foreach
from pisa_lab.torch._numbers import Kind, Number, Numbers, computed, kind_of, numbers_of, parts, rate_of
from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import Engine, Work

_GRAPHS = 256
_OPTIONS = {
    # All tensors of a pass share its scalars. Inductor would look at every pair of them for something to fuse, which
    # for 96 tensors doubles the time to compile and finds nothing.
    "max_fusion_buffer_group_pairwise_attempts": 1
}


def _lines(
    kind: Kind, targets: list[Tensor], work: tuple[list[Tensor], list[Tensor], list[Tensor]], packed: Tensor
) -> None:
    """Make one pass with the numbers in ``packed``: six, and the scales."""
    penalty, rho, beta, gain, factor, ridge, *scales = packed.unbind()
    _foreach.run(kind, targets, work, Numbers(penalty, rho, beta, gain, factor, ridge, list(scales)))


def _serve(ridged: bool, params: list[Tensor], messages: list[Tensor], packed: Tensor) -> None:
    """Make the server's pass with the rate and λ in ``packed``."""
    rate, ridge = packed.unbind()
    _foreach.serve(ridged, params, messages, rate, ridge)


@functools.lru_cache(maxsize=_GRAPHS)
def _graph(lines: Callable[..., None], kind: Any, shapes: tuple[torch.Size, ...]) -> Callable[..., None]:
    """Return ``lines`` compiled for lists of ``shapes``.

    Each has a code object of its own: torch.compile keeps what it made with that object, and stops after eight.
    """
    own = types.FunctionType(lines.__code__.replace(), lines.__globals__)
    compiled: Callable[..., None] = torch.compile(own, fullgraph=True, dynamic=False, options=_OPTIONS)
    return compiled


def _packed(numbers: Sequence[Number], like: Tensor) -> Tensor:
    """Return ``numbers`` in one tensor, of the type that ``like`` is computed in and on its device."""
    dtype = computed(like.dtype)
    if not any(isinstance(number, Tensor) for number in numbers):
        return torch.tensor(numbers, dtype=dtype).to(like.device, non_blocking=True)
    # No copy from the host, which a graph that is being captured could not hold.
    filled = [
        number.to(like.device, dtype).reshape(())
        if isinstance(number, Tensor)
        else torch.full((), number, dtype=dtype, device=like.device)
        for number in numbers
    ]
    return torch.stack(filled)


def _run(work: Work, rule: Rule, targets: Sequence[Tensor], factor: Number, *, ridged: bool) -> None:
    for part, moved in parts(work, targets):
        kind, numbers = kind_of(part, rule, ridged=ridged), numbers_of(part, rule, factor)
        packed = _packed((*numbers[:-1], *numbers.scales), part.multipliers[0])
        shapes = tuple(tensor.shape for tensor in moved)
        lists = (part.directions, part.multipliers, part.extras)
        _graph(_lines, kind, shapes)(kind, moved, lists, packed)


def _step(work: Work, rule: Rule) -> None:
    _run(work, rule, work.params, rate_of(rule, rule.penalty), ridged=True)


def _client(work: Work, rule: Rule, weight: float, messages: Sequence[Tensor]) -> None:
    _run(work, rule, messages, weight, ridged=False)


def _server(params: Sequence[Tensor], messages: Sequence[Tensor], rule: Rule, total: float) -> None:
    packed = _packed((rate_of(rule, total), rule.ridge), params[0])
    shapes = tuple(param.shape for param in params)
    _graph(_serve, rule.ridge > 0, shapes)(rule.ridge > 0, list(params), list(messages), packed)


COMPILED = Engine(_step, _client, _server)
"""One pass over the memory; needs a C++ compiler for processors, Triton for GPUs."""
