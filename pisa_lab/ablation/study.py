"""A study as data: problems × methods × settings × seeds at one budget."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

from pisa_lab._checks import choice

UNITS = ("rounds", "gradients", "bytes")
"""What a budget counts: rounds, client gradients per client, or bytes over all links in both directions."""
FULL = "full"
"""The variant that is the document itself."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProblemSpec:
    """One problem of the grid: what the resolver is told, and the measure that its table shows.

    ``outcome`` names a final measure, smaller is better, and ``score`` another that is shown, or "".
    ``data_sha256`` is that of the file of its data, ``own_sha256`` that of the user's modules, "" where it has none.
    """

    name: str
    title: str
    settings: Mapping[str, Any]
    batch: int | None = None
    outcome: str = "objective"
    score: str = ""
    data_sha256: str = ""
    own_sha256: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MethodSpec:
    """One method of the grid with its own grid of settings.

    ``method`` is a row of METHODS, ``preconditioner`` one of PRECONDITIONERS or "", ``metric`` one of METRICS or "", or
    any of them is MODULE:OBJECT, an object of the user's, whose modules have the hash ``own_sha256``. ``penalties`` are
    multiples of the problem's curvature scale; ``rhos`` is empty for a method without ρ.
    """

    name: str
    method: str = "pisa"
    preconditioner: str = ""
    metric: str = ""
    schedule: str = "constant"
    clip: float | None = None
    warm: bool = False
    local_steps: int = 5
    penalties: tuple[float, ...]
    rhos: tuple[float, ...] = ()
    own_sha256: str = ""

    @property
    def configurations(self) -> tuple[tuple[float, float | None], ...]:
        """The pairs (σ as a multiple of the scale, ρ or None) of the grid."""
        return tuple(itertools.product(self.penalties, self.rhos or (None,)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Study:
    """What is tried, how it is tuned and how it is judged.

    Args:
        name: of the study, in kebab-case.
        title: one line.
        variant: "full" or the name of one of the document's variants.
        problems: the problem grid.
        methods: the method grid; all have the same number of configurations.
        unit: of the budget, one of `UNITS`.
        amount: of the budget, for one trial.
        records: points of a curve, closer together at its start.
        tuning_measure: the final measure that chooses the setting, smaller is better.
        tuning_seeds: seeds of the tuning trials, disjoint from those below.
        seeds: seeds of the final trials.
        instances: seed s is run on instance ``s % instances`` of its problem; as many as seeds make them independent,
            fewer share a vectorised run. A tuning seed has an instance of its own.
        replicates: most trials that share one vectorised run.
        reference: the method that the others are compared with.
    """

    name: str
    title: str
    variant: str
    problems: tuple[ProblemSpec, ...]
    methods: tuple[MethodSpec, ...]
    unit: str
    amount: int
    records: int
    tuning_measure: str
    tuning_seeds: tuple[int, ...]
    seeds: tuple[int, ...]
    instances: int
    replicates: int
    reference: str

    def __post_init__(self) -> None:
        for label, names in (("problems", self.problems), ("methods", self.methods)):
            twice = [row.name for row in names if sum(row.name == other.name for other in names) > 1]
            if twice or not names:
                raise ValueError(f"{label}: {f'{twice[0]!r} stands twice' if twice else 'none are given'}")
        sizes = {row.name: len(row.configurations) for row in self.methods}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"grids: {sizes} configurations; an equal tuning budget needs the same number for each")
        if set(self.tuning_seeds) & set(self.seeds):
            raise ValueError("tuning: its seeds must differ from those of the evaluation")
        choice("reference", self.reference, [row.name for row in self.methods])

    @property
    def configurations(self) -> int:
        """How many settings each method is tuned over."""
        return len(self.methods[0].configurations)
