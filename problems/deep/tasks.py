"""What the trainer sees of a family: a model, clients with weights, a loss for each in each round, and scores."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from pisa_lab.sampling import Reshuffled, Stream
from problems.deep.configuration import Configuration
from problems.deep.parts import Data
from problems.heterogeneity import label_distance, partition

_EXPERIMENT = 5
"""Names the streams of mini-batches; see pisa_lab.sampling."""
_WIDER = 2
"""An evaluation looks at so many times the rows of a mini-batch at once: it keeps no graph."""


class Task(Protocol):
    """A model to train; its parts are "train", "validation" and "test"."""

    @property
    def model(self) -> nn.Module:
        """What is trained, on its device."""

    @property
    def weights(self) -> tuple[float, ...]:
        """α, one for each client, of sum 1."""

    @property
    def samples(self) -> int:
        """Rows that all clients together look at in a round."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What every row says of the task: data, their sha256 and more."""

    def loss(self, client: int, number: int) -> Tensor:
        """Return the loss of ``client`` in round ``number``: a pure function of both and the model's weights."""

    def scores(self, part: str) -> tuple[float, float]:
        """Return loss and metric on ``part``."""


class Supervised:
    """Inputs and targets dealt to clients by a partition, in mini-batches drawn anew in every epoch."""

    def __init__(
        self,
        model: nn.Module,
        data: Data,
        configuration: Configuration,
        *,
        loss: Callable[[Tensor, Tensor], Tensor],
        metric: tuple[Callable[[Tensor, Tensor], Tensor], Callable[[float], float]],
    ) -> None:
        self.model = model
        self._data, self._configuration = data, configuration
        self._loss, self._metric = loss, metric
        features = data.train.inputs.flatten(1).numpy() if configuration.partition == "shifted" else None
        split = partition(
            configuration.partition, data.groups, configuration.clients, seed=configuration.seed, features=features
        )
        if split.feature_noise is not None:
            raise ValueError("partition: 'noise' adds to the features, which deep models' clients do not do")
        self._parts = tuple(torch.from_numpy(part) for part in split.parts)
        total = sum(map(len, self._parts))
        self.weights = tuple(len(part) / total for part in self._parts)
        self.samples = configuration.batch * configuration.clients
        self.facts: Mapping[str, Any] = {
            "data": data.name,
            "data_sha256": data.sha256,
            "train_rows": len(data.train),
            "validation_rows": len(data.validation),
            "test_rows": len(data.test),
            "label_distance": label_distance(split, data.groups),
        }

    def loss(self, client: int, number: int) -> Tensor:
        """Return the mean loss of the mini-batch of ``client`` in round ``number``."""
        own = self._parts[client]
        stream = Stream(_EXPERIMENT, self._configuration.seed, client)
        places = Reshuffled(self._configuration.batch).draw(stream, len(own), number)
        inputs, targets = self._data.batch("train", own[torch.from_numpy(places)], self._configuration.device)
        return self._loss(self.model(inputs), targets).mean()

    @torch.no_grad()
    def scores(self, part: str) -> tuple[float, float]:
        """Return the means of loss and metric over all rows of ``part``."""
        each, finish = self._metric
        totals, count = [0.0, 0.0], 0
        for rows in torch.split(torch.arange(len(self._data.part(part))), _WIDER * self._configuration.batch):
            inputs, targets = self._data.batch(part, rows, self._configuration.device)
            outputs = self.model(inputs)
            for place, measure in enumerate((self._loss, each)):
                totals[place] += float(measure(outputs, targets).sum())
            count += targets.numel()
        return totals[0] / count, _finished(finish, totals[1] / count)


def _finished(finish: Callable[[float], float], mean: float) -> float:
    try:
        return finish(mean)
    except OverflowError:
        return float("inf")
