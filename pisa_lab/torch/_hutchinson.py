"""The row "hessian-diagonal": the Hessian's diagonal from products with random signs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pisa_lab._checks import whole
from pisa_lab.torch._asked import check_plain, due, looks, products
from pisa_lab.torch._elementwise import elementwise, kept
from pisa_lab.torch._work import DIAGONAL, Entry, Product, Work

SETTINGS: Mapping[str, Any] = {
    **{"rho": 1.0, "beta": 0.999, "clip": "auto"},
    **{"probes": 1, "refresh": 1, "seed": 0},
}
"""The keys of a group that this preconditioner knows.

"probes" is the number of products at each look, None for one per entry, which makes the diagonal exact; "refresh": look
at steps 1, 1 + refresh, …, only there is a curvature needed; "seed" of the probes. "beta" is the decay of the average.
"""


def init(param: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the average of the diagonals seen, 0 at first."""
    check_plain(param, group)
    return {"curvature": kept(param)}


def checked(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return this preconditioner's own keys of ``group``.

    Raises:
        ValueError: one is outside its domain; the message names it.
    """
    return {
        "probes": None if group["probes"] is None else whole("probes", group["probes"], at_least=1),
        "refresh": whole("refresh", group["refresh"], at_least=1),
        "seed": whole("seed", group["seed"], at_least=0),
    }


def works(entries: Sequence[Entry], group: Mapping[str, Any], curvature: Product | None = None) -> list[Work]:
    r"""Return the work with $Q = \mathrm{Diag}\min(\max(\hat h, 0), \eta)$.

    $h \leftarrow \beta h + (1-\beta)\,\mathrm{mean}_z\,z\odot Hz$ at each look, $\hat h = h/(1-\beta^k)$ after k.
    """
    beta = group["beta"]
    now = [entry for entry in entries if due(entry, group)]
    if now:
        for entry, seen in zip(now, diagonal(curvature, now, _probes(now, group), group), strict=True):
            entry.state["curvature"].mul_(beta).add_(seen, alpha=1 - beta)
    used = [
        (entry.state["curvature"] / (1 - beta ** looks(entry, group))).clamp(min=0.0, max=group["clip"])
        for entry in entries
    ]
    return [elementwise(DIAGONAL, entries, extras=used)]


def diagonal(
    curvature: Product | None, entries: Sequence[Entry], probes: Iterable[Sequence[Tensor]], group: Mapping[str, Any]
) -> list[Tensor]:
    r"""Return the mean of $z\odot Hz$ over ``probes`` z, each a tensor for every entry.

    Its expectation is the diagonal of H for independent z with $E zz^\top = I$; it is the diagonal itself for the p
    vectors $\sqrt p\,e_i$.
    """
    total = [torch.zeros_like(entry.param) for entry in entries]
    number = 0
    for probe in probes:
        torch._foreach_addcmul_(total, list(probe), products(curvature, entries, probe, group))
        number += 1
    return [one / number for one in total]


def _probes(entries: Sequence[Entry], group: Mapping[str, Any]) -> Iterator[list[Tensor]]:
    if group["probes"] is None:
        return _units(entries)
    return _signs(entries, group["probes"], group["seed"])


def _signs(entries: Sequence[Entry], number: int, seed: int) -> Iterator[list[Tensor]]:
    """Yield ``number`` probes of random signs, which the seed and the count of steps decide.

    Nothing of a generator has to be saved for a run to go on as if it had not been cut.
    """
    key = np.random.SeedSequence((seed, int(entries[0].state["step"]))).generate_state(1, np.uint32)
    generators = {device: torch.Generator(device) for device in {entry.param.device for entry in entries}}
    for generator in generators.values():
        generator.manual_seed(int(key[0]))
    for _ in range(number):
        yield [
            torch.empty_like(entry.param).bernoulli_(0.5, generator=generators[entry.param.device]).mul_(2).sub_(1)
            for entry in entries
        ]


def _units(entries: Sequence[Entry]) -> Iterator[list[Tensor]]:
    """Yield the vectors √p·e_i."""
    size = sum(entry.param.numel() for entry in entries)
    for place, entry in enumerate(entries):
        for number in range(entry.param.numel()):
            probe = [torch.zeros_like(other.param, memory_format=torch.contiguous_format) for other in entries]
            probe[place].view(-1)[number] = size**0.5
            yield probe
