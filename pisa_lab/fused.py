"""SISA with its diagonal step fused into one pass: the same bits, chosen by name and only where it pays."""

import dataclasses
import math
from typing import Any, NamedTuple

import numpy as np

from pisa_lab import _fused, updates
from pisa_lab._array import Array, broadcast, column, like, namespace
from pisa_lab._checks import whole
from pisa_lab.method import PISA
from pisa_lab.preconditioners import Diagonal, SecondMoment
from pisa_lab.presence import keep_absent
from pisa_lab.problem import Problem
from pisa_lab.schedules import Constant, Function, Geometric, InverseCosine, Polynomial
from pisa_lab.state import Observation, Oracle, State

PAYS_FROM = 2**15
"""Numbers in one buffer (replicates × clients × parameter) below which a step is dominated by the calls around it."""

_BLIND = (type(None), Constant, Geometric, Polynomial, InverseCosine, Function)
"""Schedules that do not look at w_i − w, so that between the two halves of `step` it need not be formed."""


class FusedMoment(NamedTuple):
    """The state of `SecondMoment` without the buffer of Q, which is made from the moment when somebody asks."""

    moment: Array
    correction: float
    cap: float

    @property
    def form(self) -> Diagonal:
        """Q = Diag min(√(v/correction), cap)."""
        xp = namespace(self.moment)
        return Diagonal(xp.clip(xp.sqrt(self.moment / self.correction), 0.0, self.cap))


@dataclasses.dataclass(frozen=True, kw_only=True)
class FusedPISA(PISA):
    """PISA with a `SecondMoment`, whose diagonal step is one compiled pass; made by `fuse`.

    Whether the pass is used is settled in `init` and shows in the state: a `FusedMoment` under ``preconditioner``. It
    is used for NumPy with numba installed (extra ``fast``) and for CuPy, float32 and float64, where a buffer holds at
    least ``pays_from`` numbers; everywhere else the pure lines run. Both give the same bits, so that no result depends
    on the choice.
    """

    pays_from: int = PAYS_FROM

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "pays_from", whole("pays_from", self.pays_from))
        # The class itself: a subclass may have changed the lines that the pass repeats.
        if type(self.preconditioner) is not SecondMoment:
            raise ValueError(f"preconditioner: {self.preconditioner!r} has no fused step, only SecondMoment has")

    def init(self, problem: Problem, w: Array, *, replicates: int | None = None) -> State:
        """Return the state at ``w``, with a `FusedMoment` where the fused pass will be used."""
        state = super().init(problem, w, replicates=replicates)
        moment = state.preconditioner.moment
        if self.metric is not None or self.is_searching:
            return state
        if math.prod(moment.shape) < self.pays_from or not _fused.available(moment):
            return state
        return state._replace(preconditioner=FusedMoment(moment, 1.0, self._scalars(0).cap))

    def step(self, state: State, oracle: Oracle) -> State:
        """Return the state after one round."""
        plain = self.first == "client" or not self.extrapolation
        if plain or not isinstance(self.schedule, _BLIND) or not _is_fused(state):
            return super().step(state, oracle)
        increment = self._increment(state)
        state = state._replace(consensus=state.consensus + increment, increment=increment)
        return self.client_update(state, oracle(state.shared))

    def client_update(self, state: State, at: Observation) -> State:
        """Return the state after every client's step, in one pass over multiplier, gradient and moment."""
        if not _is_fused(state):
            return super().client_update(state, at)
        following = self._next_penalty(state)
        used = following if self.penalty_update == "before_solve" else state.penalty
        scalars = self._scalars(state.iteration)
        deviation, multiplier, moment = self._pass(state, at.gradient, used, scalars)
        if at.active is not None:
            kept = (namespace(deviation).zeros_like(deviation), state.multiplier, state.preconditioner.moment)
            deviation, multiplier, moment = keep_absent(at.active, (deviation, multiplier, moment), kept)
        return state._replace(
            iteration=state.iteration + 1,
            deviation=deviation,
            multiplier=multiplier,
            penalty=following,
            preconditioner=FusedMoment(moment, scalars.correction, scalars.cap),
        )

    def _pass(
        self, state: State, gradient: Array, penalty: Array, scalars: _fused.Moments
    ) -> tuple[Array, Array, Array]:
        """Return (w_i − w, π_i, v_i) in new arrays."""
        xp, shape = namespace(state.multiplier), state.multiplier.shape
        rows = math.prod(penalty.shape)
        rho = broadcast(like(self.rho, penalty), penalty.shape)
        multiplier, gradient, moment = (
            _contiguous(xp.reshape(xp.broadcast_to(x, shape), (rows, -1)))
            for x in (state.multiplier, gradient, state.preconditioner.moment)
        )
        out = (xp.empty_like(moment), xp.empty_like(moment), xp.empty_like(moment))
        _fused.client_step(
            multiplier, gradient, moment, xp.reshape(penalty, (rows,)), xp.reshape(rho, (rows,)), scalars, out=out
        )
        return xp.reshape(out[0], shape), xp.reshape(out[1], shape), xp.reshape(out[2], shape)

    def _increment(self, state: State) -> Array:
        """Return what `updates.consensus_step` returns, with the sum over clients in one pass."""
        if not isinstance(state.deviation, np.ndarray):
            return updates.consensus_step(
                state.consensus, state.deviation, state.multiplier, state.penalty, state.weights, state.ridge
            )
        axis, clients = state.client_axis, state.weights.shape[0]
        shape = (-1, clients, math.prod(state.consensus.shape[axis:]))
        deviation, multiplier = (_contiguous(np.reshape(x, shape)) for x in (state.deviation, state.multiplier))
        pull = _fused.server_sum(deviation, multiplier, np.reshape(state.penalty, (-1, clients)), state.weights)
        total = np.sum(state.weights * state.penalty, axis=axis)
        pull = np.reshape(pull, state.consensus.shape) - state.ridge * state.consensus
        increment: Array = pull / (column(total, state.consensus) + state.ridge)
        return increment

    def _scalars(self, iteration: int) -> _fused.Moments:
        rule: Any = self.preconditioner
        cap = math.inf if rule.clip is None else rule.clip
        if rule.scheme == "I":
            return _fused.Moments(1.0, 1.0, 1.0, cap, cap * cap)
        correction = 1 - rule.beta ** (iteration + 1) if rule.scheme == "III" else 1.0
        return _fused.Moments(rule.beta, 1 - rule.beta, correction, cap, math.inf)


def fuse(method: PISA, *, pays_from: int = PAYS_FROM) -> FusedPISA:
    """Return ``method``, a PISA with a `SecondMoment` such as `sisa` makes, with its step fused where that pays.

    Args:
        method: what to run.
        pays_from: numbers in one buffer from which the fused pass is used; 0 uses it always.

    Raises:
        ValueError: another preconditioner.
    """
    fields = {field.name: getattr(method, field.name) for field in dataclasses.fields(PISA)}
    return FusedPISA(**fields, pays_from=pays_from)


def _is_fused(state: State) -> bool:
    return isinstance(state.preconditioner, FusedMoment)


def _contiguous(x: Array) -> Array:
    """Return ``x`` itself where its numbers lie in order, else a copy: the passes run over 1-D slices."""
    return x if x.flags.c_contiguous else namespace(x).asarray(x, copy=True)
