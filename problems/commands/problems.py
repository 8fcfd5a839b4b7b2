"""``pisa-lab problems``: families, with the constants of the instance that seed 0 makes, data sets and partitions."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from pisa_lab._array import to_numpy
from pisa_lab._checks import whole
from pisa_lab.cli.output import writable, write_json
from pisa_lab.cli.tables import Column, number, print_table
from problems import table
from problems.datasets import DATASETS
from problems.partition_rules import PARTITIONS


def _word(value: Any) -> str:
    return {True: "yes", False: "no", None: "—"}.get(value, str(value))


COLUMNS = (
    Column("name", "name"),
    Column("kind", "kind"),
    Column("task", "task", _word),
    Column("convex", "convex", _word),
    Column("smooth", "smooth", _word),
    Column("lipschitz", "mean L", lambda value: "none" if value is None else f"{value:.3g}", right=True),
    Column("dimension", "dimension", number(), right=True),
    Column("optimum", "optimum", number(4), right=True),
    Column("summary", "summary"),
)
DATA_COLUMNS = (
    Column("name", "name"),
    Column("task", "task"),
    Column("rows", "rows", right=True),
    Column("features", "features", right=True),
    Column("classes", "classes", right=True),
    Column("licence", "licence"),
    Column("source", "source"),
)
PARTITION_COLUMNS = (
    Column("kind", "kind"),
    Column("argument", "number", lambda value: value or "—"),
    Column("meaning", "meaning"),
)
MOST_CLIENTS = 10_000


def command(
    clients: Annotated[int, typer.Option(help="of the instance whose constants are shown")] = 4,
    seed: Annotated[int, typer.Option(help="of that instance")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the rows there")] = None,
) -> int:
    """Return 0 after listing families, data sets and partitions; "mean L" is Σαᵢ·Lᵢ, none without a global constant."""
    if whole("--clients", clients, at_least=1) > MOST_CLIENTS:
        raise ValueError(f"--clients: {clients} must be at most {MOST_CLIENTS}")
    whole("--seed", seed)
    writable("--json", json_file)
    rows = [_row(family, seed, clients) for family in table.PROBLEMS]
    print_table(rows, COLUMNS)
    print("\n--data")
    print_table([data._asdict() for data in DATASETS], DATA_COLUMNS)
    print("\n--partition")
    print_table([rule._asdict() for rule in PARTITIONS], PARTITION_COLUMNS)
    if json_file is not None:
        write_json(json_file, rows)
    return 0


def _row(family: table.Family, seed: int, clients: int) -> dict[str, Any]:
    problem = family.build(seed, clients)
    constants = np.asarray(problem.lipschitz, dtype=float)
    mean = float(to_numpy(problem.weights) @ constants)
    return {
        "name": family.name,
        "kind": family.kind,
        "task": family.task,
        "convex": family.convex,
        "smooth": family.smooth,
        "lipschitz": mean if np.isfinite(mean) else None,
        "dimension": int(np.prod(problem.initial.shape)),
        "optimum": getattr(problem, "optimum", None),
        "summary": family.summary,
    }
