"""``pisa-lab bench``: what this machine does, as a table and as JSON; nothing is judged by it."""

import importlib
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pisa_lab._checks import choice, whole
from pisa_lab.bench.replicates import measure_replicates
from pisa_lab.bench.step import SIZES, measure_step
from pisa_lab.cli import output, tables
from pisa_lab.cli.markdown import check_marked, write_markdown

_WHAT = ("replicates", "step", "torch")
_DTYPES = ("float64", "float32")


def command(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="replicates, step or torch")],
    dtype: Annotated[str, typer.Option(help="float64 or float32")] = "float64",
    seeds: Annotated[int, typer.Option(help="replicates: seeds run at once")] = 128,
    batch: Annotated[int, typer.Option(help="replicates: rows of a mini-batch")] = 32,
    steps: Annotated[int, typer.Option(help="replicates: rounds of one call")] = 400,
    data: Annotated[str, typer.Option(help="replicates: a binary data set or file")] = "a9a",
    size: Annotated[
        list[str] | None,
        typer.Option(help="step: CLIENTSxNUMBERS, such as 10x10000; torch: NUMBERS, such as 1e6; may be repeated"),
    ] = None,
    device: Annotated[str, typer.Option(help="torch: cpu or cuda")] = "cpu",
    json_file: Annotated[Path | None, typer.Option("--json", help="write the rows here")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the table there, between its bench-…:begin and :end")
    ] = None,
) -> int:
    """Measure seed-steps per second, or a step of SISA: in NumPy, or in torch against fused AdamW; and a copy."""
    choice("WHAT", what, _WHAT)
    choice("--dtype", dtype, _DTYPES)
    output.writable("--json", json_file)
    check_marked("--markdown", markdown, f"bench-{what}")
    if what == "replicates":
        rows = _replicates(data, dtype, seeds, batch, steps)
        columns = _REPLICATES
    elif what == "torch":
        rows, columns = _torch(size, device), _TORCH
    else:
        rows = [_told(measure_step(*pair, dtype=dtype)) for pair in _sizes(size)]
        columns = _STEP
    if json_file is not None:
        output.write_json(json_file, rows)
    if markdown is not None:
        write_markdown(markdown, rows, columns, mark=f"bench-{what}", caption=f"pisa-lab bench {what}")
    tables.print_table(rows, columns, transposed=True)
    return 0


def _replicates(data: str, dtype: str, seeds: int, batch: int, steps: int) -> list[dict[str, Any]]:
    for name, value in (("--seeds", seeds), ("--batch", batch), ("--steps", steps)):
        whole(name, value, at_least=1)
    # The data are the laboratory's: a word, as in the table of commands, not an import.
    problem = importlib.import_module("problems.commands.benchmark").logistic_problem(data, dtype)
    return measure_replicates(problem, data=data, batch=batch, seeds=seeds, steps=steps)


def _torch(words: Sequence[str] | None, device: str) -> list[dict[str, Any]]:
    try:
        from pisa_lab.bench import optimizers
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "torch":
            raise
        raise ValueError("bench torch needs torch: pip install -e '.[lab,torch]'") from error
    return optimizers.measure_optimizers(
        [_count(word) for word in words] if words else optimizers.SIZES,
        device=device,
        told=lambda row: print(
            "{optimizer} {engine}, {clients} clients, {parameters} in {tensors}: {status}".format(**row),
            file=sys.stderr,
        ),
    )


def _count(word: str) -> int:
    """Return the whole number that ``word`` writes, as 1000000 or 1e6.

    Raises:
        ValueError: it writes none above zero.
    """
    try:
        number = float(word)
    except ValueError:
        number = 0.0
    if not (1 <= number < math.inf) or number != int(number):
        raise ValueError(f"--size: {word!r} must be a whole number, such as 1e6")
    return int(number)


def _sizes(words: Sequence[str] | None) -> list[tuple[int, int]]:
    """Return (clients, numbers) of every word.

    Raises:
        ValueError: a word that is not two whole numbers with an x between them.
    """
    pairs = []
    for word in words or [f"{clients}x{numbers}" for clients, numbers in SIZES]:
        clients, _, numbers = word.lower().partition("x")
        if not (clients.isdigit() and numbers.isdigit() and int(clients) * int(numbers) > 0):
            raise ValueError(f"--size: {word!r} must be CLIENTSxNUMBERS, such as 10x10000")
        pairs.append((int(clients), int(numbers)))
    return pairs


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """Return ``row`` after saying on standard error which size is done: the largest takes a minute."""
    print(f"{row['clients']} clients × {row['size']}: {row['status']}", file=sys.stderr)
    return row


_REPLICATES = [
    tables.Column("method", "method"),
    tables.Column("data", "data"),
    tables.Column("seeds", "seeds", right=True),
    tables.Column("batch", "batch", right=True),
    tables.Column("dtype", "dtype"),
    tables.Column("blas_threads", "BLAS threads", tables.number(), right=True),
    tables.Column("seed_steps_per_s", "seed_steps_per_s", tables.number(4), right=True),
    tables.Column("seed_steps_per_cpu_s", "per CPU s", tables.number(4), right=True),
    tables.Column("looped_seed_steps_per_s", "looped", tables.number(4), right=True),
    tables.Column("ratio", "ratio", tables.number(), right=True),
    tables.Column("cpu_ratio", "by CPU time", tables.number(), right=True),
]
_STEP = [
    tables.Column("clients", "clients", right=True),
    tables.Column("size", "numbers", right=True),
    tables.Column("dtype", "dtype"),
    tables.Column("in_place_s", "in-place NumPy, s", tables.number(), right=True),
    tables.Column("generic_ratio", "generic ×", tables.number(), right=True),
    tables.Column("fused_ratio", "fused ×", tables.number(), right=True),
    tables.Column("fused_method_ratio", "fused method ×", tables.number(), right=True),
    tables.Column("fused_gb_per_s", "fused, GB/s", tables.number(), right=True),
    tables.Column("copy_gb_per_s", "copy, GB/s", tables.number(), right=True),
    tables.Column("status", "status"),
]
_TORCH = [
    tables.Column("optimizer", "optimizer"),
    tables.Column("engine", "engine"),
    tables.Column("clients", "clients", right=True),
    tables.Column("parameters", "parameters", right=True),
    tables.Column("tensors", "tensors", right=True),
    tables.Column("ns_per_parameter", "ns per parameter", tables.number(), right=True),
    tables.Column("ratio_adamw_fused", "× fused AdamW", tables.number(), right=True),
    tables.Column("ratio_sgd", "× SGD", tables.number(), right=True),
    tables.Column("ratio_muon", "× Muon", tables.number(), right=True),
    tables.Column("ratio_copy", "× copy", tables.number(), right=True),
    tables.Column("copy_share", "copy share", tables.number(2), right=True),
    tables.Column("peak_bytes_per_parameter", "peak B per parameter", tables.number(), right=True),
    tables.Column("compile_s", "compile, s", tables.number(2), right=True),
    tables.Column("status", "status"),
]
