"""Files first, printing last: what cannot be printed loses nothing, and a file that is written loses nothing else."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pisa_lab import cli
from pisa_lab.cli.markdown import write_marked
from pisa_lab.files import write_whole

RUN = ["run", "quadratic", "--steps", "3", "--no-plot"]


def lab(*words, shell="", **environment):
    """Return the finished process of `pisa-lab`, in a shell where ``shell`` says what its output goes to."""
    command = [sys.executable, "-m", "pisa_lab.cli", *words]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    if shell:
        command = ["bash", "-c", f'"$@" {shell}', "lab", *command]
    return subprocess.run(command, capture_output=True, env=env, timeout=120, check=False)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437"])
def test_a_stream_without_unicode_loses_neither_the_file_nor_the_table(own_folder, encoding):
    done = lab(*RUN, "--json", "rows.json", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert len(json.loads(Path("rows.json").read_text(encoding="utf-8"))) == 1
    assert b"FINISHED" in done.stdout
    assert lab("--help", PYTHONIOENCODING=encoding).returncode == 0


@pytest.mark.parametrize(("shell", "codes"), [("| head -1", (0,)), (">/dev/full", (2,)), (">&-", (0,))])
def test_a_stream_that_takes_nothing_loses_no_file(own_folder, shell, codes):
    done = lab(*RUN, "--json", "rows.json", "--save", "states.npz", shell=shell)
    assert done.returncode in codes
    assert b"Traceback" not in done.stderr
    assert sorted(os.listdir()) == ["rows.json", "states.config.json", "states.npz"]


@pytest.mark.parametrize("words", [["explain", "T1-threshold-sharp"], ["claims"], ["run", "quadratic", "--no-plot"]])
def test_a_closed_pipe_is_no_bad_result(own_folder, words):
    done = lab(*words, shell="| true; exit ${PIPESTATUS[0]}")
    assert done.returncode in (0, 141)
    assert done.stderr == b""


def test_a_closed_pipe_ends_the_help_quietly():
    done = lab("--help", shell="| true")
    assert done.stderr == b""


def test_a_pipe_gets_every_number_however_many_seeds(own_folder):
    lines = lab(*RUN, "--seeds", "60").stdout.decode().splitlines()
    rows = [line.split() for line in lines if line.strip() and line.split()[0].isdecimal()]
    assert [row[0] for row in rows] == [str(seed) for seed in range(60)]
    assert all(len(row) == 12 for row in rows)


@pytest.mark.parametrize("width", [20, 30, 80])
def test_a_narrow_terminal_gets_every_number(own_folder, width):
    text = " ".join(lab(*RUN, "--seeds", "3", COLUMNS=str(width)).stdout.decode().split())
    whole = json.loads(lab(*RUN, "--seeds", "3", "--json", "-").stdout.decode().partition("\n]")[0] + "]")
    for row in whole:
        assert f"{row['loss']:.4g}" in text
        assert f"{row['consensus']:.4g}" in text


def test_a_device_a_pipe_and_a_link_stay_what_they_are(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "target").write_text("old")
    (tmp_path / "target").chmod(0o600)
    (tmp_path / "link").symlink_to("target")
    heard = []
    reader = threading.Thread(target=lambda: heard.append((tmp_path / "pipe").read_text()))
    reader.start()
    for name in ("pipe", "link"):
        write_whole(tmp_path / name, lambda partial: partial.write_text("new"))
    reader.join(10)
    assert heard == ["new"]
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == 0o600
    write_whole("/dev/null", lambda partial: partial.write_text("gone"))
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe", "target"]


def test_a_disk_that_is_full_leaves_the_old_file_and_no_part(own_folder, tmp_path):
    (tmp_path / "states.npz").write_bytes(b"old")
    done = lab(*RUN, "--save", "states.npz", shell="", COLUMNS="")
    assert done.returncode == 0
    kept = (tmp_path / "states.npz").read_bytes()
    command = ["bash", "-c", 'ulimit -f 1; trap "" XFSZ; "$@"', "lab", sys.executable, "-m", "pisa_lab.cli", *RUN]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    full = subprocess.run([*command, "--save", "states.npz"], capture_output=True, env=env, timeout=120, check=False)
    assert full.returncode == 2
    assert full.stderr.startswith(b"pisa-lab: error: ")
    assert full.stderr.count(b"\n") == 1
    assert (tmp_path / "states.npz").read_bytes() == kept
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("text", ["my precious notes\n", "<!-- claims:begin -->\nhalf a table\n"])
def test_markdown_never_erases_what_it_has_no_place_in(own_folder, tmp_path, text, capsys):
    (tmp_path / "notes.md").write_text(text)
    assert cli.main(["verify", "I1-multiplier-in-runs", "--markdown", "notes.md"]) == 2
    assert "--markdown: 'notes.md' holds text and not the lines" in capsys.readouterr().err
    with pytest.raises(ValueError, match="holds text"):
        write_marked(tmp_path / "notes.md", "| table |", mark="claims")
    assert (tmp_path / "notes.md").read_text() == text


@pytest.mark.parametrize(("head", "tail"), [("", ""), ("before\n", ""), ("", "after\n"), ("before\n", "after\n")])
def test_a_table_goes_between_its_lines_again_and_again(tmp_path, head, tail):
    path = tmp_path / "page.md"
    path.write_text(f"{head}<!-- t:begin -->\nold\n<!-- t:end -->\n{tail}")
    for text in ("first", "second"):
        write_marked(path, text, mark="t")
    assert path.read_text() == f"{head}<!-- t:begin -->\nsecond\n<!-- t:end -->\n{tail}"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["worst-case", "--sigma", "1e400"], "--sigma: '1e400' is beyond"),
        (["worst-case", "--sigma", "1e-400"], "--sigma: '1e-400' is beyond"),
        (["run", "logistic", "--data", "breast-cancer", "--batch", "1000000000000"], "MemoryError"),
    ],
)
def test_absurd_numbers_get_one_line_and_exit_2(own_folder, words, reason, capsys):
    assert cli.main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("pisa-lab: error: ")
    assert reason in error
    assert error.count("\n") == 1


def test_a_mistake_of_ours_is_one_line_unless_asked_for_more(monkeypatch, capsys):
    monkeypatch.setattr(cli, "_call", lambda row, words: {}["missing"])
    monkeypatch.delenv("PISA_LAB_DEBUG", raising=False)
    assert cli.main(["problems"]) == 70
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(KeyError):
        cli.main(["problems", "--debug"])
