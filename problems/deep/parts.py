"""Data of deep models: rows of inputs and targets in three parts, and the groups that clients are made of."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pisa_lab._checks import choice

PARTS = ("train", "validation", "test")
TEST_SEED, VALIDATION_SEED = 20250214, 20250215
"""The splits are the same for every run: what seeds change is the start, the clients and the mini-batches."""
HostArray = np.ndarray[Any, Any]


@dataclasses.dataclass(frozen=True, eq=False)
class Part:
    """Rows: ``inputs`` (rows, *shape) as stored, ``targets`` (rows, …) whole numbers."""

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Data:
    """Training, validation and test rows, and what tells them from other rows.

    ``groups`` (rows of the training part,) are the labels that partitions go by. ``classes`` is the number of labels
    or tokens, ``shape`` that of one input. Inputs in uint8 are pixels, which `batch` shifts and scales by ``mean``
    and ``deviation``; others are tokens.
    """

    name: str
    sha256: str
    train: Part
    validation: Part
    test: Part
    groups: HostArray
    shape: tuple[int, ...]
    classes: int
    mean: float = 0.0
    deviation: float = 1.0

    def part(self, name: str) -> Part:
        """Return the part called ``name``."""
        part: Part = getattr(self, choice("part", name, PARTS))
        return part

    def batch(self, part: str, rows: Tensor, device: str) -> tuple[Tensor, Tensor]:
        """Return (inputs, targets) of ``rows`` on ``device``, as a model takes them."""
        held = self.part(part)
        inputs, targets = held.inputs[rows].to(device), held.targets[rows].to(device)
        pixels = held.inputs.dtype == torch.uint8
        return (inputs.float() - self.mean) / self.deviation if pixels else inputs.long(), targets.long()


def stratified_split(strata: HostArray, share: float, seed: int, *, least: int = 0) -> tuple[HostArray, HostArray]:
    """Return sorted places (kept, set aside): of every stratum the rounded ``share``, but never its last one.

    At least ``least`` of every stratum are set aside where it has more than that.

    Raises:
        ValueError: nothing would be set aside.
    """
    rng = np.random.default_rng(seed)
    aside: list[int] = []
    for stratum in np.unique(strata):
        places = rng.permutation(np.flatnonzero(strata == stratum))
        aside.extend(places[: min(max(round(share * places.size), least), places.size - 1)].tolist())
    if not aside:
        raise ValueError(f"data: {strata.size} rows are too few to set {share:g} of them aside")
    held = np.sort(np.asarray(aside, dtype=np.int64))
    return np.setdiff1d(np.arange(strata.size), held), held


def scaling(pixels: Sequence[HostArray] | HostArray) -> tuple[float, float]:
    """Return mean and standard deviation of all ``pixels`` together; the deviation of a constant is taken as 1."""
    values = np.asarray(pixels)
    mean, deviation = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    return mean, deviation if deviation > 0 else 1.0
