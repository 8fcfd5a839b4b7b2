"""The row "gauss-newton": (σI + ρG)⁻¹ by conjugate gradients, from products with G alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab._checks import real, whole
from pisa_lab.torch._asked import check_plain, products
from pisa_lab.torch._elementwise import elementwise
from pisa_lab.torch._settings import rule_of
from pisa_lab.torch._work import SOLUTION, Entry, Product, Work

SETTINGS: Mapping[str, Any] = {"rho": 1.0, "solver_steps": 50, "solver_tolerance": 1e-3}
"""The keys of a group that this preconditioner knows; no clip: of products with Q alone no eigenvalue is known.

The solver stops at a residual of "solver_tolerance" times the right side's norm, or after "solver_steps" products.
"""


def init(param: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return nothing: each step solves afresh."""
    check_plain(param, group)
    return {}


def checked(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return this preconditioner's own keys of ``group``.

    Raises:
        ValueError: one is outside its domain; the message names it.
    """
    if group["maximize"]:
        raise ValueError("maximize: 'gauss-newton' needs a Q that is positive semidefinite")
    return {
        "solver_steps": whole("solver_steps", group["solver_steps"], at_least=1),
        "solver_tolerance": real("solver_tolerance", group["solver_tolerance"], at_least=0.0, below=1.0),
    }


def works(entries: Sequence[Entry], group: Mapping[str, Any], curvature: Product | None = None) -> list[Work]:
    r"""Return the work with $q = (\sigma I+\rho G)^{-1}(\pi+g)$, G the block of the group's parameters."""
    rule = rule_of(group)
    right = [entry.state["multiplier"] + entry.gradient for entry in entries]

    def shifted(vectors: list[Tensor]) -> list[Tensor]:
        found = torch._foreach_mul(vectors, rule.penalty)
        torch._foreach_add_(found, products(curvature, entries, vectors, group), alpha=rule.rho)
        return list(found)

    solved = conjugate_gradients(
        shifted, right, steps=group["solver_steps"], tolerance=group["solver_tolerance"], floor=rule.penalty
    )
    return [elementwise(SOLUTION, entries, extras=solved)]


def conjugate_gradients(
    product: Callable[[list[Tensor]], list[Tensor]],
    right: Sequence[Tensor],
    *,
    steps: int,
    tolerance: float,
    floor: float,
) -> list[Tensor]:
    r"""Return x with $\|Ax - b\| \le$ ``tolerance`` $\|b\|$, or the last of ``steps`` iterates.

    A is symmetric with eigenvalues of ``floor`` > 0 at least. A direction in which it curves less shows that it is not
    (a Hessian's product was given): the iterates so far stand, or b/``floor`` if there are none.
    """
    residual = [one.clone() for one in right]
    direction = [one.clone() for one in right]
    found = [torch.zeros_like(one) for one in right]
    first = square = _inner(residual, residual)
    for step in range(steps):
        if not square > tolerance * tolerance * first:
            break
        image = product(direction)
        bent = _inner(direction, image)
        if bent < 0.5 * floor * _inner(direction, direction):
            return found if step else [one / floor for one in right]
        torch._foreach_add_(found, direction, alpha=square / bent)
        torch._foreach_sub_(residual, image, alpha=square / bent)
        before, square = square, _inner(residual, residual)
        torch._foreach_mul_(direction, square / before)
        torch._foreach_add_(direction, residual)
    return found


def _inner(left: Sequence[Tensor], right: Sequence[Tensor]) -> float:
    """Return the inner product of two lists of tensors, summed in float64."""
    return sum(float((a * b).sum(dtype=torch.float64)) for a, b in zip(left, right, strict=True))
