r"""Functions that attain a worst case exactly: along the run every $\nabla F_\lambda(w^k)$ is the same number.

One client (or m equal ones, which the merging lemma makes one), one variable, fractions only. To the left of the last
iterate $F_\lambda'$ falls to 0 as fast as the class allows and stays 0 (for the last value from a known distance it
stays level as long again as the run was); between two iterates it dips as deep as the class allows (nonconvex: a
sawtooth) or stays level (convex: Huber's function). The run visits the points by the engine's own unrolled recursion;
that the function is in its class and where its infimum lies is read off its breakpoints.
"""

import dataclasses
from bisect import bisect_right
from fractions import Fraction
from itertools import pairwise

from proofs_check.certified.algorithms import Form, trajectory
from proofs_check.certified.lemma import merge_clients
from proofs_check.certified.setting import Setting


@dataclasses.dataclass(frozen=True)
class PiecewiseSlope:
    r"""A function of one variable by its derivative: linear between ``breakpoints``, constant beyond them.

    Args:
        breakpoints: increasing.
        slopes: the derivative at each of them; the first is 0, so that the function is least there.
    """

    breakpoints: tuple[Fraction, ...]
    slopes: tuple[Fraction, ...]

    def derivative(self, x: Fraction) -> Fraction:
        """Return f'(x)."""
        place = bisect_right(self.breakpoints, x)
        if place in (0, len(self.breakpoints)):
            return self.slopes[min(place, len(self.breakpoints) - 1)]
        (left, right), (low, high) = (table[place - 1 : place + 1] for table in (self.breakpoints, self.slopes))
        return low + (high - low) * (x - left) / (right - left)

    def curvatures(self) -> list[Fraction]:
        """Return f'' on every piece, the constant ends included."""
        pieces = zip(self.breakpoints, self.breakpoints[1:], self.slopes, self.slopes[1:], strict=False)
        return [Fraction(0), *((high - low) / (right - left) for left, right, low, high in pieces)]

    def above_infimum(self, x: Fraction) -> Fraction:
        """Return f(x) − inf f for a breakpoint x, where f' ≥ 0: the area under f' from the first breakpoint."""
        total = Fraction(0)
        for k in range(self.breakpoints.index(x)):
            total += (self.slopes[k] + self.slopes[k + 1]) * (self.breakpoints[k + 1] - self.breakpoints[k]) / 2
        return total


def visited_points(setting: Setting, function: PiecewiseSlope | None) -> tuple[Fraction, ...]:
    r"""Return $w^0 = 0, w^1, \dots, w^N$ of the setting's method on F_λ; None stands for gradients that are all 1."""
    values: Form = {"w0": Fraction(0)}
    points = []
    for point in trajectory(setting).points[0][: setting.rounds + 1]:
        x = sum((coefficient * values[name] for name, coefficient in point.x.items()), Fraction(0))
        slope = Fraction(1) if function is None else function.derivative(x)
        (name,) = point.gradient
        values[name] = slope - setting.ridge * x
        points.append(x)
    return tuple(points)


def matching_function(setting: Setting) -> PiecewiseSlope:
    """Return the function with slope 1 at every point that the run visits, as low as the class allows between them.

    Raises:
        ValueError: more than one client, exact ADMM or local steps; or the run does not move steadily to the left.
    """
    setting = merge_clients(setting)
    if setting.clients > 1 or setting.method == "admm" or setting.local_steps > 1:
        raise ValueError("setting: one client and one gradient a round are needed")
    points = visited_points(setting, None)
    if any(left >= right for right, left in pairwise(points)):
        raise ValueError("setting: the run with equal gradients does not move steadily to the left")
    low, high = setting.curvature[0] + setting.ridge, setting.lipschitz[0] + setting.ridge
    level = [points[-1]]
    if setting.metric == "last_value" and setting.initial == "distance":
        level = [2 * points[-1] - points[0], points[-1]]
    breakpoints, slopes = [level[0] - 1 / high, *level], [Fraction(0), *(Fraction(1) for _ in level)]
    for left, right in zip(points[:0:-1], points[-2::-1], strict=True):
        if low < 0:
            depth = (right - left) / (1 / high - 1 / low)
            breakpoints.append(left - depth / low)
            slopes.append(1 - depth)
        breakpoints.append(right)
        slopes.append(Fraction(1))
    return PiecewiseSlope(tuple(breakpoints), tuple(slopes))


def in_class(setting: Setting, function: PiecewiseSlope) -> bool:
    """Return whether the function is an F_λ of the setting's class whose infimum is at its first breakpoint."""
    low, high = setting.curvature[0] + setting.ridge, setting.lipschitz[0] + setting.ridge
    curved = all(low <= curvature <= high for curvature in function.curvatures())
    return curved and function.slopes[0] == 0 and min(function.slopes) >= 0


def matching_value(setting: Setting) -> Fraction:
    """Return the metric of the setting's method on `matching_function`, scaled to the initial condition with equality.

    Raises:
        ValueError: see `matching_function`; or the function is not in the class.
    """
    setting = merge_clients(setting)
    function = matching_function(setting)
    if not in_class(setting, function):
        raise ValueError("setting: the function with equal gradients is not in the class")
    points = visited_points(setting, function)
    gradients = [function.derivative(x) for x in points]
    if setting.metric == "last_value":
        found = function.above_infimum(points[-1])
    else:
        found = min(gradients if setting.metric == "min_gradient" else gradients[-1:]) ** 2
    distance = points[0] - function.breakpoints[0]
    return found / (distance**2 if setting.initial == "distance" else function.above_infimum(points[0]))
