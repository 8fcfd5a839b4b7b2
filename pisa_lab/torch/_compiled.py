"""The pass of `_foreach` compiled: once over the memory, and no change of a number compiles anew."""

import functools
import types
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch import _foreach
from pisa_lab.torch._numbers import Number, Numbers, Pass, computed, passes, rate_of
from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import Engine, Work

Shapes = tuple[torch.Size, ...]

_GRAPHS = 256
_CALL = 0.25
"""What one more call a step is worth, in tensors that need not be compiled."""
_OPTIONS: dict[str, str | int | bool | Callable[..., Any]] = {
    # All tensors of a pass share its scalars. Inductor would look at every pair of them for something to fuse, which
    # for 96 tensors doubles the time to compile and finds nothing.
    "max_fusion_buffer_group_pairwise_attempts": 1
}


def _lines(kind: Any, targets: list[Tensor], clients: list[_foreach.Lists], packed: Tensor, scales: Tensor) -> None:
    """Make one pass with the numbers in ``packed``: six, and the weights."""
    penalty, rho, beta, gain, factor, ridge, *weights = packed.unbind()
    numbers = Numbers(penalty, rho, beta, gain, factor, ridge, weights, scales.unbind())
    _foreach.run(kind, targets, clients, numbers)


def _serve(ridged: Any, params: list[Tensor], messages: list[Tensor], packed: Tensor) -> None:
    """Make the server's pass with the rate and λ in ``packed``."""
    rate, ridge = packed.unbind()
    _foreach.serve(ridged, params, messages, rate, ridge)


@functools.lru_cache(maxsize=_GRAPHS)
def _graph(lines: Callable[..., None], kind: Any, clients: int, shapes: Shapes) -> Callable[..., None]:
    """Return ``lines`` compiled for lists of ``shapes``.

    Each has a code object of its own: torch.compile keeps what it made with that object, and gives up after eight.
    """
    own = types.FunctionType(lines.__code__.replace(), lines.__globals__)
    compiled: Callable[..., None] = torch.compile(own, fullgraph=True, dynamic=False, options=_OPTIONS)
    return compiled


@functools.lru_cache(maxsize=_GRAPHS)
def _bundles(shapes: Shapes, device: str) -> list[list[int]]:
    """Return the places of ``shapes`` in bundles, most of which have the same shapes and so share one graph.

    Compiling takes a fifth of a second a tensor. A network of many equal layers is compiled as one of them and called
    once for each; what does not come in multiples stands in a bundle of its own. A GPU's graph stays whole, for there
    the tensors of one graph share their launches.
    """
    counts = Counter(shapes)
    if device != "cpu":
        return [list(range(len(shapes)))]

    def cost(number: int) -> float:
        return sum(count // number + count % number for count in counts.values()) + _CALL * number

    number = min(range(1, max(counts.values()) + 1), key=cost)
    bundles: list[list[int]] = [[] for _ in range(number + 1)]
    for shape, count in counts.items():
        places = [place for place, other in enumerate(shapes) if other == shape]
        each = count // number
        for bundle in range(number):
            bundles[bundle] += places[bundle * each : (bundle + 1) * each]
        bundles[number] += places[number * each :]
    return [bundle for bundle in bundles if bundle]


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


def _run(one: Pass) -> None:
    targets, numbers, count = one.targets, one.numbers, len(one.works)
    packed = _packed((*numbers[:-2], *numbers.weights), targets[0])
    for places in _bundles(tuple(target.shape for target in targets), targets[0].device.type):
        moved = [targets[place] for place in places]
        clients = [
            tuple([one[place] for place in places] if one else [] for one in (w.directions, w.multipliers, w.extras))
            for w in one.works
        ]
        scales = _packed([numbers.scales[place] for place in places] if numbers.scales else [], targets[0])
        graph = _graph(_lines, one.kind, count, tuple(target.shape for target in moved))
        graph(one.kind, moved, clients, packed, scales)


def _step(work: Work, rule: Rule) -> None:
    for one in passes([work], rule, work.params, rate_of(rule, rule.penalty), ridged=True):
        _run(one)


def _client(work: Work, rule: Rule, weight: float, messages: Sequence[Tensor]) -> None:
    for one in passes([work], rule, messages, weight, ridged=False):
        _run(one)


def _server(params: Sequence[Tensor], messages: Sequence[Tensor], rule: Rule, total: float) -> None:
    packed, ridged = _packed((rate_of(rule, total), rule.ridge), params[0]), rule.ridge > 0
    for places in _bundles(tuple(param.shape for param in params), params[0].device.type):
        moved = [params[place] for place in places]
        graph = _graph(_serve, ridged, 1, tuple(param.shape for param in moved))
        graph(ridged, moved, [messages[place] for place in places], packed)


def _round(works: Sequence[Work], weights: Sequence[float], rule: Rule, total: float) -> None:
    for one in passes(works, rule, works[0].params, rate_of(rule, total), ridged=True, weights=weights):
        _run(one)


COMPILED = Engine(_step, _client, _server, _round)
"""One pass over the memory; needs a C++ compiler for processors, Triton for GPUs."""
