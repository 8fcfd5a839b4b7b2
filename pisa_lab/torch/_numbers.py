r"""The scalars of a pass and the lists it runs over: what the fast engines have in common.

They share one form of the equations. With $q$ the solution, a pass sets

$$\pi \leftarrow \pi - \sigma q,\qquad z \leftarrow z + \mathrm{factor}\,(\pi - \sigma q - \lambda z),$$

π on the right of the second line the new one. With z = w and factor = lr/(σ + lr·λ) this is a whole step; with z the
message, factor = α and λ = 0, the client's half.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import MOMENT, Work

Number = float | Tensor
HALVES = (torch.bfloat16, torch.float16)
"""Types too coarse to compute in: a pass is computed in float32 and rounded where it is stored."""


class Numbers(NamedTuple):
    """What a pass multiplies with: Python's numbers, or 0-d tensors where a graph is recorded.

    ``scales`` are 1/√(1 − β^t), one for each tensor, or empty without bias correction.
    """

    penalty: Number
    rho: Number
    beta: Number
    gain: Number
    factor: Number
    ridge: Number
    scales: list[Number]


@dataclasses.dataclass(frozen=True)
class Kind:
    """What is settled before a pass starts: which equations, not which numbers."""

    form: str
    scheme: str
    clip: float | None
    ridged: bool


def kind_of(work: Work, rule: Rule, *, ridged: bool) -> Kind:
    """Return the kind of a pass over ``work``."""
    return Kind(work.form, rule.scheme, rule.clip, ridged and rule.ridge > 0)


def rate_of(rule: Rule, total: float) -> Number:
    """Return lr/(total + lr·λ)."""
    return rule.lr / (total + rule.lr * rule.ridge)


def numbers_of(work: Work, rule: Rule, factor: Number) -> Numbers:
    """Return the numbers of a pass over ``work``."""
    corrected = work.form == MOMENT and rule.scheme == "III"
    scales = _scales(work, rule.beta) if corrected else []
    return Numbers(rule.penalty, rule.rho, rule.beta, 1 - rule.beta, factor, rule.ridge, scales)


def recorded(steps: Sequence[Tensor]) -> bool:
    """Return whether counts must stay tensors: a graph is traced, or captured on a device."""
    return torch.compiler.is_compiling() or any(step.device.type != "cpu" for step in steps)


def _scales(work: Work, beta: float) -> list[Number]:
    if recorded(work.steps):
        # By expm1: in float32 the difference 1 − β^t would lose five digits at the start.
        return [_scale(step.to(computed(param.dtype)), beta) for step, param in zip(work.steps, work.params, strict=True)]
    counts = torch.stack(work.steps).tolist()
    known = {count: (1 - beta**count) ** -0.5 for count in set(counts)}
    return [known[count] for count in counts]


def _scale(step: Tensor, beta: float) -> Tensor:
    if beta == 0.0:
        return torch.ones_like(step)
    return torch.rsqrt(-torch.expm1(step * math.log(beta)))


def computed(dtype: torch.dtype) -> torch.dtype:
    """Return the type that a pass over tensors of ``dtype`` computes in."""
    return torch.float32 if dtype in HALVES else dtype


def parts(work: Work, targets: Sequence[Tensor]) -> Iterator[tuple[Work, list[Tensor]]]:
    """Yield ``work`` and ``targets`` in parts of one type and device."""
    places: dict[tuple[torch.dtype, torch.device], list[int]] = {}
    for place, multiplier in enumerate(work.multipliers):
        places.setdefault((multiplier.dtype, multiplier.device), []).append(place)
    if len(places) == 1:
        yield work, list(targets)
        return
    for found in places.values():
        lists = (work.params, work.directions, work.multipliers, work.extras, work.steps)
        taken = [[one[place] for place in found] if one else [] for one in lists]
        yield Work(work.form, *taken, work.rule), [targets[place] for place in found]
