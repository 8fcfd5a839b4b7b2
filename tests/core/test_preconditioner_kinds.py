"""What every preconditioner owes (the rows of PRECONDITIONERS), and what each one says of itself."""

import math

import numpy as np
import pytest
from preconditioner_cases import (
    BLOCKS,
    SIZES,
    bumpy,
    dense,
    driven,
    observations,
)

from pisa_lab import Observation
from pisa_lab._array import to_numpy
from pisa_lab.preconditioners import (
    Fisher,
    FisherDiagonal,
    GaussNewton,
    Hessian,
    HessianDiagonal,
    KroneckerFactored,
    OrthogonalMomentum,
    SecondMoment,
    newton_schulz,
)
from pisa_lab.preconditioners.blocks import join, split
from pisa_lab.preconditioners.forms import spectrum


def analytic(problem, at, bump):
    """Return mini-batch Hessians as a plain loop over clients."""
    matrices, w = [], at.consensus[0]
    for client in range(3):
        rows = problem.features[client][at.batch[client]]
        matrices.append(rows.T @ rows / len(rows) + 2 * bump * np.diag(np.cos(w)))
    return np.stack(matrices)


def test_hessian_is_the_positive_part_of_the_hessian():
    problem = bumpy()
    (at,) = observations(problem, 1)
    hessian = analytic(problem, at, 1.0)
    values, vectors = np.linalg.eigh(hessian)
    assert np.min(values) < -0.1
    positive = (vectors * np.maximum(values, 0)[:, None, :]) @ np.swapaxes(vectors, -1, -2)
    for preconditioner, expected in (
        (Hessian(), positive),
        (Hessian(clip=0.7), (vectors * np.clip(values, 0, 0.7)[:, None, :]) @ np.swapaxes(vectors, -1, -2)),
        (HessianDiagonal(), np.stack([np.diag(np.maximum(np.diag(h), 0)) for h in hessian])),
        (GaussNewton(), analytic(problem, at, 0.0)),
    ):
        _, state = driven(preconditioner, [at])
        np.testing.assert_allclose(dense(preconditioner, state, problem), expected, atol=1e-12)


def test_spectrum_marks_what_is_not_finite_and_spares_its_neighbours(xp):
    host = np.stack([np.diag([1.0, -2.0]), np.diag([np.inf, 1.0]), np.diag([np.nan, 1.0]), np.diag([3.0, 4.0])])
    values = to_numpy(spectrum(xp.asarray(host, dtype=xp.float64))[0])
    np.testing.assert_array_equal(values[[0, 3]], [[0.0, 1.0], [3.0, 4.0]])
    assert np.all(np.isnan(values[[1, 2]]))


def test_columns_come_in_chunks():
    problem = bumpy(shape=(150,))
    (at,) = observations(problem, 1)
    expected = analytic(problem, at, 1.0)
    for preconditioner, matrix in (
        (GaussNewton(), analytic(problem, at, 0.0)),
        (HessianDiagonal(), np.stack([np.diag(np.maximum(np.diag(h), 0)) for h in expected])),
    ):
        _, state = driven(preconditioner, [at])
        np.testing.assert_allclose(dense(preconditioner, state, problem), matrix, atol=1e-11)


@pytest.mark.parametrize("full", [False, True])
def test_fisher_is_the_mean_over_the_clients_own_samples(full):
    problem = bumpy()
    (at,) = observations(problem, 1)
    at = at._replace(batch=None) if full else at
    w, matrices = at.consensus[0], []
    for client in range(3):
        places = np.arange(SIZES[client]) if full else at.batch[client]
        rows, targets = problem.features[client][places], problem.targets[client][places]
        gradients = (rows @ w - targets)[:, None] * rows + 2 * np.sin(w)
        np.testing.assert_allclose(gradients.mean(axis=0), problem.client_grad(at.consensus, at.batch)[client])
        matrices.append(gradients.T @ gradients / len(places))
    expected = np.stack(matrices)
    for preconditioner, matrix in (
        (Fisher(), expected),
        (FisherDiagonal(), expected * np.eye(expected.shape[-1])),
        (FisherDiagonal(clip=0.3), np.clip(expected, 0, 0.3) * np.eye(expected.shape[-1])),
    ):
        _, state = driven(preconditioner, [at])
        np.testing.assert_allclose(dense(preconditioner, state, problem), matrix, rtol=1e-10, atol=1e-10)


def root(matrix, power):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 0) ** power) @ vectors.T


@pytest.mark.parametrize("power", [0.25, 0.5])
def test_kronecker_is_the_product_of_averaged_factors(power):
    problem, beta = bumpy(shape=(3, 4)), 0.8
    seen = observations(problem, 6)
    preconditioner = KroneckerFactored(beta=beta, power=power)
    _, state = driven(preconditioner, seen)
    found = dense(preconditioner, state, problem)
    shares = np.asarray([(1 - beta) * beta ** (5 - at.iteration) for at in seen])
    shares /= shares.sum()
    for client in range(3):
        gradients = np.stack([at.gradient[client] for at in seen])
        left = np.einsum("k,kia,kja->ij", shares, gradients, gradients)
        right = np.einsum("k,kai,kaj->ij", shares, gradients, gradients)
        np.testing.assert_allclose(found[client], np.kron(root(left, power), root(right, power)), rtol=1e-9, atol=1e-12)
        # Shampoo's lemma: rank · L^½⊗R^½ dominates the second moment; its root, with L^¼⊗R^¼, by monotonicity of √.
        moment = np.einsum("k,ki,kj->ij", shares, gradients.reshape(6, -1), gradients.reshape(6, -1))
        below = moment if power == 0.5 else root(moment, 0.5)
        gap = np.linalg.eigvalsh(3 ** (2 * power) * found[client] - below)
        assert np.min(gap) > -1e-12


def test_kronecker_leaves_the_null_space_of_the_gradients_alone():
    """A rounding of 1e-16 in R would be 1e-4 under the fourth root."""
    problem = bumpy(shape=(3, 4))
    (at,) = observations(problem, 1)
    _, state = driven(KroneckerFactored(), [at])
    missing = np.linalg.svd(at.gradient)[2][:, -1:, :]
    assert np.max(np.abs(KroneckerFactored().apply(state, np.ones((3, 3, 1)) * missing))) < 1e-13


def test_kronecker_of_blocks_is_block_diagonal():
    problem = bumpy()
    seen = observations(problem, 4)
    preconditioner = KroneckerFactored(blocks=BLOCKS)
    _, state = driven(preconditioner, seen)
    found, start = dense(preconditioner, state, problem), 0
    mask = np.ones_like(found, dtype=bool)
    for _, shape in BLOCKS:
        part = slice(start, start + math.prod(shape))
        start += math.prod(shape)
        mask[:, part, part] = False
        parts = [at._replace(gradient=at.gradient[:, part].reshape(3, *shape)) for at in seen]
        if len(shape) == 2:
            single = KroneckerFactored()
            expected = dense(single, driven(single, parts)[1], bumpy(shape=shape))
            np.testing.assert_allclose(found[:, part, part], expected, rtol=1e-10, atol=1e-12)
        else:
            moment = sum(0.05 * 0.95 ** (3 - at.iteration) * at.gradient**2 for at in parts) / (1 - 0.95**4)
            np.testing.assert_allclose(np.diagonal(found[:, part, part], axis1=1, axis2=2), np.sqrt(moment))
    assert np.all(found[mask] == 0)


def test_blocks_are_cut_and_joined_in_order():
    flat = np.arange(2.0 * 20).reshape(2, 20)
    pieces = split(flat, BLOCKS, 1)
    assert [piece.shape for piece in pieces] == [(2, *shape) for _, shape in BLOCKS]
    assert np.array_equal(pieces[2][1], np.array([[28.0, 29.0, 30.0], [31.0, 32.0, 33.0]]))
    assert np.array_equal(join(pieces, 1), flat)
    with pytest.raises(ValueError, match=r"^blocks: .*20.*19"):
        split(flat[:, :19], BLOCKS, 1)


@pytest.mark.parametrize("nesterov", [True, False])
def test_orthogonal_momentum_equals_a_plain_loop(nesterov):
    problem = bumpy()
    seen = observations(problem, 4)
    directions, state = driven(OrthogonalMomentum(blocks=BLOCKS, nesterov=nesterov), seen)
    for client in range(3):
        momentum = np.zeros(20)
        for at, direction in zip(seen, directions, strict=True):
            gradient = at.gradient[client]
            momentum = 0.95 * momentum + gradient
            ahead = gradient + 0.95 * momentum if nesterov else momentum
            parts = []
            for (_, shape), part in zip(BLOCKS, np.split(ahead, np.cumsum([6, 2, 6])), strict=True):
                matrix = part.reshape(shape)
                factor = math.sqrt(max(1, shape[0] / shape[-1]))
                parts.append(part if len(shape) == 1 else factor * newton_schulz(matrix).reshape(-1))
            np.testing.assert_allclose(direction[client], np.concatenate(parts), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(state.form.entries, np.abs(seen[-1].multiplier + directions[-1]))


def test_orthogonal_momentum_averages_and_clips_where_asked():
    problem = bumpy()
    seen = observations(problem, 3)
    directions, state = driven(OrthogonalMomentum(blocks=BLOCKS, beta=0.5), seen)
    squares = [(at.multiplier + direction) ** 2 for at, direction in zip(seen, directions, strict=True)]
    moment = (0.125 * squares[0] + 0.25 * squares[1] + 0.5 * squares[2]) / 0.875
    np.testing.assert_allclose(state.form.entries, np.sqrt(moment))
    _, clipped = driven(OrthogonalMomentum(blocks=BLOCKS, clip=0.2), seen)
    assert np.max(clipped.form.entries) == 0.2


def test_orthogonal_momentum_passes_vectors_through_and_survives_zero():
    problem = bumpy(shape=(6,))
    seen = observations(problem, 1)
    directions, _ = driven(OrthogonalMomentum(momentum=0.0, nesterov=False), seen)
    assert np.array_equal(directions[0], seen[0].gradient)
    zero = [at._replace(gradient=0 * at.gradient, multiplier=0 * at.multiplier) for at in observations(bumpy(), 1)]
    directions, state = driven(OrthogonalMomentum(blocks=BLOCKS), zero)
    assert not np.any(directions[0])
    # u = 0: the step is 0/(σ + 0), which the authors' ε^ℓ guards and which needs no guard.
    found = OrthogonalMomentum(blocks=BLOCKS).solve(state, directions[0], np.ones(3), 1.0)
    assert not np.any(found)


@pytest.mark.parametrize("clip", [None, 0.8])
def test_second_moment_is_that_of_multiplier_plus_gradient(clip):
    problem = bumpy()
    seen = observations(problem, 5)
    squares = np.stack([(at.multiplier + at.gradient) ** 2 for at in seen])
    held = squares if clip is None else np.minimum(squares, clip**2)
    decays = 0.1 * 0.9 ** np.arange(4, -1, -1)[:, None, None]
    total = squares.sum(axis=0)
    expected = {
        "I": total if clip is None else np.minimum(total, clip**2),
        "II": (decays * held).sum(axis=0),
        "III": (decays * held).sum(axis=0) / (1 - 0.9**5),
    }
    for scheme, moment in expected.items():
        _, state = driven(SecondMoment(scheme, beta=0.9, clip=clip), seen)
        np.testing.assert_allclose(state.form.entries, np.sqrt(moment), rtol=1e-13)


def test_scheme_one_grows_without_a_clip_and_not_with_one():
    direction = np.full((1, 2), 3.0)
    at = Observation(gradient=direction, multiplier=0 * direction)
    _, free = driven(SecondMoment("I"), [at._replace(iteration=k) for k in range(100)])
    np.testing.assert_allclose(free.form.entries, 3.0 * math.sqrt(100))
    _, held = driven(SecondMoment("I", clip=5.0), [at._replace(iteration=k) for k in range(100)])
    assert np.all(held.form.entries == 5.0)
    _, early = driven(SecondMoment("I", clip=5.0), [at._replace(iteration=k) for k in range(2)])
    np.testing.assert_allclose(early.form.entries, 3.0 * math.sqrt(2))
