"""Minimisers of convex problems that have no closed form, by Newton's method with conjugate gradients."""

import dataclasses
import math
from typing import Any

from pisa_lab._array import Array, client_sum, namespace
from pisa_lab._checks import real
from pisa_lab.problem import objective, total_gradient

STEPS = 100
"""Newton steps, each of up to 1000 conjugate-gradient steps; a convex problem with a minimiser needs about ten."""


def solve(problem: Any, *, tolerance: float = 1e-12) -> Array:
    r"""Return the minimiser of a convex problem, to $\|\nabla F_\lambda(w)\| \le$ ``tolerance`` · max(1, ‖∇F_λ(w⁰)‖).

    Inexact Newton: conjugate gradients to a relative residual that falls with the gradient, Armijo's rule for length.
    A stall is accepted below $10^3$ times the tolerance: rounding of sums over samples can hold the gradient there.

    Raises:
        ValueError: the problem is not known to be convex, or no minimiser is found (separable data without a ridge).
    """
    if not getattr(problem, "convex", False):
        raise ValueError("problem: not known to be convex; Newton's method could stop at a saddle")
    w, tolerance = problem.initial, real("tolerance", tolerance, at_least=1e-14)
    gradient = total_gradient(problem, w)
    scale = max(1.0, _norm(gradient))
    for _ in range(STEPS):
        if _norm(gradient) <= tolerance * scale:
            break
        trial = _line_search(problem, w, gradient, _newton_direction(problem, w, gradient, scale))
        if trial is None:
            break
        w, gradient = trial, total_gradient(problem, trial)
    # Where F only tends to its infimum, the gradient vanishes on the way to infinity and the Newton steps do not.
    step = _norm(_newton_direction(problem, w, gradient, scale))
    if _norm(gradient) <= 1e3 * tolerance * scale and step <= 1e-3 * (1 + _norm(w)):
        return w
    raise ValueError(
        f"problem: no minimiser found, gradient {_norm(gradient):g} at norm {_norm(w):g}; a ridge > 0 makes one exist"
    )


def with_minimiser(problem: Any, *, tolerance: float = 1e-12) -> Any:
    """Return the problem with ``minimiser`` and ``optimum``, computed by `solve` unless they are there.

    Raises:
        ValueError: as `solve` does.
    """
    if problem.minimiser is not None:
        return problem
    w = solve(problem, tolerance=tolerance)
    return dataclasses.replace(problem, minimiser=w, optimum=float(objective(problem, w)))


def _inner(a: Array, b: Array) -> float:
    return float(namespace(a).sum(a * b))


def _norm(a: Array) -> float:
    return math.sqrt(_inner(a, a))


def _product(problem: Any, w: Array, v: Array) -> Array:
    """Return ∇²F_λ(w)v."""
    return client_sum(problem.weights, problem.hvp(w[None, ...], v[None, ...]), 0) + problem.ridge * v


def _newton_direction(problem: Any, w: Array, gradient: Array, scale: float) -> Array:
    """Return an approximate −∇²F_λ⁻¹∇F_λ; the steepest descent where the curvature vanishes at once."""
    goal = min(0.1, _norm(gradient) / scale) * _norm(gradient)
    direction, residual = 0 * gradient, -gradient
    along, square = residual, _inner(residual, residual)
    for _ in range(min(1000, 10 * int(gradient.shape[0]))):
        if math.sqrt(square) <= goal:
            break
        image = _product(problem, w, along)
        curvature = _inner(along, image)
        if curvature <= 1e-15 * _inner(along, along):
            return direction if _norm(direction) > 0 else residual
        direction = direction + square / curvature * along
        residual = residual - square / curvature * image
        square, before = _inner(residual, residual), square
        along = residual + square / before * along
    return direction


def _line_search(problem: Any, w: Array, gradient: Array, direction: Array) -> Array | None:
    """Return the first w + direction/2^k that descends enough, or None; close in, by the gradient's norm."""
    value, fall, size = float(objective(problem, w)), _inner(gradient, direction), _norm(gradient)
    for power in range(50):
        trial = w + 0.5**power * direction
        # Near the minimiser the change of F is below its rounding, and only the gradient can tell.
        if float(objective(problem, trial)) <= value + 1e-4 * 0.5**power * fall:
            return trial
        if abs(fall) <= 1e-12 * max(1.0, abs(value)) and _norm(total_gradient(problem, trial)) < size:
            return trial
    return None
