"""The pass by torch's operations on lists of tensors; its lines are also what `_compiled` compiles."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pisa_lab.torch._pass import HALVES, Kind, Number, Numbers, Tensors, passes, rate_of
from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import DIAGONAL, IDENTITY, MAGNITUDE, MOMENT, SOLUTION, Engine, Work

Lists = tuple[Tensors, Tensors, Tensors]
"""A client's directions, multipliers and extras."""


def run(kind: Kind, targets: Tensors, clients: Sequence[Lists], numbers: Numbers) -> None:
    """Make one pass."""
    pull: Tensors = ()
    for place, lists in enumerate(clients):
        sent = _client(kind, lists, numbers)
        if numbers.weights:
            _scale(sent, numbers.weights[place])
        if pull:
            torch._foreach_add_(pull, sent)
        else:
            pull = sent
    serve(kind.ridged, targets, pull, numbers.factor, numbers.ridge)


def serve(ridged: bool, targets: Tensors, pull: Tensors, factor: Number, ridge: Number) -> None:
    """Move ``targets`` by factor · (pull − λ · targets)."""
    moved, pull = _lifted(targets), _lifted(pull)
    if ridged:
        # New tensors: the pull may be the caller's.
        pull = torch._foreach_sub(pull, _scaled(moved, ridge))
    _add(moved, pull, factor)
    _store(targets, moved)


def _client(kind: Kind, lists: Lists, numbers: Numbers) -> Tensors:
    """Return π − 2σq of the old π for every tensor; multipliers and moments are updated in place."""
    directions, multipliers, extras = (_lifted(one) for one in lists)
    steps = _scaled(_solutions(kind, directions, multipliers, extras, numbers), numbers.penalty)
    torch._foreach_sub_(multipliers, steps)
    sent = torch._foreach_sub(multipliers, steps)
    _store(lists[1], multipliers)
    if kind.form == MOMENT:
        _store(lists[2], extras)
    return sent


def _solutions(kind: Kind, directions: Tensors, multipliers: Tensors, extras: Tensors, numbers: Numbers) -> Tensors:
    """Return q for every tensor; moments are updated in place."""
    if kind.form == SOLUTION:
        return extras
    right = torch._foreach_add(multipliers, directions)
    if kind.form == IDENTITY:
        total = numbers.penalty + numbers.rho
        torch._foreach_div_(right, [total] * len(right) if isinstance(total, Tensor) else total)
        return right
    metric = _metric(kind, right, extras, numbers)
    _shift(metric, numbers.penalty)
    torch._foreach_div_(right, metric)
    return right


def _metric(kind: Kind, right: Tensors, extras: Tensors, numbers: Numbers) -> Tensors:
    """Return ρ·diag(Q) for every tensor, in new ones."""
    if kind.form == MOMENT:
        return _root(kind, right, extras, numbers)
    if kind.form == MAGNITUDE:
        diagonal: Tensors = torch._foreach_abs(right)
        if kind.clip is not None:
            torch._foreach_clamp_max_(diagonal, kind.clip)
    else:
        assert kind.form == DIAGONAL, kind.form
        diagonal = extras
    return _scaled(diagonal, numbers.rho)


def _root(kind: Kind, right: Tensors, moments: Tensors, numbers: Numbers) -> Tensors:
    """Return ρ√v after one look at ``right``, π + g."""
    size = right
    if kind.clip is not None:
        # Clipped before squaring: the square of a huge direction would overflow.
        size = torch._foreach_clamp_max(right, kind.clip)
        torch._foreach_clamp_min_(size, -kind.clip)
    _accumulate(kind, size, moments, numbers)
    root = torch._foreach_sqrt(moments)
    if kind.clip is None:
        _scale(root, [numbers.rho * scale for scale in numbers.scales] or numbers.rho)
        return root
    if numbers.scales:
        _scale(root, numbers.scales)
    # The bias correction divides two rounded numbers, so that √v may pass η by an ulp.
    torch._foreach_clamp_max_(root, kind.clip)
    _scale(root, numbers.rho)
    return root


def _accumulate(kind: Kind, size: Tensors, moments: Tensors, numbers: Numbers) -> None:
    """Take the squares of ``size`` into the moments."""
    if kind.scheme == "I":
        torch._foreach_addcmul_(moments, size, size)
        if kind.clip is not None:
            torch._foreach_clamp_max_(moments, kind.clip**2)
        return
    _scale(moments, numbers.beta)
    if isinstance(numbers.gain, Tensor):
        _add(moments, torch._foreach_mul(size, size), numbers.gain)
    else:
        torch._foreach_addcmul_(moments, size, size, value=numbers.gain)


def _add(sums: Tensors, terms: Tensors, factor: Number) -> None:
    """Add ``factor`` times ``terms`` to ``sums``, in place."""
    if isinstance(factor, Tensor):
        torch._foreach_add_(sums, _scaled(terms, factor))
    else:
        torch._foreach_add_(sums, terms, alpha=factor)


def _scaled(tensors: Tensors, factor: Number) -> Tensors:
    """Return ``factor`` times ``tensors``."""
    if isinstance(factor, Tensor):
        return torch._foreach_mul(tensors, [factor] * len(tensors))
    return torch._foreach_mul(tensors, factor)


def _scale(tensors: Tensors, factors: Number | Sequence[Number]) -> None:
    """Multiply ``tensors`` by one number, or by one each, in place."""
    # One tensor for all would be read on the host where a graph is traced.
    factors = [factors] * len(tensors) if isinstance(factors, Tensor) else factors
    torch._foreach_mul_(tensors, factors)  # type: ignore[arg-type]


def _shift(tensors: Tensors, term: Number) -> None:
    """Add ``term`` to ``tensors``, in place."""
    if isinstance(term, Tensor):
        torch._foreach_add_(tensors, [term] * len(tensors))
    else:
        torch._foreach_add_(tensors, term)


def _lifted(tensors: Tensors) -> Tensors:
    """Return ``tensors`` in float32 if they are in half precision, else as they are."""
    return [tensor.float() for tensor in tensors] if tensors and tensors[0].dtype in HALVES else tensors


def _store(tensors: Tensors, values: Tensors) -> None:
    """Round ``values`` into ``tensors`` where they are other ones."""
    if values is not tensors:
        torch._foreach_copy_(tensors, values)


def _run(
    works: Sequence[Work],
    rule: Rule,
    targets: Sequence[Tensor],
    factor: Number,
    *,
    ridged: bool,
    weights: Sequence[float] = (),
) -> None:
    for one in passes(works, rule, targets, factor, ridged=ridged, weights=weights):
        clients = [(work.directions, work.multipliers, work.extras) for work in one.works]
        run(one.kind, one.targets, clients, one.numbers)


def _step(work: Work, rule: Rule) -> None:
    _run([work], rule, work.params, rate_of(rule, rule.penalty), ridged=True)


def _client_half(works: Sequence[Work], rule: Rule, weights: Sequence[float], messages: Sequence[Tensor]) -> None:
    _run(works, rule, messages, 1.0, ridged=False, weights=weights)


def _server_half(params: Sequence[Tensor], messages: Sequence[Tensor], rule: Rule, total: float) -> None:
    serve(rule.ridge > 0, list(params), list(messages), rate_of(rule, total), rule.ridge)


def _round(works: Sequence[Work], weights: Sequence[float], rule: Rule, total: float) -> None:
    _run(works, rule, works[0].params, rate_of(rule, total), ridged=True, weights=weights)


FOREACH = Engine(_step, _client_half, _server_half, _round)
"""Few calls on long lists: what a GPU wants without a compiler; it also captures in a graph."""
