r"""What a run on one parabola attains: a lower bound of a worst case, in rationals, that no solver had a part in.

All clients hold $F_i(x) = \tfrac h2(x-c)^2$. The run is linear in $(w^0 - w^*, c - w^*)$, so that with $w^0 = w^* + 1$
the metric over the initial condition is a lower bound for every $h$ of the class and every place of $c$; far away it
shows what a ridge does to a cold start.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from proofs_check.certified.setting import Setting

_NEAR_ONE = 1 - Fraction(1, 10**9)
"""Of the smoothness: at the very end of the class a step may land on the minimiser."""
_PLACES = (0, 10**3, -(10**3), 10**30)
"""Of c − w*, in units of w⁰ − w*."""


def attained_value(setting: Setting) -> Fraction:
    """Return the largest metric that a parabola attains where the initial condition holds with equality; 0 if none."""
    low, high = max(Fraction(0), *setting.curvature), min(setting.lipschitz)
    curvatures = [h for h in (high, high * _NEAR_ONE, high / 2, max(low, high / 100)) if h >= low]
    places = _PLACES if setting.ridge else _PLACES[:1]
    return max((_ratio(setting, h, Fraction(place)) for h in curvatures for place in places), default=Fraction(0))


def _ratio(setting: Setting, curvature: Fraction, place: Fraction) -> Fraction:
    """Return the metric over the initial condition; ``place`` is c − w* with λ > 0 (without it c = w*)."""
    total = curvature + setting.ridge
    # h(w* − c) + λw* = 0.
    least = curvature * place / setting.ridge if setting.ridge else Fraction(0)
    distances = [w - least for w in _points(setting, curvature, least + place, least + 1)]
    gradients = [(total * distance) ** 2 for distance in distances]
    metric = {
        "min_gradient": min(gradients),
        "last_gradient": gradients[-1],
        "last_value": total / 2 * distances[-1] ** 2,
    }[setting.metric]
    return metric if setting.initial == "distance" else metric / (total / 2)


def _points(setting: Setting, curvature: Fraction, centre: Fraction, start: Fraction) -> Iterator[Fraction]:
    """Yield the server's points $w^0, …, w^N$."""
    w, clients = start, range(setting.clients)
    duals = [-curvature * (w - centre) if setting.warm else Fraction(0) for _ in clients]
    yield w
    for k in range(1, setting.rounds + 1):
        if setting.method == "fedavg":
            w = _local_steps(setting, curvature, centre, w)
        else:
            server = setting.penalties[k]
            used = setting.penalties[k - 1] if setting.order == "after_solve" else server
            stays = setting.method == "admm" and k == 1 and setting.warm
            after = duals if stays else _clients_half(setting, used, duals, curvature, w, centre)
            steps = [(after[i] - duals[i]) * server[i] / used[i] + after[i] for i in clients]
            w, duals = w + (_mean(setting, steps) - setting.ridge * w) / (_mean(setting, server) + setting.ridge), after
        yield w


def _clients_half(
    setting: Setting, used: Sequence[Fraction], duals: list[Fraction], h: Fraction, w: Fraction, centre: Fraction
) -> list[Fraction]:
    """Return the multipliers after the clients' solves, inexact for PISA and exact for ADMM."""
    if setting.method == "admm":
        # x = w − (π + h(x − c))/σ, and the new multiplier is −h(x − c).
        points = [(w - (dual - h * centre) / sigma) / (1 + h / sigma) for dual, sigma in zip(duals, used, strict=True)]
        return [-h * (x - centre) for x in points]
    shares = [sigma / (sigma + rho) for sigma, rho in zip(used, setting.rho, strict=True)]
    return [dual - (dual + h * (w - centre)) * share for dual, share in zip(duals, shares, strict=True)]


def _local_steps(setting: Setting, curvature: Fraction, centre: Fraction, w: Fraction) -> Fraction:
    x = w
    for _ in range(setting.local_steps):
        x -= setting.step * (curvature * (x - centre) + setting.ridge * x)
    return x


def _mean(setting: Setting, values: Sequence[Fraction]) -> Fraction:
    return sum((a * value for a, value in zip(setting.weights, values, strict=True)), Fraction(0))
