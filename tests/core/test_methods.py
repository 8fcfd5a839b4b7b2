"""Conformance, once for every row of METHODS."""

import dataclasses

import numpy as np
import pytest
from small import quadratics

from pisa_lab import run
from pisa_lab.methods import METHODS, Settings, by_name
from pisa_lab.residuals import aggregate_residual, consensus_residual, local_residual, stationarity
from pisa_lab.state import State

ROWS = pytest.mark.parametrize("row", METHODS, ids=lambda row: row.name)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Listed:
    """A quadratic problem with its clients listed in ``order``, repeated ones sharing their weight."""

    inner: object
    order: tuple[int, ...]

    @property
    def problem(self):
        order, inner = np.array(self.order), self.inner
        counts = np.bincount(order)
        return dataclasses.replace(
            inner,
            matrices=inner.matrices[order],
            vectors=inner.vectors[order],
            noise=inner.noise[order],
            weights=inner.weights[order] / counts[order],
            sizes=tuple(inner.sizes[i] for i in order),
        )


@dataclasses.dataclass(frozen=True)
class Smooth:
    """A problem with the Lipschitz constants that exact ADMM asks for."""

    inner: object

    def __getattr__(self, name):
        return getattr(self.inner, name)

    @property
    def lipschitz(self):
        return np.linalg.eigvalsh(self.inner.matrices)[:, -1]


@ROWS
def test_stays_at_a_kkt_point(row):
    if "kkt" in row.exempt:
        moved = _moved(row)
        assert moved > 1e-3, f"{row.name} is exempt ({row.exempt['kkt']}) and yet stays: {moved}"
    else:
        # 50 rounds of rounding errors of size 1e-16; RMSProp divides a gradient of that size by 1e-8.
        assert _moved(row) < (1e-6 if row.name == "fedsgd-rmsprop" else 1e-12)


def _moved(row) -> float:
    problem = Smooth(quadratics())
    solution = problem.inner.minimiser()
    method = row.build(problem, Settings(penalty=4.0, warm=True))
    state = method.init(problem, solution)
    if isinstance(state, State):
        state = state._replace(multiplier=-problem.client_grad(state.shared))
    end = run(method, problem, steps=50, state=state).state
    return float(np.max(np.abs(end.consensus - solution)))


@ROWS
def test_permuting_clients_leaves_w(row):
    problem, order = quadratics(), (2, 0, 1)
    one, other = (
        run(row.build(p, Settings(penalty=4.0)), p, steps=20).state.consensus
        for p in (Smooth(problem), Smooth(Listed(inner=problem, order=order).problem))
    )
    # Only the order of a three-term sum changes, but NSISA and the adaptive rates divide by small numbers.
    np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)


@ROWS
def test_splitting_a_client_leaves_w(row):
    problem = quadratics()
    one, other = (
        run(row.build(p, Settings(penalty=4.0)), p, steps=20).state.consensus
        for p in (Smooth(problem), Smooth(Listed(inner=problem, order=(0, 1, 1, 2)).problem))
    )
    np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)


@ROWS
def test_libraries_agree_on_every_method(row, library):
    if library == "numpy":
        library = "strict"
    one = run(row.build(Smooth(quadratics()), Settings(penalty=4.0)), _smooth("numpy"), steps=40, seeds=2)
    other = run(row.build(Smooth(quadratics()), Settings(penalty=4.0)), _smooth(library), steps=40, seeds=2)
    np.testing.assert_allclose(np.asarray(other.state.consensus), one.state.consensus, rtol=1e-9, atol=1e-12)


def _smooth(library):
    host = quadratics()

    class Known(type(host)):
        lipschitz = np.linalg.eigvalsh(host.matrices)[:, -1]

    return Known(**vars(quadratics(library=library)))


@ROWS
def test_init_and_step_share_no_memory_and_leave_their_input_alone(row):
    problem = Smooth(quadratics())
    method = row.build(problem, Settings(penalty=4.0))
    state = method.init(problem, problem.initial)
    fields = [leaf for leaf in state if hasattr(leaf, "ndim") and leaf is not problem.weights]
    for place, one in enumerate(fields):
        assert not np.shares_memory(one, problem.initial)
        assert not any(np.shares_memory(one, other) for other in fields[place + 1 :])
    before = [np.array(leaf) for leaf in fields]
    run(method, problem, steps=2, state=state)
    assert all(np.array_equal(old, new) for old, new in zip(before, fields, strict=True))


def test_the_three_residuals_together_mean_stationary_and_two_do_not():
    problem = quadratics()
    state = run(by_name("pisa").build(problem, Settings(penalty=4.0)), problem, steps=800).state
    for residual in (local_residual, consensus_residual, aggregate_residual, stationarity):
        assert float(residual(problem, state)) < 1e-12
    shifted = state._replace(consensus=state.consensus + 1.0)
    shifted = shifted._replace(multiplier=-problem.client_grad(shifted.shared), deviation=0 * shifted.deviation)
    assert float(local_residual(problem, shifted)) == float(consensus_residual(problem, shifted)) == 0
    assert float(aggregate_residual(problem, shifted)) > 0.01
    np.testing.assert_allclose(aggregate_residual(problem, shifted), stationarity(problem, shifted), rtol=1e-12)
