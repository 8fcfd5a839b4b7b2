"""The client's half of a round as a communication hook of DistributedDataParallel."""

from typing import Any

import torch
from torch import Tensor

from pisa_lab.torch._optimizer import PISA
from pisa_lab.torch._round import round_of

if torch.distributed.is_available():
    # DDP compares the annotation with this class and takes no name in quotes.
    from torch._C._distributed_c10d import GradBucket
else:
    GradBucket = Any  # type: ignore[assignment, misc, unused-ignore]


def client_hook(optimizer: PISA, bucket: GradBucket) -> torch.futures.Future[Tensor]:
    """Return the future of the summed messages of ``bucket``, which DDP puts in the place of its gradients.

        optimizer = SISA(model.parameters(), lr, process_group=model.process_group)
        model.register_comm_hook(optimizer, client_hook)

    Each gradient becomes its client's message while the backward pass still runs, and ``optimizer.step()`` does the
    server's half alone. After ``backward`` the attribute ``grad`` holds messages, so that gradients cannot be clipped
    or unscaled there; every backward pass needs its step, ``no_sync()`` apart. A parameter that the batch does not use
    has gradient zero.

    Raises:
        ValueError: the optimiser has no process_group, or several clients in this process.
        RuntimeError: the last round was not finished by ``step``.
    """
    clients = optimizer._clients
    if clients.process_group is None or clients.count != 1:
        raise ValueError("process_group: client_hook needs one, and one client a rank")
    current = round_of(optimizer, clients)
    with torch.no_grad():
        if not current.hooked:
            current.open()
        params, buffer = bucket.parameters(), bucket.buffer()
        if not current.hooked.isdisjoint(params):
            current.hooked = set()
            raise RuntimeError("client_hook: a backward pass without a step before it; accumulate under no_sync()")
        sums = torch.zeros_like(buffer)
        gradients = dict(zip(params, bucket.gradients(), strict=True))
        places = {param: _same_place(gradient, buffer, sums) for param, gradient in gradients.items()}
        current.send(0, gradients)
        current.speak(places)
        current.hooked.update(params)
        wire = sums if clients.message_dtype is None else sums.to(clients.message_dtype)
    sent = torch.distributed.all_reduce(wire, group=current.layout.group, async_op=True).get_future()

    def arrived(future: Any) -> Tensor:
        return buffer.copy_(future.value()[0])

    returned: torch.futures.Future[Tensor] = sent.then(arrived)
    return returned


def _same_place(gradient: Tensor, buffer: Tensor, other: Tensor) -> Tensor:
    """Return the part of ``other`` that lies as ``gradient`` does in ``buffer``."""
    start = gradient.storage_offset() - buffer.storage_offset()
    return other.as_strided(gradient.shape, gradient.stride(), other.storage_offset() + start)
