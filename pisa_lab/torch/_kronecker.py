"""The row "kronecker": Shampoo's factors on matrices, the second moment of g on the rest."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from pisa_lab._checks import real, whole
from pisa_lab.preconditioners.forms import Kronecker, spectrum
from pisa_lab.torch._asked import check_plain, due
from pisa_lab.torch._elementwise import elementwise, kept
from pisa_lab.torch._matrices import is_matrix
from pisa_lab.torch._orthogonal import as_matrix
from pisa_lab.torch._settings import rule_of
from pisa_lab.torch._work import DIAGONAL, SOLUTION, Entry, Product, Work

SETTINGS: Mapping[str, Any] = {
    **{"rho": 1.0, "beta": 0.999, "clip": "auto", "orthogonal": None},
    **{"power": 0.25, "refresh": 1, "largest": 2_000},
}
"""The keys of a group that this preconditioner knows.

"power" is s of Q = L^s ⊗ R^s; the eigenbases are computed at steps 1, 1 + "refresh", …, the averages go on in between;
a matrix with a side above "largest" counts as the rest. "beta" is the averages' decay, "orthogonal" says which
parameters are matrices, as in NSISA.
"""


def init(param: Tensor, group: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return both averages and their eigenbases for a matrix, the average of squares for all else."""
    check_plain(param, group)
    if not is_matrix(param, group) or max(as_matrix(param).shape) > group["largest"]:
        return {"moment": kept(param)}
    rows, columns = as_matrix(param).shape
    sides = {"left": rows, "right": columns}
    state = {name: param.new_zeros((size, size)) for name, size in sides.items()}
    for name, size in sides.items():
        state[f"{name}_vectors"], state[f"{name}_values"] = param.new_zeros((size, size)), param.new_zeros(size)
    return state


def checked(group: Mapping[str, Any]) -> dict[str, Any]:
    """Return this preconditioner's own keys of ``group``.

    Raises:
        ValueError: one is outside its domain; the message names it.
    """
    return {
        "power": real("power", group["power"], above=0.0, at_most=0.5),
        "refresh": whole("refresh", group["refresh"], at_least=1),
        "largest": whole("largest", group["largest"], at_least=1),
    }


def works(entries: Sequence[Entry], group: Mapping[str, Any], curvature: Product | None = None) -> list[Work]:
    """Return the work on the rest and on the matrices, which are told by their factors."""
    rest = [entry for entry in entries if "left" not in entry.state]
    matrices = [entry for entry in entries if "left" in entry.state]
    found = []
    if rest:
        found.append(elementwise(DIAGONAL, rest, extras=[_diagonal(entry, group) for entry in rest]))
    if matrices:
        found.append(elementwise(SOLUTION, matrices, extras=[_solved(entry, group) for entry in matrices]))
    return found


def _diagonal(entry: Entry, group: Mapping[str, Any]) -> Tensor:
    r"""Return $\hat v^{2s}$, clipped, after one more gradient."""
    moment, beta = entry.state["moment"], group["beta"]
    moment.mul_(beta).addcmul_(entry.gradient, entry.gradient, value=1 - beta)
    used: Tensor = (moment / _correction(entry, beta)) ** (2 * group["power"])
    return used if group["clip"] is None else used.clamp(max=group["clip"])


def _solved(entry: Entry, group: Mapping[str, Any]) -> Tensor:
    """Return (σI + ρQ)⁻¹(π + g) of one matrix, after one more gradient."""
    state, beta = entry.state, group["beta"]
    gradient = as_matrix(entry.gradient)
    state["left"].mul_(beta).add_(gradient @ gradient.mT, alpha=1 - beta)
    state["right"].mul_(beta).add_(gradient.mT @ gradient, alpha=1 - beta)
    if due(entry, group):
        for name in ("left", "right"):
            values, vectors = spectrum(_wide(state[name]) / _correction(entry, beta))
            state[f"{name}_values"].copy_(_power(values, group["power"]))
            state[f"{name}_vectors"].copy_(vectors)
    left, right = (_wide(state[f"{name}_vectors"]) for name in ("left", "right"))
    values = _wide(state["left_values"])[:, None] * _wide(state["right_values"])[None, :]
    form = Kronecker(values[None], left[None], right[None])
    form = form if group["clip"] is None else form.clip(group["clip"])
    rule, rhs = rule_of(group), _wide(as_matrix(state["multiplier"] + entry.gradient))
    solution: Tensor = form.solve(rhs[None], rhs.new_full((1,), rule.penalty), rule.rho)[0]
    return solution.to(entry.param.dtype).reshape(entry.param.shape)


def _correction(entry: Entry, beta: float) -> float:
    return 1 - beta ** int(entry.state["step"])


def _wide(x: Tensor) -> Tensor:
    """Return ``x`` in a type that has an eigensolver."""
    return x if x.dtype == torch.float64 else x.float()


def _power(values: Tensor, power: float) -> Tensor:
    """Return values^s; what is rounding becomes 0 first, for its fourth root would not be small."""
    rounding = values.shape[-1] * torch.finfo(values.dtype).eps
    return torch.where(values < rounding * values.amax(), 0.0, values) ** power
