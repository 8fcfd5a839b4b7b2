"""Studies read from TOML: variants merged, grids expanded, every entry checked.

The format is described in problems/studies/README.md.
"""

import itertools
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pisa_lab import specs
from pisa_lab._checks import choice, real, whole
from pisa_lab.ablation.entries import (
    check_known,
    check_values,
    merge,
    read_numbers,
    read_table,
    read_tables,
    read_whole,
    read_word,
)
from pisa_lab.ablation.sources import file_sha256, own_sha256
from pisa_lab.ablation.study import FULL, UNITS, MethodSpec, ProblemSpec, Study

MOST_TRIALS = 1_000_000
_MOST = {"rounds": 10**7, "gradients": 10**7, "bytes": 10**15}
"""The largest amount of a budget."""
_LAST_SEED = 2**63 - 1
"""SQLite's largest integer."""


def read_study(path: str | Path, variant: str = FULL) -> Study:
    """Return the study in the TOML file at ``path``.

    Raises:
        ValueError: the file cannot be read, is not TOML, or does not describe a study; the message says where.
    """
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"study: {str(path)!r} cannot be read ({error})") from error
    return study_from(document, variant)


def study_from(document: Mapping[str, Any], variant: str = FULL) -> Study:
    """Return the study that ``document`` describes, in the ``variant`` asked for.

    A table ``[variants.NAME]`` says what differs there: tables are merged, everything else is replaced.

    Raises:
        ValueError: an unknown variant, a missing or unknown entry, a number outside its domain, a word that names no
            method, preconditioner, metric or schedule, or more than `MOST_TRIALS` trials.
    """
    check_values(document, "")
    variants = {name: read_table(read_table(document, "variants"), name) for name in read_table(document, "variants")}
    choice("variant", variant, (FULL, *variants))
    merged = merge(document, variants.get(variant, {}))
    check_known(merged, _DOCUMENT, "the study")
    budget, tuning, evaluation = (read_table(merged, name) for name in ("budget", "tuning", "evaluation"))
    check_known(budget, ("unit", "amount", "records"), "[budget]")
    check_known(tuning, ("measure", "first_seed", "seeds"), "[tuning]")
    check_known(evaluation, ("first_seed", "seeds", "instances", "replicates", "reference"), "[evaluation]")
    seeds = {"tuning": _seeds("tuning", tuning, 1_000_000, 1), "evaluation": _seeds("evaluation", evaluation, 0, 20)}
    problems, methods = _chosen(merged), read_tables(merged, "methods")
    _check_size(problems, methods, read_table(merged, "grids"), {name: len(range_) for name, range_ in seeds.items()})
    unit = choice("budget.unit", budget.get("unit", "gradients"), UNITS)
    expanded = tuple(itertools.chain.from_iterable(_methods(row, merged) for row in methods))
    count = len(seeds["evaluation"])
    return Study(
        name=read_word(merged, "name"),
        title=str(merged.get("title", merged.get("name", ""))),
        variant=variant,
        problems=tuple(itertools.chain.from_iterable(map(_problems, problems))),
        methods=expanded,
        unit=unit,
        amount=read_whole("budget.amount", budget.get("amount"), 1, _MOST[unit]),
        records=read_whole("budget.records", budget.get("records", 20), 2, 10_000),
        tuning_measure=read_word(tuning, "measure", "validation"),
        tuning_seeds=tuple(seeds["tuning"]),
        seeds=tuple(seeds["evaluation"]),
        instances=whole("evaluation.instances", evaluation.get("instances", count), at_least=1),
        replicates=whole("evaluation.replicates", evaluation.get("replicates", 40), at_least=1),
        reference=str(evaluation.get("reference", expanded[0].name if expanded else "")),
    )


_DOCUMENT = (
    "name", "title", "about", "variants", "only", "grids", "budget", "tuning", "evaluation", "problems", "methods",
)  # fmt: skip
_METHOD = ("method", "preconditioner", "metric", "schedule", "clip", "warm", "local_steps")


def _chosen(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the rows of [[problems]], those of ``only`` where it is given."""
    rows = read_tables(document, "problems")
    if "only" not in document:
        return rows
    only = document["only"]
    if not isinstance(only, list):
        raise ValueError(f"only: {only!r} must be a list of problems' names")
    for name in only:
        choice("only", name, [str(row.get("name")) for row in rows])
    return [row for row in rows if row.get("name") in only]


def _check_size(
    problems: Sequence[Mapping[str, Any]],
    methods: Sequence[Mapping[str, Any]],
    grids: Mapping[str, Any],
    seeds: Mapping[str, int],
) -> None:
    """Refuse more trials than a store and a life can hold, before anything is expanded."""
    instances = sum(math.prod(map(len, _lists(row).values())) for row in problems)
    rows = [(math.prod(map(len, _lists(row).values())), _settings(grids.get(str(row.get("grid"))))) for row in methods]
    tuning = instances * sum(count * settings for count, settings in rows) * seeds["tuning"]
    trials = tuning + instances * sum(count for count, _ in rows) * seeds["evaluation"]
    if trials > MOST_TRIALS:
        raise ValueError(f"study: {trials:,} trials, at most {MOST_TRIALS:,} are run")


def _settings(grid: Any) -> int:
    """Return how many settings a grid has, 0 for what is none (and is refused later)."""
    lists = [grid.get(name) for name in ("penalties", "rhos") if name in grid] if isinstance(grid, Mapping) else [[]]
    counts = [entry.get("count") if isinstance(entry, Mapping) else entry for entry in lists]
    return math.prod(
        count if isinstance(count, int) else len(count) if isinstance(count, list) else 1 for count in counts
    )


def _problems(row: Mapping[str, Any]) -> Iterator[ProblemSpec]:
    """Yield the problems of one row: one for each combination of what ``vary`` lists."""
    for suffix, settings in _varied(row):
        fixed = {key: value for key, value in settings.items() if key not in _PROBLEM}
        batch = settings.get("batch")
        yield ProblemSpec(
            name=read_word(settings, "name") + suffix,
            title=str(settings.get("title", settings["name"])) + suffix,
            settings=fixed,
            batch=None if batch is None else whole("problems.batch", batch, at_least=1),
            outcome=read_word(settings, "outcome", "objective"),
            score=read_word(settings, "score") if settings.get("score", "") != "" else "",
            data_sha256=file_sha256(fixed.get("data")),
            own_sha256=own_sha256(fixed.get("family"), fixed.get("model")),
        )


_PROBLEM = ("name", "title", "batch", "outcome", "score")


def _methods(row: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[MethodSpec]:
    """Yield the methods of one row: one for each combination of what ``vary`` lists."""
    for suffix, settings in _varied(row):
        check_known(settings, ("name", "grid", *_METHOD), "[[methods]]")
        name = read_word(settings, "name") + suffix
        try:
            yield _method(name, settings, read_table(document, "grids"))
        except ValueError as error:
            raise ValueError(f"methods: {name!r}: {error}") from error


def _method(name: str, settings: Mapping[str, Any], grids: Mapping[str, Any]) -> MethodSpec:
    grid = read_table(grids, choice("grid", settings.get("grid"), tuple(grids)))
    check_known(grid, ("penalties", "rhos"), "[grids]")
    method, schedule = read_word(settings, "method", "pisa"), read_word(settings, "schedule", "constant")
    preconditioner, metric = (
        read_word(settings, part) if settings.get(part, "") != "" else "" for part in ("preconditioner", "metric")
    )
    clip, warm = settings.get("clip"), settings.get("warm", False)
    if not isinstance(warm, bool):
        raise ValueError(f"warm: {warm!r} must be true or false")
    specs.schedule(schedule)
    if preconditioner:
        specs.preconditioner_row(preconditioner)
    if metric:
        specs.metric_row(metric)
    given = {"preconditioner": bool(preconditioner), "schedule": schedule != "constant", "warm": warm}
    more = {
        "metric": bool(metric),
        "clip": clip is not None,
        "rho": "rhos" in grid,
        "local_steps": "local_steps" in settings,
    }
    specs.check_options(method, given | more)
    return MethodSpec(
        name=name,
        method=method,
        preconditioner=preconditioner,
        metric=metric,
        schedule=schedule,
        clip=None if clip is None else real("clip", clip, above=0.0),
        warm=warm,
        local_steps=read_whole("local_steps", settings.get("local_steps", 5), 1, 10**6),
        penalties=read_numbers("penalties", grid.get("penalties"), above=0.0),
        rhos=read_numbers("rhos", grid["rhos"], at_least=0.0) if "rhos" in grid else (),
        own_sha256=own_sha256(method, preconditioner, metric),
    )


def _varied(row: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (suffix of the name, settings) for each combination of the lists in ``vary``."""
    fixed, lists = {key: value for key, value in row.items() if key != "vary"}, _lists(row)
    for values in itertools.product(*lists.values()):
        changed = dict(zip(lists, values, strict=True))
        yield "".join(f", {key} {value}" for key, value in changed.items()), fixed | changed


def _lists(row: Mapping[str, Any]) -> Mapping[str, list[Any]]:
    lists = read_table(row, "vary")
    for key, values in lists.items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"vary.{key}: {values!r} must be a list of what to try")
    return lists


def _seeds(name: str, table: Mapping[str, Any], first: int, count: int) -> range:
    seeds = whole(f"{name}.seeds", table.get("seeds", count), at_least=1)
    start = read_whole(f"{name}.first_seed", table.get("first_seed", first), 0, _LAST_SEED - seeds)
    return range(start, start + seeds)
