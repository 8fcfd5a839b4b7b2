"""A run is saved as it goes: Ctrl-C and kills lose little, and what is resumed ends where nothing interrupted it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_cases import call

from pisa_lab.cli import main
from pisa_lab.state import load_state
from problems.commands import keeping
from problems.deep import trainer

pytestmark = pytest.mark.usefixtures("own_folder")
WORDS = ["run", "logistic", "--clients", "2", "--batch", "5", "--seeds", "3", "--steps", "9", "--schedule"]
WORDS += ["inverse-cosine", "--method", "pisa", "--preconditioner", "second-moment-3"]


@contextlib.contextmanager
def interrupted(at):
    """Let Ctrl-C come in the round that is the ``at``-th of all seeds'."""
    plain, count = keeping.Keeper.after_round, [0]

    def after_round(keeper, state, rounds):
        plain(keeper, state, rounds)
        count[0] += 1
        if count[0] == at:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping.Keeper, "after_round", after_round)
        yield


def same_states(first, second):
    with np.load(first) as one, np.load(second) as other:
        assert one.files == other.files
        for name in one.files:
            assert name == "__json__" or np.array_equal(one[name], other[name]), name


@pytest.mark.parametrize("at", [1, 9, 13, 18, 26])
def test_ctrl_c_writes_what_was_done_and_the_rest_gives_the_run_that_was_never_interrupted(capsys, at):
    assert call(capsys, *WORDS, "--save", "whole.npz", "--json", "whole.json")[0] == 0
    with interrupted(at):
        code, out, err = call(capsys, *WORDS, "--save", "part.npz", "--json", "part.json")
    assert (code, err) == (130, "pisa-lab: interrupted\n")
    assert "run --resume part.npz goes on" in out
    rows = json.loads(Path("part.json").read_text())
    # Seeds of nine rounds each: those that were begun have a row.
    assert [row["status"] for row in rows] == ["FINISHED"] * ((at - 1) // 9) + ["INTERRUPTED"]
    assert rows[-1]["rounds"] == at - 9 * ((at - 1) // 9)
    assert call(capsys, "run", "--resume", "part.npz", "--save", "rest.npz", "--json", "rest.json", "--no-plot")[0] == 0
    same_states("whole.npz", "rest.npz")
    assert json.loads(Path("rest.json").read_text()) == json.loads(Path("whole.json").read_text())
    # An interrupted run that is interrupted again goes on, too.
    if at < 25:
        with interrupted(2):
            assert call(capsys, "run", "--resume", "part.npz", "--save", "twice.npz", "--no-plot")[0] == 130
        assert call(capsys, "run", "--resume", "twice.npz", "--save", "rest.npz", "--no-plot")[0] == 0
        same_states("whole.npz", "rest.npz")


def test_ctrl_c_before_the_first_round_is_over_says_so_and_writes_nothing(capsys, monkeypatch):
    monkeypatch.setattr(
        "problems.commands.experiment.run", lambda *given, **settings: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    code, out, err = call(capsys, *WORDS, "--save", "part.npz", "--json", "part.json")
    assert (code, out, err) == (130, "", "pisa-lab: interrupted\n")
    assert not Path("part.json").exists()


def test_a_killed_run_goes_on_from_its_last_save():
    words = [*WORDS, "--save", "part.npz", "--no-plot"]
    words[words.index("9")] = "100000"
    script = (
        "from pisa_lab.cli import main; from problems.commands import keeping;"
        f"keeping.SAVED_EVERY = 0.05; main({words!r})"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen([sys.executable, "-c", script], env=environment)
    try:
        while not Path("part.npz").is_file() and child.poll() is None:
            time.sleep(0.05)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    _, header = load_state("part.npz", ())
    assert header["is_whole"] is False
    assert 0 < header["rounds"][0] < 100_000
    configuration, resumed = keeping.read_resumed(Path("part.npz"), {})
    assert int(resumed.begun[0].state.iteration) == 100_000 - header["rounds"][0]
    assert configuration.schedule == "inverse-cosine:100000"


@pytest.mark.parametrize("ending", ["NON_FINITE", "CONVERGED"])
def test_seeds_that_ended_early_keep_how_they_ended(capsys, ending):
    options = {
        "NON_FINITE": ["--penalty", "0.01", "--steps", "400"],
        "CONVERGED": ["--steps", "400", "--tolerance", "0.01"],
    }
    words = ["run", "quadratic", "--method", "pisa", "--seeds", "2", *options[ending]]
    code, _, _ = call(capsys, *words, "--json", "whole.json")
    whole = json.loads(Path("whole.json").read_text())
    first = whole[0]["rounds"]
    assert whole[0]["status"].startswith(ending)
    with interrupted(first + 1):
        assert call(capsys, *words, "--save", "part.npz")[0] == 130
    assert call(capsys, "run", "--resume", "part.npz", "--json", "rest.json", "--no-plot")[0] == code
    assert json.loads(Path("rest.json").read_text()) == whole


def changed_header(path, **changes):
    """Change entries of a saved run's header."""
    with np.load(path) as archive:
        arrays = dict(archive)
    document = json.loads(arrays.pop("__json__").tobytes().decode())
    for name, value in changes.items():
        place = document["scalars"] if name in document["scalars"] else document["header"]
        place[name] = value
    arrays["__json__"] = np.frombuffer(json.dumps(document).encode(), dtype=np.uint8)
    np.savez(path, **arrays)


def test_a_resumed_run_names_every_commit_that_made_it_and_refuses_other_data(capsys):
    rows = np.random.default_rng(0).normal(size=(80, 3))
    text = "\n".join(f"{a},{b},{c},{int(a > 0)}" for a, b, c in rows)
    Path("own.csv").write_text(f"a,b,c,y\n{text}\n")
    words = ["run", "logistic", "--data", "own.csv", "--clients", "2", "--steps", "3", "--save", "part.npz"]
    assert call(capsys, *words)[0] == 0
    changed_header("part.npz", commit="abc")
    code, out, _ = call(capsys, "run", "--resume", "part.npz", "--json", "rows.json", "--save", "more.npz", "--no-plot")
    (row,) = json.loads(Path("rows.json").read_text())
    assert (code, row["commit"].startswith("abc and ")) == (0, True)
    assert "made by commits abc and " in out
    assert load_state("more.npz", ())[1]["commit"] == row["commit"]
    Path("own.csv").write_text(f"a,b,c,y\n{text}\n0,0,0,1\n")
    code, out, err = call(capsys, "run", "--resume", "part.npz")
    assert (code, out) == (2, "")
    assert err == "pisa-lab: error: --resume: own.csv is no longer what it was when 'part.npz' was saved\n"


@pytest.mark.parametrize(
    "change",
    [{"0/iteration": None}, {"0/iteration": [1]}, {"0/iteration": 10**30}, {"0/iteration": -1}, {"0/iteration": "1"},
     {"0/ridge": 3.0}, {"0/ridge": float("nan")}, {"configuration": 3},
     {"configuration": {"problem": "quadratic", "x": 1}}],
    ids=str,
)  # fmt: skip
def test_a_state_that_no_run_leaves_is_refused_in_one_line(capsys, change):
    call(capsys, "run", "quadratic", "--steps", "2", "--save", "part.npz")
    changed_header("part.npz", **change)
    code, out, err = call(capsys, "run", "--resume", "part.npz")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--resume: " in err


@pytest.mark.parametrize("change", [lambda x: -x, lambda x: x * 1j, lambda x: x.astype(str), lambda x: x * np.inf])
def test_a_penalty_that_is_none_is_refused_in_one_line(capsys, change):
    call(capsys, "run", "quadratic", "--steps", "2", "--save", "part.npz")
    with np.load("part.npz") as archive:
        arrays = dict(archive)
    np.savez("part.npz", **{**arrays, "0/penalty": change(arrays["0/penalty"])})
    code, out, err = call(capsys, "run", "--resume", "part.npz")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--resume: " in err


def test_train_puts_an_interrupted_runs_checkpoint_aside_and_says_so(capsys):
    words = [
        "train",
        "vision",
        "--optimizer",
        "sgd",
        "--no-plot",
        "--size",
        "tiny",
        "--rounds",
        "4",
        "--evaluations",
        "2",
    ]
    words += ["--batch", "8"]
    session = trainer._Session
    advance = session.advance

    def stopped(own, until, tick):
        if until == 4:
            raise KeyboardInterrupt
        advance(own, until, tick)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "advance", stopped)
        assert call(capsys, *words)[0] == 130
    (checkpoint,) = Path(".pisa_lab/checkpoints").glob("*.pt")
    old = checkpoint.read_bytes()
    code, _, err = call(capsys, *words)
    assert code == 0
    assert err == (
        f"pisa-lab: {checkpoint.name} was of an interrupted run, which --resume goes on with; it is "
        f"{checkpoint.name}.old now\n"
    )
    assert checkpoint.with_name(f"{checkpoint.name}.old").read_bytes() == old
    # One of a run that came to its end holds what the same command gives again.
    assert call(capsys, *words)[2] == ""


@pytest.mark.parametrize("entry", ["configuration", "rows", "model", "best", ""])
def test_a_checkpoint_that_lacks_something_is_refused_in_one_line(capsys, entry):
    words = ["train", "vision", "--optimizer", "sgd", "--no-plot", "--size", "tiny", "--rounds", "2", "--batch", "8"]
    call(capsys, *words)
    (path,) = Path(".pisa_lab/checkpoints").glob("*.pt")
    if entry:
        values = torch.load(path, weights_only=True)
        del values[entry]
        torch.save(values, path)
    else:
        path.write_text("no checkpoint at all")
    code, out, err = call(capsys, *words, "--resume")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("pisa-lab: error: --resume: ")
    path.write_bytes(b"")
    assert call(capsys, *words, "--resume")[0] == 2
    # Without --resume there is nothing in it to keep.
    assert call(capsys, *words)[0] == 0


@pytest.fixture(scope="module")
def trained_rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    words = ["train", "vision", "--optimizer", "sgd", "--no-plot", "--size", "tiny", "--rounds", "2", "--batch", "8"]
    assert main([*words, "--json", str(folder / "rows.json"), "--checkpoints", str(folder)]) == 0
    return json.loads((folder / "rows.json").read_text())


def test_rows_that_lack_something_or_hold_what_no_row_does_are_one_line(capsys, trained_rows):
    shown = 0
    for name in trained_rows[0]:
        for change in ("absent", None, []):
            rows = [{key: value for key, value in row.items() if key != name} for row in trained_rows]
            if change != "absent":
                rows = [row | {name: change} for row in rows]
            Path("rows.json").write_text(json.dumps(rows))
            code, _, err = call(capsys, "train", "--from", "rows.json", "--plot", "curves.svg")
            assert code in (0, 1, 2), (name, change, err)
            assert err.count("\n") == (code == 2), (name, change, err)
            shown += code != 2
    assert shown < 2 * len(trained_rows[0])
