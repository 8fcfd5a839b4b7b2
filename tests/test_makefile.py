"""The README's commands are the Makefile's."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def recipe(target: str) -> str:
    """Return what make would do, without doing it."""
    return subprocess.run(["make", "-n", "-B", target], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_targets_install_what_they_need_under_the_constraints():
    readme = (ROOT / "README.md").read_text()
    for target, extras in (("verify", "lab,certify"), ("test", "lab,certify,torch,fast,dask,notebooks,test")):
        text = recipe(target)
        assert f"[{extras}]" in text
        assert f"[{extras}]" in readme
        installs = [line for line in text.splitlines() if "pip install" in line]
        assert installs
        assert all("-c .ci/constraints.txt" in line for line in installs)


def test_tests_and_ci_use_one_thread_and_leave_slow_ones_out():
    assert 'pytest -n 2 --dist loadfile -m "not slow and not gpu"' in recipe("test")
    assert 'pytest -n 2 --dist loadfile -m "slow and not gpu"' in recipe("slow")
    assert "OMP_NUM_THREADS=1" in recipe("test")
    assert re.findall(r"^make \w+$", (ROOT / ".ci" / "run").read_text(), re.M) == ["make test", "make slow"]
