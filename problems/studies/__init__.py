"""Built-in ablations as data: one TOML file each, the arenas that their problems name, and the results kept."""

from pathlib import Path

from pisa_lab.ablation import Study, read_study
from problems.studies.arenas import resolve

__all__ = ["BUILTIN", "builtin", "kept_results", "resolve"]

_FOLDER = Path(__file__).parent
BUILTIN = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
"""The names of the built-in studies."""


def builtin(name: str, variant: str = "full") -> Study:
    """Return the built-in study called ``name``.

    Raises:
        ValueError: there is none, or it has no such variant.
    """
    if name not in BUILTIN:
        raise ValueError(f"builtin: {name!r} is not one of {', '.join(BUILTIN)}")
    return read_study(_FOLDER / f"{name}.toml", variant)


def kept_results(name: str) -> Path:
    """Return where the summary of the full run of the built-in study ``name`` is kept in the checkout."""
    return _FOLDER / "results" / f"{name}.json"
