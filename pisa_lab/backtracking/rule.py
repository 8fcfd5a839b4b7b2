"""The constants of the search for a penalty, and what it remembers from round to round."""

import dataclasses
from typing import NamedTuple

from pisa_lab._array import Array
from pisa_lab._checks import real, whole

SEARCHING, ROUNDING, TRIALS = 0.0, 1.0, 2.0
"""How a replicate's search stands: it goes on; no step can be told from rounding; a round used up its trials."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Backtracking:
    r"""The constants of the search; ``PISA(penalty="auto")`` takes the defaults.

    Args:
        initial: $\sigma_0 > 0$; too small costs a few trials in the first round, too large some rounds.
        factor: t > 1, by which σ grows.
        relaxation: ε ≥ 0; σ falls by 1+ε a round and so follows the local curvature down.
        decrease: c in (0, 1), the share of $\|G\|^2/s$ that each round must gain.
        weight: a > 0, of the clients' errors in the merit function.
        contraction: δ in [0, 1); above 0 the KKT residuals tend to 0 too.
        least: $\sigma_{\min} \ge 0$, below which σ does not fall.
        trials: the most evaluations in one round.

    Raises:
        ValueError: a number outside its domain, or ``least`` above ``initial``.
    """

    initial: float = 1e-3
    factor: float = 4.0
    relaxation: float = 0.05
    decrease: float = 0.05
    weight: float = 0.5
    contraction: float = 0.01
    least: float = 0.0
    trials: int = 100

    def __post_init__(self) -> None:
        domains: dict[str, dict[str, float]] = {
            "initial": {"above": 0.0},
            "factor": {"above": 1.0},
            "relaxation": {"at_least": 0.0},
            "decrease": {"above": 0.0, "below": 1.0},
            "weight": {"above": 0.0},
            "contraction": {"at_least": 0.0, "below": 1.0},
            "least": {"at_least": 0.0},
        }
        for name, domain in domains.items():
            object.__setattr__(self, name, real(name, getattr(self, name), **domain))
        object.__setattr__(self, "trials", whole("trials", self.trials, at_least=1))
        if self.least > self.initial:
            raise ValueError(f"least: {self.least!r} must be at most initial = {self.initial!r}")


class Search(NamedTuple):
    """What the search remembers from round to round, one number per replicate, (…)."""

    gradient: Array
    """∇F_i(w), (…, clients, *shape)"""
    value: Array
    """F_λ(w)"""
    noise: Array
    """differences of F_λ up to this are not told from rounding"""
    status: Array
    """`SEARCHING`, `ROUNDING` or `TRIALS`"""
    trials: Array
    """evaluations of F and ∇F of all clients so far, the first included"""
    rejections: Array
    """how often σ grew"""
    restarts: Array
    """how often the multipliers restarted"""
