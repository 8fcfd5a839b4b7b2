r"""The rows of a performance-estimation problem: interpolation, $F^*$, initial condition, metric.

A row is an expression $c + \langle\varphi, f\rangle + \langle Q, G\rangle$ in the function values f and the Gram matrix
G of the basis.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from proofs_check.certified.algorithms import Form, Point, Trajectory, combine
from proofs_check.certified.setting import Setting

Matrix = np.ndarray[Any, Any]
INFIMUM = "F*"


@dataclasses.dataclass(frozen=True)
class Row:
    r"""One expression, named by ``kind`` and ``index``; constant and values exact, the quadratic part in floats."""

    kind: str
    index: tuple[int, ...]
    constant: Fraction
    values: Form
    quadratic: Matrix


class Rows:
    """Builds the rows of one setting over the basis of its trajectory."""

    def __init__(self, setting: Setting, path: Trajectory) -> None:
        self.setting, self.path = setting, path
        self._place = {name: place for place, name in enumerate(path.basis)}

    def vector(self, form: Form) -> Matrix:
        """Return ``form`` in floats over the basis."""
        result = np.zeros(len(self._place))
        for name, value in form.items():
            result[self._place[name]] = float(value)
        return result

    def square(self, form: Form) -> Matrix:
        """Return the matrix of ‖form‖²."""
        vector = self.vector(form)
        return np.outer(vector, vector)

    def objective(self, place: int) -> tuple[Form, Matrix]:
        r"""Return $F_\lambda$ at the clients' common point number ``place``, as (values, quadratic)."""
        values = combine(*((a, {p[place].value: Fraction(1)}) for a, p in self._clients()))
        return values, float(self.setting.ridge) / 2 * self.square(self.path.points[0][place].x)

    def gradient(self, place: int) -> Form:
        r"""Return $\nabla F_\lambda$ at the clients' common point number ``place``."""
        terms = [(a, p[place].gradient) for a, p in self._clients()]
        return combine((self.setting.ridge, self.path.points[0][place].x), *terms)

    def _clients(self) -> Iterator[tuple[Fraction, tuple[Point, ...]]]:
        return zip(self.setting.weights, self.path.points, strict=True)

    def infimum(self) -> tuple[Form, Matrix]:
        r"""Return $F_\lambda^*$: its value at w* where the setting names it, a symbol of its own otherwise."""
        if self.path.minimiser:
            return self.objective(-1)
        return {INFIMUM: Fraction(1)}, np.zeros((len(self._place),) * 2)

    def above(self, place: int) -> tuple[Form, Matrix]:
        r"""Return $F_\lambda - F_\lambda^*$ at ``place``."""
        (values, quadratic), (low, base) = self.objective(place), self.infimum()
        return combine((1, values), (-1, low)), quadratic - base

    def metric(self) -> list[Row]:
        """Return the metric's rows; for a minimum there is one per iterate, and their multipliers sum to one."""
        ends = self.path.iterates if self.setting.metric == "min_gradient" else self.path.iterates[-1:]
        if self.setting.metric == "last_value":
            return [Row("metric", (0,), Fraction(0), *self.above(ends[0]))]
        return [Row("metric", (k,), Fraction(0), {}, self.square(self.gradient(end))) for k, end in enumerate(ends)]

    def constraints(self, pairs: str = "all") -> list[Row]:
        """Return all expressions that the hypotheses make ≥ 0; ``pairs`` "consecutive" keeps neighbours in time."""
        rows = [self._initial(), *self._heterogeneity(), *self._lower()]
        for client, points in enumerate(self.path.points):
            for i in range(len(points)):
                near = range(len(points)) if pairs == "all" else (i - 1, i + 1)
                rows += [self._pair(client, i, j) for j in near if j != i and 0 <= j < len(points)]
        return rows

    def _initial(self) -> Row:
        start = self.path.iterates[0]
        if self.setting.initial == "distance":
            points = self.path.points[0]
            return Row("initial", (), Fraction(1), {}, -self.square(combine((1, points[start].x), (-1, points[-1].x))))
        values, quadratic = self.above(start)
        return Row("initial", (), Fraction(1), combine((-1, values)), -quadratic)

    def _heterogeneity(self) -> Iterator[Row]:
        if self.setting.heterogeneity is None:
            return
        for k, place in enumerate(self.path.iterates):
            mean = combine(*((a, points[place].gradient) for a, points in self._clients()))
            spread = sum(
                float(a) * self.square(combine((1, points[place].gradient), (-1, mean)))
                for a, points in self._clients()
            )
            yield Row("heterogeneity", (k,), self.setting.heterogeneity, {}, -np.asarray(spread))

    def _lower(self) -> Iterator[Row]:
        r"""Yield $F_\lambda(w^k) - \|\nabla F_\lambda(w^k)\|^2/(2(\sum\alpha_iL_i+\lambda)) - F_\lambda^* \ge 0$."""
        for k, place in enumerate(self.path.iterates):
            values, quadratic = self.above(place)
            decrease = self.square(self.gradient(place)) / (2 * float(self.setting.smoothness))
            yield Row("infimum", (k,), Fraction(0), values, quadratic - decrease)

    def _pair(self, client: int, i: int, j: int) -> Row:
        r"""Return the interpolation inequality of $F_{\mu,L}$ at points i and j.

        Source: Taylor, Hendrickx, Glineur (2017), Theorem 4.

        $$f_i - f_j - \langle g_j, x_i - x_j\rangle - \frac{\|g_i-g_j\|^2 + \mu L\|x_i-x_j\|^2 - 2\mu\langle
        g_i-g_j, x_i-x_j\rangle}{2(L-\mu)} \ge 0$$
        """
        first, second = self.path.points[client][i], self.path.points[client][j]
        x, g = (
            self.vector(combine((1, a), (-1, b))) for a, b in ((first.x, second.x), (first.gradient, second.gradient))
        )
        low, high = float(self.setting.curvature[client]), float(self.setting.lipschitz[client])
        slope = np.outer(self.vector(second.gradient), x)
        mixed = np.outer(g, x)
        curved = np.outer(g, g) + low * high * np.outer(x, x) - low * (mixed + mixed.T)
        quadratic = -(slope + slope.T) / 2 - curved / (2 * (high - low))
        values = {first.value: Fraction(1), second.value: Fraction(-1)}
        return Row("interpolation", (client, i, j), Fraction(0), values, quadratic)


def value_names(rows: Sequence[Row], path: Trajectory) -> tuple[str, ...]:
    """Return the function values in ``rows`` but every client's first: a constant added to F_i changes no row."""
    names = dict.fromkeys(name for row in rows for name in row.values)
    return tuple(name for name in names if name not in {points[0].value for points in path.points})
