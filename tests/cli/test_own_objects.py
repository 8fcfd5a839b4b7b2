"""MODULE:OBJECT: an object of the user's own in every command, in studies and in their workers."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_cases import call
from small_study import STUDY

from pisa_lab import PISA, specs
from pisa_lab.ablation import read_study, study_from
from pisa_lab.ablation.queries import query
from pisa_lab.ablation.sources import Changed, own_sha256
from pisa_lab.ablation.trials import tuning_trials
from pisa_lab.methods import Settings
from problems.commands.configuration import Configuration
from problems.commands.keeping import sources
from problems.quadratics import random_quadratic
from problems.table import by_name

ROOT = Path(__file__).parents[2]
METHOD = """
[[methods]]
name = "absolute"
preconditioner = "NAME:Absolute"
grid = "damped"
"""
OWN = '''
"""Own objects."""
from pisa_lab import PISA
from pisa_lab.methods import MethodRow
from pisa_lab.metrics import Metric
from pisa_lab.preconditioners import SecondMoment
from problems.quadratics import random_quadratic
from problems.table import PROBLEMS

from HELPER import FACTOR


def problem(seed, clients, spread=0.0):
    return random_quadratic(seed, clients=clients, spread=spread)


def method(problem, settings):
    return PISA(penalty=settings.penalty, rho=FACTOR)


fixed, instance, number = PISA(penalty=4.0), random_quadratic(3, clients=2), 3
row = PROBLEMS[0]


def measure(problem):
    return Metric(SecondMoment("III"), floor=FACTOR)


def broken(*given):
    raise LookupError("nothing here")


def nothing(*given):
    return 7
'''


def example() -> str:
    """Return README's own preconditioner, without the lines that use it."""
    (block,) = re.findall(r"```python\n([^`]*class Absolute\(Base\)[^`]*)```", (ROOT / "README.md").read_text("utf-8"))
    return block.split("# and its use")[0]


@pytest.fixture
def own(own_folder, tmp_path, monkeypatch, request):
    """The name of a module of the user's in the current folder, another one in each test."""
    name = "own_" + re.sub(r"\W", "_", request.node.name)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / f"{name}_more.py").write_text("FACTOR = 0.5\n")
    (tmp_path / f"{name}.py").write_text(OWN.replace("HELPER", f"{name}_more") + example())
    return name


def test_readmes_own_preconditioner_enters_a_study_and_its_workers(capsys, own, tmp_path):
    (tmp_path / "small.toml").write_text(STUDY + METHOD.replace("NAME", own))
    code, out, err = call(capsys, "ablate", "small.toml", "--jobs", 2)
    assert (code, err) == (0, "")
    assert "absolute" in out
    sql = "SELECT status, count(*) AS n FROM trials WHERE method = 'absolute' GROUP BY status"
    assert query(tmp_path / "small.sqlite", sql) == [{"status": "FINISHED", "n": 12}]
    # The same in this process gives the same numbers.
    call(capsys, "ablate", "small.toml", "--jobs", 1, "--store", "one.sqlite")
    values = "SELECT key, measure, value FROM measures ORDER BY key, measure"
    assert query(tmp_path / "one.sqlite", values) == query(tmp_path / "small.sqlite", values)


def test_a_line_of_ones_own_preconditioner_changed_makes_its_rows_old_and_no_others(own, tmp_path):
    (tmp_path / "small.toml").write_text(STUDY + METHOD.replace("NAME", own))
    words = [sys.executable, "-m", "pisa_lab.cli", "ablate", "small.toml", "--jobs", "1"]

    def ablate(*more):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        return subprocess.run([*words, *more], capture_output=True, text=True, check=False, env=environment)

    assert ablate().returncode == 0
    text = (tmp_path / f"{own}.py").read_text()
    (tmp_path / f"{own}.py").write_text(text.replace("return abs(", "return 10 * abs("))
    refused = ablate()
    assert refused.returncode == 2
    assert "store: 8 of 32 tuning trials are of other code (8 by commit " in refused.stderr
    # What it imports from beside it counts, too.
    (tmp_path / f"{own}.py").write_text(text)
    (tmp_path / f"{own}_more.py").write_text("FACTOR = 2.0\n")
    assert "store: 8 of 32 tuning trials are of other code " in ablate().stderr
    # The eight that do not apply are run again, too.
    assert "24 of 44 trials were stored, 20 are new" in ablate("--again").stdout


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["NAME:problem"], "NAME:problem, 4 clients"),
        (["NAME:instance"], "NAME:instance"),
        (["quadratic", "--method", "NAME:method"], "NAME:method, σ"),
        (["quadratic", "--method", "NAME:fixed"], "NAME:fixed, σ"),
        (["quadratic", "--method", "pisa", "--preconditioner", "NAME:Absolute"], "pisa, σ"),
    ],
)
def test_run_takes_a_problem_a_method_and_a_preconditioner(capsys, own, words, wanted):
    words = [word.replace("NAME", own) for word in words]
    code, out, err = call(capsys, "run", *words, "--steps", 3)
    assert (code, err) == (0, "")
    assert wanted.replace("NAME", own) in out


def test_a_study_takes_a_problem_with_its_settings_and_a_method(capsys, own, tmp_path):
    text = STUDY.replace('family = "quadratic"', f'family = "{own}:problem"').replace(
        "make = { dimension = 4, condition = 3, shift = 1.0 }", "make = { spread = 0.1 }"
    )
    method = f'[[methods]]\nname = "mine"\nmethod = "{own}:method"\ngrid = "plain"\n'
    (tmp_path / "small.toml").write_text(text + method)
    code, _, err = call(capsys, "ablate", "small.toml", "--jobs", 2)
    assert (code, err) == (0, "")
    sql = "SELECT method, status, count(*) AS n FROM trials WHERE method = 'mine' GROUP BY status"
    assert {row["status"] for row in query(tmp_path / "small.sqlite", sql)} <= {"FINISHED", "NON_FINITE"}


def test_ones_own_metric_enters_a_study_and_the_hash_of_its_trials(capsys, own, tmp_path):
    row = f'[[methods]]\nname = "mine"\nmethod = "sisa-metric"\nmetric = "{own}:measure"\ngrid = "plain"\n'
    (tmp_path / "small.toml").write_text(STUDY + row)
    code, _, err = call(capsys, "ablate", "small.toml", "--jobs", 1)
    assert (code, err) == (0, "")
    sql = "SELECT status, count(*) AS n FROM trials WHERE method = 'mine' AND phase = 'evaluation' GROUP BY status"
    assert query(tmp_path / "small.sqlite", sql) == [{"status": "FINISHED", "n": 4}]
    trial = next(trial for trial in tuning_trials(read_study(tmp_path / "small.toml")) if trial.method.name == "mine")
    assert trial.method.own_sha256 == own_sha256(f"{own}:measure") != ""
    trial.check_sources()
    old = dataclasses.replace(trial, method=dataclasses.replace(trial.method, own_sha256=""))
    with pytest.raises(Changed, match="modules of 'mine' or 'well' changed"):
        old.check_sources()


def test_ones_own_metric_counts_in_the_hash_of_a_run_that_is_kept(own):
    plain = Configuration(problem="quadratic", method="sisa-metric")
    mine = dataclasses.replace(plain, metric=f"{own}:measure")
    assert sources(mine)["code_sha256"] == sources(plain)["code_sha256"] + own_sha256(f"{own}:measure")


PISA_WITH = ["run", "quadratic", "--method", "pisa", "--preconditioner"]
REFUSED = [
    (["run", "absent_module:problem"], "PROBLEM: 'absent_module:problem' cannot be imported (ModuleNotFoundError"),
    (["run", "NAME:absent"], "PROBLEM: 'NAME:absent' cannot be imported (AttributeError"),
    (["run", "NAME:number"], "PROBLEM: 'NAME:number' is neither a problem nor"),
    (["run", "NAME:broken"], "name: 'NAME:broken' failed (LookupError: nothing here)"),
    (["run", "NAME:nothing"], "name: 'NAME:nothing' made a int, which is no Problem"),
    (["run", "quadratic", "--method", "NAME:nothing"], "--method: 'NAME:nothing' made a int, which has no init"),
    (["run", "quadratic", "--method", "NAME:broken"], "--method: 'NAME:broken' failed (LookupError"),
    (["run", "quadratic", "--method", "NAME:number"], "--method: 'NAME:number' is neither a method nor"),
    ([*PISA_WITH, "NAME:nothing"], "--preconditioner: 'NAME:nothing' made a int"),
    ([*PISA_WITH, "NAME:number"], "--preconditioner: 'NAME:number' is neither"),
    (["run", "quadratic", "--method", "NAME:fixed", "--warm"], "--warm: 'NAME:fixed' has none"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "reason"), REFUSED, ids=[" ".join(words) for words, _ in REFUSED])
def test_what_is_no_such_object_is_one_line(capsys, own, words, reason):
    code, out, err = call(capsys, *(word.replace("NAME", own) for word in words))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"pisa-lab: error: {reason.replace('NAME', own)}")


def test_a_study_refuses_what_cannot_be_imported_when_it_is_read(own):
    import tomllib

    base = tomllib.loads(STUDY)
    for change in ({"preconditioner": "absent_module:Q"}, {"method": f"{own}:absent", "preconditioner": ""}):
        methods = [{**base["methods"][0], **change}]
        with pytest.raises(ValueError, match=r"cannot be imported"):
            study_from({**base, "methods": methods, "evaluation": {}})
    with pytest.raises(ValueError, match=r"cannot be imported"):
        study_from({**base, "problems": [{"name": "a", "family": "absent_module:p"}]})


def test_rows_classes_instances_and_functions_all_stand_for_themselves(own):
    problem = random_quadratic(0)
    assert by_name(f"{own}:row") is by_name("quadratic")
    assert by_name(f"{own}:instance").build(0, 5) is by_name(f"{own}:instance").build(1, 2)
    assert specs.method(f"{own}:fixed", problem, Settings(penalty=1.0)) == PISA(penalty=4.0)
    assert specs.method(f"{own}:method", problem, Settings(penalty=1.0)) == PISA(penalty=1.0, rho=0.5)
    assert type(specs.preconditioner(f"{own}:Absolute", problem)).__name__ == "Absolute"
    assert not specs.is_own("geometric:0.9")
    assert not specs.is_own("label:1")


def test_verify_takes_readmes_own_claim(capsys, own, tmp_path):
    (block,) = re.findall(r"```python\n([^`]*claim = Claim\([^`]*)```", (ROOT / "README.md").read_text("utf-8"))
    (tmp_path / f"{own}.py").write_text(block.split("# and its use")[0] + "\nother = 3\n")
    code, out, err = call(capsys, "verify", f"{own}:claim", "--json", "rows.json", "--report", "out")
    assert (code, err) == (0, "")
    assert "1 claims: 1 supported; all as expected" in out
    (row,) = json.loads((tmp_path / "rows.json").read_text())
    assert (row["name"], row["verdict"]) == ("mine", "SUPPORTED")
    assert "mine" in (tmp_path / "out" / "index.html").read_text()
    code, _, err = call(capsys, "verify", f"{own}:other")
    assert (code, err) == (2, f"pisa-lab: error: NAME: '{own}:other' is a int, no Claim\n")


MODEL = """
import torch


def model(data):
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(torch.Size(data.shape).numel(), data.classes))


def wrong(data):
    return 3
"""


def test_train_takes_a_model_of_ones_own(capsys, own, tmp_path):
    (tmp_path / f"{own}.py").write_text(MODEL)
    words = ("train", "vision", "--model", f"{own}:model", "--optimizer", "sgd", "--no-plot", "--rounds", "4")
    code, _, err = call(capsys, *words, "--evaluations", "2", "--batch", "8", "--json", "rows.json")
    assert (code, err) == (0, "")
    (first, *_) = json.loads((tmp_path / "rows.json").read_text())
    assert (first["model"], first["parameters"]) == (f"{own}:model", 650)
    code, _, err = call(capsys, "train", "vision", "--model", f"{own}:wrong", "--rounds", "2")
    assert (code, err) == (2, f"pisa-lab: error: --model: '{own}:wrong' made a int, which is no torch.nn.Module\n")


def test_a_study_takes_a_deep_model_of_ones_own(own, tmp_path):
    from problems.studies import resolve

    (tmp_path / f"{own}.py").write_text(MODEL)
    arena = resolve({"family": "vision", "model": f"{own}:model", "clients": 2, "rows": 20}, 0)
    assert np.shape(arena.problem.initial) == (650,)
    assert {"validation", "test_loss", "test_error"} <= set(arena.finals)
