"""Training: rounds, looks at the validation part, a checkpoint at each look, and one row for each look."""

import copy
import dataclasses
import json
import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pisa_lab.loop import Status
from pisa_lab.stamp import stamp
from problems.deep import families, optimizers
from problems.deep.checkpoints import put_aside, read_checkpoint, write_checkpoint
from problems.deep.configuration import Configuration
from problems.deep.parts import Data
from problems.deep.steppers import Stepper
from problems.deep.tasks import Task

RUNNING = "RUNNING"
Row = dict[str, Any]


def train(
    configuration: Configuration,
    data: Data,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    tick: Callable[[int], object] = lambda done: None,
    note: Callable[[str], object] = lambda text: None,
) -> list[Row]:
    """Return the rows of the run: one for its start and one for each look, the last with the scores on the test part.

    Args:
        configuration: what to run.
        data: of the configuration's family, by its `load`.
        checkpoint: a file that is written anew after each look; without ``resume`` one of an interrupted run that is
            there is put aside, under its name with .old behind it.
        resume: go on from ``checkpoint`` where there is one; on a CPU the rows but for their times, the weights and
            the optimizer's state are bit for bit those of a run that was never interrupted.
        tick: told the rounds done, after each; all of them, said once, are the run's end.
        note: told in words what was put aside.

    Raises:
        ValueError: an unknown family, model, size, optimizer or setting, or a checkpoint of another run.
    """
    session = _Session(configuration, data)
    if resume and checkpoint is not None and checkpoint.is_file():
        session.restore(checkpoint)
    elif checkpoint is not None and (kept := put_aside(checkpoint)):
        note(f"{checkpoint.name} was of an interrupted run, which --resume goes on with; it is {kept.name} now")
    for look in configuration.looks:
        if session.is_over or look < session.done or (session.rows and look == session.done):
            continue
        session.advance(look, tick)
        session.look()
        if checkpoint is not None:
            session.save(checkpoint)
    tick(configuration.rounds)
    return session.rows


@dataclasses.dataclass
class _Best:
    """The look with the least validation loss so far, and the weights it found."""

    loss: float = math.inf
    round: int = 0
    weights: dict[str, Tensor] | None = None


class _Session:
    """A run in progress."""

    def __init__(self, configuration: Configuration, data: Data) -> None:
        family, row = families.by_name(configuration.family), optimizers.by_name(configuration.optimizer)
        settings = row.settings(dict(configuration.settings))
        self._configuration, self._metric = configuration, family.metric.name
        self._task: Task = family.task(family, configuration, data)
        self._stepper: Stepper = row.build(self._task.model, settings, self._task.weights)
        self._rates = [group["lr"] for group in self._groups()]
        self._best, self._sum, self._since, self._seconds = _Best(), torch.zeros(()), 0, 0.0
        self._settings = settings
        self.done, self.rows = 0, list[Row]()

    @property
    def is_over(self) -> bool:
        """Whether the last row is a run's last."""
        return bool(self.rows) and self.rows[-1]["status"] != RUNNING

    def advance(self, until: int, tick: Callable[[int], object]) -> None:
        """Do the rounds up to ``until``."""
        weights, task = self._task.weights, self._task
        begin, self._sum, self._since = time.process_time(), torch.zeros(()), until - self.done
        while self.done < until:
            factor = self._configuration.factor(self.done)
            for group, rate in zip(self._groups(), self._rates, strict=True):
                group["lr"] = rate * factor
            losses = self._stepper.step([partial(task.loss, i, self.done) for i in range(len(weights))])
            self._sum = self._sum.to(losses[0].device) + sum(
                weight * loss for weight, loss in zip(weights, losses, strict=True)
            )
            self.done += 1
            if self.done < self._configuration.rounds:
                tick(self.done)
        self._seconds += time.process_time() - begin

    def look(self) -> None:
        """Append the row of this look; the last one, or one that finds no finite loss, ends the run."""
        train_loss = float(self._sum) / self._since if self._since else None
        loss, metric = self._task.scores("validation")
        finite = math.isfinite(loss) and (train_loss is None or math.isfinite(train_loss))
        if finite and loss < self._best.loss:
            self._best = _Best(loss, self.done, copy.deepcopy(self._task.model.state_dict()))
        ended = Status.FINISHED if self.done == self._configuration.rounds else RUNNING
        status = str(ended) if finite else str(Status.NON_FINITE)
        row = {
            **self._names(),
            **self._costs(),
            "train_loss": train_loss,
            "validation_loss": loss,
            "validation_metric": metric,
            "best_round": self._best.round,
            **self._tests(status),
            "status": status,
            **stamp(),
        }
        self.rows.append({key: _finite(value) for key, value in row.items()})

    def save(self, path: Path) -> None:
        """Write everything that `restore` needs."""
        values = {
            "configuration": self._configuration.text(),
            "data_sha256": self._task.facts["data_sha256"],
            "done": self.done,
            "seconds": self._seconds,
            "rows": json.dumps(self.rows),
            "is_over": self.is_over,
            "model": self._task.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._stepper.optimizers],
            "best": {"loss": self._best.loss, "round": self._best.round, "weights": self._best.weights},
        }
        write_checkpoint(path, values)

    def restore(self, path: Path) -> None:
        """Continue where `save` was called."""
        configuration = self._configuration
        found = read_checkpoint(
            path,
            configuration=configuration.text(),
            sha256=str(self._task.facts["data_sha256"]),
            device=configuration.device,
            entries=("done", "seconds", "rows", "model", "optimizers", "best"),
        )
        self.done, self._seconds, self.rows = found["done"], found["seconds"], json.loads(found["rows"])
        self._best = _Best(**found["best"])
        self._task.model.load_state_dict(found["model"])
        for optimizer, state in zip(self._stepper.optimizers, found["optimizers"], strict=True):
            optimizer.load_state_dict(state)

    def _groups(self) -> list[Row]:
        """Return the parameter groups as they are now: `load_state_dict` puts others in their place."""
        return [group for optimizer in self._stepper.optimizers for group in optimizer.param_groups]

    def _names(self) -> Row:
        configuration = self._configuration
        named = ("family", "model", "size", "optimizer", "schedule", "clients", "partition", "seed", "rounds", "batch")
        return {
            **{name: getattr(configuration, name) for name in named},
            "settings": dict(self._settings),
            "device": configuration.device,
            "threads": torch.get_num_threads(),
            "parameters": sum(parameter.numel() for parameter in self._task.model.parameters()),
            "metric": self._metric,
            **self._task.facts,
        }

    def _costs(self) -> Row:
        clients = len(self._task.weights)
        parcel = sum(parameter.nbytes for parameter in self._task.model.parameters())
        return {
            "round": self.done,
            "gradients": self.done * clients,
            "samples": self.done * self._task.samples,
            "bytes_up": self.done * clients * parcel,
            "bytes_down": self.done * clients * parcel,
            "cpu_seconds": self._seconds,
        }

    def _tests(self, status: str) -> Row:
        """Return the metric on the test part with the last weights and the best; None before the run is over."""
        found: Row = {"test_metric_end": None, "test_metric_best": None}
        if status == RUNNING:
            return found
        if status != Status.NON_FINITE:
            found["test_metric_end"] = self._task.scores("test")[1]
        if self._best.weights is not None:
            last = copy.deepcopy(self._task.model.state_dict())
            self._task.model.load_state_dict(self._best.weights)
            found["test_metric_best"] = self._task.scores("test")[1]
            self._task.model.load_state_dict(last)
        return found


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
