"""``pisa-lab calibrate``: the coverage of `fit_rate`'s intervals on synthetic traces whose rates are known."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from pisa_lab._checks import whole
from pisa_lab.cli.markdown import check_marked, write_markdown
from pisa_lab.cli.output import writable, write_json
from pisa_lab.cli.tables import Column, console, print_table
from pisa_lab.inference import calibration
from pisa_lab.progress import bar
from pisa_lab.stamp import stamp

FEWEST = 20
WANTED = {"coverage": (0.93, 0.97), "inconclusive": (0.0, 0.1), "false_alarms": (0.0, 0.05)}
"""What every row must lie in for exit code 0."""


def _percent(value: Any) -> str:
    return "—" if value != value else f"{value:.1%}"


def _tone(key: str) -> Any:
    low, high = WANTED[key]
    return lambda row: "" if low <= row[key] <= high else "bold white on red"


COLUMNS = (
    Column("noise_model", "noise"),
    Column("seeds", "seeds", right=True),
    Column("experiments", "experiments", right=True),
    Column("coverage", "coverage", _percent, right=True, style=_tone("coverage")),
    Column("inconclusive", "inconclusive", _percent, right=True, style=_tone("inconclusive")),
    Column("wrong_model", "wrong model", _percent, right=True),
    Column("false_alarms", "false plateaus", _percent, right=True, style=_tone("false_alarms")),
    Column("false_decays", "false decays", _percent, right=True),
    Column("plateaus_inconclusive", "plateaus inconclusive", _percent, right=True),
    Column("power", "power at 25 %", _percent, right=True),
    Column("power_close", "at 10 %", _percent, right=True),
)


def command(
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the rows there")] = None,
    experiments: Annotated[
        int, typer.Option(help="decaying traces for each row; half as many plateaus come on top")
    ] = calibration.EXPERIMENTS,
    seed: Annotated[int, typer.Option(help="of every random trial")] = 0,
    jobs: Annotated[int | None, typer.Option(help="processes; 2 where there are two cores")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the table there, between its calibration:begin and :end")
    ] = None,
) -> int:
    """Return 0 when every row has coverage in 93–97 %, at most 10 % inconclusive and 5 % false plateaus, else 1."""
    whole("--experiments", experiments, at_least=FEWEST)
    whole("--seed", seed)
    count = whole("--jobs", min(2, os.cpu_count() or 1) if jobs is None else jobs, at_least=1)
    writable("--json", json_file)
    check_marked("--markdown", markdown, "calibration")
    work = calibration.tasks(experiments=experiments, seed=seed)
    rows = [row | {"seed": seed, **stamp()} for row in calibration.calibration_rows(work, _counted(work, count))]
    good = [all(low <= row[key] <= high for key, (low, high) in WANTED.items()) for row in rows]
    if json_file is not None:
        write_json(json_file, rows)
    if markdown is not None:
        caption = f"pisa-lab calibrate --experiments {experiments} --seed {seed}"
        write_markdown(markdown, rows, COLUMNS, mark="calibration", caption=caption)
    print_table(rows, COLUMNS)
    console().print(f"\n{sum(good)} of {len(rows)} rows as wanted: {_wanted()}", markup=False)
    return 0 if all(good) else 1


def _wanted() -> str:
    return ", ".join(f"{key.replace('_', ' ')} {low:.0%} to {high:.0%}" for key, (low, high) in WANTED.items())


def _counted(work: list[calibration.Task], jobs: int) -> Iterator[calibration.Counts]:
    from joblib import Parallel, delayed

    with bar("calibrate", len(work)) as tick:
        pool = Parallel(n_jobs=jobs, batch_size=4, return_as="generator")
        for place, counts in enumerate(pool(delayed(calibration.counted)(task) for task in work), 1):
            tick(place)
            yield counts
