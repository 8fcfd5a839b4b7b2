"""What `pisa-lab run` is asked for, as one checked value that a file can hold and that reruns bit for bit."""

import contextlib
import dataclasses
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pisa_lab import specs
from pisa_lab._array import BACKENDS
from pisa_lab._checks import choice, real, whole
from pisa_lab.participation import rule_of

DTYPES = ("float64", "float32")
TASKS = ("binary", "multiclass", "regression")
_FURTHER = ("steps", "tolerance")
"""What may differ when a run is resumed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Configuration:
    """One run over seeds; seed s draws the synthetic data, the partition and the mini-batches.

    Raises:
        ValueError: a value outside its domain; the message names the option.
    """

    problem: str
    data: str | None = None
    task: str | None = None
    intercept: bool = True
    clients: int = 4
    partition: str | None = None
    method: str = "sisa"
    penalty: float | str | None = None
    rho: float | None = None
    schedule: str = "constant"
    preconditioner: str | None = None
    metric: str | None = None
    clip: float | None = None
    warm: bool = False
    ridge: float | None = None
    local_ridge: float | None = None
    steps: int = 200
    batch: int | None = None
    participation: float | None = None
    delay: int = 0
    seeds: int = 1
    seed: int = 0
    backend: str = "numpy"
    dtype: str = "float64"
    tolerance: float | None = None

    def __post_init__(self) -> None:
        for name in ("problem", "method", "schedule"):
            _text(name, getattr(self, name))
        for name in ("data", "partition", "preconditioner", "metric"):
            _text(name, getattr(self, name), optional=True)
        for name, (least, most) in _WHOLE.items():
            if whole(_option(name), getattr(self, name), at_least=least) > most:
                raise ValueError(f"{_option(name)}: {getattr(self, name)} must be at most {most}")
        if self.batch is not None:
            whole("--batch", self.batch, at_least=1)
        object.__setattr__(self, "participation", _participation(self.participation))
        for name, domain in _DOMAINS.items():
            if getattr(self, name) is not None and not (name == "penalty" and self.penalty == "auto"):
                object.__setattr__(self, name, real(_option(name), getattr(self, name), **domain))
        for name in ("warm", "intercept"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{_option(name)}: {getattr(self, name)!r} must be true or false")
        if self.task is not None:
            choice("--task", self.task, TASKS)
        choice("--backend", self.backend, BACKENDS)
        choice("--dtype", self.dtype, DTYPES)
        if self.schedule == "inverse-cosine":
            # The length belongs to the run as first asked for: a resumed one must not stretch it.
            object.__setattr__(self, "schedule", f"inverse-cosine:{max(self.steps, 1)}")
        _check_words(self)

    def further(self, changes: Mapping[str, Any]) -> "Configuration":
        """Return this configuration resumed with ``changes``, of which only steps and tolerance may differ.

        Raises:
            ValueError: another option differs.
        """
        for name, value in changes.items():
            if name not in _FURTHER and value != getattr(self, name):
                raise ValueError(f"{_option(name)}: {value!r}, but the run to resume has {getattr(self, name)!r}")
        return dataclasses.replace(self, **{name: changes[name] for name in _FURTHER if name in changes})


_WHOLE = {"clients": (1, 10**6), "steps": (0, 10**12), "seeds": (1, 10**6), "seed": (0, 2**63 - 1), "delay": (0, 10**6)}
"""Beyond these a run has no end, or no room."""
_DOMAINS: dict[str, dict[str, float]] = {
    "penalty": {"above": 0.0},
    "rho": {"at_least": 0.0},
    "clip": {"above": 0.0},
    "ridge": {"at_least": 0.0},
    "local_ridge": {"at_least": 0.0},
    "tolerance": {"above": 0.0},
}
FIELDS = tuple(field.name for field in dataclasses.fields(Configuration))


def configured(values: Mapping[str, Any], *, source: str) -> Configuration:
    """Return the configuration of ``values``.

    Raises:
        ValueError: a name that is no option (``source`` says where it stands), no problem, or a bad value.
    """
    unknown = [name for name in values if name not in FIELDS]
    if unknown:
        raise ValueError(f"{source}: {unknown[0]!r} is not one of {', '.join(FIELDS)}")
    if "problem" not in values:
        raise ValueError("PROBLEM: missing; `pisa-lab problems` lists them")
    return Configuration(**values)


def read_configuration(path: Path) -> dict[str, Any]:
    """Return the options that the JSON or TOML file ``path`` holds.

    Raises:
        ValueError: it is missing or is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        values = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"--config: {str(path)!r} cannot be read ({error})") from error
    if not isinstance(values, dict):
        raise ValueError(f"--config: {str(path)!r} must hold one table of options")
    return values


def configuration_text(configuration: Configuration, suffix: str) -> str:
    """Return ``configuration`` as TOML where ``suffix`` is ".toml" and as JSON otherwise; what is None is left out."""
    values = {name: value for name, value in dataclasses.asdict(configuration).items() if value is not None}
    if suffix == ".toml":
        return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"


@contextlib.contextmanager
def named(options: Mapping[str, str]) -> Iterator[None]:
    """Let a ValueError that names an argument of the library name the option that it came from."""
    try:
        yield
    except ValueError as error:
        argument, colon, rest = str(error).partition(":")
        if colon and argument in options:
            raise ValueError(f"{options[argument]}:{rest}") from error
        raise


def _check_words(configuration: Configuration) -> None:
    """Refuse a word that means nothing, or an option that the method would leave unread."""
    options = ("method", "preconditioner", "metric", "rho", "schedule", "warm", "clip")
    with named({name: _option(name) for name in options}):
        specs.schedule(configuration.schedule)
        if configuration.preconditioner is not None:
            specs.preconditioner_row(configuration.preconditioner)
        if configuration.metric is not None:
            specs.metric_row(configuration.metric)
        given = {name: getattr(configuration, name) is not None for name in ("rho", "preconditioner", "metric", "clip")}
        more = {"schedule": configuration.schedule != "constant", "warm": configuration.warm}
        specs.check_options(configuration.method, given | more)


def _participation(value: Any) -> Any:
    """Return who is there as a whole number of clients or a probability, which a command line gives as text."""
    if isinstance(value, str):
        value = int(value) if value.isdecimal() else real("--participation", value)
    with named({"participation": "--participation"}):
        rule_of(value)
    return value


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _text(name: str, value: Any, *, optional: bool = False) -> None:
    if not (isinstance(value, str) and value) and not (optional and value is None):
        raise ValueError(f"{'PROBLEM' if name == 'problem' else _option(name)}: {value!r} must be a name")
