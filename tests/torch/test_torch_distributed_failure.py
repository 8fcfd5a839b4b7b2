"""A rank that dies or stalls is an error on the others within the group's time-out, and the run resumes."""

import multiprocessing

import pytest
from torch_clients_cases import on_ranks
from torch_failure_cases import SECONDS, fails, resumes


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "stalled"])
def test_a_lost_rank_is_an_error_and_the_run_resumes(how, tmp_path):
    context = multiprocessing.get_context("spawn")
    ranks = [context.Process(target=fails, args=(rank, 3, tmp_path, how)) for rank in range(3)]
    for process in ranks:
        process.start()
    for process in ranks[:2]:
        # Starting takes seconds; then the time-out is all that the others may wait.
        process.join(timeout=40 + SECONDS)
    left = [process.exitcode for process in ranks[:2]]
    for process in ranks:
        process.kill()
        process.join()
    assert left == [0, 0]
    assert {path.name for path in tmp_path.glob("told*")} == {"told0", "told1"}
    on_ranks(3, tmp_path, resumes)
