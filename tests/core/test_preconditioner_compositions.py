"""What every preconditioner owes (the rows of PRECONDITIONERS), and what each one says of itself."""

import dataclasses
import math

import numpy as np
import pytest
from preconditioner_cases import (
    BLOCKS,
    NAMES,
    QS,
    bumpy,
    dense,
    driven,
    observations,
)

from pisa_lab import Observation
from pisa_lab.preconditioners import (
    PRECONDITIONERS,
    Clipped,
    Every,
    Fisher,
    FisherDiagonal,
    GaussNewton,
    Hessian,
    HessianDiagonal,
    Identity,
    KroneckerFactored,
    OrthogonalMomentum,
    SecondMoment,
    Zero,
    by_name,
)
from pisa_lab.preconditioners.forms import Diagonal


@pytest.mark.parametrize("scheme", ["I", "II", "III"])
def test_clipped_moment_survives_gradients_whose_squares_overflow(scheme):
    direction = np.asarray([[1e300, -1e200, 1e-300, 0.0]])
    seen = [Observation(gradient=direction, multiplier=0 * direction, iteration=k) for k in range(300)]
    _, state = driven(SecondMoment(scheme, clip=2.0), seen)
    assert np.all(state.form.entries <= 2.0)
    assert np.all(state.moment <= 4.0)
    assert state.form.entries[0, 3] == 0.0


def test_clipped_clips_eigenvalues_and_nests():
    problem = bumpy()
    (at,) = observations(problem, 1)
    state = driven(Clipped(Clipped(Hessian(), 0.9), 0.4), [at])[1]
    values = np.linalg.eigvalsh(dense(Hessian(), state, problem))
    assert np.isclose(np.max(values), 0.4)
    assert Clipped(Identity(), 0.25).guarantee.bound == 0.25
    assert Clipped(Zero(), 0.25).guarantee.bound == 0.0
    assert Clipped(SecondMoment(clip=0.1), 0.25).guarantee.bound == 0.1
    assert driven(Clipped(Identity(), 0.25), [at])[1].form.factor == 0.25


def test_every_keeps_q_and_not_the_direction():
    problem = bumpy()
    seen = observations(problem, 7)
    directions, state = driven(Every(Hessian(), 3), seen)
    assert all(direction is at.gradient for direction, at in zip(directions, seen, strict=True))
    _, last = driven(Hessian(), [seen[6]])
    assert np.array_equal(state.form.values, last.form.values)
    _, kept = driven(Every(Hessian(), 3), seen[:6])
    _, third = driven(Hessian(), [seen[3]])
    assert np.array_equal(kept.form.values, third.form.values)


def test_every_does_not_freeze_the_direction_of_orthogonal_momentum():
    problem = bumpy()
    seen = observations(problem, 6)
    inner = OrthogonalMomentum(blocks=BLOCKS)
    fresh, free = driven(inner, seen)
    directions, state = driven(Every(Clipped(inner, 0.5), 4), seen)
    for one, other in zip(fresh, directions, strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(state.momentum, free.momentum)
    _, kept = driven(Clipped(inner, 0.5), seen[:5])
    assert np.array_equal(state.form.entries, kept.form.entries)


def test_every_counts_the_looks_of_a_bias_correction():
    problem = bumpy()
    seen = observations(problem, 5)
    _, state = driven(Every(SecondMoment("III", beta=0.9), 2), seen)
    looked = [at._replace(iteration=number) for number, at in enumerate(seen[::2])]
    _, expected = driven(SecondMoment("III", beta=0.9), looked)
    assert np.array_equal(state.form.entries, expected.form.entries)


def test_composition_asks_for_a_form():
    class Bare:
        guarantee = Zero().guarantee

        def init(self, like):
            return ()

        update = solve = apply = init

    with pytest.raises(ValueError, match=r"^inner: .*form"):
        Clipped(Bare(), 1.0).init(np.zeros(3))
    with pytest.raises(ValueError, match=r"^inner: 3 is not a preconditioner"):
        Every(3, 2)


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: Hessian(clip=0.0), "clip"),
        (lambda: Hessian(largest=0), "largest"),
        (lambda: Hessian(parameter_axes=-1), "parameter_axes"),
        (lambda: FisherDiagonal(clip=-1), "clip"),
        (lambda: KroneckerFactored(beta=1.0), "beta"),
        (lambda: KroneckerFactored(power=0.6), "power"),
        (lambda: KroneckerFactored(blocks=()), "blocks"),
        (lambda: OrthogonalMomentum(momentum=1.0), "momentum"),
        (lambda: OrthogonalMomentum(steps=0), "steps"),
        (lambda: OrthogonalMomentum(blocks=[("W", 3)]), "blocks"),
        (lambda: OrthogonalMomentum(blocks=[("W", (3, 0))]), "blocks"),
        (lambda: OrthogonalMomentum(beta=math.nan), "beta"),
        (lambda: SecondMoment("IV"), "scheme"),
        (lambda: Clipped(Identity(), 0.0), "bound"),
        (lambda: Every(Identity(), 0), "period"),
        (lambda: by_name("adam"), "preconditioner"),
    ],
)
def test_bad_hyperparameters_are_named(build, name):
    with pytest.raises(ValueError, match=rf"^{name}: "):
        build()


def test_hyperparameters_are_coerced():
    preconditioner = KroneckerFactored(blocks=[["W", [np.int64(3), 2]]], beta=np.float64(0.5), clip=np.float32(1))
    assert preconditioner.blocks == (("W", (3, 2)),)
    assert (type(preconditioner.beta), type(preconditioner.clip)) == (float, float)
    assert hash(preconditioner) == hash(dataclasses.replace(preconditioner))


def test_too_large_parameters_are_refused_with_an_alternative():
    like = np.zeros((2, 2001))
    for preconditioner in (Hessian(), GaussNewton(), Fisher()):
        with pytest.raises(ValueError, match=r"^largest: .*2001.*'second-moment-3'"):
            preconditioner.init(like)
    (at,) = observations(bumpy(), 1)
    with pytest.raises(ValueError, match=r"^largest: .*20 numbers.*at most 19"):
        Hessian(largest=19).update(None, at)
    with pytest.raises(ValueError, match=r"^largest: .*'fisher-diagonal'"):
        HessianDiagonal(largest=2000).init(like)
    with pytest.raises(ValueError, match=r"^largest: .*'orthogonal-momentum'"):
        KroneckerFactored().init(np.zeros((2, 2001, 1)))


def test_parameters_of_another_kind_are_refused():
    problem = bumpy(shape=(3, 2))
    (at,) = observations(problem, 1)
    with pytest.raises(ValueError, match=r"^parameter_axes: 1, .* 2"):
        Hessian().update(Hessian().init(0 * at.gradient), at)
    flat = observations(bumpy(shape=(6,)), 1)[0]
    with pytest.raises(ValueError, match=r"^blocks: "):
        KroneckerFactored().update(None, flat)
    with pytest.raises(ValueError, match=r"^blocks: "):
        OrthogonalMomentum(blocks=BLOCKS).update(OrthogonalMomentum().init(0 * flat.gradient), flat)


def test_fisher_without_batch_or_sizes_says_so():
    problem = bumpy()
    at = observations(problem, 1)[0]._replace(problem=dataclasses.replace(problem, sizes=None), batch=None)
    with pytest.raises(ValueError, match=r"^problem: .*sizes"):
        FisherDiagonal().update(None, at)


@QS
def test_eigenvalues_are_those_of_q(row):
    problem = bumpy()
    preconditioner = row.build(problem)
    _, state = driven(preconditioner, observations(problem, 2))
    told = np.asarray(state.form.eigenvalues())
    values = np.linalg.eigvalsh(dense(preconditioner, state, problem))
    size = max(float(np.max(values)), 1e-300)
    if told.size == 1:
        np.testing.assert_allclose(values, np.full_like(values, told[0]))
    else:
        np.testing.assert_allclose(np.sort(told.reshape(-1)), np.sort(values.reshape(-1)), atol=1e-12 * size)


def test_names_are_distinct_and_found():
    assert len(set(NAMES)) == len(NAMES)
    assert all(by_name(row.name) is row and row.summary and row.buffers for row in PRECONDITIONERS)
    assert isinstance(driven(by_name("second-moment-1").build(None), observations(bumpy(), 1))[1].form, Diagonal)
