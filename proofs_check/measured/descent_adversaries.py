"""A search for one-variable functions and preconditioners on which a Lyapunov quantity falls too little."""

import bisect
import dataclasses
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from proofs_check.measured.instances import Array

ROUNDS = 6

SEEDS: dict[str, tuple[list[tuple[float, float]], float, list[float]]] = {
    "lagrangian": ([(-16 / 13, 0), (-1, 3 / 13), (-23 / 26, 3 / 26), (0, 1)], 1.0, [0, 1, 0, 0, 0, 0]),
    "lyapunov": ([(-73 / 50, 0), (-1, 23 / 50), (-77 / 100, 23 / 100), (0, 1)], -1.0, [0, 0, 0, 0, 0, 0]),
}
"""The functions that break the two sentences at σ = 2r, from which half of the searches start: (knots, right, Q)."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """F' by the widths and slopes of its pieces to the left of 0, where F'(0) = 1, and ρQ as shares of σ/4."""

    widths: Array
    slopes: Array
    right: float
    shares: Array

    def knots(self) -> list[tuple[float, float]]:
        """Return the knots (x, F'(x)), x rising; F' ends at 0 on the left, with a last piece of slope 1 or −1."""
        x, y, points = 0.0, 1.0, [(0.0, 1.0)]
        for width, slope in zip(self.widths, self.slopes, strict=True):
            x, y = x - float(width), y - float(slope * width)
            points.append((x, y))
        points.append((x - abs(y), 0.0))
        return points[::-1]

    def moved(self, rng: np.random.Generator, size: float) -> "Candidate":
        """Return the candidate after a random step of that size."""
        widths = np.abs(self.widths + size * rng.normal(size=self.widths.size)) + 1e-3
        slopes = np.clip(self.slopes + size * rng.normal(size=self.slopes.size), -1.0, 1.0)
        shares = np.clip(self.shares + 2 * size * rng.normal(size=self.shares.size), 0.0, 1.0)
        return Candidate(widths, slopes, self.right, shares)


def random_candidate(rng: np.random.Generator, quantity: str) -> Candidate:
    """Return a candidate: half of the time near the known witness, else pieces of slope ±1 or 0."""
    if rng.random() < 0.5:
        knots, right, metrics = SEEDS[quantity]
        points = knots[:0:-1]
        widths = np.array([a[0] - b[0] for a, b in pairwise(points)])
        slopes = np.array([(a[1] - b[1]) / (a[0] - b[0]) for a, b in pairwise(points)])
        return Candidate(widths, slopes, right, np.array(metrics)).moved(rng, 0.05)
    slopes = rng.choice([-1.0, 0.0, 1.0], size=4)
    shares = rng.integers(0, 2, size=ROUNDS).astype(float)
    return Candidate(rng.uniform(0.02, 0.8, size=4), slopes, float(rng.choice([-1.0, 1.0])), shares)


def shortfall(candidate: Candidate, sigma: float, quantity: str) -> float:
    r"""Return the largest lack of fall in rounds 1 → 2, 2 → 3, …, over $\sigma[(\Delta w)^2+(\Delta w_1)^2]/4$.

    Positive where L rises ("lagrangian"), or where $\tilde L$ falls by less than that ("lyapunov").
    """
    knots = candidate.knots()
    xs, ys = [x for x, _ in knots], [y for _, y in knots]
    sums = [0.0, *accumulate((b - a) * (at_a + at_b) / 2 for (a, at_a), (b, at_b) in pairwise(knots))]

    def both(x: float) -> tuple[float, float]:
        """Return (F, F') at x."""
        place = bisect.bisect_right(xs, x) - 1
        if place < 0:
            return 0.0, 0.0
        if place == len(xs) - 1:
            width = x - xs[-1]
            stop = width if candidate.right > 0 else min(width, ys[-1])
            return sums[-1] + stop * (ys[-1] + candidate.right * stop / 2), ys[-1] + candidate.right * stop
        share = (x - xs[place]) / (xs[place + 1] - xs[place])
        slope = ys[place] + share * (ys[place + 1] - ys[place])
        return sums[place] + (x - xs[place]) * (ys[place] + slope) / 2, slope

    w = d = pi = 0.0
    worst, last = -np.inf, None
    for share in candidate.shares:
        w += d + pi / sigma
        metric = share * sigma / 4
        d = -(pi + both(w)[1]) / (sigma + metric)
        pi += sigma * d
        value = both(w + d)[0] + pi * d + sigma / 2 * d * d
        value += 8 / sigma * (metric * d) ** 2 if quantity == "lyapunov" else 0.0
        if last is not None:
            travel = sigma / 4 * ((w - last[1]) ** 2 + (w + d - last[1] - last[2]) ** 2)
            asked = travel if quantity == "lyapunov" else 0.0
            if travel > 1e-12:
                worst = max(worst, (asked - (last[0] - value)) / travel)
        last = (value, w, d)
    return float(worst)


def search(rng: np.random.Generator, sigma: float, quantity: str, *, steps: int) -> tuple[Candidate, float]:
    """Return the candidate with the largest shortfall that a random climb of ``steps`` steps finds, and it."""
    best = max((random_candidate(rng, quantity) for _ in range(8)), key=lambda one: shortfall(one, sigma, quantity))
    value, size = shortfall(best, sigma, quantity), 0.1
    for _ in range(steps):
        other = best.moved(rng, size)
        found = shortfall(other, sigma, quantity)
        best, value, size = (other, found, size * 1.3) if found > value else (best, value, max(size * 0.93, 1e-4))
    return best, value


def instance_of(candidate: Candidate, sigma: float) -> dict[str, Any]:
    """Return the JSON-able instance of a candidate, as `piecewise` reads it: every float is an exact rational."""
    knots: Sequence[tuple[float, float]] = candidate.knots()
    right = candidate.right
    if right < 0:
        knots = [*knots, (knots[-1][0] + knots[-1][1], 0.0)]
    return {
        "knots": [[repr(x), repr(y)] for x, y in knots],
        "right": repr(max(right, 0.0)),
        "penalty": repr(sigma),
        "metrics": [repr(float(share) * sigma / 4) for share in candidate.shares],
    }
