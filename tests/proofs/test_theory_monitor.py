import dataclasses
import itertools
import math

import numpy as np
import pytest
from waves import waves

from pisa_lab.loop import run
from pisa_lab.method import PISA, sisa
from pisa_lab.schedules import Polynomial
from proofs_check import theory

# Potentials add and subtract function values of order 10 over a round: a violation below this is rounding.
ROUNDING = 1e-11


def margins(method, problem, monitor, steps=25):
    found = []
    run(method, problem, steps=steps, callback=lambda before, after: found.append(float(monitor(before, after))))
    finite = [value for value in found if math.isfinite(value)]
    assert len(finite) >= steps - 1
    return finite


@pytest.mark.parametrize("kappa", [1.51, 1.7, 1.9, 2.0, 2.6, 5.0])
@pytest.mark.parametrize("convex", [False, True])
def test_plain_potential_falls_by_the_certified_amount(kappa, convex):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        problem = waves(rng, convex=convex)
        smoothness = float(problem.weights @ problem.lipschitz)
        ratios = rng.uniform(0.5, 2, 3)
        penalty = tuple(kappa * smoothness * ratios / (problem.weights @ ratios))
        monitor = theory.lyapunov_monitor(problem, convex=convex)
        assert min(margins(PISA(penalty=penalty, warm=bool(seed % 2)), problem, monitor)) > -ROUNDING


@pytest.mark.parametrize("beta", [0.0, 0.25, 1.0, 3.0, 5.0])
@pytest.mark.parametrize("ridge", [0.0, 0.4])
def test_theorem_one_holds_for_clipped_sisa(beta, ridge):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        problem = waves(rng, ridge=ridge, tilt=0.5)
        limit = float(np.max(problem.lipschitz))
        penalty = rng.uniform(0.8, 1.25, 3)
        penalty *= theory.kappa_threshold(beta) * limit / (problem.weights @ penalty)
        clip = rng.uniform(0.5, 3)
        schedule = [None, Polynomial(0.7)][seed % 2]
        rho = tuple(beta * penalty / clip)
        method = sisa(tuple(penalty), rho=rho, scheme="II", beta=0.5, clip=clip, warm=seed % 4 < 2, schedule=schedule)
        assert min(margins(method, problem, theory.lyapunov_monitor(problem, beta))) > -ROUNDING


def test_theorem_one_certifies_the_warm_start_itself():
    problem = waves(np.random.default_rng(1), ridge=0.3, tilt=50.0)
    monitor = theory.lyapunov_monitor(problem, 1.0)
    penalty = theory.kappa_threshold(1.0) * float(np.max(problem.lipschitz))
    found = []
    for warm in (True, False):
        method = sisa(penalty, rho=penalty, clip=1.0, warm=warm)
        run(method, problem, steps=1, callback=lambda before, after: found.append(float(monitor(before, after))))
    assert found[0] > -ROUNDING
    assert math.isfinite(found[0])
    assert found[1] == math.inf


def test_monitor_sees_a_preconditioner_beyond_its_beta():
    worst = math.inf
    for seed in range(30):
        problem = waves(np.random.default_rng(seed), clients=1, size=1, tilt=0.0)
        penalty = theory.kappa_threshold(0.0) * float(np.max(problem.lipschitz))
        method = sisa(penalty, rho=20 * penalty, clip=1.0, scheme="II", beta=0.0)
        worst = min(worst, *margins(method, problem, theory.lyapunov_monitor(problem, 0.0)))
    assert worst < -1e-4


def test_monitor_runs_on_replicates():
    problem = waves(np.random.default_rng(2))
    monitor = theory.lyapunov_monitor(problem, 0.0)
    found = []
    method = PISA(penalty=4.0)
    run(method, problem, steps=5, seeds=3, callback=lambda before, after: found.append(monitor(before, after)))
    assert all(margin.shape == (3,) for margin in found)
    assert np.all(np.asarray(found)[1:] > -ROUNDING)


def test_monitor_refuses_what_the_theorem_does_not_cover():
    problem = waves(np.random.default_rng(3))
    small = PISA(penalty=1.2 * float(np.max(problem.lipschitz)))
    monitor = theory.lyapunov_monitor(problem, 0.0)
    with pytest.raises(ValueError, match=r"^penalty"):
        run(small, problem, steps=2, callback=lambda before, after: monitor(before, after) is None)
    with pytest.raises(ValueError, match=r"^problem"):
        theory.lyapunov_monitor(dataclasses.replace(problem, ridge=0.1))
    with pytest.raises(ValueError, match=r"^smoothness"):
        theory.lyapunov_monitor(object(), 1.0)
    plain = theory.lyapunov_monitor(problem)
    growing = PISA(penalty=5.0, schedule=Polynomial(1.0))
    with pytest.raises(ValueError, match=r"^penalty"):
        run(growing, problem, steps=2, callback=lambda before, after: plain(before, after) is None)


@pytest.mark.parametrize("beta", [0.0, 0.5, 2.0, 4.0])
def test_linear_factor_bounds_the_decrease_of_the_lyapunov_function(beta):
    problem = waves(np.random.default_rng(5), convex=True, curvature=0.3, tilt=1.0, ridge=0.1)
    limit = float(np.max(problem.lipschitz))
    penalty = 1.3 * theory.kappa_threshold(beta) * limit
    factor = theory.linear_factor(penalty, beta=beta, curvature=0.4, smoothness=limit, ridge=0.1)
    assert 0 < factor < 1
    method = sisa(penalty, rho=beta * penalty / 0.7, clip=0.7, warm=True)
    optimum = run(PISA(penalty=2 * limit), problem, steps=1500, every=1500).last("objective")
    values = []

    def keep(before, after):
        values.append(float(theory.lyapunov_preconditioned(problem, after, beta)) - float(optimum))

    run(method, problem, steps=20, callback=keep)
    assert all(after <= factor * before + ROUNDING for before, after in itertools.pairwise(values))
