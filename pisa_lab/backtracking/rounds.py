"""One round of the search: candidates until one is accepted, for every replicate by itself."""

from typing import Any, Protocol

import numpy as np

from pisa_lab import updates
from pisa_lab._array import Array, column, namespace, to_numpy
from pisa_lab.backtracking.merit import Point, bound, differences, evaluate, is_rounding, point
from pisa_lab.backtracking.rule import ROUNDING, SEARCHING, TRIALS, Backtracking, Search
from pisa_lab.metrics import Metric
from pisa_lab.preconditioners import Diagonal
from pisa_lab.problem import Problem
from pisa_lab.state import Observation, Oracle, State, select


class Halves(Protocol):
    """What the search needs of a method: its two half-steps and its metric."""

    @property
    def metric(self) -> Any:
        """The server's metric or None."""

    def server_update(self, state: State) -> State:
        """Return the state with the new consensus."""

    def client_update(self, state: State, at: Observation) -> State:
        """Return the state after every client's step."""


def begin(problem: Problem, state: State) -> State:
    """Return the warm start: multipliers at minus the gradients, which the first test needs anyway.

    Raises:
        ValueError: a metric that is no diagonal, in which the test cannot be made.
    """
    form = getattr(state.metric, "form", None)
    if form is not None and not isinstance(form, Diagonal):
        raise ValueError(f"metric: its form is a {type(form).__name__}; a searched penalty needs a diagonal one")
    at = evaluate(problem, state)
    zeros = 0 * at.value
    found = Search(at.gradient, at.value, zeros, zeros, 1 + zeros, 0 * zeros, 0 * zeros)
    return state._replace(multiplier=-at.gradient, search=found)


def search(rule: Backtracking, method: Halves, state: State, oracle: Oracle) -> State:
    """Return the state after one round that ends with an accepted step, in every replicate that still searches.

    Raises:
        ValueError: the oracle gives mini-batches, or has no problem to ask for values.
    """
    trial = _Round(rule, method, _full_problem(oracle), state)
    for _ in range(rule.trials):
        if not trial.is_open:
            break
        trial.attempt()
    return trial.close()


def _full_problem(oracle: Any) -> Problem:
    problem: Problem | None = getattr(oracle, "problem", None)
    if problem is None:
        raise ValueError("penalty: 'auto' compares values of F; give step an oracle with a problem, as `run` does")
    if getattr(oracle, "batched", False):
        raise ValueError(
            "penalty: 'auto' compares values of F, which mini-batches do not give; rules for them that ask for no L "
            "are metrics, with penalty=1: 'adagrad-norm', 'adagrad-layer' (sums of squares), 'secant'; "
            "'adagrad-coordinate' where every coordinate is seen from the first batch on"
        )
    return problem


class _Round:
    """One round in progress: the two client steps to choose from, and what is settled for each replicate."""

    def __init__(self, rule: Backtracking, method: Halves, problem: Problem, state: State) -> None:
        self._rule, self._method, self._problem = rule, method, problem
        self._xp: Any = namespace(state.consensus)
        found: Search = state.search
        self._old = point(state, found.value, found.gradient)
        falling = state.penalty / (1 + rule.relaxation) if state.iteration else state.penalty
        self._begun = self._penalty = self._xp.clip(falling, min=rule.least)
        look = Observation(found.gradient, None, problem)
        self._proposed = method.client_update(state._replace(penalty=self._begun), look)
        self._restarted = self._proposed._replace(deviation=0 * found.gradient, multiplier=-found.gradient)
        error = self._xp.reshape(found.gradient + state.multiplier, (*found.value.shape, -1))
        # With nothing to restart from, the gradient's own step is the only one that is sure to pass in the end.
        self._fresh = self._xp.all(error == 0, axis=-1)
        status = self._xp.where(is_rounding(self._old), ROUNDING + 0 * found.status, found.status)
        self._open = status == SEARCHING
        self._search = found._replace(status=status)
        self._kept = state._replace(iteration=state.iteration + 1, search=None)
        self._gap = self._xp.full_like(found.value, float("inf"))
        self._reset = self._xp.zeros_like(self._open)

    @property
    def is_open(self) -> bool:
        """Whether a replicate has no accepted step yet."""
        return bool(np.any(to_numpy(self._open)))

    def close(self) -> State:
        """Return the state after the round; a replicate without an accepted step stays, and its status says why."""
        status = self._xp.where(self._open, TRIALS + 0 * self._search.status, self._search.status)
        return self._kept._replace(search=self._search._replace(status=status))

    def attempt(self) -> None:
        """Evaluate a candidate for every replicate; what passes is kept, of what fails multipliers restart or σ grows.

        Where (T) fails by no more than a few times the distance between the value and its slope, and a larger σ does
        not bring the two together as it does for a smooth F, that distance is noise: once a round σ goes back to where
        it began.
        """
        xp, new = self._xp, evaluate(self._problem, self._candidate())
        change, gap = differences(self._old, new, self._search.noise)
        limit = bound(self._rule, self._method.metric, self._problem, self._old, new, self._fresh)
        same = xp.reshape(new.state.consensus == self._old.state.consensus, (*change.shape, -1))
        passed = (change <= limit) | xp.all(same, axis=-1)
        self._keep(self._open & passed, new)
        failed = self._open & ~passed
        small = gap < 1e-6 * xp.clip(xp.abs(self._old.value), min=1.0)
        is_noise = xp.isfinite(self._gap) & (gap > self._gap / self._rule.factor) & (change - limit <= 4 * gap) & small
        stuck = failed & self._fresh & ~self._reset & is_noise
        grown = failed & self._fresh & ~stuck
        found, one = self._search, xp.ones_like(change)
        self._search = found._replace(
            noise=xp.where(stuck, xp.maximum(found.noise, 4 * gap), found.noise),
            restarts=found.restarts + xp.where(failed & ~self._fresh, one, 0 * one),
            rejections=found.rejections + xp.where(grown, one, 0 * one),
        )
        larger = xp.where(column(grown, self._penalty), self._penalty * self._rule.factor, self._penalty)
        self._penalty = xp.where(column(stuck, self._penalty), self._begun, larger)
        self._gap = xp.where(failed & self._fresh, gap, self._gap)
        self._reset, self._fresh, self._open = self._reset | stuck, self._fresh | failed, failed

    def _candidate(self) -> State:
        """Return the state after the server's step from the proposal, or from the restart where that is due."""
        proposed, restarted = (half._replace(penalty=self._penalty) for half in (self._proposed, self._restarted))
        if self._method.metric is None or isinstance(self._method.metric, Metric):
            return self._method.server_update(_choose(self._fresh, restarted, proposed))
        candidate: State = _choose(self._fresh, _gradient_step(restarted), self._method.server_update(proposed))
        return candidate

    def _keep(self, accepted: Array, new: Point) -> None:
        found = self._search
        spent = found.trials + self._xp.where(self._open, 1 + 0 * new.value, 0 * new.value)
        here = found._replace(value=new.value, gradient=new.gradient)
        self._search = _choose(accepted, here, found)._replace(trials=spent)
        self._kept = _choose(accepted, new.state._replace(search=None), self._kept)


def _gradient_step(state: State) -> State:
    """Return ``state`` after the server's step without a metric: from restarted multipliers, −G/s."""
    increment = updates.consensus_step(
        state.consensus, state.deviation, state.multiplier, state.penalty, state.weights, state.ridge
    )
    moved = namespace(increment).expand_dims(increment, axis=state.client_axis)
    return state._replace(consensus=state.consensus + increment, deviation=state.deviation - moved, increment=increment)


def _choose(keep: Array, new: Any, old: Any) -> Any:
    """Return ``new`` where ``keep`` holds, replicate by replicate."""
    if keep.ndim:
        return select(keep, new, old, int(keep.shape[0]))
    return new if bool(keep) else old
