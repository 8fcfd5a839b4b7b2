"""Seed-steps per second: all seeds at once on the replicate axis, against one seed after the other."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pisa_lab.bench.machine import blas_threads
from pisa_lab.loop import run
from pisa_lab.method import PISA, Method, sisa
from pisa_lab.stamp import stamp


def methods(problem: Any) -> dict[str, Method]:
    """Return what is measured: PISA without a preconditioner and SISA, at twice the largest Lipschitz constant."""
    penalty = 2 * float(np.max(problem.lipschitz))
    return {"PISA, Q = 0": PISA(penalty=penalty), "SISA": sisa(penalty)}


def measure_replicates(
    problem: Any,
    *,
    data: str,
    batch: int = 32,
    seeds: int = 128,
    steps: int = 400,
    looped: int = 8,
    repeats: int = 3,
) -> list[dict[str, Any]]:
    """Return one row per method: seed_steps_per_s, the same for a loop over ``looped`` seeds, and their ratio.

    "per_s" is by the clock on the wall, "per_cpu_s" by the CPU time of the process, which a busy machine leaves alone.

    Both are whole calls of `run`, drawing and gathering of mini-batches and the check for non-finite numbers included,
    without measures; each figure is the median of ``repeats`` calls after one that is not counted. The first seed of
    every call is another one, so that no batch is found ready in a cache.
    """
    common = {"data": data, "clients": int(problem.weights.shape[0]), "size": int(problem.initial.shape[0])}
    common |= {"batch": batch, "seeds": seeds, "steps": steps, "dtype": str(problem.initial.dtype)}
    rows = []
    for name, method in methods(problem).items():
        together = _rates(_together(method, problem, batch, seeds, steps), seeds * steps, repeats)
        alone = _rates(_looped(method, problem, batch, looped, steps), looped * steps, repeats)
        rows.append(
            {"method": name, **common, "processes": 1, "blas_threads": blas_threads()}
            | {"seed_steps_per_s": together[0], "seed_steps_per_cpu_s": together[1]}
            | {"looped_seed_steps_per_s": alone[0], "looped_seed_steps_per_cpu_s": alone[1]}
            | {"ratio": together[0] / alone[0], "cpu_ratio": together[1] / alone[1]}
            | stamp()
        )
    return rows


def _together(method: Method, problem: Any, batch: int, seeds: int, steps: int) -> Callable[[int], object]:
    return lambda first: run(method, problem, steps=steps, batches=batch, seed=first, seeds=seeds, measures={})


def _looped(method: Method, problem: Any, batch: int, seeds: int, steps: int) -> Callable[[int], object]:
    def work(first: int) -> Sequence[object]:
        return [
            run(method, problem, steps=steps, batches=batch, seed=seed, measures={})
            for seed in range(first, first + seeds)
        ]

    return work


def _rates(work: Callable[[int], object], seed_steps: int, repeats: int) -> tuple[float, float]:
    """Return the median rates of ``repeats`` calls: per second, and per CPU second."""
    rates = []
    for number in range(repeats + 1):
        start, cpu = time.perf_counter(), time.process_time()
        work(1000 * number)
        rates.append((seed_steps / (time.perf_counter() - start), seed_steps / (time.process_time() - cpu)))
    return statistics.median(rate for rate, _ in rates[1:]), statistics.median(rate for _, rate in rates[1:])
