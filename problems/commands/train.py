"""``pisa-lab train``: deep models by our optimizers and torch's, over seeds and clients, as table, curves and rows."""

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pisa_lab._checks import whole
from pisa_lab.cli import output, tables
from pisa_lab.cli.markdown import check_marked, write_markdown
from pisa_lab.files import write_whole
from pisa_lab.progress import bar
from problems.commands.configuration import named
from problems.commands.run import PLOTS

_FOLDER = Path(".pisa_lab")
_CHECKPOINTS = _FOLDER / "checkpoints"
_RUN = (
    "model", "size", "clients", "partition", "rounds", "batch", "evaluations", "schedule", "device", "data", "tokens",
)  # fmt: skip
"""Options that are values of a configuration."""
_RENAMED = {name: f"--{name}" for name in (*_RUN, "optimizer", "seed", "seeds", "threads", "tune", "lr")} | {
    "family": "FAMILY", "path": "--data", "spec": "--partition", "checkpoint": "--resume", "rows": "--from",
    "settings": "--set",
}  # fmt: skip


def command(
    family: Annotated[str | None, typer.Argument(metavar="FAMILY", help="vision or language")] = None,
    optimizer: Annotated[
        str,
        typer.Option(
            help="sisa, nsisa (repaired), sisa-published, nsisa-published, adamw, sgd, muon, rmsprop or adam; several "
            "with commas; or all"
        ),
    ] = "sisa",
    model: Annotated[
        str | None, typer.Option(help="vision: cnn or resnet; language: gpt; MODULE:OBJECT, a function of the data")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="vision: tiny, small or base; language: tiny, nano, micro, mini or gpt2-small")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="learning rate; the optimizer's own default without it")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="another setting; may be repeated")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(help="of the learning rate: cosine (with a warm-up), or 1/σ as of `run`: constant, …"),
    ] = None,
    tune: Annotated[int, typer.Option(metavar="K", help="choose each optimizer's setting from K trials first")] = 0,
    clients: Annotated[int | None, typer.Option(help="number of clients, 1 by default")] = None,
    partition: Annotated[
        str | None, typer.Option(help="iid, label:K, dirichlet:B, quantity:B, shifted or identical")
    ] = None,
    rounds: Annotated[int | None, typer.Option(help="communication rounds, each one step of the optimizer")] = None,
    batch: Annotated[int | None, typer.Option(help="rows of each client's mini-batch")] = None,
    evaluations: Annotated[int | None, typer.Option(help="looks at the validation part, 15 by default")] = None,
    seeds: Annotated[int, typer.Option(help="runs that are reported: SEED, SEED+1, …")] = 1,
    seed: Annotated[int, typer.Option(help="the first of them; tuning has 0")] = 1,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, mps or xpu")] = None,
    threads: Annotated[int, typer.Option(help="that torch may use on a processor")] = 1,
    data: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="vision: a folder with CIFAR-10 (binary) or MNIST; language: a text file"),
    ] = None,
    tokens: Annotated[str | None, typer.Option(help="language: characters or bytes")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="the rows of all looks")] = None,
    from_rows: Annotated[
        list[Path] | None,
        typer.Option("--from", metavar="FILE", help="show such rows (.gz, too), train nothing; may be repeated"),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="curves, as .svg, .png or .pdf; by default in .pisa_lab/")
    ] = None,
    no_plot: Annotated[bool, typer.Option("--no-plot", help="draw nothing")] = False,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the table there, between its deep-…:begin and :end")
    ] = None,
    checkpoints: Annotated[
        Path, typer.Option(metavar="FOLDER", help="of the checkpoints, one for each run")
    ] = _CHECKPOINTS,
    resume: Annotated[
        bool, typer.Option("--resume", help="go on where an interrupted call of these options was")
    ] = False,
) -> int:
    """Return 0 when every reported run stayed finite, 1 otherwise."""
    given = {name: value for name, value in locals().items() if name in _RUN and value is not None}
    _check_outputs(family, json_file, plot, markdown, no_plot)
    with _needs_torch(), named(_RENAMED):
        if from_rows:
            rows = _stored(from_rows, family)
        else:
            output.writable_folder("--checkpoints", checkpoints)
            extent = {"seeds": _seeds(seed, seeds), "tune": tune, "folder": checkpoints, "resume": resume}
            rows = _trained({"family": family, **given}, optimizer, _settings(lr, settings), threads, extent)
        told = _told(rows)
        place = None if no_plot else plot or _default_plot(rows)
        _write(rows, told, json_file, place, markdown)
        _show(rows, told, place)
    if not from_rows:
        tables.console().print(f"checkpoints: {checkpoints}", markup=False)
    return 1 if any(row["broke"] for row in told) else 0


def _check_outputs(
    family: str | None, json_file: Path | None, plot: Path | None, markdown: Path | None, no_plot: bool
) -> None:
    if no_plot and plot is not None:
        raise ValueError("--no-plot: excludes --plot")
    if plot is not None and plot.suffix.lower() not in PLOTS:
        raise ValueError(f"--plot: {str(plot)!r} must end in {', '.join(PLOTS)}")
    for option, path in (("--json", json_file), ("--plot", plot), ("--markdown", markdown)):
        output.writable(option, path)
    if family is not None:
        check_marked("--markdown", markdown, f"deep-{family}")


@contextlib.contextmanager
def _needs_torch() -> Iterator[None]:
    """Say in one line what to install where torch is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "torch":
            raise
        raise ValueError("train needs torch: pip install -e '.[lab,torch]'") from error


def _seeds(seed: int, seeds: int) -> tuple[int, ...]:
    return tuple(range(whole("seed", seed), seed + whole("seeds", seeds, at_least=1)))


def _settings(lr: float | None, words: Sequence[str] | None) -> dict[str, float]:
    """Return the settings that --lr and --set name.

    Raises:
        ValueError: a word that is no NAME=VALUE, or a setting given twice.
    """
    found = {} if lr is None else {"lr": lr}
    for word in words or ():
        name, _, value = word.partition("=")
        try:
            number = float(value)
        except ValueError as error:
            raise ValueError(f"--set: {word!r} must be NAME=VALUE with a number, such as rho=0.1") from error
        if name in found:
            raise ValueError(f"--set: {name!r} is given twice")
        found[name] = number
    return found


def _trained(
    given: Mapping[str, Any], optimizer: str, settings: Mapping[str, float], threads: int, extent: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the rows of all runs; the data are read once for all of them."""
    from pisa_lab.ablation.sources import own_sha256
    from problems.deep import devices, families, optimizers
    from problems.deep.comparison import Plan, compare
    from problems.deep.configuration import Configuration

    family = families.by_name(given["family"])
    devices.prepare(given.get("device", "cpu"), threads=threads)
    every = tuple(row.name for row in optimizers.OPTIMIZERS)
    names = every if optimizer == "all" else tuple(dict.fromkeys(optimizer.split(",")))
    values = {**family.defaults(given.get("model")), **given, "own_sha256": own_sha256(given.get("model"))}
    base = Configuration(**values, optimizer=names[0])
    family.model(base.model, base.size)
    plan = Plan(base=base, names=names, given=settings, **extent)
    data = family.load(base)
    rounds, finished = plan.base.rounds, 0
    with bar(base.family, rounds * plan.runs) as show:

        def tick(name: str, done: int) -> None:
            nonlocal finished
            show(finished + done, what=f"{base.family}, {name}")
            finished += done if done == rounds else 0

        return compare(plan, data, tick=tick, note=lambda text: print(f"pisa-lab: {text}", file=sys.stderr))


def _stored(paths: Sequence[Path], family: str | None) -> list[dict[str, Any]]:
    """Return the rows of files that --json wrote.

    Raises:
        ValueError: a file that cannot be read or holds something else.
    """
    from problems.deep.summaries import read_rows

    rows = read_rows(paths)
    if family not in (None, rows[0]["family"]):
        raise ValueError(f"--from: rows of {rows[0]['family']}, not of {family}")
    return rows


def _told(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the summaries with what a table shows of them."""
    from problems.deep import optimizers
    from problems.deep.summaries import summaries

    return [
        {
            **row,
            **{
                name: _interval(row[name], row[f"{name}_half"]) for name in ("test_best", "test_end", "validation_loss")
            },
            "setting": optimizers.by_name(row["optimizer"]).shown(row["settings"]),
            "megabytes": row["bytes"] / 1e6,
            "edge": ", ".join(row["edge"]) if row["trials"] else None,
        }
        for row in summaries(rows)
    ]


def _interval(mean: float | None, half: float | None) -> str:
    if mean is None:
        return "—"
    return f"{mean:.4f}" + ("" if half is None else f" ± {half:.4f}")


def _columns(told: Sequence[Mapping[str, Any]]) -> list[tables.Column]:
    metric = told[0]["metric"]
    plain = tables.number(4)
    several = [name for name in ("model", "size") if len({row[name] for row in told}) > 1]
    return [
        tables.Column("optimizer", "optimizer"),
        *(tables.Column(name, name) for name in several),
        tables.Column("clients", "clients", right=True),
        tables.Column("partition", "partition", right=True),
        tables.Column("test_best", f"test {metric}, best validation", right=True),
        tables.Column("test_end", f"test {metric}, end", right=True),
        tables.Column("validation_loss", "least validation loss", right=True),
        tables.Column("setting", "setting", right=True),
        tables.Column("trials", "trials", right=True),
        tables.Column("edge", "at the edge", lambda value: "—" if value is None else value or "no", right=True),
        tables.Column("seeds", "seeds", right=True),
        tables.Column("broke", "not finite", right=True),
        tables.Column("rounds", "rounds", right=True),
        tables.Column("gradients", "gradients", right=True),
        tables.Column("megabytes", "MB, both ways", plain, right=True),
        tables.Column("cpu_seconds", "CPU s a run", plain, right=True),
    ]


def _title(row: Mapping[str, Any]) -> str:
    return (
        f"{row['model']} {row['size']}, {row['parameters']:,} parameters; {row['data']} "
        f"(sha256 {row['data_sha256'][:12]}…), {row['train_rows']:,} + {row['validation_rows']:,} + "
        f"{row['test_rows']:,} rows, batches of {row['batch']}, {row['schedule']} learning rate"
    )


def _show(rows: Sequence[Mapping[str, Any]], told: Sequence[Mapping[str, Any]], plot: Path | None) -> None:
    tables.console().print(f"{rows[0]['family']}: {_title(rows[0])}\n", markup=False)
    tables.print_table(told, _columns(told), transposed=True)
    if plot is not None:
        tables.console().print(f"plot: {plot}", markup=False)


def _write(
    rows: Sequence[Mapping[str, Any]],
    told: Sequence[Mapping[str, Any]],
    json_file: Path | None,
    plot: Path | None,
    markdown: Path | None,
) -> None:
    family = rows[0]["family"]
    if json_file is not None:
        output.write_json(json_file, rows)
    if markdown is not None:
        commits = " and ".join(sorted({str(row["commit"]) for row in rows}))
        caption = f"pisa-lab train {family}: {_title(rows[0])}; ± 95 % by Student over seeds; trained at {commits}"
        write_markdown(markdown, told, _columns(told), mark=f"deep-{family}", caption=caption)
    if plot is not None:
        from problems.deep.figures import comparison_figure

        figure = comparison_figure(rows, title=f"{family} · {rows[0]['model']} {rows[0]['size']} on {rows[0]['data']}")
        write_whole(plot, lambda partial: figure.savefig(partial, format=plot.suffix[1:].lower(), dpi=160))


def _default_plot(rows: Sequence[Mapping[str, Any]]) -> Path:
    output.writable_folder("--plot", _FOLDER)
    names = list(dict.fromkeys(row["optimizer"] for row in rows))
    return _FOLDER / f"train-{rows[0]['family']}-{'-'.join(names)}.svg"
