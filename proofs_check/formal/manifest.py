"""The record of the last build: what Coq printed of every theorem, and the hashes of all that it was built from."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proofs_check.claim import Claim, Verdict
from proofs_check.formal.theorems import THEOREMS

HERE = Path(__file__).parent
SOURCES = HERE / "coq"
CERTIFICATES = HERE.parent / "certified" / "certificates"
MANIFEST = HERE / "manifest.json"
REALS = (
    "ClassicalDedekindReals.sig_forall_dec",
    "ClassicalDedekindReals.sig_not_dec",
    "Classical_Prop.classic",
    "FunctionalExtensionality.functional_extensionality_dep",
)
"""The axioms of the classical real numbers in Coq's standard library, and the only ones allowed."""
STRENGTHS = ("kernel", "exact", "measured")
"""Checked by a proof assistant's kernel; facts in exact arithmetic, the argument in words beside them; runs."""


@dataclasses.dataclass(frozen=True)
class Theorem:
    """One theorem as Coq's kernel accepted it: its place, its statement in Coq's words, its module's axioms."""

    file: str
    line: int
    statement: str
    axioms: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A build of the sources.

    Args:
        coq: Coq's version, "" where nothing was built.
        sources: file → SHA-256 of what was compiled: every .v file, every certificate, the exporter.
        claims: claim → SHA-256 of the words that its theorems were compared with.
        theorems: "Module.name" → what Coq printed.
        stale: what was edited, added or lost since, in words; empty where the record is of this state.
    """

    coq: str
    sources: Mapping[str, str]
    claims: Mapping[str, str]
    theorems: Mapping[str, Theorem]
    stale: tuple[str, ...] = ()

    def covers(self, claim: Claim) -> bool:
        """Return whether every theorem of ``claim`` was checked in this state, on the axioms of the reals alone."""
        names = THEOREMS.get(claim.name, ())
        return (
            bool(names)
            and not self.stale
            and self.claims.get(claim.name) == words_hash(claim)
            and all(name in self.theorems and set(self.theorems[name].axioms) <= set(REALS) for name in names)
        )


def words_hash(claim: Claim) -> str:
    """Return the SHA-256 of all that a claim says and of the theorems' names: who edits it has to look again."""
    tied = THEOREMS.get(claim.name, ())
    words = [claim.statement, *claim.hypotheses, claim.latex, str(claim.expected), *tied]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def source_hashes() -> dict[str, str]:
    """Return the SHA-256 of every file that a build reads, by its path from the repository's root."""
    root = HERE.parents[1]
    files = [*SOURCES.glob("*.v"), *CERTIFICATES.glob("*.json"), HERE / "export.py", HERE / "build.py"]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.exists()
    }


def read_manifest(path: Path = MANIFEST) -> Manifest:
    """Return the committed record compared with the sources; one that is missing or unreadable is stale."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        theorems = {
            name: Theorem(**{**one, "axioms": tuple(one["axioms"])}) for name, one in record["theorems"].items()
        }
        manifest = Manifest(record["coq"], record["sources"], record["claims"], theorems)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Manifest("", {}, {}, {}, (f"{path.name} cannot be read ({type(error).__name__}): run make formal",))
    return dataclasses.replace(manifest, stale=tuple(_differences(manifest.sources, source_hashes())))


def _differences(recorded: Mapping[str, str], present: Mapping[str, str]) -> list[str]:
    changed = sorted(name for name in recorded.keys() & present.keys() if recorded[name] != present[name])
    return [
        *(f"{name} was edited after the build" for name in changed),
        *(f"{name} is new since the build" for name in sorted(present.keys() - recorded.keys())),
        *(f"{name} is gone since the build" for name in sorted(recorded.keys() - present.keys())),
    ]


def strength(claim: Claim, verdict: Verdict | None = None, manifest: Manifest | None = None) -> str:
    """Return what a verdict of ``claim`` rests on: one of `STRENGTHS`, or "" where nothing was decided.

    Args:
        claim: the claim.
        verdict: what its check said, by default what is expected.
        manifest: the record to look in, by default the committed one.
    """
    verdict = claim.expected if verdict is None else verdict
    if verdict not in (Verdict.PROVED, Verdict.REFUTED, Verdict.SUPPORTED):
        return ""
    if verdict is claim.expected and (read_manifest() if manifest is None else manifest).covers(claim):
        return "kernel"
    return "exact" if claim.kind != "measured" and verdict is not Verdict.SUPPORTED else "measured"


def plain(manifest: Manifest) -> dict[str, Any]:
    """Return the record as JSON holds it."""
    fields = dataclasses.asdict(manifest)
    del fields["stale"]
    return fields
