"""Where a number comes from: version, commit, machine and library versions, carried by every row and report."""

import functools
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

_LIBRARIES = ("numpy", "array-api-compat", "scipy", "sympy", "scikit-learn", "torch", "cupy", "cvxpy", "clarabel")


@functools.cache
def stamp() -> dict[str, str]:
    """Return {version, commit, machine, python, libraries} of this process, all strings.

    The commit is that of the checkout this package lies in, with "+" when the tree has changes; "" outside a checkout.
    """
    return {
        "version": _version("pisa-lab") or "0+unknown",
        "commit": _commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES if _version(name)),
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _commit() -> str:
    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return ""
    git = ["git", "-C", str(root)]
    try:
        name = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, timeout=10)
        changed = subprocess.run([*git, "status", "--porcelain"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return name.stdout.strip() + ("+" if changed.stdout.strip() else "") if name.returncode == 0 else ""
