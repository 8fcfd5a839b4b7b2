"""Multipliers belong to clients: torch's distributed checkpoint brings them back exactly, another way is refused."""

import pytest
import torch_checkpoint_cases as cases
from torch_clients_cases import on_ranks

pytestmark = pytest.mark.slow


def test_two_ranks(tmp_path):
    on_ranks(2, tmp_path, cases.initialised_by_torch, cases.gathered, cases.plain_files)


def test_four_ranks_and_their_clients_on_two(tmp_path):
    on_ranks(4, tmp_path, cases.interrupted, cases.interrupted_sharded, cases.plain_files, cases.write_four)
    on_ranks(2, tmp_path, cases.read_four)
