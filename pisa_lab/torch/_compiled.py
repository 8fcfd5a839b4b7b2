"""The pass of `_foreach` compiled by torch's Inductor: once over the memory, and never anew when a number changes."""

import functools
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

from pisa_lab.torch import _foreach, _in_place
from pisa_lab.torch._pass import Kind, Number, Numbers, Pass, Tensors, aligned, computed, passes, rate_of
from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import IDENTITY, MAGNITUDE, SOLUTION, Engine, Work

Shapes = tuple[torch.Size, ...]
Place = tuple[torch.dtype, torch.device]

_GRAPHS = 256
_CALL = 0.1
"""What one more call a step is worth, in tensors that need not be compiled."""
_OPTIONS = {
    # All tensors of a pass share its scalars. Inductor would look at every pair of them for something to fuse, which
    # for 96 tensors doubles the time to compile and finds nothing.
    "max_fusion_buffer_group_pairwise_attempts": 1,
    # What a graph is called with is looked at before.
    "size_asserts": False,
}


def built(lines: Callable[..., None], shapes: Sequence[tuple[int, ...]], where: Sequence[Place]) -> Callable[..., Any]:
    """Return ``lines``, which change tensors in place, compiled for contiguous tensors of ``shapes``.

    Inductor is called by itself, not through torch.compile: that would look at every tensor again at every call, which
    for four lists of 96 costs more than a pass over a million numbers, and stop compiling at the ninth list of shapes.
    """

    def traced(*tensors: Tensor) -> tuple[()]:
        lines(*tensors)
        return ()

    with torch.no_grad(), warnings.catch_warnings():
        # What torch's compiler does with torch is no concern of whoever calls a step.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Without storage: nothing is allocated, and views of one storage are not taken to overlap.
        with FakeTensorMode():
            examples = [torch.empty(shape, dtype=d, device=on) for shape, (d, on) in zip(shapes, where, strict=True)]
            graph = make_fx(traced)(*examples)
        compiled: Callable[..., Any] = torch._inductor.compile(graph, list(examples), options=_OPTIONS)
        return compiled


@functools.lru_cache(maxsize=_GRAPHS)
def _pass(kind: Kind, clients: int, weights: int, scaled: bool, shapes: Shapes, where: Place) -> Callable[..., Any]:
    """Return the compiled pass over targets of ``shapes``: (packed, scales, targets, then the clients' lists)."""
    each, count = 2 if kind.form in (IDENTITY, MAGNITUDE, SOLUTION) else 3, len(shapes)

    def lines(packed: Tensor, scales: Tensor, *tensors: Tensor) -> None:
        penalty, rho, beta, gain, factor, ridge, *alphas = packed.unbind()
        numbers = Numbers(penalty, rho, beta, gain, factor, ridge, alphas, scales.unbind() if scaled else ())
        targets, *rows = [tensors[start : start + count] for start in range(0, len(tensors), count)]
        found = [_client_lists(kind, rows[each * client : each * (client + 1)]) for client in range(clients)]
        _foreach.run(kind, targets, found, numbers)

    scalars = (computed(where[0]), where[1])
    sizes = [(6 + weights,), (count if scaled else 0,), *shapes * (1 + each * clients)]
    return built(lines, sizes, [scalars, scalars, *[where] * (len(sizes) - 2)])


def _client_lists(kind: Kind, rows: Sequence[Tensors]) -> _foreach.Lists:
    """Return (directions, multipliers, extras) of a client's rows in `Pass.rows`."""
    if kind.form == SOLUTION:
        return (), rows[0], rows[1]
    return rows[1], rows[0], rows[2] if len(rows) > 2 else ()


@functools.lru_cache(maxsize=_GRAPHS)
def _serving(ridged: bool, shapes: Shapes, where: Place) -> Callable[..., Any]:
    """Return the compiled server's half: (packed, params, messages)."""
    count = len(shapes)

    def lines(packed: Tensor, *tensors: Tensor) -> None:
        rate, ridge = packed.unbind()
        _foreach.serve(ridged, tensors[:count], tensors[count:], rate, ridge)

    return built(lines, [(2,), *shapes * 2], [(computed(where[0]), where[1]), *[where] * (2 * count)])


@functools.lru_cache(maxsize=_GRAPHS)
def bundles(shapes: Shapes) -> tuple[tuple[int, ...], ...]:
    """Return the places of ``shapes`` in bundles, most of which have the same shapes and so share one graph.

    Compiling takes a fifth of a second a tensor. A network of many equal layers is compiled as one of them and called
    once for each; what does not come in multiples stands in a bundle of its own.
    """
    places: dict[torch.Size, list[int]] = {}
    for place, shape in enumerate(shapes):
        places.setdefault(shape, []).append(place)
    counts = Counter(shapes)

    def cost(number: int) -> float:
        return sum(count // number + count % number for count in counts.values()) + _CALL * number

    number = min(range(1, max(counts.values(), default=0) + 1), key=cost, default=1)
    found: list[list[int]] = [[] for _ in range(number + 1)]
    for own in places.values():
        each = len(own) // number
        for bundle in range(number):
            found[bundle] += own[bundle * each : (bundle + 1) * each]
        found[number] += own[number * each :]
    return tuple(tuple(bundle) for bundle in found if bundle)


def _bundles(tensors: Sequence[Tensor]) -> Sequence[Sequence[int]]:
    # A GPU's graph stays whole: there the tensors of one graph share their launches.
    whole = tensors[0].device.type != "cpu"
    return [range(len(tensors))] if whole else bundles(tuple([tensor.shape for tensor in tensors]))


def _packed(numbers: Sequence[Number], like: Tensor) -> Tensor:
    """Return ``numbers`` in one tensor, of the type that ``like`` is computed in and on its device."""
    dtype = computed(like.dtype)
    if not any(isinstance(number, Tensor) for number in numbers):
        return torch.tensor(numbers, dtype=dtype, device="cpu").to(like.device, non_blocking=True)
    # No copy from the host, which a graph that is being captured could not hold.
    filled = [
        number.to(like.device, dtype).reshape(())
        if isinstance(number, Tensor)
        else torch.full((), number, dtype=dtype, device=like.device)
        for number in numbers
    ]
    return torch.stack(filled)


def _run(one: Pass) -> None:
    """Make one pass; what no graph is made for, being strided in unlike ways, goes in place."""
    rows, dtype = one.rows(), one.targets[0].dtype
    # Most models are contiguous throughout, and this is asked at every step.
    if all(target.numel() for target in one.targets) and all(
        tensor.is_contiguous() and tensor.dtype is dtype for row in rows for tensor in row
    ):
        _call(one, rows)
        return
    columns = {place: aligned(column) for place, column in enumerate(zip(*rows, strict=True)) if column[0].numel()}
    regular = {place: column for place, column in columns.items() if column is not None}
    others = [place for place, column in columns.items() if column is None]
    if regular:
        _call(one.part(list(regular)), list(zip(*regular.values(), strict=True)))
    if others:
        _in_place.run(one.part(others))


def _call(one: Pass, rows: Sequence[Sequence[Tensor]]) -> None:
    """Make the pass over ``rows``, contiguous and none empty, in bundles."""
    numbers, like = one.numbers, rows[0][0]
    packed, where = _packed((*numbers[:-2], *numbers.weights), like), (like.dtype, like.device)
    packs: dict[tuple[Number, ...], Tensor] = {}
    for places in _bundles(rows[0]):
        scales = tuple([numbers.scales[place] for place in places]) if numbers.scales else ()
        if scales not in packs:
            packs[scales] = _packed(scales, like)
        shapes = tuple([rows[0][place].shape for place in places])
        graph = _pass(one.kind, len(one.works), len(numbers.weights), bool(scales), shapes, where)
        graph(packed, packs[scales], *[row[place] for row in rows for place in places])


def _step(work: Work, rule: Rule) -> None:
    for one in passes([work], rule, work.params, rate_of(rule, rule.penalty), ridged=True):
        _run(one)


def _client(works: Sequence[Work], rule: Rule, weights: Sequence[float], messages: Sequence[Tensor]) -> None:
    for one in passes(works, rule, messages, 1.0, ridged=False, weights=weights):
        _run(one)


def _server(params: Sequence[Tensor], messages: Sequence[Tensor], rule: Rule, total: float) -> None:
    kinds = {(param.dtype, param.device) for param in params}
    columns = [aligned(pair) for pair in zip(params, messages, strict=True)]
    pairs = [column for column in columns if column is not None]
    if len(kinds) > 1 or len(pairs) < len(params):
        _in_place.IN_PLACE.server(params, messages, rule, total)
        return
    where = kinds.pop()
    packed = _packed((rate_of(rule, total), rule.ridge), params[0])
    for places in _bundles([pair[0] for pair in pairs]):
        own = [pairs[place] for place in places]
        graph = _serving(rule.ridge > 0, tuple(pair[0].shape for pair in own), where)
        graph(packed, *(tensor for row in zip(*own, strict=True) for tensor in row))


def _round(works: Sequence[Work], weights: Sequence[float], rule: Rule, total: float) -> None:
    for one in passes(works, rule, works[0].params, rate_of(rule, total), ridged=True, weights=weights):
        _run(one)


COMPILED = Engine(_step, _client, _server, _round)
"""One pass over the memory; needs a C++ compiler for processors, Triton for GPUs."""
