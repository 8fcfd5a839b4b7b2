"""``pisa-lab worst-case``: the exact worst case of PISA after N moves, with its certificate."""

import importlib.util
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from pisa_lab._checks import whole
from pisa_lab.cli.output import writable, write_json
from pisa_lab.cli.tables import Column, number, print_table
from pisa_lab.stamp import stamp
from problems.commands.configuration import named
from proofs_check.certified.certificate import bound_of
from proofs_check.certified.rows import Found, worst_case, write_certificate

MOST_ROUNDS = 100
"""N = 60 takes a minute or two, and the time grows like N⁴."""
MOST_CLIENTS = 1000
_SAME = (
    "sigma",
    "gamma",
    "rounds",
    "clients",
    "rho",
    "ridge",
    "order",
    "metric",
    "initial",
    "modulus",
    "heterogeneity",
)
_OPTIONS = {name: f"--{name}" for name in _SAME} | {"function_class": "--class", "setting": "--certificate"}

COLUMNS = (
    Column("class", "class"),
    Column("clients", "clients", right=True),
    Column("rounds", "rounds", right=True),
    Column("sigma", "sigma", lambda value: _words(value), right=True),
    Column("rho", "rho", lambda value: _words(value), right=True),
    Column("gamma", "gamma", number(), right=True),
    Column("ridge", "ridge", number(), right=True),
    Column("value", "value", number(7), right=True),
    Column("status", "status"),
    Column("seconds", "seconds", lambda seconds: f"{seconds:.2f}", right=True),
)


def command(
    function_class: Annotated[
        str, typer.Option("--class", help="of every F_i: nonconvex, convex or strongly-convex; L = 1")
    ] = "nonconvex",
    sigma: Annotated[str, typer.Option(help="penalty σ⁰ in units of L: one number, or one per client as 1,3")] = "2",
    gamma: Annotated[
        str,
        typer.Option(
            help="ratio γ: σ^k = σ⁰/γ^k; the first gradient uses σ⁰/γ in the order before_solve, σ⁰ in after_solve"
        ),
    ] = "1",
    rounds: Annotated[int, typer.Option(help="N, moves counted from w⁰, the point of the first gradient")] = 10,
    clients: Annotated[int, typer.Option(help="m, of equal weight")] = 1,
    rho: Annotated[str, typer.Option(help="ρ with Q = I: one number, or one per client as 0,2")] = "0",
    ridge: Annotated[str, typer.Option(help="λ")] = "0",
    warm: Annotated[bool, typer.Option("--warm", help="start from π_i = −∇F_i(w⁰) instead of 0")] = False,
    order: Annotated[
        str, typer.Option(help="when σ grows: before_solve or after_solve, the mixed order")
    ] = "before_solve",
    metric: Annotated[
        str, typer.Option(help="min_gradient, last_gradient (both squared) or last_value")
    ] = "min_gradient",
    initial: Annotated[str, typer.Option(help="value: F(w⁰) − inf F ≤ 1; distance: ‖w⁰ − w*‖² ≤ 1")] = "value",
    modulus: Annotated[str, typer.Option(help="μ of the strongly convex class")] = "0",
    heterogeneity: Annotated[
        str | None, typer.Option(help="ζ² with Σα_i‖∇F_i − ∇F‖² ≤ ζ² at every iterate; none by default")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the rational certificate there")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the row there")] = None,
) -> int:
    """Return 0 when the program was solved or shown to be unbounded, 1 when the solver failed."""
    missing = [name for name in ("clarabel", "scipy") if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(f"worst-case: needs {' and '.join(missing)}; pip install -e '.[certify,lab]'")
    writable("--certificate", certificate)
    writable("--json", json_file)
    _check_size(rounds, clients)
    with named(_OPTIONS):
        found = worst_case(
            function_class,
            sigma=_numbers("--sigma", sigma),
            gamma=_numbers("--gamma", gamma),
            rounds=rounds,
            clients=clients,
            rho=_numbers("--rho", rho),
            ridge=_numbers("--ridge", ridge),
            warm=warm,
            order=order,
            metric=metric,
            initial=initial,
            modulus=_numbers("--modulus", modulus),
            heterogeneity=None if heterogeneity is None else _numbers("--heterogeneity", heterogeneity),
        )
    if json_file is not None:
        write_json(json_file, [found.row | stamp()])
    _tell(found, certificate)
    return 0 if found.row["status"] in ("solved", "unbounded") else 1


def _check_size(rounds: int, clients: int) -> None:
    """Refuse what would take hours without a word."""
    if whole("--rounds", rounds, at_least=1) > MOST_ROUNDS:
        raise ValueError(f"--rounds: {rounds} must be at most {MOST_ROUNDS}; the program has N² inequalities")
    if whole("--clients", clients, at_least=1) > MOST_CLIENTS:
        raise ValueError(f"--clients: {clients} must be at most {MOST_CLIENTS}")


def _tell(found: Found, certificate: Path | None) -> None:
    """Print the row, and write and print the certificate where one is asked for."""
    text, refusal = None, None
    if certificate is not None:
        try:
            with named(_OPTIONS):
                text = write_certificate(found.setting, certificate)
        except ValueError as error:
            # The value is found all the same, and is shown before what could not be made of it.
            refusal = error
    print_table([found.row], COLUMNS)
    if refusal is not None:
        raise refusal
    if text is not None:
        print(f"certificate: {certificate}: {json.loads(text)['statement']}")
        print(_looseness(float(bound_of(text)), found.row["value"]))


def _looseness(bound: float, value: float) -> str:
    """Return in words how far the proved bound is above the worst case."""
    return f"the proved bound, {bound:.7g}, is {max(bound / value - 1, 0.0):.2%} above the worst case"


def _numbers(option: str, text: str) -> Any:
    """Return one number as its own text, or a tuple of them from a list with commas; they stay exact."""
    from fractions import Fraction

    entries = tuple(entry.strip() for entry in text.split(","))
    try:
        values = tuple(Fraction(entry) for entry in entries)
        beyond = any(value and not 1e-150 < abs(float(value)) < 1e150 for value in values)
    except (ValueError, ZeroDivisionError) as error:
        raise ValueError(f"{option}: {text!r} is not a number, or numbers with commas between") from error
    except OverflowError:
        beyond = True
    if beyond:
        raise ValueError(f"{option}: {text[:40]!r} is beyond what a solver can hold, 1e-150 to 1e150")
    return values[0] if len(values) == 1 else values


def _words(value: Any) -> str:
    return ", ".join(f"{entry:g}" for entry in value) if isinstance(value, list) else f"{value:g}"
