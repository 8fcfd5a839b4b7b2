"""What a figure depends on beside the code: free memory, threads, the rate of a copy, and a fair clock."""

import importlib
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_MEMORY = Path("/proc/meminfo")
_MOST_CALLS = 1000


def free_memory() -> int | None:
    """Return the bytes of memory that can be had without swapping, None where the system does not say."""
    if _MEMORY.exists():
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text(encoding="ascii").splitlines() if ":" in line)
        if "MemAvailable" in lines:
            return int(lines["MemAvailable"].split()[0]) * 1024
    names = getattr(os, "sysconf_names", {})
    if "SC_AVPHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def blas_threads() -> int | None:
    """Return how many threads NumPy's BLAS may use, None where nothing tells; all else here runs on one."""
    try:
        pools: Any = importlib.import_module("threadpoolctl").threadpool_info()
    except ImportError:
        return None
    counts = [int(pool["num_threads"]) for pool in pools if pool.get("user_api") == "blas"]
    return max(counts, default=None)


def seconds(work: Callable[[int], object], *, least: float = 0.3, calls: int = 5) -> float:
    """Return the median CPU time of ``work(number)`` over ``calls`` calls or more, for ``least`` seconds in all.

    CPU time of this process, on one thread here, so that a busy neighbour on the machine does not count. Two calls
    before them are not counted either: they compile, and touch the memory for the first time.
    """
    for number in range(2):
        work(number)
    durations: list[float] = []
    end = time.process_time() + least
    while len(durations) < calls or (time.process_time() < end and len(durations) < _MOST_CALLS):
        start = time.process_time()
        work(len(durations))
        durations.append(time.process_time() - start)
    return statistics.median(durations)


def copy_rate(numbers: int, dtype: Any, *, calls: int = 5) -> float:
    """Return the bytes per second, read and written, of copying one reused buffer of ``numbers`` into another."""
    source, target = np.ones(numbers, dtype=dtype), np.zeros(numbers, dtype=dtype)
    return 2 * source.nbytes / seconds(lambda number: np.copyto(target, source), calls=calls)
