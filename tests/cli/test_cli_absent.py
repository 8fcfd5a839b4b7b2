"""Absent, compressed and late clients on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from cli_cases import call

pytestmark = pytest.mark.usefixtures("own_folder")
RUN = ["run", "logistic", "--data", "breast-cancer", "--clients", "4", "--steps", "30", "--seeds", "2"]


@pytest.mark.parametrize(
    ("words", "heading"),
    [
        (["--participation", "2"], "2 of 4 clients a round, "),
        (["--participation", ".5"], "each client there with probability 0.5, "),
        (["--delay", "2"], "gradients 2 rounds old, "),
        (["--participation", "3", "--delay", "1"], "3 of 4 clients a round, gradients 1 rounds old, "),
        (["--method", "pisa", "--preconditioner", "top-k", "--penalty", "40"], "pisa, σ = 40 (given)"),
        (["--method", "ef21", "--preconditioner", "scaled-sign", "--penalty", "40"], "ef21, σ = 40 (given)"),
    ],
)
def test_a_run_says_who_is_there_and_goes_on_where_it_stopped(capsys, words, heading):
    code, out, err = call(capsys, *RUN, *words, "--json", "rows.json", "--save", "whole.npz")
    assert (code, err) == (0, "")
    assert heading in " ".join(out.split())
    assert all(row["status"] == "FINISHED" for row in json.loads(Path("rows.json").read_text()))
    short = [*RUN, *words]
    short[short.index("--steps") + 1] = "13"
    assert call(capsys, *short, "--save", "part.npz")[0] == 0
    assert call(capsys, "run", "--resume", "part.npz", "--steps", "17", "--save", "rest.npz")[0] == 0
    with np.load("whole.npz") as whole, np.load("rest.npz") as rest:
        assert all(np.array_equal(whole[name], rest[name]) for name in whole.files if name != "__json__")


@pytest.mark.parametrize("value", [2, 0.5, "2", "0.5"])
@pytest.mark.parametrize("form", ["json", "toml"])
def test_a_configuration_holds_it(capsys, form, value):
    words = [
        *RUN,
        "--participation",
        str(value),
        "--delay",
        "1",
        "--save-config",
        f"asked.{form}",
        "--json",
        "one.json",
    ]
    assert call(capsys, *words)[0] == 0
    assert call(capsys, "run", "--config", f"asked.{form}", "--json", "two.json")[0] == 0
    one, two = (json.loads(Path(f"{name}.json").read_text()) for name in ("one", "two"))
    assert [row["loss"] for row in one] == [row["loss"] for row in two]


def test_absence_and_delay_change_the_run(capsys):
    losses = {}
    for name, words in {"all": [], "half": ["--participation", "2"], "late": ["--delay", "2"]}.items():
        assert call(capsys, *RUN, *words, "--json", f"{name}.json")[0] == 0
        losses[name] = json.loads(Path(f"{name}.json").read_text())[0]["loss"]
    assert len(set(losses.values())) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--participation", "5"], "--participation: 5 of 4 clients"),
        (["--participation", "0"], "--participation: 0 must be a whole number >= 1"),
        (["--participation", "1.5"], "--participation: 1.5 must be > 0 and <= 1"),
        (["--participation", "half"], "--participation: 'half' is not a number"),
        (["--method", "fedavg", "--participation", "2"], "--participation: FedAvg has no rule"),
        (["--method", "fedsgd", "--delay", "1"], "--delay: FedSGD is no PISA"),
        (["--delay", "-1"], "--delay: -1 must be a whole number >= 0"),
        (["--method", "pisa-auto", "--participation", "2"], "--participation: the test of a searched penalty"),
        (["--method", "pisa-auto", "--delay", "2"], "--delay: a searched penalty tests present gradients"),
        (["--method", "pisa", "--preconditioner", "top-k", "--rho", "1"], "--rho: a contraction has no Q"),
        (["--method", "pisa", "--preconditioner", "top-k", "--clip", "1"], "--clip: 'top-k' has no Q to clip"),
    ],
)
def test_what_does_not_fit_names_the_option(capsys, words, message):
    code, _, err = call(capsys, *RUN, *words)
    assert code == 2
    assert err.startswith(f"pisa-lab: error: {message}")
