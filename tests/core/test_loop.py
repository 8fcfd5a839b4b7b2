"""The loop: records, closed statuses, replicates, stop and resume bit for bit, and files without pickle."""

import json

import numpy as np
import pytest
from counting import Counted
from small import quadratics

from pisa_lab import MEASURES, PISA, Status, from_functions, load_state, run, save_state, sisa
from pisa_lab.measures import DEFAULT_MEASURES
from pisa_lab.methods import METHODS, Settings
from pisa_lab.methods import by_name as method_by_name
from pisa_lab.sampling import Full, Reshuffled, Stream, Uniform, draw_batch
from pisa_lab.stamp import stamp
from problems.table import by_name


@pytest.mark.parametrize("batches", [None, 4, Reshuffled(5)])
@pytest.mark.parametrize("row", METHODS, ids=lambda row: row.name)
def test_stop_and_resume_is_bit_for_bit(row, batches, tmp_path):
    if "batches" in row.exempt and batches is not None:
        pytest.skip(f"{row.name}: {row.exempt['batches']}")
    problem = with_lipschitz(quadratics())
    method = row.build(problem, Settings(penalty=4.0))
    through = run(method, problem, steps=30, batches=batches, seeds=2)
    half = run(method, problem, steps=17, batches=batches, seeds=2)
    save_state(tmp_path / "state.npz", half.state, {"note": "half"})
    template = method.init(problem, problem.initial, replicates=2)
    state, header = load_state(tmp_path / "state.npz", template)
    resumed = run(method, problem, steps=13, state=state, batches=batches, seeds=2)
    assert header == {"note": "half"}
    assert np.array_equal(resumed.state.consensus, through.state.consensus)
    assert resumed.state.iteration == through.state.iteration == 30


def with_lipschitz(problem):
    """Return the problem with the Lipschitz constants that exact ADMM asks for."""
    counted = Counted(problem)
    counted.lipschitz = np.linalg.eigvalsh(problem.matrices)[:, -1]
    return counted


def test_files_hold_no_pickle_and_damage_is_named(tmp_path):
    problem, method = quadratics(), sisa(4.0)
    state = run(method, problem, steps=3).state
    path = tmp_path / "state.npz"
    save_state(path, state)
    with np.load(path, allow_pickle=False) as archive:
        assert json.loads(archive["__json__"].tobytes().decode())["scalars"]["iteration"] == 3
    whole = path.read_bytes()
    for damaged in (b"", b"PK", whole[: len(whole) // 2], b"\x80\x04" + whole):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"^path: "):
            load_state(path, state)
    save_state(path, state)
    with pytest.raises(ValueError, match=r"^path: .*preconditioner"):
        load_state(path, run(nothing_of(method), problem, steps=1).state._replace(preconditioner=(state.consensus,)))
    with pytest.raises(ValueError, match=r"^path: .*shape"):
        load_state(path, method.init(quadratics(size=5), quadratics(size=5).initial))


def nothing_of(method):
    """Return PISA with the same penalty and no preconditioner."""
    return PISA(penalty=method.penalty)


@pytest.mark.parametrize("row", METHODS, ids=lambda row: row.name)
def test_a_replicate_alone_equals_itself_among_others_bit_for_bit(row):
    problem = with_lipschitz(quadratics())
    method = row.build(problem, Settings(penalty=4.0))
    batches = None if "batches" in row.exempt else 4
    together = run(method, problem, steps=25, batches=batches, seeds=5)
    for seed in range(5):
        alone = run(method, problem, steps=25, batches=batches, seed=seed)
        assert np.array_equal(alone.state.consensus, together.state.consensus[seed])
        assert np.array_equal(alone.history["stationarity"], together.history["stationarity"][:, seed])


def test_settings_run_on_the_replicate_axis():
    problem = quadratics()
    together = run(PISA(penalty=((3.0,), (7.0,)), rho=((0.0,), (0.0,))), problem, steps=20, seeds=2)
    for place, penalty in enumerate((3.0, 7.0)):
        alone = run(PISA(penalty=penalty), problem, steps=20)
        assert np.array_equal(alone.state.consensus, together.state.consensus[place])


def test_a_diverging_replicate_stays_at_its_last_finite_state_and_harms_no_other():
    problem = quadratics()
    result = run(PISA(penalty=((0.05,), (4.0,))), problem, steps=2000, seeds=2, measures=("objective",))
    assert result.status is Status.NON_FINITE
    assert result.broke[0] > 0
    assert result.broke[1] == -1
    assert np.all(np.isfinite(result.state.consensus))
    assert np.array_equal(result.state.consensus[1], run(PISA(penalty=4.0), problem, steps=2000).state.consensus)
    alone = run(PISA(penalty=0.05), problem, steps=2000)
    assert alone.status is Status.NON_FINITE
    assert alone.iterations == alone.broke[0] == result.broke[0]
    assert np.all(np.isfinite(alone.state.consensus))


def test_a_run_ends_when_asked_to():
    problem = quadratics()
    converged = run(PISA(penalty=4.0), problem, steps=5000, tolerance=1e-6, every=10)
    assert converged.status is Status.CONVERGED
    assert converged.last("stationarity") <= 1e-6
    assert converged.iterations < 5000
    stopped = run(PISA(penalty=4.0), problem, steps=50, callback=lambda old, new: new.iteration == 7)
    assert (stopped.status, stopped.iterations) == (Status.CALLBACK, 7)
    assert run(PISA(penalty=4.0), problem, steps=50).status is Status.FINISHED


def test_records_are_where_they_were_asked_for():
    problem = quadratics()
    assert run(PISA(penalty=4.0), problem, steps=10, every=4).history["iteration"].tolist() == [0, 4, 8, 10]
    assert run(PISA(penalty=4.0), problem, steps=10, every=(1, 7)).history["iteration"].tolist() == [0, 1, 7, 10]
    result = run(PISA(penalty=4.0), problem, steps=4, measures=tuple(MEASURES), seeds=3)
    assert all(result.history[name].shape == (5, 3) for name in MEASURES)
    own = run(PISA(penalty=4.0), problem, steps=2, measures={"first": lambda p, s: s.consensus[..., 0]})
    assert own.history["first"][0] == problem.initial[0]
    baseline = run(method_by_name("fedsgd").build(problem, Settings(penalty=4.0)), problem, steps=2)
    assert np.all(np.isnan(baseline.history["local"]))
    assert np.all(np.isfinite(baseline.history["stationarity"]))


def test_rows_carry_seed_and_stamp():
    rows = run(PISA(penalty=4.0), quadratics(), steps=2, seeds=3, seed=5).rows()
    assert len(rows) == 9
    assert {row["seed"] for row in rows} == {5, 6, 7}
    assert set(DEFAULT_MEASURES) | {"version", "commit", "machine", "libraries", "python"} <= set(rows[0])
    assert stamp()["version"] != ""


def test_progress_is_reported_to_a_function():
    done: list[int] = []
    run(PISA(penalty=4.0), quadratics(), steps=3, progress=done.append)
    assert done == [1, 2, 3]


def test_batches_are_a_function_of_experiment_seed_client_and_draw():
    problem = quadratics()
    together = draw_batch(Uniform(6), problem, (0, 1, 2), experiment=3, number=70)
    assert together.shape == (3, 3, 6)
    assert np.array_equal(draw_batch(Uniform(6), problem, 1, experiment=3, number=70), together[1])
    assert not np.array_equal(draw_batch(Uniform(6), problem, 1, experiment=4, number=70), together[1])
    assert not np.array_equal(draw_batch(Uniform(6), problem, 1, experiment=3, number=71), together[1])
    swapped = Counted(problem)
    swapped.client_ids = (2, 0, 1)
    assert np.array_equal(draw_batch(Uniform(6), swapped, 1, experiment=3, number=70), together[1][[2, 0, 1]])
    assert draw_batch(Full(), problem, 0, experiment=0, number=0) is None


def test_reshuffling_visits_every_row_once_an_epoch():
    rule, stream = Reshuffled(4), Stream(0, 1, 2)
    epoch = np.concatenate([rule.draw(stream, 16, number) for number in range(4)])
    assert sorted(epoch) == list(range(16))
    second = np.concatenate([rule.draw(stream, 16, number) for number in range(4, 8)])
    assert sorted(second) == list(range(16))
    assert not np.array_equal(epoch, second)
    assert Reshuffled(4).draw(stream, 3, 0).shape == (4,)


def test_uniform_batches_are_uniform():
    stream = Stream(0, 0, 0)
    drawn = np.concatenate([Uniform(50).draw(stream, 10, number) for number in range(200)])
    counts = np.bincount(drawn, minlength=10)
    # 10,000 draws into 10 cells: a chi-square of 9 degrees of freedom stays below 27.9 with probability 0.999.
    assert np.sum((counts - 1000) ** 2 / 1000) < 27.9


def test_counting_what_is_asked_of_a_problem():
    counted = Counted(quadratics())
    run(PISA(penalty=4.0), counted, steps=5, batches=4, measures={})
    assert counted.counts == {"gradients": 15, "values": 0, "hvps": 0, "samples": 60}
    counted = Counted(quadratics())
    run(PISA(penalty=4.0, warm=True), counted, steps=5, seeds=2, measures={})
    assert counted.counts["gradients"] == 2 * 3 * 6 - 0
    assert counted.counts["samples"] == 2 * 3 * 6 * 16


def test_a_users_functions_make_a_problem():
    problem = from_functions(
        [(lambda w, c=c: float((w - c) @ (w - c)), lambda w, c=c: 2 * (w - c)) for c in (0.0, 1.0, 5.0)], np.zeros(2)
    )
    result = run(PISA(penalty=8.0), problem, steps=200)
    np.testing.assert_allclose(result.state.consensus, 2.0, rtol=1e-9)


def test_a_counted_problem_has_an_hvp_where_its_own_has_one_and_counts_it():
    assert not hasattr(Counted(quadratics()), "hvp")
    row = by_name("least-squares").build(0, 3)
    counted = Counted(row)
    w = np.ones((1, *row.initial.shape))
    assert np.array_equal(counted.hvp(w, w), row.hvp(w, w))
    assert counted.counts["hvps"] == 3
