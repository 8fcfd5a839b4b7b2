"""What the ranks of the distributed tests run: every function is called on each of them."""

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel
from torch_clients_cases import (
    METHODS,
    SIZES,
    closure,
    data,
    distance,
    flat,
    loss,
    model,
    same_everywhere,
    virtual,
    whole,
)

from pisa_lab.torch import SISA, _messages, client_hook, local_mean, message_error


def one_a_rank(method, rank, *, rounds, dtype=torch.float64, net=None, evaluate=loss, **given):
    """Return the network and the optimiser after ``rounds``, this rank being one client."""
    net = model(dtype) if net is None else net
    optimizer = METHODS[method](net.parameters(), process_group=dist.group.WORLD, weights=SIZES[rank], **given)
    one = closure(net, optimizer, rank, dtype, evaluate)
    for _ in range(rounds):
        one()
        optimizer.step()
    return net, optimizer


def equal_to_virtual(rank, world, folder, rounds=200, methods=("pisa", "sisa", "metric")):
    """One client a rank is m clients in one process."""
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        for method in methods:
            number = min(rounds, 60) if method == "metric" else rounds
            net, _ = one_a_rank(method, rank, rounds=number, dtype=dtype)
            assert same_everywhere(flat(net))
            if rank == 0:
                expected = flat(virtual(method, world, rounds=number, dtype=dtype)[0])
                assert distance(flat(net), expected) < tolerance
                assert distance(flat(net), flat(model(dtype))) > 0.1


def equal_after_some_rounds(rank, world, folder):
    """The same for all three rules, briefly: Newton–Schulz can multiply a rounding by 485 in a single step."""
    equal_to_virtual(rank, world, folder, rounds=12, methods=("pisa", "sisa"))
    for method in ("nsisa", "server"):
        net, optimizer = one_a_rank(method, rank, rounds=12)
        expected, other = virtual(method, world, rounds=12)
        assert same_everywhere(flat(net))
        assert distance(flat(net), flat(expected)) < 1e-12
        with local_mean(optimizer), local_mean(other):
            assert same_everywhere(flat(net))
            assert distance(flat(net), flat(expected)) < 1e-12


def several_on_each(rank, world, folder, each=3):
    """Clients 3r, 3r + 1, 3r + 2 on rank r are 3·world clients in one process; losses come back as a list."""
    here = range(each * rank, each * rank + each)
    for method in ("sisa", "metric"):
        net, weights = model(), [SIZES[client] for client in here]
        optimizer = METHODS[method](net.parameters(), clients=each, process_group=dist.group.WORLD, weights=weights)
        closures = [closure(net, optimizer, client) for client in here]
        for _ in range(20):
            losses = optimizer.step(closures)
        expected, other = virtual(method, each * world, rounds=20)
        assert distance(flat(net), flat(expected)) < 1e-12
        assert len(losses) == each
        for found, wanted in zip(net.parameters(), expected.parameters(), strict=True):
            kept, full = optimizer.state[found], other.state[wanted]
            assert set(kept) == set(full)
            for name in sorted(set(kept) - {"step"}):
                assert kept[name].shape == full[name].shape
                torch.testing.assert_close(whole(kept[name]), full[name], rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="closure: 2 given"):
        optimizer.step(closures[:2])


def small_buckets(rank, world, folder):
    """Buckets of one or two parameters send the same."""
    kept, _messages.BUCKET_BYTES = _messages.BUCKET_BYTES, 160
    net, optimizer = one_a_rank("sisa", rank, rounds=5)
    _messages.BUCKET_BYTES = kept
    sizes = [len(bucket.slots) for bucket in optimizer._round.buckets]
    assert len(sizes) == 3
    assert sum(sizes) == 4
    assert torch.equal(flat(net), flat(one_a_rank("sisa", rank, rounds=5)[0]))


def short_messages(rank, world, folder):
    """Messages in bfloat16 keep 8 bits; the error says so, and w stays near the run that sends all of them."""
    for method in ("sisa", "metric"):
        exact, alike = one_a_rank(method, rank, rounds=40, dtype=torch.float32)
        net, optimizer = one_a_rank(method, rank, rounds=40, dtype=torch.float32, message_dtype=torch.bfloat16)
        assert all(bucket.wire.dtype == torch.bfloat16 for bucket in optimizer._round.buckets)
        assert same_everywhere(flat(net))
        assert message_error(alike) == 0.0
        # Each message is off by at most 2⁻⁹ of itself; the sum is smaller than the messages, not by a factor of 50.
        assert 2**-12 < message_error(optimizer) < 50 * 2**-9
        assert 1e-7 < distance(flat(net), flat(exact)) < 0.02


class Branches(nn.Module):
    """A part for everybody, one that only client 1 uses, at every second call, and one that nobody does."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(8)
        self.common, self.rare, self.idle = (nn.Linear(6, 3, dtype=torch.float64) for _ in range(3))
        self.calls = [0] * len(SIZES)


def branching_loss(net, client, dtype):
    x, y = data(client, dtype)
    net.calls[client] += 1
    rare = net.rare(x) if client == 1 and net.calls[client] % 2 == 0 else 0.0
    return nn.functional.cross_entropy(net.common(x) + rare, y)


def missing_gradients(rank, world, folder):
    """A gradient missing here but not elsewhere is zero; missing everywhere it leaves parameter and state alone."""
    for method in ("sisa", "metric"):
        net, optimizer = one_a_rank(method, rank, rounds=7, net=Branches(), evaluate=branching_loss)
        expected, other = virtual(method, world, rounds=7, net=Branches(), evaluate=branching_loss)
        assert distance(flat(net), flat(expected)) < 1e-12
        assert torch.equal(net.idle.weight, Branches().idle.weight)
        assert not torch.equal(net.rare.weight, Branches().rare.weight)
        assert net.idle.weight not in optimizer.state
        assert int(optimizer.state[net.rare.weight]["step"]) == 3
        for one, run in ((net, optimizer), (expected, other)):
            assert [int(run.state[param]["step"]) for param in one.common.parameters()] == [7, 7]


def through_the_hook(rank, world, folder):
    """The client's half inside DDP's backward pass, in several buckets, is the same round."""
    cases = [("sisa", torch.float64, None, 1e-13), ("sisa", torch.float32, torch.bfloat16, 0.02)]
    for method, dtype, sent, tolerance in [("metric", torch.float64, None, 1e-12), *cases]:
        net = model(dtype)
        wrapped = DistributedDataParallel(net, bucket_cap_mb=1e-4)
        group = wrapped.process_group
        optimizer = METHODS[method](net.parameters(), process_group=group, weights=SIZES[rank], message_dtype=sent)
        wrapped.register_comm_hook(optimizer, client_hook)
        one = closure(wrapped, optimizer, rank, dtype)
        for number in range(12):
            optimizer.step(one) if number % 2 else (one(), optimizer.step())
        assert same_everywhere(flat(net))
        assert distance(flat(net), flat(virtual(method, world, rounds=12, dtype=dtype)[0])) < tolerance
    with wrapped.no_sync():
        one()
    wrapped(data(rank, dtype)[0]).sum().backward()
    with pytest.raises(RuntimeError, match="client_hook: a backward pass without a step"):
        wrapped(data(rank, dtype)[0]).sum().backward()


def refusals(rank, world, folder):
    """Ranks that start apart, weights that do not fit, groups that are none: an error that names the argument."""
    net = model()
    with torch.no_grad():
        net[0].weight[0, 0] += 0.01 * rank
    optimizer = SISA.published(net.parameters(), process_group=dist.group.WORLD)
    closure(net, optimizer, rank)()
    with pytest.raises(ValueError, match=r"^params: the parameters differ between the ranks"):
        optimizer.step()
    for given, message in (
        ({"process_group": "ranks"}, r"^process_group: 'ranks' is no mesh"),
        ({"process_group": init_device_mesh("cpu", (1, world), mesh_dim_names=("a", "b"))}, "none is named 'client'"),
    ):
        optimizer = SISA.published(net.parameters(), **given)
        with pytest.raises(ValueError, match=message):
            optimizer.step()


def sharded_clients(rank, world, folder):
    """Two clients that are FSDP groups of two ranks each are two clients in one process."""
    mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("client", "shard"))
    client = mesh.get_local_rank("client")
    for method in METHODS:
        net = model()
        for part in (net[0], net):
            fully_shard(part, mesh=mesh["shard"])
        optimizer = METHODS[method](net.parameters(), process_group=mesh, weights=SIZES[client])
        one = closure(net, optimizer, client)
        for _ in range(20):
            optimizer.step(one)
        expected, other = virtual(method, 2, rounds=20)
        # FSDP averages the gradients of two ranks that are equal: the same bits, and NSISA's amplification of 485.
        assert distance(flat(net), flat(expected)) < 1e-12
        for found, wanted in zip(net.parameters(), expected.parameters(), strict=True):
            multiplier = optimizer.state[found]["multiplier"]
            assert isinstance(multiplier, DTensor)
            assert multiplier.to_local().shape == (1, *found.to_local().shape)
            torch.testing.assert_close(multiplier.full_tensor(), other.state[wanted]["multiplier"], rtol=0, atol=1e-11)
    optimizer = SISA.published(net.parameters(), process_group=mesh["client"])
    with pytest.raises(ValueError, match="give the whole mesh"):
        optimizer.step(one)


def warm_start(rank, world, folder):
    """Each rank's own first gradient is where its multiplier starts."""
    for method in ("sisa", "metric"):
        net, _ = one_a_rank(method, rank, rounds=6, warm=True)
        twin = model()
        other = METHODS[method](twin.parameters(), clients=world, weights=SIZES[:world], warm=True)
        for _ in range(6):
            other.step([closure(twin, other, client) for client in range(world)])
        assert distance(flat(net), flat(twin)) < 1e-12


def settings_that_differ(rank, world, folder):
    """A scheduler that saw another loss on another rank is refused in the round in which it changed something."""
    cases = [("sisa", {"lr": 0.3, "rho": 5.0, "penalty": 4.0, "weight_decay": 0.5})]
    cases += [("metric", {"momentum": 0.5, "beta": 0.5, "eps": 0.1})]
    for method, name, value in [(method, *item) for method, values in cases for item in values.items()]:
        net, optimizer = one_a_rank(method, rank, rounds=2)
        before = flat(net)
        if rank == 0:
            optimizer.param_groups[0][name] = value
        closure(net, optimizer, rank, torch.float64, loss)()
        with pytest.raises(ValueError, match=f"^{name}: between .* one rule"):
            optimizer.step()
        assert torch.equal(flat(net), before)
