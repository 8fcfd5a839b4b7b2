"""How far a run can still go: Σ1/σ of the rounds made, and of those to come by the schedule."""

import math
from typing import Any

import numpy as np

from pisa_lab._array import to_numpy
from pisa_lab.monitor.host import HostArray
from pisa_lab.schedules import Constant, Geometric, InverseCosine, Polynomial
from pisa_lab.state import State


def step(state: State) -> HostArray:
    r"""Return $1/\sum_i\alpha_i\sigma_i$ of one round, (replicates,)."""
    return np.atleast_1d(1 / np.sum(to_numpy(state.weights) * to_numpy(state.penalty), axis=-1))


def steps_to_come(method: Any, state: State) -> HostArray:
    r"""Return $\sum_{k>\ell}1/\sum_i\alpha_i\sigma_i^k$ by the method's schedule, (replicates,).

    NaN where it is not known. Exact for one ratio γ, an upper bound for several and for the polynomial with an exponent
    above 1; ∞ for constant penalties, for σ ~ ℓ^a with a ≤ 1 and for the cosine, whose penalty comes to rest.
    """
    replicates = state.penalty.shape[0] if state.penalty.ndim == 2 else 1
    schedule = getattr(method, "schedule", None)
    if schedule is None:
        ratio = getattr(method, "penalty_ratio", None)
        schedule = None if ratio is None else Geometric(ratio)
    if isinstance(schedule, Geometric):
        return _geometric(schedule, state)
    if isinstance(schedule, Polynomial) and schedule.exponent > 1:
        # The integral from ℓ on bounds the sum of (1 + k)^-a after it.
        excess = schedule.exponent - 1
        return step(state) * float(1 + state.iteration) / excess
    unbounded = isinstance(schedule, Constant | Polynomial | InverseCosine)
    return np.full(replicates, math.inf if unbounded else math.nan)


def _geometric(schedule: Geometric, state: State) -> HostArray:
    ratio = np.broadcast_to(np.asarray(schedule.ratio, dtype=float), tuple(state.penalty.shape))
    ratio = ratio.reshape(-1, ratio.shape[-1])
    alone = np.where(ratio < 1, ratio / np.where(ratio < 1, 1 - ratio, 1.0), math.inf)
    parts = (to_numpy(state.weights) * to_numpy(state.penalty)).reshape(ratio.shape)
    same = np.all(ratio == ratio[:, :1], axis=-1)
    return np.where(same, step(state) * alone[:, 0], np.min(alone / parts, axis=-1))
