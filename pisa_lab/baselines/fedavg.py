"""Federated averaging: several local gradient steps per client, then the weighted mean."""

import dataclasses

from pisa_lab._array import Array, client_sum, column, like
from pisa_lab._checks import Scalars, real, reals, whole
from pisa_lab.baselines.fedsgd import FedSGD, ServerState
from pisa_lab.problem import Problem
from pisa_lab.state import Oracle


@dataclasses.dataclass(frozen=True, kw_only=True)
class FedAvg:
    r"""K local steps per client and round, then the weighted mean.

    $$w_i \leftarrow w_i - \eta(g_i(w_i) + \lambda w_i)\ (K\text{ times, from } w), \qquad
    w \leftarrow w + s\sum_i\alpha_i(w_i - w)$$

    Each local step draws a mini-batch of its own, so that a round costs K gradients per client where PISA's costs one.
    Its fixed points are not KKT points when the clients differ and $K > 1$.

    Raises:
        ValueError: a number outside its domain.
    """

    rate: Scalars
    local_steps: int = 5
    server_rate: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", reals("rate", self.rate, above=0.0))
        object.__setattr__(self, "local_steps", whole("local_steps", self.local_steps, at_least=1))
        object.__setattr__(self, "server_rate", real("server_rate", self.server_rate, above=0.0))

    @property
    def draws(self) -> int:
        """Mini-batches a round consumes."""
        return self.local_steps

    def init(self, problem: Problem, w: Array, *, replicates: int | None = None) -> ServerState:
        """Return the state at ``w``."""
        return FedSGD(rate=1.0).init(problem, w, replicates=replicates)

    def step(self, state: ServerState, oracle: Oracle) -> ServerState:
        """Return the state after one round of K local steps."""
        local = state.shared
        for _ in range(self.local_steps):
            gradient = oracle(local).gradient + state.ridge * local
            rate = self.rate if isinstance(self.rate, float) else like(self.rate, gradient)
            local = local - column(rate, gradient) * gradient
        change = client_sum(state.weights, local - state.shared, state.client_axis)
        return state._replace(iteration=state.iteration + 1, consensus=state.consensus + self.server_rate * change)
