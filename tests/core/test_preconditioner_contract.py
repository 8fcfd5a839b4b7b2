"""What every preconditioner owes (the rows of PRECONDITIONERS), and what each one says of itself."""

import dataclasses
import itertools

import numpy as np
import pytest
from preconditioner_cases import (
    ROWS,
    Bumpy,
    bumpy,
    driven,
    observations,
    spread,
)

from pisa_lab import PISA, Status, load_state, run, save_state
from pisa_lab._array import to_numpy
from pisa_lab.preconditioners import (
    PRECONDITIONERS,
    Base,
    Clipped,
)
from pisa_lab.state import leaves


def host(tree):
    return [np.array(to_numpy(leaf)) for _, leaf in leaves(tree) if hasattr(leaf, "ndim")]


@ROWS
def test_init_shares_no_memory(row):
    problem = bumpy()
    like = np.zeros((3, *problem.initial.shape))
    arrays = [leaf for _, leaf in leaves(row.build(problem).init(like)) if hasattr(leaf, "ndim")]
    for one, other in itertools.combinations([like, *arrays], 2):
        assert not np.shares_memory(one, other)


@ROWS
def test_update_leaves_its_inputs_alone(row):
    problem = bumpy()
    preconditioner = row.build(problem)
    seen = observations(problem, 3)
    _, state = driven(preconditioner, seen[:1])
    before = host((state, seen))
    for at in seen[1:]:
        direction, new = preconditioner.update(state, at)
        preconditioner.solve(new, direction, np.ones(3), 1.0)
    for one, other in zip(before, host((state, seen)), strict=True):
        assert np.array_equal(one, other)


@ROWS
def test_direction_is_the_gradient_unless_it_says_otherwise(row):
    problem = bumpy()
    preconditioner = row.build(problem)
    seen = observations(problem, 12)
    directions, _ = driven(preconditioner, seen)
    same = [np.array_equal(direction, at.gradient) for direction, at in zip(directions, seen, strict=True)]
    assert all(same) != preconditioner.replaces_gradient
    assert any(same) != preconditioner.replaces_gradient
    assert ("kkt" in row.exempt) == preconditioner.replaces_gradient


@ROWS
def test_state_written_and_read_goes_on_bit_for_bit(row, tmp_path):
    problem = bumpy()
    method = PISA(penalty=20.0, rho=0.5, preconditioner=row.build(problem))
    through = run(method, problem, steps=14)
    half = run(method, problem, steps=7)
    save_state(tmp_path / "state.npz", half.state)
    state, _ = load_state(tmp_path / "state.npz", method.init(problem, problem.initial))
    resumed = run(method, problem, steps=7, state=state)
    assert np.array_equal(resumed.state.consensus, through.state.consensus)
    assert np.array_equal(resumed.state.multiplier, through.state.multiplier)


@pytest.mark.parametrize("shape", [(3, 2), (6,)])
@ROWS
def test_rows_fit_parameters_of_both_kinds(row, shape):
    problem = bumpy(shape=shape)
    result = run(PISA(penalty=20.0, rho=0.5, preconditioner=row.build(problem)), problem, steps=3, batches=2, seeds=2)
    assert result.status is Status.FINISHED
    assert result.state.consensus.shape == (2, *shape)
    assert not np.array_equal(result.state.consensus[0], result.state.consensus[1])


@ROWS
def test_divergence_ends_with_a_status_and_no_exception(row):
    """The eigensolver must not raise on the infinite curvature of a run that left every ball."""

    class Quartic(Bumpy):
        """The curvature and the gradients of w ↦ Σ w⁴ besides."""

        def hvp(self, w, v, batch=None):
            return super().hvp(w, v, batch) + 12 * w * w * v

        def gauss_newton(self, w, v, batch=None):
            return super().gauss_newton(w, v, batch) + 12 * w * w * v

        def sample_grad(self, w, batch):
            return super().sample_grad(w, batch) + 4 * (w * w * w)[..., None, :]

        def client_grad(self, w, batch=None):
            return super().client_grad(w, batch) + 4 * w * w * w

    problem = Quartic(*(getattr(bumpy(), field.name) for field in dataclasses.fields(Bumpy)))
    huge = np.full(problem.initial.shape, 1e160)
    with np.errstate(all="ignore"):
        at = observations(problem, 1)[0]._replace(consensus=huge[None, :])
        at = at._replace(gradient=problem.client_grad(at.consensus, at.batch))
        preconditioner = row.build(problem)
        direction, state = preconditioner.update(preconditioner.init(0 * at.multiplier), at)
        preconditioner.solve(state, at.multiplier + direction, np.ones(3), 1.0)
    method = PISA(penalty=1e-3, rho=0.0, preconditioner=row.build(problem))
    assert run(method, problem, steps=60).status is Status.NON_FINITE


@pytest.mark.parametrize("row", [row for row in PRECONDITIONERS if row.needs], ids=lambda row: row.name)
def test_missing_oracle_is_named(row):
    problem = bumpy()
    bare = type("Bare", (), {"initial": problem.initial})()
    for oracle in (bare, None):
        at = observations(problem, 1)[0]._replace(problem=oracle)
        preconditioner = row.build(problem)
        with pytest.raises(ValueError, match=rf"^problem: .*'{row.needs}'"):
            preconditioner.update(preconditioner.init(0 * at.gradient), at)


def test_a_preconditioner_of_ones_own_takes_a_few_lines():
    class Curved(Base):
        def entries(self, at):
            return at.gradient * at.gradient / 2

    problem = bumpy()
    (at,) = observations(problem, 1)
    _, state = driven(Curved(), [at])
    rhs, sigma, rho = spread(problem)
    expected = rhs / (sigma[:, None] + rho[:, None] * at.gradient**2 / 2)
    np.testing.assert_array_equal(Curved().solve(state, rhs, sigma, rho), expected)
    assert run(PISA(penalty=30.0, rho=1.0, preconditioner=Curved()), problem, steps=5).status is Status.FINISHED
    assert np.max(driven(Clipped(Curved(), 0.1), [at])[1].form.entries) <= 0.1
