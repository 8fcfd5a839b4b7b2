"""What the ranks of the checkpoint tests run."""

import copy

import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_state_dict,
    set_optimizer_state_dict,
    set_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch_clients_cases import METHODS, SIZES, closure, flat, model, whole

TOTAL = 4


def other_model():
    """Return the network from numbers that no rank shares with another, and that no run starts from."""
    net = model()
    with torch.no_grad():
        for param in net.parameters():
            param.add_(1.0 + dist.get_rank())
    return net


def client_run(method, rank, world, net, each=1):
    """Return an optimiser with ``each`` clients on every rank, and what makes one round."""
    here = range(each * rank, each * rank + each)
    weights = [SIZES[client] for client in here]
    optimizer = METHODS[method](net.parameters(), clients=each, process_group=dist.group.WORLD, weights=weights)
    closures = [closure(net, optimizer, client) for client in here]
    return optimizer, lambda: optimizer.step(closures)


def save(net, optimizer, folder):
    parts = get_state_dict(net, optimizer)
    dcp.save(dict(zip(("model", "optimizer"), parts, strict=True)), checkpoint_id=folder)


def load(net, optimizer, folder):
    parts = dict(zip(("model", "optimizer"), get_state_dict(net, optimizer), strict=True))
    dcp.load(parts, checkpoint_id=folder)
    set_state_dict(net, optimizer, model_state_dict=parts["model"], optim_state_dict=parts["optimizer"])


def all_state(net, optimizer):
    """Return every tensor of the run, gathered."""
    kept = {
        f"{number} {name}": whole(value).clone()
        for number, state in enumerate(map(optimizer.state.get, net.parameters()))
        for name, value in state.items()
    }
    return {"w": flat(net), **kept}


def assert_same_bits(found, expected):
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


def interrupted(rank, world, folder):
    """A run that is cut and restored into a fresh process's objects is the run that was not, bit for bit."""
    for method in METHODS:
        net = model()
        optimizer, go = client_run(method, rank, world, net)
        for _ in range(5):
            go()
        save(net, optimizer, folder / f"{world}-{method}")
        for _ in range(5):
            go()
        fresh = other_model()
        restored, go_on = client_run(method, rank, world, fresh)
        load(fresh, restored, folder / f"{world}-{method}")
        for _ in range(5):
            go_on()
        assert_same_bits(all_state(fresh, restored), all_state(net, optimizer))
        # The multipliers differ between the clients, or the test would not see one taken for another.
        multiplier = restored.state[fresh[0].weight]["multiplier"].full_tensor()
        assert not torch.equal(multiplier[0], multiplier[1])


def interrupted_sharded(rank, world, folder):
    """The same where each client is an FSDP group of two ranks."""
    mesh = init_device_mesh("cpu", (2, 2), mesh_dim_names=("client", "shard"))

    def run(net):
        for part in (net[0], net):
            fully_shard(part, mesh=mesh["shard"])
        client = mesh.get_local_rank("client")
        optimizer = METHODS["sisa"](net.parameters(), process_group=mesh, weights=SIZES[client])
        one = closure(net, optimizer, client)
        return optimizer, lambda: optimizer.step(one)

    net, fresh = model(), other_model()
    optimizer, go = run(net)
    for _ in range(5):
        go()
    save(net, optimizer, folder / "sharded")
    for _ in range(5):
        go()
    restored, go_on = run(fresh)
    load(fresh, restored, folder / "sharded")
    for _ in range(5):
        go_on()
    assert_same_bits(all_state(fresh, restored), all_state(net, optimizer))


def initialised_by_torch(rank, world, folder):
    """The step by which torch makes the state to fill leaves w alone, on one client a rank and on several."""
    for each in (1, 2):
        net = other_model()
        first = flat(net)
        optimizer, _ = client_run("sisa", rank, world, net, each)
        parts = get_state_dict(net, optimizer)
        assert torch.equal(flat(net), first)
        assert parts[1]["state"]["0.weight"]["multiplier"].shape == (each * world, 5, 6)
        assert [group["lr"] for group in optimizer.param_groups] == [0.5]


def write_four(rank, world, folder):
    """Leave a checkpoint of four clients, one a rank, and the run's state."""
    net = model()
    optimizer, go = client_run("sisa", rank, world, net)
    for _ in range(5):
        go()
    save(net, optimizer, folder / "four")
    state = all_state(net, optimizer)
    go()
    if rank == 0:
        torch.save({"at": state, "after": flat(net)}, folder / "four.pt")


def read_four(rank, world, folder):
    """Restore them onto two ranks with two clients each."""
    stored = torch.load(folder / "four.pt", weights_only=True)
    net = other_model()
    optimizer, go = client_run("sisa", rank, world, net, each=TOTAL // world)
    load(net, optimizer, folder / "four")
    assert_same_bits(all_state(net, optimizer), stored["at"])
    go()
    # Two ranks add the four messages in another order.
    torch.testing.assert_close(flat(net), stored["after"], rtol=0, atol=1e-14)


def gathered(rank, world, folder):
    """A state gathered on rank 0, as one file, goes back to the clients it came from."""
    net, options = model(), StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
    optimizer, go = client_run("sisa", rank, world, net)
    go()
    _, full = get_state_dict(net, optimizer, options=StateDictOptions(full_state_dict=True))
    fresh = model()
    fresh.load_state_dict(net.state_dict())
    restored, _ = client_run("sisa", rank, world, fresh)
    set_optimizer_state_dict(fresh, restored, full if rank == 0 else {}, options=options)
    assert_same_bits(all_state(fresh, restored), all_state(net, optimizer))


def plain_files(rank, world, folder):
    """Rank 0's file is refused on the others and good on rank 0; each rank's own file is good."""
    net = model()
    optimizer, go = client_run("sisa", rank, world, net)
    for _ in range(3):
        go()
    torch.save(optimizer.state_dict(), folder / f"own{rank}.pt")
    dist.barrier()
    for owner in range(world):
        restored, _ = client_run("sisa", rank, world, net)
        saved = torch.load(folder / f"own{owner}.pt", weights_only=True)
        if owner == rank:
            restored.load_state_dict(saved)
            assert_same_bits(all_state(net, restored), all_state(net, optimizer))
        else:
            with pytest.raises(ValueError, match=rf"^state_dict: saved for the clients \[{owner}\] of {world}"):
                restored.load_state_dict(saved)
            assert not restored.state
    several, _ = client_run("sisa", rank, world, net, each=2)
    with pytest.raises(ValueError, match=f"state_dict: saved with clients={world}, this optimiser has {2 * world}"):
        several.load_state_dict(copy.copy(optimizer.state_dict()))
