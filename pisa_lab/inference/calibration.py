"""Is a 95 % interval one? Synthetic experiments with known rates, the choice of model and window included.

A decaying experiment is covered when the outcome names the true model (a floor too many or too few is wrong) and the
interval holds the true rate. Inconclusive ones are counted apart. The truths are described in `synthetic`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from pisa_lab._checks import choice, whole
from pisa_lab.inference.curves import Numbers
from pisa_lab.inference.estimates import PLATEAU, UNDECIDED, estimates
from pisa_lab.inference.models import MODELS
from pisa_lab.inference.synthetic import ITERATIONS, NOISES, TRUTHS, draw

SEEDS = (10, 20, 50)
EXPERIMENTS = 3000
LEVEL = 0.95
WRONG = (1.25, 1.1)
"""The wrong exponents, relative to the true one, against which the power is counted."""
_CHUNK = 5000
"""Traces in one chunk: 40 MB of them."""


class Task(NamedTuple):
    """One chunk of experiments; its random stream belongs to it alone, so that no number depends on the jobs."""

    noise: str
    seeds: int
    truth: str
    experiments: int
    stream: tuple[int, ...]


class Counts(NamedTuple):
    """How many experiments of a chunk came to what."""

    conclusive: int
    covered: int
    wrong_model: int
    plateau: int
    """called a plateau"""
    powerful: tuple[int, ...]
    """with an interval that excludes each of WRONG"""


def tasks(*, experiments: int = EXPERIMENTS, seeds: Iterable[int] = SEEDS, seed: int = 0) -> list[Task]:
    """Return the chunks of the calibration: for each noise model and number of seeds ``experiments`` decaying ones.

    Half of them are power laws and half exponentials; half as many plateaus come on top.

    Raises:
        ValueError: fewer than 2 experiments.
    """
    half = whole("experiments", experiments, at_least=2) // 2
    whole("seed", seed)
    found = []
    for place, noise in enumerate(NOISES):
        for count in seeds:
            for kind, truth in enumerate(TRUTHS):
                step = max(1, _CHUNK // count)
                sizes = [min(step, half - done) for done in range(0, half, step)]
                streams = ((seed, place, count, kind, chunk) for chunk in range(len(sizes)))
                found += [Task(noise, count, truth, *pair) for pair in zip(sizes, streams, strict=True)]
    return found


def counted(task: Task) -> Counts:
    """Return what the fits of one chunk came to."""
    choice("noise", task.noise, tuple(NOISES))
    rng = np.random.default_rng(task.stream)
    traces = draw(task.truth, task.noise, experiments=task.experiments, seeds=task.seeds, rng=rng)
    found = estimates(np.arange(1, ITERATIONS + 1), traces.values, level=LEVEL, rng=rng)
    right = found.outcome == _place(task.truth, traces.has_floor)
    conclusive = found.outcome != UNDECIDED

    def holds(rate: Numbers) -> Numbers:
        value = np.exp(-rate) if task.truth == "EXPONENTIAL" else rate
        return np.asarray((found.low <= value) & (value <= found.high))

    return Counts(
        conclusive=int(conclusive.sum()),
        covered=int((conclusive & right & holds(traces.rate)).sum()),
        wrong_model=int((conclusive & ~right).sum()),
        plateau=int((found.outcome == PLATEAU).sum()),
        powerful=tuple(int((conclusive & ~holds(wrong * traces.rate)).sum()) for wrong in WRONG),
    )


def _place(truth: str, has_floor: bool) -> int:
    return MODELS.index(truth.lower() + (" to floor" if has_floor else ""))


def calibration_rows(work: list[Task], results: Iterable[Counts]) -> Iterator[dict[str, Any]]:
    """Yield one row for each noise model and number of seeds, with shares of its experiments.

    ``coverage`` is of the conclusive decaying ones; ``inconclusive``, ``false_alarms`` (a decaying trace called a
    plateau) and ``power`` (a 25 % wrong exponent excluded) of all decaying ones; ``false_decays`` of the plateaus.
    """
    groups: dict[tuple[str, int], list[tuple[Task, Counts]]] = {}
    for task, counts in zip(work, results, strict=True):
        groups.setdefault((task.noise, task.seeds), []).append((task, counts))
    for (noise, seeds), pairs in groups.items():
        yield {"noise_model": noise, "seeds": seeds} | _shares(pairs)


def _shares(pairs: list[tuple[Task, Counts]]) -> dict[str, Any]:
    def total(of: Callable[[Counts], int], *truths: str) -> int:
        return sum(of(counts) for task, counts in pairs if task.truth in truths)

    def size(*truths: str) -> int:
        return sum(task.experiments for task, _ in pairs if task.truth in truths)

    decays = TRUTHS[:2]
    count, conclusive = size(*decays), total(lambda c: c.conclusive, *decays)
    still, moved = size("PLATEAU"), total(lambda c: c.conclusive - c.plateau, "PLATEAU")
    return {
        "experiments": count,
        "coverage": _share(total(lambda c: c.covered, *decays), conclusive),
        **{
            f"coverage_{truth.lower()}": _share(total(lambda c: c.covered, truth), total(lambda c: c.conclusive, truth))
            for truth in decays
        },
        "inconclusive": 1 - conclusive / count,
        "wrong_model": total(lambda c: c.wrong_model, *decays) / count,
        "false_alarms": total(lambda c: c.plateau, *decays) / count,
        "power": total(lambda c: c.powerful[0], *decays) / count,
        "power_close": total(lambda c: c.powerful[1], *decays) / count,
        "plateaus": still,
        "false_decays": moved / still,
        "plateaus_inconclusive": 1 - total(lambda c: c.conclusive, "PLATEAU") / still,
    }


def _share(part: int, of: int) -> float:
    return part / of if of else float("nan")
