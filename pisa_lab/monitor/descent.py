"""How far the augmented Lagrangian fell in one round, as a multiple of how far the iterates moved."""

from typing import Any

import numpy as np

from pisa_lab._array import client_sum, squared_norm, to_numpy
from pisa_lab.lagrangian import augmented_lagrangian, lyapunov
from pisa_lab.monitor.host import HostArray
from pisa_lab.monitor.metric import applied
from pisa_lab.state import State


def values(problem: Any, method: Any, state: State) -> tuple[HostArray, HostArray]:
    """Return the augmented Lagrangian and its Lyapunov version, (replicates,)."""
    quantity = lyapunov(problem, state, applied(method, state))
    return np.atleast_1d(to_numpy(augmented_lagrangian(problem, state))), np.atleast_1d(to_numpy(quantity))


def fall(problem: Any, method: Any, before: State, after: State) -> tuple[HostArray, HostArray]:
    r"""Return (fall, constant): what the Lyapunov quantity lost in one round, and that over the moves below.

    $$\sum_i\alpha_i\left[(\sigma_i+2\lambda)\|\Delta w\|^2 + \sigma_i\|\Delta w_i\|^2\right].$$

    The reconstructed lemma promises ¼ (MATHEMATICS.md#claims (a)). The constant is NaN where nothing moved.
    """
    axis = after.client_axis
    increment = after.consensus - before.consensus
    moved = (after.shared - before.shared) + (after.displacement - before.displacement)
    local = client_sum(after.weights, after.penalty * squared_norm(moved, axis + 1), axis)
    total = client_sum(after.weights, after.penalty + 2 * after.ridge, axis)
    travel = np.atleast_1d(to_numpy(local + total * squared_norm(increment, axis)))
    lost = values(problem, method, before)[1] - values(problem, method, after)[1]
    return lost, np.where(travel > 0, lost / np.where(travel > 0, travel, 1.0), np.nan)
