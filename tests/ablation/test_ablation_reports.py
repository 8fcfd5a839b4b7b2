"""Reports on ablations, the built-in study, and the commands."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from small_study import STUDY, document

from pisa_lab import cli
from pisa_lab.ablation import Store, Unavailable, run_study, study_from
from pisa_lab.ablation.comparison import judgements, ranking, winners
from pisa_lab.ablation.report import write_report
from pisa_lab.ablation.summary import summarise
from pisa_lab.ablation.summary_files import read_summary, write_summary
from pisa_lab.ablation.tables import csv_text, markdown, rows, short
from pisa_lab.methods import METHODS
from pisa_lab.metrics import METRICS
from pisa_lab.preconditioners import PRECONDITIONERS
from problems.studies import BUILTIN, builtin, kept_results, resolve


def test_a_summary_is_made_of_the_rows_and_survives_its_file(study, done, tmp_path):
    summary = summarise(study, done)
    cell = summary.cell("well", "fedsgd")
    rows_there = done.select(
        "SELECT value FROM trials JOIN measures USING (key) WHERE method = 'fedsgd' AND phase = 'evaluation'"
        " AND measure = 'gap' ORDER BY seed"
    )
    assert cell.finals["gap"] == tuple(row["value"] for row in rows_there)
    assert cell.endings == {"FINISHED": 4}
    assert cell.curve[0][1] == 1.0
    assert cell.counts["gradients"] == 36
    assert summary.cell("well", "gauss-newton").endings == {"INAPPLICABLE": 8}
    write_summary(tmp_path / "summary.json", summary)
    again = read_summary(tmp_path / "summary.json")
    # Five digits are kept.
    np.testing.assert_allclose(again.values("well", "fedsgd"), summary.values("well", "fedsgd"), rtol=1e-4)
    assert markdown(again).splitlines()[0] == markdown(summary).splitlines()[0]
    write_summary(tmp_path / "twice.json", again)
    assert (tmp_path / "twice.json").read_text() == (tmp_path / "summary.json").read_text()
    huge = planted(summary, {"identity": 1e200, "gauss-newton": 1.0, "fedsgd": 1.0})
    write_summary(tmp_path / "huge.json", huge)
    assert np.all(np.isfinite(read_summary(tmp_path / "huge.json").values("well", "identity")))
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(ValueError, match=r"^results: "):
        read_summary(tmp_path / "bad.json")


def planted(summary, factors, failing=()):
    """Return the summary with outcomes that are the reference's times known factors, the seeds' noise shared."""
    rng = np.random.default_rng(0)
    shared = np.exp(rng.normal(size=12))
    cells = []
    for cell in summary.cells:
        noise = np.exp(0.05 * rng.normal(size=12))
        values = tuple((shared * noise * factors[cell.method]).tolist())
        endings = {"FINISHED": 12}
        if cell.method in failing:
            values, endings = (None, *values[1:]), {"FINISHED": 11, "NON_FINITE": 1}
        cells.append(dataclasses.replace(cell, finals={"gap": values}, endings=endings))
    return dataclasses.replace(summary, cells=tuple(cells), seeds=12)


def test_planted_differences_are_found_and_their_absence_too(study, done):
    summary = planted(summarise(study, done), {"identity": 0.5, "gauss-newton": 1.0, "fedsgd": 1.0})
    judged = judgements(summary)
    better = judged["well", "identity"]
    assert better.verdict == "better"
    assert better.low < 0.5 < better.high
    assert judged["well", "gauss-newton"].verdict == "no difference"
    assert winners(summary, judged) == {"well": ["identity"]}
    assert ranking(summary)[0].method == "identity"
    assert ranking(summary)[0].mean == 0.0
    assert all(rank.low <= rank.mean <= rank.high for rank in ranking(summary))


def test_a_method_that_fails_on_a_seed_is_not_averaged_over_the_others(study, done):
    factors = {"identity": 0.01, "gauss-newton": 2.0, "fedsgd": 1.0}
    summary = planted(summarise(study, done), factors, failing=("identity",))
    judged = judgements(summary)
    assert judged["well", "identity"].verdict == "fails"
    assert judged["well", "gauss-newton"].verdict == "worse"
    assert "1/12 diverge" in markdown(summary)
    assert "identity" not in winners(summary, judged)["well"]


def test_a_report_holds_tables_and_figures(study, done, tmp_path):
    summary = summarise(study, done)
    written = write_report(summary, tmp_path / "out")
    names = {path.name for path in written}
    assert {"table.csv", "table.md", "table.tex", "summary.json"} <= names
    assert {f"{name}.svg" for name in ("overview", "ranking", "profiles", "curves-well", "heat-well")} <= names
    assert all(path.stat().st_size > 200 for path in written)
    table = list(csv.DictReader((tmp_path / "out" / "table.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["method"] for row in table] == ["identity", "gauss-newton", "fedsgd"]
    assert float(table[2]["ratio"]) == 1.0
    assert table[1]["verdict"] == "absent"
    tex = (tmp_path / "out" / "table.tex").read_text(encoding="utf-8")
    assert tex.count(r"\\") == 1 + 2
    assert csv_text(rows(summary)) == (tmp_path / "out" / "table.csv").read_text(encoding="utf-8")


def test_numbers_are_shown_to_the_digits_that_tell():
    shown = [short(value) for value in (0.99646, 1.052, 0.62, 12.345, 162.3, 71_600.0, 0.0123, 3e-9, 4e7)]
    assert shown == ["0.996", "1.05", "0.62", "12.35", "160", "72,000", "0.012", "3e-09", "4e+07"]


def test_a_problem_without_data_is_left_out_of_the_report(tmp_path):
    def resolver(settings, instance):
        if settings["family"] == "logistic":
            raise Unavailable("no such data here")
        return resolve(settings, instance)

    problems = [*document()["problems"], {"name": "absent", "family": "logistic", "data": "a9a"}]
    study = study_from(document(problems=problems))
    with Store(tmp_path / "small.sqlite") as store:
        end = run_study(study, resolve=resolver, store=store)
        summary = summarise(study, store)
    assert end.done == end.total == 32 + 24
    assert {judgements(summary)["absent", method].verdict for method in summary.methods} == {"absent"}
    names = {path.name for path in write_report(summary, tmp_path / "out")}
    assert "heat-well.svg" in names
    assert "heat-absent.svg" not in names
    assert "| — |" in markdown(summary).splitlines()[2]


# The built-in study

METRICS_ALONE = [row.name for row in METRICS if row.name != "adagrad-layer" and not row.name.startswith("spectral")]
"""What a vector has a use for; the server's Newton–Schulz is nsisa-server."""


def test_the_built_in_study_tries_every_preconditioner_and_the_baselines():
    assert "preconditioners" in BUILTIN
    for variant in ("full", "quick"):
        study = builtin("preconditioners", variant)
        # Contractions are compared at equal bytes, where a study of Q counts gradients.
        named = {row.name for row in PRECONDITIONERS if "linear" not in row.exempt}
        assert {method.preconditioner for method in study.methods} - {""} == named
        repaired = {method.name for method in study.methods if method.method in ("sisa-metric", "nsisa-server")}
        assert repaired == {f"metric-{name}" for name in METRICS_ALONE} | {"nsisa-server"}
        assert {method.metric for method in study.methods} - {""} == set(METRICS_ALONE)
        baselines = {row.method for row in study.methods if not row.preconditioner and row.name not in repaired}
        assert baselines == {"fedsgd", "fedsgd-momentum", "fedsgd-rmsprop", "fedsgd-adam"}
        assert baselines < {row.name for row in METHODS}
        assert len(study.problems) == 6
        assert len(study.seeds) == study.instances == 10
        assert study.unit == "gradients"
    with pytest.raises(ValueError, match=r"^builtin: "):
        builtin("nothing")


@pytest.mark.parametrize(
    "name", [row.name for row in builtin("preconditioners").problems if row.name != "logistic-a9a"]
)
def test_every_problem_of_the_built_in_study_can_be_made(name):
    spec = next(row for row in builtin("preconditioners").problems if row.name == name)
    arena = resolve(spec.settings, 0)
    assert arena.scale > 0
    assert {"validation", spec.outcome} | ({spec.score} - {""}) <= set(arena.finals)
    assert min(arena.problem.sizes) >= 1
    if arena.optimum is not None:
        start = arena.problem.client_value(arena.problem.initial[None]) @ arena.problem.weights
        assert arena.optimum < start


def test_the_kept_results_are_of_the_built_in_study():
    path, study = kept_results("preconditioners"), builtin("preconditioners")
    summary = read_summary(path)
    assert path.stat().st_size <= 400_000
    assert summary.methods == tuple(method.name for method in study.methods)
    assert [row["name"] for row in summary.problems] == [problem.name for problem in study.problems]
    assert (summary.seeds, summary.budget["amount"]) == (len(study.seeds), study.amount)
    assert summary.stamp["version"]
    assert all(cell.endings for cell in summary.cells)
    repaired = [cell for cell in summary.cells if cell.method.startswith("metric-") or cell.method == "nsisa-server"]
    assert len(repaired) == 10 * len(study.problems)
    assert {(cell.problem, cell.method): cell.edges for cell in repaired if cell.edges} == {}


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.toml").write_text(STUDY)

    def run(*words):
        code = cli.main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


def test_ablate_runs_reports_and_resumes(call, tmp_path):
    code, out, err = call("ablate", "small.toml", "--jobs", 1, "--report", "out", "--json", "rows.json")
    assert (code, err) == (0, "")
    assert "0 of 32 trials were stored, 32 are new" in out
    assert "gauss-newton on well: gauss-newton needs gauss_newton" in out
    assert len(json.loads((tmp_path / "rows.json").read_text())) == 3
    assert (tmp_path / "out" / "overview.png").is_file()
    code, out, _ = call("ablate", "small.toml", "--jobs", 1, "--save-results", "kept.json")
    assert "32 of 32 trials were stored, 0 are new" in out
    code, told, _ = call("ablate", "--from-results", "kept.json", "--report", "again")
    assert code == 0
    assert told.splitlines()[0] == out.splitlines()[1]
    code, table, _ = call("ablate", "--from-results", "kept.json", "--markdown", "--reference", "identity")
    assert table.startswith("| method | rank | well-conditioned |")
    assert "| identity |" in table
    assert call("ablate", "--from-results", "kept.json", "--reference", "nobody")[0] == 2
    tables = [(tmp_path / folder / "table.md").read_text().splitlines()[:5] for folder in ("out", "again")]
    assert tables[0] == tables[1]


def test_ablate_refuses_in_one_line(call, tmp_path, monkeypatch):
    for words, reason in (
        (("ablate",), "STUDY: "),
        (("ablate", "small.toml", "--builtin", "preconditioners"), "STUDY: "),
        (("ablate", "absent.toml"), "study: "),
        (("ablate", "small.toml", "--reference", "nobody"), "--reference: 'nobody' is not one of identity, "),
        (("ablate", "small.toml", "--again", "--accept-old"), "--again: excludes --accept-old"),
        (("ablate", "small.toml", "--engine", "spark"), "engine: "),
        (("ablate", "--from-results", "absent.json"), "results: "),
    ):
        code, _, err = call(*words)
        assert code == 2
        assert err.startswith(f"pisa-lab: error: {reason}")
        assert len(err.splitlines()) == 1
    assert not list(tmp_path.glob("*.sqlite"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = call("ablate", "small.toml", "--engine", "dask")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "pip install -e '.[dask]'" in err


def test_a_failed_trial_makes_ablate_return_one(call, monkeypatch):
    def broken(settings, instance):
        raise RuntimeError("no such luck")

    monkeypatch.setattr("problems.studies.resolve", broken)
    code, out, _ = call("ablate", "small.toml", "--jobs", 1)
    assert code == 1
    assert "RuntimeError: no such luck" in out


def test_rows_shows_what_a_store_holds(call, tmp_path):
    call("ablate", "small.toml", "--jobs", 1)
    code, out, _ = call("rows", "small")
    assert code == 0
    assert "fedsgd" in out
    sql = "SELECT method, count(*) AS n FROM trials GROUP BY method"
    code, out, _ = call("rows", "small.sqlite", "--sql", sql, "--json", "rows.json")
    assert {row["method"]: row["n"] for row in json.loads((tmp_path / "rows.json").read_text())} == {
        "fedsgd": 12, "gauss-newton": 8, "identity": 12,
    }  # fmt: skip
    code, _, err = call("rows", "small", "--sql", "DELETE FROM trials")
    assert (code, len(err.splitlines())) == (2, 1)
    code, _, err = call("rows", "absent")
    assert (code, err.startswith("pisa-lab: error: store: ")) == (2, True)
