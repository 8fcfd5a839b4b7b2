"""``pisa-lab explain``: all that is known of a claim: statement, hypotheses, strength, proof files, how to rerun it."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from pisa_lab.cli.output import plain, writable, write_json
from pisa_lab.cli.tables import console, number
from proofs_check import mathematics, table
from proofs_check.certified.catalogue import THEOREMS as CERTIFICATES
from proofs_check.claim import Claim
from proofs_check.commands.claim_rows import ROOT, theorems_of
from proofs_check.commands.findings import read_findings
from proofs_check.commands.selection import chosen
from proofs_check.commands.verify import WITNESSES
from proofs_check.formal import THEOREMS, Manifest, read_manifest, strength
from proofs_check.witness import FOLDER

WIDTH = 116
_TIES = ("formal", "theorems.py")
MEANINGS = {
    "kernel": "the statement is a theorem that Coq's kernel checked from the definitions",
    "exact": "facts hold in exact arithmetic; the argument from them to the statement is in words beside them",
    "measured": "runs",
}


def command(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="claims: names, prefixes or globs")],
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the answers there")] = None,
) -> int:
    """Return 0; nothing is checked."""
    claims = chosen(names, table.CLAIMS)
    writable("--json", json_file)
    manifest, findings = read_manifest(), read_findings()
    answers = [explain(claim, manifest, findings.get(claim.name)) for claim in claims]
    for answer in answers:
        _print(answer)
    if json_file is not None:
        write_json(json_file, answers)
    return 0


def explain(claim: Claim, manifest: Manifest, finding: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what is known of ``claim``, as JSON values; paths are from the checkout's folder."""
    sections = mathematics.read_sections()
    shipped, own = FOLDER / f"{claim.name}.json", WITNESSES / f"{claim.name}.json"
    theorems = theorems_of(claim, manifest, ROOT)
    answer = {name: plain(getattr(claim, name)) for name in ("name", "statement", "latex", "hypotheses")}
    return answer | {
        "provenance": claim.provenance,
        "kind": claim.kind,
        "strength": strength(claim, manifest=manifest),
        "expected": str(claim.expected),
        "finding": None if finding is None else dict(finding),
        "source": claim.source,
        "sections": [
            {"title": one.title, "file": _from_root(mathematics.PATH), "line": one.line, "anchor": one.anchor}
            for one in (sections[anchor] for anchor in mathematics.cited_anchors(claim.source) if anchor in sections)
        ],
        "code": _rows_of(claim.name),
        "coq": [{key: value for key, value in one.items() if key != "link"} for one in theorems],
        "not_checked": [] if manifest.covers(claim) or claim.name not in THEOREMS else _reasons(manifest),
        "certificates": [_from_root(one.path) for one in CERTIFICATES if one.claim == claim.name],
        "witness": _from_root(shipped) if shipped.is_file() else own.as_posix() if own.is_file() else None,
        "rerun": _commands(claim, shipped.is_file(), own),
    }


def _reasons(manifest: Manifest) -> list[str]:
    return list(manifest.stale) or ["the claim's words or theorems are not those of the last build: run make formal"]


def _rows_of(name: str) -> list[dict[str, Any]]:
    """Return where the Python sources of the proofs name the claim: the row of the table, and its proof beside it."""
    word = f'"{name}"'
    return [
        {"file": file, "line": number}
        for file, lines in _sources()
        for number, line in enumerate(lines, 1)
        if word in line
    ]


@functools.cache
def _sources() -> list[tuple[str, list[str]]]:
    """Return the lines of the proofs' sources by file, but for the table that ties claims to Coq's theorems."""
    paths = (path for path in sorted((ROOT / "proofs_check").rglob("*.py")) if path.parts[-2:] != _TIES)
    return [(_from_root(path), path.read_text(encoding="utf-8").splitlines()) for path in paths]


def _from_root(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _commands(claim: Claim, shipped: bool, own: Path) -> list[str]:
    lines = [f"pisa-lab verify {claim.name}"]
    if shipped or own.is_file():
        lines.append(f"pisa-lab replay {claim.name if shipped else own.as_posix()}")
    for one in CERTIFICATES:
        if one.claim == claim.name:
            lines.append(f"python -m proofs_check.certified.checker {_from_root(one.path)}")
    if claim.name in THEOREMS:
        lines.append("make formal ARGS=--check")
    return lines


def _print(answer: Mapping[str, Any]) -> None:
    out = console(WIDTH)
    out.print(Text(answer["name"], style="bold"))
    _print_text(answer["statement"])
    _print_block("formula", [answer["latex"]] if answer["latex"] else [])
    _print_block("hypotheses", [f"· {line}" for line in answer["hypotheses"]])
    grade = answer["strength"]
    lines = [
        f"expected {answer['expected']} · {answer['kind']} · {answer['provenance']}",
        f"{grade}: {MEANINGS[grade]}" if grade else "nothing decided yet",
        *(f"Coq's theorem is not counted: {reason}" for reason in answer["not_checked"][:3]),
    ]
    _print_block("verdict and strength", lines)
    _print_block("last finding", _finding_lines(answer["finding"]))
    sections = [f"{one['file']}:{one['line']}  {one['title']}" for one in answer["sections"]]
    _print_block("mathematics", [f"source: {answer['source']}", *sections])
    _print_block("code", [f"{one['file']}:{one['line']}" for one in answer["code"]])
    for theorem in answer["coq"]:
        _print_block(f"Coq: {theorem['name']}, {theorem['file']}:{theorem['line']}", theorem["statement"].splitlines())
    _print_block("certificates", _few(answer["certificates"]))
    _print_block("witness", [answer["witness"]] if answer["witness"] else [])
    _print_block("run it again", _few(answer["rerun"]))


def _finding_lines(finding: Mapping[str, Any] | None) -> list[str]:
    if finding is None:
        return ["none kept here: pisa-lab verify keeps one"]
    margin = number()(finding.get("margin"))
    stamp = f"pisa_lab {finding.get('version')}, commit {finding.get('commit')}"
    return [f"{finding.get('verdict')}, margin {margin}, {finding.get('effort')}, {stamp}", str(finding.get("detail"))]


def _few(lines: Sequence[str], most: int = 4) -> list[str]:
    return list(lines) if len(lines) <= most else [*lines[:most], f"… and {len(lines) - most} more"]


def _print_block(title: str, lines: Iterable[str]) -> None:
    """Print ``lines`` under their title, or nothing where there are none."""
    found = list(lines)
    if found:
        console(WIDTH).print(Text(title, style="bold"))
        for line in found:
            _print_text(line)


def _print_text(line: str) -> None:
    indent = len(line) - len(line.lstrip())
    console(WIDTH).print(Padding(Text(line.strip(), overflow="fold"), (0, 0, 0, 2 + indent), expand=False))
