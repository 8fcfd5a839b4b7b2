"""Arithmetic that floats, fractions and SymPy expressions share: domains, choices of a branch, roots, logarithms."""

import math
from fractions import Fraction
from typing import Any

from pisa_lab.thresholds import square_root as square_root

Number = Any
"""int, float, Fraction, a SymPy expression, or a NumPy array of one of these."""


def decide(name: str, condition: Any) -> bool:
    """Return whether ``condition``, a comparison of ``name``, holds.

    Raises:
        ValueError: a symbol leaves it open; write the symbol as 2 + t with t positive, say, to choose a side.
    """
    try:
        return bool(condition)
    except TypeError as error:
        raise ValueError(f"{name}: {condition} is open; write the symbol so that it is decided") from error


def check(name: str, value: Number, condition: Any, domain: str) -> Number:
    """Return ``value`` after the check of its domain; what a symbol leaves open is the caller's hypothesis.

    Raises:
        ValueError: the condition fails (NaN fails every one), or ``value`` is not a number.
    """
    if isinstance(value, str | bool) or value is None:
        raise ValueError(f"{name}: {value!r} is not a number")
    try:
        holds = bool(condition)
    except TypeError:
        return value
    if not holds or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError(f"{name}: {value} must be {domain}")
    return value


def positive(name: str, value: Number) -> Number:
    """Return ``value`` > 0."""
    return check(name, value, value > 0, "> 0")


def nonnegative(name: str, value: Number) -> Number:
    """Return ``value`` ≥ 0."""
    return check(name, value, value >= 0, ">= 0")


def moves(value: Number) -> Number:
    """Return the number N of moves, whole and ≥ 1: one number, an array of them, or a symbol."""
    entries = list(value) if hasattr(value, "__len__") else [value]
    for entry in entries:
        check("rounds", entry, entry >= 1, "whole numbers >= 1")
        if isinstance(entry, int | float | Fraction) and entry != int(entry):
            raise ValueError(f"rounds: {entry} must be whole numbers >= 1")
    return value


def larger(name: str, first: Number, second: Number) -> Number:
    """Return the larger of two numbers that can be compared."""
    return first if decide(name, first >= second) else second


def logarithm(value: Number) -> Number:
    """Return the natural logarithm: SymPy's for its expressions, else a float."""
    if isinstance(value, int | float | Fraction):
        return math.log(value)
    import sympy

    return sympy.log(value)
