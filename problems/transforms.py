"""A problem in, a problem out: another backend, noise, other clients, another scale, centre, ridge or weights."""

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from pisa_lab._array import Array, backend, like, namespace, to_numpy
from pisa_lab._checks import choice, finite, real, reals, simplex, whole
from pisa_lab.problem import clients as client_count
from problems.base import client_weights
from problems.noise import Noisy, Zero
from problems.views import Merged, View, client_ids

__all__ = [
    "client_ids",
    "merge_clients",
    "on_backend",
    "permute_clients",
    "scale",
    "shift",
    "split_client",
    "with_noise",
    "with_ridge",
    "with_weights",
    "zero",
]
_ON_THE_HOST = ("lipschitz", "sizes", "client_ids")


def on_backend(problem: Any, name: str, *, dtype: str = "float64", device: Any = None) -> Any:
    """Return ``problem`` with its arrays in the library ``name``; constants that only checks read stay NumPy's.

    Floating arrays get ``dtype``, integers int64; tuples and wrapped problems are converted inside.

    Raises:
        ValueError: an unknown backend or dtype, or one that is not installed.
    """
    xp = backend(name)
    floating = getattr(xp, choice("dtype", dtype, ("float32", "float64")))

    def moved(value: Any) -> Any:
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return tuple(moved(entry) for entry in value)
        if dataclasses.is_dataclass(value) and hasattr(value, "client_grad"):
            return on_backend(value, name, dtype=dtype, device=device)
        if not hasattr(value, "shape") or isinstance(value, np.generic):
            return value
        host = to_numpy(value)
        kinds = {"f": floating, "i": xp.int64, "u": xp.int64, "b": xp.bool}
        return xp.asarray(host, dtype=kinds[host.dtype.kind], device=device)

    # Not dataclasses.replace: __post_init__ may check, or cost, what this one has behind it.
    twin = copy.copy(problem)
    for field, value in vars(problem).items():
        if field not in _ON_THE_HOST:
            object.__setattr__(twin, field, moved(value))
    return twin


def with_noise(problem: Any, deviation: float | Sequence[float], *, samples: int = 4096, seed: int = 0) -> Noisy:
    r"""Return the finite sum $F_i(w; s) = F_i(w) + \langle z_{is}, w\rangle$, s = 1 … N: gradient noise as samples.

    The table z is fixed by ``seed`` and the client's id, Gaussian before it is centred and scaled: $\sum_s z_{is} = 0$
    and $\frac1N\sum_s\|z_{is}\|^2 = v_i = \text{deviation}_i^2$ (to rounding), so that the mean over b indices drawn
    with replacement has the variance $v_i/b$.

    Args:
        problem: any; its own samples, if it has any, are no longer drawn from.
        deviation: $\sqrt{v_i}$, one number or one per client.
        samples: N.
        seed: of the table.

    Raises:
        ValueError: a negative deviation, not one per client, or fewer than two samples.
    """
    count, shape = client_count(problem), tuple(problem.initial.shape)
    checked = np.asarray(reals("deviation", deviation, at_least=0.0))
    if checked.shape not in ((), (count,)):
        raise ValueError(f"deviation: shape {checked.shape} must be one number or ({count},)")
    deviations, rows = np.broadcast_to(checked, (count,)), whole("samples", samples, at_least=2)
    tables = []
    for client, size in zip(client_ids(problem), deviations, strict=True):
        draws = np.random.default_rng((whole("seed", seed), int(client))).standard_normal((rows, *shape))
        draws = draws - draws.mean(axis=0)
        tables.append(draws * (size * np.sqrt(rows) / np.linalg.norm(draws)))
    return Noisy(problem=problem, table=like(np.stack(tables), problem.initial), deviation=tuple(deviations.tolist()))


def permute_clients(problem: Any, order: Sequence[int]) -> View:
    """Return the problem whose client a is client ``order[a]`` of ``problem``, weight, samples and id with it."""
    count = client_count(problem)
    if sorted(order) != list(range(count)):
        raise ValueError(f"order: {list(order)} must hold each of 0 … {count - 1} once")
    members = tuple(whole("order", client) for client in order)
    return _view(problem, members=members, weights=_taken(problem.weights, members))


def split_client(problem: Any, index: int) -> View:
    """Return the problem in which client ``index`` stands twice in a row, with half its weight and the same id each."""
    count = client_count(problem)
    if whole("index", index) >= count:
        raise ValueError(f"index: {index} must be below the number of clients, {count}")
    members = tuple(sorted([*range(count), index]))
    share = like([1 / members.count(client) for client in members], problem.weights)
    return _view(problem, members=members, weights=share * _taken(problem.weights, members))


def merge_clients(problem: Any, groups: Sequence[Sequence[int]] | None = None) -> Merged:
    r"""Return the problem with one client per group, the same F_λ and full gradients only.

    $$F'_g = \sum_{i\in g}\frac{\alpha_i}{\alpha_g}F_i, \qquad \alpha_g = \sum_{i\in g}\alpha_i$$

    ``groups`` holds every client once; by default all are in one group, and m = 1. Source: MATHEMATICS.md#I5.
    """
    count = client_count(problem)
    members = (tuple(range(count)),) if groups is None else tuple(tuple(group) for group in groups)
    if sorted(sum(members, ())) != list(range(count)) or not all(members):
        raise ValueError(f"groups: {members} must hold each of 0 … {count - 1} once, and none may be empty")
    xp = namespace(problem.weights)
    weights = xp.stack([xp.sum(_taken(problem.weights, group)) for group in members])
    return Merged(problem=problem, groups=members, weights=weights)


def scale(problem: Any, factor: float) -> View:
    """Return the problem of factor·F_λ (F_i and λ alike), with the same minimisers; ``factor`` > 0."""
    size = real("factor", factor, above=0.0)
    return _view(problem, factor=size, ridge=size * float(problem.ridge))


def shift(problem: Any, centre: Any) -> View:
    r"""Return the problem of $F_i(w - \text{centre})$, started at the shifted start; the ridge stays centred at 0."""
    point = finite("centre", centre)
    if point.shape != tuple(problem.initial.shape):
        raise ValueError(f"centre: shape {point.shape} must be {tuple(problem.initial.shape)}")
    moved = like(point, problem.initial)
    return _view(problem, centre=moved, initial=problem.initial + moved, same=float(problem.ridge) == 0.0)


def with_ridge(problem: Any, ridge: float) -> View:
    """Return the problem with λ = ``ridge``; its minimiser is no longer known."""
    value, old = real("ridge", ridge, at_least=0.0), float(problem.ridge)
    return _view(problem, ridge=value, same=value == old, keeps_convexity=value >= old)


def with_weights(problem: Any, weights: Any) -> View:
    """Return the problem with α = ``weights``; its minimiser is no longer known.

    Raises:
        ValueError: weights that are not positive, do not sum to one or are not one per client.
    """
    alpha = client_weights(simplex("weights", weights), client_count(problem))
    same = bool(np.all(alpha == to_numpy(problem.weights)))
    return _view(problem, weights=like(alpha, problem.weights), same=same, keeps_convexity=same)


def zero(shape: Sequence[int], clients: int, *, weights: Any = None) -> Zero:
    """Return the problem with F_i = 0 for ``clients`` clients and w of ``shape``; `with_noise` of it is pure noise."""
    count = whole("clients", clients, at_least=1)
    start = np.zeros(tuple(whole("shape", length, at_least=1) for length in shape))
    alpha = client_weights(weights, count)
    return Zero(weights=alpha, initial=start, smoothness=(0.0,) * count, minimiser=start.copy(), optimum=0.0)


def _taken(weights: Array, members: tuple[int, ...]) -> Array:
    xp = namespace(weights)
    return xp.stack([weights[client] for client in members])


def _view(problem: Any, *, keeps_convexity: bool = True, **changes: Any) -> View:
    convex = keeps_convexity and bool(getattr(problem, "convex", False))
    fields = {"weights": problem.weights, "ridge": float(problem.ridge), "initial": problem.initial, "convex": convex}
    return View(problem=problem, **{**fields, **changes})
