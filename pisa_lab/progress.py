"""How far a long command is: a bar with the time left on a terminal, a line a minute on standard error elsewhere."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import Protocol

EVERY = 60.0
"""Seconds between two lines."""


class Tick(Protocol):
    """What to tell of how far the work is."""

    def __call__(self, done: int, *, total: int | None = None, what: str | None = None) -> object:
        """Show ``done`` of ``total``, with ``what`` is under way; what is left out stays as it was."""


@contextlib.contextmanager
def bar(what: str, total: int | None = None) -> Iterator[Tick]:
    """Yield what to call with how much is done.

    Raises:
        ValueError: standard error is a terminal and rich is not installed.
    """
    if not sys.stderr.isatty():
        yield _Lines(what, total)
        return
    try:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
    except ImportError as error:
        raise ValueError("progress: a bar needs rich; pip install -e '.[lab]'") from error

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)

        def tick(done: int, *, total: int | None = None, what: str | None = None) -> None:
            progress.update(task, completed=done, total=total, description=what)

        yield tick


class _Lines:
    """A line a minute, for logs."""

    def __init__(self, what: str, total: int | None) -> None:
        self._what, self._total = what, total
        self._begin = self._last = time.monotonic()

    def __call__(self, done: int, *, total: int | None = None, what: str | None = None) -> None:
        self._total, self._what = total or self._total, what or self._what
        now = time.monotonic()
        if now - self._last >= EVERY:
            self._last = now
            of = f" of {self._total}" if self._total else ""
            print(f"{self._what}: {done}{of}, {now - self._begin:.0f} s", file=sys.stderr, flush=True)
