"""The preconditioner during a run: bounds of its eigenvalues, their growth, and NSISA's entrywise sandwich."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pisa_lab._array import Array, column, like, namespace, to_numpy
from pisa_lab._checks import Scalars
from pisa_lab.monitor.host import HostArray
from pisa_lab.preconditioners import Blockwise, Diagonal
from pisa_lab.state import State

GROWTH = 1.2
"""Growth of the largest eigenvalue whenever the rounds double that counts as unbounded; √ℓ grows by 1.41."""
DOUBLINGS = 4


def eigenvalue_bounds(form: Any, replicates: int) -> tuple[HostArray, HostArray]:
    """Return the least and the largest eigenvalue of Q over all clients, (replicates,), whatever the form."""
    if isinstance(form, Blockwise):
        pairs = [eigenvalue_bounds(part, replicates) for part in form.parts]
        return np.min([least for least, _ in pairs], axis=0), np.max([largest for _, largest in pairs], axis=0)
    values = to_numpy(form.eigenvalues())
    values = (
        values.reshape(replicates, -1) if values.size % replicates == 0 and values.size > 1 else values.reshape(1, -1)
    )
    shape = (replicates,)
    return np.broadcast_to(values.min(axis=-1), shape), np.broadcast_to(values.max(axis=-1), shape)


def least_ratio(before: State, after: State, replicates: int) -> HostArray | None:
    """Return the least entry of D_after/D_before for the server's diagonal metric, (replicates,); None without one."""
    if not isinstance(getattr(after.metric, "form", None), Diagonal) or before.iteration == 0:
        return None
    ones = namespace(after.consensus).ones_like(after.shared)
    ratio = to_numpy(after.metric.scale(ones) / before.metric.scale(ones))
    return np.asarray(ratio.reshape(replicates, -1).min(axis=-1))


def relative_bound(method: Any, state: State, figures: Mapping[str, HostArray]) -> HostArray | None:
    r"""Return β with $\rho_iQ_i \preceq \beta\sigma_iI$ in this round, (replicates,); None where Q is not known."""
    if "metric_largest" not in figures or not hasattr(method, "rho"):
        return None
    share = np.max(to_numpy(_per_client(method.rho, state.penalty) / state.penalty), axis=-1)
    bound: HostArray = np.maximum(np.atleast_1d(share) * figures["metric_largest"], 0.0)
    return bound


def keeps_growing(iterations: Sequence[int], largest: Sequence[float]) -> bool:
    """Return whether ``largest`` grew by `GROWTH` over each of the last `DOUBLINGS` doublings of the rounds."""
    known = np.asarray(iterations)
    values = []
    for power in range(DOUBLINGS + 1):
        place = int(np.searchsorted(known, known[-1] / 2**power, side="right")) - 1
        if place < 0 or known[place] < 4:
            return False
        values.append(largest[place])
    return all(late > GROWTH * early > 0 for late, early in itertools.pairwise(values))


def sandwich(method: Any, before: State, after: State, gradient: Array) -> tuple[HostArray, HostArray] | None:
    r"""Return the shares of entries with the same sign, and inside the sandwich, (replicates,).

    $\sigma/(\sigma+\rho q) \le (\pi+g)/(\pi+o) \le (\sigma+\rho\eta)/(\sigma+\rho q)$ entrywise, without the upper
    bound where nothing bounds Q; $\pi + o$ is read off the step, $-(\sigma+\rho q)(w_i - w)$. None where Q is not
    diagonal.
    Source: MATHEMATICS.md#preconditioners.
    """
    form = getattr(after.preconditioner, "form", None)
    if not isinstance(form, Diagonal):
        return None
    penalty = after.penalty if method.penalty_update == "before_solve" else before.penalty
    rho = column(_per_client(method.rho, penalty), after.deviation)
    sigma = column(penalty, after.deviation)
    scale = sigma + rho * form.entries
    deviation = after.deviation
    if method.first == "client":
        # The server's step came after the clients' and moved w away from under them.
        deviation = deviation + namespace(deviation).expand_dims(after.increment, axis=after.client_axis)
    true, used = to_numpy(before.multiplier + gradient), to_numpy(-scale * deviation)
    bound = method.preconditioner.guarantee.bound
    top = np.inf if bound is None else to_numpy((sigma + rho * bound) / scale)
    share = true / np.where(used == 0, 1.0, used)
    # Rounding on the way through w_i − w may move a ratio that sits on its bound.
    inside = (share >= to_numpy(sigma / scale) * (1 - 1e-6)) & (share <= top * (1 + 1e-6))
    still = (used == 0) & (true == 0)
    replicates = after.penalty.shape[0] if after.penalty.ndim == 2 else 1
    agreed = (np.sign(true) == np.sign(used)).reshape(replicates, -1)
    return agreed.mean(axis=-1), (np.where(used == 0, still, inside)).reshape(replicates, -1).mean(axis=-1)


def applied(method: Any, state: State) -> Array | float:
    """Return ρ_iQ_i(w_i − w), 0.0 where the preconditioner cannot apply Q."""
    apply = getattr(getattr(method, "preconditioner", None), "apply", None)
    if apply is None:
        return 0.0
    rho = _per_client(method.rho, state.penalty)
    return column(rho, state.deviation) * apply(state.preconditioner, state.deviation)


def _per_client(rho: Scalars, penalty: Array) -> Array:
    return like(rho, penalty) + 0 * penalty
