"""A finding as a row: what the table, the JSON file, the Markdown table and the report page say of a claim."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pisa_lab.cli.output import plain
from pisa_lab.stamp import stamp
from proofs_check import mathematics
from proofs_check.claim import Claim, Finding
from proofs_check.formal import THEOREMS, Manifest, strength

ROOT = mathematics.PATH.parents[1]
"""The checkout's folder."""


def finding_row(finding: Finding, witness: Path | None, manifest: Manifest) -> dict[str, Any]:
    """Return the row of ``finding`` in the table and in --json, with the stamp of this build."""
    claim, evidence = finding.claim, finding.evidence
    return {
        "name": claim.name,
        "kind": claim.kind,
        "provenance": claim.provenance,
        "strength": strength(claim, evidence.verdict, manifest),
        "expected": str(claim.expected),
        "verdict": str(evidence.verdict),
        "margin": evidence.margin,
        "seconds": finding.seconds,
        "witness": None if witness is None else witness.as_posix(),
        "detail": evidence.detail,
        "seed": finding.seed,
        "effort": finding.effort,
        **stamp(),
    }


def report_row(finding: Finding, row: Mapping[str, Any], manifest: Manifest, folder: Path) -> dict[str, Any]:
    """Return ``row`` with all that the report page in ``folder`` shows of a claim, as JSON values."""
    claim, evidence = finding.claim, finding.evidence
    place = mathematics.place_of(claim)
    return {
        **row,
        **{name: plain(getattr(claim, name)) for name in ("statement", "latex", "hypotheses", "source")},
        **{name: plain(getattr(evidence, name)) for name in ("numbers", "instance", "figure", "steps")},
        "group": mathematics.GROUPS[mathematics.group_of(claim)],
        "place": place,
        "link": mathematics_link(place, folder) if place else "",
        "theorems": theorems_of(claim, manifest, folder) if row["strength"] == "kernel" else [],
    }


def theorems_of(claim: Claim, manifest: Manifest, folder: Path) -> list[dict[str, Any]]:
    """Return the Coq theorems that state ``claim``: name, file, line, statement, axioms, and the link from ``folder``.

    A theorem that the manifest does not know is left out.
    """
    found = [(name, manifest.theorems[name]) for name in THEOREMS.get(claim.name, ()) if name in manifest.theorems]
    return [
        {
            "name": name,
            "file": theorem.file,
            "line": theorem.line,
            "statement": theorem.statement,
            "axioms": list(theorem.axioms),
            "link": f"{relative(ROOT / theorem.file, folder)}#L{theorem.line}",
        }
        for name, theorem in found
    ]


def mathematics_link(anchor: str, folder: Path) -> str:
    """Return the link from a page in ``folder`` to an anchor of MATHEMATICS.md."""
    return f"{relative(mathematics.PATH, folder)}#{anchor}"


def relative(path: Path, folder: Path) -> str:
    """Return the way from ``folder`` to ``path`` as a link writes it."""
    return Path(os.path.relpath(path, folder.resolve())).as_posix()
