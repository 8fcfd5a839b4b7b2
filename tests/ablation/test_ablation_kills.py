"""kill −9 at random moments: no finished trial is lost, none is run again, and the rows end up the same."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pisa_lab.ablation import Store, read_study, run_study
from problems.studies import resolve

KILLS = 50
STUDY = """
name = "killed"
budget = { unit = "gradients", amount = 150, records = 8 }
tuning = { seeds = 2, first_seed = 100 }
evaluation = { seeds = 40, instances = 20, replicates = 3, reference = "fedsgd" }

[grids.damped]
penalties = { from = 0.5, to = 20, count = 6 }
rhos = [0.1, 1]
[grids.plain]
penalties = { from = 0.3, to = 20, count = 12 }

[[problems]]
name = "quadratic"
family = "quadratic"
noise = 0.3
batch = 4
outcome = "gap"
make = { dimension = 8, condition = 50 }
[[problems]]
name = "factorisation"
family = "factorisation"
noise = 0.3
batch = 4
outcome = "gap"

[[methods]]
name = "second-moment-3"
preconditioner = "second-moment-3"
grid = "damped"
[[methods]]
name = "hessian"
preconditioner = "hessian"
grid = "damped"
[[methods]]
name = "fedsgd"
method = "fedsgd"
grid = "plain"
"""
CHILD = """
import sys
from pisa_lab.ablation import Store, run_study, engine, read_study
from problems.studies import resolve

path, file, log, jobs = sys.argv[1:]
plain = engine.execute

def logged(part, resolver):
    with open(log, "a") as stream:
        stream.write("".join(f"{trial.key}\\n" for trial in part))
    return plain(part, resolver)

engine.execute = logged
study = read_study(path)
print("ready", flush=True)
with Store(file) as store:
    end = run_study(study, resolve=resolve, store=store, jobs=int(jobs))
print("end", end.total, end.repeated, flush=True)
"""
WATCH = """
CREATE TABLE IF NOT EXISTS deleted (key TEXT);
CREATE TRIGGER IF NOT EXISTS gone AFTER DELETE ON trials BEGIN INSERT INTO deleted VALUES (OLD.key); END;
CREATE TRIGGER IF NOT EXISTS changed AFTER UPDATE ON trials BEGIN INSERT INTO deleted VALUES (OLD.key); END;
"""


def rows(path: Path) -> dict[str, tuple]:
    """Return every stored trial with its place in the file, its time and all its numbers."""
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    trials = raw.execute("SELECT key, rowid, finished, status, sigma, gradients, samples FROM trials").fetchall()
    numbers: dict[str, list] = {}
    for table in ("measures", "points"):
        for key, *values in raw.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3"):
            numbers.setdefault(key, []).append(tuple(values))
    raw.close()
    return {key: (*rest, tuple(numbers.pop(key, ()))) for key, *rest in trials} | {"orphans": tuple(numbers)}


def reproducible(found: dict[str, tuple]) -> dict[str, tuple]:
    """Return what does not depend on when a trial was run."""
    return {key: row[2:] for key, row in found.items() if key != "orphans"}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    (folder / "killed.toml").write_text(STUDY)
    with Store(folder / "reference.sqlite") as store:
        run_study(read_study(folder / "killed.toml"), resolve=resolve, store=store)
    return folder


def begun(folder: Path, file: Path, log: Path, jobs: int) -> subprocess.Popen:
    """Return the command started in a session of its own, once it is about to work."""
    # A resource tracker warns of what a killed parent left to it to clean up.
    words = [sys.executable, "-W", "ignore", "-c", CHILD, *map(str, (folder / "killed.toml", file, log, jobs))]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout.readline() == "ready\n"
    return child


def gone(child: subprocess.Popen) -> bool:
    """Return whether every process of the session has ended, its workers within seconds of their parent."""
    for _ in range(100):
        try:
            os.killpg(child.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
def test_fifty_kills_lose_no_finished_trial_and_repeat_none(places):
    expected = reproducible(rows(places / "reference.sqlite"))
    chance, kills, cycle, mid_work = random.Random(0), 0, 0, 0
    while kills < KILLS:
        cycle += 1
        file = places / f"cycle-{cycle}.sqlite"
        Store(file).close()
        with sqlite3.connect(file) as raw:
            raw.executescript(WATCH)
        raw.close()
        while True:
            log, before = places / f"log-{cycle}-{kills}.txt", rows(file)
            jobs = 2 if kills % 5 == 4 else 1
            child = begun(places, file, log, jobs)
            try:
                out, _ = child.communicate(timeout=chance.uniform(0.0, 0.6 * jobs) if kills < KILLS else 300)
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
                out, _ = child.communicate()
                kills += 1
            assert gone(child)
            after = rows(file)
            assert after["orphans"] == ()
            assert {key: after[key] for key in before if key != "orphans"} == {
                key: row for key, row in before.items() if key != "orphans"
            }
            run_now = set(log.read_text().split()) if log.exists() else set()
            assert not run_now & set(before)
            # A worker that starts as its parent goes prints a traceback, with any word in it, to the same stream.
            ended = [line for line in out.splitlines() if line.startswith("end ")]
            mid_work += not ended and len(after) > len(before)
            if ended:
                assert ended == [f"end {len(expected)} 0"]
                break
        assert reproducible(after) == expected
        raw = sqlite3.connect(file)
        assert raw.execute("SELECT count(*) FROM deleted").fetchone() == (0,)
        raw.close()
    # Kills that hit between two commits are what the test is about; a third of them is a safe lower bound.
    assert mid_work >= KILLS // 3


@pytest.mark.slow
def test_ctrl_c_ends_the_command_and_leaves_a_store_that_goes_on(places):
    # On a busy machine the study may be over before the signal comes: then once more, in another store.
    for attempt in range(10):
        file, log = places / f"interrupted-{attempt}.sqlite", places / f"interrupted-{attempt}.txt"
        child = begun(places, file, log, 1)
        while child.poll() is None and (not log.exists() or len(log.read_text().split()) < 30):
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=60)
        if child.returncode != 0:
            break
    assert child.returncode != 0
    before = rows(file)
    assert len(before) > 20
    child = begun(places, file, places / "second.txt", 1)
    out, _ = child.communicate(timeout=300)
    after = rows(file)
    assert out.split()[0] == "end"
    assert all(after[key] == row for key, row in before.items())
    assert reproducible(after) == reproducible(rows(places / "reference.sqlite"))
