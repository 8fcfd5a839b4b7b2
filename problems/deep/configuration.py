"""What one training run is, in a few plain values: two runs of equal configurations on a CPU are equal bit for bit."""

import dataclasses
import hashlib
import json
import math
import types

import numpy as np

from pisa_lab import specs
from pisa_lab._checks import real, whole
from pisa_lab.schedules import Geometric

SCHEDULES: specs.Words = {
    "cosine": None,
    **{name: number for name, number in specs.SCHEDULE_WORDS.items() if name != "balancing"},
}
"""The words of `specs` that need no residuals, by 1/σ^ℓ as the rate (the paper's lr), and one with a warm-up."""
LARGEST = 1e38
"""Of a setting: float32 holds no more."""
WARM_UP = 0.05
"""Share of the rounds over which the cosine schedule first rises."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Configuration:
    """A run: what is trained, by which optimizer, over which clients, for how long.

    ``settings`` are those of the optimizer by name, ``batch`` is rows for one client in one round, ``evaluations``
    how often the run is looked at after its start, ``data`` a folder or file of the user's. A ``model`` that reads
    MODULE:OBJECT is the user's, too; ``own_sha256`` is the hash of its modules.

    Raises:
        ValueError: a value outside its domain.
    """

    family: str
    model: str
    size: str
    optimizer: str
    settings: tuple[tuple[str, float], ...] = ()
    schedule: str = "constant"
    clients: int = 1
    partition: str = "iid"
    seed: int = 1
    rounds: int
    batch: int
    evaluations: int = 15
    device: str = "cpu"
    data: str | None = None
    tokens: str | None = None
    own_sha256: str = ""

    def __post_init__(self) -> None:
        specs.word("schedule", self.schedule, SCHEDULES)
        for name, least in (("seed", 0), ("clients", 1), ("rounds", 1), ("batch", 1), ("evaluations", 1)):
            if whole(name, getattr(self, name), at_least=least) >= 2**63:
                raise ValueError(f"{name}: {getattr(self, name)} must be less than 2^63")
        for name, value in self.settings:
            real(name, value, at_least=-LARGEST, at_most=LARGEST)

    @property
    def looks(self) -> tuple[int, ...]:
        """The rounds after which the run is evaluated: 0, the last, and others evenly between."""
        share = self.rounds / self.evaluations
        return tuple(sorted({0, self.rounds, *(round(share * k) for k in range(1, self.evaluations))}))

    def text(self) -> str:
        """Return the configuration as JSON, the same text for equal ones."""
        values = dataclasses.asdict(self)
        return json.dumps(
            {name: values[name] for name in values if name != "own_sha256" or values[name]}, sort_keys=True
        )

    def stem(self) -> str:
        """Return a file name without its suffix: no two configurations share one."""
        digest = hashlib.sha256(self.text().encode()).hexdigest()[:12]
        model = self.model.replace(":", ".")
        return f"{self.family}-{model}-{self.size}-{self.optimizer}-seed{self.seed}-{digest}"

    def factor(self, done: int) -> float:
        """Return what the learning rate is multiplied by in the round after ``done``: σ⁰/σ^ℓ, or rise and cosine."""
        if self.schedule != "cosine":
            return self._ratio(done)
        rise = max(round(WARM_UP * self.rounds), 1)
        if done < rise:
            return (done + 1) / rise
        return (1 + math.cos(math.pi * (done - rise) / max(self.rounds - rise, 1))) / 2

    def _ratio(self, done: int) -> float:
        """Return σ⁰/σ^{ℓ+1} after ℓ = ``done`` rounds."""
        schedule = specs.schedule(self.schedule, rounds=self.rounds)
        if schedule is None:
            return 1.0
        if isinstance(schedule, Geometric):
            return float(schedule.ratio) ** (done + 1)  # type: ignore[arg-type]
        at: object = types.SimpleNamespace(iteration=done)
        return 1 / float(schedule.next(np.ones(1), at)[0])  # type: ignore[arg-type]
