"""The kept witnesses of refuted claims: what the solver found once, written as JSON and replayed without it."""

import functools
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from proofs_check.certified.engine import solve
from proofs_check.certified.one_step import round_of
from proofs_check.certified.refute import worst_function
from proofs_check.certified.rising import rising_round
from proofs_check.certified.setting import Setting, pisa_setting

WITNESS_FOLDER = Path(__file__).parent / "witnesses"


ATTAINED: dict[str, Setting] = {
    "attained-kappa-2": pisa_setting("nonconvex", 5),
    "attained-huber": pisa_setting("convex", 5),
    "attained-geometric": pisa_setting("nonconvex", 5, gamma="3/4"),
    "attained-mixed-order": pisa_setting("nonconvex", 5, gamma="3/4", order="after_solve"),
    "attained-ridge-warm": pisa_setting("nonconvex", 4, warm=True, ridge="1/10"),
    "attained-equal-rho": pisa_setting("nonconvex", 5, rho=1),
}
"""Questions whose worst function is kept."""


def _attained(setting: Setting) -> Callable[[], dict[str, Any]]:
    return lambda: worst_function(solve(setting))


def _rising(function_class: str, **fields: Any) -> Callable[[], dict[str, Any]]:
    return lambda: rising_round(round_of("lagrangian", function_class, **fields))


WITNESSES: dict[str, Callable[[], dict[str, Any]]] = {
    "rise-nonconvex": _rising("nonconvex", sigma="8/5"),
    "rise-convex": _rising("convex", sigma="29/20"),
    "rise-mixed-order": _rising("nonconvex", sigma="17/10", gamma=Fraction(3, 4), order="after_solve"),
    "rise-any-q": _rising("nonconvex", sigma=2, q_bound="1/2"),
    "rise-any-q-convex": _rising("convex", sigma=2, q_bound=1),
    **{name: _attained(setting) for name, setting in ATTAINED.items()},
}
"""What each witness is made by; `python -m proofs_check.certified` writes them."""


@functools.cache
def _text(name: str) -> str:
    return (WITNESS_FOLDER / f"{name}.json").read_text(encoding="utf-8")


def witness(name: str) -> dict[str, Any]:
    """Return the kept witness called ``name``.

    Raises:
        ValueError: no such witness is kept.
    """
    if name not in WITNESSES:
        raise ValueError(f"name: {name!r} is not one of {', '.join(WITNESSES)}")
    return dict(json.loads(_text(name)))


def rewrite_witnesses(folder: Path = WITNESS_FOLDER) -> list[Path]:
    """Write every witness of `WITNESSES` into ``folder`` and return the paths.

    Raises:
        ModuleNotFoundError: Clarabel or SciPy is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, make in WITNESSES.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(make(), indent=1) + "\n", encoding="utf-8")
        paths.append(path)
    return paths
