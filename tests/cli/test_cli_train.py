"""``pisa-lab train``: what it prints, writes, resumes and refuses."""

import json
import subprocess
import sys

import pytest
from cli_cases import call
from deep_cases import write_cifar, write_mnist

from problems.deep import families, optimizers

pytestmark = pytest.mark.usefixtures("own_folder")

QUICK = ("--size", "tiny", "--rounds", "4", "--evaluations", "2", "--batch", "8")


@pytest.mark.parametrize(("family", "optimizer"), [("vision", "sisa"), ("language", "nsisa"), ("vision", "adamw")])
def test_a_plain_run_prints_its_table_and_where_its_files_are(capsys, tmp_path, family, optimizer):
    code, out, err = call(capsys, "train", family, "--optimizer", optimizer, *QUICK)
    assert (code, err) == (0, "")
    assert out.startswith(f"{family}: ")
    assert optimizer in out
    assert f"plot: .pisa_lab/train-{family}-{optimizer}.svg" in out
    assert "checkpoints: .pisa_lab/checkpoints" in out
    assert (tmp_path / f".pisa_lab/train-{family}-{optimizer}.svg").read_text().startswith("<?xml")
    assert len(list((tmp_path / ".pisa_lab/checkpoints").glob("*.pt"))) == 1


def test_a_comparison_writes_rows_plot_and_table_and_shows_them_again(capsys, tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- deep-vision:begin -->\nold\n<!-- deep-vision:end -->\nafter\n", encoding="utf-8")
    files = ("--json", "rows.json", "--plot", "curves.png", "--markdown", readme)
    asked = ("--optimizer", "adamw,sgd", "--tune", "2", "--seeds", "3", "--clients", "2", "--partition", "label:6")
    code, out, _ = call(capsys, "train", "vision", *QUICK, *asked, *files)
    assert code == 0
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert len(rows) == 2 * (2 + 3) * 3
    assert {row["clients"] for row in rows} == {2}
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- deep-vision:begin -->\n| optimizer |")
    assert text.endswith("<!-- deep-vision:end -->\nafter\n")
    assert "old" not in text
    assert text.count("\n| ") == 3
    assert " ± " in text
    assert rows[0]["data_sha256"][:12] in text
    stored = text.split("<sub>")[0]
    code, again, _ = call(capsys, "train", "--from", "rows.json", "--markdown", readme, "--plot", "again.svg")
    assert code == 0
    assert again.split("plot:")[0] == out.split("plot:")[0]
    assert "checkpoints" not in again
    assert (tmp_path / "again.svg").is_file()
    assert readme.read_text(encoding="utf-8").split("<sub>")[0] == stored


def test_a_finished_call_is_resumed_without_training(capsys, monkeypatch):
    words = ("train", "vision", "--optimizer", "sgd", "--no-plot", *QUICK, "--json", "rows.json")
    assert call(capsys, *words)[0] == 0
    with open("rows.json", encoding="utf-8") as stream:
        first = json.load(stream)
    monkeypatch.setattr("problems.deep.trainer._Session.advance", lambda *given: pytest.fail("trained again"))
    assert call(capsys, *words, "--resume")[0] == 0
    with open("rows.json", encoding="utf-8") as stream:
        assert json.load(stream) == first


def test_settings_reach_the_optimizer(capsys):
    words = ("train", "vision", "--no-plot", *QUICK, "--json", "rows.json")
    assert call(capsys, *words, "--optimizer", "sgd", "--lr", "0.25", "--set", "momentum=0.5")[0] == 0
    with open("rows.json", encoding="utf-8") as stream:
        assert json.load(stream)[0]["settings"] == {"lr": 0.25, "momentum": 0.5}


@pytest.mark.parametrize(("write", "name"), [(write_cifar, "cifar-10"), (write_mnist, "mnist")])
def test_images_in_a_folder_are_trained_on(capsys, tmp_path, write, name):
    write(tmp_path / "images")
    code, out, _ = call(capsys, "train", "vision", "--optimizer", "adam", "--data", "images", "--no-plot", *QUICK)
    assert code == 0
    assert name in out


@pytest.mark.parametrize("tokens", ["characters", "bytes"])
def test_a_text_of_ones_own_is_trained_on(capsys, tmp_path, tokens):
    (tmp_path / "own.txt").write_text("Viele Wörter, äußerst kurz. " * 200, encoding="utf-8")
    words = ("--optimizer", "adam", "--data", "own.txt", "--tokens", tokens, "--no-plot", *QUICK)
    code, out, _ = call(capsys, "train", "language", *words)
    assert code == 0
    assert "own.txt" in out


def test_a_run_that_breaks_down_is_exit_1(capsys):
    words = ("train", "vision", "--optimizer", "sgd", "--lr", "1e30", "--no-plot", *QUICK)
    code, out, _ = call(capsys, *words)
    assert code == 1
    assert "not finite" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("vision", "--seed", str(2**70)), "--seed: "),
        (("vision", "--optimizer", "sgd", "--lr", "1e300"), "--lr: "),
        ((), "FAMILY: None is not one of vision, language"),
        (("sound",), "FAMILY: 'sound' is not one of vision, language"),
        (("vision", "--optimizer", "lion"), "--optimizer: 'lion' is not one of sisa, "),
        (("vision", "--model", "gpt"), "--model: 'gpt' is not one of cnn, resnet"),
        (("vision", "--size", "nano"), "--size: 'nano' is not one of small, tiny, base"),
        (("vision", "--rounds", "0"), "--rounds: 0 must be a whole number >= 1"),
        (("vision", "--seeds", "0"), "--seeds: 0 must be a whole number >= 1"),
        (("vision", "--tune", "-1"), "--tune: -1 must be a whole number >= 0"),
        (("vision", "--tune", "2", "--seed", "0"), "--seed: 0 is the one of tuning"),
        (("vision", "--clients", "4", "--partition", "label"), "--partition: 'label' must be label:<whole>"),
        (("vision", "--clients", "2000"), "--clients: 2000 for 1078 rows"),
        (("vision", "--schedule", "linear"), "--schedule: 'linear' is not one of cosine, constant"),
        (("vision", "--device", "abacus"), "--device: 'abacus' is not one of cpu, cuda, mps, xpu"),
        (("vision", "--device", "xpu"), "--device: 'xpu' is not there"),
        (("vision", "--threads", "0"), "--threads: 0 must be"),
        (("vision", "--lr", "nan"), "--lr: nan is not a finite number"),
        (
            ("vision", "--optimizer", "adamw,sgd", "--set", "momentum=0.5"),
            "--set: 'momentum' is none of adamw's, lr, weight_decay",
        ),
        (("vision", "--set", "rho"), "--set: 'rho' must be NAME=VALUE"),
        (("vision", "--set", "rho=x"), "--set: 'rho=x' must be NAME=VALUE"),
        (("vision", "--lr", "1", "--set", "lr=2"), "--set: 'lr' is given twice"),
        (("vision", "--tokens", "bytes"), "--tokens: images have none"),
        (("vision", "--data", "nowhere"), "--data: 'nowhere' is no folder"),
        (("language", "--data", "nowhere"), "--data: 'nowhere' is no file"),
        (("vision", "--plot", "curves.gif"), "--plot: 'curves.gif' must end in"),
        (("vision", "--plot", "curves.svg", "--no-plot"), "--no-plot: excludes --plot"),
        (("vision", "--json", "no/where.json"), "--json: 'no/where.json' cannot be written"),
        (("--from", "nowhere.json"), "--from: 'nowhere.json' cannot be read"),
    ],
)
def test_bad_requests_are_one_line_and_exit_2(capsys, words, message):
    code, out, err = call(capsys, "train", *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"pisa-lab: error: {message}")
    assert err.count("\n") == 1


def test_stored_rows_of_something_else_are_refused(capsys, tmp_path):
    (tmp_path / "other.json").write_text('[{"seed": 1}]')
    assert call(capsys, "train", "--from", "other.json")[2].startswith(
        "pisa-lab: error: --from: 'other.json' holds rows without 'family'"
    )
    (tmp_path / "other.json").write_text('{"rows": 1}')
    assert "holds no rows" in call(capsys, "train", "--from", "other.json")[2]


def test_the_help_names_what_there_is(capsys):
    code, out, _ = call(capsys, "train", "--help")
    assert code == 0
    # Lines may break at the hyphen of a name.
    text = " ".join(out.split()).replace("- ", "-")
    for row in optimizers.OPTIMIZERS:
        assert row.name in text
    for family in families.FAMILIES:
        assert family.name in text
        assert all(model.name in text and model.size in text for model in family.models)


def test_without_torch_the_command_says_what_to_install():
    script = """
import importlib.abc, sys
class Hide(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hide())
from pisa_lab.cli import main
sys.exit(main(["train", "vision"]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2, "pisa-lab: error: train needs torch: pip install -e '.[lab,torch]'\n",
    )  # fmt: skip
