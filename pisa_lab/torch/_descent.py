r"""The server's half with a metric, in three ways that agree to rounding; alone, a client's half goes before it.

$$v \leftarrow \beta v + (1-\beta)G^2,\quad D = \sqrt{v/(1-\beta^t)} + \epsilon,\quad
w \leftarrow w + \mathrm{lr}\,\frac{m - \lambda w}{\sigma D + \mathrm{lr}\,\lambda}$$

"max" takes the largest root so far, "adagrad" the root of the sum. Source: MATHEMATICS.md#N3.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pisa_lab.preconditioners.second_moment import SecondMoment
from pisa_lab.torch._functional import iteration, lifted
from pisa_lab.torch._in_place import most, pieces
from pisa_lab.torch._pass import HALVES, Number, Tensors, bias_scales
from pisa_lab.torch._settings import Rule

Lists = list[Tensor]


class Job(NamedTuple):
    """What the server does to some parameters, as lists of equal length, all of them this rank's pieces.

    ``multipliers`` are those of a single client, whose half is done first: then there are no ``messages``. ``extras``
    are what the metric keeps, one list for each name.
    """

    params: Lists
    gradients: Lists
    messages: Lists
    multipliers: Lists
    extras: list[Lists]
    steps: Lists

    def lists(self) -> list[Lists]:
        """Return the lists of tensors of the parameters' shapes; what the job is without is left out."""
        return [
            found for found in (self.params, self.gradients, self.messages, self.multipliers, *self.extras) if found
        ]

    def put(self, lists: Sequence[Lists]) -> "Job":
        """Return the job on ``lists``, in the order of `lists`."""
        rest = iter(lists)
        params, gradients, messages, multipliers = (next(rest) if found else [] for found in self[:4])
        return Job(params, gradients, messages, multipliers, list(rest), self.steps)


class Numbers(NamedTuple):
    """The metric and the numbers of a step; ``scales`` are 1/√(1 − β^t), one a tensor, empty without correction."""

    metric: str
    floor: float
    momentum: float
    rule: Rule
    total: float
    scales: Sequence[Number]


Descent = Callable[[Job, Numbers], None]


def descend(way: Descent, job: Job, metric: str, floor: float, momentum: float, rule: Rule, total: float) -> None:
    """Do ``job`` by ``way``, for each type and device at once; the entrywise part of "spectral" is "ema"."""
    metric = "ema" if metric == "spectral" else metric
    places: dict[tuple[torch.dtype, torch.device], list[int]] = {}
    for place, param in enumerate(job.params):
        places.setdefault((param.dtype, param.device), []).append(place)
    for found in places.values():
        part = job.put([[one[place] for place in found] for one in job.lists()])
        part = part._replace(steps=[job.steps[place] for place in found])
        corrected = metric != "adagrad"
        scales = bias_scales(part.steps, [param.dtype for param in part.params], rule.beta) if corrected else ()
        way(part, Numbers(metric, floor, momentum, rule, total, scales))


def by_lists(job: Job, numbers: Numbers) -> None:
    """Do ``job`` by torch's operations on lists of tensors."""
    wide = [[one.float() for one in found] if found[0].dtype in HALVES else found for found in job.lists()]
    _lines(job.put(wide), numbers)
    for stored, found in zip(job.lists(), wide, strict=True):
        if stored is not found and stored is not job.gradients and stored is not job.messages:
            torch._foreach_copy_(stored, found)


def _lines(job: Job, numbers: Numbers) -> None:
    pull: Tensors = job.messages
    if job.multipliers:
        steps = torch._foreach_add(job.multipliers, job.gradients)
        torch._foreach_mul_(steps, 1 - numbers.momentum)
        torch._foreach_sub_(job.multipliers, steps)
        pull = torch._foreach_sub(job.multipliers, steps)
    bottom, ridge = _diagonal(job, numbers), numbers.rule.ridge
    # A tensor lr of one axis would not multiply a parameter of none in place.
    lr = numbers.rule.lr.reshape(()) if isinstance(numbers.rule.lr, Tensor) else numbers.rule.lr
    torch._foreach_add_(bottom, numbers.floor)
    torch._foreach_mul_(bottom, numbers.total)
    if ridge:
        pull = torch._foreach_add(pull, job.params, alpha=-ridge)
        shift = lr * ridge
        torch._foreach_add_(bottom, [shift] * len(bottom) if isinstance(shift, Tensor) else shift)
    pull = torch._foreach_div(pull, bottom)
    if isinstance(lr, Tensor):
        torch._foreach_mul_(pull, [lr] * len(pull))
        torch._foreach_add_(job.params, pull)
    else:
        torch._foreach_add_(job.params, pull, alpha=lr)


def _diagonal(job: Job, numbers: Numbers) -> Lists:
    """Return D without its floor in new tensors, after one look at the gradients."""
    moments, beta = job.extras[0], numbers.rule.beta
    if numbers.metric == "adagrad":
        torch._foreach_addcmul_(moments, job.gradients, job.gradients)
        return list(torch._foreach_sqrt(moments))
    torch._foreach_mul_(moments, beta)
    torch._foreach_addcmul_(moments, job.gradients, job.gradients, value=1 - beta)
    root = torch._foreach_sqrt(moments)
    torch._foreach_mul_(root, list(numbers.scales))  # type: ignore[arg-type]
    if numbers.metric == "max":
        torch._foreach_maximum_(job.extras[1], root)
        torch._foreach_copy_(root, job.extras[1])
    return list(root)


def by_pieces(job: Job, numbers: Numbers) -> None:
    """Do ``job`` parameter by parameter, in pieces that stay in a processor's cache."""
    for place, column in enumerate(zip(*job.lists(), strict=True)):
        part = numbers._replace(scales=numbers.scales[place : place + 1])
        for piece in pieces(column, most(column[0])):
            by_lists(job.put([[one] for one in piece]), part)


def by_core(job: Job, numbers: Numbers) -> None:
    """Do ``job`` with the core's own lines, one parameter at a time; gradients may flow through it."""
    rule = numbers.rule
    for place, column in enumerate(zip(*job.lists(), strict=True)):
        one = job.put([[tensor] for tensor in column])
        gradient, param = lifted(one.gradients[0]), lifted(one.params[0].clone())
        pull = _sent(one, gradient, numbers) if one.multipliers else lifted(one.messages[0])
        diagonal = _core_diagonal(one, gradient, job.steps[place], numbers) + numbers.floor
        increment = rule.lr * (pull - rule.ridge * param) / (numbers.total * diagonal + rule.lr * rule.ridge)
        one.params[0].copy_(param + increment)


def _sent(one: Job, gradient: Tensor, numbers: Numbers) -> Tensor:
    """Return 2π⁺ − π of a single client, whose π is moved."""
    multiplier = lifted(one.multipliers[0].clone())
    moved = multiplier - (1 - numbers.momentum) * (multiplier + gradient)
    one.multipliers[0].copy_(moved)
    return 2 * moved - multiplier


def _core_diagonal(one: Job, gradient: Tensor, step: Tensor, numbers: Numbers) -> Tensor:
    """Return D without its floor by the core's second moment, whose look at a gradient is at π + g with π = 0."""
    kept = lifted(one.extras[0][0].clone())
    root: Tensor
    used = SecondMoment("I" if numbers.metric == "adagrad" else "III", numbers.rule.beta)
    root, moment = used.advance(kept, gradient, iteration(step))
    one.extras[0][0].copy_(moment)
    if numbers.metric == "max":
        root = torch.maximum(lifted(one.extras[1][0].clone()), root)
        one.extras[1][0].copy_(root)
    return root
