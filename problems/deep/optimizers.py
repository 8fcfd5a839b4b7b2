"""The optimizers that are compared: one table, with what each is built from, its defaults and what is tuned."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pisa_lab._checks import real, row_named, whole
from problems.deep.steppers import FedSGDStep, MatrixViews, MultiplierStep, Stepper

Settings = Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Axis:
    """A setting that is tuned: the values tried are its default times powers of ``factor``."""

    setting: str
    factor: float


@dataclasses.dataclass(frozen=True)
class OptimizerRow:
    """One row: ``defaults`` names every setting there is, ``axes`` those that tuning varies."""

    name: str
    defaults: Settings
    axes: tuple[Axis, ...]
    build: Callable[[nn.Module, Settings, tuple[float, ...]], Stepper]

    def settings(self, given: Settings) -> dict[str, float]:
        """Return the defaults with ``given`` in their place.

        Raises:
            ValueError: a setting this optimizer does not have, or that is no number.
        """
        for name, value in given.items():
            if name not in self.defaults:
                raise ValueError(f"settings: {name!r} is none of {self.name}'s, {', '.join(self.defaults)}")
            real(name, value)
        return {**self.defaults, **{name: float(value) for name, value in given.items()}}

    def grid(self, trials: int, given: Settings | None = None) -> list[dict[str, float]]:
        """Return ``trials`` settings around the defaults and ``given``, the nearest first.

        Each axis is a ladder of values; a point is as far as its farthest axis, then as the sum of all.
        """
        centre = self.settings(given or {})
        reach = range(-whole("trials", trials, at_least=1), trials + 1)
        points = itertools.product(*(reach for _ in self.axes))
        near = sorted(points, key=lambda point: (max(map(abs, point)), sum(map(abs, point)), point))
        return [centre | self._moved(centre, point) for point in near[:trials]]

    def shown(self, settings: Settings) -> str:
        """Return in words the tuned settings and those that are not the defaults."""
        tuned = [axis.setting for axis in self.axes]
        told = [name for name in settings if name in tuned or settings[name] != self.defaults.get(name)]
        return ", ".join(f"{name} {settings[name]:.4g}" for name in told)

    def _moved(self, centre: Settings, point: tuple[int, ...]) -> dict[str, float]:
        steps = zip(self.axes, point, strict=True)
        return {axis.setting: centre[axis.setting] * axis.factor**step for axis, step in steps}

    def edges(self, chosen: Settings, tried: Sequence[Settings]) -> list[str]:
        """Return the tuned settings whose chosen value is the least or greatest of those tried."""
        found = []
        for axis in self.axes:
            values = {settings[axis.setting] for settings in tried}
            if len(values) > 1 and chosen[axis.setting] in (min(values), max(values)):
                found.append(axis.setting)
        return found


def by_name(name: str) -> OptimizerRow:
    """Return the row of `OPTIMIZERS` called ``name``."""
    return row_named("optimizer", name, OPTIMIZERS)


def hidden_matrices(model: nn.Module) -> list[Tensor]:
    """Return the weights of linear layers and convolutions, without embeddings, what is tied to them, and the head."""
    modules = [module for name, module in model.named_modules() if name != "head"]
    apart = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    kernels = [module.weight for module in modules if isinstance(module, nn.Linear | nn.Conv2d)]
    return [kernel for kernel in kernels if id(kernel) not in apart]


def _torch(kind: str, **fixed: Any) -> Callable[[nn.Module, Settings, tuple[float, ...]], Stepper]:
    """Return how torch's ``kind`` is built; what is not set stays as torch has it."""

    def build(model: nn.Module, settings: Settings, weights: tuple[float, ...]) -> Stepper:
        maker: Any = getattr(torch.optim, kind)
        return FedSGDStep([maker(model.parameters(), **settings, **fixed)], weights)

    return build


def _muon(model: nn.Module, settings: Settings, weights: tuple[float, ...]) -> Stepper:
    """Return Muon for the hidden matrices, kernels flattened, and AdamW at the same rate for the rest, as docs say."""
    matrices = hidden_matrices(model)
    known = {id(matrix) for matrix in matrices}
    rest = [parameter for parameter in model.parameters() if id(parameter) not in known]
    flattened = MatrixViews(matrices)
    muon = torch.optim.Muon(flattened.flat, lr=settings["lr"], adjust_lr_fn="match_rms_adamw")
    return FedSGDStep([muon, torch.optim.AdamW(rest, lr=settings["lr"], fused=True)], weights, flattened)


def _own(kind: str, published: bool = False) -> Callable[[nn.Module, Settings, tuple[float, ...]], Stepper]:
    """Return how one of ours is built, in groups that tell hidden matrices from the rest."""

    def build(model: nn.Module, settings: Settings, weights: tuple[float, ...]) -> Stepper:
        import pisa_lab.torch as own  # only where one of ours is asked for

        several = {} if len(weights) == 1 else {"clients": len(weights), "weights": weights}
        groups = own.parameter_groups(model) if kind == "NSISA" else model.parameters()
        maker = getattr(own, kind)
        return MultiplierStep((maker.published if published else maker)(groups, **settings, **several), len(weights))

    return build


_RATE = (Axis("lr", 2.0),)
_COMMON = {"penalty": 1.0, "beta": 0.999, "weight_decay": 0.0}
OPTIMIZERS = (
    OptimizerRow("sisa", {"lr": 3e-3, "momentum": 0.9, "eps": 1e-8, **_COMMON}, _RATE, _own("SISA")),
    OptimizerRow(
        "nsisa",
        {"lr": 0.02, "elementwise_lr": 0.2, "momentum": 0.9, "eps": 1e-8, **_COMMON},
        _RATE,
        _own("NSISA"),
    ),
    OptimizerRow(
        "sisa-published",
        {"lr": 0.5, "rho": 1000.0, **_COMMON},
        (*_RATE, Axis("rho", 10.0)),
        _own("SISA", published=True),
    ),
    OptimizerRow(
        "nsisa-published",
        {"lr": 0.02, "elementwise_lr": 30.0, "rho": 1.0, **_COMMON, "momentum": 0.95},
        (*_RATE, Axis("elementwise_lr", 10.0)),
        _own("NSISA", published=True),
    ),
    OptimizerRow("adamw", {"lr": 3e-3, "weight_decay": 0.01}, _RATE, _torch("AdamW", fused=True)),
    OptimizerRow("sgd", {"lr": 0.1, "momentum": 0.9}, _RATE, _torch("SGD", fused=True)),
    OptimizerRow("muon", {"lr": 3e-3}, _RATE, _muon),
    OptimizerRow("rmsprop", {"lr": 1e-3}, _RATE, _torch("RMSprop")),
    OptimizerRow("adam", {"lr": 3e-3}, _RATE, _torch("Adam", fused=True)),
)
"""The optimizers: ours, repaired and as published, then torch's own as baselines."""
