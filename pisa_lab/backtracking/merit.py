"""The two sides of the test (T), in the metric of the step: pure functions of two neighbouring points."""

from typing import Any, NamedTuple

from pisa_lab._array import Array, client_sum, column, namespace, squared_norm
from pisa_lab.backtracking.rule import Backtracking
from pisa_lab.metrics import Metric, aggregate
from pisa_lab.problem import Problem
from pisa_lab.state import Observation, State


class Point(NamedTuple):
    """A state, and F_λ, ∇F_i and ∇F_λ at its consensus."""

    state: State
    value: Array
    gradient: Array
    total: Array


def evaluate(problem: Problem, state: State) -> Point:
    """Return the point of ``state``: one evaluation of every F_i and ∇F_i."""
    values = client_sum(state.weights, problem.client_value(state.shared), state.client_axis)
    ridge = state.ridge / 2 * squared_norm(state.consensus, state.client_axis)
    return point(state, values + ridge, problem.client_grad(state.shared))


def point(state: State, value: Array, gradient: Array) -> Point:
    """Return the point of ``state`` where value and gradients are known."""
    total = client_sum(state.weights, gradient, state.client_axis) + state.ridge * state.consensus
    return Point(state, value, gradient, total)


def bound(rule: Backtracking, metric: Any, problem: Problem, old: Point, new: Point, fresh: Array) -> Array:
    r"""Return the most that $F_\lambda(w')-F_\lambda(w)$ may be by (T); NaN where the new point is not finite.

    ``fresh`` marks replicates whose multipliers restarted, so that their old errors are 0.
    """
    xp = namespace(old.value)
    inverse = _inverse(metric, new.state)
    before = xp.where(fresh, 0 * old.value, _error(old, inverse))
    after = _error(new, inverse)
    gradient = squared_norm(old.total * xp.squeeze(inverse, axis=old.state.client_axis) ** 0.5, old.state.client_axis)
    pay = (1 + rule.relaxation) / _shrinkage(metric, problem, new)
    return rule.weight * ((1 - rule.contraction) * before - pay * after) - rule.decrease * gradient


def differences(old: Point, new: Point, noise: Array) -> tuple[Array, Array]:
    r"""Return $F_\lambda(w')-F_\lambda(w)$, and its distance from $\tfrac12\langle G+G', w'-w\rangle$.

    Where both are within ``noise``, or within eight roundings of the values, the second stands for the first: it loses
    no digit there. That is no certificate: the merit function then falls up to the noise only.
    """
    xp = namespace(old.value)
    unit = 4 * float(xp.finfo(old.value.dtype).eps)
    noise = xp.maximum(noise, unit * xp.maximum(xp.abs(old.value), xp.abs(new.value)))
    product = (new.total + old.total) * (new.state.consensus - old.state.consensus) / 2
    slope = xp.sum(xp.reshape(product, (*old.value.shape, -1)), axis=-1)
    exact = new.value - old.value
    is_hidden = (xp.abs(exact) <= noise) & (xp.abs(slope) <= noise)
    return xp.where(is_hidden, slope, exact), xp.abs(exact - slope)


def is_rounding(at: Point) -> Array:
    r"""Return where $\|G\|$ is a few units of rounding of what it is the sum of."""
    xp, axis = namespace(at.value), at.state.client_axis
    parts = client_sum(at.state.weights, xp.sqrt(squared_norm(at.gradient, axis + 1)), axis)
    parts = parts + at.state.ridge * xp.sqrt(squared_norm(at.state.consensus, axis))
    size = xp.sqrt(squared_norm(at.total, axis))
    return size <= 4 * float(xp.finfo(size.dtype).eps) * parts


def _error(at: Point, inverse: Array) -> Array:
    r"""Return $\sum_i\alpha_i\|\nabla F_i(w)+\pi_i\|^2_{S^{-1}}$, (…)."""
    axis = at.state.client_axis
    error = (at.gradient + at.state.multiplier) * inverse**0.5
    return client_sum(at.state.weights, squared_norm(error, axis + 1), axis)


def _inverse(metric: Any, state: State) -> Array:
    r"""Return the diagonal of $S^{-1} = (\sigma D+\lambda)^{-1}$, (…, 1, \*shape); D = I where it is no diagonal."""
    xp = namespace(state.consensus)
    total = xp.sum(state.weights * state.penalty, axis=-1, keepdims=True)
    ones = xp.ones_like(state.shared)
    if isinstance(metric, Metric):
        step: Array = metric.step(state.metric, ones, total, state.ridge)
        return step
    return ones / (column(total, ones) + state.ridge)


def _shrinkage(metric: Any, problem: Problem, new: Point) -> Array:
    """Return ϑ: by how much the metric of the next round is smaller anywhere than that of this one, at most 1."""
    xp, state = namespace(new.value), new.state
    if not isinstance(metric, Metric):
        return xp.ones_like(new.value)
    axes = state.client_axis + 1
    at = Observation(
        new.gradient, None, problem, state.multiplier, state.shared, state.iteration, axes, penalty=state.penalty
    )
    following = metric.update(state.metric, aggregate(state, at))
    ones = xp.ones_like(state.shared)
    ratio = following.scale(ones) / state.metric.scale(ones)
    return xp.clip(xp.min(xp.reshape(ratio, (*new.value.shape, -1)), axis=-1), max=1.0)
