"""A stored trial is used again only for what made it: the same settings, data, source and variant; all else is said."""

import dataclasses
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_cases import call
from small_study import STUDY, document, numbers

import pisa_lab
from pisa_lab.ablation import Stopped, Store, engine, read_study, run_study, sources, study_from
from pisa_lab.ablation import store as store_module
from pisa_lab.ablation import trials as trials_module
from pisa_lab.ablation.queries import query
from pisa_lab.ablation.summary import summarise
from pisa_lab.ablation.tables import markdown, rows
from pisa_lab.ablation.trials import tuning_trials
from problems.studies import resolve

OWN = """
[[problems]]
name = "own"
family = "logistic"
data = "own.csv"
clients = 2
ridge = 0.1
batch = 4
outcome = "test_loss"
"""
ON_DATA = STUDY[: STUDY.index("[[problems]]")] + OWN + STUDY[STUDY.index("[[methods]]") :]


def write_rows(path, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(60, 3))
    y = np.where(x @ rng.normal(size=3) + 0.3 * rng.normal(size=60) > 0, 1, -1)
    path.write_text("a,b,c,y\n" + "\n".join(",".join(map(str, (*row, label))) for row, label in zip(x, y, strict=True)))


@pytest.fixture
def other_code(monkeypatch):
    """Make the source another one, made by another commit."""

    def change(name="b" * 12):
        monkeypatch.setattr(trials_module, "code_sha256", lambda deep=False: name)
        stamp = {**store_module.stamp(), "commit": name}
        for module in (store_module, trials_module, engine):
            monkeypatch.setattr(module, "stamp", lambda: stamp)

    return change


def test_other_rows_in_the_file_are_not_the_old_table(capsys, own_folder, tmp_path):
    (tmp_path / "own.toml").write_text(ON_DATA)
    write_rows(tmp_path / "own.csv", 0)
    code, first, _ = call(capsys, "ablate", "own.toml", "--jobs", 1)
    assert (code, "0 of 36 trials were stored, 36 are new" in first) == (0, True)
    write_rows(tmp_path / "own.csv", 1)
    code, out, err = call(capsys, "ablate", "own.toml", "--jobs", 1)
    assert (code, out) == (2, "")
    assert err.startswith("pisa-lab: error: store: 24 of 24 tuning trials are of other data (24 by commit ")
    assert "--accept-old uses them, --again runs them anew" in err
    code, again, _ = call(capsys, "ablate", "own.toml", "--jobs", 1, "--again")
    assert "0 of 36 trials were stored, 36 are new" in again
    _, fresh, _ = call(capsys, "ablate", "own.toml", "--jobs", 1, "--store", "fresh.sqlite")
    assert again.splitlines()[1:] == fresh.splitlines()[1:]
    assert again.splitlines()[1:] != first.splitlines()[1:]
    write_rows(tmp_path / "own.csv", 0)
    code, old, _ = call(capsys, "ablate", "own.toml", "--jobs", 1, "--accept-old")
    assert "36 of 36 trials were stored, 0 are new" in old
    assert old.splitlines()[1:] == again.splitlines()[1:]


def test_rows_of_other_code_are_refused_used_or_replaced_as_asked(study, done, other_code):
    before, table = numbers(done), summarise(study, done)
    other_code()
    with pytest.raises(ValueError, match=r"store: 24 of 24 tuning trials are of other code .*; this is bbbbbbbbbbbb"):
        run_study(study, resolve=resolve, store=done)
    assert numbers(done) == before
    accepted = run_study(study, resolve=resolve, store=done, accept_old=True)
    assert (accepted.before, accepted.done) == (32, 0)
    assert [cell.finals for cell in summarise(study, done).cells] == [cell.finals for cell in table.cells]
    assert {row["code_sha256"] for row in done.select("SELECT code_sha256 FROM trials")} == {sources.code_sha256()}
    # They stand from now on; other code again makes them old again.
    assert run_study(study, resolve=resolve, store=done).done == 0
    other_code("c" * 12)
    again = run_study(study, resolve=resolve, store=done, again=True)
    assert (again.before, again.done) == (0, 32)
    assert done.select("SELECT count(*) AS n FROM trials") == [{"n": 32}]
    assert {row["commit"] for row in done.select('SELECT DISTINCT "commit" FROM trials')} == {"c" * 12}


def test_every_commit_that_made_rows_is_named(study, done, other_code, tmp_path):
    first = store_module.stamp()["commit"] or "unknown"
    other_code()
    wider = dataclasses.replace(study, seeds=(*study.seeds, 4, 5))
    run_study(wider, resolve=resolve, store=done, accept_old=True)
    summary = summarise(wider, done)
    assert summary.cell("well", "fedsgd").commits == {first: 12, "b" * 12: 2}
    assert summary.stamp["commit"] == f"{first} and {'b' * 12}"
    assert f"commits {first} (32 trials) and {'b' * 12} (4 trials)" in markdown(summary)
    made = {row["method"]: row["commit"] for row in rows(summary)}
    assert made == {
        "identity": f"{first} and {'b' * 12}", "gauss-newton": first, "fedsgd": f"{first} and {'b' * 12}"
    }  # fmt: skip


def test_quick_and_full_do_not_mix(tmp_path):
    with Store(tmp_path / "both.sqlite") as store:
        full, quick = study_from(document()), study_from(document(), "quick")
        assert not {trial.key for trial in tuning_trials(full)} & {trial.key for trial in tuning_trials(quick)}
        for study in (full, quick):
            end = run_study(study, resolve=resolve, store=store)
            assert end.done == end.total
        counts = query(store.path, "SELECT variant, count(*) AS n FROM trials GROUP BY variant")
        assert {row["variant"]: row["n"] for row in counts} == {"full": 32, "quick": 20}
        assert summarise(full, store).cell("well", "fedsgd").counts["gradients"] == 36
        assert summarise(quick, store).cell("well", "fedsgd").counts["gradients"] == 18
        assert run_study(quick, resolve=resolve, store=store, again=True).before == 20 - 4
        assert query(store.path, "SELECT count(*) AS n FROM trials WHERE variant = 'full'") == [{"n": 32}]


def test_a_store_of_the_first_format_is_read_and_its_rows_are_named(study, done):
    before = numbers(done)[1:]
    done.close()
    with sqlite3.connect(done.path) as raw:
        for column in ("variant", "code_sha256", "data_sha256", "queries", "restarts"):
            raw.execute(f"ALTER TABLE trials DROP COLUMN {column}")
        for table in ("trials", "measures", "points"):
            raw.execute(f"UPDATE {table} SET key = 'old' || key")
        raw.execute("DROP TABLE claims")
        raw.execute("PRAGMA user_version = 1")
    raw.close()
    with Store(done.path) as store:
        with pytest.raises(ValueError, match=r"^store: 24 of 24 tuning trials are of other code "):
            run_study(study, resolve=resolve, store=store)
        assert run_study(study, resolve=resolve, store=store, accept_old=True).done == 0
        assert numbers(store)[1:] == before


def test_one_line_of_a_preconditioner_changed_is_not_the_old_table(tmp_path):
    for package in ("pisa_lab", "problems"):
        ignored = shutil.ignore_patterns("__pycache__", "results")
        shutil.copytree(Path(pisa_lab.__file__).parents[1] / package, tmp_path / package, ignore=ignored)
    (tmp_path / "small.toml").write_text(STUDY)
    words = [sys.executable, "-m", "pisa_lab.cli", "ablate", "small.toml", "--jobs", "1"]

    def ablate(*more):
        settings = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(tmp_path)}}
        return subprocess.run([*words, *more], capture_output=True, text=True, check=False, **settings)

    first = ablate()
    assert (first.returncode, first.stderr) == (0, "")
    source = tmp_path / "pisa_lab" / "preconditioners" / "identity.py"
    text = source.read_text(encoding="utf-8")
    assert text.count("Multiple(1.0)") == 2
    source.write_text(text.replace("Multiple(1.0)", "Multiple(9.0)"), encoding="utf-8")
    refused = ablate()
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "24 of 24 tuning trials are of other code" in refused.stderr
    again, fresh = ablate("--again"), ablate("--store", "fresh.sqlite")
    assert "0 of 32 trials were stored, 32 are new" in again.stdout
    assert again.stdout.splitlines()[1:] == fresh.stdout.splitlines()[1:]
    assert again.stdout.splitlines()[1:] != first.stdout.splitlines()[1:]


APART = ["../cli/rows.py", "../../problems/commands/run.py"]


@pytest.mark.parametrize("changed", ["trials.py", "../preconditioners/fisher.py", "execution.py", *APART])
def test_the_hash_covers_what_computes_and_nothing_else(changed, monkeypatch):
    before, plain = sources.code_sha256(), Path.read_text
    target = (Path(sources.__file__).parent / changed).resolve()
    sources.code_sha256.cache_clear()
    monkeypatch.setattr(
        Path, "read_text", lambda path, **how: plain(path, **how) + ("\n" if path.resolve() == target else "")
    )
    after = sources.code_sha256()
    sources.code_sha256.cache_clear()
    assert (after != before) == (changed in ("../preconditioners/fisher.py", "execution.py"))


def test_data_that_change_while_a_study_runs_stop_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.toml").write_text(ON_DATA)
    write_rows(tmp_path / "own.csv", 0)
    study = read_study(tmp_path / "own.toml")

    def tick(progress):
        if progress.done == 8:
            write_rows(tmp_path / "own.csv", 1)

    said = r"^own\.csv changed since the study was read; 8 of 36 trials are stored"
    with Store(tmp_path / "own.sqlite") as store, pytest.raises(Stopped, match=said):
        run_study(study, resolve=resolve, store=store, tick=tick)


def test_a_report_on_a_summary_says_what_made_it(capsys, own_folder, tmp_path, monkeypatch):
    (tmp_path / "small.toml").write_text(STUDY)
    call(capsys, "ablate", "small.toml", "--jobs", 1, "--save-results", "kept.json")
    kept = json.loads((tmp_path / "kept.json").read_text())
    for cell in kept["cells"]:
        cell["commits"] = {"abc": 3, "def": 1}
    kept["stamp"]["commit"] = "abc and def"
    (tmp_path / "kept.json").write_text(json.dumps(kept))
    code, out, _ = call(capsys, "ablate", "--from-results", "kept.json", "--json", "rows.json")
    assert (code, "commits abc (9 trials) and def (3 trials)" in " ".join(out.split())) == (0, True)
    assert {row["commit"] for row in json.loads((tmp_path / "rows.json").read_text())} == {"abc and def"}
