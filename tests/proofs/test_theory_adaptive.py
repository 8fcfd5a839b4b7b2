"""Formulas of noise-made penalties and metrics, of the local mean and of Newton–Schulz: obeyed by runs, not by less."""

import itertools
import math

import numpy as np
import pytest

from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners import newton_schulz
from proofs_check import theory


def _align(values):
    """Return ⟨X, O⟩/‖X‖_* for singular values, each of which Newton–Schulz maps on its own."""
    x = values / math.sqrt(values @ values)
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    return float(values @ x / values.sum())


def test_the_core_maps_the_singular_values():
    values = np.random.default_rng(0).exponential(size=16)
    result = np.diag(newton_schulz(np.diag(values)))
    assert values @ result / values.sum() == pytest.approx(_align(values), rel=1e-9)


@pytest.mark.parametrize("width", [2, 16, 128, 1024, 65536])
def test_newton_schulz_leans_as_far_as_the_theorem_says_at_every_width(width):
    rng, least = np.random.default_rng(width), theory.newton_schulz_alignment(float(width))
    spectra = [rng.exponential(size=width) ** power for power in (0, 1, 4, 12)]
    # One large value and equal small ones, the sum of whose squares is a share of the whole: the worst kind.
    for share in np.geomspace(1e-5, 0.5, 40):
        spectra.append(np.array([math.sqrt(1 - share), *[math.sqrt(share / (width - 1))] * (width - 1)]))
    found = [_align(values) for values in spectra]
    # Rounding of a thousand terms is far below 1e-9; the bound has room of a few percent.
    assert min(found) >= least - 1e-9
    assert min(found) <= 1.1 * least


def test_the_alignment_falls_like_the_inverse_root_of_the_width():
    found = [theory.newton_schulz_alignment(10.0**power) * 10 ** (power / 2) for power in (6, 8, 10)]
    assert found == pytest.approx([902 * math.sqrt(0.00151)] * 3, rel=0.03)
    assert max(found) < 49


class NoisyParabola:
    """F = cx²/2 in as many independent copies as there are coordinates, with Gaussian gradients."""

    weights, ridge = np.ones(1), 0.0

    def __init__(self, curvature, copies):
        self.curvature, self.rng, self.initial = curvature, np.random.default_rng(3), np.zeros(copies)

    def client_grad(self, w, batch=None):
        w = np.broadcast_to(w, (1, self.initial.size))
        return self.curvature * w + self.rng.normal(size=w.shape)


@pytest.mark.parametrize(("kappa", "curvature"), [(2.0, 1.0), (4.0, 1.0), (2.0, 0.5)])
def test_the_core_has_the_stationary_gradients_at_its_point_and_at_its_local_mean(kappa, curvature):
    states = []
    run(
        PISA(penalty=kappa),
        NoisyParabola(curvature, 40000),
        steps=60,
        measures={},
        callback=lambda before, after: states.append(after),
    )
    found = [
        [np.mean((curvature * point) ** 2) for point in (state.consensus, state.local_mean)] for state in states[40:]
    ]
    at_w, at_mean = np.mean(found, axis=0)
    # 8e5 dependent samples: a standard error of about 0.3 percent; six of them are allowed.
    assert at_w == pytest.approx(theory.floor_lower_bound(kappa, curvature=curvature), rel=0.02)
    assert at_mean == pytest.approx(theory.local_mean_floor(kappa, curvature=curvature), rel=0.02)


def _adagrad_paths(steps, start, rate, bound, noise):
    """Return E Σ G²/(2σ), E log(σ_N²/s²) and E√ΣG² of AdaGrad-norm PISA on x²/2, over all coin paths; and A²."""
    sums, logs, squares, roots = [], [], [], []
    for path in itertools.product((-1.0, 1.0), repeat=steps):
        w, memory, sigma, total, plain = 0.0, 0.0, start, 0.0, 0.0
        for coin in path:
            total, plain = total + w * w / (2 * sigma), plain + w * w
            estimate = w + noise * coin
            moving = sigma / (sigma + (bound if coin > 0 else 0.0))
            after = memory + moving * (estimate - memory)
            square = estimate**2 + (estimate - memory) ** 2
            later = math.sqrt(sigma**2 + rate * square)
            w -= ((later / sigma) * (after - memory) + after) / later
            memory, sigma = after, later
            squares.append(square)
        sums.append(total)
        logs.append(math.log(sigma**2 / start**2))
        roots.append(math.sqrt(plain))
    return np.mean(sums), np.mean(logs), np.mean(roots), max(squares)


@pytest.mark.parametrize(
    ("start", "rate", "bound", "noise"), [(1.0, 1.0, 0.0, 1.0), (2.0, 0.5, 3.0, 2.0), (0.3, 4.0, 1.0, 0.5)]
)
def test_adagrad_penalties_lose_a_logarithm_and_no_less_than_some_of_it(start, rate, bound, noise):
    found, logs, root, square = _adagrad_paths(10, start, rate, bound, noise)
    cost = theory.adagrad_cost(1.0, square, start, rate=rate, bound=bound)
    # It starts at the minimiser: the first gap is 0, and the logarithm pays for all.
    assert 0 < found <= cost * logs
    assert logs <= math.log(1 + rate * 10 * square / start**2)
    total = theory.adagrad_total(10, 0.0, [start], 1.0, square, rate=rate, bound=bound)
    spread = theory.adagrad_spread(10, 0.0, start, 1.0, square, noise**2, rate=rate, bound=bound)
    assert 0 < root**2 / 10 <= theory.adagrad_noise_bound(10, total, start, noise**2, spread, rate=rate)
    assert theory.adagrad_bound(10, 0.0, [start], 1.0, square, rate=rate, bound=bound) == pytest.approx(
        2 * cost * math.log(1 + rate * 10 * square / start**2) * math.sqrt(start**2 + rate * 10 * square) / 10
    )


def _past_step(rng, kappa, beta, condition, noise):
    """Return E V_{k+1} − V_k + G²/(4Σ) on x²/2 from a random state, over two coins, and the noise that is allowed."""
    w, memory = rng.normal(size=2) * rng.choice([0.0, 1.0, 5.0])
    metric, later = kappa * rng.uniform(1, condition, size=2)
    weight = theory.past_metric_weight(kappa, beta)
    rise = []
    for coin in (-1.0, 1.0):
        estimate = w + noise * coin
        after = memory + (estimate - memory) / (1 + rng.uniform(0, beta))
        new = w + (memory - after) / metric - after / later
        rise.append((new + after / later) ** 2 / 2 + weight * (new - after) ** 2)
    before = (w + memory / metric) ** 2 / 2 + weight * (w - memory) ** 2
    return np.mean(rise) - before + w**2 / (4 * metric), theory.past_metric_noise(kappa, noise**2, noise**2, beta)


@pytest.mark.parametrize(("beta", "condition"), [(0.0, 1.0), (1.0, 3.0), (8.0, 25.0)])
def test_a_metric_of_the_past_costs_what_the_theorem_says(beta, condition):
    rng, kappa = np.random.default_rng(4), theory.past_metric_kappa(beta, condition)
    trials = [_past_step(rng, kappa, beta, condition, noise) for noise in (0.0, 1.0, 10.0) for _ in range(300)]
    assert all(rise <= allowed + 1e-12 for rise, allowed in trials)
    # Without the noise's term it is false.
    assert any(rise > 0 for rise, _ in trials)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: theory.newton_schulz_alignment(0), "width"),
        (lambda: theory.local_mean_ratio(1.5), "kappa"),
        (lambda: theory.local_mean_floor(2.0, 1.0, 0.0), "curvature"),
        (lambda: theory.adagrad_growth(1.0, 0.0), "start"),
        (lambda: theory.adagrad_cost(1.0, 1.0, 1.0, bound=-1.0), "bound"),
        (lambda: theory.adagrad_bound(10, 1.0, [], 1.0, 1.0), "starts"),
        (lambda: theory.adagrad_bound(0, 1.0, [1.0], 1.0, 1.0), "rounds"),
        (lambda: theory.adagrad_spread(10, -1.0, 1.0, 1.0, 1.0, 1.0), "residuals"),
        (lambda: theory.adagrad_noise_bound(10, 1.0, 1.0, -1.0, 1.0), "variance"),
        (lambda: theory.past_metric_kappa(1.0, 0.5), "condition"),
        (lambda: theory.past_metric_noise(20.0, 2.0, 1.0), "spread"),
    ],
)
def test_bad_input_names_the_argument(call, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        call()
