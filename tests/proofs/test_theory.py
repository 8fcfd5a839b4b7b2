"""The theorems' formulas: attained, obeyed by runs, refused outside their domains."""

import math
from fractions import Fraction

import numpy as np
import pytest
from waves import waves

from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.preconditioners import SecondMoment
from pisa_lab.schedules import Function
from pisa_lab.state import Observation
from proofs_check import theory
from proofs_check.symbolic.theorems.matching import Extremal, convex_value, nonconvex_value


class Line:
    """One client, one variable, F' given in fractions."""

    weights, ridge, initial = np.ones(1), 0.0, np.zeros(1)

    def __init__(self, extremal):
        self.extremal = extremal

    def client_grad(self, w, batch=None):
        return np.array([[float(self.extremal.derivative(Fraction(float(w.reshape(-1)[0]))))]])


@pytest.mark.parametrize("sawtooth", [True, False])
@pytest.mark.parametrize("kappa", ["2", "3", "7"])
def test_matching_functions_attain_the_rates(sawtooth, kappa):
    kappa = Fraction(kappa)
    rate = theory.nonconvex_rate if sawtooth else theory.convex_rate
    for moves in range(1, 31):
        extremal = Extremal(kappa, moves, sawtooth)
        exact = (nonconvex_value if sawtooth else convex_value)(kappa, moves)
        assert extremal.ratio == exact
        assert rate(moves, float(kappa)) == pytest.approx(float(exact), rel=1e-14)


@pytest.mark.parametrize("sawtooth", [True, False])
def test_the_method_itself_attains_the_rates(sawtooth):
    method = PISA(penalty=2.0)
    for moves in (1, 2, 7, 30):
        extremal = Extremal(Fraction(2), moves, sawtooth)
        problem = Line(extremal)
        state, smallest = method.init(problem, np.zeros(1)), math.inf
        for _ in range(moves + 1):
            state = method.server_update(state)
            gradient = problem.client_grad(state.consensus)
            smallest = min(smallest, float(gradient[0, 0] ** 2))
            state = method.client_update(state, Observation(gradient))
        rate = (theory.nonconvex_rate if sawtooth else theory.convex_rate)(moves, 2.0, gap=float(extremal.decrease))
        # κ = 2 makes every point a dyadic fraction: the run in floats is exact up to the last bits.
        assert smallest == pytest.approx(rate, rel=1e-12)


def test_rates_agree_with_the_table_of_the_exact_worst_cases():
    table = {1: (0.8, 0.6667), 2: (0.5926, 0.5), 5: (0.3333, 0.2857), 10: (0.1928, 0.1667)}
    for moves, (nonconvex, convex) in table.items():
        # MATHEMATICS.md#worst-cases prints four digits.
        assert theory.nonconvex_rate(moves, 2) == pytest.approx(nonconvex, abs=5e-5)
        assert theory.convex_rate(moves, 2) == pytest.approx(convex, abs=5e-5)
    assert theory.gradient_descent_rate(10) == pytest.approx(4 / 32)
    assert theory.gradient_descent_rate(10, convex=True) == pytest.approx(2 / 21)
    assert theory.nonconvex_rate(np.array([1, 2]), 2, smoothness=3, gap=2).shape == (2,)


@pytest.mark.parametrize("kappa", [1.55, 1.8, 2.0, 3.0, 6.0])
def test_last_iterate_bound_holds_on_runs_and_extremal_functions(kappa):
    rounds = np.arange(1, 31)
    rate = theory.last_iterate_rate(rounds, kappa)
    for moves in rounds:
        extremal = Extremal(Fraction(kappa).limit_denominator(100), int(moves), sawtooth=False)
        assert float(extremal.gradients()[-1] ** 2) <= rate[moves - 1] * float(extremal.decrease)
    for seed in range(5):
        problem = waves(np.random.default_rng(seed), convex=True, clients=1, tilt=0.0, curvature=0.05)
        smoothness = float(problem.lipschitz[0])
        found = run(PISA(penalty=kappa * smoothness), problem, steps=31, every=1).history
        gap = found["objective"][1] - run(PISA(penalty=2 * smoothness), problem, steps=500, every=500).last("objective")
        # The first round from π = 0 leaves w where it is: record k+1 is w_k.
        assert np.all(found["stationarity"][2:] ** 2 <= rate * smoothness * gap + 1e-12)


def test_thresholds_and_shares():
    golden = (1 + math.sqrt(5)) / 2
    assert theory.kappa_threshold(0.0) == pytest.approx(golden, rel=1e-15)
    printed = {0.1: 1.6294, 0.25: 1.6475, 0.5: 1.6802, 1: 1.7583, 2: 2.0, 3: 2.5616, 4: 3.5414, 6: 5.5249, 10: 9.5139}
    for beta, kappa in printed.items():
        assert theory.kappa_threshold(beta) == pytest.approx(kappa, abs=5e-5)
        assert 1.5 < theory.sector_kappa_threshold(beta) <= theory.kappa_threshold(beta)
        assert theory.sector_kappa_threshold(beta, common=True) <= theory.sector_kappa_threshold(beta)
    assert theory.margin_threshold(3.0) == pytest.approx(theory.margin_threshold(3 + 1e-12))
    assert theory.residual_weight(3.0) == pytest.approx(theory.residual_weight(3 + 1e-12))


@pytest.mark.parametrize("order", theory.ORDERS)
def test_schedule_bound_holds_without_noise(order):
    for seed in range(6):
        rng = np.random.default_rng(seed)
        problem = waves(rng, clients=2, tilt=0.0)
        smoothness = float(problem.weights @ problem.lipschitz)
        first = 2.6 * smoothness
        penalties = [first * (2 + k) ** 0.6 / 2**0.6 for k in range(40)]
        late = 1 if order == "before_solve" else 0
        schedule = Function(lambda k, p=penalties, late=late: p[min(k - late, len(p) - 1)])
        method = PISA(penalty=first, schedule=schedule, penalty_update=order)
        history = run(method, problem, steps=40, every=1).history
        smallest = np.min(history["stationarity"][1:] ** 2)
        # F ≥ 0 since every tilt is 0, so that F(w_0) is at least the gap.
        gap = float(history["objective"][1])
        assert smallest <= theory.schedule_bound(penalties, smoothness, gap, order=order)


def test_schedule_bound_agrees_with_the_floor_and_the_theorem():
    kappa, rounds = 4.0, 10**6
    long = theory.schedule_bound([kappa] * rounds, 1.0, 0.0, 1.0)
    closed = 1 / (2 * kappa + 1 - 2 * math.sqrt(1 + 2 * kappa))
    assert long == pytest.approx(closed, rel=1e-9)
    # v = 0: the best s is 1, and the bound is 2κ²LΔ/((2κ−3)N).
    assert theory.schedule_bound([3.0] * 50, 1.0, 1.0) == pytest.approx(2 * 9 / (3 * 50), rel=1e-9)
    assert theory.schedule_bound([3.0] * 50, 1.0, 0.0) == 0


def test_geometric_schedule_bound_never_vanishes_and_the_repaired_one_does():
    def geometric(rounds):
        return theory.schedule_bound([3.0 * 0.9**-k for k in range(rounds)], 1.0, 1.0, 1.0)

    def repaired(rounds):
        return theory.schedule_bound([3.0 * (1 + k) ** 0.75 for k in range(rounds)], 1.0, 1.0, 1.0)

    assert geometric(2000) > 0.99 * geometric(500) > 0.3
    # Σ(1+k)^{-3/4} grows like N^{1/4}: 10^4 times the rounds gain about a factor 10 once the sum of the noise has
    # settled.
    assert repaired(10**6) < repaired(10**2) / 5


def test_sisa_schedule_bound():
    common = {"damping": 2.0, "variance": 0.1, "client_variance": 0.3, "residual": 1.0}

    def repaired(rounds, order="before_solve"):
        penalties = [60.0 * (1 + k) ** 0.75 for k in range(rounds)]
        return theory.sisa_schedule_bound(penalties, 1.0, 1.0, ridge=0.5, order=order, **common)

    assert repaired(10**5) < repaired(10**2) / 2
    assert repaired(10**3, "after_solve") < repaired(10**3)
    flat = theory.sisa_schedule_bound([60.0] * 10**6, 1.0, 1.0, **common)
    beta = 2 / 60
    noise = 0.6 * 0.1 / 60 + (1 + 2 * beta) * (10 / 60**2 + 6.5 * (beta / (1 + beta)) ** 2) * 0.3
    assert flat == pytest.approx(noise / 0.6, rel=0.1)
    with pytest.raises(ValueError, match=r"^penalties"):
        theory.sisa_schedule_bound([19.0] * 3, 1.0, 1.0, **common)
    with pytest.raises(ValueError, match=r"^variance"):
        theory.sisa_schedule_bound([60.0], 1.0, 1.0, damping=1.0, variance=1.0, client_variance=0.5)


def test_sisa_bound_holds_on_noisy_runs_with_the_same_batch():
    rng = np.random.default_rng(7)
    problem = waves(rng, clients=2, size=2, tilt=0.2, ridge=0.1)
    noise, rounds, replicates = 0.5, 60, 40
    penalty = 23 * (float(np.max(problem.lipschitz)) + 0.1)
    method = PISA(penalty=penalty, rho=1.0, preconditioner=SecondMoment(scheme="II", beta=0.0, clip=1.0), warm=True)
    state = method.init(problem, np.zeros((replicates, 2)), replicates=replicates)
    squares = []
    for _ in range(rounds):
        state = method.server_update(state)
        gradient = problem.client_grad(state.shared)
        total = np.einsum("c,rcp->rp", problem.weights, gradient) + 0.1 * state.consensus
        squares.append(np.mean(np.sum(total**2, axis=-1)))
        state = method.client_update(state, Observation(gradient + noise * rng.choice([-1, 1], gradient.shape)))
    client_variance = 2 * noise**2
    # F_λ is at least −Σα_i‖b_i‖‖w‖ + (λ/2)‖w‖² ≥ −‖Σα_ib_i‖²/(2λ) = 0: the tilts average to 0 and the waves are ≥ 0.
    gap = float(problem.weights @ problem.client_value(np.zeros((1, 2))))
    variance = client_variance * float(np.sum(problem.weights**2))
    bound = theory.sisa_schedule_bound(
        [penalty] * rounds,
        float(np.max(problem.lipschitz)),
        gap,
        damping=1.0,
        variance=variance,
        client_variance=client_variance,
        ridge=0.1,
    )
    assert np.mean(squares) <= bound


@pytest.mark.parametrize("kappa", [1.6, 2.0, 4.0, 8.0, 50.0])
def test_floors_are_ordered(kappa):
    assert theory.floor_lower_bound(kappa) <= theory.certified_floor(kappa) * (1 + 1e-15)
    assert theory.certified_floor(kappa, 3.0) == pytest.approx(3 * theory.certified_floor(kappa))


def test_stationary_noise_on_a_quadratic_is_between_the_floors():
    rng, kappa, steps, runs = np.random.default_rng(0), 2.0, 400, 4000
    x, before = np.zeros(runs), np.zeros(runs)
    total, count = 0.0, 0
    for step in range(steps):
        if step >= 100:
            total, count = total + float(np.mean(x * x)), count + 1
        estimate = x + rng.normal(size=runs)
        x, before = x - (2 * estimate - before) / kappa, estimate
    # 1.2e6 dependent samples: the standard error of the mean of x² is about 0.005; six of them are allowed.
    assert total / count == pytest.approx(theory.floor_lower_bound(kappa), abs=0.03)


def test_same_batch_bias_is_seen_in_the_mean():
    rng, kappa, beta, runs = np.random.default_rng(1), 10.0, 2.0, 20000
    x, dual = np.zeros(runs), np.zeros(runs)
    for _ in range(300):
        noise = rng.choice([-1.0, 1.0], runs)
        moving = np.where(noise > 0, 1.0, 1 / (1 + beta))
        new = (1 - moving) * dual + moving * (x + noise)
        x, dual = x - (2 * new - dual) / kappa, new
    # The spread of x is below 0.5 here, so the mean of 20000 is within 0.015 at four standard errors.
    assert np.mean(x) == pytest.approx(theory.same_batch_bias(beta), abs=0.015)


def test_delayed_bias_is_seen_in_the_mean():
    rng, kappa, runs = np.random.default_rng(2), 10.0, 20000
    x, dual, state = np.zeros(runs), np.zeros(runs), np.full(runs, -1.0)
    for _ in range(300):
        noise = rng.choice([-1.0, 1.0], runs)
        moving = np.where(state == 1, 0.5, 1.0)
        new = (1 - moving) * dual + moving * (x + noise)
        x, dual = x - (2 * new - dual) / kappa, new
        state = np.where((state == 1) & (noise < 0), 0.0, noise)
    # As above: four standard errors.
    assert np.mean(x) == pytest.approx(theory.delayed_bias(kappa), abs=0.015)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: theory.nonconvex_rate(1, 1.6), "kappa"),
        (lambda: theory.nonconvex_rate(0, 2.0), "rounds"),
        (lambda: theory.nonconvex_rate(1.5, 2.0), "rounds"),
        (lambda: theory.convex_rate(1, 1.7), "kappa"),
        (lambda: theory.convex_rate(1, 2.0, gap=-1.0), "gap"),
        (lambda: theory.last_iterate_rate(3, 1.5), "kappa"),
        (lambda: theory.certified_floor(1.5), "kappa"),
        (lambda: theory.floor_lower_bound(2.0, 1.0, 1.5), "curvature"),
        (lambda: theory.margin_threshold(-0.1), "beta"),
        (lambda: theory.schedule_bound([3.0, 2.0], 1.0, 1.0), "penalties"),
        (lambda: theory.schedule_bound([], 1.0, 1.0), "penalties"),
        (lambda: theory.schedule_bound([1.4] * 3, 1.0, 1.0), "penalties"),
        (lambda: theory.schedule_bound([3.0], 1.0, 1.0, order="never"), "order"),
        (lambda: theory.linear_factor(1.5, beta=0.0, curvature=0.1), "sigma"),
        (lambda: theory.gradient_drop(1.5), "kappa"),
    ],
)
def test_bad_input_names_the_argument(call, name):
    with pytest.raises(ValueError, match=f"^{name}"):
        call()
