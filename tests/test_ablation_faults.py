"""What is wrong with a study is said before its first trial; what stops it half-way is one line, and it goes on."""

import datetime
import os
import platform
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_cases import call
from small_study import STUDY, document, numbers

from pisa_lab.ablation import Store, engine, read_study, run_study, study_from
from pisa_lab.ablation.queries import query
from pisa_lab.cli.progress import bar
from problems import studies
from problems.studies import resolve

PROBLEM, METHOD = document()["problems"][0], document()["methods"][0]


def with_problem(**changes):
    return {"problems": [{**PROBLEM, **changes}]}


def with_method(**changes):
    return {"methods": [{**METHOD, **changes}], "evaluation": {}}


def with_grid(**grid):
    return {"grids": {**document()["grids"], "damped": grid}}


READ = [
    ({"problems": {"name": "well"}}, "problems: must be tables, each under"),
    ({"problems": ["well"]}, "problems: must be tables"),
    ({"methods": "pisa"}, "methods: must be tables"),
    ({"budget": 12}, "budget: 12 must be a table"),
    ({"variants": {"quick": 3}}, "quick: 3 must be a table"),
    ({"only": "well"}, "only: 'well' must be a list"),
    ({"only": ["wel"]}, "only: 'wel' is not one of well"),
    (with_problem(vary={"noise": 3}), r"vary\.noise: 3 must be a list"),
    (with_problem(vary={"noise": []}), r"vary\.noise: \[\] must be a list"),
    (with_problem(vary=3), "vary: 3 must be a table"),
    (with_problem(noise=float("nan")), r"problems\.noise: nan is not a finite number"),
    (with_problem(noise=datetime.date(2020, 1, 1)), r"problems\.noise: '2020-01-01' must be a number"),
    (with_problem(make={"condition": float("inf")}), r"problems\.make\.condition: inf"),
    (with_problem(name=3), "name: 3 must be a word"),
    (with_problem(outcome=3), "outcome: 3 must be a word"),
    (with_problem(batch=0), r"problems\.batch: 0"),
    (with_method(method="pizza"), "methods: 'identity': method: 'pizza' is not one of pisa, "),
    (with_method(preconditioner="magic"), "methods: 'identity': preconditioner: 'magic' is not one of none, "),
    (with_method(schedule="geometric"), "methods: 'identity': schedule: 'geometric' must be"),
    (with_method(warm="yes"), "methods: 'identity': warm: 'yes' must be true or false"),
    (with_method(clip=-1), "methods: 'identity': clip: -1"),
    (with_method(grid="none"), "methods: 'identity': grid: 'none' is not one of damped, plain"),
    (with_grid(penalties={"from": 1, "to": 2, "count": 10**8}), r"study: [\d,]+ trials, at most 1,000,000"),
    (with_problem(vary={"a": list(range(3000)), "b": list(range(3000))}), r"study: [\d,]+ trials, at most"),
    ({"evaluation": {"seeds": 10**15}}, r"study: [\d,]+ trials, at most"),
    ({"evaluation": {"first_seed": 18446744073709551616}}, r"evaluation\.first_seed: 18446744073709551616 must be at"),
    ({"tuning": {"first_seed": 2**63}}, r"tuning\.first_seed: "),
    ({"budget": {"amount": 10**12}}, r"budget\.amount: 1000000000000 must be at most 10000000"),
    ({"budget": {"amount": 12, "records": 10**9}}, r"budget\.records: "),
    ({"tuning": {"measure": 3}}, "measure: 3 must be a word"),
]


@pytest.mark.parametrize(("changes", "message"), READ, ids=[message[:40] for _, message in READ])
def test_a_study_is_refused_when_it_is_read(changes, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        study_from(document(**changes))


BEFORE = [
    ({"tuning": {"measure": "valdiation", "first_seed": 100}}, r"tuning\.measure: 'valdiation' is not one of gap, "),
    (with_problem(outcome="gaap"), "outcome: 'gaap' is not one of gap, objective, optimum, stationarity, validation"),
    (with_problem(score="acuracy"), "score: 'acuracy' is not one of"),
    (with_problem(family="quadratics"), "family: 'quadratics' is not one of quadratic, "),
    (with_problem(noize=0.1), "noize: not a setting of this problem, which has family, "),
    (with_problem(make={"dimensoin": 3}), "make: 'dimensoin' is not one of dimension, condition, rotation"),
    (with_problem(noise="loud"), "noise: 'loud'"),
    (with_problem(clients=0), "clients: 0"),
    (with_problem(make=3), "make: 3 must be a table"),
]
ODD = [None, True, 0, -1, 3, 10**30, 1e300, float("nan"), float("-inf"), "", "x", "a:b", "\0", "x" * 5000]
ODD += [datetime.time(3), [], [[]], ["x"], [3], [None], {}, {"x": 3}]
ODD += [{"from": 1, "to": 0, "count": 3}, {"from": 1, "to": 2, "count": "2"}]


def leaves(value, path=()):
    """Yield the places of all entries, tables among them."""
    yield path
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ()):
        yield from leaves(entry, (*path, key))


def changed(value, path, new):
    """Return ``value`` with ``new`` at ``path``."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def test_an_odd_value_at_any_place_is_refused_by_a_message_or_makes_a_study():
    whole = document()
    whole["problems"] = [{**PROBLEM, "vary": {"noise": [0.5]}}]
    refused = 0
    for place in list(leaves(whole))[1:]:
        for value in ODD:
            try:
                study = study_from(changed(whole, place, value))
                engine.check_measures(study, engine.tuning_trials(study)[:1], resolve)
            except ValueError:
                refused += 1
    # A title may be any word, a number is often as good as another.
    assert refused > 800


@pytest.mark.parametrize("name", ["data", "partition", "positive", "classes", "pool", "most_rows", "make", "ridge"])
def test_an_odd_setting_of_a_problem_on_data_is_a_valueerror_or_makes_one(name):
    settings = {key: DATA[key] for key in ("family", "data", "clients")} | {"ridge": 0.1}
    refused = 0
    for value in ODD:
        try:
            resolve({**settings, name: value}, 0)
        except ValueError:
            refused += 1
    assert refused >= len(ODD) - 8


DATA = {"name": "well", "family": "logistic", "data": "breast-cancer", "clients": 2, "batch": 4, "outcome": "test_loss"}
ON_DATA = [
    ({"data": "breast-cancre"}, "data: 'breast-cancre' is no file and not one of digits, breast-cancer, "),
    ({"partition": "labels:1"}, "spec: 'labels:1' is not one of iid, "),
    ({"partition": "label:1.5"}, "spec: 'label:1.5' must be label:<whole>"),
    ({"make": {"bump": 1.0}}, "make: 'bump' is not one of"),
    ({"pool": 0}, "pool: 0"),
    ({"positive": [7]}, "positive: 7 is not among the labels, -1, 1"),
    ({"classes": 1}, "classes: 1 must be a list of labels"),
    ({"outcome": "test_los"}, "outcome: 'test_los' is not one of "),
]


@pytest.mark.parametrize(
    ("changes", "message"),
    [*BEFORE, *(({"problems": [{**DATA, **change}]}, message) for change, message in ON_DATA)],
    ids=[message[:40] for _, message in (*BEFORE, *ON_DATA)],
)
def test_a_study_is_refused_before_its_first_trial(changes, message, store):
    study = study_from(document(**changes))
    with pytest.raises(ValueError, match=f"^problems: 'well': {message}"):
        run_study(study, resolve=resolve, store=store)
    assert store.select("SELECT * FROM trials") == []


def test_separable_rows_without_a_ridge_are_run_and_have_no_gap(tmp_path):
    study = study_from(document(problems=[DATA]))
    with Store(tmp_path / "separable.sqlite") as store:
        end = run_study(study, resolve=resolve, store=store)
        assert end.done == end.total == 24 + 2 * 4 + 4
        assert {row["status"] for row in store.select("SELECT status FROM trials")} <= {"FINISHED", "NON_FINITE"}
        measured = {row["measure"] for row in store.select("SELECT DISTINCT measure FROM measures")}
    assert "test_loss" in measured
    assert not {"gap", "optimum"} & measured


def test_an_outcome_that_needs_the_optimum_is_refused_where_there_is_none(store):
    with pytest.raises(ValueError, match=r"^problems: 'well': outcome: 'gap' is not one of "):
        run_study(study_from(document(problems=[{**DATA, "outcome": "gap"}])), resolve=resolve, store=store)


# Half-way


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
    return str(Path(__file__).parents[1])


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


def test_the_page_about_studies_shows_one_that_runs(tmp_path):
    text = (Path(studies.__file__).parent / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    (sql,) = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    (tmp_path / "mine.toml").write_text(example, encoding="utf-8")
    study = read_study(tmp_path / "mine.toml", "quick")
    assert [problem.name for problem in study.problems] == ["digits, clients 2", "digits, clients 4"]
    with Store(tmp_path / "mine.sqlite") as store:
        end = run_study(study, resolve=resolve, store=store)
        assert end.done == end.total
        columns = {row["name"] for row in store.select("SELECT name FROM pragma_table_info('trials')")}
    rows = query(tmp_path / "mine.sqlite", sql)
    assert rows == [{"variant": "quick", "method": name, "n": 10} for name in ("fedsgd", "identity")]
    (named,) = re.findall(r"\| `trials` \| (.*) \|", text)
    assert set(re.findall(r"`(\w+)`", named)) <= columns
    assert columns - set(re.findall(r"`(\w+)`", named)) == {"gradients", "samples", "hvps", "bytes_up", "bytes_down"}
