"""A network of a few clients, the run of all of them in one process, and how the ranks of a test are started."""

import datetime
import gc
import os

import torch
import torch.distributed as dist
from torch import nn

from pisa_lab.torch import NSISA, PISA, SISA

METHODS = {
    "pisa": lambda params, **given: PISA(
        params, 0.5, preconditioner="identity", penalty=1.5, rho=0.5, weight_decay=0.05, **given
    ),
    "sisa": lambda params, **given: SISA.published(params, 0.5, penalty=1.5, rho=2.0, weight_decay=0.05, **given),
    "nsisa": lambda params, **given: NSISA.published(
        params, 0.05, penalty=1.5, rho=2.0, weight_decay=0.05, clip=1e6, **given
    ),
    "metric": lambda params, **given: SISA(params, 0.01, penalty=1.5, beta=0.9, weight_decay=0.05, **given),
    "server": lambda params, **given: NSISA(params, 0.05, penalty=1.5, weight_decay=0.05, **given),
}
SIZES = (8, 5, 11, 7, 6, 9, 10, 12)
"""Samples of the clients, whose shares are the weights."""


def model(dtype=torch.float64):
    torch.manual_seed(4)
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)).to(dtype)


def data(client, dtype=torch.float64):
    """Return the samples of one client, from a distribution of its own."""
    generator = torch.Generator().manual_seed(100 + client)
    x = torch.randn(SIZES[client], 6, generator=generator, dtype=torch.float64) + client / 4
    y = torch.randint(0, 3, (SIZES[client],), generator=generator)
    return x.to(dtype), y


def loss(net, client, dtype=torch.float64):
    x, y = data(client, dtype)
    return nn.functional.cross_entropy(net(x), y)


def closure(net, optimizer, client, dtype=torch.float64, evaluate=loss):
    def evaluated():
        optimizer.zero_grad()
        value = evaluate(net, client, dtype)
        value.backward()
        return value.detach()

    return evaluated


def virtual(method, total, *, rounds, dtype=torch.float64, net=None, evaluate=loss):
    """Return the network and the optimiser after ``rounds`` of ``total`` clients in this process."""
    net = model(dtype) if net is None else net
    optimizer = METHODS[method](net.parameters(), clients=total, weights=SIZES[:total])
    closures = [closure(net, optimizer, client, dtype, evaluate) for client in range(total)]
    for _ in range(rounds):
        optimizer.step(closures if total > 1 else closures[0])
    return net, optimizer


def flat(net):
    return torch.cat([whole(param.detach()).flatten() for param in net.parameters()])


def whole(tensor):
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def distance(found, expected):
    return float(torch.linalg.vector_norm(found - expected) / torch.linalg.vector_norm(expected))


def same_everywhere(tensor):
    """Return whether all ranks hold the same bits."""
    most, least = tensor.clone(), tensor.clone()
    dist.all_reduce(most, dist.ReduceOp.MAX)
    dist.all_reduce(least, dist.ReduceOp.MIN)
    return torch.equal(most, least)


def _rank(rank, world, folder, cases, seconds):
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(1)
    limit = datetime.timedelta(seconds=seconds)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting{world}", rank=rank, world_size=world, timeout=limit
    )
    for case in cases:
        case(rank, world, folder)
        gc.collect()
    dist.barrier()
    dist.destroy_process_group()


def on_ranks(world, folder, *cases, seconds=60):
    """Run ``case(rank, world, folder)`` one after the other on ``world`` ranks; whatever hangs is killed and fails."""
    context = torch.multiprocessing.spawn(_rank, (world, folder, cases, seconds), nprocs=world, join=False)
    clock = datetime.datetime.now()
    try:
        while not context.join(timeout=1):
            assert datetime.datetime.now() - clock < datetime.timedelta(seconds=4 * seconds), "the ranks hang"
    finally:
        for process in context.processes:
            process.kill()
