"""METHODS: PISA, its variants and the baselines, one row each, built from the same few settings."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from pisa_lab._checks import Scalars, row_named
from pisa_lab.backtracking import Backtracking
from pisa_lab.baselines import ExactADMM, FedAvg, FedSGD
from pisa_lab.method import PISA, Method, nsisa, sisa
from pisa_lab.metrics import ServerStep
from pisa_lab.preconditioners import NOT_KKT, ClientOperator, Contraction, Identity, TopK
from pisa_lab.schedules import Schedule


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """What a command line says of a method; a baseline's learning rate is 1/penalty, as PISA's: MATHEMATICS.md#I3."""

    penalty: Scalars | str
    rho: Scalars | None = None
    schedule: Schedule | None = None
    clip: float | None = None
    warm: bool = False
    preconditioner: ClientOperator[Any] | None = None
    metric: ServerStep | None = None
    local_steps: int = 5

    @property
    def rate(self) -> Scalars:
        """1/σ: one number, or one per replicate.

        Raises:
            ValueError: the penalty differs between clients, or is to be searched for; a baseline has one given rate.
        """
        if isinstance(self.penalty, str):
            raise ValueError(f"penalty: {self.penalty!r} is a rule of pisa's; a baseline needs a number")
        if isinstance(self.penalty, float | int):
            return 1 / float(self.penalty)
        rows = [row if isinstance(row, tuple) else () for row in self.penalty]
        if any(len(row) != 1 for row in rows):
            raise ValueError(f"penalty: {self.penalty!r} differs between clients; a baseline has one rate for all")
        return tuple(1 / float(row[0]) for row in rows)


OPTIONS = ("rho", "schedule", "warm", "clip", "preconditioner", "metric", "local_steps")
"""What `Settings` may say beyond the penalty."""


@dataclasses.dataclass(frozen=True)
class MethodRow:
    """One method: its name, how it is built, what it is, and the conformance tests it is exempt from, with reasons.

    ``takes`` are the options (of `OPTIONS`) that ``build`` reads; the others would be ignored, so they are refused.
    """

    name: str
    build: Callable[[Any, Settings], Method]
    summary: str
    takes: tuple[str, ...] = ()
    exempt: Mapping[str, str] = dataclasses.field(default_factory=dict)


def _common(settings: Settings) -> dict[str, Any]:
    return {"penalty": settings.penalty, "schedule": settings.schedule, "warm": settings.warm}


def _rho(settings: Settings, default: float) -> Scalars:
    return default if settings.rho is None else settings.rho


def _pisa(problem: Any, settings: Settings) -> PISA:
    if isinstance(settings.preconditioner, Contraction) and settings.rho is not None:
        raise ValueError("rho: a contraction has no Q that it could weigh")
    rho = _rho(settings, 0.0 if settings.preconditioner is None else 1.0)
    return PISA(rho=rho, preconditioner=settings.preconditioner, metric=settings.metric, **_common(settings))


def _auto(problem: Any, settings: Settings) -> PISA:
    start = settings.penalty
    if not isinstance(start, str | float | int):
        raise ValueError(f"penalty: {start!r} must be one σ for the search to begin with, or auto")
    rule = Backtracking() if isinstance(start, str) else Backtracking(initial=float(start))
    return PISA(penalty=rule, preconditioner=settings.preconditioner, metric=settings.metric)


def _ef21(problem: Any, settings: Settings) -> PISA:
    chosen = TopK() if settings.preconditioner is None else settings.preconditioner
    return PISA(rho=1.0, preconditioner=chosen, extrapolation=False, **_common(settings))


def _damped(problem: Any, settings: Settings) -> PISA:
    return PISA(rho=_rho(settings, 1.0), preconditioner=Identity(), **_common(settings))


def _sisa(scheme: str) -> Callable[[Any, Settings], PISA]:
    def build(problem: Any, settings: Settings) -> PISA:
        common = _common(settings)
        return sisa(common.pop("penalty"), rho=_rho(settings, 1.0), scheme=scheme, clip=settings.clip, **common)

    return build


def _nsisa(problem: Any, settings: Settings) -> PISA:
    common = _common(settings)
    blocks = getattr(problem, "blocks", None)
    return nsisa(common.pop("penalty"), rho=_rho(settings, 1.0), blocks=blocks, **common)


def _sisa_metric(problem: Any, settings: Settings) -> PISA:
    common = _common(settings)
    return sisa(common.pop("penalty"), metric=settings.metric or "ema", **common)


def _nsisa_server(problem: Any, settings: Settings) -> PISA:
    common = _common(settings)
    return nsisa(common.pop("penalty"), blocks=getattr(problem, "blocks", None), where="server", **common)


def _exact(problem: Any, settings: Settings) -> ExactADMM:
    if isinstance(settings.penalty, str):
        raise ValueError(f"penalty: {settings.penalty!r} is a rule of pisa's; exact-admm needs a number")
    return ExactADMM(penalty=settings.penalty)


def _server(rule: str) -> Callable[[Any, Settings], FedSGD]:
    return lambda problem, settings: FedSGD(rate=settings.rate, rule=rule)


def _fedavg(problem: Any, settings: Settings) -> FedAvg:
    return FedAvg(rate=settings.rate, local_steps=settings.local_steps)


_UNSTABLE = {"kkt": "rate/epsilon amplifies a gradient of rounding size: a KKT point is fixed but unstable"}
_FULL = {"batches": "it takes full gradients only"}
_DRIFT = {"kkt": "local steps drift away from w when the clients differ"}

_PISA = ("rho", "schedule", "warm")

METHODS = (
    MethodRow(
        "pisa", _pisa, "PISA with Q = 0, or the preconditioner given", (*_PISA, "clip", "preconditioner", "metric")
    ),
    MethodRow("pisa-damped", _damped, "PISA with Q = I", _PISA),
    MethodRow("sisa-1", _sisa("I"), "SISA, scheme I: the sum of (π+g)²", (*_PISA, "clip")),
    MethodRow("sisa-2", _sisa("II"), "SISA, scheme II: a moving average", (*_PISA, "clip")),
    MethodRow("sisa", _sisa("III"), "SISA, scheme III: a moving average with bias correction", (*_PISA, "clip")),
    MethodRow("nsisa", _nsisa, "NSISA: Newton–Schulz orthogonalised momentum on matrix blocks", _PISA, NOT_KKT),
    MethodRow(
        "pisa-auto",
        _auto,
        "PISA whose σ is searched for, from --penalty on: no L to know; momentum 0.9",
        ("preconditioner", "metric"),
        _FULL,
    ),
    MethodRow(
        "sisa-metric",
        _sisa_metric,
        "SISA repaired: the second moment sets the step, momentum 0.9",
        ("schedule", "warm", "metric"),
    ),
    MethodRow(
        "nsisa-server",
        _nsisa_server,
        "NSISA repaired: one Newton–Schulz a round, on the aggregate",
        ("schedule", "warm"),
    ),
    MethodRow("fedsgd", _server("sgd"), "one gradient per client and round, averaged; rate 1/penalty"),
    MethodRow("fedsgd-momentum", _server("momentum"), "FedSGD with heavy-ball momentum 0.9 on the server"),
    MethodRow("fedsgd-rmsprop", _server("rmsprop"), "FedSGD with RMSProp on the server"),
    MethodRow("fedsgd-adam", _server("adam"), "FedSGD with Adam on the server", (), _UNSTABLE),
    MethodRow("fedavg", _fedavg, "local gradient steps, then the mean; rate 1/penalty", ("local_steps",), _DRIFT),
    MethodRow("exact-admm", _exact, "consensus ADMM with exact local solves", (), _FULL),
    MethodRow(
        "ef21",
        _ef21,
        "EF21: top-k, or the contraction given, of π+g; a server without extrapolation",
        ("schedule", "warm", "preconditioner"),
    ),
)
"""The methods a command line can name; adding a row adds its conformance tests."""


def by_name(name: str) -> MethodRow:
    """Return the row called ``name``.

    Raises:
        ValueError: there is none.
    """
    return row_named("method", name, METHODS)
