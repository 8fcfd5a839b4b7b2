"""One worst case as a row, and its certificate: what ``pisa-lab worst-case`` prints and writes."""

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

from pisa_lab._checks import choice, whole
from proofs_check.certified.certificate import certify, save
from proofs_check.certified.engine import worst_case_value
from proofs_check.certified.lemma import merge_clients
from proofs_check.certified.setting import CLASSES, Setting, exact, pisa_setting

LARGEST_LIFT = 40
"""Gradients (clients times iterates) up to which a certificate speaks of all clients; above, of the merged one."""


@dataclasses.dataclass(frozen=True)
class Found:
    """A row (class, clients, rounds, sigma, rho, gamma, ridge, value, status, seconds), setting, certificate."""

    row: dict[str, Any]
    setting: Setting
    certificate: str | None


def worst_case(
    function_class: str = "nonconvex",
    *,
    sigma: Any = 2,
    gamma: Any = 1,
    rounds: int = 10,
    clients: int = 1,
    rho: Any = 0,
    ridge: Any = 0,
    warm: bool = False,
    order: str = "before_solve",
    metric: str = "min_gradient",
    initial: str = "value",
    modulus: Any = 0,
    heterogeneity: Any = None,
    certificate: Path | None = None,
) -> Found:
    r"""Return the exact worst case of PISA with $Q_i = I$, L = 1, by default of $\min_k\|\nabla F_\lambda(w^k)\|^2$.

    $w^0$ is the point of the first gradient, N = ``rounds`` counts moves from it, and $F_\lambda(w^0) - \inf
    F_\lambda \le 1$. The
    first gradient is used with $\sigma^1 = \sigma/\gamma$ in the order "before_solve" and with $\sigma^0 = \sigma$
    in "after_solve".
    Numbers are taken by their decimal digits; ``sigma`` and ``rho`` are one number or one per client. With
    ``certificate`` the proof
    is written there; of more than `LARGEST_LIFT` gradients the one-client form that the merging lemma leaves.
    Source: MATHEMATICS.md#worst-cases.

    Raises:
        ValueError: an argument outside its domain, or a certificate asked for that could not be made.
        ModuleNotFoundError: Clarabel or SciPy is not installed.
    """
    choice("function_class", function_class, CLASSES)
    whole("rounds", rounds, at_least=1)
    whole("clients", clients, at_least=1)
    fields: dict[str, Any] = {
        "warm": warm,
        "order": order,
        "metric": metric,
        "initial": initial,
        "heterogeneity": heterogeneity,
    }
    fields |= {"clients": clients, "rho": rho, "ridge": ridge, "modulus": modulus}
    setting = pisa_setting(function_class, rounds, sigma=sigma, gamma=gamma, **fields)
    start = time.perf_counter()
    answer = worst_case_value(setting)
    seconds = time.perf_counter() - start
    text = None if certificate is None else write_certificate(setting, certificate)
    numbers = {"sigma": _number(sigma), "rho": _number(rho), "gamma": _number(gamma), "ridge": _number(ridge)}
    value = answer.value if math.isfinite(answer.value) else None
    row = {"class": function_class, "clients": clients, "rounds": rounds, **numbers}
    return Found({**row, "value": value, "status": answer.status, "seconds": seconds}, setting, text)


def write_certificate(setting: Setting, path: Path) -> str:
    """Return the certificate of ``setting``, written to ``path``.

    Raises:
        ValueError: none could be made.
    """
    small = setting.clients * (setting.rounds + 1) <= LARGEST_LIFT
    text = certify(setting if small else merge_clients(setting))
    save(path, text)
    return text


def _number(value: Any) -> Any:
    """Return ``value`` as a float, or as a list of floats."""
    return [float(exact(entry)) for entry in value] if isinstance(value, list | tuple) else float(exact(value))
