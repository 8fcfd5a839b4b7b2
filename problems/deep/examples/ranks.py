"""SISA with one client a rank, each of which has its own classes of digits.

torchrun --nproc-per-node 2 -m problems.deep.examples.ranks
"""
# mypy: allow-untyped-calls

import datetime
import sys

import torch
import torch.distributed as dist
from torch.nn.functional import cross_entropy

from pisa_lab.torch import SISA
from problems.deep.examples.silos import accuracy, network, part

ROUNDS, BATCH = 200, 64


def main() -> None:
    """Train, and let rank 0 say how well."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=datetime.timedelta(minutes=2))
    rank = dist.get_rank()
    images, labels = part(rank, dist.get_world_size())
    model = network()
    # The weight of a client is the number of its samples; the ranks find out the sum themselves.
    optimizer = SISA(model.parameters(), lr=3e-3, process_group=dist.group.WORLD, weights=len(images))
    batches = torch.Generator().manual_seed(rank)
    for _ in range(ROUNDS):
        chosen = torch.randint(len(images), (BATCH,), generator=batches)
        optimizer.zero_grad()
        cross_entropy(model(images[chosen]), labels[chosen]).backward()
        optimizer.step()
    if rank == 0:
        sys.stdout.write(f"{dist.get_world_size()} clients, {ROUNDS} rounds: test accuracy {accuracy(model):.3f}\n")
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
