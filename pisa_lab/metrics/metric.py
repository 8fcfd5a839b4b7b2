r"""The server's metric D: the consensus step divides by $\bar\sigma D + \lambda$ instead of $\bar\sigma + \lambda$.

A preconditioner in the client's solve sets a momentum, one in the metric a step. With $S_i = \sigma_iD$ in place of
$\sigma_iI$ in Algorithm 1, and a Q that is a multiple of it, D drops out of the client's lines: $\sigma_id_i =
S_i(w_i - w)$ is what they compute anyway. So D lives on the server: one vector whatever m, and no byte more.
Source: MATHEMATICS.md#N3.
"""

import dataclasses
from typing import Any, NamedTuple, Protocol

from pisa_lab._array import Array, client_sum, namespace
from pisa_lab._checks import choice, real
from pisa_lab.preconditioners.base import Form, Preconditioner
from pisa_lab.state import Observation, State

ORDERS = ("current", "past", "mixed")


class ServerStep(Protocol):
    """What `PISA.metric` may be: a rule for the server's step, with a memory of the aggregate gradient."""

    def init(self, like: Array) -> Any:
        """Return the first memory for aggregate gradients shaped (…, 1, *shape)."""

    def update(self, state: Any, at: Observation) -> Any:
        """Return the memory after a look at the aggregate gradient."""

    def step(self, state: Any, pull: Array, total: Array, ridge: float) -> Array:
        r"""Return $\Delta w$ for ``pull`` $= \sum_i\alpha_i(\sigma_id_i + \pi_i) - \lambda w$, (…, 1, \*shape)."""


class MetricState(NamedTuple):
    """D = form + floor·I as the next step uses it, and the memory that the next D is made of."""

    memory: Any
    form: Form
    floor: float

    def scale(self, v: Array) -> Array:
        """Return D v."""
        return self.form.apply(v) + self.floor * v

    def unscale(self, v: Array) -> Array:
        r"""Return $D^{-1}v$."""
        return self.form.solve(v, self.floor, 1.0)


@dataclasses.dataclass(frozen=True)
class Metric:
    r"""$D = Q + \varepsilon I$ with Q from any preconditioner, fed the aggregate gradient with π = 0.

    `SecondMoment("III")` makes D that of Adam, "I" that of AdaGrad, `Nondecreasing(SecondMoment("II"))` AMSGrad's.
    Before the first look D is εI; the first look comes before the first step in every order.

    Args:
        preconditioner: what Q is made by.
        floor: ε ≥ 0; where Q can vanish, S ⪰ κL must come from σε.
        order: "current": D knows the gradient that the step is made of, as Adam's does (covered by theorems for full
            gradients only); "past": it knows earlier ones alone (N5), the first step apart; "mixed": the clients' w_i
            are made with the past D and the server's step with the current one (N4).

    Source: MATHEMATICS.md#N3.
    """

    preconditioner: Preconditioner[Any]
    floor: float = 1e-8
    order: str = "current"

    def __post_init__(self) -> None:
        for name in ("init", "update", "solve", "apply"):
            if not callable(getattr(self.preconditioner, name, None)):
                raise ValueError(f"preconditioner: {self.preconditioner!r} has no method {name!r}")
        object.__setattr__(self, "floor", real("floor", self.floor, at_least=0.0))
        choice("order", self.order, ORDERS)

    @property
    def shrinkage(self) -> float | None:
        """ϑ with D_{k+1} ⪰ ϑD_k, from the first look on; None where the preconditioner promises none."""
        promised: float | None = getattr(self.preconditioner, "shrinkage", None)
        return promised

    def init(self, like: Array) -> MetricState:
        """Return D = εI, or what the preconditioner begins with."""
        memory = self.preconditioner.init(like)
        return MetricState(memory, self.preconditioner.init(like).form, self.floor)

    def update(self, state: MetricState, at: Observation) -> MetricState:
        """Return D after a look at the aggregate gradient, or before it where ``order`` is "past"."""
        memory, number = state.memory, at.iteration
        if self.order == "mixed":
            memory = self._look(memory, at, 0) if number == 0 else memory
            number += 1
        new = self._look(memory, at, number)
        is_late = self.order == "past" and at.iteration > 0
        return MetricState(new, state.memory.form if is_late else new.form, self.floor)

    def step(self, state: MetricState, pull: Array, total: Array, ridge: float) -> Array:
        r"""Return $(\bar\sigma D + \lambda I)^{-1}$ times ``pull``."""
        return state.form.solve(pull, self.floor * total + ridge, total)

    def rescale(self, old: MetricState, new: MetricState, deviation: Array, iteration: int) -> Array:
        r"""Return $\sigma^{-1}S(w_i - w)$ in the new metric, where ``deviation`` is that of the old one ("mixed")."""
        if self.order != "mixed" or iteration == 0:
            return deviation
        return new.scale(old.unscale(deviation))

    def _look(self, memory: Any, at: Observation, number: int) -> Any:
        return self.preconditioner.update(memory, at._replace(iteration=number))[1]


class Aggregate:
    """A problem as its server sees it: one client, whose gradients and curvature products are the weighted sums."""

    def __init__(self, problem: Any) -> None:
        self.problem = problem

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.problem, name)
        if name not in ("client_grad", "hvp", "gauss_newton"):
            return found

        def summed(*arguments: Any, **settings: Any) -> Array:
            each = found(*arguments, **settings)
            axis = each.ndim - self.problem.initial.ndim - 1
            return namespace(each).expand_dims(client_sum(self.problem.weights, each, axis), axis=axis)

        return summed


def aggregate(state: State, at: Observation) -> Observation:
    r"""Return what the server sees of a round: $G = \sum_i\alpha_ig_i$ and $\sum_i\alpha_i(g_i+\pi_i)^2$, one client.

    ``state`` is that before the clients' step. The ridge is not in G.
    """
    xp, axis = namespace(at.gradient), state.client_axis
    error = at.gradient + state.multiplier
    gradient = xp.expand_dims(client_sum(state.weights, at.gradient, axis), axis=axis)
    return at._replace(
        gradient=gradient,
        multiplier=xp.zeros_like(gradient),
        problem=None if at.problem is None else Aggregate(at.problem),
        spread=xp.expand_dims(client_sum(state.weights, error * error, axis), axis=axis),
        penalty=xp.sum(state.weights * at.penalty, axis=-1, keepdims=True),
        rho=1.0,
    )
