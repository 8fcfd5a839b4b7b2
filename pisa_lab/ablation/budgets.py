"""How many rounds of a method a budget buys."""

from typing import Any

import numpy as np

from pisa_lab.loop import run
from pisa_lab.method import Method


def rounds_for(method: Method, problem: Any, *, batch: int | None, unit: str, amount: int) -> int:
    """Return the rounds that ``amount`` of ``unit`` buys, by the ledger of a few rounds with one replicate.

    ``unit`` is "rounds", "bytes" (both ways, over all clients) or "gradients" (of every client). What a start costs, a
    warm one for example, is paid first. Later rounds are taken to cost what the second does; where the first costs
    something else, as with `Secant`, which asks for more now and then, every round is counted, up to that in which
    ``method`` breaks down.

    Raises:
        ValueError: not even one.
    """
    if unit == "rounds":
        return amount
    whole = amount if unit == "bytes" else amount * int(problem.weights.shape[0])
    spent = _spent(method, problem, batch, unit, 2)
    start, first, each = spent[0], spent[1] - spent[0], spent[-1] - spent[-2]
    rounds = (whole - start) // each
    if first != each:
        most = max(1, (whole - start) // min(first, each))
        rounds = int(np.count_nonzero(_spent(method, problem, batch, unit, most)[1:] <= whole))
    if rounds < 1:
        raise ValueError(f"budget: {amount} {unit} do not buy one round")
    return int(rounds)


def _spent(method: Method, problem: Any, batch: int | None, unit: str, rounds: int) -> np.ndarray[Any, Any]:
    """Return what had been spent of ``unit`` after 0, 1, …, ``rounds`` rounds."""
    ledger = run(method, problem, steps=rounds, seeds=1, batches=batch, measures={}, every=1).ledger
    names = ("bytes_up", "bytes_down") if unit == "bytes" else ("gradients",)
    return np.asarray(np.sum([np.asarray(ledger[name])[:, 0] for name in names], axis=0))
