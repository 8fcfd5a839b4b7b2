"""How many rounds of a method a budget buys."""

from typing import Any

from pisa_lab.ledger import COSTS
from pisa_lab.loop import run
from pisa_lab.method import Method


def rounds_for(method: Method, problem: Any, *, batch: int | None, unit: str, amount: int) -> int:
    """Return the rounds that ``amount`` of ``unit`` buys, by the ledger of one round with one replicate.

    ``unit`` is "rounds", "bytes" (both ways, over all clients) or "gradients" (of every client). What a start costs, a
    warm one for example, is paid first; later rounds are taken to cost what the first does.

    Raises:
        ValueError: not even one.
    """
    if unit == "rounds":
        return amount
    ledger = run(method, problem, steps=1, seeds=1, batches=batch, measures={}).ledger
    first, second = ({name: int(ledger[name][place, 0]) for name in COSTS} for place in (0, 1))
    names = ("bytes_up", "bytes_down") if unit == "bytes" else ("gradients",)
    start = sum(first[name] for name in names)
    each = sum(second[name] for name in names) - start
    whole = amount if unit == "bytes" else amount * int(problem.weights.shape[0])
    rounds = (whole - start) // each
    if rounds < 1:
        raise ValueError(f"budget: {amount} {unit} do not buy one round")
    return rounds
