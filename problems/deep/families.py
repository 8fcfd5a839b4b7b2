"""What can be trained: one table of families, each with its data, models, loss, metrics and defaults."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pisa_lab import specs
from pisa_lab._checks import choice, row_named
from problems.deep.configuration import Configuration
from problems.deep.convolutional import CNN, ResNet
from problems.deep.images import images
from problems.deep.parts import Data
from problems.deep.tasks import Supervised, Task
from problems.deep.texts import TOKENS, texts
from problems.deep.transformer import GPT, SHAPES


@dataclasses.dataclass(frozen=True)
class Model:
    """A row of a family's models; the first one is the default, and the first of a name its default size."""

    name: str
    size: str
    build: Callable[[Data], nn.Module]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A score: the sum of ``each`` over rows and places, divided by their number, then ``finish``."""

    name: str
    each: Callable[[Tensor, Tensor], Tensor]
    finish: Callable[[float], float]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """One row of `FAMILIES`.

    ``loss`` takes (logits, targets) and returns one number for each row and place; training minimises its mean.
    ``task`` makes of all this what the trainer sees; a family that is not supervised brings its own.
    """

    name: str
    models: tuple[Model, ...]
    load: Callable[[Configuration], Data]
    loss: Callable[[Tensor, Tensor], Tensor]
    metric: Metric
    rounds: int
    batch: int
    task: Callable[["Family", Configuration, Data], Task]

    def defaults(self, model: str | None = None) -> dict[str, Any]:
        """Return the values of a configuration that are this family's own, for ``model`` or the first."""
        name = model or self.models[0].name
        size = next((row.size for row in self.models if row.name == name), "")
        return {"family": self.name, "model": name, "size": size, "rounds": self.rounds, "batch": self.batch}

    def model(self, name: str, size: str) -> Model:
        """Return the model called ``name`` in ``size``, or that of MODULE:OBJECT, a function of `Data`.

        Raises:
            ValueError: there is none; the message lists those there are.
        """
        if specs.is_own(name):
            return Model(name, size, own_model(name))
        choice("model", name, tuple(dict.fromkeys(row.name for row in self.models)))
        choice("size", size, tuple(row.size for row in self.models if row.name == name))
        return next(row for row in self.models if (row.name, row.size) == (name, size))


def by_name(name: str) -> Family:
    """Return the row of `FAMILIES` called ``name``."""
    return row_named("family", name, FAMILIES)


def own_model(text: str) -> Callable[[Data], nn.Module]:
    """Return how the user's model is built.

    Raises:
        ValueError: it cannot be imported; once it is called, that it fails or makes no model.
    """
    found = specs.own("model", text)
    if not callable(found):
        raise ValueError(f"model: {text!r} is no function of the data")

    def build(data: Data) -> nn.Module:
        try:
            model = found(data)
        except Exception as error:  # a function of the user's may raise anything
            raise ValueError(f"model: {text!r} failed ({type(error).__name__}: {error})") from error
        if not isinstance(model, nn.Module):
            raise ValueError(f"model: {text!r} made a {type(model).__name__}, which is no torch.nn.Module")
        return model

    return build


def supervised(family: Family, configuration: Configuration, data: Data) -> Task:
    """Return the task of learning targets from inputs, its start drawn by the configuration's seed."""
    row = family.model(configuration.model, configuration.size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(configuration.seed)
        model = row.build(data).to(configuration.device)
    return Supervised(model, data, configuration, loss=family.loss, metric=(family.metric.each, family.metric.finish))


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return −log of the probability of each target, (places,)."""
    return functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), reduction="none")


def _is_right(logits: Tensor, targets: Tensor) -> Tensor:
    return (logits.argmax(dim=-1) == targets).float()


def _images(configuration: Configuration) -> Data:
    if configuration.tokens is not None:
        raise ValueError("tokens: images have none")
    return images(_path(configuration))


def _texts(configuration: Configuration) -> Data:
    context = SHAPES.get(configuration.size, SHAPES["nano"]).context
    return texts(_path(configuration), context=context, tokens=configuration.tokens or TOKENS[0])


def _path(configuration: Configuration) -> Path | None:
    return None if configuration.data is None else Path(configuration.data)


def _cnn(size: str, width: int) -> Model:
    return Model("cnn", size, lambda data: CNN(data.shape, data.classes, width=width))


def _resnet(size: str, width: int, blocks: int) -> Model:
    return Model("resnet", size, lambda data: ResNet(data.shape, data.classes, width=width, blocks=blocks))


def _gpt(size: str) -> Model:
    return Model("gpt", size, lambda data: GPT(SHAPES[size], data.classes))


FAMILIES = (
    Family(
        name="vision",
        models=(
            *(_cnn(*row) for row in (("small", 16), ("tiny", 4), ("base", 64))),
            *(_resnet(*row) for row in (("small", 16, 1), ("tiny", 4, 1), ("base", 16, 3))),
        ),
        load=_images,
        loss=cross_entropy,
        metric=Metric("accuracy", _is_right, float),
        rounds=300,
        batch=32,
        task=supervised,
    ),
    Family(
        name="language",
        models=tuple(map(_gpt, ("nano", *(name for name in SHAPES if name != "nano")))),
        load=_texts,
        loss=cross_entropy,
        metric=Metric("perplexity", cross_entropy, math.exp),
        rounds=1500,
        batch=16,
        task=supervised,
    ),
)
"""The families; a new one is a row."""
