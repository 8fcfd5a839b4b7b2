r"""Where to read the result of noisy gradients: the mean of the clients' own w_i, which the server's last step left.

The step is the minimiser of the augmented Lagrangian over w, so that

$$\sum_i\alpha_iw_i = w - \mathrm{lr}\,\frac{\sum_i\alpha_i\pi_i - \lambda w}{\sigma D}$$

needs nothing that is not kept. It is w without the last optimistic correction. Source: MATHEMATICS.md#local-mean.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch._functional import lifted
from pisa_lab.torch._metric import by_name
from pisa_lab.torch._optimizer import PISA
from pisa_lab.torch._round import round_of
from pisa_lab.torch._sharding import local
from pisa_lab.torch._state import as_real


@contextlib.contextmanager
def local_mean(optimizer: PISA) -> Iterator[None]:
    """Put the mean of the clients' w_i in the parameters' place, for evaluation; afterwards they are what they were.

        with local_mean(optimizer):
            accuracy = evaluate(model)

    On small problems with noise it is the better of the two points; on full gradients both converge alike. It is that
    of the last step as long as its lr stands: evaluate before a scheduler moves it. Matrices that step along their
    orthogonalised message (`NSISA`) stay, for there the server minimises something else; so does what has no state yet.
    Over ranks all must call it together; unless there is a metric, whose server knows the sum of the multipliers, it
    exchanges one vector.
    """
    with torch.no_grad():
        found = {param: local(as_real(param)).clone() for group in optimizer.param_groups for param in group["params"]}
        for param, mean in _means(optimizer).items():
            local(as_real(param)).copy_(mean)
    try:
        yield
    finally:
        with torch.no_grad():
            for param, before in found.items():
                local(as_real(param)).copy_(before)


def _means(optimizer: PISA) -> dict[Tensor, Tensor]:
    """Return this rank's piece of the mean of the w_i, for every parameter that has one of its own."""
    found = {}
    for group in optimizer.param_groups:
        for param in group["params"]:
            state = optimizer.state.get(param)
            if not state or (group["metric"] and by_name(group["metric"]).keeps[0] not in state):
                continue
            w, pull = lifted(local(as_real(param))), lifted(_multipliers(optimizer, state))
            found[param] = w - _rate(group, state) * (pull - group["weight_decay"] * w) / _metric(group, state)
    return found


def _multipliers(optimizer: PISA, state: Mapping[str, Tensor]) -> Tensor:
    r"""Return this rank's piece of $\sum_i\alpha_i\pi_i$ over all clients."""
    rows = local(state["multiplier"])
    if optimizer._clients.alone:
        return rows
    if "aggregate" in state:
        return local(state["aggregate"])
    current = round_of(optimizer, optimizer._clients)
    (total,) = current.reduced([sum(current.weights)])
    shares = torch.tensor(current.weights, dtype=rows.dtype, device=rows.device) / total
    summed: Tensor = torch.tensordot(shares, rows, 1)
    if current.layout.mesh is not None:
        torch.distributed.all_reduce(summed, group=current.layout.group)
    return summed


def _rate(group: Mapping[str, Any], state: Mapping[str, Tensor]) -> Any:
    """Return lr/σ of one parameter."""
    if group["penalty"] == "auto":
        return 1.0 / group["progress"]["penalty"]
    # What NSISA does not orthogonalise has an lr of its own.
    factor = group.get("elementwise_lr", 1.0) if "momentum" not in state else 1.0
    return group["lr"] * factor / group["penalty"]


def _metric(group: Mapping[str, Any], state: Mapping[str, Tensor]) -> Tensor | float:
    """Return D of the last step."""
    if not group["metric"]:
        return 1.0
    if group["metric"] == "max":
        return lifted(local(state["largest"])) + float(group["eps"])
    moment = lifted(local(state["moment"]))
    if group["metric"] != "adagrad":
        moment = moment / (1 - group["beta"] ** float(state["step"]))
    return torch.sqrt(moment) + float(group["eps"])
