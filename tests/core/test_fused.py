"""The fused step against the pure lines: bit for bit, on every scheme, shape and setting that it serves."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from small import quadratics

from pisa_lab import PISA, Observation, load_state, run, save_state, sisa
from pisa_lab._array import to_numpy
from pisa_lab.fused import FusedMoment, FusedPISA, fuse
from pisa_lab.metrics import Metric
from pisa_lab.preconditioners import SecondMoment
from pisa_lab.schedules import Polynomial, ResidualBalancing

pytest.importorskip("numba", reason="the extra `fast` is not installed")

SETTINGS = {
    "scheme I": {"scheme": "I"},
    "scheme I, clipped": {"scheme": "I", "clip": 0.4},
    "scheme II": {"scheme": "II", "beta": 0.9},
    "scheme II, clipped": {"scheme": "II", "beta": 0.9, "clip": 0.4},
    "scheme III": {"scheme": "III"},
    "scheme III, clipped": {"scheme": "III", "clip": 0.4},
    "rho 0": {"rho": 0.0},
    "own numbers for every client": {"penalty": (3.0, 4.0, 5.0), "rho": (0.5, 1.0, 2.0)},
    "geometric": {"penalty_ratio": 0.9},
    "polynomial": {"schedule": Polynomial()},
    "a schedule that looks": {"schedule": ResidualBalancing()},
    "mixed order": {"penalty_ratio": 0.9, "penalty_update": "after_solve"},
    "client first": {"first": "client"},
    "warm": {"warm": True},
    "without extrapolation": {"extrapolation": False},
}


def assert_same(a, b):
    """Compare two states to the last bit; Q is compared as what it does."""
    for name in ("consensus", "deviation", "multiplier", "penalty", "increment"):
        assert np.array_equal(to_numpy(getattr(a, name)), to_numpy(getattr(b, name))), name
    assert np.array_equal(to_numpy(a.preconditioner.moment), to_numpy(b.preconditioner.moment))
    assert np.array_equal(to_numpy(a.preconditioner.form.entries), to_numpy(b.preconditioner.form.entries))
    assert a.iteration == b.iteration


@pytest.mark.parametrize("seeds", [None, 3])
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_fused_step_gives_the_bits_of_the_pure_lines(settings, seeds):
    # Both do the same IEEE operations in the same order, so that nothing less than equality is right.
    problem = quadratics(size=70)
    method = sisa(**{"penalty": 4.0} | settings)
    pure = run(method, problem, steps=12, batches=4, seeds=seeds)
    fused = run(fuse(method, pays_from=0), problem, steps=12, batches=4, seeds=seeds)
    assert isinstance(fused.state.preconditioner, FusedMoment)
    assert_same(fused.state, pure.state)
    assert all(np.array_equal(fused.history[name], pure.history[name]) for name in pure.history)


@pytest.mark.parametrize("seeds", [None, 3])
@pytest.mark.parametrize("settings", [*list(SETTINGS.values())[:6], {"first": "client"}])
def test_absent_clients_keep_the_same_bits(settings, seeds):
    problem = quadratics(size=70)
    method = sisa(**{"penalty": 4.0} | settings)
    both = [
        run(each, problem, steps=12, batches=4, seeds=seeds, participation=0.5)
        for each in (method, fuse(method, pays_from=0))
    ]
    # Not of Q: the fused state keeps one bias correction for all clients, which an absent one's Q is shown with.
    for name in ("consensus", "deviation", "multiplier", "penalty", "increment"):
        assert np.array_equal(*(getattr(each.state, name) for each in both)), name
    assert np.array_equal(*(each.state.preconditioner.moment for each in both))
    assert isinstance(both[1].state.preconditioner, FusedMoment)


def test_a_metric_and_a_searched_penalty_have_the_pure_lines():
    problem, settings = quadratics(size=70), {"preconditioner": SecondMoment(), "rho": 1.0}
    for method in (PISA(penalty=4.0, metric=Metric(SecondMoment()), **settings), PISA(penalty="auto", **settings)):
        pure, fused = (run(each, problem, steps=6).state for each in (method, fuse(method, pays_from=0)))
        assert not isinstance(fused.preconditioner, FusedMoment)
        assert np.array_equal(fused.consensus, pure.consensus)


def test_float32_stays_float32_bit_for_bit():
    problem = quadratics(size=70)
    fields = ("matrices", "vectors", "noise", "weights", "initial")
    problem = dataclasses.replace(problem, **{name: getattr(problem, name).astype(np.float32) for name in fields})
    method = sisa(4.0, clip=0.4)
    pure, fused = (run(each, problem, steps=12, batches=4).state for each in (method, fuse(method, pays_from=0)))
    assert fused.multiplier.dtype == np.float32
    assert_same(fused, pure)


def test_nothing_that_went_in_is_changed():
    problem, method = quadratics(size=70), fuse(sisa(4.0), pays_from=0)
    state = run(method, problem, steps=3).state
    kept = [x.copy() for x in (state.consensus, state.deviation, state.multiplier, state.preconditioner.moment)]
    run(method, problem, steps=2, state=state)
    now = (state.consensus, state.deviation, state.multiplier, state.preconditioner.moment)
    assert all(np.array_equal(a, b) for a, b in zip(kept, now, strict=True))


def test_half_steps_are_those_of_pisa():
    problem, method = quadratics(size=70), sisa(4.0)
    fused = fuse(method, pays_from=0)
    state, other = fused.init(problem, problem.initial), method.init(problem, problem.initial)
    for _ in range(4):
        state, other = fused.server_update(state), method.server_update(other)
        assert np.array_equal(state.local, other.local)
        from_problem = problem.client_grad(state.shared)
        state = fused.client_update(state, Observation(from_problem))
        other = method.client_update(other, Observation(from_problem))
        assert_same(state, other)


def test_not_a_number_passes_through_the_clip():
    problem = quadratics(size=70)
    start = problem.initial.copy()
    start[3] = np.nan
    method = sisa(4.0, clip=0.4)
    for each in (method, fuse(method, pays_from=0)):
        state = each.step(each.init(problem, start), lambda w: Observation(problem.client_grad(w)))
        assert np.isnan(state.multiplier).all(axis=-1).all()


def test_stop_save_and_resume_is_bit_for_bit(tmp_path):
    problem, method = quadratics(size=70), fuse(sisa(4.0), pays_from=0)
    through = run(method, problem, steps=9, batches=4, seeds=2)
    save_state(tmp_path / "state.npz", run(method, problem, steps=4, batches=4, seeds=2).state)
    state, _ = load_state(tmp_path / "state.npz", method.init(problem, problem.initial, replicates=2))
    assert_same(run(method, problem, steps=5, state=state, batches=4, seeds=2).state, through.state)


def test_it_is_used_only_where_it_pays_and_can(library):
    problem, method = quadratics(size=70, library=library), fuse(sisa(4.0), pays_from=3 * 70)
    here = library in ("numpy", "cupy")
    assert isinstance(method.init(problem, problem.initial).preconditioner, FusedMoment) == here
    larger = fuse(sisa(4.0), pays_from=3 * 70 + 1)
    assert not isinstance(larger.init(problem, problem.initial).preconditioner, FusedMoment)
    fused, pure = (run(each, problem, steps=5).state for each in (method, sisa(4.0)))
    # On a GPU the server's sum is the library's own, so that equality there is that of one library with itself.
    assert_same(fused, pure)


def test_no_numba_means_the_pure_lines(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    problem, method = quadratics(size=70), sisa(4.0)
    state = run(fuse(method, pays_from=0), problem, steps=5).state
    assert not isinstance(state.preconditioner, FusedMoment)
    assert_same(state, run(method, problem, steps=5).state)


def test_only_the_second_moment_has_a_fused_step():
    for method in (PISA(penalty=4.0), PISA(penalty=4.0, preconditioner=Doubled())):
        with pytest.raises(ValueError, match=r"^preconditioner: "):
            fuse(method)
    assert isinstance(fuse(sisa(4.0)), FusedPISA)


class Doubled(SecondMoment):
    """A subclass, whose lines may be others."""


def test_importing_the_library_imports_no_numba():
    code = "import sys, pisa_lab, pisa_lab.fused, pisa_lab.methods; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
