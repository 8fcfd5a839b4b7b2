"""The table of problem families: adding a row adds the conformance tests."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pisa_lab import specs
from pisa_lab._checks import row_named
from pisa_lab.problem import Problem
from problems import linear, multiclass, networks
from problems.generators import planted_completion, planted_factors, planted_phases, synthetic
from problems.quadratics import random_quadratic
from problems.valley import rosenbrock


@dataclasses.dataclass(frozen=True, kw_only=True)
class Family:
    """One row.

    Args:
        name: kebab-case.
        build: (seed, clients) → a small instance, all of whose randomness comes from the seed.
        summary: one line.
        convex: F_λ of every instance is convex.
        smooth: every ∇F_i is Lipschitz on every ball (the paper's assumption).
        global_lipschitz: … with one constant on the whole space.
        kind: "data" takes a user's X and y, "synthetic" is made from a seed.
        task: "binary", "multiclass" or "regression" for kind "data".
        random_start: the constructor draws its start from a ``seed``.
        constructor: (X, y, parts, ridge=…) → problem for kind "data"; reached through `from_data`.
        exempt: names of conformance checks that do not apply, with the reason.
    """

    name: str
    build: Callable[[int, int], Any]
    summary: str
    convex: bool
    smooth: bool = True
    global_lipschitz: bool
    kind: str = "synthetic"
    task: str | None = None
    constructor: Callable[..., Any] | None = None
    random_start: bool = False
    exempt: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def from_data(self, X: Any, y: Any, parts: Sequence[Any] | None = None, ridge: float = 0.0, **settings: Any) -> Any:
        """Return the family's problem on a user's data.

        Raises:
            ValueError: the family takes no data, or the data do not fit it.
        """
        if self.constructor is None:
            raise ValueError(f"name: {self.name!r} is made from a seed and takes no data")
        return self.constructor(X, y, parts, ridge=ridge, **settings)


def _small(constructor: Callable[..., Any], task: str, seed: int, clients: int, **settings: Any) -> Any:
    # Unequal sizes, so that padding, row shares and weights are all at work.
    samples = [6 + 3 * (client % 4) for client in range(clients)]
    return constructor(*synthetic(task, seed, clients=clients, samples=samples, dimension=5), **settings)


def _data(name: str, task: str, constructor: Callable[..., Any], summary: str, **row: Any) -> Family:
    settings = row.pop("settings", {})
    build = partial(_small, constructor, task, **settings)
    return Family(name=name, task=task, build=build, constructor=constructor, summary=summary, kind="data", **row)


def _quadratic(seed: int, clients: int) -> Any:
    weights = [2 * (client + 1) / (clients * (clients + 1)) for client in range(clients)]
    return random_quadratic(seed, clients=clients, rotation=0.5, weights=weights, ridge=0.1)


def _indefinite(seed: int, clients: int) -> Any:
    return random_quadratic(seed, clients=clients, spread=2.0)


PENALTIES = {"ridge": 0.05, "local_ridge": 0.02}
KINK = "∇F_i is not Lipschitz where a residual vanishes: the family violates the assumption on purpose"
UNKNOWN = "nonconvex, and no minimiser is known in closed form"
JUMP = "∇F_i jumps where a unit switches: the family violates the assumption on purpose"

PROBLEMS = (
    Family(
        name="quadratic",
        build=_quadratic,
        summary="½wᵀH_iw − ⟨b_i, w⟩, chosen spectrum, rotated and shifted between clients",
        convex=True,
        global_lipschitz=True,
    ),
    Family(
        name="quadratic-indefinite",
        build=_indefinite,
        summary="quadratics whose clients are indefinite and whose sum is convex",
        convex=True,
        global_lipschitz=True,
    ),
    _data(
        "least-squares",
        "regression",
        linear.least_squares,
        "½‖Xw − y‖²/n_i with its exact minimiser",
        convex=True,
        global_lipschitz=True,
        settings=PENALTIES,
    ),
    _data(
        "logistic",
        "binary",
        linear.logistic,
        "logistic regression, labels ±1, with an optional ridge of the clients' own",
        convex=True,
        global_lipschitz=True,
        settings=PENALTIES,
    ),
    _data(
        "softmax",
        "multiclass",
        multiclass.softmax,
        "softmax regression, one matrix as a flat parameter",
        convex=True,
        global_lipschitz=True,
        settings=PENALTIES,
    ),
    _data(
        "logistic-nonconvex",
        "binary",
        linear.logistic_nonconvex,
        "logistic regression with the bounded nonconvex penalty κΣw²/(1+w²)",
        convex=False,
        global_lipschitz=True,
        settings={**PENALTIES, "bump": 0.3},
        exempt={"minimiser": UNKNOWN},
    ),
    _data(
        "huber",
        "regression",
        linear.huber,
        "Huber regression: ∇F_i is Lipschitz, ∇²F_i jumps",
        convex=True,
        global_lipschitz=True,
        settings={**PENALTIES, "width": 0.8},
    ),
    _data(
        "log-cosh",
        "regression",
        linear.log_cosh,
        "regression with the smooth robust loss δ²log cosh(r/δ)",
        convex=True,
        global_lipschitz=True,
        settings={**PENALTIES, "width": 0.8},
    ),
    _data(
        "sigmoid",
        "binary",
        linear.sigmoid,
        "classification with the bounded nonconvex loss 1/(1+e^{yz})",
        convex=False,
        global_lipschitz=True,
        settings=PENALTIES,
        exempt={"minimiser": UNKNOWN},
    ),
    Family(
        name="phase-retrieval",
        build=lambda seed, clients: planted_phases(seed, clients=clients),
        summary="¼(⟨x, w⟩² − y)² with a hidden signal",
        convex=False,
        global_lipschitz=False,
    ),
    Family(
        name="factorisation",
        build=lambda seed, clients: planted_factors(seed, clients=clients, ridge=0.1),
        summary="½‖UVᵀ − M_i‖² with an exact minimiser from one SVD",
        convex=False,
        global_lipschitz=False,
    ),
    Family(
        name="completion",
        build=lambda seed, clients: planted_completion(seed, clients=clients),
        summary="matrix completion from entries dealt to clients, hidden factors",
        convex=False,
        global_lipschitz=False,
    ),
    Family(
        name="rosenbrock",
        build=lambda seed, clients: rosenbrock(seed, clients=clients, dimension=4),
        summary="a curved valley whose clients disagree about its walls and its slope",
        convex=False,
        global_lipschitz=False,
    ),
    _data(
        "network",
        "multiclass",
        networks.network,
        "two-layer tanh network with cross-entropy, blocks W1, b1, W2, b2",
        convex=False,
        global_lipschitz=False,
        settings={**PENALTIES, "hidden": 4},
        random_start=True,
        exempt={"minimiser": UNKNOWN},
    ),
    _data(
        "network-regression",
        "regression",
        partial(networks.network, task="regression"),
        "two-layer tanh network with squared error",
        convex=False,
        global_lipschitz=False,
        settings={**PENALTIES, "hidden": 4},
        random_start=True,
        exempt={"minimiser": UNKNOWN},
    ),
    _data(
        "power-3/2",
        "regression",
        linear.power,
        "⅔|⟨x, w⟩ − y|^{3/2}: convex, curvature unbounded where a residual vanishes",
        convex=True,
        smooth=False,
        global_lipschitz=False,
        settings={"ridge": 0.05},
        exempt={"lipschitz_on": KINK, "minimiser": KINK},
    ),
    _data(
        "relu-network",
        "multiclass",
        networks.relu_network,
        "two-layer ReLU network: ∇F_i jumps",
        convex=False,
        smooth=False,
        global_lipschitz=False,
        settings={**PENALTIES, "hidden": 4},
        random_start=True,
        exempt={"lipschitz_on": JUMP, "minimiser": UNKNOWN},
    ),
)
"""All families; `bilinear.completion` and `linear.phase_retrieval` also take a user's data, in forms of their own."""


def by_name(name: str) -> Family:
    """Return the row called ``name``, or one for MODULE:OBJECT, a problem or a function of (seed, clients).

    Raises:
        ValueError: there is none; the message lists the names.
    """
    return _own(name) if specs.is_own(name) else row_named("name", name, PROBLEMS)


def _own(name: str) -> Family:
    """Return a row for an object of the user's own: a row, a problem, or a function of (seed, clients)."""
    found = specs.own("name", name)
    if isinstance(found, Family):
        return found
    if not isinstance(found, type) and hasattr(found, "client_grad"):
        made = found
    elif callable(found):
        made = None
    else:
        raise ValueError(f"name: {name!r} is neither a problem nor a function that makes one")

    def build(seed: int, clients: int, **make: Any) -> Any:
        try:
            problem = found(seed, clients, **make) if made is None else made
        except Exception as error:  # a function of the user's may raise anything
            raise ValueError(f"name: {name!r} failed ({type(error).__name__}: {error})") from error
        if not isinstance(problem, Problem):
            raise ValueError(f"name: {name!r} made a {type(problem).__name__}, which is no Problem")
        return problem

    return Family(name=name, build=build, summary="own", convex=False, global_lipschitz=False)
