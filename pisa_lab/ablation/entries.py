"""Entries of a document, each checked by a message that names it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pisa_lab._checks import real, whole

MOST_NUMBERS = 10_000
"""Of one axis of a grid."""


def check_values(value: Any, name: str) -> None:
    """Refuse what no setting can be: dates, times, NaN and infinities."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            check_values(entry, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for entry in value:
            check_values(entry, name)
    elif not isinstance(value, str | int | float):
        raise ValueError(f"{name}: {str(value)!r} must be a number, a word, a list or a table")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name}: {value!r} is not a finite number")


def read_numbers(name: str, value: Any, **interval: float) -> tuple[float, ...]:
    """Return a list of numbers, or the geometric sequence that {from, to, count} means, rounded to 4 digits."""
    if isinstance(value, Mapping):
        check_known(value, ("from", "to", "count"), f"[grids] {name}")
        low, high = (real(f"{name}.{end}", value.get(end), above=0.0) for end in ("from", "to"))
        count = read_whole(f"{name}.count", value.get("count"), 2, MOST_NUMBERS)
        value = [float(f"{low * (high / low) ** (place / (count - 1)):.4g}") for place in range(count)]
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ValueError(f"{name}: {value!r} must be a list of numbers or {{from, to, count}}")
    numbers = tuple(real(name, number, **interval) for number in value)
    if sorted(set(numbers)) != list(numbers):
        raise ValueError(f"{name}: {list(numbers)} must rise")
    return numbers


def read_whole(name: str, value: Any, least: int, most: int) -> int:
    """Return ``value``, a whole number from ``least`` to ``most``."""
    if whole(name, value, at_least=least) > most:
        raise ValueError(f"{name}: {value!r} must be at most {most}")
    return int(value)


def read_table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the table called ``name``, an empty one where there is none."""
    value = document.get(name, {})
    if not isinstance(value, Mapping):
        raise ValueError(f"{name}: {value!r} must be a table")
    return value


def read_tables(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the rows of the array of tables called ``name``."""
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise ValueError(f"{name}: must be tables, each under [[{name}]] in double brackets")
    return value


def read_word(document: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Return the word called ``name``, which is not empty."""
    value = document.get(name, default)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: {value!r} must be a word")
    return value


def check_known(table: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
    """Refuse an entry that is none of ``allowed``."""
    unknown = [name for name in table if name not in allowed]
    if unknown:
        raise ValueError(f"{unknown[0]}: not an entry of {where}, which has {', '.join(allowed)}")


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes``: tables are merged, everything else is replaced."""
    result = dict(base)
    for name, value in changes.items():
        old = result.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping) and not {"from", "to"} & set(value)
        result[name] = merge(old, value) if both else value  # type: ignore[arg-type]
    return result
