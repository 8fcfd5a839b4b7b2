r"""Methods as linear recursions: every iterate combines $w^0$, $w^*$ and gradients met on the way."""

import dataclasses
from fractions import Fraction

from proofs_check.certified.setting import Setting

Form = dict[str, Fraction]
"""A vector as a combination of basis vectors: name → coefficient, no zero kept."""


@dataclasses.dataclass(frozen=True)
class Point:
    r"""A point at which one client's $F_i$ is known: $x$, $\nabla F_i(x)$ and the name of $F_i(x)$."""

    x: Form
    gradient: Form
    value: str


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """What a method met: per client its points, w* last if known; ``iterates[k]`` is the place of w^k there."""

    basis: tuple[str, ...]
    points: tuple[tuple[Point, ...], ...]
    iterates: tuple[int, ...]
    minimiser: bool


def combine(*terms: tuple[Fraction | int, Form]) -> Form:
    """Return the sum of coefficient × vector over ``terms``."""
    total: Form = {}
    for coefficient, form in terms:
        for name, value in form.items():
            total[name] = total.get(name, Fraction(0)) + coefficient * value
    return {name: value for name, value in total.items() if value}


def trajectory(setting: Setting) -> Trajectory:
    """Return the points that ``setting.rounds`` moves meet, and $w^*$ where the setting names it."""
    record = _Record(setting)
    {"pisa": _pisa, "fedavg": _fedavg, "admm": _admm}[setting.method](setting, record)
    if setting.minimiser:
        _add_minimiser(setting, record)
    return Trajectory(
        tuple(record.basis), tuple(tuple(points) for points in record.points), tuple(record.iterates), setting.minimiser
    )


class _Record:
    """Collects basis vectors and points while a method unrolls."""

    def __init__(self, setting: Setting) -> None:
        self.basis = ["w0"] if setting.ridge else []
        self.points: list[list[Point]] = [[] for _ in setting.weights]
        self.iterates: list[int] = []
        self.start: Form = {"w0": Fraction(1)} if setting.ridge else {}

    def fresh(self, name: str) -> Form:
        self.basis.append(name)
        return {name: Fraction(1)}

    def gradient(self, client: int, x: Form, label: str) -> Form:
        """Return the gradient of ``client`` at ``x``, a new basis vector."""
        gradient = self.fresh(f"g{client}@{label}")
        self.points[client].append(Point(x, gradient, f"f{client}@{label}"))
        return gradient

    def iterate(self, x: Form) -> list[Form]:
        """Note ``x`` as the next server iterate and return the clients' gradients there."""
        self.iterates.append(len(self.points[0]))
        return [self.gradient(client, x, str(len(self.iterates) - 1)) for client in range(len(self.points))]


def _server(setting: Setting, w: Form, pulls: list[Form], penalties: tuple[Fraction, ...]) -> Form:
    r"""Return $w + (\sum\alpha_i(\sigma_i d_i + \pi_i) - \lambda w)/(\sum\alpha_i\sigma_i + \lambda)$.

    The pulls are $\sigma_i d_i + \pi_i$.
    """
    total = sum((a * s for a, s in zip(setting.weights, penalties, strict=True)), setting.ridge)
    terms = [(a / total, pull) for a, pull in zip(setting.weights, pulls, strict=True)]
    return combine((1 - setting.ridge / total, w), *terms)


def _pisa(setting: Setting, record: _Record) -> None:
    """PISA with Q = I, the first gradient taken at w⁰. Source: MATHEMATICS.md#algorithm and #worst-cases."""
    w = record.start
    gradients = record.iterate(w)
    multipliers = [combine((-1, g)) if setting.warm else {} for g in gradients]
    for round_ in range(1, setting.rounds + 1):
        client = setting.penalties[round_ if setting.order == "before_solve" else round_ - 1]
        server, pulls = setting.penalties[round_], []
        for i, gradient in enumerate(gradients):
            deviation = combine((-1 / (client[i] + setting.rho[i]), combine((1, multipliers[i]), (1, gradient))))
            multipliers[i] = combine((1, multipliers[i]), (client[i], deviation))
            pulls.append(combine((server[i], deviation), (1, multipliers[i])))
        w = _server(setting, w, pulls, server)
        gradients = record.iterate(w)


def _fedavg(setting: Setting, record: _Record) -> None:
    """FedAvg: ``local_steps`` gradient steps of every client from w, then the weighted mean; one step is FedSGD."""
    w = record.start
    gradients = record.iterate(w)
    for round_ in range(1, setting.rounds + 1):
        mean: Form = {}
        for i, first in enumerate(gradients):
            x, gradient = w, first
            for step in range(setting.local_steps):
                if step:
                    gradient = record.gradient(i, x, f"{round_ - 1}.{step}")
                x = combine((1 - setting.step * setting.ridge, x), (-setting.step, gradient))
            mean = combine((1, mean), (setting.weights[i], x))
        w = mean
        gradients = record.iterate(w)


def _admm(setting: Setting, record: _Record) -> None:
    r"""Exact consensus ADMM: $\nabla F_i(w_i) + \pi_i + \sigma_i(w_i - w) = 0$, the gradient an implicit basis vector.

    With the warm start the first exact solve stays at w⁰, so that the first move is the server's alone.
    """
    w = record.start
    gradients = record.iterate(w)
    multipliers = [combine((-1, g)) if setting.warm else {} for g in gradients]
    for round_ in range(1, setting.rounds + 1):
        penalties, pulls = setting.penalties[round_], []
        for i, penalty in enumerate(penalties):
            if setting.warm and round_ == 1:
                pulls.append(multipliers[i])
                continue
            implicit = record.fresh(f"g{i}@{round_}i")
            deviation = combine((-1 / penalty, combine((1, multipliers[i]), (1, implicit))))
            record.points[i].append(Point(combine((1, w), (1, deviation)), implicit, f"f{i}@{round_}i"))
            multipliers[i] = combine((-1, implicit))
            pulls.append(combine((penalty, deviation), (1, multipliers[i])))
        w = _server(setting, w, pulls, penalties)
        gradients = record.iterate(w)


def _add_minimiser(setting: Setting, record: _Record) -> None:
    r"""Add $w^*$ with gradients that satisfy $\sum\alpha_i\nabla F_i(w^*) + \lambda w^* = 0$."""
    x = record.fresh("w*")
    rest = combine((-setting.ridge, x))
    last = len(setting.weights) - 1
    for i in range(last):
        gradient = record.gradient(i, x, "*")
        rest = combine((1, rest), (-setting.weights[i], gradient))
    record.points[last].append(Point(x, combine((1 / setting.weights[last], rest)), f"f{last}@*"))
