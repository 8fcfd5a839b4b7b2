"""Lower bounds of the local Lipschitz constants, and how quotients behave as two points approach each other."""

import math
from typing import NamedTuple

import numpy as np

from pisa_lab.monitor.host import HostArray, HostProblem

PIECES = 16
HALVINGS = 24
JUDGED = 8
"""Halvings whose growth is judged: the last ones that rounding leaves intact."""
STEEP = 0.3
r"""Growth per halving, in powers of two, above which quotients count as unbounded.

A jump of ∇F_i grows by 1, the kink of $|x|^{3/2}$ by ½, and every gradient that is Lipschitz by 0 in the end. Gradients
that are Hölder continuous with an exponent above 0.7 pass unseen.
"""


class Approach(NamedTuple):
    """Two points that approach a spot where ∇F_i changes fastest; arrays (replicates, clients)."""

    first: HostArray
    """the quotient ‖∇F_i(x) − ∇F_i(y)‖/‖x − y‖ before the last halvings"""
    last: HostArray
    distance: HostArray
    """‖x − y‖ of the last quotient"""
    growth: HostArray
    """mean growth per halving in powers of two over the last `JUDGED`; NaN where rounding left fewer"""
    largest: HostArray
    """the largest quotient on the way: a lower bound of the local Lipschitz constant"""


def secant(host: HostProblem, start: HostArray, end: HostArray, scale: HostArray) -> HostArray:
    """Return ‖∇F_i(x) − ∇F_i(y)‖/‖x − y‖ of two points (replicates, clients, size), 0 where rounding would show."""
    ends = [host.rounded(x) for x in (start, end)]
    distance, change = _norm(ends[1] - ends[0]), _norm(host.gradients(ends[1]) - host.gradients(ends[0]))
    quotient = change / np.where(distance > 0, distance, 1.0)
    reach = np.maximum(_norm(ends[0]), _norm(ends[1]))
    return np.where(_precise(host, distance, change, scale, quotient * reach, reach), quotient, 0.0)


def approach(host: HostProblem, start: HostArray, end: HostArray, scale: HostArray) -> Approach:
    """Return how the quotient behaves when the segment from ``start`` to ``end`` is halved around its oddest piece.

    The segment, (replicates, clients, size), is cut into `PIECES`; every client takes the one in which its gradient
    changes least like in the neighbours, and halves it, always keeping the half with the larger change. ``scale``
    (replicates, clients) is the size of the client's gradients, of which rounding takes its share: a halving counts
    only while the change is 10⁴ times that share.

    Costs PIECES + 1 + HALVINGS full gradients of every client.
    """
    low, high, slope_low, slope_high = _oddest(host, start, end)
    distances: list[HostArray] = []
    quotients: list[HostArray] = []
    sound: list[HostArray] = []
    precise: list[HostArray] = []
    for _ in range(HALVINGS + 1):
        distance, change = _norm(high - low), _norm(slope_high - slope_low)
        reach = np.maximum(_norm(low), _norm(high))
        quotient = change / np.where(distance > 0, distance, 1.0)
        terms = (quotients[0] if quotients else quotient) * reach
        noise = host.epsilon * np.maximum(scale, terms)
        sound.append((change > 1e4 * noise) & (distance > 1e4 * host.epsilon * reach))
        precise.append(_precise(host, distance, change, scale, terms, reach))
        distances.append(distance)
        quotients.append(quotient)
        middle = host.rounded((low + high) / 2)
        slope = host.gradients(middle)
        left = (_norm(slope - slope_low) > _norm(slope_high - slope))[..., None]
        low, slope_low = np.where(left, low, middle), np.where(left, slope_low, slope)
        high, slope_high = np.where(left, middle, high), np.where(left, slope, slope_high)
    return _judged(np.asarray(distances), np.asarray(quotients), np.asarray(sound), np.asarray(precise))


def spectral_norms(
    host: HostProblem, points: HostArray, vectors: HostArray, *, rounds: int = 4
) -> tuple[HostArray, ...]:
    """Return (‖∇²F_i v‖/‖v‖, v) after ``rounds`` of power iteration from ``vectors``, at (replicates, clients, size).

    A lower bound of ‖∇²F_i‖ at the point, hence of the Lipschitz constant on every region around it.
    """
    norms = np.zeros(points.shape[:2])
    for _ in range(rounds):
        products = host.products(points, vectors)
        norms = _norm(products) / _norm(vectors)
        fine = (norms > 0) & np.isfinite(norms)
        vectors = np.where(fine[..., None], products / np.where(fine, _norm(products), 1.0)[..., None], vectors)
    return norms, vectors


def disagreement(host: HostProblem, points: HostArray, batches: HostArray) -> HostArray:
    """Return the largest ‖∇F_i(w; B) − ∇F_i(w; B′)‖ among ``batches`` (number, clients, b), (replicates, clients)."""
    gradients = [host.gradients(points, batch) for batch in batches]
    gaps = [_norm(a - b) for place, a in enumerate(gradients) for b in gradients[:place]]
    largest: HostArray = np.max(np.asarray(gaps), axis=0)
    return largest


def slack(epsilon: float) -> float:
    """Return the relative error that a quotient which counts against a claimed constant may have."""
    return 10 * math.sqrt(epsilon)


def _precise(
    host: HostProblem, distance: HostArray, change: HostArray, scale: HostArray, terms: HostArray, reach: HostArray
) -> HostArray:
    """Return whether rounding moves the quotient by less than a tenth of `slack`."""
    share = math.sqrt(host.epsilon)
    precise: HostArray = (change > share * np.maximum(scale, terms)) & (distance > share * reach)
    return precise


def _norm(x: HostArray) -> HostArray:
    norms: HostArray = np.linalg.norm(x.astype(np.float64), axis=-1)
    return norms


def _oddest(host: HostProblem, start: HostArray, end: HostArray) -> tuple[HostArray, ...]:
    """Return the ends of every client's oddest piece, and its gradients there."""
    points = np.asarray([host.rounded(start + (end - start) * (k / PIECES)) for k in range(PIECES + 1)])
    slopes = np.asarray([host.gradients(point) for point in points])
    changes = np.diff(slopes, axis=0)
    around = np.concatenate([changes[1:2], changes, changes[-2:-1]])
    oddness = _norm(changes - (around[:-2] + around[2:]) / 2)
    # A jump makes its neighbours odd as well, half as much.
    piece = np.argmax(np.where(np.isfinite(oddness), oddness, -1.0), axis=0)[None, :, :, None]
    pair = [np.take_along_axis(array, piece + shift, axis=0)[0] for array in (points, slopes) for shift in (0, 1)]
    return tuple(pair)


def _judged(distances: HostArray, quotients: HostArray, sound: HostArray, precise: HostArray) -> Approach:
    # The halvings up to the first that rounding spoils; at least one place, so that there is something to index.
    whole = np.cumprod(sound, axis=0).astype(bool)
    count = np.maximum(np.sum(whole, axis=0), 1)
    last = np.take_along_axis(quotients, (count - 1)[None], axis=0)[0]
    first = np.take_along_axis(quotients, np.maximum(count - 1 - JUDGED, 0)[None], axis=0)[0]
    long_enough = (count > JUDGED) & (first > 0)
    growth = np.log2(np.where(long_enough, last, 1.0) / np.where(long_enough, first, 1.0)) / JUDGED
    return Approach(
        first,
        last,
        np.take_along_axis(distances, (count - 1)[None], axis=0)[0],
        np.where(long_enough, growth, np.nan),
        np.max(np.where(precise, quotients, 0.0), axis=0),
    )
