"""Random problems and methods rebuilt from small JSON-able instances, so that every trial can be shown again."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from pisa_lab.method import PISA
from pisa_lab.preconditioners import Identity, SecondMoment, Zero
from pisa_lab.preconditioners.base import Preconditioner
from pisa_lab.problem import FunctionProblem, Gradient, Value, from_functions
from proofs_check.measured.adversaries import Switching, Turning

Instance = Mapping[str, Any]
Array = np.ndarray[Any, Any]

PRECONDITIONERS: Mapping[str, Callable[[float | None, int], Preconditioner[Any]]] = {
    "none": lambda clip, seed: Zero(),
    "identity": lambda clip, seed: Identity(),
    "moment-I": lambda clip, seed: SecondMoment("I", clip=clip),
    "moment-II": lambda clip, seed: SecondMoment("II", beta=0.9, clip=clip),
    "moment-III": lambda clip, seed: SecondMoment("III", beta=0.9, clip=clip),
    "switching": lambda clip, seed: Switching(seed, 1.0 if clip is None else clip),
    "matrix": lambda clip, seed: Turning(seed, 1.0 if clip is None else clip),
}
"""What an instance may call its preconditioner; ``clip`` is η (Identity has η = 1 whatever it is)."""


def generator(instance: Instance) -> np.random.Generator:
    """Return the generator that the instance's "seed" names."""
    return np.random.default_rng(int(instance["seed"]))


def problem_of(instance: Instance) -> FunctionProblem:
    r"""Return a random smooth problem, waves on a quadratic.

    $$F_i(w) = \tfrac12 w^\top A_iw - b_i^\top w + \sum_j c_{ij}\cos(u_{ij}^\top w + \phi_{ij})$$

    Every $F_i$ has Lipschitz constant at most 1 in its gradient; $A_i \succ 0$ keeps $F$ coercive. "waves" is the
    share of the curvature that the cosines take (0: convex quadratics; above ½ most are nonconvex), "spread" the
    size of the $b_i$ and "conflict" that of a part of them whose weighted mean is 0, so that it leaves F as it is.
    """
    rng = generator(instance)
    clients, size = int(instance["clients"]), int(instance["dimension"])
    waves, weights = float(instance.get("waves", 0.0)), _weights(rng, clients)
    pulls = rng.normal(size=(clients, size))
    linear = float(instance.get("conflict", 0.0)) * (pulls - weights @ pulls)
    linear = linear + float(instance.get("spread", 1.0)) * rng.normal(size=(clients, size))
    return from_functions(
        tuple(_client(rng, waves, linear[i]) for i in range(clients)),
        rng.normal(size=size),
        weights=weights,
        ridge=float(instance.get("ridge", 0.0)),
        lipschitz=1.0,
    )


def _weights(rng: np.random.Generator, clients: int) -> Array:
    raw = rng.uniform(0.2, 1.0, clients)
    return np.asarray(raw / raw.sum())


def _client(rng: np.random.Generator, waves: float, linear: Array) -> tuple[Value, Gradient]:
    size = linear.size
    basis = np.linalg.qr(rng.normal(size=(size, size)))[0]
    curvature = (basis * ((1 - waves) * rng.uniform(0.05, 1.0, size))) @ basis.T
    frequency = rng.normal(size=(size, size))
    heights = rng.choice([-1.0, 1.0], size)
    # Σ_j |c_j|·‖u_j‖² = waves: the Hessian of the cosines has norm at most that.
    heights = waves * heights / (size * np.sum(frequency**2, axis=1))
    phases = rng.uniform(0.0, 2 * np.pi, size)

    def value(w: Array) -> float:
        return float(w @ curvature @ w / 2 - linear @ w + heights @ np.cos(frequency @ w + phases))

    def gradient(w: Array) -> Array:
        return np.asarray(curvature @ w - linear - (heights * np.sin(frequency @ w + phases)) @ frequency)

    return value, gradient


def method_of(instance: Instance, **settings: Any) -> PISA:
    """Return PISA with penalties, rhos and ratios as unequal between the clients as the instance allows.

    "penalty", "rho" and "ratio" are numbers or (low, high) pairs, from which one number per client is drawn.
    """
    rng = np.random.default_rng([int(instance["seed"]), 1])
    clients = int(instance["clients"])

    def drawn(name: str, default: float) -> Any:
        value = instance.get(name, default)
        if not isinstance(value, list | tuple):
            return float(value)
        low, high = value
        return tuple(rng.uniform(float(low), float(high), clients))

    penalty, rho, ratio = drawn("penalty", 4.0), drawn("rho", 0.0), drawn("ratio", 1.0)
    kind, clip = str(instance.get("preconditioner", "none")), instance.get("clip")
    chosen: dict[str, Any] = {
        "penalty": penalty,
        "rho": rho,
        "preconditioner": PRECONDITIONERS[kind](clip, int(instance["seed"])),
    }
    if "schedule" not in settings:
        chosen["penalty_ratio"] = ratio
    return PISA(**(chosen | {"warm": bool(instance.get("warm", False))} | settings))


def scalar_problem(
    pairs: Iterable[tuple[Callable[[float], float], Callable[[float], float]]], start: float, **settings: Any
) -> FunctionProblem:
    """Return a problem in one variable from (value, derivative) pairs of functions of a float."""
    return from_functions([_scalar(value, slope) for value, slope in pairs], np.array([float(start)]), **settings)


def _scalar(value: Callable[[float], float], slope: Callable[[float], float]) -> tuple[Value, Gradient]:
    return lambda w: float(value(float(w[0]))), lambda w: np.array([slope(float(w[0]))])


def count(effort: str, quick: Any, full: Any) -> Any:
    """Return how many trials ``effort`` buys.

    Raises:
        ValueError: the effort is not quick or full.
    """
    if effort not in ("quick", "full"):
        raise ValueError(f"effort: {effort!r} is not one of quick, full")
    return quick if effort == "quick" else full


def grid(seed: int, trials: int, **choices: Iterable[Any]) -> list[dict[str, Any]]:
    """Return ``trials`` instances with seeds from 1000·``seed`` on.

    Every choice is drawn from its list so that each list is walked through evenly.
    """
    rng = np.random.default_rng([seed, trials])
    lists = {name: list(values) for name, values in choices.items()}
    order = {name: [values[i % len(values)] for i in rng.permutation(trials)] for name, values in lists.items()}
    return [{"seed": 1000 * seed + k} | {name: order[name][k] for name in order} for k in range(trials)]
