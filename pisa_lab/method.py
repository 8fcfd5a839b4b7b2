"""PISA: Algorithm 1 as two half-steps."""

import dataclasses
import functools
from typing import Any, ClassVar, Protocol

from pisa_lab import backtracking, updates
from pisa_lab._array import Array, broadcast, like, namespace, to_numpy
from pisa_lab._checks import Scalars, choice, reals
from pisa_lab.backtracking import Backtracking
from pisa_lab.metrics import Metric, ServerStep, SpectralDescent, aggregate
from pisa_lab.metrics import by_name as metric_by_name
from pisa_lab.preconditioners import HeavyBall, OrthogonalMomentum, SecondMoment, Zero
from pisa_lab.preconditioners.base import ClientOperator
from pisa_lab.presence import keep_absent, known_gradient
from pisa_lab.problem import Problem
from pisa_lab.schedules import Constant, Geometric, Schedule, bounded
from pisa_lab.state import Observation, Oracle, State


class Method(Protocol):
    """An algorithm: a first state, and a step from state to state."""

    def init(self, problem: Problem, w: Array, *, replicates: int | None = None) -> Any:
        """Return the first state at ``w`` (*shape) or (replicates, *shape)."""

    def step(self, state: Any, oracle: Oracle) -> Any:
        """Return the state after one communication round."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PISA:
    r"""The preconditioned inexact stochastic ADMM. Source: MATHEMATICS.md#algorithm (reconstructed).

    Args:
        penalty: $\sigma_i^0 > 0$ (Boyd's ρ): one number, one per client, or (replicates, clients).
        rho: $\rho_i \ge 0$, the weight of the preconditioner, not the ADMM penalty; shaped as ``penalty``.
        penalty_ratio: $\gamma_i \in (0, 1]$, the short form of ``schedule=Geometric(γ)``.
        schedule: the rule for $\sigma$; by default constant.
        preconditioner: $Q_i$; by default 0.
        warm: start from $\pi_i^0 = -\nabla F_i(w^0)$ instead of 0 (one full gradient more).
        penalty_update: whether σ changes before the client's solve (the paper's order, reconstructed) or after it: the
            "mixed" order, in which the client uses $\sigma^\ell$ and the next server step $\sigma^{\ell+1}$.
        first: which half-step opens a round; "client" takes the first gradient at $w^0$ itself, as a torch optimiser
            does, and is what a metric and a searched penalty always do.
        metric: the server's metric, by default I: a `Metric` sets the length of steps entry by entry, `SpectralDescent`
            orthogonalises the server's step. The clients' lines do not change (MATHEMATICS.md#N3, #N6).
        extrapolation: the server takes $2\pi_i^+ - \pi_i = \sigma_id_i + \pi_i^+$ of each client, as published; False:
            $\pi_i^+$ alone, EF21's server, which contractive preconditioners ask for.

    An absent client (`Observation.active`) keeps $\pi_i$ and its preconditioner's memory, has $w_i = w$ and sends
    nothing; its $\sigma_i$ follows the schedule, a function of the round that the server knows without a message.

    Raises:
        ValueError: a number outside its domain, or both ``penalty_ratio`` and ``schedule``.
    """

    penalty: Scalars | str | Backtracking
    rho: Scalars = 0.0
    penalty_ratio: Scalars = 1.0
    schedule: Schedule | None = None
    preconditioner: ClientOperator[Any] | Any = None
    warm: bool = False
    penalty_update: str = "before_solve"
    first: str = "server"
    metric: ServerStep | None = None
    extrapolation: bool = True
    knows_absence: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._settle_defaults()
        object.__setattr__(self, "rho", reals("rho", self.rho, at_least=0.0))
        object.__setattr__(self, "penalty_ratio", reals("penalty_ratio", self.penalty_ratio, above=0.0, at_most=1.0))
        if self.schedule is not None and self.penalty_ratio != 1.0:
            raise ValueError("schedule: give either schedule or penalty_ratio, not both")
        if self.schedule is not None and not callable(getattr(self.schedule, "next", None)):
            raise ValueError(f"schedule: {self.schedule!r} is no schedule, such as Geometric(0.9)")
        for name in ("warm", "extrapolation"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name}: {getattr(self, name)!r} is not True or False")
        for name in ("init", "update", "solve"):
            if not callable(getattr(self.preconditioner, name, None)):
                raise ValueError(f"preconditioner: {self.preconditioner!r} has no method {name!r}")
        choice("penalty_update", self.penalty_update, ("before_solve", "after_solve"))
        choice("first", self.first, ("server", "client"))
        for name in () if self.metric is None else ("init", "update", "step"):
            if not callable(getattr(self.metric, name, None)):
                raise ValueError(f"metric: {self.metric!r} has no method {name!r}; it is a Metric or a SpectralDescent")

    def _settle_defaults(self) -> None:
        """Fill in what depends on another setting, and check the penalty."""
        if isinstance(self.penalty, str):
            choice("penalty", self.penalty, ("auto",))
            object.__setattr__(self, "penalty", Backtracking())
        if self.is_searching:
            if self.schedule is not None or self.penalty_ratio != 1.0:
                raise ValueError("schedule: a penalty that is searched for has none; give either")
        else:
            object.__setattr__(self, "penalty", reals("penalty", self.penalty, above=0.0))
        if self.preconditioner is None:
            object.__setattr__(self, "preconditioner", HeavyBall() if self.is_searching else Zero())
        if isinstance(self.preconditioner, HeavyBall) and self.rho == 0.0:
            object.__setattr__(self, "rho", 1.0)  # it cancels, but 0 would not
        if self.is_searching or self.metric is not None:
            object.__setattr__(self, "first", "client")

    @property
    def is_searching(self) -> bool:
        """Whether the penalty is found by backtracking, round by round."""
        return isinstance(self.penalty, Backtracking)

    def init(self, problem: Problem, w: Array, *, replicates: int | None = None) -> State:
        r"""Return the state at ``w`` (\*shape) or (replicates, \*shape), with π = 0 or the warm start.

        Raises:
            ValueError: per-client numbers that do not match the problem's clients or the replicates.
        """
        clients, shape = problem.weights.shape[0], problem.initial.shape
        lead = () if replicates is None else (replicates,)
        sought: Any = self.penalty.initial if isinstance(self.penalty, Backtracking) else self.penalty
        penalty = self._per_client("penalty", sought, problem.weights, lead)
        self._per_client("rho", self.rho, problem.weights, lead)
        self._per_client("penalty_ratio", self.penalty_ratio, problem.weights, lead)
        consensus = broadcast(w, (*lead, *shape))
        zeros = broadcast(0 * problem.initial, (*lead, clients, *shape))
        state = State(
            iteration=0,
            consensus=consensus,
            deviation=zeros,
            multiplier=0 * zeros,
            penalty=penalty,
            preconditioner=self.preconditioner.init(zeros),
            increment=0 * consensus,
            weights=problem.weights,
            ridge=float(problem.ridge),
            metric=None
            if self.metric is None
            else self.metric.init(0 * namespace(w).expand_dims(consensus, axis=len(lead))),
        )
        if self.is_searching:
            return backtracking.begin(problem, state)
        return state._replace(multiplier=-problem.client_grad(state.shared)) if self.warm else state

    def step(self, state: State, oracle: Oracle) -> State:
        """Return the state after one round: server then clients, or clients then server when ``first`` says so."""
        if isinstance(self.penalty, Backtracking):
            return backtracking.search(self.penalty, self, state, oracle)
        if self.first == "client":
            return self.server_update(self.client_update(state, oracle(state.shared)))
        state = self.server_update(state)
        return self.client_update(state, oracle(state.shared))

    def message(self, problem: Problem) -> tuple[int, int]:
        """Return the bytes (up, down) that one client which is there sends and receives in a round."""
        size, itemsize = to_numpy(problem.initial).size, to_numpy(problem.initial).itemsize
        sent = getattr(self.preconditioner, "message_bytes", None)
        return (size * itemsize if sent is None else sent(size, itemsize)), size * itemsize

    def server_update(self, state: State) -> State:
        """Return the state with the new consensus w^{ℓ+1}; the clients' w_i and π_i stay where they are."""
        ahead = state.deviation if self.extrapolation else namespace(state.deviation).zeros_like(state.deviation)
        solve = None if self.metric is None else functools.partial(self.metric.step, state.metric)
        increment = updates.consensus_step(
            state.consensus, ahead, state.multiplier, state.penalty, state.weights, state.ridge, solve
        )
        moved = namespace(increment).expand_dims(increment, axis=state.client_axis)
        deviation = state.deviation - (moved if self.metric is None else state.metric.scale(moved))
        return state._replace(consensus=state.consensus + increment, deviation=deviation, increment=increment)

    def client_update(self, state: State, at: Observation) -> State:
        """Return the state after every client's inexact solve at the shared w: one line per line of Algorithm 1."""
        penalty = self._next_penalty(state) if self.penalty_update == "before_solve" else state.penalty
        rho, at = self._rho(state), self._complete(state, at, penalty)
        direction, preconditioner_state = self.preconditioner.update(state.preconditioner, at)
        solution = self.preconditioner.solve(preconditioner_state, state.multiplier + direction, penalty, rho)
        if at.active is not None:
            kept = (namespace(solution).zeros_like(solution), state.preconditioner)
            solution, preconditioner_state = keep_absent(at.active, (solution, preconditioner_state), kept)
        deviation = updates.local_deviation(solution)
        multiplier = updates.multiplier_step(state.multiplier, penalty, deviation)
        metric = None if self.metric is None else self.metric.update(state.metric, aggregate(state, at))
        if isinstance(self.metric, Metric) and metric is not None:
            deviation = self.metric.rescale(state.metric, metric, deviation, state.iteration)
        if self.penalty_update == "after_solve":
            penalty = self._next_penalty(state)
        return state._replace(
            iteration=state.iteration + 1,
            deviation=deviation,
            multiplier=multiplier,
            penalty=penalty,
            preconditioner=preconditioner_state,
            metric=metric,
        )

    def _complete(self, state: State, at: Observation, penalty: Array) -> Observation:
        """Complete what a caller left out of ``at``."""
        return at._replace(
            gradient=known_gradient(at.active, at.gradient, state.multiplier),
            multiplier=state.multiplier,
            consensus=state.shared,
            iteration=state.iteration,
            batch_axes=state.client_axis + 1,
            penalty=penalty,
            rho=self._rho(state),
        )

    def _next_penalty(self, state: State) -> Array:
        if isinstance(self.penalty, Backtracking):
            return state.penalty
        schedule = self.schedule or (Constant() if self.penalty_ratio == 1.0 else Geometric(self.penalty_ratio))
        initial = broadcast(like(self.penalty, state.penalty), state.penalty.shape)
        return bounded(schedule.next(initial, state), initial)

    def _rho(self, state: State) -> Array | float:
        return (
            self.rho if isinstance(self.rho, float) else broadcast(like(self.rho, state.penalty), state.penalty.shape)
        )

    @staticmethod
    def _per_client(name: str, value: Scalars, weights: Array, lead: tuple[int, ...]) -> Array:
        array, target = like(value, weights), (*lead, weights.shape[0])
        padded = (1,) * (len(target) - array.ndim) + tuple(array.shape)
        if array.ndim > len(target) or any(have not in (1, want) for have, want in zip(padded, target, strict=True)):
            raise ValueError(f"{name}: shape {tuple(array.shape)} does not fit (replicates, clients) = {target}")
        return broadcast(array, target)


def sisa(
    penalty: Scalars | str | Backtracking,
    *,
    rho: Scalars = 1.0,
    scheme: str = "III",
    beta: float = 0.999,
    clip: float | None = None,
    metric: str | ServerStep | None = None,
    momentum: float | None = None,
    **settings: Any,
) -> PISA:
    """Return SISA: PISA with Q from the second moment of π + g; with a ``metric``, its repair.

    As published (``metric`` None) the second moment sets a momentum. With ``metric="ema"``, or any other of `METRICS`
    or a `Metric`, it sets the length of the step instead, and the clients have the scalar ``momentum``, by default 0.9;
    ``rho``, ``scheme``, ``beta`` and ``clip`` are of no effect then, as ``momentum`` is without one.
    Source: MATHEMATICS.md#preconditioners, MATHEMATICS.md#N3.

    Raises:
        ValueError: a setting of no effect, or the name of a metric that needs a problem: build that row of `METRICS`.
    """
    if metric is None:
        if momentum is not None:
            raise ValueError(f"momentum: {momentum!r} says nothing without a metric; Q sets the momentum there")
        moment = SecondMoment(scheme=scheme, beta=beta, clip=clip)
        return PISA(penalty=penalty, rho=rho, preconditioner=moment, **settings)
    if (rho, scheme, beta, clip) != (1.0, "III", 0.999, None):
        raise ValueError("metric: with one, rho, scheme, beta and clip say nothing; give them to the Metric")
    if isinstance(metric, str):
        try:
            metric = metric_by_name(metric).build(None)
        except AttributeError as error:
            raise ValueError(f"metric: {metric!r} is built for a problem; metrics.by_name(…).build(problem)") from error
    memory = HeavyBall() if momentum is None else HeavyBall(momentum)
    return PISA(penalty=penalty, preconditioner=memory, metric=metric, **settings)


def nsisa(
    penalty: Scalars | str | Backtracking,
    *,
    rho: Scalars = 1.0,
    blocks: Any = None,
    where: str = "client",
    momentum: float = 0.95,
    scale: str = "constant",
    ratio: float = 1.0,
    **settings: Any,
) -> PISA:
    """Return NSISA: Newton–Schulz orthogonalised momentum on the matrix ``blocks``, of each client or on the server.

    ``blocks`` are the (name, shape) pairs of a flat parameter, `problem.blocks`; None treats a two-axis parameter as
    one matrix. As published (``where="client"``) each client's gradient is replaced, and fixed points need not be
    stationary (V9). With ``where="server"`` the server orthogonalises the aggregate once a round, with the length
    ``scale`` of `SpectralDescent`, after scalar ``momentum`` at the clients; what is no matrix takes steps of
    ``ratio``/σ in Adam's metric. ``rho`` is of the first alone, ``scale`` and ``ratio`` of the second.
    Source: MATHEMATICS.md#preconditioners, MATHEMATICS.md#N6.

    Raises:
        ValueError: a setting of no effect where ``where`` says.
    """
    choice("where", where, ("client", "server"))
    if where == "client" and (scale, ratio) != ("constant", 1.0):
        raise ValueError("scale: it and ratio are of the server's Newton–Schulz; where='server' has it")
    if where == "server" and rho != 1.0:
        raise ValueError(f"rho: {rho!r} says nothing on the server; it weighs the clients' Q, where='client'")
    if where == "client":
        return PISA(
            penalty=penalty, rho=rho, preconditioner=OrthogonalMomentum(blocks=blocks, momentum=momentum), **settings
        )
    descent = SpectralDescent(scale, blocks=blocks, ratio=ratio)
    return PISA(penalty=penalty, preconditioner=HeavyBall(momentum), metric=descent, **settings)
