"""Hyper-parameters: what a parameter group holds, its domain, and what the equations see of it."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab._checks import choice, real, reals, whole
from pisa_lab.backtracking import Backtracking
from pisa_lab.preconditioners.second_moment import SCHEMES

KEYS = (
    *("lr", "preconditioner", "metric", "penalty", "weight_decay", "warm"),
    *("maximize", "foreach", "compiled", "capturable", "differentiable"),
)
"""What every parameter group holds beside its parameters; the rest are its preconditioner's and its metric's."""
AVERAGED: Mapping[str, Any] = {"rho": 1.0, "beta": 0.999, "scheme": "III", "clip": "auto"}
"""The keys of a preconditioner that averages, with their defaults."""


@dataclasses.dataclass(frozen=True)
class Rule:
    r"""The numbers of one group and one step: lr, σ, ρ, λ, β, the scheme of v and the clip η."""

    lr: float | Tensor
    penalty: float
    rho: float
    ridge: float
    beta: float
    scheme: str
    clip: float | None


@dataclasses.dataclass(frozen=True)
class Clients:
    """Who takes part in a round: an optimiser's, not a group's; immutable, so that copies share it.

    Raises:
        ValueError: ``weights`` are not one positive number a client of this process, ``message_dtype`` is no
            floating-point type, or there is no ``process_group`` to send it to.
    """

    count: int = 1
    weights: Sequence[float] | float | None = None
    process_group: Any = None
    message_dtype: torch.dtype | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", client_weights(self.weights, self.count))
        sent = self.message_dtype
        if sent is not None and not (isinstance(sent, torch.dtype) and sent.is_floating_point):
            raise ValueError(f"message_dtype: {sent!r} is not a floating-point type of torch, or None")
        if sent is not None and self.process_group is None:
            raise ValueError(f"message_dtype: {sent} needs a process_group; within one process nothing is sent")

    @property
    def alone(self) -> bool:
        """Whether one client does both halves of a step."""
        return self.count == 1 and self.process_group is None

    def __deepcopy__(self, memo: dict[int, Any]) -> "Clients":
        # A process group cannot be copied.
        return self


BETA = 10.0
"""The ρQ/σ that clients are held to: the theorem for any clients and any Q (T12) reaches there, at σ ≥ 5.97 L."""
_GROWING = ("second-moment", "orthogonal")
"""The preconditioners whose Q grows with what the clients disagree on."""


def default_clip(group: Mapping[str, Any], clients: Clients) -> Any:
    """Return what "auto" is in ``group``: None for one client, and for a Q that does not grow with heterogeneity."""
    # A search is safe with any Q.
    bounded = not clients.alone and group["preconditioner"] in _GROWING and group["penalty"] != "auto"
    return None if group["clip"] == "auto" and not bounded else group["clip"]


def clip_of(group: Mapping[str, Any], rho: float) -> float | None:
    r"""Return η; "auto" is $10\sigma/\rho$, so that ρQ ⪯ 10σ."""
    if group.get("clip") != "auto":
        clip: float | None = group.get("clip")
        return clip
    return BETA * group["penalty"] / rho if rho > 0 else None


def client_weights(weights: Any, count: int) -> tuple[float, ...]:
    """Return one weight for each of ``count`` clients, as they were given: not yet divided by their sum.

    Raises:
        ValueError: there are not ``count`` of them, or one is not positive.
    """
    if weights is None:
        return (1.0,) * count
    given = reals("weights", weights, above=0.0)
    given = (given,) if isinstance(given, float) else given
    if len(given) != count or not all(isinstance(weight, float) for weight in given):
        raise ValueError(f"weights: {weights!r} must be one positive number for each of {count} clients here")
    return given


def rule_of(group: Mapping[str, Any]) -> Rule:
    """Return the rule that ``group`` holds at this moment: schedulers change it between steps."""
    rho = _weight(group)
    return Rule(
        lr=_rate(group),
        penalty=group["penalty"],
        rho=rho,
        ridge=group["weight_decay"],
        beta=group.get("beta", 0.0),
        scheme=group.get("scheme", "III"),
        clip=clip_of(group, rho),
    )


def _weight(group: Mapping[str, Any]) -> float:
    r"""Return ρ; of "heavy-ball" that of Q = I by which $\pi \leftarrow b\pi - (1-b)g$, which is σb/(1 − b)."""
    if group["preconditioner"] != "heavy-ball":
        rho: float = group["rho"]
        return rho
    return float(group["penalty"] * group["momentum"] / (1 - group["momentum"]))


def _rate(group: Mapping[str, Any]) -> float | Tensor:
    """Return lr, a number unless a graph is being recorded or a gradient asked for."""
    lr: float | Tensor = group["lr"]
    if not isinstance(lr, Tensor) or torch.compiler.is_compiling() or group["capturable"] or group["differentiable"]:
        return lr
    return lr.item()


def checked(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return the hyper-parameters of ``group``, numbers as Python's: what is saved must load with weights_only.

    Raises:
        ValueError: one is outside its domain; the message names it.
    """
    _check_ways(group)
    return {name: check(group[name]) for name, check in _DOMAINS.items() if name in group}


def searched(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that a penalty of ``group`` that is searched for stands for: "auto", and the constants."""
    penalty = group["penalty"]
    if isinstance(penalty, str) and penalty == "auto":
        return {"search": group.get("search") or dataclasses.asdict(Backtracking())}
    return {"penalty": "auto", "search": dataclasses.asdict(penalty)} if isinstance(penalty, Backtracking) else {}


def _checked_clip(clip: Any) -> Any:
    return clip if clip in (None, "auto") else real("clip", clip, above=0.0)


def _checked_rate(lr: Any) -> float | Tensor:
    if not isinstance(lr, Tensor):
        return real("lr", lr, at_least=0.0)
    if lr.numel() != 1:
        raise ValueError(f"lr: a tensor of {lr.numel()} numbers, must hold one")
    real("lr", lr.detach(), at_least=0.0)
    return lr


_DOMAINS: Mapping[str, Callable[[Any], Any]] = {
    "lr": _checked_rate,
    "penalty": lambda penalty: penalty if penalty == "auto" else real("penalty", penalty, above=0.0),
    "rho": lambda rho: real("rho", rho, at_least=0.0),
    "weight_decay": lambda ridge: real("weight_decay", ridge, at_least=0.0),
    "beta": lambda beta: real("beta", beta, at_least=0.0, below=1.0),
    "momentum": lambda momentum: real("momentum", momentum, at_least=0.0, below=1.0),
    "scheme": lambda scheme: choice("scheme", scheme, SCHEMES),
    "clip": _checked_clip,
    "eps": lambda eps: real("eps", eps, above=0.0),
    "ns_steps": lambda steps: whole("ns_steps", steps, at_least=1),
    "elementwise_lr": lambda factor: real("elementwise_lr", factor, at_least=0.0),
}
"""The domains of the numbers that more than one preconditioner or metric knows."""


def _check_ways(group: Mapping[str, Any]) -> None:
    """Check the switches that say how a step is carried out."""
    for name in ("warm", "maximize", "capturable", "differentiable"):
        if not isinstance(group[name], bool):
            raise ValueError(f"{name}: {group[name]!r} is not True or False")
    for name in ("orthogonal", "foreach", "compiled"):
        if group.get(name) not in (None, True, False):
            raise ValueError(f"{name}: {group[name]!r} is not True, False or None")
    for name in ("foreach", "compiled"):
        if group["differentiable"] and group[name]:
            raise ValueError(f"{name}: True does not go with differentiable=True")
    if group["foreach"] and group["compiled"]:
        raise ValueError("compiled: True does not go with foreach=True")
    for name in ("foreach", "compiled", "capturable", "differentiable", "metric") if group["penalty"] == "auto" else ():
        if group[name]:
            raise ValueError(f"{name}: {group[name]!r} does not go with penalty='auto'")
    if group["metric"] and group["compiled"]:
        raise ValueError(f"compiled: True does not go with metric={group['metric']!r}; leave it at None")
