r"""The server's metric: what the consensus step divides by, $\sigma D + \lambda$ instead of $\sigma + \lambda$.

$$w \leftarrow w + \mathrm{lr}\,\frac{\sum_i\alpha_i(2\pi_i^+-\pi_i) - \lambda w}{\sigma D + \mathrm{lr}\,\lambda}$$

D comes from the aggregate gradient $G = \sum_i\alpha_ig_i$, so that it is one vector whatever the number of clients,
and their lines know nothing of it. With one client G is the gradient. With several the messages m are all that is sent:
the server keeps $\Pi = \sum_i\alpha_i\pi_i$ and, the clients' momentum b being one number, finds

$$\Pi^+ = \tfrac12(m+\Pi),\qquad G = \frac{(2b-1)\Pi - m}{2(1-b)},$$

so that no byte more travels; it costs one vector more, on every rank. An error in Π is halved in every round: messages
in half precision do not let it grow. Source: MATHEMATICS.md#N3.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab._checks import choice, real, row_named
from pisa_lab.torch._elementwise import kept
from pisa_lab.torch._matrices import is_matrix

FLOOR = 1e-8
SCALES = ("constant", "nuclear", "clipped")


@dataclasses.dataclass(frozen=True)
class Metric:
    """One metric: ``keeps`` names the server's state where it is entrywise, ``settings`` the keys of a group it knows.

    ``matrices`` says whether what counts as a matrix steps along its orthogonalised message instead, without state.
    """

    name: str
    keeps: tuple[str, ...]
    summary: str
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    matrices: bool = False
    checked: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda group: {}

    def init(self, param: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return zeros for what it keeps of ``param``."""
        if self.matrices and is_matrix(param, group):
            return {}
        return {name: kept(param) for name in self.keeps}


def _spectral(group: Mapping[str, Any]) -> dict[str, Any]:
    dtype = group["ns_dtype"]
    if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise ValueError(f"ns_dtype: {dtype!r} is not a floating-point type of torch, or None")
    return {"scale": choice("scale", group["scale"], SCALES), "tau": real("tau", group["tau"], above=0.0)}


NONE = Metric("", (), "D = I")
ROWS = (
    Metric("ema", ("moment",), "Adam's: the root of the corrected average of G²", {"beta": 0.999, "eps": FLOOR}),
    Metric("max", ("moment", "largest"), "its largest value so far, as in AMSGrad", {"beta": 0.999, "eps": FLOOR}),
    Metric("adagrad", ("moment",), "the root of the sum of G²", {"eps": FLOOR}),
    Metric(
        "spectral",
        ("moment",),
        'Newton–Schulz on the message of every matrix, "ema" on the rest',
        {
            **{"scale": "constant", "tau": 1.0, "ns_steps": 5, "ns_dtype": None, "orthogonal": None},
            **{"elementwise_lr": 0.2, "beta": 0.999, "eps": FLOOR},
        },
        matrices=True,
        checked=_spectral,
    ),
)
"""The metrics that `PISA` can name."""


def by_name(name: str | None) -> Metric:
    """Return the row called ``name``.

    Raises:
        ValueError: there is none.
    """
    return NONE if name is None else row_named("metric", name, ROWS)


def check_client(group: Mapping[str, Any]) -> None:
    """Check that the clients' lines are those that a metric needs.

    Raises:
        ValueError: the clients' momentum is not one number.
    """
    if group["metric"] and group["preconditioner"] != "heavy-ball":
        raise ValueError(
            f"metric: {group['metric']!r} needs clients with a scalar momentum, preconditioner='heavy-ball', not "
            f"{group['preconditioner']!r}; metric=None goes with every preconditioner"
        )


def is_clients(group: Mapping[str, Any], name: str) -> bool:
    """Return whether the state called ``name`` is each client's own, and not the server's or the count."""
    return name == "multiplier" if group["metric"] else name != "step"


def aggregate_gradients(
    group: Mapping[str, Any], messages: Sequence[Tensor], sums: Sequence[Tensor], first: Sequence[bool]
) -> list[Tensor]:
    """Return G of every message, after moving Π in ``sums``; ``first`` says whose clients have just started warm.

    There Π = m: no u is left, and all clients sent is where they started.
    """
    b = float(group["momentum"])
    found = []
    for message, total, new in zip(messages, sums, first, strict=True):
        sent, known = (x if x.dtype == torch.float64 else x.float() for x in (message, total))
        known = sent if new else known
        found.append(((2 * b - 1) * known - sent) / (2 * (1 - b)))
        total.copy_((sent + known) / 2)
    return found
