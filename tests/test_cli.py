"""The command line, mostly in process: what each command prints, writes and refuses."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pisa_lab import cli
from pisa_lab.cli.output import plain, replaced
from pisa_lab.cli.selection import chosen
from pisa_lab.stamp import stamp
from proofs_check import table
from proofs_check.claim import Claim, Evidence, Verdict

VERIFY_KEYS = {
    "name", "kind", "provenance", "expected", "verdict", "margin", "seconds", "witness", "detail", "seed", "effort",
    "version", "commit", "machine", "python", "libraries",
}  # fmt: skip
QUICK_RUN = ["run", "logistic", "--clients", "3", "--steps", "12", "--batch", "4", "--seeds", "2"]


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


def call(capsys, *words):
    quiet = ["--no-plot"] if words[:1] == ("run",) and not {"--plot", "--help"} & set(words) else []
    code = cli.main([str(word) for word in words] + quiet)
    out, err = capsys.readouterr()
    return code, out, err


def half(instance):
    return {"margin": 0.5 - instance["x"]}


def supported(seed, effort):
    return Evidence(Verdict.SUPPORTED, 0.5, "found at .5", {"seed": seed, "bad": float("nan"), "values": [1.0, 2.0]})


def refuted(seed, effort):
    return Evidence(Verdict.REFUTED, -0.25, "at x = .75", {"margin": -0.25}, {"x": 0.75})


def raising(seed, effort):
    raise RuntimeError("no such luck")


def claim(name, check, expected, **fields):
    return Claim(
        name=name, statement=f"What {name} states.", hypotheses=("none",), check=check, expected=expected, **fields
    )


GOOD = claim("V1-good", supported, Verdict.SUPPORTED, provenance="reconstructed")
WITNESSED = claim("V2-refuted", refuted, Verdict.REFUTED, trial=half)
WRONG = claim("V20-unexpected", refuted, Verdict.SUPPORTED)
BROKEN = claim("X-raises", raising, Verdict.SUPPORTED, kind="symbolic")
BARE = claim("X-needs-more", supported, Verdict.SUPPORTED, requires=("no_such_module",), provenance="quoted")


@pytest.fixture
def claims(monkeypatch):
    """Put a table of given claims in the place of the real one."""

    def put(*rows):
        monkeypatch.setattr(table, "CLAIMS", rows)

    return put


# --- the program itself


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
        ("typer", ["problems"], "pip install 'pisa-lab[lab]'"),
        ("rich", ["preconditioners"], "pip install 'pisa-lab[lab]'"),
        ("problems", ["run", "logistic"], "needs the checkout"),
        ("proofs_check", ["verify"], "needs the checkout"),
    ],
)
def test_what_is_not_installed_is_said_in_one_line(hidden, words, hint):
    done = call_without([hidden], words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"pisa-lab: error: {words[0]} needs ")
    assert hint in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_wheel_alone_lists_the_preconditioners():
    done = call_without(["problems", "proofs_check"], ["preconditioners"])
    assert (done.returncode, done.stderr) == (0, "")


ABSURD = [
    (["run"], "PROBLEM"),
    (["run", "nothing"], "PROBLEM"),
    (["run", "logistic", "logistic"], "argument"),
    (["run", "logistic", "--no-such-option"], "--no-such-option"),
    (["run", "logistic", "--steps", "many"], "--steps"),
    (["run", "logistic", "--steps", "-1"], "--steps"),
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


# --- run


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


# --- the lists


@pytest.mark.parametrize("command", ["problems", "preconditioners"])
def test_the_lists_write_the_rows_that_they_print(capsys, command):
    code, out, _ = call(capsys, command, "--json", "rows.json")
    rows = json.loads(Path("rows.json").read_text())
    assert code == 0
    assert len(rows) >= 12
    assert all(row["name"] in out and row["summary"] for row in rows)


# --- verify and replay


def test_verify_exits_0_when_every_verdict_is_the_expected_one(capsys, claims):
    claims(GOOD, WITNESSED)
    code, out, _ = call(capsys, "verify", "--jobs", "1", "--seed", "7", "--json", "rows.json")
    rows = json.loads(Path("rows.json").read_text(), parse_constant=pytest.fail)
    assert code == 0
    assert "2 claims: 1 supported, 1 refuted; all as expected" in out
    assert [set(row) for row in rows] == [VERIFY_KEYS] * 2
    assert [row["witness"] for row in rows] == [None, ".pisa_lab/witnesses/V2-refuted.json"]
    assert Path(rows[1]["witness"]).is_file()
    assert (rows[0]["seed"], rows[0]["effort"], rows[0]["margin"]) == (7, "quick", 0.5)


@pytest.mark.parametrize(
    ("row", "reason"), [(WRONG, "expected SUPPORTED"), (BROKEN, "no such luck"), (BARE, "no_such_module")]
)
def test_verify_exits_1_and_says_why_when_a_verdict_is_another(capsys, claims, row, reason):
    claims(GOOD, row)
    code, out, _ = call(capsys, "verify", "--jobs", "1")
    assert code == 1
    assert "1 not as expected" in out
    assert reason in out


def test_verify_chooses_by_name_prefix_glob_kind_and_provenance(capsys, claims):
    claims(GOOD, WITNESSED, WRONG, BROKEN)
    for words, names in (
        (["V1-good"], ["V1-good"]),
        (["v2"], ["V2-refuted"]),
        (["V2*"], ["V2-refuted", "V20-unexpected"]),
        (["X", "V1"], ["V1-good", "X-raises"]),
        (["--kind", "symbolic"], ["X-raises"]),
        (["--provenance", "reconstructed"], ["V1-good"]),
    ):
        call(capsys, "verify", *words, "--jobs", "1", "--json", "rows.json")
        assert [row["name"] for row in json.loads(Path("rows.json").read_text())] == names


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(ValueError, match=r"^NAME: 'V1-goof' names no claim; close: V1-good$"):
        chosen(["V1-goof"], [GOOD, WITNESSED])


def test_interrupting_exits_130_with_one_line(capsys, claims):
    def interrupt(seed, effort):
        raise KeyboardInterrupt

    claims(claim("V1-slow", interrupt, Verdict.SUPPORTED))
    code, _, err = call(capsys, "verify", "--jobs", "1")
    assert (code, err) == (130, "pisa-lab: interrupted\n")


def test_replay_shows_stored_against_recomputed_numbers(capsys, claims):
    claims(WITNESSED)
    call(capsys, "verify", "--jobs", "1")
    path = Path(".pisa_lab/witnesses/V2-refuted.json")
    code, out, _ = call(capsys, "replay", path, "--json", "rows.json")
    assert code == 0
    for text in ("What V2-refuted states.", '"x": 0.75', "-0.25", "stored by", "\nreproduces"):
        assert text in out
    row = json.loads(Path("rows.json").read_text())[0]
    assert (row["claim"], row["number"], row["stored"], row["recomputed"]) == ("V2-refuted", "margin", -0.25, -0.25)
    path.write_text(path.read_text().replace("-0.25", "-0.26"))
    code, out, _ = call(capsys, "replay", path)
    assert code == 1
    assert "does not reproduce" in out


def test_replay_knows_the_shipped_witnesses_by_name(capsys):
    code, out, _ = call(capsys, "replay", "V2-limit-not-stationary")
    assert code == 0
    assert "reproduces" in out


def test_a_witness_that_is_damaged_is_refused_in_one_line(capsys, claims):
    claims(WITNESSED)
    for text in ("{", "[]", '{"claim": "V2-refuted"}'):
        Path("broken.json").write_text(text)
        code, _, err = call(capsys, "replay", "broken.json")
        assert (code, err.count("\n")) == (2, 1)
        assert "WITNESS" in err


def test_workers_find_the_claims_by_name_and_keep_their_order(capsys):
    names = ["I2-server-increment", "I1-multiplier-is-minus-gradient"]
    code, _, _ = call(capsys, "verify", *names, "--jobs", "2", "--json", "rows.json")
    rows = json.loads(Path("rows.json").read_text())
    ordered = [claim.name for claim in table.CLAIMS if claim.name in names]
    assert code == 0
    assert [row["name"] for row in rows] == ordered


def test_the_report_stands_beside_its_witnesses(capsys, claims):
    claims(GOOD, WITNESSED)
    code, out, _ = call(capsys, "verify", "--jobs", "1", "--report", "site")
    assert code == 0
    assert "site/index.html" in out
    page = Path("site/index.html").read_text()
    assert "pisa-lab replay site/witnesses/V2-refuted.json" in page
    assert Path("site/witnesses/V2-refuted.json").is_file()
    assert not Path(".pisa_lab").exists()


# --- files


def test_json_says_nothing_that_is_not_json():
    value = {"a": np.float64("nan"), "b": [float("inf"), 1], "c": np.arange(2), "d": Verdict.PROVED, 3: Path("x")}
    assert plain(value) == {"a": None, "b": [None, 1], "c": [0, 1], "d": "PROVED", "3": "x"}


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "rows.json"
    target.write_text("old")

    def fail(partial):
        partial.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replaced(target, fail)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["rows.json"]
