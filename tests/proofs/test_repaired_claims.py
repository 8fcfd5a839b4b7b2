"""What the measured claims of the repaired methods are made of: bounds, local constants, intervals, both sides."""

import itertools

import numpy as np
import pytest

from pisa_lab.backtracking import Backtracking
from pisa_lab.loop import run
from pisa_lab.method import PISA
from pisa_lab.problem import total_gradient
from problems.quadratics import random_quadratic
from proofs_check import table
from proofs_check.measured import arenas, local_curvature, merits, metrics, spectral
from proofs_check.measured.adversaries import Junk
from proofs_check.measured.trajectories import states_of


def test_the_bound_of_the_penalty_is_that_of_mathematics_md():
    # MATHEMATICS.md#N1: s_R below 1.06 L at c = .05 and below 1.24 L at c = 1/4.
    assert 1.05 < merits.enough(Backtracking(), 1.0) < 1.06
    assert 1.23 < merits.enough(Backtracking(decrease=0.25), 1.0) < 1.24
    assert merits.penalty_bound(Backtracking(initial=7.0), 1.0) == 7.0
    assert merits.penalty_bound(Backtracking(), 3.0) == pytest.approx(3 * merits.penalty_bound(Backtracking(), 1.0))


def test_the_test_of_a_run_is_broken_by_a_step_that_is_too_long():
    problem = random_quadratic(3, clients=3, spectrum=(1.0, 0.3, 0.1))
    rule = Backtracking(relaxation=0.0, initial=1.0)
    before, after = states_of(PISA(penalty=rule), problem, steps=1)
    assert merits.excess(rule, problem, before, after) <= 0
    longer = after._replace(consensus=before.consensus + 12 * (after.consensus - before.consensus))
    assert merits.excess(rule, problem, before, longer) > 0


def test_a_constant_above_the_test_counts_a_restart_as_no_error():
    problem = random_quadratic(3, clients=3, spectrum=(1.0, 0.3, 0.1))
    rule = Backtracking()
    states = states_of(PISA(penalty=rule, preconditioner=Junk(0, 10.0), rho=1.0), problem, steps=4)
    assert float(states[-1].search.restarts) > 0
    assert all(merits.excess(rule, problem, a, b) <= 1e-13 for a, b in itertools.pairwise(states))


def test_the_threshold_of_local_constants_is_that_of_the_quartic(monkeypatch):
    # One client, x⁴/4 from 10: Ω = [−10, 10], |G| ≤ 1000, L_s = 3(10 + 1000/s)².
    monkeypatch.setattr(local_curvature, "SHARES", (1.0,))
    rule = Backtracking()
    found = local_curvature.local_threshold(rule, local_curvature.CURVES["quartic"], 10.0)
    assert found == pytest.approx(merits.enough(rule, 3 * (10 + 1000 / found) ** 2), rel=1e-9)
    # The referee's number for c = 1/4 is t s* = 2099.
    quarter = Backtracking(decrease=0.25)
    assert 4 * local_curvature.local_threshold(quarter, local_curvature.CURVES["quartic"], 10.0) == pytest.approx(
        2099, rel=0.01
    )


def test_sublevel_sets_end_where_the_function_is_as_large_as_at_the_start():
    function = local_curvature.CURVES["exponential"]
    low, high = local_curvature._sublevel(function, 3.0)
    assert low < 0 < high
    assert high == 3.0
    assert function.value(low) == pytest.approx(function.value(3.0), rel=1e-9)


@pytest.mark.parametrize(
    ("wins", "trials", "low", "high"), [(0, 10, 0.0, 0.2589), (10, 10, 0.7411, 1.0), (5, 10, 0.2224, 0.7776)]
)
def test_intervals_of_shares_are_those_of_clopper_and_pearson(wins, trials, low, high):
    pytest.importorskip("scipy")
    assert arenas.interval(wins, trials) == pytest.approx((low, high), abs=1e-4)


def test_a_tuned_setting_is_no_end_of_its_grid(monkeypatch):
    problem = random_quadratic(0, clients=3, spectrum=(1.0, 0.1))
    best = arenas.tuned("descent", problem)
    build, grid = arenas.TUNED["descent"]
    monkeypatch.setitem(arenas.TUNED, "descent", (build, grid[grid < 0.05]))
    # The grid without the good rates grows until it has them.
    assert arenas.tuned("descent", problem) == pytest.approx(best, abs=1e-9)


def test_pisa_auto_gets_as_many_evaluations_as_the_others():
    problem = arenas.arena("quadratic", 3)
    value, spent = arenas.untuned(problem)
    result = run(PISA(penalty="auto"), problem, steps=arenas.EVALUATIONS, every=1, measures=("objective",))
    within = result.ledger["queries"] // problem.weights.shape[0] <= arenas.EVALUATIONS
    assert value == pytest.approx(float(result.history["objective"][within][-1]), rel=1e-12)
    assert 1 < spent < 2


def test_the_smoothness_of_matrix_clients_is_between_the_dual_norms():
    instance = {"seed": 1, "shape": [4, 3]}
    problem, rng = spectral.apart(instance), np.random.default_rng(0)
    for _ in range(50):
        a, b = 2 * rng.normal(size=(2, 1, 4, 3))
        rise = spectral.nuclear(problem.client_grad(a) - problem.client_grad(b))
        assert np.all(rise <= spectral.smoothness(instance) * np.linalg.norm((a - b)[0], ord=2) * (1 + 1e-12))


def test_the_clients_newton_schulz_is_away_from_stationary_points_and_the_server_is_not():
    found = table.by_name("N6-fixed-points-in-runs").trial(
        {"seed": 4, "shape": [3, 3], "momentum": 0.0, "scale": "nuclear", "threshold": 2.0, "client_penalty": 20.0}
        | {"steps": 300}
    )
    assert found["client"] > 0.1
    assert found["server"] < 1e-8


def test_the_rotated_quadratic_has_the_spectrum_of_the_aligned_one():
    told = {"seed": 2, "condition": 1e3}
    pair = [metrics.scaled_quadratic({**told, "rotated": turned}) for turned in (False, True)]
    values = [np.linalg.eigvalsh(problem.hessians) for problem in pair]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-9)
    assert np.count_nonzero(pair[0].hessians[0] - np.diag(np.diag(pair[0].hessians[0]))) == 0
    assert float(np.linalg.norm(total_gradient(pair[1], pair[1].minimiser))) < 1e-9
