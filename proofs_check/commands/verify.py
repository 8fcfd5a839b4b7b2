"""``pisa-lab verify``: check the claims, print the table of verdicts, keep witnesses, write JSON and the report."""

import contextlib
import dataclasses
import importlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pisa_lab import specs
from pisa_lab._checks import choice, whole
from pisa_lab.cli.markdown import check_marked
from pisa_lab.cli.output import plain, writable, writable_folder, write_json, write_text
from pisa_lab.cli.tables import Column, console, number, print_table
from pisa_lab.progress import bar
from pisa_lab.stamp import stamp
from proofs_check import mathematics
from proofs_check.claim import KINDS, PROVENANCES, Claim, Evidence, Finding
from proofs_check.commands.claim_rows import finding_row, report_row
from proofs_check.commands.claims_table import write_claims
from proofs_check.commands.findings import keep_findings
from proofs_check.commands.selection import chosen
from proofs_check.formal import Manifest, read_manifest

WITNESSES = Path(".pisa_lab") / "witnesses"
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
STYLES = {
    "PROVED": "blue",
    "SUPPORTED": "green",
    "REFUTED": "dark_orange3",
    "INCONCLUSIVE": "yellow",
    "INAPPLICABLE": "dim",
}


def _tone(row: Any) -> str:
    return STYLES[row["verdict"]] if row["verdict"] == row["expected"] else "bold white on red"


COLUMNS = (
    Column("name", "name"),
    Column("strength", "strength", lambda strength: strength or "—"),
    Column("kind", "kind"),
    Column("provenance", "provenance"),
    Column("verdict", "verdict", style=_tone),
    Column("expected", "expected"),
    Column("margin", "margin", number(), right=True),
    Column("seconds", "seconds", lambda seconds: f"{seconds:.2f}", right=True),
)


def command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="claims: names, prefixes, globs, MODULE:OBJECT")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="a minute's worth of trials (the default)")] = False,
    full: Annotated[bool, typer.Option("--full", help="ten minutes' worth of trials")] = False,
    kind: Annotated[str | None, typer.Option(help=f"only this kind: {', '.join(KINDS)}")] = None,
    provenance: Annotated[str | None, typer.Option(help=f"only this provenance: {', '.join(PROVENANCES)}")] = None,
    seed: Annotated[int, typer.Option(help="of every random trial")] = 0,
    jobs: Annotated[int | None, typer.Option(help="processes; 2 where there are two cores")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="write the rows there")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="write the table there, between its claims:begin and :end")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="write DIR/index.html, one page for all")] = None,
) -> int:
    """Return 0 when every verdict is the expected one, 1 otherwise."""
    if quick and full:
        raise ValueError("--quick: excludes --full")
    claims = chosen(names or [], _filtered(kind, provenance))
    count = min(whole("--jobs", _default_jobs() if jobs is None else jobs, at_least=1), len(claims))
    # A worker finds claims in the table, where those of the user's own are not.
    count = 1 if any(map(specs.is_own, names or [])) else count
    whole("--seed", seed)
    writable("--json", json_file)
    check_marked("--markdown", markdown, "claims")
    folder = WITNESSES if report is None else report / "witnesses"
    if report is not None:
        writable_folder("--report", report)
    writable_folder("--report" if report else "witnesses", folder)
    effort = "full" if full else "quick"
    findings, manifest = list(_checked(claims, seed, effort, count)), read_manifest()
    rows = [finding_row(finding, keep_witness(finding, folder), manifest) for finding in findings]
    keep_findings(rows, folder.with_name("findings.json"))
    if json_file is not None:
        write_json(json_file, rows)
    if markdown is not None:
        write_claims(markdown, claims, rows, manifest, caption=f"pisa-lab verify --{effort}, seed {seed}")
    if report is not None:
        _write_report(findings, rows, manifest, report)
    print_table(rows, COLUMNS)
    _print_summary(findings)
    return 0 if all(finding.as_expected for finding in findings) else 1


def keep_witness(finding: Finding, folder: Path) -> Path | None:
    """Write the witness of ``finding``, if it has one, and return its path."""
    from proofs_check.witness import write_witness

    if finding.evidence.instance is None:
        return None
    path = folder / f"{finding.claim.name}.json"
    write_witness(finding, path)
    return path


def _filtered(kind: str | None, provenance: str | None) -> list[Claim]:
    from proofs_check import table

    if kind is not None:
        choice("--kind", kind, KINDS)
    if provenance is not None:
        choice("--provenance", provenance, PROVENANCES)
    return [claim for claim in table.CLAIMS if kind in (None, claim.kind) and provenance in (None, claim.provenance)]


def _default_jobs() -> int:
    return min(2, os.cpu_count() or 1)


def _checked(claims: Sequence[Claim], seed: int, effort: str, jobs: int) -> Iterator[Finding]:
    """Yield the findings in the order of ``claims``, one thread each, behind a bar on standard error."""
    from joblib import Parallel, delayed

    with _one_thread(), bar("verify", len(claims)) as tick:
        if jobs == 1:
            answers = (_evidence(claim, seed, effort) for claim in claims)
        else:
            pool = Parallel(n_jobs=jobs, batch_size=1, return_as="generator")
            answers = pool(delayed(_evidence_by_name)(claim.name, seed, effort) for claim in claims)
        tick(0, what=claims[0].name)
        for place, (claim, (evidence, seconds)) in enumerate(zip(claims, answers, strict=True), 1):
            tick(place, what=claims[min(place, len(claims) - 1)].name)
            yield Finding(claim, evidence, seconds, seed, effort)


def _evidence_by_name(name: str, seed: int, effort: str) -> tuple[Evidence, float]:
    """Check a claim in a worker, which finds it in the table: a claim's functions need not be picklable."""
    from proofs_check import table

    with _one_thread():
        return _evidence(table.by_name(name), seed, effort)


def _evidence(claim: Claim, seed: int, effort: str) -> tuple[Evidence, float]:
    finding = claim.run(seed, effort)
    found = finding.evidence
    data = {name: plain(getattr(found, name)) for name in ("margin", "numbers", "instance", "figure", "steps")}
    return dataclasses.replace(found, **data), finding.seconds


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Keep linear algebra to one thread: what is loaded by now through threadpoolctl, what comes by the environment."""
    for name in THREADS:
        os.environ.setdefault(name, "1")
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError):
            stack.enter_context(importlib.import_module("threadpoolctl").threadpool_limits(1))
        yield


def _print_summary(findings: Sequence[Finding]) -> None:
    out = console()
    counts = Counter(str(finding.evidence.verdict).lower() for finding in findings)
    strange = [finding for finding in findings if not finding.as_expected]
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    ending = "all as expected" if not strange else f"{len(strange)} not as expected"
    out.print(f"\n{len(findings)} claims: {verdicts}; {ending}", markup=False)
    if untried := [finding.claim.name for finding in findings if finding.is_untried]:
        out.print(f"not tried, for want of torch: {', '.join(untried)}", markup=False, style="yellow")
    for finding in strange:
        claim, found = finding.claim, finding.evidence
        reason = f"{claim.name}: {found.verdict}, expected {claim.expected}. {found.detail}"
        out.print(reason, markup=False, style="red")


def _write_report(
    findings: Sequence[Finding], rows: Sequence[dict[str, Any]], manifest: Manifest, folder: Path
) -> None:
    from pisa_lab.report import claims_page

    order = [*mathematics.GROUPS.values()]
    full = [report_row(finding, row, manifest, folder) for finding, row in zip(findings, rows, strict=True)]
    full.sort(key=lambda row: order.index(row["group"]))
    page = folder / "index.html"
    write_text(page, claims_page(full, stamp()))
    console().print(f"report: {page}", markup=False)
