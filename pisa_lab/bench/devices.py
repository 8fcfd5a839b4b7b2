"""What the torch benchmark asks of a device: seconds, bytes, its name; and of the process: one thread, a setting."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator

import torch

from pisa_lab.bench.machine import free_memory


def device_seconds(turn: Callable[[], object], device: str) -> float:
    """Return the seconds of ``turn()``: of this process's CPU on "cpu", between two events on a GPU."""
    if device == "cpu":
        begin = time.process_time()
        turn()
        return time.process_time() - begin
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    torch.cuda.synchronize()
    start.record()
    turn()
    end.record()
    torch.cuda.synchronize()
    return float(start.elapsed_time(end)) / 1e3


def most_allocated(work: Callable[[], object], device: str, *, calls: int) -> int:
    """Return the most bytes that torch holds during ``calls`` calls beyond what it held before."""
    if device == "cpu":
        return _most_on_processor(work, calls)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    for _ in range(calls):
        work()
    return torch.cuda.max_memory_allocated() - before


def _most_on_processor(work: Callable[[], object], calls: int) -> int:
    with _silence(), torch.profiler.profile(profile_memory=True) as profiler:
        for _ in range(calls):
            work()
    waiting = list(profiler.profiler.kineto_results.experimental_event_tree())
    allocations: list[tuple[int, int]] = []
    while waiting:
        event = waiting.pop()
        waiting.extend(event.children)
        if "Allocation" in str(event.tag):
            allocations.append((event.start_time_ns, event.extra_fields.alloc_size))
    held = most = 0
    for _, size in sorted(allocations, key=lambda pair: pair[0]):
        held += size
        most = max(most, held)
    return most


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what the profiler's own library writes to standard error away from the terminal."""
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """Let the variable ``name`` be ``value``."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def free_bytes(device: str) -> int | None:
    """Return the bytes of memory that are free, None where nothing tells."""
    return free_memory() if device == "cpu" else int(torch.cuda.mem_get_info()[0])


def name_of(device: str) -> str:
    """Return what the device calls itself, "cpu" for a processor."""
    return device if device == "cpu" else torch.cuda.get_device_name()
