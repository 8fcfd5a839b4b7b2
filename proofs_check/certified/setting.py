"""What a worst case is asked of: method, function class, metric and initial condition, all exact numbers."""

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from pisa_lab._checks import choice, whole

METHODS = ("pisa", "fedavg", "admm")
CLASSES = ("nonconvex", "convex", "strongly-convex")
METRICS = ("min_gradient", "last_gradient", "last_value")
INITIALS = ("value", "distance")
ORDERS = ("before_solve", "after_solve")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    r"""A worst-case question; hashable, every number a Fraction.

    Args:
        method: "pisa" (Q = I), "fedavg" (local_steps = 1 is FedSGD, gradient descent on F), "admm" (exact
            proximal clients).
        function_class: of every $F_i$: $L_i$-smooth and nonconvex, convex, or $\mu$-strongly convex.
        rounds: N, the moves from the point of the first gradient $w^0$.
        lipschitz: $L_i$.
        weights: $\alpha_i > 0$, sum 1.
        modulus: $\mu$, for "strongly-convex" only.
        ridge: $\lambda \ge 0$.
        penalties: $\sigma_i^0, \dots, \sigma_i^N$, a row each; round k's client uses row k ("before_solve", the
            order of MATHEMATICS.md#algorithm) or row k−1 ("after_solve", the mixed order), its server row k. Empty
            for FedAvg.
        rho: $\rho_i \ge 0$ with $Q_i = I$.
        warm: $\pi_i^0 = -\nabla F_i(w^0)$ instead of 0.
        order: see ``penalties``.
        step: the step size of FedAvg.
        local_steps: K of FedAvg.
        metric: $\min_{k\le N}\|\nabla F_\lambda(w^k)\|^2$, $\|\nabla F_\lambda(w^N)\|^2$ or
            $F_\lambda(w^N)-F_\lambda^*$.
        initial: $F_\lambda(w^0)-F_\lambda^*\le 1$ or $\|w^0-w^*\|^2\le 1$.
        heterogeneity: $\zeta^2$ with $\sum\alpha_i\|\nabla F_i(w^k)-\nabla F(w^k)\|^2\le\zeta^2$ at every
            $w^k$; None asks for no bound.

    Raises:
        ValueError: a field outside its domain.
    """

    method: str = "pisa"
    function_class: str = "nonconvex"
    rounds: int = 1
    lipschitz: tuple[Fraction, ...] = (Fraction(1),)
    weights: tuple[Fraction, ...] = (Fraction(1),)
    modulus: Fraction = Fraction(0)
    ridge: Fraction = Fraction(0)
    penalties: tuple[tuple[Fraction, ...], ...] = ()
    rho: tuple[Fraction, ...] = (Fraction(0),)
    warm: bool = False
    order: str = "before_solve"
    step: Fraction = Fraction(1)
    local_steps: int = 1
    metric: str = "min_gradient"
    initial: str = "value"
    heterogeneity: Fraction | None = None

    def __post_init__(self) -> None:
        choice("method", self.method, METHODS)
        choice("function_class", self.function_class, CLASSES)
        choice("metric", self.metric, METRICS)
        choice("initial", self.initial, INITIALS)
        choice("order", self.order, ORDERS)
        whole("rounds", self.rounds, at_least=1)
        whole("local_steps", self.local_steps, at_least=1)
        if sum(self.weights) != 1 or min(self.weights) <= 0:
            raise ValueError(f"weights: {[str(a) for a in self.weights]} must be positive and sum to 1 exactly")
        for name, values in (("lipschitz", self.lipschitz), ("rho", self.rho), *self._rows()):
            if len(values) != self.clients:
                raise ValueError(f"{name}: {len(values)} values for {self.clients} clients")
        self._domains()

    def _rows(self) -> list[tuple[str, tuple[Fraction, ...]]]:
        return [("penalties", row) for row in self.penalties]

    def _domains(self) -> None:
        for name, least in (("lipschitz", min(self.lipschitz)), ("step", self.step)):
            if least <= 0:
                raise ValueError(f"{name}: {least} must be positive")
        for name, least in (("rho", min(self.rho)), ("ridge", self.ridge)):
            if least < 0:
                raise ValueError(f"{name}: {least} must be >= 0")
        if (self.modulus > 0) != (self.function_class == "strongly-convex") or self.modulus >= min(self.lipschitz):
            raise ValueError(f"modulus: {self.modulus} must be 0, or in (0, min L) for the strongly convex class")
        if self.method != "fedavg" and len(self.penalties) != self.rounds + 1:
            raise ValueError(
                f"penalties: {len(self.penalties)} rows, {self.rounds + 1} are needed (sigma^0 to sigma^N)"
            )
        if any(min(row) <= 0 for row in self.penalties):
            raise ValueError("penalties: must be positive")
        if self.heterogeneity is not None and self.heterogeneity < 0:
            raise ValueError("heterogeneity: must be >= 0")

    @property
    def clients(self) -> int:
        """The number m of clients."""
        return len(self.weights)

    @property
    def curvature(self) -> tuple[Fraction, ...]:
        """The lower curvature of every F_i: −L_i, 0 or μ."""
        if self.function_class == "nonconvex":
            return tuple(-smooth for smooth in self.lipschitz)
        return (self.modulus,) * self.clients

    @property
    def smoothness(self) -> Fraction:
        r"""$\sum\alpha_i L_i + \lambda$, the smoothness of $F_\lambda$."""
        return sum((a * smooth for a, smooth in zip(self.weights, self.lipschitz, strict=True)), self.ridge)

    @property
    def minimiser(self) -> bool:
        """Whether the question names w*; otherwise only the infimum of F_λ enters."""
        return self.initial == "distance" or self.function_class == "strongly-convex"


def exact(value: Any) -> Fraction:
    """Return ``value`` (int, Fraction, decimal text or float) as the fraction its decimal digits say."""
    return Fraction(value) if isinstance(value, int | Fraction | str) else Fraction(repr(float(value)))


def per_client(value: Any, clients: int) -> tuple[Fraction, ...]:
    """Return one fraction per client from one number or a sequence."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(exact(entry) for entry in value)
    return (exact(value),) * clients


def pisa_setting(
    function_class: str, rounds: int, *, sigma: Any = 2, gamma: Any = 1, clients: int = 1, **fields: Any
) -> Setting:
    r"""Return the setting of PISA (or ADMM), $\sigma^\ell = \sigma^0\gamma^{-\ell}$, by default L = 1, equal weights.

    ``sigma``, ``gamma`` and the fields ``rho``, ``lipschitz`` are one number or one per client.
    """
    sigmas, gammas = per_client(sigma, clients), per_client(gamma, clients)
    if min(sigmas) <= 0:
        raise ValueError(f"sigma: {_shown(sigmas)} must be positive")
    for name, values in (("sigma", sigmas), ("gamma", gammas)):
        if len(values) != clients:
            raise ValueError(f"{name}: {len(values)} values for {clients} clients")
    if min(gammas) <= 0 or max(gammas) > 1:
        raise ValueError(f"gamma: {_shown(gammas)} must be in (0, 1]")
    rows = tuple(tuple(s / g**k for s, g in zip(sigmas, gammas, strict=True)) for k in range(rounds + 1))
    return Setting(function_class=function_class, rounds=rounds, penalties=rows, **_exact_fields(clients, fields))


def _shown(values: tuple[Fraction, ...]) -> str:
    return ", ".join(map(str, values))


def fedavg_setting(function_class: str, rounds: int, *, step: Any = 1, clients: int = 1, **fields: Any) -> Setting:
    """Return the setting of FedAvg; ``local_steps=1`` (the default) is FedSGD, gradient descent on F."""
    exact_fields = _exact_fields(clients, fields)
    return Setting(method="fedavg", function_class=function_class, rounds=rounds, step=exact(step), **exact_fields)


def _exact_fields(clients: int, fields: dict[str, Any]) -> dict[str, Any]:
    result = {"weights": (Fraction(1, clients),) * clients, **fields}
    for name, default in (("lipschitz", 1), ("rho", 0)):
        result[name] = per_client(fields.get(name, default), clients)
    result["weights"] = tuple(exact(weight) for weight in result["weights"])
    for name in ("ridge", "modulus", "heterogeneity"):
        if result.get(name) is not None:
            result[name] = exact(result[name])
    return result
