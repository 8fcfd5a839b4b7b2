r"""The scalars of a pass and the lists it runs over: what the fast engines have in common.

They share one form of the equations. For every client i here, with $q_i$ its solution, a pass sets $\pi_i \leftarrow
\pi_i - \sigma q_i$ and then

$$z \leftarrow z + \mathrm{factor}\,\Bigl(\sum_i \alpha_i(\pi_i - \sigma q_i) - \lambda z\Bigr),$$

π on the right of that line the new one. With z = w, factor = lr/(σ + lr·λ) and α = 1 this is a whole step; with z the
message, factor = 1 and λ = 0, the clients' half; with z = w and all clients, a whole round.
"""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from pisa_lab.torch._settings import Rule
from pisa_lab.torch._work import MOMENT, SOLUTION, Work

Number = float | Tensor
Tensors = list[Tensor] | tuple[Tensor, ...]

HALVES = (torch.bfloat16, torch.float16)
"""Types too coarse to compute in: a pass is computed in float32 and rounded where it is stored."""


class Numbers(NamedTuple):
    """What a pass multiplies with: Python's numbers, or 0-d tensors where a graph is recorded.

    ``weights`` are α of several clients, empty for one; ``scales`` are 1/√(1 − β^t), one for each tensor, empty without
    bias correction.
    """

    penalty: Number
    rho: Number
    beta: Number
    gain: Number
    factor: Number
    ridge: Number
    weights: Sequence[Number]
    scales: Sequence[Number]


@dataclasses.dataclass(frozen=True)
class Kind:
    """What is settled before a pass starts: which equations, not which numbers."""

    form: str
    scheme: str
    clip: float | None
    ridged: bool


class Pass(NamedTuple):
    """One pass: the targets z, and the clients' work on them, of equal lengths, type and device."""

    kind: Kind
    targets: list[Tensor]
    works: Sequence[Work]
    numbers: Numbers

    def rows(self) -> list[list[Tensor]]:
        """Return the targets, and every client's multipliers, directions (or q) and extras: what stands in memory."""
        found = [self.targets]
        for work in self.works:
            found += [work.multipliers] if self.kind.form == SOLUTION else [work.multipliers, work.directions]
            found += [work.extras] if work.extras else []
        return found

    def part(self, places: Sequence[int]) -> "Pass":
        """Return the pass over the targets at ``places`` alone."""
        scales = self.numbers.scales
        numbers = self.numbers._replace(scales=[scales[place] for place in places] if scales else ())
        works = [taken(work, places) for work in self.works]
        return Pass(self.kind, [self.targets[place] for place in places], works, numbers)


def passes(
    works: Sequence[Work],
    rule: Rule,
    targets: Sequence[Tensor],
    factor: Number,
    *,
    ridged: bool,
    weights: Sequence[float] = (),
) -> Iterator[Pass]:
    """Yield the passes over ``works``, the same parameters at one client or several: one for each type and device."""
    places: dict[tuple[torch.dtype, torch.device], list[int]] = {}
    for place, target in enumerate(targets):
        places.setdefault((target.dtype, target.device), []).append(place)
    kind = Kind(works[0].form, rule.scheme, rule.clip, ridged and rule.ridge > 0)
    for found in places.values():
        part = works if len(places) == 1 else [taken(work, found) for work in works]
        moved = [targets[place] for place in found]
        corrected = kind.form == MOMENT and rule.scheme == "III"
        scales = bias_scales(part[0].steps, [target.dtype for target in moved], rule.beta) if corrected else ()
        beta = rule.beta
        yield Pass(
            kind, moved, part, Numbers(rule.penalty, rule.rho, beta, 1 - beta, factor, rule.ridge, weights, scales)
        )


def rate_of(rule: Rule, total: float) -> Number:
    """Return lr/(total + lr·λ)."""
    return rule.lr / (total + rule.lr * rule.ridge)


def recorded(steps: Sequence[Tensor]) -> bool:
    """Return whether counts must stay tensors: a graph is traced, or captured on a device."""
    return torch.compiler.is_compiling() or any(step.device.type != "cpu" for step in steps)


def computed(dtype: torch.dtype) -> torch.dtype:
    """Return the type that a pass over tensors of ``dtype`` computes in."""
    return torch.float32 if dtype in HALVES else dtype


def aligned(tensors: Sequence[Tensor]) -> Sequence[Tensor] | None:
    """Return ``tensors``, of one shape, contiguous and of one type, None where they cannot be taken so.

    Those with one order of axes and no holes, such as channels-last kernels, are flat in memory and returned flat.
    """
    first, contiguous = tensors[0], True
    dtype = first.dtype
    # A plain loop: it runs for every parameter in every step.
    for tensor in tensors:
        if tensor.dtype is not dtype:
            return None
        contiguous = contiguous and tensor.is_contiguous()
    if contiguous:
        return tensors
    strides = first.stride()
    if any(tensor.stride() != strides for tensor in tensors) or not torch.ops.aten.is_non_overlapping_and_dense(first):
        return None
    return [tensor.as_strided((tensor.numel(),), (1,)) for tensor in tensors]


def taken(work: Work, places: Sequence[int]) -> Work:
    """Return the part of ``work`` at ``places``."""

    def of(tensors: Sequence[Tensor]) -> list[Tensor]:
        return [tensors[place] for place in places] if tensors else []

    lists = (of(work.params), of(work.directions), of(work.multipliers), of(work.extras), of(work.steps))
    return Work(work.form, *lists, work.rule)


def bias_scales(steps: Sequence[Tensor], dtypes: Sequence[torch.dtype], beta: float) -> list[Number]:
    """Return 1/√(1 − β^t) for every count t; tensors of the types that ``dtypes`` are computed in where t is one."""
    if recorded(steps):
        return [_scale(step.to(computed(dtype)), beta) for step, dtype in zip(steps, dtypes, strict=True)]
    counts = torch.stack(list(steps)).tolist()
    known = {count: (1 - beta**count) ** -0.5 for count in set(counts)}
    return [known[count] for count in counts]


def _scale(step: Tensor, beta: float) -> Tensor:
    if beta == 0.0:
        return torch.ones_like(step)
    # In float32 the difference 1 − β^t would lose five digits at the start.
    return torch.rsqrt(-torch.expm1(step * math.log(beta)))
