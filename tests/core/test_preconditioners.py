"""What every preconditioner owes (the rows of PRECONDITIONERS), and what each one says of itself."""

import numpy as np
import pytest
from preconditioner_cases import CLIPPED, QS, ROWS, bumpy, dense, driven, observations, spread

from pisa_lab._array import column, to_numpy
from pisa_lab.preconditioners import (
    Clipped,
)


@QS
def test_solve_inverts_and_keeps_shape_dtype_and_namespace(row, library):
    for dtype, tolerance in (("float64", 1e-10), ("float32", 1e-3)):
        problem = bumpy(library=library, dtype=dtype)
        preconditioner = row.build(problem)
        directions, state = driven(preconditioner, observations(problem, 3))
        rhs, sigma, rho = spread(problem)
        found = preconditioner.solve(state, rhs, sigma, rho)
        for array in (found, directions[-1], preconditioner.apply(state, rhs)):
            assert array.shape == rhs.shape
            assert array.dtype == rhs.dtype
            assert type(array) is type(rhs)
        again = column(sigma, found) * found + column(rho, found) * preconditioner.apply(state, found)
        # σ ≥ 0.5 and ‖ρQ‖ < 300 here: condition numbers below 1e3.
        assert np.max(np.abs(to_numpy(again - rhs))) < tolerance
        number = preconditioner.solve(state, rhs, sigma, 0.7)
        again = column(sigma, number) * number + 0.7 * preconditioner.apply(state, number)
        assert np.max(np.abs(to_numpy(again - rhs))) < tolerance


@pytest.mark.parametrize("sigma", [1e-6, 1.0, 1e12])
@QS
def test_solve_is_backward_stable_for_every_penalty(row, sigma):
    problem = bumpy()
    preconditioner = row.build(problem)
    _, state = driven(preconditioner, observations(problem, 3))
    rhs, penalty = spread(problem)[0], np.full(3, sigma)
    found = preconditioner.solve(state, rhs, penalty, 2.0)
    residual = sigma * found + 2.0 * preconditioner.apply(state, found) - rhs
    norm = sigma + 2.0 * np.linalg.norm(dense(preconditioner, state, problem), ord=2, axis=(-2, -1))
    # Backward error: p = 20 times a few roundings of 1.1e-16; an error of the matrix itself would show as 1.
    limit = 1e-14 * (np.linalg.norm(rhs, axis=-1) + norm * np.linalg.norm(found, axis=-1))
    assert np.all(np.linalg.norm(residual, axis=-1) <= limit)


@QS
def test_solve_is_linear_symmetric_and_positive_definite(row):
    problem = bumpy()
    preconditioner = row.build(problem)
    _, state = driven(preconditioner, observations(problem, 3))
    rhs, sigma, rho = spread(problem)
    other = np.random.default_rng(8).normal(size=rhs.shape)
    first, second = (preconditioner.solve(state, array, sigma, rho) for array in (rhs, other))
    both = preconditioner.solve(state, 2 * rhs - 3 * other, sigma, rho)
    np.testing.assert_allclose(both, 2 * first - 3 * second, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(np.sum(first * other, axis=-1), np.sum(second * rhs, axis=-1), rtol=1e-9, atol=1e-12)
    assert np.all(np.sum(first * rhs, axis=-1) > 0)


@pytest.mark.parametrize("bound", [None, 0.5])
@QS
def test_q_is_positive_semidefinite_and_within_its_guarantee(row, bound):
    problem = bumpy()
    preconditioner = row.build(problem) if bound is None else Clipped(row.build(problem), bound)
    for scale in (1.0, 1e8):
        _, state = driven(preconditioner, observations(problem, 4, scale=scale))
        matrix = dense(preconditioner, state, problem)
        size = np.max(np.abs(matrix))
        np.testing.assert_allclose(matrix, np.swapaxes(matrix, -1, -2), atol=1e-12 * size)
        values = np.linalg.eigvalsh(matrix)
        # The eigenvalues of a formed matrix carry p·ε of its norm.
        assert np.min(values) >= -1e-13 * max(size, 1e-300)
        limit = preconditioner.guarantee.bound
        assert preconditioner.guarantee.reason
        assert bound is None or limit <= bound
        assert limit is None or np.max(values) <= limit * (1 + 1e-13)


@pytest.mark.parametrize("preconditioner", CLIPPED, ids=repr)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_clip_holds_to_the_last_bit(preconditioner, dtype):
    """Gradients between 1e-8 and 1e8 for 40 iterations, then huge ones; the bound is met, and not passed by an ulp."""
    problem = bumpy(dtype=dtype)
    state = preconditioner.init(np.zeros((3, 20), dtype=dtype))
    tops = []
    for at in observations(problem, 80, scale=1e8):
        huge = 1e8 * (1 + abs(at.gradient)) if at.iteration >= 40 else at.gradient
        _, state = preconditioner.update(state, at._replace(gradient=huge))
        tops.append(np.max(state.form.eigenvalues()))
        assert np.min(state.form.eigenvalues()) >= 0
    bound = np.asarray(preconditioner.guarantee.bound, dtype=dtype)
    # Scheme II has no bias correction: √(1 − 0.9^40) of the bound is what 40 huge gradients reach.
    assert 0.99 * bound < max(tops) <= bound


@QS
def test_fresh_state_solves_by_division(row):
    problem = bumpy()
    rhs, sigma, rho = spread(problem)
    preconditioner = row.build(problem)
    found = preconditioner.solve(preconditioner.init(0 * rhs), rhs, sigma, rho)
    shift = rho if row.name == "identity" else 0.0
    # 1/σ·rhs in an eigenbasis and rhs/σ differ by a rounding.
    np.testing.assert_allclose(found, rhs / (sigma + shift)[:, None], rtol=4e-16)


@ROWS
def test_permuting_clients_permutes_results_bit_for_bit(row):
    order = (2, 0, 1)
    straight, permuted = bumpy(), bumpy(order=order)
    results = []
    for problem, places in ((straight, (0, 1, 2)), (permuted, order)):
        preconditioner = row.build(problem)
        directions, state = driven(preconditioner, observations(problem, 3, order=places))
        rhs, sigma, rho = (value[list(places)] for value in spread(problem))
        applied = preconditioner.apply(state, rhs) if "linear" not in row.exempt else rhs
        results.append((directions[-1], preconditioner.solve(state, rhs, sigma, rho), applied))
    for one, other in zip(*results, strict=True):
        assert np.array_equal(one[list(order)], other)


@ROWS
def test_replicate_alone_equals_replicate_among_others_bit_for_bit(row):
    """NumPy hands matrices of a batch to BLAS and LAPACK one by one, so that none sees its neighbours."""
    problem = bumpy()
    preconditioner = row.build(problem)
    together = observations(problem, 3, replicates=4)
    rhs, sigma, rho = spread(problem, (4,))
    directions, state = driven(preconditioner, together)
    found = preconditioner.solve(state, rhs, sigma, rho)
    for place in range(4):
        part = slice(place, place + 1)
        names = ("gradient", "batch", "multiplier", "consensus", "penalty")
        alone = [at._replace(**{name: getattr(at, name)[part] for name in names}) for at in together]
        own_directions, own = driven(preconditioner, alone)
        assert np.array_equal(own_directions[-1], directions[-1][part])
        assert np.array_equal(preconditioner.solve(own, rhs[part], sigma[part], rho[part]), found[part])
        bare = [at._replace(**{name: getattr(at, name)[place] for name in names}, batch_axes=1) for at in together]
        own_directions, own = driven(preconditioner, bare)
        assert np.array_equal(own_directions[-1], directions[-1][place])
        assert np.array_equal(preconditioner.solve(own, rhs[place], sigma[place], rho[place]), found[place])
