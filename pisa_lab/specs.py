"""The words that name a run's parts: NAME, NAME:NUMBER or MODULE:OBJECT, read alike by every command, file and worker.

MODULE:OBJECT is an object of the user's own, imported with the current folder on the path as by ``python -m``. It is a
row of the table it stands for, what the row would build, or a function that builds it.
"""

import functools
import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pisa_lab import methods, metrics, preconditioners
from pisa_lab._checks import real, whole
from pisa_lab.methods import MethodRow, Settings
from pisa_lab.metrics import MetricRow, ServerStep
from pisa_lab.preconditioners import ClientOperator, Clipped, Preconditioner, PreconditionerRow
from pisa_lab.schedules import SCHEDULES, InverseCosine, Schedule


class Number(NamedTuple):
    """The number behind a colon: its domain, whether it is whole, whether it may be left out, and how it is shown."""

    domain: Mapping[str, float]
    is_whole: bool = False
    may_lack: bool = False
    form: str = "<number>"


Words = Mapping[str, Number | None]
"""Name → the number that follows it, None for a name that stands alone."""
SCHEDULE_WORDS: Words = {
    "constant": None,
    "geometric": Number({"above": 0.0, "at_most": 1.0}),
    "polynomial": Number({"at_least": 0.0}, may_lack=True),
    "inverse-cosine": Number({"at_least": 1.0}, is_whole=True, may_lack=True),
    "balancing": Number({"above": 1.0}, may_lack=True),
}


class Inapplicable(ValueError):
    """A method asks of a problem what it does not have."""


def word(name: str, text: Any, words: Words) -> tuple[str, float | None]:
    """Return the name in ``text`` and its number, None where it has none.

    Raises:
        ValueError: a name that is not among ``words``, a number that lacks, is too many or outside its domain.
    """
    kind, colon, argument = text.partition(":") if isinstance(text, str) else ("", "", "")
    if kind not in words:
        raise ValueError(f"{name}: {text!r} is not one of {', '.join(_form(*item) for item in words.items())}")
    number = words[kind]
    if number is None and colon:
        raise ValueError(f"{name}: {text!r}, but {kind!r} takes no argument")
    if number is None or (not colon and number.may_lack):
        return kind, None
    try:
        return kind, _number(kind, argument, number)
    except ValueError as error:
        raise ValueError(f"{name}: {text!r} must be {_form(kind, number)} ({error})") from error


def _number(kind: str, text: str, number: Number) -> float:
    if "_" in text or text != text.strip():
        raise ValueError(f"{kind}: {text!r} is not a number")
    if number.is_whole and not text.lstrip("+-").isdecimal():
        raise ValueError(f"{kind}: {text!r} is not a whole number")
    if number.is_whole:
        return whole(kind, int(text), at_least=int(number.domain["at_least"]))
    return real(kind, text, **number.domain)


def _form(kind: str, number: Number | None) -> str:
    if number is None:
        return kind
    return f"{kind}[:{number.form}]" if number.may_lack else f"{kind}:{number.form}"


def schedule(text: Any, *, rounds: int = 1) -> Schedule | None:
    """Return the schedule of σ that ``text`` names, None for "constant"; "inverse-cosine" alone is as long as the run.

    Raises:
        ValueError: no schedule, or a number outside its domain.
    """
    kind, number = word("schedule", text, SCHEDULE_WORDS)
    if kind == "constant":
        return None
    if kind == "inverse-cosine":
        return InverseCosine(max(rounds, 1) if number is None else int(number))
    built: Schedule = SCHEDULES[kind](*([] if number is None else [number]))
    return built


def is_own(text: Any) -> bool:
    """Return whether ``text`` reads MODULE:OBJECT, both dotted names."""
    module, colon, path = text.partition(":") if isinstance(text, str) else ("", "", "")
    return bool(colon) and all(part.isidentifier() for part in (*module.split("."), *path.split(".")))


def own(name: str, text: str) -> Any:
    """Return the object that ``text``, MODULE:OBJECT, means.

    Raises:
        ValueError: it cannot be imported; the message says why.
    """
    module, _, path = text.partition(":")
    look_in(str(Path.cwd()))
    importlib.invalidate_caches()
    try:
        return functools.reduce(getattr, path.split("."), importlib.import_module(module))
    except Exception as error:  # a module of the user's may raise anything
        raise ValueError(f"{name}: {text!r} cannot be imported ({type(error).__name__}: {error})") from error


def look_in(folder: str) -> None:
    """Let modules of the user's be imported from ``folder``."""
    if folder not in sys.path:
        sys.path.insert(0, folder)


def method_row(text: Any) -> MethodRow:
    """Return the row of METHODS called ``text``, or one for an object of the user's own.

    Its own object is a row, a method, or a function of (problem, `methods.Settings`) that returns one.

    Raises:
        ValueError: there is none.
    """
    if not is_own(text):
        return methods.by_name(text)
    found = own("method", text)
    if isinstance(found, MethodRow):
        return found
    if not isinstance(found, type) and hasattr(found, "step"):
        return MethodRow(text, lambda problem, settings: found, "own", takes=())
    if not callable(found):
        raise ValueError(f"method: {text!r} is neither a method nor a function that makes one")
    return MethodRow(text, found, "own", takes=methods.OPTIONS)


def method(text: Any, problem: Any, settings: Settings) -> Any:
    """Return the method called ``text`` for ``problem``.

    Raises:
        ValueError: there is none, or what was built is no method.
    """
    built = _built("method", text, lambda: method_row(text).build(problem, settings))
    if not (hasattr(built, "init") and hasattr(built, "step")):
        raise ValueError(f"method: {text!r} made a {type(built).__name__}, which has no init and step")
    return built


def preconditioner_row(text: Any) -> PreconditionerRow:
    """Return the row of PRECONDITIONERS called ``text``, or one for an object of the user's own.

    Its own object is a row, a preconditioner, a class of them that takes no arguments, or a function of the problem.

    Raises:
        ValueError: there is none.
    """
    if not is_own(text):
        return preconditioners.by_name(text)
    found = own("preconditioner", text)
    if isinstance(found, PreconditionerRow):
        return found
    if isinstance(found, type):
        return PreconditionerRow(text, lambda problem: found(), "own", "")
    if isinstance(found, ClientOperator):
        return PreconditionerRow(text, lambda problem: found, "own", "")
    if not callable(found):
        raise ValueError(f"preconditioner: {text!r} is neither a preconditioner nor a function that makes one")
    return PreconditionerRow(text, found, "own", "")


def preconditioner(text: Any, problem: Any, clip: float | None = None) -> ClientOperator[Any] | None:
    """Return Q of ``problem`` by the name ``text``, clipped to ``clip``; None for "" and None.

    Raises:
        Inapplicable: the problem lacks what it asks for.
        ValueError: there is none, or what was built is no preconditioner.
    """
    if not text:
        return None
    row = preconditioner_row(text)
    if row.needs and not hasattr(problem, row.needs):
        raise Inapplicable(f"{row.name} needs {row.needs}, which this problem lacks")
    built = _built("preconditioner", text, lambda: row.build(problem))
    if not isinstance(built, ClientOperator):
        raise ValueError(f"preconditioner: {text!r} made a {type(built).__name__}, which is no Preconditioner")
    if clip is not None and not isinstance(built, Preconditioner):
        raise ValueError(f"clip: {text!r} has no Q to clip")
    return built if clip is None else Clipped(built, clip)


def metric_row(text: Any) -> MetricRow:
    """Return the row of METRICS called ``text``, or one for an object of the user's own.

    Its own object is a row, a metric such as a `Metric`, or a function of the problem.

    Raises:
        ValueError: there is none.
    """
    if not is_own(text):
        return metrics.by_name(text)
    found = own("metric", text)
    if isinstance(found, MetricRow):
        return found
    if not isinstance(found, type) and hasattr(found, "step"):
        return MetricRow(text, lambda problem: found, "own")
    if not callable(found):
        raise ValueError(f"metric: {text!r} is neither a metric nor a function that makes one")
    return MetricRow(text, found, "own")


def metric(text: Any, problem: Any) -> ServerStep | None:
    """Return the server's metric for ``problem`` by the name ``text``; None for "" and None.

    Raises:
        ValueError: there is none, or what was built is no metric.
    """
    if not text:
        return None
    built: ServerStep = _built("metric", text, lambda: metric_row(text).build(problem))
    if not all(hasattr(built, part) for part in ("init", "update", "step")):
        raise ValueError(f"metric: {text!r} made a {type(built).__name__}, which has no init, update and step")
    return built


def _built(name: str, text: Any, build: Callable[[], Any]) -> Any:
    """Return what ``build`` makes; what an object of the user's own raises becomes one ValueError."""
    try:
        return build()
    except Exception as error:
        if not is_own(text):
            raise
        raise ValueError(f"{name}: {text!r} failed ({type(error).__name__}: {error})") from error


def check_options(name: Any, given: Mapping[str, bool]) -> None:
    """Refuse an option of `methods.OPTIONS` that is ``given`` and that the method called ``name`` leaves unread.

    Raises:
        ValueError: no such method, or there is such an option; the message names it.
    """
    takes = method_row(name).takes
    for option, is_given in given.items():
        if is_given and option not in takes:
            takers = ", ".join(row.name for row in methods.METHODS if option in row.takes)
            raise ValueError(f"{option}: {name!r} has none; what has one: {takers}")
    if given.get("clip") and "preconditioner" in takes and not is_own(name) and not given.get("preconditioner"):
        raise ValueError(f"clip: {name!r} has nothing to clip without a preconditioner")
