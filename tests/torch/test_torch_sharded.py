"""Sharded parameters: NSISA gathers what it orthogonalises, elementwise methods work on the pieces; nothing changes."""

import copy

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

from pisa_lab.torch import NSISA, PISA, SISA

pytestmark = pytest.mark.slow
OPTIMIZERS = (
    lambda params: SISA.published(params, 0.1, rho=3.0, weight_decay=0.1),
    lambda params: NSISA.published(params, 0.02, weight_decay=0.1),
    lambda params: NSISA.published(params, 0.02, nesterov=False, matrix_beta=0.9),
    lambda params: PISA(params, 0.1, preconditioner="identity", rho=2.0),
    lambda params: SISA(params, 0.01, metric="max", weight_decay=0.1),
    lambda params: NSISA(params, 0.02, scale="clipped", weight_decay=0.1),
)


def model():
    """Return a network whose matrices do not divide evenly by the number of ranks, a kernel among them."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(2, 5, 3), nn.Flatten(), nn.Tanh(), nn.Linear(20, 7), nn.Tanh(), nn.Linear(7, 3)
    ).double()


def train(net, optimizer, steps=4):
    generator = torch.Generator().manual_seed(3)
    for _ in range(steps):
        x = torch.randn(6, 2, 4, 4, dtype=torch.float64, generator=generator)
        optimizer.zero_grad()
        net(x).square().sum().backward()
        optimizer.step()


def whole(tensor):
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def rank_of_fsdp(rank, path):
    """Train sharded by FSDP2 and not, on the same batches; compare parameters and state, both gathered."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    for build in OPTIMIZERS:
        plain, shards = model(), model()
        fully_shard(shards[3], mesh=mesh)
        fully_shard(shards, mesh=mesh)
        first = [param.detach().clone() for param in plain.parameters()]
        optimizer, other = build(plain.parameters()), build(shards.parameters())
        train(plain, optimizer)
        train(shards, other)
        for before, expected, found in zip(first, plain.parameters(), shards.parameters(), strict=True):
            assert isinstance(found, DTensor)
            assert not torch.equal(before, expected)
            # FSDP2 adds the ranks' gradients and halves the sum: a rounding, amplified at most 485-fold by five steps.
            torch.testing.assert_close(found.full_tensor(), expected, rtol=0, atol=1e-11)
            kept = other.state[found]
            assert set(kept) == set(optimizer.state[expected])
            for name, value in optimizer.state[expected].items():
                assert isinstance(kept[name], DTensor) or name == "step"
                torch.testing.assert_close(whole(kept[name]), value, rtol=0, atol=1e-11)
    dist.destroy_process_group()


def rank_of_mesh(rank, path):
    """Two axes of sharding, columns as well as rows, and a replicated parameter."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{path}", rank=rank, world_size=4)
    mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("rows", "columns"))
    torch.manual_seed(0)
    start, gradients = torch.randn(7, 5, dtype=torch.float64), torch.randn(3, 7, 5, dtype=torch.float64)
    for placements in ([Shard(0), Shard(1)], [Replicate(), Shard(1)], [Shard(0), Shard(0)], [Replicate(), Replicate()]):
        plain, split = nn.Parameter(start.clone()), nn.Parameter(distribute_tensor(start, mesh, placements))
        optimizer, other = (NSISA.published([param], 0.1, orthogonal=True) for param in (plain, split))
        for gradient in gradients:
            plain.grad, split.grad = gradient.clone(), distribute_tensor(gradient, mesh, placements)
            optimizer.step()
            other.step()
        assert split.placements == tuple(placements)
        torch.testing.assert_close(split.full_tensor(), plain.detach(), rtol=0, atol=1e-13)
        # A gradient that comes placed otherwise (unreduced even) is brought to the parameter's own placement.
        twin = copy.deepcopy(plain)
        twin.grad, split.grad = gradients[0].clone(), distribute_tensor(gradients[0], mesh, [Replicate(), Replicate()])
        NSISA.published([twin], 0.1, orthogonal=True).step()
        before = split.detach().full_tensor().clone()
        NSISA.published([split], 0.1, orthogonal=True).step()
        torch.testing.assert_close(split.detach().full_tensor() - before, (twin - plain).detach(), rtol=0, atol=1e-13)
    dist.destroy_process_group()


@pytest.mark.parametrize(("rank", "world"), [(rank_of_fsdp, 2), (rank_of_mesh, 4)])
def test_sharded_is_unsharded(rank, world, tmp_path):
    torch.multiprocessing.spawn(rank, args=(tmp_path / "meeting",), nprocs=world)
