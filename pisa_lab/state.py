"""What a method knows between two half-steps; on disk it is an .npz with a JSON header, never a pickle."""

import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pisa_lab._array import Array, client_sum, column, like, namespace, to_numpy
from pisa_lab.files import write_whole


class State(NamedTuple):
    r"""The iterate $(w^\ell, W^\ell, \Pi^\ell)$ with its penalties; the client axis is ``penalty.ndim - 1``.

    Shapes: ``consensus``, ``increment`` (…, \*shape); ``deviation``, ``multiplier`` (…, clients, \*shape);
    ``penalty`` (…, clients); ``weights`` (clients,). "…" is nothing or one replicate axis.
    """

    iteration: int
    consensus: Array
    """w"""
    deviation: Array
    """w_i − w, exact between the half-steps too; under a metric D(w_i − w)"""
    multiplier: Array
    """π_i"""
    penalty: Array
    """σ_i (Boyd's ρ)"""
    preconditioner: Any
    increment: Array
    """w^{ℓ+1} − w^ℓ of the last server step"""
    weights: Array
    """α_i"""
    ridge: float
    """λ"""
    metric: Any = None
    """what the server's metric D is made of (`metrics.MetricState`), None for D = I"""
    search: Any = None
    """what a penalty that is searched for remembers (`backtracking.Search`), None for any other"""

    @property
    def client_axis(self) -> int:
        """The axis of the clients: 0 without replicates, 1 with them."""
        return int(self.penalty.ndim) - 1

    @property
    def local(self) -> Array:
        """w_i = w + displacement, shape (…, clients, *shape)."""
        return self.shared + self.displacement

    @property
    def displacement(self) -> Array:
        """w_i − w, shape (…, clients, *shape): ``deviation`` itself without a metric, D⁻¹ of it with one."""
        return self.deviation if self.metric is None else self.metric.unscale(self.deviation)

    @property
    def local_mean(self) -> Array:
        r"""$\sum_i\alpha_iw_i$, shape (…, \*shape): w without the last optimistic correction.

        Where gradients are noisy it is the better point to read. Source: MATHEMATICS.md#local-mean.
        """
        return client_sum(self.weights, self.local, self.client_axis)

    @property
    def shared(self) -> Array:
        """The consensus w with a client axis of length one, ready to be given to a problem."""
        return namespace(self.consensus).expand_dims(self.consensus, axis=self.client_axis)


class Observation(NamedTuple):
    """What a preconditioner may look at in one client step; `PISA.client_update` fills in what the caller left out."""

    gradient: Array
    """g_i, the mini-batch gradient at the shared w, (…, clients, *shape)"""
    batch: Any = None
    """indices of the mini-batch, (…, clients, b), or None for full gradients"""
    problem: Any = None
    """the oracle of curvature (hvp, sample_grad, blocks), or None"""
    multiplier: Array = None
    consensus: Array = None
    """w with a client axis of length one"""
    iteration: int = 0
    batch_axes: int = 1
    """number of axes before those of one parameter: 1, or 2 with replicates"""
    penalty: Array = None
    """σ of this client step, (…, clients)"""
    rho: Any = 0.0
    """ρ, a float or (…, clients)"""
    spread: Array = None
    """Σα_i(g_i + π_i)² entry by entry, told to a metric only"""
    active: Array | None = None
    """who is there in this round, (…, clients) of booleans, or None: everybody"""


Oracle = Callable[[Array], Observation]
"""w (…, 1 or clients, *shape) → what the clients see there: gradient, indices of the batch, curvature oracle."""


def select(keep: Array, new: Any, old: Any, replicates: int) -> Any:
    """Return the tree that takes replicate r from ``new`` where ``keep[r]`` and from ``old`` elsewhere."""
    if isinstance(new, tuple):
        parts = [select(keep, a, b, replicates) for a, b in zip(new, old, strict=True)]
        return type(new)(*parts) if hasattr(new, "_fields") else tuple(parts)
    if not hasattr(new, "ndim") or new.ndim == 0 or new.shape[0] != replicates:
        return new
    return namespace(new).where(column(keep, new), new, old)


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (path, leaf) over nested (named) tuples; a path reads like ``preconditioner/moment``."""
    if isinstance(tree, tuple):
        names = getattr(tree, "_fields", range(len(tree)))
        for name, child in zip(names, tree, strict=True):
            yield from leaves(child, f"{path}/{name}" if path else str(name))
    else:
        yield path, tree


def save_state(path: str | Path, state: Any, header: dict[str, Any] | None = None) -> None:
    """Write ``state`` to ``path``: arrays as they are, numbers and ``header`` as JSON.

    The file is there whole or not at all (`files.write_whole`).
    """
    arrays, scalars = {}, {}
    for name, leaf in leaves(state):
        if hasattr(leaf, "ndim"):
            arrays[name] = to_numpy(leaf)
        else:
            scalars[name] = leaf
    text = json.dumps({"format": 1, "scalars": scalars, "header": header or {}}, sort_keys=True)
    arrays["__json__"] = np.frombuffer(text.encode(), dtype=np.uint8)

    def write(partial: Path) -> None:
        with partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    write_whole(path, write)


def load_state(path: str | Path, template: Any) -> tuple[Any, dict[str, Any]]:
    """Return (state, header) read from ``path`` into the structure and array library of ``template``.

    Raises:
        ValueError: the file is missing, damaged, or was written for another structure (the leaf is named).
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            stored = {name: archive[name] for name in archive.files}
        document = json.loads(stored.pop("__json__").tobytes().decode())
        scalars, header = dict(document["scalars"]), dict(document["header"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, TypeError, RecursionError) as error:
        raise ValueError(f"path: {str(path)!r} is not a saved state ({error})") from error
    return _fill(template, {**stored, **scalars}, ""), header


def _fill(tree: Any, stored: dict[str, Any], path: str) -> Any:
    if isinstance(tree, tuple):
        names = getattr(tree, "_fields", range(len(tree)))
        parts = [
            _fill(child, stored, f"{path}/{name}" if path else str(name))
            for name, child in zip(names, tree, strict=True)
        ]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    if path not in stored:
        raise ValueError(f"path: the saved state has no {path!r}; it belongs to another method or problem")
    value = stored[path]
    if not hasattr(tree, "ndim"):
        if (
            np.ndim(value) == 0 and value == tree
        ):  # What the method begins with: no moment without memory, no cap without a clip.
            return tree
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**53:
            raise ValueError(f"path: {path!r} is {value!r}, which no run leaves")
        return value
    if np.asarray(value).dtype.kind != to_numpy(tree).dtype.kind:
        raise ValueError(f"path: {path!r} holds {np.asarray(value).dtype}, this run needs {to_numpy(tree).dtype}")
    if np.shape(value) != tuple(tree.shape):
        raise ValueError(f"path: {path!r} has shape {np.shape(value)}, this run needs {tuple(tree.shape)}")
    return like(value, tree)
