r"""One round of PISA with any $Q_i$, any number of clients: the identity of a potential's fall.

With weights $\alpha$, every vector of a client splits into the clients' mean and its deviation from it, and a mean of
quadratic forms
splits with them. So one matrix for the means and one for the deviations, under common multipliers, speak for every m
and α.
"""

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np

from pisa_lab._checks import choice
from proofs_check.certified.inequalities import Matrix
from proofs_check.certified.setting import exact

POTENTIALS = ("lagrangian", "residual")
NAMES = ("g", "a", "h", "b", "d", "u", "e", "w")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Round:
    r"""A question on one round; every number a Fraction.

    Args:
        potential: "lagrangian", the augmented Lagrangian after a round, from any state with $\pi_i = -\nabla
            F_i(w) - \rho_iQ_i(w_i-w)$
            (every state after the first round), against $\|\nabla F_\lambda(w^+)\|^2$; or "residual",
            $F_\lambda(w) + (a/\sigma)\sum\alpha_i\|\nabla F_i(w)+\pi_i\|^2$ at the server's points, from
            any state, against
            $\|\nabla F_\lambda(w)\|^2$. The second holds for any next penalty that is not smaller.
        curvature: every $F_i$ has curvature in [curvature, lipschitz].
        sigma: $\sigma_i$ of the server (and, for "residual" and "after_solve", of the clients).
        next_sigma: of the clients in "before_solve", and of the Lagrangian after the round.
        q_bound: $0 \preceq \rho_iQ_i \preceq$ q_bound, symmetric, anew at every round.
        factor: a.
    """

    potential: str
    curvature: Fraction
    lipschitz: Fraction
    sigma: Fraction
    next_sigma: Fraction
    q_bound: Fraction = Fraction(0)
    ridge: Fraction = Fraction(0)
    factor: Fraction = Fraction(0)
    order: str = "before_solve"

    def __post_init__(self) -> None:
        choice("potential", self.potential, POTENTIALS)
        choice("order", self.order, ("before_solve", "after_solve"))
        if not (self.curvature < self.lipschitz > 0 < self.sigma <= self.next_sigma):
            raise ValueError("curvature: curvature < lipschitz, lipschitz > 0 and 0 < sigma <= next_sigma are needed")
        if min(self.q_bound, self.ridge, self.factor) < 0:
            raise ValueError("q_bound: q_bound, ridge and factor must be >= 0")

    @property
    def parameters(self) -> dict[str, Any]:
        """The question in the certificate's words."""
        common = {
            "theorem": self.potential,
            "curvature": [str(self.curvature)],
            "lipschitz": [str(self.lipschitz)],
            "ridge": str(self.ridge),
            "sigma": str(self.sigma),
            "q_bound": str(self.q_bound),
        }
        if self.potential == "residual":
            return {**common, "factor": str(self.factor)}
        return {**common, "next_sigma": str(self.next_sigma), "order": self.order}


def round_of(potential: str, function_class: str = "nonconvex", *, sigma: Any, gamma: Any = 1, **fields: Any) -> Round:
    r"""Return the question with L = 1, class "nonconvex" or "convex", $\sigma^+ = \sigma/\gamma$ and ``fields``."""
    low = {"nonconvex": Fraction(-1), "convex": Fraction(0)}[
        choice("function_class", function_class, ("nonconvex", "convex"))
    ]
    numbers: dict[str, Any] = {name: value if name == "order" else exact(value) for name, value in fields.items()}
    penalty = exact(sigma)
    return Round(
        potential=potential,
        curvature=low,
        lipschitz=Fraction(1),
        sigma=penalty,
        next_sigma=penalty / exact(gamma),
        **numbers,
    )


@dataclasses.dataclass(frozen=True)
class Block:
    """The identity's pieces for the clients' means or deviations: fall of the potential, gradient, rows."""

    fall: Matrix
    free: Matrix
    goal: Matrix
    rows: dict[str, Matrix]


def _product(x: Matrix, y: Matrix) -> Matrix:
    return np.asarray((np.outer(x, y) + np.outer(y, x)) / 2)


def _pairs(points: list[tuple[Matrix, Matrix]], low: float, high: float) -> dict[str, Matrix]:
    """Return the interpolation inequalities' quadratic parts of all ordered pairs of points (x, gradient)."""
    rows = {}
    for i, (x_i, g_i) in enumerate(points):
        for j, (x_j, g_j) in enumerate(points):
            x, g = x_i - x_j, g_i - g_j
            curved = _product(g, g) + low * high * _product(x, x) - 2 * low * _product(g, x)
            if i != j:
                rows[f"interpolation {i} {j}"] = -_product(g_j, x) - curved / (2 * (high - low))
    return rows


def block(question: Round, mean: bool) -> Block:
    """Return the pieces for the clients' means, or for the deviations, where w, its move and ∇F vanish."""
    vectors = dict(zip(NAMES, np.eye(len(NAMES)), strict=True))
    vectors["w"] = vectors["w"] * mean
    return (_lagrangian if question.potential == "lagrangian" else _residual)(question, vectors, float(mean))


def _lagrangian(question: Round, v: dict[str, Matrix], mean: float) -> Block:
    """The state is (w, d, π = −g − u, u = ρQd); h, b are the gradients at the new w and w_i, e is the new d.

    With q = 0, u = 0 and e = (g − h)/σ are substituted: a multiplier of −‖u‖² ≥ 0 would have to be infinite.
    """
    s, t, q, ridge = (float(x) for x in (question.sigma, question.next_sigma, question.q_bound, question.ridge))
    client = t if question.order == "before_solve" else s
    if not q:
        v |= {"u": 0 * v["u"], "e": (v["g"] - v["h"]) / client}
    dual = -v["g"] - v["u"]
    move = mean / (s + ridge) * (s * v["d"] + dual - ridge * v["w"])
    new = dual + client * v["e"]
    w = v["w"] + move
    after = _product(new, v["e"]) + t / 2 * _product(v["e"], v["e"]) + ridge / 2 * _product(w, w)
    before = _product(dual, v["d"]) + s / 2 * _product(v["d"], v["d"]) + ridge / 2 * _product(v["w"], v["w"])
    points = [(0 * move, v["g"]), (v["d"], v["a"]), (move, v["h"]), (move + v["e"], v["b"])]
    rows = _pairs(points, float(question.curvature), float(question.lipschitz))
    used = -v["h"] - new
    if q:
        rows["sector 0"] = _product(v["u"], q * v["d"] - v["u"])
        rows["sector 1"] = _product(used, q * v["e"] - used)
    gradient = mean * (v["h"] + ridge * w)
    return Block(before - after, 0 * before, _product(gradient, gradient), rows)


def _residual(question: Round, v: dict[str, Matrix], mean: float) -> Block:
    """The state is d = ∇F_i + π_i at w; g, h are ∇F_i + λw before and after, u = Md with σ/(σ+q) ⪯ M ⪯ 1."""
    s, q, ridge = (float(x) for x in (question.sigma, question.q_bound, question.ridge))
    if not q:
        v |= {"u": v["d"]}
    move = -mean / (s + ridge) * (v["g"] + 2 * v["u"] - v["d"])
    new = v["d"] - v["u"] + v["h"] - v["g"] - ridge * move
    low, high = float(question.curvature) + ridge, float(question.lipschitz) + ridge
    rows = _pairs([(0 * move, v["g"]), (move, v["h"])], low, high)
    if q:
        rows["sector 0"] = _product((s + q) * v["u"] - s * v["d"], v["d"] - v["u"])
    gradient = mean * v["g"]
    shape = (_product(v["d"], v["d"]) - _product(new, new)) / s
    return Block(float(question.factor) * shape, shape, _product(gradient, gradient), rows)
