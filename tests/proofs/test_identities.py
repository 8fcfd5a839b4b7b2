"""The algebra of the updates, on instances that hypothesis makes as unequal as it can."""

import dataclasses

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from small import quadratics

from pisa_lab import PISA, Observation, augmented_lagrangian, run, sisa
from pisa_lab.preconditioners import Identity

POSITIVE = st.floats(0.5, 50.0)
RATIO = st.floats(0.75, 1.0)
PER_CLIENT = st.tuples(POSITIVE, POSITIVE, POSITIVE)
FEW = settings(max_examples=40, deadline=None, derandomize=True)


def states(penalty, rho, ratio, ridge, seed, steps):
    """Return (problem, method, [state after each half-step]) of a SISA run with everything unequal."""
    problem = dataclasses.replace(quadratics(seed), ridge=ridge)
    method = sisa(penalty, rho=rho, penalty_ratio=ratio, clip=2.0)
    state, seen = method.init(problem, problem.initial), []
    for _ in range(steps):
        state = method.server_update(state)
        seen.append(state)
        state = method.client_update(state, Observation(problem.client_grad(state.shared)))
        seen.append(state)
    return problem, method, seen


def close(one, other):
    # Twelve digits: a handful of roundings on numbers whose size is that of the largest term.
    scale = np.max(np.abs(np.asarray(one))) + np.max(np.abs(np.asarray(other))) + 1e-300
    return np.max(np.abs(np.asarray(one) - np.asarray(other))) <= 1e-12 * max(scale, 1.0)


@FEW
@given(PER_CLIENT, PER_CLIENT, st.tuples(RATIO, RATIO, RATIO), st.floats(0, 2), st.integers(0, 99), st.integers(2, 6))
def test_i1_the_multiplier_is_minus_gradient_minus_metric(penalty, rho, ratio, ridge, seed, steps):
    problem, method, seen = states(penalty, rho, ratio, ridge, seed, steps)
    before, after = seen[-2:]
    gradient = problem.client_grad(before.shared)
    metric = np.array(rho)[:, None] * method.preconditioner.apply(after.preconditioner, after.deviation)
    assert close(after.multiplier, -gradient - metric)
    assert close(after.deviation * after.penalty[:, None], after.multiplier - before.multiplier)


@FEW
@given(PER_CLIENT, PER_CLIENT, st.tuples(RATIO, RATIO, RATIO), st.floats(0, 2), st.integers(0, 99))
def test_i2_the_server_extrapolates_the_multipliers(penalty, rho, ratio, ridge, seed):
    problem, _, seen = states(penalty, rho, ratio, ridge, seed, 4)
    older, last, server = seen[-5], seen[-3], seen[-2]
    weights = problem.weights[:, None]
    right = np.sum(weights * (2 * last.multiplier - older.multiplier), axis=0) - ridge * last.consensus
    left = (np.sum(problem.weights * last.penalty) + ridge) * (server.consensus - last.consensus)
    assert close(left, right)


@FEW
@given(PER_CLIENT, PER_CLIENT, st.tuples(RATIO, RATIO, RATIO), st.floats(0, 2), st.integers(0, 99))
def test_i7_the_exact_changes_of_the_lagrangian(penalty, rho, ratio, ridge, seed):
    problem, _, seen = states(penalty, rho, ratio, ridge, seed, 4)
    last, server, client = seen[-3:]
    total = np.sum(problem.weights * last.penalty) + ridge
    fall = total / 2 * np.sum((server.consensus - last.consensus) ** 2)
    assert close(augmented_lagrangian(problem, last) - augmented_lagrangian(problem, server), fall)
    grown = server._replace(penalty=client.penalty)
    moved = np.sum(server.deviation**2, axis=1)
    rise = np.sum(problem.weights * (client.penalty - server.penalty) / 2 * moved)
    assert close(augmented_lagrangian(problem, grown) - augmented_lagrangian(problem, server), rise)
    changed = client.multiplier - server.multiplier
    rise = np.sum(problem.weights / client.penalty * np.sum(changed**2, axis=1))
    stale = client._replace(multiplier=server.multiplier)
    assert close(augmented_lagrangian(problem, client) - augmented_lagrangian(problem, stale), rise)


@FEW
@given(PER_CLIENT, st.integers(0, 99))
def test_i4_without_a_preconditioner_it_is_the_optimistic_gradient_method(penalty, seed):
    problem = dataclasses.replace(quadratics(seed), ridge=0.0)
    total = float(np.sum(problem.weights * np.array(penalty)))
    w, old = problem.initial.copy(), np.zeros_like(problem.initial)
    state = run(PISA(penalty=penalty), problem, steps=9).state
    for _ in range(8):
        gradient = np.sum(problem.weights[:, None] * problem.client_grad(w[None]), axis=0)
        w, old = w - (2 * gradient - old) / total, gradient
    assert close(state.consensus, w)


@FEW
@given(POSITIVE, st.floats(0.0, 5.0), st.integers(0, 99))
def test_i5_equal_penalties_and_metrics_see_only_the_mean(penalty, rho, seed):
    problem = quadratics(seed)
    merged = dataclasses.replace(
        problem,
        matrices=np.sum(problem.weights[:, None, None] * problem.matrices, axis=0)[None],
        vectors=np.sum(problem.weights[:, None] * problem.vectors, axis=0)[None],
        noise=problem.noise[:1],
        weights=np.ones(1),
        sizes=(16,),
    )
    method = PISA(penalty=penalty, rho=rho, preconditioner=Identity())
    assert close(
        run(method, problem, steps=12, w0=problem.initial).state.consensus,
        run(method, merged, steps=12, w0=problem.initial).state.consensus,
    )
