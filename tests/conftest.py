"""What every test may ask for: an array library, one thread, and a figure backend without a display."""

import importlib.util
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ["MPLBACKEND"] = "Agg"

import pytest  # noqa: E402 - NumPy reads the thread counts when it is loaded

from pisa_lab._array import backend  # noqa: E402
from problems.table import PROBLEMS  # noqa: E402


def _cuda() -> bool:
    # CuPy imports silently without a GPU and then fails at the first allocation.
    return importlib.util.find_spec("cupy") is not None and importlib.import_module("cupy").is_available()


@pytest.fixture(params=["numpy", "strict", "torch", pytest.param("cupy", marks=pytest.mark.gpu)])
def library(request: pytest.FixtureRequest) -> str:
    """The name of an array library; torch missing is a failure, not a skip."""
    if request.param == "cupy" and not _cuda():
        pytest.skip("no CUDA device")
    return request.param


@pytest.fixture
def xp(library: str):
    """The namespace of that library."""
    return backend(library)


@pytest.fixture(params=PROBLEMS, ids=lambda row: row.name)
def family(request: pytest.FixtureRequest):
    """Every row of PROBLEMS in turn."""
    return request.param


@pytest.fixture
def problem(family):
    """A small instance of that family with three clients."""
    return family.build(0, 3)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """Keep the user's cache of data out of a test."""
    from problems import adult

    monkeypatch.setattr(adult, "cache_folder", lambda: tmp_path / "cache")


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """Let a test of the command line write into a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture
def claims(monkeypatch):
    """Put a table of given claims in the place of the real one."""
    from proofs_check import table

    return lambda *rows: monkeypatch.setattr(table, "CLAIMS", rows)


@pytest.fixture
def study():
    """The small study of the ablation's tests."""
    from small_study import document

    from pisa_lab.ablation import study_from

    return study_from(document())


@pytest.fixture
def store(tmp_path):
    """An empty store of trials."""
    from pisa_lab.ablation import Store

    with Store(tmp_path / "small.sqlite") as opened:
        yield opened


@pytest.fixture
def done(study, store):
    """A store that holds the small study, whole."""
    from pisa_lab.ablation import run_study
    from problems.studies import resolve

    run_study(study, resolve=resolve, store=store)
    return store
