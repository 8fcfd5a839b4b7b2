"""One client a rank, several on each, and clients that are FSDP groups: all are the clients of one process."""

import os
import subprocess
import sys

import pytest
import torch_distributed_cases as cases
from torch_checkpoint_cases import interrupted
from torch_clients_cases import on_ranks

MORE = {
    2: (cases.several_on_each, cases.small_buckets, cases.short_messages, cases.through_the_hook, cases.warm_start),
    4: (cases.sharded_clients,),
}


@pytest.mark.slow
def test_two_ranks_are_two_clients_and_go_on_from_a_checkpoint(tmp_path):
    on_ranks(2, tmp_path, cases.equal_after_some_rounds, cases.missing_gradients, cases.refusals, interrupted)


@pytest.mark.slow
def test_ranks_with_different_settings_are_refused(tmp_path):
    on_ranks(2, tmp_path, cases.settings_that_differ)


@pytest.mark.slow
@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_ranks_are_the_clients_of_one_process(world, tmp_path):
    on_ranks(world, tmp_path, cases.equal_after_some_rounds, cases.equal_to_virtual, *MORE.get(world, ()))


@pytest.mark.slow
def test_the_example_runs_under_torchrun():
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    # Two ranks on two shared cores: a thread each.
    done = subprocess.run(
        [*command, "-m", "problems.deep.examples.ranks"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if line.startswith("2 clients, 200 rounds"))
    # Each client alone knows half of the classes.
    assert float(line.split()[-1]) > 0.9
