"""The command line, mostly in process: what each command prints, writes and refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli_cases import QUICK_RUN, call

from problems.datasets import DATASETS
from problems.partition_rules import PARTITIONS

pytestmark = pytest.mark.usefixtures("own_folder")


def test_options_given_go_before_those_of_the_file(capsys):
    Path("run.toml").write_text('problem = "quadratic"\nsteps = 3\nseed = 5\n')
    assert call(capsys, "run", "--config", "run.toml", "--steps", "4", "--json", "rows.json")[0] == 0
    row = json.loads(Path("rows.json").read_text())[0]
    assert (row["rounds"], row["seed"]) == (4, 5)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[1, 2]", "--config"),
        ("{not json", "--config"),
        ('{"steps": 3}', "PROBLEM"),
        ('{"problem": "logistic", "lr": 1}', "lr"),
        ('{"problem": "logistic", "steps": "3"}', "--steps"),
        ('{"problem": "logistic", "warm": 1}', "--warm"),
        ('{"problem": "logistic", "penalty": true}', "--penalty"),
        ('{"problem": 3}', "PROBLEM"),
    ],
)
def test_a_bad_configuration_file_is_refused_in_one_line(capsys, text, name):
    Path("run.json").write_text(text)
    code, _, err = call(capsys, "run", "--config", "run.json")
    assert code == 2
    assert err.count("\n") == 1
    assert name in err


@pytest.mark.parametrize("schedule", ["constant", "inverse-cosine", "balancing"])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(capsys, schedule):
    words = ["run", "logistic", "--clients", "2", "--batch", "5", "--seeds", "2", "--schedule", schedule]
    if schedule == "inverse-cosine":
        words[-1] = "inverse-cosine:9"
    call(capsys, *words, "--steps", "9", "--save", "whole.npz")
    call(capsys, *words, "--steps", "4", "--save", "part.npz")
    assert call(capsys, "run", "--resume", "part.npz", "--steps", "5", "--save", "rest.npz")[0] == 0
    with np.load("whole.npz") as whole, np.load("rest.npz") as rest:
        for name in whole.files:
            assert name == "__json__" or np.array_equal(whole[name], rest[name]), name


def test_resuming_refuses_another_method_and_a_file_of_another_kind(capsys):
    call(capsys, "run", "quadratic", "--steps", "2", "--save", "part.npz")
    code, _, err = call(capsys, "run", "--resume", "part.npz", "--method", "pisa")
    assert (code, "--method" in err) == (2, True)
    np.savez("own.npz", x=np.zeros(2))
    code, _, err = call(capsys, "run", "--resume", "own.npz")
    assert (code, "--resume" in err) == (2, True)


def test_a_run_that_diverges_says_where_and_exits_1(capsys):
    words = ["run", "quadratic", "--method", "pisa", "--penalty", "0.01", "--steps", "400"]
    code, out, _ = call(capsys, *words, "--json", "rows.json")
    row = json.loads(Path("rows.json").read_text(), parse_constant=pytest.fail)[0]
    assert code == 1
    assert row["status"].startswith("NON_FINITE at ")
    assert row["status"] in out


def test_a_tolerance_ends_the_run_early(capsys):
    words = ["run", "quadratic", "--method", "pisa", "--steps", "400", "--tolerance", "0.01", "--json", "rows.json"]
    assert call(capsys, *words)[0] == 0
    row = json.loads(Path("rows.json").read_text())[0]
    assert row["status"] == "CONVERGED"
    assert row["gradient_norm"] <= 0.01
    assert row["rounds"] < 400


def test_backends_print_the_same_loss(capsys):
    losses = []
    for backend in ("numpy", "strict", "torch"):
        assert call(capsys, *QUICK_RUN, "--backend", backend, "--json", "rows.json")[0] == 0
        losses.append([row["loss"] for row in json.loads(Path("rows.json").read_text())])
    # Twelve rounds on the same batches: only the order of sums differs.
    np.testing.assert_allclose(losses[1:], [losses[0]] * 2, rtol=1e-12)


def test_problems_shows_every_data_set_with_its_licence_and_every_partition_with_its_meaning(capsys):
    out = call(capsys, "problems")[1]
    for row in DATASETS:
        assert any({row.name, *row.licence.split()} <= set(line.split()) for line in out.splitlines()), row.name
    for rule in PARTITIONS:
        assert any(line.startswith(rule.kind) and rule.meaning in line for line in out.splitlines()), rule.kind


@pytest.mark.parametrize("command", ["problems", "preconditioners"])
def test_the_lists_write_the_rows_that_they_print(capsys, command):
    code, out, _ = call(capsys, command, "--json", "rows.json")
    rows = json.loads(Path("rows.json").read_text())
    assert code == 0
    assert len(rows) >= 12
    assert all(row["name"] in out and row["summary"] for row in rows)
