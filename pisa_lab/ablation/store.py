"""Finished trials in one SQLite file: one transaction each, none twice, readable while a study runs."""

import contextlib
import dataclasses
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pisa_lab.ablation.trials import Trial
from pisa_lab.ledger import COSTS
from pisa_lab.stamp import stamp

FORMAT = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    key TEXT PRIMARY KEY, study TEXT NOT NULL, phase TEXT NOT NULL, problem TEXT NOT NULL, method TEXT NOT NULL,
    penalty REAL NOT NULL, rho REAL, sigma REAL, seed INTEGER NOT NULL, instance INTEGER NOT NULL,
    status TEXT NOT NULL, reason TEXT NOT NULL, rounds INTEGER, gradients INTEGER, samples INTEGER, hvps INTEGER,
    bytes_up INTEGER, bytes_down INTEGER, seconds REAL NOT NULL, finished TEXT NOT NULL, configuration TEXT NOT NULL,
    version TEXT NOT NULL, "commit" TEXT NOT NULL, machine TEXT NOT NULL, python TEXT NOT NULL, libraries TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS trials_by_name ON trials (study, phase, problem, method);
CREATE TABLE IF NOT EXISTS measures (
    key TEXT NOT NULL REFERENCES trials (key) ON DELETE CASCADE, measure TEXT NOT NULL, value REAL,
    PRIMARY KEY (key, measure)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS points (
    key TEXT NOT NULL REFERENCES trials (key) ON DELETE CASCADE, round INTEGER NOT NULL, measure TEXT NOT NULL,
    value REAL, PRIMARY KEY (key, measure, round)
) WITHOUT ROWID;
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """What a trial came to.

    ``counts`` are those of `ledger.COSTS`, ``curve`` maps a measure to its values at ``rounds``, and ``seconds`` is
    processor time, shared evenly among the trials of a vectorised run. NaN is stored as NULL.
    """

    trial: Trial
    status: str
    reason: str = ""
    sigma: float | None = None
    measures: Mapping[str, float] = dataclasses.field(default_factory=dict)
    rounds: tuple[int, ...] = ()
    curve: Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0


class Store:
    """The trials of one or several studies in the file at ``path``; to be closed, or used in a ``with``.

    The journal is a write-ahead log with synchronous = NORMAL. A killed process loses no commit, since the operating
    system has it already; only a power cut can take the last ones, never half of one, and a lost trial is run again.
    `settle` syncs what is there. FULL would add a disk sync to every trial, some 10 ms here.

    Raises:
        ValueError: the file cannot be opened or is none of ours.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._connection = sqlite3.connect(self.path, timeout=60.0, isolation_level=None)
            self._connection.execute("PRAGMA busy_timeout = 60000")
            self._check()
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        except sqlite3.Error as error:
            raise ValueError(f"store: {str(path)!r} cannot be opened ({error})") from error

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the log is folded into it."""
        self._connection.close()

    def settle(self) -> None:
        """Sync to the disk what has been committed."""
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def put(self, result: Result) -> bool:
        """Store ``result`` in one transaction and return whether it was new; a second one of a trial is dropped."""
        trial, machine = result.trial, stamp()
        row = {
            "key": trial.key, "study": trial.study, "phase": trial.phase, "problem": trial.problem.name,
            "method": trial.method.name, "penalty": trial.penalty, "rho": trial.rho, "sigma": result.sigma,
            "seed": trial.seed, "instance": trial.instance, "status": result.status, "reason": result.reason,
            **{name: result.counts.get(name) for name in COSTS},
            "seconds": result.seconds, "configuration": json.dumps(trial.configuration, sort_keys=True), **machine,
        }  # fmt: skip
        columns = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join(f":{name}" for name in row)
        curve = [
            (trial.key, step, measure, value)
            for measure, values in result.curve.items()
            for step, value in zip(result.rounds, values, strict=True)
        ]
        with self._transaction():
            written = self._connection.execute(
                f"INSERT INTO trials ({columns}, finished) VALUES ({marks}, strftime('%Y-%m-%dT%H:%M:%fZ'))"
                " ON CONFLICT DO NOTHING",
                row,
            ).rowcount
            if not written:
                return False
            finals = [(trial.key, name, value) for name, value in result.measures.items()]
            self._connection.executemany("INSERT INTO measures VALUES (?, ?, ?)", finals)
            self._connection.executemany("INSERT INTO points VALUES (?, ?, ?, ?)", curve)
        return True

    def statuses(self, study: str) -> dict[str, str]:
        """Return {key: status} of what is stored of ``study``."""
        query = "SELECT key, status FROM trials WHERE study = ?"
        return dict(self._connection.execute(query, (study,)).fetchall())

    def forget(self, study: str, statuses: Sequence[str]) -> int:
        """Delete the trials of ``study`` that ended with one of ``statuses``, and return how many they were."""
        marks = ", ".join("?" * len(statuses))
        with self._transaction():
            query = f"DELETE FROM trials WHERE study = ? AND status IN ({marks})"
            return self._connection.execute(query, (study, *statuses)).rowcount

    def select(self, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of ``query``, one dict each."""
        return _dicts(self._connection.execute(query, tuple(values)))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _check(self) -> None:
        """Refuse a database that is not ours, before anything is written to it."""
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if found not in (0, FORMAT) or (found == 0 and tables):
            self._connection.close()
            raise ValueError(f"store: {str(self.path)!r} is a database, but no store of trials of format {FORMAT}")


def query(path: str | Path, sql: str) -> list[dict[str, Any]]:
    """Return the rows that ``sql`` selects from the store at ``path``, through a connection that cannot write.

    Raises:
        ValueError: there is no such file, or SQLite refuses the statement.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"store: there is no {str(path)!r}")
    try:
        with contextlib.closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("PRAGMA query_only = ON")
            return _dicts(connection.execute(sql))
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise ValueError(f"sql: {error}") from error


def frame(path: str | Path, sql: str = "SELECT * FROM trials") -> Any:
    """Return what ``sql`` selects from the store at ``path`` as a pandas DataFrame (needs pandas)."""
    import pandas

    return pandas.DataFrame(query(path, sql))


def _dicts(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]
