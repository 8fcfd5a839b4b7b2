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
            method, preconditioner or schedule, or more than `MOST_TRIALS` trials.
    """
    _check_values(document, "")
    variants = {name: _table(_table(document, "variants"), name) for name in _table(document, "variants")}
    choice("variant", variant, (FULL, *variants))
    merged = _merged(document, variants.get(variant, {}))
    _known(merged, _DOCUMENT, "the study")
    budget, tuning, evaluation = (_table(merged, name) for name in ("budget", "tuning", "evaluation"))
    _known(budget, ("unit", "amount", "records"), "[budget]")
    _known(tuning, ("measure", "first_seed", "seeds"), "[tuning]")
    _known(evaluation, ("first_seed", "seeds", "instances", "replicates", "reference"), "[evaluation]")
    seeds = {"tuning": _seeds("tuning", tuning, 1_000_000, 1), "evaluation": _seeds("evaluation", evaluation, 0, 20)}
    problems, methods = _chosen(merged), _tables(merged, "methods")
    _check_size(problems, methods, _table(merged, "grids"), {name: len(range_) for name, range_ in seeds.items()})
    unit = choice("budget.unit", budget.get("unit", "gradients"), UNITS)
    expanded = tuple(itertools.chain.from_iterable(_methods(row, merged) for row in methods))
    count = len(seeds["evaluation"])
    return Study(
        name=_text(merged, "name"),
        title=str(merged.get("title", merged.get("name", ""))),
        variant=variant,
        problems=tuple(itertools.chain.from_iterable(map(_problems, problems))),
        methods=expanded,
        unit=unit,
        amount=_up_to("budget.amount", budget.get("amount"), 1, _MOST[unit]),
        records=_up_to("budget.records", budget.get("records", 20), 2, 10_000),
        tuning_measure=_text(tuning, "measure", "validation"),
        tuning_seeds=tuple(seeds["tuning"]),
        seeds=tuple(seeds["evaluation"]),
        instances=whole("evaluation.instances", evaluation.get("instances", count), at_least=1),
        replicates=whole("evaluation.replicates", evaluation.get("replicates", 40), at_least=1),
        reference=str(evaluation.get("reference", expanded[0].name if expanded else "")),
    )


_DOCUMENT = (
    "name", "title", "about", "variants", "only", "grids", "budget", "tuning", "evaluation", "problems", "methods",
)  # fmt: skip
_METHOD = ("method", "preconditioner", "schedule", "clip", "warm", "local_steps")


def _check_values(value: Any, name: str) -> None:
    """Refuse what no setting can be: dates, times, NaN and infinities."""
    if isinstance(value, Mapping):
        for key, entry in value.items():
            _check_values(entry, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for entry in value:
            _check_values(entry, name)
    elif not isinstance(value, str | int | float):
        raise ValueError(f"{name}: {str(value)!r} must be a number, a word, a list or a table")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name}: {value!r} is not a finite number")


def _chosen(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the rows of [[problems]], those of ``only`` where it is given."""
    rows = _tables(document, "problems")
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
            name=_text(settings, "name") + suffix,
            title=str(settings.get("title", settings["name"])) + suffix,
            settings=fixed,
            batch=None if batch is None else whole("problems.batch", batch, at_least=1),
            outcome=_text(settings, "outcome", "objective"),
            score=_text(settings, "score") if settings.get("score", "") != "" else "",
            data_sha256=file_sha256(fixed.get("data")),
            own_sha256=own_sha256(fixed.get("family"), fixed.get("model")),
        )


_PROBLEM = ("name", "title", "batch", "outcome", "score")


def _methods(row: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[MethodSpec]:
    """Yield the methods of one row: one for each combination of what ``vary`` lists."""
    for suffix, settings in _varied(row):
        _known(settings, ("name", "grid", *_METHOD), "[[methods]]")
        name = _text(settings, "name") + suffix
        try:
            yield _method(name, settings, _table(document, "grids"))
        except ValueError as error:
            raise ValueError(f"methods: {name!r}: {error}") from error


def _method(name: str, settings: Mapping[str, Any], grids: Mapping[str, Any]) -> MethodSpec:
    grid = _table(grids, choice("grid", settings.get("grid"), tuple(grids)))
    _known(grid, ("penalties", "rhos"), "[grids]")
    method, schedule = _text(settings, "method", "pisa"), _text(settings, "schedule", "constant")
    preconditioner = _text(settings, "preconditioner") if settings.get("preconditioner", "") != "" else ""
    clip, warm = settings.get("clip"), settings.get("warm", False)
    if not isinstance(warm, bool):
        raise ValueError(f"warm: {warm!r} must be true or false")
    specs.schedule(schedule)
    if preconditioner:
        specs.preconditioner_row(preconditioner)
    given = {"preconditioner": bool(preconditioner), "schedule": schedule != "constant", "warm": warm}
    more = {"clip": clip is not None, "rho": "rhos" in grid, "local_steps": "local_steps" in settings}
    specs.check_options(method, given | more)
    return MethodSpec(
        name=name,
        method=method,
        preconditioner=preconditioner,
        schedule=schedule,
        clip=None if clip is None else real("clip", clip, above=0.0),
        warm=warm,
        local_steps=_up_to("local_steps", settings.get("local_steps", 5), 1, 10**6),
        penalties=_numbers("penalties", grid.get("penalties"), above=0.0),
        rhos=_numbers("rhos", grid["rhos"], at_least=0.0) if "rhos" in grid else (),
        own_sha256=own_sha256(method, preconditioner),
    )


def _varied(row: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (suffix of the name, settings) for each combination of the lists in ``vary``."""
    fixed, lists = {key: value for key, value in row.items() if key != "vary"}, _lists(row)
    for values in itertools.product(*lists.values()):
        changed = dict(zip(lists, values, strict=True))
        yield "".join(f", {key} {value}" for key, value in changed.items()), fixed | changed


def _lists(row: Mapping[str, Any]) -> Mapping[str, list[Any]]:
    lists = _table(row, "vary")
    for key, values in lists.items():
        if not isinstance(values, list) or not values:
            raise ValueError(f"vary.{key}: {values!r} must be a list of what to try")
    return lists


def _numbers(name: str, value: Any, **interval: float) -> tuple[float, ...]:
    """Return a list of numbers, or the geometric sequence that {from, to, count} means, rounded to 4 digits."""
    if isinstance(value, Mapping):
        _known(value, ("from", "to", "count"), f"[grids] {name}")
        low, high = (real(f"{name}.{end}", value.get(end), above=0.0) for end in ("from", "to"))
        count = _up_to(f"{name}.count", value.get("count"), 2, MOST_TRIALS)
        value = [float(f"{low * (high / low) ** (place / (count - 1)):.4g}") for place in range(count)]
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ValueError(f"{name}: {value!r} must be a list of numbers or {{from, to, count}}")
    numbers = tuple(real(name, number, **interval) for number in value)
    if sorted(set(numbers)) != list(numbers):
        raise ValueError(f"{name}: {list(numbers)} must rise")
    return numbers


def _seeds(name: str, table: Mapping[str, Any], first: int, count: int) -> range:
    seeds = whole(f"{name}.seeds", table.get("seeds", count), at_least=1)
    start = _up_to(f"{name}.first_seed", table.get("first_seed", first), 0, _LAST_SEED - seeds)
    return range(start, start + seeds)


def _up_to(name: str, value: Any, least: int, most: int) -> int:
    if whole(name, value, at_least=least) > most:
        raise ValueError(f"{name}: {value!r} must be at most {most}")
    return int(value)


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name, {})
    if not isinstance(value, Mapping):
        raise ValueError(f"{name}: {value!r} must be a table")
    return value


def _tables(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
        raise ValueError(f"{name}: must be tables, each under [[{name}]] in double brackets")
    return value


def _text(document: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = document.get(name, default)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: {value!r} must be a word")
    return value


def _known(table: Mapping[str, Any], allowed: Sequence[str], where: str) -> None:
    unknown = [name for name in table if name not in allowed]
    if unknown:
        raise ValueError(f"{unknown[0]}: not an entry of {where}, which has {', '.join(allowed)}")


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for name, value in changes.items():
        old = result.get(name)
        both = isinstance(old, Mapping) and isinstance(value, Mapping) and not {"from", "to"} & set(value)
        result[name] = _merged(old, value) if both else value  # type: ignore[arg-type]
    return result
