"""Ranks that die or stall in the middle of a run, and the run that goes on from its checkpoint."""

import datetime
import os
import signal
import time

import pytest
import torch
import torch.distributed as dist
from torch_checkpoint_cases import all_state, assert_same_bits, client_run, load, other_model, save
from torch_clients_cases import model

SECONDS = 8
"""The time-out of the group in these tests."""


def meet(rank, world, folder):
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(1)
    limit = datetime.timedelta(seconds=SECONDS)
    dist.init_process_group("gloo", init_method=f"file://{folder}/failing", rank=rank, world_size=world, timeout=limit)


def fails(rank, world, folder, how):
    """Save after round 4; in round 6 the last rank is gone. The others write down the error that they get."""
    meet(rank, world, folder)
    net = model()
    optimizer, go = client_run("sisa", rank, world, net)
    for number in range(5):
        if number == 4:
            save(net, optimizer, folder / "before")
        go()
    if rank == world - 1:
        if how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(600)
    with pytest.raises(RuntimeError, match="a client did not take part in the round, which is lost"):
        go()
    (folder / f"told{rank}").write_text("a clean error")
    # Tearing the group down would wait for the lost rank.
    os._exit(0)


def resumes(rank, world, folder):
    """New processes go on from the checkpoint, as if nothing had happened."""
    net, fresh = model(), other_model()
    optimizer, go = client_run("sisa", rank, world, net)
    restored, go_on = client_run("sisa", rank, world, fresh)
    load(fresh, restored, folder / "before")
    for _ in range(8):
        go()
    for _ in range(4):
        go_on()
    assert_same_bits(all_state(fresh, restored), all_state(net, optimizer))
