"""The command line: one file a command, imported only when it is called; at start NumPy alone is needed."""

import dataclasses
import difflib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from pisa_lab.stamp import stamp

LAB = ("jinja2", "joblib", "matplotlib", "pandas", "pooch", "rich", "scipy", "sklearn", "sympy", "typer")
CHECKOUT = ("problems", "proofs_check")
_INTERRUPTED = 130
_CUT = 141
"""As of a program that a closed pipe ends: what it was asked to write to files is written, the rest was not read."""
_BROKEN = 70
"""A mistake of ours; --debug or PISA_LAB_DEBUG=1 shows where."""
_BAD = (ValueError, OSError, OverflowError, MemoryError, RecursionError)
"""What a bad request raises, absurd numbers included."""


@dataclasses.dataclass(frozen=True)
class Command:
    """One row of the table: `<package>.<name>` with a function ``command`` that typer reads, and what it does."""

    name: str
    summary: str
    package: str = "pisa_lab.cli"

    @property
    def module(self) -> str:
        """The module that holds the command: its name with underscores."""
        return f"{self.package}.{self.name.replace('-', '_')}"


_PROBLEMS = "problems.commands"
_CLAIMS = "proofs_check.commands"

COMMANDS = (
    Command("verify", "check the claims: verdict, margin and witness of each; exit 1 on an unexpected one", _CLAIMS),
    Command(
        "explain", "show all of a claim: hypotheses, strength, mathematics, Coq's statement, how to rerun it", _CLAIMS
    ),
    Command("claims", "list the claims with strength, expected verdict and statement; nothing is checked", _CLAIMS),
    Command("replay", "run a witness again and show what it shows", _CLAIMS),
    Command("run", "run a method on a problem over seeds: loss, test score, residuals, heterogeneity, plot", _PROBLEMS),
    Command("worst-case", "the exact worst case of PISA over a class of functions, and its certificate", _CLAIMS),
    Command("calibrate", "measure the coverage of rate intervals on synthetic traces; exit 1 outside 93–97 %"),
    Command(
        "bench", "measure seed-steps per second, or a step of SISA against NumPy, or torch's optimisers, and a copy"
    ),
    Command(
        "train", "train deep models by ours and torch's optimizers: curves, checkpoints, a tuned comparison", _PROBLEMS
    ),
    Command(
        "ablate", "run a study of problems × methods × settings × seeds, resume it, and report on its rows", _PROBLEMS
    ),
    Command("rows", "ask the stored rows of a study by SQL"),
    Command("problems", "list the problem families with their constants, the data sets and the partitions", _PROBLEMS),
    Command("preconditioners", "list the preconditioners with what each guarantees"),
)
"""The commands; a new one is a file and a row.

Each stands beside what it commands. The library imports nothing of the laboratory: its packages are words here, and
without the checkout a command of theirs says so.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Return the exit code of ``argv``.

    0; 1 for a bad result, 2 for a bad request, 3 where a study was stopped half-way, 70 for a mistake of ours, 130 for
    Ctrl-C, 141 where nobody reads any more.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    _open_streams()
    try:
        code = _answer([word for word in words if word != "--debug"])
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at its end: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _CUT
    except Exception as error:
        if "--debug" in words or os.environ.get("PISA_LAB_DEBUG"):
            raise
        _refuse(f"{type(error).__name__}: {' '.join(str(error).split())} (a mistake of ours; --debug shows where)")
        return _BROKEN
    return code


def _open_streams() -> None:
    """Let what a stream cannot say become "?", and a closed one take what is written to it."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for the rest of the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _answer(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return 0
    if words[0] == "--version":
        print(f"pisa-lab {stamp()['version']}")
        return 0
    row = next((command for command in COMMANDS if command.name == words[0]), None)
    if row is None:
        return _refuse(f"command: {words[0]!r} is not one of {', '.join(row.name for row in COMMANDS)}", words[0])
    try:
        return _call(row, words[1:])
    except ModuleNotFoundError as error:
        reason = _missing(row.name, (error.name or "").split(".")[0])
        if not reason:
            raise
        return _refuse(reason)
    except BrokenPipeError:
        raise
    except _BAD as error:
        known = isinstance(error, ValueError | OSError)
        return _refuse(" ".join(str(error if known else f"{type(error).__name__}: {error}").split()))
    except KeyboardInterrupt:
        print("pisa-lab: interrupted", file=sys.stderr)
        return _INTERRUPTED


def usage() -> str:
    """Return the help of the program itself."""
    width = max(len(row.name) for row in COMMANDS)
    lines = [f"  {row.name:{width}}  {row.summary}" for row in COMMANDS]
    return "\n".join(
        [
            "usage: pisa-lab COMMAND [ARGUMENT…]",
            "",
            "A theory-verification laboratory for PISA, the preconditioned inexact stochastic ADMM.",
            "",
            *lines,
            "",
            "pisa-lab COMMAND --help says more; pisa-lab --version tells the version.",
        ]
    )


def _call(row: Command, words: Sequence[str]) -> int:
    """Run one command through typer, with its usage errors as the ValueErrors that they are."""
    # Before typer: where the checkout is missing, too, no extra mends that.
    function = importlib.import_module(row.module).command
    import typer

    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(help=row.summary, context_settings={"help_option_names": ["-h", "--help"]})(function)
    usage_error: Any = typer.BadParameter.__mro__[2]
    try:
        code = typer.main.get_command(app).main(list(words), f"pisa-lab {row.name}", standalone_mode=False)
    except usage_error as error:
        raise ValueError(error.format_message()) from error
    except SystemExit as error:
        # What typer and rich make of a pipe that nobody reads any more; 1 would say that the result is bad.
        if isinstance(error.__context__, BrokenPipeError):
            raise BrokenPipeError from error
        raise
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    return int(code or 0)


def _missing(command: str, module: str) -> str:
    if module in CHECKOUT:
        return f"{command} needs the checkout: the wheel carries pisa_lab alone; clone the repository for {module}/"
    return f"{command} needs {module}: pip install -e '.[lab]'" if module in LAB else ""


def _refuse(reason: str, word: str = "") -> int:
    near = difflib.get_close_matches(word, [row.name for row in COMMANDS], n=1)
    print(f"pisa-lab: error: {reason}{f'; did you mean {near[0]}?' if near else ''}", file=sys.stderr)
    return 2
