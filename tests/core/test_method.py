"""Algorithm 1 against a plain loop over clients, and the order of its half-steps."""

import numpy as np
import pytest
from small import quadratics

from pisa_lab import PISA, Observation, nsisa, run, sisa
from pisa_lab._array import to_numpy
from pisa_lab.preconditioners import Identity
from pisa_lab.schedules import Function, InverseCosine, Polynomial, ResidualBalancing

SIGMA, RHO, GAMMA = (3.0, 4.0, 5.0), (0.2, 0.0, 1.5), (0.95, 0.9, 1.0)


def plain_sisa(problem, steps, *, beta=0.9, warm=False, mixed=False):
    """SISA (III) as MATHEMATICS.md#algorithm writes it: w_i stored, one client at a time, Python floats for σ."""
    m, w = len(SIGMA), problem.initial.copy()
    local, sigma = [w.copy() for _ in range(m)], list(SIGMA)
    gradient = lambda i, x: problem.matrices[i] @ x - problem.vectors[i]  # noqa: E731
    pi = [-gradient(i, w) if warm else 0 * w for i in range(m)]
    v = [0 * w for _ in range(m)]
    for step in range(steps):
        top = sum(a * (s * x + p) for a, s, x, p in zip(problem.weights, sigma, local, pi, strict=True))
        w = top / (sum(a * s for a, s in zip(problem.weights, sigma, strict=True)) + problem.ridge)
        for i in range(m):
            u = pi[i] + gradient(i, w)
            old, new = sigma[i], sigma[i] / GAMMA[i]
            used = old if mixed else new
            v[i] = beta * v[i] + (1 - beta) * u * u
            q = np.sqrt(v[i] / (1 - beta ** (step + 1)))
            local[i] = w - u / (used + RHO[i] * q)
            pi[i] = pi[i] + used * (local[i] - w)
            # The server's σw_i must see the penalty that the coming server step uses.
            sigma[i] = new
    return w, np.array(local), np.array(pi)


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("order", ["before_solve", "after_solve"])
def test_sisa_equals_the_plain_loop(warm, order):
    problem = quadratics()
    method = sisa(SIGMA, rho=RHO, penalty_ratio=GAMMA, beta=0.9, warm=warm, penalty_update=order)
    state = run(method, problem, steps=60).state
    w, local, pi = plain_sisa(problem, 60, warm=warm, mixed=order == "after_solve")
    # σ grows to 60 × its start: the plain loop's w_i − w by subtraction loses two digits of sixteen.
    for mine, other in ((state.consensus, w), (state.local, local), (state.multiplier, pi)):
        np.testing.assert_allclose(mine, other, rtol=1e-11, atol=1e-11)


def test_two_half_steps_are_one_step():
    problem, method = quadratics(), sisa(4.0, rho=0.5)
    state = method.init(problem, problem.initial)
    halves = method.server_update(state)
    halves = method.client_update(halves, Observation(problem.client_grad(halves.shared)))
    whole = run(method, problem, steps=1).state
    assert np.array_equal(halves.consensus, whole.consensus)
    assert np.array_equal(halves.multiplier, whole.multiplier)
    assert halves.iteration == whole.iteration == 1


def test_the_server_step_leaves_local_points_where_they_are():
    problem, method = quadratics(), PISA(penalty=SIGMA, rho=0.1, preconditioner=Identity())
    state = run(method, problem, steps=3).state
    np.testing.assert_allclose(method.server_update(state).local, state.local, rtol=1e-14, atol=1e-15)


def test_client_first_takes_the_first_gradient_at_the_start():
    problem, seen = quadratics(), []
    method = PISA(penalty=4.0, first="client")

    def oracle(w):
        seen.append(np.asarray(w))
        return Observation(problem.client_grad(w))

    state = method.step(method.init(problem, problem.initial), oracle)
    assert np.array_equal(seen[0][0], problem.initial)
    # With λ = 0 and π⁰ = 0 both orders visit the same points, one half-step apart.
    flat = quadratics(ridge=0.0)
    ahead = run(PISA(penalty=4.0, first="client"), flat, steps=5).state.consensus
    behind = run(PISA(penalty=4.0), flat, steps=6).state.consensus
    np.testing.assert_allclose(ahead, behind, rtol=1e-13)
    assert state.iteration == 1


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Polynomial(0.75), [4.0 * (1 + k) ** 0.75 for k in range(4)]),
        (InverseCosine(total=3, floor=0.5), [4.0, 4 / 0.875, 4 / 0.625, 8.0]),
        (Function(lambda k: 4.0 + k), [4.0, 5.0, 6.0, 7.0]),
    ],
)
def test_schedules_follow_their_formulas(schedule, expected):
    problem, found = quadratics(), []
    run(
        PISA(penalty=4.0, schedule=schedule),
        problem,
        steps=3,
        callback=lambda old, new: found.append(float(new.penalty[0])) or False,
    )
    np.testing.assert_allclose([4.0, *found], expected, rtol=1e-14)


def test_residual_balancing_moves_the_penalty_both_ways():
    problem = quadratics()
    low = run(PISA(penalty=1e-3, schedule=ResidualBalancing()), problem, steps=40).state.penalty
    high = run(PISA(penalty=1e6, schedule=ResidualBalancing()), problem, steps=40).state.penalty
    assert np.all(low > 1e-3)
    assert np.all(high < 1e6)


@pytest.mark.parametrize("library", ["strict", "torch"])
@pytest.mark.parametrize(
    "method", [PISA(penalty=SIGMA), sisa(SIGMA, rho=RHO, clip=3.0), nsisa(4.0), sisa(4.0, schedule=Polynomial(0.6))]
)
def test_libraries_agree(library, method):
    ours = run(method, quadratics(), steps=300, batches=4, seeds=2)
    other = run(method, quadratics(library=library), steps=300, batches=4, seeds=2)
    assert ours.history["objective"].dtype == np.float64
    scale = np.max(np.abs(to_numpy(ours.state.consensus)))
    # 1e-10 relative is the project's promise; vectors pass through NSISA untouched, so that it is smooth here too.
    np.testing.assert_allclose(to_numpy(other.state.consensus), ours.state.consensus, rtol=0, atol=1e-10 * scale)
    np.testing.assert_allclose(other.history["local"], ours.history["local"], rtol=1e-7, atol=1e-12)


def test_numpy_scalars_do_not_widen_float32(library):
    from pisa_lab._array import backend

    xp = backend(library)
    problem = quadratics(library=library)
    narrow = type(problem)(
        **{
            name: xp.astype(value, xp.float32) if hasattr(value, "dtype") else value
            for name, value in vars(problem).items()
        }
    )
    method = sisa(np.float64(4.0), rho=np.float64(0.5), clip=np.float64(2.0), penalty_ratio=np.float64(0.9))
    state = run(method, narrow, steps=3, measures=("objective",)).state
    assert state.consensus.dtype == state.multiplier.dtype == state.penalty.dtype == xp.float32
