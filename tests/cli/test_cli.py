"""The command line, mostly in process: what each command prints, writes and refuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cli_cases import GOOD, QUICK_RUN, WITNESSED, call, claim, supported

from pisa_lab import cli
from pisa_lab.stamp import stamp
from proofs_check.claim import Verdict

pytestmark = pytest.mark.usefixtures("own_folder")


def test_help_version_and_an_unknown_command(capsys):
    code, out, _ = call(capsys)
    assert code == 0
    assert all(row.name in out for row in cli.COMMANDS)
    assert call(capsys, "--version")[:2] == (0, f"pisa-lab {stamp()['version']}\n")
    code, _, err = call(capsys, "verfy")
    assert code == 2
    assert err == (
        f"pisa-lab: error: command: 'verfy' is not one of {', '.join(row.name for row in cli.COMMANDS)}; "
        "did you mean verify?\n"
    )


def test_every_command_has_a_help_that_names_its_json_option(capsys):
    for row in cli.COMMANDS:
        code, out, _ = call(capsys, row.name, "--help")
        assert code == 0
        assert row.name == "replay" or "--json" in out, row.name


def test_the_start_imports_numpy_alone():
    script = (
        "import sys, pisa_lab.cli; pisa_lab.cli.main([]);"
        "print([name for name in ('typer', 'rich', 'scipy', 'torch', 'matplotlib', 'problems') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def call_without(hidden, words):
    """Run a command in a process that cannot import the packages ``hidden``."""
    script = f"""
import importlib.abc, sys
class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
from pisa_lab.cli import main
sys.exit(main({words!r}))
"""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("hidden", "words", "hint"),
    [
        ("typer", ["problems"], "pip install -e '.[lab]'"),
        ("rich", ["preconditioners"], "pip install -e '.[lab]'"),
        ("problems", ["run", "logistic"], "needs the checkout"),
        ("proofs_check", ["verify"], "needs the checkout"),
        ("proofs_check", ["explain", "T2"], "needs the checkout"),
    ],
)
def test_what_is_not_installed_is_said_in_one_line(hidden, words, hint):
    done = call_without([hidden], words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"pisa-lab: error: {words[0]} needs ")
    assert hint in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words", [["preconditioners"], ["bench", "step", "--size", "2x10"]], ids=lambda words: words[0]
)
def test_the_library_alone_answers_the_commands_that_it_holds(words):
    done = call_without(["problems", "proofs_check"], words)
    assert done.returncode == 0, done.stderr


def test_a_bench_on_the_laboratorys_data_needs_the_checkout():
    done = call_without(["problems", "proofs_check"], ["bench", "replicates"])
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "bench needs the checkout" in done.stderr


ABSURD = [
    (["run"], "PROBLEM"),
    (["run", "nothing"], "PROBLEM"),
    (["run", "logistic", "logistic"], "argument"),
    (["run", "logistic", "--no-such-option"], "--no-such-option"),
    (["run", "logistic", "--steps", "many"], "--steps"),
    (["run", "logistic", "--steps", "-1"], "--steps"),
    (["run", "logistic", "--steps", "99999999999999999999"], "--steps"),
    (["run", "logistic", "--clients", "1000000000"], "--clients"),
    (["run", "logistic", "--seed", "18446744073709551616"], "--seed"),
    (["run", "logistic", "--steps", "1.5"], "--steps"),
    (["run", "logistic", "--clients", "0"], "--clients"),
    (["run", "logistic", "--seeds", "0"], "--seeds"),
    (["run", "logistic", "--seed", "-1"], "--seed"),
    (["run", "logistic", "--batch", "0"], "--batch"),
    (["run", "quadratic", "--batch", "4"], "--batch"),
    (["run", "logistic", "--penalty", "0"], "--penalty"),
    (["run", "logistic", "--penalty", "nan"], "--penalty"),
    (["run", "power-3/2"], "--penalty"),
    (["run", "logistic", "--rho", "-1"], "--rho"),
    (["run", "logistic", "--method", "fedsgd", "--rho", "1"], "--rho"),
    (["run", "logistic", "--method", "adam"], "--method"),
    (["run", "logistic", "--gamma", "1.5"], "--gamma"),
    (["run", "logistic", "--gamma", "0.9", "--schedule", "constant"], "--gamma"),
    (["run", "logistic", "--schedule", "geometric"], "--schedule"),
    (["run", "logistic", "--schedule", "geometric:2"], "--schedule"),
    (["run", "logistic", "--schedule", "constant:1"], "--schedule"),
    (["run", "logistic", "--schedule", "inverse-cosine:1.5"], "--schedule"),
    (["run", "logistic", "--method", "fedavg", "--schedule", "balancing"], "--schedule"),
    (["run", "logistic", "--method", "fedavg", "--warm"], "--warm"),
    (["run", "logistic", "--ridge", "-1"], "--ridge"),
    (["run", "quadratic", "--local-ridge", "1"], "--local-ridge"),
    (["run", "logistic", "--tolerance", "0"], "--tolerance"),
    (["run", "logistic", "--clip", "0"], "--clip"),
    (["run", "logistic", "--method", "nsisa", "--clip", "1"], "--clip"),
    (["run", "logistic", "--preconditioner", "identity"], "--preconditioner"),
    (["run", "logistic", "--method", "pisa", "--preconditioner", "magic"], "--preconditioner"),
    (["run", "quadratic", "--method", "pisa", "--preconditioner", "fisher"], "--preconditioner"),
    (["run", "logistic", "--backend", "jax"], "--backend"),
    (["run", "logistic", "--dtype", "float16"], "--dtype"),
    (["run", "logistic", "--data", "no-such-file"], "--data"),
    (["run", "logistic", "--data", "digits"], "--data"),
    (["run", "softmax", "--data", "diabetes"], "--data"),
    (["run", "quadratic", "--data", "digits"], "--data"),
    (["run", "logistic", "--partition", "label:3"], "--partition"),
    (["run", "logistic", "--partition", "dirichlet:-1"], "--partition"),
    (["run", "logistic", "--partition", "by-name"], "--partition"),
    (["run", "quadratic", "--partition", "iid"], "--partition"),
    (["run", "logistic", "--json", "no/such/folder.json"], "--json"),
    (["run", "logistic", "--json", "."], "--json"),
    (["run", "logistic", "--plot", "curves.txt"], "--plot"),
    (["run", "logistic", "--plot", "no/such/folder.svg"], "--plot"),
    (["run", "logistic", "--save", "state.pkl"], "--save"),
    (["run", "logistic", "--save-config", "no/such.json"], "--save-config"),
    (["run", "--config", "missing.json"], "--config"),
    (["run", "--resume", "missing.npz"], "--resume"),
    (["run", "--resume", "a.npz", "--config", "a.json"], "--config"),
    (["explain"], "NAME"),
    (["explain", "no-such-claim"], "NAME"),
    (["explain", "V1", "--json", "no/such/folder.json"], "--json"),
    (["claims", "no-such-claim"], "NAME"),
    (["claims", "--index", "no/such/folder.md"], "--index"),
    (["problems", "--clients", "0"], "--clients"),
    (["problems", "--seed", "-3"], "--seed"),
    (["problems", "--json", "no/such.json"], "--json"),
    (["preconditioners", "--json", "no/such.json"], "--json"),
    (["verify", "--quick", "--full"], "--quick"),
    (["verify", "--jobs", "0"], "--jobs"),
    (["verify", "--seed", "-1"], "--seed"),
    (["verify", "--kind", "guessed"], "--kind"),
    (["verify", "--provenance", "hearsay"], "--provenance"),
    (["verify", "--json", "no/such.json"], "--json"),
    (["verify", "--report", "taken"], "--report"),
    (["verify", "V3"], "NAME"),
    (["replay"], "WITNESS"),
    (["replay", "no-such-witness.json"], "WITNESS"),
]


@pytest.mark.parametrize(("words", "name"), ABSURD, ids=[" ".join(words) for words, _ in ABSURD])
def test_an_absurd_argument_is_refused_in_one_line_that_names_it(capsys, claims, words, name):
    claims(GOOD, WITNESSED)
    Path("taken").write_text("a file where a folder should be")
    code, out, err = call(capsys, *words)
    assert code == 2
    assert out == ""
    assert err.startswith("pisa-lab: error: ")
    assert err.count("\n") == 1
    assert name in err
    assert [path.name for path in Path().iterdir()] == ["taken"]


def test_run_prints_a_table_and_writes_the_same_rows(capsys):
    code, out, _ = call(capsys, *QUICK_RUN, "--json", "rows.json", "--plot", "curves.svg")
    assert code == 0
    for heading in ("loss", "test accuracy", "‖∇F‖", "local", "consensus", "aggregate", "ζ² end", "label distance"):
        assert heading in out
    assert "2·Σαᵢ·Lᵢ" in out
    assert "± 95 %" in out
    rows = json.loads(Path("rows.json").read_text())
    assert [row["seed"] for row in rows] == [0, 1]
    assert {"loss", "test_accuracy", "gradient_norm", "zeta2_start", "status", *stamp()} <= set(rows[0])
    assert all(row["status"] == "FINISHED" and row["rounds"] == 12 for row in rows)
    assert Path("curves.svg").read_text().startswith("<?xml")


def test_real_data_report_validation_and_test(capsys):
    words = ["run", "least-squares", "--data", "diabetes", "--method", "pisa", "--steps", "60", "--json", "rows.json"]
    assert call(capsys, *words)[0] == 0
    row = json.loads(Path("rows.json").read_text())[0]
    # An ordinary least-squares fit of these data reaches .5 or so; without the intercept it would be far below 0.
    assert 0.3 < row["test_r2"] < 0.7
    assert row["test_rmse"] > 0
    assert row["gap"] >= 0
    assert "validation_r2" in row


def test_a_narrow_terminal_cuts_nothing(capsys, monkeypatch, claims):
    claims(WITNESSED, claim("V3-a-name-that-is-longer-than-half-of-a-terminal-of-eighty", supported, Verdict.SUPPORTED))
    monkeypatch.setenv("COLUMNS", "80")
    for words in (["problems"], ["preconditioners"], ["verify", "--jobs", "1"], QUICK_RUN):
        _, out, _ = call(capsys, *words)
        assert "…" not in out.replace("σ = ", "").split("schedule")[-1], words
        if words[0] != "run":
            assert max(map(len, out.splitlines())) <= 80, words
    assert "V3-a-name-that-is-longer-than-half-of-a-terminal-of-eighty" in call(capsys, "verify", "--jobs", "1")[1]


def test_a_run_draws_its_curves_unless_told_not_to(capsys):
    assert cli.main(["run", "quadratic", "--steps", "3"]) == 0
    assert "plot: .pisa_lab/quadratic-sisa.svg" in capsys.readouterr().out
    assert Path(".pisa_lab/quadratic-sisa.svg").is_file()
    assert call(capsys, "run", "quadratic", "--plot", "a.svg", "--no-plot")[0] == 2


@pytest.mark.parametrize("suffix", ["json", "toml"])
def test_a_saved_configuration_reruns_bit_for_bit(capsys, suffix):
    words = [*QUICK_RUN, "--schedule", "polynomial:0.6", "--ridge", "1e-3", "--warm"]
    call(capsys, *words, "--save-config", f"run.{suffix}", "--json", "first.json", "--save", "first.npz")
    call(capsys, "run", "--config", f"run.{suffix}", "--json", "second.json", "--save", "second.npz")
    assert Path("first.json").read_bytes() == Path("second.json").read_bytes()
    assert Path("first.npz").read_bytes() == Path("second.npz").read_bytes()
    call(capsys, "run", "--config", "first.config.json", "--json", "third.json")
    assert Path("third.json").read_bytes() == Path("first.json").read_bytes()
