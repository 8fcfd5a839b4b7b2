"""What a store holds, through a connection that cannot write."""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

from pisa_lab.ablation.store import dicts


def query(path: str | Path, sql: str) -> list[dict[str, Any]]:
    """Return the rows that ``sql`` selects from the store at ``path``, through a connection that cannot write.

    Raises:
        ValueError: there is no such file, or SQLite refuses the statement.
    """
    file = Path(path)
    if not file.is_file():
        raise ValueError(f"store: there is no {str(path)!r}")
    try:
        with contextlib.closing(_reader(file)) as connection:
            connection.execute("PRAGMA query_only = ON")
            return dicts(connection.execute(sql))
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise ValueError(f"sql: {error}") from error


def _reader(file: Path) -> sqlite3.Connection:
    """Return a connection that reads ``file``.

    Beside a log SQLite wants to write even where it only reads. Where it cannot and the log is empty, the file is
    whole and does not change.
    """
    address = file.resolve().as_uri()
    connection = sqlite3.connect(f"{address}?mode=ro", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        log = file.with_name(f"{file.name}-wal")
        if os.access(file.parent, os.W_OK) or (log.exists() and log.stat().st_size):
            raise
        connection.close()
        return sqlite3.connect(f"{address}?mode=ro&immutable=1", uri=True)
    return connection


def frame(path: str | Path, sql: str = "SELECT * FROM trials") -> Any:
    """Return what ``sql`` selects from the store at ``path`` as a pandas DataFrame (needs pandas)."""
    import pandas

    return pandas.DataFrame(query(path, sql))
