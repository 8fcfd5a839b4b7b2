"""What `step` is given: one closure for each client of this process."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch.optim import Optimizer


def closures_of(optimizer: Optimizer, count: int, closure: Any) -> list[Any]:
    """Return one closure a client, None for the gradients as they lie.

    Without closures several clients can only see the same gradients. That is refused, but for a step with lr = 0, by
    which torch's distributed checkpoint makes the state that it is about to fill.
    """
    if any(group["differentiable"] for group in optimizer.param_groups):
        raise ValueError("differentiable: True does not go with several clients")
    given = list(closure) if isinstance(closure, Sequence) else [closure] * (1 if closure is not None else count)
    if len(given) != count:
        raise ValueError(f"closure: {len(given)} given, step needs one for each of {count} clients of this process")
    if closure is None and count > 1 and not at_rest(optimizer.param_groups):
        raise ValueError(f"closure: None, step needs a list of {count}, one for each client of this process")
    if closure is not None and not all(callable(entry) for entry in given):
        raise ValueError(f"closure: {closure!r} holds what cannot be called")
    return given


def at_rest(param_groups: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether no group can move."""
    return all(float(group["lr"]) == 0.0 for group in param_groups)
