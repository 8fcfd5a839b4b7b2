"""``pisa-lab ablate``: run a study, or what is left of it, and report on its rows."""

import dataclasses
import os
import sqlite3
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pisa_lab._checks import choice, whole
from pisa_lab.cli.output import writable, writable_folder, write_json
from pisa_lab.cli.tables import Column, console, print_table
from pisa_lab.progress import bar

STOPPED = 3
"""The exit code of a study that ended before its end; what is stored stays."""


def command(
    study: Annotated[Path | None, typer.Argument(metavar="STUDY.toml", help="a study of your own")] = None,
    builtin: Annotated[
        str | None, typer.Option(metavar="NAME", help="a built-in study instead: preconditioners")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="the study's quick variant")] = False,
    jobs: Annotated[int | None, typer.Option(help="processes; as many as there are cores without it")] = None,
    engine: Annotated[str, typer.Option(help="loky, dask or ray; the last two are extras")] = "loky",
    store: Annotated[Path | None, typer.Option(metavar="FILE", help="where trials are kept; NAME.sqlite here")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="run trials anew that failed, did not apply, or are of other code or data")
    ] = False,
    accept_old: Annotated[
        bool, typer.Option("--accept-old", help="let stored trials of other code or data stand")
    ] = False,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="tables and figures")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="print the table in Markdown")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="the summary's rows")] = None,
    save_results: Annotated[Path | None, typer.Option(metavar="FILE", help="the whole summary, as .json")] = None,
    reference: Annotated[str | None, typer.Option(metavar="METHOD", help="what the others are compared with")] = None,
    from_results: Annotated[
        Path | None, typer.Option(metavar="FILE", help="report on a saved summary, run nothing")
    ] = None,
) -> int:
    """Return 0 when every trial is stored and none failed, 1 where some failed, 3 where it stopped half-way."""
    count = (os.cpu_count() or 1) if jobs is None else whole("--jobs", jobs, at_least=1)
    if again and accept_old:
        raise ValueError("--again: excludes --accept-old")
    for option, path in (("--json", json_file), ("--save-results", save_results), ("--store", store)):
        writable(option, path)
    if report is not None:
        writable_folder("--report", report)
    if from_results is not None:
        if study or builtin:
            raise ValueError("--from-results: excludes a study, it carries its own")
        summary = _loaded(from_results)
    else:
        asked = _asked(study, builtin, quick)
        if reference is not None:
            choice("--reference", reference, [method.name for method in asked.methods])
        summary = _run(asked, store, jobs=count, engine=engine, again=again, accept_old=accept_old)
        if summary is None:
            return STOPPED
    if reference is not None:
        summary = dataclasses.replace(summary, reference=choice("--reference", reference, summary.methods))
    _write(summary, report, json_file, save_results)
    _print(summary, markdown)
    return _print_failed(summary, report)


def _asked(path: Path | None, name: str | None, quick: bool) -> Any:
    from pisa_lab.ablation import read_study
    from problems import studies

    variant = "quick" if quick else "full"
    if path is not None and name is None:
        return read_study(path, variant)
    if name is not None and path is None:
        return studies.builtin(name, variant)
    raise ValueError("STUDY: give a .toml file or --builtin NAME, one of " + ", ".join(studies.BUILTIN))


def _run(study: Any, path: Path | None, **settings: Any) -> Any:
    """Run what is missing of ``study`` and return the summary of its rows, None where that stopped half-way."""
    from pisa_lab.ablation import Stopped, Store, require, run_study
    from pisa_lab.ablation.summary import summarise
    from problems.studies import resolve

    require(settings["engine"])
    file = path or Path(f"{study.name}.sqlite")
    writable("--store", file)
    try:
        with Store(file) as store, bar(f"{study.name} ({study.variant})") as tick:
            # What was stored before counts as total left out, so that the speed shown is that of this run.
            end = run_study(
                study,
                resolve=resolve,
                store=store,
                tick=lambda now: tick(now.done, total=now.total - now.before),
                **settings,
            )
            summary = summarise(study, store)
    except (Stopped, sqlite3.Error) as reason:
        why = str(reason) if isinstance(reason, Stopped) else f"the store cannot be read or written ({reason})"
        print(f"pisa-lab: stopped: {' '.join(why.split())}", file=sys.stderr)
        return None
    found = f"{end.before} of {end.total} trials were stored, {end.done} are new"
    dropped = f", {end.repeated} were stored by another process meanwhile" if end.repeated else ""
    console().print(f"{file}: {found}{dropped}", markup=False)
    return summary


def _loaded(path: Path) -> Any:
    from pisa_lab.ablation.summary_files import read_summary

    return read_summary(path)


def _print(summary: Any, markdown: bool) -> None:
    """Print the table, what its marks mean, and what was left out or failed."""
    from pisa_lab.ablation import tables

    out = console()
    if markdown:
        out.print(tables.markdown(summary), markup=False)
    else:
        head, lines = tables.grid(summary)
        keys = [str(place) for place in range(len(head))]
        columns = [Column(key, name, right=key != "0") for key, name in zip(keys, head, strict=True)]
        print_table([dict(zip(keys, map(tables.unmarked, line), strict=True)) for line in lines], columns)
        out.print(f"\n{tables.legend(summary, better='*', worse='-')}", markup=False)
    left_out = sorted({(cell.problem, cell.method, cell.reason) for cell in summary.cells if not cell.is_tried})
    reasons = {reason: [pair for *pair, why in left_out if why == reason] for *_, reason in left_out}
    for reason, pairs in reasons.items():
        out.print(f"left out: {_pairs(pairs)}: {reason}", markup=False)
    if any("UNAVAILABLE" in cell.endings for cell in summary.cells):
        out.print("--again tries again what was not available", markup=False)


def _write(summary: Any, report: Path | None, json_file: Path | None, save_results: Path | None) -> None:
    """Write the files that were asked for."""
    from pisa_lab.ablation import tables
    from pisa_lab.ablation.summary_files import write_summary

    if save_results is not None:
        write_summary(save_results, summary)
    if json_file is not None:
        write_json(json_file, tables.rows(summary))
    if report is not None:
        from pisa_lab.ablation.report import write_report

        write_report(summary, report)


def _print_failed(summary: Any, report: Path | None) -> int:
    """Name what failed and where the report is, and return the exit code."""
    out = console()
    failed = [cell for cell in summary.cells if "FAILED" in cell.endings]
    for cell in failed:
        out.print(f"failed: {cell.method} on {cell.problem}: {cell.reason}", markup=False, style="red")
    if report is not None:
        out.print(f"report: {report}", markup=False)
    return 1 if failed else 0


def _pairs(pairs: list[list[str]]) -> str:
    """Return the pairs by problem, all methods of one as "every method" where there are many."""
    problems = sorted({problem for problem, _ in pairs})
    methods = sorted({method for _, method in pairs})
    return f"{', '.join(methods) if len(methods) < 5 else 'every method'} on {', '.join(problems)}"
