"""Which keys a parameter group holds beside those that all do: what its preconditioner and its metric know."""

from collections.abc import Mapping
from typing import Any

from pisa_lab.torch import _metric, _preconditioners

SETTINGS = frozenset(name for row in (*_preconditioners.ROWS, *_metric.ROWS) for name in row.settings)
"""The keys of a group that some preconditioner or metric knows."""


def known_settings(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys that the preconditioner and the metric of ``group`` know, with their defaults.

    Raises:
        ValueError: there is no such preconditioner or metric.
    """
    rows = _preconditioners.by_name(group["preconditioner"]), _metric.by_name(group["metric"])
    return {**rows[0].settings, **rows[1].settings}


def prune(group: dict[str, Any]) -> dict[str, Any]:
    """Return ``group`` without the settings that nothing reads, which a scheduler would cycle in vain."""
    known = known_settings(group)
    for name in [name for name in group if name in SETTINGS and name not in known]:
        del group[name]
    return group


def check_known(given: Mapping[str, Any], group: Mapping[str, Any], who: object) -> None:
    """Check that what is ``given`` for ``group`` of the optimiser ``who`` is read by something.

    Raises:
        TypeError: one of the settings is another preconditioner's or metric's, or nobody's.
    """
    if unknown := set(given) - set(known_settings(group)):
        name = "metric" if group["metric"] else "preconditioner"
        raise TypeError(f"{type(who).__name__} with {name}={group[name]!r} has no argument {sorted(unknown)[0]!r}")
