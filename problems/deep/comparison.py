"""Several optimizers on one task: the same number of trials for each, the best on validation, then fresh seeds."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pisa_lab._checks import whole
from pisa_lab.loop import Status
from problems.deep import optimizers
from problems.deep.configuration import Configuration
from problems.deep.parts import Data
from problems.deep.trainer import Row, train

TUNING_SEED = 0
"""All trials of tuning run on it, and no reported run does."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What `compare` runs: ``base`` with every optimizer of ``names``.

    ``given`` are settings for all of them; without ``tune`` they and the defaults are used as they are, with it each
    optimizer gets so many trials around them. Every run has its checkpoint in ``folder``.

    Raises:
        ValueError: a setting that one of the optimizers does not have, or a seed that tuning uses.
    """

    base: Configuration
    names: tuple[str, ...]
    given: Mapping[str, float]
    seeds: tuple[int, ...]
    tune: int = 0
    folder: Path | None = None
    resume: bool = False

    def __post_init__(self) -> None:
        whole("tune", self.tune)
        for name in self.names:
            optimizers.by_name(name).settings(self.given)
        if self.tune and TUNING_SEED in self.seeds:
            raise ValueError(f"seed: {TUNING_SEED} is the one of tuning, whose runs are not reported")

    @property
    def runs(self) -> int:
        """How many runs there will be."""
        return len(self.names) * (self.tune + len(self.seeds))


Tick = Callable[[str, int], object]
Note = Callable[[str], object]


def compare(
    plan: Plan, data: Data, *, tick: Tick = lambda name, done: None, note: Note = lambda text: None
) -> list[Row]:
    """Return the rows of all runs, those of tuning included; ``tick`` is told optimizer and rounds done in its run.

    ``note`` is told of every checkpoint of an interrupted run that is put aside, as `train` does without ``resume``.
    To those of `train` come: phase ("tune" or "report"), trials (how many the setting was chosen from, 0 for none)
    and edge (tuned settings whose chosen value is the least or greatest tried).
    """
    rows: list[Row] = []
    for name in plan.names:
        chosen, edge, tried = _tuned(plan, name, data, (tick, note))
        rows += tried
        for seed in plan.seeds:
            run = _run(plan, name, chosen, seed, data, (tick, note))
            rows += [{**row, "phase": "report", "trials": plan.tune, "edge": edge} for row in run]
    return rows


def best_loss(run: Sequence[Row]) -> float:
    """Return the least validation loss of a run's rows; infinity for one that broke down."""
    if run[-1]["status"] == Status.NON_FINITE:
        return math.inf
    return min(math.inf if row["validation_loss"] is None else float(row["validation_loss"]) for row in run)


def _tuned(plan: Plan, name: str, data: Data, tell: tuple[Tick, Note]) -> tuple[dict[str, float], list[str], list[Row]]:
    """Return the settings with the least validation loss, which of them are at the edge, and the rows of the trials."""
    row = optimizers.by_name(name)
    if not plan.tune:
        return row.settings(plan.given), [], []
    grid = row.grid(plan.tune, plan.given)
    runs = [_run(plan, name, settings, TUNING_SEED, data, tell) for settings in grid]
    losses = [best_loss(run) for run in runs]
    chosen = grid[losses.index(min(losses))]
    tried = [{**entry, "phase": "tune", "trials": plan.tune, "edge": []} for run in runs for entry in run]
    return chosen, row.edges(chosen, grid), tried


def _run(
    plan: Plan, name: str, settings: Mapping[str, float], seed: int, data: Data, tell: tuple[Tick, Note]
) -> list[Row]:
    configuration = dataclasses.replace(plan.base, optimizer=name, settings=tuple(sorted(settings.items())), seed=seed)
    return train(
        configuration,
        data,
        checkpoint=None if plan.folder is None else plan.folder / f"{configuration.stem()}.pt",
        resume=plan.resume,
        tick=lambda done: tell[0](name, done),
        note=tell[1],
    )
