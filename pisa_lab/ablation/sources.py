"""What a result depends on beside its settings: the source of what ran, and the bytes of the files that were read."""

import ast
import functools
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from pisa_lab import specs

PACKAGES = ("pisa_lab", "problems")
_APART = {
    "pisa_lab": (
        "cli",
        "report",
        "plotting.py",
        "torch",
        "bench",
        "monitor",
        "inference",
        "stamp.py",
        "files.py",
        "progress.py",
    ),
    "problems": ("commands", "deep", "studies/__init__.py"),
}
"""What computes no trial: a change there leaves stored rows as they are. Deep models count where they are run."""
_COMPUTING = ("budgets.py", "execution.py")
"""Of the ablation itself."""


class Changed(ValueError):
    """What a trial depends on is no longer what it was when the study was read."""


@functools.cache
def code_sha256(*, deep: bool = False) -> str:
    """Return the hash of the source that computes a trial, with that of the deep models where ``deep``."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in _sources(package, deep):
            digest.update(path.name.encode() + b"\0" + path.read_text(encoding="utf-8").encode() + b"\0")
    return digest.hexdigest()


def _sources(package: str, deep: bool) -> Iterator[Path]:
    spec = importlib.util.find_spec(package)
    for folder in map(Path, (spec and spec.submodule_search_locations) or ()):
        for path in sorted(folder.rglob("*.py")):
            name = path.relative_to(folder).as_posix()
            apart = [entry for entry in _APART[package] if not (deep and entry == "deep")]
            is_apart = any(name == entry or name.startswith(f"{entry}/") for entry in apart)
            if not is_apart and (not name.startswith("ablation/") or path.name in _COMPUTING):
                yield path


def own_sha256(*words: Any) -> str:
    """Return the hash of the modules of the user's that ``words`` name, "" where none does.

    Modules that those import from the same folder count, too.

    Raises:
        ValueError: one cannot be imported.
    """
    found: dict[str, Path] = {}
    for text in words:
        if specs.is_own(text):
            specs.own("module", text)
            _gather(sys.modules[text.partition(":")[0]], found)
    if not found:
        return ""
    digest = hashlib.sha256()
    for name, path in sorted(found.items()):
        content = path.read_bytes()
        if _IMPORTED.setdefault(str(path), content) != content:
            raise Changed(f"{path.name} changed since it was imported; Python must be started anew")
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()


_IMPORTED: dict[str, bytes] = {}
"""The text of the user's modules when this process first saw them: what runs is that, whatever the file says now."""


def _gather(module: ModuleType, found: dict[str, Path]) -> None:
    """Add ``module`` and what it imports from the folder that it was imported from, and what that imports."""
    path = Path(getattr(module, "__file__", None) or "")
    if module.__name__ in found or path.suffix != ".py":
        return
    found[module.__name__] = path
    root = path.parents[module.__name__.count(".") + (path.name == "__init__.py")]
    for name in _imported(module, path):
        other = Path(getattr(sys.modules.get(name), "__file__", None) or "/")
        is_near = root in other.parents and not {"site-packages", "dist-packages"} & set(other.relative_to(root).parts)
        if is_near and name.partition(".")[0] not in PACKAGES:
            _gather(sys.modules[name], found)


def _imported(module: ModuleType, path: Path) -> Iterator[str]:
    """Yield the names of what may be modules among those that ``module`` imports anywhere."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(name, module.__package__) if node.level else name
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def file_sha256(text: Any) -> str:
    """Return the hash of the file that ``text`` names, "" where it names none."""
    try:
        if not isinstance(text, str) or not Path(text).is_file():
            return ""
        facts = Path(text).stat()
    except OSError:
        return ""
    return _file_sha256(str(Path(text).resolve()), facts.st_mtime_ns, facts.st_size)


@functools.lru_cache(maxsize=64)
def _file_sha256(path: str, changed: int, size: int) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
