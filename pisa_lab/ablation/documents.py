"""Studies read from TOML: variants merged, grids expanded, every entry checked."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pisa_lab._checks import choice, real, whole
from pisa_lab.ablation.study import FULL, UNITS, MethodSpec, ProblemSpec, Study


def read_study(path: str | Path, variant: str = FULL) -> Study:
    """Return the study in the TOML file at ``path``.

    Raises:
        ValueError: the file cannot be read, is not TOML, or does not describe a study; the message says where.
    """
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"study: {str(path)!r} cannot be read ({error})") from error
    return study_from(document, variant)


def study_from(document: Mapping[str, Any], variant: str = FULL) -> Study:
    """Return the study that ``document`` describes, in the ``variant`` asked for.

    A table ``[variants.NAME]`` says what differs there: tables are merged, everything else is replaced.

    Raises:
        ValueError: an unknown variant, a missing or unknown entry, or a number outside its domain.
    """
    variants = _table(document, "variants")
    choice("variant", variant, (FULL, *variants))
    merged = _merged(document, _table(variants, variant))
    _known(merged, _DOCUMENT, "the study")
    budget, tuning, evaluation = (_table(merged, name) for name in ("budget", "tuning", "evaluation"))
    _known(budget, ("unit", "amount", "records"), "[budget]")
    _known(tuning, ("measure", "first_seed", "seeds"), "[tuning]")
    _known(evaluation, ("first_seed", "seeds", "instances", "replicates", "reference"), "[evaluation]")
    chosen = [row for row in merged.get("problems", ()) if row.get("name") in merged.get("only", [row.get("name")])]
    methods = tuple(itertools.chain.from_iterable(_methods(row, merged) for row in merged.get("methods", ())))
    return Study(
        name=_text(merged, "name"),
        title=str(merged.get("title", merged.get("name", ""))),
        variant=variant,
        problems=tuple(itertools.chain.from_iterable(map(_problems, chosen))),
        methods=methods,
        unit=choice("budget.unit", budget.get("unit", "gradients"), UNITS),
        amount=whole("budget.amount", budget.get("amount"), at_least=1),
        records=whole("budget.records", budget.get("records", 20), at_least=2),
        tuning_measure=str(tuning.get("measure", "validation")),
        tuning_seeds=_seeds("tuning", tuning, 1_000_000, 1),
        seeds=_seeds("evaluation", evaluation, 0, 20),
        instances=whole("evaluation.instances", evaluation.get("instances", evaluation.get("seeds", 20)), at_least=1),
        replicates=whole("evaluation.replicates", evaluation.get("replicates", 40), at_least=1),
        reference=str(evaluation.get("reference", methods[0].name if methods else "")),
    )


_DOCUMENT = (
    "name", "title", "about", "variants", "only", "grids", "budget", "tuning", "evaluation", "problems", "methods",
)  # fmt: skip
_METHOD = ("method", "preconditioner", "schedule", "clip", "warm", "local_steps")


def _problems(row: Mapping[str, Any]) -> Iterator[ProblemSpec]:
    """Yield the problems of one row: one for each combination of what ``vary`` lists."""
    for suffix, settings in _varied(row, "problem"):
        name = _text(settings, "name") + suffix
        fixed = {key: value for key, value in settings.items() if key not in _PROBLEM}
        batch = settings.get("batch")
        yield ProblemSpec(
            name=name,
            title=str(settings.get("title", settings["name"])) + suffix,
            settings=fixed,
            batch=None if batch is None else whole("problems.batch", batch, at_least=1),
            outcome=str(settings.get("outcome", "objective")),
            score=str(settings.get("score", "")),
        )


_PROBLEM = ("name", "title", "batch", "outcome", "score")


def _methods(row: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[MethodSpec]:
    """Yield the methods of one row: one for each combination of what ``vary`` lists."""
    grids = _table(document, "grids")
    for suffix, settings in _varied(row, "method"):
        _known(settings, ("name", "grid", *_METHOD), "[[methods]]")
        name = _text(settings, "name")
        grid = _table(grids, choice("grid", settings.get("grid"), tuple(grids)))
        _known(grid, ("penalties", "rhos"), "[grids]")
        clip = settings.get("clip")
        yield MethodSpec(
            name=name + suffix,
            method=str(settings.get("method", "pisa")),
            preconditioner=str(settings.get("preconditioner", "")),
            schedule=str(settings.get("schedule", "constant")),
            clip=None if clip is None else real("methods.clip", clip, above=0.0),
            warm=bool(settings.get("warm", False)),
            local_steps=whole("methods.local_steps", settings.get("local_steps", 5), at_least=1),
            penalties=_numbers("penalties", grid.get("penalties"), above=0.0),
            rhos=_numbers("rhos", grid["rhos"], at_least=0.0) if "rhos" in grid else (),
        )


def _varied(row: Mapping[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (suffix of the name, settings) for each combination of the lists in ``vary``."""
    if not isinstance(row, Mapping):
        raise ValueError(f"{kind}s: {row!r} must be a table")
    fixed = {key: value for key, value in row.items() if key != "vary"}
    lists = _table(row, "vary")
    for values in itertools.product(*lists.values()):
        changed = dict(zip(lists, values, strict=True))
        yield "".join(f", {key} {value}" for key, value in changed.items()), fixed | changed


def _numbers(name: str, value: Any, **interval: float) -> tuple[float, ...]:
    """Return a list of numbers, or the geometric sequence that {from, to, count} means, rounded to 4 digits."""
    if isinstance(value, Mapping):
        _known(value, ("from", "to", "count"), f"[grids] {name}")
        low, high = (real(f"{name}.{end}", value.get(end), above=0.0) for end in ("from", "to"))
        count = whole(f"{name}.count", value.get("count"), at_least=2)
        value = [float(f"{low * (high / low) ** (place / (count - 1)):.4g}") for place in range(count)]
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ValueError(f"{name}: {value!r} must be a list of numbers or {{from, to, count}}")
    numbers = tuple(real(name, number, **interval) for number in value)
    if sorted(set(numbers)) != list(numbers):
        raise ValueError(f"{name}: {list(numbers)} must rise")
    return numbers


def _seeds(name: str, table: Mapping[str, Any], first: int, count: int) -> tuple[int, ...]:
    start = whole(f"{name}.first_seed", table.get("first_seed", first))
    return tuple(range(start, start + whole(f"{name}.seeds", table.get("seeds", count), at_least=1)))


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name, {})
    if not isinstance(value, Mapping):
        raise ValueError(f"{name}: {value!r} must be a table")
    return value


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
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
