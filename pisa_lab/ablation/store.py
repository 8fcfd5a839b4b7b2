"""Finished trials in one SQLite file: one transaction each, none twice, readable while a study runs."""

import contextlib
import dataclasses
import json
import os
import platform
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pisa_lab.ablation.trials import Trial, settings_key
from pisa_lab.ledger import COSTS
from pisa_lab.stamp import stamp

FORMAT = 3
BUSY = 60_000
"""Milliseconds that a command waits for another that writes."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS trials (
    key TEXT PRIMARY KEY, study TEXT NOT NULL, variant TEXT NOT NULL DEFAULT '', phase TEXT NOT NULL,
    problem TEXT NOT NULL, method TEXT NOT NULL,
    penalty REAL NOT NULL, rho REAL, sigma REAL, seed INTEGER NOT NULL, instance INTEGER NOT NULL,
    status TEXT NOT NULL, reason TEXT NOT NULL, rounds INTEGER, gradients INTEGER, samples INTEGER, hvps INTEGER,
    bytes_up INTEGER, bytes_down INTEGER, queries INTEGER, restarts INTEGER,
    seconds REAL NOT NULL, finished TEXT NOT NULL, configuration TEXT NOT NULL,
    version TEXT NOT NULL, "commit" TEXT NOT NULL, machine TEXT NOT NULL, python TEXT NOT NULL, libraries TEXT NOT NULL,
    code_sha256 TEXT NOT NULL DEFAULT '', data_sha256 TEXT NOT NULL DEFAULT ''
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
CREATE TABLE IF NOT EXISTS claims (key TEXT PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL);
"""


_SINCE = {
    1: dict.fromkeys(("variant", "code_sha256", "data_sha256"), "TEXT NOT NULL DEFAULT ''"),
    2: dict.fromkeys(("queries", "restarts"), "INTEGER"),
}
"""The columns that a store of this format lacks: which variant its rows are of and by what code and data they were made
(1), values of F asked for and restarts (2)."""


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Older:
    """A stored row with the settings of ``trial`` that other code, data or version made."""

    key: str
    commit: str
    is_other_data: bool
    trial: Trial


class Store:
    """The trials of one or several studies in the file at ``path``; to be closed, or used in a ``with``.

    The journal is a write-ahead log with synchronous = NORMAL. A killed process loses no commit, since the operating
    system has it already; only a power cut can take the last ones, never half of one, and a lost trial is run again.
    `checkpoint` syncs what is there. FULL would add a disk sync to every trial, some 10 ms here.

    Raises:
        ValueError: the file cannot be opened or is none of ours.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._connection = sqlite3.connect(self.path, timeout=60.0, isolation_level=None)
            try:
                self._open()
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.Error as error:
            raise ValueError(f"store: {str(path)!r} cannot be opened ({error})") from error

    def _open(self) -> None:
        """Check what is there and make what lacks, in one transaction: two commands may begin at the same moment."""
        self._connection.execute(f"PRAGMA busy_timeout = {BUSY}")
        self._connection.execute("PRAGMA foreign_keys = ON")
        with self._transaction():
            found = self._check()
            for lacking in (columns for number, columns in _SINCE.items() if 0 < found <= number):
                for name, kind in lacking.items():
                    self._connection.execute(f"ALTER TABLE trials ADD COLUMN {name} {kind}")
            for statement in _SCHEMA.split(";"):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version = {FORMAT}")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        deadline = time.monotonic() + BUSY / 1000
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError:
                # For this change of mode SQLite does not wait by itself while another process reads.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the log is folded into it."""
        self._connection.close()

    def checkpoint(self) -> None:
        """Sync to the disk what has been committed."""
        self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def put(self, result: Result) -> bool:
        """Store ``result`` in one transaction and return whether it was new; a second one of a trial is dropped."""
        trial, machine = result.trial, stamp()
        row = {
            "key": trial.key, "study": trial.study, "variant": trial.variant, "phase": trial.phase,
            "problem": trial.problem.name, "code_sha256": trial.code_sha256, "data_sha256": trial.problem.data_sha256,
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
            self._connection.execute("DELETE FROM claims WHERE key = ?", (trial.key,))
            finals = [(trial.key, name, value) for name, value in result.measures.items()]
            self._connection.executemany("INSERT INTO measures VALUES (?, ?, ?)", finals)
            self._connection.executemany("INSERT INTO points VALUES (?, ?, ?, ?)", curve)
        return True

    def claim(self, trials: Sequence[Trial]) -> bool:
        """Return whether this process is to run ``trials``: none is stored, or claimed by another that lives.

        It may be called from any thread. A claim is a courtesy that saves work: whoever runs a trial all the same loses
        nothing but time, since it is stored once. So what SQLite refuses here is no reason to stop.
        """
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=60.0, isolation_level=None)) as connection:
                return _claim(connection, [trial.key for trial in trials])
        except sqlite3.Error:
            return True

    def statuses(self, study: str) -> dict[str, str]:
        """Return {key: status} of what is stored of ``study``, all variants."""
        query = "SELECT key, status FROM trials WHERE study = ?"
        return dict(self._connection.execute(query, (study,)).fetchall())

    def delete(self, study: str, variant: str, statuses: Sequence[str]) -> int:
        """Delete the trials of a study's variant that ended with one of ``statuses``; return how many they were."""
        marks = ", ".join("?" * len(statuses))
        with self._transaction():
            query = f"DELETE FROM trials WHERE study = ? AND variant IN (?, '') AND status IN ({marks})"
            return self._connection.execute(query, (study, variant, *statuses)).rowcount

    def older(self, trials: Sequence[Trial]) -> list[Older]:
        """Return the stored rows that are of ``trials``, by their settings, but of other code, data or version.

        A trial that is stored itself has none; of several rows the newest is returned.
        """
        if not trials:
            return []
        study, variant = trials[0].study, trials[0].variant
        query = """SELECT key, configuration, "commit", data_sha256 FROM trials WHERE study = ?
            AND variant IN (?, '') ORDER BY finished"""
        rows = self._connection.execute(query, (study, variant)).fetchall()
        known = {key for key, *_ in rows}
        keys = {trial.key for trial in trials}
        by_settings = {settings_key(row[1]): row for row in rows if row[0] not in keys}
        missing = [trial for trial in trials if trial.key not in known] if by_settings else []
        pairs = [(trial, by_settings.get(trial.settings_key)) for trial in missing]
        return [
            Older(key=row[0], commit=row[2], is_other_data=row[3] != trial.problem.data_sha256, trial=trial)
            for trial, row in pairs
            if row is not None
        ]

    def adopt(self, rows: Sequence[Older]) -> None:
        """Let each of ``rows`` stand for its trial; its commit and hashes stay those that made it."""
        with self._transaction():
            self._connection.execute("PRAGMA defer_foreign_keys = ON")
            for row in rows:
                for table in ("trials", "measures", "points"):
                    self._connection.execute(f"UPDATE {table} SET key = ? WHERE key = ?", (row.trial.key, row.key))
                self._connection.execute(
                    "UPDATE trials SET variant = ? WHERE key = ?", (row.trial.variant, row.trial.key)
                )

    def drop(self, rows: Sequence[Older]) -> None:
        """Delete ``rows``."""
        with self._transaction():
            self._connection.executemany("DELETE FROM trials WHERE key = ?", [(row.key,) for row in rows])

    def select(self, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows of ``query``, one dict each."""
        return dicts(self._connection.execute(query, tuple(values)))

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _check(self) -> int:
        """Return the format of the store, 0 for a new one; refuse what is not ours before anything is written."""
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if found not in range(FORMAT + 1) or (found == 0 and tables):
            raise ValueError(f"store: {str(self.path)!r} is a database, but no store of trials of format {FORMAT}")
        return int(found)


def _claim(connection: sqlite3.Connection, keys: Sequence[str]) -> bool:
    me, marks = (platform.node(), os.getpid()), ", ".join("?" * len(keys))
    connection.execute("BEGIN IMMEDIATE")
    stored = connection.execute(f"SELECT 1 FROM trials WHERE key IN ({marks})", keys).fetchone()
    others = connection.execute(f"SELECT DISTINCT host, pid FROM claims WHERE key IN ({marks})", keys).fetchall()
    is_free = stored is None and not any(other != me and _lives(*other) for other in others)
    if is_free:
        connection.executemany("INSERT OR REPLACE INTO claims VALUES (?, ?, ?)", [(key, *me) for key in keys])
    connection.execute("COMMIT")
    return is_free


def _lives(host: str, pid: int) -> bool:
    """Return whether a process of this machine runs; those of others are taken for dead."""
    # Where there is no POSIX, signal 0 would end the process that it asks after.
    if host != platform.node() or os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def dicts(cursor: sqlite3.Cursor) -> list[dict[str, Any]]:
    """Return the rows of ``cursor``, one dict each."""
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]
