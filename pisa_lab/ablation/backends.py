"""Where trials run beside this process: joblib's own processes, a Dask cluster, or Ray."""

import contextlib
import importlib.util
import os
import threading
import time
import warnings
from collections.abc import Iterator

from pisa_lab._checks import choice

ENGINES = ("loky", "dask", "ray")
"""joblib's backends: its own processes, a Dask cluster, a Ray cluster; the last two are extras of that name."""


def require(engine: str) -> None:
    """Check that ``engine`` is known and installed.

    Raises:
        ValueError: it is not; the message names the extra that brings it.
    """
    choice("engine", engine, ENGINES)
    wanted = {"dask": "distributed", "ray": "ray"}.get(engine)
    if wanted and importlib.util.find_spec(wanted) is None:
        raise ValueError(f"engine: {engine!r} needs {wanted}: pip install -e '.[{engine}]'")


@contextlib.contextmanager
def backend(engine: str, jobs: int) -> Iterator[None]:
    """Make ``engine`` joblib's backend: a Dask cluster of this machine unless one is configured, or Ray."""
    import joblib

    with contextlib.ExitStack() as stack:
        if engine == "dask":
            distributed = importlib.import_module("distributed")
            address = os.environ.get("DASK_SCHEDULER_ADDRESS")
            local = {"n_workers": jobs, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
            stack.enter_context(distributed.Client(address) if address else distributed.Client(**local))
        if engine == "ray":
            importlib.import_module("ray.util.joblib").register_ray()
        # Loky replaces a worker that has grown by 300 MB, as one that holds a large data set has.
        stack.enter_context(warnings.catch_warnings())
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        watch = {"initializer": _end_with, "initargs": (os.getpid(),)} if engine == "loky" else {}
        stack.enter_context(joblib.parallel_config(backend=engine, **watch))
        yield


def _end_with(parent: int) -> None:
    """End this process within a second of its parent: loky's workers would wait minutes for one that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
