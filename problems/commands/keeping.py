"""A run's states in a file, written as the run goes, and how one goes on from there."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pisa_lab._array import to_numpy
from pisa_lab.ablation.sources import code_sha256, file_sha256, own_sha256
from pisa_lab.cli.output import write_text
from pisa_lab.loop import Status
from pisa_lab.stamp import stamp
from pisa_lab.state import load_state, save_state
from problems.commands.configuration import Configuration, configuration_text, configured, named
from problems.commands.experiment import Start, Trial, starts

SAVED_EVERY = 30.0
"""Seconds of rounds that a kill can cost."""


@dataclasses.dataclass(frozen=True)
class Resumed:
    """The seeds that were begun, and every commit that made a round of them, this one included."""

    begun: tuple[Start, ...] = ()
    commit: str = dataclasses.field(default_factory=lambda: stamp()["commit"])


class Keeper:
    """The trials of a run so far; where ``path`` is given, their states are there within `SAVED_EVERY` seconds."""

    def __init__(self, configuration: Configuration, resumed: Resumed, path: Path | None) -> None:
        self._configuration, self._resumed, self._path = configuration, resumed, path
        self._sources = None if path is None else sources(configuration)
        self._present: Start | None = None
        self._last = time.monotonic()
        self.done: list[Trial] = []

    def after_round(self, state: Any, rounds: int) -> None:
        """Take note of the state of the present seed after its ``rounds``; save it now and then."""
        if self._path is None:
            return
        self._present = Start(state, self._rounds() - rounds)
        if time.monotonic() - self._last >= SAVED_EVERY:
            self.save()

    def add(self, trial: Trial) -> None:
        """Take note of the trial of a seed; save where others follow."""
        self.done.append(trial)
        if not trial.is_interrupted:
            self._present = None
            if len(self.done) < self._configuration.seeds:
                self.save()

    def save(self) -> None:
        """Write all states, with the rounds that each still has to make."""
        if self._path is None:
            return
        begun = [_end(trial) for trial in self.done if not trial.is_interrupted]
        begun += [self._present] if self._present else []
        begun += self._resumed.begun[len(begun) :]
        header = {
            "configuration": dataclasses.asdict(self._configuration),
            "rounds": [start.rounds for start in begun],
            "status": [start.status for start in begun],
            "is_whole": len(begun) == self._configuration.seeds and all(start.status for start in begun),
            **(self._sources or {}),
            **stamp(),
            "commit": self._resumed.commit,
        }
        save_state(self._path, tuple(start.state for start in begun), header)
        text = configuration_text(self._configuration, ".json")
        write_text(self._path.with_suffix(".config.json"), text)
        self._last = time.monotonic()

    def _rounds(self) -> int:
        place = sum(not trial.is_interrupted for trial in self.done)
        begun = self._resumed.begun
        return begun[place].rounds if place < len(begun) else self._configuration.steps


def _end(trial: Trial) -> Start:
    """Return what a finished seed is resumed from: one that broke breaks again in the next round."""
    status = trial.run.status
    return Start(trial.run.state, int(status is Status.NON_FINITE), str(status))


def sources(configuration: Configuration) -> dict[str, str]:
    """Return the hashes of the data's file and of the source that computes the run."""
    parts = (configuration.problem, configuration.method, configuration.preconditioner, configuration.metric)
    return {"data_sha256": file_sha256(configuration.data), "code_sha256": code_sha256() + own_sha256(*parts)}


def _check_state(state: Any, start: Any) -> None:
    """Refuse what no run from ``start`` leads to: another ridge, or a penalty that is none."""
    if getattr(state, "ridge", None) != getattr(start, "ridge", None):
        raise ValueError(f"--resume: the state's ridge is {state.ridge!r}, its problem's {start.ridge!r}")
    penalty = to_numpy(getattr(state, "penalty", np.ones(1)))
    if not np.all(np.isfinite(penalty) & (penalty > 0)):
        raise ValueError("--resume: the state's penalty must be positive and finite")


def read_resumed(path: Path, given: Mapping[str, Any]) -> tuple[Configuration, Resumed]:
    """Return the configuration of a saved run and what is begun of it.

    A run that came to its end makes ``steps`` further rounds, one that was interrupted those that it lacks.

    Raises:
        ValueError: no saved run, other data than then, or a change of options that only a new run can have.
    """
    with named({"path": "--resume"}):
        _, header = load_state(path, ())
    if not isinstance(header.get("configuration"), dict):
        raise ValueError(f"--resume: {str(path)!r} was not written by `pisa-lab run`")
    saved = configured(header["configuration"], source="--resume")
    configuration, is_whole = saved.further(given), header.get("is_whole", True)
    if not is_whole and configuration.steps != saved.steps:
        raise ValueError(f"--steps: {str(path)!r} is of an interrupted run of {saved.steps}; resume that first")
    now = sources(saved)
    if header.get("data_sha256", now["data_sha256"]) != now["data_sha256"]:
        raise ValueError(f"--resume: {saved.data} is no longer what it was when {str(path)!r} was saved")
    count = len(header.get("rounds", range(saved.seeds)))
    first = starts(dataclasses.replace(saved, seeds=count))
    with named({"path": "--resume"}):
        states, _ = load_state(path, first)
    for state, start in zip(states, first, strict=True):
        _check_state(state, start)
    commits = [*dict.fromkeys([str(header.get("commit", "")), stamp()["commit"]])]
    rounds = [configuration.steps] * count if is_whole else header["rounds"]
    status = [""] * count if is_whole else header["status"]
    begun = tuple(Start(*entry) for entry in zip(states, rounds, status, strict=True))
    return configuration, Resumed(begun, " and ".join(commits))
