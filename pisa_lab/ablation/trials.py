"""Trials: a study expanded into what is run, each with the hash of all that its result depends on."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pisa_lab.ablation.sources import Changed, code_sha256, file_sha256, own_sha256
from pisa_lab.ablation.study import MethodSpec, ProblemSpec, Study
from pisa_lab.stamp import stamp

TUNING, EVALUATION = "tuning", "evaluation"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trial:
    """One method with one setting on one problem with one seed; ``penalty`` is a multiple of the problem's scale."""

    study: str
    variant: str
    phase: str
    problem: ProblemSpec
    method: MethodSpec
    penalty: float
    rho: float | None
    seed: int
    instance: int
    unit: str
    amount: int
    records: int

    @property
    def configuration(self) -> dict[str, Any]:
        """The settings that decide the result; titles and the rest of the grid do not."""
        method = dataclasses.asdict(self.method)
        return {
            "study": self.study,
            "phase": self.phase,
            "problem": {"name": self.problem.name, "batch": self.problem.batch, **self.problem.settings},
            "method": {name: value for name, value in method.items() if name not in _NO_SETTINGS},
            "penalty": self.penalty,
            "rho": self.rho,
            "seed": self.seed,
            "instance": self.instance,
            "budget": {"unit": self.unit, "amount": self.amount, "records": self.records},
        }

    @property
    def code_sha256(self) -> str:
        """The hash of the source that computes it, the user's own modules included."""
        library = code_sha256(deep="model" in self.problem.settings)
        own = f"{self.method.own_sha256}{self.problem.own_sha256}"
        return hashlib.sha256(f"{library}{own}".encode()).hexdigest() if own else library

    @property
    def settings_key(self) -> str:
        """The first 32 hexadecimal digits of the SHA-256 of the configuration: trials alike but for code and data."""
        return settings_key(json.dumps(self.configuration, sort_keys=True))

    @property
    def key(self) -> str:
        """The same of configuration, variant, version, source and data: all that the result depends on."""
        document = {
            **self.configuration,
            "variant": self.variant,
            "version": stamp()["version"],
            "code_sha256": self.code_sha256,
            "data_sha256": self.problem.data_sha256,
        }
        text = json.dumps(document, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def check_sources(self) -> None:
        """Check, where the trial runs, that data and source are those that its key says.

        Raises:
            Changed: they are not.
        """
        settings, method = self.problem.settings, self.method
        data = file_sha256(settings.get("data"))
        own = (
            own_sha256(method.method, method.preconditioner, method.metric),
            own_sha256(settings.get("family"), settings.get("model")),
        )
        if data != self.problem.data_sha256:
            raise Changed(f"{settings['data']} changed since the study was read")
        if own != (method.own_sha256, self.problem.own_sha256):
            raise Changed(f"modules of {method.name!r} or {self.problem.name!r} changed since the study was read")


_NO_SETTINGS = ("penalties", "rhos", "own_sha256")


def settings_key(configuration: str) -> str:
    """Return `Trial.settings_key` of a configuration as stored."""
    return hashlib.sha256(configuration.encode()).hexdigest()[:32]


def tuning_trials(study: Study) -> list[Trial]:
    """Return every setting of every method on every problem, with the tuning seeds, each on an instance of its own."""
    return [
        _trial(study, TUNING, problem, method, setting, seed, seed)
        for problem in study.problems
        for method in study.methods
        for setting in method.configurations
        for seed in study.tuning_seeds
    ]


def evaluation_trials(study: Study, chosen: Mapping[tuple[str, str], tuple[float, float | None]]) -> list[Trial]:
    """Return every method on every problem at its ``chosen`` setting, with the fresh seeds."""
    return [
        _trial(study, EVALUATION, problem, method, chosen[problem.name, method.name], seed, seed % study.instances)
        for problem in study.problems
        for method in study.methods
        if (problem.name, method.name) in chosen
        for seed in study.seeds
    ]


def groups(trials: Iterable[Trial], largest: int) -> Iterator[tuple[Trial, ...]]:
    """Yield trials that can share one vectorised run: the same problem, instance and method, at most ``largest``.

    Instances come in the order of a hash, so that slow and fast ones mix and the time left is foretold honestly; what
    runs on the same instance comes together, since an instance can take longer to make than to run on.
    """
    alike: dict[tuple[Any, ...], list[Trial]] = {}
    for trial in trials:
        name = (trial.phase, trial.problem.name, trial.instance, trial.method.name)
        alike.setdefault(name, []).append(trial)
    for _, members in sorted(alike.items(), key=lambda item: (_mixed(item[0][:3]), item[1][0].key)):
        yield from map(tuple, _chunks(members, largest))


def _mixed(name: tuple[Any, ...]) -> str:
    return hashlib.sha256(repr(name).encode()).hexdigest()


def _chunks(members: Sequence[Trial], largest: int) -> Iterator[Sequence[Trial]]:
    """Yield equal parts of at most ``largest``."""
    count = -(-len(members) // largest)
    for place in range(count):
        yield members[place * len(members) // count : (place + 1) * len(members) // count]


def _trial(
    study: Study,
    phase: str,
    problem: ProblemSpec,
    method: MethodSpec,
    setting: tuple[float, float | None],
    seed: int,
    instance: int,
) -> Trial:
    return Trial(
        study=study.name,
        variant=study.variant,
        phase=phase,
        problem=problem,
        method=method,
        penalty=setting[0],
        rho=setting[1],
        seed=seed,
        instance=instance,
        unit=study.unit,
        amount=study.amount,
        records=study.records if phase == EVALUATION else 2,
    )
