"""Ablations: studies as data, and trials that are kept, found again and never repeated."""

import dataclasses

import numpy as np
import pytest
from small_study import document

from pisa_lab import metrics
from pisa_lab.ablation import read_study, study_from
from pisa_lab.ablation import trials as trials_module
from pisa_lab.ablation.budgets import rounds_for
from pisa_lab.ablation.execution import build, execute, recorded
from pisa_lab.ablation.trials import evaluation_trials, groups, tuning_trials
from problems.studies import resolve


def test_a_study_expands_into_every_setting_and_seed(study):
    assert [method.name for method in study.methods] == ["identity", "gauss-newton", "fedsgd"]
    assert study.methods[0].configurations == ((0.8, 0.1), (0.8, 1.0), (3.2, 0.1), (3.2, 1.0))
    assert study.methods[2].configurations == ((0.01, None), (0.1, None), (1.0, None), (10.0, None))
    assert len(tuning_trials(study)) == 1 * 3 * 4 * 2
    final = evaluation_trials(study, {("well", "fedsgd"): (1.0, None)})
    assert [(trial.seed, trial.instance) for trial in final] == [(0, 0), (1, 1), (2, 0), (3, 1)]


def test_a_variant_merges_tables_and_replaces_the_rest():
    quick = study_from(document(), "quick")
    assert (quick.amount, quick.records, len(quick.tuning_seeds), len(quick.seeds)) == (6, 6, 1, 4)
    assert quick.methods[2].penalties == (1.0, 2.0, 3.0, 4.0)
    assert quick.methods[0].penalties == (0.8, 3.2)


def test_vary_multiplies_problems_and_methods():
    base = document()
    problem = {**base["problems"][0], "vary": {"clients": [2, 5], "noise": [0.1, 0.2]}}
    method = {"name": "sgd", "method": "fedavg", "grid": "plain", "vary": {"local_steps": [1, 2]}}
    study = study_from({**base, "problems": [problem], "methods": [method], "evaluation": {}})
    assert [row.name for row in study.problems][:2] == ["well, clients 2, noise 0.1", "well, clients 2, noise 0.2"]
    assert [row.settings["clients"] for row in study.problems] == [2, 2, 5, 5]
    assert [row.local_steps for row in study.methods] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "name: "),
        ({"problems": []}, "problems: "),
        ({"methods": [document()["methods"][0]] * 2}, "methods: 'identity' stands twice"),
        ({"budget": {"amount": 0}}, r"budget\.amount: "),
        ({"budget": {"unit": "days", "amount": 3}}, r"budget\.unit: "),
        ({"tuning": {"first_seed": 2}}, "tuning: its seeds"),
        ({"evaluation": {"reference": "nobody"}}, "reference: "),
        ({"evaluation": {"sedes": 3}}, "sedes: "),
        ({"extra": 1}, "extra: "),
        ({"grids": {**document()["grids"], "plain": {"penalties": [1, 2]}}}, "grids: "),
        ({"grids": {**document()["grids"], "plain": {"penalties": [2, 1, 3, 4]}}}, "methods: 'fedsgd': penalties: "),
        ({"grids": {}}, "methods: 'identity': grid: "),
    ],
)
def test_a_bad_study_is_refused_by_the_name_of_what_is_wrong(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        study_from(document(**changes))


def test_a_study_that_is_no_toml_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_text("name = ")
    for path in (tmp_path / "bad.toml", tmp_path / "absent.toml"):
        with pytest.raises(ValueError, match=r"^study: "):
            read_study(path)
    with pytest.raises(ValueError, match=r"^variant: "):
        study_from(document(), "slow")


def test_a_key_depends_on_configuration_seed_and_version_and_on_nothing_else(study, monkeypatch):
    first, *others = tuning_trials(study)
    assert len({trial.key for trial in (first, *others)}) == 1 + len(others)
    retitled = dataclasses.replace(
        first, problem=dataclasses.replace(first.problem, title="other", outcome="objective")
    )
    regridded = dataclasses.replace(first, method=dataclasses.replace(first.method, penalties=(0.8, 3.2, 12.8)))
    assert retitled.key == regridded.key == first.key
    for change in ({"seed": 7}, {"instance": 7}, {"penalty": 7.0}, {"rho": 7.0}, {"amount": 7}):
        assert dataclasses.replace(first, **change).key != first.key
    monkeypatch.setattr(trials_module, "stamp", lambda: {"version": "999"})
    old, trials = first.key, tuning_trials(study)
    assert old == trials[0].key
    monkeypatch.undo()
    assert first.key != old


def test_groups_hold_each_trial_once_and_share_problem_instance_and_method(study):
    trials = tuning_trials(study)
    parts = list(groups(trials, 3))
    assert sorted(trial.key for part in parts for trial in part) == sorted(trial.key for trial in trials)
    for part in parts:
        assert len(part) <= 3
        assert len({(trial.problem.name, trial.instance, trial.method.name) for trial in part}) == 1


def test_a_trial_in_a_group_is_the_trial_alone_bit_for_bit(study):
    trials = [trial for trial in tuning_trials(study) if trial.method.name == "identity" and trial.instance == 100]
    trials += [dataclasses.replace(trial, seed=5) for trial in trials]
    together = execute(trials, resolve)
    for trial, result in zip(trials, together, strict=True):
        (alone,) = execute((trial,), resolve)
        assert dict(alone.measures) == dict(result.measures)
        assert dict(alone.curve) == dict(result.curve)
        assert dict(alone.counts) == dict(result.counts)
    assert len({result.measures["gap"] for result in together}) == len(trials)


def test_a_metric_of_a_study_is_that_of_the_method_and_counts_in_the_key(study):
    first = tuning_trials(study)[0]
    by_name = {**document()["methods"][0], "preconditioner": "heavy-ball", "metric": "max"}
    (spec,) = study_from(document(methods=[by_name], evaluation={})).methods
    problem = resolve(study.problems[0].settings, 0).problem
    assert spec.metric == "max"
    assert build(spec, problem, [4.0], [1.0]).metric == metrics.by_name("max").build(problem)
    assert build(study.methods[0], problem, [4.0], [1.0]).metric is None
    keys = {dataclasses.replace(first, method=dataclasses.replace(first.method, metric=m)).key for m in ("", "ema")}
    assert len(keys) == 2
    (result,) = execute((dataclasses.replace(first, method=spec),), resolve)
    assert (result.status, result.counts["gradients"]) == ("FINISHED", 36)


def test_a_budget_is_counted_where_nothing_diverges(study):
    row = {"name": "secant", "preconditioner": "heavy-ball", "metric": "secant", "grid": "damped"}
    (spec,) = study_from(document(methods=[row], evaluation={})).methods
    trials = [dataclasses.replace(tuning_trials(study)[0], method=spec, penalty=p, amount=398) for p in (1e-9, 1.0)]
    broken, finished = execute(trials, resolve)
    assert (broken.status, finished.status) == ("NON_FINITE", "FINISHED")
    assert finished.counts["gradients"] == 3 * 398


def test_records_lie_closer_together_at_the_start():
    assert recorded(100, 2) == [0, 100]
    steps = recorded(200, 12)
    assert steps[:3] == [0, 1, 2]
    assert steps[-1] == 200
    assert all(a <= b for a, b in zip(np.diff(steps), np.diff(steps)[1:], strict=False))


@pytest.mark.parametrize(
    ("name", "unit", "amount", "rounds"),
    [
        ("fedsgd", "rounds", 7, 7),
        ("fedsgd", "gradients", 7, 7),
        ("fedavg", "gradients", 11, 2),
        ("identity", "gradients", 7, 7),
        ("fisher", "gradients", 7, 3),
        ("warm", "gradients", 7, 6),
        # Secants are taken in rounds 0, 5, …, for two gradients more: 3, 4, 5, 6, 7, 10 after so many rounds.
        ("secant", "gradients", 3, 1),
        ("secant", "gradients", 9, 5),
        ("secant", "gradients", 10, 6),
        ("secant", "rounds", 9, 9),
        # 3 clients × 4 numbers × 8 bytes, both ways
        ("fedsgd", "bytes", 2 * 96 * 5 + 1, 5),
    ],
)
def test_a_budget_buys_as_many_rounds_as_the_ledger_says(study, name, unit, amount, rounds):
    specs = {
        "fedsgd": {"method": "fedsgd", "preconditioner": ""},
        "fedavg": {"method": "fedavg", "preconditioner": "", "local_steps": 5},
        "warm": {"warm": True},
        "secant": {"metric": "secant", "preconditioner": "heavy-ball"},
    }
    spec = dataclasses.replace(study.methods[0], **specs.get(name, {"preconditioner": name}))
    problem = resolve(study.problems[0].settings, 0).problem
    method = build(spec, problem, [4.0], [1.0])
    assert rounds_for(method, problem, batch=2, unit=unit, amount=amount) == rounds


def test_a_budget_that_buys_no_round_is_refused(study):
    problem = resolve(study.problems[0].settings, 0).problem
    for unit in ("gradients", "bytes"):
        with pytest.raises(ValueError, match=r"^budget: "):
            rounds_for(build(study.methods[0], problem, [4.0], [1.0]), problem, batch=2, unit=unit, amount=0)
