"""A penalty that grows without end freezes the iterates; a frozen run is finished and finite, never NON_FINITE."""

import numpy as np
import pytest

from pisa_lab import PISA, nsisa, run, sisa
from pisa_lab.schedules import Geometric, Polynomial, bounded
from problems.quadratics import random_quadratic
from problems.transforms import on_backend

GROWING = {
    "γ = 0.75": {"penalty_ratio": 0.75},
    "γ = 0.5": {"penalty_ratio": 0.5},
    "γ_i": {"schedule": Geometric((0.9, 0.5, 0.75))},
    "ℓ^200": {"schedule": Polynomial(200.0)},
    "ℓ^1e9": {"schedule": Polynomial(1e9)},
}


@pytest.mark.parametrize("settings", GROWING.values(), ids=GROWING.keys())
@pytest.mark.parametrize("update", ["before_solve", "after_solve"])
def test_a_frozen_run_finishes_where_it_stood(settings, update):
    problem = random_quadratic(0, clients=3)
    method = PISA(penalty=8.0, penalty_update=update, **settings)
    early, late = (run(method, problem, steps=steps) for steps in (900, 3000))
    assert late.status == "FINISHED"
    np.testing.assert_allclose(late.state.consensus, early.state.consensus, rtol=0, atol=1e-140)
    for values in (late.state.multiplier, late.state.penalty, *late.history.values()):
        assert np.all(np.isfinite(values))


@pytest.mark.parametrize(
    "method", [sisa(8.0, penalty_ratio=0.75), nsisa(8.0, penalty_ratio=0.75)], ids=["SISA", "NSISA"]
)
def test_preconditioned_runs_freeze_too(method):
    result = run(method, random_quadratic(0, clients=3), steps=3000)
    assert result.status == "FINISHED"
    assert np.all(np.isfinite(result.state.multiplier))


def test_float32_freezes_at_its_own_bound():
    problem = on_backend(random_quadratic(0, clients=3), "numpy", dtype="float32")
    for ratio in (0.75, 0.9):
        result = run(PISA(penalty=8.0, penalty_ratio=ratio), problem, steps=1500)
        assert result.status == "FINISHED"
        assert result.state.consensus.dtype == np.float32
        assert np.max(result.state.penalty) == pytest.approx(np.sqrt(np.finfo(np.float32).max), rel=1e-6)


def test_the_bound_leaves_a_first_penalty_above_it_and_every_penalty_below_it():
    initial = np.array([1.0, 1e200])
    np.testing.assert_array_equal(bounded(np.array([2.0, 1e200]), initial), [2.0, 1e200])
    np.testing.assert_array_equal(bounded(np.array([np.inf, np.inf]), initial), [np.finfo(float).max ** 0.5, 1e200])
