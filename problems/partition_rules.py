"""The rules that deal rows to clients, as one table."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from pisa_lab.specs import Number, word

HostArray = np.ndarray[Any, Any]
Parts = list[HostArray]
_DRAWS = 1000


def label_array(y: Any) -> HostArray:
    """Return labels of whatever origin as one array of numbers or of words.

    Raises:
        ValueError: one is missing, or some are words and some are numbers.
    """
    labels = np.asarray(y.detach().cpu() if hasattr(y, "detach") else y)
    if labels.dtype.kind != "O":
        return labels
    missing = [place for place, label in enumerate(labels.ravel()) if label is None or label != label]
    if missing:
        raise ValueError(f"y: row {missing[0]} has no label ({len(missing)} such rows, counted from 0)")
    kinds = {isinstance(label, str) for label in labels.ravel()}
    if len(kinds) > 1:
        raise ValueError("y: some labels are words and some are numbers")
    try:
        return labels.astype(str if kinds == {True} else float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"y: not an array of numbers or words ({error})") from error


class Request(NamedTuple):
    """What a rule draws from."""

    labels: HostArray
    clients: int
    argument: float
    least: int
    features: HostArray | None
    rng: np.random.Generator


def _even(request: Request) -> Parts:
    return np.array_split(request.rng.permutation(request.labels.size), request.clients)


def _identical(request: Request) -> Parts:
    return [np.arange(request.labels.size) for _ in range(request.clients)]


def _shifted(request: Request) -> Parts:
    if request.features is None:
        raise ValueError("features: 'shifted' sorts the rows by a projection of X, which was not given")
    table = request.features.reshape(request.labels.size, -1)
    height = table @ request.rng.standard_normal(table.shape[1])
    ties = request.rng.permutation(request.labels.size)
    return np.array_split(np.lexsort((ties, height)), request.clients)


def _by_label(request: Request) -> Parts:
    """Give client i the label i mod C, deal what no one holds in turn, fill up at random, split each label evenly."""
    count, per_client, rng = int(request.labels.max()) + 1, int(request.argument), request.rng
    if not math.ceil(count / request.clients) <= per_client <= count:
        raise ValueError(
            f"spec: label:{per_client} with {request.clients} clients; {count} labels, each held by someone, "
            f"take from {math.ceil(count / request.clients)} to {count} per client"
        )
    held = [[i % count] for i in range(request.clients)]
    for turn, label in enumerate(range(request.clients, count)):
        held[turn % request.clients].append(label)
    for own in held:
        free = np.setdiff1d(np.arange(count), own)
        own.extend(rng.permutation(free)[: per_client - len(own)].tolist())
    parts: list[list[HostArray]] = [[] for _ in held]
    for label in range(count):
        holders = [i for i, own in enumerate(held) if label in own]
        rows = rng.permutation(np.flatnonzero(request.labels == label))
        if rows.size < len(holders):
            raise ValueError(f"spec: label {label} has {rows.size} rows for {len(holders)} clients that hold it")
        for holder, shard in zip(holders, np.array_split(rows, len(holders)), strict=True):
            parts[holder].append(shard)
    return [np.concatenate(shards) for shards in parts]


def _dirichlet(request: Request) -> Parts:
    """Split every label by Dirichlet(B) shares among clients below an equal share of rows, as NIID-Bench does."""
    full = request.labels.size / request.clients
    for _ in range(_DRAWS):
        parts: list[list[HostArray]] = [[] for _ in range(request.clients)]
        sizes = np.zeros(request.clients)
        for label in range(int(request.labels.max()) + 1):
            rows = request.rng.permutation(np.flatnonzero(request.labels == label))
            shares = _shares(request) * (sizes < full)
            for own, shard in zip(parts, _cut(rows, shares), strict=True):
                own.append(shard)
            sizes = np.asarray([sum(map(len, own)) for own in parts])
        if sizes.min() >= request.least:
            return [np.concatenate(own) for own in parts]
    raise _too_skewed(request)


def _by_quantity(request: Request) -> Parts:
    rows = request.rng.permutation(request.labels.size)
    for _ in range(_DRAWS):
        parts = _cut(rows, _shares(request))
        if min(map(len, parts)) >= request.least:
            return parts
    raise _too_skewed(request)


def _shares(request: Request) -> HostArray:
    """Return Dirichlet(B) shares, none of them exactly 0 so that what is left of them can be normalised."""
    return request.rng.dirichlet(np.full(request.clients, request.argument)) + 1e-12


def _cut(rows: HostArray, shares: HostArray) -> Parts:
    cuts = np.cumsum(shares / shares.sum())[:-1] * rows.size
    return np.split(rows, cuts.astype(np.int64))


def _too_skewed(request: Request) -> ValueError:
    return ValueError(
        f"spec: {_DRAWS} draws with B = {request.argument:g} all left one of {request.clients} clients fewer than "
        f"{request.least} rows; a larger B, fewer clients or a smaller minimum_rows would do"
    )


class Rule(NamedTuple):
    """One row of the table of partitions; ``argument`` is "", "whole", "positive" or "at least 0"."""

    kind: str
    argument: str
    meaning: str
    draw: Callable[[Request], Parts]


PARTITIONS = (
    Rule("iid", "", "rows at random, equal shares", _even),
    Rule("identical", "", "every client holds all rows (parts overlap)", _identical),
    Rule("shifted", "", "equal blocks of the rows sorted along a random direction of the features", _shifted),
    Rule("label", "whole", "K labels per client, every label held by someone, its rows split evenly", _by_label),
    Rule("dirichlet", "positive", "shares of every label from Dirichlet(B), small B is more skewed", _dirichlet),
    Rule("quantity", "positive", "client sizes from Dirichlet(B)", _by_quantity),
    Rule("noise", "at least 0", "iid, and N(0, S(i+1)/m) added to the features of client i = 0 to m−1", _even),
)
KINDS = tuple(rule.kind for rule in PARTITIONS)


_NUMBERS = {
    "whole": Number({"at_least": 1.0}, is_whole=True, form="<whole>"),
    "positive": Number({"above": 0.0}, form="<positive>"),
    "at least 0": Number({"at_least": 0.0}, form="<at least 0>"),
}


def parsed(spec: Any) -> tuple[Rule, float]:
    """Return the rule that ``spec`` names and its argument, 0 where it takes none."""
    kind, number = word("spec", spec, {rule.kind: _NUMBERS.get(rule.argument) for rule in PARTITIONS})
    return next(rule for rule in PARTITIONS if rule.kind == kind), 0.0 if number is None else float(number)
