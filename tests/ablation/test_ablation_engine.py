"""Ablations: studies as data, and trials that are kept, found again and never repeated."""

import dataclasses
import json
import sqlite3

import numpy as np
import pytest
from small_study import document, numbers, stored

from pisa_lab.ablation import Arena, Result, Store, TrialStatus, Unavailable, frame, query, run_study, study_from
from pisa_lab.ablation.execution import execute
from pisa_lab.ablation.trials import tuning_trials
from pisa_lab.ablation.tuning import chosen
from problems import datasets
from problems.studies import arenas, resolve


def test_all_trials_are_stored_and_a_second_call_runs_nothing(study, store):
    first = run_study(study, resolve=resolve, store=store)
    # Gauss-Newton does not apply to a quadratic: it is tuned, as rows with a reason, and has no final trials.
    assert first.done == first.total == 3 * 4 * 2 + 2 * 4
    before = numbers(store), stored(store, "key, finished")

    def unreachable(settings, instance):
        raise AssertionError("nothing is left to run")

    again = run_study(study, resolve=unreachable, store=store)
    assert (again.before, again.done, again.repeated) == (first.total, 0, 0)
    assert (numbers(store), stored(store, "key, finished")) == before


@pytest.mark.parametrize("stop", [1, 6, 25])
def test_an_interrupted_study_goes_on_where_it_stopped(study, done, stop, tmp_path):
    def tick(progress):
        if progress.done == stop:
            raise KeyboardInterrupt

    with Store(tmp_path / "again.sqlite") as store:
        with pytest.raises(KeyboardInterrupt):
            run_study(study, resolve=resolve, store=store, tick=tick)
        kept = stored(store, "key, finished")
        assert len(kept) == stop
        end = run_study(study, resolve=resolve, store=store)
        assert (end.before, end.done, end.repeated) == (stop, end.total - stop, 0)
        after = {row["key"]: row["finished"] for row in stored(store, "key, finished")}
        assert all(after[row["key"]] == row["finished"] for row in kept)
        assert numbers(store) == numbers(done)


def test_two_processes_give_the_rows_of_one(study, done, tmp_path):
    with Store(tmp_path / "two.sqlite") as store:
        end = run_study(study, resolve=resolve, store=store, jobs=2)
        assert end.done == end.total
        assert numbers(store) == numbers(done)


def test_a_failing_instance_is_a_row_with_its_reason_and_not_the_end(study, store):
    def resolver(settings, instance):
        if instance == 1:
            raise RuntimeError("instance one is broken")
        return resolve(settings, instance)

    end = run_study(study, resolve=resolver, store=store)
    assert end.done == end.total
    failed = store.select("SELECT * FROM trials WHERE status = 'FAILED'")
    assert {row["instance"] for row in failed} == {1}
    assert {row["reason"] for row in failed} == {"RuntimeError: instance one is broken"}
    assert run_study(study, resolve=resolve, store=store).done == 0
    again = run_study(study, resolve=resolve, store=store, again=True)
    assert again.done >= len(failed)
    assert not store.select("SELECT * FROM trials WHERE status = 'FAILED'")


def test_a_group_that_fails_together_is_run_one_by_one(study):
    arena = resolve(study.problems[0].settings, 100)

    class Alone:
        def __getattr__(self, name):
            return getattr(arena.problem, name)

        def client_grad(self, w, batch=None):
            if w.ndim == 3 and w.shape[0] > 1:
                raise MemoryError("too many at once")
            return arena.problem.client_grad(w, batch)

    trials = [trial for trial in tuning_trials(study) if trial.method.name == "fedsgd" and trial.instance == 100]
    narrow = Arena(problem=Alone(), scale=arena.scale, finals=arena.finals)
    results = execute(trials, lambda settings, instance: narrow)
    assert {result.status for result in results} == {TrialStatus.FINISHED}


def test_a_diverging_trial_is_a_row_without_measures_and_harms_no_other(done):
    status = {row["penalty"]: row for row in done.select("SELECT * FROM trials WHERE method = 'fedsgd'")}
    assert status[10.0]["status"] == "FINISHED"
    wild = execute(
        [dataclasses.replace(tuning_trials(study_from(document()))[0], penalty=p, amount=400) for p in (1e-3, 3.2)],
        resolve,
    )
    assert [result.status for result in wild] == [TrialStatus.NON_FINITE, TrialStatus.FINISHED]
    assert wild[0].reason.startswith("iterates are not finite from round")
    assert not wild[0].measures
    assert wild[0].counts["gradients"] < wild[1].counts["gradients"] == 3 * 400


def test_what_does_not_apply_or_is_not_there_says_why(study, store, monkeypatch):
    run_study(study, resolve=resolve, store=store)
    (reason,) = {row["reason"] for row in stored(store) if row["status"] == "INAPPLICABLE"}
    assert reason == "gauss-newton needs gauss_newton, which this problem lacks"

    def missing(*arguments, **settings):
        raise ValueError("name: a9a is nowhere")

    monkeypatch.setattr(datasets, "load", missing)
    arenas._split.cache_clear()
    settings = {"family": "logistic", "data": "a9a", "clients": 2}
    with pytest.raises(Unavailable, match="a9a is nowhere"):
        resolve(settings, 0)
    problem = dataclasses.replace(study.problems[0], settings=settings)
    (result,) = execute((dataclasses.replace(tuning_trials(study)[0], problem=problem),), resolve)
    arenas._split.cache_clear()
    assert (result.status, result.reason) == (TrialStatus.UNAVAILABLE, "a9a: name: a9a is nowhere")


@pytest.mark.parametrize(("setting", "message"), [({"engine": "spark"}, "engine: "), ({"jobs": 0}, "jobs: ")])
def test_a_bad_request_is_refused(study, store, setting, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        run_study(study, resolve=resolve, store=store, **setting)


def test_a_missing_engine_names_its_extra(study, store, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for engine in ("dask", "ray"):
        with pytest.raises(ValueError, match=rf"^engine: '{engine}' needs .*pip install -e '.\[{engine}\]'"):
            run_study(study, resolve=resolve, store=store, engine=engine)


@pytest.mark.slow
def test_dask_on_this_machine_gives_the_rows_of_one_process(study, done, tmp_path):
    with Store(tmp_path / "dask.sqlite") as store:
        run_study(study, resolve=resolve, store=store, jobs=2, engine="dask")
        assert numbers(store) == numbers(done)


@pytest.mark.slow
def test_ray_on_this_machine_gives_the_rows_of_one_process(study, done, tmp_path):
    pytest.importorskip("ray")
    with Store(tmp_path / "ray.sqlite") as store:
        run_study(study, resolve=resolve, store=store, jobs=2, engine="ray")
        assert numbers(store) == numbers(done)


def test_the_setting_with_the_least_tuning_score_is_chosen_and_edges_are_named(study, done):
    found = chosen(study, done)
    assert ("well", "gauss-newton") not in found
    choice = found["well", "fedsgd"]
    assert choice.setting == (1.0, None)
    assert choice.edges == ()
    assert choice.score == min(choice.scores.values())
    assert np.isinf(choice.scores[0.01, None]) or choice.scores[0.01, None] > choice.score
    assert set(found["well", "identity"].edges) <= {"σ least", "σ greatest", "ρ least", "ρ greatest"}
    assert found["well", "identity"].edges


@pytest.mark.parametrize(("rho", "edges"), [(0, {"σ least"}), (0.1, {"σ least", "ρ least"})])
def test_without_a_preconditioner_is_no_edge_of_its_grid(rho, edges, tmp_path):
    grids = {**document()["grids"], "damped": {"penalties": [0.8, 3.2], "rhos": [rho, 5]}}
    study = study_from(document(grids=grids))
    trials = [trial for trial in tuning_trials(study) if trial.method.name == "identity"]
    with Store(tmp_path / "planted.sqlite") as store:
        for trial in trials:
            measures = {"validation": trial.penalty + (trial.rho or 0.0)}
            store.put(Result(trial=trial, status=TrialStatus.FINISHED, measures=measures))
        assert set(chosen(study, store)["well", "identity"].edges) == edges


def test_final_trials_and_other_measures_do_not_choose(study, done):
    before = chosen(study, done)
    with sqlite3.connect(done.path) as raw:
        final = "key IN (SELECT key FROM trials WHERE phase = 'evaluation')"
        raw.execute(f"UPDATE measures SET value = 1e9 * random() WHERE {final} OR measure != 'validation'")
    raw.close()
    after = chosen(study, done)
    assert {pair: choice.setting for pair, choice in after.items()} == {p: c.setting for p, c in before.items()}


def test_a_setting_that_diverges_on_one_tuning_seed_is_not_chosen(study, done):
    best = chosen(study, done)["well", "fedsgd"].setting
    with sqlite3.connect(done.path) as raw:
        raw.execute(
            "DELETE FROM measures WHERE key = (SELECT key FROM trials WHERE method = 'fedsgd' AND phase = 'tuning'"
            " AND penalty = ? LIMIT 1)",
            best[:1],
        )
    raw.close()
    assert chosen(study, done)["well", "fedsgd"].setting != best


def test_a_result_is_stored_once(study, store):
    trial = tuning_trials(study)[0]
    first = Result(
        trial=trial, status="FINISHED", measures={"gap": 1.0}, rounds=(0, 3), curve={"objective": (2.0, 1.0)}
    )
    assert store.put(first)
    assert not store.put(dataclasses.replace(first, measures={"gap": 2.0}))
    assert store.select("SELECT value FROM measures") == [{"value": 1.0}]
    assert len(store.select("SELECT * FROM points")) == 2
    (row,) = store.select("SELECT * FROM trials")
    assert json.loads(row["configuration"]) == json.loads(json.dumps(trial.configuration))
    assert row["version"]
    assert row["machine"]


def test_a_result_is_stored_whole_or_not_at_all(study, store):
    bad = Result(trial=tuning_trials(study)[0], status="FINISHED", measures={"gap": object()})
    with pytest.raises(sqlite3.Error):
        store.put(bad)
    assert stored(store) == []


def test_other_databases_are_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"^store: "):
        Store(path)
    assert path.read_bytes() == before
    (tmp_path / "text.sqlite").write_text("no database at all, whatever its name says " * 50)
    with pytest.raises(ValueError, match=r"^store: "):
        Store(tmp_path / "text.sqlite")


def test_queries_cannot_write(done):
    assert query(done.path, "SELECT count(*) AS n FROM trials")[0]["n"] == 32
    for sql in ("DELETE FROM trials", "DROP TABLE points", "nonsense", "SELECT 1; SELECT 2"):
        with pytest.raises(ValueError, match=r"^sql: "):
            query(done.path, sql)
    with pytest.raises(ValueError, match=r"^store: "):
        query(done.path.with_name("absent.sqlite"), "SELECT 1")
    assert len(stored(done)) == 32


def test_pandas_reads_the_rows(done):
    table = frame(done.path, "SELECT method, value FROM trials JOIN measures USING (key) WHERE measure = 'gap'")
    assert table.groupby("method").value.mean()["fedsgd"] > 0
    assert len(frame(done.path)) == 32
