"""One gradient per client and round at the shared w, as PISA, then SGD, momentum, RMSProp or Adam on the server."""

import dataclasses
from typing import NamedTuple

from pisa_lab._array import Array, broadcast, client_sum, column, like, namespace
from pisa_lab._checks import Scalars, choice, real, reals
from pisa_lab.problem import Problem
from pisa_lab.state import Oracle

RULES = ("sgd", "momentum", "rmsprop", "adam")


class ServerState(NamedTuple):
    """The server's w with its two moments, (…, *shape)."""

    iteration: int
    consensus: Array
    first: Array
    second: Array
    weights: Array
    ridge: float
    client_axis: int

    @property
    def shared(self) -> Array:
        """The consensus w with a client axis of length one."""
        return namespace(self.consensus).expand_dims(self.consensus, axis=self.client_axis)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FedSGD:
    r"""$w^{\ell+1} = w^\ell - \eta\, d(g)$ with $g = \sum_i\alpha_i g_i + \lambda w$; $d$ by ``rule``.

    sgd: $d = g$. momentum: $b \leftarrow \beta_1 b + g$, $d = b$. rmsprop: $v \leftarrow \beta_2 v + (1-\beta_2)g^2$,
    $d = g/(\sqrt v+\epsilon)$. adam: Kingma and Ba's, with both bias corrections. ``rate`` is one number, or one per
    replicate. With one client and rule sgd this is gradient descent.

    Raises:
        ValueError: a number outside its domain or an unknown rule.
    """

    rate: Scalars
    rule: str = "sgd"
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", reals("rate", self.rate, above=0.0))
        object.__setattr__(self, "rule", choice("rule", self.rule, RULES))
        for name in ("beta1", "beta2"):
            object.__setattr__(self, name, real(name, getattr(self, name), at_least=0.0, below=1.0))
        object.__setattr__(self, "epsilon", real("epsilon", self.epsilon, above=0.0))

    def init(self, problem: Problem, w: Array, *, replicates: int | None = None) -> ServerState:
        """Return the state at ``w`` with zero moments."""
        lead = () if replicates is None else (replicates,)
        consensus = broadcast(w, (*lead, *problem.initial.shape))
        return ServerState(0, consensus, 0 * consensus, 0 * consensus, problem.weights, float(problem.ridge), len(lead))

    def step(self, state: ServerState, oracle: Oracle) -> ServerState:
        """Return the state after one round."""
        gradient = client_sum(state.weights, oracle(state.shared).gradient, state.client_axis)
        direction, first, second = self._direction(state, gradient + state.ridge * state.consensus)
        rate = self.rate if isinstance(self.rate, float) else like(self.rate, direction)
        return state._replace(
            iteration=state.iteration + 1,
            consensus=state.consensus - column(rate, direction) * direction,
            first=first,
            second=second,
        )

    def _direction(self, state: ServerState, g: Array) -> tuple[Array, Array, Array]:
        """Return (d, first moment, second moment)."""
        xp, first, second = namespace(g), state.first, state.second
        if self.rule == "sgd":
            return g, first, second
        if self.rule == "momentum":
            first = self.beta1 * first + g
            return first, first, second
        second = self.beta2 * second + (1 - self.beta2) * g * g
        if self.rule == "rmsprop":
            return g / (xp.sqrt(second) + self.epsilon), first, second
        first = self.beta1 * first + (1 - self.beta1) * g
        corrected = xp.sqrt(second / (1 - self.beta2 ** (state.iteration + 1))) + self.epsilon
        return first / (1 - self.beta1 ** (state.iteration + 1)) / corrected, first, second
