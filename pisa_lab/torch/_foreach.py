"""The pass by torch's operations on lists of tensors; its lines are also what `_compiled` compiles."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pisa_lab.torch._numbers import HALVES, Kind, Number, Numbers, kind_of, numbers_of, parts, rate_of
from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import DIAGONAL, IDENTITY, MAGNITUDE, MOMENT, SOLUTION, Engine, Work

Tensors = list[Tensor]


def run(kind: Kind, targets: Tensors, work: tuple[Tensors, Tensors, Tensors], numbers: Numbers) -> None:
    """Make one pass; ``work`` are directions, multipliers and extras, all lists of one type and device."""
    directions, multipliers, extras = (_lifted(one) for one in work)
    moved = _lifted(targets)
    solutions = _solutions(kind, directions, multipliers, extras, numbers)
    _add(multipliers, solutions, _times(numbers.penalty, -1.0))
    pull = torch._foreach_mul(solutions, _times(numbers.penalty, -1.0))
    torch._foreach_add_(pull, multipliers)
    if kind.ridged:
        _add(pull, moved, _times(numbers.ridge, -1.0))
    _add(moved, pull, numbers.factor)
    _store(work[1], multipliers)
    _store(targets, moved)
    if kind.form == MOMENT:
        _store(work[2], extras)


def _solutions(kind: Kind, directions: Tensors, multipliers: Tensors, extras: Tensors, numbers: Numbers) -> Tensors:
    """Return q for every tensor; moments are updated in place."""
    if kind.form == SOLUTION:
        return extras
    right = list(torch._foreach_add(multipliers, directions))
    metric = _metric(kind, right, extras, numbers)
    if metric:
        torch._foreach_add_(metric, numbers.penalty)
        torch._foreach_div_(right, metric)
    else:
        torch._foreach_div_(right, numbers.penalty + numbers.rho)
    return right


def _metric(kind: Kind, right: Tensors, extras: Tensors, numbers: Numbers) -> Tensors:
    """Return ρ·diag(Q) for every tensor, or nothing where Q = I."""
    if kind.form == MOMENT:
        return _root(kind, right, extras, numbers)
    if kind.form == IDENTITY:
        return []
    if kind.form == MAGNITUDE:
        diagonal = list(torch._foreach_abs(right))
        if kind.clip is not None:
            torch._foreach_clamp_max_(diagonal, kind.clip)
    else:
        assert kind.form == DIAGONAL, kind.form
        diagonal = extras
    return list(torch._foreach_mul(diagonal, numbers.rho))


def _root(kind: Kind, right: Tensors, moments: Tensors, numbers: Numbers) -> Tensors:
    """Return ρ√v after one look at ``right``, π + g."""
    size = right
    if kind.clip is not None:
        # Clipped before squaring: the square of a huge direction would overflow.
        size = list(torch._foreach_clamp_max(right, kind.clip))
        torch._foreach_clamp_min_(size, -kind.clip)
    _accumulate(kind, size, moments, numbers)
    root = list(torch._foreach_sqrt(moments))
    if kind.clip is None:
        torch._foreach_mul_(root, [_times(numbers.rho, scale) for scale in numbers.scales] or numbers.rho)  # type: ignore[arg-type]
        return root
    if numbers.scales:
        torch._foreach_mul_(root, numbers.scales)  # type: ignore[arg-type]
    # The bias correction divides two rounded numbers, so that √v may pass η by an ulp.
    torch._foreach_clamp_max_(root, kind.clip)
    torch._foreach_mul_(root, numbers.rho)
    return root


def _accumulate(kind: Kind, size: Tensors, moments: Tensors, numbers: Numbers) -> None:
    """Take the squares of ``size`` into the moments."""
    if kind.scheme == "I":
        torch._foreach_addcmul_(moments, size, size)
        if kind.clip is not None:
            torch._foreach_clamp_max_(moments, kind.clip**2)
        return
    torch._foreach_mul_(moments, numbers.beta)
    if isinstance(numbers.gain, Tensor):
        _add(moments, list(torch._foreach_mul(size, size)), numbers.gain)
    else:
        torch._foreach_addcmul_(moments, size, size, value=numbers.gain)


def _times(number: Number, other: Number) -> Number:
    return number * other


def _add(sums: Tensors, terms: Sequence[Tensor], factor: Number) -> None:
    """Add ``factor`` times ``terms`` to ``sums``, in place."""
    if isinstance(factor, Tensor):
        torch._foreach_add_(sums, torch._foreach_mul(terms, factor))
    else:
        torch._foreach_add_(sums, terms, alpha=factor)


def _lifted(tensors: Tensors) -> Tensors:
    """Return ``tensors`` in float32 if they are in half precision, else as they are."""
    return [tensor.float() for tensor in tensors] if tensors and tensors[0].dtype in HALVES else tensors


def _store(tensors: Tensors, values: Tensors) -> None:
    """Round ``values`` into ``tensors`` where they are other ones."""
    if values is not tensors:
        torch._foreach_copy_(tensors, values)


def _run(work: Work, rule: Rule, targets: Sequence[Tensor], factor: Number, *, ridged: bool) -> None:
    for part, moved in parts(work, targets):
        kind, numbers = kind_of(part, rule, ridged=ridged), numbers_of(part, rule, factor)
        run(kind, moved, (part.directions, part.multipliers, part.extras), numbers)


def _step(work: Work, rule: Rule) -> None:
    _run(work, rule, work.params, rate_of(rule, rule.penalty), ridged=True)


def _client(work: Work, rule: Rule, weight: float, messages: Sequence[Tensor]) -> None:
    _run(work, rule, messages, weight, ridged=False)


def _server(params: Sequence[Tensor], messages: Sequence[Tensor], rule: Rule, total: float) -> None:
    serve(rule.ridge > 0, list(params), list(messages), rate_of(rule, total), rule.ridge)


def serve(ridged: bool, params: Tensors, messages: Tensors, rate: Number, ridge: Number) -> None:
    """Move ``params`` by rate · (message − λw)."""
    moved, pull = _lifted(params), _lifted(messages)
    if ridged:
        # New tensors: the messages are the caller's.
        pull = list(torch._foreach_add(pull, torch._foreach_mul(moved, _times(ridge, -1.0))))
    _add(moved, pull, rate)
    _store(params, moved)


FOREACH = Engine(_step, _client, _server)
"""Few calls on long lists: what a GPU wants without a compiler; it also captures in a graph."""
