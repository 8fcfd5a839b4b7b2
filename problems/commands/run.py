"""``pisa-lab run``: a method on a problem over seeds, as a table, a plot, a saved state and a saved configuration."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from pisa_lab._checks import real
from pisa_lab.cli import output, tables
from pisa_lab.files import write_whole
from pisa_lab.inference.student import half_width
from pisa_lab.loop import Status
from pisa_lab.method import PISA
from pisa_lab.preconditioners.identity import Zero
from pisa_lab.progress import bar
from pisa_lab.stamp import stamp
from problems.commands.configuration import Configuration, configuration_text, configured, read_configuration
from problems.commands.experiment import Trial, mean_lipschitz, trial_row, trials
from problems.commands.keeping import Keeper, Resumed, read_resumed

PLOTS = (".svg", ".png", ".pdf")
_WORDS = {"gradient norm": "‖∇F‖", "zeta2": "ζ²", " r2": " R²"}


def command(
    problem: Annotated[
        str | None, typer.Argument(metavar="PROBLEM", help="a family; see `pisa-lab problems`; or MODULE:OBJECT")
    ] = None,
    data: Annotated[str | None, typer.Option(help="digits, a9a, breast-cancer, diabetes or a file")] = None,
    task: Annotated[
        str | None,
        typer.Option(help="what the labels of a file are: binary, multiclass or regression; by default PROBLEM's"),
    ] = None,
    intercept: Annotated[bool | None, typer.Option(help="a column of ones beside the data's features")] = None,
    clients: Annotated[int | None, typer.Option(help="number of clients, 4 by default")] = None,
    partition: Annotated[
        str | None, typer.Option(help="iid, label:K, dirichlet:B, quantity:B, noise:S, shifted or identical")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="pisa, sisa (the default), nsisa, a baseline … or MODULE:OBJECT")
    ] = None,
    penalty: Annotated[
        str | None,
        typer.Option(help="σ⁰, or auto, which searches for it; by default twice the mean Lipschitz constant"),
    ] = None,
    rho: Annotated[float | None, typer.Option(help="ρ, the weight of the preconditioner")] = None,
    schedule: Annotated[
        str | None, typer.Option(help="constant, geometric:G, polynomial[:A], inverse-cosine[:N] or balancing[:F]")
    ] = None,
    gamma: Annotated[float | None, typer.Option(help="γ, short for --schedule geometric:γ")] = None,
    preconditioner: Annotated[
        str | None, typer.Option(help="Q of pisa; see `pisa-lab preconditioners`; or MODULE:OBJECT")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="D of the server's step: ema, adagrad-norm, secant, spectral …; or MODULE:OBJECT")
    ] = None,
    clip: Annotated[float | None, typer.Option(help="η, with which Q ⪯ ηI")] = None,
    warm: Annotated[bool | None, typer.Option("--warm/--cold", help="π⁰ = −∇Fᵢ(w⁰) instead of 0")] = None,
    ridge: Annotated[float | None, typer.Option(help="λ of F_λ")] = None,
    local_ridge: Annotated[float | None, typer.Option(help="μ of every Fᵢ")] = None,
    steps: Annotated[int | None, typer.Option(help="communication rounds, 200 by default")] = None,
    batch: Annotated[int | None, typer.Option(help="rows per mini-batch; full gradients without it")] = None,
    participation: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="who is there: 3 clients a round, or 0.5: each half the time")
    ] = None,
    delay: Annotated[int | None, typer.Option(help="the age of every gradient in rounds, 0 by default")] = None,
    seeds: Annotated[int | None, typer.Option(help="how many: SEED, SEED+1, …")] = None,
    seed: Annotated[int | None, typer.Option(help="the first: of data, partition and mini-batches")] = None,
    backend: Annotated[str | None, typer.Option(help="numpy, torch, cupy or strict")] = None,
    dtype: Annotated[str | None, typer.Option(help="float64 or float32")] = None,
    tolerance: Annotated[float | None, typer.Option(help="end a seed when ‖∇F_λ‖ is at most this")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="the table's rows")] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="curves, as .svg, .png or .pdf; by default in .pisa_lab/")
    ] = None,
    no_plot: Annotated[bool, typer.Option("--no-plot", help="draw nothing")] = False,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="the states, as .npz, written as the run goes; their options beside it"),
    ] = None,
    resume: Annotated[Path | None, typer.Option(metavar="FILE", help="go on from saved states")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="options from .json or .toml")] = None,
    save_config: Annotated[Path | None, typer.Option(metavar="FILE", help="the options, as .json or .toml")] = None,
) -> int:
    """Return 0 when every seed stayed finite, 1 otherwise."""
    given = {name: value for name, value in locals().items() if name in _OPTIONS and value is not None}
    if gamma is not None:
        given["schedule"] = _geometric(gamma, schedule)
    if no_plot and plot is not None:
        raise ValueError("--no-plot: excludes --plot")
    _check_outputs(json_file, plot, save, save_config)
    configuration, resumed = _asked(given, config, resume)
    plot = None if no_plot else plot or _default_plot(configuration)
    keeper = Keeper(configuration, resumed, save)
    interrupt = _run_all(configuration, resumed, keeper)
    if interrupt is not None and not keeper.done:
        raise interrupt
    done, rows = keeper.done, [trial_row(trial) | {"commit": resumed.commit} for trial in keeper.done]
    plot = None if interrupt else plot
    _write(configuration, done, rows, json_file, plot, save_config)
    keeper.save()
    tables.console().print(_heading(configuration, done, resumed), markup=False)
    tables.print_table([*rows, *_summary(rows)], _columns(rows), transposed=True)
    for line in filter(None, (_edge(configuration, done[0]), plot and f"plot: {plot}")):
        tables.console().print(line, markup=False)
    if interrupt is not None:
        if save is not None:
            tables.console().print(f"run --resume {save} goes on", markup=False)
        raise interrupt
    return 1 if any(trial.run.status is Status.NON_FINITE for trial in done) else 0


def _run_all(configuration: Configuration, resumed: Resumed, keeper: Keeper) -> KeyboardInterrupt | None:
    """Run every seed, tell ``keeper`` of it, and return the Ctrl-C that ended this before its end."""
    total = configuration.steps * configuration.seeds
    with bar(f"{configuration.method} on {configuration.problem}", total) as tick:

        def after_round(state: Any, rounds: int) -> None:
            keeper.after_round(state, rounds)
            tick(len(keeper.done) * configuration.steps + rounds)

        try:
            for trial in trials(configuration, resumed.begun, after_round):
                keeper.add(trial)
        except KeyboardInterrupt as interrupt:
            return interrupt
    return None


_OPTIONS = tuple(field.name for field in dataclasses.fields(Configuration))


def _default_plot(configuration: Configuration) -> Path:
    output.writable_folder("--plot", Path(".pisa_lab"))
    words = (configuration.problem, Path(configuration.data or "").stem, configuration.method)
    return Path(".pisa_lab") / f"{'-'.join(filter(None, words)).replace('/', '-')}.svg"


def _geometric(gamma: float, schedule: str | None) -> str:
    if schedule is not None:
        raise ValueError("--gamma: excludes --schedule, for which it is short")
    return f"geometric:{real('--gamma', gamma, above=0.0, at_most=1.0)!r}"


def _check_outputs(json_file: Path | None, plot: Path | None, save: Path | None, save_config: Path | None) -> None:
    if plot is not None and plot.suffix.lower() not in PLOTS:
        raise ValueError(f"--plot: {str(plot)!r} must end in {', '.join(PLOTS)}")
    if save is not None and save.suffix.lower() != ".npz":
        raise ValueError(f"--save: {str(save)!r} must end in .npz")
    targets = {"--json": json_file, "--plot": plot, "--save": save, "--save-config": save_config}
    for option, path in targets.items():
        output.writable(option, path)


def _asked(given: dict[str, Any], config: Path | None, resume: Path | None) -> tuple[Configuration, Resumed]:
    """Return the configuration and what to resume from: what is given goes before what a file says."""
    if resume is not None:
        if config is not None:
            raise ValueError("--config: excludes --resume, which carries its own")
        return read_resumed(resume, given)
    values = {} if config is None else read_configuration(config)
    return configured(values | given, source="--config"), Resumed()


def _heading(configuration: Configuration, done: Sequence[Trial], resumed: Resumed) -> str:
    ends = dict.fromkeys(f"{choose(trial.penalty for trial in done):.4g}" for choose in (min, max))
    sigma = " … ".join(ends)
    batch = "full gradients" if configuration.batch is None else f"batches of {configuration.batch}"
    start_round = min(trial.run.history["iteration"][0] for trial in done if not trial.is_interrupted or len(done) == 1)
    rounds = f"{configuration.steps} rounds" + (f" after {start_round}" if start_round else "")
    return "\n".join(
        [
            f"{done[0].instance.title}",
            f"{configuration.method}, σ = {sigma} ({done[0].penalty_rule}), {_schedule(configuration, done[0])}"
            f"{rounds}, {batch}, {_absence(configuration)}{configuration.backend} {configuration.dtype}",
            *([f"made by commits {resumed.commit}"] if resumed.commit != stamp()["commit"] else []),
            "",
        ]
    )


def _absence(configuration: Configuration) -> str:
    """Return who is there and how old gradients are, "" where everybody is there in time."""
    who, age = configuration.participation, configuration.delay
    there = "" if who is None else f"{who} of {configuration.clients} clients a round, "
    if isinstance(who, float):
        there = f"each client there with probability {who:g}, "
    return there + (f"gradients {age} rounds old, " if age else "")


def _schedule(configuration: Configuration, trial: Trial) -> str:
    return "" if getattr(trial.method, "is_searching", False) else f"{configuration.schedule} schedule, "


_EDGE = 1.5


def _edge(configuration: Configuration, trial: Trial) -> str | None:
    """Return a line on a constant σ below the edge of stability of Q = 0, None where there is nothing to say."""
    method, smoothness = trial.method, mean_lipschitz(trial.instance.problem)
    if (
        not isinstance(method, PISA)
        or method.is_searching
        or method.metric
        or configuration.schedule != "constant"
        or not 0 < smoothness < np.inf
    ):
        return None
    ratio = trial.penalty / smoothness
    if ratio > _EDGE:
        return None
    unaided = isinstance(method.preconditioner, Zero) or not np.any(method.rho)
    against = "" if unaided else "; here Q alone stands against it"
    return f"σ/L = {ratio:.3g}, at most {_EDGE}: with Q = 0 it diverges on a parabola (T1-threshold-sharp){against}"


def _columns(rows: Sequence[tables.Row]) -> list[tables.Column]:
    hidden = {"penalty", *stamp()}
    return [
        tables.Column(key, _heading_of(key), tables.number(4), right=key != "status")
        for key in rows[0]
        if key not in hidden
    ]


def _heading_of(key: str) -> str:
    heading = key.replace("_", " ")
    for word, symbol in _WORDS.items():
        heading = heading.replace(word, symbol)
    return heading


def _summary(rows: Sequence[tables.Row]) -> list[dict[str, Any]]:
    """Return the mean over several seeds and the half-width of its 95 % interval by Student's t."""
    if len(rows) < 2:
        return []
    mean: dict[str, Any] = {"seed": "mean"}
    half: dict[str, Any] = {"seed": "± 95 %"}
    for key in (column.key for column in _columns(rows) if column.key not in ("seed", "status")):
        values = np.asarray([np.nan if row[key] is None else row[key] for row in rows], dtype=float)
        with np.errstate(all="ignore"):
            mean[key], half[key] = float(np.mean(values)), half_width(values)
    return [mean | {"status": ""}, half | {"status": ""}]


def _write(
    configuration: Configuration,
    done: Sequence[Trial],
    rows: Sequence[dict[str, Any]],
    json_file: Path | None,
    plot: Path | None,
    save_config: Path | None,
) -> None:
    if json_file is not None:
        output.write_json(json_file, rows)
    if save_config is not None:
        output.write_text(save_config, configuration_text(configuration, save_config.suffix.lower()))
    if plot is not None:
        _draw(configuration, done, plot)


def _draw(configuration: Configuration, done: Sequence[Trial], path: Path) -> None:
    from pisa_lab.plotting import run_figure

    curves = [row for trial in done for row in trial.run.rows()]
    found = {seed: getattr(trial.instance.problem, "optimum", None) for trial in done for seed in trial.run.seeds}
    optima = {seed: value for seed, value in found.items() if value is not None}
    title = f"{configuration.method} · {done[0].instance.title}"
    figure = run_figure(curves, title=title, optimum=optima if len(optima) == len(found) else None)
    write_whole(path, lambda partial: figure.savefig(partial, format=path.suffix[1:].lower(), dpi=160))
