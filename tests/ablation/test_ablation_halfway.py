"""What stops a study half-way is said in one line; what is stored stays, and the same command goes on."""

import multiprocessing
import os
import platform
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_cases import call
from small_study import STUDY, numbers

from pisa_lab.ablation import Store, engine, run_study
from pisa_lab.ablation.queries import query
from pisa_lab.progress import bar
from problems.studies import resolve


def python(*words, **settings):
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, **settings)


def test_a_full_disk_stops_a_study_in_one_line_and_the_same_command_goes_on(capsys, own_folder, tmp_path):
    (tmp_path / "small.toml").write_text(STUDY)
    words = ["ablate", "small.toml", "--jobs", "1"]
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); import signal;"
    ignore = "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); import sys; from pisa_lab.cli import main;"
    full = python(
        "-c", f"{limit}{ignore} sys.exit(main({words!r}))", cwd=tmp_path, env=os.environ | {"PYTHONPATH": here()}
    )
    assert (full.returncode, full.stdout) == (3, "")
    (line,) = full.stderr.splitlines()
    assert line.startswith("pisa-lab: stopped: the store cannot be written (")
    stored = query(tmp_path / "small.sqlite", "SELECT count(*) AS n FROM trials")[0]["n"]
    assert 0 < stored < 32
    assert f"; {stored} of " in line
    assert line.endswith(" trials are stored; the same command goes on")
    code, out, _ = call(capsys, *words)
    assert code == 0
    assert f"{stored} of 32 trials were stored, {32 - stored} are new" in out


def here():
    return str(Path(__file__).parents[2])


def test_a_killed_worker_stops_a_study_in_one_line(capsys, own_folder, tmp_path, monkeypatch):
    (tmp_path / "small.toml").write_text(STUDY)
    (tmp_path / "deadly.py").write_text(
        "import os, signal\nfrom problems.studies import resolve as plain\n\n\n"
        "def resolve(settings, instance):\n"
        "    if instance == 101 and os.environ.get('PARENT') != str(os.getpid()):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return plain(settings, instance)\n"
    )
    script = (
        "import os, sys; os.environ['PARENT'] = str(os.getpid()); import deadly, problems.studies as studies;"
        "studies.resolve = deadly.resolve; from pisa_lab.cli import main;"
        "sys.exit(main(['ablate', 'small.toml', '--jobs', '2']))"
    )
    found = python("-c", script, cwd=tmp_path, env=os.environ | {"PYTHONPATH": f"{here()}:{tmp_path}"})
    assert (found.returncode, found.stdout) == (3, "")
    line = found.stderr.splitlines()[-1]
    assert line.startswith("pisa-lab: stopped: a worker was killed, perhaps for want of memory; ")
    assert line.endswith("trials are stored; the same command goes on")
    assert "Traceback" not in found.stderr
    code, out, _ = call(capsys, "ablate", "small.toml", "--jobs", "1")
    assert code == 0
    assert "32 trials were stored" in out


def test_a_damaged_store_stops_a_study_in_one_line(capsys, own_folder, tmp_path):
    (tmp_path / "small.toml").write_text(STUDY)
    call(capsys, "ablate", "small.toml", "--jobs", "1")
    size = (tmp_path / "small.sqlite").stat().st_size
    with (tmp_path / "small.sqlite").open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (size - 4096))
    code, out, err = call(capsys, "ablate", "small.toml", "--jobs", "1", "--again")
    assert (code, out) == (3, "")
    assert err.startswith("pisa-lab: stopped: the store ")
    assert err.count("\n") == 1


def test_a_store_that_another_process_holds_is_one_line(capsys, own_folder, tmp_path, monkeypatch):
    (tmp_path / "small.toml").write_text(STUDY)
    Store(tmp_path / "small.sqlite").close()
    plain = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **settings: plain(*given, **{**settings, "timeout": 0.1}))
    monkeypatch.setattr("pisa_lab.ablation.store.BUSY", 100)
    holder = plain(tmp_path / "small.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    code, _, err = call(capsys, "ablate", "small.toml", "--jobs", "1")
    assert code in (2, 3)
    assert "database is locked" in err
    assert err.count("\n") == 1
    holder.close()


def test_an_exception_in_a_worker_keeps_what_is_stored(study, store, monkeypatch):
    plain, calls = engine._alone, []

    def failing(part, *rest):
        calls.append(part)
        if len(calls) == 3:
            raise RuntimeError("no such luck")
        return plain(part, *rest)

    monkeypatch.setattr(engine, "_alone", failing)
    with pytest.raises(engine.Stopped, match=r"^RuntimeError: no such luck; 8 of 36 trials are stored; the same"):
        run_study(study, resolve=resolve, store=store)
    monkeypatch.undo()
    assert run_study(study, resolve=resolve, store=store).before == 8


def test_what_another_process_runs_is_left_to_it(study, store, done):
    """A claim of a living process is respected until nothing else is left; one of a dead process is not."""
    with Store(done.path.with_name("other.sqlite")) as other:
        trials = engine.tuning_trials(study)
        mine = trials[:8]
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        raw = sqlite3.connect(other.path, isolation_level=None)
        rows = [(trial.key, platform.node(), os.getppid()) for trial in mine[:4]]
        raw.executemany("INSERT INTO claims VALUES (?, ?, ?)", rows)
        raw.executemany(
            "INSERT INTO claims VALUES (?, ?, ?)", [(trial.key, platform.node(), dead.pid) for trial in mine[4:]]
        )
        raw.close()
        assert not other.claim(mine[:4])
        assert other.claim(mine[4:])
        assert not other.claim(mine[3:5])
        end = run_study(study, resolve=resolve, store=other)
        assert (end.done, end.repeated) == (end.total, 0)
        assert numbers(other) == numbers(done)
        assert other.select("SELECT * FROM claims") == []


def opened(path, barrier, said):
    barrier.wait()
    try:
        Store(path).close()
        said.put("")
    except Exception as error:
        said.put(str(error))


def test_commands_that_begin_at_one_moment_make_one_store(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, said = context.Barrier(3), context.Queue()
    for attempt in range(5):
        children = [
            context.Process(target=opened, args=(tmp_path / f"{attempt}.sqlite", barrier, said)) for _ in range(3)
        ]
        for child in children:
            child.start()
        assert [said.get(timeout=60) for _ in children] == [""] * 3
        for child in children:
            child.join()


def test_two_commands_on_one_store_share_the_work(tmp_path):
    (tmp_path / "small.toml").write_text(STUDY.replace("amount = 12", "amount = 2000"))
    words = [sys.executable, "-m", "pisa_lab.cli", "ablate", "small.toml", "--jobs", "1"]
    environment = os.environ | {"PYTHONPATH": here()}
    both = [subprocess.Popen(words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = [child.communicate(timeout=300)[0].splitlines()[0] for child in both]
    assert [child.returncode for child in both] == [0, 0]
    new = [int(line.partition(" trials were stored, ")[2].split()[0]) for line in said]
    assert sum(new) == 32


def test_rows_are_shown_from_a_place_where_nothing_can_be_written(done, monkeypatch):
    done.close()
    plain, asked = sqlite3.connect, []

    class ReadOnly(sqlite3.Connection):
        """On a read-only file system SQLite cannot make the file that readers of a log share."""

        def execute(self, *given):
            if "immutable" not in asked[-1]:
                raise sqlite3.OperationalError("unable to open database file")
            return super().execute(*given)

    def connect(address, **settings):
        asked.append(address)
        return plain(address, factory=ReadOnly, **settings)

    monkeypatch.setattr(sqlite3, "connect", connect)
    with pytest.raises(ValueError, match=r"^sql: unable to open database file"):
        query(done.path, "SELECT count(*) AS n FROM trials")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert query(done.path, "SELECT count(*) AS n FROM trials") == [{"n": 32}]
    # A log that holds something is no part of the file yet, so that the file alone would not be the truth.
    done.path.with_name("small.sqlite-wal").write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match=r"^sql: unable to open database file"):
        query(done.path, "SELECT count(*) AS n FROM trials")


def test_off_a_terminal_progress_is_a_line_a_minute(capsys, monkeypatch):
    clock = iter([0.0, 10.0, 61.0, 62.0, 121.5])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with bar("small (full)") as tick:
        for done in (1, 2, 3, 4):
            tick(done, total=32)
    assert capsys.readouterr().err.splitlines() == ["small (full): 2 of 32, 61 s", "small (full): 4 of 32, 122 s"]


def test_a_claim_that_cannot_be_made_stops_nothing(study, store, monkeypatch):
    """joblib asks for the next group in a thread of its own, where an exception would be waited for in vain."""
    plain = sqlite3.connect

    def refuse(*given, **settings):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    assert store.claim(engine.tuning_trials(study)[:3])
    assert run_study(study, resolve=resolve, store=store, jobs=2).done == 32
    monkeypatch.setattr(sqlite3, "connect", plain)
    assert not store.claim(engine.tuning_trials(study)[:3])
